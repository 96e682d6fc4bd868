#include "tests/test.h"
#include "ledger/proof.h"
#include "ledger/proof_testing.h"

/* The eight inputs of the certificate transparency reference tests. */
static const struct bytes INPUTS[] = {
	BYTES_OF_LITERAL(""),
	BYTES_OF_LITERAL("\x00"),
	BYTES_OF_LITERAL("\x10"),
	BYTES_OF_LITERAL("\x20\x21"),
	BYTES_OF_LITERAL("\x30\x31"),
	BYTES_OF_LITERAL("\x40\x41\x42\x43"),
	BYTES_OF_LITERAL("\x50\x51\x52\x53\x54\x55\x56\x57"),
	BYTES_OF_LITERAL("\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f"),
};

static void
assert_hash(const char *expected, struct hash256 hash) {
	char text[65];
	hex_encode(hash256_bytes(&hash), text);
	assert_string_equal(expected, text);
}

static void
roots_are_those_of_the_reference_tests(void **) {
	static const char *const roots[] = {
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	};
	struct tree_frontier frontier = {};
	assert_hash(roots[0], tree_frontier_root(&frontier));
	for (size_t i = 0; i < ARRAY_LENGTH(INPUTS); i++) {
		struct hash256 leaf = tree_leaf_hash(INPUTS[i]);
		assert_ok(tree_frontier_append(&frontier, &leaf));
		assert_hash(roots[i + 1], tree_frontier_root(&frontier));
	}
}

static struct hash256
leaf_of(uint64_t number) {
	uint8_t bytes[8];
	store_u64be(bytes, number);
	return tree_leaf_hash(BYTES_OF_ARRAY(bytes));
}

/* RFC 6962 §2.1 as it is written. */
static struct hash256
root_by_definition(uint64_t start, uint64_t end) {
	if (end == start)
		return tree_empty_root();
	if (end - start == 1)
		return leaf_of(start);
	uint64_t split = 1;
	while (split * 2 < end - start)
		split *= 2;
	struct hash256 left = root_by_definition(start, start + split), right = root_by_definition(start + split, end);
	return tree_node_hash(&left, &right);
}

static void
the_root_is_that_of_the_definition(void **) {
	struct tree_frontier frontier = {};
	_cleanup_(tree_destroy) struct tree *tree = nullptr;
	assert_ok(tree_create(&tree, 4));
	for (uint64_t size = 0; size < 130; size++) {
		struct hash256 expected = root_by_definition(0, size);
		struct hash256 of_frontier = tree_frontier_root(&frontier), of_tree = tree_root(tree);
		assert_memory_equal(&expected, &of_frontier, sizeof expected);
		assert_memory_equal(&expected, &of_tree, sizeof expected);
		struct hash256 leaf = leaf_of(size);
		assert_ok(tree_frontier_append(&frontier, &leaf));
		assert_ok(tree_append(tree, &leaf));
	}
}

static void
a_packed_frontier_goes_on_where_it_was(void **) {
	struct tree_frontier frontier = {};
	for (uint64_t size = 0; size < 70; size++) {
		struct hash256 roots[TREE_LEVELS];
		size_t count = tree_frontier_pack(&frontier, roots);
		struct tree_frontier again;
		assert_ok(tree_frontier_unpack(size, roots, count, &again));
		struct hash256 leaf = leaf_of(size), expected = root_by_definition(0, size + 1);
		assert_ok(tree_frontier_append(&again, &leaf));
		struct hash256 root = tree_frontier_root(&again);
		assert_memory_equal(&expected, &root, sizeof root);
		assert_fails(STATUS_INVALID, "tree.frontier", tree_frontier_unpack(size, roots, count + 1, &again));
		assert_ok(tree_frontier_append(&frontier, &leaf));
	}
}

static void
assert_newest_leaves_are_provable(const struct tree *tree, uint64_t from) {
	struct tree_source source = {tree, nullptr};
	struct tree_reader reader = tree_reader_of(&source);
	uint64_t size = tree_size(tree);
	struct hash256 root = tree_root(tree);
	for (uint64_t index = from; index < size; index++) {
		struct proof proof;
		struct hash256 leaf = leaf_of(index), old_root = root_by_definition(0, index + 1);
		assert_ok(proof_make_inclusion(&reader, index, size, &proof));
		assert_ok(proof_verify_inclusion(&leaf, index, size, proof.hashes, proof.count, &root));
		assert_ok(proof_make_inclusion(&reader, index, index + 1, &proof));
		assert_ok(proof_verify_inclusion(&leaf, index, index + 1, proof.hashes, proof.count, &old_root));
		assert_ok(proof_make_consistency(&reader, index + 1, size, &proof));
		assert_ok(proof_verify_consistency(index + 1, &old_root, size, &root, proof.hashes, proof.count));
	}
}

