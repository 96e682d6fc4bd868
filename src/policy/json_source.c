#include "policy/json_source.h"

#include <stdio.h>
#include <stdlib.h>

constexpr size_t DOCUMENT_DEPTH_MAX = 1024;

struct place
json_node_place(struct json_node node) {
	return (struct place){(uint32_t)node.place.offset, (uint32_t)node.place.length};
}

void
json_source_note(const struct json_source *source, struct json_node node, const char *name, const char *format, ...) {
	char text[384];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	/* An object or array is marked where it begins: its other lines would say nothing. */
	enum json_type type = node.value == nullptr ? JSON_NULL : json_type_of(node.value);
	size_t length = type == JSON_OBJECT || type == JSON_ARRAY ? 1 : node.place.length;
	policy_note(source->diagnostics, source->source, node.place.offset, length, name, "%s", text);
}

enum status
json_source_pass(const struct json_source *source, struct json_node node, enum status status) {
	if (status != STATUS_INVALID)
		return status;
	char name[128], detail[384];
	fail_name(name, sizeof name);
	const char *colon = strstr(fail_message(), ": ");
	snprintf(detail, sizeof detail, "%s", colon == nullptr ? fail_message() : colon + 2);
	struct arena *arena = source->diagnostics == nullptr ? source->arena : &source->diagnostics->arena;
	const char *kept = arena_text(arena, bytes_of_text(name));
	TRY_ALLOC(kept);
	return json_source_complain(source, node, kept, "%s", detail);
}

/* The place of a document that cannot be read: the reader's detail may tell an offset. */
static struct json_place
fault_place(struct bytes text) {
	const char *offset = strstr(fail_message(), " at offset ");
	struct json_place place = {0, 1};
	if (offset != nullptr)
		place.offset = strtoull(offset + strlen(" at offset "), nullptr, 10);
	else if (!json_place_fault(text, &place))
		place = (struct json_place){0, 1};
	return place;
}

enum status
json_source_read(struct json_source *source, struct json_node *root) {
	struct json_limits limits = {.integers = JSON_INT64_INTEGERS, .depth = DOCUMENT_DEPTH_MAX};
	*root = (struct json_node){};
	enum status status = json_read(source->arena, source->source->text, limits, &root->value);
	if (status != OK)
		return json_source_pass(source, (struct json_node){nullptr, fault_place(source->source->text)}, status);
	json_place_root(source->source->text, &root->place);
	return OK;
}

enum status
json_source_expect(const struct json_source *source, struct json_node node, enum json_type type) {
	enum json_type found = json_type_of(node.value);
	if (found == type)
		return OK;
	const char *name = arena_format(source->diagnostics == nullptr ? source->arena : &source->diagnostics->arena,
					"%s.type", source->prefix);
	TRY_ALLOC(name);
	return json_source_complain(source, node, name, "expected %s, found %s", json_type_name(type),
				    json_type_name(found));
}

struct json_node
json_source_get(const struct json_source *source, struct json_node node, const char *key) {
	struct json_node member = {.value = json_get(node.value, key), .place = node.place};
	if (member.value != nullptr)
		json_place_member(source->source->text, node.place.offset, bytes_of_text(key), &member.place);
	return member;
}

enum status
json_source_need(const struct json_source *source, struct json_node node, const char *key, enum json_type type,
		 struct json_node *member) {
	*member = json_source_get(source, node, key);
	if (member->value != nullptr)
		return json_source_expect(source, *member, type);
	const char *name = arena_format(source->diagnostics == nullptr ? source->arena : &source->diagnostics->arena,
					"%s.missing", source->prefix);
	TRY_ALLOC(name);
	return json_source_complain(source, node, name, "expected a member \"%s\"", key);
}

enum status
json_source_only(const struct json_source *source, struct json_node node, const char *const *names) {
	struct json_walk walk = json_source_walk(source, node);
	struct json_node member;
	struct bytes key;
	while (json_source_next(&walk, &key, &member)) {
		size_t i = 0;
		while (names[i] != nullptr && !bytes_equal_text(key, names[i]))
			i++;
		if (names[i] != nullptr)
			continue;
		const char *name =
			arena_format(source->diagnostics == nullptr ? source->arena : &source->diagnostics->arena,
				     "%s.unknown", source->prefix);
		TRY_ALLOC(name);
		return json_source_complain(source, member, name, "there is no member \"%.*s\" here",
					    (int)(key.len > 80 ? 80 : key.len), (const char *)key.data);
	}
	return OK;
}

struct json_walk
json_source_walk(const struct json_source *source, struct json_node node) {
	return (struct json_walk){
		.iterator = json_iterate(node.value),
		.text = source->source->text,
		.container = node.place.offset,
		.is_object = json_type_of(node.value) == JSON_OBJECT,
	};
}

bool
json_source_next(struct json_walk *walk, struct bytes *key, struct json_node *node) {
	node->value = json_next(&walk->iterator, key);
	if (node->value == nullptr)
		return false;
	if (walk->is_started)
		(walk->is_object ? json_place_next_member : json_place_next)(walk->text, &walk->place);
	else
		(walk->is_object ? json_place_first_member : json_place_first)(walk->text, walk->container,
									       &walk->place);
	walk->is_started = true;
	node->place = walk->place;
	return true;
}
