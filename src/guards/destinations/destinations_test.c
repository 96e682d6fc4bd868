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
	assert_ok(destinations_add(&lists, ENTRY("sanctions"), entries, 2, 2));
	const struct destination_list *found;
	assert_true(destinations_any_has(&lists, DESTINATIONS_SANCTIONED,
					 ENTRY("ethereum:0xabcdef0000000000000000000000000000000001"), &found));
	assert_string_equal("sanctions", found->name);
	assert_false(destinations_any_has(&lists, DESTINATIONS_SANCTIONED,
					  ENTRY("bitcoin:1boatslrhtknngkdxeeobr76b53lettpyt"), nullptr));
	assert_false(destinations_any_has(&lists, DESTINATIONS_ALLOWED, entries[1], nullptr));
}

static void
a_list_has_one_hash_however_it_came_about(void **) {
	_cleanup_(destinations_free) struct destinations a = {}, b = {};
	const struct bytes x = ENTRY("bitcoin:x1"), y = ENTRY("bitcoin:y1"), z = ENTRY("bitcoin:z1");
	assert_ok(destinations_create_list(&a, ENTRY("desk"), DESTINATIONS_ALLOWED, 1));
	assert_ok(destinations_create_list(&b, ENTRY("desk"), DESTINATIONS_ALLOWED, 9));
	struct hash256 empty = destinations_find(&a, ENTRY("desk"))->hash;
	assert_ok(destinations_add(&a, ENTRY("desk"), (const struct bytes[]){x, y}, 2, 2));
	assert_ok(destinations_add(&b, ENTRY("desk"), &z, 1, 10));
	assert_ok(destinations_add(&b, ENTRY("desk"), &y, 1, 11));
	assert_ok(destinations_remove(&b, ENTRY("desk"), &z, 1, 12));
	assert_ok(destinations_add(&b, ENTRY("desk"), &x, 1, 13));
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
	assert_ok(destinations_add(&lists, name, &good, 1, 2));
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
		assert_fails(cases[i].status, cases[i].error, destinations_add(&lists, name, entries, 2, 3));
	}
	const struct bytes absent = ENTRY("bitcoin:nobody");
	assert_fails(STATUS_CONFLICT, "destinations.absent", destinations_remove(&lists, name, &absent, 1, 3));
	assert_fails(STATUS_NOT_FOUND, "destinations.unknown", destinations_add(&lists, ENTRY("x"), &good, 1, 3));
	assert_fails(STATUS_CONFLICT, "destinations.exists",
		     destinations_create_list(&lists, name, DESTINATIONS_SANCTIONED, 3));
	assert_true(hash256_equal(&before, &destinations_find(&lists, name)->hash));
	assert_int_equal(1, destinations_find(&lists, name)->version);
}

RUN_TESTS(T(ethereum_addresses_compare_without_case_and_others_with_it), T(a_list_has_one_hash_however_it_came_about),
	  T(a_bad_change_changes_nothing))
