/*
 * Whether a shared key is whole: that the public shares are those of one polynomial and of the key, which anyone can compute, and
 * that a holder knows the share behind its public share, which it proves for a challenge of whoever asks.
 *
 * The proof is Schnorr's (shamir.h), in a session of its own protocol whose nonce is the challenge. It says nothing of the share.
 * Plain values. Errors: STATUS_CORRUPT "sharing.polynomial"; STATUS_UNAUTHORIZED "knowledge.proof"; "sharing.holder". Format:
 * docs/PROTOCOL.threshold §21.
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_AUDIT_H
#define GATEHOUSE_KEYS_THRESHOLD_AUDIT_H

#include "keys/threshold/shamir.h"
#include "keys/threshold/sharing.h"

constexpr size_t AUDIT_CHALLENGE_SIZE = 32;

/* The public shares of every threshold of holders give the public key. */
enum status share_audit_public(const struct sharing *sharing);
enum status share_audit_prove(const struct sharing *sharing, const struct ecdsa_share *share, struct bytes instance,
			      const uint8_t challenge[32], struct knowledge_proof *proof);
enum status share_audit_verify(const struct sharing *sharing, uint8_t holder, struct bytes instance,
			       const uint8_t challenge[32], const struct knowledge_proof *proof);

#endif
