/*
 * The log against a disk that loses its power at every operation of a fixed workload, fails calls, flips bits and is put
 * back to an older state. A case that breaks a promise gives the promise's name; the suite is itself tested by a disk that
 * ignores syncs, which it must notice. GATEHOUSE_SOAK=1 tries more seeds of every crash point; the seed is printed.
 */
#include "tests/test.h"

#include "base/io_simulated.h"
#include "base/map.h"
#include "ledger/log_testing.h"
#include "ledger/publisher.h"
#include "ledger/tile_writer.h"
#include "store/blob.h"
#include "store/high_water.h"
#include "store/projection.h"

constexpr size_t STEPS = 24;
constexpr size_t ENTRIES_MAX = 512;

struct world;

struct submitted {
	struct world *world;
	bool names_blob;
	struct hash256 blob;
};

/* What the outside world has been told, in all lives of one log. */
struct world {
	struct submitted submitted[ENTRIES_MAX]; /* each outlives its callback */
	size_t submitted_count;
	struct {
		bool is_known;
		struct hash256 leaf;
	} acknowledged[ENTRIES_MAX];
	struct {
		bool is_known;
		struct hash256 root;
	} released[ENTRIES_MAX]; /* by size */
	struct hash256 blobs[STEPS * 2];
	uint64_t blob_entries[STEPS * 2]; /* the entry that names it */
	size_t blob_count;
	const char *broken; /* the first promise that was broken */
};

static void
breaks(struct world *world, const char *promise) {
	if (world->broken == nullptr)
		world->broken = promise;
}

/* --- The workload. --- */

static void
note_acknowledged(void *context, enum status status, const struct ledger_commit *commit, uint64_t index) {
	struct submitted *submitted = context;
	struct world *world = submitted->world;
	_cleanup_(buffer_free) struct buffer bytes = {};
	struct ledger_record record;
	if (status != OK)
		return;
	assert_true(commit->head.size < ENTRIES_MAX);
	if (ledger_read(commit->ledger, index, &bytes, &record) != OK) /* a planned failure comes once */
		assert_ok(ledger_read(commit->ledger, index, &bytes, &record));
	struct hash256 leaf = tree_leaf_hash(record.leaf);
	if (world->acknowledged[index].is_known)
		breaks(world, "an index is acknowledged once");
	world->acknowledged[index].is_known = true;
	world->acknowledged[index].leaf = leaf;
	if (world->released[commit->head.size].is_known &&
	    !hash256_equal(&world->released[commit->head.size].root, &commit->head.root))
		breaks(world, "one size has one released root");
	world->released[commit->head.size].is_known = true;
	world->released[commit->head.size].root = commit->head.root;
	if (submitted->names_blob) {
		world->blobs[world->blob_count] = submitted->blob;
		world->blob_entries[world->blob_count++] = index;
	}
}

struct life {
	const struct io *io;
	struct ledger *ledger;
	struct high_water *high_water;
	struct projection *projection;
	struct tile_writer *tiles;
	struct checkpoint_target checkpoint;
	struct world *world;
};

/* --- What is published. --- */

static uint64_t
rows_applied(void *context) {
	return projection_applied(context).size;
}

static enum status
rows_begin(void *context) {
	return projection_begin(context);
}

static enum status
rows_apply(void *context, const struct ledger_record *record) {
	_cleanup_(arena_free) struct arena arena = {};
	struct entry entry;
	char id[24];
	TRY(entry_read(&arena, record->leaf, &entry));
	snprintf(id, sizeof id, "o-%llu", (unsigned long long)entry.seq % 7);
	struct projection_entry row = {.index = record->index,
				       .type = bytes_of_text(entry_kinds[entry.type].name),
				       .seq = (int64_t)entry.seq,
				       .at_ms = entry.at_ms,
				       .operation = bytes_of_text(id),
				       .body = entry.document,
				       .leaf = record->leaf};
	TRY(projection_apply(context, &row));
	struct projection_operation operation = {
		.id = bytes_of_text(id), .state = row.type, .at_ms = row.at_ms, .index = row.index};
	return projection_put_operation(context, &operation);
}

static enum status
rows_finish(void *context, const struct ledger_head *head) {
	return projection_commit(context, &(struct mark){head->head.size, head->head.root});
}

