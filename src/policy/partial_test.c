/* Random policies, and a context of which a part is unknown at first: what is left decides as the whole does, whatever that part
 * turns out to be. */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "policy/differential_case.h"
#include "policy/fit.h"
#include "policy/fixture.h"
#include "policy/partial.h"
#include "policy/policy_json.h"
#include "policy/policy_text.h"
#include "policy/set.h"

struct fixture {
	struct arena arena;
	struct policy_set *set;
	struct policy_entities *entities;
	struct policy_request request;
	struct value context;
	struct policy_partial partial;
};

static void
free_fixture(struct fixture *fixture) {
	policy_set_destroy(&fixture->partial.residual);
	policy_set_destroy(&fixture->set);
	policy_entities_destroy(&fixture->entities);
	arena_free(&fixture->arena);
}

static void
start(struct fixture *fixture, const char *policies, const char *context) {
	fixture->set = fixture_policies(policies);
	fixture->entities =
		fixture_entities("[{\"uid\":{\"type\":\"User\",\"id\":\"a\"},\"attrs\":{\"level\":3},\"parents\":[]}]");
	fixture->context = fixture_record(&fixture->arena, context);
	fixture->request = (struct policy_request){fixture_uid("User", "a"), fixture_uid("Action", "sign"),
						   fixture_uid("Key", "k"), &fixture->context};
}

static void
decide(struct fixture *fixture, const char *const *paths, size_t count) {
	struct bytes *unknown = ARENA_NEW_ARRAY(&fixture->arena, count, struct bytes);
	for (size_t i = 0; i < count; i++)
		unknown[i] = bytes_of_text(paths[i]);
	assert_ok(policy_decide_partially(
		fixture->set, fixture->entities, &fixture->request, (struct policy_options){.strict = true},
		&(struct policy_unknowns){unknown, count}, &fixture->arena, &fixture->partial));
}

static void
assert_text(const struct policy_set *set, const char *expected) {
	_cleanup_(buffer_free) struct buffer text = {};
	assert_ok(policy_set_write_text(set, &text));
	buffer_append_byte(&text, 0);
	assert_string_equal((const char *)text.data, expected);
}

static void
what_does_not_depend_on_the_unknown_is_put_in(void **) {
	_cleanup_(free_fixture) struct fixture fixture = {};
	start(&fixture,
	      "@id(\"small\") permit(principal, action == Action::\"sign\", resource) when { context.cents <= 100 };"
	      "@id(\"large\") permit(principal is User, action, resource) when { context.cents <= 100 * "
	      "principal.level "
	      "&& context.approvals.treasury >= 2 };"
	      "@id(\"never\") permit(principal, action, resource) when { context.cents < 0 && context.approvals.total "
	      "> 1 };"
	      "@id(\"other\") permit(principal == User::\"b\", action, resource) when { context.approvals.total > 1 };"
	      "@id(\"rejected\") forbid(principal, action, resource) unless { context.approvals has total };"
	      "@id(\"frozen\") forbid(principal, action, resource) when { context.frozen };",
	      "{\"cents\":250,\"frozen\":false,\"approvals\":{}}");
	decide(&fixture, (const char *const[]){"approvals.treasury", "approvals.total"}, 2);
	assert_text(fixture.partial.residual, "@id(\"large\")\n"
					      "permit (principal, action, resource)\n"
					      "when { context.approvals.treasury >= 2 };\n");
	assert_int_equal(fixture.partial.decision, PARTIAL_OPEN);
	assert_int_equal(fixture.partial.open_count, 1);
}

