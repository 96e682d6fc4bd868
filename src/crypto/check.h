/*
 * For failures of a library on sound memory, after which nothing safe can be done: says what failed and ends the process.
 */
#ifndef GATEHOUSE_CRYPTO_CHECK_H
#define GATEHOUSE_CRYPTO_CHECK_H

#include <stdbool.h>

/* act is a static name: "sha256". */
[[noreturn]] void crypto_fatal(const char *act);

static inline void
crypto_must(bool succeeded, const char *act) {
	if (!succeeded)
		crypto_fatal(act);
}

#endif
