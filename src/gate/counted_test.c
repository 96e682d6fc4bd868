/* What others have counted: kept for itself by teller, what the log says beyond a connection, and handed on without loss. */
#include "tests/test.h"

#include <malloc.h>

#include "base/time.h"
#include "gate/others.h"
#include "tests/counted_cents.h"

constexpr int64_t NOW_MS = INT64_C(1'800'000'000'000);
static const struct bytes VAULT = {(const uint8_t *)"vault", 5};

struct example {
	struct limit_part parts[2];
	struct spend spend;
};

/* Of this key, and of the account "hot". */
static const struct spend *
spend_of(struct example *example, uint8_t operation, uint8_t identity, const char *key, int64_t cents, int64_t at_ms) {
	example->parts[0] = (struct limit_part){LIMIT_KEY, bytes_of_text(key), cents};
	example->parts[1] = (struct limit_part){LIMIT_ACCOUNT, BYTES_OF_LITERAL("hot"), cents};
	example->spend = (struct spend){.at_ms = at_ms, .parts = example->parts, .part_count = 2};
	memset(example->spend.operation, operation, sizeof example->spend.operation);
	memset(example->spend.identity, identity, sizeof example->spend.identity);
	return &example->spend;
}

struct fixture {
	struct counted_spends counted;
	struct limits *own;
	struct example example;
};

static void
start(struct fixture *f) {
	*f = (struct fixture){};
	assert_ok(limits_create(&f->own));
}

static void
end(struct fixture *f) {
	counted_free(&f->counted);
	limits_destroy(&f->own);
}

static int64_t
sum(const struct fixture *f) {
	return counted_cents(&f->counted, f->own, "vault", LIMIT_DAY, NOW_MS);
}

/* A keeper that lies fills its own room; that of the honest, who keep what it told and hand it on, is none the less for it. */
static void
what_is_handed_on_of_what_is_kept_takes_no_room(void **) {
	_cleanup_(end) struct fixture f;
	struct spend numbered;
	start(&f);
	for (size_t teller = 1; teller <= 2; teller++)
		for (size_t i = 0; i < COUNTED_OPERATIONS_MAX; i++) {
			numbered = *spend_of(&f.example, 1, 1, "vault", 1, NOW_MS);
			memcpy(numbered.operation, &i, sizeof i);
			memcpy(numbered.identity, &i, sizeof i);
			assert_ok(counted_add(&f.counted, (uint8_t)teller, &numbered));
			if (teller == 1)
				assert_ok(counted_keep(&f.counted, 1, &numbered));
		}
	assert_int_equal(COUNTED_OPERATIONS_MAX, f.counted.of_party[1]);
	assert_int_equal(0, f.counted.of_party[2]);
	assert_ok(counted_add(&f.counted, 2, spend_of(&f.example, 200, 200, "vault", 1, NOW_MS)));
	assert_fails(STATUS_TOO_LARGE, "counted.full",
		     counted_add(&f.counted, 1, spend_of(&f.example, 201, 201, "vault", 1, NOW_MS)));
	/* What is more than is kept is its own. */
	numbered = *spend_of(&f.example, 1, 1, "vault", 2, NOW_MS);
	memset(numbered.operation, 0, sizeof(size_t));
	memset(numbered.identity, 0, sizeof(size_t));
	assert_ok(counted_add(&f.counted, 3, &numbered));
	assert_int_equal(1, f.counted.of_party[3]);
	assert_int_equal(COUNTED_OPERATIONS_MAX + 2,
			 sum(&f)); /* the greater of the first, and the one of the second teller */
	counted_forget_party(&f.counted, 2);
	assert_int_equal(0, f.counted.of_party[2]);
	assert_int_equal(0, f.counted.handed_on_by_party[2]);
	assert_int_equal(COUNTED_OPERATIONS_MAX + 1, sum(&f));
}

