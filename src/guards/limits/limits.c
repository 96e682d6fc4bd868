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

constexpr uint64_t NONE = UINT64_MAX;

/* A spend that was applied. Spends are numbered from 0; those before first_spend have left every window. */
struct applied {
	int64_t at_ms;
	uint8_t operation[32];
	uint8_t identity[32];
	uint64_t previous; /* the spend of the same identity before this one, or NONE */
	bool is_released, is_allowance;
};

/* One spend's share of one subject. Of an identity's items in a series only the last counts, and it counts the greatest. */
struct item {
	uint64_t spend;
	int64_t own;
	int64_t counted;
};

struct series {
	struct item *items; /* in the order of their spends */
	size_t count;
	size_t capacity;
	size_t from[LIMIT_WINDOWS]; /* the first item inside each window, at the time last asked for */
	int64_t sum[LIMIT_WINDOWS];
};

struct limits {
	struct map series[LIMIT_DIMENSIONS]; /* subject to struct series */
	struct applied *spends;              /* spends[i] is number first_spend + i */
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
	return limits->spends[number_at(limits, place) - limits->first_spend].operation;
}

static const uint8_t *
identity_at(const void *context, uint32_t place) {
	const struct limits *limits = context;
	return limits->spends[number_at(limits, place) - limits->first_spend].identity;
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

static const struct applied *
spend_of(const struct limits *limits, uint64_t number) {
	return number >= limits->first_spend && number != NONE ? &limits->spends[number - limits->first_spend]
							       : nullptr;
}

/* The index of the spend's item in the series, or series->count. */
static size_t
find_item(const struct series *series, uint64_t spend) {
	size_t low = 0, high = series->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (series->items[middle].spend < spend)
			low = middle + 1;
		else
			high = middle;
	}
	return low < series->count && series->items[low].spend == spend ? low : series->count;
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
	for (size_t window = 0; window < LIMIT_WINDOWS; window++)
		if (index >= series->from[window])
			series->sum[window] =
				add_saturating(series->sum[window] - series->items[index].counted, counted);
	series->items[index].counted = counted;
}

/* Lets what is older than each window leave its sum. A window is open at its far end: exactly an hour old is outside. */
static void
advance(const struct limits *limits, struct series *series, int64_t now_ms) {
	for (size_t window = 0; window < LIMIT_WINDOWS; window++) {
		int64_t since = now_ms - limit_window_ms[window];
		size_t *from = &series->from[window];
		for (; *from < series->count; (*from)++) {
			const struct applied *spend = spend_of(limits, series->items[*from].spend);
			if (spend != nullptr && spend->at_ms > since)
				break;
			series->sum[window] -= series->items[*from].counted;
		}
	}
}

static enum status
series_reserve(struct limits *limits, const struct limit_part *part, struct series **reserved) {
	struct series *series = map_get(&limits->series[part->dimension], part->subject);
	if (series == nullptr) {
		series = calloc(1, sizeof *series);
		TRY_ALLOC(series);
		enum status status = map_put(&limits->series[part->dimension], part->subject, series, nullptr);
		if (status != OK) {
			free(series);
			return status;
		}
	}
	*reserved = series;
	if (series->count < series->capacity)
		return OK;
	size_t capacity = series->capacity == 0 ? 4 : series->capacity * 2;
	struct item *items = reallocarray(series->items, capacity, sizeof *items);
	TRY_ALLOC(items);
	series->items = items;
	series->capacity = capacity;
	return OK;
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
	if (limits->count == limits->capacity) {
		size_t capacity = limits->capacity == 0 ? 64 : limits->capacity * 2;
		struct applied *spends = reallocarray(limits->spends, capacity, sizeof *spends);
		TRY_ALLOC(spends);
		limits->spends = spends;
		limits->capacity = capacity;
	}
	return OK;
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
			greatest = series->items[replaced].counted;
			set_counted(series, replaced, 0);
		}
		index = series->count++;
		series->items[index] = (struct item){.spend = number, .own = 0};
		set_counted(series, index, greatest);
	}
	struct item *item = &series->items[index];
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
	struct applied *applied = &limits->spends[limits->count];
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

