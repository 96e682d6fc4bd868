/* The formats of telephones and computers that certify each credential's key: apple (WebAuthn Level 3 §8.8) and android-key
 * (§8.4). */
#include "identity/attestation_internal.h"
#include "identity/der.h"

/* --- Apple: the certificate's extension holds the hash of what would be signed. --- */

static const char APPLE_NONCE[] = "1.2.840.113635.100.8.2";

/* SEQUENCE { [1] { OCTET STRING } }. */
static enum status
read_apple_nonce(struct bytes extension, struct bytes *nonce) {
	struct cursor cursor = cursor_of(extension);
	struct bytes sequence, tagged;
	TRY(der_read_tag(&cursor, DER_SEQUENCE, &sequence));
	TRY(cursor_end(&cursor, "attestation.certificate"));
	cursor = cursor_of(sequence);
	TRY(der_read_tag(&cursor, DER_CONTEXT(1), &tagged));
	TRY(cursor_end(&cursor, "attestation.certificate"));
	cursor = cursor_of(tagged);
	TRY(der_read_tag(&cursor, DER_OCTETS, nonce));
	return cursor_end(&cursor, "attestation.certificate");
}

enum status
attestation_verify_apple(struct statement *statement, struct attestation_result *result) {
	struct cbor_item algorithm, chain;
	const struct cbor_member members[] = {
		{.name = "alg", .type = CBOR_NEGATIVE, .is_optional = true, .item = &algorithm}, /* older systems */
		{.name = "x5c", .type = CBOR_ARRAY, .item = &chain},
	};
	struct bytes message, extension, nonce;
	bool is_critical;
	TRY(cbor_read_members(&statement->cursor, "attestation.statement", CBOR_ANY_ORDER, members,
			      ARRAY_LENGTH(members)));
	result->kind = ATTESTATION_CERTIFIED;
	TRY(statement_read_chain(chain.bytes, &result->chain));
	TRY(statement_signed_bytes(statement, &message));
	if (!certificate_extension(result->chain.certificates[0], APPLE_NONCE, &extension, &is_critical))
		return fail(STATUS_INVALID, "attestation.certificate: it has no nonce");
	TRY(read_apple_nonce(extension, &nonce));
	struct hash256 expected = sha256(message);
	if (!bytes_equal(nonce, hash256_bytes(&expected)))
		return fail(STATUS_UNAUTHORIZED, "attestation.nonce: the certificate is for something else");
	return statement_check_key(statement, &result->chain);
}

/* --- Android: the certificate's extension describes key and challenge (Android key attestation, key description schema). --- */

static const char ANDROID_KEY_DESCRIPTION[] = "1.3.6.1.4.1.11129.2.1.17";
enum { TAG_PURPOSE = 1, TAG_ALL_APPLICATIONS = 600, TAG_ORIGIN = 702 };
enum { PURPOSE_SIGN = 2, ORIGIN_GENERATED = 0 };

struct key_description {
	struct bytes challenge, software_enforced, hardware_enforced;
};

static enum status
read_key_description(struct bytes extension, struct key_description *description) {
	struct cursor cursor = cursor_of(extension);
	struct bytes sequence, unique_id;
	uint32_t ignored;
	TRY(der_read_tag(&cursor, DER_SEQUENCE, &sequence));
	TRY(cursor_end(&cursor, "attestation.android_key"));
	cursor = cursor_of(sequence);
	TRY(der_read_number(&cursor, DER_INTEGER, &ignored));    /* attestationVersion */
	TRY(der_read_number(&cursor, DER_ENUMERATED, &ignored)); /* attestationSecurityLevel */
	TRY(der_read_number(&cursor, DER_INTEGER, &ignored));    /* keymasterVersion */
	TRY(der_read_number(&cursor, DER_ENUMERATED, &ignored)); /* keymasterSecurityLevel */
	TRY(der_read_tag(&cursor, DER_OCTETS, &description->challenge));
	TRY(der_read_tag(&cursor, DER_OCTETS, &unique_id));
	TRY(der_read_tag(&cursor, DER_SEQUENCE, &description->software_enforced));
	TRY(der_read_tag(&cursor, DER_SEQUENCE, &description->hardware_enforced));
	return cursor_end(&cursor, "attestation.android_key");
}

