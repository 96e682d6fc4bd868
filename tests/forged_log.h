/*
 * A log written frame by frame by keys that whoever writes it holds, so that it can be written wrong, and signed all the same.
 *
 * Keys and origin are those of ledger/log_testing.h. Owner: the caller, until forged_log_stop(); the disk is theirs, with both directories
 * on it. Every failure is a failed assertion.
 */
#ifndef GATEHOUSE_TESTS_FORGED_LOG_H
#define GATEHOUSE_TESTS_FORGED_LOG_H

#include "base/io.h"
#include "ledger/cosignature.h"
#include "ledger/head.h"
#include "ledger/tile_writer.h"
#include "store/segment.h"

#define FORGED_LOG_LEDGER "/data/ledger"
#define FORGED_LOG_PUBLIC "/data/public"
constexpr uint64_t FORGED_LOG_TIME_S = 1'763'715'600; /* of every signature; a witness's is 5 s later */

/* What is wrong about a frame; everything else is done right. */
enum forged_log_fault {
	FAULT_NONE,
	FAULT_SEQUENCE_GAP,
	FAULT_SEQUENCE_REPEAT,
	FAULT_COUNT_TOO_LOW,
	FAULT_COUNT_MISSING,
	FAULT_COUNT_TWICE,
	FAULT_NO_COUNTS_ENTRY,
	FAULT_TIME_BACK,
	FAULT_ROOT,
	FAULT_PREVIOUS_ROOT,
	FAULT_FIRST_INDEX,
	FAULT_EPOCH_BACK,
	FAULT_HEAD_ED25519,
	FAULT_HEAD_MLDSA44,
	FAULT_OLD_HEAD_ED25519,
	FAULT_HEAD_OF_OTHER_LOG,
	FAULT_LEAF_FORM,
	FAULT_SIGNATURES_LENGTH,
};

struct forged_log {
	const struct io *io;
	struct segments *segments;
	struct tree_frontier frontier;
	struct hash256 root;
	uint64_t votes, counts, at_ms, epoch;
	const char *flavour; /* of the entries */
	struct tile_writer *tiles;
};

void forged_log_start(struct forged_log *log, const struct io *io, const char *flavour);
/* That many votes, and the counts after them. */
void forged_log_write_frame(struct forged_log *log, size_t votes, enum forged_log_fault fault);
/* The checkpoint of what there is, as the public file of that name; where nobody witnesses it, with its tiles. witness may be null. */
void forged_log_publish(struct forged_log *log, const char *name, const struct cosigner *witness);
void forged_log_stop(struct forged_log *log);

/* The signed checkpoint of a head, appended. */
void forged_log_format_note(const struct head *head, const struct cosigner *witness, struct buffer *note);

#endif
