/*
 * Compares published tiles and entry bundles with the leaves of a log, one leaf after the other.
 *
 * Every full tile up to the published size and the partial ones of that size must be there and hold exactly what the leaves
 * give. Owner: the caller. Threads: one. Errors: STATUS_CORRUPT "verify.tile".
 */
#ifndef GATEHOUSE_LEDGER_VERIFY_TILES_H
#define GATEHOUSE_LEDGER_VERIFY_TILES_H

#include "base/io.h"
#include "ledger/tile.h"

struct tile_comparison {
	const struct io *io;
	const char *directory;
	uint64_t published; /* size; leaves beyond it are passed over */
	uint64_t size, files;
	struct {
		uint64_t index;
		unsigned width;
		struct hash256 hashes[TILE_WIDTH];
	} levels[TILE_LEVELS];
	struct buffer bundle, file;
};

enum status tile_comparison_add(struct tile_comparison *comparison, struct bytes entry, const struct hash256 *leaf);
void tile_comparison_free(struct tile_comparison *comparison); /* a cleanup function */

#endif
