/* For tests: what a keeper's state says that others have counted of a key, and it has not. Include after tests/test.h. */
#ifndef GATEHOUSE_TESTS_COUNTED_CENTS_H
#define GATEHOUSE_TESTS_COUNTED_CENTS_H

#include "gate/counted.h"

static inline int64_t
counted_cents(const struct counted_spends *counted, const struct limits *own, const char *key, enum limit_window window,
	      int64_t at_ms) {
	int64_t sums[1][LIMIT_WINDOWS];
	const struct limit_part part = {.dimension = LIMIT_KEY, .subject = bytes_of_text(key)};
	counted_sums(counted, own, &(struct spend){.parts = &part, .part_count = 1}, at_ms, sums);
	return sums[0][window];
}

#endif
