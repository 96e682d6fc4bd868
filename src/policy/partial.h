/*
 * Partial evaluation: what a set of policies says of a request while some facts are not known.
 *
 * The result is a set again. A policy that could not be satisfied is left out; one that is satisfied has no conditions; one
 * that fails has what fails; of every other there remains what depends on the unknown facts, with all else put in. Over the
 * same entities and the same request it decides, names reasons and fails as the original does, whatever the facts turn out
 * to be. It can be printed (policy_set_write_text()).
 *
 * An unknown fact is an attribute of the context, by its path; it is there, with a value that nothing is known of.
 * Owner: the caller destroys the set, which borrows from the original, the entities, the request and the arena, in which it
 * is made. Errors: partial.path.
 */
#ifndef GATEHOUSE_POLICY_PARTIAL_H
#define GATEHOUSE_POLICY_PARTIAL_H

#include "policy/policy.h"

struct policy_unknowns {
	const struct bytes *paths; /* below the context: "approvals.treasury" */
	size_t count;
};

enum partial_decision { PARTIAL_DENY, PARTIAL_ALLOW, PARTIAL_OPEN };

struct policy_partial {
	struct policy_set *residual;    /* sealed */
	enum partial_decision decision; /* what is certain: of the options' strictness */
	size_t open_count;              /* policies that depend on what is not known */
};

enum status policy_decide_partially(const struct policy_set *set, const struct policy_entities *entities,
				    const struct policy_request *request, struct policy_options options,
				    const struct policy_unknowns *unknowns, struct arena *arena,
				    struct policy_partial *partial);

#endif
