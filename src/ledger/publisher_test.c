#include "tests/test.h"

#include "base/io_simulated.h"
#include "ledger/log_testing.h"
#include "ledger/publisher.h"
#include "ledger/tile_writer.h"
#include "store/projection.h"

struct fixture {
	struct simulated_disk *disk;
	struct ledger *ledger;
	struct tile_writer *tiles;
	struct projection *projection;
	struct checkpoint_target checkpoint;
	struct publish_target targets[3];
	struct publisher *publisher;
	bool tiles_fail;
	size_t finished;
};

static uint64_t
tiles_applied(void *context) {
	return tile_writer_size(((struct fixture *)context)->tiles);
}

static enum status
tiles_apply(void *context, const struct ledger_record *record) {
	return tile_writer_append(((struct fixture *)context)->tiles, record->leaf, record->leaf_hash);
}

static enum status
tiles_finish(void *context, const struct ledger_head *head) {
	struct fixture *fixture = context;
	if (fixture->tiles_fail)
		return fail(STATUS_IO, "tiles.test: as planned");
	fixture->finished++;
	return tile_writer_publish(fixture->tiles, head->head.size, &head->head.root);
}

static uint64_t
rows_applied(void *context) {
	return projection_applied(((struct fixture *)context)->projection).size;
}

static enum status
rows_begin(void *context) {
	return projection_begin(((struct fixture *)context)->projection);
}

static enum status
rows_apply(void *context, const struct ledger_record *record) {
	struct entry entry;
	TRY(entry_peek(record->leaf, &entry));
	struct projection_entry row = {.index = record->index,
				       .type = bytes_of_text(entry_kinds[entry.type].name),
				       .seq = (int64_t)entry.seq,
				       .at_ms = entry.at_ms};
	return projection_apply(((struct fixture *)context)->projection, &row);
}

static enum status
rows_finish(void *context, const struct ledger_head *head) {
	return projection_commit(((struct fixture *)context)->projection,
				 &(struct mark){head->head.size, head->head.root});
}

static void
open_all(struct fixture *fixture, bool is_manual) {
	const struct io *io = simulated_disk_io(fixture->disk);
	struct ledger_config config = log_test_config(io, "/ledger");
	config.first_segment_size = config.segment_size = 4 * 1024 * 1024;
	config.is_manual = is_manual;
	assert_ok(ledger_open(&config, &fixture->ledger));
	assert_ok(tile_writer_open(io, "/public", &fixture->tiles));
	struct projection_config rows = {.io = io, .path = "/state.db"};
	assert_ok(projection_open(&rows, &fixture->projection));
	fixture->checkpoint =
		(struct checkpoint_target){.io = io, .path = "/public/checkpoint", .keys = &log_test_keys()->keys};
	fixture->targets[0] = (struct publish_target){.name = "tiles",
						      .context = fixture,
						      .applied = tiles_applied,
						      .apply = tiles_apply,
						      .finish = tiles_finish};
	fixture->targets[1] = (struct publish_target){.name = "checkpoint",
						      .follows = "tiles",
						      .context = &fixture->checkpoint,
						      .applied = checkpoint_target_applied,
						      .finish = checkpoint_target_finish};
	fixture->targets[2] = (struct publish_target){.name = "state.db",
						      .context = fixture,
						      .applied = rows_applied,
						      .begin = rows_begin,
						      .apply = rows_apply,
						      .finish = rows_finish};
	struct publisher_config publishing = {
		.ledger = fixture->ledger, .targets = fixture->targets, .target_count = 3, .is_manual = is_manual};
	assert_ok(publisher_start(&publishing, &fixture->publisher));
}

static void
close_all(struct fixture *fixture) {
	publisher_stop(&fixture->publisher);
	projection_close(&fixture->projection);
	tile_writer_close(&fixture->tiles);
	ledger_close(&fixture->ledger);
}

static void
start(struct fixture *fixture, uint64_t seed, bool is_manual) {
	*fixture = (struct fixture){};
	assert_ok(simulated_disk_create(&fixture->disk, seed));
	const struct io *io = simulated_disk_io(fixture->disk);
	struct ledger_config config = log_test_config(io, "/ledger");
	config.first_segment_size = config.segment_size = 4 * 1024 * 1024;
	assert_ok(ledger_create(&config));
	assert_ok(io_make_directory(io, "/public"));
	assert_ok(io_sync_directory(io, "/"));
	open_all(fixture, is_manual);
}

