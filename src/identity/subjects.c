#include "identity/subjects.h"

#include <stdlib.h>

#include "base/cursor.h"

static const char FIELD[] = "personal.snapshot";

static void
subject_free(struct subject *subject) {
	free(subject->values);
	free(subject);
}

void
subjects_free(struct subjects *subjects) {
	size_t at = 0;
	void *value;
	while (map_next(&subjects->by_id, &at, nullptr, &value))
		subject_free(value);
	map_free(&subjects->by_id);
}

const struct subject *
subjects_find(const struct subjects *subjects, struct bytes id) {
	return map_get(&subjects->by_id, id);
}

static enum status
find_or_add(struct subjects *subjects, struct bytes id, struct subject **subject) {
	*subject = map_get(&subjects->by_id, id);
	if (*subject != nullptr)
		return OK;
	struct subject *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	enum status status = map_put(&subjects->by_id, id, made, nullptr);
	if (status != OK)
		free(made);
	else
		*subject = made;
	return status;
}

static enum status
find_living(struct subjects *subjects, struct bytes id, struct subject **subject) {
	TRY(find_or_add(subjects, id, subject));
	return !(*subject)->is_erased
		       ? OK
		       : fail(STATUS_CONFLICT, "personal.erased: %.*s was erased, and has no values any more",
			      BYTES_ARGS(id));
}

static struct subject_value *
find_value(const struct subject *subject, const struct hash256 *commitment) {
	for (size_t i = 0; subject != nullptr && i < subject->count; i++)
		if (hash256_equal(&subject->values[i].commitment, commitment))
			return &subject->values[i];
	return nullptr;
}

const struct subject_value *
subjects_value(const struct subjects *subjects, struct bytes id, const char *field) {
	const struct subject *subject = subjects_find(subjects, id);
	for (size_t i = 0; subject != nullptr && i < subject->count; i++)
		if (subject->values[i].is_taken && subject->values[i].entry != UINT64_MAX &&
		    strcmp(subject->values[i].field, field) == 0)
			return &subject->values[i];
	return nullptr;
}

enum status
subjects_note_opening(struct subjects *subjects, struct bytes id) {
	struct subject *subject;
	TRY(find_or_add(subjects, id, &subject));
	subject->has_openings = true;
	return OK;
}

enum status
subjects_offer(struct subjects *subjects, struct bytes id, struct bytes field, const struct hash256 *commitment) {
	struct subject *subject;
	TRY(find_living(subjects, id, &subject));
	if (field.len == 0 || field.len > SUBJECT_FIELD_MAX)
		return fail(STATUS_INVALID, "personal.field: a name of %zu bytes", field.len);
	if (find_value(subject, commitment) != nullptr)
		return OK; /* the same value, brought again with the same salt */
	struct subject_value *grown = reallocarray(subject->values, subject->count + 1, sizeof *grown);
	TRY_ALLOC(grown);
	subject->values = grown;
	struct subject_value *value = &grown[subject->count++];
	*value = (struct subject_value){.commitment = *commitment, .entry = UINT64_MAX};
	memcpy(value->field, field.data, field.len);
	return OK;
}

void
subjects_place(struct subjects *subjects, struct bytes id, const struct hash256 *commitment, uint64_t entry) {
	struct subject_value *value = find_value(subjects_find(subjects, id), commitment);
	if (value != nullptr && value->entry == UINT64_MAX)
		value->entry = entry;
}

static void
drop_value(struct subject *subject, size_t at) {
	memmove(&subject->values[at], &subject->values[at + 1], (--subject->count - at) * sizeof *subject->values);
}

enum status
subjects_take(struct subjects *subjects, struct bytes id, struct bytes field, const struct hash256 *commitment) {
	struct subject *subject;
	TRY(find_living(subjects, id, &subject));
	struct subject_value *value = find_value(subject, commitment);
	if (value == nullptr || !bytes_equal_text(field, value->field))
		return fail(STATUS_NOT_FOUND, "personal.not_offered: no such value of %.*s was brought",
			    BYTES_ARGS(id));
	for (size_t i = 0; i < subject->count && !value->is_taken; i++)
		if (subject->values[i].is_taken && bytes_equal_text(field, subject->values[i].field)) {
			drop_value(subject, i);
			break;
		}
	find_value(subject, commitment)->is_taken = true;
	return OK;
}