static struct publish_target
rows_target(struct projection *projection) {
	return (struct publish_target){.name = "state.db",
				       .context = projection,
				       .applied = rows_applied,
				       .begin = rows_begin,
				       .apply = rows_apply,
				       .finish = rows_finish};
}

static uint64_t
tiles_applied(void *context) {
	return tile_writer_size(context);
}

static enum status
tiles_apply(void *context, const struct ledger_record *record) {
	return tile_writer_append(context, record->leaf, record->leaf_hash);
}

static enum status
tiles_finish(void *context, const struct ledger_head *head) {
	return tile_writer_publish(context, head->head.size, &head->head.root);
}

static uint64_t
nothing_applied(void *) {
	return 0;
}

static enum status
mark_finish(void *context, const struct ledger_head *head) {
	return high_water_advance(context, &(struct mark){head->head.size, head->head.root}, true);
}

static enum status
publish(struct life *life) {
	const struct publish_target targets[] = {
		{.name = "tiles",
		 .context = life->tiles,
		 .applied = tiles_applied,
		 .apply = tiles_apply,
		 .finish = tiles_finish},
		{.name = "checkpoint",
		 .follows = "tiles",
		 .context = &life->checkpoint,
		 .applied = checkpoint_target_applied,
		 .finish = checkpoint_target_finish},
		rows_target(life->projection),
		{.name = "mark", .context = life->high_water, .applied = nothing_applied, .finish = mark_finish},
	};
	_cleanup_(publisher_stop) struct publisher *publisher = nullptr;
	struct publisher_config config = {
		.ledger = life->ledger, .targets = targets, .target_count = ARRAY_LENGTH(targets), .is_manual = true};
	TRY(publisher_start(&config, &publisher));
	return publisher_run(publisher);
}

static enum status
step(struct life *life, uint64_t number) {
	char bodies[4][3000], payload[64];
	for (uint64_t i = 0; i <= number % 3; i++) {
		assert_true(life->world->submitted_count < ENTRIES_MAX);
		struct submitted *submitted = &life->world->submitted[life->world->submitted_count++];
		*submitted = (struct submitted){.world = life->world};
		struct bytes body =
			log_test_body(bodies[i], sizeof bodies[i], number * 10 + i, 100 + number * 331 % 2500);
		if (number % 5 == 4) {
			snprintf(payload, sizeof payload, "payload %llu", (unsigned long long)number);
			TRY(blob_put(life->io, "/blobs", bytes_of_text(payload), &submitted->blob));
			submitted->names_blob = true;
		}
		struct bytes opening = BYTES_OF_LITERAL("sealed");
		struct ledger_entry entry = {.type = i == 0 ? ENTRY_DECISION : ENTRY_VOTE,
					     .body = body,
					     .openings = &opening,
					     .opening_count = number % 2};
		TRY(ledger_submit(life->ledger, &entry, 1, note_acknowledged, submitted));
	}
	TRY(ledger_commit_now(life->ledger));
	if (number % 6 == 5)
		TRY(publish(life));
	if (number % 8 == 7)
		TRY(ledger_snapshot(life->ledger, "/data/snapshot", log_test_snapshot_key, BYTES_OF_LITERAL("state")));
	return OK;
}

static struct high_water_config
high_water_config_on(const struct io *io) {
	return (struct high_water_config){
		.guard = ROLLBACK_PATH,
		.io = io,
		.origin = BYTES_OF_LITERAL("log.example/keeper-1"),
		.data_directory = "/data",
		.path = "/elsewhere/mark",
	};
}

static struct ledger_config
config_on(const struct io *io) {
	struct ledger_config config = log_test_config(io, "/data/ledger");
	config.first_segment_size = config.segment_size = 64 * 1024; /* so that several are used */
	config.snapshot_path = "/data/snapshot";
	return config;
}

