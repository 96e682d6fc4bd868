/*
 * The types of the validator: what a schema declares, and what an expression was found to have.
 *
 * true and false have types of their own, so that what a policy's scope rules out need not be checked. Types are immutable
 * and live in an arena. Source: Cedar 4.5, "Policy validation"; the typing rules of Cedar's formal model.
 */
#ifndef GATEHOUSE_POLICY_TYPE_H
#define GATEHOUSE_POLICY_TYPE_H

#include "base/arena.h"

enum type_kind {
	TYPE_FALSE,
	TYPE_TRUE,
	TYPE_BOOLEAN,
	TYPE_LONG,
	TYPE_STRING,
	TYPE_ENTITY, /* entity */
	TYPE_SET,    /* element */
	TYPE_RECORD, /* fields */
	TYPE_DECIMAL,
	TYPE_IPADDR,
	TYPE_DATETIME,
	TYPE_DURATION,
};

struct type_field;

struct type {
	enum type_kind kind;
	uint32_t entity; /* number of the entity type in its schema */
	const struct type *element;
	const struct type_field *fields; /* by ascending name */
	size_t field_count;
	uint32_t depth; /* of a set or record */
	size_t size;    /* of a set or record: how many types it is made of, shared ones counted again */
};

/* A schema with a larger type is refused: what walks types takes as long as they are large. */
constexpr size_t TYPE_SIZE_MAX = 50'000;

struct type_field {
	struct bytes name;
	const struct type *type;
	bool is_required;
};

/* Of the kinds without parts. */
const struct type *type_plain(enum type_kind kind);

static inline bool
type_is_boolean(const struct type *type) {
	return type->kind <= TYPE_BOOLEAN;
}

const struct type_field *type_find_field(const struct type *record, struct bytes name);

/* The least type that holds both, or null if there is none: types must be equal but for true, false and bool.
 * STATUS_NO_MEMORY only. */
enum status type_join(struct arena *arena, const struct type *a, const struct type *b, const struct type **joined);

struct policy_schema;
/* `Set<User>`, `{age?: Long}`: for messages. */
void type_describe(const struct policy_schema *schema, const struct type *type, struct buffer *to);

#endif
