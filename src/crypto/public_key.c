#include "crypto/public_key.h"

#include <stdlib.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/params.h>

#include "crypto/check.h"
#include "crypto/public_key_library.h"

constexpr int RSA_BITS_MIN = 2048;
constexpr int RSA_BITS_MAX = 4096;
constexpr size_t POINT_MAX = 1 + 2 * 48;

struct public_key {
	enum signature_algorithm algorithm;
	EVP_PKEY *library;
};

static const struct algorithm {
	const char *name;
	const char *key_type;
	const char *curve;
	const char *hash; /* null: the algorithm hashes itself */
	size_t coordinate;
} ALGORITHMS[SIGNATURE_ALGORITHMS] = {
	[SIGNATURE_ES256] = {"ES256", "EC", "prime256v1", "SHA2-256", 32},
	[SIGNATURE_ES384] = {"ES384", "EC", "secp384r1", "SHA2-384", 48},
	[SIGNATURE_RS256] = {"RS256", "RSA", nullptr, "SHA2-256", 0},
	[SIGNATURE_EDDSA] = {"EdDSA", "ED25519", nullptr, nullptr, 32},
};

const char *
signature_algorithm_name(enum signature_algorithm algorithm) {
	return ALGORITHMS[algorithm].name;
}

static void
free_key_context(EVP_PKEY_CTX **context) {
	EVP_PKEY_CTX_free(*context);
}

static void
free_library_key(EVP_PKEY **key) {
	EVP_PKEY_free(*key);
}

static void
free_digest_context(EVP_MD_CTX **context) {
	EVP_MD_CTX_free(*context);
}

static void
free_number(BIGNUM **number) {
	BN_free(*number);
}

void
public_key_destroy(struct public_key **key) {
	struct public_key *gone = TAKE(*key);
	if (gone == nullptr)
		return;
	EVP_PKEY_free(gone->library);
	free(gone);
}

enum signature_algorithm
public_key_algorithm(const struct public_key *key) {
	return key->algorithm;
}

bool
public_key_equal(const struct public_key *a, const struct public_key *b) {
	return a->algorithm == b->algorithm && EVP_PKEY_eq(a->library, b->library) == 1;
}

/* --- Making. --- */

/* Null where the library finds that it is no key: the numbers are a stranger's. */
static EVP_PKEY *
import(const char *type, OSSL_PARAM *parameters) {
	EVP_PKEY *key = nullptr;
	_cleanup_(free_key_context) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr);
	crypto_must(context != nullptr && EVP_PKEY_fromdata_init(context) == 1, "reading a public key");
	return EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) == 1 ? key : nullptr;
}

static enum status
make(enum signature_algorithm algorithm, EVP_PKEY *library, struct public_key **key) {
	struct public_key *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	crypto_must(EVP_PKEY_up_ref(library) == 1, "holding a public key");
	*made = (struct public_key){algorithm, library};
	*key = made;
	return OK;
}

enum status
public_key_from_point(enum signature_algorithm algorithm, struct bytes x, struct bytes y, struct public_key **key) {
	const struct algorithm *row = &ALGORITHMS[algorithm];
	uint8_t point[POINT_MAX] = {POINT_CONVERSION_UNCOMPRESSED};
	char curve[16] = {};
	if (row->curve == nullptr || x.len != row->coordinate || y.len != row->coordinate)
		return fail(STATUS_INVALID, "public_key.point: %zu and %zu bytes are no %s point", x.len, y.len,
			    row->name);
	memcpy(point + 1, x.data, x.len);
	memcpy(point + 1 + x.len, y.data, y.len);
	memcpy(curve, row->curve, strlen(row->curve));
	OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, curve, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * row->coordinate),
		OSSL_PARAM_construct_end(),
	};
	_cleanup_(free_library_key) EVP_PKEY *library = import(row->key_type, parameters);
	if (library == nullptr)
		return fail(STATUS_INVALID, "public_key.point: not a point of the curve of %s", row->name);
	return make(algorithm, library, key);
}

