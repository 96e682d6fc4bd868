#include "tests/test.h"
#include "model/facts.h"

static void
assert_json(const char *expected, void (*write)(struct json_writer *, const void *), const void *what) {
	_cleanup_(buffer_free) struct buffer out = {};
	struct json_writer writer;
	json_writer_start(&writer, &out);
	write(&writer, what);
	assert_ok(json_writer_finish(&writer));
	assert_bytes(bytes_of_text(expected), buffer_bytes(&out));
}

static void
write_value(struct json_writer *writer, const void *value) {
	value_write(writer, value);
}

static void
write_facts(struct json_writer *writer, const void *facts) {
	facts_write_by_name(writer, facts);
}

static void
add_examples(struct facts *facts) {
	const struct bytes networks[] = {BYTES_OF_LITERAL("b"), BYTES_OF_LITERAL("a"), BYTES_OF_LITERAL("b")};
	struct amount amount = {{0, 1, 0, 0}};
	facts_add_long(facts, "transfer.usd_cents", FACT_VERIFIED, 12'50);
	facts_add_boolean(facts, "zone.mismatch", FACT_REPORTED, false);
	facts_add_string(facts, "transfer.chain", FACT_VERIFIED, BYTES_OF_LITERAL("ethereum"));
	facts_add_amount(facts, "transfer.amount", FACT_VERIFIED, &amount);
	facts_add_long(facts, "transfer.price.age_ms", FACT_FEED, 30);
	facts_add_set_of_strings(facts, "zone.networks", FACT_VERIFIED, networks, ARRAY_LENGTH(networks));
	facts_add_boolean(facts, "zone_known", FACT_VERIFIED, true);
}

static void
dotted_names_become_nested_records(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct facts facts;
	struct value context;
	facts_start(&facts, &arena);
	add_examples(&facts);
	assert_ok(facts_context(&facts, &context));
	assert_json(
		"{\"transfer\":{\"amount\":\"18446744073709551616\",\"chain\":\"ethereum\",\"price\":{\"age_ms\":30},"
		"\"usd_cents\":1250},\"zone\":{\"mismatch\":false,\"networks\":[\"a\",\"b\"]},\"zone_known\":true}",
		write_value, &context);
}

static void
record_fields_are_sorted_and_unique(const struct value *record) {
	for (size_t i = 0; i < record->record.count; i++) {
		const struct value_field *field = &record->record.fields[i];
		if (i > 0)
			assert_true(bytes_compare(field[-1].name, field->name) < 0);
		if (field->value.type == VALUE_RECORD)
			record_fields_are_sorted_and_unique(&field->value);
	}
}

static void
records_are_sorted_whatever_the_order_of_adding(void **) {
	static const char *const names[] = {"b_a", "b.c", "B.c", "b0.z", "b.a.z", "b.a.Z", "a", "b.a0", "b.a_0", "b_"};
	static const size_t steps[] = {1, 3, 7, 9}; /* each goes through all ten */
	for (size_t way = 0; way < ARRAY_LENGTH(names) * ARRAY_LENGTH(steps); way++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct facts facts;
		struct value context;
		facts_start(&facts, &arena);
		for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
			facts_add_long(&facts,
				       names[(way + i * steps[way / ARRAY_LENGTH(names)]) % ARRAY_LENGTH(names)],
				       FACT_VERIFIED, 1);
		assert_ok(facts_context(&facts, &context));
		assert_int_equal(6, context.record.count);
		record_fields_are_sorted_and_unique(&context);
	}
}

static void
no_facts_are_an_empty_record(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct facts facts;
	struct value context;
	facts_start(&facts, &arena);
	assert_ok(facts_context(&facts, &context));
	assert_json("{}", write_value, &context);
	assert_json("{}", write_facts, &facts);
}

static void
a_long_that_does_not_fit_is_left_out_and_said_so(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct facts facts;
	facts_start(&facts, &arena);
	facts_add_long(&facts, "a.most", FACT_VERIFIED, JSON_INTEGER_MAX);
	facts_add_long(&facts, "a.least", FACT_VERIFIED, -JSON_INTEGER_MAX);
	facts_add_long(&facts, "a.above", FACT_VERIFIED, JSON_INTEGER_MAX + 1);
	facts_add_long(&facts, "a.below", FACT_FEED, INT64_MIN);
	assert_ok(facts_status(&facts));
	assert_null(facts_find(&facts, "a.above"));
	assert_json("{\"a.above_fits\":{\"origin\":\"verified\",\"value\":false},"
		    "\"a.below_fits\":{\"origin\":\"feed\",\"value\":false},"
		    "\"a.least\":{\"origin\":\"verified\",\"value\":-9007199254740991},"
		    "\"a.most\":{\"origin\":\"verified\",\"value\":9007199254740991}}",
		    write_facts, &facts);
}

static void
written_facts_are_read_back_the_same(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct facts facts, back;
	struct value context, context_back;
	facts_start(&facts, &arena);
	add_examples(&facts);
	_cleanup_(buffer_free) struct buffer first = {}, second = {};
	struct json_writer writer;
	json_writer_start(&writer, &first);
	facts_write(&writer, &facts);
	assert_ok(json_writer_finish(&writer));
	const json *document;
	assert_ok(json_read(&arena, buffer_bytes(&first), (struct json_limits){}, &document));
	facts_start(&back, &arena);
	assert_ok(facts_read(&back, document));
	json_writer_start(&writer, &second);
	facts_write(&writer, &back);
	assert_ok(json_writer_finish(&writer));
	assert_bytes(buffer_bytes(&first), buffer_bytes(&second));
	assert_int_equal(FACT_REPORTED, facts_find(&back, "zone.mismatch")->origin);
	assert_ok(facts_context(&facts, &context));
	assert_ok(facts_context(&back, &context_back));
	assert_true(value_equal(&context, &context_back));
}

static void
a_name_given_twice_or_malformed_fails_the_set(void **) {
	static const char *const bad[] = {
		"given", "",          ".a",
		"a.",    "a..b",      "a-b",
		"a b",   "a.b.c.d.e", "a123456789012345678901234567890123456789012345678901234567890123"};
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct facts facts;
		struct value context;
		facts_start(&facts, &arena);
		facts_add_long(&facts, "given", FACT_VERIFIED, 1);
		facts_add_long(&facts, bad[i], FACT_VERIFIED, 2);
		assert_fails(STATUS_INTERNAL, "facts.incomplete", facts_context(&facts, &context));
	}
}

