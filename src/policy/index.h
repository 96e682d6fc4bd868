/*
 * Which policies a request can concern at all: by one uid of their scope.
 *
 * Each policy hangs on its most telling constraint: principal or resource if it names an entity, else its actions, else
 * nothing. A request asks for the policies that hang on its principal, resource and action and on their ancestors, and
 * for those that hang on nothing. What is left out would not match its scope; what is given may still not match.
 * Owner: immutable, in the arena of the set.
 */
#ifndef GATEHOUSE_POLICY_INDEX_H
#define GATEHOUSE_POLICY_INDEX_H

#include "policy/evaluator.h"

struct index_bucket;

struct policy_index {
	struct index_bucket *buckets;
	size_t capacity;  /* a power of two, or 0 */
	bool has_axis[3]; /* by enum variable: does any policy hang there? */
	const uint32_t *unanchored;
	size_t unanchored_count;
	size_t policy_count;
	bool may_repeat; /* a policy hangs on several actions, of which a request may be below more than one */
};

enum status policy_index_build(struct arena *arena, const struct compiled_policy *policies, size_t count,
			       struct policy_index *index);

/* Calls visit with each candidate, once, in no order; ends early where visit does not give OK. */
enum status policy_index_visit(const struct policy_index *index, const struct evaluation *evaluation,
			       enum status (*visit)(void *context, uint32_t policy), void *context);

#endif
