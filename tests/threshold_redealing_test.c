/*
 * A key that keepers share is dealt anew among them: the key stays, all that is behind it is another, and one dealing ends before the
 * next begins. The keepers are those of tests/team.h.
 */
#include "tests/test.h"
#include "tests/team_vault.h"

#include "keeper/threshold_internal.h"

static void
a_refresh_keeps_the_key_and_renews_all_that_is_behind_it(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct corruption corruption = {.from = 1, .to = 0, .at = 128, .type = ONLINE_SIGN};
	struct ipc_response response;
	team_found(&team, 3, 9);
	team_make_key(&team, "vault", "2-of-3");
	struct ecdsa_key before = shared_keys_find(state_of(&team, 0), BYTES_OF_LITERAL("vault"))->sharing.key;
	team.on_message = team_corrupt;
	team.context = &corruption;
	team_submit(&team, 0, transfer(&arena, 10, 0), &arena, &response);
	assert_answer(202, "unknown", &response); /* the share of who was asked had left */
	team.on_message = nullptr;
	/* One of three is away: the shares stay what they are. */
	team_stop(&team, 2);
	team_pass_ms(&team, BACK_MS);
	redeal(&team, "key.refresh", "{}", &arena, &response);
	assert_answer(409, "failed", &response);
	assert_true(says(&response, "joint.absent"));
	team_start(&team, 2);
	team_settle(&team);
	assert_true(has_row(&team, 0, "vault/1") && !has_row(&team, 0, "vault/2"));
	redeal(&team, "key.refresh", "{}", &arena, &response);
	assert_answer(200, "done", &response);
	for (size_t i = 0; i < 3; i++) {
		const struct shared_key *key = shared_keys_find(state_of(&team, i), BYTES_OF_LITERAL("vault"));
		assert_int_equal(2, key->sharing.key.epoch);
		assert_memory_equal(before.public_key, key->sharing.key.public_key, POINT_SIZE);
		assert_memory_not_equal(before.public_shares[i], key->sharing.key.public_shares[i], POINT_SIZE);
		for (uint8_t peer = 1; peer <= 3; peer++)
			assert_true(peer == i + 1 || ecdsa_share_pair(key->share, peer)->ready);
		assert_true(has_row(&team, i, "vault/2") && !has_row(&team, i, "vault/1"));
		team_stop(&team, i);
		team_start(&team, i);
	}
	team_settle(&team);
	team_stop(&team, 2);
	struct firm_operation asked = transfer(&arena, 10, 1);
	team_submit(&team, 0, asked, &arena, &response); /* by the pair that was lost */
	assert_signed(&team, 0, &arena, &asked, &response);
}

/* While it is not known what became of one dealing no other begins: its failure would take the first one's share with it. */
static void
one_dealing_of_a_key_at_a_time(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_found(&team, 3, 11);
	team_make_key(&team, "vault", "2-of-3");
	team.on_message = lose_stored;
	redeal(&team, "key.refresh", "{}", &arena, &response);
	for (size_t i = 0; i < 3; i++)
		assert_true(has_row(&team, i, "vault/1") && has_row(&team, i, "vault/2"));
	team.on_message = nullptr;
	redeal(&team, "key.refresh", "{}", &arena, &response);
	assert_answer(409, "failed", &response);
	assert_true(says(&response, "key.being_dealt"));
	for (size_t i = 0; i < 3; i++) {
		assert_true(has_row(&team, i, "vault/1") && has_row(&team, i, "vault/2"));
		team_stop(&team, i);
		team_start(&team, i);
	}
	team_settle(&team);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(2, gate_state_key(state_of(&team, i), BYTES_OF_LITERAL("vault"))->epoch);
		assert_true(!has_row(&team, i, "vault/1") && has_row(&team, i, "vault/2"));
	}
	struct firm_operation asked = transfer(&arena, 10, 0);
	team_submit(&team, 0, asked, &arena, &response);
	assert_signed(&team, 0, &arena, &asked, &response);
}

static void
a_whole_key_does_not_take_the_name_of_one_that_is_dealt(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_found(&team, 3, 14);
	team.on_message = lose_stored;
	team_ask_key(&team, "vault", "2-of-3", &arena, &response);
	team.on_message = nullptr;
	team_do(&team, 0,
		(struct firm_operation){.by = FIRM_PERSON_4,
					.kind = "key.create",
					.resource = "account:options-hot",
					.payload =
						"{\"algorithm\":\"secp256k1\",\"id\":\"vault\",\"material\":\"single\","
						"\"purpose\":\"transfer\"}"},
		&arena, &response);
	assert_answer(409, "failed", &response);
	assert_true(says(&response, "key.being_dealt"));
	team_restart_all(&team);
	for (size_t i = 0; i < 3; i++)
		assert_non_null(shared_keys_find(state_of(&team, i), BYTES_OF_LITERAL("vault"))->share);
}

