#include "base/base64url.h"
#include "base/bytes.h"

struct alphabet {
	const char *name; /* in errors */
	const char *digits;
};
static const struct alphabet BASE64 = {"base64", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"};
static const struct alphabet BASE64URL = {"base64url",
					  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"};

/* Without padding; where it ends. */
static char *
write_digits(const struct alphabet *alphabet, struct bytes bytes, char *text) {
	size_t i = 0;
	for (; i + 3 <= bytes.len; i += 3) {
		uint32_t group = (uint32_t)bytes.data[i] << 16 | (uint32_t)bytes.data[i + 1] << 8 | bytes.data[i + 2];
		for (int digit = 0; digit < 4; digit++)
			*text++ = alphabet->digits[group >> (18 - 6 * digit) & 63];
	}
	size_t rest = bytes.len - i;
	if (rest == 0)
		return text;
	uint32_t group = (uint32_t)bytes.data[i] << 16 | (rest == 2 ? (uint32_t)bytes.data[i + 1] << 8 : 0);
	*text++ = alphabet->digits[group >> 18 & 63];
	*text++ = alphabet->digits[group >> 12 & 63];
	if (rest == 2)
		*text++ = alphabet->digits[group >> 6 & 63];
	return text;
}

/* All ones where first <= c <= last, else 0. */
static int
mask_of_range(int c, int first, int last) {
	return ((first - 1 - c) & (c - last - 1)) >> 8;
}

/* Of what is random no branch can be foretold: a signature's digits cost three times as much with one for each range. */
static int
digit_value(const struct alphabet *alphabet, uint8_t c) {
	int sixty_two = (uint8_t)alphabet->digits[62], sixty_three = (uint8_t)alphabet->digits[63];
	return -1 + (mask_of_range(c, 'A', 'Z') & (c - 'A' + 1)) + (mask_of_range(c, 'a', 'z') & (c - 'a' + 27)) +
	       (mask_of_range(c, '0', '9') & (c - '0' + 53)) + (mask_of_range(c, sixty_two, sixty_two) & 63) +
	       (mask_of_range(c, sixty_three, sixty_three) & 64);
}

/* Without padding; their number leaves no rest of 1 by 4. */
static enum status
read_digits(const struct alphabet *alphabet, struct bytes digits, uint8_t *bytes, size_t capacity, size_t *len) {
	uint32_t bits = 0;
	unsigned held = 0;
	size_t decoded = digits.len / 4 * 3 + (digits.len % 4 == 0 ? 0 : digits.len % 4 - 1);
	if (decoded > capacity)
		return fail(STATUS_TOO_LARGE, "%s.size: %zu bytes where at most %zu fit", alphabet->name, decoded,
			    capacity);
	for (size_t i = 0; i < digits.len; i++) {
		int digit = digit_value(alphabet, digits.data[i]);
		if (digit < 0)
			return fail(STATUS_INVALID, "%s.digit: no character of it at offset %zu", alphabet->name, i);
		bits = bits << 6 | (uint32_t)digit;
		held += 6;
		if (held >= 8) {
			held -= 8;
			*bytes++ = (uint8_t)(bits >> held);
		}
	}
	if ((bits & ((1U << held) - 1)) != 0)
		return fail(STATUS_INVALID, "%s.bits: the unused bits of the last character are not zero",
			    alphabet->name);
	*len = decoded;
	return OK;
}

/* --- With padding. --- */

static void
write_padded(struct bytes bytes, char *text) {
	char *end = write_digits(&BASE64, bytes, text);
	for (size_t rest = bytes.len % 3; rest != 0 && rest < 3; rest++)
		*end++ = '=';
}

void
base64_encode(struct bytes bytes, char *text) {
	write_padded(bytes, text);
	text[BASE64_LENGTH(bytes.len)] = '\0';
}

void
buffer_append_base64(struct buffer *buffer, struct bytes bytes) {
	if (bytes.len > SIZE_MAX / 2 || !buffer_reserve(buffer, BASE64_LENGTH(bytes.len))) {
		buffer->failed = true;
		return;
	}
	write_padded(bytes, (char *)buffer->data + buffer->len);
	buffer->len += BASE64_LENGTH(bytes.len);
}

enum status
base64_decode(struct bytes text, uint8_t *bytes, size_t capacity, size_t *len) {
	if (text.len % 4 != 0)
		return fail(STATUS_INVALID, "base64.length: %zu characters are not a multiple of 4", text.len);
	size_t padding = 0;
	while (padding < 2 && padding < text.len && text.data[text.len - 1 - padding] == '=')
		padding++;
	return read_digits(&BASE64, bytes_of(text.data, text.len - padding), bytes, capacity, len);
}

/* --- base64url, without. --- */

void
base64url_encode(struct bytes bytes, char *text) {
	*write_digits(&BASE64URL, bytes, text) = '\0';
}

enum status
base64url_decode(struct bytes text, uint8_t *bytes, size_t capacity, size_t *len) {
	if (text.len % 4 == 1)
		return fail(STATUS_INVALID, "base64url.length: no bytes have %zu characters", text.len);
	return read_digits(&BASE64URL, text, bytes, capacity, len);
}
