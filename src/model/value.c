#include "model/value.h"

#include <stdlib.h>

const char *
value_type_name(enum value_type type) {
	static const char *const names[] = {
		[VALUE_BOOLEAN] = "bool",      [VALUE_LONG] = "long",     [VALUE_STRING] = "string",
		[VALUE_ENTITY] = "entity",     [VALUE_SET] = "set",       [VALUE_RECORD] = "record",
		[VALUE_DECIMAL] = "decimal",   [VALUE_IPADDR] = "ipaddr", [VALUE_DATETIME] = "datetime",
		[VALUE_DURATION] = "duration",
	};
	return (size_t)type < ARRAY_LENGTH(names) ? names[type] : "unknown";
}

static bool
records_equal(const struct value *a, const struct value *b) {
	if (a->record.count != b->record.count)
		return false;
	for (size_t i = 0; i < a->record.count; i++)
		if (!bytes_equal(a->record.fields[i].name, b->record.fields[i].name) ||
		    !value_equal(&a->record.fields[i].value, &b->record.fields[i].value))
			return false;
	return true;
}

static bool
set_is_within(const struct value *inner, const struct value *outer) {
	for (size_t i = 0; i < inner->set.count; i++)
		if (!value_set_contains(outer, &inner->set.items[i]))
			return false;
	return true;
}

static bool
sets_equal(const struct value *a, const struct value *b) {
	if (!a->set.is_sorted || !b->set.is_sorted)
		return set_is_within(a, b) && set_is_within(b, a);
	if (a->set.count != b->set.count)
		return false;
	for (size_t i = 0; i < a->set.count; i++)
		if (!value_equal(&a->set.items[i], &b->set.items[i]))
			return false;
	return true;
}

bool
value_equal(const struct value *a, const struct value *b) {
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case VALUE_BOOLEAN:
		return a->boolean == b->boolean;
	case VALUE_LONG:
	case VALUE_DECIMAL:
	case VALUE_DATETIME:
	case VALUE_DURATION:
		return a->integer == b->integer;
	case VALUE_STRING:
		return bytes_equal(a->string, b->string);
	case VALUE_ENTITY:
		return bytes_equal(a->entity.id, b->entity.id) && bytes_equal(a->entity.type, b->entity.type);
	case VALUE_SET:
		return sets_equal(a, b);
	case VALUE_RECORD:
		return records_equal(a, b);
	case VALUE_IPADDR:
		return a->ip.is_v6 == b->ip.is_v6 && a->ip.prefix == b->ip.prefix &&
		       memcmp(a->ip.address, b->ip.address, a->ip.is_v6 ? 16 : 4) == 0;
	}
	return false;
}

/* The least item above *previous (the least of all if that is null), or null: how an unsorted set is walked in order
 * without memory of its own. */
static const struct value *
least_item_above(const struct value *set, const struct value *previous) {
	const struct value *least = nullptr;
	for (size_t i = 0; i < set->set.count; i++) {
		const struct value *item = &set->set.items[i];
		if ((previous == nullptr || value_compare(item, previous) > 0) &&
		    (least == nullptr || value_compare(item, least) < 0))
			least = item;
	}
	return least;
}

/* The items of a set in ascending order, each once. */
struct set_walk {
	const struct value *set;
	const struct value *previous;
	size_t at;
};

static const struct value *
walk_set(struct set_walk *walk) {
	if (walk->set->set.is_sorted)
		return walk->at < walk->set->set.count ? &walk->set->set.items[walk->at++] : nullptr;
	const struct value *item = least_item_above(walk->set, walk->previous);
	if (item != nullptr)
		walk->previous = item;
	return item;
}

static int
compare_sets(const struct value *a, const struct value *b) {
	struct set_walk walk_a = {.set = a}, walk_b = {.set = b};
	for (;;) {
		const struct value *item_a = walk_set(&walk_a), *item_b = walk_set(&walk_b);
		if (item_a == nullptr || item_b == nullptr)
			return (item_a != nullptr) - (item_b != nullptr);
		int order = value_compare(item_a, item_b);
		if (order != 0)
			return order;
	}
}

