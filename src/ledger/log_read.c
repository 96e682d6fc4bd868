#include <string.h>

#include "ledger/log_state.h"
#include "store/snapshot.h"

void
ledger_durable_head(struct ledger *ledger, struct ledger_head *head) {
	pthread_mutex_lock(&ledger->mutex);
	*head = ledger->durable;
	pthread_mutex_unlock(&ledger->mutex);
}

void
ledger_counts(struct ledger *ledger, uint64_t counts[ENTRY_TYPES]) {
	pthread_mutex_lock(&ledger->mutex);
	memcpy(counts, ledger->durable_counts, sizeof ledger->durable_counts);
	pthread_mutex_unlock(&ledger->mutex);
}

void
ledger_statistics(struct ledger *ledger, struct ledger_statistics *statistics) {
	pthread_mutex_lock(&ledger->mutex);
	*statistics = ledger->statistics;
	statistics->pending = ledger->open->count + (ledger->is_committing ? ledger->closing->count : 0);
	statistics->is_disk_full = ledger->is_disk_full;
	pthread_mutex_unlock(&ledger->mutex);
}

/* --- Proofs. Nodes of durable leaves never change, so each may be read on its own. --- */

static enum status
read_node(void *context, unsigned level, uint64_t index, struct hash256 *hash) {
	struct ledger *ledger = context;
	struct tree_source source = {.tree = ledger->tree};
	pthread_mutex_lock(&ledger->tree_mutex);
	enum status status = tree_read(&source, level, index, hash);
	pthread_mutex_unlock(&ledger->tree_mutex);
	if (status != STATUS_NOT_FOUND || ledger->older == nullptr)
		return status;
	pthread_mutex_lock(&ledger->older_mutex);
	status = ledger->older->read(ledger->older->context, level, index, hash);
	pthread_mutex_unlock(&ledger->older_mutex);
	return status;
}

static enum status
check_size(struct ledger *ledger, uint64_t size) {
	pthread_mutex_lock(&ledger->mutex);
	uint64_t durable = ledger->durable.head.size;
	pthread_mutex_unlock(&ledger->mutex);
	if (size > durable)
		return fail(STATUS_NOT_FOUND, "ledger.not_durable: %llu entries, %llu are durable",
			    (unsigned long long)size, (unsigned long long)durable);
	return OK;
}

enum status
ledger_prove(struct ledger *ledger, uint64_t index, uint64_t size, struct proof *proof) {
	struct tree_reader reader = {read_node, ledger};
	TRY(check_size(ledger, size));
	return proof_make_inclusion(&reader, index, size, proof);
}

enum status
ledger_prove_consistency(struct ledger *ledger, uint64_t old_size, uint64_t size, struct proof *proof) {
	struct tree_reader reader = {read_node, ledger};
	TRY(check_size(ledger, size));
	return proof_make_consistency(&reader, old_size, size, proof);
}

/* --- Entries. --- */

/* The place of a frame at or before the one that holds index. */
static enum status
find_mark(struct ledger *ledger, uint64_t index, struct frame_place *place) {
	enum status status = OK;
	pthread_mutex_lock(&ledger->mutex);
	if (index >= ledger->durable.head.size) {
		status = fail(STATUS_NOT_FOUND, "ledger.not_durable: entry %llu, %llu are durable",
			      (unsigned long long)index, (unsigned long long)ledger->durable.head.size);
	} else {
		size_t low = 0, high = ledger->mark_count; /* marks[low] is at or before it, marks[high] behind */
		while (high - low > 1) {
			size_t middle = low + (high - low) / 2;
			*(ledger->marks[middle].first_index <= index ? &low : &high) = middle;
		}
		*place = ledger->marks[low].place;
	}
	pthread_mutex_unlock(&ledger->mutex);
	return status;
}

static enum status
read_frame_of(struct ledger *ledger, uint64_t index, struct buffer *bytes, struct frame *frame,
	      struct frame_place *place) {
	TRY(find_mark(ledger, index, place));
	TRY(segments_read(ledger->segments, *place, bytes, frame));
	bool has_moved = false;
	while (frame_end_index(frame) <= index) {
		TRY(segments_next(ledger->segments, *place, frame->size, place, frame));
		has_moved = true;
	}
	if (has_moved)
		TRY(segments_read(ledger->segments, *place, bytes, frame));
	if (index < frame->first_index)
		return fail(STATUS_CORRUPT, "ledger.chain: entry %llu is in no frame", (unsigned long long)index);
	return OK;
}

