#include "tests/test.h"
#include "identity/access.h"

#include <stdio.h>

static const struct bytes AUDITOR = BYTES_OF_LITERAL("workload:auditor"), ANNA = BYTES_OF_LITERAL("person:p-01"),
			  BERTA = BYTES_OF_LITERAL("person:p-02");

static void
an_auditor_stays_one_without_any_grant(void **) {
	_cleanup_(access_free) struct access access = {};
	assert_false(access_is_auditor(&access, AUDITOR));
	assert_ok(access_grant(&access, AUDITOR, BYTES_OF_LITERAL("trading"), 10, 20));
	assert_true(access_is_auditor(&access, AUDITOR));
	assert_ok(access_revoke(&access, AUDITOR, BYTES_OF_LITERAL("trading")));
	assert_true(access_is_auditor(&access, AUDITOR));
	assert_int_equal(0, access_grant_count(&access, AUDITOR));
	assert_fails(STATUS_NOT_FOUND, "access.no_grant", access_revoke(&access, AUDITOR, BYTES_OF_LITERAL("trading")));
	assert_fails(STATUS_NOT_FOUND, "access.no_grant", access_revoke(&access, ANNA, BYTES_OF_LITERAL("trading")));
	assert_ok(access_make_auditor(&access, ANNA));
	assert_true(access_is_auditor(&access, ANNA));
	assert_false(access_is_auditor(&access, BERTA));
}

static void
one_entity_has_one_period_and_they_stand_in_order(void **) {
	_cleanup_(access_free) struct access access = {};
	assert_ok(access_grant(&access, AUDITOR, BYTES_OF_LITERAL("trading"), 10, 20));
	assert_int_equal(10, access_grant_at(&access, AUDITOR, 0)->from_ms);
	assert_ok(access_grant(&access, AUDITOR, BYTES_OF_LITERAL("trading"), 11, 30));
	assert_int_equal(1, access_grant_count(&access, AUDITOR));
	assert_int_equal(30, access_grant_at(&access, AUDITOR, 0)->until_ms);
	assert_ok(access_grant(&access, AUDITOR, BYTES_OF_LITERAL("custody"), 1, 2));
	assert_string_equal("custody", access_grant_at(&access, AUDITOR, 0)->entity); /* in order */
	assert_string_equal("trading", access_grant_at(&access, AUDITOR, 1)->entity);
	assert_null(access_grant_at(&access, AUDITOR, 2));
	assert_null(access_grant_at(&access, ANNA, 0));
}

static void
bad_grants_are_refused(void **) {
	_cleanup_(access_free) struct access access = {};
	char name[ACCESS_NAME_MAX + 2];
	memset(name, 'x', sizeof name);
	assert_fails(STATUS_INVALID, "access.period",
		     access_grant(&access, AUDITOR, BYTES_OF_LITERAL("trading"), 20, 20));
	assert_fails(STATUS_INVALID, "access.period",
		     access_grant(&access, AUDITOR, BYTES_OF_LITERAL("trading"), -1, 20));
	assert_fails(STATUS_INVALID, "access.name", access_grant(&access, AUDITOR, (struct bytes){}, 1, 2));
	assert_fails(STATUS_INVALID, "access.name",
		     access_grant(&access, AUDITOR, bytes_of(name, ACCESS_NAME_MAX + 1), 1, 2));
	assert_fails(STATUS_INVALID, "access.period", access_let_read(&access, ANNA, 0));
	assert_false(access_is_auditor(&access, AUDITOR)); /* nothing of it stays */
	for (size_t i = 0; i < ACCESS_GRANTS_MAX; i++) {
		char entity[16];
		snprintf(entity, sizeof entity, "e%zu", i);
		assert_ok(access_grant(&access, AUDITOR, bytes_of_text(entity), 1, 2));
	}
	assert_fails(STATUS_TOO_LARGE, "access.grants",
		     access_grant(&access, AUDITOR, BYTES_OF_LITERAL("one-more"), 1, 2));
	assert_ok(access_grant(&access, AUDITOR, BYTES_OF_LITERAL("e3"), 3, 4));
}

static void
personal_values_are_read_by_their_person_and_until_a_time_by_who_was_let(void **) {
	_cleanup_(access_free) struct access access = {};
	assert_true(access_may_read(&access, ANNA, ANNA, 0));
	assert_false(access_may_read(&access, ANNA, BERTA, 0));
	assert_ok(access_let_read(&access, ANNA, 100));
	assert_true(access_may_read(&access, ANNA, BERTA, 99));
	assert_false(access_may_read(&access, ANNA, BERTA, 100));
	assert_true(access_may_read(&access, ANNA, ANNA, 100));
	assert_ok(access_let_read(&access, ANNA, 200));
	assert_true(access_may_read(&access, ANNA, BERTA, 100));
	assert_ok(access_let_read_no_more(&access, ANNA));
	assert_false(access_may_read(&access, ANNA, BERTA, 99));
	assert_fails(STATUS_NOT_FOUND, "access.no_grant", access_let_read_no_more(&access, ANNA));
}

static void
a_snapshot_gives_the_same_and_a_bad_one_is_refused(void **) {
	_cleanup_(access_free) struct access access = {}, again = {};
	_cleanup_(buffer_free) struct buffer text = {}, second = {};
	assert_ok(access_grant(&access, AUDITOR, BYTES_OF_LITERAL("trading"), 10, 20));
	assert_ok(access_grant(&access, AUDITOR, BYTES_OF_LITERAL("custody"), 1, 2));
	assert_ok(access_make_auditor(&access, ANNA));
	assert_ok(access_let_read(&access, BERTA, 100));
	assert_ok(access_write(&access, &text));
	assert_ok(access_read(&again, buffer_bytes(&text)));
	assert_ok(access_write(&again, &second));
	assert_true(bytes_equal(buffer_bytes(&text), buffer_bytes(&second)));
	assert_true(access_is_auditor(&again, ANNA) && access_may_read(&again, BERTA, ANNA, 99));
	for (size_t len = 0; len < text.len; len++) {
		_cleanup_(access_free) struct access cut = {};
		assert_true(access_read(&cut, bytes_of(text.data, len)) != OK);
	}
	static const struct {
		const char *bytes;
		size_t len;
	} bad[] = {
		{"\0\0\0\x0c\0\0\0\1a\0\0\0\0\1a\0\0\0\0\0", 20},      /* an auditor twice */
		{"\0\0\0\0\0\0\0\x0d\0\0\0\1a\xff\0\0\0\0\0\0\0", 21}, /* a time that there is not */
		{"\0\0\0\0\0\0\0\x1a\0\0\0\1a\0\0\0\0\0\0\0\1\0\0\0\1a\0\0\0\0\0\0\0\1", 34}, /* a reader twice */
	};
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		_cleanup_(access_free) struct access refused = {};
		assert_fails(STATUS_INVALID, "access.snapshot",
			     access_read(&refused, bytes_of(bad[i].bytes, bad[i].len)));
	}
}

RUN_TESTS(T(an_auditor_stays_one_without_any_grant), T(one_entity_has_one_period_and_they_stand_in_order),
	  T(bad_grants_are_refused), T(personal_values_are_read_by_their_person_and_until_a_time_by_who_was_let),
	  T(a_snapshot_gives_the_same_and_a_bad_one_is_refused))
