/*
 * X.509 certificates as attestations and signed metadata bring them: parsed strictly, asked for what FIDO asks of them, and
 * verified up to roots that are pinned. Nothing of the system's certificate store counts.
 *
 * A chain is verified by OpenSSL (path, signatures, basic constraints, key usage, name constraints, times) with the pinned
 * certificates as the only anchors: what is not pinned is never trusted, however it signs itself. RFC 5280; WebAuthn Level 3 §8.
 *
 * Owner: the caller destroys a certificate; views borrow from it. Threads: a certificate may be read by many. Errors:
 * STATUS_INVALID "certificate.*"; STATUS_UNAUTHORIZED "certificate.chain".
 */
#ifndef GATEHOUSE_CRYPTO_CERTIFICATE_H
#define GATEHOUSE_CRYPTO_CERTIFICATE_H

#include "crypto/public_key.h"

constexpr size_t CERTIFICATE_CHAIN_MAX = 8;

struct certificate;

/* Exactly one DER certificate: certificate.der. */
enum status certificate_read(struct bytes der, struct certificate **certificate);
void certificate_destroy(struct certificate **certificate); /* a cleanup function */

struct certificate_chain {
	struct certificate *certificates[8]; /* the leaf first */
	size_t count;
};
void certificate_chain_free(struct certificate_chain *chain); /* a cleanup function */
/* certificate.chain_length where it is full. */
enum status certificate_chain_add(struct certificate_chain *chain, struct bytes der);

/* Pinned roots (or any other certificate that is trusted by itself). */
struct certificate_roots;
enum status certificate_roots_create(struct certificate_roots **roots);
void certificate_roots_destroy(struct certificate_roots **roots); /* a cleanup function */
enum status certificate_roots_add(struct certificate_roots *roots, struct bytes der);
/* All of them in order of addition, each after its length (32 bits, big-endian). */
struct bytes certificate_roots_encoding(const struct certificate_roots *roots);
size_t certificate_roots_count(const struct certificate_roots *roots);

/* From the leaf to a pinned certificate, all valid at that time: certificate.chain, with the library's reason. */
enum status certificate_chain_verify(const struct certificate_chain *chain, const struct certificate_roots *roots,
				     int64_t at_ms);

/* STATUS_UNSUPPORTED public_key.kind. */
enum status certificate_public_key(const struct certificate *certificate, struct public_key **key);

bool certificate_is_version_3(const struct certificate *certificate);
bool certificate_is_authority(const struct certificate *certificate); /* basic constraints: CA */
bool certificate_has_basic_constraints(const struct certificate *certificate);
bool certificate_subject_is_empty(const struct certificate *certificate);
/* One attribute of the subject ("C", "O", "OU", "CN"), as UTF-8 into text; false if there is none, several, or it is too long. */
bool certificate_subject_field(const struct certificate *certificate, const char *name, char *text, size_t size);
bool certificate_has_extended_key_usage(const struct certificate *certificate, const char *oid);
/* The extension's value (the DER inside its octet string), borrowed; false if there is none or it is there twice. */
bool certificate_extension(const struct certificate *certificate, const char *oid, struct bytes *value,
			   bool *is_critical);
/* An attribute of a directoryName in the subject alternative names, by OID, as text; false if there is none. */
bool certificate_alternative_name(const struct certificate *certificate, const char *oid, char *text, size_t size);

#endif
