/*
 * Reader: keeper/peer_hello.c
 * What a keeper that has passed the authentication says. The first byte chooses which of the three readers. Property: what is
 * read is written as it was.
 */
#include "keeper/peer_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
same(struct bytes read, const struct buffer *written) {
	if (!bytes_equal(read, buffer_bytes(written)))
		__builtin_trap();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(buffer_free) struct buffer again = {};
	struct peer_hello hello;
	struct peer_consistency consistency;
	struct peer_beat beat;
	if (size == 0)
		return 0;
	struct bytes message = bytes_of(data + 1, size - 1);
	switch (data[0] % 3) {
	case 0:
		if (peer_hello_read(message, &hello) != OK)
			return 0;
		peer_hello_write(&hello, &again);
		break;
	case 1:
		if (peer_consistency_read(message, &consistency) != OK)
			return 0;
		peer_consistency_write(&consistency, &again);
		break;
	default:
		if (peer_beat_read(message, &beat) != OK)
			return 0;
		peer_beat_write(&beat, &again);
	}
	same(message, &again);
	return 0;
}
