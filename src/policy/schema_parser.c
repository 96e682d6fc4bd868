/* Schemas in Cedar syntax: one function per production of "Grammar specification for Cedar schemas". */
#include "policy/literal.h"
#include "policy/parser.h"
#include "policy/schema_ast.h"

constexpr size_t ANNOTATIONS_MAX = 1024;
constexpr size_t TYPE_DEPTH_MAX = 64;

struct schema_parser {
	struct parser parser;
	struct schema_ast *ast;
	size_t namespace; /* number of the one being read */
};

static struct declared_namespace *
current(struct schema_parser *s) {
	return &s->ast->namespaces[s->namespace];
}

static enum status
add_namespace(struct schema_parser *s, struct declared_name name) {
	struct schema_ast *ast = s->ast;
	ast->namespaces = parser_grow(&s->parser, ast->namespaces, ast->namespace_count, sizeof *ast->namespaces);
	TRY_ALLOC(ast->namespaces);
	s->namespace = ast->namespace_count++;
	*current(s) = (struct declared_namespace){.name = name};
	return OK;
}

static enum status
parse_string(struct schema_parser *s, const char *expected, struct bytes *string) {
	const struct token *token = parser_token(&s->parser);
	TRY(parser_expect(&s->parser, TOKEN_STRING, expected));
	return policy_unescape_string(s->parser.arena, s->parser.source, token, s->parser.diagnostics, string);
}

/* @key or @key("value"): for tools; they say nothing to the validator. */
static enum status
skip_annotations(struct schema_parser *s) {
	struct bytes keys[ANNOTATIONS_MAX], value;
	size_t count = 0;
	while (parser_take(&s->parser, TOKEN_AT)) {
		const struct token *token = parser_token(&s->parser);
		TRY(parser_expect(&s->parser, TOKEN_NAME, "an annotation's name"));
		struct bytes key = token_text(s->parser.source, token);
		for (size_t i = 0; i < count; i++)
			if (bytes_equal(keys[i], key))
				return COMPLAIN(&s->parser, token, "policy.annotation_duplicate",
						"@%.*s stands twice before this declaration",
						(int)(key.len > 80 ? 80 : key.len), (const char *)key.data);
		if (count == ANNOTATIONS_MAX)
			return COMPLAIN(&s->parser, token, "policy.annotation_count",
					"a declaration has at most %zu annotations", ANNOTATIONS_MAX);
		keys[count++] = key;
		if (!parser_take(&s->parser, TOKEN_OPEN_PARENTHESIS))
			continue;
		TRY(parse_string(s, "the annotation's value in double quotes", &value));
		TRY(parser_expect(&s->parser, TOKEN_CLOSE_PARENTHESIS, "`)`"));
	}
	return OK;
}

/* An identifier or a string. */
static enum status
parse_name(struct schema_parser *s, const char *expected, struct declared_name *name) {
	size_t start = s->parser.at;
	if (parser_sees(&s->parser, TOKEN_STRING))
		TRY(parse_string(s, expected, &name->path));
	else
		TRY(parser_name(&s->parser, expected, &name->path));
	name->place = parser_place(&s->parser, start);
	return OK;
}

static enum status
parse_identifier(struct schema_parser *s, const char *expected, struct declared_name *name) {
	size_t start = s->parser.at;
	TRY(parser_name(&s->parser, expected, &name->path));
	name->place = parser_place(&s->parser, start);
	return OK;
}

/* __cedar is reserved, but for naming the built-in types. */
static enum status
parse_path(struct schema_parser *s, const char *expected, struct declared_name *name) {
	size_t start = s->parser.at;
	if (parser_sees_word(&s->parser, "__cedar") && parser_ahead(&s->parser)->kind == TOKEN_PATH) {
		s->parser.at += 2;
		TRY(parser_name(&s->parser, "a built-in type", &name->path));
		const char *path = arena_format(s->parser.arena, "__cedar::%.*s", BYTES_ARGS(name->path));
		TRY_ALLOC(path);
		name->path = bytes_of_text(path);
	} else
		TRY(parser_path(&s->parser, expected, &name->path));
	name->place = parser_place(&s->parser, start);
	return OK;
}

