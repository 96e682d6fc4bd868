#include "policy/policy_text.h"

#include <stdio.h>

#include "policy/format.h"
#include "policy/set.h"
#include "policy/unicode.h"

/* How tightly an expression binds; an operand that binds less than its place asks for stands in parentheses. */
enum level { LEVEL_IF, LEVEL_OR, LEVEL_AND, LEVEL_RELATION, LEVEL_SUM, LEVEL_PRODUCT, LEVEL_UNARY, LEVEL_MEMBER };

static void write_at(const struct expression *expression, enum level level, struct buffer *to);
static void write_value(const struct value *value, struct buffer *to);

static bool
is_identifier(struct bytes name) {
	return value_is_type_name(name) && memchr(name.data, ':', name.len) == nullptr;
}

static void
write_characters(struct bytes text, bool is_pattern, struct buffer *to) {
	for (size_t at = 0; at < text.len;) {
		uint32_t character;
		size_t length = unicode_decode(text, at, &character);
		if (length == 0) { /* no policy holds what is no UTF-8 */
			to->failed = true;
			return;
		}
		if (character == '"' || character == '\\' || (is_pattern && character == '*'))
			buffer_append_format(to, "\\%c", (char)character);
		else if (character == '\n' || character == '\r' || character == '\t')
			buffer_append_text(to, character == '\n' ? "\\n" : character == '\r' ? "\\r" : "\\t");
		else if (character < 0x20 || (character >= 0x7f && character < 0xa0) ||
			 unicode_is_bidirectional_control(character))
			buffer_append_format(to, "\\u{%x}", (unsigned)character);
		else
			buffer_append(to, text.data + at, length);
		at += length;
	}
}

static void
write_string(struct bytes text, struct buffer *to) {
	buffer_append_text(to, "\"");
	write_characters(text, false, to);
	buffer_append_text(to, "\"");
}

static void
write_uid(struct entity_uid uid, struct buffer *to) {
	buffer_append_bytes(to, uid.type);
	buffer_append_text(to, "::");
	write_string(uid.id, to);
}

static void
write_key(struct bytes key, struct buffer *to) {
	if (is_identifier(key))
		buffer_append_bytes(to, key);
	else
		write_string(key, to);
}

/* --- Values. --- */

static void
write_extension(const struct value *value, struct buffer *to) {
	char text[VALUE_TEXT_SIZE];
	struct value distance = {.type = VALUE_DURATION, .integer = value->integer};
	if (value_format_extension(value, text)) {
		buffer_append_format(to, "%s(\"%s\")",
				     value->type == VALUE_IPADDR ? "ip" : value_type_name(value->type), text);
		return;
	}
	value_format_extension(&distance, text); /* a datetime far away */
	buffer_append_format(to, "datetime(\"1970-01-01\").offset(duration(\"%s\"))", text);
}

static void
write_record_value(const struct value *value, struct buffer *to) {
	buffer_append_text(to, "{");
	for (size_t i = 0; i < value->record.count; i++) {
		buffer_append_text(to, i == 0 ? "" : ", ");
		write_key(value->record.fields[i].name, to);
		buffer_append_text(to, ": ");
		write_value(&value->record.fields[i].value, to);
	}
	buffer_append_text(to, "}");
}

static void
write_value(const struct value *value, struct buffer *to) {
	switch (value->type) {
	case VALUE_BOOLEAN:
		buffer_append_text(to, value->boolean ? "true" : "false");
		return;
	case VALUE_LONG:
		buffer_append_format(to, "%lld", (long long)value->integer);
		return;
	case VALUE_STRING:
		write_string(value->string, to);
		return;
	case VALUE_ENTITY:
		write_uid(value->entity, to);
		return;
	case VALUE_SET:
		buffer_append_text(to, "[");
		for (size_t i = 0; i < value->set.count; i++) {
			buffer_append_text(to, i == 0 ? "" : ", ");
			write_value(&value->set.items[i], to);
		}
		buffer_append_text(to, "]");
		return;
	case VALUE_RECORD:
		write_record_value(value, to);
		return;
	default:
		write_extension(value, to);
	}
}

