#include "tests/test.h"

#include "crypto/sign.h"
#include "gate/activation.h"
#include "tests/gate_fixture.h"

static bool
has_text(struct bytes in, const char *text) {
	return memmem(in.data, in.len, text, strlen(text)) != nullptr;
}

/* A change of policy that everybody approved, and whose proof is gone when the last vote decides. */
static void
a_refusal_at_the_last_vote_is_an_entry_and_the_next_vote_decides_again(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(buffer_free) struct buffer payload = {};
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(submitted_free) struct submitted first, asked;
	const json *root;
	struct bytes document;
	struct hash256 bundle;
	set_up(&b);
	assert_ok(firm_activation_with_invariants(&payload));
	assert_ok(json_read(&arena, bytes_of_text((const char *)payload.data), (struct json_limits){}, &root));
	assert_ok(activation_document(&arena, root, &document));
	struct firm_operation change = {.by = FIRM_PERSON_4,
					.kind = "policy.activate",
					.resource = "system:gatehouse",
					.reason = "tested",
					.payload = (const char *)payload.data};
	submit(&b, &change, &first);
	assert_int_equal(STATUS_UNAVAILABLE, first.status);
	assert_true(assessments_want_proof(b.gate->assessments, document, &bundle));
	assessments_settle(b.gate->assessments, &bundle, OK, 9);
	submit(&b, &change, &asked);
	assert_int_equal(OPERATION_HELD, asked.step.state);
	struct hash256 id = asked.step.operation->id;
	assert_int_equal(OPERATION_HELD, vote(&b, asked.step.operation, FIRM_PERSON_3, "approve"));
	IGNORE_STATUS(fail(STATUS_DENIED, "work.refuted: tested"));
	assessments_settle(b.gate->assessments, &bundle, STATUS_DENIED, 0);
	size_t before = b.count;
	assert_int_equal(OPERATION_HELD, vote(&b, asked.step.operation, FIRM_PERSON_5, "approve"));
	assert_int_equal(before + 2, b.count);
	struct entry entry;
	assert_ok(entry_read(&arena, buffer_bytes(&b.leaves[before]), &entry));
	assert_int_equal(ENTRY_VOTE, entry.type);
	assert_ok(entry_read(&arena, buffer_bytes(&b.leaves[before + 1]), &entry));
	assert_int_equal(ENTRY_REFUSAL, entry.type);
	assert_true(has_text(entry.body, "\"error\":\"work.refuted: tested\""));
	assert_true(has_text(entry.body, "\"vote\":\""));
	assert_int_equal(before + 1, asked.step.operation->entry);
	assert_replays(&b, 1);
	assert_restarts_alike(&b);
	struct gate_operation *held = operations_find(&b.gate->state->operations, &id);
	assert_int_equal(OPERATION_HELD, held->state);
	assert_int_equal(before + 1, held->entry);
	assert_true(assessments_want_proof(b.gate->assessments, document, &bundle));
	assessments_settle(b.gate->assessments, &bundle, OK, 9);
	assert_int_equal(OPERATION_DONE, vote(&b, held, FIRM_PERSON_1, "approve"));
	assert_replays(&b, 2);
}

static const char in_stages[] =
	"@id(\"staged\") permit (principal, action, resource) when {\n"
	"  context.approvals.first.treasury >= 2 && context.approvals.second.security >= 1 };\n";

static void
expect_vote(struct bench_gate *b, const struct submitted *s, enum firm_member by, enum operation_state after,
	    const char *missing) {
	assert_int_equal(after, vote(b, s->step.operation, by, "approve"));
	if (missing != nullptr)
		assert_bytes(bytes_of_text(missing), s->step.operation->held->missing);
}

