/*
 * Schemas in JSON:
 * {namespace: {"entityTypes": {name: {"memberOfTypes", "shape", "tags"} or {"enum"}},
 *              "actions": {id: {"memberOf", "appliesTo": {"principalTypes", "resourceTypes", "context"}}},
 *              "commonTypes": {name: type}}}
 */
#include "policy/json_source.h"
#include "policy/schema_ast.h"

constexpr size_t TYPE_DEPTH_MAX = 64;

struct schema_reader {
	struct json_source json;
	size_t depth;
	size_t findings;
};

static enum status
check_identifier(const struct schema_reader *reader, struct json_node node, struct bytes name) {
	if (value_is_type_name(name) && memmem(name.data, name.len, "::", 2) == nullptr)
		return OK;
	return json_source_complain(&reader->json, node, "schema.name", "\"%.*s\" is no identifier",
				    (int)(name.len > 80 ? 80 : name.len), (const char *)name.data);
}

/* A name that may be qualified; __cedar:: names what is built in. */
static enum status
read_path(const struct schema_reader *reader, struct json_node node, struct bytes *path) {
	static const struct bytes prefix = BYTES_OF_LITERAL("__cedar::");
	TRY(json_source_expect(&reader->json, node, JSON_STRING));
	*path = json_string(node.value);
	struct bytes rest = *path;
	if (rest.len > prefix.len && memcmp(rest.data, prefix.data, prefix.len) == 0)
		rest = bytes_of(rest.data + prefix.len, rest.len - prefix.len);
	if (value_is_type_name(rest))
		return OK;
	return json_source_complain(&reader->json, node, "schema.name", "\"%.*s\" is no name of a type",
				    (int)(path->len > 80 ? 80 : path->len), (const char *)path->data);
}

static enum status read_type(struct schema_reader *reader, struct json_node node, const struct declared_type **type);

static enum status
read_fields(struct schema_reader *reader, struct json_node node, struct declared_type *type) {
	struct json_node attributes, open, member;
	struct bytes key;
	TRY(json_source_need(&reader->json, node, "attributes", JSON_OBJECT, &attributes));
	open = json_source_get(&reader->json, node, "additionalAttributes");
	if (open.value != nullptr && (json_type_of(open.value) != JSON_BOOLEAN || json_boolean(open.value)))
		return json_source_complain(&reader->json, open, "schema.open_record",
					    "records have the attributes that they declare and no more");
	struct declared_field *fields =
		ARENA_NEW_ARRAY(reader->json.arena, json_size(attributes.value), struct declared_field);
	TRY_ALLOC(fields);
	struct json_walk walk = json_source_walk(&reader->json, attributes);
	while (json_source_next(&walk, &key, &member)) {
		struct declared_field *field = &fields[type->field_count++];
		field->name = (struct declared_name){key, json_node_place(member)};
		TRY(json_source_expect(&reader->json, member, JSON_OBJECT));
		struct json_node required = json_source_get(&reader->json, member, "required");
		field->is_required = true;
		if (required.value != nullptr) {
			TRY(json_source_expect(&reader->json, required, JSON_BOOLEAN));
			field->is_required = json_boolean(required.value);
		}
		TRY(read_type(reader, member, &field->type));
	}
	type->fields = fields;
	return OK;
}

static const struct type_word {
	const char *word;
	enum declared_kind kind;
	const char *members[5]; /* besides type, required and annotations */
} words[] = {
	{"Long", DECLARED_PRIMITIVE, {}},
	{"String", DECLARED_PRIMITIVE, {}},
	{"Boolean", DECLARED_PRIMITIVE, {}},
	{"Bool", DECLARED_PRIMITIVE, {}},
	{"Set", DECLARED_SET, {"element"}},
	{"Record", DECLARED_RECORD, {"attributes", "additionalAttributes"}},
	{"Entity", DECLARED_ENTITY, {"name"}},
	{"Extension", DECLARED_EXTENSION, {"name"}},
	{"EntityOrCommon", DECLARED_NAMED, {"name"}},
};

