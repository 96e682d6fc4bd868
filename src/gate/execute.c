#include "gate/one_time.h"
#include "gate/execute.h"

#include "gate/joint.h"

#include "crypto/hash.h"
#include "crypto/kem.h"
#include "gate/digest.h"
#include "gate/shared_keys.h"
#include "keys/bip32.h"
#include "keys/threshold/recovery.h"

static enum status
keep_result(struct arena *arena, const struct json_writer *writer, const struct buffer *text, struct bytes *result) {
	TRY(json_writer_finish(writer));
	*result = arena_copy(arena, buffer_bytes(text));
	TRY_ALLOC(result->data);
	return OK;
}

/* --- sign, digest.sign --- */

enum status
gate_write_signed(struct arena *arena, const struct wallet_result *assembled, struct bytes *result) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct json_writer writer;
	json_writer_start(&writer, &text);
	json_write_object(&writer);
	if (assembled->psbt.len > 0) {
		json_write_key(&writer, "psbt");
		json_write_base64(&writer, assembled->psbt);
	}
	json_write_member_hex(&writer, "transaction", assembled->transaction);
	json_write_member_string(&writer, "transaction_id", assembled->transaction_id);
	json_write_end(&writer);
	return keep_result(arena, &writer, &text, result);
}

enum status
gate_assemble(struct arena *arena, const struct evaluation *evaluation, const struct signature *signatures,
	      struct bytes *result) {
	const struct wallet_transaction *transaction = evaluation->transaction;
	struct wallet_result assembled;
	if (transaction == nullptr)
		return digest_result(arena, evaluation->requests, signatures, result);
	TRY(wallet_assemble(arena, transaction, signatures, transaction->request_count, &assembled));
	return gate_write_signed(arena, &assembled, result);
}

static enum status
sign(struct gate *gate, struct arena *arena, const struct submission *submission, const struct evaluation *evaluation,
     struct bytes *result) {
	if (gate->state->ring == nullptr)
		return fail(STATUS_UNAVAILABLE, "key.locked: this process holds no keys");
	struct signature *signatures = ARENA_NEW_ARRAY(arena, evaluation->request_count, struct signature);
	TRY_ALLOC(signatures);
	for (size_t i = 0; i < evaluation->request_count; i++)
		TRY(keyring_sign(gate->state->ring, submission->resource_id, evaluation->use, &evaluation->requests[i],
				 &signatures[i]));
	return gate_assemble(arena, evaluation, signatures, result);
}

/* --- keys --- */

/* Optional: that wallets know the chain is checked before the key is made. */
static enum status
read_chain(const json *payload, struct key_info *key) {
	struct bytes chain;
	if (json_get(payload, "chain") == nullptr)
		return OK;
	TRY(json_need_string(payload, "payload", "chain", &chain));
	TRY(key_check_chain(chain));
	TRY(wallet_check_chain(chain));
	memcpy(key->chain, chain.data, chain.len);
	return OK;
}

enum status
gate_check_account(const struct gate *gate, struct bytes account) {
	const struct unit *unit = directory_unit(gate->state->directory, account);
	return unit != nullptr && unit->kind == UNIT_ACCOUNT && account.len <= KEY_ACCOUNT_MAX
		       ? OK
		       : fail(STATUS_NOT_FOUND, "key.account: there is no account \"%.*s\"", BYTES_ARGS(account));
}

enum status
gate_read_key_attributes(const struct gate *gate, const json *payload, struct bytes account_id, int64_t now_ms,
			 struct key_info *key) {
	struct bytes id, algorithm, material, purpose;
	TRY(json_need_string(payload, "payload", "id", &id));
	TRY(json_need_string(payload, "payload", "algorithm", &algorithm));
	TRY(json_need_string(payload, "payload", "material", &material));
	TRY(json_need_string(payload, "payload", "purpose", &purpose));
	TRY(key_check_id(id));
	*key = (struct key_info){.created_ms = now_ms};
	memcpy(key->id, id.data, id.len);
	TRY(gate_check_account(gate, account_id));
	memcpy(key->account, account_id.data, account_id.len);
	TRY(key_algorithm_parse(algorithm, &key->algorithm));
	TRY(key_material_parse(material, &key->material));
	TRY(key_purpose_parse(purpose, &key->purpose));
	TRY(read_chain(payload, key));
	const json *branches = json_get(payload, "branches");
	if (branches == nullptr)
		return OK;
	if (json_type_of(branches) != JSON_ARRAY || json_size(branches) > KEY_BRANCHES_MAX)
		return fail(STATUS_INVALID, "payload.branches: expected at most %zu paths", KEY_BRANCHES_MAX);
	struct json_iterator iterator = json_iterate(branches);
	for (const json *path; (path = json_next(&iterator, nullptr)) != nullptr;) {
		if (json_type_of(path) != JSON_STRING)
			return fail(STATUS_INVALID, "payload.branches: an element is not a string");
		TRY(bip32_path_parse(json_string(path), &key->branches[key->branch_count++]));
	}
	return OK;
}

