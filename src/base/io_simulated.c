#include "base/io_simulated.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/simulated_medium.h"

struct open_file {
	struct inode *inode; /* null when closed */
	bool is_writable;
};

struct simulated_disk {
	struct io io; /* first: the operations find the disk by it */
	pthread_mutex_t mutex;
	struct medium medium;
	struct open_file *files; /* a number is never given twice */
	size_t file_count, file_capacity;
	uint64_t operations, crash_at;
	bool is_crashed;
	bool ignores_syncs;
	uint64_t capacity, used;
	struct {
		uint64_t left; /* UINT64_MAX: none planned */
		enum status status;
	} failures[SIMULATED_CALLS];
	int64_t realtime_ns, boottime_ns;
};

static struct simulated_disk *
disk_of(const struct io *io) {
	return (struct simulated_disk *)(uintptr_t)io;
}

static pthread_mutex_t *
hold(struct simulated_disk *disk) {
	pthread_mutex_lock(&disk->mutex);
	return &disk->mutex;
}

static void
release(pthread_mutex_t **mutex) {
	pthread_mutex_unlock(*mutex);
}

/* Until the end of the block. */
#define HOLD(disk) [[maybe_unused]] _cleanup_(release) pthread_mutex_t *held = hold(disk)

/* --- The operations. --- */

static enum status
crashed(void) {
	return fail(STATUS_IO, "io.crashed: the simulated machine has stopped");
}

/* Counts an operation; *cut tells that it is the one that is interrupted. */
static enum status
step(struct simulated_disk *disk, bool *cut) {
	*cut = false;
	if (disk->is_crashed)
		return crashed();
	if (disk->operations++ == disk->crash_at)
		*cut = disk->is_crashed = true;
	return OK;
}

static bool
fails_now(struct simulated_disk *disk, enum simulated_call call, enum status *status) {
	if (disk->failures[call].left == UINT64_MAX)
		return false;
	*status = disk->failures[call].status;
	return disk->failures[call].left-- == 0; /* wraps to UINT64_MAX: fails once */
}

static enum status
planned_failure(enum status status, const char *act) {
	return status == STATUS_UNAVAILABLE ? fail(status, "io.disk_full: %s, as planned", act)
					    : fail(status, "io.%s: fails as planned", act);
}

static enum status
file_inode(struct simulated_disk *disk, int file, struct inode **inode) {
	if (disk->is_crashed)
		return crashed();
	if (file < 0 || (size_t)file >= disk->file_count || disk->files[file].inode == nullptr)
		return fail(STATUS_INTERNAL, "io.closed: file %d is not open", file);
	*inode = disk->files[file].inode;
	return OK;
}

static enum status
writable_inode(struct simulated_disk *disk, int file, struct inode **inode) {
	TRY(file_inode(disk, file, inode));
	return disk->files[file].is_writable ? OK : fail(STATUS_INTERNAL, "io.read_only: file %d", file);
}

static enum status
simulated_open(const struct io *io, const char *path, int flags, int *file) {
	struct simulated_disk *disk = disk_of(io);
	HOLD(disk);
	bool cut = false;
	enum status planned;
	if (disk->is_crashed)
		return crashed();
	if (fails_now(disk, SIMULATED_OPEN, &planned))
		return planned_failure(planned, "open");
	struct inode *inode = medium_find(&disk->medium.cached, path);
	if (inode != nullptr && inode->is_directory)
		return fail(STATUS_IO, "io.open: %s is a directory", path);
	if (inode == nullptr && !(flags & IO_CREATE))
		return fail(STATUS_NOT_FOUND, "io.open: %s", path);
	if (inode != nullptr && (flags & IO_CREATE) && (flags & IO_EXCLUSIVE))
		return fail(STATUS_CONFLICT, "io.open: %s exists", path);
	if (!medium_parent_exists(&disk->medium.cached, path))
		return fail(STATUS_NOT_FOUND, "io.open: no directory for %s", path);
	if (inode == nullptr || (flags & IO_TRUNCATE))
		TRY(step(disk, &cut));
	if (cut && medium_random(&disk->medium, 2) == 0)
		return crashed();
	if (inode == nullptr) {
		inode = medium_create_inode(&disk->medium, false);
		medium_change(&disk->medium, medium_change_name(path, inode));
	} else if (flags & IO_TRUNCATE) {
		disk->used -= inode->size;
		medium_set_size(inode, 0);
	}
	if (cut)
		return crashed();
	disk->files = medium_grow(disk->files, disk->file_count, &disk->file_capacity, sizeof *disk->files);
	*file = (int)disk->file_count;
	disk->files[disk->file_count++] = (struct open_file){inode, (flags & IO_WRITE) != 0};
	return OK;
}

