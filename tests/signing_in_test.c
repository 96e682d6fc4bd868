/* Signing in by passkey, end to end against a keeper in this process: what a session opens, what it does not, and when it ends. */
#include "tests/test.h"
#include "tests/signed_in.h"

#include <stdio.h>

#include "identity/challenges.h"
#include "identity/throttle.h"
#include "keeper/internal.h"
#include "ledger/log.h"
#include "model/entry.h"

static const char PERSON[] = "person:p-0000000000000002";

static uint64_t
entries_of(struct signed_in *s, enum entry_type type) {
	uint64_t counts[ENTRY_TYPES];
	ledger_counts(keeper_ledger(s->house.keeper), counts);
	return counts[type];
}

static void
assert_refused(struct signed_in *s, unsigned status, const char *problem, const struct ipc_response *response) {
	if (response->status != status)
		fail_msg("expected %u, got %u: %.*s", status, response->status, BYTES_ARGS(response->body));
	assert_bytes(bytes_of_text(problem), house_problem(&s->arena, response));
	assert_int_equal(0, response->set_cookie.len);
}

static void
read_by(struct signed_in *s, const char *cookie, const char *target, unsigned status) {
	struct ipc_response response;
	signed_in_ask(s, "GET", target, cookie, (struct bytes){}, &response);
	if (response.status != status)
		fail_msg("%s: expected %u, got %u: %.*s", target, status, response.status, BYTES_ARGS(response.body));
}

/* The answer to this body of POST /v1/session. */
static void
sign_in(struct signed_in *s, const struct buffer *body, struct ipc_response *response) {
	signed_in_ask(s, "POST", "/v1/session", nullptr, buffer_bytes(body), response);
}

