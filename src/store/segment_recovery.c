#include <stdio.h>

#include "store/segment_file.h"

/* --- Scanning. --- */

/* A segment read in large pieces. */
struct reader {
	const struct segments *segments;
	uint32_t segment;
	int file;
	uint64_t size;
	struct buffer piece;
	uint64_t piece_at;
};

/* Bytes of the segment from `at`, at least `need` of them unless the segment ends. */
static enum status
reader_fetch(struct reader *reader, uint64_t at, size_t need, struct bytes *bytes) {
	uint64_t end = reader->piece_at + reader->piece.len;
	if (at < reader->piece_at || at > end || (end - at < need && end < reader->size)) {
		size_t len = reader->size - at < FRAME_SIZE_MAX ? (size_t)(reader->size - at) : FRAME_SIZE_MAX;
		buffer_reset(&reader->piece);
		if (!buffer_reserve(&reader->piece, len))
			return buffer_status(&reader->piece);
		TRY(io_read_at(reader->segments->io, reader->file, at, reader->piece.data, len, &reader->piece.len));
		reader->piece_at = at;
	}
	size_t skip = (size_t)(at - reader->piece_at);
	*bytes = bytes_of(reader->piece.data + skip, reader->piece.len - skip);
	return OK;
}

static enum status
reader_open(const struct segments *segments, uint32_t segment, struct reader *reader) {
	reader->segments = segments;
	reader->segment = segment;
	buffer_reset(&reader->piece);
	reader->piece_at = 0;
	return segment_open(segments, segment, IO_READ, &reader->file, &reader->size);
}

static void
reader_close(struct reader *reader) {
	IGNORE_STATUS(io_close(reader->segments->io, reader->file)); /* nothing was written */
}

static bool
is_all_zeros(struct bytes bytes) {
	return bytes.data[0] == 0 && memcmp(bytes.data, bytes.data + 1, bytes.len - 1) == 0;
}

/* *end: behind the last byte at or after `from` that is not zero; `from` if there is none. */
static enum status
find_end_of_data(struct reader *reader, uint64_t from, uint64_t *end) {
	struct bytes bytes = {};
	*end = from;
	for (uint64_t at = from; at < reader->size; at += bytes.len) {
		TRY(reader_fetch(reader, at, 1, &bytes));
		if (bytes.len == 0)
			return fail(STATUS_IO, "segment.short: segment %u ends at %llu", reader->segment,
				    (unsigned long long)at);
		if (is_all_zeros(bytes))
			continue;
		size_t len = bytes.len;
		while (bytes.data[len - 1] == 0)
			len--;
		*end = at + len;
	}
	return OK;
}

struct scan {
	uint64_t from_index;
	enum status (*visit)(void *context, const struct frame *frame, struct frame_place place);
	void *context;
	bool any;
	uint64_t next_index;
	struct hash256 root;
	struct segment_tail *tail;
};

static enum status
visit_frame(struct scan *scan, const struct frame *frame, struct frame_place place) {
	if (frame->first_index != scan->next_index || (scan->any && !hash256_equal(&frame->previous_root, &scan->root)))
		return fail(STATUS_CORRUPT,
			    "segment.chain: the frame in segment %u at %u begins at index %llu and does not continue "
			    "the one "
			    "before it, which ends at %llu",
			    place.segment, place.offset, (unsigned long long)frame->first_index,
			    (unsigned long long)scan->next_index);
	scan->any = true;
	scan->next_index = frame_end_index(frame);
	scan->root = frame->root;
	return scan->visit == nullptr ? OK : scan->visit(scan->context, frame, place);
}

/* The frame at `at`, by its header alone where it is not needed whole. *bad: nothing good stands there. */
static enum status
parse_at(struct reader *reader, const struct scan *scan, uint64_t at, struct frame *frame, bool *bad) {
	struct bytes bytes;
	*bad = false;
	TRY(reader_fetch(reader, at, FRAME_HEADER_SIZE, &bytes));
	enum status status = frame_parse_header(bytes, frame);
	if (status == OK && frame->size > reader->size - at)
		status = fail(STATUS_CORRUPT, "frame.truncated: the segment ends inside it");
	if (status == OK && frame_end_index(frame) > scan->from_index) {
		size_t size = frame->size;
		TRY(reader_fetch(reader, at, size, &bytes));
		status = frame_parse(bytes, frame);
	}
	if (status == STATUS_CORRUPT)
		*bad = true;
	return status == STATUS_CORRUPT ? OK : status;
}

