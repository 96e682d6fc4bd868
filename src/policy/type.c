#include "policy/type.h"

#include "policy/schema.h"

const struct type *
type_plain(enum type_kind kind) {
	static const struct type types[] = {
		[TYPE_FALSE] = {TYPE_FALSE},   [TYPE_TRUE] = {TYPE_TRUE},         [TYPE_BOOLEAN] = {TYPE_BOOLEAN},
		[TYPE_LONG] = {TYPE_LONG},     [TYPE_STRING] = {TYPE_STRING},     [TYPE_DECIMAL] = {TYPE_DECIMAL},
		[TYPE_IPADDR] = {TYPE_IPADDR}, [TYPE_DATETIME] = {TYPE_DATETIME}, [TYPE_DURATION] = {TYPE_DURATION},
	};
	return &types[kind];
}

const struct type_field *
type_find_field(const struct type *record, struct bytes name) {
	for (size_t i = 0; i < record->field_count; i++)
		if (bytes_equal(record->fields[i].name, name))
			return &record->fields[i];
	return nullptr;
}

static enum status
join_sets(struct arena *arena, const struct type *a, const struct type *b, const struct type **joined) {
	const struct type *element;
	TRY(type_join(arena, a->element, b->element, &element));
	if (element == nullptr)
		return OK;
	struct type *set = ARENA_NEW(arena, struct type);
	TRY_ALLOC(set);
	*set = (struct type){.kind = TYPE_SET, .element = element};
	*joined = set;
	return OK;
}

/* The same names, each required in both or in neither. */
static enum status
join_records(struct arena *arena, const struct type *a, const struct type *b, const struct type **joined) {
	if (a->field_count != b->field_count)
		return OK;
	struct type *record = ARENA_NEW(arena, struct type);
	struct type_field *fields = ARENA_NEW_ARRAY(arena, a->field_count, struct type_field);
	TRY_ALLOC(record);
	TRY_ALLOC(fields);
	for (size_t i = 0; i < a->field_count; i++) {
		if (!bytes_equal(a->fields[i].name, b->fields[i].name) ||
		    a->fields[i].is_required != b->fields[i].is_required)
			return OK;
		fields[i] = a->fields[i];
		TRY(type_join(arena, a->fields[i].type, b->fields[i].type, &fields[i].type));
		if (fields[i].type == nullptr)
			return OK;
	}
	*record = (struct type){.kind = TYPE_RECORD, .fields = fields, .field_count = a->field_count};
	*joined = record;
	return OK;
}

enum status
type_join(struct arena *arena, const struct type *a, const struct type *b, const struct type **joined) {
	*joined = nullptr;
	if (a == b) {
		*joined = a;
		return OK;
	}
	if (type_is_boolean(a) && type_is_boolean(b)) {
		*joined = a->kind == b->kind ? a : type_plain(TYPE_BOOLEAN);
		return OK;
	}
	if (a->kind != b->kind)
		return OK;
	switch (a->kind) {
	case TYPE_ENTITY:
		*joined = a->entity == b->entity ? a : nullptr;
		return OK;
	case TYPE_SET:
		return join_sets(arena, a, b, joined);
	case TYPE_RECORD:
		return join_records(arena, a, b, joined);
	default:
		*joined = a;
		return OK;
	}
}

constexpr size_t DESCRIPTION_MAX = 200;

void
type_describe(const struct policy_schema *schema, const struct type *type, struct buffer *to) {
	static const char *const names[] = {
		[TYPE_FALSE] = "Bool",    [TYPE_TRUE] = "Bool",         [TYPE_BOOLEAN] = "Bool",
		[TYPE_LONG] = "Long",     [TYPE_STRING] = "String",     [TYPE_ENTITY] = "",
		[TYPE_SET] = "",          [TYPE_RECORD] = "",           [TYPE_DECIMAL] = "decimal",
		[TYPE_IPADDR] = "ipaddr", [TYPE_DATETIME] = "datetime", [TYPE_DURATION] = "duration",
	};
	buffer_append_text(to, names[type->kind]);
	switch (type->kind) {
	case TYPE_ENTITY:
		buffer_append_bytes(to, policy_schema_entity(schema, type->entity)->name);
		break;
	case TYPE_SET:
		buffer_append_text(to, "Set<");
		type_describe(schema, type->element, to);
		buffer_append_text(to, ">");
		break;
	case TYPE_RECORD:
		buffer_append_text(to, "{");
		for (size_t i = 0; i < type->field_count; i++) {
			if (to->len > DESCRIPTION_MAX) {
				buffer_append_text(to, "...");
				break;
			}
			buffer_append_text(to, i == 0 ? "" : ", ");
			buffer_append_bytes(to, type->fields[i].name);
			buffer_append_text(to, type->fields[i].is_required ? ": " : "?: ");
			type_describe(schema, type->fields[i].type, to);
		}
		buffer_append_text(to, "}");
		break;
	default:
		break;
	}
}
