/*
 * Bytes that must not leak: private keys, seeds, passphrases, unwrapped blobs.
 *
 * A secret owns its memory: locked, left out of core dumps and of forked children where the system allows, wiped when
 * freed, never printed, compared in constant time. Long-lived clear keys live in a secret_region instead, which is
 * memfd_secret(2) memory: no other process, root included, can read it.
 */
#ifndef GATEHOUSE_BASE_SECRET_H
#define GATEHOUSE_BASE_SECRET_H

#include "base/bytes.h"

struct secret {
	uint8_t *data;
	size_t len;
	size_t mapped; /* bytes of the mapping behind data; 0: heap */
};

/* Zeroed; any earlier content of *secret must have been freed. */
enum status secret_alloc(struct secret *secret, size_t len);
enum status secret_copy(struct secret *secret, struct bytes bytes);
void secret_free(struct secret *secret); /* a cleanup function */

static inline struct bytes
secret_bytes(const struct secret *secret) {
	return (struct bytes){secret->data, secret->len};
}

/* Constant time in the content; the lengths are public. */
bool secret_equal(struct bytes a, struct bytes b);

/* Wipes memory that held something secret, on the stack or elsewhere. */
void secret_wipe(void *data, size_t len);
/* Wipes what functions that have returned left on the stack: what a compiler put there of itself. */
void secret_wipe_stack(void);

/* Reads a secret from a file or descriptor, at most max bytes; one final line feed is not part of it. */
enum status secret_read_file(struct secret *secret, const char *path, size_t max);
enum status secret_read_descriptor(struct secret *secret, int descriptor, size_t max);

/* A store of fixed-size slots in memfd_secret memory; where the kernel has none in memory that is locked, if RLIMIT_MEMLOCK lets it be. */
struct secret_region;
enum status secret_region_create(struct secret_region **region, size_t slot_size, size_t slots);
void secret_region_destroy(struct secret_region **region); /* a cleanup function */
/* A free slot, zeroed; null when full. */
uint8_t *secret_region_take(struct secret_region *region);
void secret_region_give_back(struct secret_region *region, uint8_t *slot);
/* True if other processes cannot read it even as root. Shown in /healthz. */
bool secret_region_is_isolated(const struct secret_region *region);
/* False if it may be swapped out. Shown in /healthz. */
bool secret_region_is_locked(const struct secret_region *region);

#endif
