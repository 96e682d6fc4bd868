#include "ledger/tile.h"

#include <stdio.h>

#include "base/cursor.h"

void
tile_format_path(const struct tile_name *name, char *text) {
	char level[8] = "entries", groups[40], partial[8] = "";
	if (!name->is_entries)
		snprintf(level, sizeof level, "%u", name->level);
	size_t at = sizeof groups;
	groups[--at] = '\0';
	uint64_t left = name->index;
	for (bool is_last = true;; is_last = false) {
		char group[6];
		int len = snprintf(group, sizeof group, is_last ? "%03u" : "x%03u/", (unsigned)(left % 1000));
		at -= (size_t)len;
		memcpy(groups + at, group, (size_t)len);
		left /= 1000;
		if (left == 0)
			break;
	}
	if (name->width < TILE_WIDTH)
		snprintf(partial, sizeof partial, ".p/%u", name->width);
	snprintf(text, TILE_PATH_MAX, "tile/%s/%s%s", level, groups + at, partial);
}

static enum status
fail_path(const char *expected) {
	return fail(STATUS_INVALID, "tile.path: expected %s", expected);
}

static enum status
parse_small(struct bytes text, uint64_t max, const char *expected, unsigned *number) {
	uint64_t value;
	if (decimal_decode(text, &value) != OK || value > max)
		return fail_path(expected);
	*number = (unsigned)value;
	return OK;
}

static enum status
parse_group(struct bytes group, uint64_t *index) {
	if (group.len != 3)
		return fail_path("groups of three digits");
	for (size_t i = 0; i < 3; i++) {
		if (group.data[i] < '0' || group.data[i] > '9')
			return fail_path("groups of three digits");
		if (__builtin_mul_overflow(*index, UINT64_C(10), index) ||
		    __builtin_add_overflow(*index, (uint64_t)(group.data[i] - '0'), index))
			return fail_path("an index below 2^64");
	}
	return OK;
}

/* x001/x234/067 with nothing behind it. */
static enum status
parse_index(struct cursor cursor, uint64_t *index) {
	*index = 0;
	bool is_first = true;
	while (cursor.left > 0 && *cursor.at == 'x') {
		struct bytes group;
		TRY(cursor_until(&cursor, "tile.path", '/', &group));
		TRY(parse_group(bytes_of(group.data + 1, group.len - 1), index));
		if (is_first && *index == 0)
			return fail_path("no leading group of zeros");
		is_first = false;
	}
	return parse_group(bytes_of(cursor.at, cursor.left), index);
}

enum status
tile_parse_path(struct bytes path, struct tile_name *name) {
	static const struct bytes prefix = BYTES_OF_LITERAL("tile/"), partial = BYTES_OF_LITERAL(".p/");
	struct cursor cursor = cursor_of(path);
	struct bytes start, level;
	TRY(cursor_take(&cursor, "tile.path", prefix.len, &start));
	if (!bytes_equal(start, prefix))
		return fail_path("tile/");
	TRY(cursor_until(&cursor, "tile.path", '/', &level));
	*name = (struct tile_name){.is_entries = bytes_equal_text(level, "entries"), .width = TILE_WIDTH};
	if (!name->is_entries)
		TRY(parse_small(level, 63, "a level from 0 to 63 or entries", &name->level));
	const uint8_t *found = cursor.left == 0 ? nullptr : memmem(cursor.at, cursor.left, partial.data, partial.len);
	if (found != nullptr) {
		size_t len = (size_t)(found - cursor.at);
		struct bytes width = bytes_of(found + partial.len, cursor.left - len - partial.len);
		TRY(parse_small(width, TILE_WIDTH - 1, "a width from 1 to 255", &name->width));
		if (name->width == 0)
			return fail_path("a width from 1 to 255");
		cursor.left = len;
	}
	return parse_index(cursor, &name->index);
}

unsigned
tile_partial_width(uint64_t size, unsigned level) {
	return level >= TILE_LEVELS ? 0 : (unsigned)(size >> TILE_HEIGHT * level) % TILE_WIDTH;
}

struct hash256
tile_perfect_root(const struct hash256 *hashes, unsigned count) {
	struct hash256 nodes[TILE_WIDTH];
	memcpy(nodes, hashes, count * sizeof *nodes);
	for (; count > 1; count /= 2)
		for (unsigned i = 0; i < count / 2; i++)
			nodes[i] = tree_node_hash(&nodes[2 * i], &nodes[2 * i + 1]);
	return nodes[0];
}

enum status
tile_append_to_bundle(struct buffer *bundle, struct bytes entry) {
	if (entry.len > TILE_ENTRY_SIZE_MAX)
		return fail(STATUS_TOO_LARGE, "tile.entry: %zu bytes, a bundle carries at most %zu", entry.len,
			    TILE_ENTRY_SIZE_MAX);
	buffer_append_u16be(bundle, (uint16_t)entry.len);
	buffer_append_bytes(bundle, entry);
	return buffer_status(bundle);
}

enum status
tile_next_in_bundle(struct bytes *bundle, struct bytes *entry) {
	struct cursor cursor = cursor_of(*bundle);
	uint16_t len;
	TRY(cursor_u16be(&cursor, "tile.bundle", &len));
	TRY(cursor_take(&cursor, "tile.bundle", len, entry));
	*bundle = bytes_of(cursor.at, cursor.left);
	return OK;
}
