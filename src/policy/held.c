#include "policy/held.h"

#include "base/effort.h"
#include "policy/context_path.h"
#include "policy/partial.h"

struct search {
	const struct policy_set *set;
	const struct policy_entities *entities;
	struct policy_request request;
	struct policy_options options;
	const struct policy_counter *counters;
	size_t count;
	struct arena *scratch;
	struct policy_partial partial;           /* with the counters unknown */
	struct arena one_decision;               /* thousands of them would fill the caller's scratch */
	struct value *places[HELD_COUNTERS_MAX]; /* of the counters in a copy of the context */
	int64_t least[HELD_COUNTERS_MAX];        /* additional counts without which nothing permits */
	int64_t most[HELD_COUNTERS_MAX];
	int64_t tried[HELD_COUNTERS_MAX];
	size_t decisions;
};

/* The copy's field of that name, in a record that was copied already. */
static struct value *
find_copied(struct value *record, struct bytes name) {
	return (struct value *)(uintptr_t)value_record_get(record, name);
}

/* Its own fields; what they hold stays shared until it is copied in turn. */
static enum status
copy_fields(struct search *search, struct value *record) {
	struct value_field *fields = ARENA_NEW_ARRAY(search->scratch, record->record.count, struct value_field);
	TRY_ALLOC(fields);
	if (record->record.count > 0)
		memcpy(fields, record->record.fields, record->record.count * sizeof *fields);
	record->record.fields = fields;
	return OK;
}

/* The counter's place in the copy: every record on the way is copied, perhaps not for the first time, which is why places
 * are found only after all of them were. */
static enum status
walk_path(struct search *search, struct value *context, size_t counter, bool copy) {
	struct bytes path = search->counters[counter].path;
	struct value *at = context;
	for (size_t start = 0; start <= path.len;) {
		const uint8_t *dot = start < path.len ? memchr(path.data + start, '.', path.len - start) : nullptr;
		size_t end = dot == nullptr ? path.len : (size_t)(dot - path.data);
		if (at->type != VALUE_RECORD)
			break;
		if (copy)
			TRY(copy_fields(search, at));
		at = find_copied(at, bytes_of(path.data + start, end - start));
		if (at == nullptr)
			break;
		start = end + 1;
		if (start > path.len && at->type == VALUE_LONG) {
			search->places[counter] = at;
			return OK;
		}
	}
	return fail(STATUS_INVALID, "held.path: the context has no number at \"%.*s\"",
		    (int)(path.len > 80 ? 80 : path.len), (const char *)path.data);
}

static enum status
prepare(struct search *search) {
	struct value *context = ARENA_NEW(search->scratch, struct value);
	TRY_ALLOC(context);
	*context = search->request.context == nullptr ? (struct value){.type = VALUE_RECORD} : *search->request.context;
	search->request.context = context;
	for (size_t i = 0; i < search->count; i++)
		TRY(walk_path(search, context, i, true));
	for (size_t i = 0; i < search->count; i++) {
		const struct policy_counter *counter = &search->counters[i];
		TRY(walk_path(search, context, i, false));
		for (size_t j = 0; j < i; j++)
			if (search->places[i] == search->places[j])
				return fail(STATUS_INVALID, "held.counters: \"%.*s\" is given twice",
					    (int)(counter->path.len > 80 ? 80 : counter->path.len),
					    (const char *)counter->path.data);
		if (counter->obtainable < counter->current ||
		    __builtin_sub_overflow(counter->obtainable, counter->current, &search->most[i]))
			return fail(STATUS_INVALID, "held.range: \"%.*s\" is %lld of at most %lld",
				    (int)(counter->path.len > 80 ? 80 : counter->path.len),
				    (const char *)counter->path.data, (long long)counter->current,
				    (long long)counter->obtainable);
	}
	return OK;
}

static bool
has_needed(const struct search *search, const int64_t *missing) {
	for (size_t i = 0; i < search->count; i++)
		if (search->counters[i].current + missing[i] < search->counters[i].needed)
			return false;
	return true;
}

/* The decision with so many more of each. */
static enum status
decide_with(struct search *search, const int64_t *missing, bool *permits) {
	struct policy_result result;
	*permits = false;
	TRY(effort_check());
	if (search->decisions++ == HELD_DECISIONS_MAX)
		return fail(STATUS_TOO_LARGE, "held.bound: no answer within %zu decisions", HELD_DECISIONS_MAX);
	if (!has_needed(search, missing))
		return OK;
	for (size_t i = 0; i < search->count; i++)
		search->places[i]->integer = search->counters[i].current + missing[i];
	arena_reset(&search->one_decision);
	TRY(policy_decide(search->partial.residual, search->entities, &search->request, search->options,
			  &search->one_decision, &result));
	*permits = result.decision == POLICY_ALLOW;
	return OK;
}

/* The least of one counter with all others at their most: no answer has less of it. */
static enum status
find_least(struct search *search, size_t counter) {
	int64_t missing[HELD_COUNTERS_MAX], low = 0, high = search->most[counter];
	memcpy(missing, search->most, sizeof missing);
	while (low < high) {
		bool permits;
		missing[counter] = low + (high - low) / 2;
		TRY(decide_with(search, missing, &permits));
		if (permits)
			high = missing[counter];
		else
			low = missing[counter] + 1;
	}
	search->least[counter] = low;
	return OK;
}

