#include "wallet/bitcoin/spend.h"

#include <stdlib.h>

#include "crypto/sign.h"

constexpr uint32_t HARDENED = UINT32_C(1) << 31;
/* m / purpose' / coin' / account' / chain / index */
enum { STEP_PURPOSE, STEP_COIN, STEP_ACCOUNT, STEP_CHAIN, STEP_INDEX, STEP_COUNT };
constexpr uint32_t CHANGE_CHAIN = 1;

/* --- our key --- */

static void
compress(const uint8_t uncompressed[65], uint8_t public_key[33]) {
	public_key[0] = uncompressed[64] & 1 ? 3 : 2;
	memcpy(public_key + 1, uncompressed + 1, 32);
}

static enum status
derive(const struct wallet_key *key, const struct signing_path *path, uint8_t public_key[33]) {
	if (path->count == 0) {
		compress(key->public_key, public_key);
		return OK;
	}
	if (key->derive == nullptr)
		return fail(STATUS_UNSUPPORTED, "psbt.derivation: key %.*s stands alone, it has no keys below it",
			    BYTES_ARGS(key->id));
	return key->derive(key->context, path, public_key);
}

/* False if the path does not lead through our key; else *below is what follows it. */
static bool
path_below_key(const struct wallet_key *key, const struct psbt_derivation *derivation, struct signing_path *full,
	       struct signing_path *below) {
	if (memcmp(derivation->fingerprint, key->fingerprint, sizeof key->fingerprint) != 0 ||
	    !psbt_derivation_path(derivation, full) || full->count < key->origin.count)
		return false;
	for (size_t i = 0; i < key->origin.count; i++)
		if (full->steps[i] != key->origin.steps[i])
			return false;
	*below = (struct signing_path){.count = full->count - key->origin.count};
	for (size_t i = 0; i < below->count; i++)
		below->steps[i] = full->steps[key->origin.count + i];
	return true;
}

static bool
pays_to_key(enum bitcoin_template template, const uint8_t public_key[33], struct bytes merkle_root,
	    struct bytes script) {
	struct bitcoin_script built;
	return bitcoin_script_of_key(template, public_key, merkle_root, &built) == OK &&
	       bytes_equal(bitcoin_script_bytes(&built), script);
}

/* The key of a derivation record, in compressed form; false for one that no template here uses. */
static bool
record_key(const struct psbt_record *record, bool taproot, uint8_t public_key[33]) {
	if (record->key.len != (taproot ? 32 : 33))
		return false;
	if (taproot)
		public_key[0] = 2; /* x-only keys have even y */
	memcpy(public_key + (taproot ? 1 : 0), record->key.data, record->key.len);
	return true;
}

static bool
same_key(const uint8_t a[33], const uint8_t b[33], bool taproot) {
	return memcmp(a + 1, b + 1, 32) == 0 && (taproot || a[0] == b[0]);
}

/* The derivation record whose key the input's output pays to; null if there is none. */
static const struct psbt_record *
find_key_record(const struct psbt_map *map, const struct psbt_spent *spent) {
	const struct psbt_record *const *records;
	size_t count = psbt_find_all(map, PSBT_INPUT_DERIVATION, &records);
	uint8_t public_key[33];
	for (size_t i = 0; i < count; i++)
		if (record_key(records[i], false, public_key) &&
		    pays_to_key(spent->template, public_key, spent->merkle_root, spent->output.script))
			return records[i];
	return nullptr;
}

/* Taproot derivations name the keys of scripts too: the internal key tells which one is meant. Without it there is a choice
 * only if there is one. */
static const struct psbt_record *
find_taproot_record(const struct psbt_map *map, const struct psbt_spent *spent) {
	const struct psbt_record *internal = psbt_find(map, PSBT_INPUT_TAPROOT_INTERNAL_KEY), *const * records;
	size_t count = psbt_find_all(map, PSBT_INPUT_TAPROOT_DERIVATION, &records);
	for (size_t i = 0; internal != nullptr && i < count; i++)
		if (bytes_equal(records[i]->key, internal->value))
			return records[i]; /* psbt_check_input() saw that the output is made from it */
	uint8_t public_key[33];
	bool pays = internal == nullptr && count == 1 && record_key(records[0], true, public_key) &&
		    pays_to_key(BITCOIN_P2TR, public_key, spent->merkle_root, spent->output.script);
	return pays ? records[0] : nullptr;
}

