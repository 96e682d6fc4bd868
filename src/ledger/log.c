#include "ledger/log.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/secret.h"
#include "ledger/log_state.h"

constexpr size_t COUNTS_ROOM = 2048;          /* for the counts entry, which the log adds itself */
constexpr size_t ENTRY_ROOM = 160;            /* around a body */
constexpr uint64_t RESERVE = 2 * 1024 * 1024; /* of a segment, or an eighth of it, for when the disk is full */
constexpr size_t HELD_ENTRIES_MAX = 64;       /* what a batch holds at the most before it goes although it is held */
constexpr size_t HELD_BYTES_MAX = 512 * 1024;
constexpr int PREPARE_AGAIN_S = 1;
constexpr unsigned PAUSE_US = 5000;
constexpr int EXIT_INTERNAL = 4;

/* --- The end. --- */

void
ledger_end(struct ledger *ledger, const char *what) {
	char message[1200];
	snprintf(message, sizeof message, "the log has ended: %s: %s", what, fail_message());
	pthread_mutex_lock(&ledger->mutex);
	bool is_first = !ledger->has_ended;
	ledger->has_ended = true;
	pthread_cond_broadcast(&ledger->arrived);
	pthread_cond_broadcast(&ledger->room_changed);
	pthread_mutex_unlock(&ledger->mutex);
	if (!is_first)
		return;
	if (ledger->fatal != nullptr) {
		ledger->fatal(ledger->context, message);
		return;
	}
	log_error("%s", message);
	_exit(EXIT_INTERNAL);
}

static enum status
ended(void) {
	return fail(STATUS_UNAVAILABLE, "ledger.ended: the log takes no more entries");
}

/* --- Batches. --- */

void
batch_start(struct batch *batch) {
	static const uint8_t header_room[FRAME_HEADER_SIZE] = {};
	buffer_reset(&batch->frame);
	buffer_reset(&batch->openings);
	buffer_reserve(&batch->frame, batch->sealed.size); /* the next one is likely as large */
	buffer_append(&batch->frame, header_room, sizeof header_room);
	batch->count = 0;
}

void
batch_free(struct batch *batch) {
	buffer_free(&batch->frame);
	buffer_free(&batch->openings);
	free(batch->pending);
	free(batch->leaves);
}

static enum status
append_entry(struct batch *batch, const struct entry *entry) {
	size_t start = batch->frame.len;
	buffer_append_u16be(&batch->frame, 0);
	enum status status = entry_write(entry, &batch->frame);
	if (status != OK) {
		batch->frame.len = start;
		return status;
	}
	size_t len = batch->frame.len - start - 2;
	batch->frame.data[start] = (uint8_t)(len >> 8);
	batch->frame.data[start + 1] = (uint8_t)len;
	return OK;
}

static enum status
add_pending(struct batch *batch, ledger_done *done, void *context) {
	if (batch->count == batch->capacity) {
		size_t capacity = batch->capacity == 0 ? 256 : batch->capacity * 2;
		struct pending *grown = reallocarray(batch->pending, capacity, sizeof *grown);
		TRY_ALLOC(grown);
		batch->pending = grown;
		batch->capacity = capacity;
	}
	batch->pending[batch->count++] = (struct pending){done, context};
	return OK;
}

/* --- Submitting: under the mutex. --- */

static int64_t
present_ms(struct ledger *ledger) {
	int64_t now_ms = io_realtime_ns(ledger->io) / 1'000'000;
	return now_ms > ledger->last_at_ms ? now_ms : ledger->last_at_ms;
}

