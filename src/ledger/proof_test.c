#include "tests/test.h"
#include "ledger/proof.h"
#include "tests/corpora.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <yyjson.h>

enum { LEAVES = 40 };

static struct hash256
leaf_of(uint64_t number) {
	uint8_t bytes[8];
	store_u64be(bytes, number);
	return tree_leaf_hash(BYTES_OF_ARRAY(bytes));
}

static struct hash256
root_of(uint64_t start, uint64_t end) {
	if (end == start)
		return tree_empty_root();
	if (end - start == 1)
		return leaf_of(start);
	uint64_t split = 1;
	while (split * 2 < end - start)
		split *= 2;
	struct hash256 left = root_of(start, start + split), right = root_of(start + split, end);
	return tree_node_hash(&left, &right);
}

static enum status
read_by_definition(void *, unsigned level, uint64_t index, struct hash256 *hash) {
	*hash = root_of(index << level, (index + 1) << level);
	return OK;
}

static const struct tree_reader READER = {read_by_definition, nullptr};

static void
every_inclusion_is_proven_and_no_other_leaf_or_size(void **) {
	for (uint64_t size = 1; size <= LEAVES; size++) {
		struct hash256 root = root_of(0, size);
		for (uint64_t index = 0; index < size; index++) {
			struct proof proof;
			assert_ok(proof_make_inclusion(&READER, index, size, &proof));
			for (uint64_t claimed = 0; claimed < LEAVES + 2; claimed++) {
				struct hash256 leaf = leaf_of(index);
				enum status status =
					proof_verify_inclusion(&leaf, claimed, size, proof.hashes, proof.count, &root);
				assert_true((status == OK) == (claimed == index));
				leaf = leaf_of(claimed);
				status = proof_verify_inclusion(&leaf, index, size, proof.hashes, proof.count, &root);
				assert_true((status == OK) == (claimed == index));
			}
		}
	}
}

static void
every_consistency_is_proven_and_no_other_size(void **) {
	for (uint64_t size = 1; size <= LEAVES; size++) {
		struct hash256 root = root_of(0, size);
		for (uint64_t old_size = 1; old_size <= size; old_size++) {
			struct hash256 old_root = root_of(0, old_size);
			struct proof proof;
			assert_ok(proof_make_consistency(&READER, old_size, size, &proof));
			for (uint64_t claimed = 1; claimed <= size; claimed++) {
				struct hash256 claimed_root = root_of(0, claimed);
				enum status status = proof_verify_consistency(claimed, &claimed_root, size, &root,
									      proof.hashes, proof.count);
				if (claimed == old_size)
					assert_ok(status);
				/* Sizes that share their proof are consistent too; another root at this size never is. */
				if (claimed != old_size)
					assert_true(proof_verify_consistency(old_size, &claimed_root, size, &root,
									     proof.hashes, proof.count) != OK);
			}
			assert_true(old_size == size || proof.count > 0);
			if (proof.count > 0)
				assert_true(proof_verify_consistency(old_size, &old_root, size, &root, proof.hashes,
								     proof.count - 1) != OK);
			proof.hashes[proof.count] = root;
			assert_true(proof_verify_consistency(old_size, &old_root, size, &root, proof.hashes,
							     proof.count + 1) != OK);
		}
	}
}

static void
every_flipped_bit_of_a_proof_is_refused(void **) {
	enum { SIZE = 13, INDEX = 6, OLD = 7 };
	struct hash256 root = root_of(0, SIZE), old_root = root_of(0, OLD), leaf = leaf_of(INDEX);
	struct proof inclusion, consistency;
	assert_ok(proof_make_inclusion(&READER, INDEX, SIZE, &inclusion));
	assert_ok(proof_make_consistency(&READER, OLD, SIZE, &consistency));
	for (size_t bit = 0; bit < 256 * inclusion.count; bit++) {
		struct proof flipped = inclusion;
		flipped.hashes[bit / 256].bytes[bit % 256 / 8] ^= (uint8_t)(1 << bit % 8);
		assert_fails(STATUS_UNAUTHORIZED, "proof.root",
			     proof_verify_inclusion(&leaf, INDEX, SIZE, flipped.hashes, flipped.count, &root));
	}
	for (size_t bit = 0; bit < 256 * consistency.count; bit++) {
		struct proof flipped = consistency;
		flipped.hashes[bit / 256].bytes[bit % 256 / 8] ^= (uint8_t)(1 << bit % 8);
		assert_fails(STATUS_UNAUTHORIZED, "proof.root",
			     proof_verify_consistency(OLD, &old_root, SIZE, &root, flipped.hashes, flipped.count));
	}
}

