/*
 * policy.corpus_s: reading, parsing, validating and deciding the shared Cedar corpus (3,820 cases, 30,560 requests) on one core,
 * files included, against the reference implementation parsing and deciding 200 of the cases, files and validation left
 * out, scaled to all.
 * policy.decide_p50_us, policy.decide_p99_us: one decision of a resident set over resident entities, in the three
 * applications of the Cedar paper, 200 hierarchies × 500 requests each.
 */
#include <unistd.h>

#include "bench/bench.h"
#include "policy/bench_applications.h"
#include "policy/conform.h"

constexpr size_t BASELINE_CASES = 200;
constexpr size_t CORPUS_ROUNDS = 5;

static void
must(enum status status, const char *what) {
	if (status == OK)
		return;
	fprintf(stderr, "%s: %s\n", what, fail_message());
	exit(1);
}

static double
run_corpus(const char *directory, size_t *cases) {
	_cleanup_(conform_report_free) struct conform_report report = {};
	int64_t start = bench_cpu_ns();
	must(conform_run(io_system(), directory, &report), "the corpus");
	double seconds = (double)(bench_cpu_ns() - start) / 1e9;
	if (report.agree != report.requests) {
		fprintf(stderr, "the corpus: %zu of %zu requests agree\n", report.agree, report.requests);
		exit(1);
	}
	*cases = report.cases;
	return seconds;
}

/* The seconds of the reference for all cases, or 0 where node or the package is not there. */
static double
run_reference(const char *directory, size_t cases) {
	char command[512];
	double seconds = 0;
	size_t taken = 0;
	snprintf(command, sizeof command, "node bench/cedar_corpus.mjs %s/corpus %zu 2>/dev/null", directory,
		 BASELINE_CASES);
	FILE *output = popen(command, "r");
	if (output != nullptr) {
		if (fscanf(output, "%lf %zu", &seconds, &taken) != 2)
			seconds = 0;
		pclose(output);
	}
	return taken == 0 ? 0 : seconds * (double)cases / (double)taken;
}

static void
measure_corpus(void) {
	const char *corpora = getenv("GATEHOUSE_CORPORA");
	char directory[] = "/tmp/gatehouse-bench-XXXXXX", command[1024];
	if (mkdtemp(directory) == nullptr)
		exit(1);
	snprintf(command, sizeof command, "tar -xJf '%s/cedar/corpus.tar.xz' -C %s", corpora, directory);
	if (system(command) != 0)
		exit(1);
	double samples[CORPUS_ROUNDS];
	size_t cases = 0;
	for (size_t i = 0; i < CORPUS_ROUNDS; i++)
		samples[i] = run_corpus(directory, &cases);
	double reference = run_reference(directory, cases);
	bench_row(&(struct bench_row){
		.name = "policy.corpus_s",
		.unit = "s",
		.value = bench_median(samples, CORPUS_ROUNDS),
		.baseline =
			reference > 0 ? "cedar-wasm, 200 cases scaled to all, without files and validation" : nullptr,
		.baseline_value = reference,
	});
	snprintf(command, sizeof command, "rm -rf %s", directory);
	if (system(command) != 0)
		exit(1);
}

constexpr size_t HIERARCHIES = 200;
constexpr size_t REQUESTS = 500;

static struct policy_set *
read_policies(const struct bench_application *application) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct policy_set *set = nullptr;
	char path[1024];
	snprintf(path, sizeof path, "%s/%s", getenv("GATEHOUSE_CORPORA"), application->policies);
	must(io_read_file(io_system(), path, 1 << 20, &text), path);
	must(policy_set_parse(path, buffer_bytes(&text), &set, nullptr), path);
	return set;
}

/* The set and the entities are resident; so is what a request asks for, since each is decided once unmeasured. */
static double
time_request(const struct policy_set *set, const struct policy_entities *entities, const struct policy_request *request,
	     struct arena *scratch, size_t *allowed) {
	const struct policy_options options = {.strict = true};
	struct policy_result result;
	int64_t start = 0;
	for (size_t round = 0; round < 2; round++) {
		arena_reset(scratch);
		start = bench_now_ns();
		must(policy_decide(set, entities, request, options, scratch, &result), "a decision");
	}
	double microseconds = (double)(bench_now_ns() - start) / 1e3;
	*allowed += result.decision == POLICY_ALLOW;
	if (result.error_count > 0) {
		fprintf(stderr, "%s\n", result.errors[0].message);
		exit(1);
	}
	return microseconds;
}

static void
measure_application(const struct bench_application *application, double *samples, struct buffer *detail) {
	struct policy_set *set = read_policies(application);
	size_t count = 0, allowed = 0;
	struct bench_draw draw = {1};
	for (size_t hierarchy = 0; hierarchy < HIERARCHIES; hierarchy++) {
		struct policy_entities *entities = nullptr;
		struct arena scratch = {};
		must(policy_entities_create(&entities), "entities");
		must(application->fill(entities, &draw), "entities");
		must(policy_entities_seal(entities), "entities");
		for (size_t i = 0; i < REQUESTS; i++) {
			struct bench_request request;
			application->ask(&request, &draw);
			samples[count++] = time_request(set, entities, &request.request, &scratch, &allowed);
		}
		arena_free(&scratch);
		policy_entities_destroy(&entities);
	}
	policy_set_destroy(&set);
	double p99 = bench_quantile(samples, count, 0.99), p50 = bench_quantile(samples, count, 0.5);
	buffer_append_format(detail, "%s%s %.2f · %.2f (%.0f %% allowed)", detail->len == 0 ? "" : ", ",
			     application->name, p50, p99, 100.0 * (double)allowed / (double)count);
}

/* All requests of all applications together; each alone in the detail. */
static void
measure_decisions(void) {
	constexpr size_t PER_APPLICATION = HIERARCHIES * REQUESTS;
	double *samples = calloc(bench_application_count * PER_APPLICATION, sizeof *samples);
	struct buffer detail = {};
	if (samples == nullptr)
		exit(1);
	buffer_append_text(&detail, "");
	for (size_t i = 0; i < bench_application_count; i++)
		measure_application(&bench_applications[i], samples + i * PER_APPLICATION, &detail);
	buffer_append_byte(&detail, 0);
	size_t count = bench_application_count * PER_APPLICATION;
	bench_row(&(struct bench_row){.name = "policy.decide_p50_us",
				      .unit = "us",
				      .value = bench_quantile(samples, count, 0.5),
				      .detail = (const char *)detail.data});
	bench_row(&(struct bench_row){
		.name = "policy.decide_p99_us", .unit = "us", .value = bench_quantile(samples, count, 0.99)});
	buffer_free(&detail);
	free(samples);
}

int
main(void) {
	if (getenv("GATEHOUSE_CORPORA") == nullptr) {
		fputs("policy: no public test data here (GATEHOUSE_CORPORA)\n", stderr);
		return 1;
	}
	measure_corpus();
	measure_decisions();
	return 0;
}