enum status
subjects_erase(struct subjects *subjects, struct bytes id) {
	struct subject *subject;
	TRY(find_or_add(subjects, id, &subject));
	subject->is_erased = true;
	free(subject->values);
	subject->values = nullptr;
	subject->count = 0;
	return OK;
}

size_t
subjects_keys(const struct subjects *subjects) {
	size_t at = 0, count = 0;
	void *value;
	while (map_next(&subjects->by_id, &at, nullptr, &value))
		count += ((const struct subject *)value)->has_openings && !((const struct subject *)value)->is_erased;
	return count;
}

enum status
subjects_list_erased(const struct subjects *subjects, struct bytes **ids, size_t *count) {
	TRY(map_sorted_keys(&subjects->by_id, ids));
	*count = 0;
	for (size_t i = 0; i < subjects->by_id.count; i++)
		if (subjects_find(subjects, (*ids)[i])->is_erased)
			(*ids)[(*count)++] = (*ids)[i];
	return OK;
}

/* --- Snapshots: in order of their ids; id, flags, number of values, and of each: field, commitment, entry, whether it is
 * taken. --- */

enum { HAS_OPENINGS = 1, IS_ERASED = 2 };

enum status
subjects_write(const struct subjects *subjects, struct buffer *to) {
	struct bytes *ids;
	TRY(map_sorted_keys(&subjects->by_id, &ids));
	for (size_t i = 0; i < subjects->by_id.count; i++) {
		const struct subject *subject = map_get(&subjects->by_id, ids[i]);
		buffer_append_prefixed(to, ids[i]);
		buffer_append_byte(to, (uint8_t)((subject->has_openings ? HAS_OPENINGS : 0) |
						 (subject->is_erased ? IS_ERASED : 0)));
		buffer_append_u32be(to, (uint32_t)subject->count);
		for (size_t j = 0; j < subject->count; j++) {
			const struct subject_value *value = &subject->values[j];
			buffer_append_prefixed(to, bytes_of_text(value->field));
			buffer_append_bytes(to, hash256_bytes(&value->commitment));
			buffer_append_u64be(to, value->entry);
			buffer_append_byte(to, value->is_taken);
		}
	}
	free(ids);
	return buffer_status(to);
}

static enum status
read_value(struct subjects *subjects, struct bytes id, struct cursor *cursor) {
	struct bytes field;
	struct hash256 commitment;
	uint64_t entry;
	uint8_t is_taken;
	TRY(cursor_prefixed(cursor, FIELD, SUBJECT_FIELD_MAX, &field));
	TRY(cursor_copy(cursor, FIELD, commitment.bytes, sizeof commitment.bytes));
	TRY(cursor_u64be(cursor, FIELD, &entry));
	TRY(cursor_u8(cursor, FIELD, &is_taken));
	if (is_taken > 1 || find_value(subjects_find(subjects, id), &commitment) != nullptr ||
	    (field.len > 0 && memchr(field.data, 0, field.len) != nullptr))
		return fail(STATUS_INVALID, "%s: no value", FIELD);
	TRY(subjects_offer(subjects, id, field, &commitment));
	subjects_place(subjects, id, &commitment, entry);
	const struct subject *subject = subjects_find(subjects, id);
	size_t before = subject->count;
	if (is_taken == 1)
		TRY(subjects_take(subjects, id, field, &commitment));
	return subject->count == before ? OK : fail(STATUS_INVALID, "%s: two values of one field", FIELD);
}

enum status
subjects_read(struct subjects *subjects, struct bytes snapshot) {
	struct cursor cursor = cursor_of(snapshot);
	while (cursor.left > 0) {
		struct bytes id;
		struct subject *subject;
		uint8_t flags;
		uint32_t count;
		TRY(cursor_prefixed(&cursor, FIELD, SUBJECT_ID_MAX, &id));
		TRY(cursor_u8(&cursor, FIELD, &flags));
		TRY(cursor_u32be(&cursor, FIELD, &count));
		if (id.len == 0 || flags > (HAS_OPENINGS | IS_ERASED) || subjects_find(subjects, id) != nullptr ||
		    ((flags & IS_ERASED) != 0 && count > 0))
			return fail(STATUS_INVALID, "%s: no subject", FIELD);
		TRY(find_or_add(subjects, id, &subject));
		subject->has_openings = (flags & HAS_OPENINGS) != 0;
		for (uint32_t i = 0; i < count; i++)
			TRY(read_value(subjects, id, &cursor));
		subject->is_erased = (flags & IS_ERASED) != 0;
	}
	return OK;
}
