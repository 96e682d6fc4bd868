/* What becomes of votes, delegations and held operations while the people behind them change, and while time passes. */
#include "tests/test.h"

#include "crypto/random.h"
#include "crypto/sign.h"
#include "tests/gate_fixture.h"

static const char *
delegation_payload(char payload[static 160], const char *by, int64_t from_ms, int64_t until_ms) {
	char begins[48] = "";
	if (from_ms != 0)
		snprintf(begins, sizeof begins, "\"effective_from\":%lld,", (long long)from_ms);
	snprintf(payload, 160, "{\"by\":\"person:p-000000000000000%s\",%s\"until\":%lld}", by, begins,
		 (long long)until_ms);
	return payload;
}

/* Whether a vote by one person on another's seat is taken. */
static bool
may_vote_for(struct bench_gate *b, const struct gate_operation *operation, enum firm_member by, const char *person) {
	struct firm_choice choice = {.verdict = "approve", .client = APPROVAL_CLIENT_CLI, .person = person};
	enum operation_state state;
	enum status status = vote_as(b, operation, by, &choice, &state);
	if (status != OK)
		assert_fails(STATUS_UNAUTHORIZED, "approval.delegation", status);
	return status == OK;
}

/* Under the shipped policies, where whoever is in a group delegates with a day's notice. */
static void
a_delegation_that_begins_later_leaves_the_present_one_until_then(void **) {
	static const char one[] = "person:p-0000000000000001";
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s;
	char payload[160];
	set_up(&b);
	int64_t first_ms = b.now_ms + A_DAY_MS, second_ms = b.now_ms + 3 * A_DAY_MS;
	ask(&b, "delegate", one, delegation_payload(payload, "2", first_ms, b.now_ms + 10 * A_DAY_MS));
	b.now_ms = first_ms;
	ask(&b, "delegate", one, delegation_payload(payload, "5", second_ms, b.now_ms + 6 * A_DAY_MS));
	submit(&b, &new_unit, &s);
	assert_true(may_vote_for(&b, s.step.operation, FIRM_PERSON_2, one));
	assert_false(may_vote_for(&b, s.step.operation, FIRM_PERSON_5, one));
	assert_int_equal(1, votes_size(s.step.operation->held->votes));
	assert_restarts_alike(&b);
	b.now_ms = second_ms; /* the first is over, and its vote with it */
	assert_false(may_vote_for(&b, find_submitted(&b, &s), FIRM_PERSON_2, one));
	assert_true(may_vote_for(&b, find_submitted(&b, &s), FIRM_PERSON_5, one));
	assert_restarts_alike(&b);
	/* Who is voted for no more waits for nothing. */
	ask(&b, "delegate", one, "{\"by\":\"person:p-0000000000000005\",\"until\":0}");
	assert_false(may_vote_for(&b, find_submitted(&b, &s), FIRM_PERSON_5, one));
	assert_restarts_alike(&b);
	assert_replays(&b, 7);
}

/* One that gives somebody a voice at once is still denied, also where it would replace another. */
static void
an_end_is_no_way_around_the_wait(void **) {
	static const char one[] = "person:p-0000000000000001";
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s;
	char payload[160];
	set_up(&b);
	int64_t until_ms[] = {b.now_ms + 1, b.now_ms + 1000, b.now_ms + 30 * A_DAY_MS};
	for (size_t i = 0; i < ARRAY_LENGTH(until_ms); i++) {
		_cleanup_(submitted_free) struct submitted asked;
		struct firm_operation operation = {.by = FIRM_PERSON_4,
						   .kind = "delegate",
						   .resource = one,
						   .payload = delegation_payload(payload, "2", 0, until_ms[i])};
		submit(&b, &operation, &asked);
		assert_ok(asked.status);
		assert_int_equal(OPERATION_DENIED, asked.step.state);
	}
	/* It lies ahead when it is asked for and held, and is over when it is approved. */
	struct firm_operation late = {
		.by = FIRM_PERSON_4,
		.kind = "delegate",
		.resource = one,
		.payload = delegation_payload(payload, "2", b.now_ms + A_DAY_MS, b.now_ms + A_DAY_MS + 1000),
		.lifetime_ms = 3 * A_DAY_MS};
	submit(&b, &late, &s);
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_3, "approve"));
	b.now_ms += 2 * A_DAY_MS;
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_3, "approve"));
	assert_int_equal(OPERATION_DONE, vote(&b, s.step.operation, FIRM_PERSON_5, "approve"));
	const struct directory *directory = b.gate->state->directory;
	struct delegation found[DELEGATIONS_MAX];
	assert_int_equal(0, directory_delegations(directory, directory_principal(directory, bytes_of_text(one)),
						  b.now_ms, found));
	assert_restarts_alike(&b);
}

