#include "tests/test.h"

#include "identity/client_data.h"

static const uint8_t CHALLENGE[32] = {0x39, 0xc0, 0xe7, 0x52, 0x14, 0x17, 0xba, 0x54, 0xd4, 0x3e, 0x8d,
				      0xc9, 0x51, 0x74, 0xf4, 0x23, 0xde, 0xe9, 0xbf, 0x3c, 0xd8, 0x04,
				      0xff, 0x6d, 0x65, 0xc8, 0x57, 0xc9, 0xab, 0xf4, 0xd4, 0x08};
#define C "OcDnUhQXulTUPo3JUXT0I97pvzzYBP9tZchXyav01Ag"
#define GET "\"type\":\"webauthn.get\""
#define CHALLENGED "\"challenge\":\"" C "\""
#define ORIGIN "\"origin\":\"https://gate.example:8443\""

static const char *const ORIGINS[] = {"https://gate.example:8443", "https://console.gate.example"};

static enum status
check(const char *text, size_t len) {
	_cleanup_(arena_free) struct arena arena = {};
	struct client_data read;
	TRY(client_data_read(&arena, bytes_of(text, len), &read));
	TRY(client_data_check_type(&read, CLIENT_DATA_GET));
	TRY(client_data_check_challenge(&read, BYTES_OF_ARRAY(CHALLENGE)));
	return client_data_check_origin(&read, ORIGINS, ARRAY_LENGTH(ORIGINS));
}

static void
what_a_browser_says_is_taken_with_members_of_its_own(void **) {
	static const char *const good[] = {
		"{" GET "," CHALLENGED "," ORIGIN "}",
		"{" GET "," CHALLENGED "," ORIGIN ",\"crossOrigin\":false}",
		"{" GET "," CHALLENGED ",\"origin\":\"https://console.gate.example\",\"crossOrigin\":false}",
		"{" ORIGIN "," CHALLENGED "," GET ",\"tokenBinding\":{\"status\":\"supported\"}}",
		" {\n" GET ",\t" CHALLENGED "," ORIGIN ",\"extraData\":\"clientDataJSON may be extended\"} ",
	};
	for (size_t i = 0; i < ARRAY_LENGTH(good); i++)
		assert_ok(check(good[i], strlen(good[i])));
}

static void
everything_else_is_refused_by_name(void **) {
	static const struct {
		const char *text, *name;
		enum status status;
	} bad[] = {
		{"", "json.syntax", STATUS_INVALID},
		{"{", "json.syntax", STATUS_INVALID},
		{"[]", "client_data.form", STATUS_INVALID},
		{"null", "client_data.form", STATUS_INVALID},
		{"{}", "client_data.form", STATUS_INVALID},
		{"\xef\xbb\xbf{" GET "," CHALLENGED "," ORIGIN "}", "json.syntax", STATUS_INVALID},
		{"{" GET "," CHALLENGED "," ORIGIN "}x", "json.syntax", STATUS_INVALID},
		{"{" GET "," CHALLENGED "," ORIGIN ",}", "json.syntax", STATUS_INVALID},
		{"{" GET "," CHALLENGED "," ORIGIN "}\xff", "json.syntax", STATUS_INVALID},
		{"{" GET "," CHALLENGED "," ORIGIN ",\"x\":\"\xff\"}", "json.syntax", STATUS_INVALID},
		{"{" GET "," GET "," CHALLENGED "," ORIGIN "}", "json.duplicate_key", STATUS_INVALID},
		{"{" GET "," CHALLENGED "," CHALLENGED "," ORIGIN "}", "json.duplicate_key", STATUS_INVALID},
		{"{" GET "," CHALLENGED "," ORIGIN ",\"origin\":\"https://evil.example\"}", "json.duplicate_key",
		 STATUS_INVALID},
		{"{" CHALLENGED "," ORIGIN "}", "client_data.form", STATUS_INVALID},
		{"{" GET "," ORIGIN "}", "client_data.form", STATUS_INVALID},
		{"{" GET "," CHALLENGED "}", "client_data.form", STATUS_INVALID},
		{"{\"type\":null," CHALLENGED "," ORIGIN "}", "client_data.form", STATUS_INVALID},
		{"{" GET ",\"challenge\":[]," ORIGIN "}", "client_data.form", STATUS_INVALID},
		{"{" GET "," CHALLENGED ",\"origin\":[\"https://gate.example:8443\"]}", "client_data.form",
		 STATUS_INVALID},
		{"{" GET "," CHALLENGED "," ORIGIN ",\"crossOrigin\":\"false\"}", "client_data.form", STATUS_INVALID},
		{"{" GET "," CHALLENGED "," ORIGIN ",\"crossOrigin\":null}", "client_data.form", STATUS_INVALID},
		{"{\"type\":\"webauthn.create\"," CHALLENGED "," ORIGIN "}", "client_data.type", STATUS_UNAUTHORIZED},
		{"{\"type\":\"\"," CHALLENGED "," ORIGIN "}", "client_data.type", STATUS_UNAUTHORIZED},
		{"{\"type\":\"webauthn.get \"," CHALLENGED "," ORIGIN "}", "client_data.type", STATUS_UNAUTHORIZED},
		{"{\"type\":\"payment.get\"," CHALLENGED "," ORIGIN "}", "client_data.type", STATUS_UNAUTHORIZED},
		{"{" GET ",\"challenge\":\"\"," ORIGIN "}", "client_data.challenge", STATUS_UNAUTHORIZED},
		{"{" GET ",\"challenge\":\"" C "=\"," ORIGIN "}", "client_data.challenge", STATUS_UNAUTHORIZED},
		{"{" GET ",\"challenge\":\"" C "\\n\"," ORIGIN "}", "client_data.challenge", STATUS_UNAUTHORIZED},
		{"{" GET ",\"challenge\":\"OcDnUhQXulTUPo3JUXT0I97pvzzYBP9tZchXyav01Ah\"," ORIGIN "}",
		 "client_data.challenge", STATUS_UNAUTHORIZED},
		{"{" GET ",\"challenge\":\"OcDnUhQXulTUPo3JUXT0I97pvzzYBP9tZchXyav01A\"," ORIGIN "}",
		 "client_data.challenge", STATUS_UNAUTHORIZED},
		/* CVE-2026-30964: an origin reduced to its host. */
		{"{" GET "," CHALLENGED ",\"origin\":\"http://gate.example:8443\"}", "client_data.origin",
		 STATUS_UNAUTHORIZED},
		{"{" GET "," CHALLENGED ",\"origin\":\"https://gate.example\"}", "client_data.origin",
		 STATUS_UNAUTHORIZED},
		{"{" GET "," CHALLENGED ",\"origin\":\"https://gate.example:9443\"}", "client_data.origin",
		 STATUS_UNAUTHORIZED},
		{"{" GET "," CHALLENGED ",\"origin\":\"gate.example:8443\"}", "client_data.origin",
		 STATUS_UNAUTHORIZED},
		{"{" GET "," CHALLENGED ",\"origin\":\"https://gate.example:8443/\"}", "client_data.origin",
		 STATUS_UNAUTHORIZED},
		{"{" GET "," CHALLENGED ",\"origin\":\"https://GATE.example:8443\"}", "client_data.origin",
		 STATUS_UNAUTHORIZED},
		{"{" GET "," CHALLENGED ",\"origin\":\"https://gate.example:8443.evil.example\"}", "client_data.origin",
		 STATUS_UNAUTHORIZED},
		{"{" GET "," CHALLENGED ",\"origin\":\"https://evil.example\"}", "client_data.origin",
		 STATUS_UNAUTHORIZED},
		{"{" GET "," CHALLENGED ",\"origin\":\"\"}", "client_data.origin", STATUS_UNAUTHORIZED},
		{"{" GET "," CHALLENGED "," ORIGIN ",\"crossOrigin\":true}", "client_data.cross_origin",
		 STATUS_UNAUTHORIZED},
		{"{" GET "," CHALLENGED "," ORIGIN ",\"topOrigin\":\"https://evil.example\"}",
		 "client_data.cross_origin", STATUS_UNAUTHORIZED},
		{"{" GET "," CHALLENGED "," ORIGIN ",\"crossOrigin\":false,\"topOrigin\":\"https://evil.example\"}",
		 "client_data.cross_origin", STATUS_UNAUTHORIZED},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		enum status status = check(bad[i].text, strlen(bad[i].text));
		char name[64] = "";
		fail_name(name, sizeof name);
		if (status != bad[i].status || strcmp(name, bad[i].name) != 0)
			fail_msg("%s: expected %s, found %s %s", bad[i].text, bad[i].name, status_name(status), name);
	}
}

