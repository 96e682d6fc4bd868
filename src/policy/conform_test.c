#include "tests/test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "policy/conform.h"

/* What the shared corpora hold. */
constexpr size_t HAND_WRITTEN_CASES = 22;
constexpr size_t HAND_WRITTEN_REQUESTS = 74;
constexpr size_t GENERATED_CASES = 3'820;
constexpr size_t GENERATED_REQUESTS = 30'560;

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
	if (test_corpora() == nullptr)
		skip();
	_cleanup_(conform_report_free) struct conform_report report = {};
	char path[512];
	snprintf(path, sizeof path, "%s/cedar/tests", test_corpora());
	assert_ok(conform_run(io_system(), path, &report));
	assert_all_agree(&report, HAND_WRITTEN_CASES, HAND_WRITTEN_REQUESTS);
}

static void
the_generated_cases_agree(void **) {
	if (test_corpora() == nullptr)
		skip();
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

RUN_TESTS(T(the_hand_written_cases_agree), T(the_generated_cases_agree))
