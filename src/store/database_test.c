#include "tests/test.h"

#include <stdio.h>

#include "base/io_simulated.h"
#include "store/database.h"

static struct database_config
config_on(struct simulated_disk *disk, enum database_kind kind) {
	return (struct database_config){
		.io = simulated_disk_io(disk),
		.path = "/state.db",
		.kind = kind,
		.version = 3,
		.schema = "CREATE TABLE t(id INTEGER PRIMARY KEY, value BLOB NOT NULL UNIQUE)",
	};
}

static enum status
insert(struct database *database, int64_t id, struct bytes value) {
	struct sqlite3_stmt *statement;
	TRY(database_statement(database, "INSERT INTO t(id, value) VALUES(?1, ?2)", &statement));
	database_bind_integer(statement, 1, id);
	database_bind_blob(statement, 2, value);
	return database_run(database, statement);
}

static enum status
insert_number(struct database *database, int64_t id) {
	char value[600];
	snprintf(value, sizeof value, "%0500lld", (long long)id);
	return insert(database, id, bytes_of_text(value));
}

static int64_t
count(struct database *database) {
	struct sqlite3_stmt *statement;
	bool row;
	assert_ok(database_statement(database, "SELECT count(*), max(id) FROM t", &statement));
	assert_ok(database_step(database, statement, &row));
	assert_true(row);
	int64_t rows = database_integer(statement, 0);
	assert_true(rows == 0 || database_integer(statement, 1) == rows); /* 1 to rows, without a gap */
	database_reset(statement);
	return rows;
}

static void
a_database_is_used_closed_and_used_again(void **) {
	for (int kind = DATABASE_STATE; kind <= DATABASE_SECRETS; kind++) {
		_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
		struct database *database = nullptr, *second = nullptr;
		assert_ok(simulated_disk_create(&disk, 1));
		struct database_config config = config_on(disk, (enum database_kind)kind);
		assert_ok(database_open(&config, &database));
		assert_fails(STATUS_CONFLICT, "database.locked", database_open(&config, &second));
		assert_ok(database_begin(database));
		for (int64_t i = 1; i <= 300; i++)
			assert_ok(insert_number(database, i));
		assert_ok(database_commit(database));
		assert_fails(STATUS_CONFLICT, "database.constraint", insert_number(database, 7));
		assert_ok(database_begin(database));
		assert_ok(insert_number(database, 301));
		database_rollback(database);
		assert_int_equal(count(database), 300);
		if (kind == DATABASE_STATE)
			assert_ok(database_execute(database, "PRAGMA wal_checkpoint(TRUNCATE)"));
		assert_fails(STATUS_INTERNAL, "database.execute", database_execute(database, "SELEKT"));
		database_close(&database);
		assert_ok(database_open(&config, &database));
		assert_int_equal(count(database), 300);
		database_close(&database);
	}
}

static void
databases_of_others_and_of_newer_programs_are_refused(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
	struct database *database = nullptr;
	assert_ok(simulated_disk_create(&disk, 1));
	struct database_config config = config_on(disk, DATABASE_STATE);
	assert_ok(database_open(&config, &database));
	database_close(&database);
	config.version = 2;
	assert_fails(STATUS_UNSUPPORTED, "database.version", database_open(&config, &database));
	config.version = 4;
	assert_fails(STATUS_CORRUPT, "database.older", database_open(&config, &database));
	config.kind = DATABASE_SECRETS;
	assert_fails(STATUS_UNSUPPORTED, "database.version", database_open(&config, &database));
	config.kind = DATABASE_STATE;
	config.version = 3;
	assert_ok(database_open(&config, &database));
	assert_ok(database_execute(database, "PRAGMA application_id=1"));
	database_close(&database);
	assert_fails(STATUS_CORRUPT, "database.magic", database_open(&config, &database));
	assert_ok(io_replace_file(config.io, "/state.db",
				  BYTES_OF_LITERAL("this is no database, but text of some length")));
	assert_fails(STATUS_CORRUPT, "database.corrupt", database_open(&config, &database));
}

