#include "keys/threshold/ecdsa/pairwise.h"

#include "base/secret.h"
#include "crypto/declassify.h"

static struct hash256
base_context(const struct protocol_session *session, uint8_t sender, uint8_t receiver) {
	return SESSION_HASH(session, "gatehouse/threshold/ecdsa/base-ot/v1", bytes_of(&sender, 1),
			    bytes_of(&receiver, 1));
}

enum status
pairwise_start(struct pairwise_setup *setup, struct oblivious *oblivious, const struct protocol_session *session,
	       uint8_t peer, const struct randomness *randomness) {
	struct hash256 context = base_context(session, peer, session->self);
	uint8_t delta[OT_KAPPA / 8], choices[OT_KAPPA / 8];
	setup->peer = peer;
	randomness_fill(randomness, delta, sizeof delta);
	for (size_t i = 0; i < sizeof delta; i++)
		choices[i] = (uint8_t)~delta[i];
	enum status status = base_ot_receiver_start(&setup->receiver, oblivious, &context, choices, randomness);
	secret_wipe(delta, sizeof delta);
	secret_wipe(choices, sizeof choices);
	TRY(status);
	TRY(base_ot_sender_start(&setup->sender, randomness));
	randomness_fill(randomness, setup->contribution, sizeof setup->contribution);
	return OK;
}

/* The trees are bound to what both sides said before. */
static struct hash256
tree_context(const struct pairwise_setup *setup, const struct protocol_session *session, uint8_t maker,
	     uint8_t opener) {
	bool own = maker == session->self;
	return SESSION_HASH(session, "gatehouse/threshold/ecdsa/trees/v1", bytes_of(&maker, 1), bytes_of(&opener, 1),
			    hash256_bytes(&setup->transcript[own ? 0 : 1]),
			    hash256_bytes(&setup->transcript[own ? 1 : 0]));
}

static struct hash256
hash_first_round(const struct protocol_session *session, uint8_t from, uint8_t to, struct bytes offer,
		 struct bytes answer) {
	return SESSION_HASH(session, "gatehouse/threshold/ecdsa/setup-offer/v1", bytes_of(&from, 1), bytes_of(&to, 1),
			    offer, answer);
}

static enum status
make_own_trees(struct pairwise_setup *setup, struct oblivious *oblivious, const struct protocol_session *session,
	       struct bytes offer, struct pairwise *pair) {
	struct hash256 base = base_context(session, session->self, setup->peer),
		       trees = tree_context(setup, session, session->self, setup->peer);
	uint8_t keys[OT_KAPPA][2][OT_SEED_SIZE];
	enum status status = base_ot_sender_finish(&setup->sender, oblivious, &base, offer.data, keys);
	if (status == OK)
		pprf_make(oblivious, &trees, keys, &pair->as_receiver, &setup->trees);
	secret_wipe(keys, sizeof keys);
	return status;
}

enum status
pairwise_answer(struct pairwise_setup *setup, struct oblivious *oblivious, const struct protocol_session *session,
		struct bytes offer, struct bytes answer, struct pairwise *pair) {
	struct hash256 base = base_context(session, setup->peer, session->self);
	*pair = (struct pairwise){.peer = setup->peer};
	setup->transcript[0] =
		hash_first_round(session, session->self, setup->peer, BYTES_OF_ARRAY(setup->receiver.offer),
				 BYTES_OF_ARRAY(setup->sender.answer));
	setup->transcript[1] = hash_first_round(session, setup->peer, session->self, offer, answer);
	TRY(base_ot_receiver_finish(&setup->receiver, oblivious, &base, answer.data, setup->receiver_keys));
	return make_own_trees(setup, oblivious, session, offer, pair);
}

/* Of what both sides gave: first rounds in the order of indices, then trees, and a hash of the common seed. */
static struct hash256
make_setup_id(const struct pairwise_setup *setup, const struct protocol_session *session, struct bytes trees,
	      const struct hash256 *seed) {
	struct bytes own = bytes_of(&setup->trees, sizeof setup->trees);
	bool first = session->self < setup->peer;
	struct hash256 seed_check =
		SESSION_HASH(session, "gatehouse/threshold/ecdsa/zero-seed-check/v1", hash256_bytes(seed));
	return SESSION_HASH(session, "gatehouse/threshold/ecdsa/setup/v1",
			    hash256_bytes(&setup->transcript[first ? 0 : 1]),
			    hash256_bytes(&setup->transcript[first ? 1 : 0]), first ? own : trees, first ? trees : own,
			    hash256_bytes(&seed_check));
}

enum status
pairwise_finish(struct pairwise_setup *setup, struct oblivious *oblivious, const struct protocol_session *session,
		struct bytes trees, struct bytes contribution, struct pairwise *pair) {
	struct hash256 context = tree_context(setup, session, setup->peer, session->self);
	struct bytes own = BYTES_OF_ARRAY(setup->contribution);
	uint8_t delta[OT_KAPPA / 8];
	bool first = session->self < setup->peer;
	for (size_t i = 0; i < sizeof delta; i++)
		delta[i] = (uint8_t)~setup->receiver.choices[i];
	enum status status = pprf_open(oblivious, &context, setup->receiver_keys, delta,
				       (const struct pprf_message *)trees.data, &pair->as_sender);
	secret_wipe(delta, sizeof delta);
	TRY(status);
	struct hash256 seed = SESSION_HASH(session, "gatehouse/threshold/ecdsa/zero-seed/v1",
					   SESSION_BYTE(first ? session->self : setup->peer),
					   SESSION_BYTE(first ? setup->peer : session->self),
					   first ? own : contribution, first ? contribution : own);
	memcpy(pair->zero_seed, seed.bytes, sizeof seed.bytes);
	pair->setup_id = make_setup_id(setup, session, trees, &seed);
	declassify(&pair->setup_id, sizeof pair->setup_id);
	secret_wipe(&seed, sizeof seed);
	pair->ready = true;
	return OK;
}

void
pairwise_forget(struct pairwise *pair) {
	uint8_t peer = pair->peer;
	secret_wipe(pair, sizeof *pair);
	pair->peer = peer;
}
