#include "tests/test.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "crypto/hash.h"
#include "crypto/sign.h"

#include "crypto/keccak.c"
#include "crypto/mldsa44_signer.c"
#include "tests/soak.h"

/* The library as a reference: the same seed's key, deterministic. */
static EVP_PKEY *
library_key(uint8_t seed[32], uint8_t public_key[1312]) {
	EVP_PKEY *key = nullptr;
	size_t len;
	OSSL_PARAM parameters[] = {OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_ML_DSA_SEED, seed, 32),
				   OSSL_PARAM_construct_end()};
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(nullptr, "ML-DSA-44", nullptr);
	assert_int_equal(1, EVP_PKEY_fromdata_init(context));
	assert_int_equal(1, EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, parameters));
	EVP_PKEY_CTX_free(context);
	assert_int_equal(1, EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, public_key,
							    MLDSA44_PUBLIC_SIZE, &len));
	return key;
}

static void
library_sign(EVP_PKEY *key, struct bytes message, uint8_t signature[2420]) {
	int deterministic = 1;
	const OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_int(OSSL_SIGNATURE_PARAM_DETERMINISTIC, &deterministic),
		OSSL_PARAM_construct_end(),
	};
	size_t len = MLDSA44_SIGNATURE_SIZE;
	EVP_SIGNATURE *algorithm = EVP_SIGNATURE_fetch(nullptr, "ML-DSA-44", nullptr);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr);
	assert_int_equal(1, EVP_PKEY_sign_message_init(context, algorithm, parameters));
	assert_int_equal(1, EVP_PKEY_sign(context, signature, &len, message.data, message.len));
	EVP_PKEY_CTX_free(context);
	EVP_SIGNATURE_free(algorithm);
}

static void
number_seed(unsigned number, uint8_t seed[32]) {
	uint8_t bytes[4];
	store_u32be(bytes, number);
	struct hash256 hash = sha256(BYTES_OF_ARRAY(bytes));
	memcpy(seed, hash.bytes, 32);
}

/* Byte for byte, which is more than that they verify: each attempt that one rejects, the other rejects. */
static void
signatures_are_the_librarys(void **) {
	static const uint8_t zeros[32];
	static uint8_t message[3000];
	for (unsigned i = 0; i < 60; i++) {
		uint8_t seed[32], public_key[1312], own_key[1312], ours[2420], theirs[2420];
		_cleanup_(mldsa44_signer_destroy) struct mldsa44_signer *signer = nullptr;
		number_seed(i, seed);
		EVP_PKEY *key = library_key(seed, public_key);
		assert_ok(mldsa44_signer_create(&signer, seed, own_key));
		assert_memory_equal(public_key, own_key, sizeof own_key);
		for (size_t j = 0; j < 5; j++) {
			size_t len = (i * 5 + j) * 10;
			memset(message, (int)(i + j), len);
			assert_ok(mldsa44_signer_sign(signer, bytes_of(message, len), zeros, ours));
			library_sign(key, bytes_of(message, len), theirs);
			assert_memory_equal(theirs, ours, sizeof ours);
		}
		EVP_PKEY_free(key);
	}
}

static struct bytes
random_message(uint8_t *random, uint8_t message[600]) {
	size_t len = (size_t)(random[0] | random[1] << 8) % 600;
	for (size_t i = 0; i < len; i += 32)
		memcpy(message + i, random, len - i < 32 ? len - i : 32);
	return bytes_of(message, len);
}

/* Of many keys, so that rare turns are taken: the library, which does not share a line with the signer, is the judge, and what a
 * processor without AVX2 runs gives the same bytes. 100,000 in `make soak`. */
