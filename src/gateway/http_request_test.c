#include "tests/test.h"

#include <stdio.h>

#include "gateway/http_request.h"

static const char *const authorities[] = {"gate.example:8443", "127.0.0.1", nullptr};
static struct http_common common = {authorities, HTTP_BODY_BYTES_IN_ALL};

#define PLAIN_POST_HEAD "POST /v1/operations HTTP/1.1\r\nHost: gate.example:8443\r\n"
#define JSON_TYPE "Content-Type: application/json\r\n"
#define POST_HEAD PLAIN_POST_HEAD JSON_TYPE
#define GET_HEAD "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"

/* Feeds text in parts of the given size; what comes after a complete request is left. */
static enum http_progress
feed(struct http_reader *reader, const char *text, size_t len, size_t step, size_t *used) {
	enum http_progress progress = HTTP_WANTS_MORE;
	*used = 0;
	while (*used < len && progress == HTTP_WANTS_MORE) {
		size_t part = len - *used < step ? len - *used : step, taken;
		progress = http_reader_feed(reader, bytes_of(text + *used, part), &taken);
		*used += taken;
	}
	return progress;
}

static const size_t steps[] = {1, 2, 3, 7, 64, SIZE_MAX};

struct accepted_case {
	const char *text;
	const char *target, *path, *body;
};

