/*
 * Checks of the protocols by which keepers sign and prepare with a key of ECDSA that they share: what is told when one fails, what is lost
 * with it, and what stands of it in the log. The keepers are those of tests/team.h.
 */
#include "tests/test.h"
#include "tests/team_limits.h"
#include "tests/team_log.h"
#include "tests/team_outward.h"

#include "keeper/threshold_internal.h"

/* --- Signing. --- */

static void
a_failed_check_is_told_to_nobody_and_ends_the_pair_for_good(void **) {
	/* What u and w give is no signature: whose was wrong nobody knows. */
	static const struct {
		size_t at;
		const char *named;
	} fields[] = {
		{128, "\"names\":{\"check\":\"ecdsa.signature: what the signers gave is no "
		      "signature\",\"message\":\"online.sign\",\"protocol\""},
		{96, "\"names\":{\"check\":\"ecdsa.signature: what the signers gave is no "
		     "signature\",\"message\":\"online.sign\",\"protocol\""},
		{64, "\"field\":\"online.nonce_point\",\"message\":\"online.sign\",\"party\":2,"},
		{31, "\"field\":\"online.presignature\",\"message\":\"online.sign\",\"party\":2,"},
	};
	_cleanup_(arena_free) struct arena arena = {};
	for (size_t i = 0; i < ARRAY_LENGTH(fields); i++) {
		_cleanup_(team_free) struct team team;
		struct corruption corruption = {.from = 1, .to = 0, .at = fields[i].at, .type = ONLINE_SIGN};
		struct ipc_response response;
		team_found(&team, 3, 5);
		team_make_key(&team, "vault", "2-of-3");
		team.on_message = team_corrupt;
		team.context = &corruption;
		team_submit(&team, 0, transfer(&arena, 10, 0), &arena, &response);
		assert_true(corruption.is_done);
		/* A share had left: the other may have the signature, and what was reserved stays. */
		assert_answer(202, "unknown", &response);
		assert_outward(&response, fields[i].named);
		assert_true(log_says(&team, 0, ENTRY_CHECK, fields[i].named));
		assert_true(log_says(&team, 0, ENTRY_CHECK,
				     "\"check\":\"joint.ended: the session was ended by a party\","
				     "\"legal_entity\":\"northwind-trading\",\"names\""));
		assert_int_equal(TRANSFER_CENTS, spent(&team, 0));
		/* The pair is gone, and a restart does not bring it back. */
		team_stop(&team, 0);
		team_start(&team, 0);
		team_settle(&team);
		const struct shared_key *key = shared_keys_find(state_of(&team, 0), BYTES_OF_LITERAL("vault"));
		assert_false(ecdsa_share_pair(key->share, 2)->ready);
		assert_true(ecdsa_share_pair(key->share, 3)->ready);
		/* With the third it signs. */
		struct firm_operation asked = transfer(&arena, 10, 1);
		team_submit(&team, 0, asked, &arena, &response);
		assert_signed(&team, 0, &arena, &asked, &response);
	}
}

/* The signature is there, and a check fails at one of its signers: it is shown the signature, and what it gave its share for counts
 * with it, once, as with the others. */
static void
a_signer_whose_check_fails_gets_the_signature_and_counts_it(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct corruption corruption = {.from = 0, .to = 1, .at = 128, .type = ONLINE_SIGN};
	struct ipc_response response;
	team_found(&team, 3, 25);
	team_make_key(&team, "vault", "2-of-3");
	team.on_message = team_corrupt;
	team.context = &corruption;
	struct firm_operation asked = transfer(&arena, 10, 0);
	team_submit(&team, 0, asked, &arena, &response);
	assert_true(corruption.is_done);
	assert_signed(&team, 0, &arena, &asked, &response);
	struct hash256 id = id_of(&response);
	for (size_t restarts = 0; restarts < 2; restarts++) {
		assert_int_equal(OPERATION_DONE, team_state(&team, 1, &id));
		for (size_t i = 0; i < 3; i++) {
			assert_int_equal(TRANSFER_CENTS, spent(&team, i));
			assert_int_equal(0, heard(&team, i));
		}
		for (size_t i = 0; i < 3; i++) {
			team_stop(&team, i);
			team_start(&team, i);
		}
		team_settle(&team);
	}
}

