#include "cli/connection.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "cli/http_answer.h"

constexpr time_t TIMEOUT_S = 60;
constexpr size_t HEAD_MAX = 64 * 1024;
constexpr size_t READ_SIZE = 16 * 1024;

struct connection {
	struct connection_target target;
	SSL_CTX *context;
	SSL *tls;
	int socket;
	struct buffer received;
	bool is_kept;    /* of the request under way: an earlier one made it */
	bool has_broken; /* the same: the other side ended it before a byte of the answer */
};

enum status
connection_create(const struct connection_target *target, struct connection **connection) {
	struct connection *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	made->target = *target;
	made->socket = -1;
	*connection = made;
	return OK;
}

void
connection_hang_up(struct connection *connection) {
	SSL_free(connection->tls);
	connection->tls = nullptr;
	if (connection->socket >= 0)
		close(connection->socket);
	connection->socket = -1;
	buffer_reset(&connection->received);
}

void
connection_destroy(struct connection **connection) {
	struct connection *gone = TAKE(*connection);
	if (gone == nullptr)
		return;
	connection_hang_up(gone);
	SSL_CTX_free(gone->context);
	buffer_free(&gone->received);
	free(gone);
}

/* --- Connecting. --- */

static const char *
library_reason(void) {
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());
	ERR_clear_error();
	return reason == nullptr ? "no reason given" : reason;
}

