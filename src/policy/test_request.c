#include "policy/test_request.h"

#include <stdio.h>

#include "policy/fit.h"

constexpr size_t PATH_TEXT_MAX = 256;

/* --- Findings. --- */

static size_t
offset_of(struct bytes text, size_t line, size_t column) {
	size_t at = 0;
	for (; line > 1 && at < text.len; at++)
		line -= text.data[at] == '\n';
	return at + column - 1 < text.len ? at + column - 1 : text.len;
}

enum status
test_complain(const struct test_reader *reader, const struct yaml_node *node, const char *name, const char *format,
	      ...) {
	char text[384];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	return policy_complain(reader->diagnostics, &reader->source,
			       offset_of(reader->source.text, node->line, node->column), node->text.len, name, "%s",
			       text);
}

#define FOUND(text) (int)((text).len > 60 ? 60 : (text).len), (const char *)(text).data

/* --- Values. --- */

enum status
test_read_uid(const struct test_reader *reader, const struct yaml_node *node, bool is_action, struct entity_uid *uid) {
	static const struct bytes middle = BYTES_OF_LITERAL("::\""), action = BYTES_OF_LITERAL("Action");
	const uint8_t *at =
		node->text.len == 0 ? nullptr : memmem(node->text.data, node->text.len, middle.data, middle.len);
	if (node->kind == YAML_NODE_SCALAR && is_action && at == nullptr && node->text.len > 0) {
		*uid = (struct entity_uid){action, node->text};
		return OK;
	}
	size_t before = at == nullptr ? 0 : (size_t)(at - node->text.data), skip = before + middle.len;
	if (node->kind != YAML_NODE_SCALAR || at == nullptr || node->text.len < skip + 1 ||
	    node->text.data[node->text.len - 1] != '"' || !value_is_type_name(bytes_of(node->text.data, before)))
		return test_complain(reader, node, "tests.entity", "expected Type::\"id\", found \"%.*s\"",
				     FOUND(node->text));
	*uid = (struct entity_uid){bytes_of(node->text.data, before),
				   bytes_of(node->text.data + skip, node->text.len - skip - 1)};
	return OK;
}

static enum status
wrong_type(const struct test_reader *reader, const struct yaml_node *node, const struct type *type) {
	_cleanup_(buffer_free) struct buffer words = {};
	type_describe(reader->bundle->schema, type, &words);
	return test_complain(reader, node, "tests.type", "expected %.*s, found %s \"%.*s\"", FOUND(words),
			     yaml_kind_name(node->kind), FOUND(node->text));
}

static bool
parse_long(struct bytes text, int64_t *integer) {
	uint64_t number;
	bool is_negative = text.len > 0 && text.data[0] == '-';
	struct bytes digits = is_negative ? bytes_of(text.data + 1, text.len - 1) : text;
	if (decimal_decode(digits, &number) != OK || number > (uint64_t)JSON_INTEGER_MAX)
		return false;
	*integer = is_negative ? -(int64_t)number : (int64_t)number;
	return true;
}

static enum status
read_scalar(const struct test_reader *reader, const struct yaml_node *node, const struct type *type,
	    struct value *value) {
	struct bytes text = node->text;
	bool is_true = bytes_equal_text(text, "true");
	int64_t integer;
	if (node->kind != YAML_NODE_SCALAR)
		return wrong_type(reader, node, type);
	switch (type->kind) {
	case TYPE_STRING:
		*value = value_string(text);
		return OK;
	case TYPE_FALSE:
	case TYPE_TRUE:
	case TYPE_BOOLEAN:
		*value = value_boolean(is_true);
		return is_true || bytes_equal_text(text, "false") ? OK : wrong_type(reader, node, type);
	case TYPE_LONG:
		if (!parse_long(text, &integer))
			return wrong_type(reader, node, type);
		*value = value_long(integer);
		return OK;
	case TYPE_ENTITY:
		*value = (struct value){.type = VALUE_ENTITY};
		return test_read_uid(reader, node, false, &value->entity);
	case TYPE_DECIMAL:
		return value_parse_decimal(text, value) == OK ? OK : wrong_type(reader, node, type);
	case TYPE_IPADDR:
		return value_parse_ip(text, value) == OK ? OK : wrong_type(reader, node, type);
	case TYPE_DATETIME:
		return value_parse_datetime(text, value) == OK ? OK : wrong_type(reader, node, type);
	case TYPE_DURATION:
		return value_parse_duration(text, value) == OK ? OK : wrong_type(reader, node, type);
	default:
		return wrong_type(reader, node, type);
	}
}