static void
a_key_goes_to_fewer_keepers_and_another_threshold(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_found(&team, 4, 10);
	team_make_key(&team, "vault", "3-of-4");
	redeal(&team, "key.reshare", "{\"parties\":[\"one\",\"three\"],\"threshold\":\"2-of-2\"}", &arena, &response);
	assert_answer(409, "failed", &response);
	assert_true(says(&response, "payload.parties: 2 of those that hold a share; 3 deal it anew"));
	redeal(&team, "key.reshare", "{\"parties\":[\"one\",\"two\",\"five\"],\"threshold\":\"2-of-3\"}", &arena,
	       &response);
	assert_answer(409, "failed", &response);
	assert_true(says(&response, "payload.key: where a keeper comes in"));
	redeal(&team, "key.reshare", "{\"parties\":[\"one\",\"three\",\"four\"],\"threshold\":\"2-of-3\"}", &arena,
	       &response);
	assert_answer(200, "done", &response);
	const struct key_info *record = gate_state_key(state_of(&team, 0), BYTES_OF_LITERAL("vault"));
	assert_int_equal(2, record->threshold);
	assert_int_equal(3, record->parties);
	assert_int_equal(2, record->epoch);
	/* Two has no part in it any more. */
	assert_int_equal(1, gate_state_key(state_of(&team, 1), BYTES_OF_LITERAL("vault"))->epoch);
	team_stop(&team, 3);
	struct firm_operation asked = transfer(&arena, 10, 0);
	team_submit(&team, 2, asked, &arena, &response);
	assert_signed(&team, 2, &arena, &asked, &response);
	team_stop(&team, 0);
	team_submit(&team, 2, transfer(&arena, 10, 1), &arena, &response);
	assert_answer(202, "unknown", &response);
}

/* What people say under one bundle counts under it alone: who deals does not wait for who holds it still under another. */
static void
a_dealing_that_one_holds_under_another_bundle_ends_at_once(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer payload = {};
	struct ipc_response response;
	team_found(&team, 3, 47);
	team_make_key(&team, "vault", "2-of-3");
	assert_ok(firm_activation(
		"@id(\"no_digests\") forbid (principal, action == Action::\"digest.sign\", resource);", &payload));
	team_cut(&team, 1, 0);
	team_cut(&team, 1, 2);
	team_do(&team, 1,
		(struct firm_operation){.by = FIRM_PERSON_4,
					.kind = "policy.activate",
					.resource = "system:gatehouse",
					.payload = (const char *)payload.data,
					.reason = "another bundle"},
		&arena, &response);
	assert_answer(200, "done", &response);
	team_connect(&team, 1, 0);
	team_connect(&team, 1, 2);
	team_settle(&team);
	const struct io *io = team.members[0].house.io;
	int64_t before = io_boottime_ns(io);
	redeal(&team, "key.refresh", "{}", &arena, &response);
	assert_answer(409, "failed", &response);
	assert_true(says(&response, "joint.bundle: keeper two has another policy bundle in force"));
	struct hash256 id = id_of(&response);
	team_settle(&team);
	assert_true(io_boottime_ns(io) - before < INT64_C(5'000'000'000));
	assert_int_equal(OPERATION_FAILED, team_state(&team, 0, &id));
	assert_int_equal(OPERATION_HELD, team_state(&team, 1, &id));
	assert_int_equal(OPERATION_FAILED, team_state(&team, 2, &id));
}

/* --- A connection that is lost. --- */

/* The frames of one dealing, and after which of them the connection that it goes over is lost, with it and all that is on its way. */
struct outage {
	uint64_t at, seen;
	bool is_lost;
	struct hash256 sent[3][3][256]; /* from, to, type */
};

/* Not of a signature, nor of a presignature. */
static bool
is_of_dealing(enum peer_kind kind, const struct buffer *body) {
	for (size_t round = 0; round < DEALING_ROUNDS; round++)
		if (kind == PEER_PROTOCOL && body->data[6] == DEALING_MESSAGES[round].type)
			return true;
	return false;
}

static bool
lose_connection(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	static const struct hash256 none;
	struct outage *outage = team->context;
	if (!is_of_dealing(kind, body))
		return true;
	struct hash256 *first = &outage->sent[from][to][body->data[6]];
	struct hash256 hash = SHA256_PARTS(buffer_bytes(body));
	assert_true(hash256_equal(first, &none) || hash256_equal(first, &hash)); /* never made anew */
	*first = hash;
	if (outage->is_lost || outage->seen++ < outage->at)
		return true;
	outage->is_lost = true;
	team_cut(team, from, to);
	team_connect(team, from, to);
	return false;
}

/* Whichever frame is lost: it is sent again, as it was, and the dealing ends as if nothing had been. */
static void
a_dealing_outlives_a_connection(void **) {
	_cleanup_(team_free) struct team team;
	struct ipc_response response;
	uint64_t at = 0;
	team_found(&team, 3, 41);
	team_make_key(&team, "vault", "2-of-3");
	team.on_message = lose_connection;
	for (bool is_lost = true; is_lost; at++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct outage *outage = ARENA_NEW(&arena, struct outage);
		*outage = (struct outage){.at = at};
		team.context = outage;
		redeal(&team, "key.refresh", "{}", &arena, &response);
		assert_answer(200, "done", &response);
		is_lost = outage->is_lost;
		for (size_t i = 0; i < 3; i++)
			assert_true(has_row(&team, i, arena_format(&arena, "vault/%llu", (unsigned long long)at + 2)));
	}
	assert_int_equal(3 * 2 * 3 + 1, at); /* three rounds among three, and once none was lost */
	team.on_message = nullptr;
	_cleanup_(arena_free) struct arena arena = {};
	struct firm_operation asked = transfer(&arena, 10, 0);
	team_submit(&team, 0, asked, &arena, &response);
	assert_signed(&team, 0, &arena, &asked, &response);
}

RUN_TESTS(T(a_dealing_that_one_holds_under_another_bundle_ends_at_once), T(a_dealing_outlives_a_connection),
	  T(a_refresh_keeps_the_key_and_renews_all_that_is_behind_it), T(one_dealing_of_a_key_at_a_time),
	  T(a_whole_key_does_not_take_the_name_of_one_that_is_dealt),
	  T(a_key_goes_to_fewer_keepers_and_another_threshold))
