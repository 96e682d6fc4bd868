#include "base/effort.h"

#include <time.h>

struct effort {
	int64_t ms; /* 0: no limit */
	int64_t until_ns;
};

static thread_local struct effort effort;

static int64_t
spent_ns(void) {
	struct timespec now = {};
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * INT64_C(1'000'000'000) + now.tv_nsec;
}

void
effort_limit(int64_t ms) {
	effort = (struct effort){.ms = ms};
	if (ms > 0)
		effort.until_ns = spent_ns() + ms * INT64_C(1'000'000);
}

enum status
effort_check(void) {
	if (effort.ms == 0 || spent_ns() < effort.until_ns)
		return OK;
	return fail(STATUS_TOO_LARGE, "effort.spent: not done within %lld ms of processor time", (long long)effort.ms);
}
