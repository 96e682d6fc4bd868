/*
 * Requests and votes that one keeper forwards to another: what they spend, how many are taken, and which refusals of them stand in the
 * log (docs/PROTOCOL.threshold §16). The keepers are those of tests/team.h.
 */
#include "tests/test.h"
#include "tests/logged.h"
#include "tests/team_limits.h"

#include "keeper/threshold_internal.h"

constexpr size_t LIAR = 0;
constexpr size_t VICTIM = 1;
constexpr size_t OTHER = 2;

static void
say(struct team *team, size_t from, size_t to, enum peer_kind kind, const struct buffer *body) {
	assert_ok(buffer_status(body));
	threshold_message(team->members[to].house.keeper, &team->members[to].peers[from], kind, buffer_bytes(body));
}

static void
found(struct team *team, uint64_t seed) {
	team_found(team, 3, seed);
	team_make_key(team, "vault", "2-of-3");
	team_settle(team);
}

/* The newest request that the liar forwards to one of the others. */
struct forwarded {
	size_t to;
	struct buffer body;
};

static bool
note_forwarded(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	struct forwarded *forwarded = team->context;
	if (from != LIAR || to != forwarded->to || kind != PEER_REQUEST)
		return true;
	buffer_reset(&forwarded->body);
	buffer_append_bytes(&forwarded->body, buffer_bytes(body));
	return true;
}

/* A keeper that serves so many requests of each principal a second. */
static void
limit_rate(struct team *team, size_t at, uint32_t per_s) {
	team->members[at].house.rate = per_s;
	team_stop(team, at);
	team_start(team, at);
	team_settle(team);
}

static uint64_t
refusals_at(struct team *team, size_t at) {
	uint64_t counts[ENTRY_TYPES];
	struct ledger *ledger = keeper_ledger(team->members[at].house.keeper);
	assert_ok(ledger_commit_now(ledger)); /* nobody waits for it */
	ledger_counts(ledger, counts);
	return counts[ENTRY_REFUSAL];
}

static void
forward(struct team *team, size_t from, struct forwarded *forwarded, size_t times) {
	for (size_t i = 0; i < times; i++)
		say(team, from, forwarded->to, PEER_REQUEST, &forwarded->body);
}

/* Held for two votes, of which the victim has heard. */
static struct bytes
hold_at(struct team *team, size_t at, uint64_t nonce, struct arena *arena) {
	struct ipc_response response;
	team_submit(team, at, transfer(arena, 1000, nonce), arena, &response);
	assert_answer(202, "held", &response);
	return arena_copy(arena, response.operation);
}

/* While it is held, and when it is over. */
static void
who_repeats_anothers_vote_spends_nothing_of_theirs_and_writes_nothing(void **) {
	constexpr uint32_t RATE = 20;
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct forwarded forwarded = {.to = VICTIM};
	struct ipc_response response;
	found(&team, 61);
	limit_rate(&team, VICTIM, RATE);
	struct bytes operation = hold_at(&team, LIAR, 0, &arena), other = hold_at(&team, VICTIM, 1, &arena);
	team.on_message = note_forwarded;
	team.context = &forwarded;
	team_vote(&team, LIAR, operation, FIRM_PERSON_2, &arena, &response);
	assert_answer(202, "held", &response);
	uint64_t before = refusals_at(&team, VICTIM);
	forward(&team, LIAR, &forwarded, 10 * RATE);
	assert_int_equal(before, refusals_at(&team, VICTIM));
	assert_ok(house_vote(&team.members[VICTIM].house, &arena, other, FIRM_PERSON_2, "approve", &response));
	assert_answer(202, "held", &response);
	team.on_message = nullptr;
	team_vote(&team, LIAR, operation, FIRM_PERSON_3, &arena, &response);
	assert_answer(200, "done", &response);
	forward(&team, LIAR, &forwarded, 10 * RATE);
	assert_int_equal(before, refusals_at(&team, VICTIM));
	assert_ok(house_vote(&team.members[VICTIM].house, &arena, other, FIRM_PERSON_2, "withdraw", &response));
	assert_answer(202, "held", &response);
	assert_int_equal(0, atomic_load(&team.members[VICTIM].house.keeper->limited[0].value));
	buffer_free(&forwarded.body);
}

/* As the liar hands it to the victim. */
static void
hand_over(struct team *team, const struct ipc_request *request, size_t times) {
	_cleanup_(buffer_free) struct buffer body = {};
	ipc_write_request(&body, request);
	for (size_t i = 0; i < times; i++)
		say(team, LIAR, VICTIM, PEER_REQUEST, &body);
}

/* Given before, whether it still stands or not, or about what is over, however it ended: not recorded. What was never given is, where it is
 * refused. */
