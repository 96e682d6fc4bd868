#include "gate/replay_internal.h"

#include <stdckdint.h>

#include "gate/deciding.h"
#include "gate/evaluate.h"
#include "gate/joint.h"
#include "gate/payloads.h"
#include "gate/voting.h"
#include "identity/authenticator_data.h"
#include "identity/http_signature.h"

/* --- The state. --- */

static enum status
keeper_of_origin(const struct replayer *replayer, const json *document, struct bytes *keeper) {
	struct bytes origin;
	size_t len = strlen(replayer->instance);
	TRY(json_need_string(document, "genesis", "origin", &origin));
	*keeper = (struct bytes){};
	if (origin.len > len && memcmp(origin.data, replayer->instance, len) == 0 && origin.data[len] == '/')
		*keeper = bytes_of(origin.data + len + 1, origin.len - len - 1);
	return OK;
}

enum status
replay_past_begin(struct replayer *replayer, const json *genesis) {
	static const char *const nobody[] = {"replay"}; /* it answers no requests, and holds no keys */
	const json *document;
	struct gate_config config = {.instance = bytes_of_text(replayer->instance),
				     .authorities = nobody,
				     .authority_count = ARRAY_LENGTH(nobody),
				     .blobs = replayer->blobs};
	TRY(json_need(genesis, "genesis", "document", JSON_OBJECT, &document));
	TRY(keeper_of_origin(replayer, document, &config.keeper));
	return gate_create(&replayer->past.gate, &config);
}

void
replay_past_lose(struct replayer *replayer) {
	gate_destroy(&replayer->past.gate);
	replayer->counts.left_out = replayer->past.next;
}

/* What no window sees any more, and nonces that are over, go: as a keeper's do. */
static void
expire(struct gate *gate, uint64_t index) {
	constexpr uint64_t BETWEEN = 1024; /* entries */
	if (index % BETWEEN == 0)
		gate_tick(gate, gate->state->now_ms);
}

/* --- What an operation has come to. --- */

static const char *
words_of(const struct gate_operation *operation) {
	return operation_state_name(operation->state);
}

static bool
admits(struct replayer *replayer, const struct entry *entry, const struct gate_operation *known) {
	bool is_decision = entry->type == ENTRY_DECISION || entry->type == ENTRY_INTENT;
	enum operation_state needed = entry->type == ENTRY_OUTCOME ? OPERATION_UNKNOWN : OPERATION_HELD;
	if (known == nullptr && is_decision)
		return true;
	if (known == nullptr)
		DIFFERS("it is about an operation of which no decision is in the log before it");
	const json *legal_entity = json_get(entry->document, "legal_entity");
	if (known->state == needed && known->held != nullptr && !is_decision &&
	    (legal_entity == nullptr || json_type_of(legal_entity) != JSON_STRING ||
	     !bytes_equal(json_string(legal_entity), known->held->legal_entity)))
		DIFFERS("its legal entity is not the operation's");
	if (known->state != needed)
		DIFFERS("%s: the operation is %s by entry %llu", is_decision ? "decided twice" : "it comes too late",
			words_of(known), (unsigned long long)known->entry);
	return true;
}

/* By which version of the program the entry was decided; where it does not say, by that of the one before. */
static void
note_engine(struct replay_past *past, const struct entry *entry) {
	const json *engine = json_get(entry->document, "engine"), *schema = json_get(entry->document, "fact_schema");
	bool is_said = engine != nullptr && json_type_of(engine) == JSON_STRING && schema != nullptr &&
		       json_type_of(schema) == JSON_INTEGER;
	if (is_said)
		past->is_of_another = !bytes_equal_text(json_string(engine), ENGINE_VERSION) ||
				      json_integer(schema) != FACT_SCHEMA_VERSION;
}

/* What came of it is no earlier than what stands before. */
static bool
follows_in_time(struct replayer *replayer, const struct entry *entry) {
	const char *member = entry->type == ENTRY_OUTCOME ? "done_at" : "expired_at";
	const json *at = json_get(entry->document, member);
	if (entry->type != ENTRY_OUTCOME && entry->type != ENTRY_EXPIRY)
		return true;
	if (at == nullptr || json_type_of(at) != JSON_INTEGER || json_integer(at) < replayer->past.gate->state->now_ms)
		DIFFERS("it came out earlier than what stands before it");
	return true;
}

