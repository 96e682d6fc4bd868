#include "tests/test.h"
#include "gate/operations.h"

static struct hash256
id_of(uint32_t number) {
	return sha256(bytes_of(&number, sizeof number));
}

static struct gate_operation *
add(struct operations *operations, uint32_t number) {
	struct gate_operation *operation;
	struct hash256 id = id_of(number);
	assert_ok(operations_add(operations, &id, &operation));
	operation->entry = number;
	return operation;
}

static void
an_operation_is_found_where_it_was_added(void **) {
	constexpr uint32_t COUNT = 5'000;
	_cleanup_(operations_free) struct operations operations = {};
	struct gate_operation *added[COUNT];
	for (uint32_t i = 0; i < COUNT; i++)
		added[i] = add(&operations, i);
	assert_int_equal(COUNT, operations.count);
	for (uint32_t i = 0; i < COUNT; i++) {
		struct hash256 id = id_of(i);
		assert_ptr_equal(added[i], operations_find(&operations, &id));
		assert_int_equal(i, added[i]->entry);
	}
	struct hash256 unknown = id_of(COUNT);
	assert_null(operations_find(&operations, &unknown));
}

static void
what_was_forgotten_leaves_its_place_to_the_next(void **) {
	_cleanup_(operations_free) struct operations operations = {};
	struct held_operation *held;
	struct hash256 id = id_of(2);
	add(&operations, 1);
	struct gate_operation *forgotten = add(&operations, 2);
	assert_ok(operations_keep(&operations, forgotten, &held));
	operations_forget(&operations, forgotten);
	assert_null(operations_find(&operations, &id));
	assert_int_equal(1, operations.count);
	assert_int_equal(0, operations.kept.count);
	assert_ptr_equal(forgotten, add(&operations, 3));
	assert_int_equal(2, operations.used);
	assert_null(forgotten->held);
}

static struct held_operation *
keep_of(struct operations *operations, uint32_t number, const char *principal) {
	struct held_operation *held;
	assert_ok(operations_keep(operations, add(operations, number), &held));
	held->operation.principal = arena_copy(&held->arena, bytes_of_text(principal));
	assert_ok(operations_note_requester(operations, held));
	return held;
}

static size_t
count_of(const struct operations *operations, const char *principal) {
	size_t count = 0;
	const struct held_operation *held = operations_first_of(operations, bytes_of_text(principal));
	for (; held != nullptr; held = held->of_same) {
		assert_bytes(bytes_of_text(principal), held->operation.principal);
		assert_ptr_equal(held, held->of->held);
		count++;
	}
	return count;
}

static void
what_is_kept_of_one_requester_is_found_without_the_others(void **) {
	_cleanup_(operations_free) struct operations operations = {};
	struct held_operation *of_a[6];
	assert_int_equal(0, count_of(&operations, "a"));
	for (uint32_t i = 0; i < ARRAY_LENGTH(of_a); i++) {
		of_a[i] = keep_of(&operations, 2 * i, "a");
		keep_of(&operations, 2 * i + 1, "b");
	}
	assert_ok(operations_note_requester(&operations, of_a[3])); /* once is enough */
	static const size_t ends[] = {5, 0, 2, 3, 1, 4};            /* the newest, the oldest, and between */
	for (size_t i = 0; i < ARRAY_LENGTH(ends); i++) {
		assert_int_equal(6 - i, count_of(&operations, "a"));
		operations_set_state(&operations, of_a[ends[i]]->of, OPERATION_DENIED);
	}
	assert_int_equal(0, count_of(&operations, "a"));
	assert_int_equal(6, count_of(&operations, "b"));
	assert_int_equal(1, operations.requesters.count);
}

static void
they_are_listed_by_their_ids(void **) {
	constexpr uint32_t COUNT = 3'000;
	_cleanup_(operations_free) struct operations operations = {};
	const struct gate_operation **sorted;
	for (uint32_t i = 0; i < COUNT; i++)
		add(&operations, i);
	operations_forget(&operations, add(&operations, COUNT));
	assert_ok(operations_sorted(&operations, &sorted));
	assert_int_equal(COUNT, operations.count);
	for (uint32_t i = 1; i < COUNT; i++)
		assert_true(memcmp(sorted[i - 1]->id.bytes, sorted[i]->id.bytes, sizeof sorted[i]->id.bytes) < 0);
	free(sorted);
}

/* What a keeper's memory grows by for as long as its log lives (docs/install.md). */
static void
one_takes_no_more_than_150_bytes(void **) {
	constexpr uint32_t COUNT = 50'000;
	constexpr size_t OF_A_SLOT = 8;
	_cleanup_(operations_free) struct operations operations = {};
	for (uint32_t i = 0; i < COUNT; i++)
		operations_set_state(&operations, add(&operations, i), OPERATION_DONE);
	assert_int_equal(0, operations.kept.count);
	size_t places = (COUNT + 1023) / 1024 * 1024;
	assert_int_equal(places / 1024, operations.block_count);
	assert_true(places * sizeof(struct gate_operation) + operations.by_id.capacity * OF_A_SLOT <=
		    150 * (size_t)COUNT);
}

RUN_TESTS(T(an_operation_is_found_where_it_was_added), T(what_was_forgotten_leaves_its_place_to_the_next),
	  T(what_is_kept_of_one_requester_is_found_without_the_others), T(they_are_listed_by_their_ids),
	  T(one_takes_no_more_than_150_bytes))