static const struct type_word *
find_word(struct bytes word) {
	for (size_t i = 0; i < ARRAY_LENGTH(words); i++)
		if (bytes_equal_text(word, words[i].word))
			return &words[i];
	return nullptr;
}

static enum status
check_members(const struct schema_reader *reader, struct json_node node, const struct type_word *word) {
	const char *names[9] = {"type", "required", "annotations"};
	for (size_t i = 0; word != nullptr && word->members[i] != nullptr; i++)
		names[3 + i] = word->members[i];
	return json_source_only(&reader->json, node, names);
}

static enum status
read_type_within(struct schema_reader *reader, struct json_node node, struct declared_type *type) {
	struct json_node name, element;
	TRY(json_source_expect(&reader->json, node, JSON_OBJECT));
	TRY(json_source_need(&reader->json, node, "type", JSON_STRING, &name));
	const struct type_word *word = find_word(json_string(name.value));
	TRY(check_members(reader, node, word));
	type->kind = word == nullptr ? DECLARED_COMMON : word->kind;
	type->place = json_node_place(node);
	switch (type->kind) {
	case DECLARED_PRIMITIVE:
		type->name = json_string(name.value);
		if (bytes_equal_text(type->name, "Boolean"))
			type->name = bytes_of_text("Bool");
		return OK;
	case DECLARED_SET:
		TRY(json_source_need(&reader->json, node, "element", JSON_OBJECT, &element));
		return read_type(reader, element, &type->element);
	case DECLARED_RECORD:
		return read_fields(reader, node, type);
	case DECLARED_COMMON:
		return read_path(reader, name, &type->name);
	default:
		TRY(json_source_need(&reader->json, node, "name", JSON_STRING, &name));
		return read_path(reader, name, &type->name);
	}
}

static enum status
read_type(struct schema_reader *reader, struct json_node node, const struct declared_type **type) {
	struct declared_type *made = ARENA_NEW(reader->json.arena, struct declared_type);
	TRY_ALLOC(made);
	if (reader->depth == TYPE_DEPTH_MAX)
		return json_source_complain(&reader->json, node, "policy.depth", "types nest at most %zu deep",
					    TYPE_DEPTH_MAX);
	reader->depth++;
	TRY(read_type_within(reader, node, made));
	reader->depth--;
	*type = made;
	return OK;
}

static enum status
read_names(struct schema_reader *reader, struct json_node node, const struct declared_name **names, size_t *count) {
	struct json_node item;
	TRY(json_source_expect(&reader->json, node, JSON_ARRAY));
	struct declared_name *list = ARENA_NEW_ARRAY(reader->json.arena, json_size(node.value), struct declared_name);
	TRY_ALLOC(list);
	struct json_walk walk = json_source_walk(&reader->json, node);
	for (*count = 0; json_source_next(&walk, nullptr, &item); (*count)++) {
		TRY(read_path(reader, item, &list[*count].path));
		list[*count].place = json_node_place(item);
	}
	*names = list;
	return OK;
}

static enum status
read_enumeration(struct schema_reader *reader, struct json_node entity, struct json_node node,
		 struct declared_entity *declared) {
	struct json_node item;
	TRY(json_source_only(&reader->json, entity, (const char *const[]){"enum", "annotations", nullptr}));
	TRY(json_source_expect(&reader->json, node, JSON_ARRAY));
	if (json_size(node.value) == 0)
		return json_source_complain(&reader->json, node, "schema.enumeration",
					    "an enumerated type has at least one id");
	struct bytes *ids = ARENA_NEW_ARRAY(reader->json.arena, json_size(node.value), struct bytes);
	TRY_ALLOC(ids);
	struct json_walk walk = json_source_walk(&reader->json, node);
	while (json_source_next(&walk, nullptr, &item)) {
		TRY(json_source_expect(&reader->json, item, JSON_STRING));
		ids[declared->id_count++] = json_string(item.value);
	}
	declared->ids = ids;
	return OK;
}

