/*
 * A snapshot: decision state as opaque bytes, bound to the size and root of the log that it was taken at.
 *
 * It only saves time. It is replaced atomically, checked by SHA-256, refused when it is of another log or does not lie on
 * this one (the caller compares root with the log's at that size), and everything in it can be rebuilt from the log.
 * Errors of snapshot_read(): STATUS_NOT_FOUND; STATUS_CORRUPT "snapshot.*"; STATUS_UNSUPPORTED "snapshot.version".
 */
#ifndef GATEHOUSE_STORE_SNAPSHOT_H
#define GATEHOUSE_STORE_SNAPSHOT_H

#include "base/io.h"
#include "store/mark.h"

constexpr size_t SNAPSHOT_SIZE_MAX = 512 * 1024 * 1024;

struct snapshot {
	struct hash256 identity; /* of the log: SHA-256 of its origin */
	struct mark mark;
	struct bytes log_state;      /* the ledger's own: frontier, counts, time */
	struct bytes decision_state; /* the keeper's */
};

enum status snapshot_write(const struct io *io, const char *path, const struct snapshot *snapshot);
/* *snapshot borrows from *bytes. */
enum status snapshot_read(const struct io *io, const char *path, struct buffer *bytes, struct snapshot *snapshot);
enum status snapshot_parse(struct bytes bytes, struct snapshot *snapshot);

#endif
