/*
 * Policies as terms: over all requests of an environment, when one is satisfied and when it cannot be evaluated.
 *
 * Exactly what the evaluator does (policy/evaluator.h), errors included: conditions run in order and stop at the first
 * that does not hold or fails; && || and if-then-else evaluate no more than they need. What terms cannot say is noted as
 * unsupported and left free, so that it may come out either way.
 */
#ifndef GATEHOUSE_POLICY_PROVE_COMPILE_H
#define GATEHOUSE_POLICY_PROVE_COMPILE_H

#include "policy/compile.h"
#include "policy/prove/symbolic.h"

struct compiled {
	const struct term *scope; /* of principal, action and resource */
	const struct term *satisfied;
	const struct term *errs; /* cannot be evaluated; never together with satisfied */
	bool is_free;            /* something in it is unsupported */
};

/* The encoding's failures are for encoding_status(). */
void compile_policy(struct encoding *encoding, const struct compiled_policy *policy, struct compiled *compiled);

/* What follows is between compile.c and compile_call.c. */

struct outcome {
	const struct term *errs;
	struct symbolic value; /* of no meaning where it errs */
};

void compile_expression(struct encoding *encoding, const struct expression *expression, struct outcome *outcome);
void compile_call(struct encoding *encoding, const struct expression *expression, struct outcome *outcome);
/* False, and an outcome that always errs, where the value is of another type. */
bool compile_need(struct encoding *encoding, const struct outcome *found, enum value_type type,
		  struct outcome *outcome);

#endif
