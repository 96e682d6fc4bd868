/* A whole file, in the arena; one that is not there fails the test. Include after tests/test.h. */
#ifndef GATEHOUSE_TESTS_FILE_H
#define GATEHOUSE_TESTS_FILE_H

#include <stdio.h>

#include "base/arena.h"
#include "base/bytes.h"

static inline struct bytes
file_of_test(struct arena *arena, const char *path) {
	FILE *file = fopen(path, "rbe");
	if (file == nullptr)
		fail_msg("%s: not found", path);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	long len = ftell(file);
	assert_true(len >= 0);
	assert_int_equal(fseek(file, 0, SEEK_SET), 0);
	uint8_t *text = arena_alloc(arena, (size_t)len + 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, (size_t)len, file), (size_t)len);
	fclose(file);
	return bytes_of(text, (size_t)len);
}

#endif
