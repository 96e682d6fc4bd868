#include "tests/test.h"

#include <stdio.h>

#include "base/io_simulated.h"
#include "store/blob.h"

static enum status
count_unfinished(void *context, const char *name) {
	*(size_t *)context += strchr(name, '.') != nullptr;
	return OK;
}

static void
a_blob_is_durable_when_put_returns_at_every_crash_point(void **) {
	struct hash256 hash, expected = sha256(BYTES_OF_LITERAL("payload"));
	unsigned acknowledged = 0;
	for (uint64_t point = 0; point < 12; point++)
		for (uint64_t seed = 0; seed < 20; seed++) {
			_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
			_cleanup_(buffer_free) struct buffer content = {};
			assert_ok(simulated_disk_create(&disk, seed));
			const struct io *io = simulated_disk_io(disk);
			assert_ok(io_make_directory(io, "/blobs"));
			assert_ok(io_sync_directory(io, "/"));
			simulated_disk_crash_at(disk, simulated_disk_operations(disk) + point);
			enum status put = blob_put(io, "/blobs", BYTES_OF_LITERAL("payload"), &hash);
			simulated_disk_lose_power(disk);
			enum status got = blob_get(io, "/blobs", &expected, &content);
			if (put == OK) {
				acknowledged++;
				assert_int_equal(got, OK);
				assert_bytes(BYTES_OF_LITERAL("payload"), buffer_bytes(&content));
			}
			assert_ok(blob_sweep(io, "/blobs"));
			size_t unfinished = 0;
			char directory[16], hex[65];
			hex_encode(hash256_bytes(&expected), hex);
			snprintf(directory, sizeof directory, "/blobs/%.2s", hex);
			if (io_list_directory(io, directory, count_unfinished, &unfinished) == OK)
				assert_int_equal(unfinished, 0);
			if (put != OK && got != OK) {
				assert_int_equal(got, STATUS_NOT_FOUND); /* never half of it under the name */
				assert_ok(blob_put(io, "/blobs", BYTES_OF_LITERAL("payload"), &hash));
			}
		}
	assert_true(acknowledged > 0 && acknowledged < 12 * 20);
}

static void
a_changed_blob_is_not_given_out(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
	_cleanup_(buffer_free) struct buffer content = {};
	struct hash256 hash, other = sha256(BYTES_OF_LITERAL("other"));
	char path[128], hex[65];
	assert_ok(simulated_disk_create(&disk, 1));
	const struct io *io = simulated_disk_io(disk);
	assert_ok(io_make_directory(io, "/blobs"));
	assert_ok(blob_put(io, "/blobs", BYTES_OF_LITERAL("payload"), &hash));
	assert_ok(blob_put(io, "/blobs", BYTES_OF_LITERAL("payload"), &hash));
	assert_fails(STATUS_NOT_FOUND, "blob.missing", blob_get(io, "/blobs", &other, &content));
	hex_encode(hash256_bytes(&hash), hex);
	snprintf(path, sizeof path, "/blobs/%.2s/%s", hex, hex);
	assert_ok(simulated_disk_flip_bit(disk, path, 2, 2));
	assert_fails(STATUS_CORRUPT, "blob.hash", blob_get(io, "/blobs", &hash, &content));
	assert_int_equal(content.len, 0);
}

RUN_TESTS(T(a_blob_is_durable_when_put_returns_at_every_crash_point), T(a_changed_blob_is_not_given_out))
