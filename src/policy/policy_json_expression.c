/* Expressions in Cedar's JSON form: an object with one member, whose key says what it is. */
#include "policy/policy_json_reader.h"

static enum status
check_depth(const struct policy_json_reader *reader, struct json_node node, size_t depth) {
	return depth <= EXPRESSION_DEPTH_MAX
		       ? OK
		       : json_source_complain(&reader->json, node, "policy.depth", "expressions nest at most %zu deep",
					      EXPRESSION_DEPTH_MAX);
}

static enum status
make(const struct policy_json_reader *reader, struct json_node node, enum expression_kind kind,
     const struct expression *const *operands, size_t count, struct expression **made) {
	TRY(expression_make(reader->json.arena, kind, json_node_place(node), operands, count, made));
	return check_depth(reader, node, (*made)->depth);
}

static enum status
need_string(const struct policy_json_reader *reader, struct json_node node, const char *key, struct bytes *text) {
	struct json_node member;
	TRY(json_source_need(&reader->json, node, key, JSON_STRING, &member));
	*text = json_string(member.value);
	return OK;
}

static enum status
need_type(const struct policy_json_reader *reader, struct json_node node, const char *key, struct bytes *type) {
	struct json_node member;
	TRY(json_source_need(&reader->json, node, key, JSON_STRING, &member));
	*type = json_string(member.value);
	if (value_is_type_name(*type))
		return OK;
	return json_source_complain(&reader->json, member, "policy.is_type", "\"%.*s\" is no entity type",
				    (int)(type->len > 80 ? 80 : type->len), (const char *)type->data);
}

static enum status
need_expression(struct policy_json_reader *reader, struct json_node node, const char *key,
		const struct expression **expression) {
	struct json_node member = json_source_get(&reader->json, node, key);
	if (member.value == nullptr)
		return json_source_complain(&reader->json, node, "policy.missing", "expected a member \"%s\"", key);
	return policy_json_expression(reader, member, expression);
}

static const char *const left_right[] = {"left", "right", nullptr};

static enum status
read_binary(struct policy_json_reader *reader, struct json_node node, const struct expression *operands[2]) {
	TRY(json_source_expect(&reader->json, node, JSON_OBJECT));
	TRY(json_source_only(&reader->json, node, left_right));
	TRY(need_expression(reader, node, "left", &operands[0]));
	return need_expression(reader, node, "right", &operands[1]);
}

static enum status
read_argument(struct policy_json_reader *reader, struct json_node node, const struct expression **operand) {
	TRY(json_source_expect(&reader->json, node, JSON_OBJECT));
	TRY(json_source_only(&reader->json, node, (const char *const[]){"arg", nullptr}));
	return need_expression(reader, node, "arg", operand);
}

/* Expressions, or values, of an array or of an object's members, whose keys are their names. */
static enum status
read_parts(struct policy_json_reader *reader, struct json_node node, struct json_node whole, enum expression_kind kind,
	   enum status (*read)(struct policy_json_reader *, struct json_node, const struct expression **),
	   const struct expression **expression) {
	struct json_node item;
	size_t size = json_size(node.value), count = 0;
	const struct expression **parts = ARENA_NEW_ARRAY(reader->json.arena, size, const struct expression *);
	struct bytes *names = ARENA_NEW_ARRAY(reader->json.arena, size, struct bytes);
	struct expression *made;
	TRY_ALLOC(parts);
	TRY_ALLOC(names);
	TRY(json_source_expect(&reader->json, node, kind == EXPRESSION_RECORD ? JSON_OBJECT : JSON_ARRAY));
	struct json_walk walk = json_source_walk(&reader->json, node);
	for (; json_source_next(&walk, &names[count], &item); count++)
		TRY(read(reader, item, &parts[count]));
	TRY(make(reader, whole, kind, parts, count, &made));
	if (kind == EXPRESSION_RECORD) {
		made->names = names;
		made->name_count = (uint32_t)count;
	}
	*expression = made;
	return OK;
}

