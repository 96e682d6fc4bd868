#include "tests/test.h"

#include <string.h>

#include "base/time.h"
#include "model/value.h"

static const json *
parse(struct arena *arena, const char *text) {
	const json *root;
	struct json_limits limits = {.integers = JSON_INT64_INTEGERS};
	if (json_read(arena, bytes_of_text(text), limits, &root) != OK)
		fail_msg("%s: %s", text, fail_message());
	return root;
}

static struct value
read_value(struct arena *arena, const char *text) {
	struct value value;
	if (value_read(arena, parse(arena, text), &value) != OK)
		fail_msg("%s: %s", text, fail_message());
	return value;
}

static void
assert_written(const struct value *value, const char *expected) {
	_cleanup_(buffer_free) struct buffer buffer = {};
	struct json_writer writer;
	json_writer_start(&writer, &buffer);
	value_write(&writer, value);
	assert_ok(json_writer_finish(&writer));
	assert_bytes(bytes_of_text(expected), buffer_bytes(&buffer));
}

static void
decimals_are_read_exactly(void **) {
	static const struct {
		const char *text;
		int64_t scaled;
		const char *canonical;
	} cases[] = {
		{"1.5", 15'000, "1.5000"},
		{"0.0", 0, "0.0000"},
		{"-0.5", -5'000, "-0.5000"},
		{"-0.0", 0, "0.0000"},
		{"00000000000000000000000001.2345", 12'345, "1.2345"},
		{"922337203685477.5807", INT64_MAX, "922337203685477.5807"},
		{"-922337203685477.5808", INT64_MIN, "-922337203685477.5808"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct value value;
		char text[VALUE_TEXT_SIZE];
		assert_ok(value_parse_decimal(bytes_of_text(cases[i].text), &value));
		assert_int_equal(value.type, VALUE_DECIMAL);
		assert_int_equal(value.integer, cases[i].scaled);
		assert_true(value_format_extension(&value, text));
		assert_string_equal(text, cases[i].canonical);
	}
}

static void
addresses_are_read_and_written_in_their_shortest_form(void **) {
	static const struct {
		const char *text, *canonical;
	} cases[] = {
		{"0.0.0.0", "0.0.0.0"},
		{"255.1.20.3/32", "255.1.20.3"},
		{"10.0.0.1/8", "10.0.0.1/8"},
		{"::", "::"},
		{"::/0", "::/0"},
		{"::1/128", "::1"},
		{"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
		{"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
		{"2001:DB8:0:0:1:0:0:0001", "2001:db8::1:0:0:1"},
		{"0:0:1::", "0:0:1::"},
		{"1:0:0:2:0:0:0:3", "1:0:0:2::3"},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/126", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/126"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct value value, again;
		char text[VALUE_TEXT_SIZE];
		assert_ok(value_parse_ip(bytes_of_text(cases[i].text), &value));
		assert_true(value_format_extension(&value, text));
		assert_string_equal(text, cases[i].canonical);
		assert_ok(value_parse_ip(bytes_of_text(text), &again));
		assert_true(value_equal(&value, &again));
	}
}

static void
datetimes_are_milliseconds_since_1970(void **) {
	static const struct {
		const char *text;
		int64_t instant;
	} cases[] = {
		{"1970-01-01", 0},
		{"1970-01-01T00:00:00Z", 0},
		{"2024-10-15T11:38:02.101Z", INT64_C(1'728'992'282'101)},
		{"2024-10-15T23:59:00+2359", INT64_C(1'728'950'400'000)},
		{"2024-10-15T00:00:00-2359", INT64_C(1'729'036'740'000)},
		{"1969-12-31T23:59:59.999Z", -1},
		{"0000-01-01", INT64_C(-62'167'219'200'000)},
		{"0000-02-29", INT64_C(-62'162'121'600'000)},
		{"9999-12-31T23:59:59.999Z", INT64_C(253'402'300'799'999)},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct value value, again;
		char text[VALUE_TEXT_SIZE];
		assert_ok(value_parse_datetime(bytes_of_text(cases[i].text), &value));
		assert_int_equal(value.integer, cases[i].instant);
		assert_true(value_format_extension(&value, text));
		assert_ok(value_parse_datetime(bytes_of_text(text), &again));
		assert_int_equal(again.integer, cases[i].instant);
	}
}

static void
durations_are_milliseconds(void **) {
	static const struct {
		const char *text;
		int64_t milliseconds;
	} cases[] = {
		{"0ms", 0},
		{"-0d0h0m0s0ms", 0},
		{"1d2h3m4s5ms", INT64_C(93'784'005)},
		{"-1d1h1m1s1ms", INT64_C(-90'061'001)},
		{"1m1s", 61'000},
		{"90m", 90 * MINUTE_MS},
		{"9223372036854775807ms", INT64_MAX},
		{"-9223372036854775808ms", INT64_MIN},
		{"-1s9223372036854774808ms", INT64_MIN},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct value value, again;
		char text[VALUE_TEXT_SIZE];
		assert_ok(value_parse_duration(bytes_of_text(cases[i].text), &value));
		assert_int_equal(value.integer, cases[i].milliseconds);
		assert_true(value_format_extension(&value, text));
		assert_ok(value_parse_duration(bytes_of_text(text), &again));
		assert_true(value_equal(&value, &again));
	}
}

static void
sets_ignore_order_and_duplicates(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct value sorted = read_value(&arena, "[3,1,2,1,\"a\",[2,1],[1,2]]");
	assert_int_equal(sorted.set.count, 5);
	struct value inner[] = {value_long(1), value_long(2), value_long(2)};
	struct value items[] = {
		value_text("a"), value_long(3), {.type = VALUE_SET, .set = {inner, 3, false}},
		value_long(1),   value_long(3), value_long(2),
	};
	struct value loose = {.type = VALUE_SET, .set = {items, ARRAY_LENGTH(items), false}};
	assert_true(value_equal(&sorted, &loose));
	assert_true(value_equal(&loose, &sorted));
	assert_int_equal(value_compare(&sorted, &loose), 0);
	items[0] = value_text("b");
	assert_false(value_equal(&sorted, &loose));
	assert_true(value_compare(&sorted, &loose) < 0);
	assert_true(value_compare(&loose, &sorted) > 0);
	assert_written(&loose, "[1,2,3,\"b\",[1,2]]");
}

static void
a_sorted_set_finds_what_a_loose_one_finds(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	for (size_t count = 0; count < 40; count++) {
		struct value *items = ARENA_NEW_ARRAY(&arena, count, struct value);
		struct value *copies = ARENA_NEW_ARRAY(&arena, count, struct value);
		for (size_t i = 0; i < count; i++)
			items[i] = copies[i] = value_long((int64_t)((i * 7919 + count) % 50));
		struct value loose = {.type = VALUE_SET, .set = {items, count, false}};
		struct value sorted = value_set(copies, count);
		assert_true(value_equal(&loose, &sorted));
		for (int64_t i = -1; i < 51; i++) {
			struct value wanted = value_long(i);
			assert_int_equal(value_set_contains(&loose, &wanted), value_set_contains(&sorted, &wanted));
		}
	}
}

static void
values_of_different_types_are_unequal(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	static const char *const texts[] = {
		"true",
		"false",
		"1",
		"\"1\"",
		"[]",
		"{}",
		"[1]",
		"{\"a\":1}",
		"{\"a\":2}",
		"{\"b\":1}",
		"{\"a\":1,\"b\":1}",
		"{\"__entity\":{\"type\":\"A\",\"id\":\"1\"}}",
		"{\"__entity\":{\"type\":\"B\",\"id\":\"1\"}}",
		"{\"__entity\":{\"type\":\"A\",\"id\":\"2\"}}",
		"{\"__extn\":{\"fn\":\"decimal\",\"arg\":\"0.0001\"}}",
		"{\"__extn\":{\"fn\":\"duration\",\"arg\":\"1ms\"}}",
		"{\"__extn\":{\"fn\":\"datetime\",\"arg\":\"1970-01-01T00:00:00.001Z\"}}",
		"{\"__extn\":{\"fn\":\"ip\",\"arg\":\"1.2.3.4\"}}",
		"{\"__extn\":{\"fn\":\"ip\",\"arg\":\"1.2.3.4/31\"}}",
		"{\"__extn\":{\"fn\":\"ip\",\"arg\":\"102:304::\"}}",
	};
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++)
		for (size_t j = 0; j < ARRAY_LENGTH(texts); j++) {
			struct value a = read_value(&arena, texts[i]), b = read_value(&arena, texts[j]);
			assert_int_equal(value_equal(&a, &b), i == j);
			assert_int_equal(value_compare(&a, &b) == 0, i == j);
			assert_int_equal(value_compare(&a, &b) < 0, value_compare(&b, &a) > 0);
		}
}

static void
what_is_written_reads_back_equal(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	static const struct {
		const char *text, *canonical;
	} cases[] = {
		{"{\"b\":[3,2,2],\"a\":true}", "{\"a\":true,\"b\":[2,3]}"},
		{"{\"__entity\":{\"type\":\"Gatehouse::Person\",\"id\":\"p \\\"1\\\"\"}}",
		 "{\"__entity\":{\"id\":\"p \\\"1\\\"\",\"type\":\"Gatehouse::Person\"}}"},
		{"{\"__extn\":{\"fn\":\"ip\",\"arg\":\"10.0.0.0/8\"}}",
		 "{\"__extn\":{\"arg\":\"10.0.0.0/8\",\"fn\":\"ip\"}}"},
		{"{\"__extn\":{\"fn\":\"decimal\",\"args\":[\"-1.5\"]}}",
		 "{\"__extn\":{\"arg\":\"-1.5000\",\"fn\":\"decimal\"}}"},
		{"{\"__extn\":{\"fn\":\"datetime\",\"arg\":\"2026-11-21T10:00:00+0100\"}}",
		 "{\"__extn\":{\"arg\":\"2026-11-21T09:00:00.000Z\",\"fn\":\"datetime\"}}"},
		{"{\"__extn\":{\"fn\":\"offset\",\"args\":[{\"__extn\":{\"fn\":\"datetime\",\"arg\":\"1970-01-01\"}},"
		 "{\"__extn\":{\"fn\":\"duration\",\"arg\":\"-9223372036854775808ms\"}}]}}",
		 "{\"__extn\":{\"args\":[{\"__extn\":{\"arg\":\"1970-01-01\",\"fn\":\"datetime\"}},"
		 "{\"__extn\":{\"arg\":\"-9223372036854775808ms\",\"fn\":\"duration\"}}],\"fn\":\"offset\"}}"},
		{"{\"__extn\":{\"fn\":\"duration\",\"arg\":\"1h\"}}",
		 "{\"__extn\":{\"arg\":\"3600000ms\",\"fn\":\"duration\"}}"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct value value = read_value(&arena, cases[i].text);
		assert_written(&value, cases[i].canonical);
		struct value again = read_value(&arena, cases[i].canonical);
		assert_true(value_equal(&value, &again));
	}
}

static void
what_has_no_encoding_is_not_written(void **) {
	struct value number = value_long(INT64_C(1) << 53);
	struct value_field field = {BYTES_OF_LITERAL("__entity"), value_long(1)};
	struct value record = {.type = VALUE_RECORD, .record = {&field, 1}};
	const struct value *values[] = {&number, &record};
	for (size_t i = 0; i < ARRAY_LENGTH(values); i++) {
		_cleanup_(buffer_free) struct buffer buffer = {};
		struct json_writer writer;
		json_writer_start(&writer, &buffer);
		value_write(&writer, values[i]);
		assert_int_not_equal(json_writer_finish(&writer), OK);
	}
}

static void
malformed_text_is_refused_by_name(void **) {
	static const struct {
		enum status (*parse)(struct bytes, struct value *);
		const char *text, *name;
	} cases[] = {
		{value_parse_decimal, "", "value.decimal"},
		{value_parse_decimal, "1", "value.decimal"},
		{value_parse_decimal, "1.", "value.decimal"},
		{value_parse_decimal, ".1", "value.decimal"},
		{value_parse_decimal, "+1.0", "value.decimal"},
		{value_parse_decimal, "1.0 ", "value.decimal"},
		{value_parse_decimal, "1.0e1", "value.decimal"},
		{value_parse_decimal, "1.00000", "value.decimal_digits"},
		{value_parse_decimal, "922337203685477.5808", "value.decimal_range"},
		{value_parse_decimal, "-922337203685477.5809", "value.decimal_range"},
		{value_parse_decimal, "99999999999999999999999.0", "value.decimal_range"},
		{value_parse_ip, "", "value.ip"},
		{value_parse_ip, "1.2.3", "value.ip"},
		{value_parse_ip, "1.2.3.256", "value.ip"},
		{value_parse_ip, "1.2.3.04", "value.ip"},
		{value_parse_ip, "1.2.3.4/33", "value.ip"},
		{value_parse_ip, "1.2.3.4/08", "value.ip"},
		{value_parse_ip, "1.2.3.4/", "value.ip"},
		{value_parse_ip, "1.2.3.4/+8", "value.ip"},
		{value_parse_ip, " 1.2.3.4", "value.ip"},
		{value_parse_ip, ":", "value.ip"},
		{value_parse_ip, "1:2:3:4:5:6:7", "value.ip"},
		{value_parse_ip, "1:2:3:4:5:6:7:8:9", "value.ip"},
		{value_parse_ip, "1::2:3:4:5:6:7:8", "value.ip"},
		{value_parse_ip, "1::2::3", "value.ip"},
		{value_parse_ip, "::12345", "value.ip"},
		{value_parse_ip, "::ffff:1.2.3.4", "value.ip"},
		{value_parse_ip, "::1%lo", "value.ip"},
		{value_parse_ip, "::/129", "value.ip"},
		{value_parse_datetime, "", "value.datetime"},
		{value_parse_datetime, "2024-1-01", "value.datetime"},
		{value_parse_datetime, "10000-01-01", "value.datetime"},
		{value_parse_datetime, "2024-01-01T00:00Z", "value.datetime"},
		{value_parse_datetime, "2024-01-01T00:00:00", "value.datetime"},
		{value_parse_datetime, "2024-01-01T00:00:00.1Z", "value.datetime"},
		{value_parse_datetime, "2024-01-01T00:00:00+01:00", "value.datetime"},
		{value_parse_datetime, "2024-01-01T00:00:00Z ", "value.datetime"},
		{value_parse_datetime, "2023-02-29", "value.datetime_range"},
		{value_parse_datetime, "2024-13-01", "value.datetime_range"},
		{value_parse_datetime, "2024-01-01T24:00:00Z", "value.datetime_range"},
		{value_parse_datetime, "2016-12-31T23:59:60Z", "value.datetime_range"},
		{value_parse_datetime, "2024-01-01T00:00:00+2400", "value.datetime_range"},
		{value_parse_datetime, "2024-01-01T00:00:00-0060", "value.datetime_range"},
		{value_parse_duration, "", "value.duration"},
		{value_parse_duration, "-", "value.duration"},
		{value_parse_duration, "1", "value.duration"},
		{value_parse_duration, "1h1d", "value.duration"},
		{value_parse_duration, "1h1h", "value.duration"},
		{value_parse_duration, "1.5h", "value.duration"},
		{value_parse_duration, "1h ", "value.duration"},
		{value_parse_duration, "9223372036854775808ms", "value.duration_range"},
		{value_parse_duration, "-9223372036854775809ms", "value.duration_range"},
		{value_parse_duration, "43957947285540070011s", "value.duration_range"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct value value;
		print_message("# %s\n", cases[i].text);
		assert_fails(STATUS_INVALID, cases[i].name, cases[i].parse(bytes_of_text(cases[i].text), &value));
	}
}

static void
malformed_json_is_refused_by_name(void **) {
	static const struct {
		const char *text, *name;
	} cases[] = {
		{"null", "value.null"},
		{"[null]", "value.null"},
		{"{\"a\":null}", "value.null"},
		{"{\"__expr\":\"1\"}", "value.expression"},
		{"{\"__entity\":1}", "value.entity"},
		{"{\"__entity\":{\"type\":\"A\"}}", "value.entity.id"},
		{"{\"__entity\":{\"type\":\"A\",\"id\":1}}", "value.entity.id"},
		{"{\"__entity\":{\"type\":\"A\",\"id\":\"1\",\"x\":1}}", "value.entity.x"},
		{"{\"__entity\":{\"type\":\"A\",\"id\":\"1\"},\"x\":1}", "value.entity.x"},
		{"{\"__entity\":{\"type\":\"\",\"id\":\"1\"}}", "value.entity_type"},
		{"{\"__entity\":{\"type\":\"A::\",\"id\":\"1\"}}", "value.entity_type"},
		{"{\"__entity\":{\"type\":\"A:B\",\"id\":\"1\"}}", "value.entity_type"},
		{"{\"__entity\":{\"type\":\"1A\",\"id\":\"1\"}}", "value.entity_type"},
		{"{\"__entity\":{\"type\":\"A::in\",\"id\":\"1\"}}", "value.entity_type"},
		{"{\"__entity\":{\"type\":\"A B\",\"id\":\"1\"}}", "value.entity_type"},
		{"{\"__extn\":1}", "value.extension"},
		{"{\"__extn\":{\"fn\":\"ip\"}}", "value.extension_arguments"},
		{"{\"__extn\":{\"fn\":\"ip\",\"arg\":\"::\",\"args\":[]}}", "value.extension_arguments"},
		{"{\"__extn\":{\"fn\":\"ip\",\"arg\":1}}", "value.extension_arguments"},
		{"{\"__extn\":{\"fn\":\"ip\",\"args\":1}}", "value.extension_arguments"},
		{"{\"__extn\":{\"fn\":\"ip\",\"args\":[\"::\",\"::\"]}}", "value.extension_arguments"},
		{"{\"__extn\":{\"fn\":\"ip\",\"arg\":\"x\"}}", "value.ip"},
		{"{\"__extn\":{\"fn\":\"ip\",\"arg\":\"::\",\"x\":1}}", "value.extension.x"},
		{"{\"__extn\":{\"fn\":\"ip\",\"arg\":\"::\"},\"x\":1}", "value.extension.x"},
		{"{\"__extn\":{\"fn\":\"toDate\",\"arg\":\"::\"}}", "value.extension_function"},
		{"{\"__extn\":{\"fn\":\"offset\",\"args\":[]}}", "value.extension_arguments"},
		{"{\"__extn\":{\"fn\":\"offset\",\"args\":[1,2]}}", "value.extension_arguments"},
		{"{\"__extn\":{\"fn\":\"offset\",\"args\":[{\"__extn\":{\"fn\":\"datetime\",\"arg\":\"1970-01-02\"}},"
		 "{\"__extn\":{\"fn\":\"duration\",\"arg\":\"9223372036854775807ms\"}}]}}",
		 "value.datetime_overflow"},
	};
	_cleanup_(arena_free) struct arena arena = {};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct value value;
		print_message("# %s\n", cases[i].text);
		assert_fails(STATUS_INVALID, cases[i].name, value_read(&arena, parse(&arena, cases[i].text), &value));
	}
}

RUN_TESTS(T(decimals_are_read_exactly), T(addresses_are_read_and_written_in_their_shortest_form),
	  T(datetimes_are_milliseconds_since_1970), T(durations_are_milliseconds), T(sets_ignore_order_and_duplicates),
	  T(a_sorted_set_finds_what_a_loose_one_finds), T(values_of_different_types_are_unequal),
	  T(what_is_written_reads_back_equal), T(what_has_no_encoding_is_not_written),
	  T(malformed_text_is_refused_by_name), T(malformed_json_is_refused_by_name))