static enum status
read_set(const struct test_reader *reader, const struct yaml_node *node, const struct type *type, struct value *value) {
	struct value *items = ARENA_NEW_ARRAY(reader->arena, node->count + 1, struct value);
	size_t count = 0;
	TRY_ALLOC(items);
	if (node->kind != YAML_NODE_SEQUENCE)
		return wrong_type(reader, node, type);
	for (const struct yaml_node *item = node->first; item != nullptr; item = item->next)
		TRY(test_read_value(reader, item, type->element, &items[count++]));
	*value = value_set(items, count);
	return OK;
}

static const struct yaml_node *
child_named(const struct yaml_node *node, struct bytes name) {
	for (const struct yaml_node *child = node->first; child != nullptr; child = child->next)
		if (bytes_equal(child->key, name))
			return child;
	return nullptr;
}

/* What is required and missing is told when the whole request is judged. */
static enum status
read_record(const struct test_reader *reader, const struct yaml_node *node, const struct type *type,
	    struct value *value) {
	struct value_field *fields = ARENA_NEW_ARRAY(reader->arena, type->field_count + 1, struct value_field);
	size_t count = 0;
	TRY_ALLOC(fields);
	if (node->kind != YAML_NODE_MAPPING)
		return wrong_type(reader, node, type);
	for (const struct yaml_node *child = node->first; child != nullptr; child = child->next)
		if (type_find_field(type, child->key) == nullptr)
			return test_complain(reader, child, "tests.unknown", "the schema has no \"%.*s\" here",
					     FOUND(child->key));
	for (size_t i = 0; i < type->field_count; i++) {
		const struct yaml_node *child = child_named(node, type->fields[i].name);
		if (child == nullptr)
			continue;
		fields[count].name = type->fields[i].name;
		TRY(test_read_value(reader, child, type->fields[i].type, &fields[count++].value));
	}
	*value = (struct value){.type = VALUE_RECORD, .record = {fields, count}};
	return OK;
}

/* Recursion is bounded by YAML_DEPTH_MAX. */
enum status
test_read_value(const struct test_reader *reader, const struct yaml_node *node, const struct type *type,
		struct value *value) {
	switch (type->kind) {
	case TYPE_SET:
		return read_set(reader, node, type, value);
	case TYPE_RECORD:
		return read_record(reader, node, type, value);
	default:
		return read_scalar(reader, node, type, value);
	}
}

/* --- Facts. --- */

struct stated { /* a fact by its path, and whose word it is */
	char path[PATH_TEXT_MAX];
	const struct yaml_node *node;
};

struct statements {
	struct stated *items;
	size_t count;
};

constexpr size_t STATEMENTS_MAX = 512;

static const struct type *
type_at(const struct type *type, const char *path) {
	while (type != nullptr && *path != '\0') {
		size_t len = strcspn(path, ".");
		const struct type_field *field =
			type->kind == TYPE_RECORD ? type_find_field(type, bytes_of(path, len)) : nullptr;
		type = field == nullptr ? nullptr : field->type;
		path += path[len] == '.' ? len + 1 : len;
	}
	return type;
}

static const struct stated *
find_stated(const struct statements *statements, const char *path) {
	for (size_t i = 0; i < statements->count; i++)
		if (strcmp(statements->items[i].path, path) == 0)
			return &statements->items[i];
	return nullptr;
}

