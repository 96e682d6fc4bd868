#include "guards/limits/limits.h"

#include <stdlib.h>

#include "base/cursor.h"
#include "base/digest_index.h"
#include "base/map.h"
#include "base/time.h"

const char *const limit_dimension_names[LIMIT_DIMENSIONS] = {
	"key", "account", "desk", "legal_entity", "requester", "destination", "asset",
};
const char *const limit_window_names[LIMIT_WINDOWS] = {"hour", "day", "week"};
const int64_t limit_window_ms[LIMIT_WINDOWS] = {HOUR_MS, DAY_MS, 7 * DAY_MS};

bool
limit_dimension_find(struct bytes name, enum limit_dimension *dimension) {
	for (size_t i = 0; i < LIMIT_DIMENSIONS; i++)
		if (bytes_equal_text(name, limit_dimension_names[i])) {
			*dimension = (enum limit_dimension)i;
			return true;
		}
	return false;
}

constexpr uint64_t NONE = UINT64_MAX;

/* A spend that was applied. Spends are numbered from 0; those before first_spend have left every window. */
struct applied {
	int64_t at_ms;
	uint8_t operation[32];
	uint8_t identity[32];
	uint64_t previous;     /* the spend of the same identity before this one, or NONE */
	struct series *series; /* the first in which it has an item, or null */
	bool is_released, is_allowance;
};

/* One spend's share of one subject. Of an identity's items in a series only the last counts, and it counts the greatest. */
struct item {
	uint64_t spend;
	int64_t own;
	int64_t counted;
	struct series *next; /* in which the same spend has an item, so that nobody looks for them in all */
};

/* Of one subject; gone where no item is left. Items leave at the front: what they leave is used again when there is no room behind. */
struct series {
	enum limit_dimension dimension;
	struct bytes subject; /* the text behind it */
	struct item *items;   /* in the order of their spends, from items[start] on */
	size_t start;
	size_t count;
	size_t capacity;
	size_t from[LIMIT_WINDOWS]; /* the first item inside each window, at the time last asked for */
	int64_t sum[LIMIT_WINDOWS];
};

struct limits {
	struct map series[LIMIT_DIMENSIONS]; /* subject to struct series */
	struct applied *spends;              /* spends[start + i] is number first_spend + i */
	size_t start;
	size_t count;
	size_t capacity;
	uint64_t first_spend;
	struct digest_index by_operation;
	struct digest_index by_identity; /* the last spend of each */
	int64_t latest_ms;
	struct series **of_parts; /* while a spend is applied: of each of its parts */
	size_t of_parts_capacity;
};

/* --- Finding spends: an index holds the remainders of their numbers, which are fewer than there are remainders. --- */

static uint32_t
place_of(uint64_t number) {
	return (uint32_t)(number % DIGEST_INDEX_NONE);
}

static uint64_t
number_at(const struct limits *limits, uint32_t place) {
	return limits->first_spend +
	       (place + (uint64_t)DIGEST_INDEX_NONE - place_of(limits->first_spend)) % DIGEST_INDEX_NONE;
}

static const uint8_t *
operation_at(const void *context, uint32_t place) {
	const struct limits *limits = context;
	return limits->spends[limits->start + number_at(limits, place) - limits->first_spend].operation;
}

static const uint8_t *
identity_at(const void *context, uint32_t place) {
	const struct limits *limits = context;
	return limits->spends[limits->start + number_at(limits, place) - limits->first_spend].identity;
}

static uint64_t
number_in(const struct limits *limits, const struct digest_index *index, const uint8_t digest[32]) {
	uint32_t place = digest_index_find(index, limits, digest);
	return place == DIGEST_INDEX_NONE ? NONE : number_at(limits, place);
}

enum status
limits_create(struct limits **limits) {
	*limits = calloc(1, sizeof **limits);
	TRY_ALLOC(*limits);
	(*limits)->by_operation.digest_at = operation_at;
	(*limits)->by_identity.digest_at = identity_at;
	return OK;
}

