/*
 * Who was erased, beside the high-water mark: so that a backup from before an erasure does not bring anybody back.
 *
 *   gatehouse-erased/v1 LF origin LF, a person's id and LF each, ascending; HMAC-SHA-256 of all before, hexadecimal, LF
 *
 * under a key from the root key (label gatehouse/erased/v1). With rollback_guard path it lies where the mark lies, in MARK.erased, outside the
 * data directory. It follows every erasure; at every start whoever stands in it and is not erased in the log is erased again, by an entry
 * of its own. A file that is not authentic stops the start: what it forgets might come back.
 *
 * Threads: the deciding one. Errors: STATUS_CORRUPT "erasures.*".
 */
#ifndef GATEHOUSE_KEEPER_ERASURES_H
#define GATEHOUSE_KEEPER_ERASURES_H

#include "keeper/internal.h"

constexpr size_t ERASURES_SIZE_MAX = 16 * 1024 * 1024;
#define ERASURES_SUFFIX ".erased"

/* ids view text, in the arena. */
enum status erasures_read(struct arena *arena, struct bytes text, struct bytes origin, struct bytes key,
			  struct bytes **ids, size_t *count);
/* ids ascending. Appended. */
enum status erasures_write(const struct bytes *ids, size_t count, struct bytes origin, struct bytes key,
			   struct buffer *to);

/* Before anything is decided: erases again whoever must be, and brings the file up to date. */
enum status erasures_start(struct keeper *keeper);
/* After an erasure. A failure is logged: the next start repeats it. */
void erasures_follow(struct keeper *keeper);

/* The body of an `erased` entry that repeats one which this log does not have; appended. legal_entity: empty where it is not known. */
enum status erasures_write_entry(struct bytes subject, struct bytes legal_entity, int64_t now_ms, struct buffer *body);

#endif
