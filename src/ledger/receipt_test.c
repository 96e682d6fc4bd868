#include "tests/test.h"
#include "ledger/head.h"
#include "ledger/receipt.h"
#include "ledger/tlog_policy.h"

#include <stdio.h>

static const char ORIGIN[] = "gate.example/keeper1";
static const uint64_t TIME_S = 1'763'715'600;
enum { SIZE = 13, INDEX = 6 };

/* A small log with one witness that signs in both ways. */
static struct fixture {
	uint8_t seed[32], witness_seed[32];
	struct mldsa44_private *mldsa44, *witness_mldsa44;
	struct head_keys keys, witness_keys; /* of the witness: its two public keys, the first as type 0x04 */
	struct note_key witness_ed25519;
	struct buffer receipt, bare, note, policy;
	struct tlog_policy *pinned;
} f;

static struct bytes
entry_of(uint64_t number, char *text) {
	return bytes_of(text, (size_t)sprintf(text, "{\"entry\":%llu}", (unsigned long long)number));
}

static void
make_keys(uint8_t seed[32], const char *name, struct mldsa44_private **private, struct head_keys *keys) {
	uint8_t ed25519[32], mldsa44[MLDSA44_PUBLIC_SIZE];
	assert_ok(ed25519_public_key(seed, ed25519));
	assert_ok(mldsa44_private_create(private, seed));
	mldsa44_private_public_key(*private, mldsa44);
	assert_ok(head_keys_make(bytes_of_text(name), ed25519, mldsa44, keys));
}

static void
add_cosignatures(struct buffer *note, struct bytes text, const struct head *head) {
	uint8_t ed25519[64], mldsa44[MLDSA44_SIGNATURE_SIZE], message[COSIGNATURE_SUBTREE_MESSAGE_MAX];
	_cleanup_(buffer_free) struct buffer v1 = {};
	cosignature_v1_message(&v1, TIME_S + 1, text);
	assert_ok(ed25519_sign(f.witness_seed, f.witness_ed25519.public_key, buffer_bytes(&v1), ed25519));
	note_append_timestamped(note, &f.witness_ed25519, TIME_S + 1, BYTES_OF_ARRAY(ed25519));
	size_t len = cosignature_subtree_message(BYTES_OF_LITERAL("witness.example/w1"), TIME_S + 2,
						 bytes_of_text(ORIGIN), head->size, &head->root, message);
	assert_ok(mldsa44_sign(f.witness_mldsa44, bytes_of(message, len), mldsa44));
	note_append_timestamped(note, &f.witness_keys.mldsa44, TIME_S + 2, BYTES_OF_ARRAY(mldsa44));
}

static void
add_key_line(struct buffer *policy, const char *start, const struct note_key *key) {
	buffer_append_text(policy, start);
	note_key_format(key, policy);
	buffer_append_byte(policy, '\n');
}

static int
make_fixture(void **) {
	f = (struct fixture){.seed = {1}, .witness_seed = {2}};
	make_keys(f.seed, ORIGIN, &f.mldsa44, &f.keys);
	make_keys(f.witness_seed, "witness.example/w1", &f.witness_mldsa44, &f.witness_keys);
	assert_ok(note_key_make(BYTES_OF_LITERAL("witness.example/w1"), NOTE_COSIGNATURE_ED25519,
				bytes_of(f.witness_keys.ed25519.public_key, 32), &f.witness_ed25519));
	_cleanup_(tree_destroy) struct tree *tree = nullptr;
	char text[32];
	assert_ok(tree_create(&tree, 64));
	for (uint64_t i = 0; i < SIZE; i++) {
		struct hash256 leaf = tree_leaf_hash(entry_of(i, text));
		assert_ok(tree_append(tree, &leaf));
	}
	struct head head = {SIZE, tree_root(tree)};
	struct head_signer signer = {&f.keys, f.seed, f.mldsa44};
	struct head_signatures signatures;
	assert_ok(head_sign(&signer, &head, TIME_S, &signatures));
	head_format(&f.note, &f.keys, &head, &signatures);
	_cleanup_(buffer_free) struct buffer body = {};
	checkpoint_format(&body, bytes_of_text(ORIGIN), head.size, &head.root);
	add_cosignatures(&f.note, buffer_bytes(&body), &head);
	struct tree_source source = {tree, nullptr};
	struct tree_reader reader = tree_reader_of(&source);
	struct proof proof;
	assert_ok(proof_make_inclusion(&reader, INDEX, SIZE, &proof));
	receipt_write(&f.receipt, entry_of(INDEX, text), INDEX, &proof, buffer_bytes(&f.note));
	receipt_write(&f.bare, (struct bytes){}, INDEX, &proof, buffer_bytes(&f.note));
	add_key_line(&f.policy, "log ", &f.keys.ed25519);
	add_key_line(&f.policy, "log ", &f.keys.mldsa44);
	add_key_line(&f.policy, "witness classical ", &f.witness_ed25519);
	add_key_line(&f.policy, "witness quantum ", &f.witness_keys.mldsa44);
	buffer_append_text(&f.policy, "group w1 all classical quantum\nquorum w1\n");
	assert_ok(tlog_policy_parse(buffer_bytes(&f.policy), &f.pinned));
	return 0;
}

