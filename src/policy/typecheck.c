#include "policy/typecheck.h"

#include <stdio.h>

static const struct type *
boolean(enum type_kind kind) {
	return type_plain(kind);
}

static const struct type *
truth(bool is_true) {
	return type_plain(is_true ? TYPE_TRUE : TYPE_FALSE);
}

/* "(principal User, action Action::"view", resource Doc)" */
static void
describe_environment(const struct checker *checker, struct buffer *to) {
	const struct schema_action *action = policy_schema_action(checker->schema, checker->environment.action);
	buffer_append_text(to, " (principal ");
	buffer_append_bytes(to, policy_schema_entity(checker->schema, checker->environment.principal)->name);
	buffer_append_text(to, ", action ");
	buffer_append_bytes(to, action->uid.type);
	buffer_append_text(to, "::\"");
	buffer_append_bytes(to, action->uid.id);
	buffer_append_text(to, "\", resource ");
	buffer_append_bytes(to, policy_schema_entity(checker->schema, checker->environment.resource)->name);
	buffer_append_text(to, ")");
}

static bool
is_noted(const struct checker *checker, struct place place, const char *name) {
	size_t line, column;
	if (checker->diagnostics == nullptr)
		return false;
	policy_source_position(checker->source, place.offset, &line, &column);
	for (size_t i = 0; i < checker->diagnostics->count; i++) {
		const struct policy_diagnostic *item = &checker->diagnostics->items[i];
		if (item->line == line && item->column == column && strcmp(item->name, name) == 0 &&
		    strcmp(item->file, checker->source->file) == 0)
			return true;
	}
	return false;
}

void
typecheck_note(struct checker *checker, struct place place, const char *name, const char *format, ...) {
	_cleanup_(buffer_free) struct buffer where = {};
	char text[384];
	va_list arguments;
	checker->findings++;
	if (is_noted(checker, place, name))
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	describe_environment(checker, &where);
	buffer_append_byte(&where, 0);
	policy_note(checker->diagnostics, checker->source, place.offset, place.length, name, "%s%.100s", text,
		    buffer_status(&where) == OK ? (const char *)where.data : "");
}

/* Two types in words, for messages. */
struct words {
	char first[128];
	char second[128];
};

static void
put_words(const struct checker *checker, const struct type *type, char *text, size_t capacity) {
	_cleanup_(buffer_free) struct buffer buffer = {};
	type_describe(checker->schema, type, &buffer);
	snprintf(text, capacity, "%.*s", BYTES_ARGS(buffer_bytes(&buffer)));
}

static struct words
words_of(const struct checker *checker, const struct type *first, const struct type *second) {
	struct words words = {};
	put_words(checker, first, words.first, sizeof words.first);
	if (second != nullptr)
		put_words(checker, second, words.second, sizeof words.second);
	return words;
}

void
typecheck_note_type(struct checker *checker, const struct expression *expression, const char *expected,
		    const struct type *found) {
	struct words words = words_of(checker, found, nullptr);
	typecheck_note(checker, expression->place, "validate.type", "expected %s, found %s", expected, words.first);
}

void
typecheck_note_incompatible(struct checker *checker, const struct expression *expression, const struct type *a,
			    const struct type *b) {
	struct words words = words_of(checker, a, b);
	typecheck_note(checker, expression->place, "validate.incompatible", "%s and %s cannot be equal", words.first,
		       words.second);
}

static bool literal_of(const struct checker *checker, const struct expression *expression, struct value *value);

/* && and || of the words true and false are such a word: the reference implementation reads them so. */
static bool
fold_chain(const struct checker *checker, const struct expression *expression, struct value *value) {
	bool result = expression->kind == EXPRESSION_AND;
	for (size_t i = 0; i < expression->operand_count; i++) {
		const struct expression *operand = expression->operands[i];
		if (operand->kind == EXPRESSION_VARIABLE || !literal_of(checker, operand, value) ||
		    value->type != VALUE_BOOLEAN)
			return false;
		result = expression->kind == EXPRESSION_AND ? result && value->boolean : result || value->boolean;
	}
	*value = value_boolean(result);
	return true;
}

/* A literal, or action, which is one in its environment. */
static bool
literal_of(const struct checker *checker, const struct expression *expression, struct value *value) {
	if (expression->kind == EXPRESSION_LITERAL) {
		*value = expression->value;
		return true;
	}
	if (expression->kind == EXPRESSION_AND || expression->kind == EXPRESSION_OR)
		return fold_chain(checker, expression, value);
	if (expression->kind != EXPRESSION_VARIABLE || expression->variable != VARIABLE_ACTION)
		return false;
	const struct schema_action *action = policy_schema_action(checker->schema, checker->environment.action);
	*value = value_entity(action->uid.type, action->uid.id);
	return true;
}

