#include "keys/threshold/point.h"

#include <secp256k1_ecdh.h>
#include <secp256k1_ellswift.h>

#include "base/secret.h"
#include "crypto/check.h"
#include "crypto/curve_context.h"
#include "crypto/declassify.h"

constexpr size_t SUM_MAX = 256;

enum status
point_read(const uint8_t bytes[33], struct point *point) {
	if ((bytes[0] != 2 && bytes[0] != 3) ||
	    secp256k1_ec_pubkey_parse(curve_context(), &point->key, bytes, POINT_SIZE) != 1)
		return fail(STATUS_INVALID, "point.encoding: 33 bytes that are no point of the curve");
	return OK;
}

void
point_write(const struct point *point, uint8_t bytes[33]) {
	size_t len = POINT_SIZE;
	crypto_must(secp256k1_ec_pubkey_serialize(curve_context(), bytes, &len, &point->key, SECP256K1_EC_COMPRESSED) ==
			    1,
		    "writing a point");
}

static enum status
fail_zero(void) {
	return fail(STATUS_INVALID, "point.zero_scalar: zero times a point");
}

enum status
point_of_secret(const struct scalar *secret, struct point *point) {
	uint8_t bytes[SCALAR_SIZE];
	scalar_write(secret, bytes);
	int made = secp256k1_ec_pubkey_create(curve_context(), &point->key, bytes);
	secret_wipe(bytes, sizeof bytes);
	return declassified(made == 1) ? OK : fail_zero();
}

/* For secp256k1_ecdh(): the whole point, uncompressed. */
static int
keep_point(unsigned char *to, const unsigned char *x, const unsigned char *y, void *) {
	to[0] = 4;
	memcpy(to + 1, x, 32);
	memcpy(to + 33, y, 32);
	return 1;
}

enum status
point_multiply_secret(const struct point *point, const struct scalar *secret, struct point *product) {
	uint8_t bytes[SCALAR_SIZE], whole[65];
	scalar_write(secret, bytes);
	int made = secp256k1_ecdh(curve_context(), whole, &point->key, bytes, keep_point, nullptr);
	secret_wipe(bytes, sizeof bytes);
	if (!declassified(made == 1))
		return fail_zero();
	made = secp256k1_ec_pubkey_parse(curve_context(), &product->key, whole, sizeof whole);
	secret_wipe(whole, sizeof whole);
	crypto_must(declassified(made == 1), "a product that is no point");
	return OK;
}

enum status
point_multiply_public(const struct point *point, const struct scalar *number, struct point *product) {
	uint8_t bytes[SCALAR_SIZE];
	struct point result = *point;
	scalar_write(number, bytes);
	if (secp256k1_ec_pubkey_tweak_mul(curve_context(), &result.key, bytes) != 1)
		return fail_zero();
	*product = result;
	return OK;
}

enum status
point_sum(const struct point *points, size_t count, struct point *sum) {
	const secp256k1_pubkey *parts[SUM_MAX];
	struct point result;
	if (count == 0 || count > SUM_MAX)
		return fail(STATUS_INTERNAL, "point.sum: of %zu points", count);
	for (size_t i = 0; i < count; i++)
		parts[i] = &points[i].key;
	if (!declassified(secp256k1_ec_pubkey_combine(curve_context(), &result.key, parts, count) == 1))
		return fail(STATUS_INVALID, "point.infinity: the points add up to the one at infinity");
	*sum = result;
	return OK;
}

enum status
point_add(const struct point *a, const struct point *b, struct point *sum) {
	return point_sum((const struct point[]){*a, *b}, 2, sum);
}

enum status
point_subtract(const struct point *a, const struct point *b, struct point *difference) {
	struct point negative = *b;
	crypto_must(secp256k1_ec_pubkey_negate(curve_context(), &negative.key) == 1, "negating a point");
	return point_add(a, &negative, difference);
}

bool
point_equal(const struct point *a, const struct point *b) {
	uint8_t a_bytes[POINT_SIZE], b_bytes[POINT_SIZE];
	point_write(a, a_bytes);
	point_write(b, b_bytes);
	return secret_equal(BYTES_OF_ARRAY(a_bytes), BYTES_OF_ARRAY(b_bytes));
}

struct point
point_of_uniform_bytes(const uint8_t bytes[64]) {
	struct point point;
	crypto_must(secp256k1_ellswift_decode(curve_context(), &point.key, bytes) == 1, "decoding a point");
	return point;
}

struct scalar
point_x(const struct point *point, bool *above, bool *odd) {
	uint8_t bytes[POINT_SIZE], reduced[SCALAR_SIZE];
	point_write(point, bytes);
	struct scalar x = scalar_reduce(bytes + 1);
	scalar_write(&x, reduced);
	*above = memcmp(reduced, bytes + 1, sizeof reduced) != 0;
	*odd = bytes[0] == 3;
	return x;
}
