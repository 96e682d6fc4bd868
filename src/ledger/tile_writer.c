#include "ledger/tile_writer.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "base/log.h"

constexpr char STATE_MAGIC[] = "gatehouse/tiles/v1";
constexpr size_t STATE_SIZE_MAX = 256;
constexpr size_t BUNDLE_SIZE_MAX = TILE_WIDTH * (2 + TILE_ENTRY_SIZE_MAX);
constexpr size_t UNSYNCED_MAX = 32;
constexpr size_t DIRECT_MIN = 64 * 1024; /* from here on a file is written past the page cache */
constexpr size_t PIECE = 256 * 1024;

/* The tile of a level that is being filled. */
struct open_tile {
	uint64_t index;
	unsigned width;
	unsigned written;  /* the width it has on disk, 0 if none */
	bool has_partials; /* on disk, to be removed when it is full */
	struct hash256 hashes[TILE_WIDTH];
};

struct tile_writer {
	const struct io *io;
	char *directory;
	struct tree_frontier frontier;
	struct open_tile tiles[TILE_LEVELS];
	struct buffer bundle; /* of the open level 0 tile */
	uint8_t *piece;       /* of a file that is written past the page cache */
	char *made;           /* the directory made last */
	char *unsynced[UNSYNCED_MAX];
	size_t unsynced_count;
	bool sync_failed;
	struct tile_name outgrown[UNSYNCED_MAX]; /* full now; their partial ones go when that is durable */
	size_t outgrown_count;
};

/* --- Directories and files --- */

static enum status
sync_directories(struct tile_writer *writer) {
	if (writer->sync_failed)
		return fail(STATUS_IO, "tile.sync: a directory could not be synced; a later sync would prove nothing");
	while (writer->unsynced_count > 0) {
		char **last = &writer->unsynced[writer->unsynced_count - 1];
		enum status status = io_sync_directory(writer->io, *last);
		if (status != OK) {
			writer->sync_failed = true;
			return status;
		}
		free(TAKE(*last));
		writer->unsynced_count--;
	}
	return OK;
}

static enum status
sync_later(struct tile_writer *writer, const char *directory) {
	for (size_t i = 0; i < writer->unsynced_count; i++)
		if (strcmp(writer->unsynced[i], directory) == 0)
			return OK;
	if (writer->unsynced_count == UNSYNCED_MAX)
		TRY(sync_directories(writer));
	char *copy = strdup(directory);
	TRY_ALLOC(copy);
	writer->unsynced[writer->unsynced_count++] = copy;
	return OK;
}

/* The directories above path, below the log's own. */
static enum status
make_directories(struct tile_writer *writer, const char *path) {
	char directory[PATH_MAX], made[PATH_MAX];
	snprintf(directory, sizeof directory, "%s", path);
	*strrchr(directory, '/') = '\0';
	if (writer->made != nullptr && strcmp(writer->made, directory) == 0)
		return OK;
	snprintf(made, sizeof made, "%s", writer->directory);
	for (size_t at = strlen(made); directory[at] != '\0';) {
		at += 1 + strcspn(directory + at + 1, "/");
		char parent[PATH_MAX];
		memcpy(parent, made, sizeof parent);
		memcpy(made, directory, at);
		made[at] = '\0';
		TRY(io_make_directory(writer->io, made));
		TRY(sync_later(writer, parent));
	}
	free(writer->made);
	writer->made = strdup(directory);
	return OK;
}

static enum status
full_path(const char *directory, const char *relative, char path[PATH_MAX]) {
	return snprintf(path, PATH_MAX, "%s/%s", directory, relative) < PATH_MAX
		       ? OK
		       : fail(STATUS_INVALID, "io.path: too long: %s", directory);
}

/* Bundles are large, written once and seldom read: finding and filling pages of the cache for them would cost more than all else
 * that publishing does. What is beyond the last multiple of the alignment goes the ordinary way. */
static enum status
write_content(struct tile_writer *writer, int file, struct bytes content) {
	if (content.len < DIRECT_MIN)
		return io_write_at(writer->io, file, 0, content.data, content.len);
	for (size_t at = 0; at < content.len;) {
		size_t left = content.len - at, whole = left - left % IO_DIRECT_ALIGNMENT;
		size_t len = whole == 0 ? left : whole < PIECE ? whole : PIECE;
		memcpy(writer->piece, content.data + at, len);
		TRY(io_write_at(writer->io, file, at, writer->piece, len));
		at += len;
	}
	return OK;
}

