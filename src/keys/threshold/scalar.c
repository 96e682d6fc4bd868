#include "keys/threshold/scalar.h"

#include "base/secret.h"
#include "crypto/declassify.h"

typedef unsigned __int128 wide;

constexpr size_t LIMBS = 4;

static const uint64_t ORDER[LIMBS] = {0xbfd25e8cd0364141, 0xbaaedce6af48a03b, 0xfffffffffffffffe, 0xffffffffffffffff};
/* 2^256 − n */
static const uint64_t FOLD[3] = {0x402da1732fc9bebf, 0x4551231950b75fc4, 1};
/* (n − 1)/2 */
static const uint64_t HALF[LIMBS] = {0xdfe92f46681b20a0, 0x5d576e7357a4501d, 0xffffffffffffffff, 0x7fffffffffffffff};

static uint64_t
add_with_carry(uint64_t a, uint64_t b, uint64_t *carry) {
	wide sum = (wide)a + b + *carry;
	*carry = (uint64_t)(sum >> 64);
	return (uint64_t)sum;
}

static uint64_t
subtract_with_borrow(uint64_t a, uint64_t b, uint64_t *borrow) {
	wide difference = (wide)a - b - *borrow;
	*borrow = (uint64_t)(difference >> 64) & 1;
	return (uint64_t)difference;
}

/* 1 if a > b, for numbers of four limbs. */
static uint64_t
is_above(const uint64_t a[LIMBS], const uint64_t b[LIMBS]) {
	uint64_t borrow = 0;
	for (size_t i = 0; i < LIMBS; i++)
		(void)subtract_with_borrow(b[i], a[i], &borrow);
	return borrow;
}

/* The number carry · 2^256 + limb, below 2n, becomes less than n: subtracting n is adding c and dropping 2^256. */
static struct scalar
subtract_order_once(const uint64_t limb[LIMBS], uint64_t carry) {
	static const uint64_t below[LIMBS] = {ORDER[0] - 1, ORDER[1], ORDER[2], ORDER[3]};
	uint64_t mask = UINT64_C(0) - (carry | is_above(limb, below)), next = 0;
	struct scalar number;
	for (size_t i = 0; i < LIMBS; i++)
		number.limb[i] = add_with_carry(limb[i], i < 3 ? FOLD[i] & mask : 0, &next);
	return number;
}

/* to += high · c, where to has room; high has count limbs. */
static void
fold(uint64_t *to, size_t to_count, const uint64_t *high, size_t count) {
	for (size_t i = 0; i < count; i++) {
		uint64_t carry = 0;
		for (size_t k = 0; i + k < to_count; k++) {
			wide sum = (wide)high[i] * (k < 3 ? FOLD[k] : 0) + to[i + k] + carry;
			to[i + k] = (uint64_t)sum;
			carry = (uint64_t)(sum >> 64);
		}
	}
}

static struct scalar
reduce(const uint64_t product[8]) {
	/* 2^512 folds to 256 + 129 bits, that to 260 bits, that to 257. */
	uint64_t first[7] = {product[0], product[1], product[2], product[3]};
	fold(first, 7, product + 4, 4);
	uint64_t second[5] = {first[0], first[1], first[2], first[3]};
	fold(second, 5, first + 4, 3);
	uint64_t third[5] = {second[0], second[1], second[2], second[3]};
	fold(third, 5, second + 4, 1);
	return subtract_order_once(third, third[4]);
}

static void
load(const uint8_t bytes[32], uint64_t limb[LIMBS]) {
	for (size_t i = 0; i < LIMBS; i++)
		limb[i] = load_u64be(bytes + 24 - 8 * i);
}

enum status
scalar_read(const uint8_t bytes[32], struct scalar *number) {
	uint64_t limb[LIMBS], borrow = 0;
	load(bytes, limb);
	for (size_t i = 0; i < LIMBS; i++)
		(void)subtract_with_borrow(limb[i], ORDER[i], &borrow);
	if (!declassified(borrow == 1))
		return fail(STATUS_INVALID, "scalar.range: a number that is not below the order of the curve");
	memcpy(number->limb, limb, sizeof limb);
	return OK;
}