static enum status
make_call(struct policy_json_reader *reader, struct json_node node, const struct policy_function *function,
	  const struct expression *const *operands, size_t count, const struct expression **expression) {
	struct expression *made;
	if (count != function->arguments && !(reader->options.allow_any_arguments && function->is_extension))
		return json_source_complain(&reader->json, node, "policy.arguments",
					    "%s takes %zu arguments, found %zu", function->name, function->arguments,
					    count);
	TRY(make(reader, node, EXPRESSION_CALL, operands, count, &made));
	made->function = function;
	*expression = made;
	return OK;
}

/* {"fn": ..., "arg": ...} or "args": [...]: a constructor's call, or any function of extensions. */
static enum status read_value_call(struct policy_json_reader *reader, struct json_node node,
				   const struct expression **expression);

/* A value in Cedar JSON, as the expression that makes it. */
static enum status
read_value_within(struct policy_json_reader *reader, struct json_node node, const struct expression **expression) {
	struct value value = {};
	struct expression *made;
	switch (json_type_of(node.value)) {
	case JSON_ARRAY:
		return read_parts(reader, node, node, EXPRESSION_SET, read_value_within, expression);
	case JSON_OBJECT:
		if (json_get(node.value, "__extn") != nullptr)
			return read_value_call(reader, node, expression);
		if (json_get(node.value, "__entity") == nullptr && json_get(node.value, "__expr") == nullptr)
			return read_parts(reader, node, node, EXPRESSION_RECORD, read_value_within, expression);
		[[fallthrough]];
	default:
		TRY(json_source_pass(&reader->json, node, value_read(reader->json.arena, node.value, &value)));
		TRY(expression_make_literal(reader->json.arena, json_node_place(node), value, &made));
		*expression = made;
		return OK;
	}
}

static enum status
read_value_call(struct policy_json_reader *reader, struct json_node node, const struct expression **expression) {
	struct json_node call, arguments;
	struct bytes name;
	const struct expression *parts;
	TRY(json_source_only(&reader->json, node, (const char *const[]){"__extn", nullptr}));
	TRY(json_source_need(&reader->json, node, "__extn", JSON_OBJECT, &call));
	TRY(json_source_only(&reader->json, call, (const char *const[]){"fn", "arg", "args", nullptr}));
	TRY(need_string(reader, call, "fn", &name));
	const struct policy_function *function = policy_function_find(name);
	if (function == nullptr || !function->is_extension)
		return json_source_complain(&reader->json, call, "policy.unknown_function",
					    "there is no function `%.*s`", (int)(name.len > 80 ? 80 : name.len),
					    (const char *)name.data);
	arguments = json_source_get(&reader->json, call, "arg");
	if (arguments.value != nullptr) {
		TRY(read_value_within(reader, arguments, &parts));
		return make_call(reader, node, function, &parts, 1, expression);
	}
	TRY(json_source_need(&reader->json, call, "args", JSON_ARRAY, &arguments));
	TRY(read_parts(reader, arguments, node, EXPRESSION_SET, read_value_within, &parts));
	return make_call(reader, node, function, parts->operands, parts->operand_count, expression);
}

static enum status
read_variable(struct policy_json_reader *reader, struct json_node node, const struct expression **expression) {
	static const char *const names[] = {"principal", "action", "resource", "context"};
	struct expression *made;
	TRY(json_source_expect(&reader->json, node, JSON_STRING));
	for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
		if (bytes_equal_text(json_string(node.value), names[i])) {
			TRY(make(reader, node, EXPRESSION_VARIABLE, nullptr, 0, &made));
			made->variable = (enum variable)i;
			*expression = made;
			return OK;
		}
	return json_source_complain(&reader->json, node, "policy.unknown_variable",
				    "expected principal, action, resource or context");
}

static enum status
read_attribute(struct policy_json_reader *reader, struct json_node node, const struct expression **expression) {
	const struct expression *operand;
	struct expression *made;
	struct bytes name;
	TRY(json_source_expect(&reader->json, node, JSON_OBJECT));
	TRY(json_source_only(&reader->json, node, (const char *const[]){"left", "attr", nullptr}));
	TRY(need_expression(reader, node, "left", &operand));
	TRY(need_string(reader, node, "attr", &name));
	TRY(expression_make_named(reader->json.arena, EXPRESSION_ATTRIBUTE, json_node_place(node), operand, name,
				  &made));
	*expression = made;
	return check_depth(reader, node, made->depth);
}

