/*
 * A keeper is put back to what it was before a key was dealt anew, as from a backup: it signs with nobody, says what it needs, and comes
 * in again by a dealing that people ask for once they have admitted it anew at every keeper. What others counted counts. The keepers are
 * those of tests/team.h, enrolled by operations.
 */
#include "tests/test.h"
#include "tests/team_limits.h"

#include "gate/keepers.h"
#include "keeper/threshold_internal.h"

static const char *const NAMES[] = {"one", "two", "three"};

static void
do_at(struct team *team, size_t at, const char *kind, const char *payload) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_do(team, at,
		(struct firm_operation){.by = FIRM_PERSON_4,
					.kind = kind,
					.resource = "system:gatehouse",
					.payload = payload,
					.reason = "keepers"},
		&arena, &response);
	assert_answer(200, "done", &response);
}

/* Everybody everywhere: what is asked of the first is handed on to the others. */
static void
enrol_all(struct team *team) {
	for (size_t i = 0; i < team->count; i++) {
		_cleanup_(buffer_free) struct buffer payload = {};
		struct pledge_keys keys;
		struct party party = {};
		struct json_writer w;
		uint8_t key[32];
		team_keys(i, &keys, &party);
		memcpy(key, keys.key, sizeof key);
		json_writer_start(&w, &payload);
		keeper_write_enrolment(&w, NAMES[i], party.index, &team->members[i].house.installation.keys,
				       &keys.certificate, key);
		assert_ok(json_writer_finish(&w));
		buffer_append_byte(&payload, 0);
		do_at(team, 0, "keeper.add", (const char *)payload.data);
	}
	for (size_t i = 0; i < team->count; i++)
		for (uint8_t party = 1; party <= team->count; party++) {
			assert_int_equal(1, state_of(team, i)->keepers.of_party[party]->admission);
			team->members[i].peers[party - 1].admission = 1; /* as keeper/peers.h shows it */
		}
}

/* Its peers have refused its channel, as keeper/peers.h does. */
static void
refuse(struct team *team, size_t who) {
	static const struct mark shown = {.size = 7};
	for (size_t i = 0; i < team->count; i++)
		if (i != who)
			assert_ok(keepers_refuse(&state_of(team, i)->keepers, bytes_of_text(NAMES[who]), &shown,
						 BYTES_OF_LITERAL("peers.behind")));
}

static void
readmit(struct team *team, size_t at, size_t who) {
	_cleanup_(arena_free) struct arena arena = {};
	do_at(team, at, "keeper.readmit",
	      arena_format(
		      &arena,
		      "{\"name\":\"%s\",\"root\":\"0000000000000000000000000000000000000000000000000000000000000001\","
		      "\"size\":7}",
		      NAMES[who]));
}

static void
ask_refresh(struct team *team, size_t at, struct arena *arena, struct ipc_response *response) {
	team_do(team, at,
		(struct firm_operation){
			.by = FIRM_PERSON_4, .kind = "key.refresh", .resource = "key:vault", .payload = "{}"},
		arena, response);
}

static void
refresh(struct team *team) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	ask_refresh(team, 0, &arena, &response);
	assert_answer(200, "done", &response);
}

/* By all, of whom one has the key as of an epoch before: it ends at once, at whomever it is asked of, and says what that one needs. */
static void
assert_refresh_names(struct team *team, const char *behind) {
	for (size_t at = 0; at < team->count; at += 2) {
		_cleanup_(arena_free) struct arena arena = {};
		struct ipc_response response;
		int64_t began_ns = io_realtime_ns(team->members[at].house.io);
		ask_refresh(team, at, &arena, &response);
		assert_answer(409, "failed", &response);
		if (!says(&response, "key.behind") ||
		    !says(&response, arena_format(&arena, "gatehouse key repair vault --keeper %s", behind)))
			fail_msg("%.*s", BYTES_ARGS(response.body));
		assert_true(io_realtime_ns(team->members[at].house.io) - began_ns < DEALING_MS / 2 * 1'000'000);
	}
}