/* Visits the frames of a segment; *at is where they end. */
static enum status
scan_segment(struct reader *reader, struct scan *scan, uint64_t *at) {
	for (*at = SEGMENT_HEADER_SIZE; *at < reader->size;) {
		struct frame frame;
		bool bad;
		TRY(parse_at(reader, scan, *at, &frame, &bad));
		if (bad)
			return OK;
		TRY(visit_frame(scan, &frame, (struct frame_place){reader->segment, (uint32_t)*at}));
		*at += frame.size;
	}
	return OK;
}

/* How far what stands at `at` may be a single incomplete frame. */
static enum status
describe_damage(struct reader *reader, uint64_t at, uint64_t end, struct segment_tail *tail) {
	struct bytes bytes = {};
	struct frame frame;
	uint64_t reach = FRAME_SIZE_MAX;
	TRY(reader_fetch(reader, at, FRAME_HEADER_SIZE, &bytes));
	if (frame_parse_header(bytes, &frame) == OK) {
		reach = frame.size;
		TRY(reader_fetch(reader, at, frame.size, &bytes));
		IGNORE_STATUS(frame_parse(bytes, &frame)); /* for its message */
	}
	snprintf(tail->reason, sizeof tail->reason, "%s", fail_message());
	tail->is_damaged = true;
	tail->at = (struct frame_place){reader->segment, (uint32_t)at};
	tail->damaged_len = (end - at + FRAME_ALIGNMENT - 1) / FRAME_ALIGNMENT * FRAME_ALIGNMENT;
	if (end - at > reach)
		return fail(STATUS_CORRUPT, "segment.damaged: segment %u at %llu: %s; data follow it until %llu",
			    reader->segment, (unsigned long long)at, tail->reason, (unsigned long long)end);
	for (uint64_t later = at + FRAME_ALIGNMENT; later < end; later += FRAME_ALIGNMENT) {
		TRY(reader_fetch(reader, later, FRAME_HEADER_SIZE, &bytes));
		if (frame_parse_header(bytes, &frame) == OK)
			return fail(STATUS_CORRUPT,
				    "segment.damaged: segment %u at %llu: %s; a frame follows it at %llu",
				    reader->segment, (unsigned long long)at, tail->reason, (unsigned long long)later);
	}
	return OK;
}

static enum status
scan_one(struct reader *reader, struct scan *scan) {
	struct segment_tail *tail = scan->tail;
	uint64_t at = SEGMENT_HEADER_SIZE, end;
	bool was_damaged = tail->is_damaged;
	uint64_t first = scan->next_index;
	if (!was_damaged)
		TRY(scan_segment(reader, scan, &at));
	TRY(find_end_of_data(reader, at, &end));
	if (was_damaged && end != at)
		return fail(STATUS_CORRUPT, "segment.damaged: segment %u at %u: %s; segment %u holds data",
			    tail->at.segment, tail->at.offset, tail->reason, reader->segment);
	if (scan->next_index != first)
		tail->at = (struct frame_place){reader->segment, (uint32_t)at};
	return end == at ? OK : describe_damage(reader, at, end, tail);
}

/* Behind the frames there may be zeros only, or one incomplete frame and then zeros only. */
static enum status
scan_all(struct segments *segments, struct reader *reader, struct scan *scan) {
	scan->tail->at = (struct frame_place){1, SEGMENT_HEADER_SIZE};
	for (uint32_t segment = 1; segment <= segments->count; segment++) {
		TRY(reader_open(segments, segment, reader));
		enum status status = scan_one(reader, scan);
		reader_close(reader);
		TRY(status);
	}
	return OK;
}