/* "attr" is one name, or the names of a path, which are identifiers. */
static enum status
read_has(struct policy_json_reader *reader, struct json_node node, const struct expression **expression) {
	const struct expression *operand;
	struct json_node attribute, item;
	struct expression *made;
	TRY(json_source_expect(&reader->json, node, JSON_OBJECT));
	TRY(json_source_only(&reader->json, node, (const char *const[]){"left", "attr", nullptr}));
	TRY(need_expression(reader, node, "left", &operand));
	attribute = json_source_get(&reader->json, node, "attr");
	if (attribute.value == nullptr || json_type_of(attribute.value) == JSON_STRING) {
		struct bytes name;
		TRY(need_string(reader, node, "attr", &name));
		TRY(expression_make_named(reader->json.arena, EXPRESSION_HAS, json_node_place(node), operand, name,
					  &made));
		*expression = made;
		return check_depth(reader, node, made->depth);
	}
	TRY(json_source_expect(&reader->json, attribute, JSON_ARRAY));
	size_t size = json_size(attribute.value), count = 0;
	if (size == 0 || size > EXPRESSION_DEPTH_MAX)
		return json_source_complain(&reader->json, attribute, "policy.has_attribute",
					    "expected 1 to %zu names, found %zu", EXPRESSION_DEPTH_MAX, size);
	struct bytes *names = ARENA_NEW_ARRAY(reader->json.arena, size, struct bytes);
	TRY_ALLOC(names);
	struct json_walk walk = json_source_walk(&reader->json, attribute);
	for (; json_source_next(&walk, nullptr, &item); count++) {
		TRY(json_source_expect(&reader->json, item, JSON_STRING));
		names[count] = json_string(item.value);
		if (size > 1 &&
		    (!value_is_type_name(names[count]) || memchr(names[count].data, ':', names[count].len) != nullptr))
			return json_source_complain(&reader->json, item, "policy.has_attribute",
						    "the names of a path are identifiers");
	}
	TRY(make(reader, node, EXPRESSION_HAS, &operand, 1, &made));
	made->names = names;
	made->name_count = (uint32_t)count;
	*expression = made;
	return OK;
}

/* ["Wildcard", {"Literal": "a"}, ...] */
static enum status
read_pattern(struct policy_json_reader *reader, struct json_node node, const struct bytes **parts, uint32_t *count) {
	_cleanup_(buffer_free) struct buffer part = {};
	struct json_node item;
	struct bytes *list = ARENA_NEW_ARRAY(reader->json.arena, json_size(node.value) + 1, struct bytes);
	TRY_ALLOC(list);
	struct json_walk walk = json_source_walk(&reader->json, node);
	*count = 0;
	while (json_source_next(&walk, nullptr, &item)) {
		struct bytes text;
		if (json_type_of(item.value) == JSON_STRING && bytes_equal_text(json_string(item.value), "Wildcard")) {
			list[*count] = arena_copy(reader->json.arena, buffer_bytes(&part));
			TRY_ALLOC(list[*count].data);
			(*count)++;
			buffer_reset(&part);
			continue;
		}
		if (json_type_of(item.value) != JSON_OBJECT)
			return json_source_complain(&reader->json, item, "policy.like_pattern",
						    "expected \"Wildcard\" or {\"Literal\": ...}");
		TRY(json_source_only(&reader->json, item, (const char *const[]){"Literal", nullptr}));
		TRY(need_string(reader, item, "Literal", &text));
		buffer_append_bytes(&part, text);
	}
	TRY(buffer_status(&part));
	list[*count] = arena_copy(reader->json.arena, buffer_bytes(&part));
	TRY_ALLOC(list[*count].data);
	(*count)++;
	*parts = list;
	return OK;
}

