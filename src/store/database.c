#include "store/database.h"

#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/database_vfs.h"

constexpr size_t STATEMENTS_MAX = 64;
constexpr int APPLICATION_ID = 0x47484442; /* "GHDB" */

struct database {
	const struct io *io;
	enum database_kind kind;
	struct database_vfs *vfs;
	sqlite3 *sqlite;
	int lock_file;
	bool is_broken; /* a write or sync failed: what is in its cache may not be what is on the disk */
	struct {
		const char *sql;
		sqlite3_stmt *statement;
	} statements[STATEMENTS_MAX];
	size_t statement_count;
	char path[PATH_MAX];
};

/* --- Errors. --- */

static enum status
failed(struct database *database, int code, const char *act) {
	const char *message = database->sqlite == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(database->sqlite);
	switch (code & 0xff) {
	case SQLITE_CONSTRAINT:
		return fail(STATUS_CONFLICT, "database.constraint: %s: %s", database->path, message);
	case SQLITE_FULL:
		return fail(STATUS_UNAVAILABLE, "database.full: %s: %s", database->path, message);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return fail(STATUS_CORRUPT, "database.corrupt: %s: %s", database->path, message);
	case SQLITE_NOMEM:
		return fail(STATUS_NO_MEMORY, "memory: SQLite: %s", message);
	case SQLITE_IOERR:
		database->is_broken = true;
		return fail(STATUS_IO, "database.io: %s of %s: %s (%d)", act, database->path, message, code);
	default:
		return fail(STATUS_INTERNAL, "database.%s: %s: %s (%d)", act, database->path, message, code);
	}
}

static enum status
check_usable(const struct database *database) {
	if (database->is_broken)
		return fail(STATUS_IO, "database.broken: %s failed before and must be opened anew", database->path);
	return OK;
}

/* --- Opening. --- */

static enum status
read_number(struct database *database, const char *sql, int64_t *number) {
	sqlite3_stmt *statement;
	int code = sqlite3_prepare_v2(database->sqlite, sql, -1, &statement, nullptr);
	if (code == SQLITE_OK) {
		code = sqlite3_step(statement);
		if (code == SQLITE_ROW)
			*number = sqlite3_column_int64(statement, 0);
		sqlite3_finalize(statement);
	}
	return code == SQLITE_ROW ? OK : failed(database, code, "read");
}

static enum status
check_integrity(struct database *database) {
	sqlite3_stmt *statement;
	enum status status = OK;
	int code = sqlite3_prepare_v2(database->sqlite, "PRAGMA integrity_check(1)", -1, &statement, nullptr);
	if (code != SQLITE_OK)
		return failed(database, code, "check");
	code = sqlite3_step(statement);
	if (code != SQLITE_ROW)
		status = failed(database, code, "check");
	else if (strcmp((const char *)sqlite3_column_text(statement, 0), "ok") != 0)
		status = fail(STATUS_CORRUPT, "database.integrity: %s: %s", database->path,
			      (const char *)sqlite3_column_text(statement, 0));
	sqlite3_finalize(statement);
	return status;
}

/* docs of each: https://sqlite.org/pragma.html. locking_mode comes first: it makes the WAL work without shared memory. */
/* With an exclusive lock the journal of secrets would stay behind a commit with what was overwritten, but for TRUNCATE. */
static const char *const settings[][12] = {
	[DATABASE_STATE] = {"PRAGMA locking_mode=EXCLUSIVE", "PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL",
			    "PRAGMA wal_autocheckpoint=4000", "PRAGMA mmap_size=0", "PRAGMA temp_store=MEMORY",
			    "PRAGMA trusted_schema=OFF", "PRAGMA cell_size_check=ON", "PRAGMA cache_size=-16384",
			    nullptr},
	[DATABASE_SECRETS] = {"PRAGMA locking_mode=EXCLUSIVE", "PRAGMA journal_mode=TRUNCATE",
			      "PRAGMA synchronous=EXTRA", "PRAGMA secure_delete=ON", "PRAGMA mmap_size=0",
			      "PRAGMA temp_store=MEMORY", "PRAGMA trusted_schema=OFF", "PRAGMA cell_size_check=ON",
			      "PRAGMA cache_size=-1024", nullptr},
};

static enum status
prepare_schema(struct database *database, const struct database_config *config) {
	char pragmas[96];
	int64_t version = 0, application = 0, tables = 0;
	TRY(read_number(database, "PRAGMA user_version", &version));
	TRY(read_number(database, "PRAGMA application_id", &application));
	TRY(read_number(database, "SELECT count(*) FROM sqlite_schema", &tables));
	if (tables == 0 && version == 0) {
		snprintf(pragmas, sizeof pragmas, "PRAGMA application_id=%d; PRAGMA user_version=%d", APPLICATION_ID,
			 config->version);
		TRY(database_begin(database));
		TRY(database_execute(database, config->schema));
		TRY(database_execute(database, pragmas));
		return database_commit(database);
	}
	if (application != APPLICATION_ID)
		return fail(STATUS_CORRUPT, "database.magic: %s is not a database of this program", config->path);
	if (version < config->version && config->kind == DATABASE_STATE)
		return fail(STATUS_CORRUPT, "database.older: %s has version %lld, this program makes %d", config->path,
			    (long long)version, config->version);
	if (version != config->version)
		return fail(STATUS_UNSUPPORTED, "database.version: %s has version %lld, this program uses %d",
			    config->path, (long long)version, config->version);
	return OK;
}