/* Genesis is not a crash point: nothing was promised before it. */
static void
create(struct simulated_disk *disk) {
	static const char *const directories[] = {"/data", "/public", "/elsewhere", "/blobs"};
	const struct io *io = simulated_disk_io(disk);
	for (size_t i = 0; i < ARRAY_LENGTH(directories); i++)
		assert_ok(io_make_directory(io, directories[i]));
	assert_ok(io_sync_directory(io, "/"));
	struct ledger_config config = config_on(io);
	assert_ok(ledger_create(&config));
	_cleanup_(high_water_close) struct high_water *high_water = nullptr;
	struct high_water_config mark = high_water_config_on(io);
	struct mark empty = {.root = tree_empty_root()};
	assert_ok(high_water_open(&mark, &high_water));
	assert_ok(high_water_begin(high_water, &empty));
}

static struct checkpoint_target
checkpoint_on(const struct io *io) {
	return (struct checkpoint_target){.io = io, .path = "/public/checkpoint", .keys = &log_test_keys()->keys};
}

static enum status
begin_life(struct simulated_disk *disk, struct world *world, struct life *life) {
	bool is_set;
	*life = (struct life){.io = simulated_disk_io(disk), .world = world};
	life->checkpoint = checkpoint_on(life->io);
	struct high_water_config mark = high_water_config_on(life->io);
	struct ledger_pin pins[2] = {{.what = "the high-water mark"}, {.what = "the published checkpoint"}};
	TRY(high_water_open(&mark, &life->high_water));
	TRY(high_water_read(life->high_water, &pins[0].mark, &is_set));
	TRY(checkpoint_target_read(&life->checkpoint, &pins[1].mark, &is_set));
	struct ledger_config config = config_on(life->io);
	config.pins = pins;
	config.pin_count = 2;
	TRY(ledger_open(&config, &life->ledger));
	TRY(tile_writer_open(life->io, "/public", &life->tiles));
	struct projection_config rows = {.io = life->io, .path = "/data/state.db", .identity = {{1}}};
	TRY(projection_open(&rows, &life->projection));
	struct mark applied = projection_applied(life->projection);
	if (ledger_had_head(life->ledger, &applied) != OK)
		breaks(world, "state.db is never ahead of the log");
	return ledger_record_cuts(life->ledger);
}

static void
end_life(struct life *life) {
	projection_close(&life->projection);
	tile_writer_close(&life->tiles);
	ledger_close(&life->ledger);
	high_water_close(&life->high_water);
}

/* --- The promises. --- */

struct reading {
	struct world *world;
	const struct io *io;
	struct tree_frontier frontier;
	uint64_t counts[ENTRY_TYPES];
	int64_t last_at_ms;
};

/* {"cut":"<hex>"} */
static void
check_cut(struct reading *reading, struct bytes leaf) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer kept = {};
	struct entry entry;
	struct hash256 cut;
	char path[128];
	assert_ok(entry_read(&arena, leaf, &entry));
	struct bytes hex = json_string(json_get(entry.document, "cut"));
	assert_ok(hex_decode(hex, cut.bytes, sizeof cut.bytes));
	snprintf(path, sizeof path, "/data/ledger/cut/%.*s", BYTES_ARGS(hex));
	enum status status = io_read_file(reading->io, path, 1 << 20, &kept);
	struct hash256 found = sha256(buffer_bytes(&kept));
	if (status != OK || !hash256_equal(&found, &cut))
		breaks(reading->world, "what was cut is kept and named");
}

static enum status
check_record(void *context, const struct ledger_record *record) {
	struct reading *reading = context;
	struct world *world = reading->world;
	struct entry entry;
	struct hash256 leaf = tree_leaf_hash(record->leaf), root;
	assert_ok(tree_frontier_append(&reading->frontier, &leaf));
	root = tree_frontier_root(&reading->frontier);
	if (world->acknowledged[record->index].is_known &&
	    !hash256_equal(&world->acknowledged[record->index].leaf, &leaf))
		breaks(world, "an acknowledged entry never changes");
	if (world->released[reading->frontier.size].is_known &&
	    !hash256_equal(&world->released[reading->frontier.size].root, &root))
		breaks(world, "the log leads to every head that it released");
	if (entry_peek(record->leaf, &entry) != OK || entry.seq != reading->counts[entry.type]++ ||
	    entry.at_ms < reading->last_at_ms)
		breaks(world, "numbers have no gap and time does not go back");
	reading->last_at_ms = entry.at_ms;
	if (entry.type == ENTRY_RECOVERED)
		check_cut(reading, record->leaf);
	return OK;
}