static int
free_fixture(void **) {
	mldsa44_private_destroy(&f.mldsa44);
	mldsa44_private_destroy(&f.witness_mldsa44);
	head_keys_free(&f.keys);
	head_keys_free(&f.witness_keys);
	tlog_policy_destroy(&f.pinned);
	buffer_free(&f.receipt);
	buffer_free(&f.bare);
	buffer_free(&f.note);
	buffer_free(&f.policy);
	return 0;
}

static void
a_receipt_proves_its_entry_under_both_keys_and_the_quorum(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct receipt receipt;
	struct tlog_verdict verdict;
	char text[32];
	assert_ok(receipt_parse(&arena, buffer_bytes(&f.receipt), &receipt));
	assert_true(receipt.has_entry);
	assert_bytes(entry_of(INDEX, text), receipt.entry);
	assert_int_equal(INDEX, receipt.index);
	assert_bytes(buffer_bytes(&f.note), receipt.note_text);
	assert_ok(receipt_check_entry(&receipt, receipt.entry));
	assert_ok(tlog_policy_check(f.pinned, &receipt.note, &receipt.checkpoint, &verdict));
	assert_true(verdict.has_ed25519 && verdict.has_mldsa44 && verdict.has_quorum);
	assert_int_equal(2, verdict.cosignatures);
	assert_int_equal(TIME_S, verdict.log_time_s);
	assert_int_equal(TIME_S + 2, verdict.witnessed_s);
}

static void
a_bare_receipt_proves_the_entry_beside_it_and_no_other(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct receipt receipt;
	char text[32];
	assert_ok(receipt_parse(&arena, buffer_bytes(&f.bare), &receipt));
	assert_false(receipt.has_entry);
	assert_ok(receipt_check_entry(&receipt, entry_of(INDEX, text)));
	assert_fails(STATUS_UNAUTHORIZED, "proof.root", receipt_check_entry(&receipt, entry_of(INDEX + 1, text)));
}

/* Everything a verifier concludes from a receipt. */
struct conclusion {
	struct hash256 entry;
	uint64_t index, size;
	struct hash256 root;
	struct tlog_verdict verdict;
};

static enum status
conclude(struct bytes text, struct conclusion *conclusion) {
	_cleanup_(arena_free) struct arena arena = {};
	static struct receipt receipt;
	TRY(receipt_parse(&arena, text, &receipt));
	if (!receipt.has_entry)
		return STATUS_NOT_FOUND;
	TRY(receipt_check_entry(&receipt, receipt.entry));
	memset(conclusion, 0, sizeof *conclusion);
	conclusion->entry = sha256(receipt.entry);
	conclusion->index = receipt.index;
	conclusion->size = receipt.checkpoint.size;
	conclusion->root = receipt.checkpoint.root;
	return tlog_policy_check(f.pinned, &receipt.note, &receipt.checkpoint, &conclusion->verdict);
}

/* One bit in every byte, another one in each, and both ends of every line changed. */
static void
no_changed_byte_of_a_receipt_leads_to_another_conclusion_of_equal_strength(void **) {
	struct conclusion whole, changed;
	assert_ok(conclude(buffer_bytes(&f.receipt), &whole));
	size_t weaker = 0, refused = 0;
	for (size_t at = 0; at < f.receipt.len; at++) {
		uint8_t before = f.receipt.data[at];
		f.receipt.data[at] = before ^ (uint8_t)(1 << at % 8);
		if (conclude(buffer_bytes(&f.receipt), &changed) == OK) {
			assert_memory_equal(&whole, &changed, offsetof(struct conclusion, verdict));
			assert_true(!changed.verdict.has_ed25519 || !changed.verdict.has_mldsa44 ||
				    !changed.verdict.has_quorum);
			weaker++;
		} else {
			refused++;
		}
		f.receipt.data[at] = before;
	}
	assert_int_equal(f.receipt.len, weaker + refused);
	/* Weaker, never equal: where a signature line's key name or key id no longer names a known key. */
	assert_true(weaker < 200);
}

