#include "ledger/verify_log.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/random.h"
#include "ledger/head.h"
#include "ledger/leaf.h"
#include "ledger/read_only_io.h"
#include "ledger/verify_tiles.h"
#include "store/segment.h"

typedef unsigned long long ull;

constexpr unsigned SIGNATURE_SAMPLE = 64; /* one head in so many is checked besides the first and the newest */
constexpr size_t HEADS_MAX = VERIFY_OLDER_MAX + 2;

struct verification {
	const struct verify_log_options *options;
	struct verify_log_report *report;
	const struct io *io;
	struct arena arena;
	struct bytes origin;                        /* empty if unpinned */
	struct verify_head published, witnessed;    /* what is null where there is none */
	const struct verify_head *heads[HEADS_MAX]; /* that this log must have had, by size */
	size_t head_count, heads_met;
	struct tree_frontier frontier;
	struct hash256 root;
	uint64_t epoch;
	struct verify_type *last_type; /* found last: neighbours are often of one type */
	struct head_signatures newest;
	struct tile_comparison tiles;
	uint8_t random;
};

/* --- Heads that somebody holds --- */

static int
compare_sizes(const void *a, const void *b) {
	const struct verify_head *x = *(const struct verify_head *const *)a, *y = *(const struct verify_head *const *)b;
	return (x->checkpoint.size > y->checkpoint.size) - (x->checkpoint.size < y->checkpoint.size);
}

static enum status
check_origin_of(const struct verification *v, const struct verify_head *head) {
	if (v->origin.len > 0 && !bytes_equal(head->checkpoint.origin, v->origin))
		return fail(STATUS_CONFLICT, "verify.other_origin: %s is of %.*s, the log is %.*s", head->what,
			    BYTES_ARGS(head->checkpoint.origin), BYTES_ARGS(v->origin));
	return OK;
}

/* From the public directory; head->what stays null if the file is not there. */
static enum status
load_public_head(struct verification *v, const char *name, struct verify_head *head) {
	char path[PATH_MAX];
	_cleanup_(buffer_free) struct buffer text = {};
	if (v->options->public_directory == nullptr)
		return OK;
	if (snprintf(path, sizeof path, "%s/%s", v->options->public_directory, name) >= PATH_MAX)
		return fail(STATUS_INVALID, "io.path: too long: %s", v->options->public_directory);
	enum status status = io_read_file(v->io, path, NOTE_SIZE_MAX, &text);
	if (status == STATUS_NOT_FOUND)
		return OK;
	TRY(status);
	struct bytes kept = arena_copy(&v->arena, buffer_bytes(&text));
	char *what = arena_format(&v->arena, "the published %s", name);
	TRY_ALLOC(kept.data);
	TRY_ALLOC(what);
	return verify_read_head(&v->arena, kept, what, v->options->policy, head);
}

static enum status
add_head(struct verification *v, const struct verify_head *head) {
	TRY(check_origin_of(v, head));
	v->heads[v->head_count++] = head;
	return OK;
}

static enum status
collect_heads(struct verification *v) {
	if (v->options->older_count > VERIFY_OLDER_MAX)
		return fail(STATUS_INVALID, "verify.older: %zu heads, at most %zu", v->options->older_count,
			    VERIFY_OLDER_MAX);
	for (size_t i = 0; i < v->options->older_count; i++)
		TRY(add_head(v, &v->options->older[i]));
	TRY(load_public_head(v, "checkpoint", &v->published));
	if (v->options->witnessed != nullptr)
		v->witnessed = *v->options->witnessed;
	else
		TRY(load_public_head(v, "checkpoint.witnessed", &v->witnessed));
	if (v->published.what != nullptr)
		TRY(add_head(v, &v->published));
	if (v->witnessed.what != nullptr)
		TRY(add_head(v, &v->witnessed));
	qsort(v->heads, v->head_count, sizeof v->heads[0], compare_sizes);
	return OK;
}

