#include "policy/fit.h"

#include <stdio.h>

#define NAME_ARGS(name) (int)((name).len > 80 ? 80 : (name).len), (const char *)(name).data

static void
push(struct fit *fit, struct bytes name) {
	if (fit->depth < FIT_PATH_MAX)
		fit->path[fit->depth] = name;
	fit->depth++;
}

static void
pop(struct fit *fit) {
	fit->depth--;
}

/* "attrs.owner: ", or nothing. */
static void
describe_path(const struct fit *fit, struct buffer *to) {
	for (size_t i = 0; i < fit->depth && i < FIT_PATH_MAX; i++)
		buffer_append_format(to, "%s%.*s", i == 0 ? "" : ".", NAME_ARGS(fit->path[i]));
	if (fit->depth > 0)
		buffer_append_text(to, ": ");
}

static void note(struct fit *fit, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void
note(struct fit *fit, const char *name, const char *format, ...) {
	char sentence[512];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(sentence, sizeof sentence, format, arguments);
	va_end(arguments);
	if (fit->findings++ > 0 && fit->found == nullptr)
		return;
	if (fit->found != nullptr) {
		fit->found(fit, name, sentence);
		return;
	}
	_cleanup_(buffer_free) struct buffer path = {};
	describe_path(fit, &path);
	fail_keep("%s: %.*s%s", name, BYTES_ARGS(buffer_bytes(&path)), sentence);
}

static void
note_type(struct fit *fit, const struct type *type, const struct value *value) {
	_cleanup_(buffer_free) struct buffer words = {};
	type_describe(fit->schema, type, &words);
	if (value->type == VALUE_ENTITY)
		note(fit, "fit.type", "expected %.*s, found %.*s", (int)(words.len > 160 ? 160 : words.len),
		     (const char *)words.data, NAME_ARGS(value->entity.type));
	else
		note(fit, "fit.type", "expected %.*s, found %s", (int)(words.len > 160 ? 160 : words.len),
		     (const char *)words.data, value_type_name(value->type));
}

static void
check_id(struct fit *fit, const struct schema_entity *type, struct bytes id) {
	if (!policy_schema_has_id(type, id))
		note(fit, "fit.enumerated_id", "\"%.*s\" is none of the ids that %.*s enumerates", NAME_ARGS(id),
		     NAME_ARGS(type->name));
}

static void
fit_entity_value(struct fit *fit, const struct type *type, const struct value *value) {
	const struct schema_entity *declared = policy_schema_entity(fit->schema, type->entity);
	if (!bytes_equal(declared->name, value->entity.type))
		note_type(fit, type, value);
	else if (declared->is_action && policy_schema_find_action(fit->schema, value->entity) == SCHEMA_NONE)
		note(fit, "fit.action", "the schema has no action %.*s::\"%.*s\"", NAME_ARGS(value->entity.type),
		     NAME_ARGS(value->entity.id));
	else
		check_id(fit, declared, value->entity.id);
}

static void
fit_record(struct fit *fit, const struct type *type, const struct value *value) {
	for (size_t i = 0; i < value->record.count; i++) {
		const struct value_field *field = &value->record.fields[i];
		const struct type_field *declared = type_find_field(type, field->name);
		push(fit, field->name);
		if (declared == nullptr)
			note(fit, "fit.unknown_attribute", "the schema has no attribute %.*s here",
			     NAME_ARGS(field->name));
		else
			fit_value(fit, declared->type, &field->value);
		pop(fit);
	}
	for (size_t i = 0; i < type->field_count; i++)
		if (type->fields[i].is_required && value_record_get(value, type->fields[i].name) == nullptr)
			note(fit, "fit.missing_attribute", "expected the attribute %.*s",
			     NAME_ARGS(type->fields[i].name));
}

/* Recursion is bounded by the depth of types. */
void
fit_value(struct fit *fit, const struct type *type, const struct value *value) {
	static const enum value_type expected[] = {
		[TYPE_FALSE] = VALUE_BOOLEAN, [TYPE_TRUE] = VALUE_BOOLEAN,      [TYPE_BOOLEAN] = VALUE_BOOLEAN,
		[TYPE_LONG] = VALUE_LONG,     [TYPE_STRING] = VALUE_STRING,     [TYPE_ENTITY] = VALUE_ENTITY,
		[TYPE_SET] = VALUE_SET,       [TYPE_RECORD] = VALUE_RECORD,     [TYPE_DECIMAL] = VALUE_DECIMAL,
		[TYPE_IPADDR] = VALUE_IPADDR, [TYPE_DATETIME] = VALUE_DATETIME, [TYPE_DURATION] = VALUE_DURATION,
	};
	if (value->type != expected[type->kind])
		note_type(fit, type, value);
	else if (type->kind == TYPE_ENTITY)
		fit_entity_value(fit, type, value);
	else if (type->kind == TYPE_RECORD)
		fit_record(fit, type, value);
	else if (type->kind == TYPE_SET)
		for (size_t i = 0; i < value->set.count; i++)
			fit_value(fit, type->element, &value->set.items[i]);
}

/* What is above an action by the schema is what the parents lead to. */
static bool
has_declared_parents(const struct fit *fit, const struct policy_entity *entity, uint32_t action) {
	const struct schema_action *declared = policy_schema_action(fit->schema, action);
	size_t reached = 0;
	for (size_t i = 0; i < declared->ancestor_count; i++)
		for (size_t j = 0; j < entity->parent_count; j++) {
			uint32_t parent = policy_schema_find_action(fit->schema, entity->parents[j]);
			if (parent != SCHEMA_NONE &&
			    policy_schema_action_is_in(fit->schema, parent, declared->ancestors[i])) {
				reached++;
				break;
			}
		}
	if (reached != declared->ancestor_count)
		return false;
	for (size_t j = 0; j < entity->parent_count; j++) {
		uint32_t parent = policy_schema_find_action(fit->schema, entity->parents[j]);
		if (parent == SCHEMA_NONE || !policy_schema_action_is_in(fit->schema, action, parent))
			return false;
	}
	return true;
}

static void
fit_action(struct fit *fit, const struct policy_entity *entity) {
	uint32_t action = policy_schema_find_action(fit->schema, entity->uid);
	if (action == SCHEMA_NONE)
		note(fit, "fit.action", "the schema has no action %.*s::\"%.*s\"", NAME_ARGS(entity->uid.type),
		     NAME_ARGS(entity->uid.id));
	else if ((entity->attributes != nullptr && entity->attributes->record.count > 0) ||
		 (entity->tags != nullptr && entity->tags->record.count > 0) ||
		 !has_declared_parents(fit, entity, action))
		note(fit, "fit.action", "the action %.*s::\"%.*s\" is not as the schema declares it",
		     NAME_ARGS(entity->uid.type), NAME_ARGS(entity->uid.id));
}

static void
fit_parent(struct fit *fit, uint32_t type, struct entity_uid parent) {
	uint32_t above = policy_schema_find_entity(fit->schema, parent.type);
	const struct schema_entity *declared = policy_schema_entity(fit->schema, type);
	bool is_declared = false;
	for (size_t i = 0; above != SCHEMA_NONE && i < declared->ancestor_count; i++)
		is_declared |= declared->ancestors[i] == above;
	if (!is_declared)
		note(fit, "fit.parent", "the schema has no %.*s in %.*s", NAME_ARGS(declared->name),
		     NAME_ARGS(parent.type));
	else
		check_id(fit, policy_schema_entity(fit->schema, above), parent.id);
}

static void
fit_tags(struct fit *fit, const struct schema_entity *declared, const struct value *tags) {
	for (size_t i = 0; i < tags->record.count; i++) {
		push(fit, tags->record.fields[i].name);
		if (declared->tags == nullptr)
			note(fit, "fit.tag", "%.*s has no tags", NAME_ARGS(declared->name));
		else
			fit_value(fit, declared->tags, &tags->record.fields[i].value);
		pop(fit);
	}
}

void
fit_entity(struct fit *fit, const struct policy_entity *entity) {
	static const struct value empty = {.type = VALUE_RECORD};
	static const struct bytes uid = BYTES_OF_LITERAL("uid"), attrs = BYTES_OF_LITERAL("attrs");
	static const struct bytes parents = BYTES_OF_LITERAL("parents"), tags = BYTES_OF_LITERAL("tags");
	uint32_t type = policy_schema_find_entity(fit->schema, entity->uid.type);
	const struct schema_entity *declared = type == SCHEMA_NONE ? nullptr : policy_schema_entity(fit->schema, type);
	push(fit, uid);
	if (declared == nullptr)
		note(fit, "fit.entity_type", "the schema has no entity type %.*s", NAME_ARGS(entity->uid.type));
	else if (declared->is_action)
		fit_action(fit, entity);
	else
		check_id(fit, declared, entity->uid.id);
	pop(fit);
	if (declared == nullptr || declared->is_action)
		return;
	push(fit, attrs);
	fit_value(fit, declared->shape, entity->attributes == nullptr ? &empty : entity->attributes);
	pop(fit);
	push(fit, parents);
	for (size_t i = 0; i < entity->parent_count; i++)
		fit_parent(fit, type, entity->parents[i]);
	pop(fit);
	push(fit, tags);
	fit_tags(fit, declared, entity->tags == nullptr ? &empty : entity->tags);
	pop(fit);
}

static void
fit_party(struct fit *fit, const char *role, const struct schema_action *action, const uint32_t *types, size_t count,
	  struct entity_uid uid) {
	uint32_t type = policy_schema_find_entity(fit->schema, uid.type);
	bool applies = false;
	for (size_t i = 0; i < count; i++)
		applies |= types[i] == type;
	push(fit, bytes_of_text(role));
	if (type == SCHEMA_NONE)
		note(fit, "fit.entity_type", "the schema has no entity type %.*s", NAME_ARGS(uid.type));
	else if (!applies)
		note(fit, "fit.applies_to", "%.*s::\"%.*s\" does not apply to a %s of type %.*s",
		     NAME_ARGS(action->uid.type), NAME_ARGS(action->uid.id), role, NAME_ARGS(uid.type));
	else
		check_id(fit, policy_schema_entity(fit->schema, type), uid.id);
	pop(fit);
}

void
fit_request(struct fit *fit, const struct policy_request *request) {
	static const struct value empty = {.type = VALUE_RECORD};
	uint32_t number = policy_schema_find_action(fit->schema, request->action);
	if (number == SCHEMA_NONE) {
		push(fit, bytes_of_text("action"));
		note(fit, "fit.action", "the schema has no action %.*s::\"%.*s\"", NAME_ARGS(request->action.type),
		     NAME_ARGS(request->action.id));
		pop(fit);
		return;
	}
	const struct schema_action *action = policy_schema_action(fit->schema, number);
	fit_party(fit, "principal", action, action->principals, action->principal_count, request->principal);
	fit_party(fit, "resource", action, action->resources, action->resource_count, request->resource);
	push(fit, bytes_of_text("context"));
	fit_value(fit, action->context, request->context == nullptr ? &empty : request->context);
	pop(fit);
}

enum status
policy_request_fit(const struct policy_schema *schema, const struct policy_request *request) {
	struct fit fit = {.schema = schema};
	fit_request(&fit, request);
	return fit.findings == 0 ? OK : fail_with(STATUS_INVALID);
}

enum status
policy_entities_put_actions(struct policy_entities *entities, const struct policy_schema *schema) {
	_cleanup_(arena_free) struct arena arena = {};
	for (uint32_t i = 0; i < policy_schema_action_count(schema); i++) {
		const struct schema_action *action = policy_schema_action(schema, i);
		struct entity_uid *parents = ARENA_NEW_ARRAY(&arena, action->ancestor_count, struct entity_uid);
		TRY_ALLOC(parents);
		for (size_t j = 0; j < action->ancestor_count; j++)
			parents[j] = policy_schema_action(schema, action->ancestors[j])->uid;
		struct policy_entity entity = {
			.uid = action->uid, .parents = parents, .parent_count = action->ancestor_count};
		TRY(policy_entities_put(entities, &entity));
	}
	return OK;
}
