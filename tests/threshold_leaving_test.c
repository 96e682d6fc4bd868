/*
 * A key is dealt anew among other keepers, and what the former holders signed counts with the new ones, to the cent, whoever was there
 * and whoever was started anew since; nobody signs in two epochs at once; and one keeper that lies gains what docs/PROTOCOL.threshold
 * §16 says, and no more. The keepers are those of tests/team.h.
 */
#include "tests/test.h"
#include "tests/team_limits.h"
#include "tests/team_replay.h"

#include <stdlib.h>

#include "gate/shared_keys.h"
#include "gate/snapshot.h"
#include "keeper/threshold_message.h"

static void
must_reshare(struct team *team, size_t at, const char *parties, const char *threshold) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	reshare_vault(team, at, parties, threshold, &response, &arena);
	assert_answer(200, "done", &response);
}

/* Only these are there for each other: bits of keepers. */
static void
set_apart(struct team *team, unsigned who) {
	for (size_t a = 0; a < team->count; a++)
		for (size_t b = 0; b < a; b++)
			if ((who >> a & 1) && (who >> b & 1))
				team_connect(team, a, b);
			else
				team_cut(team, a, b);
	team_settle(team);
}

static uint64_t next_nonce;

/* How often a transfer is signed before it is refused. */
static unsigned
spend_all(struct team *team, size_t at) {
	unsigned count = 0;
	for (;; count++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct ipc_response response;
		team_submit(team, at, transfer(&arena, 10, next_nonce++), &arena, &response);
		if (response.status == 200)
			continue;
		if (!says(&response, "hourly"))
			fail_msg("%.*s", BYTES_ARGS(response.body));
		return count;
	}
}

static void
start_anew(struct team *team, size_t index) {
	struct hash256 before, after;
	struct gate *gate = keeper_gate(team->members[index].house.keeper);
	int64_t now_ms = gate->state->now_ms;
	assert_ok(ledger_commit_now(keeper_ledger(team->members[index].house.keeper))); /* what nobody waits for */
	assert_ok(gate_state_digest(gate, now_ms, &before));
	team_stop(team, index);
	team_start(team, index);
	gate = keeper_gate(team->members[index].house.keeper);
	assert_ok(gate_state_digest(gate, gate->state->now_ms > now_ms ? gate->state->now_ms : now_ms, &after));
	if (gate->state->now_ms == now_ms)
		assert_true(hash256_equal(&before, &after));
	team_settle(team);
}

