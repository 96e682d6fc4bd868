/*
 * The file `notified`: up to which entry of the log, and up to which expiry, each receiver of notifications has everything. Whoever edits
 * it can have notifications sent again or left out, and changes nothing else (docs/notifications.md).
 *
 *   {"receivers":[{"entry":n,"expiring":ms,"name":"..."}],"type":"gatehouse/notified/v1"}
 *
 * Owner: names are borrowed. Threads: any. Errors: STATUS_CORRUPT notified.form, notified.number, notified.receivers; STATUS_UNSUPPORTED
 * notified.type; those of json.
 */
#ifndef GATEHOUSE_KEEPER_NOTIFIED_H
#define GATEHOUSE_KEEPER_NOTIFIED_H

#include "base/arena.h"

constexpr size_t NOTIFIED_SIZE_MAX = 16 * 1024;
constexpr size_t NOTIFIED_MARKS_MAX = 64; /* those of receivers that are configured no more included */

struct notified_mark {
	struct bytes name;
	uint64_t entry;      /* of entries below it everything was delivered or given up */
	int64_t expiring_ms; /* and of operations that were about to expire by then */
};

enum status notified_write(const struct notified_mark *marks, size_t count, struct buffer *to);
enum status notified_read(struct arena *arena, struct bytes text, struct notified_mark marks[static NOTIFIED_MARKS_MAX],
			  size_t *count);

#endif