static enum status
lock_path(struct database *database) {
	char path[PATH_MAX];
	if ((size_t)snprintf(path, sizeof path, "%s.lock", database->path) >= sizeof path)
		return fail(STATUS_INVALID, "io.path: too long: %s", database->path);
	TRY(io_open(database->io, path, IO_WRITE | IO_CREATE, &database->lock_file));
	enum status status = io_lock(database->io, database->lock_file);
	if (status == STATUS_CONFLICT)
		return fail(status, "database.locked: another process has %s open", database->path);
	return status;
}

static enum status
open_sqlite(struct database *database, const struct database_config *config) {
	TRY(lock_path(database));
	TRY(database_vfs_register(config->io, &database->vfs));
	int code = sqlite3_open_v2(config->path, &database->sqlite,
				   SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
					   SQLITE_OPEN_EXRESCODE,
				   database_vfs_name(database->vfs));
	if (code != SQLITE_OK)
		return failed(database, code, "open");
	for (const char *const *sql = settings[config->kind]; *sql != nullptr; sql++)
		TRY(database_execute(database, *sql));
	TRY(check_integrity(database));
	return prepare_schema(database, config);
}

enum status
database_open(const struct database_config *config, struct database **database) {
	_cleanup_(database_close) struct database *opened = calloc(1, sizeof *opened);
	TRY_ALLOC(opened);
	opened->io = config->io;
	opened->kind = config->kind;
	opened->lock_file = -1;
	if ((size_t)snprintf(opened->path, sizeof opened->path, "%s", config->path) >= sizeof opened->path)
		return fail(STATUS_INVALID, "io.path: too long: %s", config->path);
	TRY(open_sqlite(opened, config));
	*database = TAKE(opened);
	return OK;
}

void
database_close(struct database **database) {
	if (*database == nullptr)
		return;
	struct database *gone = TAKE(*database);
	for (size_t i = 0; i < gone->statement_count; i++)
		sqlite3_finalize(gone->statements[i].statement);
	sqlite3_close(gone->sqlite);
	database_vfs_unregister(&gone->vfs);
	if (gone->lock_file >= 0)
		IGNORE_STATUS(io_close(gone->io, gone->lock_file)); /* nothing was written */
	free(gone);
}

/* --- Using it. --- */

enum status
database_execute(struct database *database, const char *sql) {
	TRY(check_usable(database));
	int code = sqlite3_exec(database->sqlite, sql, nullptr, nullptr, nullptr);
	return code == SQLITE_OK ? OK : failed(database, code, "execute");
}

enum status
database_begin(struct database *database) {
	return database_execute(database, "BEGIN IMMEDIATE");
}

enum status
database_commit(struct database *database) {
	enum status status = database_execute(database, "COMMIT");
	if (status != OK && !sqlite3_get_autocommit(database->sqlite))
		database_rollback(database);
	return status;
}

void
database_rollback(struct database *database) {
	if (database->sqlite != nullptr && !sqlite3_get_autocommit(database->sqlite))
		sqlite3_exec(database->sqlite, "ROLLBACK", nullptr, nullptr,
			     nullptr); /* the failure before it is reported */
}

enum status
database_statement(struct database *database, const char *sql, struct sqlite3_stmt **statement) {
	TRY(check_usable(database));
	for (size_t i = 0; i < database->statement_count; i++)
		if (database->statements[i].sql == sql || strcmp(database->statements[i].sql, sql) == 0) {
			*statement = database->statements[i].statement;
			database_reset(*statement);
			return OK;
		}
	if (database->statement_count == STATEMENTS_MAX)
		return fail(STATUS_INTERNAL, "database.statements: more than %zu", STATEMENTS_MAX);
	int code = sqlite3_prepare_v3(database->sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, nullptr);
	if (code != SQLITE_OK)
		return failed(database, code, "prepare");
	database->statements[database->statement_count].sql = sql;
	database->statements[database->statement_count++].statement = *statement;
	return OK;
}

/* A parameter that does not exist is a fault of the statement's author; SQLite then reports it at the next step. */
void
database_bind_integer(struct sqlite3_stmt *statement, int parameter, int64_t number) {
	sqlite3_bind_int64(statement, parameter, number);
}

void
database_bind_text(struct sqlite3_stmt *statement, int parameter, struct bytes text) {
	sqlite3_bind_text64(statement, parameter, text.len == 0 ? "" : (const char *)text.data, text.len, SQLITE_STATIC,
			    SQLITE_UTF8);
}

void
database_bind_blob(struct sqlite3_stmt *statement, int parameter, struct bytes blob) {
	sqlite3_bind_blob64(statement, parameter, blob.len == 0 ? "" : (const void *)blob.data, blob.len,
			    SQLITE_STATIC);
}

void
database_reset(struct sqlite3_stmt *statement) {
	sqlite3_reset(statement); /* repeats the error of the last step */
	sqlite3_clear_bindings(statement);
}

enum status
database_step(struct database *database, struct sqlite3_stmt *statement, bool *row) {
	int code = sqlite3_step(statement);
	*row = code == SQLITE_ROW;
	if (code == SQLITE_ROW)
		return OK;
	enum status status = code == SQLITE_DONE ? OK : failed(database, code, "step");
	database_reset(statement);
	return status;
}

enum status
database_run(struct database *database, struct sqlite3_stmt *statement) {
	bool row;
	TRY(database_step(database, statement, &row));
	if (row)
		database_reset(statement);
	return row ? fail(STATUS_INTERNAL, "database.rows: a statement without rows gave one") : OK;
}

int64_t
database_integer(struct sqlite3_stmt *statement, int column) {
	return sqlite3_column_int64(statement, column);
}

struct bytes
database_bytes(struct sqlite3_stmt *statement, int column) {
	const void *data = sqlite3_column_blob(statement, column); /* before the length: it converts */
	return bytes_of(data, (size_t)sqlite3_column_bytes(statement, column));
}
