/* Rows of limits, compared by what they say. */
#ifndef GATEHOUSE_POLICY_LIMITS_TESTING_H
#define GATEHOUSE_POLICY_LIMITS_TESTING_H

#include "policy/limits_table.h"

static inline bool
limits_rows_equal(const struct limits_row *a, const struct limits_row *b) {
	bool same = bytes_equal(a->id, b->id) && a->who == b->who && bytes_equal(a->who_id, b->who_id) &&
		    a->account == b->account && bytes_equal(a->account_id, b->account_id) &&
		    bytes_equal(a->asset, b->asset) && a->window == b->window && bytes_equal(a->per, b->per) &&
		    a->cents == b->cents && a->is_never == b->is_never && a->approval_count == b->approval_count &&
		    bytes_equal(a->note, b->note);
	for (size_t i = 0; same && i < a->approval_count; i++)
		same = bytes_equal(a->approvals[i].group, b->approvals[i].group) &&
		       a->approvals[i].count == b->approvals[i].count;
	return same;
}

#endif