/* The log has v->frontier.size leaves now: those heads that had as many must have had its root. */
static enum status
meet_heads(struct verification *v) {
	while (v->heads_met < v->head_count && v->heads[v->heads_met]->checkpoint.size == v->frontier.size) {
		const struct verify_head *head = v->heads[v->heads_met++];
		struct hash256 root = tree_frontier_root(&v->frontier);
		if (!hash256_equal(&root, &head->checkpoint.root))
			return fail(STATUS_CONFLICT,
				    "verify.fork: %s has another root than this log for its first %llu entries",
				    head->what, (ull)head->checkpoint.size);
	}
	return OK;
}

static enum status
check_held_leaf(const struct verification *v, const struct hash256 *leaf) {
	for (size_t i = 0; i < v->options->older_count; i++) {
		const struct verify_head *older = &v->options->older[i];
		if (older->has_leaf && older->index == v->frontier.size && !hash256_equal(&older->leaf, leaf))
			return fail(STATUS_CONFLICT,
				    "verify.other_leaf: %s proves another entry %llu than this log has", older->what,
				    (ull)older->index);
	}
	return OK;
}

/* --- Entries --- */

static struct verify_type *
find_type(struct verification *v, struct bytes name) {
	struct verify_log_report *report = v->report;
	if (v->last_type != nullptr && bytes_equal_text(name, v->last_type->name))
		return v->last_type;
	for (size_t i = 0; i < report->type_count; i++)
		if (bytes_equal_text(name, report->types[i].name))
			return v->last_type = &report->types[i];
	return nullptr;
}

static struct verify_type *
add_type(struct verification *v, struct bytes name) {
	struct verify_log_report *report = v->report;
	if (report->type_count == VERIFY_TYPES_MAX || name.len > VERIFY_TYPE_NAME_MAX)
		return nullptr;
	struct verify_type *type = &report->types[report->type_count++];
	memcpy(type->name, name.data, name.len);
	return type;
}

static enum status
check_leaf(struct verification *v, const struct leaf_view *view) {
	struct verify_log_report *report = v->report;
	ull index = v->frontier.size;
	struct verify_type *type = find_type(v, view->type);
	if (type == nullptr && (type = add_type(v, view->type)) == nullptr)
		return fail(STATUS_CORRUPT, "verify.types: entry %llu: more than %zu types, or a name too long", index,
			    VERIFY_TYPES_MAX);
	if (view->seq != type->count)
		return fail(STATUS_CORRUPT, "verify.sequence: entry %llu is %s number %llu, expected %llu", index,
			    type->name, (ull)view->seq, (ull)type->count);
	type->count++;
	if (index == 0)
		report->first_ms = view->at_ms;
	if (view->at_ms < report->last_ms)
		return fail(STATUS_CORRUPT, "verify.time: entry %llu is of time %llu, the one before it of %llu", index,
			    (ull)view->at_ms, (ull)report->last_ms);
	report->last_ms = view->at_ms;
	return OK;
}

/* The last entry of a frame counts the entries of every type, itself included. */
static enum status
check_counts(struct verification *v, const struct leaf_view *view) {
	ull index = v->frontier.size - 1;
	if (!bytes_equal_text(view->type, "counts"))
		return fail(STATUS_CORRUPT, "verify.counts: entry %llu ends its frame and is of type %.*s", index,
			    BYTES_ARGS(view->type));
	size_t named = 0;
	struct bytes before = {};
	for (struct bytes left = view->body; left.len > 0; named++) {
		struct bytes name;
		uint64_t count;
		TRY(leaf_next_count(&left, &name, &count));
		if (named > 0 && bytes_compare(before, name) >= 0)
			return fail(STATUS_CORRUPT, "verify.counts: entry %llu names %.*s after %.*s", index,
				    BYTES_ARGS(name), BYTES_ARGS(before));
		before = name;
		const struct verify_type *type = find_type(v, name);
		if (type == nullptr || type->count != count)
			return fail(STATUS_CORRUPT,
				    "verify.counts: entry %llu states %llu entries of type %.*s, there are %llu", index,
				    (ull)count, BYTES_ARGS(name), type == nullptr ? 0 : (ull)type->count);
	}
	if (named != v->report->type_count)
		return fail(STATUS_CORRUPT, "verify.counts: entry %llu counts %zu types of %zu", index, named,
			    v->report->type_count);
	return OK;
}

