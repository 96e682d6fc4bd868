/*
 * Reader: base/ipc.c, base/ipc_messages.c, base/ipc_control.c The readers of what another process sends: the input is a
 * stream of frames, and each frame's payload is also given to the reader of its type. The first byte chooses whether
 * the checksums are made right first, so that the readers behind are reached.
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

static void
read_payload(const struct ipc_frame *frame) {
	struct ipc_request request;
	struct ipc_response response;
	struct ipc_credit credit;
	struct ipc_feed feed;
	struct ipc_report report;
	switch (frame->type) {
	case IPC_REQUEST:
	case IPC_URGENT_REQUEST:
		IGNORE_STATUS(ipc_read_request(frame->payload, &request));
		break;
	case IPC_RESPONSE:
		IGNORE_STATUS(ipc_read_response(frame->payload, &response));
		break;
	case IPC_CREDIT:
		IGNORE_STATUS(ipc_read_credit(frame->payload, &credit));
		break;
	case IPC_FEED:
		IGNORE_STATUS(ipc_read_feed(frame->payload, &feed));
		break;
	case IPC_REPORT:
		IGNORE_STATUS(ipc_read_report(frame->payload, &report));
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
