#include "ledger/proof.h"

#include <stdbit.h>

typedef unsigned long long ull;

static enum status
add_hash(struct proof *proof, const struct hash256 *hash) {
	if (proof->count == PROOF_LENGTH_MAX)
		return fail(STATUS_INTERNAL, "proof.length: more than %zu hashes", PROOF_LENGTH_MAX);
	proof->hashes[proof->count++] = *hash;
	return OK;
}

/* The root of leaves [start, end), where start is a multiple of a power of two that is at least end − start. */
static enum status
range_root(const struct tree_reader *reader, uint64_t start, uint64_t end, struct hash256 *root) {
	uint64_t left = end - start;
	bool is_first = true;
	for (unsigned level = 0; left != 0; level++) {
		if (!(left >> level & 1))
			continue;
		left &= ~(UINT64_C(1) << level);
		struct hash256 node;
		TRY(reader->read(reader->context, level, (end >> level) - 1, &node));
		*root = is_first ? node : tree_node_hash(&node, root);
		is_first = false;
	}
	return OK;
}

/* The siblings on the way from a perfect subtree up to the root of the tree of `size`. */
static enum status
add_path(const struct tree_reader *reader, unsigned level, uint64_t index, uint64_t size, struct proof *proof) {
	for (; level < TREE_LEVELS && UINT64_C(1) << level < size; level++, index >>= 1) {
		uint64_t sibling = index ^ 1, start = sibling << level;
		struct hash256 hash;
		if (start >= size)
			continue; /* the rightmost node has no sibling and rises as it is */
		if (size - start >= UINT64_C(1) << level)
			TRY(reader->read(reader->context, level, sibling, &hash));
		else
			TRY(range_root(reader, start, size, &hash));
		TRY(add_hash(proof, &hash));
	}
	return OK;
}

enum status
proof_make_inclusion(const struct tree_reader *reader, uint64_t index, uint64_t size, struct proof *proof) {
	if (size > TREE_SIZE_MAX || index >= size)
		return fail(STATUS_INVALID, "proof.range: leaf %llu of a tree of %llu", (ull)index, (ull)size);
	proof->count = 0;
	return add_path(reader, 0, index, size, proof);
}

enum status
proof_make_consistency(const struct tree_reader *reader, uint64_t old_size, uint64_t size, struct proof *proof) {
	if (size > TREE_SIZE_MAX || old_size > size)
		return fail(STATUS_INVALID, "proof.range: from %llu leaves to %llu", (ull)old_size, (ull)size);
	proof->count = 0;
	if (old_size == 0 || old_size == size)
		return OK;
	/* It is the path of the old tree's last perfect subtree, led by that subtree unless it is the whole old tree. */
	unsigned level = stdc_trailing_zeros(old_size);
	uint64_t index = (old_size >> level) - 1;
	if (index != 0) {
		struct hash256 hash;
		TRY(reader->read(reader->context, level, index, &hash));
		TRY(add_hash(proof, &hash));
	}
	return add_path(reader, level, index, size, proof);
}

static enum status
fail_length(size_t count) {
	return fail(STATUS_UNAUTHORIZED, "proof.length: %zu hashes are not the length of this proof", count);
}

static enum status
check_root(const struct hash256 *proven, const struct hash256 *expected) {
	if (hash256_equal(proven, expected))
		return OK;
	char found[65], wanted[65];
	hex_encode(hash256_bytes(proven), found);
	hex_encode(hash256_bytes(expected), wanted);
	return fail(STATUS_UNAUTHORIZED, "proof.root: the proof leads to %s, expected %s", found, wanted);
}

bool
proof_is_subtree(uint64_t start, uint64_t end) {
	if (start >= end)
		return start == end;
	uint64_t len = end - start;
	if (len > UINT64_C(1) << 63)
		return start == 0;
	return (start & (stdc_bit_ceil(len) - 1)) == 0;
}

/* RFC 9162 §2.1.3.2; a subtree is a tree of its own, its leaves counted from its start. */
enum status
proof_verify_subtree_inclusion(const struct hash256 *leaf, uint64_t index, uint64_t start, uint64_t end,
			       const struct hash256 *hashes, size_t count, const struct hash256 *subtree) {
	if (!proof_is_subtree(start, end) || index < start || index >= end)
		return fail(STATUS_INVALID, "proof.range: leaf %llu of leaves %llu to %llu", (ull)index, (ull)start,
			    (ull)end);
	uint64_t fn = index - start, sn = end - start - 1;
	struct hash256 root = *leaf;
	for (size_t i = 0; i < count; i++) {
		if (sn == 0)
			return fail_length(count);
		if ((fn & 1) || fn == sn) {
			root = tree_node_hash(&hashes[i], &root);
			while (!(fn & 1) && fn != 0) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			root = tree_node_hash(&root, &hashes[i]);
		}
		fn >>= 1;
		sn >>= 1;
	}
	if (sn != 0)
		return fail_length(count);
	return check_root(&root, subtree);
}

