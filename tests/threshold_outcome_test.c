/*
 * What keepers say became of a transfer that they sign together, where a relay loses what they say, or one of them lies: never that it
 * failed where another has the signature; who has it shows it, and who gets it believes nobody. The keepers are those of tests/team.h.
 */
#include "tests/test.h"
#include "tests/team_log.h"
#include "tests/team_relay.h"

#include "keys/threshold/ecdsa/signing.h"

static const char UNKNOWN[] = "submit nothing in its place";

/* One of two frames is lost: one has the signature, and the other gets it while the requester waits. */
static void
who_has_the_signature_tells_who_lacks_it(void **) {
	for (size_t to = 0; to < 2; to++) {
		_cleanup_(team_free) struct team team;
		_cleanup_(arena_free) struct arena arena = {};
		struct relay relay = {.from = 1 - to, .to = to};
		struct ipc_response response;
		found_with_relay(&team, &relay, 900);
		struct firm_operation asked = transfer(&arena, 10, 0);
		team_submit(&team, 0, asked, &arena, &response);
		assert_true(relay.has_lost);
		assert_signed(&team, 0, &arena, &asked, &response);
		struct hash256 id = id_of(&response);
		team_settle(&team);
		assert_all(&team, &id, OPERATION_DONE);
	}
}

