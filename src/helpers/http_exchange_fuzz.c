/*
 * Reader: helpers/http_exchange.c (limit, on_field, on_field_complete, on_value, is_interim, finish, on_headers, on_body, on_complete,
 * parse_answer, read_answer, http_read_answer)
 * A stranger's answer, of which all or only the status is wanted; what is taken is within its bounds.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "helpers/http_exchange.h"

constexpr size_t SIZE_LIMIT = 64 * 1024; /* a socket pair takes it whole */
constexpr size_t ANSWER_MAX = 1024;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(http_reply_free) struct http_reply reply = {};
	int pair[2];
	if (size == 0 || size > SIZE_LIMIT)
		return 0;
	struct http_call call = {.timeout_ms = 5'000, .answer_max = ANSWER_MAX, .status_only = data[0] & 1};
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
		abort();
	if (send(pair[1], data + 1, size - 1, 0) != (ssize_t)(size - 1) || shutdown(pair[1], SHUT_WR) != 0)
		abort();
	enum status status = http_read_answer(pair[0], &call, &reply);
	if (status == OK && (reply.body.len > ANSWER_MAX || reply.status < 200))
		abort();
	if (status != OK && status != STATUS_UNAVAILABLE && status != STATUS_TOO_LARGE)
		abort();
	close(pair[0]);
	close(pair[1]);
	return 0;
}