/* --- Preparing. --- */

struct overheard {
	struct buffer proposal; /* the last by which the first keeper begins something with the second */
	struct hash256 session; /* that came of it */
	bool spoils;            /* and what the second says in its second round */
};

static bool
overhear(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	struct overheard *overheard = team->context;
	if (kind == PEER_PROPOSE && from == 0 && to == 1 && body->data[0] == PROPOSE_PREPARE) {
		buffer_reset(&overheard->proposal);
		buffer_append_bytes(&overheard->proposal, buffer_bytes(body));
	}
	if (kind != PEER_PROTOCOL || from != 1 || to != 0)
		return true;
	if (body->data[6] == 5) /* sign.start */
		memcpy(overheard->session.bytes, body->data + 9, sizeof overheard->session.bytes);
	if (body->data[6] == 6 && overheard->spoils) /* sign.multiply: salt */
		body->data[41 + 32] ^= 1;
	return true;
}

/* The same again is refused; after a restart it is another one. */
static void
no_preparation_has_the_nonce_of_an_earlier_one(void **) {
	_cleanup_(team_free) struct team team;
	struct overheard overheard = {};
	team_found(&team, 2, 23);
	team.on_message = overhear;
	team.context = &overheard;
	team_make_key(&team, "vault", "2-of-2");
	team_settle(&team);
	assert_true(overheard.proposal.len > 0);
	struct team_member *second = &team.members[1];
	for (unsigned restarts = 0; restarts < 2; restarts++) {
		struct threshold *threshold = second->house.keeper->threshold;
		assert_null(threshold->preparing);
		threshold_message(second->house.keeper, &second->peers[0], PEER_PROPOSE,
				  buffer_bytes(&overheard.proposal));
		if (restarts == 0) {
			assert_null(threshold->preparing);
			team_stop(&team, 1);
			team.on_message = nullptr;
			team_start(&team, 1);
			continue;
		}
		assert_non_null(threshold->preparing);
		assert_true(threshold->preparing->machine.has_session_id);
		assert_false(hash256_equal(&overheard.session, &threshold->preparing->machine.session_id));
	}
	buffer_free(&overheard.proposal);
}

/* It takes milliseconds of each signer, in which its log could be written. */
static void
nothing_is_prepared_before_what_was_signed_is_durable(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_found(&team, 2, 26);
	team_make_key(&team, "vault", "2-of-2");
	team_submit(&team, 0, transfer(&arena, 10, 0), &arena, &response);
	team_settle(&team);
	struct hash256 id = id_of(&response);
	struct gate_operation *signed_operation = operations_find(&state_of(&team, 0)->operations, &id);
	struct keeper *keeper = team.members[0].house.keeper;
	pool_forget_key(keeper, BYTES_OF_LITERAL("vault"));
	keeper->threshold->pool_turn_ms = INT64_MAX;
	keeper->threshold->is_pool_due = signed_operation->is_settling = true;
	threshold_turn(keeper);
	assert_null(keeper->threshold->preparing);
	signed_operation->is_settling = false;
	threshold_turn(keeper);
	assert_non_null(keeper->threshold->preparing);
}

/* Also of what was prepared for no operation. */
static void
a_failed_check_stands_in_the_own_log_with_whom_it_names(void **) {
	_cleanup_(team_free) struct team team;
	struct overheard overheard = {.spoils = true};
	team_found(&team, 2, 24);
	team.on_message = overhear;
	team.context = &overheard;
	team_make_key(&team, "vault", "2-of-2");
	team_settle(&team);
	assert_true(log_says(&team, 0, ENTRY_CHECK, "\"check\":\"signing.commitment: "));
	assert_true(log_says(&team, 0, ENTRY_CHECK, "\"message\":\"sign.multiply\",\"party\":2,"));
	assert_true(log_says(&team, 0, ENTRY_CHECK, "\"round\":2,\"shared_key\":\"vault\",\"signers\":[1,2]}"));
	assert_int_equal(1, shared_keys_pairs_lost(state_of(&team, 0)));
	/* Nor does a restart bring the pair back. */
	team_stop(&team, 0);
	team_start(&team, 0);
	assert_int_equal(1, shared_keys_pairs_lost(state_of(&team, 0)));
	buffer_free(&overheard.proposal);
}