/* What was applied over several lives, and what one run from the beginning gives. */
static void
check_projection(struct life *life) {
	_cleanup_(projection_close) struct projection *fresh = nullptr;
	_cleanup_(publisher_stop) struct publisher *publisher = nullptr;
	struct projection_config rows = {.io = life->io, .path = "/elsewhere/state.db", .identity = {{1}}};
	struct hash256 ours, theirs;
	if (publish(life) != OK || projection_open(&rows, &fresh) != OK || projection_clear(fresh) != OK) {
		breaks(life->world, "what is durable can be published");
		return;
	}
	struct publish_target target = rows_target(fresh);
	struct publisher_config config = {
		.ledger = life->ledger, .targets = &target, .target_count = 1, .is_manual = true};
	assert_ok(publisher_start(&config, &publisher));
	assert_ok(publisher_run(publisher));
	assert_ok(projection_fingerprint(life->projection, &ours));
	assert_ok(projection_fingerprint(fresh, &theirs));
	if (!hash256_equal(&ours, &theirs))
		breaks(life->world, "state.db is rebuilt equal");
}

static void
check_promises(struct life *life) {
	struct world *world = life->world;
	struct reading reading = {.world = world, .io = life->io};
	struct ledger_head head;
	ledger_durable_head(life->ledger, &head);
	for (uint64_t size = 0; size < ENTRIES_MAX; size++)
		if ((world->acknowledged[size].is_known && size >= head.head.size) ||
		    (world->released[size].is_known && size > head.head.size))
			breaks(world, "nothing acknowledged is lost");
	if (ledger_check(life->ledger) != OK ||
	    ledger_visit(life->ledger, 0, head.head.size, check_record, &reading) != OK)
		breaks(world, "the log is readable");
	for (size_t i = 0; i < world->blob_count; i++) {
		_cleanup_(buffer_free) struct buffer content = {};
		if (blob_get(life->io, "/blobs", &world->blobs[i], &content) != OK)
			breaks(world, "an acknowledged entry's blob is there");
	}
}

/* Everything until the operation that is cut. */
static void
live_until_the_crash(struct simulated_disk *disk, struct world *world, size_t steps) {
	struct life life;
	enum status status = begin_life(disk, world, &life);
	for (size_t number = 0; status == OK && number < steps; number++) {
		simulated_disk_advance_clock(disk, 300'000'000);
		status = step(&life, number);
	}
	end_life(&life);
}

/* --- Crash points. --- */

struct plan {
	uint64_t crash_at, recovery_crash_at; /* numbers of operations; UINT64_MAX: none */
	uint64_t seed;
	bool power; /* the machine loses its power; otherwise the process alone ends */
	bool ignores_syncs;
	int fails_call; /* of enum simulated_call, or -1 */
	uint64_t fails_nth;
};

static uint64_t
count_operations(void) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
	struct world world = {};
	assert_ok(simulated_disk_create(&disk, 0));
	create(disk);
	uint64_t start = simulated_disk_operations(disk);
	live_until_the_crash(disk, &world, STEPS);
	assert_null(world.broken);
	return simulated_disk_operations(disk) - start;
}

static void
end_process(struct simulated_disk *disk, bool power) {
	if (power)
		simulated_disk_lose_power(disk);
	else
		simulated_disk_restart(disk);
}

