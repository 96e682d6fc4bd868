#include "store/database_vfs.h"

#include <limits.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/random.h"

struct database_vfs {
	sqlite3_vfs vfs;
	const struct io *io;
	char name[40];
};

struct vfs_file {
	sqlite3_file base; /* first */
	const struct io *io;
	int file;
	bool sync_directory; /* its name is not durable yet */
	char path[PATH_MAX];
};

static struct vfs_file *
file_of(sqlite3_file *file) {
	return (struct vfs_file *)file;
}

static const struct io *
io_of(sqlite3_vfs *vfs) {
	return ((struct database_vfs *)vfs->pAppData)->io;
}

static int
code_of(enum status status, int otherwise) {
	switch (status) {
	case OK:
		return SQLITE_OK;
	case STATUS_UNAVAILABLE:
		return SQLITE_FULL;
	case STATUS_NO_MEMORY:
		return SQLITE_NOMEM;
	default:
		return otherwise;
	}
}

/* --- Files. --- */

static int
vfs_close(sqlite3_file *base) {
	struct vfs_file *file = file_of(base);
	return code_of(io_close(file->io, file->file), SQLITE_IOERR_CLOSE);
}

static int
vfs_read(sqlite3_file *base, void *to, int len, sqlite3_int64 offset) {
	struct vfs_file *file = file_of(base);
	size_t got;
	if (io_read_at(file->io, file->file, (uint64_t)offset, to, (size_t)len, &got) != OK)
		return SQLITE_IOERR_READ;
	if (got == (size_t)len)
		return SQLITE_OK;
	memset((uint8_t *)to + got, 0, (size_t)len - got); /* SQLite demands it */
	return SQLITE_IOERR_SHORT_READ;
}

static int
vfs_write(sqlite3_file *base, const void *from, int len, sqlite3_int64 offset) {
	struct vfs_file *file = file_of(base);
	return code_of(io_write_at(file->io, file->file, (uint64_t)offset, from, (size_t)len), SQLITE_IOERR_WRITE);
}

static int
vfs_truncate(sqlite3_file *base, sqlite3_int64 size) {
	struct vfs_file *file = file_of(base);
	return code_of(io_truncate(file->io, file->file, (uint64_t)size), SQLITE_IOERR_TRUNCATE);
}

static int
vfs_sync(sqlite3_file *base, int) {
	struct vfs_file *file = file_of(base);
	enum status status = io_sync_data(file->io, file->file);
	if (status == OK && file->sync_directory)
		status = io_sync_parent(file->io, file->path);
	if (status == OK)
		file->sync_directory = false;
	return code_of(status, SQLITE_IOERR_FSYNC);
}

static int
vfs_file_size(sqlite3_file *base, sqlite3_int64 *size) {
	struct vfs_file *file = file_of(base);
	uint64_t bytes;
	if (io_size(file->io, file->file, &bytes) != OK)
		return SQLITE_IOERR_FSTAT;
	*size = (sqlite3_int64)bytes;
	return SQLITE_OK;
}

static int
vfs_lock(sqlite3_file *, int) {
	return SQLITE_OK;
}

static int
vfs_check_reserved_lock(sqlite3_file *, int *is_held) {
	*is_held = 0;
	return SQLITE_OK;
}

static int
vfs_file_control(sqlite3_file *, int, void *) {
	return SQLITE_NOTFOUND;
}

static int
vfs_sector_size(sqlite3_file *) {
	return 4096;
}

static int
vfs_device_characteristics(sqlite3_file *) {
	return 0; /* nothing is promised about writes that were not synced */
}

/* --- Names. --- */

static bool
exists(const struct io *io, const char *path) {
	int file;
	if (io_open(io, path, IO_READ, &file) != OK)
		return false;
	IGNORE_STATUS(io_close(io, file)); /* nothing was written */
	return true;
}

