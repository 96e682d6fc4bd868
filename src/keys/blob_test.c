#include "tests/test.h"

#include "crypto/random.h"
#include "keys/blob.h"

static const struct bytes INSTANCE = {(const uint8_t *)"treasury.example", 16};
static const uint8_t WRAPPING_KEY[32] = {7};

static void
make_key(enum key_algorithm algorithm, struct key_info *key, uint8_t secret[KEY_SECRET_SIZE], uint8_t blob[BLOB_SIZE]) {
	*key = (struct key_info){.id = "k-1", .account = "desk", .algorithm = algorithm};
	memset(secret, 0, KEY_SECRET_SIZE);
	random_bytes(secret + 1, 31); /* below every order */
	assert_ok(key_derive_public(algorithm, secret, key->public_key, &key->public_key_len));
	assert_ok(blob_seal(WRAPPING_KEY, INSTANCE, key, secret, blob));
}

static void
a_blob_opens_to_what_was_sealed(void **) {
	for (enum key_algorithm algorithm = KEY_SECP256K1; algorithm <= KEY_ED25519; algorithm++) {
		struct key_info key;
		uint8_t secret[KEY_SECRET_SIZE], opened[KEY_SECRET_SIZE], blob[BLOB_SIZE];
		make_key(algorithm, &key, secret, blob);
		assert_ok(blob_open(WRAPPING_KEY, INSTANCE, &key, BYTES_OF_ARRAY(blob), opened));
		assert_memory_equal(secret, opened, sizeof secret);
	}
}

/* The name of the refusal for a change of each byte: magic, version, attributes, then what is sealed. */
static const char *
reason_for(size_t byte) {
	return byte < 4 ? "blob.magic" : byte < 6 ? "blob.version" : byte < 10 ? "blob.attributes" : "blob.sealed";
}

static void
any_changed_byte_keeps_it_closed(void **) {
	static const uint8_t zero[KEY_SECRET_SIZE];
	struct key_info key;
	uint8_t secret[KEY_SECRET_SIZE], opened[KEY_SECRET_SIZE], blob[BLOB_SIZE];
	make_key(KEY_SECP256K1, &key, secret, blob);
	for (size_t i = 0; i < sizeof blob; i++) {
		enum status expected = i == 4 || i == 5 ? STATUS_UNSUPPORTED : STATUS_CORRUPT;
		blob[i] ^= 0x10;
		memset(opened, 0xff, sizeof opened);
		assert_fails(expected, reason_for(i),
			     blob_open(WRAPPING_KEY, INSTANCE, &key, BYTES_OF_ARRAY(blob), opened));
		assert_memory_equal(zero, opened, sizeof opened);
		blob[i] ^= 0x10;
	}
	for (size_t len = 0; len < sizeof blob; len++)
		assert_fails(STATUS_CORRUPT, len < 10 ? "blob.magic" : "blob.length",
			     blob_open(WRAPPING_KEY, INSTANCE, &key, bytes_of(blob, len), opened));
}

static void
a_blob_does_not_open_elsewhere(void **) {
	struct key_info key, other;
	uint8_t secret[KEY_SECRET_SIZE], opened[KEY_SECRET_SIZE], blob[BLOB_SIZE], wrong_key[32] = {8};
	make_key(KEY_SECP256K1, &key, secret, blob);
	struct bytes sealed = BYTES_OF_ARRAY(blob);
	assert_fails(STATUS_CORRUPT, "blob.sealed", blob_open(wrong_key, INSTANCE, &key, sealed, opened));
	assert_fails(STATUS_CORRUPT, "blob.sealed",
		     blob_open(WRAPPING_KEY, BYTES_OF_LITERAL("treasury.exampld"), &key, sealed, opened));
	other = key;
	strcpy(other.id, "k-2");
	assert_fails(STATUS_CORRUPT, "blob.sealed", blob_open(WRAPPING_KEY, INSTANCE, &other, sealed, opened));
	other = key;
	other.public_key[0] ^= 1; /* the other point with this x */
	assert_fails(STATUS_CORRUPT, "blob.sealed", blob_open(WRAPPING_KEY, INSTANCE, &other, sealed, opened));
	other = key;
	other.purpose = KEY_PURPOSE_DIGEST;
	assert_fails(STATUS_CORRUPT, "blob.attributes", blob_open(WRAPPING_KEY, INSTANCE, &other, sealed, opened));
	blob[8] = KEY_PURPOSE_DIGEST; /* with the header made to agree */
	assert_fails(STATUS_CORRUPT, "blob.sealed", blob_open(WRAPPING_KEY, INSTANCE, &other, sealed, opened));
}

static void
a_secret_that_is_not_the_public_keys_is_found_out(void **) {
	struct key_info key;
	uint8_t secret[KEY_SECRET_SIZE], opened[KEY_SECRET_SIZE], blob[BLOB_SIZE];
	make_key(KEY_P256, &key, secret, blob);
	secret[31] ^= 1;
	assert_ok(blob_seal(WRAPPING_KEY, INSTANCE, &key, secret, blob));
	assert_fails(STATUS_CORRUPT, "blob.public_key",
		     blob_open(WRAPPING_KEY, INSTANCE, &key, BYTES_OF_ARRAY(blob), opened));
}

/* Fields are bound with their lengths: what moves from one to the next is another blob. */
static void
neighbouring_fields_cannot_be_shifted(void **) {
	struct key_info key, shifted;
	uint8_t secret[KEY_SECRET_SIZE], opened[KEY_SECRET_SIZE], blob[BLOB_SIZE];
	make_key(KEY_SECP256K1, &key, secret, blob);
	assert_ok(blob_seal(WRAPPING_KEY, BYTES_OF_LITERAL("inst"), &key, secret, blob));
	shifted = key;
	strcpy(shifted.id, "tk-1");
	assert_fails(STATUS_CORRUPT, "blob.sealed",
		     blob_open(WRAPPING_KEY, BYTES_OF_LITERAL("ins"), &shifted, BYTES_OF_ARRAY(blob), opened));
	assert_fails(STATUS_INVALID, "blob.instance", blob_seal(WRAPPING_KEY, (struct bytes){}, &key, secret, blob));
}

RUN_TESTS(T(a_blob_opens_to_what_was_sealed), T(any_changed_byte_keeps_it_closed), T(a_blob_does_not_open_elsewhere),
	  T(a_secret_that_is_not_the_public_keys_is_found_out), T(neighbouring_fields_cannot_be_shifted))
