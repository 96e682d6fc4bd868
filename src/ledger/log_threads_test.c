/*
 * Group commit under many submitters, readers and provers at once; run under the thread sanitizer too.
 */
#include "tests/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/io_simulated.h"
#include "ledger/log_testing.h"

constexpr size_t SUBMITTERS = 8;
constexpr uint64_t PER_SUBMITTER = 60;

struct shared {
	struct ledger *ledger;
	atomic_bool is_over;
	atomic_size_t told;
	pthread_mutex_t mutex;
	uint64_t index_of[SUBMITTERS][PER_SUBMITTER]; /* UINT64_MAX: not told */
};

struct one {
	struct shared *shared;
	size_t submitter;
	uint64_t number;
};

static void
note_one(void *context, enum status status, const struct ledger_commit *commit, uint64_t index) {
	struct one *one = context;
	struct proof proof;
	assert_int_equal(status, OK);
	assert_true(index >= commit->first_index && index < commit->first_index + commit->entry_count);
	assert_int_equal(ledger_prove(commit->ledger, index, commit->head.size, &proof), OK);
	pthread_mutex_lock(&one->shared->mutex);
	assert_true(one->shared->index_of[one->submitter][one->number] == UINT64_MAX);
	one->shared->index_of[one->submitter][one->number] = index;
	pthread_mutex_unlock(&one->shared->mutex);
	atomic_fetch_add(&one->shared->told, 1);
	free(one);
}

struct submitter {
	struct shared *shared;
	size_t number;
};

static void *
submit_many(void *argument) {
	struct submitter *submitter = argument;
	for (uint64_t i = 0; i < PER_SUBMITTER; i++) {
		char body[256];
		struct one *one = malloc(sizeof *one);
		*one = (struct one){submitter->shared, submitter->number, i};
		struct ledger_entry entry = {
			.type = ENTRY_DECISION,
			.body = log_test_body(body, sizeof body, submitter->number * 1000 + i, 50)};
		while (ledger_submit(submitter->shared->ledger, &entry, 1, note_one, one) != OK)
			sched_yield(); /* the next segment is being prepared */
		if (i % 16 == 0) {
			struct ledger_entry refusal = {.type = ENTRY_REFUSAL, .body = BYTES_OF_LITERAL("{}")};
			while (ledger_append(submitter->shared->ledger, &refusal, 1, nullptr) != OK)
				sched_yield();
		}
	}
	return nullptr;
}

static void *
read_meanwhile(void *argument) {
	struct shared *shared = argument;
	_cleanup_(buffer_free) struct buffer bytes = {};
	for (uint64_t round = 0; !atomic_load(&shared->is_over); round++) {
		struct ledger_head head;
		struct ledger_record record;
		struct proof proof;
		struct ledger_statistics statistics;
		uint64_t counts[ENTRY_TYPES];
		ledger_durable_head(shared->ledger, &head);
		ledger_statistics(shared->ledger, &statistics);
		ledger_counts(shared->ledger, counts);
		assert_true(ledger_time_ms(shared->ledger) > 0);
		if (head.head.size == 0)
			continue;
		uint64_t index = round * 7919 % head.head.size;
		assert_int_equal(ledger_read(shared->ledger, index, &bytes, &record), OK);
		assert_int_equal(ledger_prove(shared->ledger, index, head.head.size, &proof), OK);
		struct hash256 leaf = tree_leaf_hash(record.leaf);
		assert_int_equal(proof_verify_inclusion(&leaf, index, head.head.size, proof.hashes, proof.count,
							&head.head.root),
				 OK);
		assert_int_equal(ledger_prove_consistency(shared->ledger, index, head.head.size, &proof), OK);
	}
	return nullptr;
}

static enum status
check_order(void *context, const struct ledger_record *record) {
	struct shared *shared = context;
	_cleanup_(arena_free) struct arena arena = {};
	struct entry entry;
	assert_ok(entry_read(&arena, record->leaf, &entry));
	if (entry.type != ENTRY_DECISION)
		return OK;
	uint64_t number = (uint64_t)json_integer(json_get(entry.document, "number"));
	assert_int_equal(shared->index_of[number / 1000][number % 1000], record->index);
	return OK;
}

