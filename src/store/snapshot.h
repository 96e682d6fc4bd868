/*
 * A snapshot: decision state as opaque bytes, bound to the size and root of the log that it was taken at.
 *
 * It only saves time. It is replaced atomically, and everything in it can be rebuilt from the log. Since decisions rest on what
 * it says, it carries an HMAC-SHA-256 under a key that comes from the root key: who can write the file cannot make one. The
 * caller compares root with the log's at that size, so that an authentic one adds nothing that the log does not say.
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

constexpr size_t SNAPSHOT_KEY_SIZE = 32;

/* key: SNAPSHOT_KEY_SIZE bytes. */
enum status snapshot_write(const struct io *io, const char *path, struct bytes key, const struct snapshot *snapshot);
/* *snapshot borrows from *bytes. */
enum status snapshot_read(const struct io *io, const char *path, struct bytes key, struct buffer *bytes,
			  struct snapshot *snapshot);
enum status snapshot_parse(struct bytes bytes, struct bytes key, struct snapshot *snapshot);

#endif
