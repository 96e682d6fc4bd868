#include "tests/test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "policy/conform.h"
#include "policy/format.h"
#include "policy/policy_json.h"
#include "tests/corpora.h"

/* What the shared corpora hold. */
constexpr size_t HAND_WRITTEN_CASES = 22;
constexpr size_t HAND_WRITTEN_REQUESTS = 74;
constexpr size_t GENERATED_CASES = 3'820;
constexpr size_t GENERATED_REQUESTS = 30'560;
constexpr size_t FORMATTED_CASES = 3'786;

static void
assert_all_agree(const struct conform_report *report, size_t cases, size_t requests) {
	_cleanup_(buffer_free) struct buffer text = {};
	conform_print(report, &text);
	buffer_append_byte(&text, 0);
	assert_ok(buffer_status(&text));
	print_message("%s", (const char *)text.data);
	assert_int_equal(report->cases, cases);
	assert_int_equal(report->requests, requests);
	assert_int_equal(report->agree, requests);
	assert_int_equal(report->validations, cases);
	assert_int_equal(report->validations_agree, cases);
	assert_int_equal(report->difference_count, 0);
}

static void
the_hand_written_cases_agree(void **) {
	corpora_need("cedar");
	_cleanup_(conform_report_free) struct conform_report report = {};
	char path[512];
	snprintf(path, sizeof path, "%s/cedar/tests", test_corpora());
	assert_ok(conform_run(io_system(), path, &report));
	assert_all_agree(&report, HAND_WRITTEN_CASES, HAND_WRITTEN_REQUESTS);
}

static const struct policy_set_options lenient = {
	.number_all = true, .allow_bidirectional = true, .allow_any_arguments = true};

struct survey {
	const char *directory;
	size_t policies;
	size_t formatted; /* all but those whose calls have the wrong number of arguments */
};

static enum status
write_again(const struct policy_set *set, struct bytes expected) {
	_cleanup_(buffer_free) struct buffer again = {};
	TRY(policy_set_write_json(set, &again));
	return bytes_equal(buffer_bytes(&again), expected) ? OK : fail(STATUS_CORRUPT, "test.json: another policy");
}

/* The JSON form of the text, of itself, and of the formatted text, which formats as itself. */
static enum status
survey_file(void *context, const char *name) {
	struct survey *survey = context;
	_cleanup_(policy_set_destroy) struct policy_set *set = nullptr, *copy = nullptr, *formatted = nullptr;
	_cleanup_(buffer_free) struct buffer text = {}, json_text = {}, once = {}, twice = {};
	char path[512];
	size_t length = strlen(name);
	if (length < 6 || strcmp(name + length - 6, ".cedar") != 0)
		return OK;
	snprintf(path, sizeof path, "%s/corpus/%s", survey->directory, name);
	TRY(io_read_file(io_system(), path, 1 << 24, &text));
	TRY(policy_set_create(&lenient, &set));
	TRY(policy_set_create(&lenient, &copy));
	TRY(policy_set_create(&lenient, &formatted));
	TRY(policy_set_add(set, name, buffer_bytes(&text), nullptr));
	TRY(policy_set_write_json(set, &json_text));
	TRY(policy_set_add_json(copy, name, buffer_bytes(&json_text), nullptr));
	TRY(write_again(copy, buffer_bytes(&json_text)));
	survey->policies++;
	if (policy_format(name, buffer_bytes(&text), &once, nullptr) == STATUS_INVALID)
		return strstr(fail_message(), "policy.arguments") != nullptr ? OK : STATUS_INVALID;
	TRY(policy_set_add(formatted, name, buffer_bytes(&once), nullptr));
	TRY(write_again(formatted, buffer_bytes(&json_text)));
	TRY(policy_format(name, buffer_bytes(&once), &twice, nullptr));
	survey->formatted++;
	return bytes_equal(buffer_bytes(&once), buffer_bytes(&twice)) ? OK
								      : fail(STATUS_CORRUPT, "test.format: %s", name);
}

