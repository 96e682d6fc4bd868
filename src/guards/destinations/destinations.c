#include "guards/destinations/destinations.h"

#include <stdlib.h>

#include "base/cursor.h"

constexpr size_t ENTRY_MAX = 160;

static void
list_destroy(struct destination_list *list) {
	size_t at = 0;
	void *spelling;
	while (map_next(&list->entries, &at, nullptr, &spelling))
		free(spelling);
	map_free(&list->entries);
	free(list);
}

void
destinations_free(struct destinations *destinations) {
	size_t at = 0;
	void *list;
	while (map_next(&destinations->lists, &at, nullptr, &list))
		list_destroy(list);
	map_free(&destinations->lists);
}

/* Hexadecimal addresses carry a checksum in their case, not a meaning. Base58 ones do mean their case. */
static enum status
compared_spelling(struct bytes entry, char spelling[ENTRY_MAX + 1], struct bytes *compared) {
	const uint8_t *colon = memchr(entry.data, ':', entry.len);
	if (entry.len > ENTRY_MAX || colon == nullptr || colon == entry.data || colon == entry.data + entry.len - 1)
		return fail(STATUS_INVALID,
			    "destinations.entry: expected \"<chain>:<address>\" of at most %zu characters", ENTRY_MAX);
	size_t address = (size_t)(colon - entry.data) + 1;
	bool hexadecimal = entry.len - address > 2 && entry.data[address] == '0' && entry.data[address + 1] == 'x';
	for (size_t i = 0; i < entry.len; i++) {
		uint8_t c = entry.data[i];
		if (c <= ' ' || c > '~')
			return fail(STATUS_INVALID, "destinations.entry: a character that no address has");
		spelling[i] = (char)(hexadecimal && c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
	}
	spelling[entry.len] = '\0';
	*compared = bytes_of(spelling, entry.len);
	return OK;
}

static enum status
compute_hash(struct destination_list *list) {
	struct bytes *keys;
	TRY(map_sorted_keys(&list->entries, &keys));
	_cleanup_(buffer_free) struct buffer content = {};
	buffer_append_text(&content, "gatehouse/destinations/v1");
	buffer_append_prefixed(&content, bytes_of_text(list->name));
	for (size_t i = 0; i < list->entries.count; i++)
		buffer_append_prefixed(&content, keys[i]);
	free(keys);
	TRY(buffer_status(&content));
	list->hash = sha256(buffer_bytes(&content));
	return OK;
}

static enum status
combine_hashes(struct destinations *destinations, enum destination_list_kind kind) {
	struct bytes *names;
	TRY(map_sorted_keys(&destinations->lists, &names));
	_cleanup_(buffer_free) struct buffer content = {};
	buffer_append_text(&content, "gatehouse/destination-lists/v1");
	for (size_t i = 0; i < destinations->lists.count; i++) {
		const struct destination_list *list = map_get(&destinations->lists, names[i]);
		if (list->kind == kind)
			buffer_append(&content, list->hash.bytes, sizeof list->hash.bytes);
	}
	free(names);
	TRY(buffer_status(&content));
	destinations->hashes[kind] = sha256(buffer_bytes(&content));
	return OK;
}

static enum status
finish_change(struct destinations *destinations, struct destination_list *list, int64_t now_ms) {
	list->version++;
	list->changed_ms = now_ms;
	TRY(compute_hash(list));
	return combine_hashes(destinations, list->kind);
}

enum status
destinations_create_list(struct destinations *destinations, struct bytes name, enum destination_list_kind kind,
			 int64_t now_ms) {
	struct destination_list *list;
	if (name.len == 0 || name.len >= sizeof list->name)
		return fail(STATUS_INVALID, "destinations.name: 1 to %zu characters", sizeof list->name - 1);
	if (map_get(&destinations->lists, name) != nullptr)
		return fail(STATUS_CONFLICT, "destinations.exists: there is a list \"%.*s\"", BYTES_ARGS(name));
	list = calloc(1, sizeof *list);
	TRY_ALLOC(list);
	memcpy(list->name, name.data, name.len);
	list->kind = kind;
	list->changed_ms = now_ms;
	enum status status = compute_hash(list);
	if (status == OK)
		status = map_put(&destinations->lists, name, list, nullptr);
	if (status != OK) {
		list_destroy(list);
		return status;
	}
	return combine_hashes(destinations, kind);
}

static enum status
find_list(const struct destinations *destinations, struct bytes name, struct destination_list **list) {
	*list = map_get(&destinations->lists, name);
	return *list != nullptr ? OK
				: fail(STATUS_NOT_FOUND, "destinations.unknown: there is no list \"%.*s\"",
				       (int)(name.len > 64 ? 64 : name.len), (const char *)name.data);
}

/* Every entry must be well-formed, stand once in the change, and be there or not as the change needs. */
static enum status
check_change(const struct destination_list *list, const struct bytes *entries, size_t count, bool present) {
	_cleanup_(map_free) struct map seen = {};
	for (size_t i = 0; i < count; i++) {
		char spelling[ENTRY_MAX + 1];
		struct bytes compared;
		TRY(compared_spelling(entries[i], spelling, &compared));
		if (map_get(&seen, compared) != nullptr)
			return fail(STATUS_INVALID, "destinations.twice: \"%.*s\" stands twice in the change",
				    BYTES_ARGS(entries[i]));
		if ((map_get(&list->entries, compared) != nullptr) != present)
			return fail(STATUS_CONFLICT, "destinations.%s: \"%.*s\" is %s list \"%s\"",
				    present ? "absent" : "present", BYTES_ARGS(entries[i]),
				    present ? "not on" : "already on", list->name);
		TRY(map_put(&seen, compared, &seen, nullptr));
	}
	return OK;
}

static enum status
add_entry(struct destination_list *list, struct bytes entry) {
	char spelling[ENTRY_MAX + 1];
	struct bytes compared;
	TRY(compared_spelling(entry, spelling, &compared));
	char *given = strndup((const char *)entry.data, entry.len);
	TRY_ALLOC(given);
	enum status status = map_put(&list->entries, compared, given, nullptr);
	if (status != OK)
		free(given);
	return status;
}

static enum status
remove_entry(struct destination_list *list, struct bytes entry) {
	char spelling[ENTRY_MAX + 1];
	struct bytes compared;
	TRY(compared_spelling(entry, spelling, &compared));
	free(map_remove(&list->entries, compared));
	return OK;
}

enum status
destinations_add(struct destinations *destinations, struct bytes name, const struct bytes *entries, size_t count,
		 int64_t now_ms) {
	struct destination_list *list;
	TRY(find_list(destinations, name, &list));
	TRY(check_change(list, entries, count, false));
	for (size_t i = 0; i < count; i++)
		TRY(add_entry(list, entries[i]));
	return finish_change(destinations, list, now_ms);
}

enum status
destinations_remove(struct destinations *destinations, struct bytes name, const struct bytes *entries, size_t count,
		    int64_t now_ms) {
	struct destination_list *list;
	TRY(find_list(destinations, name, &list));
	TRY(check_change(list, entries, count, true));
	for (size_t i = 0; i < count; i++)
		TRY(remove_entry(list, entries[i]));
	return finish_change(destinations, list, now_ms);
}

const struct destination_list *
destinations_find(const struct destinations *destinations, struct bytes name) {
	return map_get(&destinations->lists, name);
}

bool
destination_list_has(const struct destination_list *list, struct bytes entry) {
	char spelling[ENTRY_MAX + 1];
	struct bytes compared;
	return compared_spelling(entry, spelling, &compared) == OK && map_get(&list->entries, compared) != nullptr;
}

bool
destinations_any_has(const struct destinations *destinations, enum destination_list_kind kind, struct bytes entry,
		     const struct destination_list **found) {
	size_t at = 0;
	void *value;
	while (map_next(&destinations->lists, &at, nullptr, &value)) {
		const struct destination_list *list = value;
		if (list->kind != kind || !destination_list_has(list, entry))
			continue;
		if (found != nullptr)
			*found = list;
		return true;
	}
	return false;
}

static const char *const kind_names[DESTINATION_LIST_KINDS] = {
	[DESTINATIONS_ALLOWED] = "allowed", [DESTINATIONS_SANCTIONED] = "sanctioned"};

const char *
destination_list_kind_name(enum destination_list_kind kind) {
	return kind_names[kind];
}

enum status
destination_list_kind_parse(struct bytes text, enum destination_list_kind *kind) {
	for (size_t i = 0; i < ARRAY_LENGTH(kind_names); i++)
		if (bytes_equal_text(text, kind_names[i])) {
			*kind = (enum destination_list_kind)i;
			return OK;
		}
	return fail(STATUS_INVALID, "destinations.kind: expected \"allowed\" or \"sanctioned\", found \"%.*s\"",
		    (int)(text.len > 40 ? 40 : text.len), (const char *)text.data);
}

/* --- Snapshots: version, number of lists; per list, in order of names, name, kind, version, time, and its entries as given, in
 * order of the spelling that is compared. --- */

static const char FIELD[] = "destinations.snapshot";
constexpr uint8_t SNAPSHOT_VERSION = 1;

static enum status
write_list(const struct destination_list *list, struct buffer *to) {
	struct bytes *keys;
	TRY(map_sorted_keys(&list->entries, &keys));
	buffer_append_prefixed(to, bytes_of_text(list->name));
	buffer_append_byte(to, (uint8_t)list->kind);
	buffer_append_u64be(to, (uint64_t)list->version);
	buffer_append_u64be(to, (uint64_t)list->changed_ms);
	buffer_append_u32be(to, (uint32_t)list->entries.count);
	for (size_t i = 0; i < list->entries.count; i++)
		buffer_append_prefixed(to, bytes_of_text(map_get(&list->entries, keys[i])));
	free(keys);
	return buffer_status(to);
}

enum status
destinations_write(const struct destinations *destinations, struct buffer *to) {
	struct bytes *names;
	enum status status = OK;
	TRY(map_sorted_keys(&destinations->lists, &names));
	buffer_append_byte(to, SNAPSHOT_VERSION);
	buffer_append_u32be(to, (uint32_t)destinations->lists.count);
	for (size_t i = 0; status == OK && i < destinations->lists.count; i++)
		status = write_list(map_get(&destinations->lists, names[i]), to);
	free(names);
	return status == OK ? buffer_status(to) : status;
}

static enum status
read_entries(struct cursor *cursor, struct destination_list *list) {
	uint32_t count;
	TRY(cursor_u32be(cursor, FIELD, &count));
	for (; count > 0; count--) {
		struct bytes entry;
		TRY(cursor_prefixed(cursor, FIELD, ENTRY_MAX, &entry));
		if (destination_list_has(list, entry))
			return fail(STATUS_INVALID, "%s: an entry twice", FIELD);
		TRY(add_entry(list, entry));
	}
	return OK;
}

static enum status
read_list(struct cursor *cursor, struct destinations *destinations) {
	struct bytes name;
	uint8_t kind;
	uint64_t version, changed_ms;
	struct destination_list *list;
	TRY(cursor_prefixed(cursor, FIELD, sizeof list->name - 1, &name));
	TRY(cursor_u8(cursor, FIELD, &kind));
	TRY(cursor_u64be(cursor, FIELD, &version));
	TRY(cursor_u64be(cursor, FIELD, &changed_ms));
	if (kind >= DESTINATION_LIST_KINDS || version > INT64_MAX || changed_ms > INT64_MAX ||
	    memchr(name.data, '\0', name.len) != nullptr)
		return fail(STATUS_INVALID, "%s: a number or name out of range", FIELD);
	TRY(destinations_create_list(destinations, name, (enum destination_list_kind)kind, (int64_t)changed_ms));
	list = map_get(&destinations->lists, name);
	list->version = (int64_t)version;
	TRY(read_entries(cursor, list));
	TRY(compute_hash(list));
	return combine_hashes(destinations, list->kind);
}

enum status
destinations_read(struct destinations *destinations, struct bytes snapshot) {
	struct cursor cursor = cursor_of(snapshot);
	uint8_t version = 0;
	uint32_t count = 0;
	enum status status = cursor_u8(&cursor, FIELD, &version);
	if (status == OK && version != SNAPSHOT_VERSION)
		return fail(STATUS_UNSUPPORTED, "%s: version %u", FIELD, version);
	if (status == OK)
		status = cursor_u32be(&cursor, FIELD, &count);
	for (; status == OK && count > 0; count--)
		status = read_list(&cursor, destinations);
	if (status == OK)
		status = cursor_end(&cursor, FIELD);
	return status == OK || status == STATUS_NO_MEMORY ? status : fail(STATUS_CORRUPT, "%s: damaged", FIELD);
}
