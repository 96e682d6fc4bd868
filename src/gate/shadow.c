#include "gate/shadow.h"

#include <stdio.h>
#include <stdlib.h>

#include "gate/break_glass.h"
#include "gate/replay_request.h"
#include "model/entry.h"
#include "policy/held.h"

constexpr int64_t OBTAINABLE_MORE = 9; /* approvals beyond those that were there, before it counts as denied */

struct shadow {
	const struct bundle *bundle;
	const struct host *host;
	struct record_blobs blobs;
	int64_t from_ms, until_ms;
	struct shadow_counts counts;
	uint64_t told[DECISION_COUNT][DECISION_COUNT];
	struct buffer examples; /* canonical JSON of each, behind a comma */
	struct arena recorded;  /* of one entry */
	struct arena arena;     /* of one decision */
};

enum status
shadow_create(struct shadow **shadow, const struct bundle *bundle, const struct host *host,
	      const struct record_blobs *blobs) {
	*shadow = calloc(1, sizeof **shadow);
	TRY_ALLOC(*shadow);
	(*shadow)->bundle = bundle;
	(*shadow)->host = host;
	(*shadow)->until_ms = INT64_MAX;
	if (blobs != nullptr)
		(*shadow)->blobs = *blobs;
	return OK;
}

void
shadow_destroy(struct shadow **shadow) {
	struct shadow *gone = TAKE(*shadow);
	if (gone == nullptr)
		return;
	buffer_free(&gone->examples);
	arena_free(&gone->recorded);
	arena_free(&gone->arena);
	free(gone);
}

void
shadow_set_period(struct shadow *shadow, int64_t from_ms, int64_t until_ms) {
	shadow->from_ms = from_ms;
	shadow->until_ms = until_ms;
}

/* --- One operation. --- */

static enum status
add_counter(struct shadow *shadow, const struct value *record, struct bytes name, const char *above,
	    struct policy_counter *counters, size_t *count) {
	const struct value *value = value_record_get(record, name);
	if (value == nullptr || value->type != VALUE_LONG || *count == HELD_COUNTERS_MAX)
		return OK;
	const char *path = arena_format(&shadow->arena, "%s.%.*s", above, BYTES_ARGS(name));
	TRY_ALLOC(path);
	counters[(*count)++] =
		(struct policy_counter){bytes_of_text(path), value->integer, value->integer + OBTAINABLE_MORE};
	return OK;
}

static int
compare_counters(const void *a, const void *b) {
	return bytes_compare(((const struct policy_counter *)a)->path, ((const struct policy_counter *)b)->path);
}

static enum status
list_counters(struct shadow *shadow, const struct value *context, struct policy_counter *counters, size_t *count) {
	static const char *const of_anyone[] = {"independent", "phishing_resistant", "total"};
	static const char *const records[] = {"by_client", "first", "group", "second", "third"};
	const struct value *approvals =
		context == nullptr ? nullptr : value_record_get(context, bytes_of_text("approvals"));
	*count = 0;
	for (size_t i = 0; approvals != nullptr && i < ARRAY_LENGTH(records); i++) {
		const struct value *counts = value_record_get(approvals, bytes_of_text(records[i]));
		const char *above = arena_format(&shadow->arena, "approvals.%s", records[i]);
		TRY_ALLOC(above);
		for (size_t j = 0; counts != nullptr && j < counts->record.count; j++)
			TRY(add_counter(shadow, counts, counts->record.fields[j].name, above, counters, count));
	}
	for (size_t i = 0; approvals != nullptr && i < ARRAY_LENGTH(of_anyone); i++)
		TRY(add_counter(shadow, approvals, bytes_of_text(of_anyone[i]), "approvals", counters, count));
	qsort(counters, *count, sizeof *counters, compare_counters);
	return OK;
}

static enum status
decide(struct shadow *shadow, const struct shadow_case *one, struct policy_result *result, enum decision *decision) {
	const struct policy_options strict = {.strict = true};
	struct policy_counter counters[HELD_COUNTERS_MAX];
	struct policy_held held;
	size_t count;
	TRY(policy_decide(shadow->bundle->policies, one->entities, one->request, strict, &shadow->arena, result));
	bool permits =
		result->decision == POLICY_ALLOW && policy_floor_holds(&break_glass_floor, one->request->context);
	*decision = permits ? DECISION_PERMIT : DECISION_DENY;
	if (*decision == DECISION_PERMIT)
		return OK;
	TRY(list_counters(shadow, one->request->context, counters, &count));
	policy_floor_need(&break_glass_floor, one->request->context, counters, count);
	TRY(policy_held(shadow->bundle->policies, one->entities, one->request, strict, counters, count, &shadow->arena,
			&held));
	if (held.is_held)
		*decision = DECISION_HELD;
	return OK;
}

static void
write_uid(struct json_writer *w, const char *key, struct entity_uid uid) {
	json_write_key(w, key);
	json_write_object(w);
	json_write_member_string(w, "id", uid.id);
	json_write_member_string(w, "type", uid.type);
	json_write_end(w);
}