static void
good_requests_are_read_however_they_are_cut(void **) {
	static const struct accepted_case cases[] = {
		{GET_HEAD "\r\n", "/healthz", "/healthz", ""},
		{POST_HEAD "Content-Length: 5\r\n\r\nhello", "/v1/operations", "/v1/operations", "hello"},
		{POST_HEAD "content-LENGTH: 5\r\nIdempotency-Key:\t k \t\r\n\r\nhello", "/v1/operations",
		 "/v1/operations", "hello"},
		{POST_HEAD "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "/v1/operations",
		 "/v1/operations", "hello"},
		{POST_HEAD "Content-Length: 0\r\n\r\n", "/v1/operations", "/v1/operations", ""},
		{"GET /v1/operations/a%2Db?limit=1&x=%2F..%2F HTTP/1.1\r\nHost: GATE.example:8443\r\n\r\n",
		 "/v1/operations/a%2Db?limit=1&x=%2F..%2F", "/v1/operations/a-b", ""},
		{"\r\n" GET_HEAD "\r\n", "/healthz", "/healthz", ""},
		{GET_HEAD "Accept-Encoding: gzip\r\nAccept-Encoding: br\r\n\r\n", "/healthz", "/healthz", ""},
		{POST_HEAD "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nab", "/v1/operations", "/v1/operations",
		 "ab"},
		{POST_HEAD "X-Anything: \xff\xfe\r\nContent-Length: 2\r\n\r\nab", "/v1/operations", "/v1/operations",
		 "ab"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
		for (size_t s = 0; s < ARRAY_LENGTH(steps); s++) {
			_cleanup_(http_reader_free) struct http_reader reader;
			http_reader_start(&reader, &common);
			size_t len = strlen(cases[i].text), used;
			enum http_progress progress = feed(&reader, cases[i].text, len, steps[s], &used);
			if (progress != HTTP_COMPLETE)
				fail_msg("case %zu in steps of %zu: progress %d, %s", i, steps[s], (int)progress,
					 reader.refusal == nullptr ? "" : reader.refusal->name);
			assert_int_equal(len, used);
			assert_bytes(bytes_of_text(cases[i].target), http_target(&reader));
			assert_bytes(bytes_of_text(cases[i].path), http_path(&reader));
			assert_bytes(bytes_of_text(cases[i].body), buffer_bytes(&reader.body));
			assert_true(http_keep_alive(&reader));
			assert_non_null(reader.route);
		}
}

static void
fields_are_kept_without_the_white_space_around_them(void **) {
	_cleanup_(http_reader_free) struct http_reader reader;
	http_reader_start(&reader, &common);
	const char *text = POST_HEAD "Idempotency-Key: \t k 1 \t\r\nSignature:\r\nContent-Length: 0\r\n\r\n";
	size_t used;
	assert_int_equal(HTTP_COMPLETE, feed(&reader, text, strlen(text), 1, &used));
	assert_bytes(BYTES_OF_LITERAL("k 1"), http_field(&reader, HTTP_IDEMPOTENCY_KEY));
	assert_bytes(BYTES_OF_LITERAL("gate.example:8443"), http_field(&reader, HTTP_HOST));
	assert_int_equal(0, http_field(&reader, HTTP_SIGNATURE).len);
	assert_non_null(http_field(&reader, HTTP_SIGNATURE).data);
	assert_null(http_field(&reader, HTTP_CONTENT_DIGEST).data);
}

static void
pipelined_requests_come_one_by_one(void **) {
	const char *text =
		POST_HEAD "Content-Length: 3\r\n\r\none" GET_HEAD "\r\n" POST_HEAD "Content-Length: 3\r\n\r\ntwo";
	for (size_t s = 0; s < ARRAY_LENGTH(steps); s++) {
		_cleanup_(http_reader_free) struct http_reader reader;
		http_reader_start(&reader, &common);
		const char *at = text;
		static const char *const bodies[] = {"one", "", "two"};
		for (size_t i = 0; i < ARRAY_LENGTH(bodies); i++) {
			size_t used;
			assert_int_equal(HTTP_COMPLETE, feed(&reader, at, strlen(at), steps[s], &used));
			assert_bytes(bytes_of_text(bodies[i]), buffer_bytes(&reader.body));
			at += used;
			http_reader_reset(&reader);
		}
		assert_int_equal(0, strlen(at));
	}
}

/* The rows of the strictness probe among them: each must be answered, not hung up on. */
static const struct {
	const char *text;
	unsigned status;
	const char *name, *detail;
} refused[] = {
	{POST_HEAD "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "request.transfer_encoding",
	 "Transfer-Encoding is not just chunked, or stands beside Content-Length."},
	{POST_HEAD "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400, "request.content_length",
	 "Content-Length is not one plain decimal number, stands twice, or beside Transfer-Encoding."},
	{POST_HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400, "request.transfer_encoding",
	 "Transfer-Encoding is not just chunked, or stands beside Content-Length."},
	{POST_HEAD "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400, "request.transfer_encoding",
	 "Transfer-Encoding is not just chunked, or stands beside Content-Length."},
	{POST_HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
	 "request.duplicate_field", "The field transfer-encoding stands twice, and may stand once."},
	{POST_HEAD "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400, "request.content_length",
	 "Content-Length is not one plain decimal number, stands twice, or beside Transfer-Encoding."},
	{POST_HEAD "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400, "request.content_length",
	 "Content-Length is not one plain decimal number, stands twice, or beside Transfer-Encoding."},
	{POST_HEAD "Content-Length: +5\r\n\r\nhello", 400, "request.content_length",
	 "Content-Length is not one plain decimal number, stands twice, or beside Transfer-Encoding."},
	{POST_HEAD "Content-Length: -5\r\n\r\nhello", 400, "request.content_length",
	 "Content-Length is not one plain decimal number, stands twice, or beside Transfer-Encoding."},
	{POST_HEAD "Content-Length: 0x5\r\n\r\nhello", 400, "request.content_length",
	 "Content-Length is not one plain decimal number, stands twice, or beside Transfer-Encoding."},
	{POST_HEAD "Content-Length: 5, 5\r\n\r\nhello", 400, "request.content_length",
	 "Content-Length is not one plain decimal number, stands twice, or beside Transfer-Encoding."},
	{POST_HEAD "Content-Length: 99999999999999999999\r\n\r\nhello", 400, "request.content_length",
	 "Content-Length is not one plain decimal number, stands twice, or beside Transfer-Encoding."},
	{POST_HEAD "Content-Length : 5\r\n\r\nhello", 400, "request.syntax",
	 "Field 2 or what follows it is not as RFC 9112 says: a byte that is not expected."},
	{POST_HEAD "X-Nul: a\0b\r\n\r\n", 400, "request.syntax",
	 "Field 3 or what follows it is not as RFC 9112 says: a byte that is not expected."},
	{POST_HEAD "X-Folded: a\r\n b\r\n\r\n", 400, "request.syntax",
	 "Field 3 or what follows it is not as RFC 9112 says: a byte that is not expected."},
	{"POST /v1/operations HTTP/1.1\nHost: gate.example:8443\nContent-Length: 0\n\n", 400, "request.syntax",
	 "The request line or the first field is not as RFC 9112 says: a line that does not end in CR LF."},
	{POST_HEAD "X: a\rY: b\r\n\r\n", 400, "request.syntax",
	 "Field 3 or what follows it is not as RFC 9112 says: a line that does not end in CR LF."},
	{"GET /healthz HTTP/1.1\r\n\r\n", 400, "request.host_missing", "The field Host is missing or empty."},
	{"GET /healthz HTTP/1.1\r\nHost:\r\n\r\n", 400, "request.host_missing", "The field Host is missing or empty."},
	{"GET /healthz HTTP/1.1\r\nHost: other.example\r\n\r\n", 421, "request.host",
	 "Host is other.example, expected an authority of this installation as its configuration has them."},
	{"GET /healthz HTTP/1.1\r\nHost: gate.example\r\n\r\n", 421, "request.host",
	 "Host is gate.example, expected an authority of this installation as its configuration has them."},
	{GET_HEAD "Host: 127.0.0.1\r\n\r\n", 400, "request.duplicate_field",
	 "The field host stands twice, and may stand once."},
	{POST_HEAD "Signature: a\r\nSIGNATURE: b\r\n\r\n", 400, "request.duplicate_field",
	 "The field signature stands twice, and may stand once."},
	{POST_HEAD "Cookie: a=b\r\ncookie: c=d\r\n\r\n", 400, "request.duplicate_field",
	 "The field cookie stands twice, and may stand once."},
	{POST_HEAD "Cookie: a=\xc3\xa4\r\n\r\n", 400, "request.field_value",
	 "The value of the field cookie has byte 0xc3 at offset 2, expected 0x20 to 0x7e."},
	{POST_HEAD "Idempotency-Key: \xc3\xa4\r\n\r\n", 400, "request.field_value",
	 "The value of the field idempotency-key has byte 0xc3 at offset 0, expected 0x20 to 0x7e."},
	{PLAIN_POST_HEAD "Content-Type: a\tb\r\n\r\n", 400, "request.field_value",
	 "The value of the field content-type has byte 0x09 at offset 1, expected 0x20 to 0x7e."},
	{POST_HEAD "Expect: the-unexpected\r\nContent-Length: 1\r\n\r\na", 400, "request.expect",
	 "Expect asks for something other than 100-continue."},
	{POST_HEAD "Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\na", 415, "request.content_encoding",
	 "Content-Encoding asks for a coding; bodies are taken as they are."},
	{GET_HEAD "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n", 400, "request.upgrade",
	 "Upgrade or CONNECT asks for another protocol, and there is none."},
	{"GET http://gate.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400, "request.target_form",
	 "The target does not begin with a slash, as a path does."},
	{"OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400, "request.target_form",
	 "The target does not begin with a slash, as a path does."},
	{"CONNECT a.example:443 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400, "request.target_form",
	 "The target does not begin with a slash, as a path does."},
	{"GET /healthz%00 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400, "request.target_escape",
	 "The percent escape at offset 8 of the target is malformed, or hides a control character or a slash."},
	{"GET /healthz%0a HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400, "request.target_escape",
	 "The percent escape at offset 8 of the target is malformed, or hides a control character or a slash."},
	{"GET /healthz%2Fx HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400, "request.target_escape",
	 "The percent escape at offset 8 of the target is malformed, or hides a control character or a slash."},
	{"GET /healthz%4 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400, "request.target_escape",
	 "The percent escape at offset 8 of the target is malformed, or hides a control character or a slash."},
	{"GET /healthz%zz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400, "request.target_escape",
	 "The percent escape at offset 8 of the target is malformed, or hides a control character or a slash."},
	{"GET /healthz?a=%00 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400, "request.target_escape",
	 "The percent escape at offset 11 of the target is malformed, or hides a control character or a slash."},
	{"GET /v1/../healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400, "request.target_dots",
	 "The path has an empty or dot segment."},
	{"GET /v1/%2e%2E/healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400, "request.target_dots",
	 "The path has an empty or dot segment."},
	{"GET /./healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400, "request.target_dots",
	 "The path has an empty or dot segment."},
	{"GET /healthz/.. HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400, "request.target_dots",
	 "The path has an empty or dot segment."},
	{"GET //healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400, "request.target_dots",
	 "The path has an empty or dot segment."},
	{"GET /healthz/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400, "request.target_dots",
	 "The path has an empty or dot segment."},
	{"GET /health\\z HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400, "request.target_character",
	 "Byte 0x5c at offset 7 of the target is none that RFC 3986 allows there."},
	{"GET /healthz?<a> HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400, "request.target_character",
	 "Byte 0x3c at offset 9 of the target is none that RFC 3986 allows there."},
	{"GET /health\xc3\xa4 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400, "request.syntax",
	 "The request line or the first field is not as RFC 9112 says: a byte that is not expected."},
	{"GET /healthz#top HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400, "request.target_character",
	 "Byte 0x23 at offset 8 of the target is none that RFC 3986 allows there."},
	{"GET /healthz HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n", 505, "request.version", "Only HTTP/1.1 is spoken here."},
	{"GET /healthz HTTP/2.0\r\nHost: 127.0.0.1\r\n\r\n", 505, "request.version", "Only HTTP/1.1 is spoken here."},
	{"GET /healthz HTTP/1.7\r\nHost: 127.0.0.1\r\n\r\n", 505, "request.version", "Only HTTP/1.1 is spoken here."},
	{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "request.version", "Only HTTP/1.1 is spoken here."},
	{"GET /healthz\r\n\r\n", 505, "request.version", "Only HTTP/1.1 is spoken here."},
	{"FROB /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400, "request.method",
	 "The request does not begin with one of HTTP's methods."},
	{"\x16\x03\x01\x02", 400, "request.method", "The request does not begin with one of HTTP's methods."},
	{"POST /v1/nothing HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\n\r\na", 404, "request.not_found",
	 "There is nothing at this path."},
	{"DELETE /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\n\r\na", 405, "request.method_not_allowed",
	 "There is something at this path for GET, and for no other method."},
	{GET_HEAD "Content-Length: 1\r\n\r\na", 413, "request.body_size", "This path takes no body with this method."},
	{GET_HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", 413, "request.body_size",
	 "This path takes no body with this method."},
	{POST_HEAD "Content-Length: 917505\r\n\r\n", 413, "request.body_size",
	 "The body is of 917505 bytes or more, and this path takes 917504 at most."},
	{POST_HEAD "Transfer-Encoding: chunked\r\n\r\n1;name=value\r\na\r\n0\r\n\r\n", 400, "request.chunk",
	 "A chunk's size is not plain hexadecimal or too large, or the chunk has extensions."},
	{POST_HEAD "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400, "request.chunk",
	 "A chunk's size is not plain hexadecimal or too large, or the chunk has extensions."},
	{POST_HEAD "Transfer-Encoding: chunked\r\n\r\n1ffffffffffffffff\r\n", 400, "request.chunk",
	 "A chunk's size is not plain hexadecimal or too large, or the chunk has extensions."},
	{POST_HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nSignature: x\r\n\r\n", 400, "request.trailers",
	 "Fields after the body are not taken."},
};

static void
bad_requests_are_refused_by_status_name_and_what_is_wrong_however_they_are_cut(void **) {
	for (size_t i = 0; i < ARRAY_LENGTH(refused); i++)
		for (size_t s = 0; s < ARRAY_LENGTH(steps); s++) {
			_cleanup_(http_reader_free) struct http_reader reader;
			http_reader_start(&reader, &common);
			/* The case with a NUL in it ends at its last line end, not there. */
			size_t len = strlen(refused[i].text), used;
			if (strstr(refused[i].text, "X-Nul") != nullptr)
				len += strlen(refused[i].text + len + 1) + 1;
			enum http_progress progress = feed(&reader, refused[i].text, len, steps[s], &used);
			if (progress != HTTP_REFUSED || strcmp(refused[i].name, reader.refusal->name) != 0)
				fail_msg("case %zu in steps of %zu: expected %s, progress %d, %s", i, steps[s],
					 refused[i].name, (int)progress,
					 reader.refusal == nullptr ? "" : reader.refusal->name);
			assert_int_equal(refused[i].status, reader.refusal->status);
			assert_string_equal(refused[i].detail, http_refusal_detail(&reader));
		}
}

static void
a_request_for_nothing_without_a_body_is_complete(void **) {
	static const char nothing[] = "There is nothing at this path.";
	static const struct {
		const char *text;
		unsigned status;
		const char *detail;
	} cases[] = {
		{"GET /v1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 404, nothing},
		{"GET /v1/operations/a/b/c HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 404, nothing},
		{"GET /v1/ledger/tile HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 404, nothing},
		{"DELETE /v1/operations HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 405,
		 "There is something at this path for POST, GET, and for no other method."},
		{"HEAD /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 405,
		 "There is something at this path for GET, and for no other method."},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(http_reader_free) struct http_reader reader;
		http_reader_start(&reader, &common);
		size_t used;
		assert_int_equal(HTTP_COMPLETE, feed(&reader, cases[i].text, strlen(cases[i].text), SIZE_MAX, &used));
		assert_int_equal(cases[i].status, reader.refusal->status);
		assert_string_equal(cases[i].detail, http_refusal_detail(&reader));
		assert_null(reader.route);
	}
}

static void
a_request_that_asks_for_it_ends_the_connection(void **) {
	_cleanup_(http_reader_free) struct http_reader reader;
	http_reader_start(&reader, &common);
	const char *text = GET_HEAD "Connection: close\r\n\r\n";
	size_t used;
	assert_int_equal(HTTP_COMPLETE, feed(&reader, text, strlen(text), SIZE_MAX, &used));
	assert_false(http_keep_alive(&reader));
}

/* --- Limits --- */

static enum http_progress
feed_buffer(struct http_reader *reader, const struct buffer *buffer, size_t step) {
	size_t used;
	return feed(reader, (const char *)buffer->data, buffer->len, step, &used);
}

static void
headers_over_the_limit_are_refused_however_they_are_filled(void **) {
	for (int kind = 0; kind < 4; kind++)
		for (size_t s = 0; s < ARRAY_LENGTH(steps); s++) {
			_cleanup_(buffer_free) struct buffer text = {};
			if (kind == 3)
				for (int i = 0; i < 10'000; i++)
					buffer_append_text(&text, "\r\n");
			buffer_append_text(&text, GET_HEAD);
			if (kind == 0)
				buffer_append_text(&text, "X: ");
			for (int i = 0; i < 100'000; i++)
				buffer_append_byte(&text, kind == 0 ? 'x' : kind == 1 ? ' ' : 'n');
			_cleanup_(http_reader_free) struct http_reader reader;
			http_reader_start(&reader, &common);
			assert_int_equal(HTTP_REFUSED, feed_buffer(&reader, &text, steps[s]));
			/* White space before a field name is a syntax error before it is too long. */
			assert_int_equal(kind == 1 ? 400 : 431, reader.refusal->status);
			if (kind != 1)
				assert_string_equal("Request line and fields are of more than 16384 bytes.",
						    http_refusal_detail(&reader));
		}
}

static void
a_header_section_of_just_the_limit_passes(void **) {
	for (int over = 0; over < 2; over++) {
		_cleanup_(buffer_free) struct buffer text = {};
		buffer_append_text(&text, GET_HEAD "X: ");
		while (text.len < HTTP_HEADER_BYTES_MAX - 4 + (size_t)over)
			buffer_append_byte(&text, 'x');
		buffer_append_text(&text, "\r\n\r\n");
		_cleanup_(http_reader_free) struct http_reader reader;
		http_reader_start(&reader, &common);
		assert_int_equal(over ? HTTP_REFUSED : HTTP_COMPLETE, feed_buffer(&reader, &text, SIZE_MAX));
	}
}

static void
more_than_a_hundred_fields_are_refused(void **) {
	for (int count = 100; count <= 101; count++) {
		_cleanup_(buffer_free) struct buffer text = {};
		buffer_append_text(&text, GET_HEAD);
		for (int i = 1; i < count; i++)
			buffer_append_text(&text, "a: b\r\n");
		buffer_append_text(&text, "\r\n");
		_cleanup_(http_reader_free) struct http_reader reader;
		http_reader_start(&reader, &common);
		assert_int_equal(count == 100 ? HTTP_COMPLETE : HTTP_REFUSED, feed_buffer(&reader, &text, SIZE_MAX));
		if (count == 100)
			continue;
		assert_string_equal("request.header_count", reader.refusal->name);
		assert_string_equal("There are more than 100 fields.", http_refusal_detail(&reader));
	}
}

static void
a_field_over_the_limit_is_refused_by_its_name(void **) {
	for (size_t over = 0; over <= 1; over++) {
		_cleanup_(buffer_free) struct buffer text = {};
		buffer_append_text(&text, GET_HEAD "Cookie: ");
		for (size_t i = 0; i < 8192 + over; i++)
			buffer_append_byte(&text, 'c');
		buffer_append_text(&text, "\r\n\r\n");
		_cleanup_(http_reader_free) struct http_reader reader;
		http_reader_start(&reader, &common);
		assert_int_equal(over == 0 ? HTTP_COMPLETE : HTTP_REFUSED, feed_buffer(&reader, &text, 100));
		if (over == 0)
			continue;
		assert_int_equal(431, reader.refusal->status);
		assert_string_equal("The value of the field cookie is of 8193 bytes, expected 8192 at most.",
				    http_refusal_detail(&reader));
	}
}

/* What is said back is an authority of at most 64 characters, or nothing. */
static void
no_host_is_quoted_that_is_none(void **) {
	static const char nothing[] = "Host is no authority of this installation as its configuration has them.";
	char longest[65], longer[66];
	memset(longest, 'a', 64);
	memset(longer, 'a', 65);
	longest[64] = longer[65] = '\0';
	const struct {
		const char *host;
		bool is_quoted;
	} cases[] = {
		{"other.example:1", true},
		{"[2001:db8::1]:8443", true},
		{"a_b-c", true},
		{longest, true},
		{longer, false},
		{"a b", false},
		{"<script>alert(1)</script>", false},
		{"\"", false},
		{"a%20b", false},
		{"a\\", false},
		{"a/b", false},
		{"a@b", false},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(http_reader_free) struct http_reader reader;
		char text[256], expected[HTTP_DETAIL_SIZE];
		size_t used;
		snprintf(text, sizeof text, "GET /healthz HTTP/1.1\r\nHost: %s\r\n\r\n", cases[i].host);
		snprintf(expected, sizeof expected,
			 "Host is %s, expected an authority of this installation as its configuration has them.",
			 cases[i].host);
		http_reader_start(&reader, &common);
		assert_int_equal(HTTP_REFUSED, feed(&reader, text, strlen(text), SIZE_MAX, &used));
		assert_string_equal("request.host", reader.refusal->name);
		assert_string_equal(cases[i].is_quoted ? expected : nothing, http_refusal_detail(&reader));
	}
}

static void
targets_over_the_limit_are_refused(void **) {
	_cleanup_(buffer_free) struct buffer text = {};
	buffer_append_text(&text, "GET /healthz?");
	for (int i = 0; i < 8192; i++)
		buffer_append_byte(&text, 'q');
	_cleanup_(http_reader_free) struct http_reader reader;
	http_reader_start(&reader, &common);
	assert_int_equal(HTTP_REFUSED, feed_buffer(&reader, &text, 100));
	assert_int_equal(414, reader.refusal->status);
	assert_string_equal("The target is of more than 8192 bytes.", http_refusal_detail(&reader));
}

static void
a_chunked_body_over_the_limit_is_refused(void **) {
	_cleanup_(buffer_free) struct buffer text = {};
	buffer_append_text(&text, "POST /v1/protective HTTP/1.1\r\nHost: 127.0.0.1\r\n" JSON_TYPE
				  "Transfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 17; i++) {
		buffer_append_text(&text, "400\r\n");
		for (int j = 0; j < 1024; j++)
			buffer_append_byte(&text, 'b');
		buffer_append_text(&text, "\r\n");
	}
	_cleanup_(http_reader_free) struct http_reader reader;
	http_reader_start(&reader, &common);
	assert_int_equal(HTTP_REFUSED, feed_buffer(&reader, &text, 999));
	assert_string_equal("request.body_size", reader.refusal->name);
	assert_string_equal("The body is of 16385 bytes or more, and this path takes 16384 at most.",
			    http_refusal_detail(&reader));
}

static void
bodies_have_so_much_in_all_and_give_it_back(void **) {
	struct http_common small = {authorities, 10};
	static const char *const texts[] = {
		POST_HEAD "Content-Length: 7\r\n\r\n1234567",
		POST_HEAD "Transfer-Encoding: chunked\r\n\r\n4\r\n1234\r\n3\r\n567\r\n0\r\n\r\n",
	};
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++)
		for (size_t s = 0; s < ARRAY_LENGTH(steps); s++) {
			_cleanup_(http_reader_free) struct http_reader first, second;
			size_t used;
			http_reader_start(&first, &small);
			http_reader_start(&second, &small);
			assert_int_equal(HTTP_COMPLETE, feed(&first, texts[i], strlen(texts[i]), steps[s], &used));
			assert_int_equal(HTTP_REFUSED, feed(&second, texts[i], strlen(texts[i]), steps[s], &used));
			assert_string_equal("request.memory", second.refusal->name);
			http_reader_reset(&second);
			http_reader_reset(&first);
			assert_int_equal(10, small.body_bytes_left);
			assert_int_equal(HTTP_COMPLETE, feed(&second, texts[i], strlen(texts[i]), steps[s], &used));
		}
	assert_int_equal(10, small.body_bytes_left);
}

static void
large_bodies_take_nothing_from_what_is_protective_or_a_vote(void **) {
	static const char *const targets[] = {"/v1/protective", "/v1/operations/one/votes", "/v1/session"};
	struct http_common small = {authorities, 10};
	static const char large[] = POST_HEAD "Content-Length: 10\r\n\r\n123456789";
	_cleanup_(http_reader_free) struct http_reader reading;
	size_t used;
	http_reader_start(&reading, &small);
	assert_int_equal(HTTP_WANTS_MORE, feed(&reading, large, sizeof large - 1, SIZE_MAX, &used));
	assert_int_equal(0, small.body_bytes_left);
	for (size_t i = 0; i < ARRAY_LENGTH(targets); i++)
		for (size_t s = 0; s < ARRAY_LENGTH(steps); s++) {
			_cleanup_(http_reader_free) struct http_reader reader;
			char text[256];
			snprintf(text, sizeof text, "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\n" JSON_TYPE "%s\r\n\r\n%s",
				 targets[i], s % 2 == 0 ? "Content-Length: 14" : "Transfer-Encoding: chunked",
				 s % 2 == 0 ? "an urgent word" : "e\r\nan urgent word\r\n0\r\n\r\n");
			http_reader_start(&reader, &small);
			assert_int_equal(HTTP_COMPLETE, feed(&reader, text, strlen(text), steps[s], &used));
			assert_bytes(BYTES_OF_LITERAL("an urgent word"), buffer_bytes(&reader.body));
		}
	assert_int_equal(0, small.body_bytes_left);
}

static void
a_body_in_crumbs_is_refused(void **) {
	_cleanup_(buffer_free) struct buffer text = {};
	buffer_append_text(&text, POST_HEAD "Transfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 20'000; i++)
		buffer_append_text(&text, "000000001\r\nb\r\n");
	_cleanup_(http_reader_free) struct http_reader reader;
	http_reader_start(&reader, &common);
	assert_int_equal(HTTP_REFUSED, feed_buffer(&reader, &text, 1000));
	assert_string_equal("request.chunk", reader.refusal->name);
	const char *said = http_refusal_detail(&reader);
	static const char begins[] = "What frames the chunks is of ",
			  ends[] = " bytes more than the body, expected 16384 at most.";
	assert_memory_equal(begins, said, sizeof begins - 1);
	assert_string_equal(ends, said + strlen(said) - (sizeof ends - 1));
}

/* "*" is an id, "**" a longer rest. */
static void
append_path(struct buffer *path, const char *pattern) {
	for (const char *c = pattern; *c != '\0'; c++)
		if (strcmp(c, "**") == 0) {
			buffer_append_text(path, "0/x001/067");
			break;
		} else if (*c == '*')
			buffer_append_text(path, "some-id");
		else
			buffer_append_byte(path, (uint8_t)*c);
}

/* The problem's name; null: it is taken. */
static const char *
refusal_of(const struct route *route, const char *fields) {
	static char name[64];
	_cleanup_(buffer_free) struct buffer text = {};
	_cleanup_(http_reader_free) struct http_reader reader;
	size_t used;
	buffer_append_format(&text, "%s ", route->method);
	append_path(&text, route->pattern);
	buffer_append_format(&text, " HTTP/1.1\r\nHost: 127.0.0.1\r\n%sContent-Length: 0\r\n\r\n", fields);
	http_reader_start(&reader, &common);
	if (feed(&reader, (const char *)text.data, text.len, 64, &used) == HTTP_COMPLETE && reader.refusal == nullptr)
		return nullptr;
	snprintf(name, sizeof name, "%s", reader.refusal->name);
	return name;
}

/* A page of another site sends what forms can: it signs nobody in, and spends nobody's cookie or passkey. All that is posted, by the
 * table; what only reads is read by whoever may. */
static void
nothing_is_taken_that_a_page_of_another_site_can_send(void **) {
	static const struct {
		const char *fields, *posted, *deleted, *read; /* null: taken */
	} cases[] = {
		{JSON_TYPE, nullptr, nullptr, nullptr},
		{"Content-Type: Application/JSON ; charset=utf-8\r\n", nullptr, nullptr, nullptr},
		{JSON_TYPE "Sec-Fetch-Site: same-origin\r\n", nullptr, nullptr, nullptr},
		{JSON_TYPE "Sec-Fetch-Site: none\r\n", nullptr, nullptr, nullptr},
		{"", "request.content_type", nullptr, nullptr},
		{"Content-Type:\r\n", "request.content_type", nullptr, nullptr},
		{"Content-Type: text/plain\r\n", "request.content_type", nullptr, nullptr},
		{"Content-Type: application/x-www-form-urlencoded\r\n", "request.content_type", nullptr, nullptr},
		{"Content-Type: multipart/form-data; boundary=application/json\r\n", "request.content_type", nullptr,
		 nullptr},
		{"Content-Type: text/plain; application/json\r\n", "request.content_type", nullptr, nullptr},
		{"Content-Type: application/json-patch\r\n", "request.content_type", nullptr, nullptr},
		{"Content-Type: application/json,text/plain\r\n", "request.content_type", nullptr, nullptr},
		{JSON_TYPE "Sec-Fetch-Site: cross-site\r\n", "request.cross_site", "request.cross_site", nullptr},
		{JSON_TYPE "Sec-Fetch-Site: same-site\r\n", "request.cross_site", "request.cross_site", nullptr},
		{JSON_TYPE "Sec-Fetch-Site:\r\n", "request.cross_site", "request.cross_site", nullptr},
		{JSON_TYPE JSON_TYPE, "request.duplicate_field", "request.duplicate_field", "request.duplicate_field"},
	};
	size_t routes, posted = 0;
	const struct route *table = route_table(&routes);
	for (size_t i = 0; i < routes; i++)
		for (size_t j = 0; j < ARRAY_LENGTH(cases); j++) {
			bool posts = strcmp(table[i].method, "POST") == 0, reads = strcmp(table[i].method, "GET") == 0;
			const char *expected = posts ? cases[j].posted : reads ? cases[j].read : cases[j].deleted;
			const char *found = refusal_of(&table[i], cases[j].fields);
			posted += posts;
			if ((expected == nullptr) != (found == nullptr) ||
			    (found != nullptr && strcmp(found, expected) != 0))
				fail_msg("%s %s, case %zu: %s", table[i].method, table[i].pattern, j, found ?: "taken");
		}
	assert_int_equal(8 * ARRAY_LENGTH(cases), posted);
}

static void
every_route_is_found_and_every_refusal_has_a_name_of_its_own(void **) {
	size_t routes, refusals;
	const struct route *table = route_table(&routes);
	for (size_t i = 0; i < routes; i++) {
		_cleanup_(buffer_free) struct buffer path = {};
		append_path(&path, table[i].pattern);
		const struct route *found = nullptr;
		assert_int_equal(ROUTE_FOUND, route_find(bytes_of_text(table[i].method), buffer_bytes(&path), &found));
		assert_ptr_equal(&table[i], found);
	}
	const struct http_refusal *all = http_refusals(&refusals);
	for (size_t i = 0; i < refusals; i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(all[i].name, all[j].name);
	char allowed[ROUTE_ALLOWED_SIZE];
	route_allowed_methods(BYTES_OF_LITERAL("/v1/operations"), allowed);
	assert_string_equal("POST, GET", allowed);
}

RUN_TESTS(T(good_requests_are_read_however_they_are_cut), T(fields_are_kept_without_the_white_space_around_them),
	  T(pipelined_requests_come_one_by_one),
	  T(bad_requests_are_refused_by_status_name_and_what_is_wrong_however_they_are_cut),
	  T(a_request_for_nothing_without_a_body_is_complete), T(a_request_that_asks_for_it_ends_the_connection),
	  T(headers_over_the_limit_are_refused_however_they_are_filled), T(a_header_section_of_just_the_limit_passes),
	  T(more_than_a_hundred_fields_are_refused), T(a_field_over_the_limit_is_refused_by_its_name),
	  T(no_host_is_quoted_that_is_none), T(targets_over_the_limit_are_refused),
	  T(a_chunked_body_over_the_limit_is_refused), T(bodies_have_so_much_in_all_and_give_it_back),
	  T(large_bodies_take_nothing_from_what_is_protective_or_a_vote), T(a_body_in_crumbs_is_refused),
	  T(nothing_is_taken_that_a_page_of_another_site_can_send),
	  T(every_route_is_found_and_every_refusal_has_a_name_of_its_own))