static void
a_passkey_signs_in_and_the_session_reads(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	_cleanup_(buffer_free) struct buffer body = {};
	struct ipc_response response;
	uint8_t challenge[32];
	signed_in_set_up(&s);
	signed_in_challenge(&s, challenge);
	signed_in_body(&s, FIRM_PERSON_2, challenge, &body);
	sign_in(&s, &body, &response);
	assert_answer(201, nullptr, &response);
	char expected[256];
	int64_t now_ms = house_now_ms(&s.house), stated;
	assert_int_equal(1, sscanf((const char *)response.body.data, "{\"aal\":2,\"expires\":%ld,", &stated));
	assert_in_range(stated, now_ms + 24 * SIGNED_IN_HOUR_MS - 60'000, now_ms + 24 * SIGNED_IN_HOUR_MS);
	snprintf(expected, sizeof expected,
		 "{\"aal\":2,\"expires\":%ld,\"groups\":[\"treasury\"],\"idle_expires\":%ld,\"idle_ms\":3600000,"
		 "\"person\":\"%s\","
		 "\"roles\":[]}",
		 stated, stated - 23 * SIGNED_IN_HOUR_MS, PERSON);
	assert_bytes(bytes_of_text(expected), response.body);
	static const char attributes[] = "; Path=/; Secure; HttpOnly; SameSite=Strict";
	const char *cookie = signed_in_set_cookie(&s, &response);
	assert_int_equal(strlen("__Host-gatehouse=") + SESSION_TOKEN_TEXT, strlen(cookie));
	assert_bytes(bytes_of_text(attributes),
		     bytes_of(response.set_cookie.data + strlen(cookie), response.set_cookie.len - strlen(cookie)));
	static const char *const targets[] = {"/v1/session",    "/v1/people",           "/v1/policy",
					      "/v1/operations", "/v1/ledger/entries/0", "/v1/events"};
	for (size_t i = 0; i < ARRAY_LENGTH(targets); i++)
		read_by(&s, cookie, targets[i], 200);
	assert_int_equal(1, entries_of(&s, ENTRY_SIGN_IN));
	/* Other cookies beside it are nobody's business. */
	read_by(&s, arena_format(&s.arena, "theme=dark; %s; a=b", cookie), "/v1/policy", 200);
}

static void
a_cookie_authorises_nothing_but_reading(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	struct ipc_response response;
	struct ipc_request request;
	signed_in_set_up(&s);
	const char *cookie = signed_in_cookie(&s, FIRM_PERSON_2);
	house_request(&s.house, &s.arena,
		      (struct firm_operation){.by = FIRM_PERSON_2,
					      .kind = "principal.suspend",
					      .resource = "person:p-0000000000000003",
					      .payload = "{}"},
		      &request);
	/* The same operation without its signature. */
	const uint8_t *at = memmem(request.body.data, request.body.len, ",\"signature\":", 13);
	assert_non_null(at);
	const char *bare = arena_format(&s.arena, "%.*s}", (int)(at - request.body.data), request.body.data);
	static const char *const targets[] = {"/v1/operations", "/v1/protective"};
	for (size_t i = 0; i < ARRAY_LENGTH(targets); i++) {
		signed_in_ask(&s, "POST", targets[i], cookie, bytes_of_text(bare), &response);
		assert_int_equal(400, response.status);
		assert_bytes(BYTES_OF_LITERAL("request_signature.field_missing"), house_problem(&s.arena, &response));
	}
}

/* A gateway that sees a cookie puts it beside what others sign, and beside a vote that nobody signed. */
static void
a_cookie_beside_what_is_signed_changes_nothing(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	struct ipc_response response;
	struct ipc_request request;
	signed_in_set_up(&s);
	const char *cookie = signed_in_cookie(&s, FIRM_PERSON_2);
	house_request(&s.house, &s.arena,
		      (struct firm_operation){.by = FIRM_PERSON_4,
					      .kind = "group.add",
					      .resource = "system:gatehouse",
					      .payload = "{\"id\":\"extra\"}"},
		      &request);
	request.cookie = bytes_of_text(cookie);
	assert_ok(house_ask(&s.house, &request, &s.arena, &response));
	assert_answer(202, "held", &response);
	struct bytes operation = house_text(&s.arena, &response, "operation");
	house_vote_request(&s.house, &s.arena, operation, FIRM_PERSON_3, "approve", &request);
	const uint8_t *statement = memmem(request.body.data, request.body.len, "\"statement\":", 12);
	assert_non_null(statement);
	size_t len = request.body.len - (size_t)(statement - request.body.data);
	const char *bare = arena_format(&s.arena, "{%.*s", (int)len, statement);
	signed_in_ask(&s, "POST", arena_format(&s.arena, "/v1/operations/%.*s/votes", BYTES_ARGS(operation)), cookie,
		      bytes_of_text(bare), &response);
	assert_refused(&s, 400, "request.signature", &response);
	request.cookie = bytes_of_text(cookie); /* the vote is of whoever signed it */
	assert_ok(house_ask(&s.house, &request, &s.arena, &response));
	assert_answer(202, "held", &response);
	const struct gate_operation *held = nullptr;
	struct hash256 id;
	assert_ok(hex_decode(operation, id.bytes, sizeof id.bytes));
	held = operations_find(&keeper_gate(s.house.keeper)->state->operations, &id);
	assert_int_equal(1, votes_size(held->held->votes));
	assert_bytes(BYTES_OF_LITERAL("person:p-0000000000000003"), votes_at(held->held->votes, 0)->person);
}

/* --- Refusals: one and the same answer. --- */

static void
assert_session_refused(struct signed_in *s, const struct ipc_response *response) {
	assert_refused(s, 401, "session.refused", response);
	assert_bytes(
		BYTES_OF_LITERAL("{\"detail\":\"this does not sign you in; ask for another challenge\",\"status\":401,"
				 "\"title\":\"Unauthorized\",\"type\":\"urn:gatehouse:problem:session.refused\"}"),
		response->body);
}

/* The newest entry says why. */
static void
assert_recorded(struct signed_in *s, const char *name) {
	_cleanup_(buffer_free) struct buffer bytes = {};
	struct ledger_record record;
	struct ledger_head head;
	char text[128];
	ledger_durable_head(keeper_ledger(s->house.keeper), &head);
	assert_ok(ledger_read(keeper_ledger(s->house.keeper), head.head.size - 2, &bytes,
			      &record)); /* before the counts */
	snprintf(text, sizeof text, "{\"error\":\"%s:", name);
	if (memmem(record.leaf.data, record.leaf.len, text, strlen(text)) == nullptr)
		fail_msg("expected %s in %.*s", name, BYTES_ARGS(record.leaf));
}

static void
try_challenge(struct signed_in *s, const uint8_t challenge[static 32], const char *recorded) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct ipc_response response;
	uint64_t before = entries_of(s, ENTRY_REFUSAL);
	s->peer[1]++; /* from another network than before: not what is tested here */
	signed_in_body(s, FIRM_PERSON_2, challenge, &body);
	sign_in(s, &body, &response);
	assert_session_refused(s, &response);
	assert_int_equal(recorded != nullptr, entries_of(s, ENTRY_REFUSAL) - before);
	if (recorded != nullptr)
		assert_recorded(s, recorded);
}

static void
try_fresh(struct signed_in *s, const char *recorded) {
	uint8_t challenge[32];
	signed_in_challenge(s, challenge);
	try_challenge(s, challenge, recorded);
}