static void
append_many(struct fixture *fixture, size_t count) {
	struct ledger_entry entries[64];
	for (size_t i = 0; i < ARRAY_LENGTH(entries); i++)
		entries[i] = (struct ledger_entry){.type = ENTRY_DECISION, .body = BYTES_OF_LITERAL("{}")};
	for (size_t left = count; left > 0;) {
		size_t now = left < ARRAY_LENGTH(entries) ? left : ARRAY_LENGTH(entries);
		assert_ok(ledger_append(fixture->ledger, entries, now, nullptr));
		left -= now;
	}
}

static void
expect_published(struct fixture *fixture, uint64_t size) {
	struct mark mark;
	bool is_set;
	assert_int_equal(tile_writer_size(fixture->tiles), size);
	assert_int_equal(projection_applied(fixture->projection).size, size);
	assert_ok(checkpoint_target_read(&fixture->checkpoint, &mark, &is_set));
	assert_true(is_set);
	assert_int_equal(mark.size, size);
	assert_ok(ledger_had_head(fixture->ledger, &mark));
}

static void
all_targets_are_brought_to_the_durable_head_and_go_on_after_a_restart(void **) {
	struct fixture fixture;
	struct mark mark;
	bool is_set;
	start(&fixture, 1, true);
	assert_ok(publisher_run(fixture.publisher));
	assert_ok(checkpoint_target_read(&fixture.checkpoint, &mark, &is_set));
	assert_false(is_set);
	append_many(&fixture, 300);
	assert_ok(publisher_run(fixture.publisher));
	expect_published(&fixture, 305);
	close_all(&fixture);
	simulated_disk_lose_power(fixture.disk);
	open_all(&fixture, true);
	append_many(&fixture, 3);
	assert_ok(publisher_run(fixture.publisher));
	expect_published(&fixture, 309);
	struct publisher_health health;
	publisher_health(fixture.publisher, &health);
	assert_null(health.failing);
	assert_int_equal(health.published, 309);
	close_all(&fixture);
	simulated_disk_destroy(&fixture.disk);
}