static enum status
read_like(struct policy_json_reader *reader, struct json_node node, const struct expression **expression) {
	const struct expression *operand;
	struct json_node pattern;
	struct expression *made;
	TRY(json_source_expect(&reader->json, node, JSON_OBJECT));
	TRY(json_source_only(&reader->json, node, (const char *const[]){"left", "pattern", nullptr}));
	TRY(need_expression(reader, node, "left", &operand));
	TRY(json_source_need(&reader->json, node, "pattern", JSON_ARRAY, &pattern));
	TRY(make(reader, node, EXPRESSION_LIKE, &operand, 1, &made));
	TRY(read_pattern(reader, pattern, &made->names, &made->name_count));
	*expression = made;
	return OK;
}

static enum status
read_is(struct policy_json_reader *reader, struct json_node node, const struct expression **expression) {
	const struct expression *operands[2];
	struct expression *made;
	size_t count = 1;
	struct bytes *type = ARENA_NEW(reader->json.arena, struct bytes);
	TRY_ALLOC(type);
	TRY(json_source_expect(&reader->json, node, JSON_OBJECT));
	TRY(json_source_only(&reader->json, node, (const char *const[]){"left", "entity_type", "in", nullptr}));
	TRY(need_expression(reader, node, "left", &operands[0]));
	TRY(need_type(reader, node, "entity_type", type));
	if (json_get(node.value, "in") != nullptr)
		TRY(need_expression(reader, node, "in", &operands[count++]));
	TRY(make(reader, node, EXPRESSION_IS, operands, count, &made));
	made->names = type;
	made->name_count = 1;
	*expression = made;
	return OK;
}

static enum status
read_if(struct policy_json_reader *reader, struct json_node node, const struct expression **expression) {
	const struct expression *operands[3];
	struct expression *made;
	TRY(json_source_expect(&reader->json, node, JSON_OBJECT));
	TRY(json_source_only(&reader->json, node, (const char *const[]){"if", "then", "else", nullptr}));
	TRY(need_expression(reader, node, "if", &operands[0]));
	TRY(need_expression(reader, node, "then", &operands[1]));
	TRY(need_expression(reader, node, "else", &operands[2]));
	TRY(make(reader, node, EXPRESSION_IF, operands, 3, &made));
	*expression = made;
	return OK;
}

static enum status
read_set(struct policy_json_reader *reader, struct json_node node, const struct expression **expression) {
	return read_parts(reader, node, node, EXPRESSION_SET, policy_json_expression, expression);
}

static enum status
read_record(struct policy_json_reader *reader, struct json_node node, const struct expression **expression) {
	return read_parts(reader, node, node, EXPRESSION_RECORD, policy_json_expression, expression);
}

static enum status
refuse_slot(struct policy_json_reader *reader, struct json_node node, const struct expression **) {
	return json_source_complain(&reader->json, node, "policy.slot_in_condition",
				    "a template's slot stands only in the scope, after principal or resource");
}

static const struct {
	const char *key;
	enum status (*read)(struct policy_json_reader *, struct json_node, const struct expression **);
} forms[] = {
	{"Value", read_value_within},
	{"Var", read_variable},
	{"Slot", refuse_slot},
	{".", read_attribute},
	{"has", read_has},
	{"like", read_like},
	{"is", read_is},
	{"if-then-else", read_if},
	{"Set", read_set},
	{"Record", read_record},
};

static const struct {
	const char *key;
	enum expression_kind kind;
} operators[] = {
	{"==", EXPRESSION_EQUAL},      {"!=", EXPRESSION_NOT_EQUAL}, {"<", EXPRESSION_LESS},
	{"<=", EXPRESSION_LESS_EQUAL}, {">", EXPRESSION_GREATER},    {">=", EXPRESSION_GREATER_EQUAL},
	{"in", EXPRESSION_IN},         {"+", EXPRESSION_ADD},        {"-", EXPRESSION_SUBTRACT},
	{"*", EXPRESSION_MULTIPLY},    {"&&", EXPRESSION_AND},       {"||", EXPRESSION_OR},
	{"!", EXPRESSION_NOT},         {"neg", EXPRESSION_NEGATE},
};

