#include "wallet/bitcoin/psbt_check.h"

#include "crypto/sign.h"

/* --- what an input spends --- */

static enum status
find_previous_output(const struct psbt *psbt, size_t index, struct bitcoin_output *output) {
	const struct bitcoin_outpoint *outpoint = &psbt->transaction.inputs[index].previous;
	const struct bitcoin_transaction *previous = psbt->inputs[index].previous;
	struct hash256 txid;
	TRY(bitcoin_transaction_id(previous, &txid));
	if (!hash256_equal(&txid, &outpoint->txid)) {
		char found[BITCOIN_HASH_TEXT_SIZE], expected[BITCOIN_HASH_TEXT_SIZE];
		bitcoin_hash_text(&txid, found);
		bitcoin_hash_text(&outpoint->txid, expected);
		return fail(STATUS_INVALID,
			    "psbt.previous_transaction: input %zu spends from %s, its previous transaction is %s",
			    index, expected, found);
	}
	if (outpoint->index >= previous->output_count)
		return fail(STATUS_INVALID,
			    "psbt.previous_output: input %zu spends output %u of a transaction with %zu", index,
			    outpoint->index, previous->output_count);
	*output = previous->outputs[outpoint->index];
	return OK;
}

enum status
psbt_find_spent_output(const struct psbt *psbt, size_t index, struct bitcoin_output *output) {
	const struct psbt_input *input = &psbt->inputs[index];
	if (input->previous == nullptr && !input->has_witness_utxo)
		return fail(STATUS_INVALID,
			    "psbt.missing_utxo: input %zu has neither previous transaction nor witness UTXO", index);
	if (input->previous == nullptr) {
		*output = input->witness_utxo;
		return OK;
	}
	TRY(find_previous_output(psbt, index, output));
	if (input->has_witness_utxo &&
	    (input->witness_utxo.sats != output->sats || !bytes_equal(input->witness_utxo.script, output->script)))
		return fail(STATUS_INVALID,
			    "psbt.witness_utxo_mismatch: input %zu: witness UTXO and previous transaction differ",
			    index);
	return OK;
}

/* --- scripts --- */

/* *inner: what is executed, the redeem script of a P2SH output and else the output's script. */
static enum status
check_redeem_script(const struct psbt *psbt, size_t index, struct psbt_spent *spent, struct bytes *inner) {
	const struct psbt_record *record = psbt_find(&psbt->inputs[index].map, PSBT_INPUT_REDEEM_SCRIPT);
	*inner = spent->output.script;
	if (spent->template != BITCOIN_P2SH)
		return record == nullptr
			       ? OK
			       : fail(STATUS_INVALID,
				      "psbt.redeem_script_unexpected: input %zu: a redeem script for a %s output",
				      index, bitcoin_template_name(spent->template));
	if (record == nullptr)
		return fail(STATUS_INVALID, "psbt.redeem_script_missing: input %zu spends a p2sh output", index);
	uint8_t hash[20];
	hash160(record->value, hash);
	if (!bytes_equal(bitcoin_script_payload(spent->output.script), BYTES_OF_ARRAY(hash)))
		return fail(STATUS_INVALID,
			    "psbt.redeem_script_mismatch: input %zu: the spent output pays to another script", index);
	*inner = record->value;
	if (bitcoin_script_template(record->value) == BITCOIN_P2WPKH)
		spent->template = BITCOIN_P2SH_P2WPKH;
	return OK;
}

/* inner: the output's script, or the redeem script where there is one. */
static enum status
check_witness_script(const struct psbt *psbt, size_t index, struct bytes inner) {
	const struct psbt_record *record = psbt_find(&psbt->inputs[index].map, PSBT_INPUT_WITNESS_SCRIPT);
	if (record == nullptr)
		return OK; /* a P2WSH without it is refused for its kind */
	if (bitcoin_script_template(inner) != BITCOIN_P2WSH)
		return fail(STATUS_INVALID,
			    "psbt.witness_script_unexpected: input %zu: a witness script for a %s output", index,
			    bitcoin_template_name(bitcoin_script_template(inner)));
	struct hash256 hash = sha256(record->value);
	if (!bytes_equal(bitcoin_script_payload(inner), hash256_bytes(&hash)))
		return fail(STATUS_INVALID,
			    "psbt.witness_script_mismatch: input %zu: the witness program commits to another script",
			    index);
	return OK;
}

