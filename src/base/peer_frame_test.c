#include "tests/test.h"

#include "base/peer_frame.h"

static void
what_is_written_is_read_whole_and_in_order(void **) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct peer_frame sent[] = {{1, 2, 77, BYTES_OF_LITERAL("one")}, {16, 3, UINT64_MAX, BYTES_OF_LITERAL("two")}},
			  read;
	bool found;
	for (size_t i = 0; i < ARRAY_LENGTH(sent); i++)
		peer_frame_write(&sent[i], &text);
	assert_int_equal(text.len, 2 * (PEER_FRAME_HEADER_SIZE + 3));
	struct cursor cursor = cursor_of(buffer_bytes(&text));
	for (size_t i = 0; i < ARRAY_LENGTH(sent); i++) {
		assert_ok(peer_frame_read(&cursor, &read, &found));
		assert_true(found);
		assert_int_equal(read.from, sent[i].from);
		assert_int_equal(read.to, sent[i].to);
		assert_true(read.stream == sent[i].stream);
		assert_bytes(sent[i].bytes, read.bytes);
	}
	assert_int_equal(cursor.left, 0);
	for (size_t len = 0; len < PEER_FRAME_HEADER_SIZE + 3; len++) {
		cursor = cursor_of(bytes_of(text.data, len));
		assert_ok(peer_frame_read(&cursor, &read, &found));
		assert_false(found);
		assert_int_equal(cursor.left, len);
	}
}

/* As soon as the header is there, whatever follows. */
static void
bad_headers_are_refused_by_name(void **) {
	static const struct {
		uint8_t header[20];
		enum status status;
		const char *error;
	} cases[] = {
		{"HTTP/1.1 200 OK\r\n\r\n", STATUS_INVALID, "peer_frame.magic"},
		{"GHPR\0\0\1\2\0\0\0\0\0\0\0\0\0\0\0\1", STATUS_UNSUPPORTED, "peer_frame.version"},
		{"GHPR\0\2\1\2\0\0\0\0\0\0\0\0\0\0\0\1", STATUS_UNSUPPORTED, "peer_frame.version"},
		{"GHPR\0\1\0\2\0\0\0\0\0\0\0\0\0\0\0\1", STATUS_INVALID, "peer_frame.party"},
		{"GHPR\0\1\1\0\0\0\0\0\0\0\0\0\0\0\0\1", STATUS_INVALID, "peer_frame.party"},
		{"GHPR\0\1\x11\2\0\0\0\0\0\0\0\0\0\0\0\1", STATUS_INVALID, "peer_frame.party"},
		{"GHPR\0\1\2\xff\0\0\0\0\0\0\0\0\0\0\0\1", STATUS_INVALID, "peer_frame.party"},
		{"GHPR\0\1\2\2\0\0\0\0\0\0\0\0\0\0\0\1", STATUS_INVALID, "peer_frame.party"},
		{"GHPR\0\1\1\2\0\0\0\0\0\0\0\0\0\0\0\0", STATUS_INVALID, "peer_frame.length"},
		{"GHPR\0\1\1\2\0\0\0\0\0\0\0\0\0\1\0\1", STATUS_INVALID, "peer_frame.length"},
		{"GHPR\0\1\1\2\0\0\0\0\0\0\0\0\xff\xff\xff\xff", STATUS_INVALID, "peer_frame.length"},
	};
	struct peer_frame frame;
	bool found;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct cursor cursor = cursor_of(BYTES_OF_ARRAY(cases[i].header));
		assert_fails(cases[i].status, cases[i].error, peer_frame_read(&cursor, &frame, &found));
	}
}

RUN_TESTS(T(what_is_written_is_read_whole_and_in_order), T(bad_headers_are_refused_by_name))
