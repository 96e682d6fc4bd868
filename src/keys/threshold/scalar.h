/*
 * Numbers modulo the order n of secp256k1, in constant time: no branch and no index depends on a value.
 *
 * Four 64-bit limbs, least significant first, always below n. Since n = 2^256 − c with c of 129 bits, a product is
 * reduced by folding what lies above 2^256 back in, times c (the method of Crandall and Solinas). Inversion is by
 * Fermat. Memory: plain values; the caller wipes those that are secret. Threads: any. Source: SEC 2, version 2, §2.4.1
 * (the order).
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_SCALAR_H
#define GATEHOUSE_KEYS_THRESHOLD_SCALAR_H

#include "base/bytes.h"
#include "keys/threshold/randomness.h"

constexpr size_t SCALAR_SIZE = 32;

struct scalar {
	uint64_t limb[4];
};

/* 32 bytes, big-endian, that are below n: "scalar.range" otherwise. Zero is a number like any other. */
enum status scalar_read(const uint8_t bytes[32], struct scalar *number);
void scalar_write(const struct scalar *number, uint8_t bytes[32]);
/* Any bytes, big-endian, modulo n. */
struct scalar scalar_reduce(const uint8_t bytes[32]);
struct scalar scalar_reduce_wide(const uint8_t bytes[64]);
struct scalar scalar_of(uint64_t number);
/* Uniform, from 64 bytes. */
struct scalar scalar_random(const struct randomness *randomness);

struct scalar scalar_add(const struct scalar *a, const struct scalar *b);
struct scalar scalar_subtract(const struct scalar *a, const struct scalar *b);
struct scalar scalar_negate(const struct scalar *a);
struct scalar scalar_multiply(const struct scalar *a, const struct scalar *b);
struct scalar scalar_invert(const struct scalar *a); /* of zero: zero */

/* A mask of all ones for true, all zeros for false, for those below that take one. */
static inline uint64_t
scalar_mask(unsigned bit) {
	return UINT64_C(0) - (uint64_t)(bit & 1);
}

/* number where the mask is set, zero elsewhere. */
static inline struct scalar
scalar_masked(const struct scalar *number, uint64_t mask) {
	return (struct scalar){
		{number->limb[0] & mask, number->limb[1] & mask, number->limb[2] & mask, number->limb[3] & mask}};
}

/* The answers are as secret as the numbers: a caller that branches on one declassifies it. */
bool scalar_is_zero(const struct scalar *number);
bool scalar_equal(const struct scalar *a, const struct scalar *b);
bool scalar_is_high(const struct scalar *number); /* above n/2 */

#endif
