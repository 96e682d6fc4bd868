/*
 * The log of a data directory on disk, which is only read: every entry in order, as the frames hold them. Whether they lead to the
 * signed roots is for `ledger verify` to say. Errors: STATUS_CORRUPT "ledger.gap", those of the store.
 */
#ifndef GATEHOUSE_CLI_LOG_FILES_H
#define GATEHOUSE_CLI_LOG_FILES_H

#include "base/arena.h"
#include "ledger/read_only_io.h"

struct log_visit {
	void *context;
	enum status (*visit)(void *context, uint64_t index, struct bytes leaf);
	uint64_t next;
	bool is_quiet; /* of an incomplete end: a second visit */
};

/* directory: a data directory, or the ledger in it. */
enum status log_files_visit(struct arena *arena, const char *directory, struct log_visit *log);

#endif