static void
write_names(const struct shadow *shadow, const char *key, const struct policy_result *result, bool of_errors,
	    struct json_writer *w) {
	json_write_key(w, key);
	json_write_array(w);
	for (size_t i = 0; i < (of_errors ? result->error_count : result->reason_count); i++) {
		struct policy_view view;
		policy_set_view(shadow->bundle->policies, of_errors ? result->errors[i].policy : result->reasons[i],
				&view);
		json_write_string(w, view.id);
	}
	json_write_end(w);
}

static enum status
tell(struct shadow *shadow, const struct shadow_case *one, const struct policy_result *result, enum decision would) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct json_writer w;
	json_writer_start(&w, &text);
	json_write_object(&w);
	write_uid(&w, "action", one->request->action);
	json_write_member_integer(&w, "at", one->at_ms);
	write_names(shadow, "errors", result, true, &w);
	json_write_member_text(&w, "place", one->place);
	write_uid(&w, "principal", one->request->principal);
	write_names(shadow, "reasons", result, false, &w);
	write_uid(&w, "resource", one->request->resource);
	json_write_member_text(&w, "was", decision_name(one->decided));
	json_write_member_text(&w, "would", decision_name(would));
	json_write_end(&w);
	TRY(json_writer_finish(&w));
	if (shadow->examples.len > 0)
		buffer_append_byte(&shadow->examples, ',');
	buffer_append_bytes(&shadow->examples, buffer_bytes(&text));
	return buffer_status(&shadow->examples);
}

enum status
shadow_add(struct shadow *shadow, const struct shadow_case *one) {
	struct policy_result result;
	enum decision would;
	if (one->at_ms < shadow->from_ms || one->at_ms >= shadow->until_ms)
		return OK;
	arena_reset(&shadow->arena);
	TRY(decide(shadow, one, &result, &would));
	shadow->counts.errors += result.error_count > 0;
	if (!one->is_decided) {
		shadow->counts.decided[would]++;
		return OK;
	}
	shadow->counts.compared++;
	shadow->counts.by[one->decided][would]++;
	if (one->decided == would)
		return OK;
	shadow->counts.different++;
	return shadow->told[one->decided][would]++ < SHADOW_EXAMPLES ? tell(shadow, one, &result, would) : OK;
}

enum status
shadow_add_entry(struct shadow *shadow, uint64_t index, struct bytes leaf) {
	_cleanup_(replay_request_free) struct replay_request made = {};
	struct entry entry;
	struct decision_record record;
	char place[40];
	arena_reset(&shadow->recorded);
	TRY(entry_read(&shadow->recorded, leaf, &entry));
	if (entry.type != ENTRY_DECISION && entry.type != ENTRY_INTENT)
		return OK;
	TRY(decision_record_read(&shadow->recorded, entry.document, &shadow->blobs, &record));
	if (record.decided_ms < shadow->from_ms || record.decided_ms >= shadow->until_ms)
		return OK;
	TRY(replay_request_make(&shadow->recorded, shadow->bundle, &record, &made));
	snprintf(place, sizeof place, "entry %llu", (unsigned long long)index);
	return shadow_add(shadow, &(struct shadow_case){.place = place,
							.at_ms = record.decided_ms,
							.request = &made.request,
							.entities = made.entities,
							.is_decided = true,
							.decided = record.decision});
}

/* --- What came of it. --- */

struct shadow_counts
shadow_counts(const struct shadow *shadow) {
	return shadow->counts;
}

static void
write_decisions(const uint64_t counts[DECISION_COUNT], struct json_writer *w) {
	static const enum decision by_name[] = {DECISION_DENY, DECISION_HELD, DECISION_PERMIT};
	json_write_object(w);
	for (size_t i = 0; i < ARRAY_LENGTH(by_name); i++)
		json_write_member_integer(w, decision_name(by_name[i]), (int64_t)counts[by_name[i]]);
	json_write_end(w);
}

enum status
shadow_write(const struct shadow *shadow, struct buffer *to) {
	static const enum decision by_name[] = {DECISION_DENY, DECISION_HELD, DECISION_PERMIT};
	_cleanup_(buffer_free) struct buffer examples = {};
	struct json_writer w;
	buffer_append_byte(&examples, '[');
	buffer_append_bytes(&examples, buffer_bytes(&shadow->examples));
	buffer_append_byte(&examples, ']');
	TRY(buffer_status(&examples));
	json_writer_start(&w, to);
	json_write_object(&w);
	json_write_member_hex(&w, "bundle", hash256_bytes(&shadow->bundle->hash));
	json_write_key(&w, "changes");
	json_write_object(&w);
	for (size_t i = 0; i < ARRAY_LENGTH(by_name); i++) {
		json_write_key(&w, decision_name(by_name[i]));
		write_decisions(shadow->counts.by[by_name[i]], &w);
	}
	json_write_end(&w);
	json_write_member_integer(&w, "compared", (int64_t)shadow->counts.compared);
	json_write_key(&w, "decided");
	write_decisions(shadow->counts.decided, &w);
	json_write_member_integer(&w, "different", (int64_t)shadow->counts.different);
	json_write_member_integer(&w, "errors", (int64_t)shadow->counts.errors);
	json_write_key(&w, "examples");
	json_write_canonical(&w, buffer_bytes(&examples));
	json_write_end(&w);
	return json_writer_finish(&w);
}