/* Without syncing the directory: sync_directories() does that once for many. */
static enum status
write_file(struct tile_writer *writer, const struct tile_name *name, struct bytes content) {
	char relative[TILE_PATH_MAX], path[PATH_MAX], beside[PATH_MAX];
	tile_format_path(name, relative);
	TRY(full_path(writer->directory, relative, path));
	TRY(full_path(writer->directory, "tile.new", beside));
	TRY(make_directories(writer, path));
	int file;
	int direct = content.len < DIRECT_MIN ? 0 : IO_DIRECT;
	TRY(io_open(writer->io, beside, IO_WRITE | IO_CREATE | IO_TRUNCATE | direct, &file));
	enum status status = write_content(writer, file, content);
	if (status == OK)
		status = io_sync_data(writer->io, file);
	enum status closed = io_close(writer->io, file);
	TRY(status);
	TRY(closed);
	TRY(io_rename(writer->io, beside, path));
	*strrchr(path, '/') = '\0';
	return sync_later(writer, path);
}

struct place {
	const struct io *io;
	const char *directory;
};

static enum status
remove_file(void *context, const char *name) {
	const struct place *in = context;
	char path[PATH_MAX];
	TRY(full_path(in->directory, name, path));
	return io_unlink(in->io, path);
}

/* "A log MAY delete any partial tile once the corresponding full tile is available." */
static enum status
remove_partials(struct tile_writer *writer, const struct tile_name *full) {
	struct tile_name name = *full;
	name.width = 1;
	char relative[TILE_PATH_MAX], path[PATH_MAX];
	tile_format_path(&name, relative);
	*strrchr(relative, '/') = '\0';
	TRY(full_path(writer->directory, relative, path));
	struct place in = {writer->io, path};
	enum status status = io_list_directory(writer->io, path, remove_file, &in);
	if (status == STATUS_NOT_FOUND)
		return OK;
	TRY(status);
	return io_unlink(writer->io, path);
}

static enum status
settle(struct tile_writer *writer) {
	TRY(sync_directories(writer));
	while (writer->outgrown_count > 0) {
		TRY(remove_partials(writer, &writer->outgrown[writer->outgrown_count - 1]));
		writer->outgrown_count--;
	}
	return OK;
}

static enum status
remove_partials_later(struct tile_writer *writer, const struct tile_name *full) {
	if (writer->outgrown_count == UNSYNCED_MAX)
		TRY(settle(writer));
	writer->outgrown[writer->outgrown_count++] = *full;
	return OK;
}

/* --- Filling tiles --- */

static struct tile_name
name_of(const struct tile_writer *writer, unsigned level, bool is_entries) {
	const struct open_tile *tile = &writer->tiles[level];
	return (struct tile_name){is_entries, level, tile->index, tile->width};
}

static enum status
write_open_tile(struct tile_writer *writer, unsigned level) {
	struct open_tile *tile = &writer->tiles[level];
	if (tile->width == 0 || tile->written == tile->width)
		return OK;
	if (level == 0) {
		struct tile_name entries = name_of(writer, level, true);
		TRY(write_file(writer, &entries, buffer_bytes(&writer->bundle)));
		if (tile->has_partials && tile->width == TILE_WIDTH)
			TRY(remove_partials_later(writer, &entries));
	}
	struct tile_name name = name_of(writer, level, false);
	TRY(write_file(writer, &name, bytes_of(tile->hashes, tile->width * sizeof tile->hashes[0])));
	if (tile->has_partials && tile->width == TILE_WIDTH)
		TRY(remove_partials_later(writer, &name));
	tile->has_partials |= tile->width < TILE_WIDTH;
	tile->written = tile->width;
	return OK;
}

/* Writes a full tile, gives its root to the level above, and begins the next. Nothing has happened if it fails. */
static enum status
turn_full_tile(struct tile_writer *writer, unsigned level) {
	struct open_tile *tile = &writer->tiles[level], *above = tile + 1;
	if (tile->width < TILE_WIDTH)
		return OK;
	if (level + 1 == TILE_LEVELS)
		return fail(STATUS_TOO_LARGE, "tile.size: beyond 256^%u entries", TILE_LEVELS);
	TRY(turn_full_tile(writer, level + 1));
	TRY(write_open_tile(writer, level));
	above->hashes[above->width++] = tile_perfect_root(tile->hashes, TILE_WIDTH);
	tile->index++;
	tile->width = tile->written = 0;
	tile->has_partials = false;
	if (level == 0)
		buffer_reset(&writer->bundle);
	return OK;
}

