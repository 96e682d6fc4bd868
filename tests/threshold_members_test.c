/*
 * A key goes to a keeper that had no share of it: the holders deal it anew with one more or another among them, the key stays, and
 * whoever comes in takes what it is told of the key from nobody but the holders' own agreement. The keepers are those of
 * tests/team.h.
 */
#include "tests/test.h"
#include "tests/team_vault.h"

#include "gate/pledges.h"
#include "gate/shared_keys.h"
#include "keeper/internal.h"
#include "gate/joint.h"

static const struct stated NOTHING;

/* With one text in the place of another, where it stands first. */
static const char *
altered(struct arena *arena, const char *text, const char *from, const char *to) {
	const char *at = strstr(text, from);
	return at == nullptr ? text : arena_format(arena, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

/* By the first three of four. */
static void
make_theirs(struct team *team) {
	make_vault(team, "options-hot", "\"one\",\"two\",\"three\"", "2-of-3");
	assert_null(vault_at(team, 3));
	assert_null(gate_state_key(state_of(team, 3), BYTES_OF_LITERAL("vault")));
}

static uint64_t next_nonce;

static bool
signs(struct team *team, size_t at) {
	return sign_at(team, at, next_nonce++);
}

/* Each two of the keepers sign with all others cut off. */
static void
assert_each_two_sign(struct team *team, const size_t *members, size_t count) {
	for (size_t a = 0; a < count; a++)
		for (size_t b = a + 1; b < count; b++) {
			for (size_t i = 0; i < team->count; i++)
				for (size_t j = 0; j < i; j++)
					if (i == members[b] && j == members[a])
						team_connect(team, i, j);
					else
						team_cut(team, i, j);
			team_settle(team);
			assert_true(signs(team, members[a]));
		}
	for (size_t i = 0; i < team->count; i++)
		for (size_t j = 0; j < i; j++)
			team_connect(team, i, j);
	team_settle(team);
}

static void
a_keeper_takes_the_place_of_another_and_the_key_stays(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_found(&team, 4, 91);
	make_theirs(&team);
	struct sharing before = vault_at(&team, 0)->sharing;
	reshare_as(&team, 0, "\"one\",\"two\",\"four\"", vault_stated(&team, 0, &arena), "2-of-3", &arena, &response);
	assert_answer(200, "done", &response);
	for (size_t restarts = 0; restarts < 2; restarts++)
		for (size_t i = 0; i < 4; i++) {
			const struct shared_key *key = vault_at(&team, i);
			assert_non_null(key);
			assert_int_equal(i == 2 ? 1 : 2, key->sharing.key.epoch);
			assert_memory_equal(before.key.public_key, key->sharing.key.public_key, POINT_SIZE);
			if (i != 2) {
				assert_non_null(key->share);
				assert_ok(ecdsa_share_check(key->share));
				for (size_t j = 0; j < key->sharing.key.holders.count; j++) {
					uint8_t other = key->sharing.key.holders.parties[j].index;
					assert_true(other == key->share->self ||
						    ecdsa_share_pair(key->share, other)->ready);
				}
				assert_non_null(gate_state_key(state_of(&team, i), BYTES_OF_LITERAL("vault")));
			}
			team_stop(&team, i);
			team_start(&team, i);
		}
	team_settle(&team);
	assert_each_two_sign(&team, (const size_t[]){0, 1, 3}, 3);
	/* Who was left out has a share of the past: with nobody does it sign. */
	assert_false(signs(&team, 2));
}

static void
a_keeper_comes_in_and_the_threshold_changes(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_found(&team, 4, 92);
	make_theirs(&team);
	reshare_as(&team, 1, "\"one\",\"two\",\"three\",\"four\"", vault_stated(&team, 0, &arena), "3-of-4", &arena,
		   &response);
	assert_answer(200, "done", &response);
	for (size_t i = 0; i < 4; i++) {
		assert_non_null(vault_at(&team, i)->share);
		assert_int_equal(3, vault_at(&team, i)->sharing.key.threshold);
	}
	for (size_t absent = 0; absent < 4; absent++) {
		team_stop(&team, absent);
		assert_true(signs(&team, (absent + 1) % 4));
		team_stop(&team, (absent + 2) % 4);
		assert_false(signs(&team, (absent + 1) % 4));
		team_start(&team, absent);
		team_start(&team, (absent + 2) % 4);
		team_settle(&team);
	}
	/* And it is dealt on as any other: the new one deals now. */
	reshare_as(&team, 3, "\"two\",\"four\",\"three\"", NOTHING, "2-of-3", &arena, &response);
	assert_answer(200, "done", &response);
	assert_int_equal(3, vault_at(&team, 3)->sharing.key.epoch);
	assert_each_two_sign(&team, (const size_t[]){1, 2, 3}, 3);
}

/* Whoever asks for it cannot have it dealt to somebody who believes another key, or by another sharing. */
static void
what_is_stated_of_the_key_must_be_what_the_holders_know(void **) {
	static const struct {
		bool of_sharing;
		const char *from, *to, *error;
	} cases[] = {
		{false, "\"account\":\"options-hot\"", "\"account\":\"other\"", "payload.key"},
		{false, "\"purpose\":\"transfer\"", "\"purpose\":\"digest\"", "sharing.record"},
		{false, "\"id\":\"vault\"", "\"id\":\"vaults\"", "sharing.record"},
		{false, "\"epoch\":1", "\"epoch\":2", "sharing.record"},
		{false, "\"state\":\"active\"", "\"state\":\"frozen\"", "payload.key"},
		{true, "\"chain_code\":\"", "\"chain_code\":\"00", "sharing.chain_code"},
		{true, "\"admission\":0", "\"admission\":1", "payload.sharing"},
		{true, "\"name\":\"two\"", "\"name\":\"four\"", "payload.sharing"},
	};
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_found(&team, 4, 93);
	make_theirs(&team);
	const char *parties = "\"one\",\"two\",\"four\"";
	struct stated truth = vault_stated(&team, 0, &arena);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct stated lie = truth;
		if (cases[i].of_sharing)
			lie.sharing = altered(&arena, truth.sharing, cases[i].from, cases[i].to);
		else
			lie.key = altered(&arena, truth.key, cases[i].from, cases[i].to);
		assert_true(lie.key != truth.key || lie.sharing != truth.sharing);
		reshare_as(&team, 0, parties, lie, "2-of-3", &arena, &response);
		assert_true(response.status >= 400);
		if (!says(&response, cases[i].error))
			fail_msg("expected %s: %.*s", cases[i].error, BYTES_ARGS(response.body));
	}
	reshare_as(&team, 0, parties, NOTHING, "2-of-3", &arena, &response);
	assert_true(response.status >= 400);
	assert_true(says(&response, "payload.key"));
	/* Of those that deal it must be as many as sign. */
	reshare_as(&team, 0, "\"one\",\"four\"", truth, "2-of-2", &arena, &response);
	assert_true(response.status >= 400);
	assert_true(says(&response, "payload.parties"));
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(1, vault_at(&team, i)->sharing.key.epoch);
	assert_null(vault_at(&team, 3));
	assert_true(signs(&team, 0));
}

/* A key of its own by that name is not overwritten. */
static void
a_keeper_that_has_another_key_of_that_name_takes_no_share(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_found(&team, 4, 94);
	make_theirs(&team);
	for (size_t i = 0; i < 3; i++)
		team_cut(&team, 3, i);
	team_do(&team, 3,
		(struct firm_operation){.by = FIRM_PERSON_4,
					.kind = "key.create",
					.resource = "account:options-hot",
					.payload =
						"{\"algorithm\":\"secp256k1\",\"id\":\"vault\",\"material\":\"single\","
						"\"purpose\":\"transfer\"}"},
		&arena, &response);
	assert_answer(200, "done", &response);
	for (size_t i = 0; i < 3; i++)
		team_connect(&team, 3, i);
	team_settle(&team);
	reshare_as(&team, 0, "\"one\",\"two\",\"four\"", vault_stated(&team, 0, &arena), "2-of-3", &arena, &response);
	assert_answer(409, "failed", &response);
	assert_true(says(&response, "key.not_shared"));
	assert_int_equal(KEY_WHOLE, gate_state_key(state_of(&team, 3), BYTES_OF_LITERAL("vault"))->sharing);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(1, vault_at(&team, i)->sharing.key.epoch);
}

/* Shares are stored, and others could have pledged: it is dealt, is frozen, and who comes in hears so. */
static void
a_freeze_after_shares_are_stored_reaches_who_comes_in(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_found(&team, 4, 95);
	make_theirs(&team);
	team.on_message = lose_stored;
	reshare_as(&team, 0, "\"one\",\"two\",\"four\"", vault_stated(&team, 0, &arena), "2-of-3", &arena, &response);
	team.on_message = nullptr;
	team_submit(&team, 0,
		    (struct firm_operation){
			    .by = FIRM_PERSON_1, .kind = "key.freeze", .resource = "key:vault", .payload = "{}"},
		    &arena, &response);
	assert_answer(200, "done", &response);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(1, vault_at(&team, i)->sharing.key.epoch);
		assert_int_equal(KEY_FROZEN, gate_state_key(state_of(&team, i), BYTES_OF_LITERAL("vault"))->state);
	}
	team_restart_all(&team);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(i == 2 ? 1 : 2, vault_at(&team, i)->sharing.key.epoch);
	for (size_t restarts = 0; restarts < 2; restarts++) {
		for (size_t i = 0; i < 4; i++)
			assert_int_equal(KEY_FROZEN,
					 gate_state_key(state_of(&team, i), BYTES_OF_LITERAL("vault"))->state);
		team_stop(&team, 3);
		team_start(&team, 3);
		team_settle(&team);
	}
	assert_false(signs(&team, 3));
	/* By its own record, which its policies see, until people unfreeze it there. */
	for (size_t at = 0; at < 4; at += 3) {
		for (size_t i = 0; i < 3; i++)
			team_cut(&team, 3, i);
		team_do(&team, at,
			(struct firm_operation){
				.by = FIRM_PERSON_4, .kind = "key.unfreeze", .resource = "key:vault", .payload = "{}"},
			&arena, &response);
		assert_answer(200, "done", &response);
		for (size_t i = 0; i < 3; i++)
			team_connect(&team, 3, i);
		team_settle(&team);
		assert_int_equal(at == 3, signs(&team, 3));
	}
}