/* --- inputs --- */

static enum status
refuse_foreign(const struct psbt *psbt, size_t index, const struct wallet_key *key) {
	const struct bitcoin_outpoint *outpoint = &psbt->transaction.inputs[index].previous;
	char txid[BITCOIN_HASH_TEXT_SIZE];
	bitcoin_hash_text(&outpoint->txid, txid);
	return fail(STATUS_DENIED, "psbt.foreign_input: input %zu spends %s:%u, which does not belong to key %.*s",
		    index, txid, outpoint->index, BYTES_ARGS(key->id));
}

/* Input without a derivation record for the key that it pays to: ours only if that is our key itself. */
static enum status
own_by_key_itself(const struct psbt *psbt, size_t index, const struct wallet_key *key,
		  struct bitcoin_spend_input *input) {
	compress(key->public_key, input->public_key);
	if (!pays_to_key(input->spent.template, input->public_key, input->spent.merkle_root,
			 input->spent.output.script))
		return refuse_foreign(psbt, index, key);
	input->origin_path = key->origin;
	return OK;
}

static enum status
own_input(const struct psbt *psbt, size_t index, const struct wallet_key *key, struct bitcoin_spend_input *input) {
	const struct psbt_map *map = &psbt->inputs[index].map;
	bool taproot = input->spent.template == BITCOIN_P2TR;
	const struct psbt_record *record =
		taproot ? find_taproot_record(map, &input->spent) : find_key_record(map, &input->spent);
	if (record == nullptr)
		return own_by_key_itself(psbt, index, key, input);
	struct psbt_derivation derivation = psbt_derivation_of(record, taproot);
	uint8_t stated[33] = {};
	if (!path_below_key(key, &derivation, &input->origin_path, &input->path) ||
	    !record_key(record, taproot, stated))
		return refuse_foreign(psbt, index, key);
	TRY(derive(key, &input->path, input->public_key));
	if (!same_key(input->public_key, stated, taproot))
		return fail(STATUS_DENIED,
			    "psbt.derivation_mismatch: input %zu: key %.*s has another public key at the stated path",
			    index, BYTES_ARGS(key->id));
	return OK;
}

static bool
are_all_taproot(const struct bitcoin_spend_input *inputs, size_t count) {
	for (size_t i = 0; i < count; i++)
		if (inputs[i].spent.template != BITCOIN_P2TR)
			return false;
	return true;
}

/* Agreement of all inputs first, then their kinds, then fields, then ownership: the error says what is wrong with the PSBT
 * before it says what is not handled. */
static enum status
check_inputs(const struct psbt *psbt, struct bitcoin_spend_input *inputs) {
	size_t count = psbt->transaction.input_count;
	for (size_t i = 0; i < count; i++) {
		TRY(psbt_check_input(psbt, i, &inputs[i].spent));
		inputs[i].is_known = true;
	}
	bool all_taproot = are_all_taproot(inputs, count);
	for (size_t i = 0; i < count; i++)
		TRY(psbt_check_signable(psbt, i, all_taproot, &inputs[i].spent));
	return psbt_check_fields(psbt);
}

/* --- change --- */

static bool
has_account_path(const struct signing_path *path) {
	return path->count == STEP_COUNT && path->steps[STEP_PURPOSE] >= HARDENED &&
	       path->steps[STEP_COIN] >= HARDENED && path->steps[STEP_ACCOUNT] >= HARDENED &&
	       path->steps[STEP_CHAIN] < HARDENED && path->steps[STEP_INDEX] < HARDENED;
}

static enum bitcoin_template
template_of_purpose(uint32_t purpose) {
	switch (purpose) {
	case HARDENED | 44:
		return BITCOIN_P2PKH;
	case HARDENED | 49:
		return BITCOIN_P2SH_P2WPKH;
	case HARDENED | 84:
		return BITCOIN_P2WPKH;
	case HARDENED | 86:
		return BITCOIN_P2TR;
	default:
		return BITCOIN_UNKNOWN_SCRIPT;
	}
}

