/*
 * Readers: store/archive.c (get_number, archive_read_description, archive_next, make_folders, take_content, archive_take_file, check_name),
 * store/sealed_file.c (read_in, read_recipients, read_header, sealed_reader_open, read_piece, sealed_reader_get, sealed_reader_end)
 * With the first byte even, the rest is a file as it lies on the disk; odd, it is the stream inside one that is sealed well. Whatever
 * is unpacked lies below its folder.
 */
#include <stdlib.h>

#include "base/io_simulated.h"
#include "store/archive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct secret private_key; /* of the process: making one is slow, and no input depends on it */
static uint8_t public_key[KEM_PUBLIC_SIZE];

static void
must(enum status status) {
	if (status != OK)
		abort();
}

static void
seal(const struct io *io, struct bytes plain) {
	_cleanup_(sealed_writer_close) struct sealed_writer *writer = nullptr;
	struct bytes recipient = BYTES_OF_ARRAY(public_key);
	struct hash256 hash;
	must(sealed_writer_create(io, "/archive", &recipient, 1, &writer));
	must(sealed_writer_put(writer, plain));
	must(sealed_writer_finish(writer, &hash));
}

/* Behind a header that is ours, so that what follows it is reached, or alone. */
static void
put_raw(const struct io *io, struct bytes raw) {
	_cleanup_(buffer_free) struct buffer bytes = {};
	size_t header = 12 + sizeof(struct hash256) + KEM_CIPHERTEXT_SIZE + 60;
	seal(io, BYTES_OF_LITERAL("x"));
	must(io_read_file(io, "/archive", 1 << 20, &bytes));
	bytes.len = raw.len > 0 && raw.data[0] % 3 == 0 ? 0 : header;
	buffer_append_bytes(&bytes, raw);
	must(io_replace_file(io, "/archive", buffer_bytes(&bytes)));
}

static enum status
unpack(const struct io *io) {
	_cleanup_(sealed_reader_close) struct sealed_reader *reader = nullptr;
	_cleanup_(buffer_free) struct buffer description = {};
	struct archive_file file;
	bool more = true;
	TRY(sealed_reader_open(io, "/archive", secret_bytes(&private_key), &reader));
	TRY(archive_read_description(reader, &description));
	while (more) {
		TRY(archive_next(reader, &file, &more));
		if (more && file.size > 1 << 20)
			return OK; /* the disk is in memory */
		if (more)
			TRY(archive_take_file(reader, &file, io, "/to"));
	}
	return OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
	if (size == 0)
		return 0;
	if (private_key.data == nullptr)
		must(kem_generate(public_key, &private_key));
	must(simulated_disk_create(&disk, 1));
	const struct io *io = simulated_disk_io(disk);
	must(io_make_directory(io, "/to"));
	if (data[0] % 2 == 1)
		seal(io, bytes_of(data + 1, size - 1));
	else
		put_raw(io, bytes_of(data + 1, size - 1));
	IGNORE_STATUS(unpack(io)); /* refused or not: it ends, within its bounds */
	return 0;
}
