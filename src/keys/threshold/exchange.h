/*
 * The rounds of one session at one party: what has come from whom, what goes to whom, and whether all of it is still
 * sound.
 *
 * A protocol is a table: its message kinds, one a round, and for each round the step that a party takes once everyone
 * has spoken in it. In each round a party makes one frame for every other party and waits for one from each. A round ends
 * when all have been heard and the own frames are made: a party that has something to do first (to store a share) makes
 * those of that round when it has done it. A peer may be one round ahead. A frame that is repeated byte for byte is
 * ignored, so that a party can send again what it has stored; a different one for the same round ends the session. So
 * does a step that fails. Ending is for good: every other party gets the same abort frame, whatever the reason was; the
 * reason and whom it points at stay here, for the own ledger.
 *
 * Memory: the exchange owns all frames, wiped when it is destroyed; it is part of the protocol's own state. Threads: one.
 * No I/O: the caller carries frames. Errors: "exchange.*"; after the end STATUS_CONFLICT "exchange.over".
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_EXCHANGE_H
#define GATEHOUSE_KEYS_THRESHOLD_EXCHANGE_H

#include "keys/threshold/message.h"

constexpr size_t EXCHANGE_ROUNDS_MAX = 3;

enum exchange_state { EXCHANGE_RUNNING, EXCHANGE_DONE, EXCHANGE_ABORTED };

/* Static. self: what exchange_open() was given. */
struct exchange_protocol {
	const struct message_kind *kinds; /* one a round */
	size_t rounds;
	/* One a round: checks what came, calls exchange_advance() and makes the frames of the next round, if it has any yet.
	 * While it looks at what one party sent it names that one in exchange->suspect. */
	enum status (*steps[EXCHANGE_ROUNDS_MAX])(void *self);
	/* What multiplies the units of fields from one party to another; null: nothing does. */
	struct message_counts (*counts)(const void *self, uint8_t from, uint8_t to);
	/* After a failure of that kind has ended the session, before anything else leaves: wipes what is secret. */
	void (*ended)(void *self, enum status reason);
};

struct exchange {
	struct protocol_session session;
	const struct exchange_protocol *protocol;
	void *self;
	enum exchange_state state;
	size_t round;      /* from 0 */
	uint8_t suspect;   /* in a step: whose message is being checked; 0: nobody's alone */
	uint8_t looked_at; /* in a step: which field of its kind is, from 1; 0: none, or several together */
	const struct message_field *failed_field; /* of an abort: which failed a check; null: none alone */
	size_t failed_round; /* of an abort: from 0, of the message that failed; all rounds where none did */
	uint8_t culprit;     /* of an abort: the party whose message failed a check; 0: the check names none */
	uint8_t ended_by; /* of an abort: the peer that ended the session, for a reason that it keeps; 0: a check here */
	struct buffer received[EXCHANGE_ROUNDS_MAX][PARTIES_MAX];
	struct buffer sent[EXCHANGE_ROUNDS_MAX + 1][PARTIES_MAX]; /* the last: abort frames */
	size_t next_round, next_party;                            /* of exchange_next() */
};

/* Takes a copy of the session. Any earlier content must have been destroyed. */
void exchange_open(struct exchange *exchange, const struct protocol_session *session,
		   const struct exchange_protocol *protocol, void *self);
void exchange_close(struct exchange *exchange); /* wipes; a cleanup function */

/* The frame to one party in the current round, header written, to append the fields to. */
struct buffer *exchange_frame(struct exchange *exchange, size_t position);
/* The same fields to every other party in the current round. */
enum status exchange_tell_all(struct exchange *exchange, struct bytes fields);
/* The fields of what a party sent in the current round. */
enum status exchange_fields(const struct exchange *exchange, size_t position, struct bytes *fields);
/* What the next checks are of: a field of what the suspect sent, by its number in its kind; of nobody's any more. */
static inline void
exchange_look_at(struct exchange *exchange, size_t field) {
	exchange->looked_at = (uint8_t)(field + 1);
}
static inline void
exchange_look_away(struct exchange *exchange) {
	exchange->suspect = exchange->looked_at = 0;
}
/* To the next round; past the last one the session is done. */
void exchange_advance(struct exchange *exchange);

/* Takes a frame in, and every step that is due. A frame that is not of this session or its peers fails with
 * "exchange.stray" and ends nothing; whatever else fails has ended the session, and exchange->culprit says whom it names
 * (a failure of this program's own, no memory, names nobody). */
enum status exchange_receive(struct exchange *exchange, struct bytes frame);
/* Every step that is due: after the own frames of a round were made outside of a step. */
enum status exchange_go_on(struct exchange *exchange);

/* The next frame to send, and the index of its receiver; false: none now. The view is valid until the
 * exchange is closed or has ended. */
bool exchange_next(struct exchange *exchange, uint8_t *to, struct bytes *frame);
/* Starts again from the first frame: for a peer that has lost them. */
void exchange_rewind(struct exchange *exchange);

#endif
