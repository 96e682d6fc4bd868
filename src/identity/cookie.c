#include "identity/cookie.h"

/* RFC 9110 §5.6.2: what a name is made of. */
static bool
is_token(uint8_t c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != nullptr);
}

/* RFC 6265 §4.1.1, cookie-octet; and what browsers send besides: space and comma within a value. */
static bool
is_value(uint8_t c) {
	return c >= 0x20 && c < 0x7f && c != ';' && c != '\\';
}

static bool
is_made_of(struct bytes text, bool (*allowed)(uint8_t)) {
	for (size_t i = 0; i < text.len; i++)
		if (!allowed(text.data[i]))
			return false;
	return true;
}

/* One pair off the front of *rest. */
static enum status
take_pair(struct bytes *rest, struct bytes *name, struct bytes *value) {
	const uint8_t *end = memchr(rest->data, ';', rest->len);
	struct bytes pair = bytes_of(rest->data, end == nullptr ? rest->len : (size_t)(end - rest->data));
	const uint8_t *equals = pair.len == 0 ? nullptr : memchr(pair.data, '=', pair.len);
	if (equals == nullptr || equals == pair.data)
		return fail(STATUS_INVALID, "cookie.form: expected name=value");
	*name = bytes_of(pair.data, (size_t)(equals - pair.data));
	*value = bytes_of(equals + 1, pair.len - name->len - 1);
	if (!is_made_of(*name, is_token) || !is_made_of(*value, is_value))
		return fail(STATUS_INVALID, "cookie.form: a character that stands in no cookie");
	if (end == nullptr) {
		rest->len = 0;
		return OK;
	}
	size_t used = pair.len + 2;
	if (rest->len <= used || rest->data[pair.len + 1] != ' ')
		return fail(STATUS_INVALID, "cookie.form: expected \"; \" and another pair");
	*rest = bytes_of(rest->data + used, rest->len - used);
	return OK;
}

enum status
cookie_find(struct bytes field, const char *name, struct bytes *value) {
	bool is_found = false;
	while (field.len > 0) {
		struct bytes found, its_value;
		TRY(take_pair(&field, &found, &its_value));
		if (!bytes_equal_text(found, name))
			continue;
		if (is_found)
			return fail(STATUS_INVALID, "cookie.duplicate: %s stands twice", name);
		*value = its_value;
		is_found = true;
	}
	return is_found ? OK : fail(STATUS_NOT_FOUND, "cookie.absent: there is no %s", name);
}
