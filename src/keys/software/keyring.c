#include "keys/software/keyring.h"

#include <stdlib.h>

#include "keys/software/ring.h"

/* 64 KiB of secret memory at a time. */
constexpr size_t REGION_SLOTS = 1024;
constexpr size_t CACHED_NODES = 1024;

enum status
keyring_create(struct keyring **ring, const struct root_key *root, struct bytes instance) {
	_cleanup_(keyring_destroy) struct keyring *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	made->next_serial = 1;
	buffer_append_bytes(&made->instance, instance);
	TRY(buffer_status(&made->instance));
	TRY(secret_region_create(&made->scratch_region, KEY_SECRET_SIZE, 2));
	made->wrapping_key = secret_region_take(made->scratch_region);
	made->scratch = secret_region_take(made->scratch_region);
	TRY(root_key_derive(root, "gatehouse/key-blobs/v1", made->wrapping_key));
	TRY(node_cache_create(&made->cache, CACHED_NODES));
	*ring = TAKE(made);
	return OK;
}

static void
free_key(struct ring_key *key) {
	if (key->secret != nullptr)
		secret_region_give_back(key->region, key->secret);
	free(key);
}

void
keyring_destroy(struct keyring **ring) {
	struct keyring *gone = TAKE(*ring);
	if (gone == nullptr)
		return;
	for (size_t i = 0; i < gone->count; i++)
		free_key(gone->keys[i]);
	free(gone->keys);
	map_free(&gone->by_id);
	for (size_t i = 0; i < gone->region_count; i++)
		secret_region_destroy(&gone->regions[i]);
	free(gone->regions);
	if (gone->scratch_region != nullptr)
		secret_region_destroy(&gone->scratch_region);
	node_cache_destroy(&gone->cache);
	buffer_free(&gone->instance);
	free(gone);
}

static bool
are_regions(const struct keyring *ring, bool (*is)(const struct secret_region *)) {
	bool all = is(ring->scratch_region) && is(node_cache_region(ring->cache));
	for (size_t i = 0; i < ring->region_count; i++)
		all = all && is(ring->regions[i]);
	return all;
}

bool
keyring_is_isolated(const struct keyring *ring) {
	return are_regions(ring, secret_region_is_isolated);
}

bool
keyring_is_locked(const struct keyring *ring) {
	return are_regions(ring, secret_region_is_locked);
}

static enum status
add_region(struct keyring *ring) {
	struct secret_region **regions =
		reallocarray(ring->regions, ring->region_count + 1, sizeof(struct secret_region *));
	TRY_ALLOC(regions);
	ring->regions = regions;
	TRY(secret_region_create(&regions[ring->region_count], KEY_SECRET_SIZE, REGION_SLOTS));
	ring->region_count++;
	return OK;
}

/* A free slot for a secret; the newest region is the likeliest to have one. */
static enum status
take_slot(struct keyring *ring, struct ring_key *key) {
	for (size_t i = ring->region_count; i-- > 0 && key->secret == nullptr;) {
		key->region = ring->regions[i];
		key->secret = secret_region_take(key->region);
	}
	if (key->secret != nullptr)
		return OK;
	TRY(add_region(ring));
	key->region = ring->regions[ring->region_count - 1];
	key->secret = secret_region_take(key->region);
	return OK;
}

static enum status
open_secret(struct keyring *ring, struct ring_key *key, struct bytes blob) {
	if (key->info.state == KEY_DESTROYED && blob.len != 0)
		return fail(STATUS_CONFLICT,
			    "key.destroyed: key %s is recorded as destroyed, and its blob still exists", key->info.id);
	if (key->info.sharing != KEY_WHOLE && blob.len != 0)
		return fail(STATUS_CONFLICT, "key.shared: key %s is recorded as shared, and a blob of it exists",
			    key->info.id);
	if (key->info.state == KEY_DESTROYED || key->info.sharing != KEY_WHOLE)
		return OK;
	TRY(take_slot(ring, key));
	return blob_open(ring->wrapping_key, buffer_bytes(&ring->instance), &key->info, blob, key->secret);
}

static enum status
reserve_one(struct keyring *ring) {
	if (ring->count < ring->capacity)
		return OK;
	size_t capacity = ring->capacity == 0 ? 64 : ring->capacity * 2;
	struct ring_key **keys = reallocarray(ring->keys, capacity, sizeof *keys);
	TRY_ALLOC(keys);
	ring->keys = keys;
	ring->capacity = capacity;
	return OK;
}

static enum status
add_key(struct keyring *ring, struct ring_key *key, struct bytes blob) {
	TRY(reserve_one(ring));
	TRY(open_secret(ring, key, blob));
	TRY(map_put(&ring->by_id, bytes_of_text(key->info.id), key, nullptr));
	key->serial = ring->next_serial++;
	ring->keys[ring->count++] = key;
	return OK;
}

