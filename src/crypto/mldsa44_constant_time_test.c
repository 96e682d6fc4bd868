/*
 * No branch and no index on what ML-DSA-44 keeps secret (keys/constant_time_test.c says how this is seen): the seed, the key's
 * polynomials, the masks. declassify() stands where FIPS 204 makes something public: the matrix's seed and the public key, which draws are
 * rejected, the challenge, the signature.
 */
#include "tests/test.h"

#include "crypto/mldsa44_signer.c"
#include "tests/constant_time.h"

static void
make_key(struct mldsa44_signer **signer) {
	uint8_t seed[32] = {7}, public_key[1312];
	classify(seed, sizeof seed);
	assert_ok(mldsa44_signer_create(signer, seed, public_key));
	struct expanded *key = (struct expanded *)(*signer)->memory.data;
	classify(key->s1, sizeof key->s1);
	classify(key->s2, sizeof key->s2);
	classify(key->t0, sizeof key->t0);
	classify(key->draw, sizeof key->draw);
}

static void
a_key_and_its_signatures(void **) {
	start_counting();
	_cleanup_(mldsa44_signer_destroy) struct mldsa44_signer *signer = nullptr;
	make_key(&signer);
	for (uint8_t i = 0; i < 8; i++) {
		uint8_t randomness[32] = {i}, signature[2420];
		classify(randomness, sizeof randomness);
		assert_ok(mldsa44_signer_sign(signer, bytes_of(&i, 1), randomness, signature));
	}
	assert_no_leak();
}

static void
without_vectors(void **) {
	start_counting();
	_cleanup_(mldsa44_signer_destroy) struct mldsa44_signer *signer = nullptr;
	static struct attempt at;
	uint8_t message_hash[64] = {1}, mask[64] = {2}, signature[2420];
	make_key(&signer);
	classify(mask, sizeof mask);
	for (uint16_t i = 0; i < 40 * L; i += L)
		(void)attempt_anywhere((const struct expanded *)signer->memory.data, message_hash, mask, i, &at,
				       signature);
	assert_no_leak();
}

/* --- What is left on the stack --- */

struct signing {
	const struct mldsa44_signer *signer;
	uint8_t signature[2420];
};

static void *
sign_on_a_stack(void *argument) {
	static const uint8_t zeros[32];
	struct signing *signing = argument;
	assert_ok(mldsa44_signer_sign(signing->signer, (struct bytes){}, zeros, signing->signature));
	return nullptr;
}

/* The state in the midst of the last round (FIPS 202 §3.2.4 backwards): whoever finds that has what was absorbed. */
static void
undo_chi(const uint64_t words[25], uint64_t before[25]) {
	uint8_t inverse[32];
	for (unsigned row = 0; row < 32; row++) {
		unsigned out = 0;
		for (unsigned x = 0; x < 5; x++) {
			unsigned a = row >> x & 1, b = row >> (x + 1) % 5 & 1, c = row >> (x + 2) % 5 & 1;
			out |= (a ^ ((b ^ 1) & c)) << x;
		}
		inverse[out] = (uint8_t)row;
	}
	memset(before, 0, 25 * sizeof *before);
	for (size_t y = 0; y < 25; y += 5)
		for (unsigned bit = 0; bit < 64; bit++) {
			uint8_t row = 0;
			for (size_t x = 0; x < 5; x++) {
				uint64_t word = words[y + x] ^ (y + x == 0 ? 0x8000000080008008 : 0);
				row |= (uint8_t)((word >> bit & 1) << x);
			}
			for (size_t x = 0; x < 5; x++)
				before[y + x] |= (uint64_t)(inverse[row] >> x & 1) << bit;
		}
}

static size_t
count_places(const uint64_t *stack, size_t stack_words, const void *secret, size_t words) {
	size_t places = 0;
	for (size_t i = 0; i < words; i++) {
		uint64_t word;
		memcpy(&word, (const uint8_t *)secret + 8 * i, sizeof word);
		for (size_t j = 0; j < stack_words; j++)
			places += stack[j] == word;
	}
	return places;
}

