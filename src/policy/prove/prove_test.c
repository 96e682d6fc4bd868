/* Proofs: what is proved, what is refuted with a request that the evaluator decides so, and what stays unknown. */
#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "policy/fixture.h"
#include "policy/prove.h"

struct fixture {
	struct arena arena;
	struct policy_schema *schema;
	struct policy_set *policies, *invariants;
	struct prove_report report;
};

static void
free_fixture(struct fixture *fixture) {
	policy_set_destroy(&fixture->policies);
	policy_set_destroy(&fixture->invariants);
	policy_schema_destroy(&fixture->schema);
	arena_free(&fixture->arena);
}

static void
prove(struct fixture *fixture, const char *schema, const char *policies, const char *invariants) {
	_cleanup_(policy_diagnostics_free) struct policy_diagnostics diagnostics = {};
	_cleanup_(buffer_free) struct buffer text = {};
	assert_ok(policy_schema_parse("test.cedarschema", bytes_of_text(schema), SCHEMA_CEDAR, &fixture->schema,
				      nullptr));
	fixture->policies = fixture_policies(policies);
	if (prove_invariants_read("test.invariants", bytes_of_text(invariants), fixture->schema, &fixture->invariants,
				  &diagnostics) != OK) {
		policy_diagnostics_print(&diagnostics, &text);
		fail_msg("%.*s", BYTES_ARGS(buffer_bytes(&text)));
	}
	assert_ok(policy_prove(fixture->policies, fixture->schema, fixture->invariants, nullptr, &fixture->arena,
			       &fixture->report));
}

static char *
read_example(struct fixture *fixture, const char *name) {
	char path[512];
	snprintf(path, sizeof path, TEST_SOURCE_ROOT "/examples/%s", name);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	char *text = arena_alloc(&fixture->arena, 1 << 20);
	size_t length = fread(text, 1, (1 << 20) - 1, file);
	fclose(file);
	text[length] = '\0';
	return text;
}

static void
fail_report(const struct fixture *fixture) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct json_writer writer;
	json_writer_start(&writer, &text);
	prove_report_write(&fixture->report, &writer);
	assert_ok(json_writer_finish(&writer));
	fail_msg("%.*s", BYTES_ARGS(buffer_bytes(&text)));
}

static const struct prove_finding *
find(const struct fixture *fixture, const char *subject) {
	for (size_t i = 0; i < fixture->report.finding_count; i++)
		if (bytes_equal_text(fixture->report.findings[i].subject, subject))
			return &fixture->report.findings[i];
	fail_msg("no finding of %s", subject);
	return nullptr;
}

static const char small_schema[] =
	"entity Group; entity Desk in [Desk]; entity User in [Group, Desk] = { level: Long, name?: String } tags Long;"
	"entity Key in [Desk] = { owner: User, state: String };"
	"action sign, read appliesTo { principal: User, resource: Key, context: { amount: Long, votes: Long, "
	"to: Set<String>, memo?: String, source: ipaddr, now: datetime, ratio: decimal, other: User } };";

static void
the_shipped_invariants_are_proved(void **) {
	_cleanup_(free_fixture) struct fixture fixture = {};
	prove(&fixture, read_example(&fixture, "schema.cedarschema"),
	      read_example(&fixture, "firm/policy/policies.cedar"),
	      read_example(&fixture, "firm/policy/invariants.cedar"));
	assert_int_equal(22, fixture.report.finding_count);
	for (size_t i = 0; i < fixture.report.finding_count; i++)
		if (fixture.report.findings[i].verdict != PROVE_PROVED)
			fail_report(&fixture);
}

