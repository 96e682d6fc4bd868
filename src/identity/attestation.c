#include "identity/attestation_internal.h"

/* Of FIDO's registry: 16 bytes in an OCTET STRING. */
static const char AAGUID_EXTENSION[] = "1.3.6.1.4.1.45724.1.1.4";
enum { DER_OCTET_STRING = 0x04 };

static enum status
verify_none(struct statement *statement, struct attestation_result *result) {
	result->kind = ATTESTATION_NONE;
	return cbor_read_members(&statement->cursor, "attestation.statement", CBOR_CANONICAL, nullptr, 0);
}

static const struct format {
	const char *name;
	enum status (*verify)(struct statement *statement, struct attestation_result *result);
} FORMATS[ATTESTATION_FORMATS] = {
	[ATTESTATION_FORMAT_NONE] = {"none", verify_none},
	[ATTESTATION_FORMAT_PACKED] = {"packed", attestation_verify_packed},
	[ATTESTATION_FORMAT_TPM] = {"tpm", attestation_verify_tpm},
	[ATTESTATION_FORMAT_FIDO_U2F] = {"fido-u2f", attestation_verify_fido_u2f},
	[ATTESTATION_FORMAT_APPLE] = {"apple", attestation_verify_apple},
	[ATTESTATION_FORMAT_ANDROID_KEY] = {"android-key", attestation_verify_android_key},
};

void
attestation_result_free(struct attestation_result *result) {
	certificate_chain_free(&result->chain);
}

/* --- The object. --- */

static enum status
read_format(struct bytes name, enum attestation_format *format) {
	for (unsigned i = 0; i < ATTESTATION_FORMATS; i++)
		if (bytes_equal_text(name, FORMATS[i].name)) {
			*format = (enum attestation_format)i;
			return OK;
		}
	return fail(STATUS_UNSUPPORTED, "attestation.format: \"%.*s\" is not among those that are verified",
		    (int)(name.len > 32 ? 32 : name.len), (const char *)name.data);
}

/* Browsers wrap it, and not all of them sort its members. */
enum status
attestation_read(struct bytes object, struct attestation *attestation) {
	struct cursor cursor = cursor_of(object);
	struct cbor_item format, statement, data;
	const struct cbor_member members[] = {
		{.name = "fmt", .type = CBOR_TEXT, .item = &format},
		{.name = "attStmt", .type = CBOR_MAP, .item = &statement},
		{.name = "authData", .type = CBOR_BYTES, .item = &data},
	};
	*attestation = (struct attestation){};
	if (object.len > ATTESTATION_OBJECT_MAX)
		return fail(STATUS_INVALID, "attestation.size: %zu bytes, and at most %zu are read", object.len,
			    ATTESTATION_OBJECT_MAX);
	TRY(cbor_read_members(&cursor, "attestation.object", CBOR_ANY_ORDER, members, ARRAY_LENGTH(members)));
	TRY(cbor_end(&cursor));
	TRY(read_format(format.bytes, &attestation->format));
	TRY(authenticator_data_read(data.bytes, &attestation->data));
	if (!attestation->data.has_credential)
		return fail(STATUS_INVALID, "attestation.object.credential: no credential in the authenticator data");
	attestation->statement = statement.bytes;
	return OK;
}

enum status
attestation_verify(struct arena *arena, const struct attestation *attestation, const struct hash256 *client_data_hash,
		   struct attestation_result *result) {
	struct statement statement = {
		.arena = arena,
		.data = &attestation->data,
		.client_data_hash = client_data_hash,
		.cursor = cursor_of(attestation->statement),
	};
	*result = (struct attestation_result){};
	enum status status = FORMATS[attestation->format].verify(&statement, result);
	if (status != OK)
		attestation_result_free(result);
	return status;
}

