#include "policy/parser.h"

#include "policy/literal.h"

constexpr size_t ANNOTATIONS_MAX = 1024;

bool
parser_sees_word(const struct parser *parser, const char *word) {
	const struct token *token = parser_token(parser);
	return token->kind == TOKEN_NAME && bytes_equal_text(token_text(parser->source, token), word);
}

bool
parser_take(struct parser *parser, enum token_kind kind) {
	if (!parser_sees(parser, kind))
		return false;
	parser->at++;
	return true;
}

enum status
parser_unexpected(const struct parser *parser, const char *expected) {
	const struct token *token = parser_token(parser);
	char found[TOKEN_DESCRIPTION_SIZE];
	if (token->kind == TOKEN_INVALID) /* the lexer has said so already */
		return fail_with(STATUS_INVALID);
	token_describe(parser->source, token, found);
	const char *name = token->kind == TOKEN_END ? "policy.unexpected_end" : "policy.unexpected_token";
	return COMPLAIN(parser, token, name, "expected %s, found %s", expected, found);
}

enum status
parser_expect(struct parser *parser, enum token_kind kind, const char *expected) {
	return parser_take(parser, kind) ? OK : parser_unexpected(parser, expected);
}

struct place
parser_place(const struct parser *parser, size_t start) {
	uint32_t offset = parser->tokens[start].offset;
	if (parser->at <= start)
		return (struct place){offset, parser->tokens[start].length};
	const struct token *last = &parser->tokens[parser->at - 1];
	return (struct place){offset, last->offset + last->length - offset};
}

void *
parser_grow(struct parser *parser, const void *items, size_t count, size_t size) {
	if (count > 0 && (count & (count - 1)) != 0)
		return (void *)(uintptr_t)items;
	void *larger = arena_alloc_array(parser->arena, count == 0 ? 1 : 2 * count, size);
	if (larger != nullptr && count > 0)
		memcpy(larger, items, count * size);
	return larger;
}

static bool
is_reserved(struct bytes word) {
	static const char *const words[] = {"true", "false", "if",  "then", "else",
					    "in",   "like",  "has", "is",   "__cedar"};
	for (size_t i = 0; i < ARRAY_LENGTH(words); i++)
		if (bytes_equal_text(word, words[i]))
			return true;
	return false;
}

enum status
parser_name(struct parser *parser, const char *expected, struct bytes *name) {
	const struct token *token = parser_token(parser);
	if (token->kind != TOKEN_NAME)
		return parser_unexpected(parser, expected);
	*name = token_text(parser->source, token);
	if (is_reserved(*name))
		return COMPLAIN(parser, token, "policy.reserved_word", "expected %s, found the reserved word `%.*s`",
				expected, BYTES_ARGS(*name));
	parser->at++;
	return OK;
}

/* The names of a path may stand apart; the path that is kept has nothing between them. */
enum status
parser_path(struct parser *parser, const char *expected, struct bytes *path) {
	size_t start = parser->at, names = 1, length;
	struct bytes name;
	TRY(parser_name(parser, expected, path));
	length = path->len;
	while (parser_sees(parser, TOKEN_PATH) && parser_ahead(parser)->kind == TOKEN_NAME) {
		parser->at++;
		TRY(parser_name(parser, "a name", &name));
		length += 2 + name.len;
		names++;
	}
	struct place place = parser_place(parser, start);
	*path = bytes_of(parser->source->text.data + place.offset, place.length);
	if (place.length == length)
		return OK;
	uint8_t *joined = arena_alloc(parser->arena, length);
	TRY_ALLOC(joined);
	*path = bytes_of(joined, length);
	for (size_t i = 0; i < names; i++) {
		name = token_text(parser->source, &parser->tokens[start + 2 * i]);
		joined = mempcpy(joined, name.data, name.len);
		if (i + 1 < names)
			joined = mempcpy(joined, "::", 2);
	}
	return OK;
}

