#include "tests/psbt_fixture.h"

constexpr uint32_t HARDENED = UINT32_C(1) << 31;

struct signing_path
psbt_fixture_path(enum bitcoin_template template, uint32_t coin, uint32_t account, uint32_t chain, uint32_t index) {
	uint32_t purpose = template == BITCOIN_P2PKH         ? 44
			   : template == BITCOIN_P2SH_P2WPKH ? 49
			   : template == BITCOIN_P2WPKH      ? 84
							     : 86;
	return (struct signing_path){.steps = {HARDENED | purpose, HARDENED | coin, HARDENED | account, chain, index},
				     .count = 5};
}

/* A transaction from elsewhere that pays the coin as its second output. */
static enum status
previous_of(struct arena *arena, const struct psbt_fixture *fixture, size_t index,
	    struct bitcoin_transaction *previous) {
	const struct psbt_fixture_coin *coin = &fixture->coins[index];
	struct bitcoin_script script;
	TRY(bitcoin_script_of_key(coin->template, coin->public_key, coin->merkle_root, &script));
	uint8_t place[8];
	store_u32be(place, fixture->seed);
	store_u32be(place + 4, (uint32_t)index);
	static const uint8_t SCRIPT_SIG[] = {1, 0x51};
	struct bitcoin_input *input = ARENA_NEW(arena, struct bitcoin_input);
	struct bitcoin_output *outputs = ARENA_NEW_ARRAY(arena, 2, struct bitcoin_output);
	TRY_ALLOC(input);
	TRY_ALLOC(outputs);
	input->previous.txid = tagged_hash("gatehouse/fixture", BYTES_OF_ARRAY(place));
	input->script_sig = BYTES_OF_ARRAY(SCRIPT_SIG);
	input->sequence = BITCOIN_SEQUENCE_FINAL;
	struct bitcoin_script other = bitcoin_script_p2pkh(input->previous.txid.bytes);
	outputs[0] = (struct bitcoin_output){1'000, arena_copy(arena, bitcoin_script_bytes(&other))};
	outputs[1] = (struct bitcoin_output){coin->sats, arena_copy(arena, bitcoin_script_bytes(&script))};
	TRY_ALLOC(outputs[0].script.data);
	TRY_ALLOC(outputs[1].script.data);
	*previous = (struct bitcoin_transaction){
		.version = 2, .inputs = input, .input_count = 1, .outputs = outputs, .output_count = 2};
	return OK;
}

static struct psbt_coin
coin_of(const struct psbt_fixture_coin *coin, const struct bitcoin_transaction *previous) {
	struct psbt_coin made = {.previous = previous,
				 .index = 1,
				 .template = coin->template,
				 .path = coin->path,
				 .without_derivation = coin->without_derivation,
				 .without_previous = coin->without_previous,
				 .merkle_root = coin->merkle_root,
				 .has_hash_type = coin->has_hash_type};
	memcpy(made.public_key, coin->public_key, sizeof made.public_key);
	return made;
}

enum status
psbt_fixture_build(struct arena *arena, const struct psbt_fixture *fixture, struct bytes *encoded) {
	struct psbt_coin *coins = ARENA_NEW_ARRAY(arena, fixture->coin_count, struct psbt_coin);
	struct bitcoin_transaction *previous = ARENA_NEW_ARRAY(arena, fixture->coin_count, struct bitcoin_transaction);
	TRY_ALLOC(coins);
	TRY_ALLOC(previous);
	for (size_t i = 0; i < fixture->coin_count; i++) {
		TRY(previous_of(arena, fixture, i, &previous[i]));
		coins[i] = coin_of(&fixture->coins[i], &previous[i]);
	}
	struct psbt_plan plan = {.coins = coins,
				 .coin_count = fixture->coin_count,
				 .payments = fixture->outputs,
				 .payment_count = fixture->output_count,
				 .sequence = fixture->sequence,
				 .lock_time = fixture->lock_time};
	memcpy(plan.fingerprint, fixture->fingerprint, sizeof plan.fingerprint);
	return psbt_build(arena, &plan, encoded);
}
