/*
 * Reader: base/csv.c
 * Property: records have one width and fields lie where they are said to; what is written again is read as the same fields.
 */
#include <stdlib.h>

#include "base/csv.h"

static void
check_again(const struct csv_field *fields, size_t count) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer line = {};
	struct csv_reader reader;
	struct csv_field again[CSV_FIELDS_MAX];
	size_t found;
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buffer_append_byte(&line, ',');
		csv_write_field(&line, fields[i].text);
	}
	csv_start(&reader, &arena, "again", buffer_bytes(&line));
	if (csv_next(&reader, again, &found) != OK)
		abort();
	/* One empty field is an empty line. */
	if (found != count && !(count == 1 && fields[0].text.len == 0))
		abort();
	for (size_t i = 0; i < found; i++)
		if (!bytes_equal(fields[i].text, again[i].text))
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(arena_free) struct arena arena = {};
	struct csv_reader reader;
	struct csv_field fields[CSV_FIELDS_MAX];
	size_t count = 1, width = 0;
	csv_start(&reader, &arena, "input", bytes_of(data, size));
	while (count > 0) {
		if (csv_next(&reader, fields, &count) != OK) {
			if (strncmp(fail_message(), "csv.", 4) != 0)
				abort();
			return 0;
		}
		width = width == 0 ? count : width;
		if (count > 0 && count != width)
			abort();
		for (size_t i = 0; i < count; i++)
			if (fields[i].line == 0 || fields[i].column == 0 || fields[i].offset > size)
				abort();
		if (count > 0)
			check_again(fields, count);
	}
	return 0;
}
