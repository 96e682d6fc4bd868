/*
 * SQLite, under the rules that keep it sound: one process, one connection, guarded by a lock file; that connection alone
 * checkpoints; no memory mapping; integrity_check when opened; all file access through struct io (store/database_vfs.h),
 * so that the fault tests reach it.
 *
 * state: WAL, synchronous=NORMAL. A power loss may take the last transactions away; the projection notices and applies
 * those entries again. secrets: rollback journal, synchronous=EXTRA, secure_delete: a commit is durable, a deleted row is
 * overwritten.
 *
 * Owner: the caller; statements belong to the database and are prepared once. Threads: one at a time.
 * Errors: STATUS_CONFLICT "database.locked" for a second opener; STATUS_CORRUPT "database.integrity", "database.corrupt";
 * STATUS_UNAVAILABLE "database.full"; STATUS_CONFLICT "database.constraint"; STATUS_UNSUPPORTED "database.version" if a
 * newer program wrote it, or an older one secrets; STATUS_CORRUPT "database.older" where what an older one wrote can be built
 * anew; STATUS_IO "database.*". Source: https://sqlite.org/howtocorrupt.html, wal.html
 */
#ifndef GATEHOUSE_STORE_DATABASE_H
#define GATEHOUSE_STORE_DATABASE_H

#include "base/io.h"

enum database_kind { DATABASE_STATE, DATABASE_SECRETS };

struct database;
struct sqlite3_stmt;

struct database_config {
	const struct io *io;
	const char *path;
	enum database_kind kind;
	int version;        /* of the schema; kept as user_version, a newer one is refused */
	const char *schema; /* executed when the database is new */
};

enum status database_open(const struct database_config *config, struct database **database);
void database_close(struct database **database); /* a cleanup function */

enum status database_begin(struct database *database);
enum status database_commit(struct database *database);
void database_rollback(struct database *database);
/* Statements without parameters or rows. */
enum status database_execute(struct database *database, const char *sql);

/* A prepared statement, reset and unbound; the same text gives the same statement. sql is static storage. */
enum status database_statement(struct database *database, const char *sql, struct sqlite3_stmt **statement);
/* Parameters are numbered from 1; bound bytes must live until the statement is reset. */
void database_bind_integer(struct sqlite3_stmt *statement, int parameter, int64_t number);
void database_bind_text(struct sqlite3_stmt *statement, int parameter, struct bytes text);
void database_bind_blob(struct sqlite3_stmt *statement, int parameter, struct bytes blob);
/* *row tells whether there is a row; at the end the statement is reset. */
enum status database_step(struct database *database, struct sqlite3_stmt *statement, bool *row);
/* For statements that yield no row; resets. */
enum status database_run(struct database *database, struct sqlite3_stmt *statement);
void database_reset(struct sqlite3_stmt *statement);
/* Of the present row, columns from 0; valid until the next step or reset. */
int64_t database_integer(struct sqlite3_stmt *statement, int column);
struct bytes database_bytes(struct sqlite3_stmt *statement, int column);

#endif
