#include "tests/test.h"
#include "tests/remove_tree.h"

#include <unistd.h>

#include "base/io_simulated.h"
#include "ledger/log_testing.h"

static struct simulated_disk *
new_disk(uint64_t seed) {
	struct simulated_disk *disk;
	assert_ok(simulated_disk_create(&disk, seed));
	struct ledger_config config = log_test_config(simulated_disk_io(disk), "/ledger");
	assert_ok(ledger_create(&config));
	return disk;
}

static struct ledger *
open_ledger(struct simulated_disk *disk) {
	struct ledger *ledger;
	struct ledger_config config = log_test_config(simulated_disk_io(disk), "/ledger");
	assert_ok(ledger_open(&config, &ledger));
	return ledger;
}

static void
append_number(struct ledger *ledger, enum entry_type type, uint64_t number) {
	char body[256];
	struct ledger_entry entry = {.type = type, .body = log_test_body(body, sizeof body, number, 100)};
	assert_ok(ledger_append(ledger, &entry, 1, nullptr));
}

struct told {
	size_t count;
	uint64_t indexes[16];
	struct hash256 leaf_root;
	bool proofs_hold;
};

static void
note_told(void *context, enum status status, const struct ledger_commit *commit, uint64_t index) {
	struct told *told = context;
	struct proof proof;
	assert_ok(status);
	assert_ok(ledger_prove(commit->ledger, index, commit->head.size, &proof));
	struct note note;
	_cleanup_(arena_free) struct arena arena = {};
	struct checkpoint checkpoint;
	assert_ok(note_parse(&arena, commit->note, &note));
	assert_ok(checkpoint_parse(note.text, &checkpoint));
	assert_int_equal(checkpoint.size, commit->head.size);
	assert_ok(note_verify_ed25519(&note, &log_test_keys()->keys.ed25519));
	assert_ok(head_verify(&log_test_keys()->keys, &commit->head, commit->signatures));
	told->indexes[told->count++] = index;
}

static void
entries_of_one_batch_share_a_head_and_each_is_proven(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = new_disk(1);
	_cleanup_(ledger_close) struct ledger *ledger = open_ledger(disk);
	_cleanup_(buffer_free) struct buffer bytes = {};
	struct told told = {};
	char bodies[3][128];
	struct ledger_entry entries[3];
	for (uint64_t i = 0; i < 3; i++)
		entries[i] = (struct ledger_entry){.type = ENTRY_DECISION, .body = log_test_body(bodies[i], 128, i, 1)};
	assert_ok(ledger_submit(ledger, entries, 2, note_told, &told));
	assert_ok(ledger_submit(ledger, &entries[2], 1, note_told, &told));
	struct ledger_head head;
	ledger_durable_head(ledger, &head);
	assert_int_equal(head.head.size, 0);
	assert_ok(ledger_commit_now(ledger));
	assert_int_equal(told.count, 3);
	ledger_durable_head(ledger, &head);
	assert_int_equal(head.head.size, 4); /* with the counts */
	for (uint64_t i = 0; i < 3; i++) {
		struct ledger_record record;
		struct proof proof;
		assert_int_equal(told.indexes[i], i);
		assert_ok(ledger_read(ledger, i, &bytes, &record));
		assert_int_equal(record.index, i);
		struct hash256 leaf = tree_leaf_hash(record.leaf);
		assert_ok(ledger_prove(ledger, i, 4, &proof));
		assert_ok(proof_verify_inclusion(&leaf, i, 4, proof.hashes, proof.count, &head.head.root));
	}
	struct ledger_record counts;
	assert_ok(ledger_read(ledger, 3, &bytes, &counts));
	assert_bytes(
		BYTES_OF_LITERAL("{\"at\":1767225600000,\"body\":{\"counts\":{\"counts\":1,\"decision\":3}},\"seq\":0,"
				 "\"type\":\"counts\",\"version\":1}"),
		counts.leaf);
	assert_fails(STATUS_NOT_FOUND, "ledger.not_durable", ledger_read(ledger, 4, &bytes, &counts));
}