/* Each row: policies, an invariant named i, and what comes of it. */
static const struct row {
	const char *name, *policies, *invariant;
	enum prove_verdict verdict;
} rows[] = {
	{"a limit that a condition keeps", "permit(principal, action, resource) when { context.amount <= 100 };",
	 "forbid(principal, action, resource) when { context.amount > 100 };", PROVE_PROVED},
	{"a limit that is off by one", "permit(principal, action, resource) when { context.amount <= 101 };",
	 "forbid(principal, action, resource) when { context.amount > 100 };", PROVE_COUNTEREXAMPLE},
	{"a forbid that errs denies",
	 "permit(principal, action, resource); forbid(principal, action, resource) when { "
	 "context.amount * 9223372036854775807 > 5 };",
	 "forbid(principal, action, resource) when { context.amount > 1 };", PROVE_PROVED},
	{"a permit that errs does not permit",
	 "permit(principal, action, resource) when { context.amount + 9223372036854775807 > 5 };",
	 "forbid(principal, action, resource) when { context.amount > 0 };", PROVE_PROVED},
	{"multiplication is exact", "permit(principal, action, resource) when { context.amount * 3 == 12 };",
	 "forbid(principal, action, resource) unless { context.amount == 4 };", PROVE_PROVED},
	{"a hierarchy is transitive",
	 "permit(principal, action, resource) when { principal in Desk::\"a\" && Desk::\"a\" in Desk::\"b\" };",
	 "forbid(principal, action, resource) unless { principal in Desk::\"b\" };", PROVE_PROVED},
	{"a hierarchy has no cycle",
	 "permit(principal, action, resource) when { Desk::\"a\" in Desk::\"b\" && Desk::\"b\" in Desk::\"a\" };",
	 "forbid(principal, action, resource);", PROVE_PROVED},
	{"what is in one group need not be in another",
	 "permit(principal, action, resource) when { principal in Group::\"a\" };",
	 "forbid(principal, action, resource) unless { principal in Group::\"b\" };", PROVE_COUNTEREXAMPLE},
	{"one entity has one attribute",
	 "permit(principal, action, resource) when { principal == resource.owner && resource.owner.level > 3 };",
	 "forbid(principal, action, resource) unless { principal.level > 3 };", PROVE_PROVED},
	{"two entities may differ", "permit(principal, action, resource) when { resource.owner.level > 3 };",
	 "forbid(principal, action, resource) unless { principal.level > 3 };", PROVE_COUNTEREXAMPLE},
	{"tags", "permit(principal, action, resource) when { principal.hasTag(\"l\") && principal.getTag(\"l\") > 2 };",
	 "forbid(principal, action, resource) unless { principal.hasTag(\"l\") && principal.getTag(\"l\") > 1 };",
	 PROVE_PROVED},
	{"a tag that is not asked for",
	 "permit(principal, action, resource) when { principal.hasTag(\"l\") && principal.getTag(\"l\") > 2 };",
	 "forbid(principal, action, resource) when { principal.hasTag(\"m\") };", PROVE_COUNTEREXAMPLE},
	{"sets: what all are in",
	 "permit(principal, action, resource) when { [\"a\", \"b\"].containsAll(context.to) };",
	 "forbid(principal, action, resource) when { context.to.contains(\"c\") };", PROVE_PROVED},
	{"sets: one of them", "permit(principal, action, resource) when { context.to.containsAny([\"a\", \"b\"]) };",
	 "forbid(principal, action, resource) when { context.to.contains(\"c\") };", PROVE_COUNTEREXAMPLE},
	{"sets: the empty one", "permit(principal, action, resource) when { context.to.isEmpty() };",
	 "forbid(principal, action, resource) unless { [\"x\"].containsAll(context.to) };", PROVE_PROVED},
	{"sets: equal to a literal", "permit(principal, action, resource) when { context.to == [\"a\", \"b\"] };",
	 "forbid(principal, action, resource) unless { context.to.contains(\"b\") && !context.to.contains(\"c\") };",
	 PROVE_PROVED},
	{"patterns: a prefix of a prefix", "permit(principal, action, resource) when { resource.state like \"abc*\" };",
	 "forbid(principal, action, resource) unless { resource.state like \"ab*\" };", PROVE_PROVED},
	{"patterns: a suffix says nothing of a prefix",
	 "permit(principal, action, resource) when { resource.state like \"*b\" };",
	 "forbid(principal, action, resource) unless { resource.state like \"ab*\" };", PROVE_COUNTEREXAMPLE},
	{"patterns: only one string is left",
	 "permit(principal, action, resource) when { resource.state like \"a*\" && resource.state like \"*a\" && "
	 "!(resource.state like \"a*a\") };",
	 "forbid(principal, action, resource) unless { resource.state == \"a\" };", PROVE_PROVED},
	{"addresses", "permit(principal, action, resource) when { context.source.isInRange(ip(\"10.1.0.0/16\")) };",
	 "forbid(principal, action, resource) unless { context.source.isInRange(ip(\"10.0.0.0/8\")) };", PROVE_PROVED},
	{"addresses of both versions", "permit(principal, action, resource) when { context.source.isLoopback() };",
	 "forbid(principal, action, resource) unless { context.source.isIpv4() };", PROVE_COUNTEREXAMPLE},
	{"times", "permit(principal, action, resource) when { context.now.toTime() < duration(\"9h\") };",
	 "forbid(principal, action, resource) when { context.now == datetime(\"2026-01-05T09:00:00Z\") };",
	 PROVE_PROVED},
	{"decimals", "permit(principal, action, resource) when { context.ratio.lessThan(decimal(\"0.5\")) };",
	 "forbid(principal, action, resource) when { context.ratio == decimal(\"0.5\") };", PROVE_PROVED},
	{"an optional attribute",
	 "permit(principal, action, resource) when { context has memo && context.memo == \"x\" };",
	 "forbid(principal, action, resource) unless { context has memo };", PROVE_PROVED},
	{"if then else",
	 "permit(principal, action, resource) when { (if context.amount > 10 then context.votes else 7) >= 5 };",
	 "forbid(principal, action, resource) when { context.amount > 10 && context.votes < 5 };", PROVE_PROVED},
	{"what must be permitted is",
	 "permit(principal, action, resource); forbid(principal, action, resource) when { context.amount > 5 };",
	 "permit(principal, action, resource) when { context.amount <= 5 };", PROVE_PROVED},
	{"what must be permitted is not",
	 "permit(principal, action, resource); forbid(principal, action, resource) when { context.amount > 4 };",
	 "permit(principal, action, resource) when { context.amount <= 5 };", PROVE_COUNTEREXAMPLE},
	{"an entity that is not there has nothing",
	 "permit(principal, action, resource) when { context.other has level };",
	 "forbid(principal, action, resource) unless { context.other.level < 5 || context.other.level >= 5 };",
	 PROVE_PROVED},
};

