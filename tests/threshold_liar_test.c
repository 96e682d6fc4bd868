/*
 * A key is dealt anew, and one of its three keepers lies: to each of the others what it likes, about its share and about what it pledges. An
 * honest keeper's process or machine goes meanwhile, before any message and at any write. Whatever it was: the two honest
 * ones end with shares of one epoch, and sign with them without the liar.
 * GATEHOUSE_SOAK=1 tries every lie with every keeper that goes, at one point in SHARE; GATEHOUSE_SEED says which.
 */
#include "tests/test.h"
#include "tests/soak.h"
#include "tests/team.h"

#include "gate/shared_keys.h"
#include "keeper/internal.h"
#include "keeper/threshold_message.h"

constexpr uint64_t SHARE = 12;
constexpr size_t LIAR = 2;
constexpr uint8_t CONFIRM = 3; /* type of the last frames before shares are stored */
constexpr uint32_t BEFORE = 2; /* the epoch in force */

/* Where everything begins: a refresh is asked for, and lacks one vote; and what the liar pledged in an earlier one. */
static struct {
	struct team team;
	struct simulated_disk *disks[TEAM_MAX];
	struct ipc_request vote;
	struct arena arena;
	struct hash256 operation, digest;
	struct pledge earlier;
} base;

static struct gate_state *
state_at(size_t at) {
	return keeper_gate(base.team.members[at].house.keeper)->state;
}

/* --- Lies: what the liar says in place of this; false: nothing. --- */

static struct pledge *
own_pledge(struct joint_answer *answer, enum pledge_word word) {
	for (size_t i = 0; answer->kind == ANSWER_PLEDGED && i < answer->pledges.count; i++)
		if (answer->pledges.of[i].holder == LIAR + 1 && answer->pledges.of[i].word == word)
			return &answer->pledges.of[i];
	return nullptr;
}

static bool
is_keeps(struct joint_answer *answer) {
	return own_pledge(answer, PLEDGE_KEEPS) != nullptr;
}

static void
say_never(struct joint_answer *answer) {
	struct pledged pledged = {.operation = base.operation, .digest = base.digest};
	struct pledge_keys keys;
	struct party party;
	team_keys(LIAR, &keys, &party);
	answer->kind = ANSWER_PLEDGED;
	answer->pledges = (struct pledges){.count = 1};
	assert_ok(pledge_sign(state_at(LIAR), &pledged, nullptr, &party, PLEDGE_NEVER, &keys, &answer->pledges.of[0]));
}

static bool
says_the_truth(size_t, struct joint_answer *) {
	return true;
}

static bool
stored_to_one_never_to_the_other(size_t to, struct joint_answer *answer) {
	if (to == 1 && (answer->kind == ANSWER_STORED || is_keeps(answer)))
		say_never(answer);
	return true;
}

static bool
stored_to_one_nothing_to_the_other(size_t to, struct joint_answer *answer) {
	return to != 1 || answer->kind == ANSWER_PERMITTED;
}

static bool
stored_to_one_refused_to_the_other(size_t to, struct joint_answer *answer) {
	if (to == 1 && answer->kind == ANSWER_STORED) {
		answer->kind = ANSWER_REFUSED;
		answer->reason = BYTES_OF_LITERAL("operation.denied: no");
	}
	return true;
}

static bool
another_sharing_to_one(size_t to, struct joint_answer *answer) {
	if (to == 1 && answer->kind == ANSWER_STORED)
		answer->digest.bytes[0] ^= 1;
	return to != 1 || !is_keeps(answer);
}

static bool
pledges_to_one(size_t to, struct joint_answer *answer) {
	return to == 0 || !is_keeps(answer);
}

static bool
pledges_to_one_never_to_the_other(size_t to, struct joint_answer *answer) {
	if (to == 1 && is_keeps(answer))
		say_never(answer);
	return true;
}

static bool
pledges_to_one_refused_to_the_other(size_t to, struct joint_answer *answer) {
	if (to == 1 && is_keeps(answer)) {
		answer->kind = ANSWER_REFUSED;
		answer->reason = BYTES_OF_LITERAL("operation.denied: no");
	}
	return true;
}

static bool
pledges_nothing(size_t, struct joint_answer *answer) {
	return !is_keeps(answer);
}

static bool
stored_and_then_never(size_t, struct joint_answer *answer) {
	if (is_keeps(answer))
		say_never(answer);
	return true;
}

