/*
 * A keeper goes, by its process or by its machine's power, before any message of whatever deals a key, by ECDSA and FROST's schemes: made
 * among four, refreshed, with who comes in, who leaves, who lost everything; and while three of four sign. It comes back, all find each other
 * again, and then: the new shares are at all holders, the same, or at none; what was signed is counted by as many as signed; and the key signs.
 * GATEHOUSE_SOAK=1 goes by every keeper at one message in SHARE, which ones GATEHOUSE_SEED says; else at some.
 */
#include "tests/soak.h"
#include "tests/team_ceremonies.h"
#include "tests/team_going.h"

constexpr uint64_t SHARE = 8;

/* Where all begins: what is on the disks then. */
static struct {
	struct team team;
	struct simulated_disk *disks[TEAM_MAX];
	const struct scheme *scheme;
	uint64_t seed;
} base;

static void
begin(const struct scheme *scheme) {
	base.scheme = scheme;
	for (size_t i = 0; i < base.team.count; i++)
		assert_ok(ledger_commit_now(
			keeper_ledger(base.team.members[i].house.keeper))); /* what nobody waits for */
	team_keep(&base.team, base.disks);
}

static void
end(void) {
	for (size_t i = 0; i < TEAM_MAX; i++)
		simulated_disk_destroy(&base.disks[i]);
	team_free(&base.team);
}

static uint64_t times_gone;                   /* in all */
static size_t outcomes[OPERATION_STATES + 1]; /* at keepers; the last: it never heard of it */

static void
print_outcomes(const char *name, uint64_t messages, uint64_t gone) {
	times_gone += gone;
	print_message("# %s, %s: %llu messages, %llu times gone", base.scheme->name, name, (unsigned long long)messages,
		      (unsigned long long)gone);
	for (size_t i = 0; i < OPERATION_STATES; i++)
		if (outcomes[i] > 0)
			print_message(", %zu %s", outcomes[i], operation_state_name((enum operation_state)i));
	print_message("\n");
	memset(outcomes, 0, sizeof outcomes);
}

static void
put_back_all(void) {
	base.team.on_message = nullptr;
	team_put_back(&base.team, base.disks, 1000 + 10 * base.seed++);
}

/* An operation asked of the first keeper, while one goes. */
static struct hash256
run_with(struct firm_operation asked, struct going *going) {
	struct team *team = &base.team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_request request;
	struct hash256 operation;
	asked.idempotency_key = "the-one";
	house_request(&team->members[0].house, &arena, asked, &request);
	assert_ok(operation_id(BYTES_OF_LITERAL(HOUSE_INSTANCE),
			       bytes_of_text(team->members[0].house.firm.members[asked.by].principal),
			       request.idempotency_key, &operation));
	team->on_message = team_go;
	team->context = going;
	team_ask(team, 0, &request);
	team_settle(team);
	team_come_back(team, going);
	return operation;
}

/* --- Dealings. --- */

static uint64_t
deal_with(const struct ceremony *ceremony, struct going *going) {
	struct team *team = &base.team;
	_cleanup_(arena_free) struct arena arena = {};
	struct hash256 first = {}, operation;
	size_t holders = 0, have = 0;
	put_back_all();
	operation = run_with(ceremony_operation(team, base.scheme, ceremony, &arena), going);
	assert_ended(team, &operation);
	for (size_t i = 0; i < team->count; i++) {
		const struct shared_key *key = key_at(team, i, base.scheme);
		uint32_t before = !ceremony->is_made && i < 3 && i + 1 != ceremony->lost;
		enum operation_state state = team_state(team, i, &operation);
		outcomes[state]++;
		if (!has(ceremony->members, i))
			continue;
		holders++;
		if (key == nullptr || key->sharing.key.epoch == before) {
			assert_true(state != OPERATION_DONE);
			assert_int_equal(before, key != nullptr);
			continue;
		}
		struct hash256 hash;
		assert_int_equal(OPERATION_DONE, state);
		assert_true(key->share != nullptr || key->frost_share != nullptr);
		assert_ok(sharing_hash(&key->sharing, &hash));
		if (have++ == 0)
			first = hash;
		assert_true(hash256_equal(&first, &hash));
	}
	if (have != 0 && have != holders)
		fail_msg("%s, %s, keeper %zu goes at %llu: %zu of %zu holders have the new shares", base.scheme->name,
			 ceremony->name, going->who, (unsigned long long)going->at, have, holders);
	/* It signs, as it is; what is not there yet is made. */
	if (!ceremony->is_made || have > 0) {
		bool has_share = has(ceremony->members, going->who) && going->who != 3 &&
				 (have > 0 || going->who + 1 != ceremony->lost);
		assert_signs(team, has_share ? going->who : 0, base.scheme, 7);
		return going->counted;
	}
	struct ipc_response response;
	team_do(team, 0, ceremony_operation(team, base.scheme, ceremony, &arena), &arena, &response);
	assert_answer(200, "done", &response);
	return going->counted;
}