static enum status
make_entity_type(struct checker *checker, uint32_t number, const struct type **type) {
	struct type *made = ARENA_NEW(&checker->arena, struct type);
	TRY_ALLOC(made);
	*made = (struct type){.kind = TYPE_ENTITY, .entity = number};
	*type = made;
	return OK;
}

/* A type that is unknown was noted before any expression was typed. */
static enum status
check_literal(struct checker *checker, const struct expression *expression, struct typed *typed) {
	const struct value *value = &expression->value;
	switch (value->type) {
	case VALUE_BOOLEAN:
		typed->type = truth(value->boolean);
		return OK;
	case VALUE_LONG:
		typed->type = type_plain(TYPE_LONG);
		return OK;
	case VALUE_STRING:
		typed->type = type_plain(TYPE_STRING);
		return OK;
	default: {
		uint32_t number = policy_schema_find_entity(checker->schema, value->entity.type);
		return number == SCHEMA_NONE ? OK : make_entity_type(checker, number, &typed->type);
	}
	}
}

static enum status
check_variable(struct checker *checker, const struct expression *expression, struct typed *typed) {
	const struct schema_action *action = policy_schema_action(checker->schema, checker->environment.action);
	switch (expression->variable) {
	case VARIABLE_PRINCIPAL:
		return make_entity_type(checker, checker->environment.principal, &typed->type);
	case VARIABLE_ACTION:
		return make_entity_type(checker, action->type, &typed->type);
	case VARIABLE_RESOURCE:
		return make_entity_type(checker, checker->environment.resource, &typed->type);
	case VARIABLE_CONTEXT:
		typed->type = action->context;
		break;
	}
	return OK;
}

/* True where the operand has a type and it is boolean. */
static bool
need_boolean(struct checker *checker, const struct expression *expression, const struct typed *typed) {
	if (typed->type == nullptr)
		return false;
	if (type_is_boolean(typed->type))
		return true;
	typecheck_note_type(checker, expression, "Bool", typed->type);
	return false;
}

enum status
typecheck_and(struct checker *checker, const struct expression *expression, struct conjunction *conjunction) {
	struct typed *so_far = &conjunction->typed, right = {};
	if (so_far->type == nullptr || so_far->type->kind == TYPE_FALSE)
		return OK; /* what stands behind false is never evaluated */
	TRY(typecheck(checker, expression, conjunction->known, &right));
	if (!need_boolean(checker, expression, &right)) {
		*so_far = (struct typed){};
		return OK;
	}
	if (right.type->kind == TYPE_FALSE) {
		*so_far = (struct typed){.type = right.type};
		return OK;
	}
	if (right.type->kind != TYPE_TRUE)
		so_far->type = boolean(TYPE_BOOLEAN);
	TRY(capability_unite(&checker->arena, right.capability, so_far->capability, &so_far->capability));
	return capability_unite(&checker->arena, right.capability, conjunction->known, &conjunction->known);
}

static enum status
check_and(struct checker *checker, const struct expression *expression, const struct capability *known,
	  struct typed *typed) {
	struct conjunction conjunction = {.typed = {.type = truth(true)}, .known = known};
	for (size_t i = 0; i < expression->operand_count; i++)
		TRY(typecheck_and(checker, expression->operands[i], &conjunction));
	*typed = conjunction.typed;
	return OK;
}

static enum status
check_or(struct checker *checker, const struct expression *expression, const struct capability *known,
	 struct typed *typed) {
	bool failed = false;
	*typed = (struct typed){.type = truth(false)};
	for (size_t i = 0; i < expression->operand_count; i++) {
		struct typed right = {};
		if (typed->type->kind == TYPE_TRUE)
			break; /* what stands behind true is never evaluated */
		TRY(typecheck(checker, expression->operands[i], known, &right));
		if (!need_boolean(checker, expression->operands[i], &right))
			failed = true;
		else if (right.type->kind == TYPE_TRUE)
			*typed = (struct typed){.type = right.type};
		else if (typed->type->kind == TYPE_FALSE)
			*typed = right;
		else if (right.type->kind == TYPE_BOOLEAN)
			TRY(capability_intersect(&checker->arena, typed->capability, right.capability,
						 &typed->capability));
	}
	if (failed)
		*typed = (struct typed){};
	return OK;
}

