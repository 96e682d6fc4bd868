/*
 * A hash map from byte strings to pointers, open addressing, keyed with a random SipHash key so that nobody outside can
 * choose colliding keys.
 *
 * Owner: keys are copied into the map; values belong to the caller. Threads: one writer, or many readers.
 * Iteration order is unspecified and changes with every insertion; what is hashed or signed is sorted first.
 */
#ifndef GATEHOUSE_BASE_MAP_H
#define GATEHOUSE_BASE_MAP_H

#include "base/bytes.h"

struct map_slot;

struct map {
	struct map_slot *slots;
	size_t capacity; /* a power of two, or 0 */
	size_t count;
	uint8_t key[16];
};

void map_free(struct map *map); /* a cleanup function; values are left alone */
/* Puts or replaces; *previous (may be null) receives the earlier value or null. */
enum status map_put(struct map *map, struct bytes key, void *value, void **previous);
/* The value, or null. */
void *map_get(const struct map *map, struct bytes key);
/* Takes the entry out and returns its value, or null. */
void *map_remove(struct map *map, struct bytes key);
/* Calls with *at = 0 first; false at the end. Where something was put or removed meanwhile, some may be missed or met twice. */
bool map_next(const struct map *map, size_t *at, struct bytes *key, void **value);
/* The keys in bytewise order, map->count of them, borrowed from the map; the caller frees the array. */
enum status map_sorted_keys(const struct map *map, struct bytes **keys);

#endif