static int
compare_records(const struct value *a, const struct value *b) {
	for (size_t i = 0; i < a->record.count && i < b->record.count; i++) {
		int order = bytes_compare(a->record.fields[i].name, b->record.fields[i].name);
		if (order == 0)
			order = value_compare(&a->record.fields[i].value, &b->record.fields[i].value);
		if (order != 0)
			return order;
	}
	return (a->record.count > b->record.count) - (a->record.count < b->record.count);
}

static int
compare_addresses(const struct value *a, const struct value *b) {
	if (a->ip.is_v6 != b->ip.is_v6)
		return a->ip.is_v6 - b->ip.is_v6;
	int order = memcmp(a->ip.address, b->ip.address, a->ip.is_v6 ? 16 : 4);
	return order != 0 ? order : a->ip.prefix - b->ip.prefix;
}

int
value_compare(const struct value *a, const struct value *b) {
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	switch (a->type) {
	case VALUE_BOOLEAN:
		return a->boolean - b->boolean;
	case VALUE_LONG:
	case VALUE_DECIMAL:
	case VALUE_DATETIME:
	case VALUE_DURATION:
		return (a->integer > b->integer) - (a->integer < b->integer);
	case VALUE_STRING:
		return bytes_compare(a->string, b->string);
	case VALUE_ENTITY: {
		int order = bytes_compare(a->entity.type, b->entity.type);
		return order != 0 ? order : bytes_compare(a->entity.id, b->entity.id);
	}
	case VALUE_SET:
		return compare_sets(a, b);
	case VALUE_RECORD:
		return compare_records(a, b);
	case VALUE_IPADDR:
		return compare_addresses(a, b);
	}
	return 0;
}

constexpr size_t BISECTION_MIN = 8;

bool
value_set_contains(const struct value *set, const struct value *value) {
	if (!set->set.is_sorted || set->set.count < BISECTION_MIN) {
		for (size_t i = 0; i < set->set.count; i++)
			if (value_equal(&set->set.items[i], value))
				return true;
		return false;
	}
	size_t low = 0, high = set->set.count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = value_compare(&set->set.items[middle], value);
		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static int
compare_items(const void *a, const void *b) {
	return value_compare(a, b);
}

struct value
value_set(struct value *items, size_t count) {
	size_t kept = 0;
	if (count > 1)
		qsort(items, count, sizeof *items, compare_items);
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || value_compare(&items[kept - 1], &items[i]) != 0)
			items[kept++] = items[i];
	return (struct value){.type = VALUE_SET, .set = {items, kept, true}};
}

const struct value *
value_record_get(const struct value *record, struct bytes name) {
	for (size_t i = 0; i < record->record.count; i++)
		if (bytes_equal(record->record.fields[i].name, name))
			return &record->record.fields[i].value;
	return nullptr;
}

static bool
is_reserved(struct bytes word) {
	static const char *const reserved[] = {"true", "false", "if",  "then", "else",
					       "in",   "like",  "has", "is",   "__cedar"};
	for (size_t i = 0; i < ARRAY_LENGTH(reserved); i++)
		if (bytes_equal_text(word, reserved[i]))
			return true;
	return false;
}

static size_t
identifier_length(struct bytes text, size_t at) {
	size_t end = at;
	for (; end < text.len; end++) {
		uint8_t c = text.data[end], lower = c | 0x20;
		bool is_letter = c == '_' || (lower >= 'a' && lower <= 'z');
		if (!is_letter && (end == at || c < '0' || c > '9'))
			break;
	}
	return end - at;
}

