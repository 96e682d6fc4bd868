/*
 * One signature by a quorum of the holders of a FROST key: the two rounds as a session of parties.
 *
 * What is signed is part of the session: it is agreed on before any nonce is drawn. Rounds: commit (each signer's two nonce
 * commitments to every other); sign (a hash of all commitments, and the share of the signature). Every signer adds the shares up and
 * verifies the signature; where it does not hold, the shares are verified one by one, to say whose was wrong.
 *
 * Nonces are drawn here, used once, and die with the session: a session that ends is never taken up again, a new one has another
 * nonce and draws anew. Messages are of any length up to FROST_MESSAGE_MAX (in Bitcoin 32 bytes); a BIP-340 key may be tweaked
 * (bip340.h).
 * Memory: opaque, wiped when destroyed; terms are borrowed for the call, but for the share, which must outlive it. Frames are
 * carried by its exchange (exchange.h). Threads: one. No I/O, no clock. Errors: "frost_quorum.*". Sources: RFC 9591 §5; BIP-445; docs/PROTOCOL.threshold §20.
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_FROST_FROST_QUORUM_H
#define GATEHOUSE_KEYS_THRESHOLD_FROST_FROST_QUORUM_H

#include "keys/threshold/exchange.h"
#include "keys/threshold/frost/key_share.h"

constexpr size_t FROST_TWEAKS_MAX = 16;
constexpr size_t FROST_MESSAGE_MAX = 64 * 1024;

struct frost_tweak {
	uint8_t number[32];
	bool is_x_only; /* as of a Taproot output; else plain, as of a BIP-32 child */
};

struct frost_quorum_terms {
	const struct frost_key_share *share;
	const struct party_set *signers; /* of its holders, as many as the threshold at least, this one among them */
	struct bytes instance;
	const uint8_t *nonce; /* 32 bytes, agreed on and new */
	struct bytes message; /* copied */
	const struct frost_tweak *tweaks;
	size_t tweak_count; /* of a BIP-340 key only */
	struct randomness randomness;
};

struct frost_quorum;

/* Errors: frost_quorum.terms, frost_quorum.signers, and those of session.h and bip340.h. */
enum status frost_quorum_start(struct frost_quorum **quorum, const struct frost_quorum_terms *terms);
void frost_quorum_destroy(struct frost_quorum **quorum); /* a cleanup function */
struct exchange *frost_quorum_exchange(struct frost_quorum *quorum);
/* True once the session is done: the signature, which verifies. */
bool frost_quorum_signature(const struct frost_quorum *quorum, uint8_t signature[64]);

/* The messages, one kind a round; for tests that go through all their fields. */
constexpr size_t FROST_QUORUM_ROUNDS = 2;
extern const struct message_kind FROST_QUORUM_MESSAGES[FROST_QUORUM_ROUNDS];

#endif
