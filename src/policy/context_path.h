/*
 * Paths below the context, as policies write them: context.approvals.total is "approvals.total".
 */
#ifndef GATEHOUSE_POLICY_CONTEXT_PATH_H
#define GATEHOUSE_POLICY_CONTEXT_PATH_H

#include "policy/ast.h"

constexpr size_t CONTEXT_PATH_MAX = 512; /* a longer one is taken for its beginning */

struct context_path {
	char text[CONTEXT_PATH_MAX];
	size_t len;
};

/* Whether the expression is context.a.b, with nothing else in it; "" is the context itself. */
bool expression_context_path(const struct expression *expression, struct context_path *path);
void context_path_append(struct context_path *path, struct bytes name);
/* path is above, or stands below it; above may be "". */
bool context_path_is_below(const char *path, const char *above);

/* Whether some policy of the set speaks of that attribute, of one below it, or of a record that holds it. */
bool policy_set_mentions(const struct policy_set *set, const char *path);

#endif
