/*
 * Which pairs a key's holders have lost, told among them, so that both ends of a pair are there or neither, and a set of signers is chosen only where
 * all of its pairs are. Each speaks of its own pairs alone: who lies costs itself what it says it has lost, and nobody else anything.
 * docs/PROTOCOL.threshold §16, "Pairs".
 */
#include "keeper/threshold_internal.h"

#include "base/log.h"

static uint32_t
bit_of(uint8_t party) {
	return UINT32_C(1) << party;
}

/* Holders of parties beyond are none of ours. */
static uint32_t
own_lost(const struct shared_key *key) {
	const struct party_set *holders = &key->sharing.key.holders;
	uint32_t lost = 0;
	for (size_t i = 0; key->share != nullptr && i < holders->count; i++) {
		uint8_t index = holders->parties[i].index;
		if (index != key->share->self && index <= PARTIES_MAX && !shared_key_is_ready_with(key, index))
			lost |= bit_of(index);
	}
	return lost;
}

static const struct peer *
holder_of(const struct keeper *keeper, const struct shared_key *key, uint8_t party) {
	size_t position = party_set_position(&key->sharing.key.holders, party);
	return position < key->sharing.key.holders.count
		       ? threshold_holder(keeper, &key->sharing.key.holders.parties[position])
		       : nullptr;
}

/* --- Telling. --- */

static void
tell(struct keeper *keeper, const struct shared_key *key, const struct peer *peer) {
	struct joint_answer pairs = {.kind = ANSWER_PAIRS, .key_id = bytes_of_text(key->sharing.key.id)};
	uint32_t lost = own_lost(key);
	for (uint8_t party = 1; party <= PARTIES_MAX; party++)
		if ((lost & bit_of(party)) != 0)
			pairs.lost[pairs.lost_count++] = party;
	if (lost != 0 && sharing_hash(&key->sharing, &pairs.digest) == OK)
		threshold_send_answer(keeper, peer, &pairs);
}

void
pairs_tell(struct keeper *keeper, const struct shared_key *key) {
	const struct party_set *holders = &key->sharing.key.holders;
	for (size_t i = 0; i < holders->count; i++) {
		const struct peer *peer = threshold_holder(keeper, &holders->parties[i]);
		if (peer != nullptr)
			tell(keeper, key, peer);
	}
}

void
pairs_up(struct keeper *keeper, const struct peer *peer) {
	size_t at = 0;
	void *value;
	while (map_next(&keeper->gate->state->shared_keys, &at, nullptr, &value))
		if (holder_of(keeper, value, peer->party) == peer)
			tell(keeper, value, peer);
}

void
pairs_turn(struct keeper *keeper) {
	size_t at = 0;
	void *value;
	while (map_next(&keeper->gate->state->shared_keys, &at, nullptr, &value))
		pairs_tell(keeper, value);
}

/* --- Hearing. --- */

/* The other half of what is gone there. Durable before anything else is said. */
static void
lose_own(struct keeper *keeper, struct shared_key *key, uint8_t party) {
	pairwise_forget(ecdsa_share_pair(key->share, party));
	if (shared_keys_reseal(keeper->gate->state, key) != OK) {
		keeper_end(keeper, "joint.reseal: a restart would bring back a pair that is gone");
		return;
	}
	pairs_tell(keeper, key);
}

void
pairs_heard(struct keeper *keeper, const struct peer *peer, const struct joint_answer *answer) {
	struct shared_key *key = shared_keys_find(keeper->gate->state, answer->key_id);
	struct hash256 hash;
	uint32_t lost = 0;
	if (key == nullptr || key->share == nullptr || holder_of(keeper, key, peer->party) != peer ||
	    sharing_hash(&key->sharing, &hash) != OK || !hash256_equal(&hash, &answer->digest))
		return; /* of another epoch: who is of this one says it again */
	for (size_t i = 0; i < answer->lost_count; i++)
		if (answer->lost[i] != peer->party && party_set_has(&key->sharing.key.holders, answer->lost[i]))
			lost |= bit_of(answer->lost[i]);
	if ((lost & ~key->told_lost[peer->party]) == 0)
		return;
	key->told_lost[peer->party] |= lost;
	log_warning("keeper %s has lost pairs of key %s: what it signs with takes a refresh", peer->name,
		    key->sharing.key.id);
	if ((lost & bit_of(key->share->self)) != 0 && shared_key_is_ready_with(key, peer->party))
		lose_own(keeper, key, peer->party);
	pool_forget_lost(keeper, key);
}
