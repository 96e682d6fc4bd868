#include "gate/administration.h"
#include "gate/enrolment.h"
#include "gate/evaluate.h"
#include "gate/gate.h"
#include "gate/genesis.h"
#include "gate/one_time.h"
#include "gate/joint.h"
#include "gate/local_bundle.h"
#include "gate/pledges.h"
#include "gate/shared_keys.h"
#include "gate/view.h"
#include "gate/voting.h"

/*
 * The state from the log. Each entry is applied by the functions that applied it when it was made, with what it recorded:
 * nothing is decided, signed or looked up again.
 */

static enum status
corrupt(uint64_t index, const char *what) {
	return fail(STATUS_CORRUPT, "restore.%s: entry %llu", what, (unsigned long long)index);
}

static enum status
find_or_add(struct gate *gate, const struct decision_record *record, struct gate_operation **operation) {
	*operation = operations_find(&gate->state->operations, &record->operation_id);
	return *operation != nullptr ? OK : operations_add(&gate->state->operations, &record->operation_id, operation);
}

static enum status
keep_bytes(struct arena *arena, struct bytes from, struct bytes *kept) {
	*kept = arena_copy(arena, from);
	TRY_ALLOC(kept->data);
	return OK;
}

/* What the zone guard stated at submission, from the facts as they were recorded. */
static enum status
keep_seen(struct arena *arena, const struct decision_record *record, struct held_operation *held) {
	struct facts *facts = ARENA_NEW(arena, struct facts);
	const json *encoded;
	TRY_ALLOC(facts);
	facts_start(facts, arena);
	TRY(json_read(arena, record->facts, (struct json_limits){}, &encoded));
	TRY(facts_read(facts, encoded));
	held->seen = seen_network_of(facts);
	return keep_bytes(&held->arena, held->seen.zone, &held->seen.zone);
}

static enum status
keep(struct gate *gate, struct arena *arena, struct gate_operation *operation, const struct decision_record *record,
     bool is_held) {
	struct held_operation *held;
	const json *document, *requester;
	struct bytes key_id;
	if (operation->held != nullptr)
		return keep_bytes(&operation->held->arena, record->missing, &operation->held->missing);
	TRY(operations_keep(&gate->state->operations, operation, &held));
	TRY(keep_bytes(&held->arena, record->document, &held->document));
	TRY(keep_bytes(&held->arena, record->payload, &held->payload));
	TRY(keep_bytes(&held->arena, record->requester, &held->requester));
	TRY(keep_bytes(&held->arena, record->missing, &held->missing));
	TRY(keep_bytes(&held->arena, record->legal_entity, &held->legal_entity));
	TRY(keep_seen(arena, record, held));
	TRY(json_read(arena, held->requester, (struct json_limits){}, &requester));
	TRY(json_need_string(requester, "requester", "key", &key_id));
	TRY(keep_bytes(&held->arena, key_id, &held->key_id));
	TRY(json_read(&held->arena, held->document, (struct json_limits){}, &document));
	TRY(operation_read(document, &held->operation));
	TRY(operations_note_requester(&gate->state->operations, held));
	return !is_held ? OK : votes_create(&held->votes, held->operation.principal);
}

static enum status
apply_recorded_change(struct gate *gate, struct arena *arena, const struct operation *operation,
		      const struct decision_record *record) {
	struct change change = {.operation = operation, .now_ms = record->decided_ms};
	TRY(operation_kind_parse(operation->kind, &change.kind));
	TRY(operation_kind_check_resource(change.kind, operation->resource, &change.resource_type,
					  &change.resource_id));
	TRY(json_read(arena, record->payload, (struct json_limits){}, &change.payload));
	if (record->result.len > 0)
		TRY(json_read(arena, record->result, (struct json_limits){}, &change.result));
	TRY(gate_apply_change(gate, &change));
	if (record->has_spend)
		TRY(gate_state_apply_spend(gate->state, &record->spend));
	return record->nonce_chain.len == 0
		       ? OK
		       : gate_state_set_last_nonce(gate->state, change.resource_id, record->nonce_chain, record->nonce);
}

/* The request signature's nonce stays used until its signature has expired, a restart notwithstanding. */
static enum status
take_nonce(struct gate *gate, struct arena *arena, const struct decision_record *record) {
	if (record->signature_expires_s == 0)
		return OK;
	const json *requester;
	struct bytes key_id, nonce;
	TRY(json_read(arena, record->requester, (struct json_limits){}, &requester));
	TRY(json_need_string(requester, "requester", "key", &key_id));
	TRY(json_need_string(requester, "requester", "nonce", &nonce));
	if (nonces_has(gate->state->nonces, key_id, nonce))
		return OK; /* the same submission, decided a second time after its votes */
	return nonces_take(gate->state->nonces, key_id, nonce, record->signature_expires_s, record->decided_ms);
}

