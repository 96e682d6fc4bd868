#include "keys/threshold/ecdsa/gf128.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

struct gf128
gf128_read(const uint8_t bytes[16]) {
	struct gf128 number = {};
	for (size_t i = 0; i < 8; i++) {
		number.low |= (uint64_t)bytes[i] << (8 * i);
		number.high |= (uint64_t)bytes[8 + i] << (8 * i);
	}
	return number;
}

void
gf128_write(struct gf128 number, uint8_t bytes[16]) {
	for (size_t i = 0; i < 8; i++) {
		bytes[i] = (uint8_t)(number.low >> (8 * i));
		bytes[8 + i] = (uint8_t)(number.high >> (8 * i));
	}
}

/* x^128 = x^7 + x^2 + x + 1, twice. */
static struct gf128
reduce(uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3) {
	w1 ^= w3 ^ w3 << 1 ^ w3 << 2 ^ w3 << 7;
	w2 ^= w3 >> 63 ^ w3 >> 62 ^ w3 >> 57;
	w0 ^= w2 ^ w2 << 1 ^ w2 << 2 ^ w2 << 7;
	w1 ^= w2 >> 63 ^ w2 >> 62 ^ w2 >> 57;
	return (struct gf128){w0, w1};
}

/* The low 64 bits of the product of polynomials. A column has at most sixteen terms, and that many only at the top. */
static uint64_t
multiply_low(uint64_t a, uint64_t b) {
	static const uint64_t holes = 0x1111111111111111;
	uint64_t x[4], y[4], result = 0;
	for (unsigned i = 0; i < 4; i++) {
		x[i] = a & holes << i;
		y[i] = b & holes << i;
	}
	for (unsigned i = 0; i < 4; i++) {
		uint64_t sum = 0;
		for (unsigned k = 0; k < 4; k++)
			sum ^= x[k] * y[(i - k) & 3];
		result |= sum & holes << i;
	}
	return result;
}

static uint64_t
reverse_bits(uint64_t x) {
	x = (x & 0x5555555555555555) << 1 | (x >> 1 & 0x5555555555555555);
	x = (x & 0x3333333333333333) << 2 | (x >> 2 & 0x3333333333333333);
	x = (x & 0x0f0f0f0f0f0f0f0f) << 4 | (x >> 4 & 0x0f0f0f0f0f0f0f0f);
	return __builtin_bswap64(x);
}

static uint64_t
multiply_high(uint64_t a, uint64_t b) {
	return reverse_bits(multiply_low(reverse_bits(a), reverse_bits(b))) >> 1;
}

struct gf128
gf128_multiply_portable(struct gf128 a, struct gf128 b) {
	uint64_t middle_low = multiply_low(a.low, b.high) ^ multiply_low(a.high, b.low);
	uint64_t middle_high = multiply_high(a.low, b.high) ^ multiply_high(a.high, b.low);
	return reduce(multiply_low(a.low, b.low), multiply_high(a.low, b.low) ^ middle_low,
		      multiply_low(a.high, b.high) ^ middle_high, multiply_high(a.high, b.high));
}

#if defined(__x86_64__)
__attribute__((target("pclmul,sse2"))) static struct gf128
multiply_by_instruction(struct gf128 a, struct gf128 b) {
	__m128i x = _mm_set_epi64x((long long)a.high, (long long)a.low),
		y = _mm_set_epi64x((long long)b.high, (long long)b.low);
	__m128i low = _mm_clmulepi64_si128(x, y, 0x00), high = _mm_clmulepi64_si128(x, y, 0x11);
	__m128i middle = _mm_xor_si128(_mm_clmulepi64_si128(x, y, 0x01), _mm_clmulepi64_si128(x, y, 0x10));
	low = _mm_xor_si128(low, _mm_slli_si128(middle, 8));
	high = _mm_xor_si128(high, _mm_srli_si128(middle, 8));
	uint64_t words[4];
	_mm_storeu_si128((__m128i *)words, low);
	_mm_storeu_si128((__m128i *)(words + 2), high);
	return reduce(words[0], words[1], words[2], words[3]);
}
#endif

struct gf128
gf128_multiply(struct gf128 a, struct gf128 b) {
#if defined(__x86_64__)
	if (__builtin_cpu_supports("pclmul"))
		return multiply_by_instruction(a, b);
#endif
	return gf128_multiply_portable(a, b);
}
