#include "tests/test.h"
#include "base/arena.h"

static bool
is_zero(const uint8_t *memory, size_t size) {
	for (size_t i = 0; i < size; i++)
		if (memory[i] != 0)
			return false;
	return true;
}

static void
memory_is_zeroed_aligned_and_apart(void **) {
	_cleanup_(arena_free) struct arena arena = {.block_size = 256};
	uint8_t *taken[200];
	for (size_t i = 0; i < ARRAY_LENGTH(taken); i++) {
		size_t size = i % 37;
		taken[i] = arena_alloc(&arena, size);
		assert_non_null(taken[i]);
		assert_int_equal(0, (uintptr_t)taken[i] % alignof(max_align_t));
		assert_true(is_zero(taken[i], size));
		memset(taken[i], (int)i, size);
	}
	for (size_t i = 0; i < ARRAY_LENGTH(taken); i++)
		for (size_t j = 0; j < i % 37; j++)
			assert_int_equal((uint8_t)i, taken[i][j]);
}

static void
memory_is_zeroed_again_after_a_reset(void **) {
	_cleanup_(arena_free) struct arena arena = {.block_size = 128};
	uint8_t *first = arena_alloc(&arena, 64);
	memset(first, 0xaa, 64);
	memset(arena_alloc(&arena, 1000), 0xaa, 1000);
	arena_reset(&arena);
	assert_int_equal(0, arena.used);
	assert_true(is_zero(first, 64)); /* wiped at once, not at the next use; the first block is kept */
	assert_ptr_equal(first, arena_alloc(&arena, 64));
}

/* What copies left, behind them too, is nothing that an allocation shows after a reset, wherever it begins and ends. */
static void
what_copies_held_is_zero_after_a_reset(void **) {
	static const uint8_t text[60] = {[0 ... 59] = 0xaa};
	for (size_t before = 1; before < sizeof text; before += 7)
		for (size_t after = 1; after < 3 * sizeof text; after += 11) {
			_cleanup_(arena_free) struct arena arena = {.block_size = 256};
			memset(arena_alloc(&arena, 200), 0xbb, 200);
			arena_reset(&arena);
			assert_int_equal(before, arena_copy(&arena, bytes_of(text, before)).len);
			arena_reset(&arena);
			assert_true(is_zero(arena_alloc(&arena, after), after));
			uint8_t *rest = arena_alloc(&arena, 60);
			assert_true(is_zero(rest, 60));
		}
}

static void
a_request_larger_than_a_block_has_one_of_its_own(void **) {
	_cleanup_(arena_free) struct arena arena = {.block_size = 64};
	uint8_t *large = arena_alloc(&arena, 100'000);
	assert_non_null(large);
	memset(large, 1, 100'000);
	assert_non_null(arena_alloc(&arena, 1));
}

static void
the_limit_counts_all_blocks_and_is_renewed_by_a_reset(void **) {
	_cleanup_(arena_free) struct arena arena = {.block_size = 64, .limit = 256};
	for (int i = 0; i < 4; i++)
		assert_non_null(arena_alloc(&arena, 64));
	assert_null(arena_alloc(&arena, 1));
	arena_reset(&arena);
	assert_non_null(arena_alloc(&arena, 256));
	assert_null(arena_alloc(&arena, 1));
}

static void
sizes_that_overflow_give_null(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	assert_null(arena_alloc(&arena, SIZE_MAX));
	assert_null(arena_alloc(&arena, SIZE_MAX / 2 + 1));
	assert_null(arena_alloc_array(&arena, SIZE_MAX / 8 + 1, 16));
	assert_null(arena_text(&arena, bytes_of("", SIZE_MAX)));
	assert_non_null(arena_alloc_array(&arena, 0, 16));
}

static void
copies_end_in_a_nul_that_is_not_counted(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct bytes copy = arena_copy(&arena, BYTES_OF_LITERAL("abc"));
	assert_bytes(BYTES_OF_LITERAL("abc"), copy);
	assert_int_equal(0, copy.data[3]);
	struct bytes empty = arena_copy(&arena, (struct bytes){});
	assert_non_null(empty.data);
	assert_int_equal(0, empty.len);
	assert_string_equal("n = 42", arena_format(&arena, "n = %d", 42));
	const struct bytes parts[] = {BYTES_OF_LITERAL("eth"), {}, BYTES_OF_LITERAL(":"), BYTES_OF_LITERAL("0x")};
	struct bytes joined = arena_join(&arena, parts, ARRAY_LENGTH(parts));
	assert_bytes(BYTES_OF_LITERAL("eth:0x"), joined);
	assert_int_equal(0, joined.data[joined.len]);
	assert_int_equal(0, arena_join(&arena, parts, 0).len);
	struct arena none = {.limit = 8};
	assert_null(arena_join(&none, parts, ARRAY_LENGTH(parts)).data);
	assert_null(arena_copy(&none, BYTES_OF_LITERAL("abc")).data);
	assert_null(arena_format(&none, "%s", "a text that needs more than that"));
	arena_free(&none);
}

RUN_TESTS(T(memory_is_zeroed_aligned_and_apart), T(memory_is_zeroed_again_after_a_reset),
	  T(what_copies_held_is_zero_after_a_reset), T(a_request_larger_than_a_block_has_one_of_its_own),
	  T(the_limit_counts_all_blocks_and_is_renewed_by_a_reset), T(sizes_that_overflow_give_null),
	  T(copies_end_in_a_nul_that_is_not_counted))
