#include "base/yaml_schema.h"

#include "base/time.h"

struct filler {
	struct arena *arena;
	const char *name;
};

static enum status fill_object(const struct filler *filler, const struct yaml_node *node,
			       const struct yaml_schema *schema, void *structure);

/* What is found, for a message: the text of a scalar, else its kind. */
static const char *
found(const struct filler *filler, const struct yaml_node *node) {
	if (node->kind != YAML_NODE_SCALAR)
		return node->kind == YAML_NODE_SEQUENCE ? "a sequence" : "a mapping";
	if (node->text.len == 0)
		return "nothing";
	const char *text = arena_format(filler->arena, "\"%.*s\"", (int)(node->text.len > 80 ? 80 : node->text.len),
					(const char *)node->text.data);
	return text == nullptr ? "a scalar" : text;
}

static enum status
wrong_type(const struct filler *filler, const struct yaml_node *node, const char *expected) {
	return fail(STATUS_INVALID, "yaml.type: %s:%zu:%zu: expected %s, found %s", filler->name, node->line,
		    node->column, expected, found(filler, node));
}

static enum status
check_range(const struct filler *filler, const struct yaml_node *node, const struct yaml_field *field, int64_t type_min,
	    int64_t type_max, int64_t number) {
	bool bounded = field->min != 0 || field->max != 0;
	int64_t min = bounded ? field->min : type_min, max = bounded ? field->max : type_max;
	if (number < min || number > max)
		return fail(STATUS_INVALID, "yaml.range: %s:%zu:%zu: expected %lld to %lld, found %lld", filler->name,
			    node->line, node->column, (long long)min, (long long)max, (long long)number);
	return OK;
}

static enum status
read_text(const struct filler *filler, const struct yaml_node *node, const char **text) {
	if (node->kind != YAML_NODE_SCALAR || node->text.len == 0)
		return wrong_type(filler, node, "a text");
	*text = (const char *)node->text.data;
	return OK;
}

static bool
is_plain_scalar(const struct yaml_node *node) {
	return node->kind == YAML_NODE_SCALAR && node->plain;
}

/* Decimal digits without leading zeros, at most 18 of them, so that no sum can overflow; *used receives how many. */
static bool
read_digits(struct bytes text, int64_t *number, size_t *used) {
	size_t digits = 0;
	*number = 0;
	while (digits < text.len && text.data[digits] >= '0' && text.data[digits] <= '9') {
		if (digits == 18)
			return false;
		*number = *number * 10 + (text.data[digits++] - '0');
	}
	*used = digits;
	return digits > 0 && (digits == 1 || text.data[0] != '0');
}

static enum status
read_integer(const struct filler *filler, const struct yaml_node *node, int64_t *number) {
	if (!is_plain_scalar(node))
		return wrong_type(filler, node, "an integer");
	bool negative = node->text.len > 0 && node->text.data[0] == '-';
	struct bytes digits = bytes_of(node->text.data + negative, node->text.len - negative);
	size_t used;
	if (!read_digits(digits, number, &used) || used != digits.len || (negative && *number == 0))
		return wrong_type(filler, node, "an integer in decimal digits");
	if (negative)
		*number = -*number;
	return OK;
}

static enum status
read_duration(const struct filler *filler, const struct yaml_node *node, int64_t *duration_ms) {
	static const struct {
		const char *suffix;
		int64_t unit_ms;
	} units[] = {{"ms", 1}, {"s", SECOND_MS}, {"m", MINUTE_MS}, {"h", HOUR_MS}, {"d", DAY_MS}};
	static const char expected[] = "a duration such as 250ms, 30s, 5m, 24h or 7d";
	int64_t number;
	size_t used;
	if (!is_plain_scalar(node) || !read_digits(node->text, &number, &used))
		return wrong_type(filler, node, expected);
	struct bytes suffix = bytes_of(node->text.data + used, node->text.len - used);
	for (size_t i = 0; i < ARRAY_LENGTH(units); i++)
		if (bytes_equal_text(suffix, units[i].suffix)) {
			if (__builtin_mul_overflow(number, units[i].unit_ms, duration_ms))
				return fail(STATUS_INVALID, "yaml.range: %s:%zu:%zu: %s is too long a time",
					    filler->name, node->line, node->column, (const char *)node->text.data);
			return OK;
		}
	return wrong_type(filler, node, expected);
}

static enum status
read_boolean(const struct filler *filler, const struct yaml_node *node, bool *flag) {
	*flag = bytes_equal_text(node->text, "true");
	if (!is_plain_scalar(node) || (!*flag && !bytes_equal_text(node->text, "false")))
		return wrong_type(filler, node, "true or false");
	return OK;
}

static enum status
read_choice(const struct filler *filler, const struct yaml_node *node, const struct yaml_field *field, int *choice) {
	const char *text, *listed = "";
	TRY(read_text(filler, node, &text));
	for (int i = 0; field->choices[i] != nullptr; i++) {
		if (strcmp(field->choices[i], text) == 0) {
			*choice = i;
			return OK;
		}
		listed = arena_format(filler->arena, "%s%s%s", listed, i == 0 ? "" : ", ", field->choices[i]);
		TRY_ALLOC(listed);
	}
	return fail(STATUS_INVALID, "yaml.choice: %s:%zu:%zu: expected one of %s, found %s", filler->name, node->line,
		    node->column, listed, found(filler, node));
}

