#include "gate/joint.h"

#include "gate/execute.h"
#include "gate/shared_request.h"

bool
joint_is(const struct gate *gate, enum operation_kind_id kind, struct bytes resource_id, const json *payload) {
	if (kind == OPERATION_KEY_CREATE)
		return json_get(payload, "scheme") != nullptr || json_get(payload, "threshold") != nullptr ||
		       json_get(payload, "parties") != nullptr;
	if (kind == OPERATION_KEY_REFRESH || kind == OPERATION_KEY_RESHARE)
		return true;
	return joint_signs(kind) && shared_keys_find(gate->state, resource_id) != nullptr;
}

bool
joint_signs(enum operation_kind_id kind) {
	return kind == OPERATION_SIGN || kind == OPERATION_DIGEST_SIGN;
}

bool
joint_dealt_key(const struct gate *gate, const struct submission *submission, struct bytes *key_id) {
	const json *payload = submission->payload_document;
	*key_id = submission->resource_id;
	if (submission->kind == OPERATION_KEY_REFRESH || submission->kind == OPERATION_KEY_RESHARE)
		return true;
	return submission->kind == OPERATION_KEY_CREATE &&
	       joint_is(gate, submission->kind, submission->resource_id, payload) &&
	       json_need_string(payload, "payload", "id", key_id) == OK;
}

bool
joint_is_being_dealt(const struct gate *gate, struct bytes key_id) {
	const struct operations *operations = &gate->state->operations;
	size_t at = 0;
	void *value;
	while (map_next(&operations->kept, &at, nullptr, &value)) {
		const struct gate_operation *operation = value;
		_cleanup_(arena_free) struct arena arena = {.block_size = 4096};
		struct submission submission;
		struct bytes id;
		if (operation->state == OPERATION_UNKNOWN && joint_submission(operation, &arena, &submission) == OK &&
		    joint_dealt_key(gate, &submission, &id) && bytes_equal(id, key_id))
			return true;
	}
	return false;
}

/* --- Keys. --- */

static enum status
read_parties(const json *payload, struct joint_key *key) {
	const json *parties;
	TRY(json_need(payload, "payload", "parties", JSON_ARRAY, &parties));
	if (json_size(parties) != key->key.parties)
		return fail(STATUS_INVALID, "payload.parties: %zu keepers are named, and the threshold is of %u",
			    json_size(parties), key->key.parties);
	struct json_iterator iterator = json_iterate(parties);
	for (const json *name; (name = json_next(&iterator, nullptr)) != nullptr; key->party_count++) {
		if (json_type_of(name) != JSON_STRING)
			return fail(STATUS_INVALID, "payload.parties: an element is not a string");
		TRY(party_name_check(json_string(name)));
		for (size_t i = 0; i < key->party_count; i++)
			if (bytes_equal_text(json_string(name), key->names[i]))
				return fail(STATUS_INVALID, "payload.parties: %s is named twice", key->names[i]);
		memcpy(key->names[key->party_count], json_string(name).data, json_string(name).len);
	}
	return OK;
}

static enum status
read_made(const struct gate *gate, const struct submission *submission, int64_t now_ms, struct joint_key *key) {
	const json *payload = submission->payload_document;
	struct bytes scheme, threshold;
	TRY(gate_read_key_attributes(gate, payload, submission->resource_id, now_ms, &key->key));
	TRY(json_need_string(payload, "payload", "scheme", &scheme));
	TRY(json_need_string(payload, "payload", "threshold", &threshold));
	if (key_sharing_parse(scheme, &key->key.sharing) != OK || key->key.sharing == KEY_WHOLE)
		return fail(STATUS_UNSUPPORTED, "payload.scheme: \"%.*s\" is no scheme by which keys are shared here",
			    (int)(scheme.len > 32 ? 32 : scheme.len), (const char *)scheme.data);
	TRY(sharing_parse_threshold(threshold, &key->key.threshold, &key->key.parties));
	key->is_made = true;
	key->key.epoch = 1;
	TRY(key_check_info(&key->key));
	return read_parties(payload, key);
}

