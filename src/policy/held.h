/*
 * Held: a request that is denied now and would be permitted with more approvals. Design §4.
 *
 * Approvals reach the context as counts of distinct eligible people per group ("approvals.treasury"). The search finds the
 * smallest additional counts under which the decision is permit: the least in sum, and the lexicographically least among
 * those, in the order in which the counters are given. It decides partially first, with the counters unknown
 * (policy/partial.h), and then only over what is left, and over the counters that this speaks of. It relies on more approvals never hurting (the validator sees to it),
 * asks for the greatest obtainable counts first, and is bounded: a set that would need more decisions than HELD_DECISIONS_MAX
 * gives STATUS_TOO_LARGE.
 */
#ifndef GATEHOUSE_POLICY_HELD_H
#define GATEHOUSE_POLICY_HELD_H

#include "policy/policy.h"

constexpr size_t HELD_COUNTERS_MAX = 64;
constexpr size_t HELD_DECISIONS_MAX = 20'000;

struct policy_counter {
	struct bytes path;  /* below the context: "approvals.treasury"; must be there, a Long */
	int64_t current;    /* what the context holds */
	int64_t obtainable; /* the most that it can become, people who could still approve included; ≥ current */
	int64_t needed;     /* with less of it nothing is permitted, whatever the policies say */
};

struct policy_held {
	bool is_held;                       /* false: permitted already, or never by approvals alone */
	bool is_permitted;                  /* permitted as it stands: missing is all zero */
	int64_t missing[HELD_COUNTERS_MAX]; /* per counter */
	bool is_asked[HELD_COUNTERS_MAX];   /* what is left of the policies speaks of it: none where nothing is left */
	size_t decisions;                   /* how many were tried, over what was left */
};

/* Where the flag is true in the context nothing is permitted with less of the counter, whatever the policies say. */
struct policy_floor {
	const char *flag, *counter; /* paths below the context */
	int64_t needed;
};
/* floor may be null: it holds. */
bool policy_floor_holds(const struct policy_floor *floor, const struct value *context);
/* What it needs, in the counters of a search. */
void policy_floor_need(const struct policy_floor *floor, const struct value *context, struct policy_counter *counters,
		       size_t count);

/* Errors: held.counters, held.path, held.range; held.bound (STATUS_TOO_LARGE). Uses scratch for everything. */
enum status policy_held(const struct policy_set *set, const struct policy_entities *entities,
			const struct policy_request *request, struct policy_options options,
			const struct policy_counter *counters, size_t count, struct arena *scratch,
			struct policy_held *held);

#endif
