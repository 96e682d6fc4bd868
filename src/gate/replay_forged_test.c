/*
 * A keeper that lies in its own log: it decides on another state than its entries make, and signs whatever comes of it. Each entry is
 * consistent in itself: the policies say to the recorded facts what is recorded, and everyone signed what they are said to have signed.
 */
#include "tests/test.h"

#include "gate/administration.h"
#include "tests/gate_fixture.h"

/* A transfer that two must approve; one has. */
static void
set_up_half_approved(struct bench_gate *b, struct submitted *s) {
	char payload[512];
	set_up(b);
	make_hot_key(b);
	struct firm_operation operation = transfer(1000, 0, payload);
	submit(b, &operation, s);
	assert_int_equal(OPERATION_HELD, vote(b, s->step.operation, FIRM_PERSON_1, "approve"));
}

/* The next transfer of the hot key, which nobody has to approve. */
static void
submit_small(struct bench_gate *b, unsigned nonce, struct submitted *s) {
	char payload[512];
	struct firm_operation operation = transfer(10, nonce, payload);
	submit(b, &operation, s);
}

/* --- What the liar does to its state, and no entry tells. --- */

static void
change_untold(struct bench_gate *b, enum operation_kind_id kind, const char *resource, const char *payload) {
	_cleanup_(arena_free) struct arena arena = {};
	struct operation operation = {.principal = BYTES_OF_LITERAL("person:p-0000000000000004"),
				      .resource = bytes_of_text(resource)};
	struct change change = {.kind = kind, .operation = &operation, .now_ms = b->now_ms};
	assert_ok(operation_kind_check_resource(kind, operation.resource, &change.resource_type, &change.resource_id));
	assert_ok(json_read(&arena, bytes_of_text(payload), (struct json_limits){}, &change.payload));
	assert_ok(gate_apply_change(b->gate, &change));
}

static void
forget_spends(struct bench_gate *b) {
	limits_destroy(&b->gate->state->limits);
	assert_ok(limits_create(&b->gate->state->limits));
}

static void
forget_nonces(struct bench_gate *b) {
	assert_non_null(map_remove(&b->gate->state->last_nonces, BYTES_OF_LITERAL("eth-hot/eip155:1")));
}

static void
count_more(struct bench_gate *b) {
	struct limit_part part = {LIMIT_DESK, BYTES_OF_LITERAL("options"), 100};
	struct spend spend = {.at_ms = b->now_ms, .operation = {1}, .identity = {1}, .parts = &part, .part_count = 1};
	assert_ok(limits_apply(b->gate->state->limits, &spend));
}

static void
unlist_destination(struct bench_gate *b) {
	change_untold(b, OPERATION_LIST_REMOVE, "list:counterparties",
		      "{\"entries\":[\"eip155:1:0x3535353535353535353535353535353535353535\"]}");
}

static void
lower_price(struct bench_gate *b) {
	change_untold(b, OPERATION_PRICE_SET, "asset:eip155:1/native", "{\"microcents\":200000000000}");
}

static void
move_zone(struct bench_gate *b) {
	change_untold(b, OPERATION_ZONE_ADD, "system:gatehouse", "{\"id\":\"elsewhere\"}");
	const struct directory_key *key;
	assert_ok(directory_active_key(b->gate->state->directory,
				       bytes_of_text(b->firm.members[FIRM_SETTLEMENT].key_id), &key));
	((struct directory_key *)(uintptr_t)key)->zone =
		directory_zone(b->gate->state->directory, BYTES_OF_LITERAL("elsewhere"));
}