static void
stages_are_completed_in_their_order(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s;
	enum operation_state state;
	set_up(&b);
	activate(&b, in_stages);
	submit(&b, &new_unit, &s);
	assert_ok(s.status);
	assert_bytes(BYTES_OF_LITERAL("{\"first.treasury\":2,\"second.security\":1}"), s.step.record->missing);
	struct firm_choice early = {.verdict = "approve", .client = APPROVAL_CLIENT_CLI, .stage = 1};
	assert_fails(STATUS_CONFLICT, "approval.stage_differs",
		     vote_as(&b, s.step.operation, FIRM_PERSON_5, &early, &state));
	expect_vote(&b, &s, FIRM_PERSON_1, OPERATION_HELD, "{\"first.treasury\":1,\"second.security\":1}");
	assert_fails(STATUS_CONFLICT, "approval.stage_differs",
		     vote_as(&b, s.step.operation, FIRM_PERSON_5, &early, &state));
	expect_vote(&b, &s, FIRM_PERSON_2, OPERATION_HELD, "{\"second.security\":1}");
	assert_replays(&b, 3);
	/* The second stage goes on after a restart, where no forecast is left. */
	struct hash256 id = s.step.operation->id;
	assert_restarts_alike(&b);
	s.step.operation = operations_find(&b.gate->state->operations, &id);
	struct firm_choice again = {.verdict = "approve", .client = APPROVAL_CLIENT_CLI};
	assert_fails(STATUS_CONFLICT, "votes.stage_voted",
		     vote_as(&b, s.step.operation, FIRM_PERSON_1, &again, &state));
	expect_vote(&b, &s, FIRM_PERSON_5, OPERATION_DONE, nullptr);
	assert_replays(&b, 4);
}

/* Who was in the first stage goes, and what rested on it counts no more. */
static void
a_stage_that_is_undone_takes_the_later_ones_with_it(void **) {
	static const char policies[] =
		"@id(\"staged\") permit (principal, action, resource) when {\n"
		"  context.approvals.first.treasury >= 1 && context.approvals.second.security >= 2 };\n";
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s;
	set_up(&b);
	activate(&b, policies);
	struct firm_operation unit = new_unit;
	unit.by = FIRM_SETTLEMENT;
	submit(&b, &unit, &s);
	expect_vote(&b, &s, FIRM_PERSON_1, OPERATION_HELD, "{\"second.security\":2}");
	expect_vote(&b, &s, FIRM_PERSON_4, OPERATION_HELD, "{\"second.security\":1}");
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_1, "withdraw"));
	assert_bytes(BYTES_OF_LITERAL("{\"first.treasury\":1,\"second.security\":2}"), s.step.operation->held->missing);
	expect_vote(&b, &s, FIRM_PERSON_2, OPERATION_HELD, "{\"second.security\":2}");
	expect_vote(&b, &s, FIRM_PERSON_5, OPERATION_HELD, "{\"second.security\":1}");
	assert_restarts_alike(&b);
	s.step.operation = find_submitted(&b, &s);
	expect_vote(&b, &s, FIRM_PERSON_4, OPERATION_DONE, nullptr);
	assert_replays(&b, 4);
}

/* Of one whose log says that a stage was approved by more than approved in it. */
static void
a_stage_that_nobody_completed_does_not_replay(void **) {
	static const char from[] = "\"approvals.second\":{\"security\":1,",
			  to[] = "\"approvals.second\":{\"security\":2,";
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s;
	_cleanup_(replayer_destroy) struct replayer *replayer = nullptr;
	enum replay_result result = REPLAY_NOT_A_DECISION;
	const char *difference;
	set_up(&b);
	b.is_forged = true;
	activate(&b, in_stages);
	submit(&b, &new_unit, &s);
	(void)vote(&b, s.step.operation, FIRM_PERSON_1, "approve");
	(void)vote(&b, s.step.operation, FIRM_PERSON_2, "approve");
	expect_vote(&b, &s, FIRM_PERSON_5, OPERATION_DONE, nullptr);
	struct buffer *leaf = &b.leaves[b.count - 1];
	uint8_t *at = memmem(leaf->data, leaf->len, from, strlen(from));
	assert_non_null(at);
	memcpy(at, to, strlen(to));
	assert_ok(replayer_create(&replayer, &(struct record_blobs){io_system(), b.directory}));
	for (size_t i = 0; i < b.count; i++)
		assert_ok(replayer_add(replayer, i, buffer_bytes(&b.leaves[i]), &result, &difference));
	assert_int_equal(REPLAY_DIFFERENT, result);
	assert_string_equal("approvals.second counts more approvals than the 1 votes that there are", difference);
}