struct replayed {
	uint64_t next;
	uint64_t decisions;
	size_t openings;
	bool restored;
	char state[64];
};

static enum status
replay_entry(void *context, const struct ledger_record *record) {
	struct replayed *replayed = context;
	struct entry entry;
	assert_int_equal(record->index, replayed->next);
	replayed->next++;
	assert_ok(entry_peek(record->leaf, &entry));
	replayed->decisions += entry.type == ENTRY_DECISION;
	replayed->openings += record->opening_count;
	return OK;
}

static enum status
restore_state(void *context, struct bytes state) {
	struct replayed *replayed = context;
	replayed->restored = true;
	assert_true(state.len < sizeof replayed->state);
	memcpy(replayed->state, state.data, state.len);
	return OK;
}

static void
what_was_appended_is_replayed_after_a_power_loss(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = new_disk(2);
	struct ledger *ledger = open_ledger(disk);
	for (uint64_t i = 0; i < 100; i++)
		append_number(ledger, i % 3 == 0 ? ENTRY_REFUSAL : ENTRY_DECISION, i);
	struct ledger_head before, after;
	ledger_durable_head(ledger, &before);
	ledger_close(&ledger);
	simulated_disk_lose_power(disk);
	struct replayed replayed = {};
	struct ledger_config config = log_test_config(simulated_disk_io(disk), "/ledger");
	config.replay = replay_entry;
	config.context = &replayed;
	assert_ok(ledger_open(&config, &ledger));
	ledger_durable_head(ledger, &after);
	assert_int_equal(after.head.size, 200);
	assert_memory_equal(&before, &after, sizeof before);
	assert_int_equal(replayed.next, 200);
	assert_int_equal(replayed.decisions, 66);
	/* Numbering and the tree go on where they were. */
	append_number(ledger, ENTRY_DECISION, 0);
	_cleanup_(buffer_free) struct buffer bytes = {};
	struct ledger_record record;
	struct entry entry;
	assert_ok(ledger_read(ledger, 200, &bytes, &record));
	assert_ok(entry_peek(record.leaf, &entry));
	assert_int_equal(entry.seq, 66);
	for (uint64_t index = 0; index < 202; index++) {
		struct proof proof;
		ledger_durable_head(ledger, &after);
		assert_ok(ledger_read(ledger, index, &bytes, &record));
		assert_int_equal(record.index, index);
		struct hash256 leaf = tree_leaf_hash(record.leaf);
		assert_ok(ledger_prove(ledger, index, 202, &proof));
		assert_ok(proof_verify_inclusion(&leaf, index, 202, proof.hashes, proof.count, &after.head.root));
	}
	struct proof consistency;
	assert_ok(ledger_prove_consistency(ledger, before.head.size, after.head.size, &consistency));
	assert_ok(proof_verify_consistency(200, &before.head.root, 202, &after.head.root, consistency.hashes,
					   consistency.count));
	assert_ok(ledger_check(ledger));
	struct replayed visited = {.next = 37};
	assert_ok(ledger_visit(ledger, 37, 150, replay_entry, &visited));
	assert_int_equal(visited.next, 150);
	ledger_close(&ledger);
}

