/*
 * A gateway that has fallen, towards people with passkeys: every member of what they ask for and vote, and touches that it misleads. What a
 * sign-in would sign, the challenge, is then the digest of an operation or of a statement; the authenticator cannot know.
 */
#include "tests/test.h"
#include "tests/signed_in.h"

#include <stdio.h>

#include "base/map.h"
#include "gate/record.h"
#include "gate/replay.h"
#include "ledger/log.h"
#include "tests/hostile_frames.h"

constexpr int64_t DAY_MS = INT64_C(24) * 3600 * 1000;

struct scene {
	struct signed_in s;
	struct map signed_texts; /* digests of the operations and statements that people truly touched for */
	uint64_t first;          /* entry from which on all that is decided was signed by passkey */
	const char *frame;
	uint16_t networks;
	size_t cases;
};

static struct hostile_rule rules[] = {
	/* What HTTP carries around it says nothing: the assertion is over the operation's or the statement's digest. */
	{"*", "method", REMOVED, "ipc.request.method", 0},
	{"*", "target", REMOVED, "ipc.request.target", 0},
	{"*", "host", REMOVED, "ipc.request.host", 0},
	{"*", "peer-address", REMOVED, "ipc.request.peer_address", 0},
	{"*", "tls-group", REMOVED, "ipc.request.tls_group", 0},
	{"*", "peer-address", ANY, "", 0},
	{"*", "tls-group", ANY, "", 0},
	{"*", "client-certificate", ANY, "", 0},
	{"*", "last-event-id", ANY, "", 0},
	{"*", "peer-port", ANY, "", 0},
	{"*", "cookie", ANY, "", 0},
	{"*", "host", ANY, "", 0},
	{"*", "content-*", ANY, "", 0},
	{"*", "idempotency-key", ANY, "", 0},
	{"*", "signature", ANY, "", 0},
	{"*", "signature-input*", ANY, "", 0},
	{"*", "method", ANY, "route.unknown", 0},
	{"vote", "target", ANY, "", 0}, /* the statement names the operation, not the path */
	{"*", "target", ANY, "route.unknown", 0},
	{"person", "body", ALTERED, "json.syntax", 0},
	{"vote", "body", ALTERED, "signature.mismatch", 0},
	{"*", "body", REMOVED, "json.syntax", 0},
	{"*", "body", FOREIGN, "", 0}, /* another true one, whole */
	{"*", "document", ADDED, "request.~unknown", 0},

	/* The assertion: client data holds the challenge, and the signature is over both. */
	{"*", "document.signature", ADDED, "signature.~unknown", 0},
	{"*", "document.signature", FOREIGN, "client_data.challenge", 0},
	{"person", "document.signature", REMOVED, "request_signature.mismatch", 0},
	{"vote", "document.signature", REMOVED, "request.signature", 0},
	{"person", "document.signature", RETYPED, "signature", 0},
	{"vote", "document.signature", RETYPED, "request.signature", 0},
	{"*", "document.signature.key_id", REMOVED, "@", 0},
	{"*", "document.signature.key_id", RETYPED, "@", 0},
	{"*", "document.signature.signature", REMOVED, "@", 0},
	{"*", "document.signature.signature", RETYPED, "@", 0},
	{"*", "document.signature.key_id", ANY, "signature.mismatch", 0},
	{"*", "document.signature.signature", ANY, "signature.mismatch", 0},
	{"*", "document.signature.assertion", ADDED, "assertion.~unknown", 0},
	{"*", "document.signature.assertion", FOREIGN, "client_data.challenge", 0},
	{"*", "document.signature.assertion", REMOVED, "signature.signature", 0}, /* an Ed25519 key's is shorter */
	{"*", "document.signature.assertion", RETYPED, "assertion", 0},
	{"*", "document.signature.assertion.authenticator_data", REMOVED, "assertion.authenticator_data", 0},
	{"*", "document.signature.assertion.authenticator_data", RETYPED, "assertion.authenticator_data", 0},
	{"*", "document.signature.assertion.authenticator_data", ANY, "signature.mismatch", 0},
	{"*", "document.signature.assertion.client_data", REMOVED, "assertion.client_data", 0},
	{"*", "document.signature.assertion.client_data", RETYPED, "assertion.client_data", 0},
	{"*", "document.signature.assertion.client_data", ANY, "client_data.challenge", 0},