bool
value_is_type_name(struct bytes name) {
	for (size_t at = 0;;) {
		size_t length = identifier_length(name, at);
		if (length == 0 || is_reserved(bytes_of(name.data + at, length)))
			return false;
		at += length;
		if (at == name.len)
			return true;
		if (name.len - at < 2 || name.data[at] != ':' || name.data[at + 1] != ':')
			return false;
		at += 2;
	}
}

static void
write_uid(struct json_writer *writer, struct entity_uid uid) {
	json_write_object(writer);
	json_write_key(writer, "__entity");
	json_write_object(writer);
	json_write_member_string(writer, "id", uid.id);
	json_write_member_string(writer, "type", uid.type);
	json_write_end(writer);
	json_write_end(writer);
}

static void
write_call(struct json_writer *writer, const char *function, const char *argument) {
	json_write_object(writer);
	json_write_key(writer, "__extn");
	json_write_object(writer);
	json_write_member_text(writer, "arg", argument);
	json_write_member_text(writer, "fn", function);
	json_write_end(writer);
	json_write_end(writer);
}

static void
write_far_datetime(struct json_writer *writer, const struct value *value) {
	char text[VALUE_TEXT_SIZE];
	struct value duration = {.type = VALUE_DURATION, .integer = value->integer};
	value_format_extension(&duration, text);
	json_write_object(writer);
	json_write_key(writer, "__extn");
	json_write_object(writer);
	json_write_key(writer, "args");
	json_write_array(writer);
	write_call(writer, "datetime", "1970-01-01");
	write_call(writer, "duration", text);
	json_write_end(writer);
	json_write_member_text(writer, "fn", "offset");
	json_write_end(writer);
	json_write_end(writer);
}

static void
write_extension(struct json_writer *writer, const struct value *value) {
	char text[VALUE_TEXT_SIZE];
	if (!value_format_extension(value, text))
		write_far_datetime(writer, value);
	else
		write_call(writer, value->type == VALUE_IPADDR ? "ip" : value_type_name(value->type), text);
}

static void
write_record(struct json_writer *writer, const struct value *value) {
	json_write_object(writer);
	for (size_t i = 0; i < value->record.count; i++) {
		struct bytes name = value->record.fields[i].name;
		char key[64];
		bool is_escape = bytes_equal_text(name, "__entity") || bytes_equal_text(name, "__extn") ||
				 bytes_equal_text(name, "__expr");
		if (is_escape || name.len >= sizeof key ||
		    (name.len > 0 && memchr(name.data, 0, name.len) != nullptr)) {
			writer->failed = true;
			return;
		}
		memcpy(key, name.data, name.len);
		key[name.len] = '\0';
		json_write_key(writer, key);
		value_write(writer, &value->record.fields[i].value);
	}
	json_write_end(writer);
}

void
value_write(struct json_writer *writer, const struct value *value) {
	if (writer->failed) /* too deep, say: what is below would be lost anyway */
		return;
	switch (value->type) {
	case VALUE_BOOLEAN:
		json_write_boolean(writer, value->boolean);
		break;
	case VALUE_LONG:
		json_write_integer(writer, value->integer);
		break;
	case VALUE_STRING:
		json_write_string(writer, value->string);
		break;
	case VALUE_ENTITY:
		write_uid(writer, value->entity);
		break;
	case VALUE_SET: {
		struct set_walk walk = {.set = value};
		json_write_array(writer);
		for (const struct value *item; (item = walk_set(&walk)) != nullptr;)
			value_write(writer, item);
		json_write_end(writer);
		break;
	}
	case VALUE_RECORD:
		write_record(writer, value);
		break;
	case VALUE_DECIMAL:
	case VALUE_IPADDR:
	case VALUE_DATETIME:
	case VALUE_DURATION:
		write_extension(writer, value);
		break;
	}
}