static void
many_submitters_get_each_their_own_place_in_order(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
	assert_ok(simulated_disk_create(&disk, 1));
	struct ledger_config config = log_test_config(simulated_disk_io(disk), "/ledger");
	config.first_segment_size = config.segment_size = 1024 * 1024;
	config.is_manual = false;
	struct shared shared = {.mutex = PTHREAD_MUTEX_INITIALIZER};
	struct submitter submitters[SUBMITTERS];
	pthread_t threads[SUBMITTERS], reader;
	memset(shared.index_of, 0xff, sizeof shared.index_of);
	assert_ok(ledger_create(&config));
	assert_ok(ledger_open(&config, &shared.ledger));
	for (size_t i = 0; i < SUBMITTERS; i++) {
		submitters[i] = (struct submitter){&shared, i};
		assert_int_equal(pthread_create(&threads[i], nullptr, submit_many, &submitters[i]), 0);
	}
	assert_int_equal(pthread_create(&reader, nullptr, read_meanwhile, &shared), 0);
	for (size_t i = 0; i < SUBMITTERS; i++)
		pthread_join(threads[i], nullptr);
	struct ledger_entry last = {.type = ENTRY_STOP, .body = BYTES_OF_LITERAL("{}")};
	assert_ok(ledger_append(shared.ledger, &last, 1, nullptr));
	assert_int_equal(atomic_load(&shared.told), SUBMITTERS * PER_SUBMITTER);
	atomic_store(&shared.is_over, true);
	pthread_join(reader, nullptr);
	for (size_t i = 0; i < SUBMITTERS; i++)
		for (uint64_t j = 1; j < PER_SUBMITTER; j++)
			assert_true(shared.index_of[i][j] > shared.index_of[i][j - 1]);
	struct ledger_head head;
	ledger_durable_head(shared.ledger, &head);
	assert_ok(ledger_visit(shared.ledger, 0, head.head.size, check_order, &shared));
	assert_ok(ledger_check(shared.ledger));
	ledger_close(&shared.ledger);
	assert_ok(ledger_open(&config, &shared.ledger)); /* which checks numbering, time, counts and roots */
	ledger_close(&shared.ledger);
	pthread_mutex_destroy(&shared.mutex);
}

static void
count_told(void *context, enum status status, const struct ledger_commit *commit, uint64_t) {
	size_t *told = context;
	assert_true((status == OK) == (commit != nullptr));
	told[status != OK]++;
}

static void
closing_commits_what_was_submitted(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
	assert_ok(simulated_disk_create(&disk, 2));
	struct ledger_config config = log_test_config(simulated_disk_io(disk), "/ledger");
	struct ledger *ledger;
	size_t told[2] = {};
	config.is_manual = false;
	assert_ok(ledger_create(&config));
	assert_ok(ledger_open(&config, &ledger));
	for (int i = 0; i < 20; i++) {
		struct ledger_entry entry = {.type = ENTRY_DECISION, .body = BYTES_OF_LITERAL("{}")};
		assert_ok(ledger_submit(ledger, &entry, 1, count_told, told));
	}
	ledger_close(&ledger);
	assert_int_equal(told[0], 20);
	assert_int_equal(told[1], 0);
}

static void
a_failed_sync_ends_the_log_and_everyone_is_told(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
	assert_ok(simulated_disk_create(&disk, 3));
	struct ledger_config config = log_test_config(simulated_disk_io(disk), "/ledger");
	struct ledger *ledger;
	size_t told[2] = {};
	config.is_manual = false;
	assert_ok(ledger_create(&config));
	assert_ok(ledger_open(&config, &ledger));
	simulated_disk_fail(disk, SIMULATED_SYNC, 0, STATUS_IO);
	struct ledger_entry entry = {.type = ENTRY_DECISION, .body = BYTES_OF_LITERAL("{}")};
	size_t taken = 0;
	for (int i = 0; i < 20; i++)
		taken += ledger_submit(ledger, &entry, 1, count_told, told) == OK;
	assert_true(taken > 0);
	char name[64] = "";
	while (strcmp(name, "ledger.ended") != 0) {
		if (ledger_submit(ledger, &entry, 1, count_told, told) == OK)
			taken++;
		else
			fail_name(name, sizeof name); /* overloaded at first, perhaps */
	}
	struct ledger_head head;
	ledger_durable_head(ledger, &head);
	assert_int_equal(head.head.size, 0);
	ledger_close(&ledger);
	assert_int_equal(told[0], 0);
	assert_int_equal(told[1], taken);
}