static void
certainty_is_told(void **) {
	static const struct {
		const char *policies;
		enum partial_decision decision;
	} cases[] = {
		{"permit(principal, action, resource);", PARTIAL_ALLOW},
		{"permit(principal, action, resource); forbid(principal, action, resource) when { context.x > 1 };",
		 PARTIAL_OPEN},
		{"permit(principal, action, resource); forbid(principal, action, resource) when { context.y };",
		 PARTIAL_DENY},
		{"permit(principal, action, resource); forbid(principal, action, resource) when { context.none };",
		 PARTIAL_DENY},
		{"forbid(principal, action, resource) when { context.x > 1 };", PARTIAL_DENY},
		{"permit(principal, action, resource) when { context.x > 1 };", PARTIAL_OPEN},
		{"permit(principal, action, resource) when { false && context.x > 1 };", PARTIAL_DENY},
		{"permit(principal, action, resource) when { true || context.x > 1 };", PARTIAL_ALLOW},
		{"permit(principal, action, resource) when { context has x };", PARTIAL_ALLOW},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(free_fixture) struct fixture fixture = {};
		start(&fixture, cases[i].policies, "{\"y\":true}");
		decide(&fixture, (const char *const[]){"x"}, 1);
		if (fixture.partial.decision != cases[i].decision)
			fail_msg("%s: %d", cases[i].policies, fixture.partial.decision);
	}
}

static void
paths_that_are_none_are_refused(void **) {
	static const char *const paths[] = {"", ".", "a.", ".a", "a..b"};
	for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
		_cleanup_(free_fixture) struct fixture fixture = {};
		struct bytes path = bytes_of_text(paths[i]);
		start(&fixture, "permit(principal, action, resource);", "{}");
		assert_fails(STATUS_INVALID, "partial.path",
			     policy_decide_partially(fixture.set, fixture.entities, &fixture.request,
						     (struct policy_options){}, &(struct policy_unknowns){&path, 1},
						     &fixture.arena, &fixture.partial));
	}
}

/* --- Random ones. --- */

static void
append_ids(const struct policy_set *set, struct buffer *to, size_t number) {
	struct policy_view view;
	policy_set_view(set, number, &view);
	buffer_append_bytes(to, view.id);
	buffer_append_text(to, " ");
}

/* "allow policy1 | policy0". */
static const char *
answer(struct fixture *fixture, const struct policy_set *set, struct policy_options options) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct policy_result result;
	assert_ok(policy_decide(set, fixture->entities, &fixture->request, options, &fixture->arena, &result));
	buffer_append_text(&text, result.decision == POLICY_ALLOW ? "allow " : "deny ");
	for (size_t i = 0; i < result.reason_count; i++)
		append_ids(set, &text, result.reasons[i]);
	buffer_append_text(&text, "| ");
	for (size_t i = 0; i < result.error_count; i++)
		append_ids(set, &text, result.errors[i].policy);
	return arena_text(&fixture->arena, buffer_bytes(&text));
}

static uint32_t random_state = 99;

static uint32_t
random_below(uint32_t limit) {
	random_state = random_state * 1'664'525 + 1'013'904'223;
	return (random_state >> 8) % limit;
}

