/*
 * A keeper goes, by its process or by its machine's power, before any message that it is to hear: while a shared key is made, and while
 * a transfer is signed. It comes back, all find each other again, and then: a key is at all keepers, the same, or at none; a
 * signature that one keeper has, no other contradicts; what is not known stays so by name; no limit is given back for what may have
 * been released; and a fresh key is made and signs.
 * Or its disk is put back to what it was before a message, and it begins anew from there before a later one, or when all has ended, while
 * a key is made or refreshed and while a transfer is signed, with presignatures, in full rounds, and where a check fails.
 * GATEHOUSE_SOAK=1 goes at every message, by every keeper, and is put back at one in five of all messages, keepers and times: GATEHOUSE_SEED
 * says which.
 */
#include "tests/test.h"
#include "tests/soak.h"
#include "tests/team_going.h"
#include "tests/team_limits.h"
#include "tests/team_rollback.h"

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

/* --- A disk that is put back. --- */

/* Three keepers, and the same with the key "vault": every case begins there. */
static struct {
	struct team team;
	struct simulated_disk *without[TEAM_MAX], *with[TEAM_MAX];
	uint64_t seed;
} base;
static uint64_t times_put_back;

static int
found_base(void **) {
	team_found(&base.team, 3, 77);
	team_keep(&base.team, base.without);
	team_make_key(&base.team, "vault", "2-of-3");
	team_settle(&base.team);
	team_keep(&base.team, base.with);
	return 0;
}

static size_t
other_than(const struct rollback *rollback, size_t number) {
	return (rollback->who + 1 + number) % 3;
}

/* The two others sign without it, and each counts, or has heard from the other, all that was signed. */
static void
assert_others_sign(struct rollback *rollback) {
	static uint64_t nonce = 1000;
	rollback->is_over = true;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	for (size_t i = 0; i < 2; i++)
		team_cut(&base.team, rollback->who, other_than(rollback, i));
	team_settle(&base.team);
	team_submit(&base.team, other_than(rollback, 0), transfer(&arena, 10, nonce++), &arena, &response);
	assert_answer(200, "done", &response);
	for (size_t i = 0; i < 2; i++) {
		size_t at = other_than(rollback, i);
		int64_t sum = spent(&base.team, at) + heard(&base.team, at);
		if (sum < TRANSFER_CENTS * (rollback->is_signed ? 2 : 1))
			fail_msg("keeper %zu counts %lld cents", at, (long long)sum);
	}
}

/* Nobody says of it that it failed where there is a signature; there is one, the same for all; and whoever may have given a share counts.
 * Only one that is refused may say so: it has forgotten that others were asked, hears from nobody, and is asked alone. */
static void
assert_signed_as_all_say(struct rollback *rollback) {
	for (size_t i = 0; i < 3; i++) {
		enum operation_state state = team_state(&base.team, i, &rollback->operation);
		bool is_alone = i == rollback->who && base.team.is_cut[i][other_than(rollback, 0)];
		note_transaction(&base.team, rollback, i);
		outcomes[state]++;
		if (state == OPERATION_DONE || state == OPERATION_UNKNOWN)
			assert_true(spent(&base.team, i) > 0);
		if (!is_alone)
			assert_true(state == OPERATION_DONE || state == OPERATION_UNKNOWN || state == OPERATION_FAILED);
		if (!is_alone && rollback->is_signed && state == OPERATION_FAILED)
			fail_msg("keeper %zu says that it failed, and it is signed", i);
	}
	assert_one_signature(rollback);
}

/* Of a pair both ends are there or neither, as far as the two have spoken. */
static void
assert_pairs_agree(void) {
	for (uint8_t i = 0; i < 3; i++)
		for (uint8_t j = 0; j < i; j++) {
			if (base.team.is_cut[i][j])
				continue;
			bool here = ecdsa_share_pair(vault_at(&base.team, i)->share, j + 1)->ready,
			     there = ecdsa_share_pair(vault_at(&base.team, j)->share, i + 1)->ready;
			if (here != there)
				fail_msg("one end of the pair of %u and %u is there", j, i);
		}
}

