/*
 * Publishing a log as tiles in a directory, off the path of appending.
 *
 * Entries are given in order; full tiles are written as they fill up. tile_writer_publish() writes the partial tiles of a
 * head, makes everything durable and records the size, so that a checkpoint of that head may be published after it. Files
 * are written beside, synced and renamed; writing the same again is harmless. Partial tiles are removed when the full one is
 * durable. A call that failed may be repeated.
 *
 * tile_writer_open() goes on where the directory ends. If the newest tiles are missing or do not lead to the recorded root,
 * it says so in the log and begins again from entry 0: tiles are derived from the log and never its record.
 *
 * tile_node_reader gives tree nodes from full tiles of such a directory, for proofs about old leaves.
 *
 * Owner: the caller. Threads: one at a time each; a writer and readers may work at once.
 * Errors: STATUS_CORRUPT "tile.root" where the tiles do not lead to the head, "tile.length"; STATUS_CONFLICT "tile.ahead"
 * where the head is older than the tiles; STATUS_NOT_FOUND "tile.missing"; those of base/io.h.
 */
#ifndef GATEHOUSE_LEDGER_TILE_WRITER_H
#define GATEHOUSE_LEDGER_TILE_WRITER_H

#include "base/io.h"
#include "ledger/tile.h"

struct tile_writer;

/* directory exists and is the log's prefix: it receives "tile" and "tiles.state". */
enum status tile_writer_open(const struct io *io, const char *directory, struct tile_writer **writer);
void tile_writer_close(struct tile_writer **writer); /* a cleanup function */
/* How many entries it has: the next to append is this one. */
uint64_t tile_writer_size(const struct tile_writer *writer);
/* leaf: the entry's leaf hash where the caller has it, else null. What does not fit shows in tile_writer_publish(). */
enum status tile_writer_append(struct tile_writer *writer, struct bytes entry, const struct hash256 *leaf);
/* size must be tile_writer_size(). */
enum status tile_writer_publish(struct tile_writer *writer, uint64_t size, const struct hash256 *root);

/*
 * The hashes of a tile, or the bytes of a bundle, appended. A partial one that is not there any more is the beginning of the
 * full one. The number of entries in a bundle is not checked.
 */
enum status tile_read_file(const struct io *io, const char *directory, const struct tile_name *name, struct buffer *to);

struct tile_node_reader;
enum status tile_node_reader_open(const struct io *io, const char *directory, struct tile_node_reader **reader);
void tile_node_reader_close(struct tile_node_reader **reader); /* a cleanup function */
/* For struct tree_reader: context is a struct tile_node_reader. */
enum status tile_node_read(void *context, unsigned level, uint64_t index, struct hash256 *hash);

#endif