static enum status parse_type(struct schema_parser *s, const struct declared_type **type);

static enum status
parse_record(struct schema_parser *s, const struct declared_type **type) {
	size_t start = s->parser.at, count = 0;
	struct declared_field *fields = nullptr;
	TRY(parser_expect(&s->parser, TOKEN_OPEN_BRACE, "`{`"));
	while (!parser_take(&s->parser, TOKEN_CLOSE_BRACE)) {
		TRY(skip_annotations(s));
		fields = parser_grow(&s->parser, fields, count, sizeof *fields);
		TRY_ALLOC(fields);
		TRY(parse_name(s, "an attribute's name or `}`", &fields[count].name));
		fields[count].is_required = !parser_take(&s->parser, TOKEN_QUESTION);
		TRY(parser_expect(&s->parser, TOKEN_COLON, "`:` or `?:`"));
		TRY(parse_type(s, &fields[count].type));
		count++;
		if (!parser_sees(&s->parser, TOKEN_CLOSE_BRACE))
			TRY(parser_expect(&s->parser, TOKEN_COMMA, "`,` or `}`"));
	}
	struct declared_type *record = ARENA_NEW(s->parser.arena, struct declared_type);
	TRY_ALLOC(record);
	*record = (struct declared_type){.kind = DECLARED_RECORD,
					 .place = parser_place(&s->parser, start),
					 .fields = fields,
					 .field_count = count};
	*type = record;
	return OK;
}

static enum status
parse_set(struct schema_parser *s, const struct declared_type **type) {
	size_t start = s->parser.at;
	struct declared_type *set = ARENA_NEW(s->parser.arena, struct declared_type);
	TRY_ALLOC(set);
	s->parser.at += 2; /* Set < */
	set->kind = DECLARED_SET;
	TRY(parse_type(s, &set->element));
	TRY(parser_expect(&s->parser, TOKEN_GREATER, "`>`"));
	set->place = parser_place(&s->parser, start);
	*type = set;
	return OK;
}

static enum status
parse_type_within(struct schema_parser *s, const struct declared_type **type) {
	if (parser_sees(&s->parser, TOKEN_OPEN_BRACE))
		return parse_record(s, type);
	if (parser_sees_word(&s->parser, "Set") && parser_ahead(&s->parser)->kind == TOKEN_LESS)
		return parse_set(s, type);
	struct declared_name name;
	TRY(parse_path(s, "a type: a name, Set<...> or {...}", &name));
	struct declared_type *named = ARENA_NEW(s->parser.arena, struct declared_type);
	TRY_ALLOC(named);
	*named = (struct declared_type){.kind = DECLARED_NAMED, .place = name.place, .name = name.path};
	*type = named;
	return OK;
}

static enum status
parse_type(struct schema_parser *s, const struct declared_type **type) {
	if (s->parser.depth == TYPE_DEPTH_MAX)
		return COMPLAIN(&s->parser, parser_token(&s->parser), "policy.depth", "types nest at most %zu deep",
				TYPE_DEPTH_MAX);
	s->parser.depth++;
	TRY(parse_type_within(s, type));
	s->parser.depth--;
	return OK;
}

/* One path, or paths between brackets. */
static enum status
parse_entity_types(struct schema_parser *s, const struct declared_name **types, size_t *count) {
	struct declared_name *list = nullptr;
	bool is_list = parser_take(&s->parser, TOKEN_OPEN_BRACKET);
	*count = 0;
	if (is_list && parser_take(&s->parser, TOKEN_CLOSE_BRACKET))
		return OK;
	do {
		list = parser_grow(&s->parser, list, *count, sizeof *list);
		TRY_ALLOC(list);
		TRY(parse_path(s, "an entity type", &list[*count]));
		(*count)++;
	} while (is_list && parser_take(&s->parser, TOKEN_COMMA));
	*types = list;
	return is_list ? parser_expect(&s->parser, TOKEN_CLOSE_BRACKET, "`,` or `]`") : OK;
}