void
limits_destroy(struct limits **limits) {
	struct limits *gone = TAKE(*limits);
	if (gone == nullptr)
		return;
	for (size_t i = 0; i < LIMIT_DIMENSIONS; i++) {
		size_t at = 0;
		void *value;
		while (map_next(&gone->series[i], &at, nullptr, &value)) {
			free(((struct series *)value)->items);
			free(value);
		}
		map_free(&gone->series[i]);
	}
	digest_index_free(&gone->by_operation);
	digest_index_free(&gone->by_identity);
	free(gone->of_parts);
	free(gone->spends);
	free(gone);
}

static int64_t
add_saturating(int64_t a, int64_t b) {
	int64_t sum;
	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static struct applied *
spend_of(const struct limits *limits, uint64_t number) {
	return number >= limits->first_spend && number != NONE
		       ? &limits->spends[limits->start + number - limits->first_spend]
		       : nullptr;
}

static struct item *
item_at(const struct series *series, size_t index) {
	return &series->items[series->start + index];
}

/* The index of the spend's item in the series, or series->count. */
static size_t
find_item(const struct series *series, uint64_t spend) {
	size_t low = 0, high = series->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (item_at(series, middle)->spend < spend)
			low = middle + 1;
		else
			high = middle;
	}
	return low < series->count && item_at(series, low)->spend == spend ? low : series->count;
}

/* A spend that has left every window has no say any more, whether it was forgotten yet or not. */
static bool
has_left(const struct applied *spend, int64_t at_ms) {
	return spend->at_ms <= at_ms - limit_window_ms[LIMIT_WEEK];
}

/* The last item in the series of the identity whose last spend is number, or series->count: the one that counts. */
static size_t
find_last(const struct limits *limits, const struct series *series, uint64_t number, int64_t at_ms) {
	for (const struct applied *spend; (spend = spend_of(limits, number)) != nullptr && !has_left(spend, at_ms);
	     number = spend->previous) {
		size_t index = find_item(series, number);
		if (index < series->count)
			return index;
	}
	return series->count;
}

/* The largest Long that a fact may hold. Sums of it do not saturate before a thousand such spends. */
constexpr int64_t COUNTED_MAX = (INT64_C(1) << 53) - 1;

static void
set_counted(struct series *series, size_t index, int64_t counted) {
	struct item *item = item_at(series, index);
	for (size_t window = 0; window < LIMIT_WINDOWS; window++)
		if (index >= series->from[window])
			series->sum[window] = add_saturating(series->sum[window] - item->counted, counted);
	item->counted = counted;
}

/* Lets what is older than each window leave its sum. A window is open at its far end: exactly an hour old is outside. */
static void
advance(const struct limits *limits, struct series *series, int64_t now_ms) {
	for (size_t window = 0; window < LIMIT_WINDOWS; window++) {
		int64_t since = now_ms - limit_window_ms[window];
		size_t *from = &series->from[window];
		for (; *from < series->count; (*from)++) {
			const struct item *item = item_at(series, *from);
			const struct applied *spend = spend_of(limits, item->spend);
			if (spend != nullptr && spend->at_ms > since)
				break;
			series->sum[window] -= item->counted;
		}
	}
}

static enum status
find_or_add_series(struct limits *limits, const struct limit_part *part, struct series **series) {
	*series = map_get(&limits->series[part->dimension], part->subject);
	if (*series != nullptr)
		return OK;
	struct series *made = calloc(1, sizeof *made + part->subject.len);
	TRY_ALLOC(made);
	uint8_t *text = (uint8_t *)(made + 1);
	if (part->subject.len > 0)
		memcpy(text, part->subject.data, part->subject.len);
	made->dimension = part->dimension;
	made->subject = bytes_of(text, part->subject.len);
	enum status status = map_put(&limits->series[part->dimension], part->subject, made, nullptr);
	if (status != OK)
		free(made);
	else
		*series = made;
	return status;
}

/* Room for one more behind count elements of that size. Half of the room is free before they move to its front, so that each moves no more
 * often than it would as the room grows. */