static void
what_an_authenticator_says_wrongly_is_refused_alike(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	struct authenticator *authenticator = &s.authenticators[FIRM_PERSON_2];
	signed_in_set_up(&s);
	const struct authenticator honest = *authenticator;
	static const struct {
		const char *rp_id, *origin, *extra;
		uint8_t flags;
	} cases[] = {
		{SIGNED_IN_RP_ID, "https://evil.example", nullptr, 0x05},
		{SIGNED_IN_RP_ID, "https://127.0.0.1", nullptr, 0x05},
		{SIGNED_IN_RP_ID, "http://" HOUSE_AUTHORITY, nullptr, 0x05},
		{SIGNED_IN_RP_ID, SIGNED_IN_ORIGIN, ",\"topOrigin\":\"https://evil.example\"", 0x05},
		{"evil.example", SIGNED_IN_ORIGIN, nullptr, 0x05},
		{SIGNED_IN_RP_ID, SIGNED_IN_ORIGIN, nullptr, 0x01}, /* UV off */
		{SIGNED_IN_RP_ID, SIGNED_IN_ORIGIN, nullptr, 0x04}, /* nobody there */
		{SIGNED_IN_RP_ID, SIGNED_IN_ORIGIN, nullptr, 0x0d}, /* another BE than at the enrolment */
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		authenticator->rp_id = cases[i].rp_id;
		authenticator->origin = cases[i].origin;
		authenticator->client_extra = cases[i].extra;
		authenticator->flags = cases[i].flags;
		try_fresh(&s, nullptr);
	}
	*authenticator = honest;
	authenticator->private_key[5] ^= 1;
	try_fresh(&s, nullptr); /* another key */
	*authenticator = honest;
	authenticator->credential_id[0] ^= 1;
	try_fresh(&s, nullptr); /* a credential that nobody has */
	*authenticator = honest;
	(void)signed_in_cookie(&s, FIRM_PERSON_2);
	authenticator->counter = 1;
	try_fresh(&s, "authenticator_data.counter");
}