/* Whoever says "offline" is counted as saying so, and is as independent as their key. */
static void
what_a_voter_used_is_a_claim(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s;
	enum operation_state state;
	set_up(&b);
	activate(&b, "@id(\"offline\") permit (principal, action, resource) when {\n"
		     "  context.approvals.by_client.offline >= 1 && context.approvals.independent >= 2 };\n");
	submit(&b, &new_unit, &s);
	assert_bytes(BYTES_OF_LITERAL("{\"by_client.offline\":1,\"independent\":2}"), s.step.record->missing);
	struct firm_choice choice = {.verdict = "approve", .client = APPROVAL_CLIENT_CONSOLE};
	assert_ok(vote_as(&b, s.step.operation, FIRM_PERSON_1, &choice, &state));
	assert_bytes(BYTES_OF_LITERAL("{\"by_client.offline\":1,\"independent\":1}"), s.step.operation->held->missing);
	assert_restarts_alike(&b);
	s.step.operation = find_submitted(&b, &s);
	choice.client = APPROVAL_CLIENT_OFFLINE;
	assert_ok(vote_as(&b, s.step.operation, FIRM_PERSON_2, &choice, &state));
	assert_int_equal(OPERATION_DONE, state);
	assert_true(has_text(buffer_bytes(&b.leaves[b.count - 1]),
			     "\"approvals.by_client\":{\"cli\":0,\"console\":1,\"offline\":1}"));
	assert_replays(&b, 4);
}

static void
a_rejection_is_signed_with_its_reason(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s;
	enum operation_state state;
	set_up(&b);
	submit(&b, &new_unit, &s);
	struct firm_choice choice = {
		.verdict = "reject", .client = APPROVAL_CLIENT_CLI, .reason = "this entity exists already"};
	struct firm_choice silent = {.verdict = "reject", .client = APPROVAL_CLIENT_CLI, .reason = ""};
	assert_fails(STATUS_INVALID, "approval.reason", vote_as(&b, s.step.operation, FIRM_PERSON_3, &silent, &state));
	assert_int_equal(OPERATION_HELD, s.step.operation->state);
	assert_ok(vote_as(&b, s.step.operation, FIRM_PERSON_3, &choice, &state));
	assert_int_equal(OPERATION_REJECTED, state);
	assert_true(has_text(buffer_bytes(&b.leaves[b.count - 1]), "\"reason\":\"this entity exists already\""));
	assert_restarts_alike(&b);
}

static void
a_delegate_votes_once_and_only_until_the_end_of_the_delegation(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted delegation, s;
	struct firm_operation unit = new_unit;
	unit.lifetime_ms = 3 * A_DAY_MS;
	char payload[256];
	enum operation_state state;
	set_up(&b);
	snprintf(payload, sizeof payload,
		 "{\"by\":\"person:p-0000000000000005\",\"effective_from\":%lld,\"until\":%lld}",
		 (long long)(b.now_ms + A_DAY_MS), (long long)(b.now_ms + A_DAY_MS + 60'000));
	struct firm_operation delegate = {
		.by = FIRM_PERSON_4, .kind = "delegate", .resource = "person:p-0000000000000003", .payload = payload};
	submit(&b, &delegate, &delegation);
	assert_int_equal(OPERATION_HELD, vote(&b, delegation.step.operation, FIRM_PERSON_3, "approve"));
	assert_int_equal(OPERATION_DONE, vote(&b, delegation.step.operation, FIRM_PERSON_5, "approve"));
	submit(&b, &unit, &s);
	struct firm_choice for_three = {
		.verdict = "approve", .client = APPROVAL_CLIENT_CLI, .person = "person:p-0000000000000003"};
	assert_fails(STATUS_UNAUTHORIZED, "approval.delegation",
		     vote_as(&b, s.step.operation, FIRM_PERSON_1, &for_three, &state));
	assert_fails(STATUS_UNAUTHORIZED, "approval.delegation",
		     vote_as(&b, s.step.operation, FIRM_PERSON_5, &for_three, &state)); /* not yet */
	b.now_ms += A_DAY_MS;
	assert_ok(vote_as(&b, s.step.operation, FIRM_PERSON_5, &for_three, &state));
	assert_int_equal(OPERATION_HELD, state);
	struct firm_choice own = {.verdict = "approve", .client = APPROVAL_CLIENT_CLI};
	assert_fails(STATUS_CONFLICT, "votes.signer_voted", vote_as(&b, s.step.operation, FIRM_PERSON_5, &own, &state));
	b.now_ms += 60'000; /* the delegation is over, and its vote with it */
	assert_fails(STATUS_UNAUTHORIZED, "approval.delegation",
		     vote_as(&b, s.step.operation, FIRM_PERSON_5, &for_three, &state));
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_1, "approve"));
	assert_bytes(BYTES_OF_LITERAL("{\"group.security\":2}"), s.step.operation->held->missing);
	assert_replays(&b, 3);
	assert_restarts_alike(&b);
}