/* The promise that was broken, or null; *outcome tells the disks that recovery met apart. */
static const char *
try_plan(const struct plan *plan, uint64_t *outcome) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
	struct world world = {};
	struct life life;
	assert_ok(simulated_disk_create(&disk, plan->seed));
	create(disk);
	simulated_disk_ignore_syncs(disk, plan->ignores_syncs);
	uint64_t start = simulated_disk_operations(disk);
	if (plan->crash_at != UINT64_MAX)
		simulated_disk_crash_at(disk, start + plan->crash_at);
	if (plan->fails_call >= 0)
		simulated_disk_fail(disk, (enum simulated_call)plan->fails_call, plan->fails_nth, STATUS_IO);
	live_until_the_crash(disk, &world, STEPS);
	end_process(disk, plan->power);
	*outcome = simulated_disk_fingerprint(disk);

	/* A crash during recovery is a crash like any other. */
	if (plan->recovery_crash_at != UINT64_MAX) {
		simulated_disk_crash_at(disk, simulated_disk_operations(disk) + plan->recovery_crash_at);
		IGNORE_STATUS(begin_life(disk, &world, &life)); /* cut somewhere */
		end_life(&life);
		end_process(disk, plan->power);
	}
	/* Life goes on, the power goes again, and everything is still there. */
	for (size_t lives = 0; lives < 2 && world.broken == nullptr; lives++) {
		if (begin_life(disk, &world, &life) != OK) {
			breaks(&world, "recovery succeeds");
			if (!plan->ignores_syncs)
				print_error("%s\n", fail_message());
		} else {
			check_promises(&life);
			for (uint64_t number = 0; number < 3 && world.broken == nullptr; number++)
				if (step(&life, 100 + lives * 10 + number) != OK)
					breaks(&world, "the log takes entries again");
			if (world.broken == nullptr)
				check_promises(&life);
			if (world.broken == nullptr)
				check_projection(&life);
		}
		end_life(&life);
		simulated_disk_lose_power(disk);
	}
	return world.broken;
}

static bool
is_soak(void) {
	const char *soak = getenv("GATEHOUSE_SOAK");
	return soak != nullptr && strcmp(soak, "1") == 0;
}

/* scripts/soak gives one; the cases of a run follow from it. */
static uint64_t
base_seed(void) {
	const char *seed = getenv("GATEHOUSE_SEED");
	return seed == nullptr ? 0 : strtoull(seed, nullptr, 10) * 1'000'000;
}

static void
expect_kept(const struct plan *plan, struct map *outcomes) {
	uint64_t outcome;
	const char *broken = try_plan(plan, &outcome);
	if (broken != nullptr)
		fail_msg("operation %lld, recovery %lld, seed %llu, %s: broken: %s", (long long)plan->crash_at,
			 (long long)plan->recovery_crash_at, (unsigned long long)plan->seed,
			 plan->power ? "power" : "process", broken);
	uint64_t key[2] = {plan->crash_at, outcome};
	assert_ok(map_put(outcomes, bytes_of(key, sizeof key), outcomes, nullptr));
}

static void
nothing_acknowledged_is_lost_at_any_crash_point(void **) {
	_cleanup_(map_free) struct map outcomes = {};
	uint64_t operations = count_operations(), seeds = is_soak() ? 16 : 2, tried = 0;
	assert_true(operations > 150);
	for (uint64_t at = 0; at < operations; at++)
		for (uint64_t seed = 0; seed < seeds; seed++) {
			if (!is_soak() && seed == 1 && at % 3 != 0)
				continue; /* a process that ends leaves its cache: less can go wrong */
			struct plan plan = {
				.crash_at = at,
				.recovery_crash_at = seed % 4 == 3 ? (at + seed) % 12 : UINT64_MAX,
				.seed = base_seed() + at * 1000 + seed,
				.power = seed % 4 != 1,
				.fails_call = -1,
			};
			expect_kept(&plan, &outcomes);
			tried++;
		}
	print_message("# seed %llu: %llu crash points, %llu cases\n", (unsigned long long)base_seed(),
		      (unsigned long long)operations, (unsigned long long)tried);
	print_message("# result ledger_crash_outcomes %zu\n", outcomes.count);
	assert_true(outcomes.count >= (is_soak() ? 2000 : 300));
}

static void
a_crash_at_any_operation_of_recovery_loses_nothing(void **) {
	_cleanup_(map_free) struct map outcomes = {};
	uint64_t operations = count_operations(), stride = is_soak() ? 1 : 23;
	for (uint64_t at = 7; at < operations; at += stride)
		for (uint64_t recovery = 0; recovery < 14; recovery++) {
			struct plan plan = {.crash_at = at,
					    .recovery_crash_at = recovery,
					    .seed = at * 77 + recovery,
					    .power = true,
					    .fails_call = -1};
			expect_kept(&plan, &outcomes);
		}
}

