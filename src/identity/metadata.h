/*
 * The FIDO Alliance's metadata about models of authenticators (FIDO Metadata Service 3.0 §3): a signed list, read from a file, of which
 * certificates vouch for which AAGUID, and of what has gone wrong with a model.
 *
 * A JWS in compact form (RFC 7515): RS256 or ES256, with the signer's chain in x5c, led to a pinned root and to the expected name; the
 * root alone is not enough, since it is that of a public authority. Nothing is fetched. What is read serves to write an operation of
 * the kind authenticator.trust, which people approve; the keeper itself reads no metadata.
 *
 * Everything lives in the arena. Errors: STATUS_INVALID metadata.form, .header, .entry, .duplicate, json.*, base64*.*;
 * STATUS_UNSUPPORTED metadata.algorithm; STATUS_UNAUTHORIZED metadata.signature, .signer, certificate.chain; STATUS_EXPIRED
 * metadata.stale; STATUS_NOT_FOUND metadata.unknown; STATUS_DENIED metadata.status.
 */
#ifndef GATEHOUSE_IDENTITY_METADATA_H
#define GATEHOUSE_IDENTITY_METADATA_H

#include "base/json.h"
#include "crypto/certificate.h"

#define METADATA_SIGNER "mds.fidoalliance.org"
constexpr size_t METADATA_MODELS_MAX = 4096;
constexpr size_t METADATA_ROOTS_MAX = 64; /* of one model */

struct metadata_model {
	uint8_t aaguid[16];
	struct bytes description;
	struct bytes status; /* empty: nothing against it; else the first report that speaks against it */
	struct bytes *roots; /* DER */
	size_t root_count;
};

struct metadata {
	int64_t number;           /* grows with each issue */
	struct bytes next_update; /* "2026-12-01" */
	struct metadata_model *models;
	size_t count;
};

enum status metadata_read(struct arena *arena, struct bytes blob, const struct certificate_roots *roots,
			  const char *signer, int64_t now_ms, struct metadata *metadata);

/* The model, if nothing speaks against it. */
enum status metadata_find(const struct metadata *metadata, const uint8_t aaguid[16],
			  const struct metadata_model **model);

#endif