/* One and two spend it all; then three and four, who were not there and have not a thing in memory. */
static void
a_limit_holds_when_the_key_goes_to_others_and_they_start_anew(void **) {
	_cleanup_(team_free) struct team team;
	team_found(&team, 5, 201);
	make_vault(&team, "options-hot", "\"one\",\"two\",\"three\"", "2-of-3");
	limit_to(&team, 620);
	set_apart(&team, 0b0011);
	assert_int_equal(2, spend_all(&team, 0));
	set_apart(&team, 0b11111);
	must_reshare(&team, 0, "\"one\",\"three\",\"four\"", "2-of-3");
	set_apart(&team, 0);
	for (size_t restarts = 0; restarts < 2; restarts++) {
		start_anew(&team, 2);
		start_anew(&team, 3);
		assert_int_equal(0, spent(&team, 2));
		assert_int_equal(0, spent(&team, 3));
		assert_int_equal(2 * TRANSFER_CENTS, heard(&team, 2));
		assert_int_equal(2 * TRANSFER_CENTS, heard(&team, 3));
	}
	set_apart(&team, 0b1100);
	assert_int_equal(0, spend_all(&team, 2));
	assert_int_equal(0, spend_all(&team, 3));
	/* From there it goes on: who comes in now hears of it from those who only heard of it. */
	set_apart(&team, 0b11100);
	must_reshare(&team, 2, "\"three\",\"four\",\"five\"", "2-of-3");
	set_apart(&team, 0);
	for (size_t i = 2; i < 5; i++)
		start_anew(&team, i);
	set_apart(&team, 0b11000);
	assert_int_equal(0, spend_all(&team, 4));
	/* It leaves the window as if there had been no dealing. */
	team_pass_ms(&team, 61 * 60'000);
	team_settle(&team);
	assert_int_equal(0, heard(&team, 3));
	assert_int_equal(0, heard(&team, 4));
}

static bool
lose_pledges_to_one(struct team *, size_t, size_t to, enum peer_kind kind, struct buffer *body) {
	return to != 0 || kind != PEER_ANSWER || body->data[0] != ANSWER_PLEDGED;
}

/* The first has pledged, and hears of no other's pledge: for it, and for the second, the former epoch is in force. */
static void
no_two_epochs_sign_at_once_and_what_the_former_signs_last_counts(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_found(&team, 4, 202);
	make_vault(&team, "options-hot", "\"one\",\"two\",\"three\"", "2-of-3");
	limit_to(&team, 620);
	team.on_message = lose_pledges_to_one;
	reshare_vault(&team, 2, "\"one\",\"three\",\"four\"", "2-of-3", &response, &arena);
	assert_answer(200, "done", &response);
	assert_int_equal(1, vault_at(&team, 0)->sharing.key.epoch);
	assert_int_equal(2, vault_at(&team, 2)->sharing.key.epoch);
	assert_int_equal(2, vault_at(&team, 3)->sharing.key.epoch);
	team.on_message = nullptr;
	for (size_t i = 2; i < 4; i++) { /* before they hear of it again */
		team_cut(&team, 0, i);
		team_cut(&team, 1, i);
		start_anew(&team, i);
	}
	team_settle(&team);
	team_submit(&team, 2, transfer(&arena, 10, next_nonce++), &arena, &response);
	assert_answer(202, "unknown", &response);
	assert_true(says(&response, "key.unsettled"));
	reshare_vault(&team, 2, "\"three\",\"four\"", "2-of-2", &response, &arena);
	assert_answer(409, "failed", &response);
	assert_true(says(&response, "key.unsettled"));
	assert_int_equal(2, spend_all(&team, 0)); /* by one and two */
	set_apart(&team, 0b1111);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(i == 1 ? 1 : 2, vault_at(&team, i)->sharing.key.epoch);
	set_apart(&team, 0b1100);
	start_anew(&team, 2);
	assert_int_equal(0, spend_all(&team, 2));
	/* The second has a share of the past, and nobody to sign with. */
	set_apart(&team, 0b0011);
	team_submit(&team, 0, transfer(&arena, 10, next_nonce++), &arena, &response);
	assert_true(response.status >= 400);
}

static bool
lose_left(struct team *, size_t, size_t, enum peer_kind kind, struct buffer *body) {
	return kind != PEER_ANSWER || body->data[0] != ANSWER_LEFT;
}

/* Though the connection stays, and nobody starts anew. */
static void
what_was_lost_on_its_way_is_asked_for_again(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_found(&team, 4, 205);
	make_vault(&team, "options-hot", "\"one\",\"two\",\"three\"", "2-of-3");
	limit_to(&team, 620);
	team.on_message = lose_left;
	must_reshare(&team, 2, "\"one\",\"three\",\"four\"", "2-of-3");
	team.on_message = nullptr;
	team_submit(&team, 3, transfer(&arena, 10, next_nonce++), &arena, &response);
	assert_answer(409, "failed", &response);
	assert_true(says(&response, "key.unsettled"));
	team_pass_ms(&team, 30'000);
	team_settle(&team);
	assert_int_equal(2, spend_all(&team, 3));
}

/* Else whoever goes for good after its pledge, or says nothing, would have the key with it. */
static void
people_remove_who_does_not_say_what_it_counted(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_found(&team, 4, 203);
	make_vault(&team, "options-hot", "\"one\",\"two\",\"three\"", "2-of-3");
	limit_to(&team, 620);
	team.on_message = lose_left;
	must_reshare(&team, 2, "\"one\",\"three\",\"four\"", "2-of-3");
	team_stop(&team, 0);
	team.on_message = nullptr;
	for (size_t i = 2; i < 4; i++)
		start_anew(&team, i);
	team_submit(&team, 2, transfer(&arena, 10, next_nonce++), &arena, &response);
	assert_answer(202, "unknown", &response);
	assert_true(says(&response, "key.unsettled"));
	team_remove(&team, 2, 0);
	team_remove(&team, 3, 0);
	assert_int_equal(1, spend_all(&team, 2)); /* what may be signed counts as well */
}

/* What a statement is changed to on its way: it holds for nothing else. */
static bool
change_left(struct team *team, size_t, size_t, enum peer_kind kind, struct buffer *body) {
	const size_t *at = team->context;
	if (kind == PEER_ANSWER && body->data[0] == ANSWER_LEFT)
		body->data[*at < body->len ? *at : body->len - 1] ^= 1;
	return true;
}

static void
what_a_holder_has_not_signed_settles_nothing(void **) {
	static const size_t places[] = {1, 42, 43, 43 + 32,
					SIZE_MAX}; /* sharing, whether stopped, certificate, key, signature */
	_cleanup_(team_free) struct team team;
	size_t place;
	team_found(&team, 3, 204);
	make_vault(&team, "options-hot", "\"one\",\"two\"", "2-of-2");
	for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct ipc_response response;
		place = places[i];
		team.on_message = change_left;
		team.context = &place;
		must_reshare(&team, 0, "\"one\",\"two\"", "2-of-2");
		assert_false(leaving_is_settled(state_of(&team, 0), vault_at(&team, 0)));
		team_submit(&team, 0, transfer(&arena, 10, next_nonce++), &arena, &response);
		assert_answer(409, "failed", &response);
		team.on_message = nullptr;
		set_apart(&team, 0b000);
		set_apart(&team, 0b111);
		assert_true(leaving_is_settled(state_of(&team, 0), vault_at(&team, 0)));
	}
}

/* 2 of 3 stand no liar: the limit is spent once with each honest keeper that ever held a share within the window, and no more. */
static void
one_liar_spends_the_limit_once_with_each_of_the_honest(void **) {
	_cleanup_(team_free) struct team team;
	struct simulated_disk *before = nullptr;
	unsigned signatures = 0;
	team_found(&team, 4, 205);
	make_vault(&team, "options-hot", "\"one\",\"two\",\"three\"", "2-of-3");
	limit_to(&team, 620);
	keep_disk(&team, 2, &before);
	set_apart(&team, 0b0110); /* the third lies; with two */
	signatures += spend_all(&team, 1);
	put_back(&team, 2, &before);
	set_apart(&team, 0b1101);
	must_reshare(&team, 0, "\"one\",\"three\",\"four\"", "2-of-3");
	for (size_t turn = 0; turn < 4; turn++) {
		keep_disk(&team, 2, &before);
		set_apart(&team, turn % 2 == 0 ? 0b0101 : 0b1100); /* with one, and with four; and once more */
		signatures += spend_all(&team, turn % 2 == 0 ? 0 : 3);
		put_back(&team, 2, &before);
	}
	assert_int_equal(
		3 * 2,
		signatures); /* with one, two and four: twice what two, whom the third keeper left out, would show */
	set_apart(&team, 0b1001);
	assert_int_equal(0, spend_all(&team, 0));
}

/* 3 of 4 stand one, also where one of the honest that knows goes and another comes in. */
static void
one_liar_of_four_gains_nothing_by_a_dealing(void **) {
	_cleanup_(team_free) struct team team;
	struct simulated_disk *before = nullptr;
	team_found(&team, 5, 206);
	make_vault(&team, "options-hot", "\"one\",\"two\",\"three\",\"four\"", "3-of-4");
	limit_to(&team, 620);
	keep_disk(&team, 3, &before);
	set_apart(&team, 0b01011); /* the fourth lies; with one and two */
	assert_int_equal(2, spend_all(&team, 0));
	put_back(&team, 3, &before);
	set_apart(&team, 0b11110);
	must_reshare(&team, 1, "\"two\",\"three\",\"four\",\"five\"", "3-of-4");
	keep_disk(&team, 3, &before);
	for (size_t i = 1; i < 5; i++)
		start_anew(&team, i);
	put_back(&team, 3, &before);
	set_apart(&team, 0b11100); /* none of them was there when it was spent, but the liar */
	assert_int_equal(0, spend_all(&team, 2));
	assert_int_equal(0, spend_all(&team, 4));
}

/* --- What an auditor of one keeper's log sees. --- */

struct lie {
	const char *from, *to, *difference;
};

/* Of the third keeper's log. */
static void
assert_lie_differs(struct team *team, enum entry_type type, const struct lie *lie) {
	const struct forgery forgery = {type, lie->from, lie->to};
	const struct replayed replayed = team_replay(team, 2, &forgery);
	assert_int_equal(1, replayed.counts.different);
	if (strstr(replayed.difference, lie->difference) == nullptr)
		fail_msg("expected \"%s\": %s", lie->difference, replayed.difference);
}

/* One transfer by the first two, and one by the last two: the third was not there at the first. */
static void
found_and_sign_apart(struct team *team, uint64_t seed, struct arena *arena) {
	struct ipc_response response;
	team_found(team, 3, seed);
	make_vault(team, "options-hot", "\"one\",\"two\",\"three\"", "2-of-3");
	limit_to(team, 620);
	set_apart(team, 0b011);
	team_submit(team, 0, transfer(arena, 10, next_nonce++), arena, &response);
	assert_answer(200, "done", &response);
	set_apart(team, 0b110);
	team_submit(team, 2, transfer(arena, 10, next_nonce++), arena, &response);
	assert_answer(200, "done", &response);
}

/* Each signer's log says on what it decided before its share left, what others had counted with it, and anyone decides it again. */
static void
an_auditor_decides_again_on_what_all_signers_had_counted(void **) {
	static const char stated[] = "\"limits.key\":{\"day\":60378,\"hour\":60378,";
	static const struct lie lies[] = {
		{stated, "\"limits.key\":{\"day\":60378,\"hour\":30189,",
		 "limits.key.hour is less than what others had counted"},
		{stated, "\"limits.key\":{\"day\":60378,\"hour\":90567,", "decided deny, recorded permit"},
		{stated, "\"limits.key\":{\"day\":60378,\"hour\":60479,", "limits.key.hour is 60378, recorded 60479"},
		{"\"others\":[[\"key\",", "\"others\":[[\"kex\",", "what was decided again cannot be read: others.row"},
		{"\"resource\":{\"id\":\"vault\",\"type\":\"Key\"},\"spend\":{\"cents\":[[\"key\",\"vault\"",
		 "\"resource\":{\"id\":\"vaul_\",\"type\":\"Key\"},\"spend\":{\"cents\":[[\"key\",\"vault\"",
		 "what was decided again was not intended so"},
		{"\"nonce\":{\"chain\":\"eip155:1\"", "\"nonce\":{\"chain\":\"eip155:2\"",
		 "the nonce that was signed is not the transaction's"},
		{"\"transaction\":\"02f8", "\"transaction\":\"02f9", "what was signed does not hold: evm.transaction"},
		{"\"transaction_id\":\"0x", "\"transaction_id\":\"0y",
		 "what was signed is not what the key was asked to sign"},
	};
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	found_and_sign_apart(&team, 207, &arena);
	for (size_t i = 0; i < 3; i++) {
		const struct replay_counts counts = assert_team_replays(&team, i);
		assert_int_equal(i == 1 ? 2 : 1, counts.again);
	}
	for (size_t i = 0; i < ARRAY_LENGTH(lies); i++)
		assert_lie_differs(&team, ENTRY_OUTCOME, &lies[i]);
}

/* Also what is not signed: a denial says on what, and an auditor of this log alone decides it again. */
static void
an_auditor_decides_what_was_denied_on_what_others_told(void **) {
	static const struct lie lies[] = {
		{"\"limits.key\":{\"day\":90567,\"hour\":90567,", "\"limits.key\":{\"day\":90567,\"hour\":90568,",
		 "limits.key.hour is 90567, recorded 90568"},
		{"\"limits.key\":{\"day\":90567,\"hour\":90567,", "\"limits.key\":{\"day\":90567,\"hour\":90566,",
		 "limits.key.hour is 90567, recorded 90566"},
		{"[\"key\",\"vault\",30189,", "[\"key\",\"vault\",20189,", "limits.key.hour is 80567, recorded 90567"},
		{"[\"key\",\"vault\",30189,", "[\"key\",\"vauld\",30189,", "limits.key.day is 60378, recorded 90567"},
	};
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	found_and_sign_apart(&team, 208, &arena);
	team_submit(&team, 2, transfer(&arena, 10, next_nonce++), &arena, &response);
	assert_answer(403, "denied", &response);
	const struct replay_counts counts = assert_team_replays(&team, 2);
	assert_int_equal(0, counts.partly);
	for (size_t i = 0; i < ARRAY_LENGTH(lies); i++)
		assert_lie_differs(&team, ENTRY_DECISION, &lies[i]);
}

RUN_TESTS(T(a_limit_holds_when_the_key_goes_to_others_and_they_start_anew),
	  T(no_two_epochs_sign_at_once_and_what_the_former_signs_last_counts),
	  T(what_was_lost_on_its_way_is_asked_for_again), T(people_remove_who_does_not_say_what_it_counted),
	  T(what_a_holder_has_not_signed_settles_nothing), T(one_liar_spends_the_limit_once_with_each_of_the_honest),
	  T(one_liar_of_four_gains_nothing_by_a_dealing), T(an_auditor_decides_again_on_what_all_signers_had_counted),
	  T(an_auditor_decides_what_was_denied_on_what_others_told))
