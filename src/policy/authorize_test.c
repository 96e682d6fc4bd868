#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "policy/fixture.h"

static const struct policy_options plain = {}, strict = {.strict = true};

struct fixture {
	struct policy_set *set;
	struct policy_entities *entities;
	struct arena arena;
	struct value context;
	struct policy_request request;
	struct policy_result result;
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
	fixture->entities =
		fixture_entities("[{\"uid\":{\"type\":\"Action\",\"id\":\"sign\"},\"attrs\":{},\"parents\":"
				 "[{\"type\":\"Action\",\"id\":\"any\"},{\"type\":\"Action\",\"id\":\"all\"}]}]");
	fixture->context = fixture_record(&fixture->arena, context);
	fixture->request = (struct policy_request){
		.principal = fixture_uid("User", "a"),
		.action = fixture_uid("Action", "sign"),
		.resource = fixture_uid("Key", "k"),
		.context = &fixture->context,
	};
}

static void
decide(struct fixture *fixture, struct policy_options options) {
	assert_ok(policy_decide(fixture->set, fixture->entities, &fixture->request, options, &fixture->arena,
				&fixture->result));
}

static void
assert_reasons(const struct fixture *fixture, enum policy_decision decision, const char *expected) {
	char found[256] = "";
	assert_int_equal(fixture->result.decision, decision);
	for (size_t i = 0; i < fixture->result.reason_count; i++) {
		struct policy_view view;
		policy_set_view(fixture->set, fixture->result.reasons[i], &view);
		snprintf(found + strlen(found), sizeof found - strlen(found), "%s%.*s", i == 0 ? "" : " ",
			 BYTES_ARGS(view.id));
	}
	assert_string_equal(found, expected);
}

static void
nothing_is_permitted_without_a_permit(void **) {
	_cleanup_(free_fixture) struct fixture fixture = {};
	start(&fixture, "permit(principal, action, resource) when { false };", "{}");
	decide(&fixture, strict);
	assert_reasons(&fixture, POLICY_DENY, "");
	assert_false(fixture.result.denied_by_error);
}

static void
every_satisfied_permit_is_a_reason(void **) {
	_cleanup_(free_fixture) struct fixture fixture = {};
	start(&fixture,
	      "permit(principal, action, resource); permit(principal == User::\"b\", action, resource);"
	      "@id(\"named\") permit(principal == User::\"a\", action, resource);"
	      "permit(principal, action in [Action::\"any\", Action::\"all\", Action::\"sign\"], resource);",
	      "{}");
	decide(&fixture, strict);
	assert_reasons(&fixture, POLICY_ALLOW, "policy0 named policy3");
}

static void
one_satisfied_forbid_outweighs_every_permit(void **) {
	_cleanup_(free_fixture) struct fixture fixture = {};
	start(&fixture,
	      "permit(principal, action, resource); forbid(principal, action, resource is Key);"
	      "forbid(principal, action, resource) unless { false }; forbid(principal, action, resource) when { false "
	      "};",
	      "{}");
	decide(&fixture, strict);
	assert_reasons(&fixture, POLICY_DENY, "policy1 policy2");
}

static const char erring_forbid[] = "permit(principal, action, resource);\n"
				    "forbid(principal, action, resource)\n  when { context.risk.score > 5 };";

static void
an_erring_forbid_is_left_out_by_the_language(void **) {
	_cleanup_(free_fixture) struct fixture fixture = {};
	start(&fixture, erring_forbid, "{\"risk\":{}}");
	decide(&fixture, plain);
	assert_reasons(&fixture, POLICY_ALLOW, "policy0");
	assert_int_equal(fixture.result.error_count, 1);
	assert_int_equal(fixture.result.errors[0].policy, 1);
	assert_string_equal(fixture.result.errors[0].name, "evaluate.attribute");
	assert_string_equal(fixture.result.errors[0].message, "the record has no attribute score");
	assert_int_equal(fixture.result.errors[0].line, 3);
	assert_int_equal(fixture.result.errors[0].column, 10);
}

static void
an_erring_forbid_denies_in_strict_mode(void **) {
	_cleanup_(free_fixture) struct fixture fixture = {};
	start(&fixture, erring_forbid, "{}");
	decide(&fixture, strict);
	assert_reasons(&fixture, POLICY_DENY, "");
	assert_true(fixture.result.denied_by_error);
	assert_int_equal(fixture.result.error_count, 1);
}

