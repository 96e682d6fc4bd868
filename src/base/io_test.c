#include "tests/test.h"
#include "base/io.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct folder {
	char path[64];
};

static char *
inside(const struct folder *folder, const char *name) {
	static char paths[4][128];
	static size_t next;
	char *path = paths[next++ % ARRAY_LENGTH(paths)];
	snprintf(path, sizeof paths[0], "%s/%s", folder->path, name);
	return path;
}

static void
folder_make(struct folder *folder) {
	snprintf(folder->path, sizeof folder->path, "/tmp/gatehouse-io-test-XXXXXX");
	assert_non_null(mkdtemp(folder->path));
}

static enum status
remove_entry(void *context, const char *name) {
	(void)unlink(inside(context, name));
	(void)rmdir(inside(context, name));
	return OK;
}

static void
folder_remove(struct folder *folder) {
	IGNORE_STATUS(io_list_directory(io_system(), folder->path, remove_entry, folder)); /* a test's leftovers */
	rmdir(folder->path);
}

static void
what_is_written_is_read_back_at_its_place(void **) {
	_cleanup_(folder_remove) struct folder folder;
	folder_make(&folder);
	const struct io *io = io_system();
	int file;
	uint8_t read[16] = {};
	size_t got;
	uint64_t size;
	struct stat status;
	assert_ok(io_open(io, inside(&folder, "f"), IO_WRITE | IO_CREATE, &file));
	assert_int_equal(0, fstat(file, &status));
	assert_int_equal(0600, status.st_mode & 07777);
	assert_ok(io_write_at(io, file, 4, "data", 4));
	assert_ok(io_sync_data(io, file));
	assert_ok(io_size(io, file, &size));
	assert_int_equal(8, size);
	assert_ok(io_read_at(io, file, 0, read, sizeof read, &got)); /* a read past the end is short */
	assert_int_equal(8, got);
	assert_memory_equal("\0\0\0\0data", read, 8);
	assert_ok(io_read_at(io, file, 100, read, sizeof read, &got));
	assert_int_equal(0, got);
	assert_ok(io_truncate(io, file, 2));
	assert_ok(io_size(io, file, &size));
	assert_int_equal(2, size);
	assert_ok(io_close(io, file));
}

/* A pipe that nobody writes to does not hold who reads, and a link leads nobody elsewhere who makes a file. */
static void
what_lies_in_a_strangers_directory_is_opened_without_harm(void **) {
	_cleanup_(folder_remove) struct folder folder;
	folder_make(&folder);
	const struct io *io = io_system();
	_cleanup_(buffer_free) struct buffer read = {};
	int file;
	assert_int_equal(0, mkfifo(inside(&folder, "pipe"), 0600));
	alarm(30);
	assert_ok(io_read_file(io, inside(&folder, "pipe"), 100, &read));
	alarm(0);
	assert_int_equal(0, read.len);
	assert_int_equal(0, symlink(inside(&folder, "elsewhere"), inside(&folder, "link")));
	assert_fails(STATUS_IO, "io.open", io_open(io, inside(&folder, "link"), IO_WRITE | IO_CREATE, &file));
	assert_fails(STATUS_NOT_FOUND, "io.open", io_open(io, inside(&folder, "elsewhere"), IO_READ, &file));
}

static void
opening_says_what_is_missing_or_in_the_way(void **) {
	_cleanup_(folder_remove) struct folder folder;
	folder_make(&folder);
	const struct io *io = io_system();
	int file;
	assert_fails(STATUS_NOT_FOUND, "io.open", io_open(io, inside(&folder, "f"), IO_READ, &file));
	assert_fails(STATUS_NOT_FOUND, "io.open", io_open(io, inside(&folder, "f"), IO_WRITE, &file));
	assert_ok(io_open(io, inside(&folder, "f"), IO_WRITE | IO_CREATE | IO_EXCLUSIVE, &file));
	assert_ok(io_write_at(io, file, 0, "x", 1));
	assert_ok(io_close(io, file));
	assert_fails(STATUS_CONFLICT, "io.open",
		     io_open(io, inside(&folder, "f"), IO_WRITE | IO_CREATE | IO_EXCLUSIVE, &file));
	assert_ok(io_open(io, inside(&folder, "f"), IO_READ, &file));
	assert_fails(STATUS_IO, "io.write", io_write_at(io, file, 0, "y", 1));
	assert_ok(io_close(io, file));
	uint64_t size;
	assert_ok(io_open(io, inside(&folder, "f"), IO_WRITE | IO_TRUNCATE, &file));
	assert_ok(io_size(io, file, &size));
	assert_int_equal(0, size);
	assert_ok(io_close(io, file));
}

