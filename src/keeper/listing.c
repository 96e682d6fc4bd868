#include "keeper/listing.h"
#include "keeper/reading.h"

#include <stdlib.h>

/* --- Queries. --- */

enum status
listing_take_parameter(struct bytes *query, struct bytes *name, struct bytes *value) {
	const uint8_t *end = memchr(query->data, '&', query->len);
	struct bytes one = bytes_of(query->data, end == nullptr ? query->len : (size_t)(end - query->data));
	*query = end == nullptr ? (struct bytes){} : bytes_of(end + 1, query->len - one.len - 1);
	const uint8_t *equals = one.len == 0 ? nullptr : memchr(one.data, '=', one.len);
	if (equals == nullptr)
		return fail(STATUS_INVALID, "query.form: expected name=value");
	*name = bytes_of(one.data, (size_t)(equals - one.data));
	*value = bytes_of(equals + 1, one.len - name->len - 1);
	return OK;
}

enum status
listing_read_time(struct bytes value, int64_t *time_ms) {
	uint64_t number;
	TRY(decimal_decode(value, &number));
	*time_ms = (int64_t)number;
	return number <= (uint64_t)JSON_INTEGER_MAX ? OK : fail(STATUS_INVALID, "query.time: milliseconds since 1970");
}

enum status
listing_read_limit(struct bytes value, size_t max, size_t *limit) {
	uint64_t number;
	TRY(decimal_decode(value, &number));
	if (number == 0 || number > max)
		return fail(STATUS_INVALID, "query.limit: expected 1 to %zu", max);
	*limit = (size_t)number;
	return OK;
}

/* --- Pages of the state: the smallest ids after the cursor. --- */

constexpr size_t CURSOR_MAX = 256;        /* bytes of the longest id */
constexpr size_t PAGE_BYTES = 256 * 1024; /* a page ends with the item that fills it: IPC_BODY_MAX is far */

struct item {
	struct bytes id;
	const void *of;
};

/* The items seen so far that belong on the page, and one more: a heap, the greatest id on top. */
struct page {
	uint8_t after[CURSOR_MAX];
	size_t after_len;
	size_t limit;
	size_t count, written;
	size_t start; /* of the array, in what is written */
	struct item items[LISTING_PAGE_MAX + 1];
};

static enum status
read_page(struct bytes query, struct page *page) {
	page->limit = LISTING_PAGE_MAX;
	while (query.len > 0) {
		struct bytes name, value;
		TRY(listing_take_parameter(&query, &name, &value));
		if (bytes_equal_text(name, "limit"))
			TRY(listing_read_limit(value, LISTING_PAGE_MAX, &page->limit));
		else if (!bytes_equal_text(name, "after"))
			return fail(STATUS_INVALID, "query.name: \"%.*s\": expected after or limit", BYTES_ARGS(name));
		else if (value.len == 0 || value.len > 2 * CURSOR_MAX || value.len % 2 != 0 ||
			 hex_decode(value, page->after, value.len / 2) != OK)
			return fail(STATUS_INVALID, "query.after: expected what \"next\" said");
		else
			page->after_len = value.len / 2;
	}
	return OK;
}

static bool
is_greater(const struct page *page, size_t a, size_t b) {
	return bytes_compare(page->items[a].id, page->items[b].id) > 0;
}

static void
swap_items(struct page *page, size_t a, size_t b) {
	struct item moved = page->items[a];
	page->items[a] = page->items[b];
	page->items[b] = moved;
}

static void
sink_first(struct page *page) {
	for (size_t at = 0, greatest = 0;; at = greatest) {
		for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < page->count; child++)
			if (is_greater(page, child, greatest))
				greatest = child;
		if (greatest == at)
			return;
		swap_items(page, at, greatest);
	}
}

/* Takes the item, and lets go of the greatest where there are too many. */
static void
page_offer(struct page *page, struct bytes id, const void *of) {
	if (bytes_compare(id, bytes_of(page->after, page->after_len)) <= 0)
		return;
	if (page->count > page->limit) {
		if (bytes_compare(id, page->items[0].id) >= 0)
			return;
		page->items[0] = (struct item){id, of};
		sink_first(page);
		return;
	}
	page->items[page->count] = (struct item){id, of};
	for (size_t at = page->count++; at > 0 && is_greater(page, at, (at - 1) / 2); at = (at - 1) / 2)
		swap_items(page, at, (at - 1) / 2);
}

static int
compare_items(const void *a, const void *b) {
	const struct item *left = a, *right = b;
	return bytes_compare(left->id, right->id);
}