static struct value
random_value(struct fixture *fixture, size_t depth) {
	switch (random_below(depth == 0 ? 5 : 7)) {
	case 0:
		return value_boolean(random_below(2) == 0);
	case 1:
		return value_long((int64_t)random_below(12) - 2);
	case 2:
		return value_text(random_below(2) == 0 ? "a" : "k0");
	case 3:
		return value_entity(bytes_of_text("User"), bytes_of_text("1"));
	case 4:
		return (struct value){.type = VALUE_DURATION, .integer = 1'000};
	case 5: {
		struct value *items = ARENA_NEW_ARRAY(&fixture->arena, 2, struct value);
		items[0] = random_value(fixture, 0);
		items[1] = random_value(fixture, 0);
		return value_set(items, 2);
	}
	default: {
		struct value_field *fields = ARENA_NEW_ARRAY(&fixture->arena, 2, struct value_field);
		fields[0] = (struct value_field){bytes_of_text("a"), random_value(fixture, depth - 1)};
		fields[1] = (struct value_field){bytes_of_text("b"), random_value(fixture, depth - 1)};
		return (struct value){.type = VALUE_RECORD, .record = {fields, 2}};
	}
	}
}

struct hidden { /* a field of the context, or of a record in it */
	struct bytes path;
	struct value *value;
};

/* Some fields become unknown; the context is the fixture's own copy. */
static size_t
hide(struct fixture *fixture, struct hidden *hidden, size_t capacity) {
	size_t count = 0;
	struct value *context = &fixture->context;
	struct value_field *fields = ARENA_NEW_ARRAY(&fixture->arena, context->record.count, struct value_field);
	if (context->record.count > 0)
		memcpy(fields, context->record.fields, context->record.count * sizeof *fields);
	context->record.fields = fields;
	for (size_t i = 0; i < context->record.count && count < capacity; i++) {
		struct value *value = &fields[i].value;
		if (memchr(fields[i].name.data, '.', fields[i].name.len) != nullptr || random_below(3) == 0)
			continue;
		hidden[count].path = fields[i].name;
		if (value->type == VALUE_RECORD && value->record.count > 0 && random_below(2) == 0) {
			struct value_field *inner =
				ARENA_NEW_ARRAY(&fixture->arena, value->record.count, struct value_field);
			memcpy(inner, value->record.fields, value->record.count * sizeof *inner);
			value->record.fields = inner;
			hidden[count].path = bytes_of_text(arena_format(
				&fixture->arena, "%.*s.%.*s", BYTES_ARGS(fields[i].name), BYTES_ARGS(inner[0].name)));
			value = &inner[0].value;
		}
		hidden[count++].value = value;
	}
	return count;
}

/* The text of what is left, read again, is the same once more. */
static struct policy_set *
read_again(const struct policy_set *set) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct policy_set *again = nullptr;
	assert_ok(policy_set_write_text(set, &text));
	if (policy_set_parse("again", buffer_bytes(&text), &again, nullptr) != OK)
		fail_msg("%s\n%.*s", fail_message(), BYTES_ARGS(buffer_bytes(&text)));
	return again;
}

static void
compare(struct fixture *fixture, const struct policy_set *again, size_t *satisfied) {
	const struct policy_options strictness[] = {{}, {.strict = true}};
	for (size_t i = 0; i < 2; i++) {
		const char *whole = answer(fixture, fixture->set, strictness[i]);
		const char *left = answer(fixture, fixture->partial.residual, strictness[i]);
		const char *text = answer(fixture, again, strictness[i]);
		if (strcmp(whole, left) != 0 || strcmp(whole, text) != 0) {
			_cleanup_(buffer_free) struct buffer printed = {};
			assert_ok(policy_set_write_text(fixture->partial.residual, &printed));
			fail_msg("expected %s, found %s and %s\n%.*s", whole, left, text,
				 BYTES_ARGS(buffer_bytes(&printed)));
		}
		*satisfied += whole[0] == 'a';
		if (fixture->partial.decision == PARTIAL_ALLOW && i == 1)
			assert_int_equal(whole[0], 'a');
		if (fixture->partial.decision == PARTIAL_DENY && i == 1)
			assert_int_equal(whole[0], 'd');
	}
}

static void
try_request(struct fixture *fixture, size_t *open, size_t *satisfied) {
	struct hidden hidden[4];
	struct bytes paths[4];
	size_t count = hide(fixture, hidden, ARRAY_LENGTH(hidden));
	for (size_t i = 0; i < count; i++)
		paths[i] = hidden[i].path;
	fixture->request.context = &fixture->context;
	assert_ok(policy_decide_partially(fixture->set, fixture->entities, &fixture->request,
					  (struct policy_options){.strict = true},
					  &(struct policy_unknowns){paths, count}, &fixture->arena, &fixture->partial));
	_cleanup_(policy_set_destroy) struct policy_set *again = read_again(fixture->partial.residual);
	*open += fixture->partial.open_count;
	compare(fixture, again, satisfied);
	for (size_t round = 0; round < 3 && count > 0; round++) {
		for (size_t i = 0; i < count; i++)
			if (random_below(3) > 0)
				*hidden[i].value = random_value(fixture, 1);
		compare(fixture, again, satisfied);
	}
	policy_set_destroy(&fixture->partial.residual);
}

