/*
 * Reader: ledger/log_snapshot.c
 * The log's own part of a snapshot: eight bytes of size, then the state. What is read is written again to the same bytes.
 */
#include <stdlib.h>

#include "ledger/log_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(buffer_free) struct buffer again = {};
	struct log_state state;
	if (size < 8)
		return 0;
	if (log_state_read(bytes_of(data + 8, size - 8), load_u64be(data), &state) != OK)
		return 0;
	if (log_state_write(&state, &again) != OK)
		abort();
	struct log_state reread;
	if (log_state_read(buffer_bytes(&again), load_u64be(data), &reread) != OK ||
	    memcmp(reread.counts, state.counts, sizeof state.counts) != 0 || reread.at_ms != state.at_ms ||
	    memcmp(&reread.frontier, &state.frontier, sizeof state.frontier) != 0)
		abort();
	return 0;
}
