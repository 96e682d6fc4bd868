/* What a fault or a hostile order of events must not do to the keeper's state: live and restored state are the same. */
#include "tests/test.h"
#include "tests/house.h"

#include <stdio.h>
#include <unistd.h>

#include "base/time.h"
#include "keeper/report.h"
#include "tests/fault_io.h"

static struct bytes
held(struct house *house, struct arena *arena, struct firm_operation operation) {
	struct ipc_response response;
	assert_ok(house_submit(house, arena, operation, &response));
	assert_answer(202, "held", &response);
	return response.operation;
}

#define assert_problem(expected_status, expected_name, response)                                                       \
	do {                                                                                                           \
		_cleanup_(arena_free) struct arena problem_arena_ = {};                                                \
		assert_answer(expected_status, nullptr, response);                                                     \
		assert_bytes(BYTES_OF_LITERAL(expected_name), house_problem(&problem_arena_, response));               \
	} while (0)

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
	_cleanup_(fault_io_stop) struct fault_io fault;
	_cleanup_(house_free) struct house house;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	struct ipc_request request;
	fault_io_start(&fault);
	fault_io_freeze(&fault);
	house_found(&house, &fault.io);
	house.rate = 20;
	assert_ok(house_open(&house));
	house_request(
		&house, &arena,
		(struct firm_operation){
			.by = FIRM_SETTLEMENT, .kind = "no.such_kind", .resource = "key:eth-hot", .payload = "{}"},
		&request);
	unsigned limited = 0;
	for (size_t i = 0; i < 60; i++) {
		assert_ok(house_ask(&house, &request, &arena, &response));
		limited += bytes_equal_text(house_problem(&arena, &response), "request.rate");
	}
	assert_int_equal(40, limited);
	assert_int_equal(20, refusals(&house));
}

