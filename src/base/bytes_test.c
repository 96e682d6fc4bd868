#include "tests/test.h"
#include "base/cursor.h"

static void
decimals_are_read_in_one_form_only(void **) {
	static const struct {
		const char *text;
		const char *name; /* null: accepted */
		uint64_t number;
	} cases[] = {
		{"0", nullptr, 0},
		{"18446744073709551615", nullptr, UINT64_MAX},
		{"18446744073709551616", "decimal.range", 0},
		{"99999999999999999999", "decimal.range", 0},
		{"", "decimal.form", 0},
		{"00", "decimal.form", 0},
		{"01", "decimal.form", 0},
		{"+1", "decimal.form", 0},
		{"-1", "decimal.form", 0},
		{"1 ", "decimal.form", 0},
		{"1a", "decimal.form", 0},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		uint64_t number = 0;
		if (cases[i].name != nullptr) {
			assert_fails(STATUS_INVALID, cases[i].name,
				     decimal_decode(bytes_of_text(cases[i].text), &number));
			continue;
		}
		assert_ok(decimal_decode(bytes_of_text(cases[i].text), &number));
		assert_int_equal(cases[i].number, number);
	}
}

static void
utf8_is_the_shortest_form_without_surrogates(void **) {
	static const char *const valid[] = {"", "a", "\xc2\x80", "\xe2\x80\x94", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"};
	static const char *const invalid[] = {"\x80",         "\xc0\x80",         "\xc1\xbf",         "\xe0\x9f\xbf",
					      "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xe2\x80",
					      "a\xff",        "\xf5\x80\x80\x80"};
	for (size_t i = 0; i < ARRAY_LENGTH(valid); i++)
		assert_true(utf8_is_valid(bytes_of_text(valid[i])));
	for (size_t i = 0; i < ARRAY_LENGTH(invalid); i++)
		assert_false(utf8_is_valid(bytes_of_text(invalid[i])));
}

static void
a_cursor_reads_up_to_an_ending_byte(void **) {
	struct cursor cursor = cursor_of(BYTES_OF_LITERAL("one\n\nrest"));
	struct bytes line;
	assert_ok(cursor_until(&cursor, "line", '\n', &line));
	assert_bytes(BYTES_OF_LITERAL("one"), line);
	assert_ok(cursor_until(&cursor, "line", '\n', &line));
	assert_int_equal(0, line.len);
	assert_fails(STATUS_INVALID, "line", cursor_until(&cursor, "line", '\n', &line));
	assert_int_equal(4, cursor.left);
}

RUN_TESTS(T(decimals_are_read_in_one_form_only), T(utf8_is_the_shortest_form_without_surrogates),
	  T(a_cursor_reads_up_to_an_ending_byte))
