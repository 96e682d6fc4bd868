#include "wallet/bitcoin/psbt_builder.h"

#include "wallet/bitcoin/compact_size.h"
#include "wallet/bitcoin/sighash.h"

constexpr size_t RECORDS_MAX = 8;

/* One map's records while they are gathered. */
struct draft_map {
	struct psbt_record records[RECORDS_MAX];
	size_t count;
};

static enum status
finish(struct arena *arena, const struct buffer *buffer, struct bytes *bytes) {
	TRY(buffer_status(buffer));
	*bytes = arena_copy(arena, buffer_bytes(buffer));
	TRY_ALLOC(bytes->data);
	return OK;
}

static void
add(struct draft_map *map, uint64_t type, struct bytes key, struct bytes value) {
	map->records[map->count++] = (struct psbt_record){type, key, value};
}

/* Fingerprint and path; before them, for Taproot, the number of leaf hashes: none. */
static enum status
write_derivation(struct arena *arena, const uint8_t fingerprint[4], const struct signing_path *path, bool taproot,
		 struct bytes *value) {
	_cleanup_(buffer_free) struct buffer buffer = {};
	if (taproot)
		bitcoin_append_compact_size(&buffer, 0);
	buffer_append(&buffer, fingerprint, 4);
	for (size_t i = 0; i < path->count; i++)
		buffer_append_u32le(&buffer, path->steps[i]);
	return finish(arena, &buffer, value);
}

static enum status
script_of(struct arena *arena, enum bitcoin_template template, const uint8_t public_key[33], struct bytes merkle_root,
	  struct bytes *script) {
	struct bitcoin_script built;
	TRY(bitcoin_script_of_key(template, public_key, merkle_root, &built));
	*script = arena_copy(arena, bitcoin_script_bytes(&built));
	TRY_ALLOC(script->data);
	return OK;
}

static enum status
add_utxos(struct arena *arena, const struct psbt_coin *coin, struct draft_map *map) {
	_cleanup_(buffer_free) struct buffer buffer = {};
	struct bytes encoded, utxo;
	bitcoin_transaction_write(coin->previous, &buffer);
	TRY(finish(arena, &buffer, &encoded));
	buffer_reset(&buffer);
	bitcoin_output_write(&coin->previous->outputs[coin->index], &buffer);
	TRY(finish(arena, &buffer, &utxo));
	if (!coin->without_previous)
		add(map, PSBT_INPUT_PREVIOUS_TRANSACTION, (struct bytes){}, encoded);
	if (coin->template != BITCOIN_P2PKH)
		add(map, PSBT_INPUT_WITNESS_UTXO, (struct bytes){}, utxo);
	return OK;
}

static enum status
add_keys(struct arena *arena, const struct psbt_plan *plan, const struct psbt_coin *coin, struct draft_map *map) {
	bool taproot = coin->template == BITCOIN_P2TR;
	struct bytes key = arena_copy(arena, bytes_of(coin->public_key + (taproot ? 1 : 0), taproot ? 32 : 33)), value;
	TRY_ALLOC(key.data);
	if (coin->template == BITCOIN_P2SH_P2WPKH) {
		TRY(script_of(arena, BITCOIN_P2WPKH, coin->public_key, (struct bytes){}, &value));
		add(map, PSBT_INPUT_REDEEM_SCRIPT, (struct bytes){}, value);
	}
	TRY(write_derivation(arena, plan->fingerprint, &coin->path, taproot, &value));
	if (!coin->without_derivation)
		add(map, taproot ? PSBT_INPUT_TAPROOT_DERIVATION : PSBT_INPUT_DERIVATION, key, value);
	if (taproot)
		add(map, PSBT_INPUT_TAPROOT_INTERNAL_KEY, (struct bytes){}, key);
	if (coin->merkle_root.len > 0)
		add(map, PSBT_INPUT_TAPROOT_MERKLE_ROOT, (struct bytes){}, coin->merkle_root);
	return OK;
}

static enum status
draft_input(struct arena *arena, const struct psbt_plan *plan, size_t index, struct bitcoin_input *input,
	    struct draft_map *map) {
	const struct psbt_coin *coin = &plan->coins[index];
	if (coin->index >= coin->previous->output_count)
		return fail(STATUS_INVALID, "psbt_builder.index: coin %zu is output %u of a transaction that has %zu",
			    index, coin->index, coin->previous->output_count);
	TRY(bitcoin_transaction_id(coin->previous, &input->previous.txid));
	input->previous.index = coin->index;
	input->sequence = plan->sequence;
	static const uint8_t ALL[4] = {BITCOIN_SIGHASH_ALL};
	TRY(add_utxos(arena, coin, map));
	if (coin->has_hash_type)
		add(map, PSBT_INPUT_HASH_TYPE, (struct bytes){}, BYTES_OF_ARRAY(ALL));
	return add_keys(arena, plan, coin, map);
}

