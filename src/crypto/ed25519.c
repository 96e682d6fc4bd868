#include "crypto/sign.h"

#include <pthread.h>

#include <sodium.h>

#include "base/secret.h"
#include "crypto/check.h"
#include "crypto/declassify.h"

static pthread_once_t started = PTHREAD_ONCE_INIT;

static void
start_library(void) {
	crypto_must(sodium_init() >= 0, "libsodium's start");
}

static void
start(void) {
	crypto_must(pthread_once(&started, start_library) == 0, "libsodium's start");
}

enum status
ed25519_public_key(const uint8_t seed[32], uint8_t public_key[32]) {
	start();
	uint8_t expanded[crypto_sign_ed25519_SECRETKEYBYTES];
	crypto_must(crypto_sign_ed25519_seed_keypair(public_key, expanded, seed) == 0, "an Ed25519 key");
	secret_wipe(expanded, sizeof expanded);
	declassify(public_key, 32);
	return OK;
}

enum status
ed25519_sign(const uint8_t seed[32], const uint8_t public_key[32], struct bytes message, uint8_t signature[64]) {
	start();
	uint8_t expanded[crypto_sign_ed25519_SECRETKEYBYTES];
	memcpy(expanded, seed, 32);
	memcpy(expanded + 32, public_key, 32);
	crypto_must(crypto_sign_ed25519_detached(signature, nullptr, message.data, message.len, expanded) == 0,
		    "an Ed25519 signature");
	secret_wipe(expanded, sizeof expanded);
	declassify(signature, 64);
	return OK;
}

enum status
ed25519_verify(const uint8_t public_key[32], struct bytes message, const uint8_t signature[64]) {
	start();
	if (crypto_sign_ed25519_verify_detached(signature, message.data, message.len, public_key) != 0)
		return fail(STATUS_UNAUTHORIZED, "signature.ed25519: does not verify");
	return OK;
}

enum status
ed25519_public_check(const uint8_t public_key[32]) {
	start();
	if (crypto_core_ed25519_is_valid_point(public_key) != 1)
		return fail(STATUS_INVALID, "signature.ed25519_key: not a point of the group, or of small order");
	return OK;
}

/* Addition decodes both its operands and asks nothing of their order; the base point is one that always decodes. */
bool
ed25519_is_on_curve(const uint8_t point[32]) {
	static const uint8_t
		BASE_POINT[32] = {0x58, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
				  0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
				  0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66}; /* RFC 8032 §5.1 */
	uint8_t sum[32];
	start();
	return crypto_core_ed25519_add(sum, point, BASE_POINT) == 0;
}
