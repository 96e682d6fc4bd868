#include "policy/parser.h"

#include <stdlib.h>

#include "policy/literal.h"

static enum status
check_depth(struct parser *parser, const struct expression *node) {
	if (node->depth <= EXPRESSION_DEPTH_MAX)
		return OK;
	return policy_complain(parser->diagnostics, parser->source, node->place.offset, node->place.length,
			       "policy.depth", "expressions nest at most %zu deep", EXPRESSION_DEPTH_MAX);
}

static enum status
make_node(struct parser *parser, size_t start, enum expression_kind kind, const struct expression *const *operands,
	  size_t count, struct expression **node) {
	TRY(expression_make(parser->arena, kind, parser_place(parser, start), operands, count, node));
	return check_depth(parser, *node);
}

static enum status
make_named_node(struct parser *parser, size_t start, enum expression_kind kind, const struct expression *operand,
		struct bytes name, struct expression **node) {
	TRY(expression_make_named(parser->arena, kind, parser_place(parser, start), operand, name, node));
	return check_depth(parser, *node);
}

static enum status
make_literal(struct parser *parser, size_t start, struct value value, const struct expression **expression) {
	struct expression *node;
	TRY(expression_make_literal(parser->arena, parser_place(parser, start), value, &node));
	*expression = node;
	return OK;
}

/* Digits, with or without the minus before them. */
static enum status
parse_number(struct parser *parser, size_t start, bool is_negative, const struct expression **expression) {
	const struct token *token = parser_token(parser);
	struct bytes digits = token_text(parser->source, token);
	int64_t number = 0;
	for (size_t i = 0; i < digits.len; i++) {
		int digit = digits.data[i] - '0';
		if (__builtin_mul_overflow(number, (int64_t)10, &number) ||
		    __builtin_add_overflow(number, is_negative ? -digit : digit, &number))
			return COMPLAIN(parser, token, "policy.integer_range",
					"integers go from -9223372036854775808 to 9223372036854775807");
	}
	parser->at++;
	return make_literal(parser, start, value_long(number), expression);
}

/* Expressions separated by commas, a last comma allowed, up to the closing token, which is taken. */
static enum status
parse_list(struct parser *parser, enum token_kind close, const char *expected, const struct expression *const **items,
	   size_t *count) {
	const struct expression **list = nullptr;
	*count = 0;
	while (!parser_take(parser, close)) {
		list = parser_grow(parser, list, *count, sizeof(const struct expression *));
		TRY_ALLOC(list);
		TRY(parser_expression(parser, &list[*count]));
		(*count)++;
		if (!parser_sees(parser, close))
			TRY(parser_expect(parser, TOKEN_COMMA, expected));
	}
	*items = list;
	return OK;
}

