/*
 * A gateway that has fallen, against a keeper in a process of its own: every field of every frame, and what frames do in
 * time. Each case states the check that refuses it; at the end the log is read whole, and everything in it must have been
 * signed by the true requester and the true approvers.
 */
#include "tests/test.h"
#include "tests/house.h"

#include <stdio.h>

#include "base/time.h"
#include "crypto/sign.h"
#include "identity/statement.h"
#include "tests/fault_io.h"
#include "tests/hostile_frames.h"
#include "tests/truly_signed.h"

/* A firm whose gateway it is: only what its true members have signed may be found in the log. */
struct scene {
	struct house house;
	struct fault_io fault;
	struct arena arena;
	struct truly_signed truth;
	const char *frame; /* which is being manipulated */
	size_t cases, accepted;
};

/* --- The checks that must refuse. --- */

static struct hostile_rule rules[] = {
#include "tests/hostile_rules.h"
};

static void
judge(struct scene *scene, const char *field, enum manipulation manipulation, const char *found) {
	hostile_judge(rules, ARRAY_LENGTH(rules), scene->frame, field, manipulation, found);
	scene->cases++;
	scene->accepted += *found == '\0';
}

/* The name of the check that refused; "" where the true operation or vote went through, now or before. */
static const char *
check_of(struct scene *scene, const struct ipc_response *response) {
	static const char *const later[] = {"votes.repeated", "operation.not_held", "operation.denied",
					    "operation.failed"};
	struct bytes name = house_problem(&scene->arena, response);
	for (size_t i = 0; i < ARRAY_LENGTH(later); i++)
		if (bytes_equal_text(name, later[i]))
			return "";
	return arena_format(&scene->arena, "%.*s", BYTES_ARGS(name));
}

/* The first policy that a decision was made by. */
static const char *
reason_of(struct scene *scene, const struct ipc_response *response) {
	const json *answer, *reasons;
	assert_ok(json_read(&scene->arena, response->body, (struct json_limits){}, &answer));
	assert_ok(json_need(answer, "answer", "reasons", JSON_ARRAY, &reasons));
	struct json_iterator iterator = json_iterate(reasons);
	struct bytes policy = json_string(json_next(&iterator, nullptr));
	return arena_format(&scene->arena, "%.*s", BYTES_ARGS(policy));
}

static enum status
try_frame(void *context, const struct hostile_frame *frame) {
	struct scene *scene = context;
	_cleanup_(buffer_free) struct buffer payload = {};
	struct ipc_response response;
	if (frame->left_out == 0)
		assert_ok(house_ask(&scene->house, &frame->request, &scene->arena, &response));
	else {
		hostile_write(frame, &payload);
		assert_ok(house_ask_payload(&scene->house, buffer_bytes(&payload), &scene->arena, &response));
	}
	judge(scene, frame->field, frame->manipulation, check_of(scene, &response));
	return OK;
}

/* --- True requests. --- */

static struct bytes
member(struct scene *scene, struct bytes body, const char *name) {
	return hostile_member(&scene->arena, body, name);
}

static struct ipc_request
truly_asked(struct scene *scene, struct firm_operation operation) {
	struct ipc_request request;
	house_request(&scene->house, &scene->arena, operation, &request);
	truly_signed_add(&scene->truth.documents, member(scene, request.body, "operation"));
	return request;
}

/* The others, ten seconds older, so that each of their times is another one. */
static struct ipc_request
asked_before(struct scene *scene, struct firm_operation operation) {
	operation.created_ms = house_now_ms(&scene->house) - 10'000;
	return truly_asked(scene, operation);
}

static struct ipc_request
transfer(struct scene *scene, unsigned hundredths, uint64_t nonce) {
	return truly_asked(scene, house_sign(house_transfer(&scene->arena, hundredths, nonce, 30)));
}

