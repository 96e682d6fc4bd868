/* FROST(Ed25519, SHA-512), RFC 9591 §6.1. */
#include "keys/threshold/frost/suite.h"

#include <sodium.h>

#include "crypto/declassify.h"
#include "crypto/sign.h"

static const char CONTEXT[] = "FROST-ED25519-SHA512-v1";

/* --- Scalars --- */

static struct frost_scalar
scalar_of(uint64_t number) {
	struct frost_scalar scalar = {};
	for (size_t i = 0; i < sizeof number; i++)
		scalar.bytes[i] = (uint8_t)(number >> 8 * i);
	return scalar;
}

/* Reducing gives the same bytes only for what is below the order. */
static enum status
scalar_read(const uint8_t bytes[32], struct frost_scalar *scalar) {
	uint8_t wide[64] = {}, reduced[32];
	memcpy(wide, bytes, 32);
	crypto_core_ed25519_scalar_reduce(reduced, wide);
	int differs = sodium_memcmp(reduced, bytes, sizeof reduced);
	sodium_memzero(wide, sizeof wide);
	if (declassified(differs != 0))
		return fail(STATUS_INVALID, "frost.scalar: not below the order of the group");
	memcpy(scalar->bytes, bytes, 32);
	return OK;
}

static struct frost_scalar
add(const struct frost_scalar *a, const struct frost_scalar *b) {
	struct frost_scalar sum;
	crypto_core_ed25519_scalar_add(sum.bytes, a->bytes, b->bytes);
	return sum;
}

static struct frost_scalar
subtract(const struct frost_scalar *a, const struct frost_scalar *b) {
	struct frost_scalar difference;
	crypto_core_ed25519_scalar_sub(difference.bytes, a->bytes, b->bytes);
	return difference;
}

static struct frost_scalar
multiply(const struct frost_scalar *a, const struct frost_scalar *b) {
	struct frost_scalar product;
	crypto_core_ed25519_scalar_mul(product.bytes, a->bytes, b->bytes);
	return product;
}

static struct frost_scalar
invert(const struct frost_scalar *a) {
	struct frost_scalar inverse;
	IGNORE_STATUS(crypto_core_ed25519_scalar_invert(inverse.bytes, a->bytes) == 0 ? OK
										      : STATUS_INTERNAL); /* not zero */
	return inverse;
}

/* --- Elements --- */

static enum status
element_read(const uint8_t *bytes, struct frost_element *element) {
	*element = (struct frost_element){};
	if (ed25519_public_check(bytes) != OK)
		return fail(STATUS_INVALID, "frost.element: no element of the prime-order group, or the identity");
	memcpy(element->bytes, bytes, 32);
	return OK;
}

static enum status
element_of(const struct frost_scalar *secret, struct frost_element *element) {
	*element = (struct frost_element){};
	if (declassified(crypto_scalarmult_ed25519_base_noclamp(element->bytes, secret->bytes) != 0))
		return fail(STATUS_INVALID, "frost.identity: zero times the generator");
	declassify(element->bytes, sizeof element->bytes); /* whatever is made here is published */
	return OK;
}

static enum status
element_multiply(const struct frost_element *element, const struct frost_scalar *number,
		 struct frost_element *product) {
	struct frost_element result = {};
	if (crypto_scalarmult_ed25519_noclamp(result.bytes, number->bytes, element->bytes) != 0)
		return fail(STATUS_INVALID, "frost.identity: zero times an element");
	*product = result;
	return OK;
}

static enum status
element_add(const struct frost_element *a, const struct frost_element *b, struct frost_element *sum) {
	static const uint8_t IDENTITY[32] = {1};
	struct frost_element result = {};
	if (crypto_core_ed25519_add(result.bytes, a->bytes, b->bytes) != 0 || memcmp(result.bytes, IDENTITY, 32) == 0)
		return fail(STATUS_INVALID, "frost.identity: two elements add up to the identity");
	*sum = result;
	return OK;
}

/* --- Hashes --- */

static void
digest_of(const char *label, const struct bytes *parts, size_t count, uint8_t digest[FROST_DIGEST_MAX]) {
	crypto_hash_sha512_state state;
	crypto_hash_sha512_init(&state);
	if (label != nullptr) {
		crypto_hash_sha512_update(&state, (const uint8_t *)CONTEXT, sizeof CONTEXT - 1);
		crypto_hash_sha512_update(&state, (const uint8_t *)label, strlen(label));
	}
	for (size_t i = 0; i < count; i++)
		crypto_hash_sha512_update(&state, parts[i].data, parts[i].len);
	crypto_hash_sha512_final(&state, digest);
	sodium_memzero(&state, sizeof state);
}

static struct frost_scalar
scalar_of_hash(const char *label, const struct bytes *parts, size_t count) {
	uint8_t digest[FROST_DIGEST_MAX];
	struct frost_scalar scalar;
	digest_of(label, parts, count, digest);
	crypto_core_ed25519_scalar_reduce(scalar.bytes, digest);
	sodium_memzero(digest, sizeof digest);
	return scalar;
}

static struct frost_scalar
binding(const struct bytes *parts, size_t count) {
	return scalar_of_hash("rho", parts, count);
}

/* No context: the signature must be one of RFC 8032. */
static struct frost_scalar
challenge(const struct bytes *parts, size_t count) {
	return scalar_of_hash(nullptr, parts, count);
}

static struct frost_scalar
nonce(const struct bytes *parts, size_t count) {
	return scalar_of_hash("nonce", parts, count);
}

static void
message_digest(const struct bytes *parts, size_t count, uint8_t digest[FROST_DIGEST_MAX]) {
	digest_of("msg", parts, count, digest);
}

static void
commitments_digest(const struct bytes *parts, size_t count, uint8_t digest[FROST_DIGEST_MAX]) {
	digest_of("com", parts, count, digest);
}

static enum status
verify(const struct frost_element *key, struct bytes message, const uint8_t *signature) {
	return ed25519_verify(key->bytes, message, signature);
}

const struct frost_suite frost_ed25519 = {
	.name = "FROST(Ed25519, SHA-512)",
	.element_size = 32,
	.digest_size = 64,
	.scalar_of = scalar_of,
	.scalar_read = scalar_read,
	.add = add,
	.subtract = subtract,
	.multiply = multiply,
	.invert = invert,
	.element_read = element_read,
	.element_of = element_of,
	.element_multiply = element_multiply,
	.element_add = element_add,
	.binding = binding,
	.challenge = challenge,
	.nonce = nonce,
	.message_digest = message_digest,
	.commitments_digest = commitments_digest,
	.verify = verify,
};
