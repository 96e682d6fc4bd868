/*
 * Every ceremony that deals a key, for tests that go through all of them: made, brought in, refreshed, with who comes in, who leaves, who
 * lost its share, another threshold; by ECDSA and FROST's schemes. The key as it was, and the dealing of the new shares at
 * every party. Include after tests/test.h.
 */
#ifndef GATEHOUSE_TESTS_THRESHOLD_CEREMONIES_H
#define GATEHOUSE_TESTS_THRESHOLD_CEREMONIES_H

#include <stdlib.h>

#include "tests/frost_holders.h"

enum scheme { ECDSA, ED25519, BIP340, SCHEMES };

static const char *const SCHEME_NAMES[] = {[ECDSA] = "ecdsa", [ED25519] = "ed25519", [BIP340] = "bip340"};

/* Parties by index, to the first zero. */
struct ceremony {
	const char *name;
	uint8_t old_threshold, old_holders[KEEPERS_MAX]; /* none: the key is made */
	uint8_t dealers[KEEPERS_MAX];
	uint8_t threshold, holders[KEEPERS_MAX];
	uint8_t renewed; /* has another identity than the holder of this index had */
	bool is_import;
};

static const struct ceremony CEREMONIES[] = {
	{.name = "made, 2 of 3", .threshold = 2, .holders = {1, 2, 3}},
	{.name = "made, 3 of 4", .threshold = 3, .holders = {1, 2, 3, 4}},
	{.name = "brought in", .threshold = 2, .holders = {1, 2, 3}, .is_import = true},
	{.name = "refreshed, 2 of 3",
	 .old_threshold = 2,
	 .old_holders = {1, 2, 3},
	 .dealers = {1, 2},
	 .threshold = 2,
	 .holders = {1, 2, 3}},
	{.name = "refreshed, 3 of 4",
	 .old_threshold = 3,
	 .old_holders = {1, 2, 3, 4},
	 .dealers = {1, 2, 3},
	 .threshold = 3,
	 .holders = {1, 2, 3, 4}},
	{.name = "one comes in, one leaves",
	 .old_threshold = 2,
	 .old_holders = {1, 2, 3},
	 .dealers = {1, 2},
	 .threshold = 2,
	 .holders = {1, 2, 4}},
	{.name = "one comes in, 3 of 4",
	 .old_threshold = 2,
	 .old_holders = {1, 2, 3},
	 .dealers = {1, 3},
	 .threshold = 3,
	 .holders = {1, 2, 3, 4}},
	{.name = "one leaves, 2 of 3",
	 .old_threshold = 3,
	 .old_holders = {1, 2, 3, 4},
	 .dealers = {1, 2, 4},
	 .threshold = 2,
	 .holders = {1, 2, 4}},
	{.name = "a dealer leaves",
	 .old_threshold = 2,
	 .old_holders = {1, 2, 3},
	 .dealers = {1, 2},
	 .threshold = 2,
	 .holders = {1, 3, 4}},
	{.name = "repaired",
	 .old_threshold = 2,
	 .old_holders = {1, 2, 3},
	 .dealers = {1, 3},
	 .threshold = 2,
	 .holders = {1, 2, 3},
	 .renewed = 2},
};

static inline bool
is_soak(void) {
	return getenv("GATEHOUSE_SOAK") != nullptr;
}

static inline bool
has(const uint8_t parties[KEEPERS_MAX], uint8_t index) {
	return memchr(parties, index, strnlen((const char *)parties, KEEPERS_MAX)) != nullptr;
}

static inline struct party_set
set_of(const uint8_t parties[KEEPERS_MAX], uint8_t renewed) {
	struct party_set all = parties_up_to(KEEPERS_MAX), set;
	if (renewed != 0)
		all.parties[renewed - 1].identity[0] ^= 1;
	assert_ok(party_set_choose(&all, parties, strnlen((const char *)parties, KEEPERS_MAX), &set));
	return set;
}

/* --- The key as it was. --- */

static struct keepers keepers;
static struct frost_holders holders;

static inline enum frost_scheme
frost_scheme_of(enum scheme scheme) {
	return scheme == ED25519 ? FROST_SCHEME_ED25519 : FROST_SCHEME_BIP340;
}

static inline void
make_old(enum scheme scheme, const struct ceremony *ceremony) {
	uint8_t count = (uint8_t)strnlen((const char *)ceremony->old_holders, KEEPERS_MAX);
	if (ceremony->old_threshold == 0)
		return;
	if (scheme == ECDSA)
		keepers_generate(&keepers, ceremony->old_threshold, count, KEY_PURPOSE_TRANSFER);
	else
		frost_holders_generate(&holders, frost_scheme_of(scheme), ceremony->old_threshold, count);
}

