#include "tests/test.h"

#include "cli/http_answer.h"

static void
status_type_and_length_are_read(void **) {
	struct http_answer_head answer;
	assert_ok(http_answer_read_head(
		BYTES_OF_LITERAL("HTTP/1.1 202 Accepted\r\ndate: today\r\nContent-Type:  application/json \r\n"
				 "CONTENT-LENGTH: 17\r\n\r\n"),
		&answer));
	assert_int_equal(202, answer.status);
	assert_bytes(BYTES_OF_LITERAL("application/json"), answer.content_type);
	assert_int_equal(17, answer.length);
	assert_ok(http_answer_read_head(BYTES_OF_LITERAL("HTTP/1.1 204\r\n\r\n"), &answer));
	assert_int_equal(0, answer.length);
}

static void
what_two_readers_could_see_differently_is_refused_by_name(void **) {
	static const struct {
		const char *head, *name;
	} rows[] = {
		{"", "http_answer.line"},
		{"HTTP/1.1 200 OK\r\n", "http_answer.line"},
		{"HTTP/1.1 200 OK\n\n", "http_answer.line"},
		{"HTTP/1.1 200 OK\r\nA: b\n\r\n", "http_answer.line"},
		{"HTTP/1.1 200 OK\r\n\r\nx", "http_answer.line.trailing"},
		{"HTTP/1.0 200 OK\r\n\r\n", "http_answer.version"},
		{"HTTP/2\r\n\r\n", "http_answer.version"},
		{"HTTP/1.1 99 Low\r\n\r\n", "http_answer.status"},
		{"HTTP/1.1 100 Continue\r\n\r\n", "http_answer.status"},
		{"HTTP/1.1 600 High\r\n\r\n", "http_answer.status"},
		{"HTTP/1.1 2000 OK\r\n\r\n", "http_answer.status"},
		{"HTTP/1.1 2\r\n\r\n", "http_answer.status"},
		{"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "http_answer.field"},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "http_answer.coding"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\ncontent-length: 1\r\n\r\n", "http_answer.length"},
		{"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n", "http_answer.length"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n", "http_answer.length"},
		{"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", "http_answer.length"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n", "http_answer.length"},
	};
	struct http_answer_head answer;
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
		assert_fails(STATUS_INVALID, rows[i].name, http_answer_read_head(bytes_of_text(rows[i].head), &answer));
}

RUN_TESTS(T(status_type_and_length_are_read), T(what_two_readers_could_see_differently_is_refused_by_name))
