#include "policy/differential_draw.h"

#include <stdio.h>

const struct draft_type plain_types[] = {
	{.kind = DRAFT_BOOL},   {.kind = DRAFT_LONG},     {.kind = DRAFT_STRING},   {.kind = DRAFT_DECIMAL},
	{.kind = DRAFT_IPADDR}, {.kind = DRAFT_DATETIME}, {.kind = DRAFT_DURATION},
};

bool
same_types(const struct draft_type *a, const struct draft_type *b) {
	if (a->kind != b->kind || a->field_count != b->field_count)
		return false;
	if (a->kind == DRAFT_ENTITY)
		return a->entity == b->entity;
	if (a->kind == DRAFT_SET)
		return same_types(a->element, b->element);
	for (size_t i = 0; i < a->field_count; i++)
		if (strcmp(a->fields[i].name, b->fields[i].name) != 0 ||
		    a->fields[i].is_optional != b->fields[i].is_optional ||
		    !same_types(a->fields[i].type, b->fields[i].type))
			return false;
	return true;
}

bool
is_plain_name(const char *name) {
	return strchr(name, ' ') == nullptr && strcmp(name, "is") != 0;
}

const char *
pick(struct draft *draft, const char *const *choices, size_t count) {
	return choices[draft_below(draft, (uint32_t)count)];
}

/* --- Literals. --- */

void
draw_uid(struct draft *draft, size_t entity, struct buffer *to) {
	draft_count(draft, CONSTRUCT_literal_entity);
	uint32_t id = draft_below(draft, draft->entities[entity].is_enum && !draft_percent(draft, 5) ? 2 : 3);
	buffer_append_format(to, "%s::\"%u\"", draft->entities[entity].name, id);
}

void
draw_action_uid(struct draft *draft, size_t action, struct buffer *to) {
	buffer_append_format(to, "%s::\"%s\"", draft_action_type(draft), draft->actions[action].id);
}

static void
draw_long(struct draft *draft, struct buffer *to) {
	if (draft_percent(draft, 8)) {
		draft_count(draft, CONSTRUCT_literal_long_extreme);
		draft->has_far_integer = true;
		buffer_append_text(to, PICK(draft, "9223372036854775807", "-9223372036854775808", "9007199254740993",
					    "4611686018427387904"));
		return;
	}
	draft_count(draft, CONSTRUCT_literal_long);
	buffer_append_format(to, "%u", draft_below(draft, 12));
}

static void
draw_string(struct draft *draft, struct buffer *to) {
	draft_count(draft, CONSTRUCT_literal_string);
	if (draft_percent(draft, 20)) {
		draft_count(draft, CONSTRUCT_literal_escape);
		buffer_append_text(to, PICK(draft, "\"\\n\\t\"", "\"\\u{e9}\"", "\"\\x41\"", "\"\\\"\\\\\"", "\"\\0\"",
					    "\"\\'\"", "\"\\u{1F600}b\"", "\"a\\r\""));
		return;
	}
	buffer_append_text(to, PICK(draft, "\"\"", "\"a\"", "\"ab\"", "\"a*b\"", "\"k0\"", "\"k1\"", "\"é\"", "\"0\""));
}

static const char *
extension_text(struct draft *draft, enum draft_kind kind) {
	switch (kind) {
	case DRAFT_DECIMAL:
		return PICK(draft, "1.0", "-1.2345", "0.5", "922337203685477.5807", "2.50", "-922337203685477.5808");
	case DRAFT_IPADDR:
		return PICK(draft, "10.0.0.1", "10.0.0.0/8", "::1", "127.0.0.1", "ff00::/8", "224.0.0.1/32",
			    "1:2::8/64", "192.168.1.0/24");
	case DRAFT_DATETIME:
		return PICK(draft, "2024-02-29", "1970-01-01T00:00:00Z", "1969-12-31T23:59:59.999Z",
			    "2024-10-15T11:35:00+0130", "9999-12-31", "2000-01-01T00:00:00.001-0800");
	default:
		return PICK(draft, "1d2h3m4s5ms", "-1h", "0ms", "90m", "106751991167d", "1ms");
	}
}

