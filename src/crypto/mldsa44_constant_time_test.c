/*
 * No branch and no index on what ML-DSA-44 keeps secret (keys/constant_time_test.c says how this is seen): the seed, the key's
 * polynomials, the masks. declassify() stands where FIPS 204 makes something public: the matrix's seed and the public key, which draws are
 * rejected, the challenge, the signature.
 */
#include "tests/test.h"

#include "crypto/mldsa44_signer.c"
#include "tests/constant_time.h"

static void
make_key(struct mldsa44_signer **signer) {
	uint8_t seed[32] = {7}, public_key[1312];
	classify(seed, sizeof seed);
	assert_ok(mldsa44_signer_create(signer, seed, public_key));
	struct expanded *key = (struct expanded *)(*signer)->memory.data;
	classify(key->s1, sizeof key->s1);
	classify(key->s2, sizeof key->s2);
	classify(key->t0, sizeof key->t0);
	classify(key->draw, sizeof key->draw);
}

static void
a_key_and_its_signatures(void **) {
	start_counting();
	_cleanup_(mldsa44_signer_destroy) struct mldsa44_signer *signer = nullptr;
	make_key(&signer);
	for (uint8_t i = 0; i < 8; i++) {
		uint8_t randomness[32] = {i}, signature[2420];
		classify(randomness, sizeof randomness);
		assert_ok(mldsa44_signer_sign(signer, bytes_of(&i, 1), randomness, signature));
	}
	assert_no_leak();
}

static void
without_vectors(void **) {
	start_counting();
	_cleanup_(mldsa44_signer_destroy) struct mldsa44_signer *signer = nullptr;
	static struct attempt at;
	uint8_t message_hash[64] = {1}, mask[64] = {2}, signature[2420];
	make_key(&signer);
	classify(mask, sizeof mask);
	for (uint16_t i = 0; i < 40 * L; i += L)
		(void)attempt_anywhere((const struct expanded *)signer->memory.data, message_hash, mask, i, &at,
				       signature);
	assert_no_leak();
}

int
main(int, char **argv) {
	const struct CMUnitTest tests[] = {T(a_key_and_its_signatures), T(without_vectors)};
	run_under_valgrind(argv);
	return cmocka_run_group_tests_name("mldsa44_constant_time", tests, nullptr, nullptr);
}
