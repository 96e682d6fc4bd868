/*
 * Challenges for signing in: 32 bytes that a passkey signs, which say themselves when they were made and by whom, so that
 * nothing is kept for those that nobody uses.
 *
 *   8 bytes  time, ms since 1970, big-endian
 *   8 bytes  random
 *   16 bytes HMAC-SHA-256 over "gatehouse/sign-in-challenge/v1", a zero byte and the above, under a key that lives as long as
 *            the process: the first half
 *
 * One is good for two minutes and for one sign-in; those used are remembered until they would have expired. What was signed
 * for anything else (an operation's digest, an approval's, an enrolment's) is none of ours, and the other way round.
 *
 * Owner: the caller. Threads: challenge_check() many readers, all else one. Errors: STATUS_UNAUTHORIZED challenge.foreign,
 * challenge.expired, challenge.used; STATUS_UNAVAILABLE challenge.overloaded.
 */
#ifndef GATEHOUSE_IDENTITY_CHALLENGES_H
#define GATEHOUSE_IDENTITY_CHALLENGES_H

#include "base/map.h"

constexpr size_t CHALLENGE_SIZE = 32;
constexpr int64_t CHALLENGE_LIFETIME_MS = 120'000;
constexpr size_t CHALLENGES_USED_MAX = 64 * 1024; /* within one lifetime */

struct challenges {
	uint8_t key[32];
	struct map used, used_before; /* in this lifetime and in the one before it */
	int64_t began_ms;             /* this one */
};

void challenges_start(struct challenges *challenges);
void challenges_free(struct challenges *challenges); /* a cleanup function */

/* Returns when it expires. */
int64_t challenge_make(const struct challenges *challenges, int64_t now_ms, uint8_t challenge[static CHALLENGE_SIZE]);
/* Ours and of these two minutes; whether it was used is for challenge_use() to say. */
enum status challenge_check(const struct challenges *challenges, const uint8_t challenge[static CHALLENGE_SIZE],
			    int64_t now_ms);
/* In order, once what was signed with it has been verified. */
enum status challenge_use(struct challenges *challenges, const uint8_t challenge[static CHALLENGE_SIZE],
			  int64_t now_ms);

/* When it says that it was made; of one that need not be ours, as replay reads it. */
int64_t challenge_time(const uint8_t challenge[static CHALLENGE_SIZE]);

#endif