static void
impossible_ranges_are_refused_by_name(void **) {
	struct proof proof = {};
	struct hash256 hash = root_of(0, 3);
	assert_fails(STATUS_INVALID, "proof.range", proof_make_inclusion(&READER, 3, 3, &proof));
	assert_fails(STATUS_INVALID, "proof.range", proof_make_inclusion(&READER, 0, UINT64_MAX, &proof));
	assert_fails(STATUS_INVALID, "proof.range", proof_make_consistency(&READER, 4, 3, &proof));
	assert_fails(STATUS_INVALID, "proof.range", proof_verify_inclusion(&hash, 3, 3, nullptr, 0, &hash));
	assert_fails(STATUS_INVALID, "proof.range", proof_verify_inclusion(&hash, 0, 0, nullptr, 0, &hash));
	assert_fails(STATUS_INVALID, "proof.range", proof_verify_consistency(0, &hash, 3, &hash, nullptr, 0));
	assert_fails(STATUS_INVALID, "proof.range", proof_verify_consistency(4, &hash, 3, &hash, nullptr, 0));
	assert_fails(STATUS_INVALID, "proof.range", proof_verify_subtree_inclusion(&hash, 2, 1, 3, nullptr, 0, &hash));
	assert_fails(STATUS_INVALID, "proof.range",
		     proof_verify_subtree_consistency(2, 5, &hash, 8, &hash, nullptr, 0));
	assert_fails(STATUS_UNAUTHORIZED, "proof.length", proof_verify_inclusion(&hash, 0, 2, nullptr, 0, &hash));
	assert_fails(STATUS_UNAUTHORIZED, "proof.length", proof_verify_consistency(1, &hash, 3, &hash, nullptr, 0));
}

/* --- The public suite: transparency-dev/merkle testdata --- */

static struct hash256
decode_hash(yyjson_val *text) {
	uint8_t bytes[256];
	size_t len = 0;
	assert_ok(base64_decode(bytes_of(yyjson_get_str(text), yyjson_get_len(text)), bytes, sizeof bytes, &len));
	/* Hashes of other lengths occur as fillers ("don't care"): any injective stand-in keeps what the case says. */
	if (len != sizeof(struct hash256))
		return SHA256_PARTS(BYTES_OF_LITERAL("stand-in"), bytes_of(bytes, len));
	struct hash256 hash;
	memcpy(&hash, bytes, sizeof hash);
	return hash;
}

struct test_case {
	struct hash256 leaf, root, root1, root2;
	uint64_t index, size, size1, size2, start, end;
	struct proof proof;
	bool has_whole_leaf, is_error;
};

static uint64_t
number(yyjson_val *object, const char *key) {
	return yyjson_get_uint(yyjson_obj_get(object, key));
}

static struct hash256
hash(yyjson_val *object, const char *key) {
	yyjson_val *text = yyjson_obj_get(object, key);
	return text == nullptr ? (struct hash256){} : decode_hash(text);
}

