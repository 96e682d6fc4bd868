/* Bytes that a test writes as hexadecimal digits, with spaces where they read better. Include after tests/test.h. */
#ifndef GATEHOUSE_TESTS_HEX_H
#define GATEHOUSE_TESTS_HEX_H

#include "base/arena.h"
#include "base/bytes.h"

static inline struct bytes
unhex(struct arena *arena, const char *hex) {
	_cleanup_(buffer_free) struct buffer digits = {};
	for (const char *c = hex; *c != '\0'; c++)
		if (*c != ' ')
			buffer_append_byte(&digits, (uint8_t)*c);
	size_t len = digits.len / 2;
	uint8_t *bytes = arena_alloc(arena, len + 1);
	assert_non_null(bytes);
	assert_ok(hex_decode(buffer_bytes(&digits), bytes, len));
	return bytes_of(bytes, len);
}

#endif
