/*
 * A firm of any size, for tests and benchmarks of proofs: accounts with limits, approvals, destinations and zones of their own, a
 * permit or a forbid each, and one invariant over all of them. One rule may be planted that breaks it.
 */
#ifndef GATEHOUSE_POLICY_PROVE_GENERATED_H
#define GATEHOUSE_POLICY_PROVE_GENERATED_H

#include "base/bytes.h"

enum plant {
	PLANT_NONE,
	PLANT_LIMIT,     /* the amount without approvals is 1 too high */
	PLANT_VOTES,     /* one vote where two are needed */
	PLANT_EITHER,    /* one condition or the other, where both are meant */
	PLANT_OTHER,     /* the votes of another group */
	PLANT_UNTYPED,   /* the amount is not looked at where it is in another field */
	PLANT_EXCEPTION, /* a forbid that an emergency lifts, with a permit that relies on it */
	PLANT_COUNT,
};

extern const char generated_schema[];
extern const char generated_invariant[];

/* count policies; the planted rule stands at place, below count. */
void generated_policies(struct buffer *to, size_t count, enum plant plant, size_t place);

#endif
