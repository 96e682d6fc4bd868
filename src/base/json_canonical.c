#include "base/json.h"

#include <stdlib.h>

struct member {
	struct bytes key;
	const json *value;
};

static int
compare_members(const void *a, const void *b) {
	return bytes_compare(((const struct member *)a)->key, ((const struct member *)b)->key);
}

constexpr size_t FEW_MEMBERS = 16; /* sorted on the stack */

static void
write_sorted_object(struct json_writer *writer, const json *object) {
	size_t count = json_size(object);
	struct member few[FEW_MEMBERS];
	struct member *members = count > FEW_MEMBERS ? malloc(count * sizeof *members) : few;
	if (members == nullptr) {
		writer->failed = true;
		return;
	}
	struct json_iterator iterator = json_iterate(object);
	for (size_t i = 0; i < count; i++)
		members[i].value = json_next(&iterator, &members[i].key);
	if (count > 1)
		qsort(members, count, sizeof *members, compare_members);
	json_write_object(writer);
	for (size_t i = 0; i < count && !writer->failed; i++) {
		json_write_key_bytes(writer, members[i].key);
		json_write_value(writer, members[i].value);
	}
	json_write_end(writer);
	if (members != few)
		free(members);
}

void
json_write_value(struct json_writer *writer, const json *value) {
	switch (json_type_of(value)) {
	case JSON_NULL:
		json_write_null(writer);
		break;
	case JSON_BOOLEAN:
		json_write_boolean(writer, json_boolean(value));
		break;
	case JSON_INTEGER:
		json_write_integer(writer, json_integer(value));
		break;
	case JSON_STRING:
		json_write_string(writer, json_string(value));
		break;
	case JSON_ARRAY: {
		json_write_array(writer);
		struct json_iterator iterator = json_iterate(value);
		for (const json *member; (member = json_next(&iterator, nullptr)) != nullptr && !writer->failed;)
			json_write_value(writer, member);
		json_write_end(writer);
		break;
	}
	case JSON_OBJECT:
		write_sorted_object(writer, value);
		break;
	}
}

enum status
json_check_canonical(struct arena *arena, struct bytes text) {
	const json *root;
	TRY(json_read(arena, text, (struct json_limits){}, &root));
	_cleanup_(buffer_free) struct buffer canonical = {};
	struct json_writer writer;
	json_writer_start(&writer, &canonical);
	json_write_value(&writer, root);
	if (json_writer_finish(&writer) != OK)
		return fail(STATUS_INVALID, "json.canonical: has no canonical form (keys beyond ASCII)");
	if (!bytes_equal(buffer_bytes(&canonical), text))
		return fail(STATUS_INVALID, "json.canonical: differs from its canonical form");
	return OK;
}