static enum status
make_room(void **elements, size_t *start, size_t count, size_t *capacity, size_t size, size_t first_capacity) {
	if (*start + count < *capacity)
		return OK;
	if (*start > 0 && *start >= *capacity / 2) {
		memmove(*elements, (uint8_t *)*elements + *start * size, count * size);
		*start = 0;
		return OK;
	}
	size_t larger = *capacity == 0 ? first_capacity : *capacity * 2;
	void *grown = reallocarray(*elements, larger, size);
	TRY_ALLOC(grown);
	*elements = grown;
	*capacity = larger;
	return OK;
}

static enum status
series_reserve(struct limits *limits, const struct limit_part *part, struct series **reserved) {
	TRY(find_or_add_series(limits, part, reserved));
	struct series *series = *reserved;
	return make_room((void **)&series->items, &series->start, series->count, &series->capacity,
			 sizeof *series->items, 4);
}

/* Room is made for everything before anything changes, so that a spend counts wholly or not at all. */
static enum status
reserve(struct limits *limits, const struct spend *spend) {
	if (spend->part_count > limits->of_parts_capacity) {
		struct series **of_parts = reallocarray(limits->of_parts, spend->part_count, sizeof(struct series *));
		TRY_ALLOC(of_parts);
		limits->of_parts = of_parts;
		limits->of_parts_capacity = spend->part_count;
	}
	for (size_t i = 0; i < spend->part_count; i++)
		TRY(series_reserve(limits, &spend->parts[i], &limits->of_parts[i]));
	if (limits->count + 1 == DIGEST_INDEX_NONE)
		return fail(STATUS_TOO_LARGE, "limits.spends: more than %zu in a week", limits->count);
	TRY(digest_index_reserve(&limits->by_operation));
	TRY(digest_index_reserve(&limits->by_identity));
	return make_room((void **)&limits->spends, &limits->start, limits->count, &limits->capacity,
			 sizeof *limits->spends, 64);
}

/* A spend's newest item: it stands before the others of the spend. */
static void
append_item(struct limits *limits, struct series *series, const struct item *item) {
	struct applied *spend = spend_of(limits, item->spend);
	struct item *made = item_at(series, series->count++);
	*made = *item;
	made->next = spend->series;
	spend->series = series;
}

/* Several parts of one spend on one subject (two outputs to one destination) add up. previous: the spend of the same identity before
 * this one. */
static void
add_part(struct limits *limits, uint64_t number, const struct limit_part *part, uint64_t previous,
	 struct series *series) {
	int64_t cents = part->cents < 0 ? 0 : part->cents > COUNTED_MAX ? COUNTED_MAX : part->cents;
	advance(limits, series, limits->latest_ms);
	size_t index = find_item(series, number);
	if (index == series->count) {
		size_t replaced = find_last(limits, series, previous, limits->latest_ms);
		int64_t greatest = 0;
		if (replaced < series->count) {
			greatest = item_at(series, replaced)->counted;
			set_counted(series, replaced, 0);
		}
		index = series->count;
		append_item(limits, series, &(struct item){.spend = number});
		set_counted(series, index, greatest);
	}
	struct item *item = item_at(series, index);
	item->own = add_saturating(item->own, cents);
	if (item->own > item->counted)
		set_counted(series, index, item->own > COUNTED_MAX ? COUNTED_MAX : item->own);
}

enum status
limits_apply(struct limits *limits, const struct spend *spend) {
	if (number_in(limits, &limits->by_operation, spend->operation) != NONE)
		return OK;
	if (spend->at_ms < limits->latest_ms)
		return fail(STATUS_INTERNAL, "limits.time: a spend at %lld follows one at %lld",
			    (long long)spend->at_ms, (long long)limits->latest_ms);
	TRY(reserve(limits, spend));
	uint64_t number = limits->first_spend + limits->count;
	uint64_t previous = number_in(limits, &limits->by_identity, spend->identity);
	struct applied *applied = &limits->spends[limits->start + limits->count];
	*applied = (struct applied){.at_ms = spend->at_ms, .previous = previous, .is_allowance = spend->is_allowance};
	memcpy(applied->operation, spend->operation, sizeof applied->operation);
	memcpy(applied->identity, spend->identity, sizeof applied->identity);
	limits->count++;
	digest_index_put(&limits->by_operation, limits, applied->operation, place_of(number));
	limits->latest_ms = spend->at_ms;
	for (size_t i = 0; i < spend->part_count; i++)
		add_part(limits, number, &spend->parts[i], previous, limits->of_parts[i]);
	digest_index_put(&limits->by_identity, limits, applied->identity, place_of(number));
	return OK;
}

