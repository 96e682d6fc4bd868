#include "gate/break_glass.h"

#include <stdlib.h>

#include "base/cursor.h"
#include "model/operation.h"

const struct policy_floor break_glass_floor = {"request.break_glass", "approvals.total", BREAK_GLASS_PEOPLE};

/* --- Reviews. --- */

void
reviews_free(struct reviews *reviews) {
	size_t at = 0;
	void *value;
	while (map_next(&reviews->open, &at, nullptr, &value))
		free(value);
	map_free(&reviews->open);
}

static enum status
add(struct reviews *reviews, const struct hash256 *operation, struct bytes requester, int64_t due_ms) {
	if (map_get(&reviews->open, hash256_bytes(operation)) != nullptr)
		return fail(STATUS_CONFLICT, "review.exists: a review of this operation is open");
	struct open_review *review = calloc(1, sizeof *review + requester.len);
	TRY_ALLOC(review);
	memcpy(review + 1, requester.data, requester.len);
	review->operation = *operation;
	review->due_ms = due_ms;
	review->requester = bytes_of(review + 1, requester.len);
	enum status status = map_put(&reviews->open, hash256_bytes(operation), review, nullptr);
	if (status != OK)
		free(review);
	return status;
}

enum status
reviews_demand(struct reviews *reviews, const struct hash256 *operation, struct bytes requester, int64_t decided_ms) {
	return add(reviews, operation, requester, decided_ms + BREAK_GLASS_REVIEW_MS);
}

const struct open_review *
reviews_find(const struct reviews *reviews, const struct hash256 *operation) {
	return map_get(&reviews->open, hash256_bytes(operation));
}

enum status
reviews_close(struct reviews *reviews, const struct hash256 *operation) {
	struct open_review *review = map_remove(&reviews->open, hash256_bytes(operation));
	if (review == nullptr)
		return fail(STATUS_CONFLICT, "review.none: no review of this operation is open");
	free(review);
	return OK;
}

size_t
reviews_overdue(const struct reviews *reviews, int64_t now_ms) {
	size_t at = 0, count = 0;
	void *value;
	while (map_next(&reviews->open, &at, nullptr, &value))
		count += ((const struct open_review *)value)->due_ms <= now_ms;
	return count;
}

/* --- Snapshots: operation, when it is due, requester. --- */

static const char FIELD[] = "review.snapshot";

enum status
reviews_write(const struct reviews *reviews, struct buffer *to) {
	struct bytes *ids;
	TRY(map_sorted_keys(&reviews->open, &ids));
	for (size_t i = 0; i < reviews->open.count; i++) {
		const struct open_review *review = map_get(&reviews->open, ids[i]);
		buffer_append_bytes(to, ids[i]);
		buffer_append_u64be(to, (uint64_t)review->due_ms);
		buffer_append_prefixed(to, review->requester);
	}
	free(ids);
	return buffer_status(to);
}

enum status
reviews_read(struct reviews *reviews, struct bytes snapshot) {
	struct cursor cursor = cursor_of(snapshot);
	while (cursor.left > 0) {
		struct hash256 operation;
		struct bytes requester;
		uint64_t due_ms;
		TRY(cursor_copy(&cursor, FIELD, operation.bytes, sizeof operation.bytes));
		TRY(cursor_u64be(&cursor, FIELD, &due_ms));
		TRY(cursor_prefixed(&cursor, FIELD, OPERATION_TEXT_MAX, &requester));
		if (due_ms > INT64_MAX)
			return fail(STATUS_INVALID, "%s: a time out of range", FIELD);
		TRY(add(reviews, &operation, requester, (int64_t)due_ms));
	}
	return OK;
}
