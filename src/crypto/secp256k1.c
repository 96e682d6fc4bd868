#include "crypto/sign.h"

#include <secp256k1.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_recovery.h>
#include <secp256k1_schnorrsig.h>

#include "base/secret.h"
#include "crypto/check.h"
#include "crypto/curve_context.h"
#include "crypto/declassify.h"

static enum status
fail_private_key(void) {
	return fail(STATUS_INVALID, "private_key.secp256k1: not between 1 and the order of the curve");
}

/* The hybrid encodings 0x06 and 0x07 are no longer used by anyone and are refused. */
static enum status
read_public_key(struct bytes encoded, secp256k1_pubkey *point) {
	bool known = (encoded.len == 33 && (encoded.data[0] == 2 || encoded.data[0] == 3)) ||
		     (encoded.len == 65 && encoded.data[0] == 4);
	if (!known || secp256k1_ec_pubkey_parse(curve_context(), point, encoded.data, encoded.len) != 1)
		return fail(STATUS_INVALID, "public_key.secp256k1: %zu bytes that are no point of the curve",
			    encoded.len);
	return OK;
}

static void
write_public_key(const secp256k1_pubkey *point, uint8_t *encoded, size_t size) {
	size_t len = size;
	unsigned form = size == 33 ? SECP256K1_EC_COMPRESSED : SECP256K1_EC_UNCOMPRESSED;
	crypto_must(secp256k1_ec_pubkey_serialize(curve_context(), encoded, &len, point, form) == 1, "writing a point");
}

enum status
secp256k1_private_check(const uint8_t key[32]) {
	return declassified(secp256k1_ec_seckey_verify(curve_context(), key) == 1) ? OK : fail_private_key();
}

enum status
secp256k1_public_key(const uint8_t key[32], uint8_t public_key[33]) {
	secp256k1_pubkey point;
	if (!declassified(secp256k1_ec_pubkey_create(curve_context(), &point, key) == 1))
		return fail_private_key();
	declassify(&point, sizeof point);
	write_public_key(&point, public_key, 33);
	return OK;
}

enum status
secp256k1_public_uncompressed(struct bytes public_key, uint8_t uncompressed[65]) {
	secp256k1_pubkey point;
	TRY(read_public_key(public_key, &point));
	write_public_key(&point, uncompressed, 65);
	return OK;
}

static enum status
fail_tweak(void) {
	return fail(STATUS_INVALID, "tweak.secp256k1: the tweak or the tweaked key is out of range");
}

enum status
secp256k1_private_add(uint8_t key[32], const uint8_t tweak[32]) {
	return declassified(secp256k1_ec_seckey_tweak_add(curve_context(), key, tweak) == 1) ? OK : fail_tweak();
}

enum status
secp256k1_public_add(uint8_t public_key[33], const uint8_t tweak[32]) {
	secp256k1_pubkey point;
	TRY(read_public_key(bytes_of(public_key, 33), &point));
	if (secp256k1_ec_pubkey_tweak_add(curve_context(), &point, tweak) != 1)
		return fail_tweak();
	write_public_key(&point, public_key, 33);
	return OK;
}

enum status
secp256k1_sign(const uint8_t key[32], const uint8_t digest[32], uint8_t signature[64], int *recovery) {
	secp256k1_ecdsa_recoverable_signature recoverable;
	int made = secp256k1_ecdsa_sign_recoverable(curve_context(), &recoverable, digest, key,
						    secp256k1_nonce_function_rfc6979, nullptr);
	if (!declassified(made == 1))
		return fail_private_key();
	declassify(&recoverable, sizeof recoverable);
	int id = 0;
	crypto_must(secp256k1_ecdsa_recoverable_signature_serialize_compact(curve_context(), signature, &id,
									    &recoverable) == 1,
		    "writing a signature");
	if (recovery != nullptr)
		*recovery = id;
	return OK;
}