static void
sign_and_go_back(struct rollback *rollback) {
	_cleanup_(arena_free) struct arena arena = {};
	struct rollback before = {.at = UINT64_MAX, .prepares = rollback->prepares};
	struct ipc_request request;
	base.team.on_message = team_roll_back; /* for what is prepared */
	base.team.context = &before;
	team_put_back(&base.team, base.with, 1000 + 10 * base.seed++);
	struct firm_operation asked = transfer(&arena, 10, 0);
	house_request(&base.team.members[0].house, &arena, asked, &request);
	assert_ok(operation_id(BYTES_OF_LITERAL(HOUSE_INSTANCE), BYTES_OF_LITERAL("workload:settlement"),
			       request.idempotency_key, &rollback->operation));
	rollback->corruption = (struct corruption){.from = 1, .to = 0, .at = 128, .type = ONLINE_SIGN};
	team_ask_rolled_back(&base.team, &request, rollback);
	/* Whoever asked may ask again, of whom it likes: of the one that has forgotten. */
	team_ask(&base.team, rollback->who, &request);
	team_settle(&base.team);
	team_pass_ms(&base.team, 60'000);
	team_settle(&base.team);
	assert_signed_as_all_say(rollback);
	assert_pairs_agree();
	if (!rollback->is_spoilt || rollback->who != 2) /* the others have no pair any more */
		assert_others_sign(rollback);
}

/* A dealing whose last vote is given. */
static void
begin_dealing(struct rollback *rollback, struct arena *arena, struct ipc_request *vote) {
	struct ipc_response response;
	struct hash256 *operation = &rollback->operation;
	base.team.on_message = nullptr;
	team_put_back(&base.team, rollback->makes ? base.without : base.with, 1000 + 10 * base.seed++);
	if (rollback->makes) {
		prepare_key(&base.team, arena, vote, operation);
		return;
	}
	team_submit(&base.team, 0,
		    (struct firm_operation){
			    .by = FIRM_PERSON_4, .kind = "key.refresh", .resource = "key:vault", .payload = "{}"},
		    arena, &response);
	assert_answer(202, "held", &response);
	*operation = id_of(&response);
	struct bytes id = response.operation;
	team_vote(&base.team, 0, id, FIRM_PERSON_3, arena, &response);
	assert_answer(202, "held", &response);
	house_vote_request(&base.team.members[0].house, arena, id, FIRM_PERSON_5, "approve", vote);
}

/* The others have taken it both or neither, and hold the same. So does the one that went back, where its log was as it is: nobody could know
 * that it went. */
static void
assert_dealt_alike(const struct rollback *rollback) {
	enum operation_state state = team_state(&base.team, other_than(rollback, 0), &rollback->operation);
	struct hash256 first = {};
	assert_true(state == OPERATION_DONE || state == OPERATION_FAILED);
	for (size_t number = 0; number < (rollback->is_behind ? 2 : 3); number++) {
		size_t at = other_than(rollback, number);
		const struct shared_key *key = vault_at(&base.team, at);
		struct hash256 hash = {};
		if (team_state(&base.team, at, &rollback->operation) != state)
			fail_msg("keeper %zu is not %s", at, operation_state_name(state));
		if (key != nullptr) {
			assert_ok(ecdsa_share_check(key->share));
			assert_ok(sharing_hash(&key->sharing, &hash));
		}
		if (number == 0)
			first = hash;
		assert_true(hash256_equal(&first, &hash));
	}
	for (size_t i = 0; i < 3; i++)
		outcomes[team_state(&base.team, i, &rollback->operation)]++;
}

static void
deal_and_go_back(struct rollback *rollback) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_request vote;
	begin_dealing(rollback, &arena, &vote);
	team_ask_rolled_back(&base.team, &vote, rollback);
	team_ask(&base.team, rollback->who, &vote);
	team_settle(&base.team);
	team_pass_ms(&base.team, 60'000);
	team_settle(&base.team);
	assert_dealt_alike(rollback);
	if (vault_at(&base.team, other_than(rollback, 0)) != nullptr)
		assert_others_sign(rollback);
}

constexpr uint64_t SHARE = 5;

/* All messages, keepers, times and both ways in one order; some of them, or in soak one in five. */
static void
go_back_at_all_points(void (*go)(struct rollback *), struct rollback how) {
	static const uint64_t LATER[] = {1, 5, WHEN_ENDED};
	constexpr uint64_t OF_A_MESSAGE = 3 * ARRAY_LENGTH(LATER) * 2;
	struct rollback never = how;
	never.at = UINT64_MAX;
	go(&never);
	rollback_free(&never);
	assert_true(never.messages > 0 && never.corruption.is_done == how.is_spoilt);
	uint64_t tried = 0, stride = team_is_soak() ? SHARE : OF_A_MESSAGE * (never.messages / 4) + 11;
	for (uint64_t n = soak_share(stride); n < OF_A_MESSAGE * never.messages; n += stride, tried++) {
		struct rollback now = how;
		now.is_refused = n % 2 == 1;
		now.later = LATER[n / 2 % ARRAY_LENGTH(LATER)];
		now.who = n / 6 % 3;
		now.at = n / OF_A_MESSAGE;
		go(&now);
		rollback_free(&now);
	}
	times_put_back += tried;
	print_outcomes(never.messages, 0);
}

static void
a_disk_put_back_while_a_key_is_made_parts_no_others(void **) {
	go_back_at_all_points(deal_and_go_back, (struct rollback){.prepares = true, .makes = true});
}

static void
a_disk_put_back_while_a_key_is_refreshed_parts_no_others(void **) {
	go_back_at_all_points(deal_and_go_back, (struct rollback){.prepares = true});
}

static void
a_disk_put_back_gives_no_second_signature(void **) {
	go_back_at_all_points(sign_and_go_back, (struct rollback){.prepares = true});
}

static void
a_disk_put_back_gives_no_second_signature_in_full_rounds(void **) {
	go_back_at_all_points(sign_and_go_back, (struct rollback){});
}

static void
a_disk_put_back_revives_no_pair(void **) {
	go_back_at_all_points(sign_and_go_back, (struct rollback){.prepares = true, .is_spoilt = true});
}

static int
say_how_often(void **) {
	team_free(&base.team);
	for (size_t i = 0; i < 3; i++) {
		simulated_disk_destroy(&base.without[i]);
		simulated_disk_destroy(&base.with[i]);
	}
	print_message("# result keepers_gone %llu\n", (unsigned long long)times_gone);
	print_message("# result keepers_put_back %llu\n", (unsigned long long)times_put_back);
	return 0;
}

int
main(void) {
	static const struct CMUnitTest tests[] = {T(a_key_is_made_at_all_keepers_or_at_none),
						  T(a_refresh_ends_at_all_keepers_or_at_none),
						  T(a_reshare_ends_at_all_keepers_or_at_none),
						  T(what_was_signed_counts_whoever_goes),
						  T(a_disk_put_back_while_a_key_is_made_parts_no_others),
						  T(a_disk_put_back_while_a_key_is_refreshed_parts_no_others),
						  T(a_disk_put_back_gives_no_second_signature),
						  T(a_disk_put_back_gives_no_second_signature_in_full_rounds),
						  T(a_disk_put_back_revives_no_pair)};
	return cmocka_run_group_tests(tests, found_base, say_how_often);
}