/* What came of a freeze: who had stored its new share, and whether it was gone when the others heard that it will never be used. */
struct freeze {
	bool is_done;
	unsigned stored, renounced; /* bits by place */
};

/* As key.freeze does it, before the first frame that could let that keeper store its share. */
static bool
freeze_before_it_stores(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	struct freeze *freeze = team->context;
	for (size_t i = 0; i < team->count; i++)
		freeze->stored |= (unsigned)has_row(team, i, "vault/2") << i;
	if (kind == PEER_ANSWER && body->data[0] == ANSWER_PLEDGED) {
		assert_false(has_row(team, from, "vault/2"));
		freeze->renounced |= 1U << from;
	}
	if (freeze->is_done || to != 1 || kind != PEER_PROTOCOL || body->data[6] != 3) /* deal.confirm */
		return true;
	freeze->is_done = true;
	assert_ok(keyring_freeze(state_of(team, 1)->ring, BYTES_OF_LITERAL("vault")));
	return true;
}

/* It has no effect, anywhere: nobody has pledged. */
static void
a_freeze_before_shares_are_stored_ends_the_dealing(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct freeze freeze = {};
	struct ipc_response response;
	team_found(&team, 4, 97);
	make_theirs(&team);
	team.context = &freeze;
	team.on_message = freeze_before_it_stores;
	reshare_as(&team, 0, "\"one\",\"two\",\"four\"", vault_stated(&team, 0, &arena), "2-of-3", &arena, &response);
	assert_true(freeze.is_done);
	assert_answer(409, "failed", &response);
	assert_true(says(&response, "key.state"));
	/* Others had stored theirs; they gave them up at once, and not at a restart alone. */
	assert_true(freeze.stored != 0 && (freeze.stored & 0b0010) == 0);
	assert_int_equal(freeze.stored, freeze.stored & freeze.renounced);
	for (size_t i = 0; i < 4; i++)
		assert_false(has_row(&team, i, "vault/2"));
	team.on_message = nullptr;
	team_restart_all(&team);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(1, vault_at(&team, i)->sharing.key.epoch);
	assert_null(vault_at(&team, 3));
	assert_false(joint_is_being_dealt(keeper_gate(team.members[0].house.keeper), BYTES_OF_LITERAL("vault")));
}

