/* Extension and multiplication by their algebra, and against a peer that changes any part of its message. */
#include "tests/test.h"

#include "keys/threshold/ecdsa/multiply.h"
/* For a receiver that cheats: the file itself, in place of the library's copy. */
#include "keys/threshold/ecdsa/extension.c"
#include "tests/oblivious_pair.h"

static struct oblivious_pair pair;
static struct extension_message message;
static struct multiply_message product;
static extension_row sent[EXTENSION_ROWS], received[EXTENSION_ROWS];
static uint8_t choices[EXTENSION_ROWS / 8];
static struct hash256 context, other_context;

static int
set_up(void **) {
	oblivious_pair_start(&pair);
	oblivious_pair_grow(&pair);
	context = sha256(BYTES_OF_LITERAL("extension"));
	other_context = sha256(BYTES_OF_LITERAL("extension 2"));
	return 0;
}

static int
tear_down(void **) {
	oblivious_pair_end(&pair);
	return 0;
}

static void
extend(void) {
	random_bytes(choices, sizeof choices);
	extension_receive(pair.oblivious, &context, &pair.full, choices, &pair.randomness, &message, received);
	assert_ok(extension_send(pair.oblivious, &context, &pair.punctured, &message, sent));
}

static void
rows_differ_by_delta_where_the_choice_is_one(void **) {
	extend();
	for (size_t j = 0; j < EXTENSION_ROWS; j++)
		for (size_t i = 0; i < sizeof sent[j]; i++)
			assert_int_equal(sent[j][i],
					 received[j][i] ^ ((choices[j / 8] >> (j % 8) & 1) != 0 ? pair.delta[i] : 0));
}

static void
contexts_give_unrelated_rows(void **) {
	static extension_row again[EXTENSION_ROWS];
	extend();
	extension_receive(pair.oblivious, &other_context, &pair.full, choices, &pair.randomness, &message, again);
	for (size_t j = 0; j < EXTENSION_ROWS; j++)
		assert_memory_not_equal(received[j], again[j], sizeof again[j]);
	assert_fails(STATUS_UNAUTHORIZED, "extension.check",
		     extension_send(pair.oblivious, &context, &pair.punctured, &message, sent));
}

static void
a_change_of_any_byte_fails_the_check(void **) {
	extend();
	uint8_t *bytes = (uint8_t *)&message;
	size_t changes = 0;
	for (size_t i = 0; i < sizeof message; i += i < sizeof message.corrections ? 7 : 1) {
		bytes[i] ^= 0x40;
		assert_fails(STATUS_UNAUTHORIZED, "extension.check",
			     extension_send(pair.oblivious, &context, &pair.punctured, &message, sent));
		bytes[i] ^= 0x40;
		changes++;
	}
	print_message("%zu changes\n", changes);
	assert_ok(extension_send(pair.oblivious, &context, &pair.punctured, &message, sent));
}

/* A receiver who cheats well: other choices in one block, and check values computed from all that it then knows. */
static void
cheat_in_block(size_t block) {
	static column columns[OT_KAPPA];
	column chosen, stream;
	struct gf128 challenge[CHECK_BLOCKS];
	memset(columns, 0, sizeof columns);
	random_bytes(chosen, sizeof chosen);
	for (size_t i = 0; i < PPRF_BLOCKS; i++) {
		memcpy(message.corrections[i], chosen, sizeof chosen);
		message.corrections[i][3] ^= i == block ? 0x01 : 0;
		for (size_t x = 0; x < PPRF_LEAVES; x++) {
			stream_of_leaf(pair.oblivious, &context, i, pair.full.leaves[i][x], stream);
			add_column(message.corrections[i], stream);
			for (size_t bit = 0; bit < PPRF_K; bit++)
				if ((x >> bit & 1) != 0)
					add_column(columns[PPRF_K * i + bit], stream);
		}
	}
	make_challenge(pair.oblivious, &context, &message, challenge);
	gf128_write(checked_sum(challenge, chosen), message.choice_sum);
	struct hash256 hash = hash_columns(pair.oblivious, &context, &message, challenge, columns, nullptr);
	memcpy(message.column_hash, hash.bytes, sizeof hash.bytes);
}

