#include "crypto/start.h"

#include "crypto/aead.h"
#include "crypto/random.h"
#include "crypto/sign.h"

static enum status
use_each_signature(struct bytes message) {
	static const uint8_t key[32] = {[31] = 1};
	uint8_t public_key[33], signature[64];
	struct hash256 digest = sha256(message);
	TRY(ed25519_public_key(key, public_key));
	TRY(ed25519_sign(key, public_key, message, signature));
	TRY(ed25519_verify(public_key, message, signature));
	TRY(secp256k1_public_key(key, public_key));
	TRY(p256_public_key(key, public_key));
	TRY(p256_sign(key, digest.bytes, signature));
	return p256_verify(BYTES_OF_ARRAY(public_key), digest.bytes, signature);
}

static enum status
use_mldsa44(struct bytes message) {
	static const uint8_t seed[32];
	uint8_t public_key[1312], signature[2420];
	_cleanup_(mldsa44_private_destroy) struct mldsa44_private *private = nullptr;
	_cleanup_(mldsa44_public_destroy) struct mldsa44_public *public = nullptr;
	TRY(mldsa44_private_create(&private, seed));
	mldsa44_private_public_key(private, public_key);
	TRY(mldsa44_public_create(&public, public_key));
	TRY(mldsa44_sign(private, message, signature));
	return mldsa44_verify(public, message, signature);
}

static enum status
use_each_derivation(struct bytes message) {
	uint8_t key[32], digest[20], sealed[64 + AEAD_OVERHEAD], opened[64];
	random_bytes(key, sizeof key);
	hash160(message, digest);
	(void)keccak256(message);
	(void)hmac_sha256(message, message);
	TRY(aead_seal(key, (struct bytes){}, message, sealed));
	TRY(aead_open(key, (struct bytes){}, bytes_of(sealed, message.len + AEAD_OVERHEAD), opened));
	TRY(argon2id(message, message, (struct argon2id_cost){.memory_kib = 8, .passes = 1, .lanes = 1}, key,
		     sizeof key));
	TRY(hkdf_sha256(message, message, message, key, sizeof key));
	return pbkdf2_hmac_sha512(message, message, 1, key, sizeof key);
}

enum status
crypto_start(void) {
	struct bytes message = BYTES_OF_LITERAL("gatehouse");
	TRY(use_each_derivation(message));
	TRY(use_each_signature(message));
	return use_mldsa44(message);
}
