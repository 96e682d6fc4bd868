/*
 * How long it takes until a bundle of 1,000 policies with 20 invariants may be proposed: read, compiled, held against the host,
 * validated, its tests run, its invariants proved, as keeper and worker do it one after the other, in one process. Baseline: the
 * same without the proofs.
 */
#include "bench/bench.h"

#include "gate/activation.h"
#include "policy/work.h"

constexpr size_t POLICIES = 1000;
constexpr size_t INVARIANTS = 20;
constexpr size_t ROUNDS = 5;

static void
must(enum status status) {
	if (status == OK)
		return;
	fprintf(stderr, "policy_activation_bench: %s\n", fail_message());
	exit(1);
}

static void
write_policies(struct buffer *to) {
	for (size_t i = 0; i < POLICIES - 2; i++)
		buffer_append_format(
			to,
			"@id(\"p%zu\") permit (principal == Workload::\"w%zu\", action == Action::\"sign\", resource "
			"== "
			"Key::\"k%zu\")\nwhen { context.key.same_desk && context.destination.allowed && "
			"context.transfer has "
			"usd_cents && context.transfer.usd_cents <= %zu && context.approvals.group.treasury >= 2 };\n",
			i, i % 50, i, (i + 1) * 1000);
	buffer_append_text(to, "@id(\"frozen\") forbid (principal, action == Action::\"sign\", resource)\n"
			       "unless { context.key.state == \"active\" };\n"
			       "@id(\"sanctioned\") forbid (principal, action == Action::\"sign\", resource)\n"
			       "when { context.destination.sanctioned };\n");
}

static void
write_invariants(struct buffer *to) {
	static const char *const general[] = {
		"unless { context.key.state == \"active\" }", "when { context.destination.sanctioned }",
		"unless { context.destination.allowed }", "unless { context.approvals.group.treasury >= 2 }"};
	for (size_t i = 0; i < INVARIANTS; i++) {
		bool is_general = i < sizeof general / sizeof *general;
		buffer_append_format(to, "@id(\"i%zu\") @reason(\"r\") forbid (principal, action == Action::\"sign\", ",
				     i);
		if (is_general)
			buffer_append_format(to, "resource) %s;\n", general[i]);
		else
			buffer_append_format(to,
					     "resource == Key::\"k%zu\") when { context.transfer has usd_cents && "
					     "context.transfer.usd_cents > %zu };\n",
					     i * 40, (i * 40 + 1) * 1000);
	}
}

static void
write_tests(struct buffer *to) {
	buffer_append_text(
		to, "defaults: {principal: 'Person::\"p\"', action: group.add, resource: 'System::\"s\"', facts: {\n"
		    "  time.now: 2026-01-01T00:00:00Z, request: {age_ms: 1, has_reason: true, has_reference: true},\n"
		    "  identity: {kind: person, legal_entity: x, terminal_key: true}}}\ntests:\n");
	for (size_t i = 0; i < 100; i++)
		buffer_append_format(to, "  - {name: t%zu, expect: deny}\n", i);
}

static void
make_document(struct buffer *document) {
	struct buffer policies = {}, invariants = {}, tests = {};
	write_policies(&policies);
	write_invariants(&invariants);
	write_tests(&tests);
	const struct bundle_file files[] = {
		{BUNDLE_POLICIES, BYTES_OF_LITERAL("p.cedar"), buffer_bytes(&policies)},
		{BUNDLE_INVARIANTS, BYTES_OF_LITERAL("invariants.cedar"), buffer_bytes(&invariants)},
		{BUNDLE_SCHEMA, BYTES_OF_LITERAL("schema.cedarschema"), host_schema_text},
		{BUNDLE_TESTS, BYTES_OF_LITERAL("tests/t.yaml"), buffer_bytes(&tests)},
	};
	must(bundle_write(BYTES_OF_LITERAL("bench"), BYTES_OF_LITERAL("1"), files, 4, document));
	buffer_free(&policies);
	buffer_free(&invariants);
	buffer_free(&tests);
}

static double
assess_once(struct bytes document) {
	struct assessments *assessments = nullptr;
	const struct assessment *assessment;
	int64_t start = bench_cpu_ns();
	must(assessments_create(&assessments));
	must(assessments_get(assessments, document, &assessment));
	if (assessment->status != OK) {
		fprintf(stderr, "policy_activation_bench: %s\n", assessment->error);
		exit(1);
	}
	double seconds = (double)(bench_cpu_ns() - start) / 1e9;
	assessments_destroy(&assessments);
	return seconds;
}

static double
prove_once(struct bytes document) {
	struct buffer request = {}, answer = {};
	struct arena arena = {};
	struct work_answer read;
	int64_t start = bench_cpu_ns();
	must(work_write_bundle(document, false, &request));
	must(work_perform(buffer_bytes(&request), &answer));
	must(work_read_answer(&arena, buffer_bytes(&request), buffer_bytes(&answer), &read));
	must(work_answer_is_proved(&read));
	if (read.verdict_count != INVARIANTS)
		exit(1);
	double seconds = (double)(bench_cpu_ns() - start) / 1e9;
	arena_free(&arena);
	buffer_free(&request);
	buffer_free(&answer);
	return seconds;
}

static int
compare(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

int
main(void) {
	struct buffer document = {};
	double assessing[ROUNDS], whole[ROUNDS];
	make_document(&document);
	for (size_t i = 0; i < ROUNDS; i++) {
		assessing[i] = assess_once(buffer_bytes(&document));
		whole[i] = assessing[i] + prove_once(buffer_bytes(&document));
	}
	buffer_free(&document);
	qsort(assessing, ROUNDS, sizeof *assessing, compare);
	qsort(whole, ROUNDS, sizeof *whole, compare);
	bench_row(&(struct bench_row){
		.name = "policy.activate_1000_s",
		.unit = "s",
		.value = whole[ROUNDS / 2],
		.baseline = "the same without its 20 proofs",
		.baseline_value = assessing[ROUNDS / 2],
		.detail = "processor time: read, compile, validate, 100 tests, 20 invariants proved"});
}
