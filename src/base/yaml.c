#include "base/yaml.h"

#include <yaml.h>

#include "base/map.h"

struct level {
	struct yaml_node *container;
	struct yaml_node *last;
	struct bytes key; /* read, and waiting for its value */
	yaml_mark_t key_mark;
	bool has_key;
};

struct reader {
	struct arena *arena;
	const char *name;
	yaml_parser_t parser;
	struct yaml_node *root;
	size_t depth;
	struct level levels[YAML_DEPTH_MAX];
};

#define REFUSE(reader, mark, error, ...) refuse(reader, mark, error, arena_format((reader)->arena, __VA_ARGS__))

static enum status
refuse(const struct reader *reader, yaml_mark_t mark, const char *error, const char *sentence) {
	return fail(STATUS_INVALID, "yaml.%s: %s:%zu:%zu: %s", error, reader->name, mark.line + 1, mark.column + 1,
		    sentence == nullptr ? "" : sentence);
}

const char *
yaml_kind_name(enum yaml_node_kind kind) {
	static const char *const names[] = {"scalar", "sequence", "mapping"};
	return names[kind];
}

const struct yaml_node *
yaml_get(const struct yaml_node *node, const char *key) {
	if (node == nullptr || node->kind != YAML_NODE_MAPPING)
		return nullptr;
	for (const struct yaml_node *value = node->first; value != nullptr; value = value->next)
		if (bytes_equal_text(value->key, key))
			return value;
	return nullptr;
}

static enum status
refuse_anchor_and_tag(struct reader *reader, const yaml_event_t *event, const yaml_char_t *anchor,
		      const yaml_char_t *tag) {
	if (anchor != nullptr)
		return REFUSE(reader, event->start_mark, "anchor", "anchors are not used here");
	if (tag != nullptr)
		return REFUSE(reader, event->start_mark, "tag", "tags are not used here; the schema gives the type");
	return OK;
}

/* Hangs a node into the innermost container, or makes it the root. */
static enum status
add_node(struct reader *reader, const yaml_event_t *event, struct yaml_node *node) {
	node->line = event->start_mark.line + 1;
	node->column = event->start_mark.column + 1;
	if (reader->depth == 0) {
		reader->root = node;
		return OK;
	}
	struct level *level = &reader->levels[reader->depth - 1];
	if (level->container->kind == YAML_NODE_MAPPING) {
		if (!level->has_key)
			return REFUSE(reader, event->start_mark, "key", "a key must be a scalar, found a %s",
				      yaml_kind_name(node->kind));
		node->key = level->key;
		node->line = level->key_mark.line + 1;
		node->column = level->key_mark.column + 1;
		level->has_key = false;
	}
	if (level->last == nullptr)
		level->container->first = node;
	else
		level->last->next = node;
	level->last = node;
	level->container->count++;
	return OK;
}

static enum status
add_scalar(struct reader *reader, const yaml_event_t *event) {
	TRY(refuse_anchor_and_tag(reader, event, event->data.scalar.anchor, event->data.scalar.tag));
	bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	struct bytes text = arena_copy(reader->arena, bytes_of(event->data.scalar.value, event->data.scalar.length));
	TRY_ALLOC(text.data);
	if (memchr(text.data, '\0', text.len) != nullptr)
		return REFUSE(reader, event->start_mark, "nul", "a text may not contain NUL");
	struct level *level = reader->depth == 0 ? nullptr : &reader->levels[reader->depth - 1];
	if (level != nullptr && level->container->kind == YAML_NODE_MAPPING && !level->has_key) {
		if (plain && bytes_equal_text(text, "<<"))
			return REFUSE(reader, event->start_mark, "merge_key", "merge keys are not used here");
		level->key = text;
		level->key_mark = event->start_mark;
		level->has_key = true;
		return OK;
	}
	struct yaml_node *node = ARENA_NEW(reader->arena, struct yaml_node);
	TRY_ALLOC(node);
	*node = (struct yaml_node){.kind = YAML_NODE_SCALAR, .plain = plain, .text = text};
	return add_node(reader, event, node);
}

static enum status
open_container(struct reader *reader, const yaml_event_t *event, enum yaml_node_kind kind) {
	if (reader->depth == YAML_DEPTH_MAX)
		return REFUSE(reader, event->start_mark, "depth", "nested deeper than %zu levels", YAML_DEPTH_MAX);
	struct yaml_node *node = ARENA_NEW(reader->arena, struct yaml_node);
	TRY_ALLOC(node);
	node->kind = kind;
	TRY(add_node(reader, event, node));
	reader->levels[reader->depth++] = (struct level){.container = node};
	return OK;
}