/* A signature names no network, and the same key signs on all; what keeps test coins and real ones apart are the paths. */
static enum status
check_coin_type(const struct bitcoin_spend *spend, size_t index, const struct bitcoin_spend_input *input) {
	const struct signing_path *path = &input->origin_path;
	uint32_t coin = HARDENED | bitcoin_network_coin_type(spend->network);
	if (!has_account_path(path) || template_of_purpose(path->steps[STEP_PURPOSE]) == BITCOIN_UNKNOWN_SCRIPT ||
	    path->steps[STEP_COIN] == coin)
		return OK;
	return fail(STATUS_DENIED, "psbt.coin_type: input %zu is of coin type %u, and %s has %u", index,
		    path->steps[STEP_COIN] & ~HARDENED, bitcoin_network_chain(spend->network), coin & ~HARDENED);
}

static bool
is_account_of_an_input(const struct signing_path *path, const struct bitcoin_spend_input *inputs, size_t count) {
	for (size_t i = 0; i < count; i++)
		if (has_account_path(&inputs[i].origin_path) &&
		    memcmp(inputs[i].origin_path.steps, path->steps, STEP_CHAIN * sizeof path->steps[0]) == 0)
			return true;
	return false;
}

/* Below a key that is itself an account: chain and index. */
static bool
has_short_path(const struct signing_path *path) {
	return path->count == 2 && path->steps[0] < HARDENED && path->steps[1] < HARDENED;
}

static bool
is_change_path(const struct signing_path *path, enum bitcoin_network network, const struct bitcoin_spend_input *inputs,
	       size_t count) {
	return has_account_path(path) && template_of_purpose(path->steps[STEP_PURPOSE]) != BITCOIN_UNKNOWN_SCRIPT &&
	       path->steps[STEP_COIN] == (HARDENED | bitcoin_network_coin_type(network)) &&
	       path->steps[STEP_CHAIN] == CHANGE_CHAIN && path->steps[STEP_INDEX] <= BITCOIN_CHANGE_INDEX_MAX &&
	       is_account_of_an_input(path, inputs, count);
}

/* Of the kind of an input below the same account: no step of the path says which. */
static enum status
check_account_change(const struct bitcoin_spend *spend, size_t index, const struct wallet_key *key,
		     const struct signing_path *path, struct bitcoin_spend_output *output) {
	const struct bitcoin_transaction *transaction = &spend->psbt->transaction;
	uint8_t public_key[33];
	if (!has_short_path(path) || path->steps[0] != CHANGE_CHAIN || path->steps[1] > BITCOIN_CHANGE_INDEX_MAX)
		return OK;
	TRY(derive(key, path, public_key));
	for (size_t i = 0; i < transaction->input_count && !output->is_change; i++) {
		const struct bitcoin_spend_input *input = &spend->inputs[i];
		output->is_change = has_short_path(&input->origin_path) && input->spent.template != BITCOIN_P2TR &&
				    pays_to_key(input->spent.template, public_key, (struct bytes){},
						transaction->outputs[index].script);
	}
	if (output->is_change)
		output->origin_path = *path;
	return OK;
}

/* Whether the record proves that the output is ours. One that does not is a claim without weight, not an error; that our key
 * could not be asked is one. */
static enum status
check_change_proof(const struct bitcoin_spend *spend, size_t index, const struct wallet_key *key,
		   const struct psbt_record *record, bool taproot, struct bitcoin_spend_output *output) {
	struct psbt_derivation derivation = psbt_derivation_of(record, taproot);
	struct signing_path full, below;
	uint8_t public_key[33];
	if (!path_below_key(key, &derivation, &full, &below))
		return OK;
	if (key->is_account)
		return taproot ? OK : check_account_change(spend, index, key, &full, output);
	if (!is_change_path(&full, spend->network, spend->inputs, spend->psbt->transaction.input_count))
		return OK;
	enum bitcoin_template template = template_of_purpose(full.steps[STEP_PURPOSE]);
	if ((template == BITCOIN_P2TR) != taproot)
		return OK;
	TRY(derive(key, &below, public_key));
	if (!pays_to_key(template, public_key, (struct bytes){}, spend->psbt->transaction.outputs[index].script))
		return OK;
	*output = (struct bitcoin_spend_output){.is_change = true, .origin_path = full};
	return OK;
}

