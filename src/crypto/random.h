/*
 * Randomness from the operating system's generator through OpenSSL's DRBG. A failure ends the process: nothing safe can
 * be done without randomness.
 */
#ifndef GATEHOUSE_CRYPTO_RANDOM_H
#define GATEHOUSE_CRYPTO_RANDOM_H

#include <stddef.h>

void random_bytes(void *to, size_t len);

#endif