static void
remove_member(struct bench_gate *b, enum firm_member by, const char *group, const char *person,
	      const enum firm_member voters[static 2]) {
	_cleanup_(submitted_free) struct submitted s;
	char resource[64], payload[96];
	snprintf(resource, sizeof resource, "group:%s", group);
	snprintf(payload, sizeof payload, "{\"person\":\"%s\"}", person);
	struct firm_operation operation = {
		.by = by, .kind = "group.member_remove", .resource = resource, .payload = payload};
	submit(b, &operation, &s);
	assert_ok(s.status);
	assert_int_equal(OPERATION_HELD, vote(b, s.step.operation, voters[0], "approve"));
	assert_int_equal(OPERATION_DONE, vote(b, s.step.operation, voters[1], "approve"));
}

/* A vote counts for the groups that its person is in when it is counted. */
static void
who_leaves_a_group_has_no_voice_of_it_in_what_waits(void **) {
	static const enum firm_member voters[] = {FIRM_PERSON_3, FIRM_PERSON_5};
	static const struct firm_operation list = {.by = FIRM_PERSON_4,
						   .kind = "list.create",
						   .resource = "system:gatehouse",
						   .payload = "{\"id\":\"venues\",\"kind\":\"allowed\"}"};
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s;
	set_up(&b);
	submit(&b, &list, &s);
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_3, "approve"));
	remove_member(&b, FIRM_PERSON_4, "treasury", "person:p-0000000000000003", voters);
	assert_restarts_alike(&b);
	assert_int_equal(OPERATION_HELD, vote(&b, find_submitted(&b, &s), FIRM_PERSON_5, "approve"));
	assert_bytes(BYTES_OF_LITERAL("{\"group.treasury\":1}"), find_submitted(&b, &s)->held->missing);
	assert_int_equal(OPERATION_DONE, vote(&b, find_submitted(&b, &s), FIRM_PERSON_1, "approve"));
	assert_replays(&b, 4);
}

/* A group that has not so many members any more as are asked for: with the next vote it is denied, for good. */
static void
what_waits_for_a_group_that_is_gone_is_denied(void **) {
	static const enum firm_member voters[] = {FIRM_PERSON_3, FIRM_PERSON_5};
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s;
	set_up(&b);
	submit(&b, &new_unit, &s);
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_3, "approve"));
	remove_member(&b, FIRM_PERSON_4, "security", "person:p-0000000000000003", voters);
	assert_int_equal(OPERATION_HELD, find_submitted(&b, &s)->state);
	assert_int_equal(OPERATION_DENIED, vote(&b, find_submitted(&b, &s), FIRM_PERSON_5, "approve"));
	assert_restarts_alike(&b);
	assert_int_equal(OPERATION_DENIED, find_submitted(&b, &s)->state);
	assert_replays(&b, 4);
}

