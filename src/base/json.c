#include "base/json.h"

#include <stdlib.h>
#include <yyjson.h>

struct check {
	struct arena *arena;
	struct json_limits limits;
};

/* yyjson asks for one block and grows it; the arena gives the last block more room only by copying, which is fine: the
 * reader estimates its need from the length of the text. */
static void *
arena_malloc(void *context, size_t size) {
	return arena_alloc(context, size);
}

static void *
arena_realloc(void *context, void *old, size_t old_size, size_t size) {
	void *memory = arena_alloc(context, size);
	if (memory != nullptr && old != nullptr)
		memcpy(memory, old, old_size < size ? old_size : size);
	return memory;
}

static void
arena_no_free(void *, void *) {}

static enum status
check_integer(const struct check *check, const json *value) {
	switch (yyjson_get_subtype((yyjson_val *)(uintptr_t)value)) {
	case YYJSON_SUBTYPE_UINT:
		if (unsafe_yyjson_get_uint((void *)(uintptr_t)value) > INT64_MAX)
			break;
		[[fallthrough]];
	case YYJSON_SUBTYPE_SINT: {
		int64_t number = unsafe_yyjson_get_sint((void *)(uintptr_t)value);
		if (check->limits.integers == JSON_SAFE_INTEGERS &&
		    (number > JSON_INTEGER_MAX || number < -JSON_INTEGER_MAX))
			return fail(STATUS_INVALID, "json.integer: %lld is outside ±(2^53-1)", (long long)number);
		return OK;
	}
	default:
		if (!check->limits.floats_as_null)
			return fail(STATUS_INVALID, "json.float: a number that is not an integer");
		unsafe_yyjson_set_null((yyjson_val *)(uintptr_t)value);
		return OK;
	}
	return fail(STATUS_INVALID, "json.integer: a number beyond 64 bits");
}

static int
compare_keys(const void *a, const void *b) {
	return bytes_compare(json_string(*(const json *const *)a), json_string(*(const json *const *)b));
}

constexpr size_t PAIRWISE_MAX = 16;

static enum status
duplicate_key(struct bytes key) {
	return fail(STATUS_INVALID, "json.duplicate_key: \"%.*s\" stands twice in one object",
		    (int)(key.len > 80 ? 80 : key.len), (const char *)key.data);
}

static enum status
check_keys(const struct check *check, const json *object) {
	size_t count = json_size(object);
	const json *few[PAIRWISE_MAX];
	const json **keys = few;
	if (count > PAIRWISE_MAX) {
		keys = ARENA_NEW_ARRAY(check->arena, count, const json *);
		TRY_ALLOC(keys);
	}
	yyjson_obj_iter iterator = yyjson_obj_iter_with((yyjson_val *)(uintptr_t)object);
	for (size_t i = 0; i < count; i++)
		keys[i] = yyjson_obj_iter_next(&iterator);
	if (count > PAIRWISE_MAX) {
		qsort(keys, count, sizeof *keys, compare_keys);
		for (size_t i = 1; i < count; i++)
			if (compare_keys(&keys[i - 1], &keys[i]) == 0)
				return duplicate_key(json_string(keys[i]));
		return OK;
	}
	for (size_t i = 1; i < count; i++)
		for (size_t j = 0; j < i; j++)
			if (bytes_equal(json_string(keys[i]), json_string(keys[j])))
				return duplicate_key(json_string(keys[i]));
	return OK;
}

static enum status
check_value(const struct check *check, const json *value, size_t depth) {
	switch (yyjson_get_type((yyjson_val *)(uintptr_t)value)) {
	case YYJSON_TYPE_RAW:
		return fail(STATUS_INVALID, "json.integer: a number beyond 64 bits");
	case YYJSON_TYPE_NUM:
		return check_integer(check, value);
	case YYJSON_TYPE_OBJ:
		TRY(check_keys(check, value));
		[[fallthrough]];
	case YYJSON_TYPE_ARR: {
		if (depth >= check->limits.depth)
			return fail(STATUS_INVALID, "json.depth: nested deeper than %zu levels", check->limits.depth);
		struct json_iterator iterator = json_iterate(value);
		for (const json *member; (member = json_next(&iterator, nullptr)) != nullptr;)
			TRY(check_value(check, member, depth + 1));
		return OK;
	}
	default:
		return OK;
	}
}

/* The parser itself has no limits, so what opens levels and what separates values is counted before it runs. */
static enum status
check_limits(struct bytes text, const struct json_limits *limits) {
	size_t depth = 0, values = 1;
	bool in_string = false;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];
		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
			continue;
		}
		bool opens = c == '[' || c == '{';
		in_string = c == '"';
		values += opens || c == ',' || c == ':';
		if (opens && ++depth > limits->depth)
			return fail(STATUS_INVALID, "json.depth: nested deeper than %zu levels at offset %zu",
				    limits->depth, i);
		if (limits->values > 0 && values > limits->values)
			return fail(STATUS_INVALID, "json.values: more than %zu values and names at offset %zu",
				    limits->values, i);
		depth -= (c == ']' || c == '}') && depth > 0;
	}
	return OK;
}

