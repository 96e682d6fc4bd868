/* Publishing tiles on a disk that crashes, fails and fills up. */
#include "tests/test.h"
#include "base/io_simulated.h"
#include "ledger/tile_writer.h"
#include "ledger/verify_tiles.h"

#include <stdio.h>

static const char DIRECTORY[] = "/public";
/* Heads that are published in turn: partial tiles, a full one, and its outgrown partials. */
static const uint64_t SIZES[] = {3, 255, 256, 258, 600};
enum { LAST = 600 };

static struct bytes
entry_of(uint64_t number, char *text) {
	return bytes_of(text, (size_t)sprintf(text, "entry %llu", (unsigned long long)number));
}

static struct hash256
root_of(uint64_t size) {
	static struct hash256 roots[LAST + 1];
	static bool is_known[LAST + 1];
	struct tree_frontier frontier = {};
	char text[32];
	if (is_known[size])
		return roots[size];
	for (uint64_t i = 0; i < size; i++) {
		struct hash256 leaf = tree_leaf_hash(entry_of(i, text));
		assert_ok(tree_frontier_append(&frontier, &leaf));
	}
	is_known[size] = true;
	return roots[size] = tree_frontier_root(&frontier);
}

static enum status
publish_up_to(struct tile_writer *writer, uint64_t size) {
	char text[32];
	for (uint64_t i = tile_writer_size(writer); i < size; i++)
		TRY(tile_writer_append(writer, entry_of(i, text), nullptr));
	struct hash256 root = root_of(size);
	return tile_writer_publish(writer, size, &root);
}

/* Every file that a checkpoint of this size needs is there, whole. */
static void
assert_published(const struct io *io, uint64_t size) {
	struct tile_comparison *comparison = calloc(1, sizeof *comparison);
	char text[32];
	assert_non_null(comparison);
	comparison->io = io;
	comparison->directory = DIRECTORY;
	comparison->published = size;
	for (uint64_t i = 0; i < size; i++) {
		struct bytes entry = entry_of(i, text);
		struct hash256 leaf = tree_leaf_hash(entry);
		assert_ok(tile_comparison_add(comparison, entry, &leaf));
	}
	tile_comparison_free(comparison);
	free(comparison);
}

static struct simulated_disk *
make_disk(uint64_t seed) {
	struct simulated_disk *disk = nullptr;
	assert_ok(simulated_disk_create(&disk, seed));
	assert_ok(io_make_directory(simulated_disk_io(disk), DIRECTORY));
	assert_ok(io_sync_directory(simulated_disk_io(disk), "/"));
	return disk;
}

/* Publishes the sizes in turn; *published is the last one for which success was reported. */
static enum status
run_workload(const struct io *io, uint64_t *published) {
	_cleanup_(tile_writer_close) struct tile_writer *writer = nullptr;
	TRY(tile_writer_open(io, DIRECTORY, &writer));
	for (size_t i = 0; i < ARRAY_LENGTH(SIZES); i++) {
		if (SIZES[i] < tile_writer_size(writer))
			continue;
		TRY(publish_up_to(writer, SIZES[i]));
		*published = SIZES[i];
	}
	return OK;
}

/* Nothing that was published is written anew. */
static void
assert_goes_on_from(const struct io *io, uint64_t published) {
	_cleanup_(tile_writer_close) struct tile_writer *writer = nullptr;
	assert_ok(tile_writer_open(io, DIRECTORY, &writer));
	assert_true(tile_writer_size(writer) >= published);
}

static size_t
crash_everywhere(bool loses_power, bool ignores_syncs) {
	size_t broken = 0, points = 0;
	for (uint64_t point = 0;; point++) {
		struct simulated_disk *disk = make_disk(point + 1);
		const struct io *io = simulated_disk_io(disk);
		uint64_t published = 0, again = 0;
		simulated_disk_ignore_syncs(disk, ignores_syncs);
		simulated_disk_crash_at(disk, simulated_disk_operations(disk) + point);
		enum status status = run_workload(io, &published);
		bool is_last = !simulated_disk_is_crashed(disk);
		simulated_disk_crash_at(disk, UINT64_MAX);
		simulated_disk_ignore_syncs(disk, false);
		if (loses_power)
			simulated_disk_lose_power(disk);
		else
			simulated_disk_restart(disk);
		if (ignores_syncs) {
			struct tile_name name = {.width = 1};
			name.width = published >= TILE_WIDTH ? TILE_WIDTH : (unsigned)published;
			_cleanup_(buffer_free) struct buffer content = {};
			broken += published > 0 && tile_read_file(io, DIRECTORY, &name, &content) != OK;
		} else {
			assert_true(is_last || status != OK);
			assert_published(io, published);
			assert_goes_on_from(io, published);
			assert_ok(run_workload(io, &again));
			assert_published(io, LAST);
		}
		simulated_disk_destroy(&disk);
		points++;
		if (is_last)
			break;
	}
	assert_true(points > 50);
	return broken;
}