static void
a_vote_is_said_once_more_where_it_was_given_or_all_is_over(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	struct ipc_request approval, late, withdrawal;
	found(&team, 65);
	struct house *liar = &team.members[LIAR].house;
	struct bytes operation = hold_at(&team, LIAR, 0, &arena);
	house_vote_request(liar, &arena, operation, FIRM_PERSON_2, "approve", &approval);
	house_vote_request(liar, &arena, operation, FIRM_PERSON_4, "approve", &late);
	house_vote_request(liar, &arena, operation, FIRM_PERSON_4, "withdraw", &withdrawal);
	uint64_t before = refusals_at(&team, VICTIM);
	hand_over(&team, &withdrawal, 1); /* of no vote */
	assert_int_equal(before + 1, refusals_at(&team, VICTIM));
	hand_over(&team, &approval, 1);
	hand_over(&team, &withdrawal, 1);
	assert_int_equal(before + 2, refusals_at(&team, VICTIM));
	team_vote(&team, LIAR, operation, FIRM_PERSON_2, &arena, &response);
	assert_ok(house_vote(liar, &arena, operation, FIRM_PERSON_2, "withdraw", &response));
	assert_answer(202, "held", &response);
	team_settle(&team);
	hand_over(&team, &approval, 10);
	assert_int_equal(before + 2, refusals_at(&team, VICTIM));
	assert_ok(house_vote(liar, &arena, operation, FIRM_PERSON_3, "reject", &response));
	team_settle(&team);
	struct hash256 id;
	assert_ok(hex_decode(operation, id.bytes, sizeof id.bytes));
	assert_int_equal(OPERATION_REJECTED, team_state(&team, VICTIM, &id));
	hand_over(&team, &late, 10);
	assert_int_equal(before + 2, refusals_at(&team, VICTIM));
}

