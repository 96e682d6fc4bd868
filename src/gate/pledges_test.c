#include "tests/test.h"

#include "crypto/sign.h"
#include "gate/keepers.h"
#include "gate/pledges.h"

#define INSTANCE "northwind.example"
constexpr uint8_t HOLDERS = 4;

static struct gate_state state = {.instance = INSTANCE};
static uint8_t seeds[HOLDERS][32], publics[HOLDERS][32];

static struct pledge_keys
keys_of(size_t position) {
	struct pledge_keys keys = {.seed = seeds[position], .key = publics[position]};
	memset(seeds[position], 0x20 + (int)position, sizeof seeds[position]);
	assert_ok(ed25519_public_key(seeds[position], publics[position]));
	memset(keys.certificate.bytes, 0x60 + (int)position, sizeof keys.certificate.bytes);
	return keys;
}

/* "one" to "four", with indices that are not their places. */
static struct sharing
example_sharing(uint8_t threshold, uint8_t count) {
	static const char *const names[] = {"one", "two", "three", "four"};
	struct sharing sharing = {
		.key = {.id = "vault", .threshold = threshold, .epoch = 7, .holders = {.count = count}}};
	for (uint8_t i = 0; i < count; i++) {
		struct pledge_keys keys = keys_of(i);
		struct party *party = &sharing.key.holders.parties[i];
		party->index = (uint8_t)(2 * i + 1);
		memcpy(sharing.names[i], names[i], strlen(names[i]));
		keeper_identity(INSTANCE, names[i], party->index, &keys.certificate, keys.key, party->identity);
	}
	return sharing;
}

static struct pledge
signed_by(const struct sharing *sharing, const struct pledged *pledged, size_t position, enum pledge_word word) {
	struct pledge_keys keys = keys_of(position);
	struct pledge pledge;
	assert_ok(pledge_sign(&state, pledged, sharing, &sharing->key.holders.parties[position], word, &keys, &pledge));
	return pledge;
}

static void
a_pledge_holds_for_what_it_names_and_nothing_else(void **) {
	struct sharing sharing = example_sharing(2, 3), other;
	struct pledged pledged = {.operation = {{1}}, .digest = {{2}}, .sharing_hash = {{3}}}, changed;
	struct pledge keeps = signed_by(&sharing, &pledged, 1, PLEDGE_KEEPS),
		      never = signed_by(&sharing, &pledged, 1, PLEDGE_NEVER), bad;
	assert_ok(pledge_check(&state, &pledged, &sharing, &keeps));
	assert_ok(pledge_check(&state, &pledged, &sharing, &never));
	/* Another operation, digest, sharing, key, epoch. */
	for (size_t i = 0; i < sizeof pledged; i++) {
		changed = pledged;
		((uint8_t *)&changed)[i] ^= 1;
		assert_true(pledge_check(&state, &changed, &sharing, &keeps) != OK);
		bool names_it = i < offsetof(struct pledged, sharing_hash);
		assert_true((pledge_check(&state, &changed, &sharing, &never) != OK) == names_it);
	}
	other = sharing;
	other.key.id[0] = 'w';
	assert_true(pledge_check(&state, &pledged, &other, &keeps) != OK);
	other = sharing;
	other.key.epoch++;
	assert_true(pledge_check(&state, &pledged, &other, &keeps) != OK);
	static struct gate_state elsewhere = {.instance = "southwind.example"};
	assert_fails(STATUS_INVALID, "pledge.identity", pledge_check(&elsewhere, &pledged, &sharing, &keeps));
	/* The other word, another holder, other keys, another signature. */
	bad = keeps;
	bad.word = PLEDGE_NEVER;
	assert_true(pledge_check(&state, &pledged, &sharing, &bad) != OK);
	bad = keeps;
	bad.holder = 1;
	assert_fails(STATUS_INVALID, "pledge.identity", pledge_check(&state, &pledged, &sharing, &bad));
	bad.holder = 2;
	assert_fails(STATUS_INVALID, "pledge.holder", pledge_check(&state, &pledged, &sharing, &bad));
	bad = keeps;
	bad.certificate.bytes[31] ^= 1;
	assert_fails(STATUS_INVALID, "pledge.identity", pledge_check(&state, &pledged, &sharing, &bad));
	bad = keeps;
	memcpy(bad.key, publics[0], sizeof bad.key);
	assert_fails(STATUS_INVALID, "pledge.identity", pledge_check(&state, &pledged, &sharing, &bad));
	for (size_t i = 0; i < sizeof keeps.signature; i++) {
		bad = keeps;
		bad.signature[i] ^= 1;
		assert_true(pledge_check(&state, &pledged, &sharing, &bad) != OK);
	}
}

/* How many of the others must say never, so that an honest one is among them. */
static const struct {
	uint8_t threshold, count, never;
} hopeless[] = {{2, 2, 1}, {2, 3, 2}, {3, 3, 2}, {2, 4, 2}, {3, 4, 3}, {4, 4, 3}};

static void
all_keep_or_as_many_as_sign_never_will(void **) {
	struct pledged pledged = {};
	for (size_t row = 0; row < ARRAY_LENGTH(hopeless); row++) {
		struct sharing sharing = example_sharing(hopeless[row].threshold, hopeless[row].count);
		const struct party_set *holders = &sharing.key.holders;
		struct pledges keeping = {}, refusing = {};
		struct pledge own = signed_by(&sharing, &pledged, 0, PLEDGE_NEVER);
		assert_true(pledges_add(&refusing, &own)); /* does not count: it is the one that asks */
		for (size_t i = 0; i < holders->count; i++) {
			struct pledge keeps = signed_by(&sharing, &pledged, i, PLEDGE_KEEPS);
			assert_false(pledges_are_complete(&keeping, holders));
			assert_true(pledges_add(&keeping, &keeps));
			assert_false(pledges_add(&keeping, &keeps));
		}
		assert_true(pledges_are_complete(&keeping, holders));
		assert_false(pledges_are_hopeless(&keeping, &sharing, 1));
		for (size_t i = 1; i < holders->count; i++) {
			struct pledge never = signed_by(&sharing, &pledged, i, PLEDGE_NEVER);
			assert_int_equal(i > hopeless[row].never, pledges_are_hopeless(&refusing, &sharing, 1));
			assert_true(pledges_add(&refusing, &never));
			assert_int_equal(i >= hopeless[row].never, pledges_are_hopeless(&refusing, &sharing, 1));
		}
		assert_false(pledges_are_complete(&refusing, holders));
	}
}

RUN_TESTS(T(a_pledge_holds_for_what_it_names_and_nothing_else), T(all_keep_or_as_many_as_sign_never_will))
