/* For which sets signatures are prepared: with few holders for all, with many for a bounded number, in a bounded number of steps. */
#include "tests/test.h"

#include "keeper/threshold_sets.h"
#include "keys/threshold/ecdsa/presignature.h"

constexpr size_t MANY = 16;
constexpr size_t HALF = 8;

static uint32_t
all_of(size_t holders) {
	return (UINT32_C(1) << holders) - 1;
}

static size_t
find_all(size_t holders, size_t needed, uint32_t usable, const uint32_t *failed, size_t failed_count,
	 struct signer_sets *found) {
	size_t count = 0;
	for (size_t self = 0; self < holders; self++) {
		struct signer_question question = {.holders = holders,
						   .self = self,
						   .needed = needed,
						   .usable = usable,
						   .failed = failed,
						   .failed_count = failed_count};
		found[self] = (struct signer_sets){};
		if ((usable >> self & 1) == 0)
			continue;
		signer_sets_find(&question, &found[self]);
		assert_true(found[self].count <= SIGNER_SETS_MAX);
		assert_true(found[self].steps <= SIGNER_STEPS_MAX);
		for (size_t i = 0; i < found[self].count; i++) {
			uint32_t set = found[self].sets[i];
			assert_int_equal(needed, __builtin_popcount(set));
			assert_int_equal(0, set & ~usable);
			assert_int_equal(self, __builtin_ctz(set));
			for (size_t j = 0; j < i; j++)
				assert_true(found[self].sets[j] != set);
		}
		count += found[self].count;
	}
	return count;
}

static bool
is_found(const struct signer_sets *found, uint32_t set) {
	const struct signer_sets *of_first = &found[__builtin_ctz(set)];
	for (size_t i = 0; i < of_first->count; i++)
		if (of_first->sets[i] == set)
			return true;
	return false;
}

/* What that one chooses first, second and so on (threshold_choosing.c): by position, none that failed. */
static uint32_t
choice_of(size_t asker, size_t needed, uint32_t usable, const uint32_t *failed, size_t failed_count, size_t number) {
	for (uint32_t set = 0;; set++) {
		uint32_t low = set & ((UINT32_C(1) << asker) - 1), parties = 0;
		parties = low | UINT32_C(1) << asker | (set >> asker) << (asker + 1);
		bool has_failed = false;
		for (size_t i = 0; i < failed_count; i++)
			has_failed = has_failed || failed[i] == parties;
		if ((size_t)__builtin_popcount(parties) != needed || (parties & ~usable) != 0 || has_failed)
			continue;
		if (number-- == 0)
			return parties;
	}
}

static void
with_few_holders_all_sets_are_prepared(void **) {
	static const struct {
		size_t holders, needed, sets;
	} cases[] = {{2, 2, 1}, {3, 2, 3}, {4, 3, 4}, {5, 3, 10}, {5, 5, 1}, {6, 4, 15}, {7, 4, 35}};
	struct signer_sets found[MANY];
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
		assert_int_equal(cases[i].sets, find_all(cases[i].holders, cases[i].needed, all_of(cases[i].holders),
							 nullptr, 0, found));
	/* Nobody that cannot sign; and nothing where too few can. */
	assert_int_equal(4, find_all(5, 3, 0b11101, nullptr, 0, found));
	assert_int_equal(0, find_all(5, 3, 0b10001, nullptr, 0, found));
}

static void
of_many_holders_each_has_its_first_choices_prepared(void **) {
	struct signer_sets found[MANY];
	size_t count = find_all(MANY, HALF, all_of(MANY), nullptr, 0, found), steps = 0;
	for (size_t self = 0; self < MANY; self++)
		steps += found[self].steps;
	print_message("# 8 of 16: %zu sets in %zu steps, of 12,870\n", count, steps);
	for (size_t asker = 0; asker < MANY; asker++)
		for (size_t number = 0; number < 2; number++)
			assert_true(is_found(found, choice_of(asker, HALF, all_of(MANY), nullptr, 0, number)));
	/* Where the first half is not there, the other half's. */
	uint32_t rest = all_of(MANY) & ~UINT32_C(0b111111);
	assert_true(find_all(MANY, HALF, rest, nullptr, 0, found) > 0);
	for (size_t asker = 6; asker < MANY; asker++)
		assert_true(is_found(found, choice_of(asker, HALF, rest, nullptr, 0, 0)));
}

static void
a_set_comes_in_when_those_before_it_have_failed(void **) {
	struct signer_sets found[MANY];
	uint32_t failed[20];
	size_t count = 0;
	/* Whatever the first asker chooses fails, time after time: the one that it chooses then is prepared, and those that failed come last. */
	for (size_t i = 0; i < ARRAY_LENGTH(failed); i++) {
		uint32_t chosen = choice_of(0, HALF, all_of(MANY), failed, count, 0);
		find_all(MANY, HALF, all_of(MANY), failed, count, found);
		assert_true(is_found(found, chosen));
		failed[count++] = chosen;
	}
	/* The only one there is is prepared all the same. */
	assert_int_equal(1, find_all(2, 2, 0b11, (const uint32_t[]){0b11}, 1, found));
	assert_int_equal(3, find_all(3, 2, 0b111, (const uint32_t[]){0b11, 0b1100}, 2, found));
	assert_int_equal(2, found[0].count);
	assert_int_equal(0b11, found[0].sets[1]);
}

