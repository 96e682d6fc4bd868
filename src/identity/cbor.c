#include "identity/cbor.h"

enum { ADDITIONAL_U8 = 24, ADDITIONAL_U16, ADDITIONAL_U32, ADDITIONAL_U64, ADDITIONAL_INDEFINITE = 31 };
enum { SIMPLE_FALSE = 20, SIMPLE_TRUE, SIMPLE_NULL };
enum { MAJOR_UNSIGNED, MAJOR_NEGATIVE, MAJOR_BYTES, MAJOR_TEXT, MAJOR_ARRAY, MAJOR_MAP, MAJOR_TAG, MAJOR_SIMPLE };

static const char *const TYPE_NAMES[] = {
	[CBOR_NONE] = "nothing",      [CBOR_UNSIGNED] = "unsigned integer", [CBOR_NEGATIVE] = "negative integer",
	[CBOR_BYTES] = "byte string", [CBOR_TEXT] = "text string",          [CBOR_ARRAY] = "array",
	[CBOR_MAP] = "map",           [CBOR_BOOLEAN] = "boolean",           [CBOR_NULL] = "null",
};

static const enum cbor_type TYPES[] = {
	[MAJOR_UNSIGNED] = CBOR_UNSIGNED, [MAJOR_NEGATIVE] = CBOR_NEGATIVE, [MAJOR_BYTES] = CBOR_BYTES,
	[MAJOR_TEXT] = CBOR_TEXT,         [MAJOR_ARRAY] = CBOR_ARRAY,       [MAJOR_MAP] = CBOR_MAP,
};

const char *
cbor_type_name(enum cbor_type type) {
	return TYPE_NAMES[type];
}

/* --- Heads. --- */

static enum status
take(struct cursor *cursor, size_t len, struct bytes *bytes) {
	if (len > cursor->left)
		return fail(STATUS_INVALID, "cbor.truncated: %zu bytes expected, %zu left", len, cursor->left);
	return cursor_take(cursor, "cbor", len, bytes);
}

/* RFC 8949 §3, §4.2.1: the shortest of the five forms. */
static enum status
read_argument(struct cursor *cursor, unsigned additional, uint64_t *argument) {
	static const uint64_t least[] = {ADDITIONAL_U8, UINT64_C(1) << 8, UINT64_C(1) << 16, UINT64_C(1) << 32};
	struct bytes bytes;
	*argument = additional;
	if (additional < ADDITIONAL_U8)
		return OK;
	if (additional == ADDITIONAL_INDEFINITE)
		return fail(STATUS_INVALID, "cbor.indefinite: lengths are definite");
	if (additional > ADDITIONAL_U64)
		return fail(STATUS_INVALID, "cbor.reserved: additional information %u", additional);
	TRY(take(cursor, (size_t)1 << (additional - ADDITIONAL_U8), &bytes));
	*argument = 0;
	for (size_t i = 0; i < bytes.len; i++)
		*argument = *argument << 8 | bytes.data[i];
	if (*argument < least[additional - ADDITIONAL_U8])
		return fail(STATUS_INVALID, "cbor.not_minimal: %llu in %zu bytes", (unsigned long long)*argument,
			    bytes.len);
	return OK;
}

static enum status
read_simple(unsigned additional, struct cbor_item *item) {
	if (additional < SIMPLE_FALSE || additional > SIMPLE_NULL)
		return fail(STATUS_INVALID, "cbor.simple: only false, true and null, found simple value or float %u",
			    additional);
	item->type = additional == SIMPLE_NULL ? CBOR_NULL : CBOR_BOOLEAN;
	item->number = additional == SIMPLE_TRUE;
	return OK;
}

enum status
cbor_read(struct cursor *cursor, struct cbor_item *item) {
	struct bytes initial;
	*item = (struct cbor_item){};
	TRY(take(cursor, 1, &initial));
	unsigned major = initial.data[0] >> 5, additional = initial.data[0] & 31;
	if (major == MAJOR_TAG)
		return fail(STATUS_INVALID, "cbor.tag: tags are not used");
	if (major == MAJOR_SIMPLE)
		return read_simple(additional, item);
	item->type = TYPES[major];
	TRY(read_argument(cursor, additional, &item->number));
	if (item->type != CBOR_BYTES && item->type != CBOR_TEXT)
		return OK;
	TRY(take(cursor, item->number > SIZE_MAX ? SIZE_MAX : (size_t)item->number, &item->bytes));
	if (item->type == CBOR_TEXT && !utf8_is_valid(item->bytes))
		return fail(STATUS_INVALID, "cbor.utf8: a text string of %zu bytes is not UTF-8", item->bytes.len);
	return OK;
}

enum status
cbor_read_type(struct cursor *cursor, enum cbor_type type, struct cbor_item *item) {
	TRY(cbor_read(cursor, item));
	if (item->type != type)
		return fail(STATUS_INVALID, "cbor.type: expected %s, found %s", TYPE_NAMES[type],
			    TYPE_NAMES[item->type]);
	return OK;
}

enum status
cbor_integer(const struct cbor_item *item, int64_t *number) {
	if (item->type != CBOR_UNSIGNED && item->type != CBOR_NEGATIVE)
		return fail(STATUS_INVALID, "cbor.type: expected integer, found %s", TYPE_NAMES[item->type]);
	if (item->number > INT64_MAX)
		return fail(STATUS_INVALID, "cbor.range: an integer beyond 64 bits with sign");
	*number = item->type == CBOR_UNSIGNED ? (int64_t)item->number : -1 - (int64_t)item->number;
	return OK;
}

