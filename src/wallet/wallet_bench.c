/* What the gate does with an Ethereum transfer besides signing it: bytes to facts, and the view, against the hashes in both. */
#include "bench/bench.h"

#include "crypto/sign.h"
#include "wallet/evm/transaction.h"
#include "wallet/wallet.h"

struct bench {
	struct arena arena;
	struct asset_registry *assets;
	struct wallet_key key;
	struct wallet_context context;
	struct bytes payload;
	struct facts facts;
};

static void
must(enum status status, const char *what) {
	if (status == OK)
		return;
	fprintf(stderr, "%s: %s\n", what, fail_message());
	exit(1);
}

static void
decode_and_state_facts(void *context) {
	struct bench *bench = context;
	struct wallet_transaction *transaction;
	arena_reset(&bench->arena);
	facts_start(&bench->facts, &bench->arena);
	must(wallet_decode(&bench->arena, WALLET_EVM, bench->payload, &bench->context, &transaction), "wallet_decode");
	must(wallet_facts(transaction, &bench->facts), "wallet_facts");
	bench_keep(&bench->facts);
}

static void
decode_and_digest_view(void *context) {
	struct bench *bench = context;
	struct wallet_transaction *transaction;
	_cleanup_(buffer_free) struct buffer view = {};
	arena_reset(&bench->arena);
	must(wallet_decode(&bench->arena, WALLET_EVM, bench->payload, &bench->context, &transaction), "wallet_decode");
	must(wallet_view(transaction, &view), "wallet_view");
	struct hash256 digest = sha256(buffer_bytes(&view));
	bench_keep(&digest);
}

/* The signing digest, the sender's address and the two checksums of addresses. */
static void
hash_the_same(void *context) {
	const struct bench *bench = context;
	for (int i = 0; i < 4; i++) {
		struct hash256 digest = keccak256(bench->payload);
		bench_keep(&digest);
	}
}

static void
set_up(struct bench *bench, struct arena *kept) {
	const uint8_t key[32] = {[31] = 7};
	uint8_t compressed[33];
	const struct bytes chain = BYTES_OF_LITERAL("eip155:1"), native = BYTES_OF_LITERAL("eip155:1/native");
	must(asset_registry_create(&bench->assets), "asset_registry_create");
	must(asset_registry_add(bench->assets, chain, (struct bytes){}, BYTES_OF_LITERAL("ETH"), 18),
	     "asset_registry_add");
	must(asset_registry_set_price(bench->assets, native, 300'000'000'000, 0), "asset_registry_set_price");
	must(secp256k1_public_key(key, compressed), "secp256k1_public_key");
	must(secp256k1_public_uncompressed(BYTES_OF_ARRAY(compressed), bench->key.public_key),
	     "secp256k1_public_uncompressed");
	bench->context = (struct wallet_context){.assets = bench->assets, .price_age_max_ms = 1000, .key = &bench->key};
	const struct evm_transaction transfer = {
		.type = EVM_DYNAMIC_FEE,
		.has_chain_id = true,
		.chain_id = 1,
		.nonce = 7,
		.fee_per_gas = amount_of(20'000'000'000),
		.gas_limit = 21000,
		.to = {{1, 2, 3}},
		.value = amount_of(500'000'000'000'000'000),
	};
	bench->payload = evm_encode_transaction(kept, &transfer);
}

int
main(void) {
	static struct bench bench;
	_cleanup_(arena_free) struct arena kept = {};
	set_up(&bench, &kept);
	double hashes = bench_median_ns(hash_the_same, &bench, 2000, 9) / 1000;
	bench_row(&(struct bench_row){.name = "wallet.evm_facts_us",
				      .unit = "us",
				      .value = bench_median_ns(decode_and_state_facts, &bench, 2000, 9) / 1000,
				      .baseline = "four Keccak-256 of the same bytes",
				      .baseline_value = hashes});
	bench_row(&(struct bench_row){.name = "wallet.evm_view_us",
				      .unit = "us",
				      .value = bench_median_ns(decode_and_digest_view, &bench, 2000, 9) / 1000,
				      .baseline = "four Keccak-256 of the same bytes",
				      .baseline_value = hashes});
	asset_registry_destroy(&bench.assets);
	arena_free(&bench.arena);
	return 0;
}