static void
a_challenge_is_ours_and_fresh_and_used_once(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	_cleanup_(buffer_free) struct buffer body = {};
	struct ipc_response response;
	uint8_t challenge[32];
	signed_in_set_up(&s);
	signed_in_challenge(&s, challenge);
	signed_in_body(&s, FIRM_PERSON_2, challenge, &body);
	sign_in(&s, &body, &response);
	assert_answer(201, nullptr, &response);
	/* The same assertion once more, and another over the same challenge. */
	sign_in(&s, &body, &response);
	assert_session_refused(&s, &response);
	try_challenge(&s, challenge, "challenge.used");
	signed_in_pass(&s, 60'000);
	try_challenge(&s, challenge, "challenge.used");
	signed_in_challenge(&s, challenge);
	signed_in_pass(&s, CHALLENGE_LIFETIME_MS);
	try_challenge(&s, challenge, nullptr);
	for (size_t i = 0; i < 32; i++) {
		signed_in_challenge(&s, challenge);
		challenge[i] ^= 0x80;
		try_challenge(&s, challenge, nullptr);
	}
	/* One of before a restart. */
	signed_in_challenge(&s, challenge);
	house_close(&s.house);
	assert_ok(house_open(&s.house));
	try_challenge(&s, challenge, nullptr);
}

/* And the other way round: what was signed to sign in starts nothing. The body is that of an operation with the assertion beside it. */
static void
what_was_signed_to_sign_in_starts_nothing(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	_cleanup_(buffer_free) struct buffer body = {};
	struct ipc_response response;
	struct ipc_request request;
	uint8_t challenge[32];
	signed_in_set_up(&s);
	signed_in_challenge(&s, challenge);
	signed_in_body(&s, FIRM_PERSON_2, challenge, &body);
	house_request(&s.house, &s.arena,
		      (struct firm_operation){.by = FIRM_PERSON_2,
					      .kind = "session.revoke",
					      .resource = "person:p-0000000000000003",
					      .payload = "{}"},
		      &request);
	const uint8_t *at = memmem(request.body.data, request.body.len, ",\"signature\":", 13);
	uint8_t *credential = memmem(body.data, body.len, ",\"credential_id\":\"", 18);
	uint8_t *signature = memmem(body.data, body.len, ",\"signature\":", 13);
	assert_true(at != nullptr && credential != nullptr && signature != nullptr);
	const char *forged =
		arena_format(&s.arena, "%.*s,\"signature\":%.*s,\"key_id\":\"person:p-0000000000000002/passkey\"%.*s}",
			     (int)(at - request.body.data), request.body.data, (int)(credential - body.data), body.data,
			     (int)(body.len - (size_t)(signature - body.data)), signature);
	signed_in_ask(&s, "POST", "/v1/protective", nullptr, bytes_of_text(forged), &response);
	assert_refused(&s, 401, "client_data.challenge", &response);
	sign_in(&s, &body, &response); /* it was good for what it was for */
	assert_answer(201, nullptr, &response);
}

/* A page that misleads has an operation or a vote signed, and tries to sign in with it. */
static void
what_was_signed_for_something_else_gives_no_session(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	struct hash256 digest = sha256(BYTES_OF_LITERAL("the document of an operation"));
	signed_in_set_up(&s);
	try_challenge(&s, digest.bytes, nullptr);
	try_challenge(&s, keeper_gate(s.house.keeper)->state->bundle->hash.bytes, nullptr);
}

static void
what_has_become_of_a_key_is_recorded_and_told_nobody(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	signed_in_set_up(&s);
	signed_in_do(&s, "principal.suspend", PERSON, "{}");
	try_fresh(&s, "directory.principal_suspended");
	signed_in_do(&s, "principal.resume", PERSON, "{}");
	(void)signed_in_cookie(&s, FIRM_PERSON_2);
	signed_in_do(&s, "principal.key_revoke", PERSON, "{\"key\":\"person:p-0000000000000002/passkey\"}");
	try_fresh(&s, "directory.key_revoked");
}

static void
a_body_that_is_none_is_answered_with_what_is_wrong(void **) {
	static const struct {
		const char *body, *problem;
	} cases[] = {
		{"", "json.syntax"},
		{"[]", "signature"},
		{"{}", "signature.assertion"},
		{"{\"assertion\":1,\"credential_id\":\"00\",\"signature\":\"00\"}", "signature.assertion"},
		{"{\"assertion\":{},\"credential_id\":\"00\",\"signature\":\"00\"}", "assertion.authenticator_data"},
		{"{\"assertion\":{\"authenticator_data\":\"0\",\"client_data\":\"00\"},\"credential_id\":\"00\","
		 "\"signature\":\"00\"}",
		 "assertion.authenticator_data"},
		{"{\"assertion\":{\"authenticator_data\":\"00\"},\"credential_id\":\"00\",\"signature\":\"00\"}",
		 "assertion.client_data"},
		{"{\"assertion\":{\"authenticator_data\":\"00\",\"client_data\":\"00\"},\"credential_id\":\"00\"}",
		 "signature.signature"},
		{"{\"assertion\":{\"authenticator_data\":\"00\",\"client_data\":\"00\"},\"signature\":\"00\"}",
		 "signature.credential_id"},
		{"{\"assertion\":{\"authenticator_data\":\"00\",\"client_data\":\"00\"},\"credential_id\":\"00\","
		 "\"signature\":\"00\"}",
		 "json.syntax"},
		{"{\"assertion\":{\"authenticator_data\":\"00\",\"client_data\":\"7b7d\"},\"credential_id\":\"00\","
		 "\"signature\":\"00\"}",
		 "client_data.form"},
		/* {"type":"","challenge":"AA","origin":""} */
		{"{\"assertion\":{\"authenticator_data\":\"00\",\"client_data\":"
		 "\"7b2274797065223a22222c226368616c6c656e6765223a224141222c226f726967696e223a22227d\"},"
		 "\"credential_id\":\"00\",\"signature\":\"00\"}",
		 "signature.challenge"},
		{"{\"assertion\":{\"authenticator_data\":\"00\",\"client_data\":\"7b7d\"},\"credential_id\":\"00\","
		 "\"person\":\"x\","
		 "\"signature\":\"00\"}",
		 "signature.person"},
	};
	_cleanup_(signed_in_free) struct signed_in s;
	struct ipc_response response;
	signed_in_set_up(&s);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		signed_in_ask(&s, "POST", "/v1/session", nullptr, bytes_of_text(cases[i].body), &response);
		assert_refused(&s, 400, cases[i].problem, &response);
	}
	signed_in_ask(&s, "POST", "/v1/session/challenge", nullptr, BYTES_OF_LITERAL("{\"person\":1}"), &response);
	assert_refused(&s, 400, "request.body", &response);
	assert_int_equal(0, entries_of(&s, ENTRY_REFUSAL));
}

/* A sign-in whose assertion does not hold, with this first byte of the credential; from the network 127.1.<network>. */
static void
fail_to_sign_in(struct signed_in *s, uint8_t credential, uint8_t network, struct ipc_response *response) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct authenticator *authenticator = &s->authenticators[FIRM_PERSON_2];
	const struct authenticator honest = *authenticator;
	uint8_t challenge[32];
	s->peer[2] = network;
	signed_in_challenge(s, challenge);
	authenticator->private_key[5] ^= 1;
	authenticator->credential_id[0] = credential;
	signed_in_body(s, FIRM_PERSON_2, challenge, &body);
	memcpy(authenticator->private_key, honest.private_key, sizeof honest.private_key);
	memcpy(authenticator->credential_id, honest.credential_id, sizeof honest.credential_id);
	sign_in(s, &body, response);
}

static void
succeed_to_sign_in(struct signed_in *s, uint8_t network, struct ipc_response *response) {
	_cleanup_(buffer_free) struct buffer body = {};
	uint8_t challenge[32];
	s->peer[2] = network;
	signed_in_challenge(s, challenge);
	signed_in_body(s, FIRM_PERSON_2, challenge, &body);
	sign_in(s, &body, response);
}

