/*
 * For tests of what stands in the operational log (base/log.h): standard error goes to a file meanwhile, and is counted by lines. Between
 * start and end nothing is asserted, since nobody would see it. Include after tests/test.h.
 */
#ifndef GATEHOUSE_TESTS_LOGGED_H
#define GATEHOUSE_TESTS_LOGGED_H

#include <stdio.h>
#include <unistd.h>

#include "base/bytes.h"

struct logged {
	int kept;
	FILE *file;
};

static inline struct logged
logged_start(void) {
	struct logged logged = {dup(STDERR_FILENO), tmpfile()};
	assert_true(logged.kept >= 0);
	assert_non_null(logged.file);
	assert_int_equal(STDERR_FILENO, dup2(fileno(logged.file), STDERR_FILENO));
	return logged;
}

/* Appended. */
static inline void
logged_end(struct logged *logged, struct buffer *lines) {
	char piece[4096];
	dup2(logged->kept, STDERR_FILENO);
	close(logged->kept);
	assert_int_equal(0, fseek(logged->file, 0, SEEK_SET));
	for (size_t len; (len = fread(piece, 1, sizeof piece, logged->file)) > 0;)
		buffer_append(lines, piece, len);
	fclose(logged->file);
	assert_ok(buffer_status(lines));
}

/* Lines that have this text. */
static inline size_t
logged_count(const struct buffer *lines, const char *text) {
	size_t count = 0;
	for (const uint8_t *at = lines->data, *end = at + lines->len, *next; at < end; at = next) {
		const uint8_t *newline = memchr(at, '\n', (size_t)(end - at));
		next = newline == nullptr ? end : newline + 1;
		count += memmem(at, (size_t)(next - at), text, strlen(text)) != nullptr;
	}
	return count;
}

#endif
