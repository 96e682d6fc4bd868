#include "tests/test.h"
#include "base/json.h"
#include "base/log.h"

#include <unistd.h>

/* What log_write() puts on standard error. */
static struct bytes
logged(struct arena *arena, enum log_level level, const char *message) {
	int ends[2], kept = dup(STDERR_FILENO);
	assert_int_equal(0, pipe(ends));
	dup2(ends[1], STDERR_FILENO);
	log_write(level, "%s", message);
	dup2(kept, STDERR_FILENO);
	close(kept);
	close(ends[1]);
	uint8_t *text = arena_alloc(arena, 8192);
	ssize_t length = read(ends[0], text, 8192);
	close(ends[0]);
	assert_true(length >= 0);
	return bytes_of(text, (size_t)length);
}

static const json *
line_of(struct arena *arena, const char *prefix, struct bytes line) {
	const json *document;
	assert_true(line.len > 4 && line.data[line.len - 1] == '\n');
	assert_memory_equal(prefix, line.data, 3);
	assert_ok(json_read(arena, bytes_of(line.data + 3, line.len - 4), (struct json_limits){}, &document));
	return document;
}

static void
a_message_is_one_line_of_json_with_a_priority(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	log_start("keeper", LOG_LEVEL_INFO);
	const json *line = line_of(&arena, "<4>", logged(&arena, LOG_LEVEL_WARNING, "a \"quoted\"\nmessage"));
	assert_int_equal(4, json_size(line));
	assert_bytes(BYTES_OF_LITERAL("a \"quoted\"\nmessage"), json_string(json_get(line, "message")));
	assert_bytes(BYTES_OF_LITERAL("warning"), json_string(json_get(line, "level")));
	assert_bytes(BYTES_OF_LITERAL("keeper"), json_string(json_get(line, "role")));
	assert_int_equal(24, json_string(json_get(line, "time")).len);
}

static void
lines_above_the_level_are_dropped(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	log_start("keeper", LOG_LEVEL_NOTICE);
	assert_int_equal(0, logged(&arena, LOG_LEVEL_INFO, "x").len);
	assert_true(logged(&arena, LOG_LEVEL_NOTICE, "x").len > 0);
	log_set_level(LOG_LEVEL_DEBUG);
	assert_true(logged(&arena, LOG_LEVEL_DEBUG, "x").len > 0);
}

static void
bytes_that_are_no_text_do_not_lose_the_line(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	log_start("gateway", LOG_LEVEL_INFO);
	const json *line = line_of(&arena, "<3>", logged(&arena, LOG_LEVEL_ERROR, "from \xff\xfe to \xc3\xa9"));
	assert_bytes(BYTES_OF_LITERAL("from ?? to \xc3\xa9"), json_string(json_get(line, "message")));
}

static void
a_message_that_is_too_long_is_cut_between_characters(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	char text[3001];
	for (size_t i = 0; i < 1500; i++)
		memcpy(text + 2 * i, "\xc3\xa9", 2);
	text[3000] = '\0';
	struct bytes message =
		json_string(json_get(line_of(&arena, "<3>", logged(&arena, LOG_LEVEL_ERROR, text)), "message"));
	assert_true(message.len >= 1000 && message.len <= 1024);
	assert_true(utf8_is_valid(message));
}

RUN_TESTS(T(a_message_is_one_line_of_json_with_a_priority), T(lines_above_the_level_are_dropped),
	  T(bytes_that_are_no_text_do_not_lose_the_line), T(a_message_that_is_too_long_is_cut_between_characters))
