/*
 * Endemic oblivious transfer, 128 at once: the sender gets two keys of each, the receiver the one that it chose.
 *
 * Both sides speak at the same time. Of each pair of points (r_0, r_1) the receiver makes one at random and the other
 * as a·G − H(the first), so that it knows a logarithm of r_c + H(r_1−c) for its choice c and of nothing else; the
 * sender answers b·G, with its own b for each transfer (reusing one is where batches go wrong: ePrint 2021/682). Keys
 * are hashes of b·(r_s + H(r_1−s)). H hashes to the curve by ElligatorSwift, whose time depends on what is hashed, all
 * of it public; the receiver hashes both points of each pair, so that the time of the whole says nothing about which
 * one it made. Memory: plain structs that the caller keeps in secret memory. Threads: one at a time. Errors:
 * STATUS_INVALID "base_ot.*", "point.*". Sources: Masny and Rindal, ePrint 2019/706; SwiftEC.
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_ECDSA_BASE_OT_H
#define GATEHOUSE_KEYS_THRESHOLD_ECDSA_BASE_OT_H

#include "keys/threshold/ecdsa/oblivious.h"
#include "keys/threshold/point.h"

constexpr size_t BASE_OT_OFFER_SIZE = OT_KAPPA * 2 * POINT_SIZE;
constexpr size_t BASE_OT_ANSWER_SIZE = OT_KAPPA * POINT_SIZE;

struct base_ot_receiver {
	uint8_t choices[OT_KAPPA / 8];
	struct scalar secrets[OT_KAPPA];
	uint8_t offer[BASE_OT_OFFER_SIZE]; /* to the sender */
};

struct base_ot_sender {
	struct scalar secrets[OT_KAPPA];
	uint8_t answer[BASE_OT_ANSWER_SIZE]; /* to the receiver */
};

/* choices: one bit each. */
enum status base_ot_receiver_start(struct base_ot_receiver *receiver, struct oblivious *oblivious,
				   const struct hash256 *context, const uint8_t choices[OT_KAPPA / 8],
				   const struct randomness *randomness);
enum status base_ot_sender_start(struct base_ot_sender *sender, const struct randomness *randomness);
enum status base_ot_receiver_finish(const struct base_ot_receiver *receiver, struct oblivious *oblivious,
				    const struct hash256 *context, const uint8_t answer[BASE_OT_ANSWER_SIZE],
				    uint8_t keys[OT_KAPPA][OT_SEED_SIZE]);
enum status base_ot_sender_finish(const struct base_ot_sender *sender, struct oblivious *oblivious,
				  const struct hash256 *context, const uint8_t offer[BASE_OT_OFFER_SIZE],
				  uint8_t keys[OT_KAPPA][2][OT_SEED_SIZE]);

#endif