/* Who asked, and is suspended before the last vote: it is rejected, and comes back neither by their return nor by another vote. */
static void
what_a_suspended_person_asked_for_is_not_done(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s, resumed;
	set_up(&b);
	submit(&b, &new_unit, &s);
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_3, "approve"));
	assert_int_equal(OPERATION_DONE,
			 stop(&b, FIRM_PERSON_1, "principal.suspend", "person:p-0000000000000004", "{}"));
	assert_int_equal(OPERATION_REJECTED, vote(&b, s.step.operation, FIRM_PERSON_5, "approve"));
	assert_restarts_alike(&b);
	char payload[64];
	snprintf(payload, sizeof payload, "{\"effective_from\":%lld}", (long long)(b.now_ms + A_DAY_MS));
	struct firm_operation resume = {.by = FIRM_PERSON_1,
					.kind = "principal.resume",
					.resource = "person:p-0000000000000004",
					.payload = payload};
	submit(&b, &resume, &resumed);
	assert_int_equal(OPERATION_HELD, vote(&b, resumed.step.operation, FIRM_PERSON_3, "approve"));
	assert_int_equal(OPERATION_DONE, vote(&b, resumed.step.operation, FIRM_PERSON_5, "approve"));
	assert_int_equal(OPERATION_REJECTED, find_submitted(&b, &s)->state);
	assert_restarts_alike(&b);
}

/* --- Who is stopped, by whom, and who is left. --- */

static const char *const people[] = {"person:p-0000000000000001", "person:p-0000000000000002",
				     "person:p-0000000000000003", "person:p-0000000000000004",
				     "person:p-0000000000000005"};

static enum operation_state
suspend(struct bench_gate *b, enum firm_member by, const char *whom) {
	return stop(b, by, "principal.suspend", whom, "{}");
}

static enum operation_state
revoke(struct bench_gate *b, enum firm_member by, const char *whom, const char *name) {
	char payload[96];
	snprintf(payload, sizeof payload, "{\"key\":\"%s/%s\"}", whom, name);
	return stop(b, by, "principal.key_revoke", whom, payload);
}

static bool
is_recorded(const struct bench_gate *b, const char *text) {
	struct bytes leaf = buffer_bytes(&b->leaves[b->count - 1]);
	return memmem(leaf.data, leaf.len, text, strlen(text)) != nullptr;
}

/* Whoever stole the key of a program of the firm's. */
static void
a_program_stops_no_people(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	set_up(&b);
	for (size_t i = 0; i < ARRAY_LENGTH(people); i++) {
		assert_int_equal(OPERATION_DENIED, suspend(&b, FIRM_PRICES, people[i]));
		assert_int_equal(OPERATION_DENIED, revoke(&b, FIRM_PRICES, people[i], "terminal"));
		assert_int_equal(OPERATION_DENIED, stop(&b, FIRM_PRICES, "session.revoke", people[i], "{}"));
	}
	assert_replays(&b, 15);
}

/* The first is stopped; then three are left besides whoever asks, who bring the first back. */
static void
one_alone_shuts_nobody_out_for_good(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	set_up(&b);
	assert_int_equal(OPERATION_DONE, suspend(&b, FIRM_PERSON_2, people[0]));
	for (size_t i = 2; i < ARRAY_LENGTH(people); i++) {
		assert_int_equal(OPERATION_FAILED, suspend(&b, FIRM_PERSON_2, people[i]));
		assert_true(is_recorded(&b, "principal.last_people"));
		assert_int_equal(OPERATION_FAILED, revoke(&b, FIRM_PERSON_2, people[i], "terminal"));
		assert_true(is_recorded(&b, "principal.last_people"));
	}
	assert_int_equal(OPERATION_DONE, suspend(&b, FIRM_PERSON_2, people[0]));         /* again: nobody is lost */
	assert_int_equal(OPERATION_DONE, suspend(&b, FIRM_PERSON_2, "workload:prices")); /* nor by this */
	assert_restarts_alike(&b);
	char payload[64];
	int64_t back_ms = b.now_ms + A_DAY_MS;
	snprintf(payload, sizeof payload, "{\"effective_from\":%lld}", (long long)back_ms);
	ask(&b, "principal.resume", people[0], payload);
	assert_int_equal(OPERATION_FAILED, suspend(&b, FIRM_PERSON_3, people[1])); /* the first could not act yet */
	b.now_ms = back_ms;
	assert_int_equal(OPERATION_DONE, suspend(&b, FIRM_PERSON_1, people[1]));
	assert_restarts_alike(&b);
}

