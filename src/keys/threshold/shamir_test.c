/* Sharing by its algebra, for every threshold and every subset of up to six parties. */
#include "tests/test.h"

#include "keys/threshold/shamir.h"
#include "tests/threshold_parties.h"

static const struct randomness SYSTEM = {};

static struct protocol_session
open_session(uint8_t nonce_byte) {
	struct party_set set = parties_up_to(3);
	uint8_t nonce[32] = {nonce_byte};
	struct protocol_session session;
	assert_ok(session_open(&(struct session_terms){.protocol = "p",
						       .instance = BYTES_OF_LITERAL("i"),
						       .threshold = 2,
						       .self = 1,
						       .parties = &set,
						       .nonce = nonce},
			       &session));
	return session;
}

static void
every_set_of_enough_shares_adds_up_to_the_secret_and_a_smaller_one_does_not(void **) {
	size_t subsets = 0;
	struct party_set all = parties_up_to(6);
	for (uint8_t threshold = 1; threshold <= 6; threshold++) {
		struct scalar secret = scalar_random(&SYSTEM);
		struct polynomial polynomial;
		polynomial_create(&polynomial, &secret, threshold, &SYSTEM);
		for (unsigned chosen = 1; chosen < 64; chosen++) {
			struct party_set subset = {};
			struct scalar sum = {};
			for (uint8_t i = 0; i < 6; i++)
				if (chosen >> i & 1)
					subset.parties[subset.count++] = all.parties[i];
			for (size_t i = 0; i < subset.count; i++) {
				uint8_t index = subset.parties[i].index;
				struct scalar share = polynomial_evaluate(&polynomial, index),
					      coefficient = lagrange_coefficient(&subset, index);
				share = scalar_multiply(&share, &coefficient);
				sum = scalar_add(&sum, &share);
			}
			assert_int_equal(scalar_equal(&sum, &secret), subset.count >= threshold);
			subsets++;
		}
	}
	print_message("%zu subsets\n", subsets);
}

static void
commitments_give_the_public_share_of_every_party(void **) {
	for (uint8_t threshold = 1; threshold <= 4; threshold++) {
		struct scalar secret = scalar_random(&SYSTEM);
		struct polynomial polynomial;
		struct point commitments[PARTIES_MAX];
		polynomial_create(&polynomial, &secret, threshold, &SYSTEM);
		assert_ok(polynomial_commit(&polynomial, commitments));
		for (uint8_t index = 1; index < 6; index++) {
			struct scalar share = polynomial_evaluate(&polynomial, index);
			struct point expected, actual;
			assert_ok(point_of_secret(&share, &expected));
			assert_ok(polynomial_commitment_at(commitments, threshold, index, &actual));
			assert_true(point_equal(&expected, &actual));
		}
	}
}

static void
a_proof_of_knowledge_holds_for_its_prover_statement_and_session_only(void **) {
	struct protocol_session session = open_session(1), other_session = open_session(2);
	struct scalar secret = scalar_random(&SYSTEM);
	struct point statement, other;
	struct knowledge_proof proof;
	assert_ok(point_of_secret(&secret, &statement));
	assert_ok(point_add(&statement, &statement, &other));
	assert_ok(knowledge_prove(&session, 1, &secret, &statement, &SYSTEM, &proof));
	assert_ok(knowledge_verify(&session, 1, &statement, &proof));
	assert_fails(STATUS_UNAUTHORIZED, "knowledge.proof", knowledge_verify(&session, 2, &statement, &proof));
	assert_fails(STATUS_UNAUTHORIZED, "knowledge.proof", knowledge_verify(&session, 1, &other, &proof));
	assert_fails(STATUS_UNAUTHORIZED, "knowledge.proof", knowledge_verify(&other_session, 1, &statement, &proof));
	uint8_t *bytes = (uint8_t *)&proof;
	for (size_t i = 0; i < sizeof proof; i++) {
		bytes[i] ^= 1;
		assert_fails(STATUS_UNAUTHORIZED, "knowledge.proof", knowledge_verify(&session, 1, &statement, &proof));
		bytes[i] ^= 1;
	}
}

RUN_TESTS(T(every_set_of_enough_shares_adds_up_to_the_secret_and_a_smaller_one_does_not),
	  T(commitments_give_the_public_share_of_every_party),
	  T(a_proof_of_knowledge_holds_for_its_prover_statement_and_session_only))
