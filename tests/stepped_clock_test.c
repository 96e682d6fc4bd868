/*
 * Somebody sets the wall clock while people are signed in and operations wait for them: neither lasts longer for it, nor ends sooner,
 * until people accept the clock; and time never runs back.
 */
#include "tests/test.h"
#include "tests/signed_in.h"

#include <stdio.h>

constexpr int64_t A_DAY_MS = 24 * SIGNED_IN_HOUR_MS;

static unsigned
read_by(struct signed_in *s, const char *cookie) {
	struct ipc_response response;
	signed_in_ask(s, "GET", "/v1/session", cookie, (struct bytes){}, &response); /* which is no activity */
	return response.status;
}

/* One that is to be approved within an hour; its id. */
static struct bytes
hold(struct signed_in *s, const char *payload) {
	struct ipc_response response;
	assert_ok(house_submit(&s->house, &s->arena,
			       (struct firm_operation){.by = FIRM_PERSON_4,
						       .kind = "group.add",
						       .resource = "system:gatehouse",
						       .payload = payload,
						       .created_ms = house_now_ms(&s->house),
						       .lifetime_ms = SIGNED_IN_HOUR_MS},
			       &response));
	assert_answer(202, "held", &response);
	return house_text(&s->arena, &response, "operation");
}

/* A vote that was made while the clocks agreed. */
struct made_vote {
	struct ipc_request request;
};

static struct made_vote
make_vote(struct signed_in *s, struct bytes operation, enum firm_member by) {
	struct made_vote made;
	house_vote_request(&s->house, &s->arena, operation, by, "approve", &made.request);
	return made;
}

static void
cast(struct signed_in *s, const struct made_vote *vote, unsigned status, const char *problem) {
	struct ipc_response response;
	assert_ok(house_ask(&s->house, &vote->request, &s->arena, &response));
	if (response.status != status)
		fail_msg("expected %u, got %u: %.*s", status, response.status, BYTES_ARGS(response.body));
	if (problem != nullptr)
		assert_bytes(bytes_of_text(problem), house_problem(&s->arena, &response));
}

/* The wall clock is off by so much, and people say that it is right. What they sign is made where the clocks agree. */
static void
accept_clock(struct signed_in *s, int64_t off_ms) {
	struct ipc_response response;
	struct ipc_request request;
	const char *payload = arena_format(&s->arena, "{\"realtime\":%lld}", (long long)house_now_ms(&s->house));
	fault_io_step(&s->fault, -off_ms);
	house_request(&s->house, &s->arena,
		      (struct firm_operation){.by = FIRM_PERSON_4,
					      .kind = "clock.accept",
					      .resource = "system:gatehouse",
					      .payload = payload},
		      &request);
	fault_io_step(&s->fault, off_ms);
	assert_ok(house_ask(&s->house, &request, &s->arena, &response));
	assert_answer(202, "held", &response);
	struct bytes operation = house_text(&s->arena, &response, "operation");
	fault_io_step(&s->fault, -off_ms);
	struct made_vote first = make_vote(s, operation, FIRM_PERSON_3),
			 second = make_vote(s, operation, FIRM_PERSON_5);
	fault_io_step(&s->fault, off_ms);
	cast(s, &first, 202, nullptr);
	cast(s, &second, 200, nullptr);
}

static void
a_step_back_prolongs_nothing(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	signed_in_set_up(&s);
	const char *cookie = signed_in_cookie(&s, FIRM_PERSON_2);
	struct made_vote vote = make_vote(&s, hold(&s, "{\"id\":\"late\"}"), FIRM_PERSON_3);
	fault_io_step(&s.fault, -2 * A_DAY_MS);
	assert_int_equal(200, read_by(&s, cookie));
	cast(&s, &vote, 503, "clock.doubt");
	signed_in_pass(&s, SIGNED_IN_HOUR_MS - 60'000);
	assert_int_equal(200, read_by(&s, cookie));
	signed_in_pass(&s, 2 * 60'000); /* an hour after both began, by the time since the machine started */
	assert_int_equal(401, read_by(&s, cookie));
	fault_io_step(&s.fault, 2 * A_DAY_MS);
	cast(&s, &vote, 409, "operation.not_held");
}

static void
a_step_forward_ends_nothing_before_people_accept_it(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	signed_in_set_up(&s);
	const char *cookie = signed_in_cookie(&s, FIRM_PERSON_2);
	struct bytes operation = hold(&s, "{\"id\":\"early\"}");
	struct made_vote first = make_vote(&s, operation, FIRM_PERSON_3),
			 second = make_vote(&s, operation, FIRM_PERSON_5);
	fault_io_step(&s.fault, 2 * A_DAY_MS);
	assert_int_equal(200, read_by(&s, cookie));
	cast(&s, &first, 503, "clock.doubt");
	fault_io_step(&s.fault, -2 * A_DAY_MS);
	cast(&s, &first, 202, nullptr);
	assert_int_equal(200, read_by(&s, cookie));
	cast(&s, &second, 200, nullptr);
}

/* What ended by a clock that people accepted does not come back with the right one. */
static void
what_ended_does_not_come_back_with_the_clock(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	signed_in_set_up(&s);
	const char *cookie = signed_in_cookie(&s, FIRM_PERSON_2);
	struct made_vote vote = make_vote(&s, hold(&s, "{\"id\":\"gone\"}"), FIRM_PERSON_3);
	fault_io_step(&s.fault, 2 * A_DAY_MS);
	accept_clock(&s, 2 * A_DAY_MS);
	assert_int_equal(401, read_by(&s, cookie));
	cast(&s, &vote, 409, "operation.not_held");
	fault_io_step(&s.fault, -2 * A_DAY_MS);
	accept_clock(&s, -2 * A_DAY_MS);
	assert_int_equal(401, read_by(&s, cookie));
	cast(&s, &vote, 409, "operation.not_held");
	house_close(&s.house);
	assert_ok(house_open(&s.house));
	cast(&s, &vote, 409, "operation.not_held");
}

/* The clock was a day ahead, and people say so: until it is that late again the recorded time stands still, and sessions end by the time
 * since the machine started. */
static void
a_clock_that_people_set_back_prolongs_no_session(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	signed_in_set_up(&s);
	fault_io_step(&s.fault, A_DAY_MS);
	accept_clock(&s, A_DAY_MS);
	const char *cookie = signed_in_cookie(&s, FIRM_PERSON_2);
	fault_io_step(&s.fault, -A_DAY_MS);
	accept_clock(&s, -A_DAY_MS);
	assert_int_equal(200, read_by(&s, cookie));
	signed_in_pass(&s, SIGNED_IN_HOUR_MS - 60'000);
	assert_int_equal(200, read_by(&s, cookie));
	signed_in_pass(&s, 60'000);
	assert_int_equal(401, read_by(&s, cookie));
}

RUN_TESTS(T(a_step_back_prolongs_nothing), T(a_step_forward_ends_nothing_before_people_accept_it),
	  T(what_ended_does_not_come_back_with_the_clock), T(a_clock_that_people_set_back_prolongs_no_session))
