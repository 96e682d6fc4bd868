/*
 * Break-glass: an operation that its requester says cannot wait, with a reason. What it may do is the policies' to say; what it may
 * never do is said here and in policy/monotone.h, whatever they say: pass a forbid, or go through with fewer than
 * BREAK_GLASS_PEOPLE approvals by distinct people besides the requester.
 *
 * Each that went through is to be reviewed within BREAK_GLASS_REVIEW_MS, by an operation of its own, `break_glass.review`. What is
 * open is decision state: overdue reviews are a fact. Owner: reviews own their copies. Threads: one. Errors: "review.*".
 */
#ifndef GATEHOUSE_GATE_BREAK_GLASS_H
#define GATEHOUSE_GATE_BREAK_GLASS_H

#include "base/map.h"
#include "crypto/hash.h"
#include "policy/held.h"

constexpr int64_t BREAK_GLASS_PEOPLE = 2;
constexpr int64_t BREAK_GLASS_REVIEW_MS = INT64_C(3) * 24 * 3600 * 1000;
constexpr size_t BREAK_GLASS_FINDING_MAX = 1024;

/* Whatever the policies permit. */
extern const struct policy_floor break_glass_floor;

struct open_review {
	struct hash256 operation;
	int64_t due_ms;
	bool is_told;           /* this process has told that it is overdue */
	struct bytes requester; /* behind it in the same block */
};

struct reviews {
	struct map open; /* operation id ─► struct open_review */
};

void reviews_free(struct reviews *reviews); /* a cleanup function */
enum status reviews_demand(struct reviews *reviews, const struct hash256 *operation, struct bytes requester,
			   int64_t decided_ms);
const struct open_review *reviews_find(const struct reviews *reviews, const struct hash256 *operation);
/* STATUS_CONFLICT "review.none" where nothing is open. */
enum status reviews_close(struct reviews *reviews, const struct hash256 *operation);
size_t reviews_overdue(const struct reviews *reviews, int64_t now_ms);

/* For snapshots: in order of the operations' ids. Error: review.snapshot (STATUS_INVALID). */
enum status reviews_write(const struct reviews *reviews, struct buffer *to);
enum status reviews_read(struct reviews *reviews, struct bytes snapshot);

#endif
