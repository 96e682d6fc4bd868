#include "policy/prove/compile.h"

#include <stdio.h>

#include "policy/prove/like.h"

static void
always_errs(const struct encoding *encoding, struct outcome *outcome) {
	*outcome = (struct outcome){.errs = encoding->terms.yes, .value = symbolic_truth(encoding->terms.no)};
}

bool
compile_need(struct encoding *encoding, const struct outcome *found, enum value_type type, struct outcome *outcome) {
	if (!term_is_true(found->errs) && found->value.type == type)
		return true;
	always_errs(encoding, outcome);
	return false;
}

static void
compile_variable(struct encoding *encoding, const struct expression *expression, struct outcome *outcome) {
	switch (expression->variable) {
	case VARIABLE_PRINCIPAL:
		outcome->value = encoding->principal;
		break;
	case VARIABLE_ACTION:
		outcome->value = encoding->action;
		break;
	case VARIABLE_RESOURCE:
		outcome->value = encoding->resource;
		break;
	case VARIABLE_CONTEXT:
		outcome->value = encoding->context;
		break;
	}
}

/* --- Truth --- */

/* &&, where false decides, and ||, where true does: whoever comes later is evaluated only if nobody decided before. */
struct chained {
	const struct term *errs;
	const struct term *open; /* evaluated so far, without error and undecided */
};

static void
chain_next(struct encoding *encoding, struct chained *chained, const struct outcome *operand, bool deciding) {
	struct term_table *terms = &encoding->terms;
	const struct term *value = operand->value.term, *errs = operand->errs;
	if (operand->value.type != VALUE_BOOLEAN) {
		errs = terms->yes;
		value = terms->no;
	}
	const struct term *continues = deciding ? term_not(terms, value) : value;
	chained->errs = term_or(terms, chained->errs, term_and(terms, chained->open, errs));
	chained->open =
		term_all(terms, (const struct term *const[]){chained->open, term_not(terms, errs), continues}, 3);
}

static void
compile_chain(struct encoding *encoding, const struct expression *expression, struct outcome *outcome) {
	struct term_table *terms = &encoding->terms;
	bool deciding = expression->kind == EXPRESSION_OR;
	struct chained chained = {.errs = terms->no, .open = terms->yes};
	for (size_t i = 0; i < expression->operand_count && !term_is_false(chained.open); i++) {
		struct outcome operand;
		compile_expression(encoding, expression->operands[i], &operand);
		chain_next(encoding, &chained, &operand, deciding);
	}
	*outcome = (struct outcome){
		chained.errs,
		symbolic_truth(deciding ? term_not(terms, term_or(terms, chained.open, chained.errs)) : chained.open)};
}

static void
compile_if(struct encoding *encoding, const struct expression *expression, struct outcome *outcome) {
	struct term_table *terms = &encoding->terms;
	struct outcome test, then, otherwise;
	compile_expression(encoding, expression->operands[0], &test);
	if (!compile_need(encoding, &test, VALUE_BOOLEAN, outcome))
		return;
	const struct term *condition = test.value.term;
	if (term_is_constant(condition)) {
		compile_expression(encoding, expression->operands[term_is_true(condition) ? 1 : 2], outcome);
	} else {
		compile_expression(encoding, expression->operands[1], &then);
		compile_expression(encoding, expression->operands[2], &otherwise);
		outcome->errs = term_if(terms, condition, then.errs, otherwise.errs);
		outcome->value = term_is_true(then.errs)        ? otherwise.value
				 : term_is_true(otherwise.errs) ? then.value
								: symbolic_if(encoding, condition, &then.value,
									      &otherwise.value, expression->place);
	}
	outcome->errs = term_or(terms, test.errs, outcome->errs);
}

/* --- Two operands --- */

static void
compile_equal(struct encoding *encoding, const struct expression *expression, const struct symbolic *left,
	      const struct symbolic *right, struct outcome *outcome) {
	const struct term *equal = symbolic_equal(encoding, left, right, expression->place);
	bool negated = expression->kind == EXPRESSION_NOT_EQUAL;
	outcome->value = symbolic_truth(negated ? term_not(&encoding->terms, equal) : equal);
}

static bool
is_ordered(enum value_type type) {
	return type == VALUE_LONG || type == VALUE_DATETIME || type == VALUE_DURATION;
}

