/*
 * Values copied into one block of heap memory, so that what lives long takes one allocation and no more room than it needs.
 */
#ifndef GATEHOUSE_POLICY_PACK_H
#define GATEHOUSE_POLICY_PACK_H

#include "model/value.h"

constexpr size_t PACK_VALUES_MAX = 2;

struct packed_values {
	const struct value
		*values[PACK_VALUES_MAX]; /* null where null was given; the first other one begins the block */
};

/* Deep copies; sets come out sorted. */
enum status pack_values(const struct value *const *values, size_t count, struct packed_values *packed);
void pack_free(struct packed_values *packed); /* a cleanup function */

#endif