static void
each_row_is_proved_or_refuted(void **) {
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		_cleanup_(free_fixture) struct fixture fixture = {};
		_cleanup_(buffer_free) struct buffer invariant = {};
		buffer_append_format(&invariant, "@id(\"i\") %s%c", rows[i].invariant, 0);
		prove(&fixture, small_schema, rows[i].policies, (const char *)invariant.data);
		if (find(&fixture, "i")->verdict != rows[i].verdict) {
			print_error("%s\n", rows[i].name);
			fail_report(&fixture);
		}
	}
}

static void
a_counterexample_is_a_request_that_the_evaluator_permits(void **) {
	_cleanup_(free_fixture) struct fixture fixture = {};
	prove(&fixture, small_schema,
	      "@id(\"p\") permit(principal in Group::\"a\", action, resource) when { context.amount <= 500 };",
	      "@id(\"i\") forbid(principal, action == Action::\"sign\", resource) when { context.amount > 499 };");
	const struct prove_witness *witness = find(&fixture, "i")->witness;
	assert_non_null(witness);
	assert_int_equal(500, value_record_get(witness->request.context, BYTES_OF_LITERAL("amount"))->integer);
	assert_int_equal(POLICY_ALLOW, witness->decision);
	assert_int_equal(1, witness->reason_count);
	assert_bytes(BYTES_OF_LITERAL("p"), witness->reasons[0]);
}

/* --- What is not known --- */

static const char record_schema[] = "entity P; action sign appliesTo { principal: P, resource: P, context: "
				    "{ n: Long, m: Long, pairs: Set<{x: Long}> } };";

