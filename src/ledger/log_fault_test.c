/*
 * The log against a disk that loses its power at every operation of a fixed workload, fails calls, flips bits and is put
 * back to an older state. A case that breaks a promise gives the promise's name; the suite is itself tested by a disk that
 * ignores syncs, which it must notice. GATEHOUSE_SOAK=1 tries more seeds of every crash point; the seed is printed.
 */
#include "tests/test.h"

#include "base/io_simulated.h"
#include "base/map.h"
#include "ledger/log_testing.h"
#include "tests/log_lives.h"
#include "tests/soak.h"

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
	struct log_world world = {};
	assert_ok(simulated_disk_create(&disk, 0));
	log_life_found(disk);
	uint64_t start = simulated_disk_operations(disk);
	log_life_until_the_crash(disk, &world, LOG_LIFE_STEPS);
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
	struct log_world world = {};
	struct log_life life;
	assert_ok(simulated_disk_create(&disk, plan->seed));
	log_life_found(disk);
	simulated_disk_ignore_syncs(disk, plan->ignores_syncs);
	uint64_t start = simulated_disk_operations(disk);
	if (plan->crash_at != UINT64_MAX)
		simulated_disk_crash_at(disk, start + plan->crash_at);
	if (plan->fails_call >= 0)
		simulated_disk_fail(disk, (enum simulated_call)plan->fails_call, plan->fails_nth, STATUS_IO);
	log_life_until_the_crash(disk, &world, LOG_LIFE_STEPS);
	end_process(disk, plan->power);
	*outcome = simulated_disk_fingerprint(disk);

	/* A crash during recovery is a crash like any other. */
	if (plan->recovery_crash_at != UINT64_MAX) {
		simulated_disk_crash_at(disk, simulated_disk_operations(disk) + plan->recovery_crash_at);
		IGNORE_STATUS(log_life_begin(disk, &world, &life)); /* cut somewhere */
		log_life_end(&life);
		end_process(disk, plan->power);
	}
	/* Life goes on, the power goes again, and everything is still there. */
	for (size_t lives = 0; lives < 2 && world.broken == nullptr; lives++) {
		if (log_life_begin(disk, &world, &life) != OK) {
			log_world_breaks(&world, "recovery succeeds");
			if (!plan->ignores_syncs)
				print_error("%s\n", fail_message());
		} else {
			log_life_check_promises(&life);
			for (uint64_t number = 0; number < 3 && world.broken == nullptr; number++)
				if (log_life_step(&life, 100 + lives * 10 + number) != OK)
					log_world_breaks(&world, "the log takes entries again");
			if (world.broken == nullptr)
				log_life_check_promises(&life);
			if (world.broken == nullptr)
				log_life_check_projection(&life);
		}
		log_life_end(&life);
		simulated_disk_lose_power(disk);
	}
	return world.broken;
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
	uint64_t operations = count_operations(), seeds = soak_is_on() ? 16 : 2, tried = 0;
	assert_true(operations > 150);
	for (uint64_t at = 0; at < operations; at++)
		for (uint64_t seed = 0; seed < seeds; seed++) {
			if (!soak_is_on() && seed == 1 && at % 3 != 0)
				continue; /* a process that ends leaves its cache: less can go wrong */
			struct plan plan = {
				.crash_at = at,
				.recovery_crash_at = seed % 4 == 3 ? (at + seed) % 12 : UINT64_MAX,
				.seed = soak_first_case() + at * 1000 + seed,
				.power = seed % 4 != 1,
				.fails_call = -1,
			};
			expect_kept(&plan, &outcomes);
			tried++;
		}
	print_message("# seed %llu: %llu crash points, %llu cases\n", (unsigned long long)soak_first_case(),
		      (unsigned long long)operations, (unsigned long long)tried);
	print_message("# result ledger_crash_outcomes %zu\n", outcomes.count);
	assert_true(outcomes.count >= (soak_is_on() ? 2000 : 300));
}

