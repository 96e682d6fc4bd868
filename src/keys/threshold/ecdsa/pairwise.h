/*
 * What two parties that sign together keep between them: all-but-one seeds in both directions and a common seed for
 * sums of zero.
 *
 * It is set up in the rounds of a dealing, and used by every signing. In each signing one is the receiver of an
 * extension with the trees it made and the sender of another with the trees that the peer made. After a check that
 * failed it is forgotten, and made anew only by the next dealing: a peer that cheats learns a bit of Δ with each try
 * that it survives. Memory: plain structs that their owner keeps in secret memory. Errors: those of base_ot.h and
 * pprf.h.
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_ECDSA_PAIRWISE_H
#define GATEHOUSE_KEYS_THRESHOLD_ECDSA_PAIRWISE_H

#include "keys/threshold/ecdsa/base_ot.h"
#include "keys/threshold/ecdsa/pprf.h"
#include "keys/threshold/session.h"

struct pairwise {
	bool ready;
	uint8_t peer;
	struct hash256 setup_id; /* the same on both sides; public */
	struct pprf_full as_receiver;
	struct pprf_punctured as_sender;
	uint8_t zero_seed[32];
};

/* On the way there. */
struct pairwise_setup {
	uint8_t peer;
	struct base_ot_receiver receiver;
	struct base_ot_sender sender;
	uint8_t receiver_keys[OT_KAPPA][OT_SEED_SIZE];
	struct pprf_message trees;
	uint8_t contribution[32];     /* to the seed */
	struct hash256 transcript[2]; /* of what each side sent in the first round: own, peer's */
};

/* First round: sends setup->receiver.offer and setup->sender.answer. */
enum status pairwise_start(struct pairwise_setup *setup, struct oblivious *oblivious,
			   const struct protocol_session *session, uint8_t peer, const struct randomness *randomness);
/* Second round, with what the peer sent in the first: sends setup->trees and setup->contribution. */
enum status pairwise_answer(struct pairwise_setup *setup, struct oblivious *oblivious,
			    const struct protocol_session *session, struct bytes offer, struct bytes answer,
			    struct pairwise *pair);
/* With what the peer sent in the second. Then *pair is ready. */
enum status pairwise_finish(struct pairwise_setup *setup, struct oblivious *oblivious,
			    const struct protocol_session *session, struct bytes trees, struct bytes contribution,
			    struct pairwise *pair);
void pairwise_forget(struct pairwise *pair);

#endif