static void
a_construct_that_terms_cannot_say_is_unknown_by_name_where_it_matters(void **) {
	static const struct {
		const char *policies;
		enum prove_verdict verdict;
	} cases[] = {
		{"permit(principal, action, resource) when { context.pairs.contains({x: 1}) };", PROVE_UNKNOWN},
		{"permit(principal, action, resource) when { context.pairs.contains({x: 1}) && context.n < 3 };",
		 PROVE_PROVED},
		{"permit(principal, action, resource) when { !context.pairs.contains({x: 1}) };", PROVE_COUNTEREXAMPLE},
		{"permit(principal, action, resource); forbid(principal, action, resource) when { "
		 "!(context.pairs.isEmpty()) };",
		 PROVE_COUNTEREXAMPLE},
		{"permit(principal, action, resource); forbid(principal, action, resource) when { context.pairs == "
		 "[{x: 2}] ||"
		 " context.pairs.isEmpty() };",
		 PROVE_UNKNOWN},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(free_fixture) struct fixture fixture = {};
		prove(&fixture, record_schema, cases[i].policies,
		      "@id(\"i\") forbid(principal, action, resource) when { context.n > 5 };");
		const struct prove_finding *finding = find(&fixture, "i");
		if (finding->verdict != cases[i].verdict)
			fail_msg("%s: %s", cases[i].policies, prove_verdict_name(finding->verdict));
		static const char reason[] =
			"prove.unsupported: a set whose elements are sets or records (test.cedar:1:";
		if (finding->verdict == PROVE_UNKNOWN)
			assert_memory_equal(reason, finding->reason, sizeof reason - 1);
	}
}

