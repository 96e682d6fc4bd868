#include "tests/test.h"

#include "crypto/random.h"
#include "crypto/sign.h"

/* Valid until the fourth call after it. */
static const uint8_t *
unhex(const char *text) {
	static uint8_t buffers[4][65];
	static size_t next;
	uint8_t *bytes = buffers[next++ % ARRAY_LENGTH(buffers)];
	size_t len = strlen(text) / 2;
	assert_true(len <= sizeof buffers[0]);
	assert_ok(hex_decode(bytes_of_text(text), bytes, len));
	return bytes;
}

static const char SECP256K1_ORDER[] = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
static const char P256_ORDER[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

static void
assert_hex(const char *expected, const uint8_t *bytes, size_t len) {
	char text[257];
	hex_encode(bytes_of(bytes, len), text);
	assert_string_equal(expected, text);
}

/* RFC 8032 §7.1, tests 1 and 3. */
static void
ed25519_gives_the_known_answers(void **) {
	/* The number is the first half of the seed's SHA-512, as RFC 8032 §5.1.5 prunes it, modulo the order; the prefix is the second. */
	static const struct {
		const char *seed, *number, *prefix, *public_key, *message, *signature;
	} cases[] = {
		{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
		 "7c2cac12e69be96ae9065065462385e8fcff2768d980c0a3a520f006904de90f",
		 "9b4f0afe280b746a778684e75442502057b7473a03f08f96f5a38e9287e01f8f",
		 "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
		 "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
		 "d25bf5f0595bbe24655141438e7a100b"},
		{"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
		 "ef76bea4dae9a6cb6013cf2cbce0e2a8b94d7f4ec5c2f51b1325a181991ea90c",
		 "6608c8666b9cde2325f539d7d83386fe8187c6be61d8a70c247190d64edf5f1e",
		 "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
		 "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
		 "4a7c15e9716ed28dc027beceea1ec40a"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		uint8_t seed[32], number[32], prefix[32], public_key[32], message[2], signature[64];
		size_t len = strlen(cases[i].message) / 2;
		assert_ok(hex_decode(bytes_of_text(cases[i].seed), seed, 32));
		assert_ok(hex_decode(bytes_of_text(cases[i].message), message, len));
		assert_ok(ed25519_public_key(seed, public_key));
		assert_hex(cases[i].public_key, public_key, 32);
		assert_ok(ed25519_sign(seed, public_key, bytes_of(message, len), signature));
		assert_hex(cases[i].signature, signature, 64);
		assert_ok(ed25519_verify(public_key, bytes_of(message, len), signature));
		assert_ok(hex_decode(bytes_of_text(cases[i].number), number, 32));
		assert_ok(hex_decode(bytes_of_text(cases[i].prefix), prefix, 32));
		memset(public_key, 0, sizeof public_key);
		memset(signature, 0, sizeof signature);
		assert_ok(ed25519_scalar_public_key(number, public_key));
		assert_hex(cases[i].public_key, public_key, 32);
		assert_ok(ed25519_scalar_sign(number, prefix, public_key, bytes_of(message, len), signature));
		assert_hex(cases[i].signature, signature, 64);
		signature[40] ^= 1;
		assert_fails(STATUS_UNAUTHORIZED, "signature.ed25519",
			     ed25519_verify(public_key, bytes_of(message, len), signature));
	}
}

static void
ed25519_numbers_are_below_the_order_and_not_zero(void **) {
	uint8_t order[32], zero[32] = {}, all[32], public_key[32];
	assert_ok(hex_decode(BYTES_OF_LITERAL("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010"),
			     order, 32));
	memset(all, 0xff, sizeof all);
	const uint8_t *bad[] = {order, zero, all};
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
		assert_fails(STATUS_INVALID, "signature.ed25519_scalar", ed25519_scalar_public_key(bad[i], public_key));
	order[0]--;
	assert_ok(ed25519_scalar_public_key(order, public_key));
}

/* The key of seed 00 01 … 1f is printed in RFC 9881, appendix C. */
static void
mldsa44_expands_a_seed_to_the_known_key(void **) {
	uint8_t seed[32], public_key[1312];
	for (size_t i = 0; i < sizeof seed; i++)
		seed[i] = (uint8_t)i;
	_cleanup_(mldsa44_private_destroy) struct mldsa44_private *key = nullptr;
	assert_ok(mldsa44_private_create(&key, seed));
	mldsa44_private_public_key(key, public_key);
	assert_hex("d7b2b47254aae0db45e7930d4a98d2c97d8f1397d1789dafa17024b316e9bec9", public_key, 32);
}

static void
mldsa44_verifies_what_it_signed_and_nothing_else(void **) {
	static uint8_t public_key[1312], first[2420], second[2420];
	uint8_t seed[32];
	struct bytes message = BYTES_OF_LITERAL("head");
	random_bytes(seed, sizeof seed);
	_cleanup_(mldsa44_private_destroy) struct mldsa44_private *private = nullptr;
	_cleanup_(mldsa44_public_destroy) struct mldsa44_public *public = nullptr;
	assert_ok(mldsa44_private_create(&private, seed));
	mldsa44_private_public_key(private, public_key);
	assert_ok(mldsa44_public_create(&public, public_key));
	assert_ok(mldsa44_sign(private, message, first));
	assert_ok(mldsa44_sign(private, message, second));
	assert_memory_not_equal(first, second, sizeof first); /* hedged */
	assert_ok(mldsa44_verify(public, message, first));
	assert_ok(mldsa44_verify(public, message, second));
	assert_fails(STATUS_UNAUTHORIZED, "signature.mldsa44", mldsa44_verify(public, BYTES_OF_LITERAL("heae"), first));
	for (size_t at = 0; at < sizeof first; at += 121) {
		first[at] ^= 4;
		assert_fails(STATUS_UNAUTHORIZED, "signature.mldsa44", mldsa44_verify(public, message, first));
		first[at] ^= 4;
	}
	_cleanup_(mldsa44_public_destroy) struct mldsa44_public *other = nullptr;
	public_key[700] ^= 1;
	assert_ok(mldsa44_public_create(&other, public_key));
	assert_fails(STATUS_UNAUTHORIZED, "signature.mldsa44", mldsa44_verify(other, message, first));
}

/* Key 1 over SHA-256("Satoshi Nakamoto"): the widely published RFC 6979 answer for this curve. */
static void
secp256k1_signs_by_rfc_6979(void **) {
	const uint8_t *key = unhex("0000000000000000000000000000000000000000000000000000000000000001");
	struct hash256 digest = sha256(BYTES_OF_LITERAL("Satoshi Nakamoto"));
	uint8_t signature[64], public_key[33], whole[65], recovered[65];
	int recovery = -1;
	assert_ok(secp256k1_sign(key, digest.bytes, signature, &recovery));
	assert_hex("934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8"
		   "2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5",
		   signature, 64);
	assert_ok(secp256k1_public_key(key, public_key));
	assert_hex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", public_key, 33);
	assert_ok(secp256k1_public_uncompressed(BYTES_OF_ARRAY(public_key), whole));
	assert_ok(secp256k1_recover(digest.bytes, signature, recovery, recovered));
	assert_memory_equal(whole, recovered, 65);
	assert_ok(secp256k1_verify(BYTES_OF_ARRAY(whole), digest.bytes, signature));
	assert_ok(secp256k1_verify(BYTES_OF_ARRAY(public_key), digest.bytes, signature));
	digest.bytes[0] ^= 1;
	assert_fails(STATUS_UNAUTHORIZED, "signature.secp256k1",
		     secp256k1_verify(BYTES_OF_ARRAY(public_key), digest.bytes, signature));
}

static void
secp256k1_signatures_are_low_s_and_travel_as_der(void **) {
	uint8_t key[32], digest[32], signature[64], der[72], back[64];
	for (int i = 0; i < 64; i++) {
		size_t len = 0;
		do
			random_bytes(key, sizeof key);
		while (secp256k1_private_check(key) != OK);
		random_bytes(digest, sizeof digest);
		assert_ok(secp256k1_sign(key, digest, signature, nullptr));
		assert_true(secp256k1_ecdsa_is_low_s(signature));
		assert_ok(secp256k1_ecdsa_to_der(signature, der, &len));
		assert_true(len <= sizeof der);
		assert_ok(secp256k1_ecdsa_from_der(bytes_of(der, len), back));
		assert_memory_equal(signature, back, 64);
		for (size_t cut = 0; cut < len; cut++)
			assert_fails(STATUS_INVALID, "signature.secp256k1_der",
				     secp256k1_ecdsa_from_der(bytes_of(der, cut), back));
	}
}

static void
secp256k1_refuses_a_high_s(void **) {
	/* The known signature above with n − s. */
	const uint8_t *key = unhex("0000000000000000000000000000000000000000000000000000000000000001");
	const uint8_t *high = unhex("934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8"
				    "dbbd3162d46e9f9bef7feb87c16dc13b4f6568a87f4e83f728e2443ba586675c");
	uint8_t public_key[33];
	struct hash256 digest = sha256(BYTES_OF_LITERAL("Satoshi Nakamoto"));
	assert_ok(secp256k1_public_key(key, public_key));
	assert_false(secp256k1_ecdsa_is_low_s(high));
	assert_fails(STATUS_UNAUTHORIZED, "signature.secp256k1_high_s",
		     secp256k1_verify(BYTES_OF_ARRAY(public_key), digest.bytes, high));
}

static void
tweaking_private_and_public_key_agree(void **) {
	uint8_t key[32], tweak[32], public_key[33], expected[33];
	random_bytes(key, sizeof key);
	random_bytes(tweak, sizeof tweak);
	key[0] = tweak[0] = 0;
	assert_ok(secp256k1_public_key(key, public_key));
	assert_ok(secp256k1_private_add(key, tweak));
	assert_ok(secp256k1_public_add(public_key, tweak));
	assert_ok(secp256k1_public_key(key, expected));
	assert_memory_equal(expected, public_key, 33);
}

static void
a_tweak_that_leaves_no_key_is_refused(void **) {
	uint8_t key[32] = {}, tweak[32], public_key[33];
	key[31] = 1;
	assert_ok(secp256k1_public_key(key, public_key));
	assert_ok(hex_decode(bytes_of_text(SECP256K1_ORDER), tweak, 32));
	assert_fails(STATUS_INVALID, "tweak.secp256k1", secp256k1_public_add(public_key, tweak));
	tweak[31] -= 1; /* n − 1: the sum is zero */
	assert_fails(STATUS_INVALID, "tweak.secp256k1", secp256k1_public_add(public_key, tweak));
	assert_fails(STATUS_INVALID, "tweak.secp256k1", secp256k1_private_add(key, tweak));
}

/* From BIP-341's wallet vectors: a key path only output. */
static void
taproot_tweaks_to_the_known_output_key(void **) {
	uint8_t key[32], public_key[33], output[32], signature[64];
	int parity = -1;
	memcpy(key, unhex("6b973d88838f27366ed61c9ad6367663045cb456e28335c109e30717ae0c6baa"), 32);
	assert_ok(secp256k1_public_key(key, public_key));
	assert_hex("d6889cb081036e0faefa3a35157ad71086b123b2b144b649798b494c300a961d", public_key + 1, 32);
	assert_ok(taproot_tweak_public(public_key + 1, (struct bytes){}, output, &parity));
	assert_hex("53a1f6e454df1aa2776a2814a721372d6258050de330b3c6d10ee8f4e0dda343", output, 32);
	assert_ok(taproot_tweak_private(key, (struct bytes){}));
	assert_hex("2405b971772ad26915c8dcdf10f238753a9b837e5f8e6a86fd7c0cce5b7296d9", key, 32);
	assert_ok(bip340_sign(key, BYTES_OF_ARRAY(output), key, signature));
	assert_ok(bip340_verify(output, BYTES_OF_ARRAY(output), signature));
	assert_fails(STATUS_INVALID, "taproot.merkle_root",
		     taproot_tweak_public(public_key + 1, BYTES_OF_LITERAL("short"), output, nullptr));
	assert_fails(STATUS_INVALID, "taproot.merkle_root", taproot_tweak_private(key, BYTES_OF_LITERAL("short")));
}

static void
taproot_private_and_public_tweak_agree_with_a_script_tree(void **) {
	for (int i = 0; i < 16; i++) {
		uint8_t key[32], root[32], public_key[33], output[32], tweaked[33];
		random_bytes(key, sizeof key);
		key[0] = 0;
		random_bytes(root, sizeof root);
		assert_ok(secp256k1_public_key(key, public_key));
		assert_ok(taproot_tweak_public(public_key + 1, BYTES_OF_ARRAY(root), output, nullptr));
		assert_ok(taproot_tweak_private(key, BYTES_OF_ARRAY(root)));
		assert_ok(secp256k1_public_key(key, tweaked));
		assert_memory_equal(output, tweaked + 1, 32);
	}
}

/* RFC 6979 A.2.5; the first one's s is high there and n − s here. */
static void
p256_signs_by_rfc_6979_with_low_s(void **) {
	static const struct {
		const char *message, *signature;
	} cases[] = {
		{"sample", "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
			   "0834e36ad29a83bf2bc9385e491d6099c8fdf9d1ed67aa7ea5f51f93782857a9"},
		{"test", "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
			 "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083"},
	};
	const uint8_t *key = unhex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721");
	uint8_t public_key[33], signature[64];
	assert_ok(p256_public_key(key, public_key));
	assert_hex("0360fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6", public_key, 33);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct hash256 digest = sha256(bytes_of_text(cases[i].message));
		assert_ok(p256_sign(key, digest.bytes, signature));
		assert_hex(cases[i].signature, signature, 64);
		assert_ok(p256_verify(BYTES_OF_ARRAY(public_key), digest.bytes, signature));
		signature[63] ^= 1;
		assert_fails(STATUS_UNAUTHORIZED, "signature.p256",
			     p256_verify(BYTES_OF_ARRAY(public_key), digest.bytes, signature));
	}
}

static void
private_keys_out_of_range_are_refused(void **) {
	uint8_t zero[32] = {}, order[32], above[32], public_key[33], signature[64], digest[32] = {};
	memset(above, 0xff, sizeof above);
	assert_ok(hex_decode(bytes_of_text(SECP256K1_ORDER), order, 32));
	const uint8_t *bad[] = {zero, order, above};
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		assert_fails(STATUS_INVALID, "private_key.secp256k1", secp256k1_private_check(bad[i]));
		assert_fails(STATUS_INVALID, "private_key.secp256k1", secp256k1_public_key(bad[i], public_key));
		assert_fails(STATUS_INVALID, "private_key.secp256k1",
			     secp256k1_sign(bad[i], digest, signature, nullptr));
		assert_fails(STATUS_INVALID, "private_key.secp256k1",
			     bip340_sign(bad[i], BYTES_OF_ARRAY(digest), digest, signature));
	}
	assert_fails(STATUS_INVALID, "private_key.secp256k1", taproot_tweak_private(zero, (struct bytes){}));
	assert_ok(hex_decode(bytes_of_text(P256_ORDER), order, 32));
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		assert_fails(STATUS_INVALID, "private_key.p256", p256_public_key(bad[i], public_key));
		assert_fails(STATUS_INVALID, "private_key.p256", p256_sign(bad[i], digest, signature));
	}
}