/* Type::"id", also in parentheses. */
static enum status
parse_scope_entity(struct parser *parser, const char *expected, struct entity_uid *uid) {
	if (parser_take(parser, TOKEN_OPEN_PARENTHESIS)) {
		if (parser->depth == EXPRESSION_DEPTH_MAX)
			return COMPLAIN(parser, parser_token(parser), "policy.depth",
					"parentheses nest at most %zu deep", EXPRESSION_DEPTH_MAX);
		parser->depth++;
		TRY(parse_scope_entity(parser, expected, uid));
		parser->depth--;
		return parser_expect(parser, TOKEN_CLOSE_PARENTHESIS, "`)`");
	}
	const struct token *token = parser_token(parser);
	if (token->kind != TOKEN_NAME && token->kind != TOKEN_END && token->kind != TOKEN_INVALID) {
		char found[TOKEN_DESCRIPTION_SIZE];
		token_describe(parser->source, token, found);
		return COMPLAIN(parser, token, "policy.scope_entity", "expected %s, found %s", expected, found);
	}
	TRY(parser_path(parser, expected, &uid->type));
	TRY(parser_expect(parser, TOKEN_PATH, "`::` and the entity's id in double quotes"));
	token = parser_token(parser);
	TRY(parser_expect(parser, TOKEN_STRING, "the entity's id in double quotes"));
	return policy_unescape_string(parser->arena, parser->source, token, parser->diagnostics, &uid->id);
}

static enum status
set_scope_entities(struct parser *parser, struct scope *scope, const struct entity_uid *entities, size_t count) {
	struct entity_uid *copy = ARENA_NEW_ARRAY(parser->arena, count, struct entity_uid);
	TRY_ALLOC(copy);
	if (count > 0)
		memcpy(copy, entities, count * sizeof *copy);
	scope->entities = copy;
	scope->entity_count = count;
	return OK;
}

static enum status
parse_entity_or_slot(struct parser *parser, const char *variable, struct scope *scope) {
	const struct token *token = parser_token(parser);
	if (token->kind == TOKEN_SLOT) {
		struct bytes slot = token_text(parser->source, token);
		slot = bytes_of(slot.data + 1, slot.len - 1);
		if (!bytes_equal_text(slot, variable))
			return COMPLAIN(parser, token, "policy.scope_slot", "expected an entity or ?%s, found ?%.*s",
					variable, (int)(slot.len > 80 ? 80 : slot.len), (const char *)slot.data);
		scope->is_slot = true;
		parser->at++;
		return OK;
	}
	struct entity_uid uid;
	TRY(parse_scope_entity(parser, "an entity such as Type::\"id\", or a slot", &uid));
	return set_scope_entities(parser, scope, &uid, 1);
}

static enum status
refuse_scope_operator(struct parser *parser, const char *expected) {
	const struct token *token = parser_token(parser);
	char found[TOKEN_DESCRIPTION_SIZE];
	token_describe(parser->source, token, found);
	switch (token->kind) {
	case TOKEN_COLON:
	case TOKEN_NOT_EQUAL:
	case TOKEN_LESS:
	case TOKEN_LESS_EQUAL:
	case TOKEN_GREATER:
	case TOKEN_GREATER_EQUAL:
	case TOKEN_ASSIGN:
		return COMPLAIN(parser, token, "policy.scope_operator", "expected %s, found %s", expected, found);
	default:
		return OK;
	}
}

/* After principal or resource: nothing, == E, in E, is T, is T in E. */
static enum status
parse_party_constraint(struct parser *parser, const char *variable, struct scope *scope) {
	TRY(refuse_scope_operator(parser, "`==`, `in` or `is`"));
	if (parser_take(parser, TOKEN_EQUAL)) {
		scope->kind = SCOPE_EQUAL;
		return parse_entity_or_slot(parser, variable, scope);
	}
	if (parser_sees_word(parser, "in")) {
		parser->at++;
		scope->kind = SCOPE_IN;
		TRY(parse_entity_or_slot(parser, variable, scope));
		if (parser_sees_word(parser, "is"))
			return COMPLAIN(parser, parser_token(parser), "policy.scope_is", "`is` stands before `in`");
		return OK;
	}
	if (!parser_sees_word(parser, "is"))
		return OK;
	parser->at++;
	scope->kind = SCOPE_IS;
	TRY(parser_path(parser, "an entity type", &scope->type));
	if (parser_sees(parser, TOKEN_EQUAL))
		return COMPLAIN(parser, parser_token(parser), "policy.scope_is",
				"after `is` may follow `in`, not `==`");
	if (!parser_sees_word(parser, "in"))
		return OK;
	parser->at++;
	scope->kind = SCOPE_IS_IN;
	return parse_entity_or_slot(parser, variable, scope);
}