static void
a_lie_about_what_was_before_shows(void **) {
	static const struct {
		void (*lie)(struct bench_gate *b);
		const char *difference;
	} cases[] = {
		{forget_spends, "limits.key.day is 60378, recorded 30189"},
		{forget_nonces, "transfer.last_nonce is 0, and is not recorded"},
		{count_more, "limits.desk.day is 60378, recorded 60478"},
		{unlist_destination, "destination.allowed is true, recorded false"},
		{lower_price, "transfer.usd_cents is 30189, recorded 20126"},
		{move_zone, "zone.registered is \"trading\", recorded \"elsewhere\""},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(tear_down) struct bench_gate b;
		_cleanup_(submitted_free) struct submitted first, second;
		set_up(&b);
		make_hot_key(&b);
		submit_small(&b, 0, &first);
		assert_honest(&b);
		cases[i].lie(&b);
		submit_small(&b, 1, &second);
		assert_ok(second.status);
		assert_differs(&b, b.count - 1, cases[i].difference);
	}
}

/* --- Twice. --- */

/* Neither operation nor nonce was ever seen: all that the liar has to forget. */
static void
forget_operation(struct bench_gate *b, const struct hash256 *id) {
	operations_forget(&b->gate->state->operations, operations_find(&b->gate->state->operations, id));
	nonces_destroy(&b->gate->state->nonces);
	assert_ok(nonces_create(&b->gate->state->nonces, (struct nonces_limits){}));
}

static void
nothing_is_decided_or_carried_out_twice(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted first, again;
	char payload[512], expected[96];
	set_up(&b);
	make_hot_key(&b);
	struct firm_operation operation = transfer(10, 0, payload);
	operation.idempotency_key = "invoice-17";
	submit(&b, &operation, &first);
	snprintf(expected, sizeof expected, "decided twice: the operation is done by entry %zu", b.count - 1);
	forget_operation(&b, &first.submission.id);
	submit(&b, &operation, &again);
	assert_int_equal(OPERATION_DONE, again.step.state);
	assert_differs(&b, b.count - 1, expected);
}

/* What is held waits, and is not held again; a vote on what is done comes too late, and so does whatever else is said of it. */
static void
what_is_decided_is_over(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted first, again;
	char payload[512], expected[96];
	set_up(&b);
	make_hot_key(&b);
	struct firm_operation operation = transfer(1000, 0, payload);
	operation.idempotency_key = "invoice-17";
	submit(&b, &operation, &first);
	size_t held = b.count - 1;
	forget_operation(&b, &first.submission.id);
	submit(&b, &operation, &again);
	assert_int_equal(OPERATION_HELD, again.step.state);
	snprintf(expected, sizeof expected, "decided twice: it is held by entry %zu", held);
	assert_differs(&b, b.count - 1, expected);
	buffer_free(&b.leaves[--b.count]);
	assert_int_equal(OPERATION_HELD, vote(&b, again.step.operation, FIRM_PERSON_1, "approve"));
	assert_int_equal(OPERATION_DONE, vote(&b, again.step.operation, FIRM_PERSON_2, "approve"));
	assert_honest(&b);
	size_t done = b.count - 1;
	struct bytes voted = buffer_bytes(&b.leaves[held + 1]);
	buffer_append_bytes(&b.leaves[b.count++], voted);
	snprintf(expected, sizeof expected, "it comes too late: the operation is done by entry %zu", done);
	assert_differs(&b, b.count - 1, expected);
	buffer_free(&b.leaves[--b.count]);
	char hex[65], body[256];
	hex_encode(hash256_bytes(&first.submission.id), hex);
	snprintf(body, sizeof body,
		 "{\"done_at\":1767225600000,\"legal_entity\":\"\",\"operation\":\"%s\",\"outcome\":\"done\"}", hex);
	keep_leaf(&b, ENTRY_OUTCOME, bytes_of_text(body));
	assert_differs(&b, b.count - 1, expected);
	buffer_free(&b.leaves[--b.count]);
	snprintf(body, sizeof body, "{\"expired_at\":1767225600000,\"legal_entity\":\"\",\"operation\":\"%s\"}", hex);
	keep_leaf(&b, ENTRY_EXPIRY, bytes_of_text(body));
	assert_differs(&b, b.count - 1, expected);
}

