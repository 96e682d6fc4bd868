/*
 * The functions and methods of the language: one table, which parser, compiler, validator and formatter share.
 */
#ifndef GATEHOUSE_POLICY_FUNCTION_H
#define GATEHOUSE_POLICY_FUNCTION_H

#include "base/bytes.h"

enum function_id {
	FUNCTION_CONTAINS,
	FUNCTION_CONTAINS_ALL,
	FUNCTION_CONTAINS_ANY,
	FUNCTION_IS_EMPTY,
	FUNCTION_HAS_TAG,
	FUNCTION_GET_TAG,
	FUNCTION_DECIMAL,
	FUNCTION_DECIMAL_LESS,
	FUNCTION_DECIMAL_LESS_EQUAL,
	FUNCTION_DECIMAL_GREATER,
	FUNCTION_DECIMAL_GREATER_EQUAL,
	FUNCTION_IP,
	FUNCTION_IS_IPV4,
	FUNCTION_IS_IPV6,
	FUNCTION_IS_LOOPBACK,
	FUNCTION_IS_MULTICAST,
	FUNCTION_IS_IN_RANGE,
	FUNCTION_DATETIME,
	FUNCTION_OFFSET,
	FUNCTION_DURATION_SINCE,
	FUNCTION_TO_DATE,
	FUNCTION_TO_TIME,
	FUNCTION_DURATION,
	FUNCTION_TO_MILLISECONDS,
	FUNCTION_TO_SECONDS,
	FUNCTION_TO_MINUTES,
	FUNCTION_TO_HOURS,
	FUNCTION_TO_DAYS,
	FUNCTION_COUNT,
};

struct policy_function {
	const char *name;
	enum function_id id;
	bool is_method;    /* receiver.name(...): the receiver is the first argument */
	size_t arguments;  /* the receiver included */
	bool is_extension; /* of decimal, ipaddr, datetime or duration */
};

/* Null where there is none of that name. */
const struct policy_function *policy_function_find(struct bytes name);
const struct policy_function *policy_function(enum function_id id);

#endif
