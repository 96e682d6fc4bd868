#include "tests/test.h"
#include "base/map.h"

static void
behaves_like_an_array_under_random_puts_and_removes(void **) {
	enum { KEYS = 500, STEPS = 200'000 };
	_cleanup_(map_free) struct map map = {};
	static int values[KEYS];
	bool present[KEYS] = {};
	uint32_t random = 1;
	size_t count = 0;
	for (int step = 0; step < STEPS; step++) {
		random = random * 1'664'525 + 1'013'904'223;
		uint32_t key = random >> 8 & 0xffff;
		key %= KEYS;
		struct bytes name = bytes_of(&key, sizeof key);
		assert_ptr_equal(map_get(&map, name), present[key] ? &values[key] : nullptr);
		if (random >> 31) {
			void *previous;
			assert_ok(map_put(&map, name, &values[key], &previous));
			assert_ptr_equal(previous, present[key] ? &values[key] : nullptr);
			count += !present[key];
			present[key] = true;
		} else {
			assert_ptr_equal(map_remove(&map, name), present[key] ? &values[key] : nullptr);
			count -= present[key];
			present[key] = false;
		}
		assert_int_equal(count, map.count);
	}
	size_t at = 0, seen = 0;
	struct bytes key;
	void *value;
	while (map_next(&map, &at, &key, &value)) {
		uint32_t number;
		memcpy(&number, key.data, sizeof number);
		assert_true(present[number] && value == &values[number]);
		seen++;
	}
	assert_int_equal(count, seen);
}

RUN_TESTS(T(behaves_like_an_array_under_random_puts_and_removes))
