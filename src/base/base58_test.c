#include "tests/test.h"
#include "base/base58.h"

/* Known answers of draft-msporny-base58 §5 and of leading zeros. */
static const struct {
	const char *hex, *text;
} ANSWERS[] = {
	{"", ""},
	{"00", "1"},
	{"0000287fb4cd", "11233QC4"},
	{"48656c6c6f20576f726c6421", "2NEpo7TZRRrLZSi2U"},
	{"54686520717569636b2062726f776e20666f78206a756d7073206f76657220746865206c617a7920646f672e",
	 "USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z"},
	{"ff", "5Q"},
	{"000000000000000000000000000000000000000000", "111111111111111111111"},
};

static void
known_answers_agree_both_ways(void **) {
	for (size_t i = 0; i < ARRAY_LENGTH(ANSWERS); i++) {
		uint8_t bytes[BASE58_BYTES_MAX], back[BASE58_BYTES_MAX];
		size_t len = strlen(ANSWERS[i].hex) / 2, back_len;
		assert_ok(hex_decode(bytes_of_text(ANSWERS[i].hex), bytes, len));
		char text[BASE58_TEXT_SIZE];
		assert_ok(base58_encode(bytes_of(bytes, len), text));
		assert_string_equal(ANSWERS[i].text, text);
		assert_ok(base58_decode(bytes_of_text(text), back, sizeof back, &back_len));
		assert_bytes(bytes_of(bytes, len), bytes_of(back, back_len));
	}
}

static void
the_longest_input_fits(void **) {
	uint8_t bytes[BASE58_BYTES_MAX], back[BASE58_BYTES_MAX];
	memset(bytes, 0xff, sizeof bytes);
	char text[BASE58_TEXT_SIZE];
	size_t len;
	assert_ok(base58_encode(BYTES_OF_ARRAY(bytes), text));
	assert_ok(base58_decode(bytes_of_text(text), back, sizeof back, &len));
	assert_bytes(BYTES_OF_ARRAY(bytes), bytes_of(back, len));
}

static void
bad_input_is_refused_by_name(void **) {
	uint8_t bytes[BASE58_BYTES_MAX + 1] = {}, out[4];
	char text[BASE58_TEXT_SIZE + 1];
	size_t len;
	assert_fails(STATUS_TOO_LARGE, "base58.length", base58_encode(BYTES_OF_ARRAY(bytes), text));
	memset(text, '2', sizeof text);
	assert_fails(STATUS_INVALID, "base58.length",
		     base58_decode(bytes_of(text, sizeof text), out, sizeof out, &len));
	static const char *const BAD[] = {"0", "O", "I", "l", " 2", "2\n", "+", "\xff"};
	for (size_t i = 0; i < ARRAY_LENGTH(BAD); i++)
		assert_fails(STATUS_INVALID, "base58.digit",
			     base58_decode(bytes_of_text(BAD[i]), out, sizeof out, &len));
	assert_fails(STATUS_INVALID, "base58.digit", base58_decode(bytes_of("2\0", 2), out, sizeof out, &len));
	assert_fails(STATUS_INVALID, "base58.capacity",
		     base58_decode(BYTES_OF_LITERAL("11111"), out, sizeof out, &len));
	assert_fails(STATUS_INVALID, "base58.capacity",
		     base58_decode(BYTES_OF_LITERAL("2NEpo7TZRRrLZSi2U"), out, sizeof out, &len));
}

RUN_TESTS(T(known_answers_agree_both_ways), T(the_longest_input_fits), T(bad_input_is_refused_by_name))
