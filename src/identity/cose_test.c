#include "tests/test.h"

#include "base/arena.h"
#include "crypto/hash.h"
#include "identity/cose.h"
#include "tests/hex.h"

/* The key of the W3C's example "No Attestation with ES256 Credential" (WebAuthn Level 3, test vectors). */
#define X "afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61"
#define Y "930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220"
#define ES256 "a501020326200121 5820" X "225820" Y
/* RFC 8032 §7.1, test 1. */
#define ED25519 "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

static void
the_four_kinds_of_keys_are_read(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct cose_key key;
	_cleanup_(public_key_destroy) struct public_key *es256 = nullptr, *ed25519 = nullptr;
	assert_ok(cose_read_whole(unhex(&arena, ES256), &key));
	assert_int_equal(SIGNATURE_ES256, key.algorithm);
	assert_bytes(unhex(&arena, X), key.a);
	assert_bytes(unhex(&arena, Y), key.b);
	assert_bytes(unhex(&arena, ES256), key.encoding);
	assert_ok(cose_public_key(&key, &es256));
	assert_ok(cose_read_whole(unhex(&arena, "a4010103272006215820" ED25519), &key));
	assert_int_equal(SIGNATURE_EDDSA, key.algorithm);
	assert_ok(cose_public_key(&key, &ed25519));
	assert_false(public_key_equal(es256, ed25519));
	assert_ok(cose_read_whole(unhex(&arena, "a5 0102 033822 2002 215830" X "ffffffffffffffffffffffffffffffff"
						"225830" Y "ffffffffffffffffffffffffffffffff"),
				  &key));
	assert_int_equal(SIGNATURE_ES384, key.algorithm);
	assert_ok(cose_read_whole(unhex(&arena, "a4 0103 03390100 205820" X "2143010001"), &key));
	assert_int_equal(SIGNATURE_RS256, key.algorithm);
}

static void
a_key_of_any_other_form_is_refused_by_name(void **) {
	static const struct {
		const char *hex, *name;
		enum status status;
	} bad[] = {
		{"a0", "cose.missing", STATUS_INVALID},
		{"80", "cbor.type", STATUS_INVALID},
		{"a40102 0326 2001 215820" X, "cose.parameters", STATUS_INVALID},
		{"a5 0102 0326 2002 215820" X "225820" Y, "cose.curve", STATUS_INVALID},
		{"a5 0102 0326 4101 215820" X "225820" Y, "cbor.key_type", STATUS_INVALID},
		{"a5 0102 0326 2020 215820" X "225820" Y, "cose.curve", STATUS_INVALID},
		{"a5 0101 0326 2001 215820" X "225820" Y, "cose.kty", STATUS_INVALID},
		{"a5 0103 0326 2001 215820" X "225820" Y, "cose.kty", STATUS_INVALID},
		{"a5 0102 0327 2006 215820" X "225820" Y, "cose.kty", STATUS_INVALID},
		{"a5 0102 033824 2001 215820" X "225820" Y, "cose.algorithm", STATUS_UNSUPPORTED},
		{"a5 0102 03382e 2008 215820" X "225820" Y, "cose.algorithm", STATUS_UNSUPPORTED},
		{"a5 0102 0307 2001 215820" X "225820" Y, "cose.type", STATUS_INVALID},
		{"a5 0102 033822 2002 215820" X "225820" Y, "cose.coordinate", STATUS_INVALID},
		{"a5 0102 0326 2001 2141 00 225820" Y, "cose.coordinate", STATUS_INVALID},
		{"a5 0102 0326 2001 215820" X "2240", "cose.coordinate", STATUS_INVALID},
		{"a5 0102 0326 2001 215820" X "22f5", "cose.type", STATUS_INVALID},
		{"a5 0102 0326 2001 225820" X "215820" Y, "cbor.key_order", STATUS_INVALID},
		{"a5 0102 0102 0326 2001 215820" X, "cbor.duplicate_key", STATUS_INVALID},
		{"a6 0102 0326 044101 2001 215820" X "225820" Y, "cose.unknown_member", STATUS_INVALID},
		{"a6 0102 0244 00000000 0326 2001 215820" X "225820" Y, "cose.unknown_member", STATUS_INVALID},
		{"a3 0101 0327 2006", "cose.missing", STATUS_INVALID},
		{"a4 0101 0327 2001 215820" ED25519, "cose.curve", STATUS_INVALID},
		{"a4 0101 0327 2006 2158 1f" ED25519, "cose.coordinate", STATUS_INVALID},
		{"a5 0101 0327 2006 215820" ED25519 "225820" ED25519, "cose.parameters", STATUS_INVALID},
		{"a4 0103 03390100 2001 2143010001", "cose.curve", STATUS_INVALID},
		{"a4 0103 0326 2041ff 2143010001", "cose.kty", STATUS_INVALID},
		{"a4 0103 03390100 205820" X "214103", "cose.exponent", STATUS_INVALID},
		{"a4 0103 03390100 205820" X "2140", "cose.exponent", STATUS_INVALID},
		{"a4 0103 03390100 205820" X "214400010001", "cose.exponent", STATUS_INVALID},
		{"a4 0103 03390100 205820" X "21450100000001", "cose.exponent", STATUS_INVALID},
		{"a5 0102 0326 2001 215820" X "225820" Y "00", "cbor.trailing", STATUS_INVALID},
		{"a5 0102 0326 2001 215820" X, "cbor.truncated", STATUS_INVALID},
	};
	_cleanup_(arena_free) struct arena arena = {};
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		struct cose_key key;
		enum status status = cose_read_whole(unhex(&arena, bad[i].hex), &key);
		char name[64] = "";
		fail_name(name, sizeof name);
		if (status != bad[i].status || strcmp(name, bad[i].name) != 0)
			fail_msg("%s: expected %s, found %s %s", bad[i].hex, bad[i].name, status_name(status), name);
	}
}

