/* Auditors read. Whoever is one asks for nothing and votes for nothing, and is counted with nobody who could. */
#include "tests/test.h"

#include "crypto/sign.h"
#include "gate/activation.h"
#include "tests/gate_fixture.h"

static const char one[] = "person:p-0000000000000001", two[] = "person:p-0000000000000002",
		  four[] = "person:p-0000000000000004", five[] = "person:p-0000000000000005";

/* By an operation of person 1's, since it may be about any of those who usually ask. */
static enum operation_state
make_auditor(struct bench_gate *b, const char *whom, enum firm_member first, enum firm_member second) {
	_cleanup_(submitted_free) struct submitted s;
	struct firm_operation operation = {.by = FIRM_PERSON_1,
					   .kind = "auditor.grant",
					   .resource = whom,
					   .payload = "{\"entity\":\"northwind-trading\",\"from\":0,\"until\":1}"};
	submit(b, &operation, &s);
	assert_ok(s.status);
	assert_int_equal(OPERATION_HELD, vote(b, s.step.operation, first, "approve"));
	return vote(b, s.step.operation, second, "approve");
}

static void
assert_vote_refused(struct bench_gate *b, const struct gate_operation *operation, enum firm_member by,
		    const struct firm_choice *choice) {
	enum operation_state state;
	assert_fails(STATUS_DENIED, "directory.auditor", vote_as(b, operation, by, choice, &state));
}

static void
an_auditor_neither_approves_nor_rejects(void **) {
	static const char *const verdicts[] = {"approve", "reject", "withdraw"};
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s;
	set_up(&b);
	assert_int_equal(OPERATION_DONE, make_auditor(&b, two, FIRM_PERSON_3, FIRM_PERSON_5));
	submit(&b, &new_unit, &s);
	for (int restarts = 0; restarts < 2; restarts++) {
		for (size_t i = 0; i < ARRAY_LENGTH(verdicts); i++)
			for (int client = APPROVAL_CLIENT_CLI; client < (int)APPROVAL_CLIENTS; client++) {
				const struct firm_choice choice = {.verdict = verdicts[i],
								   .client = (enum approval_client)client};
				assert_vote_refused(&b, find_submitted(&b, &s), FIRM_PERSON_2, &choice);
			}
		assert_int_equal(0, votes_size(find_submitted(&b, &s)->held->votes));
		assert_restarts_alike(&b);
	}
	assert_int_equal(OPERATION_HELD, vote(&b, find_submitted(&b, &s), FIRM_PERSON_3, "approve"));
	assert_int_equal(OPERATION_DONE, vote(&b, find_submitted(&b, &s), FIRM_PERSON_5, "approve"));
	assert_honest(&b);
}

/* Neither as somebody's hand nor as somebody's seat. */
static void
an_auditor_votes_for_nobody_and_nobody_for_an_auditor(void **) {
	const struct firm_choice for_one = {.verdict = "approve", .client = APPROVAL_CLIENT_CLI, .person = one};
	const struct firm_choice for_two = {.verdict = "approve", .client = APPROVAL_CLIENT_CLI, .person = two};
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s;
	enum operation_state state;
	char payload[160];
	set_up(&b);
	snprintf(payload, sizeof payload, "{\"by\":\"%s\",\"effective_from\":%lld,\"until\":%lld}", two,
		 (long long)(b.now_ms + A_DAY_MS), (long long)(b.now_ms + 9 * A_DAY_MS));
	ask(&b, "delegate", one, payload);
	snprintf(payload, sizeof payload, "{\"by\":\"%s\",\"effective_from\":%lld,\"until\":%lld}", five,
		 (long long)(b.now_ms + A_DAY_MS), (long long)(b.now_ms + 9 * A_DAY_MS));
	ask(&b, "delegate", two, payload);
	b.now_ms += 2 * A_DAY_MS;
	assert_int_equal(OPERATION_DONE, make_auditor(&b, two, FIRM_PERSON_3, FIRM_PERSON_5));
	submit(&b, &new_unit, &s);
	assert_vote_refused(&b, s.step.operation, FIRM_PERSON_2, &for_one);
	assert_fails(STATUS_UNAUTHORIZED, "approval.delegation",
		     vote_as(&b, s.step.operation, FIRM_PERSON_5, &for_two, &state));
	assert_restarts_alike(&b);
}

static void
an_auditor_asks_for_nothing(void **) {
	static const char prices[] = "workload:prices", settlement[] = "workload:settlement";
	char payload[512];
	struct firm_operation refused[] = {
		{.by = FIRM_PERSON_2, .kind = "key.freeze", .resource = "key:eth-hot", .payload = "{}"},
		{.by = FIRM_PERSON_2, .kind = "principal.suspend", .resource = one, .payload = "{}"},
		{.by = FIRM_PERSON_2,
		 .kind = "group.add",
		 .resource = "system:gatehouse",
		 .payload = "{\"id\":\"more\"}",
		 .reason = "everybody is gone",
		 .break_glass = true},
		{.by = FIRM_PRICES, .kind = "key.freeze", .resource = "key:eth-hot", .payload = "{}"},
		transfer(10, 0, payload),
	};
	_cleanup_(tear_down) struct bench_gate b;
	set_up(&b);
	make_hot_key(&b);
	assert_int_equal(OPERATION_DONE, make_auditor(&b, two, FIRM_PERSON_3, FIRM_PERSON_5));
	assert_int_equal(OPERATION_DONE, make_auditor(&b, prices, FIRM_PERSON_3, FIRM_PERSON_5));
	assert_int_equal(OPERATION_DONE, make_auditor(&b, settlement, FIRM_PERSON_3, FIRM_PERSON_5));
	for (size_t i = 0; i < ARRAY_LENGTH(refused); i++) {
		_cleanup_(submitted_free) struct submitted s;
		size_t before = b.count;
		submit(&b, &refused[i], &s);
		assert_fails(STATUS_DENIED, "directory.auditor", s.status);
		assert_int_equal(before, b.count);
	}
	assert_restarts_alike(&b);
}

