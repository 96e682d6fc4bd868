/*
 * Three rules on what policies may do with facts that grow, beyond what the validator checks. Design §4 and §5.
 *
 *   monotone.approvals   more approvals must never turn permit into deny: in a permit a count stands only where more of it can
 *                        help, in a forbid only where more of it can lift. So a count is compared with <, <=, > or >= and with
 *                        nothing that depends on a count itself.
 *   monotone.reported    a permit for what is guarded must not gain from a fact that the gateway reports: with any report the
 *                        decision is at most what it would be without one.
 *   monotone.break_glass an emergency adds people or speed, never power: a permit that gains from the flag asks for two approvals
 *                        or more in a clause of its own, and no forbid is lifted by it.
 *   monotone.may_fail    an expression that can fail (arithmetic, an attribute of an entity) stands where more approvals, or no
 *                        report, would bring it to be evaluated for the first time: it comes first, or in a clause of its own.
 *
 * The rules look at positions, not at values: a policy set that they accept holds the property on every request that fits the
 * schema; one that they refuse may hold it too, and is then to be written in a way that shows it. The set has been validated.
 * Findings stand at the offending expression. Threads: any.
 */
#ifndef GATEHOUSE_POLICY_MONOTONE_H
#define GATEHOUSE_POLICY_MONOTONE_H

#include "policy/policy.h"
#include "policy/schema.h"

enum monotone_kind {
	MONOTONE_COUNT,     /* a Long of which more may only help: approvals.total */
	MONOTONE_COUNTS,    /* a record of such: approvals.group */
	MONOTONE_OBJECTION, /* a Long of which more may only hurt: approvals.rejections */
	MONOTONE_FLAG,      /* reported, a Boolean that is false without a report: zone.mismatch */
	MONOTONE_REPORT,    /* reported, and absent without a report: zone.seen */
	MONOTONE_EMERGENCY, /* a Boolean that the requester sets: request.break_glass */
};

struct monotone_fact {
	const char *path; /* below the context */
	enum monotone_kind kind;
};

struct monotone_rules {
	const struct monotone_fact *facts;
	size_t count;
	/* Groups of actions for which reported facts may only narrow; none: for all actions. */
	const struct entity_uid *guarded;
	size_t guarded_count;
};

/* STATUS_INVALID where there are findings. diagnostics may be null. */
enum status monotone_check(const struct policy_set *set, const struct policy_schema *schema,
			   const struct monotone_rules *rules, struct policy_diagnostics *diagnostics);

#endif