static enum status
parse_action(struct parser *parser, struct entity_uid *uid) {
	const struct token *token = parser_token(parser);
	if (token->kind == TOKEN_SLOT)
		return COMPLAIN(parser, token, "policy.scope_slot",
				"slots stand for a principal or a resource, not for an action");
	TRY(parse_scope_entity(parser, "an action such as Action::\"id\"", uid));
	if (!policy_is_action_type(uid->type))
		return COMPLAIN(parser, token, "policy.action_type",
				"expected an entity of type Action, found one of type %.*s",
				(int)(uid->type.len > 80 ? 80 : uid->type.len), (const char *)uid->type.data);
	return OK;
}

static enum status
parse_action_list(struct parser *parser, struct scope *scope) {
	struct entity_uid *uids = nullptr;
	size_t count = 0;
	scope->is_list = true;
	while (!parser_take(parser, TOKEN_CLOSE_BRACKET)) {
		uids = parser_grow(parser, uids, count, sizeof *uids);
		TRY_ALLOC(uids);
		TRY(parse_action(parser, &uids[count]));
		count++;
		if (!parser_sees(parser, TOKEN_CLOSE_BRACKET))
			TRY(parser_expect(parser, TOKEN_COMMA, "`,` or `]`"));
	}
	scope->entities = uids;
	scope->entity_count = count;
	return OK;
}

static enum status
parse_action_constraint(struct parser *parser, struct scope *scope) {
	TRY(refuse_scope_operator(parser, "`==` or `in`"));
	if (parser_sees_word(parser, "is"))
		return COMPLAIN(parser, parser_token(parser), "policy.scope_is",
				"after action stands `==` or `in`, not `is`");
	struct entity_uid uid;
	if (parser_take(parser, TOKEN_EQUAL)) {
		scope->kind = SCOPE_EQUAL;
		TRY(parse_action(parser, &uid));
		return set_scope_entities(parser, scope, &uid, 1);
	}
	if (!parser_sees_word(parser, "in"))
		return OK;
	parser->at++;
	scope->kind = SCOPE_IN;
	if (parser_take(parser, TOKEN_OPEN_BRACKET))
		return parse_action_list(parser, scope);
	TRY(parse_action(parser, &uid));
	return set_scope_entities(parser, scope, &uid, 1);
}

static enum status
expect_scope_variable(struct parser *parser, const char *variable) {
	const struct token *token = parser_token(parser);
	char found[TOKEN_DESCRIPTION_SIZE];
	if (parser_sees_word(parser, variable)) {
		parser->at++;
		return OK;
	}
	if (token->kind == TOKEN_CLOSE_PARENTHESIS)
		return COMPLAIN(parser, token, "policy.scope_missing", "the scope ends before `%s`", variable);
	if (token->kind != TOKEN_NAME)
		return parser_unexpected(parser, "principal, action and resource, in this order");
	token_describe(parser->source, token, found);
	return COMPLAIN(parser, token, "policy.scope_variable", "expected `%s`, found %s", variable, found);
}

