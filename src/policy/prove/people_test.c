/* Which people can do it together: as counted over every subset of them. */
#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "policy/fixture.h"
#include "policy/prove.h"

static const char schema_text[] =
	"entity Group; entity Person in [Group]; entity Key; action sign appliesTo { principal: Person, resource: Key, "
	"context: {"
	"  transfer: { usd_cents?: Long }, spent: Long,"
	"  approvals: { group: { a: Long, b: Long, c: Long }, independent: Long, total: Long } } };";

static const char entities_text[] =
	"[{\"uid\":{\"type\":\"Person\",\"id\":\"1\"},\"attrs\":{},\"parents\":[{\"type\":\"Group\",\"id\":\"a\"}]},"
	"{\"uid\":{\"type\":\"Person\",\"id\":\"2\"},\"attrs\":{},\"parents\":[{\"type\":\"Group\",\"id\":\"a\"}]},"
	"{\"uid\":{\"type\":\"Person\",\"id\":\"3\"},\"attrs\":{},\"parents\":[{\"type\":\"Group\",\"id\":\"a\"},{"
	"\"type\":\"Group\",\"id\":\"b\"}]},"
	"{\"uid\":{\"type\":\"Person\",\"id\":\"4\"},\"attrs\":{},\"parents\":[{\"type\":\"Group\",\"id\":\"b\"}]},"
	"{\"uid\":{\"type\":\"Person\",\"id\":\"5\"},\"attrs\":{},\"parents\":[{\"type\":\"Group\",\"id\":\"c\"}]},"
	"{\"uid\":{\"type\":\"Person\",\"id\":\"6\"},\"attrs\":{},\"parents\":[]},"
	"{\"uid\":{\"type\":\"Group\",\"id\":\"a\"},\"attrs\":{},\"parents\":[]}]";

constexpr size_t PEOPLE = 6;
static const unsigned members[3] = {1 | 2 | 4, 4 | 8, 16}; /* of a, b, c: bits of people */

static const char *const policies[] = {
	"permit(principal, action, resource) when { context.approvals.group.a >= 2 };",
	"permit(principal, action, resource) when { context.approvals.group.a >= 2 && context.approvals.group.b >= 1 "
	"};",
	"permit(principal, action, resource) when { context.approvals.total >= 4 && context.approvals.group.c >= 1 };",
	"permit(principal, action, resource) when { context.approvals.group.a >= 1 && context.approvals.group.b >= 1 &&"
	" context.approvals.group.c >= 1 && context.approvals.independent >= 2 };",
	"permit(principal, action, resource) when { context.transfer has usd_cents && context.transfer.usd_cents <= 5 "
	"||"
	" context.approvals.group.b >= 2 };",
	"permit(principal, action, resource); forbid(principal, action, resource) unless { context.approvals.total >= "
	"2 };",
	"permit(principal, action, resource) when { context.approvals.group.c >= 2 };",
	"permit(principal, action, resource) when { context.transfer has usd_cents && context.transfer.usd_cents > 5 "
	"};",
};

struct fixture {
	struct arena arena;
	struct policy_schema *schema;
	struct policy_set *set;
	struct policy_entities *entities;
	struct prove_report report;
};

static void
free_fixture(struct fixture *fixture) {
	policy_schema_destroy(&fixture->schema);
	policy_set_destroy(&fixture->set);
	policy_entities_destroy(&fixture->entities);
	arena_free(&fixture->arena);
}

static void
ask(struct fixture *fixture, const char *text) {
	struct prove_people question = {.group_type = BYTES_OF_LITERAL("Group"),
					.fact = BYTES_OF_LITERAL("transfer.usd_cents"),
					.more_than = 5};
	assert_ok(policy_schema_parse("s", bytes_of_text(schema_text), SCHEMA_CEDAR, &fixture->schema, nullptr));
	fixture->set = fixture_policies(text);
	fixture->entities = fixture_entities(entities_text);
	question.entities = fixture->entities;
	assert_ok(prove_people_find(&fixture->arena, bytes_of_text(entities_text), BYTES_OF_LITERAL("Person"),
				    &question));
	assert_int_equal(PEOPLE, question.person_count);
	assert_ok(policy_people(fixture->set, fixture->schema, &question, nullptr, &fixture->arena, &fixture->report));
}

/* With every vote that the people can give. */
static bool
can(struct fixture *fixture, unsigned people) {
	char text[300];
	unsigned counts[3];
	for (size_t i = 0; i < 3; i++)
		counts[i] = (unsigned)__builtin_popcount(people & members[i]);
	unsigned total = (unsigned)__builtin_popcount(people);
	snprintf(text, sizeof text,
		 "{\"spent\":0,\"transfer\":{\"usd_cents\":6},\"approvals\":{\"group\":{\"a\":%u,\"b\":%u,\"c\":%u},"
		 "\"independent\":%u,\"total\":%u}}",
		 counts[0], counts[1], counts[2], total, total);
	struct value context = fixture_record(&fixture->arena, text);
	struct policy_request request = {.principal = fixture_uid("Person", "other"),
					 .action = fixture_uid("Action", "sign"),
					 .resource = fixture_uid("Key", "k"),
					 .context = &context};
	struct policy_result result;
	assert_ok(policy_decide(fixture->set, fixture->entities, &request, (struct policy_options){.strict = true},
				&fixture->arena, &result));
	return result.decision == POLICY_ALLOW;
}

/* "1 of 1, 2; 1 of 3": how many sets of people that is, and how large each is. */
static unsigned
count_sets(const char *reason, unsigned *size) {
	unsigned sets = 1;
	*size = 0;
	while (*reason >= '0' && *reason <= '9') {
		unsigned chosen = (unsigned)strtoul(reason, (char **)(uintptr_t)&reason, 10), listed = 1, ways = 1;
		for (; *reason != '\0' && *reason != ';'; reason++)
			listed += *reason == ',';
		for (unsigned i = 0; i < chosen; i++)
			ways = ways * (listed - i) / (i + 1);
		sets *= ways;
		*size += chosen;
		reason += *reason == ';' ? 2 : 0;
	}
	return sets;
}

static void
the_smallest_sets_are_those_that_counting_finds(void **) {
	for (size_t i = 0; i < ARRAY_LENGTH(policies); i++) {
		_cleanup_(free_fixture) struct fixture fixture = {};
		unsigned smallest = PEOPLE + 1, expected = 0, found = 0;
		ask(&fixture, policies[i]);
		for (unsigned people = 0; people < 1u << PEOPLE; people++) {
			unsigned size = (unsigned)__builtin_popcount(people);
			if (!can(&fixture, people) || size > smallest)
				continue;
			expected = size < smallest ? 1 : expected + 1;
			smallest = size;
		}
		for (size_t j = 0; j < fixture.report.finding_count; j++) {
			const struct prove_finding *finding = &fixture.report.findings[j];
			unsigned size;
			if (finding->verdict == PROVE_PROVED)
				continue;
			assert_int_equal(PROVE_COUNTEREXAMPLE, finding->verdict);
			assert_int_equal(POLICY_ALLOW, finding->witness->decision);
			found += count_sets(finding->reason, &size);
			if (size != smallest)
				fail_msg("policy %zu: %s, and %u are enough", i, finding->reason, smallest);
		}
		if (found != expected)
			fail_msg("policy %zu: %u sets, expected %u", i, found, expected);
	}
}

int
main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_smallest_sets_are_those_that_counting_finds),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
