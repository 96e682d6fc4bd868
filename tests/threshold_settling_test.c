/*
 * What ends at the second keeper, its entry given to the log and not yet durable: no word of it that a restart could contradict has left
 * by then (docs/PROTOCOL.threshold §16). The keepers are those of tests/team.h.
 */
#include "tests/test.h"
#include "tests/team_log.h"
#include "tests/team_relay.h"

/* Requests on their way from the first to the second, each as it comes; nothing but the newest is held. */
static bool
hold_request(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	struct buffer *held = team->context;
	if (from != 0 || to != 1 || kind != PEER_REQUEST)
		return true;
	buffer_reset(held);
	buffer_append_bytes(held, buffer_bytes(body));
	return false;
}

/* It hears it, and its disk does nothing. */
static void
hear_alone(struct team *team, enum peer_kind kind, struct bytes body) {
	struct team_member *member = &team->members[1];
	threshold_message(member->house.keeper, &member->peers[0], kind, body);
}

static void
propose(struct team *team, enum proposal_kind kind, const struct hash256 *id) {
	_cleanup_(buffer_free) struct buffer body = {};
	proposal_write(&body, &(struct proposal){.kind = kind, .operation = *id, .round_count = 1});
	hear_alone(team, PEER_PROPOSE, buffer_bytes(&body));
}

/* Answers of a kind from the second that the first has not read yet, about the operation. */
static size_t
told(const struct team *team, enum answer_kind kind, const struct hash256 *id) {
	size_t count = 0;
	for (const struct team_message *message = team->members[0].inbox; message != nullptr; message = message->next)
		count += message->from == 1 && message->kind == PEER_ANSWER && message->body.data[0] == kind &&
			 memcmp(message->body.data + 1, id->bytes, sizeof id->bytes) == 0;
	return count;
}

/* Its power is lost: what it had given to the log is gone. */
static void
lose_power(struct team *team) {
	struct simulated_disk *disk = team->members[1].disk;
	simulated_disk_crash_at(disk, simulated_disk_operations(disk));
	team_stop(team, 1);
	simulated_disk_crash_at(disk, UINT64_MAX);
	simulated_disk_lose_power(disk);
	team_start(team, 1);
	team_settle(team);
}

/* A vote of a person at the first, which the second is to hear when the test lets it. */
static void
vote_at_first(struct team *team, struct bytes operation, enum firm_member by, const char *verdict,
	      struct buffer *held) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team->on_message = hold_request;
	team->context = held;
	buffer_reset(held);
	assert_ok(house_vote(&team->members[0].house, &arena, operation, by, verdict, &response));
	assert_true(held->len > 0);
	team_settle(team);
	team->on_message = nullptr;
}

/* Who asks how a dealing has ended hears that it never will be, when a restart would say so as well. */
static void
never_is_said_when_the_rejection_is_durable(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer held = {};
	struct relay relay = {};
	struct ipc_response response;
	found_with_relay(&team, &relay, 1020);
	team.on_message = nullptr;
	team_submit(&team, 0,
		    (struct firm_operation){.by = FIRM_PERSON_4,
					    .kind = "key.refresh",
					    .resource = "key:vault",
					    .payload = "{}",
					    .reason = "as planned"},
		    &arena, &response);
	assert_answer(202, "held", &response);
	struct hash256 id = id_of(&response);
	vote_at_first(&team, response.operation, FIRM_PERSON_3, "reject", &held);
	assert_int_equal(OPERATION_HELD, team_state(&team, 1, &id));
	for (size_t lost = 0; lost < 2; lost++) {
		hear_alone(&team, PEER_REQUEST, buffer_bytes(&held));
		assert_int_equal(OPERATION_REJECTED, team_state(&team, 1, &id));
		propose(&team, PROPOSE_RESUME, &id);
		propose(&team, PROPOSE_CONTINUE, &id);
		assert_int_equal(0, told(&team, ANSWER_PLEDGED, &id));
		if (lost == 0) {
			lose_power(&team);
			assert_int_equal(OPERATION_HELD, team_state(&team, 1, &id));
		}
	}
	keeper_turn(team.members[1].house.keeper);
	assert_int_equal(2, told(&team, ANSWER_PLEDGED, &id)); /* who asked is not forgotten */
	lose_power(&team);
	assert_int_equal(OPERATION_REJECTED, team_state(&team, 1, &id));
	propose(&team, PROPOSE_RESUME, &id);
	assert_int_equal(1, told(&team, ANSWER_PLEDGED, &id));
}

/* By a bundle that the second has alone, as long as it is not started anew. */
static void
forbid_refreshes(struct team *team) {
	_cleanup_(buffer_free) struct buffer packed = {};
	struct keeper *keeper = team->members[1].house.keeper;
	assert_ok(firm_activation_alone(
		"@id(\"closed\") forbid (principal, action == Action::\"key.refresh\", resource);", &packed));
	struct bytes file = bytes_of(packed.data, packed.len - 1);
	assert_ok(keeper_take_local_bundle(keeper, &file));
	assert_ok(ledger_commit_now(keeper_ledger(keeper)));
	assert_non_null(state_of(team, 1)->local);
}

