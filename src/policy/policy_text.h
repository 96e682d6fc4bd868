/*
 * Policies as Cedar text, from their parsed form: what came from JSON, what a link makes, what partial evaluation leaves.
 *
 * Reading the text gives the same policies again. A link is written as the policy that it makes, and an id that neither an @id
 * nor the place among the policies would give becomes an @id. The text is laid out by policy_format().
 */
#ifndef GATEHOUSE_POLICY_POLICY_TEXT_H
#define GATEHOUSE_POLICY_POLICY_TEXT_H

#include "policy/ast.h"

/* All policies and templates of the set, appended. STATUS_INVALID "policy.depth" where parentheses nest deeper than a text may. */
enum status policy_set_write_text(const struct policy_set *set, struct buffer *to);
/* One expression, on one line. */
void policy_write_expression(const struct expression *expression, struct buffer *to);

#endif
