#include "crypto/sign.h"

#include <pthread.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/secret.h"
#include "crypto/check.h"
#include "crypto/declassify.h"

constexpr size_t DER_MAX = 72;

static EC_GROUP *group;
static const BIGNUM *order;
static uint8_t order_bytes[32];
static BIGNUM *half_order;
static EVP_PKEY *parameters_only; /* the curve, to start public keys from without looking it up again */
static EVP_SIGNATURE *ecdsa;
static pthread_once_t started = PTHREAD_ONCE_INIT;

static void
free_key_context(EVP_PKEY_CTX **context) {
	EVP_PKEY_CTX_free(*context);
}

static void
free_key(EVP_PKEY **key) {
	EVP_PKEY_free(*key);
}

static void
free_secret_number(BIGNUM **number) {
	BN_clear_free(*number);
}

static void
free_point(EC_POINT **point) {
	EC_POINT_free(*point);
}

static void
free_signature(ECDSA_SIG **signature) {
	ECDSA_SIG_free(*signature);
}

static EVP_PKEY *
import_key(int selection, const OSSL_PARAM *data) {
	EVP_PKEY *key = nullptr;
	_cleanup_(free_key_context) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr);
	if (context == nullptr || EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &key, selection, (OSSL_PARAM *)(uintptr_t)data) != 1)
		return nullptr;
	return key;
}

static OSSL_PARAM
curve_name(void) {
	static char name[] = "prime256v1";
	return OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name, 0);
}

static void
start_library(void) {
	const OSSL_PARAM curve[] = {curve_name(), OSSL_PARAM_construct_end()};
	group = EC_GROUP_new_by_curve_name_ex(nullptr, nullptr, NID_X9_62_prime256v1);
	half_order = BN_new();
	crypto_must(group != nullptr && half_order != nullptr, "P-256");
	order = EC_GROUP_get0_order(group);
	crypto_must(BN_rshift1(half_order, order) == 1 && BN_bn2binpad(order, order_bytes, 32) == 32, "P-256");
	crypto_must((parameters_only = import_key(EVP_PKEY_KEY_PARAMETERS, curve)) != nullptr, "P-256");
	crypto_must((ecdsa = EVP_SIGNATURE_fetch(nullptr, "ECDSA", nullptr)) != nullptr, "ECDSA");
}

static void
start(void) {
	crypto_must(pthread_once(&started, start_library) == 0, "P-256");
}

/* 1 <= key < n, without a branch on either. */
static bool
is_in_range(const uint8_t key[32]) {
	unsigned any = 0, borrow = 0;
	for (int i = 31; i >= 0; i--) {
		any |= key[i];
		borrow = (unsigned)key[i] - order_bytes[i] - borrow;
		borrow = borrow >> 8 & 1;
	}
	return declassified((any != 0) & (borrow == 1));
}

static enum status
read_private_key(const uint8_t key[32], BIGNUM **number) {
	if (!is_in_range(key))
		return fail(STATUS_INVALID, "private_key.p256: not between 1 and the order of the curve");
	BIGNUM *read = BN_secure_new();
	TRY_ALLOC(read);
	BN_set_flags(read, BN_FLG_CONSTTIME);
	if (BN_bin2bn(key, 32, read) == nullptr) {
		BN_clear_free(read);
		return fail(STATUS_NO_MEMORY, "memory: out of memory in %s", __func__);
	}
	*number = read;
	return OK;
}

static enum status
public_point(const BIGNUM *key, uint8_t *encoded, point_conversion_form_t form, size_t size) {
	_cleanup_(free_point) EC_POINT *point = EC_POINT_new(group);
	TRY_ALLOC(point);
	crypto_must(EC_POINT_mul(group, point, key, nullptr, nullptr, nullptr) == 1 &&
			    EC_POINT_point2oct(group, point, form, encoded, size, nullptr) == size,
		    "a P-256 public key");
	declassify(encoded, size);
	return OK;
}

enum status
p256_public_key(const uint8_t key[32], uint8_t public_key[33]) {
	start();
	_cleanup_(free_secret_number) BIGNUM *number = nullptr;
	TRY(read_private_key(key, &number));
	return public_point(number, public_key, POINT_CONVERSION_COMPRESSED, 33);
}

