/*
 * What draws a policy over a drawn schema: values (differential_value.c), expressions of a wanted type, most of them well typed, most of
 * them guarded (differential_expression.c), scopes and policies (differential_policy.c).
 */
#ifndef GATEHOUSE_POLICY_DIFFERENTIAL_DRAW_H
#define GATEHOUSE_POLICY_DIFFERENTIAL_DRAW_H

#include "policy/differential_case.h"

constexpr size_t GUARDS_MAX = 12;
constexpr size_t GUARD_SIZE = 96;

struct environment { /* of one policy */
	size_t principal, resource, action;
	char guards[GUARDS_MAX][GUARD_SIZE]; /* of the condition being drawn */
	size_t guard_count;
};

/* Of the kinds up to DRAFT_DURATION. */
extern const struct draft_type plain_types[];
#define PLAIN(kind) (&plain_types[kind])

bool same_types(const struct draft_type *a, const struct draft_type *b);
bool is_plain_name(const char *name);
const char *pick(struct draft *draft, const char *const *choices, size_t count);
void draw_uid(struct draft *draft, size_t entity, struct buffer *to);
void draw_action_uid(struct draft *draft, size_t action, struct buffer *to);
void draw_literal(struct draft *draft, struct environment *environment, const struct draft_type *type, size_t depth,
		  struct buffer *to);
void draw_expression(struct draft *draft, struct environment *environment, const struct draft_type *type, size_t depth,
		     struct buffer *to);
#define PICK(draft, ...)                                                                                               \
	pick(draft, (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

#endif