static void
openings_lie_beside_their_entry_and_change_no_root(void **) {
	struct hash256 roots[2];
	for (int sealed = 0; sealed < 2; sealed++) {
		_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = new_disk(3);
		_cleanup_(ledger_close) struct ledger *ledger = open_ledger(disk);
		_cleanup_(buffer_free) struct buffer bytes = {};
		struct bytes openings[2] = {BYTES_OF_LITERAL("sealed one"), BYTES_OF_LITERAL("sealed two")};
		struct ledger_entry entries[2] = {
			{.type = ENTRY_DECISION, .body = BYTES_OF_LITERAL("{}")},
			{.type = ENTRY_VOTE,
			 .body = BYTES_OF_LITERAL("{}"),
			 .openings = openings,
			 .opening_count = sealed ? 2 : 0},
		};
		struct ledger_record record;
		struct ledger_head head;
		assert_ok(ledger_append(ledger, entries, 2, nullptr));
		assert_ok(ledger_read(ledger, 0, &bytes, &record));
		assert_int_equal(record.opening_count, 0);
		assert_ok(ledger_read(ledger, 1, &bytes, &record));
		assert_int_equal(record.opening_count, sealed ? 2 : 0);
		if (sealed)
			assert_bytes(openings[1], record.openings[1]);
		ledger_durable_head(ledger, &head);
		roots[sealed] = head.head.root;
	}
	assert_true(hash256_equal(&roots[0], &roots[1]));
}

static void
a_snapshot_shortens_the_replay_and_changes_nothing_else(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = new_disk(4);
	struct ledger *ledger = open_ledger(disk);
	for (uint64_t i = 0; i < 300; i++)
		append_number(ledger, ENTRY_DECISION, i);
	assert_ok(ledger_snapshot(ledger, "/ledger/snapshot", log_test_snapshot_key, BYTES_OF_LITERAL("limits")));
	for (uint64_t i = 0; i < 10; i++)
		append_number(ledger, ENTRY_REFUSAL, i);
	ledger_close(&ledger);
	struct replayed replayed = {.next = 600};
	struct ledger_config config = log_test_config(simulated_disk_io(disk), "/ledger");
	config.snapshot_path = "/ledger/snapshot";
	config.restore = restore_state;
	config.replay = replay_entry;
	config.context = &replayed;
	assert_ok(ledger_open(&config, &ledger));
	assert_true(replayed.restored);
	assert_string_equal(replayed.state, "limits");
	assert_int_equal(replayed.next, 620);
	uint64_t counts[ENTRY_TYPES];
	ledger_counts(ledger, counts);
	assert_int_equal(counts[ENTRY_DECISION], 300);
	assert_int_equal(counts[ENTRY_REFUSAL], 10);
	assert_int_equal(counts[ENTRY_COUNTS], 310);
	append_number(ledger, ENTRY_DECISION, 300);
	assert_ok(ledger_check(ledger));
	/* The newest leaves are proven from memory; older ones need tiles. */
	struct proof proof;
	assert_ok(ledger_prove(ledger, 610, 622, &proof));
	assert_fails(STATUS_NOT_FOUND, "tree.not_retained", ledger_prove(ledger, 10, 622, &proof));
	ledger_close(&ledger);
}

static void
a_snapshot_that_is_damaged_is_left_aside_and_one_of_another_log_refused(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = new_disk(5);
	_cleanup_(simulated_disk_destroy) struct simulated_disk *older = nullptr;
	struct ledger *ledger = open_ledger(disk);
	append_number(ledger, ENTRY_DECISION, 0);
	assert_ok(simulated_disk_copy(disk, &older, 6));
	append_number(ledger, ENTRY_DECISION, 1);
	assert_ok(ledger_snapshot(ledger, "/ledger/snapshot", log_test_snapshot_key, BYTES_OF_LITERAL("state")));
	ledger_close(&ledger);

	_cleanup_(buffer_free) struct buffer bytes = {};
	assert_ok(io_read_file(simulated_disk_io(disk), "/ledger/snapshot", 1 << 20, &bytes));
	struct ledger_config config = log_test_config(simulated_disk_io(older), "/ledger");
	config.snapshot_path = "/ledger/snapshot";
	assert_ok(io_replace_file(config.io, "/ledger/snapshot", buffer_bytes(&bytes)));
	assert_fails(STATUS_CONFLICT, "ledger.behind", ledger_open(&config, &ledger));
	/* The same number of entries, others of them. */
	config.snapshot_path = nullptr;
	assert_ok(ledger_open(&config, &ledger));
	append_number(ledger, ENTRY_DECISION, 99);
	ledger_close(&ledger);
	config.snapshot_path = "/ledger/snapshot";
	assert_fails(STATUS_CONFLICT, "ledger.fork", ledger_open(&config, &ledger));

	config = log_test_config(simulated_disk_io(disk), "/ledger");
	config.snapshot_path = "/ledger/snapshot";
	struct replayed replayed = {};
	config.replay = replay_entry;
	config.restore = restore_state;
	config.context = &replayed;
	assert_ok(simulated_disk_flip_bit(disk, "/ledger/snapshot", 50, 1));
	assert_ok(ledger_open(&config, &ledger));
	assert_false(replayed.restored);
	assert_int_equal(replayed.next, 4);
	ledger_close(&ledger);
}