enum status
segments_scan(struct segments *segments, uint64_t from_index,
	      enum status (*visit)(void *context, const struct frame *frame, struct frame_place place), void *context,
	      struct segment_tail *tail) {
	struct reader reader = {};
	int next;
	*tail = (struct segment_tail){};
	struct scan scan = {.from_index = from_index, .visit = visit, .context = context, .tail = tail};
	enum status status = scan_all(segments, &reader, &scan);
	buffer_free(&reader.piece);
	TRY(status);
	if (segments->count > tail->at.segment + 1)
		return fail(STATUS_CORRUPT, "segment.extra: segments up to %u, the last frame is in segment %u",
			    segments->count, tail->at.segment);
	segments->current = tail->at.segment;
	segments->offset = tail->at.offset;
	segments->next_is_ready = segments->count > segments->current;
	if (segments->next_is_ready) {
		TRY(segment_open(segments, segments->current + 1, IO_READ, &next, &segments->next_size));
		TRY(io_close(segments->io, next));
	}
	return segment_open(segments, segments->current, IO_WRITE, &segments->file, &segments->current_size);
}

/* --- Cutting. --- */

static enum status
read_tail(struct segments *segments, const struct segment_tail *tail, struct buffer *bytes) {
	if (!buffer_reserve(bytes, tail->damaged_len))
		return buffer_status(bytes);
	TRY(io_read_at(segments->io, segments->file, tail->at.offset, bytes->data, tail->damaged_len, &bytes->len));
	return OK;
}

static enum status
cut_path(const struct segments *segments, const struct hash256 *cut, char path[PATH_MAX]) {
	char name[80] = "cut/";
	hex_encode(hash256_bytes(cut), name + 4);
	return segment_make_path(path, segments->directory, name);
}

enum status
segments_cut_tail(struct segments *segments, const struct segment_tail *tail, struct hash256 *cut) {
	_cleanup_(buffer_free) struct buffer bytes = {};
	char path[PATH_MAX];
	if (!tail->is_damaged || tail->at.segment != segments->current || tail->at.offset != segments->offset)
		return fail(STATUS_INTERNAL, "segment.cut: not the tail that was found");
	TRY(read_tail(segments, tail, &bytes));
	*cut = sha256(buffer_bytes(&bytes));
	TRY(cut_path(segments, cut, path));
	TRY(io_replace_file(segments->io, path, buffer_bytes(&bytes)));
	memset(bytes.data, 0, bytes.len);
	TRY(io_write_at(segments->io, segments->file, tail->at.offset, bytes.data, bytes.len));
	return io_sync_data(segments->io, segments->file);
}

struct cut_listing {
	enum status (*visit)(void *context, const struct hash256 *cut);
	void *context;
};

static enum status
visit_cut_name(void *context, const char *name) {
	struct cut_listing *listing = context;
	struct hash256 cut;
	/* A side file that was not finished is made again under the same name, or another, by the next recovery. */
	if (strlen(name) != 64 || hex_decode(bytes_of_text(name), cut.bytes, sizeof cut.bytes) != OK)
		return OK;
	return listing->visit(listing->context, &cut);
}

enum status
segments_list_cuts(struct segments *segments, enum status (*visit)(void *context, const struct hash256 *cut),
		   void *context) {
	char directory[PATH_MAX];
	struct cut_listing listing = {visit, context};
	TRY(segment_make_path(directory, segments->directory, "cut"));
	return io_list_directory(segments->io, directory, visit_cut_name, &listing);
}

enum status
segments_settle(struct segments *segments, struct frame_place last) {
	_cleanup_(buffer_free) struct buffer bytes = {};
	struct frame frame;
	int file;
	uint64_t size;
	TRY(segments_read(segments, last, &bytes, &frame));
	TRY(segment_open(segments, last.segment, IO_WRITE, &file, &size));
	enum status status = io_write_at(segments->io, file, last.offset, bytes.data, frame.size);
	if (status == OK)
		status = io_sync_data(segments->io, file);
	IGNORE_STATUS(io_close(segments->io, file)); /* synced, or reported */
	return status;
}
