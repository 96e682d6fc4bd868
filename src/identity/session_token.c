#include "crypto/declassify.h"
#include "identity/sessions.h"

/*
 * Base64url (RFC 4648 §5) without a table and without a branch on a character: a token is a secret. What becomes public is whether
 * it is one. The constant-time test runs both.
 */

/* 1 where low <= c <= high, else 0. */
static unsigned
is_within(unsigned c, unsigned low, unsigned high) {
	return ((c - low) | (high - c)) >> 31 ^ 1;
}

static unsigned
digit_of(unsigned c, unsigned *unknown) {
	unsigned upper = is_within(c, 'A', 'Z'), lower = is_within(c, 'a', 'z'), number = is_within(c, '0', '9');
	unsigned minus = is_within(c, '-', '-'), underscore = is_within(c, '_', '_');
	*unknown |= (upper | lower | number | minus | underscore) ^ 1;
	return ((0 - upper) & (c - 'A')) | ((0 - lower) & (c - 'a' + 26)) | ((0 - number) & (c - '0' + 52)) |
	       ((0 - minus) & 62) | ((0 - underscore) & 63);
}

static char
character_of(unsigned digit) {
	unsigned upper = is_within(digit, 0, 25), lower = is_within(digit, 26, 51), number = is_within(digit, 52, 61);
	unsigned minus = is_within(digit, 62, 62), underscore = is_within(digit, 63, 63);
	return (char)(((0 - upper) & (digit + 'A')) | ((0 - lower) & (digit - 26 + 'a')) |
		      ((0 - number) & (digit - 52 + '0')) | ((0 - minus) & '-') | ((0 - underscore) & '_'));
}

enum status
session_token_parse(struct bytes text, uint8_t token[static SESSION_TOKEN_SIZE]) {
	static_assert(SESSION_TOKEN_TEXT * 6 == SESSION_TOKEN_SIZE * 8 + 2);
	unsigned unknown = text.len != SESSION_TOKEN_TEXT, bits = 0, held = 0;
	for (size_t i = 0; i < SESSION_TOKEN_TEXT && text.len == SESSION_TOKEN_TEXT; i++) {
		bits = bits << 6 | digit_of(text.data[i], &unknown);
		held += 6;
		if (held < 8)
			continue;
		held -= 8;
		*token++ = (uint8_t)(bits >> held);
	}
	unknown |= bits & 3; /* of the last character, which holds no more than four */
	declassify(&unknown, sizeof unknown);
	return unknown == 0 ? OK : fail(STATUS_UNAUTHORIZED, "session.none: sign in first");
}

void
session_token_format(const uint8_t token[static SESSION_TOKEN_SIZE], char text[static SESSION_TOKEN_TEXT + 1]) {
	unsigned bits = 0, held = 0;
	for (size_t i = 0; i < SESSION_TOKEN_SIZE; i++) {
		bits = bits << 8 | token[i];
		for (held += 8; held >= 6; held -= 6)
			*text++ = character_of(bits >> (held - 6) & 63);
	}
	*text++ = character_of(bits << (6 - held) & 63);
	*text = '\0';
}
