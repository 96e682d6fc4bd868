#include "policy/function.h"

static const struct policy_function functions[] = {
	{"contains", FUNCTION_CONTAINS, true, 2, false},
	{"containsAll", FUNCTION_CONTAINS_ALL, true, 2, false},
	{"containsAny", FUNCTION_CONTAINS_ANY, true, 2, false},
	{"isEmpty", FUNCTION_IS_EMPTY, true, 1, false},
	{"hasTag", FUNCTION_HAS_TAG, true, 2, false},
	{"getTag", FUNCTION_GET_TAG, true, 2, false},
	{"decimal", FUNCTION_DECIMAL, false, 1, true},
	{"lessThan", FUNCTION_DECIMAL_LESS, true, 2, true},
	{"lessThanOrEqual", FUNCTION_DECIMAL_LESS_EQUAL, true, 2, true},
	{"greaterThan", FUNCTION_DECIMAL_GREATER, true, 2, true},
	{"greaterThanOrEqual", FUNCTION_DECIMAL_GREATER_EQUAL, true, 2, true},
	{"ip", FUNCTION_IP, false, 1, true},
	{"isIpv4", FUNCTION_IS_IPV4, true, 1, true},
	{"isIpv6", FUNCTION_IS_IPV6, true, 1, true},
	{"isLoopback", FUNCTION_IS_LOOPBACK, true, 1, true},
	{"isMulticast", FUNCTION_IS_MULTICAST, true, 1, true},
	{"isInRange", FUNCTION_IS_IN_RANGE, true, 2, true},
	{"datetime", FUNCTION_DATETIME, false, 1, true},
	{"offset", FUNCTION_OFFSET, true, 2, true},
	{"durationSince", FUNCTION_DURATION_SINCE, true, 2, true},
	{"toDate", FUNCTION_TO_DATE, true, 1, true},
	{"toTime", FUNCTION_TO_TIME, true, 1, true},
	{"duration", FUNCTION_DURATION, false, 1, true},
	{"toMilliseconds", FUNCTION_TO_MILLISECONDS, true, 1, true},
	{"toSeconds", FUNCTION_TO_SECONDS, true, 1, true},
	{"toMinutes", FUNCTION_TO_MINUTES, true, 1, true},
	{"toHours", FUNCTION_TO_HOURS, true, 1, true},
	{"toDays", FUNCTION_TO_DAYS, true, 1, true},
};
static_assert(ARRAY_LENGTH(functions) == FUNCTION_COUNT);

const struct policy_function *
policy_function_find(struct bytes name) {
	for (size_t i = 0; i < FUNCTION_COUNT; i++)
		if (bytes_equal_text(name, functions[i].name))
			return &functions[i];
	return nullptr;
}

const struct policy_function *
policy_function(enum function_id id) {
	return &functions[id];
}
