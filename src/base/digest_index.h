/*
 * Finds the place of what is known by a digest: a hash table of places alone, eight bytes each. The digests stay where they are,
 * in whatever the places are of, and the owner says where. Keyed with a random SipHash key, since whoever asks for operations
 * chooses part of what their digests are of. A table that has become too small moves into a larger one a few places at a time, so that
 * nobody waits for all of it.
 *
 * Owner: the caller, of everything but the table. Threads: one writer, or many readers. Errors: STATUS_NO_MEMORY.
 */
#ifndef GATEHOUSE_BASE_DIGEST_INDEX_H
#define GATEHOUSE_BASE_DIGEST_INDEX_H

#include "base/bytes.h"

constexpr size_t DIGEST_INDEX_KEY_SIZE = 32;
constexpr uint32_t DIGEST_INDEX_NONE = UINT32_MAX;

/* The 32 bytes that the place is known by. */
typedef const uint8_t *digest_at(const void *context, uint32_t place);

struct digest_slot;

struct digest_index {
	digest_at *digest_at;
	struct digest_slot *slots;
	size_t capacity; /* a power of two, or 0 */
	struct digest_slot
		*older; /* while it grows: what has not moved from the smaller table yet; null: nothing is left there */
	size_t older_capacity;
	size_t older_at; /* before it nothing is left */
	size_t count;    /* in both */
	uint8_t key[16];
};

void digest_index_free(struct digest_index *index); /* leaves digest_at */
/* The place known by the digest, or DIGEST_INDEX_NONE. */
uint32_t digest_index_find(const struct digest_index *index, const void *context, const uint8_t digest[static 32]);
/* Room for one more, so that digest_index_put() cannot fail. */
enum status digest_index_reserve(struct digest_index *index);
/* The place, which is below DIGEST_INDEX_NONE, is the one known by the digest from now on, instead of an earlier one. Either is
 * asked for its digest. There is room (digest_index_reserve()). */
void digest_index_put(struct digest_index *index, const void *context, const uint8_t digest[static 32], uint32_t place);
void digest_index_remove(struct digest_index *index, const void *context, const uint8_t digest[static 32]);

#endif