static enum status
simulated_close(const struct io *io, int file) {
	struct simulated_disk *disk = disk_of(io);
	HOLD(disk);
	struct inode *inode;
	TRY(file_inode(disk, file, &inode));
	if (inode->locked_by == file)
		inode->locked_by = -1;
	disk->files[file].inode = nullptr;
	return OK;
}

static enum status
simulated_read_at(const struct io *io, int file, uint64_t offset, void *to, size_t len, size_t *got) {
	struct simulated_disk *disk = disk_of(io);
	HOLD(disk);
	struct inode *inode;
	enum status planned;
	*got = 0;
	TRY(file_inode(disk, file, &inode));
	if (fails_now(disk, SIMULATED_READ, &planned))
		return planned_failure(planned, "read");
	if (offset >= inode->size)
		return OK;
	*got = inode->size - offset < len ? (size_t)(inode->size - offset) : len;
	memcpy(to, inode->cache + offset, *got);
	return OK;
}

static enum status
simulated_write_at(const struct io *io, int file, uint64_t offset, const void *from, size_t len) {
	struct simulated_disk *disk = disk_of(io);
	HOLD(disk);
	struct inode *inode;
	enum status planned;
	bool cut;
	TRY(writable_inode(disk, file, &inode));
	TRY(step(disk, &cut));
	if (cut || fails_now(disk, SIMULATED_WRITE, &planned)) {
		medium_write(inode, offset, from, medium_random(&disk->medium, len + 1));
		return cut ? crashed() : planned_failure(planned, "write");
	}
	uint64_t growth = offset + len > inode->size ? offset + len - inode->size : 0;
	if (disk->capacity != 0 && growth > 0 && disk->used + growth > disk->capacity)
		return fail(STATUS_UNAVAILABLE, "io.disk_full: %llu of %llu bytes are used",
			    (unsigned long long)disk->used, (unsigned long long)disk->capacity);
	disk->used += growth;
	medium_write(inode, offset, from, len);
	return OK;
}

static enum status
simulated_sync_data(const struct io *io, int file) {
	struct simulated_disk *disk = disk_of(io);
	HOLD(disk);
	struct inode *inode;
	enum status planned = OK;
	bool cut;
	TRY(file_inode(disk, file, &inode));
	TRY(step(disk, &cut));
	bool fails = !cut && fails_now(disk, SIMULATED_SYNC, &planned);
	if (disk->ignores_syncs && !cut && !fails)
		return OK;
	for (size_t sector = 0; sector < inode->capacity / SIMULATED_SECTOR; sector++) {
		if (inode->sectors[sector] == SECTOR_CUT && !cut && !fails)
			medium_make_durable(inode, sector);
		if (inode->sectors[sector] != SECTOR_DIRTY)
			continue;
		if ((cut || fails) && medium_random(&disk->medium, 2) == 0)
			inode->sectors[sector] = cut ? SECTOR_DIRTY : SECTOR_LOST;
		else
			medium_make_durable(inode, sector);
	}
	if (!cut && !fails) {
		inode->durable_size = inode->size;
		inode->cut_to = UINT64_MAX;
	}
	return cut ? crashed() : fails ? planned_failure(planned, "sync") : OK;
}