void
scalar_write(const struct scalar *number, uint8_t bytes[32]) {
	for (size_t i = 0; i < LIMBS; i++)
		store_u64be(bytes + 24 - 8 * i, number->limb[i]);
}

struct scalar
scalar_reduce(const uint8_t bytes[32]) {
	uint64_t limb[LIMBS];
	load(bytes, limb);
	return subtract_order_once(limb, 0);
}

struct scalar
scalar_reduce_wide(const uint8_t bytes[64]) {
	uint64_t limb[2 * LIMBS];
	load(bytes + 32, limb);
	load(bytes, limb + LIMBS);
	struct scalar number = reduce(limb);
	secret_wipe(limb, sizeof limb);
	return number;
}

struct scalar
scalar_of(uint64_t number) {
	return (struct scalar){{number}};
}

struct scalar
scalar_random(const struct randomness *randomness) {
	uint8_t bytes[64];
	randomness_fill(randomness, bytes, sizeof bytes);
	struct scalar number = scalar_reduce_wide(bytes);
	secret_wipe(bytes, sizeof bytes);
	return number;
}

struct scalar
scalar_add(const struct scalar *a, const struct scalar *b) {
	uint64_t sum[LIMBS], carry = 0;
	for (size_t i = 0; i < LIMBS; i++)
		sum[i] = add_with_carry(a->limb[i], b->limb[i], &carry);
	return subtract_order_once(sum, carry);
}

struct scalar
scalar_negate(const struct scalar *a) {
	uint64_t any = a->limb[0] | a->limb[1] | a->limb[2] | a->limb[3];
	uint64_t mask = UINT64_C(0) - ((any | (UINT64_C(0) - any)) >> 63), borrow = 0;
	struct scalar number;
	for (size_t i = 0; i < LIMBS; i++)
		number.limb[i] = subtract_with_borrow(ORDER[i], a->limb[i], &borrow) & mask;
	return number;
}

struct scalar
scalar_subtract(const struct scalar *a, const struct scalar *b) {
	struct scalar negative = scalar_negate(b);
	return scalar_add(a, &negative);
}

struct scalar
scalar_multiply(const struct scalar *a, const struct scalar *b) {
	uint64_t product[2 * LIMBS] = {};
	for (size_t i = 0; i < LIMBS; i++) {
		uint64_t carry = 0;
		for (size_t k = 0; k < LIMBS; k++) {
			wide sum = (wide)a->limb[i] * b->limb[k] + product[i + k] + carry;
			product[i + k] = (uint64_t)sum;
			carry = (uint64_t)(sum >> 64);
		}
		product[i + LIMBS] = carry;
	}
	return reduce(product);
}

struct scalar
scalar_invert(const struct scalar *a) {
	/* a^(n − 2), four bits of the public exponent at a time. */
	struct scalar powers[16] = {[0] = scalar_of(1)}, result = scalar_of(1);
	for (size_t i = 1; i < 16; i++)
		powers[i] = scalar_multiply(&powers[i - 1], a);
	for (size_t nibble = 64; nibble-- > 0;) {
		uint64_t limb = nibble < 16 ? ORDER[0] - 2 : ORDER[nibble / 16];
		for (size_t i = 0; i < 4; i++)
			result = scalar_multiply(&result, &result);
		result = scalar_multiply(&result, &powers[limb >> (nibble % 16 * 4) & 15]);
	}
	secret_wipe(powers, sizeof powers);
	return result;
}

bool
scalar_is_zero(const struct scalar *number) {
	return (number->limb[0] | number->limb[1] | number->limb[2] | number->limb[3]) == 0;
}

bool
scalar_equal(const struct scalar *a, const struct scalar *b) {
	return ((a->limb[0] ^ b->limb[0]) | (a->limb[1] ^ b->limb[1]) | (a->limb[2] ^ b->limb[2]) |
		(a->limb[3] ^ b->limb[3])) == 0;
}

bool
scalar_is_high(const struct scalar *number) {
	return is_above(number->limb, HALF) == 1;
}
