/*
 * A peer that lies well: what it sends is consistent, and only the mathematics of the checks can tell. The machines'
 * own files are compiled into this test, so that it can change what a party knows between two steps.
 */
#include "tests/test.h"

#include "tests/threshold_keepers.h"
/* In place of the library's copies. */
#include "keys/threshold/ecdsa/signing.c"

static const uint8_t NONCE[32] = {1};
static struct keepers keepers;

static void
fresh_key(void) {
	keepers_end(&keepers);
	keepers = (struct keepers){};
	keepers_generate(&keepers, 2, 3, KEY_PURPOSE_TRANSFER);
}

static struct signing *
started(struct signing *const *signings, size_t index) {
	if (signings[index] == nullptr)
		fail_msg("party %zu does not sign", index);
	return signings[index];
}

/* Three sign; party 2's machine is changed by lie() before it answers the first round. The first failure of party 1 and
 * whom it names are the answer. Who is named loses its pairs with those that found it out; where nobody is, before anybody has given its part,
 * no pair is lost, and the honest ones keep theirs with each other in any case. */
static void
expect_refusal(void (*lie)(struct signing *signing), const char *name, uint8_t culprit) {
	struct signing *signings[KEEPERS_MAX + 1] = {};
	struct network network = {};
	struct ecdsa_request request = plain_request("pay");
	struct ecdsa_signature signature;
	fresh_key();
	keepers_start_signing(&keepers, &keepers.key.holders, &request, NONCE, signings, &network);
	lie(started(signings, 2));
	network_run_apart(&network);
	for (uint8_t i = 1; i <= 3; i += 2) {
		assert_string_equal(network.failure[i], name);
		assert_int_equal(signing_exchange(started(signings, i))->culprit, culprit);
		assert_int_equal(signing_exchange(started(signings, i))->state, EXCHANGE_ABORTED);
		assert_false(signing_result(started(signings, i), &signature));
		assert_int_equal(ecdsa_share_pair(keepers.shares[i], 2)->ready, culprit == 0);
		assert_true(ecdsa_share_pair(keepers.shares[i], 4 - i)->ready);
	}
	end_signings(signings);
}

static void
add_one(struct scalar *number) {
	struct scalar one = scalar_of(1);
	*number = scalar_add(number, &one);
}

/* After the commitment, which is to the right one. */
static void
multiply_by_another_nonce(struct signing *signing) {
	add_one(&secrets_of(signing)->nonce);
}

static void
multiply_by_another_key(struct signing *signing) {
	add_one(&secrets_of(signing)->key);
}

static void
what_is_multiplied_is_what_was_committed_to(void **) {
	expect_refusal(multiply_by_another_nonce, "signing.input", 2);
	expect_refusal(multiply_by_another_key, "signing.input", 2);
}

/* Another share than the key's, consistently: as if the party dealt with another polynomial. Every frame of the first
 * round is made anew, with a new commitment. */
static void
sign_with_another_share(struct signing *signing) {
	add_one(&secrets_of(signing)->key);
	assert_ok(publish(&secrets_of(signing)->key, signing->key_point));
	assert_ok(write_first_round(signing));
}

static void
shares_that_are_not_of_the_key_are_nobodys_signature(void **) {
	expect_refusal(sign_with_another_share, "signing.key", 0);
}

/* Party 2 has answered the first round, with the ψ of its φ; then it takes another. */
static void
start_with_another_phi(struct signing *signings[static KEEPERS_MAX + 1], struct network *network) {
	struct ecdsa_request request = plain_request("pay");
	fresh_key();
	keepers_start_signing(&keepers, &keepers.key.holders, &request, NONCE, signings, network);
	while (started(signings, 2)->exchange.round < 1)
		for (uint8_t i = 1; i <= 3; i++)
			(void)network_step(network, i);
	add_one(&secrets_of(started(signings, 2))->phi);
}

static void
a_sum_that_is_no_signature_names_nobody(void **) {
	struct signing *signings[KEEPERS_MAX + 1] = {};
	struct network network = {};
	start_with_another_phi(signings, &network);
	network_run_apart(&network);
	for (uint8_t i = 1; i <= 3; i++) {
		assert_string_equal(network.failure[i], "ecdsa.signature");
		assert_int_equal(signing_exchange(started(signings, i))->culprit, 0);
		for (uint8_t peer = 1; peer <= 3; peer++)
			assert_false(ecdsa_share_pair(keepers.shares[i], peer)->ready);
	}
	end_signings(signings);
}

/* The same, where party 2 withholds its last frame from party 3, which hears only that party 1 has ended it. What party 3 has given is out, and party
 * 2 might as well have said nothing to anybody: the pairs that are lost are those of whoever finds no signature (docs/PROTOCOL.threshold §9). */