enum status
value_read_uid(const json *encoded, struct entity_uid *uid) {
	const json *escaped = json_type_of(encoded) == JSON_OBJECT ? json_get(encoded, "__entity") : nullptr;
	if (escaped != nullptr) {
		TRY(json_only(encoded, "value.entity", (const char *const[]){"__entity", nullptr}));
		encoded = escaped;
	}
	TRY(json_need_string(encoded, "value.entity", "type", &uid->type));
	TRY(json_need_string(encoded, "value.entity", "id", &uid->id));
	TRY(json_only(encoded, "value.entity", (const char *const[]){"id", "type", nullptr}));
	if (!value_is_type_name(uid->type))
		return fail(STATUS_INVALID,
			    "value.entity_type: \"%.*s\" is not a type name: expected identifiers joined by ::",
			    (int)(uid->type.len > 80 ? 80 : uid->type.len), (const char *)uid->type.data);
	return OK;
}

struct reader {
	struct arena *arena;
	bool implicit_entities;
};

static enum status read_value(const struct reader *reader, const json *encoded, struct value *value);

static enum status
read_offset(const struct reader *reader, const json *arguments, struct value *value) {
	struct value start, distance;
	struct json_iterator iterator = json_iterate(arguments);
	if (json_size(arguments) != 2)
		return fail(STATUS_INVALID, "value.extension_arguments: offset takes 2 arguments, found %zu",
			    json_size(arguments));
	TRY(read_value(reader, json_next(&iterator, nullptr), &start));
	TRY(read_value(reader, json_next(&iterator, nullptr), &distance));
	if (start.type != VALUE_DATETIME || distance.type != VALUE_DURATION)
		return fail(STATUS_INVALID,
			    "value.extension_arguments: offset takes a datetime and a duration, found %s and %s",
			    value_type_name(start.type), value_type_name(distance.type));
	*value = start;
	if (__builtin_add_overflow(start.integer, distance.integer, &value->integer))
		return fail(STATUS_INVALID, "value.datetime_overflow: the offset leads beyond 64 bits of milliseconds");
	return OK;
}

static enum status
read_extension(const struct reader *reader, const json *encoded, struct value *value) {
	static const struct {
		const char *name;
		enum status (*parse)(struct bytes, struct value *);
	} constructors[] = {
		{"decimal", value_parse_decimal},
		{"ip", value_parse_ip},
		{"datetime", value_parse_datetime},
		{"duration", value_parse_duration},
	};
	struct bytes function;
	TRY(json_need_string(encoded, "value.extension", "fn", &function));
	TRY(json_only(encoded, "value.extension", (const char *const[]){"arg", "args", "fn", nullptr}));
	const json *argument = json_get(encoded, "arg"), *arguments = json_get(encoded, "args");
	if ((argument == nullptr) == (arguments == nullptr))
		return fail(STATUS_INVALID, "value.extension_arguments: expected either arg or args");
	if (arguments != nullptr && json_type_of(arguments) != JSON_ARRAY)
		return fail(STATUS_INVALID, "value.extension_arguments: args: expected array, found %s",
			    json_type_name(json_type_of(arguments)));
	if (bytes_equal_text(function, "offset") && arguments != nullptr)
		return read_offset(reader, arguments, value);
	if (arguments != nullptr && json_size(arguments) == 1) {
		struct json_iterator iterator = json_iterate(arguments);
		argument = json_next(&iterator, nullptr);
	}
	if (argument == nullptr || json_type_of(argument) != JSON_STRING)
		return fail(STATUS_INVALID, "value.extension_arguments: %.*s takes one string",
			    (int)(function.len > 80 ? 80 : function.len), (const char *)function.data);
	for (size_t i = 0; i < ARRAY_LENGTH(constructors); i++)
		if (bytes_equal_text(function, constructors[i].name))
			return constructors[i].parse(json_string(argument), value);
	return fail(STATUS_INVALID,
		    "value.extension_function: \"%.*s\" is not decimal, ip, datetime, duration or offset",
		    (int)(function.len > 80 ? 80 : function.len), (const char *)function.data);
}

