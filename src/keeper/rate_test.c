#include "tests/test.h"

#include "keeper/rate.h"

static const struct bytes ANNA = BYTES_OF_LITERAL("person:anna"), DESK = BYTES_OF_LITERAL("workload:desk");

/* How many of `count` requests are let through. */
static unsigned
taken(struct rate *rate, struct bytes principal, uint32_t cost, int64_t now_ms, unsigned count) {
	unsigned ok = 0;
	for (unsigned i = 0; i < count; i++)
		ok += rate_take(rate, principal, cost, now_ms) == OK;
	return ok;
}

static void
a_second_s_part_may_come_at_once_and_no_more(void **) {
	_cleanup_(rate_free) struct rate rate = {.what = "reads", .per_s = 20};
	assert_int_equal(20, taken(&rate, ANNA, 1, 1'000, 50));
	assert_fails(STATUS_RATE, "request.rate", rate_take(&rate, ANNA, 1, 1'000));
}

static void
time_gives_back_and_never_more_than_one_second_s_part(void **) {
	_cleanup_(rate_free) struct rate rate = {.what = "reads", .per_s = 20};
	assert_int_equal(20, taken(&rate, ANNA, 1, 1'000, 50));
	assert_int_equal(0, taken(&rate, ANNA, 1, 1'049, 5));
	assert_int_equal(1, taken(&rate, ANNA, 1, 1'050, 5));
	assert_int_equal(10, taken(&rate, ANNA, 1, 1'550, 50));
	assert_int_equal(20, taken(&rate, ANNA, 1, INT64_MAX, 50));
}

static void
nobody_s_requests_are_another_s(void **) {
	_cleanup_(rate_free) struct rate rate = {.what = "reads", .per_s = 5};
	assert_int_equal(5, taken(&rate, ANNA, 1, 0, 9));
	assert_int_equal(5, taken(&rate, DESK, 1, 0, 9));
}

static void
what_is_dear_takes_more_and_is_never_out_of_reach(void **) {
	_cleanup_(rate_free) struct rate rate = {.what = "reads", .per_s = 20};
	assert_int_equal(2, taken(&rate, ANNA, 8, 0, 9));
	assert_int_equal(4, taken(&rate, ANNA, 1, 0, 9));
	assert_int_equal(1, taken(&rate, DESK, 500, 0, 9));
}

static void
a_clock_that_stands_or_steps_back_gives_nothing(void **) {
	_cleanup_(rate_free) struct rate rate = {.what = "reads", .per_s = 20};
	assert_int_equal(20, taken(&rate, ANNA, 1, 10'000, 20));
	assert_int_equal(0, taken(&rate, ANNA, 1, 10'000, 5));
	assert_int_equal(0, taken(&rate, ANNA, 1, 2'000, 5));
	assert_int_equal(2, taken(&rate, ANNA, 1, 10'100, 5));
}

static void
no_limit_is_none(void **) {
	_cleanup_(rate_free) struct rate rate = {};
	assert_int_equal(1'000, taken(&rate, ANNA, 1, 0, 1'000));
}

RUN_TESTS(T(a_second_s_part_may_come_at_once_and_no_more), T(time_gives_back_and_never_more_than_one_second_s_part),
	  T(nobody_s_requests_are_another_s), T(what_is_dear_takes_more_and_is_never_out_of_reach),
	  T(a_clock_that_stands_or_steps_back_gives_nothing), T(no_limit_is_none))
