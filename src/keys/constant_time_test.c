/*
 * No branch and no index on a secret.
 *
 * crypto/ and keys/ are compiled here with GATEHOUSE_CONSTANT_TIME_TEST and run under valgrind, with every secret marked
 * undefined: memcheck then reports each branch and each address that depends on one. declassify() (crypto/declassify.h) is
 * the list of exceptions, each at the place where a result becomes public:
 *   - whether a private key, tweak or child key is in range (chance of "no" below 2^-31)
 *   - whether an Ed25519 key is a seed or a number
 *   - public keys and signatures
 *   - of a mnemonic: where its spaces are, whether each word is in the list, whether the checksum fits; when written, the
 *     length of each word; whether a passphrase is ASCII
 *   - whether the digits of a root key are digits, its check value, and whether a given one is right
 * Not tested: base58 of extended private keys, which a person moves by hand. The libraries are trusted
 * (tests/constant_time.supp). Skipped by name where valgrind is missing or the build is instrumented otherwise.
 */
#include "tests/test.h"

#include <stdio.h>

#include "base/secret.h"
#include "crypto/random.h"
#include "crypto/sign.h"
#include "keys/bip39.h"
#include "keys/software/ring.h"
#include "tests/constant_time.h"

static const char *volatile table = "0123456789abcdef";

/* The guard on the guard: code that leaks is found out. */
static void
a_branch_and_an_index_on_a_secret_are_reported(void **) {
	start_counting();
	uint8_t secret = 5;
	volatile uint8_t seen = 0;
	classify(&secret, sizeof secret);
	if (secret > 3)
		seen = 1;
	assert_true(COUNT_ERRORS() > errors_before);
	unsigned after_branch = COUNT_ERRORS();
	seen = (uint8_t)table[secret & 15];
	assert_true(COUNT_ERRORS() > after_branch);
	(void)seen;
}

static void
comparing_secrets(void **) {
	start_counting();
	uint8_t a[32] = {1}, b[32] = {1}, c[32] = {2};
	classify(a, sizeof a);
	classify(b, sizeof b);
	classify(c, sizeof c);
	bool same = secret_equal(BYTES_OF_ARRAY(a), BYTES_OF_ARRAY(b)),
	     other = secret_equal(BYTES_OF_ARRAY(a), BYTES_OF_ARRAY(c));
	assert_true(declassified(same));
	assert_false(declassified(other));
	assert_no_leak();
}

static void
signing(void **) {
	start_counting();
	uint8_t key[32] = {[31] = 9}, tweak[32] = {[31] = 5}, digest[32] = {1}, public_key[33], signature[64];
	int recovery;
	classify(key, sizeof key);
	classify(tweak, sizeof tweak);
	assert_ok(secp256k1_private_check(key));
	assert_ok(secp256k1_private_add(key, tweak));
	assert_ok(secp256k1_public_key(key, public_key));
	assert_ok(secp256k1_sign(key, digest, signature, &recovery));
	assert_ok(bip340_sign(key, BYTES_OF_ARRAY(digest), tweak, signature));
	assert_ok(taproot_tweak_private(key, (struct bytes){}));
	assert_ok(p256_public_key(key, public_key));
	assert_ok(p256_sign(key, digest, signature));
	assert_ok(ed25519_public_key(key, public_key));
	assert_ok(ed25519_sign(key, public_key, BYTES_OF_ARRAY(digest), signature));
	uint8_t number[32] = {9}, prefix[32] = {7};
	classify(number, sizeof number);
	classify(prefix, sizeof prefix);
	assert_ok(ed25519_scalar_public_key(number, public_key));
	assert_ok(ed25519_scalar_sign(number, prefix, public_key, BYTES_OF_ARRAY(digest), signature));
	assert_no_leak();
}

static void
deriving_keys(void **) {
	start_counting();
	uint8_t seed[64] = {3}, public_key[33];
	struct bip32_node master, child;
	struct signing_path path = {.steps = {BIP32_HARDENED | 84, 0, BIP32_HARDENED, 7}, .count = 4};
	classify(seed, sizeof seed);
	assert_ok(bip32_master(BYTES_OF_ARRAY(seed), &master));
	assert_ok(secp256k1_public_key(master.key, public_key));
	assert_ok(bip32_child(&master, public_key, 5, &child));
	assert_ok(bip32_child(&master, nullptr, BIP32_HARDENED, &child));
	assert_ok(bip32_descend(&master, &path, &child));
	assert_no_leak();
}

static void
mnemonics(void **) {
	start_counting();
	char text[] = "legal winner thank year wave sausage worth useful legal winner thank yellow";
	char passphrase[] = "passphrase";
	uint8_t entropy[BIP39_ENTROPY_MAX], seed[BIP39_SEED_SIZE];
	size_t len = 0;
	classify(text, sizeof text - 1);
	classify(passphrase, sizeof passphrase - 1);
	assert_ok(bip39_read(BYTES_OF_LITERAL(text), entropy, &len));
	assert_int_equal(len, 16);
	assert_ok(bip39_seed(BYTES_OF_LITERAL(text), BYTES_OF_LITERAL(passphrase), seed));
	assert_no_leak();
}

static void
key_blobs(void **) {
	start_counting();
	for (enum key_algorithm algorithm = KEY_SECP256K1; algorithm <= KEY_ED25519; algorithm++) {
		struct key_info key = {.id = "k", .account = "a", .algorithm = algorithm};
		uint8_t wrapping_key[32] = {1}, secret[KEY_SECRET_SIZE] = {2}, opened[KEY_SECRET_SIZE], blob[BLOB_SIZE];
		classify(wrapping_key, sizeof wrapping_key);
		classify(secret, sizeof secret);
		assert_ok(key_derive_public(algorithm, secret, key.public_key, &key.public_key_len));
		assert_ok(blob_seal(wrapping_key, BYTES_OF_LITERAL("i"), &key, secret, blob));
		declassify(blob, sizeof blob); /* it is stored */
		assert_ok(blob_open(wrapping_key, BYTES_OF_LITERAL("i"), &key, BYTES_OF_ARRAY(blob), opened));
	}
	assert_no_leak();
}

