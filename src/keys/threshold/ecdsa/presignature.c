#include "keys/threshold/ecdsa/presignature.h"

#include <stdlib.h>

enum status
presignature_create(struct presignature **presignature) {
	_cleanup_(presignature_destroy) struct presignature *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	TRY(secret_alloc(&made->memory, sizeof(struct presignature_values)));
	*presignature = TAKE(made);
	return OK;
}

void
presignature_destroy(struct presignature **presignature) {
	struct presignature *gone = TAKE(*presignature);
	if (gone == nullptr)
		return;
	secret_free(&gone->memory);
	free(gone);
}

/* --- By sets. --- */

constexpr size_t SET_NAME_SIZE = KEY_ID_MAX + 1 + sizeof(uint32_t) + 1 + PARTIES_MAX;

struct presignature_set {
	size_t count;
	uint8_t name[SET_NAME_SIZE];
};

static void
name_set(const char *key_id, uint32_t epoch, const struct party_set *signers, uint8_t name[SET_NAME_SIZE]) {
	memset(name, 0, SET_NAME_SIZE);
	memcpy(name, key_id, strnlen(key_id, KEY_ID_MAX));
	store_u32be(name + KEY_ID_MAX + 1, epoch);
	name[KEY_ID_MAX + 5] = signers->count;
	for (size_t i = 0; i < signers->count; i++)
		name[KEY_ID_MAX + 6 + i] = signers->parties[i].index;
}

static struct presignature_set *
find_set(const struct presignature_pool *pool, const char *key_id, uint32_t epoch, const struct party_set *signers) {
	uint8_t name[SET_NAME_SIZE];
	name_set(key_id, epoch, signers, name);
	return map_get(&pool->sets, BYTES_OF_ARRAY(name));
}

static enum status
need_set(struct presignature_pool *pool, const struct presignature *presignature, struct presignature_set **set) {
	*set = find_set(pool, presignature->key_id, presignature->epoch, &presignature->signers);
	if (*set != nullptr)
		return OK;
	struct presignature_set *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	name_set(presignature->key_id, presignature->epoch, &presignature->signers, made->name);
	enum status status = map_put(&pool->sets, BYTES_OF_ARRAY(made->name), made, nullptr);
	if (status != OK)
		free(made);
	else
		*set = made;
	return status;
}

static void
drop_empty_set(struct presignature_pool *pool, struct presignature_set *set) {
	if (set->count > 0)
		return;
	(void)map_remove(&pool->sets, BYTES_OF_ARRAY(set->name));
	free(set);
}

static void
link_newest(struct presignature_pool *pool, struct presignature *presignature, struct presignature_set *set) {
	presignature->set = set;
	presignature->older = pool->newest;
	presignature->newer = nullptr;
	*(pool->newest == nullptr ? &pool->oldest : &pool->newest->newer) = presignature;
	pool->newest = presignature;
	set->count++;
	pool->of_first[presignature->signers.parties[0].index]++;
}

static void
unlink_one(struct presignature_pool *pool, struct presignature *presignature) {
	*(presignature->older == nullptr ? &pool->oldest : &presignature->older->newer) = presignature->newer;
	*(presignature->newer == nullptr ? &pool->newest : &presignature->newer->older) = presignature->older;
	presignature->older = presignature->newer = nullptr;
	pool->of_first[presignature->signers.parties[0].index]--;
	presignature->set->count--;
	drop_empty_set(pool, TAKE(presignature->set));
}

size_t
presignature_pool_count(const struct presignature_pool *pool, const char *key_id, uint32_t epoch,
			const struct party_set *signers) {
	const struct presignature_set *set = find_set(pool, key_id, epoch, signers);
	return set == nullptr ? 0 : set->count;
}

