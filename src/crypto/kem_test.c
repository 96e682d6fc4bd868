#include "tests/test.h"

#include "crypto/kem.h"

static const struct bytes label = BYTES_OF_LITERAL("a label");

static void
both_sides_get_one_key_and_others_get_another(void **) {
	_cleanup_(secret_free) struct secret private_key = {}, other = {};
	uint8_t public_key[KEM_PUBLIC_SIZE], other_public[KEM_PUBLIC_SIZE], ciphertext[KEM_CIPHERTEXT_SIZE];
	uint8_t ours[32], theirs[32];
	assert_ok(kem_generate(public_key, &private_key));
	assert_ok(kem_generate(other_public, &other));
	assert_ok(kem_encapsulate(BYTES_OF_ARRAY(public_key), label, ciphertext, ours));
	assert_ok(kem_decapsulate(secret_bytes(&private_key), label, BYTES_OF_ARRAY(ciphertext), theirs));
	assert_memory_equal(ours, theirs, sizeof ours);
	assert_ok(kem_public_of(secret_bytes(&private_key), other_public));
	assert_memory_equal(public_key, other_public, sizeof public_key);
	assert_ok(kem_decapsulate(secret_bytes(&private_key), BYTES_OF_LITERAL("another"), BYTES_OF_ARRAY(ciphertext),
				  theirs));
	assert_memory_not_equal(ours, theirs, sizeof ours);
	assert_ok(kem_decapsulate(secret_bytes(&other), label, BYTES_OF_ARRAY(ciphertext), theirs));
	assert_memory_not_equal(ours, theirs, sizeof ours);
	/* Either half of a ciphertext counts. */
	for (size_t at = 0; at < sizeof ciphertext; at += 1088) {
		ciphertext[at] ^= 1;
		enum status status =
			kem_decapsulate(secret_bytes(&private_key), label, BYTES_OF_ARRAY(ciphertext), theirs);
		assert_true(status != OK || memcmp(ours, theirs, sizeof ours) != 0);
		ciphertext[at] ^= 1;
	}
}

static void
bad_keys_and_ciphertexts_are_refused_by_name(void **) {
	_cleanup_(secret_free) struct secret private_key = {};
	uint8_t public_key[KEM_PUBLIC_SIZE], ciphertext[KEM_CIPHERTEXT_SIZE], key[32];
	assert_ok(kem_generate(public_key, &private_key));
	assert_fails(STATUS_INVALID, "kem.public_key",
		     kem_encapsulate(bytes_of(public_key, sizeof public_key - 1), label, ciphertext, key));
	memset(public_key, 0xff, 1184); /* coefficients beyond the modulus: FIPS 203 §7.2 */
	assert_fails(STATUS_INVALID, "kem.public_key",
		     kem_encapsulate(BYTES_OF_ARRAY(public_key), label, ciphertext, key));
	assert_fails(STATUS_INVALID, "kem.private_key",
		     kem_decapsulate(bytes_of(private_key.data, 7), label, BYTES_OF_ARRAY(ciphertext), key));
	assert_fails(STATUS_INVALID, "kem.ciphertext",
		     kem_decapsulate(secret_bytes(&private_key), label, bytes_of(ciphertext, 100), key));
}

/* What is made from a seed is opened like everything else, and the same seed gives the same. */
static void
an_encapsulation_can_be_made_again_from_its_seed(void **) {
	_cleanup_(secret_free) struct secret private_key = {};
	uint8_t public_key[KEM_PUBLIC_SIZE], first[KEM_CIPHERTEXT_SIZE], second[KEM_CIPHERTEXT_SIZE],
		seed[64] = {1, [63] = 2};
	uint8_t key[32], again[32], opened[32];
	assert_ok(kem_generate(public_key, &private_key));
	assert_ok(kem_encapsulate_from(BYTES_OF_ARRAY(public_key), label, seed, first, key));
	assert_ok(kem_encapsulate_from(BYTES_OF_ARRAY(public_key), label, seed, second, again));
	assert_memory_equal(first, second, sizeof first);
	assert_memory_equal(key, again, sizeof key);
	assert_ok(kem_decapsulate(secret_bytes(&private_key), label, BYTES_OF_ARRAY(first), opened));
	assert_memory_equal(key, opened, sizeof key);
	for (size_t at = 0; at < sizeof seed; at += 40) {
		seed[at] ^= 4;
		assert_ok(kem_encapsulate_from(BYTES_OF_ARRAY(public_key), label, seed, second, again));
		assert_memory_not_equal(key, again, sizeof key);
		seed[at] ^= 4;
	}
	assert_fails(STATUS_INVALID, "kem.public_key",
		     kem_encapsulate_from(bytes_of(public_key, 7), label, seed, second, again));
	memset(public_key, 0xff, 1184);
	assert_fails(STATUS_INVALID, "kem.public_key",
		     kem_encapsulate_from(BYTES_OF_ARRAY(public_key), label, seed, second, again));
}

RUN_TESTS(T(an_encapsulation_can_be_made_again_from_its_seed), T(both_sides_get_one_key_and_others_get_another),
	  T(bad_keys_and_ciphertexts_are_refused_by_name))
