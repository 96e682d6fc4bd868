/*
 * The one-time password that goes beside a signature: --totp-file FILE, or - for standard input, where whoever sits at a terminal is
 * asked and what they type is not shown. Never a word of the command line, which every process on the machine can read.
 *
 * Errors: usage.totp-file where it is not six to eight digits; those of reading. Threads: one.
 */
#ifndef GATEHOUSE_CLI_ONE_TIME_CODE_H
#define GATEHOUSE_CLI_ONE_TIME_CODE_H

#include "base/status.h"

constexpr size_t ONE_TIME_CODE_MAX = 8;

enum status one_time_code_read(const char *path, char code[static ONE_TIME_CODE_MAX + 1]);

#endif
