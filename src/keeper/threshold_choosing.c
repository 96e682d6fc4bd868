/*
 * Who signs with a shared key, of those that permit it: by preference nobody whom a check named, whose list of spends was refused, or
 * who failed in the same company before. Nothing is tried again: an operation that failed stays so, and the next one is signed by others.
 */
#include "keeper/threshold_internal.h"

#include <stdio.h>

/* --- Doubts. --- */

static void
forget_set(struct signer_doubts *doubts, uint32_t set) {
	size_t kept = 0;
	for (size_t i = 0; i < doubts->set_count; i++)
		if (doubts->sets[i] != set)
			doubts->sets[kept++] = doubts->sets[i];
	doubts->set_count = (uint8_t)kept;
}

void
choosing_doubt(struct keeper *keeper, const struct joint_session *session, uint8_t culprit) {
	struct shared_key *key = shared_keys_find(keeper->gate->state, bytes_of_text(session->key_id));
	uint32_t set = party_bits(&session->signers);
	if (key == nullptr || set == 0)
		return;
	struct signer_doubts *doubts = &key->doubts;
	if (culprit != 0 && culprit <= PARTIES_MAX)
		doubts->parties |= UINT32_C(1) << culprit;
	forget_set(doubts, set);
	if (doubts->set_count == DOUBTED_SETS_MAX)
		forget_set(doubts, doubts->sets[0]);
	doubts->sets[doubts->set_count++] = set;
}

void
choosing_trust(struct keeper *keeper, const struct joint_session *session) {
	struct shared_key *key = shared_keys_find(keeper->gate->state, bytes_of_text(session->key_id));
	if (key != nullptr)
		forget_set(&key->doubts, party_bits(&session->signers));
}

/* 0: it failed with these never; else the greater the later. */
static size_t
failed_last(const struct signer_doubts *doubts, uint32_t set) {
	for (size_t i = 0; i < doubts->set_count; i++)
		if (doubts->sets[i] == set)
			return i + 1;
	return 0;
}

/* --- Choosing. --- */

/* Whether the holder has permitted, of the epoch that signs here and under the bundle that is in force here. */
static bool
is_willing(const struct keeper *keeper, const struct joint_session *session, const struct shared_key *key,
	   const struct party *party) {
	const struct session_party *heard = &session->parties[party->index];
	return heard->has_permitted && heard->epoch == key->sharing.key.epoch &&
	       !keeper->threshold->is_untold[party->index] && threshold_may_sign(keeper, key, party) &&
	       hash256_equal(&heard->bundle, &keeper->gate->state->bundle->hash);
}

/* How little is expected of a holder: 0 what it takes is there; 1 a set-up is missing; 2 it will be refused, or has failed. */
static unsigned
rank_of(const struct keeper *keeper, const struct shared_key *key, uint8_t party) {
	bool is_named = (key->doubts.parties >> party & 1) != 0;
	if (is_named || keeper->threshold->is_unheard[party])
		return 2;
	return shared_key_is_ready_with(key, party) ? 0 : 1;
}

struct candidates {
	uint8_t parties[PARTIES_MAX]; /* the better first, in each rank by index */
	size_t count;
};

/* No more of lower ranks than it takes. */
static struct candidates
find_candidates(const struct keeper *keeper, const struct joint_session *session, const struct shared_key *key,
		size_t needed) {
	struct candidates found = {};
	for (unsigned rank = 0; rank <= 2 && found.count < needed; rank++)
		for (size_t i = 0; i < session->holders.count; i++) {
			const struct party *party = &session->holders.parties[i];
			if (party->index != shared_key_self(key) && rank_of(keeper, key, party->index) == rank &&
			    is_willing(keeper, session, key, party))
				found.parties[found.count++] = party->index;
		}
	return found;
}

/* As bits over the candidates: the first set of whole pairs that has not failed, else the one whose failure is the longest ago. */
static uint32_t
choose_set(const struct shared_key *key, const struct candidates *candidates, size_t needed) {
	uint32_t best = 0;
	size_t best_failed = SIZE_MAX;
	for (uint32_t set = 0; set < UINT32_C(1) << candidates->count && best_failed > 0; set++) {
		uint32_t parties = UINT32_C(1) << shared_key_self(key);
		if ((size_t)__builtin_popcount(set) != needed)
			continue;
		for (size_t i = 0; i < candidates->count; i++)
			if ((set >> i & 1) != 0)
				parties |= UINT32_C(1) << candidates->parties[i];
		size_t failed = shared_key_has_pairs(key, parties) ? failed_last(&key->doubts, parties) : SIZE_MAX - 1;
		if (failed < best_failed) {
			best = set;
			best_failed = failed;
		}
	}
	return best;
}

/* Of a holder that is there and has the key otherwise, what it needs. */
static void
name_need(const struct keeper *keeper, const struct joint_session *session, const struct shared_key *key,
	  size_t position, struct buffer *needs) {
	const struct party *party = &key->sharing.key.holders.parties[position];
	const struct session_party *heard = &session->parties[party->index];
	const char *name = key->sharing.names[position];
	if (party->index == shared_key_self(key) || threshold_holder(keeper, party) == nullptr)
		return;
	if (!threshold_may_sign(keeper, key, party))
		buffer_append_format(needs,
				     "; %s was admitted anew since it was dealt: gatehouse key repair %s --keeper %s",
				     name, key->sharing.key.id, name);
	else if (heard->has_permitted && heard->epoch != key->sharing.key.epoch)
		buffer_append_format(needs, "; %s has it as of epoch %u, not %u: gatehouse key repair %s --keeper %s",
				     name, heard->epoch, key->sharing.key.epoch, key->sharing.key.id,
				     heard->epoch < key->sharing.key.epoch ? name : keeper->gate->state->keeper);
}

enum status
choosing_signers(struct keeper *keeper, const struct joint_session *session, struct party_set *signers) {
	const struct shared_key *key = shared_keys_find(keeper->gate->state, bytes_of_text(session->key_id));
	size_t count = 1, threshold = key->sharing.key.threshold;
	struct candidates candidates = find_candidates(keeper, session, key, threshold - 1);
	uint8_t indices[PARTIES_MAX] = {shared_key_self(key)};
	if (candidates.count < threshold - 1) {
		_cleanup_(buffer_free) struct buffer needs = {};
		for (size_t i = 0; i < key->sharing.key.holders.count; i++)
			name_need(keeper, session, key, i, &needs);
		return fail(
			STATUS_UNAVAILABLE,
			"joint.too_few: %zu of %zu keepers that must sign are there, and run this policy bundle%.*s",
			candidates.count + 1, threshold, BYTES_ARGS(needs));
	}
	uint32_t set = choose_set(key, &candidates, threshold - 1);
	for (size_t i = 0; i < candidates.count; i++)
		if ((set >> i & 1) != 0)
			indices[count++] = candidates.parties[i];
	return party_set_choose(&session->holders, indices, count, signers);
}
