#include "helpers/http_exchange.h"

#include <arpa/inet.h>
#include <errno.h>
#include <llhttp.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

constexpr size_t HEADER_MAX = 16 * 1024;
constexpr uint16_t HTTPS_PORT = 443;

void
http_reply_free(struct http_reply *reply) {
	buffer_free(&reply->content_type);
	buffer_free(&reply->body);
}

/* --- Targets --- */

static enum status
fail_address(void) {
	return fail(STATUS_INVALID,
		    "http_target.address: expected https://HOST[:PORT], http://ADDRESS:PORT or unix:/PATH");
}

static bool
take_start(struct bytes *text, const char *start) {
	size_t len = strlen(start);
	if (text->len < len || memcmp(text->data, start, len) != 0)
		return false;
	*text = bytes_of(text->data + len, text->len - len);
	return true;
}

static enum status
copy_text(char *to, size_t max, struct bytes text) {
	if (text.len > max)
		return fail_address();
	if (text.len > 0)
		memcpy(to, text.data, text.len);
	to[text.len] = '\0';
	return OK;
}

/* Prefix and authority, checked to be printable: they are written into a header. */
static enum status
split_address(struct bytes rest, struct http_target *target) {
	for (size_t i = 0; i < rest.len; i++)
		if (rest.data[i] <= ' ' || rest.data[i] >= 0x7f)
			return fail(STATUS_INVALID, "http_target.address: character 0x%02x", rest.data[i]);
	const uint8_t *slash = rest.len == 0 ? nullptr : memchr(rest.data, '/', rest.len);
	size_t len = slash == nullptr ? rest.len : (size_t)(slash - rest.data);
	struct bytes prefix = bytes_of(rest.data + len, rest.len - len);
	while (prefix.len > 0 && prefix.data[prefix.len - 1] == '/')
		prefix.len--;
	if (len == 0)
		return fail_address();
	TRY(copy_text(target->prefix, HTTP_PREFIX_MAX, prefix));
	return copy_text(target->authority, HTTP_HOST_MAX, bytes_of(rest.data, len));
}

static enum status
take_port(struct http_target *target, struct bytes digits) {
	uint64_t number;
	if (decimal_decode(digits, &number) != OK || number == 0 || number > UINT16_MAX)
		return fail_address();
	target->port = (uint16_t)number;
	return OK;
}

/* "host", "host:1", "[::1]", "[::1]:1" */
static enum status
split_authority(struct http_target *target) {
	struct bytes rest = bytes_of_text(target->authority), host = rest;
	bool is_six = rest.data[0] == '[';
	const uint8_t *end = memchr(rest.data, is_six ? ']' : ':', rest.len);
	if (is_six && end == nullptr)
		return fail_address();
	if (end != nullptr) {
		host = is_six ? bytes_of(rest.data + 1, (size_t)(end - rest.data) - 1)
			      : bytes_of(rest.data, (size_t)(end - rest.data));
		rest = bytes_of(end + is_six, rest.len - (size_t)(end + is_six - rest.data));
		if (rest.len > 0 && rest.data[0] != ':')
			return fail_address();
		if (rest.len > 0)
			TRY(take_port(target, bytes_of(rest.data + 1, rest.len - 1)));
	}
	if (host.len == 0)
		return fail_address();
	return copy_text(target->host, HTTP_HOST_MAX, host);
}

static enum status
parse_tls_target(struct http_target *target) {
	uint8_t address[16];
	char text[HTTP_HOST_MAX + 16];
	target->has_tls = true;
	target->port = HTTPS_PORT;
	TRY(split_authority(target));
	bool is_six = inet_pton(AF_INET6, target->host, address) == 1;
	target->has_name = !is_six && inet_pton(AF_INET, target->host, address) != 1;
	if (target->has_name)
		return OK;
	snprintf(text, sizeof text, is_six ? "[%s]:%u" : "%s:%u", target->host, target->port);
	return endpoint_parse(bytes_of_text(text), &target->endpoint);
}

enum status
http_target_parse(struct bytes address, struct http_target *target) {
	*target = (struct http_target){};
	struct bytes rest = address;
	if (take_start(&rest, "unix:")) {
		TRY(copy_text(target->authority, HTTP_HOST_MAX, BYTES_OF_LITERAL("localhost")));
		return endpoint_parse(address, &target->endpoint);
	}
	if (take_start(&rest, "https://")) {
		TRY(split_address(rest, target));
		return parse_tls_target(target);
	}
	if (!take_start(&rest, "http://"))
		return fail_address();
	TRY(split_address(rest, target));
	TRY(endpoint_parse(bytes_of_text(target->authority), &target->endpoint));
	return split_authority(target);
}