static enum status
draft_output(struct arena *arena, const struct psbt_plan *plan, size_t index, struct bitcoin_output *output,
	     struct draft_map *map) {
	const struct psbt_payment *wanted = &plan->payments[index];
	*output = (struct bitcoin_output){wanted->sats, wanted->script};
	if (!wanted->is_change)
		return OK;
	bool taproot = wanted->template == BITCOIN_P2TR;
	struct bytes key = arena_copy(arena, bytes_of(wanted->public_key + (taproot ? 1 : 0), taproot ? 32 : 33)),
		     value;
	TRY_ALLOC(key.data);
	TRY(script_of(arena, wanted->template, wanted->public_key, (struct bytes){}, &output->script));
	if (wanted->template == BITCOIN_P2SH_P2WPKH) {
		TRY(script_of(arena, BITCOIN_P2WPKH, wanted->public_key, (struct bytes){}, &value));
		add(map, PSBT_OUTPUT_REDEEM_SCRIPT, (struct bytes){}, value);
	}
	TRY(write_derivation(arena, plan->fingerprint, &wanted->path, taproot, &value));
	if (taproot)
		add(map, PSBT_OUTPUT_TAPROOT_INTERNAL_KEY, (struct bytes){}, key);
	add(map, taproot ? PSBT_OUTPUT_TAPROOT_DERIVATION : PSBT_OUTPUT_DERIVATION, key, value);
	return OK;
}

static enum status
map_of_draft(struct arena *arena, enum psbt_scope scope, size_t index, const struct draft_map *draft,
	     struct psbt_map *map) {
	struct psbt_record *records = ARENA_NEW_ARRAY(arena, draft->count, struct psbt_record);
	TRY_ALLOC(records);
	for (size_t i = 0; i < draft->count; i++)
		records[i] = draft->records[i];
	return psbt_map_of(arena, scope, index, records, draft->count, map);
}

static enum status
draft_inputs(struct arena *arena, const struct psbt_plan *plan, struct psbt *psbt) {
	struct bitcoin_input *inputs = ARENA_NEW_ARRAY(arena, plan->coin_count, struct bitcoin_input);
	psbt->inputs = ARENA_NEW_ARRAY(arena, plan->coin_count, struct psbt_input);
	TRY_ALLOC(inputs);
	TRY_ALLOC(psbt->inputs);
	for (size_t i = 0; i < plan->coin_count; i++) {
		struct draft_map draft = {};
		TRY(draft_input(arena, plan, i, &inputs[i], &draft));
		TRY(map_of_draft(arena, PSBT_INPUT, i, &draft, &psbt->inputs[i].map));
	}
	psbt->transaction.inputs = inputs;
	psbt->transaction.input_count = plan->coin_count;
	return OK;
}

static enum status
draft_outputs(struct arena *arena, const struct psbt_plan *plan, struct psbt *psbt) {
	struct bitcoin_output *outputs = ARENA_NEW_ARRAY(arena, plan->payment_count, struct bitcoin_output);
	psbt->outputs = ARENA_NEW_ARRAY(arena, plan->payment_count, struct psbt_map);
	TRY_ALLOC(outputs);
	TRY_ALLOC(psbt->outputs);
	for (size_t i = 0; i < plan->payment_count; i++) {
		struct draft_map draft = {};
		TRY(draft_output(arena, plan, i, &outputs[i], &draft));
		TRY(map_of_draft(arena, PSBT_OUTPUT, i, &draft, &psbt->outputs[i]));
	}
	psbt->transaction.outputs = outputs;
	psbt->transaction.output_count = plan->payment_count;
	return OK;
}

enum status
psbt_build(struct arena *arena, const struct psbt_plan *plan, struct bytes *encoded) {
	struct psbt psbt = {.transaction = {.version = 2, .lock_time = plan->lock_time}};
	TRY(draft_inputs(arena, plan, &psbt));
	TRY(draft_outputs(arena, plan, &psbt));
	_cleanup_(buffer_free) struct buffer buffer = {};
	struct draft_map global = {};
	struct bytes unsigned_transaction;
	bitcoin_transaction_write_without_witness(&psbt.transaction, &buffer);
	TRY(finish(arena, &buffer, &unsigned_transaction));
	add(&global, PSBT_GLOBAL_UNSIGNED_TRANSACTION, (struct bytes){}, unsigned_transaction);
	TRY(map_of_draft(arena, PSBT_GLOBAL, 0, &global, &psbt.global));
	buffer_reset(&buffer);
	psbt_write(&psbt, &buffer);
	return finish(arena, &buffer, encoded);
}
