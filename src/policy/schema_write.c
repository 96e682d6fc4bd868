#include "policy/schema_write.h"

#include "policy/schema_ast.h"

struct writer {
	const struct schema_ast *ast;
	struct policy_diagnostics *diagnostics;
	struct buffer *to;
	size_t indent;
	size_t findings;
};

static void
put(struct writer *w, const char *text) {
	buffer_append_text(w->to, text);
}

static void
put_string(struct writer *w, struct bytes text) {
	struct json_writer writer;
	json_writer_start(&writer, w->to);
	json_write_string(&writer, text);
	if (json_writer_finish(&writer) != OK)
		w->to->failed = true;
}

static void
put_line(struct writer *w) {
	put(w, "\n");
	for (size_t i = 0; i < w->indent; i++)
		put(w, "  ");
}

/* --- Cedar's syntax. --- */

/* Rust's escapes are those of JSON but for \u, \b and \f, which JSON writes for control characters. */
static void
put_quoted(struct writer *w, struct bytes text) {
	put(w, "\"");
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];
		if (c == '"' || c == '\\')
			buffer_append_format(w->to, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			buffer_append_format(w->to, "\\u{%x}", c);
		else
			buffer_append_byte(w->to, c);
	}
	put(w, "\"");
}

static void
put_name(struct writer *w, struct bytes name) {
	if (value_is_type_name(name) && memchr(name.data, ':', name.len) == nullptr)
		buffer_append_bytes(w->to, name);
	else
		put_quoted(w, name);
}

static bool
declares(const struct declared_namespace *namespace, struct bytes name, bool common, bool entity) {
	for (size_t i = 0; common && i < namespace->common_count; i++)
		if (bytes_equal(namespace->commons[i].name.path, name))
			return true;
	for (size_t i = 0; entity && i < namespace->entity_count; i++)
		if (bytes_equal(namespace->entities[i].name.path, name))
			return true;
	return false;
}

/* A plain name that is declared in the namespace or without one. */
static bool
is_declared(const struct writer *w, const struct declared_namespace *namespace, struct bytes name, bool common,
	    bool entity) {
	if (declares(namespace, name, common, entity))
		return true;
	for (size_t i = 0; i < w->ast->namespace_count; i++)
		if (w->ast->namespaces[i].name.path.len == 0 && declares(&w->ast->namespaces[i], name, common, entity))
			return true;
	return false;
}

static void put_type(struct writer *w, const struct declared_namespace *namespace, const struct declared_type *type);

static void
put_record(struct writer *w, const struct declared_namespace *namespace, const struct declared_type *type) {
	if (type->field_count == 0) {
		put(w, "{}");
		return;
	}
	put(w, "{");
	w->indent++;
	for (size_t i = 0; i < type->field_count; i++) {
		put_line(w);
		put_name(w, type->fields[i].name.path);
		put(w, type->fields[i].is_required ? ": " : "?: ");
		put_type(w, namespace, type->fields[i].type);
		put(w, i + 1 < type->field_count ? "," : "");
	}
	w->indent--;
	put_line(w);
	put(w, "}");
}

/* Built-in types keep their meaning where something declared has their name; entity types behind a common type cannot. */
static void
put_named(struct writer *w, const struct declared_namespace *namespace, const struct declared_type *type) {
	bool is_builtin = type->kind == DECLARED_PRIMITIVE || type->kind == DECLARED_EXTENSION;
	bool has_prefix = memmem(type->name.data, type->name.len, "::", 2) != nullptr;
	if (is_builtin && !has_prefix && is_declared(w, namespace, type->name, true, true))
		put(w, "__cedar::");
	if (type->kind == DECLARED_ENTITY && is_declared(w, namespace, type->name, true, false)) {
		w->findings++;
		policy_note(w->diagnostics, w->ast->source, type->place.offset, type->place.length, "schema.ambiguous",
			    "Cedar's syntax cannot name the entity type %.*s here: a common type has that name",
			    (int)(type->name.len > 80 ? 80 : type->name.len), (const char *)type->name.data);
	}
	buffer_append_bytes(w->to, type->name);
}

