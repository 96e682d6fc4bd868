/* The inside of struct policy_schema, between schema.c and schema_resolve.c. */
#ifndef GATEHOUSE_POLICY_SCHEMA_STORE_H
#define GATEHOUSE_POLICY_SCHEMA_STORE_H

#include "base/map.h"
#include "policy/schema.h"
#include "policy/schema_ast.h"

struct policy_schema {
	struct arena arena;
	struct policy_source source;
	struct schema_entity *entities;
	size_t entity_count;
	struct map entity_names; /* to number + 1, as the next */
	struct schema_action *actions;
	size_t action_count;
	struct map action_uids;
};

uint32_t schema_number_of(const struct map *map, struct bytes key);
/* A uid as a key of action_uids, in the buffer. */
struct bytes schema_uid_key(struct buffer *key, struct entity_uid uid);

/* Fills the schema from what was declared. Findings: schema.*. */
enum status schema_resolve(struct policy_schema *schema, const struct schema_ast *ast,
			   struct policy_diagnostics *diagnostics);

#endif