static bool
expire(struct bench_gate *b) {
	_cleanup_(gate_step_free) struct gate_step step = {};
	assert_ok(gate_expire(b->gate, b->now_ms, &step));
	if (step.entry_count > 0)
		write_step(b, &step);
	return step.entry_count > 0;
}

/* In time it is recorded; what the log does not say yet is not so yet, but nobody votes on it any more. */
static void
an_operation_that_was_not_approved_in_time_expires_by_an_entry(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s, again;
	enum operation_state state;
	set_up(&b);
	struct firm_operation unit = new_unit;
	unit.lifetime_ms = 1'200'000;
	unit.idempotency_key = "unit";
	submit(&b, &unit, &s);
	b.now_ms += 600'000;
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_3, "approve"));
	b.now_ms += 599'999;
	assert_false(expire(&b));
	b.now_ms++;
	struct firm_choice choice = {.verdict = "approve", .client = APPROVAL_CLIENT_CLI};
	assert_fails(STATUS_CONFLICT, "operation.not_held",
		     vote_as(&b, s.step.operation, FIRM_PERSON_5, &choice, &state));
	assert_restarts_alike(&b);
	struct gate_operation *operation = find_submitted(&b, &s);
	assert_int_equal(OPERATION_HELD, operation->state);
	assert_true(expire(&b));
	assert_false(expire(&b));
	assert_int_equal(OPERATION_EXPIRED, operation->state);
	assert_int_equal(b.count - 1, operation->entry);
	assert_true(has_text(buffer_bytes(&b.leaves[b.count - 1]), "\"expired_at\":"));
	submit(&b, &unit, &again);
	assert_int_equal(GATE_KNOWN, again.step.kind);
	assert_int_equal(OPERATION_EXPIRED, again.step.state);
	assert_replays(&b, 1);
	assert_restarts_alike(&b);
}

/* Also where some of those that were looked at before end later. */
static void
all_that_ended_together_expire_each_by_an_entry(void **) {
	constexpr size_t COUNT = 40;
	_cleanup_(tear_down) struct bench_gate b;
	set_up(&b);
	for (size_t i = 0; i < COUNT; i++) {
		_cleanup_(submitted_free) struct submitted s;
		char key[16];
		struct firm_operation unit = new_unit;
		snprintf(key, sizeof key, "unit-%zu", i);
		unit.idempotency_key = key;
		unit.lifetime_ms = i % 2 == 0 ? 1'200'000 : 2'400'000;
		submit(&b, &unit, &s);
		assert_int_equal(OPERATION_HELD, s.step.state);
	}
	for (size_t round = 0; round < 2; round++) {
		b.now_ms += 1'200'000;
		for (size_t i = 0; i < COUNT / 2; i++)
			assert_true(expire(&b));
		assert_false(expire(&b));
		assert_int_equal(COUNT / 2 - round * COUNT / 2, b.gate->state->operations.kept.count);
	}
}

/* A new member of a group has no voice in it, and is not in it for the policy, before their time; with the recorded time they
 * are, also where the keeper was not there when it came. */
static void
a_new_member_of_a_group_has_a_voice_after_the_wait(void **) {
	static const char policies[] = "@id(\"two\") permit (principal, action, resource) when {\n"
				       "  context.approvals.group.treasury >= 2 };\n"
				       "@id(\"member\") permit (principal in Group::\"treasury\", action == "
				       "Action::\"zone.add\", resource);\n";
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s;
	char payload[256];
	set_up(&b);
	snprintf(payload, sizeof payload, "{\"effective_from\":%lld,\"person\":\"person:p-0000000000000005\"}",
		 (long long)(b.now_ms + A_DAY_MS + 1000));
	ask(&b, "group.member_add", "group:treasury", payload);
	activate(&b, policies);
	struct firm_operation unit = new_unit, zone = {.by = FIRM_PERSON_5,
						       .kind = "zone.add",
						       .resource = "system:gatehouse",
						       .payload = "{\"id\":\"north\"}"};
	unit.lifetime_ms = 3 * A_DAY_MS;
	submit(&b, &unit, &s);
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_1, "approve"));
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_5, "approve"));
	assert_bytes(BYTES_OF_LITERAL("{\"group.treasury\":1}"), s.step.operation->held->missing);
	assert_int_equal(OPERATION_HELD, stop(&b, zone.by, zone.kind, zone.resource, zone.payload));
	assert_restarts_alike(&b);
	s.step.operation = find_submitted(&b, &s);
	b.now_ms += A_DAY_MS + 1000;
	assert_restarts_alike(&b);
	s.step.operation = find_submitted(&b, &s);
	assert_int_equal(OPERATION_DONE, stop(&b, zone.by, zone.kind, zone.resource, "{\"id\":\"south\"}"));
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_1, "approve")); /* theirs ran out */
	assert_int_equal(OPERATION_DONE, vote(&b, s.step.operation, FIRM_PERSON_5, "approve"));
	assert_replays(&b, 8);
	assert_restarts_alike(&b);
}