static int64_t
seconds_to_wait(const struct ipc_response *response) {
	uint64_t seconds;
	assert_ok(decimal_decode(response->retry_after, &seconds));
	return (int64_t)seconds;
}

/* Strangers of one network are told to wait, ever longer. Whoever has a passkey signs in from there all the same, and strangers
 * elsewhere are not concerned. */
static void
an_origin_that_keeps_failing_waits_and_locks_nobody_out(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	struct ipc_response response;
	int64_t waits[4];
	signed_in_set_up(&s);
	for (size_t i = 0; i < THROTTLE_FREE + ARRAY_LENGTH(waits); i++) {
		s.peer[3] = (uint8_t)i; /* a network counts as one */
		fail_to_sign_in(&s, (uint8_t)i, 0, &response);
		if (i < THROTTLE_FREE) {
			assert_session_refused(&s, &response);
			continue;
		}
		assert_refused(&s, 429, "session.throttled", &response);
		waits[i - THROTTLE_FREE] = seconds_to_wait(&response);
	}
	for (size_t i = 1; i < ARRAY_LENGTH(waits); i++)
		assert_int_equal(2 * waits[i - 1], waits[i]);
	read_by(&s, signed_in_cookie(&s, FIRM_PERSON_2), "/v1/policy", 200);
	fail_to_sign_in(&s, 0, 1, &response); /* elsewhere */
	assert_session_refused(&s, &response);
}

/* Whoever keeps failing with one passkey in one network waits there, for a minute at most, and a passkey that does not exist is answered the
 * same. Its owner waits nowhere: not beside that stranger, nor elsewhere. */
static void
strangers_who_keep_failing_with_a_passkey_wait_and_its_owner_does_not(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	struct ipc_response response;
	signed_in_set_up(&s);
	const uint8_t known = s.authenticators[FIRM_PERSON_2].credential_id[0], unknown = 0x11;
	int64_t waits[2][10] = {};
	for (size_t whose = 0; whose < 2; whose++)
		for (size_t i = 0; i < ARRAY_LENGTH(waits[0]); i++) {
			fail_to_sign_in(&s, whose == 0 ? known : unknown, (uint8_t)whose, &response);
			assert_int_equal(i < THROTTLE_FREE ? 401 : 429, response.status);
			waits[whose][i] = response.status == 429 ? seconds_to_wait(&response) : 0;
			if (response.status == 429)
				signed_in_pass(&s, 1000 * waits[whose][i]);
		}
	assert_memory_equal(waits[0], waits[1], sizeof waits[0]);
	fail_to_sign_in(&s, known, 0, &response);
	int64_t wait_s = seconds_to_wait(&response);
	/* What comes meanwhile does not prolong it. */
	for (int i = 0; i < 3; i++) {
		fail_to_sign_in(&s, known, 0, &response);
		assert_refused(&s, 429, "session.throttled", &response);
		assert_true(seconds_to_wait(&response) <= 60);
	}
	assert_true(wait_s >= 32); /* by the network, and longer for strangers */
	succeed_to_sign_in(&s, 2, &response);
	assert_int_equal(201, response.status);
	assert_true(throttle_waiting(&s.house.keeper->pairs, s.house.keeper->batch_ms) > 0);
	succeed_to_sign_in(&s, 0, &response);
	assert_int_equal(201, response.status);
	/* And that forgives it. */
	fail_to_sign_in(&s, known, 0, &response);
	assert_int_equal(0, throttle_waiting(&s.house.keeper->pairs, s.house.keeper->batch_ms));
}

static void
ask_for_by_passkey(struct signed_in *s, struct firm_operation asked, uint8_t network, unsigned status,
		   const char *problem) {
	struct ipc_request request;
	struct ipc_response response;
	s->peer[2] = network;
	house_request(&s->house, &s->arena, asked, &request);
	request.reported.peer_address = BYTES_OF_ARRAY(s->peer);
	assert_ok(house_ask(&s->house, &request, &s->arena, &response));
	if (response.status != status)
		fail_msg("expected %u, got %u: %.*s", status, response.status, BYTES_ARGS(response.body));
	if (problem != nullptr)
		assert_bytes(bytes_of_text(problem), house_problem(&s->arena, &response));
}

static void
ask_by_passkey(struct signed_in *s, uint8_t network, unsigned status, const char *problem) {
	ask_for_by_passkey(s,
			   (struct firm_operation){.by = FIRM_PERSON_2,
						   .kind = "group.add",
						   .resource = "system:gatehouse",
						   .payload = "{\"id\":\"asked\"}"},
			   network, status, problem);
}

static void
freeze_by_passkey(struct signed_in *s, uint8_t network, unsigned status) {
	ask_for_by_passkey(s,
			   (struct firm_operation){.by = FIRM_PERSON_2,
						   .kind = "key.freeze",
						   .resource = "key:eth-hot",
						   .payload = "{}",
						   .reason = "seen elsewhere"},
			   network, status, nullptr);
}

