#include "keys/blob.h"

#include "base/cursor.h"
#include "base/secret.h"
#include "crypto/aead.h"
#include "crypto/declassify.h"
#include "crypto/sign.h"

static const uint8_t MAGIC[4] = {'G', 'H', 'K', 'B'};
constexpr size_t HEADER_SIZE = 10;
constexpr size_t INSTANCE_MAX = 256;

/* These numbers are stored (docs/PROTOCOL.keys). */
static_assert(KEY_SECP256K1 == 0 && KEY_P256 == 1 && KEY_ED25519 == 2);
static_assert(KEY_MATERIAL_SINGLE == 0 && KEY_MATERIAL_EXTENDED == 1);
static_assert(KEY_PURPOSE_TRANSFER == 0 && KEY_PURPOSE_DIGEST == 1);
static_assert(BLOB_SIZE == HEADER_SIZE + KEY_SECRET_SIZE + AEAD_OVERHEAD);

bool
key_is_scalar(const uint8_t secret[KEY_SECRET_SIZE]) {
	uint8_t any = 0;
	for (size_t i = KEY_SECRET_SIZE / 2; i < KEY_SECRET_SIZE; i++)
		any |= secret[i];
	return declassified(any != 0);
}

enum status
key_derive_public(enum key_algorithm algorithm, const uint8_t *secret, uint8_t public_key[33], size_t *len) {
	*len = algorithm == KEY_ED25519 ? 32 : 33;
	switch (algorithm) {
	case KEY_SECP256K1:
		return secp256k1_public_key(secret, public_key);
	case KEY_P256:
		return p256_public_key(secret, public_key);
	case KEY_ED25519:
		return key_is_scalar(secret) ? ed25519_scalar_public_key(secret, public_key)
					     : ed25519_public_key(secret, public_key);
	}
	return fail(STATUS_INVALID, "key_record.algorithm: %d is none", (int)algorithm);
}

static void
write_header(const struct key_info *key, uint8_t header[HEADER_SIZE]) {
	memcpy(header, MAGIC, sizeof MAGIC);
	header[4] = BLOB_VERSION >> 8;
	header[5] = BLOB_VERSION & 0xff;
	header[6] = (uint8_t)key->algorithm;
	header[7] = (uint8_t)key->material;
	header[8] = (uint8_t)key->purpose;
	header[9] = 0;
}

static void
append_field(struct buffer *to, struct bytes field) {
	buffer_append_u32be(to, (uint32_t)field.len);
	buffer_append_bytes(to, field);
}

/* What the blob belongs to, every field with its length before it. */
static enum status
write_associated(struct bytes instance, const struct key_info *key, struct buffer *associated) {
	uint8_t header[HEADER_SIZE];
	if (instance.len == 0 || instance.len > INSTANCE_MAX)
		return fail(STATUS_INVALID, "blob.instance: a name of %zu bytes; 1 to %zu are possible", instance.len,
			    INSTANCE_MAX);
	write_header(key, header);
	append_field(associated, BYTES_OF_LITERAL("gatehouse/key-blob"));
	append_field(associated, BYTES_OF_ARRAY(header));
	append_field(associated, instance);
	append_field(associated, bytes_of_text(key->id));
	append_field(associated, key_public(key));
	return buffer_status(associated);
}

enum status
blob_seal(const uint8_t wrapping_key[32], struct bytes instance, const struct key_info *key,
	  const uint8_t secret[KEY_SECRET_SIZE], uint8_t blob[BLOB_SIZE]) {
	_cleanup_(buffer_free) struct buffer associated = {};
	TRY(key_check_info(key));
	TRY(write_associated(instance, key, &associated));
	write_header(key, blob);
	return aead_seal(wrapping_key, buffer_bytes(&associated), bytes_of(secret, KEY_SECRET_SIZE),
			 blob + HEADER_SIZE);
}

static enum status
check_header(const struct key_info *key, struct bytes blob) {
	uint8_t expected[HEADER_SIZE];
	write_header(key, expected);
	if (blob.len < HEADER_SIZE || memcmp(blob.data, MAGIC, sizeof MAGIC) != 0)
		return fail(STATUS_CORRUPT, "blob.magic: %zu bytes that are no key blob (key %s)", blob.len, key->id);
	unsigned version = (unsigned)blob.data[4] << 8 | blob.data[5];
	if (version != BLOB_VERSION)
		return fail(STATUS_UNSUPPORTED, "blob.version: version %u of key %s; this program knows version %u",
			    version, key->id, (unsigned)BLOB_VERSION);
	if (blob.len != BLOB_SIZE)
		return fail(STATUS_CORRUPT, "blob.length: %zu bytes for key %s where %zu were expected", blob.len,
			    key->id, BLOB_SIZE);
	if (memcmp(blob.data, expected, HEADER_SIZE) != 0)
		return fail(STATUS_CORRUPT,
			    "blob.attributes: sealed for another algorithm, material or purpose than key %s has",
			    key->id);
	return OK;
}

static enum status
check_public_key(const struct key_info *key, const uint8_t secret[KEY_SECRET_SIZE]) {
	uint8_t public_key[33];
	size_t len;
	if (key_derive_public(key->algorithm, secret, public_key, &len) != OK ||
	    !bytes_equal(key_public(key), bytes_of(public_key, len)))
		return fail(STATUS_CORRUPT, "blob.public_key: the sealed secret is not the one of key %s's public key",
			    key->id);
	return OK;
}

enum status
blob_open(const uint8_t wrapping_key[32], struct bytes instance, const struct key_info *key, struct bytes blob,
	  uint8_t secret[KEY_SECRET_SIZE]) {
	_cleanup_(buffer_free) struct buffer associated = {};
	memset(secret, 0, KEY_SECRET_SIZE);
	TRY(key_check_info(key));
	TRY(check_header(key, blob));
	TRY(write_associated(instance, key, &associated));
	struct bytes sealed = bytes_of(blob.data + HEADER_SIZE, blob.len - HEADER_SIZE);
	if (aead_open(wrapping_key, buffer_bytes(&associated), sealed, secret) != OK)
		return fail(STATUS_CORRUPT,
			    "blob.sealed: does not open for key %s: changed, moved, or sealed under another root key",
			    key->id);
	enum status status = check_public_key(key, secret);
	if (status != OK)
		secret_wipe(secret, KEY_SECRET_SIZE);
	return status;
}