/* So does that of an operation which was refused after its nonce was taken. */
static enum status
restore_nonce_of_refusal(struct gate *gate, const json *body) {
	struct bytes key_id, nonce;
	int64_t expires_s, refused_ms;
	TRY(json_need_string(body, "refusal", "key", &key_id));
	TRY(json_need_string(body, "refusal", "nonce", &nonce));
	TRY(json_need_integer(body, "refusal", "signature_expires", &expires_s));
	TRY(json_need_integer(body, "refusal", "refused_at", &refused_ms));
	return nonces_take(gate->state->nonces, key_id, nonce, expires_s, refused_ms);
}

/* An authenticator's counter goes on from the newest signature that the log holds. */
static enum status
follow_counter(struct gate *gate, struct arena *arena, const json *evidence) {
	struct person_signature signature;
	struct authenticator_data data;
	struct bytes key_id;
	if (json_get(evidence, "assertion") == nullptr)
		return OK;
	TRY(json_need_string(evidence, "evidence", "key", &key_id));
	TRY(person_signature_read_evidence(arena, evidence, &signature));
	TRY(authenticator_data_read(signature.authenticator_data, &data));
	const struct directory_key *key = directory_key(gate->state->directory, key_id);
	if (key != nullptr && key->passkey != nullptr && data.counter > key->passkey->counter)
		directory_set_counter(gate->state->directory, key_id, data.counter);
	return OK;
}

static enum status
follow_requester(struct gate *gate, struct arena *arena, const struct operation *operation,
		 const struct decision_record *record) {
	const json *requester, *totp;
	int64_t step;
	TRY(json_read(arena, record->requester, (struct json_limits){}, &requester));
	totp = json_get(requester, "totp");
	if (totp != nullptr) {
		TRY(json_need_integer(totp, "requester.totp", "step", &step));
		one_time_follow(gate->state, operation->principal, step);
	}
	return follow_counter(gate, arena, requester);
}

static enum status
restore_decision(struct gate *gate, struct arena *arena, uint64_t index, const json *body, bool is_intent) {
	struct decision_record record;
	struct operation operation;
	struct gate_operation *known;
	const json *document;
	TRY(decision_record_read(arena, body, &gate->blobs, &record));
	TRY(personal_restore(gate, index, json_get(body, "personal")));
	TRY(json_read(arena, record.document, (struct json_limits){}, &document));
	TRY(operation_read(document, &operation));
	if (is_intent != (record.outcome == OUTCOME_INTENDED))
		return corrupt(index, "intent");
	gate->state->now_ms = record.decided_ms;
	TRY(find_or_add(gate, &record, &known));
	known->digest = record.digest;
	known->repetition = operation_repetition_hash(&operation);
	known->expires_ms = operation.expires_ms;
	known->entry = index;
	TRY(take_nonce(gate, arena, &record));
	TRY(follow_requester(gate, arena, &operation, &record));
	if (record.decision == DECISION_PERMIT && record.outcome == OUTCOME_DONE)
		TRY(apply_recorded_change(gate, arena, &operation, &record));
	if (is_intent && record.has_spend) /* reserved until an outcome gives it back */
		TRY(limits_apply(gate->state->limits, &record.spend));
	if (operation.break_glass && (record.outcome == OUTCOME_DONE || record.outcome == OUTCOME_INTENDED))
		TRY(reviews_demand(&gate->state->reviews, &record.operation_id, operation.principal,
				   record.decided_ms));
	enum operation_state state = decision_record_state(&record);
	if (state == OPERATION_HELD || state == OPERATION_UNKNOWN)
		TRY(keep(gate, arena, known, &record, state == OPERATION_HELD));
	operations_set_state(&gate->state->operations, known, state);
	return OK;
}

static enum status
find_named(const struct gate *gate, uint64_t index, const json *body, struct gate_operation **operation) {
	struct bytes text;
	struct hash256 id;
	TRY(json_need_string(body, "entry", "operation", &text));
	TRY(hex_decode(text, id.bytes, sizeof id.bytes));
	*operation = operations_find(&gate->state->operations, &id);
	return *operation != nullptr ? OK : corrupt(index, "operation");
}

