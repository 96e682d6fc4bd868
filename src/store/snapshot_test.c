#include "tests/test.h"

#include "base/io_simulated.h"
#include "store/snapshot.h"

static const struct bytes key = BYTES_OF_LITERAL("the key of 32 bytes of this test");
static const struct snapshot sample = {
	.identity = {{9, 8, 7}},
	.mark = {.size = 1234, .root = {{1, 2, 3}}},
	.log_state = BYTES_OF_LITERAL("frontier"),
	.decision_state = BYTES_OF_LITERAL("limits, nonces, votes"),
};

static void
a_snapshot_is_read_as_it_was_written(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
	_cleanup_(buffer_free) struct buffer bytes = {};
	struct snapshot read;
	assert_ok(simulated_disk_create(&disk, 1));
	const struct io *io = simulated_disk_io(disk);
	assert_fails(STATUS_NOT_FOUND, "io.open", snapshot_read(io, "/snapshot", key, &bytes, &read));
	assert_ok(snapshot_write(io, "/snapshot", key, &sample));
	assert_ok(snapshot_read(io, "/snapshot", key, &bytes, &read));
	assert_true(mark_equal(&sample.mark, &read.mark));
	assert_true(hash256_equal(&sample.identity, &read.identity));
	assert_bytes(sample.log_state, read.log_state);
	assert_bytes(sample.decision_state, read.decision_state);
}

static void
every_flipped_bit_and_every_cut_is_detected(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
	_cleanup_(buffer_free) struct buffer bytes = {};
	struct snapshot read;
	assert_ok(simulated_disk_create(&disk, 1));
	const struct io *io = simulated_disk_io(disk);
	assert_ok(snapshot_write(io, "/snapshot", key, &sample));
	assert_ok(snapshot_read(io, "/snapshot", key, &bytes, &read));
	for (size_t bit = 0; bit < bytes.len * 8; bit++) {
		bytes.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
		assert_fails(STATUS_CORRUPT, "snapshot.mac", snapshot_parse(buffer_bytes(&bytes), key, &read));
		bytes.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
	for (size_t len = 0; len < bytes.len; len++)
		assert_fails(STATUS_CORRUPT, len < 32 ? "snapshot.truncated" : "snapshot.mac",
			     snapshot_parse(bytes_of(bytes.data, len), key, &read));
}

static void
bad_snapshots_with_a_right_hash_are_refused_by_name(void **) {
	static const struct {
		const char *name;
		enum status status;
		size_t at, len; /* changed byte; length before the hash, 0: all */
	} cases[] = {
		{"snapshot.magic", STATUS_CORRUPT, 0, 0},           {"snapshot.version", STATUS_UNSUPPORTED, 9, 0},
		{"snapshot.reserved", STATUS_CORRUPT, 12, 0},       {"snapshot.log_state", STATUS_CORRUPT, 88, 0},
		{"snapshot.decision_state", STATUS_CORRUPT, 96, 0}, {"snapshot.trailing", STATUS_CORRUPT, 103, 0},
		{"snapshot.root", STATUS_CORRUPT, 200, 60},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
		_cleanup_(buffer_free) struct buffer bytes = {};
		struct snapshot read;
		assert_ok(simulated_disk_create(&disk, 1));
		assert_ok(snapshot_write(simulated_disk_io(disk), "/snapshot", key, &sample));
		assert_ok(snapshot_read(simulated_disk_io(disk), "/snapshot", key, &bytes, &read));
		size_t len = cases[i].len != 0 ? cases[i].len : bytes.len - 32;
		if (cases[i].at < len)
			bytes.data[cases[i].at] ^= 1;
		bytes.len = len;
		struct hash256 hash = hmac_sha256(key, buffer_bytes(&bytes));
		buffer_append_bytes(&bytes, hash256_bytes(&hash));
		assert_fails(cases[i].status, cases[i].name, snapshot_parse(buffer_bytes(&bytes), key, &read));
	}
}

static void
a_crash_leaves_the_old_snapshot_or_the_new_one(void **) {
	struct snapshot newer = sample;
	newer.mark.size = 9999;
	for (uint64_t point = 0; point < 8; point++)
		for (uint64_t seed = 0; seed < 20; seed++) {
			_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
			_cleanup_(buffer_free) struct buffer bytes = {};
			struct snapshot read;
			assert_ok(simulated_disk_create(&disk, seed));
			const struct io *io = simulated_disk_io(disk);
			assert_ok(snapshot_write(io, "/snapshot", key, &sample));
			simulated_disk_crash_at(disk, simulated_disk_operations(disk) + point);
			enum status written = snapshot_write(io, "/snapshot", key, &newer);
			simulated_disk_lose_power(disk);
			assert_ok(snapshot_read(io, "/snapshot", key, &bytes, &read));
			assert_true(read.mark.size == 9999 || (read.mark.size == 1234 && written != OK));
		}
}

RUN_TESTS(T(a_snapshot_is_read_as_it_was_written), T(every_flipped_bit_and_every_cut_is_detected),
	  T(bad_snapshots_with_a_right_hash_are_refused_by_name), T(a_crash_leaves_the_old_snapshot_or_the_new_one))
