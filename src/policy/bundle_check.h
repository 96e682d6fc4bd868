/*
 * What a bundle must be before it may be put into force: that it fits the host that will decide with it, and holds by itself.
 *
 *   its schema says of the host's entities, actions and facts nothing that is not so (the host's schema says what is so);
 *   its entities are of types of its own, never of the host's: keys, accounts and people come from the host's state alone;
 *   its policies validate against it, strictly (that its entities fit it was seen when they were read);
 *   none of its ids begins with BUNDLE_LOCAL_PREFIX;
 *   approvals and reported facts stand only where they may (policy/monotone.h);
 *   the policies of a table of limits are what the table compiles to.
 *
 * Errors: findings "bundle.schema_*", "bundle.shadows", "bundle.limits_differ", "bundle.reserved_id", "validate.*", "monotone.*".
 */
#ifndef GATEHOUSE_POLICY_BUNDLE_CHECK_H
#define GATEHOUSE_POLICY_BUNDLE_CHECK_H

#include "policy/bundle.h"
#include "policy/held.h"
#include "policy/monotone.h"

struct bundle_host {
	const struct policy_schema *schema;
	/* Records of the context, "approvals.group", whose fields are Longs under names that only the state knows. */
	const char *const *open_records;
	size_t open_record_count;
	struct monotone_rules monotone;
	const struct policy_floor *floor; /* null: none */
};

/* STATUS_INVALID where there are findings; diagnostics and warnings may be null. */
enum status bundle_check(const struct bundle *bundle, const struct bundle_host *host,
			 struct policy_diagnostics *diagnostics, struct policy_diagnostics *warnings);

/* That it can only forbid: no policy or template of it permits, and it brings no entities along that other policies could
 * gain from. STATUS_INVALID: findings "bundle.permit", "bundle.entities"; diagnostics may be null. */
enum status bundle_check_forbids(const struct bundle *bundle, struct policy_diagnostics *diagnostics);

/* The names in the open records that policies may rely on: required fields, in the arena. */
enum status bundle_open_names(const struct bundle *bundle, const struct bundle_host *host, struct arena *arena,
			      const struct bytes **names, size_t *count);

#endif