bool
replay_past_admits(struct replayer *replayer, const struct entry *entry) {
	const json *text = json_get(entry->document, "operation");
	struct hash256 id;
	bool is_about_one = entry->type == ENTRY_DECISION || entry->type == ENTRY_INTENT ||
			    entry->type == ENTRY_OUTCOME || entry->type == ENTRY_VOTE || entry->type == ENTRY_EXPIRY ||
			    (entry->type == ENTRY_REFUSAL && json_get(entry->document, "vote") != nullptr);
	note_engine(&replayer->past, entry);
	replayer->past.is_unfit = false;
	if (replayer->past.gate == nullptr || !is_about_one)
		return true;
	if (text == nullptr || json_type_of(text) != JSON_STRING ||
	    hex_decode(json_string(text), id.bytes, sizeof id.bytes) != OK)
		DIFFERS("it names no operation");
	return admits(replayer, entry, operations_find(&replayer->past.gate->state->operations, &id)) &&
	       follows_in_time(replayer, entry);
}

/* Approvers' statements name what was shown. Of a transaction whose derived keys nobody knows it is taken as stated. */
static void
restore_view(struct gate *gate, struct gate_operation *operation) {
	if (gate_restore_view(gate, operation->held) != OK)
		operation->held->view_digest = (struct hash256){};
}

static struct gate_operation *
named_by(const struct gate *gate, const struct entry *entry) {
	const json *text = json_get(entry->document, "operation");
	struct hash256 id;
	return text != nullptr && json_type_of(text) == JSON_STRING &&
			       hex_decode(json_string(text), id.bytes, sizeof id.bytes) == OK
		       ? operations_find(&gate->state->operations, &id)
		       : nullptr;
}

enum status
replay_past_follow(struct replayer *replayer, uint64_t index, const struct entry *entry, bool *holds) {
	struct replay_past *past = &replayer->past;
	if (past->gate == nullptr || past->is_unfit)
		return OK;
	enum status status = gate_restore_read_entry(past->gate, &replayer->arena, index, entry);
	if (status == STATUS_NO_MEMORY)
		return status;
	if (status != OK) {
		snprintf(replayer->difference, sizeof replayer->difference, "it cannot follow what was before: %.180s",
			 fail_message());
		*holds = false;
	}
	struct gate_operation *operation = named_by(past->gate, entry);
	if (operation != nullptr && operation->state != OPERATION_HELD)
		replay_forget_votes(replayer, &operation->id);
	else if (operation != nullptr && entry->type == ENTRY_DECISION)
		restore_view(past->gate, operation);
	expire(past->gate, index);
	past->hears_others = past->hears_others || past->gate->state->shared_keys.count > 0;
	return OK;
}

/* --- Asking again. --- */

static enum status
submission_of(struct replayer *replayer, const struct decision_record *record, struct submission *submission) {
	const json *document, *requester;
	*submission = (struct submission){.arena = &replayer->arena,
					  .id = record->operation_id,
					  .digest = record->digest,
					  .document = record->document,
					  .payload = record->payload,
					  .requester = record->requester,
					  .nonce_expires_s = record->signature_expires_s};
	TRY(json_read(&replayer->arena, record->document, (struct json_limits){}, &document));
	TRY(json_read(&replayer->arena, record->payload, (struct json_limits){}, &submission->payload_document));
	TRY(json_read(&replayer->arena, record->requester, (struct json_limits){}, &requester));
	TRY(json_need_string(requester, "requester", "key", &submission->key_id));
	if (json_get(requester, "nonce") != nullptr)
		TRY(json_need_string(requester, "requester", "nonce", &submission->nonce));
	submission->has_totp = json_get(requester, "totp") != nullptr;
	TRY(operation_read(document, &submission->operation));
	TRY(operation_kind_parse(submission->operation.kind, &submission->kind));
	TRY(operation_kind_check_resource(submission->kind, submission->operation.resource, &submission->resource_type,
					  &submission->resource_id));
	return payload_check(submission->kind, submission->payload_document);
}

