#include "tests/test.h"

#include "gate/key_address.h"

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

RUN_TESTS(T(a_key_is_paid_to_where_its_scheme_spends), T(a_key_that_is_no_point_has_none))
