#include "tests/test.h"

#include "base/csv.h"

static struct bytes
text_of(const char *text) {
	return bytes_of_text(text);
}

static void
fields_are_read_with_their_places(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct csv_reader reader;
	struct csv_field fields[CSV_FIELDS_MAX];
	size_t count;
	csv_start(&reader, &arena, "t.csv",
		  text_of("\xEF\xBB\xBFwho,amount,note\r\n\n*,10,\"a, \"\"b\"\"\nc\"\nx,,\xC3\xA9"));
	assert_ok(csv_next(&reader, fields, &count));
	assert_int_equal(count, 3);
	assert_bytes(text_of("who"), fields[0].text);
	assert_int_equal(fields[1].column, 5);
	assert_ok(csv_next(&reader, fields, &count));
	assert_bytes(text_of("a, \"b\"\nc"), fields[2].text);
	assert_int_equal(fields[2].line, 3);
	assert_int_equal(fields[2].column, 6);
	assert_ok(csv_next(&reader, fields, &count));
	assert_int_equal(fields[0].line, 5);
	assert_bytes(text_of(""), fields[1].text);
	assert_bytes(text_of("\xC3\xA9"), fields[2].text);
	assert_ok(csv_next(&reader, fields, &count));
	assert_int_equal(count, 0);
}

static void
what_is_written_is_read_again(void **) {
	static const char *const texts[] = {"", "plain", "a,b", "\"", "a\nb", "\"\"x,\n\"", " spaced "};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		_cleanup_(arena_free) struct arena arena = {};
		_cleanup_(buffer_free) struct buffer line = {};
		struct csv_reader reader;
		struct csv_field fields[CSV_FIELDS_MAX];
		size_t count;
		csv_write_field(&line, text_of(texts[i]));
		buffer_append_text(&line, ",end\n");
		csv_start(&reader, &arena, "t.csv", buffer_bytes(&line));
		assert_ok(csv_next(&reader, fields, &count));
		assert_int_equal(count, 2);
		assert_bytes(text_of(texts[i]), fields[0].text);
	}
}

static void
bad_records_are_refused_by_name_and_place(void **) {
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"a,b\nc", "csv.columns: t.csv:2:1: expected 2 fields, found 1"},
		{"a,b\n1,2,3", "csv.columns: t.csv:2:1: expected 2 fields, found 3"},
		{"a,\"b", "csv.unclosed: t.csv:1:3: the quoted field does not end"},
		{"a,\"b\nc", "csv.unclosed: t.csv:1:3: the quoted field does not end"},
		{"a,b\"c\"", "csv.quote: t.csv:1:4: a quotation mark within a field that does not begin with one"},
		{"a,\"b\"c",
		 "csv.after_quote: t.csv:1:6: expected a comma or the end of the line behind a quoted field"},
		{"a\rb", "csv.carriage_return: t.csv:1:2: a carriage return stands alone"},
		{"\"a\rb\"", "csv.carriage_return: t.csv:1:3: a carriage return stands alone"},
		{"\ra", "csv.carriage_return: t.csv:1:1: a carriage return stands alone"},
		{"a,\x01", "csv.control: t.csv:1:3: a control character"},
		{"a,\x7F", "csv.control: t.csv:1:3: a control character"},
		{"a\nb\xFF", "csv.utf8: t.csv:2:2: not UTF-8"},
		{"\"\xC3\"", "csv.utf8: t.csv:1:2: not UTF-8"},
		{",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,",
		 "csv.columns: t.csv:1:65: more than 64 fields"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct csv_reader reader;
		struct csv_field fields[CSV_FIELDS_MAX];
		size_t count = 1;
		enum status status = OK;
		csv_start(&reader, &arena, "t.csv", text_of(cases[i].text));
		while (status == OK && count > 0)
			status = csv_next(&reader, fields, &count);
		assert_int_equal(status, STATUS_INVALID);
		assert_string_equal(cases[i].message, fail_message());
	}
}

RUN_TESTS(T(fields_are_read_with_their_places), T(what_is_written_is_read_again),
	  T(bad_records_are_refused_by_name_and_place))