/* Without scopes, so that every condition is looked at. */
static enum status
read_conditions(const char *text, struct policy_set **set) {
	TRY(policy_set_create(nullptr, set));
	TRY(policy_set_add(*set, "p", bytes_of_text(text), nullptr));
	for (size_t i = 0; i < (*set)->entry_count; i++) {
		struct policy_ast *ast = (struct policy_ast *)(uintptr_t)(*set)->entries[i].ast;
		ast->principal = ast->action = ast->resource = (struct scope){.kind = SCOPE_ANY};
	}
	return policy_set_seal(*set);
}

static void
what_is_left_decides_as_the_whole_does(void **) {
	size_t counts[CONSTRUCT_COUNT] = {}, open = 0, satisfied = 0, requests = 0;
	for (uint64_t seed = 1; seed <= 1'500; seed++) {
		_cleanup_(free_fixture) struct fixture fixture = {};
		struct differential_case drawn;
		assert_ok(differential_draw(&fixture.arena, seed, counts, &drawn));
		const struct policy_source source = {"e", bytes_of_text(drawn.entities)};
		assert_ok(policy_entities_create(&fixture.entities));
		if (drawn.is_implicit || read_conditions(drawn.policies, &fixture.set) != OK ||
		    policy_entities_load(fixture.entities, &source, (struct policy_entities_options){}, nullptr) != OK)
			continue;
		for (size_t i = 0; i < CASE_REQUESTS; i++) {
			const struct policy_source text = {"r", bytes_of_text(drawn.requests[i])};
			if (policy_request_read(&fixture.arena, &text, nullptr, nullptr, &fixture.request) != OK)
				continue;
			fixture.context = *fixture.request.context;
			try_request(&fixture, &open, &satisfied);
			requests++;
		}
	}
	print_message("%zu requests, %zu policies left open, %zu permitted\n", requests, open, satisfied);
	assert_true(requests > 500 && open > 300 && satisfied > 300);
}

/* Text, to what it says, to text: the JSON form of both is the same. */
static void
policies_written_as_text_say_the_same(void **) {
	size_t counts[CONSTRUCT_COUNT] = {}, compared = 0;
	for (uint64_t seed = 5'000; seed < 5'400; seed++) {
		_cleanup_(arena_free) struct arena arena = {};
		_cleanup_(policy_set_destroy) struct policy_set *set = nullptr;
		_cleanup_(buffer_free) struct buffer before = {}, after = {};
		struct differential_case drawn;
		assert_ok(differential_draw(&arena, seed, counts, &drawn));
		if (policy_set_parse("p", bytes_of_text(drawn.policies), &set, nullptr) != OK)
			continue;
		_cleanup_(policy_set_destroy) struct policy_set *again = read_again(set);
		assert_ok(policy_set_write_json(set, &before));
		assert_ok(policy_set_write_json(again, &after));
		assert_bytes(buffer_bytes(&before), buffer_bytes(&after));
		compared++;
	}
	assert_true(compared > 300);
}

static void
links_are_written_as_what_they_make(void **) {
	_cleanup_(policy_set_destroy) struct policy_set *set = nullptr;
	struct entity_uid a = fixture_uid("User", "a");
	assert_ok(policy_set_create(nullptr, &set));
	assert_ok(
		policy_set_add(set, "t",
			       bytes_of_text("@id(\"t\") @why(\"x\") permit(principal in ?principal, action, resource) "
					     "when { -(5) < 5 && !(!context[\"a b\"]) };"),
			       nullptr));
	assert_ok(policy_set_link(set, bytes_of_text("t"), bytes_of_text("l\""), &a, nullptr));
	assert_text(set, "@id(\"t\")\n@why(\"x\")\npermit (principal in ?principal, action, resource)\n"
			 "when { -(5) < 5 && !(!context[\"a b\"]) };\n\n"
			 "@why(\"x\")\n@id(\"l\\\"\")\npermit (principal in User::\"a\", action, resource)\n"
			 "when { -(5) < 5 && !(!context[\"a b\"]) };\n");
}

RUN_TESTS(T(what_does_not_depend_on_the_unknown_is_put_in), T(certainty_is_told), T(paths_that_are_none_are_refused),
	  T(what_is_left_decides_as_the_whole_does), T(policies_written_as_text_say_the_same),
	  T(links_are_written_as_what_they_make))
