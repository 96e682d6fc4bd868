/*
 * Whether a shared key is whole: that the public shares are those of one polynomial and of the key, which anyone can compute, and
 * that a holder knows the share behind its public share, which it proves for a challenge of whoever asks.
 *
 * The proof is Schnorr's (shamir.h for ECDSA, frost/knowledge.h for FROST's schemes), in a session of its own protocol whose nonce is
 * the challenge. It says nothing of the share.
 * Plain values. Errors: STATUS_CORRUPT "sharing.polynomial"; STATUS_UNAUTHORIZED "knowledge.proof", "frost_knowledge.proof";
 * "audit.proof"; "sharing.holder". Format: docs/PROTOCOL.threshold §21.
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_AUDIT_H
#define GATEHOUSE_KEYS_THRESHOLD_AUDIT_H

#include "keys/threshold/sharing.h"

constexpr size_t AUDIT_CHALLENGE_SIZE = 32;
constexpr size_t AUDIT_PROOF_MAX = sizeof(struct frost_element) + sizeof(struct frost_scalar);

/* The public shares of every threshold of holders give the public key. */
enum status share_audit_public(const struct sharing *sharing);
/* number: the holder's share. len: 65 bytes, of Ed25519 64. */
enum status share_audit_prove(const struct sharing *sharing, uint8_t holder, const struct frost_scalar *number,
			      struct bytes instance, const uint8_t challenge[AUDIT_CHALLENGE_SIZE],
			      uint8_t proof[AUDIT_PROOF_MAX], size_t *len);
enum status share_audit_verify(const struct sharing *sharing, uint8_t holder, struct bytes instance,
			       const uint8_t challenge[AUDIT_CHALLENGE_SIZE], struct bytes proof);

#endif
