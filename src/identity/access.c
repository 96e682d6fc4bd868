#include "identity/access.h"

#include <stdlib.h>

#include "base/cursor.h"

static const char FIELD[] = "access.snapshot";

struct auditor {
	struct access_grant grants[ACCESS_GRANTS_MAX]; /* by entity, ascending */
	size_t count;
};

struct personal_reader {
	int64_t until_ms;
};

static void
free_values(struct map *map) {
	size_t at = 0;
	void *value;
	while (map_next(map, &at, nullptr, &value))
		free(value);
	map_free(map);
}

void
access_free(struct access *access) {
	free_values(&access->auditors);
	free_values(&access->readers);
}

/* The value of that size under the id, zeroed where there was none. */
static enum status
find_or_add(struct map *map, struct bytes id, size_t size, void **value) {
	if (id.len == 0 || id.len > ACCESS_NAME_MAX)
		return fail(STATUS_INVALID, "access.name: %zu bytes", id.len);
	*value = map_get(map, id);
	if (*value != nullptr)
		return OK;
	void *made = calloc(1, size);
	TRY_ALLOC(made);
	enum status status = map_put(map, id, made, nullptr);
	if (status != OK)
		free(made);
	else
		*value = made;
	return status;
}

/* --- Auditors. --- */

static enum status
find_auditor(struct access *access, struct bytes principal, struct auditor **auditor) {
	void *value;
	TRY(find_or_add(&access->auditors, principal, sizeof **auditor, &value));
	*auditor = value;
	return OK;
}

enum status
access_make_auditor(struct access *access, struct bytes principal) {
	struct auditor *auditor;
	return find_auditor(access, principal, &auditor);
}

bool
access_is_auditor(const struct access *access, struct bytes principal) {
	return map_get(&access->auditors, principal) != nullptr;
}

/* Where the entity's grant stands, or would. */
static size_t
place_of(const struct auditor *auditor, struct bytes entity, bool *is_there) {
	size_t at = 0;
	while (at < auditor->count && bytes_compare(bytes_of_text(auditor->grants[at].entity), entity) < 0)
		at++;
	*is_there = at < auditor->count && bytes_equal_text(entity, auditor->grants[at].entity);
	return at;
}

enum status
access_grant(struct access *access, struct bytes principal, struct bytes entity, int64_t from_ms, int64_t until_ms) {
	struct auditor *auditor;
	bool is_there;
	if (from_ms < 0 || until_ms <= from_ms)
		return fail(STATUS_INVALID, "access.period: from %lld until %lld", (long long)from_ms,
			    (long long)until_ms);
	if (entity.len == 0 || entity.len > ACCESS_NAME_MAX)
		return fail(STATUS_INVALID, "access.name: %zu bytes", entity.len);
	TRY(find_auditor(access, principal, &auditor));
	size_t at = place_of(auditor, entity, &is_there);
	if (!is_there && auditor->count == ACCESS_GRANTS_MAX)
		return fail(STATUS_TOO_LARGE, "access.grants: %zu already", ACCESS_GRANTS_MAX);
	if (!is_there)
		memmove(&auditor->grants[at + 1], &auditor->grants[at],
			(auditor->count++ - at) * sizeof *auditor->grants);
	auditor->grants[at] = (struct access_grant){.from_ms = from_ms, .until_ms = until_ms};
	memcpy(auditor->grants[at].entity, entity.data, entity.len);
	return OK;
}

enum status
access_revoke(struct access *access, struct bytes principal, struct bytes entity) {
	struct auditor *auditor = map_get(&access->auditors, principal);
	bool is_there = false;
	size_t at = auditor == nullptr ? 0 : place_of(auditor, entity, &is_there);
	if (!is_there)
		return fail(STATUS_NOT_FOUND, "access.no_grant: %.*s reads nothing of \"%.*s\"", BYTES_ARGS(principal),
			    (int)(entity.len > ACCESS_NAME_MAX ? ACCESS_NAME_MAX : entity.len),
			    (const char *)entity.data);
	memmove(&auditor->grants[at], &auditor->grants[at + 1], (--auditor->count - at) * sizeof *auditor->grants);
	return OK;
}

size_t
access_grant_count(const struct access *access, struct bytes principal) {
	const struct auditor *auditor = map_get(&access->auditors, principal);
	return auditor == nullptr ? 0 : auditor->count;
}

const struct access_grant *
access_grant_at(const struct access *access, struct bytes principal, size_t index) {
	const struct auditor *auditor = map_get(&access->auditors, principal);
	return auditor == nullptr || index >= auditor->count ? nullptr : &auditor->grants[index];
}

/* --- Personal values. --- */

enum status
access_let_read(struct access *access, struct bytes principal, int64_t until_ms) {
	void *value;
	if (until_ms <= 0)
		return fail(STATUS_INVALID, "access.period: until %lld", (long long)until_ms);
	TRY(find_or_add(&access->readers, principal, sizeof(struct personal_reader), &value));
	((struct personal_reader *)value)->until_ms = until_ms;
	return OK;
}