static void
calls_on_no_file_fail_by_name(void **) {
	const struct io *io = io_system();
	uint8_t byte;
	size_t got;
	uint64_t size;
	assert_fails(STATUS_IO, "io.read", io_read_at(io, -1, 0, &byte, 1, &got));
	assert_fails(STATUS_IO, "io.write", io_write_at(io, -1, 0, "x", 1));
	assert_fails(STATUS_IO, "io.sync", io_sync_data(io, -1));
	assert_fails(STATUS_IO, "io.size", io_size(io, -1, &size));
	assert_fails(STATUS_IO, "io.truncate", io_truncate(io, -1, 0));
	assert_fails(STATUS_IO, "io.lock", io_lock(io, -1));
	assert_fails(STATUS_IO, "io.close", io_close(io, -1));
	assert_fails(STATUS_NOT_FOUND, "io.rename", io_rename(io, "/no/such/file", "/no/such/other"));
	assert_fails(STATUS_NOT_FOUND, "io.unlink", io_unlink(io, "/no/such/file"));
	assert_fails(STATUS_NOT_FOUND, "io.mkdir", io_make_directory(io, "/no/such/folder"));
	assert_fails(STATUS_NOT_FOUND, "io.open", io_sync_directory(io, "/no/such/folder"));
	assert_fails(STATUS_NOT_FOUND, "io.list", io_list_directory(io, "/no/such/folder", remove_entry, nullptr));
}

static void
a_lock_is_held_by_one_opener(void **) {
	_cleanup_(folder_remove) struct folder folder;
	folder_make(&folder);
	const struct io *io = io_system();
	int first, second;
	assert_ok(io_open(io, inside(&folder, "lock"), IO_WRITE | IO_CREATE, &first));
	assert_ok(io_open(io, inside(&folder, "lock"), IO_WRITE, &second));
	assert_ok(io_lock(io, first));
	assert_fails(STATUS_CONFLICT, "io.lock", io_lock(io, second));
	assert_ok(io_close(io, first));
	assert_ok(io_lock(io, second));
	assert_ok(io_close(io, second));
}

static void
a_file_is_replaced_whole(void **) {
	_cleanup_(folder_remove) struct folder folder;
	folder_make(&folder);
	const struct io *io = io_system();
	_cleanup_(buffer_free) struct buffer content = {};
	assert_ok(io_replace_file(io, inside(&folder, "f"), BYTES_OF_LITERAL("a longer first content")));
	assert_ok(io_replace_file(io, inside(&folder, "f"), BYTES_OF_LITERAL("second")));
	assert_ok(io_read_file(io, inside(&folder, "f"), 6, &content));
	assert_bytes(BYTES_OF_LITERAL("second"), buffer_bytes(&content));
	assert_ok(io_read_file(io, inside(&folder, "f"), 100, &content));
	assert_bytes(BYTES_OF_LITERAL("secondsecond"), buffer_bytes(&content));
	assert_int_not_equal(0, access(inside(&folder, "f.new"), F_OK));
	assert_fails(STATUS_TOO_LARGE, "io.size", io_read_file(io, inside(&folder, "f"), 5, &content));
	assert_fails(STATUS_NOT_FOUND, "io.open", io_read_file(io, inside(&folder, "g"), 5, &content));
	assert_fails(STATUS_NOT_FOUND, "io.open", io_replace_file(io, "/no/such/folder/f", BYTES_OF_LITERAL("")));
	static char deep[5000];
	memset(deep, 'a', sizeof deep - 1);
	assert_fails(STATUS_INVALID, "io.path", io_replace_file(io, deep, BYTES_OF_LITERAL("")));
}

