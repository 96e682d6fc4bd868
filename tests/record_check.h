/*
 * What must hold of a keeper's record whatever became of its process or its machine: nothing acknowledged is lost, the log has no
 * gap and no fork, every limit of every dimension is counted once, nothing is signed twice differently, both signatures of every
 * receipt hold, state.db built anew is equal, and every decision replays.
 *
 * For workloads whose transfers each move ether to one address. A broken promise ends the test.
 */
#ifndef GATEHOUSE_TESTS_RECORD_CHECK_H
#define GATEHOUSE_TESTS_RECORD_CHECK_H

#include "base/ipc_messages.h"
#include "keeper/internal.h"

/* One request, sent once or more, and what was said to it. */
struct asked {
	struct ipc_request request;
	uint64_t number; /* of its last sending; 0: not outstanding */
	bool is_operation, answered;
	unsigned status;
	struct bytes operation, state, transaction, receipt;
};

/* An answer, first or repeated: what was signed is the same each time. False where it is the refusal of a repeated vote. */
bool asked_note(struct asked *asked, struct arena *arena, const struct ipc_response *response);

struct record_findings {
	uint64_t entries, replayed;
	size_t decisions, signed_count;
};

/* state.db is published already. */
void record_check(struct keeper *keeper, const struct asked *asked, size_t count, struct record_findings *findings);

#endif