static enum status
simulated_truncate(const struct io *io, int file, uint64_t size) {
	struct simulated_disk *disk = disk_of(io);
	HOLD(disk);
	struct inode *inode;
	bool cut;
	TRY(writable_inode(disk, file, &inode));
	TRY(step(disk, &cut));
	if (cut && medium_random(&disk->medium, 2) == 0)
		return crashed();
	disk->used = disk->used - inode->size + size;
	medium_set_size(inode, size);
	return cut ? crashed() : OK;
}

static enum status
simulated_lock(const struct io *io, int file) {
	struct simulated_disk *disk = disk_of(io);
	HOLD(disk);
	struct inode *inode;
	TRY(file_inode(disk, file, &inode));
	if (inode->locked_by >= 0 && inode->locked_by != file)
		return fail(STATUS_CONFLICT, "io.lock: held");
	inode->locked_by = file;
	return OK;
}

static enum status
simulated_rename(const struct io *io, const char *from, const char *to) {
	struct simulated_disk *disk = disk_of(io);
	HOLD(disk);
	bool cut;
	enum status planned;
	TRY(step(disk, &cut));
	if (!cut && fails_now(disk, SIMULATED_RENAME, &planned))
		return planned_failure(planned, "rename");
	struct inode *inode = medium_find(&disk->medium.cached, from),
		     *replaced = medium_find(&disk->medium.cached, to);
	if (inode == nullptr || !medium_parent_exists(&disk->medium.cached, to))
		return fail(STATUS_NOT_FOUND, "io.rename: %s to %s", from, to);
	if (cut && medium_random(&disk->medium, 2) == 0)
		return crashed();
	if (replaced != nullptr)
		disk->used -= replaced->size;
	medium_change(&disk->medium,
		      (struct change){.names = {{(char *)(uintptr_t)to, inode}, {(char *)(uintptr_t)from, nullptr}},
				      .count = 2});
	return cut ? crashed() : OK;
}

static enum status
simulated_unlink(const struct io *io, const char *path) {
	struct simulated_disk *disk = disk_of(io);
	HOLD(disk);
	bool cut;
	enum status planned;
	TRY(step(disk, &cut));
	if (!cut && fails_now(disk, SIMULATED_UNLINK, &planned))
		return planned_failure(planned, "unlink");
	struct inode *inode = medium_find(&disk->medium.cached, path);
	if (inode == nullptr)
		return fail(STATUS_NOT_FOUND, "io.unlink: %s", path);
	if (cut && medium_random(&disk->medium, 2) == 0)
		return crashed();
	disk->used -= inode->size;
	medium_change(&disk->medium, medium_change_name(path, nullptr));
	return cut ? crashed() : OK;
}

static enum status
simulated_make_directory(const struct io *io, const char *path) {
	struct simulated_disk *disk = disk_of(io);
	HOLD(disk);
	bool cut;
	if (disk->is_crashed)
		return crashed();
	if (medium_directory_exists(&disk->medium.cached, path))
		return OK;
	if (!medium_parent_exists(&disk->medium.cached, path))
		return fail(STATUS_NOT_FOUND, "io.mkdir: no directory for %s", path);
	TRY(step(disk, &cut));
	if (cut && medium_random(&disk->medium, 2) == 0)
		return crashed();
	medium_change(&disk->medium, medium_change_name(path, medium_create_inode(&disk->medium, true)));
	return cut ? crashed() : OK;
}

static enum status
simulated_sync_directory(const struct io *io, const char *path) {
	struct simulated_disk *disk = disk_of(io);
	HOLD(disk);
	bool cut;
	enum status planned;
	if (!medium_directory_exists(&disk->medium.cached, path) && !disk->is_crashed)
		return fail(STATUS_NOT_FOUND, "io.open: %s", path);
	TRY(step(disk, &cut));
	if (cut)
		return crashed(); /* its changes stay undecided until the power is lost */
	if (fails_now(disk, SIMULATED_SYNC, &planned))
		return planned_failure(planned, "sync");
	if (disk->ignores_syncs)
		return OK;
	medium_sync_directory(&disk->medium, path);
	return OK;
}

