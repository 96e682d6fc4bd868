/*
 * The format of trusted platform modules (WebAuthn Level 3 §8.3): the TPM certifies the credential's public area, its attestation
 * key signs that certification. Structures: TPM 2.0 Library, part 2: TPMT_PUBLIC (§12.2.4), TPMS_ATTEST (§10.12.12).
 */
#include "identity/attestation_internal.h"

enum { TPM_ALG_RSA = 0x0001, TPM_ALG_SHA256 = 0x000b, TPM_ALG_NULL = 0x0010, TPM_ALG_ECC = 0x0023 };
enum { TPM_ECC_NIST_P256 = 0x0003, TPM_ECC_NIST_P384 = 0x0004 };
enum { TPM_ST_ATTEST_CERTIFY = 0x8017 };
constexpr uint32_t TPM_GENERATED_VALUE = 0xff544347;
constexpr uint32_t RSA_DEFAULT_EXPONENT = 65'537;

static const char FIELD[] = "attestation.tpm";
static const char EKU_AIK_CERTIFICATE[] = "2.23.133.8.3";
static const char SUBJECT_ALTERNATIVE_NAME[] = "2.5.29.17";
static const char TPM_MANUFACTURER[] = "2.23.133.2.1", TPM_MODEL[] = "2.23.133.2.2", TPM_VERSION[] = "2.23.133.2.3";
constexpr size_t NAME_FIELD_MAX = 256;

/* TCG TPM vendor ID registry. */
static const char *const MANUFACTURERS[] = {
	"id:414D4400", "id:414E5400", "id:41544D4C", "id:4252434D", "id:4353434F", "id:464C5953", "id:474F4F47",
	"id:48504500", "id:48504900", "id:48495349", "id:49424D00", "id:49465800", "id:494E5443", "id:4C454E00",
	"id:4D534654", "id:4E534D20", "id:4E545A00", "id:4E544300", "id:51434F4D", "id:534D534E", "id:53454345",
	"id:534E5300", "id:524F4343", "id:534D5343", "id:53544D20", "id:54584E00", "id:57454300",
};

/* --- The public area: the credential's key as the TPM knows it. --- */

struct public_area {
	uint16_t type;
	uint16_t curve;
	uint32_t exponent;
	struct bytes a, b; /* modulus; x and y */
};

static enum status
read_sized(struct cursor *cursor, struct bytes *bytes) {
	uint16_t len;
	TRY(cursor_u16be(cursor, FIELD, &len));
	return cursor_take(cursor, FIELD, len, bytes);
}

/* TPMT_RSA_SCHEME, TPMT_ECC_SCHEME: a hash follows every scheme but none. */
static enum status
read_scheme(struct cursor *cursor) {
	uint16_t scheme, hash;
	TRY(cursor_u16be(cursor, FIELD, &scheme));
	return scheme == TPM_ALG_NULL ? OK : cursor_u16be(cursor, FIELD, &hash);
}

static enum status
read_rsa(struct cursor *cursor, struct public_area *area) {
	uint16_t bits;
	TRY(read_scheme(cursor));
	TRY(cursor_u16be(cursor, FIELD, &bits));
	TRY(cursor_u32be(cursor, FIELD, &area->exponent));
	if (area->exponent == 0)
		area->exponent = RSA_DEFAULT_EXPONENT;
	return read_sized(cursor, &area->a);
}

static enum status
read_ecc(struct cursor *cursor, struct public_area *area) {
	TRY(read_scheme(cursor));
	TRY(cursor_u16be(cursor, FIELD, &area->curve));
	TRY(read_scheme(cursor)); /* TPMT_KDF_SCHEME */
	TRY(read_sized(cursor, &area->a));
	return read_sized(cursor, &area->b);
}

static enum status
read_public_area(struct bytes encoding, struct public_area *area) {
	struct cursor cursor = cursor_of(encoding);
	uint16_t name_algorithm, symmetric;
	uint32_t attributes;
	struct bytes policy;
	*area = (struct public_area){};
	TRY(cursor_u16be(&cursor, FIELD, &area->type));
	TRY(cursor_u16be(&cursor, FIELD, &name_algorithm));
	TRY(cursor_u32be(&cursor, FIELD, &attributes));
	TRY(read_sized(&cursor, &policy));
	TRY(cursor_u16be(&cursor, FIELD, &symmetric));
	if (name_algorithm != TPM_ALG_SHA256 || symmetric != TPM_ALG_NULL)
		return fail(STATUS_INVALID, "attestation.tpm: a name by another hash than SHA-256, or a storage key");
	if (area->type != TPM_ALG_RSA && area->type != TPM_ALG_ECC)
		return fail(STATUS_INVALID, "attestation.tpm: a key that is neither RSA nor of a curve");
	TRY(area->type == TPM_ALG_RSA ? read_rsa(&cursor, area) : read_ecc(&cursor, area));
	return cursor_end(&cursor, FIELD);
}

static bool
is_exponent(struct bytes big_endian, uint32_t exponent) {
	uint64_t number = 0;
	for (size_t i = 0; i < big_endian.len && i < 8; i++)
		number = number << 8 | big_endian.data[i];
	return big_endian.len <= 4 && number == exponent;
}

static enum status
check_key(const struct public_area *area, const struct cose_key *key) {
	bool same = bytes_equal(area->a, key->a);
	switch (key->algorithm) {
	case SIGNATURE_RS256:
		same = same && area->type == TPM_ALG_RSA && is_exponent(key->b, area->exponent);
		break;
	case SIGNATURE_ES256:
	case SIGNATURE_ES384:
		same = same && area->type == TPM_ALG_ECC && bytes_equal(area->b, key->b) &&
		       area->curve == (key->algorithm == SIGNATURE_ES256 ? TPM_ECC_NIST_P256 : TPM_ECC_NIST_P384);
		break;
	default:
		same = false;
	}
	return same ? OK : fail(STATUS_UNAUTHORIZED, "attestation.key: the TPM certifies another key");
}

