#include "policy/differential_draw.h"

#include <stdio.h>

constexpr size_t PATH_SIZE = 64;

/* --- Attributes. --- */

struct search { /* a path to a value of the wanted type, one of many drawn evenly */
	const struct draft_type *wanted;
	uint32_t found;
	char path[PATH_SIZE];
	char guards[3][GUARD_SIZE];
	size_t guard_count;
	bool has_index;
};

static void
consider(struct draft *draft, struct search *search, const struct draft_type *type, const char *path,
	 const char (*guards)[GUARD_SIZE], size_t guard_count) {
	if (!same_types(type, search->wanted) || draft_below(draft, ++search->found) != 0)
		return;
	snprintf(search->path, sizeof search->path, "%s", path);
	memcpy(search->guards, guards, sizeof search->guards);
	search->guard_count = guard_count;
	search->has_index = strchr(path, '[') != nullptr;
}

/* Attributes of the record, or of the entity's shape; two levels further down at most. */
static void
search_fields(struct draft *draft, struct search *search, const struct draft_type *record, const char *path,
	      const char (*guards)[GUARD_SIZE], size_t guard_count, size_t depth) {
	for (size_t i = 0; i < record->field_count; i++) {
		const struct draft_field *field = &record->fields[i];
		char inner[PATH_SIZE], own[3][GUARD_SIZE];
		bool is_plain = is_plain_name(field->name);
		if (guard_count == 3)
			return;
		memcpy(own, guards, sizeof own);
		snprintf(inner, sizeof inner, is_plain ? "%.40s.%s" : "%.40s[\"%s\"]", path, field->name);
		snprintf(own[guard_count], GUARD_SIZE, is_plain ? "%.48s has %s" : "%.48s has \"%s\"", path,
			 field->name);
		size_t own_count = guard_count + field->is_optional;
		consider(draft, search, field->type, inner, own, own_count);
		if (depth == 0)
			continue;
		const struct draft_type *next = field->type->kind == DRAFT_RECORD ? field->type
						: field->type->kind == DRAFT_ENTITY
							? draft->entities[field->type->entity].shape
							: nullptr;
		if (next != nullptr)
			search_fields(draft, search, next, inner, own, own_count, depth - 1);
	}
}

static void
add_guards(struct draft *draft, struct environment *environment, const struct search *search) {
	if (draft_percent(draft, 6)) /* not guarded: refused by the validator, perhaps an error */
		return;
	for (size_t i = 0; i < search->guard_count && environment->guard_count < GUARDS_MAX; i++)
		memcpy(environment->guards[environment->guard_count++], search->guards[i], GUARD_SIZE);
}

/* False where nothing has that type. */
static bool
draw_path(struct draft *draft, struct environment *environment, const struct draft_type *type, struct buffer *to) {
	static const char none[3][GUARD_SIZE];
	const struct draft_type principal = {.kind = DRAFT_ENTITY, .entity = environment->principal};
	const struct draft_type resource = {.kind = DRAFT_ENTITY, .entity = environment->resource};
	struct search search = {.wanted = type};
	consider(draft, &search, &principal, "principal", none, 0);
	consider(draft, &search, &resource, "resource", none, 0);
	search_fields(draft, &search, draft->entities[environment->principal].shape, "principal", none, 0, 1);
	search_fields(draft, &search, draft->entities[environment->resource].shape, "resource", none, 0, 1);
	search_fields(draft, &search, draft->actions[environment->action].context, "context", none, 0, 1);
	if (search.found == 0)
		return false;
	draft_count(draft, search.path[0] == 'p'   ? CONSTRUCT_variable_principal
			   : search.path[0] == 'r' ? CONSTRUCT_variable_resource
						   : CONSTRUCT_variable_context);
	if (strpbrk(search.path, ".[") != nullptr)
		draft_count(draft, search.has_index ? CONSTRUCT_attribute_index : CONSTRUCT_attribute);
	add_guards(draft, environment, &search);
	buffer_append_text(to, search.path);
	return true;
}

/* --- What gives a bool. --- */

