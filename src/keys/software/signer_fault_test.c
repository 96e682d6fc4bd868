/* That a signature which came out wrong is never released: signer.c is compiled here with its fault seam. */
#include "tests/test.h"

#include <stdio.h>

#include "keys/software/keyring.h"
#include "keys/software/signer_fault.h"

static int fault_byte = -1; /* of the signature; -1: none */
static bool fault_recovery;

void
signer_fault(struct signature *signature) {
	if (fault_byte >= 0)
		signature->bytes[fault_byte] ^= 1;
	if (fault_recovery)
		signature->recovery ^= 1;
}

static struct keyring *ring;

static void
add_key(const char *id, enum key_algorithm algorithm) {
	struct key_info key = {.account = "desk", .algorithm = algorithm};
	uint8_t blob[BLOB_SIZE];
	snprintf(key.id, sizeof key.id, "%s", id);
	assert_ok(keyring_generate(ring, &key, blob));
	assert_ok(keyring_add(ring, &key, BYTES_OF_ARRAY(blob)));
}

static void
assert_not_released(const char *id, const struct signing_request *request) {
	static const struct signature none;
	struct signature signature;
	memset(&signature, 0xff, sizeof signature);
	assert_fails(STATUS_INTERNAL, "key.signature",
		     keyring_sign(ring, bytes_of_text(id), KEY_PURPOSE_TRANSFER, request, &signature));
	assert_memory_equal(&none, &signature, sizeof none);
}

static void
a_wrong_signature_is_not_released(void **) {
	static const struct {
		const char *id;
		enum key_algorithm algorithm;
		enum signature_scheme scheme;
		bool tweaked;
	} cases[] = {
		{"ecdsa", KEY_SECP256K1, SCHEME_ECDSA_SECP256K1, false},
		{"bip340", KEY_SECP256K1, SCHEME_BIP340, false},
		{"taproot", KEY_SECP256K1, SCHEME_BIP340, true},
		{"p256", KEY_P256, SCHEME_ECDSA_P256, false},
		{"ed25519", KEY_ED25519, SCHEME_ED25519, false},
	};
	_cleanup_(buffer_free) struct buffer record = {};
	_cleanup_(root_key_destroy) struct root_key *root = nullptr;
	_cleanup_(secret_free) struct secret digits = {};
	assert_ok(root_key_generate(&digits));
	assert_ok(root_key_create(&root, ROOT_KEY_FILE, secret_bytes(&digits), ROOT_KEY_COST, &record));
	assert_ok(keyring_create(&ring, root, BYTES_OF_LITERAL("treasury.example")));
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct signing_request request = {
			.scheme = cases[i].scheme, .tweaked = cases[i].tweaked, .digest = {1, 2, 3}};
		struct signature signature;
		add_key(cases[i].id, cases[i].algorithm);
		for (fault_byte = 0; fault_byte < 64; fault_byte++)
			assert_not_released(cases[i].id, &request);
		fault_byte = -1;
		assert_ok(keyring_sign(ring, bytes_of_text(cases[i].id), KEY_PURPOSE_TRANSFER, &request, &signature));
	}
	struct signing_request request = {.scheme = SCHEME_ECDSA_SECP256K1};
	fault_recovery = true; /* a right signature with the id of another key */
	assert_not_released("ecdsa", &request);
	fault_recovery = false;
	keyring_destroy(&ring);
}

RUN_TESTS(T(a_wrong_signature_is_not_released))