static enum status
parse_names(struct schema_parser *s, bool may_be_strings, const char *expected, struct declared_name **names,
	    size_t *count) {
	*names = nullptr;
	*count = 0;
	do {
		*names = parser_grow(&s->parser, *names, *count, sizeof **names);
		TRY_ALLOC(*names);
		TRY((may_be_strings ? parse_name : parse_identifier)(s, expected, &(*names)[*count]));
		(*count)++;
	} while (parser_take(&s->parser, TOKEN_COMMA));
	return OK;
}

static enum status
parse_enumeration(struct schema_parser *s, struct declared_entity *entity) {
	struct bytes *ids = nullptr;
	s->parser.at++;
	TRY(parser_expect(&s->parser, TOKEN_OPEN_BRACKET, "`[`"));
	do {
		ids = parser_grow(&s->parser, ids, entity->id_count, sizeof *ids);
		TRY_ALLOC(ids);
		TRY(parse_string(s, "an id in double quotes", &ids[entity->id_count]));
		entity->id_count++;
	} while (parser_take(&s->parser, TOKEN_COMMA));
	entity->ids = ids;
	return parser_expect(&s->parser, TOKEN_CLOSE_BRACKET, "`,` or `]`");
}

static enum status
parse_entity_body(struct schema_parser *s, struct declared_entity *entity) {
	if (parser_sees_word(&s->parser, "enum")) {
		TRY(parse_enumeration(s, entity));
		return parser_expect(&s->parser, TOKEN_SEMICOLON, "`;`");
	}
	if (parser_sees_word(&s->parser, "in")) {
		s->parser.at++;
		TRY(parse_entity_types(s, &entity->parents, &entity->parent_count));
	}
	if (parser_take(&s->parser, TOKEN_ASSIGN) || parser_sees(&s->parser, TOKEN_OPEN_BRACE))
		TRY(parse_record(s, &entity->shape));
	if (parser_sees_word(&s->parser, "tags")) {
		s->parser.at++;
		TRY(parse_type(s, &entity->tags));
	}
	return parser_expect(&s->parser, TOKEN_SEMICOLON, "`in`, `{`, `tags` or `;`");
}

static enum status
parse_entities(struct schema_parser *s) {
	struct declared_name *names;
	struct declared_entity entity = {};
	size_t count;
	s->parser.at++;
	TRY(parse_names(s, false, "an entity type's name", &names, &count));
	TRY(parse_entity_body(s, &entity));
	for (size_t i = 0; i < count; i++) {
		struct declared_namespace *namespace = current(s);
		namespace->entities = parser_grow(&s->parser, namespace->entities, namespace->entity_count,
						  sizeof *namespace->entities);
		TRY_ALLOC(namespace->entities);
		entity.name = names[i];
		namespace->entities[namespace->entity_count++] = entity;
	}
	return OK;
}

/* Path::"id", or a name in the same namespace. */
static enum status
parse_action_parent(struct schema_parser *s, struct declared_action_parent *parent) {
	size_t start = s->parser.at;
	*parent = (struct declared_action_parent){};
	if (parser_sees(&s->parser, TOKEN_STRING)) {
		TRY(parse_string(s, "an action", &parent->id));
	} else {
		TRY(parser_path(&s->parser, "an action", &parent->id));
		if (parser_take(&s->parser, TOKEN_PATH)) {
			parent->type = parent->id;
			TRY(parse_string(s, "the action's id in double quotes", &parent->id));
		} else if (s->parser.at - start > 1)
			return COMPLAIN(&s->parser, parser_token(&s->parser), "policy.unexpected_token",
					"expected `::` and the action's id in double quotes");
	}
	parent->place = parser_place(&s->parser, start);
	return OK;
}

static enum status
parse_action_parents(struct schema_parser *s, struct declared_action *action) {
	struct declared_action_parent *list = nullptr;
	bool is_list = parser_take(&s->parser, TOKEN_OPEN_BRACKET);
	do {
		list = parser_grow(&s->parser, list, action->parent_count, sizeof *list);
		TRY_ALLOC(list);
		TRY(parse_action_parent(s, &list[action->parent_count]));
		action->parent_count++;
	} while (is_list && parser_take(&s->parser, TOKEN_COMMA));
	action->parents = list;
	return is_list ? parser_expect(&s->parser, TOKEN_CLOSE_BRACKET, "`,` or `]`") : OK;
}

