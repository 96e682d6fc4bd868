#include "gate/shared_request.h"

#include "crypto/sign.h"

static const struct {
	enum signature_scheme scheme;
	bool may_be_tweaked;
} rows[KEY_SHARING_COUNT] = {
	[KEY_SHARED_ECDSA] = {SCHEME_ECDSA_SECP256K1, false},
	[KEY_SHARED_ED25519] = {SCHEME_ED25519, false},
	[KEY_SHARED_BIP340] = {SCHEME_BIP340, true},
};

struct bytes
shared_request_message(const struct signing_request *request) {
	return request->message.len > 0 ? request->message : BYTES_OF_ARRAY(request->digest);
}

/* What the signature holds under: of BIP-340 the x coordinate counts. */
static enum status
verifying_key(const struct gate_state *state, const struct sharing *sharing, const struct signing_request *request,
	      uint8_t key[POINT_SIZE]) {
	uint8_t output[32];
	int parity;
	memset(key, 0, POINT_SIZE);
	TRY(gate_state_public_key(state, bytes_of_text(sharing->key.id), &request->path, key));
	if (!request->tweaked)
		return OK;
	TRY(taproot_tweak_public(key + 1, request->merkle_root, output, &parity));
	key[0] = (uint8_t)(2 + parity);
	memcpy(key + 1, output, sizeof output);
	return OK;
}

enum status
shared_request_check(const struct gate_state *state, const struct sharing *sharing,
		     const struct signing_request *request) {
	struct bytes expected = request->expected_public_key;
	uint8_t key[POINT_SIZE];
	if (request->scheme != rows[sharing->scheme].scheme ||
	    (request->tweaked && !rows[sharing->scheme].may_be_tweaked))
		return fail(STATUS_UNSUPPORTED,
			    "key.scheme: key \"%s\" is shared for %s, and makes no other signatures", sharing->key.id,
			    key_sharing_name(sharing->scheme));
	TRY(verifying_key(state, sharing, request, key));
	bool is_x_only = request->scheme == SCHEME_BIP340 && expected.len == 32;
	struct bytes own = is_x_only ? bytes_of(key + 1, 32) : bytes_of(key, sharing_suite(sharing)->element_size);
	return expected.len == 0 || bytes_equal(expected, own)
		       ? OK
		       : fail(STATUS_CONFLICT,
			      "key.expected_public_key: the transaction is for another key than the one of %s at this "
			      "path",
			      sharing->key.id);
}

static enum status
verify_recoverable(const uint8_t key[POINT_SIZE], const uint8_t digest[32], const uint8_t signature[64], int recovery) {
	uint8_t signer[65], named[65];
	TRY(secp256k1_verify(bytes_of(key, POINT_SIZE), digest, signature));
	TRY(secp256k1_recover(digest, signature, recovery, signer));
	TRY(secp256k1_public_uncompressed(bytes_of(key, POINT_SIZE), named));
	return memcmp(signer, named, sizeof signer) == 0
		       ? OK
		       : fail(STATUS_UNAUTHORIZED, "joint.recovery: it recovers another key");
}

enum status
shared_request_verify(const struct gate_state *state, const struct sharing *sharing,
		      const struct signing_request *request, const uint8_t signature[64], int recovery) {
	uint8_t key[POINT_SIZE];
	TRY(verifying_key(state, sharing, request, key));
	switch (sharing->scheme) {
	case KEY_SHARED_ECDSA:
		return verify_recoverable(key, request->digest, signature, recovery);
	case KEY_SHARED_ED25519:
		return ed25519_verify(key, shared_request_message(request), signature);
	case KEY_SHARED_BIP340:
		return bip340_verify(key + 1, shared_request_message(request), signature);
	case KEY_WHOLE:
	case KEY_SHARING_COUNT:
		break;
	}
	return fail(STATUS_INTERNAL, "key.scheme: %d", (int)sharing->scheme);
}
