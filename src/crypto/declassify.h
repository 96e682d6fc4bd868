/*
 * Where a value computed from secrets becomes public, on purpose: a public key, a signature, or whether a key was valid.
 *
 * The constant-time test (keys/constant_time_test.c) compiles the code with GATEHOUSE_CONSTANT_TIME_TEST and runs it under
 * valgrind with the secrets marked undefined: every branch or index on one is then an error, except on what passed through
 * declassify(). In the product this does nothing.
 */
#ifndef GATEHOUSE_CRYPTO_DECLASSIFY_H
#define GATEHOUSE_CRYPTO_DECLASSIFY_H

#include <stddef.h>
#include <stdbool.h>

#if defined(GATEHOUSE_CONSTANT_TIME_TEST)
#include <valgrind/memcheck.h>

static inline void
declassify(const void *data, size_t len) {
	(void)VALGRIND_MAKE_MEM_DEFINED(data, len);
}

/* What another party gave in confidence: its frame became public where it left, and what is in it is secret to whoever reads it. */
static inline void
classify_received(const void *data, size_t len) {
	(void)VALGRIND_MAKE_MEM_UNDEFINED(data, len);
}
#else
static inline void
declassify(const void *, size_t) {}
static inline void
classify_received(const void *, size_t) {}
#endif

static inline bool
declassified(bool flag) {
	declassify(&flag, sizeof flag);
	return flag;
}

#endif
