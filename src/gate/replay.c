#include "gate/replay_internal.h"

#include <stdlib.h>

#include "gate/activation.h"
#include "gate/local_bundle.h"
#include "model/entry.h"

enum status
replayer_create(struct replayer **replayer, const struct record_blobs *blobs) {
	*replayer = calloc(1, sizeof **replayer);
	TRY_ALLOC(*replayer);
	(*replayer)->blobs = *blobs;
	return OK;
}

void
replayer_destroy(struct replayer **replayer) {
	struct replayer *gone = TAKE(*replayer);
	if (gone == nullptr)
		return;
	size_t at = 0;
	void *value;
	while (map_next(&gone->bundles, &at, nullptr, &value)) {
		struct bundle *bundle = value;
		bundle_destroy(&bundle);
	}
	map_free(&gone->bundles);
	at = 0;
	while (map_next(&gone->locals, &at, nullptr, &value)) {
		struct bundle *bundle = value;
		bundle_destroy(&bundle);
	}
	map_free(&gone->locals);
	at = 0;
	while (map_next(&gone->joined, &at, nullptr, &value)) {
		struct policy_set *set = value;
		policy_set_destroy(&set);
	}
	map_free(&gone->joined);
	replay_votes_free(gone);
	map_free(&gone->erased);
	at = 0;
	while (map_next(&gone->intended, &at, nullptr, &value))
		free(value);
	map_free(&gone->intended);
	enrolled_free(&gone->enrolled);
	gate_destroy(&gone->past.gate);
	arena_free(&gone->arena);
	free(gone);
}

struct replay_counts
replayer_counts(const struct replayer *replayer) {
	return replayer->counts;
}

/* --- Bundles. --- */

/* From here on it is the one in force, whether it was before or not. */
static enum status
add_bundle(struct replayer *replayer, const json *payload) {
	struct bytes document;
	struct bundle *bundle;
	TRY(activation_document(&replayer->arena, payload, &document));
	TRY(bundle_create(&bundle, document, nullptr));
	const struct bundle *known = map_get(&replayer->bundles, hash256_bytes(&bundle->hash));
	if (known != nullptr) {
		bundle_destroy(&bundle);
		replayer->bundle = known;
		return OK;
	}
	enum status status = map_put(&replayer->bundles, hash256_bytes(&bundle->hash), bundle, nullptr);
	if (status != OK) {
		bundle_destroy(&bundle);
		return status;
	}
	replayer->bundle = bundle;
	replayer->counts.bundles++;
	return OK;
}

static enum status
add_local_bundle(struct replayer *replayer, const json *body) {
	_cleanup_(bundle_destroy) struct bundle *bundle = nullptr;
	TRY(local_bundle_read(&replayer->arena, body, &replayer->blobs, &bundle));
	replayer->local = nullptr;
	if (bundle == nullptr)
		return OK;
	struct bytes hash = hash256_bytes(&bundle->hash);
	struct bundle *known = map_get(&replayer->locals, hash);
	if (known == nullptr) {
		TRY(map_put(&replayer->locals, hash, bundle, nullptr));
		known = TAKE(bundle);
	}
	replayer->local = known;
	return OK;
}

static bool
is_policy_change(const json *described) {
	const json *kind = json_get(described, "kind");
	return kind != nullptr && json_type_of(kind) == JSON_STRING &&
	       bytes_equal_text(json_string(kind), "policy.activate");
}

static enum status
add_genesis(struct replayer *replayer, const json *body) {
	const json *document, *changes;
	struct bytes instance;
	int64_t created_ms;
	TRY(json_need(body, "genesis", "document", JSON_OBJECT, &document));
	TRY(json_need_string(document, "genesis", "instance", &instance));
	TRY(json_need_integer(document, "genesis", "created", &created_ms));
	snprintf(replayer->instance, sizeof replayer->instance, "%.*s", BYTES_ARGS(instance));
	TRY(json_need(document, "genesis", "changes", JSON_ARRAY, &changes));
	struct json_iterator iterator = json_iterate(changes);
	for (const json *change; (change = json_next(&iterator, nullptr)) != nullptr;) {
		struct bytes kind, resource;
		TRY(json_need_string(change, "genesis.change", "kind", &kind));
		TRY(json_need_string(change, "genesis.change", "resource", &resource));
		TRY(enrolled_follow(&replayer->enrolled, instance, kind, resource, created_ms,
				    json_get(change, "payload")));
		if (is_policy_change(change))
			TRY(add_bundle(replayer, json_get(change, "payload")));
	}
	return OK;
}

