/*
 * Segments: the files that frames are appended to. docs/PROTOCOL.ledger §Segments.
 *
 * A segment is written full of zeros and made durable before its first frame, so that appending overwrites blocks that the
 * file system has placed already: one fdatasync then costs no journal commit. Segments are numbered from 1; the first is
 * small, so that a new log starts quickly, and each next one is twice as large until they have their full size. The next one
 * is prepared ahead of need by segments_prepare_next(), off the path.
 *
 * Recovery. segments_scan() visits the frames in order and describes what stands after the last good one. A clean tail is
 * all zeros. Anything else is a damaged tail, which segments_cut_tail() may remove, and only when the caller has found that
 * no mark, head or cosignature needs it: the bytes are first kept durably in a side file. A damaged frame that is followed
 * by other frames is refused here: STATUS_CORRUPT "segment.damaged".
 *
 * Owner: the caller. Threads: append, sync and cut by one thread; prepare_next by one other; reads by any.
 * Errors: STATUS_CORRUPT "segment.*"; STATUS_UNSUPPORTED "segment.version"; STATUS_UNAVAILABLE "segment.full" where a
 * frame has no room and no next segment is ready; those of base/io.h.
 */
#ifndef GATEHOUSE_STORE_SEGMENT_H
#define GATEHOUSE_STORE_SEGMENT_H

#include "base/io.h"
#include "store/frame.h"

constexpr uint64_t SEGMENT_SIZE_FIRST = 8 * 1024 * 1024;
constexpr uint64_t SEGMENT_SIZE = 64 * 1024 * 1024;
constexpr uint64_t SEGMENT_SIZE_MIN = 64 * 1024; /* for tests */
constexpr uint64_t SEGMENT_SIZE_MAX = 1024 * 1024 * 1024;
constexpr uint16_t SEGMENT_VERSION = 1;

struct segments;

struct segments_config {
	const struct io *io;
	const char *directory;   /* holds "segments" and "cut" */
	struct hash256 identity; /* of the log, in every header: SHA-256 of its origin */
	uint64_t first_size;     /* 0: SEGMENT_SIZE_FIRST */
	uint64_t size;           /* 0: SEGMENT_SIZE */
	/* Called between the pieces in which segments_prepare_next() writes, to leave the disk to others or, by failing, to
	 * give it up. May be null. */
	enum status (*between_pieces)(void *context);
	void *context;
};

/* Where a frame stands. */
struct frame_place {
	uint32_t segment; /* from 1 */
	uint32_t offset;
};

/* The first segment of a new log; STATUS_CONFLICT "segment.exists" if there is one. */
enum status segments_create(const struct segments_config *config);
/* The identity that the first segment states, for one who does not know yet whose log it is. STATUS_NOT_FOUND "segment.none": there is
 * no log. */
enum status segments_read_identity(const struct io *io, const char *directory, struct hash256 *identity);
enum status segments_open(const struct segments_config *config, struct segments **segments);
void segments_close(struct segments **segments); /* a cleanup function */

/* What stands after the last good frame. */
struct segment_tail {
	struct frame_place at;
	bool is_damaged;
	uint64_t damaged_len; /* bytes from `at` to the last byte that is not zero, padded to FRAME_ALIGNMENT */
	char reason[192];     /* why the frame there is not good */
};

/*
 * Visits every frame from the beginning. Frames that end at or before `from_index` are visited by their header alone:
 * their body's views are empty. Then the place for the next frame is known and appending is possible.
 */
enum status segments_scan(struct segments *segments, uint64_t from_index,
			  enum status (*visit)(void *context, const struct frame *frame, struct frame_place place),
			  void *context, struct segment_tail *tail);

/* The side file's name is the SHA-256 of the bytes cut. */
enum status segments_cut_tail(struct segments *segments, const struct segment_tail *tail, struct hash256 *cut);
/* Every side file there is. */
enum status segments_list_cuts(struct segments *segments,
			       enum status (*visit)(void *context, const struct hash256 *cut), void *context);
/* Writes the last good frame once more and syncs it: it may have been read from a cache that never reached the disk. */
enum status segments_settle(struct segments *segments, struct frame_place last);

/* One write of a whole padded frame; the place is fixed here. Not durable before segments_sync(). */
enum status segments_append(struct segments *segments, struct bytes frame, struct frame_place *place);
enum status segments_sync(struct segments *segments);

struct segments_room {
	uint64_t current; /* bytes left in the current segment */
	uint64_t current_size;
	uint64_t next; /* and in the next one; 0 unless it is ready */
	bool next_is_ready;
	bool is_growing; /* the current one has not the full size yet */
};
void segments_room(struct segments *segments, struct segments_room *room);
/* Slow. Leaves nothing behind if it fails: STATUS_UNAVAILABLE "io.disk_full" may be tried again. */
enum status segments_prepare_next(struct segments *segments);

/* The frame at place, checked; its bytes are put into *bytes. */
enum status segments_read(struct segments *segments, struct frame_place place, struct buffer *bytes,
			  struct frame *frame);

/* The place and header of the frame that follows the one of `size` at `after`. */
enum status segments_next(struct segments *segments, struct frame_place after, size_t size, struct frame_place *place,
			  struct frame *frame);

#endif