static void
every_policy_survives_the_json_form_and_formatting(void **) {
	corpora_need("cedar");
	char directory[] = "/tmp/gatehouse-survey-XXXXXX", command[1024], corpus[64];
	struct survey survey = {.directory = directory};
	assert_non_null(mkdtemp(directory));
	snprintf(command, sizeof command, "tar -xJf '%s/cedar/corpus.tar.xz' -C %s", test_corpora(), directory);
	int unpacked = system(command);
	snprintf(corpus, sizeof corpus, "%s/corpus", directory);
	enum status status = unpacked == 0 ? io_list_directory(io_system(), corpus, survey_file, &survey) : OK;
	snprintf(command, sizeof command, "rm -rf %s", directory);
	assert_int_equal(system(command), 0);
	assert_int_equal(unpacked, 0);
	assert_ok(status);
	print_message("%zu policies, %zu formatted\n", survey.policies, survey.formatted);
	assert_int_equal(survey.policies, GENERATED_CASES);
	assert_int_equal(survey.formatted, FORMATTED_CASES);
}

static void
the_generated_cases_agree(void **) {
	corpora_need("cedar");
	_cleanup_(conform_report_free) struct conform_report report = {};
	char directory[] = "/tmp/gatehouse-conform-XXXXXX", command[1024];
	assert_non_null(mkdtemp(directory));
	snprintf(command, sizeof command, "tar -xJf '%s/cedar/corpus.tar.xz' -C %s", test_corpora(), directory);
	int unpacked = system(command);
	enum status status = unpacked == 0 ? conform_run(io_system(), directory, &report) : OK;
	snprintf(command, sizeof command, "rm -rf %s", directory);
	assert_int_equal(system(command), 0);
	assert_int_equal(unpacked, 0);
	assert_ok(status);
	assert_all_agree(&report, GENERATED_CASES, GENERATED_REQUESTS);
}

/* --- The harness itself: it sees what a case says wrongly. --- */

#define POLICIES                                                                                                       \
	"permit (principal == User::\"alice\", action, resource);\n"                                                   \
	"forbid (principal, action, resource) when { context.level + 9223372036854775807 < 0 };\n"

/* A case below the files that it names: alice at level 0, alice at level 1 (where the forbid cannot be evaluated), and bob. */
struct variant {
	const char *policies, *validates, *decision, *reason; /* of the first request */
	const char *errors;                                   /* of the second */
	size_t agree, validations, validations_agree;
	const char *difference; /* what it starts with; null: there is none */
};

static void
put_file(const char *directory, const char *name, const char *text) {
	char path[512];
	snprintf(path, sizeof path, "%s/%s", directory, name);
	FILE *file = fopen(path, "wbe");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(0, fclose(file));
}

static void
put_case(const char *directory, const struct variant *variant) {
	static const char schema[] =
		"entity User; entity Photo;\n"
		"action view appliesTo { principal: User, resource: Photo, context: { level: Long } };\n";
	_cleanup_(arena_free) struct arena arena = {};
	static const char *const names[] = {"alice", "alice", "bob"};
	const char *requests = "";
	for (int i = 0; i < 3; i++) {
		const char *decision = i == 0 ? variant->decision : i == 1 ? "allow" : "deny";
		const char *reason = i == 0 ? variant->reason : i == 1 ? "\"policy0\"" : "";
		requests = arena_format(
			&arena,
			"%s%s{\"action\":{\"id\":\"view\",\"type\":\"Action\"},\"context\":{\"level\":%d},"
			"\"decision\":\"%s\",\"errors\":[%s],\"principal\":{\"id\":\"%s\",\"type\":\"User\"},"
			"\"reason\":[%s],\"resource\":{\"id\":\"one\",\"type\":\"Photo\"}}",
			requests, i == 0 ? "" : ",", i == 1, decision, i == 1 ? variant->errors : "", names[i], reason);
	}
	put_file(directory, "entities.json", "[]");
	put_file(directory, "policies.cedar", variant->policies);
	put_file(directory, "schema.cedarschema", schema);
	put_file(directory, "cases/case.json",
		 arena_format(&arena,
			      "{\"entities\":\"entities.json\",\"policies\":\"policies.cedar\",\"requests\":[%s],"
			      "\"schema\":\"schema.cedarschema\",\"shouldValidate\":%s}",
			      requests, variant->validates));
}

/* What conform_write says is what the report holds. */
static void
assert_written(const struct conform_report *report) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer text = {};
	const json *document, *differences;
	struct json_writer writer;
	const struct {
		const char *name;
		size_t count;
	} counts[] = {{"agree", report->agree},
		      {"cases", report->cases},
		      {"requests", report->requests},
		      {"validations", report->validations},
		      {"validations_agree", report->validations_agree}};
	json_writer_start(&writer, &text);
	conform_write(report, &writer);
	assert_ok(json_writer_finish(&writer));
	assert_ok(json_read(&arena, buffer_bytes(&text), (struct json_limits){}, &document));
	for (size_t i = 0; i < ARRAY_LENGTH(counts); i++) {
		int64_t count;
		assert_ok(json_need_integer(document, "report", counts[i].name, &count));
		assert_int_equal(counts[i].count, count);
	}
	assert_ok(json_need(document, "report", "differences", JSON_ARRAY, &differences));
	assert_int_equal(report->difference_count, json_size(differences));
	struct json_iterator iterator = json_iterate(differences);
	for (size_t i = 0; i < report->difference_count; i++)
		assert_bytes(bytes_of_text(report->differences[i]), json_string(json_next(&iterator, nullptr)));
}