static struct firm_operation
freeze(enum firm_member by) {
	return (struct firm_operation){.by = by,
				       .kind = "key.freeze",
				       .resource = "key:other-key",
				       .payload = "{}",
				       .reason = "seen elsewhere"};
}

static struct bytes
held(struct scene *scene, unsigned hundredths, uint64_t nonce) {
	struct ipc_request request = transfer(scene, hundredths, nonce);
	struct ipc_response response;
	assert_ok(house_ask(&scene->house, &request, &scene->arena, &response));
	assert_answer(202, "held", &response);
	return response.operation;
}

static struct ipc_request
truly_voted(struct scene *scene, struct bytes operation, enum firm_member by) {
	struct ipc_request request;
	house_vote_request(&scene->house, &scene->arena, operation, by, "approve", &request);
	truly_signed_add(&scene->truth.statements, member(scene, request.body, "statement"));
	return request;
}

static struct ipc_response
ask(struct scene *scene, const struct ipc_request *request) {
	struct ipc_response response;
	assert_ok(house_ask(&scene->house, request, &scene->arena, &response));
	return response;
}

/* --- The log, afterwards. --- */

/* Ends the child, opens the keeper here (so the log restores), and reads everything. */
static void
check_log(struct scene *scene, size_t done) {
	assert_int_equal(0, house_stop(&scene->house));
	assert_ok(house_open(&scene->house));
	struct truly_reading reading = truly_signed_read(&scene->truth, &scene->house);
	print_message("%zu cases; the log has %zu decisions, %zu done, and %zu votes\n", scene->cases,
		      reading.decisions, reading.done, reading.votes);
	assert_int_equal(done, reading.done);
}

/* The key is made by true requests as well; its documents are found again in the log's own answers. */
static void
make_key(struct scene *scene, const char *id) {
	const char *payload = arena_format(&scene->arena,
					   "{\"algorithm\":\"secp256k1\",\"id\":\"%s\",\"material\":\"single\","
					   "\"purpose\":\"transfer\"}",
					   id);
	struct ipc_request request = truly_asked(scene, (struct firm_operation){.by = FIRM_PERSON_4,
										.kind = "key.create",
										.resource = "account:options-hot",
										.payload = payload});
	struct bytes operation = ask(scene, &request).operation;
	request = truly_voted(scene, operation, FIRM_PERSON_3);
	(void)ask(scene, &request);
	request = truly_voted(scene, operation, FIRM_PERSON_5);
	struct ipc_response response = ask(scene, &request);
	assert_answer(200, "done", &response);
}

static void
scene_start(struct scene *scene) {
	*scene = (struct scene){};
	fault_io_start(&scene->fault);
	house_found(&scene->house, &scene->fault.io);
	house_start(&scene->house);
	make_key(scene, "eth-hot");
}

static void
scene_end(struct scene *scene) {
	house_free(&scene->house);
	truly_signed_free(&scene->truth);
	arena_free(&scene->arena);
	fault_io_stop(&scene->fault);
}

/* --- Fields. --- */

static void
no_field_of_a_workloads_request_can_be_changed(void **) {
	_cleanup_(scene_end) struct scene scene;
	scene_start(&scene);
	struct ipc_request own = transfer(&scene, 10, 0);
	struct ipc_request same = asked_before(&scene, house_sign(house_transfer(&scene.arena, 11, 1, 30)));
	struct ipc_request another =
		asked_before(&scene, (struct firm_operation){.by = FIRM_PRICES,
							     .kind = "price.set",
							     .resource = "asset:eip155:1/native",
							     .payload = "{\"microcents\":310000000000}"});
	scene.frame = "workload";
	assert_ok(hostile_frames(&scene.arena, &own, &same, try_frame, &scene));
	assert_ok(hostile_frames(&scene.arena, &own, &another, try_frame, &scene));
	struct ipc_response response = ask(&scene, &own);
	assert_answer(200, "done", &response); /* nothing of all that has used it up */
	check_log(&scene, 2);
}

