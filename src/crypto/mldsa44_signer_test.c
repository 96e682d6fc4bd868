#include "tests/test.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "crypto/hash.h"
#include "crypto/sign.h"

#include "crypto/mldsa44_signer.c"

/* The library as a reference: the same seed's key, deterministic. */
static EVP_PKEY *
library_key(uint8_t seed[32], uint8_t public_key[1312]) {
	EVP_PKEY *key = nullptr;
	size_t len;
	OSSL_PARAM parameters[] = {OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_ML_DSA_SEED, seed, 32),
				   OSSL_PARAM_construct_end()};
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(nullptr, "ML-DSA-44", nullptr);
	assert_int_equal(1, EVP_PKEY_fromdata_init(context));
	assert_int_equal(1, EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, parameters));
	EVP_PKEY_CTX_free(context);
	assert_int_equal(1, EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, public_key,
							    MLDSA44_PUBLIC_SIZE, &len));
	return key;
}

static void
library_sign(EVP_PKEY *key, struct bytes message, uint8_t signature[2420]) {
	int deterministic = 1;
	const OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_int(OSSL_SIGNATURE_PARAM_DETERMINISTIC, &deterministic),
		OSSL_PARAM_construct_end(),
	};
	size_t len = MLDSA44_SIGNATURE_SIZE;
	EVP_SIGNATURE *algorithm = EVP_SIGNATURE_fetch(nullptr, "ML-DSA-44", nullptr);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr);
	assert_int_equal(1, EVP_PKEY_sign_message_init(context, algorithm, parameters));
	assert_int_equal(1, EVP_PKEY_sign(context, signature, &len, message.data, message.len));
	EVP_PKEY_CTX_free(context);
	EVP_SIGNATURE_free(algorithm);
}

static void
number_seed(unsigned number, uint8_t seed[32]) {
	uint8_t bytes[4];
	store_u32be(bytes, number);
	struct hash256 hash = sha256(BYTES_OF_ARRAY(bytes));
	memcpy(seed, hash.bytes, 32);
}

/* Byte for byte, which is more than that they verify: each attempt that one rejects, the other rejects. */
static void
signatures_are_the_librarys(void **) {
	static const uint8_t zeros[32];
	static uint8_t message[3000];
	for (unsigned i = 0; i < 60; i++) {
		uint8_t seed[32], public_key[1312], own_key[1312], ours[2420], theirs[2420];
		_cleanup_(mldsa44_signer_destroy) struct mldsa44_signer *signer = nullptr;
		number_seed(i, seed);
		EVP_PKEY *key = library_key(seed, public_key);
		assert_ok(mldsa44_signer_create(&signer, seed, own_key));
		assert_memory_equal(public_key, own_key, sizeof own_key);
		for (size_t j = 0; j < 5; j++) {
			size_t len = (i * 5 + j) * 10;
			memset(message, (int)(i + j), len);
			assert_ok(mldsa44_signer_sign(signer, bytes_of(message, len), zeros, ours));
			library_sign(key, bytes_of(message, len), theirs);
			assert_memory_equal(theirs, ours, sizeof ours);
		}
		EVP_PKEY_free(key);
	}
}

/* Of many seeds, so that rare turns are taken: the library, which does not share a line with the signer, is the judge. */
static void
signatures_verify(void **) {
	for (unsigned i = 0; i < 40; i++) {
		uint8_t seed[32], public_key[1312], randomness[32], signature[2420];
		_cleanup_(mldsa44_private_destroy) struct mldsa44_private *private = nullptr;
		_cleanup_(mldsa44_public_destroy) struct mldsa44_public *public = nullptr;
		_cleanup_(mldsa44_signer_destroy) struct mldsa44_signer *signer = nullptr;
		number_seed(1000 + i, seed);
		assert_ok(mldsa44_private_create(&private, seed));
		mldsa44_private_public_key(private, public_key);
		assert_ok(mldsa44_public_create(&public, public_key));
		assert_ok(mldsa44_signer_create(&signer, seed, public_key));
		for (unsigned j = 0; j < 50; j++) {
			number_seed(j, randomness);
			assert_ok(mldsa44_signer_sign(signer, BYTES_OF_ARRAY(seed), randomness, signature));
			assert_ok(mldsa44_verify(public, BYTES_OF_ARRAY(seed), signature));
		}
	}
}

static void
randomness_makes_another_signature(void **) {
	uint8_t seed[32] = {1}, public_key[1312], randomness[32] = {}, first[2420], second[2420];
	_cleanup_(mldsa44_signer_destroy) struct mldsa44_signer *signer = nullptr;
	assert_ok(mldsa44_signer_create(&signer, seed, public_key));
	assert_ok(mldsa44_signer_sign(signer, BYTES_OF_ARRAY(seed), randomness, first));
	randomness[31] = 1;
	assert_ok(mldsa44_signer_sign(signer, BYTES_OF_ARRAY(seed), randomness, second));
	assert_memory_not_equal(first, second, sizeof first);
}

