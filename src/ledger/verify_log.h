/*
 * Offline verification of a whole log: every frame, every leaf, the tree, the heads, the published files.
 *
 * The directory is only read, also while a keeper writes to it. Checked are: each frame's CRC and SHA-256 and that it
 * continues the one before it; that the entries have the root that their frame states; that sequence numbers of each type
 * have no gap, times never decrease, and the last entry of each frame counts all; the log's signatures over the newest head
 * and over others as asked; that every older head that somebody holds is a head of this log; the published checkpoint and
 * the newest witnessed one; tiles on demand.
 *
 * Owner: options and what they point to are only read; report->root etc. are values. Threads: pure but for reading files.
 * Errors: STATUS_CORRUPT "verify.root", "verify.chain", "verify.epoch", "verify.sequence", "verify.time",
 * "verify.counts", "verify.types", "verify.tile", "leaf.form", "segment.*", "frame.*"; STATUS_UNAUTHORIZED "head.*",
 * "verify.unsigned"; STATUS_CONFLICT "verify.fork", "verify.behind", "verify.other_leaf", "verify.other_origin";
 * STATUS_NOT_FOUND "verify.empty", "segment.none".
 */
#ifndef GATEHOUSE_LEDGER_VERIFY_LOG_H
#define GATEHOUSE_LEDGER_VERIFY_LOG_H

#include "base/io.h"
#include "ledger/verify.h"

enum verify_signatures {
	VERIFY_SOME_HEADS, /* the newest, the first, and about one in 64 chosen at random */
	VERIFY_EVERY_HEAD,
	VERIFY_NEWEST_HEAD,
};

constexpr size_t VERIFY_OLDER_MAX = 16;
constexpr size_t VERIFY_TYPES_MAX = 64;
constexpr size_t VERIFY_TYPE_NAME_MAX = 31;

struct verify_log_options {
	const struct io *io;
	const char *ledger_directory;     /* holds "segments" */
	const char *public_directory;     /* holds "checkpoint" and "tile"; null: not looked at */
	const struct tlog_policy *policy; /* null: unpinned */
	enum verify_signatures signatures;
	const struct verify_head *older; /* at most VERIFY_OLDER_MAX */
	size_t older_count;
	const struct verify_head *witnessed; /* the newest head that witnesses cosigned; null: the public directory's */
	bool check_tiles;                    /* against every leaf, up to the published size */
	bool accept_tail;                    /* entries beyond the witnessed head are no weakness */
};

struct verify_type {
	char name[VERIFY_TYPE_NAME_MAX + 1];
	uint64_t count;
};

struct verify_log_report {
	char origin[NOTE_NAME_MAX + 1]; /* empty if unpinned */
	uint64_t entries, frames, leaf_bytes, signatures_checked;
	struct hash256 root;
	uint64_t head_time_s;       /* of the newest head's ML-DSA-44 signature */
	uint64_t first_ms, last_ms; /* times of the first and the last entry */
	uint64_t published;         /* size of the published checkpoint, 0 if there is none */
	uint64_t witnessed;         /* size up to which a quorum cosigned, 0 if none */
	uint64_t witnessed_s;       /* the newest cosignature's time */
	uint64_t tiles_checked;     /* files */
	char tail[192];             /* what is wrong with a damaged tail */
	struct verify_type types[VERIFY_TYPES_MAX];
	size_t type_count;
	unsigned weaknesses;
};

enum status verify_log(const struct verify_log_options *options, struct verify_log_report *report);

#endif
