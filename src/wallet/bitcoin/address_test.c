/* Addresses: the valid and invalid ones of BIP-173 and BIP-350, Base58Check, and the templates behind them. */
#include "tests/test.h"

#include "crypto/hash.h"
#include "wallet/bitcoin/address.h"
#include "wallet/bitcoin/script.h"
#include "wallet/wallet.h"

static const struct {
	enum bitcoin_network network;
	const char *address, *script;
	enum bitcoin_template template;
} VALID[] = {
	/* BIP-350, "Test vectors for v0-v16 native segregated witness addresses" */
	{BITCOIN_MAIN, "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", "0014751e76e8199196d454941c45d1b3a323f1433bd6",
	 BITCOIN_P2WPKH},
	{BITCOIN_TEST, "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7",
	 "00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262", BITCOIN_P2WSH},
	{BITCOIN_MAIN, "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y",
	 "5128751e76e8199196d454941c45d1b3a323f1433bd6751e76e8199196d454941c45d1b3a323f1433bd6",
	 BITCOIN_UNKNOWN_WITNESS},
	{BITCOIN_MAIN, "BC1SW50QGDZ25J", "6002751e", BITCOIN_UNKNOWN_WITNESS},
	{BITCOIN_MAIN, "bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs", "5210751e76e8199196d454941c45d1b3a323",
	 BITCOIN_UNKNOWN_WITNESS},
	{BITCOIN_SIGNET, "tb1qqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesrxh6hy",
	 "0020000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433", BITCOIN_P2WSH},
	{BITCOIN_TEST, "tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c",
	 "5120000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433", BITCOIN_P2TR},
	{BITCOIN_MAIN, "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
	 "512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", BITCOIN_P2TR},
	{BITCOIN_REGTEST, "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
	 "0014751e76e8199196d454941c45d1b3a323f1433bd6", BITCOIN_P2WPKH},
	/* the first output ever spent to, the oldest P2SH example, and their like on test networks */
	{BITCOIN_MAIN, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "76a91462e907b15cbf27d5425399ebf6f0fb50ebb88f1888ac",
	 BITCOIN_P2PKH},
	{BITCOIN_MAIN, "3P14159f73E4gFr7JterCCQh9QjiTjiZrG", "a914e9c3dd0c07aac76179ebc76a6c78d4d67c6c160a87",
	 BITCOIN_P2SH},
	{BITCOIN_TEST, "mzYqZHTdciW2DvC6HRQygvWNbab9U6KdQY", "76a914d0c59903c5bac2868760e90fd521a4665aa7652088ac",
	 BITCOIN_P2PKH},
	{BITCOIN_REGTEST, "2Mx6uYKYGW5J6sV59e5NsdtCTsJYRxednbx", "a9143545e6e33b832c47050f24d3eeb93c9c03948bc787",
	 BITCOIN_P2SH},
};

static void
valid_addresses_are_their_scripts(void **) {
	for (size_t i = 0; i < ARRAY_LENGTH(VALID); i++) {
		uint8_t script[BITCOIN_ADDRESS_SCRIPT_MAX];
		char digits[2 * BITCOIN_ADDRESS_SCRIPT_MAX + 1], again[BITCOIN_ADDRESS_SIZE];
		size_t len;
		assert_ok(bitcoin_address_to_script(VALID[i].network, bytes_of_text(VALID[i].address), script, &len));
		hex_encode(bytes_of(script, len), digits);
		assert_string_equal(VALID[i].script, digits);
		assert_int_equal(VALID[i].template, bitcoin_script_template(bytes_of(script, len)));
		assert_true(bitcoin_address_of_script(VALID[i].network, bytes_of(script, len), again));
		assert_int_equal(0, strcasecmp(VALID[i].address, again));
	}
}

