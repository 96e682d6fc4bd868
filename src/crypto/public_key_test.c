#include "tests/test.h"

#include "crypto/public_key.h"

static struct bytes
unhex(const char *hex, uint8_t *bytes) {
	size_t len = strlen(hex) / 2;
	assert_ok(hex_decode(bytes_of_text(hex), bytes, len));
	return bytes_of(bytes, len);
}

/* The message, the signature, and each with a bit changed. */
static void
assert_verifies(const struct public_key *key, struct bytes message, struct bytes signature) {
	uint8_t changed[256];
	assert_ok(public_key_verify(key, message, signature));
	memcpy(changed, message.data, message.len);
	changed[0] ^= 1;
	assert_fails(STATUS_UNAUTHORIZED, "signature.mismatch",
		     public_key_verify(key, bytes_of(changed, message.len), signature));
	memcpy(changed, signature.data, signature.len);
	changed[signature.len - 1] ^= 1;
	assert_fails(STATUS_UNAUTHORIZED, "signature.mismatch",
		     public_key_verify(key, message, bytes_of(changed, signature.len)));
	assert_fails(STATUS_UNAUTHORIZED, "signature.mismatch",
		     public_key_verify(key, message, bytes_of(signature.data, signature.len - 1)));
	assert_fails(STATUS_UNAUTHORIZED, "signature.mismatch", public_key_verify(key, message, (struct bytes){}));
}

/* RFC 6979 A.2.6: P-384 with SHA-384, "sample". */
static void
es384_of_rfc_6979(void **) {
	uint8_t x[48], y[48], signature[128];
	_cleanup_(public_key_destroy) struct public_key *key = nullptr;
	assert_ok(public_key_from_point(SIGNATURE_ES384,
					unhex("ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea"
					      "9055866064a254515480bc13",
					      x),
					unhex("8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c"
					      "3ae0d4fe7344fd2533264720",
					      y),
					&key));
	assert_int_equal(SIGNATURE_ES384, public_key_algorithm(key));
	assert_verifies(key, BYTES_OF_LITERAL("sample"),
			unhex("306602310094edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44ac"
			      "f96e36dd1e80fabe46"
			      "02310099ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b"
			      "82c71a38628ac8",
			      signature));
}

/* RFC 6979 A.2.5: P-256 with SHA-256, "sample". */
static void
es256_of_rfc_6979(void **) {
	uint8_t x[32], y[32], signature[80];
	_cleanup_(public_key_destroy) struct public_key *key = nullptr, *again = nullptr;
	struct bytes a = unhex("60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6", x);
	struct bytes b = unhex("7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299", y);
	assert_ok(public_key_from_point(SIGNATURE_ES256, a, b, &key));
	assert_ok(public_key_from_point(SIGNATURE_ES256, a, b, &again));
	assert_true(public_key_equal(key, again));
	assert_verifies(key, BYTES_OF_LITERAL("sample"),
			unhex("3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
			      "022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
			      signature));
}

/* RFC 8032 §7.1, test 3. */
static void
eddsa_of_rfc_8032(void **) {
	uint8_t point[32], message[2], signature[64];
	_cleanup_(public_key_destroy) struct public_key *key = nullptr;
	assert_ok(public_key_from_ed25519(
		unhex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", point), &key));
	assert_verifies(key, unhex("af82", message),
			unhex("6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
			      "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
			      signature));
	assert_fails(STATUS_INVALID, "public_key.ed25519", public_key_from_ed25519(bytes_of(point, 31), &key));
}

RUN_TESTS(T(es256_of_rfc_6979), T(es384_of_rfc_6979), T(eddsa_of_rfc_8032))