static enum status
parse_context(struct schema_parser *s, struct declared_action *action) {
	if (parser_sees_word(&s->parser, "Set") && parser_ahead(&s->parser)->kind == TOKEN_LESS)
		return COMPLAIN(&s->parser, parser_token(&s->parser), "schema.context", "a context is a record");
	return parse_type(s, &action->context);
}

static enum status
parse_parties(struct schema_parser *s, const char *word, const struct declared_name **types, size_t *count) {
	const struct token *token = parser_token(&s->parser);
	TRY(parse_entity_types(s, types, count));
	if (*count == 0)
		return COMPLAIN(&s->parser, token, "schema.applies_to", "%s names no entity type", word);
	return OK;
}

static enum status
parse_applies_to(struct schema_parser *s, struct declared_action *action) {
	const struct token *start = parser_token(&s->parser);
	s->parser.at++;
	TRY(parser_expect(&s->parser, TOKEN_OPEN_BRACE, "`{`"));
	do {
		const struct token *token = parser_token(&s->parser);
		bool is_principal = parser_sees_word(&s->parser, "principal"),
		     is_context = parser_sees_word(&s->parser, "context");
		bool is_resource = parser_sees_word(&s->parser, "resource");
		if (!is_principal && !is_resource && !is_context)
			return parser_unexpected(&s->parser, "`principal`, `resource` or `context`");
		if ((is_principal && action->principal_count > 0) || (is_resource && action->resource_count > 0) ||
		    (is_context && action->context != nullptr))
			return COMPLAIN(&s->parser, token, "schema.duplicate", "this stands twice in one appliesTo");
		s->parser.at++;
		TRY(parser_expect(&s->parser, TOKEN_COLON, "`:`"));
		if (is_principal)
			TRY(parse_parties(s, "principal", &action->principals, &action->principal_count));
		else if (is_resource)
			TRY(parse_parties(s, "resource", &action->resources, &action->resource_count));
		else
			TRY(parse_context(s, action));
	} while (parser_take(&s->parser, TOKEN_COMMA) && !parser_sees(&s->parser, TOKEN_CLOSE_BRACE));
	TRY(parser_expect(&s->parser, TOKEN_CLOSE_BRACE, "`,` or `}`"));
	if (action->principal_count == 0 || action->resource_count == 0)
		return COMPLAIN(&s->parser, start, "schema.applies_to", "appliesTo names no %s",
				action->principal_count == 0 ? "principal" : "resource");
	return OK;
}

static enum status
parse_actions(struct schema_parser *s) {
	struct declared_name *names;
	struct declared_action action = {};
	const struct declared_type *attributes;
	size_t count;
	s->parser.at++;
	TRY(parse_names(s, true, "an action's name", &names, &count));
	if (parser_sees_word(&s->parser, "in")) {
		s->parser.at++;
		TRY(parse_action_parents(s, &action));
	}
	if (parser_sees_word(&s->parser, "appliesTo"))
		TRY(parse_applies_to(s, &action));
	if (parser_sees_word(&s->parser, "attributes")) { /* of old: nothing may be in them */
		s->parser.at++;
		TRY(parse_record(s, &attributes));
		if (attributes->field_count > 0)
			return policy_complain(s->parser.diagnostics, s->parser.source, attributes->place.offset,
					       attributes->place.length, "schema.action_attributes",
					       "actions have no attributes");
	}
	TRY(parser_expect(&s->parser, TOKEN_SEMICOLON, "`in`, `appliesTo` or `;`"));
	for (size_t i = 0; i < count; i++) {
		struct declared_namespace *namespace = current(s);
		namespace->actions = parser_grow(&s->parser, namespace->actions, namespace->action_count,
						 sizeof *namespace->actions);
		TRY_ALLOC(namespace->actions);
		action.id = names[i];
		namespace->actions[namespace->action_count++] = action;
	}
	return OK;
}