static void
put_type(struct writer *w, const struct declared_namespace *namespace, const struct declared_type *type) {
	if (type->kind == DECLARED_RECORD) {
		put_record(w, namespace, type);
	} else if (type->kind == DECLARED_SET) {
		put(w, "Set<");
		put_type(w, namespace, type->element);
		put(w, ">");
	} else
		put_named(w, namespace, type);
}

static const struct declared_type *
find_common(const struct declared_namespace *namespace, struct bytes name) {
	for (size_t i = 0; i < namespace->common_count; i++)
		if (bytes_equal(namespace->commons[i].name.path, name))
			return namespace->commons[i].type;
	return nullptr;
}

/* The record that a type is or names, by however many names; null: one of another namespace. What it says means the same in the
 * namespace, in which nothing has the name of what is declared without one. The schema holds, so that no type is made of itself. */
static const struct declared_type *
find_record(const struct writer *w, const struct declared_namespace *namespace, const struct declared_type *type) {
	while (type->kind != DECLARED_RECORD) {
		struct bytes name = type->name;
		type = find_common(namespace, name);
		for (size_t i = 0; type == nullptr && i < w->ast->namespace_count; i++)
			if (w->ast->namespaces[i].name.path.len == 0)
				type = find_common(&w->ast->namespaces[i], name);
		if (type == nullptr)
			return nullptr;
	}
	return type;
}

/* Cedar's syntax wants a record where JSON may name one. */
static void
put_shape(struct writer *w, const struct declared_namespace *namespace, const struct declared_type *shape) {
	const struct declared_type *record = find_record(w, namespace, shape);
	if (record != nullptr) {
		put(w, " ");
		put_record(w, namespace, record);
		return;
	}
	w->findings++;
	policy_note(w->diagnostics, w->ast->source, shape->place.offset, shape->place.length, "schema.ambiguous",
		    "Cedar's syntax has no words for a shape that is a type of another namespace");
}

static void
put_names(struct writer *w, const char *before, const struct declared_name *names, size_t count) {
	if (count == 0)
		return;
	put(w, before);
	for (size_t i = 0; i < count; i++) {
		put(w, i == 0 ? "[" : ", ");
		buffer_append_bytes(w->to, names[i].path);
	}
	put(w, "]");
}

static void
put_entity(struct writer *w, const struct declared_namespace *namespace, const struct declared_entity *entity) {
	put_line(w);
	put(w, "entity ");
	buffer_append_bytes(w->to, entity->name.path);
	for (size_t i = 0; i < entity->id_count; i++) {
		put(w, i == 0 ? " enum [" : ", ");
		put_quoted(w, entity->ids[i]);
	}
	put(w, entity->id_count > 0 ? "]" : "");
	put_names(w, " in ", entity->parents, entity->parent_count);
	if (entity->shape != nullptr)
		put_shape(w, namespace, entity->shape);
	if (entity->tags != nullptr) {
		put(w, " tags ");
		put_type(w, namespace, entity->tags);
	}
	put(w, ";");
}

static void
put_action(struct writer *w, const struct declared_namespace *namespace, const struct declared_action *action) {
	put_line(w);
	put(w, "action ");
	put_name(w, action->id.path);
	for (size_t i = 0; i < action->parent_count; i++) {
		put(w, i == 0 ? " in [" : ", ");
		if (action->parents[i].type.len > 0) {
			buffer_append_bytes(w->to, action->parents[i].type);
			put(w, "::");
			put_quoted(w, action->parents[i].id);
		} else
			put_name(w, action->parents[i].id);
	}
	put(w, action->parent_count > 0 ? "]" : "");
	if (action->principal_count > 0 && action->resource_count > 0) {
		put(w, " appliesTo {");
		w->indent++;
		put_line(w);
		put_names(w, "principal: ", action->principals, action->principal_count);
		put(w, ",");
		put_line(w);
		put_names(w, "resource: ", action->resources, action->resource_count);
		if (action->context != nullptr) {
			put(w, ",");
			put_line(w);
			put(w, "context: ");
			put_type(w, namespace, action->context);
		}
		w->indent--;
		put_line(w);
		put(w, "}");
	}
	put(w, ";");
}

