#include "base/cursor.h"

enum status
cursor_take(struct cursor *cursor, const char *field, size_t len, struct bytes *bytes) {
	if (len > cursor->left)
		return fail(STATUS_INVALID, "%s: truncated: %zu bytes expected, %zu left", field, len, cursor->left);
	*bytes = bytes_of(cursor->at, len);
	cursor->at += len;
	cursor->left -= len;
	return OK;
}

enum status
cursor_copy(struct cursor *cursor, const char *field, void *to, size_t len) {
	struct bytes bytes;
	TRY(cursor_take(cursor, field, len, &bytes));
	if (len > 0)
		memcpy(to, bytes.data, len);
	return OK;
}

enum status
cursor_until(struct cursor *cursor, const char *field, uint8_t end, struct bytes *bytes) {
	const uint8_t *found = cursor->left == 0 ? nullptr : memchr(cursor->at, end, cursor->left);
	if (found == nullptr)
		return fail(STATUS_INVALID, "%s: no 0x%02x ends it in the %zu bytes left", field, end, cursor->left);
	TRY(cursor_take(cursor, field, (size_t)(found - cursor->at), bytes));
	cursor->at++;
	cursor->left--;
	return OK;
}

static enum status
read_big_endian(struct cursor *cursor, const char *field, size_t width, uint64_t *number) {
	struct bytes bytes;
	TRY(cursor_take(cursor, field, width, &bytes));
	*number = 0;
	for (size_t i = 0; i < width; i++)
		*number = *number << 8 | bytes.data[i];
	return OK;
}

static enum status
read_little_endian(struct cursor *cursor, const char *field, size_t width, uint64_t *number) {
	struct bytes bytes;
	TRY(cursor_take(cursor, field, width, &bytes));
	*number = 0;
	for (size_t i = width; i > 0; i--)
		*number = *number << 8 | bytes.data[i - 1];
	return OK;
}

#define DEFINE_READER(name, type, read)                                                                                \
	enum status name(struct cursor *cursor, const char *field, type *number) {                                     \
		uint64_t wide;                                                                                         \
		TRY(read(cursor, field, sizeof(type), &wide));                                                         \
		*number = (type)wide;                                                                                  \
		return OK;                                                                                             \
	}

DEFINE_READER(cursor_u8, uint8_t, read_big_endian)
DEFINE_READER(cursor_u16be, uint16_t, read_big_endian)
DEFINE_READER(cursor_u32be, uint32_t, read_big_endian)
DEFINE_READER(cursor_u64be, uint64_t, read_big_endian)
DEFINE_READER(cursor_u16le, uint16_t, read_little_endian)
DEFINE_READER(cursor_u32le, uint32_t, read_little_endian)
DEFINE_READER(cursor_u64le, uint64_t, read_little_endian)

enum status
cursor_prefixed(struct cursor *cursor, const char *field, size_t max, struct bytes *bytes) {
	uint32_t len;
	TRY(cursor_u32be(cursor, field, &len));
	if (len > max)
		return fail(STATUS_INVALID, "%s: %u bytes, at most %zu", field, len, max);
	return cursor_take(cursor, field, len, bytes);
}

enum status
cursor_end(const struct cursor *cursor, const char *field) {
	return cursor->left == 0 ? OK
				 : fail(STATUS_INVALID, "%s.trailing: %zu bytes after the end", field, cursor->left);
}

enum status
cursor_read_snapshot(struct bytes snapshot, const char *field, uint8_t version,
		     enum status (*read_one)(struct cursor *cursor, void *context), void *context) {
	struct cursor cursor = cursor_of(snapshot);
	uint8_t found = 0;
	uint32_t count = 0;
	enum status status = cursor_u8(&cursor, field, &found);
	if (status == OK && found != version)
		return fail(STATUS_UNSUPPORTED, "%s: version %u", field, found);
	if (status == OK)
		status = cursor_u32be(&cursor, field, &count);
	for (; status == OK && count > 0; count--)
		status = read_one(&cursor, context);
	if (status == OK)
		status = cursor_end(&cursor, field);
	return status == OK || status == STATUS_NO_MEMORY ? status : fail(STATUS_CORRUPT, "%s: damaged", field);
}
