#include "tests/test.h"
#include "guards/destinations/destinations.h"

#define ENTRY(text) BYTES_OF_LITERAL(text)

static void
ethereum_addresses_compare_without_case_and_others_with_it(void **) {
	_cleanup_(destinations_free) struct destinations lists = {};
	assert_ok(destinations_create_list(&lists, ENTRY("sanctions"), DESTINATIONS_SANCTIONED, 1));
	const struct bytes entries[] = {
		ENTRY("ethereum:0xAbCdEf0000000000000000000000000000000001"),
		ENTRY("bitcoin:1BoatSLRHtKNngkdXEeobR76b53LETtpyT"),
	};
	assert_ok(destinations_add(&lists, ENTRY("sanctions"), entries, 2, nullptr, 2));
	const struct destination_list *found;
	assert_true(destinations_any_has(&lists, DESTINATIONS_SANCTIONED,
					 ENTRY("ethereum:0xabcdef0000000000000000000000000000000001"), &found));
	assert_string_equal("sanctions", found->name);
	assert_false(destinations_any_has(&lists, DESTINATIONS_SANCTIONED,
					  ENTRY("bitcoin:1boatslrhtknngkdxeeobr76b53lettpyt"), nullptr));
	assert_false(destinations_any_has(&lists, DESTINATIONS_ALLOWED, entries[1], nullptr));
}

static void
an_address_that_is_sanctioned_on_one_chain_of_ethereum_is_on_all(void **) {
	_cleanup_(destinations_free) struct destinations lists = {}, read = {};
	_cleanup_(buffer_free) struct buffer snapshot = {};
	const struct bytes name = ENTRY("sanctions"), allowed = ENTRY("desk"), main = ENTRY("eip155:1:0xAb"),
			   other = ENTRY("eip155:10:0xAb"), third = ENTRY("eip155:137:0xAb"),
			   bitcoin = ENTRY("bitcoin:main:0xAb");
	assert_ok(destinations_create_list(&lists, name, DESTINATIONS_SANCTIONED, 1));
	assert_ok(destinations_create_list(&lists, allowed, DESTINATIONS_ALLOWED, 1));
	assert_ok(destinations_add(&lists, name, (const struct bytes[]){main, other}, 2, nullptr, 2));
	assert_ok(destinations_add(&lists, allowed, &main, 1, nullptr, 2));
	assert_true(destinations_any_has(&lists, DESTINATIONS_SANCTIONED, third, nullptr));
	assert_false(destinations_any_has(&lists, DESTINATIONS_SANCTIONED, bitcoin, nullptr));
	assert_false(destinations_any_has(&lists, DESTINATIONS_ALLOWED, third, nullptr));
	assert_int_equal(DESTINATION_UNLISTED, destinations_standing(&lists, third, 3).state);
	assert_ok(destinations_write(&lists, &snapshot));
	assert_ok(destinations_read(&read, buffer_bytes(&snapshot)));
	assert_true(destinations_any_has(&read, DESTINATIONS_SANCTIONED, third, nullptr));
	assert_ok(destinations_remove(&read, name, &main, 1, 3));
	assert_true(destinations_any_has(&read, DESTINATIONS_SANCTIONED, third, nullptr));
	assert_ok(destinations_remove(&read, name, &other, 1, 4));
	assert_false(destinations_any_has(&read, DESTINATIONS_SANCTIONED, third, nullptr));
	assert_false(destinations_any_has(&read, DESTINATIONS_SANCTIONED, main, nullptr));
}

static void
a_list_has_one_hash_however_it_came_about(void **) {
	_cleanup_(destinations_free) struct destinations a = {}, b = {};
	const struct bytes x = ENTRY("bitcoin:x1"), y = ENTRY("bitcoin:y1"), z = ENTRY("bitcoin:z1");
	assert_ok(destinations_create_list(&a, ENTRY("desk"), DESTINATIONS_ALLOWED, 1));
	assert_ok(destinations_create_list(&b, ENTRY("desk"), DESTINATIONS_ALLOWED, 9));
	struct hash256 empty = destinations_find(&a, ENTRY("desk"))->hash;
	assert_ok(destinations_add(&a, ENTRY("desk"), (const struct bytes[]){x, y}, 2, nullptr, 2));
	assert_ok(destinations_add(&b, ENTRY("desk"), &z, 1, nullptr, 10));
	assert_ok(destinations_add(&b, ENTRY("desk"), &y, 1, nullptr, 11));
	assert_ok(destinations_remove(&b, ENTRY("desk"), &z, 1, 12));
	assert_ok(destinations_add(&b, ENTRY("desk"), &x, 1, nullptr, 13));
	const struct destination_list *of_a = destinations_find(&a, ENTRY("desk")),
				      *of_b = destinations_find(&b, ENTRY("desk"));
	assert_true(hash256_equal(&of_a->hash, &of_b->hash));
	assert_false(hash256_equal(&of_a->hash, &empty));
	assert_int_equal(4, of_b->version);
}

