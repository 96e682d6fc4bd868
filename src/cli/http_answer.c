#include "cli/http_answer.h"

#include <strings.h>

#include "base/cursor.h"

static bool
name_equals(struct bytes name, const char *expected) {
	return name.len == strlen(expected) && strncasecmp((const char *)name.data, expected, name.len) == 0;
}

static enum status
take_line(struct cursor *cursor, struct bytes *line) {
	TRY(cursor_until(cursor, "http_answer.line", '\n', line));
	if (line->len == 0 || line->data[line->len - 1] != '\r')
		return fail(STATUS_INVALID, "http_answer.line: a line that does not end in CR LF");
	line->len--;
	return OK;
}

/* "HTTP/1.1 200 OK" */
static enum status
read_status(struct bytes line, struct http_answer_head *answer) {
	struct cursor cursor = cursor_of(line);
	struct bytes version, digits;
	uint64_t status;
	TRY(cursor_take(&cursor, "http_answer.version", 9, &version));
	if (!bytes_equal_text(version, "HTTP/1.1 "))
		return fail(STATUS_INVALID, "http_answer.version: not HTTP/1.1");
	TRY(cursor_take(&cursor, "http_answer.status", 3, &digits));
	if (decimal_decode(digits, &status) != OK || status < 200 || status > 599 ||
	    (cursor.left > 0 && cursor.at[0] != ' '))
		return fail(STATUS_INVALID, "http_answer.status: expected 200 to 599");
	answer->status = (unsigned)status;
	return OK;
}

static enum status
read_length(struct bytes value, bool *has_length, uint64_t *length) {
	if (*has_length)
		return fail(STATUS_INVALID, "http_answer.length: it stands twice");
	*has_length = true;
	return decimal_decode(value, length) == OK ? OK : fail(STATUS_INVALID, "http_answer.length: expected digits");
}

static enum status
read_field(struct bytes line, struct http_answer_head *answer, bool *has_length) {
	struct cursor cursor = cursor_of(line);
	struct bytes name;
	TRY(cursor_until(&cursor, "http_answer.field", ':', &name));
	struct bytes value = bytes_of(cursor.at, cursor.left);
	while (value.len > 0 && (value.data[0] == ' ' || value.data[0] == '\t'))
		value = bytes_of(value.data + 1, value.len - 1);
	while (value.len > 0 && (value.data[value.len - 1] == ' ' || value.data[value.len - 1] == '\t'))
		value.len--;
	if (name_equals(name, "transfer-encoding"))
		return fail(STATUS_INVALID, "http_answer.coding: transfer codings are not for this client");
	if (name_equals(name, "content-length"))
		return read_length(value, has_length, &answer->length);
	if (name_equals(name, "content-type"))
		answer->content_type = value;
	return OK;
}

enum status
http_answer_read_head(struct bytes head, struct http_answer_head *answer) {
	struct cursor cursor = cursor_of(head);
	struct bytes line;
	bool has_length = false;
	*answer = (struct http_answer_head){};
	TRY(take_line(&cursor, &line));
	TRY(read_status(line, answer));
	for (;;) {
		TRY(take_line(&cursor, &line));
		if (line.len == 0)
			return cursor_end(&cursor, "http_answer.line");
		TRY(read_field(line, answer, &has_length));
	}
}