/* --- Expressions. --- */

static const struct operator{
	const char *text;
	enum level level, left, right;
}
operators[] = {
	[EXPRESSION_OR] = {" || ", LEVEL_OR, LEVEL_AND, LEVEL_AND},
	[EXPRESSION_AND] = {" && ", LEVEL_AND, LEVEL_RELATION, LEVEL_RELATION},
	[EXPRESSION_EQUAL] = {" == ", LEVEL_RELATION, LEVEL_SUM, LEVEL_SUM},
	[EXPRESSION_NOT_EQUAL] = {" != ", LEVEL_RELATION, LEVEL_SUM, LEVEL_SUM},
	[EXPRESSION_LESS] = {" < ", LEVEL_RELATION, LEVEL_SUM, LEVEL_SUM},
	[EXPRESSION_LESS_EQUAL] = {" <= ", LEVEL_RELATION, LEVEL_SUM, LEVEL_SUM},
	[EXPRESSION_GREATER] = {" > ", LEVEL_RELATION, LEVEL_SUM, LEVEL_SUM},
	[EXPRESSION_GREATER_EQUAL] = {" >= ", LEVEL_RELATION, LEVEL_SUM, LEVEL_SUM},
	[EXPRESSION_IN] = {" in ", LEVEL_RELATION, LEVEL_SUM, LEVEL_SUM},
	[EXPRESSION_ADD] = {" + ", LEVEL_SUM, LEVEL_SUM, LEVEL_PRODUCT},
	[EXPRESSION_SUBTRACT] = {" - ", LEVEL_SUM, LEVEL_SUM, LEVEL_PRODUCT},
	[EXPRESSION_MULTIPLY] = {" * ", LEVEL_PRODUCT, LEVEL_PRODUCT, LEVEL_UNARY},
};

static enum level
level_of(const struct expression *expression) {
	switch (expression->kind) {
	case EXPRESSION_LITERAL:
		return expression->value.type == VALUE_LONG && expression->value.integer < 0 ? LEVEL_UNARY
											     : LEVEL_MEMBER;
	case EXPRESSION_IF:
		return LEVEL_IF;
	case EXPRESSION_NOT:
	case EXPRESSION_NEGATE:
		return LEVEL_UNARY;
	case EXPRESSION_HAS:
	case EXPRESSION_LIKE:
	case EXPRESSION_IS:
		return LEVEL_RELATION;
	case EXPRESSION_VARIABLE:
	case EXPRESSION_ATTRIBUTE:
	case EXPRESSION_SET:
	case EXPRESSION_RECORD:
	case EXPRESSION_CALL:
		return LEVEL_MEMBER;
	default:
		return operators[expression->kind].level;
	}
}

static void
write_list(const struct expression *const *operands, size_t count, struct buffer *to) {
	for (size_t i = 0; i < count; i++) {
		buffer_append_text(to, i == 0 ? "" : ", ");
		write_at(operands[i], LEVEL_IF, to);
	}
}

static void
write_if(const struct expression *expression, struct buffer *to) {
	static const char *const words[] = {"if ", " then ", " else "};
	for (size_t i = 0; i < 3; i++) {
		buffer_append_text(to, words[i]);
		write_at(expression->operands[i], LEVEL_IF, to);
	}
}

/* -5 is a literal, and - before parentheses is not. */
static void
write_unary(const struct expression *expression, struct buffer *to) {
	const struct expression *operand = expression->operands[0];
	bool is_number = operand->kind == EXPRESSION_LITERAL && operand->value.type == VALUE_LONG;
	buffer_append_text(to, expression->kind == EXPRESSION_NOT ? "!" : "-");
	buffer_append_text(to, is_number ? "(" : "");
	write_at(operand, is_number ? LEVEL_IF : LEVEL_MEMBER, to);
	buffer_append_text(to, is_number ? ")" : "");
}

