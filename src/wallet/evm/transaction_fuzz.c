/* Decodes the input as a reader and as the gate; what is accepted must encode to the same bytes, be viewed, explained and signed. */
#include "wallet/evm/transaction.h"

#include <stdlib.h>

#include "wallet/wallet.h"

static void
must(bool holds) {
	if (!holds)
		abort();
}

/* Chain 1 with a token at 0x3535…, both priced. */
static struct asset_registry *
registry(void) {
	static struct asset_registry *assets;
	static const char TOKEN[] = "0x3535353535353535353535353535353535353535";
	if (assets != nullptr)
		return assets;
	const struct bytes chain = BYTES_OF_LITERAL("eip155:1");
	must(asset_registry_create(&assets) == OK);
	must(asset_registry_add(assets, chain, (struct bytes){}, BYTES_OF_LITERAL("ETH"), 18) == OK);
	must(asset_registry_add(assets, chain, bytes_of_text(TOKEN), BYTES_OF_LITERAL("TOK"), 6) == OK);
	for (size_t i = 0; i < asset_registry_count(assets); i++)
		must(asset_registry_set_price(assets, asset_registry_at(assets, i)->id, 100'000'000, 0) == OK);
	return assets;
}

static void
decode_whole(struct arena *arena, struct bytes input, const struct wallet_key *key) {
	struct wallet_context context = {.assets = registry(), .price_age_max_ms = 1000, .key = key};
	struct wallet_transaction *transaction;
	if (wallet_decode(arena, WALLET_EVM, input, &context, &transaction) != OK)
		return;
	_cleanup_(buffer_free) struct buffer view = {}, text = {};
	struct facts *facts = ARENA_NEW(arena, struct facts);
	must(facts != nullptr);
	facts_start(facts, arena);
	must(wallet_facts(transaction, facts) == OK);
	must(wallet_view(transaction, &view) == OK);
	must(json_check_canonical(arena, buffer_bytes(&view)) == OK);
	must(wallet_explain(transaction, &text) == OK);
	must((transaction->request_count == 1) == (key != nullptr));
	must(key == nullptr || transaction->destination_count == 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static const struct wallet_key KEY = {.public_key = {4, 1, 2, 3}};
	_cleanup_(arena_free) struct arena arena = {};
	struct bytes input = bytes_of(data, size);
	struct evm_transaction transaction;
	struct evm_address sender;
	if (evm_decode_transaction(&arena, input, 0, &transaction) == OK) {
		must(bytes_equal(evm_encode_transaction(&arena, &transaction), input));
		must(evm_intrinsic_gas(&transaction) <= transaction.gas_limit);
		if (transaction.is_signed)
			IGNORE_STATUS(evm_recover_sender(&arena, &transaction, &sender)); /* may have no key */
	}
	enum wallet_format format;
	struct bytes payload, normal, again;
	if (wallet_payload_of_text(&arena, input, &format, &payload) == OK && format == WALLET_EVM)
		decode_whole(&arena, payload, nullptr);
	const struct bytes chain = BYTES_OF_LITERAL("eip155:1");
	if (wallet_normalise_address(&arena, chain, input, &normal) == OK) {
		must(wallet_normalise_address(&arena, chain, normal, &again) == OK);
		must(bytes_equal(normal, again));
	}
	decode_whole(&arena, input, nullptr);
	decode_whole(&arena, input, &KEY);
	return 0;
}
