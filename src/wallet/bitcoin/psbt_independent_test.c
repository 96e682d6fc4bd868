/*
 * bitcoinjs-lib (tests/independent/verify-psbt.mjs) accepts the PSBTs that were signed and finalised here and the transactions
 * extracted from them: each kind alone, all of them together; and refuses a signature with one bit flipped.
 */
#include "tests/test.h"

#include "tests/bitcoin_keys.h"
#include "tests/independent.h"

#include "base/io.h"
#include "wallet/bitcoin/psbt_final.h"

static const char OURS[] = "treasury";
constexpr uint64_t COIN_SATS = 100'000;
constexpr uint64_t FEE_SATS = 2'000;

struct files {
	char psbt[64], transaction[64];
};

static void
files_start(struct files *files) {
	char installed[1024];
	snprintf(installed, sizeof installed, "%s/tests/independent/node_modules", test_source_root());
	if (access(installed, F_OK) != 0)
		skip(); /* as independent_run() would, before there are files to leave behind */
	strcpy(files->psbt, "/tmp/gatehouse-psbt-XXXXXX");
	strcpy(files->transaction, "/tmp/gatehouse-transaction-XXXXXX");
	int psbt = mkstemp(files->psbt), transaction = mkstemp(files->transaction);
	assert_true(psbt >= 0 && transaction >= 0);
	close(psbt);
	close(transaction);
}

static void
files_end(struct files *files) {
	remove(files->psbt);
	remove(files->transaction);
}

/* The verifier's line goes to answer. True if it accepts. */
static bool
verified_by_bitcoinjs(const struct files *files, bool with_transaction, char answer[static 65536]) {
	return independent_run(answer, 65536, "verify-psbt.mjs", files->psbt,
			       with_transaction ? files->transaction : nullptr) == 0;
}

static void
write_files(const struct files *files, const struct wallet_result *result) {
	_cleanup_(buffer_free) struct buffer hex = {};
	buffer_append_hex(&hex, result->transaction);
	assert_ok(buffer_status(&hex));
	assert_ok(io_replace_file(io_system(), files->psbt, result->psbt));
	assert_ok(io_replace_file(io_system(), files->transaction, buffer_bytes(&hex)));
}

/* A PSBT that spends these kinds, with a payment and change, signed by the wallet's requests. */
static void
sign_kinds(struct arena *arena, const enum bitcoin_template *kinds, size_t count, struct wallet_result *result) {
	static const uint8_t PAYEE[22] = {0x00, 0x14, 0x75, 0x1e};
	struct psbt_fixture_coin coins[4];
	struct signature signatures[4] = {};
	for (uint32_t i = 0; i < count; i++)
		coins[i] = test_coin(OURS, kinds[i], COIN_SATS, i);
	struct psbt_payment outputs[] = {
		{.sats = 60'000, .script = BYTES_OF_ARRAY(PAYEE)},
		test_change(OURS, kinds[0], count * COIN_SATS - 60'000 - FEE_SATS,
			    psbt_fixture_path(kinds[0], 0, 0, 1, 5)),
	};
	struct psbt_fixture fixture = {.coins = coins,
				       .coin_count = count,
				       .outputs = outputs,
				       .output_count = 2,
				       .sequence = 0xffff'fffd,
				       .lock_time = 840'000};
	memcpy(fixture.fingerprint, TEST_FINGERPRINT, sizeof fixture.fingerprint);
	struct bytes payload;
	struct wallet_key key = test_wallet_key(OURS);
	struct wallet_context context = {.key = &key};
	struct wallet_transaction *transaction;
	assert_ok(psbt_fixture_build(arena, &fixture, &payload));
	assert_ok(wallet_decode(arena, WALLET_PSBT, payload, &context, &transaction));
	assert_int_equal(1, transaction->destination_count);
	for (size_t i = 0; i < count; i++)
		test_sign(OURS, &transaction->requests[i], &signatures[i]);
	assert_ok(wallet_assemble(arena, transaction, signatures, count, result));
}

static void
assert_accepted(const enum bitcoin_template *kinds, size_t count) {
	static char answer[65536];
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(files_end) struct files files = {};
	struct wallet_result result;
	files_start(&files);
	sign_kinds(&arena, kinds, count, &result);
	write_files(&files, &result);
	for (int with_transaction = 0; with_transaction < 2; with_transaction++) {
		if (!verified_by_bitcoinjs(&files, with_transaction == 1, answer))
			fail_msg("bitcoinjs-lib: %s", answer);
		const json *root;
		struct bytes text;
		int64_t member = 0;
		assert_ok(json_read(&arena, bytes_of_text(answer), (struct json_limits){}, &root));
		assert_ok(json_need_string(root, "answer", "txid", &text));
		assert_bytes(result.transaction_id, text);
		assert_ok(json_need_string(root, "answer", "fee", &text));
		assert_true(bytes_equal_text(text, "2000"));
		struct json_iterator iterator = json_iterate(json_get(root, "inputs"));
		for (const json *input; (input = json_next(&iterator, nullptr)) != nullptr; member++)
			assert_true(bytes_equal_text(json_string(input), bitcoin_template_name(kinds[member])));
		assert_int_equal(count, member);
	}
}

static const enum bitcoin_template KINDS[] = {BITCOIN_P2PKH, BITCOIN_P2SH_P2WPKH, BITCOIN_P2WPKH, BITCOIN_P2TR};

static void
p2pkh_is_accepted(void **) {
	assert_accepted(&KINDS[0], 1);
}

static void
p2sh_p2wpkh_is_accepted(void **) {
	assert_accepted(&KINDS[1], 1);
}

static void
p2wpkh_is_accepted(void **) {
	assert_accepted(&KINDS[2], 1);
}

static void
p2tr_is_accepted(void **) {
	assert_accepted(&KINDS[3], 1);
}

static void
all_kinds_together_are_accepted(void **) {
	assert_accepted(KINDS, ARRAY_LENGTH(KINDS));
}

static void
a_flipped_bit_is_not(void **) {
	static char answer[65536];
	for (size_t i = 0; i < ARRAY_LENGTH(KINDS); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		_cleanup_(files_end) struct files files = {};
		struct wallet_result result;
		struct bitcoin_transaction final;
		files_start(&files);
		sign_kinds(&arena, &KINDS[i], 1, &result);
		assert_ok(bitcoin_transaction_read(&arena, result.transaction, &final));
		struct bytes proof = final.has_witness ? final.inputs[0].witness : final.inputs[0].script_sig;
		((uint8_t *)(uintptr_t)proof.data)[proof.len > 66 ? 20 : 40] ^= 1; /* within the signature */
		write_files(&files, &result);
		assert_false(verified_by_bitcoinjs(&files, true, answer));
		assert_int_equal(0, strncmp(answer, "fail: ", 6));
	}
}

RUN_TESTS(T(p2pkh_is_accepted), T(p2sh_p2wpkh_is_accepted), T(p2wpkh_is_accepted), T(p2tr_is_accepted),
	  T(all_kinds_together_are_accepted), T(a_flipped_bit_is_not))