static enum status
estimate_size(const struct batch *batch, const struct ledger_entry *entries, size_t count, size_t *padded) {
	size_t entries_len = batch->frame.len - FRAME_HEADER_SIZE + COUNTS_ROOM;
	size_t openings_len = batch->openings.len;
	for (size_t i = 0; i < count; i++) {
		if (entries[i].body.len > ENTRY_SIZE_MAX || entries[i].opening_count > LEDGER_OPENINGS_MAX)
			return fail(STATUS_TOO_LARGE, "ledger.entry_size: a body of %zu bytes with %zu openings",
				    entries[i].body.len, entries[i].opening_count);
		entries_len += entries[i].body.len + ENTRY_ROOM;
		for (size_t j = 0; j < entries[i].opening_count; j++) {
			if (entries[i].openings[j].len > FRAME_SIZE_MAX)
				return fail(STATUS_TOO_LARGE, "ledger.entry_size: an opening of %zu bytes",
					    entries[i].openings[j].len);
			openings_len += entries[i].openings[j].len + 2 * sizeof(uint32_t);
		}
		if (entries_len + openings_len > FRAME_SIZE_MAX)
			break; /* refused below; and no sum grows beyond what it may */
	}
	*padded = frame_padded_size(entries_len, openings_len, HEAD_SIGNATURES_SIZE);
	return OK;
}

static bool
all_use_the_reserve(const struct ledger_entry *entries, size_t count) {
	for (size_t i = 0; i < count; i++)
		if (!entry_kinds[entries[i].type].uses_reserve)
			return false;
	return true;
}

/*
 * Whatever is taken must find its place in a segment, whatever becomes of the disk. A batch is at most a quarter of a
 * segment; so if the next segment is ready, the batch in flight and this one fit. If it is not, both must fit into
 * what is left of the current one, and the reserve is kept for entries that may use it.
 */
static enum status
check_room(struct ledger *ledger, const struct ledger_entry *entries, size_t count) {
	size_t alone, together;
	struct batch empty = {.frame.len = FRAME_HEADER_SIZE};
	struct segments_room room;
	TRY(estimate_size(&empty, entries, count, &alone));
	if (alone > ledger->batch_size_max || count > FRAME_ENTRIES_MAX / 2)
		return fail(STATUS_TOO_LARGE, "ledger.batch_size: %zu entries need a frame of %zu bytes, at most %zu",
			    count, alone, ledger->batch_size_max);
	TRY(estimate_size(ledger->open, entries, count, &together));
	if (together > ledger->batch_size_max || ledger->open->count + count >= FRAME_ENTRIES_MAX)
		return fail(STATUS_UNAVAILABLE, "ledger.overloaded: %zu entries wait for the disk",
			    ledger->open->count);
	segments_room(ledger->segments, &room);
	if (room.next_is_ready)
		return OK;
	uint64_t reserve = room.current_size / 8 < RESERVE ? room.current_size / 8 : RESERVE;
	uint64_t needed = ledger->in_flight + together + (all_use_the_reserve(entries, count) ? 0 : reserve);
	if (needed <= room.current)
		return OK;
	if (ledger->is_disk_full)
		return fail(STATUS_UNAVAILABLE, "ledger.disk_full: %llu bytes are left for entries",
			    (unsigned long long)room.current);
	return fail(STATUS_UNAVAILABLE, "ledger.overloaded: the next segment is not ready yet");
}

static enum status
take_entries(struct ledger *ledger, const struct ledger_entry *entries, size_t count, ledger_done *done,
	     void *context) {
	struct batch *batch = ledger->open;
	int64_t at_ms = present_ms(ledger);
	for (size_t i = 0; i < count; i++) {
		struct entry entry = {
			.type = entries[i].type,
			.seq = ledger->counts[entries[i].type],
			.at_ms = at_ms,
			.body = entries[i].body,
		};
		TRY(append_entry(batch, &entry));
		for (size_t j = 0; j < entries[i].opening_count; j++)
			frame_append_opening(&batch->openings, (uint32_t)batch->count, entries[i].openings[j]);
		TRY(buffer_status(&batch->openings));
		TRY(add_pending(batch, done, context));
		ledger->counts[entries[i].type]++;
	}
	ledger->last_at_ms = at_ms;
	return OK;
}

