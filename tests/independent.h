/*
 * Calls the independent verifiers (tests/independent/) from a cmocka test of suite "independent". Each prints "ok ..." or JSON with
 * status 0, or "fail: REASON" with status 1. Where one is not installed the test is skipped, which CI=true turns into a failure.
 *
 *     char said[4096];
 *     assert_int_equal(0, independent_run(said, sizeof said, "verify-note", path, vkey));
 */
#ifndef GATEHOUSE_TESTS_INDEPENDENT_H
#define GATEHOUSE_TESTS_INDEPENDENT_H

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/test.h"

#define independent_run(said, capacity, program, ...)                                                                  \
	independent_run_list((said), (capacity), (program), (const char *const[]){__VA_ARGS__, nullptr})

/* program is "verify-note" (Go) or "verify-eth.mjs" (Node). said receives its output without the last line feed. */
static inline int
independent_run_list(char *said, size_t capacity, const char *program, const char *const *arguments) {
	char path[1024], installed[1024];
	const char *command[32] = {};
	size_t count = 0;
	bool is_node = strstr(program, ".mjs") != nullptr;
	if (is_node)
		command[count++] = "node";
	command[count++] = path;
	snprintf(path, sizeof path, "%s/%s/%s", test_source_root(), is_node ? "tests/independent" : "build/independent",
		 program);
	snprintf(installed, sizeof installed, "%s/tests/independent/node_modules", test_source_root());
	if (access(is_node ? installed : path, F_OK) != 0)
		skip();
	for (size_t i = 0; arguments[i] != nullptr; i++) {
		assert_true(count + 1 < sizeof command / sizeof command[0]);
		command[count++] = arguments[i];
	}
	int ends[2];
	assert_int_equal(0, pipe(ends));
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		execvp(command[0], (char *const *)(uintptr_t)command);
		_exit(127);
	}
	close(ends[1]);
	size_t length = 0;
	for (ssize_t got; (got = read(ends[0], said + length, capacity - 1 - length)) > 0;)
		length += (size_t)got;
	close(ends[0]);
	while (length > 0 && said[length - 1] == '\n')
		length--;
	said[length] = '\0';
	int status;
	assert_int_equal(child, waitpid(child, &status, 0));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#endif
