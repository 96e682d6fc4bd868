/*
 * One-time passwords of people (identity/totp.h), as a second factor beside an Ed25519 key: enrolled by principal.totp_add, taken with
 * an operation. The secret lies in secrets.db, sealed under a key from the root key, and in locked memory; in the log stands a
 * commitment to it, and which step was taken.
 *
 * Who fails waits ever longer (identity/throttle.h), and after a hundred failures in a row the authenticator is disabled until
 * another is enrolled (NIST SP 800-63B-4 §3.2.2). Only what is signed with the person's key is compared at all. The code stands beside
 * that signature: whoever the operation passes through can put others in its place. So each operation has three tries and no more: nobody
 * else has many guesses, and who withholds thirty-three of a person's operations cannot disable the authenticator by them.
 *
 * Owner: the gate's state. Threads: the deciding one. Errors: STATUS_UNAUTHORIZED totp.none, totp.disabled, totp.tried, totp.mismatch;
 * STATUS_RATE totp.throttled; STATUS_INVALID totp.form, totp.secret, payload.*; STATUS_UNAUTHORIZED secret.commitment.
 */
#ifndef GATEHOUSE_GATE_ONE_TIME_H
#define GATEHOUSE_GATE_ONE_TIME_H

#include "gate/state.h"

#define ONE_TIME_LABEL "gatehouse/totp/v1" /* of the key that seals the secrets, and within what they are sealed with */
constexpr uint32_t ONE_TIME_FAILURES_MAX = 100;
constexpr uint8_t ONE_TIME_TRIES = 3; /* for one operation */
constexpr size_t ONE_TIME_TRIED_MAX =
	40; /* a person's newest operations with a failure that are remembered: more than have all their tries in a row */

void one_time_free(struct gate_state *state);

/* principal.totp_add: {"algorithm", "commitment", "digits"}. The act: the secret {"salt", "value"} is what the payload commits to, and
 * is kept; a row first, then the entry. */
enum status one_time_store(struct gate_state *state, struct bytes person, const json *payload, const json *secret);
/* The change, live and when restoring; another one takes its place. */
enum status one_time_add(struct gate_state *state, struct bytes person, const json *payload);
enum status one_time_check_payload(const json *payload);

/* A code of theirs, taken once: *step is recorded. */
enum status one_time_take(struct gate_state *state, struct bytes person, const struct hash256 *operation,
			  struct bytes code, int64_t now_ms, int64_t *step);
/* The same from the log: a step was taken, or a code did not match; of which operation may be null. */
void one_time_follow(struct gate_state *state, struct bytes person, int64_t step);
void one_time_follow_failure(struct gate_state *state, struct bytes person, const struct hash256 *operation);

/* After the last entry: the secrets are opened; rows that no entry made, or that another took the place of, go. */
enum status one_time_open(struct gate_state *state);
enum status one_time_reconcile(struct gate_state *state);

enum status one_time_write(const struct gate_state *state, struct buffer *to);
enum status one_time_read(struct gate_state *state, struct bytes part);

#endif
