#include "identity/structured_field.h"

constexpr size_t INTEGER_DIGITS_MAX = 15;

static enum status
syntax(const char *field, const char *expected, const struct cursor *cursor) {
	return fail(STATUS_INVALID, "%s.syntax: expected %s, %zu characters before the end", field, expected,
		    cursor->left);
}

static struct bytes
advance(struct cursor *cursor, size_t len) {
	struct bytes taken = bytes_of(cursor->at, len);
	cursor->at += len;
	cursor->left -= len;
	return taken;
}

/* Characters from here on that belong to a class. */
static size_t
count_while(const struct cursor *cursor, bool (*belongs)(uint8_t)) {
	size_t count = 0;
	while (count < cursor->left && belongs(cursor->at[count]))
		count++;
	return count;
}

static bool
is_digit(uint8_t c) {
	return c >= '0' && c <= '9';
}

static bool
is_key_character(uint8_t c) {
	return (c >= 'a' && c <= 'z') || is_digit(c) || c == '_' || c == '-' || c == '.' || c == '*';
}

static bool
is_string_character(uint8_t c) {
	return c >= 0x20 && c <= 0x7e && c != '"' && c != '\\';
}

static bool
is_base64_character(uint8_t c) {
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || is_digit(c) || c == '+' || c == '/' || c == '=';
}

bool
structured_field_take(struct cursor *cursor, const char *text) {
	size_t len = strlen(text);
	if (cursor->left < len || memcmp(cursor->at, text, len) != 0)
		return false;
	(void)advance(cursor, len);
	return true;
}

enum status
structured_field_expect(struct cursor *cursor, const char *field, const char *text) {
	return structured_field_take(cursor, text) ? OK : syntax(field, text, cursor);
}

enum status
structured_field_key(struct cursor *cursor, const char *field, struct bytes *key) {
	size_t len = count_while(cursor, is_key_character);
	if (len == 0 || !((cursor->at[0] >= 'a' && cursor->at[0] <= 'z') || cursor->at[0] == '*'))
		return syntax(field, "a key", cursor);
	*key = advance(cursor, len);
	return OK;
}

enum status
structured_field_string(struct cursor *cursor, const char *field, struct bytes *string) {
	TRY(structured_field_expect(cursor, field, "\""));
	*string = advance(cursor, count_while(cursor, is_string_character));
	return structured_field_expect(cursor, field, "\"");
}

enum status
structured_field_integer(struct cursor *cursor, const char *field, int64_t *number) {
	size_t len = count_while(cursor, is_digit);
	uint64_t value;
	if (len == 0 || len > INTEGER_DIGITS_MAX || decimal_decode(bytes_of(cursor->at, len), &value) != OK)
		return syntax(field, "an integer of 1 to 15 digits without leading zeros", cursor);
	(void)advance(cursor, len);
	*number = (int64_t)value;
	return OK;
}

enum status
structured_field_bytes(struct cursor *cursor, const char *field, uint8_t *to, size_t len) {
	TRY(structured_field_expect(cursor, field, ":"));
	struct bytes text = advance(cursor, count_while(cursor, is_base64_character));
	size_t decoded;
	if (text.len != BASE64_LENGTH(len) || base64_decode(text, to, len, &decoded) != OK || decoded != len)
		return fail(STATUS_INVALID, "%s.syntax: expected the base64 of %zu bytes, found %zu characters", field,
			    len, text.len);
	return structured_field_expect(cursor, field, ":");
}
