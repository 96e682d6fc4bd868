#include "model/amount.h"

#include "base/json.h"

typedef unsigned __int128 u128;

constexpr size_t LIMBS = 4;
constexpr uint64_t TEN_TO_19 = UINT64_C(10'000'000'000'000'000'000); /* the largest power of ten in a limb */
constexpr unsigned TEN_TO_19_DIGITS = 19;

/* Divides count limbs in place; gives the remainder. */
static uint64_t
divide_limbs(uint64_t *limbs, size_t count, uint64_t divisor) {
	uint64_t remainder = 0;
	for (size_t i = count; i-- > 0;) {
		u128 dividend = (u128)remainder << 64 | limbs[i];
		limbs[i] = (uint64_t)(dividend / divisor);
		remainder = (uint64_t)(dividend % divisor);
	}
	return remainder;
}

/* Multiplies count limbs in place and adds; gives the carry out of the last limb. */
static uint64_t
multiply_limbs(uint64_t *limbs, size_t count, uint64_t factor, uint64_t carry) {
	for (size_t i = 0; i < count; i++) {
		u128 product = (u128)limbs[i] * factor + carry;
		limbs[i] = (uint64_t)product;
		carry = (uint64_t)(product >> 64);
	}
	return carry;
}

/* One more, unless every limb is full: a quotient that is rounded up never is. */
static void
increment_limbs(uint64_t *limbs, size_t count) {
	for (size_t i = 0; i < count && ++limbs[i] == 0; i++)
		;
}

int
amount_compare(const struct amount *a, const struct amount *b) {
	for (size_t i = LIMBS; i-- > 0;)
		if (a->limbs[i] != b->limbs[i])
			return a->limbs[i] < b->limbs[i] ? -1 : 1;
	return 0;
}

bool
amount_is_zero(const struct amount *amount) {
	return (amount->limbs[0] | amount->limbs[1] | amount->limbs[2] | amount->limbs[3]) == 0;
}

bool
amount_add(const struct amount *a, const struct amount *b, struct amount *sum) {
	u128 carry = 0;
	for (size_t i = 0; i < LIMBS; i++) {
		carry += (u128)a->limbs[i] + b->limbs[i];
		sum->limbs[i] = (uint64_t)carry;
		carry >>= 64;
	}
	return carry == 0;
}

bool
amount_subtract(const struct amount *a, const struct amount *b, struct amount *difference) {
	bool borrow = false;
	for (size_t i = 0; i < LIMBS; i++) {
		uint64_t limb;
		bool below = __builtin_sub_overflow(a->limbs[i], b->limbs[i], &limb);
		below |= __builtin_sub_overflow(limb, (uint64_t)borrow, &limb);
		difference->limbs[i] = limb;
		borrow = below;
	}
	return !borrow;
}

bool
amount_multiply_u64(const struct amount *a, uint64_t factor, struct amount *product) {
	struct amount result = *a;
	uint64_t carry = multiply_limbs(result.limbs, LIMBS, factor, 0);
	*product = result;
	return carry == 0;
}

/* Doubles in place and brings in the next bit; true if a bit fell out at the top. */
static bool
shift_left_one(struct amount *amount, uint64_t bit) {
	return multiply_limbs(amount->limbs, LIMBS, 2, bit) != 0;
}

/* Long division, bit by bit. The remainder stays below the divisor, so one bit above 256 is all that it can need. */
static struct amount
divide(const struct amount *a, const struct amount *divisor, struct amount *remainder) {
	struct amount quotient = {};
	*remainder = (struct amount){};
	for (size_t bit = 256; bit-- > 0;) {
		bool overflow = shift_left_one(remainder, a->limbs[bit / 64] >> (bit % 64) & 1);
		if (overflow || amount_compare(remainder, divisor) >= 0) {
			(void)amount_subtract(remainder, divisor, remainder); /* a borrow takes the bit that fell out */
			quotient.limbs[bit / 64] |= UINT64_C(1) << (bit % 64);
		}
	}
	return quotient;
}

struct amount
amount_divide_up(const struct amount *a, const struct amount *divisor) {
	struct amount quotient, remainder;
	uint64_t small;
	if (amount_fits_u64(divisor, &small)) {
		quotient = *a;
		remainder = amount_of(divide_limbs(quotient.limbs, LIMBS, small));
	} else
		quotient = divide(a, divisor, &remainder);
	if (!amount_is_zero(&remainder))
		increment_limbs(quotient.limbs, LIMBS);
	return quotient;
}

bool
amount_fits_u64(const struct amount *amount, uint64_t *number) {
	*number = amount->limbs[0];
	return (amount->limbs[1] | amount->limbs[2] | amount->limbs[3]) == 0;
}

enum status
amount_from_big_endian(struct bytes bytes, struct amount *amount) {
	if (bytes.len > 32)
		return fail(STATUS_TOO_LARGE, "amount.size: %zu bytes where at most 32 are an amount", bytes.len);
	*amount = (struct amount){};
	for (size_t i = 0; i < bytes.len; i++) {
		size_t place = bytes.len - 1 - i;
		amount->limbs[place / 8] |= (uint64_t)bytes.data[i] << (place % 8 * 8);
	}
	return OK;
}

void
amount_to_big_endian(const struct amount *amount, uint8_t bytes[32]) {
	for (size_t i = 0; i < LIMBS; i++)
		store_u64be(bytes + 8 * i, amount->limbs[LIMBS - 1 - i]);
}

void
amount_format(const struct amount *amount, char text[static 79]) {
	char digits[AMOUNT_TEXT_SIZE];
	size_t at = sizeof digits;
	struct amount rest = *amount;
	digits[--at] = '\0';
	do {
		uint64_t group = divide_limbs(rest.limbs, LIMBS, TEN_TO_19);
		bool is_last = amount_is_zero(&rest);
		for (unsigned digit = 0; is_last ? group > 0 : digit < TEN_TO_19_DIGITS; digit++) {
			digits[--at] = (char)('0' + group % 10);
			group /= 10;
		}
	} while (!amount_is_zero(&rest));
	if (digits[at] == '\0')
		digits[--at] = '0';
	memcpy(text, digits + at, sizeof digits - at);
}

/* The product of amount and price has 320 bits. It is divided by 10^(6 + decimals) in steps, each rounded up, which gives
 * the same as one division rounded up: ceil(ceil(x / a) / b) = ceil(x / (a * b)). */
bool
amount_usd_cents(const struct amount *amount, uint64_t price_microcents, unsigned decimals, int64_t *cents) {
	uint64_t value[LIMBS + 1] = {amount->limbs[0], amount->limbs[1], amount->limbs[2], amount->limbs[3], 0};
	(void)multiply_limbs(value, LIMBS + 1, price_microcents, 0); /* 256 + 64 bits fit five limbs */
	for (uint64_t left = (uint64_t)decimals + 6; left > 0;) {
		uint64_t divisor = 1;
		for (unsigned digit = 0; digit < TEN_TO_19_DIGITS && left > 0; digit++, left--)
			divisor *= 10;
		if (divide_limbs(value, LIMBS + 1, divisor) != 0)
			increment_limbs(value, LIMBS + 1);
		if (value[0] <= 1 && (value[1] | value[2] | value[3] | value[4]) == 0)
			break; /* zero and one stay what they are, rounded up */
	}
	if ((value[1] | value[2] | value[3] | value[4]) != 0 || value[0] > (uint64_t)JSON_INTEGER_MAX)
		return false;
	*cents = (int64_t)value[0];
	return true;
}