static void
draw_two(struct draft *draft, struct environment *environment, const struct draft_type *type, const char *operator,
	 size_t depth, struct buffer *to) {
	buffer_append_text(to, "(");
	draw_expression(draft, environment, type, depth, to);
	buffer_append_format(to, " %s ", operator);
	draw_expression(draft, environment, type, depth, to);
	buffer_append_text(to, ")");
}

static const struct draft_type *
some_type(struct draft *draft, struct draft_type *room) {
	const struct draft_entity *entity = &draft->entities[draft_below(draft, (uint32_t)draft->entity_count)];
	if (entity->shape->field_count > 0 && draft_percent(draft, 50))
		return entity->shape->fields[draft_below(draft, (uint32_t)entity->shape->field_count)].type;
	*room = (struct draft_type){.kind = draft_below(draft, DRAFT_ENTITY + 1),
				    .entity = draft_below(draft, (uint32_t)draft->entity_count)};
	return room;
}

static void
draw_equality(struct draft *draft, struct environment *environment, size_t depth, struct buffer *to) {
	struct draft_type room;
	bool is_equal = draft_percent(draft, 60);
	draft_count(draft, is_equal ? CONSTRUCT_equal : CONSTRUCT_not_equal);
	draw_two(draft, environment, some_type(draft, &room), is_equal ? "==" : "!=", depth, to);
}

static void
draw_order(struct draft *draft, struct environment *environment, size_t depth, struct buffer *to) {
	static const struct {
		const char *operator;
		enum construct construct;
	} orders[] = {{"<", CONSTRUCT_less},
		      {"<=", CONSTRUCT_less_equal},
		      {">", CONSTRUCT_greater},
		      {">=", CONSTRUCT_greater_equal}};
	static const enum draft_kind kinds[] = {DRAFT_LONG, DRAFT_LONG, DRAFT_DATETIME, DRAFT_DURATION};
	size_t order = draft_below(draft, 4);
	draft_count(draft, orders[order].construct);
	draw_two(draft, environment, PLAIN(kinds[draft_below(draft, 4)]), orders[order].operator, depth, to);
}

static size_t
some_entity(struct draft *draft, const struct environment *environment) {
	return draft_percent(draft, 60)   ? environment->principal
	       : draft_percent(draft, 60) ? environment->resource
					  : draft_below(draft, (uint32_t)draft->entity_count);
}

static void
draw_in(struct draft *draft, struct environment *environment, size_t depth, struct buffer *to) {
	struct draft_type left = {.kind = DRAFT_ENTITY, .entity = some_entity(draft, environment)};
	struct draft_type right = {.kind = DRAFT_ENTITY, .entity = draft_below(draft, (uint32_t)draft->entity_count)};
	struct draft_type set = {.kind = DRAFT_SET, .element = &right};
	bool is_set = draft_percent(draft, 40);
	if (draft_percent(draft, 15)) {
		draft_count(draft, CONSTRUCT_variable_action);
		draft_count(draft, is_set ? CONSTRUCT_in_set : CONSTRUCT_in);
		buffer_append_text(to, is_set ? "(action in [" : "(action in ");
		draw_action_uid(draft, draft_below(draft, (uint32_t)draft->action_count), to);
		buffer_append_text(to, is_set ? "])" : ")");
		return;
	}
	buffer_append_text(to, "(");
	draw_expression(draft, environment, &left, depth, to);
	buffer_append_text(to, " ");
	if (draft_percent(draft, 20)) {
		draft_count(draft, CONSTRUCT_is_in);
		buffer_append_format(to, "is %s ", draft->entities[some_entity(draft, environment)].name);
	} else
		draft_count(draft, is_set ? CONSTRUCT_in_set : CONSTRUCT_in);
	buffer_append_text(to, "in ");
	draw_expression(draft, environment, is_set ? &set : &right, depth, to);
	buffer_append_text(to, ")");
}

static void
draw_is(struct draft *draft, struct environment *environment, size_t depth, struct buffer *to) {
	struct draft_type left = {.kind = DRAFT_ENTITY, .entity = some_entity(draft, environment)};
	draft_count(draft, CONSTRUCT_is);
	buffer_append_text(to, "(");
	draw_expression(draft, environment, &left, depth, to);
	buffer_append_format(to, " is %s)", draft->entities[some_entity(draft, environment)].name);
}

