/*
 * No branch and no index on a secret, in threshold ECDSA (tests/constant_time.h). All randomness is marked undefined,
 * so that shares, nonces, choice bits, seeds and everything made of them are. What is declassified, each at its place:
 *   - what is sent, in the frame in which it is sent (exchange.c)
 *   - commitments and what they open, public shares, points that are published
 *   - whether a check held, and whether a number was in range
 *   - w and u of a signature, which every signer has sent
 *   - of a share at rest, which pairs are ready
 *   - of an escrow, what is encrypted in it
 * Points whose logarithm is secret are added in libsecp256k1's variable time (point.h says which, and why that is
 * harmless).
 *
 * GATEHOUSE_SOAK=1: keys of more shapes, several of each, every set of signers, and a leak planted into every share, which must be
 * found.
 */
#include "tests/test.h"

#include <stdlib.h>

#include "crypto/kem.h"
#include "keys/threshold/audit.h"
#include "keys/threshold/ecdsa/gf128.h"
#include "keys/threshold/ecdsa/share_testing.h"
#include "keys/threshold/ecdsa/transpose.h"
#include "keys/threshold/recovery.h"
#include "keys/threshold/seeded.h"
#include "tests/constant_time_keys.h"
#include "tests/threshold_keepers.h"

/* Keys that are tried; the first alone but in the long run. */
static const struct {
	uint8_t threshold, count;
	enum key_purpose purpose;
} SHAPES[] = {{2, 2, KEY_PURPOSE_TRANSFER},
	      {2, 3, KEY_PURPOSE_TRANSFER},
	      {2, 3, KEY_PURPOSE_DIGEST},
	      {3, 4, KEY_PURPOSE_TRANSFER}};
constexpr size_t KEYS_OF_EACH = 3;
static struct keepers tried[KEYS_OF_EACH * ARRAY_LENGTH(SHAPES)];
static size_t keys, signings, imports;

/* The guard on the guard: a signing that leaks would be found out. */
static void
a_branch_on_a_share_is_reported(void **) {
	start_counting();
	struct scalar share = scalar_random(&UNDEFINED);
	volatile bool seen = false;
	if (scalar_is_high(&share))
		seen = true;
	(void)seen;
	assert_true(COUNT_ERRORS() > errors_before);
}

static void
arithmetic(void **) {
	start_counting();
	struct scalar a = scalar_random(&UNDEFINED), b = scalar_random(&UNDEFINED), read;
	uint8_t bytes[64];
	scalar_write(&a, bytes);
	assert_ok(scalar_read(bytes, &read));
	a = scalar_add(&a, &read);
	a = scalar_subtract(&a, &b);
	a = scalar_multiply(&a, &b);
	a = scalar_invert(&a);
	a = scalar_negate(&a);
	bool flags[3] = {scalar_is_zero(&a), scalar_equal(&a, &b), scalar_is_high(&a)};
	classify(bytes, sizeof bytes);
	a = scalar_reduce_wide(bytes);
	assert_false(declassified(flags[0]) || declassified(flags[1]));
	assert_no_leak();
}

static void
the_portable_ways(void **) {
	start_counting();
	static uint8_t columns[128][16], rows[128][16];
	struct gf128 a, b;
	classify(&a, sizeof a);
	classify(&b, sizeof b);
	a = gf128_multiply_portable(a, b);
	a = gf128_multiply(a, b);
	classify(columns, sizeof columns);
	gf128_write(a, columns[0]);
	transpose_columns(columns[0], 16, 128, rows);
	transpose_columns_portable(columns[0], 16, 128, rows);
	assert_no_leak();
}

/* What keepers deal from: it is drawn again after a restart. */
static void
what_is_drawn_from_a_seed(void **) {
	start_counting();
	_cleanup_(seeded_end) struct seeded seeded = {};
	struct hash256 purpose = {};
	uint8_t seed[SEEDED_SIZE] = {}, drawn[100];
	classify(seed, sizeof seed);
	assert_ok(seeded_start(&seeded, BYTES_OF_ARRAY(seed), &purpose));
	struct randomness randomness = seeded_randomness(&seeded);
	randomness_fill(&randomness, drawn, 7);
	randomness_fill(&randomness, drawn + 7, sizeof drawn - 7);
	assert_no_leak();
}

static void
dealing_a_key(void **) {
	start_counting();
	for (size_t shape = 0; shape < (is_soak() ? ARRAY_LENGTH(SHAPES) : 1); shape++)
		for (size_t i = 0; i < (is_soak() ? KEYS_OF_EACH : 1); i++) {
			tried[keys].source = UNDEFINED;
			keepers_generate(&tried[keys++], SHAPES[shape].threshold, SHAPES[shape].count,
					 SHAPES[shape].purpose);
		}
	assert_no_leak();
}

