/*
 * A keeper goes, by its process or by its machine's power, before any message of whatever deals a key, by ECDSA and FROST's schemes: made
 * among four, refreshed, with who comes in, who leaves, who lost everything; and while three of four sign. It comes back, all find each other
 * again, and then: the new shares are at all holders, the same, or at none; what was signed is counted by as many as signed; and the key signs.
 * Or its disk is put back to what it was before a message, as tests/team_rollback.h does it: the others part in nothing, and sign without it.
 * GATEHOUSE_SOAK=1 goes by every keeper at one message in SHARE, and is put back at one in PUT_BACK_SHARE of all messages, keepers and
 * times, which ones GATEHOUSE_SEED says; else at some.
 */
#include "tests/counted_cents.h"
#include "tests/soak.h"
#include "tests/team_ceremonies.h"
#include "tests/team_going.h"
#include "tests/team_rollback.h"

constexpr uint64_t SHARE = 8;
constexpr uint64_t PUT_BACK_SHARE =
	37; /* of no factor in common with keepers and times, so that each seed tries them all */

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

/* The operation that the first keeper is asked for. */
static struct hash256
request_of(struct firm_operation asked, struct arena *arena, struct ipc_request *request) {
	struct house *house = &base.team.members[0].house;
	struct hash256 operation;
	asked.idempotency_key = "the-one";
	house_request(house, arena, asked, request);
	assert_ok(operation_id(BYTES_OF_LITERAL(HOUSE_INSTANCE), bytes_of_text(house->firm.members[asked.by].principal),
			       request->idempotency_key, &operation));
	return operation;
}

