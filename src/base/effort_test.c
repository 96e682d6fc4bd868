#include "tests/test.h"

#include <string.h>

#include "base/effort.h"

static void
without_a_limit_there_is_no_end(void **) {
	effort_limit(0);
	for (size_t i = 0; i < 1'000'000; i++)
		assert_ok(effort_check());
}

static void
whoever_works_too_long_is_told_and_only_until_the_limit_is_gone(void **) {
	effort_limit(10);
	assert_ok(effort_check());
	enum status status;
	while ((status = effort_check()) == OK)
		; /* asking is work as well */
	assert_int_equal(STATUS_TOO_LARGE, status);
	assert_fails(STATUS_TOO_LARGE, "effort.spent", effort_check());
	effort_limit(10'000);
	assert_ok(effort_check());
	effort_limit(1);
	while (effort_check() == OK)
		;
	effort_limit(0);
	assert_ok(effort_check());
}

RUN_TESTS(T(without_a_limit_there_is_no_end), T(whoever_works_too_long_is_told_and_only_until_the_limit_is_gone))
