/*
 * Presignatures: prepared signatures, each for one digest, in memory only.
 *
 * Signing with one takes one round. It is used up when that starts, whatever comes of it. R, known since it was
 * prepared, is changed by δ, a hash of (presignature, R, key, path, digest, signers, policy bundle), so that what is
 * signed was fixed before the R that signs it was known (Groth and Shoup, ePrint 2021/1330): R' = R + δ·G, u'_i = u_i +
 * δ·φ_i. The path adds its tweak the same way: v'_i = v_i + tweak·φ_i. Only transfer keys have presignatures; an opaque
 * digest never uses one.
 *
 * A pool keeps those that are ready: whoever takes one takes it for good, so that none is used twice. An id is a hash over 32
 * bytes that this signer drew for that preparation, so that it never comes again. The pool remembers the ids of the last
 * that were used; one that it has forgotten is unknown to it, and refused as well. It counts what it has by set of signers, and of one set, and of
 * all sets with the same first signer, it keeps the last. Presignatures are never stored, and die with the process. Memory: opaque, secret, wiped.
 * Threads: one. Errors: "presignature.*" (unknown, used, key, purpose), "ecdsa.path", and those of exchange.h;
 * online_start() also "ecdsa.no_setup". Messages: docs/PROTOCOL.threshold §9.
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_ECDSA_PRESIGNATURE_H
#define GATEHOUSE_KEYS_THRESHOLD_ECDSA_PRESIGNATURE_H

#include "base/map.h"
#include "keys/threshold/ecdsa/signing.h"

struct presignature_values {
	struct scalar phi, u, v;
};

struct presignature {
	struct hash256 id; /* the same at all signers; public */
	char key_id[KEY_ID_MAX + 1];
	uint32_t epoch;
	struct party_set signers;
	struct point nonce_point; /* R */
	struct secret memory;     /* struct presignature_values */
	/* In its pool. */
	struct presignature_set *set;
	struct presignature *older, *newer;
};

enum status presignature_create(struct presignature **presignature);
void presignature_destroy(struct presignature **presignature); /* a cleanup function */

constexpr size_t PRESIGNATURES_REMEMBERED = 4096;
constexpr size_t PRESIGNATURES_OF_SET_MAX = 8;
constexpr size_t PRESIGNATURES_OF_FIRST_MAX = 256; /* of sets with the same first signer, over all keys */

struct presignature_pool {
	struct map ready; /* id to presignature */
	struct presignature *oldest, *newest;
	struct map sets;                /* of which some are ready */
	size_t of_first[UINT8_MAX + 1]; /* by index of the first signer */
	struct map used;                /* ids of the last that were; the values say nothing */
	struct hash256 *order;          /* of these, PRESIGNATURES_REMEMBERED places */
	size_t next;                    /* place to be written */
};
void presignature_pool_free(struct presignature_pool *pool); /* a cleanup function */
/* Takes ownership where it succeeds; what is too many then is destroyed, the oldest first. "presignature.used" if one of this id is ready, or was. */
enum status presignature_pool_add(struct presignature_pool *pool, struct presignature **presignature);
/* Hands it over, for good. Errors: STATUS_CONFLICT "presignature.used", STATUS_NOT_FOUND "presignature.unknown". */
enum status presignature_pool_take(struct presignature_pool *pool, const struct hash256 *id,
				   struct presignature **presignature);
/* One of this id is ready, or was used not long ago. */
bool presignature_pool_knows(const struct presignature_pool *pool, const struct hash256 *id);
/* How many are ready for these signers of the key. */
size_t presignature_pool_count(const struct presignature_pool *pool, const char *key_id, uint32_t epoch,
			       const struct party_set *signers);
/* The newest for these signers but for those skipped; null: none. */
const struct presignature *presignature_pool_find(const struct presignature_pool *pool, const char *key_id,
						  uint32_t epoch, const struct party_set *signers, size_t skip);
/* The next one is its older. Null: none. */
static inline struct presignature *
presignature_pool_newest(const struct presignature_pool *pool) {
	return pool->newest;
}
/* Destroys all that are ready: for another policy bundle, epoch or boot of a peer. */
void presignature_pool_discard(struct presignature_pool *pool);

/* The one round. */
struct online;
/* Uses *presignature up, also where it fails. The share is borrowed until the end. */
enum status online_start(struct online **online, struct presignature **presignature, struct ecdsa_share *share,
			 struct bytes instance, const struct ecdsa_request *request);
void online_destroy(struct online **online); /* a cleanup function */
struct exchange *online_exchange(struct online *online);
bool online_result(const struct online *online, struct ecdsa_signature *signature);

extern const struct message_kind ONLINE_MESSAGES[];
constexpr size_t ONLINE_ROUNDS = 1;

#endif