static void
the_same_holds_for_what_a_passkey_asks_for(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	signed_in_set_up(&s);
	uint8_t *key = &s.authenticators[FIRM_PERSON_2].private_key[5];
	s.house.firm.sign = signed_in_sign;
	s.house.firm.signer = &s;
	*key ^= 1;
	for (size_t i = 0; i < THROTTLE_FREE; i++)
		ask_by_passkey(&s, 0, 401, "signature.mismatch");
	ask_by_passkey(&s, 0, 429, "session.throttled");
	ask_by_passkey(&s, 1, 401, "signature.mismatch");
	*key ^= 1;
	freeze_by_passkey(&s, 0, 404); /* judged: there is none. And being right forgives it */
	*key ^= 1;
	for (size_t i = 0; i < THROTTLE_FREE; i++)
		ask_by_passkey(&s, 0, 401, "signature.mismatch");
	freeze_by_passkey(&s, 0, 429);
	*key ^= 1;
	ask_by_passkey(&s, 0, 202, nullptr);
	ask_by_passkey(&s, 1, 202, nullptr);
	/* Nobody's network waits for it. */
	assert_int_equal(0, throttle_waiting(&s.house.keeper->origins, s.house.keeper->batch_ms));
}

/* --- Cookies. --- */

static void
a_cookie_that_is_none_reads_nothing(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	struct ipc_response response;
	signed_in_set_up(&s);
	const char *cookie = signed_in_cookie(&s, FIRM_PERSON_2);
	char other[128];
	snprintf(other, sizeof other, "%s", cookie);
	other[strlen(other) - 2] ^= 1;
	const char *const cookies[] = {
		"",
		"gatehouse",
		"=",
		other,
		"__Host-gatehouse=",
		"__Host-gatehouse=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"__Host-gatehouse=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",
		arena_format(&s.arena, "%sA", cookie),
		arena_format(&s.arena, "%.*s", (int)strlen(cookie) - 1, cookie),
		arena_format(&s.arena, "%s; %s", cookie, cookie),
		arena_format(&s.arena, "%s;%s", "a=b", cookie),
		arena_format(&s.arena, "%s;", cookie),
		arena_format(&s.arena, "%s; ", cookie),
		arena_format(&s.arena, "__host-gatehouse%s", strchr(cookie, '=')),
		arena_format(&s.arena, "x%s", cookie),
		arena_format(&s.arena, "\"%s\"", cookie),
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cookies); i++) {
		signed_in_ask(&s, "GET", "/v1/people", cookies[i], (struct bytes){}, &response);
		assert_refused(&s, 401, "session.none", &response);
	}
	read_by(&s, cookie, "/v1/people", 200);
	/* A signature that does not hold is not saved by a cookie beside it. */
	struct http_request plain = {.method = BYTES_OF_LITERAL("GET"), .target = BYTES_OF_LITERAL("/v1/people")};
	struct ipc_request frame = house_frame(&plain);
	frame.cookie = bytes_of_text(cookie);
	frame.signature_input = frame.signature = BYTES_OF_LITERAL("sig=()");
	assert_ok(house_ask(&s.house, &frame, &s.arena, &response));
	assert_int_equal(400, response.status);
	/* Nor does a signature show a session. */
	assert_ok(house_get(&s.house, &s.arena, "/v1/session", &response));
	assert_refused(&s, 401, "session.none", &response);
}

static void
a_session_is_used_under_its_certificate_alone(void **) {
	static const uint8_t own[32] = {1}, other[32] = {2};
	_cleanup_(signed_in_free) struct signed_in s;
	signed_in_set_up(&s);
	s.certificate = BYTES_OF_ARRAY(own);
	const char *cookie = signed_in_cookie(&s, FIRM_PERSON_2);
	read_by(&s, cookie, "/v1/people", 200);
	s.certificate = BYTES_OF_ARRAY(other);
	read_by(&s, cookie, "/v1/people", 401);
	s.certificate = (struct bytes){};
	read_by(&s, cookie, "/v1/people", 401);
	s.certificate = BYTES_OF_ARRAY(own);
	read_by(&s, cookie, "/v1/people", 200);
}

/* --- How it ends. --- */

static void
signing_out_ends_the_session(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	struct ipc_response response;
	signed_in_set_up(&s);
	const char *first = signed_in_cookie(&s, FIRM_PERSON_2), *second = signed_in_cookie(&s, FIRM_PERSON_2);
	signed_in_ask(&s, "DELETE", "/v1/session", nullptr, (struct bytes){}, &response);
	assert_refused(&s, 401, "session.none", &response);
	signed_in_ask(&s, "DELETE", "/v1/session", first, (struct bytes){}, &response);
	assert_int_equal(204, response.status);
	assert_bytes(BYTES_OF_LITERAL("__Host-gatehouse=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0"),
		     response.set_cookie);
	assert_int_equal(1, entries_of(&s, ENTRY_SIGN_OUT));
	read_by(&s, first, "/v1/session", 401);
	read_by(&s, second, "/v1/session", 200);
	signed_in_ask(&s, "DELETE", "/v1/session", first, (struct bytes){}, &response);
	assert_refused(&s, 401, "session.none", &response);
	assert_int_equal(1, entries_of(&s, ENTRY_SIGN_OUT));
}

