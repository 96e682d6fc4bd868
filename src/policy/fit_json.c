/* Values and requests in JSON, as a schema says what they are. */
#include <stdlib.h>

#include "policy/fit.h"
#include "policy/json_source.h"

static bool
is_object(const json *encoded) {
	return json_type_of(encoded) == JSON_OBJECT;
}

static bool
has_member(const json *encoded, const char *key) {
	return is_object(encoded) && json_get(encoded, key) != nullptr;
}

static int
compare_fields(const void *a, const void *b) {
	return bytes_compare(((const struct value_field *)a)->name, ((const struct value_field *)b)->name);
}

static enum status
read_record(struct fit *fit, struct arena *arena, const json *encoded, const struct type *type, struct value *value) {
	size_t count = json_size(encoded);
	struct value_field *fields = ARENA_NEW_ARRAY(arena, count, struct value_field);
	TRY_ALLOC(fields);
	struct json_iterator iterator = json_iterate(encoded);
	for (size_t i = 0; i < count; i++) {
		const json *member = json_next(&iterator, &fields[i].name);
		const struct type_field *field = type_find_field(type, fields[i].name);
		if (fit->depth < FIT_PATH_MAX)
			fit->path[fit->depth] = fields[i].name;
		fit->depth++;
		TRY(fit_read_value(fit, arena, member, field == nullptr ? nullptr : field->type, &fields[i].value));
		fit->depth--;
	}
	if (count > 1)
		qsort(fields, count, sizeof *fields, compare_fields);
	*value = (struct value){.type = VALUE_RECORD, .record = {fields, count}};
	return OK;
}

static enum status
read_set(struct fit *fit, struct arena *arena, const json *encoded, const struct type *type, struct value *value) {
	size_t count = json_size(encoded);
	struct value *items = ARENA_NEW_ARRAY(arena, count, struct value);
	TRY_ALLOC(items);
	struct json_iterator iterator = json_iterate(encoded);
	for (size_t i = 0; i < count; i++)
		TRY(fit_read_value(fit, arena, json_next(&iterator, nullptr), type->element, &items[i]));
	*value = value_set(items, count);
	return OK;
}

static enum status
read_extension(struct arena *arena, const json *encoded, enum type_kind kind, struct value *value) {
	struct bytes text;
	if (has_member(encoded, "fn") && !has_member(encoded, "__extn"))
		return value_read_extension(arena, encoded, value);
	if (json_type_of(encoded) != JSON_STRING)
		return value_read(arena, encoded, value);
	text = json_string(encoded);
	switch (kind) {
	case TYPE_DECIMAL:
		return value_parse_decimal(text, value);
	case TYPE_IPADDR:
		return value_parse_ip(text, value);
	case TYPE_DATETIME:
		return value_parse_datetime(text, value);
	default:
		return value_parse_duration(text, value);
	}
}

/* Recursion is bounded by the depth of the document. */
enum status
fit_read_value(struct fit *fit, struct arena *arena, const json *encoded, const struct type *type,
	       struct value *value) {
	bool is_escape =
		has_member(encoded, "__entity") || has_member(encoded, "__extn") || has_member(encoded, "__expr");
	*value = (struct value){};
	if (type == nullptr)
		return value_read(arena, encoded, value);
	switch (type->kind) {
	case TYPE_ENTITY:
		if (is_escape || !has_member(encoded, "type") || !has_member(encoded, "id"))
			break;
		value->type = VALUE_ENTITY;
		return value_read_uid(encoded, &value->entity);
	case TYPE_SET:
		if (json_type_of(encoded) != JSON_ARRAY)
			break;
		return read_set(fit, arena, encoded, type, value);
	case TYPE_RECORD:
		if (is_escape || !is_object(encoded))
			break;
		return read_record(fit, arena, encoded, type, value);
	case TYPE_DECIMAL:
	case TYPE_IPADDR:
	case TYPE_DATETIME:
	case TYPE_DURATION:
		return read_extension(arena, encoded, type->kind, value);
	default:
		break;
	}
	return value_read(arena, encoded, value);
}

/* --- Requests. --- */

struct request_reader {
	struct json_source json;
	struct json_node root;
	size_t findings;
};