static void
signatures_verify_whatever_the_processor(void **) {
	bool is_soak = soak_is_on();
	const char *given = getenv("GATEHOUSE_SEED");
	unsigned first = 1000 + (is_soak && given != nullptr ? (unsigned)strtoul(given, nullptr, 10) * 1'000'000 : 0);
	unsigned keys = is_soak ? 2000 : 30, count = 0;
	for (unsigned i = first; i < first + keys; i++) {
		uint8_t seed[32], public_key[1312], random[32], message[600], hash[64], ours[2420], portable[2420];
		_cleanup_(mldsa44_public_destroy) struct mldsa44_public *public = nullptr;
		_cleanup_(mldsa44_signer_destroy) struct mldsa44_signer *signer = nullptr;
		number_seed(i, seed);
		assert_ok(mldsa44_signer_create(&signer, seed, public_key));
		assert_ok(mldsa44_public_create(&public, public_key));
		const struct expanded *key = (const struct expanded *)signer->memory.data;
		for (unsigned j = 0; j < 50; j++) {
			number_seed(i * 50 + j, random);
			struct bytes of_random = random_message(random, message);
			assert_ok(mldsa44_signer_sign(signer, of_random, random, ours));
			assert_ok(mldsa44_verify(public, of_random, ours));
			hash_message(key, of_random, hash);
			assert_ok(sign_hash(key, attempt_anywhere, hash, random, portable));
			assert_memory_equal(portable, ours, sizeof ours);
			count++;
		}
	}
	if (is_soak)
		printf("# result signatures %u\n", count);
}

static void
keys_that_are_kept_sign(void **) {
	uint8_t seed[32], public_key[1312], signature[2420];
	_cleanup_(mldsa44_private_destroy) struct mldsa44_private *private = nullptr;
	_cleanup_(mldsa44_public_destroy) struct mldsa44_public *public = nullptr;
	number_seed(999, seed);
	assert_ok(mldsa44_private_create(&private, seed));
	mldsa44_private_public_key(private, public_key);
	assert_ok(mldsa44_public_create(&public, public_key));
	assert_ok(mldsa44_sign(private, BYTES_OF_ARRAY(seed), signature));
	assert_ok(mldsa44_verify(public, BYTES_OF_ARRAY(seed), signature));
	assert_ok(mldsa44_sign(private, (struct bytes){}, signature));
	assert_ok(mldsa44_verify(public, (struct bytes){}, signature));
	signature[100] ^= 1;
	assert_fails(STATUS_UNAUTHORIZED, "signature.mldsa44", mldsa44_verify(public, (struct bytes){}, signature));
}

/* --- The private key's encoding (algorithm 24), which the product has no use for: to compare what a seed was expanded to --- */

static void
append_bits(struct buffer *to, const struct poly *poly, unsigned width, int32_t top) {
	uint32_t bits = 0;
	unsigned count = 0;
	for (size_t i = 0; i < N; i++) {
		bits |= (uint32_t)(top - poly->at[i]) << count;
		for (count += width; count >= 8; count -= 8, bits >>= 8)
			buffer_append(to, (uint8_t[]){(uint8_t)bits}, 1);
	}
}

static void
append_secret(struct buffer *to, const struct poly *transformed, unsigned width, int32_t top) {
	struct poly poly;
	for (size_t i = 0; i < N; i++)
		poly.at[i] = montgomery(transformed->at[i]);
	transform_back(&poly);
	for (size_t i = 0; i < N; i++)
		poly.at[i] = reduce(poly.at[i]);
	append_bits(to, &poly, width, top);
}

static struct hash256
hash_key(const struct expanded *key, const uint8_t public_key[1312]) {
	_cleanup_(buffer_free) struct buffer all = {};
	buffer_append(&all, public_key, MLDSA44_PUBLIC_SIZE);
	buffer_append(&all, public_key, 32);
	buffer_append(&all, key->draw, sizeof key->draw);
	buffer_append(&all, key->public_hash, sizeof key->public_hash);
	for (size_t i = 0; i < L; i++)
		append_secret(&all, &key->s1[i], 3, 2);
	for (size_t i = 0; i < K; i++)
		append_secret(&all, &key->s2[i], 3, 2);
	for (size_t i = 0; i < K; i++)
		append_secret(&all, &key->t0[i], DROPPED, 1 << (DROPPED - 1));
	assert_int_equal(MLDSA44_PUBLIC_SIZE + 2560, all.len);
	return sha256(buffer_bytes(&all));
}