static void
what_is_kept_stays_and_the_rest_goes_with_its_connection(void **) {
	_cleanup_(end) struct fixture f;
	static const uint8_t first[32] = {[0 ... 31] = 1}, second[32] = {[0 ... 31] = 2};
	start(&f);
	assert_ok(counted_add(&f.counted, 1, spend_of(&f.example, 1, 11, "vault", 100, NOW_MS)));
	assert_ok(counted_keep(&f.counted, 1, spend_of(&f.example, 2, 12, "vault", 10, NOW_MS)));
	assert_ok(counted_add(&f.counted, 2, spend_of(&f.example, 2, 12, "vault", 10, NOW_MS)));
	assert_int_equal(110, sum(&f));
	/* Whoever told it makes it no smaller by telling it again. */
	assert_ok(counted_add(&f.counted, 1, spend_of(&f.example, 2, 12, "vault", 1, NOW_MS - DAY_MS)));
	counted_withdraw(&f.counted, 1, second);
	assert_int_equal(110, sum(&f));
	counted_withdraw(&f.counted, 1, first);
	assert_int_equal(10, sum(&f));
	counted_forget_party(&f.counted, 1);
	counted_forget(&f.counted, second);
	assert_int_equal(10, sum(&f));
	assert_int_equal(1, f.counted.by_telling.count);
	counted_expire(&f.counted, NOW_MS + 7 * DAY_MS);
	assert_int_equal(0, f.counted.by_telling.count);
}

/* A released reservation is none: what another signed counts, as if this keeper had not known of it. */
static void
only_what_the_own_limits_hold_counts_there(void **) {
	_cleanup_(end) struct fixture f;
	static const uint8_t operation[32] = {[0 ... 31] = 1};
	start(&f);
	assert_ok(limits_apply(f.own, spend_of(&f.example, 1, 11, "vault", 100, NOW_MS)));
	assert_ok(counted_add(&f.counted, 1, spend_of(&f.example, 1, 11, "vault", 100, NOW_MS)));
	assert_int_equal(0, sum(&f));
	assert_ok(limits_release(f.own, operation));
	for (size_t restarts = 0; restarts < 2; restarts++) {
		_cleanup_(buffer_free) struct buffer snapshot = {};
		assert_false(limits_holds(f.own, operation));
		assert_int_equal(100, sum(&f));
		assert_ok(limits_write(f.own, &snapshot));
		limits_destroy(&f.own);
		assert_ok(limits_create(&f.own));
		assert_ok(limits_read(f.own, buffer_bytes(&snapshot)));
	}
}

/* What is asked about: of the same two subjects as the example, and a third that nobody has counted. */
static const struct limit_part ASKED[] = {
	{LIMIT_KEY, {(const uint8_t *)"vault", 5}, 1},
	{LIMIT_ACCOUNT, {(const uint8_t *)"hot", 3}, 1},
	{LIMIT_DESK, {(const uint8_t *)"hot", 3}, 1},
};

static void
assert_sums(const struct fixture *f, uint8_t identity, const int64_t (*expected)[LIMIT_WINDOWS]) {
	struct spend asked = {.parts = ASKED, .part_count = ARRAY_LENGTH(ASKED)};
	int64_t sums[ARRAY_LENGTH(ASKED)][LIMIT_WINDOWS];
	memset(asked.identity, identity, sizeof asked.identity);
	counted_sums(&f->counted, f->own, &asked, NOW_MS, sums);
	for (size_t i = 0; i < ARRAY_LENGTH(ASKED); i++)
		for (size_t window = 0; window < LIMIT_WINDOWS; window++)
			if (sums[i][window] != expected[i][window])
				fail_msg("part %zu, window %zu: %lld instead of %lld", i, window,
					 (long long)sums[i][window], (long long)expected[i][window]);
}

