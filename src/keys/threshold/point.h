/*
 * Points of secp256k1, never the one at infinity. All group operations are libsecp256k1's.
 *
 * A secret times the generator is secp256k1_ec_pubkey_create(); a secret times another's point is secp256k1_ecdh() with
 * a callback that keeps the whole point: both run in constant time. Sums are secp256k1_ec_pubkey_combine(), and
 * products with public numbers secp256k1_ec_pubkey_tweak_mul(), both of variable time: they are given only points and
 * numbers that are public, or points whose discrete logarithm is secret and which are themselves of no use to others.
 * Points on the wire are compressed, 33 bytes. Errors: STATUS_INVALID "point.encoding", "point.zero_scalar",
 * "point.infinity". Threads: any.
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_POINT_H
#define GATEHOUSE_KEYS_THRESHOLD_POINT_H

#include <secp256k1.h>

#include "keys/threshold/scalar.h"

constexpr size_t POINT_SIZE = 33;

struct point {
	secp256k1_pubkey key;
};

enum status point_read(const uint8_t bytes[33], struct point *point);
void point_write(const struct point *point, uint8_t bytes[33]);
/* secret · G. "point.zero_scalar" for zero. */
enum status point_of_secret(const struct scalar *secret, struct point *point);
enum status point_multiply_secret(const struct point *point, const struct scalar *secret, struct point *product);
enum status point_multiply_public(const struct point *point, const struct scalar *number, struct point *product);
enum status point_sum(const struct point *points, size_t count, struct point *sum);
enum status point_add(const struct point *a, const struct point *b, struct point *sum);
enum status point_subtract(const struct point *a, const struct point *b, struct point *difference);
bool point_equal(const struct point *a, const struct point *b);
/* The point that 64 uniform bytes stand for (ElligatorSwift, BIP-324): of a hash, as good as a random oracle into the
 * group (Chavez-Saab, Rodríguez-Henríquez, Tibouchi: SwiftEC, Theorem 1). Variable time in the bytes. */
struct point point_of_uniform_bytes(const uint8_t bytes[64]);
/* The x coordinate modulo n, as ECDSA takes it; *above receives whether it was not below n, *odd whether y is odd. */
struct scalar point_x(const struct point *point, bool *above, bool *odd);

#endif
