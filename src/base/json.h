/*
 * JSON in two halves: a strict reader for bytes from outside, and a writer of canonical JSON for what is hashed or signed.
 *
 * Canonical JSON (docs/PROTOCOL.json): one line without white space; object keys in ASCII, sorted bytewise, no duplicates;
 * integers only, within ±(2^53−1); strings in UTF-8 with the shortest escapes; no floats. The reader refuses duplicate keys,
 * floats, invalid UTF-8, over-deep nesting and trailing bytes before anyone can hash them.
 *
 * Owner: documents live in the arena given to json_read(); strings borrow from it. Parsing is by yyjson; depth,
 * duplicates and integers are checked here. Source: RFC 8259; the ideas of RFC 8785 narrowed to integers.
 */
#ifndef GATEHOUSE_BASE_JSON_H
#define GATEHOUSE_BASE_JSON_H

#include "base/arena.h"

constexpr size_t JSON_DEPTH_MAX = 32;
/* Of what comes from outside, before anybody is known to have sent it: each takes 16 bytes and more while it is read, and two in the text. */
constexpr size_t JSON_REQUEST_VALUES_MAX = 65'536;
constexpr int64_t JSON_INTEGER_MAX = (INT64_C(1) << 53) - 1;

struct yyjson_val;
typedef struct yyjson_val json;

enum json_type { JSON_NULL, JSON_BOOLEAN, JSON_INTEGER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

enum json_integers {
	JSON_SAFE_INTEGERS,  /* within ±(2^53−1): signed and hashed documents */
	JSON_INT64_INTEGERS, /* the whole of int64: Cedar */
};

struct json_limits {
	enum json_integers integers;
	size_t depth;  /* 0: JSON_DEPTH_MAX */
	size_t values; /* names of members included; 0: as many as there are */
	/* A float reads as null, so that whoever needs the value refuses it: for documents of others, of which it is not read. */
	bool floats_as_null;
};

/* Errors: json.syntax, json.depth, json.values, json.duplicate_key, json.float, json.integer, each with a byte offset or a key. */
enum status json_read(struct arena *arena, struct bytes text, struct json_limits limits, const json **root);

enum json_type json_type_of(const json *value);
const char *json_type_name(enum json_type type);
bool json_boolean(const json *value);
int64_t json_integer(const json *value);
struct bytes json_string(const json *value); /* also NUL-terminated */
size_t json_size(const json *value);         /* members of an array or object */

/* The member, or null if there is none or value is not an object. */
const json *json_get(const json *object, const char *key);
const json *json_get_bytes(const json *object, struct bytes key);

/* Members in document order. */
struct json_iterator {
	const json *container;
	const json *next;
	size_t left;
};
struct json_iterator json_iterate(const json *container);
/* The next member, or null at the end; *key receives the key of an object's member. */
const json *json_next(struct json_iterator *iterator, struct bytes *key);

/* Required members of the given type; "<where>.<key>: missing" or "... expected string, found array". */
enum status json_need(const json *object, const char *where, const char *key, enum json_type type, const json **value);
enum status json_need_string(const json *object, const char *where, const char *key, struct bytes *text);
enum status json_need_integer(const json *object, const char *where, const char *key, int64_t *number);
enum status json_need_boolean(const json *object, const char *where, const char *key, bool *flag);
/* Refuses members that are not listed: "<where>.<key>: unknown member"; "<where>" if it is no object. names ends in null. */
enum status json_only(const json *object, const char *where, const char *const *names);

/*
 * The canonical writer. Keys must be given in ascending order: giving one out of order, a key that is not ASCII, an
 * integer out of range or invalid UTF-8 is a fault of the caller and marks the writer. What it wrote stays in the buffer, where
 * keys are compared with the one before.
 */
struct json_writer {
	struct buffer *to;
	size_t depth;
	bool failed;
	bool after_key;
	struct {
		size_t last_at, last_len; /* the last key, as it stands in the buffer */
		bool is_last_plain;       /* without an escape */
		bool is_object, is_empty;
	} levels[JSON_DEPTH_MAX];
};

void json_writer_start(struct json_writer *writer, struct buffer *to);
void json_write_object(struct json_writer *writer);
void json_write_array(struct json_writer *writer);
void json_write_end(struct json_writer *writer); /* of the innermost object or array */
void json_write_key(struct json_writer *writer, const char *key);
void json_write_key_bytes(struct json_writer *writer, struct bytes key);
void json_write_string(struct json_writer *writer, struct bytes text);
void json_write_text(struct json_writer *writer, const char *text);
void json_write_integer(struct json_writer *writer, int64_t number);
void json_write_boolean(struct json_writer *writer, bool flag);
void json_write_null(struct json_writer *writer);
void json_write_hex(struct json_writer *writer, struct bytes bytes);
void json_write_base64(struct json_writer *writer, struct bytes bytes);
/* A value that was read, canonically: its keys are sorted. */
void json_write_value(struct json_writer *writer, const json *value);
/* Bytes that are canonical JSON already, from this writer. */
void json_write_canonical(struct json_writer *writer, struct bytes canonical);
/* Key and value in one call. */
void json_write_member_text(struct json_writer *writer, const char *key, const char *text);
void json_write_member_string(struct json_writer *writer, const char *key, struct bytes text);
void json_write_member_integer(struct json_writer *writer, const char *key, int64_t number);
void json_write_member_boolean(struct json_writer *writer, const char *key, bool flag);
void json_write_member_hex(struct json_writer *writer, const char *key, struct bytes bytes);
/* OK if everything was written and every object and array ended. */
enum status json_writer_finish(const struct json_writer *writer);

/*
 * Of a canonical object the members with these keys (ASCII without escapes; ends with a null), as a canonical object, appended.
 * Made for large objects of which little is needed: the other members are skipped, not checked, and those behind the last that is
 * asked for not even looked at. "json.select: ..." where it is no object; bytes that are not canonical JSON may also give what is
 * none, so read the result with json_read().
 */
enum status json_select(struct bytes object, const char *const *keys, struct buffer *to);
/* The same, of objects in it as well: of a member whose members are named only those. Both lists end with a null key. */
struct json_wanted {
	const char *key;
	const struct json_wanted *members; /* null: all of it, and what is no object is taken as it is */
};
enum status json_select_within(struct bytes object, const struct json_wanted *wanted, struct buffer *to);
/* One member's text within the object. STATUS_NOT_FOUND "json.select" where there is none. */
enum status json_member_text(struct bytes object, const char *key, struct bytes *text);
/* OK if text is canonical JSON, byte for byte; "json.canonical: ..." otherwise. */
enum status json_check_canonical(struct arena *arena, struct bytes text);

#endif
