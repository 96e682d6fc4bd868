#include "tests/test.h"

#include "base/io_simulated.h"

static struct simulated_disk *
disk_with_synced_file(uint64_t seed) {
	struct simulated_disk *disk;
	int file;
	assert_ok(simulated_disk_create(&disk, seed));
	const struct io *io = simulated_disk_io(disk);
	assert_ok(io_make_directory(io, "/data"));
	assert_ok(io_sync_directory(io, "/"));
	assert_ok(io_open(io, "/data/file", IO_WRITE | IO_CREATE | IO_EXCLUSIVE, &file));
	uint8_t old[4 * SIMULATED_SECTOR];
	memset(old, 'o', sizeof old);
	assert_ok(io_write_at(io, file, 0, old, sizeof old));
	assert_ok(io_sync_data(io, file));
	assert_ok(io_sync_directory(io, "/data"));
	return disk;
}

static void
synced_bytes_and_names_survive_every_power_loss(void **) {
	for (uint64_t seed = 0; seed < 200; seed++) {
		_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = disk_with_synced_file(seed);
		_cleanup_(buffer_free) struct buffer content = {};
		simulated_disk_lose_power(disk);
		assert_ok(io_read_file(simulated_disk_io(disk), "/data/file", 1 << 20, &content));
		assert_int_equal(content.len, 4 * SIMULATED_SECTOR);
		for (size_t i = 0; i < content.len; i++)
			assert_int_equal(content.data[i], 'o');
	}
}

static void
unsynced_sectors_are_kept_dropped_torn_and_reordered(void **) {
	bool saw_all_old = false, saw_all_new = false, saw_torn = false, saw_reordered = false;
	for (uint64_t seed = 0; seed < 400; seed++) {
		_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = disk_with_synced_file(seed);
		_cleanup_(buffer_free) struct buffer content = {};
		const struct io *io = simulated_disk_io(disk);
		uint8_t new[4 * SIMULATED_SECTOR];
		int file;
		memset(new, 'n', sizeof new);
		assert_ok(io_open(io, "/data/file", IO_WRITE, &file));
		assert_ok(io_write_at(io, file, 0, new, sizeof new));
		simulated_disk_lose_power(disk);
		assert_ok(io_read_file(io, "/data/file", 1 << 20, &content));
		assert_int_equal(content.len, sizeof new);
		size_t count = 0;
		bool torn = false;
		for (size_t i = 0; i < content.len; i++) {
			count += content.data[i] == 'n';
			torn |= i % SIMULATED_SECTOR != 0 && content.data[i] != content.data[i - 1];
		}
		saw_all_old |= count == 0;
		saw_all_new |= count == content.len;
		saw_torn |= torn;
		saw_reordered |= content.data[0] == 'o' && content.data[SIMULATED_SECTOR] == 'n' && !torn;
	}
	assert_true(saw_all_old && saw_all_new && saw_torn && saw_reordered);
}

static void
a_rename_without_directory_sync_may_be_lost_and_with_it_may_not(void **) {
	unsigned lost = 0, kept = 0;
	for (uint64_t seed = 0; seed < 200; seed++)
		for (int synced = 0; synced < 2; synced++) {
			_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = disk_with_synced_file(seed);
			const struct io *io = simulated_disk_io(disk);
			int file;
			assert_ok(io_rename(io, "/data/file", "/data/renamed"));
			if (synced)
				assert_ok(io_sync_directory(io, "/data"));
			simulated_disk_lose_power(disk);
			enum status renamed = io_open(io, "/data/renamed", IO_READ, &file);
			enum status old = io_open(io, "/data/file", IO_READ, &file);
			assert_true((renamed == OK) != (old == OK)); /* both names change together */
			if (synced)
				assert_int_equal(renamed, OK);
			else
				*(renamed == OK ? &kept : &lost) += 1;
		}
	assert_true(lost > 0 && kept > 0);
}

static void
after_a_failed_sync_the_bytes_are_readable_and_a_later_sync_does_not_save_them(void **) {
	bool lost = false;
	for (uint64_t seed = 0; seed < 50; seed++) {
		_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = disk_with_synced_file(seed);
		_cleanup_(buffer_free) struct buffer before = {}, after = {};
		const struct io *io = simulated_disk_io(disk);
		uint8_t new[SIMULATED_SECTOR];
		int file;
		memset(new, 'n', sizeof new);
		assert_ok(io_open(io, "/data/file", IO_WRITE, &file));
		assert_ok(io_write_at(io, file, 0, new, sizeof new));
		simulated_disk_fail(disk, SIMULATED_SYNC, 0, STATUS_IO);
		assert_fails(STATUS_IO, "io.sync", io_sync_data(io, file));
		assert_ok(io_sync_data(io, file));
		simulated_disk_restart(disk);
		assert_ok(io_read_file(io, "/data/file", 1 << 20, &before));
		assert_int_equal(before.data[0], 'n');
		simulated_disk_lose_power(disk);
		assert_ok(io_read_file(io, "/data/file", 1 << 20, &after));
		lost |= after.data[0] == 'o';
	}
	assert_true(lost);
}