bool
replay_past_fits(struct replayer *replayer, const struct decision_record *record) {
	struct submission *submission = ARENA_NEW(&replayer->arena, struct submission);
	replayer->past.is_unfit = submission == nullptr || submission_of(replayer, record, submission) != OK;
	if (replayer->past.is_unfit)
		DIFFERS("its operation is none: %.200s", fail_message());
	return true;
}

/* Of a first decision: what needs an order. */
static bool
may_ask(struct replayer *replayer, const struct submission *submission, const struct directory_key *key,
	int64_t now_ms) {
	const struct gate_state *state = replayer->past.gate->state;
	const json *requester;
	struct person_signature signature;
	struct authenticator_data data = {};
	if (json_read(&replayer->arena, submission->requester, (struct json_limits){}, &requester) != OK ||
	    person_signature_read_evidence(&replayer->arena, requester, &signature) != OK ||
	    (signature.is_passkey && authenticator_data_read(signature.authenticator_data, &data) != OK) ||
	    gate_check_key_in_order(key, data.counter, now_ms) != OK)
		DIFFERS("the requester's key could not ask: %.200s", fail_message());
	if (submission->operation.created_ms > now_ms + replayer->past.gate->skew_ms)
		DIFFERS("it was decided before it was made");
	if ((submission->nonce.len > 0) != (submission->nonce_expires_s != 0))
		DIFFERS("it does not say how long the request's nonce is kept");
	if (submission->nonce.len > 0 && nonces_has(state->nonces, submission->key_id, submission->nonce))
		DIFFERS("the request's nonce was taken before");
	return true;
}

/* The proofs of a bundle's invariants are the worker's: its word is in the facts, and is taken. */
static enum status
take_proof(struct replayer *replayer, const struct submission *submission, const struct facts *facts) {
	struct assessments *assessments = replayer->past.gate->assessments;
	struct bytes document;
	struct hash256 bundle;
	int64_t invariants = 0;
	if (submission->kind != OPERATION_POLICY_ACTIVATE)
		return OK;
	TRY(activation_document(&replayer->arena, submission->payload_document, &document));
	if (assessments_want_proof(assessments, document, &bundle) &&
	    facts_long_at(facts, "bundle.invariants", &invariants))
		assessments_settle(assessments, &bundle, OK, invariants);
	return OK;
}

/* Keys that are derived of a whole one are known to whoever holds it. */
static bool
asks_derived(const struct replayer *replayer, const struct submission *submission) {
	const struct key_info *key = joint_signs(submission->kind)
					     ? gate_state_key(replayer->past.gate->state, submission->resource_id)
					     : nullptr;
	return key != nullptr && key->material == KEY_MATERIAL_EXTENDED && key->sharing == KEY_WHOLE;
}

/* The windows of what was signed are asked with the spend that is recorded: as much as the transaction moves, by its facts. */
static bool
observe_undecoded(struct replayer *replayer, const struct decision_record *record, const struct submission *submission,
		  const struct directory_key *key, const struct votes *votes, const struct facts *facts,
		  struct evaluation *evaluation) {
	int64_t cents = 0;
	if (gate_observe_undecoded(replayer->past.gate, &replayer->arena, submission, key, votes, record->decided_ms,
				   evaluation) != OK)
		DIFFERS("it could not be asked: %.200s", fail_message());
	evaluation->observation.has_spend = facts_long_at(facts, "transfer.usd_cents", &cents);
	evaluation->observation.spend = record->spend;
	if (!record->has_spend)
		return true;
	for (size_t i = 0; i < record->spend.part_count; i++) {
		const struct limit_part *part = &record->spend.parts[i];
		if (part->dimension == LIMIT_KEY &&
		    (cents != part->cents || !bytes_equal(part->subject, submission->resource_id)))
			DIFFERS("the spend that is counted is not what the transaction moves");
	}
	if (guards_observe_spend(&evaluation->observation, evaluation->facts) != OK)
		DIFFERS("limits cannot be counted: %.200s", fail_message());
	return true;
}

/* --- Comparing. --- */

