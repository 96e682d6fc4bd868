#include "tests/test.h"

#include <stdio.h>

#include "crypto/random.h"
#include "crypto/sign.h"
#include "keys/bip32.h"
#include "keys/software/keyring.h"

static const char DIGITS[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
static const struct bytes INSTANCE = {(const uint8_t *)"treasury.example", 16};

static struct keyring *
open_ring(void) {
	_cleanup_(buffer_free) struct buffer record = {};
	_cleanup_(root_key_destroy) struct root_key *root = nullptr;
	struct keyring *ring = nullptr;
	assert_ok(root_key_create(&root, ROOT_KEY_FILE, bytes_of_text(DIGITS), ROOT_KEY_COST, &record));
	assert_ok(keyring_create(&ring, root, INSTANCE));
	return ring;
}

static struct key_info
attributes(const char *id, enum key_algorithm algorithm, enum key_material material) {
	struct key_info key = {.algorithm = algorithm, .material = material, .created_ms = 1};
	snprintf(key.id, sizeof key.id, "%s", id);
	strcpy(key.account, "desk-1");
	return key;
}

static struct key_info
add_key(struct keyring *ring, const char *id, enum key_algorithm algorithm, enum key_material material) {
	struct key_info key = attributes(id, algorithm, material);
	uint8_t blob[BLOB_SIZE];
	assert_ok(keyring_generate(ring, &key, blob));
	assert_ok(keyring_add(ring, &key, BYTES_OF_ARRAY(blob)));
	return key;
}

static struct signing_path
path_of(const char *text) {
	struct signing_path path;
	assert_ok(bip32_path_parse(bytes_of_text(text), &path));
	return path;
}

static struct signing_request
request_for(enum signature_scheme scheme, const char *path) {
	struct signing_request request = {.scheme = scheme, .path = path_of(path)};
	random_bytes(request.digest, sizeof request.digest);
	return request;
}

static struct bytes
id_of(const struct key_info *key) {
	return bytes_of_text(key->id);
}

static void
each_algorithm_signs_what_its_own_verifier_takes(void **) {
	_cleanup_(keyring_destroy) struct keyring *ring = open_ring();
	struct key_info k1 = add_key(ring, "k1", KEY_SECP256K1, KEY_MATERIAL_SINGLE);
	struct key_info p256 = add_key(ring, "p256", KEY_P256, KEY_MATERIAL_SINGLE);
	struct key_info ed = add_key(ring, "ed", KEY_ED25519, KEY_MATERIAL_SINGLE);
	struct signature signature;
	uint8_t recovered[65], whole[65];

	struct signing_request request = request_for(SCHEME_ECDSA_SECP256K1, "m");
	assert_ok(keyring_sign(ring, id_of(&k1), KEY_PURPOSE_TRANSFER, &request, &signature));
	assert_ok(secp256k1_verify(key_public(&k1), request.digest, signature.bytes));
	assert_ok(secp256k1_recover(request.digest, signature.bytes, signature.recovery, recovered));
	assert_ok(secp256k1_public_uncompressed(key_public(&k1), whole));
	assert_memory_equal(whole, recovered, 65);
	assert_memory_equal(k1.public_key, signature.public_key, 33);

	request = request_for(SCHEME_BIP340, "m");
	assert_ok(keyring_sign(ring, id_of(&k1), KEY_PURPOSE_TRANSFER, &request, &signature));
	assert_ok(bip340_verify(k1.public_key + 1, BYTES_OF_ARRAY(request.digest), signature.bytes));

	request = request_for(SCHEME_ECDSA_P256, "m");
	assert_ok(keyring_sign(ring, id_of(&p256), KEY_PURPOSE_TRANSFER, &request, &signature));
	assert_ok(p256_verify(key_public(&p256), request.digest, signature.bytes));

	request = request_for(SCHEME_ED25519, "m");
	assert_ok(keyring_sign(ring, id_of(&ed), KEY_PURPOSE_TRANSFER, &request, &signature));
	assert_ok(ed25519_verify(ed.public_key, BYTES_OF_ARRAY(request.digest), signature.bytes));
}

/* As a shared key is recovered; the number of RFC 8032 §7.1, test 1. */
static void
an_ed25519_key_that_no_seed_gives_is_imported_and_signs(void **) {
	_cleanup_(keyring_destroy) struct keyring *ring = open_ring();
	struct key_info key = attributes("ed", KEY_ED25519, KEY_MATERIAL_SINGLE);
	struct signing_request request = request_for(SCHEME_ED25519, "m"), other = request_for(SCHEME_ED25519, "m");
	struct signature signature, again, of_other;
	uint8_t number[32], order[32], blob[BLOB_SIZE];
	assert_ok(hex_decode(BYTES_OF_LITERAL("7c2cac12e69be96ae9065065462385e8fcff2768d980c0a3a520f006904de90f"),
			     number, 32));
	assert_ok(hex_decode(BYTES_OF_LITERAL("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010"),
			     order, 32));
	assert_fails(STATUS_INVALID, "key.scalar", keyring_import_scalar(ring, &key, bytes_of(number, 31), blob));
	assert_fails(STATUS_INVALID, "signature.ed25519_scalar",
		     keyring_import_scalar(ring, &key, BYTES_OF_ARRAY(order), blob));
	assert_ok(keyring_import_scalar(ring, &key, BYTES_OF_ARRAY(number), blob));
	assert_ok(keyring_add(ring, &key, BYTES_OF_ARRAY(blob)));
	uint8_t expected[32];
	assert_ok(hex_decode(BYTES_OF_LITERAL("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
			     expected, 32));
	assert_memory_equal(expected, key.public_key, 32);
	assert_ok(keyring_sign(ring, id_of(&key), KEY_PURPOSE_TRANSFER, &request, &signature));
	assert_ok(ed25519_verify(key.public_key, BYTES_OF_ARRAY(request.digest), signature.bytes));
	assert_ok(keyring_sign(ring, id_of(&key), KEY_PURPOSE_TRANSFER, &request, &again));
	assert_memory_equal(signature.bytes, again.bytes, 64);
	/* No nonce signs twice. */
	assert_ok(keyring_sign(ring, id_of(&key), KEY_PURPOSE_TRANSFER, &other, &of_other));
	assert_memory_not_equal(signature.bytes, of_other.bytes, 32);
}

static void
ecdsa_repeats_and_bip340_takes_fresh_randomness(void **) {
	_cleanup_(keyring_destroy) struct keyring *ring = open_ring();
	struct key_info key = add_key(ring, "k1", KEY_SECP256K1, KEY_MATERIAL_SINGLE);
	struct signing_request request = request_for(SCHEME_ECDSA_SECP256K1, "m");
	struct signature first, second;
	assert_ok(keyring_sign(ring, id_of(&key), KEY_PURPOSE_TRANSFER, &request, &first));
	assert_ok(keyring_sign(ring, id_of(&key), KEY_PURPOSE_TRANSFER, &request, &second));
	assert_memory_equal(&first, &second, sizeof first);
	request.scheme = SCHEME_BIP340;
	assert_ok(keyring_sign(ring, id_of(&key), KEY_PURPOSE_TRANSFER, &request, &first));
	assert_ok(keyring_sign(ring, id_of(&key), KEY_PURPOSE_TRANSFER, &request, &second));
	assert_memory_not_equal(first.bytes, second.bytes, 64);
}

/* BIP-84 and BIP-86: their own test vectors, from the mnemonic of eleven times "abandon" and "about". */
static const char MNEMONIC[] =
	"abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

static struct key_info
add_mnemonic(struct keyring *ring, const char *id) {
	struct key_info key = attributes(id, KEY_SECP256K1, KEY_MATERIAL_EXTENDED);
	uint8_t blob[BLOB_SIZE];
	assert_ok(keyring_import_mnemonic(ring, &key, bytes_of_text(MNEMONIC), (struct bytes){}, blob));
	assert_ok(keyring_add(ring, &key, BYTES_OF_ARRAY(blob)));
	return key;
}

static void
assert_public(struct keyring *ring, const char *id, const char *path, const char *expected) {
	uint8_t public_key[33];
	char text[67];
	struct signing_path steps = path_of(path);
	assert_ok(keyring_public_key(ring, bytes_of_text(id), &steps, public_key));
	hex_encode(BYTES_OF_ARRAY(public_key), text);
	assert_string_equal(expected, text);
}

static void
a_mnemonic_gives_the_keys_of_bip84(void **) {
	_cleanup_(keyring_destroy) struct keyring *ring = open_ring();
	struct key_info key = add_mnemonic(ring, "seed");
	assert_int_equal(key.origin.count, 0);
	assert_memory_equal(key.fingerprint, ((uint8_t[]){0x73, 0xc5, 0xda, 0x0a}), 4);
	assert_public(ring, "seed", "m/84'/0'/0'/0/0",
		      "0330d54fd0dd420a6e5f8d3624f5f3482cae350f79d5f0753bf5beef9c2d91af3c");
	assert_public(ring, "seed", "m/84'/0'/0'/0/1",
		      "03e775fd51f0dfb8cd865d9ff1cca2a158cf651fe997fdc9fee9c1d3b5e995ea77");
	assert_public(ring, "seed", "m/84'/0'/0'/1/0",
		      "03025324888e429ab8e3dbaf1f7802648b9cd01e9b418485c5fa4c1b9b5700e1a6");
}

static void
a_taproot_signature_verifies_under_the_output_key_of_bip86(void **) {
	_cleanup_(keyring_destroy) struct keyring *ring = open_ring();
	add_mnemonic(ring, "seed");
	struct signing_request request = request_for(SCHEME_BIP340, "m/86'/0'/0'/0/0");
	struct signature signature;
	uint8_t output[32];
	assert_ok(hex_decode(BYTES_OF_LITERAL("a60869f0dbcf1dc659c9cecbaf8050135ea9e8cdc487053f1dc6880949dc684c"),
			     output, 32));
	request.tweaked = true;
	request.expected_public_key = BYTES_OF_ARRAY(output);
	assert_ok(keyring_sign(ring, BYTES_OF_LITERAL("seed"), KEY_PURPOSE_TRANSFER, &request, &signature));
	assert_ok(bip340_verify(output, BYTES_OF_ARRAY(request.digest), signature.bytes));
	assert_memory_equal(signature.public_key, ((uint8_t[]){3, 0xcc, 0x8a, 0x4b, 0xc6, 0x4d, 0x89, 0x7b, 0xdd}), 9);
	output[0] ^= 1;
	assert_fails(STATUS_CONFLICT, "key.expected_public_key",
		     keyring_sign(ring, BYTES_OF_LITERAL("seed"), KEY_PURPOSE_TRANSFER, &request, &signature));
	request.scheme = SCHEME_ECDSA_SECP256K1;
	assert_fails(STATUS_INVALID, "key.tweak",
		     keyring_sign(ring, BYTES_OF_LITERAL("seed"), KEY_PURPOSE_TRANSFER, &request, &signature));
}

static void
a_taproot_signature_takes_the_script_tree_into_account(void **) {
	_cleanup_(keyring_destroy) struct keyring *ring = open_ring();
	struct key_info key = add_key(ring, "k1", KEY_SECP256K1, KEY_MATERIAL_SINGLE);
	for (int i = 0; i < 8; i++) { /* both parities of the tweaked key */
		uint8_t root[32], output[32];
		struct signing_request request = request_for(SCHEME_BIP340, "m");
		struct signature signature;
		random_bytes(root, sizeof root);
		assert_ok(taproot_tweak_public(key.public_key + 1, BYTES_OF_ARRAY(root), output, nullptr));
		request.tweaked = true;
		request.merkle_root = BYTES_OF_ARRAY(root);
		request.expected_public_key = BYTES_OF_ARRAY(output);
		assert_ok(keyring_sign(ring, id_of(&key), KEY_PURPOSE_TRANSFER, &request, &signature));
		assert_ok(bip340_verify(output, BYTES_OF_ARRAY(request.digest), signature.bytes));
	}
}

/* More leaves than the cache holds, at two keys, forwards and back: what is evicted is derived again, the same. */
static void
derived_keys_stay_right_when_the_cache_overflows(void **) {
	enum { LEAVES = 1100 };
	static uint8_t seen[2][LEAVES][33];
	_cleanup_(keyring_destroy) struct keyring *ring = open_ring();
	struct key_info keys[2] = {add_mnemonic(ring, "seed"),
				   add_key(ring, "other", KEY_SECP256K1, KEY_MATERIAL_EXTENDED)};
	struct signing_path path = path_of("m/84'/0'/0'/0/0");
	for (uint32_t leaf = 0; leaf < LEAVES; leaf++)
		for (size_t k = 0; k < 2; k++) {
			path.steps[4] = leaf;
			assert_ok(keyring_public_key(ring, id_of(&keys[k]), &path, seen[k][leaf]));
		}
	for (uint32_t leaf = LEAVES; leaf-- > 0;)
		for (size_t k = 0; k < 2; k++) {
			uint8_t again[33];
			path.steps[4] = leaf;
			assert_ok(keyring_public_key(ring, id_of(&keys[k]), &path, again));
			assert_memory_equal(seen[k][leaf], again, 33);
		}
	assert_public(ring, "seed", "m/84'/0'/0'/0/0",
		      "0330d54fd0dd420a6e5f8d3624f5f3482cae350f79d5f0753bf5beef9c2d91af3c");
	assert_memory_not_equal(seen[0][7], seen[1][7], 33);
}

static void
an_account_key_is_imported_with_its_origin(void **) {
	_cleanup_(keyring_destroy) struct keyring *ring = open_ring();
	/* m/84'/0'/0' of the same mnemonic, as BIP-84 prints it but with BIP-32's version bytes. */
	struct bip32_node node;
	uint8_t seed[64], blob[BLOB_SIZE], public_key[33];
	char text[BIP32_TEXT_SIZE];
	assert_ok(hex_decode(BYTES_OF_LITERAL("5eb00bbddcf069084889a8ab9155568165f5c453ccb85e70811aaed6f6da5fc1"
					      "9a5ac40b389cd370d086206dec8aa6c43daea6690f20ad3d8d48b2d2ce9e38e4"),
			     seed, 64));
	struct signing_path origin = path_of("m/84'/0'/0'"), up = path_of("m/84'/0'");
	assert_ok(bip32_master(BYTES_OF_ARRAY(seed), &node));
	assert_ok(bip32_descend(&node, &up, &node));
	assert_ok(secp256k1_public_key(node.key, public_key));
	struct bip32_extended extended = {.is_private = true, .depth = 3, .step = BIP32_HARDENED};
	bip32_fingerprint(public_key, extended.parent);
	assert_ok(bip32_child(&node, nullptr, BIP32_HARDENED, &node));
	memcpy(extended.chain_code, node.chain_code, 32);
	memcpy(extended.key + 1, node.key, 32);
	assert_ok(bip32_encode(&extended, text));

	struct key_info key = attributes("account", KEY_SECP256K1, KEY_MATERIAL_EXTENDED);
	assert_fails(STATUS_INVALID, "key.origin", keyring_import_extended(ring, &key, bytes_of_text(text), blob));
	key.origin = path_of("m/84'/0'/1'");
	assert_fails(STATUS_INVALID, "key.origin", keyring_import_extended(ring, &key, bytes_of_text(text), blob));
	key.origin = origin;
	memcpy(key.fingerprint, ((uint8_t[]){0x73, 0xc5, 0xda, 0x0a}), 4);
	strcpy(key.chain, "bitcoin:testnet4");
	assert_fails(STATUS_INVALID, "key.network", keyring_import_extended(ring, &key, bytes_of_text(text), blob));
	memset(key.chain, 0, sizeof key.chain);
	extended.network = BIP32_TEST;
	assert_ok(bip32_encode(&extended, text));
	assert_fails(STATUS_INVALID, "key.network", keyring_import_extended(ring, &key, bytes_of_text(text), blob));
	extended.network = BIP32_MAIN;
	assert_ok(bip32_encode(&extended, text));
	assert_ok(keyring_import_extended(ring, &key, bytes_of_text(text), blob));
	assert_ok(keyring_add(ring, &key, BYTES_OF_ARRAY(blob)));
	assert_public(ring, "account", "m/0/0", "0330d54fd0dd420a6e5f8d3624f5f3482cae350f79d5f0753bf5beef9c2d91af3c");

	extended.is_private = false;
	assert_ok(secp256k1_public_key(node.key, extended.key));
	assert_ok(bip32_encode(&extended, text));
	strcpy(key.id, "watch");
	assert_fails(STATUS_INVALID, "key.public", keyring_import_extended(ring, &key, bytes_of_text(text), blob));
}

static void
imports_must_fit_the_attributes(void **) {
	_cleanup_(keyring_destroy) struct keyring *ring = open_ring();
	uint8_t blob[BLOB_SIZE], zero[32] = {}, one[32] = {[31] = 1};
	struct key_info single = attributes("k1", KEY_SECP256K1, KEY_MATERIAL_SINGLE);
	struct key_info extended = attributes("k2", KEY_SECP256K1, KEY_MATERIAL_EXTENDED);
	assert_fails(STATUS_INVALID, "key_record.material",
		     keyring_import_private(ring, &extended, BYTES_OF_ARRAY(one), blob));
	assert_fails(STATUS_INVALID, "key_record.material",
		     keyring_import_mnemonic(ring, &single, bytes_of_text(MNEMONIC), (struct bytes){}, blob));
	assert_fails(STATUS_INVALID, "key_record.material",
		     keyring_import_extended(ring, &single, BYTES_OF_LITERAL("xprv"), blob));
	assert_fails(STATUS_INVALID, "base58.digit",
		     keyring_import_extended(ring, &extended, BYTES_OF_LITERAL("xprv0"), blob));
	assert_fails(STATUS_INVALID, "mnemonic.count",
		     keyring_import_mnemonic(ring, &extended, BYTES_OF_LITERAL("abandon"), (struct bytes){}, blob));
	assert_fails(STATUS_INVALID, "key.private_key", keyring_import_private(ring, &single, bytes_of(one, 31), blob));
	assert_fails(STATUS_INVALID, "private_key.secp256k1",
		     keyring_import_private(ring, &single, BYTES_OF_ARRAY(zero), blob));
	assert_fails(STATUS_INVALID, "key.scalar", keyring_import_scalar(ring, &single, BYTES_OF_ARRAY(one), blob));
	extended.algorithm = KEY_ED25519;
	assert_fails(STATUS_INVALID, "key_record.material", keyring_generate(ring, &extended, blob));
	assert_ok(keyring_import_private(ring, &single, BYTES_OF_ARRAY(one), blob));
	assert_int_equal(keyring_count(ring), 0);
	assert_ok(keyring_add(ring, &single, BYTES_OF_ARRAY(blob)));
	assert_public(ring, "k1", "m", "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
	assert_fails(STATUS_CONFLICT, "key.exists", keyring_add(ring, &single, BYTES_OF_ARRAY(blob)));
	assert_fails(STATUS_CONFLICT, "key.exists", keyring_generate(ring, &single, blob));
}

/* Every refusal, and that nothing is in *signature afterwards. */
static void
assert_refused(struct keyring *ring, enum status status, const char *reason, const char *id, enum key_purpose use,
	       const struct signing_request *request) {
	static const struct signature none;
	struct signature signature;
	memset(&signature, 0xff, sizeof signature);
	assert_fails(status, reason, keyring_sign(ring, bytes_of_text(id), use, request, &signature));
	assert_fails(status, reason, keyring_check_sign(ring, bytes_of_text(id), use, request));
	assert_memory_equal(&none, &signature, sizeof none);
}

static void
requests_that_do_not_fit_the_key_are_refused_by_name(void **) {
	_cleanup_(keyring_destroy) struct keyring *ring = open_ring();
	struct key_info extended = attributes("seed", KEY_SECP256K1, KEY_MATERIAL_EXTENDED);
	struct key_info digest = attributes("digest", KEY_SECP256K1, KEY_MATERIAL_SINGLE);
	uint8_t blob[BLOB_SIZE], wrong[33] = {2};
	extended.branch_count = 2;
	extended.branches[0] = path_of("m/84'/0'/0'");
	extended.branches[1] = path_of("m/44'/60'/0'/0");
	assert_ok(keyring_generate(ring, &extended, blob));
	assert_ok(keyring_add(ring, &extended, BYTES_OF_ARRAY(blob)));
	digest.purpose = KEY_PURPOSE_DIGEST;
	assert_ok(keyring_generate(ring, &digest, blob));
	assert_ok(keyring_add(ring, &digest, BYTES_OF_ARRAY(blob)));
	add_key(ring, "p256", KEY_P256, KEY_MATERIAL_SINGLE);
	struct signature signature;

	struct signing_request request = request_for(SCHEME_ECDSA_SECP256K1, "m/84'/0'/0'/0/0");
	assert_ok(keyring_sign(ring, BYTES_OF_LITERAL("seed"), KEY_PURPOSE_TRANSFER, &request, &signature));
	assert_refused(ring, STATUS_NOT_FOUND, "key.unknown", "none", KEY_PURPOSE_TRANSFER, &request);
	assert_refused(ring, STATUS_DENIED, "key.purpose", "seed", KEY_PURPOSE_DIGEST, &request);
	assert_refused(ring, STATUS_DENIED, "key.purpose", "digest", KEY_PURPOSE_TRANSFER, &request);
	assert_refused(ring, STATUS_DENIED, "key.path", "digest", KEY_PURPOSE_DIGEST, &request);
	assert_refused(ring, STATUS_INVALID, "key.scheme", "p256", KEY_PURPOSE_TRANSFER, &request);
	request.scheme = SCHEME_ECDSA_P256;
	assert_refused(ring, STATUS_INVALID, "key.scheme", "seed", KEY_PURPOSE_TRANSFER, &request);
	request.scheme = (enum signature_scheme)9;
	assert_refused(ring, STATUS_INVALID, "key.scheme", "seed", KEY_PURPOSE_TRANSFER, &request);

	request = request_for(SCHEME_ECDSA_SECP256K1, "m/84'/0'/0'/0/0");
	request.expected_public_key = BYTES_OF_ARRAY(wrong);
	assert_refused(ring, STATUS_CONFLICT, "key.expected_public_key", "seed", KEY_PURPOSE_TRANSFER, &request);
	request.expected_public_key.len = 32; /* x only is for BIP-340 */
	assert_refused(ring, STATUS_CONFLICT, "key.expected_public_key", "seed", KEY_PURPOSE_TRANSFER, &request);

	static const char *const outside[] = {
		"m", "m/84'", "m/84'/0'", "m/84'/0'/1'/0/0", "m/84'/0'/0/0/0", "m/44'/60'/0'/1/0"};
	for (size_t i = 0; i < ARRAY_LENGTH(outside); i++) {
		request = request_for(SCHEME_ECDSA_SECP256K1, outside[i]);
		assert_refused(ring, STATUS_DENIED, "key.path", "seed", KEY_PURPOSE_TRANSFER, &request);
	}
	request.path.count = SIGNING_PATH_MAX + 1;
	assert_refused(ring, STATUS_DENIED, "key.path", "seed", KEY_PURPOSE_TRANSFER, &request);
	struct signing_path too_long = {.count = SIGNING_PATH_MAX + 1};
	uint8_t public_key[33];
	assert_fails(STATUS_INVALID, "key.path",
		     keyring_public_key(ring, BYTES_OF_LITERAL("seed"), &too_long, public_key));
}

static void
states_decide_whether_a_key_signs(void **) {
	_cleanup_(keyring_destroy) struct keyring *ring = open_ring();
	struct key_info key = add_key(ring, "old", KEY_SECP256K1, KEY_MATERIAL_EXTENDED);
	add_key(ring, "new", KEY_SECP256K1, KEY_MATERIAL_SINGLE);
	struct bytes id = id_of(&key), next = BYTES_OF_LITERAL("new");
	struct signing_request request = request_for(SCHEME_ECDSA_SECP256K1, "m/0");
	struct signature signature;
	uint8_t public_key[33];

	assert_ok(keyring_freeze(ring, id));
	assert_refused(ring, STATUS_DENIED, "key.frozen", "old", KEY_PURPOSE_TRANSFER, &request);
	assert_ok(keyring_public_key(ring, id, &request.path, public_key)); /* its addresses are still ours */
	assert_fails(STATUS_CONFLICT, "key.state", keyring_freeze(ring, id));
	assert_fails(STATUS_CONFLICT, "key.state", keyring_rotate(ring, id, next));
	assert_ok(keyring_unfreeze(ring, id));
	assert_ok(keyring_sign(ring, id, KEY_PURPOSE_TRANSFER, &request, &signature));
	assert_fails(STATUS_CONFLICT, "key.state", keyring_unfreeze(ring, id));

	assert_ok(keyring_rotate(ring, id, next));
	assert_string_equal(keyring_find(ring, id)->successor, "new");
	assert_ok(keyring_sign(ring, id, KEY_PURPOSE_TRANSFER, &request, &signature));
	assert_ok(keyring_freeze(ring, id));
	assert_refused(ring, STATUS_DENIED, "key.frozen", "old", KEY_PURPOSE_TRANSFER, &request);
	assert_ok(keyring_unfreeze(ring, id));
	assert_int_equal(keyring_find(ring, id)->state, KEY_ROTATED);
	assert_fails(STATUS_CONFLICT, "key.state", keyring_rotate(ring, id, next));

	assert_ok(keyring_destroy_key(ring, id));
	assert_refused(ring, STATUS_DENIED, "key.destroyed", "old", KEY_PURPOSE_TRANSFER, &request);
	assert_fails(STATUS_DENIED, "key.destroyed", keyring_public_key(ring, id, &request.path, public_key));
	for (enum key_state to = KEY_ACTIVE; to < KEY_STATE_COUNT; to++)
		assert_fails(STATUS_CONFLICT, "key.state", keyring_check_change(ring, id, to));
	assert_fails(STATUS_NOT_FOUND, "key.unknown", keyring_check_change(ring, BYTES_OF_LITERAL("none"), KEY_FROZEN));
	assert_int_equal(keyring_count(ring), 2);
}

static void
a_successor_must_be_fit_to_follow(void **) {
	_cleanup_(keyring_destroy) struct keyring *ring = open_ring();
	uint8_t blob[BLOB_SIZE];
	struct key_info key = add_key(ring, "old", KEY_SECP256K1, KEY_MATERIAL_SINGLE);
	add_key(ring, "p256", KEY_P256, KEY_MATERIAL_SINGLE);
	add_key(ring, "frozen", KEY_SECP256K1, KEY_MATERIAL_SINGLE);
	assert_ok(keyring_freeze(ring, BYTES_OF_LITERAL("frozen")));
	struct key_info foreign = attributes("foreign", KEY_SECP256K1, KEY_MATERIAL_SINGLE);
	struct key_info digest = attributes("digest", KEY_SECP256K1, KEY_MATERIAL_SINGLE);
	strcpy(foreign.account, "desk-2");
	digest.purpose = KEY_PURPOSE_DIGEST;
	assert_ok(keyring_generate(ring, &foreign, blob));
	assert_ok(keyring_add(ring, &foreign, BYTES_OF_ARRAY(blob)));
	assert_ok(keyring_generate(ring, &digest, blob));
	assert_ok(keyring_add(ring, &digest, BYTES_OF_ARRAY(blob)));
	static const char *const unfit[] = {"old", "p256", "frozen", "foreign", "digest"};
	for (size_t i = 0; i < ARRAY_LENGTH(unfit); i++)
		assert_fails(STATUS_CONFLICT, "key.successor",
			     keyring_rotate(ring, id_of(&key), bytes_of_text(unfit[i])));
	assert_fails(STATUS_NOT_FOUND, "key.unknown", keyring_rotate(ring, id_of(&key), BYTES_OF_LITERAL("none")));
	assert_int_equal(keyring_find(ring, id_of(&key))->state, KEY_ACTIVE);
}

/* The same keys in another ring under the same root key: what a restart does. */
static void
a_ring_filled_again_has_the_same_keys_and_states(void **) {
	enum { KEYS = 1500 }; /* more than one region of secret memory */
	static struct key_info infos[KEYS];
	static uint8_t blobs[KEYS][BLOB_SIZE];
	_cleanup_(keyring_destroy) struct keyring *first = open_ring(), *second = open_ring();
	for (size_t i = 0; i < KEYS; i++) {
		char id[16];
		snprintf(id, sizeof id, "key-%zu", i);
		enum key_algorithm algorithm = (enum key_algorithm)(i % 3);
		bool extended = i % 6 == 0;
		infos[i] = attributes(id, algorithm, extended ? KEY_MATERIAL_EXTENDED : KEY_MATERIAL_SINGLE);
		assert_ok(keyring_generate(first, &infos[i], blobs[i]));
		assert_ok(keyring_add(first, &infos[i], BYTES_OF_ARRAY(blobs[i])));
	}
	assert_ok(keyring_freeze(first, BYTES_OF_LITERAL("key-0")));
	assert_ok(keyring_destroy_key(first, BYTES_OF_LITERAL("key-1")));
	for (size_t i = 0; i < KEYS; i++)
		assert_ok(keyring_add(second, keyring_at(first, i),
				      i == 1 ? (struct bytes){} : BYTES_OF_ARRAY(blobs[i])));
	assert_int_equal(keyring_count(second), KEYS);
	assert_null(keyring_at(second, KEYS));
	for (size_t i = 0; i < KEYS; i++)
		assert_memory_equal(keyring_at(first, i), keyring_at(second, i), sizeof(struct key_info));
	struct signing_request request = request_for(SCHEME_ECDSA_SECP256K1, "m/1/2");
	struct signature a, b;
	assert_refused(second, STATUS_DENIED, "key.frozen", "key-0", KEY_PURPOSE_TRANSFER, &request);
	assert_refused(second, STATUS_DENIED, "key.destroyed", "key-1", KEY_PURPOSE_TRANSFER, &request);
	assert_ok(keyring_sign(first, BYTES_OF_LITERAL("key-6"), KEY_PURPOSE_TRANSFER, &request, &a));
	assert_ok(keyring_sign(second, BYTES_OF_LITERAL("key-6"), KEY_PURPOSE_TRANSFER, &request, &b));
	assert_memory_equal(&a, &b, sizeof a);
}

static void
a_destroyed_keys_blob_must_be_gone(void **) {
	_cleanup_(keyring_destroy) struct keyring *ring = open_ring();
	struct key_info key = attributes("k1", KEY_SECP256K1, KEY_MATERIAL_SINGLE);
	uint8_t blob[BLOB_SIZE];
	assert_ok(keyring_generate(ring, &key, blob));
	key.state = KEY_DESTROYED;
	assert_fails(STATUS_CONFLICT, "key.destroyed", keyring_add(ring, &key, BYTES_OF_ARRAY(blob)));
	assert_ok(keyring_add(ring, &key, (struct bytes){}));
	key = attributes("k2", KEY_SECP256K1, KEY_MATERIAL_SINGLE);
	assert_fails(STATUS_CORRUPT, "blob.magic", keyring_add(ring, &key, (struct bytes){}));
	assert_int_equal(keyring_count(ring), 1);
}

static void
another_root_key_opens_nothing(void **) {
	_cleanup_(keyring_destroy) struct keyring *ring = open_ring(), *other = nullptr;
	_cleanup_(buffer_free) struct buffer record = {};
	_cleanup_(root_key_destroy) struct root_key *root = nullptr;
	_cleanup_(secret_free) struct secret digits = {};
	struct key_info key = attributes("k1", KEY_SECP256K1, KEY_MATERIAL_SINGLE);
	uint8_t blob[BLOB_SIZE];
	assert_ok(keyring_generate(ring, &key, blob));
	assert_ok(root_key_generate(&digits));
	assert_ok(root_key_create(&root, ROOT_KEY_FILE, secret_bytes(&digits), ROOT_KEY_COST, &record));
	assert_ok(keyring_create(&other, root, INSTANCE));
	assert_fails(STATUS_CORRUPT, "blob.sealed", keyring_add(other, &key, BYTES_OF_ARRAY(blob)));
}

RUN_TESTS(T(each_algorithm_signs_what_its_own_verifier_takes),
	  T(an_ed25519_key_that_no_seed_gives_is_imported_and_signs),
	  T(ecdsa_repeats_and_bip340_takes_fresh_randomness), T(a_mnemonic_gives_the_keys_of_bip84),
	  T(a_taproot_signature_verifies_under_the_output_key_of_bip86),
	  T(a_taproot_signature_takes_the_script_tree_into_account),
	  T(derived_keys_stay_right_when_the_cache_overflows), T(an_account_key_is_imported_with_its_origin),
	  T(imports_must_fit_the_attributes), T(requests_that_do_not_fit_the_key_are_refused_by_name),
	  T(states_decide_whether_a_key_signs), T(a_successor_must_be_fit_to_follow),
	  T(a_ring_filled_again_has_the_same_keys_and_states), T(a_destroyed_keys_blob_must_be_gone),
	  T(another_root_key_opens_nothing))
