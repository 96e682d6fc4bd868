/*
 * What shared keys sign, as others read it: for every set of as many of up to four holders as sign, ethers finds the sender of a
 * transaction that they signed with the key, and bitcoinjs-lib accepts a PSBT whose inputs they signed at paths below it. Of FROST's
 * keys @solana/web3.js and Node accept a transfer that each set signed, and bitcoinjs-lib a Taproot input.
 * That libsecp256k1, libsodium and OpenSSL accept their signatures: src/keys/threshold/ecdsa/signing_test.c, tests/frost_holders.h.
 */
#include "tests/test.h"

#include "tests/extended_payment.h"
#include "tests/frost_holders.h"
#include "tests/independent.h"

#include "base/io.h"
#include "crypto/sign.h"
#include "keys/bip32.h"
#include "wallet/evm/transaction.h"
#include "wallet/solana/address.h"
#include "wallet/wallet.h"

constexpr size_t TRANSACTIONS_MAX = 32;
constexpr size_t SETS_OF_ONE_KEY_MAX = 6;

static const struct {
	uint8_t threshold, holders;
	size_t sets; /* of exactly as many as the threshold */
} SHAPES[] = {{2, 2, 1}, {2, 3, 3}, {3, 3, 1}, {2, 4, 6}, {3, 4, 4}, {4, 4, 1}};
constexpr size_t SETS = 16;

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

/* What it says of a PSBT that it accepts. */
static void
ask_bitcoinjs(struct bytes psbt, char *said, size_t capacity) {
	char path[] = "/tmp/gatehouse-shared-XXXXXX";
	int file = mkstemp(path);
	assert_true(file >= 0);
	close(file);
	assert_ok(io_replace_file(io_system(), path, psbt));
	int code = independent_run(said, capacity, "verify-psbt.mjs", path);
	remove(path);
	if (code != 0)
		fail_msg("bitcoinjs-lib: %s", said);
}

