#include "tests/test.h"
#include "base/status.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

static enum status
refuse(void) {
	return fail(STATUS_DENIED, "gate.closed: expected %s, found %d", "an open gate", 7);
}

static enum status
refuse_through_try(bool *went_on) {
	TRY(refuse());
	*went_on = true;
	return OK;
}

static void
the_detail_is_kept_and_its_stable_name_read_off(void **) {
	assert_int_equal(STATUS_DENIED, refuse());
	assert_string_equal("gate.closed: expected an open gate, found 7", fail_message());
	char name[64], small[5], none[1] = {'x'};
	fail_name(name, sizeof name);
	assert_string_equal("gate.closed", name);
	fail_name(small, sizeof small);
	assert_string_equal("gate", small);
	fail_name(none, 0);
	assert_int_equal('x', none[0]);
}

static void
try_hands_the_status_on_at_once(void **) {
	bool went_on = false;
	assert_int_equal(STATUS_DENIED, refuse_through_try(&went_on));
	assert_false(went_on);
}

static void
a_detail_may_be_built_from_the_last_one(void **) {
	(void)!refuse();
	enum status status = fail(STATUS_INTERNAL, "outer: %s", fail_message());
	assert_int_equal(STATUS_INTERNAL, status);
	assert_string_equal("outer: gate.closed: expected an open gate, found 7", fail_message());
}

static void
the_reason_of_the_system_is_appended(void **) {
	errno = ENOENT;
	assert_int_equal(STATUS_IO, fail_errno(STATUS_IO, "io.open: %s", "/x"));
	assert_string_equal("io.open: /x: No such file or directory", fail_message());
}

static void
a_detail_that_is_too_long_is_cut(void **) {
	char text[5000];
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	assert_int_equal(STATUS_INVALID, fail(STATUS_INVALID, "long: %s", text));
	assert_int_equal(1023, strlen(fail_message()));
	errno = EIO;
	assert_int_equal(STATUS_IO, fail_errno(STATUS_IO, "long: %s", text));
	assert_int_equal(1023, strlen(fail_message()));
}

static void *
fail_elsewhere(void *) {
	fail_keep("other.thread: x");
	return nullptr;
}

static void
each_thread_has_its_own_detail(void **) {
	pthread_t thread;
	(void)!refuse();
	assert_int_equal(0, pthread_create(&thread, nullptr, fail_elsewhere, nullptr));
	assert_int_equal(0, pthread_join(thread, nullptr));
	assert_string_equal("gate.closed: expected an open gate, found 7", fail_message());
}

static void
every_status_has_a_name_of_its_own(void **) {
	for (int i = 0; i < STATUS_COUNT; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(status_name((enum status)i), status_name((enum status)j));
	assert_string_equal("ok", status_name(OK));
	assert_string_equal("unknown", status_name(STATUS_COUNT));
}

static int cleaned;

static void
count_cleanup(char **pointer) {
	cleaned += *pointer != nullptr;
}

static char *
take_one(char *kept, char *handed_on) {
	_cleanup_(count_cleanup) char *first = kept;
	_cleanup_(count_cleanup) char *second = handed_on;
	return TAKE(second) + (first == nullptr);
}

static void
take_hands_ownership_past_the_cleanup(void **) {
	char a, b;
	cleaned = 0;
	assert_ptr_equal(&b, take_one(&a, &b));
	assert_int_equal(1, cleaned);
}

static void
a_detail_is_text_whatever_it_quotes(void **) {
	static const struct {
		const char *quoted, *kept;
	} cases[] = {
		{"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
		{"\xf0\x9f\x94\x91", "\xf0\x9f\x94\x91"},
		{"cut \xc3", "cut ?"},
		{"\xe2\x82", "??"},
		{"\xc0\xaf", "??"},
		{"\xed\xa0\x80", "???"},
		{"\xf4\x90\x80\x80", "????"},
		{"\xff", "?"},
		{"\x1b[2Jverified", "?[2Jverified"},
		{"a\nb\tc\x7f", "a?b?c?"},
		{"\xc2\x9b"
		 "1m",
		 "??1m"},
		{"\xe2\x80\xae"
		 "abc",
		 "???abc"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		(void)fail(STATUS_INVALID, "test.quote: %s", cases[i].quoted);
		assert_string_equal(cases[i].kept, fail_message() + strlen("test.quote: "));
	}
}

RUN_TESTS(T(a_detail_is_text_whatever_it_quotes), T(the_detail_is_kept_and_its_stable_name_read_off),
	  T(try_hands_the_status_on_at_once), T(a_detail_may_be_built_from_the_last_one),
	  T(the_reason_of_the_system_is_appended), T(a_detail_that_is_too_long_is_cut),
	  T(each_thread_has_its_own_detail), T(every_status_has_a_name_of_its_own),
	  T(take_hands_ownership_past_the_cleanup))