static enum status
make_context(struct connection *connection) {
	const struct connection_target *target = &connection->target;
	if (connection->context != nullptr)
		return OK;
	connection->context = SSL_CTX_new(TLS_client_method());
	TRY_ALLOC(connection->context);
	SSL_CTX_set_min_proto_version(connection->context, TLS1_3_VERSION);
	SSL_CTX_set_options(connection->context, SSL_OP_NO_RENEGOTIATION);
	if (SSL_CTX_set1_groups_list(connection->context, "X25519MLKEM768") != 1)
		return fail(STATUS_INTERNAL, "connection.groups: %s", library_reason());
	bool by_authority = !target->has_pin && !target->any_on_loopback;
	SSL_CTX_set_verify(connection->context, by_authority ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
	if (target->ca != nullptr) {
		if (SSL_CTX_load_verify_file(connection->context, target->ca) != 1)
			return fail(STATUS_INVALID, "connection.ca: %s: %s", target->ca, library_reason());
	} else if (by_authority && SSL_CTX_set_default_verify_paths(connection->context) != 1)
		return fail(STATUS_INTERNAL, "connection.ca: %s", library_reason());
	return OK;
}

static bool
is_loopback(const struct sockaddr *address) {
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	if (address->sa_family == AF_INET) {
		memcpy(&v4, address, sizeof v4);
		return ntohl(v4.sin_addr.s_addr) >> 24 == 127;
	}
	if (address->sa_family != AF_INET6)
		return false;
	memcpy(&v6, address, sizeof v6);
	return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
}

/* The own address, where one was asked for: of the same family as the other side's. */
static enum status
bind_source(const struct connection *connection, int family) {
	const char *source = connection->target.source;
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	if (source == nullptr)
		return OK;
	bool is_v4 = inet_pton(AF_INET, source, &v4.sin_addr) == 1,
	     is_v6 = inet_pton(AF_INET6, source, &v6.sin6_addr) == 1;
	if (!(family == AF_INET && is_v4) && !(family == AF_INET6 && is_v6))
		return fail(STATUS_INVALID, "connection.source: %s is no address of the other side's family", source);
	const struct sockaddr *own = is_v4 ? (const struct sockaddr *)&v4 : (const struct sockaddr *)&v6;
	return bind(connection->socket, own, is_v4 ? sizeof v4 : sizeof v6) == 0
		       ? OK
		       : fail_errno(STATUS_UNAVAILABLE, "connection.source: %s", source);
}

static enum status
open_socket(struct connection *connection, const struct addrinfo *address) {
	const struct connection_target *target = &connection->target;
	struct timeval timeout = {.tv_sec = TIMEOUT_S};
	if (target->any_on_loopback && !is_loopback(address->ai_addr))
		return fail(STATUS_DENIED, "connection.any_on_loopback: %s is no loopback address; give --pin or --ca",
			    target->host);
	connection->socket = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC, address->ai_protocol);
	if (connection->socket < 0)
		return fail_errno(STATUS_IO, "connection.socket");
	setsockopt(connection->socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
	setsockopt(connection->socket, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
	TRY(bind_source(connection, address->ai_family));
	return connect(connection->socket, address->ai_addr, address->ai_addrlen) == 0
		       ? OK
		       : fail_errno(STATUS_UNAVAILABLE, "connection.connect: %s port %s", target->host, target->port);
}

static bool
is_address(const char *host) {
	struct in6_addr scratch;
	return inet_pton(AF_INET, host, &scratch) == 1 || inet_pton(AF_INET6, host, &scratch) == 1;
}

/* Of a name only addresses that this machine may reach; an address is what it is: where the machine's own are just changing, it was
 * found to have none of that family. */
static enum status
connect_socket(struct connection *connection) {
	const struct connection_target *target = &connection->target;
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				 .ai_flags = is_address(target->host) ? AI_NUMERICHOST : AI_ADDRCONFIG},
			*found;
	int error = getaddrinfo(target->host, target->port, &hints, &found);
	if (error != 0)
		return fail(STATUS_UNAVAILABLE, "connection.connect: %s: %s", target->host, gai_strerror(error));
	enum status status = fail(STATUS_UNAVAILABLE, "connection.connect: %s has no address", target->host);
	for (const struct addrinfo *at = found; at != nullptr; at = at->ai_next) {
		status = open_socket(connection, at);
		if (status == OK)
			break;
		connection_hang_up(connection);
	}
	freeaddrinfo(found);
	return status;
}

static enum status
expect_name(struct connection *connection) {
	const char *host = connection->target.host;
	X509_VERIFY_PARAM *parameters = SSL_get0_param(connection->tls);
	bool set = is_address(host) ? X509_VERIFY_PARAM_set1_ip_asc(parameters, host) == 1
				    : X509_VERIFY_PARAM_set1_host(parameters, host, 0) == 1 &&
					      SSL_set_tlsext_host_name(connection->tls, host) == 1;
	return set ? OK : fail(STATUS_INVALID, "connection.name: %s: %s", host, library_reason());
}

static enum status
check_pin(const struct connection *connection) {
	uint8_t *der = nullptr;
	X509 *certificate = SSL_get0_peer_certificate(connection->tls);
	int len = certificate == nullptr ? -1 : i2d_X509(certificate, &der);
	if (len < 0)
		return fail(STATUS_UNAUTHORIZED, "connection.certificate: the server gave none");
	struct hash256 hash = sha256(bytes_of(der, (size_t)len));
	OPENSSL_free(der);
	char text[65];
	hex_encode(hash256_bytes(&hash), text);
	return hash256_equal(&hash, &connection->target.pin)
		       ? OK
		       : fail(STATUS_UNAUTHORIZED,
			      "connection.certificate: the server's certificate has SHA-256 %s, which is not "
			      "the pinned one",
			      text);
}

/* Whether the other side has ended what was kept, or said what nobody asked for: seen before anything is sent, so that nobody need wonder
 * whether it arrived. */
static bool
has_ended(struct connection *connection) {
	uint8_t byte;
	size_t got;
	int flags = fcntl(connection->socket, F_GETFL);
	if (connection->received.len > 0 || flags < 0 || fcntl(connection->socket, F_SETFL, flags | O_NONBLOCK) != 0)
		return true;
	ERR_clear_error();
	int peeked = SSL_peek_ex(connection->tls, &byte, 1, &got);
	bool is_silent = peeked != 1 && SSL_get_error(connection->tls, peeked) == SSL_ERROR_WANT_READ;
	return fcntl(connection->socket, F_SETFL, flags) != 0 || !is_silent;
}

static enum status
connect_tls(struct connection *connection) {
	const char *host = connection->target.host;
	if (connection->tls != nullptr && has_ended(connection))
		connection_hang_up(connection);
	connection->is_kept = connection->tls != nullptr;
	if (connection->is_kept)
		return OK;
	TRY(make_context(connection));
	TRY(connect_socket(connection));
	connection->tls = SSL_new(connection->context);
	if (connection->tls == nullptr || SSL_set_fd(connection->tls, connection->socket) != 1)
		return fail(STATUS_NO_MEMORY, "connection.tls: %s", library_reason());
	TRY(expect_name(connection));
	ERR_clear_error();
	if (SSL_connect(connection->tls) != 1) {
		long verified = SSL_get_verify_result(connection->tls);
		if (verified != X509_V_OK)
			return fail(STATUS_UNAUTHORIZED, "connection.certificate: %s: %s", host,
				    X509_verify_cert_error_string(verified));
		return fail(STATUS_UNAVAILABLE, "connection.tls: %s: %s", host, library_reason());
	}
	return connection->target.has_pin ? check_pin(connection) : OK;
}

/* --- One request. --- */

/* Not by our own patience. */
static void
note_broken(struct connection *connection, int result) {
	int error = SSL_get_error(connection->tls, result);
	connection->has_broken =
		connection->received.len == 0 && error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE;
}

static enum status
send_request(struct connection *connection, const struct http_request *request) {
	_cleanup_(buffer_free) struct buffer text = {};
	size_t written;
	buffer_append_format(&text, "%.*s %.*s HTTP/1.1\r\n", BYTES_ARGS(request->method), BYTES_ARGS(request->target));
	for (size_t i = 0; i < request->field_count; i++)
		buffer_append_format(&text, "%.*s: %.*s\r\n", BYTES_ARGS(request->fields[i].name),
				     BYTES_ARGS(request->fields[i].value));
	if (request->body.len > 0)
		buffer_append_format(&text, "Content-Length: %zu\r\n", request->body.len);
	buffer_append_text(&text, "\r\n");
	buffer_append_bytes(&text, request->body);
	TRY(buffer_status(&text));
	ERR_clear_error();
	int sent = SSL_write_ex(connection->tls, text.data, text.len, &written);
	if (sent == 1 && written == text.len)
		return OK;
	note_broken(connection, sent);
	return fail(STATUS_UNAVAILABLE, "connection.lost: it broke while the request was sent");
}

static enum status
receive_more(struct connection *connection) {
	struct buffer *received = &connection->received;
	size_t got;
	if (!buffer_reserve(received, READ_SIZE))
		return buffer_status(received);
	ERR_clear_error();
	int read = SSL_read_ex(connection->tls, received->data + received->len, READ_SIZE, &got);
	if (read != 1) {
		note_broken(connection, read);
		return fail(STATUS_UNAVAILABLE,
			    "connection.lost: it ended before the answer did; what was asked may have been done");
	}
	received->len += got;
	return OK;
}

static const uint8_t *
end_of_head(const struct buffer *received) {
	return received->len == 0 ? nullptr : memmem(received->data, received->len, "\r\n\r\n", 4);
}

static enum status
receive_answer(struct connection *connection, struct arena *arena, struct connection_answer *answer) {
	struct buffer *received = &connection->received;
	struct http_answer_head answered;
	*answer = (struct connection_answer){};
	while (end_of_head(received) == nullptr) {
		if (received->len > HEAD_MAX)
			return fail(STATUS_TOO_LARGE, "connection.answer: a head of more than %zu bytes", HEAD_MAX);
		TRY(receive_more(connection));
	}
	size_t head = (size_t)(end_of_head(received) - received->data) + 4;
	TRY(http_answer_read_head(bytes_of(received->data, head), &answered));
	if (answered.length > CONNECTION_ANSWER_MAX)
		return fail(STATUS_TOO_LARGE, "connection.answer: %llu bytes", (unsigned long long)answered.length);
	size_t length = (size_t)answered.length;
	answer->status = answered.status;
	answer->content_type = arena_copy(arena, answered.content_type);
	TRY_ALLOC(answer->content_type.data);
	while (received->len - head < length)
		TRY(receive_more(connection));
	answer->body = arena_copy(arena, bytes_of(received->data + head, length));
	TRY_ALLOC(answer->body.data);
	size_t rest = received->len - head - length;
	memmove(received->data, received->data + head + length, rest);
	received->len = rest;
	return OK;
}

static enum status
exchange(struct connection *connection, struct arena *arena, const struct http_request *request,
	 struct connection_answer *answer) {
	connection->has_broken = false;
	enum status status = connect_tls(connection);
	if (status == OK)
		status = send_request(connection, request);
	if (status == OK)
		status = receive_answer(connection, arena, answer);
	if (status != OK)
		connection_hang_up(connection);
	return status;
}

/* A server may end what is idle in the moment in which it is asked (RFC 9112 §9.3.1): what changes nothing is asked once more. */
enum status
connection_exchange(struct connection *connection, struct arena *arena, const struct http_request *request,
		    struct connection_answer *answer) {
	enum status status = exchange(connection, arena, request, answer);
	bool is_asked_again = status != OK && connection->is_kept && connection->has_broken &&
			      bytes_equal_text(request->method, "GET");
	return is_asked_again ? exchange(connection, arena, request, answer) : status;
}
