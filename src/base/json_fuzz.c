/*
 * Reader: base/json.c, base/json_select.c
 * Properties: what is read and has a canonical form gives, read again from that form, the same form; a member that is listed is
 * found again by its name and by its type; of a canonical object the members selected are the members; every refusal has a name.
 */
#include <stdlib.h>

#include "base/json.h"

static enum status
write_canonically(const json *value, struct buffer *to) {
	struct json_writer writer;
	json_writer_start(&writer, to);
	json_write_value(&writer, value);
	return json_writer_finish(&writer);
}

static void
check_round_trip(struct arena *arena, const json *root) {
	_cleanup_(buffer_free) struct buffer first = {}, second = {};
	if (write_canonically(root, &first) != OK)
		return; /* a key beyond ASCII */
	const json *again;
	if (json_read(arena, buffer_bytes(&first), (struct json_limits){}, &again) != OK ||
	    write_canonically(again, &second) != OK || !bytes_equal(buffer_bytes(&first), buffer_bytes(&second)) ||
	    json_check_canonical(arena, buffer_bytes(&first)) != OK)
		abort();
}

/* Of an object, canonically: each member alone, and all at once. */
static void
check_selection(struct arena *arena, const json *object) {
	_cleanup_(buffer_free) struct buffer whole = {};
	const char *keys[8];
	size_t count = 0;
	struct json_iterator iterator = json_iterate(object);
	struct bytes key;
	if (json_size(object) >= ARRAY_LENGTH(keys) || write_canonically(object, &whole) != OK)
		return;
	while (json_next(&iterator, &key) != nullptr) {
		_cleanup_(buffer_free) struct buffer selected = {}, member = {};
		struct bytes text;
		const char *name = arena_text(arena, key);
		if (strlen(name) != key.len || strpbrk(name, "\\\"") != nullptr)
			return; /* has an escape */
		const char *const only[] = {name, nullptr};
		const json *read;
		if (json_select(buffer_bytes(&whole), only, &selected) != OK ||
		    json_read(arena, buffer_bytes(&selected), (struct json_limits){}, &read) != OK ||
		    json_size(read) != 1 || write_canonically(json_get_bytes(read, key), &member) != OK ||
		    memmem(whole.data, whole.len, member.data, member.len) == nullptr ||
		    json_member_text(buffer_bytes(&whole), name, &text) != OK ||
		    !bytes_equal(text, buffer_bytes(&member)))
			abort();
		keys[count++] = name;
	}
	keys[count] = nullptr;
	_cleanup_(buffer_free) struct buffer all = {};
	struct bytes rare;
	if (json_select(buffer_bytes(&whole), keys, &all) != OK ||
	    !bytes_equal(buffer_bytes(&all), buffer_bytes(&whole)) ||
	    (json_member_text(buffer_bytes(&whole), "rare", &rare) == OK) != (json_get(object, "rare") != nullptr))
		abort();
}

/* Of each member that is an object, its own first member, by what a parser says it is. */
static void
check_selection_within(const json *object) {
	_cleanup_(buffer_free) struct buffer whole = {};
	struct json_iterator iterator = json_iterate(object);
	struct bytes key, inner;
	if (write_canonically(object, &whole) != OK)
		return;
	for (const json *member; (member = json_next(&iterator, &key)) != nullptr;) {
		struct json_iterator members = json_iterate(member);
		_cleanup_(buffer_free) struct buffer selected = {}, expected = {};
		struct json_writer w;
		const json *first = json_type_of(member) == JSON_OBJECT ? json_next(&members, &inner) : nullptr;
		if (first == nullptr || strlen((const char *)key.data) != key.len ||
		    strlen((const char *)inner.data) != inner.len ||
		    strpbrk((const char *)key.data, "\\\"") != nullptr ||
		    strpbrk((const char *)inner.data, "\\\"") != nullptr)
			continue;
		const struct json_wanted of_member[] = {{(const char *)inner.data}, {}};
		json_writer_start(&w, &expected);
		json_write_object(&w);
		json_write_key_bytes(&w, key);
		json_write_object(&w);
		json_write_key_bytes(&w, inner);
		json_write_value(&w, first);
		json_write_end(&w);
		json_write_end(&w);
		if (json_select_within(buffer_bytes(&whole),
				       (const struct json_wanted[]){{(const char *)key.data, of_member}, {}},
				       &selected) != OK ||
		    json_writer_finish(&w) != OK || !bytes_equal(buffer_bytes(&selected), buffer_bytes(&expected)))
			abort();
	}
}

/* Each of these must agree with the type that the member has. */
static void
check_needs(const json *object, const char *key, const json *value) {
	struct bytes text;
	int64_t number;
	bool flag;
	enum json_type type = json_type_of(value);
	if ((json_need_string(object, "fuzz", key, &text) == OK) != (type == JSON_STRING) ||
	    (json_need_integer(object, "fuzz", key, &number) == OK) != (type == JSON_INTEGER) ||
	    (json_need_boolean(object, "fuzz", key, &flag) == OK) != (type == JSON_BOOLEAN))
		abort();
	const char *const only[] = {key, nullptr}, *const none[] = {nullptr};
	if ((json_only(object, "fuzz", only) == OK) != (json_size(object) == 1) ||
	    json_only(object, "fuzz", none) == OK)
		abort();
}

static void
check_members(const json *object) {
	struct json_iterator iterator = json_iterate(object);
	bool is_object = json_type_of(object) == JSON_OBJECT;
	struct bytes key;
	for (const json *value; (value = json_next(&iterator, &key)) != nullptr;) {
		if (is_object && json_get_bytes(object, key) != value)
			abort();
		if (is_object && strlen((const char *)key.data) == key.len)
			check_needs(object, (const char *)key.data, value);
	}
	bool flag;
	if (json_need_boolean(object, "fuzz", "a member that no input has", &flag) == OK)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(arena_free) struct arena arena = {};
	struct bytes text = bytes_of(data, size);
	const json *root, *wide;
	enum status narrow = json_read(&arena, text, (struct json_limits){}, &root);
	if (narrow == OK) {
		check_round_trip(&arena, root);
		check_members(root);
		if (json_type_of(root) == JSON_OBJECT)
			check_selection(&arena, root);
		if (json_type_of(root) == JSON_OBJECT)
			check_selection_within(root);
	} else if (strncmp(fail_message(), "json.", 5) != 0)
		abort();
	_cleanup_(buffer_free) struct buffer selected = {};
	if (json_select(text, (const char *const[]){"a", "operation", nullptr}, &selected) != OK &&
	    strncmp(fail_message(), "json.select", 11) != 0)
		abort();
	/* What fits the narrower integers fits the wider. */
	if (json_read(&arena, text, (struct json_limits){.integers = JSON_INT64_INTEGERS}, &wide) != OK && narrow == OK)
		abort();
	return 0;
}