static enum status
visit_entries(struct verification *v, const struct frame *frame) {
	struct frame_iterator entries = {frame->entries};
	struct leaf_view view = {};
	bool compares = v->tiles.published > 0, holds_leaves = v->options->older_count > 0;
	for (struct bytes entry; frame_next_entry(&entries, &entry);) {
		struct hash256 leaf = tree_leaf_hash(entry);
		TRY(leaf_scan(entry, &view));
		TRY(check_leaf(v, &view));
		if (holds_leaves)
			TRY(check_held_leaf(v, &leaf));
		if (compares)
			TRY(tile_comparison_add(&v->tiles, entry, &leaf));
		TRY(tree_frontier_append(&v->frontier, &leaf));
		v->report->leaf_bytes += entry.len;
		if (v->heads_met < v->head_count)
			TRY(meet_heads(v));
	}
	return check_counts(v, &view);
}

/* --- Signatures --- */

/* By one of the pinned keys of this type, if there are any. */
static enum status
check_signature(struct verification *v, const struct head *head, const struct head_signatures *signatures,
		enum note_key_type type, bool *is_signed) {
	const struct tlog_policy *policy = v->options->policy;
	enum status status = OK;
	*is_signed = false;
	for (size_t i = 0; i < tlog_policy_log_count(policy) && !*is_signed; i++) {
		const struct note_key *key = &tlog_policy_log(policy, i)->key;
		if (key->type != type || !bytes_equal(note_key_name(key), v->origin))
			continue;
		status = head_verify_by(key, head, signatures);
		*is_signed = status == OK;
	}
	return status;
}

static enum status
check_signatures(struct verification *v, const struct head *head, const struct head_signatures *signatures,
		 struct tlog_verdict *verdict) {
	if (v->options->policy == nullptr)
		return OK;
	TRY(check_signature(v, head, signatures, NOTE_ED25519, &verdict->has_ed25519));
	TRY(check_signature(v, head, signatures, NOTE_COSIGNATURE_MLDSA44, &verdict->has_mldsa44));
	v->report->signatures_checked++;
	return OK;
}

/* Random, so that nobody can know beforehand which heads will be looked at. */
static bool
is_head_chosen(struct verification *v) {
	switch (v->options->signatures) {
	case VERIFY_EVERY_HEAD:
		return true;
	case VERIFY_NEWEST_HEAD:
		return false;
	case VERIFY_SOME_HEADS:
		break;
	}
	random_bytes(&v->random, sizeof v->random);
	return v->report->frames == 0 || v->random % SIGNATURE_SAMPLE == 0;
}

/* --- Frames --- */

static enum status
check_chain(struct verification *v, const struct frame *frame) {
	if (frame->first_index != v->frontier.size || !hash256_equal(&frame->previous_root, &v->root))
		return fail(STATUS_CORRUPT, "verify.chain: the frame from entry %llu does not continue the log of %llu",
			    (ull)frame->first_index, (ull)v->frontier.size);
	if (frame->epoch < v->epoch)
		return fail(STATUS_CORRUPT,
			    "verify.epoch: the frame from entry %llu is of writer %llu, after one of %llu",
			    (ull)frame->first_index, (ull)frame->epoch, (ull)v->epoch);
	v->epoch = frame->epoch;
	return OK;
}

static enum status
visit_frame(void *context, const struct frame *frame, struct frame_place) {
	struct verification *v = context;
	TRY(check_chain(v, frame));
	TRY(visit_entries(v, frame));
	v->root = tree_frontier_root(&v->frontier);
	if (!hash256_equal(&v->root, &frame->root))
		return fail(STATUS_CORRUPT,
			    "verify.root: the %llu entries do not have the root that their frame states",
			    (ull)v->frontier.size);
	TRY(head_signatures_load(frame->signatures, &v->newest));
	if (is_head_chosen(v)) {
		struct tlog_verdict verdict = {};
		struct head head = {v->frontier.size, v->root};
		TRY(check_signatures(v, &head, &v->newest, &verdict));
	}
	v->report->frames++;
	return OK;
}

/* --- The whole --- */

