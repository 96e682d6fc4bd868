/*
 * Inclusion and consistency proofs: made from a tree_reader, and verified.
 *
 * A proof is a list of hashes, the sibling of the leaf first. A subtree [start, end) is valid where start is a multiple of
 * the smallest power of two that is at least end − start, or where it is empty.
 * Errors: STATUS_INVALID "proof.range" for an index or size that cannot be; STATUS_UNAUTHORIZED "proof.length" or
 * "proof.root" where a proof does not prove. Threads: pure functions.
 * Source: RFC 6962 §2.1.1, §2.1.2; verification RFC 9162 §2.1.3.2, §2.1.4.2, and its extension to subtrees in
 * draft-ietf-plants-merkle-tree-certs §4.
 */
#ifndef GATEHOUSE_LEDGER_PROOF_H
#define GATEHOUSE_LEDGER_PROOF_H

#include "base/cursor.h"
#include "ledger/tree.h"

constexpr size_t PROOF_LENGTH_MAX = 64;

struct proof {
	size_t count;
	struct hash256 hashes[PROOF_LENGTH_MAX];
};

/* That leaf `index` is in the tree of `size`. */
enum status proof_make_inclusion(const struct tree_reader *reader, uint64_t index, uint64_t size, struct proof *proof);
/* That the tree of `size` begins with the tree of `old_size`; empty for 0 and for equal sizes. */
enum status proof_make_consistency(const struct tree_reader *reader, uint64_t old_size, uint64_t size,
				   struct proof *proof);

enum status proof_verify_inclusion(const struct hash256 *leaf, uint64_t index, uint64_t size,
				   const struct hash256 *hashes, size_t count, const struct hash256 *root);
/* "proof.range" for old_size 0: every tree begins with the empty one, so nothing would be proven. */
enum status proof_verify_consistency(uint64_t old_size, const struct hash256 *old_root, uint64_t size,
				     const struct hash256 *root, const struct hash256 *hashes, size_t count);

bool proof_is_subtree(uint64_t start, uint64_t end);
enum status proof_verify_subtree_inclusion(const struct hash256 *leaf, uint64_t index, uint64_t start, uint64_t end,
					   const struct hash256 *hashes, size_t count, const struct hash256 *subtree);
enum status proof_verify_subtree_consistency(uint64_t start, uint64_t end, const struct hash256 *subtree, uint64_t size,
					     const struct hash256 *root, const struct hash256 *hashes, size_t count);

/* As text, in receipts and requests to witnesses: a line of base64 for each hash; an empty line ends them. */
void proof_append_lines(struct buffer *to, const struct proof *proof);
/* Reads them and the empty line. Every error has the name `field`. */
enum status proof_parse_lines(struct cursor *cursor, const char *field, struct proof *proof);

#endif