enum status
http_target_resolve(struct http_target *target) {
	if (!target->has_name)
		return OK;
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found = nullptr;
	char port[8];
	snprintf(port, sizeof port, "%u", target->port);
	int error = getaddrinfo(target->host, port, &hints, &found);
	if (error != 0 || found == nullptr)
		return fail(STATUS_UNAVAILABLE, "http_target.lookup: %s: %s", target->host, gai_strerror(error));
	memcpy(&target->endpoint.address, found->ai_addr, found->ai_addrlen);
	target->endpoint.len = found->ai_addrlen;
	freeaddrinfo(found);
	return OK;
}

/* --- TLS --- */

static const char *
library_reason(void) {
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());
	ERR_clear_error();
	return reason == nullptr ? "no reason given" : reason;
}

void
http_tls_free(SSL_CTX **tls) {
	SSL_CTX_free(*tls);
	*tls = nullptr;
}

enum status
http_tls_create(const char *certificates, bool allows_tls_1_2, SSL_CTX **tls) {
	_cleanup_(http_tls_free) SSL_CTX *made = SSL_CTX_new(TLS_client_method());
	TRY_ALLOC(made);
	SSL_CTX_set_min_proto_version(made, allows_tls_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION);
	SSL_CTX_set_verify(made, SSL_VERIFY_PEER, nullptr);
	SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_OFF);
	if (SSL_CTX_load_verify_file(made, certificates) != 1)
		return fail(STATUS_INVALID, "http_tls.certificates: %s: %s", certificates, library_reason());
	*tls = TAKE(made);
	return OK;
}

/* --- The connection, with or without TLS --- */

struct stream {
	int descriptor;
	SSL *ssl; /* null: plain */
	int64_t deadline_ns;
};

static void
stream_close(struct stream *stream) {
	SSL_free(stream->ssl);
	if (stream->descriptor >= 0)
		close(stream->descriptor);
}

/* What a call of the library needs before it can be repeated. */
static enum status
wait_for_tls(const struct stream *stream, int result, const char *what) {
	switch (SSL_get_error(stream->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return endpoint_wait(stream->descriptor, POLLIN, stream->deadline_ns);
	case SSL_ERROR_WANT_WRITE:
		return endpoint_wait(stream->descriptor, POLLOUT, stream->deadline_ns);
	default: {
		long verified = SSL_get_verify_result(stream->ssl);
		if (verified != X509_V_OK)
			return fail(STATUS_UNAVAILABLE, "http_tls.certificate: %s: %s", what,
				    X509_verify_cert_error_string(verified));
		return fail(STATUS_UNAVAILABLE, "http_tls.%s: %s", what, library_reason());
	}
	}
}

static enum status
set_expected_peer(SSL *ssl, const struct http_target *target) {
	bool done = target->has_name
			    ? SSL_set1_host(ssl, target->host) == 1 && SSL_set_tlsext_host_name(ssl, target->host) == 1
			    : X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), target->host) == 1;
	return done ? OK : fail(STATUS_INVALID, "http_tls.host: %s: %s", target->host, library_reason());
}

static enum status
start_tls(struct stream *stream, const struct http_target *target, SSL_CTX *tls) {
	if (tls == nullptr)
		return fail(STATUS_INTERNAL, "http_tls.context: none for a target with TLS");
	ERR_clear_error();
	stream->ssl = SSL_new(tls);
	TRY_ALLOC(stream->ssl);
	TRY(set_expected_peer(stream->ssl, target));
	if (SSL_set_fd(stream->ssl, stream->descriptor) != 1)
		return fail(STATUS_NO_MEMORY, "http_tls.descriptor: %s", library_reason());
	for (int result; (result = SSL_connect(stream->ssl)) != 1;)
		TRY(wait_for_tls(stream, result, "handshake"));
	return OK;
}

static enum status
send_all(const struct stream *stream, struct bytes bytes) {
	for (size_t done = 0; done < bytes.len;) {
		size_t part = 0;
		if (stream->ssl != nullptr) {
			int result = SSL_write_ex(stream->ssl, bytes.data + done, bytes.len - done, &part);
			if (result != 1)
				TRY(wait_for_tls(stream, result, "write"));
			done += part;
			continue;
		}
		ssize_t sent = send(stream->descriptor, bytes.data + done, bytes.len - done, MSG_NOSIGNAL);
		if (sent >= 0)
			done += (size_t)sent;
		else if (errno == EAGAIN)
			TRY(endpoint_wait(stream->descriptor, POLLOUT, stream->deadline_ns));
		else if (errno != EINTR)
			return fail_errno(STATUS_UNAVAILABLE, "endpoint.send");
	}
	return OK;
}

/* *got 0: the other side has ended, properly where there is TLS. */
static enum status
receive_some(const struct stream *stream, char *bytes, size_t capacity, size_t *got) {
	*got = 0;
	while (stream->ssl != nullptr) {
		int result = SSL_read_ex(stream->ssl, bytes, capacity, got);
		if (result == 1 || SSL_get_error(stream->ssl, result) == SSL_ERROR_ZERO_RETURN)
			return OK;
		TRY(wait_for_tls(stream, result, "read"));
	}
	for (;;) {
		TRY(endpoint_wait(stream->descriptor, POLLIN, stream->deadline_ns));
		ssize_t received = recv(stream->descriptor, bytes, capacity, 0);
		if (received >= 0) {
			*got = (size_t)received;
			return OK;
		}
		if (errno != EAGAIN && errno != EINTR)
			return fail_errno(STATUS_UNAVAILABLE, "endpoint.receive");
	}
}