static void
an_erring_forbid_beside_a_satisfied_one_changes_no_reason(void **) {
	_cleanup_(free_fixture) struct fixture fixture = {};
	start(&fixture, "forbid(principal, action, resource) when { context.x }; forbid(principal, action, resource);",
	      "{}");
	decide(&fixture, strict);
	assert_reasons(&fixture, POLICY_DENY, "policy1");
	assert_false(fixture.result.denied_by_error);
	assert_int_equal(fixture.result.error_count, 1);
}

static void
an_erring_permit_permits_nothing_and_forbids_nothing(void **) {
	_cleanup_(free_fixture) struct fixture fixture = {};
	start(&fixture, "permit(principal, action, resource) when { 1 }; permit(principal, action, resource);", "{}");
	decide(&fixture, strict);
	assert_reasons(&fixture, POLICY_ALLOW, "policy1");
	assert_int_equal(fixture.result.error_count, 1);
	assert_string_equal(fixture.result.errors[0].name, "evaluate.type");
}

static void
conditions_stop_at_the_first_that_does_not_hold(void **) {
	_cleanup_(free_fixture) struct fixture fixture = {};
	start(&fixture, "permit(principal, action, resource) when { false } when { context.nothing };", "{}");
	decide(&fixture, plain);
	assert_int_equal(fixture.result.error_count, 0);
}

static void
a_scope_that_differs_hides_the_error_of_a_condition(void **) {
	_cleanup_(free_fixture) struct fixture fixture = {};
	start(&fixture,
	      "forbid(principal == User::\"b\", action, resource) when { context.nothing };"
	      "forbid(principal is Robot, action, resource) when { context.nothing };"
	      "forbid(principal, action == Action::\"any\", resource) when { context.nothing };"
	      "permit(principal, action in Action::\"any\", resource in Key::\"k\");",
	      "{}");
	decide(&fixture, strict);
	assert_reasons(&fixture, POLICY_ALLOW, "policy3");
	assert_int_equal(fixture.result.error_count, 0);
}

static void
a_context_must_be_a_record(void **) {
	_cleanup_(free_fixture) struct fixture fixture = {};
	start(&fixture, "permit(principal, action, resource);", "{}");
	fixture.context = value_long(1);
	assert_fails(
		STATUS_INVALID, "policy.context",
		policy_decide(fixture.set, fixture.entities, &fixture.request, plain, &fixture.arena, &fixture.result));
	fixture.request.context = nullptr;
	decide(&fixture, strict);
	assert_reasons(&fixture, POLICY_ALLOW, "policy0");
}

static void
explanations_tell_what_each_policy_said(void **) {
	_cleanup_(free_fixture) struct fixture fixture = {};
	start(&fixture,
	      "permit(principal, action, resource);\n"
	      "permit(principal == User::\"b\", action, resource);\n"
	      "@note(\"x\")\npermit(principal, action, resource)\n  when { true }\n  unless { true };\n"
	      "forbid(principal, action, resource) when { 1 + context.none == 2 };\n",
	      "{}");
	const struct policy_explanation *rows;
	assert_ok(policy_explain(fixture.set, fixture.entities, &fixture.request, &fixture.arena, &rows));
	static const struct {
		enum policy_outcome outcome;
		size_t line, column;
		const char *name;
	} expected[] = {
		{POLICY_SATISFIED, 1, 1, "satisfied"},
		{POLICY_SCOPE_DIFFERS, 2, 1, "scope"},
		{POLICY_CONDITION_DIFFERS, 6, 3, "condition"},
		{POLICY_ERRORED, 7, 1, "error"},
	};
	assert_int_equal(policy_set_count(fixture.set), ARRAY_LENGTH(expected));
	for (size_t i = 0; i < ARRAY_LENGTH(expected); i++) {
		assert_int_equal(rows[i].policy, i);
		assert_int_equal(rows[i].outcome, expected[i].outcome);
		assert_int_equal(rows[i].line, expected[i].line);
		assert_int_equal(rows[i].column, expected[i].column);
		assert_string_equal(policy_outcome_name(rows[i].outcome), expected[i].name);
	}
	assert_string_equal(rows[3].error->name, "evaluate.attribute");
	assert_int_equal(rows[3].error->line, 7);
	assert_int_equal(rows[3].error->column, 48);
}