enum status
attestation_check_trust(const struct attestation_result *result, const struct certificate_roots *roots, int64_t at_ms) {
	if (result->kind != ATTESTATION_CERTIFIED)
		return fail(STATUS_UNAUTHORIZED, "attestation.untrusted: no maker vouches for this credential");
	return certificate_chain_verify(&result->chain, roots, at_ms);
}

/* --- What formats share. --- */

enum status
statement_signed_bytes(const struct statement *statement, struct bytes *message) {
	size_t len = statement->data->encoding.len;
	uint8_t *bytes = arena_alloc(statement->arena, len + sizeof(struct hash256));
	TRY_ALLOC(bytes);
	memcpy(bytes, statement->data->encoding.data, len);
	memcpy(bytes + len, statement->client_data_hash->bytes, sizeof(struct hash256));
	*message = bytes_of(bytes, len + sizeof(struct hash256));
	return OK;
}

enum status
statement_read_chain(struct bytes array, struct certificate_chain *chain) {
	struct cursor cursor = cursor_of(array);
	struct cbor_item head, certificate;
	TRY(cbor_read_type(&cursor, CBOR_ARRAY, &head));
	if (head.number == 0)
		return fail(STATUS_INVALID, "attestation.statement.x5c: no certificate");
	for (uint64_t left = head.number; left > 0; left--) {
		TRY(cbor_read_type(&cursor, CBOR_BYTES, &certificate));
		TRY(certificate_chain_add(chain, certificate.bytes));
	}
	return OK;
}

enum status
statement_verify_signature(const struct certificate_chain *chain, const struct cbor_item *algorithm,
			   struct bytes message, struct bytes signature) {
	_cleanup_(public_key_destroy) struct public_key *key = nullptr;
	enum signature_algorithm named;
	int64_t number;
	TRY(cbor_integer(algorithm, &number));
	TRY(cose_algorithm(number, &named));
	TRY(certificate_public_key(chain->certificates[0], &key));
	if (public_key_algorithm(key) != named)
		return fail(STATUS_INVALID, "attestation.statement.alg: %s with a key for %s",
			    signature_algorithm_name(named), signature_algorithm_name(public_key_algorithm(key)));
	if (public_key_verify(key, message, signature) != OK)
		return fail(STATUS_UNAUTHORIZED, "attestation.signature: the statement's signature does not verify");
	return OK;
}

enum status
statement_check_key(const struct statement *statement, const struct certificate_chain *chain) {
	_cleanup_(public_key_destroy) struct public_key *credential = nullptr, *certified = nullptr;
	TRY(cose_public_key(&statement->data->key, &credential));
	TRY(certificate_public_key(chain->certificates[0], &certified));
	if (!public_key_equal(credential, certified))
		return fail(STATUS_UNAUTHORIZED, "attestation.key: the certificate is of another key");
	return OK;
}

enum status
statement_check_aaguid(const struct statement *statement, const struct certificate_chain *chain) {
	struct bytes value;
	bool is_critical;
	if (!certificate_extension(chain->certificates[0], AAGUID_EXTENSION, &value, &is_critical))
		return OK;
	if (is_critical || value.len != 2 + AAGUID_SIZE || value.data[0] != DER_OCTET_STRING ||
	    value.data[1] != AAGUID_SIZE)
		return fail(STATUS_INVALID, "attestation.certificate: its AAGUID extension is critical or malformed");
	if (!bytes_equal(bytes_of(value.data + 2, AAGUID_SIZE), statement->data->aaguid))
		return fail(STATUS_UNAUTHORIZED, "attestation.aaguid: the certificate is of another model");
	return OK;
}

enum status
statement_check_leaf(const struct certificate_chain *chain) {
	const struct certificate *leaf = chain->certificates[0];
	if (!certificate_is_version_3(leaf) || !certificate_has_basic_constraints(leaf) ||
	    certificate_is_authority(leaf))
		return fail(STATUS_INVALID, "attestation.certificate: expected version 3 with basic constraints that "
					    "make it no authority");
	return OK;
}
