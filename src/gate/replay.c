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
	at = 0;
	while (map_next(&gone->foreseen, &at, nullptr, &value))
		free(value);
	map_free(&gone->foreseen);
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

/* --- What comes later in the log. --- */

static enum status
foresee_erased(struct replayer *replayer, const json *body) {
	struct bytes subject;
	TRY(json_need_string(body, "erased", "subject", &subject));
	return map_put(&replayer->erased, subject, replayer, nullptr);
}

static enum status
put_foreseen(struct replayer *replayer, const struct hash256 *id, const struct foreseen *as, struct bytes leaf) {
	void *before = nullptr;
	struct foreseen *made = calloc(1, sizeof *made + leaf.len);
	TRY_ALLOC(made);
	made->since = as->since;
	made->is_transfer = as->is_transfer;
	made->len = leaf.len;
	if (leaf.len > 0)
		memcpy(made->leaf, leaf.data, leaf.len);
	enum status status = map_put(&replayer->foreseen, hash256_bytes(id), made, &before);
	free(status == OK ? before : made);
	return status;
}

static bool
is_decided_again(const json *body) {
	return json_get(body, "again") != nullptr || json_get(body, "again_blob") != nullptr;
}

static bool
is_text(const json *body, const char *member, const char *text) {
	const json *value = json_get(body, member);
	return value != nullptr && json_type_of(value) == JSON_STRING && bytes_equal_text(json_string(value), text);
}

static bool
is_transfer(const json *body) {
	const json *action = json_get(body, "action");
	return action != nullptr && json_type_of(action) == JSON_OBJECT &&
	       is_text(action, "id", operation_kinds[OPERATION_SIGN].name);
}

/* What has no form is found when it is judged. */
static enum status
foresee_again(struct replayer *replayer, const struct entry *entry, struct bytes leaf) {
	const json *text = json_get(entry->document, "operation");
	struct hash256 id;
	if (text == nullptr || json_type_of(text) != JSON_STRING ||
	    hex_decode(json_string(text), id.bytes, sizeof id.bytes) != OK)
		return OK;
	replayer->foreseen_open += entry->type == ENTRY_INTENT;
	if (entry->type == ENTRY_INTENT)
		return put_foreseen(replayer, &id,
				    &(struct foreseen){.since = replayer->foreseen_changes,
						       .is_transfer = is_transfer(entry->document)},
				    (struct bytes){});
	struct foreseen *known = map_remove(&replayer->foreseen, hash256_bytes(&id));
	enum status status = OK;
	replayer->foreseen_open -= known != nullptr && known->len == 0;
	if (known != nullptr && known->since != replayer->foreseen_changes && is_decided_again(entry->document))
		status = put_foreseen(replayer, &id, known, leaf);
	replayer->foreseen_changes += known == nullptr || !known->is_transfer;
	free(known);
	return status;
}

static bool
may_change(enum entry_type type) {
	return type == ENTRY_DECISION || type == ENTRY_OUTCOME || type == ENTRY_LOCAL_BUNDLE;
}

enum status
replayer_foresee(struct replayer *replayer, struct bytes leaf) {
	struct entry entry;
	TRY(entry_peek(leaf, &entry));
	replayer->foreseen_changes += entry.type == ENTRY_LOCAL_BUNDLE;
	bool is_between = entry.type == ENTRY_DECISION && replayer->foreseen_open > 0;
	if (entry.type != ENTRY_ERASED && entry.type != ENTRY_INTENT && entry.type != ENTRY_OUTCOME && !is_between)
		return OK;
	arena_reset(&replayer->arena);
	TRY(entry_read(&replayer->arena, leaf, &entry));
	if (entry.type == ENTRY_ERASED)
		return foresee_erased(replayer, entry.document);
	if (entry.type != ENTRY_DECISION)
		return foresee_again(replayer, &entry, leaf);
	replayer->foreseen_changes +=
		is_text(entry.document, "outcome", outcome_name(OUTCOME_DONE)) && !is_transfer(entry.document);
	return OK;
}

static void
open_foreseen(struct replayer *replayer, const struct hash256 *id) {
	struct foreseen *seen = map_get(&replayer->foreseen, hash256_bytes(id));
	if (seen == nullptr || seen->len == 0)
		return;
	seen->next = replayer->open;
	replayer->open = seen;
}

static void
close_foreseen(struct replayer *replayer, const struct foreseen *seen) {
	struct foreseen **at = &replayer->open;
	while (*at != nullptr && *at != seen)
		at = &(*at)->next;
	if (*at != nullptr)
		*at = seen->next;
}

static bool
same_again_exactly(struct replayer *replayer, const json *body) {
	replayer->past.is_exact = true;
	bool same = replay_same_again(replayer, body);
	replayer->past.is_exact = false;
	return same;
}

/* On the state before the entry: what was decided once more may have been so here. */
static enum status
try_foreseen(struct replayer *replayer, enum entry_type type) {
	for (struct foreseen *seen = replayer->open; seen != nullptr && may_change(type); seen = seen->next) {
		struct replay_counts counts = replayer->counts;
		struct entry outcome;
		if (seen->holds)
			continue;
		TRY(entry_read(&replayer->arena, bytes_of(seen->leaf, seen->len), &outcome));
		seen->holds = same_again_exactly(replayer, outcome.document);
		if (!seen->holds)
			replayer->counts = counts;
	}
	return OK;
}

/* One that holds on a state that there was meanwhile; where it was not foreseen, its facts are as they may have been. */
static bool
holds_again(struct replayer *replayer, const struct hash256 *id, const json *body) {
	struct foreseen *seen = map_get(&replayer->foreseen, hash256_bytes(id));
	if (seen == nullptr || seen->len == 0)
		return replay_same_again(replayer, body);
	close_foreseen(replayer, seen);
	return seen->holds || same_again_exactly(replayer, body);
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
	if (is_decided_again(body)) {
		bool same = holds_again(replayer, &id, body);
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
	if (record.outcome == OUTCOME_INTENDED) {
		open_foreseen(replayer, &record.operation_id);
		return replay_note_intended(replayer, &record);
	}
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
	TRY(try_foreseen(replayer, entry->type));
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
