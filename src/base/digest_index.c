#include "base/digest_index.h"

#include <sodium.h>
#include <stdlib.h>

static_assert(crypto_shorthash_KEYBYTES == sizeof((struct digest_index){}.key));

constexpr size_t CAPACITY_MIN = 16;

struct digest_slot {
	uint32_t place_plus_one; /* 0: free */
	uint32_t hash;           /* its home, and a comparison less with what is elsewhere in memory */
};

static uint32_t
hash_of(const struct digest_index *index, const uint8_t *digest) {
	uint64_t hash;
	crypto_shorthash((unsigned char *)&hash, digest, DIGEST_INDEX_KEY_SIZE, index->key);
	return (uint32_t)hash;
}

static bool
holds(const struct digest_index *index, const void *context, const struct digest_slot *slot, uint32_t hash,
      const uint8_t *digest) {
	return slot->hash == hash &&
	       memcmp(index->digest_at(context, slot->place_plus_one - 1), digest, DIGEST_INDEX_KEY_SIZE) == 0;
}

/* The slot of the digest, or the free one where it belongs. At most three quarters are taken, so one is free. */
static size_t
find_slot(const struct digest_index *index, const void *context, uint32_t hash, const uint8_t *digest) {
	size_t at = hash & (index->capacity - 1);
	while (index->slots[at].place_plus_one != 0 && !holds(index, context, &index->slots[at], hash, digest))
		at = (at + 1) & (index->capacity - 1);
	return at;
}

void
digest_index_free(struct digest_index *index) {
	free(index->slots);
	*index = (struct digest_index){.digest_at = index->digest_at};
}

uint32_t
digest_index_find(const struct digest_index *index, const void *context, const uint8_t digest[static 32]) {
	if (index->count == 0)
		return DIGEST_INDEX_NONE;
	/* Of a free slot this is zero less one, which is what nothing has. */
	return index->slots[find_slot(index, context, hash_of(index, digest), digest)].place_plus_one - 1;
}

static void
move_into(struct digest_index *larger, const struct digest_slot *slot) {
	size_t at = slot->hash & (larger->capacity - 1);
	while (larger->slots[at].place_plus_one != 0)
		at = (at + 1) & (larger->capacity - 1);
	larger->slots[at] = *slot;
}

enum status
digest_index_reserve(struct digest_index *index) {
	if (index->count < index->capacity - index->capacity / 4)
		return OK;
	struct digest_index larger = *index;
	if (index->capacity == 0)
		randombytes_buf(larger.key, sizeof larger.key);
	larger.capacity = index->capacity == 0 ? CAPACITY_MIN : 2 * index->capacity;
	larger.slots = calloc(larger.capacity, sizeof *larger.slots);
	TRY_ALLOC(larger.slots);
	for (size_t i = 0; i < index->capacity; i++)
		if (index->slots[i].place_plus_one != 0)
			move_into(&larger, &index->slots[i]);
	free(index->slots);
	*index = larger;
	return OK;
}

void
digest_index_put(struct digest_index *index, const void *context, const uint8_t digest[static 32], uint32_t place) {
	uint32_t hash = hash_of(index, digest);
	struct digest_slot *slot = &index->slots[find_slot(index, context, hash, digest)];
	index->count += slot->place_plus_one == 0;
	*slot = (struct digest_slot){place + 1, hash};
}

/* Later slots of the same run move up, so that no search meets a gap (Knuth, vol. 3, 6.4, algorithm R). */
void
digest_index_remove(struct digest_index *index, const void *context, const uint8_t digest[static 32]) {
	if (index->count == 0)
		return;
	size_t mask = index->capacity - 1, gap = find_slot(index, context, hash_of(index, digest), digest);
	if (index->slots[gap].place_plus_one == 0)
		return;
	index->count--;
	for (size_t i = (gap + 1) & mask; index->slots[i].place_plus_one != 0; i = (i + 1) & mask)
		if (((i - index->slots[i].hash) & mask) >= ((i - gap) & mask)) {
			index->slots[gap] = index->slots[i];
			gap = i;
		}
	index->slots[gap] = (struct digest_slot){};
}
