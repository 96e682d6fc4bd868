/* Against libsecp256k1's own arithmetic on private keys and against OpenSSL's BIGNUM, with the edges of the range in
 * every pair. */
#include "tests/test.h"

#include <openssl/bn.h>
#include <secp256k1.h>

#include "keys/threshold/scalar.h"

static const struct randomness SYSTEM = {};
static const char ORDER[] = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

/* Numbers at which carries, folds and the last subtraction take every way; then random ones. */
static const char *const EDGES[] = {
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0000000000000000000000000000000000000000000000000000000000000001",
	"0000000000000000000000000000000000000000000000000000000000000002",
	"000000000000000000000000000000000000000000000000ffffffffffffffff",
	"0000000000000000000000000000000100000000000000000000000000000000",
	"000000000000000000000000000000014551231950b75fc4402da1732fc9bebe",
	"000000000000000000000000000000014551231950b75fc4402da1732fc9bebf",
	"000000000000000000000000000000014551231950b75fc4402da1732fc9bec0",
	"7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0",
	"7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a1",
	"8000000000000000000000000000000000000000000000000000000000000000",
	"fffffffffffffffffffffffffffffffdffffffffffffffffffffffffffffffff",
	"fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140",
	"fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd036413f",
};
constexpr size_t CASES = ARRAY_LENGTH(EDGES) + 40;

static void
make_case(size_t which, uint8_t bytes[32]) {
	if (which < ARRAY_LENGTH(EDGES)) {
		assert_ok(hex_decode(bytes_of_text(EDGES[which]), bytes, 32));
		return;
	}
	struct scalar number = scalar_random(&SYSTEM);
	scalar_write(&number, bytes);
}

static struct scalar
read_valid(const uint8_t bytes[32]) {
	struct scalar number;
	assert_ok(scalar_read(bytes, &number));
	return number;
}

static void
assert_number(const BIGNUM *expected, struct scalar actual) {
	uint8_t wanted[32], written[32];
	assert_int_equal(BN_bn2binpad(expected, wanted, 32), 32);
	scalar_write(&actual, written);
	assert_memory_equal(wanted, written, 32);
}

static void
arithmetic_agrees_with_openssl_on_every_pair_of_edges(void **) {
	BN_CTX *context = BN_CTX_new();
	BIGNUM *order = nullptr, *x = BN_new(), *y = BN_new(), *r = BN_new();
	assert_int_not_equal(BN_hex2bn(&order, ORDER), 0);
	for (size_t i = 0; i < CASES; i++) {
		uint8_t a_bytes[32];
		make_case(i, a_bytes);
		struct scalar a = read_valid(a_bytes);
		BN_bin2bn(a_bytes, 32, x);
		assert_int_equal(BN_mod_sub(r, order, x, order, context), 1);
		assert_number(r, scalar_negate(&a));
		assert_int_equal(scalar_is_zero(&a), BN_is_zero(x));
		BN_rshift1(r, order);
		assert_int_equal(scalar_is_high(&a), BN_cmp(x, r) > 0);
		if (BN_is_zero(x))
			BN_zero(r);
		else
			assert_non_null(BN_mod_inverse(r, x, order, context));
		assert_number(r, scalar_invert(&a));
		for (size_t k = 0; k < CASES; k++) {
			uint8_t b_bytes[32], wide[64];
			make_case(k, b_bytes);
			struct scalar b = read_valid(b_bytes);
			BN_bin2bn(b_bytes, 32, y);
			assert_int_equal(BN_mod_add(r, x, y, order, context), 1);
			assert_number(r, scalar_add(&a, &b));
			assert_int_equal(BN_mod_sub(r, x, y, order, context), 1);
			assert_number(r, scalar_subtract(&a, &b));
			assert_int_equal(BN_mod_mul(r, x, y, order, context), 1);
			assert_number(r, scalar_multiply(&a, &b));
			assert_int_equal(scalar_equal(&a, &b), BN_cmp(x, y) == 0);
			memcpy(wide, a_bytes, 32);
			memcpy(wide + 32, b_bytes, 32);
			BN_bin2bn(wide, 64, r);
			assert_int_equal(BN_nnmod(r, r, order, context), 1);
			assert_number(r, scalar_reduce_wide(wide));
		}
	}
	BN_free(order);
	BN_free(x);
	BN_free(y);
	BN_free(r);
	BN_CTX_free(context);
}

static void
arithmetic_agrees_with_libsecp256k1(void **) {
	secp256k1_context *curve = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	size_t compared = 0;
	for (size_t i = 0; i < CASES; i++)
		for (size_t k = 0; k < CASES; k++) {
			uint8_t a_bytes[32], b_bytes[32], theirs[32], ours[32];
			make_case(i, a_bytes);
			make_case(k, b_bytes);
			struct scalar a = read_valid(a_bytes), b = read_valid(b_bytes);
			if (scalar_is_zero(&a))
				continue;
			struct scalar sum = scalar_add(&a, &b), product = scalar_multiply(&a, &b);
			memcpy(theirs, a_bytes, 32);
			assert_int_equal(secp256k1_ec_seckey_tweak_add(curve, theirs, b_bytes), !scalar_is_zero(&sum));
			scalar_write(&sum, ours);
			if (!scalar_is_zero(&sum))
				assert_memory_equal(theirs, ours, 32);
			memcpy(theirs, a_bytes, 32);
			assert_int_equal(secp256k1_ec_seckey_tweak_mul(curve, theirs, b_bytes), !scalar_is_zero(&b));
			scalar_write(&product, ours);
			if (!scalar_is_zero(&b))
				assert_memory_equal(theirs, ours, 32);
			compared++;
		}
	assert_true(compared > 2000);
	secp256k1_context_destroy(curve);
}

static void
numbers_from_outside_are_below_the_order(void **) {
	uint8_t bytes[32], written[32];
	struct scalar number;
	assert_ok(hex_decode(bytes_of_text(ORDER), bytes, 32));
	assert_fails(STATUS_INVALID, "scalar.range", scalar_read(bytes, &number));
	number = scalar_reduce(bytes);
	assert_true(scalar_is_zero(&number));
	memset(bytes, 0xff, 32);
	assert_fails(STATUS_INVALID, "scalar.range", scalar_read(bytes, &number));
	number = scalar_reduce(bytes); /* 2^256 − 1 − n */
	scalar_write(&number, written);
	assert_ok(hex_decode(bytes_of_text(EDGES[5]), bytes, 32));
	assert_memory_equal(bytes, written, 32);
	assert_ok(hex_decode(bytes_of_text(EDGES[12]), bytes, 32));
	assert_ok(scalar_read(bytes, &number));
	scalar_write(&number, written);
	assert_memory_equal(bytes, written, 32);
}

static void
the_largest_wide_number_is_reduced(void **) {
	uint8_t wide[64];
	memset(wide, 0xff, sizeof wide);
	struct scalar by_wide = scalar_reduce_wide(wide), all = scalar_reduce(wide), one = scalar_of(1), power;
	power = scalar_add(&all, &one); /* 2^256 */
	struct scalar square = scalar_multiply(&power, &power), expected = scalar_subtract(&square, &one);
	assert_true(scalar_equal(&by_wide, &expected));
}

RUN_TESTS(T(arithmetic_agrees_with_openssl_on_every_pair_of_edges), T(arithmetic_agrees_with_libsecp256k1),
	  T(numbers_from_outside_are_below_the_order), T(the_largest_wide_number_is_reduced))
