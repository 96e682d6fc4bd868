#include "tests/test.h"

#include <stdio.h>

#include "base/io_simulated.h"
#include "store/archive.h"

struct bench {
	struct simulated_disk *disk;
	const struct io *io;
	struct secret private_key;
	uint8_t public_key[KEM_PUBLIC_SIZE];
};

static void
begin(struct bench *bench) {
	*bench = (struct bench){};
	assert_ok(simulated_disk_create(&bench->disk, 1));
	bench->io = simulated_disk_io(bench->disk);
	assert_ok(kem_generate(bench->public_key, &bench->private_key));
	assert_ok(io_make_directory(bench->io, "/to"));
}

static void
end(struct bench *bench) {
	simulated_disk_destroy(&bench->disk);
	secret_free(&bench->private_key);
}

static const char PATH[] = "/archive";

/* Whatever stands in the stream. */
static void
seal(struct bench *bench, struct bytes plain) {
	_cleanup_(sealed_writer_close) struct sealed_writer *writer = nullptr;
	struct bytes recipient = BYTES_OF_ARRAY(bench->public_key);
	struct hash256 hash;
	IGNORE_STATUS(io_unlink(bench->io, PATH));
	assert_ok(sealed_writer_create(bench->io, PATH, &recipient, 1, &writer));
	assert_ok(sealed_writer_put(writer, plain));
	assert_ok(sealed_writer_finish(writer, &hash));
}

/* Reads all of it into /to<n>; the description is appended. */
static enum status
unpack(struct bench *bench, const char *to, struct buffer *description) {
	_cleanup_(sealed_reader_close) struct sealed_reader *reader = nullptr;
	struct archive_file file;
	bool more;
	TRY(io_make_directory(bench->io, to));
	TRY(sealed_reader_open(bench->io, PATH, secret_bytes(&bench->private_key), &reader));
	TRY(archive_read_description(reader, description));
	for (;;) {
		TRY(archive_next(reader, &file, &more));
		if (!more)
			return OK;
		TRY(archive_take_file(reader, &file, bench->io, to));
	}
}