/* --- Request and answer --- */

static enum status
send_request(const struct stream *stream, const struct http_target *target, const struct http_call *call) {
	_cleanup_(buffer_free) struct buffer text = {};
	buffer_append_format(&text, "%s %s%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n",
			     call->is_post ? "POST" : "GET", target->prefix, call->path, target->authority);
	if (call->is_post)
		buffer_append_format(&text, "Content-Type: %s\r\nContent-Length: %zu\r\n",
				     call->content_type == nullptr ? "text/plain" : call->content_type, call->body.len);
	buffer_append_bytes(&text, call->fields);
	buffer_append_text(&text, "\r\n");
	if (call->is_post)
		buffer_append_bytes(&text, call->body);
	TRY(buffer_status(&text));
	return send_all(stream, buffer_bytes(&text));
}

struct exchange {
	struct http_reply *reply;
	size_t header_len, answer_max;
	bool is_content_type, is_complete, is_too_large, status_only;
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

/* 1xx announces the answer and is none (RFC 9110 §15.2). */
static bool
is_interim(const llhttp_t *parser) {
	return parser->status_code < 200;
}

static int
finish(llhttp_t *parser) {
	struct exchange *exchange = parser->data;
	exchange->is_complete = true;
	exchange->reply->status = parser->status_code;
	return HPE_PAUSED;
}

static int
on_headers(llhttp_t *parser) {
	struct exchange *exchange = parser->data;
	return exchange->status_only && !is_interim(parser) ? finish(parser) : HPE_OK;
}

static int
on_body(llhttp_t *parser, const char *at, size_t len) {
	struct exchange *exchange = parser->data;
	exchange->is_too_large |= len > exchange->answer_max - exchange->reply->body.len;
	if (exchange->is_too_large)
		return HPE_USER;
	buffer_append(&exchange->reply->body, at, len);
	return HPE_OK;
}

static int
on_complete(llhttp_t *parser) {
	struct exchange *exchange = parser->data;
	if (!is_interim(parser))
		return finish(parser);
	buffer_reset(&exchange->reply->content_type);
	return HPE_OK;
}

static enum status
parse_answer(const struct stream *stream, struct exchange *exchange) {
	llhttp_settings_t settings;
	llhttp_t parser;
	llhttp_settings_init(&settings);
	settings.on_header_field = on_field;
	settings.on_header_field_complete = on_field_complete;
	settings.on_header_value = on_value;
	settings.on_headers_complete = on_headers;
	settings.on_body = on_body;
	settings.on_message_complete = on_complete;
	llhttp_init(&parser, HTTP_RESPONSE, &settings);
	parser.data = exchange;
	char bytes[16 * 1024];
	while (!exchange->is_complete) {
		size_t got;
		TRY(endpoint_check(stream->deadline_ns)); /* of one who never ends there is always more to read */
		TRY(receive_some(stream, bytes, sizeof bytes, &got));
		llhttp_errno_t parsed = got == 0 ? llhttp_finish(&parser) : llhttp_execute(&parser, bytes, got);
		if (exchange->is_too_large)
			return fail(STATUS_TOO_LARGE, "http_exchange.size: the answer is too long");
		if (!exchange->is_complete && (parsed != HPE_OK || got == 0))
			return fail(STATUS_UNAVAILABLE, "http_exchange.answer: not a whole HTTP answer");
	}
	TRY(buffer_status(&exchange->reply->content_type));
	return buffer_status(&exchange->reply->body);
}

static enum status
read_answer(const struct stream *stream, const struct http_call *call, struct http_reply *reply) {
	struct exchange exchange = {.reply = reply, .answer_max = call->answer_max, .status_only = call->status_only};
	enum status status = parse_answer(stream, &exchange);
	buffer_free(&exchange.field);
	return status;
}

enum status
http_read_answer(int descriptor, const struct http_call *call, struct http_reply *reply) {
	struct stream stream = {.descriptor = descriptor,
				.deadline_ns = endpoint_clock_ns() + call->timeout_ms * 1'000'000};
	return read_answer(&stream, call, reply);
}

enum status
http_exchange(const struct http_target *target, SSL_CTX *tls, const struct http_call *call, struct http_reply *reply) {
	_cleanup_(stream_close) struct stream stream = {
		.descriptor = -1, .deadline_ns = endpoint_clock_ns() + call->timeout_ms * 1'000'000};
	TRY(endpoint_connect(&target->endpoint, stream.deadline_ns, &stream.descriptor));
	if (target->has_tls)
		TRY(start_tls(&stream, target, tls));
	TRY(send_request(&stream, target, call));
	return read_answer(&stream, call, reply);
}