static void
draw_has(struct draft *draft, struct environment *environment, struct buffer *to) {
	static const char *const names[] = {"a", "b", "c", "d", "is", "odd name", "none"};
	const char *variable = PICK(draft, "principal", "resource", "context", "context", "action");
	const char *name = pick(draft, names, ARRAY_LENGTH(names));
	bool is_plain = is_plain_name(name);
	if (is_plain && draft_percent(draft, 30)) {
		draft_count(draft, CONSTRUCT_has_dotted);
		buffer_append_format(to, "(%s has %s.%s)", variable, name, pick(draft, names, 4));
		return;
	}
	is_plain &= draft_percent(draft, 80);
	draft_count(draft, is_plain ? CONSTRUCT_has : CONSTRUCT_has_string);
	buffer_append_format(to, is_plain ? "(%s has %s)" : "(%s has \"%s\")", variable, name);
	(void)environment;
}

static void
draw_like(struct draft *draft, struct environment *environment, size_t depth, struct buffer *to) {
	const char *pattern =
		PICK(draft, "*", "a*", "*b", "*a*b*", "", "a\\*b", "k*", "\\u{e9}*", "**a", "\\**", "*\\n*", "a?b");
	draft_count(draft, strstr(pattern, "\\*") != nullptr ? CONSTRUCT_like_star : CONSTRUCT_like);
	buffer_append_text(to, "(");
	draw_expression(draft, environment, PLAIN(DRAFT_STRING), depth, to);
	buffer_append_format(to, " like \"%s\")", pattern);
}

static void
draw_containment(struct draft *draft, struct environment *environment, size_t depth, struct buffer *to) {
	struct draft_type room;
	struct draft_type set = {.kind = DRAFT_SET, .element = some_type(draft, &room)};
	static const struct {
		const char *name;
		enum construct construct;
	} methods[] = {{"contains", CONSTRUCT_contains},
		       {"containsAll", CONSTRUCT_containsAll},
		       {"containsAny", CONSTRUCT_containsAny},
		       {"isEmpty", CONSTRUCT_isEmpty}};
	size_t method = draft_below(draft, 4);
	draft_count(draft, methods[method].construct);
	draw_expression(draft, environment, &set, depth, to);
	buffer_append_format(to, ".%s(", methods[method].name);
	if (method < 3)
		draw_expression(draft, environment, method == 0 ? set.element : &set, depth, to);
	buffer_append_text(to, ")");
}

static void
draw_extension_test(struct draft *draft, struct environment *environment, size_t depth, struct buffer *to) {
	static const struct {
		const char *name;
		enum construct construct;
		enum draft_kind kind;
		size_t arguments;
	} methods[] = {
		{"lessThan", CONSTRUCT_lessThan, DRAFT_DECIMAL, 1},
		{"lessThanOrEqual", CONSTRUCT_lessThanOrEqual, DRAFT_DECIMAL, 1},
		{"greaterThan", CONSTRUCT_greaterThan, DRAFT_DECIMAL, 1},
		{"greaterThanOrEqual", CONSTRUCT_greaterThanOrEqual, DRAFT_DECIMAL, 1},
		{"isIpv4", CONSTRUCT_isIpv4, DRAFT_IPADDR, 0},
		{"isIpv6", CONSTRUCT_isIpv6, DRAFT_IPADDR, 0},
		{"isLoopback", CONSTRUCT_isLoopback, DRAFT_IPADDR, 0},
		{"isMulticast", CONSTRUCT_isMulticast, DRAFT_IPADDR, 0},
		{"isInRange", CONSTRUCT_isInRange, DRAFT_IPADDR, 1},
	};
	size_t method = draft_below(draft, ARRAY_LENGTH(methods));
	draft_count(draft, methods[method].construct);
	draw_expression(draft, environment, PLAIN(methods[method].kind), depth, to);
	buffer_append_format(to, ".%s(", methods[method].name);
	if (methods[method].arguments == 1)
		draw_expression(draft, environment, PLAIN(methods[method].kind), depth, to);
	buffer_append_text(to, ")");
}