static enum status
find_change_proof(const struct bitcoin_spend *spend, size_t index, const struct wallet_key *key,
		  struct bitcoin_spend_output *output) {
	const struct psbt_map *map = &spend->psbt->outputs[index];
	const struct psbt_record *const *plain, *const *taproot;
	/* An output of one key has one derivation; more are somebody else's script, and each would cost a derivation. */
	size_t plain_count = psbt_find_all(map, PSBT_OUTPUT_DERIVATION, &plain);
	size_t taproot_count = psbt_find_all(map, PSBT_OUTPUT_TAPROOT_DERIVATION, &taproot);
	if (plain_count + taproot_count != 1)
		return OK;
	bool is_taproot = taproot_count == 1;
	return check_change_proof(spend, index, key, is_taproot ? taproot[0] : plain[0], is_taproot, output);
}

static enum status
classify_outputs(struct arena *arena, const struct wallet_key *key, struct bitcoin_spend *spend) {
	const struct bitcoin_transaction *transaction = &spend->psbt->transaction;
	struct bitcoin_spend_output *outputs =
		ARENA_NEW_ARRAY(arena, transaction->output_count, struct bitcoin_spend_output);
	TRY_ALLOC(outputs);
	size_t change = 0;
	for (size_t i = 0; i < transaction->output_count; i++) {
		TRY(find_change_proof(spend, i, key, &outputs[i]));
		change += outputs[i].is_change;
	}
	if (change == transaction->output_count)
		memset(outputs, 0, transaction->output_count * sizeof *outputs);
	for (size_t i = 0; i < transaction->output_count; i++)
		if (outputs[i].is_change)
			TRY(bitcoin_add_sats(&spend->change_sats, transaction->outputs[i].sats, "change output", i));
	spend->outputs = outputs;
	return OK;
}

/* --- size, fee, times --- */

/* BIP-141's weight once signed: four times what stands outside the witness, plus the witness. */
static enum status
measure(struct bitcoin_spend *spend) {
	constexpr uint64_t SIGNATURE = 72;
	constexpr uint64_t KEY = 33;
	constexpr uint64_t SCHNORR = 64;
	constexpr uint64_t NESTED_SCRIPT = 1 + 22;
	constexpr uint64_t KEY_WITNESS = 1 + 1 + SIGNATURE + 1 + KEY;
	const struct bitcoin_transaction *transaction = &spend->psbt->transaction;
	_cleanup_(buffer_free) struct buffer unsigned_bytes = {};
	bitcoin_transaction_write_without_witness(transaction, &unsigned_bytes);
	TRY(buffer_status(&unsigned_bytes));
	uint64_t base = unsigned_bytes.len, witness = 2;
	bool any_witness = false;
	for (size_t i = 0; i < transaction->input_count; i++) {
		const struct psbt_spent *spent = &spend->inputs[i].spent;
		any_witness |= spent->template != BITCOIN_P2PKH;
		switch (spent->template) {
		case BITCOIN_P2PKH:
			base += 1 + SIGNATURE + 1 + KEY;
			witness += 1;
			break;
		case BITCOIN_P2SH_P2WPKH:
			base += NESTED_SCRIPT;
			witness += KEY_WITNESS;
			break;
		case BITCOIN_P2TR:
			witness += 1 + 1 + SCHNORR + (spent->hash_type == BITCOIN_SIGHASH_DEFAULT ? 0 : 1);
			break;
		default:
			witness += KEY_WITNESS;
		}
	}
	uint64_t weight = 4 * base + (any_witness ? witness : 0);
	if (weight > BITCOIN_WEIGHT_MAX)
		return fail(STATUS_TOO_LARGE, "bitcoin.weight: %llu once signed, at most %llu",
			    (unsigned long long)weight, (unsigned long long)BITCOIN_WEIGHT_MAX);
	spend->virtual_bytes = (weight + 3) / 4;
	return OK;
}

static enum status
compute_fee(struct bitcoin_spend *spend) {
	for (size_t i = 0; i < spend->psbt->transaction.input_count; i++)
		TRY(bitcoin_add_sats(&spend->input_sats, spend->inputs[i].spent.output.sats, "input", i));
	if (spend->input_sats < spend->output_sats)
		return fail(STATUS_INVALID, "bitcoin.outputs_exceed_inputs: outputs of %llu satoshi, inputs of %llu",
			    (unsigned long long)spend->output_sats, (unsigned long long)spend->input_sats);
	spend->has_fee = true;
	spend->fee_sats = spend->input_sats - spend->output_sats;
	spend->fee_rate = (spend->fee_sats + spend->virtual_bytes - 1) / spend->virtual_bytes;
	return OK;
}