static int64_t
greater_of(int64_t a, int64_t b) {
	return a > b ? a : b;
}

/* Of the items of one identity that follow one another within a week, from that of the spend number back, the greatest: with the spend
 * that is given back, and without. Returns the spend before them. */
static uint64_t
greatest_before(const struct limits *limits, const struct series *series, uint64_t number,
		const struct applied *given_back, int64_t *with, int64_t *without) {
	int64_t at_ms = spend_of(limits, number)->at_ms;
	*with = *without = 0;
	for (const struct applied *spend; (spend = spend_of(limits, number)) != nullptr && !has_left(spend, at_ms);
	     number = spend->previous) {
		size_t index = find_item(series, number);
		if (index == series->count)
			continue;
		int64_t own = item_at(series, index)->own;
		*with = greater_of(*with, own);
		*without = greater_of(*without, spend == given_back ? 0 : own);
		at_ms = spend->at_ms;
	}
	return number;
}

/* last: the newest spend of the same identity. An item that counts more than any before it brought has that of one that is forgotten, and
 * keeps it. */
static void
take_back(struct limits *limits, struct series *series, const struct applied *given_back, uint64_t last) {
	for (uint64_t number = last; spend_of(limits, number) != nullptr;) {
		size_t index = find_item(series, number);
		int64_t with, without;
		if (index == series->count) {
			number = spend_of(limits, number)->previous;
			continue;
		}
		number = greatest_before(limits, series, number, given_back, &with, &without);
		if (item_at(series, index)->counted <= with)
			set_counted(series, index, without > COUNTED_MAX ? COUNTED_MAX : without);
	}
}

/* The spend's item in the series. */
static struct item *
item_of(const struct series *series, uint64_t number) {
	return item_at(series, find_item(series, number));
}

enum status
limits_release(struct limits *limits, const uint8_t operation[32]) {
	uint64_t number = number_in(limits, &limits->by_operation, operation);
	struct applied *spend = spend_of(limits, number);
	if (spend == nullptr)
		return fail(STATUS_NOT_FOUND, "limits.operation: nothing is reserved for this operation");
	uint64_t last = number_in(limits, &limits->by_identity, spend->identity);
	spend->is_released = true;
	for (struct series *series = spend->series; series != nullptr; series = item_of(series, number)->next) {
		take_back(limits, series, spend, last);
		item_of(series, number)->own = 0;
	}
	return OK;
}

void
limits_visit_paid(const struct limits *limits, const uint8_t operation[32],
		  void (*visit)(void *context, struct bytes destination, int64_t cents), void *context) {
	uint64_t number = number_in(limits, &limits->by_operation, operation);
	const struct applied *spend = spend_of(limits, number);
	if (spend == nullptr || spend->is_allowance)
		return;
	for (const struct series *series = spend->series; series != nullptr; series = item_of(series, number)->next)
		if (series->dimension == LIMIT_DESTINATION)
			visit(context, series->subject, item_of(series, number)->own);
}

bool
limits_holds(const struct limits *limits, const uint8_t operation[32]) {
	const struct applied *spend = spend_of(limits, number_in(limits, &limits->by_operation, operation));
	return spend != nullptr && !spend->is_released;
}

static int
compare_parts(const void *a, const void *b) {
	const struct limit_part *one = a, *other = b;
	return one->dimension != other->dimension
		       ? (one->dimension > other->dimension) - (one->dimension < other->dimension)
		       : bytes_compare(one->subject, other->subject);
}

struct parts {
	struct limit_part *of;
	size_t count, capacity;
};

