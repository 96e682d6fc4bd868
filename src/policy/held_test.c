#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "base/effort.h"
#include "policy/fixture.h"
#include "policy/held.h"

static const struct policy_options strict = {.strict = true};

struct fixture {
	struct policy_set *set;
	struct policy_entities *entities;
	struct arena arena;
	struct value context;
	struct policy_request request;
	struct policy_held held;
};

static void
free_fixture(struct fixture *fixture) {
	policy_set_destroy(&fixture->set);
	policy_entities_destroy(&fixture->entities);
	arena_free(&fixture->arena);
}

static void
start(struct fixture *fixture, const char *policies, const char *context) {
	fixture->set = fixture_policies(policies);
	fixture->entities = fixture_entities("[]");
	fixture->context = fixture_record(&fixture->arena, context);
	fixture->request = (struct policy_request){
		.principal = fixture_uid("User", "a"),
		.action = fixture_uid("Action", "sign"),
		.resource = fixture_uid("Key", "k"),
		.context = &fixture->context,
	};
}

static enum status
hold(struct fixture *fixture, const struct policy_counter *counters, size_t count) {
	return policy_held(fixture->set, fixture->entities, &fixture->request, strict, counters, count, &fixture->arena,
			   &fixture->held);
}

static struct policy_counter
counter(const char *path, int64_t current, int64_t obtainable) {
	return (struct policy_counter){bytes_of_text(path), current, obtainable};
}

static const char two_and_one[] = "permit(principal, action, resource) when {\n"
				  "  context.approvals.treasury >= 2 && context.approvals.independent >= 1 };\n"
				  "forbid(principal, action, resource) when { context.frozen };";

static void
held_says_whose_approvals_are_missing_and_how_many(void **) {
	_cleanup_(free_fixture) struct fixture fixture = {};
	start(&fixture, two_and_one, "{\"approvals\":{\"independent\":0,\"risk\":0,\"treasury\":1},\"frozen\":false}");
	const struct policy_counter counters[] = {counter("approvals.treasury", 1, 5),
						  counter("approvals.independent", 0, 2),
						  counter("approvals.risk", 0, 3)};
	assert_ok(hold(&fixture, counters, 3));
	assert_true(fixture.held.is_held);
	assert_false(fixture.held.is_permitted);
	assert_int_equal(fixture.held.missing[0], 1);
	assert_int_equal(fixture.held.missing[1], 1);
	assert_int_equal(fixture.held.missing[2], 0);
	/* The caller's context is as it was. */
	const struct value *approvals = value_record_get(&fixture.context, bytes_of_text("approvals"));
	assert_int_equal(value_record_get(approvals, bytes_of_text("treasury"))->integer, 1);
}

static void
a_request_that_is_permitted_misses_nothing(void **) {
	_cleanup_(free_fixture) struct fixture fixture = {};
	start(&fixture, two_and_one, "{\"approvals\":{\"independent\":1,\"treasury\":2},\"frozen\":false}");
	const struct policy_counter counters[] = {counter("approvals.treasury", 2, 5),
						  counter("approvals.independent", 1, 2)};
	assert_ok(hold(&fixture, counters, 2));
	assert_false(fixture.held.is_held);
	assert_true(fixture.held.is_permitted);
}

static void
approvals_do_not_help_past_a_forbid_or_beyond_who_could_give_them(void **) {
	_cleanup_(free_fixture) struct fixture fixture = {};
	start(&fixture, two_and_one, "{\"approvals\":{\"independent\":0,\"treasury\":0},\"frozen\":true}");
	const struct policy_counter counters[] = {counter("approvals.treasury", 0, 5),
						  counter("approvals.independent", 0, 2)};
	assert_ok(hold(&fixture, counters, 2));
	assert_false(fixture.held.is_held);
	assert_int_equal(fixture.held.decisions, 0); /* the forbid is certain */
	_cleanup_(free_fixture) struct fixture other = {};
	start(&other, two_and_one, "{\"approvals\":{\"independent\":0,\"treasury\":0},\"frozen\":false}");
	const struct policy_counter too_few[] = {counter("approvals.treasury", 0, 1),
						 counter("approvals.independent", 0, 2)};
	assert_ok(hold(&other, too_few, 2));
	assert_false(other.held.is_held);
	assert_false(other.held.is_permitted);
}

/* An erring forbid denies in strict mode, and no approval mends it. */
static void
an_error_is_not_held(void **) {
	_cleanup_(free_fixture) struct fixture fixture = {};
	start(&fixture, two_and_one, "{\"approvals\":{\"independent\":0,\"treasury\":0}}");
	const struct policy_counter counters[] = {counter("approvals.treasury", 0, 5),
						  counter("approvals.independent", 0, 2)};
	assert_ok(hold(&fixture, counters, 2));
	assert_false(fixture.held.is_held);
}

