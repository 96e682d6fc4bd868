/* From what a schema declares to what it means: names, hierarchies, and everything that contradicts itself. */
#include <stdlib.h>

#include "policy/number_set.h"
#include "policy/schema_store.h"

struct schema_common {
	const struct declared_common *declared;
	struct bytes namespace;
	const struct type *type; /* null: not resolved yet */
	bool is_being_resolved;
};

/* What is needed until all names are resolved. */
struct resolver {
	struct policy_schema *schema;
	struct policy_diagnostics *diagnostics;
	const struct schema_ast *ast;
	struct schema_common *commons;
	size_t common_count;
	struct map common_names;
	const struct declared_entity **declared_entities; /* by number; null for types of actions */
	const struct declared_action **declared_actions;
	struct bytes *entity_namespaces;
	struct bytes *action_namespaces;
	struct buffer key;
	size_t depth;
	size_t findings;
};

constexpr size_t TYPE_DEPTH_MAX = 128;
constexpr size_t NAMES_MAX = 10'000; /* of entity types, and of actions */
constexpr size_t ANCESTORS_TOTAL_MAX = 4 << 20;

static void
free_resolver(struct resolver *r) {
	map_free(&r->common_names);
	buffer_free(&r->key);
}

/* Notes a finding; resolving goes on, so that one run tells of all. */
#define NOTE(r, at, ...)                                                                                               \
	((r)->findings++, policy_note((r)->diagnostics, &(r)->schema->source, (at).offset, (at).length, __VA_ARGS__))

#define NAME_ARGS(name) (int)((name).len > 80 ? 80 : (name).len), (const char *)(name).data

static struct bytes
qualified(struct resolver *r, struct bytes namespace, struct bytes name) {
	if (namespace.len == 0)
		return name;
	const char *text = arena_format(&r->schema->arena, "%.*s::%.*s", BYTES_ARGS(namespace), BYTES_ARGS(name));
	return text == nullptr ? (struct bytes){} : bytes_of_text(text);
}

static bool
is_qualified(struct bytes name) {
	return memmem(name.data, name.len, "::", 2) != nullptr;
}

/* The name in the namespace, or else the one without a namespace: a reference's own rule. */
static enum status
look_up(struct resolver *r, const struct map *map, struct bytes namespace, struct bytes name, uint32_t *number) {
	*number = SCHEMA_NONE;
	if (!is_qualified(name) && namespace.len > 0) {
		struct bytes full = qualified(r, namespace, name);
		TRY_ALLOC(full.data);
		*number = schema_number_of(map, full);
	}
	if (*number == SCHEMA_NONE)
		*number = schema_number_of(map, name);
	return OK;
}

static bool
is_reserved_type(struct bytes name) {
	static const char *const names[] = {"Bool", "Boolean", "Entity", "Extension",
					    "Long", "Record",  "Set",    "String"};
	for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
		if (bytes_equal_text(name, names[i]))
			return true;
	return false;
}

static const struct type *
find_builtin(struct bytes name) {
	static const struct bytes prefix = BYTES_OF_LITERAL("__cedar::");
	static const struct {
		const char *name;
		enum type_kind kind;
	} types[] = {
		{"Long", TYPE_LONG},         {"String", TYPE_STRING}, {"Bool", TYPE_BOOLEAN},
		{"decimal", TYPE_DECIMAL},   {"ipaddr", TYPE_IPADDR}, {"datetime", TYPE_DATETIME},
		{"duration", TYPE_DURATION},
	};
	if (name.len > prefix.len && memcmp(name.data, prefix.data, prefix.len) == 0)
		name = bytes_of(name.data + prefix.len, name.len - prefix.len);
	for (size_t i = 0; i < ARRAY_LENGTH(types); i++)
		if (bytes_equal_text(name, types[i].name))
			return type_plain(types[i].kind);
	return nullptr;
}

static enum status resolve_type(struct resolver *r, struct bytes namespace, const struct declared_type *declared,
				const struct type **type);

static enum status
resolve_common(struct resolver *r, uint32_t number, const struct declared_type *reference, const struct type **type) {
	struct schema_common *common = &r->commons[number];
	if (common->is_being_resolved) {
		NOTE(r, reference->place, "schema.type_cycle", "the type %.*s is made of itself",
		     NAME_ARGS(common->declared->name.path));
		*type = type_plain(TYPE_LONG);
		return OK;
	}
	if (common->type == nullptr) {
		common->is_being_resolved = true;
		TRY(resolve_type(r, common->namespace, common->declared->type, &common->type));
		common->is_being_resolved = false;
	}
	*type = common->type;
	return OK;
}

