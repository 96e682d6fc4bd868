#include "tests/test.h"
#include "tests/remove_tree.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "base/io_simulated.h"
#include "store/segment.h"

constexpr uint64_t FIRST = 64 * 1024;

static struct segments_config
config_on(struct simulated_disk *disk) {
	return (struct segments_config){
		.io = simulated_disk_io(disk),
		.directory = "/log",
		.identity = sha256(BYTES_OF_LITERAL("log.example")),
		.first_size = FIRST,
		.size = FIRST,
	};
}

static struct simulated_disk *
new_log(uint64_t seed) {
	struct simulated_disk *disk;
	assert_ok(simulated_disk_create(&disk, seed));
	assert_ok(io_make_directory(simulated_disk_io(disk), "/log"));
	assert_ok(io_sync_directory(simulated_disk_io(disk), "/"));
	struct segments_config config = config_on(disk);
	assert_ok(segments_create(&config));
	return disk;
}

static struct hash256
root_of(uint64_t size) {
	struct hash256 root = {};
	store_u64be(root.bytes, size);
	return root;
}

/* A frame of one entry of the given length, following the log of `size` entries. */
static void
make_frame(uint64_t size, size_t len, struct buffer *bytes) {
	_cleanup_(buffer_free) struct buffer entry = {};
	assert_true(buffer_reserve(&entry, len));
	memset(entry.data, 'a' + (int)(size % 26), len);
	entry.len = len;
	buffer_reset(bytes);
	buffer_append(bytes, (uint8_t[FRAME_HEADER_SIZE]){}, FRAME_HEADER_SIZE);
	frame_append_entry(bytes, buffer_bytes(&entry));
	struct frame frame = {
		.first_index = size, .entry_count = 1, .previous_root = root_of(size), .root = root_of(size + 1)};
	assert_ok(frame_finish(bytes, &frame));
}

static enum status
count_frame(void *context, const struct frame *frame, struct frame_place) {
	*(uint64_t *)context = frame_end_index(frame);
	return OK;
}

struct opened {
	struct segments *segments;
	struct segment_tail tail;
	uint64_t size;
};

static enum status
open_log(struct simulated_disk *disk, struct opened *opened) {
	struct segments_config config = config_on(disk);
	*opened = (struct opened){};
	TRY(segments_open(&config, &opened->segments));
	return segments_scan(opened->segments, 0, count_frame, &opened->size, &opened->tail);
}

static void
append(struct opened *opened, size_t len) {
	_cleanup_(buffer_free) struct buffer bytes = {};
	struct frame_place place;
	struct segments_room room;
	make_frame(opened->size, len, &bytes);
	segments_room(opened->segments, &room);
	if (room.current < bytes.len)
		assert_ok(segments_prepare_next(opened->segments));
	assert_ok(segments_append(opened->segments, buffer_bytes(&bytes), &place));
	assert_ok(segments_sync(opened->segments));
	opened->size++;
}

static void
frames_are_found_again_over_several_segments(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = new_log(1);
	struct opened opened;
	assert_ok(open_log(disk, &opened));
	for (int i = 0; i < 40; i++)
		append(&opened, 100 + (size_t)i * 200);
	segments_close(&opened.segments);
	simulated_disk_lose_power(disk);
	assert_ok(open_log(disk, &opened));
	assert_int_equal(opened.size, 40);
	assert_false(opened.tail.is_damaged);
	assert_true(opened.tail.at.segment > 2);
	/* Walking from header to header crosses the segments too. */
	struct frame_place place = {1, FRAME_ALIGNMENT};
	_cleanup_(buffer_free) struct buffer bytes = {};
	struct frame frame;
	for (uint64_t i = 0; i < 40; i++) {
		assert_ok(segments_read(opened.segments, place, &bytes, &frame));
		assert_int_equal(frame.first_index, i);
		if (i < 39)
			assert_ok(segments_next(opened.segments, place, frame.size, &place, &frame));
	}
	segments_close(&opened.segments);
}

