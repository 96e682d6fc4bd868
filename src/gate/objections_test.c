/* Rejections: whoever is asked for a vote ends an operation by one; whoever is not is recorded and counted, and it waits on. */
#include "tests/test.h"

#include "gate/administration.h"
#include "tests/gate_fixture.h"

static bool
is_recorded(const struct bench_gate *b, const char *text) {
	struct bytes leaf = buffer_bytes(&b->leaves[b->count - 1]);
	return memmem(leaf.data, leaf.len, text, strlen(text)) != nullptr;
}

static void
hold_transfer(struct bench_gate *b, struct submitted *s) {
	char payload[512];
	make_hot_key(b);
	struct firm_operation operation = transfer(1000, 0, payload);
	submit(b, &operation, s);
	assert_ok(s->status);
	assert_int_equal(OPERATION_HELD, s->step.state);
}

/* One of security, at an own terminal, on what the treasury decides. */
static void
whoever_is_not_asked_ends_nothing(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s;
	set_up(&b);
	hold_transfer(&b, &s);
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_4, "reject"));
	assert_true(is_recorded(&b, "\"ends\":false"));
	assert_bytes(BYTES_OF_LITERAL("{\"group.treasury\":2,\"independent\":1}"),
		     find_submitted(&b, &s)->held->missing);
	assert_restarts_alike(&b);
	assert_int_equal(1, votes_size(find_submitted(&b, &s)->held->votes));
	assert_int_equal(OPERATION_HELD, vote(&b, find_submitted(&b, &s), FIRM_PERSON_1, "approve"));
	assert_int_equal(OPERATION_DONE, vote(&b, find_submitted(&b, &s), FIRM_PERSON_2, "approve"));
	assert_true(is_recorded(&b, "\"approvals.rejections\":1"));
	assert_true(is_recorded(&b, "\"approvals.total\":2"));
	assert_restarts_alike(&b);
	assert_honest(&b);
}

static void
whoever_is_asked_ends_it(void **) {
	static const enum firm_member treasury[] = {FIRM_PERSON_1, FIRM_PERSON_2, FIRM_PERSON_3};
	for (size_t i = 0; i < ARRAY_LENGTH(treasury); i++) {
		_cleanup_(tear_down) struct bench_gate b;
		_cleanup_(submitted_free) struct submitted s;
		set_up(&b);
		hold_transfer(&b, &s);
		if (i == 1)
			assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_1, "approve"));
		if (i == 2) /* also who approved before */
			assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_3, "approve"));
		b.now_ms++;
		assert_int_equal(OPERATION_REJECTED, vote(&b, s.step.operation, treasury[i], "reject"));
		assert_true(is_recorded(&b, "\"ends\":true"));
		assert_restarts_alike(&b);
		assert_int_equal(OPERATION_REJECTED, find_submitted(&b, &s)->state);
		assert_honest(&b);
	}
}

/* Any two people: each of them is asked. */
static void
what_anybody_may_approve_anybody_ends(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s;
	const struct firm_operation emergency = {.by = FIRM_PERSON_4,
						 .kind = "group.add",
						 .resource = "system:gatehouse",
						 .payload = "{\"id\":\"more\"}",
						 .reason = "nobody can be reached",
						 .break_glass = true};
	set_up(&b);
	submit(&b, &emergency, &s);
	assert_int_equal(OPERATION_HELD, s.step.state);
	assert_int_equal(OPERATION_REJECTED, vote(&b, s.step.operation, FIRM_PERSON_1, "reject"));
	assert_restarts_alike(&b);
	assert_honest(&b);
}

/* The same change, asked for in the ordinary way, is security's. */
static void
the_way_that_is_asked_for_says_who_is_asked(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s;
	const struct firm_operation ordinary = {.by = FIRM_PERSON_4,
						.kind = "group.add",
						.resource = "system:gatehouse",
						.payload = "{\"id\":\"more\"}"};
	set_up(&b);
	submit(&b, &ordinary, &s);
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_1, "reject"));
	assert_int_equal(OPERATION_REJECTED, vote(&b, s.step.operation, FIRM_PERSON_5, "reject"));
	assert_honest(&b);
}

