#include "store/mark.h"

#include "base/cursor.h"

static const char first_line[] = "gatehouse-high-water/v1";

enum status
mark_format(const struct mark *mark, struct bytes origin, struct buffer *text) {
	size_t start = text->len;
	buffer_append_format(text, "%s\n%.*s\n%llu\n", first_line, BYTES_ARGS(origin), (unsigned long long)mark->size);
	buffer_append_base64(text, hash256_bytes(&mark->root));
	buffer_append_byte(text, '\n');
	TRY(buffer_status(text));
	struct hash256 hash = sha256(bytes_of(text->data + start, text->len - start));
	buffer_append_hex(text, hash256_bytes(&hash));
	buffer_append_byte(text, '\n');
	return buffer_status(text);
}

static enum status
format_error(const char *what) {
	return fail(STATUS_CORRUPT, "high_water.format: %s", what);
}

static enum status
parse_size(struct bytes text, uint64_t *size) {
	*size = 0;
	if (text.len == 0 || text.len > 19 || (text.len > 1 && text.data[0] == '0'))
		return format_error("the size is not a decimal number");
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return format_error("the size is not a decimal number");
		*size = *size * 10 + (uint64_t)(text.data[i] - '0');
	}
	return OK;
}

enum status
mark_parse(struct bytes text, struct bytes origin, struct mark *mark) {
	struct cursor cursor = cursor_of(text);
	struct bytes lines[5];
	size_t root_len;
	char expected[65];
	for (size_t i = 0; i < ARRAY_LENGTH(lines); i++)
		if (cursor_until(&cursor, "high_water.format", '\n', &lines[i]) != OK)
			return format_error("five lines are expected");
	if (cursor.left != 0)
		return format_error("bytes after the fifth line");
	size_t hashed_len = text.len - lines[4].len - 1;
	if (!bytes_equal_text(lines[0], first_line))
		return fail(STATUS_UNSUPPORTED, "high_water.version: \"%.*s\", this program reads %s",
			    BYTES_ARGS(lines[0]), first_line);
	struct hash256 hash = sha256(bytes_of(text.data, hashed_len));
	hex_encode(hash256_bytes(&hash), expected);
	if (!bytes_equal_text(lines[4], expected))
		return format_error("the SHA-256 does not match");
	if (!bytes_equal(lines[1], origin))
		return fail(STATUS_CONFLICT, "high_water.origin: the mark is of \"%.*s\", this log is \"%.*s\"",
			    BYTES_ARGS(lines[1]), BYTES_ARGS(origin));
	TRY(parse_size(lines[2], &mark->size));
	if (base64_decode(lines[3], mark->root.bytes, sizeof mark->root.bytes, &root_len) != OK ||
	    root_len != sizeof mark->root.bytes)
		return format_error("the root is not 32 bytes of base64");
	return OK;
}