static void
a_frame_that_fits_nowhere_is_refused_until_the_next_segment_is_ready(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = new_log(1);
	_cleanup_(buffer_free) struct buffer bytes = {};
	struct opened opened;
	struct frame_place place;
	assert_ok(open_log(disk, &opened));
	append(&opened, 40'000);
	make_frame(1, 40'000, &bytes);
	assert_fails(STATUS_UNAVAILABLE, "segment.full",
		     segments_append(opened.segments, buffer_bytes(&bytes), &place));
	simulated_disk_set_capacity(disk, FIRST + 4096);
	assert_fails(STATUS_UNAVAILABLE, "io.disk_full", segments_prepare_next(opened.segments));
	simulated_disk_set_capacity(disk, 0);
	assert_ok(segments_prepare_next(opened.segments));
	assert_ok(segments_append(opened.segments, buffer_bytes(&bytes), &place));
	assert_int_equal(place.segment, 2);
	segments_close(&opened.segments);
}

static void
segments_double_until_they_have_their_full_size(void **) {
	static const uint64_t expected[] = {FIRST, 2 * FIRST, 4 * FIRST, 5 * FIRST, 5 * FIRST};
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = new_log(1);
	_cleanup_(buffer_free) struct buffer bytes = {};
	for (size_t i = 0; i < ARRAY_LENGTH(expected); i++) { /* each in a process of its own */
		struct segments_config config = config_on(disk);
		struct segments_room room;
		struct segment_tail tail;
		struct segments *segments;
		uint64_t size = 0;
		config.size = 5 * FIRST;
		assert_ok(segments_open(&config, &segments));
		assert_ok(segments_scan(segments, 0, count_frame, &size, &tail));
		segments_room(segments, &room);
		assert_int_equal(room.current_size, expected[i]);
		assert_int_equal(room.is_growing, expected[i] < 5 * FIRST);
		assert_ok(segments_prepare_next(segments));
		for (struct frame_place place = {}; place.segment < i + 2;) {
			make_frame(size++, 30'000, &bytes);
			assert_ok(segments_append(segments, buffer_bytes(&bytes), &place));
			assert_ok(segments_sync(segments));
		}
		segments_close(&segments);
	}
}

static void
an_incomplete_last_frame_is_described_and_can_be_cut(void **) {
	unsigned damaged = 0;
	for (uint64_t seed = 0; seed < 300; seed++) {
		_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = new_log(seed);
		_cleanup_(buffer_free) struct buffer bytes = {}, kept = {};
		struct opened opened;
		struct frame_place place;
		struct hash256 cut;
		assert_ok(open_log(disk, &opened));
		for (int i = 0; i < 3; i++)
			append(&opened, 5000);
		make_frame(3, 9000, &bytes);
		assert_ok(segments_append(opened.segments, buffer_bytes(&bytes), &place));
		segments_close(&opened.segments);
		simulated_disk_lose_power(disk);
		assert_ok(open_log(disk, &opened));
		assert_true(opened.size == 3 || opened.size == 4);
		if (opened.tail.is_damaged) {
			char path[128] = "/log/cut/";
			damaged++;
			assert_int_equal(opened.size, 3);
			assert_int_equal(opened.tail.at.offset, place.offset);
			assert_ok(segments_cut_tail(opened.segments, &opened.tail, &cut));
			hex_encode(hash256_bytes(&cut), path + strlen(path));
			assert_ok(io_read_file(simulated_disk_io(disk), path, 1 << 20, &kept));
			struct hash256 found = sha256(buffer_bytes(&kept));
			assert_true(hash256_equal(&found, &cut));
			/* The place is used again at once. */
			append(&opened, 100);
			segments_close(&opened.segments);
			simulated_disk_lose_power(disk);
			assert_ok(open_log(disk, &opened));
			assert_int_equal(opened.size, 4);
			assert_false(opened.tail.is_damaged);
		}
		segments_close(&opened.segments);
	}
	assert_true(damaged > 50);
}

static void
damage_before_the_last_frame_is_refused(void **) {
	for (uint64_t at = FRAME_ALIGNMENT; at < 3 * FRAME_ALIGNMENT; at += 97) {
		_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = new_log(1);
		struct opened opened;
		assert_ok(open_log(disk, &opened));
		for (int i = 0; i < 3; i++)
			append(&opened, 3000);
		segments_close(&opened.segments);
		assert_ok(simulated_disk_flip_bit(disk, "/log/segments/00000001.segment", at, (unsigned)at));
		enum status status = open_log(disk, &opened);
		assert_int_equal(status, STATUS_CORRUPT);
		assert_non_null(strstr(fail_message(), "segment.damaged: segment 1 at"));
		segments_close(&opened.segments);
	}
}

static void
damage_in_an_earlier_segment_is_refused(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = new_log(1);
	struct opened opened;
	assert_ok(open_log(disk, &opened));
	append(&opened, 50'000);
	append(&opened, 50'000);
	segments_close(&opened.segments);
	assert_ok(simulated_disk_flip_bit(disk, "/log/segments/00000001.segment", 20'000, 3));
	assert_fails(STATUS_CORRUPT, "segment.damaged", open_log(disk, &opened));
	segments_close(&opened.segments);
}

static void
settling_makes_durable_what_only_a_cache_held(void **) {
	for (uint64_t seed = 0; seed < 40; seed++) {
		_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = new_log(seed);
		_cleanup_(buffer_free) struct buffer bytes = {};
		struct opened opened;
		struct frame_place place;
		assert_ok(open_log(disk, &opened));
		make_frame(0, 3000, &bytes);
		assert_ok(segments_append(opened.segments, buffer_bytes(&bytes), &place));
		simulated_disk_fail(disk, SIMULATED_SYNC, 0, STATUS_IO);
		assert_fails(STATUS_IO, "io.sync", segments_sync(opened.segments));
		segments_close(&opened.segments);
		simulated_disk_restart(disk);
		assert_ok(open_log(disk, &opened));
		assert_int_equal(opened.size, 1);
		assert_ok(segments_settle(opened.segments, place));
		segments_close(&opened.segments);
		simulated_disk_lose_power(disk);
		assert_ok(open_log(disk, &opened));
		assert_int_equal(opened.size, 1);
		segments_close(&opened.segments);
	}
}

static void
bad_segments_are_refused_by_name(void **) {
	static const struct {
		const char *name;
		enum status status;
		uint64_t at;
		bool checked; /* the CRC is made to fit again */
	} cases[] = {
		{"segment.magic", STATUS_CORRUPT, 0, false},
		{"segment.header_crc", STATUS_CORRUPT, 60, false},
		{"segment.header_crc", STATUS_CORRUPT, 30, false},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = new_log(1);
		struct opened opened;
		assert_ok(simulated_disk_flip_bit(disk, "/log/segments/00000001.segment", cases[i].at, 1));
		assert_fails(cases[i].status, cases[i].name, open_log(disk, &opened));
		segments_close(&opened.segments);
	}
}

/* Of holes: whoever reads it would go through them to an end that no writer of ours has set. */
static void
a_segment_of_more_than_the_largest_size_is_refused(void **) {
	constexpr uint64_t SIZE = SEGMENT_SIZE_MAX + FIRST;
	constexpr size_t CHECKED = 60;
	char directory[] = "/tmp/gatehouse-segment-test-XXXXXX", path[128];
	uint8_t header[CHECKED + sizeof(uint32_t)];
	size_t got;
	int file;
	struct segment_tail tail;
	struct segments *segments;
	const struct io *io = io_system();
	assert_non_null(mkdtemp(directory));
	struct segments_config config = {.io = io,
					 .directory = directory,
					 .identity = sha256((struct bytes){}),
					 .first_size = FIRST,
					 .size = FIRST};
	assert_ok(segments_create(&config));
	snprintf(path, sizeof path, "%s/segments/00000001.segment", directory);
	assert_ok(io_open(io, path, IO_WRITE, &file));
	assert_ok(io_read_at(io, file, 0, header, sizeof header, &got));
	store_u64be(header + 16, SIZE);
	store_u32be(header + CHECKED, crc32c(0, bytes_of(header, CHECKED)));
	assert_ok(io_write_at(io, file, 0, header, sizeof header));
	assert_ok(io_truncate(io, file, SIZE));
	assert_ok(io_close(io, file));
	assert_ok(segments_open(&config, &segments));
	assert_fails(STATUS_CORRUPT, "segment.size", segments_scan(segments, 0, nullptr, nullptr, &tail));
	segments_close(&segments);
	assert_int_equal(0, remove_tree(directory));
}

/* Whoever names a wrong directory is told what would be a right one. */
static void
where_there_is_no_log_it_is_said_what_was_expected(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = new_log(1);
	const struct io *io = simulated_disk_io(disk);
	struct hash256 identity;
	assert_ok(segments_read_identity(io, "/log", &identity));
	assert_int_equal(STATUS_NOT_FOUND, segments_read_identity(io, "/elsewhere", &identity));
	assert_string_equal(
		"segment.none: there is no log in /elsewhere, expected a data directory or the ledger in one, "
		"with segments/00000001.segment",
		fail_message());
}

static void
segments_of_another_log_missing_ones_and_strange_names_are_refused(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = new_log(1);
	const struct io *io = simulated_disk_io(disk);
	struct opened opened = {};
	struct segments_config config = config_on(disk);
	struct segment_tail tail;
	int file;
	assert_fails(STATUS_CONFLICT, "segment.exists", segments_create(&config));
	config.identity = sha256(BYTES_OF_LITERAL("other.example"));
	assert_ok(segments_open(&config, &opened.segments));
	assert_fails(STATUS_CORRUPT, "segment.identity", segments_scan(opened.segments, 0, nullptr, nullptr, &tail));
	segments_close(&opened.segments);

	assert_ok(open_log(disk, &opened));
	assert_ok(segments_prepare_next(opened.segments));
	segments_close(&opened.segments);
	assert_ok(io_rename(io, "/log/segments/00000001.segment", "/log/segments/00000003.segment"));
	assert_fails(STATUS_CORRUPT, "segment.missing", open_log(disk, &opened));
	assert_ok(io_rename(io, "/log/segments/00000003.segment", "/log/segments/00000001.segment"));
	assert_ok(io_rename(io, "/log/segments/00000002.segment", "/log/segments/notes"));
	assert_fails(STATUS_CORRUPT, "segment.name", open_log(disk, &opened));
	assert_ok(io_unlink(io, "/log/segments/notes"));
	assert_ok(io_open(io, "/log/segments/00000002.segment.new", IO_WRITE | IO_CREATE, &file));
	assert_ok(open_log(disk, &opened));
	segments_close(&opened.segments);
	assert_fails(STATUS_NOT_FOUND, "io.open", io_open(io, "/log/segments/00000002.segment.new", IO_READ, &file));
}

static void
frames_below_the_snapshot_are_visited_by_their_headers(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = new_log(1);
	struct opened opened;
	assert_ok(open_log(disk, &opened));
	for (int i = 0; i < 6; i++)
		append(&opened, 5000);
	segments_close(&opened.segments);
	/* Damage in a body is not read there; ledger_check() finds it. */
	assert_ok(simulated_disk_flip_bit(disk, "/log/segments/00000001.segment", FRAME_ALIGNMENT + 3000, 1));
	struct segments_config config = config_on(disk);
	struct segment_tail tail;
	uint64_t size = 0;
	assert_ok(segments_open(&config, &opened.segments));
	assert_ok(segments_scan(opened.segments, 4, count_frame, &size, &tail));
	assert_int_equal(size, 6);
	segments_close(&opened.segments);
}

RUN_TESTS(T(frames_are_found_again_over_several_segments), T(segments_double_until_they_have_their_full_size),
	  T(a_frame_that_fits_nowhere_is_refused_until_the_next_segment_is_ready),
	  T(an_incomplete_last_frame_is_described_and_can_be_cut), T(damage_before_the_last_frame_is_refused),
	  T(damage_in_an_earlier_segment_is_refused), T(settling_makes_durable_what_only_a_cache_held),
	  T(bad_segments_are_refused_by_name), T(a_segment_of_more_than_the_largest_size_is_refused),
	  T(where_there_is_no_log_it_is_said_what_was_expected),
	  T(segments_of_another_log_missing_ones_and_strange_names_are_refused),
	  T(frames_below_the_snapshot_are_visited_by_their_headers))