static void
a_second_opener_is_refused(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = new_disk(6);
	struct ledger *ledger = open_ledger(disk), *second = nullptr;
	struct ledger_config config = log_test_config(simulated_disk_io(disk), "/ledger");
	assert_fails(STATUS_CONFLICT, "ledger.locked", ledger_open(&config, &second));
	assert_fails(STATUS_CONFLICT, "ledger.exists", ledger_create(&config));
	ledger_close(&ledger);
	assert_ok(ledger_open(&config, &second));
	ledger_close(&second);
}

static void
a_log_that_is_older_than_a_pin_or_beside_it_is_refused(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = new_disk(7);
	_cleanup_(simulated_disk_destroy) struct simulated_disk *older = nullptr;
	struct ledger *ledger = open_ledger(disk);
	struct ledger_head early, late;
	append_number(ledger, ENTRY_DECISION, 0);
	assert_ok(simulated_disk_copy(disk, &older, 8));
	ledger_durable_head(ledger, &early);
	append_number(ledger, ENTRY_DECISION, 1);
	ledger_durable_head(ledger, &late);
	ledger_close(&ledger);
	struct ledger_pin pins[2] = {
		{"the published checkpoint", {early.head.size, early.head.root}},
		{"the high-water mark", {late.head.size, late.head.root}},
	};
	struct ledger_config config = log_test_config(simulated_disk_io(disk), "/ledger");
	config.pins = pins;
	config.pin_count = 2;
	assert_ok(ledger_open(&config, &ledger));
	ledger_close(&ledger);
	config.io = simulated_disk_io(older);
	assert_fails(STATUS_CONFLICT, "ledger.behind", ledger_open(&config, &ledger));
	assert_non_null(strstr(fail_message(), "the high-water mark says that the log had 4 entries, it has 2"));
	config.pin_count = 0;
	assert_ok(ledger_open(&config, &ledger));
	append_number(ledger, ENTRY_DECISION, 77);
	append_number(ledger, ENTRY_DECISION, 78);
	ledger_close(&ledger);
	config.pin_count = 2;
	assert_fails(STATUS_CONFLICT, "ledger.fork", ledger_open(&config, &ledger));
	/* A pin that never was a head of this log. */
	pins[1].mark.size = 3;
	config.io = simulated_disk_io(disk);
	assert_fails(STATUS_CONFLICT, "ledger.fork", ledger_open(&config, &ledger));
}

