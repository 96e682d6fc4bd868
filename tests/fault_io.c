#include "tests/test.h"
#include "tests/fault_io.h"

#include <sys/mman.h>

static const struct fault_controls *
controls_of(const struct io *io) {
	return ((const struct fault_io *)(const void *)io)->controls;
}

static enum status
full(const char *what) {
	return fail(STATUS_UNAVAILABLE, "io.disk_full: %s", what);
}

static enum status
open_file(const struct io *io, const char *path, int flags, int *file) {
	if (!controls_of(io)->disk_full || !(flags & IO_CREATE))
		return io_open(io_system(), path, flags, file);
	enum status status = io_open(io_system(), path, flags & ~(IO_CREATE | IO_EXCLUSIVE), file);
	return status == STATUS_NOT_FOUND ? full(path) : status;
}

static enum status
close_file(const struct io *, int file) {
	return io_close(io_system(), file);
}

static enum status
read_at(const struct io *, int file, uint64_t offset, void *to, size_t len, size_t *got) {
	return io_read_at(io_system(), file, offset, to, len, got);
}

static enum status
write_at(const struct io *io, int file, uint64_t offset, const void *from, size_t len) {
	uint64_t size;
	TRY(io_size(io_system(), file, &size));
	if (controls_of(io)->disk_full && (offset > size || len > size - offset))
		return full("a write beyond the end of a file");
	return io_write_at(io_system(), file, offset, from, len);
}

static enum status
sync_data(const struct io *, int file) {
	return io_sync_data(io_system(), file);
}

static enum status
size_of(const struct io *, int file, uint64_t *size) {
	return io_size(io_system(), file, size);
}

static enum status
truncate_file(const struct io *io, int file, uint64_t size) {
	uint64_t old;
	TRY(io_size(io_system(), file, &old));
	if (controls_of(io)->disk_full && size > old)
		return full("a file that grows");
	return io_truncate(io_system(), file, size);
}

static enum status
lock_file(const struct io *, int file) {
	return io_lock(io_system(), file);
}

static enum status
rename_file(const struct io *, const char *from, const char *to) {
	return io_rename(io_system(), from, to);
}

static enum status
unlink_file(const struct io *, const char *path) {
	return io_unlink(io_system(), path);
}

static enum status
make_directory(const struct io *, const char *path) {
	return io_make_directory(io_system(), path);
}

static enum status
sync_directory(const struct io *, const char *path) {
	return io_sync_directory(io_system(), path);
}

static enum status
list_directory(const struct io *, const char *path, enum status (*visit)(void *context, const char *name),
	       void *context) {
	return io_list_directory(io_system(), path, visit, context);
}

static int64_t
realtime_ns(const struct io *io) {
	const struct fault_controls *controls = controls_of(io);
	int64_t standing_ns = controls->standing_realtime_ns;
	return (standing_ns != 0 ? standing_ns : io_realtime_ns(io_system())) + controls->realtime_ns;
}

static int64_t
boottime_ns(const struct io *io) {
	const struct fault_controls *controls = controls_of(io);
	int64_t standing_ns = controls->standing_boottime_ns;
	return (standing_ns != 0 ? standing_ns : io_boottime_ns(io_system())) + controls->boottime_ns;
}

static const struct io_operations operations = {
	.open = open_file,
	.close = close_file,
	.read_at = read_at,
	.write_at = write_at,
	.sync_data = sync_data,
	.size = size_of,
	.truncate = truncate_file,
	.lock = lock_file,
	.rename = rename_file,
	.unlink = unlink_file,
	.make_directory = make_directory,
	.sync_directory = sync_directory,
	.list_directory = list_directory,
	.realtime_ns = realtime_ns,
	.boottime_ns = boottime_ns,
};

void
fault_io_start(struct fault_io *fault) {
	void *shared =
		mmap(nullptr, sizeof *fault->controls, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(MAP_FAILED, shared);
	*fault = (struct fault_io){{&operations}, shared};
}

void
fault_io_stop(struct fault_io *fault) {
	munmap(fault->controls, sizeof *fault->controls);
}

void
fault_io_freeze(struct fault_io *fault) {
	fault->controls->standing_realtime_ns = io_realtime_ns(io_system());
	fault->controls->standing_boottime_ns = io_boottime_ns(io_system());
}

void
fault_io_pass(struct fault_io *fault, int64_t ms) {
	fault->controls->boottime_ns += ms * 1'000'000;
	fault->controls->realtime_ns += ms * 1'000'000;
}

void
fault_io_step(struct fault_io *fault, int64_t ms) {
	fault->controls->realtime_ns += ms * 1'000'000;
}