/* DER as the library made it, to r ‖ s with s in the lower half. */
static enum status
compact_low_s(const uint8_t *der, size_t len, uint8_t signature[64]) {
	_cleanup_(free_signature) ECDSA_SIG *parsed = d2i_ECDSA_SIG(nullptr, &der, (long)len);
	_cleanup_(free_secret_number) BIGNUM *s = BN_new();
	TRY_ALLOC(parsed);
	TRY_ALLOC(s);
	bool high = BN_cmp(ECDSA_SIG_get0_s(parsed), half_order) > 0;
	crypto_must((high ? BN_sub(s, order, ECDSA_SIG_get0_s(parsed)) == 1
			  : BN_copy(s, ECDSA_SIG_get0_s(parsed)) != nullptr) &&
			    BN_bn2binpad(ECDSA_SIG_get0_r(parsed), signature, 32) == 32 &&
			    BN_bn2binpad(s, signature + 32, 32) == 32,
		    "writing a signature");
	return OK;
}

enum status
p256_sign(const uint8_t key[32], const uint8_t digest[32], uint8_t signature[64]) {
	start();
	_cleanup_(free_secret_number) BIGNUM *number = nullptr;
	TRY(read_private_key(key, &number));
	uint8_t public_key[65], native[32];
	TRY(public_point(number, public_key, POINT_CONVERSION_UNCOMPRESSED, sizeof public_key));
	crypto_must(BN_bn2nativepad(number, native, sizeof native) == sizeof native, "reading a P-256 key");
	const OSSL_PARAM data[] = {
		curve_name(),
		OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, native, sizeof native),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, public_key, sizeof public_key),
		OSSL_PARAM_construct_end(),
	};
	_cleanup_(free_key) EVP_PKEY *pair = import_key(EVP_PKEY_KEYPAIR, data);
	secret_wipe(native, sizeof native);
	TRY_ALLOC(pair);

	unsigned rfc6979 = 1;
	char hash[] = "SHA2-256";
	const OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, hash, 0),
		OSSL_PARAM_construct_uint(OSSL_SIGNATURE_PARAM_NONCE_TYPE, &rfc6979),
		OSSL_PARAM_construct_end(),
	};
	uint8_t der[DER_MAX];
	size_t len = sizeof der;
	_cleanup_(free_key_context) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(nullptr, pair, nullptr);
	TRY_ALLOC(context);
	if (EVP_PKEY_sign_init_ex2(context, ecdsa, parameters) != 1 ||
	    EVP_PKEY_sign(context, der, &len, digest, 32) != 1)
		return fail(STATUS_INTERNAL, "signature.p256_sign: the library could not sign");
	declassify(der, sizeof der);
	declassify(&len, sizeof len);
	return compact_low_s(der, len, signature);
}

static enum status
read_public_key(struct bytes encoded, EVP_PKEY **key) {
	bool known = (encoded.len == 33 && (encoded.data[0] == 2 || encoded.data[0] == 3)) ||
		     (encoded.len == 65 && encoded.data[0] == 4);
	_cleanup_(free_key) EVP_PKEY *read = EVP_PKEY_new();
	TRY_ALLOC(read);
	crypto_must(EVP_PKEY_copy_parameters(read, parameters_only) == 1, "P-256");
	if (!known || EVP_PKEY_set1_encoded_public_key(read, encoded.data, encoded.len) != 1)
		return fail(STATUS_INVALID, "public_key.p256: %zu bytes that are no point of the curve", encoded.len);
	*key = TAKE(read);
	return OK;
}

enum status
p256_verify_der(struct bytes public_key, const uint8_t digest[32], struct bytes der) {
	start();
	_cleanup_(free_key) EVP_PKEY *key = nullptr;
	TRY(read_public_key(public_key, &key));
	_cleanup_(free_key_context) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr);
	TRY_ALLOC(context);
	crypto_must(EVP_PKEY_verify_init_ex2(context, ecdsa, nullptr) == 1, "ECDSA");
	if (EVP_PKEY_verify(context, der.data, der.len, digest, 32) != 1)
		return fail(STATUS_UNAUTHORIZED, "signature.p256: does not verify");
	return OK;
}

/* One DER integer of 32 big-endian bytes: leading zeros off, a zero before a set sign bit. */
static size_t
append_der_integer(uint8_t *der, const uint8_t number[32]) {
	size_t skipped = 0;
	while (skipped < 31 && number[skipped] == 0)
		skipped++;
	size_t pad = number[skipped] >> 7, len = 32 - skipped + pad;
	der[0] = 0x02;
	der[1] = (uint8_t)len;
	der[2] = 0;
	memcpy(der + 2 + pad, number + skipped, 32 - skipped);
	return 2 + len;
}

enum status
p256_verify(struct bytes public_key, const uint8_t digest[32], const uint8_t signature[64]) {
	uint8_t der[DER_MAX];
	size_t len = 2;
	len += append_der_integer(der + len, signature);
	len += append_der_integer(der + len, signature + 32);
	der[0] = 0x30;
	der[1] = (uint8_t)(len - 2);
	return p256_verify_der(public_key, digest, bytes_of(der, len));
}