static enum status
submit_locked(struct ledger *ledger, const struct ledger_entry *entries, size_t count, ledger_done *done,
	      void *context) {
	if (ledger->has_ended || ledger->is_stopping)
		return ended();
	for (size_t i = 0; i < count; i++)
		if ((unsigned)entries[i].type >= ENTRY_COUNTS)
			return fail(STATUS_INTERNAL, "ledger.entry_type: %d is not for submission",
				    (int)entries[i].type);
	TRY(check_room(ledger, entries, count));
	struct batch *batch = ledger->open;
	size_t frame_len = batch->frame.len, openings_len = batch->openings.len, pending = batch->count;
	enum status status = take_entries(ledger, entries, count, done, context);
	if (status == OK)
		return OK;
	for (size_t i = pending; i < batch->count; i++)
		ledger->counts[entries[i - pending].type]--;
	batch->frame.len = frame_len;
	batch->openings.len = openings_len;
	batch->count = pending;
	return status;
}

enum status
ledger_submit(struct ledger *ledger, const struct ledger_entry *entries, size_t count, ledger_done *done,
	      void *context) {
	if (count == 0)
		return fail(STATUS_INTERNAL, "ledger.batch_size: no entries");
	pthread_mutex_lock(&ledger->mutex);
	enum status status = submit_locked(ledger, entries, count, done, context);
	ledger->is_held =
		ledger->is_held && ledger->open->count < HELD_ENTRIES_MAX && ledger->open->frame.len < HELD_BYTES_MAX;
	bool wake = status == OK && ledger->committer_waits && !ledger->is_held;
	ledger->committer_waits = ledger->committer_waits && !wake;
	pthread_mutex_unlock(&ledger->mutex);
	if (wake)
		pthread_cond_signal(&ledger->arrived);
	return status;
}

void
ledger_hold(struct ledger *ledger) {
	pthread_mutex_lock(&ledger->mutex);
	ledger->is_held = true;
	pthread_mutex_unlock(&ledger->mutex);
}

void
ledger_release(struct ledger *ledger) {
	pthread_mutex_lock(&ledger->mutex);
	ledger->is_held = false;
	bool wake = ledger->committer_waits && ledger->open->count > 0;
	ledger->committer_waits = ledger->committer_waits && !wake;
	pthread_mutex_unlock(&ledger->mutex);
	if (wake)
		pthread_cond_signal(&ledger->arrived);
}

enum status
ledger_check_room(struct ledger *ledger, const struct ledger_entry *entries, size_t count) {
	pthread_mutex_lock(&ledger->mutex);
	enum status status = ledger->has_ended || ledger->is_stopping ? ended() : check_room(ledger, entries, count);
	pthread_mutex_unlock(&ledger->mutex);
	return status;
}

struct waiter {
	pthread_mutex_t mutex;
	pthread_cond_t done;
	size_t left;
	enum status status;
	bool has_index;
	uint64_t first_index;
};

static void
note_done(void *context, enum status status, const struct ledger_commit *, uint64_t index) {
	struct waiter *waiter = context;
	pthread_mutex_lock(&waiter->mutex);
	if (!waiter->has_index)
		waiter->first_index = index;
	waiter->has_index = true;
	if (status != OK)
		waiter->status = status;
	if (--waiter->left == 0)
		pthread_cond_signal(&waiter->done);
	pthread_mutex_unlock(&waiter->mutex);
}

enum status
ledger_append(struct ledger *ledger, const struct ledger_entry *entries, size_t count, uint64_t *first_index) {
	struct waiter waiter = {.mutex = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER, .left = count};
	TRY(ledger_submit(ledger, entries, count, note_done, &waiter));
	ledger_release(ledger); /* whoever waits here is not to wait for the rest of a round */
	if (ledger->is_manual)
		TRY(ledger_commit_now(ledger));
	pthread_mutex_lock(&waiter.mutex);
	while (waiter.left > 0)
		pthread_cond_wait(&waiter.done, &waiter.mutex);
	pthread_mutex_unlock(&waiter.mutex);
	pthread_cond_destroy(&waiter.done);
	pthread_mutex_destroy(&waiter.mutex);
	if (waiter.status != OK)
		return fail(waiter.status, "ledger.ended: the entries did not become durable");
	if (first_index != nullptr)
		*first_index = waiter.first_index;
	return OK;
}

