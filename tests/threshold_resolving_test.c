/*
 * A keeper that died in the middle does not know what became of a transfer, and people say that it happened: what policies see of it then,
 * and that the log alone says the same. The same of a key that was being destroyed, while something is prepared with it. The keepers are
 * those of tests/team.h.
 */
#include "tests/test.h"
#include "tests/team_limits.h"
#include "tests/team_replay.h"

#include "keeper/internal.h"
#include "keeper/threshold_internal.h"
#include "keeper/threshold_message.h"

static bool
lose_second_at_proposal(struct team *team, size_t, size_t to, enum peer_kind kind, struct buffer *body) {
	if (to == 1 && kind == PEER_PROPOSE && body->data[0] == PROPOSE_SIGN)
		team_stop(team, 1);
	return true;
}

static void
assert_last_nonce(struct team *team, size_t at, uint64_t expected) {
	uint64_t nonce;
	assert_true(gate_state_last_nonce(state_of(team, at), BYTES_OF_LITERAL("vault"), BYTES_OF_LITERAL("eip155:1"),
					  &nonce));
	assert_int_equal(expected, nonce);
}

/* Three keepers, of which the second does not know what became of the transfer with nonce 7: it died in it. */
static struct hash256
found_with_lost_transfer(struct team *team, struct arena *arena, struct ipc_response *response) {
	team_found(team, 3, 14);
	team_make_key(team, "vault", "2-of-3");
	team_cut(team, 0, 2);
	team->on_message = lose_second_at_proposal;
	team_submit(team, 0, transfer(arena, 10, 7), arena, response);
	team->on_message = nullptr;
	assert_answer(202, "unknown", response); /* the share of who was asked had left */
	struct hash256 id = id_of(response);
	team_start(team, 1);
	team_settle(team);
	assert_int_equal(OPERATION_UNKNOWN, team_state(team, 1, &id));
	return id;
}

static void
resolve(struct team *team, struct arena *arena, const struct hash256 *id, struct ipc_response *response) {
	char hex[2 * sizeof id->bytes + 1];
	hex_encode(hash256_bytes(id), hex);
	struct firm_operation resolve = {.by = FIRM_PERSON_4,
					 .kind = "intent.resolve",
					 .payload = "{\"happened\":true}",
					 .resource = arena_format(arena, "operation:%s", hex)};
	team_do(team, 1, resolve, arena, response);
}

static void
say_it_happened(struct team *team, struct arena *arena, const struct hash256 *id) {
	struct ipc_response response;
	resolve(team, arena, id, &response);
	assert_answer(200, "done", &response);
	assert_int_equal(OPERATION_DONE, team_state(team, 1, id));
}

/* What was signed before they said so has come further. */
static void
a_nonce_does_not_go_back_to_what_people_say_happened(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	struct hash256 id = found_with_lost_transfer(&team, &arena, &response);
	struct firm_operation next = transfer(&arena, 10, 8);
	team_submit(&team, 1, next, &arena, &response);
	assert_signed(&team, 1, &arena, &next, &response);
	assert_last_nonce(&team, 1, 8);
	say_it_happened(&team, &arena, &id);
	assert_last_nonce(&team, 1, 8);
}

/* A keeper that died in it does not know what became of a transfer. People saw it on the chain, and say so: then policies see its nonce, as if
 * the keeper had seen it signed. */
static void
a_transfer_that_people_say_happened_leaves_its_nonce(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	uint64_t nonce, before, after;
	struct hash256 id = found_with_lost_transfer(&team, &arena, &response);
	assert_int_equal(TRANSFER_CENTS, spent(&team, 1));
	assert_false(gate_state_last_nonce(state_of(&team, 1), BYTES_OF_LITERAL("vault"), BYTES_OF_LITERAL("eip155:1"),
					   &nonce));
	say_it_happened(&team, &arena, &id);
	assert_last_nonce(&team, 1, 7);
	before = assert_team_replays(&team, 1).same;
	team_stop(&team, 1);
	team_start(&team, 1);
	team_connect(&team, 0, 2);
	team_settle(&team);
	assert_last_nonce(&team, 1, 7);
	/* The next decision states it, and is the same when the log is read alone. */
	struct firm_operation next = transfer(&arena, 10, 8);
	team_submit(&team, 1, next, &arena, &response);
	assert_signed(&team, 1, &arena, &next, &response);
	assert_last_nonce(&team, 1, 8);
	after = assert_team_replays(&team, 1).same;
	assert_true(after > before);
}

/* --- A key that was being destroyed. --- */

constexpr uint8_t MULTIPLY =
	6; /* of docs/PROTOCOL.threshold §4: the second frame of full rounds, which prepare as well */

static struct buffer held_back; /* from the third keeper to the second */