static bool
pledges_both(size_t, struct joint_answer *answer) {
	if (!is_keeps(answer))
		return true;
	struct joint_answer never = *answer;
	say_never(&never);
	pledges_add(&answer->pledges, &never.pledges.of[0]);
	return true;
}

static bool
a_signature_that_does_not_hold(size_t, struct joint_answer *answer) {
	struct pledge *pledge = own_pledge(answer, PLEDGE_KEEPS);
	if (pledge != nullptr)
		pledge->signature[40] ^= 1;
	return true;
}

static bool
another_keepers_key(size_t, struct joint_answer *answer) {
	struct pledge *pledge = own_pledge(answer, PLEDGE_KEEPS);
	struct pledge_keys keys;
	struct party party;
	team_keys(0, &keys, &party);
	if (pledge != nullptr) {
		memcpy(pledge->key, keys.key, sizeof pledge->key);
		pledge->certificate = keys.certificate;
	}
	return true;
}

static bool
in_anothers_name(size_t to, struct joint_answer *answer) {
	struct pledge *pledge = own_pledge(answer, PLEDGE_KEEPS);
	if (pledge != nullptr)
		pledge->holder = to == 0 ? 2 : 1;
	return true;
}

static bool
another_dealings_pledge(size_t, struct joint_answer *answer) {
	struct pledge *pledge = own_pledge(answer, PLEDGE_KEEPS);
	if (pledge != nullptr)
		*pledge = base.earlier;
	return true;
}

/* What comes of it where nobody goes: the epoch in force, and whether the honest ones know. */
static const struct lie {
	const char *name;
	bool (*say)(size_t to, struct joint_answer *answer);
	bool is_deaf; /* it hears nothing that others pledge */
	uint32_t epoch;
	enum operation_state states[2];
} lies[] = {
	{"says_the_truth", says_the_truth, false, 3, {OPERATION_DONE, OPERATION_DONE}},
	{"stored_to_one_never_to_the_other",
	 stored_to_one_never_to_the_other,
	 true,
	 2,
	 {OPERATION_FAILED, OPERATION_FAILED}},
	{"stored_to_one_nothing_to_the_other",
	 stored_to_one_nothing_to_the_other,
	 false,
	 3,
	 {OPERATION_DONE, OPERATION_DONE}},
	{"stored_to_one_refused_to_the_other",
	 stored_to_one_refused_to_the_other,
	 false,
	 3,
	 {OPERATION_DONE, OPERATION_DONE}},
	{"another_sharing_to_one", another_sharing_to_one, true, 2, {OPERATION_UNKNOWN, OPERATION_FAILED}},
	{"pledges_to_one", pledges_to_one, false, 3, {OPERATION_DONE, OPERATION_DONE}},
	{"pledges_to_one_never_to_the_other",
	 pledges_to_one_never_to_the_other,
	 false,
	 3,
	 {OPERATION_DONE, OPERATION_DONE}},
	{"pledges_to_one_refused_to_the_other",
	 pledges_to_one_refused_to_the_other,
	 false,
	 3,
	 {OPERATION_DONE, OPERATION_DONE}},
	{"pledges_nothing", pledges_nothing, false, 2, {OPERATION_UNKNOWN, OPERATION_UNKNOWN}},
	{"stored_and_then_never", stored_and_then_never, false, 2, {OPERATION_UNKNOWN, OPERATION_UNKNOWN}},
	{"pledges_both", pledges_both, false, 3, {OPERATION_DONE, OPERATION_DONE}},
	{"a_signature_that_does_not_hold",
	 a_signature_that_does_not_hold,
	 false,
	 2,
	 {OPERATION_UNKNOWN, OPERATION_UNKNOWN}},
	{"another_keepers_key", another_keepers_key, false, 2, {OPERATION_UNKNOWN, OPERATION_UNKNOWN}},
	{"in_anothers_name", in_anothers_name, false, 2, {OPERATION_UNKNOWN, OPERATION_UNKNOWN}},
	{"another_dealings_pledge", another_dealings_pledge, false, 2, {OPERATION_UNKNOWN, OPERATION_UNKNOWN}},
};

/* --- One run. --- */

enum going { NOWHERE, MESSAGE, WRITE };

