#include "tests/test.h"
#include "base/bytes.h"

#include <stdio.h>

/* RFC 4648 §10. */
static const struct {
	const char *plain, *base64, *hex;
} VECTORS[] = {
	{"", "", ""},
	{"f", "Zg==", "66"},
	{"fo", "Zm8=", "666f"},
	{"foo", "Zm9v", "666f6f"},
	{"foob", "Zm9vYg==", "666f6f62"},
	{"fooba", "Zm9vYmE=", "666f6f6261"},
	{"foobar", "Zm9vYmFy", "666f6f626172"},
	{"\xfb\xff\xbf", "+/+/", "fbffbf"},
};

static void
base64_and_hex_agree_with_the_rfc(void **) {
	for (size_t i = 0; i < ARRAY_LENGTH(VECTORS); i++) {
		struct bytes plain = bytes_of_text(VECTORS[i].plain);
		char text[32];
		uint8_t back[16];
		size_t len;
		base64_encode(plain, text);
		assert_string_equal(VECTORS[i].base64, text);
		assert_ok(base64_decode(bytes_of_text(text), back, sizeof back, &len));
		assert_bytes(plain, bytes_of(back, len));
		hex_encode(plain, text);
		assert_string_equal(VECTORS[i].hex, text);
		assert_ok(hex_decode(bytes_of_text(text), back, plain.len));
		assert_bytes(plain, bytes_of(back, plain.len));
		_cleanup_(buffer_free) struct buffer buffer = {};
		buffer_append_base64(&buffer, plain);
		buffer_append_byte(&buffer, ' ');
		buffer_append_hex(&buffer, plain);
		char both[64];
		snprintf(both, sizeof both, "%s %s", VECTORS[i].base64, VECTORS[i].hex);
		assert_bytes(bytes_of_text(both), buffer_bytes(&buffer));
	}
}

static void
every_length_comes_back_the_same(void **) {
	uint8_t plain[100], back[100];
	char text[201];
	for (size_t len = 0; len <= sizeof plain; len++) {
		for (size_t i = 0; i < len; i++)
			plain[i] = (uint8_t)(i * 151 + len * 7);
		size_t decoded;
		base64_encode(bytes_of(plain, len), text);
		assert_int_equal(BASE64_LENGTH(len), strlen(text));
		assert_ok(base64_decode(bytes_of_text(text), back, len, &decoded));
		assert_bytes(bytes_of(plain, len), bytes_of(back, decoded));
		hex_encode(bytes_of(plain, len), text);
		assert_ok(hex_decode(bytes_of_text(text), back, len));
		assert_bytes(bytes_of(plain, len), bytes_of(back, len));
	}
}

