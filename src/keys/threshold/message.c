#include "keys/threshold/message.h"

static const uint8_t MAGIC[4] = {'G', 'H', 'T', 'M'};

void
message_start(struct buffer *frame, const struct message_header *header) {
	buffer_append(frame, MAGIC, sizeof MAGIC);
	buffer_append_u16be(frame, MESSAGE_VERSION);
	buffer_append_byte(frame, header->type);
	buffer_append_byte(frame, header->from);
	buffer_append_byte(frame, header->to);
	buffer_append_bytes(frame, hash256_bytes(&header->session_id));
}

enum status
message_read_header(struct bytes frame, struct message_header *header) {
	struct cursor cursor = cursor_of(frame);
	struct bytes magic;
	uint16_t version;
	if (cursor_take(&cursor, "message.magic", sizeof MAGIC, &magic) != OK ||
	    !bytes_equal(magic, BYTES_OF_ARRAY(MAGIC)))
		return fail(STATUS_INVALID, "message.magic: %zu bytes that are no message", frame.len);
	TRY(cursor_u16be(&cursor, "message.header", &version));
	if (version != MESSAGE_VERSION)
		return fail(STATUS_UNSUPPORTED, "message.version: %u; this program knows %u", version, MESSAGE_VERSION);
	TRY(cursor_u8(&cursor, "message.header", &header->type));
	TRY(cursor_u8(&cursor, "message.header", &header->from));
	TRY(cursor_u8(&cursor, "message.header", &header->to));
	return cursor_copy(&cursor, "message.header", header->session_id.bytes, sizeof header->session_id.bytes);
}

static size_t
field_size(const struct message_field *field, const struct message_counts *counts) {
	return field->count == 0 ? field->unit : (size_t)field->unit * counts->counts[field->count];
}

size_t
message_size(const struct message_kind *kind, const struct message_counts *counts) {
	size_t size = MESSAGE_HEADER_SIZE;
	for (size_t i = 0; i < kind->field_count; i++)
		size += field_size(&kind->fields[i], counts);
	return size;
}

enum status
message_read_fields(struct bytes frame, const struct message_kind *kind, const struct message_counts *counts,
		    struct bytes *fields) {
	size_t expected = message_size(kind, counts);
	if (frame.len != expected)
		return fail(STATUS_INVALID, "message.length: %zu bytes of %s where %zu were expected", frame.len,
			    kind->name, expected);
	struct cursor cursor = cursor_of(bytes_of(frame.data + MESSAGE_HEADER_SIZE, frame.len - MESSAGE_HEADER_SIZE));
	for (size_t i = 0; i < kind->field_count; i++)
		TRY(cursor_take(&cursor, kind->fields[i].name, field_size(&kind->fields[i], counts), &fields[i]));
	return cursor_end(&cursor, "message");
}
