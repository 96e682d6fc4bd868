/*
 * Key encapsulation in two kinds at once, X25519 and ML-KEM-768, over OpenSSL: what is sealed with the key stays closed as long as
 * either holds. For what is kept or recorded for years: backups (design §10.5).
 *
 * A public key is ML-KEM's encapsulation key ‖ X25519's point, a ciphertext ML-KEM's ‖ an ephemeral point. The key that both sides get
 * is HKDF-SHA-256 of both secrets, bound to label, public key and ciphertext.
 * Errors: STATUS_INVALID "kem.public_key", "kem.private_key", "kem.ciphertext". A ciphertext for another key gives another key,
 * not an error. Sources: FIPS 203, RFC 7748, draft-ietf-tls-ecdhe-mlkem (OpenSSL's X25519MLKEM768).
 */
#ifndef GATEHOUSE_CRYPTO_KEM_H
#define GATEHOUSE_CRYPTO_KEM_H

#include "base/bytes.h"
#include "base/secret.h"

constexpr size_t KEM_PUBLIC_SIZE = 1184 + 32;
constexpr size_t KEM_PRIVATE_SIZE = 2400 + 32;
constexpr size_t KEM_CIPHERTEXT_SIZE = 1088 + 32;
constexpr size_t KEM_KEY_SIZE = 32;

/* *private_key is allocated. */
enum status kem_generate(uint8_t public_key[static 1184 + 32], struct secret *private_key);
enum status kem_public_of(struct bytes private_key, uint8_t public_key[static 1184 + 32]);
enum status kem_encapsulate(struct bytes public_key, struct bytes label, uint8_t ciphertext[static 1088 + 32],
			    uint8_t key[static 32]);
/* The same with all its randomness given, for proofs about what was encapsulated: 32 bytes for ML-KEM, 32 for X25519. Whoever knows
 * the seed knows the key. */
enum status kem_encapsulate_from(struct bytes public_key, struct bytes label, const uint8_t seed[static 64],
				 uint8_t ciphertext[static 1088 + 32], uint8_t key[static 32]);
enum status kem_decapsulate(struct bytes private_key, struct bytes label, struct bytes ciphertext,
			    uint8_t key[static 32]);

#endif
