/* What is asked of a worker and what it answers: bound to each other, and refused where they are not what they should be. */
#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "policy/bundle.h"
#include "policy/work.h"

static const char schema[] = "entity A; action x appliesTo { principal: A, resource: A, context: { n: Long } };";
static const char policies[] = "permit(principal, action, resource) when { context.n <= 5 };";

struct fixture {
	struct arena arena;
	struct bundle *bundle;
	struct buffer request, document;
	struct work_answer answer;
};

static void
free_fixture(struct fixture *fixture) {
	arena_free(&fixture->arena);
	bundle_destroy(&fixture->bundle);
	buffer_free(&fixture->request);
	buffer_free(&fixture->document);
}

static void
ask_of_bundle(struct fixture *fixture, const char *one, const char *other) {
	const struct bundle_file files[] = {
		{BUNDLE_POLICIES, BYTES_OF_LITERAL("p.cedar"), BYTES_OF_LITERAL(policies)},
		{BUNDLE_SCHEMA, BYTES_OF_LITERAL("schema.cedarschema"), BYTES_OF_LITERAL(schema)},
		{BUNDLE_INVARIANTS, BYTES_OF_LITERAL("invariants/a.cedar"), bytes_of_text(one)},
		{BUNDLE_INVARIANTS, BYTES_OF_LITERAL("invariants/b.cedar"), bytes_of_text(other)},
	};
	assert_ok(bundle_create_of_files(&fixture->bundle, BYTES_OF_LITERAL("n"), BYTES_OF_LITERAL("1"), files,
					 ARRAY_LENGTH(files), nullptr));
	assert_ok(work_write_bundle(fixture->bundle->text, false, &fixture->request));
	assert_ok(work_perform(buffer_bytes(&fixture->request), &fixture->document));
	assert_ok(work_read_answer(&fixture->arena, buffer_bytes(&fixture->request), buffer_bytes(&fixture->document),
				   &fixture->answer));
}

static void
a_bundle_is_proved_under_its_hash(void **) {
	_cleanup_(free_fixture) struct fixture fixture = {};
	char hash[65];
	ask_of_bundle(&fixture, "@id(\"a\") forbid(principal, action, resource) when { context.n > 5 };",
		      "@id(\"b\") permit(principal, action, resource) when { context.n == 1 };");
	assert_ok(work_answer_is_proved(&fixture.answer));
	assert_int_equal(2, fixture.answer.verdict_count);
	hex_encode(BYTES_OF_ARRAY(fixture.bundle->hash.bytes), hash);
	assert_bytes(bytes_of_text(hash), fixture.answer.bundle);
}

static void
a_bundle_that_breaks_an_invariant_is_refused_by_its_id(void **) {
	_cleanup_(free_fixture) struct fixture fixture = {};
	ask_of_bundle(&fixture, "@id(\"a\") forbid(principal, action, resource) when { context.n > 5 };",
		      "@id(\"b\") forbid(principal, action, resource) when { context.n > 4 };");
	assert_fails(STATUS_DENIED, "work.refuted", work_answer_is_proved(&fixture.answer));
	assert_non_null(strstr(fail_message(), "\"b\""));
}

static void
one_id_in_two_files_is_refused(void **) {
	_cleanup_(free_fixture) struct fixture fixture = {};
	static const char same[] = "@id(\"a\") forbid(principal, action, resource) when { context.n > 5 };";
	ask_of_bundle(&fixture, same, same);
	assert_false(fixture.answer.is_done);
	assert_fails(STATUS_INVALID, "policy.duplicate_id", work_answer_is_proved(&fixture.answer));
}

/* --- Bad requests: each is answered, with its name --- */

#define FILE_JSON "{\"name\":\"\",\"text\":\"\"}"
#define REQUEST(ask, middle)                                                                                           \
	"{\"ask\":\"" ask "\",\"bundle\":\"\"," middle "\"entities\":" FILE_JSON                                       \
	",\"fact\":\"\",\"gateway_hostile\":false,\"invariants\":" FILE_JSON                                           \
	",\"more_than\":0,\"old\":[],\"policies\":[],\"schema\":" FILE_JSON                                            \
	",\"schema_is_json\":false,\"type\":\"gatehouse/worker-request/v1\"}"

static const struct {
	const char *request, *error;
} bad_requests[] = {
	{"", "json.syntax"},
	{"[]", "work"},
	{"{\"type\":\"gatehouse/worker-request/v2\"}", "work.version"},
	{"{\"type\":\"gatehouse/worker-request/v1\",\"x\":1}", "work.x"},
	{"{\"type\":\"gatehouse/worker-request/v1\"}", "work.ask"},
	{REQUEST("sign", ""), "work.ask"},
	{REQUEST("prove", "\"document\":{},"), "work.document"},
	{REQUEST("bundle", ""), "work.document"},
	{REQUEST("bundle", "\"document\":{},"), "work.bundle"},
	{REQUEST("people", ""), "json.syntax"},
	{"{\"ask\":\"prove\",\"bundle\":1,\"type\":\"gatehouse/worker-request/v1\"}", "work.bundle"},
	{"{\"ask\":\"prove\",\"bundle\":\"\",\"entities\":" FILE_JSON
	 ",\"fact\":\"\",\"gateway_hostile\":false,\"invariants\":"
	 "{\"name\":\"\"},\"more_than\":0,\"schema_is_json\":false,\"type\":\"gatehouse/worker-request/v1\"}",
	 "work.file.text"},
	{"{\"ask\":\"prove\",\"bundle\":\"\",\"entities\":" FILE_JSON
	 ",\"fact\":\"\",\"gateway_hostile\":false,\"invariants\":" FILE_JSON
	 ",\"more_than\":0,\"old\":[1],\"policies\":[],\"schema\":" FILE_JSON
	 ",\"schema_is_json\":false,\"type\":\"gatehouse/worker-request/v1\"}",
	 "work.old"},
};

