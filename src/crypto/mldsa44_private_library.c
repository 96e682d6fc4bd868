/* In the place of mldsa44_private.c where the build has -Dmldsa_signer=openssl. */
#include "crypto/sign.h"

#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "crypto/check.h"
#include "crypto/mldsa44_library.h"

struct mldsa44_private {
	EVP_PKEY *key;
	uint8_t public_key[1312];
};

enum status
mldsa44_private_create(struct mldsa44_private **key, const uint8_t seed[32]) {
	_cleanup_(mldsa44_private_destroy) struct mldsa44_private *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	made->key = mldsa44_library_key(EVP_PKEY_KEYPAIR, OSSL_PKEY_PARAM_ML_DSA_SEED, seed, MLDSA44_SEED_SIZE);
	TRY_ALLOC(made->key); /* every seed gives a key */
	size_t len = 0;
	crypto_must(EVP_PKEY_get_octet_string_param(made->key, OSSL_PKEY_PARAM_PUB_KEY, made->public_key,
						    sizeof made->public_key, &len) == 1 &&
			    len == MLDSA44_PUBLIC_SIZE,
		    "an ML-DSA-44 public key");
	*key = TAKE(made);
	return OK;
}

void
mldsa44_private_destroy(struct mldsa44_private **key) {
	struct mldsa44_private *gone = TAKE(*key);
	if (gone == nullptr)
		return;
	EVP_PKEY_free(gone->key);
	free(gone);
}

void
mldsa44_private_public_key(const struct mldsa44_private *key, uint8_t public_key[1312]) {
	memcpy(public_key, key->public_key, sizeof key->public_key);
}

enum status
mldsa44_sign(const struct mldsa44_private *key, struct bytes message, uint8_t signature[2420]) {
	/* Hedged: FIPS 204's default, fresh randomness in every signature. */
	int deterministic = 0;
	const OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_int(OSSL_SIGNATURE_PARAM_DETERMINISTIC, &deterministic),
		OSSL_PARAM_construct_end(),
	};
	size_t len = MLDSA44_SIGNATURE_SIZE;
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(nullptr, key->key, nullptr);
	bool is_signed = context != nullptr &&
			 EVP_PKEY_sign_message_init(context, mldsa44_library_algorithm(), parameters) == 1 &&
			 EVP_PKEY_sign(context, signature, &len, message.data, message.len) == 1 &&
			 len == MLDSA44_SIGNATURE_SIZE;
	EVP_PKEY_CTX_free(context);
	if (!is_signed)
		return fail(STATUS_INTERNAL, "signature.mldsa44_sign: the library could not sign %zu bytes",
			    message.len);
	return OK;
}