	/* What it is about. */
	{"person", "document.operation", ADDED, "operation.~unknown", 0},
	{"person", "document.operation", FOREIGN, "client_data.challenge", 0},
	{"person", "document.operation", ANY, "request.operation", 0},
	{"person", "document.payload", ADDED, "client_data.challenge", 0},
	{"person", "document.payload", ANY, "request.payload", 0},
	{"person", "document.operation.reason", REMOVED, "client_data.challenge", 0},
	{"person", "document.operation.*", REMOVED, "@", 0},
	{"person", "document.operation.*", RETYPED, "@", 0},
	{"person", "document.operation.instance", ANY, "@", 0},
	{"person", "document.operation.type", ANY, "@", 0},
	{"person", "document.operation.payload_sha256", ANY, "@", 0},
	{"person", "document.operation.*", ANY, "client_data.challenge", 0},
	{"vote", "document.statement", ADDED, "approval.~unknown", 0},
	{"vote", "document.statement", FOREIGN, "client_data.challenge", 0},
	{"vote", "document.statement", ANY, "request.statement", 0},
	{"vote", "document.statement.*", REMOVED, "@", 0},
	{"vote", "document.statement.*", RETYPED, "@", 0},
	{"vote", "document.statement.client", ANY, "@", 0},
	{"vote", "document.statement.type", ANY, "@", 0},
	{"vote", "document.statement.verdict", ANY, "@", 0},
	{"vote", "document.statement.stage", ANY, "approval.completed_stage", 0},
	{"vote", "document.statement.*", ANY, "client_data.challenge", 0},
};

static struct ipc_response
ask(struct scene *scene, const struct ipc_request *request) {
	struct ipc_response response;
	assert_ok(house_ask(&scene->s.house, request, &scene->s.arena, &response));
	return response;
}

/* "" where the true operation or vote went through, now or before (of a vote its assertion's counter tells). Each case is of a network of its own: wrong assertions of one passkey
 * from one network are told to wait (docs/people.md). */
static enum status
try_frame(void *context, const struct hostile_frame *frame) {
	static const char *const later[] = {"votes.repeated", "operation.not_held", "operation.failed",
					    "authenticator_data.counter"};
	struct scene *scene = context;
	struct ipc_request request = frame->request;
	if (frame->left_out != 0)
		return OK; /* no request that the keeper here can be given: hostile_gateway_test */
	uint8_t address[] = {10, (uint8_t)(scene->networks >> 8), (uint8_t)scene->networks, 1};
	scene->networks++;
	if (strcmp(frame->field, "peer-address") != 0)
		request.reported.peer_address = BYTES_OF_ARRAY(address);
	struct ipc_response response = ask(scene, &request);
	struct bytes found = house_problem(&scene->s.arena, &response);
	for (size_t i = 0; i < ARRAY_LENGTH(later); i++)
		if (bytes_equal_text(found, later[i]))
			found = (struct bytes){};
	hostile_judge(rules, ARRAY_LENGTH(rules), scene->frame, frame->field, frame->manipulation,
		      arena_format(&scene->s.arena, "%.*s", BYTES_ARGS(found)));
	scene->cases++;
	return OK;
}

/* People have passkeys, and sign by them from now on. */
static void
set_up(struct scene *scene) {
	static const enum firm_member people[] = {FIRM_PERSON_1, FIRM_PERSON_3, FIRM_PERSON_4, FIRM_PERSON_5};
	struct ipc_response response;
	struct ledger_head head;
	*scene = (struct scene){};
	signed_in_set_up(&scene->s);
	for (size_t i = 0; i < ARRAY_LENGTH(people); i++)
		signed_in_enrol(&scene->s, people[i]);
	assert_ok(house_submit(&scene->s.house, &scene->s.arena,
			       (struct firm_operation){.by = FIRM_PRICES,
						       .kind = "price.set",
						       .resource = "asset:eip155:1/native",
						       .payload = "{\"microcents\":300000000000}"},
			       &response));
	assert_answer(200, "done", &response);
	house_make_key(&scene->s.house, "eth-hot");
	house_make_key(&scene->s.house, "other-key");
	ledger_durable_head(keeper_ledger(scene->s.house.keeper), &head);
	scene->first = head.head.size;
	scene->s.house.firm.sign = signed_in_sign;
	scene->s.house.firm.signer = &scene->s;
}

