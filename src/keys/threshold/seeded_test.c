#include "tests/test.h"

#include "keys/threshold/seeded.h"

static const uint8_t SEED[SEEDED_SIZE] = {1, 2, 3};

static void
draw(struct bytes seed, const struct hash256 *purpose, size_t step, uint8_t *to, size_t len) {
	_cleanup_(seeded_end) struct seeded seeded = {};
	assert_ok(seeded_start(&seeded, seed, purpose));
	struct randomness randomness = seeded_randomness(&seeded);
	for (size_t at = 0; at < len; at += step)
		randomness_fill(&randomness, to + at, step < len - at ? step : len - at);
}

/* The same from the same seed, however it is cut; computed with another program (docs/PROTOCOL.threshold §22). */
static void
what_was_drawn_is_drawn_again(void **) {
	static const char expected[] =
		"bc9a26caf0537c6faadce612cd418f35b6f0485249738c63f22460b41964f423f4e79f140aa12465"
		"4a0220b7d8b7ace4341314d2af816953cb18331e071cba714b9e8d96db0bdfdf1caca3470ce09fdd";
	struct hash256 purpose;
	uint8_t known[80], first[80], again[80];
	memset(purpose.bytes, 9, sizeof purpose.bytes);
	assert_ok(hex_decode(bytes_of_text(expected), known, sizeof known));
	draw(BYTES_OF_ARRAY(SEED), &purpose, sizeof first, first, sizeof first);
	assert_memory_equal(known, first, sizeof first);
	for (size_t step = 1; step < sizeof again; step++) {
		draw(BYTES_OF_ARRAY(SEED), &purpose, step, again, sizeof again);
		assert_memory_equal(first, again, sizeof again);
	}
}

static void
another_seed_or_purpose_draws_something_else(void **) {
	struct hash256 purpose = {}, other = {.bytes = {1}};
	uint8_t changed[SEEDED_SIZE], one[32], two[32];
	memcpy(changed, SEED, sizeof changed);
	changed[31] = 1;
	draw(BYTES_OF_ARRAY(SEED), &purpose, 32, one, sizeof one);
	draw(BYTES_OF_ARRAY(SEED), &other, 32, two, sizeof two);
	assert_memory_not_equal(one, two, sizeof one);
	draw(BYTES_OF_ARRAY(changed), &purpose, 32, two, sizeof two);
	assert_memory_not_equal(one, two, sizeof one);
}

static void
a_seed_of_another_length_is_none(void **) {
	struct seeded seeded = {};
	struct hash256 purpose = {};
	assert_fails(STATUS_INTERNAL, "seeded.seed", seeded_start(&seeded, bytes_of(SEED, 31), &purpose));
	assert_fails(STATUS_INTERNAL, "seeded.seed", seeded_start(&seeded, (struct bytes){}, &purpose));
}

RUN_TESTS(T(what_was_drawn_is_drawn_again), T(another_seed_or_purpose_draws_something_else),
	  T(a_seed_of_another_length_is_none))
