/*
 * A keeper's process is killed before any message of whatever deals a key, and is started anew at once: made among four, refreshed, with
 * who comes in, who leaves, who lost everything; by ECDSA and FROST's schemes. Nobody does anything, and the dealing ends well at all
 * holders, with the same key; no frame was ever sent in two forms; nothing of it is left; and the key signs.
 * GATEHOUSE_SOAK=1 kills every keeper, and two of them, at one message in SHARE, which ones GATEHOUSE_SEED says; else at some.
 */
#include "tests/soak.h"
#include "tests/team_ceremonies.h"

#include "keeper/threshold_internal.h"

constexpr uint64_t SHARE = 16;

/* Where all begins: what is on the disks then. */
static struct {
	struct team team;
	struct simulated_disk *disks[TEAM_MAX];
	const struct scheme *scheme;
	uint64_t seed;
} base;

static uint64_t times_killed; /* in all */

/* Who is killed before which messages, counted from when this was armed. */
struct killing {
	size_t count;
	struct {
		size_t who;
		uint64_t at;
	} of[4];
	size_t done;
	bool is_power;
	uint64_t counted;
	struct hash256 sent[TEAM_MAX][TEAM_MAX][256]; /* from, to, type */
	size_t frames;
};

static bool
is_frame_of_dealing(enum peer_kind kind, const struct buffer *body) {
	for (size_t round = 0; kind == PEER_PROTOCOL && round < DEALING_ROUNDS; round++)
		if (body->data[6] == DEALING_MESSAGES[round].type ||
		    body->data[6] == FROST_DEALING_MESSAGES[round].type)
			return true;
	return false;
}

/* What was sent once is never sent otherwise, and nobody ends the session. */
static void
note_frame(struct killing *killing, size_t from, size_t to, const struct buffer *body) {
	static const struct hash256 none;
	struct hash256 *first = &killing->sent[from][to][body->data[6]];
	struct hash256 hash = sha256(buffer_bytes(body));
	if (!hash256_equal(first, &none) && !hash256_equal(first, &hash))
		fail_msg("keeper %zu has sent two different frames of type %u to %zu", from, body->data[6], to);
	*first = hash;
	killing->frames++;
}

static bool
kill_one(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	struct killing *killing = team->context;
	bool passes = true;
	if (is_frame_of_dealing(kind, body))
		note_frame(killing, from, to, body);
	for (; killing->done < killing->count && killing->of[killing->done].at == killing->counted; killing->done++) {
		size_t who = killing->of[killing->done].who;
		team_stop(team, who);
		if (killing->is_power)
			simulated_disk_lose_power(team->members[who].disk);
		team_start(team, who);
		passes = passes && from != who && to != who;
	}
	killing->counted++;
	return passes;
}

static void
begin(const struct scheme *scheme) {
	base.scheme = scheme;
	for (size_t i = 0; i < base.team.count; i++)
		assert_ok(ledger_commit_now(keeper_ledger(base.team.members[i].house.keeper)));
	team_keep(&base.team, base.disks);
}

static void
end(void) {
	for (size_t i = 0; i < TEAM_MAX; i++)
		simulated_disk_destroy(&base.disks[i]);
	team_free(&base.team);
}

static enum status
count_row(void *context, struct bytes, struct bytes) {
	++*(size_t *)context;
	return OK;
}

static void
assert_nothing_is_left(struct team *team, size_t at) {
	struct secrets *journals = team->members[at].house.keeper->threshold->journals;
	size_t rows = 0;
	if (journals != nullptr)
		assert_ok(secrets_visit(journals, "dealing", count_row, &rows));
	assert_int_equal(0, rows);
}

/* Not one that is killed: its stack is below. */
static size_t
asker_of(const struct ceremony *ceremony, const struct killing *killing) {
	for (size_t i = 0; i < TEAM_MAX; i++) {
		bool is_killed = false;
		for (size_t k = 0; k < killing->count; k++)
			is_killed = is_killed || killing->of[k].who == i;
		if (has(ceremony->dealers, i) && !is_killed)
			return i;
	}
	fail_msg("nobody is left to ask");
	return 0;
}

