/*
 * For constant-time tests of shared keys: randomness that is undefined, leaks that are planted, so that a test which would see none is
 * found out, and whether this is the long run. Include after tests/test.h.
 */
#ifndef GATEHOUSE_TESTS_CONSTANT_TIME_KEYS_H
#define GATEHOUSE_TESTS_CONSTANT_TIME_KEYS_H

#include <stdlib.h>

#include "keys/threshold/randomness.h"
#include "tests/constant_time.h"

static void
fill_undefined(void *, void *to, size_t len) {
	random_bytes(to, len);
	classify(to, len);
}

static const struct randomness UNDEFINED = {.fill = fill_undefined};
static size_t planted; /* leaks, each of which was seen */

static inline bool
is_soak(void) {
	const char *soak = getenv("GATEHOUSE_SOAK");
	return soak != nullptr && strcmp(soak, "1") == 0;
}

/* What leaks: a branch and an index. */
static inline void
plant(const uint8_t *secret) {
	static const char *volatile table = "0123456789abcdef";
	volatile char seen = 0;
	unsigned before = COUNT_ERRORS();
	if (secret[0] & 1)
		seen = 1;
	assert_true(COUNT_ERRORS() > before);
	before = COUNT_ERRORS();
	seen = table[secret[31] & 15];
	(void)seen;
	assert_true(COUNT_ERRORS() > before);
	planted += 2;
}

#endif
