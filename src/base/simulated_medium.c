#include "base/simulated_medium.h"

#include <stdio.h>
#include <stdlib.h>

/* SplitMix64. */
static uint64_t
random_next(struct medium *medium) {
	uint64_t z = medium->random += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint64_t
medium_random(struct medium *medium, uint64_t bound) {
	return random_next(medium) % bound;
}

/* A test cannot go on without memory. */
static void *
need(void *memory) {
	if (memory == nullptr)
		abort();
	return memory;
}

void *
medium_grow(void *items, size_t count, size_t *capacity, size_t size) {
	if (count < *capacity)
		return items;
	*capacity = *capacity == 0 ? 16 : *capacity * 2;
	return need(reallocarray(items, *capacity, size));
}

/* --- Names. --- */

struct inode *
medium_find(const struct names *names, const char *path) {
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->items[i].path, path) == 0)
			return names->items[i].inode;
	return nullptr;
}

void
names_set(struct names *names, const char *path, struct inode *inode) {
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->items[i].path, path) == 0) {
			if (inode != nullptr) {
				names->items[i].inode = inode;
				return;
			}
			free(names->items[i].path);
			names->items[i] = names->items[--names->count];
			return;
		}
	if (inode == nullptr)
		return;
	names->items = medium_grow(names->items, names->count, &names->capacity, sizeof *names->items);
	names->items[names->count++] = (struct name){need(strdup(path)), inode};
}

void
names_clear(struct names *names) {
	for (size_t i = 0; i < names->count; i++)
		free(names->items[i].path);
	names->count = 0;
}

static void
names_copy(struct names *to, const struct names *from) {
	names_clear(to);
	for (size_t i = 0; i < from->count; i++)
		names_set(to, from->items[i].path, from->items[i].inode);
}

/* The length of the parent's path; "/" and "." always exist. */
bool
medium_is_in_directory(const char *path, const char *directory) {
	const char *slash = strrchr(path, '/');
	size_t len = slash == nullptr ? 0 : slash == path ? 1 : (size_t)(slash - path);
	if (len == 0)
		return strcmp(directory, ".") == 0;
	return strlen(directory) == len && memcmp(path, directory, len) == 0;
}

bool
medium_directory_exists(const struct names *names, const char *path) {
	if (strcmp(path, "/") == 0 || strcmp(path, ".") == 0)
		return true;
	struct inode *inode = medium_find(names, path);
	return inode != nullptr && inode->is_directory;
}

bool
medium_parent_exists(const struct names *names, const char *path) {
	char parent[4096];
	const char *slash = strrchr(path, '/');
	if (slash == nullptr || slash == path)
		return true;
	snprintf(parent, sizeof parent, "%.*s", (int)(slash - path), path);
	return medium_directory_exists(names, parent);
}

static void
apply_change(struct names *names, const struct change *change) {
	for (size_t i = 0; i < change->count; i++)
		names_set(names, change->names[i].path, change->names[i].inode);
}

static void
free_change(struct change *change) {
	for (size_t i = 0; i < change->count; i++)
		free(change->names[i].path);
}

void
medium_change(struct medium *medium, struct change change) {
	for (size_t i = 0; i < change.count; i++)
		change.names[i].path = need(strdup(change.names[i].path));
	apply_change(&medium->cached, &change);
	medium->changes =
		medium_grow(medium->changes, medium->change_count, &medium->change_capacity, sizeof *medium->changes);
	medium->changes[medium->change_count++] = change;
}

struct change
medium_change_name(const char *path, struct inode *inode) {
	return (struct change){.names = {{(char *)(uintptr_t)path, inode}}, .count = 1};
}

/* --- Contents. --- */

struct inode *
medium_create_inode(struct medium *medium, bool is_directory) {
	struct inode *inode = need(calloc(1, sizeof *inode));
	inode->is_directory = is_directory;
	inode->locked_by = -1;
	inode->cut_to = UINT64_MAX;
	inode->next = medium->inodes;
	medium->inodes = inode;
	return inode;
}

static void
reserve(struct inode *inode, uint64_t size) {
	if (size <= inode->capacity)
		return;
	size_t capacity = inode->capacity == 0 ? 8 * SIMULATED_SECTOR : inode->capacity;
	while (capacity < size)
		capacity *= 2;
	inode->cache = need(realloc(inode->cache, capacity));
	inode->durable = need(realloc(inode->durable, capacity));
	inode->sectors = need(realloc(inode->sectors, capacity / SIMULATED_SECTOR));
	memset(inode->cache + inode->capacity, 0, capacity - inode->capacity);
	memset(inode->durable + inode->capacity, 0, capacity - inode->capacity);
	memset(inode->sectors + inode->capacity / SIMULATED_SECTOR, SECTOR_CLEAN,
	       (capacity - inode->capacity) / SIMULATED_SECTOR);
	inode->capacity = capacity;
}

static void
mark_dirty(struct inode *inode, uint64_t from, uint64_t to) {
	for (uint64_t sector = from / SIMULATED_SECTOR; sector * SIMULATED_SECTOR < to; sector++)
		inode->sectors[sector] = SECTOR_DIRTY;
}

void
medium_set_size(struct inode *inode, uint64_t size) {
	reserve(inode, size);
	if (size < inode->size) {
		const uint64_t whole =
			(size + SIMULATED_SECTOR - 1) / SIMULATED_SECTOR; /* the first sector that goes as a whole */
		memset(inode->cache + size, 0, inode->size - size);
		mark_dirty(inode, size, whole * SIMULATED_SECTOR);
		for (uint64_t sector = whole; sector * SIMULATED_SECTOR < inode->size; sector++)
			inode->sectors[sector] = SECTOR_CUT;
		inode->cut_to = size < inode->cut_to ? size : inode->cut_to;
	}
	inode->size = size;
}