/* Others may have pledged, and need its share. */
static void
no_key_is_destroyed_while_it_is_dealt(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	struct firm_operation destroy = {
		.by = FIRM_PERSON_4, .kind = "key.destroy", .resource = "key:vault", .payload = "{}"};
	team_found(&team, 4, 98);
	make_theirs(&team);
	team.on_message = lose_stored;
	reshare_as(&team, 0, "\"one\",\"two\",\"four\"", vault_stated(&team, 0, &arena), "2-of-3", &arena, &response);
	team.on_message = nullptr;
	team_do(&team, 1, destroy, &arena, &response);
	assert_answer(409, "failed", &response);
	assert_true(says(&response, "key.being_dealt"));
	team_restart_all(&team);
	assert_true(signs(&team, 3));
	team_do(&team, 1, destroy, &arena, &response);
	assert_answer(200, "done", &response);
	for (size_t i = 0; i < 4; i++)
		assert_true(i == 2 ||
			    gate_state_key(state_of(&team, i), BYTES_OF_LITERAL("vault"))->state == KEY_DESTROYED);
}

/* What the fourth keeper pledges is heard, and it hears of nobody's pledge. */
static bool
lose_pledges(struct team *, size_t, size_t to, enum peer_kind kind, struct buffer *body) {
	return to != 3 || kind != PEER_ANSWER || body->data[0] != ANSWER_PLEDGED;
}

