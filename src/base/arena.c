#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

constexpr size_t DEFAULT_BLOCK_SIZE = 64 * 1024;
constexpr size_t ALIGNMENT = alignof(max_align_t);

struct arena_block {
	struct arena_block *next;
	size_t capacity;
	size_t used;
	size_t known; /* up to here what is not used is zero: it was never more than that, and a reset has wiped it */
	alignas(max_align_t) uint8_t data[];
};

static void
free_blocks(struct arena_block *block) {
	while (block != nullptr) {
		struct arena_block *next = block->next;
		explicit_bzero(block->data, block->used);
		free(block);
		block = next;
	}
}

void
arena_free(struct arena *arena) {
	free_blocks(arena->first);
	arena->first = arena->current = nullptr;
	arena->used = 0;
}

void
arena_reset(struct arena *arena) {
	arena->used = 0;
	if (arena->first == nullptr)
		return;
	free_blocks(arena->first->next);
	arena->first->next = nullptr;
	explicit_bzero(arena->first->data, arena->first->used);
	arena->first->used = 0;
	arena->current = arena->first;
}

static bool
add_block(struct arena *arena, size_t size) {
	size_t capacity = arena->block_size == 0 ? DEFAULT_BLOCK_SIZE : arena->block_size;
	if (capacity < size)
		capacity = size;
	struct arena_block *block = malloc(sizeof *block + capacity);
	if (block == nullptr)
		return false;
	*block = (struct arena_block){.capacity = capacity};
	if (arena->current == nullptr)
		arena->first = block;
	else
		arena->current->next = block;
	arena->current = block;
	return true;
}

/* As arena_alloc(), but what the memory holds is for the caller to say. */
static uint8_t *
take(struct arena *arena, size_t size, bool zeroed) {
	size_t rounded;
	if (__builtin_add_overflow(size, ALIGNMENT - 1, &rounded) || rounded > SIZE_MAX / 2)
		return nullptr;
	rounded &= ~(ALIGNMENT - 1);
	if (rounded == 0)
		rounded = ALIGNMENT;
	if (arena->limit != 0 && (arena->used > arena->limit || rounded > arena->limit - arena->used))
		return nullptr;
	struct arena_block *block = arena->current;
	if (block == nullptr || rounded > block->capacity - block->used) {
		if (!add_block(arena, rounded))
			return nullptr;
		block = arena->current;
	}
	size_t start = block->used, end = start + rounded;
	block->used = end;
	arena->used += rounded;
	if (end > block->known) {
		size_t unknown = start > block->known ? start : block->known;
		if (zeroed)
			memset(block->data + unknown, 0, end - unknown);
		block->known = end;
	}
	return block->data + start;
}

void *
arena_alloc(struct arena *arena, size_t size) {
	return take(arena, size, true);
}

void *
arena_alloc_array(struct arena *arena, size_t count, size_t size) {
	size_t total;
	return __builtin_mul_overflow(count, size, &total) ? nullptr : arena_alloc(arena, total);
}

char *
arena_text(struct arena *arena, struct bytes bytes) {
	if (bytes.len == SIZE_MAX)
		return nullptr;
	uint8_t *copy = take(arena, bytes.len + 1, false);
	if (copy == nullptr)
		return nullptr;
	if (bytes.len > 0)
		memcpy(copy, bytes.data, bytes.len);
	copy[bytes.len] = '\0';
	return (char *)copy;
}

struct bytes
arena_copy(struct arena *arena, struct bytes bytes) {
	const char *copy = arena_text(arena, bytes);
	return bytes_of(copy, copy == nullptr ? 0 : bytes.len);
}

struct bytes
arena_join(struct arena *arena, const struct bytes *parts, size_t count) {
	size_t len = 0;
	for (size_t i = 0; i < count; i++)
		if (__builtin_add_overflow(len, parts[i].len, &len))
			return (struct bytes){};
	uint8_t *joined = len == SIZE_MAX ? nullptr : take(arena, len + 1, false), *at = joined;
	if (joined == nullptr)
		return (struct bytes){};
	for (size_t i = 0; i < count; i++)
		if (parts[i].len > 0)
			at = (uint8_t *)memcpy(at, parts[i].data, parts[i].len) + parts[i].len;
	*at = '\0';
	return bytes_of(joined, len);
}

char *
arena_format(struct arena *arena, const char *format, ...) {
	va_list arguments, again;
	char usual[128]; /* what fits is not formatted twice */
	va_start(arguments, format);
	va_copy(again, arguments);
	int length = vsnprintf(usual, sizeof usual, format, arguments);
	va_end(arguments);
	char *text = nullptr;
	if (length >= 0 && (size_t)length < sizeof usual)
		text = arena_text(arena, bytes_of(usual, (size_t)length));
	else if (length >= 0 && (text = arena_alloc(arena, (size_t)length + 1)) != nullptr)
		vsnprintf(text, (size_t)length + 1, format, again);
	va_end(again);
	explicit_bzero(usual, sizeof usual);
	return text;
}