struct run {
	const struct lie *lie;
	size_t who; /* goes, */
	enum going point;
	uint64_t at; /* counted from when all have confirmed */
	bool is_power;
	uint64_t counted;
	bool has_confirmed, is_gone;
};

static void
go(struct team *team, struct run *run) {
	struct team_member *gone = &team->members[run->who];
	run->is_gone = true;
	gone->is_open = false;
	simulated_disk_crash_at(gone->disk, simulated_disk_operations(gone->disk));
	atomic_store(&gone->house.keeper->has_ended, true);
	for (size_t i = 0; i < team->count; i++)
		if (i != run->who)
			team_cut(team, run->who, i);
}

static bool
lie_about(const struct run *run, size_t to, struct buffer *body) {
	struct joint_answer answer;
	assert_ok(joint_answer_read(buffer_bytes(body), &answer));
	if (!hash256_equal(&answer.operation, &base.operation))
		return true;
	if (!run->lie->say(to, &answer))
		return false;
	_cleanup_(buffer_free) struct buffer lied = {};
	joint_answer_write(&lied, &answer);
	buffer_reset(body);
	buffer_append_bytes(body, buffer_bytes(&lied));
	return true;
}

static bool
carry(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	struct run *run = team->context;
	struct simulated_disk *disk = team->members[run->who].disk;
	if (!run->has_confirmed && kind == PEER_PROTOCOL && body->data[6] == CONFIRM) {
		run->has_confirmed = true;
		run->counted = 0;
		if (run->point == WRITE)
			simulated_disk_crash_at(disk, simulated_disk_operations(disk) + run->at);
	}
	if (run->has_confirmed && run->point == MESSAGE && !run->is_gone && run->counted++ == run->at) {
		go(team, run);
		if (from == run->who || to == run->who)
			return false;
	}
	if (kind != PEER_ANSWER)
		return true;
	if (to == LIAR && run->lie->is_deaf && body->data[0] == ANSWER_PLEDGED)
		return false;
	return from != LIAR || lie_about(run, to, body);
}

static void
come_back(struct team *team, struct run *run) {
	struct team_member *member = &team->members[run->who];
	run->is_gone = run->is_gone || simulated_disk_is_crashed(member->disk);
	run->point = NOWHERE;
	simulated_disk_crash_at(member->disk, UINT64_MAX);
	if (!run->is_gone)
		return;
	team_stop(team, run->who);
	if (run->is_power)
		simulated_disk_lose_power(member->disk);
	team_start(team, run->who);
	for (size_t i = 0; i < team->count; i++)
		if (i != run->who)
			team_connect(team, run->who, i);
	team_settle(team);
}

