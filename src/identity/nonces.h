/*
 * Which nonces have been used: each requester's nonce counts once until its signature has expired, plus skew.
 *
 * What is kept of a nonce is a 128-bit hash over key id and nonce, found by hash and forgotten by second of expiry. Bounded in
 * all and per key: when full the request is refused (STATUS_UNAVAILABLE nonces.full, nonces.key_full); no nonce is forgotten early.
 * Owner: copies what it is given. Threads: one.
 */
#ifndef GATEHOUSE_IDENTITY_NONCES_H
#define GATEHOUSE_IDENTITY_NONCES_H

#include "base/bytes.h"

struct nonces;

struct nonces_limits {
	size_t total;   /* 0: 2,000,000 (about 150 MB when full) */
	size_t per_key; /* 0: 1,000,000 */
};

enum status nonces_create(struct nonces **nonces, struct nonces_limits limits);
void nonces_destroy(struct nonces **nonces); /* a cleanup function */

/* Takes the nonce of a verified signature, to be kept until expires_s (the signature's) plus skew. now_ms is the recorded time
 * and never decreases. Errors: nonces.replayed (STATUS_CONFLICT); nonces.expiry (STATUS_EXPIRED) where it is over, or further off
 * than a signature may last; nonces.full, nonces.key_full. */
enum status nonces_take(struct nonces *nonces, struct bytes key_id, struct bytes nonce, int64_t expires_s,
			int64_t now_ms);
/* True if it was taken and is still kept; changes nothing. */
bool nonces_has(const struct nonces *nonces, struct bytes key_id, struct bytes nonce);
/* Forgets what no signature can bring again. */
void nonces_expire(struct nonces *nonces, int64_t now_ms);
size_t nonces_count(const struct nonces *nonces);

/* For snapshots: the same nonces give the same bytes. nonces_read() fills an empty store. Errors: nonces.snapshot
 * (STATUS_CORRUPT). */
enum status nonces_write(const struct nonces *nonces, struct buffer *to);
enum status nonces_read(struct nonces *nonces, struct bytes snapshot);

#endif
