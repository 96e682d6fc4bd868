#include "wallet/evm/rlp.h"

/* First bytes of the five forms (Yellow Paper appendix B). */
constexpr uint8_t SHORT_STRING = 0x80;
constexpr uint8_t SHORT_LIST = 0xc0;
constexpr size_t SHORT_MAX = 55;
constexpr size_t LENGTH_BYTES_MAX = 8;

struct item {
	bool is_list;
	struct bytes content;
};

/* The length of a long form: big-endian, no leading zero, and not one that the short form could give. */
static enum status
read_long_length(struct cursor *cursor, const char *field, size_t width, uint64_t *length) {
	if (width > cursor->left)
		return fail(STATUS_INVALID, "%s.truncated: a length of %zu bytes, %zu left", field, width,
			    cursor->left);
	struct bytes bytes;
	TRY(cursor_take(cursor, field, width, &bytes));
	*length = 0;
	for (size_t i = 0; i < width; i++)
		*length = *length << 8 | bytes.data[i];
	if (bytes.data[0] == 0)
		return fail(STATUS_INVALID, "%s.length_form: a length with leading zeros", field);
	if (*length <= SHORT_MAX)
		return fail(STATUS_INVALID, "%s.length_form: a length of %llu in the long form", field,
			    (unsigned long long)*length);
	return OK;
}

static enum status
read_item(struct cursor *cursor, const char *field, struct item *item) {
	if (cursor->left == 0)
		return fail(STATUS_INVALID, "%s.missing: nothing is left", field);
	struct cursor start = *cursor;
	uint8_t first;
	TRY(cursor_u8(cursor, field, &first));
	item->is_list = first >= SHORT_LIST;
	if (first < SHORT_STRING) {
		item->content = bytes_of(start.at, 1);
		return OK;
	}
	uint64_t length = (uint64_t)(first - (item->is_list ? SHORT_LIST : SHORT_STRING));
	if (length > SHORT_MAX)
		TRY(read_long_length(cursor, field, (size_t)length - SHORT_MAX, &length));
	if (length > cursor->left)
		return fail(STATUS_INVALID, "%s.truncated: %llu bytes expected, %zu left", field,
			    (unsigned long long)length, cursor->left);
	TRY(cursor_take(cursor, field, (size_t)length, &item->content));
	if (!item->is_list && length == 1 && item->content.data[0] < SHORT_STRING)
		return fail(STATUS_INVALID, "%s.byte_form: byte 0x%02x stands for itself and has a prefix", field,
			    item->content.data[0]);
	return OK;
}

enum status
rlp_read_bytes(struct cursor *cursor, const char *field, struct bytes *bytes) {
	struct item item;
	TRY(read_item(cursor, field, &item));
	if (item.is_list)
		return fail(STATUS_INVALID, "%s.list: expected bytes, found a list", field);
	*bytes = item.content;
	return OK;
}

enum status
rlp_read_fixed(struct cursor *cursor, const char *field, void *to, size_t len) {
	struct bytes bytes;
	TRY(rlp_read_bytes(cursor, field, &bytes));
	if (bytes.len != len)
		return fail(STATUS_INVALID, "%s.length: expected %zu bytes, found %zu", field, len, bytes.len);
	memcpy(to, bytes.data, len);
	return OK;
}

enum status
rlp_read_list(struct cursor *cursor, const char *field, struct cursor *content) {
	struct item item;
	TRY(read_item(cursor, field, &item));
	if (!item.is_list)
		return fail(STATUS_INVALID, "%s.not_list: expected a list, found %zu bytes", field, item.content.len);
	*content = cursor_of(item.content);
	return OK;
}

static enum status
read_integer(struct cursor *cursor, const char *field, size_t width, struct bytes *digits) {
	TRY(rlp_read_bytes(cursor, field, digits));
	if (digits->len > 0 && digits->data[0] == 0)
		return fail(STATUS_INVALID, "%s.leading_zero: an integer with leading zeros", field);
	if (digits->len > width)
		return fail(STATUS_INVALID, "%s.overflow: an integer of %zu bytes, at most %zu", field, digits->len,
			    width);
	return OK;
}

enum status
rlp_read_amount(struct cursor *cursor, const char *field, struct amount *amount) {
	struct bytes digits;
	TRY(read_integer(cursor, field, 32, &digits));
	return amount_from_big_endian(digits, amount);
}

enum status
rlp_read_u64(struct cursor *cursor, const char *field, uint64_t *number) {
	struct bytes digits;
	TRY(read_integer(cursor, field, 8, &digits));
	*number = 0;
	for (size_t i = 0; i < digits.len; i++)
		*number = *number << 8 | digits.data[i];
	return OK;
}

enum status
rlp_count(struct cursor cursor, size_t *count) {
	for (*count = 0; cursor.left > 0; ++*count) {
		struct item item;
		TRY(read_item(&cursor, "rlp", &item));
	}
	return OK;
}

static void
put(struct rlp_writer *writer, struct bytes bytes) {
	writer->len += bytes.len;
	if (writer->to != nullptr)
		buffer_append_bytes(writer->to, bytes);
}

/* A header is written even for the empty string and list; 0xb8 and 0xf8 begin the long forms. */
static void
put_header(struct rlp_writer *writer, uint8_t form, size_t len) {
	uint8_t header[1 + LENGTH_BYTES_MAX];
	if (len <= SHORT_MAX) {
		header[0] = (uint8_t)(form + len);
		put(writer, bytes_of(header, 1));
		return;
	}
	store_u64be(header + 1, len);
	size_t zeros = 0;
	while (header[1 + zeros] == 0)
		zeros++;
	header[zeros] = (uint8_t)(form + SHORT_MAX + LENGTH_BYTES_MAX - zeros);
	put(writer, bytes_of(header + zeros, sizeof header - zeros));
}

void
rlp_write_bytes(struct rlp_writer *writer, struct bytes bytes) {
	if (bytes.len != 1 || bytes.data[0] >= SHORT_STRING)
		put_header(writer, SHORT_STRING, bytes.len);
	put(writer, bytes);
}

static void
write_integer(struct rlp_writer *writer, struct bytes big_endian) {
	size_t zeros = 0;
	while (zeros < big_endian.len && big_endian.data[zeros] == 0)
		zeros++;
	rlp_write_bytes(writer, bytes_of(big_endian.data + zeros, big_endian.len - zeros));
}

void
rlp_write_amount(struct rlp_writer *writer, const struct amount *amount) {
	uint8_t bytes[32];
	amount_to_big_endian(amount, bytes);
	write_integer(writer, BYTES_OF_ARRAY(bytes));
}

void
rlp_write_u64(struct rlp_writer *writer, uint64_t number) {
	uint8_t bytes[8];
	store_u64be(bytes, number);
	write_integer(writer, bytes_of(bytes, sizeof bytes));
}

void
rlp_write_list_header(struct rlp_writer *writer, size_t content_len) {
	put_header(writer, SHORT_LIST, content_len);
}