/* fsyncgate: bytes whose sync failed stay readable. The next process must not take them for durable. */
static void
nothing_is_built_on_bytes_whose_sync_failed(void **) {
	_cleanup_(map_free) struct map outcomes = {};
	uint64_t syncs = is_soak() ? 60 : 30;
	for (uint64_t nth = 0; nth < syncs; nth++)
		for (int power = 0; power < 2; power++) {
			struct plan plan = {
				.crash_at = UINT64_MAX,
				.recovery_crash_at = UINT64_MAX,
				.seed = nth,
				.power = power == 1,
				.fails_call = SIMULATED_SYNC,
				.fails_nth = nth,
			};
			expect_kept(&plan, &outcomes);
		}
}

static void
every_failing_call_ends_the_log_or_is_survived(void **) {
	static const enum simulated_call calls[] = {SIMULATED_OPEN, SIMULATED_READ, SIMULATED_WRITE, SIMULATED_RENAME,
						    SIMULATED_UNLINK};
	_cleanup_(map_free) struct map outcomes = {};
	uint64_t nths = is_soak() ? 120 : 24;
	for (size_t i = 0; i < ARRAY_LENGTH(calls); i++)
		for (uint64_t nth = 0; nth < nths; nth++) {
			struct plan plan = {
				.crash_at = UINT64_MAX,
				.recovery_crash_at = UINT64_MAX,
				.seed = nth,
				.power = nth % 2 == 0,
				.fails_call = (int)calls[i],
				.fails_nth = nth * (is_soak() ? 1 : 3),
			};
			expect_kept(&plan, &outcomes);
		}
}

static void
the_suite_notices_a_disk_that_ignores_syncs(void **) {
	uint64_t operations = count_operations(), noticed = 0, tried = 0, outcome;
	for (uint64_t at = 40; at < operations; at += 20) {
		struct plan plan = {.crash_at = at,
				    .recovery_crash_at = UINT64_MAX,
				    .seed = at,
				    .power = true,
				    .ignores_syncs = true,
				    .fails_call = -1};
		noticed += try_plan(&plan, &outcome) != nullptr;
		tried++;
	}
	print_message("# result ledger_ignored_syncs_noticed %llu of %llu\n", (unsigned long long)noticed,
		      (unsigned long long)tried);
	assert_true(noticed * 2 > tried);
}

/* --- Other faults. --- */

static void
an_older_data_directory_is_refused(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr, *older = nullptr;
	_cleanup_(buffer_free) struct buffer mark = {};
	struct world world = {};
	struct life life;
	assert_ok(simulated_disk_create(&disk, 1));
	create(disk);
	live_until_the_crash(disk, &world, 6);
	assert_ok(simulated_disk_copy(disk, &older, 2));
	assert_ok(begin_life(disk, &world, &life));
	assert_ok(step(&life, 50));
	assert_ok(publish(&life));
	end_life(&life);
	/* /data is from the backup, the mark is not. */
	assert_ok(io_read_file(simulated_disk_io(disk), "/elsewhere/mark", 4096, &mark));
	assert_ok(io_replace_file(simulated_disk_io(older), "/elsewhere/mark", buffer_bytes(&mark)));
	assert_fails(STATUS_CONFLICT, "ledger.behind", begin_life(older, &world, &life));
	end_life(&life);
	/* The same with a checkpoint that an auditor has kept. */
	simulated_disk_destroy(&older);
	struct ledger_pin kept = {.what = "the auditor's checkpoint"};
	struct checkpoint_target checkpoint = checkpoint_on(simulated_disk_io(disk));
	bool is_set;
	assert_ok(checkpoint_target_read(&checkpoint, &kept.mark, &is_set));
	assert_true(is_set);
	assert_ok(simulated_disk_create(&older, 3));
	create(older);
	struct ledger_config config = config_on(simulated_disk_io(older));
	config.pins = &kept;
	config.pin_count = 1;
	struct ledger *ledger = nullptr;
	assert_fails(STATUS_CONFLICT, "ledger.behind", ledger_open(&config, &ledger));
}

static void
two_instances_on_one_directory_are_refused(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
	struct world world = {};
	struct life life, second;
	assert_ok(simulated_disk_create(&disk, 1));
	create(disk);
	assert_ok(begin_life(disk, &world, &life));
	assert_fails(STATUS_CONFLICT, "ledger.locked", begin_life(disk, &world, &second));
	end_life(&second);
	assert_ok(step(&life, 0));
	end_life(&life);
}

