/*
 * Dealing shares: how a threshold ECDSA key comes to be, and how its shares change while the key stays.
 *
 * One protocol for all: *dealers* share a number each, by Shamir's scheme with Feldman's commitments, to the *holders*
 * to be; a holder's share is the sum of what it got. They differ in the numbers that are dealt:
 *     generate  every holder deals a random number; the key is their sum, and nobody's
 *     import    every holder deals its part of an existing key (ecdsa_split_private_key()); the sum is checked
 *     reshare   as many old holders as the old threshold deal their Lagrange parts; the key stays. With the same
 *               holders it is a refresh; with others, or another threshold, a change of members.
 * Every two holders set up what they sign with (pairwise.h) in the same rounds.
 *
 * Rounds: commit; open, shares, trees; confirm (all compare a hash of everything that was opened). Then
 * dealing_take_share() gives the share, and the caller makes it durable. No old share may be destroyed before all have:
 * that is the caller's, since it outlives processes (gate/pledges.h).
 *
 * Memory: opaque, wiped when destroyed; terms are borrowed for the call. Frames are carried by its exchange
 * (exchange.h). Threads: one. No I/O, no clock. Errors: "dealing.*". Sources: ePrint 2022/374; Pedersen 1991; Feldman 1987.
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_ECDSA_DEALING_H
#define GATEHOUSE_KEYS_THRESHOLD_ECDSA_DEALING_H

#include "keys/threshold/ecdsa/share.h"
#include "keys/threshold/exchange.h"

enum dealing_kind { DEALING_GENERATE, DEALING_IMPORT, DEALING_RESHARE };

struct dealing_terms {
	enum dealing_kind kind;
	struct bytes instance;
	const uint8_t *nonce; /* 32 bytes, agreed on and new */
	uint8_t self;
	struct randomness randomness;
	/* Of the key that comes of it: id, purpose, threshold, epoch, holders; import, reshare: public key, chain code. */
	struct ecdsa_key key;
	const uint8_t *part; /* import: 32 bytes, this holder's */
	/* Reshare: the key as it was, those of its holders who deal, and this one's share if it is one of them. */
	const struct ecdsa_key *old_key;
	const struct party_set *dealers;
	const struct ecdsa_share *old_share;
};

struct dealing;

/* Errors: dealing.terms, dealing.part, and those of session.h. */
enum status dealing_start(struct dealing **dealing, const struct dealing_terms *terms);
void dealing_destroy(struct dealing **dealing); /* a cleanup function */
struct exchange *dealing_exchange(struct dealing *dealing);

/* True once all have confirmed: the key as it now is. */
bool dealing_confirmed(const struct dealing *dealing, struct ecdsa_key *key);
/* The share, handed over; null before all have confirmed, and for a party that holds none. */
struct ecdsa_share *dealing_take_share(struct dealing *dealing);

/* The messages, one kind a round; for tests that go through all their fields. */
extern const struct message_kind DEALING_MESSAGES[];
constexpr size_t DEALING_ROUNDS = 3;
struct message_counts dealing_counts(const void *dealing, uint8_t from, uint8_t to);

#endif