static enum status
restore_vote(struct gate *gate, struct arena *arena, uint64_t index, const json *body) {
	struct gate_operation *operation;
	struct approval_statement statement;
	const json *object;
	struct bytes key_id;
	int64_t cast_ms;
	TRY(find_named(gate, index, body, &operation));
	TRY(json_need(body, "vote", "statement", JSON_OBJECT, &object));
	TRY(json_need_string(body, "vote", "key", &key_id));
	TRY(json_need_integer(body, "vote", "cast_at", &cast_ms));
	_cleanup_(buffer_free) struct buffer text = {};
	struct json_writer writer;
	json_writer_start(&writer, &text);
	json_write_value(&writer, object);
	TRY(json_writer_finish(&writer));
	TRY(approval_read(arena, buffer_bytes(&text), &statement));
	if (operation->state != OPERATION_HELD)
		return corrupt(index, "vote");
	struct vote vote = {.key_id = key_id,
			    .person = statement.person,
			    .verdict = statement.verdict,
			    .client = statement.client,
			    .stage = statement.stage,
			    .completed_stage = statement.completed_stage,
			    .bundle_hash = statement.bundle_hash,
			    .expires_ms = statement.expires_ms};
	TRY(approval_digest(&statement, &vote.statement_digest));
	TRY(votes_cast(operation->held->votes, gate->state->directory, &vote, cast_ms));
	TRY(follow_counter(gate, arena, body));
	TRY(personal_restore(gate, index, json_get(body, "personal")));
	gate->state->now_ms = cast_ms;
	operation->entry = index;
	const struct directory_key *initiator;
	if ((statement.verdict == APPROVAL_REJECT && approval_entry_ends(body)) ||
	    directory_acting_key(gate->state->directory, operation->held->key_id, &initiator) !=
		    OK) /* as decide_again() */
		operations_set_state(&gate->state->operations, operation, OPERATION_REJECTED);
	return OK;
}

static enum status
follow_mismatch(struct gate *gate, const json *body, struct bytes person) {
	struct hash256 operation;
	struct bytes text;
	bool is_named = json_get(body, "operation") != nullptr;
	if (is_named) {
		TRY(json_need_string(body, "refusal", "operation", &text));
		TRY(hex_decode(text, operation.bytes, sizeof operation.bytes));
	}
	one_time_follow_failure(gate->state, person, is_named ? &operation : nullptr);
	return OK;
}

/* A one-time password that did not match counts, and one that was taken is not taken again. */
static enum status
follow_one_time(struct gate *gate, const json *body) {
	static const char mismatch[] = "totp.mismatch:";
	struct bytes error, key_id;
	TRY(json_need_string(body, "refusal", "error", &error));
	TRY(json_need_string(body, "refusal", "key", &key_id));
	struct bytes person = http_signature_principal(key_id);
	if (error.len >= sizeof mismatch - 1 && memcmp(error.data, mismatch, sizeof mismatch - 1) == 0)
		TRY(follow_mismatch(gate, body, person));
	if (json_get(body, "totp_step") == nullptr)
		return OK;
	int64_t step;
	TRY(json_need_integer(body, "refusal", "totp_step", &step));
	one_time_follow(gate->state, person, step);
	return OK;
}

/* A refusal at a last vote is the newest that is known of an operation that stays held. */
static enum status
restore_refusal(struct gate *gate, uint64_t index, const json *body) {
	struct gate_operation *operation;
	if (json_get(body, "nonce") != nullptr)
		return restore_nonce_of_refusal(gate, body);
	if (json_get(body, "vote") == nullptr)
		return follow_one_time(gate, body);
	TRY(find_named(gate, index, body, &operation));
	if (operation->state != OPERATION_HELD)
		return corrupt(index, "refusal");
	operation->entry = index;
	return OK;
}

static enum status
restore_expiry(struct gate *gate, uint64_t index, const json *body) {
	struct gate_operation *operation;
	int64_t expired_ms;
	TRY(find_named(gate, index, body, &operation));
	TRY(json_need_integer(body, "expiry", "expired_at", &expired_ms));
	if (operation->state != OPERATION_HELD || expired_ms < operation->expires_ms)
		return corrupt(index, "expiry");
	gate->state->now_ms = expired_ms;
	operation->entry = index;
	operations_set_state(&gate->state->operations, operation, OPERATION_EXPIRED);
	return OK;
}