static enum status
check_if(struct checker *checker, const struct expression *expression, const struct capability *known,
	 struct typed *typed) {
	const struct expression *const *operands = expression->operands;
	struct typed test = {}, then = {}, otherwise = {};
	const struct capability *with_test;
	TRY(typecheck(checker, operands[0], known, &test));
	if (!need_boolean(checker, operands[0], &test))
		return OK;
	if (test.type->kind == TYPE_FALSE)
		return typecheck(checker, operands[2], known, typed);
	TRY(capability_unite(&checker->arena, test.capability, known, &with_test));
	TRY(typecheck(checker, operands[1], with_test, &then));
	TRY(capability_unite(&checker->arena, test.capability, then.capability, &then.capability));
	if (test.type->kind == TYPE_TRUE) {
		*typed = then;
		return OK;
	}
	TRY(typecheck(checker, operands[2], known, &otherwise));
	if (then.type == nullptr || otherwise.type == nullptr)
		return OK;
	TRY(type_join(&checker->arena, then.type, otherwise.type, &typed->type));
	if (typed->type == nullptr)
		typecheck_note_incompatible(checker, expression, then.type, otherwise.type);
	return capability_intersect(&checker->arena, then.capability, otherwise.capability, &typed->capability);
}

/* Both operands of a kind; false where one has no type or another one. */
bool
typecheck_need(struct checker *checker, const struct expression *expression, const struct typed *typed,
	       enum type_kind kind) {
	if (typed->type == nullptr)
		return false;
	if (typed->type->kind == kind)
		return true;
	static const char *const names[] = {
		[TYPE_FALSE] = "Bool",    [TYPE_TRUE] = "Bool",         [TYPE_BOOLEAN] = "Bool",
		[TYPE_LONG] = "Long",     [TYPE_STRING] = "String",     [TYPE_ENTITY] = "an entity",
		[TYPE_SET] = "a set",     [TYPE_RECORD] = "a record",   [TYPE_DECIMAL] = "decimal",
		[TYPE_IPADDR] = "ipaddr", [TYPE_DATETIME] = "datetime", [TYPE_DURATION] = "duration",
	};
	typecheck_note_type(checker, expression, names[kind], typed->type);
	return false;
}

static enum status
check_equal(struct checker *checker, const struct expression *expression, const struct typed *left,
	    const struct typed *right, struct typed *typed) {
	struct value a, b;
	const struct type *joined;
	if (literal_of(checker, expression->operands[0], &a) && literal_of(checker, expression->operands[1], &b)) {
		typed->type = truth(value_equal(&a, &b));
		return OK;
	}
	TRY(type_join(&checker->arena, left->type, right->type, &joined));
	if (joined != nullptr)
		typed->type = boolean(TYPE_BOOLEAN);
	else if (left->type->kind == TYPE_ENTITY && right->type->kind == TYPE_ENTITY)
		typed->type = truth(false);
	else
		typecheck_note_incompatible(checker, expression, left->type, right->type);
	return OK;
}

static bool
is_ordered(enum type_kind kind) {
	return kind == TYPE_LONG || kind == TYPE_DATETIME || kind == TYPE_DURATION;
}

static void
check_order(struct checker *checker, const struct expression *expression, const struct typed *left,
	    const struct typed *right, struct typed *typed) {
	if (!is_ordered(left->type->kind))
		typecheck_note_type(checker, expression->operands[0], "Long, datetime or duration", left->type);
	else if (typecheck_need(checker, expression->operands[1], right, left->type->kind))
		typed->type = boolean(TYPE_BOOLEAN);
}

/* Where the left is one known action, so is the answer. */
static bool
find_action_answer(const struct checker *checker, const struct expression *left, const struct expression *right,
		   bool *answer) {
	struct value a, b;
	if (!literal_of(checker, left, &a) || a.type != VALUE_ENTITY)
		return false;
	uint32_t action = policy_schema_find_action(checker->schema, a.entity);
	if (action == SCHEMA_NONE)
		return false;
	size_t count = right->kind == EXPRESSION_SET ? right->operand_count : 1;
	*answer = false;
	for (size_t i = 0; i < count; i++) {
		const struct expression *item = right->kind == EXPRESSION_SET ? right->operands[i] : right;
		if (!literal_of(checker, item, &b) || b.type != VALUE_ENTITY)
			return false;
		uint32_t group = policy_schema_find_action(checker->schema, b.entity);
		if (group != SCHEMA_NONE && policy_schema_action_is_in(checker->schema, action, group))
			*answer = true;
	}
	return true;
}

static void
check_in(struct checker *checker, const struct expression *left_expression, const struct type *left,
	 const struct expression *right_expression, const struct type *right, struct typed *typed) {
	const struct type *above = right->kind == TYPE_SET ? right->element : right;
	bool answer;
	if (left->kind != TYPE_ENTITY) {
		typecheck_note_type(checker, left_expression, "an entity", left);
	} else if (above->kind != TYPE_ENTITY) {
		typecheck_note_type(checker, right_expression, "an entity or a set of entities", right);
	} else if (find_action_answer(checker, left_expression, right_expression, &answer)) {
		typed->type = truth(answer);
	} else {
		bool may_be = policy_schema_may_be_in(checker->schema, left->entity, above->entity);
		typed->type = boolean(may_be ? TYPE_BOOLEAN : TYPE_FALSE);
	}
}

