/*
 * UTF-8 as policies need it: one character at a time, and the classes of characters that matter in a source text.
 */
#ifndef GATEHOUSE_POLICY_UNICODE_H
#define GATEHOUSE_POLICY_UNICODE_H

#include "base/bytes.h"

/* The length of the well-formed sequence at `at` (RFC 3629 §4) and its code point; 0 where there is none. at < text.len. */
size_t unicode_decode(struct bytes text, size_t at, uint32_t *character);
/* Writes 1 to 4 bytes. The character is a scalar value: at most 0x10ffff, no surrogate. */
size_t unicode_encode(uint32_t character, uint8_t bytes[4]);
/* White_Space of the Unicode character database. */
bool unicode_is_space(uint32_t character);
/* Characters that change the direction of text, by which a source can be made to look like another:
 * U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069. */
bool unicode_is_bidirectional_control(uint32_t character);

#endif
