/*
 * A worker for one piece of work, started, asked and ended by this process: for the command line and for tests. In an installation
 * the supervisor starts the worker and the keeper asks it (keeper/worker_link.h).
 *
 * Errors: STATUS_UNAVAILABLE "worker.timeout", "worker.ended": there is no answer, and nothing is proved.
 */
#ifndef GATEHOUSE_HELPERS_WORKER_CLIENT_H
#define GATEHOUSE_HELPERS_WORKER_CLIENT_H

#include "base/bytes.h"

/* program: descriptor of the program's file, opened with O_PATH. The answer is as it came: work_read_answer() reads it. */
enum status worker_client_run(int program, struct bytes request, int64_t timeout_ms, struct buffer *answer);

#endif
