/*
 * Amounts: unsigned 256-bit integers in the smallest unit of an asset (wei, satoshi), and their value in US cents.
 *
 * Inside they are four 64-bit limbs, least significant first; outside they are decimal strings without leading zeros.
 * Every operation that can leave the range says so. Values round up, so that a limit is never under-counted.
 */
#ifndef GATEHOUSE_MODEL_AMOUNT_H
#define GATEHOUSE_MODEL_AMOUNT_H

#include "base/bytes.h"

struct amount {
	uint64_t limbs[4];
};

constexpr size_t AMOUNT_TEXT_SIZE = 79; /* 78 digits and a NUL */

static inline struct amount
amount_of(uint64_t number) {
	return (struct amount){{number, 0, 0, 0}};
}

int amount_compare(const struct amount *a, const struct amount *b);
bool amount_is_zero(const struct amount *amount);
/* False on overflow (or, for subtract, if b > a); *sum is then unspecified. */
[[nodiscard]] bool amount_add(const struct amount *a, const struct amount *b, struct amount *sum);
[[nodiscard]] bool amount_subtract(const struct amount *a, const struct amount *b, struct amount *difference);
[[nodiscard]] bool amount_multiply_u64(const struct amount *a, uint64_t factor, struct amount *product);
/* The quotient rounded up; divisor > 0. */
struct amount amount_divide_up(const struct amount *a, const struct amount *divisor);
bool amount_fits_u64(const struct amount *amount, uint64_t *number);

enum status amount_from_big_endian(struct bytes bytes, struct amount *amount); /* at most 32 bytes */
void amount_to_big_endian(const struct amount *amount, uint8_t bytes[32]);
void amount_format(const struct amount *amount, char text[static 79]);

/* A price: US cents × 10⁻⁶ (micro-cents) for one whole unit of 10^decimals smallest units.
 * Cents of amount at that price, rounded up. False if it exceeds ±(2^53−1), the largest Long that is recorded. */
[[nodiscard]] bool amount_usd_cents(const struct amount *amount, uint64_t price_microcents, unsigned decimals,
				    int64_t *cents);

#endif