/* Names are looked at by sixteen characters: a bad one is found at every place of names of every length. */
static void
a_bad_character_is_found_wherever_it_stands(void **) {
	static const char bad[] = {'-', ' ',    '/',    ':',    '@',    '[', '`', '{',
				   '^', '\x7f', '\x80', '\xff', '\x01', '~', ','};
	char name[64];
	for (size_t len = 1; len < sizeof name; len++)
		for (size_t at = 0; at < len; at++) {
			_cleanup_(arena_free) struct arena arena = {.block_size = 8 * 1024};
			struct facts facts;
			memset(name, 'b', sizeof name);
			name[len] = '\0';
			facts_start(&facts, &arena);
			name[at] = "azAZ09_"[at % 7];
			facts_add_long(&facts, name, FACT_VERIFIED, 1);
			assert_ok(facts_status(&facts));
			assert_non_null(facts_find(&facts, name));
			name[at] = bad[(len + at) % sizeof bad];
			facts_add_long(&facts, name, FACT_VERIFIED, 1);
			assert_fails(STATUS_INTERNAL, "facts.incomplete", facts_status(&facts));
			/* A dot is good only between others. */
			facts_start(&facts, &arena);
			name[at] = '.';
			facts_add_long(&facts, name, FACT_VERIFIED, 1);
			assert_true((facts_status(&facts) == OK) == (at > 0 && at + 1 < len));
			if (at == 0 || at + 2 >= len)
				continue;
			facts_start(&facts, &arena);
			name[at + 1] = '.';
			facts_add_long(&facts, name, FACT_VERIFIED, 1);
			assert_fails(STATUS_INTERNAL, "facts.incomplete", facts_status(&facts));
		}
}

