/*
 * A mark: the size that the log had and its root at that size. Whoever keeps a mark outside the data directory can tell
 * whether an older or another log was put in its place.
 */
#ifndef GATEHOUSE_STORE_MARK_H
#define GATEHOUSE_STORE_MARK_H

#include "crypto/hash.h"

struct mark {
	uint64_t size;
	struct hash256 root;
};

static inline bool
mark_equal(const struct mark *a, const struct mark *b) {
	return a->size == b->size && hash256_equal(&a->root, &b->root);
}

#endif
