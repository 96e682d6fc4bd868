#include "keys/threshold/audit.h"

#include "keys/threshold/frost/knowledge.h"
#include "keys/threshold/shamir.h"

static struct frost_element
public_share_at(const struct sharing *sharing, size_t position) {
	struct frost_element share;
	memcpy(share.bytes, sharing->key.public_shares[position], sizeof share.bytes);
	return share;
}

/* Σ L(i)·P_i over the chosen holders: the key, where the P_i lie on one polynomial of that degree. */
static enum status
join_public(const struct sharing *sharing, const uint8_t *positions, size_t count, struct frost_element *joined) {
	const struct frost_suite *suite = sharing_suite(sharing);
	uint16_t identifiers[PARTIES_MAX];
	for (size_t i = 0; i < count; i++)
		identifiers[i] = sharing->key.holders.parties[positions[i]].index;
	for (size_t i = 0; i < count; i++) {
		struct frost_element share = public_share_at(sharing, positions[i]), term;
		struct frost_scalar factor = frost_coefficient(suite, identifiers, count, i);
		TRY(suite->element_multiply(&share, &factor, &term));
		if (i == 0)
			*joined = term;
		else
			TRY(suite->element_add(joined, &term, joined));
	}
	return OK;
}

/* The first t give the polynomial; each further one must lie on it: in the place of the last it gives the same key. */
enum status
share_audit_public(const struct sharing *sharing) {
	const struct ecdsa_key *key = &sharing->key;
	const struct bytes whole = sharing_public_key(sharing);
	uint8_t positions[PARTIES_MAX];
	for (uint8_t last = key->threshold - 1; last < key->holders.count; last++) {
		struct frost_element joined;
		for (uint8_t i = 0; i + 1 < key->threshold; i++)
			positions[i] = i;
		positions[key->threshold - 1] = last;
		if (join_public(sharing, positions, key->threshold, &joined) != OK ||
		    !bytes_equal(frost_element_bytes(sharing_suite(sharing), &joined), whole))
			return fail(STATUS_CORRUPT,
				    "sharing.polynomial: the public share of keeper %s is not of this key",
				    sharing->names[last]);
	}
	return OK;
}

/* Of the holder: its session, and its public share. */
static enum status
open_session(const struct sharing *sharing, uint8_t holder, struct bytes instance, const uint8_t challenge[32],
	     struct protocol_session *session, struct frost_element *public_share) {
	size_t position = party_set_position(&sharing->key.holders, holder);
	if (position == sharing->key.holders.count)
		return fail(STATUS_NOT_FOUND, "sharing.holder: party %u holds no share", holder);
	*public_share = public_share_at(sharing, position);
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

/* ECDSA's shares have a proof of their own, as at their dealing. */
static enum status
prove_ecdsa(const struct protocol_session *session, uint8_t holder, const struct frost_scalar *number,
	    const struct frost_element *public_share, const struct randomness *randomness,
	    uint8_t proof[AUDIT_PROOF_MAX]) {
	struct knowledge_proof made;
	struct scalar secret;
	struct point point;
	static_assert(sizeof made == AUDIT_PROOF_MAX);
	TRY(point_read(public_share->bytes, &point));
	TRY(scalar_read(number->bytes, &secret));
	enum status status = knowledge_prove(session, holder, &secret, &point, randomness, &made);
	secret_wipe(&secret, sizeof secret);
	memcpy(proof, &made, sizeof made);
	return status;
}

static enum status
verify_ecdsa(const struct protocol_session *session, uint8_t holder, const struct frost_element *public_share,
	     struct bytes proof) {
	struct knowledge_proof given;
	struct point point;
	memcpy(&given, proof.data, sizeof given);
	TRY(point_read(public_share->bytes, &point));
	return knowledge_verify(session, holder, &point, &given);
}

enum status
share_audit_prove(const struct sharing *sharing, uint8_t holder, const struct frost_scalar *number,
		  struct bytes instance, const uint8_t challenge[AUDIT_CHALLENGE_SIZE], uint8_t proof[AUDIT_PROOF_MAX],
		  size_t *len) {
	const struct frost_suite *suite = sharing_suite(sharing);
	struct protocol_session session;
	struct randomness randomness = {};
	struct frost_element public_share;
	TRY(open_session(sharing, holder, instance, challenge, &session, &public_share));
	*len = suite->element_size + sizeof(struct frost_scalar);
	return sharing_is_frost(sharing->scheme)
		       ? frost_knowledge_prove(suite, &session, holder, number, &public_share, &randomness, proof)
		       : prove_ecdsa(&session, holder, number, &public_share, &randomness, proof);
}

enum status
share_audit_verify(const struct sharing *sharing, uint8_t holder, struct bytes instance,
		   const uint8_t challenge[AUDIT_CHALLENGE_SIZE], struct bytes proof) {
	const struct frost_suite *suite = sharing_suite(sharing);
	struct protocol_session session;
	struct frost_element public_share;
	if (proof.len != suite->element_size + sizeof(struct frost_scalar))
		return fail(STATUS_INVALID, "audit.proof: %zu bytes of scheme %s", proof.len,
			    key_sharing_name(sharing->scheme));
	TRY(open_session(sharing, holder, instance, challenge, &session, &public_share));
	return sharing_is_frost(sharing->scheme)
		       ? frost_knowledge_verify(suite, &session, holder, &public_share, proof.data)
		       : verify_ecdsa(&session, holder, &public_share, proof);
}
