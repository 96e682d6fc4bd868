#include "store/secrets.h"

#include <stdlib.h>

#include "base/log.h"

static const char schema[] = "CREATE TABLE secrets("
			     " collection TEXT NOT NULL,"
			     " id BLOB NOT NULL,"
			     " value BLOB NOT NULL,"
			     " PRIMARY KEY(collection, id)) WITHOUT ROWID";
constexpr int VERSION = 1;

struct secrets {
	struct database *database;
};

enum status
secrets_open(const struct io *io, const char *path, struct secrets **secrets) {
	_cleanup_(secrets_close) struct secrets *opened = calloc(1, sizeof *opened);
	TRY_ALLOC(opened);
	struct database_config config = {
		.io = io, .path = path, .kind = DATABASE_SECRETS, .version = VERSION, .schema = schema};
	TRY(database_open(&config, &opened->database));
	*secrets = TAKE(opened);
	return OK;
}

void
secrets_close(struct secrets **secrets) {
	if (*secrets == nullptr)
		return;
	struct secrets *gone = TAKE(*secrets);
	database_close(&gone->database);
	free(gone);
}

static enum status
insert(struct secrets *secrets, const struct secrets_row *row) {
	struct sqlite3_stmt *statement;
	TRY(database_statement(secrets->database, "INSERT INTO secrets(collection, id, value) VALUES(?1, ?2, ?3)",
			       &statement));
	database_bind_text(statement, 1, bytes_of_text(row->collection));
	database_bind_blob(statement, 2, row->id);
	database_bind_blob(statement, 3, row->value);
	enum status status = database_run(secrets->database, statement);
	if (status == STATUS_CONFLICT)
		return fail(STATUS_CONFLICT, "secrets.exists: %s %.*s", row->collection, BYTES_ARGS(row->id));
	return status;
}

enum status
secrets_create_all(struct secrets *secrets, const struct secrets_row *rows, size_t count) {
	TRY(database_begin(secrets->database));
	for (size_t i = 0; i < count; i++) {
		enum status status = insert(secrets, &rows[i]);
		if (status != OK) {
			database_rollback(secrets->database);
			return status;
		}
	}
	return database_commit(secrets->database);
}

enum status
secrets_create(struct secrets *secrets, const char *collection, struct bytes id, struct bytes value) {
	struct secrets_row row = {collection, id, value};
	return secrets_create_all(secrets, &row, 1);
}

static enum status
count_row(struct secrets *secrets, const char *collection, struct bytes id, int64_t *count) {
	struct sqlite3_stmt *statement;
	bool row;
	TRY(database_statement(secrets->database, "SELECT count(*) FROM secrets WHERE collection=?1 AND id=?2",
			       &statement));
	database_bind_text(statement, 1, bytes_of_text(collection));
	database_bind_blob(statement, 2, id);
	TRY(database_step(secrets->database, statement, &row));
	*count = row ? database_integer(statement, 0) : 0;
	database_reset(statement);
	return OK;
}

static enum status
missing(const char *collection, struct bytes id) {
	return fail(STATUS_NOT_FOUND, "secrets.missing: %s %.*s", collection, BYTES_ARGS(id));
}

enum status
secrets_replace(struct secrets *secrets, const char *collection, struct bytes id, struct bytes value) {
	struct sqlite3_stmt *statement;
	int64_t count;
	TRY(count_row(secrets, collection, id, &count));
	if (count == 0)
		return missing(collection, id);
	TRY(database_statement(secrets->database, "UPDATE secrets SET value=?3 WHERE collection=?1 AND id=?2",
			       &statement));
	database_bind_text(statement, 1, bytes_of_text(collection));
	database_bind_blob(statement, 2, id);
	database_bind_blob(statement, 3, value);
	return database_run(secrets->database, statement);
}

