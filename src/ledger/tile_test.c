#include "tests/test.h"
#include "tests/remove_tree.h"
#include "ledger/proof.h"
#include "ledger/proof_testing.h"
#include "ledger/tile_writer.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static char directory[64];

static int
make_directory(void **) {
	snprintf(directory, sizeof directory, "/tmp/gatehouse-tile-test-XXXXXX");
	assert_non_null(mkdtemp(directory));
	return 0;
}

static int
remove_directory(void **) {
	return remove_tree(directory);
}

static bool
exists(const char *relative) {
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/%s", directory, relative);
	return access(path, F_OK) == 0;
}

static void
names_are_those_of_the_specification(void **) {
	static const struct {
		const char *path;
		struct tile_name name;
	} cases[] = {
		{"tile/0/x001/x234/067", {false, 0, 1'234'067, 256}},
		{"tile/entries/x001/x234/067.p/8", {true, 0, 1'234'067, 8}},
		{"tile/1/000", {false, 1, 0, 256}},
		{"tile/63/999.p/255", {false, 63, 999, 255}},
		{"tile/2/x001/000.p/1", {false, 2, 1000, 1}},
		{"tile/0/x018/x446/x744/x073/x709/x551/615", {false, 0, UINT64_MAX, 256}},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		char path[TILE_PATH_MAX];
		struct tile_name name;
		tile_format_path(&cases[i].name, path);
		assert_string_equal(cases[i].path, path);
		assert_ok(tile_parse_path(bytes_of_text(path), &name));
		assert_int_equal(cases[i].name.is_entries, name.is_entries);
		assert_int_equal(cases[i].name.level, name.level);
		assert_int_equal(cases[i].name.index, name.index);
		assert_int_equal(cases[i].name.width, name.width);
	}
}

static void
bad_names_are_refused_by_name(void **) {
	static const char *const paths[] = {
		"",
		"tile",
		"tile/",
		"tiles/0/000",
		"/tile/0/000",
		"tile/64/000",
		"tile/00/000",
		"tile/-1/000",
		"tile/data/000",
		"tile/0/",
		"tile/0/00",
		"tile/0/0000",
		"tile/0/x000/001",
		"tile/0/000/001",
		"tile/0/x001",
		"tile/0/x001/",
		"tile/0/x01/001",
		"tile/0/001/",
		"tile/0/../001",
		"tile/0/0a1",
		"tile/0/001.p",
		"tile/0/001.p/",
		"tile/0/001.p/0",
		"tile/0/001.p/01",
		"tile/0/001.p/256",
		"tile/0/001.p/1/",
		"tile/0/.p/1",
		"tile/0/x018/x446/x744/x073/x709/x551/616",
		"tile/0/x999/x999/x999/x999/x999/x999/x999/999",
	};
	for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
		struct tile_name name;
		assert_fails(STATUS_INVALID, "tile.path", tile_parse_path(bytes_of_text(paths[i]), &name));
	}
}