/* Of one identity the greatest that the window sees, whoever told it and of which operation. */
static void
each_window_counts_the_greatest_of_an_identity_that_it_sees(void **) {
	static const uint8_t second[32] = {[0 ... 31] = 2};
	_cleanup_(end) struct fixture f;
	start(&f);
	assert_ok(counted_add(&f.counted, 1, spend_of(&f.example, 1, 11, "vault", 100, NOW_MS - 2 * HOUR_MS)));
	assert_ok(counted_add(&f.counted, 1, spend_of(&f.example, 2, 11, "vault", 70, NOW_MS - 5)));
	assert_ok(counted_add(&f.counted, 2, spend_of(&f.example, 2, 11, "vault", 80, NOW_MS - 4)));
	assert_ok(counted_add(&f.counted, 2, spend_of(&f.example, 3, 13, "other", 1000, NOW_MS - 2 * DAY_MS)));
	assert_ok(counted_add(&f.counted, 1, spend_of(&f.example, 4, 14, "vault", 5, NOW_MS)));
	assert_ok(counted_add(&f.counted, 1, spend_of(&f.example, 5, 15, "vault", 7, NOW_MS - 7 * DAY_MS))); /* gone */
	assert_sums(&f, 0, (const int64_t[][LIMIT_WINDOWS]){{85, 105, 105}, {85, 105, 1105}, {}});
	assert_sums(&f, 11, (const int64_t[][LIMIT_WINDOWS]){{5, 5, 5}, {5, 5, 1005}, {}});
	assert_ok(limits_apply(f.own, spend_of(&f.example, 1, 11, "vault", 1, NOW_MS)));
	assert_sums(&f, 0, (const int64_t[][LIMIT_WINDOWS]){{85, 85, 85}, {85, 85, 1085}, {}});
	counted_withdraw(&f.counted, 2, second);
	assert_sums(&f, 0, (const int64_t[][LIMIT_WINDOWS]){{75, 75, 75}, {75, 75, 1075}, {}});
	counted_forget(&f.counted, second);
	assert_sums(&f, 0, (const int64_t[][LIMIT_WINDOWS]){{5, 5, 5}, {5, 5, 1005}, {}});
	counted_forget_party(&f.counted, 1);
	counted_forget_party(&f.counted, 2);
	assert_sums(&f, 0, (const int64_t[][LIMIT_WINDOWS]){{}, {}, {}});
	assert_int_equal(0, f.counted.by_identity.count);
}

/* A week of one identity, as a keeper that lies could tell it, goes as fast as it came. */
static void
a_long_list_of_one_identity_goes_in_whatever_order(void **) {
	_cleanup_(end) struct fixture f;
	start(&f);
	for (uint32_t i = 0; i < COUNTED_OPERATIONS_MAX; i++) {
		struct spend spend = *spend_of(&f.example, 0, 1, "vault", 1 + i, NOW_MS);
		store_u32be(spend.operation, i);
		assert_ok(counted_add(&f.counted, 1, &spend));
	}
	assert_int_equal(COUNTED_OPERATIONS_MAX, sum(&f));
	for (uint32_t i = COUNTED_OPERATIONS_MAX; i-- > COUNTED_OPERATIONS_MAX / 2;) {
		uint8_t operation[32] = {};
		store_u32be(operation, i);
		counted_withdraw(&f.counted, 1, operation);
		assert_int_equal(i, f.counted.by_telling.count);
	}
	assert_int_equal(COUNTED_OPERATIONS_MAX / 2, sum(&f));
	counted_forget_party(&f.counted, 1);
	assert_int_equal(0, sum(&f));
}

/* --- As records state it. --- */

static void
record_of(const struct others *others, struct buffer *text) {
	struct json_writer writer;
	json_writer_start(&writer, text);
	json_write_object(&writer);
	others_write(&writer, others);
	json_write_end(&writer);
	assert_ok(json_writer_finish(&writer));
}