static enum status
check_bounds(const struct bitcoin_transaction *transaction) {
	if (transaction->input_count > BITCOIN_INPUTS_MAX)
		return fail(STATUS_TOO_LARGE, "bitcoin.too_many_inputs: %zu, at most %zu are signed",
			    transaction->input_count, BITCOIN_INPUTS_MAX);
	if (transaction->output_count > BITCOIN_OUTPUTS_MAX)
		return fail(STATUS_TOO_LARGE, "bitcoin.too_many_outputs: %zu, at most %zu are signed",
			    transaction->output_count, BITCOIN_OUTPUTS_MAX);
	if (transaction->version < BITCOIN_VERSION_MIN || transaction->version > BITCOIN_VERSION_MAX)
		return fail(STATUS_UNSUPPORTED, "bitcoin.version: transaction version %u, %u to %u are signed",
			    transaction->version, BITCOIN_VERSION_MIN, BITCOIN_VERSION_MAX);
	return OK;
}

enum status
bitcoin_spend_of(struct arena *arena, const struct psbt *psbt, enum bitcoin_network network,
		 const struct wallet_key *key, struct bitcoin_spend *spend) {
	*spend = (struct bitcoin_spend){.psbt = psbt, .network = network};
	TRY(bitcoin_transaction_check(arena, &psbt->transaction, &spend->output_sats));
	TRY(check_bounds(&psbt->transaction));
	struct bitcoin_spend_input *inputs =
		ARENA_NEW_ARRAY(arena, psbt->transaction.input_count, struct bitcoin_spend_input);
	TRY_ALLOC(inputs);
	TRY(check_inputs(psbt, inputs));
	for (size_t i = 0; i < psbt->transaction.input_count; i++) {
		TRY(own_input(psbt, i, key, &inputs[i]));
		TRY(check_coin_type(spend, i, &inputs[i]));
	}
	spend->inputs = inputs;
	TRY(measure(spend));
	TRY(compute_fee(spend));
	spend->replaceable = bitcoin_transaction_is_replaceable(&psbt->transaction);
	spend->time_locked = bitcoin_transaction_is_time_locked(&psbt->transaction);
	return classify_outputs(arena, key, spend);
}

/* --- without a key --- */

static enum status
check_without_key(struct arena *arena, const struct psbt *psbt, struct bitcoin_spend_input *inputs) {
	uint64_t output_sats;
	TRY(bitcoin_transaction_check(arena, &psbt->transaction, &output_sats));
	TRY(check_bounds(&psbt->transaction));
	return check_inputs(psbt, inputs);
}

/* What is known of an input whose other data may not agree, or are gone because it is final. */
static void
read_input(const struct psbt *psbt, size_t index, struct bitcoin_spend_input *input) {
	if (input->is_known)
		return;
	input->is_known = psbt_find_spent_output(psbt, index, &input->spent.output) == OK;
	input->spent.template = bitcoin_script_template(input->spent.output.script);
}

static void
read_fee(struct bitcoin_spend *spend) {
	const struct bitcoin_transaction *transaction = &spend->psbt->transaction;
	for (size_t i = 0; i < transaction->input_count; i++)
		if (!spend->inputs[i].is_known ||
		    bitcoin_add_sats(&spend->input_sats, spend->inputs[i].spent.output.sats, "input", i) != OK)
			return;
	for (size_t i = 0; i < transaction->output_count; i++)
		if (bitcoin_add_sats(&spend->output_sats, transaction->outputs[i].sats, "output", i) != OK)
			return;
	spend->has_fee = transaction->input_count > 0 && spend->input_sats >= spend->output_sats;
	spend->fee_sats = spend->has_fee ? spend->input_sats - spend->output_sats : 0;
}

enum status
bitcoin_spend_read(struct arena *arena, const struct psbt *psbt, enum bitcoin_network network,
		   struct bitcoin_spend *spend, const char **refusal) {
	*spend = (struct bitcoin_spend){.psbt = psbt, .network = network};
	*refusal = nullptr;
	const struct bitcoin_transaction *transaction = &psbt->transaction;
	struct bitcoin_spend_input *inputs =
		ARENA_NEW_ARRAY(arena, transaction->input_count, struct bitcoin_spend_input);
	spend->outputs = ARENA_NEW_ARRAY(arena, transaction->output_count, struct bitcoin_spend_output);
	TRY_ALLOC(inputs);
	TRY_ALLOC(spend->outputs);
	enum status status = check_without_key(arena, psbt, inputs);
	if (status == STATUS_NO_MEMORY)
		return status;
	if (status != OK) {
		*refusal = arena_text(arena, bytes_of_text(fail_message()));
		TRY_ALLOC(*refusal);
	}
	for (size_t i = 0; i < transaction->input_count; i++)
		read_input(psbt, i, &inputs[i]);
	spend->inputs = inputs;
	read_fee(spend);
	spend->replaceable = bitcoin_transaction_is_replaceable(&psbt->transaction);
	spend->time_locked = bitcoin_transaction_is_time_locked(&psbt->transaction);
	return OK;
}

