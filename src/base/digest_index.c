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

/* The slot of the digest in one of the tables, or the free one where it belongs. At most three quarters are taken, so one is free. */
static size_t
find_slot(const struct digest_index *index, const void *context, const struct digest_slot *slots, size_t capacity,
	  uint32_t hash, const uint8_t *digest) {
	size_t at = hash & (capacity - 1);
	while (slots[at].place_plus_one != 0 && !holds(index, context, &slots[at], hash, digest))
		at = (at + 1) & (capacity - 1);
	return at;
}

static size_t
find_in_larger(const struct digest_index *index, const void *context, uint32_t hash, const uint8_t *digest) {
	return find_slot(index, context, index->slots, index->capacity, hash, digest);
}

static size_t
find_in_older(const struct digest_index *index, const void *context, uint32_t hash, const uint8_t *digest) {
	return find_slot(index, context, index->older, index->older_capacity, hash, digest);
}

/* Later slots of the same run move up, so that no search meets a gap (Knuth, vol. 3, 6.4, algorithm R). */
static void
take_out(struct digest_slot *slots, size_t capacity, size_t gap) {
	size_t mask = capacity - 1;
	for (size_t i = (gap + 1) & mask; slots[i].place_plus_one != 0; i = (i + 1) & mask)
		if (((i - slots[i].hash) & mask) >= ((i - gap) & mask)) {
			slots[gap] = slots[i];
			gap = i;
		}
	slots[gap] = (struct digest_slot){};
}

void
digest_index_free(struct digest_index *index) {
	free(index->slots);
	free(index->older);
	*index = (struct digest_index){.digest_at = index->digest_at};
}

uint32_t
digest_index_find(const struct digest_index *index, const void *context, const uint8_t digest[static 32]) {
	if (index->count == 0)
		return DIGEST_INDEX_NONE;
	uint32_t hash = hash_of(index, digest);
	const struct digest_slot *slot = &index->slots[find_in_larger(index, context, hash, digest)];
	if (slot->place_plus_one == 0 && index->older != nullptr)
		slot = &index->older[find_in_older(index, context, hash, digest)];
	return slot->place_plus_one - 1; /* of a free slot zero less one, which is what nothing has */
}

static void
move_into_larger(struct digest_index *index, const struct digest_slot *slot) {
	size_t at = slot->hash & (index->capacity - 1);
	while (index->slots[at].place_plus_one != 0)
		at = (at + 1) & (index->capacity - 1);
	index->slots[at] = *slot;
}

/* What a run leaves stands at its beginning or behind it, where it is met again. */
static void
move_some(struct digest_index *index, size_t steps) {
	for (; steps > 0 && index->older_at < index->older_capacity; steps--) {
		if (index->older[index->older_at].place_plus_one == 0) {
			index->older_at++;
			continue;
		}
		move_into_larger(index, &index->older[index->older_at]);
		take_out(index->older, index->older_capacity, index->older_at);
	}
	if (index->older == nullptr || index->older_at < index->older_capacity)
		return;
	free(index->older);
	index->older = nullptr;
}

static enum status
grow(struct digest_index *index) {
	size_t capacity = index->capacity == 0 ? CAPACITY_MIN : 2 * index->capacity;
	struct digest_slot *slots = calloc(capacity, sizeof *slots);
	TRY_ALLOC(slots);
	if (index->capacity == 0)
		randombytes_buf(index->key, sizeof index->key);
	index->older = index->slots;
	index->older_capacity = index->capacity;
	index->older_at = 0;
	index->slots = slots;
	index->capacity = capacity;
	return OK;
}

/* Three quarters of the smaller table come again before the larger one is as full: by then all has moved, a place and a slot in two steps. */
constexpr size_t STEPS = 4;

enum status
digest_index_reserve(struct digest_index *index) {
	move_some(index, STEPS);
	if (index->count < index->capacity - index->capacity / 4)
		return OK;
	move_some(index, SIZE_MAX);
	return grow(index);
}

void
digest_index_put(struct digest_index *index, const void *context, const uint8_t digest[static 32], uint32_t place) {
	uint32_t hash = hash_of(index, digest);
	struct digest_slot *slot = &index->slots[find_in_larger(index, context, hash, digest)];
	if (slot->place_plus_one == 0) {
		index->count++;
		if (index->older != nullptr) {
			size_t former = find_in_older(index, context, hash, digest);
			index->count -= index->older[former].place_plus_one != 0;
			if (index->older[former].place_plus_one != 0)
				take_out(index->older, index->older_capacity, former);
		}
	}
	*slot = (struct digest_slot){place + 1, hash};
}

void
digest_index_remove(struct digest_index *index, const void *context, const uint8_t digest[static 32]) {
	if (index->count == 0)
		return;
	uint32_t hash = hash_of(index, digest);
	struct digest_slot *slots = index->slots;
	size_t capacity = index->capacity, at = find_in_larger(index, context, hash, digest);
	if (slots[at].place_plus_one == 0 && index->older != nullptr) {
		slots = index->older;
		capacity = index->older_capacity;
		at = find_in_older(index, context, hash, digest);
	}
	if (slots[at].place_plus_one == 0)
		return;
	index->count--;
	take_out(slots, capacity, at);
}
