/*
 * GF(2^128) with x^128 + x^7 + x^2 + x + 1: bit i of the 128, least significant bit of the first byte first, is the
 * coefficient of x^i. Multiplication is constant time: by PCLMULQDQ where the processor has it, else by integer
 * multiplication with holes (Pornin's method: every fourth bit, so that carries are lost between them).
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_ECDSA_GF128_H
#define GATEHOUSE_KEYS_THRESHOLD_ECDSA_GF128_H

#include "base/bytes.h"

struct gf128 {
	uint64_t low, high;
};

struct gf128 gf128_read(const uint8_t bytes[16]);
void gf128_write(struct gf128 number, uint8_t bytes[16]);
struct gf128 gf128_multiply(struct gf128 a, struct gf128 b);
/* The path that runs where there is no instruction; the same for every input (tested). */
struct gf128 gf128_multiply_portable(struct gf128 a, struct gf128 b);

static inline struct gf128
gf128_add(struct gf128 a, struct gf128 b) {
	return (struct gf128){a.low ^ b.low, a.high ^ b.high};
}

#endif
