/*
 * What the layers of oblivious transfer share: their sizes, the hash within a context, and the generator of long
 * streams.
 *
 * A context is a session_hash() of who plays which part in what; below it every hash is SHA-256(context ‖ tag ‖ data),
 * with data of a length that the tag fixes. A struct oblivious keeps a hash and a cipher context open: an extension
 * makes some thousands of calls, each of one block. Memory: created and destroyed by the party; the libraries wipe what
 * they held. Threads: one at a time.
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_ECDSA_OBLIVIOUS_H
#define GATEHOUSE_KEYS_THRESHOLD_ECDSA_OBLIVIOUS_H

#include "crypto/hash.h"

constexpr size_t OT_KAPPA = 128; /* computational security: base transfers, columns, bits of a seed */
constexpr size_t OT_SEED_SIZE = 16;

/* One byte after the context; a tag has one layout of data. */
enum oblivious_tag : uint8_t {
	TAG_BASE_POINT = 1, /* index ‖ point */
	TAG_BASE_KEY,       /* index ‖ slot ‖ both points ‖ answer ‖ product */
	TAG_TREE,           /* block ‖ level ‖ node */
	TAG_LEAF,           /* block ‖ position ‖ node */
	TAG_LEAF_CHECK,     /* block ‖ position ‖ node */
	TAG_TREE_CHECK,     /* block ‖ all leaf checks */
	TAG_STREAM,         /* block ‖ leaf */
	TAG_CHALLENGE,      /* corrections; then hash ‖ number */
	TAG_CHALLENGE_PART,
	TAG_CONSISTENCY, /* x ‖ columns */
	TAG_PAD,         /* transfer ‖ component ‖ row */
	TAG_THETA,       /* all masked inputs */
	TAG_THETA_PART,  /* hash ‖ number */
	TAG_MU,          /* all checked pads */
};

struct oblivious;
enum status oblivious_create(struct oblivious **oblivious);
void oblivious_destroy(struct oblivious **oblivious); /* a cleanup function */

/* SHA-256(context ‖ tag ‖ data), for data of at most 192 bytes. */
struct hash256 oblivious_hash(struct oblivious *oblivious, const struct hash256 *context, enum oblivious_tag tag,
			      const void *data, size_t len);
/* The same in pieces, of any length. One at a time. */
void oblivious_hash_start(struct oblivious *oblivious, const struct hash256 *context, enum oblivious_tag tag);
void oblivious_hash_add(struct oblivious *oblivious, const void *data, size_t len);
struct hash256 oblivious_hash_finish(struct oblivious *oblivious);

/* len bytes of AES-128 in counter mode: key is the first, the counter block the second half of seed. */
void oblivious_stream(struct oblivious *oblivious, const struct hash256 *seed, uint8_t *to, size_t len);

/* All ones where bit number `at` of the string (least significant bit of the first byte first) is set. */
static inline uint8_t
bit_mask(const uint8_t *bits, size_t at) {
	return (uint8_t)(0u - (unsigned)(bits[at / 8] >> (at % 8) & 1));
}

#endif
