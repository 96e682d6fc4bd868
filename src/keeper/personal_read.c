#include "keeper/personal_read.h"

#include "keeper/reading.h"

void
personal_read_wipe(struct buffer *buffer) {
	if (buffer->data != nullptr)
		secret_wipe(buffer->data, buffer->len);
	buffer_free(buffer);
}

/* --- What was read. --- */

struct noting {
	struct buffer text;
	struct json_writer w;
};

static void
noting_end(struct noting *noting) {
	buffer_free(&noting->text);
}

static void
note_start(struct noting *noting) {
	json_writer_start(&noting->w, &noting->text);
	json_write_array(&noting->w);
}

static void
note_subject(struct noting *noting) {
	json_write_object(&noting->w);
	json_write_key(&noting->w, "fields");
	json_write_array(&noting->w);
}

static void
note_subject_end(struct noting *noting, struct bytes subject) {
	json_write_end(&noting->w);
	json_write_member_string(&noting->w, "subject", subject);
	json_write_end(&noting->w);
}

static enum status
note_end(struct noting *noting, struct job *job) {
	json_write_end(&noting->w);
	TRY(json_writer_finish(&noting->w));
	job->subjects_read = arena_copy(&job->arena, buffer_bytes(&noting->text));
	TRY_ALLOC(job->subjects_read.data);
	return OK;
}

/* --- A profile. --- */

/* The field with that commitment among the openings of its entry. */
static enum status
open_value(struct job *job, struct bytes subject, const struct subject_value *value, struct bytes *opened) {
	struct keeper *keeper = job->keeper;
	_cleanup_(buffer_free) struct buffer bytes = {};
	struct ledger_record record;
	TRY(ledger_read(keeper->ledger, value->entry, &bytes, &record));
	for (size_t i = 0; i < record.opening_count; i++) {
		struct opening_field *fields;
		struct bytes of;
		size_t count;
		TRY(opening_subject(record.openings[i], &of));
		if (!bytes_equal(of, subject))
			continue;
		TRY(personal_open(keeper->gate, &job->arena, record.openings[i], &fields, &count));
		for (size_t j = 0; j < count; j++) {
			struct hash256 commitment = opening_commit(&fields[j]);
			*opened = fields[j].value;
			if (hash256_equal(&commitment, &value->commitment))
				return OK;
		}
	}
	return fail(STATUS_CORRUPT, "personal.opening: entry %llu has none that its leaf commits to",
		    (unsigned long long)value->entry);
}

static enum status
write_values(struct job *job, struct bytes subject, struct noting *noting, struct json_writer *w) {
	const char *field;
	json_write_key(w, "values");
	json_write_object(w);
	for (size_t i = 0; (field = personal_profile_field(i)) != nullptr; i++) {
		const struct subject_value *value = subjects_value(&job->keeper->gate->state->subjects, subject, field);
		struct bytes opened;
		if (value == nullptr)
			continue;
		TRY(open_value(job, subject, value, &opened));
		json_write_text(&noting->w, field);
		json_write_key(w, field);
		json_write_object(w);
		json_write_member_integer(w, "entry", (int64_t)value->entry);
		json_write_member_string(w, "value", opened);
		json_write_end(w);
	}
	json_write_end(w);
	return OK;
}

static bool
is_erased(const struct keeper *keeper, struct bytes id) {
	const struct subject *subject = subjects_find(&keeper->gate->state->subjects, id);
	return subject != nullptr && subject->is_erased;
}

