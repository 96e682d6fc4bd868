#include "wallet/bitcoin/psbt_final.h"

#include "crypto/sign.h"
#include "wallet/bitcoin/compact_size.h"

/* --- signer --- */

enum status
psbt_add_ecdsa_signature(struct arena *arena, struct psbt *psbt, size_t index, const uint8_t public_key[33],
			 const uint8_t signature[64]) {
	uint8_t value[72 + 1];
	size_t len;
	TRY(secp256k1_ecdsa_to_der(signature, value, &len));
	value[len++] = BITCOIN_SIGHASH_ALL;
	struct psbt_record record = {PSBT_INPUT_PARTIAL_SIGNATURE, arena_copy(arena, bytes_of(public_key, 33)),
				     arena_copy(arena, bytes_of(value, len))};
	TRY_ALLOC(record.key.data);
	TRY_ALLOC(record.value.data);
	return psbt_map_add(arena, &psbt->inputs[index].map, record);
}

enum status
psbt_add_taproot_signature(struct arena *arena, struct psbt *psbt, size_t index, enum bitcoin_hash_type type,
			   const uint8_t signature[64]) {
	uint8_t value[64 + 1];
	memcpy(value, signature, 64);
	value[64] = (uint8_t)type;
	struct psbt_record record = {PSBT_INPUT_TAPROOT_KEY_SIGNATURE,
				     {},
				     arena_copy(arena, bytes_of(value, type == BITCOIN_SIGHASH_DEFAULT ? 64 : 65))};
	TRY_ALLOC(record.value.data);
	return psbt_map_add(arena, &psbt->inputs[index].map, record);
}

/* --- signer, from what is final --- */

/* A push of at most 75 bytes: what signatures and keys take. */
static enum status
read_push(struct cursor *cursor, struct bytes *data) {
	uint8_t length;
	TRY(cursor_u8(cursor, "psbt.signature_missing", &length));
	if (length > 75)
		return fail(STATUS_INVALID, "psbt.signature_missing: no plain push of a signature or key");
	return cursor_take(cursor, "psbt.signature_missing", length, data);
}

/* Signature and, unless the output names it, key: of a script or of a witness. */
static enum status
read_final(const struct bitcoin_input *final, enum bitcoin_template template, struct bytes *signature,
	   struct bytes *public_key) {
	struct cursor cursor = cursor_of(template == BITCOIN_P2PKH ? final->script_sig : final->witness);
	uint64_t items;
	if (template == BITCOIN_P2PKH) {
		TRY(read_push(&cursor, signature));
		return read_push(&cursor, public_key);
	}
	TRY(bitcoin_read_compact_size(&cursor, "psbt.signature_missing", &items));
	TRY(bitcoin_read_sized(&cursor, "psbt.signature_missing", signature));
	return template == BITCOIN_P2TR ? OK : bitcoin_read_sized(&cursor, "psbt.signature_missing", public_key);
}

enum status
psbt_add_final_signature(struct arena *arena, struct psbt *psbt, size_t index, const struct bitcoin_input *final) {
	struct psbt_spent spent;
	struct psbt_record record = {.type = PSBT_INPUT_PARTIAL_SIGNATURE};
	TRY(psbt_check_input(psbt, index, &spent));
	TRY(read_final(final, spent.template, &record.value, &record.key));
	bool is_taproot = spent.template == BITCOIN_P2TR;
	if (is_taproot)
		record.type = PSBT_INPUT_TAPROOT_KEY_SIGNATURE;
	if (is_taproot ? record.value.len != 64 && record.value.len != 65
		       : record.value.len == 0 || record.key.len != 33)
		return fail(STATUS_INVALID, "psbt.signature_missing: input %zu: %zu bytes of signature, %zu of key",
			    index, record.value.len, record.key.len);
	return psbt_map_add(arena, &psbt->inputs[index].map, record);
}

/* --- finaliser --- */

struct final_fields {
	struct bytes script_sig; /* len 0: none */
	struct bytes witness;    /* as encoded; len 0: none */
};

static enum status
finish_buffer(struct arena *arena, const struct buffer *buffer, struct bytes *bytes) {
	TRY(buffer_status(buffer));
	*bytes = arena_copy(arena, buffer_bytes(buffer));
	TRY_ALLOC(bytes->data);
	return OK;
}

/* The partial signature by the key that the output pays to. */
static enum status
find_signature(const struct psbt_map *map, const struct psbt_spent *spent, const struct psbt_record **signature) {
	const struct psbt_record *const *records;
	size_t count = psbt_find_all(map, PSBT_INPUT_PARTIAL_SIGNATURE, &records);
	for (size_t i = 0; i < count; i++) {
		struct bitcoin_script script;
		if (records[i]->key.len == 33 &&
		    bitcoin_script_of_key(spent->template, records[i]->key.data, (struct bytes){}, &script) == OK &&
		    bytes_equal(bitcoin_script_bytes(&script), spent->output.script)) {
			*signature = records[i];
			return OK;
		}
	}
	return fail(STATUS_INVALID, "psbt.signature_missing: input %zu has no signature by the key it pays to",
		    map->index);
}