static void
an_incomplete_frame_is_cut_kept_and_recorded_once(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = new_disk(12);
	_cleanup_(buffer_free) struct buffer kept = {};
	struct ledger *ledger = open_ledger(disk);
	const struct hash256 *cuts;
	append_number(ledger, ENTRY_DECISION, 0);
	append_number(ledger, ENTRY_DECISION, 1);
	ledger_close(&ledger);
	assert_ok(simulated_disk_flip_bit(disk, "/ledger/segments/00000001.segment", 4096 + 4096 + 700, 1));
	ledger = open_ledger(disk);
	assert_int_equal(ledger_unrecorded_cuts(ledger, &cuts), 1);
	char path[128] = "/ledger/cut/";
	hex_encode(hash256_bytes(cuts), path + strlen(path));
	assert_ok(io_read_file(simulated_disk_io(disk), path, 1 << 20, &kept));
	struct hash256 found = sha256(buffer_bytes(&kept));
	assert_true(hash256_equal(&found, cuts));
	ledger_close(&ledger);
	ledger = open_ledger(disk); /* the process ended before it recorded the cut */
	assert_int_equal(ledger_unrecorded_cuts(ledger, &cuts), 1);
	assert_ok(ledger_record_cuts(ledger));
	assert_ok(ledger_commit_now(ledger));
	assert_ok(ledger_snapshot(ledger, "/ledger/snapshot", log_test_snapshot_key, (struct bytes){}));
	ledger_close(&ledger);
	ledger = open_ledger(disk);
	assert_int_equal(ledger_unrecorded_cuts(ledger, &cuts), 0);
	ledger_close(&ledger);
	struct ledger_config config = log_test_config(simulated_disk_io(disk), "/ledger");
	config.snapshot_path = "/ledger/snapshot";
	assert_ok(ledger_open(&config, &ledger));
	assert_int_equal(ledger_unrecorded_cuts(ledger, &cuts), 0);
	ledger_close(&ledger);
}

static void
a_log_signed_by_other_keys_is_refused(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = new_disk(8);
	struct ledger *ledger = open_ledger(disk);
	append_number(ledger, ENTRY_DECISION, 0);
	ledger_close(&ledger);
	_cleanup_(head_keys_free) struct head_keys keys = {};
	uint8_t seed[32] = {9}, public_key[32];
	assert_ok(ed25519_public_key(seed, public_key));
	assert_ok(head_keys_make(BYTES_OF_LITERAL("log.example/keeper-1"), public_key,
				 log_test_keys()->keys.mldsa44.public_key, &keys));
	struct head_signer signer = {&keys, seed, log_test_keys()->mldsa44};
	struct ledger_config config = log_test_config(simulated_disk_io(disk), "/ledger");
	config.signer = &signer;
	assert_fails(STATUS_CORRUPT, "ledger.head", ledger_open(&config, &ledger));
}