/* What an act that took other keepers yielded, and what came of it. */
static enum status
restore_done(struct gate *gate, struct arena *arena, struct gate_operation *operation, const json *body,
	     int64_t done_ms) {
	struct change change;
	struct bytes result = {}, chain = {};
	uint64_t nonce;
	TRY(change_of_kept(operation, done_ms, &change));
	TRY(record_read_result(arena, body, &gate->blobs, &result));
	TRY(record_read_nonce(body, &chain, &nonce));
	if (result.len > 0)
		TRY(json_read(arena, result, (struct json_limits){}, &change.result));
	TRY(gate_apply_change(gate, &change));
	return chain.len == 0 ? OK : gate_state_note_nonce(gate->state, change.resource_id, chain, nonce);
}

static enum status
restore_outcome(struct gate *gate, struct arena *arena, uint64_t index, const json *body) {
	struct gate_operation *operation;
	struct bytes outcome;
	int64_t done_ms;
	TRY(find_named(gate, index, body, &operation));
	TRY(json_need_string(body, "outcome", "outcome", &outcome));
	TRY(json_need_integer(body, "outcome", "done_at", &done_ms));
	if (operation->state != OPERATION_UNKNOWN || operation->held == nullptr)
		return corrupt(index, "outcome");
	bool done = bytes_equal_text(outcome, outcome_name(OUTCOME_DONE));
	if (done) {
		TRY(restore_done(gate, arena, operation, body, done_ms));
		gate_state_note_signed(gate->state, &operation->id, done_ms);
	}
	if (json_get(body, "given_back") != nullptr)
		TRY(limits_release(gate->state->limits, operation->id.bytes));
	gate->state->now_ms = done_ms;
	operation->entry = index;
	operations_set_state(&gate->state->operations, operation, done ? OPERATION_DONE : OPERATION_FAILED);
	return OK;
}

static enum status
restore_erased(struct gate *gate, const json *body) {
	struct bytes subject;
	TRY(json_need_string(body, "erased", "subject", &subject));
	return subjects_erase(&gate->state->subjects, subject);
}

static enum status
restore_local_bundle(struct gate *gate, struct arena *arena, const json *body) {
	_cleanup_(bundle_destroy) struct bundle *bundle = nullptr;
	TRY(local_bundle_read(arena, body, &gate->blobs, &bundle));
	return local_bundle_apply(gate->state, &bundle);
}

enum status
gate_restore_read_entry(struct gate *gate, struct arena *arena, uint64_t index, const struct entry *entry) {
	if ((entry->type == ENTRY_GENESIS) != (index == 0))
		return corrupt(index, "genesis");
	switch (entry->type) {
	case ENTRY_GENESIS:
		return genesis_apply(gate, entry->document);
	case ENTRY_DECISION:
	case ENTRY_INTENT:
		return restore_decision(gate, arena, index, entry->document, entry->type == ENTRY_INTENT);
	case ENTRY_VOTE:
		return restore_vote(gate, arena, index, entry->document);
	case ENTRY_OUTCOME:
		return restore_outcome(gate, arena, index, entry->document);
	case ENTRY_EXPIRY:
		return restore_expiry(gate, index, entry->document);
	case ENTRY_REFUSAL:
		return restore_refusal(gate, index, entry->document);
	case ENTRY_ENROLMENT:
		return enrolment_restore(gate, arena, entry->document);
	case ENTRY_DIVERGENCE:
		return enrolment_restore_divergence(gate, arena, entry->document);
	case ENTRY_SIGN_IN:
		return follow_counter(gate, arena, entry->document);
	case ENTRY_PEER:
		return keepers_restore_entry(&gate->state->keepers, entry->document);
	case ENTRY_LEFT:
		return left_apply(gate, arena, entry->document);
	case ENTRY_OVERDUE:
		return shared_keys_apply_overdue(gate->state, entry->document);
	case ENTRY_LOCAL_BUNDLE:
		return restore_local_bundle(gate, arena, entry->document);
	case ENTRY_ERASED:
		return restore_erased(gate, entry->document);
	default:
		return OK; /* says nothing that decisions depend on */
	}
}

enum status
gate_restore_entry(struct gate *gate, uint64_t index, struct bytes leaf) {
	struct arena *arena = &gate->scratch;
	struct entry entry;
	arena_reset(arena);
	TRY(entry_read(arena, leaf, &entry));
	return gate_restore_read_entry(gate, arena, index, &entry);
}

static enum secrets_recorded
key_recorded(void *context, struct bytes id) {
	const struct gate *gate = context;
	const struct key_info *key = gate_state_key(gate->state, id);
	if (key == nullptr)
		return SECRETS_UNRECORDED;
	return key->state == KEY_DESTROYED ? SECRETS_DESTROYED : SECRETS_CREATED;
}

