/*
 * Reader: identity/cookie.c
 * What is found stands in the field behind its name, once; a token that is read is written again as it stood.
 */
#include "identity/cookie.h"
#include "identity/sessions.h"
#include "tests/fuzz.h"

static void
check_value(struct bytes field, struct bytes value) {
	size_t at = (size_t)(value.data - field.data);
	must(value.data >= field.data && at + value.len <= field.len && at >= 2);
	must(memcmp(value.data - 2, "n=", 2) == 0);
	must(at + value.len == field.len || field.data[at + value.len] == ';');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct bytes field = bytes_of(data, size), value;
	uint8_t token[SESSION_TOKEN_SIZE];
	char text[SESSION_TOKEN_TEXT + 1];
	if (cookie_find(field, "n", &value) == OK) {
		check_value(field, value);
		if (session_token_parse(value, token) == OK) {
			session_token_format(token, text);
			must(bytes_equal_text(value, text));
		}
	}
	return 0;
}
