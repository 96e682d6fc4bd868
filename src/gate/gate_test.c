#include "tests/test.h"

#include <stdio.h>

#include "tests/gate_fixture.h"

static void
a_key_is_made_by_two_of_security_and_a_small_transfer_is_signed(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	char payload[512];
	set_up(&b);
	make_hot_key(&b);
	struct firm_operation operation = transfer(10, 0, payload);
	_cleanup_(submitted_free) struct submitted s;
	submit(&b, &operation, &s);
	assert_ok(s.status);
	assert_int_equal(OPERATION_DONE, s.step.state);
	assert_int_equal(DECISION_PERMIT, s.step.record->decision);
	assert_true(s.step.record->has_spend);
	assert_non_null(memmem(s.step.record->result.data, s.step.record->result.len, "\"transaction\":\"02", 17));
}

/* Else there would be no facts "limits", which a policy that forbids above a sum reads; and nothing would be counted. */
static void
a_key_of_an_unknown_account_signs_nothing(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	char payload[512];
	set_up(&b);
	make_hot_key(&b);
	struct key_info *key = (struct key_info *)gate_state_key(b.gate->state, BYTES_OF_LITERAL("eth-hot"));
	snprintf(key->account, sizeof key->account, "nobodys");
	struct firm_operation operation = transfer(10, 0, payload);
	_cleanup_(submitted_free) struct submitted s;
	submit(&b, &operation, &s);
	assert_int_equal(STATUS_DENIED, s.status);
	assert_string_equal("limits.account: key eth-hot is of account \"nobodys\", which is not known here",
			    fail_message());
}

static void
a_large_transfer_is_held_until_two_of_treasury_have_approved(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	char payload[512];
	set_up(&b);
	make_hot_key(&b);
	struct firm_operation operation = transfer(1000, 0, payload); /* 10 ETH, 30,000 USD */
	_cleanup_(submitted_free) struct submitted s;
	submit(&b, &operation, &s);
	assert_ok(s.status);
	assert_int_equal(OPERATION_HELD, s.step.state);
	assert_bytes(BYTES_OF_LITERAL("{\"group.treasury\":2,\"independent\":1}"), s.step.record->missing);
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_1, "approve"));
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_4, "approve")); /* not of treasury */
	assert_int_equal(OPERATION_DONE, vote(&b, s.step.operation, FIRM_PERSON_2, "approve"));
}

static void
a_rejection_ends_a_held_operation(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	char payload[512];
	set_up(&b);
	make_hot_key(&b);
	struct firm_operation operation = transfer(1000, 0, payload);
	_cleanup_(submitted_free) struct submitted s;
	submit(&b, &operation, &s);
	assert_int_equal(OPERATION_REJECTED, vote(&b, s.step.operation, FIRM_PERSON_1, "reject"));
}

static void
more_than_the_hourly_limit_is_denied_and_counts_nothing(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	char payload[512];
	set_up(&b);
	make_hot_key(&b);
	struct firm_operation operation = transfer(9000, 0, payload); /* 90 ETH, 270,000 USD */
	_cleanup_(submitted_free) struct submitted s;
	submit(&b, &operation, &s);
	assert_ok(s.status);
	assert_int_equal(OPERATION_DENIED, s.step.state);
	assert_bytes(BYTES_OF_LITERAL("hourly_limit"), s.step.record->reasons[0].policy);
	assert_false(s.step.record->has_spend);
}

/* Nothing, to an allowed destination, and 0.336 ether to whoever makes the block: below the small limit, but no list names that one. */
static void
a_fee_is_no_way_out_for_funds(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	set_up(&b);
	make_hot_key(&b);
	struct firm_operation operation = {
		.by = FIRM_SETTLEMENT,
		.kind = "sign",
		.resource = "key:eth-hot",
		.payload = "{\"format\":\"evm\",\"transaction\":\"0x02e90180843b9aca00860e8d4a51000082520894"
			   "35353535353535353535353535353535353535358080c0\"}"};
	_cleanup_(submitted_free) struct submitted s;
	submit(&b, &operation, &s);
	assert_ok(s.status);
	assert_int_equal(OPERATION_DENIED, s.step.state);
	assert_bytes(BYTES_OF_LITERAL("fee_too_high"), s.step.record->reasons[0].policy);
}

