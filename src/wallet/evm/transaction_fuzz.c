/* Decodes the input as a reader and as the gate; what is accepted must encode to the same bytes, be viewed, explained and signed. */
#include "wallet/evm/transaction.h"

#include "tests/fuzz_wallet.h"

static const struct fuzz_chain CHAIN = {WALLET_EVM, "eip155:1", "ETH", 18, "0x3535353535353535353535353535353535353535",
					"TOK"};

static void
decode_whole(struct arena *arena, struct bytes input, const struct wallet_key *key) {
	const struct wallet_transaction *transaction = fuzz_decode(arena, &CHAIN, input, key);
	must(transaction == nullptr || key == nullptr || transaction->destination_count == 1);
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
	struct bytes payload;
	if (wallet_payload_of_text(&arena, input, &format, &payload) == OK && format == WALLET_EVM)
		decode_whole(&arena, payload, nullptr);
	fuzz_address(&arena, &CHAIN, input);
	decode_whole(&arena, input, nullptr);
	decode_whole(&arena, input, &KEY);
	return 0;
}