static enum status
read_party(struct request_reader *reader, const char *key, struct entity_uid *uid) {
	struct json_node member;
	enum status status = json_source_need(&reader->json, reader->root, key, JSON_OBJECT, &member);
	if (status == OK)
		status = json_source_pass(&reader->json, member, value_read_uid(member.value, uid));
	if (status == STATUS_INVALID)
		reader->findings++;
	return status == STATUS_INVALID ? OK : status;
}

/* The value at the path, or the nearest around it that is found. */
static struct json_node
node_at(const struct request_reader *reader, const struct fit *fit) {
	struct json_node node = reader->root;
	for (size_t i = 0; i < fit->depth && i < FIT_PATH_MAX; i++) {
		struct json_place place;
		const json *value = is_object(node.value) ? json_get_bytes(node.value, fit->path[i]) : nullptr;
		if (value == nullptr ||
		    !json_place_member(reader->json.source->text, node.place.offset, fit->path[i], &place))
			break;
		node = (struct json_node){value, place};
	}
	return node;
}

static void
note_unfit(struct fit *fit, const char *name, const char *sentence) {
	struct request_reader *reader = fit->context;
	reader->findings++;
	json_source_note(&reader->json, node_at(reader, fit), name, "%s", sentence);
}

static enum status
read_context(struct request_reader *reader, struct fit *fit, const struct policy_request *request,
	     struct value *context) {
	struct json_node member;
	enum status status = json_source_need(&reader->json, reader->root, "context", JSON_OBJECT, &member);
	if (status == OK) {
		const struct type *type = nullptr;
		uint32_t action = fit->schema == nullptr || request->action.type.data == nullptr
					  ? SCHEMA_NONE
					  : policy_schema_find_action(fit->schema, request->action);
		if (action != SCHEMA_NONE)
			type = policy_schema_action(fit->schema, action)->context;
		fit->path[0] = bytes_of_text("context");
		fit->depth = 1;
		status = fit_read_value(fit, reader->json.arena, member.value, type, context);
		status = json_source_pass(&reader->json, node_at(reader, fit), status);
		fit->depth = 0;
	}
	if (status == OK && context->type != VALUE_RECORD)
		status = json_source_complain(&reader->json, member, "request.context", "expected a record, found %s",
					      value_type_name(context->type));
	if (status == STATUS_INVALID)
		reader->findings++;
	return status == STATUS_INVALID ? OK : status;
}

static enum status
read_request(struct request_reader *reader, struct fit *fit, struct policy_request *request) {
	struct value *context = ARENA_NEW(reader->json.arena, struct value);
	TRY_ALLOC(context);
	TRY(json_source_read(&reader->json, &reader->root));
	TRY(json_source_expect(&reader->json, reader->root, JSON_OBJECT));
	TRY(json_source_only(&reader->json, reader->root,
			     (const char *const[]){"principal", "action", "resource", "context", nullptr}));
	TRY(read_party(reader, "principal", &request->principal));
	TRY(read_party(reader, "action", &request->action));
	TRY(read_party(reader, "resource", &request->resource));
	TRY(read_context(reader, fit, request, context));
	request->context = context;
	if (reader->findings == 0 && fit->schema != nullptr)
		fit_request(fit, request);
	return reader->findings > 0 ? fail_with(STATUS_INVALID) : OK;
}

enum status
policy_request_read(struct arena *arena, const struct policy_source *source, const struct policy_schema *schema,
		    struct policy_diagnostics *diagnostics, struct policy_request *request) {
	_cleanup_(policy_diagnostics_free) struct policy_diagnostics own = {};
	if (diagnostics == nullptr)
		diagnostics = &own;
	size_t first = diagnostics->count;
	struct request_reader reader = {
		.json = {.arena = arena, .source = source, .diagnostics = diagnostics, .prefix = "request"}};
	struct fit fit = {.schema = schema, .found = note_unfit, .context = &reader};
	*request = (struct policy_request){};
	enum status status = read_request(&reader, &fit, request);
	policy_diagnostics_sort(diagnostics, first);
	return status == STATUS_INVALID ? policy_diagnostics_fail(diagnostics, first) : status;
}
