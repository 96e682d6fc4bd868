#include "keeper/notified.h"

#include "base/json.h"

static const char TYPE[] = "gatehouse/notified/v1";

enum status
notified_write(const struct notified_mark *marks, size_t count, struct buffer *to) {
	struct json_writer w;
	json_writer_start(&w, to);
	json_write_object(&w);
	json_write_key(&w, "receivers");
	json_write_array(&w);
	for (size_t i = 0; i < count; i++) {
		json_write_object(&w);
		json_write_member_integer(&w, "entry", (int64_t)marks[i].entry);
		json_write_member_integer(&w, "expiring", marks[i].expiring_ms);
		json_write_member_string(&w, "name", marks[i].name);
		json_write_end(&w);
	}
	json_write_end(&w);
	json_write_member_text(&w, "type", TYPE);
	json_write_end(&w);
	return json_writer_finish(&w);
}

static enum status
read_mark(const json *object, struct notified_mark *mark) {
	static const char *const members[] = {"entry", "expiring", "name", nullptr};
	int64_t entry;
	if (json_type_of(object) != JSON_OBJECT)
		return fail(STATUS_CORRUPT, "notified.form: not an object");
	TRY(json_only(object, "notified", members));
	TRY(json_need_integer(object, "notified", "entry", &entry));
	TRY(json_need_integer(object, "notified", "expiring", &mark->expiring_ms));
	TRY(json_need_string(object, "notified", "name", &mark->name));
	mark->entry = (uint64_t)entry;
	return entry >= 0 && mark->expiring_ms >= 0 ? OK : fail(STATUS_CORRUPT, "notified.number: below zero");
}

enum status
notified_read(struct arena *arena, struct bytes text, struct notified_mark marks[static NOTIFIED_MARKS_MAX],
	      size_t *count) {
	static const char *const members[] = {"receivers", "type", nullptr};
	const json *document, *array;
	struct bytes type;
	*count = 0;
	TRY(json_read(arena, text, (struct json_limits){}, &document));
	if (json_type_of(document) != JSON_OBJECT)
		return fail(STATUS_CORRUPT, "notified.form: not an object");
	TRY(json_only(document, "notified", members));
	TRY(json_need_string(document, "notified", "type", &type));
	if (!bytes_equal_text(type, TYPE))
		return fail(STATUS_UNSUPPORTED, "notified.type: \"%.*s\"", (int)(type.len > 40 ? 40 : type.len),
			    (const char *)type.data);
	TRY(json_need(document, "notified", "receivers", JSON_ARRAY, &array));
	if (json_size(array) > NOTIFIED_MARKS_MAX)
		return fail(STATUS_CORRUPT, "notified.receivers: %zu, and at most %zu are read", json_size(array),
			    NOTIFIED_MARKS_MAX);
	struct json_iterator iterator = json_iterate(array);
	for (const json *mark; (mark = json_next(&iterator, nullptr)) != nullptr; (*count)++)
		TRY(read_mark(mark, &marks[*count]));
	return OK;
}
