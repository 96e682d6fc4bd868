/*
 * SHAKE128 and SHAKE256 (FIPS 202), one stream or four at a time, for what calls them too often for a library's interface.
 * No branch and no index depends on what is absorbed or squeezed, only on how much.
 */
#ifndef GATEHOUSE_CRYPTO_KECCAK_H
#define GATEHOUSE_CRYPTO_KECCAK_H

#include "base/bytes.h"

constexpr size_t SHAKE128_RATE = 168;
constexpr size_t SHAKE256_RATE = 136;

struct shake {
	uint64_t words[25];
	size_t rate, at; /* at: bytes absorbed into, or squeezed from, the current block */
};

void shake_start(struct shake *shake, size_t rate);
void shake_absorb(struct shake *shake, struct bytes bytes);
/* Nothing is absorbed after it. */
void shake_finish(struct shake *shake);
void shake_squeeze(struct shake *shake, uint8_t *to, size_t len);

/* SHAKE256 of four inputs of the same length, below one block: blocks of 136 bytes each, to[i] of input i. */
void shake256_four(const uint8_t *const inputs[4], size_t len, uint8_t *const to[4], size_t blocks);

#endif