static void
compile_order(struct encoding *encoding, const struct expression *expression, const struct symbolic *left,
	      const struct symbolic *right, struct outcome *outcome) {
	struct term_table *terms = &encoding->terms;
	if (!is_ordered(left->type) || left->type != right->type) {
		always_errs(encoding, outcome);
		return;
	}
	const struct term *a = left->term, *b = right->term;
	const struct term *term = expression->kind == EXPRESSION_LESS         ? term_less(terms, a, b)
				  : expression->kind == EXPRESSION_LESS_EQUAL ? term_less_equal(terms, a, b)
				  : expression->kind == EXPRESSION_GREATER    ? term_less(terms, b, a)
									      : term_less_equal(terms, b, a);
	outcome->value = symbolic_truth(term);
}

static void
compile_arithmetic(struct encoding *encoding, enum expression_kind kind, const struct symbolic *left,
		   const struct symbolic *right, struct outcome *outcome) {
	static const struct {
		enum term_kind result, fits;
	} kinds[] = {
		[EXPRESSION_ADD] = {TERM_ADD, TERM_ADD_FITS},
		[EXPRESSION_SUBTRACT] = {TERM_SUBTRACT, TERM_SUBTRACT_FITS},
		[EXPRESSION_MULTIPLY] = {TERM_MULTIPLY, TERM_MULTIPLY_FITS},
	};
	struct term_table *terms = &encoding->terms;
	if (left->type != VALUE_LONG || right->type != VALUE_LONG) {
		always_errs(encoding, outcome);
		return;
	}
	const struct term *fits = term_binary(terms, kinds[kind].fits, left->term, right->term);
	outcome->errs = term_or(terms, outcome->errs, term_not(terms, fits));
	outcome->value = symbolic_number(VALUE_LONG, term_binary(terms, kinds[kind].result, left->term, right->term));
}

/* A set after `in` holds entities only; another element is an error. */
static bool
holds_entities(const struct symbolic *set) {
	for (size_t i = 0; i < set->set.count; i++) {
		const struct symbolic_part *part = &set->set.parts[i];
		if (part->element != nullptr ? part->element->type != VALUE_ENTITY : part->type->kind != TYPE_ENTITY)
			return false;
	}
	return true;
}

static void
compile_in(struct encoding *encoding, const struct expression *expression, const struct symbolic *left,
	   const struct symbolic *right, struct outcome *outcome) {
	bool is_set = right->type == VALUE_SET && holds_entities(right);
	if (left->type != VALUE_ENTITY || (right->type != VALUE_ENTITY && !is_set))
		always_errs(encoding, outcome);
	else
		outcome->value = symbolic_truth(is_set ? set_is_above(encoding, right, left, expression->place)
						       : entity_is_in(encoding, left, right));
}

static void
compile_binary(struct encoding *encoding, const struct expression *expression, struct outcome *outcome) {
	struct outcome left, right;
	compile_expression(encoding, expression->operands[0], &left);
	compile_expression(encoding, expression->operands[1], &right);
	outcome->errs = term_or(&encoding->terms, left.errs, right.errs);
	if (term_is_true(outcome->errs)) {
		always_errs(encoding, outcome);
		return;
	}
	switch (expression->kind) {
	case EXPRESSION_EQUAL:
	case EXPRESSION_NOT_EQUAL:
		compile_equal(encoding, expression, &left.value, &right.value, outcome);
		break;
	case EXPRESSION_IN:
		compile_in(encoding, expression, &left.value, &right.value, outcome);
		break;
	case EXPRESSION_ADD:
	case EXPRESSION_SUBTRACT:
	case EXPRESSION_MULTIPLY:
		compile_arithmetic(encoding, expression->kind, &left.value, &right.value, outcome);
		break;
	default:
		compile_order(encoding, expression, &left.value, &right.value, outcome);
		break;
	}
}

/* --- Attributes --- */

/* The attribute of a record or an entity, and whether it is there; false where neither has attributes. */
static bool
find_attribute(struct encoding *encoding, const struct symbolic *container, struct bytes name, struct place place,
	       const struct term **present, struct symbolic *value) {
	bool is_known = false;
	struct term_table *terms = &encoding->terms;
	*present = terms->no;
	*value = symbolic_truth(terms->no);
	if (container->type == VALUE_RECORD) {
		for (size_t i = 0; i < container->record.count; i++)
			if (bytes_equal(container->record.fields[i].name, name)) {
				*present = container->record.fields[i].present;
				*value = *container->record.fields[i].value;
				is_known = true;
			}
		if (!is_known && container->record.is_open)
			*present = encoding_unsupported(
				encoding, "an attribute of the context that the schema does not have", place);
		return true;
	}
	if (container->type != VALUE_ENTITY)
		return false;
	if (container->entity == SCHEMA_NONE)
		return true;
	const struct type_field *field =
		type_find_field(policy_schema_entity(encoding->schema, container->entity)->shape, name);
	if (field != nullptr)
		*value = entity_attribute(encoding, container, field, present);
	return true;
}

