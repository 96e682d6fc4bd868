/*
 * Offline verification: of receipts, of checkpoints and of whole logs (ledger/verify_log.h), trusting pinned keys only.
 *
 * What is verified in full has a pinned origin, both of the log's signatures over one head, and the witness quorum of the
 * pinned policy. Anything less is a named weakness and never a pass; anything that contradicts is an error.
 *
 * Owner: heads and reports borrow from texts and arena. Threads: pure functions.
 * Errors: STATUS_CONFLICT "verify.fork" (two roots for one size), "verify.behind" (older than what was seen),
 * "verify.other_leaf", "verify.other_origin"; STATUS_UNAUTHORIZED "proof.*", "policy.*", "signature.*", "cosignature.*";
 * STATUS_INVALID "receipt.*", "note.*", "checkpoint.*". Source: design §6.
 */
#ifndef GATEHOUSE_LEDGER_VERIFY_H
#define GATEHOUSE_LEDGER_VERIFY_H

#include "ledger/receipt.h"
#include "ledger/tlog_policy.h"

enum verify_weakness {
	VERIFY_UNPINNED = 1 << 0,
	VERIFY_SINGLE_SIGNATURE = 1 << 1,
	VERIFY_UNWITNESSED = 1 << 2,
	VERIFY_UNWITNESSED_TAIL = 1 << 3,
	VERIFY_NO_OLDER_HEAD = 1 << 4,
	VERIFY_OLDER_NOT_COMPARED = 1 << 5,
	VERIFY_DAMAGED_TAIL = 1 << 6,
};

/* "unwitnessed" and what it means, for the weakness of one bit; null beyond the last. */
struct verify_weakness_text {
	enum verify_weakness weakness;
	const char *name, *meaning;
};
const struct verify_weakness_text *verify_weakness_at(size_t i);

/* A head as somebody holds it, in a checkpoint or a receipt. */
struct verify_head {
	const char *what; /* for messages: the file's name */
	struct checkpoint checkpoint;
	struct tlog_verdict verdict; /* zero if no policy is pinned */
	bool has_leaf;
	uint64_t index;
	struct hash256 leaf;
};

/* A signed checkpoint or a receipt. With a policy its signatures are checked; a receipt's entry always. */
enum status verify_read_head(struct arena *arena, struct bytes text, const char *what, const struct tlog_policy *policy,
			     struct verify_head *head);
/* Two heads of one log: by equal roots at equal sizes, else by the proof; without one *is_compared is false. */
enum status verify_compare_heads(const struct verify_head *older, const struct verify_head *head,
				 const struct proof *consistency, bool *is_compared);
/* What a head's signatures leave open. */
unsigned verify_weaknesses_of(const struct tlog_policy *policy, const struct tlog_verdict *verdict);

#endif