static void
a_bad_change_changes_nothing(void **) {
	_cleanup_(destinations_free) struct destinations lists = {};
	const struct bytes name = ENTRY("desk"), good = ENTRY("bitcoin:x1");
	assert_ok(destinations_create_list(&lists, name, DESTINATIONS_ALLOWED, 1));
	assert_ok(destinations_add(&lists, name, &good, 1, nullptr, 2));
	struct hash256 before = destinations_find(&lists, name)->hash;
	static const struct {
		const char *first, *second, *error;
		enum status status;
	} cases[] = {
		{"bitcoin:y1", "bitcoin:y1", "destinations.twice", STATUS_INVALID},
		{"ethereum:0xAA", "ethereum:0xaa", "destinations.twice", STATUS_INVALID},
		{"bitcoin:y1", "bitcoin:x1", "destinations.present", STATUS_CONFLICT},
		{"bitcoin:y1", "y1", "destinations.entry", STATUS_INVALID},
		{"bitcoin:y1", ":y1", "destinations.entry", STATUS_INVALID},
		{"bitcoin:y1", "bitcoin:", "destinations.entry", STATUS_INVALID},
		{"bitcoin:y1", "bitcoin:a b", "destinations.entry", STATUS_INVALID},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		const struct bytes entries[] = {bytes_of_text(cases[i].first), bytes_of_text(cases[i].second)};
		assert_fails(cases[i].status, cases[i].error, destinations_add(&lists, name, entries, 2, nullptr, 3));
	}
	const struct bytes absent = ENTRY("bitcoin:nobody");
	assert_fails(STATUS_CONFLICT, "destinations.absent", destinations_remove(&lists, name, &absent, 1, 3));
	assert_fails(STATUS_NOT_FOUND, "destinations.unknown",
		     destinations_add(&lists, ENTRY("x"), &good, 1, nullptr, 3));
	assert_fails(STATUS_CONFLICT, "destinations.exists",
		     destinations_create_list(&lists, name, DESTINATIONS_SANCTIONED, 3));
	assert_true(hash256_equal(&before, &destinations_find(&lists, name)->hash));
	assert_int_equal(1, destinations_find(&lists, name)->version);
}

/* --- Terms. --- */

static const struct bytes X = {(const uint8_t *)"bitcoin:x1", 10}, Y = {(const uint8_t *)"bitcoin:y1", 10};
static const uint8_t OPERATION[32] = {7};

static void
put(struct destinations *lists, struct bytes name, enum destination_list_kind kind, struct bytes entry,
    struct destination_terms terms) {
	if (destinations_find(lists, name) == nullptr)
		assert_ok(destinations_create_list(lists, name, kind, 1));
	assert_ok(destinations_add(lists, name, &entry, 1, &terms, 100));
}

static void
an_entry_waits_is_in_force_and_expires_to_the_millisecond(void **) {
	_cleanup_(destinations_free) struct destinations lists = {};
	put(&lists, ENTRY("desk"), DESTINATIONS_ALLOWED, X,
	    (struct destination_terms){.effective_ms = 200, .expires_ms = 300});
	static const struct {
		int64_t now_ms;
		enum destination_state state;
	} cases[] = {{100, DESTINATION_WAITING},  {199, DESTINATION_WAITING}, {200, DESTINATION_IN_FORCE},
		     {299, DESTINATION_IN_FORCE}, {300, DESTINATION_EXPIRED}, {301, DESTINATION_EXPIRED}};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct destination_standing standing = destinations_standing(&lists, X, cases[i].now_ms);
		assert_int_equal(cases[i].state, standing.state);
		assert_int_equal(200, standing.from_ms);
		assert_int_equal(300, standing.until_ms);
	}
	assert_int_equal(DESTINATION_UNLISTED, destinations_standing(&lists, Y, 200).state);
}

