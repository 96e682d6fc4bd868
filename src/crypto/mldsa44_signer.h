/*
 * Signing with ML-DSA-44 (FIPS 204), for a key that signs often: the public matrix and the key's polynomials are expanded and
 * transformed once, and what a signature needs of SHAKE256 is computed four streams at a time.
 *
 * Signatures are those of any other implementation: pure, empty context, hedged. Verification stays with the library, which
 * signers ask before they release anything (design §7).
 *
 * Constant time in the key and in what is drawn: whether and where an attempt was rejected shows, which tells nothing of the key
 * (FIPS 204 §3.6), and what stands in signatures. Memory: the key's in a struct secret; temporary values are wiped. Threads: any number
 * may sign with one signer.
 */
#ifndef GATEHOUSE_CRYPTO_MLDSA44_SIGNER_H
#define GATEHOUSE_CRYPTO_MLDSA44_SIGNER_H

#include "crypto/sign.h"

struct mldsa44_signer;

/* Gives the seed's public key. */
enum status mldsa44_signer_create(struct mldsa44_signer **signer, const uint8_t seed[32], uint8_t public_key[1312]);
void mldsa44_signer_destroy(struct mldsa44_signer **signer); /* a cleanup function; wipes */
/* randomness: fresh for every signature, or zeros for the deterministic variant, which tests compare. */
enum status mldsa44_signer_sign(const struct mldsa44_signer *signer, struct bytes message, const uint8_t randomness[32],
				uint8_t signature[2420]);

#endif
