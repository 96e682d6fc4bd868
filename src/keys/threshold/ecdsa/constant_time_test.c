/*
 * No branch and no index on a secret, in threshold ECDSA (tests/constant_time.h). All randomness is marked undefined,
 * so that shares, nonces, choice bits, seeds and everything made of them are. What is declassified, each at its place:
 *   - what is sent, in the frame in which it is sent (exchange.c)
 *   - commitments and what they open, public shares, points that are published
 *   - whether a check held, and whether a number was in range
 *   - w and u of a signature, which every signer has sent
 *   - of a share at rest, which pairs are ready
 * Points whose logarithm is secret are added in libsecp256k1's variable time (point.h says which, and why that is
 * harmless).
 */
#include "tests/test.h"

#include "keys/threshold/ecdsa/gf128.h"
#include "keys/threshold/ecdsa/transpose.h"
#include "tests/constant_time.h"
#include "tests/threshold_keepers.h"

static void
fill_undefined(void *, void *to, size_t len) {
	random_bytes(to, len);
	classify(to, len);
}

static const struct randomness UNDEFINED = {.fill = fill_undefined};
static struct keepers keepers = {.source = UNDEFINED};

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

static void
dealing_a_key(void **) {
	start_counting();
	keepers_generate(&keepers, 2, 2, KEY_PURPOSE_TRANSFER);
	assert_no_leak();
}

static void
signing_in_full_rounds(void **) {
	start_counting();
	struct signing *signings[KEEPERS_MAX + 1] = {};
	struct network network = {};
	struct ecdsa_signature signature;
	struct ecdsa_request request = plain_request("pay");
	request.path = (struct signing_path){.steps = {3}, .count = 1};
	keepers_start_signing(&keepers, &keepers.key.holders, &request, KEEPERS_NONCE, signings, &network);
	network_run(&network);
	network_expect_ok(&network);
	assert_true(signing_result(signings[1], &signature));
	end_signings(signings);
	assert_no_leak();
}

static void
signing_with_a_presignature(void **) {
	start_counting();
	struct presignature *presignatures[KEEPERS_MAX + 1] = {};
	struct online *onlines[KEEPERS_MAX + 1] = {};
	struct network network = {};
	struct ecdsa_signature signature;
	struct ecdsa_request request = plain_request("pay");
	keepers_prepare(&keepers, &keepers.key.holders, KEEPERS_NONCE, presignatures);
	keepers_start_online(&keepers, presignatures, &keepers.key.holders, &request, onlines, &network);
	network_run(&network);
	network_expect_ok(&network);
	assert_true(online_result(onlines[2], &signature));
	end_onlines(onlines);
	assert_no_leak();
}

static void
shares_at_rest(void **) {
	start_counting();
	_cleanup_(buffer_free) struct buffer blob = {};
	struct ecdsa_share *opened = nullptr;
	uint8_t wrapping_key[32] = {1};
	classify(wrapping_key, sizeof wrapping_key);
	assert_ok(ecdsa_share_seal(keepers.shares[1], wrapping_key, KEEPERS_INSTANCE, &blob));
	declassify(blob.data, blob.len); /* it is stored */
	assert_ok(ecdsa_share_open(&opened, &keepers.key, 1, wrapping_key, KEEPERS_INSTANCE, buffer_bytes(&blob)));
	ecdsa_share_destroy(&opened);
	assert_no_leak();
}

static void
a_key_goes_out_and_comes_in(void **) {
	start_counting();
	_cleanup_(secret_free) struct secret joined = {};
	uint8_t parts[2][SCALAR_SIZE];
	const struct ecdsa_share *quorum[] = {keepers.shares[1], keepers.shares[2]};
	assert_ok(ecdsa_join_shares(quorum, 2, &joined));
	assert_ok(ecdsa_split_private_key(joined.data, 2, &UNDEFINED, parts));
	assert_no_leak();
}

static int
tear_down(void **) {
	keepers_end(&keepers);
	return 0;
}

int
main(int, char **argv) {
	const struct CMUnitTest tests[] = {
		T(a_branch_on_a_share_is_reported),
		T(arithmetic),
		T(the_portable_ways),
		T(dealing_a_key),
		T(signing_in_full_rounds),
		T(signing_with_a_presignature),
		T(shares_at_rest),
		T(a_key_goes_out_and_comes_in),
	};
	run_under_valgrind(argv);
	return cmocka_run_group_tests(tests, nullptr, tear_down);
}
