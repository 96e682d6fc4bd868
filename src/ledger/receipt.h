/*
 * A receipt: proof that an entry stands in the log, verifiable offline with the log's keys alone. docs/PROTOCOL.receipt.
 *
 *   c2sp.org/tlog-proof@v1
 *   extra <base64 of the entry>
 *   index <leaf index>
 *   <base64 of a hash>          the inclusion proof, the leaf's sibling first
 *   ...
 *                               an empty line
 *   <signed checkpoint>         with the log's two signatures, and cosignatures if any
 *
 * Where the entry travels beside the receipt, the extra line is left out. The line is not trusted: the entry is what hashes
 * to the leaf.
 *
 * Owner: what is parsed borrows from the text and the arena. Errors: STATUS_INVALID "receipt.*", "note.*", "checkpoint.*";
 * STATUS_UNAUTHORIZED "proof.*". Threads: pure functions. Source: C2SP tlog-proof.
 */
#ifndef GATEHOUSE_LEDGER_RECEIPT_H
#define GATEHOUSE_LEDGER_RECEIPT_H

#include "ledger/checkpoint.h"
#include "ledger/note.h"
#include "ledger/proof.h"

constexpr size_t RECEIPT_ENTRY_SIZE_MAX = UINT16_MAX;
constexpr size_t RECEIPT_SIZE_MAX = 1024 * 1024;

struct receipt {
	bool has_entry;
	struct bytes entry;
	uint64_t index;
	struct proof proof;
	struct bytes note_text; /* the signed checkpoint as it stands */
	struct note note;
	struct checkpoint checkpoint;
};

/* entry.data null: no extra line. note is the signed checkpoint's text. */
void receipt_write(struct buffer *to, struct bytes entry, uint64_t index, const struct proof *proof, struct bytes note);
/* receipt.size, receipt.magic, receipt.extra, receipt.index, receipt.proof. */
enum status receipt_parse(struct arena *arena, struct bytes text, struct receipt *receipt);
/* That the entry is the leaf of the receipt's index in the tree of its checkpoint. Signatures: tlog_policy_check(). */
enum status receipt_check_entry(const struct receipt *receipt, struct bytes entry);

#endif
