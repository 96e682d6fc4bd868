/*
 * Readers: keeper/operation_listing.c (decode_search, read_search, set_parameter, read_filter), keeper/limit_rows.c (read_query),
 * keeper/listing.c (listing_take_parameter, listing_read_time, listing_read_limit, read_page)
 * The first byte says which listing, the rest is its query. What is answered is JSON, and nothing but a query's fault is refused.
 */
#include <stdio.h>
#include <unistd.h>

#include "keeper/limit_rows.h"
#include "keeper/listing.h"
#include "keeper/operation_listing.h"
#include "keeper/reading.h"
#include "store/projection.h"
#include "tests/fuzz.h"

static char folder[] = "/tmp/query_fuzz.XXXXXX";
static char database[sizeof folder + sizeof "/state.db"];

static void
remove_database(void) {
	static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
	for (size_t i = 0; i < ARRAY_LENGTH(suffixes); i++) {
		char path[sizeof database + 16];
		snprintf(path, sizeof path, "%s%s", database, suffixes[i]);
		unlink(path);
	}
	rmdir(folder);
}

static void
put_operations(struct projection *projection) {
	must(projection_begin(projection) == OK);
	for (uint64_t i = 1; i <= 5; i++) {
		char id[8];
		snprintf(id, sizeof id, "a%llu", (unsigned long long)i);
		struct projection_operation operation = {.id = bytes_of_text(id),
							 .kind = BYTES_OF_LITERAL("transfer.sign"),
							 .state = BYTES_OF_LITERAL("held"),
							 .at_ms = (int64_t)i,
							 .index = i,
							 .words = BYTES_OF_LITERAL("transfer.sign\nrent\n")};
		must(projection_put_operation(projection, &operation) == OK);
	}
	must(projection_commit(projection, &(struct mark){.size = 6}) == OK);
}

static struct projection *
make_projection(void) {
	struct projection *projection;
	must(mkdtemp(folder) != nullptr && atexit(remove_database) == 0);
	snprintf(database, sizeof database, "%s/state.db", folder);
	struct projection_config config = {.io = io_system(), .path = database};
	must(projection_open(&config, &projection) == OK);
	put_operations(projection);
	return projection;
}

static struct gate *
make_gate(void) {
	static const char *const authorities[] = {"localhost"};
	struct gate *gate;
	struct gate_config config = {
		.instance = BYTES_OF_LITERAL("x.example"), .authorities = authorities, .authority_count = 1};
	must(gate_create(&gate, &config) == OK);
	return gate;
}

static enum status
write_page(struct job *job, struct bytes query, struct buffer *to) {
	struct json_writer w;
	json_writer_start(&w, to);
	TRY(listing_page(&job->arena, job->keeper->gate->state, LISTING_ASSETS, query, &w));
	return json_writer_finish(&w);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static enum status (*const listings[])(struct job *, struct bytes, struct buffer *) = {
		operation_listing_write, limit_rows_write, write_page};
	static const char limits[] = "id,who,account,asset,window,per,amount,approvals,note\n"
				     "a,*,account:options-hot,*,day,account,250000.00,treasury:2 independent:1,x\n"
				     "b,desk:options,account:options-hot,*,transaction,-,100000,never,\n";
	static struct keeper keeper = {.projection_mutex = PTHREAD_MUTEX_INITIALIZER};
	static struct job job = {.keeper = &keeper,
				 .limits = {BYTES_OF_LITERAL("limits.csv\0"), BYTES_OF_LITERAL(limits)}};
	static struct read_scope scope = {.grants = {{.entity = "northwind", .from_ms = 1, .until_ms = 4}}, .count = 1};
	_cleanup_(buffer_free) struct buffer answer = {};
	const json *read;
	if (keeper.projection == nullptr) {
		keeper.projection = make_projection();
		keeper.gate = make_gate();
	}
	if (size == 0)
		return 0;
	scope.is_limited = data[0] & 0x80;
	job.scope = &scope;
	enum status status =
		listings[(data[0] & 0x7f) % ARRAY_LENGTH(listings)](&job, bytes_of(data + 1, size - 1), &answer);
	must(status == OK || status == STATUS_INVALID || status == STATUS_DENIED);
	must(status != OK || json_read(&job.arena, buffer_bytes(&answer), (struct json_limits){}, &read) == OK);
	arena_reset(&job.arena);
	return 0;
}
