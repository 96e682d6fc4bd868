/*
 * Reader: store/frame.c, store/segment_recovery.c
 * Recovery of a segment whose content after its header is the input. The first byte chooses whether checksums and the chain
 * are made right first, so that what lies behind them is reached; the second is where replay begins. Whatever recovery
 * accepts must be accepted again, unchanged, after the tail is cut.
 */
#include "base/crc32c.h"
#include "base/io_simulated.h"
#include "store/segment.h"
#include "tests/fuzz.h"

constexpr size_t SEGMENT = SEGMENT_SIZE_MIN;

static struct hash256
digest(const uint8_t *header, size_t entries_len, size_t rest_len) {
	_cleanup_(buffer_free) struct buffer covered = {};
	struct frame_iterator entries = {bytes_of(header + FRAME_HEADER_SIZE, entries_len)};
	struct bytes entry;
	buffer_append(&covered, header, 112);
	while (frame_next_entry(&entries, &entry)) {
		struct hash256 leaf = SHA256_PARTS(bytes_of(&(uint8_t){0}, 1), entry);
		buffer_append_bytes(&covered, hash256_bytes(&leaf));
	}
	buffer_append(&covered, header + FRAME_HEADER_SIZE + entries_len, rest_len);
	must(buffer_status(&covered) == OK);
	return sha256(buffer_bytes(&covered));
}

/* Frames at their places: a block that begins with 'G' becomes the header of one. */
static void
mend(uint8_t *content, size_t size) {
	uint64_t index = 0;
	struct hash256 root = {};
	for (size_t at = 0; at + FRAME_ALIGNMENT <= size;) {
		uint8_t *header = content + at;
		if (header[0] != 'G') {
			at += FRAME_ALIGNMENT;
			continue;
		}
		uint32_t entries = load_u32be(header + 36) % 6000, openings = load_u32be(header + 40) % 3000;
		uint32_t signatures = load_u32be(header + 44) % 3000, body = entries + openings + signatures;
		size_t padded = frame_padded_size(entries, openings, signatures);
		if (padded > size - at)
			return;
		memcpy(header, "GHFRAME\n\0\2\0\240", 12);
		store_u32be(header + 12, body);
		store_u64be(header + 24, index);
		store_u32be(header + 36, entries);
		store_u32be(header + 40, openings);
		store_u32be(header + 44, signatures);
		memcpy(header + 48, root.bytes, sizeof root.bytes);
		memset(header + 144, 0, 12);
		memset(header + FRAME_HEADER_SIZE + body, 0, padded - FRAME_HEADER_SIZE - body);
		struct hash256 hash = digest(header, entries, openings + signatures);
		memcpy(header + 112, hash.bytes, sizeof hash.bytes);
		store_u32be(header + 156, crc32c(0, bytes_of(header, 156)));
		index += load_u32be(header + 32);
		memcpy(root.bytes, header + 80, sizeof root.bytes);
		at += padded;
	}
}

/* A frame that was read is written again to the same bytes. */
static void
check_frame(struct bytes bytes) {
	_cleanup_(buffer_free) struct buffer again = {};
	struct frame frame;
	struct bytes entry, sealed;
	uint32_t position, count = 0;
	if (frame_parse(bytes, &frame) != OK)
		return;
	_cleanup_(buffer_free) struct buffer openings = {};
	struct frame_iterator entries = {frame.entries}, walk = {frame.openings};
	buffer_append(&again, (uint8_t[FRAME_HEADER_SIZE]){}, FRAME_HEADER_SIZE);
	for (; frame_next_entry(&entries, &entry); count++)
		frame_append_entry(&again, entry);
	must(count == frame.entry_count);
	while (frame_next_opening(&walk, &position, &sealed))
		frame_append_opening(&openings, position, sealed);
	struct frame made = frame;
	made.openings = buffer_bytes(&openings);
	must(frame_finish(&again, &made) == OK);
	must(bytes_equal(buffer_bytes(&again), bytes_of(bytes.data, frame.size)));
}

struct walk {
	uint64_t end;
	struct frame_place last;
	struct hash256 root;
};

static enum status
visit(void *context, const struct frame *frame, struct frame_place place) {
	struct walk *walk = context;
	must(frame->first_index == walk->end);
	walk->end = frame_end_index(frame);
	walk->root = frame->root;
	walk->last = place;
	return OK;
}

static enum status
count_cut(void *context, const struct hash256 *) {
	++*(size_t *)context;
	return OK;
}

static void
recover(const struct segments_config *config, uint64_t from) {
	_cleanup_(segments_close) struct segments *segments = nullptr;
	struct segment_tail tail;
	struct walk first = {}, second = {};
	struct hash256 cut;
	size_t cuts = 0;
	must(segments_open(config, &segments) == OK);
	if (segments_scan(segments, from, visit, &first, &tail) != OK)
		return;
	if (tail.is_damaged) {
		must(segments_cut_tail(segments, &tail, &cut) == OK);
		must(segments_list_cuts(segments, count_cut, &cuts) == OK && cuts == 1);
	}
	/* The last frame was read whole, unless it lies below `from`. */
	if (first.end > from)
		must(segments_settle(segments, first.last) == OK);
	segments_close(&segments);
	must(segments_open(config, &segments) == OK);
	must(segments_scan(segments, from, visit, &second, &tail) == OK);
	must(!tail.is_damaged && first.end == second.end && hash256_equal(&first.root, &second.root));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static uint8_t content[SEGMENT - FRAME_ALIGNMENT];
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
	int file;
	if (size < 2)
		return 0;
	size_t len = size - 2 < sizeof content ? size - 2 : sizeof content;
	memset(content, 0, sizeof content);
	memcpy(content, data + 2, len);
	if (data[0] & 1)
		mend(content, sizeof content);
	check_frame(bytes_of(content, sizeof content));
	must(simulated_disk_create(&disk, 1) == OK);
	const struct io *io = simulated_disk_io(disk);
	struct segments_config config = {
		.io = io, .directory = "/log", .identity = {{1}}, .first_size = SEGMENT, .size = SEGMENT};
	must(io_make_directory(io, "/log") == OK && segments_create(&config) == OK);
	must(io_open(io, "/log/segments/00000001.segment", IO_WRITE, &file) == OK);
	must(io_write_at(io, file, FRAME_ALIGNMENT, content, sizeof content) == OK && io_close(io, file) == OK);
	recover(&config, data[1]);
	return 0;
}