static enum status
entity_type(struct resolver *r, uint32_t number, const struct type **type) {
	struct type *made = ARENA_NEW(&r->schema->arena, struct type);
	TRY_ALLOC(made);
	*made = (struct type){.kind = TYPE_ENTITY, .entity = number, .size = 1};
	*type = made;
	return OK;
}

/* In a namespace before out of it, and common types before entity types before what is built in. */
static enum status
resolve_name(struct resolver *r, struct bytes namespace, const struct declared_type *declared,
	     const struct type **type) {
	static const bool looks[][3] = {
		/* commons, entities, built-in */
		[DECLARED_NAMED] = {true, true, true},       [DECLARED_COMMON] = {true, false, true},
		[DECLARED_ENTITY] = {false, true, false},    [DECLARED_EXTENSION] = {false, false, true},
		[DECLARED_PRIMITIVE] = {false, false, true},
	};
	struct bytes tried[2] = {qualified(r, namespace, declared->name), declared->name};
	TRY_ALLOC(tried[0].data);
	for (size_t i = is_qualified(declared->name) ? 1 : 0; i < 2; i++) {
		uint32_t common = schema_number_of(&r->common_names, tried[i]);
		uint32_t entity = schema_number_of(&r->schema->entity_names, tried[i]);
		if (looks[declared->kind][0] && common != SCHEMA_NONE)
			return resolve_common(r, common, declared, type);
		if (looks[declared->kind][1] && entity != SCHEMA_NONE)
			return entity_type(r, entity, type);
	}
	*type = looks[declared->kind][2] ? find_builtin(declared->name) : nullptr;
	if (*type != nullptr)
		return OK;
	NOTE(r, declared->place, "schema.unknown_type", "there is no type %.*s", NAME_ARGS(declared->name));
	*type = type_plain(TYPE_LONG);
	return OK;
}

static int
compare_fields(const void *a, const void *b) {
	return bytes_compare(((const struct type_field *)a)->name, ((const struct type_field *)b)->name);
}

/* A set or record grows by what it is made of. */
static void
add_part(struct type *whole, const struct type *part) {
	bool is_plain = part->kind != TYPE_SET && part->kind != TYPE_RECORD;
	whole->size += is_plain ? 1 : part->size;
	uint32_t depth = is_plain ? 2 : part->depth + 1;
	if (depth > whole->depth)
		whole->depth = depth;
}

static enum status
resolve_record(struct resolver *r, struct bytes namespace, const struct declared_type *declared, struct type *record) {
	struct type_field *fields = ARENA_NEW_ARRAY(&r->schema->arena, declared->field_count, struct type_field);
	TRY_ALLOC(fields);
	for (size_t i = 0; i < declared->field_count; i++) {
		fields[i].name = declared->fields[i].name.path;
		fields[i].is_required = declared->fields[i].is_required;
		TRY(resolve_type(r, namespace, declared->fields[i].type, &fields[i].type));
		add_part(record, fields[i].type);
	}
	if (declared->field_count > 1)
		qsort(fields, declared->field_count, sizeof *fields, compare_fields);
	for (size_t i = 1; i < declared->field_count; i++)
		if (bytes_equal(fields[i - 1].name, fields[i].name))
			NOTE(r, declared->place, "schema.duplicate",
			     "the attribute \"%.*s\" stands twice in this record", NAME_ARGS(fields[i].name));
	record->fields = fields;
	record->field_count = declared->field_count;
	return OK;
}

static void
note_depth(struct resolver *r, const struct declared_type *declared, const struct type **type) {
	NOTE(r, declared->place, "schema.type_depth", "types nest at most %zu deep", TYPE_DEPTH_MAX);
	*type = type_plain(TYPE_LONG);
}