/* What sees the addition in time stops it alone; what has begun is not stopped that way. */
static void
what_is_about_to_begin_is_stopped_by_any_person(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	char member[256], delegation[256];
	set_up(&b);
	long long from = (long long)(b.now_ms + A_DAY_MS + 1000);
	snprintf(member, sizeof member, "{\"effective_from\":%lld,\"person\":\"person:p-0000000000000005\"}", from);
	snprintf(delegation, sizeof delegation,
		 "{\"by\":\"person:p-0000000000000002\",\"effective_from\":%lld,\"until\":%lld}", from, from + 1000);
	ask(&b, "group.member_add", "group:treasury", member);
	ask(&b, "delegate", "person:p-0000000000000001", delegation);
	const struct directory *directory = b.gate->state->directory;
	const struct principal *one = directory_principal(directory, BYTES_OF_LITERAL("person:p-0000000000000001")),
			       *two = directory_principal(directory, BYTES_OF_LITERAL("person:p-0000000000000002"));
	assert_false(directory_may_vote(directory, two, one, from - 1));
	assert_true(directory_may_vote(directory, two, one, from));
	assert_restarts_alike(&b);
	static const char person[] = "{\"person\":\"person:p-0000000000000005\"}";
	assert_int_equal(OPERATION_DONE, stop(&b, FIRM_PERSON_2, "addition.cancel", "group:treasury", person));
	assert_int_equal(OPERATION_FAILED, stop(&b, FIRM_PERSON_2, "addition.cancel", "group:treasury", person));
	assert_int_equal(OPERATION_DONE, stop(&b, FIRM_PERSON_2, "addition.cancel", "person:p-0000000000000001", "{}"));
	assert_int_equal(OPERATION_FAILED,
			 stop(&b, FIRM_PERSON_2, "addition.cancel", "person:p-0000000000000001", "{}"));
	assert_int_equal(OPERATION_FAILED, stop(&b, FIRM_PERSON_2, "addition.cancel", "group:treasury",
						"{\"person\":\"person:p-0000000000000001\"}")); /* who is in it */
	assert_restarts_alike(&b);
	directory = b.gate->state->directory;
	one = directory_principal(directory, BYTES_OF_LITERAL("person:p-0000000000000001"));
	two = directory_principal(directory, BYTES_OF_LITERAL("person:p-0000000000000002"));
	assert_false(directory_may_vote(directory, two, one, from));
	assert_int_equal(INT64_MAX, directory_next_member(directory, 0));
}

/* A new key of an approver signs nothing before its time. */
static void
a_new_key_of_an_approver_votes_after_the_wait(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s, early;
	char payload[512], hex[65];
	uint8_t seed[32] = {42}, public_key[32];
	enum operation_state state;
	set_up(&b);
	assert_ok(ed25519_public_key(seed, public_key));
	hex_encode(BYTES_OF_ARRAY(public_key), hex);
	snprintf(payload, sizeof payload,
		 "{\"class\":\"terminal\",\"effective_from\":%lld,\"name\":\"new\",\"public_key\":\"%s\"}",
		 (long long)(b.now_ms + A_DAY_MS), hex);
	ask(&b, "principal.key_add", "person:p-0000000000000003", payload);
	assert_restarts_alike(&b);
	memcpy(b.firm.members[FIRM_PERSON_3].seed, seed, sizeof seed);
	memcpy(b.firm.members[FIRM_PERSON_3].public_key, public_key, sizeof public_key);
	b.firm.members[FIRM_PERSON_3].key_id = "person:p-0000000000000003/new";
	struct firm_operation own = {.by = FIRM_PERSON_3,
				     .kind = "key.create",
				     .resource = "account:options-hot",
				     .payload = create_hot_key.payload};
	struct firm_operation unit = new_unit;
	unit.lifetime_ms = 3 * A_DAY_MS;
	submit(&b, &unit, &s);
	struct firm_choice choice = {.verdict = "approve", .client = APPROVAL_CLIENT_CLI};
	assert_fails(STATUS_UNAUTHORIZED, "directory.key_waiting",
		     vote_as(&b, s.step.operation, FIRM_PERSON_3, &choice, &state));
	submit(&b, &own, &early);
	assert_fails(STATUS_UNAUTHORIZED, "directory.key_waiting", early.status);
	b.now_ms += A_DAY_MS;
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_3, "approve"));
	assert_int_equal(OPERATION_DONE, vote(&b, s.step.operation, FIRM_PERSON_5, "approve"));
	assert_replays(&b, 4);
}

