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
	prove(&fixture, read_example(&fixture, "schema.cedarschema"), read_example(&fixture, "firm/policy/policies.cedar"),
	      read_example(&fixture, "firm/policy/invariants.cedar"));
	assert_int_equal(13, fixture.report.finding_count);
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

int
main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_shipped_invariants_are_proved),
		cmocka_unit_test(each_row_is_proved_or_refuted),
		cmocka_unit_test(a_counterexample_is_a_request_that_the_evaluator_permits),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
