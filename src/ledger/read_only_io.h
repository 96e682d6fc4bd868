/*
 * The system's files without the means to change them: for verifying a log that belongs to somebody else.
 *
 * Opening is for reading whatever was asked; removing and syncing do nothing and succeed, since their effect matters only to
 * a writer; every other change is refused: STATUS_INTERNAL "read_only_io". Threads: as the io below.
 */
#ifndef GATEHOUSE_LEDGER_READ_ONLY_IO_H
#define GATEHOUSE_LEDGER_READ_ONLY_IO_H

#include "base/io.h"

struct read_only_io {
	struct io io;
	const struct io *below;
};

struct read_only_io read_only_io_over(const struct io *below);

#endif