static void
a_truncated_receipt_is_refused_at_every_length(void **) {
	for (size_t len = 0; len < f.receipt.len; len++) {
		struct conclusion conclusion;
		enum status status = conclude(bytes_of(f.receipt.data, len), &conclusion);
		assert_true(status != OK || !conclusion.verdict.has_quorum || !conclusion.verdict.has_mldsa44);
	}
}

static void
bad_receipts_are_refused_by_name(void **) {
#define MAGIC_LINE "c2sp.org/tlog-proof@v1\n"
#define HASH "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n"
#define CHECKPOINT "origin\n8\n" HASH "\n\u2014 a AAAAAAA=\n"
	static const struct {
		const char *name, *text;
	} cases[] = {
		{"receipt.magic", ""},
		{"receipt.magic", "c2sp.org/tlog-proof@v1"},
		{"receipt.magic", "c2sp.org/tlog-proof@v2\nindex 1\n\n" CHECKPOINT},
		{"receipt.index", MAGIC_LINE},
		{"receipt.index", MAGIC_LINE "\n" CHECKPOINT},
		{"receipt.index", MAGIC_LINE "index\n\n" CHECKPOINT},
		{"receipt.index", MAGIC_LINE "index 01\n\n" CHECKPOINT},
		{"receipt.index", MAGIC_LINE "index -1\n\n" CHECKPOINT},
		{"receipt.index", MAGIC_LINE "index 18446744073709551616\n\n" CHECKPOINT},
		{"receipt.index", MAGIC_LINE "extra QQ==\nextra QQ==\nindex 1\n\n" CHECKPOINT},
		{"receipt.index", MAGIC_LINE "index 1 \n\n" CHECKPOINT},
		{"receipt.extra", MAGIC_LINE "extra QQ=\nindex 1\n\n" CHECKPOINT},
		{"receipt.extra", MAGIC_LINE "extra QR==\nindex 1\n\n" CHECKPOINT},
		{"receipt.proof", MAGIC_LINE "index 1\n"},
		{"receipt.proof", MAGIC_LINE "index 1\nQQ==\n\n" CHECKPOINT},
		{"receipt.proof", MAGIC_LINE "index 1\n" HASH},
		{"note.separator", MAGIC_LINE "index 1\n\n"},
		{"checkpoint.size", MAGIC_LINE "index 1\n" HASH "\norigin\n0x8\n" HASH "\n\u2014 a AAAAAAA=\n"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct receipt receipt;
		assert_fails(STATUS_INVALID, cases[i].name,
			     receipt_parse(&arena, bytes_of_text(cases[i].text), &receipt));
	}
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer text = {};
	struct receipt receipt;
	buffer_append_text(&text, MAGIC_LINE "index 1\n");
	for (size_t i = 0; i <= PROOF_LENGTH_MAX; i++)
		buffer_append_text(&text, HASH);
	buffer_append_text(&text, "\n" CHECKPOINT);
	assert_fails(STATUS_INVALID, "receipt.proof", receipt_parse(&arena, buffer_bytes(&text), &receipt));
}

static void
the_largest_entry_fits_a_receipt(void **) {
	static uint8_t entry[RECEIPT_ENTRY_SIZE_MAX + 1];
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer text = {};
	struct receipt receipt;
	struct proof proof = {};
	receipt_write(&text, bytes_of(entry, RECEIPT_ENTRY_SIZE_MAX), 0, &proof, buffer_bytes(&f.note));
	assert_ok(receipt_parse(&arena, buffer_bytes(&text), &receipt));
	assert_bytes(bytes_of(entry, RECEIPT_ENTRY_SIZE_MAX), receipt.entry);
	buffer_reset(&text);
	receipt_write(&text, BYTES_OF_ARRAY(entry), 0, &proof, buffer_bytes(&f.note));
	assert_fails(STATUS_INVALID, "receipt.extra", receipt_parse(&arena, buffer_bytes(&text), &receipt));
}

int
main(void) {
	const struct CMUnitTest tests[] = {
		T(a_receipt_proves_its_entry_under_both_keys_and_the_quorum),
		T(a_bare_receipt_proves_the_entry_beside_it_and_no_other),
		T(no_changed_byte_of_a_receipt_leads_to_another_conclusion_of_equal_strength),
		T(a_truncated_receipt_is_refused_at_every_length),
		T(bad_receipts_are_refused_by_name),
		T(the_largest_entry_fits_a_receipt),
	};
	return cmocka_run_group_tests(tests, make_fixture, free_fixture);
}
