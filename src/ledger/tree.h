/*
 * The Merkle tree of the log: hashes, and the part of the tree that is kept in memory.
 *
 * leaf = SHA-256(0x00 ‖ entry), node = SHA-256(0x01 ‖ left ‖ right), the empty root = SHA-256(""). A perfect subtree is
 * addressed by (level, index): the hash of leaves [index·2^level, (index + 1)·2^level).
 *
 * struct tree_frontier is a value: the roots of the perfect subtrees that make up a tree of a given size. It is all that
 * appending needs, and small enough to stand in a snapshot.
 * struct tree keeps the frontier and the newest nodes of every level, so that each of the newest `window` leaves, and the
 * consistency from each of the newest `window` sizes, is proven from memory (ledger/proof.h) however large the log is; a
 * window of 65,536 leaves takes 4 MiB. Older nodes come from tiles (ledger/tile.h).
 *
 * Owner: the caller. Threads: one at a time. Source: RFC 6962 §2.1.
 */
#ifndef GATEHOUSE_LEDGER_TREE_H
#define GATEHOUSE_LEDGER_TREE_H

#include "crypto/hash.h"

constexpr unsigned TREE_LEVELS = 63;
constexpr uint64_t TREE_SIZE_MAX = INT64_MAX;
constexpr uint64_t TREE_WINDOW_DEFAULT = 65'536;

struct hash256 tree_empty_root(void);
struct hash256 tree_leaf_hash(struct bytes entry);
struct hash256 tree_node_hash(const struct hash256 *left, const struct hash256 *right);

/* roots[level] is meaningful where bit `level` of size is set; zero-initialised it is the empty tree. */
struct tree_frontier {
	uint64_t size;
	struct hash256 roots[TREE_LEVELS];
};

/* "tree.size" if the tree is full. */
enum status tree_frontier_append(struct tree_frontier *frontier, const struct hash256 *leaf);
struct hash256 tree_frontier_root(const struct tree_frontier *frontier);
/* The number of roots, and the roots from the largest subtree to the smallest: how a snapshot stores them. */
size_t tree_frontier_pack(const struct tree_frontier *frontier, struct hash256 roots[TREE_LEVELS]);
enum status tree_frontier_unpack(uint64_t size, const struct hash256 *roots, size_t count,
				 struct tree_frontier *frontier);

/* Gives the hash of a perfect subtree: STATUS_NOT_FOUND "tree.not_retained" if it has none. */
struct tree_reader {
	enum status (*read)(void *context, unsigned level, uint64_t index, struct hash256 *hash);
	void *context;
};

struct tree;

/* window: how many of the newest leaves stay provable from memory; rounded up to a power of two. */
enum status tree_create(struct tree **tree, uint64_t window);
void tree_destroy(struct tree **tree); /* a cleanup function */

uint64_t tree_size(const struct tree *tree);
struct hash256 tree_root(const struct tree *tree);
void tree_copy_frontier(const struct tree *tree, struct tree_frontier *frontier);

/* Begins again at this frontier; every leaf appended later can be proven from memory. */
void tree_restart(struct tree *tree, const struct tree_frontier *frontier);
enum status tree_append(struct tree *tree, const struct hash256 *leaf);

/* The nodes in memory; older ones from `older`, which may be null and must outlive the reader. */
struct tree_source {
	const struct tree *tree;
	const struct tree_reader *older;
};
enum status tree_read(void *source, unsigned level, uint64_t index, struct hash256 *hash);

static inline struct tree_reader
tree_reader_of(struct tree_source *source) {
	return (struct tree_reader){tree_read, source};
}

#endif