static enum status
resolve_parts(struct resolver *r, struct bytes namespace, const struct declared_type *declared,
	      const struct type **type) {
	if (declared->kind != DECLARED_SET && declared->kind != DECLARED_RECORD)
		return resolve_name(r, namespace, declared, type);
	struct type *made = ARENA_NEW(&r->schema->arena, struct type);
	TRY_ALLOC(made);
	made->size = made->depth = 1;
	*type = made;
	if (declared->kind == DECLARED_SET) {
		made->kind = TYPE_SET;
		TRY(resolve_type(r, namespace, declared->element, &made->element));
		add_part(made, made->element);
	} else {
		made->kind = TYPE_RECORD;
		TRY(resolve_record(r, namespace, declared, made));
	}
	if (made->size > TYPE_SIZE_MAX) {
		NOTE(r, declared->place, "schema.type_size", "a type is made of at most %zu types", TYPE_SIZE_MAX);
		*type = type_plain(TYPE_LONG);
	} else if (made->depth > TYPE_DEPTH_MAX)
		note_depth(r, declared, type);
	return OK;
}

/* Types that were resolved before may be as deep as any, and so may be those that still are to be. */
static enum status
resolve_type(struct resolver *r, struct bytes namespace, const struct declared_type *declared,
	     const struct type **type) {
	if (r->depth == TYPE_DEPTH_MAX) {
		note_depth(r, declared, type);
		return OK;
	}
	r->depth++;
	TRY(resolve_parts(r, namespace, declared, type));
	r->depth--;
	return OK;
}

static enum status
resolve_record_or_empty(struct resolver *r, struct bytes namespace, const struct declared_type *declared,
			const char *what, const struct type **type) {
	static const struct type empty = {.kind = TYPE_RECORD, .size = 1, .depth = 1};
	*type = &empty;
	if (declared == nullptr)
		return OK;
	TRY(resolve_type(r, namespace, declared, type));
	if ((*type)->kind != TYPE_RECORD) {
		NOTE(r, declared->place, "schema.record", "%s is a record", what);
		*type = &empty;
	}
	return OK;
}

static enum status
register_entity(struct resolver *r, struct bytes namespace, const struct declared_entity *declared, struct bytes name) {
	struct policy_schema *schema = r->schema;
	uint32_t number = (uint32_t)schema->entity_count;
	schema->entities[number] = (struct schema_entity){.name = name, .is_action = declared == nullptr};
	if (declared != nullptr && declared->id_count > 0) {
		schema->entities[number].ids = declared->ids;
		schema->entities[number].id_count = declared->id_count;
	}
	r->declared_entities[number] = declared;
	r->entity_namespaces[number] = namespace;
	schema->entity_count++;
	return map_put(&schema->entity_names, name, (void *)(uintptr_t)(number + 1), nullptr);
}

static enum status
register_commons(struct resolver *r, const struct declared_namespace *namespace) {
	for (size_t i = 0; i < namespace->common_count; i++) {
		const struct declared_common *declared = &namespace->commons[i];
		struct bytes name = qualified(r, namespace->name.path, declared->name.path);
		TRY_ALLOC(name.data);
		if (is_reserved_type(declared->name.path))
			NOTE(r, declared->name.place, "schema.reserved_name", "%.*s is the name of a built-in type",
			     NAME_ARGS(declared->name.path));
		else if (map_get(&r->common_names, name) != nullptr)
			NOTE(r, declared->name.place, "schema.duplicate", "the type %.*s is declared twice",
			     NAME_ARGS(name));
		r->commons[r->common_count++] =
			(struct schema_common){.declared = declared, .namespace = namespace->name.path};
		TRY(map_put(&r->common_names, name, (void *)(uintptr_t)r->common_count, nullptr));
	}
	return OK;
}

static enum status
register_entities(struct resolver *r, const struct declared_namespace *namespace) {
	for (size_t i = 0; i < namespace->entity_count; i++) {
		const struct declared_entity *declared = &namespace->entities[i];
		struct bytes name = qualified(r, namespace->name.path, declared->name.path);
		TRY_ALLOC(name.data);
		if (bytes_equal_text(declared->name.path, "Action"))
			NOTE(r, declared->name.place, "schema.reserved_name", "Action is the type of actions");
		else if (map_get(&r->schema->entity_names, name) != nullptr)
			NOTE(r, declared->name.place, "schema.duplicate", "the entity type %.*s is declared twice",
			     NAME_ARGS(name));
		else
			TRY(register_entity(r, namespace->name.path, declared, name));
	}
	return OK;
}