/* A group or a fact that the schema does not know may be there all the same. */
static void
what_a_context_holds_beside_its_schema_is_not_taken_for_absent(void **) {
	static const struct {
		const char *policies, *reason;
	} cases[] = {
		{"permit(principal, action, resource) when { context has extra };",
		 "prove.unsupported: an attribute of the context that the schema does not have (test.cedar:1:"},
		{"permit(principal, action, resource) when { context.votes has c && context.votes.c > 1 };",
		 "prove.unsupported: an attribute of the context that the schema does not have (test.cedar:1:"},
		{"permit(principal, action, resource); forbid(principal, action, resource) unless {"
		 " context has n && context.n == 1 || !(context.votes == {a: 1, b: 2}) };",
		 nullptr},
		{"permit(principal, action, resource); forbid(principal, action, resource) when { !(context.votes == "
		 "{a: 1, b: 2}) ||"
		 " context.votes == {a: 1, b: 2} };",
		 "prove.unsupported: a comparison of whole records of the context (test.cedar:1:"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(free_fixture) struct fixture fixture = {};
		prove(&fixture,
		      "entity P; action sign appliesTo { principal: P, resource: P, context: { n: Long, votes: { a: "
		      "Long, b: Long } } };",
		      cases[i].policies, "@id(\"i\") forbid(principal, action, resource) when { context.n > 5 };");
		const struct prove_finding *finding = find(&fixture, "i");
		if (cases[i].reason == nullptr) {
			assert_int_equal(PROVE_COUNTEREXAMPLE, finding->verdict);
			continue;
		}
		assert_int_equal(PROVE_UNKNOWN, finding->verdict);
		assert_memory_equal(cases[i].reason, finding->reason, strlen(cases[i].reason));
	}
}

static void
a_question_that_takes_too_much_effort_is_unknown(void **) {
	_cleanup_(free_fixture) struct fixture fixture = {};
	const struct prove_options options = {.effort = 100'000};
	prove(&fixture, record_schema, "permit(principal, action, resource) when { context.n == 1 };",
	      "@id(\"i\") forbid(principal, action, resource) when { context.n > 5 };");
	policy_set_destroy(&fixture.policies);
	fixture.policies =
		fixture_policies("permit(principal, action, resource) when { context.n > 5 && context.m > 5 && "
				 "context.n * context.m == 1000000016000000063 };");
	assert_ok(policy_prove(fixture.policies, fixture.schema, fixture.invariants, &options, &fixture.arena,
			       &fixture.report));
	assert_int_equal(PROVE_UNKNOWN, find(&fixture, "i")->verdict);
	static const char reason[] = "prove.effort: ";
	assert_memory_equal(reason, find(&fixture, "i")->reason, sizeof reason - 1);
}

/* --- Comparing --- */

struct pair {
	struct fixture fixture;
	struct policy_set *old;
};

static void
free_pair(struct pair *pair) {
	policy_set_destroy(&pair->old);
	free_fixture(&pair->fixture);
}

static void
read_pair(struct pair *pair, const char *old, const char *new) {
	assert_ok(policy_schema_parse("test.cedarschema", bytes_of_text(small_schema), SCHEMA_CEDAR,
				      &pair->fixture.schema, nullptr));
	pair->old = fixture_policies(old);
	pair->fixture.policies = fixture_policies(new);
}

static const struct prove_finding *
find_check(const struct prove_report *report, const char *check, const char *subject) {
	for (size_t i = 0; i < report->finding_count; i++)
		if (strcmp(report->findings[i].check, check) == 0 &&
		    bytes_equal_text(report->findings[i].subject, subject))
			return &report->findings[i];
	fail_msg("no finding %s of %s", check, subject);
	return nullptr;
}

static const struct {
	const char *old, *new;
	enum prove_verdict newly_permitted, newly_denied, both_permit; /* for signing */
} pairs[] = {
	{"permit(principal, action, resource) when { context.amount < 5 };",
	 "permit(principal, action, resource) when { !(context.amount >= 5) };", PROVE_PROVED, PROVE_PROVED,
	 PROVE_COUNTEREXAMPLE},
	{"permit(principal, action, resource) when { context.amount < 5 };",
	 "permit(principal, action, resource) when { context.amount < 6 };", PROVE_COUNTEREXAMPLE, PROVE_PROVED,
	 PROVE_COUNTEREXAMPLE},
	{"permit(principal, action, resource);",
	 "permit(principal, action, resource); forbid(principal in Group::\"x\", action, resource);", PROVE_PROVED,
	 PROVE_COUNTEREXAMPLE, PROVE_COUNTEREXAMPLE},
	{"permit(principal, action, resource) when { context.amount < 5 };",
	 "permit(principal, action, resource) when { context.amount > 5 };", PROVE_COUNTEREXAMPLE, PROVE_COUNTEREXAMPLE,
	 PROVE_PROVED},
	{"permit(principal, action == Action::\"read\", resource);",
	 "permit(principal, action == Action::\"sign\", resource);", PROVE_COUNTEREXAMPLE, PROVE_PROVED, PROVE_PROVED},
	/* A sum that cannot be computed permits nothing. */
	{"permit(principal, action, resource) when { context.amount + 9223372036854775807 > 0 };",
	 "permit(principal, action, resource) when { context.amount <= 0 && context.amount > -9007199254740991 };",
	 PROVE_PROVED, PROVE_COUNTEREXAMPLE, PROVE_COUNTEREXAMPLE},
};

static void
two_sets_are_compared_in_each_environment(void **) {
	for (size_t i = 0; i < ARRAY_LENGTH(pairs); i++) {
		_cleanup_(free_pair) struct pair pair = {};
		struct prove_report report, both;
		static const char sign[] = "User Action::\"sign\" Key";
		read_pair(&pair, pairs[i].old, pairs[i].new);
		assert_ok(policy_compare(pair.old, pair.fixture.policies, pair.fixture.schema, nullptr,
					 &pair.fixture.arena, &report));
		assert_int_equal(4, report.finding_count);
		const struct prove_finding *permitted = find_check(&report, "newly_permitted", sign);
		const struct prove_finding *denied = find_check(&report, "newly_denied", sign);
		if (permitted->verdict != pairs[i].newly_permitted || denied->verdict != pairs[i].newly_denied)
			fail_msg("pair %zu: %s, %s", i, prove_verdict_name(permitted->verdict),
				 prove_verdict_name(denied->verdict));
		assert_true((permitted->witness != nullptr) == (permitted->verdict == PROVE_COUNTEREXAMPLE));
		assert_true(permitted->witness == nullptr || permitted->witness->decision == POLICY_ALLOW);
		assert_true(denied->witness == nullptr || denied->witness->decision == POLICY_DENY);
		assert_ok(policy_disjoint(pair.old, pair.fixture.policies, pair.fixture.schema, nullptr,
					  &pair.fixture.arena, &both));
		assert_int_equal(pairs[i].both_permit, find_check(&both, "both_permit", sign)->verdict);
	}
}

/* --- Single policies --- */

static const struct {
	const char *policy;
	bool can_fail, is_dead, is_shadowed;
} singles[] = {
	{"permit(principal, action, resource) when { context.amount < 5 };", false, false, false},
	{"permit(principal, action, resource) when { context.amount < 5 && context.votes > 3 };", false, false, true},
	{"permit(principal, action, resource) when { context.amount < 4 && context.amount > 4 };", false, true, true},
	{"permit(principal, action, resource) when { context.votes * context.votes > 1000 };", true, false, false},
	{"permit(principal, action, resource) when { context.votes * 1024 > 1000 };", false, false, false},
	{"forbid(principal, action, resource) when { context.votes == 77 };", false, false, false},
	{"forbid(principal, action, resource) when { context.votes == 77 && context.amount == 1 };", false, false,
	 true},
	/* Never satisfied; but it denies where the entity is not there. */
	{"forbid(principal, action, resource) when { context.other.level > 3 && !(context.other has level) };", false,
	 true, false},
	{"permit(principal, action, resource) when { resource.owner.level > 3 };", false, false, false},
};

static void
each_policy_is_told_what_it_is_good_for(void **) {
	_cleanup_(free_fixture) struct fixture fixture = {};
	_cleanup_(buffer_free) struct buffer text = {};
	struct prove_report report;
	for (size_t i = 0; i < ARRAY_LENGTH(singles); i++)
		buffer_append_text(&text, singles[i].policy);
	buffer_append_byte(&text, 0);
	assert_ok(policy_schema_parse("s", bytes_of_text(small_schema), SCHEMA_CEDAR, &fixture.schema, nullptr));
	fixture.policies = fixture_policies((const char *)text.data);
	assert_ok(policy_check_each(fixture.policies, fixture.schema, nullptr, &fixture.arena, &report));
	for (size_t i = 0; i < ARRAY_LENGTH(singles); i++) {
		char id[32];
		snprintf(id, sizeof id, "policy%zu", i);
		enum prove_verdict failing = find_check(&report, "never_errors", id)->verdict,
				   dead = find_check(&report, "dead", id)->verdict,
				   shadowed = find_check(&report, "shadowed", id)->verdict;
		if (failing != (singles[i].can_fail ? PROVE_COUNTEREXAMPLE : PROVE_PROVED) ||
		    dead != (singles[i].is_dead ? PROVE_PROVED : PROVE_COUNTEREXAMPLE) ||
		    shadowed != (singles[i].is_shadowed ? PROVE_PROVED : PROVE_COUNTEREXAMPLE))
			fail_msg("%s: never_errors %s, dead %s, shadowed %s", singles[i].policy,
				 prove_verdict_name(failing), prove_verdict_name(dead), prove_verdict_name(shadowed));
	}
}

/* --- A hostile gateway --- */

static void
what_a_hostile_gateway_reports_is_no_proof(void **) {
	static const char zoned[] = "entity P; entity K; action sign appliesTo { principal: P, resource: K, context: "
				    "{ zone: { mismatch: Bool, registered: Bool } } };";
	static const char invariants[] =
		"@id(\"seen\") forbid(principal, action, resource) when { context.zone.mismatch };"
		"@id(\"own\") forbid(principal, action, resource) unless { context.zone.registered };";
	for (int hostile = 0; hostile < 2; hostile++) {
		_cleanup_(free_fixture) struct fixture fixture = {};
		const struct prove_options options = {.gateway_hostile = hostile};
		prove(&fixture, zoned,
		      "permit(principal, action, resource) when { context.zone.registered };"
		      "forbid(principal, action, resource) when { context.zone.mismatch };",
		      invariants);
		assert_ok(policy_prove(fixture.policies, fixture.schema, fixture.invariants, &options, &fixture.arena,
				       &fixture.report));
		const struct prove_finding *seen = find(&fixture, "seen");
		assert_int_equal(hostile ? PROVE_COUNTEREXAMPLE : PROVE_PROVED, seen->verdict);
		assert_int_equal(PROVE_PROVED, find(&fixture, "own")->verdict);
		if (!hostile)
			continue;
		const struct value *zone = value_record_get(seen->witness->truth, BYTES_OF_LITERAL("zone"));
		assert_true(value_record_get(zone, BYTES_OF_LITERAL("mismatch"))->boolean);
		zone = value_record_get(seen->witness->request.context, BYTES_OF_LITERAL("zone"));
		assert_false(value_record_get(zone, BYTES_OF_LITERAL("mismatch"))->boolean);
	}
}

/* --- Files of invariants that are refused --- */

static const struct {
	const char *text, *message;
} bad_invariants[] = {
	{"forbid(principal, action, resource);",
	 "invariant.id: i:1:1: an invariant needs an @id, by which proofs speak of it"},
	{"@id(\"\") forbid(principal, action, resource);",
	 "invariant.id: i:1:9: an invariant needs an @id, by which proofs speak of it"},
	{"@id(\"a\") @reasons(\"x\") forbid(principal, action, resource);",
	 "invariant.annotation: i:1:24: expected @id, @reason or @assume, found @reasons"},
	{"@id(\"a\") @reason forbid(principal, action, resource);",
	 "invariant.sentence: i:1:18: @reason is to hold a sentence"},
	{"@id(\"a\") @assume(\"x\") permit(principal, action, resource);",
	 "invariant.assume: i:1:23: an assumption is a forbid: it says which requests do not occur"},
	{"@id(\"a\") forbid(principal == ?principal, action, resource);",
	 "invariant.template: i:1:10: an invariant has no slots"},
	{"@id(\"a\") forbid(principal, action, resource);\n@id(\"a\") forbid(principal, action, resource);",
	 "policy.duplicate_id: i:2:10: the id \"a\" is taken by the policy at i:1:10"},
	{"@id(\"a\") never(principal, action, resource);",
	 "policy.effect: i:1:10: expected `permit` or `forbid`, found `never`"},
	{"@id(\"a\") forbid(principal, action, resource) when { context.amonut > 1 };", "validate.attribute: i:1:53: "},
	{"@id(\"a\") forbid(principal, action, resource) when { context.memo == \"x\" };",
	 "validate.optional_attribute: i:1:53: the attribute memo is optional: expected a `has` before"},
	{"@id(\"a\") forbid(principal, action, resource) when { context.amount };", "validate.type: i:1:53: "},
	{"@id(\"a\") forbid(principal, action == Action::\"sing\", resource);", "validate.unknown_action: i:1:28: "},
	{"@id(\"a\") forbid(principal is Key, action == Action::\"sign\", resource);",
	 "validate.inapplicable: i:1:10: no action applies to what the scope asks for"},
	{"@id(\"a\") forbid(principal, action, resource) when { ip(\"10.0.0\").isIpv4() };",
	 "validate.extension_value: i:1:56: "},
	{"@id(\"a\") forbid(principal, action, resource", "policy.unexpected_end: i:1:44: "},
};

static void
bad_invariants_are_refused_with_line_and_column(void **) {
	_cleanup_(policy_schema_destroy) struct policy_schema *schema = nullptr;
	assert_ok(policy_schema_parse("s", bytes_of_text(small_schema), SCHEMA_CEDAR, &schema, nullptr));
	for (size_t i = 0; i < ARRAY_LENGTH(bad_invariants); i++) {
		_cleanup_(policy_set_destroy) struct policy_set *set = nullptr;
		enum status status =
			prove_invariants_read("i", bytes_of_text(bad_invariants[i].text), schema, &set, nullptr);
		if (status != STATUS_INVALID ||
		    strncmp(bad_invariants[i].message, fail_message(), strlen(bad_invariants[i].message)) != 0)
			fail_msg("%s\nexpected %s\nfound    %s", bad_invariants[i].text, bad_invariants[i].message,
				 status == OK ? "nothing wrong" : fail_message());
	}
}

int
main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_shipped_invariants_are_proved),
		cmocka_unit_test(each_row_is_proved_or_refuted),
		cmocka_unit_test(a_counterexample_is_a_request_that_the_evaluator_permits),
		cmocka_unit_test(a_construct_that_terms_cannot_say_is_unknown_by_name_where_it_matters),
		cmocka_unit_test(what_a_context_holds_beside_its_schema_is_not_taken_for_absent),
		cmocka_unit_test(a_question_that_takes_too_much_effort_is_unknown),
		cmocka_unit_test(two_sets_are_compared_in_each_environment),
		cmocka_unit_test(each_policy_is_told_what_it_is_good_for),
		cmocka_unit_test(what_a_hostile_gateway_reports_is_no_proof),
		cmocka_unit_test(bad_invariants_are_refused_with_line_and_column),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
