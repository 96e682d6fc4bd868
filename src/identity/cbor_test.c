#include "tests/test.h"

#include "base/arena.h"
#include "identity/cbor.h"
#include "tests/hex.h"

/* RFC 8949 appendix A, those forms that are taken. */
static void
the_examples_of_the_rfc_are_read(void **) {
	static const struct {
		const char *hex;
		enum cbor_type type;
		uint64_t number;
	} examples[] = {
		{"00", CBOR_UNSIGNED, 0},
		{"17", CBOR_UNSIGNED, 23},
		{"1818", CBOR_UNSIGNED, 24},
		{"1903e8", CBOR_UNSIGNED, 1000},
		{"1a000f4240", CBOR_UNSIGNED, 1'000'000},
		{"1b000000e8d4a51000", CBOR_UNSIGNED, UINT64_C(1'000'000'000'000)},
		{"1bffffffffffffffff", CBOR_UNSIGNED, UINT64_MAX},
		{"3bffffffffffffffff", CBOR_NEGATIVE, UINT64_MAX},
		{"20", CBOR_NEGATIVE, 0},
		{"3903e7", CBOR_NEGATIVE, 999},
		{"f4", CBOR_BOOLEAN, 0},
		{"f5", CBOR_BOOLEAN, 1},
		{"f6", CBOR_NULL, 0},
		{"40", CBOR_BYTES, 0},
		{"4401020304", CBOR_BYTES, 4},
		{"60", CBOR_TEXT, 0},
		{"62c3bc", CBOR_TEXT, 2},
		{"64f0908591", CBOR_TEXT, 4},
		{"80", CBOR_ARRAY, 0},
		{"83010203", CBOR_ARRAY, 3},
		{"8301820203820405", CBOR_ARRAY, 3},
		{"a0", CBOR_MAP, 0},
		{"a201020304", CBOR_MAP, 2},
		{"a26161016162820203", CBOR_MAP, 2},
		{"826161a161626163", CBOR_ARRAY, 2},
		{"98190102030405060708090a0b0c0d0e0f101112131415161718181819", CBOR_ARRAY, 25},
	};
	_cleanup_(arena_free) struct arena arena = {};
	for (size_t i = 0; i < ARRAY_LENGTH(examples); i++) {
		struct bytes text = unhex(&arena, examples[i].hex), whole;
		struct cursor cursor = cursor_of(text), again = cursor_of(text);
		struct cbor_item item;
		assert_ok(cbor_read(&cursor, &item));
		assert_int_equal(examples[i].type, item.type);
		assert_int_equal(examples[i].number, item.number);
		assert_ok(cbor_skip(&again, &whole));
		assert_ok(cbor_end(&again));
		assert_bytes(text, whole);
	}
}

static void
every_other_form_is_refused_by_name(void **) {
	static const struct {
		const char *hex, *name;
	} bad[] = {
		{"", "cbor.truncated"},
		{"18", "cbor.truncated"},
		{"190100", nullptr},
		{"1901", "cbor.truncated"},
		{"1b00000000ffffff", "cbor.truncated"},
		{"41", "cbor.truncated"},
		{"5bffffffffffffffff00", "cbor.truncated"},
		{"9bffffffffffffffff", "cbor.truncated"},
		{"bbffffffffffffffff", "cbor.truncated"},
		{"8101", nullptr},
		{"8201", "cbor.truncated"},
		{"a101", "cbor.truncated"},
		{"1800", "cbor.not_minimal"},
		{"1817", "cbor.not_minimal"},
		{"1900ff", "cbor.not_minimal"},
		{"1a0000ffff", "cbor.not_minimal"},
		{"1b00000000ffffffff", "cbor.not_minimal"},
		{"3817", "cbor.not_minimal"},
		{"580100", "cbor.not_minimal"},
		{"780161", "cbor.not_minimal"},
		{"9800", "cbor.not_minimal"},
		{"b800", "cbor.not_minimal"},
		{"1c", "cbor.reserved"},
		{"1d", "cbor.reserved"},
		{"1e", "cbor.reserved"},
		{"5c", "cbor.reserved"},
		{"1f", "cbor.indefinite"},
		{"5f4100ff", "cbor.indefinite"},
		{"7f6161ff", "cbor.indefinite"},
		{"9fff", "cbor.indefinite"},
		{"bfff", "cbor.indefinite"},
		{"c074323031332d30332d32315432303a30343a30305a", "cbor.tag"},
		{"c249010000000000000000", "cbor.tag"},
		{"d818456449455446", "cbor.tag"},
		{"f7", "cbor.simple"},
		{"f0", "cbor.simple"},
		{"f8ff", "cbor.simple"},
		{"f93c00", "cbor.simple"},
		{"fa47c35000", "cbor.simple"},
		{"fb3ff199999999999a", "cbor.simple"},
		{"ff", "cbor.simple"},
		{"61ff", "cbor.utf8"},
		{"62c328", "cbor.utf8"},
		{"63eda080", "cbor.utf8"},
		{"a1410001", "cbor.key_type"},
		{"a18001", "cbor.key_type"},
		{"a1a001", "cbor.key_type"},
		{"a1f401", "cbor.key_type"},
		{"a1f601", "cbor.key_type"},
		{"a201020102", "cbor.duplicate_key"},
		{"a2616101616102", "cbor.duplicate_key"},
		{"a202000100", "cbor.key_order"},
		{"a2200001f6", "cbor.key_order"},
		{"a261620061610a", "cbor.key_order"},
		{"a26261610061620a", "cbor.key_order"},
		{"a261610001f6", "cbor.key_order"},
		{"8181818101", nullptr},
		{"818181818101", "cbor.depth"},
		{"a101a101a101a101a0", "cbor.depth"},
		{"81a101818180", "cbor.depth"},
		{"8100f6", "cbor.trailing"},
		{"0000", "cbor.trailing"},
	};
	_cleanup_(arena_free) struct arena arena = {};
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		struct cursor cursor = cursor_of(unhex(&arena, bad[i].hex));
		enum status status = cbor_skip(&cursor, nullptr);
		if (status == OK)
			status = cbor_end(&cursor);
		char name[64] = "";
		if (status != OK)
			fail_name(name, sizeof name);
		if ((bad[i].name == nullptr) != (status == OK) ||
		    (status != OK && (status != STATUS_INVALID || strcmp(name, bad[i].name) != 0)))
			fail_msg("%s: expected %s, found %s", bad[i].hex, bad[i].name ?: "OK", name);
	}
}