/* Mappings are followed down as long as the schema has records; what a test states stands before what is stated for all. */
static enum status
collect(const struct test_reader *reader, const struct yaml_node *node, const char *above, const struct type *context,
	bool is_default, struct statements *statements) {
	for (const struct yaml_node *child = node->first; child != nullptr; child = child->next) {
		struct stated stated = {.node = child};
		int len = snprintf(stated.path, sizeof stated.path, "%s%s%.*s", above, *above == '\0' ? "" : ".",
				   BYTES_ARGS(child->key));
		const struct type *type = (size_t)len < sizeof stated.path ? type_at(context, stated.path) : nullptr;
		if (type == nullptr && is_default)
			continue;
		if (type == nullptr)
			return test_complain(reader, child, "tests.unknown",
					     "the schema has no fact %s for this action", stated.path);
		if (child->kind == YAML_NODE_MAPPING && type->kind == TYPE_RECORD) {
			TRY(collect(reader, child, stated.path, context, is_default, statements));
			continue;
		}
		if (find_stated(statements, stated.path) != nullptr) {
			if (is_default)
				continue;
			return test_complain(reader, child, "tests.twice", "%s is stated twice", stated.path);
		}
		if (statements->count == STATEMENTS_MAX)
			return fail(STATUS_TOO_LARGE, "tests.facts: more than %zu", STATEMENTS_MAX);
		statements->items[statements->count++] = stated;
	}
	return OK;
}

/* A fact that nobody stated: a count of approvals is 0, a reported flag is false. */
static bool
value_unstated(const struct bundle_host *host, const char *path, const struct type *type, struct value *value) {
	for (size_t i = 0; i < host->monotone.count; i++) {
		const struct monotone_fact *fact = &host->monotone.facts[i];
		size_t len = strlen(fact->path);
		if (strncmp(path, fact->path, len) != 0 || (path[len] != '\0' && path[len] != '.'))
			continue;
		*value = type->kind == TYPE_LONG ? value_long(0) : value_boolean(false);
		return fact->kind != MONOTONE_REPORT && (type->kind == TYPE_LONG || type_is_boolean(type));
	}
	return false;
}

static bool
is_absent(const struct yaml_node *node) {
	return node->kind == YAML_NODE_SCALAR && node->plain && bytes_equal_text(node->text, "absent");
}

static enum status build(const struct test_reader *reader, const struct statements *statements, const char *path,
			 const struct type_field *field, struct value *value, bool *is_there);

static enum status
build_record(const struct test_reader *reader, const struct statements *statements, const char *path,
	     const struct type *type, struct value *value) {
	struct value_field *fields = ARENA_NEW_ARRAY(reader->arena, type->field_count + 1, struct value_field);
	size_t count = 0;
	TRY_ALLOC(fields);
	for (size_t i = 0; i < type->field_count; i++) {
		char inside[PATH_TEXT_MAX];
		bool is_there = false;
		snprintf(inside, sizeof inside, "%s%s%.*s", path, *path == '\0' ? "" : ".",
			 BYTES_ARGS(type->fields[i].name));
		fields[count].name = type->fields[i].name;
		TRY(build(reader, statements, inside, &type->fields[i], &fields[count].value, &is_there));
		count += is_there;
	}
	*value = (struct value){.type = VALUE_RECORD, .record = {fields, count}};
	return OK;
}

static enum status
build(const struct test_reader *reader, const struct statements *statements, const char *path,
      const struct type_field *field, struct value *value, bool *is_there) {
	const struct stated *stated = find_stated(statements, path);
	if (stated != nullptr) {
		*is_there = !is_absent(stated->node);
		return *is_there ? test_read_value(reader, stated->node, field->type, value) : OK;
	}
	if (field->type->kind != TYPE_RECORD) {
		*is_there = field->is_required && value_unstated(reader->host, path, field->type, value);
		return OK;
	}
	TRY(build_record(reader, statements, path, field->type, value));
	*is_there = value->record.count > 0 || (field->is_required && field->type->field_count == 0);
	return OK;
}

/* The first required fact that is not there; its path in *missing. */
static bool
lacks(const struct type *type, const struct value *value, const char *path, char missing[PATH_TEXT_MAX]) {
	for (size_t i = 0; i < type->field_count; i++) {
		const struct type_field *field = &type->fields[i];
		const struct value *there = value_record_get(value, field->name);
		char inside[PATH_TEXT_MAX];
		snprintf(inside, sizeof inside, "%s%s%.*s", path, *path == '\0' ? "" : ".", BYTES_ARGS(field->name));
		if (there == nullptr && field->is_required) {
			memcpy(missing, inside, PATH_TEXT_MAX);
			return true;
		}
		if (there != nullptr && field->type->kind == TYPE_RECORD && lacks(field->type, there, inside, missing))
			return true;
	}
	return false;
}

