#include "keys/threshold/ecdsa/oblivious.h"

#include <limits.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "base/secret.h"
#include "crypto/check.h"

constexpr size_t DATA_MAX = 192;
constexpr size_t ZEROS_SIZE = 128;

struct oblivious {
	struct sha256_stream *hash;
	EVP_CIPHER *algorithm;
	EVP_CIPHER_CTX *cipher;
};

enum status
oblivious_create(struct oblivious **oblivious) {
	_cleanup_(oblivious_destroy) struct oblivious *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	TRY(sha256_stream_create(&made->hash));
	made->algorithm = EVP_CIPHER_fetch(nullptr, "AES-128-CTR", nullptr);
	made->cipher = EVP_CIPHER_CTX_new();
	TRY_ALLOC(made->cipher);
	crypto_must(made->algorithm != nullptr &&
			    EVP_EncryptInit_ex2(made->cipher, made->algorithm, nullptr, nullptr, nullptr) == 1,
		    "AES-128-CTR");
	*oblivious = TAKE(made);
	return OK;
}

void
oblivious_destroy(struct oblivious **oblivious) {
	struct oblivious *gone = TAKE(*oblivious);
	if (gone == nullptr)
		return;
	sha256_stream_destroy(&gone->hash);
	EVP_CIPHER_CTX_free(gone->cipher);
	EVP_CIPHER_free(gone->algorithm);
	free(gone);
}

struct hash256
oblivious_hash(struct oblivious *oblivious, const struct hash256 *context, enum oblivious_tag tag, const void *data,
	       size_t len) {
	uint8_t message[sizeof context->bytes + 1 + DATA_MAX];
	crypto_must(len <= DATA_MAX, "a hash of more than it is for");
	memcpy(message, context->bytes, sizeof context->bytes);
	message[sizeof context->bytes] = tag;
	memcpy(message + sizeof context->bytes + 1, data, len);
	sha256_stream_add(oblivious->hash, bytes_of(message, sizeof context->bytes + 1 + len));
	secret_wipe(message + sizeof context->bytes + 1, len);
	return sha256_stream_finish(oblivious->hash);
}

void
oblivious_hash_start(struct oblivious *oblivious, const struct hash256 *context, enum oblivious_tag tag) {
	const uint8_t byte = tag;
	sha256_stream_add(oblivious->hash, hash256_bytes(context));
	sha256_stream_add(oblivious->hash, bytes_of(&byte, 1));
}

void
oblivious_hash_add(struct oblivious *oblivious, const void *data, size_t len) {
	sha256_stream_add(oblivious->hash, bytes_of(data, len));
}

struct hash256
oblivious_hash_finish(struct oblivious *oblivious) {
	return sha256_stream_finish(oblivious->hash);
}

void
oblivious_stream(struct oblivious *oblivious, const struct hash256 *seed, uint8_t *to, size_t len) {
	static const uint8_t zeros[ZEROS_SIZE];
	int written = 0;
	crypto_must(len <= ZEROS_SIZE &&
			    EVP_EncryptInit_ex2(oblivious->cipher, nullptr, seed->bytes, seed->bytes + OT_SEED_SIZE,
						nullptr) == 1 &&
			    EVP_EncryptUpdate(oblivious->cipher, to, &written, zeros, (int)len) == 1 &&
			    (size_t)written == len,
		    "AES-128-CTR");
}
