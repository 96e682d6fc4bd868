/*
 * Decodes the input as a reader and as the gate; what is accepted must encode to the same bytes, be viewed and explained.
 * Readers: wallet/solana/message.c, wallet/solana/step.c, wallet/solana/address.c
 */
#include "wallet/solana/step.h"

#include "tests/fuzz_wallet.h"

static const struct fuzz_chain CHAIN = {
	WALLET_SOLANA, "solana:main", "SOL", 9, "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v", "USDC"};

static void
decode_whole(struct arena *arena, struct bytes input, const struct wallet_key *key) {
	const struct wallet_transaction *transaction = fuzz_decode(arena, &CHAIN, input, key);
	must(transaction == nullptr || transaction->destination_count > 0);
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
	struct bytes input = bytes_of(data, size);
	struct solana_transaction transaction;
	if (solana_decode_transaction(&arena, input, &transaction) == OK) {
		solana_encode_transaction(&transaction, &again);
		must(bytes_equal(input, buffer_bytes(&again)));
		must(solana_is_transaction(input));
	}
	fuzz_address(&arena, &CHAIN, input);
	decode_whole(&arena, input, nullptr);
	decode_whole(&arena, input, &KEY);
	return 0;
}