static bool
has_field(const struct symbolic *record, struct bytes name) {
	for (size_t i = 0; i < record->record.count; i++)
		if (bytes_equal(record->record.fields[i].name, name))
			return true;
	return false;
}

static void
compile_attribute(struct encoding *encoding, const struct expression *expression, struct outcome *outcome) {
	struct term_table *terms = &encoding->terms;
	struct outcome target;
	const struct term *present;
	compile_expression(encoding, expression->operands[0], &target);
	if (term_is_true(target.errs) || !find_attribute(encoding, &target.value, expression->names[0],
							 expression->place, &present, &outcome->value)) {
		always_errs(encoding, outcome);
		return;
	}
	/* What it holds, if it is there, has no type. */
	if (target.value.type == VALUE_RECORD && target.value.record.is_open &&
	    !has_field(&target.value, expression->names[0]))
		encoding->opaque = true;
	outcome->errs = term_or(terms, target.errs, term_not(terms, present));
}

/* e has a.b.c: each part is asked of the one before, and only if that one is there. */
static void
compile_has(struct encoding *encoding, const struct expression *expression, struct outcome *outcome) {
	struct term_table *terms = &encoding->terms;
	struct outcome target;
	compile_expression(encoding, expression->operands[0], &target);
	if (term_is_true(target.errs)) {
		always_errs(encoding, outcome);
		return;
	}
	const struct term *errs = target.errs, *has = terms->yes;
	for (size_t i = 0; i < expression->name_count && !term_is_false(has); i++) {
		const struct term *present;
		struct symbolic value;
		if (!find_attribute(encoding, &target.value, expression->names[i], expression->place, &present,
				    &value)) {
			errs = term_or(terms, errs, has);
			break;
		}
		has = term_and(terms, has, present);
		target.value = value;
	}
	*outcome = (struct outcome){errs, symbolic_truth(has)};
}

static void
compile_is(struct encoding *encoding, const struct expression *expression, struct outcome *outcome) {
	struct term_table *terms = &encoding->terms;
	struct outcome entity, above;
	compile_expression(encoding, expression->operands[0], &entity);
	if (!compile_need(encoding, &entity, VALUE_ENTITY, outcome))
		return;
	uint32_t type = entity.value.entity;
	bool is_type = type != SCHEMA_NONE &&
		       bytes_equal(policy_schema_entity(encoding->schema, type)->name, expression->names[0]);
	*outcome = (struct outcome){entity.errs, symbolic_truth(term_truth(terms, is_type))};
	if (!is_type || expression->operand_count == 1)
		return;
	compile_expression(encoding, expression->operands[1], &above);
	if (term_is_true(above.errs)) {
		always_errs(encoding, outcome);
		return;
	}
	outcome->errs = term_or(terms, entity.errs, above.errs);
	compile_in(encoding, expression, &entity.value, &above.value, outcome);
}

/* --- One operand, and what is made of parts --- */

static void
compile_unary(struct encoding *encoding, const struct expression *expression, struct outcome *outcome) {
	struct term_table *terms = &encoding->terms;
	struct outcome operand;
	compile_expression(encoding, expression->operands[0], &operand);
	enum value_type type = expression->kind == EXPRESSION_NOT ? VALUE_BOOLEAN : VALUE_LONG;
	if (!compile_need(encoding, &operand, type, outcome))
		return;
	if (type == VALUE_BOOLEAN) {
		*outcome = (struct outcome){operand.errs, symbolic_truth(term_not(terms, operand.value.term))};
		return;
	}
	const struct term *zero = term_number(terms, 0), *number = operand.value.term;
	const struct term *fits = term_binary(terms, TERM_SUBTRACT_FITS, zero, number);
	*outcome = (struct outcome){term_or(terms, operand.errs, term_not(terms, fits)),
				    symbolic_number(VALUE_LONG, term_binary(terms, TERM_SUBTRACT, zero, number))};
}

