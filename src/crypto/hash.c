#include "crypto/hash.h"

#include <pthread.h>
#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "crypto/check.h"

constexpr size_t SMALL_MAX = 128;

enum algorithm { ALGORITHM_SHA256, ALGORITHM_KECCAK256, ALGORITHM_RIPEMD160, ALGORITHM_COUNT };

static EVP_MD *algorithms[ALGORITHM_COUNT];
/* MACs with their hash chosen; each call works on a copy, which takes the key along when it is freed. */
static EVP_MAC_CTX *hmac_sha1_template, *hmac_sha256_template, *hmac_sha512_template;
static pthread_key_t thread_end;
static pthread_once_t fetched = PTHREAD_ONCE_INIT;

static thread_local EVP_MD_CTX *contexts[ALGORITHM_COUNT];

static void
free_contexts(void *of_thread) {
	EVP_MD_CTX **gone = of_thread;
	for (size_t i = 0; i < ALGORITHM_COUNT; i++) {
		EVP_MD_CTX_free(gone[i]);
		gone[i] = nullptr;
	}
}

static EVP_MAC_CTX *
hmac_template(EVP_MAC *hmac, char *digest) {
	EVP_MAC_CTX *template = EVP_MAC_CTX_new(hmac);
	const OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	crypto_must(template != nullptr && EVP_MAC_CTX_set_params(template, parameters) == 1,
		    "choosing the hash of HMAC");
	return template;
}

static void
fetch_algorithms(void) {
	static const char *const names[ALGORITHM_COUNT] = {
		[ALGORITHM_SHA256] = "SHA2-256",
		[ALGORITHM_KECCAK256] = "KECCAK-256",
		[ALGORITHM_RIPEMD160] = "RIPEMD-160",
	};
	for (size_t i = 0; i < ALGORITHM_COUNT; i++)
		crypto_must((algorithms[i] = EVP_MD_fetch(nullptr, names[i], nullptr)) != nullptr, names[i]);
	EVP_MAC *hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
	crypto_must(hmac != nullptr, "HMAC");
	hmac_sha1_template = hmac_template(hmac, (char[]){"SHA1"});
	hmac_sha256_template = hmac_template(hmac, (char[]){"SHA2-256"});
	hmac_sha512_template = hmac_template(hmac, (char[]){"SHA2-512"});
	EVP_MAC_free(hmac);
	crypto_must(pthread_key_create(&thread_end, free_contexts) == 0, "a thread key");
}

[[gnu::noinline]] static EVP_MD_CTX *
create_context(enum algorithm algorithm) {
	crypto_must(pthread_once(&fetched, fetch_algorithms) == 0, "fetching the hashes");
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	crypto_must(context != nullptr && EVP_DigestInit_ex2(context, algorithms[algorithm], nullptr) == 1,
		    "a hash context");
	contexts[algorithm] = context;
	crypto_must(pthread_setspecific(thread_end, contexts) == 0, "a thread key");
	return context;
}

static EVP_MD_CTX *
start(enum algorithm algorithm) {
	EVP_MD_CTX *context = contexts[algorithm];
	if (__builtin_expect(context == nullptr, 0))
		return create_context(algorithm);
	crypto_must(EVP_DigestInit_ex2(context, nullptr, nullptr) == 1, "starting a hash");
	return context;
}

static void
add(EVP_MD_CTX *context, struct bytes part) {
	crypto_must(EVP_DigestUpdate(context, part.data, part.len) == 1, "hashing");
}

static void
finish(EVP_MD_CTX *context, uint8_t *digest) {
	crypto_must(EVP_DigestFinal_ex(context, digest, nullptr) == 1, "finishing a hash");
}

static void
hash_once(enum algorithm algorithm, struct bytes message, uint8_t *digest) {
	EVP_MD_CTX *context = start(algorithm);
	add(context, message);
	finish(context, digest);
}

struct hash256
sha256(struct bytes message) {
	struct hash256 digest;
	hash_once(ALGORITHM_SHA256, message, digest.bytes);
	return digest;
}

