/* What the log's path pays for the tree, and what a receipt costs to make and to verify. */
#include "bench/bench.h"

#include "ledger/head.h"
#include "ledger/receipt.h"
#include "ledger/tlog_policy.h"

constexpr uint64_t SIZE = 1'000'000;

static void
must(enum status status) {
	if (status == OK)
		return;
	fprintf(stderr, "tree_bench: %s\n", fail_message());
	exit(1);
}

static struct {
	struct tree *tree;
	struct hash256 leaf;
	uint8_t entry[512];
	struct buffer note, receipt;
	struct tlog_policy *policy;
	uint64_t next;
} s;

static void
append(void *) {
	must(tree_append(s.tree, &s.leaf));
}

static void
hash_node(void *) {
	struct hash256 node = tree_node_hash(&s.leaf, &s.leaf);
	bench_keep(&node);
}

static void
prove(void *) {
	struct tree_source source = {s.tree, nullptr};
	struct tree_reader reader = tree_reader_of(&source);
	struct proof proof;
	must(proof_make_inclusion(&reader, SIZE - 1 - s.next++ % 60'000, SIZE, &proof));
	bench_keep(&proof);
}

static void
make_receipt(void *) {
	struct tree_source source = {s.tree, nullptr};
	struct tree_reader reader = tree_reader_of(&source);
	struct proof proof;
	must(proof_make_inclusion(&reader, SIZE - 1, SIZE, &proof));
	buffer_reset(&s.receipt);
	receipt_write(&s.receipt, BYTES_OF_ARRAY(s.entry), SIZE - 1, &proof, buffer_bytes(&s.note));
	must(buffer_status(&s.receipt));
}

static void
verify_receipt(void *) {
	_cleanup_(arena_free) struct arena arena = {};
	struct receipt receipt;
	struct tlog_verdict verdict;
	must(receipt_parse(&arena, buffer_bytes(&s.receipt), &receipt));
	must(receipt_check_entry(&receipt, receipt.entry));
	must(tlog_policy_check(s.policy, &receipt.note, &receipt.checkpoint, &verdict));
}

/* A log of SIZE equal entries under a doubly signed head. */
static void
prepare(struct head_keys *keys, struct head *head, struct head_signatures *signatures) {
	static const uint8_t seed[32] = {1};
	uint8_t ed25519[32], mldsa44[MLDSA44_PUBLIC_SIZE];
	_cleanup_(mldsa44_private_destroy) struct mldsa44_private *private = nullptr;
	_cleanup_(buffer_free) struct buffer policy = {};
	s.leaf = tree_leaf_hash(BYTES_OF_ARRAY(s.entry));
	must(tree_create(&s.tree, TREE_WINDOW_DEFAULT));
	for (uint64_t i = 0; i < SIZE; i++)
		append(nullptr);
	must(ed25519_public_key(seed, ed25519));
	must(mldsa44_private_create(&private, seed));
	mldsa44_private_public_key(private, mldsa44);
	must(head_keys_make(BYTES_OF_LITERAL("bench.example/keeper1"), ed25519, mldsa44, keys));
	struct head_signer signer = {keys, seed, private};
	*head = (struct head){SIZE, tree_root(s.tree)};
	must(head_sign(&signer, head, 1, signatures));
	head_format(&s.note, keys, head, signatures);
	buffer_append_text(&policy, "log ");
	note_key_format(&keys->ed25519, &policy);
	buffer_append_text(&policy, "\nlog ");
	note_key_format(&keys->mldsa44, &policy);
	buffer_append_text(&policy, "\nquorum none\n");
	must(tlog_policy_parse(buffer_bytes(&policy), &s.policy));
}

struct signed_head {
	struct head_keys keys;
	struct head head;
	struct head_signatures signatures;
};

static void
verify_head(void *context) {
	const struct signed_head *head = context;
	must(head_verify(&head->keys, &head->head, &head->signatures));
}

int
main(void) {
	static struct signed_head head;
	char detail[64];
	prepare(&head.keys, &head.head, &head.signatures);
	bench_row(&(struct bench_row){.name = "ledger.prove_newest_us",
				      .unit = "us",
				      .value = bench_median_ns(prove, nullptr, 20'000, 9) / 1e3,
				      .detail = "inclusion in 1,000,000 leaves, from memory"});
	double made = bench_median_ns(make_receipt, nullptr, 5'000, 9);
	snprintf(detail, sizeof detail, "%zu bytes, with an entry of 512", s.receipt.len);
	bench_row(&(struct bench_row){
		.name = "ledger.receipt_make_us", .unit = "us", .value = made / 1e3, .detail = detail});
	bench_row(&(struct bench_row){.name = "ledger.receipt_verify_us",
				      .unit = "us",
				      .value = bench_median_ns(verify_receipt, nullptr, 200, 9) / 1e3,
				      .baseline = "verifying both signatures of its head",
				      .baseline_value = bench_median_ns(verify_head, &head, 200, 9) / 1e3});
	bench_row(&(struct bench_row){.name = "ledger.tree_append_ns",
				      .unit = "ns",
				      .value = bench_median_ns(append, nullptr, 100'000, 9),
				      .baseline = "one SHA-256 of a node",
				      .baseline_value = bench_median_ns(hash_node, nullptr, 100'000, 9)});
	return 0;
}