/* A finaliser removes what the other checks read. */
static enum status
check_not_final(const struct psbt_map *map) {
	bool final = psbt_find(map, PSBT_INPUT_FINAL_SCRIPT_SIG) != nullptr ||
		     psbt_find(map, PSBT_INPUT_FINAL_WITNESS) != nullptr;
	return final ? fail(STATUS_UNSUPPORTED, "psbt.already_final: input %zu is final already", map->index) : OK;
}

/* BIP-341: the output key is the internal key tweaked with the script tree. */
static enum status
check_taproot(const struct psbt_map *map, struct psbt_spent *spent) {
	if (spent->template != BITCOIN_P2TR)
		return OK;
	const struct psbt_record *root = psbt_find(map, PSBT_INPUT_TAPROOT_MERKLE_ROOT);
	const struct psbt_record *internal = psbt_find(map, PSBT_INPUT_TAPROOT_INTERNAL_KEY);
	if (root != nullptr)
		spent->merkle_root = root->value;
	if (internal == nullptr)
		return OK;
	uint8_t output[32];
	if (taproot_tweak_public(internal->value.data, spent->merkle_root, output, nullptr) != OK ||
	    !bytes_equal(bitcoin_script_payload(spent->output.script), BYTES_OF_ARRAY(output)))
		return fail(STATUS_INVALID,
			    "psbt.internal_key_mismatch: input %zu: the spent output is not made from the internal "
			    "key and script tree given",
			    map->index);
	return OK;
}

static bool
is_spent_by_witness(struct bytes inner) {
	unsigned version;
	struct bytes program;
	return bitcoin_script_witness_program(inner, &version, &program);
}

enum status
psbt_check_input(const struct psbt *psbt, size_t index, struct psbt_spent *spent) {
	*spent = (struct psbt_spent){};
	TRY(check_not_final(&psbt->inputs[index].map));
	TRY(psbt_find_spent_output(psbt, index, &spent->output));
	spent->template = bitcoin_script_template(spent->output.script);
	struct bytes inner;
	TRY(check_redeem_script(psbt, index, spent, &inner));
	TRY(check_witness_script(psbt, index, inner));
	if (psbt->inputs[index].has_witness_utxo && !is_spent_by_witness(inner))
		return fail(STATUS_INVALID, "psbt.witness_utxo_unexpected: input %zu: a witness UTXO for a %s output",
			    index, bitcoin_template_name(spent->template));
	return check_taproot(&psbt->inputs[index].map, spent);
}

/* --- what can be signed --- */

static enum status
refuse_kind(const struct psbt *psbt, size_t index, const struct psbt_spent *spent) {
	const struct psbt_map *map = &psbt->inputs[index].map;
	const struct psbt_record *redeem = psbt_find(map, PSBT_INPUT_REDEEM_SCRIPT);
	const struct psbt_record *witness = psbt_find(map, PSBT_INPUT_WITNESS_SCRIPT);
	unsigned required, keys;
	if (bitcoin_script_multisig(spent->output.script, &required, &keys) ||
	    (redeem != nullptr && bitcoin_script_multisig(redeem->value, &required, &keys)) ||
	    (witness != nullptr && bitcoin_script_multisig(witness->value, &required, &keys)))
		return fail(STATUS_UNSUPPORTED,
			    "psbt.multisig_input: input %zu is %s multisig, %u of %u keys; "
			    "outputs of one key are signed",
			    index, bitcoin_template_name(spent->template), required, keys);
	return fail(STATUS_UNSUPPORTED,
		    "psbt.unsupported_input: input %zu spends a %s output; "
		    "p2pkh, p2sh-p2wpkh, p2wpkh and p2tr are signed",
		    index, bitcoin_template_name(spent->template));
}

