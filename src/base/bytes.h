/*
 * Views of bytes, growing buffers, and the text encodings of bytes.
 *
 * struct bytes borrows; it never owns. struct buffer owns heap memory and is wiped and freed by buffer_free(). An append
 * that fails marks the buffer, further appends do nothing, and buffer_status() tells once at the end.
 * Encodings: lower-case hexadecimal; RFC 4648 base64 with padding; decoding is strict (no white space, canonical bits).
 */
#ifndef GATEHOUSE_BASE_BYTES_H
#define GATEHOUSE_BASE_BYTES_H

#include <stdint.h>
#include <stdarg.h>
#include <string.h>

#include "base/status.h"

struct bytes {
	const uint8_t *data;
	size_t len;
};

#define BYTES_OF_LITERAL(text) ((struct bytes){(const uint8_t *)(text), sizeof(text) - 1})
#define BYTES_OF_ARRAY(array) ((struct bytes){(array), sizeof(array)})
#define BYTES_ARGS(view) (int)(view).len, (const char *)(view).data /* for "%.*s" */

static inline struct bytes
bytes_of(const void *data, size_t len) {
	return (struct bytes){data, len};
}

static inline struct bytes
bytes_of_text(const char *text) {
	return (struct bytes){(const uint8_t *)text, strlen(text)};
}

static inline bool
bytes_equal(struct bytes a, struct bytes b) {
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool
bytes_equal_text(struct bytes a, const char *text) {
	return bytes_equal(a, bytes_of_text(text));
}

/* Bytewise order, the shorter first among equals: below, at or above 0. */
int bytes_compare(struct bytes a, struct bytes b);

struct buffer {
	uint8_t *data;
	size_t len;
	size_t capacity;
	bool failed;
};

void buffer_free(struct buffer *buffer);  /* wipes; a cleanup function */
void buffer_reset(struct buffer *buffer); /* keeps the memory */
/* False, and the buffer is marked, where there is no memory. */
bool buffer_make_room(struct buffer *buffer, size_t more);

static inline bool
buffer_reserve(struct buffer *buffer, size_t more) {
	return (!buffer->failed && more <= buffer->capacity - buffer->len) || buffer_make_room(buffer, more);
}

static inline void
buffer_append(struct buffer *buffer, const void *data, size_t len) {
	if (len == 0 || !buffer_reserve(buffer, len))
		return;
	memcpy(buffer->data + buffer->len, data, len);
	buffer->len += len;
}

static inline void
buffer_append_byte(struct buffer *buffer, uint8_t byte) {
	if (buffer_reserve(buffer, 1))
		buffer->data[buffer->len++] = byte;
}

void buffer_append_bytes(struct buffer *buffer, struct bytes bytes);
void buffer_append_text(struct buffer *buffer, const char *text);
void buffer_append_u16be(struct buffer *buffer, uint16_t number);
void buffer_append_u32be(struct buffer *buffer, uint32_t number);
void buffer_append_u64be(struct buffer *buffer, uint64_t number);
void buffer_append_prefixed(struct buffer *buffer, struct bytes bytes); /* after their number, in 32 bits, big-endian */
void buffer_append_u16le(struct buffer *buffer, uint16_t number);
void buffer_append_u32le(struct buffer *buffer, uint32_t number);
void buffer_append_u64le(struct buffer *buffer, uint64_t number);
void buffer_append_hex(struct buffer *buffer, struct bytes bytes);
void buffer_append_base64(struct buffer *buffer, struct bytes bytes);
void buffer_append_decimal(struct buffer *buffer, uint64_t number);
void buffer_append_format(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* OK, or STATUS_NO_MEMORY if any append since the last reset failed. */
enum status buffer_status(const struct buffer *buffer);

static inline struct bytes
buffer_bytes(const struct buffer *buffer) {
	return (struct bytes){buffer->data, buffer->len};
}

/* Writes 2 × bytes.len digits and a NUL into text, which holds at least 2 × bytes.len + 1. */
void hex_encode(struct bytes bytes, char *text);
/* Decodes exactly len bytes from 2 × len digits of either case. */
enum status hex_decode(struct bytes text, uint8_t *bytes, size_t len);

#define BASE64_LENGTH(len) (((len) + 2) / 3 * 4)
/* Writes BASE64_LENGTH(bytes.len) characters and a NUL. */
void base64_encode(struct bytes bytes, char *text);
/* Decodes into at most capacity bytes; *len receives their number. */
enum status base64_decode(struct bytes text, uint8_t *bytes, size_t capacity, size_t *len);

/* Digits only, no leading zero, at most 2^64 − 1: decimal.form, decimal.range. */
enum status decimal_decode(struct bytes text, uint64_t *number);

/* Bytes of the well-formed UTF-8 sequence at text (RFC 3629 §4), of which at least one is left; 0 if there is none. */
size_t utf8_length(const uint8_t *text, size_t left);
/* Bytes of what stands at text and must not reach a terminal: C0 and C1 controls, line and paragraph separators, bidirectional
 * controls (UAX #9 §2), and what is no UTF-8; 0 where nothing does. */
size_t utf8_harmful_length(const uint8_t *text, size_t left);
/* With each harmful byte as \xNN, but for line feeds where lines says so. */
void buffer_append_foreign(struct buffer *buffer, struct bytes text, bool lines);
bool utf8_is_valid(struct bytes text);

static inline uint32_t
load_u32be(const uint8_t *p) {
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t
load_u64be(const uint8_t *p) {
	return (uint64_t)load_u32be(p) << 32 | load_u32be(p + 4);
}

static inline void
store_u32be(uint8_t *p, uint32_t number) {
	p[0] = (uint8_t)(number >> 24);
	p[1] = (uint8_t)(number >> 16);
	p[2] = (uint8_t)(number >> 8);
	p[3] = (uint8_t)number;
}

static inline void
store_u64be(uint8_t *p, uint64_t number) {
	store_u32be(p, (uint32_t)(number >> 32));
	store_u32be(p + 4, (uint32_t)number);
}

#endif