/* The same, while one goes. */
static struct hash256
run_with(struct firm_operation asked, struct going *going) {
	struct team *team = &base.team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_request request;
	struct hash256 operation = request_of(asked, &arena, &request);
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

static struct firm_operation
asked_transfer(struct arena *arena) {
	struct firm_operation asked;
	if (base.scheme != &KINDS[0])
		return transfer(&base.team, base.scheme == &KINDS[1] ? &SCHEMES[0] : &SCHEMES[1], 3, arena);
	asked = house_sign(house_transfer(arena, 1, 3, 30));
	asked.resource = "key:vault";
	return asked;
}

static uint64_t
sign_with(struct going *going) {
	struct team *team = &base.team;
	_cleanup_(arena_free) struct arena arena = {};
	put_back_all();
	struct hash256 operation = run_with(asked_transfer(&arena), going);
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
found_signers(size_t scheme, uint64_t seed) {
	team_found(&base.team, 4, seed + scheme);
	learn(&base.team, 0);
	make_key_among(&base.team, &KINDS[scheme], all_of(&base.team), "3-of-4");
	begin(&KINDS[scheme]);
}

static void
what_three_of_four_signed_counts_whoever_goes(void **) {
	for (size_t s = 0; s < ARRAY_LENGTH(KINDS); s++) {
		struct going nobody = {.at = UINT64_MAX};
		uint64_t gone = 0;
		found_signers(s, 81);
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

/* --- A disk that is put back. --- */

static uint64_t times_put_back;

static bool
is_refused(const struct rollback *rollback) {
	return rollback->is_refused && rollback->is_behind;
}

/* What that keeper has counted, or heard that others have. */
static int64_t
counted_at(size_t at) {
	struct gate_state *state = state_of(&base.team, at);
	return spent_at(at) + counted_cents(&state->counted, state->limits, base.scheme->key, LIMIT_DAY,
					    ledger_time_ms(keeper_ledger(base.team.members[at].house.keeper)));
}

static void
cut_off(size_t who) {
	for (size_t i = 0; i < base.team.count; i++)
		if (i != who)
			team_cut(&base.team, who, i);
	team_settle(&base.team);
}

/* What the first keeper is asked, while one goes back; then the one that may have forgotten is asked the same. */
static void
ask_and_go_back(struct firm_operation asked, struct rollback *rollback) {
	struct team *team = &base.team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_request request;
	rollback->operation = request_of(asked, &arena, &request);
	team_ask_rolled_back(team, &request, rollback);
	team_ask(team, rollback->who, &request);
	team_settle(team);
	team_pass_ms(team, 60'000);
	team_settle(team);
}

static bool
has_new_share(const struct ceremony *ceremony, size_t at) {
	const struct shared_key *key = key_at(&base.team, at, base.scheme);
	uint32_t epoch = ceremony->is_made ? 1 : 2;
	return key != nullptr && key->sharing.key.epoch == epoch &&
	       (key->share != nullptr || key->frost_share != nullptr);
}

/* It has ended for those that did not go: each has the new share or none has, and they say the same of it. So does the one that went, where its log was as
 * it is: nobody could know that it went. */
static bool
assert_dealt_alike(const struct ceremony *ceremony, const struct rollback *rollback) {
	struct hash256 first = {};
	size_t holders = 0, have = 0;
	for (size_t i = 0; i < base.team.count; i++) {
		enum operation_state state = team_state(&base.team, i, &rollback->operation);
		struct hash256 hash;
		outcomes[state]++;
		if (!has(ceremony->members, i) || (i == rollback->who && rollback->is_behind))
			continue;
		if (state != OPERATION_DONE && state != OPERATION_FAILED)
			fail_msg("keeper %zu: the operation has not ended, as state %d", i, state);
		holders++;
		if (!has_new_share(ceremony, i)) {
			assert_int_not_equal(OPERATION_DONE, state);
			continue;
		}
		assert_int_equal(OPERATION_DONE, state);
		assert_ok(sharing_hash(&key_at(&base.team, i, base.scheme)->sharing, &hash));
		if (have++ == 0)
			first = hash;
		assert_true(hash256_equal(&first, &hash));
	}
	if (have != 0 && have != holders)
		fail_msg("%s, %s, keeper %zu goes back: %zu of %zu others have the new shares", base.scheme->name,
			 ceremony->name, rollback->who, have, holders);
	return have != 0;
}

/* Those that have a share of the epoch that is in force sign without the one that went back, once people have removed it (§16, Leaving). */
static void
assert_others_sign(const struct ceremony *ceremony, const struct rollback *rollback, bool is_dealt) {
	size_t signers = 0, last = 0,
	       needed = is_dealt && ceremony->threshold != nullptr ? (size_t)(ceremony->threshold[0] - '0') : 2;
	for (size_t i = 0; i < base.team.count; i++) {
		bool has_share = is_dealt ? has_new_share(ceremony, i) : i < 3 && i + 1 != ceremony->lost;
		if (i == rollback->who || !has_share)
			continue;
		signers++;
		last = i;
	}
	cut_off(rollback->who);
	for (size_t i = 0; i < base.team.count; i++) /* it was to leave as well, and a newcomer waits for its word */
		if (i != rollback->who)
			team_remove(&base.team, i, rollback->who);
	if (signers >= needed)
		assert_signs(&base.team, last, base.scheme, 7);
	else
		assert_true(!is_dealt && ceremony->lost != 0); /* it was one of the two that were left */
}

static void
deal_and_go_back(const struct ceremony *ceremony, struct rollback *rollback) {
	struct team *team = &base.team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	put_back_all();
	ask_and_go_back(ceremony_operation(team, base.scheme, ceremony, &arena), rollback);
	bool is_dealt = assert_dealt_alike(ceremony, rollback);
	rollback->is_over = true;
	if (is_dealt || !ceremony->is_made) {
		assert_others_sign(ceremony, rollback, is_dealt);
		return;
	}
	if (rollback->is_behind)
		return; /* nothing is made without it */
	team_do(team, 0, ceremony_operation(team, base.scheme, ceremony, &arena), &arena, &response);
	assert_answer(200, "done", &response);
}

/* Nobody says of it that it failed where there is a signature; there is one, the same for all; and whoever may have given a share counts. */
static void
assert_signed_as_all_say(struct rollback *rollback) {
	for (size_t i = 0; i < base.team.count; i++) {
		enum operation_state state = team_state(&base.team, i, &rollback->operation);
		note_transaction(&base.team, rollback, i);
		outcomes[state]++;
		if (state == OPERATION_DONE || state == OPERATION_UNKNOWN)
			assert_true(spent_at(i) > 0);
		if (i == rollback->who && is_refused(rollback))
			continue; /* it hears from nobody, and may be asked alone for what it has forgotten */
		assert_true(state == OPERATION_DONE || state == OPERATION_UNKNOWN || state == OPERATION_FAILED);
		if (rollback->is_signed && state == OPERATION_FAILED)
			fail_msg("keeper %zu says that it failed, and it is signed", i);
	}
	assert_one_signature(rollback);
}

static void
sign_and_go_back(const struct ceremony *, struct rollback *rollback) {
	struct team *team = &base.team;
	_cleanup_(arena_free) struct arena arena = {};
	size_t other = rollback->who == 0 ? 1 : 0;
	put_back_all();
	int64_t before = counted_at(other);
	ask_and_go_back(asked_transfer(&arena), rollback);
	assert_signed_as_all_say(rollback);
	rollback->is_over = true;
	int64_t once = counted_at(other) - before;
	cut_off(rollback->who);
	assert_signs(team, other, base.scheme, 7);
	for (size_t i = 0; i < team->count; i++)
		if (i != rollback->who && counted_at(i) < (rollback->is_signed ? 2 * once : once))
			fail_msg("keeper %zu counts %lld cents", i, (long long)counted_at(i));
}

/* All messages, keepers, times and both ways in one order; some of them, or in soak a share. */
static void
go_back_at_all_points(const char *name, void (*go)(const struct ceremony *, struct rollback *),
		      const struct ceremony *ceremony) {
	static const uint64_t LATER[] = {1, 5, WHEN_ENDED};
	constexpr uint64_t OF_A_KEEPER = 2 * ARRAY_LENGTH(LATER);
	uint64_t of_a_message = OF_A_KEEPER * base.team.count, tried = 0;
	struct rollback never = {.at = UINT64_MAX, .prepares = true};
	go(ceremony, &never);
	rollback_free(&never);
	assert_true(never.messages > 0);
	memset(outcomes, 0, sizeof outcomes);
	uint64_t stride = team_is_soak() ? PUT_BACK_SHARE : of_a_message * (never.messages / 2) + 7;
	for (uint64_t n = soak_share(stride); n < of_a_message * never.messages; n += stride, tried++) {
		struct rollback now = {.prepares = true, .is_refused = n % 2 == 1};
		now.later = LATER[n / 2 % ARRAY_LENGTH(LATER)];
		now.who = n / OF_A_KEEPER % base.team.count;
		now.at = n / of_a_message;
		go(ceremony, &now);
		rollback_free(&now);
	}
	times_put_back += tried;
	print_outcomes(name, never.messages, 0);
}

static void
a_disk_put_back_while_a_key_is_dealt_parts_no_others(void **) {
	for (size_t s = 0; s < ARRAY_LENGTH(KINDS); s++)
		for (size_t i = 0; i < ARRAY_LENGTH(CEREMONIES); i++) {
			if (!is_tried(&KINDS[s], i))
				continue;
			found_for_ceremony(&base.team, &KINDS[s], &CEREMONIES[i], 271 + i);
			begin(&KINDS[s]);
			go_back_at_all_points(CEREMONIES[i].name, deal_and_go_back, &CEREMONIES[i]);
			end();
		}
}

static void
a_disk_put_back_gives_no_second_signature_of_three_of_four(void **) {
	for (size_t s = 0; s < ARRAY_LENGTH(KINDS); s++) {
		found_signers(s, 281);
		go_back_at_all_points("signed by 3 of 4", sign_and_go_back, nullptr);
		end();
	}
}

static int
say_how_often(void **) {
	print_message("# result keepers_gone_in_ceremonies %llu\n", (unsigned long long)times_gone);
	print_message("# result keepers_put_back_in_ceremonies %llu\n", (unsigned long long)times_put_back);
	return 0;
}

int
main(void) {
	static const struct CMUnitTest tests[] = {T(an_ecdsa_key_is_dealt_to_all_or_to_none),
						  T(an_ed25519_key_is_dealt_to_all_or_to_none),
						  T(a_bip340_key_is_dealt_to_all_or_to_none),
						  T(what_three_of_four_signed_counts_whoever_goes),
						  T(a_disk_put_back_while_a_key_is_dealt_parts_no_others),
						  T(a_disk_put_back_gives_no_second_signature_of_three_of_four)};
	return cmocka_run_group_tests(tests, nullptr, say_how_often);
}
