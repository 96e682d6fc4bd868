/* Signing in by passkey, end to end against a keeper in this process: what gives a session, and how whatever does not is answered. */
#include "tests/test.h"
#include "tests/signed_in.h"

#include <stdio.h>

#include "identity/challenges.h"
#include "identity/throttle.h"
#include "keeper/internal.h"
#include "ledger/log.h"
#include "model/entry.h"

static const char PERSON[] = "person:p-0000000000000002";

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
		signed_in_read(&s, cookie, targets[i], 200);
	assert_int_equal(1, signed_in_entries(&s, ENTRY_SIGN_IN));
	/* Other cookies beside it are nobody's business. */
	signed_in_read(&s, arena_format(&s.arena, "theme=dark; %s; a=b", cookie), "/v1/policy", 200);
}

/* --- Refusals: one and the same answer. --- */

static void
assert_session_refused(struct signed_in *s, const struct ipc_response *response) {
	signed_in_assert_refused(s, 401, "session.refused", response);
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
	uint64_t before = signed_in_entries(s, ENTRY_REFUSAL);
	s->peer[1]++; /* from another network than before: not what is tested here */
	signed_in_body(s, FIRM_PERSON_2, challenge, &body);
	sign_in(s, &body, &response);
	assert_session_refused(s, &response);
	assert_int_equal(recorded != nullptr, signed_in_entries(s, ENTRY_REFUSAL) - before);
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
	signed_in_assert_refused(&s, 401, "client_data.challenge", &response);
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
	signed_in_do(&s, "principal.resume", PERSON,
		     arena_format(&s.arena, "{\"effective_from\":%lld}",
				  (long long)(house_now_ms(&s.house) + 25 * SIGNED_IN_HOUR_MS)));
	try_fresh(&s, "directory.key_waiting");
	signed_in_pass(&s, 26 * SIGNED_IN_HOUR_MS);
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
		signed_in_assert_refused(&s, 400, cases[i].problem, &response);
	}
	signed_in_ask(&s, "POST", "/v1/session/challenge", nullptr, BYTES_OF_LITERAL("{\"person\":1}"), &response);
	signed_in_assert_refused(&s, 400, "request.body", &response);
	assert_int_equal(0, signed_in_entries(&s, ENTRY_REFUSAL));
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
		signed_in_assert_refused(&s, 429, "session.throttled", &response);
		waits[i - THROTTLE_FREE] = seconds_to_wait(&response);
	}
	for (size_t i = 1; i < ARRAY_LENGTH(waits); i++)
		assert_int_equal(2 * waits[i - 1], waits[i]);
	signed_in_read(&s, signed_in_cookie(&s, FIRM_PERSON_2), "/v1/policy", 200);
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
		signed_in_assert_refused(&s, 429, "session.throttled", &response);
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

static void
a_restart_signs_everyone_out_and_forgets_no_counter(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	signed_in_set_up(&s);
	const char *cookie = signed_in_cookie(&s, FIRM_PERSON_2);
	uint32_t counter = s.authenticators[FIRM_PERSON_2].counter;
	house_close(&s.house);
	assert_ok(house_open(&s.house));
	signed_in_read(&s, cookie, "/v1/session", 401);
	s.authenticators[FIRM_PERSON_2].counter = counter - 1;
	try_fresh(&s, "authenticator_data.counter");
	s.authenticators[FIRM_PERSON_2].counter = counter;
	signed_in_read(&s, signed_in_cookie(&s, FIRM_PERSON_2), "/v1/session", 200);
}

RUN_TESTS(T(a_passkey_signs_in_and_the_session_reads), T(what_an_authenticator_says_wrongly_is_refused_alike),
	  T(a_challenge_is_ours_and_fresh_and_used_once), T(what_was_signed_for_something_else_gives_no_session),
	  T(what_was_signed_to_sign_in_starts_nothing), T(what_has_become_of_a_key_is_recorded_and_told_nobody),
	  T(a_body_that_is_none_is_answered_with_what_is_wrong),
	  T(an_origin_that_keeps_failing_waits_and_locks_nobody_out),
	  T(strangers_who_keep_failing_with_a_passkey_wait_and_its_owner_does_not),
	  T(the_same_holds_for_what_a_passkey_asks_for), T(a_restart_signs_everyone_out_and_forgets_no_counter))