static void
put_namespace(struct writer *w, const struct declared_namespace *namespace) {
	bool is_named = namespace->name.path.len > 0;
	if (is_named) {
		put_line(w);
		put(w, "namespace ");
		buffer_append_bytes(w->to, namespace->name.path);
		put(w, " {");
		w->indent++;
	}
	for (size_t i = 0; i < namespace->common_count; i++) {
		put_line(w);
		put(w, "type ");
		buffer_append_bytes(w->to, namespace->commons[i].name.path);
		put(w, " = ");
		put_type(w, namespace, namespace->commons[i].type);
		put(w, ";");
	}
	for (size_t i = 0; i < namespace->entity_count; i++)
		put_entity(w, namespace, &namespace->entities[i]);
	for (size_t i = 0; i < namespace->action_count; i++)
		put_action(w, namespace, &namespace->actions[i]);
	if (is_named) {
		w->indent--;
		put_line(w);
		put(w, "}");
	}
}

static void
write_cedar(struct writer *w) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct buffer *to = w->to;
	w->to = &body;
	for (size_t i = 0; i < w->ast->namespace_count; i++)
		put_namespace(w, &w->ast->namespaces[i]);
	w->to = to;
	if (body.failed)
		to->failed = true;
	if (body.len > 0) /* the first line feed stands behind the last line */
		buffer_append(to, body.data + 1, body.len - 1);
	buffer_append_text(to, body.len > 0 ? "\n" : "");
}

/* --- JSON. --- */

static void put_json_type(struct writer *w, const struct declared_type *type);

static void
put_json_fields(struct writer *w, const struct declared_type *type) {
	put(w, "\"type\":\"Record\",\"attributes\":{");
	for (size_t i = 0; i < type->field_count; i++) {
		put(w, i == 0 ? "" : ",");
		put_string(w, type->fields[i].name.path);
		put(w, ":{");
		put_json_type(w, type->fields[i].type);
		put(w, type->fields[i].is_required ? "}" : ",\"required\":false}");
	}
	put(w, "}");
}

/* The members, without their braces. */
static void
put_json_type(struct writer *w, const struct declared_type *type) {
	switch (type->kind) {
	case DECLARED_RECORD:
		put_json_fields(w, type);
		return;
	case DECLARED_SET:
		put(w, "\"type\":\"Set\",\"element\":{");
		put_json_type(w, type->element);
		put(w, "}");
		return;
	default: /* from Cedar's syntax nothing else comes than a name */
		put(w, "\"type\":\"EntityOrCommon\",\"name\":");
		put_string(w, type->name);
	}
}

static void
put_json_names(struct writer *w, const char *key, const struct declared_name *names, size_t count) {
	buffer_append_format(w->to, "\"%s\":[", key);
	for (size_t i = 0; i < count; i++) {
		put(w, i == 0 ? "" : ",");
		put_string(w, names[i].path);
	}
	put(w, "]");
}

static void
put_json_entity(struct writer *w, const struct declared_entity *entity) {
	put_string(w, entity->name.path);
	if (entity->id_count > 0) {
		for (size_t i = 0; i < entity->id_count; i++) {
			put(w, i == 0 ? ":{\"enum\":[" : ",");
			put_string(w, entity->ids[i]);
		}
		put(w, "]}");
		return;
	}
	put(w, ":{");
	put_json_names(w, "memberOfTypes", entity->parents, entity->parent_count);
	if (entity->shape != nullptr) {
		put(w, ",\"shape\":{");
		put_json_type(w, entity->shape);
		put(w, "}");
	}
	if (entity->tags != nullptr) {
		put(w, ",\"tags\":{");
		put_json_type(w, entity->tags);
		put(w, "}");
	}
	put(w, "}");
}