static void
no_member_of_a_persons_operation_can_be_changed(void **) {
	_cleanup_(scene_end) struct scene scene;
	scene_start(&scene);
	make_key(&scene, "other-key");
	struct ipc_request own = truly_asked(&scene, freeze(FIRM_PERSON_1));
	struct ipc_request another = asked_before(&scene, freeze(FIRM_PERSON_2));
	scene.frame = "person";
	assert_ok(hostile_frames(&scene.arena, &own, &another, try_frame, &scene));
	struct ipc_response response = ask(&scene, &own);
	assert_answer(200, "done", &response);
	check_log(&scene, 3);
}

static void
no_member_of_a_vote_can_be_changed(void **) {
	_cleanup_(scene_end) struct scene scene;
	scene_start(&scene);
	struct bytes one = held(&scene, 1000, 1), two = held(&scene, 1001, 2);
	struct ipc_request own = truly_voted(&scene, one, FIRM_PERSON_1);
	struct ipc_request of_another = truly_voted(&scene, one, FIRM_PERSON_2),
			   on_another = truly_voted(&scene, two, FIRM_PERSON_1);
	scene.frame = "vote";
	assert_ok(hostile_frames(&scene.arena, &own, &of_another, try_frame, &scene));
	assert_ok(hostile_frames(&scene.arena, &own, &on_another, try_frame, &scene));
	/* One vote has come through, however often; the second makes it done. */
	struct ipc_response response = ask(&scene, &of_another);
	check_log(&scene, 2);
	(void)response;
}

/* --- With keys of its own, and in time. --- */

static void
expect_refused(struct scene *scene, const char *frame, const char *field, const struct ipc_request *request) {
	struct ipc_response response = ask(scene, request);
	struct bytes name = house_problem(&scene->arena, &response);
	scene->frame = frame;
	judge(scene, field, ANY, arena_format(&scene->arena, "%.*s", BYTES_ARGS(name)));
}

/* Signed over HTTP by a member, whatever the body says. */
static struct ipc_request
signed_by(struct scene *scene, enum firm_member by, struct bytes body, const char *idempotency_key) {
	struct http_request request = {
		.method = BYTES_OF_LITERAL("POST"), .target = BYTES_OF_LITERAL("/v1/operations"), .body = body};
	struct http_field *signature = ARENA_NEW_ARRAY(&scene->arena, 6, struct http_field);
	struct http_request_signer signer = {.key_id = bytes_of_text(scene->house.firm.members[by].key_id),
					     .seed = scene->house.firm.members[by].seed};
	memcpy(signer.public_key, scene->house.firm.members[by].public_key, 32);
	assert_ok(http_signature_create(&scene->arena, &signer, &request, BYTES_OF_LITERAL(HOUSE_AUTHORITY),
					BYTES_OF_LITERAL("application/json"), bytes_of_text(idempotency_key),
					house_now_ms(&scene->house), 60, signature));
	request.fields = signature;
	request.field_count = 6;
	return house_frame(&request);
}

/* {"operation":…,"payload":…[,"signature":…]}: what two members wrote, put together. */
static struct bytes
put_together(struct scene *scene, struct bytes body, enum firm_member signer) {
	struct bytes operation = member(scene, body, "operation"), payload = member(scene, body, "payload");
	struct hash256 digest = sha256(operation);
	uint8_t signature[64];
	char hex[129];
	if (signer == FIRM_MEMBERS)
		return bytes_of_text(arena_format(&scene->arena, "{\"operation\":%.*s,\"payload\":%.*s}",
						  BYTES_ARGS(operation), BYTES_ARGS(payload)));
	assert_ok(person_sign(OPERATION_SIGNATURE_LABEL, &digest, scene->house.firm.members[signer].seed,
			      scene->house.firm.members[signer].public_key, signature));
	hex_encode(BYTES_OF_ARRAY(signature), hex);
	return bytes_of_text(arena_format(
		&scene->arena,
		"{\"operation\":%.*s,\"payload\":%.*s,\"signature\":{\"key_id\":\"%s\",\"signature\":\"%s\"}}",
		BYTES_ARGS(operation), BYTES_ARGS(payload), scene->house.firm.members[signer].key_id, hex));
}

