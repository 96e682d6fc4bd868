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

void
presignature_pool_discard(struct presignature_pool *pool) {
	struct bytes id;
	void *value;
	for (size_t at = 0; map_next(&pool->ready, &at, &id, &value);) {
		struct presignature *gone = value;
		remember(pool, &gone->id);
		presignature_destroy(&gone);
	}
	map_free(&pool->ready);
	pool->ready = (struct map){};
}

void
presignature_pool_free(struct presignature_pool *pool) {
	presignature_pool_discard(pool);
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

enum status
presignature_pool_add(struct presignature_pool *pool, struct presignature **presignature) {
	if (presignature_pool_knows(pool, &(*presignature)->id))
		return fail_used();
	TRY(map_put(&pool->ready, hash256_bytes(&(*presignature)->id), *presignature, nullptr));
	(*presignature)->number = pool->added++;
	*presignature = nullptr;
	return OK;
}

enum status
presignature_pool_take(struct presignature_pool *pool, const struct hash256 *id, struct presignature **presignature) {
	struct hash256 taken = *id; /* which may be that of what is taken */
	*presignature = map_remove(&pool->ready, hash256_bytes(&taken));
	if (*presignature == nullptr)
		return map_get(&pool->used, hash256_bytes(&taken)) != nullptr
			       ? fail_used()
			       : fail(STATUS_NOT_FOUND,
				      "presignature.unknown: none of this id is ready, or was of late");
	remember(pool, &taken);
	return OK;
}
