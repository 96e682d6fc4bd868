/*
 * Tiles: what a log publishes as immutable files, as names and bytes.
 *
 * A hash tile of level L holds up to 256 hashes, hash i of tile n being that of leaves
 * [(n·256 + i)·256^L, (n·256 + i + 1)·256^L); an entry bundle holds the entries of a level 0 tile. Names, relative to the
 * log's prefix: tile/<L>/<N>, tile/entries/<N>, with .p/<W> behind a partial one. N is written in groups of three digits, all
 * but the last led by x: 1234067 is x001/x234/067.
 *
 * Errors: STATUS_INVALID "tile.path", "tile.bundle". Threads: pure functions. Source: C2SP tlog-tiles v0.1.0.
 */
#ifndef GATEHOUSE_LEDGER_TILE_H
#define GATEHOUSE_LEDGER_TILE_H

#include "ledger/tree.h"

constexpr unsigned TILE_HEIGHT = 8;
constexpr unsigned TILE_WIDTH = 256;
constexpr unsigned TILE_LEVELS = 8; /* 256^8 > TREE_SIZE_MAX */
constexpr size_t TILE_ENTRY_SIZE_MAX = UINT16_MAX;
constexpr size_t TILE_PATH_MAX = 64;

struct tile_name {
	bool is_entries;
	unsigned level; /* of a hash tile */
	uint64_t index;
	unsigned width; /* 1 to TILE_WIDTH */
};

/* text holds TILE_PATH_MAX. */
void tile_format_path(const struct tile_name *name, char *text);
enum status tile_parse_path(struct bytes path, struct tile_name *name);
/* How many hashes the last tile of a level has beyond the full ones, for a tree of this size: 0 to 255. */
unsigned tile_partial_width(uint64_t size, unsigned level);

/* The root over the hashes of a perfect subtree; count is a power of two, at most TILE_WIDTH. */
struct hash256 tile_perfect_root(const struct hash256 *hashes, unsigned count);

/* "tile.entry" if the entry is too long. */
enum status tile_append_to_bundle(struct buffer *bundle, struct bytes entry);
/* Takes the next entry off *bundle, which is not empty. */
enum status tile_next_in_bundle(struct bytes *bundle, struct bytes *entry);

#endif
