/*
 * Where a protocol draws its randomness from: the system's generator, or, for test vectors and nothing else, a stream
 * that repeats. A party of a protocol holds a copy; context is borrowed.
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_RANDOMNESS_H
#define GATEHOUSE_KEYS_THRESHOLD_RANDOMNESS_H

#include "crypto/random.h"

struct randomness {
	void (*fill)(void *context, void *to, size_t len); /* null: the system's generator */
	void *context;
};

static inline void
randomness_fill(const struct randomness *randomness, void *to, size_t len) {
	if (randomness->fill == nullptr)
		random_bytes(to, len);
	else
		randomness->fill(randomness->context, to, len);
}

#endif
