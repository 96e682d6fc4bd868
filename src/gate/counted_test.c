/* What others have counted: kept for itself by teller, what the log says beyond a connection, and handed on without loss. */
#include "tests/test.h"

#include <malloc.h>

#include "base/time.h"
#include "gate/counted.h"

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
	return counted_sum(&f->counted, f->own, LIMIT_KEY, VAULT, LIMIT_DAY, NOW_MS, nullptr);
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
	  T(what_is_handed_on_is_the_most_that_anybody_told), T(no_peer_fills_the_memory),
	  T(what_a_peer_tells_takes_no_more_memory_than_stated), T(a_snapshot_holds_what_is_kept_and_nothing_else))
