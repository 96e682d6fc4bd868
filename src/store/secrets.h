/*
 * secrets.db: what must exist once, and be destroyed when it is to be destroyed: wrapped keys and subject keys.
 *
 * A row is named by collection ("key", "subject") and id; its value is opaque (wrapped under the root key by the caller).
 * Order against the log: create = row, then entry; destroy = entry, then row. So after a crash a row may stand without its
 * entry (its creation was never acknowledged) or behind its destruction entry; secrets_reconcile() removes both.
 *
 * Threads: one at a time. Errors: those of store/database.h; STATUS_CONFLICT "secrets.exists"; STATUS_NOT_FOUND
 * "secrets.missing"; STATUS_CORRUPT "secrets.lost" where the log says that a row exists and it does not.
 */
#ifndef GATEHOUSE_STORE_SECRETS_H
#define GATEHOUSE_STORE_SECRETS_H

#include "store/database.h"

struct secrets;

enum status secrets_open(const struct io *io, const char *path, struct secrets **secrets);
void secrets_close(struct secrets **secrets); /* a cleanup function */

/* Durable when it returns. */
enum status secrets_create(struct secrets *secrets, const char *collection, struct bytes id, struct bytes value);
/* Many rows in one durable transaction, or none of them. */
struct secrets_row {
	const char *collection;
	struct bytes id;
	struct bytes value;
};
enum status secrets_create_all(struct secrets *secrets, const struct secrets_row *rows, size_t count);
/* Another wrapping of the same thing (rotation of the root key). Durable when it returns. */
enum status secrets_replace(struct secrets *secrets, const char *collection, struct bytes id, struct bytes value);
/* Appended to *value. */
enum status secrets_get(struct secrets *secrets, const char *collection, struct bytes id, struct buffer *value);
/* Durable and overwritten when it returns; OK if there is none, since erasing is repeated at every start. */
enum status secrets_destroy(struct secrets *secrets, const char *collection, struct bytes id);
enum status secrets_visit(struct secrets *secrets, const char *collection,
			  enum status (*visit)(void *context, struct bytes id, struct bytes value), void *context);

enum secrets_recorded {
	SECRETS_UNRECORDED, /* no entry of its creation */
	SECRETS_CREATED,
	SECRETS_DESTROYED,
};
struct secrets_reconciled {
	size_t kept;
	size_t removed_unrecorded;
	size_t removed_destroyed;
};
/*
 * At every start and restore: asks `recorded` about each row of the collection and removes those that have no right to be
 * there. `expected` is the number of rows that the log knows as created and not destroyed: fewer found is "secrets.lost".
 */
enum status secrets_reconcile(struct secrets *secrets, const char *collection,
			      enum secrets_recorded (*recorded)(void *context, struct bytes id), void *context,
			      size_t expected, struct secrets_reconciled *reconciled);

#endif
