/*
 * Signing, or preparing a signature, by a quorum of the holders: DKLs23.
 *
 * Every signer i has a random part r_i of the nonce, a random part φ_i of a blinding number, and its additive share
 * sk_i of the key (Lagrange, plus a share of zero from the pairwise seeds). Each ordered pair multiplies: (r_i, sk_i)
 * of one by the random χ of the other, whose difference from its φ is sent; so all get shares u_i of r·φ and v_i of
 * sk·φ, and s = Σ w_i / Σ u_i with w_i = digest·φ_i + r_x·v_i. What a signer claims of its r_i and sk_i is checked in
 * the exponent, against every other signer's own χ.
 *
 * Rounds: start (commitments to R_i = r_i·G and pk_i = sk_i·G; an extension), multiply (openings, and the hash of all
 * commitments, so that everyone has the same R before anything depends on it), finish (w_i, u_i, and R once more;
 * compared, verified). To *prepare* is to stop before the last round, knowing no digest: what comes of it is a
 * presignature, for one signature (presignature.h). To sign in *full* rounds, the digest is part of the session from
 * its first byte: that is the only way for opaque digests.
 *
 * After any check that failed here the pairs concerned are forgotten in the share (pairwise.h); nothing is tried again
 * here. The caller seals the share anew, durably, before it sends the abort frames: else a restart
 * would bring back what a peer has learned a bit of.
 * Memory: opaque, wiped when destroyed; the share is borrowed until then. Frames are carried by its exchange (exchange.h).
 * Threads: one. No I/O, no clock. Errors: from signing_start() "ecdsa.purpose", "ecdsa.signers", "ecdsa.no_setup",
 * "ecdsa.path"; of the rounds "signing.*". Source: Doerner, Kondi, Lee, shelat: ePrint 2023/765, Protocol 3.6.
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_ECDSA_SIGNING_H
#define GATEHOUSE_KEYS_THRESHOLD_ECDSA_SIGNING_H

#include "keys/threshold/ecdsa/request.h"
#include "keys/threshold/exchange.h"

struct signing_terms {
	struct ecdsa_share *share;
	const struct party_set *signers; /* of the key's holders */
	struct bytes instance;
	const uint8_t *nonce;                /* 32 bytes, agreed on and new */
	const struct ecdsa_request *request; /* null: prepare */
	struct randomness randomness;
};

struct signing;
struct presignature;

enum status signing_start(struct signing **signing, const struct signing_terms *terms);
void signing_destroy(struct signing **signing); /* a cleanup function */
struct exchange *signing_exchange(struct signing *signing);

/* Done, in full rounds: the signature, verified. */
bool signing_result(const struct signing *signing, struct ecdsa_signature *signature);
/* Done, prepared: the presignature, handed over; null otherwise, and the second time. */
struct presignature *signing_take_presignature(struct signing *signing);

/* The messages, one kind a round; preparing ends after the second. */
extern const struct message_kind SIGNING_MESSAGES[];
constexpr size_t SIGNING_ROUNDS = 3;
constexpr size_t SIGNING_ROUNDS_TO_PREPARE = 2;

/* After an abort: forgets the pair with the culprit. Where a check here names nobody and the own w and u have been given, all
 * pairs with the other signers; what was compared before is known to all. What a peer has ended costs nothing. */
void signing_forget_pairs(struct ecdsa_share *share, const struct exchange *exchange, bool has_given);

#endif
