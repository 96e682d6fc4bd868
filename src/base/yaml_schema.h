/*
 * From a YAML tree to a typed structure, by a table of fields. A key that the table does not list is an error, as is a value of
 * another type or outside its bounds; a field that is absent and not required keeps what the structure held before, which is
 * its default.
 *
 *     static const struct yaml_field LISTENER[] = {
 *         {"address", YAML_TEXT, offsetof(struct listener, address), .required = true},
 *         {"port", YAML_UINT16, offsetof(struct listener, port), .required = true, .min = 1, .max = 65535},
 *     };
 *     static const struct yaml_schema LISTENER_SCHEMA = {LISTENER, ARRAY_LENGTH(LISTENER), sizeof(struct listener)};
 *
 * Owner: texts and lists live in the given arena. Errors: "yaml.unknown_key", "yaml.missing_key", "yaml.type", "yaml.range",
 * "yaml.choice", each with file, line and column: "yaml.unknown_key: gatehouse.yaml:12:3: ...".
 */
#ifndef GATEHOUSE_BASE_YAML_SCHEMA_H
#define GATEHOUSE_BASE_YAML_SCHEMA_H

#include "base/yaml.h"

enum yaml_type {
	YAML_TEXT,     /* const char *: a scalar that is not empty */
	YAML_BOOLEAN,  /* bool: plain true or false */
	YAML_INT64,    /* int64_t: plain decimal digits */
	YAML_UINT32,   /* uint32_t */
	YAML_UINT16,   /* uint16_t */
	YAML_DURATION, /* int64_t in milliseconds: 250ms, 30s, 5m, 24h, 7d */
	YAML_CHOICE,   /* int: the index of the word in choices */
	YAML_TEXTS,    /* struct yaml_texts: a sequence of texts */
	YAML_OBJECT,   /* a structure by schema, in place */
	YAML_OBJECTS,  /* struct yaml_objects: a sequence of structures by schema */
	YAML_ANY,      /* const struct yaml_node *: read by the caller */
};

struct yaml_schema;

struct yaml_field {
	const char *key;
	enum yaml_type type;
	size_t offset; /* in the structure */
	bool required;
	int64_t min,
		max; /* of numbers and durations, and of how many items a list has; both 0: what the type can hold */
	const char *const *choices; /* ends in null */
	const struct yaml_schema *schema;
};

struct yaml_schema {
	const struct yaml_field *fields;
	size_t count;
	size_t size;          /* of the structure */
	const void *defaults; /* of each structure in a list; null: zero */
};

struct yaml_texts {
	const char *const *items;
	size_t count;
};

struct yaml_objects {
	const void *items; /* count structures of the schema's size */
	size_t count;
};

enum status yaml_fill(struct arena *arena, const char *name, const struct yaml_node *node,
		      const struct yaml_schema *schema, void *structure);

#endif
