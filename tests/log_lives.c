#include "tests/test.h"

#include "tests/log_lives.h"

#include "ledger/log_testing.h"
#include "store/blob.h"

void
log_world_breaks(struct log_world *world, const char *promise) {
	if (world->broken == nullptr)
		world->broken = promise;
}

/* --- The workload. --- */

static void
note_acknowledged(void *context, enum status status, const struct ledger_commit *commit, uint64_t index) {
	struct log_submitted *submitted = context;
	struct log_world *world = submitted->world;
	_cleanup_(buffer_free) struct buffer bytes = {};
	struct ledger_record record;
	if (status != OK)
		return;
	assert_true(commit->head.size < LOG_WORLD_ENTRIES_MAX);
	if (ledger_read(commit->ledger, index, &bytes, &record) != OK) /* a planned failure comes once */
		assert_ok(ledger_read(commit->ledger, index, &bytes, &record));
	struct hash256 leaf = tree_leaf_hash(record.leaf);
	if (world->acknowledged[index].is_known)
		log_world_breaks(world, "an index is acknowledged once");
	world->acknowledged[index].is_known = true;
	world->acknowledged[index].leaf = leaf;
	if (world->released[commit->head.size].is_known &&
	    !hash256_equal(&world->released[commit->head.size].root, &commit->head.root))
		log_world_breaks(world, "one size has one released root");
	world->released[commit->head.size].is_known = true;
	world->released[commit->head.size].root = commit->head.root;
	if (submitted->names_blob)
		world->blobs[world->blob_count++] = submitted->blob;
}

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

