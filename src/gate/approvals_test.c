#include "tests/test.h"

#include "gate/activation.h"
#include "gate/fixture.h"

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

RUN_TESTS(T(a_refusal_at_the_last_vote_is_an_entry_and_the_next_vote_decides_again))
