/* The functions and methods of policy/function.h, one table. Receivers and arguments are all evaluated before any type is
 * looked at. */
#include "base/time.h"
#include "policy/evaluator.h"

struct call {
	struct evaluation *evaluation;
	const struct node *node;
	const struct value *arguments[2];
	struct value *room;
};

static const struct value *
give_boolean(struct call *call, bool boolean) {
	*call->room = value_boolean(boolean);
	return call->room;
}

static const struct value *
give_integer(struct call *call, enum value_type type, int64_t integer) {
	*call->room = (struct value){.type = type, .integer = integer};
	return call->room;
}

static const struct value *
call_contains(struct call *call) {
	return give_boolean(call, value_set_contains(call->arguments[0], call->arguments[1]));
}

static const struct value *
call_contains_all(struct call *call) {
	const struct value *set = call->arguments[0], *wanted = call->arguments[1];
	for (size_t i = 0; i < wanted->set.count; i++)
		if (!value_set_contains(set, &wanted->set.items[i]))
			return give_boolean(call, false);
	return give_boolean(call, true);
}

static const struct value *
call_contains_any(struct call *call) {
	const struct value *set = call->arguments[0], *wanted = call->arguments[1];
	if (set->set.count < wanted->set.count) { /* the larger is the one to search, it may be sorted */
		set = call->arguments[1];
		wanted = call->arguments[0];
	}
	for (size_t i = 0; i < wanted->set.count; i++)
		if (value_set_contains(set, &wanted->set.items[i]))
			return give_boolean(call, true);
	return give_boolean(call, false);
}

static const struct value *
call_is_empty(struct call *call) {
	return give_boolean(call, call->arguments[0]->set.count == 0);
}

#define NAME_ARGS(name) (int)((name).len > 80 ? 80 : (name).len), (const char *)(name).data

static const struct value *
find_tag(struct call *call, uint32_t *index) {
	*index = evaluation_locate(call->evaluation, call->node->operands[0], call->arguments[0]);
	const struct value *tags =
		*index == ENTITY_NONE ? nullptr : entity_store_tags(call->evaluation->entities, *index);
	return tags == nullptr ? nullptr : value_record_get(tags, call->arguments[1]->string);
}

static const struct value *
call_has_tag(struct call *call) {
	uint32_t index;
	return give_boolean(call, find_tag(call, &index) != nullptr);
}

static const struct value *
call_get_tag(struct call *call) {
	uint32_t index;
	const struct value *tag = find_tag(call, &index);
	const struct entity_uid *uid = &call->arguments[0]->entity;
	if (tag != nullptr)
		return tag;
	if (index == ENTITY_NONE || !entity_store_is_present(call->evaluation->entities, index))
		return evaluation_fail(call->evaluation, call->node, "evaluate.entity",
				       "there is no entity %.*s::\"%.*s\"", NAME_ARGS(uid->type), NAME_ARGS(uid->id));
	return evaluation_fail(call->evaluation, call->node, "evaluate.tag", "%.*s::\"%.*s\" has no tag \"%.*s\"",
			       NAME_ARGS(uid->type), NAME_ARGS(uid->id), NAME_ARGS(call->arguments[1]->string));
}

static const struct value *
construct(struct call *call, enum status (*parse)(struct bytes, struct value *)) {
	if (parse(call->arguments[0]->string, call->room) == OK)
		return call->room;
	const char *sentence = strstr(fail_message(), ": ");
	return evaluation_fail(call->evaluation, call->node, "evaluate.extension", "%s",
			       sentence == nullptr ? fail_message() : sentence + 2);
}

static const struct value *
call_decimal(struct call *call) {
	return construct(call, value_parse_decimal);
}

static const struct value *
call_ip(struct call *call) {
	return construct(call, value_parse_ip);
}

static const struct value *
call_datetime(struct call *call) {
	return construct(call, value_parse_datetime);
}

static const struct value *
call_duration(struct call *call) {
	return construct(call, value_parse_duration);
}

static const struct value *
call_less(struct call *call) {
	return give_boolean(call, call->arguments[0]->integer < call->arguments[1]->integer);
}

static const struct value *
call_less_equal(struct call *call) {
	return give_boolean(call, call->arguments[0]->integer <= call->arguments[1]->integer);
}

static const struct value *
call_greater(struct call *call) {
	return give_boolean(call, call->arguments[0]->integer > call->arguments[1]->integer);
}

