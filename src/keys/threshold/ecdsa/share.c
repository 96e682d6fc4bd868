#include "keys/threshold/ecdsa/share.h"

#include <stdlib.h>

#include "crypto/declassify.h"

struct secrets {
	struct scalar value;
	struct pairwise pairs[];
};

static struct secrets *
secrets_of(const struct ecdsa_share *share) {
	return (struct secrets *)(void *)share->memory.data;
}

enum status
ecdsa_share_create(struct ecdsa_share **share, const struct ecdsa_key *key, uint8_t self) {
	_cleanup_(ecdsa_share_destroy) struct ecdsa_share *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	TRY(party_set_check(&key->holders));
	if (!party_set_has(&key->holders, self) || key->threshold == 0 || key->threshold > key->holders.count)
		return fail(STATUS_INVALID, "ecdsa.holders: %u of %u, and %u one of them", key->threshold,
			    key->holders.count, self);
	made->key = *key;
	made->self = self;
	TRY(secret_alloc(&made->memory, sizeof(struct secrets) + key->holders.count * sizeof(struct pairwise)));
	for (size_t i = 0; i < key->holders.count; i++)
		secrets_of(made)->pairs[i].peer = key->holders.parties[i].index;
	*share = TAKE(made);
	return OK;
}

void
ecdsa_share_destroy(struct ecdsa_share **share) {
	struct ecdsa_share *gone = TAKE(*share);
	if (gone == nullptr)
		return;
	secret_free(&gone->memory);
	free(gone);
}

struct scalar *
ecdsa_share_value(const struct ecdsa_share *share) {
	return &secrets_of(share)->value;
}

struct pairwise *
ecdsa_share_pair(const struct ecdsa_share *share, uint8_t peer) {
	return &secrets_of(share)->pairs[party_set_position(&share->key.holders, peer)];
}

enum status
ecdsa_share_check(const struct ecdsa_share *share) {
	uint8_t encoded[POINT_SIZE];
	struct point point;
	if (point_of_secret(ecdsa_share_value(share), &point) != OK)
		return fail(STATUS_CORRUPT, "ecdsa.share: zero");
	declassify(&point, sizeof point);
	point_write(&point, encoded);
	if (memcmp(encoded, share->key.public_shares[party_set_position(&share->key.holders, share->self)],
		   sizeof encoded) != 0)
		return fail(STATUS_CORRUPT, "ecdsa.share: of key %s is not that of its public share", share->key.id);
	return OK;
}

enum status
ecdsa_share_check_signers(const struct ecdsa_share *share, const struct party_set *signers) {
	if (signers->count < share->key.threshold || signers->count < 2 || !party_set_has(signers, share->self))
		return fail(STATUS_INVALID, "ecdsa.signers: %u, of whom %u are needed, this one among them",
			    signers->count, share->key.threshold);
	for (size_t i = 0; i < signers->count; i++) {
		uint8_t index = signers->parties[i].index;
		size_t at = party_set_position(&share->key.holders, index);
		if (at == share->key.holders.count ||
		    memcmp(signers->parties[i].identity, share->key.holders.parties[at].identity,
			   PARTY_IDENTITY_SIZE) != 0)
			return fail(STATUS_INVALID, "ecdsa.signers: %u is no holder", index);
		if (index != share->self && !ecdsa_share_pair(share, index)->ready)
			return fail(STATUS_DENIED,
				    "ecdsa.no_setup: with party %u, since a check failed; a refresh makes it anew",
				    index);
	}
	return OK;
}

enum status
ecdsa_split_private_key(const uint8_t private_key[32], size_t count, const struct randomness *randomness,
			uint8_t (*parts)[SCALAR_SIZE]) {
	struct scalar rest;
	TRY(scalar_read(private_key, &rest));
	for (size_t i = 0; i + 1 < count; i++) {
		struct scalar part = scalar_random(randomness);
		scalar_write(&part, parts[i]);
		rest = scalar_subtract(&rest, &part);
		secret_wipe(&part, sizeof part);
	}
	scalar_write(&rest, parts[count - 1]);
	secret_wipe(&rest, sizeof rest);
	return OK;
}