/* Spreads `rest` more over the counters from `from` on, in lexicographic order, until a decision permits. */
static enum status
spread(struct search *search, size_t from, int64_t rest, bool *permits) {
	*permits = false;
	if (from == search->count)
		return rest == 0 ? decide_with(search, search->tried, permits) : OK;
	int64_t room_behind = 0;
	for (size_t i = from + 1; i < search->count; i++)
		if (__builtin_add_overflow(room_behind, search->most[i] - search->least[i], &room_behind))
			room_behind = INT64_MAX;
	int64_t room = search->most[from] - search->least[from];
	for (int64_t more = rest > room_behind ? rest - room_behind : 0; more <= room && more <= rest && !*permits;
	     more++) {
		search->tried[from] = search->least[from] + more;
		TRY(spread(search, from + 1, rest - more, permits));
	}
	return OK;
}

static enum status
decide_partially(struct search *search) {
	struct bytes paths[HELD_COUNTERS_MAX];
	for (size_t i = 0; i < search->count; i++)
		paths[i] = search->counters[i].path;
	return policy_decide_partially(search->set, search->entities, &search->request, search->options,
				       &(struct policy_unknowns){paths, search->count}, search->scratch,
				       &search->partial);
}

/* What nothing depends on is not asked for. */
static void
forget_unmentioned(struct search *search, struct policy_held *held) {
	for (size_t i = 0; i < search->count; i++) {
		const struct policy_counter *counter = &search->counters[i];
		char path[CONTEXT_PATH_MAX];
		held->is_asked[i] = true;
		if (counter->current < counter->needed || counter->path.len >= sizeof path)
			continue;
		memcpy(path, counter->path.data, counter->path.len);
		path[counter->path.len] = '\0';
		held->is_asked[i] = policy_set_mentions(search->partial.residual, path);
		if (!held->is_asked[i])
			search->most[i] = 0;
	}
}

static enum status
run_search(struct search *search, struct policy_held *held) {
	const int64_t none[HELD_COUNTERS_MAX] = {};
	bool permits;
	TRY(decide_partially(search));
	held->is_permitted = search->partial.decision == PARTIAL_ALLOW && has_needed(search, none);
	if (held->is_permitted || search->partial.decision == PARTIAL_DENY)
		return OK;
	forget_unmentioned(search, held);
	TRY(decide_with(search, none, &permits));
	if (permits) {
		held->is_permitted = true;
		return OK;
	}
	TRY(decide_with(search, search->most, &permits));
	if (!permits)
		return OK;
	for (size_t i = 0; i < search->count; i++)
		TRY(find_least(search, i));
	permits = false;
	for (int64_t total = 0; !permits; total++)
		TRY(spread(search, 0, total, &permits));
	held->is_held = true;
	memcpy(held->missing, search->tried, sizeof held->missing);
	return OK;
}

static void
free_search(struct search *search) {
	policy_set_destroy(&search->partial.residual);
	arena_free(&search->one_decision);
}

static const struct value *
value_at(const struct value *context, const char *path) {
	while (context != nullptr && context->type == VALUE_RECORD && *path != '\0') {
		size_t len = strcspn(path, ".");
		context = value_record_get(context, bytes_of(path, len));
		path += path[len] == '.' ? len + 1 : len;
	}
	return *path == '\0' ? context : nullptr;
}

static bool
applies(const struct policy_floor *floor, const struct value *context) {
	const struct value *flag = floor == nullptr ? nullptr : value_at(context, floor->flag);
	return flag != nullptr && flag->type == VALUE_BOOLEAN && flag->boolean;
}

bool
policy_floor_holds(const struct policy_floor *floor, const struct value *context) {
	if (!applies(floor, context))
		return true;
	const struct value *count = value_at(context, floor->counter);
	return count != nullptr && count->type == VALUE_LONG && count->integer >= floor->needed;
}

void
policy_floor_need(const struct policy_floor *floor, const struct value *context, struct policy_counter *counters,
		  size_t count) {
	for (size_t i = 0; applies(floor, context) && i < count; i++)
		if (bytes_equal_text(counters[i].path, floor->counter))
			counters[i].needed = floor->needed;
}

enum status
policy_held(const struct policy_set *set, const struct policy_entities *entities, const struct policy_request *request,
	    struct policy_options options, const struct policy_counter *counters, size_t count, struct arena *scratch,
	    struct policy_held *held) {
	_cleanup_(free_search) struct search search = {
		.set = set,
		.entities = entities,
		.request = *request,
		.options = options,
		.counters = counters,
		.count = count,
		.scratch = scratch,
	};
	*held = (struct policy_held){};
	if (count > HELD_COUNTERS_MAX)
		return fail(STATUS_INVALID, "held.counters: %zu counters, at most %zu", count, HELD_COUNTERS_MAX);
	TRY(prepare(&search));
	enum status status = run_search(&search, held);
	held->decisions = search.decisions;
	return status;
}