/* The statement's members as the approver would sign them, were the gateway to be believed; then signed by somebody. */
static struct ipc_request
signed_statement(struct scene *scene, const struct approval_statement *statement, enum firm_member by) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct hash256 digest;
	uint8_t signature[64];
	char hex[129];
	assert_ok(approval_write(statement, &text));
	assert_ok(approval_digest(statement, &digest));
	assert_ok(person_sign(APPROVAL_SIGNATURE_LABEL, &digest, scene->house.firm.members[by].seed,
			      scene->house.firm.members[by].public_key, signature));
	hex_encode(BYTES_OF_ARRAY(signature), hex);
	struct http_request request = {
		.method = BYTES_OF_LITERAL("POST"),
		.target = bytes_of_text(arena_format(&scene->arena, "/v1/operations/%064d/votes", 0)),
		.body = bytes_of_text(arena_format(
			&scene->arena, "{\"signature\":{\"key_id\":\"%s\",\"signature\":\"%s\"},\"statement\":%.*s}",
			scene->house.firm.members[by].key_id, hex, BYTES_ARGS(text)))};
	return house_frame(&request);
}

static struct approval_statement
statement_of(struct scene *scene, const struct ipc_request *vote) {
	struct approval_statement statement;
	assert_ok(approval_read(&scene->arena, member(scene, vote->body, "statement"), &statement));
	return statement;
}

/* An address can be made up, and only ever to the requester's disadvantage: what it leads to is decided on what they signed. */
static void
another_address_than_the_requesters_zone_has_is_a_mismatch(void **) {
	static const struct {
		const char *field;
		uint8_t address[4];
	} cases[] = {{"another zone", {127, 3, 0, 1}}, {"no zone", {10, 0, 0, 1}}};
	_cleanup_(scene_end) struct scene scene;
	scene_start(&scene);
	scene.frame = "moved";
	for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct ipc_request moved = transfer(&scene, 10, i);
		moved.reported.peer_address = BYTES_OF_ARRAY(cases[i].address);
		struct ipc_response response = ask(&scene, &moved);
		assert_answer(403, "denied", &response);
		judge(&scene, cases[i].field, ANY, reason_of(&scene, &response));
	}
	struct ipc_request own = transfer(&scene, 10, 0);
	struct ipc_response response = ask(&scene, &own);
	assert_answer(200, "done", &response);
	check_log(&scene, 2);
}

