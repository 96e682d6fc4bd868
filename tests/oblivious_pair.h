/*
 * For tests of oblivious transfer: two parties in one place, and what their base transfers and trees give them.
 * Include after tests/test.h.
 */
#ifndef GATEHOUSE_TESTS_OBLIVIOUS_PAIR_H
#define GATEHOUSE_TESTS_OBLIVIOUS_PAIR_H

#include "keys/threshold/ecdsa/base_ot.h"
#include "keys/threshold/ecdsa/pprf.h"

struct oblivious_pair {
	struct oblivious *oblivious;
	struct randomness randomness;
	struct hash256 context;
	uint8_t sender_keys[OT_KAPPA][2][OT_SEED_SIZE];
	uint8_t receiver_keys[OT_KAPPA][OT_SEED_SIZE];
	uint8_t delta[OT_KAPPA / 8];
	struct pprf_full full;
	struct pprf_punctured punctured;
	struct pprf_message message;
};

/* Base transfers with the choices ¬Δ; Δ at random but for one byte of zeros, which a cheating peer may guess. */
static inline void
oblivious_pair_start(struct oblivious_pair *pair) {
	static struct base_ot_receiver receiver;
	static struct base_ot_sender sender;
	uint8_t choices[OT_KAPPA / 8];
	*pair = (struct oblivious_pair){.context = sha256(BYTES_OF_LITERAL("pair"))};
	assert_ok(oblivious_create(&pair->oblivious));
	random_bytes(pair->delta, sizeof pair->delta);
	pair->delta[2] = 0;
	for (size_t i = 0; i < sizeof choices; i++)
		choices[i] = (uint8_t)~pair->delta[i];
	assert_ok(base_ot_receiver_start(&receiver, pair->oblivious, &pair->context, choices, &pair->randomness));
	assert_ok(base_ot_sender_start(&sender, &pair->randomness));
	assert_ok(base_ot_sender_finish(&sender, pair->oblivious, &pair->context, receiver.offer, pair->sender_keys));
	assert_ok(base_ot_receiver_finish(&receiver, pair->oblivious, &pair->context, sender.answer,
					  pair->receiver_keys));
}

static inline void
oblivious_pair_grow(struct oblivious_pair *pair) {
	pprf_make(pair->oblivious, &pair->context, pair->sender_keys, &pair->full, &pair->message);
	assert_ok(pprf_open(pair->oblivious, &pair->context, pair->receiver_keys, pair->delta, &pair->message,
			    &pair->punctured));
}

static inline void
oblivious_pair_end(struct oblivious_pair *pair) {
	oblivious_destroy(&pair->oblivious);
}

#endif