static enum status
others_of_text(struct arena *arena, const char *text, struct others *others) {
	const json *record;
	assert_ok(json_read(arena, bytes_of_text(text), (struct json_limits){}, &record));
	return others_read(arena, record, others);
}

static void
a_record_states_what_was_counted_and_what_is_recorded_is_no_less_than_what_is_known(void **) {
	static const char stated[] =
		"{\"others\":[[\"key\",\"vault\",5,5,5],[\"account\",\"hot\",5,5,9007199254740991]]}";
	const struct spend asked = {.parts = ASKED, .part_count = ARRAY_LENGTH(ASKED)};
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer none = {}, text = {};
	_cleanup_(end) struct fixture f;
	struct others others, read, again;
	start(&f);
	assert_ok(others_of_spend(&arena, &f.counted, f.own, &asked, NOW_MS, nullptr, &others));
	record_of(&others, &none);
	assert_true(bytes_equal_text(buffer_bytes(&none), "{}"));
	assert_ok(others_of_text(&arena, "{}", &read));
	assert_int_equal(0, read.count);

	assert_ok(counted_add(&f.counted, 1, spend_of(&f.example, 4, 14, "vault", 5, NOW_MS)));
	assert_ok(counted_add(&f.counted, 1, spend_of(&f.example, 5, 15, "other", INT64_MAX, NOW_MS - 2 * DAY_MS)));
	assert_ok(others_of_spend(&arena, &f.counted, f.own, &asked, NOW_MS, nullptr, &others));
	record_of(&others, &text);
	assert_true(bytes_equal_text(buffer_bytes(&text), stated));
	assert_ok(others_of_text(&arena, stated, &read));
	assert_int_equal(2, read.count);

	counted_forget_party(&f.counted, 1);
	assert_ok(counted_add(&f.counted, 1, spend_of(&f.example, 6, 16, "vault", 4, NOW_MS)));
	assert_ok(counted_add(&f.counted, 1, spend_of(&f.example, 7, 17, "vault", 3, NOW_MS - 2 * HOUR_MS)));
	assert_ok(others_of_spend(&arena, &f.counted, f.own, &asked, NOW_MS, &read, &again));
	assert_int_equal(5, again.rows[0].cents[LIMIT_HOUR]); /* as it is recorded */
	assert_int_equal(7, again.rows[0].cents[LIMIT_DAY]);  /* more is known */
	assert_int_equal(JSON_INTEGER_MAX, again.rows[1].cents[LIMIT_WEEK]);
	assert_int_equal(0, again.rows[2].cents[LIMIT_WEEK]);
}

static void
state_limit(struct arena *arena, struct facts *facts, const char *name, int64_t cents) {
	struct value_field *fields = ARENA_NEW_ARRAY(arena, LIMIT_WINDOWS, struct value_field);
	static const char *const windows[] = {"day", "hour", "week"};
	assert_non_null(fields);
	for (size_t i = 0; i < LIMIT_WINDOWS; i++)
		fields[i] = (struct value_field){bytes_of_text(windows[i]), value_long(cents)};
	facts_add(facts, name, FACT_VERIFIED, (struct value){.type = VALUE_RECORD, .record = {fields, LIMIT_WINDOWS}});
	assert_ok(facts_status(facts));
}