/* Else people could end there what the others have done, and with its share perhaps the key. */
static void
who_comes_in_remembers_what_it_has_pledged(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	struct pledged pledged;
	struct pledges pledges;
	team_found(&team, 4, 96);
	make_theirs(&team);
	team.on_message = lose_pledges;
	reshare_as(&team, 0, "\"one\",\"two\",\"four\"", vault_stated(&team, 0, &arena), "3-of-3", &arena, &response);
	assert_answer(200, "done", &response);
	team.on_message = nullptr;
	assert_null(vault_at(&team, 3));
	for (size_t i = 0; i < 3; i++)
		team_cut(&team, 3, i);
	team_stop(&team, 3);
	team_start(&team, 3);
	team_settle(&team);
	struct hash256 id = id_of(&response);
	assert_ok(pledges_of_operation(state_of(&team, 3), &id, &pledged, &pledges));
	assert_non_null(pledges_find(&pledges, 4, PLEDGE_KEEPS));
	struct firm_operation resolve = {
		.by = FIRM_PERSON_4,
		.kind = "intent.resolve",
		.payload = "{\"happened\":false}",
		.resource = arena_format(&arena, "operation:%.*s", BYTES_ARGS(response.operation))};
	team_do(&team, 3, resolve, &arena, &response);
	assert_answer(409, "failed", &response);
	assert_true(says(&response, "operation.acting"));
	for (size_t i = 0; i < 3; i++)
		team_connect(&team, 3, i);
	team_settle(&team);
	assert_non_null(vault_at(&team, 3));
	assert_true(signs(&team, 0));
}

static bool
lose_pledges_to_three(struct team *, size_t, size_t to, enum peer_kind kind, struct buffer *body) {
	return to != 2 || kind != PEER_ANSWER || body->data[0] != ANSWER_PLEDGED;
}

