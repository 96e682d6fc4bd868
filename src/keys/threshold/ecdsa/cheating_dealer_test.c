/*
 * A dealer that lies well: what it sends is consistent, and only the mathematics of the checks can tell. dealing.c is
 * compiled into this test, so that it can change what a party knows between two steps.
 */
#include "tests/test.h"

#include "tests/threshold_keepers.h"
/* In place of the library's copy. */
#include "keys/threshold/ecdsa/dealing.c"

static struct keepers keepers;
static struct dealing *dealings[KEEPERS_MAX + 1];

static void
start_all(const struct dealing_terms *terms, const uint8_t (*parts)[SCALAR_SIZE], struct network *network) {
	*network = (struct network){.protocol = &dealing_protocol};
	for (uint8_t i = 1; i <= 3; i++) {
		struct dealing_terms own = *terms;
		own.self = i;
		own.part = parts == nullptr ? nullptr : parts[i - 1];
		if (terms->kind == DEALING_RESHARE && party_set_has(terms->dealers, i))
			own.old_share = keepers.shares[i];
		assert_ok(dealing_start(&dealings[i], &own));
		network->machines[i] = dealings[i];
	}
}

static void
expect_refusal(struct network *network, const char *name, uint8_t culprit) {
	struct ecdsa_key key;
	network_run_apart(network);
	for (uint8_t i = 1; i <= 3; i += 2) {
		assert_string_equal(network->failure[i], name);
		assert_int_equal(dealing_exchange(dealings[i])->culprit, culprit);
		assert_int_equal(dealing_exchange(dealings[i])->state, EXCHANGE_ABORTED);
		assert_false(dealing_confirmed(dealings[i], &key));
		assert_null(dealing_take_share(dealings[i]));
	}
	for (uint8_t i = 1; i <= 3; i++)
		dealing_destroy(&dealings[i]);
}

/* Deals a number of its own choice, with everything that follows from it made anew. */
static void
deal_another_number(struct dealing *liar) {
	struct polynomial *polynomial = &secrets_of(liar)->polynomial;
	struct point points[PARTIES_MAX];
	struct scalar one = scalar_of(1);
	polynomial->coefficients[0] = scalar_add(&polynomial->coefficients[0], &one);
	assert_ok(polynomial_commit(polynomial, points));
	for (size_t i = 0; i < polynomial->threshold; i++)
		point_write(&points[i], liar->opening.coefficients + i * POINT_SIZE);
	assert_ok(knowledge_prove(&liar->exchange.session, 2, &polynomial->coefficients[0], &points[0],
				  &liar->randomness, &liar->opening.proof));
	assert_ok(write_first_round(liar));
}

static void
an_old_holder_cannot_deal_another_number_than_its_share(void **) {
	struct network network;
	keepers_generate(&keepers, 2, 3, KEY_PURPOSE_TRANSFER);
	struct ecdsa_key old = keepers.key;
	struct party_set dealers = choose_signers(&keepers, (const uint8_t[]){1, 2}, 2);
	struct dealing_terms terms = {.kind = DEALING_RESHARE,
				      .instance = KEEPERS_INSTANCE,
				      .nonce = KEEPERS_NONCE,
				      .key = old,
				      .old_key = &old,
				      .dealers = &dealers};
	terms.key.epoch++;
	start_all(&terms, nullptr, &network);
	deal_another_number(dealings[2]);
	expect_refusal(&network, "dealing.number", 2);
	keepers_end(&keepers);
}

static void
parts_that_are_not_of_the_key_give_no_key(void **) {
	const struct randomness system = {};
	uint8_t private_key[32] = {[31] = 5}, other[32] = {[31] = 6}, parts[3][SCALAR_SIZE];
	struct network network;
	struct dealing_terms terms = generate_terms(2, 3);
	struct scalar number;
	struct point point;
	terms.kind = DEALING_IMPORT;
	assert_ok(scalar_read(other, &number));
	assert_ok(point_of_secret(&number, &point));
	point_write(&point, terms.key.public_key);
	assert_ok(ecdsa_split_private_key(private_key, 3, &system, parts));
	start_all(&terms, parts, &network);
	expect_refusal(&network, "dealing.public_key", 0);
}

static void
a_proof_of_another_number_is_no_proof(void **) {
	struct network network;
	struct dealing_terms terms = generate_terms(2, 3);
	struct scalar other = scalar_of(3);
	struct point point;
	start_all(&terms, nullptr, &network);
	assert_ok(point_of_secret(&other, &point));
	assert_ok(knowledge_prove(&dealings[2]->exchange.session, 2, &other, &point, &dealings[2]->randomness,
				  &dealings[2]->opening.proof));
	assert_ok(write_first_round(dealings[2]));
	expect_refusal(&network, "knowledge.proof", 2);
}