/* The keeper of room tries again by itself; nobody restarts anything. */
static void
a_full_disk_is_got_over_while_others_wait(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
	assert_ok(simulated_disk_create(&disk, 4));
	struct ledger_config config = log_test_config(simulated_disk_io(disk), "/ledger");
	struct ledger *ledger;
	struct ledger_entry decision = {.type = ENTRY_DECISION, .body = BYTES_OF_LITERAL("{}")};
	struct ledger_entry refusal = {.type = ENTRY_REFUSAL, .body = BYTES_OF_LITERAL("{}")};
	char name[64] = "";
	config.is_manual = false;
	assert_ok(ledger_create(&config));
	assert_ok(ledger_open(&config, &ledger));
	simulated_disk_set_capacity(disk, 130 * 1024);
	while (strcmp(name, "ledger.disk_full") != 0) { /* "overloaded" until the first attempt has failed */
		enum status status = ledger_append(ledger, &decision, 1, nullptr);
		fail_name(name, sizeof name);
		if (status == OK)
			name[0] = '\0';
	}
	assert_ok(ledger_append(ledger, &refusal, 1, nullptr));
	simulated_disk_set_capacity(disk, 0);
	while (ledger_append(ledger, &decision, 1, nullptr) != OK)
		usleep(20'000);
	assert_ok(ledger_check(ledger));
	ledger_close(&ledger);
}

/* Of 128 KiB in log_test_config(), so that the next one has 256. */
static void
a_new_log_makes_its_second_segment_before_the_first_is_used(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
	assert_ok(simulated_disk_create(&disk, 3));
	const struct io *io = simulated_disk_io(disk);
	struct ledger_config config = log_test_config(io, "/ledger");
	struct ledger *ledger;
	uint64_t size = 0;
	config.segment_size = 1024 * 1024;
	config.is_manual = false;
	assert_ok(ledger_create(&config));
	assert_ok(ledger_open(&config, &ledger));
	while (size == 0) {
		int file;
		if (io_open(io, "/ledger/segments/00000002.segment", IO_READ, &file) == OK) {
			assert_ok(io_size(io, file, &size));
			assert_ok(io_close(io, file));
		} else
			usleep(10'000);
	}
	assert_int_equal(size, 2 * config.first_segment_size);
	ledger_close(&ledger);
}

/* --- Holding --- */

struct held {
	atomic_size_t told;
	atomic_uint_fast64_t first[80], entries[80]; /* of the batch that each entry came in */
	atomic_size_t batches, told_with_them;
};

/* Behind the entries of a batch. One of another caller, and of the log itself, may be in it. */
static void
note_batch(void *context) {
	struct held *held = context;
	size_t told = atomic_load(&held->told), before = atomic_load(&held->told_with_them);
	if (told > before)
		assert_int_equal(atomic_load(&held->first[told - 1]), atomic_load(&held->first[before]));
	atomic_store(&held->told_with_them, told);
	atomic_fetch_add(&held->batches, 1);
}

static void
note_held(void *context, enum status status, const struct ledger_commit *commit, uint64_t) {
	struct held *held = context;
	size_t at = atomic_load(&held->told);
	assert_int_equal(status, OK);
	atomic_store(&held->first[at], commit->first_index);
	atomic_store(&held->entries[at], commit->entry_count);
	atomic_fetch_add(&held->told, 1);
}

static void
wait_for(struct held *held, size_t count) {
	while (atomic_load(&held->told) < count)
		usleep(500);
}

static void
submit_held(struct ledger *ledger, struct held *held, size_t count) {
	static const struct ledger_entry entry = {.type = ENTRY_DECISION, .body = {(const uint8_t *)"{}", 2}};
	for (size_t i = 0; i < count; i++)
		assert_ok(ledger_submit(ledger, &entry, 1, note_held, held));
}

/* Three share one batch, however slow they come; a batch that has become large goes by itself; and whoever waits is not held up. */
static void
what_is_held_is_one_batch_until_it_is_released_or_large(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
	assert_ok(simulated_disk_create(&disk, 1));
	struct ledger_config config = log_test_config(simulated_disk_io(disk), "/ledger");
	config.first_segment_size = config.segment_size = 1024 * 1024;
	config.is_manual = false;
	struct ledger *ledger;
	struct held held = {};
	config.told = note_batch;
	config.context = &held;
	assert_ok(ledger_create(&config));
	assert_ok(ledger_open(&config, &ledger));
	ledger_hold(ledger);
	for (size_t i = 0; i < 3; i++) {
		submit_held(ledger, &held, 1);
		usleep(2'000);
	}
	assert_int_equal(0, atomic_load(&held.told));
	ledger_release(ledger);
	wait_for(&held, 3);
	for (size_t i = 1; i < 3; i++)
		assert_true(held.first[i] == held.first[0] && held.entries[i] == held.entries[0]);
	ledger_hold(ledger);
	submit_held(ledger, &held, 70);
	wait_for(&held, 67);
	ledger_release(ledger);
	wait_for(&held, 73);
	ledger_hold(ledger);
	struct ledger_entry refusal = {.type = ENTRY_REFUSAL, .body = BYTES_OF_LITERAL("{}")};
	assert_ok(ledger_append(ledger, &refusal, 1, nullptr));
	ledger_hold(ledger);
	submit_held(ledger, &held, 1);
	ledger_close(&ledger);
	assert_int_equal(74, atomic_load(&held.told));
	assert_int_equal(74, atomic_load(&held.told_with_them));
	assert_in_range(atomic_load(&held.batches), 5, 10);
}

RUN_TESTS(T(a_new_log_makes_its_second_segment_before_the_first_is_used),
	  T(many_submitters_get_each_their_own_place_in_order), T(closing_commits_what_was_submitted),
	  T(what_is_held_is_one_batch_until_it_is_released_or_large),
	  T(a_failed_sync_ends_the_log_and_everyone_is_told), T(a_full_disk_is_got_over_while_others_wait))
