/*
 * Reads the input as a network transaction and as one that is not signed; what was read must be written byte for byte, and told.
 * Reader: wallet/bitcoin/transaction.c, wallet/bitcoin/network.c
 */
#include "base/json.h"
#include "tests/fuzz.h"
#include "wallet/bitcoin/transaction.h"
#include "wallet/wallet.h"

static void
check_explained(struct arena *arena, struct bytes input) {
	_cleanup_(buffer_free) struct buffer view = {}, text = {};
	const struct wallet_context context = {};
	struct wallet_transaction *transaction;
	must(wallet_decode(arena, WALLET_BITCOIN, input, &context, &transaction) == OK);
	must(transaction->refusal != nullptr);
	must(wallet_view(transaction, &view) == OK && wallet_explain(transaction, &text) == OK);
	must(json_check_canonical(arena, buffer_bytes(&view)) == OK);
}

static void
check_written(struct arena *arena, const struct bitcoin_transaction *transaction, struct bytes input) {
	_cleanup_(buffer_free) struct buffer written = {};
	struct hash256 txid;
	uint64_t sats;
	bitcoin_transaction_write(transaction, &written);
	must(bytes_equal(buffer_bytes(&written), input));
	must(bitcoin_transaction_id(transaction, &txid) == OK);
	struct hash256 whole = sha256_twice(input);
	must(hash256_equal(&txid, &whole) != transaction->has_witness);
	if (bitcoin_transaction_check(arena, transaction, &sats) == OK)
		must(sats <= BITCOIN_MONEY_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(arena_free) struct arena arena = {};
	struct bitcoin_transaction transaction;
	struct bitcoin_output output;
	if (bitcoin_transaction_read(&arena, bytes_of(data, size), &transaction) == OK) {
		check_written(&arena, &transaction, bytes_of(data, size));
		check_explained(&arena, bytes_of(data, size));
	}
	if (bitcoin_transaction_read_unsigned(&arena, bytes_of(data, size), &transaction) == OK)
		check_written(&arena, &transaction, bytes_of(data, size));
	IGNORE_STATUS(bitcoin_output_read(bytes_of(data, size), "fuzz", &output));
	return 0;
}