/* What a decision is held to. */
struct extent {
	bool is_undecoded;  /* nothing that is said of the transaction */
	bool is_by_derived; /* which key signs the digest is derived of one that is whole */
	bool is_of_another; /* by another version of the program: the facts that both know */
	/* Others stand between where it was decided and the entry that says so: */
	bool is_passed;     /* limits were, by as much as these have added, less, and as these have given back, more; */
	bool is_signed_by;  /* what signing changes is not compared; */
	bool is_changed_by; /* nothing is */
	int64_t added_cents, freed_cents;
};

static const char *
text_of(struct replayer *replayer, const struct value *value) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct json_writer writer;
	json_writer_start(&writer, &text);
	value_write(&writer, value);
	if (json_writer_finish(&writer) != OK)
		return "?";
	return arena_format(&replayer->arena, "%.*s", (int)(text.len > 60 ? 60 : text.len), (const char *)text.data)
		       ?: "?";
}

static bool
is_of_group(const char *name, const char *group) {
	size_t len = strlen(group);
	return strncmp(name, group, len) == 0 && name[len] == '.';
}

static bool
is_compared(const struct extent *extent, const struct decision_record *record, const char *name) {
	static const char *const of_transactions[] = {"transfer", "call", "approve", "destination"};
	for (size_t i = 0; extent->is_undecoded && i < ARRAY_LENGTH(of_transactions); i++)
		if (is_of_group(name, of_transactions[i]))
			return false;
	if (extent->is_changed_by ||
	    (extent->is_signed_by && (is_of_group(name, "destination") || strcmp(name, "transfer.last_nonce") == 0)))
		return false;
	return !extent->is_undecoded || record->has_spend || !is_of_group(name, "limits");
}

/* A limit that others have moved meanwhile. */
static bool
same_limit(struct replayer *replayer, const struct extent *extent, const char *name, int64_t expected,
	   int64_t recorded) {
	int64_t least, most;
	if (ckd_sub(&least, expected, extent->added_cents))
		least = INT64_MIN;
	if (ckd_add(&most, expected, extent->freed_cents))
		most = INT64_MAX;
	if (recorded < least)
		DIFFERS("%s is at least %lld, recorded %lld", name, (long long)least, (long long)recorded);
	if (recorded > most)
		DIFFERS("%s is at most %lld, recorded %lld", name, (long long)most, (long long)recorded);
	return true;
}

/* Of records the field is named. */
static bool
same_value(struct replayer *replayer, const struct extent *extent, const char *name, const struct value *expected,
	   const struct value *recorded) {
	if (value_equal(expected, recorded))
		return true;
	if (expected->type == VALUE_LONG && recorded->type == VALUE_LONG && is_of_group(name, "limits") &&
	    extent->is_passed)
		return same_limit(replayer, extent, name, expected->integer, recorded->integer);
	if (expected->type == VALUE_RECORD && recorded->type == VALUE_RECORD &&
	    expected->record.count == recorded->record.count)
		for (size_t i = 0; i < expected->record.count; i++) {
			const struct value_field *field = &expected->record.fields[i];
			const struct value *other = value_record_get(recorded, field->name);
			const char *path =
				arena_format(&replayer->arena, "%s.%.*s", name, BYTES_ARGS(field->name)) ?: name;
			if (other == nullptr)
				DIFFERS("%s is %s, and is not recorded", path, text_of(replayer, &field->value));
			if (!same_value(replayer, extent, path, &field->value, other))
				return false;
			if (i + 1 == expected->record.count)
				return true;
		}
	DIFFERS("%s is %s, recorded %s", name, text_of(replayer, expected), text_of(replayer, recorded));
}

static bool
same_facts(struct replayer *replayer, const struct extent *extent, const struct decision_record *record,
	   const struct facts *expected, const struct facts *recorded) {
	for (size_t i = 0; i < expected->count; i++) {
		const struct fact *fact = &expected->items[i], *other = facts_find(recorded, fact->name);
		if (!is_compared(extent, record, fact->name) || (other == nullptr && extent->is_of_another))
			continue;
		if (other == nullptr)
			DIFFERS("%s is %s, and is not recorded", fact->name, text_of(replayer, &fact->value));
		if (other->origin != fact->origin)
			DIFFERS("%s is %s, recorded as %s", fact->name, fact_origin_name(fact->origin),
				fact_origin_name(other->origin));
		if (!same_value(replayer, extent, fact->name, &fact->value, &other->value))
			return false;
	}
	for (size_t i = 0; i < recorded->count; i++) {
		const struct fact *fact = &recorded->items[i];
		if (is_compared(extent, record, fact->name) && !extent->is_of_another &&
		    facts_find(expected, fact->name) == nullptr)
			DIFFERS("%s is recorded as %s, and is not so", fact->name, text_of(replayer, &fact->value));
	}
	return true;
}