static void
put_json_action(struct writer *w, const struct declared_action *action) {
	put_string(w, action->id.path);
	put(w, ":{\"memberOf\":[");
	for (size_t i = 0; i < action->parent_count; i++) {
		put(w, i == 0 ? "{\"id\":" : ",{\"id\":");
		put_string(w, action->parents[i].id);
		if (action->parents[i].type.len > 0) {
			put(w, ",\"type\":");
			put_string(w, action->parents[i].type);
		}
		put(w, "}");
	}
	put(w, "]");
	if (action->principal_count > 0) {
		put(w, ",\"appliesTo\":{");
		put_json_names(w, "principalTypes", action->principals, action->principal_count);
		put(w, ",");
		put_json_names(w, "resourceTypes", action->resources, action->resource_count);
		if (action->context != nullptr) {
			put(w, ",\"context\":{");
			put_json_type(w, action->context);
			put(w, "}");
		}
		put(w, "}");
	}
	put(w, "}");
}

static void
put_json_namespace(struct writer *w, const struct declared_namespace *namespace) {
	put_string(w, namespace->name.path);
	put(w, ":{\"commonTypes\":{");
	for (size_t i = 0; i < namespace->common_count; i++) {
		put(w, i == 0 ? "" : ",");
		put_string(w, namespace->commons[i].name.path);
		put(w, ":{");
		put_json_type(w, namespace->commons[i].type);
		put(w, "}");
	}
	put(w, "},\"entityTypes\":{");
	for (size_t i = 0; i < namespace->entity_count; i++) {
		put(w, i == 0 ? "" : ",");
		put_json_entity(w, &namespace->entities[i]);
	}
	put(w, "},\"actions\":{");
	for (size_t i = 0; i < namespace->action_count; i++) {
		put(w, i == 0 ? "" : ",");
		put_json_action(w, &namespace->actions[i]);
	}
	put(w, "}}");
}

static bool
is_empty(const struct declared_namespace *namespace) {
	return namespace->common_count + namespace->entity_count + namespace->action_count == 0;
}

static void
write_json(struct writer *w) {
	const char *separator = "";
	put(w, "{");
	for (size_t i = 0; i < w->ast->namespace_count; i++) {
		const struct declared_namespace *namespace = &w->ast->namespaces[i];
		if (namespace->name.path.len == 0 && is_empty(namespace))
			continue;
		put(w, separator);
		put_json_namespace(w, namespace);
		separator = ",";
	}
	put(w, "}\n");
}

static enum status
convert(struct arena *arena, const struct policy_source *source, enum schema_syntax syntax, struct buffer *to,
	struct policy_diagnostics *diagnostics) {
	struct schema_ast ast;
	struct writer writer = {.ast = &ast, .diagnostics = diagnostics, .to = to};
	TRY((syntax == SCHEMA_JSON ? schema_parse_json : schema_parse)(arena, source, diagnostics, &ast));
	(syntax == SCHEMA_JSON ? write_cedar : write_json)(&writer);
	return writer.findings > 0 ? fail_with(STATUS_INVALID) : buffer_status(to);
}

enum status
policy_schema_convert(const char *file, struct bytes text, enum schema_syntax syntax, struct buffer *to,
		      struct policy_diagnostics *diagnostics) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(policy_schema_destroy) struct policy_schema *schema = nullptr;
	const struct policy_source source = {file, text};
	TRY(policy_schema_parse(file, text, syntax, &schema, diagnostics)); /* what does not hold is not converted */
	return convert(&arena, &source, syntax, to, diagnostics);
}