static void
templates_decide_only_as_links(void **) {
	_cleanup_(free_fixture) struct fixture fixture = {};
	_cleanup_(policy_set_destroy) struct policy_set *set = nullptr;
	struct entity_uid a = fixture_uid("User", "a"), k = fixture_uid("Key", "k"), b = fixture_uid("User", "b");
	struct entity_uid nonsense = fixture_uid("not a type", "b");
	start(&fixture, "", "{}");
	assert_ok(policy_set_create(nullptr, &set));
	assert_ok(policy_set_add(
		set, "t.cedar",
		bytes_of_text("@id(\"t\") permit(principal == ?principal, action, resource in ?resource);"
			      "@id(\"s\") permit(principal, action, resource) when { false };"),
		nullptr));
	struct bytes t = BYTES_OF_LITERAL("t"), s = BYTES_OF_LITERAL("s"), l1 = BYTES_OF_LITERAL("l1");
	struct bytes l2 = BYTES_OF_LITERAL("l2");
	assert_fails(STATUS_NOT_FOUND, "policy.link_template", policy_set_link(set, l1, l2, &a, &k));
	assert_fails(STATUS_NOT_FOUND, "policy.link_template", policy_set_link(set, s, l2, nullptr, nullptr));
	assert_fails(STATUS_INVALID, "policy.link_slot", policy_set_link(set, t, l1, &a, nullptr));
	assert_fails(STATUS_INVALID, "policy.link_slot", policy_set_link(set, t, l1, nullptr, &k));
	assert_fails(STATUS_INVALID, "policy.link_type", policy_set_link(set, t, l1, &nonsense, &k));
	assert_fails(STATUS_CONFLICT, "policy.duplicate_id", policy_set_link(set, t, s, &a, &k));
	assert_ok(policy_set_link(set, t, l2, &b, &k));
	assert_ok(policy_set_link(set, t, l1, &a, &k));
	assert_fails(STATUS_CONFLICT, "policy.duplicate_id", policy_set_link(set, t, l1, &a, &k));
	assert_fails(STATUS_INTERNAL, "policy.unsealed",
		     policy_decide(set, fixture.entities, &fixture.request, plain, &fixture.arena, &fixture.result));
	assert_ok(policy_set_seal(set));
	assert_fails(STATUS_INTERNAL, "policy.sealed", policy_set_link(set, t, BYTES_OF_LITERAL("l3"), &a, &k));
	assert_fails(STATUS_INTERNAL, "policy.sealed", policy_set_add(set, "x", BYTES_OF_LITERAL(""), nullptr));
	assert_int_equal(policy_set_template_count(set), 1);
	assert_int_equal(policy_set_count(set), 3);
	policy_set_destroy(&fixture.set);
	fixture.set = TAKE(set);
	decide(&fixture, strict);
	assert_reasons(&fixture, POLICY_ALLOW, "l1");
}

static void
ids_go_on_counting_over_several_texts(void **) {
	_cleanup_(policy_set_destroy) struct policy_set *set = nullptr;
	struct bytes text = BYTES_OF_LITERAL("permit(principal, action, resource);"
					     "@id(\"x\") permit(principal in ?principal, action, resource);");
	struct policy_view view;
	assert_ok(policy_set_create(&(struct policy_set_options){.number_all = true}, &set));
	assert_ok(policy_set_add(set, "a.cedar", text, nullptr));
	assert_ok(policy_set_add(set, "b.cedar", text, nullptr));
	assert_ok(policy_set_seal(set));
	assert_int_equal(policy_set_count(set), 2);
	policy_set_view(set, 1, &view);
	assert_bytes(bytes_of_text("policy2"), view.id);
	assert_string_equal(view.file, "b.cedar");
}

static uint32_t random_state = 777;

static uint32_t
random_below(uint32_t limit) {
	random_state = random_state * 1'664'525 + 1'013'904'223;
	return (random_state >> 8) % limit;
}

static void
append_scope(struct buffer *text, const char *variable, const char *type) {
	buffer_append_text(text, variable);
	switch (random_below(7)) {
	case 3:
		if (strcmp(type, "Action") != 0)
			buffer_append_format(text, " is %s", random_below(4) == 0 ? "Robot" : type);
		break;
	case 0:
		buffer_append_format(text, " == %s::\"%u\"", type, random_below(6));
		break;
	case 1:
		buffer_append_format(text, " in %s::\"%u\"", type, random_below(6));
		break;
	case 2:
		if (strcmp(type, "Action") == 0)
			buffer_append_format(text, " in [Action::\"%u\", Action::\"%u\", Action::\"%u\"]",
					     random_below(3), random_below(3), random_below(6));
		else
			buffer_append_format(text, " is %s in %s::\"%u\"", type, type, random_below(6));
		break;
	default:
		break;
	}
}

