/*
 * No branch and no index on a secret, in FROST (tests/constant_time.h). Shares and all randomness are marked undefined. What is
 * declassified, each at its place: commitments and shares of signatures, and what a dealing sends, which its receiver knows; whether a number was zero or in range, and
 * whether two ways to one share agree.
 */
#include "tests/test.h"

#include "crypto/random.h"
#include "keys/threshold/frost/bip340.h"
#include "keys/threshold/frost/frost.h"
#include "tests/constant_time.h"
#include "tests/frost_holders.h"

static const struct bytes MESSAGE = BYTES_OF_LITERAL("sell 3 calls");

static void
fill_undefined(void *, void *to, size_t len) {
	random_bytes(to, len);
	classify(to, len);
}

static const struct randomness UNDEFINED = {.fill = fill_undefined};

/* Shares 1 and 2 of a polynomial of degree one. */
static void
deal(const struct frost_suite *suite, struct frost_element *key, struct frost_scalar shares[2]) {
	uint8_t random[2][32];
	struct frost_scalar numbers[2];
	for (size_t i = 0; i < 2; i++) {
		fill_undefined(nullptr, random[i], sizeof random[i]);
		const struct bytes part = BYTES_OF_ARRAY(random[i]);
		numbers[i] = suite->nonce(&part, 1);
	}
	assert_ok(suite->element_of(&numbers[0], key));
	shares[0] = suite->add(&numbers[0], &numbers[1]);
	shares[1] = suite->add(&shares[0], &numbers[1]);
}

/* The guard on the guard: a signing that leaks would be found out. */
static void
a_branch_on_a_share_is_reported(void **) {
	start_counting();
	struct frost_element key;
	struct frost_scalar shares[2];
	volatile bool seen = false;
	deal(&frost_ed25519, &key, shares);
	if (shares[0].bytes[0] & 1)
		seen = true;
	(void)seen;
	assert_true(COUNT_ERRORS() > errors_before);
}

static void
sign_by(const struct frost_suite *suite) {
	start_counting();
	struct frost_element key, public_shares[2];
	struct frost_scalar shares[2], signature_shares[2], read;
	struct frost_nonces nonces[2];
	struct frost_commitment commitments[2];
	struct frost_signing signing;
	uint8_t signature[FROST_SIGNATURE_MAX];
	size_t culprit;
	deal(suite, &key, shares);
	for (uint16_t i = 0; i < 2; i++) {
		assert_ok(suite->scalar_read(shares[i].bytes, &read)); /* as it comes from where it is kept */
		assert_ok(suite->element_of(&read, &public_shares[i]));
		assert_ok(frost_commit(suite, i + 1, &shares[i], &UNDEFINED, &nonces[i]));
		commitments[i] = nonces[i].commitment;
	}
	for (uint16_t i = 0; i < 2; i++) {
		assert_ok(frost_signing_open(suite, &key, commitments, nullptr, 2, MESSAGE, &nonces[i], &signing));
		assert_ok(frost_share_sign(&signing, i + 1, &shares[i], &nonces[i], &signature_shares[i]));
	}
	assert_ok(frost_shares_aggregate(&signing, signature_shares, public_shares, signature, &culprit));
	assert_no_leak();
}

static void
signing_by_rfc9591(void **) {
	sign_by(&frost_ed25519);
	sign_by(&frost_secp256k1);
}

static void
signing_for_a_bip340_key(void **) {
	start_counting();
	static const uint32_t IDS[] = {0, 1};
	static const uint8_t TWEAK[32] = {7};
	struct frost_element key, public_share;
	struct frost_scalar packed[2];
	struct scalar shares[2];
	struct frost_signers signers;
	struct frost_key tweaked;
	struct frost_nonce nonces[2];
	struct frost_session session;
	uint8_t public_shares[2][POINT_SIZE], public_nonces[2][FROST_PUBLIC_NONCE_SIZE], sum[FROST_PUBLIC_NONCE_SIZE];
	uint8_t partials[2][SCALAR_SIZE], signature[64];
	size_t culprit;
	deal(&frost_secp256k1, &key, packed);
	for (size_t i = 0; i < 2; i++) {
		const struct frost_nonce_inputs inputs = {.share = &shares[i], .message = &MESSAGE};
		assert_ok(scalar_read(packed[i].bytes, &shares[i]));
		assert_ok(frost_secp256k1.element_of(&packed[i], &public_share));
		memcpy(public_shares[i], public_share.bytes, POINT_SIZE);
		assert_ok(frost_nonce_create(&inputs, &UNDEFINED, &nonces[i], public_nonces[i]));
	}
	assert_ok(frost_signers_open(3, 2, IDS, (const uint8_t(*)[POINT_SIZE])public_shares, 2, key.bytes, &signers));
	assert_ok(frost_key_open(key.bytes, &tweaked));
	assert_ok(frost_key_tweak(&tweaked, TWEAK, true));
	assert_ok(frost_nonce_sum((const uint8_t(*)[FROST_PUBLIC_NONCE_SIZE])public_nonces, 2, sum, &culprit));
	assert_ok(frost_session_open(&signers, &tweaked, sum, MESSAGE, &session));
	for (uint32_t i = 0; i < 2; i++)
		assert_ok(frost_sign(&session, i, &shares[i], &nonces[i], partials[i]));
	assert_ok(frost_aggregate(&session, (const uint8_t(*)[SCALAR_SIZE])partials,
				  (const uint8_t(*)[FROST_PUBLIC_NONCE_SIZE])public_nonces, signature, &culprit));
	assert_no_leak();
}

/* A key is made and refreshed, and it signs. */
static void
use_a_key(enum frost_scheme scheme) {
	start_counting();
	struct frost_holders holders = {};
	struct frost_dealing_terms terms = frost_generate_terms(scheme, 2, 3);
	terms.randomness = UNDEFINED;
	frost_holders_deal(&holders, &terms);
	const struct frost_key_info old = holders.key;
	struct party_set dealers;
	assert_ok(party_set_choose(&old.holders, (const uint8_t[]){1, 2}, 2, &dealers));
	terms = frost_reshare_terms(&old, &dealers);
	terms.randomness = UNDEFINED;
	frost_holders_deal(&holders, &terms);
	assert_ok(frost_holders_sign(&holders, 0b101, MESSAGE));
	frost_holders_end(&holders);
	assert_no_leak();
}

static void
making_refreshing_and_using_a_key(void **) {
	use_a_key(FROST_SCHEME_ED25519);
	use_a_key(FROST_SCHEME_BIP340);
}

int
main(int, char **argv) {
	const struct CMUnitTest tests[] = {
		T(a_branch_on_a_share_is_reported),
		T(signing_by_rfc9591),
		T(signing_for_a_bip340_key),
		T(making_refreshing_and_using_a_key),
	};
	run_under_valgrind(argv);
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