static void
the_same_operation_again_gives_the_same_answer_and_another_is_refused(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	char payload[512], other[512];
	set_up(&b);
	make_hot_key(&b);
	struct firm_operation operation = transfer(10, 0, payload), different = transfer(11, 0, other);
	operation.idempotency_key = different.idempotency_key = "invoice-17";
	_cleanup_(submitted_free) struct submitted first, again, conflict;
	submit(&b, &operation, &first);
	size_t entries = b.count;
	b.now_ms += 1000;
	submit(&b, &operation, &again);
	assert_ok(again.status);
	assert_int_equal(GATE_KNOWN, again.step.kind);
	assert_ptr_equal(first.step.operation, again.step.operation);
	submit(&b, &different, &conflict);
	assert_fails(STATUS_CONFLICT, "operation.differs", conflict.status);
	assert_int_equal(entries, b.count);
}

static void
a_person_of_security_cannot_approve_their_own_request(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	set_up(&b);
	_cleanup_(submitted_free) struct submitted s;
	submit(&b, &create_hot_key, &s);
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer material = {}, body = {};
	struct vote_submission submission;
	_cleanup_(gate_step_free) struct gate_step step = {};
	assert_ok(material_write(b.gate, &arena, s.step.operation, &material));
	assert_ok(firm_vote(&b.firm, INSTANCE, FIRM_PERSON_4, buffer_bytes(&material), "approve", b.now_ms, &body));
	assert_ok(gate_read_vote(b.gate, &arena, buffer_bytes(&body), &submission));
	assert_fails(STATUS_DENIED, "votes.initiator", gate_vote(b.gate, &submission, b.now_ms, &step));
}

static void
state_restored_from_the_log_decides_and_answers_alike(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	char payload[512], large[512];
	set_up(&b);
	make_hot_key(&b);
	struct firm_operation small = transfer(10, 0, payload), held = transfer(1000, 1, large);
	small.idempotency_key = "a";
	_cleanup_(submitted_free) struct submitted s, h, again;
	submit(&b, &small, &s);
	submit(&b, &held, &h);
	assert_int_equal(OPERATION_HELD, vote(&b, h.step.operation, FIRM_PERSON_1, "approve"));
	struct hash256 id = h.step.operation->id, view = h.step.operation->held->view_digest;
	gate_destroy(&b.gate);
	start_gate(&b);
	submit(&b, &small, &again);
	assert_ok(again.status);
	assert_int_equal(GATE_KNOWN, again.step.kind);
	assert_int_equal(OPERATION_DONE, again.step.state);
	struct gate_operation *restored = operations_find(&b.gate->state->operations, &id);
	assert_int_equal(OPERATION_HELD, restored->state);
	assert_true(hash256_equal(&view, &restored->held->view_digest));
	assert_int_equal(OPERATION_DONE, vote(&b, restored, FIRM_PERSON_2, "approve"));
	/* 0.1 + 10 ETH and fees, counted once each. */
	int64_t spent = limits_sum(b.gate->state->limits, LIMIT_KEY, BYTES_OF_LITERAL("eth-hot"), LIMIT_DAY, b.now_ms,
				   nullptr, 0);
	assert_true(spent > 3'030'000 && spent < 3'031'000);
}

static void
every_decision_replays_to_the_same_result(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	char payloads[3][512];
	set_up(&b);
	make_hot_key(&b);
	struct firm_operation operations[] = {transfer(10, 0, payloads[0]), transfer(1000, 1, payloads[1]),
					      transfer(9000, 2, payloads[2])};
	_cleanup_(submitted_free) struct submitted small, held, denied;
	submit(&b, &operations[0], &small);
	submit(&b, &operations[1], &held);
	submit(&b, &operations[2], &denied);
	(void)vote(&b, held.step.operation, FIRM_PERSON_1, "approve");
	(void)vote(&b, held.step.operation, FIRM_PERSON_2, "approve");
	assert_replays(&b, 6);
}