static void
public_keys_that_are_no_point_are_refused(void **) {
	uint8_t digest[32] = {}, signature[64] = {}, encoded[65], out[65];
	signature[31] = signature[63] = 1;
	assert_ok(secp256k1_public_uncompressed(
		bytes_of(unhex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"), 33), encoded));
	static const struct {
		const char *what;
		size_t len, at;
		uint8_t value;
	} cases[] = {
		{"nothing", 0, 0, 4},
		{"the point at infinity", 1, 0, 0},
		{"one byte less", 64, 0, 4},
		{"a hybrid", 65, 0, 6},
		{"a hybrid, odd", 65, 0, 7},
		{"y not on the curve", 65, 64, 0},
		{"no prefix", 33, 0, 0},
		{"the prefix of the long form", 33, 0, 4},
		{"the prefix of the short form", 65, 0, 2},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		uint8_t bad[65];
		memcpy(bad, encoded, sizeof bad);
		bad[cases[i].at] = cases[i].value;
		struct bytes key = bytes_of(bad, cases[i].len);
		print_message("%s\n", cases[i].what);
		assert_fails(STATUS_INVALID, "public_key.secp256k1", secp256k1_public_uncompressed(key, out));
		assert_fails(STATUS_INVALID, "public_key.secp256k1", secp256k1_verify(key, digest, signature));
		assert_fails(STATUS_INVALID, "public_key.p256", p256_verify(key, digest, signature));
	}
	assert_fails(STATUS_INVALID, "public_key.p256", p256_verify(BYTES_OF_ARRAY(encoded), digest, signature));
	memset(out, 0xff, sizeof out);
	assert_fails(STATUS_INVALID, "public_key.x_only", bip340_verify(out, BYTES_OF_ARRAY(digest), signature));
	assert_fails(STATUS_INVALID, "public_key.x_only",
		     taproot_tweak_public(out, (struct bytes){}, encoded, nullptr));
}

static void
signatures_out_of_range_are_refused(void **) {
	uint8_t digest[32] = {1}, signature[64], der[72], whole[65];
	size_t len;
	memset(signature, 0xff, sizeof signature);
	struct bytes key = bytes_of(unhex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"), 33);
	assert_fails(STATUS_INVALID, "signature.secp256k1_range", secp256k1_verify(key, digest, signature));
	assert_fails(STATUS_INVALID, "signature.secp256k1_range", secp256k1_ecdsa_to_der(signature, der, &len));
	assert_fails(STATUS_INVALID, "signature.secp256k1_range", secp256k1_recover(digest, signature, 0, whole));
	assert_fails(STATUS_INVALID, "signature.secp256k1_recovery", secp256k1_recover(digest, signature, 4, whole));
	assert_fails(STATUS_INVALID, "signature.secp256k1_recovery", secp256k1_recover(digest, signature, -1, whole));
	assert_false(secp256k1_ecdsa_is_low_s(signature));
	memset(signature, 0, sizeof signature);
	assert_fails(STATUS_UNAUTHORIZED, "signature.secp256k1", secp256k1_verify(key, digest, signature));
	assert_fails(STATUS_UNAUTHORIZED, "signature.secp256k1_no_key", secp256k1_recover(digest, signature, 0, whole));
	static const uint8_t zero_r[] = {0x30, 6, 2, 1, 0, 2, 1, 1}, negative_r[] = {0x30, 6, 2, 1, 0x80, 2, 1, 1};
	assert_fails(STATUS_INVALID, "signature.secp256k1_range",
		     secp256k1_ecdsa_from_der(BYTES_OF_ARRAY(zero_r), signature));
	assert_fails(STATUS_INVALID, "signature.secp256k1_range",
		     secp256k1_ecdsa_from_der(BYTES_OF_ARRAY(negative_r), signature));
}

static void
ed25519_keys_of_small_order_are_refused(void **) {
	uint8_t seed[32] = {1}, key[32];
	assert_ok(ed25519_public_key(seed, key));
	assert_ok(ed25519_public_check(key));
	static const uint8_t bad[][32] = {
		{1},                                          /* the neutral element */
		{},                                           /* of order 4 */
		{[0] = 2},                                    /* no point */
		{[0] = 0xee, [1 ... 30] = 0xff, [31] = 0x7f}, /* 1, not canonical */
	};
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
		assert_fails(STATUS_INVALID, "signature.ed25519_key", ed25519_public_check(bad[i]));
}

RUN_TESTS(T(ed25519_gives_the_known_answers), T(ed25519_numbers_are_below_the_order_and_not_zero),
	  T(ed25519_keys_of_small_order_are_refused), T(mldsa44_expands_a_seed_to_the_known_key),
	  T(mldsa44_verifies_what_it_signed_and_nothing_else), T(secp256k1_signs_by_rfc_6979),
	  T(secp256k1_signatures_are_low_s_and_travel_as_der), T(secp256k1_refuses_a_high_s),
	  T(tweaking_private_and_public_key_agree), T(a_tweak_that_leaves_no_key_is_refused),
	  T(taproot_tweaks_to_the_known_output_key), T(taproot_private_and_public_tweak_agree_with_a_script_tree),
	  T(p256_signs_by_rfc_6979_with_low_s), T(private_keys_out_of_range_are_refused),
	  T(public_keys_that_are_no_point_are_refused), T(signatures_out_of_range_are_refused))
