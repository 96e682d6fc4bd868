/* What a session is bound to, and which sets of parties there can be. */
#include "tests/test.h"

#include "keys/threshold/session.h"
#include "tests/threshold_parties.h"

static const uint8_t NONCE[32] = {1}, OTHER_NONCE[32] = {2};

static struct session_terms
plain_terms(const struct party_set *set) {
	return (struct session_terms){.protocol = "p",
				      .instance = BYTES_OF_LITERAL("i"),
				      .key_id = BYTES_OF_LITERAL("k"),
				      .epoch = 1,
				      .threshold = 2,
				      .self = 1,
				      .parties = set,
				      .nonce = NONCE,
				      .request = BYTES_OF_LITERAL("r")};
}

static void
whatever_differs_gives_another_session(void **) {
	struct party_set set = parties_up_to(3), fewer = parties_up_to(2), renamed = set;
	renamed.parties[2].identity[0] ^= 1;
	struct session_terms variants[10];
	for (size_t i = 0; i < ARRAY_LENGTH(variants); i++)
		variants[i] = plain_terms(&set);
	variants[1].protocol = "q";
	variants[2].instance = BYTES_OF_LITERAL("ik");
	variants[2].key_id = BYTES_OF_LITERAL("");
	variants[3].key_id = BYTES_OF_LITERAL("l");
	variants[4].epoch = 2;
	variants[5].threshold = 3;
	variants[6].parties = &fewer;
	variants[7].parties = &renamed;
	variants[8].nonce = OTHER_NONCE;
	variants[9].request = BYTES_OF_LITERAL("s");
	struct protocol_session sessions[ARRAY_LENGTH(variants)], at_other;
	for (size_t i = 0; i < ARRAY_LENGTH(variants); i++) {
		assert_ok(session_open(&variants[i], &sessions[i]));
		for (size_t k = 0; k < i; k++)
			assert_false(hash256_equal(&sessions[i].id, &sessions[k].id));
	}
	variants[0].self = 2;
	assert_ok(session_open(&variants[0], &at_other));
	assert_true(hash256_equal(&sessions[0].id, &at_other.id));
}

static void
parts_are_told_apart_by_their_lengths(void **) {
	struct party_set set = parties_up_to(2);
	struct session_terms terms = plain_terms(&set);
	struct protocol_session session;
	assert_ok(session_open(&terms, &session));
	struct hash256 hashes[] = {
		SESSION_HASH(&session, "l", BYTES_OF_LITERAL("ab"), BYTES_OF_LITERAL("c")),
		SESSION_HASH(&session, "l", BYTES_OF_LITERAL("a"), BYTES_OF_LITERAL("bc")),
		SESSION_HASH(&session, "l", BYTES_OF_LITERAL("abc")),
		SESSION_HASH(&session, "l", BYTES_OF_LITERAL("abc"), BYTES_OF_LITERAL("")),
		SESSION_HASH(&session, "la", BYTES_OF_LITERAL("b"), BYTES_OF_LITERAL("c")),
	};
	for (size_t i = 0; i < ARRAY_LENGTH(hashes); i++)
		for (size_t k = 0; k < i; k++)
			assert_false(hash256_equal(&hashes[i], &hashes[k]));
}

static void
terms_that_do_not_fit_are_refused_by_name(void **) {
	struct party_set set = parties_up_to(3), bad = set;
	struct session_terms terms = plain_terms(&set);
	struct protocol_session session;
	terms.threshold = 0;
	assert_fails(STATUS_INVALID, "session.threshold", session_open(&terms, &session));
	terms = plain_terms(&set);
	terms.self = 4;
	assert_fails(STATUS_INVALID, "session.self", session_open(&terms, &session));
	terms = plain_terms(&set);
	terms.instance.len = 0;
	assert_fails(STATUS_INVALID, "session.instance", session_open(&terms, &session));
	terms = plain_terms(&bad);
	bad.parties[1].index = 1;
	assert_fails(STATUS_INVALID, "session.party_index", session_open(&terms, &session));
	bad = set;
	bad.parties[0].index = 0;
	assert_fails(STATUS_INVALID, "session.party_index", session_open(&terms, &session));
	bad = set;
	bad.parties[2] = (struct party){.index = 3};
	memcpy(bad.parties[2].identity, bad.parties[0].identity, PARTY_IDENTITY_SIZE);
	assert_fails(STATUS_INVALID, "session.party_identity", session_open(&terms, &session));
	bad = (struct party_set){};
	assert_fails(STATUS_INVALID, "session.parties", session_open(&terms, &session));
	bad.count = PARTIES_MAX + 1;
	assert_fails(STATUS_INVALID, "session.parties", session_open(&terms, &session));
}

static void
sets_are_joined_and_chosen_from(void **) {
	struct party_set set = parties_up_to(5), left, right, both;
	assert_ok(party_set_choose(&set, (const uint8_t[]){5, 1, 3}, 3, &left));
	assert_int_equal(left.parties[0].index, 1);
	assert_int_equal(left.parties[2].index, 5);
	assert_ok(party_set_choose(&set, (const uint8_t[]){3, 2}, 2, &right));
	assert_ok(party_set_union(&left, &right, &both));
	assert_int_equal(both.count, 4);
	assert_fails(STATUS_INVALID, "session.party_unknown", party_set_choose(&set, (const uint8_t[]){6}, 1, &left));
	assert_fails(STATUS_INVALID, "session.party_index", party_set_choose(&set, (const uint8_t[]){2, 2}, 2, &left));
	right.parties[1].identity[3] ^= 1;
	assert_fails(STATUS_INVALID, "session.party_identity", party_set_union(&set, &right, &both));
	struct party_set most = parties_up_to(PARTIES_MAX), one = {.count = 1, .parties = {{.index = 99}}};
	assert_fails(STATUS_INVALID, "session.parties", party_set_union(&most, &one, &both));
}

RUN_TESTS(T(whatever_differs_gives_another_session), T(parts_are_told_apart_by_their_lengths),
	  T(terms_that_do_not_fit_are_refused_by_name), T(sets_are_joined_and_chosen_from))
