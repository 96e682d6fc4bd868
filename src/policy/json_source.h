/*
 * JSON documents that people write, read so that every value knows its place: schemas and policies in JSON.
 *
 * A node is a value of base/json.h with the place where it stands. Asking for what is not there, or is of another type, is
 * a finding at that place: "<prefix>.<key>: ...".
 */
#ifndef GATEHOUSE_POLICY_JSON_SOURCE_H
#define GATEHOUSE_POLICY_JSON_SOURCE_H

#include "base/json.h"
#include "policy/ast.h"
#include "policy/json_place.h"

struct json_source {
	struct arena *arena; /* of the documents and of what is read from them */
	const struct policy_source *source;
	struct policy_diagnostics *diagnostics;
	const char *prefix; /* of the names of findings: "schema" */
};

struct json_node {
	const json *value; /* null: absent */
	struct json_place place;
};

/* The whole document. Findings: json.*. */
enum status json_source_read(struct json_source *source, struct json_node *root);

struct place json_node_place(struct json_node node);

/* Notes a finding at the node. */
void json_source_note(const struct json_source *source, struct json_node node, const char *name, const char *format,
		      ...) __attribute__((format(printf, 4, 5)));
/* Notes it and gives STATUS_INVALID. */
#define json_source_complain(...) (json_source_note(__VA_ARGS__), fail_with(STATUS_INVALID))
/* Notes the detail that was just kept, at the node; other failures than STATUS_INVALID stay as they are. */
enum status json_source_pass(const struct json_source *source, struct json_node node, enum status status);

enum status json_source_expect(const struct json_source *source, struct json_node node, enum json_type type);
/* A member, absent where it is not there. node is an object. */
struct json_node json_source_get(const struct json_source *source, struct json_node node, const char *key);
/* A member of that type that must be there. */
enum status json_source_need(const struct json_source *source, struct json_node node, const char *key,
			     enum json_type type, struct json_node *member);
/* Refuses members that are not listed; names ends in null. */
enum status json_source_only(const struct json_source *source, struct json_node node, const char *const *names);

/* Elements of an array, or members of an object, in order. */
struct json_walk {
	struct json_iterator iterator;
	struct bytes text;
	struct json_place place;
	size_t container;
	bool is_object;
	bool is_started;
};

struct json_walk json_source_walk(const struct json_source *source, struct json_node node);
bool json_source_next(struct json_walk *walk, struct bytes *key, struct json_node *node);

#endif
