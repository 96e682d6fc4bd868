/*
 * Reader: base/peer_frame.c
 * What the gateway of another keeper, or anybody at its port, sends. Property: a frame that is read is written as it was.
 */
#include "base/peer_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct cursor cursor = {data, size};
	for (bool found = true; found;) {
		_cleanup_(buffer_free) struct buffer again = {};
		struct peer_frame frame;
		const uint8_t *start = cursor.at;
		if (peer_frame_read(&cursor, &frame, &found) != OK || !found)
			return 0;
		peer_frame_write(&frame, &again);
		if (!bytes_equal(buffer_bytes(&again), bytes_of(start, (size_t)(cursor.at - start))))
			__builtin_trap();
	}
	return 0;
}
