#include "cli/demo/payloads.h"

#include "crypto/hash.h"
#include "wallet/bitcoin/address.h"
#include "wallet/bitcoin/psbt_builder.h"
#include "wallet/bitcoin/transaction.h"
#include "wallet/evm/transaction.h"

constexpr uint64_t GWEI = 1'000'000'000;
constexpr uint64_t GAS_TRANSFER = 21'000;
constexpr uint64_t GAS_TOKEN = 90'000;
constexpr uint64_t FEE_PER_GAS = 30 * GWEI;
constexpr uint64_t PRIORITY_FEE_PER_GAS = GWEI;
static const uint8_t TRANSFER_SELECTOR[4] = {0xa9, 0x05, 0x9c, 0xbb}, APPROVE_SELECTOR[4] = {0x09, 0x5e, 0xa7, 0xb3};

uint64_t
amount_pick(const char *amounts, const char *what, uint64_t low, uint64_t high) {
	struct hash256 hash = SHA256_PARTS(BYTES_OF_LITERAL("gatehouse demo "), bytes_of_text(amounts),
					   BYTES_OF_LITERAL("\n"), bytes_of_text(what));
	return low + load_u64be(hash.bytes) % (high - low + 1);
}

/* --- Ethereum. --- */

/* Selector, address and amount, each in a word of 32 bytes. */
static enum status
token_call(struct arena *arena, const struct evm_plan *plan, struct bytes *data) {
	uint8_t *call = arena_alloc(arena, 4 + 32 + 32);
	struct evm_address to;
	TRY_ALLOC(call);
	TRY(hex_decode(bytes_of_text(plan->to + 2), to.bytes, sizeof to.bytes));
	memcpy(call, plan->is_approve ? APPROVE_SELECTOR : TRANSFER_SELECTOR, 4);
	memcpy(call + 4 + 12, to.bytes, sizeof to.bytes);
	if (plan->is_approve)
		memset(call + 36, 0xff, 32);
	else
		store_u64be(call + 36 + 24, plan->token);
	*data = bytes_of(call, 4 + 32 + 32);
	return OK;
}

enum status
evm_payload(struct arena *arena, const struct evm_plan *plan, const char **payload) {
	bool calls_token = plan->is_approve || plan->token > 0;
	struct evm_transaction transaction = {.type = EVM_DYNAMIC_FEE,
					      .has_chain_id = true,
					      .chain_id = 1,
					      .nonce = plan->nonce,
					      .fee_per_gas = amount_of(FEE_PER_GAS),
					      .priority_fee_per_gas = amount_of(PRIORITY_FEE_PER_GAS),
					      .gas_limit = calls_token ? GAS_TOKEN : GAS_TRANSFER};
	struct amount gwei = amount_of(plan->gwei);
	if (!amount_multiply_u64(&gwei, GWEI, &transaction.value))
		return fail(STATUS_INTERNAL, "demo.amount: too much ether");
	const char *to = calls_token ? USDC_ADDRESS : plan->to;
	TRY(hex_decode(bytes_of_text(to + 2), transaction.to.bytes, sizeof transaction.to.bytes));
	if (calls_token)
		TRY(token_call(arena, plan, &transaction.data));
	struct bytes encoded = evm_encode_unsigned(arena, &transaction);
	TRY_ALLOC(encoded.data);
	_cleanup_(buffer_free) struct buffer text = {};
	buffer_append_text(&text, "{\"format\":\"evm\",\"transaction\":\"0x");
	buffer_append_hex(&text, encoded);
	buffer_append_text(&text, "\"}");
	TRY(buffer_status(&text));
	*payload = arena_text(arena, buffer_bytes(&text));
	TRY_ALLOC(*payload);
	return OK;
}

/* --- Bitcoin. --- */

/* A payment from elsewhere to the key. It is made up, and whether it was mined is no question of the gate's. */
static enum status
make_coin(struct arena *arena, const struct psbt_order *order, uint64_t sats, uint64_t which, struct psbt_coin *coin) {
	static const uint8_t SCRIPT_SIG[] = {1, 0x51};
	struct bitcoin_transaction *previous = ARENA_NEW(arena, struct bitcoin_transaction);
	struct bitcoin_input *input = ARENA_NEW(arena, struct bitcoin_input);
	struct bitcoin_output *output = ARENA_NEW(arena, struct bitcoin_output);
	struct bitcoin_script script;
	uint8_t place[16];
	TRY_ALLOC(previous);
	TRY_ALLOC(input);
	TRY_ALLOC(output);
	store_u64be(place, order->serial);
	store_u64be(place + 8, which);
	TRY(bitcoin_script_of_key(BITCOIN_P2WPKH, order->public_key, (struct bytes){}, &script));
	input->previous.txid = tagged_hash("gatehouse/demo-coin", BYTES_OF_ARRAY(place));
	input->script_sig = BYTES_OF_ARRAY(SCRIPT_SIG);
	input->sequence = BITCOIN_SEQUENCE_FINAL;
	*output = (struct bitcoin_output){sats, arena_copy(arena, bitcoin_script_bytes(&script))};
	TRY_ALLOC(output->script.data);
	*previous = (struct bitcoin_transaction){
		.version = 2, .inputs = input, .input_count = 1, .outputs = output, .output_count = 1};
	*coin = (struct psbt_coin){.previous = previous, .template = BITCOIN_P2WPKH, .without_derivation = true};
	memcpy(coin->public_key, order->public_key, sizeof coin->public_key);
	return OK;
}

enum status
psbt_payload(struct arena *arena, const struct psbt_order *order, const char **payload) {
	struct psbt_coin coins[2];
	uint64_t all = order->sats + order->fee_sats;
	uint8_t script[BITCOIN_ADDRESS_SCRIPT_MAX];
	size_t script_len;
	struct bytes psbt;
	TRY(make_coin(arena, order, all / 3, 0, &coins[0]));
	TRY(make_coin(arena, order, all - all / 3, 1, &coins[1]));
	TRY(bitcoin_address_to_script(BITCOIN_MAIN, bytes_of_text(order->to), script, &script_len));
	struct psbt_payment payment = {.sats = order->sats, .script = bytes_of(script, script_len)};
	struct psbt_plan plan = {.coins = coins,
				 .coin_count = ARRAY_LENGTH(coins),
				 .payments = &payment,
				 .payment_count = 1,
				 .sequence = BITCOIN_SEQUENCE_FINAL};
	TRY(psbt_build(arena, &plan, &psbt));
	_cleanup_(buffer_free) struct buffer text = {};
	buffer_append_text(&text, "{\"format\":\"psbt\",\"transaction\":\"");
	buffer_append_base64(&text, psbt);
	buffer_append_text(&text, "\"}");
	TRY(buffer_status(&text));
	*payload = arena_text(arena, buffer_bytes(&text));
	TRY_ALLOC(*payload);
	return OK;
}