static void
page_start(struct page *page, const char *name, struct json_writer *w) {
	page->start = w->to->len;
	qsort(page->items, page->count, sizeof *page->items, compare_items);
	json_write_key(w, name);
	json_write_array(w);
}

/* The next item that goes onto the page, or null. */
static const void *
page_next(struct page *page, const struct json_writer *w) {
	bool is_full = page->written == page->limit || w->to->len - page->start >= PAGE_BYTES;
	return page->written == page->count || is_full ? nullptr : page->items[page->written++].of;
}

static void
page_write(struct page *page, const struct gate_state *state, const char *name,
	   void (*write)(const struct gate_state *, const void *, struct json_writer *), struct json_writer *w) {
	page_start(page, name, w);
	for (const void *item; (item = page_next(page, w)) != nullptr;)
		write(state, item, w);
	json_write_end(w);
}

/* Where there is more, where it goes on. */
static void
page_write_next(const struct page *page, struct json_writer *w) {
	if (page->written < page->count)
		json_write_member_hex(w, "next", page->items[page->written - 1].id);
}

/* --- The state. --- */

/* The one that holds, and the one that will. */
static void
write_delegations(const struct gate_state *state, const struct principal *principal, struct json_writer *w) {
	struct delegation found[DELEGATIONS_MAX];
	size_t count = directory_delegations(state->directory, principal, state->now_ms, found);
	if (count == 0)
		return;
	json_write_key(w, "delegations");
	json_write_array(w);
	for (size_t i = 0; i < count; i++) {
		json_write_object(w);
		json_write_member_string(w, "by", found[i].by->id);
		if (found[i].from_ms > state->now_ms)
			json_write_member_integer(w, "from", found[i].from_ms);
		json_write_member_integer(w, "until", found[i].until_ms);
		json_write_end(w);
	}
	json_write_end(w);
}

static void
write_principal(const struct gate_state *state, const void *item, struct json_writer *w) {
	const struct principal *principal = item;
	json_write_object(w);
	write_delegations(state, principal, w);
	json_write_member_string(w, "id", principal->id);
	json_write_key(w, "keys");
	json_write_array(w);
	for (const struct directory_key *key = principal->keys; key != nullptr; key = key->next) {
		json_write_object(w);
		json_write_member_text(w, "class", directory_key_class_name(key->class));
		if (key->passkey != nullptr)
			json_write_member_hex(w, "credential", key->passkey->credential_id);
		json_write_member_string(w, "id", key->id);
		json_write_member_hex(w, "public_key",
				      key->passkey != nullptr ? key->passkey->cose_key
							      : BYTES_OF_ARRAY(key->public_key));
		json_write_member_boolean(w, "revoked", key->revoked);
		if (key->usable_from_ms > state->now_ms)
			json_write_member_integer(w, "usable_from", key->usable_from_ms);
		if (key->zone != nullptr)
			json_write_member_string(w, "zone", key->zone->id);
		json_write_end(w);
	}
	json_write_end(w);
	json_write_member_boolean(w, "suspended", principal->suspended);
	json_write_member_string(w, "unit", principal->unit->id);
	json_write_end(w);
}

static void
offer_principals(const struct gate_state *state, enum principal_kind kind, struct page *page) {
	for (size_t i = 0; i < directory_principal_count(state->directory); i++) {
		const struct principal *principal = directory_principal_at(state->directory, i);
		if (principal->kind == kind)
			page_offer(page, principal->id, principal);
	}
}

static void
offer_people(const struct gate_state *state, struct page *page) {
	offer_principals(state, PRINCIPAL_PERSON, page);
}

static void
offer_workloads(const struct gate_state *state, struct page *page) {
	offer_principals(state, PRINCIPAL_WORKLOAD, page);
}

static void
write_members(const struct group *group, const struct membership *members, int64_t now_ms, struct json_writer *w) {
	json_write_object(w);
	json_write_key(w, "entering");
	json_write_array(w);
	for (size_t i = 0; i < group->member_count; i++) {
		if (members[i].from_ms <= now_ms)
			continue;
		json_write_object(w);
		json_write_member_integer(w, "from", members[i].from_ms);
		json_write_member_string(w, "person", members[i].person->id);
		json_write_end(w);
	}
	json_write_end(w);
	json_write_member_string(w, "id", group->id);
	json_write_key(w, "members");
	json_write_array(w);
	for (size_t i = 0; i < group->member_count; i++)
		if (members[i].from_ms <= now_ms)
			json_write_string(w, members[i].person->id);
	json_write_end(w);
	json_write_end(w);
}

