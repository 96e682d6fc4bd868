#include "policy/diagnostic.h"

#include <stdio.h>

#include "policy/unicode.h"

constexpr size_t EXCERPT_BEFORE = 60; /* characters shown before the finding, */
constexpr size_t EXCERPT_MAX = 100;   /* and in all */

void
policy_diagnostics_free(struct policy_diagnostics *diagnostics) {
	arena_free(&diagnostics->arena);
	diagnostics->count = 0;
}

/* The byte after the character at `at`; what is not UTF-8 counts as a character per byte. */
static size_t
next_character(struct bytes text, size_t at, uint32_t *character) {
	size_t length = unicode_decode(text, at, character);
	if (length == 0)
		*character = 0xfffd;
	return at + (length == 0 ? 1 : length);
}

static size_t
line_start(const struct policy_source *source, size_t offset) {
	while (offset > 0 && source->text.data[offset - 1] != '\n')
		offset--;
	return offset;
}

static size_t
count_characters(struct bytes text, size_t from, size_t to) {
	size_t count = 0;
	uint32_t character;
	for (size_t at = from; at < to; count++)
		at = next_character(text, at, &character);
	return count;
}

void
policy_source_position(const struct policy_source *source, size_t offset, size_t *line, size_t *column) {
	if (offset > source->text.len)
		offset = source->text.len;
	*line = 1;
	for (size_t i = 0; i < offset; i++)
		*line += source->text.data[i] == '\n';
	*column = 1 + count_characters(source->text, line_start(source, offset), offset);
}

static void
append_printable(struct buffer *to, uint32_t character) {
	uint8_t bytes[4];
	if (character < 0x20 || character == 0x7f || unicode_is_space(character))
		character = ' ';
	else if (unicode_is_bidirectional_control(character) || (character >= 0x80 && character < 0xa0))
		character = 0xfffd;
	buffer_append(to, bytes, unicode_encode(character, bytes));
}

/* A message may quote the source, which may hold anything. */
static enum status
take_message(struct policy_diagnostics *diagnostics, struct bytes message, struct policy_diagnostic *item) {
	_cleanup_(buffer_free) struct buffer printable = {};
	for (size_t at = 0; at < message.len;) {
		uint32_t character;
		at = next_character(message, at, &character);
		append_printable(&printable, character);
	}
	TRY(buffer_status(&printable));
	item->message = arena_text(&diagnostics->arena, buffer_bytes(&printable));
	TRY_ALLOC(item->message);
	return OK;
}

/* The part of the line around the finding, so that what surrounds it can neither move the cursor nor reverse the text. */
static enum status
take_excerpt(struct policy_diagnostics *diagnostics, const struct policy_source *source, size_t offset,
	     struct policy_diagnostic *item) {
	_cleanup_(buffer_free) struct buffer line = {};
	size_t skip = item->column - 1 > EXCERPT_BEFORE ? item->column - 1 - EXCERPT_BEFORE : 0;
	size_t at = line_start(source, offset);
	for (size_t shown = 0; at < source->text.len && source->text.data[at] != '\n' && shown < skip + EXCERPT_MAX;
	     shown++) {
		uint32_t character;
		at = next_character(source->text, at, &character);
		if (shown >= skip)
			append_printable(&line, character);
	}
	TRY(buffer_status(&line));
	item->excerpt = arena_text(&diagnostics->arena, buffer_bytes(&line));
	TRY_ALLOC(item->excerpt);
	item->excerpt_column = item->column - skip;
	return OK;
}

static enum status
keep_item(struct policy_diagnostics *diagnostics, const struct policy_source *source, size_t offset, size_t length,
	  struct bytes message, struct policy_diagnostic *item) {
	item->width = count_characters(source->text, offset, offset + length);
	item->file = arena_text(&diagnostics->arena, bytes_of_text(source->file));
	TRY_ALLOC(item->file);
	TRY(take_message(diagnostics, message, item));
	TRY(take_excerpt(diagnostics, source, offset, item));
	diagnostics->items[diagnostics->count++] = *item;
	return OK;
}