/* Of one spend, in order, without what was given back. */
static enum status
collect(const struct applied *spend, uint64_t number, struct parts *parts) {
	parts->count = 0;
	for (const struct series *series = spend->series; series != nullptr; series = item_of(series, number)->next) {
		size_t none = 0;
		TRY(make_room((void **)&parts->of, &none, parts->count, &parts->capacity, sizeof *parts->of, 8));
		int64_t own = item_of(series, number)->own;
		if (own != 0)
			parts->of[parts->count++] = (struct limit_part){series->dimension, series->subject, own};
	}
	if (parts->count > 1)
		qsort(parts->of, parts->count, sizeof *parts->of, compare_parts);
	return OK;
}

static void
free_parts(struct parts *parts) {
	free(parts->of);
}

enum status
limits_visit(const struct limits *limits, uint64_t *from,
	     enum status (*visit)(void *context, const struct spend *spend), void *context) {
	_cleanup_(free_parts) struct parts parts = {};
	uint64_t end = limits->first_spend + limits->count;
	for (uint64_t number = *from > limits->first_spend ? *from : limits->first_spend; number < end; number++) {
		const struct applied *applied = spend_of(limits, number);
		TRY(collect(applied, number, &parts));
		if (parts.count == 0)
			continue;
		struct spend spend = {.at_ms = applied->at_ms, .parts = parts.of, .part_count = parts.count};
		memcpy(spend.operation, applied->operation, sizeof spend.operation);
		memcpy(spend.identity, applied->identity, sizeof spend.identity);
		*from = number;
		TRY(visit(context, &spend));
	}
	*from = end;
	return OK;
}

/* last: the item that the spend asked about excludes, or series->count. */
static int64_t
sum_with(const struct series *series, size_t window, size_t last, int64_t cents) {
	int64_t sum = series->sum[window];
	if (last < series->count) {
		int64_t counted = item_at(series, last)->counted;
		if (last >= series->from[window])
			sum -= counted;
		if (counted > cents)
			cents = counted;
	}
	return add_saturating(sum, cents);
}

int64_t
limits_sum(struct limits *limits, enum limit_dimension dimension, struct bytes subject, enum limit_window window,
	   int64_t at_ms, const uint8_t *identity, int64_t cents) {
	struct series *series = map_get(&limits->series[dimension], subject);
	if (series == nullptr)
		return cents;
	advance(limits, series, at_ms);
	uint64_t number = identity == nullptr ? NONE : number_in(limits, &limits->by_identity, identity);
	return sum_with(series, window, find_last(limits, series, number, at_ms), cents);
}

void
limits_sums(struct limits *limits, const struct spend *spend, int64_t at_ms, int64_t (*sums)[LIMIT_WINDOWS]) {
	uint64_t number = number_in(limits, &limits->by_identity, spend->identity);
	for (size_t i = 0; i < spend->part_count; i++) {
		const struct limit_part *part = &spend->parts[i];
		struct series *series = map_get(&limits->series[part->dimension], part->subject);
		if (series != nullptr)
			advance(limits, series, at_ms);
		size_t last = series == nullptr ? 0 : find_last(limits, series, number, at_ms);
		for (size_t window = 0; window < LIMIT_WINDOWS; window++)
			sums[i][window] = series == nullptr ? part->cents : sum_with(series, window, last, part->cents);
	}
}

/* The first item leaves, and with the last the series. */
static void
drop_first_item(struct limits *limits, struct series *series) {
	for (size_t window = 0; window < LIMIT_WINDOWS; window++)
		if (series->from[window] > 0)
			series->from[window]--;
		else
			series->sum[window] -= item_at(series, 0)->counted;
	series->start++;
	if (--series->count > 0)
		return;
	(void)map_remove(&limits->series[series->dimension], series->subject);
	free(series->items);
	free(series);
}