/* How many messages there are. */
static uint64_t
deal_with(const struct ceremony *ceremony, struct killing *killing) {
	struct team *team = &base.team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	struct hash256 first = {};
	size_t have = 0, asker = asker_of(ceremony, killing);
	team->on_message = nullptr;
	team_put_back(team, base.disks, 1000 + 10 * base.seed++);
	struct firm_operation asked = ceremony_operation(team, base.scheme, ceremony, &arena);
	team->on_message = kill_one;
	team->context = killing;
	team_submit(team, asker, asked, &arena, &response);
	uint64_t messages = killing->counted; /* until it was answered: what is prepared afterwards is none of it */
	team_settle(team);
	team->on_message = nullptr;
	if (response.status != 200)
		fail_msg("%s, %s, keeper %zu killed at %llu: %u %.*s", base.scheme->name, ceremony->name,
			 killing->of[0].who, (unsigned long long)killing->of[0].at, response.status,
			 BYTES_ARGS(response.body));
	for (size_t i = 0; i < team->count; i++) {
		if (!has(ceremony->members, i))
			continue;
		const struct shared_key *key = key_at(team, i, base.scheme);
		struct hash256 hash, operation = id_of(&response);
		assert_int_equal(OPERATION_DONE, team_state(team, i, &operation));
		assert_true(key->share != nullptr || key->frost_share != nullptr);
		assert_int_equal(ceremony->is_made ? 1 : 2, key->sharing.key.epoch);
		assert_ok(sharing_hash(&key->sharing, &hash));
		if (have++ == 0)
			first = hash;
		assert_true(hash256_equal(&first, &hash));
		assert_nothing_is_left(team, i);
	}
	times_killed += killing->done;
	return messages;
}

static void
assert_still_signs(const struct ceremony *ceremony) {
	for (size_t i = 0; i < 2; i++)
		if (has(ceremony->members, i))
			assert_signs(&base.team, i, base.scheme, 7 + (uint32_t)i);
}

/* Both orders of whoever is there. */
static void
kill_two(const struct ceremony *ceremony, uint64_t messages, size_t who, uint64_t at) {
	for (size_t other = 0; other < 4; other++) {
		size_t third = 0;
		for (size_t i = 0; i < 4; i++)
			third += has(ceremony->dealers, i) && i != who && i != other;
		if (!has(ceremony->members, other) || third == 0)
			continue;
		deal_with(ceremony,
			  &(struct killing){.count = 2, .of = {{who, at}, {other, at + (other * 7) % messages}}});
	}
}

static void
deal_at_all_points(const struct scheme *scheme, const struct ceremony *ceremony, uint64_t seed) {
	struct killing nobody = {};
	uint64_t killed = 0;
	found_for_ceremony(&base.team, scheme, ceremony, seed);
	begin(scheme);
	uint64_t messages = deal_with(ceremony, &nobody);
	assert_true(nobody.frames > 0);
	uint64_t step = team_is_soak() ? SHARE : scheme->sharing == KEY_SHARED_ECDSA ? messages : 29;
	for (size_t who = 0; who < 4; who++)
		for (uint64_t at = team_is_soak() ? soak_share(SHARE) : (17 * who + 13 * seed) % step; at < messages;
		     at += step) {
			if (!has(ceremony->members, who))
				continue;
			deal_with(ceremony,
				  &(struct killing){.count = 1, .of = {{who, at}}, .is_power = (killed & 1) != 0});
			if (killed++ % 17 == 0)
				assert_still_signs(ceremony);
			if (team_is_soak())
				kill_two(ceremony, messages, who, at);
		}
	assert_true(killed > 0);
	print_message("# %s, %s: %llu messages, %llu times killed\n", scheme->name, ceremony->name,
		      (unsigned long long)messages, (unsigned long long)killed);
	end();
}

