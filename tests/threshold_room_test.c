/*
 * What a keeper has counted, or keeps of others, is more than its channel to a peer has room for: it is told as there is room, and who was
 * told half of it signs nothing with the teller meanwhile. The keepers are those of tests/team.h.
 */
#include "tests/test.h"
#include "tests/team_limits.h"

#include "keeper/threshold_internal.h"

constexpr size_t MANY = 6'000; /* some two megabytes */

static size_t room; /* for so many lists */
static enum status (*send_anyway)(void *context, const struct peer *peer, enum peer_kind kind, struct bytes body);

static enum status
send_while_there_is_room(void *context, const struct peer *peer, enum peer_kind kind, struct bytes body) {
	if (kind == PEER_COUNTED && room == 0)
		return fail(STATUS_UNAVAILABLE, "peers.backlog: too much waits for keeper %s", peer->name);
	room -= kind == PEER_COUNTED;
	return send_anyway(context, peer, kind, body);
}

static void
make_team(struct team *team, uint64_t seed) {
	team_found(team, 2, seed);
	team_make_key(team, "vault", "2-of-2");
	struct threshold_link *link = &team->members[0].house.keeper->threshold->link;
	send_anyway = link->send;
	link->send = send_while_there_is_room;
	room = SIZE_MAX;
}

static void
count_many(struct team *team, const char *key,
	   enum status (*take)(struct gate_state *state, const struct spend *spend)) {
	static const char subject[] =
		"0x00000000000000000000000000000000000000000000000000000000000000000000000000000000";
	struct limit_part parts[] = {{LIMIT_KEY, bytes_of_text(key), 1},
				     {LIMIT_ACCOUNT, BYTES_OF_LITERAL(subject), 1},
				     {LIMIT_DESTINATION, BYTES_OF_LITERAL(subject), 1}};
	for (size_t i = 0; i < MANY; i++) {
		struct spend spend = {
			.at_ms = state_of(team, 0)->now_ms, .parts = parts, .part_count = ARRAY_LENGTH(parts)};
		memcpy(spend.operation, &i, sizeof i);
		memset(spend.identity, 7, sizeof spend.identity);
		memcpy(spend.identity, &i, sizeof i);
		assert_ok(take(state_of(team, 0), &spend));
	}
}

static enum status
apply(struct gate_state *state, const struct spend *spend) {
	return limits_apply(state->limits, spend);
}

static enum status
keep(struct gate_state *state, const struct spend *spend) {
	return counted_keep(&state->counted, 3, spend);
}

static uint64_t next_nonce;

static bool
signs(struct team *team) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_submit(team, 0, transfer(&arena, 1, next_nonce++), &arena, &response);
	return response.status == 200 && says(&response, "\"transaction\":");
}

static void
a_week_that_is_more_than_a_channel_holds_is_told_bit_by_bit(void **) {
	_cleanup_(team_free) struct team team;
	make_team(&team, 501);
	count_many(&team, "other", apply);
	team_cut(&team, 0, 1);
	room = 1;
	team_connect(&team, 0, 1);
	team_settle(&team);
	const size_t *told = &state_of(&team, 1)->counted.of_party[1];
	const size_t first = *told;
	assert_in_range(first, 1, MANY - 1);
	assert_false(signs(&team));
	for (size_t before = first; *told < MANY; before = *told) {
		room = 1;
		team_pass_ms(&team, 1'000);
		team_settle(&team);
		assert_true(*told > before);
	}
	room = SIZE_MAX;
	team_pass_ms(&team, 11'000);
	team_settle(&team);
	assert_true(signs(&team));
}

static void
a_holder_leaves_though_what_it_keeps_of_others_is_more_than_that(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	make_team(&team, 502);
	count_many(&team, "vault", keep);
	room = 2;
	team_do(&team, 0,
		(struct firm_operation){
			.by = FIRM_PERSON_4, .kind = "key.refresh", .resource = "key:vault", .payload = "{}"},
		&arena, &response);
	assert_answer(200, "done", &response);
	assert_false(leaving_is_settled(state_of(&team, 1), vault_at(&team, 1)));
	for (size_t turns = 0; turns < 8; turns++) {
		room = 2;
		team_pass_ms(&team, 30'000);
		team_settle(&team);
	}
	assert_true(leaving_is_settled(state_of(&team, 1), vault_at(&team, 1)));
	const struct counted_spends *counted = &state_of(&team, 1)->counted;
	assert_int_equal(MANY, counted_cents(counted, state_of(&team, 1)->limits, "vault", LIMIT_HOUR,
					     state_of(&team, 1)->now_ms));
	room = SIZE_MAX;
	assert_true(signs(&team));
}

RUN_TESTS(T(a_week_that_is_more_than_a_channel_holds_is_told_bit_by_bit),
	  T(a_holder_leaves_though_what_it_keeps_of_others_is_more_than_that))