/* What is older is gone, so that in each of its series its item is the first. */
static void
forget_first_spend(struct limits *limits) {
	const struct applied *spend = spend_of(limits, limits->first_spend);
	digest_index_remove(&limits->by_operation, limits, spend->operation);
	if (number_in(limits, &limits->by_identity, spend->identity) == limits->first_spend)
		digest_index_remove(&limits->by_identity, limits, spend->identity);
	for (struct series *series = spend->series, *next; series != nullptr; series = next) {
		next = item_at(series, 0)->next;
		drop_first_item(limits, series);
	}
	limits->start++;
	limits->count--;
	limits->first_spend++;
}

void
limits_expire(struct limits *limits, int64_t now_ms) {
	while (limits->count > 0 &&
	       spend_of(limits, limits->first_spend)->at_ms <= now_ms - limit_window_ms[LIMIT_WEEK])
		forget_first_spend(limits);
}

/* --- Snapshots: version, number of the first spend, latest time, the spends with time, what is said of them (1: released, 2: an allowance),
 * operation, identity and the one before of the same identity; per dimension its subjects in their order, with their items. What is found by hash and what is in a window
 * is computed again. --- */

static const char FIELD[] = "limits.snapshot";
constexpr uint8_t SNAPSHOT_VERSION = 2;
enum { SAID_RELEASED = 1, SAID_ALLOWANCE = 2 };
constexpr size_t SUBJECT_MAX = 4096;

static size_t
count_subjects(const struct map *subjects) {
	size_t at = 0, count = 0;
	void *series;
	while (map_next(subjects, &at, nullptr, &series))
		count += ((struct series *)series)->count > 0;
	return count;
}

static enum status
write_dimension(const struct map *subjects, struct buffer *to) {
	struct bytes *keys;
	TRY(map_sorted_keys(subjects, &keys));
	buffer_append_u32be(to, (uint32_t)count_subjects(subjects));
	for (size_t i = 0; i < subjects->count; i++) {
		const struct series *series = map_get(subjects, keys[i]);
		if (series->count == 0)
			continue;
		buffer_append_prefixed(to, keys[i]);
		buffer_append_u64be(to, series->count);
		for (size_t j = 0; j < series->count; j++) {
			const struct item *item = item_at(series, j);
			buffer_append_u64be(to, item->spend);
			buffer_append_u64be(to, (uint64_t)item->own);
			buffer_append_u64be(to, (uint64_t)item->counted);
		}
	}
	free(keys);
	return buffer_status(to);
}

enum status
limits_write(const struct limits *limits, struct buffer *to) {
	buffer_append_byte(to, SNAPSHOT_VERSION);
	buffer_append_u64be(to, limits->first_spend);
	buffer_append_u64be(to, (uint64_t)limits->latest_ms);
	buffer_append_u64be(to, limits->count);
	for (size_t i = 0; i < limits->count; i++) {
		const struct applied *spend = &limits->spends[limits->start + i];
		bool is_kept = spend_of(limits, spend->previous) != nullptr;
		buffer_append_u64be(to, (uint64_t)spend->at_ms);
		buffer_append_byte(to, (uint8_t)((spend->is_released ? SAID_RELEASED : 0) |
						 (spend->is_allowance ? SAID_ALLOWANCE : 0)));
		buffer_append(to, spend->operation, sizeof spend->operation);
		buffer_append(to, spend->identity, sizeof spend->identity);
		buffer_append_u64be(to, is_kept ? spend->previous : NONE);
	}
	for (size_t i = 0; i < LIMIT_DIMENSIONS; i++)
		TRY(write_dimension(&limits->series[i], to));
	return buffer_status(to);
}

static enum status
damaged(void) {
	return fail(STATUS_CORRUPT, "%s: damaged", FIELD);
}

