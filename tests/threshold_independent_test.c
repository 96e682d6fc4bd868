/*
 * What shared keys sign, as others read it: for every set of as many of up to four holders as sign, ethers finds the sender of a
 * transaction that they signed with the key, and bitcoinjs-lib accepts a PSBT whose inputs they signed at paths below it.
 * That libsecp256k1 and OpenSSL accept their signatures: src/keys/threshold/ecdsa/signing_test.c.
 */
#include "tests/test.h"

#include "tests/extended_payment.h"
#include "tests/independent.h"
#include "tests/threshold_keepers.h"

#include "base/io.h"
#include "crypto/sign.h"
#include "keys/bip32.h"
#include "wallet/evm/transaction.h"
#include "wallet/wallet.h"

constexpr size_t TRANSACTIONS_MAX = 32;

struct signed_transactions {
	struct arena arena;
	const char *texts[TRANSACTIONS_MAX]; /* of Ethereum, hexadecimal */
	char senders[TRANSACTIONS_MAX][EVM_ADDRESS_TEXT_SIZE];
	size_t count, accepted_by_bitcoinjs;
};

/* Nonces of sessions: none comes twice. */
static void
next_nonce(uint8_t nonce[32]) {
	static uint32_t count;
	memset(nonce, 0, 32);
	store_u32be(nonce, ++count);
}

/* By a presignature, or in full rounds. */
static struct signature
sign(struct keepers *keepers, const struct party_set *signers, const struct signing_request *asked, bool is_prepared) {
	struct ecdsa_request request = {.path = asked->path, .bundle_hash = {9}};
	struct signing *signings[KEEPERS_MAX + 1] = {};
	struct presignature *presignatures[KEEPERS_MAX + 1] = {};
	struct online *onlines[KEEPERS_MAX + 1] = {};
	struct network network = {};
	struct ecdsa_signature made = {};
	struct signature signature = {};
	uint8_t nonce[32], first = signers->parties[0].index;
	next_nonce(nonce);
	memcpy(request.digest, asked->digest, sizeof request.digest);
	if (is_prepared) {
		keepers_prepare(keepers, signers, nonce, presignatures);
		keepers_start_online(keepers, presignatures, signers, &request, onlines, &network);
	} else
		keepers_start_signing(keepers, signers, &request, nonce, signings, &network);
	network_run(&network);
	network_expect_ok(&network);
	assert_true(is_prepared ? online_result(onlines[first], &made) : signing_result(signings[first], &made));
	end_onlines(onlines);
	end_signings(signings);
	memcpy(signature.bytes, made.compact, sizeof signature.bytes);
	memcpy(signature.public_key, made.public_key, sizeof signature.public_key);
	signature.recovery = made.recovery;
	return signature;
}

static enum status
derive(const void *context, const struct signing_path *path, uint8_t public_key[33]) {
	const struct ecdsa_key *key = context;
	uint8_t chain_code[32];
	memcpy(chain_code, key->chain_code, sizeof chain_code);
	memcpy(public_key, key->public_key, 33);
	for (size_t i = 0; i < path->count; i++)
		TRY(bip32_public_child(public_key, chain_code, path->steps[i]));
	return OK;
}

static struct wallet_key
wallet_key_of(const struct ecdsa_key *key) {
	struct wallet_key made = {
		.id = BYTES_OF_LITERAL("vault"), .is_account = true, .derive = derive, .context = key};
	bip32_fingerprint(key->public_key, made.fingerprint);
	assert_ok(secp256k1_public_uncompressed(BYTES_OF_ARRAY(key->public_key), made.public_key));
	return made;
}

static void
sign_transaction(struct keepers *keepers, const struct party_set *signers, struct bytes payload,
		 enum wallet_format format, bool is_prepared, struct arena *arena, struct wallet_result *result) {
	struct wallet_key key = wallet_key_of(&keepers->key);
	struct wallet_context context = {.key = &key};
	struct wallet_transaction *transaction;
	struct signature signatures[EXTENDED_COINS];
	assert_ok(wallet_decode(arena, format, payload, &context, &transaction));
	assert_true(transaction->request_count <= EXTENDED_COINS);
	assert_int_equal(1, transaction->destination_count); /* change is none */
	for (size_t i = 0; i < transaction->request_count; i++) {
		signatures[i] = sign(keepers, signers, &transaction->requests[i], is_prepared);
		is_prepared = !is_prepared;
	}
	assert_ok(wallet_assemble(arena, transaction, signatures, transaction->request_count, result));
}

