/*
 * Who has left the epoch that a shared key was in before, and what they had counted then. docs/PROTOCOL.threshold §16, "Leaving".
 *
 * When a key is dealt anew, a holder that has taken its new share signs nothing of the epoch before any more, and tells every holder of
 * the new one so, with all that it had counted. A keeper signs with the new share only when as many holders of both epochs as the former
 * threshold have left: these and any signers of the former epoch meet, so that whatever was signed is known here, and nothing of the
 * former epoch is signed any more. Each such word is an entry "left" of the log, with the spends that this keeper does not count itself:
 * the state holds them for as long as a window sees (gate/counted.h).
 *
 * Plain values. Threads: one. Errors: STATUS_UNAVAILABLE "key.unsettled"; of entries STATUS_CORRUPT "left.*".
 */
#ifndef GATEHOUSE_GATE_LEAVING_H
#define GATEHOUSE_GATE_LEAVING_H

#include "gate/record.h"
#include "keys/threshold/sharing.h"

struct gate;
struct shared_key;

struct leaving {
	uint8_t needed; /* so many must have left; 0: there was no epoch before */
	uint8_t count;
	uint8_t parties[PARTIES_MAX]; /* that held a share and do, admitted no other time since: ascending */
	bool has_left[PARTIES_MAX];
	bool has_come_in; /* this keeper held no share of the former epoch, or lost it */
};

/* The key goes over to this sharing; self is the name of this keeper. */
void leaving_begin(struct leaving *leaving, const struct sharing *before, const struct sharing *now, const char *self);
/* Whether that party is to leave and has not, as far as is known here. */
bool leaving_is_awaited(const struct leaving *leaving, uint8_t party);
/* Enough have left; or all that are keepers still, as they were admitted then. */
bool leaving_is_settled(const struct gate_state *state, const struct shared_key *key);
enum status leaving_need_settled(const struct gate_state *state, const struct shared_key *key);

/* What a holder said as it left: its own statement, and how that is signed. */
struct left {
	const struct shared_key *key;
	uint8_t party;
	bool is_stopped; /* there the key is frozen, or destroyed */
	int64_t heard_ms;
	struct hash256 head; /* of all that it has told on its connection */
	struct hash256 certificate;
	uint8_t public_key[32]; /* Ed25519 */
	uint8_t signature[64];
};
/* The body of an entry "left", with what that party has told of the key; large lists are put into blobs. STATUS_INVALID: it told what
 * cannot be recorded. */
enum status left_write(const struct gate_state *state, const struct left *left, const struct record_blobs *blobs,
		       struct buffer *body);
/* Its effect: the spends are kept, the party has left; who has come in takes over that the key is frozen. */
enum status left_apply(struct gate *gate, struct arena *arena, const json *body);

/* For snapshots. */
void leaving_write(const struct leaving *leaving, struct buffer *to);
enum status leaving_read(struct cursor *cursor, struct leaving *leaving);

#endif
