#include "cli/one_time_code.h"

#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/secret.h"

constexpr size_t FILE_MAX = 64; /* digits, and white space around them */

/* Up to the end of the line; the terminal is as it was, also where nothing came. */
static enum status
ask(struct secret *typed) {
	char line[FILE_MAX] = "";
	struct termios before, silent;
	if (tcgetattr(STDIN_FILENO, &before) != 0)
		return fail_errno(STATUS_IO, "totp-file.terminal");
	silent = before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) != 0)
		return fail_errno(STATUS_IO, "totp-file.terminal");
	fprintf(stderr, "One-time password: "); /* not before: what is typed by then is dropped */
	fflush(stderr);
	bool is_read = fgets(line, sizeof line, stdin) != nullptr;
	int restored = tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	fprintf(stderr, "\n");
	enum status status = is_read && restored == 0 ? secret_copy(typed, bytes_of_text(line))
						      : fail(STATUS_IO, "totp-file.terminal: nothing was typed");
	secret_wipe(line, sizeof line);
	return status;
}

static enum status
read_text(const char *path, struct secret *text) {
	if (strcmp(path, "-") != 0)
		return secret_read_file(text, path, FILE_MAX);
	return isatty(STDIN_FILENO) ? ask(text) : secret_read_descriptor(text, STDIN_FILENO, FILE_MAX);
}

static bool
is_space(uint8_t c) {
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

enum status
one_time_code_read(const char *path, char code[static ONE_TIME_CODE_MAX + 1]) {
	_cleanup_(secret_free) struct secret text = {};
	TRY(read_text(path, &text));
	struct bytes digits = secret_bytes(&text);
	while (digits.len > 0 && is_space(digits.data[digits.len - 1]))
		digits.len--;
	while (digits.len > 0 && is_space(digits.data[0]))
		digits = bytes_of(digits.data + 1, digits.len - 1);
	bool is_one = digits.len >= 6 && digits.len <= ONE_TIME_CODE_MAX;
	for (size_t i = 0; is_one && i < digits.len; i++)
		is_one = digits.data[i] >= '0' && digits.data[i] <= '9';
	if (!is_one)
		return fail(STATUS_INVALID, "usage.totp-file: expected 6 to 8 digits");
	memcpy(code, digits.data, digits.len);
	code[digits.len] = '\0';
	return OK;
}