static enum status
register_actions(struct resolver *r, const struct declared_namespace *namespace) {
	struct bytes type = qualified(r, namespace->name.path, bytes_of_text("Action"));
	struct policy_schema *schema = r->schema;
	TRY_ALLOC(type.data);
	if (namespace->action_count > 0)
		TRY(register_entity(r, namespace->name.path, nullptr, type));
	for (size_t i = 0; i < namespace->action_count; i++) {
		const struct declared_action *declared = &namespace->actions[i];
		struct entity_uid uid = {type, declared->id.path};
		struct bytes key = schema_uid_key(&r->key, uid);
		TRY(buffer_status(&r->key));
		if (map_get(&schema->action_uids, key) != nullptr) {
			NOTE(r, declared->id.place, "schema.duplicate", "the action \"%.*s\" is declared twice",
			     NAME_ARGS(declared->id.path));
			continue;
		}
		uint32_t number = (uint32_t)schema->action_count++;
		schema->actions[number] =
			(struct schema_action){.uid = uid, .type = schema_number_of(&schema->entity_names, type)};
		r->declared_actions[number] = declared;
		r->action_namespaces[number] = namespace->name.path;
		TRY(map_put(&schema->action_uids, key, (void *)(uintptr_t)(number + 1), nullptr));
	}
	return OK;
}

/* RFC 70: what a namespace declares has no namesake without one. */
static void
refuse_shadow(struct resolver *r, const struct declared_name *name, bool is_shadow) {
	if (is_shadow)
		NOTE(r, name->place, "schema.shadow", "%.*s is declared without a namespace as well",
		     NAME_ARGS(name->path));
}

static enum status
refuse_shadows(struct resolver *r, const struct declared_namespace *namespace) {
	if (namespace->name.path.len == 0)
		return OK;
	const struct map *entities = &r->schema->entity_names;
	for (size_t i = 0; i < namespace->common_count; i++) {
		struct bytes name = namespace->commons[i].name.path;
		refuse_shadow(r, &namespace->commons[i].name,
			      map_get(&r->common_names, name) != nullptr || map_get(entities, name) != nullptr);
	}
	for (size_t i = 0; i < namespace->entity_count; i++) {
		struct bytes name = namespace->entities[i].name.path;
		refuse_shadow(r, &namespace->entities[i].name,
			      map_get(&r->common_names, name) != nullptr || map_get(entities, name) != nullptr);
	}
	for (size_t i = 0; i < namespace->action_count; i++) {
		struct entity_uid uid = {BYTES_OF_LITERAL("Action"), namespace->actions[i].id.path};
		struct bytes key = schema_uid_key(&r->key, uid);
		TRY(buffer_status(&r->key));
		refuse_shadow(r, &namespace->actions[i].id, map_get(&r->schema->action_uids, key) != nullptr);
	}
	return OK;
}

/* Numbers of entity types, ascending; what cannot be found is noted and left out. */
static enum status
resolve_entity_types(struct resolver *r, struct bytes namespace, const struct declared_name *names, size_t count,
		     const uint32_t **numbers, size_t *number_count) {
	uint32_t *list = ARENA_NEW_ARRAY(&r->schema->arena, count, uint32_t);
	size_t found = 0;
	TRY_ALLOC(list);
	for (size_t i = 0; i < count; i++) {
		uint32_t number;
		TRY(look_up(r, &r->schema->entity_names, namespace, names[i].path, &number));
		if (number == SCHEMA_NONE || r->schema->entities[number].is_action)
			NOTE(r, names[i].place, "schema.unknown_type", "there is no entity type %.*s",
			     NAME_ARGS(names[i].path));
		else
			list[found++] = number;
	}
	*numbers = list;
	*number_count = number_set_make(list, found);
	return OK;
}

static enum status
resolve_entity(struct resolver *r, uint32_t number) {
	struct schema_entity *entity = &r->schema->entities[number];
	const struct declared_entity *declared = r->declared_entities[number];
	struct bytes namespace = r->entity_namespaces[number];
	TRY(resolve_record_or_empty(r, namespace, declared == nullptr ? nullptr : declared->shape, "an entity's shape",
				    &entity->shape));
	if (declared == nullptr)
		return OK;
	if (declared->tags != nullptr)
		TRY(resolve_type(r, namespace, declared->tags, &entity->tags));
	return resolve_entity_types(r, namespace, declared->parents, declared->parent_count, &entity->ancestors,
				    &entity->ancestor_count);
}

