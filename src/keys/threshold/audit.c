#include "keys/threshold/audit.h"

/* Σ L(i)·P_i over the chosen holders: the key, where the P_i lie on one polynomial of that degree. */
static enum status
join_public(const struct sharing *sharing, const uint8_t *positions, size_t count, struct point *joined) {
	const struct ecdsa_key *key = &sharing->key;
	struct party_set chosen = {.count = (uint8_t)count};
	struct point terms[PARTIES_MAX];
	for (size_t i = 0; i < count; i++)
		chosen.parties[i] = key->holders.parties[positions[i]];
	for (size_t i = 0; i < count; i++) {
		struct scalar factor = lagrange_coefficient(&chosen, chosen.parties[i].index);
		struct point share;
		TRY(point_read(key->public_shares[positions[i]], &share));
		TRY(point_multiply_public(&share, &factor, &terms[i]));
	}
	return point_sum(terms, count, joined);
}

/* The first t give the polynomial; each further one must lie on it: in the place of the last it gives the same key. */
enum status
share_audit_public(const struct sharing *sharing) {
	const struct ecdsa_key *key = &sharing->key;
	uint8_t positions[PARTIES_MAX];
	struct point whole;
	TRY(point_read(key->public_key, &whole));
	for (uint8_t last = key->threshold - 1; last < key->holders.count; last++) {
		struct point joined;
		for (uint8_t i = 0; i + 1 < key->threshold; i++)
			positions[i] = i;
		positions[key->threshold - 1] = last;
		if (join_public(sharing, positions, key->threshold, &joined) != OK || !point_equal(&joined, &whole))
			return fail(STATUS_CORRUPT,
				    "sharing.polynomial: the public share of keeper %s is not of this key",
				    sharing->names[last]);
	}
	return OK;
}

static enum status
open_session(const struct sharing *sharing, uint8_t holder, struct bytes instance, const uint8_t challenge[32],
	     struct protocol_session *session) {
	struct session_terms terms = {.protocol = "gatehouse/threshold/audit/v1",
				      .instance = instance,
				      .key_id = bytes_of_text(sharing->key.id),
				      .epoch = sharing->key.epoch,
				      .threshold = sharing->key.threshold,
				      .self = holder,
				      .parties = &sharing->key.holders,
				      .nonce = challenge};
	return session_open(&terms, session);
}

static enum status
public_share_of(const struct sharing *sharing, uint8_t holder, struct point *point) {
	size_t position = party_set_position(&sharing->key.holders, holder);
	return position < sharing->key.holders.count
		       ? point_read(sharing->key.public_shares[position], point)
		       : fail(STATUS_NOT_FOUND, "sharing.holder: party %u holds no share", holder);
}

enum status
share_audit_prove(const struct sharing *sharing, const struct ecdsa_share *share, struct bytes instance,
		  const uint8_t challenge[32], struct knowledge_proof *proof) {
	struct protocol_session session;
	struct randomness randomness = {};
	struct point point;
	TRY(ecdsa_share_check(share));
	TRY(public_share_of(sharing, share->self, &point));
	TRY(open_session(sharing, share->self, instance, challenge, &session));
	return knowledge_prove(&session, share->self, ecdsa_share_value(share), &point, &randomness, proof);
}

enum status
share_audit_verify(const struct sharing *sharing, uint8_t holder, struct bytes instance, const uint8_t challenge[32],
		   const struct knowledge_proof *proof) {
	struct protocol_session session;
	struct point point;
	TRY(public_share_of(sharing, holder, &point));
	TRY(open_session(sharing, holder, instance, challenge, &session));
	return knowledge_verify(&session, holder, &point, proof);
}
