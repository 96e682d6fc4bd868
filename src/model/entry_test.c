#include "tests/test.h"

#include "model/entry.h"

static void
an_entry_is_canonical_json_and_read_back(void **) {
	_cleanup_(buffer_free) struct buffer leaf = {};
	_cleanup_(arena_free) struct arena arena = {};
	struct entry entry = {.type = ENTRY_DECISION,
			      .seq = 17,
			      .at_ms = 1'767'225'600'000,
			      .body = BYTES_OF_LITERAL("{\"a\":{\"b\":1}}")};
	struct entry read;
	assert_ok(entry_write(&entry, &leaf));
	assert_bytes(BYTES_OF_LITERAL("{\"at\":1767225600000,\"body\":{\"a\":{\"b\":1}},\"seq\":17,\"type\":"
				      "\"decision\",\"version\":1}"),
		     buffer_bytes(&leaf));
	assert_ok(json_check_canonical(&arena, buffer_bytes(&leaf)));
	assert_ok(entry_peek(buffer_bytes(&leaf), &read));
	assert_int_equal(read.type, ENTRY_DECISION);
	assert_int_equal(read.seq, 17);
	assert_int_equal(read.at_ms, entry.at_ms);
	assert_ok(entry_read(&arena, buffer_bytes(&leaf), &read));
	assert_int_equal(read.type, ENTRY_DECISION);
	assert_int_equal(read.seq, 17);
	assert_int_equal(read.at_ms, entry.at_ms);
	assert_bytes(entry.body, read.body);
	assert_int_equal(json_integer(json_get(json_get(read.document, "a"), "b")), 1);
}

static void
every_type_has_a_name_and_is_found_by_it(void **) {
	for (size_t i = 0; i < ENTRY_TYPES; i++) {
		enum entry_type type;
		assert_non_null(entry_kinds[i].name);
		assert_true(entry_kinds[i].version >= 1);
		assert_ok(entry_type_parse(bytes_of_text(entry_kinds[i].name), &type));
		assert_int_equal(type, i);
	}
}

static void
counts_are_read_as_written_and_canonical(void **) {
	_cleanup_(buffer_free) struct buffer body = {};
	_cleanup_(arena_free) struct arena arena = {};
	uint64_t counts[ENTRY_TYPES] = {[ENTRY_START] = 2, [ENTRY_GENESIS] = 1, [ENTRY_CLOCK] = 30, [ENTRY_COUNTS] = 5};
	uint64_t read[ENTRY_TYPES];
	const json *document;
	assert_ok(entry_write_counts(counts, &body));
	assert_bytes(BYTES_OF_LITERAL("{\"counts\":{\"clock\":30,\"counts\":5,\"genesis\":1,\"start\":2}}"),
		     buffer_bytes(&body));
	assert_ok(json_read(&arena, buffer_bytes(&body), (struct json_limits){}, &document));
	assert_ok(entry_read_counts(document, read));
	assert_memory_equal(counts, read, sizeof counts);
}

static void
every_type_at_once_is_still_canonical(void **) {
	_cleanup_(buffer_free) struct buffer body = {};
	_cleanup_(arena_free) struct arena arena = {};
	uint64_t counts[ENTRY_TYPES];
	for (size_t i = 0; i < ENTRY_TYPES; i++)
		counts[i] = i + 1;
	assert_ok(entry_write_counts(counts, &body));
	assert_ok(json_check_canonical(&arena, buffer_bytes(&body)));
}

