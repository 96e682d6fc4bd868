/* Using keys: public keys along a path, and signatures, each verified before it is handed out. */
#include "base/fault.h"
#include "crypto/random.h"
#include "crypto/sign.h"
#include "keys/software/ring.h"
#include "keys/software/signer_fault.h"

enum status
ring_derive(struct keyring *ring, const struct ring_key *key, const struct signing_path *path,
	    struct derived *derived) {
	if (key->info.state == KEY_DESTROYED)
		return fail(STATUS_DENIED, "key.destroyed: key %s is destroyed", key->info.id);
	if (key->info.sharing != KEY_WHOLE) /* a single key: its public key is known without the secret */
		return fail(STATUS_DENIED, "key.shared: key %s is nowhere whole", key->info.id);
	if (path->count > SIGNING_PATH_MAX)
		return fail(STATUS_INVALID, "key.path: %zu steps; at most %zu", path->count, SIGNING_PATH_MAX);
	if (key->info.material == KEY_MATERIAL_EXTENDED)
		return node_cache_find(ring->cache, key, path, derived);
	if (path->count != 0)
		return fail(STATUS_DENIED, "key.path: key %s is a single key; nothing lies below it", key->info.id);
	*derived = (struct derived){key->secret, key->info.public_key};
	return OK;
}

enum status
keyring_public_key(struct keyring *ring, struct bytes id, const struct signing_path *path, uint8_t public_key[33]) {
	struct ring_key *key;
	struct derived derived;
	TRY(ring_find(ring, id, &key));
	TRY(ring_derive(ring, key, path, &derived));
	memcpy(public_key, derived.public_key, key->info.public_key_len);
	return OK;
}

static const struct {
	enum key_algorithm algorithm;
	const char *name;
} schemes[] = {
	[SCHEME_ECDSA_SECP256K1] = {KEY_SECP256K1, "ECDSA on secp256k1"},
	[SCHEME_BIP340] = {KEY_SECP256K1, "BIP-340"},
	[SCHEME_ECDSA_P256] = {KEY_P256, "ECDSA on P-256"},
	[SCHEME_ED25519] = {KEY_ED25519, "Ed25519"},
};

static enum status
check_state(const struct key_info *key, enum key_purpose use) {
	if (key->state == KEY_FROZEN)
		return fail(STATUS_DENIED, "key.frozen: key %s is frozen", key->id);
	if (key->state == KEY_DESTROYED)
		return fail(STATUS_DENIED, "key.destroyed: key %s is destroyed", key->id);
	if (key->purpose != use)
		return fail(STATUS_DENIED, "key.purpose: key %s signs for purpose %s only, and this is a %s", key->id,
			    key_purpose_name(key->purpose), key_purpose_name(use));
	return OK;
}

static enum status
check_path(const struct key_info *key, const struct signing_path *path) {
	for (size_t i = 0; i < key->branch_count; i++)
		if (bip32_path_starts_with(path, &key->branches[i]))
			return OK;
	if (key->branch_count == 0)
		return OK;
	char text[BIP32_PATH_TEXT_SIZE];
	struct signing_path shown = *path;
	shown.count = shown.count > SIGNING_PATH_MAX ? SIGNING_PATH_MAX : shown.count;
	bip32_path_format(&shown, text);
	return fail(STATUS_DENIED, "key.path: %s lies under none of key %s's branches", text, key->id);
}

static enum status
check_request(const struct key_info *key, enum key_purpose use, const struct signing_request *request) {
	TRY(check_state(key, use));
	if ((unsigned)request->scheme >= ARRAY_LENGTH(schemes) || schemes[request->scheme].algorithm != key->algorithm)
		return fail(STATUS_INVALID, "key.scheme: key %s is a %s key and cannot sign by %s", key->id,
			    key_algorithm_name(key->algorithm),
			    (unsigned)request->scheme < ARRAY_LENGTH(schemes) ? schemes[request->scheme].name
									      : "an unknown scheme");
	if (request->message.len > 0 && request->scheme != SCHEME_ED25519)
		return fail(STATUS_INVALID, "key.message: only Ed25519 signs whole messages");
	if (request->tweaked && request->scheme != SCHEME_BIP340)
		return fail(STATUS_INVALID, "key.tweak: only BIP-340 signatures are made with a tweaked key");
	return check_path(key, &request->path);
}

enum status
keyring_check_request(const struct keyring *ring, struct bytes id, enum key_purpose use,
		      const struct signing_request *request) {
	struct ring_key *key;
	TRY(ring_find(ring, id, &key));
	return check_request(&key->info, use, request);
}

/* What is needed to sign and to verify, after any tweak. */
struct signing_key {
	const uint8_t *secret;
	uint8_t public_key[33]; /* Ed25519: 32 bytes */
	size_t len;
};

static enum status
tweak(struct keyring *ring, struct bytes merkle_root, struct signing_key *key) {
	uint8_t output[32];
	int parity;
	TRY(taproot_tweak_public(key->public_key + 1, merkle_root, output, &parity));
	memcpy(ring->scratch, key->secret, 32);
	TRY(taproot_tweak_private(ring->scratch, merkle_root));
	key->secret = ring->scratch;
	key->public_key[0] = (uint8_t)(2 + parity);
	memcpy(key->public_key + 1, output, 32);
	return OK;
}

static enum status
check_expected(const struct key_info *key, const struct signing_request *request, const struct signing_key *signing) {
	struct bytes expected = request->expected_public_key, whole = bytes_of(signing->public_key, signing->len);
	if (expected.len == 0)
		return OK;
	bool x_only = request->scheme == SCHEME_BIP340 && expected.len == 32;
	if (bytes_equal(expected, x_only ? bytes_of(signing->public_key + 1, 32) : whole))
		return OK;
	return fail(STATUS_CONFLICT,
		    "key.expected_public_key: the transaction is for another key than the one of %s at this path",
		    key->id);
}

