/*
 * The state of an open log, shared by its parts: submitting and committing (log.c), opening (log_open.c), reading
 * (log_read.c). Nobody else includes it.
 *
 * Three locks, taken in this order: mutex (what is submitted, what is durable), tree_mutex (the tree), and the segments'
 * own. older_mutex stands alone.
 */
#ifndef GATEHOUSE_LEDGER_LOG_STATE_H
#define GATEHOUSE_LEDGER_LOG_STATE_H

#include <limits.h>
#include <pthread.h>

#include "ledger/log.h"
#include "ledger/parallel_signer.h"
#include "ledger/recent.h"
#include "store/segment.h"

struct pending {
	ledger_done *done;
	void *context;
};

/* Entries on their way into one frame. */
struct batch {
	struct buffer frame;    /* room for the header, then entries as they stand in the frame */
	struct buffer openings; /* as they stand in the frame */
	struct pending *pending;
	size_t count, capacity;
	/* Once it is sealed: hashes of the entries, the counts included; and what stands in the frame. */
	struct hash256 *leaves;
	size_t leaf_capacity;
	struct frame sealed;
	uint64_t counts[ENTRY_TYPES]; /* once it is closed: of the whole log with this batch */
	int64_t at_ms;
};

/* Every FRAMES_PER_MARK-th frame; the frames between are reached from header to header. */
struct frame_mark {
	uint64_t first_index;
	struct frame_place place;
};
constexpr size_t FRAMES_PER_MARK = 16;

struct ledger {
	const struct io *io;
	char directory[PATH_MAX];
	struct head_signer signer;
	struct parallel_signer *parallel_signer; /* null where the log has no threads */
	struct hash256 identity;
	void (*told)(void *context);
	void (*fatal)(void *context, const char *message);
	void *context;
	bool is_manual;
	uint64_t epoch;
	int lock_file;
	struct segments *segments;
	size_t batch_size_max; /* of a padded frame */
	struct hash256 *cuts;  /* that no entry names; fixed when opened */
	size_t cut_count;
	bool cuts_are_submitted;
	struct hash256 *recorded_cuts;
	size_t recorded_cut_count;

	pthread_t committer, keeper_of_room;
	bool has_threads;
	uint64_t restored_size; /* of the snapshot that it was opened from */

	pthread_mutex_t mutex;
	pthread_cond_t arrived;      /* for the committer */
	pthread_cond_t room_changed; /* for the keeper of room */
	struct batch batches[2];
	struct batch *open, *closing; /* either of them */
	size_t in_flight;             /* padded bytes that are closed and not in a segment yet */
	bool committer_waits, is_held, is_committing, is_stopping, has_ended, is_disk_full;
	uint64_t counts[ENTRY_TYPES]; /* submitted */
	int64_t last_at_ms;
	struct ledger_head durable;
	uint64_t durable_counts[ENTRY_TYPES];
	int64_t durable_at_ms;
	struct frame_mark *marks;
	size_t mark_count, mark_capacity, frames_since_mark;
	struct ledger_statistics statistics;
	struct recent_frames recent;
	struct buffer note; /* of the committer */

	pthread_mutex_t tree_mutex;
	struct tree *tree;
	pthread_mutex_t older_mutex;
	const struct tree_reader *older;
};

/* Under the mutex. */
enum status ledger_add_mark(struct ledger *ledger, uint64_t first_index, struct frame_place place);
void batch_start(struct batch *batch);
void batch_free(struct batch *batch);
/* Ends the log: see fatal in ledger_config. */
void ledger_end(struct ledger *ledger, const char *what);

/* For segments_config.between_pieces. */
enum status ledger_leave_disk_to_frames(void *ledger);
enum status ledger_start_threads(struct ledger *ledger);
void ledger_stop_threads(struct ledger *ledger);

/* The log's own part of a snapshot: frontier, counts, time, recorded cuts. */
struct log_state {
	struct tree_frontier frontier;
	uint64_t counts[ENTRY_TYPES];
	int64_t at_ms;
	struct bytes recorded_cuts; /* 32 bytes each */
};
enum status log_state_write(const struct log_state *state, struct buffer *to);
enum status log_state_read(struct bytes bytes, uint64_t size, struct log_state *state);

#endif