static void
begin_waiting(struct bench_gate *b, const struct firm_operation *wanted, const char *key, struct submitted *s) {
	struct firm_operation operation = *wanted;
	struct http_request request;
	*s = (struct submitted){};
	operation.created_ms = b->now_ms;
	operation.idempotency_key = key;
	s->submission.arena = &s->arena;
	assert_ok(firm_request(&b->firm, &s->arena, INSTANCE, AUTHORITY, &operation, &request));
	assert_ok(gate_begin_operation(b->gate, &request, (struct bytes){}, b->now_ms, &s->submission));
	assert_ok(gate_verify_operation(b->gate, &request, b->now_ms, &s->submission));
	s->submission.may_wait = true;
	s->status = gate_submit(b->gate, &s->submission, b->now_ms, &s->step);
}

static int64_t
spent_by_hot_key(const struct bench_gate *b) {
	return limits_sum(b->gate->state->limits, LIMIT_KEY, BYTES_OF_LITERAL("eth-hot"), LIMIT_DAY, b->now_ms, nullptr,
			  0);
}

/* What is decided counts for the next, signed or not; entries are whole only with their signatures, and say what they would have said.
 * What is denied waits for nothing. */
static void
transfers_are_decided_and_then_signed(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	char payloads[2][512], large[512];
	struct submitted waiting[2], denied, again;
	set_up(&b);
	make_hot_key(&b);
	for (unsigned i = 0; i < ARRAY_LENGTH(waiting); i++) {
		struct firm_operation operation = transfer(10, i, payloads[i]);
		begin_waiting(&b, &operation, i == 0 ? "first" : "second", &waiting[i]);
		assert_ok(waiting[i].status);
		assert_non_null(waiting[i].step.to_sign);
		assert_int_equal(OPERATION_DONE, waiting[i].step.state);
		assert_int_equal(0, waiting[i].step.entries[0].body.len);
		assert_true(spent_by_hot_key(&b) >= (i + 1) * 30'000);
	}
	int64_t spent = spent_by_hot_key(&b);
	struct firm_operation repeated = transfer(10, 0, payloads[0]), too_much = transfer(9000, 2, large);
	begin_waiting(&b, &repeated, "first", &again);
	assert_int_equal(GATE_IN_FLIGHT, again.step.kind);
	begin_waiting(&b, &too_much, "third", &denied);
	assert_int_equal(OPERATION_DENIED, denied.step.state);
	assert_null(denied.step.to_sign);
	for (size_t i = 0; i < ARRAY_LENGTH(waiting); i++)
		assert_ok(gate_sign(b.gate, &waiting[i].step));
	for (size_t i = 0; i < ARRAY_LENGTH(waiting); i++) {
		assert_ok(gate_finish(b.gate, &waiting[i].step));
		assert_null(waiting[i].step.to_sign);
		assert_true(waiting[i].step.record->result.len > 0);
		write_step(&b, &waiting[i].step);
		submitted_free(&waiting[i]);
	}
	write_step(&b, &denied.step);
	submitted_free(&denied);
	submitted_free(&again);
	assert_replays(&b, 5);
	start_gate(&b);
	assert_int_equal(spent, spent_by_hot_key(&b));
}

static void
expect_key_state(const struct submitted *s, const char *state) {
	char text[64];
	snprintf(text, sizeof text, "\"state\":\"%s\"", state);
	assert_ok(s->status);
	struct bytes entities = s->step.record->entities;
	assert_non_null(memmem(entities.data, entities.len, text, strlen(text)));
}

static void
entities_are_recorded_as_they_were_decided_on_however_often_they_were_before(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	char payloads[3][512];
	set_up(&b);
	make_hot_key(&b);
	struct firm_operation transfers[] = {transfer(10, 0, payloads[0]), transfer(10, 1, payloads[1]),
					     transfer(10, 2, payloads[2])};
	struct firm_operation freeze = {.by = FIRM_PERSON_4,
					.kind = "key.freeze",
					.resource = "key:eth-hot",
					.reason = "tested",
					.payload = "{}"};
	_cleanup_(submitted_free) struct submitted first, second, frozen, third;
	submit(&b, &transfers[0], &first);
	submit(&b, &transfers[1], &second);
	expect_key_state(&first, "active");
	expect_key_state(&second, "active");
	assert_true(bytes_equal(first.step.record->entities, second.step.record->entities));
	submit(&b, &freeze, &frozen);
	assert_ok(frozen.status);
	assert_int_equal(OPERATION_DONE, frozen.step.state);
	submit(&b, &transfers[2], &third);
	expect_key_state(&third, "frozen");
	assert_replays(&b, 6);
}

/* What an idempotent repetition must share (design §4). */
static void
a_repetition_differs_in_nothing_that_matters(void **) {
	const struct operation first = {.kind = BYTES_OF_LITERAL("sign"),
					.resource = BYTES_OF_LITERAL("key:eth-hot"),
					.reference = BYTES_OF_LITERAL("INV 77"),
					.reason = BYTES_OF_LITERAL("supplier"),
					.created_ms = 1,
					.expires_ms = 2};
	struct operation again[8];
	for (size_t i = 0; i < ARRAY_LENGTH(again); i++)
		again[i] = first;
	again[0].created_ms = 3;
	again[0].expires_ms = 4;
	again[1].kind = BYTES_OF_LITERAL("key.rotate");
	again[2].resource = BYTES_OF_LITERAL("key:eth-hot-2");
	again[3].payload_hash.bytes[31] ^= 1;
	again[4].reference = (struct bytes){};
	again[5].reason = BYTES_OF_LITERAL("other");
	again[6].break_glass = true;
	again[7].reference = BYTES_OF_LITERAL("INV 77s"); /* the same characters, parted elsewhere */
	again[7].reason = BYTES_OF_LITERAL("upplier");
	struct hash256 hash = operation_repetition_hash(&first);
	for (size_t i = 0; i < ARRAY_LENGTH(again); i++) {
		struct hash256 other = operation_repetition_hash(&again[i]);
		assert_int_equal(i == 0, hash256_equal(&hash, &other));
	}
}

/* What is held stays in memory, for a month if its requester says so. */
static void
nobody_has_more_than_so_many_operations_wait(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted first, second, third, of_another, again;
	set_up(&b);
	b.gate->held_by_one_max = 2;
	const struct firm_operation unit = {.by = FIRM_PERSON_4,
					    .kind = "unit.add",
					    .resource = "system:gatehouse",
					    .payload = "{\"id\":\"north\",\"kind\":\"legal_entity\"}"};
	submit(&b, &unit, &first);
	submit(&b, &unit, &second);
	assert_int_equal(OPERATION_HELD, second.step.state);
	submit(&b, &unit, &third);
	assert_fails(STATUS_RATE, "operation.held_too_many", third.status);
	assert_null(find_submitted(&b, &third));
	struct firm_operation of_other = unit;
	of_other.by = FIRM_PERSON_5;
	submit(&b, &of_other, &of_another);
	assert_int_equal(OPERATION_HELD, of_another.step.state);
	assert_int_equal(OPERATION_REJECTED, vote(&b, first.step.operation, FIRM_PERSON_3, "reject"));
	b.gate->held_bytes_by_one_max = 1'000;
	submit(&b, &unit, &again);
	assert_fails(STATUS_RATE, "operation.held_too_many", again.status);
}

/* The intent is durable, the process ends in the act: the log opens again, the intent is unknown, and people resolve it. */
static void
a_crash_in_an_outward_act_leaves_an_unknown_intent_that_people_resolve(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	set_up(&b);
	make_hot_key(&b);
	struct firm_operation destroy = {
		.by = FIRM_PERSON_4, .kind = "key.destroy", .resource = "key:eth-hot", .payload = "{}"};
	_cleanup_(submitted_free) struct submitted s, resolution;
	submit(&b, &destroy, &s);
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_3, "approve"));
	assert_int_equal(OPERATION_UNKNOWN, vote(&b, s.step.operation, FIRM_PERSON_5, "approve"));
	struct hash256 id = s.step.operation->id;
	_cleanup_(gate_step_free) struct gate_step lost = {};
	assert_ok(gate_perform(b.gate, s.step.operation, b.now_ms, &lost));
	assert_int_equal(OPERATION_DONE, lost.state);
	gate_destroy(&b.gate);
	start_gate(&b);
	assert_int_equal(OPERATION_UNKNOWN, operations_find(&b.gate->state->operations, &id)->state);
	char resource[80] = "operation:";
	hex_encode(hash256_bytes(&id), resource + strlen(resource));
	struct firm_operation resolve = {
		.by = FIRM_PERSON_4, .kind = "intent.resolve", .resource = resource, .payload = "{\"happened\":true}"};
	submit(&b, &resolve, &resolution);
	assert_ok(resolution.status);
	assert_int_equal(OPERATION_HELD, vote(&b, resolution.step.operation, FIRM_PERSON_3, "approve"));
	assert_int_equal(OPERATION_DONE, vote(&b, resolution.step.operation, FIRM_PERSON_5, "approve"));
	_cleanup_(buffer_free) struct buffer blob = {};
	assert_int_equal(KEY_DESTROYED, gate_state_key(b.gate->state, BYTES_OF_LITERAL("eth-hot"))->state);
	assert_int_equal(STATUS_NOT_FOUND, secrets_get(b.secrets, "key", BYTES_OF_LITERAL("eth-hot"), &blob));
	gate_destroy(&b.gate);
	start_gate(&b);
	assert_int_equal(OPERATION_DONE, operations_find(&b.gate->state->operations, &id)->state);
}

