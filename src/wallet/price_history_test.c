#include "tests/test.h"

#include "base/time.h"
#include "wallet/price_history.h"

constexpr int64_t NOON_MS = INT64_C(20'000) * DAY_MS + 12 * HOUR_MS;

static void
a_walk_in_small_steps_is_seen_as_the_fall_that_it_is(void **) {
	struct price_history history = {};
	price_history_add(&history, 1000, NOON_MS);
	uint64_t price = 1000;
	for (int step = 1; step <= 10; step++) {
		price = price * 9 / 10;
		price_history_add(&history, price, NOON_MS + step * MINUTE_MS);
	}
	int64_t now_ms = NOON_MS + HOUR_MS;
	assert_int_equal(1000, price_history_highest(&history, PRICE_DAY, now_ms));
	assert_int_equal((1000 - (int64_t)price) * 10, price_history_fall(&history, PRICE_DAY, price, now_ms));
	assert_int_equal(0, price_history_fall(&history, PRICE_DAY, 1000, now_ms));
	assert_int_equal(0, price_history_fall(&history, PRICE_DAY, 2000, now_ms));
}

static void
a_price_counts_for_a_whole_day_and_a_whole_week_after_it_was_in_force(void **) {
	struct price_history history = {};
	price_history_add(&history, 1000, NOON_MS - 30 * DAY_MS);
	price_history_add(&history, 900, NOON_MS); /* until then the first one was in force, however old */
	static const struct {
		int64_t later_ms;
		uint64_t day, week;
	} cases[] = {
		{0, 1000, 1000},
		{DAY_MS, 1000, 1000},
		{DAY_MS + HOUR_MS - 1, 1000, 1000},
		{DAY_MS + HOUR_MS, 900, 1000},
		{7 * DAY_MS + 12 * HOUR_MS - 1, 900, 1000},
		{7 * DAY_MS + 12 * HOUR_MS, 900, 900},
		{1000 * DAY_MS, 900, 900},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		int64_t now_ms = NOON_MS + cases[i].later_ms;
		assert_int_equal(cases[i].day, price_history_highest(&history, PRICE_DAY, now_ms));
		assert_int_equal(cases[i].week, price_history_highest(&history, PRICE_WEEK, now_ms));
	}
}

static void
falls_are_rounded_up_and_hold_the_largest_prices(void **) {
	struct price_history history = {};
	assert_int_equal(0, price_history_highest(&history, PRICE_DAY, NOON_MS));
	assert_int_equal(0, price_history_fall(&history, PRICE_DAY, 1, NOON_MS));
	price_history_add(&history, 3, NOON_MS);
	assert_int_equal(3334, price_history_fall(&history, PRICE_DAY, 2, NOON_MS));
	price_history_add(&history, UINT64_MAX, NOON_MS);
	assert_int_equal(10'000, price_history_fall(&history, PRICE_WEEK, 1, NOON_MS));
	assert_int_equal(1, price_history_fall(&history, PRICE_WEEK, UINT64_MAX - 1, NOON_MS));
}

/* Against the definition: every price with the span in which it was in force. */
static void
it_agrees_with_a_list_of_all_prices(void **) {
	static struct {
		uint64_t price;
		int64_t from_ms;
	} all[2000];
	static const int64_t part_ms[PRICE_PERIODS] = {HOUR_MS, DAY_MS}, parts[PRICE_PERIODS] = {25, 8};
	struct price_history history = {};
	uint64_t seed = 1;
	int64_t now_ms = NOON_MS;
	for (size_t count = 1; count <= ARRAY_LENGTH(all); count++) {
		seed = seed * 6364136223846793005 + 1442695040888963407;
		now_ms += (int64_t)(seed >> 40) % (count % 50 == 0 ? 3 * DAY_MS : 2 * HOUR_MS);
		all[count - 1].price = 1 + (seed >> 33) % 1000;
		all[count - 1].from_ms = now_ms;
		price_history_add(&history, all[count - 1].price, now_ms);
		int64_t asked_ms = now_ms + (int64_t)(seed >> 20) % (2 * DAY_MS);
		for (int period = 0; period < PRICE_PERIODS; period++) {
			int64_t from_ms = (asked_ms / part_ms[period] - parts[period] + 1) * part_ms[period];
			uint64_t highest = 0;
			for (size_t i = 0; i < count; i++)
				if ((i + 1 == count || all[i + 1].from_ms >= from_ms) && all[i].price > highest)
					highest = all[i].price;
			assert_int_equal(highest, price_history_highest(&history, (enum price_period)period, asked_ms));
		}
	}
}

static void
a_restart_forgets_what_was_before(void **) {
	struct price_history history = {};
	price_history_add(&history, 1000, NOON_MS);
	price_history_restart(&history, 400, NOON_MS + 1);
	assert_int_equal(400, price_history_highest(&history, PRICE_DAY, NOON_MS + 2));
	assert_int_equal(400, price_history_highest(&history, PRICE_WEEK, NOON_MS + 3 * DAY_MS));
}

static void
what_is_written_is_read_again_and_nothing_shorter(void **) {
	struct price_history history = {}, read;
	_cleanup_(buffer_free) struct buffer first = {}, second = {};
	price_history_add(&history, 1000, NOON_MS);
	price_history_add(&history, 900, NOON_MS + 3 * DAY_MS);
	price_history_write(&history, &first);
	struct cursor cursor = cursor_of(buffer_bytes(&first));
	assert_ok(price_history_read(&cursor, &read));
	assert_int_equal(0, cursor.left);
	price_history_write(&read, &second);
	assert_bytes(buffer_bytes(&first), buffer_bytes(&second));
	for (size_t len = 0; len < first.len; len++) {
		cursor = cursor_of(bytes_of(first.data, len));
		assert_fails(STATUS_INVALID, "price.snapshot", price_history_read(&cursor, &read));
	}
	first.data[8] = 0x80; /* the time */
	cursor = cursor_of(buffer_bytes(&first));
	assert_fails(STATUS_INVALID, "price.snapshot", price_history_read(&cursor, &read));
}

RUN_TESTS(T(a_walk_in_small_steps_is_seen_as_the_fall_that_it_is),
	  T(a_price_counts_for_a_whole_day_and_a_whole_week_after_it_was_in_force),
	  T(falls_are_rounded_up_and_hold_the_largest_prices), T(it_agrees_with_a_list_of_all_prices),
	  T(a_restart_forgets_what_was_before), T(what_is_written_is_read_again_and_nothing_shorter))
