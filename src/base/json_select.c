#include "base/json.h"

/* What is left of the text; both ends move inwards. */
struct rest {
	const uint8_t *at, *end;
};

static enum status
malformed(void) {
	return fail(STATUS_INVALID, "json.select: not a canonical object");
}

static bool
take(struct rest *rest, uint8_t character) {
	if (rest->at == rest->end || *rest->at != character)
		return false;
	rest->at++;
	return true;
}

/* From an opening quote to behind the closing one: the next that an even number of backslashes precedes. */
static bool
take_string(struct rest *rest, struct bytes *quoted) {
	const uint8_t *start = rest->at, *quote = start;
	if (!take(rest, '"'))
		return false;
	do {
		quote = memchr(quote + 1, '"', (size_t)(rest->end - quote - 1));
		if (quote == nullptr)
			return false;
		const uint8_t *before = quote;
		while (before[-1] == '\\')
			before--;
		if ((quote - before) % 2 == 0)
			break;
	} while (true);
	rest->at = quote + 1;
	*quoted = bytes_of(start, (size_t)(rest->at - start));
	return true;
}

/* Strings as a whole, brackets by their balance, all else byte for byte. */
static bool
take_value(struct rest *rest, struct bytes *value) {
	const uint8_t *start = rest->at;
	size_t depth = 0;
	struct bytes quoted;
	while (rest->at < rest->end) {
		uint8_t c = *rest->at;
		if (c == '"') {
			if (!take_string(rest, &quoted))
				return false;
			continue;
		}
		if (depth == 0 && (c == ',' || c == '}'))
			break;
		if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && depth-- == 0)
			return false;
		rest->at++;
	}
	*value = bytes_of(start, (size_t)(rest->at - start));
	return rest->at < rest->end && value->len > 0;
}

static bool
is_wanted(struct bytes quoted_key, const char *const *keys) {
	struct bytes key = bytes_of(quoted_key.data + 1, quoted_key.len - 2);
	for (; *keys != nullptr; keys++)
		if (bytes_equal_text(key, *keys))
			return true;
	return false;
}

enum status
json_select(struct bytes object, const char *const *keys, struct buffer *to) {
	struct rest rest = {object.data, object.data + object.len};
	char separator = '{';
	if (object.len < 2 || !take(&rest, '{'))
		return malformed();
	bool is_empty = take(&rest, '}');
	for (bool more = !is_empty; more;) {
		struct bytes key, value;
		if (!take_string(&rest, &key) || !take(&rest, ':') || !take_value(&rest, &value))
			return malformed();
		if (is_wanted(key, keys)) {
			buffer_append_byte(to, (uint8_t)separator);
			buffer_append_bytes(to, key);
			buffer_append_byte(to, ':');
			buffer_append_bytes(to, value);
			separator = ',';
		}
		more = take(&rest, ',');
		if (!more && !take(&rest, '}'))
			return malformed();
	}
	if (rest.at != rest.end)
		return malformed();
	buffer_append_text(to, separator == '{' ? "{}" : "}");
	return buffer_status(to);
}
