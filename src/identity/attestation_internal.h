/* Between attestation.c and the files of its formats. */
#ifndef GATEHOUSE_IDENTITY_ATTESTATION_INTERNAL_H
#define GATEHOUSE_IDENTITY_ATTESTATION_INTERNAL_H

#include "identity/attestation.h"

/* One statement that is to be verified. */
struct statement {
	struct arena *arena;
	const struct authenticator_data *data;
	const struct hash256 *client_data_hash;
	struct cursor cursor; /* at the statement's map */
};

enum status attestation_verify_packed(struct statement *statement, struct attestation_result *result);
enum status attestation_verify_fido_u2f(struct statement *statement, struct attestation_result *result);
enum status attestation_verify_tpm(struct statement *statement, struct attestation_result *result);
enum status attestation_verify_apple(struct statement *statement, struct attestation_result *result);
enum status attestation_verify_android_key(struct statement *statement, struct attestation_result *result);

/* Authenticator data ‖ client data hash, in the arena: what most formats sign. */
enum status statement_signed_bytes(const struct statement *statement, struct bytes *message);
/* The array of certificates, at least one. */
enum status statement_read_chain(struct bytes array, struct certificate_chain *chain);
/* The leaf's signature over a message, by the algorithm that the statement names, which must be that of the leaf's key. */
enum status statement_verify_signature(const struct certificate_chain *chain, const struct cbor_item *algorithm,
				       struct bytes message, struct bytes signature);
/* The leaf certifies the very key of the credential: attestation.key. */
enum status statement_check_key(const struct statement *statement, const struct certificate_chain *chain);
/* The extension id-fido-gen-ce-aaguid of the leaf, where there is one, names the authenticator's AAGUID: attestation.aaguid. */
enum status statement_check_aaguid(const struct statement *statement, const struct certificate_chain *chain);
/* Version 3, not an authority: attestation.certificate. */
enum status statement_check_leaf(const struct certificate_chain *chain);

#endif
