/*
 * The high-water mark: how far the log had come, kept outside the data directory (design §6, rollback_guard).
 *
 * path: a file on another disk or under another owner. It follows durable frames at most once a second and at stop; frames
 *   of the last second before a crash are not under it (docs/PROTOCOL.ledger says what this leaves open).
 * witness: the mark is the newest head that the witness quorum has cosigned. The `start` entry holds fresh random bytes,
 *   and no operation is decided before the quorum cosigned a head that contains that entry; an older cosignature proves
 *   nothing about this start. The caller talks to the witnesses and verifies what they sign; the state is kept here.
 * none: nothing is kept. Shown in /healthz and in start entries.
 *
 * Errors: STATUS_NOT_FOUND "high_water.missing"; STATUS_CORRUPT "high_water.format"; STATUS_CONFLICT "high_water.origin"
 * (of another log), "high_water.behind" (the log is older than the mark);
 * STATUS_INVALID "high_water.inside" where the file lies in the data directory. Threads: any.
 */
#ifndef GATEHOUSE_STORE_HIGH_WATER_H
#define GATEHOUSE_STORE_HIGH_WATER_H

#include "base/io.h"
#include "store/mark.h"

enum rollback_guard { ROLLBACK_NONE, ROLLBACK_PATH, ROLLBACK_WITNESS };

const char *rollback_guard_name(enum rollback_guard guard);

struct high_water;

struct high_water_config {
	enum rollback_guard guard;
	const struct io *io;
	struct bytes origin;        /* of the log */
	const char *data_directory; /* absolute */
	const char *path;           /* ROLLBACK_PATH: absolute, outside the data directory */
};

enum status high_water_open(const struct high_water_config *config, struct high_water **high_water);
void high_water_close(struct high_water **high_water); /* a cleanup function */

/* The first mark, at genesis. STATUS_CONFLICT "high_water.exists" if there is one already. */
enum status high_water_begin(struct high_water *high_water, const struct mark *mark);
/* What the log must not be behind; *is_set is false with `none`, and with `witness` before any cosigned head is known. */
enum status high_water_read(struct high_water *high_water, struct mark *mark, bool *is_set);
/* Tells of a durable head. It reaches the file at most once a second, or at once where `now` is set. */
enum status high_water_advance(struct high_water *high_water, const struct mark *mark, bool now);

/* --- witness: the start protocol. --- */
constexpr size_t HIGH_WATER_NONCE_SIZE = 32;
/* Fresh random bytes for the start entry. */
void high_water_start(struct high_water *high_water, uint8_t nonce[HIGH_WATER_NONCE_SIZE]);
/* The start entry became leaf `index`. */
void high_water_started(struct high_water *high_water, uint64_t index);
/* The quorum has cosigned this head; the caller has verified it and that the head is of this log. */
void high_water_cosigned(struct high_water *high_water, const struct mark *head);
/* OK when operations may be decided: STATUS_UNAVAILABLE "high_water.not_cosigned" until the quorum has seen this start. */
enum status high_water_may_decide(struct high_water *high_water);

#endif