static enum status
parse_scope(struct parser *parser, struct policy_ast *policy) {
	struct {
		const char *variable;
		struct scope *scope;
	} const parts[] = {
		{"principal", &policy->principal},
		{"action", &policy->action},
		{"resource", &policy->resource},
	};
	TRY(parser_expect(parser, TOKEN_OPEN_PARENTHESIS, "`(`"));
	for (size_t i = 0; i < ARRAY_LENGTH(parts); i++) {
		size_t start = parser->at;
		TRY(expect_scope_variable(parser, parts[i].variable));
		if (i == 1)
			TRY(parse_action_constraint(parser, parts[i].scope));
		else
			TRY(parse_party_constraint(parser, parts[i].variable, parts[i].scope));
		parts[i].scope->place = parser_place(parser, start);
		if (!parser_sees(parser, TOKEN_CLOSE_PARENTHESIS))
			TRY(parser_expect(parser, TOKEN_COMMA, "`,` or `)`"));
	}
	if (parser_sees(parser, TOKEN_NAME))
		return COMPLAIN(parser, parser_token(parser), "policy.scope_extra",
				"the scope has principal, action and resource, and no more");
	return parser_expect(parser, TOKEN_CLOSE_PARENTHESIS, "`)`");
}

static enum status
parse_condition(struct parser *parser, struct condition *condition) {
	size_t start = parser->at++;
	condition->is_unless = bytes_equal_text(token_text(parser->source, &parser->tokens[start]), "unless");
	TRY(parser_expect(parser, TOKEN_OPEN_BRACE, "`{`"));
	if (parser_sees(parser, TOKEN_CLOSE_BRACE))
		return COMPLAIN(parser, parser_token(parser), "policy.condition_empty",
				"expected an expression between { and }");
	TRY(parser_expression(parser, &condition->body));
	TRY(parser_expect(parser, TOKEN_CLOSE_BRACE, "an operator or `}`"));
	condition->place = parser_place(parser, start);
	return OK;
}

static enum status
parse_conditions(struct parser *parser, struct policy_ast *policy) {
	struct condition *conditions = nullptr;
	size_t count = 0;
	while (!parser_take(parser, TOKEN_SEMICOLON)) {
		if (!parser_sees_word(parser, "when") && !parser_sees_word(parser, "unless")) {
			if (parser_sees(parser, TOKEN_NAME) && parser_ahead(parser)->kind == TOKEN_OPEN_BRACE)
				return COMPLAIN(parser, parser_token(parser), "policy.condition_keyword",
						"expected `when` or `unless`");
			return parser_unexpected(parser, "`when`, `unless` or `;`");
		}
		conditions = parser_grow(parser, conditions, count, sizeof *conditions);
		TRY_ALLOC(conditions);
		TRY(parse_condition(parser, &conditions[count]));
		count++;
	}
	policy->conditions = conditions;
	policy->condition_count = count;
	return OK;
}

/* @key or @key("value"); the key may be a reserved word. */
static enum status
parse_annotation(struct parser *parser, const struct policy_ast *policy, struct policy_annotation *annotation) {
	const struct token *token = parser_token(parser);
	TRY(parser_expect(parser, TOKEN_NAME, "an annotation's name"));
	annotation->key = token_text(parser->source, token);
	annotation->value = bytes_of("", 0);
	for (size_t i = 0; i < policy->annotation_count; i++)
		if (bytes_equal(policy->annotations[i].key, annotation->key))
			return COMPLAIN(parser, token, "policy.annotation_duplicate",
					"@%.*s stands twice before this policy",
					(int)(annotation->key.len > 80 ? 80 : annotation->key.len),
					(const char *)annotation->key.data);
	if (!parser_take(parser, TOKEN_OPEN_PARENTHESIS))
		return OK;
	token = parser_token(parser);
	TRY(parser_expect(parser, TOKEN_STRING, "the annotation's value in double quotes"));
	TRY(policy_unescape_string(parser->arena, parser->source, token, parser->diagnostics, &annotation->value));
	return parser_expect(parser, TOKEN_CLOSE_PARENTHESIS, "`)`");
}

