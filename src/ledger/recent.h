/*
 * Recent frames: what became durable lately, kept in memory for the one reader that follows the log (the publisher), so that
 * it need not read back, check and parse again what this process has just written. The bytes are those that were hashed,
 * signed and written.
 *
 * The log adds every durable frame while they fit into the bound; frames are contiguous. The reader takes all of them at
 * once, and what it took is its own until it gives it back; the buffers are used again. What is not here is read from the
 * segments. Owner: the ledger. Threads: the functions of struct recent_frames under the ledger's mutex; a taken list belongs
 * to its taker alone. Errors: none; a frame that cannot be kept is left out.
 */
#ifndef GATEHOUSE_LEDGER_RECENT_H
#define GATEHOUSE_LEDGER_RECENT_H

#include "store/frame.h"

struct recent_frame {
	struct recent_frame *next;
	uint64_t first_index;
	uint32_t entry_count;
	size_t entries_len, openings_len;
	struct buffer bytes;    /* the whole frame */
	struct hash256 *leaves; /* of its entries */
	size_t leaf_capacity;
};

struct recent_frames {
	struct recent_frame *first, *last, *spare;
	size_t bytes, bytes_max; /* of memory; bytes_max 0: nobody reads, and nothing is kept */
	unsigned quiet;          /* empty lists given back since the last that was not */
};

/* Exchanges *bytes and *leaves for empty ones if the frame is kept. frame: what stands in *bytes. */
void recent_add(struct recent_frames *recent, const struct frame *frame, struct buffer *bytes, struct hash256 **leaves,
		size_t *leaf_capacity);
struct recent_frame *recent_take(struct recent_frames *recent);
/* An empty list gives back nothing. After ten in a row the log has become quiet, and the buffers that lie unused are freed: each
 * time that they are had anew, the system makes and clears their pages under whoever writes entries. */
void recent_give_back(struct recent_frames *recent, struct recent_frame *taken);
void recent_free(struct recent_frames *recent);

/* A taken frame as frame_parse() would give it, as far as readers of entries need it. */
struct frame recent_view(const struct recent_frame *recent);

#endif
