/* The root of an earlier tree, as its definition has it (RFC 6962 §2.1): what proofs are made and verified without. */
#ifndef GATEHOUSE_LEDGER_PROOF_TESTING_H
#define GATEHOUSE_LEDGER_PROOF_TESTING_H

#include "ledger/tree.h"

/* Of `count` leaves from `start` on, a multiple of the power of two that `count` is below or at. */
static inline struct hash256
root_of_leaves(const struct tree_reader *reader, uint64_t start, uint64_t count) {
	struct hash256 hash;
	uint64_t split = 1;
	unsigned level = 0;
	if (count == 0)
		return tree_empty_root();
	for (; split * 2 < count; split *= 2)
		level++;
	if (count == 1 || count == split * 2) { /* a whole subtree, which is a node */
		level += count > 1;
		assert_ok(reader->read(reader->context, level, start >> level, &hash));
		return hash;
	}
	struct hash256 left = root_of_leaves(reader, start, split);
	struct hash256 right = root_of_leaves(reader, start + split, count - split);
	return tree_node_hash(&left, &right);
}

#endif