/* leaves: hashes of the frame's entries, or null. */
static enum status
visit_entries(const struct frame *frame, const struct hash256 *leaves, uint64_t from, uint64_t to,
	      enum status (*visit)(void *context, const struct ledger_record *record), void *context) {
	struct frame_iterator entries = {frame->entries}, openings = {frame->openings};
	uint32_t opening_at;
	struct bytes leaf, sealed;
	bool more = frame_next_opening(&openings, &opening_at, &sealed);
	for (uint32_t i = 0; frame_next_entry(&entries, &leaf); i++) {
		struct ledger_record record = {.index = frame->first_index + i,
					       .leaf = leaf,
					       .leaf_hash = leaves == nullptr ? nullptr : &leaves[i]};
		for (; more && opening_at == i; more = frame_next_opening(&openings, &opening_at, &sealed))
			if (record.opening_count < LEDGER_OPENINGS_MAX)
				record.openings[record.opening_count++] = sealed;
		if (record.index >= from && record.index < to)
			TRY(visit(context, &record));
	}
	return OK;
}

static enum status
take_record(void *context, const struct ledger_record *record) {
	*(struct ledger_record *)context = *record;
	return OK;
}

enum status
ledger_read(struct ledger *ledger, uint64_t index, struct buffer *bytes, struct ledger_record *record) {
	struct frame frame;
	struct frame_place place;
	TRY(read_frame_of(ledger, index, bytes, &frame, &place));
	return visit_entries(&frame, nullptr, index, index + 1, take_record, record);
}

enum status
ledger_visit(struct ledger *ledger, uint64_t from, uint64_t to,
	     enum status (*visit)(void *context, const struct ledger_record *record), void *context) {
	_cleanup_(buffer_free) struct buffer bytes = {};
	struct frame frame;
	struct frame_place place;
	if (from >= to)
		return OK;
	TRY(check_size(ledger, to));
	TRY(read_frame_of(ledger, from, &bytes, &frame, &place));
	for (;;) {
		TRY(visit_entries(&frame, nullptr, from, to, visit, context));
		if (frame_end_index(&frame) >= to)
			return OK;
		TRY(segments_next(ledger->segments, place, frame.size, &place, &frame));
		TRY(segments_read(ledger->segments, place, &bytes, &frame));
	}
}

void
ledger_keep_recent(struct ledger *ledger, size_t bytes_max) {
	pthread_mutex_lock(&ledger->mutex);
	ledger->recent.bytes_max = bytes_max;
	if (bytes_max == 0)
		recent_free(&ledger->recent);
	pthread_mutex_unlock(&ledger->mutex);
}

struct recent_frame *
ledger_take_recent(struct ledger *ledger, struct ledger_head *durable) {
	pthread_mutex_lock(&ledger->mutex);
	struct recent_frame *taken = recent_take(&ledger->recent);
	*durable = ledger->durable;
	pthread_mutex_unlock(&ledger->mutex);
	return taken;
}

void
ledger_give_back_recent(struct ledger *ledger, struct recent_frame *recent) {
	pthread_mutex_lock(&ledger->mutex);
	recent_give_back(&ledger->recent, recent);
	pthread_mutex_unlock(&ledger->mutex);
}

enum status
ledger_visit_recent(struct ledger *ledger, const struct recent_frame *recent, uint64_t from, uint64_t to,
		    enum status (*visit)(void *context, const struct ledger_record *record), void *context) {
	for (; recent != nullptr && from < to; recent = recent->next) {
		struct frame frame = recent_view(recent);
		uint64_t end = frame_end_index(&frame);
		if (end <= from)
			continue;
		if (frame.first_index > from) {
			uint64_t gap_end = frame.first_index < to ? frame.first_index : to;
			TRY(ledger_visit(ledger, from, gap_end, visit, context));
			from = gap_end;
		}
		TRY(visit_entries(&frame, recent->leaves, from, to, visit, context));
		from = end;
	}
	return from < to ? ledger_visit(ledger, from, to, visit, context) : OK;
}

enum status
ledger_head_of_entry(struct ledger *ledger, uint64_t index, struct ledger_head *head) {
	_cleanup_(buffer_free) struct buffer bytes = {};
	struct frame frame;
	struct frame_place place;
	TRY(read_frame_of(ledger, index, &bytes, &frame, &place));
	head->head = (struct head){.size = frame_end_index(&frame), .root = frame.root};
	return head_signatures_load(frame.signatures, &head->signatures);
}