static void
what_stops_a_person_ends_their_sessions_at_once(void **) {
	static const struct {
		const char *kind, *payload;
		bool may_come_back;
	} cases[] = {
		{"session.revoke", "{}", true},
		{"principal.suspend", "{}", false},
		{"person.erase", "{}", true},
		{"principal.key_revoke", "{\"key\":\"person:p-0000000000000002/passkey\"}", false},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(signed_in_free) struct signed_in s;
		signed_in_set_up(&s);
		signed_in_enrol(&s, FIRM_PERSON_1);
		const char *own = signed_in_cookie(&s, FIRM_PERSON_2), *others = signed_in_cookie(&s, FIRM_PERSON_1);
		signed_in_do(&s, cases[i].kind, PERSON, cases[i].payload);
		read_by(&s, own, "/v1/session", 401);
		read_by(&s, others, "/v1/session", 200);
		if (cases[i].may_come_back)
			read_by(&s, signed_in_cookie(&s, FIRM_PERSON_2), "/v1/session", 200);
	}
}

/* A suspension that is over again does not bring back what it ended. */
static void
a_person_that_is_resumed_signs_in_again(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	signed_in_set_up(&s);
	const char *cookie = signed_in_cookie(&s, FIRM_PERSON_2);
	signed_in_do(&s, "principal.suspend", PERSON, "{}");
	signed_in_do(&s, "principal.resume", PERSON, "{}");
	read_by(&s, cookie, "/v1/session", 401);
	read_by(&s, signed_in_cookie(&s, FIRM_PERSON_2), "/v1/session", 200);
}

static void
a_restart_signs_everyone_out_and_forgets_no_counter(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	signed_in_set_up(&s);
	const char *cookie = signed_in_cookie(&s, FIRM_PERSON_2);
	uint32_t counter = s.authenticators[FIRM_PERSON_2].counter;
	house_close(&s.house);
	assert_ok(house_open(&s.house));
	read_by(&s, cookie, "/v1/session", 401);
	s.authenticators[FIRM_PERSON_2].counter = counter - 1;
	try_fresh(&s, "authenticator_data.counter");
	s.authenticators[FIRM_PERSON_2].counter = counter;
	read_by(&s, signed_in_cookie(&s, FIRM_PERSON_2), "/v1/session", 200);
}

/* NIST SP 800-63B-4 §2.2.3: an hour idle, a day in all. */
static void
a_session_ends_when_idle_and_at_its_limit(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	signed_in_set_up(&s);
	const char *idle = signed_in_cookie(&s, FIRM_PERSON_2);
	signed_in_pass(&s, SIGNED_IN_HOUR_MS - 1000);
	/* Neither what a page reads nor what it watches is activity. */
	read_by(&s, idle, "/v1/session", 200);
	read_by(&s, idle, "/v1/policy", 200);
	read_by(&s, idle, "/v1/events", 200);
	signed_in_pass(&s, 1000);
	read_by(&s, idle, "/v1/session", 401);
	struct ipc_response refused;
	signed_in_ask(&s, "POST", "/v1/session/activity", idle, (struct bytes){}, &refused);
	assert_refused(&s, 401, "session.none", &refused);
	signed_in_ask(&s, "POST", "/v1/session/activity", nullptr, (struct bytes){}, &refused);
	assert_refused(&s, 401, "session.none", &refused);
	const char *busy = signed_in_cookie(&s, FIRM_PERSON_2);
	for (int i = 0; i < 47; i++) {
		struct ipc_response response;
		signed_in_pass(&s, SIGNED_IN_HOUR_MS / 2);
		signed_in_ask(&s, "POST", "/v1/session/activity", busy, (struct bytes){}, &response);
		assert_answer(200, nullptr, &response);
		busy = signed_in_set_cookie(&s, &response) ?: busy;
	}
	signed_in_pass(&s, SIGNED_IN_HOUR_MS / 2);
	read_by(&s, busy, "/v1/policy", 401);
}