static bool
same_parts(const struct like_use *use, const struct expression *like) {
	if (use->part_count != like->name_count)
		return false;
	for (size_t i = 0; i < use->part_count; i++)
		if (!bytes_equal(use->parts[i], like->names[i]))
			return false;
	return true;
}

/* Without a wildcard it is equality; a literal matches or not. */
static void
compile_known_like(struct encoding *encoding, const struct expression *expression, const struct outcome *text,
		   struct outcome *outcome) {
	struct term_table *terms = &encoding->terms;
	const struct term *code = text->value.term, *matches;
	if (expression->name_count == 1)
		matches = term_equal(terms, code, encoding_literal(encoding, expression->names[0]));
	else
		matches = term_truth(terms, like_matches(encoding->literals.items[code->constant], expression->names,
							 expression->name_count));
	*outcome = (struct outcome){text->errs, symbolic_truth(matches)};
}

/* A pattern is a predicate of codes; which codes can be which strings is seen to when a model is read (prove/like.h). */
static void
compile_like(struct encoding *encoding, const struct expression *expression, struct outcome *outcome) {
	struct term_table *terms = &encoding->terms;
	struct outcome text;
	compile_expression(encoding, expression->operands[0], &text);
	if (!compile_need(encoding, &text, VALUE_STRING, outcome))
		return;
	if (expression->name_count == 1 || term_is_constant(text.value.term)) {
		compile_known_like(encoding, expression, &text, outcome);
		return;
	}
	size_t at = 0;
	while (at < encoding->likes.count && !same_parts(&encoding->likes.items[at], expression))
		at++;
	if (at == encoding->likes.count) {
		char name[32];
		const uint8_t width = WIDTH_CODE;
		size_t length = (size_t)snprintf(name, sizeof name, "like%zu", at);
		const struct symbol *symbol = term_symbol(terms, bytes_of(name, length), WIDTH_TRUTH, &width, 1);
		ENCODING_ADD(encoding, &encoding->likes,
			     (struct like_use){symbol, expression->names, expression->name_count});
	}
	if (encoding->failed || encoding->terms.failed) {
		always_errs(encoding, outcome);
		return;
	}
	if (encoding_is_new(encoding, 'l', &text.value.term->number, 1))
		ENCODING_ADD(encoding, &encoding->like_codes, text.value.term);
	*outcome = (struct outcome){
		text.errs, symbolic_truth(term_apply(terms, encoding->likes.items[at].symbol, &text.value.term))};
}

static void
compile_set(struct encoding *encoding, const struct expression *expression, struct outcome *outcome) {
	size_t count = expression->operand_count;
	struct symbolic_part *parts = ARENA_NEW_ARRAY(encoding->arena, count, struct symbolic_part);
	struct outcome *items = ARENA_NEW_ARRAY(encoding->arena, count, struct outcome);
	*outcome = (struct outcome){.errs = encoding->terms.no, .value = {.type = VALUE_SET}};
	if (parts == nullptr || items == nullptr) {
		encoding->failed = true;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		compile_expression(encoding, expression->operands[i], &items[i]);
		outcome->errs = term_or(&encoding->terms, outcome->errs, items[i].errs);
		parts[i] = (struct symbolic_part){.guard = encoding->terms.yes, .element = &items[i].value};
	}
	outcome->value.set.parts = parts;
	outcome->value.set.count = count;
}

static void
compile_record(struct encoding *encoding, const struct expression *expression, struct outcome *outcome) {
	size_t count = expression->operand_count;
	struct symbolic_field *fields = ARENA_NEW_ARRAY(encoding->arena, count, struct symbolic_field);
	struct outcome *items = ARENA_NEW_ARRAY(encoding->arena, count, struct outcome);
	*outcome = (struct outcome){.errs = encoding->terms.no, .value = {.type = VALUE_RECORD}};
	if (fields == nullptr || items == nullptr) {
		encoding->failed = true;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		size_t at = i;
		compile_expression(encoding, expression->operands[i], &items[i]);
		outcome->errs = term_or(&encoding->terms, outcome->errs, items[i].errs);
		for (; at > 0 && bytes_compare(fields[at - 1].name, expression->names[i]) > 0; at--)
			fields[at] = fields[at - 1];
		fields[at] = (struct symbolic_field){expression->names[i], encoding->terms.yes, &items[i].value};
	}
	outcome->value.record.fields = fields;
	outcome->value.record.count = count;
}