static void
bad_entries_are_refused_by_name(void **) {
	static const struct {
		const char *name;
		enum status status;
		const char *leaf;
	} cases[] = {
		{"json.syntax", STATUS_INVALID, "{"},
		{"entry.object", STATUS_INVALID, "[]"},
		{"entry.type", STATUS_INVALID, "{\"at\":1,\"body\":{},\"seq\":0,\"version\":1}"},
		{"entry.type", STATUS_UNSUPPORTED,
		 "{\"at\":1,\"body\":{},\"seq\":0,\"type\":\"prophecy\",\"version\":1}"},
		{"entry.version", STATUS_UNSUPPORTED,
		 "{\"at\":1,\"body\":{},\"seq\":0,\"type\":\"start\",\"version\":2}"},
		{"entry.version", STATUS_INVALID, "{\"at\":1,\"body\":{},\"seq\":0,\"type\":\"start\"}"},
		{"entry.at", STATUS_INVALID, "{\"at\":-1,\"body\":{},\"seq\":0,\"type\":\"start\",\"version\":1}"},
		{"entry.seq", STATUS_INVALID, "{\"at\":1,\"body\":{},\"seq\":\"0\",\"type\":\"start\",\"version\":1}"},
		{"entry.body", STATUS_INVALID, "{\"at\":1,\"body\":[],\"seq\":0,\"type\":\"start\",\"version\":1}"},
		{"entry.more", STATUS_INVALID,
		 "{\"at\":1,\"body\":{},\"more\":0,\"seq\":0,\"type\":\"start\",\"version\":1}"},
		{"entry.canonical", STATUS_INVALID,
		 "{\"body\":{},\"at\":1,\"seq\":0,\"type\":\"start\",\"version\":1}"},
		{"entry.canonical", STATUS_INVALID,
		 "{\"at\":1,\"seq\":0,\"type\":\"start\",\"version\":1,\"body\":{}}"},
		{"entry.canonical", STATUS_INVALID,
		 "{\"at\":1,\"body\":{} ,\"seq\":0,\"type\":\"start\",\"version\":1}"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct entry entry;
		assert_fails(cases[i].status, cases[i].name, entry_read(&arena, bytes_of_text(cases[i].leaf), &entry));
	}
}

static void
bad_ends_of_entries_are_refused_by_name(void **) {
	static const struct {
		const char *name;
		enum status status;
		const char *leaf;
	} cases[] = {
		{"entry.head", STATUS_INVALID, ""},
		{"entry.head", STATUS_INVALID, "{\"at\":x"},
		{"entry.head", STATUS_INVALID, "{\"at\":01,\"body\":{},\"seq\":0,\"type\":\"start\",\"version\":1}"},
		{"entry.head", STATUS_INVALID, "{\"at\":99999999999999999,\"body\":{}"},
		{"entry.tail", STATUS_INVALID, "{\"at\":1,\"body\":{"},
		{"entry.tail", STATUS_INVALID, "{\"at\":1,\"body\":{}}"},
		{"entry.tail", STATUS_INVALID, "{\"at\":1,\"body\":{},\"seq\":0,\"type\":\"start\",\"version\":1} "},
		{"entry.tail", STATUS_INVALID, "{\"at\":1,\"body\":{},\"seq\":-1,\"type\":\"start\",\"version\":1}"},
		{"entry.type", STATUS_UNSUPPORTED, "{\"at\":1,\"body\":{},\"seq\":0,\"type\":\"x\",\"version\":1}"},
		{"entry.version", STATUS_UNSUPPORTED,
		 "{\"at\":1,\"body\":{},\"seq\":0,\"type\":\"start\",\"version\":2}"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct entry entry;
		assert_fails(cases[i].status, cases[i].name, entry_peek(bytes_of_text(cases[i].leaf), &entry));
	}
}

static void
bad_counts_are_refused_by_name(void **) {
	static const struct {
		const char *name, *body;
	} cases[] = {
		{"entry.counts.more", "{\"counts\":{},\"more\":1}"}, {"entry.counts.counts", "{}"},
		{"entry.type", "{\"counts\":{\"prophecy\":1}}"},     {"entry.counts", "{\"counts\":{\"start\":0}}"},
		{"entry.counts", "{\"counts\":{\"start\":\"1\"}}"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		uint64_t counts[ENTRY_TYPES];
		const json *document;
		char name[64];
		assert_ok(json_read(&arena, bytes_of_text(cases[i].body), (struct json_limits){}, &document));
		assert_int_not_equal(entry_read_counts(document, counts), OK);
		fail_name(name, sizeof name);
		assert_string_equal(name, cases[i].name);
	}
}

static void
an_entry_that_is_too_large_or_has_no_object_is_not_written(void **) {
	_cleanup_(buffer_free) struct buffer leaf = {}, body = {};
	struct entry entry = {.type = ENTRY_REFUSAL, .body = BYTES_OF_LITERAL("[]")};
	assert_fails(STATUS_INTERNAL, "entry.body", entry_write(&entry, &leaf));
	buffer_append_text(&body, "{\"text\":\"");
	while (body.len < ENTRY_SIZE_MAX)
		buffer_append_text(&body, "long");
	buffer_append_text(&body, "\"}");
	entry.body = buffer_bytes(&body);
	assert_fails(STATUS_TOO_LARGE, "entry.size", entry_write(&entry, &leaf));
	assert_int_equal(leaf.len, 0);
	entry = (struct entry){.type = ENTRY_REFUSAL, .at_ms = -1, .body = BYTES_OF_LITERAL("{}")};
	assert_fails(STATUS_INTERNAL, "entry.range", entry_write(&entry, &leaf));
}

RUN_TESTS(T(an_entry_is_canonical_json_and_read_back), T(every_type_has_a_name_and_is_found_by_it),
	  T(counts_are_read_as_written_and_canonical), T(every_type_at_once_is_still_canonical),
	  T(bad_entries_are_refused_by_name), T(bad_ends_of_entries_are_refused_by_name),
	  T(bad_counts_are_refused_by_name), T(an_entry_that_is_too_large_or_has_no_object_is_not_written))