/* Of an operation that the victim has never seen: nothing of it can be known to be said once more. */
static void
refusals_of_what_one_keeper_forwards_are_so_many_a_minute(void **) {
	constexpr uint64_t A_MINUTE = 60;
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct forwarded forwarded = {.to = OTHER};
	struct ipc_response response;
	struct ipc_request vote;
	found(&team, 62);
	team_cut(&team, LIAR, VICTIM);
	team_cut(&team, OTHER, VICTIM);
	struct bytes operation = hold_at(&team, LIAR, 0, &arena);
	team.on_message = note_forwarded;
	team.context = &forwarded;
	house_vote_request(&team.members[LIAR].house, &arena, operation, FIRM_PERSON_2, "approve", &vote);
	assert_ok(house_ask(&team.members[LIAR].house, &vote, &arena, &response));
	assert_answer(202, "held", &response);
	team_connect(&team, LIAR, VICTIM);
	team_connect(&team, OTHER, VICTIM);
	forwarded.to = VICTIM;
	uint64_t before = refusals_at(&team, VICTIM);
	forward(&team, LIAR, &forwarded, 5 * A_MINUTE);
	assert_int_equal(before + A_MINUTE, refusals_at(&team, VICTIM));
	/* What the others bring, and what its own gateway does, is recorded all the same; and that party's again later. */
	forward(&team, OTHER, &forwarded, 1);
	assert_ok(house_ask(&team.members[VICTIM].house, &vote, &arena, &response));
	assert_answer(404, nullptr, &response);
	assert_int_equal(before + A_MINUTE + 2, refusals_at(&team, VICTIM));
	team_pass_ms(&team, 1'500);
	forward(&team, LIAR, &forwarded, A_MINUTE);
	assert_in_range(refusals_at(&team, VICTIM), before + A_MINUTE + 3, before + A_MINUTE + 5);
	before = refusals_at(&team, VICTIM);
	team_pass_ms(&team, 60'000);
	forward(&team, LIAR, &forwarded, 5 * A_MINUTE);
	assert_int_equal(before + A_MINUTE, refusals_at(&team, VICTIM));
	buffer_free(&forwarded.body);
}

/* Of a key that nobody has: refused when its nonce is taken. Nothing but the entry says after a restart that it is. */
static void
a_refusal_that_takes_a_nonce_is_recorded_however_many_there_are(void **) {
	constexpr uint64_t A_MINUTE = 60, MORE = A_MINUTE + 10;
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	struct ipc_request requests[MORE];
	found(&team, 64);
	struct house *victim = &team.members[VICTIM].house;
	for (uint64_t i = 0; i < MORE; i++)
		house_request(&team.members[LIAR].house, &arena, house_sign(house_transfer(&arena, 10, i, 30)),
			      &requests[i]);
	uint64_t before = refusals_at(&team, VICTIM);
	for (size_t i = 0; i < MORE; i++)
		hand_over(&team, &requests[i], 1);
	assert_int_equal(before + MORE, refusals_at(&team, VICTIM));
	/* That they were taken before takes nothing, and is recorded so many times a minute. */
	hand_over(&team, &requests[0], 5 * A_MINUTE);
	assert_int_equal(before + MORE + A_MINUTE, refusals_at(&team, VICTIM));
	team_stop(&team, VICTIM);
	team_start(&team, VICTIM);
	team_settle(&team);
	for (size_t i = 0; i < MORE; i++) {
		assert_ok(house_ask(victim, &requests[i], &arena, &response));
		assert_true(bytes_equal_text(house_problem(&arena, &response), "nonces.replayed"));
	}
}

/* A thousand and as many as twenty principals may ask for; whoever signed them, and no other keeper's. */
static void
what_one_keeper_forwards_in_a_second_is_bounded(void **) {
	constexpr uint32_t RATE = 1, BOUND = 1'000 + 20 * RATE;
	_cleanup_(team_free) struct team team;
	_cleanup_(buffer_free) struct buffer lines = {};
	_cleanup_(arena_free) struct arena arena = {};
	struct forwarded forwarded = {.to = VICTIM};
	struct ipc_response response;
	found(&team, 63);
	limit_rate(&team, VICTIM, RATE);
	struct bytes operation = hold_at(&team, LIAR, 0, &arena);
	team.on_message = note_forwarded;
	team.context = &forwarded;
	team_vote(&team, LIAR, operation, FIRM_PERSON_2, &arena, &response);
	const struct keeper *victim = team.members[VICTIM].house.keeper;
	team_pass_ms(&team, 1'000);
	int64_t heard = atomic_load(&victim->refusals.value);
	struct logged logged = logged_start();
	forward(&team, LIAR, &forwarded, BOUND + 100);
	logged_end(&logged, &lines);
	assert_int_equal(1, logged_count(&lines, "requests from keeper one are dropped"));
	assert_int_equal(heard + BOUND, atomic_load(&victim->refusals.value));
	assert_int_equal(100, atomic_load(&victim->limited[0].value));
	forward(&team, OTHER, &forwarded, 1);
	assert_int_equal(heard + BOUND + 1, atomic_load(&victim->refusals.value));
	team_pass_ms(&team, 1'000);
	forward(&team, LIAR, &forwarded, 1);
	assert_int_equal(heard + BOUND + 2, atomic_load(&victim->refusals.value));
	buffer_free(&forwarded.body);
}

/* Each further 4 KiB of one counts as one more. */
static void
what_one_keeper_forwards_is_counted_by_its_length(void **) {
	constexpr size_t BOUND = 1'000 + 20, OF_ONE = 4096, MORE = 10;
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer large = {};
	struct ipc_request request;
	found(&team, 66);
	limit_rate(&team, VICTIM, 1);
	team_pass_ms(&team, 1'000);
	const struct keeper *victim = team.members[VICTIM].house.keeper;
	assert_true(buffer_reserve(&large, MORE * OF_ONE));
	memset(large.data, 'x', MORE * OF_ONE);
	house_request(&team.members[LIAR].house, &arena, house_sign(house_transfer(&arena, 10, 0, 30)), &request);
	struct ipc_request longer = request;
	longer.body = bytes_of(large.data, MORE * OF_ONE);
	hand_over(&team, &longer, 1);
	hand_over(&team, &request, BOUND - 1 - MORE);
	assert_int_equal(0, atomic_load(&victim->limited[0].value));
	hand_over(&team, &request, 1);
	assert_int_equal(1, atomic_load(&victim->limited[0].value));
}

/* Where principals have none; and one that is more than the number holds is no small one. */
static void
where_principals_have_no_bound_keepers_have_none(void **) {
	static const struct {
		uint32_t per_s;
		size_t times;
	} cases[] = {{0, 1'100}, {214'748'315, 10}}; /* 20 of these and 1,000 are 2^32 + 4 */
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_request request;
	found(&team, 67);
	house_request(&team.members[LIAR].house, &arena, house_sign(house_transfer(&arena, 10, 0, 30)), &request);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		limit_rate(&team, VICTIM, cases[i].per_s);
		hand_over(&team, &request, cases[i].times);
		assert_int_equal(0, atomic_load(&team.members[VICTIM].house.keeper->limited[0].value));
	}
}

RUN_TESTS(T(who_repeats_anothers_vote_spends_nothing_of_theirs_and_writes_nothing),
	  T(refusals_of_what_one_keeper_forwards_are_so_many_a_minute),
	  T(a_vote_is_said_once_more_where_it_was_given_or_all_is_over),
	  T(a_refusal_that_takes_a_nonce_is_recorded_however_many_there_are),
	  T(what_one_keeper_forwards_in_a_second_is_bounded), T(what_one_keeper_forwards_is_counted_by_its_length),
	  T(where_principals_have_no_bound_keepers_have_none))