static enum status
simulated_size(const struct io *io, int file, uint64_t *size) {
	struct simulated_disk *disk = disk_of(io);
	HOLD(disk);
	struct inode *inode;
	TRY(file_inode(disk, file, &inode));
	*size = inode->size;
	return OK;
}

static enum status
list_names(const struct io *io, const char *path, struct names *listed) {
	struct simulated_disk *disk = disk_of(io);
	HOLD(disk);
	if (disk->is_crashed)
		return crashed();
	if (!medium_directory_exists(&disk->medium.cached, path))
		return fail(STATUS_NOT_FOUND, "io.list: %s", path);
	for (size_t i = 0; i < disk->medium.cached.count; i++)
		if (medium_is_in_directory(disk->medium.cached.items[i].path, path))
			names_set(listed, disk->medium.cached.items[i].path, disk->medium.cached.items[i].inode);
	return OK;
}

/* The visitor may itself use the disk, so the names are copied first. */
static enum status
simulated_list_directory(const struct io *io, const char *path, enum status (*visit)(void *, const char *),
			 void *context) {
	struct names listed = {};
	enum status status = list_names(io, path, &listed);
	for (size_t i = 0; status == OK && i < listed.count; i++) {
		const char *slash = strrchr(listed.items[i].path, '/');
		status = visit(context, slash == nullptr ? listed.items[i].path : slash + 1);
	}
	names_clear(&listed);
	free(listed.items);
	return status;
}

static int64_t
simulated_realtime_ns(const struct io *io) {
	struct simulated_disk *disk = disk_of(io);
	HOLD(disk);
	return disk->realtime_ns;
}

static int64_t
simulated_boottime_ns(const struct io *io) {
	struct simulated_disk *disk = disk_of(io);
	HOLD(disk);
	return disk->boottime_ns;
}

/* --- What the test does. --- */

enum status
simulated_disk_create(struct simulated_disk **disk, uint64_t seed) {
	static const struct io_operations operations = {
		.open = simulated_open,
		.close = simulated_close,
		.read_at = simulated_read_at,
		.write_at = simulated_write_at,
		.sync_data = simulated_sync_data,
		.size = simulated_size,
		.truncate = simulated_truncate,
		.lock = simulated_lock,
		.rename = simulated_rename,
		.unlink = simulated_unlink,
		.make_directory = simulated_make_directory,
		.sync_directory = simulated_sync_directory,
		.list_directory = simulated_list_directory,
		.realtime_ns = simulated_realtime_ns,
		.boottime_ns = simulated_boottime_ns,
	};
	struct simulated_disk *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	made->io.operations = &operations;
	pthread_mutex_init(&made->mutex, nullptr);
	made->medium.random = seed;
	made->crash_at = UINT64_MAX;
	for (size_t i = 0; i < SIMULATED_CALLS; i++)
		made->failures[i].left = UINT64_MAX;
	made->realtime_ns = INT64_C(1'767'225'600) * 1'000'000'000;
	made->boottime_ns = INT64_C(3600) * 1'000'000'000;
	*disk = made;
	return OK;
}

void
simulated_disk_destroy(struct simulated_disk **disk) {
	if (*disk == nullptr)
		return;
	struct simulated_disk *gone = TAKE(*disk);
	medium_free(&gone->medium);
	free(gone->files);
	pthread_mutex_destroy(&gone->mutex);
	free(gone);
}

enum status
simulated_disk_copy(const struct simulated_disk *from, struct simulated_disk **to, uint64_t seed) {
	TRY(simulated_disk_create(to, seed));
	for (size_t i = 0; i < from->medium.cached.count; i++) {
		const struct inode *inode = from->medium.cached.items[i].inode;
		struct inode *copy = medium_create_inode(&(*to)->medium, inode->is_directory);
		if (inode->size > 0)
			medium_write(copy, 0, inode->cache, inode->size);
		for (size_t sector = 0; sector < copy->capacity / SIMULATED_SECTOR; sector++)
			medium_make_durable(copy, sector);
		copy->durable_size = copy->size;
		(*to)->used += copy->size;
		names_set(&(*to)->medium.cached, from->medium.cached.items[i].path, copy);
		names_set(&(*to)->medium.durable, from->medium.cached.items[i].path, copy);
	}
	(*to)->realtime_ns = from->realtime_ns;
	(*to)->boottime_ns = from->boottime_ns;
	return OK;
}

const struct io *
simulated_disk_io(struct simulated_disk *disk) {
	return &disk->io;
}

uint64_t
simulated_disk_operations(struct simulated_disk *disk) {
	HOLD(disk);
	return disk->operations;
}

void
simulated_disk_crash_at(struct simulated_disk *disk, uint64_t operation) {
	HOLD(disk);
	disk->crash_at = operation;
}

bool
simulated_disk_is_crashed(struct simulated_disk *disk) {
	HOLD(disk);
	return disk->is_crashed;
}

static void
forget_process(struct simulated_disk *disk) {
	for (size_t i = 0; i < disk->file_count; i++)
		disk->files[i].inode = nullptr;
	disk->used = 0;
	for (struct inode *inode = disk->medium.inodes; inode != nullptr; inode = inode->next)
		inode->locked_by = -1;
	for (size_t i = 0; i < disk->medium.cached.count; i++)
		disk->used += disk->medium.cached.items[i].inode->size;
	disk->is_crashed = false;
	disk->crash_at = UINT64_MAX;
	for (size_t i = 0; i < SIMULATED_CALLS; i++)
		disk->failures[i].left = UINT64_MAX;
}

void
simulated_disk_restart(struct simulated_disk *disk) {
	HOLD(disk);
	forget_process(disk);
}

void
simulated_disk_lose_power(struct simulated_disk *disk) {
	HOLD(disk);
	medium_lose_power(&disk->medium);
	forget_process(disk);
}

/* FNV-1a: outcomes are told apart, nobody attacks. */
static uint64_t
hash_bytes(uint64_t hash, const void *data, size_t len) {
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ ((const uint8_t *)data)[i]) * UINT64_C(0x100000001b3);
	return hash;
}