/* NIST, ACVP ML-DSA (draft-celi-acvp-ml-dsa), tables 1 and 2: signatures before which an attempt was rejected for each of the four
 * reasons, and such as were the 77th and the 100th attempt. M' is the 32 bytes themselves; deterministic. */
static const struct {
	const char *seed, *key_hash, *message, *signature_hash;
} rejections[] = {
	{"5c624fcc1862452452d0c665840d8237f43108e5499edcdc108fbc49d596e4b7",
	 "ac825c59d8a4c453a2c4efea8395741ca404f3000e28d56b25d03bb402e5cb2f",
	 "951fdf5473a4cba6d9e5b5db7e79fb8173921ba5b13e9271401b8f907b8b7d5b",
	 "dcc71a421bc6ffafb7df0c7f6d018a19ada154d1e2ee360ed533cecd5dc980ad"},
	{"836eabedb4d2cd9be6a4d957cf5ee6bf489304136864c55c2c5f01da5047d18b",
	 "e1ff40d96e3552fab531d1715084b7e38ccdbacc0a8af94c30959fb4c7f5a445",
	 "199a0ab735e9004163dd02d319a61cfe81638e3bf47bb1e90e90d6e3ea545247",
	 "a2608bc27e60541d27b6a14f460d54a48c0298dcc3f45999f29047a3135c4941"},
	{"ca5a01e1ea6552cb5c9803462b94c2f1dc9d13bb17a6ace510d157056a2c6114",
	 "a4652dc4a271095268dd84a5b0744dfdbe2e642e4d41fbc4329c2fba534c0e13",
	 "8c8caca88fff52b9330510537b3701b3993f3726136a650f48f8604551550832",
	 "b4b142209137397dad504caed01d390adaf49973d8d2414fc3457fb7af775189"},
	{"9c005f1550b4f31855c6b92f978736733f37791cb39dd182d7ba5732bdc2483e",
	 "2485aa99345f1b334d4d94b610fbffccb626cbfd4e9ff0e1f6fc35093c423544",
	 "b744343f30f7fee088998ba574e799f1bf3939c06c29bf9ac10f3588a57e21e2",
	 "5b80a60baa480b9d0c7d2c05b50928c4bf6808dda693642058a3eb77eaa768fc"},
	{"4fab5485b009399e8ae6fc3d3eefbfe8e09796e4477aabd5eb1cc908fa734de3",
	 "cb56909a7cf3008a662dc635edcb79dc151ca7acbae17b544384abd91bbbc1e9",
	 "7cab0fdcf4bea5f039137478aa45c9c48ef96d906fc49f6e2f138111bf1b4a4e",
	 "6cc38d73d639682abc556dc6dcf436de24033091f34004f410fabc6887f77ab0"},
	{"090d97c1f4166eb32ca67c5fb564acbe0735db4af4b8db3a7c2ce7402357ca44",
	 "26d79e4068040e996bc9eb5034c20489c0ad38dc2fec1918d0760c8621872408",
	 "e3838364b37f47edfca2b577b20b80c3cb51b9f56e0e4cdb7df002c874039252",
	 "cd91150c610ff02de1dd7049c309efe800ce5c1bc2e5a32d752ab62c5bf5e16f"},
	{"cfc73d07a883543a804f770070861825143a62f2f97d05fce00fd8b25d29a43f",
	 "89142ab26d6eb6c01fa3f189a9c877597740d685983f29bbdd3596648266ae0e",
	 "0960c13e9ba467a938450120cc96ff6f04b7e557c99a838619a48f9a38738ab8",
	 "b6296fff0c1f23de4906d58144b00a2db13ad25e49b4b8573a62efeecb544dd7"},
};

static void
hash_formatted(const struct expanded *key, struct bytes formatted, uint8_t message_hash[64]) {
	struct shake shake;
	shake_start(&shake, SHAKE256_RATE);
	shake_absorb(&shake, BYTES_OF_ARRAY(key->public_hash));
	shake_absorb(&shake, formatted);
	shake_finish(&shake);
	shake_squeeze(&shake, message_hash, 64);
}

static void
from_hex(const char *text, uint8_t bytes[32]) {
	assert_ok(hex_decode(bytes_of_text(text), bytes, 32));
}

