/*
 * From a model of the solver to a request: principal, resource, context and entities as the evaluator takes them.
 *
 * What no question spoke of is given the plainest value of its type; optional attributes that no question spoke of are left out.
 */
#ifndef GATEHOUSE_POLICY_PROVE_WITNESS_H
#define GATEHOUSE_POLICY_PROVE_WITNESS_H

#include "policy/prove.h"
#include "policy/prove/solver.h"
#include "policy/prove/symbolic.h"

struct reading {
	struct encoding *encoding;
	struct solver *solver; /* after SOLVER_POSSIBLE */
	struct arena *arena;   /* of the result */
	struct map texts;      /* of codes that are no literal's */
	uint32_t unnamed;
	bool failed;
};

void reading_free(struct reading *reading); /* a cleanup function */

/* Sees that every code can be a string that the patterns match as the model says. Where one cannot, the solver is taught why
 * and *again is true: the question is to be asked anew. STATUS_TOO_LARGE "prove.like". */
enum status reading_settle(struct reading *reading, bool *again);

/* truth: the context as it is, where the gateway is hostile; null otherwise. */
enum status reading_witness(struct reading *reading, const struct symbolic *seen, const struct symbolic *truth,
			    struct prove_witness *witness);

#endif