/* --- requests and identity --- */

static enum status
request_of(struct arena *arena, const struct bitcoin_sighash *sighash, const struct bitcoin_spend_input *input,
	   size_t index, struct signing_request *request) {
	struct hash256 digest;
	struct bytes expected = bytes_of(input->public_key, sizeof input->public_key);
	struct bitcoin_script script_code;
	request->path = input->path;
	switch (input->spent.template) {
	case BITCOIN_P2TR:
		request->scheme = SCHEME_BIP340;
		request->tweaked = true;
		request->merkle_root = input->spent.merkle_root;
		expected = bitcoin_script_payload(input->spent.output.script);
		TRY(bitcoin_sighash_taproot(sighash, index, input->spent.hash_type, &digest));
		break;
	case BITCOIN_P2PKH:
		request->scheme = SCHEME_ECDSA_SECP256K1;
		TRY(bitcoin_sighash_original(sighash, index, input->spent.output.script, &digest));
		break;
	default: /* a key hash as a witness program: BIP-143's script code is P2PKH's script of the hash */
		request->scheme = SCHEME_ECDSA_SECP256K1;
		TRY(bitcoin_script_of_key(BITCOIN_P2PKH, input->public_key, (struct bytes){}, &script_code));
		TRY(bitcoin_sighash_witness_v0(sighash, index, bitcoin_script_bytes(&script_code), &digest));
	}
	memcpy(request->digest, digest.bytes, sizeof request->digest);
	request->expected_public_key = arena_copy(arena, expected);
	TRY_ALLOC(request->expected_public_key.data);
	return OK;
}

enum status
bitcoin_spend_requests(struct arena *arena, const struct bitcoin_spend *spend, struct signing_request **requests) {
	size_t count = spend->psbt->transaction.input_count;
	struct bitcoin_output *spent = ARENA_NEW_ARRAY(arena, count, struct bitcoin_output);
	TRY_ALLOC(spent);
	for (size_t i = 0; i < count; i++)
		spent[i] = spend->inputs[i].spent.output;
	struct bitcoin_sighash sighash;
	TRY(bitcoin_sighash_start(&spend->psbt->transaction, spent, &sighash));
	*requests = ARENA_NEW_ARRAY(arena, count, struct signing_request);
	TRY_ALLOC(*requests);
	for (size_t i = 0; i < count; i++)
		TRY(request_of(arena, &sighash, &spend->inputs[i], i, &(*requests)[i]));
	return OK;
}

static int
compare_outpoints(const void *a, const void *b) {
	return bitcoin_outpoint_compare(a, b);
}

enum status
bitcoin_spend_identity(struct arena *arena, const struct bitcoin_spend *spend, struct hash256 *identity) {
	static const char LABEL[] = "gatehouse/spend/bitcoin/v1"; /* with its final NUL, as the chain's name */
	const struct bitcoin_transaction *transaction = &spend->psbt->transaction;
	struct bitcoin_outpoint *outpoints = ARENA_NEW_ARRAY(arena, transaction->input_count, struct bitcoin_outpoint);
	TRY_ALLOC(outpoints);
	for (size_t i = 0; i < transaction->input_count; i++)
		outpoints[i] = transaction->inputs[i].previous;
	qsort(outpoints, transaction->input_count, sizeof *outpoints, compare_outpoints);
	_cleanup_(buffer_free) struct buffer message = {};
	buffer_append(&message, LABEL, sizeof LABEL);
	buffer_append_text(&message, bitcoin_network_chain(spend->network));
	buffer_append_byte(&message, 0);
	for (size_t i = 0; i < transaction->input_count; i++)
		bitcoin_outpoint_write(&outpoints[i], &message);
	TRY(buffer_status(&message));
	*identity = sha256(buffer_bytes(&message));
	return OK;
}
