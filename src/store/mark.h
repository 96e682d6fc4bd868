/*
 * A mark: the size that the log had and its root at that size. Whoever keeps a mark outside the data directory can tell
 * whether an older or another log was put in its place. As text it is five lines: "gatehouse-high-water/v1", origin, size,
 * root in base64, and the SHA-256 of these four in hexadecimal. docs/PROTOCOL.ledger §7.
 * Errors of mark_parse(): STATUS_CORRUPT "high_water.format", STATUS_UNSUPPORTED "high_water.version", STATUS_CONFLICT
 * "high_water.origin" (of another log).
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

enum status mark_format(const struct mark *mark, struct bytes origin, struct buffer *text);
enum status mark_parse(struct bytes text, struct bytes origin, struct mark *mark);

#endif