static void
a_copied_commitment_opens_for_its_maker_only(void **) {
	/* Party 2 repeats what party 1 has committed to and opens: the index and the proof's prover are in both hashes. */
	struct network network;
	struct dealing_terms terms = generate_terms(2, 3);
	start_all(&terms, nullptr, &network);
	dealings[2]->opening = dealings[1]->opening;
	secrets_of(dealings[2])->polynomial = secrets_of(dealings[1])->polynomial;
	assert_ok(write_first_round(dealings[2]));
	expect_refusal(&network, "knowledge.proof", 2);
}

/* The liar's shares fit its commitments for party 1 and not for party 3. */
static void
wrong_share_for_three(void *, uint8_t from, uint8_t to, struct buffer *frame) {
	if (from == 2 && to == 3 && frame->data[6] == DEALING_MESSAGES[1].type)
		frame->data[MESSAGE_HEADER_SIZE + 64 + 2 * POINT_SIZE + sizeof(struct knowledge_proof) + 32 + 31] ^= 1;
}

static void
who_gets_a_wrong_share_ends_it_for_all(void **) {
	struct network network;
	struct dealing_terms terms = generate_terms(2, 3);
	struct ecdsa_key key;
	start_all(&terms, nullptr, &network);
	network.on_frame = wrong_share_for_three;
	network_run(&network);
	assert_string_equal(network.failure[3], "dealing.share");
	assert_int_equal(dealing_exchange(dealings[3])->culprit, 2);
	for (uint8_t i = 1; i <= 3; i++) {
		assert_int_equal(dealing_exchange(dealings[i])->state, EXCHANGE_ABORTED);
		assert_false(dealing_confirmed(dealings[i], &key));
		dealing_destroy(&dealings[i]);
	}
}

/* --- What is known, and when it is handed over. --- */

static bool
is_wiped(const struct dealing *dealing) {
	for (size_t i = 0; i < dealing->memory.len; i++)
		if (dealing->memory.data[i] != 0)
			return false;
	return dealing->share == nullptr;
}

static size_t spoiled_round;

static void
spoil(void *, uint8_t from, uint8_t to, struct buffer *frame) {
	if (from == 2 && to == 1 && frame->data[6] == DEALING_MESSAGES[spoiled_round].type)
		frame->data[frame->len - 1] ^= 1;
}

/* Whether a check here ends it or another's abort, in whatever round. */
static void
what_a_dealer_knew_is_wiped_when_it_has_ended(void **) {
	struct dealing_terms terms = generate_terms(2, 3);
	for (spoiled_round = 0; spoiled_round < DEALING_ROUNDS; spoiled_round++) {
		struct network network;
		start_all(&terms, nullptr, &network);
		for (uint8_t i = 1; i <= 3; i++)
			assert_false(is_wiped(dealings[i]));
		network.on_frame = spoil;
		network_run(&network);
		assert_int_equal(EXCHANGE_ABORTED, dealing_exchange(dealings[1])->state);
		for (uint8_t i = 1; i <= 3; i++) {
			if (dealing_exchange(dealings[i])->state == EXCHANGE_ABORTED)
				assert_true(is_wiped(dealings[i]));
			dealing_destroy(&dealings[i]);
		}
	}
}

/* It is there from the second round on, and nobody's before all have said that they have theirs. */
static void
a_share_is_handed_over_when_all_have_confirmed_and_not_before(void **) {
	struct network network;
	struct held_frames held = {};
	struct dealing_terms terms = generate_terms(2, 3);
	struct ecdsa_key key;
	start_all(&terms, nullptr, &network);
	network_run_holding(&network, DEALING_MESSAGES[2].type, &held);
	for (uint8_t i = 1; i <= 3; i++) {
		assert_non_null(dealings[i]->share);
		assert_false(dealing_confirmed(dealings[i], &key));
		assert_null(dealing_take_share(dealings[i]));
	}
	network_hand_on(&network, &held);
	network_expect_ok(&network);
	for (uint8_t i = 1; i <= 3; i++) {
		struct ecdsa_share *share = dealing_take_share(dealings[i]);
		assert_non_null(share);
		assert_null(dealing_take_share(dealings[i]));
		ecdsa_share_destroy(&share);
		dealing_destroy(&dealings[i]);
	}
}

RUN_TESTS(T(an_old_holder_cannot_deal_another_number_than_its_share), T(parts_that_are_not_of_the_key_give_no_key),
	  T(a_proof_of_another_number_is_no_proof), T(a_copied_commitment_opens_for_its_maker_only),
	  T(who_gets_a_wrong_share_ends_it_for_all), T(what_a_dealer_knew_is_wiped_when_it_has_ended),
	  T(a_share_is_handed_over_when_all_have_confirmed_and_not_before))
