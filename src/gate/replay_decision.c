#include "gate/replay_internal.h"

#include <stdckdint.h>

#include <stdlib.h>

#include "gate/break_glass.h"
#include "policy/held.h"

/* What decided. STATUS_NOT_FOUND "replay.local_bundle". */
enum status
replay_find_policies(struct replayer *replayer, const struct bundle *bundle, const struct decision_record *record,
		     const struct policy_set **policies) {
	struct hash256 both[2] = {record->bundle, record->local_bundle};
	*policies = bundle->policies;
	if (!record->has_local_bundle)
		return OK;
	struct policy_set *joined = map_get(&replayer->joined, bytes_of(both, sizeof both));
	const struct bundle *local = map_get(&replayer->locals, hash256_bytes(&record->local_bundle));
	if (local == nullptr)
		return fail(STATUS_NOT_FOUND, "replay.local_bundle: the decision's local bundle is not known");
	if (joined == nullptr) {
		TRY(bundle_join(bundle, local, &joined));
		enum status status = map_put(&replayer->joined, bytes_of(both, sizeof both), joined, nullptr);
		if (status != OK) {
			policy_set_destroy(&joined);
			return status;
		}
	}
	*policies = joined;
	return OK;
}

/* --- Comparing. --- */

static bool
same_reasons(struct replayer *replayer, const struct policy_set *policies, const struct decision_record *record,
	     const struct policy_result *result) {
	struct policy_view view;
	if (result->reason_count != record->reason_count)
		DIFFERS("%zu determining policies, recorded %zu", result->reason_count, record->reason_count);
	for (size_t i = 0; i < result->reason_count; i++) {
		policy_set_view(policies, result->reasons[i], &view);
		if (!bytes_equal(view.id, record->reasons[i].policy))
			DIFFERS("policy %.*s determines, recorded %.*s", BYTES_ARGS(view.id),
				BYTES_ARGS(record->reasons[i].policy));
	}
	if (result->error_count != record->error_count)
		DIFFERS("%zu policies err, recorded %zu", result->error_count, record->error_count);
	for (size_t i = 0; i < result->error_count; i++) {
		policy_set_view(policies, result->errors[i].policy, &view);
		if (!bytes_equal(view.id, record->errors[i].policy) ||
		    !bytes_equal_text(record->errors[i].message, result->errors[i].name))
			DIFFERS("policy %.*s errs with %s", BYTES_ARGS(view.id), result->errors[i].name);
	}
	return true;
}

/* The recorded forecast: exactly these approvals more permit. */
static bool
same_missing(struct replayer *replayer, const struct policy_set *policies, const struct policy_entities *entities,
	     const struct policy_request *request, const struct facts *facts, const struct decision_record *record) {
	struct policy_counter counters[HELD_COUNTERS_MAX];
	struct policy_held held;
	size_t count = 0;
	const json *missing;
	if (json_read(&replayer->arena, record->missing, (struct json_limits){}, &missing) != OK)
		DIFFERS("the missing approvals cannot be read");
	struct json_iterator iterator = json_iterate(missing);
	struct bytes name;
	for (const json *more; (more = json_next(&iterator, &name)) != nullptr;) {
		const char *path = arena_format(&replayer->arena, "approvals.%.*s", BYTES_ARGS(name));
		int64_t current = 0;
		if (path == nullptr || count == HELD_COUNTERS_MAX || json_type_of(more) != JSON_INTEGER ||
		    !facts_long_at(facts, path, &current))
			DIFFERS("the missing approvals name what is not a fact");
		counters[count++] = (struct policy_counter){bytes_of_text(path), current, current + json_integer(more)};
	}
	policy_floor_need(&break_glass_floor, request->context, counters, count);
	if (policy_held(policies, entities, request, (struct policy_options){.strict = true}, counters, count,
			&replayer->arena, &held) != OK ||
	    !held.is_held)
		DIFFERS("the approvals that were missing would not permit");
	for (size_t i = 0; i < count; i++)
		if (held.missing[i] != counters[i].obtainable - counters[i].current)
			DIFFERS("fewer approvals than recorded would permit");
	return true;
}

/* That of the entry before it, and no other. */
static bool
same_local_bundle(struct replayer *replayer, const struct decision_record *record) {
	if (record->has_local_bundle != (replayer->local != nullptr) ||
	    (replayer->local != nullptr && !hash256_equal(&record->local_bundle, &replayer->local->hash)))
		DIFFERS("its local bundle is not the one that the log says was in force");
	return true;
}

/* What the policies say to the recorded facts, by the recorded bundles. */
static bool
same_by_policy(struct replayer *replayer, const struct bundle *bundle, const struct decision_record *record,
	       const struct policy_set **policies, struct replay_request *made) {
	struct policy_result result;
	if (replay_find_policies(replayer, bundle, record, policies) != OK)
		DIFFERS("its local bundle cannot be joined to the other: %.200s", fail_message());
	if (replay_request_make(&replayer->arena, bundle, record, made) != OK)
		DIFFERS("facts or entities cannot be read: %.200s", fail_message());
	if (policy_decide(*policies, made->entities, &made->request, (struct policy_options){.strict = true},
			  &replayer->arena, &result) != OK)
		DIFFERS("cannot be decided: %.200s", fail_message());
	bool permitted = result.decision == POLICY_ALLOW && policy_floor_holds(&break_glass_floor, &made->context);
	if (permitted != (record->decision == DECISION_PERMIT))
		DIFFERS("decided %s, recorded %s", permitted ? "permit" : "deny", decision_name(record->decision));
	return same_reasons(replayer, *policies, record, &result);
}