static void
the_newest_window_is_proven_from_memory_at_every_size(void **) {
	for (uint64_t window = 1; window <= 16; window *= 2) {
		_cleanup_(tree_destroy) struct tree *tree = nullptr;
		assert_ok(tree_create(&tree, window));
		for (uint64_t size = 1; size < 150; size++) {
			struct hash256 leaf = leaf_of(size - 1);
			assert_ok(tree_append(tree, &leaf));
			assert_newest_leaves_are_provable(tree, size > window ? size - window : 0);
		}
	}
}

static void
after_a_restart_every_later_leaf_is_proven_from_memory(void **) {
	_cleanup_(tree_destroy) struct tree *tree = nullptr;
	assert_ok(tree_create(&tree, 64));
	struct tree_frontier frontier = {};
	for (uint64_t restart = 0; restart < 70; restart++) {
		tree_restart(tree, &frontier);
		for (uint64_t size = restart; size < restart + 40; size++) {
			struct hash256 leaf = leaf_of(size);
			assert_ok(tree_append(tree, &leaf));
		}
		assert_newest_leaves_are_provable(tree, restart);
		struct hash256 leaf = leaf_of(restart);
		assert_ok(tree_frontier_append(&frontier, &leaf));
	}
}

static enum status
read_by_definition(void *, unsigned level, uint64_t index, struct hash256 *hash) {
	*hash = root_by_definition(index << level, (index + 1) << level);
	return OK;
}

static void
older_nodes_come_from_the_older_reader(void **) {
	_cleanup_(tree_destroy) struct tree *tree = nullptr;
	assert_ok(tree_create(&tree, 2));
	for (uint64_t i = 0; i < 77; i++) {
		struct hash256 leaf = leaf_of(i);
		assert_ok(tree_append(tree, &leaf));
	}
	struct tree_source alone = {tree, nullptr};
	struct hash256 hash;
	assert_fails(STATUS_NOT_FOUND, "tree.not_retained", tree_read(&alone, 0, 3, &hash));
	assert_fails(STATUS_NOT_FOUND, "tree.not_retained", tree_read(&alone, 0, 77, &hash));
	assert_fails(STATUS_NOT_FOUND, "tree.not_retained", tree_read(&alone, 63, 0, &hash));
	struct tree_reader older = {read_by_definition, nullptr};
	struct tree_source source = {tree, &older};
	struct tree_reader reader = tree_reader_of(&source);
	struct hash256 root = tree_root(tree);
	for (uint64_t index = 0; index < 77; index++) {
		struct proof proof;
		struct hash256 leaf = leaf_of(index), old_root;
		assert_ok(proof_make_inclusion(&reader, index, 77, &proof));
		assert_ok(proof_verify_inclusion(&leaf, index, 77, proof.hashes, proof.count, &root));
		old_root = root_of_leaves(&reader, 0, index + 1);
		assert_ok(proof_make_consistency(&reader, index + 1, 77, &proof));
		assert_ok(proof_verify_consistency(index + 1, &old_root, 77, &root, proof.hashes, proof.count));
	}
}

static void
a_full_tree_takes_no_leaf(void **) {
	struct tree_frontier frontier = {.size = TREE_SIZE_MAX};
	struct hash256 leaf = leaf_of(0);
	assert_fails(STATUS_TOO_LARGE, "tree.size", tree_frontier_append(&frontier, &leaf));
	_cleanup_(tree_destroy) struct tree *tree = nullptr;
	assert_fails(STATUS_INVALID, "tree.window", tree_create(&tree, 0));
	assert_ok(tree_create(&tree, 1));
	tree_restart(tree, &frontier);
	assert_fails(STATUS_TOO_LARGE, "tree.size", tree_append(tree, &leaf));
}

RUN_TESTS(T(roots_are_those_of_the_reference_tests), T(the_root_is_that_of_the_definition),
	  T(a_packed_frontier_goes_on_where_it_was), T(the_newest_window_is_proven_from_memory_at_every_size),
	  T(after_a_restart_every_later_leaf_is_proven_from_memory), T(older_nodes_come_from_the_older_reader),
	  T(a_full_tree_takes_no_leaf))