static void
a_set_of_which_two_have_no_pair_is_not_prepared(void **) {
	struct signer_sets found;
	struct signer_question question = {.holders = 4, .needed = 3, .usable = 0b1111, .lost = {[2] = 0b0010}};
	uint32_t failed[] = {0b0111, 0b1101};
	signer_sets_find(&question, &found); /* of the first: without both the second and the third */
	assert_int_equal(2, found.count);
	assert_int_equal(0b1011, found.sets[0]);
	assert_int_equal(0b1101, found.sets[1]);
	question.failed = failed;
	question.failed_count = ARRAY_LENGTH(failed);
	signer_sets_find(&question, &found);
	assert_int_equal(2, found.count);
	assert_int_equal(0b1011, found.sets[0]);
	assert_int_equal(0b1101, found.sets[1]);
}

/* --- What is kept of it: nothing of it is made by the protocol here. --- */

static struct presignature *
presignature_of(uint32_t set, uint32_t number) {
	struct presignature *made;
	uint8_t bytes[8];
	assert_ok(presignature_create(&made));
	memcpy(made->key_id, "vault", sizeof "vault");
	made->epoch = 1;
	for (uint8_t i = 0; i < MANY; i++)
		if ((set >> i & 1) != 0)
			made->signers.parties[made->signers.count++].index = (uint8_t)(i + 1);
	store_u32be(bytes, set);
	store_u32be(bytes + 4, number);
	made->id = sha256(BYTES_OF_ARRAY(bytes));
	return made;
}

static void
add(struct presignature_pool *pool, uint32_t set, uint32_t number) {
	struct presignature *made = presignature_of(set, number);
	assert_ok(presignature_pool_add(pool, &made));
}

static size_t
count_of(const struct presignature_pool *pool, uint32_t set) {
	_cleanup_(presignature_destroy) struct presignature *like = presignature_of(set, 0);
	return presignature_pool_count(pool, like->key_id, like->epoch, &like->signers);
}

static void
of_one_beginner_and_of_one_set_the_last_are_kept(void **) {
	_cleanup_(presignature_pool_free) struct presignature_pool pool = {};
	uint32_t first = all_of(HALF), set = first, other = all_of(HALF) << 1;
	for (uint32_t i = 0; i < 3 * PRESIGNATURES_OF_SET_MAX; i++)
		add(&pool, first, i);
	assert_int_equal(PRESIGNATURES_OF_SET_MAX, count_of(&pool, first));
	for (uint32_t i = 0; i < PRESIGNATURES_OF_SET_MAX; i++)
		add(&pool, other, i);
	/* One keeper, the first of all its sets, begins without end. */
	for (size_t sets = 0; sets < 2 * PRESIGNATURES_OF_FIRST_MAX; sets++) {
		set = choice_of(0, HALF, all_of(MANY), nullptr, 0, sets);
		add(&pool, set, 1000);
	}
	assert_int_equal(PRESIGNATURES_OF_FIRST_MAX, pool.of_first[1]);
	assert_int_equal(PRESIGNATURES_OF_FIRST_MAX + PRESIGNATURES_OF_SET_MAX, pool.ready.count);
	assert_int_equal(0, count_of(&pool, first)); /* those are the oldest of its */
	assert_int_equal(1, count_of(&pool, set));
	assert_int_equal(PRESIGNATURES_OF_SET_MAX, count_of(&pool, other));
	/* What is taken is counted no more, and what is kept of a set goes with its last one. */
	const struct presignature *found = presignature_pool_newest(&pool);
	size_t before = pool.sets.count;
	struct presignature *taken;
	struct hash256 id = found->id;
	assert_ok(presignature_pool_take(&pool, &id, &taken));
	presignature_destroy(&taken);
	assert_int_equal(0, count_of(&pool, set));
	assert_int_equal(before - 1, pool.sets.count);
	presignature_pool_discard(&pool);
	assert_int_equal(0, pool.ready.count);
	assert_int_equal(0, pool.sets.count);
	assert_int_equal(0, pool.of_first[1]);
}

/* What docs/PROTOCOL.threshold §16 says of the memory. */
static void
what_is_ready_takes_four_mebibytes_at_most(void **) {
	size_t one = sizeof(struct presignature) + sizeof(struct presignature_values);
	print_message("# %zu bytes each\n", one);
	assert_true(one * PRESIGNATURES_OF_FIRST_MAX * PARTIES_MAX <= 4 << 20);
}

RUN_TESTS(T(with_few_holders_all_sets_are_prepared), T(of_many_holders_each_has_its_first_choices_prepared),
	  T(a_set_comes_in_when_those_before_it_have_failed), T(a_set_of_which_two_have_no_pair_is_not_prepared),
	  T(of_one_beginner_and_of_one_set_the_last_are_kept), T(what_is_ready_takes_four_mebibytes_at_most))