static inline void
forget_old(void) {
	keepers_end(&keepers);
	frost_holders_end(&holders);
}

/* --- A dealing. --- */

static struct dealing *dealings[KEEPERS_MAX + 1];
static struct frost_dealing *frost_dealings[KEEPERS_MAX + 1];

static uint8_t imported_key[32] = {[31] = 5};
static struct randomness splitting; /* of it; empty: the system's */

static inline void
start_ecdsa(const struct ceremony *ceremony, struct network *network) {
	uint8_t parts[KEEPERS_MAX][SCALAR_SIZE];
	struct dealing_terms terms = {.kind = DEALING_GENERATE,
				      .instance = KEEPERS_INSTANCE,
				      .nonce = KEEPERS_NONCE,
				      .key = {.id = "vault", .epoch = 1}};
	struct party_set dealers, parties = set_of(ceremony->holders, ceremony->renewed);
	struct ecdsa_key old = keepers.key;
	if (ceremony->is_import) {
		struct scalar number;
		struct point point;
		terms.kind = DEALING_IMPORT;
		assert_ok(scalar_read(imported_key, &number));
		assert_ok(point_of_secret(&number, &point));
		point_write(&point, terms.key.public_key);
		assert_ok(ecdsa_split_private_key(imported_key, parties.count, &splitting, parts));
	}
	if (ceremony->old_threshold != 0) {
		dealers = set_of(ceremony->dealers, 0);
		terms.kind = DEALING_RESHARE;
		terms.key = old;
		terms.key.epoch++;
		terms.old_key = &old;
		terms.dealers = &dealers;
	}
	terms.key.threshold = ceremony->threshold;
	terms.key.holders = parties;
	if (terms.dealers != nullptr)
		assert_ok(party_set_union(&dealers, &terms.key.holders, &parties));
	network->protocol = &dealing_protocol;
	for (size_t i = 0; i < parties.count; i++) {
		struct dealing_terms own = terms;
		own.self = parties.parties[i].index;
		own.randomness = keepers_randomness(&keepers, own.self);
		own.part = ceremony->is_import ? parts[i] : nullptr;
		own.old_share = has(ceremony->dealers, own.self) ? keepers.shares[own.self] : nullptr;
		assert_ok(dealing_start(&dealings[own.self], &own));
		network->machines[own.self] = dealings[own.self];
	}
}

static inline void
start_frost(enum scheme scheme, const struct ceremony *ceremony, struct network *network) {
	struct frost_dealing_terms terms = frost_generate_terms(frost_scheme_of(scheme), 2, 3);
	struct party_set dealers;
	if (ceremony->old_threshold != 0) {
		dealers = set_of(ceremony->dealers, 0);
		terms = frost_reshare_terms(&holders.key, &dealers);
	}
	terms.key.threshold = ceremony->threshold;
	terms.key.holders = set_of(ceremony->holders, ceremony->renewed);
	frost_start_all(&holders, &terms, frost_dealings, network);
}

static inline void
start_ceremony(enum scheme scheme, const struct ceremony *ceremony, struct network *network) {
	if (scheme == ECDSA)
		start_ecdsa(ceremony, network);
	else
		start_frost(scheme, ceremony, network);
}

static inline void
end_ceremony(void) {
	for (size_t i = 0; i <= KEEPERS_MAX; i++) {
		dealing_destroy(&dealings[i]);
		frost_dealing_destroy(&frost_dealings[i]);
	}
}

static inline const struct exchange *
exchange_at(const struct network *network, uint8_t index) {
	return network->protocol->exchange(network->machines[index]);
}

static inline bool
has_share(uint8_t index) {
	_cleanup_(ecdsa_share_destroy) struct ecdsa_share *share =
		dealings[index] != nullptr ? dealing_take_share(dealings[index]) : nullptr;
	_cleanup_(frost_key_share_destroy) struct frost_key_share *frost_share =
		frost_dealings[index] != nullptr ? frost_dealing_take_share(frost_dealings[index]) : nullptr;
	return share != nullptr || frost_share != nullptr;
}

/* Deals, held, will hold, was renewed. */
static inline unsigned
role_of(const struct ceremony *ceremony, uint8_t index) {
	return (unsigned)(has(ceremony->dealers, index) | has(ceremony->old_holders, index) << 1 |
			  has(ceremony->holders, index) << 2 | (ceremony->renewed == index) << 3);
}

#endif
