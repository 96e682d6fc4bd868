/*
 * The system's io with a clock that can be stepped and a disk that can be full, also from another process: its controls lie in
 * shared memory, so that a test moves the clock of a keeper that it has forked.
 *
 * A full disk refuses every new file, and every write beyond a file's end, with STATUS_UNAVAILABLE; room that was made ahead can
 * be written. Owner: the caller. Threads: any.
 */
#ifndef GATEHOUSE_TESTS_FAULT_IO_H
#define GATEHOUSE_TESTS_FAULT_IO_H

#include <stdatomic.h>

#include "base/io.h"

struct fault_controls {
	atomic_llong realtime_ns;                                /* added to the wall clock */
	atomic_llong boottime_ns;                                /* added to the time since boot */
	atomic_llong standing_realtime_ns, standing_boottime_ns; /* where the clocks stand still; 0: they do not */
	atomic_bool disk_full;
};

struct fault_io {
	struct io io; /* what is given to the keeper */
	struct fault_controls *controls;
};

void fault_io_start(struct fault_io *fault);
void fault_io_stop(struct fault_io *fault); /* a cleanup function */
/* From now on no time passes, however long a test takes, but what is told here. */
void fault_io_freeze(struct fault_io *fault);
/* Time passes: both clocks. */
void fault_io_pass(struct fault_io *fault, int64_t ms);
/* Somebody sets the wall clock. */
void fault_io_step(struct fault_io *fault, int64_t ms);

#endif
