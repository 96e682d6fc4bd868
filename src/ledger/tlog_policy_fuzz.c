/*
 * Reader: ledger/tlog_policy.c
 * Policies, and what they say of a checkpoint that its log signed and no witness: no policy finds a quorum there.
 */
#include "ledger/head.h"
#include "ledger/tlog_policy.h"
#include "tests/fuzz.h"

/* A head of log.example/1 under both keys of the seed 01 00 00 ... */
static struct bytes
signed_checkpoint(void) {
	static const uint8_t seed[32] = {1};
	static struct buffer text;
	if (text.len > 0)
		return buffer_bytes(&text);
	uint8_t ed25519[32], mldsa44[MLDSA44_PUBLIC_SIZE];
	struct mldsa44_private *private = nullptr;
	struct head_keys keys = {};
	struct head_signatures signatures;
	struct head head = {.size = 8};
	must(ed25519_public_key(seed, ed25519) == OK && mldsa44_private_create(&private, seed) == OK);
	mldsa44_private_public_key(private, mldsa44);
	must(head_keys_make(BYTES_OF_LITERAL("log.example/1"), ed25519, mldsa44, &keys) == OK);
	struct head_signer signer = {&keys, seed, private};
	must(head_sign(&signer, &head, 1, &signatures) == OK);
	head_format(&text, &keys, &head, &signatures);
	head_keys_free(&keys);
	mldsa44_private_destroy(&private);
	return buffer_bytes(&text);
}

static void
try_policy(const struct tlog_policy *policy) {
	_cleanup_(arena_free) struct arena arena = {};
	static struct note note;
	struct checkpoint checkpoint;
	struct tlog_verdict verdict;
	must(note_parse(&arena, signed_checkpoint(), &note) == OK && checkpoint_parse(note.text, &checkpoint) == OK);
	if (tlog_policy_check(policy, &note, &checkpoint, &verdict) == OK)
		must(!verdict.has_quorum && (verdict.has_ed25519 || verdict.has_mldsa44));
	for (size_t i = 0; i < tlog_policy_witness_count(policy); i++)
		must(tlog_policy_witness(policy, i)->name.len > 0);
	must(tlog_policy_witness_count(policy) > 0 || !tlog_policy_demands_witnesses(policy));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(tlog_policy_destroy) struct tlog_policy *policy = nullptr;
	if (tlog_policy_parse(bytes_of(data, size), &policy) == OK)
		try_policy(policy);
	return 0;
}