/* Ed25519 hashes what it signs itself, twice, and so takes whole messages. */
static struct bytes
ed25519_message(const struct signing_request *request) {
	return request->message.len > 0 ? request->message : BYTES_OF_ARRAY(request->digest);
}

static enum status
make_signature(const struct signing_request *request, const struct signing_key *key, struct signature *signature) {
	struct bytes digest = BYTES_OF_ARRAY(request->digest);
	uint8_t auxiliary[32];
	switch (request->scheme) {
	case SCHEME_ECDSA_SECP256K1:
		return secp256k1_sign(key->secret, digest.data, signature->bytes, &signature->recovery);
	case SCHEME_BIP340:
		random_bytes(auxiliary, sizeof auxiliary);
		return bip340_sign(key->secret, digest, auxiliary, signature->bytes);
	case SCHEME_ECDSA_P256:
		return p256_sign(key->secret, digest.data, signature->bytes);
	case SCHEME_ED25519:
		return key_is_scalar(key->secret)
			       ? ed25519_scalar_sign(key->secret, key->secret + 32, key->public_key,
						     ed25519_message(request), signature->bytes)
			       : ed25519_sign(key->secret, key->public_key, ed25519_message(request), signature->bytes);
	}
	return fail(STATUS_INTERNAL, "key.scheme: scheme %d", (int)request->scheme);
}

/* Recovering the public key verifies the signature and the recovery id with it, for little more than verifying alone. */
static enum status
verify_recoverable(const uint8_t digest[32], const struct signing_key *key, const struct signature *signature) {
	uint8_t recovered[65];
	if (!secp256k1_ecdsa_is_low_s(signature->bytes))
		return fail(STATUS_UNAUTHORIZED, "signature.secp256k1_high_s: s is in the upper half of the order");
	TRY(secp256k1_recover(digest, signature->bytes, signature->recovery, recovered));
	uint8_t prefix = 2 + (recovered[64] & 1); /* of the compressed form: whether y is odd */
	if (prefix != key->public_key[0] || memcmp(recovered + 1, key->public_key + 1, 32) != 0)
		return fail(STATUS_UNAUTHORIZED, "signature.secp256k1: does not verify");
	return OK;
}

static enum status
verify_signature(const struct signing_request *request, const struct signing_key *key,
		 const struct signature *signature) {
	struct bytes digest = BYTES_OF_ARRAY(request->digest);
	switch (request->scheme) {
	case SCHEME_ECDSA_SECP256K1:
		return verify_recoverable(digest.data, key, signature);
	case SCHEME_BIP340:
		return bip340_verify(key->public_key + 1, digest, signature->bytes);
	case SCHEME_ECDSA_P256:
		return p256_verify(bytes_of(key->public_key, 33), digest.data, signature->bytes);
	case SCHEME_ED25519:
		return ed25519_verify(key->public_key, ed25519_message(request), signature->bytes);
	}
	return fail(STATUS_INTERNAL, "key.scheme: scheme %d", (int)request->scheme);
}

static enum status
sign_and_verify(const struct key_info *key, const struct signing_request *request, const struct signing_key *signing,
		struct signature *signature) {
	TRY(make_signature(request, signing, signature));
	signer_fault(signature);
	if (!FAULT_SKIP_SELF_VERIFY && verify_signature(request, signing, signature) != OK)
		return fail(STATUS_INTERNAL,
			    "key.signature: a signature of key %s did not verify and was not released (%s)", key->id,
			    fail_message());
	return OK;
}

/* Whatever it gives, the ring's scratch is to be wiped after its use. */
static enum status
find_signing_key(struct keyring *ring, struct bytes id, enum key_purpose use, const struct signing_request *request,
		 struct ring_key **key, struct derived *derived, struct signing_key *signing) {
	TRY(ring_find(ring, id, key));
	TRY(check_request(&(*key)->info, use, request));
	TRY(ring_derive(ring, *key, &request->path, derived));
	*signing = (struct signing_key){.secret = derived->secret, .len = (*key)->info.public_key_len};
	memcpy(signing->public_key, derived->public_key, signing->len);
	if (request->tweaked)
		TRY(tweak(ring, request->merkle_root, signing));
	return check_expected(&(*key)->info, request, signing);
}

enum status
keyring_check_sign(struct keyring *ring, struct bytes id, enum key_purpose use, const struct signing_request *request) {
	struct ring_key *key;
	struct derived derived;
	struct signing_key signing;
	enum status status = find_signing_key(ring, id, use, request, &key, &derived, &signing);
	secret_wipe(ring->scratch, KEY_SECRET_SIZE);
	return status;
}

enum status
keyring_sign(struct keyring *ring, struct bytes id, enum key_purpose use, const struct signing_request *request,
	     struct signature *signature) {
	struct ring_key *key;
	struct derived derived;
	struct signing_key signing;
	struct signature made = {};
	*signature = (struct signature){};
	enum status status = find_signing_key(ring, id, use, request, &key, &derived, &signing);
	if (status == OK) {
		memcpy(made.public_key, derived.public_key, signing.len);
		status = sign_and_verify(&key->info, request, &signing, &made);
	}
	secret_wipe(ring->scratch, KEY_SECRET_SIZE);
	if (status == OK)
		*signature = made;
	secret_wipe(&made, sizeof made);
	return status;
}