static int
vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *base, int flags, int *out_flags) {
	static const sqlite3_io_methods methods = {
		.iVersion = 1,
		.xClose = vfs_close,
		.xRead = vfs_read,
		.xWrite = vfs_write,
		.xTruncate = vfs_truncate,
		.xSync = vfs_sync,
		.xFileSize = vfs_file_size,
		.xLock = vfs_lock,
		.xUnlock = vfs_lock,
		.xCheckReservedLock = vfs_check_reserved_lock,
		.xFileControl = vfs_file_control,
		.xSectorSize = vfs_sector_size,
		.xDeviceCharacteristics = vfs_device_characteristics,
	};
	struct vfs_file *file = file_of(base);
	*file = (struct vfs_file){.io = io_of(vfs)};
	if (path == nullptr || strlen(path) >= sizeof file->path)
		return SQLITE_CANTOPEN; /* temporary files are kept in memory */
	int mode = IO_READ;
	mode |= (flags & SQLITE_OPEN_READWRITE) ? IO_WRITE : 0;
	mode |= (flags & SQLITE_OPEN_CREATE) ? IO_CREATE : 0;
	mode |= (flags & SQLITE_OPEN_EXCLUSIVE) ? IO_EXCLUSIVE : 0;
	file->sync_directory = (flags & SQLITE_OPEN_CREATE) && !exists(file->io, path);
	snprintf(file->path, sizeof file->path, "%s", path);
	enum status status = io_open(file->io, path, mode, &file->file);
	if (status != OK)
		return code_of(status, SQLITE_CANTOPEN);
	base->pMethods = &methods;
	if (out_flags != nullptr)
		*out_flags = flags;
	return SQLITE_OK;
}

static int
vfs_delete(sqlite3_vfs *vfs, const char *path, int sync_directory) {
	enum status status = io_unlink(io_of(vfs), path);
	if (status == STATUS_NOT_FOUND)
		return SQLITE_IOERR_DELETE_NOENT;
	if (status == OK && sync_directory)
		status = io_sync_parent(io_of(vfs), path);
	return code_of(status, SQLITE_IOERR_DELETE);
}

static int
vfs_access(sqlite3_vfs *vfs, const char *path, int, int *result) {
	*result = exists(io_of(vfs), path);
	return SQLITE_OK;
}

static int
vfs_full_pathname(sqlite3_vfs *, const char *path, int capacity, char *full) {
	return snprintf(full, (size_t)capacity, "%s", path) < capacity ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int
vfs_randomness(sqlite3_vfs *, int len, char *to) {
	random_bytes(to, (size_t)len);
	return len;
}

static int
vfs_sleep(sqlite3_vfs *, int microseconds) {
	usleep((useconds_t)microseconds);
	return microseconds;
}

static int
vfs_current_time(sqlite3_vfs *vfs, double *julian_days) {
	*julian_days = 2'440'587.5 + (double)io_realtime_ns(io_of(vfs)) / 86'400e9;
	return SQLITE_OK;
}

static int
vfs_last_error(sqlite3_vfs *, int, char *) {
	return 0;
}

enum status
database_vfs_register(const struct io *io, struct database_vfs **vfs) {
	static atomic_uint serial;
	struct database_vfs *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	made->io = io;
	snprintf(made->name, sizeof made->name, "gatehouse-%u", atomic_fetch_add(&serial, 1));
	made->vfs = (sqlite3_vfs){
		.iVersion = 1,
		.szOsFile = sizeof(struct vfs_file),
		.mxPathname = PATH_MAX - 1,
		.zName = made->name,
		.pAppData = made,
		.xOpen = vfs_open,
		.xDelete = vfs_delete,
		.xAccess = vfs_access,
		.xFullPathname = vfs_full_pathname,
		.xRandomness = vfs_randomness,
		.xSleep = vfs_sleep,
		.xCurrentTime = vfs_current_time,
		.xGetLastError = vfs_last_error,
	};
	if (sqlite3_vfs_register(&made->vfs, 0) != SQLITE_OK) {
		free(made);
		return fail(STATUS_INTERNAL, "database.vfs: it cannot be registered");
	}
	*vfs = made;
	return OK;
}

void
database_vfs_unregister(struct database_vfs **vfs) {
	if (*vfs == nullptr)
		return;
	struct database_vfs *gone = TAKE(*vfs);
	sqlite3_vfs_unregister(&gone->vfs);
	free(gone);
}

const char *
database_vfs_name(const struct database_vfs *vfs) {
	return vfs->name;
}