enum status
proof_verify_inclusion(const struct hash256 *leaf, uint64_t index, uint64_t size, const struct hash256 *hashes,
		       size_t count, const struct hash256 *root) {
	return proof_verify_subtree_inclusion(leaf, index, 0, size, hashes, count, root);
}

static enum status
verify_empty_subtree(const struct hash256 *subtree, size_t count) {
	if (count != 0)
		return fail_length(count);
	struct hash256 empty = tree_empty_root();
	return check_root(&empty, subtree);
}

/*
 * RFC 9162 §2.1.4.2 with a first leaf `fn` besides the last of the subtree, `sn`, and of the tree, `tn`: `fr` rebuilds the
 * subtree, `sr` the tree.
 */
enum status
proof_verify_subtree_consistency(uint64_t start, uint64_t end, const struct hash256 *subtree, uint64_t size,
				 const struct hash256 *root, const struct hash256 *hashes, size_t count) {
	if (!proof_is_subtree(start, end) || end > size)
		return fail(STATUS_INVALID, "proof.range: leaves %llu to %llu of a tree of %llu", (ull)start, (ull)end,
			    (ull)size);
	if (start == end)
		return verify_empty_subtree(subtree, count);
	uint64_t fn = start, sn = end - 1, tn = size - 1;
	/* Up to the last node of the subtree that the tree holds as it is. */
	bool ends_together = sn == tn;
	while (fn != sn && (ends_together || (sn & 1))) {
		fn >>= 1;
		sn >>= 1;
		tn >>= 1;
	}
	size_t next = 0;
	struct hash256 fr = *subtree, sr = *subtree;
	if (fn != sn) {
		if (count == 0)
			return fail_length(count);
		fr = sr = hashes[next++];
	}
	for (; next < count; next++) {
		if (tn == 0)
			return fail_length(count);
		if ((sn & 1) || sn == tn) {
			if (fn < sn)
				fr = tree_node_hash(&hashes[next], &fr);
			sr = tree_node_hash(&hashes[next], &sr);
			while (!(sn & 1)) { /* ends: sn == tn and tn != 0 */
				fn >>= 1;
				sn >>= 1;
				tn >>= 1;
			}
		} else {
			sr = tree_node_hash(&sr, &hashes[next]);
		}
		fn >>= 1;
		sn >>= 1;
		tn >>= 1;
	}
	if (tn != 0)
		return fail_length(count);
	TRY(check_root(&fr, subtree));
	return check_root(&sr, root);
}

enum status
proof_verify_consistency(uint64_t old_size, const struct hash256 *old_root, uint64_t size, const struct hash256 *root,
			 const struct hash256 *hashes, size_t count) {
	if (old_size == 0)
		return fail(STATUS_INVALID, "proof.range: consistency with an empty tree proves nothing");
	return proof_verify_subtree_consistency(0, old_size, old_root, size, root, hashes, count);
}

void
proof_append_lines(struct buffer *to, const struct proof *proof) {
	for (size_t i = 0; i < proof->count; i++) {
		buffer_append_base64(to, hash256_bytes(&proof->hashes[i]));
		buffer_append_byte(to, '\n');
	}
}

enum status
proof_parse_lines(struct cursor *cursor, const char *field, struct proof *proof) {
	for (proof->count = 0;;) {
		struct bytes line;
		TRY(cursor_until(cursor, field, '\n', &line));
		if (line.len == 0)
			return OK;
		if (proof->count == PROOF_LENGTH_MAX)
			return fail(STATUS_INVALID, "%s: more than %zu hashes", field, PROOF_LENGTH_MAX);
		struct hash256 *hash = &proof->hashes[proof->count++];
		size_t len;
		if (base64_decode(line, hash->bytes, sizeof hash->bytes, &len) != OK || len != sizeof hash->bytes)
			return fail(STATUS_INVALID, "%s: hash %zu is not base64 of 32 bytes", field, proof->count);
	}
}
