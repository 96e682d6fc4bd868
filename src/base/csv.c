#include "base/csv.h"

void
csv_start(struct csv_reader *reader, struct arena *arena, const char *name, struct bytes text) {
	static const uint8_t mark[] = {0xEF, 0xBB, 0xBF}; /* what spreadsheets put before UTF-8 */
	*reader = (struct csv_reader){.name = name, .text = text, .arena = arena, .line = 1};
	if (text.len >= sizeof mark && memcmp(text.data, mark, sizeof mark) == 0)
		reader->at = reader->line_start = sizeof mark;
}

#define FAIL_AT(reader, name, offset, ...)                                                                             \
	fail_at(reader, name, (reader)->line, (offset) - (reader)->line_start + 1, __VA_ARGS__)

static enum status
fail_at(const struct csv_reader *reader, const char *name, size_t line, size_t column, const char *sentence) {
	return fail(STATUS_INVALID, "%s: %s:%zu:%zu: %s", name, reader->name, line, column, sentence);
}

static bool
is_at_end(const struct csv_reader *reader) {
	return reader->at >= reader->text.len;
}

static uint8_t
here(const struct csv_reader *reader) {
	return is_at_end(reader) ? '\n' : reader->text.data[reader->at];
}

static void
next_line(struct csv_reader *reader) {
	if (!is_at_end(reader))
		reader->at++;
	reader->line++;
	reader->line_start = reader->at;
}

/* A carriage return belongs to the line feed behind it. */
static enum status
pass_carriage_return(struct csv_reader *reader) {
	if (is_at_end(reader) || here(reader) != '\r')
		return OK;
	if (reader->at + 1 < reader->text.len && reader->text.data[reader->at + 1] == '\n') {
		reader->at++;
		return OK;
	}
	return FAIL_AT(reader, "csv.carriage_return", reader->at, "a carriage return stands alone");
}

/* One character that may stand in a field. */
static enum status
pass_character(struct csv_reader *reader) {
	uint8_t byte = here(reader);
	size_t len = utf8_length(reader->text.data + reader->at, reader->text.len - reader->at);
	if (len == 0)
		return FAIL_AT(reader, "csv.utf8", reader->at, "not UTF-8");
	if ((byte < 0x20 && byte != '\t') || byte == 0x7F)
		return FAIL_AT(reader, "csv.control", reader->at, "a control character");
	reader->at += len;
	return OK;
}

static enum status
read_quoted(struct csv_reader *reader, struct csv_field *field) {
	_cleanup_(buffer_free) struct buffer text = {};
	reader->at++;
	for (;; buffer_append_byte(&text, '"')) {
		while (!is_at_end(reader) && here(reader) != '"') {
			size_t start = reader->at;
			if (here(reader) == '\n') {
				buffer_append_byte(&text, '\n');
				next_line(reader);
				continue;
			}
			TRY(pass_carriage_return(reader));
			if (here(reader) == '\n')
				continue;
			TRY(pass_character(reader));
			buffer_append(&text, reader->text.data + start, reader->at - start);
		}
		if (is_at_end(reader))
			return fail_at(reader, "csv.unclosed", field->line, field->column,
				       "the quoted field does not end");
		reader->at++;
		if (is_at_end(reader) || here(reader) != '"')
			break;
		reader->at++;
	}
	TRY(buffer_status(&text));
	field->text = arena_copy(reader->arena, buffer_bytes(&text));
	TRY_ALLOC(field->text.data);
	TRY(pass_carriage_return(reader));
	if (here(reader) != ',' && here(reader) != '\n')
		return FAIL_AT(reader, "csv.after_quote", reader->at,
			       "expected a comma or the end of the line behind a quoted field");
	return OK;
}

static enum status
read_plain(struct csv_reader *reader, struct csv_field *field) {
	size_t start = reader->at;
	while (here(reader) != ',' && here(reader) != '\n' && here(reader) != '\r') {
		if (here(reader) == '"')
			return FAIL_AT(reader, "csv.quote", reader->at,
				       "a quotation mark within a field that does not begin with one");
		TRY(pass_character(reader));
	}
	field->text = bytes_of(reader->text.data + start, reader->at - start);
	return pass_carriage_return(reader);
}

static enum status
skip_empty_lines(struct csv_reader *reader) {
	while (!is_at_end(reader)) {
		TRY(pass_carriage_return(reader));
		if (here(reader) != '\n')
			return OK;
		next_line(reader);
	}
	return OK;
}

enum status
csv_next(struct csv_reader *reader, struct csv_field *fields, size_t *count) {
	*count = 0;
	TRY(skip_empty_lines(reader));
	if (is_at_end(reader))
		return OK;
	for (;; reader->at++) {
		if (*count == CSV_FIELDS_MAX)
			return FAIL_AT(reader, "csv.columns", reader->at, "more than 64 fields");
		struct csv_field *field = &fields[(*count)++];
		*field = (struct csv_field){
			.line = reader->line, .column = reader->at - reader->line_start + 1, .offset = reader->at};
		TRY(here(reader) == '"' && !is_at_end(reader) ? read_quoted(reader, field) : read_plain(reader, field));
		if (here(reader) != ',')
			break;
	}
	if (reader->width == 0)
		reader->width = *count;
	if (*count != reader->width)
		return fail(STATUS_INVALID, "csv.columns: %s:%zu:%zu: expected %zu fields, found %zu", reader->name,
			    fields[0].line, fields[0].column, reader->width, *count);
	next_line(reader);
	return OK;
}

void
csv_write_field(struct buffer *to, struct bytes text) {
	bool is_plain = text.len == 0 || text.data[0] != 0xEF; /* it could be taken for a mark before the text */
	for (size_t i = 0; i < text.len; i++)
		is_plain = is_plain && text.data[i] != '"' && text.data[i] != ',' && text.data[i] != '\n' &&
			   text.data[i] != '\r';
	if (is_plain) {
		buffer_append_bytes(to, text);
		return;
	}
	buffer_append_byte(to, '"');
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '"')
			buffer_append_byte(to, '"');
		buffer_append_byte(to, text.data[i]);
	}
	buffer_append_byte(to, '"');
}