static enum status
check_rsa(EVP_PKEY *library) {
	_cleanup_(free_number) BIGNUM *exponent = nullptr;
	int bits = EVP_PKEY_get_bits(library);
	if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
		return fail(STATUS_INVALID, "public_key.rsa: a modulus of %d bits, and %d to %d are taken", bits,
			    RSA_BITS_MIN, RSA_BITS_MAX);
	crypto_must(EVP_PKEY_get_bn_param(library, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1, "reading a public key");
	if (!BN_is_odd(exponent) || BN_is_one(exponent) || BN_num_bits(exponent) > 32)
		return fail(STATUS_INVALID, "public_key.rsa: the exponent is even, one or over 32 bits");
	return OK;
}

/* The library's parameters are in the machine's order. */
static bool
native_number(struct bytes big_endian, uint8_t *native, size_t size) {
	if (big_endian.len == 0 || big_endian.len > size || big_endian.data[0] == 0)
		return false;
	_cleanup_(free_number) BIGNUM *number = BN_bin2bn(big_endian.data, (int)big_endian.len, nullptr);
	return number != nullptr && BN_bn2nativepad(number, native, (int)big_endian.len) == (int)big_endian.len;
}

enum status
public_key_from_rsa(struct bytes modulus, struct bytes exponent, struct public_key **key) {
	uint8_t n[RSA_BITS_MAX / 8], e[4];
	if (!native_number(modulus, n, sizeof n) || !native_number(exponent, e, sizeof e))
		return fail(STATUS_INVALID,
			    "public_key.rsa: a modulus of %zu bytes and an exponent of %zu, or leading "
			    "zeros",
			    modulus.len, exponent.len);
	OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, n, modulus.len),
		OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_E, e, exponent.len),
		OSSL_PARAM_construct_end(),
	};
	_cleanup_(free_library_key) EVP_PKEY *library = import("RSA", parameters);
	if (library == nullptr)
		return fail(STATUS_INVALID, "public_key.rsa: not a key");
	TRY(check_rsa(library));
	return make(SIGNATURE_RS256, library, key);
}

enum status
public_key_from_ed25519(struct bytes point, struct public_key **key) {
	_cleanup_(free_library_key) EVP_PKEY *library =
		point.len != 32 ? nullptr
				: EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, point.data, point.len);
	if (library == nullptr)
		return fail(STATUS_INVALID, "public_key.ed25519: expected 32 bytes, found %zu", point.len);
	return make(SIGNATURE_EDDSA, library, key);
}

static bool
is_on_curve(EVP_PKEY *library, const char *curve) {
	char name[32];
	size_t len;
	return EVP_PKEY_get_group_name(library, name, sizeof name, &len) == 1 && strcmp(name, curve) == 0;
}

enum status
public_key_of_library(EVP_PKEY *library, struct public_key **key) {
	for (unsigned i = 0; i < SIGNATURE_ALGORITHMS; i++) {
		const struct algorithm *row = &ALGORITHMS[i];
		if (EVP_PKEY_is_a(library, row->key_type) != 1 ||
		    (row->curve != nullptr && !is_on_curve(library, row->curve)))
			continue;
		if (i == SIGNATURE_RS256)
			TRY(check_rsa(library));
		return make((enum signature_algorithm)i, library, key);
	}
	return fail(STATUS_UNSUPPORTED, "public_key.kind: neither P-256, P-384, RSA nor Ed25519");
}

/* --- Verifying. --- */

enum status
public_key_verify(const struct public_key *key, struct bytes message, struct bytes signature) {
	_cleanup_(free_digest_context) EVP_MD_CTX *context = EVP_MD_CTX_new();
	TRY_ALLOC(context);
	crypto_must(EVP_DigestVerifyInit_ex(context, nullptr, ALGORITHMS[key->algorithm].hash, nullptr, nullptr,
					    key->library, nullptr) == 1,
		    "verifying");
	if (EVP_DigestVerify(context, signature.data, signature.len, message.data, message.len) != 1)
		return fail(STATUS_UNAUTHORIZED, "signature.mismatch: not a signature by this key over this message");
	return OK;
}
