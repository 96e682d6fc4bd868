/*
 * Which policies, and which of their conditions, a series of requests has tried.
 *
 * A policy is covered by a request that satisfies it. Its conditions are what stands between &&, ||, !, if and the clauses
 * themselves, as far as they are not constants; each is covered in both ways once it has been true and been false, in the order
 * in which Cedar evaluates: what a request did not reach it has not tried.
 *
 * Owner: the caller; borrows the set. Threads: one.
 */
#ifndef GATEHOUSE_POLICY_COVERAGE_H
#define GATEHOUSE_POLICY_COVERAGE_H

#include "policy/policy.h"

struct coverage;

enum status coverage_create(struct coverage **coverage, const struct policy_set *set);
void coverage_destroy(struct coverage **coverage); /* a cleanup function */
enum status coverage_add(struct coverage *coverage, const struct policy_entities *entities,
			 const struct policy_request *request);

struct coverage_counts {
	size_t policies, policies_covered;
	size_t conditions, conditions_covered; /* each counts twice: true, false */
};
struct coverage_counts coverage_counts(const struct coverage *coverage);

struct coverage_gap {
	struct bytes policy;
	const char *file;
	size_t line, column;
	const char *never; /* "satisfied", "true", "false" */
};
/* The i-th thing that was not covered, in the order of policies; false beyond the last. */
bool coverage_gap(const struct coverage *coverage, size_t i, struct coverage_gap *gap);

#endif
