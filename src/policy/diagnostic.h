/*
 * What is wrong with a text that somebody wrote: policies, entities, schemas. Each finding has a stable name, file, line
 * and column, the line itself with a caret below, and a sentence that says what was expected and what was found.
 *
 * Several findings are kept per run; after DIAGNOSTICS_MAX of them readers stop. The list owns its memory and outlives the
 * text. Lines and columns count from 1; columns count characters (code points), not bytes.
 */
#ifndef GATEHOUSE_POLICY_DIAGNOSTIC_H
#define GATEHOUSE_POLICY_DIAGNOSTIC_H

#include "base/arena.h"
#include "base/json.h"

constexpr size_t DIAGNOSTICS_MAX = 32;

struct policy_diagnostic {
	const char *name; /* "policy.unexpected_token"; static */
	const char *file;
	size_t line, column;
	size_t width; /* characters that the caret line marks, at least 1 */
	const char *message;
	const char *excerpt;   /* the line, made printable; "" where there is none */
	size_t excerpt_column; /* where in the excerpt the caret stands, from 1: long lines are cut */
};

struct policy_diagnostics {
	struct arena arena;
	struct policy_diagnostic items[DIAGNOSTICS_MAX];
	size_t count;
};

void policy_diagnostics_free(struct policy_diagnostics *diagnostics); /* a cleanup function */

/* A text that findings point into. Borrows both. */
struct policy_source {
	const char *file;
	struct bytes text;
};

/* The line and column of a byte offset. */
void policy_source_position(const struct policy_source *source, size_t offset, size_t *line, size_t *column);

/* Notes a finding at [offset, offset + length), and keeps the detail "<name>: <file>:<line>:<column>: <message>".
 * diagnostics may be null: then only the detail is kept. */
void policy_note(struct policy_diagnostics *diagnostics, const struct policy_source *source, size_t offset,
		 size_t length, const char *name, const char *format, ...) __attribute__((format(printf, 6, 7)));

/* Notes it and gives STATUS_INVALID. */
#define policy_complain(...) (policy_note(__VA_ARGS__), fail_with(STATUS_INVALID))

/* Findings from number `first` on, which are of one source, by their place. */
void policy_diagnostics_sort(struct policy_diagnostics *diagnostics, size_t first);
/* STATUS_INVALID, with the finding of number `first` as the detail: the first is what a caller without a list is told. */
enum status policy_diagnostics_fail(const struct policy_diagnostics *diagnostics, size_t first);

/* As a person reads them:
 *
 *     treasury.cedar:3:14: policy.unexpected_token: expected `)`, found `when`
 *        3 | permit(principal when
 *          |                  ^^^^
 */
void policy_diagnostics_print(const struct policy_diagnostics *diagnostics, struct buffer *to);
/* [{"column":14,"file":"treasury.cedar","line":3,"message":"...","name":"policy.unexpected_token"},...] */
void policy_diagnostics_write(const struct policy_diagnostics *diagnostics, struct json_writer *writer);

#endif