static enum status
parse_annotations(struct parser *parser, struct policy_ast *policy) {
	struct policy_annotation *annotations = nullptr;
	while (parser_sees(parser, TOKEN_AT)) {
		if (policy->annotation_count == ANNOTATIONS_MAX)
			return COMPLAIN(parser, parser_token(parser), "policy.annotation_count",
					"a policy has at most %zu annotations", ANNOTATIONS_MAX);
		parser->at++;
		annotations = parser_grow(parser, annotations, policy->annotation_count, sizeof *annotations);
		TRY_ALLOC(annotations);
		policy->annotations = annotations;
		TRY(parse_annotation(parser, policy, &annotations[policy->annotation_count]));
		policy->annotation_count++;
	}
	return OK;
}

static enum status
parse_effect(struct parser *parser, struct policy_ast *policy) {
	const struct token *token = parser_token(parser);
	char found[TOKEN_DESCRIPTION_SIZE];
	policy->effect_place = (struct place){token->offset, token->length};
	policy->effect = parser_sees_word(parser, "forbid") ? POLICY_FORBID : POLICY_PERMIT;
	if (token->kind != TOKEN_NAME)
		return parser_unexpected(parser, "a policy: `permit`, `forbid` or an annotation");
	token_describe(parser->source, token, found);
	if (policy->effect == POLICY_PERMIT && !parser_sees_word(parser, "permit"))
		return COMPLAIN(parser, token, "policy.effect", "expected `permit` or `forbid`, found %s", found);
	parser->at++;
	return OK;
}

static size_t
count_lines(struct bytes text, size_t from, size_t to) {
	size_t lines = 0;
	for (; from < to; from++)
		lines += text.data[from] == '\n';
	return lines;
}

static enum status
parse_policy(struct parser *parser, struct policy_ast *policy) {
	size_t start = parser->at, offset = parser_token(parser)->offset;
	parser->line += count_lines(parser->source->text, parser->line_offset, offset);
	parser->line_offset = offset;
	*policy = (struct policy_ast){.source = parser->source, .line = parser->line};
	parser->depth = 0;
	TRY(parse_annotations(parser, policy));
	TRY(parse_effect(parser, policy));
	TRY(parse_scope(parser, policy));
	TRY(parse_conditions(parser, policy));
	policy->place = parser_place(parser, start);
	return OK;
}

/* Semicolons stand at the ends of policies only. */
static void
skip_policy(struct parser *parser) {
	while (!parser_sees(parser, TOKEN_END) && !parser_take(parser, TOKEN_SEMICOLON))
		parser->at++;
}

static enum status
parse_policies(struct parser *parser, const struct policy_ast *const **policies, size_t *count) {
	const struct policy_ast **list = nullptr;
	size_t failures = 0;
	*count = 0;
	while (!parser_sees(parser, TOKEN_END) && failures < DIAGNOSTICS_MAX) {
		struct policy_ast *policy = ARENA_NEW(parser->arena, struct policy_ast);
		list = parser_grow(parser, list, *count, sizeof(const struct policy_ast *));
		TRY_ALLOC(policy);
		TRY_ALLOC(list);
		enum status status = parse_policy(parser, policy);
		if (status == OK) {
			list[(*count)++] = policy;
			continue;
		}
		if (status != STATUS_INVALID)
			return status;
		failures++;
		skip_policy(parser);
	}
	*policies = list;
	return failures > 0 ? fail_with(STATUS_INVALID) : OK;
}

enum status
policy_parse(struct arena *arena, const struct policy_source *source, struct policy_set_options options,
	     struct policy_diagnostics *diagnostics, const struct policy_ast *const **policies, size_t *count) {
	_cleanup_(policy_tokens_free) struct policy_tokens tokens = {};
	*policies = nullptr;
	*count = 0;
	struct lexer_options lexer = {.allow_bidirectional = options.allow_bidirectional};
	enum status lexed = policy_tokenize(source, lexer, diagnostics, &tokens);
	if (lexed != OK && (lexed != STATUS_INVALID || tokens.count == 0))
		return lexed;
	struct parser parser = {
		.arena = arena,
		.source = source,
		.diagnostics = diagnostics,
		.options = options,
		.tokens = tokens.items,
		.line = 1,
	};
	enum status parsed = parse_policies(&parser, policies, count);
	return parsed != OK ? parsed : lexed;
}