enum status
keyring_add(struct keyring *ring, const struct key_info *key, struct bytes blob) {
	TRY(key_check_info(key));
	if (keyring_find(ring, bytes_of_text(key->id)) != nullptr)
		return fail(STATUS_CONFLICT, "key.exists: there is a key %s already", key->id);
	struct ring_key *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	made->info = *key;
	enum status status = add_key(ring, made, blob);
	if (status != OK)
		free_key(made);
	return status;
}

enum status
ring_find(const struct keyring *ring, struct bytes id, struct ring_key **key) {
	*key = map_get(&ring->by_id, id);
	if (*key == nullptr)
		return fail(STATUS_NOT_FOUND, "key.unknown: there is no key %.*s",
			    (int)(id.len > KEY_ID_MAX ? KEY_ID_MAX : id.len), (const char *)id.data);
	return OK;
}

const struct key_info *
keyring_find(const struct keyring *ring, struct bytes id) {
	const struct ring_key *key = map_get(&ring->by_id, id);
	return key == nullptr ? nullptr : &key->info;
}

size_t
keyring_count(const struct keyring *ring) {
	return ring->count;
}

const struct key_info *
keyring_at(const struct keyring *ring, size_t index) {
	return index < ring->count ? &ring->keys[index]->info : nullptr;
}

/* From (row) to (column). A frozen key is unfrozen before it is rotated: rotating must never make a key sign again. */
static const bool changes[KEY_STATE_COUNT][KEY_STATE_COUNT] = {
	[KEY_ACTIVE] = {[KEY_FROZEN] = true, [KEY_ROTATED] = true, [KEY_DESTROYED] = true},
	[KEY_FROZEN] = {[KEY_ACTIVE] = true, [KEY_DESTROYED] = true},
	[KEY_ROTATED] = {[KEY_FROZEN] = true, [KEY_DESTROYED] = true},
};

static enum status
find_for_change(const struct keyring *ring, struct bytes id, enum key_state to, struct ring_key **key) {
	TRY(ring_find(ring, id, key));
	enum key_state from = (*key)->info.state;
	if ((unsigned)to >= KEY_STATE_COUNT || !changes[from][to])
		return fail(STATUS_CONFLICT, "key.state: key %s is %s and cannot become %s", (*key)->info.id,
			    key_state_name(from), key_state_name(to));
	return OK;
}

enum status
keyring_check_change(const struct keyring *ring, struct bytes id, enum key_state to) {
	struct ring_key *key;
	return find_for_change(ring, id, to, &key);
}

enum status
keyring_freeze(struct keyring *ring, struct bytes id) {
	struct ring_key *key;
	TRY(find_for_change(ring, id, KEY_FROZEN, &key));
	key->info.state = KEY_FROZEN;
	return OK;
}

enum status
keyring_unfreeze(struct keyring *ring, struct bytes id) {
	struct ring_key *key;
	TRY(find_for_change(ring, id, KEY_ACTIVE, &key));
	key->info.state = key->info.successor[0] == '\0' ? KEY_ACTIVE : KEY_ROTATED;
	return OK;
}

enum status
keyring_check_rotation(const struct keyring *ring, struct bytes id, struct bytes successor) {
	struct ring_key *key, *next;
	TRY(find_for_change(ring, id, KEY_ROTATED, &key));
	TRY(ring_find(ring, successor, &next));
	if (next == key || next->info.state != KEY_ACTIVE || next->info.algorithm != key->info.algorithm ||
	    next->info.purpose != key->info.purpose || strcmp(next->info.account, key->info.account) != 0)
		return fail(STATUS_CONFLICT,
			    "key.successor: key %s cannot follow %s: it must be another active key of the same "
			    "algorithm, purpose "
			    "and account",
			    next->info.id, key->info.id);
	return OK;
}

enum status
keyring_rotate(struct keyring *ring, struct bytes id, struct bytes successor) {
	struct ring_key *key, *next;
	TRY(keyring_check_rotation(ring, id, successor));
	TRY(ring_find(ring, id, &key));
	TRY(ring_find(ring, successor, &next));
	memcpy(key->info.successor, next->info.id, sizeof key->info.successor);
	key->info.state = KEY_ROTATED;
	return OK;
}

enum status
keyring_destroy_key(struct keyring *ring, struct bytes id) {
	struct ring_key *key;
	TRY(find_for_change(ring, id, KEY_DESTROYED, &key));
	node_cache_drop(ring->cache, key);
	if (key->secret != nullptr)
		secret_region_give_back(key->region, key->secret);
	key->secret = nullptr;
	key->region = nullptr;
	key->info.state = KEY_DESTROYED;
	return OK;
}

enum status
keyring_reshare(struct keyring *ring, const struct key_info *key) {
	struct ring_key *found;
	TRY(ring_find(ring, bytes_of_text(key->id), &found));
	if (found->info.sharing != key->sharing || key->epoch <= found->info.epoch)
		return fail(STATUS_CONFLICT, "key.epoch: key %s is of epoch %u; what was dealt is of epoch %u", key->id,
			    found->info.epoch, key->epoch);
	found->info.threshold = key->threshold;
	found->info.parties = key->parties;
	found->info.epoch = key->epoch;
	return OK;
}
