/*
 * What FROST of RFC 9591 needs of a group and its hashes: a ciphersuite as a row of functions. Two are here, Ed25519 with SHA-512
 * (libsodium) and secp256k1 with SHA-256 (libsecp256k1 and our scalars).
 *
 * Scalars and elements are held as they are written on the wire: 32 bytes each, elements of secp256k1 33. An element that has been
 * read is of the prime-order group and not the identity; the operations keep it so, or fail. Operations on scalars, and products with
 * the generator, are constant time; products of other elements are given public scalars only.
 * Memory: plain values. Threads: any. Errors: STATUS_INVALID "frost.scalar", "frost.element", "frost.identity".
 * Source: RFC 9591 §3, §6.1, §6.5; RFC 9380 §5 (hash_to_field).
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_FROST_SUITE_H
#define GATEHOUSE_KEYS_THRESHOLD_FROST_SUITE_H

#include "base/bytes.h"
#include "keys/threshold/randomness.h"

struct frost_scalar {
	uint8_t bytes[32];
};

struct frost_element {
	uint8_t bytes[33]; /* Ed25519: the last is zero */
};

constexpr size_t FROST_DIGEST_MAX = 64;

struct frost_suite {
	const char *name;
	size_t element_size;
	size_t digest_size;
	/* Keys and nonces count by their x coordinate alone, as in BIP-340: whose y is odd is negated. */
	bool is_x_only;

	struct frost_scalar (*scalar_of)(uint64_t number);
	enum status (*scalar_read)(const uint8_t bytes[32], struct frost_scalar *scalar); /* below the order */
	struct frost_scalar (*add)(const struct frost_scalar *a, const struct frost_scalar *b);
	struct frost_scalar (*subtract)(const struct frost_scalar *a, const struct frost_scalar *b);
	struct frost_scalar (*multiply)(const struct frost_scalar *a, const struct frost_scalar *b);
	struct frost_scalar (*invert)(const struct frost_scalar *a); /* not of zero */

	enum status (*element_read)(const uint8_t *bytes, struct frost_element *element);
	enum status (*element_of)(const struct frost_scalar *secret,
				  struct frost_element *element); /* times the generator */
	enum status (*element_multiply)(const struct frost_element *element, const struct frost_scalar *number,
					struct frost_element *product);
	enum status (*element_add)(const struct frost_element *a, const struct frost_element *b,
				   struct frost_element *sum);

	/* H1 to H5 of RFC 9591, over the concatenation of the parts. */
	struct frost_scalar (*binding)(const struct bytes *parts, size_t count);
	struct frost_scalar (*challenge)(const struct bytes *parts, size_t count);
	struct frost_scalar (*nonce)(const struct bytes *parts, size_t count);
	void (*message_digest)(const struct bytes *parts, size_t count, uint8_t digest[FROST_DIGEST_MAX]);
	void (*commitments_digest)(const struct bytes *parts, size_t count, uint8_t digest[FROST_DIGEST_MAX]);

	/* Whether a complete signature holds. */
	enum status (*verify)(const struct frost_element *key, struct bytes message, const uint8_t *signature);
};

extern const struct frost_suite frost_ed25519, frost_secp256k1;

static inline struct bytes
frost_element_bytes(const struct frost_suite *suite, const struct frost_element *element) {
	return bytes_of(element->bytes, suite->element_size);
}

/* hash_to_field of RFC 9380 for the scalars of secp256k1: expand_message_xmd with SHA-256, 48 bytes. tag is at most 255 bytes. */
struct frost_scalar frost_hash_to_scalar(struct bytes tag, const struct bytes *parts, size_t count);

#endif
