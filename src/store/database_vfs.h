/*
 * SQLite's file access through struct io, for databases with one connection in one process: locks are not needed inside the
 * process (database.c holds a lock file), there is no shared memory, and temporary files are kept in memory.
 *
 * Owner: the caller of database_vfs_register() unregisters it after the connection is closed. Threads: those of the database.
 */
#ifndef GATEHOUSE_STORE_DATABASE_VFS_H
#define GATEHOUSE_STORE_DATABASE_VFS_H

#include "base/io.h"

struct database_vfs;

enum status database_vfs_register(const struct io *io, struct database_vfs **vfs);
void database_vfs_unregister(struct database_vfs **vfs); /* a cleanup function */
/* To be given to sqlite3_open_v2(). */
const char *database_vfs_name(const struct database_vfs *vfs);

#endif
