#include "base/base64url.h"

static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void
base64url_encode(struct bytes bytes, char *text) {
	uint32_t bits = 0;
	unsigned held = 0;
	for (size_t i = 0; i < bytes.len; i++) {
		bits = bits << 8 | bytes.data[i];
		for (held += 8; held >= 6; held -= 6)
			*text++ = DIGITS[bits >> (held - 6) & 63];
	}
	if (held > 0)
		*text++ = DIGITS[bits << (6 - held) & 63];
	*text = '\0';
}

static int
digit_of(uint8_t c) {
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

enum status
base64url_decode(struct bytes text, uint8_t *bytes, size_t capacity, size_t *len) {
	uint32_t bits = 0;
	unsigned held = 0;
	if (text.len % 4 == 1)
		return fail(STATUS_INVALID, "base64url.length: no bytes have %zu characters", text.len);
	size_t decoded = text.len / 4 * 3 + (text.len % 4 == 0 ? 0 : text.len % 4 - 1);
	if (decoded > capacity)
		return fail(STATUS_TOO_LARGE, "base64url.size: %zu bytes where at most %zu fit", decoded, capacity);
	for (size_t i = 0; i < text.len; i++) {
		int digit = digit_of(text.data[i]);
		if (digit < 0)
			return fail(STATUS_INVALID, "base64url.digit: not a base64url character at offset %zu", i);
		bits = bits << 6 | (uint32_t)digit;
		held += 6;
		if (held >= 8) {
			held -= 8;
			*bytes++ = (uint8_t)(bits >> held);
		}
	}
	if ((bits & ((1U << held) - 1)) != 0)
		return fail(STATUS_INVALID, "base64url.bits: the unused bits of the last character are not zero");
	*len = decoded;
	return OK;
}
