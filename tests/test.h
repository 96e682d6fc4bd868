/*
 * What every cmocka test includes first: cmocka with its own needs, and assertions on enum status.
 */
#ifndef GATEHOUSE_TESTS_TEST_H
#define GATEHOUSE_TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

/* fail() is ours; cmocka's fail_msg() calls its own. */
#undef fail
#undef fail_msg
#define fail_msg(...)                                                                                                  \
	do {                                                                                                           \
		print_error(__VA_ARGS__);                                                                              \
		print_error("\n");                                                                                     \
		_fail(__FILE__, __LINE__);                                                                             \
	} while (0)

#include "base/status.h"

#define assert_ok(call)                                                                                                \
	do {                                                                                                           \
		enum status assert_status_ = (call);                                                                   \
		if (assert_status_ != OK)                                                                              \
			fail_msg("%s: %s: %s", #call, status_name(assert_status_), fail_message());                    \
	} while (0)

/* The status, and the stable name before the first colon of the detail. */
#define assert_fails(expected_status, expected_name, call)                                                             \
	do {                                                                                                           \
		enum status assert_status_ = (call);                                                                   \
		char assert_name_[128];                                                                                \
		fail_name(assert_name_, sizeof assert_name_);                                                          \
		if (assert_status_ != (expected_status) || strcmp(assert_name_, (expected_name)) != 0)                 \
			fail_msg("%s: expected %s \"%s\", got %s \"%s\"", #call, status_name(expected_status),         \
				 (expected_name), status_name(assert_status_),                                         \
				 assert_status_ == OK ? "" : fail_message());                                          \
	} while (0)

#define assert_bytes(expected, actual)                                                                                 \
	do {                                                                                                           \
		struct bytes assert_expected_ = (expected), assert_actual_ = (actual);                                 \
		assert_int_equal(assert_expected_.len, assert_actual_.len);                                            \
		if (assert_expected_.len > 0)                                                                          \
			assert_memory_equal(assert_expected_.data, assert_actual_.data, assert_expected_.len);         \
	} while (0)

/* The folder of the public test data, or null: then the suite skips by name (Makefile sets it; a suite that is not found
 * there is a failure). */
static inline const char *
test_corpora(void) {
	return getenv("GATEHOUSE_CORPORA");
}

/* Folders of the checkout and of the build tree that the test belongs to; the programs are below the latter. */
static inline const char *
test_source_root(void) {
	return TEST_SOURCE_ROOT;
}

static inline const char *
test_build_root(void) {
	return TEST_BUILD_ROOT;
}

#define RUN_TESTS(...)                                                                                                 \
	int main(void) {                                                                                               \
		const struct CMUnitTest tests[] = {__VA_ARGS__};                                                       \
		return cmocka_run_group_tests(tests, nullptr, nullptr);                                                \
	}

#define T(function) cmocka_unit_test(function)

#endif