static void
partial_widths_are_those_of_the_specification(void **) {
	assert_int_equal(112, tile_partial_width(70'000, 0));
	assert_int_equal(17, tile_partial_width(70'000, 1));
	assert_int_equal(1, tile_partial_width(70'000, 2));
	assert_int_equal(0, tile_partial_width(70'000, 3));
	assert_int_equal(0, tile_partial_width(256, 0));
	assert_int_equal(1, tile_partial_width(256, 1));
	assert_int_equal(0, tile_partial_width(UINT64_MAX, 8));
}

static void
bundles_are_read_back_and_damaged_ones_refused(void **) {
	_cleanup_(buffer_free) struct buffer bundle = {};
	static uint8_t large[TILE_ENTRY_SIZE_MAX + 1];
	assert_ok(tile_append_to_bundle(&bundle, BYTES_OF_LITERAL("one")));
	assert_ok(tile_append_to_bundle(&bundle, BYTES_OF_LITERAL("")));
	assert_ok(tile_append_to_bundle(&bundle, bytes_of(large, TILE_ENTRY_SIZE_MAX)));
	assert_fails(STATUS_TOO_LARGE, "tile.entry", tile_append_to_bundle(&bundle, BYTES_OF_ARRAY(large)));
	struct bytes left = buffer_bytes(&bundle), entry;
	assert_ok(tile_next_in_bundle(&left, &entry));
	assert_bytes(BYTES_OF_LITERAL("one"), entry);
	assert_ok(tile_next_in_bundle(&left, &entry));
	assert_int_equal(0, entry.len);
	struct bytes cut = bytes_of(left.data, left.len - 1), half = bytes_of(left.data, 1);
	assert_fails(STATUS_INVALID, "tile.bundle", tile_next_in_bundle(&cut, &entry));
	assert_fails(STATUS_INVALID, "tile.bundle", tile_next_in_bundle(&half, &entry));
	assert_ok(tile_next_in_bundle(&left, &entry));
	assert_int_equal(0, left.len);
}

static struct bytes
entry_of(uint64_t number, char *text) {
	return bytes_of(text, (size_t)sprintf(text, "entry %llu", (unsigned long long)number));
}

static void
append_up_to(struct tile_writer *writer, struct tree_frontier *frontier, uint64_t size) {
	char text[32];
	for (uint64_t i = tile_writer_size(writer); i < size; i++)
		assert_ok(tile_writer_append(writer, entry_of(i, text), nullptr));
	for (uint64_t i = frontier->size; i < size; i++) {
		struct hash256 leaf = tree_leaf_hash(entry_of(i, text));
		assert_ok(tree_frontier_append(frontier, &leaf));
	}
}

static void
publish(struct tile_writer *writer, const struct tree_frontier *frontier) {
	struct hash256 root = tree_frontier_root(frontier);
	assert_ok(tile_writer_publish(writer, frontier->size, &root));
}

static void
the_tiles_of_a_size_are_those_of_the_specification(void **) {
	_cleanup_(tile_writer_close) struct tile_writer *writer = nullptr;
	struct tree_frontier frontier = {};
	assert_ok(tile_writer_open(io_system(), directory, &writer));
	append_up_to(writer, &frontier, 70'000);
	publish(writer, &frontier);
	assert_true(exists("tile/0/272"));
	assert_true(exists("tile/0/273.p/112"));
	assert_true(exists("tile/1/000"));
	assert_true(exists("tile/1/001.p/17"));
	assert_true(exists("tile/2/000.p/1"));
	assert_true(exists("tile/entries/272"));
	assert_true(exists("tile/entries/273.p/112"));
	assert_false(exists("tile/0/273"));
	assert_false(exists("tile/3/000.p/0"));
	assert_false(exists("tile.new"));
}

static void
proofs_about_old_leaves_come_from_tiles(void **) {
	_cleanup_(tile_writer_close) struct tile_writer *writer = nullptr;
	_cleanup_(tile_node_reader_close) struct tile_node_reader *nodes = nullptr;
	_cleanup_(tree_destroy) struct tree *tree = nullptr;
	struct tree_frontier frontier = {};
	enum { SIZE = 66'666, WINDOW = 512 };
	char text[32];
	assert_ok(tile_writer_open(io_system(), directory, &writer));
	append_up_to(writer, &frontier, SIZE);
	publish(writer, &frontier);
	assert_ok(tree_create(&tree, WINDOW));
	for (uint64_t i = 0; i < SIZE; i++) {
		struct hash256 leaf = tree_leaf_hash(entry_of(i, text));
		assert_ok(tree_append(tree, &leaf));
	}
	assert_ok(tile_node_reader_open(io_system(), directory, &nodes));
	struct tree_reader older = {tile_node_read, nodes};
	struct tree_source source = {tree, &older};
	struct tree_reader reader = tree_reader_of(&source);
	struct hash256 root = tree_root(tree);
	for (uint64_t index = 0; index < SIZE; index += 1'111) {
		struct proof proof;
		struct hash256 leaf = tree_leaf_hash(entry_of(index, text)), old_root;
		assert_ok(proof_make_inclusion(&reader, index, SIZE, &proof));
		assert_ok(proof_verify_inclusion(&leaf, index, SIZE, proof.hashes, proof.count, &root));
		old_root = root_of_leaves(&reader, 0, index + 1);
		assert_ok(proof_make_consistency(&reader, index + 1, SIZE, &proof));
		assert_ok(proof_verify_consistency(index + 1, &old_root, SIZE, &root, proof.hashes, proof.count));
	}
	struct hash256 hash;
	assert_fails(STATUS_NOT_FOUND, "tile.missing", tile_node_read(nodes, 0, SIZE, &hash));
	assert_fails(STATUS_NOT_FOUND, "tile.missing", tile_node_read(nodes, 62, 1, &hash));
	assert_fails(STATUS_NOT_FOUND, "tile.missing", tile_node_read(nodes, 64, 0, &hash));
}

static void
publishing_goes_on_where_it_ended_and_removes_outgrown_partials(void **) {
	static const uint64_t sizes[] = {1, 2, 255, 256, 257, 300, 511, 513, 1024, 65'535, 65'536, 65'537, 65'800};
	struct tree_frontier frontier = {};
	for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
		_cleanup_(tile_writer_close) struct tile_writer *writer = nullptr;
		assert_ok(tile_writer_open(io_system(), directory, &writer));
		assert_int_equal(i == 0 ? 0 : sizes[i - 1], tile_writer_size(writer));
		append_up_to(writer, &frontier, sizes[i]);
		publish(writer, &frontier);
		publish(writer, &frontier);
	}
	assert_false(exists("tile/0/000.p"));
	assert_false(exists("tile/entries/000.p"));
	assert_false(exists("tile/0/001.p"));
	assert_false(exists("tile/1/000.p"));
	assert_true(exists("tile/0/257.p/8"));
	assert_true(exists("tile/1/001.p/1"));
}

static void
a_head_that_the_tiles_do_not_lead_to_is_not_published(void **) {
	_cleanup_(tile_writer_close) struct tile_writer *writer = nullptr;
	struct tree_frontier frontier = {};
	assert_ok(tile_writer_open(io_system(), directory, &writer));
	append_up_to(writer, &frontier, 5);
	struct hash256 root = tree_frontier_root(&frontier);
	assert_fails(STATUS_CONFLICT, "tile.ahead", tile_writer_publish(writer, 4, &root));
	root.bytes[0] ^= 1;
	assert_fails(STATUS_CORRUPT, "tile.root", tile_writer_publish(writer, 5, &root));
	assert_false(exists("tiles.state"));
	publish(writer, &frontier);
	assert_true(exists("tiles.state"));
}

static void
damaged_newest_tiles_are_written_anew(void **) {
	static const char *const files[] = {"tile/0/001.p/4", "tile/1/000.p/1", "tile/entries/001.p/4", "tiles.state"};
	for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
		struct tree_frontier frontier = {};
		char path[PATH_MAX];
		snprintf(path, sizeof path, "%s/%s", directory, files[i]);
		for (int is_repair = 0; is_repair < 2; is_repair++) {
			_cleanup_(tile_writer_close) struct tile_writer *writer = nullptr;
			assert_ok(tile_writer_open(io_system(), directory, &writer));
			if (is_repair)
				assert_int_equal(0, tile_writer_size(writer));
			append_up_to(writer, &frontier, 260);
			publish(writer, &frontier);
			_cleanup_(buffer_free) struct buffer content = {};
			assert_ok(io_read_file(io_system(), path, 1 << 20, &content));
			if (is_repair)
				continue;
			content.data[content.len - 2] ^= 4;
			assert_ok(io_replace_file(io_system(), path, buffer_bytes(&content)));
		}
	}
}

#define IN_DIRECTORY(function) cmocka_unit_test_setup_teardown(function, make_directory, remove_directory)

/* 256 entries of 5,001 bytes, and 45 more: both bundles are large, and neither is a multiple of any block. */
static void
large_bundles_are_read_back_as_they_were_written(void **) {
	static uint8_t large[5001];
	struct tree_frontier frontier = {};
	_cleanup_(tile_writer_close) struct tile_writer *writer = nullptr;
	assert_ok(tile_writer_open(io_system(), directory, &writer));
	for (uint64_t i = 0; i < 301; i++) {
		memset(large, (int)(i & 0xff), sizeof large);
		struct hash256 leaf = tree_leaf_hash(BYTES_OF_ARRAY(large));
		assert_ok(tile_writer_append(writer, BYTES_OF_ARRAY(large), nullptr));
		assert_ok(tree_frontier_append(&frontier, &leaf));
	}
	publish(writer, &frontier);
	for (uint64_t index = 0; index < 2; index++) {
		_cleanup_(buffer_free) struct buffer bundle = {};
		struct tile_name name = {true, 0, index, index == 0 ? TILE_WIDTH : 45};
		assert_ok(tile_read_file(io_system(), directory, &name, &bundle));
		struct bytes left = buffer_bytes(&bundle), entry;
		for (unsigned i = 0; i < name.width; i++) {
			memset(large, (int)((index * TILE_WIDTH + i) & 0xff), sizeof large);
			assert_ok(tile_next_in_bundle(&left, &entry));
			assert_bytes(BYTES_OF_ARRAY(large), entry);
		}
		assert_int_equal(0, left.len);
	}
	tile_writer_close(&writer); /* and opening again checks them */
	assert_ok(tile_writer_open(io_system(), directory, &writer));
	assert_int_equal(301, tile_writer_size(writer));
}

RUN_TESTS(T(names_are_those_of_the_specification), T(bad_names_are_refused_by_name),
	  T(partial_widths_are_those_of_the_specification), T(bundles_are_read_back_and_damaged_ones_refused),
	  IN_DIRECTORY(the_tiles_of_a_size_are_those_of_the_specification),
	  IN_DIRECTORY(proofs_about_old_leaves_come_from_tiles),
	  IN_DIRECTORY(publishing_goes_on_where_it_ended_and_removes_outgrown_partials),
	  IN_DIRECTORY(a_head_that_the_tiles_do_not_lead_to_is_not_published),
	  IN_DIRECTORY(damaged_newest_tiles_are_written_anew),
	  IN_DIRECTORY(large_bundles_are_read_back_as_they_were_written))