const struct presignature *
presignature_pool_find(const struct presignature_pool *pool, const char *key_id, uint32_t epoch,
		       const struct party_set *signers, size_t skip) {
	const struct presignature_set *set = find_set(pool, key_id, epoch, signers);
	for (const struct presignature *one = pool->newest; set != nullptr && one != nullptr; one = one->older)
		if (one->set == set && skip-- == 0)
			return one;
	return nullptr;
}

/* --- What was used. --- */

/* Without memory it is forgotten at once, and unknown. */
static void
remember(struct presignature_pool *pool, const struct hash256 *id) {
	static char used;
	if (pool->order == nullptr)
		pool->order = calloc(PRESIGNATURES_REMEMBERED, sizeof *pool->order);
	if (pool->order == nullptr)
		return;
	struct hash256 *place = &pool->order[pool->next];
	(void)map_remove(&pool->used, hash256_bytes(place));
	*place = (struct hash256){};
	if (map_put(&pool->used, hash256_bytes(id), &used, nullptr) != OK)
		return;
	*place = *id;
	pool->next = (pool->next + 1) % PRESIGNATURES_REMEMBERED;
}

/* Out of what is ready; it is one of it. */
static void
take_out(struct presignature_pool *pool, struct presignature *presignature) {
	(void)map_remove(&pool->ready, hash256_bytes(&presignature->id));
	unlink_one(pool, presignature);
	remember(pool, &presignature->id);
}

static void
drop(struct presignature_pool *pool, struct presignature *gone) {
	take_out(pool, gone);
	presignature_destroy(&gone);
}

void
presignature_pool_discard(struct presignature_pool *pool) {
	while (pool->oldest != nullptr)
		drop(pool, pool->oldest);
}

void
presignature_pool_free(struct presignature_pool *pool) {
	presignature_pool_discard(pool);
	map_free(&pool->ready);
	map_free(&pool->sets);
	map_free(&pool->used);
	free(pool->order);
	*pool = (struct presignature_pool){};
}

bool
presignature_pool_knows(const struct presignature_pool *pool, const struct hash256 *id) {
	return map_get(&pool->ready, hash256_bytes(id)) != nullptr ||
	       map_get(&pool->used, hash256_bytes(id)) != nullptr;
}

static enum status
fail_used(void) {
	return fail(STATUS_CONFLICT, "presignature.used: this one was in the pool before");
}

/* Of its set, and of what its first signer has begun; it is the newest of both. */
static void
drop_older(struct presignature_pool *pool, const struct presignature *newest) {
	uint8_t first = newest->signers.parties[0].index;
	bool is_set_full = newest->set->count > PRESIGNATURES_OF_SET_MAX;
	if (!is_set_full && pool->of_first[first] <= PRESIGNATURES_OF_FIRST_MAX)
		return;
	struct presignature *one = pool->oldest;
	while (is_set_full ? one->set != newest->set : one->signers.parties[0].index != first)
		one = one->newer;
	drop(pool, one);
}

enum status
presignature_pool_add(struct presignature_pool *pool, struct presignature **presignature) {
	struct presignature_set *set;
	if (presignature_pool_knows(pool, &(*presignature)->id))
		return fail_used();
	TRY(need_set(pool, *presignature, &set));
	enum status status = map_put(&pool->ready, hash256_bytes(&(*presignature)->id), *presignature, nullptr);
	if (status != OK) {
		drop_empty_set(pool, set);
		return status;
	}
	struct presignature *added = TAKE(*presignature);
	link_newest(pool, added, set);
	drop_older(pool, added);
	return OK;
}

enum status
presignature_pool_take(struct presignature_pool *pool, const struct hash256 *id, struct presignature **presignature) {
	*presignature = map_get(&pool->ready, hash256_bytes(id));
	if (*presignature == nullptr)
		return map_get(&pool->used, hash256_bytes(id)) != nullptr
			       ? fail_used()
			       : fail(STATUS_NOT_FOUND,
				      "presignature.unknown: none of this id is ready, or was of late");
	take_out(pool, *presignature);
	return OK;
}
