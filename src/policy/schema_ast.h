/*
 * A schema as it was written, before names are resolved: what both syntaxes are read into.
 *
 * Everything is immutable, lives in the arena of the schema, borrows from the source, and knows its place there.
 */
#ifndef GATEHOUSE_POLICY_SCHEMA_AST_H
#define GATEHOUSE_POLICY_SCHEMA_AST_H

#include "policy/ast.h"

struct declared_name { /* `User`, `N::User` */
	struct bytes path;
	struct place place;
};

enum declared_kind {
	DECLARED_NAMED,     /* name: a common type, an entity type or a built-in one */
	DECLARED_COMMON,    /* name: a common type or a primitive one (JSON only) */
	DECLARED_ENTITY,    /* name: an entity type (JSON only) */
	DECLARED_EXTENSION, /* name (JSON only) */
	DECLARED_PRIMITIVE, /* name: Long, String, Bool (JSON only) */
	DECLARED_SET,       /* element */
	DECLARED_RECORD,    /* fields */
};

struct declared_field;

struct declared_type {
	enum declared_kind kind;
	struct place place;
	struct bytes name;
	const struct declared_type *element;
	const struct declared_field *fields; /* in source order */
	size_t field_count;
};

struct declared_field {
	struct declared_name name;
	bool is_required;
	const struct declared_type *type;
};

struct declared_entity {
	struct declared_name name; /* without its namespace */
	const struct declared_name *parents;
	size_t parent_count;
	const struct declared_type *shape; /* null: an empty record */
	const struct declared_type *tags;  /* null: none */
	const struct bytes *ids;           /* of an enumerated type, */
	size_t id_count;                   /* which has at least one */
};

struct declared_action_parent {
	struct bytes type; /* "Action", "N::Action"; empty: of the same namespace */
	struct bytes id;
	struct place place;
};

struct declared_action {
	struct declared_name id;
	const struct declared_action_parent *parents;
	size_t parent_count;
	const struct declared_name *principals;
	size_t principal_count;
	const struct declared_name *resources;
	size_t resource_count;
	const struct declared_type *context; /* null: an empty record */
};

struct declared_common {
	struct declared_name name;
	const struct declared_type *type;
};

struct declared_namespace {
	struct declared_name name; /* empty: the one without a name */
	struct declared_entity *entities;
	size_t entity_count;
	struct declared_action *actions;
	size_t action_count;
	struct declared_common *commons;
	size_t common_count;
};

struct schema_ast {
	const struct policy_source *source;
	struct declared_namespace *namespaces;
	size_t namespace_count;
};

/* Schemas in Cedar syntax and in JSON. Findings: policy.*, json.*, schema.*. */
enum status schema_parse(struct arena *arena, const struct policy_source *source,
			 struct policy_diagnostics *diagnostics, struct schema_ast *ast);
enum status schema_parse_json(struct arena *arena, const struct policy_source *source,
			      struct policy_diagnostics *diagnostics, struct schema_ast *ast);

#endif
