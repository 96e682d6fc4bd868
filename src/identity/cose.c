#include "identity/cose.h"

#include "crypto/sign.h"

/* RFC 9052 §7.1 and RFC 9053 §7. */
enum { LABEL_KTY = 1, LABEL_ALG = 3, LABEL_CRV_OR_N = -1, LABEL_X_OR_E = -2, LABEL_Y = -3 };
enum { KTY_OKP = 1, KTY_EC2 = 2, KTY_RSA = 3 };
enum { CRV_NONE = 0, CRV_P256 = 1, CRV_P384 = 2, CRV_ED25519 = 6 };

static const struct algorithm {
	int64_t number;
	int64_t kty;
	int64_t crv;
	size_t coordinate;
} ALGORITHMS[SIGNATURE_ALGORITHMS] = {
	[SIGNATURE_ES256] = {-7, KTY_EC2, CRV_P256, 32},
	[SIGNATURE_ES384] = {-35, KTY_EC2, CRV_P384, 48},
	[SIGNATURE_RS256] = {-257, KTY_RSA, CRV_NONE, 0},
	[SIGNATURE_EDDSA] = {-8, KTY_OKP, CRV_ED25519, 32},
};

enum status
cose_algorithm(int64_t number, enum signature_algorithm *algorithm) {
	for (unsigned i = 0; i < SIGNATURE_ALGORITHMS; i++)
		if (ALGORITHMS[i].number == number) {
			*algorithm = (enum signature_algorithm)i;
			return OK;
		}
	return fail(STATUS_UNSUPPORTED, "cose.algorithm: %lld is none of ES256, ES384, RS256, EdDSA",
		    (long long)number);
}

struct parameters {
	struct cbor_item kty, alg, minus_1, minus_2, minus_3;
};

static enum status
read_parameters(struct cursor *cursor, struct parameters *p) {
	const struct cbor_member members[] = {
		{.label = LABEL_KTY, .type = CBOR_UNSIGNED, .item = &p->kty},
		{.label = LABEL_ALG, .type = CBOR_NEGATIVE, .item = &p->alg},
		{.label = LABEL_CRV_OR_N, .item = &p->minus_1},
		{.label = LABEL_X_OR_E, .type = CBOR_BYTES, .item = &p->minus_2},
		{.label = LABEL_Y, .type = CBOR_BYTES, .is_optional = true, .item = &p->minus_3},
	};
	return cbor_read_members(cursor, "cose", CBOR_CANONICAL, members, ARRAY_LENGTH(members));
}

static enum status
check_parameters(const struct algorithm *row, const struct parameters *p) {
	static const uint8_t exponent[] = {0x01, 0x00, 0x01};
	bool is_rsa = row->kty == KTY_RSA;
	if ((int64_t)p->kty.number != row->kty)
		return fail(STATUS_INVALID, "cose.kty: a key type of another algorithm");
	if (is_rsa ? p->minus_1.type != CBOR_BYTES
		   : p->minus_1.type != CBOR_UNSIGNED || (int64_t)p->minus_1.number != row->crv)
		return fail(STATUS_INVALID, "cose.curve: the curve does not belong to the algorithm");
	if ((row->kty == KTY_EC2) != (p->minus_3.type == CBOR_BYTES))
		return fail(STATUS_INVALID, "cose.parameters: a parameter is missing or too many");
	if (!is_rsa && (p->minus_2.bytes.len != row->coordinate ||
			(row->kty == KTY_EC2 && p->minus_3.bytes.len != row->coordinate)))
		return fail(STATUS_INVALID, "cose.coordinate: expected %zu bytes", row->coordinate);
	/* What authenticators make; so that no key is cheaper to verify by than another (identity/unknown_key.h). */
	if (is_rsa && !bytes_equal(p->minus_2.bytes, BYTES_OF_ARRAY(exponent)))
		return fail(STATUS_INVALID, "cose.exponent: of RSA keys those with the exponent 65,537 are taken");
	return OK;
}

enum status
cose_read(struct cursor *cursor, struct cose_key *key) {
	const uint8_t *start = cursor->at;
	struct parameters p;
	int64_t number;
	*key = (struct cose_key){};
	TRY(read_parameters(cursor, &p));
	TRY(cbor_integer(&p.alg, &number));
	TRY(cose_algorithm(number, &key->algorithm));
	TRY(check_parameters(&ALGORITHMS[key->algorithm], &p));
	bool is_rsa = key->algorithm == SIGNATURE_RS256;
	key->a = is_rsa ? p.minus_1.bytes : p.minus_2.bytes;
	key->b = is_rsa ? p.minus_2.bytes : p.minus_3.bytes;
	key->encoding = bytes_of(start, (size_t)(cursor->at - start));
	return OK;
}

enum status
cose_read_whole(struct bytes encoding, struct cose_key *key) {
	struct cursor cursor = cursor_of(encoding);
	TRY(cose_read(&cursor, key));
	return cbor_end(&cursor);
}

enum status
cose_public_key(const struct cose_key *key, struct public_key **public_key) {
	switch (key->algorithm) {
	case SIGNATURE_RS256:
		return public_key_from_rsa(key->a, key->b, public_key);
	case SIGNATURE_EDDSA:
		TRY(ed25519_public_check(key->a.data));
		return public_key_from_ed25519(key->a, public_key);
	default:
		return public_key_from_point(key->algorithm, key->a, key->b, public_key);
	}
}

static enum status
verify_es256(const struct cose_key *key, struct bytes message, struct bytes signature) {
	uint8_t point[65] = {0x04};
	struct hash256 digest = sha256(message);
	memcpy(point + 1, key->a.data, 32);
	memcpy(point + 33, key->b.data, 32);
	if (p256_verify_der(BYTES_OF_ARRAY(point), digest.bytes, signature) != OK)
		return fail(STATUS_UNAUTHORIZED, "signature.mismatch: not a signature by this key over this message");
	return OK;
}

enum status
cose_verify(const struct cose_key *key, struct bytes message, struct bytes signature) {
	_cleanup_(public_key_destroy) struct public_key *public_key = nullptr;
	if (key->algorithm == SIGNATURE_ES256)
		return verify_es256(key, message, signature);
	TRY(cose_public_key(key, &public_key));
	return public_key_verify(public_key, message, signature);
}
