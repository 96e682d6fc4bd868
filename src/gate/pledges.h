/*
 * What holders pledge when a key's shares are dealt: signed, so that whoever is told can show it to the others.
 *
 * A holder pledges to *keep* its new share once that is durable and all others have said the same of theirs; it *never* will where
 * it has not pledged and the dealing ended for it. With the pledges of all holders to keep, everyone can take the new shares, and
 * only then is an old one destroyed. docs/PROTOCOL.threshold §16 says what holds with holders that lie.
 *
 * A pledge names the operation, its digest, key, epoch and the hash of the sharing, and shows the keys that the holder's identity in
 * the sharing is the hash of: it can be checked with the sharing alone. What is known of a dealing is a row of secrets.db, collection
 * "pledge", named by the operation: its evidence, and it stays. Whoever comes back from before its end, however late, is convinced by
 * it, and nobody pledges the one word who has pledged the other.
 *
 * Plain values. Threads: one. Errors: STATUS_INVALID "pledge.*" (holder, word, identity, count, twice), those of crypto/sign.h; of rows
 * STATUS_CORRUPT "pledge_row.*".
 */
#ifndef GATEHOUSE_GATE_PLEDGES_H
#define GATEHOUSE_GATE_PLEDGES_H

#include "base/cursor.h"
#include "gate/shared_keys.h"

enum pledge_word {
	PLEDGE_KEEPS = 1, /* the holder keeps the share, whatever comes, until all keep theirs */
	PLEDGE_NEVER,     /* the holder will never take the share */
};

struct pledge {
	uint8_t holder;
	enum pledge_word word;
	struct hash256 certificate;
	uint8_t key[32]; /* Ed25519 */
	uint8_t signature[64];
};

/* What is pledged: of a dealing that a holder knows. */
struct pledged {
	struct hash256 operation, digest;
	struct hash256 sharing_hash;
};

constexpr size_t PLEDGES_MAX = 2 * PARTIES_MAX; /* of a holder that lies, both words */

struct pledges {
	uint8_t count;
	struct pledge of[PLEDGES_MAX];
};

/* The keys that a keeper signs with. The seed is read where it lies. */
struct pledge_keys {
	const uint8_t *seed, *key;
	struct hash256 certificate;
};

/* As the holder of this index and identity. */
enum status pledge_sign(const struct gate_state *state, const struct pledged *pledged, const struct sharing *sharing,
			const struct party *holder, enum pledge_word word, const struct pledge_keys *keys,
			struct pledge *pledge);
enum status pledge_check(const struct gate_state *state, const struct pledged *pledged, const struct sharing *sharing,
			 const struct pledge *pledge);

const struct pledge *pledges_find(const struct pledges *pledges, uint8_t holder, enum pledge_word word);
/* False: it was there. */
bool pledges_add(struct pledges *pledges, const struct pledge *pledge);
/* All keep: whoever knows this takes the new shares. */
bool pledges_are_complete(const struct pledges *pledges, const struct party_set *holders);
/* So many others never will that, of fewer liars than the threshold, an honest one is among them: the pledges are never complete. */
bool pledges_are_hopeless(const struct pledges *pledges, const struct sharing *sharing, uint8_t self);

/* [n] (holder ‖ word ‖ certificate ‖ key ‖ signature), in messages as in rows. */
void pledges_write(struct buffer *to, const struct pledges *pledges);
enum status pledges_read(struct cursor *cursor, struct pledges *pledges);

/* Durable when it returns; in place of what was known before. */
enum status pledges_store(const struct gate_state *state, const struct pledged *pledged, const struct pledges *pledges);
/* What is known of the dealing that this operation was; STATUS_NOT_FOUND: nothing was pledged. */
enum status pledges_of_operation(const struct gate_state *state, const struct hash256 *operation,
				 struct pledged *pledged, struct pledges *pledges);
/* Whether a row of this name is of an operation that is known here. */
bool pledges_row_is_known(const struct gate_state *state, struct bytes name);

#endif
