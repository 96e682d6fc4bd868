#include "tests/test.h"
#include "identity/subjects.h"

static const struct bytes ANNA = BYTES_OF_LITERAL("person:p-01"), BERTA = BYTES_OF_LITERAL("person:p-02");
static const struct bytes NAME = BYTES_OF_LITERAL("name"), CONTACT = BYTES_OF_LITERAL("contact");

static void
a_value_counts_once_it_is_offered_placed_and_taken(void **) {
	_cleanup_(subjects_free) struct subjects subjects = {};
	struct hash256 first = sha256(NAME), second = sha256(CONTACT);
	assert_fails(STATUS_NOT_FOUND, "personal.not_offered", subjects_take(&subjects, ANNA, NAME, &first));
	assert_ok(subjects_offer(&subjects, ANNA, NAME, &first));
	assert_null(subjects_value(&subjects, ANNA, "name"));
	assert_fails(STATUS_NOT_FOUND, "personal.not_offered", subjects_take(&subjects, ANNA, CONTACT, &first));
	assert_fails(STATUS_NOT_FOUND, "personal.not_offered", subjects_take(&subjects, BERTA, NAME, &first));
	assert_ok(subjects_take(&subjects, ANNA, NAME, &first));
	assert_null(subjects_value(&subjects, ANNA, "name")); /* not durable yet */
	subjects_place(&subjects, ANNA, &first, 7);
	assert_int_equal(7, subjects_value(&subjects, ANNA, "name")->entry);
	/* The next one takes its place; the first is gone. */
	assert_ok(subjects_offer(&subjects, ANNA, NAME, &second));
	subjects_place(&subjects, ANNA, &second, 9);
	assert_int_equal(7, subjects_value(&subjects, ANNA, "name")->entry);
	assert_ok(subjects_take(&subjects, ANNA, NAME, &second));
	assert_int_equal(9, subjects_value(&subjects, ANNA, "name")->entry);
	assert_fails(STATUS_NOT_FOUND, "personal.not_offered", subjects_take(&subjects, ANNA, NAME, &first));
	/* The same value with the same salt, brought again, stays where it lies. */
	assert_ok(subjects_offer(&subjects, ANNA, NAME, &second));
	subjects_place(&subjects, ANNA, &second, 12);
	assert_ok(subjects_take(&subjects, ANNA, NAME, &second));
	assert_int_equal(9, subjects_value(&subjects, ANNA, "name")->entry);
	assert_int_equal(1, subjects_find(&subjects, ANNA)->count);
}

static void
whoever_is_erased_has_no_values_and_gets_none(void **) {
	_cleanup_(subjects_free) struct subjects subjects = {};
	struct hash256 first = sha256(NAME);
	assert_ok(subjects_note_opening(&subjects, ANNA));
	assert_ok(subjects_note_opening(&subjects, BERTA));
	assert_int_equal(2, subjects_keys(&subjects));
	assert_ok(subjects_offer(&subjects, ANNA, NAME, &first));
	assert_ok(subjects_erase(&subjects, ANNA));
	assert_ok(subjects_erase(&subjects, ANNA));
	assert_int_equal(1, subjects_keys(&subjects));
	assert_fails(STATUS_CONFLICT, "personal.erased", subjects_take(&subjects, ANNA, NAME, &first));
	assert_fails(STATUS_CONFLICT, "personal.erased", subjects_offer(&subjects, ANNA, NAME, &first));
	assert_ok(subjects_erase(&subjects, BYTES_OF_LITERAL("person:p-03"))); /* of whom nothing was known */
	assert_true(subjects_find(&subjects, BYTES_OF_LITERAL("person:p-03"))->is_erased);
}

static void
a_snapshot_gives_the_same_and_a_bad_one_is_refused(void **) {
	_cleanup_(subjects_free) struct subjects subjects = {}, again = {};
	_cleanup_(buffer_free) struct buffer text = {}, second = {};
	struct hash256 first = sha256(NAME), other = sha256(CONTACT);
	assert_ok(subjects_note_opening(&subjects, ANNA));
	assert_ok(subjects_offer(&subjects, ANNA, NAME, &first));
	subjects_place(&subjects, ANNA, &first, 7);
	assert_ok(subjects_take(&subjects, ANNA, NAME, &first));
	assert_ok(subjects_offer(&subjects, ANNA, CONTACT, &other));
	assert_ok(subjects_erase(&subjects, BERTA));
	assert_ok(subjects_write(&subjects, &text));
	assert_ok(subjects_read(&again, buffer_bytes(&text)));
	assert_ok(subjects_write(&again, &second));
	assert_true(bytes_equal(buffer_bytes(&text), buffer_bytes(&second)));
	assert_int_equal(7, subjects_value(&again, ANNA, "name")->entry);
	assert_true(subjects_find(&again, BERTA)->is_erased);
	for (size_t len = 1; len < text.len; len++) { /* cut anywhere but between two subjects */
		_cleanup_(subjects_free) struct subjects cut = {};
		enum status status = subjects_read(&cut, bytes_of(text.data, len));
		assert_true(status != OK || cut.by_id.count == 1);
	}
	static const struct {
		const char *bytes;
		size_t len;
	} bad[] = {
		{"\0\0\0\1a\4\0\0\0\0", 10},                    /* a flag that there is not */
		{"\0\0\0\0\1\0\0\0\0", 9},                      /* no id */
		{"\0\0\0\1a\2\0\0\0\1", 10},                    /* erased, and a value */
		{"\0\0\0\1a\0\0\0\0\0\0\0\0\1a\0\0\0\0\0", 20}, /* twice */
	};
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		_cleanup_(subjects_free) struct subjects refused = {};
		assert_fails(STATUS_INVALID, "personal.snapshot",
			     subjects_read(&refused, bytes_of(bad[i].bytes, bad[i].len)));
	}
}

RUN_TESTS(T(a_value_counts_once_it_is_offered_placed_and_taken), T(whoever_is_erased_has_no_values_and_gets_none),
	  T(a_snapshot_gives_the_same_and_a_bad_one_is_refused))
