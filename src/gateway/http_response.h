/*
 * Answers as HTTP/1.1 writes them. What the keeper answers, what the gateway answers itself, and refusals all pass
 * here, so that every answer has the same fields around it.
 */
#ifndef GATEHOUSE_GATEWAY_HTTP_RESPONSE_H
#define GATEHOUSE_GATEWAY_HTTP_RESPONSE_H

#include <time.h>

#include "base/ipc_messages.h"

/* The status line and the fields that every answer has, appended. */
void http_write_start(struct buffer *to, unsigned status, time_t now);

/* Head and body, appended. close: the connection ends with this answer. allow: the value of Allow, or null. */
void http_write_response(struct buffer *to, const struct ipc_response *response, const char *allow, bool close,
			 time_t now);

/* The head of an answer whose body is the feed, until the connection ends. */
void http_write_feed_head(struct buffer *to, time_t now);

#endif