static void
a_token_is_renewed_and_the_old_one_ends_soon_after(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	struct ipc_response response, beside;
	signed_in_set_up(&s);
	const char *old = signed_in_cookie(&s, FIRM_PERSON_2);
	signed_in_ask(&s, "GET", "/v1/policy", old, (struct bytes){}, &response);
	assert_null(signed_in_set_cookie(&s, &response));
	signed_in_pass(&s, SESSION_RENEWAL_MS);
	read_by(&s, old, "/v1/events", 200); /* a stream brings none */
	signed_in_ask(&s, "GET", "/v1/policy", old, (struct bytes){}, &response);
	const char *lost = signed_in_set_cookie(&s, &response);
	assert_non_null(lost);
	signed_in_ask(&s, "GET", "/v1/policy", old, (struct bytes){}, &beside);
	assert_null(signed_in_set_cookie(&s, &beside)); /* requests side by side get one */
	/* The answer was lost: a while later there is another, and the lost one opens nothing. */
	signed_in_pass(&s, SESSION_RENEWAL_RETRY_MS);
	signed_in_ask(&s, "GET", "/v1/ledger/entries/0", old, (struct bytes){}, &response);
	const char *fresh = signed_in_set_cookie(&s, &response);
	assert_non_null(fresh);
	read_by(&s, lost, "/v1/policy", 401);
	read_by(&s, fresh, "/v1/policy", 200);
	read_by(&s, old, "/v1/policy", 200);
	signed_in_pass(&s, SESSION_OVERLAP_MS);
	read_by(&s, old, "/v1/policy", 401);
	read_by(&s, fresh, "/v1/policy", 200);
}

static void
one_session_too_many_ends_the_oldest(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	const char *cookies[SESSIONS_PER_PERSON_MAX + 1];
	signed_in_set_up(&s);
	for (size_t i = 0; i < ARRAY_LENGTH(cookies); i++)
		cookies[i] = signed_in_cookie(&s, FIRM_PERSON_2);
	read_by(&s, cookies[0], "/v1/policy", 401);
	for (size_t i = 1; i < ARRAY_LENGTH(cookies); i++)
		read_by(&s, cookies[i], "/v1/policy", 200);
}

/* Who reads by a session passes the same check as who signs each read. */
static void
an_auditor_reads_no_more_by_a_session_and_each_read_is_an_entry(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	struct ipc_response response;
	signed_in_set_up(&s);
	const char *cookie = signed_in_cookie(&s, FIRM_PERSON_2);
	read_by(&s, cookie, "/v1/keys", 200);
	read_by(&s, cookie, "/v1/people/p-0000000000000002/personal", 200);
	read_by(&s, cookie, "/v1/people/p-0000000000000001/personal", 403);
	assert_int_equal(1, entries_of(&s, ENTRY_READ));
	signed_in_do(&s, "auditor.grant", PERSON, "{\"entity\":\"northwind-trading\",\"from\":0,\"until\":1}");
	static const char *const targets[] = {"/v1/keys", "/v1/people", "/v1/policy", "/v1/ledger/entries/0",
					      "/v1/events"};
	for (size_t i = 0; i < ARRAY_LENGTH(targets); i++)
		read_by(&s, cookie, targets[i], 403);
	assert_int_equal(1, entries_of(&s, ENTRY_READ));
	read_by(&s, cookie, "/v1/operations", 200);
	assert_int_equal(2, entries_of(&s, ENTRY_READ));
	signed_in_ask(&s, "GET", "/v1/session", cookie, (struct bytes){}, &response);
	assert_answer(200, nullptr, &response);
	assert_non_null(memmem(response.body.data, response.body.len, "\"roles\":[\"auditor\"]", 19));
	assert_int_equal(2, entries_of(&s, ENTRY_READ)); /* what is their own */
}

RUN_TESTS(T(an_auditor_reads_no_more_by_a_session_and_each_read_is_an_entry),
	  T(a_passkey_signs_in_and_the_session_reads), T(a_cookie_authorises_nothing_but_reading),
	  T(a_cookie_beside_what_is_signed_changes_nothing), T(what_an_authenticator_says_wrongly_is_refused_alike),
	  T(a_challenge_is_ours_and_fresh_and_used_once), T(what_was_signed_for_something_else_gives_no_session),
	  T(what_was_signed_to_sign_in_starts_nothing), T(what_has_become_of_a_key_is_recorded_and_told_nobody),
	  T(a_body_that_is_none_is_answered_with_what_is_wrong),
	  T(an_origin_that_keeps_failing_waits_and_locks_nobody_out),
	  T(strangers_who_keep_failing_with_a_passkey_wait_and_its_owner_does_not),
	  T(the_same_holds_for_what_a_passkey_asks_for), T(a_cookie_that_is_none_reads_nothing),
	  T(a_session_is_used_under_its_certificate_alone), T(signing_out_ends_the_session),
	  T(what_stops_a_person_ends_their_sessions_at_once), T(a_person_that_is_resumed_signs_in_again),
	  T(a_restart_signs_everyone_out_and_forgets_no_counter), T(a_session_ends_when_idle_and_at_its_limit),
	  T(a_token_is_renewed_and_the_old_one_ends_soon_after), T(one_session_too_many_ends_the_oldest))
