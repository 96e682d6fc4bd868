/* The formats of security keys: packed (WebAuthn Level 3 §8.2) and fido-u2f (§8.6). */
#include "identity/attestation_internal.h"

constexpr size_t SUBJECT_FIELD_MAX = 256;
static const char ATTESTATION_UNIT[] = "Authenticator Attestation";

/* §8.2.1. */
static enum status
check_subject(const struct certificate *leaf) {
	char country[SUBJECT_FIELD_MAX], text[SUBJECT_FIELD_MAX];
	if (!certificate_subject_field(leaf, "C", country, sizeof country) || strlen(country) != 2 ||
	    country[0] < 'A' || country[0] > 'Z' || country[1] < 'A' || country[1] > 'Z')
		return fail(STATUS_INVALID, "attestation.certificate: the subject's country is no two capital letters");
	if (!certificate_subject_field(leaf, "O", text, sizeof text) || text[0] == '\0')
		return fail(STATUS_INVALID, "attestation.certificate: the subject names no organisation");
	if (!certificate_subject_field(leaf, "CN", text, sizeof text) || text[0] == '\0')
		return fail(STATUS_INVALID, "attestation.certificate: the subject has no common name");
	if (!certificate_subject_field(leaf, "OU", text, sizeof text) || strcmp(text, ATTESTATION_UNIT) != 0)
		return fail(STATUS_INVALID, "attestation.certificate: the subject's unit is not \"%s\"",
			    ATTESTATION_UNIT);
	return OK;
}

static enum status
verify_self(const struct statement *statement, const struct cbor_item *algorithm, struct bytes message,
	    struct bytes signature) {
	enum signature_algorithm named;
	int64_t number;
	TRY(cbor_integer(algorithm, &number));
	TRY(cose_algorithm(number, &named));
	if (named != statement->data->key.algorithm)
		return fail(STATUS_INVALID, "attestation.statement.alg: not that of the credential's key");
	if (cose_verify(&statement->data->key, message, signature) != OK)
		return fail(STATUS_UNAUTHORIZED, "attestation.signature: the statement's signature does not verify");
	return OK;
}

enum status
attestation_verify_packed(struct statement *statement, struct attestation_result *result) {
	struct cbor_item algorithm, signature, chain;
	const struct cbor_member members[] = {
		{.name = "alg", .type = CBOR_NEGATIVE, .item = &algorithm},
		{.name = "sig", .type = CBOR_BYTES, .item = &signature},
		{.name = "x5c", .type = CBOR_ARRAY, .is_optional = true, .item = &chain},
	};
	struct bytes message;
	TRY(cbor_read_members(&statement->cursor, "attestation.statement", CBOR_ANY_ORDER, members,
			      ARRAY_LENGTH(members)));
	TRY(statement_signed_bytes(statement, &message));
	if (chain.type == CBOR_NONE) {
		result->kind = ATTESTATION_SELF;
		return verify_self(statement, &algorithm, message, signature.bytes);
	}
	result->kind = ATTESTATION_CERTIFIED;
	TRY(statement_read_chain(chain.bytes, &result->chain));
	TRY(statement_verify_signature(&result->chain, &algorithm, message, signature.bytes));
	TRY(statement_check_leaf(&result->chain));
	TRY(check_subject(result->chain.certificates[0]));
	return statement_check_aaguid(statement, &result->chain);
}

/* 0x00 ‖ RP id hash ‖ client data hash ‖ credential id ‖ 0x04 ‖ x ‖ y (FIDO U2F raw message formats §4.3). */
static enum status
u2f_signed_bytes(const struct statement *statement, struct bytes *message) {
	const struct authenticator_data *data = statement->data;
	const struct bytes parts[] = {BYTES_OF_LITERAL("\0"),
				      data->rp_id_hash,
				      hash256_bytes(statement->client_data_hash),
				      data->credential_id,
				      BYTES_OF_LITERAL("\x04"),
				      data->key.a,
				      data->key.b};
	size_t len = 0;
	for (size_t i = 0; i < ARRAY_LENGTH(parts); i++)
		len += parts[i].len;
	uint8_t *at = arena_alloc(statement->arena, len);
	TRY_ALLOC(at);
	*message = bytes_of(at, len);
	for (size_t i = 0; i < ARRAY_LENGTH(parts); i++) {
		memcpy(at, parts[i].data, parts[i].len);
		at += parts[i].len;
	}
	return OK;
}

enum status
attestation_verify_fido_u2f(struct statement *statement, struct attestation_result *result) {
	static const uint8_t no_aaguid[AAGUID_SIZE];
	static const struct cbor_item es256 = {.type = CBOR_NEGATIVE, .number = 6};
	struct cbor_item signature, chain;
	const struct cbor_member members[] = {
		{.name = "sig", .type = CBOR_BYTES, .item = &signature},
		{.name = "x5c", .type = CBOR_ARRAY, .item = &chain},
	};
	struct bytes message;
	TRY(cbor_read_members(&statement->cursor, "attestation.statement", CBOR_ANY_ORDER, members,
			      ARRAY_LENGTH(members)));
	result->kind = ATTESTATION_CERTIFIED;
	TRY(statement_read_chain(chain.bytes, &result->chain));
	if (result->chain.count != 1)
		return fail(STATUS_INVALID, "attestation.statement.x5c: %zu certificates, expected one",
			    result->chain.count);
	if (statement->data->key.algorithm != SIGNATURE_ES256)
		return fail(STATUS_INVALID, "attestation.statement.alg: U2F keys are for ES256");
	if (!bytes_equal(statement->data->aaguid, BYTES_OF_ARRAY(no_aaguid)))
		return fail(STATUS_INVALID, "attestation.aaguid: U2F authenticators have none");
	TRY(u2f_signed_bytes(statement, &message));
	return statement_verify_signature(&result->chain, &es256, message, signature.bytes);
}
