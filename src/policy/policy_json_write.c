#include "policy/policy_json.h"
#include "policy/set.h"

/* Expressions nest deeper than canonical JSON may, and record keys are any text: objects are written here, strings there. */
static void
write_string(struct buffer *to, struct bytes text) {
	struct json_writer writer;
	json_writer_start(&writer, to);
	json_write_string(&writer, text);
	if (json_writer_finish(&writer) != OK)
		to->failed = true;
}

static void
write_uid(struct buffer *to, struct entity_uid uid) {
	buffer_append_text(to, "{\"type\":");
	write_string(to, uid.type);
	buffer_append_text(to, ",\"id\":");
	write_string(to, uid.id);
	buffer_append_text(to, "}");
}

static void write_expression(struct buffer *to, const struct expression *expression);

static void
write_member(struct buffer *to, const char *before, const struct expression *expression) {
	buffer_append_text(to, before);
	write_expression(to, expression);
}

static void
write_literal(struct buffer *to, const struct value *value) {
	struct json_writer writer;
	buffer_append_text(to, "{\"Value\":");
	switch (value->type) {
	case VALUE_BOOLEAN:
		buffer_append_text(to, value->boolean ? "true" : "false");
		break;
	case VALUE_LONG:
		buffer_append_format(to, "%lld", (long long)value->integer);
		break;
	case VALUE_STRING:
		write_string(to, value->string);
		break;
	case VALUE_ENTITY:
		buffer_append_text(to, "{\"__entity\":");
		write_uid(to, value->entity);
		buffer_append_text(to, "}");
		break;
	default: /* of what partial evaluation leaves */
		json_writer_start(&writer, to);
		value_write(&writer, value);
		if (json_writer_finish(&writer) != OK)
			to->failed = true;
	}
	buffer_append_text(to, "}");
}

static const char *
operator_of(const struct expression *expression) {
	static const char *const operators[] = {
		[EXPRESSION_AND] = "&&",
		[EXPRESSION_OR] = "||",
		[EXPRESSION_NOT] = "!",
		[EXPRESSION_NEGATE] = "neg",
		[EXPRESSION_EQUAL] = "==",
		[EXPRESSION_NOT_EQUAL] = "!=",
		[EXPRESSION_LESS] = "<",
		[EXPRESSION_LESS_EQUAL] = "<=",
		[EXPRESSION_GREATER] = ">",
		[EXPRESSION_IN] = "in",
		[EXPRESSION_GREATER_EQUAL] = ">=",
		[EXPRESSION_ADD] = "+",
		[EXPRESSION_SUBTRACT] = "-",
		[EXPRESSION_MULTIPLY] = "*",
	};
	return operators[expression->kind];
}

/* a && b && c is (a && b) && c. */
static void
write_chain(struct buffer *to, const struct expression *chain, size_t count) {
	if (count == 1) {
		write_expression(to, chain->operands[0]);
		return;
	}
	for (size_t i = 1; i < count; i++)
		buffer_append_format(to, "{\"%s\":{\"left\":", operator_of(chain));
	write_expression(to, chain->operands[0]);
	for (size_t i = 1; i < count; i++) {
		write_member(to, ",\"right\":", chain->operands[i]);
		buffer_append_text(to, "}}");
	}
}

static void
write_binary(struct buffer *to, const char *name, const struct expression *expression) {
	buffer_append_format(to, "{\"%s\":", name);
	write_member(to, "{\"left\":", expression->operands[0]);
	write_member(to, ",\"right\":", expression->operands[1]);
	buffer_append_text(to, "}}");
}

static void
write_unary(struct buffer *to, const char *name, const struct expression *expression) {
	buffer_append_format(to, "{\"%s\":", name);
	write_member(to, "{\"arg\":", expression->operands[0]);
	buffer_append_text(to, "}}");
}

static void
write_list(struct buffer *to, const struct expression *expression) {
	buffer_append_text(to, "[");
	for (size_t i = 0; i < expression->operand_count; i++)
		write_member(to, i == 0 ? "" : ",", expression->operands[i]);
	buffer_append_text(to, "]");
}

static void
write_call(struct buffer *to, const struct expression *expression) {
	const struct policy_function *function = expression->function;
	if (!function->is_extension && function->arguments == 2) {
		write_binary(to, function->name, expression);
	} else if (!function->is_extension) {
		write_unary(to, function->name, expression);
	} else {
		buffer_append_format(to, "{\"%s\":", function->name);
		write_list(to, expression);
		buffer_append_text(to, "}");
	}
}

static void
write_has(struct buffer *to, const struct expression *expression) {
	write_member(to, "{\"has\":{\"left\":", expression->operands[0]);
	buffer_append_text(to, expression->name_count == 1 ? ",\"attr\":" : ",\"attr\":[");
	for (size_t i = 0; i < expression->name_count; i++) {
		buffer_append_text(to, i == 0 ? "" : ",");
		write_string(to, expression->names[i]);
	}
	buffer_append_text(to, expression->name_count == 1 ? "}}" : "]}}");
}

