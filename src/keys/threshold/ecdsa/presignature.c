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

void
presignature_pool_discard(struct presignature_pool *pool) {
	struct bytes id;
	void *value;
	for (size_t at = 0; map_next(&pool->ready, &at, &id, &value);) {
		struct presignature *gone = value;
		presignature_destroy(&gone);
	}
	map_free(&pool->ready);
	pool->ready = (struct map){};
}

void
presignature_pool_free(struct presignature_pool *pool) {
	presignature_pool_discard(pool);
	map_free(&pool->taken);
	*pool = (struct presignature_pool){};
}

static enum status
fail_used(void) {
	return fail(STATUS_CONFLICT, "presignature.used: this one was in the pool before");
}

enum status
presignature_pool_add(struct presignature_pool *pool, struct presignature **presignature) {
	static char taken;
	struct bytes id = hash256_bytes(&(*presignature)->id);
	if (map_get(&pool->taken, id) != nullptr)
		return fail_used();
	/* It counts as taken from now on: once in, it can only come out once. */
	TRY(map_put(&pool->taken, id, &taken, nullptr));
	TRY(map_put(&pool->ready, id, *presignature, nullptr));
	*presignature = nullptr;
	return OK;
}

enum status
presignature_pool_take(struct presignature_pool *pool, const struct hash256 *id, struct presignature **presignature) {
	*presignature = map_remove(&pool->ready, hash256_bytes(id));
	if (*presignature != nullptr)
		return OK;
	if (map_get(&pool->taken, hash256_bytes(id)) != nullptr)
		return fail_used();
	return fail(STATUS_NOT_FOUND, "presignature.unknown: none of this id was ever prepared here");
}
