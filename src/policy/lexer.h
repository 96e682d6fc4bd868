/*
 * The words of Cedar: policies and, with the same rules, schemas in Cedar syntax.
 *
 * A text is cut into tokens all at once; white space and `//` comments stand between them. What is no token is noted as a
 * finding and stands in the array as TOKEN_INVALID, so that a parser can go on behind it without complaining twice.
 * Owner: the array is on the heap, freed by policy_tokens_free(); tokens are places in the source.
 */
#ifndef GATEHOUSE_POLICY_LEXER_H
#define GATEHOUSE_POLICY_LEXER_H

#include "policy/diagnostic.h"

constexpr size_t POLICY_TEXT_MAX = 16 << 20;

enum token_kind {
	TOKEN_END,
	TOKEN_INVALID,
	TOKEN_NAME,   /* an identifier or a reserved word */
	TOKEN_NUMBER, /* digits */
	TOKEN_STRING, /* quotes included, escapes as written */
	TOKEN_SLOT,   /* ?principal */
	TOKEN_QUESTION,
	TOKEN_AT,
	TOKEN_DOT,
	TOKEN_COMMA,
	TOKEN_SEMICOLON,
	TOKEN_COLON,
	TOKEN_PATH, /* :: */
	TOKEN_OPEN_PARENTHESIS,
	TOKEN_CLOSE_PARENTHESIS,
	TOKEN_OPEN_BRACE,
	TOKEN_CLOSE_BRACE,
	TOKEN_OPEN_BRACKET,
	TOKEN_CLOSE_BRACKET,
	TOKEN_EQUAL, /* == */
	TOKEN_NOT_EQUAL,
	TOKEN_LESS,
	TOKEN_LESS_EQUAL,
	TOKEN_GREATER,
	TOKEN_GREATER_EQUAL,
	TOKEN_OR,
	TOKEN_AND,
	TOKEN_PLUS,
	TOKEN_MINUS,
	TOKEN_TIMES,
	TOKEN_DIVIDE,
	TOKEN_REMAINDER,
	TOKEN_NOT,
	TOKEN_ASSIGN,  /* = */
	TOKEN_COMMENT, /* only where comments are asked for */
};

struct token {
	enum token_kind kind;
	uint32_t offset;
	uint32_t length;
};

struct policy_tokens {
	struct token *items; /* the last is TOKEN_END */
	size_t count;
	size_t capacity;
};

void policy_tokens_free(struct policy_tokens *tokens); /* a cleanup function */

struct lexer_options {
	bool allow_bidirectional;
	struct policy_tokens *comments; /* receives them; null: they are dropped */
};

/* STATUS_INVALID where anything was noted; the tokens are usable all the same, unless the text is too large.
 * Findings: policy.too_large, utf8, unexpected_character, unterminated_string, bidirectional_control. */
enum status policy_tokenize(const struct policy_source *source, struct lexer_options options,
			    struct policy_diagnostics *diagnostics, struct policy_tokens *tokens);

/* `when`, `"text"`, or "the end of the text": for messages; long ones are cut. */
constexpr size_t TOKEN_DESCRIPTION_SIZE = 64;
void token_describe(const struct policy_source *source, const struct token *token, char *description);

static inline struct bytes
token_text(const struct policy_source *source, const struct token *token) {
	return bytes_of(source->text.data + token->offset, token->length);
}

#endif