enum status
secrets_get(struct secrets *secrets, const char *collection, struct bytes id, struct buffer *value) {
	struct sqlite3_stmt *statement;
	bool row;
	TRY(database_statement(secrets->database, "SELECT value FROM secrets WHERE collection=?1 AND id=?2",
			       &statement));
	database_bind_text(statement, 1, bytes_of_text(collection));
	database_bind_blob(statement, 2, id);
	TRY(database_step(secrets->database, statement, &row));
	if (!row)
		return missing(collection, id);
	buffer_append_bytes(value, database_bytes(statement, 0));
	database_reset(statement);
	return buffer_status(value);
}

enum status
secrets_destroy(struct secrets *secrets, const char *collection, struct bytes id) {
	struct sqlite3_stmt *statement;
	TRY(database_statement(secrets->database, "DELETE FROM secrets WHERE collection=?1 AND id=?2", &statement));
	database_bind_text(statement, 1, bytes_of_text(collection));
	database_bind_blob(statement, 2, id);
	return database_run(secrets->database, statement);
}

enum status
secrets_visit(struct secrets *secrets, const char *collection,
	      enum status (*visit)(void *context, struct bytes id, struct bytes value), void *context) {
	struct sqlite3_stmt *statement;
	bool row;
	TRY(database_statement(secrets->database, "SELECT id, value FROM secrets WHERE collection=?1 ORDER BY id",
			       &statement));
	database_bind_text(statement, 1, bytes_of_text(collection));
	for (;;) {
		TRY(database_step(secrets->database, statement, &row));
		if (!row)
			return OK;
		enum status status = visit(context, database_bytes(statement, 0), database_bytes(statement, 1));
		if (status != OK) {
			database_reset(statement);
			return status;
		}
	}
}

/* --- Reconciling. --- */

struct reconciling {
	enum secrets_recorded (*recorded)(void *context, struct bytes id);
	void *context;
	struct secrets_reconciled *counted;
	struct buffer doomed; /* length, 32 bits, and id of each row that goes */
};

static enum status
judge_row(void *context, struct bytes id, struct bytes) {
	struct reconciling *reconciling = context;
	switch (reconciling->recorded(reconciling->context, id)) {
	case SECRETS_CREATED:
		reconciling->counted->kept++;
		return OK;
	case SECRETS_DESTROYED:
		reconciling->counted->removed_destroyed++;
		break;
	case SECRETS_UNRECORDED:
		reconciling->counted->removed_unrecorded++;
		break;
	}
	buffer_append_u32be(&reconciling->doomed, (uint32_t)id.len);
	buffer_append_bytes(&reconciling->doomed, id);
	return buffer_status(&reconciling->doomed);
}

static enum status
remove_doomed(struct secrets *secrets, const char *collection, struct bytes doomed) {
	while (doomed.len > 0) {
		size_t len = load_u32be(doomed.data);
		struct bytes id = bytes_of(doomed.data + 4, len);
		log_notice("secrets: a row of %s that the log does not know as created is removed", collection);
		TRY(secrets_destroy(secrets, collection, id));
		doomed = bytes_of(id.data + len, doomed.len - 4 - len);
	}
	return OK;
}

enum status
secrets_reconcile(struct secrets *secrets, const char *collection,
		  enum secrets_recorded (*recorded)(void *context, struct bytes id), void *context, size_t expected,
		  struct secrets_reconciled *reconciled) {
	*reconciled = (struct secrets_reconciled){};
	struct reconciling reconciling = {.recorded = recorded, .context = context, .counted = reconciled};
	enum status status = secrets_visit(secrets, collection, judge_row, &reconciling);
	/* Nothing is removed from a database that has lost rows: it may be the wrong one. */
	if (status == OK && reconciled->kept < expected)
		status = fail(STATUS_CORRUPT, "secrets.lost: the log knows %zu of %s, %zu are there", expected,
			      collection, reconciled->kept);
	if (status == OK)
		status = remove_doomed(secrets, collection, buffer_bytes(&reconciling.doomed));
	buffer_free(&reconciling.doomed);
	return status;
}
