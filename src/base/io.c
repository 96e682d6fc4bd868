#include "base/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static enum status
fail_path(const char *act, const char *path) {
	switch (errno) {
	case ENOENT:
		return fail_errno(STATUS_NOT_FOUND, "io.%s: %s", act, path);
	case EEXIST:
		return fail_errno(STATUS_CONFLICT, "io.%s: %s", act, path);
	case ENOSPC:
	case EDQUOT:
		return fail_errno(STATUS_UNAVAILABLE, "io.disk_full: %s %s", act, path);
	default:
		return fail_errno(STATUS_IO, "io.%s: %s", act, path);
	}
}

static enum status
system_open(const struct io *, const char *path, int flags, int *file) {
	/* What is only read may be a stranger's: a pipe without a writer must not hold its reader. What is made may lie in a
	 * directory that is another user's: no link leads root elsewhere. */
	int mode = O_CLOEXEC | O_NOCTTY | ((flags & IO_WRITE) ? O_RDWR : O_RDONLY | O_NONBLOCK);
	mode |= (flags & IO_CREATE) ? O_CREAT | O_NOFOLLOW : 0;
	mode |= (flags & IO_EXCLUSIVE) ? O_EXCL : 0;
	mode |= (flags & IO_TRUNCATE) ? O_TRUNC : 0;
	*file = open(path, mode | ((flags & IO_DIRECT) ? O_DIRECT : 0), 0600);
	if (*file < 0 && errno == EINVAL && (flags & IO_DIRECT))
		*file = open(path, mode, 0600);
	return *file < 0 ? fail_path("open", path) : OK;
}

static enum status
system_close(const struct io *, int file) {
	return close(file) == 0 ? OK : fail_errno(STATUS_IO, "io.close");
}

static enum status
system_read_at(const struct io *, int file, uint64_t offset, void *to, size_t len, size_t *got) {
	*got = 0;
	while (*got < len) {
		ssize_t n = pread(file, (uint8_t *)to + *got, len - *got, (off_t)(offset + *got));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_errno(STATUS_IO, "io.read: %zu bytes at %llu", len, (unsigned long long)offset);
		if (n == 0)
			break;
		*got += (size_t)n;
	}
	return OK;
}

/* Of a file system that takes the flag and not the write, or only wider alignments. */
static bool
give_up_direct(int file) {
	int flags = fcntl(file, F_GETFL);
	return flags >= 0 && (flags & O_DIRECT) && fcntl(file, F_SETFL, flags & ~O_DIRECT) == 0;
}

static enum status
system_write_at(const struct io *, int file, uint64_t offset, const void *from, size_t len) {
	size_t done = 0;
	while (done < len) {
		ssize_t n = pwrite(file, (const uint8_t *)from + done, len - done, (off_t)(offset + done));
		if (n < 0 && (errno == EINTR || (errno == EINVAL && give_up_direct(file))))
			continue;
		if (n < 0)
			return fail_path("write", "an open file");
		done += (size_t)n;
	}
	return OK;
}

static enum status
system_sync_data(const struct io *, int file) {
	return fdatasync(file) == 0 ? OK : fail_errno(STATUS_IO, "io.sync");
}

static enum status
system_size(const struct io *, int file, uint64_t *size) {
	struct stat status;
	if (fstat(file, &status) != 0)
		return fail_errno(STATUS_IO, "io.size");
	*size = (uint64_t)status.st_size;
	return OK;
}

static enum status
system_truncate(const struct io *, int file, uint64_t size) {
	return ftruncate(file, (off_t)size) == 0 ? OK : fail_path("truncate", "an open file");
}

static enum status
system_lock(const struct io *, int file) {
	if (flock(file, LOCK_EX | LOCK_NB) == 0)
		return OK;
	return fail_errno(errno == EWOULDBLOCK ? STATUS_CONFLICT : STATUS_IO, "io.lock");
}

static enum status
system_rename(const struct io *, const char *from, const char *to) {
	return rename(from, to) == 0 ? OK : fail_path("rename", to);
}

static enum status
system_unlink(const struct io *, const char *path) {
	return remove(path) == 0 ? OK : fail_path("unlink", path);
}