static void
assert_hash(const char *text, struct hash256 hash) {
	uint8_t expected[32];
	from_hex(text, expected);
	assert_memory_equal(expected, hash.bytes, sizeof expected);
}

static void
known_rejections(void **) {
	static const uint8_t zeros[32];
	attempt_function *const ways[] = {choose_attempt(), attempt_anywhere};
	for (size_t i = 0; i < ARRAY_LENGTH(rejections); i++) {
		uint8_t seed[32], formatted[32], public_key[1312], message_hash[64], signature[2420];
		_cleanup_(mldsa44_signer_destroy) struct mldsa44_signer *signer = nullptr;
		from_hex(rejections[i].seed, seed);
		from_hex(rejections[i].message, formatted);
		assert_ok(mldsa44_signer_create(&signer, seed, public_key));
		const struct expanded *key = (const struct expanded *)signer->memory.data;
		assert_hash(rejections[i].key_hash, hash_key(key, public_key));
		hash_formatted(key, BYTES_OF_ARRAY(formatted), message_hash);
		for (size_t way = 0; way < ARRAY_LENGTH(ways); way++) {
			assert_ok(sign_hash(key, ways[way], message_hash, zeros, signature));
			assert_hash(rejections[i].signature_hash, sha256(BYTES_OF_ARRAY(signature)));
		}
	}
}

/* An attempt of a broken machine: no signature, and none that was begun. */
static bool
never(const struct expanded *, const uint8_t[64], const uint8_t[64], uint16_t number, struct attempt *, uint8_t[2420]) {
	static uint16_t expected;
	assert_int_equal(expected, number);
	expected = (uint16_t)(expected + L);
	return false;
}

static void
attempts_end(void **) {
	uint8_t seed[32] = {9}, public_key[1312], message_hash[64] = {}, randomness[32] = {}, signature[2420] = {};
	static const uint8_t nothing[2420];
	_cleanup_(mldsa44_signer_destroy) struct mldsa44_signer *signer = nullptr;
	assert_ok(mldsa44_signer_create(&signer, seed, public_key));
	assert_fails(
		STATUS_INTERNAL, "mldsa44_signer.attempts",
		sign_hash((const struct expanded *)signer->memory.data, never, message_hash, randomness, signature));
	assert_memory_equal(nothing, signature, sizeof signature);
}

static void
randomness_makes_another_signature(void **) {
	uint8_t seed[32] = {1}, public_key[1312], randomness[32] = {}, first[2420], second[2420];
	_cleanup_(mldsa44_signer_destroy) struct mldsa44_signer *signer = nullptr;
	assert_ok(mldsa44_signer_create(&signer, seed, public_key));
	assert_ok(mldsa44_signer_sign(signer, BYTES_OF_ARRAY(seed), randomness, first));
	randomness[31] = 1;
	assert_ok(mldsa44_signer_sign(signer, BYTES_OF_ARRAY(seed), randomness, second));
	assert_memory_not_equal(first, second, sizeof first);
}

/* What a processor without AVX2 runs: the same attempts with the same outcome. */
static void
both_instruction_sets_do_the_same(void **) {
	uint8_t seed[32] = {3}, public_key[1312], message_hash[64] = {4}, mask[64] = {5};
	_cleanup_(mldsa44_signer_destroy) struct mldsa44_signer *signer = nullptr;
	assert_ok(mldsa44_signer_create(&signer, seed, public_key));
	const struct expanded *key = (const struct expanded *)signer->memory.data;
	static struct attempt a, b;
	attempt_function *chosen = choose_attempt();
	size_t signed_count = 0;
	for (uint16_t i = 0; i < 400; i += L) {
		uint8_t ours[2420] = {}, theirs[2420] = {};
		bool is_signed = chosen(key, message_hash, mask, i, &a, ours);
		assert_int_equal(is_signed, attempt_anywhere(key, message_hash, mask, i, &b, theirs));
		assert_memory_equal(ours, theirs, sizeof ours);
		signed_count += is_signed;
	}
	assert_in_range(signed_count, 10, 50); /* about one in 4.25 */
}