uint64_t
tile_writer_size(const struct tile_writer *writer) {
	return writer->frontier.size;
}

enum status
tile_writer_append(struct tile_writer *writer, struct bytes entry, const struct hash256 *leaf) {
	TRY(turn_full_tile(writer, 0));
	struct open_tile *tile = &writer->tiles[0];
	size_t bundle_len = writer->bundle.len;
	enum status status = tile_append_to_bundle(&writer->bundle, entry);
	if (status != OK) {
		writer->bundle.len = bundle_len;
		writer->bundle.failed = false; /* nothing is lost: the entry was not taken */
		return status;
	}
	struct hash256 hash = leaf != nullptr ? *leaf : tree_leaf_hash(entry);
	TRY(tree_frontier_append(&writer->frontier, &hash));
	tile->hashes[tile->width++] = hash;
	return OK;
}

static enum status
write_state(struct tile_writer *writer, const struct hash256 *root) {
	_cleanup_(buffer_free) struct buffer text = {};
	buffer_append_format(&text, "%s\n%llu\n", STATE_MAGIC, (unsigned long long)writer->frontier.size);
	buffer_append_base64(&text, hash256_bytes(root));
	buffer_append_byte(&text, '\n');
	TRY(buffer_status(&text));
	char path[PATH_MAX];
	TRY(full_path(writer->directory, "tiles.state", path));
	return io_replace_file(writer->io, path, buffer_bytes(&text));
}

enum status
tile_writer_publish(struct tile_writer *writer, uint64_t size, const struct hash256 *root) {
	if (size != writer->frontier.size)
		return fail(STATUS_CONFLICT, "tile.ahead: the tiles have %llu entries, the head %llu",
			    (unsigned long long)writer->frontier.size, (unsigned long long)size);
	struct hash256 own = tree_frontier_root(&writer->frontier);
	if (!hash256_equal(&own, root))
		return fail(STATUS_CORRUPT, "tile.root: the tiles of %llu entries do not lead to the head",
			    (unsigned long long)size);
	/* From the bottom, as each may fill the one above. */
	for (unsigned level = 0; level + 1 < TILE_LEVELS; level++)
		TRY(turn_full_tile(writer, level));
	for (unsigned level = 0; level < TILE_LEVELS; level++)
		TRY(write_open_tile(writer, level));
	TRY(settle(writer));
	return write_state(writer, root);
}

/* --- Going on --- */

static enum status
read_exactly(const struct io *io, const char *directory, const struct tile_name *name, struct buffer *to) {
	char relative[TILE_PATH_MAX], path[PATH_MAX];
	tile_format_path(name, relative);
	TRY(full_path(directory, relative, path));
	size_t before = to->len;
	size_t expected = name->width * sizeof(struct hash256);
	TRY(io_read_file(io, path, name->is_entries ? BUNDLE_SIZE_MAX : expected, to));
	if (!name->is_entries && to->len - before != expected)
		return fail(STATUS_CORRUPT, "tile.length: %s has %zu bytes, expected %zu", path, to->len - before,
			    expected);
	return OK;
}

/* The length of the first entries of a bundle. */
static enum status
length_of_entries(struct bytes bundle, unsigned count, size_t *len) {
	struct bytes left = bundle, entry;
	for (unsigned i = 0; i < count; i++)
		TRY(tile_next_in_bundle(&left, &entry));
	*len = bundle.len - left.len;
	return OK;
}

enum status
tile_read_file(const struct io *io, const char *directory, const struct tile_name *name, struct buffer *to) {
	size_t before = to->len;
	enum status status = read_exactly(io, directory, name, to);
	if (status != STATUS_NOT_FOUND || name->width == TILE_WIDTH)
		return status;
	struct tile_name full = *name;
	full.width = TILE_WIDTH;
	TRY(read_exactly(io, directory, &full, to));
	size_t len = name->width * sizeof(struct hash256);
	if (name->is_entries)
		TRY(length_of_entries(bytes_of(to->data + before, to->len - before), name->width, &len));
	to->len = before + len;
	return OK;
}

