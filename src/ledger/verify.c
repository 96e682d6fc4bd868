#include "ledger/verify.h"

static const struct verify_weakness_text weaknesses[] = {
	{VERIFY_UNPINNED, "unpinned", "no key was given that the log must be signed by"},
	{VERIFY_SINGLE_SIGNATURE, "single-signature",
	 "the head is not under both an Ed25519 and an ML-DSA-44 key of the log"},
	{VERIFY_UNWITNESSED, "unwitnessed",
	 "no quorum of witnesses cosigned: an operator with the log's keys could show two histories"},
	{VERIFY_UNWITNESSED_TAIL, "unwitnessed-tail",
	 "entries after the newest head that the quorum cosigned are under the log's keys alone"},
	{VERIFY_NO_OLDER_HEAD, "no-older-head", "nothing older was given to compare with"},
	{VERIFY_OLDER_NOT_COMPARED, "older-not-compared",
	 "the older head has another size and no consistency proof was given"},
	{VERIFY_DAMAGED_TAIL, "damaged-tail", "an incomplete frame follows the last good one"},
};

const struct verify_weakness_text *
verify_weakness_at(size_t i) {
	return i < ARRAY_LENGTH(weaknesses) ? &weaknesses[i] : nullptr;
}

static bool
is_receipt(struct bytes text) {
	static const struct bytes magic = BYTES_OF_LITERAL("c2sp.org/tlog-proof@");
	return text.len >= magic.len && memcmp(text.data, magic.data, magic.len) == 0;
}

static enum status
read_receipt(struct arena *arena, struct bytes text, struct note **note, struct verify_head *head) {
	struct receipt *receipt = ARENA_NEW(arena, struct receipt);
	TRY_ALLOC(receipt);
	TRY(receipt_parse(arena, text, receipt));
	head->checkpoint = receipt->checkpoint;
	*note = &receipt->note;
	if (!receipt->has_entry)
		return OK;
	TRY(receipt_check_entry(receipt, receipt->entry));
	head->has_leaf = true;
	head->index = receipt->index;
	head->leaf = tree_leaf_hash(receipt->entry);
	return OK;
}

enum status
verify_read_head(struct arena *arena, struct bytes text, const char *what, const struct tlog_policy *policy,
		 struct verify_head *head) {
	*head = (struct verify_head){.what = what};
	struct note *note;
	if (is_receipt(text)) {
		TRY(read_receipt(arena, text, &note, head));
	} else {
		note = ARENA_NEW(arena, struct note);
		TRY_ALLOC(note);
		TRY(note_parse(arena, text, note));
		TRY(checkpoint_parse(note->text, &head->checkpoint));
	}
	return policy == nullptr ? OK : tlog_policy_check(policy, note, &head->checkpoint, &head->verdict);
}

enum status
verify_compare_heads(const struct verify_head *older, const struct verify_head *head, const struct proof *consistency,
		     bool *is_compared) {
	const struct checkpoint *a = &older->checkpoint, *b = &head->checkpoint;
	*is_compared = true;
	if (!bytes_equal(a->origin, b->origin))
		return fail(STATUS_CONFLICT, "verify.other_origin: %s is of %.*s, %s of %.*s", older->what,
			    BYTES_ARGS(a->origin), head->what, BYTES_ARGS(b->origin));
	if (a->size > b->size)
		return fail(STATUS_CONFLICT, "verify.behind: %s has %llu entries, %s only %llu", older->what,
			    (unsigned long long)a->size, head->what, (unsigned long long)b->size);
	if (a->size == b->size && !hash256_equal(&a->root, &b->root))
		return fail(STATUS_CONFLICT, "verify.fork: %s and %s have two roots for %llu entries", older->what,
			    head->what, (unsigned long long)a->size);
	if (a->size == b->size)
		return OK;
	*is_compared = consistency != nullptr && a->size > 0;
	if (!*is_compared)
		return OK;
	return proof_verify_consistency(a->size, &a->root, b->size, &b->root, consistency->hashes, consistency->count);
}

unsigned
verify_weaknesses_of(const struct tlog_policy *policy, const struct tlog_verdict *verdict) {
	if (policy == nullptr)
		return VERIFY_UNPINNED;
	unsigned found = 0;
	if (!verdict->has_ed25519 || !verdict->has_mldsa44)
		found |= VERIFY_SINGLE_SIGNATURE;
	if (!verdict->has_quorum)
		found |= VERIFY_UNWITNESSED;
	return found;
}
