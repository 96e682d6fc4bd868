/*
 * What the simulated disk stores: contents in sectors and names, each with what is cached and what is certain to survive.
 * base/io_simulated.h tells the model. Memory that cannot be had ends the test. Threads: one at a time.
 */
#ifndef GATEHOUSE_BASE_SIMULATED_MEDIUM_H
#define GATEHOUSE_BASE_SIMULATED_MEDIUM_H

#include "base/io_simulated.h"

enum sector {
	SECTOR_CLEAN,
	SECTOR_DIRTY,
	SECTOR_LOST, /* its sync failed: readable, and written by no later sync */
	SECTOR_CUT,  /* cut off by a truncation that is not durable */
};

struct inode {
	struct inode *next; /* of all inodes of the disk, freed with it */
	bool is_directory;
	uint8_t *cache;   /* what reads see */
	uint8_t *durable; /* what is certain to survive */
	uint8_t *sectors; /* enum sector of each */
	size_t capacity;  /* of both, whole sectors */
	uint64_t size;    /* cached */
	uint64_t durable_size;
	uint64_t cut_to; /* the least size that it was truncated to and that is not durable; UINT64_MAX: none */
	int locked_by;   /* a file, or -1 */
};

struct name {
	char *path;
	struct inode *inode; /* null in a change: the name goes away */
};

struct names {
	struct name *items;
	size_t count, capacity;
};

/* One change to names that is not durable. A rename has two names, which change together. */
struct change {
	struct name names[2];
	size_t count;
};

struct medium {
	uint64_t random;
	struct inode *inodes;
	struct names cached, durable;
	struct change *changes; /* in order */
	size_t change_count, change_capacity;
};

void medium_free(struct medium *medium);
/* Evenly from 0 to bound − 1. */
uint64_t medium_random(struct medium *medium, uint64_t bound);
/* Room for one more item. */
void *medium_grow(void *items, size_t count, size_t *capacity, size_t size);

struct inode *medium_find(const struct names *names, const char *path);
void names_set(struct names *names, const char *path, struct inode *inode); /* null: the name goes away */
void names_clear(struct names *names);
bool medium_is_in_directory(const char *path, const char *directory);
bool medium_directory_exists(const struct names *names, const char *path);
bool medium_parent_exists(const struct names *names, const char *path);
struct change medium_change_name(const char *path, struct inode *inode);
/* In the cache at once; durable with medium_sync_directory(). */
void medium_change(struct medium *medium, struct change change);
void medium_sync_directory(struct medium *medium, const char *path);

struct inode *medium_create_inode(struct medium *medium, bool is_directory);
void medium_write(struct inode *inode, uint64_t offset, const void *from, size_t len);
void medium_set_size(struct inode *inode, uint64_t size);
void medium_make_durable(struct inode *inode, size_t sector);

/* What was not durable survives as the random numbers say; cache and medium are then the same. */
void medium_lose_power(struct medium *medium);

#endif
