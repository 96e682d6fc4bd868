/* Trees by their definition: every leaf but one, and a maker who cheats is found out unless it guessed Δ. */
#include "tests/test.h"

#include "tests/oblivious_pair.h"

static struct oblivious_pair pair;

static size_t
missing_of(size_t block) {
	size_t missing = 0;
	for (size_t bit = 0; bit < PPRF_K; bit++) {
		size_t at = PPRF_K * block + bit;
		missing |= (size_t)(pair.delta[at / 8] >> (at % 8) & 1) << bit;
	}
	return missing;
}

static void
all_leaves_but_one_are_known_in_the_order_of_their_distance_from_it(void **) {
	static const uint8_t zeros[OT_SEED_SIZE];
	oblivious_pair_start(&pair);
	oblivious_pair_grow(&pair);
	for (size_t block = 0; block < PPRF_BLOCKS; block++)
		for (size_t z = 0; z < PPRF_LEAVES; z++) {
			const uint8_t *known = pair.punctured.leaves[block][z],
				      *leaf = pair.full.leaves[block][z ^ missing_of(block)];
			assert_memory_equal(known, z == 0 ? zeros : leaf, OT_SEED_SIZE);
		}
	oblivious_pair_end(&pair);
}

/* One bit of every byte of the message: a correction is used, or not, as Δ wants it; a check value always is. */
static void
a_changed_message_fails_the_check_or_was_never_used(void **) {
	oblivious_pair_start(&pair);
	oblivious_pair_grow(&pair);
	struct pprf_punctured honest = pair.punctured;
	uint8_t *bytes = (uint8_t *)&pair.message;
	size_t unused = 0, failed = 0;
	for (size_t i = 0; i < sizeof pair.message; i += i < sizeof pair.message.corrections ? 5 : 31) {
		bytes[i] ^= 0x10;
		enum status status = pprf_open(pair.oblivious, &pair.context, pair.receiver_keys, pair.delta,
					       &pair.message, &pair.punctured);
		bytes[i] ^= 0x10;
		if (status == OK) {
			assert_true(i < sizeof pair.message.corrections);
			assert_memory_equal(&honest, &pair.punctured, sizeof honest);
			unused++;
		} else {
			assert_int_equal(status, STATUS_UNAUTHORIZED);
			failed++;
		}
	}
	print_message("%zu changes failed, %zu were of what this choice does not use\n", failed, unused);
	assert_true(failed > unused && unused > 0);
	oblivious_pair_end(&pair);
}

static void
trees_of_another_context_fail_the_check(void **) {
	oblivious_pair_start(&pair);
	oblivious_pair_grow(&pair);
	struct hash256 other = sha256(BYTES_OF_LITERAL("other"));
	assert_fails(STATUS_UNAUTHORIZED, "pprf.check",
		     pprf_open(pair.oblivious, &other, pair.receiver_keys, pair.delta, &pair.message, &pair.punctured));
	oblivious_pair_end(&pair);
}

RUN_TESTS(T(all_leaves_but_one_are_known_in_the_order_of_their_distance_from_it),
	  T(a_changed_message_fails_the_check_or_was_never_used), T(trees_of_another_context_fail_the_check))