static enum status
check_binary(struct checker *checker, const struct expression *expression, const struct capability *known,
	     struct typed *typed) {
	const struct expression *const *operands = expression->operands;
	struct typed left = {}, right = {};
	TRY(typecheck(checker, operands[0], known, &left));
	TRY(typecheck(checker, operands[1], known, &right));
	if (left.type == nullptr || right.type == nullptr)
		return OK;
	switch (expression->kind) {
	case EXPRESSION_EQUAL:
		return check_equal(checker, expression, &left, &right, typed);
	case EXPRESSION_NOT_EQUAL:
		TRY(check_equal(checker, expression, &left, &right, typed));
		if (typed->type != nullptr && typed->type->kind != TYPE_BOOLEAN)
			typed->type = truth(typed->type->kind == TYPE_FALSE);
		return OK;
	case EXPRESSION_IN:
		check_in(checker, operands[0], left.type, operands[1], right.type, typed);
		return OK;
	case EXPRESSION_ADD:
	case EXPRESSION_SUBTRACT:
	case EXPRESSION_MULTIPLY: {
		bool left_fits = typecheck_need(checker, operands[0], &left, TYPE_LONG);
		if (typecheck_need(checker, operands[1], &right, TYPE_LONG) && left_fits)
			typed->type = type_plain(TYPE_LONG);
		return OK;
	}
	default:
		check_order(checker, expression, &left, &right, typed);
		return OK;
	}
}

static enum status
check_is(struct checker *checker, const struct expression *expression, const struct capability *known,
	 struct typed *typed) {
	struct typed entity = {}, above = {};
	TRY(typecheck(checker, expression->operands[0], known, &entity));
	if (!typecheck_need(checker, expression->operands[0], &entity, TYPE_ENTITY))
		return OK;
	struct bytes name = policy_schema_entity(checker->schema, entity.type->entity)->name;
	typed->type = truth(bytes_equal(name, expression->names[0]));
	if (typed->type->kind == TYPE_FALSE || expression->operand_count == 1)
		return OK;
	*typed = (struct typed){};
	TRY(typecheck(checker, expression->operands[1], known, &above));
	if (above.type != nullptr)
		check_in(checker, expression->operands[0], entity.type, expression->operands[1], above.type, typed);
	return OK;
}

static enum status
check_unary(struct checker *checker, const struct expression *expression, const struct capability *known,
	    struct typed *typed) {
	const struct expression *operand = expression->operands[0];
	struct typed value = {};
	TRY(typecheck(checker, operand, known, &value));
	switch (expression->kind) {
	case EXPRESSION_NOT:
		if (!need_boolean(checker, operand, &value))
			return OK;
		typed->type = value.type->kind == TYPE_BOOLEAN ? value.type : truth(value.type->kind == TYPE_FALSE);
		return OK;
	case EXPRESSION_NEGATE:
		if (typecheck_need(checker, operand, &value, TYPE_LONG))
			typed->type = value.type;
		return OK;
	default:
		if (typecheck_need(checker, operand, &value, TYPE_STRING))
			typed->type = boolean(TYPE_BOOLEAN);
		return OK;
	}
}

/* Recursion is bounded by EXPRESSION_DEPTH_MAX. */
enum status
typecheck(struct checker *checker, const struct expression *expression, const struct capability *known,
	  struct typed *typed) {
	*typed = (struct typed){};
	switch (expression->kind) {
	case EXPRESSION_LITERAL:
		return check_literal(checker, expression, typed);
	case EXPRESSION_VARIABLE:
		return check_variable(checker, expression, typed);
	case EXPRESSION_IF:
		return check_if(checker, expression, known, typed);
	case EXPRESSION_AND:
		return check_and(checker, expression, known, typed);
	case EXPRESSION_OR:
		return check_or(checker, expression, known, typed);
	case EXPRESSION_NOT:
	case EXPRESSION_NEGATE:
	case EXPRESSION_LIKE:
		return check_unary(checker, expression, known, typed);
	case EXPRESSION_HAS:
		return typecheck_has(checker, expression, known, typed);
	case EXPRESSION_IS:
		return check_is(checker, expression, known, typed);
	case EXPRESSION_ATTRIBUTE:
		return typecheck_attribute(checker, expression, known, typed);
	case EXPRESSION_SET:
		return typecheck_set(checker, expression, known, typed);
	case EXPRESSION_RECORD:
		return typecheck_record(checker, expression, known, typed);
	case EXPRESSION_CALL:
		return typecheck_call(checker, expression, known, typed);
	default:
		return check_binary(checker, expression, known, typed);
	}
}
