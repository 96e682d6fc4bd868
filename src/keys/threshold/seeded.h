/*
 * Randomness that can be drawn again: all that one party draws in one session, from a seed that was drawn once from the system's
 * generator. A party that starts anew makes from it what it had made, and nothing else (docs/PROTOCOL.threshold §22).
 *
 * Block i is HMAC-SHA-256 with the seed as key over label ‖ 00 ‖ purpose (32 bytes) ‖ i as eight bytes; blocks are used from front to
 * back. One seed is for one purpose, and so for one session.
 *
 * Memory: seed and block in a secret; it must lie where it is, since whoever draws holds its address. Threads: one.
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_SEEDED_H
#define GATEHOUSE_KEYS_THRESHOLD_SEEDED_H

#include "base/secret.h"
#include "crypto/hash.h"
#include "keys/threshold/randomness.h"

constexpr size_t SEEDED_SIZE = 32;

struct seeded {
	struct secret memory; /* seed, then the block in use */
	struct hash256 purpose;
	uint64_t counter;
	size_t used; /* of the block */
};

/* Any earlier content must have been ended. */
enum status seeded_start(struct seeded *seeded, struct bytes seed, const struct hash256 *purpose);
void seeded_end(struct seeded *seeded); /* wipes; a cleanup function */
struct randomness seeded_randomness(struct seeded *seeded);

#endif
