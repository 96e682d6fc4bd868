#include "crypto/sign.h"

#include <pthread.h>
#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "crypto/check.h"
#include "crypto/mldsa44_library.h"

struct mldsa44_public {
	EVP_PKEY *key;
};

static EVP_SIGNATURE *algorithm;
static pthread_once_t fetched = PTHREAD_ONCE_INIT;

static void
fetch_algorithm(void) {
	crypto_must((algorithm = EVP_SIGNATURE_fetch(nullptr, "ML-DSA-44", nullptr)) != nullptr, "ML-DSA-44");
}

EVP_SIGNATURE *
mldsa44_library_algorithm(void) {
	crypto_must(pthread_once(&fetched, fetch_algorithm) == 0, "fetching ML-DSA-44");
	return algorithm;
}

EVP_PKEY *
mldsa44_library_key(int selection, const char *name, const uint8_t *bytes, size_t len) {
	EVP_PKEY *key = nullptr;
	/* The library reads the bytes only; its type has no const. */
	OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)bytes, len),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(nullptr, "ML-DSA-44", nullptr);
	if (context == nullptr || EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &key, selection, parameters) != 1)
		key = nullptr;
	EVP_PKEY_CTX_free(context);
	return key;
}

enum status
mldsa44_public_create(struct mldsa44_public **key, const uint8_t public_key[1312]) {
	_cleanup_(mldsa44_public_destroy) struct mldsa44_public *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	made->key = mldsa44_library_key(EVP_PKEY_PUBLIC_KEY, OSSL_PKEY_PARAM_PUB_KEY, public_key, MLDSA44_PUBLIC_SIZE);
	if (made->key == nullptr)
		return fail(STATUS_INVALID, "public_key.mldsa44: not the encoding of an ML-DSA-44 public key");
	*key = TAKE(made);
	return OK;
}

void
mldsa44_public_destroy(struct mldsa44_public **key) {
	struct mldsa44_public *gone = TAKE(*key);
	if (gone == nullptr)
		return;
	EVP_PKEY_free(gone->key);
	free(gone);
}

enum status
mldsa44_verify(const struct mldsa44_public *key, struct bytes message, const uint8_t signature[2420]) {
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(nullptr, key->key, nullptr);
	bool prepared =
		context != nullptr && EVP_PKEY_verify_message_init(context, mldsa44_library_algorithm(), nullptr) == 1;
	bool verified =
		prepared && EVP_PKEY_verify(context, signature, MLDSA44_SIGNATURE_SIZE, message.data, message.len) == 1;
	EVP_PKEY_CTX_free(context);
	if (!prepared)
		return fail(STATUS_NO_MEMORY, "memory: out of memory in %s", __func__);
	if (!verified)
		return fail(STATUS_UNAUTHORIZED, "signature.mldsa44: does not verify");
	return OK;
}
