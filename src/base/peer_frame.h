/*
 * Frames between the gateways of two keepers, over TCP: where bytes go, nothing else. docs/PROTOCOL.peer §3.
 *
 *     "GHPR", version (2), from and to (parties, 1 each), stream (8), length (4), that many bytes
 *
 * Nobody trusts a frame: it says which keeper's channel the bytes are for, and the channel inside says whose they are. A
 * reader refuses a header by its name as soon as it is there. Errors: STATUS_INVALID "peer_frame.*"; STATUS_UNSUPPORTED
 * "peer_frame.version".
 */
#ifndef GATEHOUSE_BASE_PEER_FRAME_H
#define GATEHOUSE_BASE_PEER_FRAME_H

#include "base/cursor.h"

constexpr uint16_t PEER_FRAME_VERSION = 1;
constexpr size_t PEER_FRAME_HEADER_SIZE = 20;
constexpr size_t PEER_FRAME_BYTES_MAX = 64 * 1024;
constexpr uint8_t PEER_FRAME_PARTY_MAX = 16;

struct peer_frame {
	uint8_t from, to; /* parties, two different ones */
	uint64_t stream;  /* drawn by who dialled; the same in both directions and in every frame of a connection */
	struct bytes bytes;
};

/* bytes: 1 to PEER_FRAME_BYTES_MAX. */
void peer_frame_write(const struct peer_frame *frame, struct buffer *to);
/* The next frame; *found is false while it is incomplete. What is read borrows from the input. */
enum status peer_frame_read(struct cursor *input, struct peer_frame *frame, bool *found);

#endif
