#include "tests/independent.h"
#include "tests/log_keys.h"
#include "tests/remove_tree.h"
#include "ledger/head.h"
#include "ledger/receipt.h"
#include "ledger/tile_writer.h"
#include "ledger/witness.h"

#include <limits.h>
#include <unistd.h>

static const char ORIGIN[] = "gate.example/keeper1";
enum { SIZE = 700, OLD_SIZE = 300, INDEX = 513 };

/* A published log of 700 entries, its checkpoint, a receipt, and a witness's keys; as files. */
static struct fixture {
	char directory[64];
	uint8_t seed[32], witness_seed[32];
	struct mldsa44_private *mldsa44, *witness_mldsa44;
	struct head_keys keys;
	struct cosigner witness;
	struct head head, old_head;
	struct buffer checkpoint, receipt, entry;
} f;

static const char *
path_of(const char *name) {
	static char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/%s", f.directory, name);
	return path;
}

static void
write_file(const char *name, struct bytes content) {
	assert_ok(io_replace_file(io_system(), path_of(name), content));
}

static struct bytes
entry_of(uint64_t number, char *text) {
	return bytes_of(text, (size_t)sprintf(text, "{\"at\":1,\"body\":{\"n\":%llu}}", (unsigned long long)number));
}

static void
make_keys(void) {
	log_keys_make(f.seed, ORIGIN, &f.mldsa44, &f.keys);
	log_witness_make(f.witness_seed, &f.witness_mldsa44, &f.witness);
}

static void
publish_log(struct tree *tree) {
	_cleanup_(tile_writer_close) struct tile_writer *writer = nullptr;
	char text[64];
	assert_ok(tile_writer_open(io_system(), f.directory, &writer));
	for (uint64_t i = 0; i < SIZE; i++) {
		struct bytes entry = entry_of(i, text);
		struct hash256 leaf = tree_leaf_hash(entry);
		assert_ok(tile_writer_append(writer, entry, nullptr));
		assert_ok(tree_append(tree, &leaf));
		if (i + 1 == OLD_SIZE)
			f.old_head = (struct head){OLD_SIZE, tree_root(tree)};
	}
	f.head = (struct head){SIZE, tree_root(tree)};
	assert_ok(tile_writer_publish(writer, SIZE, &f.head.root));
}

