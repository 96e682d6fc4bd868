#include "policy/lexer.h"

#include <stdio.h>
#include <stdlib.h>

#include "policy/unicode.h"

struct lexer {
	const struct policy_source *source;
	struct lexer_options options;
	struct policy_diagnostics *diagnostics;
	struct policy_tokens *tokens;
	size_t at;
	size_t findings;
};

void
policy_tokens_free(struct policy_tokens *tokens) {
	free(tokens->items);
	*tokens = (struct policy_tokens){};
}

static enum status
keep_token(struct policy_tokens *tokens, enum token_kind kind, size_t offset, size_t length) {
	if (tokens->count == tokens->capacity) {
		size_t capacity = tokens->capacity == 0 ? 64 : tokens->capacity * 2;
		struct token *items = reallocarray(tokens->items, capacity, sizeof *items);
		TRY_ALLOC(items);
		tokens->items = items;
		tokens->capacity = capacity;
	}
	tokens->items[tokens->count++] = (struct token){kind, (uint32_t)offset, (uint32_t)length};
	return OK;
}

static enum status
add_token(struct lexer *lexer, enum token_kind kind, size_t length) {
	TRY(keep_token(lexer->tokens, kind, lexer->at, length));
	lexer->at += length;
	return OK;
}

/* Lexing goes on behind a finding. */
#define NOTE(lexer, offset, length, ...)                                                                               \
	((lexer)->findings++, policy_note((lexer)->diagnostics, (lexer)->source, (offset), (length), __VA_ARGS__))