/* A vote counts as long as its person may vote; the seat is free for nobody else. */
static void
a_vote_that_was_counted_counts_no_more_once_its_person_is_an_auditor(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s;
	set_up(&b);
	make_hot_key(&b);
	char payload[512];
	struct firm_operation operation = transfer(1000, 0, payload);
	operation.lifetime_ms = A_DAY_MS;
	submit(&b, &operation, &s);
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_2, "approve"));
	assert_bytes(BYTES_OF_LITERAL("{\"group.treasury\":1}"), find_submitted(&b, &s)->held->missing);
	assert_int_equal(OPERATION_DONE, make_auditor(&b, two, FIRM_PERSON_3, FIRM_PERSON_5));
	assert_restarts_alike(&b);
	assert_int_equal(OPERATION_HELD, vote(&b, find_submitted(&b, &s), FIRM_PERSON_1, "approve"));
	assert_bytes(BYTES_OF_LITERAL("{\"group.treasury\":1}"), find_submitted(&b, &s)->held->missing);
	assert_restarts_alike(&b);
	assert_int_equal(OPERATION_DONE, vote(&b, find_submitted(&b, &s), FIRM_PERSON_3, "approve"));
	assert_restarts_alike(&b);
	assert_honest(&b);
}

static void
what_somebody_asked_for_who_is_an_auditor_by_then_is_not_done(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s;
	set_up(&b);
	submit(&b, &new_unit, &s);
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_3, "approve"));
	assert_int_equal(OPERATION_DONE, make_auditor(&b, four, FIRM_PERSON_3, FIRM_PERSON_5));
	assert_int_equal(OPERATION_REJECTED, vote(&b, s.step.operation, FIRM_PERSON_5, "approve"));
	assert_restarts_alike(&b);
	assert_int_equal(OPERATION_REJECTED, find_submitted(&b, &s)->state);
	assert_honest(&b);
}

/* Two of security must approve, besides whoever asks; one is left. */
static void
nobody_waits_for_an_auditors_vote(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s;
	set_up(&b);
	assert_int_equal(OPERATION_DONE, make_auditor(&b, five, FIRM_PERSON_3, FIRM_PERSON_4));
	submit(&b, &new_unit, &s);
	assert_ok(s.status);
	assert_int_equal(OPERATION_DENIED, s.step.state);
	assert_honest(&b);
}

/* As with suspending: three others who could resume somebody; an auditor is none of them. */
static void
three_people_are_left_who_are_no_auditors(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	set_up(&b);
	assert_int_equal(OPERATION_DONE, make_auditor(&b, two, FIRM_PERSON_3, FIRM_PERSON_5));
	assert_int_equal(OPERATION_FAILED, make_auditor(&b, four, FIRM_PERSON_3, FIRM_PERSON_5));
	struct bytes leaf = buffer_bytes(&b.leaves[b.count - 1]);
	assert_non_null(memmem(leaf.data, leaf.len, "principal.last_people", 21));
	assert_int_equal(OPERATION_FAILED, stop(&b, FIRM_PERSON_1, "principal.suspend", five, "{}"));
	assert_int_equal(OPERATION_DONE, stop(&b, FIRM_PERSON_1, "principal.suspend", two, "{}"));
	assert_restarts_alike(&b);
	assert_honest(&b);
}

/* Who vouches for a bundle is a person who could vote for it. */
static void
an_auditor_signs_no_bundle(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(arena_free) struct arena arena = {};
	const struct hash256 bundle = {.bytes = {7}};
	uint8_t signature[64];
	char text[512], hex[2][129];
	const json *payload;
	int64_t people;
	set_up(&b);
	assert_ok(person_sign(BUNDLE_SIGNATURE_LABEL, &bundle, b.firm.members[FIRM_PERSON_2].seed,
			      b.firm.members[FIRM_PERSON_2].public_key, signature));
	hex_encode(BYTES_OF_ARRAY(b.firm.members[FIRM_PERSON_2].public_key), hex[0]);
	hex_encode(BYTES_OF_ARRAY(signature), hex[1]);
	snprintf(text, sizeof text, "{\"signatures\":[{\"key\":\"%s\",\"public_key\":\"%s\",\"signature\":\"%s\"}]}",
		 b.firm.members[FIRM_PERSON_2].key_id, hex[0], hex[1]);
	assert_ok(json_read(&arena, bytes_of_text(text), (struct json_limits){}, &payload));
	assert_ok(activation_signers(payload, &bundle, b.gate->state->directory, b.now_ms, &people));
	assert_int_equal(1, people);
	assert_int_equal(OPERATION_DONE, make_auditor(&b, two, FIRM_PERSON_3, FIRM_PERSON_5));
	assert_fails(STATUS_DENIED, "directory.auditor",
		     activation_signers(payload, &bundle, b.gate->state->directory, b.now_ms, &people));
}

RUN_TESTS(T(an_auditor_neither_approves_nor_rejects), T(an_auditor_votes_for_nobody_and_nobody_for_an_auditor),
	  T(an_auditor_asks_for_nothing), T(a_vote_that_was_counted_counts_no_more_once_its_person_is_an_auditor),
	  T(what_somebody_asked_for_who_is_an_auditor_by_then_is_not_done), T(nobody_waits_for_an_auditors_vote),
	  T(three_people_are_left_who_are_no_auditors), T(an_auditor_signs_no_bundle))