struct authorisations {
	bool for_all_applications;
	bool has_origin;
	uint32_t origin;
	size_t purposes;
	bool all_sign;
};

static enum status
read_purposes(struct bytes content, struct authorisations *found) {
	struct cursor cursor = cursor_of(content);
	struct bytes set;
	uint32_t purpose;
	TRY(der_read_tag(&cursor, DER_SET, &set));
	found->all_sign = true;
	for (cursor = cursor_of(set); cursor.left > 0; found->purposes++) {
		TRY(der_read_number(&cursor, DER_INTEGER, &purpose));
		found->all_sign &= purpose == PURPOSE_SIGN;
	}
	return OK;
}

static enum status
read_authorisations(struct bytes list, struct authorisations *found) {
	struct der_element element;
	*found = (struct authorisations){};
	for (struct cursor cursor = cursor_of(list); cursor.left > 0;) {
		TRY(der_read(&cursor, &element));
		struct cursor content = cursor_of(element.content);
		if (element.tag == DER_CONTEXT(TAG_ALL_APPLICATIONS))
			found->for_all_applications = true;
		if (element.tag == DER_CONTEXT(TAG_PURPOSE))
			TRY(read_purposes(element.content, found));
		if (element.tag == DER_CONTEXT(TAG_ORIGIN)) {
			TRY(der_read_number(&content, DER_INTEGER, &found->origin));
			found->has_origin = true;
		}
	}
	return OK;
}

/* §8.4: what the hardware enforces, not what Android itself says beside it. */
static enum status
check_authorisations(const struct key_description *description) {
	struct authorisations software, hardware;
	TRY(read_authorisations(description->software_enforced, &software));
	TRY(read_authorisations(description->hardware_enforced, &hardware));
	if (software.for_all_applications || hardware.for_all_applications)
		return fail(STATUS_INVALID, "attestation.android_key: a key for all applications");
	if (!hardware.has_origin || hardware.origin != ORIGIN_GENERATED)
		return fail(STATUS_INVALID, "attestation.android_key: the hardware does not say that it made the key");
	if (hardware.purposes != 1 || !hardware.all_sign)
		return fail(STATUS_INVALID, "attestation.android_key: a key for more than signing");
	return OK;
}

enum status
attestation_verify_android_key(struct statement *statement, struct attestation_result *result) {
	struct cbor_item algorithm, signature, chain;
	const struct cbor_member members[] = {
		{.name = "alg", .type = CBOR_NEGATIVE, .item = &algorithm},
		{.name = "sig", .type = CBOR_BYTES, .item = &signature},
		{.name = "x5c", .type = CBOR_ARRAY, .item = &chain},
	};
	struct key_description description;
	struct bytes message, extension;
	bool is_critical;
	TRY(cbor_read_members(&statement->cursor, "attestation.statement", CBOR_ANY_ORDER, members,
			      ARRAY_LENGTH(members)));
	result->kind = ATTESTATION_CERTIFIED;
	TRY(statement_read_chain(chain.bytes, &result->chain));
	TRY(statement_signed_bytes(statement, &message));
	TRY(statement_verify_signature(&result->chain, &algorithm, message, signature.bytes));
	TRY(statement_check_key(statement, &result->chain));
	if (!certificate_extension(result->chain.certificates[0], ANDROID_KEY_DESCRIPTION, &extension, &is_critical))
		return fail(STATUS_INVALID, "attestation.certificate: it has no key description");
	TRY(read_key_description(extension, &description));
	if (!bytes_equal(description.challenge, hash256_bytes(statement->client_data_hash)))
		return fail(STATUS_UNAUTHORIZED, "attestation.nonce: the certificate is for something else");
	return check_authorisations(&description);
}
