#include "gateway/http_response.h"

#include "base/problem.h"

/* RFC 9110 §5.6.7. Formatted once a second. */
static const char *
date_text(time_t now) {
	static time_t formatted;
	static char text[64];
	if (now != formatted || text[0] == '\0') {
		struct tm calendar;
		gmtime_r(&now, &calendar);
		strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &calendar);
		formatted = now;
	}
	return text;
}

static void
write_field(struct buffer *to, const char *name, struct bytes value) {
	if (value.len == 0)
		return;
	buffer_append_text(to, name);
	buffer_append_bytes(to, value);
	buffer_append_text(to, "\r\n");
}

/* RFC 9110 §11.6.1: a 401 says how one makes oneself known; RFC 9421 §5: what the signature is to cover. People's sessions have no
 * scheme of their own: browsers sign in by a page. */
static void
write_challenge(struct buffer *to) {
	buffer_append_text(to, "WWW-Authenticate: Signature realm=\"gatehouse\"\r\n"
			       "Accept-Signature: gatehouse=(\"@method\" \"@authority\" \"@path\" \"@query\" "
			       "\"content-type\" \"content-digest\" \"idempotency-key\")"
			       ";created;expires;tag=\"gatehouse\"\r\n");
}

void
http_write_start(struct buffer *to, unsigned status, time_t now) {
	buffer_append_text(to, "HTTP/1.1 ");
	buffer_append_decimal(to, status);
	buffer_append_byte(to, ' ');
	buffer_append_text(to, problem_reason_phrase(status));
	buffer_append_text(to, "\r\nDate: ");
	buffer_append_text(to, date_text(now));
	buffer_append_text(to, "\r\nX-Content-Type-Options: nosniff\r\n");
}

void
http_write_response(struct buffer *to, const struct ipc_response *response, const char *allow, bool close, time_t now) {
	/* RFC 9110 §8.6: these two have no body and no length. */
	bool may_have_body = response->status != 204 && response->status != 304;
	struct bytes body = may_have_body ? response->body : (struct bytes){};
	buffer_reserve(to, 512 + body.len);
	http_write_start(to, response->status, now);
	write_field(to, "Content-Type: ", response->content_type);
	write_field(to, "Cache-Control: ",
		    response->cache_control.len > 0 ? response->cache_control : BYTES_OF_LITERAL("no-store"));
	write_field(to, "Gatehouse-Operation: ", response->operation);
	write_field(to, "Location: ", response->location);
	write_field(to, "Retry-After: ", response->retry_after);
	write_field(to, "ETag: ", response->etag);
	write_field(to, "Set-Cookie: ", response->set_cookie);
	if (response->status == 401)
		write_challenge(to);
	if (allow != nullptr)
		write_field(to, "Allow: ", bytes_of_text(allow));
	if (close)
		buffer_append_text(to, "Connection: close\r\n");
	if (may_have_body) {
		buffer_append_text(to, "Content-Length: ");
		buffer_append_decimal(to, body.len);
		buffer_append_text(to, "\r\n");
	}
	buffer_append_text(to, "\r\n");
	buffer_append_bytes(to, body);
}

void
http_write_feed_head(struct buffer *to, time_t now) {
	http_write_start(to, 200, now);
	buffer_append_text(to,
			   "Content-Type: text/event-stream\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n");
}
