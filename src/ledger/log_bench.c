/*
 * ledger.appends_per_s: durable entries of 512 bytes under doubly signed heads, 64 outstanding, against SQLite in WAL mode
 * with synchronous=FULL committing 64 such rows at a time. Rounds alternate, medians are compared.
 * ledger.append_p50_above_fsync_us: one caller, from submitting to its callback, less the fdatasync of its own frame.
 */
#include <pthread.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/bench.h"
#include "tests/remove_tree.h"
#include "ledger/log_testing.h"

constexpr size_t OUTSTANDING = 64;
constexpr size_t ROUNDS = 9;
constexpr uint64_t ROUND_ENTRIES = 20'000;
constexpr size_t ROUND_COMMITS = 100; /* of the baseline: a device that grants bursts is not to be used up by it */
constexpr size_t LEAF_SIZE = 512;

static void
must(enum status status, const char *what) {
	if (status == OK)
		return;
	fprintf(stderr, "%s: %s\n", what, fail_message());
	exit(1);
}

struct driver {
	pthread_mutex_t mutex;
	pthread_cond_t freed;
	size_t outstanding;
	uint64_t durable;
};

static void
note_durable(void *context, enum status status, const struct ledger_commit *, uint64_t) {
	struct driver *driver = context;
	must(status, "an entry");
	pthread_mutex_lock(&driver->mutex);
	driver->durable++;
	driver->outstanding--;
	pthread_cond_signal(&driver->freed);
	pthread_mutex_unlock(&driver->mutex);
}

static struct ledger_entry
make_entry(char *body, size_t capacity, uint64_t number) {
	constexpr size_t AROUND = 120; /* what makes a leaf of this body and its members */
	return (struct ledger_entry){.type = ENTRY_DECISION,
				     .body = log_test_body(body, capacity, number, LEAF_SIZE - AROUND)};
}

static double
append_for_a_round(struct ledger *ledger) {
	struct driver driver = {.mutex = PTHREAD_MUTEX_INITIALIZER, .freed = PTHREAD_COND_INITIALIZER};
	char body[1024];
	int64_t start = bench_now_ns();
	for (uint64_t number = 0; number < ROUND_ENTRIES; number++) {
		pthread_mutex_lock(&driver.mutex);
		while (driver.outstanding == OUTSTANDING)
			pthread_cond_wait(&driver.freed, &driver.mutex);
		driver.outstanding++;
		pthread_mutex_unlock(&driver.mutex);
		struct ledger_entry entry = make_entry(body, sizeof body, number);
		while (ledger_submit(ledger, &entry, 1, note_durable, &driver) != OK)
			usleep(1000); /* overloaded: the next segment is being written */
	}
	pthread_mutex_lock(&driver.mutex);
	while (driver.outstanding > 0)
		pthread_cond_wait(&driver.freed, &driver.mutex);
	pthread_mutex_unlock(&driver.mutex);
	return (double)driver.durable * 1e9 / (double)(bench_now_ns() - start);
}

static void
must_sql(sqlite3 *database, int result, const char *what) {
	if (result == SQLITE_OK || result == SQLITE_DONE)
		return;
	fprintf(stderr, "%s: %s\n", what, sqlite3_errmsg(database));
	exit(1);
}

static double
insert_for_a_round(sqlite3 *database) {
	static uint8_t row[LEAF_SIZE];
	sqlite3_stmt *insert;
	uint64_t rows = 0;
	must_sql(database, sqlite3_prepare_v2(database, "INSERT INTO entries(leaf) VALUES(?)", -1, &insert, nullptr),
		 "prepare");
	int64_t start = bench_now_ns();
	for (size_t commit = 0; commit < ROUND_COMMITS; commit++) {
		must_sql(database, sqlite3_exec(database, "BEGIN", nullptr, nullptr, nullptr), "BEGIN");
		for (size_t i = 0; i < OUTSTANDING; i++, rows++) {
			must_sql(database, sqlite3_bind_blob(insert, 1, row, sizeof row, SQLITE_STATIC), "bind");
			must_sql(database, sqlite3_step(insert), "INSERT");
			must_sql(database, sqlite3_reset(insert), "reset");
		}
		must_sql(database, sqlite3_exec(database, "COMMIT", nullptr, nullptr, nullptr), "COMMIT");
	}
	sqlite3_finalize(insert);
	return (double)rows * 1e9 / (double)(bench_now_ns() - start);
}

static sqlite3 *
open_sqlite(const char *directory) {
	char path[128];
	sqlite3 *database;
	snprintf(path, sizeof path, "%s/baseline.db", directory);
	must_sql(nullptr, sqlite3_open(path, &database), "open");
	must_sql(database,
		 sqlite3_exec(database,
			      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
			      "CREATE TABLE entries(number INTEGER PRIMARY KEY, leaf BLOB)",
			      nullptr, nullptr, nullptr),
		 "create");
	return database;
}