void
policy_note(struct policy_diagnostics *diagnostics, const struct policy_source *source, size_t offset, size_t length,
	    const char *name, const char *format, ...) {
	char message[512];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(message, sizeof message, format, arguments);
	va_end(arguments);

	if (diagnostics != nullptr && diagnostics->count == DIAGNOSTICS_MAX) { /* nobody will ask where */
		fail_keep("%s: %s: %s", name, source->file, message);
		return;
	}
	struct policy_diagnostic item = {.name = name};
	if (offset > source->text.len)
		offset = source->text.len;
	if (length > source->text.len - offset)
		length = source->text.len - offset;
	policy_source_position(source, offset, &item.line, &item.column);
	/* Without memory for the list the detail still tells. */
	if (diagnostics != nullptr)
		IGNORE_STATUS(keep_item(diagnostics, source, offset, length, bytes_of_text(message), &item));
	fail_keep("%s: %s:%zu:%zu: %s", name, source->file, item.line, item.column, message);
}

static bool
stands_before(const struct policy_diagnostic *a, const struct policy_diagnostic *b) {
	return a->line < b->line || (a->line == b->line && a->column < b->column);
}

void
policy_diagnostics_sort(struct policy_diagnostics *diagnostics, size_t first) {
	for (size_t i = first + 1; i < diagnostics->count; i++) {
		struct policy_diagnostic item = diagnostics->items[i];
		size_t at = i;
		for (; at > first && stands_before(&item, &diagnostics->items[at - 1]); at--)
			diagnostics->items[at] = diagnostics->items[at - 1];
		diagnostics->items[at] = item;
	}
}

enum status
policy_diagnostics_fail(const struct policy_diagnostics *diagnostics, size_t first) {
	if (first >= diagnostics->count) /* the list was full, or there was no memory: the last detail stays */
		return fail_with(STATUS_INVALID);
	const struct policy_diagnostic *item = &diagnostics->items[first];
	return fail(STATUS_INVALID, "%s: %s:%zu:%zu: %s", item->name, item->file, item->line, item->column,
		    item->message);
}

/* The caret line ends with the excerpt, and marks one character at least. */
static void
print_carets(const struct policy_diagnostic *item, struct buffer *to) {
	struct bytes excerpt = bytes_of_text(item->excerpt);
	size_t characters = count_characters(excerpt, 0, excerpt.len);
	size_t room = item->excerpt_column <= characters ? characters - item->excerpt_column + 1 : 1;
	size_t carets = item->width == 0 ? 1 : item->width < room ? item->width : room;
	buffer_append_format(to, "%6s | %*s", "", (int)(item->excerpt_column - 1), "");
	for (size_t i = 0; i < carets; i++)
		buffer_append_byte(to, '^');
	buffer_append_byte(to, '\n');
}

void
policy_diagnostics_print(const struct policy_diagnostics *diagnostics, struct buffer *to) {
	for (size_t i = 0; i < diagnostics->count; i++) {
		const struct policy_diagnostic *item = &diagnostics->items[i];
		buffer_append_format(to, "%s:%zu:%zu: %s: %s\n", item->file, item->line, item->column, item->name,
				     item->message);
		buffer_append_format(to, "%6zu | %s\n", item->line, item->excerpt);
		print_carets(item, to);
	}
	if (diagnostics->count == DIAGNOSTICS_MAX)
		buffer_append_format(to, "reading stopped after %zu findings\n", DIAGNOSTICS_MAX);
}

void
policy_diagnostics_write(const struct policy_diagnostics *diagnostics, struct json_writer *writer) {
	json_write_array(writer);
	for (size_t i = 0; i < diagnostics->count; i++) {
		const struct policy_diagnostic *item = &diagnostics->items[i];
		json_write_object(writer);
		json_write_member_integer(writer, "column", (int64_t)item->column);
		json_write_member_text(writer, "file", item->file);
		json_write_member_integer(writer, "line", (int64_t)item->line);
		json_write_member_text(writer, "message", item->message);
		json_write_member_text(writer, "name", item->name);
		json_write_end(writer);
	}
	json_write_end(writer);
}