static bool
is_signed_template(enum bitcoin_template template) {
	return template == BITCOIN_P2PKH || template == BITCOIN_P2SH_P2WPKH || template == BITCOIN_P2WPKH ||
	       template == BITCOIN_P2TR;
}

static enum status
check_hash_type(const struct psbt *psbt, size_t index, struct psbt_spent *spent) {
	bool taproot = spent->template == BITCOIN_P2TR;
	spent->hash_type = taproot ? BITCOIN_SIGHASH_DEFAULT : BITCOIN_SIGHASH_ALL;
	const struct psbt_record *record = psbt_find(&psbt->inputs[index].map, PSBT_INPUT_HASH_TYPE);
	if (record == nullptr)
		return OK;
	struct cursor cursor = cursor_of(record->value);
	uint32_t type;
	TRY(cursor_u32le(&cursor, "psbt.hash_type", &type));
	if (type != BITCOIN_SIGHASH_ALL && !(taproot && type == BITCOIN_SIGHASH_DEFAULT))
		return fail(STATUS_UNSUPPORTED, "psbt.hash_type: input %zu asks for hash type 0x%02x; %s is signed",
			    index, type, taproot ? "DEFAULT or ALL" : "ALL");
	spent->hash_type = (enum bitcoin_hash_type)type;
	return OK;
}

enum status
psbt_check_signable(const struct psbt *psbt, size_t index, bool all_taproot, struct psbt_spent *spent) {
	if (!is_signed_template(spent->template))
		return refuse_kind(psbt, index, spent);
	TRY(check_hash_type(psbt, index, spent));
	if (psbt->inputs[index].previous == nullptr && !all_taproot)
		return fail(STATUS_INVALID,
			    "psbt.missing_previous_transaction: input %zu: every input needs its previous transaction "
			    "unless all are p2tr",
			    index);
	return OK;
}

static bool
is_signature(const struct psbt_map *map, uint64_t type) {
	return map->scope == PSBT_INPUT &&
	       (type == PSBT_INPUT_PARTIAL_SIGNATURE || type == PSBT_INPUT_TAPROOT_KEY_SIGNATURE ||
		type == PSBT_INPUT_TAPROOT_SCRIPT_SIGNATURE);
}

static enum status
check_map_fields(const struct psbt_map *map) {
	for (size_t i = 0; i < map->count; i++) {
		uint64_t type = map->records[i].type;
		const struct psbt_field *field = psbt_field_find(map->scope, type);
		if (field == nullptr)
			return fail(STATUS_UNSUPPORTED,
				    "psbt.unknown_field: %s %zu has a field of type 0x%02llx, whose meaning is "
				    "not known",
				    psbt_scope_name(map->scope), map->index, (unsigned long long)type);
		if (is_signature(map, type))
			return fail(STATUS_UNSUPPORTED,
				    "psbt.already_signed: %s %zu has a %s; unsigned PSBTs are signed",
				    psbt_scope_name(map->scope), map->index, field->name);
		if (field->handling == PSBT_NOT_SIGNABLE)
			return fail(STATUS_UNSUPPORTED, "psbt.unsupported_field: %s %zu has a %s",
				    psbt_scope_name(map->scope), map->index, field->name);
	}
	return OK;
}

enum status
psbt_check_fields(const struct psbt *psbt) {
	TRY(check_map_fields(&psbt->global));
	for (size_t i = 0; i < psbt->transaction.input_count; i++)
		TRY(check_map_fields(&psbt->inputs[i].map));
	for (size_t i = 0; i < psbt->transaction.output_count; i++)
		TRY(check_map_fields(&psbt->outputs[i]));
	return OK;
}
