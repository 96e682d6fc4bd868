/*
 * The validator: policies that it accepts cannot fail at run time, but for arithmetic overflow and entities that are not there,
 * on any request and any entities that fit the schema.
 *
 * Strict typing in every environment (an action, with a principal's and a resource's type that it applies to): no two types
 * are compared that could not be equal, sets hold one type, optional attributes and tags are read only behind a `has` or
 * hasTag that must be true there, and extension values are made from literals.
 * Findings: "validate.*". Source: Cedar 4.5, "Policy validation"; the typing rules of Cedar's formal model.
 */
#ifndef GATEHOUSE_POLICY_VALIDATOR_H
#define GATEHOUSE_POLICY_VALIDATOR_H

#include "policy/policy.h"
#include "policy/schema.h"

struct policy_validator_options {
	bool inapplicable_is_error; /* a scope that no action applies to, a warning from language 4.5 on, is an error */
};

/* Templates and links are checked as well. STATUS_INVALID where there are errors. Each list may be null. */
enum status policy_validate(const struct policy_set *set, const struct policy_schema *schema,
			    struct policy_validator_options options, struct policy_diagnostics *errors,
			    struct policy_diagnostics *warnings);

#endif
