/* A bad rule among many good ones is always found, and the good ones alone are proved. */
#include "tests/test.h"

#include <stdio.h>

#include "policy/fixture.h"
#include "policy/prove.h"
#include "policy/prove/generated.h"
#include "policy/validator.h"

static struct policy_schema *schema;
static struct policy_set *invariants;

static enum prove_verdict
verdict_of(size_t count, enum plant plant, size_t place) {
	_cleanup_(buffer_free) struct buffer text = {};
	_cleanup_(policy_set_destroy) struct policy_set *policies = nullptr;
	_cleanup_(arena_free) struct arena arena = {};
	struct prove_report report;
	generated_policies(&text, count, plant, place);
	buffer_append_byte(&text, 0);
	policies = fixture_policies((const char *)text.data);
	assert_ok(policy_validate(policies, schema, (struct policy_validator_options){}, nullptr, nullptr));
	assert_ok(policy_prove(policies, schema, invariants, nullptr, &arena, &report));
	const struct prove_finding *finding = &report.findings[0];
	if (finding->verdict == PROVE_COUNTEREXAMPLE)
		assert_int_equal(POLICY_ALLOW, finding->witness->decision);
	return finding->verdict;
}

static void
without_a_planted_rule_it_is_proved(void **) {
	for (size_t count = 10; count <= 1000; count *= 10)
		assert_int_equal(PROVE_PROVED, verdict_of(count, PLANT_NONE, 0));
}

static void
each_kind_of_planted_rule_is_found_wherever_it_stands(void **) {
	unsigned found = 0;
	for (size_t count = 10; count <= 1000; count *= 10)
		for (enum plant plant = PLANT_LIMIT; plant < PLANT_COUNT; plant++)
			for (size_t part = 1; part <= (count == 1000 ? 1 : 4); part++) {
				size_t place = 2 + (count - 3) * part / 4;
				assert_int_equal(PROVE_COUNTEREXAMPLE, verdict_of(count, plant, place));
				found++;
			}
	printf("# result planted %u, all found\n", found);
}

/* The forbid that everything else relies on is left out. */
static void
a_forbid_that_is_missing_is_found(void **) {
	assert_int_equal(PROVE_COUNTEREXAMPLE, verdict_of(100, PLANT_LIMIT, 0));
	assert_int_equal(PROVE_COUNTEREXAMPLE, verdict_of(100, PLANT_LIMIT, 1));
}

static int
start(void **) {
	assert_ok(policy_schema_parse("s", bytes_of_text(generated_schema), SCHEMA_CEDAR, &schema, nullptr));
	assert_ok(prove_invariants_read("i", bytes_of_text(generated_invariant), schema, &invariants, nullptr));
	return 0;
}

static int
stop(void **) {
	policy_schema_destroy(&schema);
	policy_set_destroy(&invariants);
	return 0;
}

int
main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_planted_rule_it_is_proved),
		cmocka_unit_test(each_kind_of_planted_rule_is_found_wherever_it_stands),
		cmocka_unit_test(a_forbid_that_is_missing_is_found),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
