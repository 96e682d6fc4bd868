/*
 * What a condition that holds has made safe to read: an optional attribute of an expression, or a tag.
 *
 * Sets of them are immutable lists in an arena; they are small. Two expressions are the same where they are written the same.
 */
#ifndef GATEHOUSE_POLICY_CAPABILITY_H
#define GATEHOUSE_POLICY_CAPABILITY_H

#include "policy/ast.h"

struct capability {
	const struct expression *target;
	bool is_tag;
	struct bytes attribute;       /* unless it is a tag */
	const struct expression *tag; /* if it is */
	const struct capability *next;
};

bool capability_holds(const struct capability *known, const struct capability *wanted);
enum status capability_add(struct arena *arena, const struct capability *capability, const struct capability **list);
enum status capability_unite(struct arena *arena, const struct capability *a, const struct capability *b,
			     const struct capability **both);
enum status capability_intersect(struct arena *arena, const struct capability *a, const struct capability *b,
				 const struct capability **common);

#endif
