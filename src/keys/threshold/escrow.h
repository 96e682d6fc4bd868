/*
 * A share, encrypted to a recovery key in such a way that everybody can check that it is in there: a backup that is known to be
 * good before it is needed, made without the recovery key's private half.
 *
 * Cut and choose. 128 times the share is split into two random parts, and each part is encrypted with all randomness from a
 * seed. A hash over everything, as a random oracle, says which of the two parts of each pair is opened: there the seed shows that
 * the ciphertext holds just that part. What was opened says nothing of the share; with the recovery key the other part of any one
 * pair gives it. Whoever put something else in there would have had to guess all 128 choices, or to try 2^128 hashes.
 * Encryption is X25519 and ML-KEM-768 at once (crypto/kem.h).
 *
 * For any suite of FROST; shares of threshold ECDSA are those of secp256k1. The context says what the share is of: instance, key,
 * epoch, holder; an escrow checked in another context does not hold.
 * Memory: secret ones are wiped. Threads: any. Errors: STATUS_INVALID "escrow.*"; STATUS_UNAUTHORIZED "escrow.proof".
 * Format: docs/PROTOCOL.threshold §15. Sources: Camenisch and Damgård, "Verifiable Encryption, Group Encryption, and Their Applications"
 * (ASIACRYPT 2000); Stadler, "Publicly Verifiable Secret Sharing" (EUROCRYPT 1996).
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_ESCROW_H
#define GATEHOUSE_KEYS_THRESHOLD_ESCROW_H

#include "keys/threshold/frost/suite.h"

constexpr size_t ESCROW_PAIRS = 128;

/* What a share is of, and to whom it is encrypted: all of it public, and known to whoever checks. */
struct escrow_terms {
	const struct frost_suite *suite;
	struct bytes context;
	struct frost_element public_share; /* the share times the generator */
	struct bytes recovery_key;         /* crypto/kem.h, the public key */
};

/* Appends the escrow. Errors: escrow.share where it is not that of the public share; those of crypto/kem.h. */
enum status escrow_create(const struct escrow_terms *terms, const struct frost_scalar *share,
			  const struct randomness *randomness, struct buffer *escrow);
/* Whether the recovery key's holder will get the share from it. Errors: escrow.magic, escrow.version, escrow.length;
 * escrow.proof. */
enum status escrow_verify(const struct escrow_terms *terms, struct bytes escrow);
/* The share. It need not have been verified: what comes out is checked against the public share. escrow.recovery: nothing in
 * it gives the share (or the key is another). */
enum status escrow_recover(const struct escrow_terms *terms, struct bytes escrow, struct bytes recovery_private_key,
			   struct frost_scalar *share);

#endif