static void
the_root_key(void **) {
	start_counting();
	char passphrase[] = "correct horse battery", digits[65];
	_cleanup_(secret_free) struct secret generated = {};
	_cleanup_(buffer_free) struct buffer record = {};
	_cleanup_(root_key_destroy) struct root_key *made = nullptr, *opened = nullptr, *from_digits = nullptr;
	classify(passphrase, sizeof passphrase - 1);
	const struct argon2id_cost cheap = {.memory_kib = 64, .passes = 1, .lanes = 1};
	assert_ok(root_key_create(&made, ROOT_KEY_PASSPHRASE, BYTES_OF_LITERAL(passphrase), cheap, &record));
	assert_ok(root_key_open(&opened, ROOT_KEY_PASSPHRASE, BYTES_OF_LITERAL(passphrase), buffer_bytes(&record)));
	assert_ok(root_key_generate(&generated));
	memcpy(digits, generated.data, 64);
	classify(digits, 64);
	assert_ok(root_key_create(&from_digits, ROOT_KEY_CREDENTIAL, bytes_of(digits, 64), cheap, &record));
	assert_no_leak();
}

/* The whole of it: everything that the ring holds depends on the root key, so that all of it is marked. */
static void
the_ring(void **) {
	static const struct {
		const char *id;
		enum key_algorithm algorithm;
		enum key_material material;
		struct signing_request request;
	} cases[] = {
		{"ecdsa", KEY_SECP256K1, KEY_MATERIAL_SINGLE, {.scheme = SCHEME_ECDSA_SECP256K1}},
		{"derived",
		 KEY_SECP256K1,
		 KEY_MATERIAL_EXTENDED,
		 {.scheme = SCHEME_BIP340, .path = {.steps = {BIP32_HARDENED, 1, 2}, .count = 3}, .tweaked = true}},
		{"p256", KEY_P256, KEY_MATERIAL_SINGLE, {.scheme = SCHEME_ECDSA_P256}},
		{"ed25519", KEY_ED25519, KEY_MATERIAL_SINGLE, {.scheme = SCHEME_ED25519}},
	};
	start_counting();
	char digits[64];
	_cleanup_(buffer_free) struct buffer record = {};
	_cleanup_(root_key_destroy) struct root_key *root = nullptr;
	_cleanup_(keyring_destroy) struct keyring *ring = nullptr;
	memset(digits, '7', sizeof digits);
	classify(digits, sizeof digits);
	assert_ok(root_key_create(&root, ROOT_KEY_FILE, bytes_of(digits, sizeof digits), ROOT_KEY_COST, &record));
	assert_ok(keyring_create(&ring, root, BYTES_OF_LITERAL("i")));
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct key_info key = {.account = "a", .algorithm = cases[i].algorithm, .material = cases[i].material};
		uint8_t blob[BLOB_SIZE], public_key[33];
		struct signature signature;
		snprintf(key.id, sizeof key.id, "%s", cases[i].id);
		assert_ok(keyring_generate(ring, &key, blob));
		declassify(blob, sizeof blob);
		assert_ok(keyring_add(ring, &key, BYTES_OF_ARRAY(blob)));
		assert_ok(keyring_public_key(ring, bytes_of_text(key.id), &cases[i].request.path, public_key));
		assert_ok(
			keyring_sign(ring, bytes_of_text(key.id), KEY_PURPOSE_TRANSFER, &cases[i].request, &signature));
		assert_ok(keyring_destroy_key(ring, bytes_of_text(key.id)));
	}
	assert_no_leak();
}

static void
importing_keys(void **) {
	start_counting();
	char digits[64], mnemonic[] = "legal winner thank year wave sausage worth useful legal winner thank yellow";
	uint8_t private_key[32] = {4}, blob[BLOB_SIZE];
	struct key_info single = {.id = "s", .account = "a"},
			extended = {.id = "e", .account = "a", .material = KEY_MATERIAL_EXTENDED};
	_cleanup_(buffer_free) struct buffer record = {};
	_cleanup_(root_key_destroy) struct root_key *root = nullptr;
	_cleanup_(keyring_destroy) struct keyring *ring = nullptr;
	memset(digits, '7', sizeof digits);
	classify(private_key, sizeof private_key);
	classify(mnemonic, sizeof mnemonic - 1);
	assert_ok(root_key_create(&root, ROOT_KEY_FILE, bytes_of(digits, sizeof digits), ROOT_KEY_COST, &record));
	assert_ok(keyring_create(&ring, root, BYTES_OF_LITERAL("i")));
	assert_ok(keyring_import_private(ring, &single, BYTES_OF_ARRAY(private_key), blob));
	assert_ok(keyring_import_mnemonic(ring, &extended, BYTES_OF_LITERAL(mnemonic), (struct bytes){}, blob));
	assert_no_leak();
}

int
main(int, char **argv) {
	const struct CMUnitTest tests[] = {
		T(a_branch_and_an_index_on_a_secret_are_reported),
		T(comparing_secrets),
		T(signing),
		T(deriving_keys),
		T(mnemonics),
		T(key_blobs),
		T(the_root_key),
		T(the_ring),
		T(importing_keys),
	};
	run_under_valgrind(argv);
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
