/*
 * Comma-separated values, as people export them from tables: RFC 4180, in UTF-8, read strictly.
 *
 * Records end in a line feed, with a carriage return before it or not; the last may lack it. A field that begins with a
 * quotation mark ends with one, and holds two for each of its own. Refused by name, with file, line and column: a quotation mark
 * elsewhere, a quoted field that does not end or goes on behind its end, a carriage return alone, control characters, text that
 * is not UTF-8, records with another number of fields than the first. Empty lines between records are skipped.
 *
 * Owner: fields borrow from the text, or live in the arena where they were quoted. Errors: "csv.<name>: <file>:<line>:<column>: ...".
 */
#ifndef GATEHOUSE_BASE_CSV_H
#define GATEHOUSE_BASE_CSV_H

#include "base/arena.h"

constexpr size_t CSV_FIELDS_MAX = 64;

struct csv_field {
	struct bytes text;
	size_t line, column; /* of its first character, from 1; columns count bytes */
	size_t offset;       /* of it in the text */
};

struct csv_reader {
	const char *name; /* the file's, for messages */
	struct bytes text;
	struct arena *arena;
	size_t at;
	size_t line, line_start;
	size_t width; /* fields of the first record; 0: none was read */
};

void csv_start(struct csv_reader *reader, struct arena *arena, const char *name, struct bytes text);
/* The next record into fields, which holds CSV_FIELDS_MAX; *count 0: there is none. */
enum status csv_next(struct csv_reader *reader, struct csv_field *fields, size_t *count);
/* A field, appended: quoted where it must be. */
void csv_write_field(struct buffer *to, struct bytes text);

#endif