/* A preparation is of as many as sign, of the epoch in force, and begun by the first of them; to the second of three. */
static void
what_is_no_preparation_of_this_key_is_not_begun(void **) {
	static const struct proposal proposals[] = {
		{.epoch = 1, .signer_count = 3, .signers = {1, 2, 3}},
		{.epoch = 1, .signer_count = 1, .signers = {1}},
		{.epoch = 1, .signer_count = 2, .signers = {1, 3}},
		{.epoch = 1, .signer_count = 2, .signers = {2, 3}},
		{.epoch = 2, .signer_count = 2, .signers = {1, 2}},
		{.epoch = 0, .signer_count = 2, .signers = {1, 2}},
		{.epoch = 1, .signer_count = 2, .signers = {1, 2}}, /* this one is */
	};
	_cleanup_(team_free) struct team team;
	team_found(&team, 3, 27);
	team_make_key(&team, "vault", "2-of-3");
	team_settle(&team);
	struct team_member *second = &team.members[1];
	struct threshold *threshold = second->house.keeper->threshold;
	for (size_t i = 0; i < ARRAY_LENGTH(proposals); i++) {
		_cleanup_(buffer_free) struct buffer body = {};
		struct proposal proposal = proposals[i];
		proposal.kind = PROPOSE_PREPARE;
		proposal.key_id = BYTES_OF_LITERAL("vault");
		proposal.counter = threshold->heard[1] + 1;
		proposal_write(&body, &proposal);
		assert_null(threshold->preparing);
		threshold_message(second->house.keeper, &second->peers[0], PEER_PROPOSE, buffer_bytes(&body));
		assert_int_equal(i + 1 == ARRAY_LENGTH(proposals), threshold->preparing != nullptr);
	}
}

/* Whoever was asked proposes one signer more than it takes. */
static bool
propose_all(struct team *, size_t, size_t, enum peer_kind kind, struct buffer *body) {
	struct proposal proposal;
	if (kind != PEER_PROPOSE || body->data[0] != PROPOSE_SIGN)
		return true;
	assert_ok(proposal_read(buffer_bytes(body), &proposal));
	proposal.signer_count = 3;
	for (uint8_t i = 0; i < 3; i++)
		proposal.signers[i] = i + 1;
	buffer_reset(body);
	proposal_write(body, &proposal);
	return true;
}

static void
as_many_sign_as_it_takes_and_no_more(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_found(&team, 3, 28);
	team_make_key(&team, "vault", "2-of-3");
	team.on_message = propose_all;
	team_submit(&team, 0, transfer(&arena, 10, 0), &arena, &response);
	assert_answer(202, "unknown", &response); /* the asker's share had left */
	assert_true(log_says(&team, 0, ENTRY_CHECK, "\"check\":\"joint.signers: "));
}

/* --- Of several signers. --- */

constexpr size_t LIAR = 3;

/* What the last of four says once to each of the others while signatures are prepared. */
struct prepared_lie {
	uint8_t type;
	size_t at; /* in the frame */
	bool is_named, is_told;
};

static bool
lie_once_to_each(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	struct prepared_lie *lie = (struct prepared_lie *)team->context + to;
	if (kind != PEER_PROTOCOL || from != LIAR || body->data[6] != lie->type || lie->is_told)
		return true;
	body->data[lie->at] ^= 1;
	lie->is_told = true;
	return true;
}

static bool
is_ready(struct team *team, size_t at, size_t with) {
	return shared_key_is_ready_with(vault_at(team, at), (uint8_t)(with + 1));
}

