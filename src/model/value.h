/*
 * A Cedar value: what a fact holds, what policies compute with, what an entry records.
 *
 * Values borrow everything they point to; they live in the arena of whoever made them. A set's items have no order and
 * no duplicates that count; a record's fields are sorted bytewise by name and unique. Encoding is Cedar JSON: __entity
 * and __extn escapes (docs/facts.md). Source: Cedar 4.5, https://docs.cedarpolicy.com
 */
#ifndef GATEHOUSE_MODEL_VALUE_H
#define GATEHOUSE_MODEL_VALUE_H

#include "base/json.h"

enum value_type {
	VALUE_BOOLEAN,
	VALUE_LONG,
	VALUE_STRING,
	VALUE_ENTITY,
	VALUE_SET,
	VALUE_RECORD,
	VALUE_DECIMAL, /* integer × 10⁻⁴ */
	VALUE_IPADDR,
	VALUE_DATETIME, /* milliseconds since 1970 */
	VALUE_DURATION, /* milliseconds */
};

struct entity_uid {
	struct bytes type; /* "Gatehouse::Person" */
	struct bytes id;
};

struct value;
struct value_field;

struct value {
	enum value_type type;
	union {
		bool boolean;
		int64_t integer; /* long, decimal, datetime, duration */
		struct bytes string;
		struct entity_uid entity;
		struct {
			const struct value *items;
			size_t count;
			bool is_sorted; /* ascending by value_compare(), no duplicates: value_set() and value_read() see to it */
		} set;
		struct {
			const struct value_field *fields;
			size_t count;
		} record;
		struct {
			uint8_t address[16]; /* IPv4 in the first four */
			uint8_t prefix;
			bool is_v6;
		} ip;
	};
};

struct value_field {
	struct bytes name;
	struct value value;
};

static inline struct value
value_boolean(bool boolean) {
	return (struct value){.type = VALUE_BOOLEAN, .boolean = boolean};
}

static inline struct value
value_long(int64_t integer) {
	return (struct value){.type = VALUE_LONG, .integer = integer};
}

static inline struct value
value_string(struct bytes string) {
	return (struct value){.type = VALUE_STRING, .string = string};
}

static inline struct value
value_text(const char *text) {
	return value_string(bytes_of_text(text));
}

static inline struct value
value_entity(struct bytes type, struct bytes id) {
	return (struct value){.type = VALUE_ENTITY, .entity = {type, id}};
}

/* Cedar's ==: any two values; different types are unequal; sets ignore order and duplicates. */
bool value_equal(const struct value *a, const struct value *b);
/* A total order, 0 exactly where two values are equal. */
int value_compare(const struct value *a, const struct value *b);
/* True if an item of set equals value: by bisection where the set is sorted. */
bool value_set_contains(const struct value *set, const struct value *value);
/* The set of items, which are sorted and freed of duplicates where they stand. */
struct value value_set(struct value *items, size_t count);
/* The field's value, or null. */
const struct value *value_record_get(const struct value *record, struct bytes name);

/* "long", "entity", "set", ...: for messages. */
const char *value_type_name(enum value_type type);

/* True for names such as "Gatehouse::Person": identifiers joined by ::, none of them a reserved word. */
bool value_is_type_name(struct bytes name);

/* Cedar JSON, canonically: a set's items in the order of value_compare(). A long outside ±(2^53−1), and a record with a field
 * named like an escape, mark the writer. */
void value_write(struct json_writer *writer, const struct value *value);
/* Cedar JSON with __entity and __extn (decimal, ip, datetime, duration, offset). Borrows the JSON's strings.
 * Errors: "value.*". */
enum status value_read(struct arena *arena, const json *encoded, struct value *value);
/* Where no schema tells, and yet the document may leave out __entity: an object of just two strings, "type" (a type name)
 * and "id", is an entity. */
enum status value_read_implicit(struct arena *arena, const json *encoded, struct value *value);
/* {"fn":...,"arg" or "args":...}: what stands within __extn, or without it where a schema tells. */
enum status value_read_extension(struct arena *arena, const json *encoded, struct value *value);
/* {"type":...,"id":...}, or the same within __entity. */
enum status value_read_uid(const json *encoded, struct entity_uid *uid);

/* The extension types from their text, with Cedar's exact syntax: "1.2345", "10.0.0.0/8", "2026-11-21T…", "1d2h". */
enum status value_parse_decimal(struct bytes text, struct value *value);
enum status value_parse_ip(struct bytes text, struct value *value);
enum status value_parse_datetime(struct bytes text, struct value *value);
enum status value_parse_duration(struct bytes text, struct value *value);

/* The argument of the constructor that gives value back, for decimal, ipaddr, datetime and duration; text holds
 * VALUE_TEXT_SIZE. False for a datetime before year 0 or after 9999, which has no such text: it is written as an offset
 * from 1970-01-01. */
constexpr size_t VALUE_TEXT_SIZE = 64;
bool value_format_extension(const struct value *value, char *text);

#endif
