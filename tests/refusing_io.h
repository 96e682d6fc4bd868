/*
 * A disk of which one file, named by the end of its path, cannot be written while a test says so: neither it nor what SQLite keeps beside it.
 * All else goes to the io below. Include after tests/test.h.
 *
 * Owner: the caller. Errors: STATUS_UNAVAILABLE "io.refused".
 */
#ifndef GATEHOUSE_TESTS_REFUSING_IO_H
#define GATEHOUSE_TESTS_REFUSING_IO_H

#include "base/io.h"

constexpr int REFUSING_FILES = 4096;

struct refusing_io {
	struct io io; /* what is given to the keeper */
	const struct io *below;
	const char *name; /* "secrets.db" */
	bool refuses;
	size_t refused; /* writes */
	bool is_named[REFUSING_FILES];
};

static inline struct refusing_io *
refusing_of(const struct io *io) {
	return (struct refusing_io *)io;
}

static inline enum status
refusing_open(const struct io *io, const char *path, int flags, int *file) {
	struct refusing_io *refusing = refusing_of(io);
	enum status status = io_open(refusing->below, path, flags, file);
	if (status == OK && *file < REFUSING_FILES)
		refusing->is_named[*file] = strstr(path, refusing->name) != nullptr;
	return status;
}

static inline enum status
refusing_close(const struct io *io, int file) {
	return io_close(refusing_of(io)->below, file);
}

static inline enum status
refusing_read_at(const struct io *io, int file, uint64_t offset, void *to, size_t len, size_t *got) {
	return io_read_at(refusing_of(io)->below, file, offset, to, len, got);
}

static inline enum status
refusing_write_at(const struct io *io, int file, uint64_t offset, const void *from, size_t len) {
	struct refusing_io *refusing = refusing_of(io);
	if (!refusing->refuses || file >= REFUSING_FILES || !refusing->is_named[file])
		return io_write_at(refusing->below, file, offset, from, len);
	refusing->refused++;
	return fail(STATUS_UNAVAILABLE, "io.refused: this file cannot be written now");
}

static inline enum status
refusing_sync_data(const struct io *io, int file) {
	return io_sync_data(refusing_of(io)->below, file);
}

static inline enum status
refusing_size(const struct io *io, int file, uint64_t *size) {
	return io_size(refusing_of(io)->below, file, size);
}

static inline enum status
refusing_truncate(const struct io *io, int file, uint64_t size) {
	return io_truncate(refusing_of(io)->below, file, size);
}

static inline enum status
refusing_lock(const struct io *io, int file) {
	return io_lock(refusing_of(io)->below, file);
}

static inline enum status
refusing_rename(const struct io *io, const char *from, const char *to) {
	return io_rename(refusing_of(io)->below, from, to);
}

static inline enum status
refusing_unlink(const struct io *io, const char *path) {
	return io_unlink(refusing_of(io)->below, path);
}

static inline enum status
refusing_make_directory(const struct io *io, const char *path) {
	return io_make_directory(refusing_of(io)->below, path);
}

static inline enum status
refusing_sync_directory(const struct io *io, const char *path) {
	return io_sync_directory(refusing_of(io)->below, path);
}

static inline enum status
refusing_list_directory(const struct io *io, const char *path, enum status (*visit)(void *, const char *),
			void *context) {
	return io_list_directory(refusing_of(io)->below, path, visit, context);
}

static inline int64_t
refusing_realtime_ns(const struct io *io) {
	return io_realtime_ns(refusing_of(io)->below);
}

static inline int64_t
refusing_boottime_ns(const struct io *io) {
	return io_boottime_ns(refusing_of(io)->below);
}

static inline void
refusing_io_start(struct refusing_io *refusing, const struct io *below, const char *name) {
	static const struct io_operations operations = {.open = refusing_open,
							.close = refusing_close,
							.read_at = refusing_read_at,
							.write_at = refusing_write_at,
							.sync_data = refusing_sync_data,
							.size = refusing_size,
							.truncate = refusing_truncate,
							.lock = refusing_lock,
							.rename = refusing_rename,
							.unlink = refusing_unlink,
							.make_directory = refusing_make_directory,
							.sync_directory = refusing_sync_directory,
							.list_directory = refusing_list_directory,
							.realtime_ns = refusing_realtime_ns,
							.boottime_ns = refusing_boottime_ns};
	*refusing = (struct refusing_io){.io = {&operations}, .below = below, .name = name};
}

#endif
