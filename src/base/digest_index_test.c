#include "tests/test.h"
#include "base/digest_index.h"

constexpr size_t PLACES = 600;

static const uint8_t *
digest_at_place(const void *context, uint32_t place) {
	return ((const uint8_t(*)[DIGEST_INDEX_KEY_SIZE])context)[place];
}

/* Two places of every digest, so that one may take the other's. */
static void
make_digests(uint8_t digests[PLACES][DIGEST_INDEX_KEY_SIZE]) {
	for (size_t i = 0; i < PLACES; i++) {
		memset(digests[i], 0, DIGEST_INDEX_KEY_SIZE);
		digests[i][DIGEST_INDEX_KEY_SIZE - 2] = (uint8_t)(i / 2 >> 8);
		digests[i][DIGEST_INDEX_KEY_SIZE - 1] = (uint8_t)(i / 2);
	}
}

static void
behaves_like_an_array_under_random_puts_and_removes(void **) {
	static uint8_t digests[PLACES][DIGEST_INDEX_KEY_SIZE];
	_cleanup_(digest_index_free) struct digest_index index = {.digest_at = digest_at_place};
	uint32_t known[PLACES / 2], random = 1;
	size_t count = 0;
	make_digests(digests);
	memset(known, 0xff, sizeof known);
	for (int step = 0; step < 200'000; step++) {
		random = random * 1'664'525 + 1'013'904'223;
		uint32_t place = (random >> 8 & 0xffff) % PLACES;
		assert_int_equal(known[place / 2], digest_index_find(&index, digests, digests[place]));
		if (random >> 31) {
			assert_ok(digest_index_reserve(&index));
			digest_index_put(&index, digests, digests[place], place);
			count += known[place / 2] == DIGEST_INDEX_NONE;
			known[place / 2] = place;
		} else {
			digest_index_remove(&index, digests, digests[place]);
			count -= known[place / 2] != DIGEST_INDEX_NONE;
			known[place / 2] = DIGEST_INDEX_NONE;
		}
		assert_int_equal(count, index.count);
	}
}

/* Growing from nothing, again and again, with as much that is put anew or removed while places move. */
static void
nothing_is_lost_and_nothing_comes_back_while_it_grows(void **) {
	static uint8_t digests[PLACES][DIGEST_INDEX_KEY_SIZE];
	uint32_t random = 1;
	make_digests(digests);
	for (int round = 0; round < 300; round++) {
		_cleanup_(digest_index_free) struct digest_index index = {.digest_at = digest_at_place};
		uint32_t known[PLACES / 2];
		size_t moving = 0;
		memset(known, 0xff, sizeof known);
		for (uint32_t added = 0; added < PLACES / 2; added++) {
			random = random * 1'664'525 + 1'013'904'223;
			uint32_t other = (random >> 8) % (added + 1), place = 2 * added;
			assert_ok(digest_index_reserve(&index));
			digest_index_put(&index, digests, digests[place], place);
			known[added] = place;
			moving += index.older != nullptr;
			if (random >> 30 == 0) {
				digest_index_remove(&index, digests, digests[2 * other]);
				known[other] = DIGEST_INDEX_NONE;
			} else if (random >> 30 == 1) {
				assert_ok(digest_index_reserve(&index));
				digest_index_put(&index, digests, digests[2 * other], 2 * other + 1);
				known[other] = 2 * other + 1;
			}
			size_t count = 0;
			for (uint32_t i = 0; i <= added; i++) {
				assert_int_equal(known[i], digest_index_find(&index, digests, digests[2 * i]));
				count += known[i] != DIGEST_INDEX_NONE;
			}
			assert_int_equal(count, index.count);
		}
		assert_true(moving > 50);
	}
}

static void
an_empty_one_has_nothing(void **) {
	static const uint8_t digest[DIGEST_INDEX_KEY_SIZE] = {1};
	struct digest_index index = {.digest_at = digest_at_place};
	assert_int_equal(DIGEST_INDEX_NONE, digest_index_find(&index, nullptr, digest));
	digest_index_remove(&index, nullptr, digest);
	assert_int_equal(0, index.count);
	digest_index_free(&index);
}

RUN_TESTS(T(behaves_like_an_array_under_random_puts_and_removes),
	  T(nothing_is_lost_and_nothing_comes_back_while_it_grows), T(an_empty_one_has_nothing))