/* Recursion is bounded by EXPRESSION_DEPTH_MAX. */
void
compile_expression(struct encoding *encoding, const struct expression *expression, struct outcome *outcome) {
	*outcome = (struct outcome){.errs = encoding->terms.no};
	switch (expression->kind) {
	case EXPRESSION_LITERAL:
		outcome->value = symbolic_value(encoding, &expression->value);
		break;
	case EXPRESSION_VARIABLE:
		compile_variable(encoding, expression, outcome);
		break;
	case EXPRESSION_IF:
		compile_if(encoding, expression, outcome);
		break;
	case EXPRESSION_AND:
	case EXPRESSION_OR:
		compile_chain(encoding, expression, outcome);
		break;
	case EXPRESSION_NOT:
	case EXPRESSION_NEGATE:
		compile_unary(encoding, expression, outcome);
		break;
	case EXPRESSION_HAS:
		compile_has(encoding, expression, outcome);
		break;
	case EXPRESSION_LIKE:
		compile_like(encoding, expression, outcome);
		break;
	case EXPRESSION_IS:
		compile_is(encoding, expression, outcome);
		break;
	case EXPRESSION_ATTRIBUTE:
		compile_attribute(encoding, expression, outcome);
		break;
	case EXPRESSION_SET:
		compile_set(encoding, expression, outcome);
		break;
	case EXPRESSION_RECORD:
		compile_record(encoding, expression, outcome);
		break;
	case EXPRESSION_CALL:
		compile_call(encoding, expression, outcome);
		break;
	default:
		compile_binary(encoding, expression, outcome);
		break;
	}
}

/* --- Policies --- */

static const struct term *
compile_scope(struct encoding *encoding, const struct compiled_scope *scope, const struct symbolic *party) {
	struct term_table *terms = &encoding->terms;
	const struct term *any = terms->no;
	struct bytes name = policy_schema_entity(encoding->schema, party->entity)->name;
	if (scope->kind == SCOPE_ANY)
		return terms->yes;
	if ((scope->kind == SCOPE_IS || scope->kind == SCOPE_IS_IN) && !bytes_equal(name, scope->type))
		return terms->no;
	if (scope->kind == SCOPE_IS)
		return terms->yes;
	for (size_t i = 0; i < scope->count; i++) {
		struct value literal = value_entity(scope->entities[i].uid.type, scope->entities[i].uid.id);
		struct symbolic entity = symbolic_value(encoding, &literal);
		const struct term *here = scope->kind == SCOPE_EQUAL
						  ? symbolic_equal(encoding, party, &entity, (struct place){})
						  : entity_is_in(encoding, party, &entity);
		any = term_or(terms, any, here);
	}
	return any;
}

void
compile_policy(struct encoding *encoding, const struct compiled_policy *policy, struct compiled *compiled) {
	struct term_table *terms = &encoding->terms;
	size_t unsupported = encoding->unsupported.count;
	encoding->policy = policy->ast;
	encoding->opaque = false;
	/* The action first: it is known, and mostly rules the policy out. */
	const struct term *scope = compile_scope(encoding, &policy->action, &encoding->action);
	if (!term_is_false(scope))
		scope = term_and(terms, scope, compile_scope(encoding, &policy->principal, &encoding->principal));
	if (!term_is_false(scope))
		scope = term_and(terms, scope, compile_scope(encoding, &policy->resource, &encoding->resource));
	*compiled = (struct compiled){.scope = scope, .satisfied = terms->no, .errs = terms->no};
	struct chained chained = {.errs = terms->no, .open = scope};
	for (size_t i = 0; i < policy->condition_count && !term_is_false(chained.open); i++) {
		struct outcome outcome;
		compile_expression(encoding, policy->ast->conditions[i].body, &outcome);
		chain_next(encoding, &chained, &outcome, policy->conditions[i].is_unless);
	}
	compiled->satisfied = chained.open;
	compiled->errs = chained.errs;
	compiled->is_free = encoding->unsupported.count > unsupported;
	if (encoding->opaque) {
		const struct term *one = encoding_fresh(encoding, "satisfied", WIDTH_TRUTH),
				  *other = encoding_fresh(encoding, "errs", WIDTH_TRUTH);
		compiled->satisfied = term_and(terms, scope, one);
		compiled->errs = term_all(terms, (const struct term *const[]){scope, term_not(terms, one), other}, 3);
	}
}
