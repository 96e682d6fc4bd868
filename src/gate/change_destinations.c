#include "gate/change_destinations.h"

#include "gate/payloads.h"
#include "guards/destinations/look_alike.h"

constexpr size_t ENTRIES_MAX = 4096; /* of one change to a list */

enum status
change_list_create(struct gate_state *state, const struct change *change) {
	struct bytes id, kind_text;
	enum destination_list_kind kind;
	TRY(json_need_string(change->payload, "payload", "id", &id));
	TRY(json_need_string(change->payload, "payload", "kind", &kind_text));
	TRY(destination_list_kind_parse(kind_text, &kind));
	return destinations_create_list(&state->destinations, id, kind, change->now_ms);
}

enum status
can_list_create(const struct gate_state *state, const struct change *change) {
	struct bytes id;
	TRY(json_need_string(change->payload, "payload", "id", &id));
	return destinations_check_list(&state->destinations, id);
}

static enum status
read_entries(struct arena *arena, const json *payload, struct bytes **entries, size_t *count) {
	const json *array;
	TRY(json_need(payload, "payload", "entries", JSON_ARRAY, &array));
	*count = json_size(array);
	if (*count == 0 || *count > ENTRIES_MAX)
		return fail(STATUS_INVALID, "payload.entries: expected 1 to %zu entries, found %zu", ENTRIES_MAX,
			    *count);
	*entries = ARENA_NEW_ARRAY(arena, *count, struct bytes);
	TRY_ALLOC(*entries);
	struct json_iterator iterator = json_iterate(array);
	for (size_t i = 0; i < *count; i++) {
		const json *entry = json_next(&iterator, nullptr);
		if (json_type_of(entry) != JSON_STRING)
			return fail(STATUS_INVALID, "payload.entries: entry %zu is not a string", i);
		TRY(payload_destination(arena, json_string(entry), &(*entries)[i]));
	}
	return OK;
}

static enum status
read_terms(const json *payload, struct destination_terms *terms) {
	struct bytes note = {};
	*terms = (struct destination_terms){};
	TRY(payload_optional_number(payload, "effective_from", &terms->effective_ms));
	TRY(payload_optional_number(payload, "expires", &terms->expires_ms));
	TRY(payload_optional_number(payload, "probation", &terms->probation_cents));
	if (json_get(payload, "note") == nullptr)
		return OK;
	TRY(json_need_string(payload, "payload", "note", &note));
	if (note.len == 0 || note.len > DESTINATION_NOTE_MAX || memchr(note.data, '\0', note.len) != nullptr)
		return fail(STATUS_INVALID, "payload.note: expected 1 to %zu characters", DESTINATION_NOTE_MAX);
	memcpy(terms->note, note.data, note.len);
	return OK;
}

enum status
can_list_add(const struct gate_state *state, const struct change *change) {
	_cleanup_(arena_free) struct arena arena = {};
	struct destination_terms terms;
	struct bytes *entries;
	size_t count;
	TRY(read_terms(change->payload, &terms));
	TRY(read_entries(&arena, change->payload, &entries, &count));
	return destinations_check_add(&state->destinations, change->resource_id, entries, count, &terms,
				      change->now_ms);
}

static enum status
can_change_list(const struct gate_state *state, const struct change *change,
		enum status (*check)(const struct destinations *, struct bytes, const struct bytes *, size_t)) {
	_cleanup_(arena_free) struct arena arena = {};
	struct bytes *entries;
	size_t count;
	TRY(read_entries(&arena, change->payload, &entries, &count));
	return check(&state->destinations, change->resource_id, entries, count);
}

enum status
can_list_remove(const struct gate_state *state, const struct change *change) {
	return can_change_list(state, change, destinations_check_remove);
}

enum status
can_list_confirm(const struct gate_state *state, const struct change *change) {
	return can_change_list(state, change, destinations_check_confirm);
}

enum status
change_list_add(struct gate_state *state, const struct change *change) {
	_cleanup_(arena_free) struct arena arena = {};
	struct destination_terms terms;
	struct bytes *entries;
	size_t count;
	TRY(read_terms(change->payload, &terms));
	TRY(read_entries(&arena, change->payload, &entries, &count));
	return destinations_add(&state->destinations, change->resource_id, entries, count, &terms, change->now_ms);
}