static void
write_group(const struct gate_state *state, const void *item, struct json_writer *w) {
	const struct group *group = item;
	struct membership *members;
	if (directory_list_members(group, &members) != OK) {
		w->failed = true;
		return;
	}
	write_members(group, members, state->now_ms, w);
	free(members);
}

static void
offer_groups(const struct gate_state *state, struct page *page) {
	for (size_t i = 0; i < directory_group_count(state->directory); i++) {
		const struct group *group = directory_group_at(state->directory, i);
		page_offer(page, group->id, group);
	}
}

static void
write_key(const struct gate_state *, const void *item, struct json_writer *w) {
	key_write(w, item);
}

static void
offer_keys(const struct gate_state *state, struct page *page) {
	for (size_t i = 0; state->ring != nullptr && i < keyring_count(state->ring); i++) {
		const struct key_info *key = keyring_at(state->ring, i);
		page_offer(page, bytes_of_text(key->id), key);
	}
}

static void
write_sum(const struct gate_state *state, enum limit_dimension dimension, struct bytes subject,
	  enum limit_window window, struct json_writer *w) {
	int64_t cents = limits_sum(state->limits, dimension, subject, window, state->now_ms, nullptr, 0);
	json_write_member_integer(w, limit_window_names[window], cents > JSON_INTEGER_MAX ? JSON_INTEGER_MAX : cents);
}

/* By the key or by what it stands in: US cents in the windows that end now. */
static void
write_spent(const struct gate_state *state, enum limit_dimension dimension, struct bytes subject,
	    struct json_writer *w) {
	json_write_key(w, limit_dimension_names[dimension]);
	json_write_object(w);
	write_sum(state, dimension, subject, LIMIT_DAY, w);
	write_sum(state, dimension, subject, LIMIT_HOUR, w);
	json_write_member_string(w, "subject", subject);
	write_sum(state, dimension, subject, LIMIT_WEEK, w);
	json_write_end(w);
}

static void
write_limits(const struct gate_state *state, const void *item, struct json_writer *w) {
	const struct key_info *key = item;
	const struct unit *account = directory_unit(state->directory, bytes_of_text(key->account));
	const struct unit *desk = account == nullptr ? nullptr : unit_above(account, UNIT_DESK);
	const struct unit *entity = account == nullptr ? nullptr : unit_above(account, UNIT_LEGAL_ENTITY);
	json_write_object(w);
	write_spent(state, LIMIT_ACCOUNT, bytes_of_text(key->account), w);
	if (desk != nullptr)
		write_spent(state, LIMIT_DESK, desk->id, w);
	write_spent(state, LIMIT_KEY, bytes_of_text(key->id), w);
	if (entity != nullptr)
		write_spent(state, LIMIT_LEGAL_ENTITY, entity->id, w);
	json_write_end(w);
}

static void
write_zone(const struct gate_state *state, const void *item, struct json_writer *w) {
	const struct zone *zone = item;
	json_write_object(w);
	json_write_member_string(w, "id", zone->id);
	json_write_key(w, "networks");
	json_write_array(w);
	for (size_t i = 0; i < state->zones.count; i++) {
		char text[ZONE_NETWORK_TEXT_SIZE];
		if (!bytes_equal_text(zone->id, state->zones.networks[i].zone))
			continue;
		zone_network_format(&state->zones.networks[i], text);
		json_write_text(w, text);
	}
	json_write_end(w);
	json_write_end(w);
}

static void
offer_zones(const struct gate_state *state, struct page *page) {
	for (size_t i = 0; i < directory_zone_count(state->directory); i++) {
		const struct zone *zone = directory_zone_at(state->directory, i);
		page_offer(page, zone->id, zone);
	}
}

static void
write_list(const struct gate_state *, const void *item, struct json_writer *w) {
	const struct destination_list *list = item;
	json_write_object(w);
	json_write_member_integer(w, "changed_at", list->changed_ms);
	json_write_member_integer(w, "count", (int64_t)list->entries.count);
	json_write_member_hex(w, "hash", hash256_bytes(&list->hash));
	json_write_member_text(w, "id", list->name);
	json_write_member_text(w, "kind", destination_list_kind_name(list->kind));
	json_write_member_integer(w, "version", list->version);
	json_write_end(w);
}

static void
offer_map(const struct map *map, struct page *page) {
	size_t at = 0;
	struct bytes id;
	void *value;
	while (map_next(map, &at, &id, &value))
		page_offer(page, id, value);
}

static void
offer_lists(const struct gate_state *state, struct page *page) {
	offer_map(&state->destinations.lists, page);
}

