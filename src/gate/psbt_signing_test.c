/*
 * A PSBT, the wallet and the keyring together: requests of the one are what the other signs, by the paths of BIP-32. The keys are
 * those of the mnemonic that BIP-49, 84 and 86 give their addresses for.
 */
#include "tests/test.h"

#include <stdio.h>

#include "crypto/sign.h"
#include "keys/bip32.h"
#include "keys/software/keyring.h"
#include "tests/psbt_fixture.h"
#include "wallet/bitcoin/address.h"
#include "wallet/wallet.h"

static const char MNEMONIC[] =
	"abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
static const char ROOT_DIGITS[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
static const struct bytes KEY_ID = {(const uint8_t *)"btc-treasury", 12};

static struct keyring *
ring_with_treasury(void) {
	_cleanup_(buffer_free) struct buffer record = {};
	_cleanup_(root_key_destroy) struct root_key *root = nullptr;
	struct keyring *ring = nullptr;
	struct key_info key = {.algorithm = KEY_SECP256K1, .material = KEY_MATERIAL_EXTENDED, .created_ms = 1};
	uint8_t blob[BLOB_SIZE];
	strcpy(key.id, "btc-treasury");
	strcpy(key.account, "treasury");
	assert_ok(root_key_create(&root, ROOT_KEY_FILE, bytes_of_text(ROOT_DIGITS), ROOT_KEY_COST, &record));
	assert_ok(keyring_create(&ring, root, BYTES_OF_LITERAL("treasury.example")));
	assert_ok(keyring_import_mnemonic(ring, &key, BYTES_OF_LITERAL(MNEMONIC), (struct bytes){}, blob));
	assert_ok(keyring_add(ring, &key, BYTES_OF_ARRAY(blob)));
	return ring;
}

static enum status
derive(const void *context, const struct signing_path *path, uint8_t public_key[33]) {
	return keyring_public_key((struct keyring *)(uintptr_t)context, KEY_ID, path, public_key);
}

static struct wallet_key
wallet_key_in(struct keyring *ring) {
	const struct key_info *info = keyring_find(ring, KEY_ID);
	struct wallet_key key = {.id = KEY_ID, .origin = info->origin, .derive = derive, .context = ring};
	memcpy(key.fingerprint, info->fingerprint, sizeof key.fingerprint);
	assert_ok(secp256k1_public_uncompressed(key_public(info), key.public_key));
	return key;
}

static void
paths_lead_to_the_addresses_of_bip49_84_and_86(void **) {
	static const struct {
		enum bitcoin_network network;
		enum bitcoin_template template;
		uint32_t chain, index;
		const char *address;
	} ADDRESSES[] = {
		{BITCOIN_TEST, BITCOIN_P2SH_P2WPKH, 0, 0, "2Mww8dCYPUpKHofjgcXcBCEGmniw9CoaiD2"},
		{BITCOIN_MAIN, BITCOIN_P2WPKH, 0, 0, "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"},
		{BITCOIN_MAIN, BITCOIN_P2WPKH, 0, 1, "bc1qnjg0jd8228aq7egyzacy8cys3knf9xvrerkf9g"},
		{BITCOIN_MAIN, BITCOIN_P2WPKH, 1, 0, "bc1q8c6fshw2dlwun7ekn9qwf37cu2rn755upcp6el"},
		{BITCOIN_MAIN, BITCOIN_P2TR, 0, 0, "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr"},
		{BITCOIN_MAIN, BITCOIN_P2TR, 0, 1, "bc1p4qhjn9zdvkux4e44uhx8tc55attvtyu358kutcqkudyccelu0was9fqzwh"},
		{BITCOIN_MAIN, BITCOIN_P2TR, 1, 0, "bc1p3qkhfews2uk44qtvauqyr2ttdsw7svhkl9nkm9s9c3x4ax5h60wqwruhk7"},
	};
	_cleanup_(keyring_destroy) struct keyring *ring = ring_with_treasury();
	for (size_t i = 0; i < ARRAY_LENGTH(ADDRESSES); i++) {
		struct signing_path path =
			psbt_fixture_path(ADDRESSES[i].template, bitcoin_network_coin_type(ADDRESSES[i].network), 0,
					  ADDRESSES[i].chain, ADDRESSES[i].index);
		uint8_t public_key[33];
		struct bitcoin_script script;
		char address[BITCOIN_ADDRESS_SIZE];
		assert_ok(keyring_public_key(ring, KEY_ID, &path, public_key));
		assert_ok(bitcoin_script_of_key(ADDRESSES[i].template, public_key, (struct bytes){}, &script));
		assert_true(bitcoin_address_of_script(ADDRESSES[i].network, bitcoin_script_bytes(&script), address));
		assert_string_equal(ADDRESSES[i].address, address);
	}
}

static void
every_kind_is_signed_from_path_to_transaction(void **) {
	static const enum bitcoin_template KINDS[] = {BITCOIN_P2PKH, BITCOIN_P2SH_P2WPKH, BITCOIN_P2WPKH, BITCOIN_P2TR};
	static const uint8_t PAYEE[22] = {0x00, 0x14, 1, 2, 3};
	_cleanup_(keyring_destroy) struct keyring *ring = ring_with_treasury();
	_cleanup_(arena_free) struct arena arena = {};
	struct psbt_fixture_coin coins[4] = {};
	struct psbt_payment outputs[2] = {{.sats = 250'000, .script = BYTES_OF_ARRAY(PAYEE)},
					  {.sats = 140'000, .is_change = true, .template = BITCOIN_P2TR}};
	for (uint32_t i = 0; i < 4; i++) {
		coins[i] = (struct psbt_fixture_coin){
			.template = KINDS[i], .sats = 100'000, .path = psbt_fixture_path(KINDS[i], 0, 0, 0, i)};
		assert_ok(keyring_public_key(ring, KEY_ID, &coins[i].path, coins[i].public_key));
	}
	outputs[1].path = psbt_fixture_path(BITCOIN_P2TR, 0, 0, 1, 0);
	assert_ok(keyring_public_key(ring, KEY_ID, &outputs[1].path, outputs[1].public_key));
	struct wallet_key key = wallet_key_in(ring);
	struct wallet_context context = {.key = &key};
	struct psbt_fixture fixture = {.coins = coins,
				       .coin_count = 4,
				       .outputs = outputs,
				       .output_count = 2,
				       .sequence = BITCOIN_SEQUENCE_FINAL};
	memcpy(fixture.fingerprint, key.fingerprint, sizeof fixture.fingerprint);
	struct bytes payload;
	struct wallet_transaction *transaction;
	struct signature signatures[4];
	struct wallet_result result;
	assert_ok(psbt_fixture_build(&arena, &fixture, &payload));
	assert_ok(wallet_decode(&arena, WALLET_PSBT, payload, &context, &transaction));
	assert_int_equal(1, transaction->destination_count);
	assert_int_equal(4, transaction->request_count);
	for (size_t i = 0; i < 4; i++)
		assert_ok(keyring_sign(ring, KEY_ID, KEY_PURPOSE_TRANSFER, &transaction->requests[i], &signatures[i]));
	assert_ok(wallet_assemble(&arena, transaction, signatures, 4, &result));
	struct bitcoin_transaction final;
	assert_ok(bitcoin_transaction_read(&arena, result.transaction, &final));
	assert_int_equal(4, final.input_count);
}

/* A payment from the key's own account of this coin type, decoded for a key of this chain; "": of none. */
static enum status
decode_on(struct keyring *ring, struct arena *arena, const char *chain, uint32_t coin_type,
	  struct wallet_transaction **transaction) {
	static const uint8_t PAYEE[22] = {0x00, 0x14, 1, 2, 3};
	struct psbt_fixture_coin coin = {.template = BITCOIN_P2WPKH,
					 .sats = 100'000,
					 .path = psbt_fixture_path(BITCOIN_P2WPKH, coin_type, 0, 0, 0)};
	struct psbt_payment outputs[2] = {{.sats = 60'000, .script = BYTES_OF_ARRAY(PAYEE)},
					  {.sats = 39'000,
					   .is_change = true,
					   .template = BITCOIN_P2WPKH,
					   .path = psbt_fixture_path(BITCOIN_P2WPKH, coin_type, 0, 1, 0)}};
	struct wallet_key *key = ARENA_NEW(arena, struct wallet_key);
	struct wallet_context *context = ARENA_NEW(arena, struct wallet_context);
	struct bytes payload;
	*key = wallet_key_in(ring);
	key->chain = bytes_of_text(chain);
	*context = (struct wallet_context){.key = key};
	assert_ok(keyring_public_key(ring, KEY_ID, &coin.path, coin.public_key));
	assert_ok(keyring_public_key(ring, KEY_ID, &outputs[1].path, outputs[1].public_key));
	struct psbt_fixture fixture = {.coins = &coin,
				       .coin_count = 1,
				       .outputs = outputs,
				       .output_count = 2,
				       .sequence = BITCOIN_SEQUENCE_FINAL};
	memcpy(fixture.fingerprint, key->fingerprint, sizeof fixture.fingerprint);
	assert_ok(psbt_fixture_build(arena, &fixture, &payload));
	return wallet_decode(arena, WALLET_PSBT, payload, context, transaction);
}

static void
each_network_has_its_own_addresses_and_coin_type(void **) {
	static const struct {
		const char *chain, *stated, *address;
		uint32_t coin_type;
	} CASES[] = {
		{"", "bitcoin:main", "bc1q", 0},
		{"bitcoin:main", "bitcoin:main", "bc1q", 0},
		{"bitcoin:test", "bitcoin:test", "tb1q", 1},
		{"bitcoin:testnet4", "bitcoin:testnet4", "tb1q", 1},
		{"bitcoin:signet", "bitcoin:signet", "tb1q", 1},
		{"bitcoin:regtest", "bitcoin:regtest", "bcrt1q", 1},
	};
	_cleanup_(keyring_destroy) struct keyring *ring = ring_with_treasury();
	for (size_t i = 0; i < ARRAY_LENGTH(CASES); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct wallet_transaction *transaction;
		assert_ok(decode_on(ring, &arena, CASES[i].chain, CASES[i].coin_type, &transaction));
		assert_bytes(bytes_of_text(CASES[i].stated), transaction->chain);
		assert_int_equal(1, transaction->destination_count); /* the change is known as change */
		assert_memory_equal(CASES[i].address, transaction->destinations[0].data, strlen(CASES[i].address));
		assert_fails(STATUS_DENIED, "psbt.coin_type",
			     decode_on(ring, &arena, CASES[i].chain, 1 - CASES[i].coin_type, &transaction));
	}
}

static void
a_key_of_another_chain_signs_no_psbt(void **) {
	static const char *const CHAINS[] = {"eip155:1", "bitcoin:testnet5", "bitcoin:"};
	_cleanup_(keyring_destroy) struct keyring *ring = ring_with_treasury();
	for (size_t i = 0; i < ARRAY_LENGTH(CHAINS); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct wallet_transaction *transaction;
		assert_fails(STATUS_UNSUPPORTED, "bitcoin.chain", decode_on(ring, &arena, CHAINS[i], 0, &transaction));
	}
}

RUN_TESTS(T(each_network_has_its_own_addresses_and_coin_type), T(a_key_of_another_chain_signs_no_psbt),
	  T(paths_lead_to_the_addresses_of_bip49_84_and_86), T(every_kind_is_signed_from_path_to_transaction))