static void
of_several_lists_the_one_where_it_stands_best_counts(void **) {
	_cleanup_(destinations_free) struct destinations lists = {};
	struct destination_standing standing;
	put(&lists, ENTRY("bad"), DESTINATIONS_SANCTIONED, X, (struct destination_terms){});
	assert_int_equal(DESTINATION_UNLISTED, destinations_standing(&lists, X, 200).state);
	put(&lists, ENTRY("a"), DESTINATIONS_ALLOWED, X, (struct destination_terms){.expires_ms = 150});
	assert_int_equal(DESTINATION_EXPIRED, destinations_standing(&lists, X, 200).state);
	put(&lists, ENTRY("b"), DESTINATIONS_ALLOWED, X, (struct destination_terms){.effective_ms = 900});
	standing = destinations_standing(&lists, X, 200);
	assert_int_equal(DESTINATION_WAITING, standing.state);
	assert_int_equal(900, standing.from_ms);
	put(&lists, ENTRY("c"), DESTINATIONS_ALLOWED, X, (struct destination_terms){.probation_cents = 50});
	put(&lists, ENTRY("d"), DESTINATIONS_ALLOWED, X,
	    (struct destination_terms){.probation_cents = 40, .expires_ms = 800});
	standing = destinations_standing(&lists, X, 200);
	assert_int_equal(DESTINATION_PROBATION, standing.state);
	assert_int_equal(40, standing.probation_cents);
	assert_int_equal(INT64_MAX, standing.until_ms);
	put(&lists, ENTRY("e"), DESTINATIONS_ALLOWED, X, (struct destination_terms){.expires_ms = 700});
	put(&lists, ENTRY("f"), DESTINATIONS_ALLOWED, X, (struct destination_terms){.expires_ms = 600});
	standing = destinations_standing(&lists, X, 200);
	assert_int_equal(DESTINATION_IN_FORCE, standing.state);
	assert_int_equal(700, standing.until_ms);
}

static void
only_a_test_that_the_terms_allow_lets_an_entry_be_confirmed(void **) {
	_cleanup_(destinations_free) struct destinations lists = {};
	const struct bytes desk = ENTRY("desk"), both[] = {X, Y};
	put(&lists, desk, DESTINATIONS_ALLOWED, X,
	    (struct destination_terms){.effective_ms = 200, .expires_ms = 300, .probation_cents = 50});
	put(&lists, desk, DESTINATIONS_ALLOWED, Y, (struct destination_terms){});
	const struct destination_entry *entry = destination_list_entry(destinations_find(&lists, desk), X);
	static const struct {
		int64_t cents, now_ms;
	} no_tests[] = {{50, 199}, {51, 200}, {50, 300}};
	for (size_t i = 0; i < ARRAY_LENGTH(no_tests); i++) {
		destinations_note_transfer(&lists, X, no_tests[i].cents, OPERATION, no_tests[i].now_ms);
		assert_false(entry->is_tested);
		assert_fails(STATUS_CONFLICT, "destinations.untested", destinations_confirm(&lists, desk, &X, 1, 250));
	}
	struct hash256 before = destinations_find(&lists, desk)->hash;
	destinations_note_transfer(&lists, X, 50, OPERATION, 200);
	assert_true(entry->is_tested);
	assert_memory_equal(OPERATION, entry->tested_by, sizeof OPERATION);
	assert_true(hash256_equal(&before, &destinations_find(&lists, desk)->hash));
	assert_fails(STATUS_CONFLICT, "destinations.confirmed", destinations_confirm(&lists, desk, both, 2, 250));
	assert_int_equal(DESTINATION_PROBATION, destination_entry_state(entry, 250));
	assert_ok(destinations_confirm(&lists, desk, &X, 1, 250));
	assert_int_equal(DESTINATION_IN_FORCE, destination_entry_state(entry, 250));
	assert_int_equal(DESTINATION_EXPIRED, destination_entry_state(entry, 300));
	assert_false(hash256_equal(&before, &destinations_find(&lists, desk)->hash));
	assert_fails(STATUS_CONFLICT, "destinations.confirmed", destinations_confirm(&lists, desk, &X, 1, 250));
	const struct bytes absent = ENTRY("bitcoin:nobody");
	assert_fails(STATUS_CONFLICT, "destinations.absent", destinations_confirm(&lists, desk, &absent, 1, 250));
}

static void
what_nobody_would_see_arrive_is_no_test(void **) {
	static const struct {
		int64_t probation_cents, cents;
		bool is_test;
	} cases[] = {
		{6500, 0, false}, {6500, 1, false}, {6500, 99, false}, {6500, 100, true}, {6500, 6500, true},
		{50, 0, false},   {50, 49, false},  {50, 50, true},    {1, 0, false},     {1, 1, true},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(destinations_free) struct destinations lists = {};
		const struct bytes desk = ENTRY("desk");
		put(&lists, desk, DESTINATIONS_ALLOWED, X,
		    (struct destination_terms){.probation_cents = cases[i].probation_cents});
		destinations_note_transfer(&lists, X, cases[i].cents, OPERATION, 200);
		assert_int_equal(cases[i].is_test,
				 destination_list_entry(destinations_find(&lists, desk), X)->is_tested);
	}
}