static void
what_is_far_behind_is_brought_up_in_pieces(void **) {
	struct fixture fixture;
	start(&fixture, 2, true);
	append_many(&fixture, 20'000);
	assert_ok(publisher_run(fixture.publisher));
	assert_true(fixture.finished >= 2 && fixture.finished <= 4);
	expect_published(&fixture, 20'313);
	close_all(&fixture);
	simulated_disk_destroy(&fixture.disk);
}

static void
a_failing_target_is_named_holds_only_those_that_follow_it_and_is_tried_again(void **) {
	struct fixture fixture;
	struct publisher_health health;
	struct mark mark;
	bool is_set;
	start(&fixture, 3, true);
	append_many(&fixture, 10);
	fixture.tiles_fail = true;
	assert_fails(STATUS_IO, "tiles.test", publisher_run(fixture.publisher));
	publisher_health(fixture.publisher, &health);
	assert_string_equal(health.failing, "tiles");
	assert_int_equal(health.published, 0);
	assert_ok(checkpoint_target_read(&fixture.checkpoint, &mark, &is_set));
	assert_false(is_set);
	assert_int_equal(projection_applied(fixture.projection).size, 11);
	fixture.tiles_fail = false;
	assert_ok(publisher_run(fixture.publisher));
	assert_int_equal(fixture.finished, 1);
	expect_published(&fixture, 11);
	append_many(&fixture, 1);
	assert_ok(publisher_run(fixture.publisher));
	expect_published(&fixture, 13);
	close_all(&fixture);
	simulated_disk_destroy(&fixture.disk);
}

static void
heads_that_the_log_never_had_are_told_apart(void **) {
	struct fixture fixture;
	struct ledger_head head;
	start(&fixture, 4, true);
	append_many(&fixture, 2);
	append_many(&fixture, 2);
	ledger_durable_head(fixture.ledger, &head);
	struct mark mark = {head.head.size, head.head.root}, empty = {};
	assert_ok(ledger_had_head(fixture.ledger, &mark));
	assert_ok(ledger_had_head(fixture.ledger, &empty));
	mark.size = 7;
	assert_fails(STATUS_CONFLICT, "ledger.behind", ledger_had_head(fixture.ledger, &mark));
	mark.size = 5;
	assert_fails(STATUS_CONFLICT, "ledger.fork", ledger_had_head(fixture.ledger, &mark));
	mark.size = 3;
	assert_fails(STATUS_CONFLICT, "ledger.fork", ledger_had_head(fixture.ledger, &mark));
	close_all(&fixture);
	simulated_disk_destroy(&fixture.disk);
}

static void
its_thread_publishes_the_rest_when_it_is_stopped(void **) {
	struct fixture fixture;
	struct mark mark;
	bool is_set;
	start(&fixture, 5, false);
	append_many(&fixture, 100);
	publisher_stop(&fixture.publisher);
	assert_ok(checkpoint_target_read(&fixture.checkpoint, &mark, &is_set));
	assert_true(is_set && mark.size == 102);
	close_all(&fixture);
	simulated_disk_destroy(&fixture.disk);
}

/* --- Frames in memory. --- */

struct visited {
	uint64_t next;
	size_t from_memory;
	struct sha256_stream *hash;
};

static enum status
note_record(void *context, const struct ledger_record *record) {
	struct visited *visited = context;
	assert_int_equal(record->index, visited->next++);
	sha256_stream_add(visited->hash, record->leaf);
	for (size_t i = 0; i < record->opening_count; i++)
		sha256_stream_add(visited->hash, record->openings[i]);
	if (record->leaf_hash != nullptr) {
		struct hash256 leaf = tree_leaf_hash(record->leaf);
		assert_true(hash256_equal(&leaf, record->leaf_hash));
		visited->from_memory++;
	}
	return OK;
}

static struct hash256
visit_all(struct fixture *fixture, const struct recent_frame *recent, uint64_t from, uint64_t to, size_t *from_memory) {
	_cleanup_(sha256_stream_destroy) struct sha256_stream *hash = nullptr;
	assert_ok(sha256_stream_create(&hash));
	struct visited visited = {.next = from, .hash = hash};
	assert_ok(ledger_visit_recent(fixture->ledger, recent, from, to, note_record, &visited));
	assert_int_equal(visited.next, to);
	*from_memory = visited.from_memory;
	return sha256_stream_finish(hash);
}

static void
append_with_opening(struct fixture *fixture) {
	struct bytes sealed = BYTES_OF_LITERAL("sealed");
	struct ledger_entry entry = {
		.type = ENTRY_DECISION, .body = BYTES_OF_LITERAL("{}"), .openings = &sealed, .opening_count = 1};
	assert_ok(ledger_append(fixture->ledger, &entry, 1, nullptr));
}

static void
frames_in_memory_read_like_those_in_the_segments_wherever_they_begin_and_end(void **) {
	struct fixture fixture;
	struct ledger_head durable;
	size_t from_memory;
	start(&fixture, 6, true);
	ledger_keep_recent(fixture.ledger, 0);
	append_many(&fixture, 70); /* 72 entries, before anyone follows */
	constexpr size_t BOUND = 64 * 1024;
	ledger_keep_recent(fixture.ledger, BOUND);
	for (int i = 0; i < 500; i++) { /* two entries each, far beyond the bound */
		append_with_opening(&fixture);
	}
	struct recent_frame *recent = ledger_take_recent(fixture.ledger, &durable);
	assert_non_null(recent);
	assert_int_equal(durable.head.size, 1072);
	static const uint64_t ranges[][2] = {{0, 1072}, {0, 10},  {0, 73},    {71, 74},
					     {73, 76},  {72, 72}, {75, 1072}, {1070, 1072}};
	for (size_t i = 0; i < ARRAY_LENGTH(ranges); i++) {
		size_t none;
		struct hash256 read = visit_all(&fixture, nullptr, ranges[i][0], ranges[i][1], &none);
		struct hash256 mixed = visit_all(&fixture, recent, ranges[i][0], ranges[i][1], &from_memory);
		assert_true(hash256_equal(&read, &mixed));
		assert_int_equal(none, 0);
		if (i == 0)
			assert_true(from_memory > 10 && from_memory < 1000);
	}
	(void)visit_all(&fixture, recent, 73, 76, &from_memory);
	assert_int_equal(from_memory, 3);
	ledger_give_back_recent(fixture.ledger, recent);
	/* What was beyond the bound is not in between: the next ones begin anew. */
	append_with_opening(&fixture);
	recent = ledger_take_recent(fixture.ledger, &durable);
	(void)visit_all(&fixture, recent, 1060, 1074, &from_memory);
	assert_int_equal(from_memory, 2);
	ledger_give_back_recent(fixture.ledger, recent);
	assert_null(ledger_take_recent(fixture.ledger, &durable));
	ledger_give_back_recent(fixture.ledger, nullptr);
	close_all(&fixture);
	simulated_disk_destroy(&fixture.disk);
}

RUN_TESTS(T(all_targets_are_brought_to_the_durable_head_and_go_on_after_a_restart),
	  T(what_is_far_behind_is_brought_up_in_pieces),
	  T(a_failing_target_is_named_holds_only_those_that_follow_it_and_is_tried_again),
	  T(heads_that_the_log_never_had_are_told_apart), T(its_thread_publishes_the_rest_when_it_is_stopped),
	  T(frames_in_memory_read_like_those_in_the_segments_wherever_they_begin_and_end))