static enum replay_result
replay_enrolment(struct replayer *replayer, const json *body) {
	if (enrolled_follow_enrolment(&replayer->enrolled, bytes_of_text(replayer->instance), body) == OK) {
		replayer->counts.enrolments++;
		return REPLAY_NOT_A_DECISION;
	}
	snprintf(replayer->difference, sizeof replayer->difference, "an enrolment does not hold: %.200s",
		 fail_message());
	return REPLAY_DIFFERENT;
}

static enum replay_result
replay_divergence(struct replayer *replayer, const json *body) {
	if (enrolled_follow_divergence(&replayer->enrolled, bytes_of_text(replayer->instance), body) == OK)
		return REPLAY_NOT_A_DECISION;
	snprintf(replayer->difference, sizeof replayer->difference, "a divergence does not hold: %.200s",
		 fail_message());
	return REPLAY_DIFFERENT;
}

static enum replay_result
replay_sign_in(struct replayer *replayer, const json *body) {
	bool holds = replay_sign_in_holds(replayer, body);
	replayer->counts.sign_ins += holds;
	return holds ? REPLAY_NOT_A_DECISION : REPLAY_DIFFERENT;
}

enum status
replayer_foresee(struct replayer *replayer, struct bytes leaf) {
	struct entry entry;
	struct bytes subject;
	TRY(entry_peek(leaf, &entry));
	if (entry.type != ENTRY_ERASED)
		return OK;
	arena_reset(&replayer->arena);
	TRY(entry_read(&replayer->arena, leaf, &entry));
	TRY(json_need_string(entry.document, "erased", "subject", &subject));
	return map_put(&replayer->erased, subject, replayer, nullptr);
}

/* Whether values that the record commits to are of somebody who was erased. */
static enum status
commits_to_erased(struct replayer *replayer, const struct decision_record *record, bool *erased) {
	const json *members;
	*erased = false;
	if (record->personal.len == 0 || replayer->erased.count == 0)
		return OK;
	TRY(json_read(&replayer->arena, record->personal, (struct json_limits){}, &members));
	struct json_iterator iterator = json_iterate(members);
	for (const json *part; (part = json_next(&iterator, nullptr)) != nullptr;) {
		struct bytes subject;
		TRY(json_need_string(part, "personal", "subject", &subject));
		*erased = *erased || map_get(&replayer->erased, subject) != nullptr;
	}
	return OK;
}

static enum status
replay_outcome(struct replayer *replayer, const json *body, enum replay_result *result) {
	struct bytes text;
	struct hash256 id;
	TRY(json_need_string(body, "outcome", "operation", &text));
	TRY(hex_decode(text, id.bytes, sizeof id.bytes));
	*result = REPLAY_NOT_A_DECISION;
	if (json_get(body, "again") != nullptr || json_get(body, "again_blob") != nullptr) {
		bool same = replay_same_again(replayer, body);
		replayer->counts.again += same;
		*result = same ? REPLAY_NOT_A_DECISION : REPLAY_DIFFERENT;
	}
	if (*result != REPLAY_DIFFERENT && !replay_outcome_holds(replayer, &id, body))
		*result = REPLAY_DIFFERENT;
	replay_note_ended(replayer, &id, body);
	free(map_remove(&replayer->intended, hash256_bytes(&id)));
	return OK;
}

static enum status
replay_decision(struct replayer *replayer, const json *body, enum replay_result *result) {
	struct decision_record record;
	TRY(decision_record_read(&replayer->arena, body, &replayer->blobs, &record));
	bool same = replay_past_fits(replayer, &record) && replay_same_decision(replayer, &record), erased;
	TRY(commits_to_erased(replayer, &record, &erased));
	*result = !same ? REPLAY_DIFFERENT : erased ? REPLAY_ERASED : REPLAY_SAME;
	if (replayer->past.is_unfit)
		return OK;
	replay_note_moved(replayer, &record);
	if (record.outcome == OUTCOME_INTENDED)
		return replay_note_intended(replayer, &record);
	if (record.outcome != OUTCOME_DONE)
		return OK;
	const json *payload, *document;
	struct operation operation;
	TRY(json_read(&replayer->arena, record.payload, (struct json_limits){}, &payload));
	if (same) { /* a forged one enrols nobody */
		TRY(json_read(&replayer->arena, record.document, (struct json_limits){}, &document));
		TRY(operation_read(document, &operation));
		TRY(enrolled_follow(&replayer->enrolled, operation.instance, operation.kind, operation.resource,
				    record.decided_ms, payload));
	}
	return bytes_equal_text(record.action.id, "policy.activate") ? add_bundle(replayer, payload) : OK;
}