/* Whose log it is: the pinned origin that its first segment belongs to. */
static enum status
find_origin(struct verification *v, const struct hash256 *identity) {
	const struct tlog_policy *policy = v->options->policy;
	if (policy == nullptr)
		return OK;
	for (size_t i = 0; i < tlog_policy_log_count(policy); i++) {
		struct bytes name = note_key_name(&tlog_policy_log(policy, i)->key);
		struct hash256 hash = sha256(name);
		if (!hash256_equal(&hash, identity))
			continue;
		v->origin = name;
		memcpy(v->report->origin, name.data, name.len);
		return OK;
	}
	return fail(STATUS_CONFLICT, "verify.other_origin: the log is of no origin of the policy");
}

static enum status
scan(struct verification *v, const struct hash256 *identity, struct segment_tail *tail) {
	_cleanup_(segments_close) struct segments *segments = nullptr;
	struct segments_config config = {.io = v->io, .directory = v->options->ledger_directory, .identity = *identity};
	TRY(segments_open(&config, &segments));
	return segments_scan(segments, 0, visit_frame, v, tail);
}

/* The largest head that a quorum cosigned is how far the log is witnessed. */
static void
take_quorum(struct verification *v, const struct verify_head *head) {
	if (head->what == nullptr || !head->verdict.has_quorum || head->checkpoint.size < v->report->witnessed)
		return;
	v->report->witnessed = head->checkpoint.size;
	v->report->witnessed_s = head->verdict.witnessed_s;
}

static enum status
conclude(struct verification *v, const struct segment_tail *tail) {
	struct verify_log_report *report = v->report;
	struct tlog_verdict verdict = {};
	struct head head = {v->frontier.size, v->root};
	if (v->frontier.size == 0)
		return fail(STATUS_NOT_FOUND, "verify.empty: the log has no entries");
	if (v->heads_met < v->head_count)
		return fail(STATUS_CONFLICT, "verify.behind: %s had %llu entries, the log has %llu",
			    v->heads[v->heads_met]->what, (ull)v->heads[v->heads_met]->checkpoint.size,
			    (ull)v->frontier.size);
	TRY(check_signatures(v, &head, &v->newest, &verdict));
	if (v->options->policy != nullptr && !verdict.has_ed25519 && !verdict.has_mldsa44)
		return fail(STATUS_UNAUTHORIZED, "verify.unsigned: no key of the policy is of this log");
	report->entries = head.size;
	report->root = head.root;
	report->head_time_s = v->newest.mldsa44_time_s;
	report->published = v->published.what == nullptr ? 0 : v->published.checkpoint.size;
	report->tiles_checked = v->tiles.files;
	take_quorum(v, &v->published);
	take_quorum(v, &v->witnessed);
	verdict.has_quorum = report->witnessed > 0;
	report->weaknesses = verify_weaknesses_of(v->options->policy, &verdict);
	if (verdict.has_quorum && report->witnessed < report->entries && !v->options->accept_tail)
		report->weaknesses |= VERIFY_UNWITNESSED_TAIL;
	if ((report->weaknesses & VERIFY_UNWITNESSED) && v->options->older_count == 0)
		report->weaknesses |= VERIFY_NO_OLDER_HEAD;
	if (tail->is_damaged) {
		report->weaknesses |= VERIFY_DAMAGED_TAIL;
		snprintf(report->tail, sizeof report->tail, "%s", tail->reason);
	}
	return OK;
}

static enum status
run(struct verification *v) {
	struct hash256 identity;
	struct segment_tail tail;
	TRY(segments_read_identity(v->io, v->options->ledger_directory, &identity));
	TRY(find_origin(v, &identity));
	TRY(collect_heads(v));
	if (v->options->check_tiles && v->published.what != nullptr) {
		v->tiles.io = v->io;
		v->tiles.directory = v->options->public_directory;
		v->tiles.published = v->published.checkpoint.size;
	}
	v->root = tree_empty_root();
	TRY(meet_heads(v));
	TRY(scan(v, &identity, &tail));
	return conclude(v, &tail);
}

enum status
verify_log(const struct verify_log_options *options, struct verify_log_report *report) {
	struct verification *v = calloc(1, sizeof *v);
	TRY_ALLOC(v);
	struct read_only_io io = read_only_io_over(options->io);
	*report = (struct verify_log_report){};
	v->options = options;
	v->report = report;
	v->io = &io.io;
	enum status status = run(v);
	tile_comparison_free(&v->tiles);
	arena_free(&v->arena);
	free(v);
	return status;
}