/* More facts than most operations have: they stay in order, and each is found. */
static void
many_facts_are_all_found(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct facts facts;
	struct value context;
	facts_start(&facts, &arena);
	facts_add_long(&facts, "first.of_all", FACT_FEED, 7);
	const struct fact *first = facts_find(&facts, "first.of_all");
	for (int i = 0; i < 190; i++)
		facts_add_long(&facts, arena_format(&arena, "part%d.number%d", i % 11, 190 - i), FACT_VERIFIED, i);
	assert_ok(facts_context(&facts, &context));
	assert_int_equal(12, context.record.count);
	assert_int_equal(7, first->value.integer);
	for (int i = 0; i < 190; i++) {
		int64_t number;
		assert_true(facts_long_at(&facts, arena_format(&arena, "part%d.number%d", i % 11, 190 - i), &number));
		assert_int_equal(i, number);
	}
}

static void
a_fact_that_is_also_a_record_is_refused(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct facts facts;
	struct value context;
	facts_start(&facts, &arena);
	facts_add_long(&facts, "zone.name", FACT_VERIFIED, 1);
	facts_add_long(&facts, "zone", FACT_VERIFIED, 2);
	assert_fails(STATUS_INTERNAL, "facts.nested", facts_context(&facts, &context));
}

static void
more_facts_than_there_is_room_for_fail_the_set(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct facts facts;
	facts_start(&facts, &arena);
	for (size_t i = 0; i <= FACTS_MAX; i++) {
		assert_ok(facts_status(&facts));
		facts_add_long(&facts, arena_format(&arena, "f%zu", i), FACT_VERIFIED, 1);
	}
	assert_fails(STATUS_INTERNAL, "facts.incomplete", facts_status(&facts));
}

static void
an_arena_without_room_fails_the_set(void **) {
	_cleanup_(arena_free) struct arena arena = {.limit = 64};
	struct facts facts;
	facts_start(&facts, &arena);
	for (size_t i = 0; i < 8; i++)
		facts_add_string(&facts, (const char *[]){"a", "b", "c", "d", "e", "f", "g", "h"}[i], FACT_VERIFIED,
				 BYTES_OF_LITERAL("0123456789"));
	assert_fails(STATUS_INTERNAL, "facts.incomplete", facts_status(&facts));
}

static void
bad_records_are_refused_by_name(void **) {
	static const struct {
		const char *text, *name;
	} cases[] = {
		{"[]", "facts"},
		{"{\"a\":{}}", "facts.origin"},
		{"{\"rumoured\":{\"a\":1}}", "facts.origin"},
		{"{\"feed\":1}", "facts.group"},
		{"{\"feed\":[]}", "facts.group"},
		{"{\"feed\":{\"a.\":1}}", "facts.name"},
		{"{\"feed\":{\"a\\u0000b\":1}}", "facts.name"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct facts facts;
		const json *document;
		facts_start(&facts, &arena);
		assert_ok(json_read(&arena, bytes_of_text(cases[i].text), (struct json_limits){}, &document));
		assert_fails(STATUS_INVALID, cases[i].name, facts_read(&facts, document));
	}
}

RUN_TESTS(T(dotted_names_become_nested_records), T(records_are_sorted_whatever_the_order_of_adding),
	  T(no_facts_are_an_empty_record), T(a_long_that_does_not_fit_is_left_out_and_said_so),
	  T(written_facts_are_read_back_the_same), T(a_name_given_twice_or_malformed_fails_the_set),
	  T(a_bad_character_is_found_wherever_it_stands), T(many_facts_are_all_found),
	  T(a_fact_that_is_also_a_record_is_refused), T(more_facts_than_there_is_room_for_fail_the_set),
	  T(an_arena_without_room_fails_the_set), T(bad_records_are_refused_by_name))
