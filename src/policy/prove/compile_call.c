/* The functions and methods of policy/function.h. */
#include "base/time.h"
#include "policy/prove/compile.h"

struct call {
	struct encoding *encoding;
	const struct expression *expression;
	const struct symbolic *arguments; /* of the types that the table names */
	const struct policy_function *function;
	struct outcome *outcome; /* errs is set; value, and more errs, are to be */
};

static void
give_truth(struct call *call, const struct term *term) {
	call->outcome->value = symbolic_truth(term);
}

static void
give_number(struct call *call, enum value_type type, const struct term *term) {
	call->outcome->value = symbolic_number(type, term);
}

static void
call_sets(struct call *call) {
	struct encoding *encoding = call->encoding;
	const struct symbolic *set = &call->arguments[0], *other = &call->arguments[1];
	struct place place = call->expression->place;
	switch (call->function->id) {
	case FUNCTION_CONTAINS:
		give_truth(call, set_contains(encoding, set, other, place));
		break;
	case FUNCTION_CONTAINS_ALL:
		give_truth(call, set_is_within(encoding, other, set, place));
		break;
	case FUNCTION_CONTAINS_ANY:
		give_truth(call, set_meets(encoding, set, other, place));
		break;
	default:
		give_truth(call, set_is_empty(encoding, set, place));
		break;
	}
}

static void
call_tags(struct call *call) {
	struct encoding *encoding = call->encoding;
	const struct symbolic *entity = &call->arguments[0];
	const struct type *tags =
		entity->entity == SCHEMA_NONE ? nullptr : policy_schema_entity(encoding->schema, entity->entity)->tags;
	const struct term *key = call->arguments[1].term;
	const struct term *has = tags == nullptr ? encoding->terms.no : entity_has_tag(encoding, entity, key);
	if (call->function->id == FUNCTION_HAS_TAG) {
		give_truth(call, has);
		return;
	}
	call->outcome->errs = term_or(&encoding->terms, call->outcome->errs, term_not(&encoding->terms, has));
	call->outcome->value =
		tags == nullptr ? symbolic_truth(encoding->terms.no) : entity_tag(encoding, entity, key, tags);
}

/* Of a literal, as the validator asks; anything else is left free. */
static void
call_constructor(struct call *call) {
	static enum status (*const parsers[])(struct bytes, struct value *) = {
		[FUNCTION_DECIMAL] = value_parse_decimal,
		[FUNCTION_IP] = value_parse_ip,
		[FUNCTION_DATETIME] = value_parse_datetime,
		[FUNCTION_DURATION] = value_parse_duration,
	};
	struct encoding *encoding = call->encoding;
	const struct expression *argument = call->expression->operands[0];
	struct value value;
	if (argument->kind != EXPRESSION_LITERAL) {
		(void)encoding_unsupported(encoding, "an extension value that is not made from a literal",
					   call->expression->place);
		encoding->opaque = true;
		call->outcome->errs = encoding->terms.yes;
		return;
	}
	if (parsers[call->function->id](argument->value.string, &value) != OK)
		call->outcome->errs = encoding->terms.yes;
	else
		call->outcome->value = symbolic_value(encoding, &value);
}

static void
call_decimal_order(struct call *call) {
	struct term_table *terms = &call->encoding->terms;
	const struct term *a = call->arguments[0].term, *b = call->arguments[1].term;
	give_truth(call, call->function->id == FUNCTION_DECIMAL_LESS         ? term_less(terms, a, b)
			 : call->function->id == FUNCTION_DECIMAL_LESS_EQUAL ? term_less_equal(terms, a, b)
			 : call->function->id == FUNCTION_DECIMAL_GREATER    ? term_less(terms, b, a)
									     : term_less_equal(terms, b, a));
}

/* --- Addresses --- */

/* The address's bits outside a prefix are 0 in the mask; here: of one half, whose first bit has number `from`. */
static const struct term *
mask(struct term_table *terms, const struct term *prefix, int64_t from) {
	const struct term *start = term_number(terms, from), *end = term_number(terms, from + 64);
	const struct term *shift = term_binary(terms, TERM_SUBTRACT, prefix, start);
	const struct term *rest = term_binary(terms, TERM_SHIFT_RIGHT, term_number(terms, -1), shift);
	return term_if(terms, term_less_equal(terms, end, prefix), term_number(terms, -1),
		       term_if(terms, term_less_equal(terms, prefix, start), term_number(terms, 0),
			       term_bit_not(terms, rest)));
}