/* --- Break-glass. --- */

static const struct firm_operation in_an_emergency = {.by = FIRM_PERSON_4,
						      .kind = "unit.add",
						      .resource = "system:gatehouse",
						      .payload = "{\"id\":\"north\",\"kind\":\"legal_entity\"}",
						      .reason = "the venue's keys are lost",
						      .break_glass = true};

/* Whatever the policies permit: nobody, and no one person, passes by breaking the glass. */
static void
a_break_glass_needs_two_people_where_the_policies_ask_for_none(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s, plain;
	set_up(&b);
	activate(&b, "@id(\"all\") permit (principal, action, resource);\n");
	submit(&b, &in_an_emergency, &s);
	assert_ok(s.status);
	assert_int_equal(OPERATION_HELD, s.step.state);
	assert_true(s.step.is_break_glass);
	assert_bytes(BYTES_OF_LITERAL("{\"total\":2}"), s.step.record->missing);
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_1, "approve"));
	assert_bytes(BYTES_OF_LITERAL("{\"total\":1}"), s.step.operation->held->missing);
	assert_restarts_alike(&b);
	s.step.operation = find_submitted(&b, &s);
	assert_int_equal(OPERATION_DONE, vote(&b, s.step.operation, FIRM_PERSON_2, "approve"));
	assert_int_equal(OPERATION_DONE, stop(&b, FIRM_PERSON_4, "zone.add", "system:gatehouse", "{\"id\":\"north\"}"));
	assert_replays(&b, 5);
	assert_restarts_alike(&b);
	assert_int_equal(1, b.gate->state->reviews.open.count);
	/* What went through with one vote less than was recorded does not replay. */
	_cleanup_(replayer_destroy) struct replayer *replayer = nullptr;
	static const char from[] = "\"approvals.total\":2", to[] = "\"approvals.total\":1";
	enum replay_result result = REPLAY_NOT_A_DECISION;
	const char *difference = nullptr;
	struct buffer *leaf = &b.leaves[b.count - 2];
	uint8_t *at = memmem(leaf->data, leaf->len, from, strlen(from));
	assert_non_null(at);
	memcpy(at, to, strlen(to));
	b.is_forged = true;
	assert_ok(replayer_create(&replayer, &(struct record_blobs){io_system(), b.directory}));
	for (size_t i = 0; i + 1 < b.count; i++)
		assert_ok(replayer_add(replayer, i, buffer_bytes(&b.leaves[i]), &result, &difference));
	assert_int_equal(REPLAY_DIFFERENT, result);
	assert_string_equal("decided deny, recorded permit", difference);
}

/* One human with a delegation is one human. */
static void
a_delegate_is_not_two_people_in_an_emergency_either(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s;
	enum operation_state state;
	char payload[256];
	set_up(&b);
	activate(&b, "@id(\"all\") permit (principal, action, resource);\n");
	snprintf(payload, sizeof payload, "{\"by\":\"person:p-0000000000000001\",\"until\":%lld}",
		 (long long)(b.now_ms + A_DAY_MS));
	assert_int_equal(OPERATION_DONE, stop(&b, FIRM_PERSON_2, "delegate", "person:p-0000000000000002", payload));
	assert_int_equal(OPERATION_DONE, stop(&b, FIRM_PERSON_4, "delegate", "person:p-0000000000000004", payload));
	submit(&b, &in_an_emergency, &s);
	struct firm_choice own = {.verdict = "approve", .client = APPROVAL_CLIENT_CLI},
			   of_two = {.verdict = "approve",
				     .client = APPROVAL_CLIENT_CLI,
				     .person = "person:p-0000000000000002"},
			   of_asker = {.verdict = "approve",
				       .client = APPROVAL_CLIENT_CLI,
				       .person = "person:p-0000000000000004"};
	assert_ok(vote_as(&b, s.step.operation, FIRM_PERSON_1, &of_two, &state));
	assert_int_equal(OPERATION_HELD, state);
	assert_fails(STATUS_CONFLICT, "votes.signer_voted", vote_as(&b, s.step.operation, FIRM_PERSON_1, &own, &state));
	assert_fails(STATUS_DENIED, "votes.initiator", vote_as(&b, s.step.operation, FIRM_PERSON_1, &of_asker, &state));
	assert_int_equal(OPERATION_HELD, s.step.operation->state);
}