static bool
hold_back(struct team *, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	if (from != 2 || to != 1 || kind != PEER_PROTOCOL || body->data[6] != MULTIPLY || held_back.len > 0)
		return true;
	buffer_append_bytes(&held_back, buffer_bytes(body));
	return false;
}

/* Three keepers, of which the first has destroyed the key, the second died in it, and the third did not hear of it. */
static struct hash256
found_with_lost_destruction(struct team *team, struct arena *arena) {
	struct ipc_response response;
	team_found(team, 3, 15);
	team_make_key(team, "vault", "2-of-3");
	team_cut(team, 2, 0);
	team_cut(team, 2, 1);
	team_submit(team, 0,
		    (struct firm_operation){
			    .by = FIRM_PERSON_4, .kind = "key.destroy", .resource = "key:vault", .payload = "{}"},
		    arena, &response);
	struct bytes operation = arena_copy(arena, response.operation);
	struct hash256 id = id_of(&response);
	team_vote(team, 0, operation, FIRM_PERSON_3, arena, &response);
	assert_answer(202, "held", &response);
	struct simulated_disk *disk = team->members[1].disk;
	simulated_disk_crash_at(disk, simulated_disk_operations(disk) + 1); /* the sync of its intent */
	team_vote(team, 0, operation, FIRM_PERSON_5, arena, &response);
	assert_answer(200, "done", &response);
	assert_true(simulated_disk_is_crashed(disk));
	team_stop(team, 1);
	simulated_disk_crash_at(disk, UINT64_MAX);
	team_start(team, 1);
	team_cut(team, 0, 1);
	assert_int_equal(OPERATION_UNKNOWN, team_state(team, 1, &id));
	return id;
}

/* The frame comes when its share is gone from the key, and would have cost it a pair. */
static void
what_is_prepared_with_a_key_ends_before_its_share_is_gone(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct hash256 id = found_with_lost_destruction(&team, &arena);
	struct keeper *keeper = team.members[1].house.keeper;
	team.on_message = hold_back;
	team_connect(&team, 1, 2);
	team_settle(&team);
	team.on_message = nullptr;
	assert_true(held_back.len > 0);
	assert_int_equal(1, keeper->threshold->preparing_count);
	say_it_happened(&team, &arena, &id);
	assert_null(vault_at(&team, 1)->share);
	assert_null(vault_at(&team, 1)->dropped_share);
	assert_int_equal(0, keeper->threshold->preparing_count);
	held_back.data[MESSAGE_HEADER_SIZE] ^= 1;
	threshold_message(keeper, &team.members[1].peers[2], PEER_PROTOCOL, buffer_bytes(&held_back));
	buffer_free(&held_back);
	/* Nobody prepares with it here any more, whoever asks. */
	team_pass_ms(&team, POOL_TURN_MS);
	team_settle(&team);
	assert_int_equal(0, keeper->threshold->preparing_count);
}

/* Others may have pledged, and count on the share. */
static void
nobody_says_that_a_key_was_destroyed_while_it_is_dealt(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	struct hash256 id = found_with_lost_destruction(&team, &arena);
	team_connect(&team, 1, 2);
	team_settle(&team);
	team.on_message = lose_stored;
	reshare_as(&team, 1, "\"two\",\"three\"", vault_stated(&team, 1, &arena), "2-of-2", &arena, &response);
	team.on_message = nullptr;
	assert_int_equal(202, response.status);
	resolve(&team, &arena, &id, &response);
	assert_answer(409, "failed", &response);
	assert_true(says(&response, "key.being_dealt"));
	assert_int_equal(OPERATION_UNKNOWN, team_state(&team, 1, &id));
	assert_non_null(vault_at(&team, 1)->share);
}

/* Asked of the second keeper as soon as a frame of the first transfer is on its way. */
static bool
ask_another_meanwhile(struct team *team, size_t, size_t, enum peer_kind kind, struct buffer *) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	if (kind != PEER_PROTOCOL)
		return true;
	team->on_message = nullptr;
	struct firm_operation next = transfer(&arena, 10, 8);
	next.idempotency_key = "meanwhile";
	assert_ok(house_submit(&team->members[1].house, &arena, next, &response));
	assert_answer(200, "done", &response);
	return true;
}

/* Three keepers, of which any two sign with the key. */
static void
found_with_vault(struct team *team, uint64_t seed) {
	team_found(team, 3, seed);
	team_make_key(team, "vault", "2-of-3");
	team_settle(team);
}

