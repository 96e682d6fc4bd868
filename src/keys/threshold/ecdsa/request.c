#include "keys/threshold/ecdsa/request.h"

#include "crypto/sign.h"
#include "keys/bip32.h"

/* One step of BIP-32 from public key to public key, and what it adds. */
static enum status
descend(uint8_t public_key[POINT_SIZE], uint8_t chain_code[32], uint32_t step, struct scalar *tweak,
	struct point *point) {
	uint8_t message[POINT_SIZE + 4], mac[64];
	struct point added;
	if ((step & BIP32_HARDENED) != 0)
		return fail(STATUS_INVALID, "ecdsa.path: a hardened step, for which nobody has the private key");
	memcpy(message, public_key, POINT_SIZE);
	store_u32be(message + POINT_SIZE, step);
	hmac_sha512(bytes_of(chain_code, 32), BYTES_OF_ARRAY(message), mac);
	if (scalar_read(mac, tweak) != OK || point_of_secret(tweak, &added) != OK ||
	    point_add(point, &added, point) != OK)
		return fail(STATUS_INVALID, "bip32.no_child: %u", step);
	point_write(point, public_key);
	memcpy(chain_code, mac + 32, 32);
	return OK;
}

enum status
ecdsa_derive(const struct ecdsa_key *key, const struct signing_path *path, struct ecdsa_derived *derived) {
	uint8_t public_key[POINT_SIZE], chain_code[32];
	if (path->count > SIGNING_PATH_MAX)
		return fail(STATUS_INVALID, "ecdsa.path: %zu steps", path->count);
	memcpy(public_key, key->public_key, sizeof public_key);
	memcpy(chain_code, key->chain_code, sizeof chain_code);
	derived->tweak = (struct scalar){};
	TRY(point_read(public_key, &derived->public_key));
	for (size_t i = 0; i < path->count; i++) {
		struct scalar tweak;
		TRY(descend(public_key, chain_code, path->steps[i], &tweak, &derived->public_key));
		derived->tweak = scalar_add(&derived->tweak, &tweak);
	}
	return OK;
}

struct hash256
ecdsa_hash_request(const struct ecdsa_request *request) {
	static const struct protocol_session none;
	uint8_t steps[4 * SIGNING_PATH_MAX];
	for (size_t i = 0; i < request->path.count; i++)
		store_u32be(steps + 4 * i, request->path.steps[i]);
	return SESSION_HASH(&none, "gatehouse/threshold/ecdsa/request/v1", BYTES_OF_ARRAY(request->digest),
			    bytes_of(steps, 4 * request->path.count), BYTES_OF_ARRAY(request->bundle_hash),
			    SESSION_BYTE(request->opaque ? 1 : 0));
}

enum status
ecdsa_assemble(const struct ecdsa_request *request, const struct ecdsa_derived *derived,
	       const struct point *nonce_point, const struct scalar *w, const struct scalar *u,
	       struct ecdsa_signature *signature) {
	bool above, odd;
	struct scalar r = point_x(nonce_point, &above, &odd), s = scalar_invert(u);
	s = scalar_multiply(&s, w);
	struct scalar negated = scalar_negate(&s);
	bool high = scalar_is_high(&s);
	if (high) /* nothing is called for it: what runs is the same for every key */
		s = negated;
	scalar_write(&r, signature->compact);
	scalar_write(&s, signature->compact + SCALAR_SIZE);
	signature->recovery = (above ? 2 : 0) | (odd != high ? 1 : 0);
	point_write(&derived->public_key, signature->public_key);
	if (scalar_is_zero(u) ||
	    secp256k1_verify(BYTES_OF_ARRAY(signature->public_key), request->digest, signature->compact) != OK) {
		*signature = (struct ecdsa_signature){};
		return fail(STATUS_UNAUTHORIZED, "ecdsa.signature: what the signers gave is no signature");
	}
	return OK;
}
