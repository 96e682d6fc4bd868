/*
 * Reading CBOR (RFC 8949) as FIDO's authenticators write it: the CTAP2 canonical form (CTAP 2.1 §8), narrowed further.
 *
 * Lengths are definite, integers and lengths minimal, text is UTF-8, nesting is bounded, no tags, no floats, of simple values only
 * false, true and null. Keys of a map are integers or text. A map that is read by cbor_skip() has its keys in ascending order of
 * their encodings, which is CTAP2's order; one that is read by cbor_read_members() has them in any order where the caller says
 * so, and never twice. There is no tree: a caller names the members that it knows, and nothing else may be there.
 *
 * Views borrow from what is read. Errors, all STATUS_INVALID: cbor.truncated, .reserved, .indefinite, .not_minimal, .tag, .simple,
 * .utf8, .depth, .key_type, .key_order, .duplicate_key, .type, .range, .trailing; "<where>.<member>" for members.
 */
#ifndef GATEHOUSE_IDENTITY_CBOR_H
#define GATEHOUSE_IDENTITY_CBOR_H

#include "base/cursor.h"

constexpr unsigned CBOR_DEPTH_MAX = 4; /* CTAP 2.1 §8 */

enum cbor_type {
	CBOR_NONE, /* of a member: absent */
	CBOR_UNSIGNED,
	CBOR_NEGATIVE,
	CBOR_BYTES,
	CBOR_TEXT,
	CBOR_ARRAY,
	CBOR_MAP,
	CBOR_BOOLEAN,
	CBOR_NULL,
};

struct cbor_item {
	enum cbor_type type;
	uint64_t
		number; /* UNSIGNED n; NEGATIVE n for −1−n; BOOLEAN 0 or 1; ARRAY and MAP: how many elements or pairs */
	struct bytes bytes; /* BYTES, TEXT: the content; ARRAY, MAP as members: the whole encoding */
};

const char *cbor_type_name(enum cbor_type type);

/* One item; of an array or map only its head. */
enum status cbor_read(struct cursor *cursor, struct cbor_item *item);
/* One item of that type: cbor.type otherwise. */
enum status cbor_read_type(struct cursor *cursor, enum cbor_type type, struct cbor_item *item);
/* An item with all that is in it, checked through; *skipped (may be null) receives its encoding. */
enum status cbor_skip(struct cursor *cursor, struct bytes *skipped);
/* An UNSIGNED or NEGATIVE as a number: cbor.type, cbor.range. */
enum status cbor_integer(const struct cbor_item *item, int64_t *number);
/* OK if nothing is left: cbor.trailing. */
enum status cbor_end(const struct cursor *cursor);

struct cbor_member {
	const char *name;    /* text key; null: the key is the integer label */
	int64_t label;       /* of names: unused */
	enum cbor_type type; /* that it must have; CBOR_NONE: any */
	bool is_optional;
	struct cbor_item *item; /* receives it; type CBOR_NONE where it is absent */
};

enum cbor_order {
	CBOR_CANONICAL, /* what authenticators write and sign */
	CBOR_ANY_ORDER, /* what browsers wrap around it: some of them do not sort */
};

/* A map with these members and no others. Errors: "<where>.unknown_member", "<where>.duplicate",
 * "<where>.missing", "<where>.type". */
enum status cbor_read_members(struct cursor *cursor, const char *where, enum cbor_order order,
			      const struct cbor_member *members, size_t count);

#endif