enum status
access_let_read_no_more(struct access *access, struct bytes principal) {
	struct personal_reader *reader = map_remove(&access->readers, principal);
	if (reader == nullptr)
		return fail(STATUS_NOT_FOUND, "access.no_grant: %.*s reads no personal values", BYTES_ARGS(principal));
	free(reader);
	return OK;
}

bool
access_may_read(const struct access *access, struct bytes principal, struct bytes subject, int64_t now_ms) {
	const struct personal_reader *reader = map_get(&access->readers, principal);
	return bytes_equal(principal, subject) || (reader != nullptr && now_ms < reader->until_ms);
}

/* --- Snapshots: auditors, then readers, each after the length of all of them, in order of their ids. --- */

static enum status
write_auditors(const struct access *access, struct buffer *to) {
	struct bytes *ids;
	TRY(map_sorted_keys(&access->auditors, &ids));
	for (size_t i = 0; i < access->auditors.count; i++) {
		const struct auditor *auditor = map_get(&access->auditors, ids[i]);
		buffer_append_prefixed(to, ids[i]);
		buffer_append_byte(to, (uint8_t)auditor->count);
		for (size_t j = 0; j < auditor->count; j++) {
			buffer_append_prefixed(to, bytes_of_text(auditor->grants[j].entity));
			buffer_append_u64be(to, (uint64_t)auditor->grants[j].from_ms);
			buffer_append_u64be(to, (uint64_t)auditor->grants[j].until_ms);
		}
	}
	free(ids);
	return buffer_status(to);
}

static enum status
write_readers(const struct access *access, struct buffer *to) {
	struct bytes *ids;
	TRY(map_sorted_keys(&access->readers, &ids));
	for (size_t i = 0; i < access->readers.count; i++) {
		buffer_append_prefixed(to, ids[i]);
		buffer_append_u64be(
			to, (uint64_t)((const struct personal_reader *)map_get(&access->readers, ids[i]))->until_ms);
	}
	free(ids);
	return buffer_status(to);
}

enum status
access_write(const struct access *access, struct buffer *to) {
	_cleanup_(buffer_free) struct buffer auditors = {}, readers = {};
	TRY(write_auditors(access, &auditors));
	TRY(write_readers(access, &readers));
	buffer_append_prefixed(to, buffer_bytes(&auditors));
	buffer_append_prefixed(to, buffer_bytes(&readers));
	return buffer_status(to);
}

static enum status
read_time(struct cursor *cursor, int64_t *time_ms) {
	uint64_t number;
	TRY(cursor_u64be(cursor, FIELD, &number));
	*time_ms = (int64_t)number;
	return number <= INT64_MAX ? OK : fail(STATUS_INVALID, "%s: a time out of range", FIELD);
}

static enum status
read_auditor(struct access *access, struct cursor *cursor) {
	struct bytes id, entity;
	uint8_t count;
	int64_t from_ms, until_ms;
	TRY(cursor_prefixed(cursor, FIELD, ACCESS_NAME_MAX, &id));
	TRY(cursor_u8(cursor, FIELD, &count));
	if (access_is_auditor(access, id))
		return fail(STATUS_INVALID, "%s: an auditor twice", FIELD);
	TRY(access_make_auditor(access, id));
	for (uint8_t i = 0; i < count; i++) {
		TRY(cursor_prefixed(cursor, FIELD, ACCESS_NAME_MAX, &entity));
		TRY(read_time(cursor, &from_ms));
		TRY(read_time(cursor, &until_ms));
		if (entity.len > 0 && memchr(entity.data, 0, entity.len) != nullptr)
			return fail(STATUS_INVALID, "%s: no name", FIELD);
		TRY(access_grant(access, id, entity, from_ms, until_ms));
	}
	return access_grant_count(access, id) == count ? OK : fail(STATUS_INVALID, "%s: a legal entity twice", FIELD);
}

static enum status
read_reader(struct access *access, struct cursor *cursor) {
	struct bytes id;
	int64_t until_ms;
	TRY(cursor_prefixed(cursor, FIELD, ACCESS_NAME_MAX, &id));
	TRY(read_time(cursor, &until_ms));
	if (map_get(&access->readers, id) != nullptr)
		return fail(STATUS_INVALID, "%s: a reader twice", FIELD);
	return access_let_read(access, id, until_ms);
}

enum status
access_read(struct access *access, struct bytes snapshot) {
	struct cursor cursor = cursor_of(snapshot);
	struct bytes auditors, readers;
	TRY(cursor_prefixed(&cursor, FIELD, UINT32_MAX, &auditors));
	TRY(cursor_prefixed(&cursor, FIELD, UINT32_MAX, &readers));
	TRY(cursor_end(&cursor, FIELD));
	for (cursor = cursor_of(auditors); cursor.left > 0;)
		TRY(read_auditor(access, &cursor));
	for (cursor = cursor_of(readers); cursor.left > 0;)
		TRY(read_reader(access, &cursor));
	return OK;
}
