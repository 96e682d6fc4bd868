#include "tests/test.h"

#include "base/crc32c.h"
#include "store/frame.h"

static void
make_frame(struct buffer *bytes) {
	_cleanup_(buffer_free) struct buffer openings = {};
	buffer_append(bytes, (uint8_t[FRAME_HEADER_SIZE]){}, FRAME_HEADER_SIZE);
	frame_append_entry(bytes, BYTES_OF_LITERAL("first entry"));
	frame_append_entry(bytes, BYTES_OF_LITERAL(""));
	frame_append_entry(bytes, BYTES_OF_LITERAL("third"));
	frame_append_opening(&openings, 0, BYTES_OF_LITERAL("sealed a"));
	frame_append_opening(&openings, 2, BYTES_OF_LITERAL("sealed b"));
	struct frame frame = {
		.epoch = 7,
		.first_index = 41,
		.entry_count = 3,
		.previous_root = {{1, 2, 3}},
		.root = {{4, 5, 6}},
		.openings = buffer_bytes(&openings),
		.signatures = BYTES_OF_LITERAL("signatures"),
	};
	assert_ok(frame_finish(bytes, &frame));
}

/* Makes the checks of integrity fit again, so that what they protect is reached. */
static void
seal(struct buffer *bytes, size_t entries_len, size_t rest_len) {
	_cleanup_(buffer_free) struct buffer covered = {};
	struct frame_iterator entries = {bytes_of(bytes->data + FRAME_HEADER_SIZE, entries_len)};
	struct bytes entry;
	buffer_append(&covered, bytes->data, 112);
	while (frame_next_entry(&entries, &entry)) {
		struct hash256 leaf = SHA256_PARTS(bytes_of(&(uint8_t){0}, 1), entry);
		buffer_append_bytes(&covered, hash256_bytes(&leaf));
	}
	buffer_append(&covered, bytes->data + FRAME_HEADER_SIZE + entries_len, rest_len);
	struct hash256 hash = sha256(buffer_bytes(&covered));
	memcpy(bytes->data + 112, hash.bytes, sizeof hash.bytes);
	store_u32be(bytes->data + 156, crc32c(0, bytes_of(bytes->data, 156)));
}

static void
a_frame_gives_back_what_it_was_made_of(void **) {
	_cleanup_(buffer_free) struct buffer bytes = {};
	struct frame frame;
	struct bytes entry, sealed;
	uint32_t position;
	make_frame(&bytes);
	assert_int_equal(bytes.len, FRAME_ALIGNMENT);
	assert_ok(frame_parse(buffer_bytes(&bytes), &frame));
	assert_int_equal(frame.epoch, 7);
	assert_int_equal(frame.first_index, 41);
	assert_int_equal(frame_end_index(&frame), 44);
	assert_int_equal(frame.previous_root.bytes[2], 3);
	assert_int_equal(frame.root.bytes[0], 4);
	assert_bytes(BYTES_OF_LITERAL("signatures"), frame.signatures);
	struct frame_iterator entries = {frame.entries}, openings = {frame.openings};
	assert_true(frame_next_entry(&entries, &entry));
	assert_bytes(BYTES_OF_LITERAL("first entry"), entry);
	assert_true(frame_next_entry(&entries, &entry));
	assert_int_equal(entry.len, 0);
	assert_true(frame_next_entry(&entries, &entry));
	assert_bytes(BYTES_OF_LITERAL("third"), entry);
	assert_false(frame_next_entry(&entries, &entry));
	assert_true(frame_next_opening(&openings, &position, &sealed));
	assert_true(frame_next_opening(&openings, &position, &sealed));
	assert_int_equal(position, 2);
	assert_bytes(BYTES_OF_LITERAL("sealed b"), sealed);
	assert_false(frame_next_opening(&openings, &position, &sealed));
}

static void
the_layout_is_as_documented(void **) {
	_cleanup_(buffer_free) struct buffer bytes = {};
	make_frame(&bytes);
	assert_memory_equal(bytes.data, "GHFRAME\n", 8);
	assert_int_equal(bytes.data[9], 2);                                /* version */
	assert_int_equal(bytes.data[11], 160);                             /* header */
	assert_int_equal(load_u64be(bytes.data + 16), 7);                  /* epoch */
	assert_int_equal(load_u64be(bytes.data + 24), 41);                 /* first index */
	assert_int_equal(load_u32be(bytes.data + 32), 3);                  /* entries */
	assert_int_equal(load_u32be(bytes.data + 36), 2 + 11 + 2 + 2 + 5); /* their bytes */
	assert_int_equal(load_u32be(bytes.data + 40), 2 * (8 + 8));        /* openings */
	assert_int_equal(load_u32be(bytes.data + 44), 10);                 /* signatures */
	assert_int_equal(load_u32be(bytes.data + 12), 22 + 32 + 10);       /* body */
	assert_memory_equal(bytes.data + 160, "\0\013first entry", 13);
}

/* Made here as docs/PROTOCOL.ledger says, apart from the code that writes it. */
static void
the_digest_is_as_documented(void **) {
	_cleanup_(buffer_free) struct buffer bytes = {};
	uint8_t before[FRAME_HEADER_SIZE];
	make_frame(&bytes);
	memcpy(before, bytes.data, sizeof before);
	seal(&bytes, 22, 32 + 10);
	assert_memory_equal(bytes.data, before, sizeof before);
}