/* The same key with its next epoch: among the same keepers, or among those of them that are named. */
static enum status
read_redealt(const struct gate *gate, const struct submission *submission, struct joint_key *key) {
	const struct shared_key *shared = shared_keys_find(gate->state, submission->resource_id);
	const struct key_info *record = gate_state_key(gate->state, submission->resource_id);
	struct bytes threshold;
	if (shared == nullptr || record == nullptr)
		return fail(STATUS_CONFLICT, "key.not_shared: key \"%.*s\" is not a shared one",
			    BYTES_ARGS(submission->resource_id));
	key->key = *record;
	key->key.epoch++;
	if (submission->kind == OPERATION_KEY_REFRESH) {
		key->party_count = shared->sharing.key.holders.count;
		memcpy(key->names, shared->sharing.names, sizeof key->names);
		return OK;
	}
	TRY(json_need_string(submission->payload_document, "payload", "threshold", &threshold));
	TRY(sharing_parse_threshold(threshold, &key->key.threshold, &key->key.parties));
	TRY(key_check_info(&key->key));
	return read_parties(submission->payload_document, key);
}

enum status
joint_read_key(const struct gate *gate, const struct submission *submission, int64_t now_ms, struct joint_key *key) {
	*key = (struct joint_key){};
	return submission->kind == OPERATION_KEY_CREATE ? read_made(gate, submission, now_ms, key)
							: read_redealt(gate, submission, key);
}

/* Policies count what a key spends; where two sets of signers need not meet, nobody counts all of it. */
static enum status
check_limits_hold(const struct key_info *key) {
	return sharing_tolerance(key->threshold, key->parties).may_be_limited
		       ? OK
		       : fail(STATUS_DENIED,
			      "key.threshold: two sets of %u of %u keepers need not meet, so that no limit would hold",
			      key->threshold, key->parties);
}

/* Only who knows the key can check what is dealt of it: nobody comes in who was no holder. */
static enum status
check_holders(const struct gate *gate, const struct joint_key *wanted) {
	const struct shared_key *shared = shared_keys_find(gate->state, bytes_of_text(wanted->key.id));
	const struct key_info *record = gate_state_key(gate->state, bytes_of_text(wanted->key.id));
	if (record->state == KEY_DESTROYED || shared_key_self(shared) == 0)
		return fail(STATUS_DENIED, "key.no_share: this keeper holds no share of key %s", record->id);
	size_t known = 0;
	for (size_t i = 0; i < wanted->party_count; i++)
		for (size_t j = 0; j < shared->sharing.key.holders.count; j++)
			known += strcmp(wanted->names[i], shared->sharing.names[j]) == 0;
	if (known < wanted->party_count)
		return fail(STATUS_UNSUPPORTED, "payload.parties: shares go to keepers that hold one now");
	return known >= shared->sharing.key.threshold
		       ? OK
		       : fail(STATUS_UNSUPPORTED, "payload.parties: %zu of those that hold a share; %u deal it anew",
			      known, shared->sharing.key.threshold);
}

static enum status
check_dealing(const struct gate *gate, const struct submission *submission, const struct evaluation *evaluation) {
	struct joint_key wanted;
	TRY(joint_read_key(gate, submission, evaluation->observation.now_ms, &wanted));
	if (wanted.key.purpose == KEY_PURPOSE_TRANSFER)
		TRY(check_limits_hold(&wanted.key));
	if (wanted.is_made && gate_state_key(gate->state, bytes_of_text(wanted.key.id)) != nullptr)
		return fail(STATUS_CONFLICT, "key.exists: there is a key %s already", wanted.key.id);
	if (joint_is_being_dealt(gate, bytes_of_text(wanted.key.id)))
		return fail(STATUS_CONFLICT, "key.being_dealt: another operation deals key %s, and has not ended",
			    wanted.key.id);
	for (size_t i = 0; i < wanted.party_count; i++)
		if (strcmp(wanted.names[i], gate->state->keeper) == 0)
			return wanted.is_made ? OK : check_holders(gate, &wanted);
	return fail(STATUS_CONFLICT, "payload.parties: this keeper is not among them");
}

enum status
joint_key_result(const struct key_info *key, const struct sharing *sharing, struct buffer *result) {
	struct json_writer writer;
	json_writer_start(&writer, result);
	json_write_object(&writer);
	json_write_key(&writer, "key");
	key_write(&writer, key);
	json_write_key(&writer, "sharing");
	sharing_write(&writer, sharing);
	json_write_end(&writer);
	return json_writer_finish(&writer);
}

/* --- Signing. --- */