uint64_t
simulated_disk_fingerprint(struct simulated_disk *disk) {
	HOLD(disk);
	uint64_t sum = 0; /* names have no order */
	for (size_t i = 0; i < disk->medium.cached.count; i++) {
		const struct name *name = &disk->medium.cached.items[i];
		uint64_t hash = hash_bytes(UINT64_C(0xcbf29ce484222325), name->path, strlen(name->path) + 1);
		sum += hash_bytes(hash, name->inode->cache, name->inode->size);
	}
	return sum;
}

void
simulated_disk_fail(struct simulated_disk *disk, enum simulated_call call, uint64_t nth, enum status status) {
	HOLD(disk);
	disk->failures[call].left = nth;
	disk->failures[call].status = status;
}

void
simulated_disk_set_capacity(struct simulated_disk *disk, uint64_t bytes) {
	HOLD(disk);
	disk->capacity = bytes;
}

void
simulated_disk_ignore_syncs(struct simulated_disk *disk, bool ignore) {
	HOLD(disk);
	disk->ignores_syncs = ignore;
}

enum status
simulated_disk_flip_bit(struct simulated_disk *disk, const char *path, uint64_t offset, unsigned bit) {
	HOLD(disk);
	struct inode *inode = medium_find(&disk->medium.cached, path);
	if (inode == nullptr || inode->is_directory)
		return fail(STATUS_NOT_FOUND, "io.open: %s", path);
	if (offset >= inode->size)
		return fail(STATUS_INVALID, "io.offset: %llu is past the end of %s", (unsigned long long)offset, path);
	inode->cache[offset] ^= (uint8_t)(1U << (bit & 7));
	inode->durable[offset] ^= (uint8_t)(1U << (bit & 7));
	return OK;
}

void
simulated_disk_advance_clock(struct simulated_disk *disk, int64_t ns) {
	HOLD(disk);
	disk->realtime_ns += ns;
	disk->boottime_ns += ns;
}

void
simulated_disk_step_realtime(struct simulated_disk *disk, int64_t by_ns) {
	HOLD(disk);
	disk->realtime_ns += by_ns;
}