static void
a_well_formed_key_that_is_none_is_refused_when_it_is_used(void **) {
	static const struct {
		const char *hex, *name;
	} bad[] = {
		{"a5 0102 0326 2001 215820" X "225820" X, "public_key.point"},
		{"a5 0102 0326 2001 215820" ZEROS "225820" ZEROS, "public_key.point"},
		{"a4 0101 0327 2006 215820" ZEROS, "signature.ed25519_key"},
		{"a4 0103 03390100 205820" X "2143010001", "public_key.rsa"},
		{"a4 0103 03390100 2040 2143010001", "public_key.rsa"},
	};
	_cleanup_(arena_free) struct arena arena = {};
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		_cleanup_(public_key_destroy) struct public_key *public_key = nullptr;
		struct cose_key key;
		assert_ok(cose_read_whole(unhex(&arena, bad[i].hex), &key));
		assert_fails(STATUS_INVALID, bad[i].name, cose_public_key(&key, &public_key));
	}
}

/* RSA keys of an unfit size or exponent. */
static void
an_rsa_key_has_a_fit_size_and_exponent(void **) {
	uint8_t modulus[512];
	memset(modulus, 0xab, sizeof modulus);
	modulus[sizeof modulus - 1] = 0x01;
	static const struct {
		size_t bits;
		const char *exponent;
		bool fits;
	} cases[] = {
		{2048, "\x01\x00\x01", true},  {2048, "\x03", true},  {4096, "\x01\x00\x01", true},
		{1024, "\x01\x00\x01", false}, {2040, "\x03", false}, {2048, "\x01", false},
		{2048, "\x02", false},         {2048, "", false},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(public_key_destroy) struct public_key *key = nullptr;
		struct bytes exponent =
			i == 0 || i == 2 || i == 3 ? bytes_of(cases[i].exponent, 3) : bytes_of_text(cases[i].exponent);
		struct bytes n = bytes_of(modulus + sizeof modulus - cases[i].bits / 8, cases[i].bits / 8);
		if (cases[i].fits)
			assert_ok(public_key_from_rsa(n, exponent, &key));
		else
			assert_fails(STATUS_INVALID, "public_key.rsa", public_key_from_rsa(n, exponent, &key));
	}
}

/* The W3C's example "No Attestation with ES256 Credential": its assertion, and what is left of it after a change. */
static void
a_signature_verifies_over_its_message_alone(void **) {
	static const char message[] = "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b51900000000";
	static const char client_data[] =
		"{\"type\":\"webauthn.get\",\"challenge\":\"OcDnUhQXulTUPo3JUXT0I97pvzzYBP9tZchXyav01Ag\",\"origin\":"
		"\"https://example.org\",\"crossOrigin\":false}";
	static const char signature[] = "3046022100f50a4e2e4409249c4a853ba361282f09841df4dd4547a13a87780218deffcd38"
					"0221008480ac0f0b93538174f575bf11a1dd5d78c6e486013f937295ea13653e331e87";
	_cleanup_(arena_free) struct arena arena = {};
	struct cose_key key;
	struct hash256 hash = sha256(bytes_of_text(client_data));
	_cleanup_(buffer_free) struct buffer signed_bytes = {};
	buffer_append_bytes(&signed_bytes, unhex(&arena, message));
	buffer_append_bytes(&signed_bytes, hash256_bytes(&hash));
	struct bytes der = unhex(&arena, signature);
	assert_ok(cose_read_whole(unhex(&arena, ES256), &key));
	assert_ok(cose_verify(&key, buffer_bytes(&signed_bytes), der));
	signed_bytes.data[36] ^= 1;
	assert_fails(STATUS_UNAUTHORIZED, "signature.mismatch", cose_verify(&key, buffer_bytes(&signed_bytes), der));
	signed_bytes.data[36] ^= 1;
	assert_fails(STATUS_UNAUTHORIZED, "signature.mismatch",
		     cose_verify(&key, buffer_bytes(&signed_bytes), bytes_of(der.data, der.len - 1)));
	_cleanup_(buffer_free) struct buffer longer = {};
	buffer_append_bytes(&longer, der);
	buffer_append_byte(&longer, 0);
	assert_fails(STATUS_UNAUTHORIZED, "signature.mismatch",
		     cose_verify(&key, buffer_bytes(&signed_bytes), buffer_bytes(&longer)));
	assert_fails(STATUS_UNAUTHORIZED, "signature.mismatch",
		     cose_verify(&key, buffer_bytes(&signed_bytes), (struct bytes){}));
}

RUN_TESTS(T(the_four_kinds_of_keys_are_read), T(a_key_of_any_other_form_is_refused_by_name),
	  T(a_well_formed_key_that_is_none_is_refused_when_it_is_used), T(an_rsa_key_has_a_fit_size_and_exponent),
	  T(a_signature_verifies_over_its_message_alone))
