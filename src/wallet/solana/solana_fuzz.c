/*
 * Decodes the input as a reader and as the gate; what is accepted must encode to the same bytes, be viewed and explained.
 * Readers: wallet/solana/message.c, wallet/solana/step.c, wallet/solana/address.c
 */
#include "wallet/solana/step.h"

#include <stdlib.h>

#include "wallet/wallet.h"

static void
must(bool holds) {
	if (!holds)
		abort();
}

static const char MINT[] = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v";

static struct asset_registry *
registry(void) {
	static struct asset_registry *assets;
	const struct bytes chain = BYTES_OF_LITERAL("solana:main");
	if (assets != nullptr)
		return assets;
	must(asset_registry_create(&assets) == OK);
	must(asset_registry_add(assets, chain, (struct bytes){}, BYTES_OF_LITERAL("SOL"), 9) == OK);
	must(asset_registry_add(assets, chain, bytes_of_text(MINT), BYTES_OF_LITERAL("USDC"), 6) == OK);
	for (size_t i = 0; i < asset_registry_count(assets); i++)
		must(asset_registry_set_price(assets, asset_registry_at(assets, i)->id, 100'000'000, 0) == OK);
	return assets;
}

static void
decode_whole(struct arena *arena, struct bytes input, const struct wallet_key *key) {
	struct wallet_context context = {.assets = registry(), .price_age_max_ms = 1000, .key = key};
	struct wallet_transaction *transaction;
	if (wallet_decode(arena, WALLET_SOLANA, input, &context, &transaction) != OK)
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
	must(transaction->destination_count > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	/* The key of 32 bytes of 7, which pays the transactions of the corpus. */
	static const struct wallet_key KEY = {.algorithm = KEY_ED25519,
					      .public_key = {0xea, 0x4a, 0x6c, 0x63, 0xe2, 0x9c, 0x52, 0x0a,
							     0xbe, 0xf5, 0x50, 0x7b, 0x13, 0x2e, 0xc5, 0xf9,
							     0x95, 0x47, 0x76, 0xae, 0xbe, 0xbe, 0x7b, 0x92,
							     0x42, 0x1e, 0xea, 0x69, 0x14, 0x46, 0xd2, 0x2c}};
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer again = {};
	struct bytes input = bytes_of(data, size), normal, second;
	struct solana_transaction transaction;
	if (solana_decode_transaction(&arena, input, &transaction) == OK) {
		solana_encode_transaction(&transaction, &again);
		must(bytes_equal(input, buffer_bytes(&again)));
		must(solana_is_transaction(input));
	}
	if (wallet_normalise_address(&arena, BYTES_OF_LITERAL("solana:main"), input, &normal) == OK) {
		must(wallet_normalise_address(&arena, BYTES_OF_LITERAL("solana:main"), normal, &second) == OK);
		must(bytes_equal(normal, second));
	}
	decode_whole(&arena, input, nullptr);
	decode_whole(&arena, input, &KEY);
	return 0;
}
