/*
 * FROST as RFC 9591 writes it, for any suite: t of n signers make one Schnorr signature in two rounds.
 *
 * Round one: each signer makes a nonce and publishes its two commitments. Round two: with the commitments of all signers and the
 * message each makes a share of the signature, which anyone adds up. What is put together is verified as a signature; only if that
 * fails are the shares verified one by one, to say whose was wrong. A share is computed twice, in different ways, before it leaves
 * its maker: a fault of the machine is not handed out.
 *
 * A nonce signs once: signing wipes it, whether it succeeds or not. Signers are named by identifiers from 1. The commitments may stand
 * in any order; they are hashed in ascending order.
 * Memory: plain values; secret ones are wiped by whoever holds them. Threads: any. Constant time in shares and nonces.
 * Errors: STATUS_INVALID "frost.*"; STATUS_UNAUTHORIZED "frost.share". Source: RFC 9591 §4, §5.
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_FROST_FROST_H
#define GATEHOUSE_KEYS_THRESHOLD_FROST_FROST_H

#include "keys/threshold/frost/suite.h"

constexpr size_t FROST_PARTICIPANTS_MAX = 16;
constexpr size_t FROST_NOBODY = SIZE_MAX;
constexpr size_t FROST_SIGNATURE_MAX = 65;

struct frost_commitment {
	uint16_t identifier;
	struct frost_element hiding, binding;
};

struct frost_nonces { /* secret, but for the commitment */
	struct frost_scalar hiding, binding;
	struct frost_commitment commitment; /* as published */
};

/* What is to be published: nonces of fresh randomness, and of the share, so that a weak generator alone does not give them away. */
enum status frost_commit(const struct frost_suite *suite, uint16_t identifier, const struct frost_scalar *share,
			 const struct randomness *randomness, struct frost_nonces *nonces);
/* Both halves of another's commitment: frost.element. Whether the second is of the prime-order group is seen when it is first
 * multiplied, in frost_signing_open(). */
enum status frost_commitment_read(const struct frost_suite *suite, uint16_t identifier, const uint8_t *hiding,
				  const uint8_t *binding, struct frost_commitment *commitment);

/* Everything that is signed, and what follows from it for everybody. */
struct frost_signing {
	const struct frost_suite *suite;
	struct frost_element key;
	struct bytes message; /* borrowed */
	size_t count;
	struct frost_commitment commitments[FROST_PARTICIPANTS_MAX]; /* by identifier, ascending */
	struct frost_scalar bindings[FROST_PARTICIPANTS_MAX];
	struct frost_scalar coefficients[FROST_PARTICIPANTS_MAX]; /* Lagrange's, at zero */
	struct frost_element bound[FROST_PARTICIPANTS_MAX];       /* hiding + factor · binding */
	struct frost_element nonce;
	struct frost_scalar challenge;
	bool negate_nonce, negate_key; /* suites that know x coordinates only */
	size_t culprit; /* where opening failed: the position of whose binding commitment is none of the group, or FROST_NOBODY */
};

/* What the share of one signer is multiplied with so that the products add up to the key: Lagrange's coefficient at zero. */
struct frost_scalar frost_coefficient(const struct frost_suite *suite, const uint16_t *identifiers, size_t count,
				      size_t position);
/* Those of a whole set of signers, before anything is signed; identifiers ascend, none zero or twice; count is at most
 * FROST_PARTICIPANTS_MAX. */
void frost_coefficients(const struct frost_suite *suite, const uint16_t *identifiers, size_t count,
			struct frost_scalar *coefficients);

/* coefficients: null, or those of these signers. own: null, or the nonces of one signer, which makes its part cheaper and must be among the commitments as it was published.
 * Errors: frost.count, frost.identifier (zero, or twice), frost.signer; frost.identity where the nonces cancel out. */
enum status frost_signing_open(const struct frost_suite *suite, const struct frost_element *key,
			       const struct frost_commitment *commitments, const struct frost_scalar *coefficients,
			       size_t count, struct bytes message, const struct frost_nonces *own,
			       struct frost_signing *signing);

/* Wipes nonces. Errors: frost.signer (none of the signers, or with another commitment than these nonces'), frost.nonce (used
 * up); STATUS_INTERNAL frost.share for a fault of the machine. */
enum status frost_share_sign(const struct frost_signing *signing, uint16_t identifier, const struct frost_scalar *share,
			     struct frost_nonces *nonces, struct frost_scalar *signature_share);
/* position: in signing->commitments. public_share: share times the generator. */
enum status frost_share_verify(const struct frost_signing *signing, size_t position,
			       const struct frost_element *public_share, const struct frost_scalar *signature_share);

/* shares, and public_shares, which may be null (then nobody is named), by ascending identifier; signature holds the nonce
 * and 32 bytes: 64 or 65. *culprit: the position of the first share that does not verify. */
enum status frost_shares_aggregate(const struct frost_signing *signing, const struct frost_scalar *shares,
				   const struct frost_element *public_shares, uint8_t *signature, size_t *culprit);

#endif