/* Two transfers of one key at once: what was decided again for one was decided before the other's outcome stood in the log. */
static void
transfers_at_once_replay(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	found_with_vault(&team, 21);
	team.on_message = ask_another_meanwhile;
	team_submit(&team, 0, transfer(&arena, 10, 7), &arena, &response);
	assert_answer(200, "done", &response);
	assert_null(team.on_message);
	for (size_t i = 0; i < 3; i++)
		assert_team_replays(&team, i);
	/* What stands between explains as much as it moved, and no more. */
	static const struct {
		const char *from, *to, *difference;
	} forged[] = {
		{"\"limits.desk\":{\"day\":30189,\"hour\":30189,", "\"limits.desk\":{\"day\":30189,\"hour\":60378,",
		 ""},
		{"\"limits.desk\":{\"day\":30189,\"hour\":30189,", "\"limits.desk\":{\"day\":30189,\"hour\":30188,",
		 "limits.desk.hour is less than what others had counted"},
		{"\"limits.desk\":{\"day\":30189,\"hour\":30189,", "\"limits.desk\":{\"day\":30189,\"hour\":60379,",
		 "limits.desk.hour is at most 60378, recorded 60379"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(forged); i++) {
		const struct forgery forgery = {ENTRY_OUTCOME, forged[i].from, forged[i].to};
		assert_string_equal(forged[i].difference, team_replay(&team, 0, &forgery).difference);
	}
}

/* What was signed is counted, whatever its keeper says later. */
static void
what_was_done_together_is_not_given_back(void **) {
	static const struct forgery forgery = {ENTRY_OUTCOME,
					       "\"nonce\":{\"chain\":", "\"given_back\":true,\"nonce\":{\"chain\":"};
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	found_with_vault(&team, 26);
	team_submit(&team, 0, transfer(&arena, 10, 7), &arena, &response);
	assert_answer(200, "done", &response);
	assert_team_replays(&team, 0);
	assert_string_equal("it is done, and what it spent is given back", team_replay(&team, 0, &forgery).difference);
}

/* At the second keeper, before it decides once more or after: the feed says the price of what is moved anew. */
struct changing {
	enum peer_kind at; /* a message that it hears then */
	const char *price;
};

static bool
change_meanwhile(struct team *team, size_t, size_t to, enum peer_kind kind, struct buffer *) {
	const struct changing *changing = team->context;
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer body = {};
	struct team_member *second = &team->members[1];
	struct ipc_request request;
	if (to != 1 || kind != changing->at || second->house.keeper->threshold->sessions == nullptr)
		return true;
	team->on_message = nullptr;
	house_request(&second->house, &arena,
		      (struct firm_operation){.by = FIRM_PRICES,
					      .kind = "price.set",
					      .resource = "asset:eip155:1/native",
					      .payload = changing->price},
		      &request);
	ipc_write_request(&body, &request);
	threshold_message(second->house.keeper, &second->peers[0], PEER_REQUEST, buffer_bytes(&body));
	keeper_turn(second->house.keeper);
	return true;
}

/* Whatever was changed before or after it: it is held to what there was on one side or the other. */
static void
what_is_decided_again_is_held_to_a_state_that_there_was(void **) {
	static const struct {
		struct changing changing;
		const char *from, *to, *difference;
	} cases[] = {
		{{PEER_ANSWER, "{\"microcents\":290000000000}"}, nullptr, nullptr, ""},
		{{PEER_PROTOCOL, "{\"microcents\":290000000000}"}, nullptr, nullptr, ""},
		{{PEER_ANSWER, "{\"microcents\":290000000000}"},
		 "\"transfer.usd_cents\":29183",
		 "\"transfer.usd_cents\":29184",
		 "transfer.usd_cents is 29183, recorded 29184"},
		{{PEER_PROTOCOL, "{\"microcents\":290000000000}"},
		 "\"transfer.usd_cents\":30189",
		 "\"transfer.usd_cents\":30188",
		 "transfer.usd_cents is 29183, recorded 30188"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(team_free) struct team team;
		_cleanup_(arena_free) struct arena arena = {};
		struct ipc_response response;
		const struct forgery forgery = {ENTRY_OUTCOME, cases[i].from, cases[i].to};
		found_with_vault(&team, 22 + i);
		team.on_message = change_meanwhile;
		team.context = (void *)&cases[i].changing;
		team_submit(&team, 0, transfer(&arena, 10, 7), &arena, &response);
		assert_answer(200, "done", &response);
		assert_null(team.on_message);
		struct replayed replayed = team_replay(&team, 1, cases[i].from == nullptr ? nullptr : &forgery);
		assert_string_equal(cases[i].difference, replayed.difference);
	}
}

RUN_TESTS(T(what_is_decided_again_is_held_to_a_state_that_there_was), T(transfers_at_once_replay),
	  T(what_was_done_together_is_not_given_back), T(a_nonce_does_not_go_back_to_what_people_say_happened),
	  T(a_transfer_that_people_say_happened_leaves_its_nonce),
	  T(what_is_prepared_with_a_key_ends_before_its_share_is_gone),
	  T(nobody_says_that_a_key_was_destroyed_while_it_is_dealt))
