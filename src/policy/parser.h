/*
 * From text to policies: recursive descent over tokens, one function per production of Cedar's grammar.
 *
 * A finding ends the policy that it stands in; parsing goes on after the next semicolon, so that one run tells of every
 * broken policy. Nesting is bounded by EXPRESSION_DEPTH_MAX. What is made lives in the arena and borrows from the source,
 * which must live as long. Source: Cedar 4.5, "Grammar specification for Cedar policy syntax".
 */
#ifndef GATEHOUSE_POLICY_PARSER_H
#define GATEHOUSE_POLICY_PARSER_H

#include "policy/ast.h"
#include "policy/lexer.h"

/* Every policy and template of the source, in order. STATUS_INVALID where there were findings. */
enum status policy_parse(struct arena *arena, const struct policy_source *source, struct policy_set_options options,
			 struct policy_diagnostics *diagnostics, const struct policy_ast *const **policies,
			 size_t *count);

/* What follows is between parser.c and parser_expression.c. */

struct parser {
	struct arena *arena;
	const struct policy_source *source;
	struct policy_diagnostics *diagnostics;
	struct policy_set_options options;
	const struct token *tokens; /* ends with TOKEN_END, which is never passed */
	size_t at;
	size_t depth;
	size_t line_offset; /* how far lines are counted, */
	size_t line;        /* and the line there */
};

static inline const struct token *
parser_token(const struct parser *parser) {
	return &parser->tokens[parser->at];
}

static inline const struct token *
parser_ahead(const struct parser *parser) {
	return parser_token(parser)->kind == TOKEN_END ? parser_token(parser) : &parser->tokens[parser->at + 1];
}

static inline bool
parser_sees(const struct parser *parser, enum token_kind kind) {
	return parser_token(parser)->kind == kind;
}

/* A finding at a token. */
#define COMPLAIN(parser, token, ...)                                                                                   \
	policy_complain((parser)->diagnostics, (parser)->source, (token)->offset, (token)->length, __VA_ARGS__)

bool parser_sees_word(const struct parser *parser, const char *word);
bool parser_take(struct parser *parser, enum token_kind kind); /* true and past it, if it is next */
enum status parser_expect(struct parser *parser, enum token_kind kind, const char *expected);
/* "expected <expected>, found <token>": policy.unexpected_token or policy.unexpected_end. */
enum status parser_unexpected(const struct parser *parser, const char *expected);
/* From the first byte of token `start` to the last byte taken. */
struct place parser_place(const struct parser *parser, size_t start);
/* A name that is not reserved, past it. */
enum status parser_name(struct parser *parser, const char *expected, struct bytes *name);
/* Names joined by `::`. */
enum status parser_path(struct parser *parser, const char *expected, struct bytes *path);
/* Room for one more item behind count; the array may move. Null: out of memory. */
void *parser_grow(struct parser *parser, const void *items, size_t count, size_t size);

enum status parser_expression(struct parser *parser, const struct expression **expression);

#endif
