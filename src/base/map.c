#include "base/map.h"

#include <sodium.h>
#include <stdlib.h>

static_assert(crypto_shorthash_KEYBYTES == sizeof((struct map){}.key));

struct map_slot {
	uint8_t *key; /* null: free */
	size_t len;
	uint64_t hash;
	void *value;
};

void
map_free(struct map *map) {
	for (size_t i = 0; i < map->capacity; i++)
		free(map->slots[i].key);
	free(map->slots);
	*map = (struct map){};
}

static uint64_t
hash_of(const struct map *map, struct bytes key) {
	uint64_t hash;
	crypto_shorthash((unsigned char *)&hash, key.data, key.len, map->key);
	return hash;
}

/* The slot that holds the key, or the free one where it belongs. At most three quarters are taken, so one is free. */
static struct map_slot *
find_slot(const struct map *map, struct bytes key, uint64_t hash) {
	for (size_t i = hash & (map->capacity - 1);; i = (i + 1) & (map->capacity - 1)) {
		struct map_slot *slot = &map->slots[i];
		if (slot->key == nullptr || (slot->hash == hash && bytes_equal(bytes_of(slot->key, slot->len), key)))
			return slot;
	}
}

static enum status
grow(struct map *map) {
	struct map larger = {.capacity = map->capacity == 0 ? 16 : map->capacity * 2, .count = map->count};
	if (map->capacity == 0)
		randombytes_buf(map->key, sizeof map->key);
	memcpy(larger.key, map->key, sizeof larger.key);
	larger.slots = calloc(larger.capacity, sizeof *larger.slots);
	TRY_ALLOC(larger.slots);
	for (size_t i = 0; i < map->capacity; i++) {
		const struct map_slot *slot = &map->slots[i];
		if (slot->key != nullptr)
			*find_slot(&larger, bytes_of(slot->key, slot->len), slot->hash) = *slot;
	}
	free(map->slots);
	*map = larger;
	return OK;
}

enum status
map_put(struct map *map, struct bytes key, void *value, void **previous) {
	if (map->count >= map->capacity - map->capacity / 4)
		TRY(grow(map));
	uint64_t hash = hash_of(map, key);
	struct map_slot *slot = find_slot(map, key, hash);
	if (previous != nullptr)
		*previous = slot->key == nullptr ? nullptr : slot->value;
	if (slot->key == nullptr) {
		uint8_t *copy = malloc(key.len == 0 ? 1 : key.len);
		TRY_ALLOC(copy);
		if (key.len > 0)
			memcpy(copy, key.data, key.len);
		*slot = (struct map_slot){copy, key.len, hash, nullptr};
		map->count++;
	}
	slot->value = value;
	return OK;
}

void *
map_get(const struct map *map, struct bytes key) {
	if (map->count == 0)
		return nullptr;
	const struct map_slot *slot = find_slot(map, key, hash_of(map, key));
	return slot->key == nullptr ? nullptr : slot->value;
}

/* Later entries of the same run move up, so that no search meets a gap (Knuth, vol. 3, 6.4, algorithm R). */
void *
map_remove(struct map *map, struct bytes key) {
	if (map->count == 0)
		return nullptr;
	struct map_slot *slot = find_slot(map, key, hash_of(map, key));
	if (slot->key == nullptr)
		return nullptr;
	void *value = slot->value;
	free(slot->key);
	map->count--;
	size_t mask = map->capacity - 1, gap = (size_t)(slot - map->slots);
	for (size_t i = (gap + 1) & mask; map->slots[i].key != nullptr; i = (i + 1) & mask) {
		size_t home = map->slots[i].hash & mask;
		if (((i - home) & mask) >= ((i - gap) & mask)) {
			map->slots[gap] = map->slots[i];
			gap = i;
		}
	}
	map->slots[gap] = (struct map_slot){};
	return value;
}

bool
map_next(const struct map *map, size_t *at, struct bytes *key, void **value) {
	for (; *at < map->capacity; (*at)++) {
		const struct map_slot *slot = &map->slots[*at];
		if (slot->key == nullptr)
			continue;
		if (key != nullptr)
			*key = bytes_of(slot->key, slot->len);
		if (value != nullptr)
			*value = slot->value;
		(*at)++;
		return true;
	}
	return false;
}

static int
compare_keys(const void *a, const void *b) {
	return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

enum status
map_sorted_keys(const struct map *map, struct bytes **keys) {
	*keys = calloc(map->count == 0 ? 1 : map->count, sizeof **keys);
	TRY_ALLOC(*keys);
	size_t at = 0, count = 0;
	while (count < map->count && map_next(map, &at, &(*keys)[count], nullptr))
		count++;
	qsort(*keys, count, sizeof **keys, compare_keys);
	return OK;
}