/* Every fact that these decisions record stands in docs/facts.md. */
static void
every_recorded_fact_is_documented(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(buffer_free) struct buffer text = {};
	_cleanup_(arena_free) struct arena arena = {};
	char payload[512], path[1024];
	size_t seen = 0;
	set_up(&b);
	make_hot_key(&b);
	struct firm_operation operation = transfer(10, 0, payload);
	_cleanup_(submitted_free) struct submitted s;
	submit(&b, &operation, &s);
	snprintf(path, sizeof path, "%s/docs/facts.md", test_source_root());
	assert_ok(io_read_file(io_system(), path, 1 << 20, &text));
	for (size_t i = 1; i < b.count; i++) {
		struct entry entry;
		assert_ok(entry_read(&arena, buffer_bytes(&b.leaves[i]), &entry));
		const json *facts = json_get(entry.document, "facts");
		if (facts == nullptr)
			continue;
		struct json_iterator origins = json_iterate(facts);
		for (const json *group; (group = json_next(&origins, nullptr)) != nullptr;) {
			struct json_iterator iterator = json_iterate(group);
			struct bytes name;
			while (json_next(&iterator, &name) != nullptr) {
				char row[96];
				snprintf(row, sizeof row, "\n| %.*s |", BYTES_ARGS(name));
				if (memmem(text.data, text.len, row, strlen(row)) == nullptr)
					fail_msg("docs/facts.md has no row for %.*s", BYTES_ARGS(name));
				seen++;
			}
		}
	}
	assert_true(seen > 50);
}

RUN_TESTS(T(a_repetition_differs_in_nothing_that_matters), T(every_recorded_fact_is_documented),
	  T(a_crash_in_an_outward_act_leaves_an_unknown_intent_that_people_resolve),
	  T(a_key_is_made_by_two_of_security_and_a_small_transfer_is_signed),
	  T(a_key_of_an_unknown_account_signs_nothing), T(a_large_transfer_is_held_until_two_of_treasury_have_approved),
	  T(a_rejection_ends_a_held_operation), T(more_than_the_hourly_limit_is_denied_and_counts_nothing),
	  T(a_fee_is_no_way_out_for_funds), T(the_same_operation_again_gives_the_same_answer_and_another_is_refused),
	  T(a_person_of_security_cannot_approve_their_own_request),
	  T(state_restored_from_the_log_decides_and_answers_alike), T(every_decision_replays_to_the_same_result),
	  T(transfers_are_decided_and_then_signed),
	  T(entities_are_recorded_as_they_were_decided_on_however_often_they_were_before),
	  T(nobody_has_more_than_so_many_operations_wait))