static void
damage_is_found_when_a_database_is_opened(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
	struct database *database = nullptr;
	unsigned found = 0;
	assert_ok(simulated_disk_create(&disk, 1));
	struct database_config config = config_on(disk, DATABASE_SECRETS);
	assert_ok(database_open(&config, &database));
	for (int64_t i = 1; i <= 40; i++)
		assert_ok(insert_number(database, i));
	database_close(&database);
	for (uint64_t offset = 100; offset < 20'000; offset += 400) {
		_cleanup_(simulated_disk_destroy) struct simulated_disk *copy = nullptr;
		assert_ok(simulated_disk_copy(disk, &copy, 1));
		assert_ok(simulated_disk_flip_bit(copy, "/state.db", offset, 6));
		struct database_config damaged = config_on(copy, DATABASE_SECRETS);
		found += database_open(&damaged, &database) == STATUS_CORRUPT;
		database_close(&database);
	}
	assert_true(found > 0); /* what it holds is protected by its own seals */
}

/* secrets: what was committed is there after any power loss. state: a prefix of the commits is there, and it is sound. */
static void
commits_survive_as_promised_at_every_crash_point(void **) {
	for (int kind = DATABASE_STATE; kind <= DATABASE_SECRETS; kind++) {
		unsigned crashes = 0;
		for (uint64_t point = 0; point < 400; point += kind == DATABASE_SECRETS ? 7 : 3) {
			_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
			struct database *database = nullptr;
			int64_t committed = 0;
			assert_ok(simulated_disk_create(&disk, point));
			struct database_config config = config_on(disk, (enum database_kind)kind);
			assert_ok(database_open(&config, &database));
			simulated_disk_crash_at(disk, simulated_disk_operations(disk) + point);
			enum status status = OK;
			for (int64_t i = 1; i <= 40 && status == OK; i++) {
				status = insert_number(database, i);
				if (status == OK && kind == DATABASE_STATE && i % 10 == 0)
					status = database_execute(database, "PRAGMA wal_checkpoint(TRUNCATE)");
				committed += status == OK;
			}
			if (status != OK) {
				crashes++;
				assert_fails(STATUS_IO, "database.broken", insert_number(database, 1000));
			}
			database_close(&database);
			simulated_disk_lose_power(disk);
			assert_ok(database_open(&config, &database));
			int64_t rows = count(database);
			if (kind == DATABASE_SECRETS)
				assert_true(rows >= committed);
			assert_true(rows <= committed + 1);
			assert_ok(insert_number(database, rows + 1));
			database_close(&database);
		}
		assert_true(crashes > 20);
	}
}

static void
a_full_disk_is_named_and_survived(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
	struct database *database = nullptr;
	enum status status = OK;
	int64_t rows = 0;
	assert_ok(simulated_disk_create(&disk, 1));
	struct database_config config = config_on(disk, DATABASE_SECRETS);
	assert_ok(database_open(&config, &database));
	simulated_disk_set_capacity(disk, 60'000);
	while ((status = insert_number(database, rows + 1)) == OK)
		rows++;
	assert_int_equal(status, STATUS_UNAVAILABLE);
	assert_non_null(strstr(fail_message(), "database.full"));
	assert_int_equal(count(database), rows);
	simulated_disk_set_capacity(disk, 0);
	assert_ok(insert_number(database, rows + 1));
	database_close(&database);
}

static void
deleted_values_do_not_stay_in_the_file(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
	_cleanup_(buffer_free) struct buffer before = {}, after = {};
	struct database *database = nullptr;
	assert_ok(simulated_disk_create(&disk, 1));
	struct database_config config = config_on(disk, DATABASE_SECRETS);
	assert_ok(database_open(&config, &database));
	assert_ok(insert(database, 1, BYTES_OF_LITERAL("a wrapped key to be destroyed")));
	assert_ok(io_read_file(config.io, "/state.db", 1 << 20, &before));
	assert_non_null(memmem(before.data, before.len, "to be destroyed", 15));
	assert_ok(database_execute(database, "DELETE FROM t"));
	assert_ok(io_read_file(config.io, "/state.db", 1 << 20, &after));
	assert_null(memmem(after.data, after.len, "to be destroyed", 15));
	database_close(&database);
}

RUN_TESTS(T(a_database_is_used_closed_and_used_again), T(databases_of_others_and_of_newer_programs_are_refused),
	  T(damage_is_found_when_a_database_is_opened), T(commits_survive_as_promised_at_every_crash_point),
	  T(a_full_disk_is_named_and_survived), T(deleted_values_do_not_stay_in_the_file))