/* The two without the liar, who find each other anew. */
static void
leave_the_liar(struct team *team) {
	team_cut(team, LIAR, 0);
	team_cut(team, LIAR, 1);
	team_cut(team, 0, 1);
	team_pass_ms(team, 60'000);
	team_settle(team);
	team_connect(team, 0, 1);
	team_settle(team);
	team_pass_ms(team, 60'000);
	team_settle(team);
}

static uint32_t
epoch_at(size_t at) {
	const struct shared_key *key = shared_keys_find(state_at(at), BYTES_OF_LITERAL("vault"));
	assert_non_null(key);
	assert_non_null(key->share);
	assert_ok(ecdsa_share_check(key->share));
	return key->sharing.key.epoch;
}

static bool
sign_without_the_liar(struct team *team) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	struct firm_operation transfer = house_sign(house_transfer(&arena, 10, 0, 30));
	transfer.resource = "key:vault";
	team_submit(team, 0, transfer, &arena, &response);
	return response.status == 200;
}

/* The epoch in force at the honest ones; fails where they differ. */
static uint32_t
run_with(struct run *run, uint64_t seed) {
	struct team *team = &base.team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team->on_message = nullptr;
	team_put_back(team, base.disks, seed);
	team->on_message = carry;
	team->context = run;
	IGNORE_STATUS(
		keeper_answer(team->members[0].house.keeper, &base.vote, &arena, &response)); /* it may have gone */
	team_settle(team);
	come_back(team, run);
	leave_the_liar(team);
	uint32_t epoch = epoch_at(0);
	if (epoch != epoch_at(1) || epoch < BEFORE || epoch > BEFORE + 1 || !sign_without_the_liar(team))
		fail_msg("%s, and keeper %zu goes at %llu: the honest ones have epochs %u and %u", run->lie->name,
			 run->who, (unsigned long long)run->at, epoch, epoch_at(1));
	/* Done nowhere but where the new shares are in force, and failed nowhere but where they are not. */
	for (size_t i = 0; i < 2; i++) {
		enum operation_state state = team_state(team, i, &base.operation);
		if (epoch == BEFORE ? state == OPERATION_DONE : state != OPERATION_DONE)
			fail_msg("%s: epoch %u, and at keeper %zu the operation is %s", run->lie->name, epoch, i,
				 operation_state_name(state));
	}
	return epoch;
}

/* --- Where everything begins. --- */

static bool
note_pledge(struct team *, size_t from, size_t, enum peer_kind kind, struct buffer *body) {
	struct joint_answer answer;
	if (from != LIAR || kind != PEER_ANSWER || joint_answer_read(buffer_bytes(body), &answer) != OK ||
	    !is_keeps(&answer))
		return true;
	base.earlier = *own_pledge(&answer, PLEDGE_KEEPS);
	return true;
}

static void
ask_for_refresh(struct team *team, struct arena *arena, struct ipc_response *response) {
	team_submit(team, 0,
		    (struct firm_operation){
			    .by = FIRM_PERSON_4, .kind = "key.refresh", .resource = "key:vault", .payload = "{}"},
		    arena, response);
	assert_answer(202, "held", response);
	struct bytes id = response->operation;
	team_vote(team, 0, id, FIRM_PERSON_3, arena, response);
	assert_answer(202, "held", response);
}

static int
begin(void **) {
	struct team *team = &base.team;
	struct ipc_response response;
	team_found(team, 3, 1);
	team_make_key(team, "vault", "2-of-3");
	team->on_message = note_pledge;
	ask_for_refresh(team, &base.arena, &response);
	struct bytes id = response.operation;
	team_vote(team, 0, id, FIRM_PERSON_5, &base.arena, &response);
	assert_answer(200, "done", &response);
	assert_int_equal(LIAR + 1, base.earlier.holder);
	team->on_message = nullptr;
	ask_for_refresh(team, &base.arena, &response);
	id = arena_copy(&base.arena, response.operation);
	assert_ok(hex_decode(id, base.operation.bytes, sizeof base.operation.bytes));
	base.digest = operations_find(&state_at(0)->operations, &base.operation)->digest;
	house_vote_request(&team->members[0].house, &base.arena, id, FIRM_PERSON_5, "approve", &base.vote);
	team_keep(team, base.disks);
	return 0;
}

static int
end(void **) {
	for (size_t i = 0; i < TEAM_MAX; i++)
		simulated_disk_destroy(&base.disks[i]);
	team_free(&base.team);
	arena_free(&base.arena);
	return 0;
}

/* --- The tests. --- */

static enum status
find_both(void *context, const struct ledger_record *record) {
	size_t *found = context;
	*found += memmem(record->leaf.data, record->leaf.len, "pledge.both", 11) != nullptr;
	return OK;
}

/* The proof of the lie is in the log, once. */
static size_t
proofs_at(size_t at) {
	struct ledger *ledger = keeper_ledger(base.team.members[at].house.keeper);
	struct ledger_head head;
	size_t found = 0;
	assert_ok(ledger_commit_now(ledger)); /* nobody waits for it */
	ledger_durable_head(ledger, &head);
	assert_ok(ledger_visit(ledger, 0, head.head.size, find_both, &found));
	return found;
}

static void
whatever_one_keeper_says_to_whom_the_others_keep_the_key(void **) {
	for (size_t i = 0; i < ARRAY_LENGTH(lies); i++) {
		struct run run = {.lie = &lies[i]};
		uint32_t epoch = run_with(&run, 10 + i);
		for (size_t at = 0; at < 2; at++) {
			enum operation_state state = team_state(&base.team, at, &base.operation);
			assert_in_range(proofs_at(at), lies[i].say == pledges_both, lies[i].say != says_the_truth);
			if (epoch != lies[i].epoch || state != lies[i].states[at])
				fail_msg("%s: epoch %u, and at keeper %zu the operation is %s", lies[i].name, epoch, at,
					 operation_state_name(state));
		}
	}
}

/* However late it says what it had to: nobody has given anything up meanwhile. */
static void
who_has_pledged_is_convinced_however_late(void **) {
	for (size_t i = 0; i < ARRAY_LENGTH(lies); i++) {
		struct run run = {.lie = &lies[i]};
		if (lies[i].states[0] != OPERATION_UNKNOWN || lies[i].states[1] != OPERATION_UNKNOWN)
			continue;
		assert_int_equal(BEFORE, run_with(&run, 40 + i));
		base.team.on_message = nullptr;
		for (size_t at = 0; at < 3; at++) { /* and with no memory but what is durable */
			team_stop(&base.team, at);
			team_start(&base.team, at);
		}
		for (size_t at = 0; at < 2; at++)
			team_connect(&base.team, at, LIAR);
		team_settle(&base.team);
		for (size_t at = 0; at < 3; at++) {
			assert_int_equal(OPERATION_DONE, team_state(&base.team, at, &base.operation));
			assert_int_equal(BEFORE + 1, epoch_at(at));
		}
	}
}

/* Who has pledged is not told that it failed as long as the liar could still make it a success elsewhere. */
static void
people_end_it_when_the_liar_is_no_keeper_any_more(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct run run = {.lie = &lies[ARRAY_LENGTH(lies) - 1]};
	char hex[2 * sizeof base.operation.bytes + 1];
	struct ipc_response response;
	assert_int_equal(BEFORE, run_with(&run, 70));
	hex_encode(hash256_bytes(&base.operation), hex);
	for (size_t at = 0; at < 2; at++) {
		struct firm_operation resolve = {.by = FIRM_PERSON_4,
						 .kind = "intent.resolve",
						 .resource = arena_format(&arena, "operation:%s", hex),
						 .payload = "{\"happened\":false}"};
		struct peer *liar = &base.team.members[at].peers[LIAR];
		team_cut(&base.team, 0, 1); /* each is asked by itself */
		team_do(&base.team, at, resolve, &arena, &response);
		assert_answer(409, "failed", &response);
		assert_non_null(memmem(response.body.data, response.body.len, "operation.acting", 16));
		liar->is_enrolled = false;
		team_settle(&base.team);
		team_do(&base.team, at, resolve, &arena, &response);
		assert_answer(200, "done", &response);
		team_settle(&base.team);
		assert_int_equal(OPERATION_FAILED, team_state(&base.team, at, &base.operation));
		liar->is_enrolled = true;
	}
	team_connect(&base.team, 0, 1);
	team_settle(&base.team);
	assert_int_equal(BEFORE, epoch_at(0));
	assert_int_equal(BEFORE, epoch_at(1));
}

/* At points of its kind, until one comes that is after the end; or at one for each lie. */
static void
go_at(enum going point, uint64_t spread) {
	uint64_t tried = 0, taken = 0;
	for (size_t i = 0; i < ARRAY_LENGTH(lies); i++)
		for (size_t who = team_is_soak() ? 0 : i % 2; who < (team_is_soak() ? 2 : i % 2 + 1); who++)
			for (uint64_t at = team_is_soak() ? soak_share(SHARE) : 7 * i % spread;; at += SHARE) {
				struct run run = {.lie = &lies[i],
						  .who = who,
						  .point = point,
						  .at = at,
						  .is_power = (tried & 1) != 0};
				uint32_t epoch = run_with(&run, 100 + tried);
				tried += run.is_gone;
				taken += run.is_gone && epoch > BEFORE;
				if (!run.is_gone || !team_is_soak())
					break;
			}
	assert_true(tried > ARRAY_LENGTH(lies) / 2);
	print_message("# %llu times gone, %llu times the new shares were taken\n", (unsigned long long)tried,
		      (unsigned long long)taken);
	print_message("# result keepers_gone_beside_a_liar_at_%s %llu\n", point == MESSAGE ? "messages" : "writes",
		      (unsigned long long)tried);
}

static void
whoever_goes_before_whichever_message(void **) {
	go_at(MESSAGE, 40);
}

static void
whoever_goes_at_whichever_write(void **) {
	go_at(WRITE, 70);
}

int
main(void) {
	static const struct CMUnitTest tests[] = {
		T(whatever_one_keeper_says_to_whom_the_others_keep_the_key),
		T(who_has_pledged_is_convinced_however_late), T(people_end_it_when_the_liar_is_no_keeper_any_more),
		T(whoever_goes_before_whichever_message), T(whoever_goes_at_whichever_write)};
	return cmocka_run_group_tests(tests, begin, end);
}
