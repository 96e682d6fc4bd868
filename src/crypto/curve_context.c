#include "crypto/curve_context.h"

#include <pthread.h>

#include "base/secret.h"
#include "crypto/check.h"
#include "crypto/random.h"

static secp256k1_context *curve;
static pthread_once_t started = PTHREAD_ONCE_INIT;

static void
create_context(void) {
	uint8_t blinding[32];
	random_bytes(blinding, sizeof blinding);
	curve = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	crypto_must(curve != nullptr && secp256k1_context_randomize(curve, blinding) == 1, "the secp256k1 context");
	secret_wipe(blinding, sizeof blinding);
}

const secp256k1_context *
curve_context(void) {
	crypto_must(pthread_once(&started, create_context) == 0, "the secp256k1 context");
	return curve;
}