static void
write_has(const struct expression *expression, struct buffer *to) {
	write_at(expression->operands[0], LEVEL_SUM, to);
	buffer_append_text(to, " has ");
	for (size_t i = 0; i < expression->name_count; i++) {
		buffer_append_text(to, i == 0 ? "" : ".");
		write_key(expression->names[i], to);
	}
}

static void
write_like(const struct expression *expression, struct buffer *to) {
	write_at(expression->operands[0], LEVEL_SUM, to);
	buffer_append_text(to, " like \"");
	for (size_t i = 0; i < expression->name_count; i++) {
		buffer_append_text(to, i == 0 ? "" : "*");
		write_characters(expression->names[i], true, to);
	}
	buffer_append_text(to, "\"");
}

static void
write_is(const struct expression *expression, struct buffer *to) {
	write_at(expression->operands[0], LEVEL_SUM, to);
	buffer_append_text(to, " is ");
	buffer_append_bytes(to, expression->names[0]);
	if (expression->operand_count == 1)
		return;
	buffer_append_text(to, " in ");
	write_at(expression->operands[1], LEVEL_SUM, to);
}

static void
write_attribute(const struct expression *expression, struct buffer *to) {
	write_at(expression->operands[0], LEVEL_MEMBER, to);
	bool is_name = is_identifier(expression->names[0]);
	buffer_append_text(to, is_name ? "." : "[");
	write_key(expression->names[0], to);
	buffer_append_text(to, is_name ? "" : "]");
}

static void
write_record(const struct expression *expression, struct buffer *to) {
	buffer_append_text(to, "{");
	for (size_t i = 0; i < expression->operand_count; i++) {
		buffer_append_text(to, i == 0 ? "" : ", ");
		write_key(expression->names[i], to);
		buffer_append_text(to, ": ");
		write_at(expression->operands[i], LEVEL_IF, to);
	}
	buffer_append_text(to, "}");
}

static void
write_call(const struct expression *expression, struct buffer *to) {
	const struct policy_function *function = expression->function;
	size_t receivers = function->is_method ? 1 : 0;
	if (function->is_method) {
		write_at(expression->operands[0], LEVEL_MEMBER, to);
		buffer_append_text(to, ".");
	}
	buffer_append_format(to, "%s(", function->name);
	write_list(expression->operands + receivers, expression->operand_count - receivers, to);
	buffer_append_text(to, ")");
}

static void
write_operator(const struct expression *expression, struct buffer *to) {
	const struct operator* operator= & operators[expression->kind];
	for (size_t i = 0; i < expression->operand_count; i++) {
		buffer_append_text(to, i == 0 ? "" : operator->text);
		write_at(expression->operands[i], i == 0 ? operator->left : operator->right, to);
	}
}

static void
write_bare(const struct expression *expression, struct buffer *to) {
	static const char *const variables[] = {"principal", "action", "resource", "context"};
	switch (expression->kind) {
	case EXPRESSION_LITERAL:
		write_value(&expression->value, to);
		return;
	case EXPRESSION_VARIABLE:
		buffer_append_text(to, variables[expression->variable]);
		return;
	case EXPRESSION_IF:
		write_if(expression, to);
		return;
	case EXPRESSION_NOT:
	case EXPRESSION_NEGATE:
		write_unary(expression, to);
		return;
	case EXPRESSION_HAS:
		write_has(expression, to);
		return;
	case EXPRESSION_LIKE:
		write_like(expression, to);
		return;
	case EXPRESSION_IS:
		write_is(expression, to);
		return;
	case EXPRESSION_ATTRIBUTE:
		write_attribute(expression, to);
		return;
	case EXPRESSION_SET:
		buffer_append_text(to, "[");
		write_list(expression->operands, expression->operand_count, to);
		buffer_append_text(to, "]");
		return;
	case EXPRESSION_RECORD:
		write_record(expression, to);
		return;
	case EXPRESSION_CALL:
		write_call(expression, to);
		return;
	default:
		write_operator(expression, to);
	}
}