static enum status
check_signing(const struct gate *gate, const struct submission *submission, const struct evaluation *evaluation) {
	struct shared_key *key;
	if (gate->state->ring == nullptr)
		return fail(STATUS_UNAVAILABLE, "key.locked: this process holds no keys");
	TRY(shared_keys_need_share(gate->state, submission->resource_id, &key));
	for (size_t i = 0; i < evaluation->request_count; i++) {
		TRY(keyring_check_request(gate->state->ring, submission->resource_id, evaluation->use,
					  &evaluation->requests[i]));
		TRY(shared_request_check(gate->state, &key->sharing, &evaluation->requests[i]));
	}
	return OK;
}

enum status
joint_check(const struct gate *gate, const struct submission *submission, const struct evaluation *evaluation) {
	return joint_signs(submission->kind) ? check_signing(gate, submission, evaluation)
					     : check_dealing(gate, submission, evaluation);
}

static enum status
keep_bytes(struct arena *arena, struct bytes from, struct bytes *kept) {
	*kept = arena_copy(arena, from);
	TRY_ALLOC(kept->data);
	return OK;
}

/* Beside the signature that was kept. */
static enum status
find_totp(struct submission *submission) {
	const json *requester;
	TRY(json_read(submission->arena, submission->requester, (struct json_limits){}, &requester));
	submission->has_totp = json_get(requester, "totp") != nullptr;
	return OK;
}

enum status
joint_submission(const struct gate_operation *operation, struct arena *arena, struct submission *submission) {
	const struct held_operation *held = operation->held;
	const json *document;
	if (held == nullptr)
		return fail(STATUS_CONFLICT, "operation.not_unknown: this operation's outcome is known");
	*submission = (struct submission){.arena = arena, .id = operation->id, .digest = operation->digest};
	TRY(keep_bytes(arena, held->document, &submission->document));
	TRY(keep_bytes(arena, held->payload, &submission->payload));
	TRY(keep_bytes(arena, held->requester, &submission->requester));
	TRY(find_totp(submission));
	TRY(keep_bytes(arena, held->key_id, &submission->key_id));
	submission->seen = &held->seen;
	TRY(json_read(arena, submission->document, (struct json_limits){}, &document));
	TRY(json_read(arena, submission->payload, (struct json_limits){}, &submission->payload_document));
	TRY(operation_read(document, &submission->operation));
	TRY(operation_kind_parse(submission->operation.kind, &submission->kind));
	return operation_kind_check_resource(submission->kind, submission->operation.resource,
					     &submission->resource_type, &submission->resource_id);
}

static enum status
denied(const struct gate *gate, const struct evaluation *evaluation) {
	struct policy_view view = {};
	if (evaluation->result.reason_count > 0)
		policy_set_view(gate_state_policies(gate->state), evaluation->result.reasons[0], &view);
	return fail(STATUS_DENIED, "joint.denied: on what all signers have counted: %s %.*s",
		    view.id.len > 0 ? "forbidden by" : "no policy permits it", BYTES_ARGS(view.id));
}

enum status
joint_decide_again(struct gate *gate, const struct gate_operation *operation, int64_t now_ms, struct arena *arena,
		   struct evaluation *evaluation) {
	struct submission *submission = ARENA_NEW(arena, struct submission);
	const struct directory_key *key;
	TRY_ALLOC(submission);
	TRY(joint_submission(operation, arena, submission));
	TRY(directory_active_key(gate->state->directory, submission->key_id, &key));
	TRY(gate_evaluate(gate, arena, submission, key, operation->held->votes, now_ms, evaluation));
	if (evaluation->decision != DECISION_PERMIT)
		return denied(gate, evaluation);
	return check_signing(gate, submission, evaluation);
}

enum status
joint_sign_conclusion(struct arena *arena, const struct evaluation *evaluation, const struct signature *signatures,
		      struct conclusion *conclusion) {
	*conclusion = (struct conclusion){.outcome = OUTCOME_DONE};
	TRY(gate_assemble(arena, evaluation, signatures, &conclusion->result));
	const struct fact *nonce = facts_find(evaluation->facts, "transfer.nonce");
	if (nonce == nullptr || nonce->value.type != VALUE_LONG)
		return OK;
	conclusion->nonce_chain = evaluation->transaction->chain;
	conclusion->nonce = (uint64_t)nonce->value.integer;
	return OK;
}