/* As many as a log that lies can list, the rows against the order of the parts: they would be compared with each other for days. */
static void
a_list_without_end_is_gone_through_once(void **) {
	constexpr size_t COUNT = 500'000;
	_cleanup_(arena_free) struct arena arena = {};
	struct limit_part *parts = ARENA_NEW_ARRAY(&arena, COUNT, struct limit_part);
	struct others_row *rows = ARENA_NEW_ARRAY(&arena, COUNT, struct others_row);
	struct facts facts;
	const char *difference;
	assert_non_null(parts);
	assert_non_null(rows);
	facts_start(&facts, &arena);
	state_limit(&arena, &facts, "limits.key", 7);
	for (size_t i = 0; i < COUNT; i++) {
		uint8_t *name = arena_alloc(&arena, 4);
		assert_non_null(name);
		store_u32be(name, (uint32_t)i);
		parts[i] = (struct limit_part){LIMIT_KEY, bytes_of(name, 4), 3};
		rows[COUNT - 1 - i] = (struct others_row){LIMIT_KEY, bytes_of(name, 4), {4, 4, 4}};
	}
	const struct spend spend = {.parts = parts, .part_count = COUNT};
	assert_ok(others_hold(&arena, &spend, &(struct others){rows, COUNT}, &facts, &difference));
	assert_null(difference);
	/* In order they count, the last of them as well. */
	rows[0] = (struct others_row){LIMIT_KEY, parts[COUNT - 1].subject, {4, 4, 5}};
	assert_ok(others_hold(&arena, &spend, &(struct others){rows, 1}, &facts, &difference));
	assert_string_equal("limits.key.week", difference);
}

static void
a_record_that_is_no_list_of_sums_is_none(void **) {
	static const char *const damaged[] = {
		"{\"others\":{}}",
		"{\"others\":[5]}",
		"{\"others\":[[\"key\",\"vault\",1,1]]}",
		"{\"others\":[[\"key\",\"vault\",1,1,1,1]]}",
		"{\"others\":[[\"keys\",\"vault\",1,1,1]]}",
		"{\"others\":[[5,\"vault\",1,1,1]]}",
		"{\"others\":[[\"key\",5,1,1,1]]}",
		"{\"others\":[[\"key\",\"vault\",\"1\",1,1]]}",
		"{\"others\":[[\"key\",\"vault\",-1,1,1]]}",
		"{\"others\":[[\"key\",\"vault\",2,1,2]]}",
		"{\"others\":[[\"key\",\"vault\",1,2,1]]}",
	};
	_cleanup_(arena_free) struct arena arena = {};
	struct others others;
	for (size_t i = 0; i < ARRAY_LENGTH(damaged); i++)
		if (others_of_text(&arena, damaged[i], &others) == OK)
			fail_msg("%s is read", damaged[i]);
}

struct seen {
	size_t count;
	int64_t cents, at_ms;
};

static enum status
see(void *context, const struct spend *spend) {
	struct seen *seen = context;
	seen->count++;
	seen->cents += spend->parts[0].cents;
	seen->at_ms = spend->at_ms > seen->at_ms ? spend->at_ms : seen->at_ms;
	return OK;
}

static void
what_is_handed_on_is_the_most_that_anybody_told(void **) {
	_cleanup_(end) struct fixture f;
	struct seen seen = {};
	start(&f);
	assert_ok(counted_keep(&f.counted, 1, spend_of(&f.example, 1, 11, "vault", 100, NOW_MS - 5)));
	assert_ok(counted_keep(&f.counted, 2, spend_of(&f.example, 1, 11, "vault", 1, NOW_MS)));
	assert_ok(counted_keep(&f.counted, 2, spend_of(&f.example, 2, 12, "other", 1000, NOW_MS)));
	assert_ok(counted_add(&f.counted, 2, spend_of(&f.example, 3, 13, "vault", 1000, NOW_MS)));
	assert_ok(limits_apply(f.own, spend_of(&f.example, 4, 14, "vault", 1000, NOW_MS)));
	assert_ok(counted_keep(&f.counted, 2, spend_of(&f.example, 4, 14, "vault", 1000, NOW_MS)));
	assert_ok(counted_visit_kept(&f.counted, f.own, VAULT, see, &seen));
	assert_int_equal(1, seen.count);
	assert_int_equal(100, seen.cents);
	assert_int_equal(NOW_MS, seen.at_ms);
	/* By another identity, that of the first, a liar would make two of them one: both are told, and both count. */
	assert_ok(counted_keep(&f.counted, 1, spend_of(&f.example, 5, 15, "vault", 100, NOW_MS)));
	assert_ok(counted_keep(&f.counted, 2, spend_of(&f.example, 5, 11, "vault", 100, NOW_MS)));
	seen = (struct seen){};
	assert_ok(counted_visit_kept(&f.counted, f.own, VAULT, see, &seen));
	assert_int_equal(3, seen.count);
	_cleanup_(end) struct fixture hearer;
	start(&hearer);
	assert_ok(counted_add(&hearer.counted, 3, spend_of(&f.example, 1, 11, "vault", 100, NOW_MS)));
	assert_ok(counted_add(&hearer.counted, 3, spend_of(&f.example, 5, 11, "vault", 100, NOW_MS)));
	assert_ok(counted_add(&hearer.counted, 3, spend_of(&f.example, 5, 15, "vault", 100, NOW_MS)));
	assert_int_equal(200, sum(&hearer));
	/* In the order of operations, and of one teller. */
	seen = (struct seen){};
	assert_ok(counted_visit(&hearer.counted, 3, VAULT, see, &seen));
	assert_int_equal(3, seen.count);
	assert_ok(counted_visit(&hearer.counted, 1, VAULT, see, &seen));
	assert_int_equal(3, seen.count);
}