static enum status
replay_vote(struct replayer *replayer, const json *body, enum replay_result *result) {
	bool holds = true;
	TRY(replay_add_vote(replayer, body, &holds));
	*result = holds ? REPLAY_NOT_A_DECISION : REPLAY_DIFFERENT;
	return OK;
}

/* What an entry says by itself, and after those before. */
static enum status
judge(struct replayer *replayer, const struct entry *entry, enum replay_result *result) {
	switch (entry->type) {
	case ENTRY_GENESIS:
		TRY(add_genesis(replayer, entry->document));
		return replay_past_begin(replayer, entry->document);
	case ENTRY_VOTE:
		return replay_vote(replayer, entry->document, result);
	case ENTRY_SIGN_IN:
		*result = replay_sign_in(replayer, entry->document);
		return OK;
	case ENTRY_ENROLMENT:
		*result = replay_enrolment(replayer, entry->document);
		return OK;
	case ENTRY_DIVERGENCE:
		*result = replay_divergence(replayer, entry->document);
		return OK;
	case ENTRY_DECISION:
	case ENTRY_INTENT:
		return replay_decision(replayer, entry->document, result);
	case ENTRY_OUTCOME:
		return replay_outcome(replayer, entry->document, result);
	case ENTRY_LOCAL_BUNDLE:
		replayer->past.moved.change_count++;
		return add_local_bundle(replayer, entry->document);
	default:
		return OK;
	}
}

/* What does not hold is followed all the same, but for what the state before it does not admit at all, and votes: the keeper did, and
 * what it did next rests on it. */
static enum status
judge_and_follow(struct replayer *replayer, uint64_t index, const struct entry *entry, enum replay_result *result) {
	bool holds = replay_past_admits(replayer, entry);
	if (holds)
		TRY(judge(replayer, entry, result));
	if (holds && *result == REPLAY_NOT_A_DECISION && !replay_entity_holds(replayer, entry))
		*result = REPLAY_DIFFERENT;
	if (holds && (*result != REPLAY_DIFFERENT || entry->type != ENTRY_VOTE)) {
		bool differed = *result == REPLAY_DIFFERENT;
		char difference[sizeof replayer->difference];
		memcpy(difference, replayer->difference, sizeof difference);
		TRY(replay_past_follow(replayer, index, entry, &holds));
		if (differed)
			memcpy(replayer->difference, difference, sizeof difference);
	}
	if (!holds)
		*result = REPLAY_DIFFERENT;
	return OK;
}

static enum status
add_activated(struct replayer *replayer, const json *body) {
	struct decision_record record;
	const json *payload;
	TRY(decision_record_read(&replayer->arena, body, &replayer->blobs, &record));
	if (record.outcome != OUTCOME_DONE || !bytes_equal_text(record.action.id, "policy.activate"))
		return OK;
	TRY(json_read(&replayer->arena, record.payload, (struct json_limits){}, &payload));
	return add_bundle(replayer, payload);
}

enum status
replayer_add_bundles(struct replayer *replayer, struct bytes leaf) {
	struct entry entry;
	arena_reset(&replayer->arena);
	TRY(entry_read(&replayer->arena, leaf, &entry));
	switch (entry.type) {
	case ENTRY_GENESIS:
		return add_genesis(replayer, entry.document);
	case ENTRY_DECISION:
		return add_activated(replayer, entry.document);
	case ENTRY_LOCAL_BUNDLE:
		return add_local_bundle(replayer, entry.document);
	default:
		return OK;
	}
}

enum status
replayer_add(struct replayer *replayer, uint64_t index, struct bytes leaf, enum replay_result *result,
	     const char **difference) {
	struct entry entry;
	arena_reset(&replayer->arena);
	*result = REPLAY_NOT_A_DECISION;
	*difference = nullptr;
	TRY(entry_read(&replayer->arena, leaf, &entry));
	if ((entry.type == ENTRY_GENESIS) != (index == 0))
		return fail(STATUS_CORRUPT, "replay.genesis: entry %llu", (unsigned long long)index);
	if (index != replayer->past.next && replayer->past.gate != nullptr)
		replay_past_lose(replayer);
	replayer->past.next = index + 1;
	replayer->counts.entries++;
	TRY(judge_and_follow(replayer, index, &entry, result));
	replayer->counts.same += *result == REPLAY_SAME;
	replayer->counts.erased += *result == REPLAY_ERASED;
	replayer->counts.different += *result == REPLAY_DIFFERENT;
	*difference = *result == REPLAY_DIFFERENT ? replayer->difference : nullptr;
	return OK;
}
