#include "policy/json_place.h"

static size_t
skip_space(struct bytes text, size_t at) {
	while (at < text.len &&
	       (text.data[at] == ' ' || text.data[at] == '\t' || text.data[at] == '\n' || text.data[at] == '\r'))
		at++;
	return at;
}

/* Past the closing quote, or the end. */
static size_t
skip_string(struct bytes text, size_t at) {
	for (at++; at < text.len && text.data[at] != '"'; at++)
		if (text.data[at] == '\\' && at + 1 < text.len)
			at++;
	return at < text.len ? at + 1 : at;
}

/* Past the value that begins at `at`: brackets are counted, what is between them is not looked at. */
static size_t
skip_value(struct bytes text, size_t at) {
	size_t depth = 0;
	while (at < text.len) {
		switch (text.data[at]) {
		case '"':
			at = skip_string(text, at);
			break;
		case '[':
		case '{':
			depth++;
			at++;
			break;
		case ']':
		case '}':
			if (depth == 0)
				return at;
			depth--;
			at++;
			break;
		case ',':
		case ' ':
		case '\t':
		case '\n':
		case '\r':
			if (depth == 0)
				return at;
			at++;
			continue;
		default:
			at++;
			continue; /* a number or a word ends at what follows it */
		}
		if (depth == 0)
			return at;
	}
	return at;
}

static bool
take_place(struct bytes text, size_t at, struct json_place *place) {
	*place = (struct json_place){at, skip_value(text, at) - at};
	return place->length > 0;
}

bool
json_place_root(struct bytes text, struct json_place *place) {
	return take_place(text, skip_space(text, 0), place);
}

bool
json_place_first(struct bytes text, size_t array, struct json_place *place) {
	size_t at = skip_space(text, array);
	return at < text.len && text.data[at] == '[' && take_place(text, skip_space(text, at + 1), place);
}

bool
json_place_next(struct bytes text, struct json_place *place) {
	size_t at = skip_space(text, place->offset + place->length);
	return at < text.len && text.data[at] == ',' && take_place(text, skip_space(text, at + 1), place);
}

bool
json_place_element(struct bytes text, size_t array, size_t index, struct json_place *place) {
	if (!json_place_first(text, array, place))
		return false;
	for (; index > 0; index--)
		if (!json_place_next(text, place))
			return false;
	return true;
}

/* A member whose key begins at `at`; key: what stands between its quotes. */
static bool
take_member(struct bytes text, size_t at, struct bytes *key, struct json_place *place) {
	if (at == text.len || text.data[at] != '"')
		return false;
	size_t end = skip_string(text, at);
	*key = end - at >= 2 ? bytes_of(text.data + at + 1, end - at - 2) : (struct bytes){};
	at = skip_space(text, end);
	return at < text.len && text.data[at] == ':' && take_place(text, skip_space(text, at + 1), place);
}

static bool
first_member(struct bytes text, size_t object, struct bytes *key, struct json_place *place) {
	size_t at = skip_space(text, object);
	return at < text.len && text.data[at] == '{' && take_member(text, skip_space(text, at + 1), key, place);
}

static bool
next_member(struct bytes text, struct bytes *key, struct json_place *place) {
	size_t at = skip_space(text, place->offset + place->length);
	return at < text.len && text.data[at] == ',' && take_member(text, skip_space(text, at + 1), key, place);
}

bool
json_place_first_member(struct bytes text, size_t object, struct json_place *place) {
	struct bytes key;
	return first_member(text, object, &key, place);
}

bool
json_place_next_member(struct bytes text, struct json_place *place) {
	struct bytes key;
	return next_member(text, &key, place);
}

bool
json_place_member(struct bytes text, size_t object, struct bytes key, struct json_place *place) {
	struct bytes found;
	bool more = first_member(text, object, &found, place);
	for (; more; more = next_member(text, &found, place))
		if (bytes_equal(found, key))
			return true;
	return false;
}

constexpr size_t FAULT_DEPTH_MAX = 64;
constexpr size_t FAULT_MEMBERS_MAX = 256; /* each is compared with those before it */

static bool
is_odd_number(struct bytes number) {
	int64_t integer = 0;
	bool is_negative = number.data[0] == '-';
	for (size_t i = is_negative; i < number.len; i++) {
		int digit = number.data[i] - '0';
		if (digit < 0 || digit > 9 || __builtin_mul_overflow(integer, 10, &integer) ||
		    __builtin_sub_overflow(integer, digit, &integer)) /* downwards, where there is room for one more */
			return true;
	}
	return !is_negative && integer == INT64_MIN;
}

/* True if a member before that one has its key. */
static bool
is_repeated(struct bytes text, size_t object, struct bytes key, size_t offset) {
	struct json_place place;
	struct bytes other;
	size_t count = 0;
	for (bool more = first_member(text, object, &other, &place); more && place.offset < offset;
	     more = next_member(text, &other, &place)) {
		if (bytes_equal(other, key))
			return true;
		if (++count == FAULT_MEMBERS_MAX)
			return false;
	}
	return false;
}

static bool
find_fault(struct bytes text, struct json_place value, size_t depth, struct json_place *place) {
	uint8_t first = text.data[value.offset];
	struct json_place member;
	struct bytes key;
	bool more;
	if (first == '-' || (first >= '0' && first <= '9')) {
		*place = value;
		return is_odd_number(bytes_of(text.data + value.offset, value.length));
	}
	if (depth == FAULT_DEPTH_MAX)
		return false;
	if (first == '[')
		for (more = json_place_first(text, value.offset, &member); more; more = json_place_next(text, &member))
			if (find_fault(text, member, depth + 1, place))
				return true;
	if (first == '{')
		for (more = first_member(text, value.offset, &key, &member); more;
		     more = next_member(text, &key, &member)) {
			*place = member;
			if (is_repeated(text, value.offset, key, member.offset) ||
			    find_fault(text, member, depth + 1, place))
				return true;
		}
	return false;
}

bool
json_place_fault(struct bytes text, struct json_place *place) {
	struct json_place root;
	return json_place_root(text, &root) && find_fault(text, root, 0, place);
}