/* Bundles that try are refused before anybody is asked; and a forbid stays a forbid. */
static void
no_bundle_lets_an_emergency_pass_a_forbid_or_one_person(void **) {
	static const struct {
		const char *policies;
		bool is_refused;
	} cases[] = {
		{"@id(\"a\") permit (principal, action, resource) when { context.request.break_glass };", true},
		{"@id(\"a\") permit (principal, action, resource)\n"
		 "when { context.request.break_glass && context.approvals.total >= 1 };",
		 true},
		{"@id(\"a\") permit (principal, action, resource)\n"
		 "when { context.request.break_glass || context.approvals.total >= 2 };",
		 true},
		{"@id(\"a\") permit (principal, action, resource)\n"
		 "when { context.request.break_glass == true && context.approvals.rejections < 2 };",
		 true},
		{"@id(\"a\") forbid (principal, action, resource) unless { context.request.break_glass };", true},
		{"@id(\"a\") forbid (principal, action, resource) when { !context.request.break_glass };", true},
		{"@id(\"a\") forbid (principal, action, resource)\n"
		 "when { context.approvals.total < 3 && !context.request.break_glass };",
		 true},
		{"@id(\"a\") forbid (principal, action, resource)\n"
		 "when { if context.request.break_glass then false else true };",
		 true},
		{"@id(\"a\") permit (principal, action, resource)\n"
		 "when { context.request.break_glass && context.approvals.total >= 2 };",
		 false},
		{"@id(\"a\") permit (principal, action, resource)\n"
		 "when { context.request.break_glass } when { 1 < context.approvals.group.treasury };",
		 false},
		{"@id(\"a\") permit (principal, action, resource) unless { context.request.break_glass };", false},
		{"@id(\"a\") forbid (principal, action, resource) when { context.request.break_glass };", false},
	};
	_cleanup_(tear_down) struct bench_gate b;
	set_up(&b);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(buffer_free) struct buffer payload = {};
		_cleanup_(submitted_free) struct submitted s;
		assert_ok(firm_activation_alone(cases[i].policies, &payload));
		struct firm_operation change = {.by = FIRM_PERSON_4,
						.kind = "policy.activate",
						.resource = "system:gatehouse",
						.reason = "tested",
						.payload = (const char *)payload.data};
		submit(&b, &change, &s);
		if (cases[i].is_refused &&
		    (s.status != STATUS_INVALID || strstr(fail_message(), "monotone.break_glass") == nullptr))
			fail_msg("%s: expected monotone.break_glass, got %s", cases[i].policies, fail_message());
		if (!cases[i].is_refused && s.status != OK)
			fail_msg("%s: %s", cases[i].policies, fail_message());
	}
	activate(&b, "@id(\"glass\") permit (principal, action, resource)\n"
		     "when { context.request.break_glass && context.approvals.total >= 2 };\n"
		     "@id(\"never\") forbid (principal, action == Action::\"unit.add\", resource);\n");
	_cleanup_(submitted_free) struct submitted denied;
	submit(&b, &in_an_emergency, &denied);
	assert_int_equal(OPERATION_DENIED, denied.step.state);
}

