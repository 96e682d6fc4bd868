#include "cli/demo/narration.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

constexpr int TITLE_WIDTH = 25;
constexpr int RESULT_WIDTH = 9;
constexpr int NUMBER_WIDTH = 16;
constexpr size_t MARGIN = 2 + TITLE_WIDTH + 1 + RESULT_WIDTH + 1 + NUMBER_WIDTH + 2;

void
narrate_heading(const char *text) {
	printf("\n%s\n", text);
	fflush(stdout);
}

/* Characters, not bytes: what is said holds an ellipsis here and there. */
static size_t
width_of(const char *text, size_t len) {
	size_t width = 0;
	for (size_t i = 0; i < len; i++)
		width += ((uint8_t)text[i] & 0xc0) != 0x80;
	return width;
}

/* Words, broken between them where the line would become too long. */
static void
print_words(const char *text) {
	size_t column = MARGIN;
	for (bool first = true; *text != '\0'; first = false) {
		size_t len = strcspn(text, " "), width = width_of(text, len);
		if (!first && column + 1 + width > NARRATION_WIDTH) {
			printf("\n%*s", (int)MARGIN, "");
			column = MARGIN;
		} else if (!first) {
			putchar(' ');
			column++;
		}
		printf("%.*s", (int)len, text);
		column += width;
		text += len;
		text += strspn(text, " ");
	}
	putchar('\n');
	fflush(stdout);
}

void
narrate(const char *title, const char *result, const char *number, const char *format, ...) {
	char text[1024];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	int padding = NUMBER_WIDTH - (int)width_of(number, strlen(number));
	printf("  %-*s %-*s %*s%s  ", TITLE_WIDTH, title, RESULT_WIDTH, result, padding > 0 ? padding : 0, "", number);
	print_words(text);
}

void
narrate_more(const char *format, ...) {
	char text[1024];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	printf("%*s", (int)MARGIN, "");
	print_words(text);
}

const char *
number_count(uint64_t count, char text[static NUMBER_SIZE]) {
	char digits[24];
	size_t len = (size_t)snprintf(digits, sizeof digits, "%llu", (unsigned long long)count), at = 0;
	for (size_t i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			text[at++] = ',';
		text[at++] = digits[i];
	}
	text[at] = '\0';
	return text;
}

const char *
number_usd(int64_t cents, char text[static NUMBER_SIZE]) {
	char whole[NUMBER_SIZE];
	number_count((uint64_t)cents / 100, whole);
	snprintf(text, NUMBER_SIZE, "%.30s.%02u USD", whole, (unsigned)((uint64_t)cents % 100));
	return text;
}

const char *
number_time(int64_t ns, char text[static NUMBER_SIZE]) {
	if (ns >= 1'000'000'000)
		snprintf(text, NUMBER_SIZE, "%.2f s", (double)ns / 1e9);
	else
		snprintf(text, NUMBER_SIZE, "%.1f ms", (double)ns / 1e6);
	return text;
}

const char *
name_short(const char *name, char text[static NUMBER_SIZE]) {
	size_t len = strlen(name);
	if (len <= 18)
		snprintf(text, NUMBER_SIZE, "%s", name);
	else
		snprintf(text, NUMBER_SIZE, "%.8s…%s", name, name + len - 6);
	return text;
}