/* What each item counts, computed again from what it brought itself. */
static void
recount(struct limits *limits, struct series *series) {
	for (size_t window = 0; window < LIMIT_WINDOWS; window++)
		series->from[window] = 0, series->sum[window] = 0;
	for (size_t i = 0; i < series->count; i++)
		series->items[i].counted = 0;
	for (size_t i = 0; i < series->count; i++) {
		int64_t greatest = series->items[i].own;
		const struct applied *spend = spend_of(limits, series->items[i].spend);
		uint64_t number = spend == nullptr ? NONE : spend->previous;
		int64_t at_ms = spend == nullptr ? 0 : spend->at_ms;
		for (; (spend = spend_of(limits, number)) != nullptr && !has_left(spend, at_ms);
		     number = spend->previous) {
			size_t earlier = find_item(series, number);
			if (earlier == series->count)
				continue;
			if (series->items[earlier].counted > greatest)
				greatest = series->items[earlier].counted;
			set_counted(series, earlier, 0);
			break;
		}
		set_counted(series, i, greatest);
	}
	advance(limits, series, limits->latest_ms);
}

enum status
limits_release(struct limits *limits, const uint8_t operation[32]) {
	uint64_t number = number_in(limits, &limits->by_operation, operation);
	if (number == NONE)
		return fail(STATUS_NOT_FOUND, "limits.operation: nothing is reserved for this operation");
	limits->spends[number - limits->first_spend].is_released = true;
	for (size_t dimension = 0; dimension < LIMIT_DIMENSIONS; dimension++) {
		size_t at = 0;
		void *value;
		while (map_next(&limits->series[dimension], &at, nullptr, &value)) {
			struct series *series = value;
			size_t index = find_item(series, number);
			if (index == series->count)
				continue;
			series->items[index].own = 0;
			recount(limits, series);
		}
	}
	return OK;
}

void
limits_visit_paid(const struct limits *limits, const uint8_t operation[32],
		  void (*visit)(void *context, struct bytes destination, int64_t cents), void *context) {
	uint64_t number = number_in(limits, &limits->by_operation, operation);
	const struct applied *spend = spend_of(limits, number);
	size_t at = 0;
	struct bytes subject;
	void *value;
	if (spend == nullptr || spend->is_allowance)
		return;
	while (map_next(&limits->series[LIMIT_DESTINATION], &at, &subject, &value)) {
		const struct series *series = value;
		size_t index = find_item(series, number);
		if (index < series->count)
			visit(context, subject, series->items[index].own);
	}
}

bool
limits_holds(const struct limits *limits, const uint8_t operation[32]) {
	const struct applied *spend = spend_of(limits, number_in(limits, &limits->by_operation, operation));
	return spend != nullptr && !spend->is_released;
}

/* One part of one spend, while they are collected from all series. */
struct visited {
	uint64_t spend;
	struct limit_part part;
};

static int
compare_visited(const void *a, const void *b) {
	const struct visited *one = a, *other = b;
	return (one->spend > other->spend) - (one->spend < other->spend);
}