static enum status
read_entity(struct schema_reader *reader, struct json_node node, struct declared_entity *declared) {
	TRY(json_source_expect(&reader->json, node, JSON_OBJECT));
	struct json_node member = json_source_get(&reader->json, node, "enum");
	if (member.value != nullptr)
		return read_enumeration(reader, node, member, declared);
	TRY(json_source_only(&reader->json, node,
			     (const char *const[]){"memberOfTypes", "shape", "tags", "annotations", nullptr}));
	member = json_source_get(&reader->json, node, "memberOfTypes");
	if (member.value != nullptr)
		TRY(read_names(reader, member, &declared->parents, &declared->parent_count));
	member = json_source_get(&reader->json, node, "shape");
	if (member.value != nullptr)
		TRY(read_type(reader, member, &declared->shape));
	member = json_source_get(&reader->json, node, "tags");
	return member.value == nullptr ? OK : read_type(reader, member, &declared->tags);
}

static bool
is_absent(struct json_node node) {
	return node.value == nullptr || json_type_of(node.value) == JSON_NULL;
}

static enum status
read_action_parents(struct schema_reader *reader, struct json_node node, struct declared_action *declared) {
	struct json_node item, member;
	TRY(json_source_expect(&reader->json, node, JSON_ARRAY));
	struct declared_action_parent *parents =
		ARENA_NEW_ARRAY(reader->json.arena, json_size(node.value), struct declared_action_parent);
	TRY_ALLOC(parents);
	struct json_walk walk = json_source_walk(&reader->json, node);
	while (json_source_next(&walk, nullptr, &item)) {
		struct declared_action_parent *parent = &parents[declared->parent_count++];
		TRY(json_source_expect(&reader->json, item, JSON_OBJECT));
		TRY(json_source_only(&reader->json, item, (const char *const[]){"id", "type", nullptr}));
		TRY(json_source_need(&reader->json, item, "id", JSON_STRING, &member));
		parent->id = json_string(member.value);
		parent->place = json_node_place(item);
		member = json_source_get(&reader->json, item, "type");
		if (!is_absent(member))
			TRY(read_path(reader, member, &parent->type));
	}
	declared->parents = parents;
	return OK;
}

static enum status
read_applies_to(struct schema_reader *reader, struct json_node node, struct declared_action *declared) {
	struct json_node member;
	TRY(json_source_expect(&reader->json, node, JSON_OBJECT));
	TRY(json_source_only(&reader->json, node,
			     (const char *const[]){"principalTypes", "resourceTypes", "context", nullptr}));
	TRY(json_source_need(&reader->json, node, "principalTypes", JSON_ARRAY, &member));
	TRY(read_names(reader, member, &declared->principals, &declared->principal_count));
	TRY(json_source_need(&reader->json, node, "resourceTypes", JSON_ARRAY, &member));
	TRY(read_names(reader, member, &declared->resources, &declared->resource_count));
	member = json_source_get(&reader->json, node, "context");
	return is_absent(member) ? OK : read_type(reader, member, &declared->context);
}

static enum status
read_action(struct schema_reader *reader, struct json_node node, struct declared_action *declared) {
	TRY(json_source_expect(&reader->json, node, JSON_OBJECT));
	TRY(json_source_only(&reader->json, node,
			     (const char *const[]){"memberOf", "appliesTo", "annotations", nullptr}));
	struct json_node member = json_source_get(&reader->json, node, "memberOf");
	if (!is_absent(member))
		TRY(read_action_parents(reader, member, declared));
	member = json_source_get(&reader->json, node, "appliesTo");
	return is_absent(member) ? OK : read_applies_to(reader, member, declared);
}

/* One finding per declaration, and on to the next. */
static enum status
note(struct schema_reader *reader, enum status status) {
	reader->depth = 0;
	if (status != STATUS_INVALID)
		return status;
	reader->findings++;
	return reader->findings >= DIAGNOSTICS_MAX ? status : OK;
}

