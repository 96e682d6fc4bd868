/*
 * What a wallet asks a key to sign, and what it gets back. The wallet yields requests, the gate hands them to the keys, the
 * wallet assembles the result; neither knows the other. Digests here were computed by our decoder from decoded bytes: an
 * opaque digest from outside never travels in a signing request of purpose SIGN_TRANSACTION.
 */
#ifndef GATEHOUSE_MODEL_SIGNING_REQUEST_H
#define GATEHOUSE_MODEL_SIGNING_REQUEST_H

#include "base/bytes.h"

enum key_algorithm { KEY_SECP256K1, KEY_P256, KEY_ED25519 };

enum signature_scheme {
	SCHEME_ECDSA_SECP256K1, /* r ‖ s, low s, with recovery id */
	SCHEME_BIP340,
	SCHEME_ECDSA_P256,
	SCHEME_ED25519,
};

constexpr size_t SIGNING_PATH_MAX = 10;

struct signing_path { /* BIP-32 below the key; the high bit marks hardened steps */
	uint32_t steps[SIGNING_PATH_MAX];
	size_t count;
};

struct signing_request {
	enum signature_scheme scheme;
	uint8_t digest[32];
	struct bytes message; /* Ed25519: what is signed, if len > 0, instead of the digest; borrowed */
	struct signing_path path;
	bool tweaked;             /* Taproot: sign with the tweaked key (BIP-341) */
	struct bytes merkle_root; /* for the tweak: 0 or 32 bytes */
	/* What the derived key's public key must be (33 bytes compressed, or the 32-byte x-only output key where tweaked):
	 * the keys refuse to sign with another. len 0: not checked. */
	struct bytes expected_public_key;
};

struct signature {
	uint8_t bytes[64];
	int recovery;           /* ECDSA secp256k1 only */
	uint8_t public_key[33]; /* of the key that signed, before any tweak; Ed25519: 32 bytes */
};

#endif
