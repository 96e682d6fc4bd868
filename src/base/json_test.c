#include "tests/test.h"
#include "base/json.h"

static void
canonical_form_sorts_keys_and_keeps_integers_exact(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	const json *root;
	assert_ok(json_read(&arena, BYTES_OF_LITERAL(" {\"b\":[1,-2,true,null], \"a\" : \"x\\u00e9\\n\"} "),
			    (struct json_limits){}, &root));
	_cleanup_(buffer_free) struct buffer out = {};
	struct json_writer writer;
	json_writer_start(&writer, &out);
	json_write_value(&writer, root);
	assert_ok(json_writer_finish(&writer));
	assert_true(
		bytes_equal(buffer_bytes(&out), BYTES_OF_LITERAL("{\"a\":\"x\xc3\xa9\\n\",\"b\":[1,-2,true,null]}")));
	assert_ok(json_check_canonical(&arena, buffer_bytes(&out)));
}

static void
bad_input_is_refused_by_name(void **) {
	static const struct {
		const char *text, *name;
	} cases[] = {
		{"", "json.syntax"},
		{"{\"a\":1,\"a\":2}", "json.duplicate_key"},
		{"{\"a\":{\"b\":1,\"\\u0062\":2}}", "json.duplicate_key"},
		{"{\"a\":1.0}", "json.float"},
		{"{\"a\":1e3}", "json.float"},
		{"9007199254740992", "json.integer"},
		{"-9007199254740992", "json.integer"},
		{"18446744073709551616", "json.integer"},
		{"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", "json.depth"},
		{"\"\xff\"", "json.syntax"},
		{"{\"a\":1}x", "json.syntax"},
		{"{\"a\":01}", "json.syntax"},
		{"\"\t\"", "json.syntax"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		const json *root;
		assert_fails(STATUS_INVALID, cases[i].name,
			     json_read(&arena, bytes_of_text(cases[i].text), (struct json_limits){}, &root));
	}
}

/* Names count, what strings hold does not. */
static void
more_values_than_are_wanted_are_refused_before_they_are_read(void **) {
	static const struct {
		const char *text;
		size_t values;
	} cases[] = {
		{"1", 1},
		{"[1,1,1]", 4},
		{"{\"a\":[1],\"b\":{\"c\":null}}", 8},
		{"[\"[,:{\",\"\\\",:\"]", 3},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct bytes text = bytes_of_text(cases[i].text);
		const json *root;
		assert_ok(json_read(&arena, text, (struct json_limits){.values = cases[i].values}, &root));
		assert_ok(json_read(&arena, text, (struct json_limits){}, &root));
		if (cases[i].values > 1)
			assert_fails(
				STATUS_INVALID, "json.values",
				json_read(&arena, text, (struct json_limits){.values = cases[i].values - 1}, &root));
	}
}

static void
writer_refuses_keys_out_of_order(void **) {
	_cleanup_(buffer_free) struct buffer out = {};
	struct json_writer writer;
	json_writer_start(&writer, &out);
	json_write_object(&writer);
	json_write_member_integer(&writer, "b", 1);
	json_write_member_integer(&writer, "a", 1);
	json_write_end(&writer);
	assert_int_equal(STATUS_INTERNAL, json_writer_finish(&writer));
}

static void
int64_integers_stay_exact_where_asked(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	const json *root;
	assert_ok(json_read(&arena, BYTES_OF_LITERAL("[-9223372036854775808,9223372036854775807]"),
			    (struct json_limits){.integers = JSON_INT64_INTEGERS}, &root));
	struct json_iterator iterator = json_iterate(root);
	assert_true(json_integer(json_next(&iterator, nullptr)) == INT64_MIN);
	assert_true(json_integer(json_next(&iterator, nullptr)) == INT64_MAX);
	assert_null(json_next(&iterator, nullptr));
}

static void
members_are_looked_for_in_objects_only(void **) {
	static const char *const texts[] = {"[-8]", "[\"a\"]", "\"a\"", "1", "null", "[]", "true"};
	static const char *const names[] = {"a", nullptr};
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		const json *root, *member;
		assert_ok(json_read(&arena, bytes_of_text(texts[i]), (struct json_limits){}, &root));
		assert_fails(STATUS_INVALID, "document", json_only(root, "document", names));
		assert_fails(STATUS_INVALID, "document", json_need(root, "document", "a", JSON_STRING, &member));
	}
}

