/*
 * A keeper goes, by its process or by its machine's power, before any message that it is to hear: while a shared key is made, and while
 * a transfer is signed. It comes back, all find each other again, and then: a key is at all keepers, the same, or at none; a
 * signature that one keeper has, no other contradicts; what is not known stays so by name; no limit is given back for what may have
 * been released; and a fresh key is made and signs.
 * GATEHOUSE_SOAK=1 goes at every message, by every keeper.
 */
#include "tests/test.h"
#include "tests/team_going.h"

#include <stdio.h>

#include "gate/shared_keys.h"

static size_t outcomes[OPERATION_STATES + 1]; /* at keepers; the last: it never heard of it */

static void
assert_at_all_or_none(struct team *team, const char *id) {
	size_t count = 0;
	struct hash256 first = {};
	for (size_t i = 0; i < team->count; i++) {
		const struct shared_key *key = shared_keys_find(state_of(team, i), bytes_of_text(id));
		struct hash256 hash;
		if (key == nullptr)
			continue;
		assert_non_null(key->share);
		assert_ok(ecdsa_share_check(key->share));
		assert_ok(sharing_hash(&key->sharing, &hash));
		if (count++ == 0)
			first = hash;
		assert_true(hash256_equal(&first, &hash));
	}
	if (count != 0 && count != team->count)
		fail_msg("%zu of %zu keepers have the key", count, team->count);
}

static const char *
key_payload(struct arena *arena, const char *id) {
	return arena_format(
		arena,
		"{\"algorithm\":\"secp256k1\",\"id\":\"%s\",\"material\":\"single\",\"parties\":[\"one\","
		"\"two\",\"three\"],\"purpose\":\"transfer\",\"scheme\":\"ecdsa\",\"threshold\":\"2-of-3\"}",
		id);
}

/* The last vote's request: with it the key is made. */
static void
prepare_key(struct team *team, struct arena *arena, struct ipc_request *vote, struct hash256 *operation) {
	struct ipc_response response;
	team_submit(team, 0,
		    (struct firm_operation){.by = FIRM_PERSON_4,
					    .kind = "key.create",
					    .resource = "account:options-hot",
					    .payload = key_payload(arena, "vault")},
		    arena, &response);
	assert_answer(202, "held", &response);
	assert_ok(hex_decode(response.operation, operation->bytes, sizeof operation->bytes));
	struct bytes id = response.operation;
	team_vote(team, 0, id, FIRM_PERSON_3, arena, &response);
	assert_answer(202, "held", &response);
	house_vote_request(&team->members[0].house, arena, id, FIRM_PERSON_5, "approve", vote);
}

/* How many messages there are; what is made has been made then. */
static uint64_t
make_with(uint64_t seed, struct going *going) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_request vote;
	struct hash256 operation;
	team_found(&team, 3, seed);
	prepare_key(&team, &arena, &vote, &operation);
	team.on_message = team_go;
	team.context = going;
	team_ask(&team, 0, &vote);
	team_settle(&team);
	team_come_back(&team, going);
	assert_at_all_or_none(&team, "vault");
	assert_ended(&team, &operation);
	for (size_t i = 0; i < 3; i++)
		outcomes[team_state(&team, i, &operation)]++;
	if (!going->is_gone)
		assert_non_null(shared_keys_find(state_of(&team, 0), BYTES_OF_LITERAL("vault")));
	team_make_key(&team, "fresh", "2-of-3");
	return going->counted;
}

struct redealing {
	const char *threshold, *kind, *payload; /* of the key as it is made first, and what is done with it */
};

/* The same of a dealing anew. */
static uint64_t
redeal_with(uint64_t seed, const struct redealing *redealing, struct going *going) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_request vote;
	struct ipc_response response;
	struct hash256 operation;
	team_found(&team, 3, seed);
	team_make_key(&team, "vault", redealing->threshold);
	team_submit(&team, 0,
		    (struct firm_operation){.by = FIRM_PERSON_4,
					    .kind = redealing->kind,
					    .resource = "key:vault",
					    .payload = redealing->payload},
		    &arena, &response);
	assert_answer(202, "held", &response);
	assert_ok(hex_decode(response.operation, operation.bytes, sizeof operation.bytes));
	struct bytes id = response.operation;
	team_vote(&team, 0, id, FIRM_PERSON_3, &arena, &response);
	assert_answer(202, "held", &response);
	house_vote_request(&team.members[0].house, &arena, id, FIRM_PERSON_5, "approve", &vote);
	team.on_message = team_go;
	team.context = going;
	team_ask(&team, 0, &vote);
	team_settle(&team);
	team_come_back(&team, going);
	assert_at_all_or_none(&team, "vault");
	assert_ended(&team, &operation);
	for (size_t i = 0; i < 3; i++)
		outcomes[team_state(&team, i, &operation)]++;
	struct firm_operation transfer = house_sign(house_transfer(&arena, 10, 0, 30));
	transfer.resource = "key:vault";
	team_submit(&team, going->who == 1 ? 1 : 2, transfer, &arena, &response);
	assert_answer(200, "done", &response);
	return going->counted;
}

static uint64_t times_gone; /* in all */