static struct test_case
load(const char *path) {
	yyjson_doc *document = yyjson_read_file(path, 0, nullptr, nullptr);
	assert_non_null(document);
	yyjson_val *object = yyjson_doc_get_root(document), *proof = yyjson_obj_get(object, "proof");
	assert_non_null(yyjson_obj_get(object, "wantErr"));
	struct test_case loaded = {
		.leaf = hash(object, "leafHash"),
		.root = hash(object, "root"),
		.root1 = hash(object, "root1"),
		.root2 = hash(object, "root2"),
		.index = number(object, "leafIdx"),
		.size = yyjson_obj_get(object, "treeSize") != nullptr ? number(object, "treeSize")
								      : number(object, "size"),
		.size1 = number(object, "size1"),
		.size2 = number(object, "size2"),
		.start = number(object, "start"),
		.end = number(object, "end"),
		.has_whole_leaf =
			yyjson_get_len(yyjson_obj_get(object, "leafHash")) == BASE64_LENGTH(sizeof(struct hash256)),
		.is_error = yyjson_get_bool(yyjson_obj_get(object, "wantErr")),
	};
	size_t count = yyjson_arr_size(proof);
	assert_true(count <= PROOF_LENGTH_MAX);
	for (size_t i = 0; i < count; i++)
		loaded.proof.hashes[loaded.proof.count++] = decode_hash(yyjson_arr_get(proof, i));
	yyjson_doc_free(document);
	return loaded;
}

static enum status
check_inclusion(const struct test_case *c) {
	if (!c->has_whole_leaf)
		return STATUS_INVALID; /* a leaf hash of another length: the type does not admit it */
	return proof_verify_inclusion(&c->leaf, c->index, c->size, c->proof.hashes, c->proof.count, &c->root);
}

static enum status
check_consistency(const struct test_case *c) {
	return proof_verify_consistency(c->size1, &c->root1, c->size2, &c->root2, c->proof.hashes, c->proof.count);
}

static enum status
check_subtree_inclusion(const struct test_case *c) {
	if (!c->has_whole_leaf)
		return STATUS_INVALID;
	return proof_verify_subtree_inclusion(&c->leaf, c->index, c->start, c->end, c->proof.hashes, c->proof.count,
					      &c->root);
}

static enum status
check_subtree_consistency(const struct test_case *c) {
	return proof_verify_subtree_consistency(c->start, c->end, &c->root1, c->size, &c->root2, c->proof.hashes,
						c->proof.count);
}

static size_t
run_folder(const char *folder, enum status (*check)(const struct test_case *)) {
	DIR *directory = opendir(folder);
	if (directory == nullptr)
		fail_msg("%s is missing from the public test data", folder);
	size_t count = 0;
	for (struct dirent *entry; (entry = readdir(directory)) != nullptr;) {
		char path[PATH_MAX];
		snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
		if (entry->d_name[0] == '.')
			continue;
		size_t len = strlen(entry->d_name);
		if (len < 5 || strcmp(entry->d_name + len - 5, ".json") != 0) {
			count += run_folder(path, check);
			continue;
		}
		struct test_case loaded = load(path);
		enum status status = check(&loaded);
		if ((status != OK) != loaded.is_error)
			fail_msg("%s: got %s, %s", path, status_name(status), status == OK ? "" : fail_message());
		count++;
	}
	closedir(directory);
	return count;
}

static void
the_public_proof_suite_is_decided_alike(void **) {
	static const struct {
		const char *folder;
		enum status (*check)(const struct test_case *);
		size_t expected;
	} suites[] = {
		{"inclusion", check_inclusion, 98},
		{"consistency", check_consistency, 98},
		{"subtreeinclusion", check_subtree_inclusion, 204},
		{"subtreeconsistency", check_subtree_consistency, 118},
	};
	corpora_need("merkle");
	size_t total = 0;
	for (size_t i = 0; i < ARRAY_LENGTH(suites); i++) {
		char folder[PATH_MAX];
		snprintf(folder, sizeof folder, "%s/merkle/testdata/%s", test_corpora(), suites[i].folder);
		size_t count = run_folder(folder, suites[i].check);
		print_message("merkle/%s: %zu cases\n", suites[i].folder, count);
		assert_int_equal(suites[i].expected, count);
		total += count;
	}
	assert_int_equal(518, total);
}

RUN_TESTS(T(every_inclusion_is_proven_and_no_other_leaf_or_size), T(every_consistency_is_proven_and_no_other_size),
	  T(every_flipped_bit_of_a_proof_is_refused), T(impossible_ranges_are_refused_by_name),
	  T(the_public_proof_suite_is_decided_alike))