/* Against the definition (FIPS 204 algorithm 36), for every number there is. */
static void
decomposing_is_exact(void **) {
	for (int32_t w = 0; w < Q; w++) {
		uint8_t high;
		int32_t low, expected = w % (2 * GAMMA2);
		if (expected > GAMMA2)
			expected -= 2 * GAMMA2;
		int32_t quotient = (w - expected) / (2 * GAMMA2);
		if (w - expected == Q - 1) {
			quotient = 0;
			expected--;
		}
		decompose(w, &high, &low);
		if (high != quotient || low != expected)
			fail_msg("%d: %u and %d, expected %d and %d", w, high, low, quotient, expected);
	}
}

static void
library_shake(const EVP_MD *algorithm, struct bytes input, uint8_t *to, size_t len) {
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	assert_int_equal(1, EVP_DigestInit_ex(context, algorithm, nullptr));
	assert_int_equal(1, EVP_DigestUpdate(context, input.data, input.len));
	assert_int_equal(1, EVP_DigestFinalXOF(context, to, len));
	EVP_MD_CTX_free(context);
}

typedef void four_function(const uint8_t *const inputs[4], size_t len, uint8_t *const to[4], size_t blocks);

static void
four_anywhere(const uint8_t *const inputs[4], size_t len, uint8_t *const to[4], size_t blocks) {
	four(inputs, len, to, blocks);
}

static void
many_streams_are_each_alone(void **) {
	static four_function *const ways[] = {shake256_four, four_anywhere};
	uint8_t inputs[4][SHAKE256_RATE], alone[5 * SHAKE256_RATE], together[4][5 * SHAKE256_RATE];
	const uint8_t *from[4];
	uint8_t *to[4];
	for (size_t len = 0; len < SHAKE256_RATE; len++) {
		for (size_t i = 0; i < 4; i++) {
			for (size_t j = 0; j < len; j++)
				inputs[i][j] = (uint8_t)(17 * i + len * j);
			from[i] = inputs[i];
			to[i] = together[i];
		}
		for (size_t way = 0; way < ARRAY_LENGTH(ways); way++) {
			ways[way](from, len, to, 5);
			for (size_t i = 0; i < 4; i++) {
				library_shake(EVP_shake256(), bytes_of(inputs[i], len), alone, sizeof alone);
				assert_memory_equal(alone, together[i], sizeof alone);
			}
		}
	}
}

/* Every length over some blocks, absorbed and squeezed in pieces. */
static void
one_stream_is_the_librarys(void **) {
	static const struct {
		size_t rate;
		const EVP_MD *(*algorithm)(void);
	} shakes[] = {{SHAKE128_RATE, EVP_shake128}, {SHAKE256_RATE, EVP_shake256}};
	uint8_t input[1001], ours[1001], theirs[1001];
	for (size_t i = 0; i < sizeof input; i++)
		input[i] = (uint8_t)(i * i);
	for (size_t s = 0; s < ARRAY_LENGTH(shakes); s++)
		for (size_t len = 0; len <= 1000; len++) {
			struct shake shake;
			shake_start(&shake, shakes[s].rate);
			shake_absorb(&shake, bytes_of(input, len / 3));
			shake_absorb(&shake, bytes_of(input + len / 3, len - len / 3));
			shake_finish(&shake);
			shake_squeeze(&shake, ours, len / 2);
			shake_squeeze(&shake, ours + len / 2, sizeof ours - len / 2);
			library_shake(shakes[s].algorithm(), bytes_of(input, len), theirs, sizeof theirs);
			assert_memory_equal(theirs, ours, sizeof ours);
		}
}

int
main(void) {
	const struct CMUnitTest tests[] = {
		T(signatures_are_the_librarys),
		T(signatures_verify_whatever_the_processor),
		T(keys_that_are_kept_sign),
		T(known_rejections),
		T(attempts_end),
		T(randomness_makes_another_signature),
		T(both_instruction_sets_do_the_same),
		T(decomposing_is_exact),
		T(many_streams_are_each_alone),
		T(one_stream_is_the_librarys),
	};
	return cmocka_run_group_tests_name("mldsa44_signer", tests, nullptr, nullptr);
}