/* Nothing of what it says arrives any more: it is not failed where it is not known, and comes out when the two meet again, or anybody who has it. */
static void
what_may_be_signed_is_not_failed(void **) {
	for (size_t to = 0; to < 2; to++) {
		_cleanup_(team_free) struct team team;
		_cleanup_(arena_free) struct arena arena = {};
		struct relay relay = {.from = 1 - to, .to = to, .loses_all = true};
		struct ipc_response response;
		found_with_relay(&team, &relay, 910);
		team_cut(&team, 0, 2);
		team_cut(&team, 1, 2);
		struct firm_operation asked = named_transfer(&arena, "once", 0);
		team_submit(&team, 0, asked, &arena, &response);
		assert_true(relay.has_lost);
		struct hash256 id = id_of(&response);
		if (to == 0) {
			assert_answer(202, "unknown", &response);
			assert_true(says(&response, UNKNOWN));
			assert_int_equal(OPERATION_UNKNOWN, team_state(&team, 0, &id));
			assert_true(log_says(&team, 0, ENTRY_CHECK, "\"check\":\"joint."));
		}
		team_cut(&team, 0, 1);
		team_pass_ms(&team, 60'000);
		team_settle(&team);
		assert_int_equal(to == 0 ? OPERATION_UNKNOWN : OPERATION_DONE, team_state(&team, 0, &id));
		assert_int_equal(to == 0 ? OPERATION_DONE : OPERATION_UNKNOWN, team_state(&team, 1, &id));
		for (size_t i = 0; i < 2; i++)
			assert_int_equal(TRANSFER_CENTS, spent(&team, i));
		/* Whoever has it is started anew; then all meet. */
		team_stop(&team, 1 - to);
		team_start(&team, 1 - to);
		team.on_message = nullptr;
		for (size_t i = 0; i < 3; i++)
			team_connect(&team, i, (i + 1) % 3);
		team_settle(&team);
		assert_int_equal(OPERATION_DONE, team_state(&team, 0, &id));
		assert_int_equal(OPERATION_DONE, team_state(&team, 1, &id));
		team_submit(&team, 0, asked, &arena, &response);
		assert_signed(&team, 0, &arena, &asked, &response);
		team_submit(&team, 1, asked, &arena, &response);
		assert_signed(&team, 1, &arena, &asked, &response);
	}
}

/* Both shares have left, and neither arrived: nobody can know. What is reserved stays, and who did not sign hears that it is so. */
static void
nothing_is_given_back_once_a_share_has_left(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct relay relay = {.loses_both = true};
	struct ipc_response response;
	found_with_relay(&team, &relay, 920);
	team_submit(&team, 0, transfer(&arena, 10, 0), &arena, &response);
	assert_answer(202, "unknown", &response);
	struct hash256 id = id_of(&response);
	team_pass_ms(&team, 60'000);
	team_settle(&team);
	assert_all(&team, &id, OPERATION_UNKNOWN);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(TRANSFER_CENTS, spent(&team, i));
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(1, relay.gives_back[i]); /* said, and not that it gives back */
}

/* Full rounds, since nothing is prepared: one byte of what the second says in one of them is another. */
static bool
spoil_round(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	if (kind == PEER_PROPOSE && body->data[0] == PROPOSE_PREPARE)
		return false;
	return team_corrupt(team, from, to, kind, body);
}

static void
what_fails_before_a_share_has_left_is_failed_and_given_back(void **) {
	for (uint8_t round = 0; round < SIGNING_ROUNDS; round++) {
		_cleanup_(team_free) struct team team;
		_cleanup_(arena_free) struct arena arena = {};
		struct corruption corruption = {.from = 1, .to = 0, .type = SIGNING_MESSAGES[round].type};
		struct ipc_response response;
		bool is_last = round + 1 == SIGNING_ROUNDS;
		team_found(&team, 3, 990);
		team.on_message = spoil_round;
		team.context = &corruption;
		team_make_key(&team, "vault", "2-of-3");
		team_settle(&team);
		team_submit(&team, 0, transfer(&arena, 10, 0), &arena, &response);
		assert_true(corruption.is_done);
		assert_answer(is_last ? 202 : 409, is_last ? "unknown" : "failed", &response);
		assert_int_equal(is_last ? TRANSFER_CENTS : 0, spent(&team, 0));
		struct hash256 id = id_of(&response);
		team_settle(&team);
		/* In the last the other has it all, and shows the signature. */
		if (is_last)
			assert_all(&team, &id, OPERATION_DONE);
		else if (round == 0)
			assert_all(&team, &id, OPERATION_FAILED);
		else /* the share of the second has left then */
			assert_int_equal(OPERATION_UNKNOWN, team_state(&team, 1, &id));
		for (size_t i = 0; round == 0 && i < 3; i++)
			assert_int_equal(0, spent(&team, i));
	}
}

/* Large ones are held for two votes. The third has missed it, or does not trust its clock: the others do not need it. */
static void
who_has_not_decided_it_stops_nobody(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct relay relay = {};
	struct ipc_response response;
	found_with_relay(&team, &relay, 987);
	team.on_message = nullptr;
	team_cut(&team, 0, 2);
	team_cut(&team, 1, 2);
	struct firm_operation asked = transfer(&arena, 1000, 0);
	team_submit(&team, 0, asked, &arena, &response);
	assert_answer(202, "held", &response);
	struct bytes operation = response.operation;
	for (size_t i = 0; i < 2; i++)
		team_connect(&team, i, 2);
	team_settle(&team);
	for (enum firm_member by = FIRM_PERSON_2; response.status == 202 && by <= FIRM_PERSON_5; by++)
		team_vote(&team, 0, operation, by, &arena, &response);
	assert_signed(&team, 0, &arena, &asked, &response);
	simulated_disk_step_realtime(team.members[2].disk, 3600 * INT64_C(1'000'000'000));
	asked = transfer(&arena, 10, 1);
	team_submit(&team, 0, asked, &arena, &response);
	assert_true(team.members[2].house.keeper->clock.in_doubt);
	assert_signed(&team, 0, &arena, &asked, &response);
}

/* So that it denies what needs the key; nobody else hears of it. */
static void
freeze_alone(struct team *team, size_t at) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	for (size_t i = 0; i < team->count; i++)
		if (i != at)
			team_cut(team, i, at);
	team_submit(team, at,
		    (struct firm_operation){
			    .by = FIRM_PERSON_1, .kind = "key.freeze", .resource = "key:vault", .payload = "{}"},
		    &arena, &response);
	assert_answer(200, "done", &response);
}

static void
step_clock(struct team *team, size_t at, int64_t seconds) {
	simulated_disk_step_realtime(team->members[at].disk, seconds * INT64_C(1'000'000'000));
	team_pass_ms(team, 60'000);
	team_settle(team);
}

/* The second does not trust its clock and decides nothing: its word binds nobody. When it does it denies it, which binds it, also where it
 * does not trust its clock once more. With the word of the third, too, it has failed at the first. */
static void
who_had_not_decided_it_is_believed_when_it_has(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct relay relay = {};
	struct ipc_response response;
	struct ipc_request request;
	found_with_relay(&team, &relay, 1040);
	freeze_alone(&team, 2);
	step_clock(&team, 1, 3600);
	house_request(&team.members[0].house, &arena, named_transfer(&arena, "once-more", 0), &request);
	assert_ok(house_ask(&team.members[0].house, &request, &arena, &response));
	assert_answer(202, "unknown", &response);
	struct hash256 id = id_of(&response);
	assert_int_equal(1 + 2, relay.gives_back[1]);
	assert_int_equal(OPERATION_STATES, team_state(&team, 1, &id));
	assert_int_equal(OPERATION_UNKNOWN, team_state(&team, 0, &id));
	step_clock(&team, 1, -3600);
	freeze_alone(&team, 1);
	team_connect(&team, 0, 1);
	assert_ok(house_ask(&team.members[0].house, &request, &arena, &response));
	team_settle(&team);
	assert_int_equal(1 + 1, relay.gives_back[1]);
	assert_int_equal(OPERATION_DENIED, team_state(&team, 1, &id));
	assert_int_equal(OPERATION_UNKNOWN, team_state(&team, 0, &id));
	assert_int_equal(TRANSFER_CENTS, spent(&team, 0));
	step_clock(&team, 1, 3600);
	relay.gives_back[1] = 0;
	assert_ok(house_ask(&team.members[0].house, &request, &arena, &response));
	team_settle(&team);
	assert_true(team.members[1].house.keeper->clock.in_doubt);
	assert_int_equal(1 + 1, relay.gives_back[1]);
	team_connect(&team, 0, 2);
	assert_ok(house_ask(&team.members[0].house, &request, &arena, &response));
	team_settle(&team);
	assert_int_equal(OPERATION_FAILED, team_state(&team, 0, &id));
	assert_int_equal(0, spent(&team, 0));
}

static void
assert_last_nonce(struct team *team, uint64_t expected) {
	uint64_t nonce;
	assert_true(gate_state_last_nonce(state_of(team, 0), BYTES_OF_LITERAL("vault"), BYTES_OF_LITERAL("eip155:1"),
					  &nonce));
	assert_int_equal(expected, nonce);
}

static void
a_nonce_does_not_go_back_to_what_is_shown_late(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct relay relay = {.from = 1, .to = 0, .loses_all = true};
	struct ipc_response response;
	found_with_relay(&team, &relay, 989);
	team_cut(&team, 0, 2);
	team_cut(&team, 1, 2);
	team_submit(&team, 0, transfer(&arena, 10, 0), &arena, &response);
	assert_answer(202, "unknown", &response);
	struct hash256 id = id_of(&response);
	team_stop(&team, 0);
	team_start(&team, 0);
	team_cut(&team, 0, 1);
	team_connect(&team, 0, 2);
	team_settle(&team);
	struct firm_operation next = transfer(&arena, 10, 1);
	team_submit(&team, 0, next, &arena, &response);
	assert_signed(&team, 0, &arena, &next, &response);
	assert_last_nonce(&team, 1);
	team.on_message = nullptr;
	team_connect(&team, 0, 1);
	team_settle(&team);
	assert_int_equal(OPERATION_DONE, team_state(&team, 0, &id));
	assert_last_nonce(&team, 1);
	assert_ok(ledger_commit_now(keeper_ledger(team.members[0].house.keeper)));
	team_stop(&team, 0);
	team_start(&team, 0);
	assert_last_nonce(&team, 1);
}

/* It has everybody's votes and nobody's company: the others may be given the last one as well, and sign. */
static void
who_is_alone_when_the_last_vote_comes_does_not_say_that_it_failed(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct relay relay = {};
	struct ipc_response response;
	found_with_relay(&team, &relay, 993);
	team.on_message = nullptr;
	struct firm_operation asked = transfer(&arena, 1000, 0);
	team_submit(&team, 0, asked, &arena, &response);
	struct hash256 id = id_of(&response);
	struct bytes operation = arena_copy(&arena, response.operation);
	team_vote(&team, 0, operation, FIRM_PERSON_2, &arena, &response);
	assert_answer(202, "held", &response);
	team_cut(&team, 0, 1);
	team_cut(&team, 0, 2);
	team_vote(&team, 0, operation, FIRM_PERSON_3, &arena, &response);
	assert_answer(202, "unknown", &response);
	assert_true(says(&response, UNKNOWN));
	assert_true(spent(&team, 0) > 0);
	team_vote(&team, 1, operation, FIRM_PERSON_3, &arena, &response);
	assert_signed(&team, 1, &arena, &asked, &response);
	assert_int_equal(OPERATION_UNKNOWN, team_state(&team, 0, &id));
	team_connect(&team, 0, 2);
	team_settle(&team);
	assert_all(&team, &id, OPERATION_DONE);
}

/* The same where it is rejected at the others: then nobody ever signs it. */
static void
what_is_rejected_at_all_others_has_failed(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct relay relay = {};
	struct ipc_response response;
	found_with_relay(&team, &relay, 994);
	team.on_message = nullptr;
	team_submit(&team, 0, transfer(&arena, 1000, 0), &arena, &response);
	struct hash256 id = id_of(&response);
	struct bytes operation = arena_copy(&arena, response.operation);
	team_cut(&team, 0, 1);
	team_cut(&team, 0, 2);
	for (enum firm_member by = FIRM_PERSON_2; by <= FIRM_PERSON_3; by++)
		team_vote(&team, 0, operation, by, &arena, &response);
	assert_answer(202, "unknown", &response);
	team_pass_ms(&team, 20);
	assert_ok(house_vote(&team.members[1].house, &arena, operation, FIRM_PERSON_2, "reject", &response));
	team_settle(&team);
	assert_int_equal(OPERATION_REJECTED, team_state(&team, 2, &id));
	team_connect(&team, 0, 1);
	team_settle(&team);
	assert_int_equal(OPERATION_UNKNOWN, team_state(&team, 0, &id)); /* the third may have signed with somebody */
	team_connect(&team, 0, 2);
	team_settle(&team);
	assert_int_equal(OPERATION_FAILED, team_state(&team, 0, &id));
	assert_int_equal(0, spent(&team, 0));
}

/* A vote on its way from the first to the second. */
static bool
hold_vote(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	struct buffer *held = team->context;
	if (from != 0 || to != 1 || kind != PEER_REQUEST || held->len > 0)
		return true;
	buffer_append_bytes(held, buffer_bytes(body));
	return false;
}

/* Each vote is the last at the other: nobody takes it for its own to propose. */
static void
votes_that_cross_leave_nothing_unknown(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer held = {};
	struct relay relay = {};
	struct ipc_response response;
	found_with_relay(&team, &relay, 991);
	team.on_message = nullptr;
	team_submit(&team, 0, transfer(&arena, 1000, 0), &arena, &response);
	assert_answer(202, "held", &response);
	struct hash256 id = id_of(&response);
	struct bytes operation = arena_copy(&arena, response.operation);
	team.on_message = hold_vote;
	team.context = &held;
	for (size_t i = 0; i < 2; i++) {
		team_vote(&team, i, operation, FIRM_PERSON_2 + (enum firm_member)i, &arena, &response);
		assert_answer(202, "held", &response);
	}
	assert_true(held.len > 0);
	hear(&team, 1, 0, PEER_REQUEST, buffer_bytes(&held));
	assert_all(&team, &id, OPERATION_UNKNOWN);
	team_pass_ms(&team, SIGNING_MS + 1'000);
	team_settle(&team);
	assert_all(&team, &id, OPERATION_FAILED);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(0, spent(&team, i));
}

/* What one asks another about, by the ids; nothing else of what is said arrives. */
struct asking {
	struct hash256 ids[2 * SHOWN_MAX];
	size_t count, questions;
};

static bool
note_questions(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	struct asking *asking = team->context;
	struct hash256 id;
	size_t i = 0;
	if (from != 0 || to != 1 || kind != PEER_PROPOSE || body->data[0] != PROPOSE_SHOW)
		return false;
	memcpy(id.bytes, body->data + 1, sizeof id.bytes);
	asking->questions++;
	while (i < asking->count && !hash256_equal(&asking->ids[i], &id))
		i++;
	if (i == asking->count && i < ARRAY_LENGTH(asking->ids))
		asking->ids[asking->count++] = id;
	return false;
}

/* However many are open: no more at a time than are answered, and each in its turn. */
static void
all_that_is_open_is_asked_about(void **) {
	constexpr size_t OPEN = SHOWN_MAX + 2;
	_cleanup_(team_free) struct team team;
	struct asking asking = {};
	struct relay relay = {};
	found_with_relay(&team, &relay, 992);
	team.on_message = note_questions;
	team.context = &asking;
	for (size_t i = 0; i < OPEN; i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct ipc_response response;
		team_submit(&team, 0, transfer(&arena, 10, i), &arena, &response);
		assert_answer(202, "unknown", &response);
	}
	team_pass_ms(&team, 2 * OPEN_SOON_MS);
	team_settle(&team);
	asking.count = 0;
	for (size_t turn = 0; turn < 2; turn++) {
		asking.questions = 0;
		team_pass_ms(&team, OPEN_TURN_MS);
		team_settle(&team);
		assert_true(asking.questions <= SHOWN_MAX);
	}
	assert_int_equal(OPEN, asking.count);
}

/* --- The disk of who ends it, at the moment at which it says so. --- */

static struct {
	struct threshold_link link;
	struct team *team;
	struct simulated_disk *disk;
} witness;

static enum status
send_abort(void *context, const struct peer *peer, enum peer_kind kind, struct bytes body) {
	if (kind == PEER_PROTOCOL && body.data[6] == MESSAGE_ABORT && witness.disk == nullptr)
		assert_ok(simulated_disk_copy(witness.team->members[0].disk, &witness.disk, 99));
	return witness.link.send(context, peer, kind, body);
}

static void
a_pair_is_lost_before_anybody_hears_that_it_failed(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct corruption corruption = {.from = 1, .to = 0, .at = 128, .type = ONLINE_SIGN};
	struct ipc_response response;
	team_found(&team, 3, 980);
	team_make_key(&team, "vault", "2-of-3");
	team_settle(&team);
	struct threshold_link *link = &team.members[0].house.keeper->threshold->link;
	witness.link = *link;
	witness.team = &team;
	link->send = send_abort;
	team.on_message = team_corrupt;
	team.context = &corruption;
	team_submit(&team, 0, transfer(&arena, 10, 0), &arena, &response);
	assert_true(corruption.is_done);
	assert_non_null(witness.disk);
	team.on_message = nullptr;
	put_back(&team, 0, &witness.disk);
	const struct shared_key *key = vault_at(&team, 0);
	assert_false(ecdsa_share_pair(key->share, 2)->ready);
	assert_true(ecdsa_share_pair(key->share, 3)->ready);
}

/* Of all that is said of it nothing reaches who is not to sign. */
static bool
hide_from_bystander(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	bool is_about_it = kind == PEER_ANSWER && (body->data[0] == ANSWER_REFUSED || body->data[0] == ANSWER_SIGNED ||
						   body->data[0] == ANSWER_SHOWN);
	return lose(team, from, to, kind, body) && !(to == 2 && is_about_it);
}

/* It does not know what came of it, and the words of all others count for it: not that it failed, but that nothing was released. */
static void
who_is_not_to_sign_gives_back_what_was_released_nowhere(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct relay relay = {.loses_both = true};
	struct ipc_response response;
	found_with_relay(&team, &relay, 1010);
	team.on_message = hide_from_bystander;
	team_submit(&team, 0, transfer(&arena, 10, 0), &arena, &response);
	struct hash256 id = id_of(&response);
	team_pass_ms(&team, 60'000);
	team_settle(&team);
	assert_all(&team, &id, OPERATION_UNKNOWN);
	for (size_t gives_back = 0; gives_back < 2; gives_back++) {
		_cleanup_(buffer_free) struct buffer body = {};
		joint_answer_write(&body, &(struct joint_answer){.kind = ANSWER_REFUSED,
								 .operation = id,
								 .gives_back = gives_back == 1,
								 .reason = BYTES_OF_LITERAL("joint.time: too late")});
		struct peer newcomer = team.members[2].peers[1]; /* in the party of a holder, without its share */
		newcomer.identity[0] ^= 1;
		threshold_message(team.members[2].house.keeper, &newcomer, PEER_ANSWER, buffer_bytes(&body));
		assert_int_equal(OPERATION_UNKNOWN, team_state(&team, 2, &id));
		for (size_t from = 0; from < 2; from++) {
			assert_int_equal(OPERATION_UNKNOWN, team_state(&team, 2, &id));
			hear(&team, 2, from, PEER_ANSWER, buffer_bytes(&body));
		}
		hear(&team, 0, 1, PEER_ANSWER, buffer_bytes(&body)); /* a signer believes nobody that nothing was */
		assert_int_equal(OPERATION_UNKNOWN, team_state(&team, 0, &id));
		assert_int_equal(gives_back == 1 ? OPERATION_FAILED : OPERATION_UNKNOWN, team_state(&team, 2, &id));
		assert_int_equal(gives_back == 1 ? 0 : TRANSFER_CENTS, spent(&team, 2));
	}
}

RUN_TESTS(T(who_has_the_signature_tells_who_lacks_it), T(what_may_be_signed_is_not_failed),
	  T(nothing_is_given_back_once_a_share_has_left),
	  T(what_fails_before_a_share_has_left_is_failed_and_given_back), T(who_has_not_decided_it_stops_nobody),
	  T(a_nonce_does_not_go_back_to_what_is_shown_late), T(votes_that_cross_leave_nothing_unknown),
	  T(who_is_alone_when_the_last_vote_comes_does_not_say_that_it_failed),
	  T(what_is_rejected_at_all_others_has_failed), T(all_that_is_open_is_asked_about),
	  T(a_pair_is_lost_before_anybody_hears_that_it_failed),
	  T(who_is_not_to_sign_gives_back_what_was_released_nowhere), T(who_had_not_decided_it_is_believed_when_it_has))