static const struct term *
agree(struct term_table *terms, const struct term *a, const struct term *b, const struct term *bits) {
	return term_equal(terms, term_binary(terms, TERM_BIT_AND, a, bits), term_binary(terms, TERM_BIT_AND, b, bits));
}

static const struct term *
is_within(struct encoding *encoding, const struct symbolic *range, const struct symbolic *outer) {
	struct term_table *terms = &encoding->terms;
	const struct term *prefix = outer->ip.prefix;
	const struct term *all[] = {
		term_equal(terms, range->term, outer->term),
		term_less_equal(terms, prefix, range->ip.prefix),
		agree(terms, range->ip.high, outer->ip.high, mask(terms, prefix, 0)),
		agree(terms, range->ip.low, outer->ip.low, mask(terms, prefix, 64)),
	};
	return term_all(terms, all, ARRAY_LENGTH(all));
}

static const struct term *
is_within_known(struct encoding *encoding, const struct symbolic *range, const struct value *v4,
		const struct value *v6) {
	struct symbolic four = symbolic_value(encoding, v4), six = symbolic_value(encoding, v6);
	return term_or(&encoding->terms, is_within(encoding, range, &four), is_within(encoding, range, &six));
}

static void
call_ip(struct call *call) {
	static const struct value loopback4 = {.type = VALUE_IPADDR, .ip = {{127}, 8, false}};
	static const struct value loopback6 = {.type = VALUE_IPADDR, .ip = {{[15] = 1}, 128, true}};
	static const struct value multicast4 = {.type = VALUE_IPADDR, .ip = {{224}, 4, false}};
	static const struct value multicast6 = {.type = VALUE_IPADDR, .ip = {{0xff}, 8, true}};
	struct encoding *encoding = call->encoding;
	const struct symbolic *ip = &call->arguments[0];
	switch (call->function->id) {
	case FUNCTION_IS_IPV4:
		give_truth(call, term_not(&encoding->terms, ip->term));
		break;
	case FUNCTION_IS_IPV6:
		give_truth(call, ip->term);
		break;
	case FUNCTION_IS_LOOPBACK:
		give_truth(call, is_within_known(encoding, ip, &loopback4, &loopback6));
		break;
	case FUNCTION_IS_MULTICAST:
		give_truth(call, is_within_known(encoding, ip, &multicast4, &multicast6));
		break;
	default:
		give_truth(call, is_within(encoding, ip, &call->arguments[1]));
		break;
	}
}

/* --- Times --- */

static void
call_time_arithmetic(struct call *call) {
	struct term_table *terms = &call->encoding->terms;
	bool is_offset = call->function->id == FUNCTION_OFFSET;
	const struct term *a = call->arguments[0].term, *b = call->arguments[1].term;
	const struct term *fits = term_binary(terms, is_offset ? TERM_ADD_FITS : TERM_SUBTRACT_FITS, a, b);
	call->outcome->errs = term_or(terms, call->outcome->errs, term_not(terms, fits));
	give_number(call, is_offset ? VALUE_DATETIME : VALUE_DURATION,
		    term_binary(terms, is_offset ? TERM_ADD : TERM_SUBTRACT, a, b));
}

static void
call_day(struct call *call) {
	struct term_table *terms = &call->encoding->terms;
	const struct term *instant = call->arguments[0].term, *day = term_number(terms, DAY_MS);
	const struct term *rest = term_binary(terms, TERM_REMAINDER, instant, day);
	const struct term *time = term_if(terms, term_less(terms, rest, term_number(terms, 0)),
					  term_binary(terms, TERM_ADD, rest, day), rest);
	if (call->function->id == FUNCTION_TO_TIME) {
		give_number(call, VALUE_DURATION, time);
		return;
	}
	const struct term *fits = term_binary(terms, TERM_SUBTRACT_FITS, instant, time);
	call->outcome->errs = term_or(terms, call->outcome->errs, term_not(terms, fits));
	give_number(call, VALUE_DATETIME, term_binary(terms, TERM_SUBTRACT, instant, time));
}

static void
call_units(struct call *call) {
	static const int64_t units[] = {
		[FUNCTION_TO_MILLISECONDS] = 1, [FUNCTION_TO_SECONDS] = SECOND_MS, [FUNCTION_TO_MINUTES] = MINUTE_MS,
		[FUNCTION_TO_HOURS] = HOUR_MS,  [FUNCTION_TO_DAYS] = DAY_MS,
	};
	struct term_table *terms = &call->encoding->terms;
	const struct term *duration = call->arguments[0].term;
	int64_t unit = units[call->function->id];
	give_number(call, VALUE_LONG,
		    unit == 1 ? duration : term_binary(terms, TERM_DIVIDE, duration, term_number(terms, unit)));
}