int64_t
ledger_time_ms(struct ledger *ledger) {
	pthread_mutex_lock(&ledger->mutex);
	int64_t time_ms = present_ms(ledger);
	pthread_mutex_unlock(&ledger->mutex);
	return time_ms;
}

/* --- Committing: by one thread at a time. --- */

/* Under the mutex: what was submitted becomes a batch of its own. */
static struct batch *
close_batch(struct ledger *ledger) {
	struct batch *batch = ledger->open;
	ledger->open = ledger->closing;
	ledger->closing = batch;
	batch->at_ms = ledger->last_at_ms;
	ledger->counts[ENTRY_COUNTS]++;
	memcpy(batch->counts, ledger->counts, sizeof batch->counts);
	ledger->in_flight = frame_padded_size(batch->frame.len - FRAME_HEADER_SIZE + COUNTS_ROOM, batch->openings.len,
					      HEAD_SIGNATURES_SIZE);
	ledger->is_committing = true;
	return batch;
}

static enum status
append_counts(struct batch *batch) {
	_cleanup_(buffer_free) struct buffer body = {};
	TRY(entry_write_counts(batch->counts, &body));
	return append_entry(batch, &(struct entry){
					   .type = ENTRY_COUNTS,
					   .seq = batch->counts[ENTRY_COUNTS] - 1,
					   .at_ms = batch->at_ms,
					   .body = buffer_bytes(&body),
				   });
}

static enum status
hash_leaves(struct batch *batch) {
	struct frame_iterator iterator = {
		bytes_of(batch->frame.data + FRAME_HEADER_SIZE, batch->frame.len - FRAME_HEADER_SIZE)};
	struct bytes entry;
	if (batch->leaf_capacity < batch->count + 1) {
		size_t capacity = batch->capacity + 1;
		struct hash256 *grown = reallocarray(batch->leaves, capacity, sizeof *grown);
		TRY_ALLOC(grown);
		batch->leaves = grown;
		batch->leaf_capacity = capacity;
	}
	for (size_t i = 0; i < batch->count + 1 && frame_next_entry(&iterator, &entry); i++)
		batch->leaves[i] = tree_leaf_hash(entry);
	return OK;
}

static enum status
grow_tree(struct ledger *ledger, const struct batch *batch, struct hash256 *root) {
	enum status status = OK;
	pthread_mutex_lock(&ledger->tree_mutex);
	for (size_t i = 0; status == OK && i < batch->count + 1; i++)
		status = tree_append(ledger->tree, &batch->leaves[i]);
	*root = tree_root(ledger->tree);
	pthread_mutex_unlock(&ledger->tree_mutex);
	return status;
}

struct timing {
	int64_t start_ns, signed_ns, written_ns, synced_ns;
};

/* Entries become a frame under a signed head. */
static enum status
seal_batch(struct ledger *ledger, struct batch *batch, struct ledger_head *head) {
	uint8_t stored[HEAD_SIGNATURES_SIZE];
	TRY(append_counts(batch));
	TRY(hash_leaves(batch));
	size_t entries_len = batch->frame.len - FRAME_HEADER_SIZE;
	struct frame frame = {
		.epoch = ledger->epoch,
		.first_index = ledger->durable.head.size,
		.entry_count = (uint32_t)batch->count + 1,
		.previous_root = ledger->durable.head.root,
		.leaves = batch->leaves,
		.openings = buffer_bytes(&batch->openings),
		.signatures = BYTES_OF_ARRAY(stored),
	};
	TRY(grow_tree(ledger, batch, &frame.root));
	head->head = (struct head){.size = frame_end_index(&frame), .root = frame.root};
	int64_t time_s = batch->at_ms / 1000 > 0 ? batch->at_ms / 1000 : 1;
	TRY(ledger->parallel_signer != nullptr
		    ? parallel_signer_sign(ledger->parallel_signer, &head->head, (uint64_t)time_s, &head->signatures)
		    : head_sign(&ledger->signer, &head->head, (uint64_t)time_s, &head->signatures));
	head_signatures_store(&head->signatures, stored);
	TRY(frame_finish(&batch->frame, &frame));
	batch->sealed = (struct frame){.first_index = frame.first_index,
				       .entry_count = frame.entry_count,
				       .entries = bytes_of(batch->frame.data + FRAME_HEADER_SIZE, entries_len),
				       .openings = frame.openings,
				       .size = batch->frame.len};
	return OK;
}

