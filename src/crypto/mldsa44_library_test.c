/* What a build with -Dmldsa_signer=openssl signs with; the test links it in the place of the own signer. */
#include "tests/test.h"

#include "crypto/mldsa44_private_library.c"
#include "crypto/mldsa44_signer.h"

static void
the_same_key_signs(void **) {
	uint8_t seed[32] = {21}, public_key[1312], own_public_key[1312], first[2420], second[2420];
	_cleanup_(mldsa44_private_destroy) struct mldsa44_private *private = nullptr;
	_cleanup_(mldsa44_signer_destroy) struct mldsa44_signer *own = nullptr;
	_cleanup_(mldsa44_public_destroy) struct mldsa44_public *public = nullptr;
	assert_ok(mldsa44_private_create(&private, seed));
	assert_ok(mldsa44_signer_create(&own, seed, own_public_key));
	mldsa44_private_public_key(private, public_key);
	assert_memory_equal(own_public_key, public_key, sizeof public_key);
	assert_ok(mldsa44_public_create(&public, public_key));
	assert_ok(mldsa44_sign(private, BYTES_OF_ARRAY(seed), first));
	assert_ok(mldsa44_verify(public, BYTES_OF_ARRAY(seed), first));
	assert_ok(mldsa44_sign(private, BYTES_OF_ARRAY(seed), second));
	assert_memory_not_equal(first, second, sizeof first);
}

RUN_TESTS(T(the_same_key_signs))