static void
a_text_beyond_the_limit_is_not_parsed(void **) {
	_cleanup_(buffer_free) struct buffer text = {};
	buffer_append_text(&text, "{" GET "," CHALLENGED "," ORIGIN ",\"x\":\"");
	while (text.len < CLIENT_DATA_MAX - 2)
		buffer_append_byte(&text, 'x');
	buffer_append_text(&text, "\"}");
	assert_int_equal(CLIENT_DATA_MAX, text.len);
	assert_ok(check((const char *)text.data, text.len));
	buffer_append_byte(&text, ' ');
	assert_fails(STATUS_INVALID, "client_data.form", check((const char *)text.data, text.len));
}

static void
an_origin_speaks_for_its_own_relying_party(void **) {
	static const struct {
		const char *origin, *rp_id;
		bool speaks;
	} cases[] = {
		{"https://gate.example", "gate.example", true},
		{"https://gate.example:8443", "gate.example", true},
		{"https://console.gate.example:8443", "gate.example", true},
		{"http://localhost:8080", "localhost", true},
		{"https://localhost", "localhost", true},
		{"http://gate.example", "gate.example", false},
		{"https://evilgate.example", "gate.example", false},
		{"https://gate.example.evil.example", "gate.example", false},
		{"https://example", "gate.example", false},
		{"https://gate.example:", "gate.example", false},
		{"https://gate.example:8443:1", "gate.example", false},
		{"https://gate.example:x", "gate.example", false},
		{"https://gate.example:123456", "gate.example", false},
		{"https://gate.example/", "gate.example", false},
		{"https://user@gate.example", "gate.example", false},
		{"https://Gate.example", "gate.example", false},
		{"https://", "gate.example", false},
		{"https://.gate.example", "", false},
		{"android:apk-key-hash:abc", "gate.example", false},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct client_data said = {.origin = bytes_of_text(cases[i].origin)};
		enum status status = client_data_check_relying_party(&said, bytes_of_text(cases[i].rp_id));
		if ((status == OK) != cases[i].speaks)
			fail_msg("%s for %s", cases[i].origin, cases[i].rp_id);
		said.is_cross_origin = true;
		assert_fails(STATUS_UNAUTHORIZED, "client_data.cross_origin",
			     client_data_check_relying_party(&said, bytes_of_text(cases[i].rp_id)));
	}
}

RUN_TESTS(T(what_a_browser_says_is_taken_with_members_of_its_own), T(everything_else_is_refused_by_name),
	  T(a_text_beyond_the_limit_is_not_parsed), T(an_origin_speaks_for_its_own_relying_party))
