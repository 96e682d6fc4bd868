#include "tests/test.h"

#include <string.h>

#include "policy/bundle_tests.h"

static const char *const open_record = "approvals.group";

static const char schema[] =
	"entity User in [Team] = { level: Long }; entity Team;\n"
	"action sign appliesTo { principal: [User], resource: [User], context: {\n"
	"  approvals: { group: { a: Long, b: Long }, total: Long }, zone: { mismatch: Bool, seen?: String },\n"
	"  n: Long, tags?: Set<String>, at?: datetime, by?: User, inner?: { x: Long, y?: Bool } } };\n";
static const char policies[] =
	"@id(\"small\") permit(principal, action, resource) when { context.n < 10 };\n"
	"@id(\"large\") permit(principal in Team::\"t\", action, resource)\n"
	"when { context.n < 100 && context.approvals.group.a >= 2 };\n"
	"@id(\"odd\") forbid(principal, action, resource) when { principal.level + context.n > 1000 };\n";

static const struct monotone_fact facts[] = {
	{"approvals.total", MONOTONE_COUNT}, {"approvals.group", MONOTONE_COUNTS}, {"zone.mismatch", MONOTONE_FLAG}};

static enum status
run(const char *name, const char *text, struct bundle_tests *tests) {
	_cleanup_(bundle_destroy) struct bundle *bundle = nullptr;
	const struct bundle_file files[] = {
		{BUNDLE_POLICIES, BYTES_OF_LITERAL("p.cedar"), BYTES_OF_LITERAL(policies)},
		{BUNDLE_SCHEMA, BYTES_OF_LITERAL("schema.cedarschema"), BYTES_OF_LITERAL(schema)},
		{BUNDLE_TESTS, bytes_of_text(name), bytes_of_text(text)},
	};
	assert_ok(bundle_create_of_files(&bundle, BYTES_OF_LITERAL("f"), BYTES_OF_LITERAL("1"), files, 3, nullptr));
	struct bundle_host host = {bundle->schema, &open_record, 1, {facts, 3, nullptr, 0}};
	enum status status = bundle_tests_run(bundle, &host, tests, nullptr);
	if (status != OK)
		return status;
	/* Gaps are asked for while the bundle is there. */
	_cleanup_(buffer_free) struct buffer text_of = {};
	bundle_tests_print(tests, &text_of);
	struct json_writer w;
	_cleanup_(buffer_free) struct buffer json_of = {};
	json_writer_start(&w, &json_of);
	json_write_object(&w);
	bundle_tests_write(tests, &w);
	json_write_end(&w);
	return json_writer_finish(&w);
}

#define HEAD                                                                                                           \
	"defaults: {principal: 'User::\"u\"', action: sign, resource: 'User::\"u\"', facts: {n: 5, other.fact: 1}}\n"  \
	"entities:\n  - {uid: 'User::\"u\"', parents: ['Team::\"t\"'], attrs: {level: 1}}\n"                           \
	"tests:\n"

static void
tests_say_what_was_expected_and_what_came(void **) {
	static const struct {
		const char *test, *message;
	} cases[] = {
		{"expect: permit, reasons: [small]", ""},
		{"expect: deny", "expected deny, found permit by small"},
		{"facts: {n: 50}, expect: held, missing: {group.a: 2}", ""},
		{"facts: {n: 50}, expect: permit", "expected permit, found held"},
		{"facts: {n: 50}, expect: held, missing: {group.a: 1}",
		 "2 more of approvals.group.a are missing, expected 1"},
		{"facts: {n: 50}, expect: held, missing: {group.a: 2, group.c: 1}",
		 "missing names a group that there is not"},
		{"facts: {n: 50, approvals: {group: {a: 2}}}, expect: permit, reasons: [large]", ""},
		{"facts: {n: 50, approvals.group.a: 2}, expect: permit, reasons: [small]",
		 "policy large determined it, unexpectedly"},
		{"expect: permit, reasons: [small, large]", "policy large did not determine it"},
		{"facts: {n: 500}, expect: deny, reasons: []", ""},
		{"facts: {n: 1000}, expect: deny, reasons: [odd]", ""},
		{"facts: {n: 9007199254740991, by: 'User::\"x\"'}, expect: deny, reasons: [odd]", ""},
		{"principal: 'User::\"gone\"', expect: deny, errors: [odd]", ""},
		{"principal: 'User::\"gone\"', expect: deny", "policy odd could not be evaluated"},
		{"expect: permit, errors: [odd]", "policy odd was evaluated without error"},
		{"facts: {tags: [a, b], at: 2026-01-01T00:00:00Z, inner: {x: 1, y: true}, zone.seen: x}, expect: "
		 "permit",
		 ""},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		_cleanup_(bundle_tests_free) struct bundle_tests tests = {};
		_cleanup_(buffer_free) struct buffer text = {};
		buffer_append_format(&text, HEAD "  - {name: t, %s}\n", cases[i].test);
		buffer_append_byte(&text, '\0');
		assert_ok(run("tests/t.yaml", (const char *)text.data, &tests));
		assert_int_equal(tests.count, 1);
		assert_string_equal(cases[i].message, tests.results[0].message);
		assert_int_equal(tests.results[0].passed, cases[i].message[0] == '\0');
		assert_int_equal(tests.failed, cases[i].message[0] != '\0');
		assert_int_equal(tests.results[0].line, 5);
	}
}