static void
tear_down(struct scene *scene) {
	map_free(&scene->signed_texts);
	signed_in_free(&scene->s);
}

static void
remember(struct scene *scene, struct bytes text) {
	struct hash256 digest = sha256(text);
	assert_ok(map_put(&scene->signed_texts, hash256_bytes(&digest), scene, nullptr));
}

static struct ipc_request
touched_for(struct scene *scene, struct firm_operation operation) {
	struct ipc_request request;
	house_request(&scene->s.house, &scene->s.arena, operation, &request);
	remember(scene, hostile_member(&scene->s.arena, request.body, "operation"));
	return request;
}

static struct ipc_request
touched_vote(struct scene *scene, struct bytes operation, enum firm_member by) {
	struct ipc_request request;
	house_vote_request(&scene->s.house, &scene->s.arena, operation, by, "approve", &request);
	remember(scene, hostile_member(&scene->s.arena, request.body, "statement"));
	return request;
}

static bool
was_signed(const struct scene *scene, struct bytes text) {
	struct hash256 digest = sha256(text);
	return map_get(&scene->signed_texts, hash256_bytes(&digest)) != nullptr;
}

/* Nothing is in the log but what somebody touched for, and all of it replays, assertions included. */
static void
check_log(struct scene *scene) {
	_cleanup_(replayer_destroy) struct replayer *replayer = nullptr;
	struct ledger *ledger = keeper_ledger(scene->s.house.keeper);
	struct ledger_head head;
	size_t found = 0;
	ledger_durable_head(ledger, &head);
	assert_ok(replayer_create(&replayer, &keeper_gate(scene->s.house.keeper)->blobs));
	for (uint64_t i = 0; i < head.head.size; i++) {
		_cleanup_(buffer_free) struct buffer bytes = {};
		_cleanup_(arena_free) struct arena arena = {};
		struct ledger_record record;
		struct entry entry;
		enum replay_result result;
		const char *difference;
		assert_ok(ledger_read(ledger, i, &bytes, &record));
		assert_ok(replayer_add(replayer, i, record.leaf, &result, &difference));
		if (difference != nullptr)
			fail_msg("entry %lu does not replay: %s", (unsigned long)i, difference);
		assert_ok(entry_read(&arena, record.leaf, &entry));
		if (i < scene->first || (entry.type != ENTRY_DECISION && entry.type != ENTRY_VOTE))
			continue;
		struct bytes text =
			hostile_member(&arena, entry.body, entry.type == ENTRY_VOTE ? "statement" : "document");
		if (!was_signed(scene, text))
			fail_msg("the log has what nobody touched for: %.*s", BYTES_ARGS(text));
		found++;
	}
	print_message("%zu cases; %zu decisions and votes\n", scene->cases, found);
	assert_true(found > 0);
}

static struct firm_operation
freeze(enum firm_member by) {
	return (struct firm_operation){.by = by,
				       .kind = "key.freeze",
				       .resource = "key:other-key",
				       .payload = "{}",
				       .reason = "seen elsewhere"};
}

static void
no_member_of_what_a_passkey_asks_for_can_be_changed(void **) {
	_cleanup_(tear_down) struct scene scene;
	set_up(&scene);
	struct firm_operation older = freeze(FIRM_PERSON_2);
	older.created_ms = house_now_ms(&scene.s.house) - 10'000;
	/* Both have sessions, too: beside what was touched for may stand the own, none, or the other's. */
	const char *session = signed_in_cookie(&scene.s, FIRM_PERSON_1),
		   *other_session = signed_in_cookie(&scene.s, FIRM_PERSON_2);
	struct ipc_request own = touched_for(&scene, freeze(FIRM_PERSON_1)), another = touched_for(&scene, older);
	own.cookie = bytes_of_text(session);
	another.cookie = bytes_of_text(other_session);
	scene.frame = "person";
	assert_ok(hostile_frames(&scene.s.arena, &own, &another, try_frame, &scene));
	struct ipc_response response = ask(&scene, &own);
	assert_answer(200, "done", &response);
	check_log(&scene);
}