static int64_t
as_recorded(int64_t cents) {
	return cents > JSON_INTEGER_MAX ? JSON_INTEGER_MAX : cents;
}

static bool
is_same_part(const struct limit_part *a, const struct limit_part *b) {
	return a->dimension == b->dimension && bytes_equal(a->subject, b->subject) &&
	       as_recorded(a->cents) == as_recorded(b->cents);
}

/* What is signed is counted, and nothing else. */
static bool
same_spend(struct replayer *replayer, const struct decision_record *record, const struct observation *observation) {
	const struct spend *spend = &observation->spend;
	bool is_signed = observation->kind == OPERATION_SIGN &&
			 (record->outcome == OUTCOME_DONE || record->outcome == OUTCOME_INTENDED);
	if (record->has_spend != (is_signed && observation->has_spend))
		DIFFERS("%s", record->has_spend ? "a spend is counted that was none" : "a spend is not counted");
	if (!record->has_spend)
		return true;
	bool is_same = spend->part_count == record->spend.part_count &&
		       memcmp(spend->identity, record->spend.identity, sizeof spend->identity) == 0;
	for (size_t i = 0; is_same && i < spend->part_count; i++)
		is_same = is_same_part(&spend->parts[i], &record->spend.parts[i]);
	if (!is_same)
		DIFFERS("the spend that is counted is not the transaction's");
	return true;
}

/* What was signed is what the next of the chain's nonces is asked after. */
static bool
same_nonce(struct replayer *replayer, const struct decision_record *record, const struct evaluation *evaluation) {
	const struct fact *nonce = facts_find(evaluation->facts, "transfer.nonce");
	bool is_signed = evaluation->observation.kind == OPERATION_SIGN && record->outcome == OUTCOME_DONE &&
			 nonce != nullptr && nonce->value.type == VALUE_LONG;
	if (is_signed ? record->nonce_chain.len == 0 || (int64_t)record->nonce != nonce->value.integer ||
				!bytes_equal(record->nonce_chain, evaluation->transaction->chain)
		      : record->nonce_chain.len > 0)
		DIFFERS("the nonce that was signed is not the transaction's");
	return true;
}

/* Whose entry it is, whose votes were counted. */
static bool
same_rest(struct replayer *replayer, const struct decision_record *record, const struct evaluation *evaluation) {
	struct bytes legal_entity = evaluation_legal_entity(replayer->past.gate, evaluation), votes = {};
	if (!bytes_equal(legal_entity, record->legal_entity))
		DIFFERS("its legal entity is \"%.*s\", recorded \"%.60s\"", BYTES_ARGS(legal_entity),
			arena_format(&replayer->arena, "%.*s", BYTES_ARGS(record->legal_entity)) ?: "?");
	if (gate_write_votes(&replayer->arena, evaluation->observation.votes, &votes) != OK)
		DIFFERS("out of memory");
	if (!bytes_equal(votes, record->votes))
		DIFFERS("the votes are not listed as they were cast");
	return true;
}

/* That everything which the keeper would have recorded is so. */
static bool
same_record(struct replayer *replayer, const struct decision_record *record, const struct decision_record *ours) {
	if (!bytes_equal(ours->entities, record->entities))
		DIFFERS("the entities are not those that the entries before it made");
	if (ours->decision != record->decision)
		DIFFERS("decided %s, recorded %s", decision_name(ours->decision), decision_name(record->decision));
	if (!bytes_equal(ours->missing, record->missing))
		DIFFERS("missing is %.*s, recorded %.*s", (int)(ours->missing.len > 80 ? 80 : ours->missing.len),
			(const char *)ours->missing.data, (int)(record->missing.len > 80 ? 80 : record->missing.len),
			(const char *)record->missing.data);
	return true;
}