static void
draw_has_tag(struct draft *draft, struct environment *environment, size_t depth, struct buffer *to) {
	struct draft_type entity = {.kind = DRAFT_ENTITY, .entity = some_entity(draft, environment)};
	draft_count(draft, CONSTRUCT_hasTag);
	draw_expression(draft, environment, &entity, depth, to);
	buffer_append_text(to, ".hasTag(");
	draw_expression(draft, environment, PLAIN(DRAFT_STRING), depth, to);
	buffer_append_text(to, ")");
}

/* e.getTag(k), guarded; false where no entity at hand has tags of that type. */
static bool
draw_get_tag(struct draft *draft, struct environment *environment, const struct draft_type *type, struct buffer *to) {
	bool of_principal = draft_percent(draft, 50);
	const struct draft_type *tags =
		draft->entities[of_principal ? environment->principal : environment->resource].tags;
	const char *variable = of_principal ? "principal" : "resource", *key = PICK(draft, "k0", "k1");
	if (tags == nullptr || !same_types(tags, type))
		return false;
	draft_count(draft, CONSTRUCT_getTag);
	if (environment->guard_count < GUARDS_MAX && !draft_percent(draft, 6))
		snprintf(environment->guards[environment->guard_count++], GUARD_SIZE, "%s.hasTag(\"%s\")", variable,
			 key);
	buffer_append_format(to, "%s.getTag(\"%s\")", variable, key);
	return true;
}

static void
draw_boolean(struct draft *draft, struct environment *environment, size_t depth, struct buffer *to) {
	switch (draft_below(draft, 13)) {
	case 0:
	case 1:
		draft_count(draft, CONSTRUCT_and);
		draw_two(draft, environment, PLAIN(DRAFT_BOOL), "&&", depth, to);
		return;
	case 2:
		draft_count(draft, CONSTRUCT_or);
		draw_two(draft, environment, PLAIN(DRAFT_BOOL), "||", depth, to);
		return;
	case 3:
		draft_count(draft, CONSTRUCT_not);
		buffer_append_text(to, "!");
		draw_expression(draft, environment, PLAIN(DRAFT_BOOL), depth, to);
		return;
	case 4:
		draw_equality(draft, environment, depth, to);
		return;
	case 5:
		draw_order(draft, environment, depth, to);
		return;
	case 6:
		draw_in(draft, environment, depth, to);
		return;
	case 7:
		draw_is(draft, environment, depth, to);
		return;
	case 8:
		draw_has(draft, environment, to);
		return;
	case 9:
		draw_like(draft, environment, depth, to);
		return;
	case 10:
		draw_containment(draft, environment, depth, to);
		return;
	case 11:
		draw_extension_test(draft, environment, depth, to);
		return;
	default:
		draw_has_tag(draft, environment, depth, to);
	}
}

/* --- What gives something else. --- */

static void
draw_sum(struct draft *draft, struct environment *environment, size_t depth, struct buffer *to) {
	static const struct {
		const char *name;
		enum construct construct;
	} methods[] = {{"toMilliseconds", CONSTRUCT_toMilliseconds},
		       {"toSeconds", CONSTRUCT_toSeconds},
		       {"toMinutes", CONSTRUCT_toMinutes},
		       {"toHours", CONSTRUCT_toHours},
		       {"toDays", CONSTRUCT_toDays}};
	size_t method = draft_below(draft, ARRAY_LENGTH(methods));
	switch (draft_below(draft, 5)) {
	case 0:
		draft_count(draft, CONSTRUCT_add);
		draw_two(draft, environment, PLAIN(DRAFT_LONG), "+", depth, to);
		return;
	case 1:
		draft_count(draft, CONSTRUCT_subtract);
		draw_two(draft, environment, PLAIN(DRAFT_LONG), "-", depth, to);
		return;
	case 2:
		draft_count(draft, CONSTRUCT_multiply);
		draw_two(draft, environment, PLAIN(DRAFT_LONG), "*", depth, to);
		return;
	case 3:
		draft_count(draft, CONSTRUCT_negate);
		buffer_append_text(to, "-(");
		draw_expression(draft, environment, PLAIN(DRAFT_LONG), depth, to);
		buffer_append_text(to, ")");
		return;
	default:
		draft_count(draft, methods[method].construct);
		draw_expression(draft, environment, PLAIN(DRAFT_DURATION), depth, to);
		buffer_append_format(to, ".%s()", methods[method].name);
	}
}