enum status
json_read(struct arena *arena, struct bytes text, struct json_limits limits, const json **root) {
	if (limits.depth == 0)
		limits.depth = JSON_DEPTH_MAX;
	TRY(check_limits(text, &limits));
	struct yyjson_alc allocator = {arena_malloc, arena_realloc, arena_no_free, arena};
	yyjson_read_err error = {};
	yyjson_doc *document =
		yyjson_read_opts((char *)(uintptr_t)text.data, text.len, YYJSON_READ_BIGNUM_AS_RAW, &allocator, &error);
	if (document == nullptr) {
		if (error.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
			return fail(STATUS_NO_MEMORY, "memory: out of memory reading %zu bytes of JSON", text.len);
		return fail(STATUS_INVALID, "json.syntax: %s at offset %zu", error.msg, error.pos);
	}
	struct check check = {arena, limits};
	TRY(check_value(&check, yyjson_doc_get_root(document), 0));
	*root = yyjson_doc_get_root(document);
	return OK;
}

enum json_type
json_type_of(const json *value) {
	switch (unsafe_yyjson_get_type((void *)(uintptr_t)value)) {
	case YYJSON_TYPE_BOOL:
		return JSON_BOOLEAN;
	case YYJSON_TYPE_NUM:
		return JSON_INTEGER;
	case YYJSON_TYPE_STR:
		return JSON_STRING;
	case YYJSON_TYPE_ARR:
		return JSON_ARRAY;
	case YYJSON_TYPE_OBJ:
		return JSON_OBJECT;
	default:
		return JSON_NULL;
	}
}

const char *
json_type_name(enum json_type type) {
	static const char *const names[] = {"null", "boolean", "integer", "string", "array", "object"};
	return names[type];
}

bool
json_boolean(const json *value) {
	return unsafe_yyjson_get_bool((void *)(uintptr_t)value);
}

int64_t
json_integer(const json *value) {
	return unsafe_yyjson_get_sint((void *)(uintptr_t)value);
}

struct bytes
json_string(const json *value) {
	return bytes_of(unsafe_yyjson_get_str((void *)(uintptr_t)value),
			unsafe_yyjson_get_len((void *)(uintptr_t)value));
}

size_t
json_size(const json *value) {
	return unsafe_yyjson_get_len((void *)(uintptr_t)value);
}

const json *
json_get_bytes(const json *object, struct bytes key) {
	if (object == nullptr)
		return nullptr;
	return yyjson_obj_getn((yyjson_val *)(uintptr_t)object, (const char *)key.data, key.len);
}

const json *
json_get(const json *object, const char *key) {
	return json_get_bytes(object, bytes_of_text(key));
}

struct json_iterator
json_iterate(const json *container) {
	struct json_iterator iterator = {.container = container};
	enum json_type type = json_type_of(container);
	if (type == JSON_ARRAY || type == JSON_OBJECT) {
		iterator.left = json_size(container);
		iterator.next = unsafe_yyjson_get_first((void *)(uintptr_t)container);
	}
	return iterator;
}

const json *
json_next(struct json_iterator *iterator, struct bytes *key) {
	if (iterator->left == 0)
		return nullptr;
	iterator->left--;
	const json *member = iterator->next;
	if (json_type_of(iterator->container) == JSON_OBJECT) {
		if (key != nullptr)
			*key = json_string(member);
		member = unsafe_yyjson_get_next((void *)(uintptr_t)member);
	}
	iterator->next = unsafe_yyjson_get_next((void *)(uintptr_t)member);
	return member;
}

enum status
json_need(const json *object, const char *where, const char *key, enum json_type type, const json **value) {
	if (json_type_of(object) != JSON_OBJECT)
		return fail(STATUS_INVALID, "%s: expected object, found %s", where,
			    json_type_name(json_type_of(object)));
	*value = json_get(object, key);
	if (*value == nullptr)
		return fail(STATUS_INVALID, "%s.%s: missing, expected %s", where, key, json_type_name(type));
	if (json_type_of(*value) != type)
		return fail(STATUS_INVALID, "%s.%s: expected %s, found %s", where, key, json_type_name(type),
			    json_type_name(json_type_of(*value)));
	return OK;
}

enum status
json_need_string(const json *object, const char *where, const char *key, struct bytes *text) {
	const json *value;
	TRY(json_need(object, where, key, JSON_STRING, &value));
	*text = json_string(value);
	return OK;
}

enum status
json_need_integer(const json *object, const char *where, const char *key, int64_t *number) {
	const json *value;
	TRY(json_need(object, where, key, JSON_INTEGER, &value));
	*number = json_integer(value);
	return OK;
}

enum status
json_need_boolean(const json *object, const char *where, const char *key, bool *flag) {
	const json *value;
	TRY(json_need(object, where, key, JSON_BOOLEAN, &value));
	*flag = json_boolean(value);
	return OK;
}

enum status
json_only(const json *object, const char *where, const char *const *names) {
	if (json_type_of(object) != JSON_OBJECT)
		return fail(STATUS_INVALID, "%s: expected object, found %s", where,
			    json_type_name(json_type_of(object)));
	struct json_iterator iterator = json_iterate(object);
	struct bytes key = {};
	while (json_next(&iterator, &key) != nullptr) {
		size_t i = 0;
		while (names[i] != nullptr && !bytes_equal_text(key, names[i]))
			i++;
		if (names[i] == nullptr)
			return fail(STATUS_INVALID, "%s.%.*s: unknown member", where,
				    (int)(key.len > 80 ? 80 : key.len), (const char *)key.data);
	}
	return OK;
}