static void
counters_that_do_not_fit_the_context_are_refused(void **) {
	_cleanup_(free_fixture) struct fixture fixture = {};
	start(&fixture, two_and_one, "{\"approvals\":{\"a\":0,\"b\":\"x\"},\"n\":1}");
	static const struct {
		struct policy_counter counters[2];
		const char *name;
	} cases[] = {
		{{{BYTES_OF_LITERAL("approvals.none"), 0, 1}, {BYTES_OF_LITERAL("n"), 0, 1}}, "held.path"},
		{{{BYTES_OF_LITERAL("approvals.b"), 0, 1}, {BYTES_OF_LITERAL("n"), 0, 1}}, "held.path"},
		{{{BYTES_OF_LITERAL("approvals"), 0, 1}, {BYTES_OF_LITERAL("n"), 0, 1}}, "held.path"},
		{{{BYTES_OF_LITERAL("n.x"), 0, 1}, {BYTES_OF_LITERAL("n"), 0, 1}}, "held.path"},
		{{{BYTES_OF_LITERAL("approvals."), 0, 1}, {BYTES_OF_LITERAL("n"), 0, 1}}, "held.path"},
		{{{BYTES_OF_LITERAL(""), 0, 1}, {BYTES_OF_LITERAL("n"), 0, 1}}, "held.path"},
		{{{BYTES_OF_LITERAL("approvals.a"), 2, 1}, {BYTES_OF_LITERAL("n"), 0, 1}}, "held.range"},
		{{{BYTES_OF_LITERAL("approvals.a"), INT64_MIN, INT64_MAX}, {BYTES_OF_LITERAL("n"), 0, 1}},
		 "held.range"},
		{{{BYTES_OF_LITERAL("n"), 0, 1}, {BYTES_OF_LITERAL("n"), 0, 1}}, "held.counters"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
		assert_fails(STATUS_INVALID, cases[i].name, hold(&fixture, cases[i].counters, 2));
	struct policy_counter many[HELD_COUNTERS_MAX + 1] = {};
	assert_fails(STATUS_INVALID, "held.counters", hold(&fixture, many, ARRAY_LENGTH(many)));
}

/* Sixteen counters that only a far sum satisfies: the search gives up by name. */
static void
the_search_is_bounded(void **) {
	_cleanup_(free_fixture) struct fixture fixture = {};
	_cleanup_(buffer_free) struct buffer policy = {}, context = {};
	struct policy_counter counters[HELD_COUNTERS_MAX];
	char paths[HELD_COUNTERS_MAX][8];
	buffer_append_text(&policy, "permit(principal, action, resource) when { 0");
	buffer_append_text(&context, "{");
	for (size_t i = 0; i < HELD_COUNTERS_MAX; i++) {
		snprintf(paths[i], sizeof paths[i], "c%02zu", i);
		buffer_append_format(&policy, " + context.%s", paths[i]);
		buffer_append_format(&context, "%s\"%s\":0", i == 0 ? "" : ",", paths[i]);
		counters[i] = counter(paths[i], 0, 10);
	}
	buffer_append_text(&policy, " >= 80 };");
	buffer_append_text(&context, "}");
	buffer_append_byte(&policy, 0);
	buffer_append_byte(&context, 0);
	start(&fixture, (const char *)policy.data, (const char *)context.data);
	assert_fails(STATUS_TOO_LARGE, "held.bound", hold(&fixture, counters, HELD_COUNTERS_MAX));
	effort_limit(1);
	enum status status = hold(&fixture, counters, HELD_COUNTERS_MAX);
	effort_limit(0);
	assert_fails(STATUS_TOO_LARGE, "effort.spent", status);
	assert_false(fixture.held.is_held);
}

constexpr size_t COUNTERS = 4;
constexpr int64_t MOST = 4;

static uint32_t random_state = 4242;

static uint32_t
random_below(uint32_t limit) {
	random_state = random_state * 1'664'525 + 1'013'904'223;
	return (random_state >> 8) % limit;
}

/* A monotone condition: thresholds on counters and on sums of two, and on a known fact, under && and ||. */
static void
append_condition(struct buffer *text, uint32_t depth) {
	if (depth == 0 || random_below(3) == 0) {
		if (random_below(4) == 0) /* something known, which may be an error */
			buffer_append_format(text, random_below(12) == 0 ? "context.none > %u" : "context.k > %u",
					     random_below(6));
		else if (random_below(3) == 0)
			buffer_append_format(text, "context.a.c%u + context.a.c%u >= %u", random_below(COUNTERS),
					     random_below(COUNTERS), 1 + random_below(7));
		else
			buffer_append_format(text, "context.a.c%u >= %u", random_below(COUNTERS), random_below(6));
		return;
	}
	buffer_append_text(text, "(");
	append_condition(text, depth - 1);
	buffer_append_text(text, random_below(2) == 0 ? " && " : " || ");
	append_condition(text, depth - 1);
	buffer_append_text(text, ")");
}

static bool
permits(struct fixture *fixture, const int64_t *values) {
	_cleanup_(arena_free) struct arena arena = {};
	char text[128];
	snprintf(text, sizeof text, "{\"a\":{\"c0\":%lld,\"c1\":%lld,\"c2\":%lld,\"c3\":%lld},\"k\":3}",
		 (long long)values[0], (long long)values[1], (long long)values[2], (long long)values[3]);
	struct value context = fixture_record(&arena, text);
	struct policy_request request = fixture->request;
	struct policy_result result;
	request.context = &context;
	assert_ok(policy_decide(fixture->set, fixture->entities, &request, strict, &arena, &result));
	return result.decision == POLICY_ALLOW;
}

/* Every point of the lattice, by sum, then in lexicographic order. */
static bool
search_plainly(struct fixture *fixture, const int64_t *current, int64_t *missing) {
	for (int64_t total = 0; total <= (int64_t)COUNTERS * MOST; total++)
		for (int64_t a = 0; a <= MOST - current[0]; a++)
			for (int64_t b = 0; b <= MOST - current[1]; b++)
				for (int64_t c = 0; c <= MOST - current[2]; c++) {
					int64_t d = total - a - b - c;
					if (d < 0 || d > MOST - current[3])
						continue;
					int64_t values[COUNTERS] = {current[0] + a, current[1] + b, current[2] + c,
								    current[3] + d};
					if (!permits(fixture, values))
						continue;
					memcpy(missing, (int64_t[]){a, b, c, d}, COUNTERS * sizeof *missing);
					return true;
				}
	return false;
}

static void
the_answer_is_that_of_a_search_through_the_whole_lattice(void **) {
	static const char *const paths[COUNTERS] = {"a.c0", "a.c1", "a.c2", "a.c3"};
	size_t held = 0, never = 0;
	for (size_t round = 0; round < 150; round++) {
		_cleanup_(free_fixture) struct fixture fixture = {};
		_cleanup_(buffer_free) struct buffer policies = {};
		int64_t current[COUNTERS], missing[COUNTERS] = {};
		struct policy_counter counters[COUNTERS];
		char context[128];
		for (uint32_t i = 1 + random_below(2); i > 0; i--) {
			buffer_append_text(&policies, "permit(principal, action, resource) when { ");
			append_condition(&policies, 3);
			buffer_append_text(&policies, " };\n");
		}
		if (random_below(2) == 0)
			buffer_append_format(&policies,
					     "forbid(principal, action, resource) unless { context.a.c%u >= %u };",
					     random_below(COUNTERS), random_below(4));
		buffer_append_byte(&policies, 0);
		for (size_t i = 0; i < COUNTERS; i++) {
			current[i] = random_below(3);
			counters[i] = counter(paths[i], current[i], MOST);
		}
		snprintf(context, sizeof context, "{\"a\":{\"c0\":%lld,\"c1\":%lld,\"c2\":%lld,\"c3\":%lld},\"k\":3}",
			 (long long)current[0], (long long)current[1], (long long)current[2], (long long)current[3]);
		start(&fixture, (const char *)policies.data, context);
		bool found = search_plainly(&fixture, current, missing);
		bool permitted = permits(&fixture, current);
		assert_ok(hold(&fixture, counters, COUNTERS));
		assert_int_equal(fixture.held.is_permitted, permitted);
		assert_int_equal(fixture.held.is_held, found && !permitted);
		for (size_t i = 0; i < COUNTERS; i++)
			if (fixture.held.missing[i] != (found ? missing[i] : 0))
				fail_msg("%s: counter %zu: expected %lld, found %lld", (const char *)policies.data, i,
					 (long long)missing[i], (long long)fixture.held.missing[i]);
		held += fixture.held.is_held;
		never += !found;
	}
	print_message("%zu held, %zu never\n", held, never);
	assert_true(held > 50 && never > 3);
}

RUN_TESTS(T(held_says_whose_approvals_are_missing_and_how_many), T(a_request_that_is_permitted_misses_nothing),
	  T(approvals_do_not_help_past_a_forbid_or_beyond_who_could_give_them), T(an_error_is_not_held),
	  T(counters_that_do_not_fit_the_context_are_refused), T(the_search_is_bounded),
	  T(the_answer_is_that_of_a_search_through_the_whole_lattice))