enum status
personal_read_profile(struct job *job, struct bytes person, struct json_writer *w) {
	static const char prefix[] = "person:";
	const struct keeper *keeper = job->keeper;
	bool is_whole = person.len >= sizeof prefix - 1 && memcmp(person.data, prefix, sizeof prefix - 1) == 0;
	const char *name = arena_format(&job->arena, "%s%.*s", is_whole ? "" : prefix, BYTES_ARGS(person));
	_cleanup_(noting_end) struct noting noting = {};
	TRY_ALLOC(name);
	struct bytes subject = bytes_of_text(name);
	TRY(keeper_read_check_subject(job, subject));
	if (directory_principal(keeper->gate->state->directory, subject) == nullptr)
		return fail(STATUS_NOT_FOUND, "directory.unknown: there is no such person");
	note_start(&noting);
	note_subject(&noting);
	json_write_object(w);
	json_write_member_boolean(w, "erased", is_erased(keeper, subject));
	json_write_member_string(w, "person", subject);
	TRY(write_values(job, subject, &noting, w));
	json_write_end(w);
	note_subject_end(&noting, subject);
	return note_end(&noting, job);
}

/* --- An entry. --- */

/* The commitment that the leaf has for the subject's field; null: none. */
static const json *
find_commitment(const json *body, struct bytes subject, struct bytes field) {
	const json *members = json_get(body, "personal");
	if (members == nullptr)
		return nullptr;
	struct json_iterator iterator = json_iterate(members);
	for (const json *part; (part = json_next(&iterator, nullptr)) != nullptr;) {
		const json *of = json_get(part, "subject");
		if (of != nullptr && json_type_of(of) == JSON_STRING && bytes_equal(json_string(of), subject))
			return json_get_bytes(json_get(part, "fields"), field);
	}
	return nullptr;
}

static enum status
check_field(const json *body, struct bytes subject, const struct opening_field *field) {
	const json *stated = find_commitment(body, subject, field->name);
	struct hash256 computed = opening_commit(field);
	char hex[65];
	hex_encode(hash256_bytes(&computed), hex);
	return stated != nullptr && json_type_of(stated) == JSON_STRING && bytes_equal_text(json_string(stated), hex)
		       ? OK
		       : fail(STATUS_CORRUPT, "personal.opening: its leaf commits to something else");
}

static enum status
write_opening(struct job *job, const json *body, struct bytes sealed, struct noting *noting, struct json_writer *w) {
	struct opening_field *fields = nullptr;
	struct bytes subject;
	size_t count = 0;
	TRY(opening_subject(sealed, &subject));
	TRY(keeper_read_check_subject(job, subject));
	bool erased = is_erased(job->keeper, subject);
	if (!erased)
		TRY(personal_open(job->keeper->gate, &job->arena, sealed, &fields, &count));
	note_subject(noting);
	json_write_object(w);
	json_write_member_boolean(w, "erased", erased);
	json_write_key(w, "fields");
	json_write_object(w);
	for (size_t i = 0; i < count; i++) {
		TRY(check_field(body, subject, &fields[i]));
		json_write_string(&noting->w, fields[i].name);
		json_write_key_bytes(w, fields[i].name);
		json_write_object(w);
		json_write_member_hex(w, "salt", BYTES_OF_ARRAY(fields[i].salt));
		json_write_member_string(w, "value", fields[i].value);
		json_write_end(w);
	}
	json_write_end(w);
	json_write_member_string(w, "subject", subject);
	json_write_end(w);
	note_subject_end(noting, subject);
	return OK;
}

enum status
personal_read_entry(struct job *job, uint64_t index, struct json_writer *w) {
	_cleanup_(buffer_free) struct buffer bytes = {};
	_cleanup_(noting_end) struct noting noting = {};
	struct ledger_record record;
	struct entry entry;
	TRY(ledger_read(job->keeper->ledger, index, &bytes, &record));
	TRY(entry_read(&job->arena, record.leaf, &entry));
	note_start(&noting);
	json_write_object(w);
	json_write_member_integer(w, "entry", (int64_t)index);
	json_write_key(w, "subjects");
	json_write_array(w);
	for (size_t i = 0; i < record.opening_count; i++)
		TRY(write_opening(job, entry.document, record.openings[i], &noting, w));
	json_write_end(w);
	json_write_end(w);
	return note_end(&noting, job);
}
