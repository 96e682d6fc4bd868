/*
 * Reader: ledger/tile.c
 * Entry bundles and the names of tiles: what is read is written again to the same bytes.
 */
#include "ledger/tile.h"
#include "tests/fuzz.h"

static void
try_bundle(struct bytes whole) {
	_cleanup_(buffer_free) struct buffer again = {};
	struct bytes left = whole, entry;
	while (left.len > 0) {
		if (tile_next_in_bundle(&left, &entry) != OK)
			return;
		must(tile_append_to_bundle(&again, entry) == OK);
	}
	must(bytes_equal(buffer_bytes(&again), whole));
}

static void
try_path(struct bytes path) {
	struct tile_name name;
	char text[TILE_PATH_MAX];
	if (tile_parse_path(path, &name) != OK)
		return;
	tile_format_path(&name, text);
	must(bytes_equal_text(path, text));
}

/* The root of a perfect subtree by halves. */
static void
try_root(struct bytes hashes) {
	struct hash256 nodes[4];
	if (hashes.len < sizeof nodes)
		return;
	memcpy(nodes, hashes.data, sizeof nodes);
	struct hash256 left = tile_perfect_root(nodes, 2), right = tile_perfect_root(nodes + 2, 2);
	struct hash256 whole = tile_perfect_root(nodes, 4), halves = tree_node_hash(&left, &right);
	must(hash256_equal(&whole, &halves));
	must(tile_partial_width(load_u64be(hashes.data), 0) == hashes.data[7]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	try_bundle(bytes_of(data, size));
	try_path(bytes_of(data, size));
	try_root(bytes_of(data, size));
	return 0;
}
