#include "store/blob.h"

#include <limits.h>
#include <stdio.h>
#include <stdatomic.h>
#include <unistd.h>

struct blob_paths {
	char directory[PATH_MAX];
	char path[PATH_MAX];
};

static enum status
make_paths(const char *directory, const struct hash256 *hash, struct blob_paths *paths) {
	char hex[65];
	hex_encode(hash256_bytes(hash), hex);
	if ((size_t)snprintf(paths->directory, PATH_MAX, "%s/%.2s", directory, hex) >= PATH_MAX ||
	    (size_t)snprintf(paths->path, PATH_MAX, "%s/%.2s/%s", directory, hex, hex) >= PATH_MAX)
		return fail(STATUS_INVALID, "io.path: too long: %s", directory);
	return OK;
}

/* Two writers of the same content write beside each other and rename over each other: the result is the same. */
static enum status
write_beside(const struct io *io, const char *path, struct bytes content, char beside[PATH_MAX]) {
	static atomic_uint_least64_t serial;
	int file;
	if ((size_t)snprintf(beside, PATH_MAX, "%s.%ld.%llu.new", path, (long)getpid(),
			     (unsigned long long)atomic_fetch_add(&serial, 1)) >= PATH_MAX)
		return fail(STATUS_INVALID, "io.path: too long: %s", path);
	TRY(io_open(io, beside, IO_WRITE | IO_CREATE | IO_TRUNCATE, &file));
	enum status status = io_write_at(io, file, 0, content.data, content.len);
	if (status == OK)
		status = io_sync_data(io, file);
	enum status closed = io_close(io, file);
	if (status == OK)
		status = closed;
	if (status != OK)
		IGNORE_STATUS(io_unlink(io, beside)); /* the failure before it is the one to report */
	return status;
}

enum status
blob_put(const struct io *io, const char *directory, struct bytes content, struct hash256 *hash) {
	struct blob_paths paths;
	char beside[PATH_MAX];
	if (content.len > BLOB_SIZE_MAX)
		return fail(STATUS_TOO_LARGE, "blob.size: %zu bytes, at most %zu", content.len, BLOB_SIZE_MAX);
	*hash = sha256(content);
	TRY(make_paths(directory, hash, &paths));
	TRY(io_make_directory(io, paths.directory));
	TRY(io_sync_directory(io, directory));
	/* Written also where it exists: a name that stands only in the cache of a process that ended proves nothing. */
	TRY(write_beside(io, paths.path, content, beside));
	TRY(io_rename(io, beside, paths.path));
	return io_sync_directory(io, paths.directory);
}

enum status
blob_get(const struct io *io, const char *directory, const struct hash256 *hash, struct buffer *content) {
	struct blob_paths paths;
	size_t start = content->len;
	TRY(make_paths(directory, hash, &paths));
	enum status status = io_read_file(io, paths.path, BLOB_SIZE_MAX, content);
	if (status == STATUS_NOT_FOUND)
		return fail(STATUS_NOT_FOUND, "blob.missing: %s", paths.path);
	TRY(status);
	struct hash256 found = sha256(bytes_of(content->data + start, content->len - start));
	if (hash256_equal(&found, hash))
		return OK;
	content->len = start;
	return fail(STATUS_CORRUPT, "blob.hash: the content of %s is not what its name says", paths.path);
}

struct sweep {
	const struct io *io;
	const char *directory;
};

static enum status
sweep_file(void *context, const char *name) {
	const struct sweep *sweep = context;
	char path[PATH_MAX];
	size_t len = strlen(name);
	if (len < 4 || strcmp(name + len - 4, ".new") != 0)
		return OK;
	if ((size_t)snprintf(path, sizeof path, "%s/%s", sweep->directory, name) >= sizeof path)
		return fail(STATUS_INVALID, "io.path: too long: %s", sweep->directory);
	return io_unlink(sweep->io, path);
}

static enum status
sweep_directory(void *context, const char *name) {
	const struct sweep *sweep = context;
	char path[PATH_MAX];
	if (strlen(name) != 2)
		return OK;
	if ((size_t)snprintf(path, sizeof path, "%s/%s", sweep->directory, name) >= sizeof path)
		return fail(STATUS_INVALID, "io.path: too long: %s", sweep->directory);
	return io_list_directory(sweep->io, path, sweep_file, &(struct sweep){sweep->io, path});
}

enum status
blob_sweep(const struct io *io, const char *directory) {
	return io_list_directory(io, directory, sweep_directory, &(struct sweep){io, directory});
}
