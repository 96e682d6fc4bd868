#include "base/peer_frame.h"

static const uint8_t MAGIC[4] = {'G', 'H', 'P', 'R'};

void
peer_frame_write(const struct peer_frame *frame, struct buffer *to) {
	if (!buffer_reserve(to, PEER_FRAME_HEADER_SIZE + frame->bytes.len))
		return;
	buffer_append(to, MAGIC, sizeof MAGIC);
	buffer_append_u16be(to, PEER_FRAME_VERSION);
	buffer_append_byte(to, frame->from);
	buffer_append_byte(to, frame->to);
	buffer_append_u64be(to, frame->stream);
	buffer_append_prefixed(to, frame->bytes);
}

static bool
is_party(uint8_t party) {
	return party >= 1 && party <= PEER_FRAME_PARTY_MAX;
}

static enum status
read_header(struct cursor *cursor, struct peer_frame *frame, uint32_t *length) {
	uint8_t magic[sizeof MAGIC];
	uint16_t version;
	TRY(cursor_copy(cursor, "peer_frame.header", magic, sizeof magic));
	if (memcmp(magic, MAGIC, sizeof magic) != 0)
		return fail(STATUS_INVALID, "peer_frame.magic: no frame between gateways");
	TRY(cursor_u16be(cursor, "peer_frame.header", &version));
	if (version != PEER_FRAME_VERSION)
		return fail(STATUS_UNSUPPORTED, "peer_frame.version: %u, this program speaks %u", version,
			    PEER_FRAME_VERSION);
	TRY(cursor_u8(cursor, "peer_frame.header", &frame->from));
	TRY(cursor_u8(cursor, "peer_frame.header", &frame->to));
	if (!is_party(frame->from) || !is_party(frame->to) || frame->from == frame->to)
		return fail(STATUS_INVALID, "peer_frame.party: from %u to %u", frame->from, frame->to);
	TRY(cursor_u64be(cursor, "peer_frame.header", &frame->stream));
	TRY(cursor_u32be(cursor, "peer_frame.header", length));
	if (*length == 0 || *length > PEER_FRAME_BYTES_MAX)
		return fail(STATUS_INVALID, "peer_frame.length: %u bytes, expected 1 to %zu", *length,
			    PEER_FRAME_BYTES_MAX);
	return OK;
}

enum status
peer_frame_read(struct cursor *input, struct peer_frame *frame, bool *found) {
	struct cursor cursor = *input;
	uint32_t length;
	*found = false;
	if (cursor.left < PEER_FRAME_HEADER_SIZE)
		return OK;
	TRY(read_header(&cursor, frame, &length));
	if (cursor.left < length)
		return OK;
	TRY(cursor_take(&cursor, "peer_frame.bytes", length, &frame->bytes));
	*input = cursor;
	*found = true;
	return OK;
}
