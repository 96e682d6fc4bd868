/*
 * Random cases for the comparison with the reference implementation: a schema, entities, policies, requests.
 *
 * A case is a function of its seed. Most of it is well formed and well typed; here and there something is not, so that both
 * sides must agree on what is refused as well. Every construct of the grammars is counted where it is written.
 * Left out by name: integers beyond 2^53 where they would pass through the JSON of JavaScript, which cannot hold them.
 */
#ifndef GATEHOUSE_POLICY_DIFFERENTIAL_CASE_H
#define GATEHOUSE_POLICY_DIFFERENTIAL_CASE_H

#include "base/arena.h"

#define DIFFERENTIAL_CONSTRUCTS(X)                                                                                     \
	X(permit)                                                                                                      \
	X(forbid)                                                                                                      \
	X(annotation)                                                                                                  \
	X(annotation_bare)                                                                                             \
	X(comment)                                                                                                     \
	X(trailing_comma)                                                                                              \
	X(when)                                                                                                        \
	X(unless)                                                                                                      \
	X(scope_principal_any)                                                                                         \
	X(scope_principal_equal)                                                                                       \
	X(scope_principal_in)                                                                                          \
	X(scope_principal_is)                                                                                          \
	X(scope_principal_is_in)                                                                                       \
	X(scope_action_any)                                                                                            \
	X(scope_action_equal)                                                                                          \
	X(scope_action_in)                                                                                             \
	X(scope_action_in_list)                                                                                        \
	X(scope_resource_any)                                                                                          \
	X(scope_resource_equal)                                                                                        \
	X(scope_resource_in)                                                                                           \
	X(scope_resource_is)                                                                                           \
	X(scope_resource_is_in)                                                                                        \
	X(slot_principal)                                                                                              \
	X(slot_resource)                                                                                               \
	X(link)                                                                                                        \
	X(set_in_json)                                                                                                 \
	X(set_in_text)                                                                                                 \
	X(variable_principal)                                                                                          \
	X(variable_action)                                                                                             \
	X(variable_resource)                                                                                           \
	X(variable_context)                                                                                            \
	X(literal_true)                                                                                                \
	X(literal_false)                                                                                               \
	X(literal_long)                                                                                                \
	X(literal_long_extreme)                                                                                        \
	X(literal_string)                                                                                              \
	X(literal_escape)                                                                                              \
	X(literal_entity)                                                                                              \
	X(literal_set)                                                                                                 \
	X(literal_set_empty)                                                                                           \
	X(literal_record)                                                                                              \
	X(literal_record_string_key)                                                                                   \
	X(parentheses)                                                                                                 \
	X(if_then_else)                                                                                                \
	X(and)                                                                                                         \
	X(or)                                                                                                          \
	X(not)                                                                                                         \
	X(negate)                                                                                                      \
	X(equal)                                                                                                       \
	X(not_equal)                                                                                                   \
	X(less)                                                                                                        \
	X(less_equal)                                                                                                  \
	X(greater)                                                                                                     \
	X(greater_equal)                                                                                               \
	X(in)                                                                                                          \
	X(in_set)                                                                                                      \
	X(add)                                                                                                         \
	X(subtract)                                                                                                    \
	X(multiply)                                                                                                    \
	X(has)                                                                                                         \
	X(has_string)                                                                                                  \
	X(has_dotted)                                                                                                  \
	X(like)                                                                                                        \
	X(like_star)                                                                                                   \
	X(is)                                                                                                          \
	X(is_in)                                                                                                       \
	X(attribute)                                                                                                   \
	X(attribute_index)                                                                                             \
	X(contains)                                                                                                    \
	X(containsAll)                                                                                                 \
	X(containsAny)                                                                                                 \
	X(isEmpty)                                                                                                     \
	X(hasTag)                                                                                                      \
	X(getTag)                                                                                                      \
	X(decimal)                                                                                                     \
	X(lessThan)                                                                                                    \
	X(lessThanOrEqual)                                                                                             \
	X(greaterThan)                                                                                                 \
	X(greaterThanOrEqual)                                                                                          \
	X(ip)                                                                                                          \
	X(isIpv4)                                                                                                      \
	X(isIpv6)                                                                                                      \
	X(isLoopback)                                                                                                  \
	X(isMulticast)                                                                                                 \
	X(isInRange)                                                                                                   \
	X(datetime)                                                                                                    \
	X(offset)                                                                                                      \
	X(durationSince)                                                                                               \
	X(toDate)                                                                                                      \
	X(toTime)                                                                                                      \
	X(duration)                                                                                                    \
	X(toMilliseconds)                                                                                              \
	X(toSeconds)                                                                                                   \
	X(toMinutes)                                                                                                   \
	X(toHours)                                                                                                     \
	X(toDays)                                                                                                      \
	X(ill_typed)                                                                                                   \
	X(malformed_policy)                                                                                            \
	X(schema_in_text)                                                                                              \
	X(schema_in_json)                                                                                              \
	X(schema_namespace)                                                                                            \
	X(schema_entity)                                                                                               \
	X(schema_entity_in)                                                                                            \
	X(schema_enum)                                                                                                 \
	X(schema_tags)                                                                                                 \
	X(schema_optional)                                                                                             \
	X(schema_common)                                                                                               \
	X(schema_action)                                                                                               \
	X(schema_action_in)                                                                                            \
	X(schema_applies_to)                                                                                           \
	X(schema_annotation)                                                                                           \
	X(schema_builtin_path)                                                                                         \
	X(type_long)                                                                                                   \
	X(type_string)                                                                                                 \
	X(type_bool)                                                                                                   \
	X(type_entity)                                                                                                 \
	X(type_set)                                                                                                    \
	X(type_record)                                                                                                 \
	X(type_decimal)                                                                                                \
	X(type_ipaddr)                                                                                                 \
	X(type_datetime)                                                                                               \
	X(type_duration)                                                                                               \
	X(entity)                                                                                                      \
	X(entity_parent)                                                                                               \
	X(entity_tag)                                                                                                  \
	X(entity_explicit)                                                                                             \
	X(entity_implicit)                                                                                             \
	X(entity_unfit)                                                                                                \
	X(request)                                                                                                     \
	X(request_unfit)