/* Recursion is bounded by EXPRESSION_DEPTH_MAX. */
static void
write_at(const struct expression *expression, enum level level, struct buffer *to) {
	bool is_enclosed = level_of(expression) < level;
	buffer_append_text(to, is_enclosed ? "(" : "");
	write_bare(expression, to);
	buffer_append_text(to, is_enclosed ? ")" : "");
}

void
policy_write_expression(const struct expression *expression, struct buffer *to) {
	write_at(expression, LEVEL_IF, to);
}

/* --- Policies. --- */

static void
write_scope(const struct scope *scope, const char *variable, const struct entity_uid *slot, struct buffer *to) {
	buffer_append_text(to, variable);
	if (scope->kind == SCOPE_IS || scope->kind == SCOPE_IS_IN) {
		buffer_append_text(to, " is ");
		buffer_append_bytes(to, scope->type);
	}
	if (scope->kind == SCOPE_ANY || scope->kind == SCOPE_IS)
		return;
	buffer_append_text(to, scope->kind == SCOPE_EQUAL ? " == " : " in ");
	if (scope->is_slot && slot == nullptr)
		buffer_append_format(to, "?%s", variable);
	else if (scope->is_slot)
		write_uid(*slot, to);
	else {
		buffer_append_text(to, scope->is_list ? "[" : "");
		for (size_t i = 0; i < scope->entity_count; i++) {
			buffer_append_text(to, i == 0 ? "" : ", ");
			write_uid(scope->entities[i], to);
		}
		buffer_append_text(to, scope->is_list ? "]" : "");
	}
}

/* number: among the policies, which would give its id. The template's own @id is none of the link's. */
static void
write_annotations(const struct policy_entry *entry, size_t number, struct buffer *to) {
	const struct policy_ast *policy = entry->ast;
	char own[32];
	snprintf(own, sizeof own, "policy%zu", number);
	bool is_given = bytes_equal_text(entry->id, own);
	for (size_t i = 0; i < policy->annotation_count; i++) {
		const struct policy_annotation *annotation = &policy->annotations[i];
		if (bytes_equal_text(annotation->key, "id")) {
			if (!bytes_equal(annotation->value, entry->id))
				continue;
			is_given = true;
		}
		buffer_append_text(to, "@");
		buffer_append_bytes(to, annotation->key);
		if (annotation->value.len > 0) {
			buffer_append_text(to, "(");
			write_string(annotation->value, to);
			buffer_append_text(to, ")");
		}
		buffer_append_text(to, "\n");
	}
	if (is_given)
		return;
	buffer_append_text(to, "@id(");
	write_string(entry->id, to);
	buffer_append_text(to, ")\n");
}

static void
write_policy(const struct policy_entry *entry, size_t number, struct buffer *to) {
	const struct policy_ast *policy = entry->ast;
	write_annotations(entry, number, to);
	buffer_append_text(to, policy->effect == POLICY_PERMIT ? "permit (" : "forbid (");
	write_scope(&policy->principal, "principal", entry->principal, to);
	buffer_append_text(to, ", ");
	write_scope(&policy->action, "action", nullptr, to);
	buffer_append_text(to, ", ");
	write_scope(&policy->resource, "resource", entry->resource, to);
	buffer_append_text(to, ")");
	for (size_t i = 0; i < policy->condition_count; i++) {
		buffer_append_text(to, policy->conditions[i].is_unless ? "\nunless { " : "\nwhen { ");
		policy_write_expression(policy->conditions[i].body, to);
		buffer_append_text(to, " }");
	}
	buffer_append_text(to, ";\n");
}

enum status
policy_set_write_text(const struct policy_set *set, struct buffer *to) {
	_cleanup_(buffer_free) struct buffer plain = {};
	for (size_t i = 0; i < set->entry_count; i++)
		write_policy(&set->entries[i], i, &plain);
	TRY(buffer_status(&plain));
	return policy_format("policies", buffer_bytes(&plain), to, nullptr);
}
