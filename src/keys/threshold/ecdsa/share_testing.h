/* The whole key from shares, which only tests put together: nothing of the product does. */
#ifndef GATEHOUSE_KEYS_THRESHOLD_ECDSA_SHARE_TESTING_H
#define GATEHOUSE_KEYS_THRESHOLD_ECDSA_SHARE_TESTING_H

#include "crypto/declassify.h"
#include "keys/threshold/ecdsa/share.h"
#include "keys/threshold/shamir.h"

static inline enum status
check_joined(const struct ecdsa_share *const *shares, size_t count, struct party_set *set) {
	uint8_t indices[PARTIES_MAX];
	if (count == 0 || count > PARTIES_MAX || count < shares[0]->key.threshold)
		return fail(STATUS_DENIED, "ecdsa.shares: %zu are too few", count);
	for (size_t i = 0; i < count; i++) {
		const struct ecdsa_key *key = &shares[i]->key;
		if (key->epoch != shares[0]->key.epoch ||
		    memcmp(key->public_key, shares[0]->key.public_key, POINT_SIZE) != 0)
			return fail(STATUS_DENIED, "ecdsa.shares: of different keys or epochs");
		indices[i] = shares[i]->self;
		TRY(ecdsa_share_check(shares[i]));
	}
	return party_set_choose(&shares[0]->key.holders, indices, count, set);
}

/* At least as many as the threshold, all of one epoch. Errors: ecdsa.shares. */
static inline enum status
ecdsa_join_shares(const struct ecdsa_share *const *shares, size_t count, struct secret *private_key) {
	struct party_set set;
	struct scalar sum = {};
	struct point point;
	uint8_t encoded[POINT_SIZE];
	TRY(check_joined(shares, count, &set));
	for (size_t i = 0; i < count; i++) {
		struct scalar term = lagrange_coefficient(&set, shares[i]->self);
		term = scalar_multiply(&term, ecdsa_share_value(shares[i]));
		sum = scalar_add(&sum, &term);
		secret_wipe(&term, sizeof term);
	}
	enum status status = point_of_secret(&sum, &point);
	if (status == OK) {
		declassify(&point, sizeof point);
		point_write(&point, encoded);
		if (memcmp(encoded, shares[0]->key.public_key, sizeof encoded) != 0)
			status = fail(STATUS_CORRUPT, "ecdsa.shares: do not give the key's private key");
	}
	if (status == OK)
		status = secret_alloc(private_key, SCALAR_SIZE);
	if (status == OK)
		scalar_write(&sum, private_key->data);
	secret_wipe(&sum, sizeof sum);
	return status;
}

#endif
