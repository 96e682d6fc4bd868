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
is_key(struct bytes quoted, const char *key) {
	return bytes_equal_text(bytes_of(quoted.data + 1, quoted.len - 2), key);
}

/* By its first character; of a key that begins with an escape, or is empty, that says nothing. */
static bool
is_behind(struct bytes quoted, uint8_t last) {
	return quoted.len > 2 && quoted.data[1] != '\\' && quoted.data[1] > last;
}

/* Calls take_member for each member, its key with the quotes, up to the first whose key begins with a character behind last: a
 * canonical object's members stand in the order of their keys. */
static enum status
walk(struct bytes object, uint8_t last, void (*take_member)(void *context, struct bytes key, struct bytes value),
     void *context) {
	struct rest rest = {object.data, object.data + object.len};
	if (!take(&rest, '{'))
		return malformed();
	for (bool more = !take(&rest, '}'); more;) {
		struct bytes key, value;
		if (!take_string(&rest, &key) || !take(&rest, ':'))
			return malformed();
		if (is_behind(key, last))
			return OK;
		if (!take_value(&rest, &value))
			return malformed();
		take_member(context, key, value);
		more = take(&rest, ',');
		if (!more && !take(&rest, '}'))
			return malformed();
	}
	return rest.at == rest.end ? OK : malformed();
}

struct selection {
	const char *const *keys;
	struct buffer *to;
	char separator;
};

static void
select_member(void *context, struct bytes key, struct bytes value) {
	struct selection *selection = context;
	for (const char *const *wanted = selection->keys; *wanted != nullptr; wanted++)
		if (is_key(key, *wanted)) {
			buffer_append_byte(selection->to, (uint8_t)selection->separator);
			buffer_append_bytes(selection->to, key);
			buffer_append_byte(selection->to, ':');
			buffer_append_bytes(selection->to, value);
			selection->separator = ',';
			return;
		}
}

static uint8_t
last_initial(const char *const *keys) {
	uint8_t last = 0;
	for (; *keys != nullptr; keys++)
		last = (uint8_t)**keys > last ? (uint8_t)**keys : last;
	return last;
}

enum status
json_select(struct bytes object, const char *const *keys, struct buffer *to) {
	struct selection selection = {keys, to, '{'};
	TRY(walk(object, last_initial(keys), select_member, &selection));
	buffer_append_text(to, selection.separator == '{' ? "{}" : "}");
	return buffer_status(to);
}

struct search {
	const char *key;
	struct bytes found;
};

static void
note_member(void *context, struct bytes key, struct bytes value) {
	struct search *search = context;
	if (is_key(key, search->key))
		search->found = value;
}

enum status
json_member_text(struct bytes object, const char *key, struct bytes *text) {
	struct search search = {.key = key};
	TRY(walk(object, (uint8_t)*key, note_member, &search));
	*text = search.found;
	return search.found.data != nullptr ? OK
					    : fail(STATUS_NOT_FOUND, "json.select: there is no member \"%s\"", key);
}
