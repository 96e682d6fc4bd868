#include <stdlib.h>

#include "crypto/sign.h"
#include "keys/software/ring.h"

/* Wallets sign at few branches and a moving window of leaves: the nodes that were used last are kept. */
struct entry {
	uint64_t serial;
	struct signing_path path;
	uint8_t public_key[33];
	struct bip32_node *node; /* in the region */
	struct entry *newer, *older;
};

struct node_cache {
	struct secret_region *region;
	struct entry *entries;
	size_t capacity;
	size_t used;
	struct entry *newest, *oldest;
	struct map by_name;
};

/* Serial and steps, as the map wants its keys. */
struct name {
	uint8_t bytes[8 + 4 * SIGNING_PATH_MAX];
	size_t len;
};

static struct bytes
name_of(uint64_t serial, const struct signing_path *path, struct name *name) {
	store_u64be(name->bytes, serial);
	name->len = 8;
	for (size_t i = 0; i < path->count; i++, name->len += 4)
		store_u32be(name->bytes + name->len, path->steps[i]);
	return bytes_of(name->bytes, name->len);
}

enum status
node_cache_create(struct node_cache **cache, size_t capacity) {
	_cleanup_(node_cache_destroy) struct node_cache *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	made->capacity = capacity;
	made->entries = calloc(capacity, sizeof *made->entries);
	TRY_ALLOC(made->entries);
	TRY(secret_region_create(&made->region, sizeof(struct bip32_node), capacity));
	*cache = TAKE(made);
	return OK;
}

void
node_cache_destroy(struct node_cache **cache) {
	struct node_cache *gone = TAKE(*cache);
	if (gone == nullptr)
		return;
	map_free(&gone->by_name);
	secret_region_destroy(&gone->region);
	free(gone->entries);
	free(gone);
}

const struct secret_region *
node_cache_region(const struct node_cache *cache) {
	return cache->region;
}

static void
unlink_entry(struct node_cache *cache, struct entry *entry) {
	*(entry->newer == nullptr ? &cache->newest : &entry->newer->older) = entry->older;
	*(entry->older == nullptr ? &cache->oldest : &entry->older->newer) = entry->newer;
	entry->newer = entry->older = nullptr;
}

static void
link_newest(struct node_cache *cache, struct entry *entry) {
	entry->older = cache->newest;
	*(cache->newest == nullptr ? &cache->oldest : &cache->newest->newer) = entry;
	cache->newest = entry;
}

/* Takes an entry out and wipes its node; it stays linked at the oldest end, to be used next. */
static void
empty_entry(struct node_cache *cache, struct entry *entry) {
	struct name name;
	(void)map_remove(&cache->by_name, name_of(entry->serial, &entry->path, &name));
	secret_wipe(entry->node, sizeof *entry->node);
	entry->serial = 0;
	unlink_entry(cache, entry);
	entry->newer = cache->oldest;
	*(cache->oldest == nullptr ? &cache->newest : &cache->oldest->older) = entry;
	cache->oldest = entry;
}

/* An entry without a node in use: a fresh one, or the one that was used longest ago. */
static struct entry *
free_entry(struct node_cache *cache) {
	if (cache->used < cache->capacity) {
		struct entry *entry = &cache->entries[cache->used++];
		entry->node = (struct bip32_node *)secret_region_take(cache->region);
		link_newest(cache, entry);
		return entry;
	}
	struct entry *entry = cache->oldest;
	if (entry->serial != 0)
		empty_entry(cache, entry);
	return entry;
}

static void
touch(struct node_cache *cache, struct entry *entry) {
	if (cache->newest == entry)
		return;
	unlink_entry(cache, entry);
	link_newest(cache, entry);
}

static enum status
add(struct node_cache *cache, const struct ring_key *key, const struct signing_path *path, const struct derived *parent,
    struct entry **added) {
	struct entry *entry = free_entry(cache);
	uint32_t step = path->steps[path->count - 1];
	struct name name;
	enum status status =
		bip32_child((const struct bip32_node *)parent->secret, parent->public_key, step, entry->node);
	if (status == OK)
		status = secp256k1_public_key(entry->node->key, entry->public_key);
	if (status == OK)
		status = map_put(&cache->by_name, name_of(key->serial, path, &name), entry, nullptr);
	if (status != OK) {
		secret_wipe(entry->node, sizeof *entry->node);
		return status;
	}
	entry->serial = key->serial;
	entry->path = *path;
	*added = entry;
	return OK;
}

enum status
node_cache_find(struct node_cache *cache, const struct ring_key *key, const struct signing_path *path,
		struct derived *derived) {
	if (path->count == 0) {
		*derived = (struct derived){key->secret, key->info.public_key};
		return OK;
	}
	struct name name;
	struct entry *entry = map_get(&cache->by_name, name_of(key->serial, path, &name));
	if (entry == nullptr) {
		struct signing_path up = *path;
		struct derived parent;
		up.count--;
		TRY(node_cache_find(cache, key, &up, &parent));
		TRY(add(cache, key, path, &parent, &entry));
	}
	touch(cache, entry);
	*derived = (struct derived){entry->node->key, entry->public_key};
	return OK;
}

void
node_cache_drop(struct node_cache *cache, const struct ring_key *key) {
	for (size_t i = 0; i < cache->used; i++)
		if (cache->entries[i].serial == key->serial)
			empty_entry(cache, &cache->entries[i]);
}