static const struct value *
call_greater_equal(struct call *call) {
	return give_boolean(call, call->arguments[0]->integer >= call->arguments[1]->integer);
}

static const struct value *
call_is_ipv4(struct call *call) {
	return give_boolean(call, !call->arguments[0]->ip.is_v6);
}

static const struct value *
call_is_ipv6(struct call *call) {
	return give_boolean(call, call->arguments[0]->ip.is_v6);
}

/* A range is within another if that one's prefix is not longer and begins both. */
static bool
is_within(const struct value *range, const struct value *outer) {
	if (range->ip.is_v6 != outer->ip.is_v6 || range->ip.prefix < outer->ip.prefix)
		return false;
	size_t whole = outer->ip.prefix / 8u, rest = outer->ip.prefix % 8u;
	if (memcmp(range->ip.address, outer->ip.address, whole) != 0)
		return false;
	return rest == 0 || (range->ip.address[whole] ^ outer->ip.address[whole]) >> (8 - rest) == 0;
}

/* 127.0.0.0/8 and ::1. */
static const struct value *
call_is_loopback(struct call *call) {
	static const struct value v4 = {.type = VALUE_IPADDR, .ip = {{127}, 8, false}};
	static const struct value v6 = {.type = VALUE_IPADDR, .ip = {{[15] = 1}, 128, true}};
	return give_boolean(call, is_within(call->arguments[0], call->arguments[0]->ip.is_v6 ? &v6 : &v4));
}

/* 224.0.0.0/4 and ff00::/8. */
static const struct value *
call_is_multicast(struct call *call) {
	static const struct value v4 = {.type = VALUE_IPADDR, .ip = {{224}, 4, false}};
	static const struct value v6 = {.type = VALUE_IPADDR, .ip = {{0xff}, 8, true}};
	return give_boolean(call, is_within(call->arguments[0], call->arguments[0]->ip.is_v6 ? &v6 : &v4));
}

static const struct value *
call_is_in_range(struct call *call) {
	return give_boolean(call, is_within(call->arguments[0], call->arguments[1]));
}

static const struct value *
overflow(struct call *call) {
	return evaluation_fail(call->evaluation, call->node, "evaluate.overflow",
			       "the result does not fit into 64 bits");
}

static const struct value *
call_offset(struct call *call) {
	int64_t sum;
	if (__builtin_add_overflow(call->arguments[0]->integer, call->arguments[1]->integer, &sum))
		return overflow(call);
	return give_integer(call, VALUE_DATETIME, sum);
}

static const struct value *
call_duration_since(struct call *call) {
	int64_t difference;
	if (__builtin_sub_overflow(call->arguments[0]->integer, call->arguments[1]->integer, &difference))
		return overflow(call);
	return give_integer(call, VALUE_DURATION, difference);
}

/* Milliseconds since midnight, also before 1970. */
static int64_t
time_of_day(int64_t instant) {
	int64_t rest = instant % DAY_MS;
	return rest < 0 ? rest + DAY_MS : rest;
}

static const struct value *
call_to_date(struct call *call) {
	int64_t instant = call->arguments[0]->integer, midnight;
	if (__builtin_sub_overflow(instant, time_of_day(instant), &midnight))
		return overflow(call);
	return give_integer(call, VALUE_DATETIME, midnight);
}

static const struct value *
call_to_time(struct call *call) {
	return give_integer(call, VALUE_DURATION, time_of_day(call->arguments[0]->integer));
}

static const struct value *
call_to_milliseconds(struct call *call) {
	return give_integer(call, VALUE_LONG, call->arguments[0]->integer);
}

static const struct value *
call_to_seconds(struct call *call) {
	return give_integer(call, VALUE_LONG, call->arguments[0]->integer / SECOND_MS);
}

static const struct value *
call_to_minutes(struct call *call) {
	return give_integer(call, VALUE_LONG, call->arguments[0]->integer / MINUTE_MS);
}

static const struct value *
call_to_hours(struct call *call) {
	return give_integer(call, VALUE_LONG, call->arguments[0]->integer / HOUR_MS);
}

static const struct value *
call_to_days(struct call *call) {
	return give_integer(call, VALUE_LONG, call->arguments[0]->integer / DAY_MS);
}

constexpr int ANY_TYPE = -1;