/* The policy was told of no less than others had counted, and this. */
static bool
tells_of_others(struct replayer *replayer, const struct decision_record *record, const struct facts *facts) {
	const char *difference = nullptr;
	if (record->has_spend &&
	    others_hold(&replayer->arena, &record->spend, &record->others, facts, &difference) != OK)
		DIFFERS("limits cannot be compared: %.200s", fail_message());
	if (difference != nullptr)
		DIFFERS("%s is less than what others had counted", difference);
	return true;
}

bool
replay_same_decision(struct replayer *replayer, const struct decision_record *record) {
	const struct bundle *bundle = map_get(&replayer->bundles, hash256_bytes(&record->bundle));
	_cleanup_(replay_request_free) struct replay_request made = {};
	struct operation operation;
	const struct policy_set *policies;
	if (bundle == nullptr)
		DIFFERS("its bundle is not in the log before it");
	if (bundle != replayer->bundle)
		DIFFERS("its bundle is not the one that was in force");
	if (!same_local_bundle(replayer, record) || !same_by_policy(replayer, bundle, record, &policies, &made))
		return false;
	if (record->decision == DECISION_HELD &&
	    !same_missing(replayer, policies, made.entities, &made.request, made.facts, record))
		return false;
	return replay_document_holds(replayer, record, &operation) &&
	       replay_evidence_holds(replayer, record, &operation, made.facts) &&
	       replay_votes_hold(replayer, record, &operation, made.facts) &&
	       tells_of_others(replayer, record, made.facts) && replay_past_holds(replayer, record, made.facts);
}

/* --- What is decided once more, before a share leaves. --- */

static struct hash256
asked_hash(const struct decision_record *record) {
	return SHA256_PARTS(record->action.type, BYTES_OF_LITERAL("\n"), record->action.id, BYTES_OF_LITERAL("\n"),
			    record->principal.type, BYTES_OF_LITERAL("\n"), record->principal.id,
			    BYTES_OF_LITERAL("\n"), record->resource.type, BYTES_OF_LITERAL("\n"), record->resource.id);
}

struct intended {
	struct hash256 asked;
	const struct bundle *bundle; /* that was in force */
	int64_t cents;
	bool is_transfer;
	struct moved moved; /* until then */
};

static int64_t
sum_of(int64_t a, int64_t b) {
	int64_t sum;
	return ckd_add(&sum, a, b) ? INT64_MAX : sum;
}

/* As much as any limit can have grown by it. */
static int64_t
cents_of(const struct decision_record *record) {
	int64_t most = 0;
	for (size_t i = 0; record->has_spend && i < record->spend.part_count; i++)
		most = record->spend.parts[i].cents > most ? record->spend.parts[i].cents : most;
	return most;
}

void
replay_note_moved(struct replayer *replayer, const struct decision_record *record) {
	struct moved *moved = &replayer->past.moved;
	bool is_transfer = bytes_equal_text(record->action.id, operation_kinds[OPERATION_SIGN].name);
	moved->counted_cents = sum_of(moved->counted_cents, cents_of(record));
	if (record->outcome == OUTCOME_DONE) {
		moved->signed_count += is_transfer;
		moved->change_count += !is_transfer;
	}
}

void
replay_note_ended(struct replayer *replayer, const struct hash256 *id, const json *body) {
	struct moved *moved = &replayer->past.moved;
	const struct intended *intended = map_get(&replayer->intended, hash256_bytes(id));
	bool is_transfer = intended != nullptr && intended->is_transfer;
	moved->signed_count += is_transfer;
	moved->change_count += !is_transfer;
	if (json_get(body, "given_back") != nullptr)
		moved->freed_cents = sum_of(moved->freed_cents, intended == nullptr ? INT64_MAX : intended->cents);
}

enum status
replay_note_intended(struct replayer *replayer, const struct decision_record *record) {
	void *before = nullptr;
	struct intended *intended = malloc(sizeof *intended);
	TRY_ALLOC(intended);
	*intended = (struct intended){asked_hash(record), replayer->bundle, cents_of(record),
				      bytes_equal_text(record->action.id, operation_kinds[OPERATION_SIGN].name),
				      replayer->past.moved};
	enum status status = map_put(&replayer->intended, hash256_bytes(&record->operation_id), intended, &before);
	free(status == OK ? before : intended);
	return status;
}

bool
replay_same_again(struct replayer *replayer, const json *body) {
	_cleanup_(replay_request_free) struct replay_request made = {};
	struct decision_record record;
	const struct policy_set *policies;
	struct bytes outcome;
	if (decision_record_read_again(&replayer->arena, body, &replayer->blobs, &record) != OK ||
	    json_need_string(body, "outcome", "outcome", &outcome) != OK)
		DIFFERS("what was decided again cannot be read: %.200s", fail_message());
	const struct intended *intended = map_get(&replayer->intended, hash256_bytes(&record.operation_id));
	const struct bundle *bundle = map_get(&replayer->bundles, hash256_bytes(&record.bundle));
	struct hash256 asked = asked_hash(&record);
	if (intended == nullptr || !hash256_equal(&intended->asked, &asked))
		DIFFERS("what was decided again was not intended so");
	if (bundle == nullptr || (bundle != intended->bundle && bundle != replayer->bundle))
		DIFFERS("what was decided again was not decided by a bundle that was in force meanwhile");
	if (bytes_equal_text(outcome, outcome_name(OUTCOME_DONE)) && record.decision != DECISION_PERMIT)
		DIFFERS("it was done, and decided again otherwise");
	return same_by_policy(replayer, bundle, &record, &policies, &made) &&
	       tells_of_others(replayer, &record, made.facts) &&
	       replay_past_again_holds(replayer, &intended->moved, &record, made.facts);
}