static void
bad_base64_is_refused_by_name(void **) {
	static const struct {
		const char *text;
		enum status status;
		const char *name;
	} cases[] = {
		{"Z", STATUS_INVALID, "base64.length"},
		{"Zg=", STATUS_INVALID, "base64.length"},
		{"Zg==\n", STATUS_INVALID, "base64.length"},
		{"====", STATUS_INVALID, "base64.digit"},
		{"Z===", STATUS_INVALID, "base64.digit"},
		{"Zg==Zg==", STATUS_INVALID, "base64.digit"},
		{"Zg=a", STATUS_INVALID, "base64.digit"},
		{"Z g=", STATUS_INVALID, "base64.digit"},
		{"Zm-_", STATUS_INVALID, "base64.digit"},
		{"Zm9\xff", STATUS_INVALID, "base64.digit"},
		{"Zh==", STATUS_INVALID, "base64.bits"},
		{"Zm9=", STATUS_INVALID, "base64.bits"},
		{"Zm9vYmFyZm9v", STATUS_TOO_LARGE, "base64.size"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		uint8_t to[8];
		size_t len;
		assert_fails(cases[i].status, cases[i].name,
			     base64_decode(bytes_of_text(cases[i].text), to, sizeof to, &len));
	}
}

static void
bad_hex_is_refused_by_name(void **) {
	static const struct {
		const char *text, *name;
	} cases[] = {
		{"", "hex.length"},
		{"0", "hex.length"},
		{"000", "hex.length"},
		{"00000", "hex.length"},
		{"0x00", "hex.digit"},
		{"00 0", "hex.digit"},
		{"000g", "hex.digit"},
		{"00\xff"
		 "0",
		 "hex.digit"},
		{"00:0", "hex.digit"},
		{"00/0", "hex.digit"},
		{"00@0", "hex.digit"},
		{"00`0", "hex.digit"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		uint8_t to[2];
		assert_fails(STATUS_INVALID, cases[i].name, hex_decode(bytes_of_text(cases[i].text), to, sizeof to));
	}
	uint8_t mixed[2];
	assert_ok(hex_decode(BYTES_OF_LITERAL("aBfF"), mixed, 2));
	assert_int_equal(0xab, mixed[0]);
	assert_int_equal(0xff, mixed[1]);
}

static void
a_buffer_grows_and_keeps_what_it_holds(void **) {
	_cleanup_(buffer_free) struct buffer buffer = {};
	for (size_t i = 0; i < 10'000; i++)
		buffer_append_u32be(&buffer, (uint32_t)i);
	assert_ok(buffer_status(&buffer));
	assert_int_equal(40'000, buffer.len);
	for (size_t i = 0; i < 10'000; i++)
		assert_int_equal(i, load_u32be(buffer.data + 4 * i));
	buffer_reset(&buffer);
	assert_int_equal(0, buffer.len);
	buffer_append_u16be(&buffer, 0x0102);
	buffer_append_u64be(&buffer, 0x030405060708090a);
	buffer_append_u16le(&buffer, 0x0c0b);
	buffer_append_u32le(&buffer, 0x100f0e0d);
	buffer_append_u64le(&buffer, 0x1817161514131211);
	for (size_t i = 0; i < buffer.len; i++)
		assert_int_equal(i + 1, buffer.data[i]);
	assert_int_equal(24, buffer.len);
	buffer_reset(&buffer);
	buffer_append_decimal(&buffer, 0);
	buffer_append_decimal(&buffer, UINT64_MAX);
	buffer_append_format(&buffer, "<%s|%d>", "x", -1);
	buffer_append_bytes(&buffer, (struct bytes){});
	assert_bytes(BYTES_OF_LITERAL("018446744073709551615<x|-1>"), buffer_bytes(&buffer));
}

static void
a_failed_append_is_told_once_at_the_end(void **) {
	_cleanup_(buffer_free) struct buffer buffer = {};
	buffer_append_text(&buffer, "kept");
	assert_false(buffer_reserve(&buffer, SIZE_MAX));
	buffer_append_text(&buffer, "dropped");
	assert_int_equal(4, buffer.len);
	assert_fails(STATUS_NO_MEMORY, "memory", buffer_status(&buffer));
	buffer_reset(&buffer);
	assert_ok(buffer_status(&buffer));
	buffer_append_hex(&buffer, bytes_of("", SIZE_MAX));
	assert_fails(STATUS_NO_MEMORY, "memory", buffer_status(&buffer));
	buffer_reset(&buffer);
	buffer_append_base64(&buffer, bytes_of("", SIZE_MAX));
	assert_fails(STATUS_NO_MEMORY, "memory", buffer_status(&buffer));
}

static void
bytes_are_ordered_by_value_then_by_length(void **) {
	static const struct bytes ordered[] = {
		{},
		{(const uint8_t *)"\0", 1},
		{(const uint8_t *)"a", 1},
		{(const uint8_t *)"a\0", 2},
		{(const uint8_t *)"ab", 2},
		{(const uint8_t *)"b", 1},
		{(const uint8_t *)"\xff", 1},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(ordered); i++)
		for (size_t j = 0; j < ARRAY_LENGTH(ordered); j++) {
			int order = bytes_compare(ordered[i], ordered[j]);
			assert_int_equal((i > j) - (i < j), (order > 0) - (order < 0));
			assert_int_equal(i == j, bytes_equal(ordered[i], ordered[j]));
		}
	assert_true(bytes_equal_text(BYTES_OF_LITERAL("ab"), "ab"));
	assert_false(bytes_equal_text(BYTES_OF_LITERAL("ab"), "abc"));
}

RUN_TESTS(T(base64_and_hex_agree_with_the_rfc), T(every_length_comes_back_the_same), T(bad_base64_is_refused_by_name),
	  T(bad_hex_is_refused_by_name), T(a_buffer_grows_and_keeps_what_it_holds),
	  T(a_failed_append_is_told_once_at_the_end), T(bytes_are_ordered_by_value_then_by_length))
