/*
 * Signatures. Every sign function verifies nothing; callers that release a signature verify it first (design §7).
 *
 * Ed25519 (RFC 8032) signs and verifies by libsodium; P-256 by OpenSSL; secp256k1 ECDSA (low-s, RFC 6979) and BIP-340 by
 * libsecp256k1; ML-DSA-44 (FIPS 204, pure, empty context) verifies by OpenSSL and signs by mldsa44_signer.h, or by OpenSSL as
 * well (meson.options). Private keys are read where they lie; what a library needs as a copy (Ed25519's seed with its public key,
 * P-256's number) is wiped before the function returns.
 * Errors: STATUS_UNAUTHORIZED "signature.*" where a verification fails; STATUS_INVALID where a key or encoding is malformed.
 * Threads: all functions may run concurrently.
 */
#ifndef GATEHOUSE_CRYPTO_SIGN_H
#define GATEHOUSE_CRYPTO_SIGN_H

#include "crypto/hash.h"

constexpr size_t ED25519_SEED_SIZE = 32;
constexpr size_t ED25519_PUBLIC_SIZE = 32;
constexpr size_t ED25519_SIGNATURE_SIZE = 64;
constexpr size_t MLDSA44_SEED_SIZE = 32;
constexpr size_t MLDSA44_PUBLIC_SIZE = 1312;
constexpr size_t MLDSA44_SIGNATURE_SIZE = 2420;
constexpr size_t SECP256K1_PRIVATE_SIZE = 32;
constexpr size_t SECP256K1_PUBLIC_SIZE = 33;
constexpr size_t SECP256K1_SIGNATURE_SIZE = 64;
constexpr size_t P256_PRIVATE_SIZE = 32;
constexpr size_t P256_PUBLIC_SIZE = 33;
constexpr size_t P256_SIGNATURE_SIZE = 64;

/* --- Ed25519. A private key is its 32-byte seed. --- */
enum status ed25519_public_key(const uint8_t seed[32], uint8_t public_key[32]);
enum status ed25519_sign(const uint8_t seed[32], const uint8_t public_key[32], struct bytes message,
			 uint8_t signature[64]);
/* The same with the number that a seed stands for, as shared keys have it: below the group's order and not 0, else STATUS_INVALID
 * "signature.ed25519_scalar". prefix: what nonces are made of beside the message, secret as the number. */
enum status ed25519_scalar_public_key(const uint8_t scalar[32], uint8_t public_key[32]);
enum status ed25519_scalar_sign(const uint8_t scalar[32], const uint8_t prefix[32], const uint8_t public_key[32],
				struct bytes message, uint8_t signature[64]);
enum status ed25519_verify(const uint8_t public_key[32], struct bytes message, const uint8_t signature[64]);
/* Before a key is trusted for the first time: a canonical point of the prime-order group, not of small order.
 * STATUS_INVALID "signature.ed25519_key". */
enum status ed25519_public_check(const uint8_t public_key[32]);
/* Whether the bytes decode to a point of the curve at all, of whatever order (Solana's derived addresses do not). */
bool ed25519_is_on_curve(const uint8_t point[32]);

/* --- ML-DSA-44. Keys are expanded once and kept. --- */
struct mldsa44_private;
struct mldsa44_public;
enum status mldsa44_private_create(struct mldsa44_private **key, const uint8_t seed[32]);
void mldsa44_private_destroy(struct mldsa44_private **key); /* a cleanup function */
void mldsa44_private_public_key(const struct mldsa44_private *key, uint8_t public_key[1312]);
enum status mldsa44_sign(const struct mldsa44_private *key, struct bytes message, uint8_t signature[2420]);
enum status mldsa44_public_create(struct mldsa44_public **key, const uint8_t public_key[1312]);
void mldsa44_public_destroy(struct mldsa44_public **key); /* a cleanup function */
enum status mldsa44_verify(const struct mldsa44_public *key, struct bytes message, const uint8_t signature[2420]);

/* --- secp256k1. Private keys 32 bytes big-endian; public keys compressed; signatures r ‖ s, 64 bytes. --- */
/* OK if 1 <= key < n. */
enum status secp256k1_private_check(const uint8_t key[32]);
enum status secp256k1_public_key(const uint8_t key[32], uint8_t public_key[33]);
/* 65 bytes, 0x04 first, of any valid encoding. */
enum status secp256k1_public_uncompressed(struct bytes public_key, uint8_t uncompressed[65]);
/* key + tweak, and P + tweak·G (BIP-32). Fails if the tweak or the result is out of range. */
enum status secp256k1_private_add(uint8_t key[32], const uint8_t tweak[32]);
enum status secp256k1_public_add(uint8_t public_key[33], const uint8_t tweak[32]);
/* ECDSA, low s, RFC 6979. (libsecp256k1 itself exports secp256k1_ecdsa_sign, _verify and _recover, hence the short names.)
 * recovery receives 0 to 3; may be null. A high s is refused by secp256k1_verify(): "signature.secp256k1_high_s". */
enum status secp256k1_sign(const uint8_t key[32], const uint8_t digest[32], uint8_t signature[64], int *recovery);
enum status secp256k1_verify(struct bytes public_key, const uint8_t digest[32], const uint8_t signature[64]);
enum status secp256k1_recover(const uint8_t digest[32], const uint8_t signature[64], int recovery,
			      uint8_t uncompressed[65]);
/* Strict DER (BIP-66) to r ‖ s and back; *len receives at most 72. */
enum status secp256k1_ecdsa_to_der(const uint8_t signature[64], uint8_t der[72], size_t *len);
enum status secp256k1_ecdsa_from_der(struct bytes der, uint8_t signature[64]);
/* True if s is in the lower half of the order. */
bool secp256k1_ecdsa_is_low_s(const uint8_t signature[64]);
/* BIP-340 over a message, which Bitcoin has at 32 bytes, with fresh auxiliary randomness from aux. */
enum status bip340_sign(const uint8_t key[32], struct bytes message, const uint8_t aux[32], uint8_t signature[64]);
enum status bip340_verify(const uint8_t x_only[32], struct bytes message, const uint8_t signature[64]);
/* BIP-341 output key: Q = P + H_TapTweak(P ‖ merkle_root)·G; merkle_root of length 0 or 32. parity may be null. */
enum status taproot_tweak(const uint8_t internal[32], struct bytes merkle_root, struct hash256 *tweak);
enum status taproot_tweak_public(const uint8_t internal[32], struct bytes merkle_root, uint8_t output[32], int *parity);
/* The private key of that output key, in place. */
enum status taproot_tweak_private(uint8_t key[32], struct bytes merkle_root);

/* --- P-256 ECDSA with SHA-256 digests (low s, RFC 6979). Signatures r ‖ s; public keys compressed, or 65 bytes where read.
 * Verification takes a high s, because other signers make it. --- */
enum status p256_public_key(const uint8_t key[32], uint8_t public_key[33]);
enum status p256_sign(const uint8_t key[32], const uint8_t digest[32], uint8_t signature[64]);
enum status p256_verify(struct bytes public_key, const uint8_t digest[32], const uint8_t signature[64]);
enum status p256_verify_der(struct bytes public_key, const uint8_t digest[32], struct bytes der);

#endif
