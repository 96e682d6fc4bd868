#include "policy/unicode.h"

size_t
unicode_decode(struct bytes text, size_t at, uint32_t *character) {
	const uint8_t *bytes = text.data + at;
	size_t length = utf8_length(bytes, text.len - at);
	*character = length < 2 ? bytes[0] : bytes[0] & (0x7fu >> length);
	for (size_t i = 1; i < length; i++)
		*character = *character << 6 | (bytes[i] & 0x3f);
	return length;
}

size_t
unicode_encode(uint32_t character, uint8_t bytes[4]) {
	if (character < 0x80) {
		bytes[0] = (uint8_t)character;
		return 1;
	}
	size_t length = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
	for (size_t i = length - 1; i > 0; i--) {
		bytes[i] = (uint8_t)(0x80 | (character & 0x3f));
		character >>= 6;
	}
	bytes[0] = (uint8_t)(0xf00u >> length | character);
	return length;
}

bool
unicode_is_space(uint32_t character) {
	return (character >= 0x09 && character <= 0x0d) || character == 0x20 || character == 0x85 ||
	       character == 0xa0 || character == 0x1680 || (character >= 0x2000 && character <= 0x200a) ||
	       character == 0x2028 || character == 0x2029 || character == 0x202f || character == 0x205f ||
	       character == 0x3000;
}

bool
unicode_is_bidirectional_control(uint32_t character) {
	return character == 0x061c || character == 0x200e || character == 0x200f ||
	       (character >= 0x202a && character <= 0x202e) || (character >= 0x2066 && character <= 0x2069);
}
