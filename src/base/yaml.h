/*
 * Strict YAML for what people write: configuration and policy documents.
 *
 * One document in UTF-8 of mappings, sequences and scalars. Refused by name, with line and column: anchors, aliases, tags,
 * directives, merge keys, repeated keys, keys that are not scalars, further documents, NUL, nesting over YAML_DEPTH_MAX, and
 * texts over YAML_SIZE_MAX. Every scalar is text; what type it must have is said by a schema (base/yaml_schema.h), so that no
 * word turns into a boolean or a number by itself. What is hashed or signed is the canonical JSON of the typed result, never
 * these bytes.
 *
 * Owner: the tree lives in the given arena. Threads: any. Errors: "yaml.<name>: <file>:<line>:<column>: ...".
 * Source: YAML 1.1 as libyaml's event interface reads it.
 */
#ifndef GATEHOUSE_BASE_YAML_H
#define GATEHOUSE_BASE_YAML_H

#include "base/arena.h"

constexpr size_t YAML_DEPTH_MAX = 32;
constexpr size_t YAML_SIZE_MAX = 1024 * 1024;

enum yaml_node_kind { YAML_NODE_SCALAR, YAML_NODE_SEQUENCE, YAML_NODE_MAPPING };

struct yaml_node {
	enum yaml_node_kind kind;
	bool plain;  /* of a scalar: written without quotes, and no block */
	size_t line; /* of the first character, counted from 1; of a mapping's value, of its key */
	size_t column;
	struct bytes key;              /* of a mapping's value; NUL-terminated */
	struct bytes text;             /* of a scalar; NUL-terminated, without another NUL inside */
	size_t count;                  /* of a sequence's items or a mapping's values */
	const struct yaml_node *first; /* of these */
	const struct yaml_node *next;  /* beside this node */
};

/* name is the file's name for messages. */
enum status yaml_read(struct arena *arena, const char *name, struct bytes text, const struct yaml_node **root);
/* The value of a mapping, or null if there is none or node is no mapping. */
const struct yaml_node *yaml_get(const struct yaml_node *node, const char *key);
/* "scalar", "sequence", "mapping" */
const char *yaml_kind_name(enum yaml_node_kind kind);

#endif
