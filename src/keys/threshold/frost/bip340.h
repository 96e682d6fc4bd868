/*
 * FROST signatures for BIP-340 keys, as BIP-445 writes them: t of n signers, whose signature nobody can tell from a single one's.
 *
 * Two rounds. Each signer makes a nonce and publishes its commitments; when those of all signers are known, each opens the
 * session over signers, tweaked key, sum of the commitments and message, and makes a partial signature; anyone adds them up.
 * A partial signature is checked before it leaves, and the sum is checked as a signature: only if that fails are the partial
 * ones checked one by one, to say whose was wrong. The key can be tweaked: BIP-32 children (plain), Taproot outputs (x-only).
 *
 * A secret nonce signs once: signing wipes it, whether it succeeds or not. It is never stored and never derived from what it
 * signs. Signers are named by ids from 0, as in BIP-445: a party of a session has its index minus one.
 * Memory: plain values; secret ones are wiped by whoever holds them. Threads: any. Constant time in shares and nonces.
 * Errors: STATUS_INVALID "frost.*"; *culprit receives the position of whoever sent what was wrong.
 * Sources: BIP-445, a draft between its versions 0.6 and 0.8, whose test vectors hold: in the hash that binds nonces, the length of the list of
 * signers in bytes stands before it (in 0.6 nothing, from 0.8 on their number). FROST3 (ePrint 2022/550, 2023/899).
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_FROST_BIP340_H
#define GATEHOUSE_KEYS_THRESHOLD_FROST_BIP340_H

#include "keys/threshold/point.h"

constexpr size_t FROST_SIGNERS_MAX = 16;
constexpr size_t FROST_PUBLIC_NONCE_SIZE = 2 * POINT_SIZE;
constexpr size_t FROST_NO_CULPRIT = SIZE_MAX;

/* Who signs: of total shareholders at least threshold. */
struct frost_signers {
	uint32_t total, threshold;
	size_t count;
	uint32_t ids[FROST_SIGNERS_MAX]; /* each below total, none twice */
	struct point public_shares[FROST_SIGNERS_MAX];
	struct scalar coefficients[FROST_SIGNERS_MAX]; /* Lagrange's, at zero */
};

/* Computes the coefficients and checks that the public shares give the key. Errors: frost.threshold, frost.count, frost.id,
 * frost.duplicate_id, frost.public_share, frost.key. */
enum status frost_signers_open(uint32_t total, uint32_t threshold, const uint32_t *ids,
			       const uint8_t (*public_shares)[POINT_SIZE], size_t count, const uint8_t public_key[33],
			       struct frost_signers *signers);

/* The key that is signed for: the shared one, after tweaks. */
struct frost_key {
	struct point point;
	bool is_negated;     /* the shares count negatively, from x-only tweaks */
	struct scalar tweak; /* what the tweaks add, in all */
};

enum status frost_key_open(const uint8_t public_key[33], struct frost_key *key); /* frost.key */
/* Errors: frost.tweak where it is not below the group's order, or gives the point at infinity. */
enum status frost_key_tweak(struct frost_key *key, const uint8_t tweak[32], bool is_x_only);
void frost_key_x_only(const struct frost_key *key, uint8_t x[32]);

struct frost_nonce { /* secret, but for the commitments */
	struct scalar numbers[2];
	struct point commitments[2];
};

/* What makes two nonces different even where the generator of random numbers fails. Every part may be absent (len 0, null). */
struct frost_nonce_inputs {
	const struct scalar *share;
	struct bytes public_share; /* 33 bytes */
	struct bytes key;          /* x-only */
	const struct bytes *message;
	struct bytes extra;
};

/* public_nonce is to be sent to everybody. */
enum status frost_nonce_create(const struct frost_nonce_inputs *inputs, const struct randomness *randomness,
			       struct frost_nonce *nonce, uint8_t public_nonce[66]);
/* Errors: frost.public_nonce, with its culprit. */
enum status frost_nonce_sum(const uint8_t (*public_nonces)[FROST_PUBLIC_NONCE_SIZE], size_t count, uint8_t sum[66],
			    size_t *culprit);

/* Everything that is signed, and what follows from it for everybody. Borrows signers. */
struct frost_session {
	const struct frost_signers *signers;
	struct frost_key key;
	bool key_is_odd, nonce_is_odd;
	uint8_t x[32];         /* of the key */
	uint8_t r[32];         /* of the nonce */
	struct scalar binding; /* what the second nonce is multiplied with */
	struct scalar challenge;
	struct bytes message; /* borrowed */
};

/* Errors: frost.nonce_sum. */
enum status frost_session_open(const struct frost_signers *signers, const struct frost_key *key,
			       const uint8_t nonce_sum[66], struct bytes message, struct frost_session *session);

/* Wipes nonce. Errors: frost.nonce (used up), frost.share (zero), frost.signer (none of the signers); STATUS_INTERNAL
 * frost.partial where the result does not verify: with another share than the signer's public one, or by a fault. */
enum status frost_sign(const struct frost_session *session, uint32_t id, const struct scalar *share,
		       struct frost_nonce *nonce, uint8_t partial[32]);
/* One signer's, by its position in signers. Errors: STATUS_UNAUTHORIZED frost.partial. */
enum status frost_partial_verify(const struct frost_session *session, size_t position, const uint8_t public_nonce[66],
				 const uint8_t partial[32]);

/* The signature, which verifies. public_nonces may be null: then nobody is named where it does not, but for a partial
 * signature that is no number. Errors: STATUS_UNAUTHORIZED frost.partial, with its culprit. */
enum status frost_aggregate(const struct frost_session *session, const uint8_t (*partials)[SCALAR_SIZE],
			    const uint8_t (*public_nonces)[FROST_PUBLIC_NONCE_SIZE], uint8_t signature[64],
			    size_t *culprit);

#endif
