#include "tests/test.h"

#include "wallet/evm/rlp.h"

static struct bytes
written(struct buffer *buffer) {
	assert_ok(buffer_status(buffer));
	return buffer_bytes(buffer);
}

static void
bytes_are_written_as_the_yellow_paper_says(void **) {
	static const char LONG[] = "Lorem ipsum dolor sit amet, consectetur adipisicing elit"; /* 56 bytes */
	struct {
		struct bytes bytes, encoded;
	} cases[] = {
		{BYTES_OF_LITERAL(""), BYTES_OF_LITERAL("\x80")},
		{BYTES_OF_LITERAL("\0"), BYTES_OF_LITERAL("\0")},
		{BYTES_OF_LITERAL("\x7f"), BYTES_OF_LITERAL("\x7f")},
		{BYTES_OF_LITERAL("\x80"), BYTES_OF_LITERAL("\x81\x80")},
		{BYTES_OF_LITERAL("dog"), BYTES_OF_LITERAL("\x83"
							   "dog")},
		{bytes_of(LONG, 55), BYTES_OF_LITERAL("\xb7Lorem ipsum dolor sit amet, consectetur adipisicing eli")},
		{bytes_of(LONG, 56),
		 BYTES_OF_LITERAL("\xb8\x38Lorem ipsum dolor sit amet, consectetur adipisicing elit")},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(buffer_free) struct buffer buffer = {};
		struct rlp_writer writer = {.to = &buffer};
		rlp_write_bytes(&writer, cases[i].bytes);
		assert_bytes(cases[i].encoded, written(&buffer));
		assert_int_equal(writer.len, buffer.len);
		struct cursor cursor = cursor_of(buffer_bytes(&buffer));
		struct bytes read;
		assert_ok(rlp_read_bytes(&cursor, "field", &read));
		assert_bytes(cases[i].bytes, read);
		assert_ok(cursor_end(&cursor, "field"));
	}
}

static void
integers_are_written_without_leading_zeros(void **) {
	static const struct {
		uint64_t number;
		const char *encoded;
	} cases[] = {
		{0, "80"}, {1, "01"}, {127, "7f"}, {128, "8180"}, {1024, "820400"}, {UINT64_MAX, "88ffffffffffffffff"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		for (int as_amount = 0; as_amount < 2; as_amount++) {
			_cleanup_(buffer_free) struct buffer buffer = {}, hex = {};
			struct rlp_writer writer = {.to = &buffer};
			struct amount amount = amount_of(cases[i].number), read_amount;
			uint64_t read;
			if (as_amount)
				rlp_write_amount(&writer, &amount);
			else
				rlp_write_u64(&writer, cases[i].number);
			buffer_append_hex(&hex, written(&buffer));
			assert_bytes(bytes_of_text(cases[i].encoded), written(&hex));
			struct cursor cursor = cursor_of(buffer_bytes(&buffer));
			assert_ok(rlp_read_u64(&cursor, "field", &read));
			assert_true(read == cases[i].number);
			cursor = cursor_of(buffer_bytes(&buffer));
			assert_ok(rlp_read_amount(&cursor, "field", &read_amount));
			assert_int_equal(0, amount_compare(&amount, &read_amount));
		}
	}
}

static void
lists_hold_items_and_lists(void **) {
	/* [ [], [[]], [ [], [[]] ] ], the set-theoretical three. */
	struct cursor cursor = cursor_of(BYTES_OF_LITERAL("\xc7\xc0\xc1\xc0\xc3\xc0\xc1\xc0")), three, second, inner;
	size_t count;
	assert_ok(rlp_count(cursor, &count));
	assert_int_equal(1, count);
	assert_ok(rlp_read_list(&cursor, "three", &three));
	assert_ok(cursor_end(&cursor, "three"));
	assert_ok(rlp_count(three, &count));
	assert_int_equal(3, count);
	assert_ok(rlp_read_list(&three, "first", &inner));
	assert_int_equal(0, inner.left);
	assert_ok(rlp_read_list(&three, "second", &second));
	assert_ok(rlp_read_list(&second, "second", &inner));
	assert_int_equal(0, inner.left);
	assert_ok(rlp_read_list(&three, "third", &inner));
	assert_int_equal(3, inner.left);
	assert_ok(cursor_end(&three, "three"));
}

static void
list_headers_fit_every_length(void **) {
	static const struct {
		size_t len;
		const char *header;
	} cases[] = {{0, "c0"}, {55, "f7"}, {56, "f838"}, {255, "f8ff"}, {256, "f90100"}, {65536, "fa010000"}};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(buffer_free) struct buffer buffer = {}, hex = {};
		struct rlp_writer writer = {.to = &buffer};
		rlp_write_list_header(&writer, cases[i].len);
		buffer_append_hex(&hex, written(&buffer));
		assert_bytes(bytes_of_text(cases[i].header), written(&hex));
	}
}

