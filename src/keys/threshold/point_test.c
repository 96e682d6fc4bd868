/* The group as an algebra: each operation against another way to the same point. */
#include "tests/test.h"

#include "keys/threshold/point.h"

static const struct randomness SYSTEM = {};

static struct point
times_g(struct scalar number) {
	struct point point;
	assert_ok(point_of_secret(&number, &point));
	return point;
}

static void
products_and_sums_agree_with_the_arithmetic_of_scalars(void **) {
	for (size_t i = 0; i < 50; i++) {
		struct scalar a = scalar_random(&SYSTEM), b = scalar_random(&SYSTEM);
		struct point pa = times_g(a), pb = times_g(b), by_secret, by_public, sum, back;
		struct point product = times_g(scalar_multiply(&a, &b)), total = times_g(scalar_add(&a, &b));
		assert_ok(point_multiply_secret(&pa, &b, &by_secret));
		assert_ok(point_multiply_public(&pa, &b, &by_public));
		assert_true(point_equal(&by_secret, &product));
		assert_true(point_equal(&by_public, &product));
		assert_ok(point_add(&pa, &pb, &sum));
		assert_true(point_equal(&sum, &total));
		assert_ok(point_subtract(&sum, &pb, &back));
		assert_true(point_equal(&back, &pa));
		assert_false(point_equal(&pa, &pb));
	}
}

static void
what_is_no_point_is_refused_by_name(void **) {
	struct scalar zero = {}, one = scalar_of(1);
	struct point g = times_g(one), result;
	uint8_t bytes[POINT_SIZE];
	assert_fails(STATUS_INVALID, "point.zero_scalar", point_of_secret(&zero, &result));
	assert_fails(STATUS_INVALID, "point.zero_scalar", point_multiply_secret(&g, &zero, &result));
	assert_fails(STATUS_INVALID, "point.zero_scalar", point_multiply_public(&g, &zero, &result));
	assert_fails(STATUS_INVALID, "point.infinity", point_subtract(&g, &g, &result));
	point_write(&g, bytes);
	assert_ok(point_read(bytes, &result));
	assert_true(point_equal(&g, &result));
	for (unsigned form = 0; form < 256; form++) {
		bytes[0] = (uint8_t)form;
		if (form != 2 && form != 3)
			assert_fails(STATUS_INVALID, "point.encoding", point_read(bytes, &result));
	}
	memset(bytes, 0xff, sizeof bytes);
	bytes[0] = 2;
	assert_fails(STATUS_INVALID, "point.encoding", point_read(bytes, &result));
	memset(bytes, 0, sizeof bytes);
	bytes[0] = 2;
	bytes[32] = 5; /* 5^3 + 7 is no square */
	assert_fails(STATUS_INVALID, "point.encoding", point_read(bytes, &result));
}

/* BIP-324, ellswift_decode_test_vectors.csv, first row. */
static void
uniform_bytes_decode_as_bip_324_says(void **) {
	uint8_t zero[64] = {}, bytes[POINT_SIZE], expected[32];
	struct point point = point_of_uniform_bytes(zero);
	assert_ok(hex_decode(bytes_of_text("edd1fd3e327ce90cc7a3542614289aee9682003e9cf7dcc9cf2ca9743be5aa0c"),
			     expected, 32));
	point_write(&point, bytes);
	assert_memory_equal(expected, bytes + 1, 32);
}

RUN_TESTS(T(products_and_sums_agree_with_the_arithmetic_of_scalars), T(what_is_no_point_is_refused_by_name),
	  T(uniform_bytes_decode_as_bip_324_says))
