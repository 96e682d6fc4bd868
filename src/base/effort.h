/*
 * How much processor time a thread may still spend on what somebody handed in. Whoever must go on with other things afterwards sets a
 * limit; loops whose length the input decides ask. Without a limit asking costs a comparison, and none is the rule: only where a
 * stranger's input is worked on beside what must not wait.
 *
 * Threads: each has its own. Errors: STATUS_TOO_LARGE "effort.spent".
 */
#ifndef GATEHOUSE_BASE_EFFORT_H
#define GATEHOUSE_BASE_EFFORT_H

#include <stdint.h>

#include "base/status.h"

/* From now on; 0: none. */
void effort_limit(int64_t ms);
enum status effort_check(void);

#endif