static void
files_that_are_no_tables_are_refused_where_they_stand(void **) {
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"tests: 1\n", "tests.form: tests/t.yaml:1:1"},
		{"test: []\n", "tests.key: tests/t.yaml:1:1"},
		{"defaults: {principle: x}\ntests: []\n", "tests.key: tests/t.yaml:1:12"},
		{"entities: 5\ntests: []\n", "tests.entities: tests/t.yaml:1:1"},
		{"entities: [{uid: User}]\ntests: []\n", "tests.entity: tests/t.yaml:1:13"},
		{"entities: [{uid: 'Users::\"u\"'}]\ntests: []\n", "tests.entity: tests/t.yaml:1:13"},
		{"entities: [{uid: 'User::\"u\"'}]\ntests: []\n", "tests.entity: tests/t.yaml:1:13"},
		{"entities: [{uid: 'User::\"u\"', attr: 1}]\ntests: []\n", "tests.entity: tests/t.yaml:1:12"},
		{HEAD "  - {expect: permit}\n", "tests.name: tests/t.yaml:5:5"},
		{HEAD "  - {name: t}\n", "tests.expect: tests/t.yaml:5:5"},
		{HEAD "  - {name: t, expect: maybe}\n", "tests.expect: tests/t.yaml:5:15"},
		{HEAD "  - {name: t, expect: deny, because: x}\n", "tests.key: tests/t.yaml:5:29"},
		{HEAD "  - {name: t, expect: deny, reasons: [none]}\n", "tests.policy: tests/t.yaml:5:39"},
		{HEAD "  - {name: t, expect: deny, reasons: none}\n", "tests.names: tests/t.yaml:5:29"},
		{HEAD "  - {name: t, expect: held, missing: [a]}\n", "tests.missing: tests/t.yaml:5:29"},
		{HEAD "  - {name: t, expect: held, missing: {a: b}}\n", "tests.missing: tests/t.yaml:5:39"},
		{HEAD "  - {name: t, expect: deny, facts: {n: five}}\n", "tests.type: tests/t.yaml:5:37"},
		{HEAD "  - {name: t, expect: deny, facts: {n: 9007199254740992}}\n", "tests.type: tests/t.yaml:5:37"},
		{HEAD "  - {name: t, expect: deny, facts: {n: [5]}}\n", "tests.type: tests/t.yaml:5:37"},
		{HEAD "  - {name: t, expect: deny, facts: {tags: x}}\n", "tests.type: tests/t.yaml:5:37"},
		{HEAD "  - {name: t, expect: deny, facts: {zone.mismatch: yes}}\n", "tests.type: tests/t.yaml:5:37"},
		{HEAD "  - {name: t, expect: deny, facts: {at: noon}}\n", "tests.type: tests/t.yaml:5:37"},
		{HEAD "  - {name: t, expect: deny, facts: {m: 5}}\n", "tests.unknown: tests/t.yaml:5:37"},
		{HEAD "  - {name: t, expect: deny, facts: {inner: {y: true}}}\n",
		 "tests.missing_fact: tests/t.yaml:5:5"},
		{HEAD "  - {name: t, expect: deny, facts: {n: absent}}\n", "tests.missing_fact: tests/t.yaml:5:5"},
		{HEAD "  - {name: t, expect: deny, facts: {zone: {seen: a}, zone.seen: b}}\n",
		 "tests.twice: tests/t.yaml:5:54"},
		{HEAD "  - {name: t, expect: deny, facts: 5}\n", "tests.facts: tests/t.yaml:5:29"},
		{HEAD "  - {name: t, expect: deny, action: send}\n", "tests.action: tests/t.yaml:5:29"},
		{HEAD "  - {name: t, expect: deny, principal: 'Team::\"t\"'}\n", "tests.request: tests/t.yaml:5:5"},
		{"tests:\n  - {name: t, expect: deny}\n", "tests.request: tests/t.yaml:2:5"},
		{HEAD "  - {name: t\n", "yaml.syntax: tests/t.yaml:6:1"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		_cleanup_(bundle_tests_free) struct bundle_tests tests = {};
		enum status status = run("tests/t.yaml", cases[i].text, &tests);
		if (status != STATUS_INVALID ||
		    strncmp(fail_message(), cases[i].message, strlen(cases[i].message)) != 0)
			fail_msg("%s: expected %s, got %s", cases[i].text, cases[i].message,
				 status == OK ? "nothing" : fail_message());
	}
}

