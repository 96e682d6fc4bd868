/*
 * No branch and no index on a secret, in FROST (tests/constant_time.h). Shares and all randomness are marked undefined. What is
 * declassified, each at its place: commitments and shares of signatures, and what a dealing sends, which its receiver knows; whether a number was zero or in range, and
 * whether two ways to one share agree; of an escrow what is encrypted in it.
 *
 * GATEHOUSE_SOAK=1: keys of more shapes, several of each, every set of signers, and a leak planted into every share, which must be found.
 */
#include "tests/test.h"

#include <stdlib.h>

#include "crypto/kem.h"
#include "crypto/random.h"
#include "keys/threshold/audit.h"
#include "keys/threshold/frost/bip340.h"
#include "keys/threshold/frost/frost.h"
#include "keys/threshold/recovery.h"
#include "tests/constant_time_keys.h"
#include "tests/frost_holders.h"

static const struct bytes MESSAGE = BYTES_OF_LITERAL("sell 3 calls");

static size_t keys, signings;

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

static void
at_rest(const struct frost_holders *holders, uint8_t holder) {
	_cleanup_(buffer_free) struct buffer blob = {};
	struct frost_key_share *opened = nullptr;
	uint8_t wrapping_key[32] = {1};
	classify(wrapping_key, sizeof wrapping_key);
	assert_ok(frost_key_share_seal(holders->shares[holder], wrapping_key, KEEPERS_INSTANCE, &blob));
	declassify(blob.data, blob.len); /* it is stored */
	assert_ok(frost_key_share_open(&opened, &holders->key, holder, wrapping_key, KEEPERS_INSTANCE,
				       buffer_bytes(&blob)));
	frost_key_share_destroy(&opened);
}

/* What a holder shows of its share: that it knows it, and, encrypted, the share. */
static void
audit_and_escrow(const struct frost_holders *holders, struct bytes recovery_key) {
	static const uint8_t CHALLENGE[AUDIT_CHALLENGE_SIZE] = {7};
	_cleanup_(buffer_free) struct buffer escrow = {};
	struct sharing sharing = {};
	uint8_t proof[AUDIT_PROOF_MAX];
	size_t len;
	const struct frost_scalar *number = frost_key_share_value(holders->shares[1]);
	sharing_of_frost(&holders->key, &sharing);
	assert_ok(share_audit_prove(&sharing, 1, number, KEEPERS_INSTANCE, CHALLENGE, proof, &len));
	assert_ok(share_audit_verify(&sharing, 1, KEEPERS_INSTANCE, CHALLENGE, bytes_of(proof, len)));
	assert_ok(recovery_escrow(&sharing, 1, number, KEEPERS_INSTANCE, recovery_key, &escrow));
	assert_ok(recovery_check(&sharing, 1, KEEPERS_INSTANCE, recovery_key, buffer_bytes(&escrow)));
}

/* By every set of at least as many as sign; one in the short run. */
static void
sign_by_each(const struct frost_holders *holders) {
	for (unsigned subset = 1; subset < 1U << holders->key.holders.count; subset++) {
		if (__builtin_popcount(subset) < holders->key.threshold || (!is_soak() && subset != 0b101))
			continue;
		assert_ok(frost_holders_sign(holders, subset, MESSAGE));
		signings++;
	}
}

/* A key is made and refreshed, and it signs, is stored, shown and put in escrow. */
static void
use_a_key(enum frost_scheme scheme, uint8_t threshold, uint8_t count, struct bytes recovery_key) {
	struct frost_holders holders = {};
	struct frost_dealing_terms terms = frost_generate_terms(scheme, threshold, count);
	terms.randomness = UNDEFINED;
	start_counting();
	frost_holders_deal(&holders, &terms);
	for (size_t i = 0; i < (is_soak() ? 2 : 1); i++) {
		const struct frost_key_info old = holders.key;
		struct party_set dealers;
		uint8_t indices[KEEPERS_MAX];
		for (size_t j = 0; j < threshold; j++)
			indices[j] = (uint8_t)(1 + j + (count > threshold ? i : 0));
		assert_ok(party_set_choose(&old.holders, indices, threshold, &dealers));
		terms = frost_reshare_terms(&old, &dealers);
		terms.randomness = UNDEFINED;
		frost_holders_deal(&holders, &terms);
	}
	sign_by_each(&holders);
	for (uint8_t holder = 1; holder <= (is_soak() ? count : 1); holder++)
		at_rest(&holders, holder);
	audit_and_escrow(&holders, recovery_key);
	assert_no_leak();
	for (uint8_t holder = 1; holder <= count; holder++)
		plant(frost_key_share_value(holders.shares[holder])->bytes);
	frost_holders_end(&holders);
	keys++;
}

static void
making_refreshing_and_using_a_key(void **) {
	static const enum frost_scheme schemes[] = {FROST_SCHEME_ED25519, FROST_SCHEME_BIP340};
	static const uint8_t shapes[][2] = {{2, 3}, {2, 2}, {3, 4}, {3, 5}};
	_cleanup_(secret_free) struct secret recovery = {};
	uint8_t recovery_key[KEM_PUBLIC_SIZE];
	start_counting();
	assert_ok(kem_generate(recovery_key, &recovery));
	for (size_t i = 0; i < ARRAY_LENGTH(schemes); i++)
		for (size_t shape = 0; shape < (is_soak() ? ARRAY_LENGTH(shapes) : 1); shape++)
			for (size_t again = 0; again < (is_soak() ? 8 : 1); again++)
				use_a_key(schemes[i], shapes[shape][0], shapes[shape][1], BYTES_OF_ARRAY(recovery_key));
}

static int
say_how_much(void **) {
	if (UNDER_VALGRIND)
		print_message("# result frost_constant_time_keys %zu\n# result frost_constant_time_signings %zu\n"
			      "# result frost_planted_leaks_found %zu\n",
			      keys, signings, planted);
	return 0;
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
	return cmocka_run_group_tests(tests, nullptr, say_how_much);
}