/* The same key in the next epoch, dealt by as many as sign; then again, by others where there are more. */
static void
dealing_a_key_anew(void **) {
	start_counting();
	for (size_t i = 0; i < keys; i++)
		for (size_t first = 0; first < (is_soak() ? 2 : 1); first++) {
			const struct ecdsa_key old = tried[i].key;
			struct network network = {};
			struct party_set dealers;
			uint8_t indices[KEEPERS_MAX];
			for (size_t j = 0; j < old.threshold; j++)
				indices[j] = (uint8_t)(1 + j + (old.holders.count > old.threshold ? first : 0));
			assert_ok(party_set_choose(&old.holders, indices, old.threshold, &dealers));
			struct dealing_terms terms = {.kind = DEALING_RESHARE,
						      .instance = KEEPERS_INSTANCE,
						      .nonce = KEEPERS_NONCE,
						      .key = old,
						      .old_key = &old,
						      .dealers = &dealers};
			terms.key.epoch++;
			keepers_deal(&tried[i], &terms, &network);
		}
	assert_no_leak();
}

static void
sign_in_full(struct keepers *keepers, const struct party_set *signers) {
	struct signing *machines[KEEPERS_MAX + 1] = {};
	struct network network = {};
	struct ecdsa_signature signature;
	struct ecdsa_request request = plain_request("pay");
	request.opaque = keepers->key.purpose == KEY_PURPOSE_DIGEST;
	request.path = (struct signing_path){.steps = {3}, .count = request.opaque ? 0 : 1};
	keepers_start_signing(keepers, signers, &request, KEEPERS_NONCE, machines, &network);
	network_run(&network);
	network_expect_ok(&network);
	assert_true(signing_result(machines[signers->parties[0].index], &signature));
	end_signings(machines);
	signings++;
}

static void
sign_online(struct keepers *keepers, const struct party_set *signers) {
	struct presignature *presignatures[KEEPERS_MAX + 1] = {};
	struct online *onlines[KEEPERS_MAX + 1] = {};
	struct network network = {};
	struct ecdsa_signature signature;
	struct ecdsa_request request = plain_request("pay");
	keepers_prepare(keepers, signers, KEEPERS_NONCE, presignatures);
	keepers_start_online(keepers, presignatures, signers, &request, onlines, &network);
	network_run(&network);
	network_expect_ok(&network);
	assert_true(online_result(onlines[signers->parties[0].index], &signature));
	end_onlines(onlines);
	signings++;
}

/* By every set of as many as sign. */
static void
sign_by_each(struct keepers *keepers, void (*sign)(struct keepers *keepers, const struct party_set *signers)) {
	for (unsigned subset = 1; subset < 1U << keepers->key.holders.count; subset++) {
		uint8_t indices[KEEPERS_MAX];
		size_t count = 0;
		for (uint8_t i = 0; i < keepers->key.holders.count; i++)
			if (subset >> i & 1)
				indices[count++] = i + 1;
		if (count != keepers->key.threshold)
			continue;
		struct party_set signers = choose_signers(keepers, indices, count);
		sign(keepers, &signers);
	}
}

static void
signing_in_full_rounds(void **) {
	start_counting();
	for (size_t i = 0; i < keys; i++)
		sign_by_each(&tried[i], sign_in_full);
	assert_no_leak();
}

static void
signing_with_a_presignature(void **) {
	start_counting();
	for (size_t i = 0; i < keys; i++)
		if (tried[i].key.purpose == KEY_PURPOSE_TRANSFER) /* nothing is prepared for others */
			sign_by_each(&tried[i], sign_online);
	assert_no_leak();
}

static void
shares_at_rest(void **) {
	start_counting();
	uint8_t wrapping_key[32] = {1};
	classify(wrapping_key, sizeof wrapping_key);
	for (size_t i = 0; i < keys; i++)
		for (uint8_t holder = 1; holder <= tried[i].key.holders.count; holder++) {
			_cleanup_(buffer_free) struct buffer blob = {};
			struct ecdsa_share *opened = nullptr;
			assert_ok(ecdsa_share_seal(tried[i].shares[holder], wrapping_key, KEEPERS_INSTANCE, &blob));
			declassify(blob.data, blob.len); /* it is stored */
			assert_ok(ecdsa_share_open(&opened, &tried[i].key, holder, wrapping_key, KEEPERS_INSTANCE,
						   buffer_bytes(&blob)));
			ecdsa_share_destroy(&opened);
		}
	assert_no_leak();
}