static const char *
malformed_extension(struct draft *draft) {
	return PICK(draft, "", "1", "1.23456", "300.0.0.1", "10.0.0.0/33", "2023-02-29", "2024-13-01", "1h1d", "ms",
		    "::/129", "1.a", "2024-01-01T25:00:00Z", " 1.0", "+1.0");
}

static void
draw_extension(struct draft *draft, enum draft_kind kind, struct buffer *to) {
	static const struct {
		const char *function;
		enum construct construct;
	} functions[] = {
		[DRAFT_DECIMAL] = {"decimal", CONSTRUCT_decimal},
		[DRAFT_IPADDR] = {"ip", CONSTRUCT_ip},
		[DRAFT_DATETIME] = {"datetime", CONSTRUCT_datetime},
		[DRAFT_DURATION] = {"duration", CONSTRUCT_duration},
	};
	draft_count(draft, functions[kind].construct);
	buffer_append_format(to, "%s(\"%s\")", functions[kind].function,
			     draft_percent(draft, 4) ? malformed_extension(draft) : extension_text(draft, kind));
}

static void
draw_set(struct draft *draft, struct environment *environment, const struct draft_type *element, size_t depth,
	 struct buffer *to) {
	uint32_t count = draft_percent(draft, 4) ? 0 : 1 + draft_below(draft, 3);
	draft_count(draft, count == 0 ? CONSTRUCT_literal_set_empty : CONSTRUCT_literal_set);
	buffer_append_text(to, "[");
	for (uint32_t i = 0; i < count; i++) {
		draw_expression(draft, environment, element, depth == 0 ? 0 : depth - 1, to);
		if (i + 1 < count)
			buffer_append_text(to, ", ");
		else if (draft_percent(draft, 5)) {
			draft_count(draft, CONSTRUCT_trailing_comma);
			buffer_append_text(to, ",");
		}
	}
	buffer_append_text(to, "]");
}

static void
draw_record(struct draft *draft, struct environment *environment, const struct draft_type *type, size_t depth,
	    struct buffer *to) {
	const char *separator = "";
	draft_count(draft, CONSTRUCT_literal_record);
	buffer_append_text(to, "{");
	for (size_t i = 0; i < type->field_count; i++) {
		bool is_quoted = !is_plain_name(type->fields[i].name) || draft_percent(draft, 20);
		if (type->fields[i].is_optional && draft_percent(draft, 40))
			continue;
		if (is_quoted)
			draft_count(draft, CONSTRUCT_literal_record_string_key);
		buffer_append_format(to, is_quoted ? "%s\"%s\": " : "%s%s: ", separator, type->fields[i].name);
		draw_expression(draft, environment, type->fields[i].type, depth == 0 ? 0 : depth - 1, to);
		separator = ", ";
	}
	buffer_append_text(to, "}");
}

void
draw_literal(struct draft *draft, struct environment *environment, const struct draft_type *type, size_t depth,
	     struct buffer *to) {
	switch (type->kind) {
	case DRAFT_BOOL: {
		bool is_true = draft_percent(draft, 50);
		draft_count(draft, is_true ? CONSTRUCT_literal_true : CONSTRUCT_literal_false);
		buffer_append_text(to, is_true ? "true" : "false");
		break;
	}
	case DRAFT_LONG:
		draw_long(draft, to);
		break;
	case DRAFT_STRING:
		draw_string(draft, to);
		break;
	case DRAFT_ENTITY:
		draw_uid(draft, type->entity, to);
		break;
	case DRAFT_SET:
		draw_set(draft, environment, type->element, depth, to);
		break;
	case DRAFT_RECORD:
		draw_record(draft, environment, type, depth, to);
		break;
	default:
		draw_extension(draft, type->kind, to);
	}
}
