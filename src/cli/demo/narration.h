/*
 * What the demo says: plain lines on standard output, in columns, no colour, at most NARRATION_WIDTH characters where the words
 * allow it.
 */
#ifndef GATEHOUSE_CLI_DEMO_NARRATION_H
#define GATEHOUSE_CLI_DEMO_NARRATION_H

#include <stddef.h>
#include <stdint.h>

constexpr size_t NARRATION_WIDTH = 132;

/* An empty line and a heading. */
void narrate_heading(const char *text);
/* One step: what was tried, what came of it, one number, and the rest in words. */
void narrate(const char *title, const char *result, const char *number, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* A line of words alone, as far in as the words of steps. */
void narrate_more(const char *format, ...) __attribute__((format(printf, 1, 2)));

constexpr size_t NUMBER_SIZE = 48;
/* "4,512.33 USD" */
const char *number_usd(int64_t cents, char text[static NUMBER_SIZE]);
/* "1,234" */
const char *number_count(uint64_t count, char text[static NUMBER_SIZE]);
/* "4.1 ms", "2.3 s" */
const char *number_time(int64_t ns, char text[static NUMBER_SIZE]);
/* A long name with its middle left out: "0x3535…3535". */
const char *name_short(const char *name, char text[static NUMBER_SIZE]);

#endif