static enum status
change_list(struct gate_state *state, const struct change *change,
	    enum status (*apply)(struct destinations *, struct bytes, const struct bytes *, size_t, int64_t)) {
	_cleanup_(arena_free) struct arena arena = {};
	struct bytes *entries;
	size_t count;
	TRY(read_entries(&arena, change->payload, &entries, &count));
	return apply(&state->destinations, change->resource_id, entries, count, change->now_ms);
}

enum status
change_list_confirm(struct gate_state *state, const struct change *change) {
	return change_list(state, change, destinations_confirm);
}

enum status
change_list_remove(struct gate_state *state, const struct change *change) {
	return change_list(state, change, destinations_remove);
}

void
facts_of_list(const struct gate_state *state, const struct change *change, struct facts *facts) {
	const struct destination_list *list = destinations_find(&state->destinations, change->resource_id);
	if (list != nullptr)
		facts_add_string(facts, "change.list_kind", FACT_VERIFIED,
				 bytes_of_text(destination_list_kind_name(list->kind)));
	const json *entries = json_get(change->payload, "entries");
	if (entries != nullptr)
		facts_add_long(facts, "change.entries", FACT_VERIFIED, (int64_t)json_size(entries));
}

/* Of what is to be paid: who is not to be paid may look like anyone. */
static void
add_look_alike(const struct gate_state *state, const struct change *change, struct facts *facts) {
	const struct destination_list *list = destinations_find(&state->destinations, change->resource_id);
	struct bytes *entries, entry, other;
	size_t count;
	if (list == nullptr || list->kind != DESTINATIONS_ALLOWED ||
	    read_entries(facts->arena, change->payload, &entries, &count) != OK ||
	    destinations_find_look_alike(&state->destinations, entries, count, &entry, &other) != OK)
		return;
	facts_add_boolean(facts, "change.look_alike", FACT_VERIFIED, entry.len > 0);
	if (entry.len == 0)
		return;
	facts_add_string(facts, "change.look_alike_entry", FACT_VERIFIED, entry);
	facts_add_string(facts, "change.look_alike_of", FACT_VERIFIED, arena_copy(facts->arena, other));
}

void
facts_of_list_add(const struct gate_state *state, const struct change *change, struct facts *facts) {
	struct destination_terms terms;
	facts_of_list(state, change, facts);
	add_look_alike(state, change, facts);
	if (read_terms(change->payload, &terms) != OK)
		return;
	int64_t waiting_ms = terms.effective_ms > change->now_ms ? terms.effective_ms - change->now_ms : 0;
	facts_add_long(facts, "change.waiting_ms", FACT_VERIFIED, waiting_ms);
	if (terms.expires_ms != 0)
		facts_add_long(facts, "change.expires_in_ms", FACT_VERIFIED, terms.expires_ms - change->now_ms);
	if (terms.probation_cents != 0)
		facts_add_long(facts, "change.test_cents", FACT_VERIFIED, terms.probation_cents);
}

void
facts_of_list_confirm(const struct gate_state *state, const struct change *change, struct facts *facts) {
	const struct destination_list *list = destinations_find(&state->destinations, change->resource_id);
	struct bytes *entries;
	size_t count;
	facts_of_list(state, change, facts);
	if (list == nullptr || read_entries(facts->arena, change->payload, &entries, &count) != OK)
		return;
	bool all_tested = true;
	for (size_t i = 0; i < count; i++) {
		const struct destination_entry *entry = destination_list_entry(list, entries[i]);
		all_tested = all_tested && entry != nullptr && entry->terms.probation_cents != 0 && entry->is_tested;
	}
	facts_add_boolean(facts, "change.tested", FACT_VERIFIED, all_tested);
}

void
facts_of_list_create(const struct gate_state *, const struct change *change, struct facts *facts) {
	facts_add_payload_text(facts, "change.list_kind", change->payload, "kind");
}