/* --- The table --- */

constexpr int ANY_TYPE = -1;

static const struct {
	void (*run)(struct call *);
	int types[2]; /* enum value_type or ANY_TYPE */
} functions[FUNCTION_COUNT] = {
	[FUNCTION_CONTAINS] = {call_sets, {VALUE_SET, ANY_TYPE}},
	[FUNCTION_CONTAINS_ALL] = {call_sets, {VALUE_SET, VALUE_SET}},
	[FUNCTION_CONTAINS_ANY] = {call_sets, {VALUE_SET, VALUE_SET}},
	[FUNCTION_IS_EMPTY] = {call_sets, {VALUE_SET}},
	[FUNCTION_HAS_TAG] = {call_tags, {VALUE_ENTITY, VALUE_STRING}},
	[FUNCTION_GET_TAG] = {call_tags, {VALUE_ENTITY, VALUE_STRING}},
	[FUNCTION_DECIMAL] = {call_constructor, {VALUE_STRING}},
	[FUNCTION_DECIMAL_LESS] = {call_decimal_order, {VALUE_DECIMAL, VALUE_DECIMAL}},
	[FUNCTION_DECIMAL_LESS_EQUAL] = {call_decimal_order, {VALUE_DECIMAL, VALUE_DECIMAL}},
	[FUNCTION_DECIMAL_GREATER] = {call_decimal_order, {VALUE_DECIMAL, VALUE_DECIMAL}},
	[FUNCTION_DECIMAL_GREATER_EQUAL] = {call_decimal_order, {VALUE_DECIMAL, VALUE_DECIMAL}},
	[FUNCTION_IP] = {call_constructor, {VALUE_STRING}},
	[FUNCTION_IS_IPV4] = {call_ip, {VALUE_IPADDR}},
	[FUNCTION_IS_IPV6] = {call_ip, {VALUE_IPADDR}},
	[FUNCTION_IS_LOOPBACK] = {call_ip, {VALUE_IPADDR}},
	[FUNCTION_IS_MULTICAST] = {call_ip, {VALUE_IPADDR}},
	[FUNCTION_IS_IN_RANGE] = {call_ip, {VALUE_IPADDR, VALUE_IPADDR}},
	[FUNCTION_DATETIME] = {call_constructor, {VALUE_STRING}},
	[FUNCTION_OFFSET] = {call_time_arithmetic, {VALUE_DATETIME, VALUE_DURATION}},
	[FUNCTION_DURATION_SINCE] = {call_time_arithmetic, {VALUE_DATETIME, VALUE_DATETIME}},
	[FUNCTION_TO_DATE] = {call_day, {VALUE_DATETIME}},
	[FUNCTION_TO_TIME] = {call_day, {VALUE_DATETIME}},
	[FUNCTION_DURATION] = {call_constructor, {VALUE_STRING}},
	[FUNCTION_TO_MILLISECONDS] = {call_units, {VALUE_DURATION}},
	[FUNCTION_TO_SECONDS] = {call_units, {VALUE_DURATION}},
	[FUNCTION_TO_MINUTES] = {call_units, {VALUE_DURATION}},
	[FUNCTION_TO_HOURS] = {call_units, {VALUE_DURATION}},
	[FUNCTION_TO_DAYS] = {call_units, {VALUE_DURATION}},
};

void
compile_call(struct encoding *encoding, const struct expression *expression, struct outcome *outcome) {
	const struct policy_function *function = expression->function;
	struct outcome operand;
	struct symbolic arguments[2];
	struct call call = {encoding, expression, arguments, function, outcome};
	*outcome = (struct outcome){.errs = encoding->terms.no, .value = symbolic_truth(encoding->terms.no)};
	if (expression->operand_count != function->arguments) {
		outcome->errs = encoding->terms.yes;
		return;
	}
	for (size_t i = 0; i < function->arguments; i++) {
		int expected = functions[function->id].types[i];
		compile_expression(encoding, expression->operands[i], &operand);
		arguments[i] = operand.value;
		outcome->errs = term_or(&encoding->terms, outcome->errs, operand.errs);
		if (expected != ANY_TYPE && operand.value.type != (enum value_type)expected)
			outcome->errs = encoding->terms.yes;
	}
	if (!term_is_true(outcome->errs))
		functions[function->id].run(&call);
}