static void
sign_for_ethers(struct keepers *keepers, const struct party_set *signers, struct signed_transactions *all) {
	_cleanup_(buffer_free) struct buffer hex = {};
	struct evm_transaction transaction = {.type = EVM_DYNAMIC_FEE,
					      .has_chain_id = true,
					      .chain_id = 1,
					      .nonce = all->count,
					      .priority_fee_per_gas = amount_of(1),
					      .fee_per_gas = amount_of(30'000'000'000),
					      .gas_limit = 21'000,
					      .to = {{0x35}},
					      .value = amount_of(1'000 + all->count)};
	struct wallet_result result;
	struct wallet_key key = wallet_key_of(&keepers->key);
	struct evm_address sender = evm_address_of_key(key.public_key);
	assert_true(all->count < TRANSACTIONS_MAX);
	sign_transaction(keepers, signers, evm_encode_unsigned(&all->arena, &transaction), WALLET_EVM,
			 all->count % 2 == 0, &all->arena, &result);
	buffer_append_hex(&hex, result.transaction);
	evm_address_format(&sender, all->senders[all->count]);
	all->texts[all->count] = arena_format(&all->arena, "%.*s", BYTES_ARGS(hex));
	assert_non_null(all->texts[all->count++]);
}

static void
sign_for_bitcoinjs(struct keepers *keepers, const struct party_set *signers, struct signed_transactions *all) {
	static const struct signing_path change = {.steps = {1, 5}, .count = 2};
	static char said[65536];
	struct wallet_key key = wallet_key_of(&keepers->key);
	struct wallet_result result;
	char path[] = "/tmp/gatehouse-shared-XXXXXX";
	struct bytes psbt = extended_payment(&all->arena, key.fingerprint, derive, &keepers->key, &change,
					     (uint32_t)all->accepted_by_bitcoinjs);
	sign_transaction(keepers, signers, psbt, WALLET_PSBT, true, &all->arena, &result);
	int file = mkstemp(path);
	assert_true(file >= 0);
	close(file);
	assert_ok(io_replace_file(io_system(), path, result.psbt));
	int code = independent_run(said, sizeof said, "verify-psbt.mjs", path);
	remove(path);
	if (code != 0)
		fail_msg("bitcoinjs-lib: %s", said);
	assert_non_null(strstr(said, "[\"p2pkh\",\"p2sh-p2wpkh\",\"p2wpkh\"]"));
	assert_non_null(strstr(said, "\"fee\":\"2000\""));
	all->accepted_by_bitcoinjs++;
}

/* Every set of exactly as many as the threshold. */
static size_t
sign_by_all_sets(uint8_t threshold, uint8_t holders, struct signed_transactions *all) {
	struct keepers keepers = {};
	size_t sets = 0;
	keepers_generate(&keepers, threshold, holders, KEY_PURPOSE_TRANSFER);
	for (unsigned chosen = 0; chosen < 1U << holders; chosen++) {
		struct party_set signers = {};
		for (uint8_t i = 0; i < holders; i++)
			if (chosen >> i & 1)
				signers.parties[signers.count++] = keepers.key.holders.parties[i];
		if (signers.count != threshold)
			continue;
		sign_for_ethers(&keepers, &signers, all);
		sign_for_bitcoinjs(&keepers, &signers, all);
		sets++;
	}
	keepers_end(&keepers);
	return sets;
}

static void
ethers_and_bitcoinjs_accept_what_every_set_of_signers_signs(void **) {
	static const struct {
		uint8_t threshold, holders;
		size_t sets;
	} cases[] = {{2, 2, 1}, {2, 3, 3}, {3, 3, 1}, {2, 4, 6}, {3, 4, 4}, {4, 4, 1}};
	static char said[65536];
	struct signed_transactions all = {};
	char installed[1024];
	size_t sets = 0;
	snprintf(installed, sizeof installed, "%s/tests/independent/node_modules", test_source_root());
	if (access(installed, F_OK) != 0)
		skip();
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		size_t signed_by = sign_by_all_sets(cases[i].threshold, cases[i].holders, &all);
		assert_int_equal(cases[i].sets, signed_by);
		sets += signed_by;
	}
	assert_int_equal(16, sets);
	assert_int_equal(sets, all.count);
	assert_int_equal(sets, all.accepted_by_bitcoinjs);
	const char *line = said;
	assert_int_equal(0, independent_run_list(said, sizeof said, "verify-eth.mjs", all.texts));
	for (size_t i = 0; i < all.count; i++) {
		const char *end = strchrnul(line, '\n');
		const json *answer;
		struct bytes sender;
		assert_ok(json_read(&all.arena, bytes_of(line, (size_t)(end - line)), (struct json_limits){}, &answer));
		assert_ok(json_need_string(answer, "ethers", "sender", &sender));
		assert_true(bytes_equal_text(sender, all.senders[i]));
		line = end + (*end == '\n');
	}
	print_message("%zu sets of signers: %zu transactions by ethers, %zu PSBTs of %zu inputs by bitcoinjs-lib\n",
		      sets, all.count, all.accepted_by_bitcoinjs, EXTENDED_COINS);
	arena_free(&all.arena);
}

RUN_TESTS(T(ethers_and_bitcoinjs_accept_what_every_set_of_signers_signs))