static bool
is_name_start(uint8_t c) {
	return c == '_' || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool
is_digit(uint8_t c) {
	return c >= '0' && c <= '9';
}

static uint8_t
peek(const struct lexer *lexer, size_t ahead) {
	return lexer->source->text.len - lexer->at > ahead ? lexer->source->text.data[lexer->at + ahead] : 0;
}

static size_t
name_length(const struct lexer *lexer, size_t from) {
	size_t length = from;
	while (is_name_start(peek(lexer, length)) || is_digit(peek(lexer, length)))
		length++;
	return length - from;
}

/* The character at offset, which is checked for what no part of a text may hold. */
static void
take_character(struct lexer *lexer, size_t offset, uint32_t *character, size_t *length) {
	*length = unicode_decode(lexer->source->text, offset, character);
	if (*length == 0) {
		NOTE(lexer, offset, 1, "policy.utf8", "expected UTF-8, found the byte 0x%02x",
		     lexer->source->text.data[offset]);
		*character = 0xfffd;
		*length = 1;
	} else if (!lexer->options.allow_bidirectional && unicode_is_bidirectional_control(*character))
		NOTE(lexer, offset, *length, "policy.bidirectional_control",
		     "U+%04X changes the direction of text and could hide what this says; write it as \\u{%x}",
		     (unsigned)*character, (unsigned)*character);
}

static enum status
take_comment(struct lexer *lexer) {
	size_t start = lexer->at;
	while (lexer->at < lexer->source->text.len && lexer->findings < DIAGNOSTICS_MAX) {
		uint32_t character;
		size_t length;
		uint8_t c = lexer->source->text.data[lexer->at];
		if (c == '\n' || c == '\r')
			break;
		take_character(lexer, lexer->at, &character, &length);
		lexer->at += length;
	}
	if (lexer->options.comments == nullptr)
		return OK;
	return keep_token(lexer->options.comments, TOKEN_COMMENT, start, lexer->at - start);
}

/* A backslash takes the next character with it, whatever it is, but for a line feed. */
static enum status
take_string(struct lexer *lexer) {
	struct bytes text = lexer->source->text;
	size_t end = lexer->at + 1;
	while (end < text.len && text.data[end] != '"' && lexer->findings < DIAGNOSTICS_MAX) {
		uint32_t character;
		size_t length;
		if (text.data[end] == '\\') {
			end++;
			if (end == text.len || text.data[end] == '\n')
				break;
		}
		take_character(lexer, end, &character, &length);
		end += length;
	}
	if (end < text.len && text.data[end] == '"')
		return add_token(lexer, TOKEN_STRING, end + 1 - lexer->at);
	size_t line_end = lexer->at;
	while (line_end < text.len && text.data[line_end] != '\n')
		line_end++;
	NOTE(lexer, lexer->at, line_end - lexer->at, "policy.unterminated_string", "this string has no closing quote");
	return add_token(lexer, TOKEN_INVALID, (end < line_end ? line_end : end) - lexer->at);
}

static const struct {
	char text[3];
	enum token_kind kind;
} symbols[] = {
	/* the longer ones first */
	{"::", TOKEN_PATH},
	{"==", TOKEN_EQUAL},
	{"!=", TOKEN_NOT_EQUAL},
	{"<=", TOKEN_LESS_EQUAL},
	{">=", TOKEN_GREATER_EQUAL},
	{"||", TOKEN_OR},
	{"&&", TOKEN_AND},
	{"@", TOKEN_AT},
	{".", TOKEN_DOT},
	{",", TOKEN_COMMA},
	{";", TOKEN_SEMICOLON},
	{":", TOKEN_COLON},
	{"(", TOKEN_OPEN_PARENTHESIS},
	{")", TOKEN_CLOSE_PARENTHESIS},
	{"{", TOKEN_OPEN_BRACE},
	{"}", TOKEN_CLOSE_BRACE},
	{"[", TOKEN_OPEN_BRACKET},
	{"]", TOKEN_CLOSE_BRACKET},
	{"<", TOKEN_LESS},
	{">", TOKEN_GREATER},
	{"+", TOKEN_PLUS},
	{"-", TOKEN_MINUS},
	{"*", TOKEN_TIMES},
	{"/", TOKEN_DIVIDE},
	{"%", TOKEN_REMAINDER},
	{"!", TOKEN_NOT},
	{"=", TOKEN_ASSIGN},
	{"?", TOKEN_QUESTION},
};

static enum status
take_symbol(struct lexer *lexer) {
	for (size_t i = 0; i < ARRAY_LENGTH(symbols); i++) {
		size_t length = strlen(symbols[i].text);
		if (peek(lexer, 0) == (uint8_t)symbols[i].text[0] &&
		    (length == 1 || peek(lexer, 1) == (uint8_t)symbols[i].text[1]))
			return add_token(lexer, symbols[i].kind, length);
	}
	uint32_t character;
	size_t length;
	size_t findings = lexer->findings;
	take_character(lexer, lexer->at, &character, &length);
	if (lexer->findings == findings && unicode_is_space(character)) {
		lexer->at += length;
		return OK;
	}
	if (lexer->findings == findings)
		NOTE(lexer, lexer->at, length, "policy.unexpected_character",
		     "the character U+%04X stands where no character of Cedar does%s", (unsigned)character,
		     character == '&'    ? "; write && for and"
		     : character == '|'  ? "; write || for or"
		     : character == '\'' ? "; strings stand in double quotes"
					 : "");
	return add_token(lexer, TOKEN_INVALID, length);
}

static enum status
take_token(struct lexer *lexer) {
	uint8_t c = peek(lexer, 0);
	if (c == ' ' || (c >= '\t' && c <= '\r')) {
		lexer->at++;
		return OK;
	}
	if (c == '/' && peek(lexer, 1) == '/')
		return take_comment(lexer);
	if (is_name_start(c))
		return add_token(lexer, TOKEN_NAME, name_length(lexer, 0));
	if (c == '?' && is_name_start(peek(lexer, 1)))
		return add_token(lexer, TOKEN_SLOT, 1 + name_length(lexer, 1));
	if (is_digit(c)) {
		size_t length = 1;
		while (is_digit(peek(lexer, length)))
			length++;
		return add_token(lexer, TOKEN_NUMBER, length);
	}
	if (c == '"')
		return take_string(lexer);
	return take_symbol(lexer);
}

enum status
policy_tokenize(const struct policy_source *source, struct lexer_options options,
		struct policy_diagnostics *diagnostics, struct policy_tokens *tokens) {
	if (source->text.len > POLICY_TEXT_MAX)
		return policy_complain(diagnostics, source, POLICY_TEXT_MAX, 1, "policy.too_large",
				       "expected at most %zu bytes, found %zu", POLICY_TEXT_MAX, source->text.len);
	struct lexer lexer = {.source = source, .options = options, .diagnostics = diagnostics, .tokens = tokens};
	while (lexer.at < source->text.len && lexer.findings < DIAGNOSTICS_MAX)
		TRY(take_token(&lexer));
	TRY(add_token(&lexer, TOKEN_END, 0));
	return lexer.findings > 0 ? fail_with(STATUS_INVALID) : OK;
}

void
token_describe(const struct policy_source *source, const struct token *token, char *description) {
	if (token->kind == TOKEN_END) {
		snprintf(description, TOKEN_DESCRIPTION_SIZE, "the end of the text");
		return;
	}
	constexpr int SHOWN = 40;
	bool is_cut = token->length > (uint32_t)SHOWN;
	struct bytes text = token_text(source, token);
	snprintf(description, TOKEN_DESCRIPTION_SIZE, "`%.*s%s`", is_cut ? SHOWN : (int)text.len,
		 (const char *)text.data, is_cut ? "..." : "");
}