/* In the shipped policies: two people of any group and an hour, instead of two of security and a day. */
static void
an_emergency_widens_groups_and_shortens_waits_and_is_reviewed(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s, own, reviewed, again, late;
	char payload[256], resource[80] = "operation:";
	set_up(&b);
	snprintf(payload, sizeof payload, "{\"effective_from\":%lld,\"person\":\"person:p-0000000000000005\"}",
		 (long long)(b.now_ms + INT64_C(3'600'000)));
	struct firm_operation member = {
		.by = FIRM_PERSON_4, .kind = "group.member_add", .resource = "group:treasury", .payload = payload};
	assert_int_equal(OPERATION_DENIED, stop(&b, member.by, member.kind, member.resource, member.payload));
	member.break_glass = true;
	member.reason = "two of three treasurers cannot be reached";
	submit(&b, &member, &s);
	assert_ok(s.status);
	assert_bytes(BYTES_OF_LITERAL("{\"independent\":1,\"total\":2}"), s.step.record->missing);
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_1, "approve"));
	assert_int_equal(OPERATION_DONE, vote(&b, s.step.operation, FIRM_PERSON_2, "approve"));
	hex_encode(hash256_bytes(&s.submission.id), resource + strlen(resource));
	struct reviews *reviews = &b.gate->state->reviews;
	assert_int_equal(0, reviews_overdue(reviews, b.now_ms + BREAK_GLASS_REVIEW_MS - 1));
	b.now_ms += BREAK_GLASS_REVIEW_MS;
	assert_int_equal(1, reviews_overdue(reviews, b.now_ms));
	assert_restarts_alike(&b);
	/* While it is overdue nobody breaks the glass again. */
	struct firm_operation another = in_an_emergency;
	another.kind = "group.add";
	another.payload = "{\"id\":\"extra\"}";
	submit(&b, &another, &late);
	assert_true(has_text(late.step.record->facts, "\"request.reviews_overdue\":1"));
	assert_bytes(BYTES_OF_LITERAL("{\"group.security\":2,\"independent\":1,\"total\":2}"),
		     late.step.record->missing);
	struct firm_operation review = {.by = FIRM_PERSON_4,
					.kind = "break_glass.review",
					.resource = resource,
					.payload = "{\"finding\":\"justified\"}"};
	submit(&b, &review, &own);
	assert_int_equal(OPERATION_DENIED, own.step.state);
	review.by = FIRM_PERSON_3;
	submit(&b, &review, &reviewed);
	assert_int_equal(OPERATION_DONE, reviewed.step.state);
	assert_int_equal(0, b.gate->state->reviews.open.count);
	submit(&b, &review, &again);
	assert_int_equal(OPERATION_DENIED, again.step.state); /* nothing is open */
	assert_replays(&b, 7);
	assert_restarts_alike(&b);
}

static void
what_is_no_emergency_is_refused_by_name(void **) {
	static const struct {
		struct firm_operation operation;
		const char *name;
	} cases[] = {
		{{.by = FIRM_PERSON_4,
		  .kind = "principal.suspend",
		  .resource = "person:p-0000000000000003",
		  .payload = "{}",
		  .reason = "tested",
		  .break_glass = true},
		 "operation.break_glass"},
		{{.by = FIRM_PERSON_4,
		  .kind = "break_glass.review",
		  .resource = "operation:00",
		  .payload = "{\"finding\":\"fine\"}",
		  .reason = "tested",
		  .break_glass = true},
		 "operation.break_glass"},
	};
	_cleanup_(tear_down) struct bench_gate b;
	set_up(&b);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(submitted_free) struct submitted s;
		submit(&b, &cases[i].operation, &s);
		assert_fails(STATUS_INVALID, cases[i].name, s.status);
	}
	struct operation operation = {.instance = BYTES_OF_LITERAL("i"),
				      .kind = BYTES_OF_LITERAL("sign"),
				      .principal = BYTES_OF_LITERAL("person:p-1"),
				      .resource = BYTES_OF_LITERAL("key:k"),
				      .idempotency_key = BYTES_OF_LITERAL("k"),
				      .expires_ms = 1,
				      .break_glass = true};
	_cleanup_(buffer_free) struct buffer text = {};
	assert_fails(STATUS_INVALID, "operation.break_glass", operation_write(&operation, &text));
}

RUN_TESTS(T(a_break_glass_needs_two_people_where_the_policies_ask_for_none),
	  T(a_delegate_is_not_two_people_in_an_emergency_either),
	  T(no_bundle_lets_an_emergency_pass_a_forbid_or_one_person),
	  T(an_emergency_widens_groups_and_shortens_waits_and_is_reviewed), T(what_is_no_emergency_is_refused_by_name),
	  T(a_new_member_of_a_group_has_a_voice_after_the_wait), T(what_is_about_to_begin_is_stopped_by_any_person),
	  T(a_new_key_of_an_approver_votes_after_the_wait),
	  T(an_operation_that_was_not_approved_in_time_expires_by_an_entry),
	  T(all_that_ended_together_expire_each_by_an_entry), T(stages_are_completed_in_their_order),
	  T(a_stage_that_is_undone_takes_the_later_ones_with_it), T(a_stage_that_nobody_completed_does_not_replay),
	  T(what_a_voter_used_is_a_claim), T(a_rejection_is_signed_with_its_reason),
	  T(a_delegate_votes_once_and_only_until_the_end_of_the_delegation),
	  T(a_refusal_at_the_last_vote_is_an_entry_and_the_next_vote_decides_again))
