#include "base/bytes.h"

#include <stdio.h>
#include <stdlib.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

static const char HEX_DIGITS[] = "0123456789abcdef";

int
bytes_compare(struct bytes a, struct bytes b) {
	size_t common = a.len < b.len ? a.len : b.len;
	int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
	if (order != 0)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

void
buffer_free(struct buffer *buffer) {
	if (buffer->data != nullptr)
		explicit_bzero(buffer->data, buffer->capacity);
	free(buffer->data);
	*buffer = (struct buffer){};
}

void
buffer_reset(struct buffer *buffer) {
	buffer->len = 0;
	buffer->failed = false;
}

/* Growing copies and wipes by hand: realloc() would leave the old bytes behind. */
static bool
buffer_grow(struct buffer *buffer, size_t needed) {
	size_t capacity = buffer->capacity < 256 ? 256 : buffer->capacity;
	while (capacity < needed)
		if (__builtin_mul_overflow(capacity, (size_t)2, &capacity))
			return false;
	uint8_t *data = malloc(capacity);
	if (data == nullptr)
		return false;
	if (buffer->len > 0)
		memcpy(data, buffer->data, buffer->len);
	if (buffer->data != nullptr)
		explicit_bzero(buffer->data, buffer->len);
	free(buffer->data);
	buffer->data = data;
	buffer->capacity = capacity;
	return true;
}

bool
buffer_make_room(struct buffer *buffer, size_t more) {
	size_t needed;
	if (buffer->failed)
		return false;
	if (__builtin_add_overflow(buffer->len, more, &needed) ||
	    (needed > buffer->capacity && !buffer_grow(buffer, needed))) {
		buffer->failed = true;
		return false;
	}
	return true;
}

void
buffer_append_bytes(struct buffer *buffer, struct bytes bytes) {
	buffer_append(buffer, bytes.data, bytes.len);
}

void
buffer_append_text(struct buffer *buffer, const char *text) {
	buffer_append(buffer, text, strlen(text));
}

void
buffer_append_u16be(struct buffer *buffer, uint16_t number) {
	buffer_append(buffer, (uint8_t[]){(uint8_t)(number >> 8), (uint8_t)number}, 2);
}

void
buffer_append_u32be(struct buffer *buffer, uint32_t number) {
	uint8_t bytes[4];
	store_u32be(bytes, number);
	buffer_append(buffer, bytes, sizeof bytes);
}

void
buffer_append_u64be(struct buffer *buffer, uint64_t number) {
	uint8_t bytes[8];
	store_u64be(bytes, number);
	buffer_append(buffer, bytes, sizeof bytes);
}

void
buffer_append_prefixed(struct buffer *buffer, struct bytes bytes) {
	if (bytes.len > UINT32_MAX) {
		buffer->failed = true;
		return;
	}
	buffer_append_u32be(buffer, (uint32_t)bytes.len);
	buffer_append_bytes(buffer, bytes);
}

static void
append_little_endian(struct buffer *buffer, uint64_t number, size_t width) {
	uint8_t bytes[8];
	for (size_t i = 0; i < width; i++)
		bytes[i] = (uint8_t)(number >> 8 * i);
	buffer_append(buffer, bytes, width);
}

void
buffer_append_u16le(struct buffer *buffer, uint16_t number) {
	append_little_endian(buffer, number, 2);
}

void
buffer_append_u32le(struct buffer *buffer, uint32_t number) {
	append_little_endian(buffer, number, 4);
}

void
buffer_append_u64le(struct buffer *buffer, uint64_t number) {
	append_little_endian(buffer, number, 8);
}

#if defined(__SSE2__)

/* The digits of sixteen numbers below sixteen. */
static __m128i
hex_digits_of(__m128i numbers) {
	__m128i is_letter = _mm_cmpgt_epi8(numbers, _mm_set1_epi8(9));
	return _mm_add_epi8(_mm_add_epi8(numbers, _mm_set1_epi8('0')),
			    _mm_and_si128(is_letter, _mm_set1_epi8('a' - '0' - 10)));
}

static void
write_hex_of_sixteen(const uint8_t *bytes, char *text) {
	__m128i here = _mm_loadu_si128((const __m128i *)bytes), low = _mm_set1_epi8(15);
	__m128i first = hex_digits_of(_mm_and_si128(_mm_srli_epi16(here, 4), low));
	__m128i second = hex_digits_of(_mm_and_si128(here, low));
	_mm_storeu_si128((__m128i *)text, _mm_unpacklo_epi8(first, second));
	_mm_storeu_si128((__m128i *)(text + 16), _mm_unpackhi_epi8(first, second));
}

#endif

static void
write_hex(struct bytes bytes, char *text) {
	size_t i = 0;
#if defined(__SSE2__)
	for (; i + 16 <= bytes.len; i += 16)
		write_hex_of_sixteen(bytes.data + i, text + 2 * i);
#endif
	for (; i < bytes.len; i++) {
		text[2 * i] = HEX_DIGITS[bytes.data[i] >> 4];
		text[2 * i + 1] = HEX_DIGITS[bytes.data[i] & 15];
	}
}

void
buffer_append_hex(struct buffer *buffer, struct bytes bytes) {
	if (bytes.len > SIZE_MAX / 2 || !buffer_reserve(buffer, 2 * bytes.len)) {
		buffer->failed = true;
		return;
	}
	write_hex(bytes, (char *)buffer->data + buffer->len);
	buffer->len += 2 * bytes.len;
}

void
buffer_append_decimal(struct buffer *buffer, uint64_t number) {
	char digits[20];
	size_t at = sizeof digits;
	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	buffer_append(buffer, digits + at, sizeof digits - at);
}

void
buffer_append_format(struct buffer *buffer, const char *format, ...) {
	va_list arguments, again;
	va_start(arguments, format);
	va_copy(again, arguments);
	int length = vsnprintf(nullptr, 0, format, arguments);
	va_end(arguments);
	if (length < 0)
		buffer->failed = true;
	else if (buffer_reserve(buffer, (size_t)length + 1)) {
		vsnprintf((char *)buffer->data + buffer->len, (size_t)length + 1, format, again);
		buffer->len += (size_t)length;
	}
	va_end(again);
}

enum status
buffer_status(const struct buffer *buffer) {
	return buffer->failed ? fail(STATUS_NO_MEMORY, "memory: a buffer could not grow beyond %zu bytes", buffer->len)
			      : OK;
}

void
hex_encode(struct bytes bytes, char *text) {
	write_hex(bytes, text);
	text[2 * bytes.len] = '\0';
}

static int
hex_digit(uint8_t character) {
	if (character >= '0' && character <= '9')
		return character - '0';
	if (character >= 'a' && character <= 'f')
		return character - 'a' + 10;
	if (character >= 'A' && character <= 'F')
		return character - 'A' + 10;
	return -1;
}

enum status
hex_decode(struct bytes text, uint8_t *bytes, size_t len) {
	if (len > SIZE_MAX / 2 || text.len != 2 * len)
		return fail(STATUS_INVALID, "hex.length: expected %zu hexadecimal digits, found %zu", 2 * len,
			    text.len);
	for (size_t i = 0; i < len; i++) {
		int high = hex_digit(text.data[2 * i]), low = hex_digit(text.data[2 * i + 1]);
		if (high < 0 || low < 0)
			return fail(STATUS_INVALID, "hex.digit: not a hexadecimal digit at offset %zu", 2 * i);
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	return OK;
}

size_t
utf8_length(const uint8_t *text, size_t left) {
	uint8_t first = text[0];
	if (first < 0x80)
		return 1;
	size_t length = first >= 0xc2 && first <= 0xdf   ? 2
			: (first & 0xf0) == 0xe0         ? 3
			: first >= 0xf0 && first <= 0xf4 ? 4
							 : 0;
	if (length == 0 || left < length)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	if ((first == 0xe0 && text[1] < 0xa0) || (first == 0xed && text[1] > 0x9f) ||
	    (first == 0xf0 && text[1] < 0x90) || (first == 0xf4 && text[1] > 0x8f))
		return 0;
	return length;
}

size_t
utf8_harmful_length(const uint8_t *text, size_t left) {
	if (text[0] < 0x20 || text[0] == 0x7f)
		return 1;
	size_t length = utf8_length(text, left);
	if (length == 0)
		return 1;
	if (length == 2 && text[0] == 0xc2 && text[1] < 0xa0)
		return 2;
	if (length == 2 && text[0] == 0xd8 && text[1] == 0x9c)
		return 2;
	if (length == 3 && text[0] == 0xe2 && text[1] == 0x80 &&
	    ((text[2] >= 0x8e && text[2] <= 0x8f) || (text[2] >= 0xa8 && text[2] <= 0xae)))
		return 3;
	if (length == 3 && text[0] == 0xe2 && text[1] == 0x81 && text[2] >= 0xa6 && text[2] <= 0xa9)
		return 3;
	return 0;
}

void
buffer_append_foreign(struct buffer *buffer, struct bytes text, bool lines) {
	for (size_t i = 0; i < text.len;) {
		bool is_line = lines && text.data[i] == '\n';
		size_t harmful = is_line ? 0 : utf8_harmful_length(text.data + i, text.len - i);
		if (harmful == 0)
			buffer_append_byte(buffer, text.data[i++]);
		for (; harmful > 0; harmful--)
			buffer_append_format(buffer, "\\x%02x", text.data[i++]);
	}
}

bool
utf8_is_valid(struct bytes text) {
	for (size_t at = 0; at < text.len;) {
		size_t length = utf8_length(text.data + at, text.len - at);
		if (length == 0)
			return false;
		at += length;
	}
	return true;
}

enum status
decimal_decode(struct bytes text, uint64_t *number) {
	if (text.len == 0 || (text.len > 1 && text.data[0] == '0'))
		return fail(STATUS_INVALID, "decimal.form: expected decimal digits without a leading zero");
	uint64_t value = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return fail(STATUS_INVALID, "decimal.form: not a decimal digit at offset %zu", i);
		if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
		    __builtin_add_overflow(value, (uint64_t)(text.data[i] - '0'), &value))
			return fail(STATUS_INVALID, "decimal.range: more than 64 bits");
	}
	*number = value;
	return OK;
}