static void
invalid_addresses_are_refused_by_name(void **) {
	static const struct {
		enum bitcoin_network network;
		const char *name, *address;
	} CASES[] = {
		/* BIP-350's and BIP-173's invalid addresses */
		{BITCOIN_MAIN, "address.character", "tc1qw508d6qejxtdg4y5r3zarvary0c5xw7kg3g4ty"},
		{BITCOIN_MAIN, "address.character", "tc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq5zuyut"},
		{BITCOIN_MAIN, "address.checksum", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd"},
		{BITCOIN_TEST, "address.checksum", "tb1z0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqglt7rf"},
		{BITCOIN_MAIN, "address.checksum", "BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL"},
		{BITCOIN_MAIN, "address.checksum", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh"},
		{BITCOIN_TEST, "address.checksum", "tb1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq24jc47"},
		{BITCOIN_MAIN, "address.character", "bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4"},
		{BITCOIN_MAIN, "address.witness_version",
		 "BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R"},
		{BITCOIN_MAIN, "address.program", "bc1pw5dgrnzv"},
		{BITCOIN_MAIN, "address.program",
		 "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav"},
		{BITCOIN_MAIN, "address.program", "BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P"},
		{BITCOIN_TEST, "address.mixed_case", "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq"},
		{BITCOIN_MAIN, "address.padding", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf"},
		{BITCOIN_TEST, "address.padding", "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vpggkg4j"},
		{BITCOIN_MAIN, "address.length", "bc1gmk9yu"},
		/* other networks */
		{BITCOIN_MAIN, "address.network", "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"},
		{BITCOIN_MAIN, "address.network", "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"},
		{BITCOIN_REGTEST, "address.network", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"},
		{BITCOIN_MAIN, "address.version", "mzYqZHTdciW2DvC6HRQygvWNbab9U6KdQY"},
		{BITCOIN_TEST, "address.version", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"},
		/* Base58Check */
		{BITCOIN_MAIN, "address.checksum", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb"},
		{BITCOIN_MAIN, "address.length", "A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"},
		{BITCOIN_MAIN, "address.length", ""},
		{BITCOIN_MAIN, "address.character", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfN0"},
		{BITCOIN_MAIN, "address.character", "0x52908400098527886E0F7030069857D2E4169EE7"},
		{BITCOIN_MAIN, "address.character", " 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"},
		/* longer than any */
		{BITCOIN_MAIN, "address.length",
		 "bc1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(CASES); i++) {
		uint8_t script[BITCOIN_ADDRESS_SCRIPT_MAX];
		size_t len;
		assert_fails(
			STATUS_INVALID, CASES[i].name,
			bitcoin_address_to_script(CASES[i].network, bytes_of_text(CASES[i].address), script, &len));
	}
}

static void
scripts_without_address_have_none(void **) {
	static const struct {
		const char *script;
		enum bitcoin_template template;
	} CASES[] = {
		{"", BITCOIN_UNKNOWN_SCRIPT},
		{"6a0100", BITCOIN_DATA},
		{"2103c9f4836b9a4f77fc0d81f7bcb01b7f1b35916864b9476c241ce9fc198bd25432ac", BITCOIN_P2PK},
		{"5121029583bf39ae0a609747ad199addd634fa6108559d6c5cd39b4c2183f1ab96e07f51ae", BITCOIN_MULTISIG},
		{"5221029583bf39ae0a609747ad199addd634fa6108559d6c5cd39b4c2183f1ab96e07f51ae",
		 BITCOIN_UNKNOWN_SCRIPT}, /* 2 of 1 */
		{"5121029583bf39ae0a609747ad199addd634fa6108559d6c5cd39b4c2183f1ab96e07f52ae",
		 BITCOIN_UNKNOWN_SCRIPT}, /* 1 of 2, one key */
		{"5151ae", BITCOIN_UNKNOWN_SCRIPT},
		{"0013751e76e8199196d454941c45d1b3a323f1433b", BITCOIN_UNKNOWN_WITNESS}, /* version 0 of 19 bytes */
		{"51", BITCOIN_UNKNOWN_SCRIPT},
		{"0001aa", BITCOIN_UNKNOWN_SCRIPT},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(CASES); i++) {
		uint8_t script[128];
		char text[BITCOIN_ADDRESS_SIZE];
		size_t len = strlen(CASES[i].script) / 2;
		assert_ok(hex_decode(bytes_of_text(CASES[i].script), script, len));
		assert_int_equal(CASES[i].template, bitcoin_script_template(bytes_of(script, len)));
		assert_false(bitcoin_address_of_script(BITCOIN_MAIN, bytes_of(script, len), text));
	}
}

static void
lists_compare_addresses_in_one_form(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct bytes address;
	assert_ok(wallet_normalise_address(&arena, BYTES_OF_LITERAL("bitcoin:main"),
					   BYTES_OF_LITERAL("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4"), &address));
	assert_true(bytes_equal_text(address, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"));
	assert_fails(
		STATUS_UNSUPPORTED, "bitcoin.chain",
		wallet_normalise_address(&arena, BYTES_OF_LITERAL("bitcoin:moon"), BYTES_OF_LITERAL("x"), &address));
}

RUN_TESTS(T(valid_addresses_are_their_scripts), T(invalid_addresses_are_refused_by_name),
	  T(scripts_without_address_have_none), T(lists_compare_addresses_in_one_form))
