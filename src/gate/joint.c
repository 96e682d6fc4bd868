#include "gate/joint.h"

#include "gate/digest.h"
#include "gate/execute.h"
#include "gate/import_key.h"
#include "gate/shared_request.h"

bool
joint_is(const struct gate *gate, enum operation_kind_id kind, struct bytes resource_id, const json *payload) {
	if (kind == OPERATION_KEY_CREATE || kind == OPERATION_KEY_IMPORT)
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
joint_is_signing(const struct gate_operation *operation) {
	enum operation_kind_id kind;
	return operation->held != nullptr && operation_kind_parse(operation->held->operation.kind, &kind) == OK &&
	       joint_signs(kind);
}

bool
joint_dealt_key(const struct gate *gate, const struct submission *submission, struct bytes *key_id) {
	const json *payload = submission->payload_document;
	*key_id = submission->resource_id;
	if (submission->kind == OPERATION_KEY_REFRESH || submission->kind == OPERATION_KEY_RESHARE)
		return true;
	return (submission->kind == OPERATION_KEY_CREATE || submission->kind == OPERATION_KEY_IMPORT) &&
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
		if (operation->state == OPERATION_UNKNOWN && !joint_is_signing(operation) &&
		    joint_submission(operation, &arena, &submission) == OK && joint_dealt_key(gate, &submission, &id) &&
		    bytes_equal(id, key_id))
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

/* Of a key that was whole: what its parts add up to and, of an extended one, its chain code. */
static enum status
read_imported(const json *payload, struct joint_key *key) {
	struct bytes kind, text;
	struct point point;
	TRY(json_need_string(payload, "payload", "secret_kind", &kind));
	if (!bytes_equal_text(kind, "parts") || key->key.sharing != KEY_SHARED_ECDSA)
		return fail(STATUS_UNSUPPORTED,
			    "payload.secret_kind: a key to be shared comes in as \"parts\", by scheme ecdsa");
	TRY(json_need_string(payload, "payload", "public_key", &text));
	if (hex_decode(text, key->key.public_key, POINT_SIZE) != OK || point_read(key->key.public_key, &point) != OK)
		return fail(STATUS_INVALID, "payload.public_key: no compressed point of secp256k1");
	key->key.public_key_len = POINT_SIZE;
	key->is_imported = true;
	if (key->key.material != KEY_MATERIAL_EXTENDED)
		return OK;
	TRY(json_need_string(payload, "payload", "chain_code", &text));
	return hex_decode(text, key->chain_code, sizeof key->chain_code) == OK
		       ? OK
		       : fail(STATUS_INVALID, "payload.chain_code: expected %zu hexadecimal digits",
			      2 * sizeof key->chain_code);
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
	if (submission->kind == OPERATION_KEY_IMPORT)
		TRY(read_imported(payload, key));
	TRY(key_check_info(&key->key));
	return read_parties(payload, key);
}

/* What a keeper that comes in must know of the key. */
static enum status
read_stated(const json *payload, struct bytes key_id, struct key_info *record, struct sharing *sharing) {
	const json *key, *text;
	TRY(json_need(payload, "payload", "key", JSON_OBJECT, &key));
	TRY(json_need(payload, "payload", "sharing", JSON_OBJECT, &text));
	TRY(key_read(key, record));
	TRY(sharing_read(text, sharing));
	TRY(sharing_check_record(sharing, record));
	return bytes_equal_text(key_id, record->id)
		       ? OK
		       : fail(STATUS_INVALID, "payload.key: it is the record of %s, not of the key to be dealt",
			      record->id);
}

enum status
joint_stated_record(struct arena *arena, const struct submission *submission, const struct key_info **record) {
	struct key_info *stated = ARENA_NEW(arena, struct key_info);
	struct sharing sharing;
	*record = nullptr;
	if (submission->kind != OPERATION_KEY_RESHARE || json_get(submission->payload_document, "key") == nullptr)
		return OK;
	TRY_ALLOC(stated);
	TRY(read_stated(submission->payload_document, submission->resource_id, stated, &sharing));
	*record = stated;
	return OK;
}

/* Records of one key differ in the time of its making, which is each keeper's. */
static enum status
hash_record(const struct key_info *record, struct hash256 *hash) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct key_info timeless = *record;
	struct json_writer writer;
	timeless.created_ms = 0;
	json_writer_start(&writer, &text);
	key_write(&writer, &timeless);
	TRY(json_writer_finish(&writer));
	*hash = sha256(buffer_bytes(&text));
	return OK;
}

/* Who has the key lets nobody in by another story of it. */
static enum status
check_stated(const struct key_info *known, const struct sharing *known_sharing, const struct key_info *stated,
	     const struct sharing *stated_sharing) {
	struct hash256 ours, theirs;
	TRY(hash_record(known, &ours));
	TRY(hash_record(stated, &theirs));
	if (!hash256_equal(&ours, &theirs))
		return fail(STATUS_CONFLICT, "payload.key: not the record of key %s here", known->id);
	TRY(sharing_hash(known_sharing, &ours));
	TRY(sharing_hash(stated_sharing, &theirs));
	return hash256_equal(&ours, &theirs)
		       ? OK
		       : fail(STATUS_CONFLICT, "payload.sharing: not how key %s is shared here", known->id);
}

/* What has not become another since this keeper was left out: all but among whom it is shared, and whether it may sign. */
static enum status
check_left(const struct key_info *known, const struct key_info *stated) {
	struct hash256 ours, theirs;
	struct key_info then = *stated;
	if (known->state == KEY_DESTROYED)
		return fail(STATUS_DENIED, "key.destroyed: key %s is destroyed here, and does not come back",
			    known->id);
	then.threshold = known->threshold;
	then.parties = known->parties;
	then.epoch = known->epoch;
	then.state = known->state;
	TRY(hash_record(known, &ours));
	TRY(hash_record(&then, &theirs));
	return hash256_equal(&ours, &theirs)
		       ? OK
		       : fail(STATUS_CONFLICT, "payload.key: not the record of key %s here", known->id);
}

/* The key as it is: as this keeper knows it, or, where it does not, as the payload says. */
static enum status
find_redealt(const struct gate *gate, const struct submission *submission, struct joint_key *key) {
	const struct shared_key *shared = shared_keys_find(gate->state, submission->resource_id);
	const struct key_info *record = gate_state_key(gate->state, submission->resource_id);
	struct key_info stated;
	struct sharing sharing;
	key->is_stated = json_get(submission->payload_document, "key") != nullptr;
	if (key->is_stated)
		TRY(read_stated(submission->payload_document, submission->resource_id, &stated, &sharing));
	if ((shared == nullptr) != (record == nullptr) || (shared == nullptr && !key->is_stated))
		return fail(STATUS_CONFLICT, "key.not_shared: key \"%.*s\" is not a shared one",
			    BYTES_ARGS(submission->resource_id));
	key->comes_in = shared == nullptr || (key->is_stated && shared_key_was_left(gate->state, shared, &sharing));
	key->key = key->comes_in ? stated : *record;
	key->old = key->comes_in ? sharing : shared->sharing;
	if (key->is_stated)
		key->stated_state = stated.state;
	return OK;
}

/* The same key with its next epoch: among the same keepers, or among those that are named. */
static enum status
read_redealt(const struct gate *gate, const struct submission *submission, struct joint_key *key) {
	struct bytes threshold;
	TRY(find_redealt(gate, submission, key));
	key->key.epoch++;
	if (submission->kind == OPERATION_KEY_REFRESH) {
		key->party_count = key->old.key.holders.count;
		memcpy(key->names, key->old.names, sizeof key->names);
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
	bool is_made = submission->kind == OPERATION_KEY_CREATE || submission->kind == OPERATION_KEY_IMPORT;
	return is_made ? read_made(gate, submission, now_ms, key) : read_redealt(gate, submission, key);
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

static bool
holds_now(const struct joint_key *wanted, const char *name) {
	for (size_t i = 0; i < wanted->old.key.holders.count; i++)
		if (strcmp(wanted->old.names[i], name) == 0)
			return true;
	return false;
}

/* Before it is intended, and never again: a key may be frozen while it is dealt, and whoever starts anew must find its dealing still. */
static enum status
check_redealt(const struct gate *gate, const struct submission *submission) {
	const struct shared_key *shared = shared_keys_find(gate->state, submission->resource_id);
	const struct key_info *record = gate_state_key(gate->state, submission->resource_id);
	struct key_info stated;
	struct sharing sharing;
	if (shared == nullptr || json_get(submission->payload_document, "key") == nullptr)
		return OK;
	TRY(read_stated(submission->payload_document, submission->resource_id, &stated, &sharing));
	if (shared_key_is_behind(gate->state, shared, &sharing))
		return fail(
			STATUS_CONFLICT,
			"key.behind: this keeper has a share of key %s of epoch %u, and was put back since it was "
			"dealt "
			"anew: gatehouse keeper readmit %s at every keeper, at this one as well, then gatehouse key "
			"repair %s --keeper %s",
			record->id, shared->sharing.key.epoch, gate->state->keeper, record->id, gate->state->keeper);
	return shared_key_was_left(gate->state, shared, &sharing)
		       ? check_left(record, &stated)
		       : check_stated(record, &shared->sharing, &stated, &sharing);
}

enum status
joint_check_state(const struct gate *gate, const struct joint_key *wanted) {
	const struct key_info *record = gate_state_key(gate->state, bytes_of_text(wanted->key.id));
	if (!wanted->is_stated || wanted->comes_in || record == nullptr || record->state == wanted->stated_state)
		return OK;
	return fail(STATUS_CONFLICT, "key.state: key %s is %s by now, and who comes in was told that it is %s",
		    record->id, key_state_name(record->state), key_state_name(wanted->stated_state));
}

/* As many as sign deal it, to themselves and to who comes in: a keeper that had no share, or one that lost it with all that it knew,
 * which is stated to it. */
static enum status
check_holders(const struct gate *gate, const struct joint_key *wanted) {
	const struct shared_key *shared = shared_keys_find(gate->state, bytes_of_text(wanted->key.id));
	bool holds = holds_now(wanted, gate->state->keeper);
	bool deals = holds && !wanted->comes_in;
	if (wanted->key.state == KEY_DESTROYED || (deals && (shared == nullptr || shared_key_self(shared) == 0)))
		return fail(STATUS_DENIED, "key.no_share: this keeper holds no share of key %s", wanted->key.id);
	if (deals) /* else what it hands on of the epoch before would not be all */
		TRY(leaving_need_settled(gate->state, shared));
	size_t known = 0;
	for (size_t i = 0; i < wanted->party_count; i++)
		known += holds_now(wanted, wanted->names[i]);
	if (known < wanted->party_count && !wanted->is_stated)
		return fail(STATUS_INVALID,
			    "payload.key: where a keeper comes in that has no share, key and sharing must be stated");
	return known >= wanted->old.key.threshold
		       ? OK
		       : fail(STATUS_UNSUPPORTED, "payload.parties: %zu of those that hold a share; %u deal it anew",
			      known, wanted->old.key.threshold);
}

/* That its part is there, and is sealed to this keeper. */
static enum status
check_part(const struct gate *gate, const struct submission *submission, const struct joint_key *wanted) {
	uint8_t part[SCALAR_SIZE];
	enum status status = import_open(gate, wanted, submission->payload_document, submission->secret, part);
	secret_wipe(part, sizeof part);
	return status;
}

static enum status
check_made(const struct gate *gate, const struct submission *submission, const struct joint_key *wanted) {
	if (!wanted->is_imported)
		return OK;
	TRY(gate_state_need_unknown_key(gate->state, &wanted->key));
	return check_part(gate, submission, wanted);
}

static enum status
check_dealing(const struct gate *gate, const struct submission *submission, const struct evaluation *evaluation) {
	struct joint_key wanted;
	TRY(joint_read_key(gate, submission, evaluation->observation.now_ms, &wanted));
	if (!wanted.is_made)
		TRY(check_redealt(gate, submission));
	if (wanted.comes_in) /* else it would count nothing, and no limit would hold here */
		TRY(gate_check_account(gate, bytes_of_text(wanted.key.account)));
	if (wanted.key.purpose == KEY_PURPOSE_TRANSFER)
		TRY(check_limits_hold(&wanted.key));
	if (wanted.is_made && gate_state_key(gate->state, bytes_of_text(wanted.key.id)) != nullptr)
		return fail(STATUS_CONFLICT, "key.exists: there is a key %s already", wanted.key.id);
	if (joint_is_being_dealt(gate, bytes_of_text(wanted.key.id)))
		return fail(STATUS_CONFLICT, "key.being_dealt: another operation deals key %s, and has not ended",
			    wanted.key.id);
	for (size_t i = 0; i < wanted.party_count; i++)
		if (strcmp(wanted.names[i], gate->state->keeper) == 0)
			return wanted.is_made ? check_made(gate, submission, &wanted) : check_holders(gate, &wanted);
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
	TRY(directory_acting_key(gate->state->directory, submission->key_id, &key));
	TRY(gate_evaluate(gate, arena, submission, key, operation->held->votes, now_ms, evaluation));
	if (evaluation->decision != DECISION_PERMIT)
		return denied(gate, evaluation);
	TRY(check_signing(gate, submission, evaluation));
	return leaving_need_settled(gate->state, shared_keys_find(gate->state, submission->resource_id));
}

enum status
joint_record_again(struct gate *gate, struct arena *arena, const struct evaluation *evaluation, struct bytes *again) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct decision_record record = {.has_spend = evaluation->observation.has_spend,
					 .spend = evaluation->observation.spend};
	TRY(evaluation_record(gate, arena, evaluation, &record));
	TRY(decision_record_write_again(&record, &text));
	TRY(record_put_large(&gate->blobs, buffer_bytes(&text)));
	return keep_bytes(arena, buffer_bytes(&text), again);
}

static enum status
add_nonce(const struct evaluation *evaluation, struct conclusion *conclusion) {
	const struct fact *nonce = facts_find(evaluation->facts, "transfer.nonce");
	if (nonce == nullptr || nonce->value.type != VALUE_LONG || evaluation->transaction == nullptr)
		return OK;
	conclusion->nonce_chain = evaluation->transaction->chain;
	conclusion->nonce = (uint64_t)nonce->value.integer;
	return OK;
}

enum status
joint_sign_conclusion(struct arena *arena, const struct evaluation *evaluation, const struct signature *signatures,
		      struct conclusion *conclusion) {
	*conclusion = (struct conclusion){.outcome = OUTCOME_DONE};
	TRY(gate_assemble(arena, evaluation, signatures, &conclusion->result));
	return add_nonce(evaluation, conclusion);
}

static enum status
read_shown_digest(const struct gate *gate, const struct sharing *sharing, const struct evaluation *evaluation,
		  const json *document, struct signature *signature) {
	const struct signing_request *request = evaluation->requests;
	if (evaluation->request_count != 1)
		return fail(STATUS_INVALID, "joint.result: of %zu signatures", evaluation->request_count);
	TRY(digest_read_result(document, request, signature));
	TRY(shared_request_verify(gate->state, sharing, request, signature->bytes, signature->recovery));
	return gate_state_public_key(gate->state, bytes_of_text(sharing->key.id), &request->path,
				     signature->public_key);
}

static enum status
read_shown_transaction(struct arena *arena, const struct evaluation *evaluation, const json *document,
		       struct bytes *result) {
	struct wallet_result assembled;
	struct bytes text;
	TRY(json_need_string(document, "result", "transaction", &text));
	uint8_t *bytes = arena_alloc(arena, text.len / 2 + 1);
	TRY_ALLOC(bytes);
	TRY(hex_decode(text, bytes, text.len / 2));
	TRY(wallet_assemble_signed(arena, evaluation->transaction, bytes_of(bytes, text.len / 2), &assembled));
	return gate_write_signed(arena, &assembled, result);
}

enum status
joint_shown_conclusion(const struct gate *gate, struct arena *arena, const struct sharing *sharing,
		       const struct evaluation *evaluation, struct bytes shown, struct conclusion *conclusion) {
	struct signature signature;
	const json *document;
	TRY(json_read(arena, shown, (struct json_limits){}, &document));
	if (evaluation->transaction == nullptr) {
		TRY(read_shown_digest(gate, sharing, evaluation, document, &signature));
		return joint_sign_conclusion(arena, evaluation, &signature, conclusion);
	}
	*conclusion = (struct conclusion){.outcome = OUTCOME_DONE};
	TRY(read_shown_transaction(arena, evaluation, document, &conclusion->result));
	return add_nonce(evaluation, conclusion);
}