static void
print_outcomes(uint64_t messages, uint64_t gone) {
	times_gone += gone;
	print_message("# %llu messages, %llu times gone\n", (unsigned long long)messages, (unsigned long long)gone);
	for (size_t i = 0; i < OPERATION_STATES; i++)
		if (outcomes[i] > 0)
			print_message("# %zu times %s\n", outcomes[i], operation_state_name((enum operation_state)i));
	memset(outcomes, 0, sizeof outcomes);
}

static void
a_key_is_made_at_all_keepers_or_at_none(void **) {
	struct going nobody = {.at = UINT64_MAX};
	uint64_t messages = make_with(1, &nobody), tried = 0;
	for (size_t who = 0; who < 3; who++)
		for (uint64_t at = team_is_soak() ? 0 : who; at < messages; at += team_is_soak() ? 1 : 23) {
			struct going going = {.who = who, .at = at, .is_power = (tried & 1) != 0};
			make_with(2 + tried++, &going);
		}
	print_outcomes(messages, tried);
}

static void
redeal_at_all_points(const struct redealing *redealing) {
	struct going nobody = {.at = UINT64_MAX};
	uint64_t messages = redeal_with(1, redealing, &nobody), tried = 0;
	for (size_t who = 0; who < 3; who++)
		for (uint64_t at = team_is_soak() ? 0 : 3 * who; at < messages; at += team_is_soak() ? 1 : 29) {
			struct going going = {.who = who, .at = at, .is_power = (tried & 1) != 0};
			redeal_with(2 + tried++, redealing, &going);
		}
	print_outcomes(messages, tried);
}

static void
a_refresh_ends_at_all_keepers_or_at_none(void **) {
	redeal_at_all_points(&(struct redealing){"2-of-3", "key.refresh", "{}"});
}

static void
a_reshare_ends_at_all_keepers_or_at_none(void **) {
	redeal_at_all_points(&(struct redealing){"3-of-3", "key.reshare",
						 "{\"parties\":[\"one\",\"two\",\"three\"],\"threshold\":\"2-of-3\"}"});
}

static int64_t
spent(struct team *team, size_t at) {
	struct gate_state *state = state_of(team, at);
	return limits_sum(state->limits, LIMIT_KEY, BYTES_OF_LITERAL("vault"), LIMIT_HOUR, state->now_ms, nullptr, 0);
}

static uint64_t
sign_with(uint64_t seed, struct going *going) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_request request;
	struct hash256 operation;
	struct ipc_response response;
	team_found(&team, 3, seed);
	team_make_key(&team, "vault", "2-of-3");
	struct firm_operation transfer = house_sign(house_transfer(&arena, 10, 0, 30));
	transfer.resource = "key:vault";
	house_request(&team.members[0].house, &arena, transfer, &request);
	assert_ok(operation_id(BYTES_OF_LITERAL(HOUSE_INSTANCE), BYTES_OF_LITERAL("workload:settlement"),
			       request.idempotency_key, &operation));
	team.on_message = team_go;
	team.context = going;
	team_ask(&team, 0, &request);
	team_settle(&team);
	team_come_back(&team, going);
	/* Whoever says that it is done has reserved; so has whoever does not know. One that is done at one is failed at none, nor unknown. */
	size_t done = 0, failed = 0, unknown = 0;
	for (size_t i = 0; i < 3; i++) {
		enum operation_state state = team_state(&team, i, &operation);
		done += state == OPERATION_DONE;
		failed += state == OPERATION_FAILED;
		unknown += state == OPERATION_UNKNOWN;
		outcomes[state]++;
		if (state == OPERATION_DONE || state == OPERATION_UNKNOWN)
			assert_true(spent(&team, i) > 0);
	}
	size_t reserved = 0;
	for (size_t i = 0; i < 3; i++)
		reserved += spent(&team, i) > 0;
	assert_true(done == 0 || reserved >= 2); /* as many as have signed */
	if (done > 0 && failed + unknown > 0)
		fail_msg("signed at %zu, failed at %zu, unknown at %zu", done, failed, unknown);
	/* Asked for again, the same is said again; another is signed. */
	team_ask(&team, 1, &request);
	team_settle(&team);
	transfer = house_sign(house_transfer(&arena, 10, 1, 30));
	transfer.resource = "key:vault";
	team_submit(&team, 1, transfer, &arena, &response);
	assert_answer(200, "done", &response);
	return going->counted;
}

static void
what_was_signed_counts_whoever_goes(void **) {
	struct going nobody = {.at = UINT64_MAX};
	uint64_t messages = sign_with(1, &nobody), tried = 0;
	for (size_t who = 0; who < 3; who++)
		for (uint64_t at = who % 2; at < messages; at += team_is_soak() ? 1 : 7) {
			struct going going = {.who = who, .at = at, .is_power = (tried & 1) != 0};
			sign_with(2 + tried++, &going);
		}
	print_outcomes(messages, tried);
}

static int
say_how_often(void **) {
	print_message("# result keepers_gone %llu\n", (unsigned long long)times_gone);
	return 0;
}

int
main(void) {
	static const struct CMUnitTest tests[] = {
		T(a_key_is_made_at_all_keepers_or_at_none), T(a_refresh_ends_at_all_keepers_or_at_none),
		T(a_reshare_ends_at_all_keepers_or_at_none), T(what_was_signed_counts_whoever_goes)};
	return cmocka_run_group_tests(tests, nullptr, say_how_often);
}
