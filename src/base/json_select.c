#include "base/json.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

constexpr size_t BLOCK = 64;

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

/* Where in a block these stand, one bit a byte, the first in the lowest. */
struct places {
	uint64_t quotes, backslashes, brackets;
};

static void
find_places(const uint8_t block[BLOCK], struct places *places) {
	*places = (struct places){};
#if defined(__SSE2__)
	for (unsigned at = 0; at < BLOCK; at += 16) {
		__m128i here = _mm_loadu_si128((const __m128i *)(block + at));
		__m128i curly =
			_mm_or_si128(here, _mm_set1_epi8(0x20)); /* what makes a curly bracket of a square one */
		__m128i brackets = _mm_or_si128(_mm_cmpeq_epi8(curly, _mm_set1_epi8('{')),
						_mm_cmpeq_epi8(curly, _mm_set1_epi8('}')));
		__m128i quotes = _mm_cmpeq_epi8(here, _mm_set1_epi8('"'));
		__m128i backslashes = _mm_cmpeq_epi8(here, _mm_set1_epi8('\\'));
		places->brackets |= (uint64_t)(uint32_t)_mm_movemask_epi8(brackets) << at;
		places->quotes |= (uint64_t)(uint32_t)_mm_movemask_epi8(quotes) << at;
		places->backslashes |= (uint64_t)(uint32_t)_mm_movemask_epi8(backslashes) << at;
	}
#else
	for (unsigned at = 0; at < BLOCK; at++) {
		uint8_t curly = block[at] | 0x20;
		places->brackets |= (uint64_t)(curly == '{' || curly == '}') << at;
		places->quotes |= (uint64_t)(block[at] == '"') << at;
		places->backslashes |= (uint64_t)(block[at] == '\\') << at;
	}
#endif
}

/* What a backslash stands before. carry: whether one at the end of the block before stands before its first. */
static uint64_t
find_escaped(uint64_t backslashes, uint64_t *carry) {
	uint64_t escaped = *carry;
	*carry = 0;
	for (backslashes &= ~escaped; backslashes != 0;) {
		unsigned at = (unsigned)__builtin_ctzll(backslashes);
		if (at == BLOCK - 1)
			*carry = 1;
		else
			escaped |= UINT64_C(2) << at;
		backslashes &= ~(UINT64_C(3) << at);
	}
	return escaped;
}

/* Each bit is the parity of those up to it: from an opening quote to before the closing one. */
static uint64_t
fill_between(uint64_t quotes) {
	for (unsigned shift = 1; shift < BLOCK; shift *= 2)
		quotes ^= quotes << shift;
	return quotes;
}

/* To behind the bracket that closes what is open, by the balance of those that stand in no string. depth: how many are open here; 0:
 * none, and the first is the next character. */
static bool
take_container(struct rest *rest, size_t depth) {
	uint64_t carry = 0, in_string = 0; /* all bits of it, or none */
	while (rest->at < rest->end) {
		size_t left = (size_t)(rest->end - rest->at);
		uint8_t padded[BLOCK] = {};
		if (left < BLOCK)
			memcpy(padded, rest->at, left);
		const uint8_t *block = left < BLOCK ? padded : rest->at;
		struct places places;
		find_places(block, &places);
		uint64_t inside = fill_between(places.quotes & ~find_escaped(places.backslashes, &carry)) ^ in_string;
		in_string = 0 - (inside >> (BLOCK - 1));
		for (uint64_t brackets = places.brackets & ~inside; brackets != 0; brackets &= brackets - 1) {
			unsigned at = (unsigned)__builtin_ctzll(brackets);
			depth += (block[at] | 0x20) == '{' ? 1 : SIZE_MAX; /* one more, or one less */
			if (depth == 0) {
				rest->at += at + 1;
				return true;
			}
		}
		rest->at += left < BLOCK ? left : BLOCK;
	}
	return false;
}

/* Or a literal. */
static bool
ends_number(uint8_t c) {
	uint8_t curly = c | 0x20;
	return c == ',' || c == '"' || curly == '{' || curly == '}';
}

/* Strings and what stands in brackets as a whole; all else ends where the next member or the object does. */
static bool
take_value(struct rest *rest, struct bytes *value) {
	const uint8_t *start = rest->at;
	struct bytes quoted;
	if (start == rest->end)
		return false;
	if (*start == '"') {
		if (!take_string(rest, &quoted))
			return false;
	} else if (*start == '{' || *start == '[') {
		if (!take_container(rest, 0))
			return false;
	} else
		while (rest->at < rest->end && !ends_number(*rest->at))
			rest->at++;
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

/* --- Members of members. --- */

static const struct json_wanted *
find_wanted(const struct json_wanted *wanted, struct bytes key) {
	while (wanted->key != nullptr && !is_key(key, wanted->key))
		wanted++;
	return wanted->key == nullptr ? nullptr : wanted;
}

static uint8_t
last_wanted_initial(const struct json_wanted *wanted) {
	uint8_t last = 0;
	for (; wanted->key != nullptr; wanted++)
		last = (uint8_t)*wanted->key > last ? (uint8_t)*wanted->key : last;
	return last;
}

static enum status select_within(struct rest *rest, const struct json_wanted *wanted, struct buffer *to, bool *is_left);

/* An object of which members are wanted; where something else stands, that as it is. */
static enum status
select_value(struct rest *rest, const struct json_wanted *wanted, struct buffer *to) {
	struct bytes value;
	bool is_left;
	if (wanted->members == nullptr || rest->at == rest->end || *rest->at != '{') {
		if (!take_value(rest, &value))
			return malformed();
		buffer_append_bytes(to, value);
		return OK;
	}
	TRY(select_within(rest, wanted->members, to, &is_left));
	return !is_left || take_container(rest, 1) ? OK : malformed();
}

/* From an opening bracket to behind the closing one; *is_left: only to a member behind all that are wanted. Recursion goes as deep as
 * wanted does. */
static enum status
select_within(struct rest *rest, const struct json_wanted *wanted, struct buffer *to, bool *is_left) {
	const uint8_t last = last_wanted_initial(wanted);
	char separator = '{';
	*is_left = false;
	if (!take(rest, '{'))
		return malformed();
	for (bool more = !take(rest, '}'); more;) {
		struct bytes key, value;
		if (!take_string(rest, &key) || !take(rest, ':'))
			return malformed();
		*is_left = is_behind(key, last);
		if (*is_left)
			break;
		const struct json_wanted *found = find_wanted(wanted, key);
		if (found == nullptr && !take_value(rest, &value))
			return malformed();
		if (found != nullptr) {
			buffer_append_byte(to, (uint8_t)separator);
			buffer_append_bytes(to, key);
			buffer_append_byte(to, ':');
			TRY(select_value(rest, found, to));
			separator = ',';
		}
		more = take(rest, ',');
		if (!more && !take(rest, '}'))
			return malformed();
	}
	buffer_append_text(to, separator == '{' ? "{}" : "}");
	return OK;
}

enum status
json_select_within(struct bytes object, const struct json_wanted *wanted, struct buffer *to) {
	struct rest rest = {object.data, object.data + object.len};
	bool is_left;
	TRY(select_within(&rest, wanted, to, &is_left));
	return is_left || rest.at == rest.end ? buffer_status(to) : malformed();
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