void
medium_write(struct inode *inode, uint64_t offset, const void *from, size_t len) {
	if (len == 0)
		return;
	reserve(inode, offset + len);
	memcpy(inode->cache + offset, from, len);
	mark_dirty(inode, offset, offset + len);
	if (offset + len > inode->size)
		inode->size = offset + len;
}

void
medium_make_durable(struct inode *inode, size_t sector) {
	memcpy(inode->durable + sector * SIMULATED_SECTOR, inode->cache + sector * SIMULATED_SECTOR, SIMULATED_SECTOR);
	inode->sectors[sector] = SECTOR_CLEAN;
}

enum survival { SURVIVES_NOT, SURVIVES_ALL, SURVIVES_PARTLY, SURVIVES_TORN, SURVIVAL_MODES };

static void
survive_sector(struct medium *medium, struct inode *inode, size_t sector, enum survival mode) {
	bool is_lost = inode->sectors[sector] == SECTOR_LOST;
	uint8_t *old = inode->durable + sector * SIMULATED_SECTOR;
	const uint8_t *new = inode->cache + sector *SIMULATED_SECTOR;
	if (mode == SURVIVES_NOT || is_lost)
		return;
	uint64_t choice = mode == SURVIVES_ALL ? 1 : medium_random(medium, mode == SURVIVES_TORN ? 4 : 2);
	size_t cut = medium_random(medium, SIMULATED_SECTOR);
	switch (choice) {
	case 1:
		memcpy(old, new, SIMULATED_SECTOR);
		break;
	case 2:
		memcpy(old, new, cut);
		break;
	case 3:
		memcpy(old + cut, new + cut, SIMULATED_SECTOR - cut);
		break;
	default:
		break;
	}
}

static void
survive_inode(struct medium *medium, struct inode *inode) {
	enum survival mode = (enum survival)medium_random(medium, SURVIVAL_MODES);
	bool was_cut = inode->cut_to != UINT64_MAX;
	bool is_cut = was_cut && mode != SURVIVES_NOT && (mode == SURVIVES_ALL || medium_random(medium, 2) == 1);
	for (size_t sector = 0; sector < inode->capacity / SIMULATED_SECTOR; sector++) {
		if (inode->sectors[sector] == SECTOR_CUT && is_cut)
			memset(inode->durable + sector * SIMULATED_SECTOR, 0, SIMULATED_SECTOR);
		else if (inode->sectors[sector] != SECTOR_CLEAN && inode->sectors[sector] != SECTOR_CUT)
			survive_sector(medium, inode, sector, mode);
		inode->sectors[sector] = SECTOR_CLEAN;
	}
	if (is_cut && inode->cut_to < inode->durable_size)
		inode->durable_size = inode->cut_to;
	if (was_cut == is_cut && inode->size != inode->durable_size && mode != SURVIVES_NOT &&
	    (mode == SURVIVES_ALL || medium_random(medium, 2) == 1))
		inode->durable_size = inode->size;
	inode->cut_to = UINT64_MAX;
	if (inode->durable_size < inode->capacity)
		memset(inode->durable + inode->durable_size, 0, inode->capacity - inode->durable_size);
	if (inode->capacity > 0)
		memcpy(inode->cache, inode->durable, inode->capacity);
	inode->size = inode->durable_size;
}

static void
survive_names(struct medium *medium) {
	enum survival mode = (enum survival)medium_random(medium, SURVIVAL_MODES);
	size_t prefix = mode == SURVIVES_ALL      ? medium->change_count
			: mode == SURVIVES_PARTLY ? medium_random(medium, medium->change_count + 1)
						  : 0;
	for (size_t i = 0; i < medium->change_count; i++) {
		if (i < prefix || (mode == SURVIVES_TORN && medium_random(medium, 2) == 1))
			apply_change(&medium->durable, &medium->changes[i]);
		free_change(&medium->changes[i]);
	}
	medium->change_count = 0;
	/* What lies in a directory that did not survive is gone with it. */
	for (bool again = true; again;) {
		again = false;
		for (size_t i = 0; i < medium->durable.count && !again; i++)
			if (!medium_parent_exists(&medium->durable, medium->durable.items[i].path)) {
				names_set(&medium->durable, medium->durable.items[i].path, nullptr);
				again = true;
			}
	}
	names_copy(&medium->cached, &medium->durable);
}

void
medium_sync_directory(struct medium *medium, const char *path) {
	size_t kept = 0;
	for (size_t i = 0; i < medium->change_count; i++) {
		if (!medium_is_in_directory(medium->changes[i].names[0].path, path)) {
			medium->changes[kept++] = medium->changes[i];
			continue;
		}
		apply_change(&medium->durable, &medium->changes[i]);
		free_change(&medium->changes[i]);
	}
	medium->change_count = kept;
}

void
medium_lose_power(struct medium *medium) {
	for (struct inode *inode = medium->inodes; inode != nullptr; inode = inode->next)
		survive_inode(medium, inode);
	survive_names(medium);
}

void
medium_free(struct medium *medium) {
	for (struct inode *inode = medium->inodes; inode != nullptr;) {
		struct inode *next = inode->next;
		free(inode->cache);
		free(inode->durable);
		free(inode->sectors);
		free(inode);
		inode = next;
	}
	for (size_t i = 0; i < medium->change_count; i++)
		free_change(&medium->changes[i]);
	names_clear(&medium->cached);
	names_clear(&medium->durable);
	free(medium->cached.items);
	free(medium->durable.items);
	free(medium->changes);
	*medium = (struct medium){};
}
