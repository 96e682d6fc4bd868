#include "gate/replay_internal.h"

#include "gate/digest.h"
#include "gate/evaluate.h"
#include "gate/execute.h"
#include "gate/joint.h"
#include "gate/shared_keys.h"
#include "gate/view.h"

/* --- What a key signed. --- */

static bool
is_derivable(const struct key_info *key) {
	return key->material == KEY_MATERIAL_SINGLE || key->sharing != KEY_WHOLE;
}

/* Of a whole extended key nothing but the key itself is known: which ones are derived of it, only whoever holds it knows. */
static enum status
read_transaction(struct replayer *replayer, const struct submission *submission, const struct key_info *key,
		 struct wallet_transaction **transaction) {
	struct wallet_context *context = ARENA_NEW(&replayer->arena, struct wallet_context);
	enum wallet_format format;
	struct bytes bytes;
	TRY_ALLOC(context);
	*context = (struct wallet_context){.assets = replayer->past.gate->state->assets,
					   .chain = bytes_of_text(key->chain)};
	TRY(transaction_of_payload(&replayer->arena, submission->payload_document, &format, &bytes));
	return wallet_decode(&replayer->arena, format, bytes, context, transaction);
}

/* Signed anew by the signatures that the recorded transaction bears. */
static enum status
sign_transaction_again(struct replayer *replayer, const struct wallet_transaction *transaction, const json *result,
		       struct bytes *ours) {
	struct wallet_result assembled;
	struct bytes text;
	TRY(json_need_string(result, "result", "transaction", &text));
	uint8_t *bytes = arena_alloc(&replayer->arena, text.len / 2 + 1);
	TRY_ALLOC(bytes);
	TRY(hex_decode(text, bytes, text.len / 2));
	TRY(wallet_assemble_signed(&replayer->arena, transaction, bytes_of(bytes, text.len / 2), &assembled));
	return gate_write_signed(&replayer->arena, &assembled, ours);
}

static enum status
sign_digest_again(struct replayer *replayer, const struct submission *submission, const struct key_info *key,
		  const json *result, struct bytes *ours) {
	struct signing_request request;
	struct signature signature;
	uint8_t public_key[33];
	TRY(digest_read(submission->payload_document, key, &request));
	TRY(digest_read_result(result, &request, &signature));
	bool is_itself = request.path.count == 0;
	if (is_itself)
		memcpy(public_key, key->public_key, key->public_key_len);
	else if (is_derivable(key))
		TRY(gate_state_public_key(replayer->past.gate->state, submission->resource_id, &request.path,
					  public_key));
	if ((is_itself || is_derivable(key)) && memcmp(public_key, signature.public_key, key->public_key_len) != 0)
		return fail(STATUS_UNAUTHORIZED, "result.public_key: another key than was asked");
	return digest_result(&replayer->arena, &request, &signature, ours);
}

static bool
signed_holds(struct replayer *replayer, const struct submission *submission, struct wallet_transaction *transaction,
	     struct bytes recorded) {
	const struct key_info *key = gate_state_key(replayer->past.gate->state, submission->resource_id);
	const json *result;
	struct bytes ours = {};
	if (recorded.len == 0)
		DIFFERS("it is done, and what was signed is not there");
	enum status status = json_read(&replayer->arena, recorded, (struct json_limits){}, &result);
	if (status == OK && submission->kind == OPERATION_SIGN && transaction == nullptr)
		status = read_transaction(replayer, submission, key, &transaction);
	if (status == OK)
		status = submission->kind == OPERATION_SIGN
				 ? sign_transaction_again(replayer, transaction, result, &ours)
				 : sign_digest_again(replayer, submission, key, result, &ours);
	if (status != OK)
		DIFFERS("what was signed does not hold: %.200s", fail_message());
	if (!bytes_equal(ours, recorded))
		DIFFERS("what was signed is not what the key was asked to sign");
	return true;
}

/* --- What a key that was made is. --- */

