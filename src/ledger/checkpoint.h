/*
 * The body of a checkpoint: origin, size and root of a log, one line each, and extension lines if any.
 *
 * A parsed checkpoint borrows from its input. Extension lines are kept and never interpreted: an ML-DSA-44 cosignature does
 * not cover them. Errors: STATUS_INVALID "checkpoint.*". Source: C2SP tlog-checkpoint v1.0.0.
 */
#ifndef GATEHOUSE_LEDGER_CHECKPOINT_H
#define GATEHOUSE_LEDGER_CHECKPOINT_H

#include "base/bytes.h"
#include "crypto/hash.h"

struct checkpoint {
	struct bytes origin;
	uint64_t size;
	struct hash256 root;
	struct bytes extensions; /* the lines after the third, each with its line feed */
};

/* text is the note's text: checkpoint.origin, checkpoint.size, checkpoint.root, checkpoint.extension. */
enum status checkpoint_parse(struct bytes text, struct checkpoint *checkpoint);
/* Without extension lines. */
void checkpoint_format(struct buffer *to, struct bytes origin, uint64_t size, const struct hash256 *root);

#endif
