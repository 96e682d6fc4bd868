#include "identity/registry.h"

#include <stdlib.h>

enum status
registry_check_new(const struct registry *registry, const char *what, struct bytes id) {
	if (map_get(&registry->by_id, id) != nullptr)
		return fail(STATUS_CONFLICT, "directory.exists: %s \"%.*s\"", what, BYTES_ARGS(id));
	return OK;
}

static enum status
make_room(struct registry *registry) {
	if (registry->count < registry->capacity)
		return OK;
	size_t capacity = registry->capacity == 0 ? 16 : 2 * registry->capacity;
	void **items = realloc(registry->items, capacity * sizeof(void *));
	TRY_ALLOC(items);
	registry->items = items;
	registry->capacity = capacity;
	return OK;
}

enum status
registry_add(struct registry *registry, struct bytes id, void *item) {
	TRY(make_room(registry));
	TRY(map_put(&registry->by_id, id, item, nullptr));
	registry->items[registry->count++] = item;
	return OK;
}

void *
registry_at(const struct registry *registry, size_t index) {
	return index < registry->count ? registry->items[index] : nullptr;
}

void
registry_free(struct registry *registry) {
	map_free(&registry->by_id);
	free(registry->items);
}
