/*
 * Which pairs a key's holders have lost, told among them, so that both ends of a pair are there or neither, and a set of signers is chosen only where
 * all of its pairs are. Each speaks of its own pairs alone: who lies costs itself what it says it has lost, and nobody else anything.
 * docs/PROTOCOL.threshold §16, "Pairs".
 */
#include "keeper/threshold_internal.h"

#include "base/log.h"
#include "keeper/peer_link.h"

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
	if (lost != 0 && !key->is_closed && sharing_hash(&key->sharing, &pairs.digest) == OK)
		threshold_send_answer(keeper, peer, &pairs);
}

static void
tell_all(struct keeper *keeper, const struct shared_key *key) {
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
		tell_all(keeper, value);
}

/* --- What is lost, durably. --- */

/* That nobody hears of it does not hide it: who made a check fail sees that nothing follows. It is the pair that must not come back. So this
 * process, in which it is gone, goes on, and signs nothing with the key meanwhile. */
static bool
seal(struct keeper *keeper, struct shared_key *key) {
	bool was_closed = key->is_closed;
	key->is_closed = shared_keys_reseal(keeper->gate->state, key) != OK;
	if (key->is_closed && !was_closed)
		log_error("joint.reseal: key %s has lost a pair, and that cannot be written: nothing is signed or "
			  "prepared with it until it can: %s",
			  key->sharing.key.id, fail_message());
	else if (was_closed && !key->is_closed)
		log_notice("what key %s has lost is written: it signs again", key->sharing.key.id);
	return !key->is_closed;
}

void
pairs_seal(struct keeper *keeper, struct bytes key_id) {
	struct shared_key *key = shared_keys_find(keeper->gate->state, key_id);
	if (key != nullptr && key->share != nullptr) {
		pool_forget_lost(keeper, key);
		if (!seal(keeper, key))
			return;
		tell_all(keeper, key);
	}
	signing_tell_failed(keeper, key_id);
	pool_tell_failed(keeper, key_id);
}

static void
seal_closed(struct keeper *keeper) {
	size_t at = 0;
	struct bytes key_id;
	void *value;
	while (map_next(&keeper->gate->state->shared_keys, &at, &key_id, &value))
		if (((const struct shared_key *)value)->is_closed)
			pairs_seal(keeper, key_id);
}

void
pairs_seal_turn(struct keeper *keeper, int64_t now_ms) {
	struct threshold *threshold = keeper->threshold;
	if (now_ms < threshold->seal_turn_ms)
		return;
	threshold->seal_turn_ms = now_ms + SEAL_TURN_MS;
	seal_closed(keeper);
	if (!threshold->is_mute || threshold_keys_closed(keeper) > 0)
		return;
	threshold->is_mute = false;
	log_notice("what a failed check costs can be written: other keepers are connected to");
	peer_link_begin(keeper);
}

enum status
pairs_need_sealed(const struct shared_key *key) {
	return key->is_closed
		       ? fail(STATUS_UNAVAILABLE,
			      "joint.reseal: what key %s has lost cannot be written at this keeper, and nothing is "
			      "signed with it until it can",
			      key->sharing.key.id)
		       : OK;
}

size_t
threshold_keys_closed(const struct keeper *keeper) {
	size_t count = 0, at = 0;
	void *value;
	while (map_next(&keeper->gate->state->shared_keys, &at, nullptr, &value))
		count += ((const struct shared_key *)value)->is_closed;
	return count;
}

/* --- At the start. --- */

bool
threshold_is_mute(const struct keeper *keeper) {
	return keeper->threshold->is_mute;
}

/* Of all that would have to be written the largest. Null: there is nothing that could be lost. */
static struct shared_key *
largest(const struct keeper *keeper) {
	struct shared_key *found = nullptr;
	size_t at = 0;
	void *value;
	while (map_next(&keeper->gate->state->shared_keys, &at, nullptr, &value)) {
		struct shared_key *key = value;
		if (key->share != nullptr &&
		    (found == nullptr || key->sharing.key.holders.count > found->sharing.key.holders.count))
			found = key;
	}
	return found;
}

/* By doing it: the row is written anew as it is. A process before may have ended because it could not. */
void
pairs_start(struct keeper *keeper) {
	const struct shared_key *tried = largest(keeper);
	size_t at = 0;
	void *value;
	if (tried == nullptr || shared_keys_reseal(keeper->gate->state, tried) == OK)
		return;
	log_error("joint.reseal: what a failed check costs cannot be written: nothing is signed with shared keys, and "
		  "no other keeper is connected to, until it can: %s",
		  fail_message());
	keeper->threshold->is_mute = true;
	while (map_next(&keeper->gate->state->shared_keys, &at, nullptr, &value)) {
		struct shared_key *key = value;
		key->is_closed = key->share != nullptr;
	}
}

/* --- Hearing. --- */

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
	if ((lost & bit_of(key->share->self)) != 0 && shared_key_is_ready_with(key, peer->party)) {
		pairwise_forget(ecdsa_share_pair(key->share, peer->party)); /* the other half of what is gone there */
		pairs_seal(keeper, answer->key_id);
	}
	pool_forget_lost(keeper, key);
}
