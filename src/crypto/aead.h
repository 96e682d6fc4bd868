/*
 * Authenticated encryption and key derivation over OpenSSL.
 *
 * AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce in front and the 128-bit tag behind: nonce ‖ ciphertext ‖ tag.
 * argon2id (RFC 9106), HKDF-SHA-256 (RFC 5869), PBKDF2-HMAC-SHA-512 (BIP-39's need).
 * Errors: aead_open() gives STATUS_UNAUTHORIZED "aead.open" and clears the output.
 */
#ifndef GATEHOUSE_CRYPTO_AEAD_H
#define GATEHOUSE_CRYPTO_AEAD_H

#include "base/bytes.h"
#include "base/secret.h"

constexpr size_t AEAD_KEY_SIZE = 32;
constexpr size_t AEAD_OVERHEAD = 12 + 16;

/* sealed holds plain.len + AEAD_OVERHEAD. */
enum status aead_seal(const uint8_t key[32], struct bytes associated, struct bytes plain, uint8_t *sealed);
/* plain holds sealed.len − AEAD_OVERHEAD. */
enum status aead_open(const uint8_t key[32], struct bytes associated, struct bytes sealed, uint8_t *plain);

struct argon2id_cost {
	uint32_t memory_kib;
	uint32_t passes;
	uint32_t lanes;
};
enum status argon2id(struct bytes passphrase, struct bytes salt, struct argon2id_cost cost, uint8_t *key, size_t len);
enum status hkdf_sha256(struct bytes secret, struct bytes salt, struct bytes info, uint8_t *key, size_t len);
enum status pbkdf2_hmac_sha512(struct bytes password, struct bytes salt, uint32_t rounds, uint8_t *key, size_t len);

#endif