static enum status
make_durable(struct ledger *ledger, struct batch *batch, struct ledger_head *head, struct frame_place *place,
	     struct timing *timing) {
	timing->start_ns = io_boottime_ns(ledger->io);
	TRY(seal_batch(ledger, batch, head));
	timing->signed_ns = io_boottime_ns(ledger->io);
	TRY(segments_append(ledger->segments, buffer_bytes(&batch->frame), place));
	timing->written_ns = io_boottime_ns(ledger->io);
	if (!FAULT_SKIP_SYNC)
		TRY(segments_sync(ledger->segments)); /* design §6: nothing leaves before this returns */
	timing->synced_ns = io_boottime_ns(ledger->io);
	return OK;
}

enum status
ledger_add_mark(struct ledger *ledger, uint64_t first_index, struct frame_place place) {
	if (ledger->mark_count > 0 && ++ledger->frames_since_mark < FRAMES_PER_MARK)
		return OK;
	if (ledger->mark_count == ledger->mark_capacity) {
		size_t capacity = ledger->mark_capacity == 0 ? 64 : ledger->mark_capacity * 2;
		struct frame_mark *grown = reallocarray(ledger->marks, capacity, sizeof *grown);
		TRY_ALLOC(grown);
		ledger->marks = grown;
		ledger->mark_capacity = capacity;
	}
	ledger->marks[ledger->mark_count++] = (struct frame_mark){first_index, place};
	ledger->frames_since_mark = 0;
	return OK;
}

static enum status
become_durable(struct ledger *ledger, struct batch *batch, const struct ledger_head *head, struct frame_place place,
	       const struct timing *timing) {
	struct segments_room room;
	segments_room(ledger->segments, &room);
	pthread_mutex_lock(&ledger->mutex);
	enum status status = ledger_add_mark(ledger, ledger->durable.head.size, place);
	ledger->durable = *head;
	memcpy(ledger->durable_counts, batch->counts, sizeof batch->counts);
	ledger->durable_at_ms = batch->at_ms;
	ledger->in_flight = 0;
	struct ledger_statistics *sums = &ledger->statistics;
	sums->frames++;
	sums->entries += batch->count + 1;
	sums->bytes += batch->frame.len;
	sums->sign_ns += (uint64_t)(timing->signed_ns - timing->start_ns);
	sums->write_ns += (uint64_t)(timing->written_ns - timing->signed_ns);
	sums->sync_ns += (uint64_t)(timing->synced_ns - timing->written_ns);
	recent_add(&ledger->recent, &batch->sealed, &batch->frame, &batch->leaves, &batch->leaf_capacity);
	if (!room.next_is_ready)
		pthread_cond_signal(&ledger->room_changed);
	pthread_mutex_unlock(&ledger->mutex);
	return status;
}

static void
tell(struct ledger *ledger, const struct batch *batch, const struct ledger_head *head) {
	struct ledger_commit commit = {
		.first_index = head->head.size - batch->count - 1,
		.entry_count = batch->count + 1,
		.head = head->head,
		.signatures = &head->signatures,
		.note = buffer_bytes(&ledger->note),
		.ledger = ledger,
	};
	for (size_t i = 0; i < batch->count; i++)
		batch->pending[i].done(batch->pending[i].context, OK, &commit, commit.first_index + i);
	if (ledger->told != nullptr)
		ledger->told(ledger->context);
}

static void
tell_of_the_end(struct ledger *ledger, struct batch *batch) {
	for (size_t i = 0; i < batch->count; i++)
		batch->pending[i].done(batch->pending[i].context, STATUS_IO, nullptr, 0);
	if (ledger->told != nullptr)
		ledger->told(ledger->context);
	batch_start(batch);
}