static bool
same_evaluation(struct replayer *replayer, const struct extent *extent, const struct decision_record *record,
		const struct evaluation *evaluation, const struct facts *recorded) {
	struct decision_record ours = {};
	if (evaluation_record(replayer->past.gate, &replayer->arena, evaluation, &ours) != OK)
		DIFFERS("it cannot be recorded: %.200s", fail_message());
	bool is_equal = bytes_equal(ours.facts, record->facts) && !extent->is_of_another;
	if (!is_equal && !same_facts(replayer, extent, record, evaluation->facts, recorded))
		return false;
	bool is_known = is_equal || (!extent->is_undecoded && !extent->is_of_another && !extent->is_passed);
	bool is_whole = is_known && !extent->is_by_derived;
	if (!is_known) { /* what the policies say to the facts that are recorded is compared elsewhere */
		ours.decision = record->decision;
		ours.missing = record->missing;
	}
	replayer->counts.recomputed += is_whole;
	replayer->counts.partly += !is_whole;
	return extent->is_of_another || extent->is_changed_by || same_record(replayer, record, &ours);
}

static struct extent
extent_of(const struct replayer *replayer, const struct submission *submission) {
	bool is_derived = asks_derived(replayer, submission), is_transaction = submission->kind == OPERATION_SIGN;
	return (struct extent){.is_undecoded = is_derived && is_transaction,
			       .is_by_derived = is_derived && !is_transaction &&
						json_get(submission->payload_document, "path") != nullptr,
			       .is_of_another = replayer->past.is_of_another};
}

static const struct votes *
votes_of(const struct gate_operation *known) {
	return known == nullptr || known->held == nullptr ? nullptr : known->held->votes;
}

bool
replay_past_holds(struct replayer *replayer, const struct decision_record *record, const struct facts *facts) {
	struct gate *gate = replayer->past.gate;
	struct evaluation *evaluation = ARENA_NEW(&replayer->arena, struct evaluation);
	struct submission *submission = ARENA_NEW(&replayer->arena, struct submission);
	const struct directory_key *key;
	if (gate == nullptr) {
		replayer->counts.unknown++;
		return true;
	}
	const struct gate_operation *known = operations_find(&gate->state->operations, &record->operation_id);
	if (evaluation == nullptr || submission == nullptr || submission_of(replayer, record, submission) != OK ||
	    take_proof(replayer, submission, facts) != OK)
		DIFFERS("it cannot be asked again: %.200s", fail_message());
	struct seen_network seen = seen_network_of(facts);
	submission->seen = &seen;
	submission->told = &record->others;
	if (record->decided_ms < gate->state->now_ms)
		DIFFERS("it was decided earlier than what stands before it");
	if (known != nullptr && !hash256_equal(&known->digest, &record->digest))
		DIFFERS("its document is not that of entry %llu", (unsigned long long)known->entry);
	if (known != nullptr && record->decision == DECISION_HELD)
		DIFFERS("decided twice: it is held by entry %llu", (unsigned long long)known->entry);
	if (directory_acting_key(gate->state->directory, submission->key_id, &key) != OK)
		DIFFERS("the requester's key could not ask: %.200s", fail_message());
	if (known == nullptr && !may_ask(replayer, submission, key, record->decided_ms))
		return false;
	const struct extent extent = extent_of(replayer, submission);
	if (extent.is_undecoded)
		return observe_undecoded(replayer, record, submission, key, votes_of(known), facts, evaluation) &&
		       same_evaluation(replayer, &extent, record, evaluation, facts) &&
		       same_rest(replayer, record, evaluation) &&
		       same_spend(replayer, record, &evaluation->observation) &&
		       replay_result_holds(replayer, record, submission, evaluation);
	if (gate_evaluate(gate, &replayer->arena, submission, key, votes_of(known), record->decided_ms, evaluation) !=
	    OK) {
		replayer->counts.partly += extent.is_of_another; /* which took what this one does not: a bundle */
		if (extent.is_of_another)
			return true;
		DIFFERS("it could not be decided: %.200s", fail_message());
	}
	return same_evaluation(replayer, &extent, record, evaluation, facts) &&
	       same_rest(replayer, record, evaluation) && same_spend(replayer, record, &evaluation->observation) &&
	       same_nonce(replayer, record, evaluation) &&
	       replay_result_holds(replayer, record, submission, evaluation);
}