/* Aborts are heard by all; nothing was asked for. */
static void
a_lie_to_each_while_preparing_costs_the_liar_alone(void **) {
	struct prepared_lie lies[] = {
		{6, MESSAGE_HEADER_SIZE, false, false},                 /* sign.echo */
		{6, MESSAGE_HEADER_SIZE + 32, true, false},             /* sign.salt */
		{5, MESSAGE_HEADER_SIZE + 32 + 2560 + 16, true, false}, /* sign.column_hash */
	};
	_cleanup_(team_free) struct team team;
	team_found(&team, 4, 26);
	team.on_message = lie_once_to_each;
	team.context = lies;
	team_make_key(&team, "vault", "3-of-4");
	for (size_t i = 0; i < 3; i++) {
		team_settle(&team);
		team_pass_ms(&team, 61'000); /* longer than any pause after a failure */
	}
	for (size_t i = 0; i < LIAR; i++) {
		assert_true(lies[i].is_told);
		assert_int_equal(!lies[i].is_named, is_ready(&team, i, LIAR));
		for (size_t other = 0; other < LIAR; other++)
			assert_int_equal(other != i, is_ready(&team, i, other));
		team_cut(&team, i, LIAR);
	}
	team_settle(&team);
	for (size_t i = 0; i < LIAR; i++)
		assert_true(sign_at(&team, i, i));
}

/* What gives no signature costs who sees it all its pairs with the signers, at both ends, and the others choose by it: also after a restart. */
static void
a_pair_is_there_at_both_ends_or_at_neither_and_all_know(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct corruption corruption = {.from = 2, .to = 0, .at = 128, .type = ONLINE_SIGN};
	struct ipc_response response;
	team_found(&team, 4, 29);
	team_make_key(&team, "vault", "3-of-4");
	team.on_message = team_corrupt;
	team.context = &corruption;
	team_submit(&team, 0, transfer(&arena, 10, 0), &arena, &response); /* signed by the first three */
	team_settle(&team);
	assert_true(corruption.is_done);
	team.on_message = nullptr;
	for (size_t restarts = 0; restarts < 2; restarts++) {
		for (size_t i = 0; i < 4; i++)
			for (size_t j = 0; j < 4; j++) {
				bool is_lost = (i == 0 && (j == 1 || j == 2)) || (j == 0 && (i == 1 || i == 2));
				if (i != j)
					assert_int_equal(!is_lost, is_ready(&team, i, j));
			}
		for (size_t i = 1; i < 4; i += 2) {
			team_stop(&team, i);
			team_start(&team, i);
		}
		team_settle(&team);
	}
	/* It is gone for good, also where nobody is there to say so again. */
	team_stop(&team, 0);
	team_stop(&team, 1);
	team_start(&team, 1);
	assert_false(is_ready(&team, 1, 0));
	team_start(&team, 0);
	team_settle(&team);
	/* The last one knows of no failure but what it was told: with any two but the last three one pair is missing. */
	assert_true(sign_at(&team, 3, 1));
	team_cut(&team, 3, 1);
	assert_false(sign_at(&team, 3, 2));
}

/* It says that it has lost all, and speaks of others' pairs as well: that costs itself what it says of its own. */
static void
who_says_that_pairs_are_lost_costs_itself_alone(void **) {
	_cleanup_(team_free) struct team team;
	team_found(&team, 3, 30);
	team_make_key(&team, "vault", "2-of-3");
	team_settle(&team);
	struct joint_answer pairs = {
		.kind = ANSWER_PAIRS, .key_id = BYTES_OF_LITERAL("vault"), .lost_count = 3, .lost = {1, 2, 3}};
	for (size_t is_of_epoch = 0; is_of_epoch < 2; is_of_epoch++) {
		_cleanup_(buffer_free) struct buffer body = {};
		if (is_of_epoch == 1)
			assert_ok(sharing_hash(&vault_at(&team, 0)->sharing, &pairs.digest));
		joint_answer_write(&body, &pairs);
		for (size_t i = 0; i < 2; i++)
			threshold_message(team.members[i].house.keeper, &team.members[i].peers[2], PEER_ANSWER,
					  buffer_bytes(&body));
		team_settle(&team);
		for (size_t i = 0; i < 2; i++)
			assert_int_equal(is_of_epoch == 0, is_ready(&team, i, 2));
	}
	assert_true(is_ready(&team, 0, 1) && is_ready(&team, 1, 0));
	assert_false(is_ready(&team, 2, 0) || is_ready(&team, 2, 1)); /* it hears what it has done */
	assert_true(sign_at(&team, 0, 0));
}

/* Without anything prepared, or with it. */
static void
sign_with_a_lie(const struct message_field *field, struct corruption corruption, bool is_prepared) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_found(&team, 4, 31);
	team_make_key(&team, "vault", "3-of-4");
	team_settle(&team);
	for (size_t i = 0; !is_prepared && i < 4; i++) {
		struct threshold *threshold = team.members[i].house.keeper->threshold;
		for (size_t party = 0; party <= PARTIES_MAX; party++)
			threshold->pool_paused_ms[party] = INT64_MAX;
		presignature_pool_discard(&threshold->pool);
	}
	team.on_message = team_corrupt;
	team.context = &corruption;
	team_submit(&team, 0, transfer(&arena, 10, 0), &arena, &response); /* signed by the first three */
	assert_outward(&response, field->name);
	team_settle(&team);
	if (!corruption.is_done)
		fail_msg("%s: never told", field->name);
	for (size_t i = 0; i < 4; i++)
		for (size_t j = 0; j < 4; j++)
			if (i != j && is_ready(&team, i, j) != is_ready(&team, j, i))
				fail_msg("%s: of the pair of %zu and %zu one end is there", field->name, i, j);
	/* Where it is named, the honest ones have all pairs with each other: which it is, threshold_corruption_test says. */
	bool is_unnamed = strstr("sign.psi sign.w sign.u online.w online.u", field->name) != nullptr;
	assert_int_equal(!is_unnamed, is_ready(&team, 0, 1));
	assert_true(is_ready(&team, 0, 3) && is_ready(&team, 1, 3));
}

