/* The worker as a process of its own: it proves, it answers what is wrong by name, and a worker that is ended or cannot answer has
 * proved nothing. Confined as in an installation (the release build). */
#include "tests/test.h"

#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helpers/worker.h"
#include "helpers/worker_client.h"
#include "policy/work.h"
#include "supervisor/process.h"

static int program = -1;

static const char schema[] =
	"entity A = { n: Long }; action x appliesTo { principal: A, resource: A, context: { n: Long } };";

struct fixture {
	struct arena arena;
	struct buffer request, document;
	struct work_answer answer;
};

static void
free_fixture(struct fixture *fixture) {
	arena_free(&fixture->arena);
	buffer_free(&fixture->request);
	buffer_free(&fixture->document);
}

static enum status
run(struct fixture *fixture, const char *policies, const char *invariants, int64_t timeout_ms) {
	const struct work_file files[] = {{BYTES_OF_LITERAL("p.cedar"), bytes_of_text(policies)}};
	const struct work work = {.ask = WORK_PROVE,
				  .bundle = BYTES_OF_LITERAL("bundle"),
				  .policies = files,
				  .policy_count = 1,
				  .schema = {BYTES_OF_LITERAL("s"), bytes_of_text(schema)},
				  .invariants = {BYTES_OF_LITERAL("i.cedar"), bytes_of_text(invariants)}};
	assert_ok(work_write(&work, &fixture->request));
	TRY(worker_client_run(program, buffer_bytes(&fixture->request), timeout_ms, &fixture->document));
	return work_read_answer(&fixture->arena, buffer_bytes(&fixture->request), buffer_bytes(&fixture->document),
				&fixture->answer);
}

static const char limit[] = "@id(\"i\") forbid(principal, action, resource) when { context.n > 5 };";

static void
it_proves_and_says_what_for(void **) {
	_cleanup_(free_fixture) struct fixture fixture = {};
	assert_ok(run(&fixture, "permit(principal, action, resource) when { context.n * context.n <= 30 };", limit,
		      60'000));
	assert_true(fixture.answer.is_done);
	assert_int_equal(1, fixture.answer.verdict_count);
	assert_int_equal(PROVE_PROVED, fixture.answer.verdicts[0].verdict);
	assert_bytes(BYTES_OF_LITERAL("bundle"), fixture.answer.bundle);
	struct hash256 invariants = sha256(bytes_of_text(limit));
	assert_memory_equal(invariants.bytes, fixture.answer.invariants.bytes, sizeof invariants.bytes);
}

static void
it_finds_what_breaks_an_invariant(void **) {
	_cleanup_(free_fixture) struct fixture fixture = {};
	assert_ok(run(&fixture, "permit(principal, action, resource) when { context.n * context.n <= 36 };", limit,
		      60'000));
	assert_int_equal(PROVE_COUNTEREXAMPLE, fixture.answer.verdicts[0].verdict);
	const json *witness = json_get(fixture.answer.verdicts[0].whole, "witness");
	assert_int_equal(6, json_integer(json_get(json_get(witness, "context"), "n")));
}

static void
what_is_wrong_with_a_text_is_said(void **) {
	_cleanup_(free_fixture) struct fixture fixture = {};
	assert_ok(run(&fixture, "permit(principal, action, resource) when { context.m };", limit, 60'000));
	assert_false(fixture.answer.is_done);
	static const char name[] = "validate.attribute: p.cedar:1:";
	assert_memory_equal(name, fixture.answer.error.data, sizeof name - 1);
	assert_int_equal(1, json_size(fixture.answer.findings));
}

/* A product of two unknowns that must have two given factors: nobody knows how to do that fast. */
static const char factors[] = "permit(principal, action, resource) when { principal.n > 1 && resource.n > 1 && "
			      "principal.n * resource.n == 1000000016000000063 };";

static void
what_takes_too_long_is_ended(void **) {
	_cleanup_(free_fixture) struct fixture fixture = {};
	assert_fails(STATUS_UNAVAILABLE, "worker.timeout",
		     run(&fixture, factors, "@id(\"i\") forbid(principal, action, resource);", 1'500));
	assert_int_equal(-1, waitpid(-1, nullptr, WNOHANG)); /* nothing is left running */
}

static void
a_program_that_is_no_worker_has_no_answer(void **) {
	_cleanup_(free_fixture) struct fixture fixture = {};
	int worker = program;
	program = open("/bin/false", O_PATH | O_CLOEXEC);
	assert_fails(STATUS_UNAVAILABLE, "worker.ended", run(&fixture, factors, limit, 20'000));
	close(program);
	program = worker;
}

/* This program is the worker as well: the two ends of a channel must be one build. */
int
main(int argc, char **argv) {
	if (argc == 3 && strcmp(argv[1], PROCESS_COMMAND) == 0)
		return worker_main(IPC_CONTROL_DESCRIPTOR);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_proves_and_says_what_for),
		cmocka_unit_test(it_finds_what_breaks_an_invariant),
		cmocka_unit_test(what_is_wrong_with_a_text_is_said),
		cmocka_unit_test(what_takes_too_long_is_ended),
		cmocka_unit_test(a_program_that_is_no_worker_has_no_answer),
	};
	program = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