static void
no_peer_fills_the_memory(void **) {
	_cleanup_(end) struct fixture f;
	start(&f);
	for (uint8_t identity = 0; identity < COUNTED_IDENTITIES_MAX; identity++)
		assert_ok(counted_add(&f.counted, 1, spend_of(&f.example, 1, identity, "vault", 1, NOW_MS)));
	assert_fails(STATUS_TOO_LARGE, "counted.full",
		     counted_add(&f.counted, 1, spend_of(&f.example, 1, COUNTED_IDENTITIES_MAX, "vault", 1, NOW_MS)));
	f.counted.of_party[1] = COUNTED_OPERATIONS_MAX;
	assert_ok(counted_add(&f.counted, 1, spend_of(&f.example, 1, 0, "vault", 1, NOW_MS))); /* known */
	assert_fails(STATUS_TOO_LARGE, "counted.full",
		     counted_add(&f.counted, 1, spend_of(&f.example, 2, 0, "vault", 1, NOW_MS)));
	f.counted.of_party[1] = COUNTED_IDENTITIES_MAX;
	size_t bytes = f.counted.bytes_of_party[1];
	f.counted.bytes_of_party[1] = COUNTED_BYTES_MAX;
	assert_fails(STATUS_TOO_LARGE, "counted.full",
		     counted_add(&f.counted, 1, spend_of(&f.example, 2, 0, "vault", 1, NOW_MS)));
	f.counted.bytes_of_party[1] = bytes;
	assert_ok(counted_add(&f.counted, 2, spend_of(&f.example, 2, 0, "vault", 1, NOW_MS)));
	f.counted.bytes_of_party[1] += COUNTED_BYTES_MAX;
	assert_ok(counted_keep(&f.counted, 1, spend_of(&f.example, 2, 0, "vault", 1, NOW_MS))); /* the log says so */
	f.counted.bytes_of_party[1] -= COUNTED_BYTES_MAX;
	counted_expire(&f.counted, NOW_MS + 7 * DAY_MS);
	assert_int_equal(0, f.counted.by_telling.count);
	assert_int_equal(0, f.counted.bytes_of_party[1]);
}