struct hash256
sha256_parts(const struct bytes *parts, size_t count) {
	/* The parts of a tree node (1 + 32 + 32 bytes) are cheaper to copy than to add one by one. */
	uint8_t small[SMALL_MAX];
	size_t len = 0, i = 0;
	for (; i < count && parts[i].len <= sizeof small - len; i++) {
		if (parts[i].len > 0)
			memcpy(small + len, parts[i].data, parts[i].len);
		len += parts[i].len;
	}
	struct hash256 digest;
	EVP_MD_CTX *context = start(ALGORITHM_SHA256);
	add(context, bytes_of(small, len));
	for (; i < count; i++)
		add(context, parts[i]);
	finish(context, digest.bytes);
	return digest;
}

struct hash256
sha256_twice(struct bytes message) {
	struct hash256 inner = sha256(message);
	return sha256(hash256_bytes(&inner));
}

struct hash256
sha256_of_secret(struct bytes message) {
	struct hash256 digest;
	crypto_must(pthread_once(&fetched, fetch_algorithms) == 0, "fetching the hashes");
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	crypto_must(context != nullptr && EVP_DigestInit_ex2(context, algorithms[ALGORITHM_SHA256], nullptr) == 1,
		    "starting a hash");
	add(context, message);
	finish(context, digest.bytes);
	EVP_MD_CTX_free(context); /* the library wipes it */
	return digest;
}

struct hash256
keccak256(struct bytes message) {
	struct hash256 digest;
	hash_once(ALGORITHM_KECCAK256, message, digest.bytes);
	return digest;
}

struct hash256
tagged_hash(const char *tag, struct bytes message) {
	struct hash256 tag_hash = sha256(bytes_of_text(tag));
	return SHA256_PARTS(hash256_bytes(&tag_hash), hash256_bytes(&tag_hash), message);
}

void
hash160(struct bytes message, uint8_t digest[20]) {
	struct hash256 inner = sha256(message);
	hash_once(ALGORITHM_RIPEMD160, hash256_bytes(&inner), digest);
}

static void
hmac(EVP_MAC_CTX *const *template, struct bytes key, struct bytes message, uint8_t *mac, size_t size) {
	crypto_must(pthread_once(&fetched, fetch_algorithms) == 0, "fetching the hashes");
	/* A null key would mean "keep the last key" to the library. */
	const uint8_t *key_data = key.len == 0 ? (const uint8_t *)"" : key.data;
	size_t len = 0;
	EVP_MAC_CTX *context = EVP_MAC_CTX_dup(*template);
	crypto_must(context != nullptr && EVP_MAC_init(context, key_data, key.len, nullptr) == 1 &&
			    EVP_MAC_update(context, message.data, message.len) == 1 &&
			    EVP_MAC_final(context, mac, &len, size) == 1 && len == size,
		    "HMAC");
	EVP_MAC_CTX_free(context);
}

struct hash256
hmac_sha256(struct bytes key, struct bytes message) {
	struct hash256 mac;
	hmac(&hmac_sha256_template, key, message, mac.bytes, sizeof mac.bytes);
	return mac;
}

void
hmac_sha1(struct bytes key, struct bytes message, uint8_t mac[20]) {
	hmac(&hmac_sha1_template, key, message, mac, 20);
}

void
hmac_sha512(struct bytes key, struct bytes message, uint8_t mac[64]) {
	hmac(&hmac_sha512_template, key, message, mac, 64);
}

struct sha256_stream {
	EVP_MD_CTX *context;
};

enum status
sha256_stream_create(struct sha256_stream **stream) {
	crypto_must(pthread_once(&fetched, fetch_algorithms) == 0, "fetching the hashes");
	_cleanup_(sha256_stream_destroy) struct sha256_stream *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	made->context = EVP_MD_CTX_new();
	TRY_ALLOC(made->context);
	crypto_must(EVP_DigestInit_ex2(made->context, algorithms[ALGORITHM_SHA256], nullptr) == 1, "starting a hash");
	*stream = TAKE(made);
	return OK;
}

void
sha256_stream_destroy(struct sha256_stream **stream) {
	struct sha256_stream *gone = TAKE(*stream);
	if (gone == nullptr)
		return;
	EVP_MD_CTX_free(gone->context);
	free(gone);
}

void
sha256_stream_add(struct sha256_stream *stream, struct bytes part) {
	add(stream->context, part);
}

struct hash256
sha256_stream_finish(struct sha256_stream *stream) {
	struct hash256 digest;
	finish(stream->context, digest.bytes);
	crypto_must(EVP_DigestInit_ex2(stream->context, nullptr, nullptr) == 1, "starting a hash");
	return digest;
}
