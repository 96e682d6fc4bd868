/* What a session opens, what it does not, and when it ends: against a keeper in this process. */
#include "tests/test.h"
#include "tests/signed_in.h"

#include <stdio.h>

#include "keeper/internal.h"
#include "model/entry.h"

static const char PERSON[] = "person:p-0000000000000002";

/* --- Cookies. --- */

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
		assert_int_equal(401, response.status);
		assert_bytes(BYTES_OF_LITERAL("request_signature.none"), house_problem(&s.arena, &response));
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
	signed_in_assert_refused(&s, 400, "request.signature", &response);
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

static void
a_cookie_that_is_none_reads_nothing(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	struct ipc_response response;
	signed_in_set_up(&s);
	const char *cookie = signed_in_cookie(&s, FIRM_PERSON_2);
	char other[128];
	snprintf(other, sizeof other, "%s", cookie);
	other[strlen(other) - 2] ^= 1;
	/* What is no field of cookies at all: identity/cookie_test. */
	const char *const cookies[] = {
		"",
		other,
		"__Host-gatehouse=",
		"__Host-gatehouse=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"__Host-gatehouse=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",
		arena_format(&s.arena, "%sA", cookie),
		arena_format(&s.arena, "%.*s", (int)strlen(cookie) - 1, cookie),
		arena_format(&s.arena, "%s; %s", cookie, cookie),
		arena_format(&s.arena, "__host-gatehouse%s", strchr(cookie, '=')),
		arena_format(&s.arena, "x%s", cookie),
		arena_format(&s.arena, "\"%s\"", cookie),
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cookies); i++) {
		signed_in_ask(&s, "GET", "/v1/people", cookies[i], (struct bytes){}, &response);
		signed_in_assert_refused(&s, 401, "session.none", &response);
	}
	signed_in_read(&s, cookie, "/v1/people", 200);
	/* A signature that does not hold is not saved by a cookie beside it. */
	struct http_request plain = {.method = BYTES_OF_LITERAL("GET"), .target = BYTES_OF_LITERAL("/v1/people")};
	struct ipc_request frame = house_frame(&plain);
	frame.cookie = bytes_of_text(cookie);
	frame.signature_input = frame.signature = BYTES_OF_LITERAL("sig=()");
	assert_ok(house_ask(&s.house, &frame, &s.arena, &response));
	assert_int_equal(400, response.status);
	/* Nor does a signature show a session. */
	assert_ok(house_get(&s.house, &s.arena, "/v1/session", &response));
	signed_in_assert_refused(&s, 401, "session.none", &response);
}

static void
a_session_is_used_under_its_certificate_alone(void **) {
	static const uint8_t own[32] = {1}, other[32] = {2};
	_cleanup_(signed_in_free) struct signed_in s;
	signed_in_set_up(&s);
	s.certificate = BYTES_OF_ARRAY(own);
	const char *cookie = signed_in_cookie(&s, FIRM_PERSON_2);
	signed_in_read(&s, cookie, "/v1/people", 200);
	s.certificate = BYTES_OF_ARRAY(other);
	signed_in_read(&s, cookie, "/v1/people", 401);
	s.certificate = (struct bytes){};
	signed_in_read(&s, cookie, "/v1/people", 401);
	s.certificate = BYTES_OF_ARRAY(own);
	signed_in_read(&s, cookie, "/v1/people", 200);
}

/* Who reads by a session passes the same check as who signs each read. */
static void
an_auditor_reads_no_more_by_a_session_and_each_read_is_an_entry(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	struct ipc_response response;
	signed_in_set_up(&s);
	const char *cookie = signed_in_cookie(&s, FIRM_PERSON_2);
	signed_in_read(&s, cookie, "/v1/keys", 200);
	signed_in_read(&s, cookie, "/v1/people/p-0000000000000002/personal", 200);
	signed_in_read(&s, cookie, "/v1/people/p-0000000000000001/personal", 403);
	assert_int_equal(1, signed_in_entries(&s, ENTRY_READ));
	signed_in_do(&s, "auditor.grant", PERSON, "{\"entity\":\"northwind-trading\",\"from\":0,\"until\":1}");
	static const char *const targets[] = {"/v1/keys", "/v1/people", "/v1/policy", "/v1/ledger/entries/0",
					      "/v1/events"};
	for (size_t i = 0; i < ARRAY_LENGTH(targets); i++)
		signed_in_read(&s, cookie, targets[i], 403);
	assert_int_equal(1, signed_in_entries(&s, ENTRY_READ));
	signed_in_read(&s, cookie, "/v1/operations", 200);
	assert_int_equal(2, signed_in_entries(&s, ENTRY_READ));
	signed_in_ask(&s, "GET", "/v1/session", cookie, (struct bytes){}, &response);
	assert_answer(200, nullptr, &response);
	assert_non_null(memmem(response.body.data, response.body.len, "\"roles\":[\"auditor\"]", 19));
	assert_int_equal(2, signed_in_entries(&s, ENTRY_READ)); /* what is their own */
}

/* --- How it ends. --- */