static void
what_was_published_survives_a_power_loss_at_every_operation(void **) {
	crash_everywhere(true, false);
}

static void
publishing_goes_on_after_the_process_ends_at_every_operation(void **) {
	crash_everywhere(false, false);
}

static void
on_a_disk_that_ignores_syncs_published_tiles_are_lost(void **) {
	assert_true(crash_everywhere(true, true) > 0);
}

static void
a_failed_call_of_any_kind_is_reported_and_may_be_repeated(void **) {
	static const enum simulated_call calls[] = {SIMULATED_OPEN, SIMULATED_WRITE, SIMULATED_SYNC, SIMULATED_RENAME,
						    SIMULATED_UNLINK};
	for (size_t c = 0; c < ARRAY_LENGTH(calls); c++) {
		size_t failures = 0;
		for (uint64_t nth = 0; nth < 200; nth++) {
			struct simulated_disk *disk = make_disk(7);
			const struct io *io = simulated_disk_io(disk);
			uint64_t published = 0;
			simulated_disk_fail(disk, calls[c], nth, STATUS_IO);
			enum status status = run_workload(io, &published);
			if (status == OK) { /* there is no such call any more */
				simulated_disk_destroy(&disk);
				break;
			}
			failures++;
			assert_int_equal(STATUS_IO, status);
			/* A later process, since after a failed sync the same one may not go on. */
			assert_ok(run_workload(io, &published));
			assert_published(io, LAST);
			simulated_disk_destroy(&disk);
		}
		assert_true(failures > 0);
	}
}

static void
the_same_writer_goes_on_when_a_full_disk_has_room_again(void **) {
	for (uint64_t capacity = 200; capacity < 60'000; capacity += 2'900) {
		struct simulated_disk *disk = make_disk(7);
		const struct io *io = simulated_disk_io(disk);
		_cleanup_(tile_writer_close) struct tile_writer *writer = nullptr;
		assert_ok(tile_writer_open(io, DIRECTORY, &writer));
		simulated_disk_set_capacity(disk, capacity);
		for (size_t i = 0; i < ARRAY_LENGTH(SIZES); i++) {
			enum status status = publish_up_to(writer, SIZES[i]);
			if (status == OK)
				continue;
			assert_int_equal(STATUS_UNAVAILABLE, status);
			simulated_disk_set_capacity(disk, 0);
			assert_ok(publish_up_to(writer, SIZES[i]));
			assert_published(io, SIZES[i]);
		}
		assert_published(io, LAST);
		tile_writer_close(&writer);
		simulated_disk_destroy(&disk);
	}
}

static void
after_a_failed_sync_of_a_directory_the_writer_refuses_to_go_on(void **) {
	struct simulated_disk *disk = make_disk(7);
	_cleanup_(tile_writer_close) struct tile_writer *writer = nullptr;
	assert_ok(tile_writer_open(simulated_disk_io(disk), DIRECTORY, &writer));
	/* The first two syncs are of the bundle and the tile, then come directories. */
	simulated_disk_fail(disk, SIMULATED_SYNC, 2, STATUS_IO);
	assert_int_equal(STATUS_IO, publish_up_to(writer, 3));
	assert_fails(STATUS_IO, "tile.sync", publish_up_to(writer, 3));
	tile_writer_close(&writer);
	simulated_disk_destroy(&disk);
}

RUN_TESTS(T(what_was_published_survives_a_power_loss_at_every_operation),
	  T(publishing_goes_on_after_the_process_ends_at_every_operation),
	  T(on_a_disk_that_ignores_syncs_published_tiles_are_lost),
	  T(a_failed_call_of_any_kind_is_reported_and_may_be_repeated),
	  T(the_same_writer_goes_on_when_a_full_disk_has_room_again),
	  T(after_a_failed_sync_of_a_directory_the_writer_refuses_to_go_on))
