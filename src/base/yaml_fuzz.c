/*
 * Reader: base/yaml.c, base/yaml_schema.c
 * Property: whatever is read keeps the limits that the header promises, and every refusal has a name.
 */
#include <stdlib.h>

#include "base/yaml_schema.h"

struct item {
	const char *text;
	uint16_t number;
};

struct document {
	const char *text;
	bool flag;
	int64_t number;
	uint32_t count;
	int64_t duration_ms;
	int choice;
	struct yaml_texts texts;
	struct item item;
	struct yaml_objects items;
	const struct yaml_node *any;
};

static const struct yaml_field ITEM_FIELDS[] = {
	{"t", YAML_TEXT, offsetof(struct item, text), .required = true},
	{"n", YAML_UINT16, offsetof(struct item, number)},
};
static const struct yaml_schema ITEM = {ITEM_FIELDS, ARRAY_LENGTH(ITEM_FIELDS), sizeof(struct item)};
static const char *const CHOICES[] = {"one", "two", nullptr};
static const struct yaml_field DOCUMENT_FIELDS[] = {
	{"t", YAML_TEXT, offsetof(struct document, text)},
	{"f", YAML_BOOLEAN, offsetof(struct document, flag)},
	{"n", YAML_INT64, offsetof(struct document, number)},
	{"c", YAML_UINT32, offsetof(struct document, count), .max = 9},
	{"d", YAML_DURATION, offsetof(struct document, duration_ms)},
	{"w", YAML_CHOICE, offsetof(struct document, choice), .choices = CHOICES},
	{"ts", YAML_TEXTS, offsetof(struct document, texts), .max = 3},
	{"i", YAML_OBJECT, offsetof(struct document, item), .schema = &ITEM},
	{"is", YAML_OBJECTS, offsetof(struct document, items), .schema = &ITEM},
	{"a", YAML_ANY, offsetof(struct document, any)},
};
static const struct yaml_schema DOCUMENT = {DOCUMENT_FIELDS, ARRAY_LENGTH(DOCUMENT_FIELDS), sizeof(struct document)};

static void
check_node(const struct yaml_node *node, size_t depth) {
	if (depth > YAML_DEPTH_MAX || node->line == 0 || node->column == 0 ||
	    strlen((const char *)node->text.data) != node->text.len)
		abort();
}

static void
check_tree(const struct yaml_node *node, size_t depth) {
	if (node->kind == YAML_NODE_SCALAR) {
		check_node(node, depth);
		return;
	}
	size_t count = 0;
	for (const struct yaml_node *child = node->first; child != nullptr; child = child->next, count++) {
		check_tree(child, depth + 1);
		if (node->kind == YAML_NODE_MAPPING && strlen((const char *)child->key.data) != child->key.len)
			abort();
	}
	if (count != node->count || depth >= YAML_DEPTH_MAX)
		abort();
}

static void
check_refusal(enum status status) {
	if (status != OK && strncmp(fail_message(), "yaml.", 5) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(arena_free) struct arena arena = {};
	const struct yaml_node *root;
	enum status status = yaml_read(&arena, "input", bytes_of(data, size), &root);
	check_refusal(status);
	if (status != OK)
		return 0;
	check_tree(root, 0);
	struct document document = {};
	check_refusal(yaml_fill(&arena, "input", root, &DOCUMENT, &document));
	if (document.count > 9 || document.texts.count > 3 || document.duration_ms < 0)
		abort();
	return 0;
}