/* As `gatehouse key repair` asks for it, at a keeper that has the key as it is. */
static void
repair(struct team *team, size_t at, struct arena *arena, struct ipc_response *response) {
	reshare_vault(team, at, "\"one\",\"two\",\"three\"", "2-of-3", response, arena);
}

static uint64_t next_nonce;

static void
ask_transfer(struct team *team, size_t at, struct arena *arena, struct ipc_response *response) {
	team_submit(team, at, transfer(arena, 10, next_nonce++), arena, response);
}

static bool
signs(struct team *team, size_t at) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	ask_transfer(team, at, &arena, &response);
	return response.status == 200 && says(&response, "\"transaction\":");
}

static void
connect_all(struct team *team) {
	for (size_t i = 0; i < team->count; i++)
		for (size_t j = 0; j < i; j++)
			team_connect(team, i, j);
	team_settle(team);
}

static void
isolate(struct team *team, size_t who) {
	for (size_t i = 0; i < team->count; i++)
		if (i != who)
			team_cut(team, who, i);
	team_settle(team);
}

static void
a_keeper_from_an_old_backup_comes_in_again_by_a_repair(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	struct simulated_disk *backup = nullptr;
	team_found(&team, 3, 401);
	enrol_all(&team);
	team_make_key(&team, "vault", "2-of-3");
	limit_to(&team, 1'550); /* five transfers an hour */
	keep_disk(&team, 2, &backup);
	refresh(&team);
	refresh(&team);
	/* The first and the third spend a fifth of it; the third forgets that. */
	isolate(&team, 1);
	assert_true(signs(&team, 0));
	put_back(&team, 2, &backup);
	assert_int_equal(1, vault_at(&team, 2)->sharing.key.epoch);
	assert_int_equal(0, spent(&team, 2));
	/* Its peers refuse the channel of a log that went back (peers_test); readmitted by them, it still signs nothing. */
	team_connect(&team, 0, 1);
	isolate(&team, 2);
	refuse(&team, 2);
	readmit(&team, 0, 2);
	assert_int_equal(2, state_of(&team, 1)->keepers.of_party[3]->admission);
	assert_int_equal(1, state_of(&team, 2)->keepers.of_party[3]->admission);
	connect_all(&team);
	ask_transfer(&team, 2, &arena, &response);
	assert_answer(409, "failed", &response);
	if (!says(&response, "joint.too_few") || !says(&response, "one has it as of epoch 3, not 1") ||
	    !says(&response, "gatehouse key repair vault --keeper three"))
		fail_msg("%.*s", BYTES_ARGS(response.body));
	assert_int_equal(0, spent(&team, 2)); /* no share has left */
	team_cut(&team, 0, 1);
	ask_transfer(&team, 0, &arena, &response);
	assert_answer(202, "unknown", &response);
	if (!says(&response, "joint.too_few") || !says(&response, "gatehouse key repair vault --keeper three"))
		fail_msg("%.*s", BYTES_ARGS(response.body));
	team_connect(&team, 0, 1);
	/* What was dealt since is not its own as long as it counts its admissions otherwise than they do; it says so. */
	repair(&team, 0, &arena, &response);
	assert_true(response.status >= 400);
	if (!says(&response, "key.behind") || !says(&response, "keeper readmit three"))
		fail_msg("%.*s", BYTES_ARGS(response.body));
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(3, vault_at(&team, i)->sharing.key.epoch);
	readmit(&team, 2, 2); /* the others get it as well, and have done so before */
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(2, state_of(&team, i)->keepers.of_party[3]->admission);
	assert_refresh_names(&team, "three");
	repair(&team, 1, &arena, &response);
	assert_answer(200, "done", &response);
	for (size_t restarts = 0; restarts < 2; restarts++)
		for (size_t i = 0; i < 3; i++) {
			const struct shared_key *key = vault_at(&team, i);
			assert_int_equal(4, key->sharing.key.epoch);
			assert_int_equal(2, key->sharing.admissions[2]);
			assert_non_null(key->share);
			team_stop(&team, i);
			team_start(&team, i);
			team_settle(&team);
		}
	/* With each of the others it signs what is left of the limit, and no more: what it signed and has forgotten the first has told. */
	/* What it permitted and the second did not hear of may be signed, for all it knows. */
	assert_int_equal(TRANSFER_CENTS, spent(&team, 2));
	assert_int_equal(TRANSFER_CENTS, heard(&team, 2));
	isolate(&team, 0);
	assert_true(signs(&team, 2));
	connect_all(&team);
	isolate(&team, 1);
	assert_true(signs(&team, 2));
	assert_true(signs(&team, 2));
	for (size_t i = 0; i < 3; i += 2) {
		ask_transfer(&team, i, &arena, &response);
		if (!says(&response, "hourly"))
			fail_msg("%.*s", BYTES_ARGS(response.body));
	}
}

static bool
count_stored(struct team *team, size_t, size_t, enum peer_kind kind, struct buffer *body) {
	*(size_t *)team->context += kind == PEER_ANSWER && body->data[0] == ANSWER_STORED;
	return true;
}

/* One counts its own admissions otherwise than the others do: that shows before anybody stores a share. */
static void
holders_that_are_admitted_otherwise_are_dealt_nothing(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	size_t stored = 0;
	team_found(&team, 3, 405);
	enrol_all(&team);
	isolate(&team, 2);
	refuse(&team, 2);
	readmit(&team, 0, 2);
	connect_all(&team);
	team.on_message = count_stored;
	team.context = &stored;
	team_ask_key(&team, "vault", "2-of-3", &arena, &response);
	team_settle(&team);
	assert_answer(409, "failed", &response);
	if (!says(&response, "joint.sharing_differs: keeper") || !says(&response, "admitted otherwise"))
		fail_msg("%.*s", BYTES_ARGS(response.body));
	assert_int_equal(0, stored);
	for (size_t i = 0; i < 3; i++)
		assert_false(has_row(&team, i, "vault/1"));
	readmit(&team, 2, 2);
	team_make_key(&team, "vault", "2-of-3");
	assert_true(stored > 0);
}

/* The admission is what shares are dealt to: what names it as it is admitted now leaves nobody out. */
static void
whoever_is_up_to_date_takes_no_other_story(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_found(&team, 3, 402);
	enrol_all(&team);
	team_make_key(&team, "vault", "2-of-3");
	refresh(&team);
	struct sharing now = vault_at(&team, 2)->sharing, other = now;
	struct gate_state *state = state_of(&team, 2);
	assert_false(shared_key_was_left(state, vault_at(&team, 2), &now)); /* of its own epoch */
	other.admissions[2] = 2;
	assert_false(shared_key_was_left(state, vault_at(&team, 2), &other));
	other.key.epoch++;
	assert_true(shared_key_was_left(state, vault_at(&team, 2), &other));
	assert_false(shared_key_is_behind(state, vault_at(&team, 2), &other));
	other.admissions[2] = 1;
	assert_false(shared_key_was_left(state, vault_at(&team, 2), &other));
	assert_true(shared_key_is_behind(state, vault_at(&team, 2), &other));
	other.key.public_key[1] ^= 1;
	assert_false(shared_key_is_behind(state, vault_at(&team, 2), &other));
	/* Readmitted in the epoch that it is of, it is dealt in by the same command. */
	isolate(&team, 2);
	refuse(&team, 2);
	readmit(&team, 2, 2);
	readmit(&team, 0, 2);
	connect_all(&team);
	assert_int_equal(2, state->keepers.of_party[3]->admission);
	team_cut(&team, 0, 1);
	assert_false(signs(&team, 2));
	team_connect(&team, 0, 1);
	repair(&team, 0, &arena, &response);
	assert_answer(200, "done", &response);
	isolate(&team, 1);
	assert_true(signs(&team, 2));
}

/* A backup of the third is made when it has pledged to keep its share and nobody has heard so yet. */
struct backup {
	struct simulated_disk *disk;
	bool fails; /* the first and the second do not hear from each other that they have stored theirs */
};

static bool
back_up(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	struct backup *backup = team->context;
	if (kind == PEER_ANSWER && from == 2 && body->data[0] == ANSWER_PLEDGED && backup->disk == nullptr)
		assert_ok(simulated_disk_copy(team->members[2].disk, &backup->disk, 99));
	return !backup->fails || kind != PEER_ANSWER || body->data[0] != ANSWER_STORED || from == 2 || to == 2;
}

static void
resolve_at(struct team *team, size_t at, const struct hash256 *operation, struct arena *arena,
	   struct ipc_response *response) {
	char hex[2 * sizeof operation->bytes + 1];
	hex_encode(hash256_bytes(operation), hex);
	team_do(team, at,
		(struct firm_operation){.by = FIRM_PERSON_4,
					.kind = "intent.resolve",
					.payload = "{\"happened\":false}",
					.resource = arena_format(arena, "operation:%s", hex)},
		arena, response);
}

/* What became of the dealing whose backup is kept: done by all, or ended by people, where each of two others says never; and the key is dealt
 * on since, by another operation of the same epoch where it failed. */
static struct hash256
deal_with_backup(struct team *team, struct backup *backup) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team->on_message = back_up;
	team->context = backup;
	ask_refresh(team, 0, &arena, &response);
	struct hash256 id = id_of(&response);
	assert_non_null(backup->disk);
	team->on_message = nullptr;
	if (backup->fails) {
		resolve_at(team, 0, &id, &arena, &response);
		assert_answer(200, "done", &response);
	}
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(backup->fails ? OPERATION_FAILED : OPERATION_DONE, team_state(team, i, &id));
	refresh(team);
	refresh(team);
	return id;
}