static enum status
check_sequence(const struct filler *filler, const struct yaml_node *node, const struct yaml_field *field) {
	if (node->kind != YAML_NODE_SEQUENCE)
		return wrong_type(filler, node, "a sequence");
	bool bounded = field->min != 0 || field->max != 0;
	if (bounded && ((int64_t)node->count < field->min || (int64_t)node->count > field->max))
		return fail(STATUS_INVALID, "yaml.range: %s:%zu:%zu: expected %lld to %lld items, found %zu",
			    filler->name, node->line, node->column, (long long)field->min, (long long)field->max,
			    node->count);
	return OK;
}

static enum status
read_texts(const struct filler *filler, const struct yaml_node *node, const struct yaml_field *field,
	   struct yaml_texts *texts) {
	TRY(check_sequence(filler, node, field));
	const char **items = ARENA_NEW_ARRAY(filler->arena, node->count, const char *);
	TRY_ALLOC(items);
	size_t count = 0;
	for (const struct yaml_node *item = node->first; item != nullptr; item = item->next)
		TRY(read_text(filler, item, &items[count++]));
	*texts = (struct yaml_texts){items, count};
	return OK;
}

static enum status
read_objects(const struct filler *filler, const struct yaml_node *node, const struct yaml_field *field,
	     struct yaml_objects *objects) {
	TRY(check_sequence(filler, node, field));
	const struct yaml_schema *schema = field->schema;
	uint8_t *items = arena_alloc_array(filler->arena, node->count, schema->size);
	TRY_ALLOC(items);
	uint8_t *structure = items;
	for (const struct yaml_node *item = node->first; item != nullptr; item = item->next) {
		if (schema->defaults != nullptr)
			memcpy(structure, schema->defaults, schema->size);
		TRY(fill_object(filler, item, schema, structure));
		structure += schema->size;
	}
	*objects = (struct yaml_objects){items, node->count};
	return OK;
}

static enum status
fill_field(const struct filler *filler, const struct yaml_node *node, const struct yaml_field *field, void *to) {
	int64_t number;
	switch (field->type) {
	case YAML_TEXT:
		return read_text(filler, node, to);
	case YAML_BOOLEAN:
		return read_boolean(filler, node, to);
	case YAML_INT64:
		TRY(read_integer(filler, node, &number));
		TRY(check_range(filler, node, field, INT64_MIN, INT64_MAX, number));
		*(int64_t *)to = number;
		return OK;
	case YAML_UINT32:
		TRY(read_integer(filler, node, &number));
		TRY(check_range(filler, node, field, 0, UINT32_MAX, number));
		*(uint32_t *)to = (uint32_t)number;
		return OK;
	case YAML_UINT16:
		TRY(read_integer(filler, node, &number));
		TRY(check_range(filler, node, field, 0, UINT16_MAX, number));
		*(uint16_t *)to = (uint16_t)number;
		return OK;
	case YAML_DURATION:
		TRY(read_duration(filler, node, &number));
		TRY(check_range(filler, node, field, 0, INT64_MAX, number));
		*(int64_t *)to = number;
		return OK;
	case YAML_CHOICE:
		return read_choice(filler, node, field, to);
	case YAML_TEXTS:
		return read_texts(filler, node, field, to);
	case YAML_OBJECT:
		return fill_object(filler, node, field->schema, to);
	case YAML_OBJECTS:
		return read_objects(filler, node, field, to);
	case YAML_ANY:
		*(const struct yaml_node **)to = node;
		return OK;
	}
	return fail(STATUS_INTERNAL, "yaml.schema: \"%s\" has no type", field->key);
}

static enum status
unknown_key(const struct filler *filler, const struct yaml_node *value, const struct yaml_schema *schema) {
	const char *known = "";
	for (size_t i = 0; i < schema->count; i++) {
		known = arena_format(filler->arena, "%s%s%s", known, i == 0 ? "" : ", ", schema->fields[i].key);
		TRY_ALLOC(known);
	}
	return fail(STATUS_INVALID, "yaml.unknown_key: %s:%zu:%zu: \"%.*s\"; known here: %s", filler->name, value->line,
		    value->column, (int)(value->key.len > 80 ? 80 : value->key.len), (const char *)value->key.data,
		    known);
}

static enum status
fill_object(const struct filler *filler, const struct yaml_node *node, const struct yaml_schema *schema,
	    void *structure) {
	if (node->kind != YAML_NODE_MAPPING)
		return wrong_type(filler, node, "a mapping");
	for (const struct yaml_node *value = node->first; value != nullptr; value = value->next) {
		size_t i = 0;
		while (i < schema->count && !bytes_equal_text(value->key, schema->fields[i].key))
			i++;
		if (i == schema->count)
			return unknown_key(filler, value, schema);
		TRY(fill_field(filler, value, &schema->fields[i], (uint8_t *)structure + schema->fields[i].offset));
	}
	for (size_t i = 0; i < schema->count; i++)
		if (schema->fields[i].required && yaml_get(node, schema->fields[i].key) == nullptr)
			return fail(STATUS_INVALID, "yaml.missing_key: %s:%zu:%zu: \"%s\" is required here",
				    filler->name, node->line, node->column, schema->fields[i].key);
	return OK;
}

enum status
yaml_fill(struct arena *arena, const char *name, const struct yaml_node *node, const struct yaml_schema *schema,
	  void *structure) {
	struct filler filler = {arena, name};
	return fill_object(&filler, node, schema, structure);
}