/* Each holder of another set-up deals its part of the whole key, which it reads as it was unsealed. */
static void
import_parts(const struct ecdsa_key *old, uint8_t (*parts)[SCALAR_SIZE]) {
	struct keepers importing = {.source = UNDEFINED};
	struct network network = {};
	struct dealing_terms terms = {.kind = DEALING_IMPORT,
				      .instance = KEEPERS_INSTANCE,
				      .nonce = KEEPERS_NONCE,
				      .key = *old,
				      .part = parts[0]};
	memset(terms.key.public_shares, 0, sizeof terms.key.public_shares);
	terms.key.epoch = 1;
	for (size_t i = 0; i < old->holders.count; i++)
		classify(parts[i], SCALAR_SIZE);
	keepers_deal(&importing, &terms, &network);
	assert_memory_equal(old->public_key, importing.key.public_key, POINT_SIZE);
	keepers_end(&importing);
	imports++;
}

static void
a_key_goes_out_and_comes_in(void **) {
	start_counting();
	for (size_t i = 0; i < keys; i++) {
		_cleanup_(secret_free) struct secret joined = {};
		const struct ecdsa_key *key = &tried[i].key;
		const struct ecdsa_share *quorum[KEEPERS_MAX];
		uint8_t parts[KEEPERS_MAX][SCALAR_SIZE];
		for (uint8_t j = 0; j < key->threshold; j++)
			quorum[j] = tried[i].shares[j + 1];
		assert_ok(ecdsa_join_shares(quorum, key->threshold, &joined));
		assert_ok(ecdsa_split_private_key(joined.data, key->holders.count, &UNDEFINED, parts));
		import_parts(key, parts);
	}
	assert_int_equal(keys, imports);
	assert_no_leak();
}

/* What each holder shows of its share: that it knows it, and, encrypted, the share. */
static void
audits_and_escrows(void **) {
	start_counting();
	static const uint8_t CHALLENGE[AUDIT_CHALLENGE_SIZE] = {7};
	_cleanup_(secret_free) struct secret recovery = {};
	uint8_t recovery_key[KEM_PUBLIC_SIZE];
	assert_ok(kem_generate(recovery_key, &recovery));
	for (size_t i = 0; i < keys; i++) {
		struct sharing sharing = {.scheme = KEY_SHARED_ECDSA, .key = tried[i].key};
		_cleanup_(buffer_free) struct buffer escrow = {};
		struct frost_scalar number;
		uint8_t proof[AUDIT_PROOF_MAX];
		size_t len;
		scalar_write(ecdsa_share_value(tried[i].shares[1]), number.bytes);
		assert_ok(share_audit_prove(&sharing, 1, &number, KEEPERS_INSTANCE, CHALLENGE, proof, &len));
		assert_ok(share_audit_verify(&sharing, 1, KEEPERS_INSTANCE, CHALLENGE, bytes_of(proof, len)));
		assert_ok(
			recovery_escrow(&sharing, 1, &number, KEEPERS_INSTANCE, BYTES_OF_ARRAY(recovery_key), &escrow));
		assert_ok(recovery_check(&sharing, 1, KEEPERS_INSTANCE, BYTES_OF_ARRAY(recovery_key),
					 buffer_bytes(&escrow)));
	}
	assert_no_leak();
}

/* After all that was done with them, shares are secret still: whatever looked at one would be found out, also in the long run. */
static void
a_leak_is_found_wherever_it_is_planted(void **) {
	start_counting();
	for (size_t i = 0; i < keys; i++)
		for (uint8_t holder = 1; holder <= tried[i].key.holders.count; holder++) {
			uint8_t number[SCALAR_SIZE];
			scalar_write(ecdsa_share_value(tried[i].shares[holder]), number);
			plant(number);
		}
}

static int
tear_down(void **) {
	for (size_t i = 0; i < keys; i++)
		keepers_end(&tried[i]);
	if (UNDER_VALGRIND)
		print_message(
			"# result ecdsa_constant_time_keys %zu\n# result ecdsa_constant_time_signings %zu\n# result "
			"planted_leaks_found %zu\n",
			keys, signings, planted);
	return 0;
}

int
main(int, char **argv) {
	const struct CMUnitTest tests[] = {
		T(a_branch_on_a_share_is_reported),
		T(arithmetic),
		T(the_portable_ways),
		T(what_is_drawn_from_a_seed),
		T(dealing_a_key),
		T(dealing_a_key_anew),
		T(signing_in_full_rounds),
		T(signing_with_a_presignature),
		T(shares_at_rest),
		T(a_key_goes_out_and_comes_in),
		T(audits_and_escrows),
		T(a_leak_is_found_wherever_it_is_planted),
	};
	run_under_valgrind(argv);
	return cmocka_run_group_tests(tests, nullptr, tear_down);
}