static enum status
digest_of(const struct bitcoin_sighash *sighash, size_t index, const struct psbt_spent *spent,
	  const uint8_t public_key[33], struct hash256 *digest) {
	if (spent->template == BITCOIN_P2PKH)
		return bitcoin_sighash_original(sighash, index, spent->output.script, digest);
	struct bitcoin_script script_code;
	TRY(bitcoin_script_of_key(BITCOIN_P2PKH, public_key, (struct bytes){}, &script_code));
	return bitcoin_sighash_witness_v0(sighash, index, bitcoin_script_bytes(&script_code), digest);
}

static enum status
verify_ecdsa(const struct bitcoin_sighash *sighash, size_t index, const struct psbt_spent *spent,
	     const struct psbt_record *record) {
	struct bytes value = record->value;
	if (value.data[value.len - 1] != BITCOIN_SIGHASH_ALL)
		return fail(STATUS_UNSUPPORTED,
			    "psbt.signature_hash_type: input %zu is signed with hash type 0x%02x, not ALL", index,
			    value.data[value.len - 1]);
	uint8_t signature[64];
	if (secp256k1_ecdsa_from_der(bytes_of(value.data, value.len - 1), signature) != OK ||
	    !secp256k1_ecdsa_is_low_s(signature))
		return fail(STATUS_INVALID,
			    "psbt.signature_encoding: input %zu: the signature is not strict DER with low s", index);
	struct hash256 digest;
	TRY(digest_of(sighash, index, spent, record->key.data, &digest));
	if (secp256k1_verify(record->key, digest.bytes, signature) != OK)
		return fail(STATUS_UNAUTHORIZED, "psbt.signature_invalid: input %zu: the signature does not verify",
			    index);
	return OK;
}

static enum status
final_key_script_sig(struct arena *arena, const struct psbt_record *signature, struct bytes *script_sig) {
	_cleanup_(buffer_free) struct buffer script = {};
	bitcoin_append_push(&script, signature->value);
	bitcoin_append_push(&script, signature->key);
	return finish_buffer(arena, &script, script_sig);
}

static enum status
final_key_witness(struct arena *arena, const struct psbt_record *signature, struct bytes *witness) {
	_cleanup_(buffer_free) struct buffer stack = {};
	bitcoin_append_compact_size(&stack, 2);
	bitcoin_append_sized(&stack, signature->value);
	bitcoin_append_sized(&stack, signature->key);
	return finish_buffer(arena, &stack, witness);
}

static enum status
final_nested_script_sig(struct arena *arena, const struct psbt_map *map, struct bytes *script_sig) {
	_cleanup_(buffer_free) struct buffer script = {};
	bitcoin_append_push(&script, psbt_find(map, PSBT_INPUT_REDEEM_SCRIPT)->value); /* psbt_check_input() saw it */
	return finish_buffer(arena, &script, script_sig);
}

static enum status
finalise_ecdsa(struct arena *arena, const struct bitcoin_sighash *sighash, const struct psbt_map *map,
	       const struct psbt_spent *spent, struct final_fields *final) {
	const struct psbt_record *signature;
	TRY(find_signature(map, spent, &signature));
	TRY(verify_ecdsa(sighash, map->index, spent, signature));
	if (spent->template == BITCOIN_P2PKH)
		return final_key_script_sig(arena, signature, &final->script_sig);
	if (spent->template == BITCOIN_P2SH_P2WPKH)
		TRY(final_nested_script_sig(arena, map, &final->script_sig));
	return final_key_witness(arena, signature, &final->witness);
}

/* BIP-341: 64 bytes mean DEFAULT; 65 end in a hash type, which is then not DEFAULT. */
static enum status
finalise_taproot(struct arena *arena, const struct bitcoin_sighash *sighash, const struct psbt_map *map,
		 const struct psbt_spent *spent, struct final_fields *final) {
	const struct psbt_record *signature = psbt_find(map, PSBT_INPUT_TAPROOT_KEY_SIGNATURE);
	if (signature == nullptr)
		return fail(STATUS_INVALID, "psbt.signature_missing: input %zu has no key path signature", map->index);
	bool typed = signature->value.len == 65;
	if (typed && signature->value.data[64] != BITCOIN_SIGHASH_ALL)
		return fail(STATUS_UNSUPPORTED,
			    "psbt.signature_hash_type: input %zu is signed with hash type 0x%02x, not DEFAULT or "
			    "ALL",
			    map->index, signature->value.data[64]);
	struct hash256 digest;
	TRY(bitcoin_sighash_taproot(sighash, map->index, typed ? BITCOIN_SIGHASH_ALL : BITCOIN_SIGHASH_DEFAULT,
				    &digest));
	struct bytes output_key = bitcoin_script_payload(spent->output.script);
	if (bip340_verify(output_key.data, hash256_bytes(&digest), signature->value.data) != OK)
		return fail(STATUS_UNAUTHORIZED, "psbt.signature_invalid: input %zu: the signature does not verify",
			    map->index);
	_cleanup_(buffer_free) struct buffer stack = {};
	bitcoin_append_compact_size(&stack, 1);
	bitcoin_append_sized(&stack, signature->value);
	return finish_buffer(arena, &stack, &final->witness);
}

