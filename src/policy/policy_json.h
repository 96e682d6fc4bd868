/*
 * Policies in Cedar's JSON form: {"effect", "principal", "action", "resource", "conditions", "annotations"} each, and
 * {"staticPolicies", "templates", "templateLinks"} for a set.
 *
 * Reading gives what the same policy in Cedar syntax gives, with every check of the parser; findings name line and column in
 * the JSON. Writing gives the form that cedar-policy 4.13 writes, members in its order, on one line.
 * Source: Cedar 4.5, "JSON policy format".
 */
#ifndef GATEHOUSE_POLICY_POLICY_JSON_H
#define GATEHOUSE_POLICY_POLICY_JSON_H

#include "policy/policy.h"

/* Adds a whole set, or a single policy, which takes its id as one in a text does. Findings: json.*, policy.*. */
enum status policy_set_add_json(struct policy_set *set, const char *file, struct bytes text,
				struct policy_diagnostics *diagnostics);

/* The set, appended. It need not be sealed. */
enum status policy_set_write_json(const struct policy_set *set, struct buffer *to);
/* One policy or template of it by its id; a link is written as the policy that it makes. */
enum status policy_write_json(const struct policy_set *set, struct bytes id, struct buffer *to);

#endif