static void
measure_throughput(struct ledger *ledger, sqlite3 *database) {
	double ours[ROUNDS], theirs[ROUNDS];
	char detail[256];
	struct ledger_statistics before, after;
	append_for_a_round(ledger); /* the segments are made */
	ledger_statistics(ledger, &before);
	for (size_t round = 0; round < ROUNDS; round++) {
		theirs[round] = insert_for_a_round(database);
		ours[round] = append_for_a_round(ledger);
	}
	ledger_statistics(ledger, &after);
	double frames = (double)(after.frames - before.frames);
	double median = bench_median(ours, ROUNDS), best = ours[ROUNDS - 1];
	snprintf(
		detail, sizeof detail,
		"best round %.0f/s; mean batch %.1f entries; per frame: sign %.0f us, write %.0f us, fdatasync %.0f us",
		best, (double)(after.entries - before.entries) / frames - 1,
		(double)(after.sign_ns - before.sign_ns) / frames / 1000,
		(double)(after.write_ns - before.write_ns) / frames / 1000,
		(double)(after.sync_ns - before.sync_ns) / frames / 1000);
	bench_row(&(struct bench_row){
		.name = "ledger.appends_per_s",
		.unit = "1/s",
		.value = median,
		.baseline = "SQLite WAL synchronous=FULL, 64 rows per commit",
		.baseline_value = bench_median(theirs, ROUNDS),
		.detail = detail,
	});
}

struct caller {
	pthread_mutex_t mutex;
	pthread_cond_t done;
	bool is_done;
};

static void
note_caller(void *context, enum status status, const struct ledger_commit *, uint64_t) {
	struct caller *caller = context;
	must(status, "an entry");
	pthread_mutex_lock(&caller->mutex);
	caller->is_done = true;
	pthread_cond_signal(&caller->done);
	pthread_mutex_unlock(&caller->mutex);
}

static void
measure_one_caller(struct ledger *ledger, const char *directory) {
	constexpr size_t SAMPLES = 400;
	static double appends[SAMPLES], above[SAMPLES], syncs[SAMPLES];
	static uint8_t block[8192];
	char path[128], body[1024], detail[160];
	int file;
	const struct io *io = io_system();
	snprintf(path, sizeof path, "%s/pre-written", directory);
	must(io_open(io, path, IO_WRITE | IO_CREATE, &file), "open");
	for (size_t i = 0; i < SAMPLES; i++)
		must(io_write_at(io, file, i * sizeof block, block, sizeof block), "write");
	must(io_sync_data(io, file), "sync");
	for (size_t i = 0; i < SAMPLES; i++) {
		struct ledger_statistics before, after;
		ledger_statistics(ledger, &before);
		struct caller caller = {.mutex = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};
		struct ledger_entry entry = make_entry(body, sizeof body, i);
		int64_t start = bench_now_ns();
		must(ledger_submit(ledger, &entry, 1, note_caller, &caller), "submit");
		pthread_mutex_lock(&caller.mutex);
		while (!caller.is_done)
			pthread_cond_wait(&caller.done, &caller.mutex);
		pthread_mutex_unlock(&caller.mutex);
		appends[i] = (double)(bench_now_ns() - start) / 1000;
		ledger_statistics(ledger, &after);
		above[i] = appends[i] - (double)(after.sync_ns - before.sync_ns) / 1000;
		memset(block, (int)i, sizeof block);
		start = bench_now_ns();
		must(io_write_at(io, file, i * sizeof block, block, sizeof block), "write");
		must(io_sync_data(io, file), "sync");
		syncs[i] = (double)(bench_now_ns() - start) / 1000;
	}
	must(io_close(io, file), "close");
	double append = bench_median(appends, SAMPLES), sync = bench_median(syncs, SAMPLES);
	snprintf(detail, sizeof detail, "append p50 %.0f us, p99 %.0f us; write and fdatasync p50 %.0f us", append,
		 bench_quantile(appends, SAMPLES, 0.99), sync);
	bench_row(&(struct bench_row){
		.name = "ledger.append_p50_above_fsync_us",
		.unit = "us",
		.value = bench_median(above, SAMPLES),
		.baseline = "one write and fdatasync, pre-written file",
		.baseline_value = sync,
		.detail = detail,
	});
}

int
main(void) {
	char directory[] = "/var/tmp/gatehouse-bench-XXXXXX", ledger_directory[64];
	struct ledger *ledger;
	if (mkdtemp(directory) == nullptr)
		return 1;
	snprintf(ledger_directory, sizeof ledger_directory, "%s/ledger", directory);
	struct ledger_config config = log_test_config(io_system(), ledger_directory);
	config.first_segment_size = config.segment_size = 0; /* as in production */
	config.is_manual = false;
	config.fatal = nullptr;
	must(ledger_create(&config), "create");
	must(ledger_open(&config, &ledger), "open");
	sqlite3 *database = open_sqlite(directory);
	measure_throughput(ledger, database);
	measure_one_caller(ledger, directory);
	sqlite3_close(database);
	ledger_close(&ledger);
	return remove_tree(directory) == 0 ? 0 : 1;
}