/* A literal per character, as the reference does. */
static void
write_like(struct buffer *to, const struct expression *expression) {
	const char *separator = "";
	write_member(to, "{\"like\":{\"left\":", expression->operands[0]);
	buffer_append_text(to, ",\"pattern\":[");
	for (size_t i = 0; i < expression->name_count; i++) {
		struct bytes part = expression->names[i];
		if (i > 0) {
			buffer_append_format(to, "%s\"Wildcard\"", separator);
			separator = ",";
		}
		for (size_t at = 0; at < part.len;) {
			size_t length = utf8_length(part.data + at, part.len - at);
			length = length == 0 ? 1 : length; /* write_string() marks what is no UTF-8 */
			buffer_append_format(to, "%s{\"Literal\":", separator);
			write_string(to, bytes_of(part.data + at, length));
			buffer_append_text(to, "}");
			separator = ",";
			at += length;
		}
	}
	buffer_append_text(to, "]}}");
}

static void
write_is(struct buffer *to, const struct expression *expression) {
	write_member(to, "{\"is\":{\"left\":", expression->operands[0]);
	buffer_append_text(to, ",\"entity_type\":");
	write_string(to, expression->names[0]);
	if (expression->operand_count > 1)
		write_member(to, ",\"in\":", expression->operands[1]);
	buffer_append_text(to, "}}");
}

static void
write_record(struct buffer *to, const struct expression *expression) {
	buffer_append_text(to, "{\"Record\":{");
	for (size_t i = 0; i < expression->operand_count; i++) {
		buffer_append_text(to, i == 0 ? "" : ",");
		write_string(to, expression->names[i]);
		write_member(to, ":", expression->operands[i]);
	}
	buffer_append_text(to, "}}");
}

/* Recursion is bounded by EXPRESSION_DEPTH_MAX. */
static void
write_expression(struct buffer *to, const struct expression *expression) {
	static const char *const variables[] = {"principal", "action", "resource", "context"};
	const struct expression *const *operands = expression->operands;
	switch (expression->kind) {
	case EXPRESSION_LITERAL:
		write_literal(to, &expression->value);
		break;
	case EXPRESSION_VARIABLE:
		buffer_append_format(to, "{\"Var\":\"%s\"}", variables[expression->variable]);
		break;
	case EXPRESSION_IF:
		write_member(to, "{\"if-then-else\":{\"if\":", operands[0]);
		write_member(to, ",\"then\":", operands[1]);
		write_member(to, ",\"else\":", operands[2]);
		buffer_append_text(to, "}}");
		break;
	case EXPRESSION_AND:
	case EXPRESSION_OR:
		write_chain(to, expression, expression->operand_count);
		break;
	case EXPRESSION_NOT:
	case EXPRESSION_NEGATE:
		write_unary(to, operator_of(expression), expression);
		break;
	case EXPRESSION_HAS:
		write_has(to, expression);
		break;
	case EXPRESSION_LIKE:
		write_like(to, expression);
		break;
	case EXPRESSION_IS:
		write_is(to, expression);
		break;
	case EXPRESSION_ATTRIBUTE:
		write_member(to, "{\".\":{\"left\":", operands[0]);
		buffer_append_text(to, ",\"attr\":");
		write_string(to, expression->names[0]);
		buffer_append_text(to, "}}");
		break;
	case EXPRESSION_SET:
		buffer_append_text(to, "{\"Set\":");
		write_list(to, expression);
		buffer_append_text(to, "}");
		break;
	case EXPRESSION_RECORD:
		write_record(to, expression);
		break;
	case EXPRESSION_CALL:
		write_call(to, expression);
		break;
	default:
		write_binary(to, operator_of(expression), expression);
	}
}

static void
write_scope_entity(struct buffer *to, const struct scope *scope, const char *variable, const struct entity_uid *slot) {
	if (scope->is_slot && slot == nullptr) {
		buffer_append_format(to, "\"slot\":\"?%s\"", variable);
		return;
	}
	buffer_append_text(to, "\"entity\":");
	write_uid(to, scope->is_slot ? *slot : scope->entities[0]);
}

