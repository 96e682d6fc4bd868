/*
 * The rounds of one session at one party: what has come from whom, what goes to whom, and whether all of it is still
 * sound.
 *
 * A protocol is a list of message kinds, one a round. In each round a party makes one frame for every other party and
 * waits for one from each. A peer may be one round ahead. A frame that is repeated byte for byte is ignored, so that a
 * party can send again what it has stored; a different one for the same round ends the session. Ending is for good:
 * every other party gets the same abort frame, whatever the reason was; the reason and whom it points at stay here, for
 * the own ledger.
 *
 * Memory: the exchange owns all frames, wiped when it is destroyed. Threads: one. No I/O: the caller carries frames.
 * Errors: "exchange.*"; after the end STATUS_CONFLICT "exchange.over".
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_EXCHANGE_H
#define GATEHOUSE_KEYS_THRESHOLD_EXCHANGE_H

#include "keys/threshold/message.h"

constexpr size_t EXCHANGE_ROUNDS_MAX = 4;

enum exchange_state { EXCHANGE_RUNNING, EXCHANGE_DONE, EXCHANGE_ABORTED };

struct exchange {
	struct protocol_session session;
	const struct message_kind *kinds; /* one a round; static */
	size_t rounds;
	/* What multiplies the units of fields from one party to another; null: nothing does. */
	struct message_counts (*counts)(const void *context, uint8_t from, uint8_t to);
	const void *context;
	enum exchange_state state;
	size_t round;     /* from 0 */
	uint8_t culprit;  /* of an abort: the party whose message failed a check; 0: the check names none */
	uint8_t ended_by; /* of an abort: the peer that ended the session, for a reason that it keeps; 0: a check here */
	struct buffer received[EXCHANGE_ROUNDS_MAX][PARTIES_MAX];
	struct buffer sent[EXCHANGE_ROUNDS_MAX + 1][PARTIES_MAX]; /* the last: abort frames */
	size_t next_round, next_party;                            /* of exchange_next() */
};

/* Takes a copy of the session. Any earlier content must have been destroyed. */
void exchange_open(struct exchange *exchange, const struct protocol_session *session, const struct message_kind *kinds,
		   size_t rounds);
void exchange_close(struct exchange *exchange); /* wipes; a cleanup function */

/* The frame to one party in the current round, header written, to append the fields to. */
struct buffer *exchange_frame(struct exchange *exchange, size_t position);
/* Takes a frame in. Where it fails, *ends says whether the session must end: exchange_abort() with exchange->culprit. A
 * frame that is not of this session or its peers fails with "exchange.stray" and ends nothing. */
enum status exchange_accept(struct exchange *exchange, struct bytes frame, bool *ends);
/* Whether every party has been heard in the current round. */
bool exchange_is_complete(const struct exchange *exchange);
/* The fields of what a party sent in the current round. */
enum status exchange_fields(const struct exchange *exchange, size_t position, struct bytes *fields);
/* To the next round; past the last one the session is done. */
void exchange_advance(struct exchange *exchange);
/* Ends the session and prepares the abort frames. culprit 0: none; a failure of this program's own (no memory) names
 * nobody either. */
void exchange_abort(struct exchange *exchange, enum status reason, uint8_t culprit);

/* The next frame to send, and the index of its receiver; false: none now. The view is valid until the
 * exchange is closed or aborted. */
bool exchange_next(struct exchange *exchange, uint8_t *to, struct bytes *frame);
/* Starts again from the first frame: for a peer that has lost them. */
void exchange_rewind(struct exchange *exchange);

#endif