static void
deal_in_all(const struct scheme *scheme) {
	for (size_t i = 0; i < ARRAY_LENGTH(CEREMONIES); i++)
		if (team_is_soak() || scheme->sharing != KEY_SHARED_ECDSA || (i & 1) != 0)
			deal_at_all_points(scheme, &CEREMONIES[i], 171 + i);
}

static void
an_ecdsa_key_is_dealt_whoever_is_killed(void **) {
	deal_in_all(&KINDS[0]);
}

static void
an_ed25519_key_is_dealt_whoever_is_killed(void **) {
	deal_in_all(&KINDS[1]);
}

static void
a_bip340_key_is_dealt_whoever_is_killed(void **) {
	deal_in_all(&KINDS[2]);
}

/* --- What is lost with a process. --- */

constexpr size_t LOST = 1;

static void
start_anew(struct team *team) {
	team_stop(team, LOST);
	team_start(team, LOST);
}

/* The request is on its way to it when it is killed, and the others deal already. */
static bool
lose_request(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	bool *is_lost = team->context;
	if (*is_lost || to != LOST)
		return true;
	if (is_frame_of_dealing(kind, body)) {
		*is_lost = true;
		start_anew(team);
	}
	return from != 0 || kind != PEER_REQUEST ? !*is_lost : false;
}

/* Its last frame to the first keeper is on its way when it has stored its share, and is killed. */
static bool
lose_last_frame(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	bool *is_lost = team->context;
	if (*is_lost || from != LOST)
		return true;
	if (is_frame_of_dealing(kind, body) && body->data[6] == FROST_DEALING_MESSAGES[2].type && to == 0)
		return false;
	if (kind != PEER_ANSWER || body->data[0] != ANSWER_STORED)
		return true;
	*is_lost = true;
	start_anew(team);
	return false;
}

/* It is killed before the others begin, and there again when they have. */
static bool
lose_for_a_while(struct team *team, size_t, size_t to, enum peer_kind kind, struct buffer *body) {
	bool *is_lost = team->context;
	const struct team_member *lost = &team->members[LOST];
	if (!*is_lost && kind == PEER_REQUEST && to == 2) {
		*is_lost = true;
		team_stop(team, LOST);
	} else if (*is_lost && !lost->is_open && is_frame_of_dealing(kind, body)) {
		team_pass_ms(team, 2'000);
		team_start(team, LOST);
	}
	return true;
}

static void
deal_losing(bool (*lose)(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body)) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	bool is_lost = false;
	found_for_ceremony(&team, &KINDS[1], &CEREMONIES[1], 371);
	team.on_message = lose;
	team.context = &is_lost;
	team_submit(&team, 0, ceremony_operation(&team, &KINDS[1], &CEREMONIES[1], &arena), &arena, &response);
	team_settle(&team);
	team.on_message = nullptr;
	assert_true(is_lost);
	assert_answer(200, "done", &response);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(2, key_at(&team, i, &KINDS[1])->sharing.key.epoch);
	assert_signs(&team, LOST, &KINDS[1], 9);
}

static void
who_has_not_heard_of_it_is_asked_again(void **) {
	deal_losing(lose_request);
}

static void
the_last_frame_is_said_again_by_who_has_stored(void **) {
	deal_losing(lose_last_frame);
}

static void
a_dealing_begins_while_a_holder_is_being_started_anew(void **) {
	deal_losing(lose_for_a_while);
}

static int
say_how_often(void **) {
	print_message("# result keepers_killed_in_dealings %llu\n", (unsigned long long)times_killed);
	return 0;
}

int
main(void) {
	static const struct CMUnitTest tests[] = {T(an_ecdsa_key_is_dealt_whoever_is_killed),
						  T(who_has_not_heard_of_it_is_asked_again),
						  T(the_last_frame_is_said_again_by_who_has_stored),
						  T(a_dealing_begins_while_a_holder_is_being_started_anew),
						  T(an_ed25519_key_is_dealt_whoever_is_killed),
						  T(a_bip340_key_is_dealt_whoever_is_killed)};
	return cmocka_run_group_tests(tests, nullptr, say_how_often);
}
