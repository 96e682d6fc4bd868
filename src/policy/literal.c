#include "policy/literal.h"

#include "policy/unicode.h"

struct unescaper {
	const struct policy_source *source;
	struct policy_diagnostics *diagnostics;
	struct bytes text; /* between the quotes */
	size_t offset;     /* of text in the source */
	size_t at;
	bool is_pattern;
};

static enum status
bad_escape(const struct unescaper *u, size_t start, const char *expected) {
	size_t length = (u->at < u->text.len ? u->at : u->text.len) - start;
	return policy_complain(u->diagnostics, u->source, u->offset + start, length, "policy.escape",
			       "`%.*s` is no escape: expected %s", (int)(length > 16 ? 16 : length),
			       (const char *)u->text.data + start, expected);
}

static int
hex_value(uint8_t c) {
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The next byte; 0 at the end, which no escape holds. */
static uint8_t
take(struct unescaper *u) {
	return u->at < u->text.len ? u->text.data[u->at++] : 0;
}

static enum status
take_byte_escape(struct unescaper *u, size_t start, uint32_t *character) {
	int high = hex_value(take(u)), low = high < 0 ? -1 : hex_value(take(u));
	if (high < 0 || low < 0 || high > 7)
		return bad_escape(u, start, "\\x and two hexadecimal digits, at most 7f");
	*character = (uint32_t)(high << 4 | low);
	return OK;
}

static enum status
take_unicode_escape(struct unescaper *u, size_t start, uint32_t *character) {
	static const char expected[] = "\\u{ and one to six hexadecimal digits of a character and }";
	size_t digits = 0;
	*character = 0;
	if (take(u) != '{')
		return bad_escape(u, start, expected);
	for (;;) {
		uint8_t c = take(u);
		if (c == '}' && digits > 0)
			break;
		if (c == '_' && digits > 0)
			continue;
		if (hex_value(c) < 0 || ++digits > 6)
			return bad_escape(u, start, expected);
		*character = *character << 4 | (uint32_t)hex_value(c);
	}
	if (*character > 0x10ffff || (*character >= 0xd800 && *character <= 0xdfff))
		return bad_escape(u, start, expected);
	return OK;
}

/* The character after a backslash that stands at start. */
static enum status
take_escape(struct unescaper *u, size_t start, uint32_t *character) {
	uint8_t c = take(u);
	switch (c) {
	case 'n':
		*character = '\n';
		return OK;
	case 'r':
		*character = '\r';
		return OK;
	case 't':
		*character = '\t';
		return OK;
	case '0':
		*character = 0;
		return OK;
	case '\\':
	case '\'':
	case '"':
		*character = c;
		return OK;
	case 'x':
		return take_byte_escape(u, start, character);
	case 'u':
		return take_unicode_escape(u, start, character);
	case '*':
		if (u->is_pattern) {
			*character = c;
			return OK;
		}
		return bad_escape(u, start, "\\* in the pattern of like only");
	default:
		/* The whole character is shown, not its first byte. */
		while (u->at < u->text.len && (u->text.data[u->at] & 0xc0) == 0x80)
			u->at++;
		return bad_escape(u, start, "\\n \\r \\t \\\\ \\0 \\' \\\" \\x.. or \\u{...}");
	}
}

static enum status
unescape(struct unescaper *u, struct buffer *to, struct bytes *parts, size_t *part_count) {
	size_t part_start = 0;
	*part_count = 0;
	while (u->at < u->text.len) {
		size_t start = u->at;
		uint8_t c = take(u);
		if (c == '\\') {
			uint32_t character = 0;
			uint8_t encoded[4];
			TRY(take_escape(u, start, &character));
			buffer_append(to, encoded, unicode_encode(character, encoded));
		} else if (c == '*' && u->is_pattern) {
			if (parts != nullptr)
				parts[*part_count] = bytes_of(to->data + part_start, to->len - part_start);
			(*part_count)++;
			part_start = to->len;
		} else if (c == '\r') {
			return bad_escape(u, start, "\\r instead of a carriage return");
		} else
			buffer_append_byte(to, c);
	}
	if (parts != nullptr)
		parts[*part_count] = bytes_of(to->data + part_start, to->len - part_start);
	(*part_count)++;
	return buffer_status(to);
}

static struct unescaper
unescaper_of(const struct policy_source *source, const struct token *token, struct policy_diagnostics *diagnostics,
	     bool is_pattern) {
	return (struct unescaper){
		.source = source,
		.diagnostics = diagnostics,
		.text = bytes_of(source->text.data + token->offset + 1, token->length - 2),
		.offset = token->offset + 1,
		.is_pattern = is_pattern,
	};
}

enum status
policy_unescape_string(struct arena *arena, const struct policy_source *source, const struct token *token,
		       struct policy_diagnostics *diagnostics, struct bytes *string) {
	struct unescaper u = unescaper_of(source, token, diagnostics, false);
	bool is_plain = u.text.len == 0 || (memchr(u.text.data, '\\', u.text.len) == nullptr &&
					    memchr(u.text.data, '\r', u.text.len) == nullptr);
	*string = u.text;
	if (is_plain) /* the source lives as long as the arena does */
		return OK;
	_cleanup_(buffer_free) struct buffer buffer = {};
	size_t parts;
	TRY(unescape(&u, &buffer, nullptr, &parts));
	*string = arena_copy(arena, buffer_bytes(&buffer));
	TRY_ALLOC(string->data);
	return OK;
}

enum status
policy_unescape_pattern(struct arena *arena, const struct policy_source *source, const struct token *token,
			struct policy_diagnostics *diagnostics, const struct bytes **parts, size_t *part_count) {
	struct unescaper u = unescaper_of(source, token, diagnostics, true);
	size_t stars = 0;
	for (size_t i = 0; i < u.text.len; i++)
		stars += u.text.data[i] == '*';
	struct bytes *list = ARENA_NEW_ARRAY(arena, stars + 1, struct bytes);
	TRY_ALLOC(list);
	/* No escape is shorter than what it stands for, so the text's length is enough and the parts stay where they are. */
	_cleanup_(buffer_free) struct buffer buffer = {};
	if (!buffer_reserve(&buffer, u.text.len + 1))
		return buffer_status(&buffer);
	TRY(unescape(&u, &buffer, list, part_count));
	struct bytes copy = arena_copy(arena, buffer_bytes(&buffer));
	TRY_ALLOC(copy.data);
	for (size_t i = 0; i < *part_count; i++)
		list[i].data = copy.data + (list[i].data - buffer.data);
	*parts = list;
	return OK;
}