static const struct {
	const struct value *(*run)(struct call *);
	int types[2]; /* enum value_type or ANY_TYPE */
} functions[FUNCTION_COUNT] = {
	[FUNCTION_CONTAINS] = {call_contains, {VALUE_SET, ANY_TYPE}},
	[FUNCTION_CONTAINS_ALL] = {call_contains_all, {VALUE_SET, VALUE_SET}},
	[FUNCTION_CONTAINS_ANY] = {call_contains_any, {VALUE_SET, VALUE_SET}},
	[FUNCTION_IS_EMPTY] = {call_is_empty, {VALUE_SET}},
	[FUNCTION_HAS_TAG] = {call_has_tag, {VALUE_ENTITY, VALUE_STRING}},
	[FUNCTION_GET_TAG] = {call_get_tag, {VALUE_ENTITY, VALUE_STRING}},
	[FUNCTION_DECIMAL] = {call_decimal, {VALUE_STRING}},
	[FUNCTION_DECIMAL_LESS] = {call_less, {VALUE_DECIMAL, VALUE_DECIMAL}},
	[FUNCTION_DECIMAL_LESS_EQUAL] = {call_less_equal, {VALUE_DECIMAL, VALUE_DECIMAL}},
	[FUNCTION_DECIMAL_GREATER] = {call_greater, {VALUE_DECIMAL, VALUE_DECIMAL}},
	[FUNCTION_DECIMAL_GREATER_EQUAL] = {call_greater_equal, {VALUE_DECIMAL, VALUE_DECIMAL}},
	[FUNCTION_IP] = {call_ip, {VALUE_STRING}},
	[FUNCTION_IS_IPV4] = {call_is_ipv4, {VALUE_IPADDR}},
	[FUNCTION_IS_IPV6] = {call_is_ipv6, {VALUE_IPADDR}},
	[FUNCTION_IS_LOOPBACK] = {call_is_loopback, {VALUE_IPADDR}},
	[FUNCTION_IS_MULTICAST] = {call_is_multicast, {VALUE_IPADDR}},
	[FUNCTION_IS_IN_RANGE] = {call_is_in_range, {VALUE_IPADDR, VALUE_IPADDR}},
	[FUNCTION_DATETIME] = {call_datetime, {VALUE_STRING}},
	[FUNCTION_OFFSET] = {call_offset, {VALUE_DATETIME, VALUE_DURATION}},
	[FUNCTION_DURATION_SINCE] = {call_duration_since, {VALUE_DATETIME, VALUE_DATETIME}},
	[FUNCTION_TO_DATE] = {call_to_date, {VALUE_DATETIME}},
	[FUNCTION_TO_TIME] = {call_to_time, {VALUE_DATETIME}},
	[FUNCTION_DURATION] = {call_duration, {VALUE_STRING}},
	[FUNCTION_TO_MILLISECONDS] = {call_to_milliseconds, {VALUE_DURATION}},
	[FUNCTION_TO_SECONDS] = {call_to_seconds, {VALUE_DURATION}},
	[FUNCTION_TO_MINUTES] = {call_to_minutes, {VALUE_DURATION}},
	[FUNCTION_TO_HOURS] = {call_to_hours, {VALUE_DURATION}},
	[FUNCTION_TO_DAYS] = {call_to_days, {VALUE_DURATION}},
};

const struct value *
evaluate_call(struct evaluation *evaluation, const struct node *node, struct value *room) {
	struct value rooms[2];
	struct call call = {.evaluation = evaluation, .node = node, .room = room};
	const struct policy_function *function = policy_function((enum function_id)node->detail);
	if (node->count != function->arguments)
		return evaluation_fail(evaluation, node, "evaluate.arguments", "%s takes %zu arguments, found %u",
				       function->name, function->arguments, node->count);
	for (uint32_t i = 0; i < node->count; i++) {
		call.arguments[i] = evaluate(evaluation, node->operands[i], &rooms[i]);
		if (call.arguments[i] == nullptr)
			return nullptr;
	}
	for (uint32_t i = 0; i < node->count; i++) {
		int expected = functions[node->detail].types[i];
		if (expected != ANY_TYPE && call.arguments[i]->type != (enum value_type)expected)
			return evaluation_wrong_type(evaluation, node->operands[i],
						     value_type_name((enum value_type)expected), call.arguments[i]);
	}
	return functions[node->detail].run(&call);
}