static void
selected_members_are_those_that_a_parser_finds(void **) {
	static const char *const keys[] = {"a", "b", "d", nullptr};
	static const struct {
		const char *object, *selected;
	} cases[] = {
		{"{}", "{}"},
		{"{\"a\":1}", "{\"a\":1}"},
		{"{\"c\":{\"a\":2}}", "{}"},
		{"{\"a\":[1,{\"b\":\"]}\"}],\"b\":\"x\\\"},\\\\\",\"c\":[[],{}],\"d\":{\"e\":-1}}",
		 "{\"a\":[1,{\"b\":\"]}\"}],\"b\":\"x\\\"},\\\\\",\"d\":{\"e\":-1}}"},
		{"{\"aa\":1,\"b\":true,\"c\":null}", "{\"b\":true}"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(buffer_free) struct buffer out = {};
		assert_ok(json_select(bytes_of_text(cases[i].object), keys, &out));
		assert_true(bytes_equal_text(buffer_bytes(&out), cases[i].selected));
		struct bytes text;
		assert_fails(STATUS_NOT_FOUND, "json.select",
			     json_member_text(bytes_of_text(cases[i].object), "e", &text));
	}
}

static void
one_member_is_found_as_it_stands(void **) {
	struct bytes text;
	assert_ok(json_member_text(BYTES_OF_LITERAL("{\"a\":{\"b\":1},\"b\":[\"}\"],\"c\":-7}"), "b", &text));
	assert_true(bytes_equal_text(text, "[\"}\"]"));
	assert_ok(json_member_text(BYTES_OF_LITERAL("{\"a\":{\"b\":1},\"c\":-7}"), "c", &text));
	assert_true(bytes_equal_text(text, "-7"));
}

/* Values are skipped in blocks of 64 bytes: quotes, backslashes and brackets at every place of one, and around its edges. */
static void
a_skipped_value_ends_where_a_parser_says_wherever_its_marks_stand(void **) {
	static const char *const marks[] = {"\\\\", "\\\"", "]", "}", "[{", "\\\\\\\"]", "\\\\\\\\"};
	for (size_t mark = 0; mark < ARRAY_LENGTH(marks); mark++)
		for (size_t before = 0; before < 140; before++) {
			_cleanup_(buffer_free) struct buffer text = {};
			struct bytes first, second;
			buffer_append_text(&text, "{\"a\":[{\"k\":\"");
			for (size_t i = 0; i < before; i++)
				buffer_append_byte(&text, 'x');
			buffer_append_text(&text, marks[mark]);
			buffer_append_text(&text, "\"},[\"]\",-1,[]]],\"b\":\"");
			buffer_append_text(&text, marks[mark]);
			buffer_append_text(&text, "\"}");
			assert_ok(buffer_status(&text));
			struct bytes object = buffer_bytes(&text);
			assert_ok(json_member_text(object, "a", &first));
			assert_int_equal(first.len, 7 + before + strlen(marks[mark]) + 15);
			assert_ok(json_member_text(object, "b", &second));
			assert_int_equal(second.len, strlen(marks[mark]) + 2);
			/* Cut anywhere, it is no object. */
			for (size_t len = 6; len < object.len; len += 1 + len % 7)
				assert_fails(STATUS_INVALID, "json.select",
					     json_member_text(bytes_of(object.data, len), "b", &second));
		}
}

static void
a_string_is_written_as_it_is_read_wherever_its_special_characters_stand(void **) {
	static const char *const marks[] = {"\"", "\\", "\x1f", "\x7f", "\n", "\xc3\xa9", " "};
	for (size_t mark = 0; mark < ARRAY_LENGTH(marks); mark++)
		for (size_t before = 0; before < 40; before++) {
			_cleanup_(buffer_free) struct buffer text = {}, written = {};
			_cleanup_(arena_free) struct arena arena = {};
			struct json_writer writer;
			const json *read;
			for (size_t i = 0; i < before; i++)
				buffer_append_byte(&text, (uint8_t)('a' + i % 26));
			buffer_append_text(&text, marks[mark]);
			buffer_append_text(&text, "and what follows it");
			json_writer_start(&writer, &written);
			json_write_array(&writer);
			json_write_string(&writer, buffer_bytes(&text));
			json_write_end(&writer);
			assert_ok(json_writer_finish(&writer));
			assert_ok(json_read(&arena, buffer_bytes(&written), (struct json_limits){}, &read));
			struct json_iterator iterator = json_iterate(read);
			assert_true(bytes_equal(json_string(json_next(&iterator, nullptr)), buffer_bytes(&text)));
		}
}

/* Keys are looked at and compared by eight and sixteen characters: of every length, with every kind of character at every place. */
static void
a_key_is_escaped_and_in_order_wherever_its_characters_stand(void **) {
	static const char marks[] = {'"', '\\', ' ', '~', '\x01', '\x1f', '\x7f', '\x80', '!'};
	char key[40], other[40];
	for (size_t len = 1; len < sizeof key; len++)
		for (size_t at = 0; at < len; at++) {
			_cleanup_(arena_free) struct arena arena = {};
			char mark = marks[(len * 7 + at) % sizeof marks];
			bool is_printable = mark >= 0x20 && mark < 0x7f;
			memset(key, 'k', sizeof key);
			memset(other, 'k', sizeof other);
			key[at] = mark;
			for (int order = 0; order < 2; order++) {
				_cleanup_(buffer_free) struct buffer out = {};
				struct json_writer writer;
				const json *read;
				struct bytes marked = bytes_of(key, len), plain = bytes_of(other, len + len % 3);
				struct bytes first = order == 0 ? marked : plain, second = order == 0 ? plain : marked;
				bool is_fit = is_printable && bytes_compare(first, second) < 0;
				json_writer_start(&writer, &out);
				json_write_object(&writer);
				json_write_key_bytes(&writer, first);
				json_write_integer(&writer, 1);
				json_write_key_bytes(&writer, second);
				json_write_integer(&writer, 2);
				json_write_end(&writer);
				assert_true((json_writer_finish(&writer) == OK) == is_fit);
				if (!is_fit)
					continue;
				assert_ok(json_read(&arena, buffer_bytes(&out), (struct json_limits){}, &read));
				assert_int_equal(1, json_integer(json_get_bytes(read, first)));
				assert_int_equal(2, json_integer(json_get_bytes(read, second)));
			}
		}
}

/* Canonical keys stand in order, so nothing that is asked for follows. */
static void
what_stands_behind_the_last_wanted_member_is_not_looked_at(void **) {
	static const char *const keys[] = {"b", "a", nullptr};
	_cleanup_(buffer_free) struct buffer out = {};
	static const char *const early[] = {"A", "", nullptr};
	assert_ok(json_select(BYTES_OF_LITERAL("{\"\":0,\"\\\"\":1,\"A\":2}"), early, &out));
	assert_true(bytes_equal_text(buffer_bytes(&out), "{\"\":0,\"A\":2}"));
	buffer_reset(&out);
	assert_ok(json_select(BYTES_OF_LITERAL("{\"\":0,\"a\":1,\"b\":2,\"ba\":3,\"c\":\"and no more"), keys, &out));
	assert_true(bytes_equal_text(buffer_bytes(&out), "{\"a\":1,\"b\":2}"));
	assert_fails(STATUS_INVALID, "json.select", json_select(BYTES_OF_LITERAL("{\"a\":1,\"b"), keys, &out));
	assert_fails(STATUS_INVALID, "json.select", json_select(BYTES_OF_LITERAL("{\"a\":1,\"bb\":2"), keys, &out));
}

static void
members_of_members_are_selected(void **) {
	static const struct json_wanted of_c[] = {{"d"}, {}}, of_b[] = {{"a"}, {"c", of_c}, {}},
					wanted[] = {{"a"}, {"b", of_b}, {}};
	static const struct {
		const char *object, *selected;
	} cases[] = {
		{"{}", "{}"},
		{"{\"b\":{}}", "{\"b\":{}}"},
		{"{\"a\":{\"b\":2},\"b\":{\"a\":1,\"b\":\"}\",\"c\":{\"c\":[],\"d\":{\"e\":1}}}}",
		 "{\"a\":{\"b\":2},\"b\":{\"a\":1,\"c\":{\"d\":{\"e\":1}}}}"},
		/* What stands behind the last wanted of an inner object is skipped, and the outer one goes on. */
		{"{\"B\":{\"z\":0},\"a\":0,\"b\":{\"a\":1,\"d\":\"}\\\"\",\"e\":{\"f\":[{}]}},\"ba\":3,\"c\":\"and no "
		 "more",
		 "{\"a\":0,\"b\":{\"a\":1}}"},
		{"{\"a\":1,\"b\":[{\"c\":2}]}", "{\"a\":1,\"b\":[{\"c\":2}]}"},
		{"{\"b\":{\"c\":-7}}", "{\"b\":{\"c\":-7}}"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(buffer_free) struct buffer out = {};
		assert_ok(json_select_within(bytes_of_text(cases[i].object), wanted, &out));
		assert_true(bytes_equal_text(buffer_bytes(&out), cases[i].selected));
	}
}

static void
nothing_is_selected_from_what_is_no_object(void **) {
	static const struct json_wanted inner[] = {{"b"}, {}}, nested[] = {{"a", inner}, {}};
	static const char *const keys[] = {"a", nullptr};
	static const char *const cut[] = {"{\"a\":{\"b\"", "{\"a\":{\"b\":1,\"c\":2}", "{\"a\":{\"b\":1}",
					  "{\"a\":{\"c\":[}"};
	static const char *const texts[] = {
		"",           "{",          "[]",          "{\"a\"}",        "{\"a\":}",        "{\"a\":1",
		"{\"a\":1,}", "{\"a\":1}}", "{\"a\":\"1}", "{\"a\":\"\\\"}", "{\"a\":[1}",      "{\"a\":1]}",
		"{\"a\":1} ", "{a:1}",      "{ \"a\":1}",  "{\"a\" :1}",     "{\"a\":{\"b\":[}"};
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
		_cleanup_(buffer_free) struct buffer out = {};
		assert_fails(STATUS_INVALID, "json.select", json_select(bytes_of_text(texts[i]), keys, &out));
		assert_fails(STATUS_INVALID, "json.select", json_select_within(bytes_of_text(texts[i]), nested, &out));
	}
	for (size_t i = 0; i < ARRAY_LENGTH(cut); i++) {
		_cleanup_(buffer_free) struct buffer out = {};
		assert_fails(STATUS_INVALID, "json.select", json_select_within(bytes_of_text(cut[i]), nested, &out));
	}
}

static void
a_float_is_refused_or_reads_as_nothing(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	const json *root;
	int64_t number;
	struct bytes text = BYTES_OF_LITERAL("{\"a\":[0.5,1e3],\"b\":2.0,\"c\":2}");
	assert_fails(STATUS_INVALID, "json.float", json_read(&arena, text, (struct json_limits){}, &root));
	assert_ok(json_read(&arena, text, (struct json_limits){.floats_as_null = true}, &root));
	assert_int_equal(JSON_NULL, json_type_of(json_get(root, "b")));
	assert_fails(STATUS_INVALID, "test.b", json_need_integer(root, "test", "b", &number));
	assert_fails(STATUS_INVALID, "test.absent", json_need_integer(root, "test", "absent", &number));
	assert_string_equal("test.absent: missing, expected integer", fail_message());
	assert_ok(json_need_integer(root, "test", "c", &number));
}

RUN_TESTS(T(a_float_is_refused_or_reads_as_nothing), T(canonical_form_sorts_keys_and_keeps_integers_exact),
	  T(bad_input_is_refused_by_name), T(more_values_than_are_wanted_are_refused_before_they_are_read),
	  T(writer_refuses_keys_out_of_order), T(int64_integers_stay_exact_where_asked),
	  T(members_are_looked_for_in_objects_only), T(selected_members_are_those_that_a_parser_finds),
	  T(members_of_members_are_selected), T(one_member_is_found_as_it_stands),
	  T(a_skipped_value_ends_where_a_parser_says_wherever_its_marks_stand),
	  T(a_string_is_written_as_it_is_read_wherever_its_special_characters_stand),
	  T(a_key_is_escaped_and_in_order_wherever_its_characters_stand),
	  T(what_stands_behind_the_last_wanted_member_is_not_looked_at), T(nothing_is_selected_from_what_is_no_object))
