/*
 * What is to be signed, by a threshold ECDSA key: a digest, the path below the key, and the policy it was decided
 * under.
 *
 * Every signer makes its own request from what it has decoded and decided itself; the protocol is bound to all of it,
 * so that signers whose requests differ in anything are in different sessions and none of them releases anything.
 * Errors: STATUS_INVALID "ecdsa.path" (a hardened step), "bip32.no_child".
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_ECDSA_REQUEST_H
#define GATEHOUSE_KEYS_THRESHOLD_ECDSA_REQUEST_H

#include "keys/threshold/ecdsa/share.h"

struct ecdsa_request {
	uint8_t digest[32];
	struct signing_path path; /* no hardened steps */
	uint8_t bundle_hash[32];  /* the policy bundle that all signers run */
	bool opaque;              /* the digest came from outside, and no signer knows what of */
};

struct ecdsa_signature {
	uint8_t compact[64];            /* r ‖ s, low s */
	int recovery;                   /* 0 to 3 */
	uint8_t public_key[POINT_SIZE]; /* of the path */
};

/* Public: what is added to the key for the path, and the key that this gives. */
struct ecdsa_derived {
	struct scalar tweak;
	struct point public_key;
};
enum status ecdsa_derive(const struct ecdsa_key *key, const struct signing_path *path, struct ecdsa_derived *derived);

/* Over every part of the request, the path as a count and steps. */
struct hash256 ecdsa_hash_request(const struct ecdsa_request *request);

/* s = Σw / Σu, made low, for the point R; verified under the public key: STATUS_UNAUTHORIZED "ecdsa.signature". */
enum status ecdsa_assemble(const struct ecdsa_request *request, const struct ecdsa_derived *derived,
			   const struct point *nonce_point, const struct scalar *w, const struct scalar *u,
			   struct ecdsa_signature *signature);

#endif
