#include "tests/test.h"

#include "keeper/notified.h"

static void
what_was_written_is_read(void **) {
	static const struct notified_mark marks[] = {{BYTES_OF_LITERAL("chat"), 0, 0},
						     {BYTES_OF_LITERAL("ops"), 7, INT64_C(1'800'000'000'000)}};
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer text = {};
	struct notified_mark read[NOTIFIED_MARKS_MAX];
	size_t count;
	assert_ok(notified_write(marks, ARRAY_LENGTH(marks), &text));
	assert_bytes(
		BYTES_OF_LITERAL("{\"receivers\":[{\"entry\":0,\"expiring\":0,\"name\":\"chat\"},{\"entry\":7,"
				 "\"expiring\":1800000000000,\"name\":\"ops\"}],\"type\":\"gatehouse/notified/v1\"}"),
		buffer_bytes(&text));
	assert_ok(notified_read(&arena, buffer_bytes(&text), read, &count));
	assert_int_equal(2, count);
	for (size_t i = 0; i < count; i++) {
		assert_bytes(marks[i].name, read[i].name);
		assert_int_equal(marks[i].entry, read[i].entry);
		assert_int_equal(marks[i].expiring_ms, read[i].expiring_ms);
	}
}

#define FILE_OF(receivers) "{\"receivers\":" receivers ",\"type\":\"gatehouse/notified/v1\"}"

static void
everything_else_is_refused_by_name(void **) {
	static const struct {
		const char *text, *name;
	} bad[] = {
		{"", "json.syntax"},
		{"{", "json.syntax"},
		{"[]", "notified.form"},
		{"1", "notified.form"},
		{"{}", "notified.type"},
		{"{\"type\":\"gatehouse/notified/v1\"}", "notified.receivers"},
		{"{\"receivers\":[],\"type\":\"gatehouse/notified/v2\"}", "notified.type"},
		{"{\"receivers\":[],\"type\":1}", "notified.type"},
		{"{\"more\":1,\"receivers\":[],\"type\":\"gatehouse/notified/v1\"}", "notified.more"},
		{FILE_OF("{}"), "notified.receivers"},
		{FILE_OF("[1]"), "notified.form"},
		{FILE_OF("[{}]"), "notified.entry"},
		{FILE_OF("[{\"entry\":1,\"expiring\":1}]"), "notified.name"},
		{FILE_OF("[{\"entry\":1,\"name\":\"a\"}]"), "notified.expiring"},
		{FILE_OF("[{\"entry\":\"1\",\"expiring\":1,\"name\":\"a\"}]"), "notified.entry"},
		{FILE_OF("[{\"entry\":-1,\"expiring\":1,\"name\":\"a\"}]"), "notified.number"},
		{FILE_OF("[{\"entry\":1,\"expiring\":-1,\"name\":\"a\"}]"), "notified.number"},
		{FILE_OF("[{\"entry\":1,\"expiring\":1,\"name\":\"a\",\"sent\":1}]"), "notified.sent"},
		{FILE_OF("[{\"entry\":1,\"entry\":1,\"expiring\":1,\"name\":\"a\"}]"), "json.duplicate_key"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct notified_mark marks[NOTIFIED_MARKS_MAX];
		size_t count;
		char name[64] = "";
		enum status status = notified_read(&arena, bytes_of_text(bad[i].text), marks, &count);
		fail_name(name, sizeof name);
		if (status == OK || strcmp(name, bad[i].name) != 0)
			fail_msg("%s: expected %s, found %s %s", bad[i].text, bad[i].name, status_name(status), name);
	}
}

static void
more_receivers_than_there_can_be_are_refused(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer text = {};
	struct notified_mark marks[NOTIFIED_MARKS_MAX + 1], read[NOTIFIED_MARKS_MAX];
	size_t count;
	for (size_t i = 0; i < ARRAY_LENGTH(marks); i++)
		marks[i] = (struct notified_mark){BYTES_OF_LITERAL("a"), i, 1};
	assert_ok(notified_write(marks, NOTIFIED_MARKS_MAX, &text));
	assert_ok(notified_read(&arena, buffer_bytes(&text), read, &count));
	assert_int_equal(NOTIFIED_MARKS_MAX, count);
	buffer_reset(&text);
	assert_ok(notified_write(marks, NOTIFIED_MARKS_MAX + 1, &text));
	assert_fails(STATUS_CORRUPT, "notified.receivers", notified_read(&arena, buffer_bytes(&text), read, &count));
}

RUN_TESTS(T(what_was_written_is_read), T(everything_else_is_refused_by_name),
	  T(more_receivers_than_there_can_be_are_refused))