/* Time goes on: what was done before it was decided was not done then. */
static void
nothing_comes_out_before_it_was_decided(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s;
	_cleanup_(gate_step_free) struct gate_step done = {};
	struct firm_operation destroy = {
		.by = FIRM_PERSON_4, .kind = "key.destroy", .resource = "key:eth-hot", .payload = "{}"};
	set_up(&b);
	make_hot_key(&b);
	submit(&b, &destroy, &s);
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_3, "approve"));
	assert_int_equal(OPERATION_UNKNOWN, vote(&b, s.step.operation, FIRM_PERSON_5, "approve"));
	assert_honest(&b);
	assert_ok(gate_perform(b.gate, s.step.operation, b.now_ms - 1, &done));
	write_step(&b, &done);
	assert_differs(&b, b.count - 1, "it came out earlier than what stands before it");
}

/* --- Votes. --- */

/* Person 3 never delegated to person 1; the votes of the two would be one too few. */
static void
a_delegate_votes_by_a_delegation_that_the_log_tells(void **) {
	static const struct firm_choice for_three = {
		.verdict = "approve", .client = APPROVAL_CLIENT_CLI, .person = "person:p-0000000000000003"};
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s;
	enum operation_state state;
	char payload[128];
	set_up(&b);
	submit(&b, &new_unit, &s);
	snprintf(payload, sizeof payload, "{\"by\":\"person:p-0000000000000001\",\"until\":%lld}",
		 (long long)(b.now_ms + 60'000));
	change_untold(&b, OPERATION_DELEGATE, "person:p-0000000000000003", payload);
	assert_ok(vote_as(&b, s.step.operation, FIRM_PERSON_1, &for_three, &state));
	assert_differs(&b, b.count - 1, "approval.delegation: the signer may not vote for");
}

/* The delegation is one that was: to be over makes the vote count for nothing. */
static void
a_vote_by_a_delegation_that_is_over_counts_for_nothing(void **) {
	static const struct firm_choice for_three = {
		.verdict = "approve", .client = APPROVAL_CLIENT_CLI, .person = "person:p-0000000000000003"};
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s;
	enum operation_state state;
	char payload[160];
	set_up(&b);
	activate(&b, "@id(\"two\") permit (principal, action, resource) when { context.approvals.total >= 2 };\n");
	snprintf(payload, sizeof payload, "{\"by\":\"person:p-0000000000000001\",\"until\":%lld}",
		 (long long)(b.now_ms + 60'000));
	ask(&b, "delegate", "person:p-0000000000000003", payload);
	submit(&b, &new_unit, &s);
	assert_ok(vote_as(&b, s.step.operation, FIRM_PERSON_1, &for_three, &state));
	b.now_ms += 60'000;
	snprintf(payload, sizeof payload, "{\"by\":\"person:p-0000000000000001\",\"until\":%lld}",
		 (long long)(b.now_ms + 60'000));
	change_untold(&b, OPERATION_DELEGATE, "person:p-0000000000000003", payload); /* longer than was agreed */
	assert_int_equal(OPERATION_DONE, vote(&b, s.step.operation, FIRM_PERSON_2, "approve"));
	assert_differs(&b, b.count - 1, "approvals.total is 1, recorded 2");
}

static void
whoever_is_in_no_group_counts_in_none(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s;
	set_up_half_approved(&b, &s);
	change_untold(&b, OPERATION_GROUP_MEMBER_ADD, "group:treasury", "{\"person\":\"person:p-0000000000000004\"}");
	assert_int_equal(OPERATION_DONE, vote(&b, s.step.operation, FIRM_PERSON_4, "approve"));
	assert_differs(&b, b.count - 1, "approvals.group.treasury is 1, recorded 2");
}

/* --- What was left out. --- */

static void
leave_out(struct bench_gate *b, size_t index) {
	buffer_free(&b->leaves[index]);
	memmove(&b->leaves[index], &b->leaves[index + 1], (b->count - index - 1) * sizeof b->leaves[0]);
	b->leaves[--b->count] = (struct buffer){};
}

/* What others did shows by its effects: a log without it does not go on as it does. */
static void
what_had_effects_is_not_left_out(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted first, second;
	set_up(&b);
	make_hot_key(&b);
	submit_small(&b, 0, &first);
	size_t spent = b.count - 1;
	submit_small(&b, 1, &second);
	leave_out(&b, spent);
	assert_differs(&b, b.count - 1, "limits.key.day is 30189, recorded 60378");
}

/* It has none once it is not counted: the liar that never writes it leaves a log that is whole. Whoever withdrew has a receipt of it
 * (docs/verify.md), which no head of this log agrees with: verify_log_test.c. */
static void
a_withdrawal_that_was_never_written_does_not_show(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s;
	set_up_half_approved(&b, &s);
	assert_honest(&b);
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_1, "withdraw"));
	leave_out(&b, b.count - 1);
	start_gate(&b); /* the liar knows nothing of it either */
	struct gate_operation *held = find_submitted(&b, &s);
	assert_int_equal(OPERATION_DONE, vote(&b, held, FIRM_PERSON_2, "approve"));
	assert_honest(&b);
}

/* Whoever stopped one person already, and whose keeper says that the one is back: no fewer are left for that than the code demands. */
static void
a_stop_that_leaves_too_few_people_does_not_follow(void **) {
	static const char one[] = "person:p-0000000000000001", three[] = "person:p-0000000000000003";
	_cleanup_(tear_down) struct bench_gate b;
	set_up(&b);
	assert_int_equal(OPERATION_DONE, stop(&b, FIRM_PERSON_2, "principal.suspend", one, "{}"));
	assert_int_equal(OPERATION_FAILED, stop(&b, FIRM_PERSON_2, "principal.suspend", three, "{}"));
	assert_honest(&b);
	change_untold(&b, OPERATION_PRINCIPAL_RESUME, one, "{}");
	assert_int_equal(OPERATION_DONE, stop(&b, FIRM_PERSON_2, "principal.suspend", three, "{}"));
	assert_differs(&b, b.count - 1, "principal.last_people");
}

/* --- What is no log. --- */

/* A log with one member called otherwise, or one number that is another: read to the end, or refused, or different; never the same,
 * where it is about a decision. */
static bool
is_believed(const struct bench_gate *b, size_t changed, struct bytes leaf) {
	_cleanup_(replayer_destroy) struct replayer *replayer = nullptr;
	assert_ok(replayer_create(&replayer, &(struct record_blobs){io_system(), b->directory}));
	for (size_t i = 0; i < b->count; i++) {
		enum replay_result result;
		const char *difference;
		struct bytes next = i == changed ? leaf : buffer_bytes(&b->leaves[i]);
		if (replayer_add(replayer, i, next, &result, &difference) != OK)
			return false;
		assert_int_equal(result == REPLAY_DIFFERENT, difference != nullptr);
	}
	return replayer_counts(replayer).different == 0;
}

/* What replay says nothing of: which entry of its type it is, and when it was written, which the verifier does; which program wrote
 * it. */
static bool
is_of_no_decision(const struct buffer *leaf, size_t at) {
	static const char *const members[] = {"seq", "engine", "fact_schema", "at"};
	for (size_t i = 0; i < ARRAY_LENGTH(members); i++) {
		size_t len = strlen(members[i]);
		if (at >= len && memcmp(leaf->data + at - len, members[i], len) == 0)
			return true;
	}
	return false;
}

static void
a_changed_log_is_never_the_same(void **) {
	constexpr size_t EVERY = 7;
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s;
	char payload[512];
	size_t members = 0;
	set_up(&b);
	make_hot_key(&b);
	struct firm_operation operation = transfer(10, 0, payload);
	submit(&b, &operation, &s);
	for (size_t i = 1; i < b.count; i++)
		for (size_t at = 2; at + 2 < b.leaves[i].len; at++) {
			uint8_t *text = b.leaves[i].data;
			if (text[at] != '"' || text[at + 1] != ':' || members++ % EVERY != 0 ||
			    is_of_no_decision(&b.leaves[i], at))
				continue;
			bool is_number = text[at + 2] >= '0' && text[at + 2] <= '9';
			uint8_t *changed = is_number ? &text[at + 2] : &text[at - 1], before = *changed;
			*changed = is_number ? (before == '9' ? '8' : '9') : '_';
			if (is_believed(&b, i, buffer_bytes(&b.leaves[i])))
				fail_msg("entry %zu, at %zu: %.60s", i, at,
					 (const char *)text + (at < 40 ? 0 : at - 40));
			*changed = before;
		}
	assert_true(members > 10 * EVERY);
}

/* --- Another version. --- */

/* A fact that one of the two does not know is not missed; one that both know is compared, and what is not compared is counted. */
static void
of_another_version_the_facts_that_both_know_are_compared(void **) {
	static const char engine[] = "\"engine\":\"cedar-4.5 strict", fact[] = "\"request.has_reference\":false,";
	static const char has_reason[] = "\"request.has_reason\":false";
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s;
	char difference[256], payload[512];
	size_t at = 0;
	set_up(&b);
	make_hot_key(&b);
	struct firm_operation operation = transfer(10, 0, payload);
	submit(&b, &operation, &s);
	struct buffer *leaf = &b.leaves[b.count - 1];
	uint8_t *text = memmem(leaf->data, leaf->len, fact, sizeof fact - 1);
	assert_non_null(text);
	size_t behind = leaf->len - (size_t)(text - leaf->data) - (sizeof fact - 1);
	memmove(text, text + sizeof fact - 1, behind);
	leaf->len -= sizeof fact - 1;
	assert_differs(&b, b.count - 1, "request.has_reference is false, and is not recorded");
	text = memmem(leaf->data, leaf->len, engine, sizeof engine - 1);
	assert_non_null(text);
	memcpy(text + 10, "ced@r", 5);
	struct replay_counts counts = replay(&b, &at, difference);
	assert_int_equal(0, counts.different);
	assert_int_equal(1, counts.partly);
	text = memmem(leaf->data, leaf->len, has_reason, sizeof has_reason - 1);
	assert_non_null(text);
	memcpy(text + sizeof has_reason - 6, "true ", 5);
	assert_differs(&b, b.count - 1, "request.has_reason is false, recorded true");
}

/* --- A part of a log. --- */

static void
of_a_part_nothing_is_said_to_be_recomputed(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted first, second;
	_cleanup_(replayer_destroy) struct replayer *replayer = nullptr;
	set_up(&b);
	make_hot_key(&b);
	submit_small(&b, 0, &first);
	size_t spent = b.count - 1;
	submit_small(&b, 1, &second);
	assert_ok(replayer_create(&replayer, &(struct record_blobs){io_system(), b.directory}));
	for (size_t i = 0; i < b.count; i++) {
		enum replay_result result;
		const char *difference;
		if (i != spent)
			assert_ok(replayer_add(replayer, i, buffer_bytes(&b.leaves[i]), &result, &difference));
	}
	struct replay_counts counts = replayer_counts(replayer);
	assert_int_equal(0, counts.different);
	assert_int_equal(1, counts.unknown);
	assert_int_equal(spent, counts.left_out);
}

RUN_TESTS(T(a_lie_about_what_was_before_shows), T(nothing_comes_out_before_it_was_decided),
	  T(nothing_is_decided_or_carried_out_twice), T(what_is_decided_is_over),
	  T(a_delegate_votes_by_a_delegation_that_the_log_tells),
	  T(a_vote_by_a_delegation_that_is_over_counts_for_nothing), T(whoever_is_in_no_group_counts_in_none),
	  T(what_had_effects_is_not_left_out), T(a_withdrawal_that_was_never_written_does_not_show),
	  T(a_changed_log_is_never_the_same), T(of_another_version_the_facts_that_both_know_are_compared),
	  T(a_stop_that_leaves_too_few_people_does_not_follow), T(of_a_part_nothing_is_said_to_be_recomputed))