static enum status
read_signature(const uint8_t compact[64], secp256k1_ecdsa_signature *signature) {
	if (secp256k1_ecdsa_signature_parse_compact(curve_context(), signature, compact) != 1)
		return fail(STATUS_INVALID, "signature.secp256k1_range: r or s is not below the order of the curve");
	return OK;
}

enum status
secp256k1_verify(struct bytes public_key, const uint8_t digest[32], const uint8_t signature[64]) {
	secp256k1_pubkey point;
	secp256k1_ecdsa_signature parsed;
	TRY(read_public_key(public_key, &point));
	TRY(read_signature(signature, &parsed));
	if (secp256k1_ecdsa_signature_normalize(curve_context(), nullptr, &parsed) == 1)
		return fail(STATUS_UNAUTHORIZED, "signature.secp256k1_high_s: s is in the upper half of the order");
	if (secp256k1_ecdsa_verify(curve_context(), &parsed, digest, &point) != 1)
		return fail(STATUS_UNAUTHORIZED, "signature.secp256k1: does not verify");
	return OK;
}

enum status
secp256k1_recover(const uint8_t digest[32], const uint8_t signature[64], int recovery, uint8_t uncompressed[65]) {
	secp256k1_ecdsa_recoverable_signature parsed;
	secp256k1_pubkey point;
	if (recovery < 0 || recovery > 3)
		return fail(STATUS_INVALID, "signature.secp256k1_recovery: %d is not between 0 and 3", recovery);
	if (secp256k1_ecdsa_recoverable_signature_parse_compact(curve_context(), &parsed, signature, recovery) != 1)
		return fail(STATUS_INVALID, "signature.secp256k1_range: r or s is not below the order of the curve");
	if (secp256k1_ecdsa_recover(curve_context(), &point, &parsed, digest) != 1)
		return fail(STATUS_UNAUTHORIZED, "signature.secp256k1_no_key: no public key belongs to this signature");
	write_public_key(&point, uncompressed, 65);
	return OK;
}

enum status
secp256k1_ecdsa_to_der(const uint8_t signature[64], uint8_t der[72], size_t *len) {
	secp256k1_ecdsa_signature parsed;
	TRY(read_signature(signature, &parsed));
	*len = 72;
	crypto_must(secp256k1_ecdsa_signature_serialize_der(curve_context(), der, len, &parsed) == 1,
		    "writing a signature");
	return OK;
}

enum status
secp256k1_ecdsa_from_der(struct bytes der, uint8_t signature[64]) {
	static const uint8_t zero[32];
	secp256k1_ecdsa_signature parsed;
	if (der.len == 0 || secp256k1_ecdsa_signature_parse_der(curve_context(), &parsed, der.data, der.len) != 1)
		return fail(STATUS_INVALID, "signature.secp256k1_der: not strict DER");
	/* The library reads a negative or too large number as zero. */
	crypto_must(secp256k1_ecdsa_signature_serialize_compact(curve_context(), signature, &parsed) == 1,
		    "writing a signature");
	if (memcmp(signature, zero, 32) == 0 || memcmp(signature + 32, zero, 32) == 0)
		return fail(STATUS_INVALID,
			    "signature.secp256k1_range: r or s is not between 1 and the order of the curve");
	return OK;
}

bool
secp256k1_ecdsa_is_low_s(const uint8_t signature[64]) {
	secp256k1_ecdsa_signature parsed;
	return secp256k1_ecdsa_signature_parse_compact(curve_context(), &parsed, signature) == 1 &&
	       secp256k1_ecdsa_signature_normalize(curve_context(), nullptr, &parsed) == 0;
}