static enum status
read_entities(struct schema_reader *reader, struct json_node node, struct declared_namespace *namespace) {
	struct json_node member;
	struct bytes key;
	struct json_walk walk = json_source_walk(&reader->json, node);
	namespace->entities = ARENA_NEW_ARRAY(reader->json.arena, json_size(node.value), struct declared_entity);
	TRY_ALLOC(namespace->entities);
	while (json_source_next(&walk, &key, &member)) {
		struct declared_entity *declared = &namespace->entities[namespace->entity_count++];
		declared->name = (struct declared_name){key, json_node_place(member)};
		TRY(note(reader, check_identifier(reader, member, key)));
		TRY(note(reader, read_entity(reader, member, declared)));
	}
	return OK;
}

static enum status
read_actions(struct schema_reader *reader, struct json_node node, struct declared_namespace *namespace) {
	struct json_node member;
	struct bytes key;
	struct json_walk walk = json_source_walk(&reader->json, node);
	namespace->actions = ARENA_NEW_ARRAY(reader->json.arena, json_size(node.value), struct declared_action);
	TRY_ALLOC(namespace->actions);
	while (json_source_next(&walk, &key, &member)) {
		struct declared_action *declared = &namespace->actions[namespace->action_count++];
		declared->id = (struct declared_name){key, json_node_place(member)};
		TRY(note(reader, read_action(reader, member, declared)));
	}
	return OK;
}

static enum status
read_commons(struct schema_reader *reader, struct json_node node, struct declared_namespace *namespace) {
	struct json_node member;
	struct bytes key;
	TRY(json_source_expect(&reader->json, node, JSON_OBJECT));
	struct json_walk walk = json_source_walk(&reader->json, node);
	namespace->commons = ARENA_NEW_ARRAY(reader->json.arena, json_size(node.value), struct declared_common);
	TRY_ALLOC(namespace->commons);
	while (json_source_next(&walk, &key, &member)) {
		struct declared_common *declared = &namespace->commons[namespace->common_count++];
		declared->name = (struct declared_name){key, json_node_place(member)};
		TRY(note(reader, check_identifier(reader, member, key)));
		TRY(note(reader, read_type(reader, member, &declared->type)));
	}
	return OK;
}

static enum status
read_namespace(struct schema_reader *reader, struct bytes name, struct json_node node,
	       struct declared_namespace *namespace) {
	struct json_node member;
	namespace->name = (struct declared_name){name, json_node_place(node)};
	if (name.len > 0 && !value_is_type_name(name))
		return json_source_complain(&reader->json, node, "schema.name", "\"%.*s\" is no name of a namespace",
					    (int)(name.len > 80 ? 80 : name.len), (const char *)name.data);
	TRY(json_source_expect(&reader->json, node, JSON_OBJECT));
	TRY(json_source_only(&reader->json, node,
			     (const char *const[]){"entityTypes", "actions", "commonTypes", "annotations", nullptr}));
	TRY(json_source_need(&reader->json, node, "entityTypes", JSON_OBJECT, &member));
	TRY(read_entities(reader, member, namespace));
	TRY(json_source_need(&reader->json, node, "actions", JSON_OBJECT, &member));
	TRY(read_actions(reader, member, namespace));
	member = json_source_get(&reader->json, node, "commonTypes");
	return member.value == nullptr ? OK : read_commons(reader, member, namespace);
}

enum status
schema_parse_json(struct arena *arena, const struct policy_source *source, struct policy_diagnostics *diagnostics,
		  struct schema_ast *ast) {
	struct schema_reader reader = {
		.json = {.arena = arena, .source = source, .diagnostics = diagnostics, .prefix = "schema"}};
	struct json_node root, member;
	struct bytes key;
	*ast = (struct schema_ast){.source = source};
	TRY(json_source_read(&reader.json, &root));
	TRY(json_source_expect(&reader.json, root, JSON_OBJECT));
	ast->namespaces = ARENA_NEW_ARRAY(arena, json_size(root.value), struct declared_namespace);
	TRY_ALLOC(ast->namespaces);
	struct json_walk walk = json_source_walk(&reader.json, root);
	while (json_source_next(&walk, &key, &member))
		TRY(note(&reader, read_namespace(&reader, key, member, &ast->namespaces[ast->namespace_count++])));
	return reader.findings > 0 ? fail_with(STATUS_INVALID) : OK;
}
