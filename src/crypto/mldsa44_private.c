#include "crypto/mldsa44_signer.h"

#include <stdlib.h>

#include "base/secret.h"
#include "crypto/random.h"

struct mldsa44_private {
	struct mldsa44_signer *signer;
	uint8_t public_key[1312];
};

enum status
mldsa44_private_create(struct mldsa44_private **key, const uint8_t seed[32]) {
	_cleanup_(mldsa44_private_destroy) struct mldsa44_private *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	TRY(mldsa44_signer_create(&made->signer, seed, made->public_key));
	*key = TAKE(made);
	return OK;
}

void
mldsa44_private_destroy(struct mldsa44_private **key) {
	struct mldsa44_private *gone = TAKE(*key);
	if (gone == nullptr)
		return;
	mldsa44_signer_destroy(&gone->signer);
	free(gone);
}

void
mldsa44_private_public_key(const struct mldsa44_private *key, uint8_t public_key[1312]) {
	memcpy(public_key, key->public_key, sizeof key->public_key);
}

enum status
mldsa44_sign(const struct mldsa44_private *key, struct bytes message, uint8_t signature[2420]) {
	/* Hedged: FIPS 204's default, fresh randomness in every signature. */
	uint8_t randomness[32];
	random_bytes(randomness, sizeof randomness);
	enum status status = mldsa44_signer_sign(key->signer, message, randomness, signature);
	secret_wipe(randomness, sizeof randomness);
	return status;
}