static void
bad_requests_are_answered_by_name(void **) {
	for (size_t i = 0; i < ARRAY_LENGTH(bad_requests); i++) {
		_cleanup_(free_fixture) struct fixture fixture = {};
		struct bytes request = bytes_of_text(bad_requests[i].request);
		assert_ok(work_perform(request, &fixture.document));
		assert_ok(work_read_answer(&fixture.arena, request, buffer_bytes(&fixture.document), &fixture.answer));
		assert_false(fixture.answer.is_done);
		assert_int_equal(STATUS_INVALID, work_answer_is_proved(&fixture.answer));
		char name[64];
		fail_name(name, sizeof name);
		if (strcmp(name, bad_requests[i].error) != 0)
			fail_msg("%s: expected %s, found %s", bad_requests[i].request, bad_requests[i].error,
				 fail_message());
	}
}

/* --- Bad answers --- */

/* SHA-256 of nothing: the answer to an empty request. */
#define NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ANSWER(engine, middle, request)                                                                                \
	"{\"bundle\":\"\",\"engine\":" engine ",\"invariants\":\"" NOTHING "\"," middle "\"request\":\"" request       \
	"\",\"type\":\"gatehouse/worker-answer/v1\"}"

static const struct {
	const char *answer;
	enum status status;
	const char *name;
} bad_answers[] = {
	{"", STATUS_INVALID, "json.syntax"},
	{"{}", STATUS_INVALID, "work.answer.type"},
	{"{\"type\":\"gatehouse/worker-answer/v2\"}", STATUS_UNSUPPORTED, "work.answer"},
	{ANSWER("2", "\"report\":{\"findings\":[]},", NOTHING), STATUS_UNSUPPORTED, "work.engine"},
	{ANSWER("1", "\"report\":{\"findings\":[]},", "00"), STATUS_INVALID, "hex.length"},
	{ANSWER("1", "\"report\":{\"findings\":[]},",
		"0000000000000000000000000000000000000000000000000000000000000000"),
	 STATUS_CONFLICT, "work.mismatch"},
	{ANSWER("1", "", NOTHING), STATUS_INVALID, "work.answer.report"},
	{ANSWER("1", "\"report\":{},", NOTHING), STATUS_INVALID, "work.answer.findings"},
	{ANSWER("1", "\"report\":{\"findings\":[1]},", NOTHING), STATUS_INVALID, "work.answer"},
	{ANSWER("1", "\"report\":{\"findings\":[{\"check\":\"never\",\"subject\":\"a\",\"verdict\":\"true\"}]},",
		NOTHING),
	 STATUS_INVALID, "work.answer"},
};

static void
bad_answers_are_refused_by_name(void **) {
	for (size_t i = 0; i < ARRAY_LENGTH(bad_answers); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct work_answer answer;
		char name[64];
		enum status status =
			work_read_answer(&arena, (struct bytes){}, bytes_of_text(bad_answers[i].answer), &answer);
		fail_name(name, sizeof name);
		if (status != bad_answers[i].status || strcmp(name, bad_answers[i].name) != 0)
			fail_msg("%s: expected %s, found %s: %s", bad_answers[i].answer, bad_answers[i].name,
				 status_name(status), fail_message());
	}
}

static void
nothing_but_proved_is_proved(void **) {
	static const struct {
		const char *findings;
		enum status status;
	} cases[] = {
		{"", OK}, /* no invariants */
		{"{\"check\":\"never\",\"subject\":\"a\",\"verdict\":\"proved\"}", OK},
		{"{\"check\":\"never\",\"reason\":\"prove.effort: x\",\"subject\":\"a\",\"verdict\":\"unknown\"}",
		 STATUS_UNAVAILABLE},
		{"{\"check\":\"never\",\"subject\":\"a\",\"verdict\":\"proved\"},"
		 "{\"check\":\"never\",\"subject\":\"b\",\"verdict\":\"counterexample\"}",
		 STATUS_DENIED},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct work_answer answer;
		char text[600];
		snprintf(text, sizeof text, ANSWER("1", "\"report\":{\"findings\":[%s]},", NOTHING), cases[i].findings);
		assert_ok(work_read_answer(&arena, (struct bytes){}, bytes_of_text(text), &answer));
		assert_int_equal(cases[i].status, work_answer_is_proved(&answer));
	}
}

int
main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bundle_is_proved_under_its_hash),
		cmocka_unit_test(a_bundle_that_breaks_an_invariant_is_refused_by_its_id),
		cmocka_unit_test(one_id_in_two_files_is_refused),
		cmocka_unit_test(bad_requests_are_answered_by_name),
		cmocka_unit_test(bad_answers_are_refused_by_name),
		cmocka_unit_test(nothing_but_proved_is_proved),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
