/*
 * Repair: as many holders as the threshold give a holder its lost share back, without anyone seeing another's and without a
 * new epoch.
 *
 * Each helper multiplies its share with its Lagrange coefficient at the lost holder's index and splits the product into random
 * summands, one for each helper, committed to in public. Each helper sends the sum of what it got to the lost holder, whose share
 * is the sum of those sums. Every summand is checked against its commitment, every set of commitments against the public
 * share of its maker, every sum against all commitments: whoever sends something wrong is named.
 *
 * Rounds: split; sum (all compare a hash of all commitments); stored. A holder that was robbed of its share, rather than having
 * lost it, is not repaired but refreshed (frost_dealing.h): the old share stays good.
 * Memory, threads and errors as in frost_dealing.h; "frost_repair.*". Sources: Stinson and Wei, ePrint 2017/1155, §3, with
 * Feldman's commitments; docs/PROTOCOL.threshold §18.
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_FROST_FROST_REPAIR_H
#define GATEHOUSE_KEYS_THRESHOLD_FROST_FROST_REPAIR_H

#include "keys/threshold/exchange.h"
#include "keys/threshold/frost/key_share.h"

struct frost_repair_terms {
	struct bytes instance;
	const uint8_t *nonce; /* 32 bytes, agreed on and new */
	uint8_t self;
	struct randomness randomness;
	const struct frost_key_info *key;    /* as it is */
	const struct party_set *helpers;     /* of its holders, as many as its threshold, the lost one not among them */
	uint8_t lost;                        /* the holder whose share is to be made again */
	const struct frost_key_share *share; /* of a helper; null at the lost holder */
};

struct frost_repair;

/* Errors: frost_repair.terms, and those of session.h. */
enum status frost_repair_start(struct frost_repair **repair, const struct frost_repair_terms *terms);
void frost_repair_destroy(struct frost_repair **repair); /* a cleanup function */
struct exchange *frost_repair_exchange(struct frost_repair *repair);

/* At the lost holder, once all sums have come: the share, handed over; null before, and at helpers. */
struct frost_key_share *frost_repair_take_share(struct frost_repair *repair);
/* After the second round: the lost holder has made it durable; helpers have nothing to store and say so at once. */
enum status frost_repair_stored(struct frost_repair *repair);
/* Whether the second round is over, so that frost_repair_stored() is due. */
bool frost_repair_is_repaired(const struct frost_repair *repair);

/* The messages, one kind a round; for tests that go through all their fields. */
constexpr size_t FROST_REPAIR_ROUNDS = 3;
extern const struct message_kind FROST_REPAIR_MESSAGES[FROST_REPAIR_ROUNDS];
struct message_counts frost_repair_counts(const void *repair, uint8_t from, uint8_t to);

#endif
