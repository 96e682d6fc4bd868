#include "crypto/sign.h"

#include <pthread.h>

#include <sodium.h>

#include "base/secret.h"
#include "crypto/check.h"
#include "crypto/declassify.h"

static pthread_once_t started = PTHREAD_ONCE_INIT;

/* The base point plus the point of order two, (-x, -y). Libraries without the fix of CVE-2025-69277, some of them of the same version
 * 1.0.18, take it for a point of prime order, which keys and the commitments of FROST must be. */
static bool
knows_mixed_orders(void) {
	uint8_t mixed[32];
	memset(mixed, 0x99, sizeof mixed);
	mixed[0] = 0x95;
	return crypto_core_ed25519_is_valid_point(mixed) == 0;
}

static void
start_library(void) {
	crypto_must(sodium_init() >= 0, "libsodium's start");
	crypto_must(knows_mixed_orders(), "libsodium's check for points of mixed order (CVE-2025-69277)");
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
ed25519_scalar_public_key(const uint8_t scalar[32], uint8_t public_key[32]) {
	start();
	uint8_t wide[crypto_core_ed25519_NONREDUCEDSCALARBYTES] = {}, reduced[32];
	memcpy(wide, scalar, 32);
	crypto_core_ed25519_scalar_reduce(reduced, wide);
	bool is_number = declassified(sodium_memcmp(reduced, scalar, sizeof reduced) == 0) &&
			 declassified(crypto_scalarmult_ed25519_base_noclamp(public_key, scalar) == 0);
	secret_wipe(wide, sizeof wide);
	secret_wipe(reduced, sizeof reduced);
	if (!is_number)
		return fail(STATUS_INVALID, "signature.ed25519_scalar: no number from 1 to below the group's order");
	declassify(public_key, 32);
	return OK;
}

static void
hash_to_scalar(const struct bytes *parts, size_t count, uint8_t scalar[32]) {
	uint8_t hash[crypto_hash_sha512_BYTES];
	crypto_hash_sha512_state state;
	crypto_hash_sha512_init(&state);
	for (size_t i = 0; i < count; i++)
		crypto_hash_sha512_update(&state, parts[i].data, parts[i].len);
	crypto_hash_sha512_final(&state, hash);
	crypto_core_ed25519_scalar_reduce(scalar, hash);
	secret_wipe(&state, sizeof state);
	secret_wipe(hash, sizeof hash);
}

/* RFC 8032 §5.1.6, steps 2 to 6, from a number and a prefix that no seed gave. */
enum status
ed25519_scalar_sign(const uint8_t scalar[32], const uint8_t prefix[32], const uint8_t public_key[32],
		    struct bytes message, uint8_t signature[64]) {
	start();
	uint8_t nonce[32], challenge[32], product[32];
	hash_to_scalar((struct bytes[]){bytes_of(prefix, 32), message}, 2, nonce);
	crypto_must(declassified(crypto_scalarmult_ed25519_base_noclamp(signature, nonce) == 0),
		    "a nonce of an Ed25519 signature");
	declassify(signature, 32);
	hash_to_scalar((struct bytes[]){bytes_of(signature, 32), bytes_of(public_key, 32), message}, 3, challenge);
	crypto_core_ed25519_scalar_mul(product, challenge, scalar);
	crypto_core_ed25519_scalar_add(signature + 32, nonce, product);
	secret_wipe(nonce, sizeof nonce);
	secret_wipe(product, sizeof product);
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