enum status
test_read_context(const struct test_reader *reader, const struct yaml_node *test, const struct yaml_node *own,
		  const struct yaml_node *defaults, const struct schema_action *action, struct value *context) {
	struct statements statements = {.items = ARENA_NEW_ARRAY(reader->arena, STATEMENTS_MAX, struct stated)};
	char missing[PATH_TEXT_MAX];
	TRY_ALLOC(statements.items);
	const struct yaml_node *const layers[] = {own, defaults};
	for (size_t i = 0; i < 2; i++) {
		if (layers[i] == nullptr)
			continue;
		if (layers[i]->kind != YAML_NODE_MAPPING)
			return test_complain(reader, layers[i], "tests.facts", "expected a mapping of facts");
		TRY(collect(reader, layers[i], "", action->context, i == 1, &statements));
	}
	TRY(build_record(reader, &statements, "", action->context, context));
	return lacks(action->context, context, "", missing)
		       ? test_complain(reader, test, "tests.missing_fact", "expected the fact %s", missing)
		       : OK;
}

/* --- Entities. --- */

static enum status
read_entity(const struct test_reader *reader, const struct yaml_node *node, struct policy_entities *entities) {
	static const struct value none = {.type = VALUE_RECORD};
	const struct yaml_node *uid = yaml_get(node, "uid"), *parents = yaml_get(node, "parents"),
			       *attrs = yaml_get(node, "attrs");
	struct policy_entity entity = {.attributes = &none};
	struct value attributes;
	if (node->kind != YAML_NODE_MAPPING || uid == nullptr ||
	    node->count != 1 + (size_t)(parents != nullptr) + (attrs != nullptr))
		return test_complain(reader, node, "tests.entity", "expected uid, and maybe parents and attrs");
	TRY(test_read_uid(reader, uid, false, &entity.uid));
	uint32_t number = policy_schema_find_entity(reader->bundle->schema, entity.uid.type);
	if (number == SCHEMA_NONE)
		return test_complain(reader, uid, "tests.entity", "the schema has no entity type %.*s",
				     FOUND(entity.uid.type));
	const struct schema_entity *type = policy_schema_entity(reader->bundle->schema, number);
	if (attrs != nullptr && type->shape != nullptr) {
		TRY(test_read_value(reader, attrs, type->shape, &attributes));
		entity.attributes = &attributes;
	}
	size_t count = parents == nullptr ? 0 : parents->count;
	struct entity_uid *uids = ARENA_NEW_ARRAY(reader->arena, count + 1, struct entity_uid);
	TRY_ALLOC(uids);
	for (const struct yaml_node *parent = parents == nullptr ? nullptr : parents->first; parent != nullptr;
	     parent = parent->next)
		TRY(test_read_uid(reader, parent, false, &uids[entity.parent_count++]));
	entity.parents = uids;
	struct fit fit = {.schema = reader->bundle->schema};
	fit_entity(&fit, &entity);
	if (fit.findings > 0)
		return test_complain(reader, uid, "tests.entity", "%s", fail_message());
	return policy_entities_put(entities, &entity);
}

enum status
test_read_entities(const struct test_reader *reader, const struct yaml_node *list, struct policy_entities **entities) {
	_cleanup_(policy_entities_destroy) struct policy_entities *made = nullptr;
	TRY(policy_entities_create(&made));
	TRY(policy_entities_put_actions(made, reader->bundle->schema));
	TRY(bundle_put_entities(reader->bundle, made));
	if (list != nullptr && list->kind != YAML_NODE_SEQUENCE)
		return test_complain(reader, list, "tests.entities", "expected a list of entities");
	for (const struct yaml_node *node = list == nullptr ? nullptr : list->first; node != nullptr; node = node->next)
		TRY(read_entity(reader, node, made));
	if (policy_entities_seal(made) != OK)
		return test_complain(reader, list, "tests.entities", "%s", fail_message());
	*entities = TAKE(made);
	return OK;
}
