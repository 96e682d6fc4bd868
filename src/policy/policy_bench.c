/*
 * policy.corpus_s: reading, parsing and deciding the shared Cedar corpus on one core, files included, against the reference
 * implementation doing the same with 200 of the cases, files left out, scaled to all. policy.corpus_validate_s: the same with each
 * case's policies validated by its schema before, as an activation does.
 * policy.decide_p50_us, policy.decide_p99_us: one decision of a resident set over resident entities, in the three
 * applications of the Cedar paper, 200 hierarchies × 500 requests each.
 * policy.decide_10k_p50_us, policy.memory_10k_mib: the same, and what the heap holds, with 10,000 policies and 100,000 entities.
 * Both are measured against our own evaluator without its index; what the reference implementation takes, with its boundary
 * crossing, is in the details.
 */
#include <malloc.h>
#include <unistd.h>

#include "bench/bench.h"
#include "policy/bench_scale.h"
#include "policy/conform.h"
#include "policy/entities_testing.h"

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
run_corpus(const char *directory, bool validates, size_t *cases) {
	_cleanup_(conform_report_free) struct conform_report report = {};
	int64_t start = bench_cpu_ns();
	must(validates ? conform_run(io_system(), directory, &report)
		       : conform_run_requests(io_system(), directory, &report),
	     "the corpus");
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
run_reference(const char *directory, bool validates, size_t cases) {
	char command[512];
	double seconds = 0;
	size_t taken = 0;
	snprintf(command, sizeof command, "node bench/cedar_corpus.mjs %s/corpus %zu%s 2>/dev/null", directory,
		 BASELINE_CASES, validates ? " validate" : "");
	FILE *output = popen(command, "r");
	if (output != nullptr) {
		if (fscanf(output, "%lf %zu", &seconds, &taken) != 2)
			seconds = 0;
		pclose(output);
	}
	return taken == 0 ? 0 : seconds * (double)cases / (double)taken;
}

static void
measure_corpus_in(const char *directory, const char *name, bool validates) {
	double samples[CORPUS_ROUNDS];
	size_t cases = 0;
	for (size_t i = 0; i < CORPUS_ROUNDS; i++)
		samples[i] = run_corpus(directory, validates, &cases);
	double reference = run_reference(directory, validates, cases);
	bench_row(&(struct bench_row){
		.name = name,
		.unit = "s",
		.value = bench_median(samples, CORPUS_ROUNDS),
		.baseline = reference > 0
				    ? "cedar-wasm with its boundary crossing, 200 cases scaled to all, without files"
				    : nullptr,
		.baseline_value = reference,
	});
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
	measure_corpus_in(directory, "policy.corpus_s", false);
	measure_corpus_in(directory, "policy.corpus_validate_s", true);
	snprintf(command, sizeof command, "rm -rf %s", directory);
	if (system(command) != 0)
		exit(1);
}

constexpr size_t HIERARCHIES = 200;
constexpr size_t REQUESTS = 500;
constexpr size_t REFERENCE_REQUESTS = 100;

/* --- The reference implementation, on the same requests. --- */

struct reference {
	char path[64];
	FILE *file;
	size_t groups;
	size_t allowed; /* by us */
	double p50, p99;
	double policies_mib; /* by which its process grew when it read the policies */
	bool is_there;
};

static void
write_text(FILE *file, struct bytes text) {
	_cleanup_(buffer_free) struct buffer encoded = {};
	struct json_writer writer;
	json_writer_start(&writer, &encoded);
	json_write_string(&writer, text);
	must(json_writer_finish(&writer), "a string");
	fwrite(encoded.data, 1, encoded.len, file);
}

static void
reference_start(struct reference *reference, struct bytes policies) {
	*reference = (struct reference){.path = "/tmp/gatehouse-bench-XXXXXX"};
	int descriptor = mkstemp(reference->path);
	reference->file = descriptor < 0 ? nullptr : fdopen(descriptor, "w");
	if (reference->file == nullptr)
		exit(1);
	fputs("{\"policies\":", reference->file);
	write_text(reference->file, policies);
	fputs(",\"groups\":[", reference->file);
}

static void
write_uid(FILE *file, const char *before, struct entity_uid uid) {
	fprintf(file, "%s{\"type\":\"%.*s\",\"id\":\"%.*s\"}", before, BYTES_ARGS(uid.type), BYTES_ARGS(uid.id));
}

/* The entities are all that the requests see. */
static void
reference_group(struct reference *reference, const struct policy_entities *entities,
		const struct bench_request *requests, size_t count) {
	_cleanup_(buffer_free) struct buffer text = {};
	FILE *file = reference->file;
	must(entities_write(entities, &text), "entities");
	fprintf(file, "%s{\"entities\":%.*s,\"requests\":[", reference->groups++ == 0 ? "" : ",", BYTES_ARGS(text));
	for (size_t i = 0; i < count; i++) {
		const struct policy_request *request = &requests[i].request;
		_cleanup_(buffer_free) struct buffer context = {};
		struct json_writer writer;
		const struct value empty = {.type = VALUE_RECORD};
		json_writer_start(&writer, &context);
		value_write(&writer, request->context == nullptr ? &empty : request->context);
		must(json_writer_finish(&writer), "a context");
		write_uid(file, i == 0 ? "{\"principal\":" : ",{\"principal\":", request->principal);
		write_uid(file, ",\"action\":", request->action);
		write_uid(file, ",\"resource\":", request->resource);
		fprintf(file, ",\"context\":%.*s}", BYTES_ARGS(context));
	}
	fputs("]}", file);
}

/* It must allow as many as we did. */
static void
reference_run(struct reference *reference) {
	char command[256];
	size_t allowed;
	fputs("]}", reference->file);
	fclose(reference->file);
	snprintf(command, sizeof command, "node bench/cedar_decide.mjs %s 2>/dev/null", reference->path);
	FILE *output = popen(command, "r");
	reference->is_there = output != nullptr && fscanf(output, "%lf %lf %zu %lf", &reference->p50, &reference->p99,
							  &allowed, &reference->policies_mib) == 4;
	if (output != nullptr)
		pclose(output);
	unlink(reference->path);
	if (reference->is_there && allowed != reference->allowed) {
		fprintf(stderr, "the reference allows %zu, we allow %zu\n", allowed, reference->allowed);
		exit(1);
	}
}

static void
describe_reference(const struct reference *reference, struct buffer *detail) {
	if (reference->is_there)
		buffer_append_format(detail, "; cedar-wasm with its boundary crossing %.0f · %.0f", reference->p50,
				     reference->p99);
}

/* --- Decisions. --- */

/* The set and the entities are resident; so is what a request asks for, since each is decided once unmeasured. */
static double
time_request(const struct policy_set *set, const struct policy_entities *entities, const struct policy_request *request,
	     bool look_at_all, struct arena *scratch, bool *is_allowed) {
	const struct policy_options options = {.strict = true, .look_at_all = look_at_all};
	struct policy_result result;
	int64_t start = 0;
	for (size_t round = 0; round < 2; round++) {
		arena_reset(scratch);
		start = bench_now_ns();
		must(policy_decide(set, entities, request, options, scratch, &result), "a decision");
	}
	double microseconds = (double)(bench_now_ns() - start) / 1e3;
	*is_allowed = result.decision == POLICY_ALLOW;
	if (result.error_count > 0) {
		fprintf(stderr, "%s\n", result.errors[0].message);
		exit(1);
	}
	return microseconds;
}

struct samples {
	double *indexed;
	double *plain;
	size_t count;
	size_t allowed;
};

static void
time_both(struct samples *samples, const struct policy_set *set, const struct policy_entities *entities,
	  const struct policy_request *request, struct arena *scratch) {
	bool is_allowed, also;
	time_request(set, entities, request, false, scratch, &is_allowed); /* both find the caches as warm */
	samples->plain[samples->count] = time_request(set, entities, request, true, scratch, &also);
	samples->indexed[samples->count++] = time_request(set, entities, request, false, scratch, &is_allowed);
	samples->allowed += is_allowed;
	if (is_allowed != also) {
		fputs("the index changes a decision\n", stderr);
		exit(1);
	}
}

static void
measure_application(const struct bench_application *application, struct samples *all, struct buffer *detail) {
	_cleanup_(buffer_free) struct buffer text = {};
	_cleanup_(policy_set_destroy) struct policy_set *set = nullptr;
	struct samples samples = {all->indexed + all->count, all->plain + all->count, 0, 0};
	struct bench_request requests[REQUESTS];
	struct reference reference;
	struct bench_draw draw = {1};
	char path[1024];
	snprintf(path, sizeof path, "%s/%s", getenv("GATEHOUSE_CORPORA"), application->policies);
	must(io_read_file(io_system(), path, 1 << 20, &text), path);
	must(policy_set_parse(path, buffer_bytes(&text), &set, nullptr), path);
	reference_start(&reference, buffer_bytes(&text));
	for (size_t hierarchy = 0; hierarchy < HIERARCHIES; hierarchy++) {
		_cleanup_(policy_entities_destroy) struct policy_entities *entities = nullptr;
		_cleanup_(arena_free) struct arena scratch = {};
		must(policy_entities_create(&entities), "entities");
		must(application->fill(entities, &draw), "entities");
		must(policy_entities_seal(entities), "entities");
		for (size_t i = 0; i < REQUESTS; i++) {
			application->ask(&requests[i], &draw);
			time_both(&samples, set, entities, &requests[i].request, &scratch);
			if (hierarchy == 0 && i + 1 == REFERENCE_REQUESTS)
				reference.allowed = samples.allowed;
		}
		if (hierarchy == 0)
			reference_group(&reference, entities, requests, REFERENCE_REQUESTS);
	}
	reference_run(&reference);
	all->count += samples.count;
	buffer_append_format(detail, "%s%s %.2f · %.2f, %.0f %% allowed", detail->len == 0 ? "" : " | ",
			     application->name, bench_quantile(samples.indexed, samples.count, 0.5),
			     bench_quantile(samples.indexed, samples.count, 0.99),
			     100.0 * (double)samples.allowed / (double)samples.count);
	describe_reference(&reference, detail);
}

static void
make_samples(struct samples *samples, size_t count) {
	*samples = (struct samples){calloc(count, sizeof(double)), calloc(count, sizeof(double)), 0, 0};
	if (samples->indexed == nullptr || samples->plain == nullptr)
		exit(1);
}

static void
print_quantile(const char *name, struct samples *samples, double quantile, const char *detail) {
	bench_row(&(struct bench_row){.name = name,
				      .unit = "us",
				      .value = bench_quantile(samples->indexed, samples->count, quantile),
				      .baseline = "our evaluator without its index",
				      .baseline_value = bench_quantile(samples->plain, samples->count, quantile),
				      .detail = detail});
}

/* All requests of all applications together; each alone in the detail. */
static void
measure_decisions(void) {
	struct samples samples;
	struct buffer detail = {};
	make_samples(&samples, bench_application_count * HIERARCHIES * REQUESTS);
	for (size_t i = 0; i < bench_application_count; i++)
		measure_application(&bench_applications[i], &samples, &detail);
	buffer_append_byte(&detail, 0);
	print_quantile("policy.decide_p50_us", &samples, 0.5, (const char *)detail.data);
	print_quantile("policy.decide_p99_us", &samples, 0.99, nullptr);
	buffer_free(&detail);
	free(samples.indexed);
	free(samples.plain);
}

/* --- Ten thousand policies. --- */

constexpr size_t SCALE_REQUESTS = 20'000;
constexpr size_t SCALE_PLAIN_REQUESTS = 500; /* without the index */
constexpr size_t SCALE_REFERENCE_REQUESTS = 20;

static size_t
heap_bytes(void) {
	struct mallinfo2 info = mallinfo2();
	return info.uordblks + info.hblkhd;
}

/* What the reference must see of the entities: what a request names, and what that is in. */
static void
copy_entity(const struct policy_entities *from, struct entity_uid uid, struct policy_entities *to) {
	struct policy_entity entity;
	struct entity_uid parents[4];
	if (!policy_entities_get(from, uid, &entity))
		return;
	entity.parents = parents;
	entity.parent_count = policy_entities_parents(from, uid, parents, ARRAY_LENGTH(parents));
	must(policy_entities_put(to, &entity), "an entity");
	for (size_t i = 0; i < entity.parent_count; i++)
		copy_entity(from, parents[i], to);
}

static void
refer(struct reference *reference, const struct policy_entities *entities, const struct bench_request *request) {
	_cleanup_(policy_entities_destroy) struct policy_entities *slice = nullptr;
	must(policy_entities_create(&slice), "entities");
	copy_entity(entities, request->request.principal, slice);
	copy_entity(entities, request->request.resource, slice);
	must(policy_entities_seal(slice), "entities");
	reference_group(reference, slice, request, 1);
}

static void
time_scale(const struct policy_set *set, const struct policy_entities *entities, struct bench_draw *draw,
	   struct reference *reference, struct samples *samples, struct samples *plain) {
	_cleanup_(arena_free) struct arena scratch = {}, arena = {};
	for (size_t i = 0; i < SCALE_REQUESTS; i++) {
		struct bench_request request;
		bool is_allowed;
		arena_reset(&arena);
		must(bench_scale_ask(&request, &arena, draw), "a request");
		if (i < SCALE_PLAIN_REQUESTS)
			time_both(plain, set, entities, &request.request, &scratch);
		if (i < SCALE_REFERENCE_REQUESTS)
			refer(reference, entities, &request);
		samples->indexed[samples->count++] =
			time_request(set, entities, &request.request, false, &scratch, &is_allowed);
		samples->allowed += is_allowed;
		if (i + 1 == SCALE_REFERENCE_REQUESTS)
			reference->allowed = samples->allowed;
	}
}

static void
measure_scale(void) {
	_cleanup_(buffer_free) struct buffer text = {}, detail = {};
	_cleanup_(policy_set_destroy) struct policy_set *set = nullptr;
	_cleanup_(policy_entities_destroy) struct policy_entities *entities = nullptr;
	struct samples samples, plain;
	struct reference reference;
	struct bench_draw draw = {7};
	make_samples(&samples, SCALE_REQUESTS);
	make_samples(&plain, SCALE_PLAIN_REQUESTS);
	must(bench_scale_policies(&text, &draw), "policies");
	size_t before = heap_bytes();
	must(policy_set_parse("scale.cedar", buffer_bytes(&text), &set, nullptr), "policies");
	size_t policies = heap_bytes() - before;
	must(policy_entities_create(&entities), "entities");
	must(bench_scale_fill(entities, &draw), "entities");
	must(policy_entities_seal(entities), "entities");
	size_t all = heap_bytes() - before;
	reference_start(&reference, buffer_bytes(&text));
	time_scale(set, entities, &draw, &reference, &samples, &plain);
	reference_run(&reference);
	buffer_append_format(&detail, "p99 %.2f, %.0f %% allowed", bench_quantile(samples.indexed, samples.count, 0.99),
			     100.0 * (double)samples.allowed / (double)samples.count);
	describe_reference(&reference, &detail);
	buffer_append_text(&detail, " (only the entities that the request concerns)");
	buffer_append_byte(&detail, 0);
	bench_row(&(struct bench_row){.name = "policy.decide_10k_p50_us",
				      .unit = "us",
				      .value = bench_quantile(samples.indexed, samples.count, 0.5),
				      .baseline = "our evaluator without its index",
				      .baseline_value = bench_quantile(plain.plain, plain.count, 0.5),
				      .detail = (const char *)detail.data});
	buffer_reset(&detail);
	buffer_append_format(&detail, "%zu policies %.1f, %zu entities %.1f", policy_set_count(set),
			     (double)policies / 1048576, policy_entities_count(entities),
			     (double)(all - policies) / 1048576);
	buffer_append_byte(&detail, 0);
	bench_row(
		&(struct bench_row){.name = "policy.memory_10k_mib",
				    .unit = "MiB",
				    .value = (double)all / 1048576,
				    .baseline = reference.is_there ? "cedar-wasm in node, the policies alone" : nullptr,
				    .baseline_value = reference.is_there ? reference.policies_mib : 0,
				    .detail = (const char *)detail.data});
	free(samples.indexed);
	free(samples.plain);
	free(plain.indexed);
	free(plain.plain);
}

int
main(void) {
	if (getenv("GATEHOUSE_CORPORA") == nullptr) {
		fputs("policy: no public test data here (GATEHOUSE_CORPORA)\n", stderr);
		return 1;
	}
	measure_corpus();
	measure_decisions();
	measure_scale();
	return 0;
}
