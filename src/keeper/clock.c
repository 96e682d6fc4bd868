#include "keeper/clock.h"

constexpr int64_t MS_IN_NS = 1'000'000;

void
clock_start(struct clock *clock, const struct io *io, int64_t not_before_ms) {
	*clock = (struct clock){.io = io, .last_ms = not_before_ms};
	clock_accept(clock);
}

void
clock_accept(struct clock *clock) {
	clock->realtime_ns = io_realtime_ns(clock->io);
	clock->boottime_ns = io_boottime_ns(clock->io);
	clock->in_doubt = false;
}

static int64_t
expected_realtime_ns(const struct clock *clock) {
	return clock->realtime_ns + (io_boottime_ns(clock->io) - clock->boottime_ns);
}

int64_t
clock_step_ns(const struct clock *clock) {
	return io_realtime_ns(clock->io) - expected_realtime_ns(clock);
}

/* Small differences are NTP at work, and are taken over now and then. Not with every reading: whoever may set the wall clock would put it
 * forward by a little each time, and no waiting time would be what it says. */
int64_t
clock_now_ms(struct clock *clock, bool *changed) {
	int64_t realtime_ns = io_realtime_ns(clock->io), expected_ns = expected_realtime_ns(clock);
	int64_t step = realtime_ns - expected_ns;
	bool in_doubt = step > CLOCK_STEP_MAX_NS || step < -CLOCK_STEP_MAX_NS;
	*changed = in_doubt != clock->in_doubt;
	clock->in_doubt = in_doubt;
	if (!in_doubt && io_boottime_ns(clock->io) - clock->boottime_ns >= CLOCK_WINDOW_NS)
		clock_accept(clock);
	int64_t now_ms = (in_doubt ? expected_ns : realtime_ns) / MS_IN_NS;
	if (now_ms > clock->last_ms)
		clock->last_ms = now_ms;
	return clock->last_ms;
}
