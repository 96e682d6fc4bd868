#include "tests/test.h"

#include "crypto/aead.h"
#include "crypto/random.h"

static void
assert_hex(const char *expected, struct bytes actual) {
	char text[257];
	hex_encode(actual, text);
	assert_string_equal(expected, text);
}

static void
what_was_sealed_opens(void **) {
	uint8_t key[32], plain[100], sealed[sizeof plain + AEAD_OVERHEAD], opened[sizeof plain];
	random_bytes(key, sizeof key);
	random_bytes(plain, sizeof plain);
	for (size_t len = 0; len <= sizeof plain; len += 25)
		for (size_t associated = 0; associated <= len; associated += 25) {
			assert_ok(aead_seal(key, bytes_of(plain, associated), bytes_of(plain, len), sealed));
			assert_ok(aead_open(key, bytes_of(plain, associated), bytes_of(sealed, len + AEAD_OVERHEAD),
					    opened));
			assert_memory_equal(plain, opened, len);
		}
}

static void
two_seals_of_the_same_bytes_differ(void **) {
	uint8_t key[32] = {}, first[4 + AEAD_OVERHEAD], second[4 + AEAD_OVERHEAD];
	assert_ok(aead_seal(key, (struct bytes){}, BYTES_OF_LITERAL("same"), first));
	assert_ok(aead_seal(key, (struct bytes){}, BYTES_OF_LITERAL("same"), second));
	assert_memory_not_equal(first, second, 12);
	assert_memory_not_equal(first + 12, second + 12, 4);
}

static void
any_flipped_bit_keeps_it_closed_and_clears_the_output(void **) {
	static const uint8_t zero[20];
	uint8_t key[32] = {1}, plain[20] = {2}, sealed[20 + AEAD_OVERHEAD], opened[20];
	struct bytes associated = BYTES_OF_LITERAL("instance");
	assert_ok(aead_seal(key, associated, BYTES_OF_ARRAY(plain), sealed));
	for (size_t bit = 0; bit < 8 * sizeof sealed; bit++) {
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		memset(opened, 0xff, sizeof opened);
		assert_fails(STATUS_UNAUTHORIZED, "aead.open",
			     aead_open(key, associated, BYTES_OF_ARRAY(sealed), opened));
		assert_memory_equal(zero, opened, sizeof opened);
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_fails(STATUS_UNAUTHORIZED, "aead.open",
		     aead_open(key, BYTES_OF_LITERAL("instancf"), BYTES_OF_ARRAY(sealed), opened));
	assert_fails(STATUS_UNAUTHORIZED, "aead.open",
		     aead_open(key, (struct bytes){}, BYTES_OF_ARRAY(sealed), opened));
	for (size_t len = 0; len < sizeof sealed; len++)
		assert_fails(STATUS_UNAUTHORIZED, "aead.open",
			     aead_open(key, associated, bytes_of(sealed, len), opened));
	key[31] ^= 1;
	assert_fails(STATUS_UNAUTHORIZED, "aead.open", aead_open(key, associated, BYTES_OF_ARRAY(sealed), opened));
}

/* From the reference implementation's own tests: version 19, 2 passes, 256 KiB. */
static void
argon2id_gives_the_known_answers(void **) {
	uint8_t key[32];
	struct bytes password = BYTES_OF_LITERAL("password"), salt = BYTES_OF_LITERAL("somesalt");
	assert_ok(argon2id(password, salt, (struct argon2id_cost){256, 2, 1}, key, sizeof key));
	assert_hex("9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe", BYTES_OF_ARRAY(key));
	assert_ok(argon2id(password, salt, (struct argon2id_cost){256, 2, 2}, key, sizeof key));
	assert_hex("6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037", BYTES_OF_ARRAY(key));
}

static void
argon2id_refuses_impossible_costs(void **) {
	static const struct {
		const char *what;
		size_t salt_len;
		struct argon2id_cost cost;
		size_t len;
	} cases[] = {
		{"a short salt", 7, {256, 2, 1}, 32}, {"no passes", 8, {256, 0, 1}, 32},
		{"no lanes", 8, {256, 2, 0}, 32},     {"less than 8 KiB a lane", 8, {15, 2, 2}, 32},
		{"a short key", 8, {256, 2, 1}, 3},
	};
	uint8_t key[32], salt[8] = {};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		print_message("%s\n", cases[i].what);
		assert_fails(STATUS_INVALID, "argon2id.cost",
			     argon2id(BYTES_OF_LITERAL("password"), bytes_of(salt, cases[i].salt_len), cases[i].cost,
				      key, cases[i].len));
	}
}

/* RFC 5869, case 1; the rest is wycheproof's. */
static void
hkdf_gives_the_known_answer(void **) {
	uint8_t secret[22], salt[13], info[10], key[42];
	memset(secret, 0x0b, sizeof secret);
	for (size_t i = 0; i < sizeof salt; i++)
		salt[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof info; i++)
		info[i] = (uint8_t)(0xf0 + i);
	assert_ok(hkdf_sha256(BYTES_OF_ARRAY(secret), BYTES_OF_ARRAY(salt), BYTES_OF_ARRAY(info), key, sizeof key));
	assert_hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
		   BYTES_OF_ARRAY(key));
	assert_fails(STATUS_INVALID, "hkdf.size",
		     hkdf_sha256(BYTES_OF_ARRAY(secret), (struct bytes){}, (struct bytes){}, key, 0));
}

static void
pbkdf2_gives_the_known_answer(void **) {
	uint8_t key[64];
	assert_ok(pbkdf2_hmac_sha512(BYTES_OF_LITERAL("password"), BYTES_OF_LITERAL("salt"), 1, key, sizeof key));
	assert_hex("867f70cf1ade02cff3752599a3a53dc4af34c7a669815ae5d513554e1c8cf252"
		   "c02d470a285a0501bad999bfe943c08f050235d7d68b1da55e63f73b60a57fce",
		   BYTES_OF_ARRAY(key));
	assert_fails(STATUS_INVALID, "pbkdf2.size",
		     pbkdf2_hmac_sha512(BYTES_OF_LITERAL("password"), BYTES_OF_LITERAL("salt"), 0, key, sizeof key));
}

static void
random_bytes_differ(void **) {
	uint8_t first[32], second[32];
	random_bytes(first, sizeof first);
	random_bytes(second, sizeof second);
	assert_memory_not_equal(first, second, sizeof first);
}

RUN_TESTS(T(what_was_sealed_opens), T(two_seals_of_the_same_bytes_differ),
	  T(any_flipped_bit_keeps_it_closed_and_clears_the_output), T(argon2id_gives_the_known_answers),
	  T(argon2id_refuses_impossible_costs), T(hkdf_gives_the_known_answer), T(pbkdf2_gives_the_known_answer),
	  T(random_bytes_differ))
