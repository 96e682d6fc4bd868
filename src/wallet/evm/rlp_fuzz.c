/* Reads the input as RLP to every depth, writes what was read, and demands the same bytes. */
#include "wallet/evm/rlp.h"

#include <stdlib.h>

constexpr size_t DEPTH_MAX = 64;

static enum status
copy_items(struct cursor from, struct rlp_writer *writer, size_t depth) {
	while (from.left > 0) {
		struct cursor content, as_bytes = from;
		struct bytes bytes;
		if (rlp_read_bytes(&as_bytes, "fuzz", &bytes) == OK) {
			from = as_bytes;
			rlp_write_bytes(writer, bytes);
			continue;
		}
		TRY(rlp_read_list(&from, "fuzz", &content));
		rlp_write_list_header(writer, content.left);
		if (depth == 0)
			return fail(STATUS_TOO_LARGE, "fuzz.depth: too deep");
		TRY(copy_items(content, writer, depth - 1));
	}
	return OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct bytes input = bytes_of(data, size);
	_cleanup_(buffer_free) struct buffer copy = {};
	struct rlp_writer writer = {.to = &copy};
	struct cursor cursor = cursor_of(input);
	struct amount amount;
	uint64_t number;
	size_t count;
	IGNORE_STATUS(rlp_count(cursor, &count));
	if (rlp_read_amount(&cursor, "fuzz", &amount) == OK)
		rlp_write_amount(&writer, &amount);
	if (!bytes_equal(buffer_bytes(&copy), bytes_of(data, copy.len)))
		abort();
	cursor = cursor_of(input);
	buffer_reset(&copy);
	if (rlp_read_u64(&cursor, "fuzz", &number) == OK)
		rlp_write_u64(&writer, number);
	if (!bytes_equal(buffer_bytes(&copy), bytes_of(data, copy.len)))
		abort();
	buffer_reset(&copy);
	if (copy_items(cursor_of(input), &writer, DEPTH_MAX) == OK && !bytes_equal(buffer_bytes(&copy), input))
		abort();
	return 0;
}
