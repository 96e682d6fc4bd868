/*
 * Reads the input as a PSBT, explains it without a key, and as the gate with one; what is signable is signed and must come out as
 * a transaction that reads back. What was read must be written byte for byte.
 * Readers: wallet/bitcoin/psbt.c, wallet/bitcoin/psbt_field.c, wallet/bitcoin/psbt_check.c, wallet/bitcoin/spend.c
 */
#include "tests/bitcoin_keys.h"

#include "wallet/bitcoin/psbt.h"
#include "wallet/bitcoin/spend.h"

static const char OURS[] = "treasury"; /* as in the seeds */

static void
check_written(struct arena *arena, const struct psbt *psbt, struct bytes input) {
	_cleanup_(buffer_free) struct buffer written = {}, combined = {};
	psbt_write(psbt, &written);
	test_must(bytes_equal(buffer_bytes(&written), input));
	test_must(psbt_combine(arena, psbt, psbt, &combined) == OK);
	test_must(bytes_equal(buffer_bytes(&combined), input));
}

static void
check_explained(struct arena *arena, const struct wallet_transaction *transaction) {
	_cleanup_(buffer_free) struct buffer view = {}, text = {};
	test_must(wallet_view(transaction, &view) == OK);
	test_must(json_check_canonical(arena, buffer_bytes(&view)) == OK);
	test_must(wallet_explain(transaction, &text) == OK);
	struct facts *facts = ARENA_NEW(arena, struct facts);
	test_must(facts != nullptr);
	facts_start(facts, arena);
	test_must(wallet_facts(transaction, facts) == OK);
}

static void
check_signed(struct arena *arena, const struct wallet_transaction *transaction) {
	size_t count = transaction->request_count;
	struct signature *signatures = ARENA_NEW_ARRAY(arena, count, struct signature);
	struct wallet_result result;
	struct bitcoin_transaction final;
	struct psbt psbt;
	test_must(count > 0 && signatures != nullptr && transaction->has_spend && transaction->destination_count > 0);
	for (size_t i = 0; i < count; i++)
		test_sign(OURS, &transaction->requests[i], &signatures[i]);
	test_must(wallet_assemble(arena, transaction, signatures, count, &result) == OK);
	test_must(bitcoin_transaction_read(arena, result.transaction, &final) == OK && final.input_count == count);
	test_must(psbt_read(arena, result.psbt, &psbt) == OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(arena_free) struct arena arena = {};
	struct bytes input = bytes_of(data, size);
	struct psbt psbt;
	if (psbt_read(&arena, input, &psbt) != OK)
		return 0;
	check_written(&arena, &psbt, input);
	struct wallet_context context = {};
	struct wallet_transaction *transaction;
	test_must(wallet_decode(&arena, WALLET_PSBT, input, &context, &transaction) == OK);
	check_explained(&arena, transaction);

	struct wallet_key key = test_wallet_key(OURS);
	context.key = &key;
	if (wallet_decode(&arena, WALLET_PSBT, input, &context, &transaction) != OK)
		return 0;
	check_explained(&arena, transaction);
	check_signed(&arena, transaction);
	return 0;
}