/* The index leaves out only what differs in scope: each policy alone, and all of them in order, agree. */
static void
the_index_loses_no_policy(void **) {
	static const char *const types[] = {"User", "Action", "Key"};
	for (size_t round = 0; round < 200; round++) {
		_cleanup_(free_fixture) struct fixture fixture = {};
		_cleanup_(buffer_free) struct buffer policies = {};
		for (uint32_t i = 12 + random_below(40); i > 0; i--) {
			buffer_append_text(&policies, random_below(8) == 0 ? "forbid(" : "permit(");
			append_scope(&policies, "principal", "User");
			buffer_append_text(&policies, ", ");
			append_scope(&policies, "action", "Action");
			buffer_append_text(&policies, ", ");
			append_scope(&policies, "resource", "Key");
			buffer_append_text(&policies, random_below(5) == 0 ? ") when { context.none };\n" : ");\n");
		}
		buffer_append_byte(&policies, 0);
		start(&fixture, (const char *)policies.data, "{}");
		for (size_t type = 0; type < 3; type++)
			for (uint32_t i = 0; i < 6; i++) {
				char id[4], parent_ids[2][4];
				struct entity_uid parents[2];
				size_t count = i == 0 ? 0 : random_below(3);
				snprintf(id, sizeof id, "%u", i);
				for (size_t j = 0; j < count; j++) {
					snprintf(parent_ids[j], sizeof parent_ids[j], "%u", random_below(i));
					parents[j] = fixture_uid(types[type], parent_ids[j]);
				}
				struct policy_entity entity = {
					.uid = fixture_uid(types[type], id), .parents = parents, .parent_count = count};
				assert_ok(policy_entities_put(fixture.entities, &entity));
			}
		assert_ok(policy_entities_seal(fixture.entities));
		for (size_t query = 0; query < 20; query++) {
			char ids[3][4];
			for (size_t i = 0; i < 3; i++)
				snprintf(ids[i], sizeof ids[i], "%u", random_below(7));
			fixture.request.principal = fixture_uid("User", ids[0]);
			fixture.request.action = fixture_uid("Action", ids[1]);
			fixture.request.resource = fixture_uid("Key", ids[2]);
			decide(&fixture, plain);
			const struct policy_explanation *rows;
			assert_ok(
				policy_explain(fixture.set, fixture.entities, &fixture.request, &fixture.arena, &rows));
			size_t satisfied[2] = {}, errors = 0, reason = 0;
			for (size_t i = 0; i < policy_set_count(fixture.set); i++) {
				struct policy_view view;
				policy_set_view(fixture.set, i, &view);
				satisfied[view.effect] += rows[i].outcome == POLICY_SATISFIED;
				if (rows[i].outcome == POLICY_ERRORED)
					assert_int_equal(fixture.result.errors[errors++].policy, i);
			}
			enum policy_effect deciding = satisfied[POLICY_FORBID] > 0 ? POLICY_FORBID : POLICY_PERMIT;
			assert_int_equal(errors, fixture.result.error_count);
			assert_int_equal(satisfied[deciding], fixture.result.reason_count);
			for (size_t i = 0; i < policy_set_count(fixture.set); i++) {
				struct policy_view view;
				policy_set_view(fixture.set, i, &view);
				if (rows[i].outcome == POLICY_SATISFIED && view.effect == deciding)
					assert_int_equal(fixture.result.reasons[reason++], i);
			}
			assert_int_equal(fixture.result.decision, deciding == POLICY_PERMIT && satisfied[deciding] > 0
									  ? POLICY_ALLOW
									  : POLICY_DENY);
			size_t reasons = fixture.result.reason_count;
			decide(&fixture, (struct policy_options){.look_at_all = true});
			assert_int_equal(fixture.result.reason_count, reasons);
			assert_int_equal(fixture.result.error_count, errors);
		}
	}
}

RUN_TESTS(T(nothing_is_permitted_without_a_permit), T(every_satisfied_permit_is_a_reason),
	  T(one_satisfied_forbid_outweighs_every_permit), T(an_erring_forbid_is_left_out_by_the_language),
	  T(an_erring_forbid_denies_in_strict_mode), T(an_erring_forbid_beside_a_satisfied_one_changes_no_reason),
	  T(an_erring_permit_permits_nothing_and_forbids_nothing), T(conditions_stop_at_the_first_that_does_not_hold),
	  T(a_scope_that_differs_hides_the_error_of_a_condition), T(a_context_must_be_a_record),
	  T(explanations_tell_what_each_policy_said), T(templates_decide_only_as_links),
	  T(ids_go_on_counting_over_several_texts), T(the_index_loses_no_policy))
