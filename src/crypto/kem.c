#include "crypto/kem.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "crypto/aead.h"
#include "crypto/hash.h"

static const char ALGORITHM[] = "X25519MLKEM768";
constexpr size_t SHARED_SIZE = 64;
constexpr size_t MLKEM_CIPHERTEXT_SIZE = KEM_CIPHERTEXT_SIZE - 32;

static void
free_key(EVP_PKEY **key) {
	EVP_PKEY_free(*key);
}

static void
free_context(EVP_PKEY_CTX **context) {
	EVP_PKEY_CTX_free(*context);
}

static enum status
failed(const char *what) {
	return fail(STATUS_INTERNAL, "kem.library: %s", what);
}

static enum status
public_of(EVP_PKEY *key, uint8_t public_key[static KEM_PUBLIC_SIZE]) {
	size_t len = 0;
	if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, public_key, KEM_PUBLIC_SIZE,
					    &len) != 1 ||
	    len != KEM_PUBLIC_SIZE)
		return failed("no public key");
	return OK;
}

static enum status
read_private(struct bytes private_key, EVP_PKEY **key) {
	*key = private_key.len != KEM_PRIVATE_SIZE ? nullptr
						   : EVP_PKEY_new_raw_private_key_ex(nullptr, ALGORITHM, nullptr,
										     private_key.data, private_key.len);
	return *key != nullptr ? OK : fail(STATUS_INVALID, "kem.private_key: not a key of %s", ALGORITHM);
}

enum status
kem_generate(uint8_t public_key[static KEM_PUBLIC_SIZE], struct secret *private_key) {
	_cleanup_(free_key) EVP_PKEY *key = EVP_PKEY_Q_keygen(nullptr, nullptr, ALGORITHM);
	size_t len = KEM_PRIVATE_SIZE;
	if (key == nullptr)
		return failed("no key could be made");
	TRY(public_of(key, public_key));
	TRY(secret_alloc(private_key, KEM_PRIVATE_SIZE));
	if (EVP_PKEY_get_raw_private_key(key, private_key->data, &len) != 1 || len != KEM_PRIVATE_SIZE)
		return failed("no private key");
	return OK;
}

enum status
kem_public_of(struct bytes private_key, uint8_t public_key[static KEM_PUBLIC_SIZE]) {
	_cleanup_(free_key) EVP_PKEY *key = nullptr;
	TRY(read_private(private_key, &key));
	return public_of(key, public_key);
}

/* Both secrets, and everything that they were agreed on with. */
static enum status
derive(struct bytes label, struct bytes public_key, struct bytes ciphertext, const uint8_t shared[SHARED_SIZE],
       uint8_t key[static KEM_KEY_SIZE]) {
	_cleanup_(buffer_free) struct buffer info = {};
	buffer_append_prefixed(&info, label);
	buffer_append_prefixed(&info, public_key);
	buffer_append_prefixed(&info, ciphertext);
	TRY(buffer_status(&info));
	return hkdf_sha256(bytes_of(shared, SHARED_SIZE), (struct bytes){}, buffer_bytes(&info), key, KEM_KEY_SIZE);
}

enum status
kem_encapsulate(struct bytes public_key, struct bytes label, uint8_t ciphertext[static KEM_CIPHERTEXT_SIZE],
		uint8_t key[static KEM_KEY_SIZE]) {
	_cleanup_(secret_free) struct secret shared = {};
	_cleanup_(free_key) EVP_PKEY *peer = nullptr;
	_cleanup_(free_context) EVP_PKEY_CTX *context = nullptr;
	size_t ciphertext_len = KEM_CIPHERTEXT_SIZE, shared_len = SHARED_SIZE;
	TRY(secret_alloc(&shared, SHARED_SIZE));
	if (public_key.len == KEM_PUBLIC_SIZE)
		peer = EVP_PKEY_new_raw_public_key_ex(nullptr, ALGORITHM, nullptr, public_key.data, public_key.len);
	if (peer == nullptr)
		return fail(STATUS_INVALID, "kem.public_key: not a key of %s", ALGORITHM);
	context = EVP_PKEY_CTX_new_from_pkey(nullptr, peer, nullptr);
	if (context == nullptr || EVP_PKEY_encapsulate_init(context, nullptr) != 1 ||
	    EVP_PKEY_encapsulate(context, ciphertext, &ciphertext_len, shared.data, &shared_len) != 1 ||
	    ciphertext_len != KEM_CIPHERTEXT_SIZE || shared_len != SHARED_SIZE)
		return fail(STATUS_INVALID, "kem.public_key: nothing can be encapsulated for it");
	return derive(label, public_key, bytes_of(ciphertext, KEM_CIPHERTEXT_SIZE), shared.data, key);
}