enum construct {
#define X(name) CONSTRUCT_##name,
	DIFFERENTIAL_CONSTRUCTS(X)
#undef X
		CONSTRUCT_COUNT
};

extern const char *const construct_names[CONSTRUCT_COUNT];

/* --- What a schema is made of. --- */

enum draft_kind {
	DRAFT_BOOL,
	DRAFT_LONG,
	DRAFT_STRING,
	DRAFT_DECIMAL,
	DRAFT_IPADDR,
	DRAFT_DATETIME,
	DRAFT_DURATION,
	DRAFT_ENTITY,
	DRAFT_SET,
	DRAFT_RECORD,
};

struct draft_field;

struct draft_type {
	enum draft_kind kind;
	size_t entity;                    /* DRAFT_ENTITY: its number */
	const struct draft_type *element; /* DRAFT_SET */
	const struct draft_field *fields; /* DRAFT_RECORD */
	size_t field_count;
	size_t common; /* number + 1 of the common type that it is written as; 0: as it is */
};

struct draft_field {
	const char *name;
	bool is_optional;
	const struct draft_type *type;
};

constexpr size_t DRAFT_ENTITIES_MAX = 4;
constexpr size_t DRAFT_ACTIONS_MAX = 4;
constexpr size_t DRAFT_COMMONS_MAX = 2;
constexpr size_t DRAFT_IDS = 3; /* of each entity type: "0", "1", "2" */

struct draft_entity {
	const char *name; /* with its namespace */
	bool is_enum;
	bool parents[DRAFT_ENTITIES_MAX]; /* numbers below its own, and perhaps its own */
	const struct draft_type *shape;
	const struct draft_type *tags; /* null: none */
};

struct draft_action {
	const char *id;
	bool parents[DRAFT_ACTIONS_MAX]; /* numbers below its own */
	size_t principals[2], resources[2];
	size_t principal_count, resource_count; /* 0: it applies to nothing */
	const struct draft_type *context;
};

struct draft {
	struct arena *arena;
	uint64_t random;
	size_t *counts; /* by enum construct */
	const char *namespace;
	struct draft_entity entities[DRAFT_ENTITIES_MAX];
	size_t entity_count;
	struct draft_action actions[DRAFT_ACTIONS_MAX];
	size_t action_count;
	const struct draft_type *commons[DRAFT_COMMONS_MAX];
	size_t common_count;
	bool is_implicit;     /* entities and contexts leave out what the schema tells */
	bool has_far_integer; /* a policy holds an integer beyond 2^53 */
};

uint32_t draft_below(struct draft *draft, uint32_t limit);
bool draft_percent(struct draft *draft, uint32_t percent);
void draft_count(struct draft *draft, enum construct construct);
const char *draft_action_type(struct draft *draft); /* "Action" or "N::Action" */

/* --- The case. --- */

constexpr size_t CASE_REQUESTS = 3;
constexpr uint64_t CASES_PER_SCHEMA = 3; /* in a row have the same schema and entities */
constexpr size_t CASE_LINKS_MAX = 2;

struct differential_case {
	const char *schema;
	bool schema_is_json;
	bool is_implicit;
	const char *entities;
	const char *policies;     /* static ones */
	const char *templates[2]; /* with ids t0, t1; null: none */
	struct {                  /* of the template of that number */
		const char *type, *id;
	} slots[2][2]; /* principal, resource; null: no such slot */
	bool is_json;  /* policies are to be compared in their JSON form */
	const char *requests[CASE_REQUESTS];
};

/* The texts live in the arena. counts: by enum construct, added to. */
enum status differential_draw(struct arena *arena, uint64_t seed, size_t counts[CONSTRUCT_COUNT],
			      struct differential_case *made);

/* differential_policy.c, which draws by differential_draw.h */
void draft_policies(struct draft *draft, struct buffer *to);
void draft_template(struct draft *draft, size_t number, struct differential_case *made, struct buffer *to);
/* differential_schema.c */
void draft_schema(struct draft *draft);
void draft_schema_text(struct draft *draft, struct buffer *to);
void draft_schema_json(struct draft *draft, struct buffer *to);

#endif