#define ENTRY                                                                                                          \
	"{\"action\":{\"id\":\"sign\",\"type\":\"Action\"},\"principal\":{\"id\":\"u\",\"type\":\"User\"},"            \
	"\"resource\":{\"id\":\"u\",\"type\":\"User\"},\"facts\":{\"verified\":{\"n\":50,\"approvals.total\":0,"       \
	"\"approvals.group\":{\"a\":1,\"b\":0}}},\"entities\":[{\"attrs\":{\"level\":1},\"parents\":[{\"id\":\"t\","   \
	"\"type\":\"Team\"}],\"uid\":{\"id\":\"u\",\"type\":\"User\"}}],\"more\":\"is passed over\"}"

static void
a_recorded_operation_is_a_test(void **) {
	_cleanup_(bundle_tests_free) struct bundle_tests tests = {}, wrong = {};
	assert_ok(run("tests/t.json",
		      "[{\"name\":\"r\",\"recorded\":" ENTRY ",\"expect\":\"held\",\"missing\":{\"group.a\":1}},"
		      "{\"name\":\"s\",\"recorded\":" ENTRY ",\"expect\":\"permit\",\"reasons\":[\"large\"]}]",
		      &tests));
	assert_int_equal(tests.count, 2);
	assert_int_equal(tests.failed, 1);
	assert_string_equal("expected permit, found held", tests.results[1].message);
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"{}", "tests.form: tests/t.json:1:1"},
		{"[{\"name\":\"r\"}]", "tests.recorded: tests/t.json:1:1: tests.expect"},
		{"[{\"name\":\"r\",\"expect\":\"deny\",\"recorded\":{}}]",
		 "tests.recorded: tests/t.json:1:1: recorded.principal"},
		{"[{\"name\":\"r\",\"expect\":\"deny\",\"reasons\":5,\"recorded\":{}}]",
		 "tests.recorded: tests/t.json:1:1: tests.names"},
		{"[{\"name\":\"r\",\"expect\":\"deny\",\"missing\":5,\"recorded\":{}}]",
		 "tests.recorded: tests/t.json:1:1: tests.missing"},
		{"[{\"name\":\"r\",\"expect\":\"no\",\"recorded\":{}}]",
		 "tests.recorded: tests/t.json:1:1: tests.expect"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		_cleanup_(bundle_tests_free) struct bundle_tests refused = {};
		enum status status = run("tests/t.json", cases[i].text, &refused);
		if (status != STATUS_INVALID ||
		    strncmp(fail_message(), cases[i].message, strlen(cases[i].message)) != 0)
			fail_msg("%s: expected %s, got %s", cases[i].text, cases[i].message, fail_message());
	}
}

static void
what_was_not_tried_is_told_with_its_place(void **) {
	_cleanup_(bundle_destroy) struct bundle *bundle = nullptr;
	_cleanup_(bundle_tests_free) struct bundle_tests tests = {};
	const struct bundle_file files[] = {
		{BUNDLE_POLICIES, BYTES_OF_LITERAL("p.cedar"), BYTES_OF_LITERAL(policies)},
		{BUNDLE_SCHEMA, BYTES_OF_LITERAL("schema.cedarschema"), BYTES_OF_LITERAL(schema)},
		{BUNDLE_TESTS, BYTES_OF_LITERAL("tests/t.yaml"),
		 BYTES_OF_LITERAL(HEAD "  - {name: t, facts: {n: 50}, expect: held}\n")},
	};
	assert_ok(bundle_create_of_files(&bundle, BYTES_OF_LITERAL("f"), BYTES_OF_LITERAL("1"), files, 3, nullptr));
	struct bundle_host host = {bundle->schema, &open_record, 1, {facts, 3, nullptr, 0}};
	assert_ok(bundle_tests_run(bundle, &host, &tests, nullptr));
	struct coverage_counts counts = coverage_counts(tests.coverage);
	assert_int_equal(counts.policies, 3);
	assert_int_equal(counts.policies_covered, 0);
	assert_int_equal(counts.conditions, 8);
	assert_int_equal(counts.conditions_covered, 4);
	static const struct {
		const char *policy, *never;
		size_t line, column;
	} gaps[] = {
		{"small", "satisfied", 1, 14}, {"small", "true", 1, 57}, {"large", "satisfied", 2, 14},
		{"large", "false", 3, 8},      {"large", "true", 3, 27}, {"odd", "satisfied", 4, 12},
		{"odd", "true", 4, 55},
	};
	struct coverage_gap gap;
	for (size_t i = 0; i < sizeof gaps / sizeof *gaps; i++) {
		assert_true(coverage_gap(tests.coverage, i, &gap));
		assert_bytes(bytes_of_text(gaps[i].policy), gap.policy);
		assert_string_equal(gaps[i].never, gap.never);
		assert_int_equal(gaps[i].line, gap.line);
		assert_int_equal(gaps[i].column, gap.column);
	}
	assert_false(coverage_gap(tests.coverage, sizeof gaps / sizeof *gaps, &gap));
}

RUN_TESTS(T(tests_say_what_was_expected_and_what_came), T(files_that_are_no_tables_are_refused_where_they_stand),
	  T(a_recorded_operation_is_a_test), T(what_was_not_tried_is_told_with_its_place))