/* Its share of the past stays until the new one is in force, whatever goes meanwhile, and is of use to nobody. */
static void
a_keeper_that_was_left_out_comes_back(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_found(&team, 4, 99);
	make_theirs(&team);
	struct stated first = vault_stated(&team, 0, &arena);
	reshare_as(&team, 0, "\"one\",\"two\",\"four\"", first, "2-of-3", &arena, &response);
	assert_answer(200, "done", &response);
	team_do(&team, 0,
		(struct firm_operation){
			.by = FIRM_PERSON_4, .kind = "key.refresh", .resource = "key:vault", .payload = "{}"},
		&arena, &response);
	assert_answer(200, "done", &response);
	assert_int_equal(3, vault_at(&team, 0)->sharing.key.epoch);
	assert_int_equal(1, vault_at(&team, 2)->sharing.key.epoch);
	/* By what was true once nobody deals it, */
	reshare_as(&team, 0, "\"one\",\"two\",\"three\"", first, "2-of-3", &arena, &response);
	assert_answer(409, "failed", &response);
	assert_true(says(&response, "payload."));
	/* nor by another key that has its name. */
	struct stated lie = vault_stated(&team, 0, &arena);
	lie.key = altered(&arena, lie.key, "\"account\":\"options-hot\"", "\"account\":\"other\"");
	reshare_as(&team, 0, "\"one\",\"two\",\"three\"", lie, "2-of-3", &arena, &response);
	assert_answer(409, "failed", &response);
	/* A dealing that fails leaves it as it was, when it has found that nobody deals with it, */
	team_pass_ms(&team, 31'000);
	team_settle(&team);
	team.on_message = lose_stored;
	reshare_as(&team, 0, "\"one\",\"two\",\"three\"", vault_stated(&team, 0, &arena), "2-of-3", &arena, &response);
	if (!has_row(&team, 2, "vault/1") || !has_row(&team, 2, "vault/4"))
		fail_msg("%.*s", BYTES_ARGS(response.body));
	team_stop(&team, 2);
	team_start(&team, 2); /* and a start in the middle has both */
	assert_true(has_row(&team, 2, "vault/1") && has_row(&team, 2, "vault/4"));
	assert_int_equal(1, vault_at(&team, 2)->sharing.key.epoch);
	assert_false(signs(&team, 2));
	/* or ends as the others end it, however late it hears so. */
	team.on_message = lose_pledges_to_three;
	for (size_t i = 0; i < 2; i++) {
		team_cut(&team, i, 2);
		team_cut(&team, i, 1 - i);
	}
	for (size_t i = 0; i < 2; i++) {
		team_connect(&team, i, 2);
		team_connect(&team, i, 1 - i);
	}
	team_settle(&team);
	assert_int_equal(4, vault_at(&team, 0)->sharing.key.epoch);
	assert_int_equal(1, vault_at(&team, 2)->sharing.key.epoch);
	team.on_message = nullptr;
	team_stop(&team, 2);
	team_start(&team, 2);
	team_settle(&team);
	for (size_t restarts = 0; restarts < 2; restarts++) {
		assert_int_equal(4, vault_at(&team, 2)->sharing.key.epoch);
		assert_ok(ecdsa_share_check(vault_at(&team, 2)->share));
		assert_true(!has_row(&team, 2, "vault/1") && has_row(&team, 2, "vault/4"));
		team_stop(&team, 2);
		team_start(&team, 2);
		team_settle(&team);
	}
	assert_each_two_sign(&team, (const size_t[]){0, 1, 2}, 3);
	assert_int_equal(3, vault_at(&team, 3)->sharing.key.epoch);
	assert_false(signs(&team, 3));
}

/* What people have ended there is not begun again by a dealing. */
static void
a_keeper_that_destroyed_the_key_does_not_come_back(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_found(&team, 4, 100);
	make_theirs(&team);
	reshare_as(&team, 0, "\"one\",\"two\",\"four\"", vault_stated(&team, 0, &arena), "2-of-3", &arena, &response);
	assert_answer(200, "done", &response);
	for (size_t i = 0; i < 4; i++)
		if (i != 2)
			team_cut(&team, 2, i);
	team_do(&team, 2,
		(struct firm_operation){
			.by = FIRM_PERSON_4, .kind = "key.destroy", .resource = "key:vault", .payload = "{}"},
		&arena, &response);
	assert_answer(200, "done", &response);
	for (size_t i = 0; i < 4; i++)
		if (i != 2)
			team_connect(&team, 2, i);
	team_settle(&team);
	reshare_as(&team, 0, "\"one\",\"two\",\"three\"", vault_stated(&team, 0, &arena), "2-of-3", &arena, &response);
	assert_answer(409, "failed", &response);
	assert_true(says(&response, "key.destroyed"));
	assert_int_equal(2, vault_at(&team, 0)->sharing.key.epoch);
	assert_true(signs(&team, 0));
}

/* Its disk is gone, and with it its share, its keys and all that it knew: a keeper that is founded anew in its place gets a share of
 * its own, and what stood on the disk is worth nothing to whoever finds it. */
static void
a_keeper_that_lost_all_gets_a_share_again(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	const char *parties = "\"one\",\"two\",\"three\"";
	team_found(&team, 4, 97);
	make_theirs(&team);
	struct sharing before = vault_at(&team, 0)->sharing;
	team_replace(&team, 1, 197);
	assert_null(vault_at(&team, 1));
	assert_true(signs(&team, 0)); /* the other two go on meanwhile */
	/* It does not deal, and knows of the key what is stated to it or nothing. */
	reshare_as(&team, 0, parties, NOTHING, "2-of-3", &arena, &response);
	assert_answer(409, "failed", &response);
	assert_true(says(&response, "(keeper two)"));
	assert_int_equal(1, vault_at(&team, 0)->sharing.key.epoch);
	team_settle(&team);
	reshare_as(&team, 2, parties, vault_stated(&team, 0, &arena), "2-of-3", &arena, &response);
	assert_answer(200, "done", &response);
	for (size_t i = 0; i < 3; i++) {
		const struct shared_key *key = vault_at(&team, i);
		assert_non_null(key);
		assert_int_equal(2, key->sharing.key.epoch);
		assert_int_equal(i + 1, shared_key_self(key));
		assert_memory_equal(before.key.public_key, key->sharing.key.public_key, POINT_SIZE);
		assert_memory_not_equal(before.key.public_shares[i], key->sharing.key.public_shares[i], POINT_SIZE);
		assert_ok(ecdsa_share_check(key->share));
		team_stop(&team, i);
		team_start(&team, i);
	}
	team_settle(&team);
	assert_each_two_sign(&team, (const size_t[]){0, 1, 2}, 3);
}

/* Fewer are left than sign: nothing is dealt, and nothing is lost that was there. */
static void
where_too_few_are_left_nothing_is_dealt(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_found(&team, 4, 98);
	make_theirs(&team);
	team_replace(&team, 1, 198);
	team_replace(&team, 2, 298);
	reshare_as(&team, 0, "\"one\",\"two\",\"three\"", vault_stated(&team, 0, &arena), "2-of-3", &arena, &response);
	assert_answer(409, "failed", &response);
	assert_true(says(&response, "joint.dealers"));
	assert_int_equal(1, vault_at(&team, 0)->sharing.key.epoch);
	assert_ok(ecdsa_share_check(vault_at(&team, 0)->share));
	for (size_t i = 1; i < 3; i++)
		assert_null(vault_at(&team, i));
}

RUN_TESTS(T(a_keeper_takes_the_place_of_another_and_the_key_stays), T(a_keeper_comes_in_and_the_threshold_changes),
	  T(what_is_stated_of_the_key_must_be_what_the_holders_know),
	  T(a_keeper_that_has_another_key_of_that_name_takes_no_share),
	  T(a_freeze_after_shares_are_stored_reaches_who_comes_in),
	  T(a_freeze_before_shares_are_stored_ends_the_dealing), T(no_key_is_destroyed_while_it_is_dealt),
	  T(who_comes_in_remembers_what_it_has_pledged), T(a_keeper_that_was_left_out_comes_back),
	  T(a_keeper_that_destroyed_the_key_does_not_come_back), T(a_keeper_that_lost_all_gets_a_share_again),
	  T(where_too_few_are_left_nothing_is_dealt))
