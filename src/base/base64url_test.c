#include "tests/test.h"

#include "base/base64url.h"

/* RFC 4648 §10, without padding; and the two digits in which base64url differs. */
static const struct {
	const char *bytes, *text;
} VECTORS[] = {
	{"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
	{"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff", "-_8"},
};

static void
the_vectors_of_the_rfc_in_both_directions(void **) {
	for (size_t i = 0; i < ARRAY_LENGTH(VECTORS); i++) {
		char text[16];
		uint8_t bytes[8];
		size_t len;
		base64url_encode(bytes_of_text(VECTORS[i].bytes), text);
		assert_string_equal(VECTORS[i].text, text);
		assert_int_equal(BASE64URL_LENGTH(strlen(VECTORS[i].bytes)), strlen(text));
		assert_ok(base64url_decode(bytes_of_text(text), bytes, sizeof bytes, &len));
		assert_bytes(bytes_of_text(VECTORS[i].bytes), bytes_of(bytes, len));
	}
}

static void
what_is_not_strict_is_refused(void **) {
	static const struct {
		const char *text, *name;
		enum status status;
	} bad[] = {
		{"A", "base64url.length", STATUS_INVALID},   {"Zm9vY", "base64url.length", STATUS_INVALID},
		{"Zg==", "base64url.digit", STATUS_INVALID}, {"Zm8=", "base64url.digit", STATUS_INVALID},
		{"+_8A", "base64url.digit", STATUS_INVALID}, {"Zm9/", "base64url.digit", STATUS_INVALID},
		{"Zg\n", "base64url.digit", STATUS_INVALID}, {"Zh", "base64url.bits", STATUS_INVALID},
		{"Zm9", "base64url.bits", STATUS_INVALID},   {"Zm9vZm9v", "base64url.size", STATUS_TOO_LARGE},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		uint8_t bytes[4];
		size_t len;
		assert_fails(bad[i].status, bad[i].name,
			     base64url_decode(bytes_of_text(bad[i].text), bytes, sizeof bytes, &len));
	}
}

/* "A" and the byte, twice: a digit wherever the alphabet has it, at any place. */
static void
every_byte_is_a_digit_or_refused(void **) {
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_";
	for (unsigned c = 0; c < 256; c++) {
		const uint8_t text[] = {'A', (uint8_t)c, 'A', (uint8_t)c};
		const char *found = c == 0 ? nullptr : strchr(digits, (int)c);
		size_t place = found == nullptr ? SIZE_MAX : (size_t)(found - digits), len;
		for (int is_url = 0; is_url < 2; is_url++) {
			size_t digit = place < 62 ? place : is_url ? place - 2 : place;
			uint8_t bytes[3];
			enum status status = is_url ? base64url_decode(BYTES_OF_ARRAY(text), bytes, sizeof bytes, &len)
						    : base64_decode(BYTES_OF_ARRAY(text), bytes, sizeof bytes, &len);
			if (place == SIZE_MAX || digit < (place < 62 ? 0 : 62) || digit > 63) {
				/* "=" at the end is padding of the one, and a character too many before it */
				assert_int_equal(STATUS_INVALID, status);
				continue;
			}
			assert_ok(status);
			const uint8_t expected[] = {(uint8_t)(digit >> 4), (uint8_t)(digit << 4), (uint8_t)digit};
			assert_bytes(BYTES_OF_ARRAY(expected), bytes_of(bytes, len));
		}
	}
}

RUN_TESTS(T(every_byte_is_a_digit_or_refused), T(the_vectors_of_the_rfc_in_both_directions),
	  T(what_is_not_strict_is_refused))