static size_t
first_from(const struct series *series, uint64_t from) {
	size_t low = 0, high = series->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (series->items[middle].spend < from)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static enum status
collect(const struct limits *limits, uint64_t from, struct visited **visited, size_t *count) {
	size_t capacity = 0;
	for (int dimension = 0; dimension < LIMIT_DIMENSIONS; dimension++) {
		size_t at = 0;
		struct bytes subject;
		void *value;
		while (map_next(&limits->series[dimension], &at, &subject, &value)) {
			const struct series *series = value;
			for (size_t i = first_from(series, from); i < series->count; i++) {
				if (series->items[i].own == 0)
					continue;
				if (*count == capacity) {
					capacity = capacity == 0 ? 64 : 2 * capacity;
					struct visited *grown = reallocarray(*visited, capacity, sizeof **visited);
					TRY_ALLOC(grown);
					*visited = grown;
				}
				(*visited)[(*count)++] = (struct visited){
					series->items[i].spend,
					{(enum limit_dimension)dimension, subject, series->items[i].own}};
			}
		}
	}
	return OK;
}

static enum status
visit_collected(const struct limits *limits, const struct visited *visited, struct limit_part *parts, size_t count,
		uint64_t *at, enum status (*visit)(void *context, const struct spend *spend), void *context) {
	for (size_t i = 0, end; i < count; i = end) {
		const struct applied *applied = spend_of(limits, visited[i].spend);
		for (end = i; end < count && visited[end].spend == visited[i].spend; end++)
			parts[end] = visited[end].part;
		if (applied == nullptr)
			continue;
		struct spend spend = {.at_ms = applied->at_ms, .parts = &parts[i], .part_count = end - i};
		memcpy(spend.operation, applied->operation, sizeof spend.operation);
		memcpy(spend.identity, applied->identity, sizeof spend.identity);
		*at = visited[i].spend;
		TRY(visit(context, &spend));
	}
	return OK;
}

enum status
limits_visit(const struct limits *limits, uint64_t *from,
	     enum status (*visit)(void *context, const struct spend *spend), void *context) {
	struct visited *visited = nullptr;
	size_t count = 0;
	uint64_t end = limits->first_spend + limits->count;
	enum status status = *from >= end ? OK : collect(limits, *from, &visited, &count);
	struct limit_part *parts = count == 0 ? nullptr : calloc(count, sizeof *parts);
	if (status == OK && count > 0 && parts == nullptr)
		status = fail(STATUS_NO_MEMORY, "memory: out of memory in %s", __func__);
	if (status == OK && count > 0) {
		qsort(visited, count, sizeof *visited, compare_visited);
		status = visit_collected(limits, visited, parts, count, from, visit, context);
	}
	free(parts);
	free(visited);
	if (status == OK)
		*from = end;
	return status;
}

/* last: the item that the spend asked about excludes, or series->count. */
static int64_t
sum_with(const struct series *series, size_t window, size_t last, int64_t cents) {
	int64_t sum = series->sum[window];
	if (last < series->count) {
		int64_t counted = series->items[last].counted;
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

static void
series_expire(struct limits *limits, struct series *series, int64_t now_ms) {
	advance(limits, series, now_ms);
	size_t gone = series->from[LIMIT_WEEK];
	if (gone > 0)
		memmove(series->items, series->items + gone, (series->count - gone) * sizeof *series->items);
	series->count -= gone;
	for (size_t window = 0; window < LIMIT_WINDOWS; window++)
		series->from[window] -= gone;
}

void
limits_expire(struct limits *limits, int64_t now_ms) {
	for (size_t dimension = 0; dimension < LIMIT_DIMENSIONS; dimension++) {
		size_t at = 0;
		void *series;
		while (map_next(&limits->series[dimension], &at, nullptr, &series))
			series_expire(limits, series, now_ms);
	}
	size_t gone = 0;
	for (; gone < limits->count && limits->spends[gone].at_ms <= now_ms - limit_window_ms[LIMIT_WEEK]; gone++) {
		const struct applied *spend = &limits->spends[gone];
		digest_index_remove(&limits->by_operation, limits, spend->operation);
		if (number_in(limits, &limits->by_identity, spend->identity) == limits->first_spend + gone)
			digest_index_remove(&limits->by_identity, limits, spend->identity);
	}
	if (gone > 0) /* else there may be none, and nothing to move */
		memmove(limits->spends, limits->spends + gone, (limits->count - gone) * sizeof *limits->spends);
	limits->count -= gone;
	limits->first_spend += gone;
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
			buffer_append_u64be(to, series->items[j].spend);
			buffer_append_u64be(to, (uint64_t)series->items[j].own);
			buffer_append_u64be(to, (uint64_t)series->items[j].counted);
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
		const struct applied *spend = &limits->spends[i];
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
	    (limits->count > 0 && (int64_t)at_ms < limits->spends[limits->count - 1].at_ms) ||
	    number_in(limits, &limits->by_operation, applied.operation) != NONE ||
	    applied.previous != number_in(limits, &limits->by_identity, applied.identity))
		return damaged();
	applied.at_ms = (int64_t)at_ms;
	applied.is_released = (said & SAID_RELEASED) != 0;
	applied.is_allowance = (said & SAID_ALLOWANCE) != 0;
	TRY(reserve(limits, &(struct spend){}));
	limits->spends[limits->count] = applied;
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
	bool follows = series->count == 0 || series->items[series->count - 1].spend < spend;
	bool is_known = spend >= limits->first_spend && spend - limits->first_spend < limits->count;
	if (!is_known || !follows || own > INT64_MAX || counted > (uint64_t)COUNTED_MAX)
		return damaged();
	series->items[series->count++] = (struct item){.spend = spend, .own = (int64_t)own};
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
