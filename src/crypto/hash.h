/*
 * Hashes and MACs over OpenSSL, with the algorithms fetched once per process and contexts kept per thread.
 * Errors: none can happen on sound memory; a library failure ends the process, since no caller could go on safely.
 * Sources: FIPS 180-4 (SHA-2), Keccak as Ethereum uses it (pre-FIPS 202 padding), RFC 2104, BIP-340 (tagged hash).
 */
#ifndef GATEHOUSE_CRYPTO_HASH_H
#define GATEHOUSE_CRYPTO_HASH_H

#include "base/bytes.h"
#include "base/crc32c.h"

struct hash256 {
	uint8_t bytes[32];
};

static inline struct bytes
hash256_bytes(const struct hash256 *hash) {
	return (struct bytes){hash->bytes, sizeof hash->bytes};
}

static inline bool
hash256_equal(const struct hash256 *a, const struct hash256 *b) {
	return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

struct hash256 sha256(struct bytes message);
/* Of the concatenation, without building it. */
struct hash256 sha256_parts(const struct bytes *parts, size_t count);
#define SHA256_PARTS(...)                                                                                              \
	sha256_parts((const struct bytes[]){__VA_ARGS__},                                                              \
		     sizeof((const struct bytes[]){__VA_ARGS__}) / sizeof(struct bytes))
struct hash256 sha256_twice(struct bytes message); /* Bitcoin's double hash */
/* For secret messages: leaves nothing of them in this thread's context. Slower by an allocation. */
struct hash256 sha256_of_secret(struct bytes message);
struct hash256 keccak256(struct bytes message);
/* SHA-256(SHA-256(tag) ‖ SHA-256(tag) ‖ message), BIP-340. */
struct hash256 tagged_hash(const char *tag, struct bytes message);
/* RIPEMD-160(SHA-256(message)): Bitcoin's key and script hash. */
void hash160(struct bytes message, uint8_t digest[20]);
struct hash256 hmac_sha256(struct bytes key, struct bytes message);
/* For what others have standardised with it: one-time passwords (RFC 6238). */
void hmac_sha1(struct bytes key, struct bytes message, uint8_t mac[20]);
void hmac_sha512(struct bytes key, struct bytes message, uint8_t mac[64]);

/* A running SHA-256. */
struct sha256_stream;
enum status sha256_stream_create(struct sha256_stream **stream);
void sha256_stream_destroy(struct sha256_stream **stream); /* a cleanup function */
void sha256_stream_add(struct sha256_stream *stream, struct bytes part);
struct hash256 sha256_stream_finish(struct sha256_stream *stream); /* and starts anew */

#endif