/* The same of a dealing that is denied when the last vote comes: neither a pledge nor a refusal is said before. */
static void
never_is_said_when_the_denial_is_durable(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer vote = {};
	struct relay relay = {};
	struct ipc_response response;
	found_with_relay(&team, &relay, 1050);
	team.on_message = nullptr;
	team_submit(&team, 0,
		    (struct firm_operation){.by = FIRM_PERSON_4,
					    .kind = "key.refresh",
					    .resource = "key:vault",
					    .payload = "{}",
					    .reason = "as planned"},
		    &arena, &response);
	assert_answer(202, "held", &response);
	struct hash256 id = id_of(&response);
	struct bytes operation = arena_copy(&arena, response.operation);
	team_vote(&team, 0, operation, FIRM_PERSON_3, &arena, &response);
	assert_answer(202, "held", &response);
	team_cut(&team, 0, 2); /* so that nobody deals */
	vote_at_first(&team, operation, FIRM_PERSON_5, "approve", &vote);
	assert_int_equal(OPERATION_HELD, team_state(&team, 1, &id));
	for (size_t lost = 0; lost < 2; lost++) {
		forbid_refreshes(&team);
		hear_alone(&team, PEER_REQUEST, buffer_bytes(&vote));
		assert_int_equal(OPERATION_DENIED, team_state(&team, 1, &id));
		propose(&team, PROPOSE_RESUME, &id);
		propose(&team, PROPOSE_CONTINUE, &id);
		propose(&team, PROPOSE_SHOW, &id);
		hear_alone(&team, PEER_REQUEST, buffer_bytes(&vote));
		assert_int_equal(0, told(&team, ANSWER_PLEDGED, &id));
		assert_int_equal(0, told(&team, ANSWER_REFUSED, &id));
		if (lost == 0) {
			lose_power(&team);
			assert_int_equal(OPERATION_HELD, team_state(&team, 1, &id));
		}
	}
	keeper_turn(team.members[1].house.keeper);
	assert_int_equal(2, told(&team, ANSWER_PLEDGED, &id)); /* who asked is not forgotten */
	assert_int_equal(1, told(&team, ANSWER_REFUSED, &id)); /* by the vote that ended it */
	lose_power(&team);
	assert_int_equal(OPERATION_DENIED, team_state(&team, 1, &id));
	propose(&team, PROPOSE_RESUME, &id);
	assert_int_equal(1, told(&team, ANSWER_PLEDGED, &id));
}

/* The vote that would permit it elsewhere denies it here, where the key is frozen: before that is durable nobody hears that nothing will
 * be released, whatever is asked or comes once more. */
static void
nothing_is_said_to_be_unreleased_before_the_denial_is_durable(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer vote = {}, request = {};
	struct relay relay = {};
	struct ipc_response response;
	found_with_relay(&team, &relay, 1030);
	team.on_message = hold_request;
	team.context = &request;
	team_submit(&team, 0, transfer(&arena, 1000, 0), &arena, &response);
	assert_answer(202, "held", &response);
	struct hash256 id = id_of(&response);
	struct bytes operation = arena_copy(&arena, response.operation);
	hear(&team, 1, 0, PEER_REQUEST, buffer_bytes(&request));
	team.on_message = nullptr;
	team_vote(&team, 0, operation, FIRM_PERSON_2, &arena, &response);
	team_cut(&team, 0, 1);
	team_submit(&team, 1,
		    (struct firm_operation){
			    .by = FIRM_PERSON_1, .kind = "key.freeze", .resource = "key:vault", .payload = "{}"},
		    &arena, &response);
	assert_answer(200, "done", &response);
	team_connect(&team, 0, 1);
	team_cut(&team, 0, 2);
	vote_at_first(&team, operation, FIRM_PERSON_3, "approve", &vote);
	assert_int_equal(OPERATION_HELD, team_state(&team, 1, &id));
	hear_alone(&team, PEER_REQUEST, buffer_bytes(&vote));
	assert_int_equal(OPERATION_DENIED, team_state(&team, 1, &id));
	propose(&team, PROPOSE_SHOW, &id);
	hear_alone(&team, PEER_REQUEST, buffer_bytes(&vote));
	hear_alone(&team, PEER_REQUEST, buffer_bytes(&request));
	assert_int_equal(0, told(&team, ANSWER_REFUSED, &id));
	lose_power(&team);
	assert_int_equal(OPERATION_HELD, team_state(&team, 1, &id));
	hear_alone(&team, PEER_REQUEST, buffer_bytes(&vote));
	hear_alone(&team, PEER_REQUEST, buffer_bytes(&request));
	assert_int_equal(0, told(&team, ANSWER_REFUSED, &id));
	keeper_turn(team.members[1].house.keeper);
	assert_int_equal(2, told(&team, ANSWER_REFUSED, &id)); /* each of the two that came */
	propose(&team, PROPOSE_SHOW, &id);
	assert_int_equal(3, told(&team, ANSWER_REFUSED, &id));
}

RUN_TESTS(T(never_is_said_when_the_rejection_is_durable), T(never_is_said_when_the_denial_is_durable),
	  T(nothing_is_said_to_be_unreleased_before_the_denial_is_durable))
