#include "keys/threshold/ecdsa/dealing_terms.h"

enum status
dealing_check_terms(const struct dealing_terms *terms) {
	const struct ecdsa_key *key = &terms->key;
	TRY(party_set_check(&key->holders));
	if (key->holders.count < 2 || key->threshold < 2 || key->threshold > key->holders.count)
		return fail(STATUS_INVALID, "dealing.terms: %u of %u", key->threshold, key->holders.count);
	if ((unsigned)key->purpose >= KEY_PURPOSE_COUNT)
		return fail(STATUS_INVALID, "dealing.terms: purpose %d", (int)key->purpose);
	TRY(key_check_id(bytes_of_text(key->id)));
	if (terms->kind == DEALING_IMPORT && terms->part == nullptr)
		return fail(STATUS_INVALID, "dealing.terms: an import without a part");
	if (terms->kind != DEALING_RESHARE)
		return OK;
	const struct ecdsa_key *old = terms->old_key;
	if (old == nullptr || terms->dealers == nullptr || terms->dealers->count != old->threshold ||
	    key->epoch <= old->epoch || key->purpose != old->purpose || strcmp(key->id, old->id) != 0 ||
	    memcmp(key->public_key, old->public_key, POINT_SIZE) != 0 ||
	    memcmp(key->chain_code, old->chain_code, sizeof key->chain_code) != 0)
		return fail(STATUS_INVALID, "dealing.terms: do not follow from the key as it was");
	TRY(party_set_check(terms->dealers));
	for (size_t i = 0; i < terms->dealers->count; i++) {
		const struct party *dealer = &terms->dealers->parties[i];
		size_t at = party_set_position(&old->holders, dealer->index);
		if (at == old->holders.count ||
		    memcmp(dealer->identity, old->holders.parties[at].identity, PARTY_IDENTITY_SIZE) != 0)
			return fail(STATUS_INVALID, "dealing.terms: dealer %u was no holder", dealer->index);
	}
	bool deals = party_set_has(terms->dealers, terms->self);
	if (deals != (terms->old_share != nullptr) ||
	    (deals && (terms->old_share->self != terms->self || terms->old_share->key.epoch != old->epoch)))
		return fail(STATUS_INVALID,
			    "dealing.terms: a dealer needs its share of the old epoch, and nobody else");
	return OK;
}

struct hash256
dealing_hash_request(const struct dealing_terms *terms, const struct party_set *dealers) {
	uint8_t old_epoch[4] = {}, indices[PARTIES_MAX], holders[PARTIES_MAX];
	bool known = terms->kind != DEALING_GENERATE;
	for (size_t i = 0; i < dealers->count; i++)
		indices[i] = dealers->parties[i].index;
	for (size_t i = 0; i < terms->key.holders.count; i++)
		holders[i] = terms->key.holders.parties[i].index;
	if (terms->kind == DEALING_RESHARE)
		store_u32be(old_epoch, terms->old_key->epoch);
	const struct protocol_session none = {};
	return SESSION_HASH(&none, "gatehouse/threshold/ecdsa/dealing-request/v1", SESSION_BYTE((uint8_t)terms->kind),
			    SESSION_BYTE((uint8_t)terms->key.purpose), bytes_of(indices, dealers->count),
			    bytes_of(holders, terms->key.holders.count), BYTES_OF_ARRAY(old_epoch),
			    bytes_of(terms->key.public_key, known ? POINT_SIZE : 0),
			    bytes_of(terms->key.chain_code, known ? sizeof terms->key.chain_code : 0));
}