static enum status
system_make_directory(const struct io *, const char *path) {
	return mkdir(path, 0700) == 0 || errno == EEXIST ? OK : fail_path("mkdir", path);
}

static enum status
system_sync_directory(const struct io *, const char *path) {
	int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return fail_path("open", path);
	enum status status = fsync(directory) == 0 ? OK : fail_errno(STATUS_IO, "io.sync: directory %s", path);
	close(directory);
	return status;
}

static enum status
system_list_directory(const struct io *, const char *path, enum status (*visit)(void *, const char *), void *context) {
	DIR *directory = opendir(path);
	if (directory == nullptr)
		return fail_path("list", path);
	enum status status = OK;
	for (struct dirent *entry; status == OK && (entry = readdir(directory)) != nullptr;)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			status = visit(context, entry->d_name);
	closedir(directory);
	return status;
}

static int64_t
clock_ns(clockid_t clock) {
	struct timespec now;
	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

static int64_t
system_realtime_ns(const struct io *) {
	return clock_ns(CLOCK_REALTIME);
}

static int64_t
system_boottime_ns(const struct io *) {
	return clock_ns(CLOCK_BOOTTIME);
}

const struct io *
io_system(void) {
	static const struct io_operations operations = {
		.open = system_open,
		.close = system_close,
		.read_at = system_read_at,
		.write_at = system_write_at,
		.sync_data = system_sync_data,
		.size = system_size,
		.truncate = system_truncate,
		.lock = system_lock,
		.rename = system_rename,
		.unlink = system_unlink,
		.make_directory = system_make_directory,
		.sync_directory = system_sync_directory,
		.list_directory = system_list_directory,
		.realtime_ns = system_realtime_ns,
		.boottime_ns = system_boottime_ns,
	};
	static const struct io io = {&operations};
	return &io;
}

enum status
io_read_file(const struct io *io, const char *path, size_t max, struct buffer *to) {
	int file;
	TRY(io_open(io, path, IO_READ, &file));
	uint64_t size = 0;
	size_t got = 0;
	enum status status = io_size(io, file, &size);
	if (status == OK && size > max)
		status = fail(STATUS_TOO_LARGE, "io.size: %s has %llu bytes, at most %zu are read", path,
			      (unsigned long long)size, max);
	if (status == OK && !buffer_reserve(to, (size_t)size + 1))
		status = buffer_status(to);
	if (status == OK)
		status = io_read_at(io, file, 0, to->data + to->len, (size_t)size, &got);
	if (status == OK)
		to->len += got;
	IGNORE_STATUS(io_close(io, file)); /* nothing was written */
	return status;
}

static enum status
write_and_sync(const struct io *io, const char *path, struct bytes content) {
	int file;
	TRY(io_open(io, path, IO_WRITE | IO_CREATE | IO_TRUNCATE, &file));
	enum status status = io_write_at(io, file, 0, content.data, content.len);
	if (status == OK)
		status = io_sync_data(io, file);
	if (status == OK)
		return io_close(io, file);
	IGNORE_STATUS(io_close(io, file)); /* the first failure is the one to report */
	return status;
}

enum status
io_sync_parent(const struct io *io, const char *path) {
	char directory[PATH_MAX];
	if ((size_t)snprintf(directory, sizeof directory, "%s", path) >= sizeof directory)
		return fail(STATUS_INVALID, "io.path: too long: %s", path);
	char *slash = strrchr(directory, '/');
	if (slash == nullptr)
		return io_sync_directory(io, ".");
	slash[slash == directory ? 1 : 0] = '\0';
	return io_sync_directory(io, directory);
}

enum status
io_replace_file(const struct io *io, const char *path, struct bytes content) {
	char beside[PATH_MAX];
	if ((size_t)snprintf(beside, sizeof beside, "%s.new", path) >= sizeof beside)
		return fail(STATUS_INVALID, "io.path: too long: %s", path);
	TRY(write_and_sync(io, beside, content));
	TRY(io_rename(io, beside, path));
	return io_sync_parent(io, path);
}
