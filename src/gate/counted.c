#include "gate/counted.h"

#include <stdlib.h>

#include "base/arena.h"

struct counted_spend {
	struct spend spend;
	uint32_t told_by; /* bits of parties */
	struct arena arena;
};

static void
spend_destroy(struct counted_spend *gone) {
	arena_free(&gone->arena);
	free(gone);
}

void
counted_free(struct counted_spends *counted) {
	size_t at = 0;
	void *value;
	while (map_next(&counted->by_operation, &at, nullptr, &value))
		spend_destroy(value);
	map_free(&counted->by_operation);
}

static enum status
copy_spend(const struct spend *from, int64_t now_ms, struct counted_spend *to) {
	struct limit_part *parts = ARENA_NEW_ARRAY(&to->arena, from->part_count + 1, struct limit_part);
	TRY_ALLOC(parts);
	to->spend = *from;
	to->spend.at_ms = now_ms;
	to->spend.parts = parts;
	for (size_t i = 0; i < from->part_count; i++) {
		parts[i] = from->parts[i];
		parts[i].subject = arena_copy(&to->arena, parts[i].subject);
		TRY_ALLOC(parts[i].subject.data);
	}
	return OK;
}

enum status
counted_add(struct counted_spends *counted, uint8_t party, const struct spend *spend, int64_t now_ms) {
	struct bytes id = BYTES_OF_ARRAY(spend->operation);
	struct counted_spend *known = map_get(&counted->by_operation, id);
	if (known != nullptr) {
		known->told_by |= 1U << (party - 1);
		return OK;
	}
	if (counted->by_operation.count >= COUNTED_OPERATIONS_MAX)
		return fail(STATUS_TOO_LARGE, "counted.full: other keepers count more than %zu operations",
			    COUNTED_OPERATIONS_MAX);
	struct counted_spend *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	made->arena.block_size = 1024;
	made->told_by = 1U << (party - 1);
	enum status status = copy_spend(spend, now_ms, made);
	if (status == OK)
		status = map_put(&counted->by_operation, id, made, nullptr);
	if (status != OK)
		spend_destroy(made);
	return status;
}

static void
drop(struct counted_spends *counted, struct counted_spend *gone) {
	(void)map_remove(&counted->by_operation, BYTES_OF_ARRAY(gone->spend.operation));
	spend_destroy(gone);
}

void
counted_withdraw(struct counted_spends *counted, uint8_t party, const uint8_t operation[32]) {
	struct counted_spend *known = map_get(&counted->by_operation, bytes_of(operation, 32));
	if (known == nullptr)
		return;
	known->told_by &= ~(1U << (party - 1));
	if (known->told_by == 0)
		drop(counted, known);
}

/* Those that nobody tells any more, or that have left every window. */
static void
sweep(struct counted_spends *counted, int64_t now_ms) {
	size_t at = 0;
	void *value;
	while (map_next(&counted->by_operation, &at, nullptr, &value)) {
		struct counted_spend *spend = value;
		if (spend->told_by != 0 && spend->spend.at_ms > now_ms - limit_window_ms[LIMIT_WEEK])
			continue;
		drop(counted, spend);
		at = 0; /* the map has changed */
	}
}

void
counted_forget_party(struct counted_spends *counted, uint8_t party) {
	size_t at = 0;
	void *value;
	while (map_next(&counted->by_operation, &at, nullptr, &value))
		((struct counted_spend *)value)->told_by &= ~(1U << (party - 1));
	sweep(counted, INT64_MIN / 2);
}

void
counted_expire(struct counted_spends *counted, int64_t now_ms) {
	if (counted->by_operation.count > 0)
		sweep(counted, now_ms);
}

static int64_t
cents_of(const struct spend *spend, enum limit_dimension dimension, struct bytes subject) {
	int64_t cents = 0;
	for (size_t i = 0; i < spend->part_count; i++)
		if (spend->parts[i].dimension == dimension && bytes_equal(spend->parts[i].subject, subject) &&
		    __builtin_add_overflow(cents, spend->parts[i].cents, &cents))
			cents = INT64_MAX;
	return cents;
}

/* Whether another of the same identity counts in its stead: a greater one, or, of equals, the one whose id is smaller. */
static bool
is_replaced(const struct counted_spends *counted, const struct limits *own, const struct spend *spend, int64_t cents,
	    enum limit_dimension dimension, struct bytes subject, int64_t since_ms) {
	size_t at = 0;
	void *value;
	while (map_next(&counted->by_operation, &at, nullptr, &value)) {
		const struct spend *other = &((const struct counted_spend *)value)->spend;
		if (other == spend || memcmp(other->identity, spend->identity, sizeof spend->identity) != 0 ||
		    other->at_ms <= since_ms || limits_has(own, other->operation))
			continue;
		int64_t theirs = cents_of(other, dimension, subject);
		if (theirs > cents ||
		    (theirs == cents && memcmp(other->operation, spend->operation, sizeof spend->operation) < 0))
			return true;
	}
	return false;
}

int64_t
counted_sum(const struct counted_spends *counted, const struct limits *own, enum limit_dimension dimension,
	    struct bytes subject, enum limit_window window, int64_t at_ms, const uint8_t *identity) {
	int64_t sum = 0, since_ms = at_ms - limit_window_ms[window];
	size_t at = 0;
	void *value;
	while (map_next(&counted->by_operation, &at, nullptr, &value)) {
		const struct spend *spend = &((const struct counted_spend *)value)->spend;
		int64_t cents = cents_of(spend, dimension, subject);
		if (cents == 0 || spend->at_ms <= since_ms || limits_has(own, spend->operation) ||
		    (identity != nullptr && memcmp(spend->identity, identity, sizeof spend->identity) == 0) ||
		    is_replaced(counted, own, spend, cents, dimension, subject, since_ms))
			continue;
		if (__builtin_add_overflow(sum, cents, &sum))
			sum = INT64_MAX;
	}
	return sum;
}