/* --- What the TPM certifies. --- */

struct certification {
	struct bytes extra_data, name;
};

static enum status
read_certification(struct bytes encoding, struct certification *read) {
	struct cursor cursor = cursor_of(encoding);
	uint32_t magic;
	uint16_t type;
	struct bytes ignored;
	TRY(cursor_u32be(&cursor, FIELD, &magic));
	TRY(cursor_u16be(&cursor, FIELD, &type));
	if (magic != TPM_GENERATED_VALUE || type != TPM_ST_ATTEST_CERTIFY)
		return fail(STATUS_INVALID, "attestation.tpm: not a certification by a TPM");
	TRY(read_sized(&cursor, &ignored)); /* qualifiedSigner */
	TRY(read_sized(&cursor, &read->extra_data));
	TRY(cursor_take(&cursor, FIELD, 17 + 8, &ignored)); /* clockInfo, firmwareVersion */
	TRY(read_sized(&cursor, &read->name));
	TRY(read_sized(&cursor, &ignored)); /* qualifiedName */
	return cursor_end(&cursor, FIELD);
}

static enum status
check_certification(const struct certification *read, struct bytes public_area, struct bytes message) {
	struct hash256 signed_hash = sha256(message), name = sha256(public_area);
	if (!bytes_equal(read->extra_data, hash256_bytes(&signed_hash)))
		return fail(STATUS_UNAUTHORIZED, "attestation.nonce: the certification is for something else");
	if (read->name.len != 2 + sizeof name.bytes || read->name.data[0] != TPM_ALG_SHA256 >> 8 ||
	    read->name.data[1] != (TPM_ALG_SHA256 & 0xff) ||
	    memcmp(read->name.data + 2, name.bytes, sizeof name.bytes) != 0)
		return fail(STATUS_UNAUTHORIZED, "attestation.key: the TPM certifies another key");
	return OK;
}

/* --- §8.3.1: the attestation key's certificate. --- */

static bool
is_known_manufacturer(const char *id) {
	for (size_t i = 0; i < ARRAY_LENGTH(MANUFACTURERS); i++)
		if (strcmp(id, MANUFACTURERS[i]) == 0)
			return true;
	return false;
}

static enum status
check_certificate(const struct certificate_chain *chain) {
	const struct certificate *leaf = chain->certificates[0];
	char manufacturer[NAME_FIELD_MAX], other[NAME_FIELD_MAX];
	struct bytes names;
	bool is_critical;
	TRY(statement_check_leaf(chain));
	if (!certificate_subject_is_empty(leaf))
		return fail(STATUS_INVALID, "attestation.certificate: a TPM's key has no subject");
	if (!certificate_extension(leaf, SUBJECT_ALTERNATIVE_NAME, &names, &is_critical) ||
	    !certificate_alternative_name(leaf, TPM_MANUFACTURER, manufacturer, sizeof manufacturer) ||
	    !certificate_alternative_name(leaf, TPM_MODEL, other, sizeof other) ||
	    !certificate_alternative_name(leaf, TPM_VERSION, other, sizeof other))
		return fail(STATUS_INVALID, "attestation.certificate: manufacturer, model or version is missing");
	if (!is_known_manufacturer(manufacturer))
		return fail(STATUS_INVALID, "attestation.certificate: \"%.32s\" is no manufacturer of TPMs",
			    manufacturer);
	if (!certificate_has_extended_key_usage(leaf, EKU_AIK_CERTIFICATE))
		return fail(STATUS_INVALID, "attestation.certificate: not for a TPM's attestation key");
	return OK;
}

enum status
attestation_verify_tpm(struct statement *statement, struct attestation_result *result) {
	struct cbor_item version, algorithm, chain, signature, certification, area;
	const struct cbor_member members[] = {
		{.name = "alg", .type = CBOR_NEGATIVE, .item = &algorithm},
		{.name = "sig", .type = CBOR_BYTES, .item = &signature},
		{.name = "ver", .type = CBOR_TEXT, .item = &version},
		{.name = "x5c", .type = CBOR_ARRAY, .item = &chain},
		{.name = "pubArea", .type = CBOR_BYTES, .item = &area},
		{.name = "certInfo", .type = CBOR_BYTES, .item = &certification},
	};
	struct public_area public_area;
	struct certification read;
	struct bytes message;
	enum signature_algorithm ignored;
	int64_t number;
	TRY(cbor_read_members(&statement->cursor, "attestation.statement", CBOR_ANY_ORDER, members,
			      ARRAY_LENGTH(members)));
	TRY(cbor_integer(&algorithm, &number));
	TRY(cose_algorithm(number, &ignored)); /* not RS1: what follows is hashed with SHA-256 */
	if (!bytes_equal_text(version.bytes, "2.0"))
		return fail(STATUS_INVALID, "attestation.statement.ver: expected \"2.0\"");
	result->kind = ATTESTATION_CERTIFIED;
	TRY(read_public_area(area.bytes, &public_area));
	TRY(check_key(&public_area, &statement->data->key));
	TRY(read_certification(certification.bytes, &read));
	TRY(statement_signed_bytes(statement, &message));
	TRY(check_certification(&read, area.bytes, message));
	TRY(statement_read_chain(chain.bytes, &result->chain));
	TRY(statement_verify_signature(&result->chain, &algorithm, certification.bytes, signature.bytes));
	TRY(check_certificate(&result->chain));
	return statement_check_aaguid(statement, &result->chain);
}