struct names {
	size_t count;
	size_t stop_at;
};

static enum status
count_name(void *context, const char *name) {
	struct names *names = context;
	assert_true(strcmp(name, "a") == 0 || strcmp(name, "b") == 0 || strcmp(name, "c") == 0);
	return ++names->count == names->stop_at ? fail(STATUS_CONFLICT, "test.stop: here") : OK;
}

static void
a_directory_lists_its_entries_and_stops_when_told(void **) {
	_cleanup_(folder_remove) struct folder folder;
	folder_make(&folder);
	const struct io *io = io_system();
	struct names names = {};
	assert_ok(io_make_directory(io, inside(&folder, "a")));
	assert_ok(io_make_directory(io, inside(&folder, "a"))); /* OK if present */
	assert_ok(io_replace_file(io, inside(&folder, "b"), BYTES_OF_LITERAL("")));
	assert_ok(io_rename(io, inside(&folder, "b"), inside(&folder, "c")));
	assert_ok(io_sync_directory(io, folder.path));
	assert_ok(io_list_directory(io, folder.path, count_name, &names));
	assert_int_equal(2, names.count);
	names = (struct names){.stop_at = 1};
	assert_fails(STATUS_CONFLICT, "test.stop", io_list_directory(io, folder.path, count_name, &names));
	assert_int_equal(1, names.count);
	assert_ok(io_unlink(io, inside(&folder, "c")));
}

static void
clocks_go_forward(void **) {
	const struct io *io = io_system();
	int64_t boot = io_boottime_ns(io), wall = io_realtime_ns(io);
	assert_true(boot > 0 && wall > INT64_C(1'700'000'000'000'000'000));
	assert_true(io_boottime_ns(io) >= boot);
}

static void
direct_writes_are_read_back_like_any_other_and_those_out_of_line_are_written_too(void **) {
	_cleanup_(folder_remove) struct folder folder;
	folder_make(&folder);
	const struct io *io = io_system();
	uint8_t *aligned = aligned_alloc(IO_DIRECT_ALIGNMENT, 2 * IO_DIRECT_ALIGNMENT);
	static uint8_t read[2 * IO_DIRECT_ALIGNMENT + 1];
	size_t got;
	int file;
	assert_non_null(aligned);
	memset(aligned, 'a', 2 * IO_DIRECT_ALIGNMENT);
	assert_ok(io_open(io, inside(&folder, "f"), IO_WRITE | IO_CREATE | IO_TRUNCATE | IO_DIRECT, &file));
	assert_ok(io_write_at(io, file, 0, aligned, 2 * IO_DIRECT_ALIGNMENT));
	assert_ok(io_write_at(io, file, 100, aligned + 1, 3000)); /* no file system takes this one directly */
	assert_ok(io_write_at(io, file, 5000, "b", 1));
	assert_ok(io_sync_data(io, file));
	assert_ok(io_close(io, file));
	assert_ok(io_open(io, inside(&folder, "f"), IO_READ, &file));
	assert_ok(io_read_at(io, file, 0, read, sizeof read, &got));
	assert_int_equal(got, 2 * IO_DIRECT_ALIGNMENT);
	aligned[5000] = 'b';
	assert_memory_equal(read, aligned, 2 * IO_DIRECT_ALIGNMENT);
	assert_ok(io_close(io, file));
	free(aligned);
}

RUN_TESTS(T(what_is_written_is_read_back_at_its_place), T(what_lies_in_a_strangers_directory_is_opened_without_harm),
	  T(opening_says_what_is_missing_or_in_the_way), T(calls_on_no_file_fail_by_name),
	  T(a_lock_is_held_by_one_opener), T(a_file_is_replaced_whole),
	  T(a_directory_lists_its_entries_and_stops_when_told), T(clocks_go_forward),
	  T(direct_writes_are_read_back_like_any_other_and_those_out_of_line_are_written_too))
