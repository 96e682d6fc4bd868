/*
 * The fault seam: every open, read, write, sync, rename and clock reading of the store and the ledger goes through a
 * struct io, so that tests can fail, tear, reorder or cut any of them (base/io_simulated.h) and step the clock.
 *
 * Owner: the caller of io_open() closes the file. Threads: the system's io may be used from any thread.
 * Errors: STATUS_IO with path and errno; STATUS_NOT_FOUND where a file does not exist; STATUS_CONFLICT where it exists and
 * must not; STATUS_UNAVAILABLE when the disk is full. A short write is continued; a read past the end is short.
 */
#ifndef GATEHOUSE_BASE_IO_H
#define GATEHOUSE_BASE_IO_H

#include "base/bytes.h"

struct io;

enum io_open_flags {
	IO_READ = 0,
	IO_WRITE = 1 << 0,     /* read and write */
	IO_CREATE = 1 << 1,    /* create if absent, mode 0600 */
	IO_EXCLUSIVE = 1 << 2, /* with IO_CREATE: fail if present */
	IO_TRUNCATE = 1 << 3,
	/* Writes bypass the page cache where the file system can, and else do not: buffers, offsets and lengths are multiples of
	 * IO_DIRECT_ALIGNMENT. They still need a sync. Not with IO_EXCLUSIVE. */
	IO_DIRECT = 1 << 4,
};
constexpr size_t IO_DIRECT_ALIGNMENT = 4096;

struct io_operations {
	enum status (*open)(const struct io *, const char *path, int flags, int *file);
	enum status (*close)(const struct io *, int file);
	enum status (*read_at)(const struct io *, int file, uint64_t offset, void *to, size_t len, size_t *got);
	enum status (*write_at)(const struct io *, int file, uint64_t offset, const void *from, size_t len);
	enum status (*sync_data)(const struct io *, int file); /* fdatasync */
	enum status (*size)(const struct io *, int file, uint64_t *size);
	enum status (*truncate)(const struct io *, int file, uint64_t size);
	enum status (*lock)(const struct io *, int file); /* exclusive, not waiting: STATUS_CONFLICT if held */
	enum status (*rename)(const struct io *, const char *from, const char *to);
	enum status (*unlink)(const struct io *, const char *path);         /* of a file, or of an empty directory */
	enum status (*make_directory)(const struct io *, const char *path); /* 0700; OK if present */
	enum status (*sync_directory)(const struct io *, const char *path);
	/* Calls visit with each name but "." and ".."; order is unspecified. */
	enum status (*list_directory)(const struct io *, const char *path,
				      enum status (*visit)(void *context, const char *name), void *context);
	int64_t (*realtime_ns)(const struct io *);
	int64_t (*boottime_ns)(const struct io *);
};

struct io {
	const struct io_operations *operations;
};

/* The operating system itself. */
const struct io *io_system(void);

static inline enum status
io_open(const struct io *io, const char *path, int flags, int *file) {
	return io->operations->open(io, path, flags, file);
}
static inline enum status
io_close(const struct io *io, int file) {
	return io->operations->close(io, file);
}
static inline enum status
io_read_at(const struct io *io, int file, uint64_t offset, void *to, size_t len, size_t *got) {
	return io->operations->read_at(io, file, offset, to, len, got);
}
static inline enum status
io_write_at(const struct io *io, int file, uint64_t offset, const void *from, size_t len) {
	return io->operations->write_at(io, file, offset, from, len);
}
static inline enum status
io_sync_data(const struct io *io, int file) {
	return io->operations->sync_data(io, file);
}
static inline enum status
io_size(const struct io *io, int file, uint64_t *size) {
	return io->operations->size(io, file, size);
}
static inline enum status
io_truncate(const struct io *io, int file, uint64_t size) {
	return io->operations->truncate(io, file, size);
}
static inline enum status
io_lock(const struct io *io, int file) {
	return io->operations->lock(io, file);
}
static inline enum status
io_rename(const struct io *io, const char *from, const char *to) {
	return io->operations->rename(io, from, to);
}
static inline enum status
io_unlink(const struct io *io, const char *path) {
	return io->operations->unlink(io, path);
}
static inline enum status
io_make_directory(const struct io *io, const char *path) {
	return io->operations->make_directory(io, path);
}
static inline enum status
io_sync_directory(const struct io *io, const char *path) {
	return io->operations->sync_directory(io, path);
}
static inline enum status
io_list_directory(const struct io *io, const char *path, enum status (*visit)(void *, const char *), void *context) {
	return io->operations->list_directory(io, path, visit, context);
}
/* Nanoseconds since 1970 by the wall clock, and since boot, suspended time included. */
static inline int64_t
io_realtime_ns(const struct io *io) {
	return io->operations->realtime_ns(io);
}
static inline int64_t
io_boottime_ns(const struct io *io) {
	return io->operations->boottime_ns(io);
}

/* A whole file, at most max bytes, into *to (appended). */
enum status io_read_file(const struct io *io, const char *path, size_t max, struct buffer *to);
/* Makes the name of path durable: syncs the directory that it stands in. */
enum status io_sync_parent(const struct io *io, const char *path);
/* Durable and atomic: written beside, synced, renamed over, directory synced. */
enum status io_replace_file(const struct io *io, const char *path, struct bytes content);

#endif