/* However late: what was pledged of a dealing is kept where it has ended, though the key was dealt anew since. */
static void
a_backup_in_the_middle_of_a_dealing_ends_as_the_others_did(void **) {
	for (size_t fails = 0; fails < 2; fails++) {
		_cleanup_(team_free) struct team team;
		_cleanup_(arena_free) struct arena arena = {};
		struct ipc_response response;
		struct backup backup = {.fails = fails == 1};
		team_found(&team, 3, 403 + fails);
		enrol_all(&team);
		team_make_key(&team, "vault", "2-of-3");
		struct hash256 id = deal_with_backup(&team, &backup);
		uint32_t epoch = vault_at(&team, 0)->sharing.key.epoch;
		simulated_disk_advance_clock(backup.disk, io_realtime_ns(team.members[0].house.io) -
								  io_realtime_ns(simulated_disk_io(backup.disk)));
		put_back(&team, 2, &backup.disk);
		assert_int_equal(OPERATION_UNKNOWN, team_state(&team, 2, &id));
		resolve_at(&team, 2, &id, &arena, &response);
		assert_answer(409, "failed", &response);
		assert_true(says(&response, "operation.acting"));
		refuse(&team, 2);
		readmit(&team, 0, 2);
		readmit(&team, 2, 2);
		connect_all(&team);
		assert_int_equal(backup.fails ? OPERATION_FAILED : OPERATION_DONE, team_state(&team, 2, &id));
		assert_int_equal(backup.fails ? 1 : 2, vault_at(&team, 2)->sharing.key.epoch);
		repair(&team, 0, &arena, &response);
		assert_answer(200, "done", &response);
		assert_int_equal(epoch + 1, vault_at(&team, 2)->sharing.key.epoch);
		isolate(&team, 0);
		assert_true(signs(&team, 2));
	}
}

RUN_TESTS(T(a_backup_in_the_middle_of_a_dealing_ends_as_the_others_did),
	  T(a_keeper_from_an_old_backup_comes_in_again_by_a_repair),
	  T(holders_that_are_admitted_otherwise_are_dealt_nothing), T(whoever_is_up_to_date_takes_no_other_story))