static void
choices_that_differ_in_one_block_pass_only_where_delta_is_zero_in_it(void **) {
	size_t passed = 0;
	for (size_t block = 0; block < PPRF_BLOCKS; block++) {
		bool zero = true;
		for (size_t bit = 0; bit < PPRF_K; bit++)
			zero = zero && bit_mask(pair.delta, PPRF_K * block + bit) == 0;
		cheat_in_block(block);
		enum status status = extension_send(pair.oblivious, &context, &pair.punctured, &message, sent);
		assert_int_equal(status, zero ? OK : STATUS_UNAUTHORIZED);
		passed += status == OK;
	}
	print_message("%zu of %zu guesses were right\n", passed, PPRF_BLOCKS);
	assert_true(passed > 0 && passed < PPRF_BLOCKS);
}

static void
shares_add_up_to_the_product(void **) {
	for (size_t run = 0; run < 8; run++) {
		struct scalar inputs[MULTIPLY_INPUTS], of_alice[MULTIPLY_INPUTS], of_bob[MULTIPLY_INPUTS];
		inputs[0] = run == 0 ? (struct scalar){} : scalar_random(&pair.randomness);
		inputs[1] = scalar_random(&pair.randomness);
		extend();
		struct scalar b = multiply_input(choices);
		assert_ok(multiply_send(pair.oblivious, &context, sent, pair.delta, inputs, &pair.randomness, &product,
					of_alice));
		assert_ok(multiply_receive(pair.oblivious, &context, received, choices, &product, of_bob));
		for (size_t i = 0; i < MULTIPLY_INPUTS; i++) {
			struct scalar sum = scalar_add(&of_alice[i], &of_bob[i]),
				      expected = scalar_multiply(&inputs[i], &b);
			assert_true(scalar_equal(&sum, &expected));
		}
	}
}

static void
a_change_of_any_byte_fails_the_multiplication_or_was_never_used(void **) {
	struct scalar inputs[MULTIPLY_INPUTS] = {scalar_of(3), scalar_of(4)}, of_alice[MULTIPLY_INPUTS],
		      of_bob[MULTIPLY_INPUTS];
	extend();
	assert_ok(multiply_send(pair.oblivious, &context, sent, pair.delta, inputs, &pair.randomness, &product,
				of_alice));
	uint8_t *bytes = (uint8_t *)&product;
	size_t changes = 0;
	for (size_t i = 0; i < sizeof product; i += i < sizeof product.masked ? 509 : 1) {
		bytes[i] ^= 0x08;
		enum status status = multiply_receive(pair.oblivious, &context, received, choices, &product, of_bob);
		bytes[i] ^= 0x08;
		assert_true(status == STATUS_UNAUTHORIZED || status == STATUS_INVALID);
		changes++;
	}
	print_message("%zu changes\n", changes);
	assert_fails(STATUS_UNAUTHORIZED, "multiply.check",
		     multiply_receive(pair.oblivious, &other_context, received, choices, &product, of_bob));
	memset(product.masked[7][1], 0xff, SCALAR_SIZE);
	assert_fails(STATUS_INVALID, "scalar.range",
		     multiply_receive(pair.oblivious, &context, received, choices, &product, of_bob));
}

int
main(void) {
	const struct CMUnitTest tests[] = {
		T(rows_differ_by_delta_where_the_choice_is_one),
		T(contexts_give_unrelated_rows),
		T(a_change_of_any_byte_fails_the_check),
		T(choices_that_differ_in_one_block_pass_only_where_delta_is_zero_in_it),
		T(shares_add_up_to_the_product),
		T(a_change_of_any_byte_fails_the_multiplication_or_was_never_used),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