static int
compare_names(const void *a, const void *b) {
	return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

static enum status
check_record_keys(struct parser *parser, size_t start, const struct bytes *names, size_t count) {
	struct bytes *sorted = ARENA_NEW_ARRAY(parser->arena, count, struct bytes);
	TRY_ALLOC(sorted);
	if (count < 2)
		return OK;
	memcpy(sorted, names, count * sizeof *sorted);
	qsort(sorted, count, sizeof *sorted, compare_names);
	for (size_t i = 1; i < count; i++)
		if (bytes_equal(sorted[i - 1], sorted[i])) {
			struct place place = parser_place(parser, start);
			return policy_complain(
				parser->diagnostics, parser->source, place.offset, place.length,
				"policy.record_duplicate", "the key \"%.*s\" stands twice in this record",
				(int)(sorted[i].len > 80 ? 80 : sorted[i].len), (const char *)sorted[i].data);
		}
	return OK;
}

static enum status
parse_record_key(struct parser *parser, struct bytes *key) {
	const struct token *token = parser_token(parser);
	if (token->kind == TOKEN_STRING) {
		parser->at++;
		return policy_unescape_string(parser->arena, parser->source, token, parser->diagnostics, key);
	}
	return parser_name(parser, "a key (a name or a string) or `}`", key);
}

static enum status
parse_record(struct parser *parser, const struct expression **expression) {
	size_t start = parser->at++, count = 0;
	struct bytes *names = nullptr;
	const struct expression **values = nullptr;
	while (!parser_take(parser, TOKEN_CLOSE_BRACE)) {
		names = parser_grow(parser, names, count, sizeof *names);
		values = parser_grow(parser, values, count, sizeof(const struct expression *));
		TRY_ALLOC(names);
		TRY_ALLOC(values);
		TRY(parse_record_key(parser, &names[count]));
		TRY(parser_expect(parser, TOKEN_COLON, "`:` after the key"));
		TRY(parser_expression(parser, &values[count]));
		count++;
		if (!parser_sees(parser, TOKEN_CLOSE_BRACE))
			TRY(parser_expect(parser, TOKEN_COMMA, "`,` or `}`"));
	}
	TRY(check_record_keys(parser, start, names, count));
	struct expression *node;
	TRY(make_node(parser, start, EXPRESSION_RECORD, values, count, &node));
	node->names = names;
	node->name_count = (uint32_t)count;
	*expression = node;
	return OK;
}

static enum status
check_arguments(struct parser *parser, size_t start, const struct policy_function *function, size_t count) {
	size_t expected = function->arguments - function->is_method, found = count - function->is_method;
	struct place place = parser_place(parser, start);
	if (expected == found || (parser->options.allow_any_arguments && function->is_extension))
		return OK;
	return policy_complain(parser->diagnostics, parser->source, place.offset, place.length, "policy.arguments",
			       "%s takes %zu argument%s, found %zu", function->name, expected, expected == 1 ? "" : "s",
			       found);
}

static enum status
make_call(struct parser *parser, size_t start, const struct policy_function *function,
	  const struct expression *const *operands, size_t count, const struct expression **expression) {
	struct expression *node;
	TRY(check_arguments(parser, start, function, count));
	TRY(make_node(parser, start, EXPRESSION_CALL, operands, count, &node));
	node->function = function;
	*expression = node;
	return OK;
}

/* name(...), where the name stands at start and the parenthesis is next. */
static enum status
parse_function_call(struct parser *parser, size_t start, struct bytes name, const struct expression **expression) {
	const struct token *token = &parser->tokens[start];
	const struct policy_function *function = policy_function_find(name);
	if (function == nullptr)
		return COMPLAIN(parser, token, "policy.unknown_function",
				"there is no function `%.*s`: expected decimal, ip, datetime or duration",
				(int)(name.len > 80 ? 80 : name.len), (const char *)name.data);
	if (function->is_method)
		return COMPLAIN(parser, token, "policy.function_style", "%s is a method: write value.%s(...)",
				function->name, function->name);
	const struct expression *const *arguments;
	size_t count;
	parser->at++;
	TRY(parse_list(parser, TOKEN_CLOSE_PARENTHESIS, "`,` or `)`", &arguments, &count));
	return make_call(parser, start, function, arguments, count, expression);
}

static bool
find_variable(struct bytes name, enum variable *variable) {
	static const char *const names[] = {
		[VARIABLE_PRINCIPAL] = "principal",
		[VARIABLE_ACTION] = "action",
		[VARIABLE_RESOURCE] = "resource",
		[VARIABLE_CONTEXT] = "context",
	};
	for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
		if (bytes_equal_text(name, names[i])) {
			*variable = (enum variable)i;
			return true;
		}
	return false;
}

static enum status
parse_entity(struct parser *parser, size_t start, struct bytes type, const struct expression **expression) {
	const struct token *token = parser_token(parser);
	if (token->kind == TOKEN_OPEN_BRACE)
		return COMPLAIN(parser, token, "policy.entity_record",
				"an entity is written Type::\"id\": expected a string, found `{`");
	TRY(parser_expect(parser, TOKEN_STRING, "a name or an entity's id in double quotes"));
	struct bytes id;
	TRY(policy_unescape_string(parser->arena, parser->source, token, parser->diagnostics, &id));
	return make_literal(parser, start, value_entity(type, id), expression);
}

/* A variable, an entity, or a function's call. */
static enum status
parse_named(struct parser *parser, const struct expression **expression) {
	size_t start = parser->at;
	struct bytes name;
	TRY(parser_path(parser, "an expression", &name));
	if (parser_take(parser, TOKEN_PATH))
		return parse_entity(parser, start, name, expression);
	if (parser_sees(parser, TOKEN_OPEN_PARENTHESIS))
		return parse_function_call(parser, start, name, expression);
	enum variable variable;
	if (!find_variable(name, &variable))
		return COMPLAIN(parser, &parser->tokens[start], "policy.unknown_variable",
				"`%.*s` is no variable: expected principal, action, resource or context",
				(int)(name.len > 80 ? 80 : name.len), (const char *)name.data);
	struct expression *node;
	TRY(make_node(parser, start, EXPRESSION_VARIABLE, nullptr, 0, &node));
	node->variable = variable;
	*expression = node;
	return OK;
}

static enum status
parse_primary(struct parser *parser, const struct expression **expression) {
	size_t start = parser->at;
	const struct token *token = parser_token(parser);
	switch (token->kind) {
	case TOKEN_NUMBER:
		return parse_number(parser, start, false, expression);
	case TOKEN_STRING: {
		struct bytes string;
		TRY(policy_unescape_string(parser->arena, parser->source, token, parser->diagnostics, &string));
		parser->at++;
		return make_literal(parser, start, value_string(string), expression);
	}
	case TOKEN_NAME: {
		bool is_true = parser_sees_word(parser, "true");
		if (!is_true && !parser_sees_word(parser, "false"))
			return parse_named(parser, expression);
		parser->at++;
		return make_literal(parser, start, value_boolean(is_true), expression);
	}
	case TOKEN_SLOT:
		return COMPLAIN(parser, token, "policy.slot_in_condition",
				"a template's slot stands only in the scope, after principal or resource");
	case TOKEN_OPEN_PARENTHESIS:
		parser->at++;
		TRY(parser_expression(parser, expression));
		return parser_expect(parser, TOKEN_CLOSE_PARENTHESIS, "an operator or `)`");
	case TOKEN_OPEN_BRACKET: {
		const struct expression *const *items;
		size_t count;
		struct expression *node;
		parser->at++;
		TRY(parse_list(parser, TOKEN_CLOSE_BRACKET, "`,` or `]`", &items, &count));
		TRY(make_node(parser, start, EXPRESSION_SET, items, count, &node));
		*expression = node;
		return OK;
	}
	case TOKEN_OPEN_BRACE:
		return parse_record(parser, expression);
	default:
		return parser_unexpected(parser, "an expression");
	}
}

/* .method(...), where the name was taken at name_at. */
static enum status
parse_method_call(struct parser *parser, size_t start, size_t name_at, struct bytes name,
		  const struct expression **expression) {
	const struct token *token = &parser->tokens[name_at];
	const struct policy_function *function = policy_function_find(name);
	if (function == nullptr)
		return COMPLAIN(parser, token, "policy.unknown_method", "there is no method `%.*s`",
				(int)(name.len > 80 ? 80 : name.len), (const char *)name.data);
	if (!function->is_method)
		return COMPLAIN(parser, token, "policy.method_style", "%s is a function: write %s(...)", function->name,
				function->name);
	const struct expression *const *arguments;
	size_t count;
	parser->at++;
	TRY(parse_list(parser, TOKEN_CLOSE_PARENTHESIS, "`,` or `)`", &arguments, &count));
	const struct expression **operands = ARENA_NEW_ARRAY(parser->arena, count + 1, const struct expression *);
	TRY_ALLOC(operands);
	operands[0] = *expression;
	if (count > 0)
		memcpy(operands + 1, arguments, count * sizeof *operands);
	return make_call(parser, start, function, operands, count + 1, expression);
}

static enum status
parse_attribute(struct parser *parser, size_t start, const struct expression **expression) {
	struct bytes name;
	struct expression *node;
	size_t name_at = ++parser->at;
	TRY(parser_name(parser, "an attribute or a method", &name));
	if (parser_sees(parser, TOKEN_OPEN_PARENTHESIS))
		return parse_method_call(parser, start, name_at, name, expression);
	TRY(make_named_node(parser, start, EXPRESSION_ATTRIBUTE, *expression, name, &node));
	*expression = node;
	return OK;
}

static enum status
parse_index(struct parser *parser, size_t start, const struct expression **expression) {
	const struct token *token = &parser->tokens[++parser->at];
	struct bytes name;
	struct expression *node;
	if (token->kind != TOKEN_STRING && token->kind != TOKEN_INVALID)
		return COMPLAIN(parser, token, "policy.index",
				"between [ and ] stands an attribute's name in double quotes");
	TRY(parser_expect(parser, TOKEN_STRING, "an attribute's name in double quotes"));
	TRY(policy_unescape_string(parser->arena, parser->source, token, parser->diagnostics, &name));
	TRY(parser_expect(parser, TOKEN_CLOSE_BRACKET, "`]`"));
	TRY(make_named_node(parser, start, EXPRESSION_ATTRIBUTE, *expression, name, &node));
	*expression = node;
	return OK;
}

static enum status
parse_member(struct parser *parser, const struct expression **expression) {
	size_t start = parser->at;
	TRY(parse_primary(parser, expression));
	for (;;) {
		switch (parser_token(parser)->kind) {
		case TOKEN_DOT:
			TRY(parse_attribute(parser, start, expression));
			break;
		case TOKEN_OPEN_BRACKET:
			TRY(parse_index(parser, start, expression));
			break;
		case TOKEN_OPEN_PARENTHESIS:
			return COMPLAIN(parser, parser_token(parser), "policy.call",
					"what stands before this `(` cannot be called");
		default:
			return OK;
		}
	}
}

static bool
is_access(enum token_kind kind) {
	return kind == TOKEN_DOT || kind == TOKEN_OPEN_BRACKET || kind == TOKEN_OPEN_PARENTHESIS;
}

constexpr size_t NEGATIONS_MAX = 4;

/* Up to four ! or four -. The minus next to a number belongs to it, so that the least int64 can be written. */
static enum status
parse_unary(struct parser *parser, const struct expression **expression) {
	size_t start = parser->at;
	enum token_kind sign = parser_token(parser)->kind;
	if (sign != TOKEN_NOT && sign != TOKEN_MINUS)
		return parse_member(parser, expression);
	size_t signs = 0;
	while (parser_take(parser, sign))
		signs++;
	if (signs > NEGATIONS_MAX)
		return COMPLAIN(parser, &parser->tokens[start], "policy.negations",
				"at most %zu `%s` in a row, found %zu", NEGATIONS_MAX, sign == TOKEN_NOT ? "!" : "-",
				signs);
	if (sign == TOKEN_MINUS && parser_sees(parser, TOKEN_NUMBER) && !is_access(parser_ahead(parser)->kind)) {
		signs--;
		TRY(parse_number(parser, start + signs, true, expression));
	} else
		TRY(parse_member(parser, expression));
	for (; signs > 0; signs--) {
		struct expression *node;
		enum expression_kind kind = sign == TOKEN_NOT ? EXPRESSION_NOT : EXPRESSION_NEGATE;
		TRY(make_node(parser, start + signs - 1, kind, expression, 1, &node));
		*expression = node;
	}
	return OK;
}

static enum status
refuse_division(struct parser *parser) {
	const struct token *token = parser_token(parser);
	if (token->kind != TOKEN_DIVIDE && token->kind != TOKEN_REMAINDER)
		return OK;
	return COMPLAIN(parser, token, "policy.division", "Cedar has no %s: only + - *",
			token->kind == TOKEN_DIVIDE ? "division" : "remainder");
}

static enum status
make_binary(struct parser *parser, size_t start, enum expression_kind kind, const struct expression *left,
	    const struct expression *right, const struct expression **expression) {
	struct expression *node;
	TRY(make_node(parser, start, kind, (const struct expression *const[]){left, right}, 2, &node));
	*expression = node;
	return OK;
}

static enum status
parse_product(struct parser *parser, const struct expression **expression) {
	size_t start = parser->at;
	TRY(parse_unary(parser, expression));
	while (parser_take(parser, TOKEN_TIMES)) {
		const struct expression *right;
		TRY(parse_unary(parser, &right));
		TRY(make_binary(parser, start, EXPRESSION_MULTIPLY, *expression, right, expression));
	}
	return refuse_division(parser);
}

static enum status
parse_sum(struct parser *parser, const struct expression **expression) {
	size_t start = parser->at;
	TRY(parse_product(parser, expression));
	for (;;) {
		bool is_sum = parser_take(parser, TOKEN_PLUS);
		if (!is_sum && !parser_take(parser, TOKEN_MINUS))
			return OK;
		const struct expression *right;
		TRY(parse_product(parser, &right));
		TRY(make_binary(parser, start, is_sum ? EXPRESSION_ADD : EXPRESSION_SUBTRACT, *expression, right,
				expression));
	}
}

static enum status
parse_has(struct parser *parser, size_t start, const struct expression **expression) {
	const struct token *token = parser_token(parser);
	struct expression *node;
	struct bytes name;
	if (token->kind == TOKEN_STRING) {
		parser->at++;
		TRY(policy_unescape_string(parser->arena, parser->source, token, parser->diagnostics, &name));
		TRY(make_named_node(parser, start, EXPRESSION_HAS, *expression, name, &node));
		*expression = node;
		return OK;
	}
	if (token->kind != TOKEN_NAME && token->kind != TOKEN_END && token->kind != TOKEN_INVALID)
		return COMPLAIN(parser, token, "policy.has_attribute",
				"after has stands an attribute: a name, names joined by dots, or a string");
	struct bytes *names = nullptr;
	size_t count = 0;
	do {
		names = parser_grow(parser, names, count, sizeof *names);
		TRY_ALLOC(names);
		TRY(parser_name(parser, "an attribute's name", &names[count]));
		count++;
	} while (parser_take(parser, TOKEN_DOT));
	if (count > EXPRESSION_DEPTH_MAX)
		return COMPLAIN(parser, token, "policy.depth", "expressions nest at most %zu deep",
				EXPRESSION_DEPTH_MAX);
	TRY(make_node(parser, start, EXPRESSION_HAS, expression, 1, &node));
	node->names = names;
	node->name_count = (uint32_t)count;
	*expression = node;
	return OK;
}

static enum status
parse_like(struct parser *parser, size_t start, const struct expression **expression) {
	const struct token *token = parser_token(parser);
	struct expression *node;
	const struct bytes *parts;
	size_t count;
	if (token->kind != TOKEN_STRING && token->kind != TOKEN_INVALID)
		return COMPLAIN(parser, token, "policy.like_pattern", "after like stands a pattern in double quotes");
	TRY(parser_expect(parser, TOKEN_STRING, "a pattern in double quotes"));
	TRY(policy_unescape_pattern(parser->arena, parser->source, token, parser->diagnostics, &parts, &count));
	TRY(make_node(parser, start, EXPRESSION_LIKE, expression, 1, &node));
	node->names = parts;
	node->name_count = (uint32_t)count;
	*expression = node;
	return OK;
}

static enum status
parse_is(struct parser *parser, size_t start, const struct expression **expression) {
	const struct token *token = parser_token(parser);
	if (token->kind == TOKEN_STRING)
		return COMPLAIN(parser, token, "policy.is_type", "after is stands an entity type without quotes");
	struct bytes type;
	struct expression *node;
	TRY(parser_path(parser, "an entity type", &type));
	const struct expression *operands[2] = {*expression};
	size_t count = 1;
	if (parser_sees_word(parser, "in")) {
		parser->at++;
		TRY(parse_sum(parser, &operands[count++]));
	}
	TRY(make_node(parser, start, EXPRESSION_IS, operands, count, &node));
	struct bytes *names = ARENA_NEW(parser->arena, struct bytes);
	TRY_ALLOC(names);
	*names = type;
	node->names = names;
	node->name_count = 1;
	*expression = node;
	return OK;
}

static bool
find_relation(const struct parser *parser, enum expression_kind *kind) {
	static const struct {
		enum token_kind token;
		enum expression_kind kind;
	} relations[] = {
		{TOKEN_EQUAL, EXPRESSION_EQUAL},     {TOKEN_NOT_EQUAL, EXPRESSION_NOT_EQUAL},
		{TOKEN_LESS, EXPRESSION_LESS},       {TOKEN_LESS_EQUAL, EXPRESSION_LESS_EQUAL},
		{TOKEN_GREATER, EXPRESSION_GREATER}, {TOKEN_GREATER_EQUAL, EXPRESSION_GREATER_EQUAL},
	};
	static const struct {
		const char *word;
		enum expression_kind kind;
	} words[] = {
		{"in", EXPRESSION_IN},
		{"has", EXPRESSION_HAS},
		{"like", EXPRESSION_LIKE},
		{"is", EXPRESSION_IS},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(relations); i++)
		if (parser_sees(parser, relations[i].token)) {
			*kind = relations[i].kind;
			return true;
		}
	for (size_t i = 0; i < ARRAY_LENGTH(words); i++)
		if (parser_sees_word(parser, words[i].word)) {
			*kind = words[i].kind;
			return true;
		}
	return false;
}

/* One relation at most: a < b < c has no meaning that all agree on. */
static enum status
parse_relation(struct parser *parser, const struct expression **expression) {
	size_t start = parser->at;
	enum expression_kind kind;
	const struct expression *right;
	TRY(parse_sum(parser, expression));
	if (parser_sees(parser, TOKEN_ASSIGN))
		return COMPLAIN(parser, parser_token(parser), "policy.single_equals", "expected `==`, found `=`");
	if (!find_relation(parser, &kind))
		return OK;
	parser->at++;
	switch (kind) {
	case EXPRESSION_HAS:
		TRY(parse_has(parser, start, expression));
		break;
	case EXPRESSION_LIKE:
		TRY(parse_like(parser, start, expression));
		break;
	case EXPRESSION_IS:
		TRY(parse_is(parser, start, expression));
		break;
	default:
		TRY(parse_sum(parser, &right));
		TRY(make_binary(parser, start, kind, *expression, right, expression));
	}
	if (find_relation(parser, &kind))
		return COMPLAIN(parser, parser_token(parser), "policy.relation_chain",
				"a second relation in a row: put one of them in parentheses");
	return OK;
}

/* parse {symbol parse}: one node for the whole chain. */
static enum status
parse_chain(struct parser *parser, enum token_kind symbol, enum expression_kind kind,
	    enum status (*parse)(struct parser *, const struct expression **), const struct expression **expression) {
	size_t start = parser->at;
	TRY(parse(parser, expression));
	if (!parser_sees(parser, symbol))
		return OK;
	const struct expression **operands = nullptr;
	size_t count = 0;
	while (parser_take(parser, symbol)) {
		operands = parser_grow(parser, operands, count, sizeof(const struct expression *));
		TRY_ALLOC(operands);
		TRY(parse(parser, &operands[count]));
		count++;
	}
	struct expression *node;
	TRY(expression_make_chain(parser->arena, kind, parser_place(parser, start), *expression, operands, count,
				  &node));
	*expression = node;
	return check_depth(parser, node);
}

static enum status
parse_and(struct parser *parser, const struct expression **expression) {
	return parse_chain(parser, TOKEN_AND, EXPRESSION_AND, parse_relation, expression);
}

static enum status
expect_word(struct parser *parser, const char *word, const char *expected) {
	if (!parser_sees_word(parser, word))
		return parser_unexpected(parser, expected);
	parser->at++;
	return OK;
}

static enum status
parse_if(struct parser *parser, const struct expression **expression) {
	size_t start = parser->at++;
	const struct expression *operands[3];
	struct expression *node;
	TRY(parser_expression(parser, &operands[0]));
	TRY(expect_word(parser, "then", "an operator or `then`"));
	TRY(parser_expression(parser, &operands[1]));
	TRY(expect_word(parser, "else", "an operator or `else`"));
	TRY(parser_expression(parser, &operands[2]));
	TRY(make_node(parser, start, EXPRESSION_IF, operands, 3, &node));
	*expression = node;
	return OK;
}

enum status
parser_expression(struct parser *parser, const struct expression **expression) {
	if (parser->depth == EXPRESSION_DEPTH_MAX)
		return COMPLAIN(parser, parser_token(parser), "policy.depth", "expressions nest at most %zu deep",
				EXPRESSION_DEPTH_MAX);
	parser->depth++;
	if (parser_sees_word(parser, "if") && parser_ahead(parser)->kind != TOKEN_PATH)
		TRY(parse_if(parser, expression));
	else
		TRY(parse_chain(parser, TOKEN_OR, EXPRESSION_OR, parse_and, expression));
	parser->depth--;
	return OK;
}