static struct bytes
held_transfer(struct scene *scene, unsigned hundredths, uint64_t nonce) {
	struct ipc_request request =
		touched_for(scene, house_sign(house_transfer(&scene->s.arena, hundredths, nonce, 30)));
	struct ipc_response response = ask(scene, &request);
	assert_answer(202, "held", &response);
	return house_text(&scene->s.arena, &response, "operation");
}

static void
no_member_of_a_passkeys_vote_can_be_changed(void **) {
	_cleanup_(tear_down) struct scene scene;
	set_up(&scene);
	struct bytes one = held_transfer(&scene, 1000, 1), two = held_transfer(&scene, 1001, 2);
	const char *session = signed_in_cookie(&scene.s, FIRM_PERSON_1),
		   *other_session = signed_in_cookie(&scene.s, FIRM_PERSON_2);
	struct ipc_request own = touched_vote(&scene, one, FIRM_PERSON_1),
			   of_another = touched_vote(&scene, one, FIRM_PERSON_2),
			   on_another = touched_vote(&scene, two, FIRM_PERSON_1);
	own.cookie = bytes_of_text(session);
	of_another.cookie = bytes_of_text(other_session);
	scene.frame = "vote";
	assert_ok(hostile_frames(&scene.s.arena, &own, &of_another, try_frame, &scene));
	assert_ok(hostile_frames(&scene.s.arena, &own, &on_another, try_frame, &scene));
	check_log(&scene);
}

static void
every_check_of_the_table_has_refused_something(void **) {
	hostile_judge_rules(rules, ARRAY_LENGTH(rules));
}

/* --- Touches that are misled. --- */

static void
assert_held_for_an_independent_person(const struct ipc_response *response, const char *what) {
	static const char missing[] = "\"missing\":{\"independent\":1}", state[] = "\"state\":\"held\"";
	if (memmem(response->body.data, response->body.len, missing, strlen(missing)) == nullptr ||
	    memmem(response->body.data, response->body.len, state, strlen(state)) == nullptr)
		fail_msg("%s, by misled touches alone: %.*s", what, BYTES_ARGS(response->body));
}

/* Everybody else touches as well. */
static void
mislead_all(struct scene *scene, struct bytes operation, enum firm_member but, const char *what) {
	struct ipc_response response = {};
	for (enum firm_member by = FIRM_PERSON_1; by <= FIRM_PERSON_5; by++) {
		if (by == but)
			continue;
		struct ipc_request vote = touched_vote(scene, operation, by);
		response = ask(scene, &vote);
		assert_int_equal(202, response.status);
	}
	assert_held_for_an_independent_person(&response, what);
}