static enum status
read_attributes(const struct gate *gate, const struct submission *submission, const struct evaluation *evaluation,
		struct key_info *key) {
	return gate_read_key_attributes(gate, submission->payload_document, submission->resource_id,
					evaluation->observation.now_ms, key);
}

enum status
gate_write_key(struct arena *arena, const struct key_info *key, struct bytes *result) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct json_writer writer;
	json_writer_start(&writer, &text);
	json_write_object(&writer);
	json_write_key(&writer, "key");
	key_write(&writer, key);
	json_write_end(&writer);
	return keep_result(arena, &writer, &text, result);
}

/* The row first, then the entry: a row without an entry is removed at the next start (design §6). */
static enum status
keep_key(struct gate *gate, struct arena *arena, const struct key_info *key, const uint8_t blob[BLOB_SIZE],
	 struct bytes *result) {
	if (joint_is_being_dealt(gate, bytes_of_text(key->id)))
		return fail(STATUS_CONFLICT, "key.being_dealt: another operation deals key %s, and has not ended",
			    key->id);
	TRY(secrets_create(gate->state->secrets, "key", bytes_of_text(key->id), bytes_of(blob, BLOB_SIZE)));
	return gate_write_key(arena, key, result);
}

static enum status
need_ring(const struct gate *gate) {
	return gate->state->ring != nullptr && gate->state->secrets != nullptr
		       ? OK
		       : fail(STATUS_UNAVAILABLE, "key.locked: this process holds no keys");
}

static enum status
create_key(struct gate *gate, struct arena *arena, const struct submission *submission,
	   const struct evaluation *evaluation, struct bytes *result) {
	struct key_info key;
	uint8_t blob[BLOB_SIZE];
	TRY(need_ring(gate));
	TRY(read_attributes(gate, submission, evaluation, &key));
	TRY(keyring_generate(gate->state->ring, &key, blob));
	return keep_key(gate, arena, &key, blob, result);
}

/* The secret travels beside the payload, which commits to it: SHA-256(salt ‖ value) with a salt of 32 bytes, and with a
 * passphrase SHA-256(salt ‖ value ‖ 0x00 ‖ passphrase), since another passphrase would be another key. No value holds a zero
 * byte. Only the commitment is recorded. */
static enum status
import_key(struct gate *gate, struct arena *arena, const struct submission *submission,
	   const struct evaluation *evaluation, struct bytes *result) {
	static const char *const members[] = {"passphrase", "salt", "value", nullptr};
	struct key_info key;
	uint8_t blob[BLOB_SIZE], salt[32], commitment[32];
	struct bytes kind, text, value, passphrase = {};
	TRY(need_ring(gate));
	TRY(read_attributes(gate, submission, evaluation, &key));
	TRY(json_need_string(submission->payload_document, "payload", "secret_kind", &kind));
	TRY(json_need_string(submission->payload_document, "payload", "commitment", &text));
	TRY(hex_decode(text, commitment, sizeof commitment));
	TRY(json_only(submission->secret, "secret", members));
	TRY(json_need_string(submission->secret, "secret", "salt", &text));
	TRY(hex_decode(text, salt, sizeof salt));
	TRY(json_need_string(submission->secret, "secret", "value", &value));
	if (json_get(submission->secret, "passphrase") != nullptr)
		TRY(json_need_string(submission->secret, "secret", "passphrase", &passphrase));
	if (memchr(value.data, 0, value.len) != nullptr)
		return fail(STATUS_INVALID, "secret.value: holds a zero byte");
	struct hash256 computed = passphrase.data == nullptr
					  ? SHA256_PARTS(BYTES_OF_ARRAY(salt), value)
					  : SHA256_PARTS(BYTES_OF_ARRAY(salt), value, bytes_of("", 1), passphrase);
	if (!secret_equal(hash256_bytes(&computed), BYTES_OF_ARRAY(commitment)))
		return fail(STATUS_UNAUTHORIZED,
			    "secret.commitment: the secret is not the one that the payload commits to");
	bool is_scalar = bytes_equal_text(kind, "scalar");
	if (is_scalar || bytes_equal_text(kind, "private_key")) {
		_cleanup_(secret_free) struct secret number = {};
		TRY(secret_alloc(&number, 32));
		TRY(hex_decode(value, number.data, number.len));
		TRY((is_scalar ? keyring_import_scalar : keyring_import_private)(gate->state->ring, &key,
										 secret_bytes(&number), blob));
	} else if (bytes_equal_text(kind, "mnemonic"))
		TRY(keyring_import_mnemonic(gate->state->ring, &key, value, passphrase, blob));
	else if (bytes_equal_text(kind, "xprv"))
		TRY(keyring_import_extended(gate->state->ring, &key, value, blob));
	else
		return fail(STATUS_INVALID,
			    "payload.secret_kind: expected \"private_key\", \"scalar\", \"mnemonic\" or \"xprv\"");
	TRY(gate_state_need_unknown_key(gate->state, &key));
	return keep_key(gate, arena, &key, blob, result);
}

static enum status
add_totp(struct gate *gate, struct arena *, const struct submission *submission, const struct evaluation *,
	 struct bytes *) {
	return one_time_store(gate->state, submission->operation.resource, submission->payload_document,
			      submission->secret);
}