/* The action of that id in the type as given, or in the namespace, or in none. */
static enum status
find_parent(struct resolver *r, struct bytes namespace, const struct declared_action_parent *parent, uint32_t *number) {
	struct bytes given = parent->type.len == 0 ? bytes_of_text("Action") : parent->type;
	struct bytes within = qualified(r, namespace, given);
	TRY_ALLOC(within.data);
	*number = SCHEMA_NONE;
	if (!is_qualified(given))
		*number = schema_number_of(&r->schema->action_uids,
					   schema_uid_key(&r->key, (struct entity_uid){within, parent->id}));
	if (*number == SCHEMA_NONE)
		*number = schema_number_of(&r->schema->action_uids,
					   schema_uid_key(&r->key, (struct entity_uid){given, parent->id}));
	return buffer_status(&r->key);
}

static enum status
resolve_action(struct resolver *r, uint32_t number) {
	struct schema_action *action = &r->schema->actions[number];
	const struct declared_action *declared = r->declared_actions[number];
	struct bytes namespace = r->action_namespaces[number];
	uint32_t *parents = ARENA_NEW_ARRAY(&r->schema->arena, declared->parent_count, uint32_t);
	TRY_ALLOC(parents);
	for (size_t i = 0; i < declared->parent_count; i++) {
		uint32_t parent;
		TRY(find_parent(r, namespace, &declared->parents[i], &parent));
		if (parent == SCHEMA_NONE)
			NOTE(r, declared->parents[i].place, "schema.unknown_action", "there is no action \"%.*s\"",
			     NAME_ARGS(declared->parents[i].id));
		else
			parents[action->ancestor_count++] = parent;
	}
	action->ancestors = parents;
	action->ancestor_count = number_set_make(parents, action->ancestor_count);
	TRY(resolve_entity_types(r, namespace, declared->principals, declared->principal_count, &action->principals,
				 &action->principal_count));
	TRY(resolve_entity_types(r, namespace, declared->resources, declared->resource_count, &action->resources,
				 &action->resource_count));
	return resolve_record_or_empty(r, namespace, declared->context, "a context", &action->context);
}

/* Everything above each node: parents, read by a search from every node. */
struct hierarchy {
	struct arena *arena;
	size_t count;
	const uint32_t *(*get)(const struct policy_schema *, uint32_t, size_t *);
	void (*set)(struct policy_schema *, uint32_t, const uint32_t *, size_t);
};

static enum status
close_node(struct policy_schema *schema, const struct hierarchy *h, uint32_t start, bool *seen, uint32_t *stack,
	   uint32_t **ancestors, size_t *count) {
	size_t depth = 0;
	memset(seen, 0, h->count);
	*count = 0;
	stack[depth++] = start;
	while (depth > 0) {
		size_t parents;
		const uint32_t *parent = h->get(schema, stack[--depth], &parents);
		for (size_t i = 0; i < parents; i++)
			if (!seen[parent[i]]) {
				seen[parent[i]] = true;
				(*count)++;
				stack[depth++] = parent[i];
			}
	}
	*ancestors = ARENA_NEW_ARRAY(h->arena, *count, uint32_t);
	TRY_ALLOC(*ancestors);
	size_t at = 0;
	for (uint32_t i = 0; i < h->count; i++)
		if (seen[i])
			(*ancestors)[at++] = i;
	return OK;
}

/* All are found before any is set: a search goes by parents. */
static enum status
close_hierarchy(struct policy_schema *schema, const struct hierarchy *h) {
	bool *seen = ARENA_NEW_ARRAY(h->arena, h->count, bool);
	uint32_t *stack = ARENA_NEW_ARRAY(h->arena, h->count + 1, uint32_t);
	uint32_t **ancestors = ARENA_NEW_ARRAY(h->arena, h->count, uint32_t *);
	size_t *counts = ARENA_NEW_ARRAY(h->arena, h->count, size_t);
	size_t total = 0;
	TRY_ALLOC(seen);
	TRY_ALLOC(stack);
	TRY_ALLOC(ancestors);
	TRY_ALLOC(counts);
	for (uint32_t i = 0; i < h->count; i++) {
		TRY(close_node(schema, h, i, seen, stack, &ancestors[i], &counts[i]));
		total += counts[i];
		if (total > ANCESTORS_TOTAL_MAX)
			return fail(STATUS_TOO_LARGE, "schema.ancestors: more than %zu ancestors in all",
				    ANCESTORS_TOTAL_MAX);
	}
	for (uint32_t i = 0; i < h->count; i++)
		h->set(schema, i, ancestors[i], counts[i]);
	return OK;
}

static const uint32_t *
get_entity_ancestors(const struct policy_schema *schema, uint32_t number, size_t *count) {
	*count = schema->entities[number].ancestor_count;
	return schema->entities[number].ancestors;
}