/* There under the address sanitizer, which counts what was asked for; else what the allocator gives. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t
allocated(void) {
	return __sanitizer_get_current_allocated_bytes != nullptr ? __sanitizer_get_current_allocated_bytes()
								  : mallinfo2().uordblks + mallinfo2().hblkhd;
}

/* Of whatever form: a peer that tells 20000 operations, or as many as there is room for, takes the memory that is stated, and no more. */
static void
what_a_peer_tells_takes_no_more_memory_than_stated(void **) {
	static const struct {
		size_t parts, subject;
		bool is_full_of_operations; /* before the bytes are */
	} forms[] = {
		{1, 1, true}, {3, 42, true}, {60, 256, false}, {4096, 0, false}, {4096, 17, false}, {4096, 256, false},
	};
	static struct limit_part parts[4096];
	static uint8_t subject[256];
	for (size_t i = 0; i < ARRAY_LENGTH(forms); i++) {
		_cleanup_(end) struct fixture f;
		enum status status = OK;
		uint32_t operations = 0;
		start(&f);
		for (size_t k = 0; k < forms[i].parts; k++)
			parts[k] = (struct limit_part){LIMIT_KEY, bytes_of(subject, forms[i].subject), 1};
		size_t before = allocated();
		while (status == OK) {
			struct spend spend = {.at_ms = NOW_MS, .parts = parts, .part_count = forms[i].parts};
			store_u32be(spend.operation, ++operations);
			store_u32be(spend.identity, operations);
			status = counted_add(&f.counted, 1, &spend);
		}
		assert_fails(STATUS_TOO_LARGE, "counted.full", status);
		size_t taken = allocated() - before;
		print_message("# %zu parts of %zu bytes: %u operations, %zu bytes taken, %zu counted\n", forms[i].parts,
			      forms[i].subject, operations - 1, taken, f.counted.bytes_of_party[1]);
		assert_int_equal(forms[i].is_full_of_operations, operations - 1 == COUNTED_OPERATIONS_MAX);
		assert_true(taken <= f.counted.bytes_of_party[1]);
		assert_true(f.counted.bytes_of_party[1] <= COUNTED_BYTES_MAX);
		counted_forget_party(&f.counted, 1);
		assert_int_equal(0, f.counted.bytes_of_party[1]);
	}
}

/* Of one operation a peer told two identities, and the first of them goes. */
static void
what_is_told_beside_what_goes_is_found_as_before(void **) {
	static const uint8_t first[32] = {[0 ... 31] = 1};
	_cleanup_(end) struct fixture f, g;
	_cleanup_(buffer_free) struct buffer snapshot = {};
	start(&f);
	start(&g);
	assert_ok(counted_add(&f.counted, 1, spend_of(&f.example, 1, 11, "vault", 1, NOW_MS - 7 * DAY_MS)));
	assert_ok(counted_add(&f.counted, 1, spend_of(&f.example, 1, 12, "vault", 100, NOW_MS)));
	counted_expire(&f.counted, NOW_MS);
	assert_int_equal(100, sum(&f));
	counted_withdraw(&f.counted, 1, first);
	assert_int_equal(0, sum(&f));
	assert_int_equal(0, f.counted.by_telling.count + f.counted.of_party[1]);
	/* What is kept is not told once more, less, in the place of what was withdrawn. */
	assert_ok(counted_add(&f.counted, 1, spend_of(&f.example, 1, 11, "other", 1, NOW_MS)));
	assert_ok(counted_keep(&f.counted, 1, spend_of(&f.example, 1, 12, "vault", 100, NOW_MS)));
	assert_ok(counted_add(&f.counted, 1, spend_of(&f.example, 1, 13, "other", 1, NOW_MS)));
	counted_withdraw(&f.counted, 1, first);
	assert_int_equal(1, f.counted.by_telling.count);
	assert_ok(counted_keep(&f.counted, 1, spend_of(&f.example, 1, 12, "vault", 5, NOW_MS)));
	assert_int_equal(1, f.counted.by_telling.count);
	assert_ok(counted_snapshot_write(&f.counted, &snapshot));
	assert_ok(counted_snapshot_read(&g.counted, buffer_bytes(&snapshot)));
	assert_int_equal(100, sum(&f));
	assert_int_equal(100, sum(&g));
	/* All at once. */
	for (uint8_t identity = 20; identity < 30; identity++)
		assert_ok(counted_add(
			&f.counted, 1,
			spend_of(&f.example, 1, identity, "vault", identity, NOW_MS - identity % 2 * DAY_MS)));
	counted_expire(&f.counted, NOW_MS + 6 * DAY_MS);
	assert_int_equal(6, f.counted.by_telling.count);
	for (uint8_t number = 1; number < 6; number++) { /* in the order in which they were told */
		const uint8_t telling[34] = {[0 ... 31] = 1, 1, number};
		const struct spend *there =
			map_get(&f.counted.by_telling, BYTES_OF_ARRAY(telling)); /* it comes first */
		assert_non_null(there);
		assert_int_equal(18 + 2 * number, there->identity[0]);
	}
	counted_forget_party(&f.counted, 1);
	assert_int_equal(1, f.counted.by_telling.count);
	assert_int_equal(100, sum(&f));
}