static void
sign_checkpoint(void) {
	struct head_signer signer = {&f.keys, f.seed, f.mldsa44};
	struct head_signatures signatures;
	_cleanup_(buffer_free) struct buffer text = {};
	struct checkpoint checkpoint;
	assert_ok(head_sign(&signer, &f.head, 1'763'715'600, &signatures));
	head_format(&f.checkpoint, &f.keys, &f.head, &signatures);
	checkpoint_format(&text, bytes_of_text(ORIGIN), f.head.size, &f.head.root);
	assert_ok(checkpoint_parse(buffer_bytes(&text), &checkpoint));
	assert_ok(cosigner_sign(&f.witness, buffer_bytes(&text), &checkpoint, 1'763'715'601, &f.checkpoint));
	write_file("checkpoint", buffer_bytes(&f.checkpoint));
}

static int
make_fixture(void **) {
	f = (struct fixture){.directory = "/tmp/gatehouse-independent-XXXXXX", .seed = {1}, .witness_seed = {2}};
	assert_non_null(mkdtemp(f.directory));
	_cleanup_(tree_destroy) struct tree *tree = nullptr;
	assert_ok(tree_create(&tree, 1024));
	make_keys();
	publish_log(tree);
	sign_checkpoint();
	struct tree_source source = {tree, nullptr};
	struct tree_reader reader = tree_reader_of(&source);
	struct proof proof;
	char text[64];
	assert_ok(proof_make_inclusion(&reader, INDEX, SIZE, &proof));
	buffer_append_bytes(&f.entry, entry_of(INDEX, text));
	receipt_write(&f.receipt, buffer_bytes(&f.entry), INDEX, &proof, buffer_bytes(&f.checkpoint));
	write_file("receipt", buffer_bytes(&f.receipt));
	write_file("entry", buffer_bytes(&f.entry));
	return 0;
}

static int
free_fixture(void **) {
	mldsa44_private_destroy(&f.mldsa44);
	mldsa44_private_destroy(&f.witness_mldsa44);
	head_keys_free(&f.keys);
	note_key_free(&f.witness.ed25519);
	note_key_free(&f.witness.mldsa44);
	buffer_free(&f.checkpoint);
	buffer_free(&f.receipt);
	buffer_free(&f.entry);
	return remove_tree(f.directory);
}

static const char *
vkey_of(const struct note_key *key) {
	static char text[4096];
	_cleanup_(buffer_free) struct buffer vkey = {};
	note_key_format(key, &vkey);
	snprintf(text, sizeof text, "%.*s", BYTES_ARGS(buffer_bytes(&vkey)));
	return text;
}

static const char *
hash_text(const struct hash256 *hash, char text[45]) {
	base64_encode(hash256_bytes(hash), text);
	return text;
}

/* Flips one bit of a file, runs the verifier, and puts the file back. */
static void
write_flipped(const char *name, struct bytes content, size_t at) {
	_cleanup_(buffer_free) struct buffer flipped = {};
	buffer_append_bytes(&flipped, content);
	flipped.data[at] ^= 1;
	write_file(name, buffer_bytes(&flipped));
}

/* Where a signature line of a key begins, and some bytes into its signature. */
static size_t
signature_at(struct bytes note, const char *name, size_t nth) {
	const uint8_t *at = note.data;
	size_t left = note.len;
	for (;; nth--) {
		const uint8_t *found = memmem(at, left, name, strlen(name));
		assert_non_null(found);
		found += strlen(name);
		left -= (size_t)(found - at);
		at = found;
		if (nth == 0)
			return (size_t)(at - note.data) + 60;
	}
}

static void
go_reads_our_checkpoint_and_refuses_a_flipped_bit(void **) {
	char said[4096], expected[256], root[45];
	assert_int_equal(
		0, independent_run(said, sizeof said, "verify-note", path_of("checkpoint"), vkey_of(&f.keys.ed25519)));
	snprintf(expected, sizeof expected, "ok %s %d %s", ORIGIN, SIZE, hash_text(&f.head.root, root));
	assert_string_equal(expected, said);
	struct bytes note = buffer_bytes(&f.checkpoint);
	write_flipped("flipped", note, sizeof ORIGIN); /* in the size */
	assert_int_equal(
		1, independent_run(said, sizeof said, "verify-note", path_of("flipped"), vkey_of(&f.keys.ed25519)));
	write_flipped("flipped", note, signature_at(note, "\u2014 gate.example/keeper1 ", 0));
	assert_int_equal(
		1, independent_run(said, sizeof said, "verify-note", path_of("flipped"), vkey_of(&f.keys.ed25519)));
}

static void
noble_verifies_our_mldsa44_and_refuses_a_flipped_bit(void **) {
	const struct {
		const struct note_key *key;
		const char *line;
		unsigned long long time_s;
	} cases[] = {
		{&f.keys.mldsa44, "\u2014 gate.example/keeper1 ", 1'763'715'600},
		{&f.witness.mldsa44, "\u2014 witness.example/w1 ", 1'763'715'601},
	};
	struct bytes note = buffer_bytes(&f.checkpoint);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		char said[4096], expected[256];
		assert_int_equal(0, independent_run(said, sizeof said, "verify-note-mldsa.mjs", path_of("checkpoint"),
						    vkey_of(cases[i].key)));
		snprintf(expected, sizeof expected, "ok %s %d %llu", ORIGIN, SIZE, cases[i].time_s);
		assert_string_equal(expected, said);
		write_flipped("flipped", note, signature_at(note, cases[i].line, 1));
		assert_int_equal(1, independent_run(said, sizeof said, "verify-note-mldsa.mjs", path_of("flipped"),
						    vkey_of(cases[i].key)));
		write_flipped("flipped", note, sizeof ORIGIN);
		assert_int_equal(1, independent_run(said, sizeof said, "verify-note-mldsa.mjs", path_of("flipped"),
						    vkey_of(cases[i].key)));
	}
}

static void
go_verifies_our_receipt_and_refuses_another_entry_or_path(void **) {
	char said[4096], expected[256], receipt[PATH_MAX], entry[PATH_MAX], flipped[PATH_MAX];
	snprintf(receipt, sizeof receipt, "%s", path_of("receipt"));
	snprintf(entry, sizeof entry, "%s", path_of("entry"));
	snprintf(flipped, sizeof flipped, "%s", path_of("flipped"));
	const char *vkey = vkey_of(&f.keys.ed25519);
	assert_int_equal(0, independent_run(said, sizeof said, "verify-proof", receipt, entry, vkey));
	snprintf(expected, sizeof expected, "ok %s %d %d", ORIGIN, INDEX, SIZE);
	assert_string_equal(expected, said);
	write_flipped("flipped", buffer_bytes(&f.entry), 3);
	assert_int_equal(1, independent_run(said, sizeof said, "verify-proof", receipt, flipped, vkey));
	const char *path = strstr((const char *)f.receipt.data, "index ");
	assert_non_null(path);
	size_t first_hash = (size_t)(strchr(path, '\n') + 1 - (const char *)f.receipt.data);
	write_flipped("flipped", buffer_bytes(&f.receipt), first_hash + 4);
	assert_int_equal(1, independent_run(said, sizeof said, "verify-proof", flipped, entry, vkey));
}

static void
go_rebuilds_our_tree_from_tiles_and_refuses_a_flipped_bit(void **) {
	static const char *const files[] = {"tile/0/001", "tile/0/002.p/188", "tile/1/000.p/2", "tile/entries/000",
					    "tile/entries/002.p/188"};
	char said[4096], root[45], old_root[45];
	hash_text(&f.head.root, root);
	hash_text(&f.old_head.root, old_root);
	assert_int_equal(0,
			 independent_run(said, sizeof said, "verify-tiles", f.directory, "700", root, "300", old_root));
	assert_string_equal("ok 700 entries", said);
	old_root[5] = old_root[5] == 'A' ? 'B' : 'A';
	assert_int_equal(1,
			 independent_run(said, sizeof said, "verify-tiles", f.directory, "700", root, "300", old_root));
	for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
		_cleanup_(buffer_free) struct buffer content = {};
		assert_ok(io_read_file(io_system(), path_of(files[i]), 1 << 20, &content));
		write_flipped(files[i], buffer_bytes(&content), content.len / 2);
		assert_int_equal(1, independent_run(said, sizeof said, "verify-tiles", f.directory, "700", root));
		write_file(files[i], buffer_bytes(&content));
	}
	assert_int_equal(0, independent_run(said, sizeof said, "verify-tiles", f.directory, "700", root));
}

int
main(void) {
	const struct CMUnitTest tests[] = {
		T(go_reads_our_checkpoint_and_refuses_a_flipped_bit),
		T(noble_verifies_our_mldsa44_and_refuses_a_flipped_bit),
		T(go_verifies_our_receipt_and_refuses_another_entry_or_path),
		T(go_rebuilds_our_tree_from_tiles_and_refuses_a_flipped_bit),
	};
	return cmocka_run_group_tests(tests, make_fixture, free_fixture);
}
