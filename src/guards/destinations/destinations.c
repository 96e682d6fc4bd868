#include "guards/destinations/destinations.h"

#include <stdlib.h>

#include "base/cursor.h"

constexpr size_t ENTRY_MAX = 160;

static void
list_destroy(struct destination_list *list) {
	size_t at = 0;
	void *entry;
	while (map_next(&list->entries, &at, nullptr, &entry))
		free(entry);
	map_free(&list->entries);
	map_free(&list->anywhere);
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

/* What stands after the chain of Ethereum; empty for other chains. */
static struct bytes
ethereum_address(struct bytes entry) {
	static const char prefix[] = "eip155:";
	size_t start = sizeof prefix - 1;
	const uint8_t *colon = entry.len > start && memcmp(entry.data, prefix, start) == 0
				       ? memchr(entry.data + start, ':', entry.len - start)
				       : nullptr;
	return colon == nullptr ? (struct bytes){} : bytes_of(colon + 1, entry.len - (size_t)(colon + 1 - entry.data));
}

/* One more chain that the address stands on, or one less. */
static enum status
count_anywhere(struct destination_list *list, struct bytes entry, int change) {
	struct bytes address = ethereum_address(entry);
	if (list->kind != DESTINATIONS_SANCTIONED || address.len == 0)
		return OK;
	uintptr_t chains = (uintptr_t)map_get(&list->anywhere, address) + (uintptr_t)change;
	if (chains > 0)
		return map_put(&list->anywhere, address, (void *)chains, nullptr);
	(void)map_remove(&list->anywhere, address);
	return OK;
}

static void
write_terms(const struct destination_terms *terms, struct buffer *to) {
	buffer_append_u64be(to, (uint64_t)terms->effective_ms);
	buffer_append_u64be(to, (uint64_t)terms->expires_ms);
	buffer_append_u64be(to, (uint64_t)terms->probation_cents);
	buffer_append_prefixed(to, bytes_of_text(terms->note));
}

/* Tests change nothing that a decision depends on: they are not part of it. */
static enum status
compute_hash(struct destination_list *list) {
	struct bytes *keys;
	TRY(map_sorted_keys(&list->entries, &keys));
	_cleanup_(buffer_free) struct buffer content = {};
	buffer_append_text(&content, "gatehouse/destinations/v2");
	buffer_append_prefixed(&content, bytes_of_text(list->name));
	for (size_t i = 0; i < list->entries.count; i++) {
		const struct destination_entry *entry = map_get(&list->entries, keys[i]);
		buffer_append_prefixed(&content, keys[i]);
		write_terms(&entry->terms, &content);
	}
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
destinations_check_list(const struct destinations *destinations, struct bytes name) {
	struct destination_list *list;
	if (name.len == 0 || name.len >= sizeof list->name)
		return fail(STATUS_INVALID, "destinations.name: 1 to %zu characters", sizeof list->name - 1);
	if (map_get(&destinations->lists, name) != nullptr)
		return fail(STATUS_CONFLICT, "destinations.exists: there is a list \"%.*s\"", BYTES_ARGS(name));
	return OK;
}

enum status
destinations_create_list(struct destinations *destinations, struct bytes name, enum destination_list_kind kind,
			 int64_t now_ms) {
	struct destination_list *list;
	TRY(destinations_check_list(destinations, name));
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
add_entry(struct destination_list *list, struct bytes given, const struct destination_terms *terms,
	  struct destination_entry **added) {
	char spelling[ENTRY_MAX + 1];
	struct bytes compared;
	TRY(compared_spelling(given, spelling, &compared));
	struct destination_entry *entry = calloc(1, sizeof *entry + given.len + 1);
	TRY_ALLOC(entry);
	entry->terms = *terms;
	memcpy(entry->spelling, given.data, given.len);
	enum status status = map_put(&list->entries, compared, entry, nullptr);
	if (status == OK)
		status = count_anywhere(list, compared, 1);
	if (status != OK) {
		(void)map_remove(&list->entries, compared);
		free(entry);
	} else if (added != nullptr)
		*added = entry;
	return status;
}

/* Letters, digits and what stands in the number of a contract or ticket: no address of a person. */
static bool
is_note(const char *note) {
	static const char others[] = " ._-/#";
	for (; *note != '\0'; note++)
		if (!(*note >= '0' && *note <= '9') && !(*note >= 'a' && *note <= 'z') &&
		    !(*note >= 'A' && *note <= 'Z') && strchr(others, *note) == nullptr)
			return false;
	return true;
}

static enum status
check_terms(const struct destination_list *list, const struct destination_terms *terms, int64_t now_ms) {
	bool has_any = terms->effective_ms != 0 || terms->expires_ms != 0 || terms->probation_cents != 0;
	if (list->kind != DESTINATIONS_ALLOWED && has_any)
		return fail(STATUS_INVALID,
			    "destinations.terms: a list of %s addresses has no waiting, ending or trying",
			    destination_list_kind_name(list->kind));
	if (terms->effective_ms < 0 || terms->probation_cents < 0)
		return fail(STATUS_INVALID, "destinations.terms: a number below zero");
	int64_t start_ms = terms->effective_ms > now_ms ? terms->effective_ms : now_ms;
	if (terms->expires_ms != 0 && terms->expires_ms <= start_ms)
		return fail(STATUS_INVALID, "destinations.terms: it would expire before it is in force");
	if (!is_note(terms->note))
		return fail(STATUS_INVALID, "destinations.terms: a note has letters, digits, spaces and . _ - / # "
					    "only, and no personal data");
	return OK;
}

static enum status
remove_entry(struct destination_list *list, struct bytes entry) {
	char spelling[ENTRY_MAX + 1];
	struct bytes compared;
	TRY(compared_spelling(entry, spelling, &compared));
	free(map_remove(&list->entries, compared));
	return count_anywhere(list, compared, -1);
}

enum status
destinations_check_add(const struct destinations *destinations, struct bytes name, const struct bytes *entries,
		       size_t count, const struct destination_terms *terms, int64_t now_ms) {
	struct destination_list *list;
	TRY(find_list(destinations, name, &list));
	TRY(check_terms(list, terms, now_ms));
	return check_change(list, entries, count, false);
}

enum status
destinations_check_remove(const struct destinations *destinations, struct bytes name, const struct bytes *entries,
			  size_t count) {
	struct destination_list *list;
	TRY(find_list(destinations, name, &list));
	return check_change(list, entries, count, true);
}

enum status
destinations_add(struct destinations *destinations, struct bytes name, const struct bytes *entries, size_t count,
		 const struct destination_terms *terms, int64_t now_ms) {
	static const struct destination_terms none = {};
	struct destination_list *list;
	terms = terms == nullptr ? &none : terms;
	TRY(destinations_check_add(destinations, name, entries, count, terms, now_ms));
	TRY(find_list(destinations, name, &list));
	for (size_t i = 0; i < count; i++)
		TRY(add_entry(list, entries[i], terms, nullptr));
	return finish_change(destinations, list, now_ms);
}

enum status
destinations_remove(struct destinations *destinations, struct bytes name, const struct bytes *entries, size_t count,
		    int64_t now_ms) {
	struct destination_list *list;
	TRY(destinations_check_remove(destinations, name, entries, count));
	TRY(find_list(destinations, name, &list));
	for (size_t i = 0; i < count; i++)
		TRY(remove_entry(list, entries[i]));
	return finish_change(destinations, list, now_ms);
}

/* --- Probation. --- */

static struct destination_entry *
find_entry(const struct destination_list *list, struct bytes given) {
	char spelling[ENTRY_MAX + 1];
	struct bytes compared;
	return compared_spelling(given, spelling, &compared) == OK ? map_get(&list->entries, compared) : nullptr;
}

enum status
destinations_check_confirm(const struct destinations *destinations, struct bytes name, const struct bytes *entries,
			   size_t count) {
	struct destination_list *list;
	TRY(find_list(destinations, name, &list));
	TRY(check_change(list, entries, count, true));
	for (size_t i = 0; i < count; i++) {
		const struct destination_entry *entry = find_entry(list, entries[i]);
		if (entry->terms.probation_cents == 0)
			return fail(STATUS_CONFLICT, "destinations.confirmed: \"%.*s\" is not on probation",
				    BYTES_ARGS(entries[i]));
		if (!entry->is_tested)
			return fail(STATUS_CONFLICT, "destinations.untested: no test transfer to \"%.*s\" was signed",
				    BYTES_ARGS(entries[i]));
	}
	return OK;
}

enum status
destinations_confirm(struct destinations *destinations, struct bytes name, const struct bytes *entries, size_t count,
		     int64_t now_ms) {
	struct destination_list *list;
	TRY(destinations_check_confirm(destinations, name, entries, count));
	TRY(find_list(destinations, name, &list));
	for (size_t i = 0; i < count; i++)
		find_entry(list, entries[i])->terms.probation_cents = 0;
	return finish_change(destinations, list, now_ms);
}

static bool
is_test(const struct destination_terms *terms, int64_t cents) {
	int64_t least = terms->probation_cents < DESTINATION_TEST_MIN_CENTS ? terms->probation_cents
									    : DESTINATION_TEST_MIN_CENTS;
	return cents >= least && cents <= terms->probation_cents;
}

void
destinations_note_transfer(struct destinations *destinations, struct bytes entry, int64_t cents,
			   const uint8_t operation[static 32], int64_t now_ms) {
	size_t at = 0;
	void *value;
	while (map_next(&destinations->lists, &at, nullptr, &value)) {
		const struct destination_list *list = value;
		struct destination_entry *found =
			list->kind == DESTINATIONS_ALLOWED ? find_entry(list, entry) : nullptr;
		if (found == nullptr || destination_entry_state(found, now_ms) != DESTINATION_PROBATION ||
		    !is_test(&found->terms, cents))
			continue;
		found->is_tested = true;
		memcpy(found->tested_by, operation, sizeof found->tested_by);
	}
}

/* --- Looking up. --- */

const struct destination_list *
destinations_find(const struct destinations *destinations, struct bytes name) {
	return map_get(&destinations->lists, name);
}

const struct destination_entry *
destination_list_entry(const struct destination_list *list, struct bytes entry) {
	return find_entry(list, entry);
}

enum destination_state
destination_entry_state(const struct destination_entry *entry, int64_t now_ms) {
	if (entry->terms.expires_ms != 0 && now_ms >= entry->terms.expires_ms)
		return DESTINATION_EXPIRED;
	if (now_ms < entry->terms.effective_ms)
		return DESTINATION_WAITING;
	return entry->terms.probation_cents != 0 ? DESTINATION_PROBATION : DESTINATION_IN_FORCE;
}

static struct destination_standing
entry_standing(const struct destination_entry *entry, int64_t now_ms) {
	return (struct destination_standing){.state = destination_entry_state(entry, now_ms),
					     .from_ms = entry->terms.effective_ms,
					     .until_ms =
						     entry->terms.expires_ms == 0 ? INT64_MAX : entry->terms.expires_ms,
					     .probation_cents = entry->terms.probation_cents};
}

/* Two that are alike hold for each other: the earlier start, the later end, and the smaller test. */
static void
improve_standing(struct destination_standing *best, const struct destination_standing *other) {
	if (other->state > best->state)
		*best = *other;
	if (other->state < best->state)
		return;
	best->from_ms = other->from_ms < best->from_ms ? other->from_ms : best->from_ms;
	best->until_ms = other->until_ms > best->until_ms ? other->until_ms : best->until_ms;
	best->probation_cents =
		other->probation_cents < best->probation_cents ? other->probation_cents : best->probation_cents;
}

struct destination_standing
destinations_standing(const struct destinations *destinations, struct bytes entry, int64_t now_ms) {
	struct destination_standing best = {};
	size_t at = 0;
	void *value;
	while (map_next(&destinations->lists, &at, nullptr, &value)) {
		const struct destination_list *list = value;
		const struct destination_entry *found =
			list->kind == DESTINATIONS_ALLOWED ? find_entry(list, entry) : nullptr;
		if (found == nullptr)
			continue;
		struct destination_standing standing = entry_standing(found, now_ms);
		improve_standing(&best, &standing);
	}
	return best;
}

static bool
stands_on(const struct destination_list *list, struct bytes entry) {
	struct bytes address = ethereum_address(entry);
	return find_entry(list, entry) != nullptr || (address.len > 0 && map_get(&list->anywhere, address) != nullptr);
}

bool
destinations_have_any(const struct destinations *destinations, enum destination_list_kind kind) {
	size_t at = 0;
	void *value;
	while (map_next(&destinations->lists, &at, nullptr, &value)) {
		const struct destination_list *list = value;
		if (list->kind == kind && list->entries.count > 0)
			return true;
	}
	return false;
}

bool
destinations_any_has(const struct destinations *destinations, enum destination_list_kind kind, struct bytes entry,
		     const struct destination_list **found) {
	size_t at = 0;
	void *value;
	while (map_next(&destinations->lists, &at, nullptr, &value)) {
		const struct destination_list *list = value;
		if (list->kind != kind || !stands_on(list, entry))
			continue;
		if (found != nullptr)
			*found = list;
		return true;
	}
	return false;
}

const char *
destination_state_name(enum destination_state state) {
	static const char *const names[DESTINATION_STATES] = {
		[DESTINATION_UNLISTED] = "unlisted", [DESTINATION_EXPIRED] = "expired",
		[DESTINATION_WAITING] = "waiting",   [DESTINATION_PROBATION] = "probation",
		[DESTINATION_IN_FORCE] = "in_force",
	};
	return names[state];
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

/* --- Snapshots: version, number of lists; per list, in order of names, name, kind, version, time, and its entries in order of
 * the spelling that is compared: as given, terms, and the operation that tested it, prefixed; empty: none. --- */

static const char FIELD[] = "destinations.snapshot";
constexpr uint8_t SNAPSHOT_VERSION = 2;

static enum status
write_list(const struct destination_list *list, struct buffer *to) {
	struct bytes *keys;
	TRY(map_sorted_keys(&list->entries, &keys));
	buffer_append_prefixed(to, bytes_of_text(list->name));
	buffer_append_byte(to, (uint8_t)list->kind);
	buffer_append_u64be(to, (uint64_t)list->version);
	buffer_append_u64be(to, (uint64_t)list->changed_ms);
	buffer_append_u32be(to, (uint32_t)list->entries.count);
	for (size_t i = 0; i < list->entries.count; i++) {
		const struct destination_entry *entry = map_get(&list->entries, keys[i]);
		buffer_append_prefixed(to, bytes_of_text(entry->spelling));
		write_terms(&entry->terms, to);
		buffer_append_prefixed(to, entry->is_tested ? BYTES_OF_ARRAY(entry->tested_by) : (struct bytes){});
	}
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
read_terms(struct cursor *cursor, struct destination_terms *terms) {
	uint64_t effective, expires, cents;
	struct bytes note;
	TRY(cursor_u64be(cursor, FIELD, &effective));
	TRY(cursor_u64be(cursor, FIELD, &expires));
	TRY(cursor_u64be(cursor, FIELD, &cents));
	TRY(cursor_prefixed(cursor, FIELD, DESTINATION_NOTE_MAX, &note));
	if (effective > INT64_MAX || expires > INT64_MAX || cents > INT64_MAX)
		return fail(STATUS_INVALID, "%s: a number out of range", FIELD);
	*terms = (struct destination_terms){
		.effective_ms = (int64_t)effective, .expires_ms = (int64_t)expires, .probation_cents = (int64_t)cents};
	if (note.len > 0)
		memcpy(terms->note, note.data, note.len);
	return strlen(terms->note) == note.len && is_note(terms->note) ? OK : fail(STATUS_INVALID, "%s: a note", FIELD);
}

static enum status
read_entry(struct cursor *cursor, struct destination_list *list) {
	struct bytes given, tested;
	struct destination_terms terms;
	struct destination_entry *entry;
	TRY(cursor_prefixed(cursor, FIELD, ENTRY_MAX, &given));
	TRY(read_terms(cursor, &terms));
	TRY(cursor_prefixed(cursor, FIELD, sizeof entry->tested_by, &tested));
	if (find_entry(list, given) != nullptr || (tested.len != 0 && tested.len != sizeof entry->tested_by))
		return fail(STATUS_INVALID, "%s: an entry twice, or no operation", FIELD);
	TRY(add_entry(list, given, &terms, &entry));
	entry->is_tested = tested.len > 0;
	if (entry->is_tested)
		memcpy(entry->tested_by, tested.data, sizeof entry->tested_by);
	return OK;
}

static enum status
read_entries(struct cursor *cursor, struct destination_list *list) {
	uint32_t count;
	TRY(cursor_u32be(cursor, FIELD, &count));
	for (; count > 0; count--)
		TRY(read_entry(cursor, list));
	return OK;
}

static enum status
read_list(struct cursor *cursor, void *context) {
	struct destinations *destinations = context;
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
	return cursor_read_snapshot(snapshot, FIELD, SNAPSHOT_VERSION, read_list, destinations);
}