static void
entries_that_cannot_be_taken_leave_no_trace(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = new_disk(9);
	_cleanup_(ledger_close) struct ledger *ledger = open_ledger(disk);
	_cleanup_(buffer_free) struct buffer large = {};
	buffer_append_text(&large, "{\"a\":\"");
	while (large.len < 65'500)
		buffer_append_byte(&large, 'a');
	buffer_append_text(&large, "\"}");
	struct ledger_entry entries[2] = {
		{.type = ENTRY_DECISION, .body = BYTES_OF_LITERAL("{}")},
		{.type = ENTRY_DECISION, .body = buffer_bytes(&large)},
	};
	struct told told = {};
	assert_fails(STATUS_TOO_LARGE, "ledger.batch_size", ledger_submit(ledger, entries, 2, note_told, &told));
	entries[1].body = BYTES_OF_LITERAL("not an object");
	assert_fails(STATUS_INTERNAL, "entry.body", ledger_submit(ledger, entries, 2, note_told, &told));
	entries[1] = (struct ledger_entry){.type = ENTRY_COUNTS, .body = BYTES_OF_LITERAL("{}")};
	assert_fails(STATUS_INTERNAL, "ledger.entry_type", ledger_submit(ledger, entries, 2, note_told, &told));
	assert_fails(STATUS_INTERNAL, "ledger.batch_size", ledger_submit(ledger, entries, 0, note_told, &told));
	assert_ok(ledger_submit(ledger, entries, 1, note_told, &told));
	assert_ok(ledger_commit_now(ledger));
	assert_int_equal(told.count, 1);
	uint64_t counts[ENTRY_TYPES];
	ledger_counts(ledger, counts);
	assert_int_equal(counts[ENTRY_DECISION], 1);
}

static void
recorded_time_never_goes_back(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = new_disk(10);
	struct ledger *ledger = open_ledger(disk);
	int64_t before = ledger_time_ms(ledger);
	append_number(ledger, ENTRY_CLOCK, 0);
	simulated_disk_step_realtime(disk, -INT64_C(3600) * 1'000'000'000);
	assert_int_equal(ledger_time_ms(ledger), before);
	append_number(ledger, ENTRY_CLOCK, 1);
	ledger_close(&ledger);
	ledger = open_ledger(disk); /* which checks it */
	assert_int_equal(ledger_time_ms(ledger), before);
	simulated_disk_step_realtime(disk, INT64_C(7200) * 1'000'000'000);
	assert_int_equal(ledger_time_ms(ledger), before + 3'600'000);
	ledger_close(&ledger);
}

static void
a_snapshot_waits_until_nothing_is_pending(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = new_disk(11);
	_cleanup_(ledger_close) struct ledger *ledger = open_ledger(disk);
	struct told told = {};
	struct ledger_entry entry = {.type = ENTRY_DECISION, .body = BYTES_OF_LITERAL("{}")};
	assert_fails(STATUS_UNAVAILABLE, "ledger.empty",
		     ledger_snapshot(ledger, "/ledger/snapshot", log_test_snapshot_key, (struct bytes){}));
	assert_ok(ledger_submit(ledger, &entry, 1, note_told, &told));
	assert_fails(STATUS_UNAVAILABLE, "ledger.pending",
		     ledger_snapshot(ledger, "/ledger/snapshot", log_test_snapshot_key, (struct bytes){}));
	assert_ok(ledger_commit_now(ledger));
	assert_ok(ledger_snapshot(ledger, "/ledger/snapshot", log_test_snapshot_key, (struct bytes){}));
}

static void
it_works_with_its_threads_on_a_real_disk(void **) {
	char directory[] = "/tmp/gatehouse-log-test-XXXXXX", ledger_directory[64];
	assert_non_null(mkdtemp(directory));
	snprintf(ledger_directory, sizeof ledger_directory, "%s/ledger", directory);
	struct ledger_config config = log_test_config(io_system(), ledger_directory);
	struct ledger *ledger, *second = nullptr;
	config.is_manual = false;
	assert_ok(ledger_create(&config));
	assert_ok(ledger_open(&config, &ledger));
	struct ledger_entry entry = {.type = ENTRY_DECISION, .body = BYTES_OF_LITERAL("{}")};
	for (uint64_t i = 0; i < 60; i++) /* over several segments, which are small: they may not be ready in time */
		while (ledger_append(ledger, &entry, 1, nullptr) != OK)
			usleep(1000);
	assert_fails(STATUS_CONFLICT, "ledger.locked", ledger_open(&config, &second));
	assert_ok(ledger_check(ledger));
	ledger_close(&ledger);
	struct replayed replayed = {};
	config.replay = replay_entry;
	config.context = &replayed;
	assert_ok(ledger_open(&config, &ledger));
	assert_int_equal(replayed.decisions, 60);
	ledger_close(&ledger);
	assert_int_equal(remove_tree(directory), 0);
}

RUN_TESTS(T(entries_of_one_batch_share_a_head_and_each_is_proven), T(what_was_appended_is_replayed_after_a_power_loss),
	  T(openings_lie_beside_their_entry_and_change_no_root),
	  T(a_snapshot_shortens_the_replay_and_changes_nothing_else),
	  T(a_snapshot_that_is_damaged_is_left_aside_and_one_of_another_log_refused), T(a_second_opener_is_refused),
	  T(a_log_that_is_older_than_a_pin_or_beside_it_is_refused),
	  T(an_incomplete_frame_is_cut_kept_and_recorded_once), T(a_log_signed_by_other_keys_is_refused),
	  T(entries_that_cannot_be_taken_leave_no_trace), T(recorded_time_never_goes_back),
	  T(a_snapshot_waits_until_nothing_is_pending), T(it_works_with_its_threads_on_a_real_disk))
