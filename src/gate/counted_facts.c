#include "gate/counted_facts.h"

#include "gate/counted.h"

struct told {
	struct counted_spends counted;
	struct limits *none; /* of one's own: what these list is not there */
};

static void
told_free(struct told *told) {
	counted_free(&told->counted);
	limits_destroy(&told->none);
}

/* Whoever told it: of one operation and identity once. */
static enum status
read_told(struct arena *arena, const json *others, struct told *told) {
	struct json_iterator iterator = json_iterate(others);
	TRY(limits_create(&told->none));
	for (const json *other; (other = json_next(&iterator, nullptr)) != nullptr;) {
		struct spend spend = {};
		TRY(spend_read_told(arena, other, &spend));
		TRY(counted_keep(&told->counted, 1, &spend));
	}
	return OK;
}

static bool
says_less(const struct told *told, const struct decision_record *record, const struct limit_part *part,
	  const struct facts *facts, const char *path, enum limit_window window) {
	int64_t stated = 0, least;
	int64_t others = counted_sum(&told->counted, told->none, part->dimension, part->subject, window,
				     record->decided_ms, record->spend.identity);
	if (__builtin_add_overflow(part->cents, others, &least) || least > JSON_INTEGER_MAX)
		least = JSON_INTEGER_MAX;
	return !facts_long_at(facts, path, &stated) || stated < least;
}

enum status
counted_facts_hold(struct arena *arena, const struct decision_record *record, const json *others,
		   const struct facts *facts, const char **difference) {
	_cleanup_(told_free) struct told told = {};
	*difference = nullptr;
	TRY(read_told(arena, others, &told));
	for (size_t i = 0; record->has_spend && i < record->spend.part_count; i++)
		for (int window = 0; window < LIMIT_WINDOWS; window++) {
			const struct limit_part *part = &record->spend.parts[i];
			const char *path = arena_format(arena, "limits.%s.%s", limit_dimension_names[part->dimension],
							limit_window_names[window]);
			TRY_ALLOC(path);
			if (says_less(&told, record, part, facts, path, (enum limit_window)window))
				*difference = path;
		}
	return OK;
}
