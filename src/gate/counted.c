#include "gate/counted.h"

#include <stdlib.h>

#include "base/arena.h"

constexpr size_t TELLING_SIZE = 33; /* operation, party */

struct counted_spend {
	struct spend spend;
	uint8_t party; /* that told it */
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
	while (map_next(&counted->by_telling, &at, nullptr, &value))
		spend_destroy(value);
	map_free(&counted->by_telling);
}

static struct bytes
telling_of(const uint8_t operation[32], uint8_t party, uint8_t telling[static TELLING_SIZE]) {
	memcpy(telling, operation, 32);
	telling[32] = party;
	return bytes_of(telling, TELLING_SIZE);
}

static enum status
copy_spend(const struct spend *from, struct counted_spend *to) {
	struct limit_part *parts = ARENA_NEW_ARRAY(&to->arena, from->part_count + 1, struct limit_part);
	TRY_ALLOC(parts);
	to->spend = *from;
	to->spend.parts = parts;
	for (size_t i = 0; i < from->part_count; i++) {
		parts[i] = from->parts[i];
		parts[i].subject = arena_copy(&to->arena, parts[i].subject);
		TRY_ALLOC(parts[i].subject.data);
	}
	return OK;
}

enum status
counted_add(struct counted_spends *counted, uint8_t party, const struct spend *spend) {
	uint8_t telling[TELLING_SIZE];
	struct bytes id = telling_of(spend->operation, party, telling);
	if (map_get(&counted->by_telling, id) != nullptr)
		return OK;
	if (counted->of_party[party] >= COUNTED_OPERATIONS_MAX)
		return fail(STATUS_TOO_LARGE,
			    "counted.full: it counts more than %zu operations that are not known here",
			    COUNTED_OPERATIONS_MAX);
	struct counted_spend *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	made->arena.block_size = 512;
	made->party = party;
	enum status status = copy_spend(spend, made);
	if (status == OK)
		status = map_put(&counted->by_telling, id, made, nullptr);
	if (status == OK)
		counted->of_party[party]++;
	else
		spend_destroy(made);
	return status;
}

static void
drop(struct counted_spends *counted, struct counted_spend *gone) {
	uint8_t telling[TELLING_SIZE];
	(void)map_remove(&counted->by_telling, telling_of(gone->spend.operation, gone->party, telling));
	counted->of_party[gone->party]--;
	spend_destroy(gone);
}

void
counted_withdraw(struct counted_spends *counted, uint8_t party, const uint8_t operation[32]) {
	uint8_t telling[TELLING_SIZE];
	struct counted_spend *known = map_get(&counted->by_telling, telling_of(operation, party, telling));
	if (known != nullptr)
		drop(counted, known);
}

/* Those of the party (0: of any) until then. Without memory they stay, and count. */
static void
sweep(struct counted_spends *counted, uint8_t party, int64_t until_ms) {
	size_t at = 0, count = 0;
	void *value;
	if (counted->by_telling.count == 0)
		return;
	struct counted_spend **gone = calloc(counted->by_telling.count, sizeof *gone);
	while (gone != nullptr && map_next(&counted->by_telling, &at, nullptr, &value)) {
		struct counted_spend *spend = value;
		if ((party == 0 || spend->party == party) && spend->spend.at_ms <= until_ms)
			gone[count++] = spend;
	}
	while (count > 0)
		drop(counted, gone[--count]);
	free(gone);
}

void
counted_forget_party(struct counted_spends *counted, uint8_t party) {
	if (counted->of_party[party] > 0)
		sweep(counted, party, INT64_MAX);
}

void
counted_expire(struct counted_spends *counted, int64_t now_ms) {
	sweep(counted, 0, now_ms - limit_window_ms[LIMIT_WEEK]);
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

/* Adds what the spend counts beyond the greatest of its identity so far. */
static enum status
add_beyond(struct map *greatest, struct spend *spend, int64_t cents, enum limit_dimension dimension,
	   struct bytes subject, int64_t *sum) {
	struct bytes identity = BYTES_OF_ARRAY(spend->identity);
	const struct spend *before = map_get(greatest, identity);
	int64_t beyond = cents - (before == nullptr ? 0 : cents_of(before, dimension, subject));
	if (beyond <= 0)
		return OK;
	if (__builtin_add_overflow(*sum, beyond, sum))
		*sum = INT64_MAX;
	return map_put(greatest, identity, spend, nullptr);
}

int64_t
counted_sum(const struct counted_spends *counted, const struct limits *own, enum limit_dimension dimension,
	    struct bytes subject, enum limit_window window, int64_t at_ms, const uint8_t *identity) {
	_cleanup_(map_free) struct map greatest = {};
	int64_t sum = 0, since_ms = at_ms - limit_window_ms[window];
	size_t at = 0;
	void *value;
	while (map_next(&counted->by_telling, &at, nullptr, &value)) {
		struct spend *spend = &((struct counted_spend *)value)->spend;
		int64_t cents = cents_of(spend, dimension, subject);
		if (cents == 0 || spend->at_ms <= since_ms || limits_has(own, spend->operation) ||
		    (identity != nullptr && memcmp(spend->identity, identity, sizeof spend->identity) == 0))
			continue;
		if (add_beyond(&greatest, spend, cents, dimension, subject, &sum) != OK)
			return INT64_MAX;
	}
	return sum;
}