static enum status
read_state(struct tile_writer *writer, uint64_t *size, struct hash256 *root) {
	char path[PATH_MAX];
	_cleanup_(buffer_free) struct buffer text = {};
	TRY(full_path(writer->directory, "tiles.state", path));
	TRY(io_read_file(writer->io, path, STATE_SIZE_MAX, &text));
	struct cursor cursor = cursor_of(buffer_bytes(&text));
	struct bytes magic, decimal, base64;
	size_t len;
	TRY(cursor_until(&cursor, "tile.state", '\n', &magic));
	TRY(cursor_until(&cursor, "tile.state", '\n', &decimal));
	TRY(cursor_until(&cursor, "tile.state", '\n', &base64));
	TRY(cursor_end(&cursor, "tile.state"));
	if (!bytes_equal_text(magic, STATE_MAGIC))
		return fail(STATUS_UNSUPPORTED, "tile.state: %s is not of version %s", path, STATE_MAGIC);
	TRY(decimal_decode(decimal, size));
	TRY(base64_decode(base64, root->bytes, sizeof root->bytes, &len));
	return len == sizeof root->bytes && *size <= TREE_SIZE_MAX ? OK : fail(STATUS_CORRUPT, "tile.state: %s", path);
}

/* The open tile of a level, and its share of the frontier. */
static enum status
load_open_tile(struct tile_writer *writer, uint64_t size, unsigned level) {
	struct open_tile *tile = &writer->tiles[level];
	tile->width = tile->written = tile_partial_width(size, level);
	tile->index = level + 1 == TILE_LEVELS ? 0 : size >> TILE_HEIGHT * (level + 1);
	tile->has_partials = true; /* of other sizes, perhaps */
	if (tile->width == 0)
		return OK;
	_cleanup_(buffer_free) struct buffer hashes = {};
	struct tile_name name = name_of(writer, level, false);
	TRY(tile_read_file(writer->io, writer->directory, &name, &hashes));
	memcpy(tile->hashes, hashes.data, hashes.len);
	for (unsigned bit = 0; bit < TILE_HEIGHT; bit++) {
		unsigned count = 1U << bit;
		if (tile->width & count)
			writer->frontier.roots[TILE_HEIGHT * level + bit] =
				tile_perfect_root(tile->hashes + (tile->width & ~(2 * count - 1)), count);
	}
	return OK;
}

static enum status
load_bundle(struct tile_writer *writer) {
	struct open_tile *tile = &writer->tiles[0];
	if (tile->width == 0)
		return OK;
	struct tile_name name = name_of(writer, 0, true);
	TRY(tile_read_file(writer->io, writer->directory, &name, &writer->bundle));
	struct bytes left = buffer_bytes(&writer->bundle), entry;
	for (unsigned i = 0; i < tile->width; i++) {
		TRY(tile_next_in_bundle(&left, &entry));
		struct hash256 leaf = tree_leaf_hash(entry);
		if (!hash256_equal(&leaf, &tile->hashes[i]))
			return fail(STATUS_CORRUPT, "tile.bundle: entry %u of the last bundle does not fit its tile",
				    i);
	}
	return left.len == 0 ? OK : fail(STATUS_CORRUPT, "tile.bundle: the last bundle is too long");
}

static enum status
load_newest(struct tile_writer *writer, uint64_t size, const struct hash256 *root) {
	for (unsigned level = 0; level < TILE_LEVELS; level++)
		TRY(load_open_tile(writer, size, level));
	writer->frontier.size = size;
	struct hash256 own = tree_frontier_root(&writer->frontier);
	if (!hash256_equal(&own, root))
		return fail(STATUS_CORRUPT, "tile.root: the newest tiles do not lead to the recorded root");
	return load_bundle(writer);
}

static void
begin_again(struct tile_writer *writer) {
	writer->frontier = (struct tree_frontier){};
	buffer_reset(&writer->bundle);
	for (unsigned level = 0; level < TILE_LEVELS; level++) {
		struct open_tile *tile = &writer->tiles[level];
		tile->index = 0;
		tile->width = tile->written = 0;
		tile->has_partials = true;
	}
}

static enum status
load(struct tile_writer *writer) {
	uint64_t size;
	struct hash256 root;
	enum status status = read_state(writer, &size, &root);
	if (status == STATUS_NOT_FOUND) {
		begin_again(writer);
		return OK;
	}
	if (status == OK)
		status = load_newest(writer, size, &root);
	if (status == OK || status == STATUS_NO_MEMORY || status == STATUS_IO)
		return status;
	log_warning("tiles are written anew from the log: %s", fail_message());
	begin_again(writer);
	return OK;
}

