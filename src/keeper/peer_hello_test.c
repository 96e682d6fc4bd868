#include "tests/test.h"

#include "keeper/peer_hello.h"

static struct peer_hello
example(void) {
	struct peer_hello hello = {.version = PEER_VERSION,
				   .instance = BYTES_OF_LITERAL("northwind"),
				   .name = BYTES_OF_LITERAL("keeper-b"),
				   .party = 2,
				   .build = BYTES_OF_LITERAL("0.1.0+abc"),
				   .boot_epoch = {1, 2, 3},
				   .bundle = {{4}},
				   .head = {100, {{5}}},
				   .remembered = {50, {{6}}}};
	hello.signatures.mldsa44_time_s = 1;
	return hello;
}

static void
what_is_written_is_read(void **) {
	_cleanup_(buffer_free) struct buffer text = {}, again = {};
	struct peer_hello hello = example(), read;
	peer_hello_write(&hello, &text);
	assert_ok(peer_hello_read(buffer_bytes(&text), &read));
	assert_bytes(hello.name, read.name);
	assert_int_equal(read.head.size, 100);
	assert_int_equal(read.remembered.size, 50);
	peer_hello_write(&read, &again);
	assert_bytes(buffer_bytes(&text), buffer_bytes(&again));
	assert_true(text.len <= peer_kinds[PEER_HELLO].max);
}

static const struct {
	size_t at;
	uint8_t byte;
	enum status status;
	const char *error;
} changes[] = {
	{0, 'x', STATUS_INVALID, "peer_hello.magic"},
	{9, 2, STATUS_UNSUPPORTED, "peer_hello.version"},
	{9, 0, STATUS_UNSUPPORTED, "peer_hello.version"},
	{12, 2, STATUS_INVALID, "peer_hello.instance"}, /* 512 bytes and more */
	{25, 1, STATUS_INVALID, "peer_hello.name"},     /* 264 bytes */
	{27, 'B', STATUS_INVALID, "peer_hello.name"},
	{35, 0, STATUS_INVALID, "peer_hello.party"},
	{35, 17, STATUS_INVALID, "peer_hello.party"},
	{38, 1, STATUS_INVALID, "peer_hello.build"}, /* 265 bytes */
	{40, ' ', STATUS_INVALID, "peer_hello.build"},
};

static void
bad_hellos_are_refused_by_name(void **) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct peer_hello hello = example(), read;
	peer_hello_write(&hello, &text);
	for (size_t i = 0; i < ARRAY_LENGTH(changes); i++) {
		uint8_t before = text.data[changes[i].at];
		text.data[changes[i].at] = changes[i].byte;
		assert_fails(changes[i].status, changes[i].error, peer_hello_read(buffer_bytes(&text), &read));
		text.data[changes[i].at] = before;
	}
	for (size_t len = 0; len < text.len; len++)
		assert_int_equal(peer_hello_read(bytes_of(text.data, len), &read), STATUS_INVALID);
	buffer_append_byte(&text, 0);
	assert_fails(STATUS_INVALID, "peer_hello.trailing", peer_hello_read(buffer_bytes(&text), &read));
	hello.instance.len = 0;
	buffer_reset(&text);
	peer_hello_write(&hello, &text);
	assert_fails(STATUS_INVALID, "peer_hello.instance", peer_hello_read(buffer_bytes(&text), &read));
}

static void
proofs_of_history_are_read_and_bad_ones_refused_by_name(void **) {
	_cleanup_(buffer_free) struct buffer text = {}, again = {};
	struct peer_consistency sent = {10, 20, {2, {{{1}}, {{2}}}}}, read;
	peer_consistency_write(&sent, &text);
	assert_ok(peer_consistency_read(buffer_bytes(&text), &read));
	peer_consistency_write(&read, &again);
	assert_bytes(buffer_bytes(&text), buffer_bytes(&again));
	assert_fails(STATUS_INVALID, "peer_consistency.size", peer_consistency_read(bytes_of(text.data, 15), &read));
	assert_fails(STATUS_INVALID, "peer_consistency.proof", peer_consistency_read(bytes_of(text.data, 47), &read));
	for (size_t i = 0; i < 63; i++)
		buffer_append_bytes(&text, hash256_bytes(&sent.proof.hashes[0]));
	assert_fails(STATUS_INVALID, "peer_consistency.proof", peer_consistency_read(buffer_bytes(&text), &read));
}

static void
beats_are_read_and_bad_ones_refused_by_name(void **) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct peer_beat sent = {{7, {{1}}}, {{2}}}, read;
	peer_beat_write(&sent, &text);
	assert_int_equal(text.len, peer_kinds[PEER_BEAT].max);
	assert_ok(peer_beat_read(buffer_bytes(&text), &read));
	assert_int_equal(read.head.size, 7);
	assert_true(hash256_equal(&read.bundle, &sent.bundle));
	assert_fails(STATUS_INVALID, "peer_beat.head", peer_beat_read(bytes_of(text.data, 39), &read));
	assert_fails(STATUS_INVALID, "peer_beat.bundle", peer_beat_read(bytes_of(text.data, 71), &read));
	buffer_append_byte(&text, 0);
	assert_fails(STATUS_INVALID, "peer_beat.trailing", peer_beat_read(buffer_bytes(&text), &read));
}

RUN_TESTS(T(what_is_written_is_read), T(bad_hellos_are_refused_by_name),
	  T(proofs_of_history_are_read_and_bad_ones_refused_by_name), T(beats_are_read_and_bad_ones_refused_by_name))