static enum status
submit_one(struct ledger *ledger, enum entry_type type) {
	struct ledger_entry entry = {.type = type, .body = BYTES_OF_LITERAL("{}")};
	return ledger_append(ledger, &entry, 1, nullptr);
}

static void
a_full_disk_leaves_room_for_refusals_and_is_recovered_from_without_restart(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
	_cleanup_(buffer_free) struct buffer bytes = {};
	struct world world = {};
	struct life life;
	struct ledger_record record;
	struct ledger_statistics statistics;
	assert_ok(simulated_disk_create(&disk, 1));
	create(disk);
	assert_ok(begin_life(disk, &world, &life));
	assert_ok(submit_one(life.ledger, ENTRY_DECISION));
	simulated_disk_set_capacity(disk, 70 * 1024);
	size_t decisions = 0, refusals = 0;
	enum status status;
	while ((status = submit_one(life.ledger, ENTRY_DECISION)) == OK)
		decisions++;
	assert_int_equal(status, STATUS_UNAVAILABLE);
	assert_non_null(strstr(fail_message(), "ledger.disk_full"));
	assert_true(decisions >= 3);
	while ((status = submit_one(life.ledger, ENTRY_REFUSAL)) == OK)
		refusals++;
	assert_int_equal(status, STATUS_UNAVAILABLE);
	assert_true(refusals >= 1);
	ledger_statistics(life.ledger, &statistics);
	assert_true(statistics.is_disk_full);
	/* Reads and proofs go on. */
	struct ledger_head head;
	struct proof proof;
	ledger_durable_head(life.ledger, &head);
	assert_ok(ledger_read(life.ledger, 2, &bytes, &record));
	assert_ok(ledger_prove(life.ledger, 2, head.head.size, &proof));
	/* Space comes back. */
	simulated_disk_set_capacity(disk, 0);
	assert_ok(ledger_commit_now(life.ledger));
	assert_ok(submit_one(life.ledger, ENTRY_DECISION));
	ledger_statistics(life.ledger, &statistics);
	assert_false(statistics.is_disk_full);
	assert_ok(ledger_check(life.ledger));
	end_life(&life);
}

/* After a clean stop the mark covers everything, so no flip may pass or take anything away. */
static void
a_flipped_bit_anywhere_is_detected_or_changes_nothing(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
	struct world world = {};
	struct life life;
	struct ledger_head head, read;
	assert_ok(simulated_disk_create(&disk, 1));
	create(disk);
	assert_ok(begin_life(disk, &world, &life));
	for (uint64_t number = 0; number < 3; number++)
		assert_ok(step(&life, number));
	assert_ok(publish(&life));
	ledger_durable_head(life.ledger, &head);
	end_life(&life);
	size_t refused = 0, unchanged = 0;
	for (uint64_t offset = 0; offset < 40 * 1024; offset += is_soak() ? 1 : 29) {
		unsigned bit = (unsigned)(offset % 8);
		_cleanup_(simulated_disk_destroy) struct simulated_disk *copy = nullptr;
		assert_ok(simulated_disk_copy(disk, &copy, offset));
		assert_ok(simulated_disk_flip_bit(copy, "/data/ledger/segments/00000001.segment", offset, bit));
		if (begin_life(copy, &world, &life) != OK) {
			refused++;
		} else {
			unchanged++;
			ledger_durable_head(life.ledger, &read);
			assert_memory_equal(&head, &read, sizeof head);
			check_promises(&life);
			assert_null(world.broken);
		}
		end_life(&life);
	}
	assert_true(refused > 0 && unchanged > 0);
}

RUN_TESTS(T(nothing_acknowledged_is_lost_at_any_crash_point), T(a_crash_at_any_operation_of_recovery_loses_nothing),
	  T(nothing_is_built_on_bytes_whose_sync_failed), T(every_failing_call_ends_the_log_or_is_survived),
	  T(the_suite_notices_a_disk_that_ignores_syncs), T(an_older_data_directory_is_refused),
	  T(two_instances_on_one_directory_are_refused),
	  T(a_full_disk_leaves_room_for_refusals_and_is_recovered_from_without_restart),
	  T(a_flipped_bit_anywhere_is_detected_or_changes_nothing))