static enum status
commit_batch(struct ledger *ledger, struct batch *batch) {
	struct ledger_head head;
	struct frame_place place;
	struct timing timing;
	enum status status = make_durable(ledger, batch, &head, &place, &timing);
	if (status == OK)
		status = become_durable(ledger, batch, &head, place, &timing);
	if (status == OK) {
		buffer_reset(&ledger->note);
		head_format(&ledger->note, ledger->signer.keys, &head.head, &head.signatures);
		status = buffer_status(&ledger->note);
	}
	if (status == OK) {
		tell(ledger, batch, &head);
	} else {
		ledger_end(ledger, "a batch did not become durable");
		secret_wipe(&head, sizeof head); /* a head that was not released must not appear later */
		tell_of_the_end(ledger, batch);
	}
	pthread_mutex_lock(&ledger->mutex);
	ledger->is_committing = false;
	pthread_mutex_unlock(&ledger->mutex);
	batch_start(batch);
	return status;
}

/*
 * Those who were told of a large batch are about to submit again. Where they wait for this core, they go first: the next
 * batch is then as large, and its signatures are shared by as many. Where nobody waits, nothing is lost.
 */
static void
let_others_submit(struct ledger *ledger, size_t told) {
	constexpr size_t LARGE = 8;
	if (told < LARGE)
		return;
	pthread_mutex_unlock(&ledger->mutex);
	sched_yield();
	pthread_mutex_lock(&ledger->mutex);
}

static void *
run_committer(void *argument) {
	struct ledger *ledger = argument;
	size_t told = 0;
	pthread_mutex_lock(&ledger->mutex);
	for (;;) {
		while ((ledger->open->count == 0 || ledger->is_held) && !ledger->is_stopping && !ledger->has_ended) {
			ledger->committer_waits = true;
			pthread_cond_wait(&ledger->arrived, &ledger->mutex);
		}
		ledger->committer_waits = false;
		if (ledger->has_ended || ledger->open->count == 0)
			break;
		let_others_submit(ledger, told);
		struct batch *batch = close_batch(ledger);
		told = batch->count;
		pthread_mutex_unlock(&ledger->mutex);
		IGNORE_STATUS(commit_batch(ledger, batch)); /* a failure has ended the log */
		pthread_mutex_lock(&ledger->mutex);
	}
	struct batch *left = ledger->open;
	ledger->open = ledger->closing;
	ledger->closing = left;
	pthread_mutex_unlock(&ledger->mutex);
	tell_of_the_end(ledger, left);
	return nullptr;
}

/* --- Room. --- */

/* While segments grow, the next one is made at once, where there is a thread for it: under full load a small one lasts little
 * longer than that takes. */
static bool
needs_next_segment(struct ledger *ledger) {
	struct segments_room room;
	segments_room(ledger->segments, &room);
	bool is_used = room.current < room.current_size - room.current_size / 4;
	return !room.next_is_ready && (is_used || (room.is_growing && !ledger->is_manual));
}

/* The next segment is written while frames are: it waits between its pieces while there is room, and ends with the log. */
enum status
ledger_leave_disk_to_frames(void *context) {
	struct ledger *ledger = context;
	struct segments_room room;
	if (ledger->is_manual)
		return OK;
	segments_room(ledger->segments, &room);
	pthread_mutex_lock(&ledger->mutex);
	bool is_over = ledger->is_stopping || ledger->has_ended;
	pthread_mutex_unlock(&ledger->mutex);
	if (is_over)
		return fail(STATUS_UNAVAILABLE, "ledger.ended: the next segment is not needed");
	if (room.current > room.current_size / 4)
		usleep(PAUSE_US);
	return OK;
}

