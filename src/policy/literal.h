/*
 * What stands between the quotes of a string or pattern literal, unescaped as Rust does it: \n \r \t \\ \0 \' \" \xHH up to 7f,
 * \u{1 to 6 hexadecimal digits, underscores between them}; in patterns also \*, and * is the wildcard.
 */
#ifndef GATEHOUSE_POLICY_LITERAL_H
#define GATEHOUSE_POLICY_LITERAL_H

#include "base/arena.h"
#include "policy/lexer.h"

/* token is a TOKEN_STRING. Findings: policy.escape. */
enum status policy_unescape_string(struct arena *arena, const struct policy_source *source, const struct token *token,
				   struct policy_diagnostics *diagnostics, struct bytes *string);
/* The literal parts, with a wildcard between each two: "a*" has the parts "a" and "". */
enum status policy_unescape_pattern(struct arena *arena, const struct policy_source *source, const struct token *token,
				    struct policy_diagnostics *diagnostics, const struct bytes **parts,
				    size_t *part_count);

#endif