/* Every field of every round, in what one of three signers says to another. In soak all of them. */
static void
whatever_is_told_both_ends_of_a_pair_agree(void **) {
	size_t number = 0, told = 0;
	for (size_t round = 0; round <= SIGNING_ROUNDS; round++) {
		bool is_prepared = round == SIGNING_ROUNDS;
		const struct message_kind *kind = is_prepared ? &ONLINE_MESSAGES[0] : &SIGNING_MESSAGES[round];
		size_t at = 0;
		for (size_t i = 0; i < kind->field_count; i++) {
			at += kind->fields[i].unit;
			if (!team_is_soak() && number++ % 5 != 1)
				continue;
			sign_with_a_lie(&kind->fields[i],
					(struct corruption){.from = 2, .to = 0, .at = at - 1, .type = kind->type},
					is_prepared);
			told++;
		}
	}
	print_message("# %zu lies\n", told);
}

RUN_TESTS(T(a_failed_check_is_told_to_nobody_and_ends_the_pair_for_good),
	  T(a_signer_whose_check_fails_gets_the_signature_and_counts_it),
	  T(no_preparation_has_the_nonce_of_an_earlier_one), T(nothing_is_prepared_before_what_was_signed_is_durable),
	  T(a_failed_check_stands_in_the_own_log_with_whom_it_names),
	  T(what_is_no_preparation_of_this_key_is_not_begun), T(as_many_sign_as_it_takes_and_no_more),
	  T(a_lie_to_each_while_preparing_costs_the_liar_alone),
	  T(a_pair_is_there_at_both_ends_or_at_neither_and_all_know),
	  T(who_says_that_pairs_are_lost_costs_itself_alone), T(whatever_is_told_both_ends_of_a_pair_agree))
