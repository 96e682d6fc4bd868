/*
 * Public keys of other makers, to verify with: ECDSA on P-256 and P-384, RSA PKCS#1 v1.5, Ed25519. Gatehouse signs with none of
 * them here (crypto/sign.h does); they come from passkeys, their attestations and signed metadata.
 *
 * An algorithm fixes curve and hash, so that nothing is left to a peer's choice: a key serves the one algorithm of its kind, and
 * an RSA key RS256 alone. RSA moduli have 2048 to 4096 bits, exponents are odd and between 3 and 2^32−1.
 *
 * Owner: the caller destroys a key. Threads: a key may be used by many. Errors: STATUS_INVALID "public_key.*", STATUS_UNAUTHORIZED
 * "signature.*". Sources: FIPS 186-5, RFC 8017 §8.2, RFC 8032, RFC 9053 §2.
 */
#ifndef GATEHOUSE_CRYPTO_PUBLIC_KEY_H
#define GATEHOUSE_CRYPTO_PUBLIC_KEY_H

#include "base/bytes.h"

enum signature_algorithm {
	SIGNATURE_ES256, /* P-256, SHA-256, DER */
	SIGNATURE_ES384, /* P-384, SHA-384, DER */
	SIGNATURE_RS256, /* PKCS#1 v1.5, SHA-256 */
	SIGNATURE_EDDSA, /* Ed25519 */
	SIGNATURE_ALGORITHMS,
};

const char *signature_algorithm_name(enum signature_algorithm algorithm); /* "ES256" */

struct public_key;
void public_key_destroy(struct public_key **key); /* a cleanup function */

/* x ‖ y of 32 or 48 bytes each (ES256, ES384). Errors: public_key.point. */
enum status public_key_from_point(enum signature_algorithm algorithm, struct bytes x, struct bytes y,
				  struct public_key **key);
/* Big-endian, without leading zeros. Errors: public_key.rsa. */
enum status public_key_from_rsa(struct bytes modulus, struct bytes exponent, struct public_key **key);
/* 32 bytes: public_key.ed25519. */
enum status public_key_from_ed25519(struct bytes point, struct public_key **key);

enum signature_algorithm public_key_algorithm(const struct public_key *key);
bool public_key_equal(const struct public_key *a, const struct public_key *b);

/* Over the whole message. Error: signature.mismatch (STATUS_UNAUTHORIZED). */
enum status public_key_verify(const struct public_key *key, struct bytes message, struct bytes signature);

#endif
