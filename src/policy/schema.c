#include <stdlib.h>

#include "policy/number_set.h"
#include "policy/schema_store.h"

uint32_t
schema_number_of(const struct map *map, struct bytes key) {
	void *number = map_get(map, key);
	return number == nullptr ? SCHEMA_NONE : (uint32_t)((uintptr_t)number - 1);
}

/* No type holds a zero byte. */
struct bytes
schema_uid_key(struct buffer *key, struct entity_uid uid) {
	buffer_reset(key);
	buffer_append_bytes(key, uid.type);
	buffer_append_byte(key, 0);
	buffer_append_bytes(key, uid.id);
	return buffer_bytes(key);
}

static enum status
read_schema(struct policy_schema *schema, const char *file, struct bytes text, enum schema_syntax syntax,
	    struct policy_diagnostics *diagnostics) {
	struct schema_ast ast;
	schema->source = (struct policy_source){arena_text(&schema->arena, bytes_of_text(file)),
						arena_copy(&schema->arena, text)};
	TRY_ALLOC(schema->source.file);
	TRY_ALLOC(schema->source.text.data);
	TRY((syntax == SCHEMA_JSON ? schema_parse_json : schema_parse)(&schema->arena, &schema->source, diagnostics,
								       &ast));
	return schema_resolve(schema, &ast, diagnostics);
}

enum status
policy_schema_parse(const char *file, struct bytes text, enum schema_syntax syntax, struct policy_schema **schema,
		    struct policy_diagnostics *diagnostics) {
	_cleanup_(policy_diagnostics_free) struct policy_diagnostics own = {};
	_cleanup_(policy_schema_destroy) struct policy_schema *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	if (diagnostics == nullptr)
		diagnostics = &own;
	size_t first = diagnostics->count;
	enum status status = read_schema(made, file, text, syntax, diagnostics);
	policy_diagnostics_sort(diagnostics, first);
	if (status == STATUS_INVALID)
		return policy_diagnostics_fail(diagnostics, first);
	TRY(status);
	*schema = TAKE(made);
	return OK;
}

void
policy_schema_destroy(struct policy_schema **schema) {
	if (*schema == nullptr)
		return;
	map_free(&(*schema)->entity_names);
	map_free(&(*schema)->action_uids);
	arena_free(&(*schema)->arena);
	free(*schema);
	*schema = nullptr;
}

size_t
policy_schema_entity_count(const struct policy_schema *schema) {
	return schema->entity_count;
}

const struct schema_entity *
policy_schema_entity(const struct policy_schema *schema, uint32_t number) {
	return &schema->entities[number];
}

uint32_t
policy_schema_find_entity(const struct policy_schema *schema, struct bytes name) {
	return schema_number_of(&schema->entity_names, name);
}

size_t
policy_schema_action_count(const struct policy_schema *schema) {
	return schema->action_count;
}

const struct schema_action *
policy_schema_action(const struct policy_schema *schema, uint32_t number) {
	return &schema->actions[number];
}

uint32_t
policy_schema_find_action(const struct policy_schema *schema, struct entity_uid uid) {
	_cleanup_(buffer_free) struct buffer key = {};
	return schema_number_of(&schema->action_uids, schema_uid_key(&key, uid));
}

bool
policy_schema_may_be_in(const struct policy_schema *schema, uint32_t descendant, uint32_t ancestor) {
	const struct schema_entity *entity = &schema->entities[descendant];
	return descendant == ancestor || number_set_has(entity->ancestors, entity->ancestor_count, ancestor);
}

bool
policy_schema_action_is_in(const struct policy_schema *schema, uint32_t descendant, uint32_t ancestor) {
	const struct schema_action *action = &schema->actions[descendant];
	return descendant == ancestor || number_set_has(action->ancestors, action->ancestor_count, ancestor);
}

bool
policy_schema_has_id(const struct schema_entity *entity, struct bytes id) {
	for (size_t i = 0; i < entity->id_count; i++)
		if (bytes_equal(entity->ids[i], id))
			return true;
	return entity->id_count == 0;
}