static enum status
close_mapping(struct reader *reader) {
	const struct yaml_node *mapping = reader->levels[--reader->depth].container;
	_cleanup_(map_free) struct map seen = {};
	for (const struct yaml_node *value = mapping->first; value != nullptr; value = value->next) {
		void *earlier = nullptr;
		TRY(map_put(&seen, value->key, (void *)(uintptr_t)value, &earlier));
		if (earlier != nullptr)
			return REFUSE(reader, ((yaml_mark_t){.line = value->line - 1, .column = value->column - 1}),
				      "duplicate_key", "\"%.*s\" stands on line %zu already",
				      (int)(value->key.len > 80 ? 80 : value->key.len), (const char *)value->key.data,
				      ((const struct yaml_node *)earlier)->line);
	}
	return OK;
}

static enum status
start_document(struct reader *reader, const yaml_event_t *event) {
	if (reader->root != nullptr)
		return REFUSE(reader, event->start_mark, "documents", "a second document; one is expected");
	if (event->data.document_start.version_directive != nullptr ||
	    event->data.document_start.tag_directives.start != event->data.document_start.tag_directives.end)
		return REFUSE(reader, event->start_mark, "directive", "directives are not used here");
	return OK;
}

static enum status
take_event(struct reader *reader, const yaml_event_t *event) {
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		return start_document(reader, event);
	case YAML_ALIAS_EVENT:
		return REFUSE(reader, event->start_mark, "alias", "aliases are not used here");
	case YAML_SCALAR_EVENT:
		return add_scalar(reader, event);
	case YAML_SEQUENCE_START_EVENT:
		TRY(refuse_anchor_and_tag(reader, event, event->data.sequence_start.anchor,
					  event->data.sequence_start.tag));
		return open_container(reader, event, YAML_NODE_SEQUENCE);
	case YAML_MAPPING_START_EVENT:
		TRY(refuse_anchor_and_tag(reader, event, event->data.mapping_start.anchor,
					  event->data.mapping_start.tag));
		return open_container(reader, event, YAML_NODE_MAPPING);
	case YAML_SEQUENCE_END_EVENT:
		reader->depth--;
		return OK;
	case YAML_MAPPING_END_EVENT:
		return close_mapping(reader);
	default:
		return OK;
	}
}

static enum status
parser_failure(struct reader *reader) {
	const yaml_parser_t *parser = &reader->parser;
	if (parser->error == YAML_MEMORY_ERROR)
		return fail(STATUS_NO_MEMORY, "memory: out of memory reading %s", reader->name);
	if (parser->error == YAML_READER_ERROR) /* its place is a byte offset */
		return fail(STATUS_INVALID, "yaml.encoding: %s: %s at offset %zu", reader->name, parser->problem,
			    parser->problem_offset);
	return refuse(reader, parser->problem_mark, "syntax", parser->problem);
}

/* libyaml's time grows with the square of open flow brackets; the events are taken one by one, so that the limit on depth
 * ends the reading before that shows. */
static enum status
read_events(struct reader *reader) {
	for (bool ended = false; !ended;) {
		yaml_event_t event;
		if (!yaml_parser_parse(&reader->parser, &event))
			return parser_failure(reader);
		ended = event.type == YAML_STREAM_END_EVENT;
		enum status status = take_event(reader, &event);
		yaml_event_delete(&event);
		TRY(status);
	}
	return OK;
}

enum status
yaml_read(struct arena *arena, const char *name, struct bytes text, const struct yaml_node **root) {
	if (text.len > YAML_SIZE_MAX)
		return fail(STATUS_TOO_LARGE, "yaml.size: %s: %zu bytes where at most %zu are read", name, text.len,
			    YAML_SIZE_MAX);
	if (text.len > 0 && memchr(text.data, '\0', text.len) != nullptr)
		return fail(STATUS_INVALID, "yaml.nul: %s: a NUL byte in the text", name);
	if (memmem(text.data, text.len, "\xef\xbb\xbf", 3) != nullptr) /* libyaml skips it at the start of any line */
		return fail(STATUS_INVALID, "yaml.encoding: %s: a byte order mark; plain UTF-8 is expected", name);
	struct reader reader = {.arena = arena, .name = name};
	if (!yaml_parser_initialize(&reader.parser))
		return fail(STATUS_NO_MEMORY, "memory: out of memory reading %s", name);
	yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING); /* no guess by a byte order mark */
	yaml_parser_set_input_string(&reader.parser, text.data, text.len);
	enum status status = read_events(&reader);
	yaml_parser_delete(&reader.parser);
	TRY(status);
	if (reader.root == nullptr)
		return fail(STATUS_INVALID, "yaml.empty: %s: nothing but white space and comments", name);
	*root = reader.root;
	return OK;
}