static void
draw_time(struct draft *draft, struct environment *environment, enum draft_kind kind, size_t depth, struct buffer *to) {
	bool is_two = draft_percent(draft, 50), is_datetime = kind == DRAFT_DATETIME;
	draft_count(draft, is_datetime ? is_two ? CONSTRUCT_offset : CONSTRUCT_toDate
			   : is_two    ? CONSTRUCT_durationSince
				       : CONSTRUCT_toTime);
	draw_expression(draft, environment, PLAIN(DRAFT_DATETIME), depth, to);
	buffer_append_text(to, is_datetime ? is_two ? ".offset(" : ".toDate("
			       : is_two    ? ".durationSince("
					   : ".toTime(");
	if (is_two)
		draw_expression(draft, environment, PLAIN(is_datetime ? DRAFT_DURATION : DRAFT_DATETIME), depth, to);
	buffer_append_text(to, ")");
}

static void
draw_if(struct draft *draft, struct environment *environment, const struct draft_type *type, size_t depth,
	struct buffer *to) {
	draft_count(draft, CONSTRUCT_if_then_else);
	buffer_append_text(to, "(if ");
	draw_expression(draft, environment, PLAIN(DRAFT_BOOL), depth, to);
	buffer_append_text(to, " then ");
	draw_expression(draft, environment, type, depth, to);
	buffer_append_text(to, " else ");
	draw_expression(draft, environment, type, depth, to);
	buffer_append_text(to, ")");
}

/* {x: e}.x or {"x": e}["x"]. */
static void
draw_wrapped(struct draft *draft, struct environment *environment, const struct draft_type *type, size_t depth,
	     struct buffer *to) {
	bool is_index = draft_percent(draft, 50);
	draft_count(draft, CONSTRUCT_literal_record);
	draft_count(draft, is_index ? CONSTRUCT_attribute_index : CONSTRUCT_attribute);
	buffer_append_text(to, "{x: ");
	draw_expression(draft, environment, type, depth, to);
	buffer_append_text(to, is_index ? "}[\"x\"]" : "}.x");
}

static void
draw_deeper(struct draft *draft, struct environment *environment, const struct draft_type *type, size_t depth,
	    struct buffer *to) {
	uint32_t choice = draft_below(draft, 100);
	if (choice < 8) {
		draw_if(draft, environment, type, depth, to);
	} else if (choice < 12) {
		draw_wrapped(draft, environment, type, depth, to);
	} else if (choice < 16) {
		draft_count(draft, CONSTRUCT_parentheses);
		buffer_append_text(to, "(");
		draw_expression(draft, environment, type, depth, to);
		buffer_append_text(to, ")");
	} else if (type->kind == DRAFT_BOOL) {
		draw_boolean(draft, environment, depth, to);
	} else if (type->kind == DRAFT_LONG) {
		draw_sum(draft, environment, depth, to);
	} else if (type->kind == DRAFT_DATETIME || type->kind == DRAFT_DURATION) {
		draw_time(draft, environment, type->kind, depth, to);
	} else
		draw_literal(draft, environment, type, depth, to);
}

void
draw_expression(struct draft *draft, struct environment *environment, const struct draft_type *type, size_t depth,
		struct buffer *to) {
	struct draft_type room;
	if (draft_percent(draft, 1)) {
		draft_count(draft, CONSTRUCT_ill_typed);
		type = some_type(draft, &room);
	}
	if (draft_percent(draft, 8) && draw_get_tag(draft, environment, type, to))
		return;
	if (draft_percent(draft, depth == 0 ? 70 : 35) && draw_path(draft, environment, type, to))
		return;
	if (depth == 0 || draft_percent(draft, 15))
		draw_literal(draft, environment, type, depth, to);
	else
		draw_deeper(draft, environment, type, depth - 1, to);
}