/* One small file, one of several pieces, and one that is mostly zeros. */
static void
make_archive(struct bench *bench) {
	static uint8_t large[200'000];
	_cleanup_(sealed_writer_close) struct sealed_writer *writer = nullptr;
	struct bytes recipients[] = {BYTES_OF_ARRAY(bench->public_key), BYTES_OF_ARRAY(bench->public_key)};
	struct hash256 hash;
	int file;
	for (size_t i = 0; i < sizeof large; i++)
		large[i] = (uint8_t)(i * 7);
	assert_ok(io_open(bench->io, "/sparse", IO_WRITE | IO_CREATE, &file));
	assert_ok(io_write_at(bench->io, file, 0, "begins", 6));
	assert_ok(io_truncate(bench->io, file, 300'000));
	assert_ok(io_close(bench->io, file));
	assert_ok(sealed_writer_create(bench->io, PATH, recipients, 2, &writer));
	assert_ok(archive_begin(writer, BYTES_OF_LITERAL("{\"type\":\"test\"}")));
	assert_ok(archive_put(writer, "a/b/small", BYTES_OF_LITERAL("content")));
	assert_ok(archive_put(writer, "large", BYTES_OF_ARRAY(large)));
	assert_ok(archive_put_file(writer, "sparse", bench->io, "/sparse"));
	assert_ok(archive_end(writer));
	assert_ok(sealed_writer_finish(writer, &hash));
	_cleanup_(buffer_free) struct buffer bytes = {};
	assert_ok(io_read_file(bench->io, PATH, 1 << 22, &bytes));
	struct hash256 found = sha256(buffer_bytes(&bytes));
	assert_true(hash256_equal(&hash, &found));
}

static void
what_was_put_in_comes_out_again(void **) {
	_cleanup_(end) struct bench bench;
	_cleanup_(buffer_free) struct buffer description = {}, small = {}, large = {}, sparse = {}, before = {};
	begin(&bench);
	make_archive(&bench);
	assert_ok(unpack(&bench, "/to", &description));
	assert_bytes(BYTES_OF_LITERAL("{\"type\":\"test\"}"), buffer_bytes(&description));
	assert_ok(io_read_file(bench.io, "/to/a/b/small", 100, &small));
	assert_bytes(BYTES_OF_LITERAL("content"), buffer_bytes(&small));
	assert_ok(io_read_file(bench.io, "/to/large", 1 << 20, &large));
	assert_int_equal(200'000, large.len);
	assert_int_equal((uint8_t)(199'999 * 7), large.data[199'999]);
	assert_ok(io_read_file(bench.io, "/to/sparse", 1 << 20, &sparse));
	assert_ok(io_read_file(bench.io, "/sparse", 1 << 20, &before));
	assert_bytes(buffer_bytes(&before), buffer_bytes(&sparse));
}

static void
others_cannot_open_it(void **) {
	_cleanup_(end) struct bench bench, other;
	_cleanup_(buffer_free) struct buffer description = {};
	begin(&bench);
	begin(&other);
	make_archive(&bench);
	struct secret own = bench.private_key;
	bench.private_key = other.private_key;
	assert_fails(STATUS_UNAUTHORIZED, "sealed_file.recipient", unpack(&bench, "/to", &description));
	bench.private_key = own;
}

/* No archive with a changed byte or a missing end is unpacked to its end. */
static void
every_changed_byte_and_every_cut_is_noticed(void **) {
	_cleanup_(end) struct bench bench;
	_cleanup_(buffer_free) struct buffer bytes = {};
	begin(&bench);
	make_archive(&bench);
	assert_ok(io_read_file(bench.io, PATH, 1 << 22, &bytes));
	char to[32];
	size_t header = 12 + 2 * (32 + KEM_CIPHERTEXT_SIZE + 60);
	for (size_t i = 0; i < 160; i++) {
		_cleanup_(buffer_free) struct buffer description = {};
		size_t at = i < 40 ? i * 37 % header : i < 60 ? header + i - 40 : (i * 104'729) % bytes.len;
		snprintf(to, sizeof to, "/c%zu", i);
		bytes.data[at] ^= 1;
		assert_ok(io_replace_file(bench.io, PATH, buffer_bytes(&bytes)));
		enum status status = unpack(&bench, to, &description);
		if (status != STATUS_CORRUPT && status != STATUS_UNSUPPORTED && status != STATUS_UNAUTHORIZED)
			fail_msg("byte %zu: %s", at, status == OK ? "not noticed" : fail_message());
		bytes.data[at] ^= 1;
	}
	for (size_t i = 0; i < 60; i++) {
		_cleanup_(buffer_free) struct buffer description = {};
		size_t len = i < 30 ? bytes.len - 1 - i * 3 : bytes.len * (i - 30) / 30;
		snprintf(to, sizeof to, "/t%zu", i);
		assert_ok(io_replace_file(bench.io, PATH, bytes_of(bytes.data, len)));
		assert_int_equal(STATUS_CORRUPT, unpack(&bench, to, &description));
	}
}

/* Pieces are sealed under one key; each holds only in its place. */
static void
pieces_in_another_order_or_left_out_are_noticed(void **) {
	_cleanup_(end) struct bench bench;
	_cleanup_(buffer_free) struct buffer bytes = {}, swapped = {}, shortened = {}, description = {};
	begin(&bench);
	make_archive(&bench);
	assert_ok(io_read_file(bench.io, PATH, 1 << 22, &bytes));
	size_t header = 12 + 2 * (32 + KEM_CIPHERTEXT_SIZE + 60), piece = 5 + 64 * 1024 + 28;
	const uint8_t *first = bytes.data + header;
	buffer_append(&swapped, bytes.data, header);
	buffer_append(&swapped, first + piece, piece);
	buffer_append(&swapped, first, piece);
	buffer_append(&swapped, first + 2 * piece, bytes.len - header - 2 * piece);
	assert_ok(io_replace_file(bench.io, PATH, buffer_bytes(&swapped)));
	assert_fails(STATUS_CORRUPT, "sealed_file.piece", unpack(&bench, "/s", &description));
	buffer_append(&shortened, bytes.data, header + piece);
	buffer_append(&shortened, first + 2 * piece, bytes.len - header - 2 * piece);
	assert_ok(io_replace_file(bench.io, PATH, buffer_bytes(&shortened)));
	assert_fails(STATUS_CORRUPT, "sealed_file.piece", unpack(&bench, "/l", &description));
	buffer_append_byte(&bytes, 0);
	assert_ok(io_replace_file(bench.io, PATH, buffer_bytes(&bytes)));
	assert_fails(STATUS_CORRUPT, "sealed_file.trailing", unpack(&bench, "/m", &description));
}

#define FILE_HEAD(name_len, name) "\1\0" name_len name
#define SIZES(size, content) "\0\0\0\0\0\0\0" size "\0\0\0\0\0\0\0" content
#define BEGUN "GHARCH1\n\0\0\0\2{}"

static void
bad_archives_are_refused_by_name(void **) {
	static const struct {
		const char *name;
		struct bytes plain;
	} cases[] = {
		{"sealed_file.end", BYTES_OF_LITERAL("GHARC")},
		{"archive.magic", BYTES_OF_LITERAL("GHARCH2\n\0\0\0\2{}")},
		{"archive.description", BYTES_OF_LITERAL("GHARCH1\n\0\1\0\1")},
		{"sealed_file.end", BYTES_OF_LITERAL("GHARCH1\n\0\0\0\3{}")},
		{"sealed_file.end", BYTES_OF_LITERAL(BEGUN)},
		{"archive.mark", BYTES_OF_LITERAL(BEGUN "\2")},
		{"sealed_file.trailing", BYTES_OF_LITERAL(BEGUN "\0x")},
		{"archive.name", BYTES_OF_LITERAL(BEGUN FILE_HEAD("\0", ""))},
		{"archive.name", BYTES_OF_LITERAL(BEGUN "\1\1\0")},
		{"archive.name", BYTES_OF_LITERAL(BEGUN FILE_HEAD("\2", "a\0"))},
		{"archive.name", BYTES_OF_LITERAL(BEGUN FILE_HEAD("\4", "../a"))},
		{"archive.name", BYTES_OF_LITERAL(BEGUN FILE_HEAD("\5", "a/../"))},
		{"archive.name", BYTES_OF_LITERAL(BEGUN FILE_HEAD("\2", "/a"))},
		{"archive.name", BYTES_OF_LITERAL(BEGUN FILE_HEAD("\2", "a/"))},
		{"archive.name", BYTES_OF_LITERAL(BEGUN FILE_HEAD("\4", "a//b"))},
		{"archive.name", BYTES_OF_LITERAL(BEGUN FILE_HEAD("\2", ".a"))},
		{"archive.name", BYTES_OF_LITERAL(BEGUN FILE_HEAD("\3", "a b"))},
		{"archive.name", BYTES_OF_LITERAL(BEGUN FILE_HEAD("\11", "a/b/c/d/e"))},
		{"archive.size", BYTES_OF_LITERAL(BEGUN FILE_HEAD("\1", "a") SIZES("\1", "\2"))},
		{"sealed_file.end", BYTES_OF_LITERAL(BEGUN FILE_HEAD("\1", "a") SIZES("\2", "\2") "x")},
		{"archive.twice", BYTES_OF_LITERAL(BEGUN FILE_HEAD("\1", "a") SIZES("\1", "\1") "x" FILE_HEAD("\1", "a")
							   SIZES("\1", "\1") "x\0")},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(end) struct bench bench;
		_cleanup_(buffer_free) struct buffer description = {};
		begin(&bench);
		seal(&bench, cases[i].plain);
		char name[64];
		enum status status = unpack(&bench, "/to", &description);
		fail_name(name, sizeof name);
		if (status != STATUS_CORRUPT || strcmp(name, cases[i].name) != 0)
			fail_msg("case %zu: expected %s, got %s %s", i, cases[i].name, status_name(status), name);
	}
}

RUN_TESTS(T(what_was_put_in_comes_out_again), T(others_cannot_open_it), T(every_changed_byte_and_every_cut_is_noticed),
	  T(pieces_in_another_order_or_left_out_are_noticed), T(bad_archives_are_refused_by_name))
