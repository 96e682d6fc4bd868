/*
 * What the program prints: data on standard output, all else on standard error. JSON from the installation is shown as it is with
 * --json, and else as indented lines that a person reads; times in them are RFC 3339's, in UTC.
 *
 * Text that came from elsewhere is shown with its control characters and bidirectional controls written out, so that it cannot
 * move the cursor, hide what stands beside it or change its order.
 */
#ifndef GATEHOUSE_CLI_OUTPUT_H
#define GATEHOUSE_CLI_OUTPUT_H

#include "base/json.h"
#include "cli/command.h"

/* To standard output, all of it. STATUS_IO "output.write". */
enum status output_data(const struct buffer *text);
/* To standard error, with a line feed: what is not data. */
void output_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A document: as it is and a line feed with --json, else as lines. body need not be canonical. */
enum status output_document(struct invocation *invocation, struct bytes body);
/* A document as lines, appended: "name: value", members of an array behind "- ". */
void output_lines(const json *value, struct buffer *to);
/* Text of others, made harmless; line feeds are kept where lines says so. */
void output_foreign(struct buffer *to, struct bytes text, bool lines);

/* Asks on the terminal; OK after "yes" or where --yes was given. STATUS_DENIED "confirm.no"; "usage.confirm" without terminal. */
enum status output_confirm(const struct invocation *invocation, const char *question);

/* A whole file into the arena; "-" is standard input. What is empty has data that is not null. */
enum status input_file(struct arena *arena, const char *path, size_t max, struct bytes *content);
/* A new file of the given mode (STATUS_CONFLICT where it exists and may not be replaced); null or "-": standard output. */
enum status output_file(const char *path, struct bytes content, unsigned mode, bool may_replace);

#endif