static void
write_scope(struct buffer *to, const struct scope *scope, const char *variable, const struct entity_uid *slot) {
	buffer_append_format(to, ",\"%s\":{\"op\":", variable);
	switch (scope->kind) {
	case SCOPE_ANY:
		buffer_append_text(to, "\"All\"");
		break;
	case SCOPE_EQUAL:
		buffer_append_text(to, "\"==\",");
		write_scope_entity(to, scope, variable, slot);
		break;
	case SCOPE_IN:
		buffer_append_text(to, "\"in\",");
		if (!scope->is_list || scope->entity_count == 1) {
			write_scope_entity(to, scope, variable, slot);
			break;
		}
		buffer_append_text(to, "\"entities\":[");
		for (size_t i = 0; i < scope->entity_count; i++) {
			buffer_append_text(to, i == 0 ? "" : ",");
			write_uid(to, scope->entities[i]);
		}
		buffer_append_text(to, "]");
		break;
	case SCOPE_IS:
	case SCOPE_IS_IN:
		buffer_append_text(to, "\"is\",\"entity_type\":");
		write_string(to, scope->type);
		if (scope->kind == SCOPE_IS)
			break;
		buffer_append_text(to, ",\"in\":{");
		write_scope_entity(to, scope, variable, slot);
		buffer_append_text(to, "}");
		break;
	}
	buffer_append_text(to, "}");
}

static void
write_policy(struct buffer *to, const struct policy_entry *entry) {
	const struct policy_ast *policy = entry->ast;
	buffer_append_format(to, "{\"effect\":\"%s\"", policy->effect == POLICY_PERMIT ? "permit" : "forbid");
	write_scope(to, &policy->principal, "principal", entry->principal);
	write_scope(to, &policy->action, "action", nullptr);
	write_scope(to, &policy->resource, "resource", entry->resource);
	buffer_append_text(to, ",\"conditions\":[");
	for (size_t i = 0; i < policy->condition_count; i++) {
		const struct condition *condition = &policy->conditions[i];
		buffer_append_format(to, "%s{\"kind\":\"%s\"", i == 0 ? "" : ",",
				     condition->is_unless ? "unless" : "when");
		write_member(to, ",\"body\":", condition->body);
		buffer_append_text(to, "}");
	}
	buffer_append_text(to, "]");
	for (size_t i = 0; i < policy->annotation_count; i++) {
		buffer_append_text(to, i == 0 ? ",\"annotations\":{" : ",");
		write_string(to, policy->annotations[i].key);
		buffer_append_text(to, ":");
		write_string(to, policy->annotations[i].value);
	}
	buffer_append_text(to, policy->annotation_count > 0 ? "}}" : "}");
}

static bool
is_link(const struct policy_entry *entry) {
	return !entry->is_template && policy_ast_is_template(entry->ast);
}

static void
write_policies(const struct policy_set *set, bool templates, struct buffer *to) {
	const char *separator = "";
	for (size_t i = 0; i < set->entry_count; i++) {
		const struct policy_entry *entry = &set->entries[i];
		if (is_link(entry) || entry->is_template != templates)
			continue;
		buffer_append_text(to, separator);
		write_string(to, entry->id);
		buffer_append_text(to, ":");
		write_policy(to, entry);
		separator = ",";
	}
}

static void
write_link(const struct policy_set *set, const struct policy_entry *link, struct buffer *to) {
	const char *separator = "";
	buffer_append_text(to, "{\"templateId\":");
	for (size_t i = 0; i < set->entry_count; i++)
		if (set->entries[i].is_template && set->entries[i].ast == link->ast)
			write_string(to, set->entries[i].id);
	buffer_append_text(to, ",\"newId\":");
	write_string(to, link->id);
	buffer_append_text(to, ",\"values\":{");
	if (link->principal != nullptr) {
		buffer_append_text(to, "\"?principal\":");
		write_uid(to, *link->principal);
		separator = ",";
	}
	if (link->resource != nullptr) {
		buffer_append_format(to, "%s\"?resource\":", separator);
		write_uid(to, *link->resource);
	}
	buffer_append_text(to, "}}");
}

enum status
policy_set_write_json(const struct policy_set *set, struct buffer *to) {
	const char *separator = "";
	buffer_append_text(to, "{\"staticPolicies\":{");
	write_policies(set, false, to);
	buffer_append_text(to, "},\"templates\":{");
	write_policies(set, true, to);
	buffer_append_text(to, "},\"templateLinks\":[");
	for (size_t i = 0; i < set->entry_count; i++)
		if (is_link(&set->entries[i])) {
			buffer_append_text(to, separator);
			write_link(set, &set->entries[i], to);
			separator = ",";
		}
	buffer_append_text(to, "]}");
	return buffer_status(to);
}

enum status
policy_write_json(const struct policy_set *set, struct bytes id, struct buffer *to) {
	void *number = map_get(&set->ids, id);
	if (number == nullptr)
		return fail(STATUS_NOT_FOUND, "policy.unknown_id: there is no policy \"%.*s\"",
			    (int)(id.len > 80 ? 80 : id.len), (const char *)id.data);
	write_policy(to, &set->entries[(uintptr_t)number - 1]);
	return buffer_status(to);
}