static void
an_entry_that_is_put_back_begins_anew(void **) {
	_cleanup_(destinations_free) struct destinations lists = {};
	const struct bytes desk = ENTRY("desk");
	put(&lists, desk, DESTINATIONS_ALLOWED, X, (struct destination_terms){.probation_cents = 50});
	destinations_note_transfer(&lists, X, 50, OPERATION, 200);
	assert_ok(destinations_remove(&lists, desk, &X, 1, 200));
	put(&lists, desk, DESTINATIONS_ALLOWED, X, (struct destination_terms){.probation_cents = 50});
	assert_fails(STATUS_CONFLICT, "destinations.untested", destinations_confirm(&lists, desk, &X, 1, 250));
}

static void
terms_that_make_no_sense_are_refused(void **) {
	_cleanup_(destinations_free) struct destinations lists = {};
	static const struct {
		const char *list;
		struct destination_terms terms;
	} cases[] = {
		{"desk", {.expires_ms = 100}},  {"desk", {.effective_ms = 300, .expires_ms = 300}},
		{"desk", {.effective_ms = -1}}, {"desk", {.probation_cents = -1}},
		{"desk", {.expires_ms = -1}},   {"desk", {.note = "jane@example.org"}},
		{"desk", {.note = "a\nb"}},     {"bad", {.effective_ms = 300}},
		{"bad", {.expires_ms = 300}},   {"bad", {.probation_cents = 1}},
	};
	assert_ok(destinations_create_list(&lists, ENTRY("desk"), DESTINATIONS_ALLOWED, 1));
	assert_ok(destinations_create_list(&lists, ENTRY("bad"), DESTINATIONS_SANCTIONED, 1));
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
		assert_fails(STATUS_INVALID, "destinations.terms",
			     destinations_add(&lists, bytes_of_text(cases[i].list), &X, 1, &cases[i].terms, 100));
	assert_ok(
		destinations_add(&lists, ENTRY("bad"), &X, 1, &(struct destination_terms){.note = "UN 2026/12"}, 100));
}

static void
every_term_is_in_the_hash_and_comes_back_from_a_snapshot(void **) {
	static const struct destination_terms all[] = {
		{}, {.effective_ms = 200}, {.expires_ms = 200}, {.probation_cents = 200}, {.note = "contract 200"}};
	struct hash256 hashes[ARRAY_LENGTH(all)];
	for (size_t i = 0; i < ARRAY_LENGTH(all); i++) {
		_cleanup_(destinations_free) struct destinations lists = {}, again = {};
		_cleanup_(buffer_free) struct buffer snapshot = {}, second = {};
		put(&lists, ENTRY("desk"), DESTINATIONS_ALLOWED, X, all[i]);
		hashes[i] = lists.hashes[DESTINATIONS_ALLOWED];
		for (size_t j = 0; j < i; j++)
			assert_false(hash256_equal(&hashes[i], &hashes[j]));
		destinations_note_transfer(&lists, X, 200, OPERATION, 200);
		assert_ok(destinations_write(&lists, &snapshot));
		assert_ok(destinations_read(&again, buffer_bytes(&snapshot)));
		assert_ok(destinations_write(&again, &second));
		assert_int_equal(snapshot.len, second.len);
		assert_memory_equal(snapshot.data, second.data, snapshot.len);
		assert_true(hash256_equal(&hashes[i], &again.hashes[DESTINATIONS_ALLOWED]));
		for (size_t len = 0; len < snapshot.len; len++) {
			_cleanup_(destinations_free) struct destinations none = {};
			assert_fails(STATUS_CORRUPT, "destinations.snapshot",
				     destinations_read(&none, bytes_of(snapshot.data, len)));
		}
		_cleanup_(destinations_free) struct destinations none = {};
		snapshot.data[0] = 1;
		assert_fails(STATUS_UNSUPPORTED, "destinations.snapshot",
			     destinations_read(&none, buffer_bytes(&snapshot)));
	}
}

RUN_TESTS(T(ethereum_addresses_compare_without_case_and_others_with_it),
	  T(an_address_that_is_sanctioned_on_one_chain_of_ethereum_is_on_all),
	  T(a_list_has_one_hash_however_it_came_about), T(a_bad_change_changes_nothing),
	  T(an_entry_waits_is_in_force_and_expires_to_the_millisecond),
	  T(of_several_lists_the_one_where_it_stands_best_counts),
	  T(only_a_test_that_the_terms_allow_lets_an_entry_be_confirmed), T(what_nobody_would_see_arrive_is_no_test),
	  T(an_entry_that_is_put_back_begins_anew), T(terms_that_make_no_sense_are_refused),
	  T(every_term_is_in_the_hash_and_comes_back_from_a_snapshot))
