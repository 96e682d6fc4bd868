/*
 * Strings that patterns match or do not: which there are, for a model's codes to be strings.
 *
 * The patterns run side by side as one deterministic automaton over the characters that they name and one that they do not.
 * Its shortest accepted strings are given in order; where they run out, there are no others.
 */
#ifndef GATEHOUSE_POLICY_PROVE_LIKE_H
#define GATEHOUSE_POLICY_PROVE_LIKE_H

#include "base/arena.h"
#include "policy/like.h"

struct like_wish {                 /* of one pattern */
	const struct bytes *parts; /* literal, a wildcard between each two */
	size_t part_count;
	bool matches;
};

/* Up to `wanted` strings that fulfil every wish, the shortest first. *is_all: there are no more.
 * STATUS_TOO_LARGE "prove.like": the patterns are too many or too long to run. */
enum status like_strings(struct arena *arena, const struct like_wish *wishes, size_t count, size_t wanted,
			 struct bytes *strings, size_t *found, bool *is_all);

#endif
