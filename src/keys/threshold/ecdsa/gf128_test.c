/* The field by its axioms and against multiplication bit by bit; both paths give the same. */
#include "tests/test.h"

#include "crypto/random.h"
#include "keys/threshold/ecdsa/gf128.h"
#include "keys/threshold/ecdsa/transpose.h"

static struct gf128
random_number(void) {
	uint8_t bytes[16];
	random_bytes(bytes, sizeof bytes);
	return gf128_read(bytes);
}

static bool
equal(struct gf128 a, struct gf128 b) {
	return a.low == b.low && a.high == b.high;
}

/* By definition: shift, and subtract the polynomial. */
static struct gf128
multiply_bit_by_bit(struct gf128 a, struct gf128 b) {
	struct gf128 sum = {};
	for (unsigned i = 0; i < 128; i++) {
		if (((i < 64 ? b.low >> i : b.high >> (i - 64)) & 1) != 0)
			sum = gf128_add(sum, a);
		bool top = a.high >> 63 != 0;
		a.high = a.high << 1 | a.low >> 63;
		a.low = a.low << 1 ^ (top ? 0x87 : 0);
	}
	return sum;
}

static void
both_ways_multiply_as_the_definition_says(void **) {
	struct gf128 edges[] = {{}, {1, 0}, {2, 0}, {0, UINT64_C(1) << 63}, {~UINT64_C(0), ~UINT64_C(0)}, {0x87, 0}};
	for (size_t i = 0; i < 2000; i++) {
		struct gf128 a = i < 36 ? edges[i / 6] : random_number(), b = i < 36 ? edges[i % 6] : random_number();
		struct gf128 expected = multiply_bit_by_bit(a, b);
		assert_true(equal(expected, gf128_multiply(a, b)));
		assert_true(equal(expected, gf128_multiply_portable(a, b)));
	}
}

static void
numbers_are_written_as_they_are_read(void **) {
	uint8_t bytes[16], written[16];
	random_bytes(bytes, sizeof bytes);
	gf128_write(gf128_read(bytes), written);
	assert_memory_equal(bytes, written, 16);
	assert_true(equal(gf128_read((const uint8_t[16]){[1] = 1}), (struct gf128){256, 0}));
}

static void
rows_are_the_bits_of_the_columns(void **) {
	static uint8_t columns[128][80], rows[512][16], portable[512][16];
	random_bytes(columns, sizeof columns);
	transpose_columns(columns[0], 80, 512, rows);
	transpose_columns_portable(columns[0], 80, 512, portable);
	assert_memory_equal(rows, portable, sizeof rows);
	for (size_t j = 0; j < 512; j++)
		for (size_t c = 0; c < 128; c++)
			assert_int_equal(rows[j][c / 8] >> (c % 8) & 1, columns[c][j / 8] >> (j % 8) & 1);
}

RUN_TESTS(T(both_ways_multiply_as_the_definition_says), T(numbers_are_written_as_they_are_read),
	  T(rows_are_the_bits_of_the_columns))
