#include "tests/test.h"
#include "base/io.h"
#include "keeper/clock.h"

static int64_t realtime_ns, boottime_ns;

static int64_t
fake_realtime(const struct io *) {
	return realtime_ns;
}

static int64_t
fake_boottime(const struct io *) {
	return boottime_ns;
}

static const struct io_operations operations = {.realtime_ns = fake_realtime, .boottime_ns = fake_boottime};
static const struct io io = {&operations};
constexpr int64_t S = 1'000'000'000;

static void
advance(int64_t real, int64_t boot) {
	realtime_ns += real;
	boottime_ns += boot;
}

static void
a_step_forward_or_back_brings_doubt_and_time_runs_on_the_boot_clock(void **) {
	for (int direction = -1; direction <= 1; direction += 2) {
		struct clock clock;
		bool changed;
		realtime_ns = 1000 * S, boottime_ns = 5 * S;
		clock_start(&clock, &io, 0);
		assert_int_equal(1000'000, clock_now_ms(&clock, &changed));
		assert_false(changed);
		advance(direction * 3600 * S + S, S);
		assert_int_equal(1001'000, clock_now_ms(&clock, &changed));
		assert_true(changed && clock.in_doubt);
		advance(10 * S, 10 * S);
		assert_int_equal(1011'000, clock_now_ms(&clock, &changed));
		assert_false(changed);
		advance(-direction * 3600 * S, 0);
		assert_int_equal(1011'000, clock_now_ms(&clock, &changed));
		assert_true(changed && !clock.in_doubt);
	}
}

static void
accepting_a_step_takes_the_wall_clock_but_never_goes_back(void **) {
	struct clock clock;
	bool changed;
	realtime_ns = 1000 * S, boottime_ns = 5 * S;
	clock_start(&clock, &io, 0);
	(void)clock_now_ms(&clock, &changed);
	advance(-500 * S, S);
	(void)clock_now_ms(&clock, &changed);
	assert_true(clock.in_doubt);
	clock_accept(&clock);
	assert_int_equal(1001'000, clock_now_ms(&clock, &changed));
	assert_false(clock.in_doubt);
}

static void
drift_of_a_millisecond_a_second_is_never_a_step(void **) {
	struct clock clock;
	bool changed;
	realtime_ns = 1000 * S, boottime_ns = 5 * S;
	clock_start(&clock, &io, 0);
	for (int i = 0; i < 100'000; i++) {
		advance(S + S / 1000, S);
		(void)clock_now_ms(&clock, &changed);
		assert_false(clock.in_doubt);
	}
}

/* Forward by less than a step with every reading: a day's wait would be over in a third of the time. */
static void
many_small_steps_are_a_large_one(void **) {
	for (int direction = -1; direction <= 1; direction += 2) {
		struct clock clock;
		bool changed;
		realtime_ns = 1'000'000 * S, boottime_ns = 5 * S;
		clock_start(&clock, &io, 0);
		int64_t readings = 0;
		while (readings < 3600 && (clock_now_ms(&clock, &changed), !clock.in_doubt)) {
			advance(S + direction * S / 2, S);
			readings++;
		}
		assert_int_equal(5, readings);
		assert_true(changed);
		/* And time goes on as the boot clock says. */
		advance(10 * S + direction * S / 2, 10 * S);
		assert_int_equal(1'000'015'000, clock_now_ms(&clock, &changed));
	}
}

static void
time_is_not_below_the_last_entry(void **) {
	struct clock clock;
	bool changed;
	realtime_ns = 1000 * S, boottime_ns = 5 * S;
	clock_start(&clock, &io, 2'000'000);
	assert_int_equal(2'000'000, clock_now_ms(&clock, &changed));
}

RUN_TESTS(T(a_step_forward_or_back_brings_doubt_and_time_runs_on_the_boot_clock),
	  T(accepting_a_step_takes_the_wall_clock_but_never_goes_back),
	  T(drift_of_a_millisecond_a_second_is_never_a_step), T(many_small_steps_are_a_large_one),
	  T(time_is_not_below_the_last_entry))
