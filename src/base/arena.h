/*
 * Memory of one request: allocated by bumping, released all at once, wiped when released.
 *
 * An arena owns its blocks; whatever it hands out lives until arena_reset() or arena_free(). A reset keeps the first
 * block, so that a request path that fits it never calls the allocator. Threads: one at a time.
 * Errors: every function that returns memory returns null when none is to be had or the arena's limit is reached.
 */
#ifndef GATEHOUSE_BASE_ARENA_H
#define GATEHOUSE_BASE_ARENA_H

#include "base/bytes.h"

struct arena_block;

struct arena {
	struct arena_block *first;
	struct arena_block *current;
	size_t block_size; /* 0: 64 KiB */
	size_t limit;      /* bytes in all; 0: none */
	size_t used;
};

void arena_free(struct arena *arena); /* a cleanup function */
void arena_reset(struct arena *arena);

/* Zeroed, aligned for any type. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_alloc_array(struct arena *arena, size_t count, size_t size);
#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_NEW_ARRAY(arena, count, type) ((type *)arena_alloc_array((arena), (count), sizeof(type)))

/* Copies; the copy ends in a NUL that its length does not count. data is null when out of memory. */
struct bytes arena_copy(struct arena *arena, struct bytes bytes);
struct bytes arena_join(struct arena *arena, const struct bytes *parts, size_t count); /* one after the other */
char *arena_text(struct arena *arena, struct bytes bytes);
char *arena_format(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
