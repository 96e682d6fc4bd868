/*
 * What the fuzz targets of chains share: a registry with the chain's own asset and a token, both priced, and the way of a payload
 * through the wallet, as a reader (key null) and as the gate.
 */
#ifndef GATEHOUSE_TESTS_FUZZ_WALLET_H
#define GATEHOUSE_TESTS_FUZZ_WALLET_H

#include "tests/fuzz.h"
#include "wallet/wallet.h"

struct fuzz_chain {
	enum wallet_format format;
	const char *chain, *symbol;
	unsigned decimals;
	const char *token, *token_symbol; /* of six decimals */
};

/* Made once, and never freed. */
static inline const struct asset_registry *
fuzz_registry(const struct fuzz_chain *of) {
	static struct asset_registry *assets;
	if (assets != nullptr)
		return assets;
	const struct bytes chain = bytes_of_text(of->chain);
	must(asset_registry_create(&assets) == OK);
	must(asset_registry_add(assets, chain, (struct bytes){}, bytes_of_text(of->symbol), of->decimals) == OK);
	must(asset_registry_add(assets, chain, bytes_of_text(of->token), bytes_of_text(of->token_symbol), 6) == OK);
	for (size_t i = 0; i < asset_registry_count(assets); i++)
		must(asset_registry_set_price(assets, asset_registry_at(assets, i)->id, 100'000'000, 0) == OK);
	return assets;
}

/* What is decoded has facts, a canonical view, an explanation and, for a key, one request to sign. Null: it is refused. */
static inline const struct wallet_transaction *
fuzz_decode(struct arena *arena, const struct fuzz_chain *of, struct bytes input, const struct wallet_key *key) {
	struct wallet_context context = {.assets = fuzz_registry(of), .price_age_max_ms = 1000, .key = key};
	struct wallet_transaction *transaction;
	if (wallet_decode(arena, of->format, input, &context, &transaction) != OK)
		return nullptr;
	_cleanup_(buffer_free) struct buffer view = {}, text = {};
	struct facts *facts = ARENA_NEW(arena, struct facts);
	must(facts != nullptr);
	facts_start(facts, arena);
	must(wallet_facts(transaction, facts) == OK);
	must(wallet_view(transaction, &view) == OK);
	must(json_check_canonical(arena, buffer_bytes(&view)) == OK);
	must(wallet_explain(transaction, &text) == OK);
	must((transaction->request_count == 1) == (key != nullptr));
	return transaction;
}

/* An address as facts write it is written so again. */
static inline void
fuzz_address(struct arena *arena, const struct fuzz_chain *of, struct bytes input) {
	struct bytes normal, again;
	if (wallet_normalise_address(arena, bytes_of_text(of->chain), input, &normal) != OK)
		return;
	must(wallet_normalise_address(arena, bytes_of_text(of->chain), normal, &again) == OK);
	must(bytes_equal(normal, again));
}

#endif
