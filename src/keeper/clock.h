/*
 * The keeper's clock: wall time that is not trusted blindly. If the wall clock and the boot-time clock drift apart by more than
 * two seconds within ten minutes, someone has set the clock (or it was wrong before): new operations are refused but for protective ones and
 * clock.accept, and until the two agree again or clock.accept is approved, time runs on the boot clock. Design §6.
 * Threads: one.
 */
#ifndef GATEHOUSE_KEEPER_CLOCK_H
#define GATEHOUSE_KEEPER_CLOCK_H

#include "base/io.h"

constexpr int64_t CLOCK_STEP_MAX_NS = INT64_C(2'000'000'000);
constexpr int64_t CLOCK_WINDOW_NS = INT64_C(600'000'000'000); /* within which they may drift so far */

struct clock {
	const struct io *io;
	int64_t realtime_ns, boottime_ns; /* at a moment when they were taken to agree */
	int64_t last_ms;                  /* never given out less */
	bool in_doubt;
};

void clock_start(struct clock *clock, const struct io *io, int64_t not_before_ms);
/* The time of a batch: never less than before. *changed is true when doubt began or ended with this reading. */
int64_t clock_now_ms(struct clock *clock, bool *changed);
/* clock.accept was approved: the wall clock is right as it is. */
void clock_accept(struct clock *clock);
/* How far the wall clock is from where the boot clock says it should be. */
int64_t clock_step_ns(const struct clock *clock);

#endif
