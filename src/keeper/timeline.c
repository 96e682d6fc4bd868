#include "keeper/timeline.h"

/* What is shown, in the order of canonical JSON, and where in an entry it stands. */
static const struct {
	const char *name;
	enum { AT, INDEX, TYPE, OF_BODY, OF_STATEMENT, REQUESTER } source;
} members[] = {
	{"at", AT},
	{"bundle", OF_BODY},
	{"client", OF_STATEMENT},
	{"decision", OF_BODY},
	{"document", OF_BODY},
	{"entry", INDEX},
	{"error", OF_BODY},
	{"key", OF_BODY},
	{"missing", OF_BODY},
	{"outcome", OF_BODY},
	{"person", OF_STATEMENT},
	{"reason", OF_STATEMENT},
	{"reasons", OF_BODY},
	{"requester", REQUESTER},
	{"stage", OF_STATEMENT},
	{"type", TYPE},
	{"verdict", OF_STATEMENT},
};

static void
copy_member(const json *object, const char *member, const char *name, struct json_writer *w) {
	const json *value = object == nullptr ? nullptr : json_get(object, member);
	if (value == nullptr)
		return;
	json_write_key(w, name);
	json_write_value(w, value);
}

static void
write_member(size_t member, uint64_t index, const struct entry *entry, struct json_writer *w) {
	const char *name = members[member].name;
	switch (members[member].source) {
	case AT:
		json_write_member_integer(w, name, entry->at_ms);
		break;
	case INDEX:
		json_write_member_integer(w, name, (int64_t)index);
		break;
	case TYPE:
		json_write_member_text(w, name, entry_kinds[entry->type].name);
		break;
	case OF_BODY:
		copy_member(entry->document, name, name, w);
		break;
	case OF_STATEMENT:
		copy_member(json_get(entry->document, "statement"), name, name, w);
		break;
	case REQUESTER:
		copy_member(json_get(entry->document, "requester"), "key", name, w);
		break;
	}
}

static enum status
write_entry(struct keeper *keeper, uint64_t index, struct json_writer *w) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer bytes = {};
	struct ledger_record record;
	struct entry entry;
	TRY(ledger_read(keeper->ledger, index, &bytes, &record));
	TRY(entry_read(&arena, record.leaf, &entry));
	json_write_object(w);
	for (size_t i = 0; i < ARRAY_LENGTH(members); i++)
		write_member(i, index, &entry, w);
	json_write_end(w);
	return OK;
}

struct rows {
	uint64_t indexes[TIMELINE_MAX]; /* the newest first */
	size_t count;
};

static enum status
take_row(void *context, const struct projection_row *row) {
	struct rows *rows = context;
	rows->indexes[rows->count++] = row->index;
	return OK;
}

enum status
timeline_write(struct keeper *keeper, struct bytes operation, struct buffer *to) {
	struct projection_entry_filter filter = {.operation = operation, .to_ms = INT64_MAX, .limit = TIMELINE_MAX};
	struct rows rows = {};
	struct json_writer w;
	pthread_mutex_lock(&keeper->projection_mutex);
	enum status status = projection_list_entries(keeper->projection, &filter, take_row, &rows);
	uint64_t size = projection_applied(keeper->projection).size;
	pthread_mutex_unlock(&keeper->projection_mutex);
	TRY(status);
	json_writer_start(&w, to);
	json_write_object(&w);
	json_write_key(&w, "entries");
	json_write_array(&w);
	while (rows.count > 0)
		TRY(write_entry(keeper, rows.indexes[--rows.count], &w));
	json_write_end(&w);
	json_write_member_integer(&w, "size", (int64_t)size);
	json_write_end(&w);
	return json_writer_finish(&w);
}