/* Its public key, and so what is above it, is taken as stated. */
static enum status
make_key_again(struct replayer *replayer, const struct submission *submission, const struct observation *o,
	       struct bytes recorded, struct bytes *ours) {
	const json *result, *record;
	struct key_info stated, wanted;
	TRY(json_read(&replayer->arena, recorded, (struct json_limits){}, &result));
	TRY(json_need(result, "result", "key", JSON_OBJECT, &record));
	TRY(key_read(record, &stated));
	if (submission->kind == OPERATION_KEY_ROTATE)
		TRY(gate_read_successor(submission->payload_document, o->subject_key, o->now_ms, &wanted));
	else
		TRY(gate_read_key_attributes(replayer->past.gate, submission->payload_document, submission->resource_id,
					     o->now_ms, &wanted));
	memcpy(wanted.public_key, stated.public_key, sizeof wanted.public_key);
	wanted.public_key_len = stated.public_key_len;
	memcpy(wanted.fingerprint, stated.fingerprint, sizeof wanted.fingerprint);
	wanted.origin = stated.origin;
	TRY(gate_state_need_unknown_key(replayer->past.gate->state, &wanted));
	return gate_write_key(&replayer->arena, &wanted, ours);
}

static bool
makes_key(enum operation_kind_id kind) {
	return kind == OPERATION_KEY_CREATE || kind == OPERATION_KEY_IMPORT || kind == OPERATION_KEY_ROTATE;
}

bool
replay_result_holds(struct replayer *replayer, const struct decision_record *record,
		    const struct submission *submission, const struct evaluation *evaluation) {
	struct bytes ours;
	if (record->outcome != OUTCOME_DONE)
		return true;
	if (joint_signs(submission->kind))
		return signed_holds(replayer, submission, evaluation->transaction, record->result);
	if (!makes_key(submission->kind))
		return true;
	if (make_key_again(replayer, submission, &evaluation->observation, record->result, &ours) != OK)
		DIFFERS("the key that was made does not hold: %.200s", fail_message());
	if (!bytes_equal(ours, record->result))
		DIFFERS("the key that was made is not as it was asked for");
	return true;
}

/* --- What several keepers signed. --- */

/* The nonce that the next of the chain is asked after. */
static bool
nonce_holds(struct replayer *replayer, const json *body, const struct wallet_transaction *transaction) {
	struct facts *facts = ARENA_NEW(&replayer->arena, struct facts);
	struct bytes chain = {};
	uint64_t nonce = 0;
	if (facts == nullptr)
		DIFFERS("out of memory");
	facts_start(facts, &replayer->arena);
	if (record_read_nonce(body, &chain, &nonce) != OK || wallet_facts(transaction, facts) != OK)
		DIFFERS("the nonce that was signed cannot be read: %.200s", fail_message());
	const struct fact *fact = facts_find(facts, "transfer.nonce");
	bool is_numbered = fact != nullptr && fact->value.type == VALUE_LONG;
	if (is_numbered ? (int64_t)nonce != fact->value.integer || !bytes_equal(chain, transaction->chain)
			: chain.len > 0)
		DIFFERS("the nonce that was signed is not the transaction's");
	return true;
}

bool
replay_outcome_holds(struct replayer *replayer, const struct hash256 *id, const json *body) {
	struct gate *gate = replayer->past.gate;
	const struct gate_operation *known = gate == nullptr ? nullptr : operations_find(&gate->state->operations, id);
	struct submission *submission = ARENA_NEW(&replayer->arena, struct submission);
	struct wallet_transaction *transaction = nullptr;
	struct bytes outcome, result = {};
	if (known == nullptr)
		return true;
	if (submission == nullptr || json_need_string(body, "outcome", "outcome", &outcome) != OK ||
	    joint_submission(known, &replayer->arena, submission) != OK ||
	    record_read_result(&replayer->arena, body, &replayer->blobs, &result) != OK)
		DIFFERS("an outcome cannot be read: %.200s", fail_message());
	if (!bytes_equal_text(outcome, outcome_name(OUTCOME_DONE)))
		return true;
	if (json_get(body, "given_back") != nullptr) /* limits would be told less than was signed from here on */
		DIFFERS("it is done, and what it spent is given back");
	if (!joint_signs(submission->kind))
		return true;
	const struct key_info *key = gate_state_key(gate->state, submission->resource_id);
	if (key == nullptr)
		DIFFERS("a key signed that is not there");
	if (key->state == KEY_DESTROYED && key->material == KEY_MATERIAL_EXTENDED)
		return true; /* meanwhile: nothing is derived of it any more */
	if (submission->kind == OPERATION_SIGN &&
	    gate_decode_transaction(gate, &replayer->arena, submission->payload_document, submission->resource_id,
				    gate->state->now_ms, &transaction) != OK)
		DIFFERS("what was signed cannot be decoded: %.200s", fail_message());
	return signed_holds(replayer, submission, transaction, result) &&
	       (transaction == nullptr || nonce_holds(replayer, body, transaction));
}
