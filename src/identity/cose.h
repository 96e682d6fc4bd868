/*
 * COSE keys as authenticators give them (RFC 9052 §7, RFC 9053 §7, RFC 8230 §4; WebAuthn Level 3 §5.8.5): ES256, ES384, RS256 and
 * EdDSA with Ed25519, each with exactly the parameters that it needs, in canonical order, and no others.
 *
 * Views borrow from what was read. Errors: cose.algorithm (STATUS_UNSUPPORTED), cose.* and cbor.* (STATUS_INVALID), and
 * public_key.*, signature.* from using the key.
 */
#ifndef GATEHOUSE_IDENTITY_COSE_H
#define GATEHOUSE_IDENTITY_COSE_H

#include "crypto/public_key.h"
#include "identity/cbor.h"

struct cose_key {
	enum signature_algorithm algorithm;
	struct bytes a;        /* x, or an RSA modulus */
	struct bytes b;        /* y, or an RSA exponent; empty for Ed25519 */
	struct bytes encoding; /* as it was read */
};

/* One key; what follows it is left to the caller. */
enum status cose_read(struct cursor *cursor, struct cose_key *key);
/* Exactly one key. */
enum status cose_read_whole(struct bytes encoding, struct cose_key *key);

/* COSE's number of an algorithm: −7, −35, −257, −8. cose.algorithm. */
enum status cose_algorithm(int64_t number, enum signature_algorithm *algorithm);

/* As a key of the library; checks that it is one (a point of the curve, an RSA key of a fit size). */
enum status cose_public_key(const struct cose_key *key, struct public_key **public_key);

/* A signature over the message: ES256 by a path of its own, because each assertion takes it. */
enum status cose_verify(const struct cose_key *key, struct bytes message, struct bytes signature);

#endif