static void
write_destination(const struct destination_entry *entry, int64_t now_ms, struct json_writer *w) {
	const struct destination_terms *terms = &entry->terms;
	json_write_object(w);
	json_write_member_text(w, "destination", entry->spelling);
	if (terms->effective_ms != 0)
		json_write_member_integer(w, "effective_from", terms->effective_ms);
	if (terms->expires_ms != 0)
		json_write_member_integer(w, "expires", terms->expires_ms);
	if (terms->note[0] != '\0')
		json_write_member_text(w, "note", terms->note);
	if (terms->probation_cents != 0)
		json_write_member_integer(w, "probation", terms->probation_cents);
	json_write_member_text(w, "state", destination_state_name(destination_entry_state(entry, now_ms)));
	if (entry->is_tested)
		json_write_member_hex(w, "tested_by", BYTES_OF_ARRAY(entry->tested_by));
	json_write_end(w);
}

static void
write_asset(const struct gate_state *, const void *item, struct json_writer *w) {
	const struct asset *asset = item;
	json_write_object(w);
	json_write_member_integer(w, "decimals", asset->decimals);
	json_write_member_string(w, "id", asset->id);
	if (asset->has_price) {
		json_write_member_integer(w, "microcents", (int64_t)asset->price_microcents);
		json_write_member_integer(w, "recorded_at", asset->price_recorded_ms);
	}
	json_write_member_string(w, "symbol", asset->symbol);
	json_write_end(w);
}

static void
offer_assets(const struct gate_state *state, struct page *page) {
	for (size_t i = 0; i < asset_registry_count(state->assets); i++) {
		const struct asset *asset = asset_registry_at(state->assets, i);
		page_offer(page, asset->id, asset);
	}
}

static const struct {
	void (*offer)(const struct gate_state *state, struct page *page);
	void (*write)(const struct gate_state *state, const void *item, struct json_writer *writer);
} listings[] = {
	[LISTING_KEYS] = {offer_keys, write_key},
	[LISTING_PEOPLE] = {offer_people, write_principal},
	[LISTING_WORKLOADS] = {offer_workloads, write_principal},
	[LISTING_GROUPS] = {offer_groups, write_group},
	[LISTING_LISTS] = {offer_lists, write_list},
	[LISTING_ZONES] = {offer_zones, write_zone},
	[LISTING_ASSETS] = {offer_assets, write_asset},
	[LISTING_LIMITS] = {offer_keys, write_limits},
};

enum status
listing_page(struct arena *arena, const struct gate_state *state, enum listing of, struct bytes query,
	     struct json_writer *w) {
	struct page *page = ARENA_NEW(arena, struct page);
	TRY_ALLOC(page);
	TRY(read_page(query, page));
	listings[of].offer(state, page);
	json_write_object(w);
	page_write(page, state, "items", listings[of].write, w);
	page_write_next(page, w);
	json_write_end(w);
	return OK;
}

enum status
listing_list(struct arena *arena, const struct gate_state *state, struct bytes name, int64_t now_ms, struct bytes query,
	     struct json_writer *w) {
	const struct destination_list *list = destinations_find(&state->destinations, name);
	struct page *page = ARENA_NEW(arena, struct page);
	if (list == nullptr)
		return fail(STATUS_NOT_FOUND, "list.unknown: there is no list \"%.*s\"", BYTES_ARGS(name));
	TRY_ALLOC(page);
	TRY(read_page(query, page));
	offer_map(&list->entries, page);
	json_write_object(w);
	json_write_member_integer(w, "changed_at", list->changed_ms);
	json_write_member_integer(w, "count", (int64_t)list->entries.count);
	page_start(page, "entries", w);
	for (const struct destination_entry *entry; (entry = page_next(page, w)) != nullptr;)
		write_destination(entry, now_ms, w);
	json_write_end(w);
	json_write_member_hex(w, "hash", hash256_bytes(&list->hash));
	json_write_member_text(w, "id", list->name);
	json_write_member_text(w, "kind", destination_list_kind_name(list->kind));
	page_write_next(page, w);
	json_write_member_integer(w, "version", list->version);
	json_write_end(w);
	return OK;
}

enum status
listing_policy(const struct gate_state *state, struct json_writer *w) {
	json_write_object(w);
	json_write_member_hex(w, "bundle", hash256_bytes(&state->bundle->hash));
	json_write_key(w, "document");
	json_write_canonical(w, state->bundle->text);
	if (state->local != nullptr) {
		json_write_key(w, "local");
		json_write_object(w);
		json_write_member_hex(w, "bundle", hash256_bytes(&state->local->hash));
		json_write_key(w, "document");
		json_write_canonical(w, state->local->text);
		json_write_end(w);
	}
	json_write_end(w);
	return OK;
}
