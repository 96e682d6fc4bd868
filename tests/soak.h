/* How long a test runs, and from where its cases follow: scripts/soak says both. */
#ifndef GATEHOUSE_TESTS_SOAK_H
#define GATEHOUSE_TESTS_SOAK_H

#include <stdint.h>
#include <stdlib.h>

static inline bool
soak_is_on(void) {
	return getenv("GATEHOUSE_SOAK") != nullptr;
}

/* The first number of a case: a million for every seed; 0 where there is none. */
static inline uint64_t
soak_first_case(void) {
	const char *seed = getenv("GATEHOUSE_SEED");
	return seed == nullptr ? 0 : strtoull(seed, nullptr, 10) * 1'000'000;
}

/* Of cases that take hours, soak tries one in so many: as many runs, with seeds one after the other, try all. The first of this run. */
static inline uint64_t
soak_share(uint64_t of) {
	const char *seed = getenv("GATEHOUSE_SEED");
	return seed == nullptr ? 0 : strtoull(seed, nullptr, 10) % of;
}

#endif