static void
withhold(void *, uint8_t from, uint8_t to, struct buffer *frame) {
	bool is_last = frame->data[6] == SIGNING_MESSAGES[2].type;
	if (from == 2 && to == 3 && (is_last || frame->data[6] == MESSAGE_ABORT))
		frame->data[0] ^= 1; /* it strays */
}

static void
who_hears_only_that_it_has_ended_loses_no_pair(void **) {
	struct signing *signings[KEEPERS_MAX + 1] = {};
	struct network network = {.on_frame = withhold};
	start_with_another_phi(signings, &network);
	network_run(&network);
	assert_string_equal(network.failure[1], "ecdsa.signature");
	assert_int_equal(EXCHANGE_ABORTED, signing_exchange(started(signings, 3))->state);
	assert_int_equal(1, signing_exchange(started(signings, 3))->ended_by);
	for (uint8_t peer = 2; peer <= 3; peer++)
		assert_false(ecdsa_share_pair(keepers.shares[1], peer)->ready);
	for (uint8_t peer = 1; peer <= 2; peer++)
		assert_true(ecdsa_share_pair(keepers.shares[3], peer)->ready);
	end_signings(signings);
}

/* Two commitments, one for party 1 and one for party 3, each opened to whom it was made for: R would not be one for
 * all. */
static struct hash256 second_commitment;

static void
equivocate(void *context, uint8_t from, uint8_t to, struct buffer *frame) {
	struct signing *liar = context;
	if (from != 2 || to != 3 || frame->data[6] != SIGNING_MESSAGES[0].type)
		return;
	/* A commitment to the same key point and another nonce; the extension towards party 3 is begun anew under it. */
	struct scalar other = secrets_of(liar)->nonce;
	uint8_t nonce_point[POINT_SIZE];
	add_one(&other);
	assert_ok(publish(&other, nonce_point));
	second_commitment = commit_to(liar, 2, BYTES_OF_ARRAY(liar->salt), BYTES_OF_ARRAY(nonce_point),
				      BYTES_OF_ARRAY(liar->key_point));
	struct hash256 first = liar->commitments[1];
	liar->commitments[1] = second_commitment;
	assert_ok(start_extension(liar, 2, &second_commitment));
	liar->commitments[1] = first;
	buffer_reset(frame);
	buffer_append_bytes(frame, buffer_bytes(&liar->exchange.sent[0][2]));
}

static void
two_commitments_of_one_signer_are_found_out_before_anything_depends_on_them(void **) {
	struct signing *signings[KEEPERS_MAX + 1] = {};
	struct network network = {.on_frame = equivocate};
	struct ecdsa_request request = plain_request("pay");
	fresh_key();
	keepers_start_signing(&keepers, &keepers.key.holders, &request, NONCE, signings, &network);
	network.context = started(signings, 2);
	network_run_apart(&network);
	for (uint8_t i = 1; i <= 3; i += 2) {
		assert_string_equal(network.failure[i], "signing.echo");
		assert_int_equal(signing_exchange(started(signings, i))->culprit, 0);
		assert_true(started(signings, i)->exchange.round < 2); /* no w has left */
		for (uint8_t peer = 1; peer <= 3; peer++)
			assert_true(peer == i || ecdsa_share_pair(keepers.shares[i], peer)->ready);
	}
	end_signings(signings);
}

/* --- What hides the shares of the key adds up to nothing. --- */

/* One of each signer, in their order; returns their sum. */
static struct scalar
zero_shares(const struct party_set *signers, const uint8_t nonce[32], struct scalar shares[PARTIES_MAX]) {
	struct signing *signings[KEEPERS_MAX + 1] = {};
	struct network network = {};
	struct ecdsa_request request = plain_request("pay");
	struct scalar sum = {};
	keepers_start_signing(&keepers, signers, &request, nonce, signings, &network);
	for (size_t i = 0; i < signers->count; i++) {
		shares[i] = share_of_zero(started(signings, signers->parties[i].index));
		sum = scalar_add(&sum, &shares[i]);
	}
	end_signings(signings);
	return sum;
}

/* No two are the same, of one session or of two: none of them is nothing, and each is the session's own. */
static void
zero_shares_add_up_to_zero_and_none_is_zero(void **) {
	static const uint8_t other_nonce[32] = {2};
	size_t sets = 0;
	keepers_end(&keepers);
	keepers = (struct keepers){};
	keepers_generate(&keepers, 3, 4, KEY_PURPOSE_TRANSFER);
	for (unsigned subset = 0; subset < 1U << 4; subset++) {
		struct party_set signers = {};
		struct scalar shares[2 * PARTIES_MAX], sum;
		for (size_t i = 0; i < 4; i++)
			if (subset >> i & 1)
				signers.parties[signers.count++] = keepers.key.holders.parties[i];
		if (signers.count < 3)
			continue;
		sum = zero_shares(&signers, NONCE, shares);
		assert_true(scalar_is_zero(&sum));
		sum = zero_shares(&signers, other_nonce, shares + signers.count);
		assert_true(scalar_is_zero(&sum));
		for (size_t i = 0; i < 2u * signers.count; i++) {
			assert_false(scalar_is_zero(&shares[i]));
			for (size_t j = 0; j < i; j++)
				assert_false(scalar_equal(&shares[i], &shares[j]));
		}
		sets++;
	}
	assert_int_equal(5, sets);
}