/* Either group: whoever is of one of them is asked, however the forecast chooses. */
static void
both_alternatives_are_asked(void **) {
	static const char policies[] =
		"@id(\"all\") permit (principal, action in Action::\"policy\", resource) when { "
		"context.approvals.total >= 2 };\n"
		"@id(\"either\") permit (principal, action == Action::\"unit.add\", resource)\n"
		"when { context.approvals.group.security >= 2 || context.approvals.group.treasury >= 1 };";
	static const struct {
		enum firm_member by;
		bool ends;
	} cases[] = {{FIRM_PERSON_1, true}, {FIRM_PERSON_3, true}, {FIRM_PERSON_5, true}};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(tear_down) struct bench_gate b;
		_cleanup_(submitted_free) struct submitted s;
		set_up(&b);
		activate(&b, policies);
		submit(&b, &new_unit, &s);
		assert_bytes(BYTES_OF_LITERAL("{\"group.treasury\":1}"), s.step.record->missing);
		assert_int_equal(cases[i].ends ? OPERATION_REJECTED : OPERATION_HELD,
				 vote(&b, s.step.operation, cases[i].by, "reject"));
		assert_honest(&b);
	}
}

/* What policies of a firm's own make of it. */
static void
policies_may_forbid_what_somebody_objects_to(void **) {
	static const char policies[] =
		"@id(\"two\") permit (principal, action, resource) when { context.approvals.group.security >= 2 };\n"
		"@id(\"unless\") forbid (principal, action == Action::\"unit.add\", resource)\n"
		"when { context.approvals.rejections >= 1 };";
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s;
	set_up(&b);
	activate(&b, policies);
	submit(&b, &new_unit, &s);
	assert_int_equal(OPERATION_DENIED, vote(&b, s.step.operation, FIRM_PERSON_1, "reject"));
	assert_true(is_recorded(&b, "\"approvals.rejections\":1"));
	assert_restarts_alike(&b);
	assert_honest(&b);
}

/* It is a vote like any: taken back, or another in its place. */
static void
an_objection_is_taken_back(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s;
	set_up(&b);
	hold_transfer(&b, &s);
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_5, "reject"));
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_5, "withdraw"));
	assert_int_equal(0, votes_size(find_submitted(&b, &s)->held->votes));
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_4, "reject"));
	b.now_ms++;
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_4, "approve"));
	assert_bytes(BYTES_OF_LITERAL("{\"group.treasury\":2}"), find_submitted(&b, &s)->held->missing);
	assert_restarts_alike(&b);
	assert_honest(&b);
}

/* A keeper cannot let one end what it does not, nor go on after one that does: by a group that no entry made. */
static void
what_a_rejection_does_follows_from_what_was_before(void **) {
	static const struct {
		enum operation_kind_id kind;
		const char *payload;
		enum firm_member by;
		enum operation_state state;
		const char *difference;
	} cases[] = {
		{OPERATION_GROUP_MEMBER_ADD, "{\"person\":\"person:p-0000000000000004\"}", FIRM_PERSON_4,
		 OPERATION_REJECTED, "somebody who was not asked, and is recorded as one that ends it"},
		{OPERATION_GROUP_MEMBER_REMOVE, "{\"person\":\"person:p-0000000000000001\"}", FIRM_PERSON_1,
		 OPERATION_HELD, "somebody who was asked, and is recorded as one that does not end it"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(tear_down) struct bench_gate b;
		_cleanup_(submitted_free) struct submitted s;
		_cleanup_(arena_free) struct arena arena = {};
		const struct operation operation = {.principal = BYTES_OF_LITERAL("person:p-0000000000000005"),
						    .resource = BYTES_OF_LITERAL("group:treasury")};
		struct change change = {.kind = cases[i].kind, .operation = &operation, .now_ms = START_MS};
		set_up(&b);
		hold_transfer(&b, &s);
		assert_ok(operation_kind_check_resource(change.kind, operation.resource, &change.resource_type,
							&change.resource_id));
		assert_ok(json_read(&arena, bytes_of_text(cases[i].payload), (struct json_limits){}, &change.payload));
		assert_ok(gate_apply_change(b.gate, &change));
		assert_int_equal(cases[i].state, vote(&b, s.step.operation, cases[i].by, "reject"));
		assert_differs(&b, b.count - 1, cases[i].difference);
	}
}

RUN_TESTS(T(whoever_is_not_asked_ends_nothing), T(whoever_is_asked_ends_it), T(what_anybody_may_approve_anybody_ends),
	  T(the_way_that_is_asked_for_says_who_is_asked), T(both_alternatives_are_asked),
	  T(policies_may_forbid_what_somebody_objects_to), T(an_objection_is_taken_back),
	  T(what_a_rejection_does_follows_from_what_was_before))
