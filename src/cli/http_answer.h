/*
 * The head of an HTTP answer, as far as a client of Gatehouse must understand it: status, content type and length. Whatever could
 * make two readers see two bodies is refused: transfer codings, a second or a malformed length, line ends other than CR LF.
 *
 * Owner: views borrow from the head. Threads: pure functions. Errors: STATUS_INVALID "http_answer.version", ".status", ".line",
 * ".field", ".coding", ".length". Source: RFC 9112 §4, §5, §6.
 */
#ifndef GATEHOUSE_CLI_HTTP_ANSWER_H
#define GATEHOUSE_CLI_HTTP_ANSWER_H

#include "base/bytes.h"

struct http_answer_head {
	unsigned status; /* 200 to 599 */
	struct bytes content_type;
	uint64_t length; /* 0 where none is stated */
};

/* head: up to the empty line and with it. */
enum status http_answer_read_head(struct bytes head, struct http_answer_head *answer);

#endif
