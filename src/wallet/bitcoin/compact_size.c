#include "wallet/bitcoin/compact_size.h"

constexpr uint8_t TWO_BYTES = 0xfd;
constexpr uint8_t FOUR_BYTES = 0xfe;
constexpr uint8_t EIGHT_BYTES = 0xff;

enum status
bitcoin_read_compact_size(struct cursor *cursor, const char *field, uint64_t *number) {
	uint8_t first;
	TRY(cursor_u8(cursor, field, &first));
	uint16_t two;
	uint32_t four;
	uint64_t least;
	switch (first) {
	case TWO_BYTES:
		TRY(cursor_u16le(cursor, field, &two));
		*number = two;
		least = TWO_BYTES;
		break;
	case FOUR_BYTES:
		TRY(cursor_u32le(cursor, field, &four));
		*number = four;
		least = UINT64_C(1) << 16;
		break;
	case EIGHT_BYTES:
		TRY(cursor_u64le(cursor, field, number));
		least = UINT64_C(1) << 32;
		break;
	default:
		*number = first;
		return OK;
	}
	if (*number < least)
		return fail(STATUS_INVALID, "bitcoin.compact_size: %s: %llu is not in its shortest form", field,
			    (unsigned long long)*number);
	return OK;
}

enum status
bitcoin_read_sized(struct cursor *cursor, const char *field, struct bytes *bytes) {
	uint64_t len;
	TRY(bitcoin_read_compact_size(cursor, field, &len));
	if (len > cursor->left)
		return fail(STATUS_INVALID, "%s: truncated: %llu bytes expected, %zu left", field,
			    (unsigned long long)len, cursor->left);
	return cursor_take(cursor, field, (size_t)len, bytes);
}

enum status
bitcoin_read_count(struct cursor *cursor, const char *field, size_t item_size, size_t *count) {
	uint64_t number;
	TRY(bitcoin_read_compact_size(cursor, field, &number));
	if (number > cursor->left / item_size)
		return fail(STATUS_INVALID, "%s: truncated: %llu of at least %zu bytes each expected, %zu bytes left",
			    field, (unsigned long long)number, item_size, cursor->left);
	*count = (size_t)number;
	return OK;
}

void
bitcoin_append_compact_size(struct buffer *to, uint64_t number) {
	if (number < TWO_BYTES) {
		buffer_append_byte(to, (uint8_t)number);
	} else if (number <= UINT16_MAX) {
		buffer_append_byte(to, TWO_BYTES);
		buffer_append_u16le(to, (uint16_t)number);
	} else if (number <= UINT32_MAX) {
		buffer_append_byte(to, FOUR_BYTES);
		buffer_append_u32le(to, (uint32_t)number);
	} else {
		buffer_append_byte(to, EIGHT_BYTES);
		buffer_append_u64le(to, number);
	}
}

void
bitcoin_append_sized(struct buffer *to, struct bytes bytes) {
	bitcoin_append_compact_size(to, bytes.len);
	buffer_append_bytes(to, bytes);
}

size_t
bitcoin_compact_size_length(uint64_t number) {
	return number < TWO_BYTES ? 1 : number <= UINT16_MAX ? 3 : number <= UINT32_MAX ? 5 : 9;
}