/* What a processor without AVX2 runs: the same attempts with the same outcome. */
static void
both_instruction_sets_do_the_same(void **) {
	uint8_t seed[32] = {3}, public_key[1312], message_hash[64] = {4}, mask[64] = {5};
	_cleanup_(mldsa44_signer_destroy) struct mldsa44_signer *signer = nullptr;
	assert_ok(mldsa44_signer_create(&signer, seed, public_key));
	const struct expanded *key = (const struct expanded *)signer->memory.data;
	static struct attempt a, b;
	attempt_function *chosen = choose_attempt();
	size_t signed_count = 0;
	for (uint16_t i = 0; i < 400; i += L) {
		uint8_t ours[2420] = {}, theirs[2420] = {};
		bool is_signed = chosen(key, message_hash, mask, i, &a, ours);
		assert_int_equal(is_signed, attempt_anywhere(key, message_hash, mask, i, &b, theirs));
		assert_memory_equal(ours, theirs, sizeof ours);
		signed_count += is_signed;
	}
	assert_in_range(signed_count, 10, 50); /* about one in 4.25 */
}

/* Against the definition (FIPS 204 algorithm 36), for every number there is. */
static void
decomposing_is_exact(void **) {
	for (int32_t w = 0; w < Q; w++) {
		uint8_t high;
		int32_t low, expected = w % (2 * GAMMA2);
		if (expected > GAMMA2)
			expected -= 2 * GAMMA2;
		int32_t quotient = (w - expected) / (2 * GAMMA2);
		if (w - expected == Q - 1) {
			quotient = 0;
			expected--;
		}
		decompose(w, &high, &low);
		if (high != quotient || low != expected)
			fail_msg("%d: %u and %d, expected %d and %d", w, high, low, quotient, expected);
	}
}

static void
many_streams_are_each_alone(void **) {
	uint8_t inputs[4][66], alone[5 * SHAKE256_RATE], together[4][5 * SHAKE256_RATE];
	const uint8_t *from[4];
	uint8_t *to[4];
	for (size_t i = 0; i < 4; i++) {
		memset(inputs[i], (int)(17 * i), sizeof inputs[i]);
		from[i] = inputs[i];
		to[i] = together[i];
	}
	shake256_four(from, sizeof inputs[0], to, 5);
	for (size_t i = 0; i < 4; i++) {
		EVP_MD_CTX *context = EVP_MD_CTX_new();
		assert_int_equal(1, EVP_DigestInit_ex(context, EVP_shake256(), nullptr));
		assert_int_equal(1, EVP_DigestUpdate(context, inputs[i], sizeof inputs[i]));
		assert_int_equal(1, EVP_DigestFinalXOF(context, alone, sizeof alone));
		EVP_MD_CTX_free(context);
		assert_memory_equal(alone, together[i], sizeof alone);
	}
}

/* Lengths around the ends of blocks, absorbed and squeezed in pieces. */
static void
one_stream_is_the_librarys(void **) {
	static const struct {
		size_t rate;
		const EVP_MD *(*algorithm)(void);
	} shakes[] = {{SHAKE128_RATE, EVP_shake128}, {SHAKE256_RATE, EVP_shake256}};
	uint8_t input[400], ours[400], theirs[400];
	for (size_t i = 0; i < sizeof input; i++)
		input[i] = (uint8_t)(i * i);
	for (size_t s = 0; s < ARRAY_LENGTH(shakes); s++)
		for (size_t len = 0; len < sizeof input; len++) {
			struct shake shake;
			shake_start(&shake, shakes[s].rate);
			shake_absorb(&shake, bytes_of(input, len / 3));
			shake_absorb(&shake, bytes_of(input + len / 3, len - len / 3));
			shake_finish(&shake);
			shake_squeeze(&shake, ours, len / 2);
			shake_squeeze(&shake, ours + len / 2, sizeof ours - len / 2);
			EVP_MD_CTX *context = EVP_MD_CTX_new();
			assert_int_equal(1, EVP_DigestInit_ex(context, shakes[s].algorithm(), nullptr));
			assert_int_equal(1, EVP_DigestUpdate(context, input, len));
			assert_int_equal(1, EVP_DigestFinalXOF(context, theirs, sizeof theirs));
			EVP_MD_CTX_free(context);
			assert_memory_equal(theirs, ours, sizeof ours);
		}
}

int
main(void) {
	const struct CMUnitTest tests[] = {
		T(signatures_are_the_librarys),       T(signatures_verify),    T(randomness_makes_another_signature),
		T(both_instruction_sets_do_the_same), T(decomposing_is_exact), T(many_streams_are_each_alone),
		T(one_stream_is_the_librarys),
	};
	return cmocka_run_group_tests_name("mldsa44_signer", tests, nullptr, nullptr);
}
