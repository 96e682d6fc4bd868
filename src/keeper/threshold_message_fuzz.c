/*
 * Reader: keeper/threshold_message.c
 * The first byte says which reader; what is read is written again, and must be the same bytes.
 */
#include <stdlib.h>

#include "keeper/threshold_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
again(uint8_t which, struct bytes body, struct buffer *to) {
	_cleanup_(arena_free) struct arena arena = {};
	struct cursor cursor = cursor_of(body);
	struct proposal proposal;
	struct joint_answer answer;
	struct spend spend;
	struct counted_seal seal;
	switch (which % 4) {
	case 0:
		if (proposal_read(body, &proposal) != OK)
			return false;
		proposal_write(to, &proposal);
		return true;
	case 1:
		if (joint_answer_read(body, &answer) != OK)
			return false;
		joint_answer_write(to, &answer);
		return true;
	case 3:
		if (counted_seal_read(&cursor, &seal) != OK)
			return false;
		counted_seal_write(to, &seal);
		buffer_append(to, cursor.at, cursor.left);
		return true;
	default:
		while (cursor.left > 0) {
			if (counted_read(&cursor, &arena, 0, &spend) != OK)
				return false;
			counted_write(to, &spend, 0);
		}
		return true;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(buffer_free) struct buffer written = {};
	if (size == 0)
		return 0;
	struct bytes body = bytes_of(data + 1, size - 1);
	if (again(data[0], body, &written) && !bytes_equal(body, buffer_bytes(&written)))
		abort();
	return 0;
}