/* One kind's part of an encapsulation, from its part of the seed. */
static enum status
encapsulate_mlkem(struct bytes public_key, const uint8_t seed[static 32],
		  uint8_t ciphertext[static MLKEM_CIPHERTEXT_SIZE], uint8_t shared[static 32]) {
	_cleanup_(free_context) EVP_PKEY_CTX *context = nullptr;
	size_t ciphertext_len = MLKEM_CIPHERTEXT_SIZE, shared_len = 32;
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_KEM_PARAM_IKME, (void *)(uintptr_t)seed, 32),
		OSSL_PARAM_construct_end()};
	_cleanup_(free_key) EVP_PKEY *peer =
		EVP_PKEY_new_raw_public_key_ex(nullptr, "ML-KEM-768", nullptr, public_key.data, public_key.len);
	if (peer != nullptr)
		context = EVP_PKEY_CTX_new_from_pkey(nullptr, peer, nullptr);
	if (context == nullptr || EVP_PKEY_encapsulate_init(context, params) != 1 ||
	    EVP_PKEY_encapsulate(context, ciphertext, &ciphertext_len, shared, &shared_len) != 1 ||
	    ciphertext_len != MLKEM_CIPHERTEXT_SIZE || shared_len != 32)
		return fail(STATUS_INVALID, "kem.public_key: nothing can be encapsulated for its ML-KEM-768 part");
	return OK;
}

static enum status
encapsulate_x25519(struct bytes public_key, const uint8_t seed[static 32], uint8_t point[static 32],
		   uint8_t shared[static 32]) {
	_cleanup_(free_context) EVP_PKEY_CTX *context = nullptr;
	size_t point_len = 32, shared_len = 32;
	_cleanup_(free_key) EVP_PKEY *own = EVP_PKEY_new_raw_private_key_ex(nullptr, "X25519", nullptr, seed, 32);
	_cleanup_(free_key) EVP_PKEY *peer =
		EVP_PKEY_new_raw_public_key_ex(nullptr, "X25519", nullptr, public_key.data, public_key.len);
	if (own != nullptr && peer != nullptr)
		context = EVP_PKEY_CTX_new_from_pkey(nullptr, own, nullptr);
	if (context == nullptr || EVP_PKEY_get_raw_public_key(own, point, &point_len) != 1 ||
	    EVP_PKEY_derive_init(context) != 1 || EVP_PKEY_derive_set_peer(context, peer) != 1 ||
	    EVP_PKEY_derive(context, shared, &shared_len) != 1 || shared_len != 32)
		return fail(STATUS_INVALID, "kem.public_key: nothing can be encapsulated for its X25519 part");
	return OK;
}

enum status
kem_encapsulate_from(struct bytes public_key, struct bytes label, const uint8_t seed[static 64],
		     uint8_t ciphertext[static KEM_CIPHERTEXT_SIZE], uint8_t key[static KEM_KEY_SIZE]) {
	_cleanup_(secret_free) struct secret shared = {};
	if (public_key.len != KEM_PUBLIC_SIZE)
		return fail(STATUS_INVALID, "kem.public_key: not a key of %s", ALGORITHM);
	TRY(secret_alloc(&shared, SHARED_SIZE));
	TRY(encapsulate_mlkem(bytes_of(public_key.data, KEM_PUBLIC_SIZE - 32), seed, ciphertext, shared.data));
	TRY(encapsulate_x25519(bytes_of(public_key.data + KEM_PUBLIC_SIZE - 32, 32), seed + 32,
			       ciphertext + MLKEM_CIPHERTEXT_SIZE, shared.data + 32));
	return derive(label, public_key, bytes_of(ciphertext, KEM_CIPHERTEXT_SIZE), shared.data, key);
}

enum status
kem_decapsulate(struct bytes private_key, struct bytes label, struct bytes ciphertext,
		uint8_t key[static KEM_KEY_SIZE]) {
	_cleanup_(secret_free) struct secret shared = {};
	_cleanup_(free_key) EVP_PKEY *own = nullptr;
	_cleanup_(free_context) EVP_PKEY_CTX *context = nullptr;
	uint8_t public_key[KEM_PUBLIC_SIZE];
	size_t shared_len = SHARED_SIZE;
	if (ciphertext.len != KEM_CIPHERTEXT_SIZE)
		return fail(STATUS_INVALID, "kem.ciphertext: %zu bytes, expected %zu", ciphertext.len,
			    KEM_CIPHERTEXT_SIZE);
	TRY(secret_alloc(&shared, SHARED_SIZE));
	TRY(read_private(private_key, &own));
	TRY(public_of(own, public_key));
	context = EVP_PKEY_CTX_new_from_pkey(nullptr, own, nullptr);
	if (context == nullptr || EVP_PKEY_decapsulate_init(context, nullptr) != 1 ||
	    EVP_PKEY_decapsulate(context, shared.data, &shared_len, ciphertext.data, ciphertext.len) != 1 ||
	    shared_len != SHARED_SIZE)
		return fail(STATUS_INVALID, "kem.ciphertext: it cannot be decapsulated");
	return derive(label, BYTES_OF_ARRAY(public_key), ciphertext, shared.data, key);
}