static void
the_operation_that_crashes_and_all_later_ones_fail(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = disk_with_synced_file(1);
	const struct io *io = simulated_disk_io(disk);
	int file;
	assert_ok(io_open(io, "/data/file", IO_WRITE, &file));
	simulated_disk_crash_at(disk, simulated_disk_operations(disk) + 1);
	assert_ok(io_write_at(io, file, 0, "a", 1));
	assert_fails(STATUS_IO, "io.crashed", io_sync_data(io, file));
	assert_true(simulated_disk_is_crashed(disk));
	assert_fails(STATUS_IO, "io.crashed", io_write_at(io, file, 0, "a", 1));
	simulated_disk_lose_power(disk);
	assert_ok(io_open(io, "/data/file", IO_READ, &file));
}

static void
a_full_disk_refuses_growth_and_takes_it_again_when_there_is_room(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = disk_with_synced_file(1);
	const struct io *io = simulated_disk_io(disk);
	int file;
	assert_ok(io_open(io, "/data/file", IO_WRITE, &file));
	simulated_disk_set_capacity(disk, 4 * SIMULATED_SECTOR);
	assert_ok(io_write_at(io, file, 0, "a", 1));
	assert_fails(STATUS_UNAVAILABLE, "io.disk_full", io_write_at(io, file, 4 * SIMULATED_SECTOR, "a", 1));
	simulated_disk_set_capacity(disk, 0);
	assert_ok(io_write_at(io, file, 4 * SIMULATED_SECTOR, "a", 1));
}

static void
a_lock_excludes_a_second_opener_until_the_process_ends(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = disk_with_synced_file(1);
	const struct io *io = simulated_disk_io(disk);
	int first, second;
	assert_ok(io_open(io, "/data/file", IO_WRITE, &first));
	assert_ok(io_open(io, "/data/file", IO_WRITE, &second));
	assert_ok(io_lock(io, first));
	assert_fails(STATUS_CONFLICT, "io.lock", io_lock(io, second));
	simulated_disk_restart(disk);
	assert_ok(io_open(io, "/data/file", IO_WRITE, &second));
	assert_ok(io_lock(io, second));
}

static void
a_truncation_survives_as_a_whole_or_not_at_all(void **) {
	bool saw_old = false, saw_cut = false, saw_cut_and_written = false;
	for (uint64_t seed = 0; seed < 400; seed++) {
		_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = disk_with_synced_file(seed);
		_cleanup_(buffer_free) struct buffer content = {};
		const struct io *io = simulated_disk_io(disk);
		const bool writes = seed % 2 == 1, syncs = seed % 5 == 0;
		int file;
		assert_ok(io_open(io, "/data/file", IO_WRITE, &file));
		assert_ok(io_truncate(io, file, 0));
		if (syncs)
			assert_ok(io_sync_data(io, file));
		if (writes)
			assert_ok(io_write_at(io, file, 0, "new", 3));
		simulated_disk_lose_power(disk);
		assert_ok(io_read_file(io, "/data/file", 1 << 20, &content));
		if (content.len > SIMULATED_SECTOR) {
			assert_false(syncs);
			assert_int_equal(4 * SIMULATED_SECTOR, content.len);
			for (size_t i = SIMULATED_SECTOR; i < content.len; i++) /* but for what was written since */
				assert_int_equal('o', content.data[i]);
			saw_old = true;
		} else {
			assert_true(content.len == 0 || (writes && content.len == 3));
			saw_cut |= content.len == 0;
			saw_cut_and_written |= content.len == 3;
		}
	}
	assert_true(saw_old && saw_cut && saw_cut_and_written);
}

static void
a_copy_has_the_same_files_and_goes_its_own_way(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = disk_with_synced_file(1);
	_cleanup_(simulated_disk_destroy) struct simulated_disk *copy = nullptr;
	assert_ok(simulated_disk_copy(disk, &copy, 2));
	assert_true(simulated_disk_fingerprint(disk) == simulated_disk_fingerprint(copy));
	assert_ok(simulated_disk_flip_bit(copy, "/data/file", 3, 0));
	assert_true(simulated_disk_fingerprint(disk) != simulated_disk_fingerprint(copy));
	simulated_disk_step_realtime(copy, -5);
	assert_int_equal(io_realtime_ns(simulated_disk_io(disk)) - io_realtime_ns(simulated_disk_io(copy)), 5);
}

RUN_TESTS(T(synced_bytes_and_names_survive_every_power_loss), T(unsynced_sectors_are_kept_dropped_torn_and_reordered),
	  T(a_rename_without_directory_sync_may_be_lost_and_with_it_may_not),
	  T(after_a_failed_sync_the_bytes_are_readable_and_a_later_sync_does_not_save_them),
	  T(the_operation_that_crashes_and_all_later_ones_fail),
	  T(a_full_disk_refuses_growth_and_takes_it_again_when_there_is_room),
	  T(a_lock_excludes_a_second_opener_until_the_process_ends), T(a_truncation_survives_as_a_whole_or_not_at_all),
	  T(a_copy_has_the_same_files_and_goes_its_own_way))
