/*
 * For constant-time tests: the code under test is compiled with GATEHOUSE_CONSTANT_TIME_TEST and run under valgrind
 * with secrets marked undefined; memcheck then reports each branch and each address that depends on one. Include after
 * tests/test.h. Every test begins with start_counting() and ends with assert_no_leak(); main is run_under_valgrind(),
 * then the tests. Skipped by name where valgrind is missing or the build is instrumented otherwise.
 */
#ifndef GATEHOUSE_TESTS_CONSTANT_TIME_H
#define GATEHOUSE_TESTS_CONSTANT_TIME_H

#include <unistd.h>

#include "crypto/declassify.h"

#if defined(GATEHOUSE_CONSTANT_TIME_TEST)
#define UNDER_VALGRIND (RUNNING_ON_VALGRIND > 0)
#define COUNT_ERRORS() VALGRIND_COUNT_ERRORS
#define classify(data, len) ((void)VALGRIND_MAKE_MEM_UNDEFINED(data, len))
#else
#define UNDER_VALGRIND false
#define COUNT_ERRORS() 0u
#define classify(data, len) ((void)(data), (void)(len))
#define CONSTANT_TIME_SUPPRESSIONS ""
#endif

static unsigned errors_before;

static inline void
start_counting(void) {
	if (!UNDER_VALGRIND) {
		print_message("needs valgrind and a build without sanitizers\n");
		skip();
	}
	errors_before = COUNT_ERRORS();
}

static inline void
assert_no_leak(void) {
	unsigned errors = COUNT_ERRORS() - errors_before;
	if (errors != 0)
		fail_msg("%u branches or addresses depend on a secret; valgrind's report says where", errors);
}

/* Becomes valgrind, where there is one; without it every test skips. */
static inline void
run_under_valgrind(char **argv) {
#if defined(GATEHOUSE_CONSTANT_TIME_TEST)
	if (!UNDER_VALGRIND)
		execlp("valgrind", "valgrind", "--quiet", "--suppressions=" CONSTANT_TIME_SUPPRESSIONS, argv[0],
		       nullptr);
#endif
	(void)argv;
}

#endif
