/*
 * Reader: identity/statement.c (need_hex, need_name, need_text, read_type, read_stage, read_hashes, approval_read)
 * Reads the input as an approval statement; what is accepted is written as the same bytes.
 */
#include "identity/statement.h"

#include <stdlib.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer text = {};
	struct approval_statement statement;
	if (approval_read(&arena, bytes_of(data, size), &statement) != OK)
		return 0;
	if (approval_write(&statement, &text) != OK || !bytes_equal(buffer_bytes(&text), bytes_of(data, size)) ||
	    approval_check(&statement, &statement, statement.expires_ms - 1) != OK)
		abort();
	return 0;
}
