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

RUN_TESTS(T(the_vectors_of_the_rfc_in_both_directions), T(what_is_not_strict_is_refused))
