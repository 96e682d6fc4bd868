#include "tests/test.h"

#include "gate/key_address.h"
#include "keys/bip32.h"

/* The generator of secp256k1: BIP-173's example, and Ethereum's key of 1. */
static const char GENERATOR[] = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
/* BIP-86's first internal key, with either parity: the x coordinate counts. */
static const char INTERNAL[] = "02cc8a4bc64d897bddc5fbc2f670f7a8ba0b386779106cf1223c6fc5d7cd6fc115";
static const char INTERNAL_ODD[] = "03cc8a4bc64d897bddc5fbc2f670f7a8ba0b386779106cf1223c6fc5d7cd6fc115";
static const char ZEROS[] = "0000000000000000000000000000000000000000000000000000000000000000";

static const struct {
	enum key_algorithm algorithm;
	enum key_material material;
	enum key_sharing sharing;
	const char *chain, *public_key, *address; /* null: it has none */
} CASES[] = {
	{KEY_SECP256K1, KEY_MATERIAL_SINGLE, KEY_WHOLE, "", GENERATOR, "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"},
	{KEY_SECP256K1, KEY_MATERIAL_SINGLE, KEY_SHARED_ECDSA, "eip155:1", GENERATOR,
	 "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"},
	{KEY_SECP256K1, KEY_MATERIAL_SINGLE, KEY_SHARED_ECDSA, "bitcoin:main", GENERATOR,
	 "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"},
	{KEY_SECP256K1, KEY_MATERIAL_SINGLE, KEY_WHOLE, "bitcoin:test", GENERATOR,
	 "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"},
	{KEY_SECP256K1, KEY_MATERIAL_SINGLE, KEY_SHARED_BIP340, "", INTERNAL,
	 "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr"},
	{KEY_SECP256K1, KEY_MATERIAL_SINGLE, KEY_SHARED_BIP340, "bitcoin:main", INTERNAL_ODD,
	 "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr"},
	{KEY_SECP256K1, KEY_MATERIAL_SINGLE, KEY_SHARED_BIP340, "eip155:1", INTERNAL, nullptr},
	{KEY_ED25519, KEY_MATERIAL_SINGLE, KEY_SHARED_ED25519, "", ZEROS, "11111111111111111111111111111111"},
	{KEY_SECP256K1, KEY_MATERIAL_EXTENDED, KEY_SHARED_ECDSA, "", GENERATOR, nullptr},
	{KEY_P256, KEY_MATERIAL_SINGLE, KEY_WHOLE, "", GENERATOR, nullptr},
};

static void
a_key_is_paid_to_where_its_scheme_spends(void **) {
	for (size_t i = 0; i < ARRAY_LENGTH(CASES); i++) {
		struct key_info key = {.algorithm = CASES[i].algorithm,
				       .material = CASES[i].material,
				       .sharing = CASES[i].sharing,
				       .public_key_len = strlen(CASES[i].public_key) / 2};
		char text[KEY_ADDRESS_SIZE];
		strcpy(key.chain, CASES[i].chain);
		assert_ok(hex_decode(bytes_of_text(CASES[i].public_key), key.public_key, key.public_key_len));
		assert_int_equal(CASES[i].address != nullptr, key_address(&key, text));
		if (CASES[i].address != nullptr)
			assert_string_equal(CASES[i].address, text);
	}
}

/* The examples of BIP-49, BIP-84 and BIP-86; the keys are those that they state for the path. */
static void
a_key_below_an_extended_one_is_paid_to_where_its_path_says(void **) {
	static const char BIP49[] = "03a1af804ac108a8a51782198c2d034b28bf90c8803f5a53f76276fa69a4eae77f";
	static const char BIP84[] = "0330d54fd0dd420a6e5f8d3624f5f3482cae350f79d5f0753bf5beef9c2d91af3c";
	static const char ETHEREUM[] = "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf";
	static const struct {
		const char *chain, *origin, *path, *public_key, *address;
	} cases[] = {
		{"bitcoin:test", "m", "m/49h/1h/0h/0/0", BIP49, "2Mww8dCYPUpKHofjgcXcBCEGmniw9CoaiD2"},
		{"bitcoin:main", "m/84h/0h/0h", "m/0/0", BIP84, "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"},
		{"", "m/84h", "m/0h/0h/0/0", BIP84, "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"},
		{"", "m", "m/86h/0h/0h/0/0", INTERNAL,
		 "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr"},
		{"bitcoin:main", "m", "m/44h/0h/0h/0/0", GENERATOR, "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH"},
		{"", "m", "m/44h/60h/0h/0/0", GENERATOR, ETHEREUM},
		{"eip155:1", "m", "m/0/5", GENERATOR, ETHEREUM},
		{"", "m", "m/0/5", GENERATOR, nullptr},            /* nothing says what for */
		{"", "m", "m/84h/60h/0h/0/0", GENERATOR, nullptr}, /* of two minds */
		{"", "m", "m/84h/1h/0h/0/0", BIP84, nullptr},      /* whichever test network */
		{"bitcoin:main", "m", "m/45h/0h/0h/0/0", GENERATOR, nullptr},
		{"bitcoin:main", "m", "m/84/0/0/0/0", GENERATOR, nullptr}, /* not hardened: no such purpose */
		{"solana:main", "m", "m/44h/501h", GENERATOR, nullptr},
		{"", "m", "m", GENERATOR, nullptr},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct key_info key = {.algorithm = KEY_SECP256K1, .material = KEY_MATERIAL_EXTENDED};
		struct signing_path path;
		uint8_t public_key[33];
		char text[KEY_ADDRESS_SIZE] = "none";
		strcpy(key.chain, cases[i].chain);
		assert_ok(bip32_path_parse(bytes_of_text(cases[i].origin), &key.origin));
		assert_ok(bip32_path_parse(bytes_of_text(cases[i].path), &path));
		assert_ok(hex_decode(bytes_of_text(cases[i].public_key), public_key, sizeof public_key));
		bool has_one = key_address_below(&key, &path, public_key, text);
		assert_string_equal(cases[i].address == nullptr ? "none" : cases[i].address, text);
		assert_int_equal(cases[i].address != nullptr, has_one);
		bool is_taproot = cases[i].address != nullptr && strncmp(cases[i].address, "bc1p", 4) == 0;
		key.sharing = is_taproot ? KEY_SHARED_ECDSA : KEY_SHARED_BIP340; /* which signs for no such output */
		assert_false(key_address_below(&key, &path, public_key, text));
		key.sharing = is_taproot ? KEY_SHARED_BIP340 : KEY_SHARED_ECDSA;
		assert_int_equal(has_one, key_address_below(&key, &path, public_key, text));
		key.material = KEY_MATERIAL_SINGLE;
		assert_false(key_address_below(&key, &path, public_key, text));
	}
}

static void
a_key_that_is_no_point_has_none(void **) {
	struct key_info key = {
		.algorithm = KEY_SECP256K1, .public_key_len = 33, .public_key = {5}, .sharing = KEY_SHARED_BIP340};
	char text[KEY_ADDRESS_SIZE];
	memset(key.public_key + 1, 0xff, 32);
	assert_false(key_address(&key, text));
	key.sharing = KEY_WHOLE;
	assert_false(key_address(&key, text));
}

RUN_TESTS(T(a_key_is_paid_to_where_its_scheme_spends), T(a_key_below_an_extended_one_is_paid_to_where_its_path_says),
	  T(a_key_that_is_no_point_has_none))
