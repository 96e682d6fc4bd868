#include "helpers/witness_post.h"

#include <errno.h>
#include <llhttp.h>
#include <poll.h>
#include <unistd.h>

#include "helpers/endpoint.h"

constexpr size_t HEADER_MAX = 16 * 1024;

void
witness_reply_free(struct witness_reply *reply) {
	buffer_free(&reply->content_type);
	buffer_free(&reply->body);
}

struct target {
	struct endpoint endpoint;
	struct bytes host;   /* as it is written in the Host field */
	struct bytes prefix; /* begins with '/' if it is not empty */
};

static enum status
parse_address(struct bytes address, struct target *target) {
	static const struct bytes scheme = BYTES_OF_LITERAL("http://"), tls = BYTES_OF_LITERAL("https://"),
				  local = BYTES_OF_LITERAL("unix:");
	if (address.len >= local.len && memcmp(address.data, local.data, local.len) == 0) {
		target->host = BYTES_OF_LITERAL("localhost");
		return endpoint_parse(address, &target->endpoint);
	}
	if (address.len >= tls.len && memcmp(address.data, tls.data, tls.len) == 0)
		return fail(STATUS_UNSUPPORTED, "witness_post.scheme: https is not spoken here");
	if (address.len <= scheme.len || memcmp(address.data, scheme.data, scheme.len) != 0)
		return fail(STATUS_INVALID, "witness_post.address: expected http://ADDRESS:PORT or unix:/PATH");
	struct bytes rest = bytes_of(address.data + scheme.len, address.len - scheme.len);
	for (size_t i = 0; i < rest.len; i++)
		if (rest.data[i] <= ' ' || rest.data[i] >= 0x7f)
			return fail(STATUS_INVALID, "witness_post.address: character 0x%02x", rest.data[i]);
	const uint8_t *slash = memchr(rest.data, '/', rest.len);
	size_t host_len = slash == nullptr ? rest.len : (size_t)(slash - rest.data);
	target->host = bytes_of(rest.data, host_len);
	target->prefix = bytes_of(rest.data + host_len, rest.len - host_len);
	while (target->prefix.len > 0 && target->prefix.data[target->prefix.len - 1] == '/')
		target->prefix.len--;
	return endpoint_parse(target->host, &target->endpoint);
}

static enum status
send_request(int descriptor, const struct target *target, struct bytes request, int64_t deadline_ns) {
	_cleanup_(buffer_free) struct buffer text = {};
	buffer_append_text(&text, "POST ");
	buffer_append_bytes(&text, target->prefix);
	buffer_append_text(&text, "/add-checkpoint HTTP/1.1\r\nHost: ");
	buffer_append_bytes(&text, target->host);
	buffer_append_format(&text, "\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
			     request.len);
	buffer_append_bytes(&text, request);
	TRY(buffer_status(&text));
	for (size_t done = 0; done < text.len;) {
		ssize_t sent = send(descriptor, text.data + done, text.len - done, MSG_NOSIGNAL);
		if (sent >= 0)
			done += (size_t)sent;
		else if (errno == EAGAIN)
			TRY(endpoint_wait(descriptor, POLLOUT, deadline_ns));
		else if (errno != EINTR)
			return fail_errno(STATUS_UNAVAILABLE, "endpoint.send");
	}
	return OK;
}

struct exchange {
	struct witness_reply *reply;
	size_t header_len;
	bool is_content_type, is_complete, is_too_large;
	struct buffer field;
};

static int
limit(struct exchange *exchange, size_t len) {
	exchange->header_len += len;
	exchange->is_too_large |= exchange->header_len > HEADER_MAX;
	return exchange->is_too_large ? HPE_USER : HPE_OK;
}

static int
on_field(llhttp_t *parser, const char *at, size_t len) {
	struct exchange *exchange = parser->data;
	buffer_append(&exchange->field, at, len);
	return limit(exchange, len);
}

static int
on_field_complete(llhttp_t *parser) {
	struct exchange *exchange = parser->data;
	static const char name[] = "content-type";
	exchange->is_content_type = exchange->field.len == sizeof name - 1 &&
				    strncasecmp((const char *)exchange->field.data, name, sizeof name - 1) == 0;
	buffer_reset(&exchange->field);
	return HPE_OK;
}

static int
on_value(llhttp_t *parser, const char *at, size_t len) {
	struct exchange *exchange = parser->data;
	if (exchange->is_content_type)
		buffer_append(&exchange->reply->content_type, at, len);
	return limit(exchange, len);
}

static int
on_body(llhttp_t *parser, const char *at, size_t len) {
	struct exchange *exchange = parser->data;
	exchange->is_too_large |= len > WITNESS_ANSWER_MAX - exchange->reply->body.len;
	if (exchange->is_too_large)
		return HPE_USER;
	buffer_append(&exchange->reply->body, at, len);
	return HPE_OK;
}

static int
on_complete(llhttp_t *parser) {
	struct exchange *exchange = parser->data;
	exchange->is_complete = true;
	exchange->reply->status = parser->status_code;
	return HPE_PAUSED;
}

static enum status
read_answer(int descriptor, struct exchange *exchange, int64_t deadline_ns) {
	llhttp_settings_t settings;
	llhttp_t parser;
	llhttp_settings_init(&settings);
	settings.on_header_field = on_field;
	settings.on_header_field_complete = on_field_complete;
	settings.on_header_value = on_value;
	settings.on_body = on_body;
	settings.on_message_complete = on_complete;
	llhttp_init(&parser, HTTP_RESPONSE, &settings);
	parser.data = exchange;
	char bytes[16 * 1024];
	while (!exchange->is_complete) {
		TRY(endpoint_wait(descriptor, POLLIN, deadline_ns));
		ssize_t got = recv(descriptor, bytes, sizeof bytes, 0);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (got < 0)
			return fail_errno(STATUS_UNAVAILABLE, "endpoint.receive");
		llhttp_errno_t parsed = got == 0 ? llhttp_finish(&parser) : llhttp_execute(&parser, bytes, (size_t)got);
		if (exchange->is_too_large)
			return fail(STATUS_TOO_LARGE, "witness_post.size: the answer is too long");
		if (!exchange->is_complete && (parsed != HPE_OK || got == 0))
			return fail(STATUS_UNAVAILABLE, "witness_post.answer: not a whole HTTP answer");
	}
	TRY(buffer_status(&exchange->reply->content_type));
	return buffer_status(&exchange->reply->body);
}

enum status
witness_post_request(struct bytes address, struct bytes request, int64_t timeout_ms, struct witness_reply *reply) {
	struct target target = {};
	int descriptor;
	int64_t deadline_ns = endpoint_clock_ns() + timeout_ms * 1'000'000;
	TRY(parse_address(address, &target));
	TRY(endpoint_connect(&target.endpoint, deadline_ns, &descriptor));
	struct exchange exchange = {.reply = reply};
	enum status status = send_request(descriptor, &target, request, deadline_ns);
	if (status == OK)
		status = read_answer(descriptor, &exchange, deadline_ns);
	buffer_free(&exchange.field);
	close(descriptor);
	return status;
}