enum status
cbor_end(const struct cursor *cursor) {
	return cursor->left == 0 ? OK : fail(STATUS_INVALID, "cbor.trailing: %zu bytes after the end", cursor->left);
}

/* --- Whole items. --- */

/* A key of a map, and its encoding. */
static enum status
read_key(struct cursor *cursor, struct cbor_item *key, struct bytes *encoding) {
	const uint8_t *start = cursor->at;
	TRY(cbor_read(cursor, key));
	if (key->type != CBOR_UNSIGNED && key->type != CBOR_NEGATIVE && key->type != CBOR_TEXT)
		return fail(STATUS_INVALID, "cbor.key_type: a %s as key", TYPE_NAMES[key->type]);
	*encoding = bytes_of(start, (size_t)(cursor->at - start));
	return OK;
}

/* Ascending bytewise order of the encodings: the initial byte holds type and length, so this is CTAP2's order as well. */
static enum status
check_order(struct bytes previous, struct bytes key) {
	int order = previous.data == nullptr ? -1 : bytes_compare(previous, key);
	if (order == 0)
		return fail(STATUS_INVALID, "cbor.duplicate_key: a key is given twice");
	if (order > 0)
		return fail(STATUS_INVALID, "cbor.key_order: keys are not in ascending order");
	return OK;
}

/* What is open around the item that is read next. */
struct nesting {
	unsigned depth;
	struct level {
		uint64_t left; /* elements, or pairs */
		bool is_map;
		bool at_value;
		struct bytes previous; /* key */
	} levels[CBOR_DEPTH_MAX];
};

static enum status
open_container(struct nesting *nesting, const struct cbor_item *item) {
	if (item->type != CBOR_ARRAY && item->type != CBOR_MAP)
		return OK;
	if (nesting->depth == CBOR_DEPTH_MAX)
		return fail(STATUS_INVALID, "cbor.depth: more than %u levels", CBOR_DEPTH_MAX);
	nesting->levels[nesting->depth++] = (struct level){.left = item->number, .is_map = item->type == CBOR_MAP};
	return OK;
}

static enum status
skip_next(struct cursor *cursor, struct nesting *nesting) {
	struct level *level = &nesting->levels[nesting->depth - 1];
	struct cbor_item item;
	struct bytes encoding;
	if (level->is_map && !level->at_value) {
		TRY(read_key(cursor, &item, &encoding));
		TRY(check_order(level->previous, encoding));
		level->previous = encoding;
		level->at_value = true;
		return OK;
	}
	level->at_value = false;
	level->left--;
	TRY(cbor_read(cursor, &item));
	return open_container(nesting, &item);
}

enum status
cbor_skip(struct cursor *cursor, struct bytes *skipped) {
	const uint8_t *start = cursor->at;
	struct nesting nesting = {};
	struct cbor_item item;
	TRY(cbor_read(cursor, &item));
	TRY(open_container(&nesting, &item));
	while (nesting.depth > 0) {
		const struct level *level = &nesting.levels[nesting.depth - 1];
		if (level->left == 0)
			nesting.depth--;
		else
			TRY(skip_next(cursor, &nesting));
	}
	if (skipped != nullptr)
		*skipped = bytes_of(start, (size_t)(cursor->at - start));
	return OK;
}

/* --- Members. --- */

static bool
is_member(const struct cbor_member *member, const struct cbor_item *key) {
	int64_t label;
	if (member->name != nullptr)
		return key->type == CBOR_TEXT && bytes_equal_text(key->bytes, member->name);
	return key->type != CBOR_TEXT && key->number <= INT64_MAX && cbor_integer(key, &label) == OK &&
	       label == member->label;
}

static enum status
read_value(struct cursor *cursor, const char *where, const struct cbor_member *member) {
	struct cursor ahead = *cursor;
	if (member->item->type != CBOR_NONE)
		return fail(STATUS_INVALID, "%s.duplicate: a member is given twice", where);
	TRY(cbor_read(&ahead, member->item));
	if (member->type != CBOR_NONE && member->item->type != member->type)
		return fail(STATUS_INVALID, "%s.type: expected %s, found %s", where, TYPE_NAMES[member->type],
			    TYPE_NAMES[member->item->type]);
	if (member->item->type != CBOR_ARRAY && member->item->type != CBOR_MAP) {
		*cursor = ahead;
		return OK;
	}
	return cbor_skip(cursor, &member->item->bytes);
}

static enum status
read_member(struct cursor *cursor, const char *where, const struct cbor_item *key, const struct cbor_member *members,
	    size_t count) {
	for (size_t i = 0; i < count; i++)
		if (is_member(&members[i], key))
			return read_value(cursor, where, &members[i]);
	return fail(STATUS_INVALID, "%s.unknown_member: a member that does not belong there", where);
}

enum status
cbor_read_members(struct cursor *cursor, const char *where, enum cbor_order order, const struct cbor_member *members,
		  size_t count) {
	struct cbor_item map, key;
	struct bytes previous = {}, encoding;
	for (size_t i = 0; i < count; i++)
		*members[i].item = (struct cbor_item){};
	TRY(cbor_read_type(cursor, CBOR_MAP, &map));
	for (uint64_t left = map.number; left > 0; left--) {
		TRY(read_key(cursor, &key, &encoding));
		if (order == CBOR_CANONICAL)
			TRY(check_order(previous, encoding));
		previous = encoding;
		TRY(read_member(cursor, where, &key, members, count));
	}
	for (size_t i = 0; i < count; i++)
		if (!members[i].is_optional && members[i].item->type == CBOR_NONE)
			return fail(STATUS_INVALID, "%s.missing: member %zu of its %zu is not there", where, i + 1,
				    count);
	return OK;
}