/* All five people believe that they sign in, again and again. */
static void
misled_touches_start_and_approve_and_change_nothing(void **) {
	_cleanup_(tear_down) struct scene scene;
	_cleanup_(buffer_free) struct buffer bundle = {};
	set_up(&scene);
	struct gate_state *state = keeper_gate(scene.s.house.keeper)->state;
	const char *later =
		arena_format(&scene.s.arena, "%lld", (long long)(house_now_ms(&scene.s.house) + DAY_MS + 3600'000));
	assert_ok(firm_activation_alone("@id(\"all\") permit (principal, action, resource);", &bundle));
	const struct firm_operation wanted[] = {
		{.kind = "policy.activate", .resource = "system:gatehouse", .payload = (const char *)bundle.data},
		{.kind = "group.member_add",
		 .resource = "group:security",
		 .payload = arena_format(&scene.s.arena,
					 "{\"effective_from\":%s,\"person\":\"person:p-0000000000000001\"}", later)},
		{.kind = "list.add",
		 .resource = "list:counterparties",
		 .payload = arena_format(&scene.s.arena,
					 "{\"effective_from\":%s,\"entries\":[\"eip155:1:"
					 "0x4242424242424242424242424242424242424242\"]}",
					 later)},
		{.kind = "person.add",
		 .resource = "desk:options",
		 .payload = arena_format(&scene.s.arena,
					 "{\"keys\":[{\"class\":\"terminal\",\"effective_from\":%s,\"name\":\"own\","
					 "\"public_key\":"
					 "\"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a\"}],"
					 "\"person\":\"person:p-00000000000000aa\"}",
					 later)},
		{.kind = "principal.key_add",
		 .resource = "person:p-0000000000000001",
		 .payload =
			 arena_format(&scene.s.arena,
				      "{\"class\":\"terminal\",\"effective_from\":%s,\"name\":\"own\",\"public_key\":"
				      "\"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a\"}",
				      later)},
		{.kind = "key.rotate", .resource = "key:other-key", .payload = "{\"id\":\"third-key\"}"},
		{.kind = "price.set", .resource = "asset:eip155:1/native", .payload = "{\"microcents\":1000000000}"},
	};
	struct hash256 policy = state->bundle->hash;
	for (size_t i = 0; i < ARRAY_LENGTH(wanted); i++) {
		struct firm_operation operation = wanted[i];
		operation.by = FIRM_PERSON_4;
		operation.reason = "to sign in";
		struct ipc_request request = touched_for(&scene, operation);
		struct ipc_response response = ask(&scene, &request);
		if (response.status != 202)
			fail_msg("%s: %.*s", operation.kind, BYTES_ARGS(response.body));
		mislead_all(&scene, house_text(&scene.s.arena, &response, "operation"), FIRM_PERSON_4, operation.kind);
	}
	/* What a workload truly asked for, and everybody touched for. */
	mislead_all(&scene, held_transfer(&scene, 1000, 1), FIRM_MEMBERS, "a transfer above the small limit");
	assert_true(hash256_equal(&policy, &state->bundle->hash));
	assert_null(directory_principal(state->directory, BYTES_OF_LITERAL("person:p-00000000000000aa")));
	check_log(&scene);
}

/* And what was signed to sign in, or for one thing, serves for nothing else: the digest of each is its own. */
static void
what_signs_in_asks_for_nothing(void **) {
	_cleanup_(tear_down) struct scene scene;
	_cleanup_(buffer_free) struct buffer body = {};
	set_up(&scene);
	struct ipc_request request = touched_for(&scene, freeze(FIRM_PERSON_1));
	uint8_t challenge[32];
	signed_in_challenge(&scene.s, challenge);
	signed_in_body(&scene.s, FIRM_PERSON_1, challenge, &body);
	struct bytes operation = hostile_member(&scene.s.arena, request.body, "operation"),
		     assertion = hostile_member(&scene.s.arena, buffer_bytes(&body), "assertion"),
		     signature = hostile_member(&scene.s.arena, buffer_bytes(&body), "signature");
	request.body =
		bytes_of_text(arena_format(&scene.s.arena,
					   "{\"operation\":%.*s,\"payload\":{},\"signature\":{\"assertion\":%.*s,\"key_"
					   "id\":\"%s/passkey\",\"signature\":%.*s}}",
					   BYTES_ARGS(operation), BYTES_ARGS(assertion),
					   scene.s.house.firm.members[FIRM_PERSON_1].principal, BYTES_ARGS(signature)));
	struct ipc_response response = ask(&scene, &request);
	assert_int_equal(401, response.status);
	assert_bytes(BYTES_OF_LITERAL("client_data.challenge"), house_problem(&scene.s.arena, &response));
}

RUN_TESTS(T(no_member_of_what_a_passkey_asks_for_can_be_changed), T(no_member_of_a_passkeys_vote_can_be_changed),
	  T(every_check_of_the_table_has_refused_something), T(misled_touches_start_and_approve_and_change_nothing),
	  T(what_signs_in_asks_for_nothing))
