/*
 * Carries a log's request to a witness and its answer back: one HTTP/1.1 exchange over a fresh connection, blocking.
 *
 * The address is "http://ADDRESS:PORT[/PREFIX]" or "unix:/PATH"; names are not looked up. Bytes from the witness are not
 * trusted here: witness_response_read() decides what they are worth.
 * Errors: STATUS_INVALID "witness_post.address"; STATUS_UNSUPPORTED "witness_post.scheme"; STATUS_UNAVAILABLE
 * "witness_post.answer", "endpoint.*"; STATUS_TOO_LARGE "witness_post.size". Threads: any.
 */
#ifndef GATEHOUSE_HELPERS_WITNESS_POST_H
#define GATEHOUSE_HELPERS_WITNESS_POST_H

#include "base/bytes.h"

constexpr size_t WITNESS_ANSWER_MAX = 256 * 1024;

struct witness_reply {
	int status;
	struct buffer content_type;
	struct buffer body;
};
void witness_reply_free(struct witness_reply *reply); /* a cleanup function */

/* POST <address>/add-checkpoint. */
enum status witness_post_request(struct bytes address, struct bytes request, int64_t timeout_ms,
				 struct witness_reply *reply);

#endif