/* The views of held operations again, now that keys can be asked: approvers' statements name their digests. */
enum status
gate_restore_view(struct gate *gate, struct held_operation *held) {
	struct arena *arena = &gate->scratch;
	struct wallet_transaction *transaction = nullptr;
	enum operation_kind_id kind;
	arena_reset(arena);
	TRY(operation_kind_parse(held->operation.kind, &kind));
	if (kind == OPERATION_SIGN) {
		enum resource_type type;
		struct bytes key;
		const json *payload;
		TRY(resource_parse(held->operation.resource, &type, &key));
		TRY(json_read(arena, held->payload, (struct json_limits){}, &payload));
		TRY(gate_decode_transaction(gate, arena, payload, key, gate->state->now_ms, &transaction));
	}
	_cleanup_(buffer_free) struct buffer view = {};
	TRY(operation_view(&held->operation, held->payload, transaction, &view));
	held->view_digest = sha256(buffer_bytes(&view));
	return OK;
}

/* A row's name is "<key>/<epoch>". */
static bool
read_share_name(struct bytes name, struct bytes *id, uint64_t *epoch) {
	const uint8_t *slash = name.len == 0 ? nullptr : memchr(name.data, '/', name.len);
	if (slash == nullptr)
		return false;
	*id = bytes_of(name.data, (size_t)(slash - name.data));
	return decimal_decode(bytes_of(slash + 1, name.len - id->len - 1), epoch) == OK;
}

static enum secrets_recorded
share_recorded(void *context, struct bytes name) {
	const struct gate *gate = context;
	struct bytes id;
	uint64_t epoch;
	if (!read_share_name(name, &id, &epoch))
		return SECRETS_UNRECORDED;
	const struct key_info *key = gate_state_key(gate->state, id);
	if (key != nullptr && key->state == KEY_DESTROYED)
		return SECRETS_DESTROYED;
	const struct shared_key *shared = shared_keys_find(gate->state, id);
	if (shared != nullptr && shared->sharing.key.epoch == epoch)
		return SECRETS_CREATED;
	/* Or of a dealing whose end is not recorded: it is what a restart goes on from. Of the next epoch, or of a later one where this keeper
	 * comes back. */
	bool is_later = shared == nullptr || epoch > shared->sharing.key.epoch;
	return is_later && joint_is_being_dealt(gate, id) ? SECRETS_CREATED : SECRETS_UNRECORDED;
}

/* Of dealings of keys that were destroyed, and of those that failed, as well: whoever comes back asks what was pledged of them. */
static enum secrets_recorded
pledges_recorded(void *context, struct bytes name) {
	const struct gate *gate = context;
	return pledges_row_is_known(gate->state, name) ? SECRETS_CREATED : SECRETS_UNRECORDED;
}

static enum status
reconcile_shares(struct gate *gate) {
	size_t expected = 0, at = 0;
	void *value;
	struct secrets_reconciled reconciled;
	while (map_next(&gate->state->shared_keys, &at, nullptr, &value))
		expected += shared_key_self(value) != 0;
	TRY(secrets_reconcile(gate->state->secrets, "share", share_recorded, gate, expected, &reconciled));
	return secrets_reconcile(gate->state->secrets, "pledge", pledges_recorded, gate, 0, &reconciled);
}

enum status
gate_reconcile_keys(struct gate *gate) {
	size_t expected = 0;
	if (gate->state->ring == nullptr || gate->state->secrets == nullptr)
		return OK;
	for (size_t i = 0; i < keyring_count(gate->state->ring); i++) {
		const struct key_info *key = keyring_at(gate->state->ring, i);
		expected += key->state != KEY_DESTROYED && key->sharing == KEY_WHOLE;
	}
	struct secrets_reconciled reconciled;
	TRY(secrets_reconcile(gate->state->secrets, "key", key_recorded, gate, expected, &reconciled));
	return reconcile_shares(gate);
}

enum status
gate_restore_finish(struct gate *gate) {
	TRY(gate_state_open_keys(gate->state));
	size_t at = 0;
	void *value;
	while (map_next(&gate->state->operations.kept, &at, nullptr, &value)) {
		struct gate_operation *operation = value;
		if (operation->state == OPERATION_HELD)
			TRY(gate_restore_view(gate, operation->held));
	}
	TRY(one_time_open(gate->state));
	TRY(one_time_reconcile(gate->state));
	TRY(gate_reconcile_keys(gate));
	return personal_reconcile(gate);
}
