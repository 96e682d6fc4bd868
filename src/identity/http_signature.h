/*
 * HTTP Message Signatures as Gatehouse takes them: docs/PROTOCOL.request-signature.
 *
 * RFC 9421 narrowed to one form, so that there is nothing to negotiate and nothing to confuse: one signature, Ed25519,
 * covering exactly @method, @authority, @path, @query, content-type, content-digest and idempotency-key, with the parameters
 * created, expires, nonce, keyid and tag="gatehouse". The structured fields are parsed by the strict subset of RFC 8941 that
 * these need. Content-Digest is RFC 9530 with sha-256.
 *
 * Verifying has three steps, the first two of which may run in a pool: http_signature_read() (everything that needs no state),
 * http_signature_verify() with the public key of the keyid, and the nonce store in order (identity/nonces.h).
 * Owner: results borrow from the request and the arena. Errors: "request_signature.*".
 */
#ifndef GATEHOUSE_IDENTITY_HTTP_SIGNATURE_H
#define GATEHOUSE_IDENTITY_HTTP_SIGNATURE_H

#include "base/arena.h"

constexpr int64_t REQUEST_SIGNATURE_LIFETIME_MAX_S = 300;
constexpr int64_t REQUEST_SIGNATURE_SKEW_S = 5; /* a client's clock may be ahead by this much */
constexpr size_t REQUEST_NONCE_MIN = 16;        /* characters */
constexpr size_t REQUEST_NONCE_MAX = 64;
constexpr size_t IDEMPOTENCY_KEY_MAX = 256;

struct http_field {
	struct bytes name; /* any case */
	struct bytes value;
};

/* A request as it was received. */
struct http_request {
	struct bytes method;
	struct bytes target; /* origin form: path, and query with its "?" */
	const struct http_field *fields;
	size_t field_count;
	struct bytes body;
};

struct http_signature {
	struct bytes key_id;
	struct bytes nonce;
	struct bytes idempotency_key;
	int64_t created_s;
	int64_t expires_s;
	struct bytes path;
	struct bytes query; /* without the "?"; empty if none */
	struct bytes base;  /* RFC 9421 §2.5: what is signed */
	uint8_t signature[64];
};

/* Reads and checks all but key and nonce. authority is the keeper's own, from its configuration; the Host field must be it.
 * Statuses: STATUS_INVALID for form, STATUS_UNAUTHORIZED for what does not fit the request, STATUS_EXPIRED for times. */
enum status http_signature_read(struct arena *arena, const struct http_request *request, struct bytes authority,
				int64_t now_ms, struct http_signature *signature);
/* STATUS_UNAUTHORIZED "request_signature.mismatch". */
enum status http_signature_verify(const struct http_signature *signature, const uint8_t public_key[32]);
enum status http_signature_mismatch(const struct http_signature *signature); /* that error */
/* keyid is the principal's id, a slash, and a name: the part before the slash. */
struct bytes http_signature_principal(struct bytes key_id);

/* --- The client's side. --- */
struct http_request_signer {
	struct bytes key_id;
	const uint8_t *seed; /* 32 bytes */
	uint8_t public_key[32];
};

/* The six fields that make request signed: host, content-type, content-digest, idempotency-key, signature-input, signature.
 * request's own fields are not looked at. nonce is drawn fresh. */
enum status http_signature_create(struct arena *arena, const struct http_request_signer *signer,
				  const struct http_request *request, struct bytes authority, struct bytes content_type,
				  struct bytes idempotency_key, int64_t now_ms, int64_t lifetime_s,
				  struct http_field fields[static 6]);

#endif
