/*
 * Reader: ledger/receipt.c
 * A receipt has one writing only: what is read is written again to the same bytes.
 */
#include "ledger/receipt.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer again = {};
	static struct receipt receipt;
	if (receipt_parse(&arena, bytes_of(data, size), &receipt) != OK)
		return 0;
	receipt_write(&again, receipt.has_entry ? receipt.entry : (struct bytes){}, receipt.index, &receipt.proof,
		      receipt.note_text);
	if (!bytes_equal(buffer_bytes(&again), bytes_of(data, size)))
		abort();
	IGNORE_STATUS(receipt_check_entry(&receipt, receipt.entry));
	return 0;
}
