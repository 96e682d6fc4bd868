#include "base/base58.h"

static const char DIGITS[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

enum status
base58_encode(struct bytes bytes, char *text) {
	if (bytes.len > BASE58_BYTES_MAX)
		return fail(STATUS_TOO_LARGE, "base58.length: %zu bytes, at most %zu", bytes.len, BASE58_BYTES_MAX);
	size_t zeros = 0;
	while (zeros < bytes.len && bytes.data[zeros] == 0)
		zeros++;
	uint8_t digits[BASE58_TEXT_SIZE]; /* least significant first */
	size_t count = 0;
	for (size_t i = zeros; i < bytes.len; i++) {
		uint32_t carry = bytes.data[i];
		for (size_t d = 0; d < count; d++) {
			carry += (uint32_t)digits[d] << 8;
			digits[d] = (uint8_t)(carry % 58);
			carry /= 58;
		}
		for (; carry > 0; carry /= 58)
			digits[count++] = (uint8_t)(carry % 58);
	}
	size_t at = 0;
	while (at < zeros)
		text[at++] = DIGITS[0];
	while (count > 0)
		text[at++] = DIGITS[digits[--count]];
	text[at] = '\0';
	explicit_bzero(digits, sizeof digits);
	return OK;
}

/* The digits after the leading zeros, as a number of *count bytes, least significant first. */
static enum status
read_number(struct bytes text, size_t zeros, uint8_t number[BASE58_TEXT_SIZE], size_t *count) {
	*count = 0;
	for (size_t i = zeros; i < text.len; i++) {
		const char *digit = text.data[i] == 0 ? nullptr : strchr(DIGITS, text.data[i]);
		if (digit == nullptr)
			return fail(STATUS_INVALID, "base58.digit: character %zu is not a base58 digit", i);
		uint32_t carry = (uint32_t)(digit - DIGITS);
		for (size_t b = 0; b < *count; b++) {
			carry += (uint32_t)number[b] * 58;
			number[b] = (uint8_t)carry;
			carry >>= 8;
		}
		if (carry > 0)
			number[(*count)++] = (uint8_t)carry;
	}
	return OK;
}

enum status
base58_decode(struct bytes text, uint8_t *bytes, size_t capacity, size_t *len) {
	if (text.len >= BASE58_TEXT_SIZE)
		return fail(STATUS_INVALID, "base58.length: %zu characters, at most %zu", text.len,
			    BASE58_TEXT_SIZE - 1);
	size_t zeros = 0, count;
	while (zeros < text.len && text.data[zeros] == (uint8_t)DIGITS[0])
		zeros++;
	uint8_t number[BASE58_TEXT_SIZE];
	enum status status = read_number(text, zeros, number, &count);
	if (status == OK && zeros + count > capacity)
		status = fail(STATUS_INVALID, "base58.capacity: %zu bytes, at most %zu expected", zeros + count,
			      capacity);
	if (status == OK) {
		memset(bytes, 0, zeros);
		for (size_t i = 0; i < count; i++)
			bytes[zeros + i] = number[count - 1 - i];
		*len = zeros + count;
	}
	explicit_bzero(number, sizeof number); /* extended private keys pass through here */
	return status;
}
