/*
 * Who runs a protocol, over what, this one time: the parties and the session that every hash of it is bound to.
 *
 * A party has an index (1 to 255: its x coordinate in Shamir's scheme) and an identity (32 bytes: the hash of what the
 * channel authenticates it by). A party set is ordered by index. A session's id is a hash over the protocol's name, the
 * installation, the key, its epoch, threshold and parties, a nonce that its users agreed on, and the request; two
 * sessions that differ in anything have different ids. session_hash() is the one way in which a protocol hashes: label,
 * session id and every part stand behind their length, so that no two lists of parts give the same bytes. Memory: plain
 * values. Threads: any. Errors: STATUS_INVALID "session.*". Format: docs/PROTOCOL.threshold §2.
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_SESSION_H
#define GATEHOUSE_KEYS_THRESHOLD_SESSION_H

#include "crypto/hash.h"

constexpr size_t PARTIES_MAX = 16;
constexpr size_t PARTY_IDENTITY_SIZE = 32;
constexpr size_t SESSION_NAME_MAX = 256; /* of an instance */

struct party {
	uint8_t index;
	uint8_t identity[PARTY_IDENTITY_SIZE];
};

struct party_set {
	uint8_t count;
	struct party parties[PARTIES_MAX]; /* by index, ascending, none twice */
};

/* OK if it is ordered, no index is zero and no identity stands twice. */
enum status party_set_check(const struct party_set *set);
/* Where the party stands in the set; count if it is none of it. */
size_t party_set_position(const struct party_set *set, uint8_t index);
static inline bool
party_set_has(const struct party_set *set, uint8_t index) {
	return party_set_position(set, index) < set->count;
}
/* The parties of either set: an index that both have must have one identity. */
enum status party_set_union(const struct party_set *a, const struct party_set *b, struct party_set *both);
/* Those parties of the set that the indices name, which need not be ordered. */
enum status party_set_choose(const struct party_set *set, const uint8_t *indices, size_t count,
			     struct party_set *chosen);

struct session_terms {
	const char *protocol; /* "gatehouse/threshold/ecdsa/signing/v1" */
	struct bytes instance;
	struct bytes key_id;
	uint32_t epoch;
	uint8_t threshold;
	uint8_t self;
	const struct party_set *parties;
	const uint8_t *nonce; /* 32 bytes, the same at all parties, never used before */
	struct bytes request; /* what is agreed on beyond the above; hashed */
};

struct protocol_session {
	struct hash256 id;
	struct party_set parties;
	uint8_t self;
	uint8_t threshold;
};

/* Errors: session.threshold (1 to PARTIES_MAX), session.self, session.instance, and those of the party set. */
enum status session_open(const struct session_terms *terms, struct protocol_session *session);

/* SHA-256(lp(label) ‖ lp(session id) ‖ lp(part) ‖ ...). Leaves nothing of the parts in memory that stays. */
struct hash256 session_hash_parts(const struct protocol_session *session, const char *label, const struct bytes *parts,
				  size_t count);
#define SESSION_HASH(session, label, ...)                                                                              \
	session_hash_parts(session, label, (const struct bytes[]){__VA_ARGS__},                                        \
			   sizeof((const struct bytes[]){__VA_ARGS__}) / sizeof(struct bytes))
/* Over one value of each party, in order: index and value are the parts. */
struct hash256 session_hash_of_all(const struct protocol_session *session, const char *label,
				   const struct hash256 *values);
/* A part that is one byte. */
#define SESSION_BYTE(number) bytes_of(&(const uint8_t){number}, 1)

#endif