static void
a_crash_at_any_operation_of_recovery_loses_nothing(void **) {
	_cleanup_(map_free) struct map outcomes = {};
	uint64_t operations = count_operations(), stride = soak_is_on() ? 1 : 23;
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
	uint64_t syncs = soak_is_on() ? 60 : 30;
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
	uint64_t nths = soak_is_on() ? 120 : 24;
	for (size_t i = 0; i < ARRAY_LENGTH(calls); i++)
		for (uint64_t nth = 0; nth < nths; nth++) {
			struct plan plan = {
				.crash_at = UINT64_MAX,
				.recovery_crash_at = UINT64_MAX,
				.seed = nth,
				.power = nth % 2 == 0,
				.fails_call = (int)calls[i],
				.fails_nth = nth * (soak_is_on() ? 1 : 3),
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
	struct log_world world = {};
	struct log_life life;
	assert_ok(simulated_disk_create(&disk, 1));
	log_life_found(disk);
	log_life_until_the_crash(disk, &world, 6);
	assert_ok(simulated_disk_copy(disk, &older, 2));
	assert_ok(log_life_begin(disk, &world, &life));
	assert_ok(log_life_step(&life, 50));
	assert_ok(log_life_publish(&life));
	log_life_end(&life);
	/* /data is from the backup, the mark is not. */
	assert_ok(io_read_file(simulated_disk_io(disk), "/elsewhere/mark", 4096, &mark));
	assert_ok(io_replace_file(simulated_disk_io(older), "/elsewhere/mark", buffer_bytes(&mark)));
	assert_fails(STATUS_CONFLICT, "ledger.behind", log_life_begin(older, &world, &life));
	log_life_end(&life);
	/* The same with a checkpoint that an auditor has kept. */
	simulated_disk_destroy(&older);
	struct ledger_pin kept = {.what = "the auditor's checkpoint"};
	struct checkpoint_target checkpoint = log_life_checkpoint(simulated_disk_io(disk));
	bool is_set;
	assert_ok(checkpoint_target_read(&checkpoint, &kept.mark, &is_set));
	assert_true(is_set);
	assert_ok(simulated_disk_create(&older, 3));
	log_life_found(older);
	struct ledger_config config = log_life_config(simulated_disk_io(older));
	config.pins = &kept;
	config.pin_count = 1;
	struct ledger *ledger = nullptr;
	assert_fails(STATUS_CONFLICT, "ledger.behind", ledger_open(&config, &ledger));
}

static void
two_instances_on_one_directory_are_refused(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
	struct log_world world = {};
	struct log_life life, second;
	assert_ok(simulated_disk_create(&disk, 1));
	log_life_found(disk);
	assert_ok(log_life_begin(disk, &world, &life));
	assert_fails(STATUS_CONFLICT, "ledger.locked", log_life_begin(disk, &world, &second));
	log_life_end(&second);
	assert_ok(log_life_step(&life, 0));
	log_life_end(&life);
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
	struct log_world world = {};
	struct log_life life;
	struct ledger_record record;
	struct ledger_statistics statistics;
	assert_ok(simulated_disk_create(&disk, 1));
	log_life_found(disk);
	assert_ok(log_life_begin(disk, &world, &life));
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
	log_life_end(&life);
}

/* After a clean stop the mark covers everything, so no flip may pass or take anything away. */
static void
a_flipped_bit_anywhere_is_detected_or_changes_nothing(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
	struct log_world world = {};
	struct log_life life;
	struct ledger_head head, read;
	assert_ok(simulated_disk_create(&disk, 1));
	log_life_found(disk);
	assert_ok(log_life_begin(disk, &world, &life));
	for (uint64_t number = 0; number < 3; number++)
		assert_ok(log_life_step(&life, number));
	assert_ok(log_life_publish(&life));
	ledger_durable_head(life.ledger, &head);
	log_life_end(&life);
	size_t refused = 0, unchanged = 0;
	for (uint64_t offset = 0; offset < 40 * 1024; offset += soak_is_on() ? 1 : 29) {
		unsigned bit = (unsigned)(offset % 8);
		_cleanup_(simulated_disk_destroy) struct simulated_disk *copy = nullptr;
		assert_ok(simulated_disk_copy(disk, &copy, offset));
		assert_ok(simulated_disk_flip_bit(copy, "/data/ledger/segments/00000001.segment", offset, bit));
		if (log_life_begin(copy, &world, &life) != OK) {
			refused++;
		} else {
			unchanged++;
			ledger_durable_head(life.ledger, &read);
			assert_memory_equal(&head, &read, sizeof head);
			log_life_check_promises(&life);
			assert_null(world.broken);
		}
		log_life_end(&life);
	}
	assert_true(refused > 0 && unchanged > 0);
}

RUN_TESTS(T(nothing_acknowledged_is_lost_at_any_crash_point), T(a_crash_at_any_operation_of_recovery_loses_nothing),
	  T(nothing_is_built_on_bytes_whose_sync_failed), T(every_failing_call_ends_the_log_or_is_survived),
	  T(the_suite_notices_a_disk_that_ignores_syncs), T(an_older_data_directory_is_refused),
	  T(two_instances_on_one_directory_are_refused),
	  T(a_full_disk_leaves_room_for_refusals_and_is_recovered_from_without_restart),
	  T(a_flipped_bit_anywhere_is_detected_or_changes_nothing))
