#include "keys/threshold/ecdsa/base_ot.h"

#include "base/secret.h"
#include "crypto/declassify.h"

/* H: two hashes in the context, decoded. */
static struct point
hash_to_point(struct oblivious *oblivious, const struct hash256 *context, size_t index, const uint8_t point[33]) {
	uint8_t data[2 + POINT_SIZE], uniform[64];
	data[0] = (uint8_t)index;
	memcpy(data + 2, point, POINT_SIZE);
	for (uint8_t half = 0; half < 2; half++) {
		data[1] = half;
		struct hash256 hash = oblivious_hash(oblivious, context, TAG_BASE_POINT, data, sizeof data);
		memcpy(uniform + 32 * (size_t)half, hash.bytes, 32);
	}
	return point_of_uniform_bytes(uniform);
}

static void
make_key(struct oblivious *oblivious, const struct hash256 *context, size_t index, uint8_t slot,
	 const uint8_t pair[2 * POINT_SIZE], const uint8_t answer[POINT_SIZE], const struct point *product,
	 uint8_t key[OT_SEED_SIZE]) {
	uint8_t data[2 + 4 * POINT_SIZE];
	data[0] = (uint8_t)index;
	data[1] = slot;
	memcpy(data + 2, pair, 2 * POINT_SIZE);
	memcpy(data + 2 + 2 * POINT_SIZE, answer, POINT_SIZE);
	point_write(product, data + 2 + 3 * POINT_SIZE);
	struct hash256 hash = oblivious_hash(oblivious, context, TAG_BASE_KEY, data, sizeof data);
	memcpy(key, hash.bytes, OT_SEED_SIZE);
	secret_wipe(data, sizeof data);
	secret_wipe(&hash, sizeof hash);
}

/* Exchanges the two points of a pair where the mask is set. */
static void
swap_points(uint8_t pair[2 * POINT_SIZE], uint8_t mask) {
	for (size_t i = 0; i < POINT_SIZE; i++) {
		uint8_t difference = (uint8_t)((pair[i] ^ pair[POINT_SIZE + i]) & mask);
		pair[i] ^= difference;
		pair[POINT_SIZE + i] ^= difference;
	}
}

static enum status
offer_pair(struct base_ot_receiver *receiver, struct oblivious *oblivious, const struct hash256 *context, size_t index,
	   const struct randomness *randomness) {
	uint8_t *pair = receiver->offer + index * 2 * POINT_SIZE, uniform[64];
	randomness_fill(randomness, uniform, sizeof uniform);
	receiver->secrets[index] = scalar_random(randomness);
	struct point random = point_of_uniform_bytes(uniform), made, hashed;
	TRY(point_of_secret(&receiver->secrets[index], &made));
	declassify(&made, sizeof made); /* either it or its sum with H is computed by the sender too */
	/* The made one first, the random one second. */
	point_write(&random, pair + POINT_SIZE);
	hashed = hash_to_point(oblivious, context, index, pair + POINT_SIZE);
	TRY(point_subtract(&made, &hashed, &made));
	point_write(&made, pair);
	hashed = hash_to_point(oblivious, context, index, pair); /* for its time only */
	swap_points(pair, bit_mask(receiver->choices, index));
	declassify(pair, 2 * POINT_SIZE);
	return OK;
}

enum status
base_ot_receiver_start(struct base_ot_receiver *receiver, struct oblivious *oblivious, const struct hash256 *context,
		       const uint8_t choices[OT_KAPPA / 8], const struct randomness *randomness) {
	memcpy(receiver->choices, choices, sizeof receiver->choices);
	for (size_t i = 0; i < OT_KAPPA; i++)
		TRY(offer_pair(receiver, oblivious, context, i, randomness));
	return OK;
}

enum status
base_ot_sender_start(struct base_ot_sender *sender, const struct randomness *randomness) {
	for (size_t i = 0; i < OT_KAPPA; i++) {
		struct point point;
		sender->secrets[i] = scalar_random(randomness);
		TRY(point_of_secret(&sender->secrets[i], &point));
		declassify(&point, sizeof point);
		point_write(&point, sender->answer + i * POINT_SIZE);
	}
	return OK;
}

enum status
base_ot_receiver_finish(const struct base_ot_receiver *receiver, struct oblivious *oblivious,
			const struct hash256 *context, const uint8_t answer[BASE_OT_ANSWER_SIZE],
			uint8_t keys[OT_KAPPA][OT_SEED_SIZE]) {
	for (size_t i = 0; i < OT_KAPPA; i++) {
		const uint8_t *sent = answer + i * POINT_SIZE;
		struct point point, product;
		TRY(point_read(sent, &point));
		TRY(point_multiply_secret(&point, &receiver->secrets[i], &product));
		make_key(oblivious, context, i, bit_mask(receiver->choices, i) & 1,
			 receiver->offer + i * 2 * POINT_SIZE, sent, &product, keys[i]);
		secret_wipe(&product, sizeof product);
	}
	return OK;
}

static enum status
answer_pair(const struct base_ot_sender *sender, struct oblivious *oblivious, const struct hash256 *context,
	    size_t index, const uint8_t pair[2 * POINT_SIZE], uint8_t keys[2][OT_SEED_SIZE]) {
	struct point points[2], hashed[2];
	for (size_t slot = 0; slot < 2; slot++) {
		TRY(point_read(pair + slot * POINT_SIZE, &points[slot]));
		hashed[slot] = hash_to_point(oblivious, context, index, pair + slot * POINT_SIZE);
	}
	for (uint8_t slot = 0; slot < 2; slot++) {
		struct point sum, product;
		TRY(point_add(&points[slot], &hashed[1 - slot], &sum));
		TRY(point_multiply_secret(&sum, &sender->secrets[index], &product));
		make_key(oblivious, context, index, slot, pair, sender->answer + index * POINT_SIZE, &product,
			 keys[slot]);
		secret_wipe(&product, sizeof product);
	}
	return OK;
}

enum status
base_ot_sender_finish(const struct base_ot_sender *sender, struct oblivious *oblivious, const struct hash256 *context,
		      const uint8_t offer[BASE_OT_OFFER_SIZE], uint8_t keys[OT_KAPPA][2][OT_SEED_SIZE]) {
	for (size_t i = 0; i < OT_KAPPA; i++)
		TRY(answer_pair(sender, oblivious, context, i, offer + i * 2 * POINT_SIZE, keys[i]));
	return OK;
}
