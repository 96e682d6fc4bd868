/*
 * Dealing shares of a key for FROST: how it comes to be, and how its shares change while the key stays.
 *
 * *Dealers* share a number each, by Shamir's scheme with Feldman's commitments, to the *holders* to be; a holder's share is the
 * sum of what it got.
 *     generate  every holder deals a random number; the key is their sum, and nobody's
 *     reshare   as many old holders as the old threshold deal their Lagrange parts; the key stays. With the same holders it is
 *               a refresh; with others, or another threshold, a change of members.
 * Everybody commits to what it deals before anybody opens, and proves that it knows the number: nobody chooses its number
 * after those of others.
 *
 * Rounds: commit; open, shares; confirm (all compare a hash of everything that was opened). Then frost_dealing_take_share() gives the
 * share, and the caller makes it durable. No old share may be destroyed before all have: that is the caller's, since it outlives
 * processes (gate/pledges.h). The sibling for ECDSA, ecdsa/dealing.h, has the same rounds; there, pairs of holders are set up in
 * them as well.
 *
 * Memory: opaque, wiped when destroyed; terms are borrowed for the call. Frames are carried by its exchange (exchange.h).
 * Threads: one. No I/O, no clock. Errors: "frost_dealing.*". Sources: Komlo and Goldberg, ePrint 2020/852, figure 1, with a round of
 * commitments before; Pedersen 1991; Feldman 1987; Herzberg et al. 1995 (refresh); Desmedt and Jajodia 1997 (reshare).
 * docs/PROTOCOL.threshold §17.
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_FROST_FROST_DEALING_H
#define GATEHOUSE_KEYS_THRESHOLD_FROST_FROST_DEALING_H

#include "keys/threshold/exchange.h"
#include "keys/threshold/frost/key_share.h"

enum frost_dealing_kind { FROST_DEALING_GENERATE, FROST_DEALING_RESHARE };

struct frost_dealing_terms {
	enum frost_dealing_kind kind;
	struct bytes instance;
	const uint8_t *nonce; /* 32 bytes, agreed on and new */
	uint8_t self;
	struct randomness randomness;
	/* Of the key that comes of it: id, scheme, purpose, threshold, epoch, holders; reshare: public key, chain code. */
	struct frost_key_info key;
	/* Reshare: the key as it was, those of its holders who deal, and this one's share if it is one of them. */
	const struct frost_key_info *old_key;
	const struct party_set *dealers;
	const struct frost_key_share *old_share;
};

struct frost_dealing;

/* Errors: frost_dealing.terms, and those of session.h. */
enum status frost_dealing_start(struct frost_dealing **dealing, const struct frost_dealing_terms *terms);
void frost_dealing_destroy(struct frost_dealing **dealing); /* a cleanup function */
struct exchange *frost_dealing_exchange(struct frost_dealing *dealing);

/* True once all have confirmed: the key as it now is. */
bool frost_dealing_confirmed(const struct frost_dealing *dealing, struct frost_key_info *key);
/* The share, handed over; null before all have confirmed, and for a party that holds none. */
struct frost_key_share *frost_dealing_take_share(struct frost_dealing *dealing);

/* The messages, one kind a round; for tests that go through all their fields. */
constexpr size_t FROST_DEALING_ROUNDS = 3;
extern const struct message_kind FROST_DEALING_MESSAGES[FROST_DEALING_ROUNDS];
struct message_counts frost_dealing_counts(const void *dealing, uint8_t from, uint8_t to);

#endif
