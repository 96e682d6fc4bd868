/*
 * A schema: which entity types, attributes, tags and actions there are, and which requests an action applies to.
 *
 * Read from Cedar's schema syntax or from its JSON form, with every name resolved, every hierarchy closed and every
 * contradiction refused. Immutable; any number of threads may read it.
 * Owner: the caller destroys it; it keeps a copy of its source. Errors: findings "policy.*" (syntax), "schema.*".
 * Source: Cedar 4.5, "Cedar schema"; RFC 24 (syntax), 70 (no shadowing), 53 (enumerated types).
 */
#ifndef GATEHOUSE_POLICY_SCHEMA_H
#define GATEHOUSE_POLICY_SCHEMA_H

#include "model/value.h"
#include "policy/diagnostic.h"
#include "policy/type.h"

struct policy_schema;

struct schema_entity {
	struct bytes name;       /* with its namespace */
	bool is_action;          /* the type of actions, "Action" or "N::Action" */
	const struct bytes *ids; /* of an enumerated type; null otherwise */
	size_t id_count;
	const uint32_t
		*ancestors; /* numbers of all types above, ascending; itself is among them only if a cycle leads back */
	size_t ancestor_count;
	const struct type *shape; /* a record */
	const struct type *tags;  /* null: none */
};

struct schema_action {
	struct entity_uid uid;
	uint32_t type;             /* number of its entity type */
	const uint32_t *ancestors; /* numbers of all actions above, ascending */
	size_t ancestor_count;
	const uint32_t *principals; /* numbers of entity types, ascending; none: it applies to nothing */
	size_t principal_count;
	const uint32_t *resources;
	size_t resource_count;
	const struct type *context; /* a record */
};

constexpr uint32_t SCHEMA_NONE = UINT32_MAX;

enum schema_syntax { SCHEMA_CEDAR, SCHEMA_JSON };

enum status policy_schema_parse(const char *file, struct bytes text, enum schema_syntax syntax,
				struct policy_schema **schema, struct policy_diagnostics *diagnostics);
void policy_schema_destroy(struct policy_schema **schema); /* a cleanup function */

size_t policy_schema_entity_count(const struct policy_schema *schema);
const struct schema_entity *policy_schema_entity(const struct policy_schema *schema, uint32_t number);
/* SCHEMA_NONE where there is none. */
uint32_t policy_schema_find_entity(const struct policy_schema *schema, struct bytes name);
size_t policy_schema_action_count(const struct policy_schema *schema);
const struct schema_action *policy_schema_action(const struct policy_schema *schema, uint32_t number);
uint32_t policy_schema_find_action(const struct policy_schema *schema, struct entity_uid uid);

/* True for the type itself and for what an entity of it may be in. */
bool policy_schema_may_be_in(const struct policy_schema *schema, uint32_t descendant, uint32_t ancestor);
bool policy_schema_action_is_in(const struct policy_schema *schema, uint32_t descendant, uint32_t ancestor);
/* False for an id that an enumerated type does not have. */
bool policy_schema_has_id(const struct schema_entity *entity, struct bytes id);

#endif
