/*
 * Reading bytes from outside. A cursor carries its bounds: every read checks what is left, advances, and fails with
 * STATUS_INVALID and the given field's name otherwise. Integers are read in the order that the function's name gives.
 */
#ifndef GATEHOUSE_BASE_CURSOR_H
#define GATEHOUSE_BASE_CURSOR_H

#include "base/bytes.h"

struct cursor {
	const uint8_t *at;
	size_t left;
};

static inline struct cursor
cursor_of(struct bytes bytes) {
	return (struct cursor){bytes.data, bytes.len};
}

/* The next len bytes, borrowed. field names what is read: "psbt.key". */
enum status cursor_take(struct cursor *cursor, const char *field, size_t len, struct bytes *bytes);
enum status cursor_copy(struct cursor *cursor, const char *field, void *to, size_t len);
enum status cursor_u8(struct cursor *cursor, const char *field, uint8_t *number);
enum status cursor_u16be(struct cursor *cursor, const char *field, uint16_t *number);
enum status cursor_u32be(struct cursor *cursor, const char *field, uint32_t *number);
enum status cursor_u64be(struct cursor *cursor, const char *field, uint64_t *number);
enum status cursor_u16le(struct cursor *cursor, const char *field, uint16_t *number);
enum status cursor_u32le(struct cursor *cursor, const char *field, uint32_t *number);
enum status cursor_u64le(struct cursor *cursor, const char *field, uint64_t *number);
/* Bytes after their number in 32 bits, big-endian: "<field>: n bytes" if there are more than max. */
enum status cursor_prefixed(struct cursor *cursor, const char *field, size_t max, struct bytes *bytes);
/* What stands before the next such byte, which is passed over: "<field>: no ..." if there is none. */
enum status cursor_until(struct cursor *cursor, const char *field, uint8_t end, struct bytes *bytes);
/* OK only if nothing is left: "<field>.trailing: n bytes after the end". */
enum status cursor_end(const struct cursor *cursor, const char *field);

/* The items of a snapshot of state: version, number, and so many that read_one() takes from the cursor; nothing after them.
 * STATUS_UNSUPPORTED "<field>: version n", STATUS_NO_MEMORY as it comes, and else STATUS_CORRUPT "<field>: damaged". */
enum status cursor_read_snapshot(struct bytes snapshot, const char *field, uint8_t version,
				 enum status (*read_one)(struct cursor *cursor, void *context), void *context);

#endif