/* 40 KiB count as eleven. */
static void
large_requests_count_as_more_than_one(void **) {
	_cleanup_(fault_io_stop) struct fault_io fault;
	_cleanup_(house_free) struct house house;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	struct ipc_request request;
	char payload[40 * 1024 + 16];
	fault_io_start(&fault);
	fault_io_freeze(&fault);
	house_found(&house, &fault.io);
	house.rate = 20;
	assert_ok(house_open(&house));
	snprintf(payload, sizeof payload, "{\"a\":\"%0*d\"}", 40 * 1024, 0);
	house_request(
		&house, &arena,
		(struct firm_operation){
			.by = FIRM_SETTLEMENT, .kind = "no.such_kind", .resource = "key:eth-hot", .payload = payload},
		&request);
	for (size_t i = 0; i < 3; i++) {
		assert_ok(house_ask(&house, &request, &arena, &response));
		assert_int_equal(i > 0, bytes_equal_text(house_problem(&arena, &response), "request.rate"));
	}
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

/* --- The clock. --- */

static void
a_stepped_clock_stops_all_but_what_protects_until_people_accept_it(void **) {
	static const int64_t steps_ms[] = {3'000, -4'000};
	for (size_t i = 0; i < ARRAY_LENGTH(steps_ms); i++) {
		_cleanup_(fault_io_stop) struct fault_io fault;
		_cleanup_(house_free) struct house house;
		_cleanup_(arena_free) struct arena arena = {};
		struct ipc_response response;
		struct ipc_request vote;
		fault_io_start(&fault);
		house_found(&house, &fault.io);
		assert_ok(house_open(&house));
		house_make_key(&house, "eth-hot");
		house_make_key(&house, "other-key");
		struct bytes large = held(&house, &arena, house_sign(house_transfer(&arena, 1000, 0, 30)));
		house_vote_request(&house, &arena, large, FIRM_PERSON_1, "approve", &vote);
		fault_io_step(&fault, steps_ms[i]);

		assert_ok(house_submit(&house, &arena, house_sign(house_transfer(&arena, 10, 1, 30)), &response));
		assert_problem(503, "clock.doubt", &response);
		assert_ok(house_ask(&house, &vote, &arena, &response));
		assert_problem(503, "clock.doubt", &response);
		assert_ok(house_submit(&house, &arena,
				       (struct firm_operation){.by = FIRM_PERSON_1,
							       .kind = "key.freeze",
							       .resource = "key:other-key",
							       .payload = "{}"},
				       &response));
		assert_answer(200, "done", &response);

		const char *payload = arena_format(&arena, "{\"realtime\":%lld}", (long long)house_now_ms(&house));
		struct bytes accept = held(&house, &arena,
					   (struct firm_operation){.by = FIRM_PERSON_4,
								   .kind = "clock.accept",
								   .resource = "system:gatehouse",
								   .payload = payload});
		assert_ok(house_vote(&house, &arena, accept, FIRM_PERSON_3, "approve", &response));
		assert_answer(202, "held", &response);
		assert_ok(house_vote(&house, &arena, accept, FIRM_PERSON_5, "approve", &response));
		assert_answer(200, "done", &response);
		assert_ok(house_submit(&house, &arena, house_sign(house_transfer(&arena, 10, 1, 30)), &response));
		assert_answer(200, "done", &response);
		restart(&house);
	}
}

/* --- The disk. --- */

/* Until then it says that it is overloaded: there might be another segment soon. */
static void
wait_for_a_log_that_knows_the_disk_is_full(struct house *house) {
	struct ledger_statistics statistics = {};
	while (!statistics.is_disk_full) {
		usleep(5'000);
		ledger_statistics(keeper_ledger(house->keeper), &statistics);
	}
}

/* Operations with long payloads until the log takes no more; how many it took. */
static size_t
fill(struct house *house, struct arena *arena, struct ipc_response *response) {
	_cleanup_(buffer_free) struct buffer entries = {};
	for (unsigned i = 0; entries.len < 12'000; i++)
		buffer_append_format(&entries, ",\"eip155:1:0x77777777777777777777777777777777%08u\"", i);
	const char *payload = arena_format(arena, "{\"entries\":[%.*s],\"probation\":100}", (int)entries.len - 1,
					   (const char *)entries.data + 1);
	for (size_t count = 0; count < 200;) {
		_cleanup_(arena_free) struct arena scratch = {};
		assert_ok(house_submit(house, &scratch,
				       (struct firm_operation){.by = FIRM_PERSON_4,
							       .kind = "list.add",
							       .resource = "list:counterparties",
							       .payload = payload,
							       .reason = "to fill the log"},
				       response));
		if (response->status == 202) {
			count++;
		} else if (bytes_equal_text(house_problem(&scratch, response), "ledger.overloaded")) {
			wait_for_a_log_that_knows_the_disk_is_full(house);
		} else {
			response->body = arena_copy(arena, response->body);
			return count;
		}
	}
	fail_msg("the log never became full");
	return 0;
}

static void
a_full_disk_refuses_operations_and_is_recovered_from_without_restart(void **) {
	_cleanup_(fault_io_stop) struct fault_io fault;
	_cleanup_(house_free) struct house house;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	fault_io_start(&fault);
	/* Of the first segment less than a quarter is used when the disk becomes full: nobody has begun on the next one. */
	house_found_here(&house, nullptr);
	house.io = &fault.io;
	house.is_manual = false;
	house.has_small_segments = true;
	assert_ok(house_open(&house));
	house_make_key(&house, "eth-hot");
	struct firm_operation done = house_sign(house_transfer(&arena, 10, 0, 30));
	done.idempotency_key = "before";
	assert_ok(house_submit(&house, &arena, done, &response));
	assert_answer(200, "done", &response);
	fault.controls->disk_full = true;
	assert_true(report_is_ready(house.keeper));
	size_t taken = fill(&house, &arena, &response);
	assert_problem(503, "ledger.disk_full", &response);
	assert_false(report_is_ready(house.keeper));

	uint64_t before = refusals(&house);
	assert_ok(house_submit(&house, &arena, house_sign(house_transfer(&arena, 10, 1, 30)), &response));
	assert_problem(503, "ledger.disk_full", &response);
	assert_int_equal(before + 1, refusals(&house)); /* through the reserve */
	assert_ok(house_submit(&house, &arena, done, &response));
	assert_answer(200, "done", &response);
	assert_ok(house_get(&house, &arena, "/v1/keys/eth-hot", &response));
	assert_answer(200, "active", &response);

	fault.controls->disk_full = false;
	struct firm_operation after = house_sign(house_transfer(&arena, 10, 1, 30));
	assert_ok(house_submit(&house, &arena, after, &response));
	while (response.status == 503) {
		usleep(50'000);
		assert_ok(house_submit(&house, &arena, after, &response));
	}
	assert_answer(200, "done", &response);
	assert_true(report_is_ready(house.keeper));
	print_message("%zu operations were taken on a full disk\n", taken);
	restart(&house);
	assert_ok(house_submit(&house, &arena, done, &response));
	assert_answer(200, "done", &response);
}

/* A payload that goes into a blob, and no room for it: nothing is in force that no entry tells of. */
static void
a_policy_that_cannot_be_kept_is_not_activated(void **) {
	_cleanup_(fault_io_stop) struct fault_io fault;
	_cleanup_(house_free) struct house house;
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer policies = {}, payload = {};
	struct ipc_response response;
	fault_io_start(&fault);
	house_found(&house, &fault.io);
	assert_ok(house_open(&house));
	while (policies.len < 30'000)
		buffer_append_text(&policies, "// a line of a long policy\n");
	buffer_append_text(&policies, "@id(\"all\") permit (principal, action, resource);");
	buffer_append_byte(&policies, '\0');
	assert_ok(firm_activation((const char *)policies.data, &payload));
	struct bytes operation = held(&house, &arena,
				      (struct firm_operation){.by = FIRM_PERSON_4,
							      .kind = "policy.activate",
							      .resource = "system:gatehouse",
							      .payload = (const char *)payload.data,
							      .reason = "everything is permitted"});
	struct hash256 bundle = keeper_gate(house.keeper)->state->bundle->hash;
	assert_ok(house_vote(&house, &arena, operation, FIRM_PERSON_3, "approve", &response));
	struct ipc_request last;
	house_vote_request(&house, &arena, operation, FIRM_PERSON_5, "approve", &last);
	fault.controls->disk_full = true;
	assert_ok(house_ask(&house, &last, &arena, &response));
	assert_answer(202, "held", &response); /* the vote stands, the decision waits */
	assert_true(hash256_equal(&bundle, &keeper_gate(house.keeper)->state->bundle->hash));
	fault.controls->disk_full = false;
	restart(&house);
	assert_true(hash256_equal(&bundle, &keeper_gate(house.keeper)->state->bundle->hash));
	assert_ok(house_vote(&house, &arena, operation, FIRM_PERSON_2, "approve", &response));
	assert_answer(200, "done", &response);
	assert_false(hash256_equal(&bundle, &keeper_gate(house.keeper)->state->bundle->hash));
}

static void
a_second_keeper_on_one_directory_is_refused(void **) {
	_cleanup_(house_free) struct house house;
	house_found(&house, nullptr);
	assert_ok(house_open(&house));
	struct house second = house;
	second.keeper = nullptr;
	second.installation = (struct installation){};
	enum status status = house_open(&second);
	assert_int_equal(STATUS_CONFLICT, status);
	installation_close(&second.installation);
}

/* People say that an act did not happen while it is being done: the log stays one that can be read. */
static void
an_act_under_way_is_not_resolved_by_people(void **) {
	_cleanup_(house_free) struct house house;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	struct ipc_request destroy, resolve;
	house_found(&house, nullptr);
	house_start(&house);
	house_make_key(&house, "eth-hot");
	struct bytes operation =
		held(&house, &arena,
		     (struct firm_operation){
			     .by = FIRM_PERSON_4, .kind = "key.destroy", .resource = "key:eth-hot", .payload = "{}"});
	struct bytes resolution = held(
		&house, &arena,
		(struct firm_operation){.by = FIRM_PERSON_4,
					.kind = "intent.resolve",
					.payload = "{\"happened\":false}",
					.resource = arena_format(&arena, "operation:%.*s", BYTES_ARGS(operation))});
	assert_ok(house_vote(&house, &arena, operation, FIRM_PERSON_3, "approve", &response));
	assert_ok(house_vote(&house, &arena, resolution, FIRM_PERSON_3, "approve", &response));
	house_vote_request(&house, &arena, operation, FIRM_PERSON_5, "approve", &destroy);
	house_vote_request(&house, &arena, resolution, FIRM_PERSON_5, "approve", &resolve);
	const struct ipc_request *last[] = {&destroy, &resolve};
	for (size_t i = 0; i < 2; i++) { /* in one batch */
		_cleanup_(buffer_free) struct buffer payload = {};
		ipc_write_request(&payload, last[i]);
		assert_ok(ipc_send(&house.channel, IPC_REQUEST, 1000 + i, false, buffer_bytes(&payload)));
	}
	for (size_t i = 0; i < 2; i++) {
		uint64_t request;
		assert_ok(house_receive(&house, 60'000, &request, &arena, &response));
		if (request == 1000)
			assert_answer(200, "done", &response);
		else
			assert_answer(409, "failed", &response);
	}
	assert_int_equal(0, house_stop(&house));
	assert_ok(house_open(&house));
	assert_ok(house_get(&house, &arena, "/v1/keys/eth-hot", &response));
	assert_answer(200, "destroyed", &response);
}

/* The first is answered when the second has ended what it left held. */
static void
votes_that_come_together_are_each_answered(void **) {
	_cleanup_(house_free) struct house house;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	struct ipc_request votes[2];
	static const char *const states[] = {"held", "done"};
	house_found(&house, nullptr);
	house_start(&house);
	struct bytes operation = held(&house, &arena,
				      (struct firm_operation){.by = FIRM_PERSON_4,
							      .kind = "group.add",
							      .resource = "system:gatehouse",
							      .payload = "{\"id\":\"desk_heads\"}"});
	house_vote_request(&house, &arena, operation, FIRM_PERSON_3, "approve", &votes[0]);
	house_vote_request(&house, &arena, operation, FIRM_PERSON_5, "approve", &votes[1]);
	for (size_t i = 0; i < 2; i++) { /* in one batch */
		_cleanup_(buffer_free) struct buffer payload = {};
		ipc_write_request(&payload, &votes[i]);
		assert_ok(ipc_send(&house.channel, IPC_REQUEST, 1000 + i, false, buffer_bytes(&payload)));
	}
	for (size_t i = 0; i < 2; i++) {
		uint64_t request;
		assert_ok(house_receive(&house, 60'000, &request, &arena, &response));
		assert_bytes(bytes_of_text(states[request - 1000]), house_text(&arena, &response, "state"));
		if (request == 1000)
			assert_non_null(memmem(response.body.data, response.body.len, "\"missing\":{", 11));
	}
	assert_int_equal(0, house_stop(&house));
}

/* Transfers of one batch are signed after all of them were decided: but not after what comes between them, and a restart finds the
 * same. The one that comes again is answered as the first. */
static void
a_freeze_between_transfers_that_come_together_stops_those_behind_it(void **) {
	_cleanup_(house_free) struct house house;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	struct ipc_request requests[6];
	static const char *const states[] = {"done", "done", "done", "done", "denied", "denied"};
	struct bytes answers[ARRAY_LENGTH(requests)];
	house_found(&house, nullptr);
	house_start(&house);
	house_make_key(&house, "eth-hot");
	for (size_t i = 0; i < ARRAY_LENGTH(requests); i++)
		house_request(&house, &arena, house_sign(house_transfer(&arena, 10, i, 30)), &requests[i]);
	requests[2] = requests[0];
	house_request(&house, &arena,
		      (struct firm_operation){.by = FIRM_PERSON_4,
					      .kind = "key.freeze",
					      .resource = "key:eth-hot",
					      .reason = "tested",
					      .payload = "{}"},
		      &requests[3]);
	for (size_t i = 0; i < ARRAY_LENGTH(requests); i++) { /* in one batch */
		_cleanup_(buffer_free) struct buffer payload = {};
		ipc_write_request(&payload, &requests[i]);
		assert_ok(ipc_send(&house.channel, IPC_REQUEST, 1000 + i, false, buffer_bytes(&payload)));
	}
	for (size_t i = 0; i < ARRAY_LENGTH(requests); i++) {
		uint64_t request;
		assert_ok(house_receive(&house, 60'000, &request, &arena, &response));
		assert_in_range(request, 1000, 1000 + ARRAY_LENGTH(requests) - 1);
		assert_bytes(bytes_of_text(states[request - 1000]), house_text(&arena, &response, "state"));
		answers[request - 1000] = response.operation;
	}
	assert_bytes(answers[0], answers[2]);
	assert_int_equal(0, house_stop(&house));
	assert_ok(house_open(&house));
	assert_ok(house_get(&house, &arena, "/v1/keys/eth-hot", &response));
	assert_bytes(BYTES_OF_LITERAL("frozen"), house_text(&arena, &response, "state"));
}

/* --- What is imported. --- */

static const char SECRET[] = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";

/* A key.import of person 4: the payload commits to the secret, which travels beside it. */
static struct ipc_request
import_request(struct house *house, struct arena *arena, const char *id, const char *secret) {
	uint8_t salt[32] = {7};
	char salt_hex[65], commitment[65];
	struct hash256 hash = SHA256_PARTS(BYTES_OF_ARRAY(salt), bytes_of_text(SECRET));
	hex_encode(BYTES_OF_ARRAY(salt), salt_hex);
	hex_encode(hash256_bytes(&hash), commitment);
	struct ipc_request request;
	house_request(
		house, arena,
		(struct firm_operation){
			.by = FIRM_PERSON_4,
			.kind = "key.import",
			.resource = "account:options-hot",
			.payload = arena_format(
				arena,
				"{\"algorithm\":\"secp256k1\",\"commitment\":\"%s\",\"id\":\"%s\","
				"\"material\":\"single\",\"purpose\":\"transfer\",\"secret_kind\":\"private_key\"}",
				commitment, id)},
		&request);
	const uint8_t *signature = memmem(request.body.data, request.body.len, ",\"signature\":{", 14);
	assert_non_null(signature);
	size_t before = (size_t)(signature - request.body.data);
	request.body = bytes_of_text(arena_format(arena, "%.*s,\"secret\":{\"salt\":\"%s\",\"value\":\"%s\"}%.*s",
						  (int)before, (const char *)request.body.data, salt_hex, secret,
						  (int)(request.body.len - before), (const char *)signature));
	return request;
}

static enum status
look_for_the_secret(void *context, const struct ledger_record *record) {
	(void)context;
	assert_null(memmem(record->leaf.data, record->leaf.len, SECRET, strlen(SECRET)));
	return OK;
}

static void
an_imported_secret_is_given_again_when_it_is_approved_and_never_recorded(void **) {
	_cleanup_(house_free) struct house house;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	struct ledger_head head;
	house_found(&house, nullptr);
	assert_ok(house_open(&house));
	struct ipc_request import = import_request(&house, &arena, "imported", SECRET);
	assert_ok(house_ask(&house, &import, &arena, &response));
	assert_answer(202, "held", &response);
	struct bytes operation = response.operation;
	assert_ok(house_vote(&house, &arena, operation, FIRM_PERSON_3, "approve", &response));
	assert_ok(house_vote(&house, &arena, operation, FIRM_PERSON_5, "approve", &response));
	assert_answer(202, "held", &response); /* the secret was not kept */
	restart(&house);
	assert_ok(house_ask(&house, &import, &arena, &response));
	assert_answer(200, "done", &response);
	assert_ok(house_get(&house, &arena, "/v1/keys/imported", &response));
	assert_answer(200, "active", &response);
	ledger_durable_head(keeper_ledger(house.keeper), &head);
	assert_ok(ledger_visit(keeper_ledger(house.keeper), 0, head.head.size, look_for_the_secret, nullptr));
	restart(&house);
}

RUN_TESTS(T(a_key_is_destroyed_by_votes_and_stays_destroyed),
	  T(an_operation_whose_requester_was_suspended_is_rejected_also_after_a_restart),
	  T(a_vote_that_nobody_signed_is_refused_without_an_entry), T(large_requests_count_as_more_than_one),
	  T(refusals_of_one_requester_are_limited_before_the_ledger),
	  T(a_request_that_was_refused_cannot_be_replayed_after_a_restart),
	  T(a_stepped_clock_stops_all_but_what_protects_until_people_accept_it),
	  T(a_full_disk_refuses_operations_and_is_recovered_from_without_restart),
	  T(a_policy_that_cannot_be_kept_is_not_activated), T(a_second_keeper_on_one_directory_is_refused),
	  T(votes_that_come_together_are_each_answered),
	  T(a_freeze_between_transfers_that_come_together_stops_those_behind_it),
	  T(an_act_under_way_is_not_resolved_by_people),
	  T(an_imported_secret_is_given_again_when_it_is_approved_and_never_recorded))