static uint64_t stack[32 * 1024] __attribute__((aligned(4096)));

static void
assert_not_on_stack(const void *secret, size_t words) {
	assert_int_equal(0, count_places(stack, ARRAY_LENGTH(stack), secret, words));
}

static void
assert_state_not_on_stack(const struct shake *shake) {
	uint64_t before[25];
	undo_chi(shake->words, before);
	assert_not_on_stack(shake->words, 25);
	assert_not_on_stack(before, 25);
}

/* The states that the mask of the attempt came from. */
static void
assert_mask_not_on_stack(const uint8_t seed[64], uint16_t number) {
	for (uint16_t i = number; i < number + L; i++) {
		uint8_t mask[MASK_BLOCKS * SHAKE256_RATE];
		const uint8_t place[2] = {(uint8_t)i, (uint8_t)(i >> 8)};
		struct shake shake;
		shake_start(&shake, SHAKE256_RATE);
		shake_absorb(&shake, bytes_of(seed, 64));
		shake_absorb(&shake, BYTES_OF_ARRAY(place));
		shake_finish(&shake);
		shake_squeeze(&shake, mask, sizeof mask);
		assert_state_not_on_stack(&shake);
	}
}

static void
run_on_stack(struct signing *signing) {
	pthread_attr_t attributes;
	pthread_t thread;
	assert_int_equal(0, pthread_attr_init(&attributes));
	assert_int_equal(0, pthread_attr_setstack(&attributes, stack, sizeof stack));
	assert_int_equal(0, pthread_create(&thread, &attributes, sign_on_a_stack, signing));
	assert_int_equal(0, pthread_join(thread, nullptr));
	pthread_attr_destroy(&attributes);
	declassify(stack, sizeof stack);
}

/* A thread's stack, looked through when it has ended. */
static void
nothing_stays_on_the_stack(void **) {
	static const uint8_t zeros[32];
	static struct attempt at;
	uint8_t seed[32] = {11}, public_key[1312], message_hash[64], mask_seed[64], signature[2420];
	_cleanup_(mldsa44_signer_destroy) struct mldsa44_signer *signer = nullptr;
	struct shake shake;
	start_counting();
	assert_ok(mldsa44_signer_create(&signer, seed, public_key));
	const struct expanded *key = (const struct expanded *)signer->memory.data;
	struct signing signing = {.signer = signer};
	run_on_stack(&signing);
	hash_message(key, (struct bytes){}, message_hash);
	shake_start(&shake, SHAKE256_RATE);
	shake_absorb(&shake, BYTES_OF_ARRAY(key->draw));
	shake_absorb(&shake, BYTES_OF_ARRAY(zeros));
	shake_absorb(&shake, BYTES_OF_ARRAY(message_hash));
	shake_finish(&shake);
	shake_squeeze(&shake, mask_seed, sizeof mask_seed);
	assert_not_on_stack(key->draw, 4);
	assert_not_on_stack(mask_seed, 8);
	assert_state_not_on_stack(&shake);
	uint16_t number = 0;
	assert_mask_not_on_stack(mask_seed, number);
	while (!attempt_anywhere(key, message_hash, mask_seed, number, &at, signature)) {
		number = (uint16_t)(number + L);
		assert_mask_not_on_stack(mask_seed, number);
	}
	assert_memory_equal(signature, signing.signature, sizeof signature);
	assert_true(count_places(stack, ARRAY_LENGTH(stack), message_hash, 8) > 0); /* it is no secret, and found */
}

int
main(int, char **argv) {
	const struct CMUnitTest tests[] = {T(a_key_and_its_signatures), T(without_vectors),
					   T(nothing_stays_on_the_stack)};
	run_under_valgrind(argv);
	return cmocka_run_group_tests_name("mldsa44_constant_time", tests, nullptr, nullptr);
}
