/*
 * A quick strict look at a leaf, for verifying millions of them: what model/entry.h reads by a JSON parser is found here by its
 * place, since a leaf is canonical JSON with five members in one order:
 *
 *   {"at":1767225600000,"body":{...},"seq":17,"type":"decision","version":1}
 *
 * Strings and brackets of the body are followed, so that its end is where a JSON parser sees it; its content is not
 * judged. Owner: a view borrows. Errors: STATUS_CORRUPT "leaf.form". Threads: pure functions.
 */
#ifndef GATEHOUSE_LEDGER_LEAF_H
#define GATEHOUSE_LEDGER_LEAF_H

#include "base/bytes.h"

struct leaf_view {
	uint64_t at_ms;
	struct bytes body; /* with its braces */
	uint64_t seq;
	struct bytes type;
	uint64_t version;
};

enum status leaf_scan(struct bytes leaf, struct leaf_view *view);

/* The members of {"counts":{"<type>":<count>,...}}: *left is the body before the first call, and empty after the last. */
enum status leaf_next_count(struct bytes *left, struct bytes *type, uint64_t *count);

#endif