static void
keys_of_its_own_do_not_help_a_gateway(void **) {
	_cleanup_(scene_end) struct scene scene;
	scene_start(&scene);
	make_key(&scene, "other-key");
	struct ipc_request workload = transfer(&scene, 10, 0), person = truly_asked(&scene, freeze(FIRM_PERSON_1));
	workload.idempotency_key = arena_copy(&scene.arena, workload.idempotency_key);
	const char *key = arena_format(&scene.arena, "%.*s", BYTES_ARGS(workload.idempotency_key));
	struct ipc_request forged = signed_by(&scene, FIRM_PRICES, workload.body, key);
	expect_refused(&scene, "forged", "workload", &forged);
	forged = person;
	forged.body = put_together(&scene, person.body, FIRM_PERSON_2);
	expect_refused(&scene, "forged", "person", &forged);
	const char *person_key = arena_format(&scene.arena, "%.*s", BYTES_ARGS(person.idempotency_key));
	forged = signed_by(&scene, FIRM_PERSON_1, put_together(&scene, person.body, FIRM_MEMBERS), person_key);
	expect_refused(&scene, "forged", "person by HTTP", &forged);
	/* What the true requester signed in contradiction to itself is nobody's to choose from. */
	forged = signed_by(&scene, FIRM_SETTLEMENT, workload.body, "another-key");
	expect_refused(&scene, "contradicting", "idempotency key", &forged);
	forged = workload;
	forged.body = put_together(&scene, workload.body, FIRM_SETTLEMENT);
	expect_refused(&scene, "forged", "workload by digest", &forged);

	struct bytes operation = held(&scene, 1000, 1);
	struct ipc_request vote = truly_voted(&scene, operation, FIRM_PERSON_1);
	struct approval_statement statement = statement_of(&scene, &vote);
	forged = signed_statement(&scene, &statement, FIRM_PERSON_4);
	expect_refused(&scene, "forged", "vote", &forged);
	forged = truly_asked(&scene, (struct firm_operation){.by = FIRM_PERSON_1,
							     .kind = "group.add",
							     .resource = "system:gatehouse",
							     .payload = "{\"id\":\"g\"}"});
	struct bytes own = ask(&scene, &forged).operation;
	forged = truly_voted(&scene, own, FIRM_PERSON_1);
	expect_refused(&scene, "forged", "vote by the initiator", &forged);
	forged = workload;
	uint64_t number = ++scene.house.next_request, answered = 0;
	_cleanup_(buffer_free) struct buffer payload = {};
	struct ipc_response response;
	ipc_write_request(&payload, &forged);
	assert_ok(ipc_send(&scene.house.channel, IPC_URGENT_REQUEST, number, false, buffer_bytes(&payload)));
	while (answered != number)
		assert_ok(house_receive(&scene.house, 120'000, &answered, &scene.arena, &response));
	scene.frame = "urgent";
	judge(&scene, "transfer", ANY,
	      arena_format(&scene.arena, "%.*s", BYTES_ARGS(house_problem(&scene.arena, &response))));
	check_log(&scene, 2);
}

/* What an approver signs who was shown something else: a true signature, over what the keeper does not hold. */
static void
a_vote_for_what_a_gateway_showed_instead_does_not_count(void **) {
	_cleanup_(scene_end) struct scene scene;
	scene_start(&scene);
	struct bytes one = held(&scene, 1000, 1), two = held(&scene, 1001, 2);
	struct ipc_request vote = truly_voted(&scene, one, FIRM_PERSON_1),
			   other = truly_voted(&scene, two, FIRM_PERSON_1);
	struct approval_statement honest = statement_of(&scene, &vote), another = statement_of(&scene, &other), shown;
	struct ipc_request deceived;
#define SHOWN(field, change)                                                                                           \
	shown = honest;                                                                                                \
	change;                                                                                                        \
	deceived = signed_statement(&scene, &shown, FIRM_PERSON_1);                                                    \
	expect_refused(&scene, "shown", field, &deceived)
	SHOWN("instance", shown.instance = BYTES_OF_LITERAL("southwind.example"));
	SHOWN("operation_id", shown.operation_id.bytes[0] ^= 1);
	SHOWN("operation_digest", shown.operation_digest.bytes[0] ^= 1);
	SHOWN("view_digest", shown.view_digest = another.view_digest);
	SHOWN("bundle_hash", shown.bundle_hash.bytes[0] ^= 1);
	SHOWN("stage", shown.stage = 1; shown.has_completed_stage = true);
	SHOWN("expires", shown.expires_ms += 60 * DAY_MS);
	SHOWN("another operation", shown = another; shown.operation_id = honest.operation_id);
#undef SHOWN
	check_log(&scene, 1);
}

static void
what_a_gateway_delays_or_repeats_is_refused(void **) {
	_cleanup_(scene_end) struct scene scene;
	scene_start(&scene);
	/* Repeated: refused once, refused always; done once, the same answer always. */
	struct firm_operation early = house_sign(house_transfer(&scene.arena, 10, 9, 30));
	early.resource = "key:other-key";
	struct ipc_request refused = truly_asked(&scene, early);
	assert_int_equal(404, ask(&scene, &refused).status);
	make_key(&scene, "other-key");
	expect_refused(&scene, "repeated", "refused request", &refused);
	struct ipc_request done = transfer(&scene, 10, 0);
	struct ipc_response first = ask(&scene, &done), again = ask(&scene, &done);
	assert_answer(200, "done", &first);
	assert_bytes(house_text(&scene.arena, &first, "operation"), house_text(&scene.arena, &again, "operation"));
	struct firm_operation changed = house_sign(house_transfer(&scene.arena, 11, 0, 30));
	changed.idempotency_key = arena_format(&scene.arena, "%.*s", BYTES_ARGS(done.idempotency_key));
	struct ipc_request differs = truly_asked(&scene, changed);
	expect_refused(&scene, "repeated", "idempotency key", &differs);

	/* A vote that was withdrawn does not come back. */
	struct bytes operation = held(&scene, 1000, 1);
	struct ipc_request vote = truly_voted(&scene, operation, FIRM_PERSON_1), withdrawal;
	(void)ask(&scene, &vote);
	house_vote_request(&scene.house, &scene.arena, operation, FIRM_PERSON_1, "withdraw", &withdrawal);
	truly_signed_add(&scene.truth.statements, member(&scene, withdrawal.body, "statement"));
	assert_int_equal(202, ask(&scene, &withdrawal).status);
	expect_refused(&scene, "repeated", "withdrawn vote", &vote);
	struct ipc_request second = truly_voted(&scene, operation, FIRM_PERSON_2),
			   third = truly_voted(&scene, operation, FIRM_PERSON_3),
			   fourth = truly_voted(&scene, operation, FIRM_PERSON_4);
	(void)ask(&scene, &second);
	assert_int_equal(200, ask(&scene, &third).status);
	expect_refused(&scene, "repeated", "vote on a decided operation", &fourth);

	/* Reordered: each is its own; delayed: too late. */
	struct ipc_request a = transfer(&scene, 10, 3), b = transfer(&scene, 10, 2), late = transfer(&scene, 10, 4);
	first = ask(&scene, &a);
	assert_answer(200, "done", &first);
	assert_int_equal(200, ask(&scene, &b).status);
	struct firm_operation short_lived = {.by = FIRM_PERSON_1,
					     .kind = "key.freeze",
					     .resource = "key:other-key",
					     .payload = "{}",
					     .lifetime_ms = 200'000};
	struct ipc_request late_operation = truly_asked(&scene, short_lived);
	operation = held(&scene, 1000, 5);
	struct ipc_request late_vote = truly_voted(&scene, operation, FIRM_PERSON_1);
	struct firm_operation future = house_sign(house_transfer(&scene.arena, 10, 6, 30));
	future.created_ms = house_now_ms(&scene.house) + 60'000;
	struct ipc_request ahead = truly_asked(&scene, future);
	expect_refused(&scene, "early", "request", &ahead);
	struct firm_operation to_come = freeze(FIRM_PERSON_1);
	to_come.created_ms = house_now_ms(&scene.house) + 60'000;
	ahead = truly_asked(&scene, to_come);
	expect_refused(&scene, "early", "operation", &ahead);
	fault_io_pass(&scene.fault, 301'000);
	expect_refused(&scene, "delayed", "request", &late);
	expect_refused(&scene, "delayed", "operation", &late_operation);
	fault_io_pass(&scene.fault, 300'000);
	expect_refused(&scene, "delayed", "vote", &late_vote);
	check_log(&scene, 6);
}

/* Dropped: an answer that went astray is given again, but for a newer proof, and nothing happens twice. */
static void
an_answer_that_a_gateway_drops_is_given_again(void **) {
	static const char *const same[] = {"entry", "operation", "reasons", "result", "state"};
	_cleanup_(scene_end) struct scene scene;
	scene_start(&scene);
	struct ipc_request request = transfer(&scene, 10, 0);
	struct ipc_response dropped = ask(&scene, &request);
	house_next_channel(&scene.house); /* by another gateway */
	struct ipc_response again = ask(&scene, &request);
	assert_answer(200, "done", &again);
	for (size_t i = 0; i < ARRAY_LENGTH(same); i++)
		assert_bytes(member(&scene, dropped.body, same[i]), member(&scene, again.body, same[i]));
	/* Of a vote, that it was taken; what came of it the operation says. */
	struct bytes operation = held(&scene, 1000, 1);
	struct ipc_request first = truly_voted(&scene, operation, FIRM_PERSON_1),
			   last = truly_voted(&scene, operation, FIRM_PERSON_2);
	(void)ask(&scene, &first);
	expect_refused(&scene, "dropped", "answer to a vote", &first);
	(void)ask(&scene, &last);
	expect_refused(&scene, "dropped", "answer to the last vote", &last);
	assert_ok(house_get(&scene.house, &scene.arena,
			    arena_format(&scene.arena, "/v1/operations/%.*s", BYTES_ARGS(operation)), &again));
	assert_answer(200, "done", &again);
	check_log(&scene, 3);
	assert_int_equal(30'189 + 3'000'189,
			 limits_sum(keeper_gate(scene.house.keeper)->state->limits, LIMIT_KEY,
				    BYTES_OF_LITERAL("eth-hot"), LIMIT_DAY, house_now_ms(&scene.house), nullptr, 0));
}

/* A withdrawal counts from when the keeper has it. Whoever is not told that it was taken gives it to another gateway: the same. */
static void
a_withdrawal_that_a_gateway_drops_counts_by_another_or_not(void **) {
	static const bool by_another[] = {true, false};
	_cleanup_(scene_end) struct scene scene;
	scene_start(&scene);
	for (unsigned i = 0; i < ARRAY_LENGTH(by_another); i++) {
		struct ipc_response response;
		struct ipc_request withdrawal;
		struct bytes operation = held(&scene, 1000 + i, i);
		struct ipc_request vote = truly_voted(&scene, operation, FIRM_PERSON_1),
				   last = truly_voted(&scene, operation, FIRM_PERSON_2);
		assert_int_equal(202, ask(&scene, &vote).status);
		house_vote_request(&scene.house, &scene.arena, operation, FIRM_PERSON_1, "withdraw", &withdrawal);
		if (by_another[i]) {
			truly_signed_add(&scene.truth.statements, member(&scene, withdrawal.body, "statement"));
			house_next_channel(&scene.house);
			assert_int_equal(202, ask(&scene, &withdrawal).status);
		}
		response = ask(&scene, &last);
		assert_answer(by_another[i] ? 202 : 200, by_another[i] ? "held" : "done", &response);
		expect_refused(&scene, "dropped",
			       by_another[i] ? "withdrawal that came" : "withdrawal, until it was done", &withdrawal);
	}
	check_log(
		&scene,
		2); /* the withdrawal that came too late is not in it: it would be one that nobody is known to have given */
}

static void
every_check_of_the_table_has_refused_something(void **) {
	hostile_judge_rules(rules, ARRAY_LENGTH(rules));
}

RUN_TESTS(T(no_field_of_a_workloads_request_can_be_changed), T(no_member_of_a_persons_operation_can_be_changed),
	  T(no_member_of_a_vote_can_be_changed), T(another_address_than_the_requesters_zone_has_is_a_mismatch),
	  T(keys_of_its_own_do_not_help_a_gateway), T(a_vote_for_what_a_gateway_showed_instead_does_not_count),
	  T(what_a_gateway_delays_or_repeats_is_refused), T(an_answer_that_a_gateway_drops_is_given_again),
	  T(a_withdrawal_that_a_gateway_drops_counts_by_another_or_not),
	  T(every_check_of_the_table_has_refused_something))
