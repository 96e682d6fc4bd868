/*
 * What the parts of the keyring share: its keys, their clear secrets, and the cache of derived nodes. Not for others.
 */
#ifndef GATEHOUSE_KEYS_SOFTWARE_RING_H
#define GATEHOUSE_KEYS_SOFTWARE_RING_H

#include "base/map.h"
#include "base/secret.h"
#include "keys/bip32.h"
#include "keys/software/keyring.h"

constexpr size_t WRAPPING_KEY_SIZE = 32;

static_assert(KEY_SECRET_SIZE == sizeof(struct bip32_node));

struct ring_key {
	struct key_info info;
	uint64_t serial;              /* never used again, so that cached nodes cannot be taken for another key's */
	uint8_t *secret;              /* KEY_SECRET_SIZE bytes in a region; null: destroyed */
	struct secret_region *region; /* which one */
};

/* A key at hand for signing or showing; the pointers are valid until the next derivation. */
struct derived {
	const uint8_t *secret;     /* private key; for extended keys a whole node */
	const uint8_t *public_key; /* 33 bytes; Ed25519: 32 */
};

struct node_cache;
enum status node_cache_create(struct node_cache **cache, size_t capacity);
void node_cache_destroy(struct node_cache **cache);
/* The node at path below an extended key; derives and keeps what is not there, the parents too. */
enum status node_cache_find(struct node_cache *cache, const struct ring_key *key, const struct signing_path *path,
			    struct derived *derived);
void node_cache_drop(struct node_cache *cache, const struct ring_key *key);
const struct secret_region *node_cache_region(const struct node_cache *cache);

struct keyring {
	struct buffer instance;
	struct ring_key **keys; /* in order of addition */
	size_t count;
	size_t capacity;
	struct map by_id;
	uint64_t next_serial;
	struct secret_region **regions; /* of key secrets; all full but the last, or with slots given back */
	size_t region_count;
	struct secret_region *scratch_region;
	uint8_t *wrapping_key; /* these two in scratch_region */
	uint8_t *scratch;      /* KEY_SECRET_SIZE bytes, for one call at a time */
	struct node_cache *cache;
};

/* "key.unknown" if there is none. */
enum status ring_find(const struct keyring *ring, struct bytes id, struct ring_key **key);
/* The key at path; path must be empty for a single key: "key.path". Any state but destroyed: "key.destroyed". */
enum status ring_derive(struct keyring *ring, const struct ring_key *key, const struct signing_path *path,
			struct derived *derived);

#endif