static void
deal_at_all_points(const struct scheme *scheme, const struct ceremony *ceremony, uint64_t seed) {
	struct going nobody = {.at = UINT64_MAX};
	uint64_t gone = 0;
	found_for_ceremony(&base.team, scheme, ceremony, seed);
	begin(scheme);
	uint64_t messages = deal_with(ceremony, &nobody);
	for (size_t who = 0; who < 4; who++)
		for (uint64_t at = team_is_soak() ? soak_share(SHARE) : (17 * who + 13 * seed) % messages;
		     at < messages; at += team_is_soak() ? SHARE : messages) {
			struct going going = {.who = who, .at = at, .is_power = (gone & 1) != 0};
			if (!has(ceremony->members, who) || (!team_is_soak() && (who + seed) % 2 == 0))
				continue;
			deal_with(ceremony, &going);
			gone++;
		}
	assert_true(gone > 0);
	print_outcomes(ceremony->name, messages, gone);
	end();
}

/* Each by one of FROST's schemes; by ECDSA where somebody gets a share again (the rest is threshold_crash_test). */
static bool
is_tried(const struct scheme *scheme, size_t ceremony) {
	return team_is_soak() || (scheme == &KINDS[0] ? ceremony == 4 : scheme == &KINDS[1 + ceremony % 2]);
}

static void
deal_in_all(const struct scheme *scheme) {
	for (size_t i = 0; i < ARRAY_LENGTH(CEREMONIES); i++)
		if (is_tried(scheme, i))
			deal_at_all_points(scheme, &CEREMONIES[i], 71 + i);
}

static void
an_ecdsa_key_is_dealt_to_all_or_to_none(void **) {
	deal_in_all(&KINDS[0]);
}

static void
an_ed25519_key_is_dealt_to_all_or_to_none(void **) {
	deal_in_all(&KINDS[1]);
}

static void
a_bip340_key_is_dealt_to_all_or_to_none(void **) {
	deal_in_all(&KINDS[2]);
}

/* --- Signing, by three of four. --- */

static int64_t
spent_at(size_t at) {
	struct gate_state *state = state_of(&base.team, at);
	return limits_sum(state->limits, LIMIT_KEY, bytes_of_text(base.scheme->key), LIMIT_DAY, state->now_ms, nullptr,
			  0);
}

static uint64_t
sign_with(struct going *going) {
	struct team *team = &base.team;
	_cleanup_(arena_free) struct arena arena = {};
	struct scheme known = base.scheme == &KINDS[0] ? KINDS[0] : base.scheme == &KINDS[1] ? SCHEMES[0] : SCHEMES[1];
	struct firm_operation asked;
	put_back_all();
	if (base.scheme == &KINDS[0]) {
		asked = house_sign(house_transfer(&arena, 1, 3, 30));
		asked.resource = "key:vault";
	} else
		asked = transfer(team, &known, 3, &arena);
	struct hash256 operation = run_with(asked, going);
	size_t done = 0, reserved = 0;
	for (size_t i = 0; i < team->count; i++) {
		enum operation_state state = team_state(team, i, &operation);
		outcomes[state]++;
		done += state == OPERATION_DONE;
		reserved += spent_at(i) > 0;
		if (state == OPERATION_DONE || state == OPERATION_UNKNOWN)
			assert_true(spent_at(i) > 0);
	}
	assert_true(done == 0 || reserved >= 3); /* as many as have signed */
	assert_signs(team, going->who, base.scheme, 9);
	return going->counted;
}

static void
what_three_of_four_signed_counts_whoever_goes(void **) {
	for (size_t s = 0; s < ARRAY_LENGTH(KINDS); s++) {
		struct going nobody = {.at = UINT64_MAX};
		uint64_t gone = 0;
		team_found(&base.team, 4, 81 + s);
		learn(&base.team, 0);
		make_key_among(&base.team, &KINDS[s], all_of(&base.team), "3-of-4");
		begin(&KINDS[s]);
		uint64_t messages = sign_with(&nobody);
		for (size_t who = 0; who < 4; who++)
			for (uint64_t at = team_is_soak() ? soak_share(SHARE) : (11 * who + 7 * s) % messages;
			     at < messages; at += team_is_soak() ? SHARE : messages) {
				struct going going = {.who = who, .at = at, .is_power = (gone & 1) != 0};
				if (!team_is_soak() && (who + s) % 2 == 0)
					continue;
				sign_with(&going);
				gone++;
			}
		print_outcomes("signed by 3 of 4", messages, gone);
		end();
	}
}

static int
say_how_often(void **) {
	print_message("# result keepers_gone_in_ceremonies %llu\n", (unsigned long long)times_gone);
	return 0;
}

int
main(void) {
	static const struct CMUnitTest tests[] = {
		T(an_ecdsa_key_is_dealt_to_all_or_to_none), T(an_ed25519_key_is_dealt_to_all_or_to_none),
		T(a_bip340_key_is_dealt_to_all_or_to_none), T(what_three_of_four_signed_counts_whoever_goes)};
	return cmocka_run_group_tests(tests, nullptr, say_how_often);
}
