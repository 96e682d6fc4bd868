/*
 * The directory's things of one kind: by id, and in order of addition. Nothing is removed.
 *
 * Owner: whoever holds it frees it; ids and things are the holder's, and outlive it. Errors: STATUS_CONFLICT "directory.exists".
 */
#ifndef GATEHOUSE_IDENTITY_REGISTRY_H
#define GATEHOUSE_IDENTITY_REGISTRY_H

#include "base/map.h"

struct registry {
	struct map by_id;
	void **items;
	size_t count;
	size_t capacity;
};

/* what: the kind, as the refusal names it. */
enum status registry_check_new(const struct registry *registry, const char *what, struct bytes id);
/* An id that is new. */
enum status registry_add(struct registry *registry, struct bytes id, void *item);
/* Null beyond the last. */
void *registry_at(const struct registry *registry, size_t index);
void registry_free(struct registry *registry);

#endif