static void
integers_keep_their_sign_and_their_bounds(void **) {
	static const struct {
		const char *hex;
		int64_t number;
		const char *name;
	} cases[] = {
		{"00", 0, nullptr},
		{"20", -1, nullptr},
		{"390100", -257, nullptr},
		{"1b7fffffffffffffff", INT64_MAX, nullptr},
		{"3b7fffffffffffffff", INT64_MIN, nullptr},
		{"1b8000000000000000", 0, "cbor.range"},
		{"3b8000000000000000", 0, "cbor.range"},
		{"40", 0, "cbor.type"},
		{"f5", 0, "cbor.type"},
	};
	_cleanup_(arena_free) struct arena arena = {};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct cursor cursor = cursor_of(unhex(&arena, cases[i].hex));
		struct cbor_item item;
		int64_t number = 0;
		assert_ok(cbor_read(&cursor, &item));
		if (cases[i].name != nullptr) {
			assert_fails(STATUS_INVALID, cases[i].name, cbor_integer(&item, &number));
			continue;
		}
		assert_ok(cbor_integer(&item, &number));
		assert_true(number == cases[i].number);
	}
}

/* {"a": bytes, -1: anything, "b"?: map}. */
static void
members_are_those_named_each_once(void **) {
	static const struct {
		const char *hex;
		enum cbor_order order;
		const char *name;
	} cases[] = {
		{"a220f6616140", CBOR_CANONICAL, nullptr},
		{"a320016161406162a0", CBOR_CANONICAL, nullptr},
		{"a261614020f6", CBOR_ANY_ORDER, nullptr},
		{"a261614020f6", CBOR_CANONICAL, "cbor.key_order"},
		{"a361614020f6616140", CBOR_ANY_ORDER, "thing.duplicate"},
		{"a320f6616140616140", CBOR_CANONICAL, "cbor.duplicate_key"},
		{"a120f6", CBOR_CANONICAL, "thing.missing"},
		{"a1616140", CBOR_CANONICAL, "thing.missing"},
		{"a0", CBOR_CANONICAL, "thing.missing"},
		{"a220f6616160", CBOR_CANONICAL, "thing.type"},
		{"a320f6616140616280", CBOR_CANONICAL, "thing.type"},
		{"a3002020f6616140", CBOR_CANONICAL, "thing.unknown_member"},
		{"a320f6616140616300", CBOR_CANONICAL, "thing.unknown_member"},
		{"a33bffffffffffffffff0020f6616140", CBOR_ANY_ORDER, "thing.unknown_member"},
		{"a320f66161406162a201010102", CBOR_CANONICAL, "cbor.duplicate_key"},
		{"8120", CBOR_CANONICAL, "cbor.type"},
	};
	_cleanup_(arena_free) struct arena arena = {};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct cbor_item a, minus_1, b;
		const struct cbor_member members[] = {
			{.name = "a", .type = CBOR_BYTES, .item = &a},
			{.label = -1, .item = &minus_1},
			{.name = "b", .type = CBOR_MAP, .is_optional = true, .item = &b},
		};
		struct cursor cursor = cursor_of(unhex(&arena, cases[i].hex));
		enum status status =
			cbor_read_members(&cursor, "thing", cases[i].order, members, ARRAY_LENGTH(members));
		if (cases[i].name == nullptr)
			assert_ok(status);
		else
			assert_fails(STATUS_INVALID, cases[i].name, status);
	}
}

RUN_TESTS(T(the_examples_of_the_rfc_are_read), T(every_other_form_is_refused_by_name),
	  T(integers_keep_their_sign_and_their_bounds), T(members_are_those_named_each_once))
