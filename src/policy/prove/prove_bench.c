/*
 * How long a proof takes: one invariant over 100 and 1,000 generated policies, from compiled policies to the report, in a process
 * that has libz3 loaded, as the worker has. Baseline: z3's own process on the same formula, written out whole.
 */
#include "bench/bench.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "policy/prove.h"
#include "policy/prove/generated.h"
#include "policy/prove/z3_library.h"

constexpr size_t ROUNDS = 7;

struct subject {
	struct policy_schema *schema;
	struct policy_set *policies, *invariants;
	char path[64]; /* of the formula */
};

static void
must(enum status status) {
	if (status == OK)
		return;
	fprintf(stderr, "prove_bench: %s\n", fail_message());
	exit(1);
}

static void
prepare(struct subject *subject, size_t count) {
	struct buffer text = {}, formula = {};
	must(policy_schema_parse("s", bytes_of_text(generated_schema), SCHEMA_CEDAR, &subject->schema, nullptr));
	generated_policies(&text, count, PLANT_NONE, 0);
	must(policy_set_parse("p", buffer_bytes(&text), &subject->policies, nullptr));
	must(prove_invariants_read("i", bytes_of_text(generated_invariant), subject->schema, &subject->invariants,
				   nullptr));
	must(prove_formula(subject->policies, subject->schema, subject->invariants, &formula));
	snprintf(subject->path, sizeof subject->path, "/tmp/gatehouse-prove-XXXXXX");
	int file = mkstemp(subject->path);
	if (file < 0 || write(file, formula.data, formula.len) != (ssize_t)formula.len || close(file) != 0)
		must(fail_errno(STATUS_IO, "bench.formula"));
	buffer_free(&text);
	buffer_free(&formula);
}

static double
ours_ms(const struct subject *subject) {
	double best = 1e9;
	for (size_t i = 0; i < ROUNDS; i++) {
		struct arena arena = {};
		struct prove_report report;
		int64_t start = bench_now_ns();
		must(policy_prove(subject->policies, subject->schema, subject->invariants, nullptr, &arena, &report));
		double taken = (double)(bench_now_ns() - start) / 1e6;
		if (report.finding_count != 1 || report.findings[0].verdict != PROVE_PROVED)
			must(fail(STATUS_INTERNAL, "bench.verdict: it is not proved"));
		arena_free(&arena);
		best = taken < best ? taken : best;
	}
	return best;
}

/* Impossible in every environment, as ours says: "unsat" and nothing else. */
static double
theirs_ms(const struct subject *subject) {
	extern char **environ;
	char name[] = "z3", path[64];
	char *const arguments[] = {name, path, nullptr};
	double best = 1e9;
	snprintf(path, sizeof path, "%s", subject->path);
	for (size_t i = 0; i < 3; i++) {
		int output[2], status;
		pid_t process;
		char said[256];
		posix_spawn_file_actions_t actions;
		if (pipe(output) != 0)
			must(fail_errno(STATUS_IO, "bench.pipe"));
		posix_spawn_file_actions_init(&actions);
		posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
		posix_spawn_file_actions_addclose(&actions, output[0]);
		int64_t start = bench_now_ns();
		int error = posix_spawnp(&process, name, &actions, nullptr, arguments, environ);
		close(output[1]);
		ssize_t length = error == 0 ? read(output[0], said, sizeof said - 1) : 0;
		if (error != 0 || waitpid(process, &status, 0) != process || length < 5 ||
		    strncmp(said, "unsat", 5) != 0)
			must(fail(STATUS_UNAVAILABLE, "bench.z3: z3 is not there, or says something else"));
		double taken = (double)(bench_now_ns() - start) / 1e6;
		posix_spawn_file_actions_destroy(&actions);
		close(output[0]);
		best = taken < best ? taken : best;
	}
	return best;
}

static void
row(const char *name, size_t count) {
	struct subject subject = {};
	prepare(&subject, count);
	double ours = ours_ms(&subject), theirs = theirs_ms(&subject);
	bench_row(&(struct bench_row){.name = name,
				      .unit = "ms",
				      .value = ours,
				      .baseline = "z3's own process on the same formula",
				      .baseline_value = theirs,
				      .detail = "least of several runs, from parsed policies to the report; what "
						"intervals and truth decide libz3 is not asked"});
	unlink(subject.path);
	policy_set_destroy(&subject.policies);
	policy_set_destroy(&subject.invariants);
	policy_schema_destroy(&subject.schema);
}

int
main(void) {
	const struct z3_library *library;
	must(z3_library_load(&library));
	row("policy.prove_100_ms", 100);
	row("policy.prove_1000_ms", 1000);
	return 0;
}
