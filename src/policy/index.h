/*
 * Which policies a request can concern at all: by what their scopes ask for.
 *
 * Each policy hangs on its most telling constraint: the entity that its principal or resource must be or be in, else the
 * type that one of them must be, else nothing. What hangs on one of these is grouped by action. A request asks for what
 * hangs on its principal, its resource, their ancestors and their types, and on nothing, and there for the groups of its
 * action, of what that is in, and of any action. What is left out would not match its scope; what is given may still not
 * match. Effects are no part of it: a decision names every policy that erred, so that it evaluates permits beside a forbid.
 * Owner: immutable, in the arena of the set.
 */
#ifndef GATEHOUSE_POLICY_INDEX_H
#define GATEHOUSE_POLICY_INDEX_H

#include "policy/evaluator.h"

enum index_axis { INDEX_PRINCIPAL, INDEX_RESOURCE, INDEX_PRINCIPAL_TYPE, INDEX_RESOURCE_TYPE, INDEX_NONE };
constexpr size_t INDEX_AXES = INDEX_NONE + 1;

struct index_bucket;
struct index_group;

struct policy_index {
	struct index_bucket *buckets;
	size_t capacity;           /* a power of two */
	bool has_axis[INDEX_AXES]; /* does any policy hang there? */
	const struct index_group *groups;
	const uint32_t *policies;
	size_t policy_count;
	bool may_repeat; /* a policy is in the groups of several actions, of which a request may be below more than one */
};

enum status policy_index_build(struct arena *arena, const struct compiled_policy *policies, size_t count,
			       struct policy_index *index);

/* Calls visit with each candidate, once, in no order; ends early where visit does not give OK. */
enum status policy_index_visit(const struct policy_index *index, const struct evaluation *evaluation,
			       enum status (*visit)(void *context, uint32_t policy), void *context);

#endif
