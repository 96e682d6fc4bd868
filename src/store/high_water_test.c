#include "tests/test.h"

#include "base/io_simulated.h"
#include "store/high_water.h"

static struct high_water_config
path_config(struct simulated_disk *disk) {
	return (struct high_water_config){
		.guard = ROLLBACK_PATH,
		.io = simulated_disk_io(disk),
		.origin = BYTES_OF_LITERAL("log.example/keeper-1"),
		.data_directory = "/data",
		.path = "/elsewhere/mark",
	};
}

static struct simulated_disk *
disk_with_places(void) {
	struct simulated_disk *disk;
	assert_ok(simulated_disk_create(&disk, 1));
	assert_ok(io_make_directory(simulated_disk_io(disk), "/data"));
	assert_ok(io_make_directory(simulated_disk_io(disk), "/elsewhere"));
	assert_ok(io_sync_directory(simulated_disk_io(disk), "/"));
	return disk;
}

static const struct mark first = {.size = 3, .root = {{1}}};
static const struct mark second = {.size = 10, .root = {{2}}};

static void
the_mark_follows_at_most_once_a_second_and_at_once_when_told(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = disk_with_places();
	_cleanup_(high_water_close) struct high_water *high_water = nullptr;
	struct high_water_config config = path_config(disk);
	struct mark mark, third = {.size = 11, .root = {{3}}};
	bool is_set;
	assert_ok(high_water_open(&config, &high_water));
	assert_fails(STATUS_NOT_FOUND, "high_water.missing", high_water_read(high_water, &mark, &is_set));
	assert_ok(high_water_begin(high_water, &first));
	assert_fails(STATUS_CONFLICT, "high_water.exists", high_water_begin(high_water, &first));
	assert_ok(high_water_advance(high_water, &second, false));
	assert_ok(high_water_read(high_water, &mark, &is_set));
	assert_true(is_set && mark_equal(&mark, &first));
	simulated_disk_advance_clock(disk, 1'000'000'000);
	assert_ok(high_water_advance(high_water, &second, false));
	assert_ok(high_water_read(high_water, &mark, &is_set));
	assert_true(mark_equal(&mark, &second));
	assert_ok(high_water_advance(high_water, &third, true));
	simulated_disk_lose_power(disk);
	assert_ok(high_water_read(high_water, &mark, &is_set));
	assert_true(mark_equal(&mark, &third));
	assert_fails(STATUS_CONFLICT, "high_water.behind", high_water_advance(high_water, &first, true));
}

static void
a_wall_clock_that_is_set_back_does_not_hold_the_mark(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = disk_with_places();
	_cleanup_(high_water_close) struct high_water *high_water = nullptr;
	struct high_water_config config = path_config(disk);
	struct mark mark;
	bool is_set;
	assert_ok(high_water_open(&config, &high_water));
	assert_ok(high_water_begin(high_water, &first));
	simulated_disk_step_realtime(disk, -INT64_C(3600) * 1'000'000'000);
	simulated_disk_advance_clock(disk, 1'000'000'000);
	assert_ok(high_water_advance(high_water, &second, false));
	assert_ok(high_water_read(high_water, &mark, &is_set));
	assert_true(mark_equal(&mark, &second));
}

static void
bad_marks_are_refused_by_name(void **) {
	static const struct {
		const char *name;
		enum status status;
		const char *text; /* without the hash line; null: flip a bit of a good one */
	} cases[] = {
		{"high_water.format", STATUS_CORRUPT, nullptr},
		{"high_water.format", STATUS_CORRUPT, ""},
		{"high_water.format", STATUS_CORRUPT, "gatehouse-high-water/v1\nlog.example/keeper-1\n3\n"},
		{"high_water.version", STATUS_UNSUPPORTED, "gatehouse-high-water/v2\nlog.example/keeper-1\n3\nAAAA\n"},
		{"high_water.origin", STATUS_CONFLICT, "gatehouse-high-water/v1\nother.example\n3\nAAAA\n"},
		{"high_water.format", STATUS_CORRUPT, "gatehouse-high-water/v1\nlog.example/keeper-1\n3x\nAAAA\n"},
		{"high_water.format", STATUS_CORRUPT, "gatehouse-high-water/v1\nlog.example/keeper-1\n03\nAAAA\n"},
		{"high_water.format", STATUS_CORRUPT,
		 "gatehouse-high-water/v1\nlog.example/keeper-1\n99999999999999999999\nAAAA\n"},
		{"high_water.format", STATUS_CORRUPT, "gatehouse-high-water/v1\nlog.example/keeper-1\n3\nAAAA\n"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = disk_with_places();
		_cleanup_(high_water_close) struct high_water *high_water = nullptr;
		struct high_water_config config = path_config(disk);
		struct mark mark;
		bool is_set;
		assert_ok(high_water_open(&config, &high_water));
		if (cases[i].text == nullptr) {
			assert_ok(high_water_begin(high_water, &first));
			assert_ok(simulated_disk_flip_bit(disk, "/elsewhere/mark", 46, 0));
		} else {
			_cleanup_(buffer_free) struct buffer text = {};
			buffer_append_text(&text, cases[i].text);
			struct hash256 hash = sha256(buffer_bytes(&text));
			buffer_append_hex(&text, hash256_bytes(&hash));
			buffer_append_byte(&text, '\n');
			assert_ok(io_replace_file(config.io, "/elsewhere/mark", buffer_bytes(&text)));
		}
		assert_fails(cases[i].status, cases[i].name, high_water_read(high_water, &mark, &is_set));
	}
}

static void
a_mark_inside_the_data_directory_is_refused(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = disk_with_places();
	static const struct {
		const char *directory, *path, *name; /* null: it lies outside */
	} cases[] = {
		{"/data", "/data/mark", "high_water.inside"},
		{"/data", "/data/deep/mark", "high_water.inside"},
		{"/data", "/data", "high_water.inside"},
		{"/data", "//data/mark", "high_water.inside"},
		{"/data", "/./data/mark", "high_water.inside"},
		{"/deep/data", "/deep//data/mark", "high_water.inside"},
		{"/deep/data", "/deep/././data/mark", "high_water.inside"},
		{"/deep//data/.", "/deep/data/mark", "high_water.inside"},
		{"/data/", "/data/mark", "high_water.inside"},
		{"/", "/mark", "high_water.inside"},
		{"/data", "relative", "high_water.path"},
		{"/data", "", "high_water.path"},
		{"data", "/mark", "high_water.path"},
		{"/data", "/elsewhere/../data/mark", "high_water.path"},
		{"/data/deep/..", "/data/mark", "high_water.path"},
		{"/data", "/database/mark", nullptr},
		{"/data", "/dat/mark", nullptr},
		{"/data", "/elsewhere/data/mark", nullptr},
		{"/data", "/..data/mark", nullptr},
		{"/data/deep", "/data/mark", nullptr},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(high_water_close) struct high_water *high_water = nullptr;
		struct high_water_config config = path_config(disk);
		config.data_directory = cases[i].directory;
		config.path = cases[i].path;
		if (cases[i].name == nullptr)
			assert_ok(high_water_open(&config, &high_water));
		else
			assert_fails(STATUS_INVALID, cases[i].name, high_water_open(&config, &high_water));
	}
}

static void
nothing_is_decided_before_the_witnesses_saw_this_start(void **) {
	_cleanup_(high_water_close) struct high_water *high_water = nullptr;
	struct high_water_config config = {
		.guard = ROLLBACK_WITNESS, .io = io_system(), .origin = BYTES_OF_LITERAL("log.example")};
	uint8_t nonce[HIGH_WATER_NONCE_SIZE], again[HIGH_WATER_NONCE_SIZE];
	struct mark mark, old = {.size = 5}, new = {.size = 6};
	bool is_set;
	assert_ok(high_water_open(&config, &high_water));
	assert_ok(high_water_read(high_water, &mark, &is_set));
	assert_false(is_set);
	high_water_start(high_water, nonce);
	high_water_start(high_water, again);
	assert_memory_not_equal(nonce, again, sizeof nonce);
	high_water_cosigned(high_water, &old);
	assert_fails(STATUS_UNAVAILABLE, "high_water.not_cosigned", high_water_may_decide(high_water));
	high_water_started(high_water, 5);
	assert_fails(STATUS_UNAVAILABLE, "high_water.not_cosigned", high_water_may_decide(high_water));
	high_water_cosigned(high_water, &new);
	assert_ok(high_water_may_decide(high_water));
	assert_ok(high_water_read(high_water, &mark, &is_set));
	assert_true(is_set && mark.size == 6);
}

RUN_TESTS(T(the_mark_follows_at_most_once_a_second_and_at_once_when_told),
	  T(a_wall_clock_that_is_set_back_does_not_hold_the_mark), T(bad_marks_are_refused_by_name),
	  T(a_mark_inside_the_data_directory_is_refused), T(nothing_is_decided_before_the_witnesses_saw_this_start))
