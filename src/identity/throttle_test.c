#include "tests/test.h"

#include "identity/throttle.h"

static const struct bytes ANNA = BYTES_OF_LITERAL("anna"), BEN = BYTES_OF_LITERAL("ben");

static int64_t
fail_once(struct throttle *throttle, struct bytes who, int64_t now_ms) {
	uint32_t failures;
	int64_t wait_ms;
	assert_ok(throttle_fail(throttle, who, now_ms, &failures, &wait_ms));
	return wait_ms;
}

static void
the_first_failures_cost_nothing_and_then_the_wait_doubles(void **) {
	_cleanup_(throttle_free) struct throttle throttle;
	throttle_start(&throttle);
	assert_int_equal(0, throttle_wait(&throttle, ANNA, 0));
	for (uint32_t i = 0; i < THROTTLE_FREE; i++)
		assert_int_equal(0, fail_once(&throttle, ANNA, i));
	int64_t expected = 1000;
	for (int i = 0; i < 30; i++) {
		assert_int_equal(expected, fail_once(&throttle, ANNA, 100));
		expected = expected * 2 > THROTTLE_WAIT_MAX_MS ? THROTTLE_WAIT_MAX_MS : expected * 2;
	}
	assert_int_equal(THROTTLE_WAIT_MAX_MS, throttle_wait(&throttle, ANNA, 100));
	assert_int_equal(1, throttle_wait(&throttle, ANNA, 99 + THROTTLE_WAIT_MAX_MS));
	assert_int_equal(0, throttle_wait(&throttle, ANNA, 100 + THROTTLE_WAIT_MAX_MS));
	assert_int_equal(0, throttle_wait(&throttle, BEN, 100));
	assert_int_equal(1, throttle_waiting(&throttle, 100));
	assert_int_equal(0, throttle_waiting(&throttle, 100 + THROTTLE_WAIT_MAX_MS));
}

static void
success_and_time_forgive(void **) {
	_cleanup_(throttle_free) struct throttle throttle;
	throttle_start(&throttle);
	throttle_pass(&throttle, ANNA);
	for (uint32_t i = 0; i < 3 * THROTTLE_FREE; i++)
		(void)fail_once(&throttle, ANNA, 0);
	throttle_pass(&throttle, ANNA);
	assert_int_equal(0, throttle_wait(&throttle, ANNA, 0));
	assert_int_equal(0, fail_once(&throttle, ANNA, 0));
	for (uint32_t i = 0; i < 3 * THROTTLE_FREE; i++)
		(void)fail_once(&throttle, BEN, 0);
	assert_int_equal(0, fail_once(&throttle, BEN, THROTTLE_FORGIVEN_MS));
}

/* A flood of strangers: no more memory, and whoever fails again is known again. */
static void
a_flood_makes_it_forget_and_never_grow(void **) {
	_cleanup_(throttle_free) struct throttle throttle;
	throttle_start(&throttle);
	(void)fail_once(&throttle, ANNA, 0);
	const struct throttle_place *places = throttle.places;
	for (uint32_t i = 0; i < 100'000; i++)
		(void)fail_once(&throttle,
				BYTES_OF_ARRAY(((uint8_t[4]){(uint8_t)i, (uint8_t)(i >> 8), (uint8_t)(i >> 16)})),
				(int64_t)i);
	assert_ptr_equal(places, throttle.places);
	for (uint32_t i = 0; i <= THROTTLE_FREE; i++)
		(void)fail_once(&throttle, ANNA, 100'000);
	assert_true(throttle_wait(&throttle, ANNA, 100'000) > 0);
}

static void
an_origin_is_a_network(void **) {
	static const uint8_t v4[4] = {192, 0, 2, 7}, v6[16] = {0x20, 1, 0xd, 0xb8, 1, 2, 3, 4, 5};
	assert_bytes(bytes_of(v4, 3), throttle_origin(BYTES_OF_ARRAY(v4)));
	assert_bytes(bytes_of(v6, 7), throttle_origin(BYTES_OF_ARRAY(v6)));
	assert_int_equal(0, throttle_origin((struct bytes){}).len);
}

RUN_TESTS(T(the_first_failures_cost_nothing_and_then_the_wait_doubles), T(success_and_time_forgive),
	  T(a_flood_makes_it_forget_and_never_grow), T(an_origin_is_a_network))
