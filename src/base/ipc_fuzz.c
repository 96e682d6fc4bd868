/*
 * Readers: base/ipc.c (frame_checksum, ipc_read_frame), base/ipc_messages.c
 * What another process sends: the input is a stream of frames, and each frame's payload is also given to the reader of
 * its type. The first byte chooses whether the checksums are made right first, so that the readers behind are reached.
 * Property: a payload that is read is written again as the same bytes.
 */
#include "base/crc32c.h"
#include "base/ipc_messages.h"

#include <stdlib.h>

static void
mend_checksums(uint8_t *data, size_t len) {
	size_t at = 0;
	while (len - at >= IPC_HEADER_SIZE) {
		uint32_t payload = load_u32be(data + at) & 0xfff;
		store_u32be(data + at, payload);
		if (len - at - IPC_HEADER_SIZE < payload)
			return;
		data[at + 4] = data[at + 6] = data[at + 7] = 0;
		data[at + 5] = (uint8_t)(data[at + 5] % IPC_TYPE_END);
		store_u32be(data + at + 16,
			    crc32c(crc32c(0, bytes_of(data + at, 16)), bytes_of(data + at + IPC_HEADER_SIZE, payload)));
		at += IPC_HEADER_SIZE + payload;
	}
}

#define CHECK_PAYLOAD(message, payload)                                                                                \
	do {                                                                                                           \
		struct ipc_##message read;                                                                             \
		_cleanup_(buffer_free) struct buffer written = {};                                                     \
		if (ipc_read_##message((payload), &read) != OK)                                                        \
			break;                                                                                         \
		ipc_write_##message(&written, &read);                                                                  \
		if (!bytes_equal(buffer_bytes(&written), (payload)))                                                   \
			abort();                                                                                       \
	} while (0)

static void
read_payload(const struct ipc_frame *frame) {
	switch (frame->type) {
	case IPC_REQUEST:
	case IPC_URGENT_REQUEST:
		CHECK_PAYLOAD(request, frame->payload);
		break;
	case IPC_RESPONSE:
		CHECK_PAYLOAD(response, frame->payload);
		break;
	case IPC_CREDIT:
		CHECK_PAYLOAD(credit, frame->payload);
		break;
	case IPC_FEED:
		CHECK_PAYLOAD(feed, frame->payload);
		break;
	case IPC_STREAM_END:
		CHECK_PAYLOAD(stream_end, frame->payload);
		break;
	case IPC_REPORT:
		CHECK_PAYLOAD(report, frame->payload);
		break;
	case IPC_FETCH:
		CHECK_PAYLOAD(fetch, frame->payload);
		break;
	case IPC_FETCHED:
		CHECK_PAYLOAD(fetched, frame->payload);
		break;
	case IPC_PEERS:
		CHECK_PAYLOAD(peers, frame->payload);
		break;
	case IPC_PEER_OPENED:
		CHECK_PAYLOAD(peer_opened, frame->payload);
		break;
	case IPC_PEER_DATA:
		CHECK_PAYLOAD(peer_data, frame->payload);
		break;
	case IPC_PEER_CREDIT:
		CHECK_PAYLOAD(peer_credit, frame->payload);
		break;
	case IPC_WORK:
	case IPC_WORKED:
		CHECK_PAYLOAD(work, frame->payload);
		break;
	default:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	if (size == 0)
		return 0;
	uint8_t *copy = malloc(size);
	if (copy == nullptr)
		return 0;
	memcpy(copy, data, size);
	if (copy[0] & 1)
		mend_checksums(copy + 1, size - 1);
	struct cursor cursor = {copy + 1, size - 1};
	struct ipc_frame frame;
	bool found = true;
	while (found && ipc_read_frame(&cursor, &frame, &found) == OK)
		if (found)
			read_payload(&frame);
	free(copy);
	return 0;
}