static void
signing_out_ends_the_session(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	struct ipc_response response;
	signed_in_set_up(&s);
	const char *first = signed_in_cookie(&s, FIRM_PERSON_2), *second = signed_in_cookie(&s, FIRM_PERSON_2);
	signed_in_ask(&s, "DELETE", "/v1/session", nullptr, (struct bytes){}, &response);
	signed_in_assert_refused(&s, 401, "session.none", &response);
	signed_in_ask(&s, "DELETE", "/v1/session", first, (struct bytes){}, &response);
	assert_int_equal(204, response.status);
	assert_bytes(BYTES_OF_LITERAL("__Host-gatehouse=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0"),
		     response.set_cookie);
	assert_int_equal(1, signed_in_entries(&s, ENTRY_SIGN_OUT));
	signed_in_read(&s, first, "/v1/session", 401);
	signed_in_read(&s, second, "/v1/session", 200);
	signed_in_ask(&s, "DELETE", "/v1/session", first, (struct bytes){}, &response);
	signed_in_assert_refused(&s, 401, "session.none", &response);
	assert_int_equal(1, signed_in_entries(&s, ENTRY_SIGN_OUT));
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
		signed_in_read(&s, own, "/v1/session", 401);
		signed_in_read(&s, others, "/v1/session", 200);
		if (cases[i].may_come_back)
			signed_in_read(&s, signed_in_cookie(&s, FIRM_PERSON_2), "/v1/session", 200);
	}
}

/* A suspension that is over again does not bring back what it ended. */
static void
a_person_that_is_resumed_signs_in_again(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	signed_in_set_up(&s);
	const char *cookie = signed_in_cookie(&s, FIRM_PERSON_2);
	signed_in_do(&s, "principal.suspend", PERSON, "{}");
	signed_in_do(&s, "principal.resume", PERSON,
		     arena_format(&s.arena, "{\"effective_from\":%lld}",
				  (long long)(house_now_ms(&s.house) + 25 * SIGNED_IN_HOUR_MS)));
	signed_in_pass(&s, 26 * SIGNED_IN_HOUR_MS);
	signed_in_read(&s, cookie, "/v1/session", 401);
	signed_in_read(&s, signed_in_cookie(&s, FIRM_PERSON_2), "/v1/session", 200);
}

/* NIST SP 800-63B-4 §2.2.3: an hour idle, a day in all. */
static void
a_session_ends_when_idle_and_at_its_limit(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	signed_in_set_up(&s);
	const char *idle = signed_in_cookie(&s, FIRM_PERSON_2);
	signed_in_pass(&s, SIGNED_IN_HOUR_MS - 1000);
	/* Neither what a page reads nor what it watches is activity. */
	signed_in_read(&s, idle, "/v1/session", 200);
	signed_in_read(&s, idle, "/v1/policy", 200);
	signed_in_read(&s, idle, "/v1/events", 200);
	signed_in_pass(&s, 1000);
	signed_in_read(&s, idle, "/v1/session", 401);
	struct ipc_response refused;
	signed_in_ask(&s, "POST", "/v1/session/activity", idle, (struct bytes){}, &refused);
	signed_in_assert_refused(&s, 401, "session.none", &refused);
	signed_in_ask(&s, "POST", "/v1/session/activity", nullptr, (struct bytes){}, &refused);
	signed_in_assert_refused(&s, 401, "session.none", &refused);
	const char *busy = signed_in_cookie(&s, FIRM_PERSON_2);
	for (int i = 0; i < 47; i++) {
		struct ipc_response response;
		signed_in_pass(&s, SIGNED_IN_HOUR_MS / 2);
		signed_in_ask(&s, "POST", "/v1/session/activity", busy, (struct bytes){}, &response);
		assert_answer(200, nullptr, &response);
		busy = signed_in_set_cookie(&s, &response) ?: busy;
	}
	signed_in_pass(&s, SIGNED_IN_HOUR_MS / 2);
	signed_in_read(&s, busy, "/v1/policy", 401);
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
	signed_in_read(&s, old, "/v1/events", 200); /* a stream brings none */
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
	signed_in_read(&s, lost, "/v1/policy", 401);
	signed_in_read(&s, fresh, "/v1/policy", 200);
	signed_in_read(&s, old, "/v1/policy", 200);
	signed_in_pass(&s, SESSION_OVERLAP_MS);
	signed_in_read(&s, old, "/v1/policy", 401);
	signed_in_read(&s, fresh, "/v1/policy", 200);
}

static void
one_session_too_many_ends_the_oldest(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	const char *cookies[SESSIONS_PER_PERSON_MAX + 1];
	signed_in_set_up(&s);
	for (size_t i = 0; i < ARRAY_LENGTH(cookies); i++)
		cookies[i] = signed_in_cookie(&s, FIRM_PERSON_2);
	signed_in_read(&s, cookies[0], "/v1/policy", 401);
	for (size_t i = 1; i < ARRAY_LENGTH(cookies); i++)
		signed_in_read(&s, cookies[i], "/v1/policy", 200);
}

RUN_TESTS(T(a_cookie_authorises_nothing_but_reading), T(a_cookie_beside_what_is_signed_changes_nothing),
	  T(a_cookie_that_is_none_reads_nothing), T(a_session_is_used_under_its_certificate_alone),
	  T(an_auditor_reads_no_more_by_a_session_and_each_read_is_an_entry), T(signing_out_ends_the_session),
	  T(what_stops_a_person_ends_their_sessions_at_once), T(a_person_that_is_resumed_signs_in_again),
	  T(a_session_ends_when_idle_and_at_its_limit), T(a_token_is_renewed_and_the_old_one_ends_soon_after),
	  T(one_session_too_many_ends_the_oldest))