enum reader { READ_BYTES, READ_FIXED_20, READ_LIST, READ_U64, READ_AMOUNT, READ_COUNT };

static enum status
read_with(enum reader reader, struct bytes bytes) {
	struct cursor cursor = cursor_of(bytes), content;
	struct bytes string;
	uint8_t fixed[20];
	uint64_t number;
	struct amount amount;
	size_t count;
	switch (reader) {
	case READ_BYTES:
		return rlp_read_bytes(&cursor, "x", &string);
	case READ_FIXED_20:
		return rlp_read_fixed(&cursor, "x", fixed, sizeof fixed);
	case READ_LIST:
		return rlp_read_list(&cursor, "x", &content);
	case READ_U64:
		return rlp_read_u64(&cursor, "x", &number);
	case READ_AMOUNT:
		return rlp_read_amount(&cursor, "x", &amount);
	case READ_COUNT:
		return rlp_count(cursor, &count);
	}
	return OK;
}

static void
bad_input_is_refused_by_name(void **) {
	static const struct {
		enum reader reader;
		const char *hex, *name;
	} cases[] = {
		{READ_BYTES, "", "x.missing"},
		{READ_BYTES, "81", "x.truncated"},
		{READ_BYTES, "83646f", "x.truncated"},
		{READ_BYTES, "b8", "x.truncated"},
		{READ_BYTES, "b838", "x.truncated"},
		{READ_BYTES, "bfffffffffffffffff", "x.truncated"},
		{READ_BYTES, "8100", "x.byte_form"},
		{READ_BYTES, "817f", "x.byte_form"},
		{READ_BYTES, "b80101", "x.length_form"},
		{READ_BYTES, "b837", "x.length_form"},
		{READ_BYTES, "b90038", "x.length_form"},
		{READ_BYTES, "b800", "x.length_form"},
		{READ_BYTES, "c0", "x.list"},
		{READ_LIST, "", "x.missing"},
		{READ_LIST, "80", "x.not_list"},
		{READ_LIST, "05", "x.not_list"},
		{READ_LIST, "c180c0", nullptr},
		{READ_LIST, "c2", "x.truncated"},
		{READ_LIST, "f8", "x.truncated"},
		{READ_LIST, "f801c0", "x.length_form"},
		{READ_LIST, "ff0f00000000000000", "x.truncated"},
		{READ_FIXED_20, "80", "x.length"},
		{READ_FIXED_20, "01", "x.length"},
		{READ_U64, "00", "x.leading_zero"},
		{READ_U64, "820001", "x.leading_zero"},
		{READ_U64, "89010000000000000000", "x.overflow"},
		{READ_U64, "c0", "x.list"},
		{READ_AMOUNT, "00", "x.leading_zero"},
		{READ_AMOUNT, "a1010000000000000000000000000000000000000000000000000000000000000000", "x.overflow"},
		{READ_COUNT, "8080c1", "rlp.truncated"},
		{READ_COUNT, "80c18080", nullptr},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		uint8_t bytes[64];
		size_t len = strlen(cases[i].hex) / 2;
		assert_ok(hex_decode(bytes_of_text(cases[i].hex), bytes, len));
		if (cases[i].name == nullptr)
			assert_ok(read_with(cases[i].reader, bytes_of(bytes, len)));
		else
			assert_fails(STATUS_INVALID, cases[i].name, read_with(cases[i].reader, bytes_of(bytes, len)));
	}
}

RUN_TESTS(T(bytes_are_written_as_the_yellow_paper_says), T(integers_are_written_without_leading_zeros),
	  T(lists_hold_items_and_lists), T(list_headers_fit_every_length), T(bad_input_is_refused_by_name))