static void
set_entity_ancestors(struct policy_schema *schema, uint32_t number, const uint32_t *ancestors, size_t count) {
	schema->entities[number].ancestors = ancestors;
	schema->entities[number].ancestor_count = count;
}

static const uint32_t *
get_action_ancestors(const struct policy_schema *schema, uint32_t number, size_t *count) {
	*count = schema->actions[number].ancestor_count;
	return schema->actions[number].ancestors;
}

static void
set_action_ancestors(struct policy_schema *schema, uint32_t number, const uint32_t *ancestors, size_t count) {
	schema->actions[number].ancestors = ancestors;
	schema->actions[number].ancestor_count = count;
}

static enum status
close_hierarchies(struct resolver *r) {
	struct policy_schema *schema = r->schema;
	TRY(close_hierarchy(schema, &(struct hierarchy){&schema->arena, schema->entity_count, get_entity_ancestors,
							set_entity_ancestors}));
	TRY(close_hierarchy(schema, &(struct hierarchy){&schema->arena, schema->action_count, get_action_ancestors,
							set_action_ancestors}));
	for (uint32_t i = 0; i < schema->action_count; i++)
		if (number_set_has(schema->actions[i].ancestors, schema->actions[i].ancestor_count, i))
			NOTE(r, r->declared_actions[i]->id.place, "schema.action_cycle",
			     "the action \"%.*s\" is in itself", NAME_ARGS(schema->actions[i].uid.id));
	return OK;
}

static enum status
make_room(struct resolver *r) {
	size_t entities = 0, actions = 0, commons = 0;
	struct arena *arena = &r->schema->arena;
	for (size_t i = 0; i < r->ast->namespace_count; i++) {
		entities += r->ast->namespaces[i].entity_count + 1;
		actions += r->ast->namespaces[i].action_count;
		commons += r->ast->namespaces[i].common_count;
	}
	if (entities > NAMES_MAX || actions > NAMES_MAX)
		return fail(STATUS_TOO_LARGE, "schema.names: more than %zu entity types or actions", NAMES_MAX);
	r->schema->entities = ARENA_NEW_ARRAY(arena, entities, struct schema_entity);
	r->schema->actions = ARENA_NEW_ARRAY(arena, actions, struct schema_action);
	r->commons = ARENA_NEW_ARRAY(arena, commons, struct schema_common);
	r->declared_entities = ARENA_NEW_ARRAY(arena, entities, const struct declared_entity *);
	r->declared_actions = ARENA_NEW_ARRAY(arena, actions, const struct declared_action *);
	r->entity_namespaces = ARENA_NEW_ARRAY(arena, entities, struct bytes);
	r->action_namespaces = ARENA_NEW_ARRAY(arena, actions, struct bytes);
	TRY_ALLOC(r->schema->entities);
	TRY_ALLOC(r->schema->actions);
	TRY_ALLOC(r->commons);
	TRY_ALLOC(r->declared_entities);
	TRY_ALLOC(r->declared_actions);
	TRY_ALLOC(r->entity_namespaces);
	TRY_ALLOC(r->action_namespaces);
	return OK;
}

static enum status
resolve(struct resolver *r) {
	TRY(make_room(r));
	for (size_t i = 0; i < r->ast->namespace_count; i++) {
		TRY(register_commons(r, &r->ast->namespaces[i]));
		TRY(register_entities(r, &r->ast->namespaces[i]));
		TRY(register_actions(r, &r->ast->namespaces[i]));
	}
	for (size_t i = 0; i < r->ast->namespace_count; i++)
		TRY(refuse_shadows(r, &r->ast->namespaces[i]));
	for (uint32_t i = 0; i < r->common_count; i++) {
		const struct type *ignored;
		TRY(resolve_common(r, i, r->commons[i].declared->type, &ignored));
	}
	for (uint32_t i = 0; i < r->schema->entity_count; i++)
		TRY(resolve_entity(r, i));
	for (uint32_t i = 0; i < r->schema->action_count; i++)
		TRY(resolve_action(r, i));
	TRY(close_hierarchies(r));
	return r->findings > 0 ? fail_with(STATUS_INVALID) : OK;
}

enum status
schema_resolve(struct policy_schema *schema, const struct schema_ast *ast, struct policy_diagnostics *diagnostics) {
	_cleanup_(free_resolver) struct resolver resolver = {.schema = schema, .ast = ast, .diagnostics = diagnostics};
	return resolve(&resolver);
}