/* A full disk may be tried again; anything else that fails here would fail the path too. */
static enum status
prepare_room(struct ledger *ledger) {
	enum status status = segments_prepare_next(ledger->segments);
	pthread_mutex_lock(&ledger->mutex);
	bool was_full = ledger->is_disk_full, is_over = ledger->is_stopping;
	ledger->is_disk_full = status == STATUS_UNAVAILABLE;
	pthread_mutex_unlock(&ledger->mutex);
	if (status == STATUS_UNAVAILABLE && !was_full && !is_over)
		log_error("the log has no room for its next segment: %s", fail_message());
	if (status == OK && was_full)
		log_notice("the log has room again");
	if (status != OK && status != STATUS_UNAVAILABLE)
		ledger_end(ledger, "the next segment could not be prepared");
	return status;
}

static void
wait_for_room(struct ledger *ledger, enum status last) {
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += PREPARE_AGAIN_S;
	if (last == STATUS_UNAVAILABLE)
		pthread_cond_timedwait(&ledger->room_changed, &ledger->mutex, &until);
	else
		pthread_cond_wait(&ledger->room_changed, &ledger->mutex);
}

static void *
run_keeper_of_room(void *argument) {
	struct ledger *ledger = argument;
	enum status last = OK;
	pthread_mutex_lock(&ledger->mutex);
	while (!ledger->is_stopping && !ledger->has_ended) {
		if (last == STATUS_UNAVAILABLE || !needs_next_segment(ledger))
			wait_for_room(ledger, last);
		last = OK;
		if (ledger->is_stopping || ledger->has_ended || !needs_next_segment(ledger))
			continue;
		pthread_mutex_unlock(&ledger->mutex);
		last = prepare_room(ledger);
		pthread_mutex_lock(&ledger->mutex);
	}
	pthread_mutex_unlock(&ledger->mutex);
	return nullptr;
}

enum status
ledger_commit_now(struct ledger *ledger) {
	if (!ledger->is_manual)
		return fail(STATUS_INTERNAL, "ledger.threads: this log commits by itself");
	if (ledger->has_ended)
		return ended();
	if (needs_next_segment(ledger))
		IGNORE_STATUS(
			prepare_room(ledger)); /* a full disk shows in what is taken; all else has ended the log */
	if (ledger->has_ended)
		tell_of_the_end(ledger, ledger->open);
	if (ledger->has_ended)
		return ended();
	if (ledger->open->count == 0)
		return OK;
	pthread_mutex_lock(&ledger->mutex);
	struct batch *batch = close_batch(ledger);
	pthread_mutex_unlock(&ledger->mutex);
	return commit_batch(ledger, batch);
}

enum status
ledger_start_threads(struct ledger *ledger) {
	if (ledger->is_manual)
		return OK;
	TRY(parallel_signer_create(&ledger->signer, &ledger->parallel_signer));
	if ((errno = pthread_create(&ledger->committer, nullptr, run_committer, ledger)) != 0)
		return fail_errno(STATUS_NO_MEMORY, "ledger.thread: the committer");
	if ((errno = pthread_create(&ledger->keeper_of_room, nullptr, run_keeper_of_room, ledger)) == 0) {
		ledger->has_threads = true;
		return OK;
	}
	enum status status = fail_errno(STATUS_NO_MEMORY, "ledger.thread: the keeper of room");
	pthread_mutex_lock(&ledger->mutex);
	ledger->is_stopping = true;
	pthread_cond_broadcast(&ledger->arrived);
	pthread_mutex_unlock(&ledger->mutex);
	pthread_join(ledger->committer, nullptr);
	return status;
}

void
ledger_stop_threads(struct ledger *ledger) {
	if (ledger->is_manual && ledger->segments != nullptr && ledger->open->count > 0)
		IGNORE_STATUS(ledger_commit_now(ledger)); /* those who wait are told by their callbacks */
	if (!ledger->has_threads)
		return;
	pthread_mutex_lock(&ledger->mutex);
	ledger->is_stopping = true;
	pthread_cond_broadcast(&ledger->arrived);
	pthread_cond_broadcast(&ledger->room_changed);
	pthread_mutex_unlock(&ledger->mutex);
	pthread_join(ledger->committer, nullptr);
	pthread_join(ledger->keeper_of_room, nullptr);
	ledger->has_threads = false;
}
