/*
 * Reader: keeper/threshold_journal.c (journal_read_row, read_rounds, read_frames, read_secret)
 * What is read of a dealing that was kept is written again, and must be the same bytes; and all of it lies in what was read.
 */
#include <stdlib.h>

#include "keeper/threshold_journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
need_inside(struct bytes part, const uint8_t *data, size_t size) {
	if (part.len > 0 && (part.data < data || part.data + part.len > data + size))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(buffer_free) struct buffer written = {};
	struct journal journal;
	if (journal_read_row(bytes_of(data, size), &journal) != OK)
		return 0;
	for (size_t round = 0; round < EXCHANGE_ROUNDS_MAX; round++)
		for (size_t i = 0; i < PARTIES_MAX; i++) {
			need_inside(journal.sent[round][i], data, size);
			need_inside(journal.received[round][i], data, size);
		}
	journal_write_row(&journal, &written);
	if (!bytes_equal(bytes_of(data, size), buffer_bytes(&written)))
		abort();
	return 0;
}
