#include "ledger/recent.h"

#include <stdlib.h>

constexpr unsigned QUIET = 10; /* rounds */

static void
free_frames(struct recent_frame *frame) {
	while (frame != nullptr) {
		struct recent_frame *next = frame->next;
		buffer_free(&frame->bytes);
		free(frame->leaves);
		free(frame);
		frame = next;
	}
}

static struct recent_frame *
take_spare(struct recent_frames *recent) {
	struct recent_frame *frame = recent->spare;
	if (frame == nullptr)
		return calloc(1, sizeof *frame);
	recent->spare = frame->next;
	frame->next = nullptr;
	return frame;
}

static bool
continues(const struct recent_frames *recent, const struct frame *frame) {
	const struct recent_frame *last = recent->last;
	return last == nullptr || last->first_index + last->entry_count == frame->first_index;
}

void
recent_add(struct recent_frames *recent, const struct frame *frame, struct buffer *bytes, struct hash256 **leaves,
	   size_t *leaf_capacity) {
	if (bytes->capacity > recent->bytes_max || recent->bytes > recent->bytes_max - bytes->capacity ||
	    !continues(recent, frame))
		return;
	struct recent_frame *kept = take_spare(recent);
	if (kept == nullptr)
		return;
	struct buffer empty = kept->bytes;
	struct hash256 *unused = kept->leaves;
	size_t unused_capacity = kept->leaf_capacity;
	*kept = (struct recent_frame){.first_index = frame->first_index,
				      .entry_count = frame->entry_count,
				      .entries_len = frame->entries.len,
				      .openings_len = frame->openings.len,
				      .bytes = *bytes,
				      .leaves = *leaves,
				      .leaf_capacity = *leaf_capacity};
	*bytes = empty;
	*leaves = unused;
	*leaf_capacity = unused_capacity;
	recent->bytes += kept->bytes.capacity;
	if (recent->last == nullptr)
		recent->first = kept;
	else
		recent->last->next = kept;
	recent->last = kept;
}

struct recent_frame *
recent_take(struct recent_frames *recent) {
	struct recent_frame *taken = recent->first;
	recent->first = recent->last = nullptr;
	recent->bytes = 0;
	return taken;
}

void
recent_give_back(struct recent_frames *recent, struct recent_frame *taken) {
	recent->quiet = taken == nullptr ? recent->quiet + 1 : 0;
	if (recent->quiet == QUIET)
		free_frames(TAKE(recent->spare));
	while (taken != nullptr) {
		struct recent_frame *next = taken->next;
		buffer_reset(&taken->bytes);
		taken->next = recent->spare;
		recent->spare = taken;
		taken = next;
	}
}

void
recent_free(struct recent_frames *recent) {
	free_frames(recent_take(recent));
	free_frames(TAKE(recent->spare));
}

struct frame
recent_view(const struct recent_frame *recent) {
	const uint8_t *entries = recent->bytes.data + FRAME_HEADER_SIZE;
	return (struct frame){.first_index = recent->first_index,
			      .entry_count = recent->entry_count,
			      .entries = bytes_of(entries, recent->entries_len),
			      .openings = bytes_of(entries + recent->entries_len, recent->openings_len),
			      .size = recent->bytes.len};
}