/* ((a && b) && c) && d: the left spine is walked down, so that a long chain is no deep nesting. */
static enum status
read_chain(struct policy_json_reader *reader, struct json_node node, const char *key, enum expression_kind kind,
	   const struct expression **expression) {
	struct json_node right, left = node;
	struct expression *made;
	const struct expression *first;
	size_t count = 0;
	for (struct json_node at = node; at.value != nullptr; at = json_source_get(&reader->json, left, key)) {
		TRY(json_source_expect(&reader->json, at, JSON_OBJECT));
		TRY(json_source_only(&reader->json, at, left_right));
		TRY(json_source_need(&reader->json, at, "left", JSON_OBJECT, &left));
		count++;
	}
	TRY(policy_json_expression(reader, left, &first));
	const struct expression **rest = ARENA_NEW_ARRAY(reader->json.arena, count, const struct expression *);
	TRY_ALLOC(rest);
	left = node;
	for (size_t i = count; i > 0; i--) {
		right = json_source_get(&reader->json, left, "right");
		if (right.value == nullptr)
			return json_source_complain(&reader->json, left, "policy.missing",
						    "expected a member \"right\"");
		TRY(policy_json_expression(reader, right, &rest[i - 1]));
		if (i > 1)
			left = json_source_get(&reader->json, json_source_get(&reader->json, left, "left"), key);
	}
	TRY(expression_make_chain(reader->json.arena, kind, json_node_place(node), first, rest, count, &made));
	*expression = made;
	return check_depth(reader, node, made->depth);
}

static enum status
read_operator(struct policy_json_reader *reader, struct json_node node, size_t number,
	      const struct expression **expression) {
	const struct expression *operands[2];
	struct expression *made;
	enum expression_kind kind = operators[number].kind;
	if (kind == EXPRESSION_AND || kind == EXPRESSION_OR)
		return read_chain(reader, node, operators[number].key, kind, expression);
	if (kind == EXPRESSION_NOT || kind == EXPRESSION_NEGATE) {
		TRY(read_argument(reader, node, &operands[0]));
		TRY(make(reader, node, kind, operands, 1, &made));
	} else {
		TRY(read_binary(reader, node, operands));
		TRY(make(reader, node, kind, operands, 2, &made));
	}
	*expression = made;
	return OK;
}

/* Methods of the language take left and right, or arg; those of extensions, and constructors, a list. */
static enum status
read_function(struct policy_json_reader *reader, struct json_node node, struct bytes name,
	      const struct expression **expression) {
	const struct policy_function *function = policy_function_find(name);
	const struct expression *operands[2], *list;
	if (function == nullptr)
		return json_source_complain(&reader->json, node, "policy.unknown_function",
					    "\"%.*s\" is no form of expression and no function",
					    (int)(name.len > 80 ? 80 : name.len), (const char *)name.data);
	if (function->is_extension) {
		TRY(read_parts(reader, node, node, EXPRESSION_SET, policy_json_expression, &list));
		return make_call(reader, node, function, list->operands, list->operand_count, expression);
	}
	if (function->arguments == 1)
		TRY(read_argument(reader, node, &operands[0]));
	else
		TRY(read_binary(reader, node, operands));
	return make_call(reader, node, function, operands, function->arguments, expression);
}

static enum status
read_form(struct policy_json_reader *reader, struct json_node node, const struct expression **expression) {
	struct json_node body;
	struct bytes key;
	TRY(json_source_expect(&reader->json, node, JSON_OBJECT));
	if (json_size(node.value) != 1)
		return json_source_complain(&reader->json, node, "policy.expression",
					    "expected an object with one member, found %zu", json_size(node.value));
	struct json_walk walk = json_source_walk(&reader->json, node);
	(void)json_source_next(&walk, &key, &body);
	for (size_t i = 0; i < ARRAY_LENGTH(forms); i++)
		if (bytes_equal_text(key, forms[i].key))
			return forms[i].read(reader, body, expression);
	for (size_t i = 0; i < ARRAY_LENGTH(operators); i++)
		if (bytes_equal_text(key, operators[i].key))
			return read_operator(reader, body, i, expression);
	return read_function(reader, body, key, expression);
}

enum status
policy_json_expression(struct policy_json_reader *reader, struct json_node node, const struct expression **expression) {
	TRY(check_depth(reader, node, reader->depth + 1));
	reader->depth++;
	TRY(read_form(reader, node, expression));
	reader->depth--;
	return OK;
}