static void
sign_for_bitcoinjs(struct keepers *keepers, const struct party_set *signers, struct signed_transactions *all) {
	static const struct signing_path change = {.steps = {1, 5}, .count = 2};
	static char said[65536];
	struct wallet_key key = wallet_key_of(&keepers->key);
	struct wallet_result result;
	struct bytes psbt = extended_payment(&all->arena, key.fingerprint, derive, &keepers->key, &change,
					     (uint32_t)all->accepted_by_bitcoinjs);
	sign_transaction(keepers, signers, psbt, WALLET_PSBT, true, &all->arena, &result);
	ask_bitcoinjs(result.psbt, said, sizeof said);
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
skip_without_packages(void) {
	char installed[1024];
	snprintf(installed, sizeof installed, "%s/tests/independent/node_modules", test_source_root());
	if (access(installed, F_OK) != 0)
		skip();
}

static void
ethers_and_bitcoinjs_accept_what_every_set_of_signers_signs(void **) {
	static char said[65536];
	struct signed_transactions all = {};
	size_t sets = 0;
	skip_without_packages();
	for (size_t i = 0; i < ARRAY_LENGTH(SHAPES); i++) {
		size_t signed_by = sign_by_all_sets(SHAPES[i].threshold, SHAPES[i].holders, &all);
		assert_int_equal(SHAPES[i].sets, signed_by);
		sets += signed_by;
	}
	assert_int_equal(SETS, sets);
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

/* --- Keys that FROST signs with --- */

/* Every set of exactly as many as the threshold, as bits. */
static size_t
sets_of(uint8_t threshold, uint8_t holders, unsigned sets[SETS_OF_ONE_KEY_MAX]) {
	size_t count = 0;
	for (unsigned chosen = 0; chosen < 1U << holders; chosen++) {
		if (__builtin_popcount(chosen) != threshold)
			continue;
		assert_true(count < SETS_OF_ONE_KEY_MAX);
		sets[count++] = chosen;
	}
	return count;
}

/* One System transfer that the key pays for, another for each number, signed by the set; hexadecimal. */
static const char *
transfer_signed_by(const struct frost_holders *holders, unsigned set, uint8_t number, struct arena *arena) {
	static const uint8_t header[] = {1, 0, 1, 3}, payee[32] = {8}, system_program[32] = {};
	static const uint8_t instruction[] = {1, 2, 2, 0, 1, 12, 2, 0, 0, 0, 0xe8, 3, 0, 0, 0, 0, 0, 0};
	const uint8_t block_hash[32] = {number}, signature_count = 1;
	_cleanup_(buffer_free) struct buffer message = {}, hex = {};
	struct network network = {};
	uint8_t signature[64];
	buffer_append(&message, header, sizeof header);
	buffer_append(&message, holders->key.public_key.bytes, 32);
	buffer_append(&message, payee, sizeof payee);
	buffer_append(&message, system_program, sizeof system_program);
	buffer_append(&message, block_hash, sizeof block_hash);
	buffer_append(&message, instruction, sizeof instruction);
	assert_ok(frost_holders_make_signature(holders, set, buffer_bytes(&message), nullptr, 0, &network, signature));
	buffer_append_hex(&hex, bytes_of(&signature_count, 1));
	buffer_append_hex(&hex, BYTES_OF_ARRAY(signature));
	buffer_append_hex(&hex, buffer_bytes(&message));
	return arena_format(arena, "%.*s", BYTES_ARGS(hex));
}

/* How many lines it says, each of the payer whose turn it is. */
static size_t
payers_found(const char *said, const char (*payers)[45], struct arena *arena) {
	size_t found = 0;
	for (const char *line = said; *line != '\0'; found++) {
		const char *end = strchrnul(line, '\n');
		const json *answer;
		struct bytes payer;
		assert_ok(json_read(arena, bytes_of(line, (size_t)(end - line)), (struct json_limits){}, &answer));
		assert_ok(json_need_string(answer, "solana", "payer", &payer));
		assert_true(found < SETS && bytes_equal_text(payer, payers[found]));
		line = end + (*end == '\n');
	}
	return found;
}

static void
solana_web3_accepts_what_every_set_of_signers_signs(void **) {
	static char said[65536];
	_cleanup_(arena_free) struct arena arena = {};
	const char *arguments[1 + SETS + 1] = {"verify"};
	char payers[SETS][45] = {};
	size_t count = 0;
	skip_without_packages();
	for (size_t i = 0; i < ARRAY_LENGTH(SHAPES); i++) {
		struct frost_holders holders = {};
		struct solana_address payer;
		unsigned sets[SETS_OF_ONE_KEY_MAX];
		frost_holders_generate(&holders, FROST_SCHEME_ED25519, SHAPES[i].threshold, SHAPES[i].holders);
		memcpy(payer.bytes, holders.key.public_key.bytes, sizeof payer.bytes);
		assert_int_equal(SHAPES[i].sets, sets_of(SHAPES[i].threshold, SHAPES[i].holders, sets));
		for (size_t j = 0; j < SHAPES[i].sets && count < SETS; j++, count++) {
			arguments[1 + count] = transfer_signed_by(&holders, sets[j], (uint8_t)count, &arena);
			assert_non_null(arguments[1 + count]);
			solana_address_format(&payer, payers[count]);
		}
		frost_holders_end(&holders);
	}
	if (independent_run_list(said, sizeof said, "solana.mjs", arguments) != 0)
		fail_msg("@solana/web3.js: %s", said);
	size_t accepted = payers_found(said, payers, &arena);
	print_message("%zu sets of signers: %zu transactions by @solana/web3.js\n", count, accepted);
	assert_int_equal(SETS, accepted);
}

/* Spends as many Taproot coins of the key itself. */
static struct bytes
taproot_payment(const struct frost_holders *holders, size_t count, struct arena *arena) {
	static const uint8_t payee[22] = {0x00, 0x14, 8};
	struct psbt_fixture_coin coins[SETS_OF_ONE_KEY_MAX] = {};
	struct psbt_payment output = {.sats = 1'000, .script = BYTES_OF_ARRAY(payee)};
	struct bytes psbt;
	for (size_t i = 0; i < count; i++) {
		coins[i] =
			(struct psbt_fixture_coin){.template = BITCOIN_P2TR, .sats = 2'000, .without_derivation = true};
		memcpy(coins[i].public_key, holders->key.public_key.bytes, sizeof coins[i].public_key);
	}
	struct psbt_fixture fixture = {
		.coins = coins, .coin_count = count, .outputs = &output, .output_count = 1, .sequence = 0xffff'fffd};
	assert_ok(psbt_fixture_build(arena, &fixture, &psbt));
	return psbt;
}

static void
sign_taproot_input(const struct frost_holders *holders, unsigned set, const struct signing_request *request,
		   struct signature *signature) {
	struct frost_tweak tweak = {.is_x_only = true};
	struct hash256 number;
	struct network network = {};
	assert_true(request->tweaked);
	assert_ok(taproot_tweak(holders->key.public_key.bytes + 1, request->merkle_root, &number));
	memcpy(tweak.number, number.bytes, sizeof tweak.number);
	memcpy(signature->public_key, holders->key.public_key.bytes, sizeof signature->public_key);
	assert_ok(frost_holders_make_signature(holders, set, BYTES_OF_ARRAY(request->digest), &tweak, 1, &network,
					       signature->bytes));
}

/* One input for each set, which signs it; returns how many bitcoinjs-lib accepts. */
static size_t
inputs_accepted_by_bitcoinjs(const struct frost_holders *holders, const unsigned *sets, size_t count,
			     struct arena *arena) {
	static char said[65536];
	struct wallet_key key = {.id = BYTES_OF_LITERAL("vault")};
	struct wallet_context context = {.key = &key};
	struct wallet_transaction *transaction;
	struct wallet_result result;
	struct signature signatures[SETS_OF_ONE_KEY_MAX] = {};
	size_t accepted = 0;
	assert_ok(secp256k1_public_uncompressed(bytes_of(holders->key.public_key.bytes, 33), key.public_key));
	assert_ok(wallet_decode(arena, WALLET_PSBT, taproot_payment(holders, count, arena), &context, &transaction));
	assert_int_equal(count, transaction->request_count);
	for (size_t i = 0; i < count; i++)
		sign_taproot_input(holders, sets[i], &transaction->requests[i], &signatures[i]);
	assert_ok(wallet_assemble(arena, transaction, signatures, count, &result));
	ask_bitcoinjs(result.psbt, said, sizeof said);
	for (const char *at = said; (at = strstr(at, "\"p2tr\"")) != nullptr; at++)
		accepted++;
	return accepted;
}

static void
bitcoinjs_accepts_taproot_inputs_that_every_set_of_signers_signs(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	size_t accepted = 0;
	skip_without_packages();
	for (size_t i = 0; i < ARRAY_LENGTH(SHAPES); i++) {
		struct frost_holders holders = {};
		unsigned sets[SETS_OF_ONE_KEY_MAX];
		frost_holders_generate(&holders, FROST_SCHEME_BIP340, SHAPES[i].threshold, SHAPES[i].holders);
		size_t count = sets_of(SHAPES[i].threshold, SHAPES[i].holders, sets);
		assert_int_equal(SHAPES[i].sets, count);
		accepted += inputs_accepted_by_bitcoinjs(&holders, sets, count, &arena);
		frost_holders_end(&holders);
	}
	print_message("%zu sets of signers: %zu Taproot inputs by bitcoinjs-lib\n", SETS, accepted);
	assert_int_equal(SETS, accepted);
}

RUN_TESTS(T(ethers_and_bitcoinjs_accept_what_every_set_of_signers_signs),
	  T(solana_web3_accepts_what_every_set_of_signers_signs),
	  T(bitcoinjs_accepts_taproot_inputs_that_every_set_of_signers_signs))
