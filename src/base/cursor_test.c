#include "tests/test.h"
#include "base/cursor.h"

static const uint8_t NUMBERS[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0xf8};

static void
integers_are_read_in_the_order_of_the_name(void **) {
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;
	struct cursor cursor = cursor_of(BYTES_OF_ARRAY(NUMBERS));
	assert_ok(cursor_u8(&cursor, "n", &u8));
	assert_int_equal(0x01, u8);
	assert_ok(cursor_u16be(&cursor, "n", &u16));
	assert_int_equal(0x0203, u16);
	assert_ok(cursor_u32be(&cursor, "n", &u32));
	assert_int_equal(0x04050607, u32);
	cursor = cursor_of(BYTES_OF_ARRAY(NUMBERS));
	assert_ok(cursor_u64be(&cursor, "n", &u64));
	assert_true(u64 == 0x01020304050607f8);
	cursor = cursor_of(BYTES_OF_ARRAY(NUMBERS));
	assert_ok(cursor_u16le(&cursor, "n", &u16));
	assert_int_equal(0x0201, u16);
	assert_ok(cursor_u32le(&cursor, "n", &u32));
	assert_int_equal(0x06050403, u32);
	cursor = cursor_of(BYTES_OF_ARRAY(NUMBERS));
	assert_ok(cursor_u64le(&cursor, "n", &u64));
	assert_true(u64 == 0xf807060504030201);
	assert_ok(cursor_end(&cursor, "n"));
}

static void
a_read_past_the_end_fails_and_takes_nothing(void **) {
	for (size_t left = 0; left < sizeof NUMBERS; left++) {
		struct cursor cursor = cursor_of(bytes_of(NUMBERS, left));
		struct bytes bytes;
		uint64_t u64;
		uint8_t to[sizeof NUMBERS];
		assert_fails(STATUS_INVALID, "field", cursor_u64be(&cursor, "field", &u64));
		assert_fails(STATUS_INVALID, "field", cursor_u64le(&cursor, "field", &u64));
		assert_fails(STATUS_INVALID, "field", cursor_take(&cursor, "field", left + 1, &bytes));
		assert_fails(STATUS_INVALID, "field", cursor_take(&cursor, "field", SIZE_MAX, &bytes));
		assert_fails(STATUS_INVALID, "field", cursor_copy(&cursor, "field", to, left + 1));
		assert_int_equal(left, cursor.left);
		assert_ptr_equal(NUMBERS, cursor.at);
	}
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	struct cursor empty = {}, three = cursor_of(bytes_of(NUMBERS, 3)), one = cursor_of(bytes_of(NUMBERS, 1));
	assert_fails(STATUS_INVALID, "field", cursor_u8(&empty, "field", &u8));
	assert_fails(STATUS_INVALID, "field", cursor_u16be(&one, "field", &u16));
	assert_fails(STATUS_INVALID, "field", cursor_u16le(&one, "field", &u16));
	assert_fails(STATUS_INVALID, "field", cursor_u32be(&three, "field", &u32));
	assert_fails(STATUS_INVALID, "field", cursor_u32le(&three, "field", &u32));
}

static void
what_is_taken_is_borrowed_and_what_is_copied_is_not(void **) {
	struct cursor cursor = cursor_of(BYTES_OF_ARRAY(NUMBERS));
	struct bytes bytes;
	uint8_t to[4];
	assert_ok(cursor_take(&cursor, "field", 4, &bytes));
	assert_ptr_equal(NUMBERS, bytes.data);
	assert_ok(cursor_copy(&cursor, "field", to, 4));
	assert_memory_equal(NUMBERS + 4, to, 4);
	assert_ok(cursor_take(&cursor, "field", 0, &bytes));
	assert_ok(cursor_copy(&cursor, "field", to, 0));
}

static void
what_is_left_at_the_end_is_refused(void **) {
	struct cursor cursor = cursor_of(BYTES_OF_ARRAY(NUMBERS));
	assert_fails(STATUS_INVALID, "field.trailing", cursor_end(&cursor, "field"));
	assert_string_equal("field.trailing: 8 bytes after the end", fail_message());
	struct cursor empty = {};
	assert_ok(cursor_end(&empty, "field"));
}

static enum status
read_number(struct cursor *cursor, void *context) {
	uint8_t number;
	TRY(cursor_u8(cursor, "field", &number));
	*(unsigned *)context += number;
	return number != 9 ? OK : fail(STATUS_NO_MEMORY, "memory: out of memory");
}

static void
a_snapshot_has_so_many_items_and_nothing_after_them(void **) {
	static const struct {
		const char *bytes;
		size_t len;
		enum status status;
		unsigned sum;
	} cases[] = {
		{"\2\0\0\0\2\3\4", 7, OK, 7},
		{"\2\0\0\0\0", 5, OK, 0},
		{"", 0, STATUS_CORRUPT, 0},
		{"\1\0\0\0\0", 5, STATUS_UNSUPPORTED, 0},
		{"\3\0\0\0\0", 5, STATUS_UNSUPPORTED, 0},
		{"\2\0\0\0", 4, STATUS_CORRUPT, 0},
		{"\2\0\0\0\2\3", 6, STATUS_CORRUPT, 3},
		{"\2\0\0\0\1\3\4", 7, STATUS_CORRUPT, 3},
		{"\2\0\0\0\2\11\4", 7, STATUS_NO_MEMORY, 9},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		unsigned sum = 0;
		assert_int_equal(cases[i].status, cursor_read_snapshot(bytes_of(cases[i].bytes, cases[i].len), "field",
								       2, read_number, &sum));
		assert_int_equal(cases[i].sum, sum);
	}
}

RUN_TESTS(T(integers_are_read_in_the_order_of_the_name), T(a_read_past_the_end_fails_and_takes_nothing),
	  T(what_is_taken_is_borrowed_and_what_is_copied_is_not), T(what_is_left_at_the_end_is_refused),
	  T(a_snapshot_has_so_many_items_and_nothing_after_them))
