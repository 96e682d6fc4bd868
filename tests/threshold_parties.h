/*
 * What tests of threshold protocols are written with: sets of parties, and randomness that repeats.
 *
 * The stream of a party is SHA-256(seed ‖ party ‖ counter), the counter as eight bytes from 0, cut as it is drawn
 * (docs/PROTOCOL.threshold §12).
 */
#ifndef GATEHOUSE_TESTS_THRESHOLD_PARTIES_H
#define GATEHOUSE_TESTS_THRESHOLD_PARTIES_H

#include "keys/threshold/randomness.h"
#include "keys/threshold/session.h"

struct repeating {
	uint8_t seed[32];
	uint8_t party;
	uint64_t counter;
	uint8_t block[32];
	size_t used; /* of the block */
};

static inline struct repeating
repeating_stream(const char *seed, uint8_t party) {
	struct repeating stream = {.party = party, .used = 32};
	struct hash256 hash = sha256(bytes_of_text(seed));
	memcpy(stream.seed, hash.bytes, sizeof stream.seed);
	return stream;
}

static inline void
repeating_fill(void *context, void *to, size_t len) {
	struct repeating *stream = context;
	for (size_t i = 0; i < len; i++) {
		if (stream->used == sizeof stream->block) {
			uint8_t counter[8];
			store_u64be(counter, stream->counter++);
			struct hash256 hash = SHA256_PARTS(BYTES_OF_ARRAY(stream->seed), bytes_of(&stream->party, 1),
							   BYTES_OF_ARRAY(counter));
			memcpy(stream->block, hash.bytes, sizeof stream->block);
			stream->used = 0;
		}
		((uint8_t *)to)[i] = stream->block[stream->used++];
	}
}

/* Parties 1 to count; the identity of party i is SHA-256("party" ‖ i). */
static inline struct party_set
parties_up_to(uint8_t count) {
	struct party_set set = {.count = count};
	for (uint8_t i = 0; i < count; i++) {
		uint8_t index = (uint8_t)(i + 1);
		struct hash256 identity = SHA256_PARTS(BYTES_OF_LITERAL("party"), bytes_of(&index, 1));
		set.parties[i].index = index;
		memcpy(set.parties[i].identity, identity.bytes, PARTY_IDENTITY_SIZE);
	}
	return set;
}

#endif
