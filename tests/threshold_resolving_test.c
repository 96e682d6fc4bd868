/*
 * A keeper that died in the middle does not know what became of a transfer, and people say that it happened: what policies see of it then,
 * and that the log alone says the same. The keepers are those of tests/team.h.
 */
#include "tests/test.h"
#include "tests/team_limits.h"

#include "gate/replay.h"
#include "keeper/internal.h"
#include "keeper/threshold_message.h"

static bool
lose_second_at_proposal(struct team *team, size_t, size_t to, enum peer_kind kind, struct buffer *body) {
	if (to == 1 && kind == PEER_PROPOSE && body->data[0] == PROPOSE_SIGN)
		team_stop(team, 1);
	return true;
}

static enum status
replay_entry(void *context, const struct ledger_record *record) {
	enum replay_result result;
	const char *difference;
	return replayer_add(context, record->index, record->leaf, &result, &difference);
}

/* Every decision of its log, from the log alone. */
static void
assert_log_replays(struct team *team, size_t at, uint64_t *same) {
	_cleanup_(replayer_destroy) struct replayer *replayer = nullptr;
	struct keeper *keeper = team->members[at].house.keeper;
	struct ledger_head head;
	assert_ok(replayer_create(&replayer, &keeper->gate->blobs));
	ledger_durable_head(keeper->ledger, &head);
	assert_ok(ledger_visit(keeper->ledger, 0, head.head.size, replay_entry, replayer));
	struct replay_counts counts = replayer_counts(replayer);
	assert_int_equal(0, counts.different);
	*same = counts.same;
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
say_it_happened(struct team *team, struct arena *arena, const struct hash256 *id) {
	struct ipc_response response;
	char hex[2 * sizeof id->bytes + 1];
	hex_encode(hash256_bytes(id), hex);
	struct firm_operation resolve = {.by = FIRM_PERSON_4,
					 .kind = "intent.resolve",
					 .payload = "{\"happened\":true}",
					 .resource = arena_format(arena, "operation:%s", hex)};
	team_do(team, 1, resolve, arena, &response);
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
	assert_log_replays(&team, 1, &before);
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
	assert_log_replays(&team, 1, &after);
	assert_true(after > before);
}

RUN_TESTS(T(a_nonce_does_not_go_back_to_what_people_say_happened),
	  T(a_transfer_that_people_say_happened_leaves_its_nonce))
