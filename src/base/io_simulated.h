/*
 * A disk and a clock that exist in memory, behind struct io: what a crash may do to them can be tried exhaustively.
 *
 * Model. A write lands in the cache, in sectors of 512 bytes. sync_data makes the file's sectors and size durable. When the
 * power is lost, each sector that was not synced independently keeps its old content, has its new content, or is torn
 * between them, so that writes are dropped and reordered. A truncation that was not synced survives as a whole or not at all, as
 * in file systems that keep a journal of their metadata (ext4, XFS) or copy on write: what was cut off is there as before, or is gone. A name (create, rename, unlink) is durable only after
 * sync_directory; without it the power loss keeps a prefix of the changes to names, or any subset of them. After a sync that
 * failed the unsynced sectors stay readable and are never written by a later sync, as Linux does. A restart of the
 * process alone loses only open files and locks.
 *
 * Operations that can matter to durability (open that creates or truncates, write, truncate, sync, rename, unlink, make and
 * sync directory) are numbered from 0, so that a test can crash at every one of them: the operation takes effect partly,
 * and it and every later call fail with STATUS_IO "io.crashed" until the test loses power or restarts.
 *
 * Choices follow from the seed. Owner: the caller. Threads: any.
 */
#ifndef GATEHOUSE_BASE_IO_SIMULATED_H
#define GATEHOUSE_BASE_IO_SIMULATED_H

#include "base/io.h"

constexpr size_t SIMULATED_SECTOR = 512;

struct simulated_disk;

enum status simulated_disk_create(struct simulated_disk **disk, uint64_t seed);
/* The files as they are, nothing open: a backup, or an older data directory to be put back. */
enum status simulated_disk_copy(const struct simulated_disk *from, struct simulated_disk **to, uint64_t seed);
void simulated_disk_destroy(struct simulated_disk **disk); /* a cleanup function */
const struct io *simulated_disk_io(struct simulated_disk *disk);

/* The number of numbered operations until now. */
uint64_t simulated_disk_operations(struct simulated_disk *disk);
/* The operation of this number is cut. UINT64_MAX: none. */
void simulated_disk_crash_at(struct simulated_disk *disk, uint64_t operation);
bool simulated_disk_is_crashed(struct simulated_disk *disk);
/* The process ended and the machine lives: open files and locks are gone, the cache stays. */
void simulated_disk_restart(struct simulated_disk *disk);
/* The machine lost its power: what was not durable survives as the seed decides. Then like a restart. */
void simulated_disk_lose_power(struct simulated_disk *disk);
/* A hash of all names and contents, to count how many distinct outcomes a test has seen. */
uint64_t simulated_disk_fingerprint(struct simulated_disk *disk);

enum simulated_call {
	SIMULATED_OPEN,
	SIMULATED_READ,
	SIMULATED_WRITE,
	SIMULATED_SYNC, /* of data and of directories */
	SIMULATED_RENAME,
	SIMULATED_UNLINK,
	SIMULATED_CALLS,
};
/* The nth next call of this kind (0: the very next) fails once with status (STATUS_IO, or STATUS_UNAVAILABLE for a full
 * disk). A failing write leaves some of its bytes behind. */
void simulated_disk_fail(struct simulated_disk *disk, enum simulated_call call, uint64_t nth, enum status status);
/* Bytes of all files together; a write beyond gives STATUS_UNAVAILABLE "io.disk_full". 0: no limit. */
void simulated_disk_set_capacity(struct simulated_disk *disk, uint64_t bytes);
/* Syncs report success and do nothing: for the test that a suite notices a missing sync. */
void simulated_disk_ignore_syncs(struct simulated_disk *disk, bool ignore);
/* Damages what is stored, in cache and on the medium. */
enum status simulated_disk_flip_bit(struct simulated_disk *disk, const char *path, uint64_t offset, unsigned bit);

/* Both clocks stand still between calls of these. They start at 2026-01-01T00:00:00Z and at one hour. */
void simulated_disk_advance_clock(struct simulated_disk *disk, int64_t ns);    /* both */
void simulated_disk_step_realtime(struct simulated_disk *disk, int64_t by_ns); /* the wall clock alone */

#endif
