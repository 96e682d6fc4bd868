/*
 * Attestation objects (WebAuthn Level 3 §6.5.4, §8): a new credential, and what its maker says about where its key lives.
 *
 * Six formats: none, packed (certified and self), tpm, fido-u2f, apple, android-key. Verifying a statement shows that whoever holds
 * the attestation key vouches for exactly this credential and this client data; that the holder is a maker whom we trust is shown
 * only by its certificates leading to a pinned root (attestation_check_trust). A chain that brings its own root shows nothing.
 *
 * Owner: an attestation borrows from the object; a result owns its certificates. Threads: any. Errors: STATUS_INVALID
 * attestation.object.*, .format, .statement.*, .certificate, .tpm, .android_key, .size, and those of cbor, cose, certificate;
 * STATUS_UNSUPPORTED attestation.format, cose.algorithm; STATUS_UNAUTHORIZED attestation.signature, .aaguid, .key, .nonce,
 * .certificate, certificate.chain.
 */
#ifndef GATEHOUSE_IDENTITY_ATTESTATION_H
#define GATEHOUSE_IDENTITY_ATTESTATION_H

#include "base/arena.h"
#include "crypto/certificate.h"
#include "identity/authenticator_data.h"

constexpr size_t ATTESTATION_OBJECT_MAX = 16'384;

enum attestation_format {
	ATTESTATION_FORMAT_NONE,
	ATTESTATION_FORMAT_PACKED,
	ATTESTATION_FORMAT_TPM,
	ATTESTATION_FORMAT_FIDO_U2F,
	ATTESTATION_FORMAT_APPLE,
	ATTESTATION_FORMAT_ANDROID_KEY,
	ATTESTATION_FORMATS,
};

struct attestation {
	enum attestation_format format;
	struct authenticator_data data; /* with a credential */
	struct bytes statement;         /* CBOR map */
};

/* The whole object. Its statement is not looked at yet. */
enum status attestation_read(struct bytes object, struct attestation *attestation);

enum attestation_kind {
	ATTESTATION_NONE, /* nobody vouches */
	ATTESTATION_SELF, /* the credential's own key: shows that it is held, and not by what */
	ATTESTATION_CERTIFIED,
};

struct attestation_result {
	enum attestation_kind kind;
	struct certificate_chain chain; /* CERTIFIED: as given, the leaf first */
};
void attestation_result_free(struct attestation_result *result); /* a cleanup function */

/* Verifies the statement. The arena is for scratch. */
enum status attestation_verify(struct arena *arena, const struct attestation *attestation,
			       const struct hash256 *client_data_hash, struct attestation_result *result);

/* A certified result leads to one of the roots at that time: certificate.chain, or attestation.untrusted (STATUS_UNAUTHORIZED)
 * where nobody vouches but the credential itself. */
enum status attestation_check_trust(const struct attestation_result *result, const struct certificate_roots *roots,
				    int64_t at_ms);

#endif