static bool
is_implicit_entity(const json *encoded) {
	const json *type = json_get(encoded, "type"), *id = json_get(encoded, "id");
	return json_size(encoded) == 2 && type != nullptr && id != nullptr && json_type_of(type) == JSON_STRING &&
	       json_type_of(id) == JSON_STRING && value_is_type_name(json_string(type));
}

static enum status
read_escape(const struct reader *reader, const json *encoded, bool *is_escape, struct value *value) {
	*is_escape = true;
	if (json_get(encoded, "__entity") != nullptr) {
		value->type = VALUE_ENTITY;
		return value_read_uid(encoded, &value->entity);
	}
	const json *call = json_get(encoded, "__extn");
	if (call != nullptr) {
		TRY(json_only(encoded, "value.extension", (const char *const[]){"__extn", nullptr}));
		return read_extension(reader, call, value);
	}
	if (json_get(encoded, "__expr") != nullptr)
		return fail(STATUS_INVALID, "value.expression: __expr escapes are no longer part of the language");
	*is_escape = reader->implicit_entities && is_implicit_entity(encoded);
	if (!*is_escape)
		return OK;
	value->type = VALUE_ENTITY;
	return value_read_uid(encoded, &value->entity);
}

static int
compare_fields(const void *a, const void *b) {
	return bytes_compare(((const struct value_field *)a)->name, ((const struct value_field *)b)->name);
}

static enum status
read_record(const struct reader *reader, const json *encoded, struct value *value) {
	bool is_escape;
	TRY(read_escape(reader, encoded, &is_escape, value));
	if (is_escape)
		return OK;
	size_t count = json_size(encoded);
	struct value_field *fields = ARENA_NEW_ARRAY(reader->arena, count, struct value_field);
	TRY_ALLOC(fields);
	struct json_iterator iterator = json_iterate(encoded);
	for (size_t i = 0; i < count; i++)
		TRY(read_value(reader, json_next(&iterator, &fields[i].name), &fields[i].value));
	if (count > 1)
		qsort(fields, count, sizeof *fields, compare_fields);
	value->type = VALUE_RECORD;
	value->record.fields = fields;
	value->record.count = count;
	return OK;
}

static enum status
read_set(const struct reader *reader, const json *encoded, struct value *value) {
	size_t count = json_size(encoded);
	struct value *items = ARENA_NEW_ARRAY(reader->arena, count, struct value);
	TRY_ALLOC(items);
	struct json_iterator iterator = json_iterate(encoded);
	for (size_t i = 0; i < count; i++)
		TRY(read_value(reader, json_next(&iterator, nullptr), &items[i]));
	*value = value_set(items, count);
	return OK;
}

static enum status
read_value(const struct reader *reader, const json *encoded, struct value *value) {
	*value = (struct value){};
	switch (json_type_of(encoded)) {
	case JSON_BOOLEAN:
		*value = value_boolean(json_boolean(encoded));
		return OK;
	case JSON_INTEGER:
		*value = value_long(json_integer(encoded));
		return OK;
	case JSON_STRING:
		*value = value_string(json_string(encoded));
		return OK;
	case JSON_ARRAY:
		return read_set(reader, encoded, value);
	case JSON_OBJECT:
		return read_record(reader, encoded, value);
	case JSON_NULL:
		break;
	}
	return fail(STATUS_INVALID, "value.null: null is not a Cedar value");
}

enum status
value_read(struct arena *arena, const json *encoded, struct value *value) {
	return read_value(&(struct reader){.arena = arena}, encoded, value);
}

enum status
value_read_implicit(struct arena *arena, const json *encoded, struct value *value) {
	return read_value(&(struct reader){.arena = arena, .implicit_entities = true}, encoded, value);
}

enum status
value_read_extension(struct arena *arena, const json *encoded, struct value *value) {
	*value = (struct value){};
	return read_extension(&(struct reader){.arena = arena}, encoded, value);
}
