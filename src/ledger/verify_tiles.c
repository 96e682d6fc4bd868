#include "ledger/verify_tiles.h"

#include "ledger/tile_writer.h"

static enum status
compare_file(struct tile_comparison *comparison, const struct tile_name *name, struct bytes expected) {
	char path[TILE_PATH_MAX];
	tile_format_path(name, path);
	buffer_reset(&comparison->file);
	enum status status = tile_read_file(comparison->io, comparison->directory, name, &comparison->file);
	if (status == STATUS_NO_MEMORY || status == STATUS_IO)
		return status;
	if (status != OK)
		return fail(STATUS_CORRUPT, "verify.tile: %s: %s", path, fail_message());
	if (!bytes_equal(buffer_bytes(&comparison->file), expected))
		return fail(STATUS_CORRUPT, "verify.tile: %s does not hold what the log's leaves give", path);
	comparison->files++;
	return OK;
}

static enum status
compare_level(struct tile_comparison *comparison, unsigned level) {
	typeof(&comparison->levels[0]) tile = &comparison->levels[level];
	struct tile_name name = {.level = level, .index = tile->index, .width = tile->width};
	TRY(compare_file(comparison, &name, bytes_of(tile->hashes, tile->width * sizeof tile->hashes[0])));
	if (level > 0)
		return OK;
	name.is_entries = true;
	return compare_file(comparison, &name, buffer_bytes(&comparison->bundle));
}

/* A full tile is compared, and its root goes to the level above. */
static enum status
turn_full(struct tile_comparison *comparison) {
	for (unsigned level = 0; level + 1 < TILE_LEVELS; level++) {
		typeof(&comparison->levels[0]) tile = &comparison->levels[level], above = tile + 1;
		if (tile->width < TILE_WIDTH)
			return OK;
		TRY(compare_level(comparison, level));
		above->hashes[above->width++] = tile_perfect_root(tile->hashes, TILE_WIDTH);
		tile->index++;
		tile->width = 0;
		if (level == 0)
			buffer_reset(&comparison->bundle);
	}
	return OK;
}

enum status
tile_comparison_add(struct tile_comparison *comparison, struct bytes entry, const struct hash256 *leaf) {
	if (comparison->size >= comparison->published)
		return OK;
	typeof(&comparison->levels[0]) tile = &comparison->levels[0];
	TRY(tile_append_to_bundle(&comparison->bundle, entry));
	tile->hashes[tile->width++] = *leaf;
	comparison->size++;
	TRY(turn_full(comparison));
	if (comparison->size < comparison->published)
		return OK;
	for (unsigned level = 0; level < TILE_LEVELS; level++)
		if (comparison->levels[level].width > 0)
			TRY(compare_level(comparison, level));
	return OK;
}

void
tile_comparison_free(struct tile_comparison *comparison) {
	buffer_free(&comparison->bundle);
	buffer_free(&comparison->file);
}
