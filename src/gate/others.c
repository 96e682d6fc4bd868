#include "gate/others.h"

#include <stdckdint.h>

/* The part's row: rows stand in the order of the parts, so that what a log that lies lists is gone through once. */
static const struct others_row *
next_of(const struct others *others, const struct limit_part *part, size_t *at) {
	const struct others_row *row = *at < others->count ? &others->rows[*at] : nullptr;
	if (row == nullptr || row->dimension != part->dimension || !bytes_equal(row->subject, part->subject))
		return nullptr;
	++*at;
	return row;
}

enum status
others_of_spend(struct arena *arena, const struct counted_spends *counted, const struct limits *own,
		const struct spend *asked, int64_t at_ms, const struct others *recorded, struct others *others) {
	int64_t(*sums)[LIMIT_WINDOWS] = arena_alloc_array(arena, asked->part_count, sizeof *sums);
	struct others_row *rows = ARENA_NEW_ARRAY(arena, asked->part_count, struct others_row);
	TRY_ALLOC(sums);
	TRY_ALLOC(rows);
	counted_sums(counted, own, asked, at_ms, sums);
	size_t at = 0;
	for (size_t i = 0; i < asked->part_count; i++) {
		const struct limit_part *part = &asked->parts[i];
		const struct others_row *known = recorded == nullptr ? nullptr : next_of(recorded, part, &at);
		rows[i] = (struct others_row){.dimension = part->dimension, .subject = part->subject};
		for (int window = 0; window < LIMIT_WINDOWS; window++)
			rows[i].cents[window] = known != nullptr && known->cents[window] > sums[i][window]
							? known->cents[window]
							: sums[i][window];
	}
	*others = (struct others){rows, asked->part_count};
	return OK;
}

/* --- In records. --- */

static bool
is_empty(const struct others_row *row) {
	return row->cents[LIMIT_WEEK] == 0;
}

static void
write_row(struct json_writer *writer, const struct others_row *row) {
	json_write_array(writer);
	json_write_text(writer, limit_dimension_names[row->dimension]);
	json_write_string(writer, row->subject);
	for (int window = 0; window < LIMIT_WINDOWS; window++) {
		int64_t cents = row->cents[window];
		json_write_integer(writer, cents > JSON_INTEGER_MAX ? JSON_INTEGER_MAX : cents);
	}
	json_write_end(writer);
}

void
others_write(struct json_writer *writer, const struct others *others) {
	bool has_any = false;
	for (size_t i = 0; i < others->count; i++)
		has_any = has_any || !is_empty(&others->rows[i]);
	if (!has_any)
		return;
	json_write_key(writer, "others");
	json_write_array(writer);
	for (size_t i = 0; i < others->count; i++)
		if (!is_empty(&others->rows[i]))
			write_row(writer, &others->rows[i]);
	json_write_end(writer);
}

static enum status
read_row(const json *recorded, struct others_row *row) {
	static const char EXPECTED[] = "others.row: expected [dimension, subject, hour, day, week], cents ascending";
	struct json_iterator iterator = json_iterate(recorded);
	if (json_type_of(recorded) != JSON_ARRAY || json_size(recorded) != 2 + LIMIT_WINDOWS)
		return fail(STATUS_CORRUPT, "%s", EXPECTED);
	const json *dimension = json_next(&iterator, nullptr), *subject = json_next(&iterator, nullptr);
	if (json_type_of(dimension) != JSON_STRING || json_type_of(subject) != JSON_STRING ||
	    !limit_dimension_find(json_string(dimension), &row->dimension))
		return fail(STATUS_CORRUPT, "%s", EXPECTED);
	row->subject = json_string(subject);
	int64_t least = 0;
	for (int window = 0; window < LIMIT_WINDOWS; window++) {
		const json *cents = json_next(&iterator, nullptr);
		if (json_type_of(cents) != JSON_INTEGER || json_integer(cents) < least)
			return fail(STATUS_CORRUPT, "%s", EXPECTED);
		row->cents[window] = least = json_integer(cents);
	}
	return OK;
}

enum status
others_read(struct arena *arena, const json *record, struct others *others) {
	const json *listed;
	*others = (struct others){};
	if (json_get(record, "others") == nullptr)
		return OK;
	TRY(json_need(record, "record", "others", JSON_ARRAY, &listed));
	struct others_row *rows = ARENA_NEW_ARRAY(arena, json_size(listed), struct others_row);
	struct json_iterator iterator = json_iterate(listed);
	size_t count = 0;
	TRY_ALLOC(rows);
	for (const json *row; (row = json_next(&iterator, nullptr)) != nullptr;)
		TRY(read_row(row, &rows[count++]));
	*others = (struct others){rows, count};
	return OK;
}

/* By the greatest of each dimension, as facts state it: a log that lies may list parts without end, and each is looked at once. */
enum status
others_hold(struct arena *arena, const struct spend *spend, const struct others *others, const struct facts *facts,
	    const char **difference) {
	int64_t greatest[LIMIT_DIMENSIONS][LIMIT_WINDOWS] = {};
	bool is_spent[LIMIT_DIMENSIONS] = {};
	size_t at = 0;
	for (size_t i = 0; i < spend->part_count; i++) {
		const struct limit_part *part = &spend->parts[i];
		const struct others_row *row = next_of(others, part, &at);
		is_spent[part->dimension] = true;
		for (int window = 0; window < LIMIT_WINDOWS; window++) {
			int64_t least, *most = &greatest[part->dimension][window];
			if (ckd_add(&least, part->cents, row == nullptr ? 0 : row->cents[window]) ||
			    least > JSON_INTEGER_MAX)
				least = JSON_INTEGER_MAX;
			*most = least > *most ? least : *most;
		}
	}
	*difference = nullptr;
	for (int dimension = 0; dimension < LIMIT_DIMENSIONS; dimension++)
		for (int window = 0; is_spent[dimension] && window < LIMIT_WINDOWS; window++) {
			const char *path = arena_format(arena, "limits.%s.%s", limit_dimension_names[dimension],
							limit_window_names[window]);
			int64_t stated = 0;
			TRY_ALLOC(path);
			if (!facts_long_at(facts, path, &stated) || stated < greatest[dimension][window])
				*difference = path;
		}
	return OK;
}