enum status
bip340_sign(const uint8_t key[32], struct bytes message, const uint8_t aux[32], uint8_t signature[64]) {
	secp256k1_keypair pair;
	if (!declassified(secp256k1_keypair_create(curve_context(), &pair, key) == 1))
		return fail_private_key();
	secp256k1_schnorrsig_extraparams parameters = SECP256K1_SCHNORRSIG_EXTRAPARAMS_INIT;
	parameters.ndata = (void *)(uintptr_t)aux; /* only read */
	int made = secp256k1_schnorrsig_sign_custom(curve_context(), signature, message.data, message.len, &pair,
						    &parameters);
	secret_wipe(&pair, sizeof pair);
	declassify(signature, 64);
	return declassified(made == 1) ? OK
				       : fail(STATUS_INTERNAL, "signature.bip340_sign: the library could not sign");
}

static enum status
read_x_only(const uint8_t x_only[32], secp256k1_xonly_pubkey *point) {
	if (secp256k1_xonly_pubkey_parse(curve_context(), point, x_only) != 1)
		return fail(STATUS_INVALID, "public_key.x_only: not the x coordinate of a point of the curve");
	return OK;
}

enum status
bip340_verify(const uint8_t x_only[32], struct bytes message, const uint8_t signature[64]) {
	secp256k1_xonly_pubkey point;
	TRY(read_x_only(x_only, &point));
	if (secp256k1_schnorrsig_verify(curve_context(), signature, message.data, message.len, &point) != 1)
		return fail(STATUS_UNAUTHORIZED, "signature.bip340: does not verify");
	return OK;
}

enum status
taproot_tweak(const uint8_t internal[32], struct bytes merkle_root, struct hash256 *tweak) {
	if (merkle_root.len != 0 && merkle_root.len != 32)
		return fail(STATUS_INVALID, "taproot.merkle_root: %zu bytes where 0 or 32 were expected",
			    merkle_root.len);
	uint8_t message[64];
	memcpy(message, internal, 32);
	if (merkle_root.len == 32)
		memcpy(message + 32, merkle_root.data, 32);
	*tweak = tagged_hash("TapTweak", bytes_of(message, 32 + merkle_root.len));
	return OK;
}

enum status
taproot_tweak_public(const uint8_t internal[32], struct bytes merkle_root, uint8_t output[32], int *parity) {
	struct hash256 tweak;
	secp256k1_xonly_pubkey point, x_only;
	secp256k1_pubkey tweaked;
	TRY(read_x_only(internal, &point));
	TRY(taproot_tweak(internal, merkle_root, &tweak));
	if (secp256k1_xonly_pubkey_tweak_add(curve_context(), &tweaked, &point, tweak.bytes) != 1)
		return fail_tweak();
	crypto_must(secp256k1_xonly_pubkey_from_pubkey(curve_context(), &x_only, parity, &tweaked) == 1 &&
			    secp256k1_xonly_pubkey_serialize(curve_context(), output, &x_only) == 1,
		    "writing a point");
	return OK;
}

enum status
taproot_tweak_private(uint8_t key[32], struct bytes merkle_root) {
	struct hash256 tweak;
	secp256k1_keypair pair;
	secp256k1_xonly_pubkey point;
	uint8_t internal[32];
	if (!declassified(secp256k1_keypair_create(curve_context(), &pair, key) == 1))
		return fail_private_key();
	crypto_must(secp256k1_keypair_xonly_pub(curve_context(), &point, nullptr, &pair) == 1, "reading a key pair");
	declassify(&point, sizeof point);
	crypto_must(secp256k1_xonly_pubkey_serialize(curve_context(), internal, &point) == 1, "writing a point");
	enum status status = taproot_tweak(internal, merkle_root, &tweak);
	if (status == OK && !declassified(secp256k1_keypair_xonly_tweak_add(curve_context(), &pair, tweak.bytes) == 1))
		status = fail_tweak();
	if (status == OK)
		crypto_must(secp256k1_keypair_sec(curve_context(), key, &pair) == 1, "reading a key pair");
	secret_wipe(&pair, sizeof pair);
	return status;
}