/* --- What was decided once more. --- */

static bool
again_holds(struct replayer *replayer, const struct moved *since, const struct decision_record *record,
	    const struct facts *facts) {
	struct gate *gate = replayer->past.gate;
	const struct gate_operation *known = operations_find(&gate->state->operations, &record->operation_id);
	struct evaluation *evaluation = ARENA_NEW(&replayer->arena, struct evaluation);
	struct submission *submission = ARENA_NEW(&replayer->arena, struct submission);
	const struct directory_key *key;
	if (evaluation == nullptr || submission == nullptr || known == nullptr ||
	    joint_submission(known, &replayer->arena, submission) != OK)
		DIFFERS("it could not be asked again: %.200s", fail_message());
	submission->told = &record->others;
	if (directory_acting_key(gate->state->directory, submission->key_id, &key) != OK ||
	    gate_evaluate(gate, &replayer->arena, submission, key, votes_of(known), record->decided_ms, evaluation) !=
		    OK)
		DIFFERS("it could not be decided again: %.200s", fail_message());
	const struct moved *now = &replayer->past.moved;
	const struct extent extent = {
		.is_of_another = replayer->past.is_of_another,
		.is_passed = memcmp(since, now, sizeof *now) != 0,
		.is_signed_by = since->signed_count != now->signed_count,
		.is_changed_by = since->change_count != now->change_count && !replayer->past.is_exact,
		.added_cents = now->counted_cents - since->counted_cents,
		.freed_cents = now->freed_cents - since->freed_cents,
	};
	return same_evaluation(replayer, &extent, record, evaluation, facts);
}

bool
replay_past_again_holds(struct replayer *replayer, const struct moved *since, const struct decision_record *record,
			const struct facts *facts) {
	if (replayer->past.gate == nullptr) {
		replayer->counts.unknown++;
		return true;
	}
	return again_holds(replayer, since, record, facts);
}

/* --- Votes. --- */

/* What was counted elsewhere, and what derived keys sign, stands in no entry: whether it was as it says is not known then, nor where
 * this one cannot ask any more. */
static bool
ends_as_recorded(struct replayer *replayer, const struct gate_operation *operation, const struct vote_submission *vote,
		 const struct directory_key *key, const json *body, int64_t cast_ms) {
	struct submission submission;
	bool recorded = approval_entry_ends(body), ends;
	if (vote->statement.verdict != APPROVAL_REJECT)
		return true;
	if (joint_submission(operation, &replayer->arena, &submission) != OK || replayer->past.is_of_another ||
	    (submission.kind == OPERATION_SIGN &&
	     (replayer->past.hears_others || asks_derived(replayer, &submission))) ||
	    gate_rejection_ends(replayer->past.gate, operation, vote, key, cast_ms, &ends) != OK)
		return true;
	if (recorded != ends)
		DIFFERS("a rejection is by somebody who %s asked, and is recorded as one that %s",
			ends ? "was" : "was not", recorded ? "ends it" : "does not end it");
	return true;
}

bool
replay_past_vote_holds(struct replayer *replayer, const struct vote_submission *vote, const json *body,
		       int64_t cast_ms) {
	struct gate *gate = replayer->past.gate;
	static const struct hash256 unknown = {};
	const struct directory_key *key;
	if (gate == nullptr)
		return true;
	struct gate_operation *operation = operations_find(&gate->state->operations, &vote->operation_id);
	if (operation == nullptr || operation->held == nullptr)
		DIFFERS("a vote is on another operation than its entry");
	if (cast_ms < gate->state->now_ms)
		DIFFERS("a vote was cast earlier than what stands before it");
	if (operation->expires_ms <= cast_ms)
		DIFFERS("a vote was cast when the operation had expired");
	if (hash256_equal(&operation->held->view_digest, &unknown))
		operation->held->view_digest = vote->statement.view_digest;
	if (gate_check_vote(gate, operation, vote, cast_ms, &key) != OK)
		DIFFERS("a vote could not be cast: %.200s", fail_message());
	return ends_as_recorded(replayer, operation, vote, key, body, cast_ms);
}