static enum status
read_spend(struct cursor *cursor, struct limits *limits) {
	uint64_t at_ms, number = limits->first_spend + limits->count;
	struct applied applied = {};
	uint8_t said;
	TRY(cursor_u64be(cursor, FIELD, &at_ms));
	TRY(cursor_u8(cursor, FIELD, &said));
	TRY(cursor_copy(cursor, FIELD, applied.operation, sizeof applied.operation));
	TRY(cursor_copy(cursor, FIELD, applied.identity, sizeof applied.identity));
	TRY(cursor_u64be(cursor, FIELD, &applied.previous));
	if (at_ms > (uint64_t)limits->latest_ms || said > (SAID_RELEASED | SAID_ALLOWANCE) ||
	    (limits->count > 0 && (int64_t)at_ms < limits->spends[limits->start + limits->count - 1].at_ms) ||
	    number_in(limits, &limits->by_operation, applied.operation) != NONE ||
	    applied.previous != number_in(limits, &limits->by_identity, applied.identity))
		return damaged();
	applied.at_ms = (int64_t)at_ms;
	applied.is_released = (said & SAID_RELEASED) != 0;
	applied.is_allowance = (said & SAID_ALLOWANCE) != 0;
	TRY(reserve(limits, &(struct spend){}));
	limits->spends[limits->start + limits->count] = applied;
	limits->count++;
	digest_index_put(&limits->by_operation, limits, applied.operation, place_of(number));
	digest_index_put(&limits->by_identity, limits, applied.identity, place_of(number));
	return OK;
}

static enum status
read_item(struct cursor *cursor, struct limits *limits, const struct limit_part *part) {
	uint64_t spend, own, counted;
	TRY(cursor_u64be(cursor, FIELD, &spend));
	TRY(cursor_u64be(cursor, FIELD, &own));
	TRY(cursor_u64be(cursor, FIELD, &counted));
	struct series *series;
	TRY(series_reserve(limits, part, &series));
	bool follows = series->count == 0 || item_at(series, series->count - 1)->spend < spend;
	bool is_known = spend >= limits->first_spend && spend - limits->first_spend < limits->count;
	if (!is_known || !follows || own > INT64_MAX || counted > (uint64_t)COUNTED_MAX)
		return damaged();
	append_item(limits, series, &(struct item){.spend = spend, .own = (int64_t)own});
	set_counted(series, series->count - 1, (int64_t)counted);
	return OK;
}

static enum status
read_dimension(struct cursor *cursor, struct limits *limits, enum limit_dimension dimension) {
	struct limit_part part = {.dimension = dimension};
	uint32_t subjects;
	TRY(cursor_u32be(cursor, FIELD, &subjects));
	for (; subjects > 0; subjects--) {
		uint64_t items;
		TRY(cursor_prefixed(cursor, FIELD, SUBJECT_MAX, &part.subject));
		TRY(cursor_u64be(cursor, FIELD, &items));
		if (items == 0 || map_get(&limits->series[dimension], part.subject) != nullptr)
			return damaged();
		for (; items > 0; items--)
			TRY(read_item(cursor, limits, &part));
	}
	return OK;
}

static enum status
read_all(struct limits *limits, struct cursor *cursor) {
	uint8_t version;
	uint64_t latest_ms, count;
	TRY(cursor_u8(cursor, FIELD, &version));
	if (version != SNAPSHOT_VERSION)
		return fail(STATUS_UNSUPPORTED, "%s: version %u", FIELD, version);
	TRY(cursor_u64be(cursor, FIELD, &limits->first_spend));
	TRY(cursor_u64be(cursor, FIELD, &latest_ms));
	TRY(cursor_u64be(cursor, FIELD, &count));
	if (limits->first_spend > UINT64_MAX / 2 || latest_ms > INT64_MAX)
		return damaged();
	limits->latest_ms = (int64_t)latest_ms;
	for (; count > 0; count--)
		TRY(read_spend(cursor, limits));
	for (size_t i = 0; i < LIMIT_DIMENSIONS; i++)
		TRY(read_dimension(cursor, limits, (enum limit_dimension)i));
	return cursor_end(cursor, FIELD);
}

enum status
limits_read(struct limits *limits, struct bytes snapshot) {
	struct cursor cursor = cursor_of(snapshot);
	if (limits->count > 0 || limits->first_spend > 0)
		return fail(STATUS_INTERNAL, "%s: read into limits that are not empty", FIELD);
	enum status status = read_all(limits, &cursor);
	return status == STATUS_INVALID ? damaged() : status;
}
