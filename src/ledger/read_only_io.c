#include "ledger/read_only_io.h"

static const struct io *
below(const struct io *io) {
	return ((const struct read_only_io *)io)->below; /* its first member is what callers see */
}

static enum status
refuse(const char *what) {
	return fail(STATUS_INTERNAL, "read_only_io: %s was asked for", what);
}

static enum status
open_for_reading(const struct io *io, const char *path, int, int *file) {
	return io_open(below(io), path, IO_READ, file);
}

static enum status
close_file(const struct io *io, int file) {
	return io_close(below(io), file);
}

static enum status
read_at(const struct io *io, int file, uint64_t offset, void *to, size_t len, size_t *got) {
	return io_read_at(below(io), file, offset, to, len, got);
}

static enum status
write_at(const struct io *, int, uint64_t, const void *, size_t) {
	return refuse("a write");
}

static enum status
sync_data(const struct io *, int) {
	return OK;
}

static enum status
size_of(const struct io *io, int file, uint64_t *size) {
	return io_size(below(io), file, size);
}

static enum status
truncate_file(const struct io *, int, uint64_t) {
	return refuse("a truncation");
}

static enum status
lock_file(const struct io *, int) {
	return refuse("a lock");
}

static enum status
rename_file(const struct io *, const char *, const char *) {
	return refuse("a renaming");
}

static enum status
unlink_nothing(const struct io *, const char *) {
	return OK;
}

static enum status
make_directory(const struct io *, const char *) {
	return refuse("a directory");
}

static enum status
sync_directory(const struct io *, const char *) {
	return OK;
}

static enum status
list_directory(const struct io *io, const char *path, enum status (*visit)(void *, const char *), void *context) {
	return io_list_directory(below(io), path, visit, context);
}

static int64_t
realtime_ns(const struct io *io) {
	return io_realtime_ns(below(io));
}

static int64_t
boottime_ns(const struct io *io) {
	return io_boottime_ns(below(io));
}

struct read_only_io
read_only_io_over(const struct io *io) {
	static const struct io_operations operations = {
		.open = open_for_reading,
		.close = close_file,
		.read_at = read_at,
		.write_at = write_at,
		.sync_data = sync_data,
		.size = size_of,
		.truncate = truncate_file,
		.lock = lock_file,
		.rename = rename_file,
		.unlink = unlink_nothing,
		.make_directory = make_directory,
		.sync_directory = sync_directory,
		.list_directory = list_directory,
		.realtime_ns = realtime_ns,
		.boottime_ns = boottime_ns,
	};
	return (struct read_only_io){{&operations}, io};
}
