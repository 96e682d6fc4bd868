#include "crypto/aead.h"

#include <limits.h>
#include <pthread.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "crypto/check.h"
#include "crypto/random.h"

constexpr size_t NONCE_SIZE = 12;
constexpr size_t TAG_SIZE = 16;

static EVP_CIPHER *aes_256_gcm;
static EVP_KDF *argon2, *hkdf;
static EVP_MD *sha2_512;
static pthread_once_t fetched = PTHREAD_ONCE_INIT;

static void
fetch_algorithms(void) {
	crypto_must((aes_256_gcm = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr)) != nullptr, "AES-256-GCM");
	crypto_must((argon2 = EVP_KDF_fetch(nullptr, "ARGON2ID", nullptr)) != nullptr, "argon2id");
	crypto_must((hkdf = EVP_KDF_fetch(nullptr, "HKDF", nullptr)) != nullptr, "HKDF");
	crypto_must((sha2_512 = EVP_MD_fetch(nullptr, "SHA2-512", nullptr)) != nullptr, "SHA-512");
}

static void
fetch(void) {
	crypto_must(pthread_once(&fetched, fetch_algorithms) == 0, "fetching the ciphers");
}

static enum status
check_lengths(struct bytes associated, struct bytes text) {
	if (associated.len > INT_MAX || text.len > INT_MAX - AEAD_OVERHEAD)
		return fail(STATUS_TOO_LARGE, "aead.size: %zu bytes with %zu associated ones", text.len,
			    associated.len);
	return OK;
}

enum status
aead_seal(const uint8_t key[32], struct bytes associated, struct bytes plain, uint8_t *sealed) {
	TRY(check_lengths(associated, plain));
	fetch();
	uint8_t *nonce = sealed, *cipher = sealed + NONCE_SIZE, *tag = cipher + plain.len;
	random_bytes(nonce, NONCE_SIZE);
	/* A context per call: it holds the expanded key and wipes it when freed. */
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	int len = 0;
	crypto_must(
		context != nullptr && EVP_EncryptInit_ex2(context, aes_256_gcm, key, nonce, nullptr) == 1 &&
			(associated.len == 0 ||
			 EVP_EncryptUpdate(context, nullptr, &len, associated.data, (int)associated.len) == 1) &&
			(plain.len == 0 || EVP_EncryptUpdate(context, cipher, &len, plain.data, (int)plain.len) == 1) &&
			EVP_EncryptFinal_ex(context, tag, &len) == 1 &&
			EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, (int)TAG_SIZE, tag) == 1,
		"sealing");
	EVP_CIPHER_CTX_free(context);
	return OK;
}

enum status
aead_open(const uint8_t key[32], struct bytes associated, struct bytes sealed, uint8_t *plain) {
	if (sealed.len < AEAD_OVERHEAD)
		return fail(STATUS_UNAUTHORIZED, "aead.open: %zu bytes are less than nonce and tag", sealed.len);
	struct bytes cipher = bytes_of(sealed.data + NONCE_SIZE, sealed.len - AEAD_OVERHEAD);
	TRY(check_lengths(associated, cipher));
	fetch();
	uint8_t tag[TAG_SIZE], none[1];
	memcpy(tag, cipher.data + cipher.len, TAG_SIZE);
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	int len = 0;
	crypto_must(context != nullptr && EVP_DecryptInit_ex2(context, aes_256_gcm, key, sealed.data, nullptr) == 1 &&
			    (associated.len == 0 ||
			     EVP_DecryptUpdate(context, nullptr, &len, associated.data, (int)associated.len) == 1) &&
			    (cipher.len == 0 ||
			     EVP_DecryptUpdate(context, plain, &len, cipher.data, (int)cipher.len) == 1) &&
			    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, (int)TAG_SIZE, tag) == 1,
		    "opening");
	bool authentic = EVP_DecryptFinal_ex(context, none, &len) == 1;
	EVP_CIPHER_CTX_free(context);
	if (!authentic) {
		if (cipher.len > 0)
			secret_wipe(plain, cipher.len);
		return fail(STATUS_UNAUTHORIZED,
			    "aead.open: key, associated data or bytes differ from what was sealed");
	}
	return OK;
}

static OSSL_PARAM
octets(const char *name, struct bytes value) {
	/* The library reads these only; its type has no const. A null pointer would count as absent. */
	return OSSL_PARAM_construct_octet_string(name, value.len == 0 ? (void *)"" : (void *)(uintptr_t)value.data,
						 value.len);
}

static bool
derive(EVP_KDF *kdf, const OSSL_PARAM *parameters, uint8_t *key, size_t len) {
	EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
	bool derived = context != nullptr && EVP_KDF_derive(context, key, len, parameters) == 1;
	EVP_KDF_CTX_free(context);
	return derived;
}

enum status
argon2id(struct bytes passphrase, struct bytes salt, struct argon2id_cost cost, uint8_t *key, size_t len) {
	fetch();
	const OSSL_PARAM parameters[] = {
		octets(OSSL_KDF_PARAM_PASSWORD, passphrase),
		octets(OSSL_KDF_PARAM_SALT, salt),
		OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_ITER, &cost.passes),
		OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_ARGON2_LANES, &cost.lanes),
		OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_ARGON2_MEMCOST, &cost.memory_kib),
		OSSL_PARAM_construct_end(),
	};
	if (!derive(argon2, parameters, key, len))
		return fail(STATUS_INVALID,
			    "argon2id.cost: %u KiB, %u passes, %u lanes, a salt of %zu bytes and a key of %zu are not "
			    "possible",
			    cost.memory_kib, cost.passes, cost.lanes, salt.len, len);
	return OK;
}

enum status
hkdf_sha256(struct bytes secret, struct bytes salt, struct bytes info, uint8_t *key, size_t len) {
	if (len == 0 || len > 255 * 32)
		return fail(STATUS_INVALID, "hkdf.size: a key of %zu bytes; 1 to 8160 are possible", len);
	fetch();
	char digest[] = "SHA2-256";
	const OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
		octets(OSSL_KDF_PARAM_KEY, secret),
		octets(OSSL_KDF_PARAM_SALT, salt),
		octets(OSSL_KDF_PARAM_INFO, info),
		OSSL_PARAM_construct_end(),
	};
	crypto_must(derive(hkdf, parameters, key, len), "HKDF");
	return OK;
}

enum status
pbkdf2_hmac_sha512(struct bytes password, struct bytes salt, uint32_t rounds, uint8_t *key, size_t len) {
	if (password.len > INT_MAX || salt.len > INT_MAX || rounds == 0 || rounds > INT_MAX || len == 0 ||
	    len > INT_MAX)
		return fail(STATUS_INVALID, "pbkdf2.size: %zu bytes of password, %zu of salt, %u rounds, %zu of key",
			    password.len, salt.len, rounds, len);
	fetch();
	const char *text = password.len == 0 ? "" : (const char *)password.data;
	crypto_must(PKCS5_PBKDF2_HMAC(text, (int)password.len, salt.data, (int)salt.len, (int)rounds, sha2_512,
				      (int)len, key) == 1,
		    "PBKDF2");
	return OK;
}
