/*
 * The published log as anybody outside reads it: the signed checkpoint and every entry, from the files below <data>/public, and the
 * tree over them. Owner: journal_free(). Errors: those of tiles, notes and checkpoints; STATUS_CORRUPT "journal.*".
 */
#ifndef GATEHOUSE_CLI_DEMO_JOURNAL_H
#define GATEHOUSE_CLI_DEMO_JOURNAL_H

#include "base/io.h"
#include "ledger/checkpoint.h"
#include "ledger/note.h"
#include "ledger/proof.h"
#include "ledger/tree.h"

struct journal {
	struct arena arena;
	struct bytes note; /* the signed checkpoint */
	struct checkpoint checkpoint;
	struct bytes *leaves;
	size_t count;
	struct tree *tree;
};

/* directory: <data>/public. The entries have the checkpoint's root. */
enum status journal_read(const char *directory, struct journal *journal);
void journal_free(struct journal *journal); /* a cleanup function */

/* A tree over leaves. */
enum status journal_tree(const struct bytes *leaves, size_t count, struct tree **tree);
/* That the tree of `size` begins with that of `old_size`. */
enum status journal_consistency(const struct tree *tree, uint64_t old_size, uint64_t size, struct proof *proof);

/* How many decisions released something: a signature, a key, a change. And how many decisions there are. */
enum status journal_decisions(const struct journal *journal, size_t *decisions, size_t *released);

#endif