/* --- What is known is wiped. --- */

static bool
is_wiped(const struct signing *signing) {
	for (size_t i = 0; i < signing->memory.len; i++)
		if (signing->memory.data[i] != 0)
			return false;
	return signing->presignature == nullptr;
}

/* One byte of what party 2 says to party 1 in that round. */
struct flip {
	size_t round, at;
	bool is_done;
};

static void
flip_once(void *context, uint8_t from, uint8_t to, struct buffer *frame) {
	struct flip *flip = context;
	if (from != 2 || to != 1 || frame->data[6] != SIGNING_MESSAGES[flip->round].type || flip->is_done)
		return;
	frame->data[MESSAGE_HEADER_SIZE + flip->at] ^= 1;
	flip->is_done = true;
}

/* Whether a check here ends it or another's abort, in whatever round; and when it is done. */
static void
what_a_signer_knew_is_wiped_when_it_has_ended(void **) {
	struct ecdsa_request request = plain_request("pay");
	for (size_t kind = 0; kind < 2; kind++)
		for (size_t round = 0; round <= SIGNING_ROUNDS - kind; round++) {
			struct signing *signings[KEEPERS_MAX + 1] = {};
			struct flip flip = {.round = round};
			bool is_spoiled = round < SIGNING_ROUNDS - kind;
			struct network network = {.on_frame = is_spoiled ? flip_once : nullptr, .context = &flip};
			fresh_key();
			keepers_start_signing(&keepers, &keepers.key.holders, kind == 0 ? &request : nullptr, NONCE,
					      signings, &network);
			for (uint8_t i = 1; i <= 3; i++)
				assert_false(is_wiped(started(signings, i)));
			network_run(&network);
			assert_int_equal(is_spoiled, flip.is_done);
			for (uint8_t i = 1; i <= 3; i++) {
				const struct exchange *exchange = signing_exchange(started(signings, i));
				assert_int_equal(is_spoiled ? EXCHANGE_ABORTED : EXCHANGE_DONE, exchange->state);
				struct presignature *made = signing_take_presignature(started(signings, i));
				assert_int_equal(kind == 1 && !is_spoiled, made != nullptr);
				presignature_destroy(&made);
				assert_true(is_wiped(started(signings, i)));
			}
			end_signings(signings);
		}
}

/* What the last round gave is in the machine until then; another signing has cost the pair meanwhile. */
static void
in_the_last_round_as_well_no_pair_is_used_that_was_forgotten(void **) {
	struct signing *signings[KEEPERS_MAX + 1] = {};
	struct network network = {};
	struct held_frames held = {};
	struct ecdsa_request request = plain_request("pay");
	struct ecdsa_signature signature;
	fresh_key();
	struct party_set two = choose_signers(&keepers, (const uint8_t[]){1, 2}, 2);
	keepers_start_signing(&keepers, &two, &request, NONCE, signings, &network);
	network_run_holding(&network, SIGNING_MESSAGES[2].type, &held);
	assert_int_equal(2, started(signings, 1)->exchange.round);
	pairwise_forget(ecdsa_share_pair(keepers.shares[1], 2));
	network_hand_on(&network, &held);
	assert_string_equal(network.failure[1], "ecdsa.no_setup");
	assert_int_equal(EXCHANGE_ABORTED, signing_exchange(started(signings, 1))->state);
	assert_false(signing_result(started(signings, 1), &signature));
	end_signings(signings);
}

static int
tear_down(void **) {
	keepers_end(&keepers);
	return 0;
}

int
main(void) {
	const struct CMUnitTest tests[] = {
		T(what_is_multiplied_is_what_was_committed_to),
		T(shares_that_are_not_of_the_key_are_nobodys_signature),
		T(a_sum_that_is_no_signature_names_nobody),
		T(who_hears_only_that_it_has_ended_loses_no_pair),
		T(two_commitments_of_one_signer_are_found_out_before_anything_depends_on_them),
		T(zero_shares_add_up_to_zero_and_none_is_zero),
		T(what_a_signer_knew_is_wiped_when_it_has_ended),
		T(in_the_last_round_as_well_no_pair_is_used_that_was_forgotten),
	};
	return cmocka_run_group_tests(tests, nullptr, tear_down);
}
