#include "ledger/tree.h"

#include <stdbit.h>
#include <stdlib.h>

/* RFC 6962 §2.1: "the required separation of leaf and node hashes" */
constexpr uint8_t LEAF_PREFIX = 0x00;
constexpr uint8_t NODE_PREFIX = 0x01;

struct hash256
tree_empty_root(void) {
	return sha256((struct bytes){});
}

struct hash256
tree_leaf_hash(struct bytes entry) {
	return SHA256_PARTS(bytes_of(&LEAF_PREFIX, 1), entry);
}

struct hash256
tree_node_hash(const struct hash256 *left, const struct hash256 *right) {
	uint8_t node[1 + 2 * sizeof *left];
	node[0] = NODE_PREFIX;
	memcpy(node + 1, left, sizeof *left);
	memcpy(node + 1 + sizeof *left, right, sizeof *right);
	return sha256(BYTES_OF_ARRAY(node));
}

static enum status
check_room(uint64_t size) {
	return size < TREE_SIZE_MAX
		       ? OK
		       : fail(STATUS_TOO_LARGE, "tree.size: the tree is full at %llu leaves", (unsigned long long)size);
}

enum status
tree_frontier_append(struct tree_frontier *frontier, const struct hash256 *leaf) {
	TRY(check_room(frontier->size));
	struct hash256 node = *leaf;
	unsigned level = 0;
	for (; frontier->size >> level & 1; level++)
		node = tree_node_hash(&frontier->roots[level], &node);
	frontier->roots[level] = node;
	frontier->size++;
	return OK;
}

struct hash256
tree_frontier_root(const struct tree_frontier *frontier) {
	if (frontier->size == 0)
		return tree_empty_root();
	unsigned level = stdc_trailing_zeros(frontier->size);
	struct hash256 root = frontier->roots[level];
	for (level++; level < TREE_LEVELS; level++)
		if (frontier->size >> level & 1)
			root = tree_node_hash(&frontier->roots[level], &root);
	return root;
}

size_t
tree_frontier_pack(const struct tree_frontier *frontier, struct hash256 roots[TREE_LEVELS]) {
	size_t count = 0;
	for (unsigned level = TREE_LEVELS; level-- > 0;)
		if (frontier->size >> level & 1)
			roots[count++] = frontier->roots[level];
	return count;
}

enum status
tree_frontier_unpack(uint64_t size, const struct hash256 *roots, size_t count, struct tree_frontier *frontier) {
	if (size > TREE_SIZE_MAX || count != stdc_count_ones(size))
		return fail(STATUS_INVALID, "tree.frontier: %zu roots do not make up a tree of %llu leaves", count,
			    (unsigned long long)size);
	*frontier = (struct tree_frontier){.size = size};
	size_t next = 0;
	for (unsigned level = TREE_LEVELS; level-- > 0;)
		if (size >> level & 1)
			frontier->roots[level] = roots[next++];
	return OK;
}

/* The newest nodes of one level: those with index in [first, size >> level), each at index % capacity. */
struct tree_level {
	struct hash256 *ring;
	uint64_t capacity;
	uint64_t first;
};

struct tree {
	struct tree_frontier frontier;
	uint64_t window;
	struct tree_level levels[TREE_LEVELS];
	struct hash256 nodes[];
};

/*
 * A proof about one of the newest `window` leaves reads, at each level, at most the nodes that cover them and one to the
 * left: (window >> level) + 1. One more is kept for a level whose newest node was just added.
 */
static uint64_t
level_capacity(uint64_t window, unsigned level) {
	return (window >> level) + 2;
}

enum status
tree_create(struct tree **tree, uint64_t window) {
	if (window == 0 || window > UINT64_C(1) << 32)
		return fail(STATUS_INVALID, "tree.window: %llu leaves, expected 1 to 2^32", (unsigned long long)window);
	window = stdc_bit_ceil(window);
	uint64_t nodes = 0;
	for (unsigned level = 0; level < TREE_LEVELS; level++)
		nodes += level_capacity(window, level);
	/* calloc, so that pages of a small log are never touched */
	struct tree *created = calloc(1, sizeof *created + nodes * sizeof created->nodes[0]);
	TRY_ALLOC(created);
	created->window = window;
	struct hash256 *ring = created->nodes;
	for (unsigned level = 0; level < TREE_LEVELS; level++) {
		uint64_t capacity = level_capacity(window, level);
		created->levels[level] = (struct tree_level){.ring = ring, .capacity = capacity};
		ring += capacity;
	}
	*tree = created;
	return OK;
}

void
tree_destroy(struct tree **tree) {
	free(*tree);
	*tree = nullptr;
}

uint64_t
tree_size(const struct tree *tree) {
	return tree->frontier.size;
}

struct hash256
tree_root(const struct tree *tree) {
	return tree_frontier_root(&tree->frontier);
}

void
tree_copy_frontier(const struct tree *tree, struct tree_frontier *frontier) {
	*frontier = tree->frontier;
}

static void
keep_node(struct tree_level *level, uint64_t index, const struct hash256 *node) {
	level->ring[index % level->capacity] = *node;
	if (index - level->first >= level->capacity)
		level->first = index - level->capacity + 1;
}

void
tree_restart(struct tree *tree, const struct tree_frontier *frontier) {
	tree->frontier = *frontier;
	for (unsigned i = 0; i < TREE_LEVELS; i++) {
		struct tree_level *level = &tree->levels[i];
		uint64_t count = frontier->size >> i;
		level->first = count - (count & 1);
		if (count & 1)
			keep_node(level, count - 1, &frontier->roots[i]);
	}
}

enum status
tree_append(struct tree *tree, const struct hash256 *leaf) {
	struct tree_frontier *frontier = &tree->frontier;
	TRY(check_room(frontier->size));
	struct hash256 node = *leaf;
	unsigned level = 0;
	for (; frontier->size >> level & 1; level++) {
		keep_node(&tree->levels[level], frontier->size >> level, &node);
		node = tree_node_hash(&frontier->roots[level], &node);
	}
	keep_node(&tree->levels[level], frontier->size >> level, &node);
	frontier->roots[level] = node;
	frontier->size++;
	return OK;
}

static bool
is_kept(const struct tree *tree, unsigned level, uint64_t index) {
	return level < TREE_LEVELS && index >= tree->levels[level].first && index < tree->frontier.size >> level;
}

static const struct hash256 *
kept_node(const struct tree *tree, unsigned level, uint64_t index) {
	return &tree->levels[level].ring[index % tree->levels[level].capacity];
}

enum status
tree_read(void *source, unsigned level, uint64_t index, struct hash256 *hash) {
	const struct tree_source *from = source;
	if (is_kept(from->tree, level, index)) {
		*hash = *kept_node(from->tree, level, index);
		return OK;
	}
	if (from->older != nullptr)
		return from->older->read(from->older->context, level, index, hash);
	return fail(STATUS_NOT_FOUND, "tree.not_retained: level %u, index %llu is not in memory", level,
		    (unsigned long long)index);
}
