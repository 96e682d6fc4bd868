/*
 * For test vectors of what is sealed to a key of crypto/kem.h: its private half, from a stream that repeats. ML-KEM's is that of
 * FIPS 203's KeyGen_internal from d and z (32 bytes each), X25519's the next 32 bytes (docs/PROTOCOL.threshold §12). Include after
 * tests/test.h.
 */
#ifndef GATEHOUSE_TESTS_SEEDED_KEM_H
#define GATEHOUSE_TESTS_SEEDED_KEM_H

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "crypto/kem.h"
#include "keys/threshold/randomness.h"

static inline void
seeded_kem_key(const struct randomness *randomness, uint8_t private_key[KEM_PRIVATE_SIZE]) {
	uint8_t seed[64];
	size_t len = KEM_PRIVATE_SIZE - 32;
	EVP_PKEY *key = nullptr;
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(nullptr, "ML-KEM-768", nullptr);
	randomness_fill(randomness, seed, sizeof seed);
	OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_ML_KEM_SEED, seed, sizeof seed),
			       OSSL_PARAM_construct_end()};
	assert_int_equal(1, EVP_PKEY_fromdata_init(context));
	assert_int_equal(1, EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params));
	assert_int_equal(1, EVP_PKEY_get_raw_private_key(key, private_key, &len));
	assert_int_equal(KEM_PRIVATE_SIZE - 32, len);
	randomness_fill(randomness, private_key + len, 32);
	EVP_PKEY_free(key);
	EVP_PKEY_CTX_free(context);
}

#endif