/* The requests alone: the same of them, and no schema is looked at. */
static void
check_requests(const char *directory, const struct variant *variant) {
	_cleanup_(conform_report_free) struct conform_report report = {};
	assert_ok(conform_run_requests(io_system(), directory, &report));
	assert_int_equal(3, report.requests);
	assert_int_equal(variant->agree, report.agree);
	assert_int_equal(0, report.validations);
}

static void
check_variant(const char *directory, const struct variant *variant) {
	_cleanup_(conform_report_free) struct conform_report report = {};
	char expected[512];
	put_case(directory, variant);
	assert_ok(conform_run(io_system(), directory, &report));
	check_requests(directory, variant);
	assert_int_equal(1, report.cases);
	assert_int_equal(3, report.requests);
	assert_int_equal(variant->agree, report.agree);
	assert_int_equal(variant->validations, report.validations);
	assert_int_equal(variant->validations_agree, report.validations_agree);
	assert_int_equal(variant->difference != nullptr, report.difference_count);
	if (variant->difference != nullptr) {
		snprintf(expected, sizeof expected, "%s/cases/case.json: %s", directory, variant->difference);
		if (strncmp(expected, report.differences[0], strlen(expected)) != 0)
			fail_msg("expected \"%s…\", found \"%s\"", expected, report.differences[0]);
	}
	assert_written(&report);
}

static void
a_case_that_is_wrong_in_one_thing_differs_in_that(void **) {
	static const char right[] = "\"policy0\"", error[] = "\"policy1\"",
			  other_reasons[] = "request 0: other reasons",
			  other_errors[] = "request 1: other errors than expected, found ";
	static const struct variant variants[] = {
		{POLICIES, "true", "allow", right, error, 3, 1, 1, nullptr},
		{POLICIES, "true", "deny", right, error, 2, 1, 1, "request 0: expected deny, found allow"},
		{POLICIES, "true", "maybe", right, error, 2, 1, 1, "request 0: conform.decision"},
		{POLICIES, "true", "allow", "", error, 2, 1, 1, other_reasons},
		{POLICIES, "true", "allow", "\"policy1\"", error, 2, 1, 1, other_reasons},
		{POLICIES, "true", "allow", "\"policy0\",\"policy1\"", error, 2, 1, 1, other_reasons},
		{POLICIES, "true", "allow", right, "", 2, 1, 1, other_errors},
		{POLICIES, "true", "allow", right, "\"policy0\"", 2, 1, 1, other_errors},
		{POLICIES, "true", "allow", right, "\"policy0\",\"policy1\"", 2, 1, 1, other_errors},
		{POLICIES, "false", "allow", right, error, 3, 1, 0, "validation: expected invalid, found valid"},
		{POLICIES "permit (principal, action == Action::\"erase\", resource);", "true", "allow", right, error,
		 3, 1, 0, "validation: expected valid, found "},
		{"permit (principal", "true", "allow", right, error, 0, 0, 0,
		 "policy.unexpected_end: policies.cedar:1:18: "},
	};
	char directory[] = "/tmp/gatehouse-conform-XXXXXX", command[128];
	assert_non_null(mkdtemp(directory));
	snprintf(command, sizeof command, "mkdir %s/cases", directory);
	assert_int_equal(0, system(command));
	struct conform_report none;
	assert_fails(STATUS_NOT_FOUND, "conform.none", conform_run(io_system(), directory, &none));
	for (size_t i = 0; i < ARRAY_LENGTH(variants); i++)
		check_variant(directory, &variants[i]);
	snprintf(command, sizeof command, "rm -rf %s", directory);
	assert_int_equal(0, system(command));
}

RUN_TESTS(T(a_case_that_is_wrong_in_one_thing_differs_in_that), T(the_hand_written_cases_agree),
	  T(the_generated_cases_agree), T(every_policy_survives_the_json_form_and_formatting))
