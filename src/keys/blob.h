/*
 * Key blobs: the secret of one key, sealed with AES-256-GCM under the wrapping key, as secrets.db keeps it.
 *
 * The associated data binds instance, key id, public key, purpose and version, so that a blob moved to another key,
 * another purpose or another installation does not open. After opening the public key is derived again and compared.
 * Format: docs/PROTOCOL.keys. Errors: STATUS_CORRUPT "blob.*"; STATUS_UNSUPPORTED "blob.version" for a newer one.
 */
#ifndef GATEHOUSE_KEYS_BLOB_H
#define GATEHOUSE_KEYS_BLOB_H

#include "keys/key.h"

constexpr uint16_t BLOB_VERSION = 1;
/* A private key (32 bytes and zeros), a BIP-32 node, or of Ed25519 the number that a seed would give and the prefix of its nonces. */
constexpr size_t KEY_SECRET_SIZE = 64;
constexpr size_t BLOB_SIZE = 10 + 12 + KEY_SECRET_SIZE + 16;

/* Seals the secret of a key whose attributes and public key are filled in. */
enum status blob_seal(const uint8_t wrapping_key[32], struct bytes instance, const struct key_info *key,
		      const uint8_t secret[KEY_SECRET_SIZE], uint8_t blob[BLOB_SIZE]);
/* Opens into secret, which is zeroed on failure. Errors: blob.length, blob.magic, blob.version, blob.attributes (says other
 * ones than key), blob.sealed (does not open), blob.public_key (opens, and is not the secret of this public key). */
enum status blob_open(const uint8_t wrapping_key[32], struct bytes instance, const struct key_info *key,
		      struct bytes blob, uint8_t secret[KEY_SECRET_SIZE]);

/* Of an Ed25519 secret: whether it is a number with its prefix, and no seed. */
bool key_is_scalar(const uint8_t secret[KEY_SECRET_SIZE]);
/* The public key of a secret of KEY_SECRET_SIZE bytes, as key_info keeps it: 33 bytes, or 32 for Ed25519. */
enum status key_derive_public(enum key_algorithm algorithm, const uint8_t *secret, uint8_t public_key[33], size_t *len);

#endif