enum status
ledger_had_head(struct ledger *ledger, const struct mark *mark) {
	struct ledger_head head;
	if (mark->size == 0)
		return OK;
	enum status status = ledger_head_of_entry(ledger, mark->size - 1, &head);
	if (status == STATUS_NOT_FOUND)
		return fail(STATUS_CONFLICT, "ledger.behind: a head of %llu entries is not in the log yet",
			    (unsigned long long)mark->size);
	TRY(status);
	if (head.head.size != mark->size || !hash256_equal(&head.head.root, &mark->root))
		return fail(STATUS_CONFLICT, "ledger.fork: the log never had this head of %llu entries",
			    (unsigned long long)mark->size);
	return OK;
}

struct checking {
	struct tree_frontier frontier;
	struct hash256 root;
};

static enum status
check_leaf(void *context, const struct ledger_record *record) {
	struct checking *checking = context;
	struct hash256 leaf = tree_leaf_hash(record->leaf);
	return tree_frontier_append(&checking->frontier, &leaf);
}

enum status
ledger_check(struct ledger *ledger) {
	_cleanup_(buffer_free) struct buffer bytes = {};
	struct ledger_head head;
	struct checking checking = {.root = tree_empty_root()};
	struct frame frame = {};
	struct frame_place place;
	ledger_durable_head(ledger, &head);
	while (checking.frontier.size < head.head.size) {
		if (checking.frontier.size == 0)
			TRY(find_mark(ledger, 0, &place));
		else
			TRY(segments_next(ledger->segments, place, frame.size, &place, &frame));
		TRY(segments_read(ledger->segments, place, &bytes, &frame));
		if (frame.first_index != checking.frontier.size || !hash256_equal(&frame.previous_root, &checking.root))
			return fail(STATUS_CORRUPT,
				    "ledger.chain: the frame of index %llu does not follow %llu entries",
				    (unsigned long long)frame.first_index, (unsigned long long)checking.frontier.size);
		TRY(visit_entries(&frame, nullptr, 0, UINT64_MAX, check_leaf, &checking));
		checking.root = tree_frontier_root(&checking.frontier);
		if (!hash256_equal(&checking.root, &frame.root))
			return fail(STATUS_CORRUPT,
				    "ledger.root: the entries up to %llu do not have the root of their frame",
				    (unsigned long long)checking.frontier.size);
	}
	if (!hash256_equal(&checking.root, &head.head.root))
		return fail(STATUS_CORRUPT, "ledger.root: the %llu entries do not have the root of the head",
			    (unsigned long long)head.head.size);
	return OK;
}

/* --- Snapshots. --- */

static enum status
take_state(struct ledger *ledger, struct log_state *state, struct mark *mark) {
	if (ledger->open->count > 0 || ledger->is_committing)
		return fail(STATUS_UNAVAILABLE, "ledger.pending: entries are submitted that are not durable yet");
	*mark = (struct mark){.size = ledger->durable.head.size, .root = ledger->durable.head.root};
	memcpy(state->counts, ledger->durable_counts, sizeof state->counts);
	state->at_ms = ledger->durable_at_ms;
	pthread_mutex_lock(&ledger->tree_mutex);
	tree_copy_frontier(ledger->tree, &state->frontier);
	pthread_mutex_unlock(&ledger->tree_mutex);
	return OK;
}

enum status
ledger_snapshot(struct ledger *ledger, const char *path, struct bytes key, struct bytes decision_state) {
	_cleanup_(buffer_free) struct buffer log_state = {}, recorded = {};
	struct log_state state = {};
	struct snapshot snapshot = {.identity = ledger->identity, .decision_state = decision_state};
	buffer_append(&recorded, ledger->recorded_cuts, ledger->recorded_cut_count * sizeof(struct hash256));
	if (ledger->cuts_are_submitted) /* and durable, since nothing is pending */
		buffer_append(&recorded, ledger->cuts, ledger->cut_count * sizeof(struct hash256));
	TRY(buffer_status(&recorded));
	state.recorded_cuts = buffer_bytes(&recorded);
	pthread_mutex_lock(&ledger->mutex);
	enum status status = take_state(ledger, &state, &snapshot.mark);
	pthread_mutex_unlock(&ledger->mutex);
	TRY(status);
	if (snapshot.mark.size == 0)
		return fail(STATUS_UNAVAILABLE, "ledger.empty: there is nothing to take a snapshot of");
	TRY(log_state_write(&state, &log_state));
	snapshot.log_state = buffer_bytes(&log_state);
	return snapshot_write(ledger->io, path, key, &snapshot);
}