static enum status
parse_common(struct schema_parser *s) {
	struct declared_common common;
	s->parser.at++;
	TRY(parse_identifier(s, "a type's name", &common.name));
	TRY(parser_expect(&s->parser, TOKEN_ASSIGN, "`=`"));
	TRY(parse_type(s, &common.type));
	TRY(parser_expect(&s->parser, TOKEN_SEMICOLON, "`;`"));
	struct declared_namespace *namespace = current(s);
	namespace->commons =
		parser_grow(&s->parser, namespace->commons, namespace->common_count, sizeof *namespace->commons);
	TRY_ALLOC(namespace->commons);
	namespace->commons[namespace->common_count++] = common;
	return OK;
}

static enum status
parse_namespace(struct schema_parser *s) {
	struct declared_name name;
	size_t start = ++s->parser.at;
	TRY(parser_path(&s->parser, "a namespace's name", &name.path));
	name.place = parser_place(&s->parser, start);
	for (size_t i = 1; i < s->ast->namespace_count; i++)
		if (bytes_equal(s->ast->namespaces[i].name.path, name.path))
			return policy_complain(
				s->parser.diagnostics, s->parser.source, name.place.offset, name.place.length,
				"schema.duplicate", "the namespace %.*s is declared twice",
				(int)(name.path.len > 80 ? 80 : name.path.len), (const char *)name.path.data);
	TRY(add_namespace(s, name));
	return parser_expect(&s->parser, TOKEN_OPEN_BRACE, "`{`");
}

/* A declaration; or the beginning or the end of a namespace, which hold no semicolon. */
static enum status
parse_declaration(struct schema_parser *s) {
	s->parser.depth = 0;
	if (s->namespace != 0 && parser_take(&s->parser, TOKEN_CLOSE_BRACE)) {
		s->namespace = 0;
		return OK;
	}
	TRY(skip_annotations(s));
	if (parser_sees_word(&s->parser, "entity"))
		return parse_entities(s);
	if (parser_sees_word(&s->parser, "action"))
		return parse_actions(s);
	if (parser_sees_word(&s->parser, "type"))
		return parse_common(s);
	if (s->namespace == 0 && parser_sees_word(&s->parser, "namespace"))
		return parse_namespace(s);
	return parser_unexpected(&s->parser, s->namespace == 0 ? "`entity`, `action`, `type` or `namespace`"
							       : "`entity`, `action`, `type` or `}`");
}

static enum status
parse_schema(struct schema_parser *s) {
	size_t failures = 0;
	TRY(add_namespace(s, (struct declared_name){}));
	while (!parser_sees(&s->parser, TOKEN_END) && failures < DIAGNOSTICS_MAX) {
		enum status status = parse_declaration(s);
		if (status == OK)
			continue;
		if (status != STATUS_INVALID)
			return status;
		failures++;
		while (!parser_sees(&s->parser, TOKEN_END) && !parser_take(&s->parser, TOKEN_SEMICOLON))
			s->parser.at++;
	}
	if (failures == 0 && s->namespace != 0)
		return parser_unexpected(&s->parser, "`}`");
	return failures > 0 ? fail_with(STATUS_INVALID) : OK;
}

enum status
schema_parse(struct arena *arena, const struct policy_source *source, struct policy_diagnostics *diagnostics,
	     struct schema_ast *ast) {
	_cleanup_(policy_tokens_free) struct policy_tokens tokens = {};
	enum status lexed = policy_tokenize(source, (struct lexer_options){}, diagnostics, &tokens);
	if (lexed != OK && (lexed != STATUS_INVALID || tokens.count == 0))
		return lexed;
	*ast = (struct schema_ast){.source = source};
	struct schema_parser s = {
		.parser = {.arena = arena,
			   .source = source,
			   .diagnostics = diagnostics,
			   .tokens = tokens.items,
			   .line = 1},
		.ast = ast,
	};
	enum status parsed = parse_schema(&s);
	return parsed != OK ? parsed : lexed;
}