enum status
log_life_publish(struct log_life *life) {
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

enum status
log_life_step(struct log_life *life, uint64_t number) {
	char bodies[4][3000], payload[64];
	for (uint64_t i = 0; i <= number % 3; i++) {
		assert_true(life->world->submitted_count < LOG_WORLD_ENTRIES_MAX);
		struct log_submitted *submitted = &life->world->submitted[life->world->submitted_count++];
		*submitted = (struct log_submitted){.world = life->world};
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
		TRY(log_life_publish(life));
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

struct ledger_config
log_life_config(const struct io *io) {
	struct ledger_config config = log_test_config(io, "/data/ledger");
	config.first_segment_size = config.segment_size = 64 * 1024; /* so that several are used */
	config.snapshot_path = "/data/snapshot";
	return config;
}

void
log_life_found(struct simulated_disk *disk) {
	static const char *const directories[] = {"/data", "/public", "/elsewhere", "/blobs"};
	const struct io *io = simulated_disk_io(disk);
	for (size_t i = 0; i < ARRAY_LENGTH(directories); i++)
		assert_ok(io_make_directory(io, directories[i]));
	assert_ok(io_sync_directory(io, "/"));
	struct ledger_config config = log_life_config(io);
	assert_ok(ledger_create(&config));
	_cleanup_(high_water_close) struct high_water *high_water = nullptr;
	struct high_water_config mark = high_water_config_on(io);
	struct mark empty = {.root = tree_empty_root()};
	assert_ok(high_water_open(&mark, &high_water));
	assert_ok(high_water_begin(high_water, &empty));
}

struct checkpoint_target
log_life_checkpoint(const struct io *io) {
	return (struct checkpoint_target){.io = io, .path = "/public/checkpoint", .keys = &log_test_keys()->keys};
}

enum status
log_life_begin(struct simulated_disk *disk, struct log_world *world, struct log_life *life) {
	bool is_set;
	*life = (struct log_life){.io = simulated_disk_io(disk), .world = world};
	life->checkpoint = log_life_checkpoint(life->io);
	struct high_water_config mark = high_water_config_on(life->io);
	struct ledger_pin pins[2] = {{.what = "the high-water mark"}, {.what = "the published checkpoint"}};
	TRY(high_water_open(&mark, &life->high_water));
	TRY(high_water_read(life->high_water, &pins[0].mark, &is_set));
	TRY(checkpoint_target_read(&life->checkpoint, &pins[1].mark, &is_set));
	struct ledger_config config = log_life_config(life->io);
	config.pins = pins;
	config.pin_count = 2;
	TRY(ledger_open(&config, &life->ledger));
	TRY(tile_writer_open(life->io, "/public", &life->tiles));
	struct projection_config rows = {.io = life->io, .path = "/data/state.db", .identity = {{1}}};
	TRY(projection_open(&rows, &life->projection));
	struct mark applied = projection_applied(life->projection);
	if (ledger_had_head(life->ledger, &applied) != OK)
		log_world_breaks(world, "state.db is never ahead of the log");
	return ledger_record_cuts(life->ledger);
}

void
log_life_end(struct log_life *life) {
	projection_close(&life->projection);
	tile_writer_close(&life->tiles);
	ledger_close(&life->ledger);
	high_water_close(&life->high_water);
}

/* --- The promises. --- */

struct reading {
	struct log_world *world;
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
		log_world_breaks(reading->world, "what was cut is kept and named");
}

static enum status
check_record(void *context, const struct ledger_record *record) {
	struct reading *reading = context;
	struct log_world *world = reading->world;
	struct entry entry;
	struct hash256 leaf = tree_leaf_hash(record->leaf), root;
	assert_ok(tree_frontier_append(&reading->frontier, &leaf));
	root = tree_frontier_root(&reading->frontier);
	if (world->acknowledged[record->index].is_known &&
	    !hash256_equal(&world->acknowledged[record->index].leaf, &leaf))
		log_world_breaks(world, "an acknowledged entry never changes");
	if (world->released[reading->frontier.size].is_known &&
	    !hash256_equal(&world->released[reading->frontier.size].root, &root))
		log_world_breaks(world, "the log leads to every head that it released");
	if (entry_peek(record->leaf, &entry) != OK || entry.seq != reading->counts[entry.type]++ ||
	    entry.at_ms < reading->last_at_ms)
		log_world_breaks(world, "numbers have no gap and time does not go back");
	reading->last_at_ms = entry.at_ms;
	if (entry.type == ENTRY_RECOVERED)
		check_cut(reading, record->leaf);
	return OK;
}

void
log_life_check_projection(struct log_life *life) {
	_cleanup_(projection_close) struct projection *fresh = nullptr;
	_cleanup_(publisher_stop) struct publisher *publisher = nullptr;
	struct projection_config rows = {.io = life->io, .path = "/elsewhere/state.db", .identity = {{1}}};
	struct hash256 ours, theirs;
	if (log_life_publish(life) != OK || projection_open(&rows, &fresh) != OK || projection_clear(fresh) != OK) {
		log_world_breaks(life->world, "what is durable can be published");
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
		log_world_breaks(life->world, "state.db is rebuilt equal");
}

void
log_life_check_promises(struct log_life *life) {
	struct log_world *world = life->world;
	struct reading reading = {.world = world, .io = life->io};
	struct ledger_head head;
	ledger_durable_head(life->ledger, &head);
	for (uint64_t size = 0; size < LOG_WORLD_ENTRIES_MAX; size++)
		if ((world->acknowledged[size].is_known && size >= head.head.size) ||
		    (world->released[size].is_known && size > head.head.size))
			log_world_breaks(world, "nothing acknowledged is lost");
	if (ledger_check(life->ledger) != OK ||
	    ledger_visit(life->ledger, 0, head.head.size, check_record, &reading) != OK)
		log_world_breaks(world, "the log is readable");
	for (size_t i = 0; i < world->blob_count; i++) {
		_cleanup_(buffer_free) struct buffer content = {};
		if (blob_get(life->io, "/blobs", &world->blobs[i], &content) != OK)
			log_world_breaks(world, "an acknowledged entry's blob is there");
	}
}

void
log_life_until_the_crash(struct simulated_disk *disk, struct log_world *world, size_t steps) {
	struct log_life life;
	enum status status = log_life_begin(disk, world, &life);
	for (size_t number = 0; status == OK && number < steps; number++) {
		simulated_disk_advance_clock(disk, 300'000'000);
		status = log_life_step(&life, number);
	}
	log_life_end(&life);
}