static void
leaf_hashes_that_are_known_give_the_same_frame(void **) {
	_cleanup_(buffer_free) struct buffer made = {}, again = {};
	struct frame frame;
	struct bytes entry;
	struct hash256 leaves[3];
	make_frame(&made);
	assert_ok(frame_parse(buffer_bytes(&made), &frame));
	struct frame_iterator entries = {frame.entries};
	buffer_append(&again, (uint8_t[FRAME_HEADER_SIZE]){}, FRAME_HEADER_SIZE);
	for (size_t i = 0; frame_next_entry(&entries, &entry); i++) {
		frame_append_entry(&again, entry);
		leaves[i] = SHA256_PARTS(bytes_of(&(uint8_t){0}, 1), entry);
	}
	frame.leaves = leaves;
	assert_ok(frame_finish(&again, &frame));
	assert_bytes(buffer_bytes(&made), buffer_bytes(&again));
	/* Of other entries than these: found when it is read. */
	buffer_reset(&again);
	buffer_append(&again, made.data, FRAME_HEADER_SIZE + 22);
	leaves[1].bytes[31] ^= 1;
	assert_ok(frame_finish(&again, &frame));
	assert_fails(STATUS_CORRUPT, "frame.sha256", frame_parse(buffer_bytes(&again), &frame));
}

static void
every_flipped_bit_is_detected(void **) {
	_cleanup_(buffer_free) struct buffer bytes = {};
	struct frame frame;
	make_frame(&bytes);
	for (size_t bit = 0; bit < bytes.len * 8; bit++) {
		bytes.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
		assert_int_equal(frame_parse(buffer_bytes(&bytes), &frame), STATUS_CORRUPT);
		bytes.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
	assert_ok(frame_parse(buffer_bytes(&bytes), &frame));
}

static void
bad_frames_are_refused_by_name(void **) {
	static const struct {
		const char *name;
		enum status status;
		size_t at; /* what is changed */
		uint8_t to;
		bool sealed; /* with checks that fit */
		size_t len;  /* how much of it there is; 0: all */
	} cases[] = {
		{"frame.truncated", STATUS_CORRUPT, 0, 'G', true, 100},
		{"frame.truncated", STATUS_CORRUPT, 0, 'G', true, 4095},
		{"frame.magic", STATUS_CORRUPT, 0, 'X', true, 0},
		{"frame.header_crc", STATUS_CORRUPT, 20, 1, false, 0},
		{"frame.version", STATUS_UNSUPPORTED, 9, 1, true, 0},
		{"frame.version", STATUS_UNSUPPORTED, 9, 3, true, 0},
		{"frame.length", STATUS_CORRUPT, 11, 161, true, 0},
		{"frame.length", STATUS_CORRUPT, 15, 3, true, 0},
		{"frame.length", STATUS_CORRUPT, 36, 0xff, true, 0},
		{"frame.length", STATUS_CORRUPT, 150, 1, true, 0},
		{"frame.count", STATUS_CORRUPT, 35, 0, true, 0},
		{"frame.count", STATUS_CORRUPT, 33, 1, true, 0},
		{"frame.count", STATUS_CORRUPT, 24, 0x80, true, 0},
		{"frame.sha256", STATUS_CORRUPT, 165, 'X', false, 0},
		{"frame.padding", STATUS_CORRUPT, 4000, 1, false, 0},
		{"frame.entries", STATUS_CORRUPT, 35, 4, true, 0},
		{"frame.entries", STATUS_CORRUPT, 35, 2, true, 0},
		{"frame.openings", STATUS_CORRUPT, 160 + 22 + 3, 3, true, 0},
		{"frame.openings", STATUS_CORRUPT, 160 + 22 + 16 + 3, 3, true, 0},
		{"frame.openings", STATUS_CORRUPT, 160 + 22 + 7, 200, true, 0},
		{"frame.openings", STATUS_CORRUPT, 160 + 22 + 16 + 7, 0, true, 0},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(buffer_free) struct buffer bytes = {};
		struct frame frame;
		make_frame(&bytes);
		bytes.data[cases[i].at] = cases[i].to;
		if (cases[i].sealed)
			seal(&bytes, 22, 32 + 10);
		size_t len = cases[i].len != 0 ? cases[i].len : bytes.len;
		print_message("case %zu\n", i);
		assert_fails(cases[i].status, cases[i].name, frame_parse(bytes_of(bytes.data, len), &frame));
	}
}

static void
a_frame_that_would_be_too_large_is_not_made(void **) {
	_cleanup_(buffer_free) struct buffer bytes = {}, entry = {};
	assert_true(buffer_reserve(&entry, FRAME_ENTRY_SIZE_MAX));
	memset(entry.data, 'e', FRAME_ENTRY_SIZE_MAX);
	entry.len = FRAME_ENTRY_SIZE_MAX;
	buffer_append(&bytes, (uint8_t[FRAME_HEADER_SIZE]){}, FRAME_HEADER_SIZE);
	uint32_t count = 0;
	while (bytes.len < FRAME_SIZE_MAX) {
		frame_append_entry(&bytes, buffer_bytes(&entry));
		count++;
	}
	struct frame frame = {.entry_count = count};
	assert_fails(STATUS_TOO_LARGE, "frame.size", frame_finish(&bytes, &frame));
}

RUN_TESTS(T(a_frame_gives_back_what_it_was_made_of), T(the_layout_is_as_documented), T(the_digest_is_as_documented),
	  T(leaf_hashes_that_are_known_give_the_same_frame), T(every_flipped_bit_is_detected),
	  T(bad_frames_are_refused_by_name), T(a_frame_that_would_be_too_large_is_not_made))
