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

RUN_TESTS(T(the_hand_written_cases_agree), T(the_generated_cases_agree),
	  T(every_policy_survives_the_json_form_and_formatting))
