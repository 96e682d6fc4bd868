/* What a fault or a hostile order of events must not do to the keeper's state: live and restored state are the same. */
#include "tests/test.h"
#include "tests/house.h"

#include <stdio.h>

#include "base/time.h"

static struct bytes
held(struct house *house, struct arena *arena, struct firm_operation operation) {
	struct ipc_response response;
	assert_ok(house_submit(house, arena, operation, &response));
	assert_answer(202, "held", &response);
	return response.operation;
}

static void
restart(struct house *house) {
	house_close(house);
	assert_ok(house_open(house));
}

static void
a_key_is_destroyed_by_votes_and_stays_destroyed(void **) {
	_cleanup_(house_free) struct house house;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	house_found(&house, nullptr);
	assert_ok(house_open(&house));
	house_make_key(&house, "eth-hot");
	struct bytes operation =
		held(&house, &arena,
		     (struct firm_operation){
			     .by = FIRM_PERSON_4, .kind = "key.destroy", .resource = "key:eth-hot", .payload = "{}"});
	assert_ok(house_vote(&house, &arena, operation, FIRM_PERSON_3, "approve", &response));
	assert_ok(house_vote(&house, &arena, operation, FIRM_PERSON_5, "approve", &response));
	assert_answer(200, "done", &response);
	assert_ok(house_get(&house, &arena, "/v1/keys/eth-hot", &response));
	assert_true(bytes_equal_text(house_text(&arena, &response, "state"), "destroyed"));
	assert_ok(house_submit(&house, &arena, house_sign(house_transfer(&arena, 10, 0, 30)), &response));
	assert_answer(403, "denied", &response);
	restart(&house);
	assert_ok(house_get(&house, &arena, "/v1/keys/eth-hot", &response));
	assert_true(bytes_equal_text(house_text(&arena, &response, "state"), "destroyed"));
}

static void
an_operation_whose_requester_was_suspended_is_rejected_also_after_a_restart(void **) {
	_cleanup_(house_free) struct house house;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	house_found(&house, nullptr);
	assert_ok(house_open(&house));
	house_make_key(&house, "eth-hot");
	struct bytes operation = held(&house, &arena, house_sign(house_transfer(&arena, 1000, 0, 30)));
	assert_ok(house_submit(&house, &arena,
			       (struct firm_operation){.by = FIRM_PERSON_1,
						       .kind = "principal.suspend",
						       .resource = "workload:settlement",
						       .payload = "{}"},
			       &response));
	assert_answer(200, "done", &response);
	assert_ok(house_vote(&house, &arena, operation, FIRM_PERSON_1, "approve", &response));
	assert_answer(403, "rejected", &response);
	restart(&house);
	const char *target = arena_format(&arena, "/v1/operations/%.*s", BYTES_ARGS(operation));
	assert_ok(house_get(&house, &arena, target, &response));
	assert_answer(403, "rejected", &response);
}

static uint64_t
refusals(struct house *house) {
	uint64_t counts[ENTRY_TYPES];
	ledger_counts(keeper_ledger(house->keeper), counts);
	return counts[ENTRY_REFUSAL];
}

static void
a_vote_that_nobody_signed_is_refused_without_an_entry(void **) {
	_cleanup_(house_free) struct house house;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	struct ipc_request vote;
	house_found(&house, nullptr);
	assert_ok(house_open(&house));
	house_make_key(&house, "eth-hot");
	struct bytes operation = held(&house, &arena, house_sign(house_transfer(&arena, 1000, 0, 30)));
	house_vote_request(&house, &arena, operation, FIRM_PERSON_1, "approve", &vote);
	uint8_t *at = memmem(vote.body.data, vote.body.len, "\"signature\":\"", 13);
	assert_non_null(at);
	at[13] = at[13] == '0' ? '1' : '0';
	uint64_t before = refusals(&house);
	assert_ok(house_ask(&house, &vote, &arena, &response));
	assert_answer(401, nullptr, &response);
	assert_int_equal(before, refusals(&house));
}

/* One signed request that is refused before it is decided, sent again and again by the gateway. */
static void
refusals_of_one_requester_are_limited_before_the_ledger(void **) {
	_cleanup_(house_free) struct house house;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	struct ipc_request request;
	house_found(&house, nullptr);
	house.rate = 20;
	assert_ok(house_open(&house));
	house_request(
		&house, &arena,
		(struct firm_operation){
			.by = FIRM_SETTLEMENT, .kind = "no.such_kind", .resource = "key:eth-hot", .payload = "{}"},
		&request);
	unsigned limited = 0;
	for (size_t i = 0; i < 200; i++) {
		assert_ok(house_ask(&house, &request, &arena, &response));
		limited += bytes_equal_text(house_problem(&arena, &response), "request.rate");
	}
	assert_true(limited > 0);
	assert_int_equal(200 - limited, refusals(&house));
}

static void
a_request_that_was_refused_cannot_be_replayed_after_a_restart(void **) {
	_cleanup_(house_free) struct house house;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	struct ipc_request request;
	house_found(&house, nullptr);
	assert_ok(house_open(&house));
	house_request(&house, &arena, house_sign(house_transfer(&arena, 10, 0, 30)), &request);
	assert_ok(house_ask(&house, &request, &arena, &response));
	assert_true(bytes_equal_text(house_problem(&arena, &response), "key.unknown"));
	house_make_key(&house, "eth-hot");
	assert_ok(house_ask(&house, &request, &arena, &response));
	assert_true(bytes_equal_text(house_problem(&arena, &response), "nonces.replayed"));
	restart(&house);
	assert_ok(house_ask(&house, &request, &arena, &response));
	assert_true(bytes_equal_text(house_problem(&arena, &response), "nonces.replayed"));
}

RUN_TESTS(T(a_key_is_destroyed_by_votes_and_stays_destroyed),
	  T(an_operation_whose_requester_was_suspended_is_rejected_also_after_a_restart),
	  T(a_vote_that_nobody_signed_is_refused_without_an_entry),
	  T(refusals_of_one_requester_are_limited_before_the_ledger),
	  T(a_request_that_was_refused_cannot_be_replayed_after_a_restart))