static bool
stays_when_final(const struct psbt_record *record) {
	return record->type == PSBT_INPUT_PREVIOUS_TRANSACTION || record->type == PSBT_INPUT_WITNESS_UTXO ||
	       record->type == PSBT_PROPRIETARY || psbt_field_find(PSBT_INPUT, record->type) == nullptr;
}

static enum status
replace_records(struct arena *arena, struct psbt_map *map, const struct final_fields *final) {
	struct psbt_record *records = ARENA_NEW_ARRAY(arena, map->count, struct psbt_record);
	TRY_ALLOC(records);
	size_t count = 0;
	for (size_t i = 0; i < map->count; i++)
		if (stays_when_final(&map->records[i]))
			records[count++] = map->records[i];
	TRY(psbt_map_of(arena, PSBT_INPUT, map->index, records, count, map));
	if (final->script_sig.len > 0)
		TRY(psbt_map_add(arena, map, (struct psbt_record){PSBT_INPUT_FINAL_SCRIPT_SIG, {}, final->script_sig}));
	if (final->witness.len > 0)
		TRY(psbt_map_add(arena, map, (struct psbt_record){PSBT_INPUT_FINAL_WITNESS, {}, final->witness}));
	return OK;
}

static bool
is_final(const struct psbt_map *map) {
	return psbt_find(map, PSBT_INPUT_FINAL_SCRIPT_SIG) != nullptr ||
	       psbt_find(map, PSBT_INPUT_FINAL_WITNESS) != nullptr;
}

static enum status
finalise_input(struct arena *arena, struct psbt *psbt, size_t index, const struct bitcoin_sighash *sighash) {
	struct psbt_map *map = &psbt->inputs[index].map;
	if (is_final(map))
		return OK;
	struct psbt_spent spent;
	struct final_fields final = {};
	TRY(psbt_check_input(psbt, index, &spent));
	TRY(psbt_check_signable(psbt, index, true, &spent));
	if (spent.template == BITCOIN_P2TR)
		TRY(finalise_taproot(arena, sighash, map, &spent, &final));
	else
		TRY(finalise_ecdsa(arena, sighash, map, &spent, &final));
	return replace_records(arena, map, &final);
}

enum status
psbt_finalise(struct arena *arena, struct psbt *psbt) {
	size_t count = psbt->transaction.input_count;
	struct bitcoin_output *spent = ARENA_NEW_ARRAY(arena, count, struct bitcoin_output);
	TRY_ALLOC(spent);
	for (size_t i = 0; i < count; i++)
		TRY(psbt_find_spent_output(psbt, i, &spent[i]));
	struct bitcoin_sighash sighash;
	TRY(bitcoin_sighash_start(&psbt->transaction, spent, &sighash));
	for (size_t i = 0; i < count; i++)
		TRY(finalise_input(arena, psbt, i, &sighash));
	return OK;
}

/* --- extractor --- */

enum status
psbt_extract(struct arena *arena, const struct psbt *psbt, struct bitcoin_transaction *transaction) {
	*transaction = psbt->transaction;
	struct bitcoin_input *inputs = ARENA_NEW_ARRAY(arena, transaction->input_count, struct bitcoin_input);
	TRY_ALLOC(inputs);
	for (size_t i = 0; i < transaction->input_count; i++) {
		const struct psbt_map *map = &psbt->inputs[i].map;
		const struct psbt_record *script_sig = psbt_find(map, PSBT_INPUT_FINAL_SCRIPT_SIG);
		const struct psbt_record *witness = psbt_find(map, PSBT_INPUT_FINAL_WITNESS);
		if (script_sig == nullptr && witness == nullptr)
			return fail(STATUS_INVALID, "psbt.not_final: input %zu is not final", i);
		inputs[i] = psbt->transaction.inputs[i];
		if (script_sig != nullptr)
			inputs[i].script_sig = script_sig->value;
		if (witness != nullptr && witness->value.data[0] != 0) /* an empty stack is no witness */
			inputs[i].witness = witness->value;
		transaction->has_witness |= inputs[i].witness.len > 0;
	}
	transaction->inputs = inputs;
	return OK;
}
