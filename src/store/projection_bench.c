/*
 * A page of operations of one legal entity, as an auditor reads it: by the index, and by going through all operations, newest first.
 *
 * store.listing_by_entity_us: processor time of one page of 50. The entity is one of many, and its operations are the oldest.
 */
#include "bench/bench.h"

#include <sqlite3.h>
#include <unistd.h>

#include "store/projection.h"

constexpr uint64_t OPERATIONS = 100'000;
constexpr uint64_t OLD = 100; /* the entity's */

static void
need(bool holds, const char *what) {
	if (holds)
		return;
	fprintf(stderr, "projection_bench: %s: %s\n", what, fail_message());
	exit(1);
}

static struct projection_config
config_of(const char *path) {
	return (struct projection_config){.io = io_system(), .path = path, .identity = {{1}}};
}

static void
fill(struct projection *projection) {
	need(projection_begin(projection) == OK, "begin");
	for (uint64_t i = 1; i <= OPERATIONS; i++) {
		char id[65], entity[16];
		snprintf(id, sizeof id, "%064llx", (unsigned long long)i);
		snprintf(entity, sizeof entity, "entity-%llu", (unsigned long long)(i <= OLD ? 0 : 1 + i % 9));
		struct projection_operation operation = {
			.id = bytes_of_text(id),
			.kind = BYTES_OF_LITERAL("sign"),
			.principal = BYTES_OF_LITERAL("workload:settlement"),
			.resource = BYTES_OF_LITERAL("key:eth-hot"),
			.state = BYTES_OF_LITERAL("done"),
			.at_ms = (int64_t)i,
			.index = i,
			.legal_entity = bytes_of_text(entity),
			.words = BYTES_OF_LITERAL("sign\nworkload:settlement\nkey:eth-hot")};
		need(projection_put_operation(projection, &operation) == OK, "put");
	}
	struct mark mark = {.size = OPERATIONS + 1, .root = {{2}}};
	need(projection_commit(projection, &mark) == OK, "commit");
}

static size_t rows;

static enum status
count_row(void *, const struct projection_operation *) {
	rows++;
	return OK;
}

static void
read_page(void *context) {
	struct projection_operation_filter filter = {.legal_entity = BYTES_OF_LITERAL("entity-0"), .limit = 50};
	uint64_t next;
	rows = 0;
	need(projection_list_operations(context, &filter, count_row, nullptr, &next) == OK, "list");
	need(rows == filter.limit && next != 0, "a page is not whole");
}

static double
measure_us(const char *path, size_t iterations) {
	_cleanup_(projection_close) struct projection *projection = nullptr;
	struct projection_config config = config_of(path);
	need(projection_open(&config, &projection) == OK, "open");
	return bench_median_cpu_ns(read_page, projection, iterations, 9) / 1000;
}

static void
drop_indexes(const char *path) {
	sqlite3 *database = nullptr;
	need(sqlite3_open(path, &database) == SQLITE_OK &&
		     sqlite3_exec(database,
				  "DROP INDEX operations_legal_entity; DROP INDEX operations_legal_entity_state",
				  nullptr, nullptr, nullptr) == SQLITE_OK,
	     "the indexes are not dropped");
	sqlite3_close(database);
}

static void
remove_all(const char *directory, const char *path) {
	static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
	for (size_t i = 0; i < ARRAY_LENGTH(suffixes); i++) {
		char name[96];
		snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
		unlink(name);
	}
	rmdir(directory);
}

int
main(void) {
	char directory[] = "/tmp/gatehouse-bench-XXXXXX", path[64];
	need(mkdtemp(directory) != nullptr, "mkdtemp");
	snprintf(path, sizeof path, "%s/state.db", directory);
	struct projection_config config = config_of(path);
	struct projection *projection;
	need(projection_open(&config, &projection) == OK, "open");
	fill(projection);
	projection_close(&projection);
	double with = measure_us(path, 200);
	drop_indexes(path);
	double without = measure_us(path, 5);
	remove_all(directory, path);
	bench_row(&(struct bench_row){
		.name = "store.listing_by_entity_us",
		.unit = "us",
		.value = with,
		.baseline = "the same page without the index",
		.baseline_value = without,
		.detail = "50 of 100 operations of one legal entity, the oldest of 100,000; processor time"});
	return 0;
}
