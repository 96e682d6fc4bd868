/*
 * The public test data (GATEHOUSE_CORPORA): without it a suite skips by name; with it a file that is missing fails the test.
 * Include after tests/test.h.
 */
#ifndef GATEHOUSE_TESTS_CORPORA_H
#define GATEHOUSE_TESTS_CORPORA_H

#include <stdio.h>

#include "base/json.h"
#include "tests/file.h"

/* Skips the test where there is no public test data, and says so: no other skip is allowed where everything must run (scripts/test). */
static inline void
corpora_need(const char *name) {
	if (test_corpora() != nullptr)
		return;
	print_message("%s: no public test data here (GATEHOUSE_CORPORA)\n", name);
	skip();
}

/* The text of a file, in the arena. */
static inline struct bytes
corpora_read(struct arena *arena, const char *name) {
	corpora_need(name);
	char path[8192];
	snprintf(path, sizeof path, "%s/%s", test_corpora(), name);
	return file_of_test(arena, path);
}

static inline const json *
corpora_read_json(struct arena *arena, const char *name) {
	struct bytes text = corpora_read(arena, name);
	const json *root = nullptr;
	assert_ok(json_read(arena, text, (struct json_limits){.integers = JSON_INT64_INTEGERS}, &root));
	return root;
}

/* The bytes of a hexadecimal member, in the arena. */
static inline struct bytes
corpora_hex(struct arena *arena, const json *object, const char *key) {
	const json *member = json_get(object, key);
	assert_non_null(member);
	struct bytes text = json_string(member);
	uint8_t *bytes = arena_alloc(arena, text.len / 2 + 1);
	assert_non_null(bytes);
	assert_ok(hex_decode(text, bytes, text.len / 2));
	return bytes_of(bytes, text.len / 2);
}

/* Prints how many cases ran, and fails unless it is the committed figure. */
static inline void
corpora_expect(const char *what, size_t executed, size_t expected) {
	print_message("%s: %zu executed, %zu expected\n", what, executed, expected);
	assert_int_equal(executed, expected);
}

#endif
