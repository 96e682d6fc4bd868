/*
 * The context of libsecp256k1 for the whole process: blinded at its first use, read-only afterwards, so that all threads share it.
 * Lives until the process ends.
 */
#ifndef GATEHOUSE_CRYPTO_CURVE_CONTEXT_H
#define GATEHOUSE_CRYPTO_CURVE_CONTEXT_H

#include <secp256k1.h>

const secp256k1_context *curve_context(void);

#endif