/* Policies of a firm's own let anyone stop anyone: its code does not. */
static void
whatever_the_policies_say_three_people_are_left(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	set_up(&b);
	activate(&b, "@id(\"all\") permit (principal, action, resource);");
	assert_int_equal(OPERATION_DONE, suspend(&b, FIRM_PRICES, people[0]));
	assert_int_equal(OPERATION_DONE, revoke(&b, FIRM_PRICES, people[1], "terminal"));
	for (size_t i = 2; i < ARRAY_LENGTH(people); i++) {
		assert_int_equal(OPERATION_FAILED, suspend(&b, FIRM_PRICES, people[i]));
		assert_int_equal(OPERATION_FAILED, revoke(&b, FIRM_PRICES, people[i], "terminal"));
	}
	assert_restarts_alike(&b);
}

static void
add_plain_key(struct bench_gate *b, const char *whom, int64_t effective_ms) {
	uint8_t seed[32], public_key[32];
	char payload[256], hex[65];
	random_bytes(seed, sizeof seed);
	assert_ok(ed25519_public_key(seed, public_key));
	hex_encode(BYTES_OF_ARRAY(public_key), hex);
	snprintf(payload, sizeof payload,
		 "{\"class\":\"plain\",\"effective_from\":%lld,\"name\":\"spare\",\"public_key\":\"%s\"}",
		 (long long)effective_ms, hex);
	ask(b, "principal.key_add", whom, payload);
}

/* One vote of an own terminal is demanded of whoever resumes somebody: the last such key of others is not taken away, nor is the last
 * key that counts already. */
static void
the_last_terminals_key_is_not_taken_away(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	set_up(&b);
	int64_t effective_ms = b.now_ms + A_DAY_MS;
	for (size_t i = 0; i < ARRAY_LENGTH(people); i++)
		add_plain_key(&b, people[i], effective_ms);
	assert_int_equal(OPERATION_DONE, revoke(&b, FIRM_PERSON_2, people[0], "terminal"));
	assert_int_equal(OPERATION_FAILED, revoke(&b, FIRM_PERSON_2, people[2], "terminal")); /* the spare one waits */
	b.now_ms = effective_ms;
	assert_int_equal(OPERATION_DONE, revoke(&b, FIRM_PERSON_2, people[2], "terminal"));
	assert_int_equal(OPERATION_DONE, revoke(&b, FIRM_PERSON_2, people[3], "terminal"));
	assert_int_equal(OPERATION_FAILED, revoke(&b, FIRM_PERSON_2, people[4], "terminal"));
	assert_true(is_recorded(&b, "at an own terminal"));
	assert_int_equal(OPERATION_FAILED, suspend(&b, FIRM_PERSON_2, people[4]));
	assert_int_equal(OPERATION_DONE, revoke(&b, FIRM_PERSON_2, people[4], "spare"));
	assert_restarts_alike(&b);
}

RUN_TESTS(T(a_delegation_that_begins_later_leaves_the_present_one_until_then), T(an_end_is_no_way_around_the_wait),
	  T(who_leaves_a_group_has_no_voice_of_it_in_what_waits), T(what_waits_for_a_group_that_is_gone_is_denied),
	  T(what_a_suspended_person_asked_for_is_not_done), T(a_program_stops_no_people),
	  T(one_alone_shuts_nobody_out_for_good), T(whatever_the_policies_say_three_people_are_left),
	  T(the_last_terminals_key_is_not_taken_away))