enum status
gate_read_successor(const json *payload, const struct key_info *rotated, int64_t now_ms, struct key_info *key) {
	struct bytes id;
	TRY(json_need_string(payload, "payload", "id", &id));
	TRY(key_check_id(id));
	*key = *rotated;
	memset(key->id, 0, sizeof key->id);
	memcpy(key->id, id.data, id.len);
	memset(key->successor, 0, sizeof key->successor);
	key->created_ms = now_ms;
	key->origin = (struct signing_path){};
	return OK;
}

static enum status
rotate_key(struct gate *gate, struct arena *arena, const struct submission *submission,
	   const struct evaluation *evaluation, struct bytes *result) {
	const struct observation *o = &evaluation->observation;
	struct key_info key;
	uint8_t blob[BLOB_SIZE];
	TRY(need_ring(gate));
	TRY(gate_read_successor(submission->payload_document, o->subject_key, o->now_ms, &key));
	TRY(keyring_check_change(gate->state->ring, submission->resource_id, KEY_ROTATED));
	if (key.sharing != KEY_WHOLE)
		return fail(STATUS_UNSUPPORTED, "key.shared: key %s is shared; its shares are renewed by key.refresh",
			    o->subject_key->id);
	TRY(keyring_generate(gate->state->ring, &key, blob));
	return keep_key(gate, arena, &key, blob, result);
}

/* This keeper's share, for whoever has the recovery key, checked as anyone can check it. */
static enum status
backup_share(struct gate *gate, struct arena *arena, const struct submission *submission, const struct evaluation *,
	     struct bytes *result) {
	_cleanup_(buffer_free) struct buffer escrow = {}, text = {};
	struct bytes hex, instance = bytes_of_text(gate->state->instance);
	uint8_t recovery_key[KEM_PUBLIC_SIZE];
	struct shared_key *key;
	struct frost_scalar number;
	struct json_writer writer;
	TRY(shared_keys_need_share(gate->state, submission->resource_id, &key));
	TRY(json_need_string(submission->payload_document, "payload", "recovery_key", &hex));
	if (hex_decode(hex, recovery_key, sizeof recovery_key) != OK)
		return fail(STATUS_INVALID, "payload.recovery_key: expected %zu hexadecimal digits",
			    2 * sizeof recovery_key);
	uint8_t self = shared_key_self(key);
	shared_key_number(key, &number);
	enum status status =
		recovery_escrow(&key->sharing, self, &number, instance, BYTES_OF_ARRAY(recovery_key), &escrow);
	secret_wipe(&number, sizeof number);
	TRY(status);
	TRY(recovery_check(&key->sharing, self, instance, BYTES_OF_ARRAY(recovery_key), buffer_bytes(&escrow)));
	json_writer_start(&writer, &text);
	json_write_object(&writer);
	json_write_key(&writer, "escrow");
	json_write_base64(&writer, buffer_bytes(&escrow));
	json_write_member_integer(&writer, "holder", self);
	json_write_key(&writer, "key");
	key_write(&writer, gate_state_key(gate->state, submission->resource_id));
	json_write_key(&writer, "sharing");
	sharing_write(&writer, &key->sharing);
	json_write_end(&writer);
	return keep_result(arena, &writer, &text, result);
}

/* Admissions are counted alike at all keepers, or shares that are dealt to them differ: what one is asked for itself, and hands on to
 * those that have taken it back already, counts nowhere twice. */
static enum status
check_readmission(struct gate *gate, struct arena *, const struct submission *submission, const struct evaluation *,
		  struct bytes *) {
	struct bytes name;
	TRY(json_need_string(submission->payload_document, "payload", "name", &name));
	const struct enrolled_keeper *keeper = keepers_named(&gate->state->keepers, name);
	bool is_self = bytes_equal_text(name, gate->state->keeper);
	return keeper == nullptr || keeper->is_refused || is_self
		       ? OK
		       : fail(STATUS_CONFLICT, "keepers.not_refused: keeper %s is not refused here", keeper->name);
}

/* --- The table. --- */

typedef enum status act(struct gate *, struct arena *, const struct submission *, const struct evaluation *,
			struct bytes *);

static act *const acts[OPERATION_KINDS] = {
	[OPERATION_SIGN] = sign,
	[OPERATION_DIGEST_SIGN] = sign,
	[OPERATION_KEY_CREATE] = create_key,
	[OPERATION_KEY_IMPORT] = import_key,
	[OPERATION_KEY_ROTATE] = rotate_key,
	[OPERATION_KEY_BACKUP] = backup_share,
	[OPERATION_PRINCIPAL_TOTP_ADD] = add_totp,
	[OPERATION_KEEPER_READMIT] = check_readmission,
};

enum status
gate_execute(struct gate *gate, struct arena *arena, const struct submission *submission,
	     const struct evaluation *evaluation, struct bytes *result) {
	*result = BYTES_OF_LITERAL("{}");
	return acts[submission->kind] == nullptr ? OK
						 : acts[submission->kind](gate, arena, submission, evaluation, result);
}