static void
a_snapshot_holds_what_is_kept_and_nothing_else(void **) {
	static const struct {
		size_t at;
		uint8_t becomes;
	} damage[] = {
		{0, 0},                 /* party */
		{0, 33},                /* party */
		{65, 0x80},             /* time */
		{76, 0},                /* parts: none */
		{73, 1},                /* parts: too many */
		{77, LIMIT_DIMENSIONS}, /* dimension */
		{78, 1},                /* subject */
		{87, 0x80},             /* cents */
	};
	_cleanup_(end) struct fixture f, again;
	_cleanup_(buffer_free) struct buffer snapshot = {}, second = {};
	start(&f);
	start(&again);
	assert_ok(counted_add(&f.counted, 1, spend_of(&f.example, 1, 11, "vault", 100, NOW_MS)));
	assert_ok(counted_keep(&f.counted, 2, spend_of(&f.example, 2, 12, "vault", 10, NOW_MS)));
	assert_ok(counted_snapshot_write(&f.counted, &snapshot));
	assert_ok(counted_snapshot_read(&again.counted, buffer_bytes(&snapshot)));
	assert_int_equal(10, sum(&again));
	assert_ok(counted_snapshot_write(&again.counted, &second));
	assert_true(bytes_equal(buffer_bytes(&snapshot), buffer_bytes(&second)));
	for (size_t i = 0; i < ARRAY_LENGTH(damage); i++) {
		struct counted_spends read = {};
		uint8_t was = snapshot.data[damage[i].at];
		snapshot.data[damage[i].at] = damage[i].becomes;
		assert_fails(STATUS_INVALID, "counted.snapshot", counted_snapshot_read(&read, buffer_bytes(&snapshot)));
		snapshot.data[damage[i].at] = was;
		counted_free(&read);
	}
	for (size_t len = 1; len < snapshot.len; len++) {
		struct counted_spends read = {};
		assert_fails(STATUS_INVALID, "counted.snapshot",
			     counted_snapshot_read(&read, bytes_of(snapshot.data, len)));
		counted_free(&read);
	}
}

RUN_TESTS(T(what_is_handed_on_of_what_is_kept_takes_no_room),
	  T(what_is_kept_stays_and_the_rest_goes_with_its_connection), T(only_what_the_own_limits_hold_counts_there),
	  T(each_window_counts_the_greatest_of_an_identity_that_it_sees),
	  T(a_long_list_of_one_identity_goes_in_whatever_order),
	  T(a_record_states_what_was_counted_and_what_is_recorded_is_no_less_than_what_is_known),
	  T(a_list_without_end_is_gone_through_once), T(a_record_that_is_no_list_of_sums_is_none),
	  T(what_is_handed_on_is_the_most_that_anybody_told), T(no_peer_fills_the_memory),
	  T(what_a_peer_tells_takes_no_more_memory_than_stated), T(what_is_told_beside_what_goes_is_found_as_before),
	  T(a_snapshot_holds_what_is_kept_and_nothing_else))