enum status
tile_writer_open(const struct io *io, const char *directory, struct tile_writer **writer) {
	_cleanup_(tile_writer_close) struct tile_writer *opened = calloc(1, sizeof *opened);
	TRY_ALLOC(opened);
	opened->io = io;
	opened->directory = strdup(directory);
	TRY_ALLOC(opened->directory);
	opened->piece = aligned_alloc(IO_DIRECT_ALIGNMENT, PIECE);
	TRY_ALLOC(opened->piece);
	TRY(load(opened));
	*writer = TAKE(opened);
	return OK;
}

void
tile_writer_close(struct tile_writer **writer) {
	struct tile_writer *closed = *writer;
	*writer = nullptr;
	if (closed == nullptr)
		return;
	buffer_free(&closed->bundle);
	free(closed->piece);
	for (size_t i = 0; i < closed->unsynced_count; i++)
		free(closed->unsynced[i]);
	free(closed->made);
	free(closed->directory);
	free(closed);
}

/* --- Reading nodes --- */

constexpr unsigned CACHE_SLOTS = 16;

struct tile_node_reader {
	const struct io *io;
	char *directory;
	struct cached_tile {
		bool is_set;
		unsigned level;
		uint64_t index;
		struct hash256 hashes[TILE_WIDTH];
	} cache[CACHE_SLOTS];
};

enum status
tile_node_reader_open(const struct io *io, const char *directory, struct tile_node_reader **reader) {
	_cleanup_(tile_node_reader_close) struct tile_node_reader *opened = calloc(1, sizeof *opened);
	TRY_ALLOC(opened);
	opened->io = io;
	opened->directory = strdup(directory);
	TRY_ALLOC(opened->directory);
	*reader = TAKE(opened);
	return OK;
}

void
tile_node_reader_close(struct tile_node_reader **reader) {
	if (*reader != nullptr)
		free((*reader)->directory);
	free(*reader);
	*reader = nullptr;
}

/* A full tile; null in *hashes if there is none (yet). */
static enum status
find_full_tile(struct tile_node_reader *reader, unsigned level, uint64_t index, const struct hash256 **hashes) {
	struct cached_tile *slot = &reader->cache[(index + 5 * level) % CACHE_SLOTS];
	*hashes = nullptr;
	if (!slot->is_set || slot->level != level || slot->index != index) {
		_cleanup_(buffer_free) struct buffer content = {};
		struct tile_name name = {.level = level, .index = index, .width = TILE_WIDTH};
		enum status status = tile_read_file(reader->io, reader->directory, &name, &content);
		if (status == STATUS_NOT_FOUND)
			return OK;
		TRY(status);
		*slot = (struct cached_tile){.is_set = true, .level = level, .index = index};
		memcpy(slot->hashes, content.data, sizeof slot->hashes);
	}
	*hashes = slot->hashes;
	return OK;
}

/*
 * From the full tile that holds the node's hashes. Where that tile is not full yet, each of its hashes is the root of a
 * full tile of the level below: no partial tile, whose name depends on the published size, is ever needed.
 */
enum status
tile_node_read(void *context, unsigned level, uint64_t index, struct hash256 *hash) {
	struct tile_node_reader *reader = context;
	unsigned tile_level = level / TILE_HEIGHT, count = 1U << level % TILE_HEIGHT;
	if (tile_level >= TILE_LEVELS || index > (TREE_SIZE_MAX >> level))
		return fail(STATUS_NOT_FOUND, "tile.missing: no node at level %u, index %llu", level,
			    (unsigned long long)index);
	uint64_t first = index * count;
	const struct hash256 *hashes;
	TRY(find_full_tile(reader, tile_level, first / TILE_WIDTH, &hashes));
	if (hashes != nullptr) {
		*hash = tile_perfect_root(hashes + first % TILE_WIDTH, count);
		return OK;
	}
	struct hash256 roots[TILE_WIDTH];
	for (unsigned i = 0; i < count; i++) {
		if (tile_level > 0)
			TRY(find_full_tile(reader, tile_level - 1, first + i, &hashes));
		if (hashes == nullptr)
			return fail(STATUS_NOT_FOUND, "tile.missing: no full tile holds level %u, index %llu", level,
				    (unsigned long long)index);
		roots[i] = tile_perfect_root(hashes, TILE_WIDTH);
	}
	*hash = tile_perfect_root(roots, count);
	return OK;
}
