#include "cli/client.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/cursor.h"
#include "base/io.h"
#include "base/json.h"
#include "cli/output.h"
#include "crypto/random.h"

constexpr int64_t SIGNATURE_LIFETIME_S = 60;
constexpr time_t TIMEOUT_S = 60;
constexpr size_t HEAD_MAX = 64 * 1024;
constexpr size_t READ_SIZE = 16 * 1024;

struct client {
	struct profile profile;
	struct key_file key;
	bool has_key;
	SSL_CTX *context;
	SSL *tls;
	int socket;
	struct buffer received;
};

const struct profile *
client_profile(const struct client *client) {
	return &client->profile;
}

const struct key_file *
client_key(const struct client *client) {
	return &client->key;
}

enum status
client_create(struct invocation *invocation, bool may_lack_key, struct client **client) {
	_cleanup_(client_destroy) struct client *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	made->socket = -1;
	TRY(profile_read(invocation, &made->profile));
	if (made->profile.key == nullptr && !may_lack_key)
		return fail(STATUS_INVALID, "profile.key: who asks? Give --key FILE, or key in the profile");
	if (made->profile.key != nullptr) {
		TRY(key_file_read(made->profile.key, &made->key));
		made->has_key = true;
	}
	*client = TAKE(made);
	return OK;
}

static void
disconnect(struct client *client) {
	SSL_free(client->tls);
	client->tls = nullptr;
	if (client->socket >= 0)
		close(client->socket);
	client->socket = -1;
	buffer_reset(&client->received);
}

void
client_destroy(struct client **client) {
	struct client *gone = TAKE(*client);
	if (gone == nullptr)
		return;
	disconnect(gone);
	SSL_CTX_free(gone->context);
	key_file_free(&gone->key);
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
make_context(struct client *client) {
	if (client->context != nullptr)
		return OK;
	client->context = SSL_CTX_new(TLS_client_method());
	TRY_ALLOC(client->context);
	SSL_CTX_set_min_proto_version(client->context, TLS1_3_VERSION);
	SSL_CTX_set_options(client->context, SSL_OP_NO_RENEGOTIATION);
	if (SSL_CTX_set1_groups_list(client->context, "X25519MLKEM768") != 1)
		return fail(STATUS_INTERNAL, "client.groups: %s", library_reason());
	bool by_authority = !client->profile.has_pin && !client->profile.insecure_demo;
	SSL_CTX_set_verify(client->context, by_authority ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
	if (client->profile.ca != nullptr) {
		if (SSL_CTX_load_verify_file(client->context, client->profile.ca) != 1)
			return fail(STATUS_INVALID, "client.ca: %s: %s", client->profile.ca, library_reason());
	} else if (by_authority && SSL_CTX_set_default_verify_paths(client->context) != 1)
		return fail(STATUS_INTERNAL, "client.ca: %s", library_reason());
	return OK;
}

static bool
is_loopback(const struct sockaddr *address) {
	if (address->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr) >> 24 == 127;
	return address->sa_family == AF_INET6 &&
	       IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

static enum status
try_address(struct client *client, const struct addrinfo *address) {
	struct timeval timeout = {.tv_sec = TIMEOUT_S};
	if (client->profile.insecure_demo && !is_loopback(address->ai_addr))
		return fail(STATUS_DENIED, "client.insecure_demo: %s is no loopback address; give --pin or --ca",
			    client->profile.host);
	client->socket = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC, address->ai_protocol);
	if (client->socket < 0)
		return fail_errno(STATUS_IO, "client.socket");
	setsockopt(client->socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
	setsockopt(client->socket, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
	if (connect(client->socket, address->ai_addr, address->ai_addrlen) == 0)
		return OK;
	enum status status = fail_errno(STATUS_UNAVAILABLE, "client.connect: %s port %s", client->profile.host,
					client->profile.port);
	close(client->socket);
	client->socket = -1;
	return status;
}

static enum status
connect_socket(struct client *client) {
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG}, *found;
	int error = getaddrinfo(client->profile.host, client->profile.port, &hints, &found);
	if (error != 0)
		return fail(STATUS_UNAVAILABLE, "client.connect: %s: %s", client->profile.host, gai_strerror(error));
	enum status status = fail(STATUS_UNAVAILABLE, "client.connect: %s has no address", client->profile.host);
	for (const struct addrinfo *at = found; at != nullptr && client->socket < 0; at = at->ai_next)
		status = try_address(client, at);
	freeaddrinfo(found);
	return status;
}

static enum status
expect_name(struct client *client) {
	X509_VERIFY_PARAM *parameters = SSL_get0_param(client->tls);
	struct in6_addr scratch;
	bool is_address = inet_pton(AF_INET, client->profile.host, &scratch) == 1 ||
			  inet_pton(AF_INET6, client->profile.host, &scratch) == 1;
	if (is_address ? X509_VERIFY_PARAM_set1_ip_asc(parameters, client->profile.host) != 1
		       : X509_VERIFY_PARAM_set1_host(parameters, client->profile.host, 0) != 1 ||
				 SSL_set_tlsext_host_name(client->tls, client->profile.host) != 1)
		return fail(STATUS_INVALID, "client.name: %s: %s", client->profile.host, library_reason());
	return OK;
}

static enum status
check_pin(const struct client *client) {
	uint8_t *der = nullptr;
	X509 *certificate = SSL_get0_peer_certificate(client->tls);
	int len = certificate == nullptr ? -1 : i2d_X509(certificate, &der);
	if (len < 0)
		return fail(STATUS_UNAUTHORIZED, "client.certificate: the server gave none");
	struct hash256 hash = sha256(bytes_of(der, (size_t)len));
	OPENSSL_free(der);
	char text[65];
	hex_encode(hash256_bytes(&hash), text);
	return hash256_equal(&hash, &client->profile.pin)
		       ? OK
		       : fail(STATUS_UNAUTHORIZED,
			      "client.certificate: the server's certificate has SHA-256 %s, which is not the "
			      "pinned one",
			      text);
}

static enum status
connect_client(struct client *client) {
	if (client->tls != nullptr)
		return OK;
	if (client->profile.host == nullptr)
		return fail(STATUS_INVALID,
			    "profile.url: where is the installation? Give --url, or url in the profile");
	TRY(make_context(client));
	TRY(connect_socket(client));
	client->tls = SSL_new(client->context);
	if (client->tls == nullptr || SSL_set_fd(client->tls, client->socket) != 1)
		return fail(STATUS_NO_MEMORY, "client.tls: %s", library_reason());
	TRY(expect_name(client));
	ERR_clear_error();
	if (SSL_connect(client->tls) != 1) {
		long verified = SSL_get_verify_result(client->tls);
		if (verified != X509_V_OK)
			return fail(STATUS_UNAUTHORIZED, "client.certificate: %s: %s", client->profile.host,
				    X509_verify_cert_error_string(verified));
		return fail(STATUS_UNAVAILABLE, "client.tls: %s: %s", client->profile.host, library_reason());
	}
	return client->profile.has_pin ? check_pin(client) : OK;
}

/* --- One request. --- */

static enum status
send_all(struct client *client, struct bytes text) {
	size_t written;
	ERR_clear_error();
	return SSL_write_ex(client->tls, text.data, text.len, &written) == 1 && written == text.len
		       ? OK
		       : fail(STATUS_UNAVAILABLE, "client.lost: the connection broke while the request was sent");
}

static enum status
receive_more(struct client *client) {
	size_t got;
	if (!buffer_reserve(&client->received, READ_SIZE))
		return buffer_status(&client->received);
	ERR_clear_error();
	if (SSL_read_ex(client->tls, client->received.data + client->received.len, READ_SIZE, &got) != 1)
		return fail(STATUS_UNAVAILABLE,
			    "client.lost: the connection ended before the answer did; what was asked may have "
			    "been done");
	client->received.len += got;
	return OK;
}

static bool
name_equals(struct bytes name, const char *expected) {
	return name.len == strlen(expected) && strncasecmp((const char *)name.data, expected, name.len) == 0;
}

static enum status
read_field(struct bytes line, struct arena *arena, struct client_answer *answer, uint64_t *length) {
	const uint8_t *colon = memchr(line.data, ':', line.len);
	if (colon == nullptr)
		return fail(STATUS_INVALID, "client.answer: a header line without colon");
	struct bytes name = bytes_of(line.data, (size_t)(colon - line.data));
	struct bytes value = bytes_of(colon + 1, line.len - name.len - 1);
	while (value.len > 0 && value.data[0] == ' ')
		value = bytes_of(value.data + 1, value.len - 1);
	if (name_equals(name, "transfer-encoding"))
		return fail(STATUS_INVALID, "client.answer: transfer codings are not for this client");
	if (name_equals(name, "content-length")) {
		TRY(decimal_decode(value, length));
		if (*length > CLIENT_ANSWER_MAX)
			return fail(STATUS_TOO_LARGE, "client.answer: %llu bytes", (unsigned long long)*length);
	}
	if (name_equals(name, "content-type")) {
		answer->content_type = arena_copy(arena, value);
		TRY_ALLOC(answer->content_type.data);
	}
	return OK;
}

/* "HTTP/1.1 200 OK" and the fields after it. */
static enum status
read_head(struct bytes head, struct arena *arena, struct client_answer *answer, uint64_t *length) {
	struct cursor cursor = cursor_of(head);
	struct bytes version, line;
	uint64_t status;
	*length = 0;
	TRY(cursor_take(&cursor, "client.answer", 9, &version));
	if (!bytes_equal_text(version, "HTTP/1.1 "))
		return fail(STATUS_INVALID, "client.answer: not HTTP/1.1");
	TRY(cursor_take(&cursor, "client.answer", 3, &line));
	TRY(decimal_decode(line, &status));
	answer->status = (unsigned)status;
	TRY(cursor_until(&cursor, "client.answer", '\n', &line));
	while (cursor.left > 0) {
		TRY(cursor_until(&cursor, "client.answer", '\n', &line));
		if (line.len > 0 && line.data[line.len - 1] == '\r')
			line.len--;
		if (line.len > 0)
			TRY(read_field(line, arena, answer, length));
	}
	return OK;
}

static enum status
receive_answer(struct client *client, struct arena *arena, struct client_answer *answer) {
	const uint8_t *end;
	uint64_t length;
	*answer = (struct client_answer){};
	while ((end = client->received.len == 0
			      ? nullptr
			      : memmem(client->received.data, client->received.len, "\r\n\r\n", 4)) == nullptr) {
		if (client->received.len > HEAD_MAX)
			return fail(STATUS_TOO_LARGE, "client.answer: a head of more than %zu bytes", HEAD_MAX);
		TRY(receive_more(client));
	}
	size_t head = (size_t)(end - client->received.data) + 4;
	TRY(read_head(bytes_of(client->received.data, head), arena, answer, &length));
	while (client->received.len - head < length)
		TRY(receive_more(client));
	answer->body = arena_copy(arena, bytes_of(client->received.data + head, (size_t)length));
	TRY_ALLOC(answer->body.data);
	size_t rest = client->received.len - head - (size_t)length;
	memmove(client->received.data, client->received.data + head + length, rest);
	client->received.len = rest;
	return OK;
}

static void
append_field(struct buffer *to, const char *name, struct bytes value) {
	buffer_append_format(to, "%s: %.*s\r\n", name, BYTES_ARGS(value));
}

/* The six signed fields, or what a person's body needs around it. */
static enum status
append_fields(struct client *client, struct arena *arena, const struct http_request *request, bool is_signed,
	      struct bytes idempotency_key, struct buffer *to) {
	struct http_field fields[6];
	struct bytes content_type = BYTES_OF_LITERAL("application/json");
	if (!is_signed) {
		append_field(to, "Host", bytes_of_text(client->profile.authority));
		append_field(to, "Content-Type", content_type);
		append_field(to, "Idempotency-Key", idempotency_key);
		return OK;
	}
	struct http_request_signer signer = key_file_signer(&client->key);
	TRY(http_signature_create(arena, &signer, request, bytes_of_text(client->profile.authority), content_type,
				  idempotency_key, io_realtime_ns(io_system()) / 1'000'000, SIGNATURE_LIFETIME_S,
				  fields));
	for (size_t i = 0; i < ARRAY_LENGTH(fields); i++)
		buffer_append_format(to, "%.*s: %.*s\r\n", BYTES_ARGS(fields[i].name), BYTES_ARGS(fields[i].value));
	return OK;
}

static enum status
exchange(struct client *client, struct arena *arena, const struct http_request *request, bool is_signed,
	 struct bytes idempotency_key, struct client_answer *answer) {
	_cleanup_(buffer_free) struct buffer text = {};
	TRY(connect_client(client));
	buffer_append_format(&text, "%.*s %.*s HTTP/1.1\r\n", BYTES_ARGS(request->method), BYTES_ARGS(request->target));
	TRY(append_fields(client, arena, request, is_signed, idempotency_key, &text));
	if (request->body.len > 0)
		buffer_append_format(&text, "Content-Length: %zu\r\n", request->body.len);
	buffer_append_text(&text, "\r\n");
	buffer_append_bytes(&text, request->body);
	TRY(buffer_status(&text));
	TRY(send_all(client, buffer_bytes(&text)));
	return receive_answer(client, arena, answer);
}

static enum status
ask(struct client *client, struct arena *arena, const struct http_request *request, bool is_signed,
    struct bytes idempotency_key, struct client_answer *answer) {
	enum status status = exchange(client, arena, request, is_signed, idempotency_key, answer);
	if (status != OK)
		disconnect(client);
	return status;
}

enum status
client_get(struct client *client, struct arena *arena, const char *target, struct client_answer *answer) {
	uint8_t random[16];
	char key[2 * sizeof random + 1];
	random_bytes(random, sizeof random);
	hex_encode(BYTES_OF_ARRAY(random), key);
	struct http_request request = {.method = BYTES_OF_LITERAL("GET"), .target = bytes_of_text(target)};
	return ask(client, arena, &request, client->has_key, bytes_of_text(key), answer);
}

enum status
client_post(struct client *client, struct arena *arena, const char *target, struct bytes body,
	    struct bytes idempotency_key, struct client_answer *answer) {
	struct http_request request = {
		.method = BYTES_OF_LITERAL("POST"), .target = bytes_of_text(target), .body = body};
	return ask(client, arena, &request, !key_file_is_person(&client->key), idempotency_key, answer);
}

/* --- Answers. --- */

int
client_exit_code(unsigned status) {
	if (status < 300)
		return EXIT_DONE;
	if (status == 503 || status == 502 || status == 504)
		return EXIT_UNREACHABLE;
	return status < 500 ? EXIT_FOUND : EXIT_INTERNAL;
}

static struct bytes
member_of(const json *document, const char *name) {
	const json *value = json_get(document, name);
	return value == nullptr || json_type_of(value) != JSON_STRING ? (struct bytes){} : json_string(value);
}

void
client_say_problem(struct arena *arena, const struct client_answer *answer) {
	static const char prefix[] = "urn:gatehouse:problem:";
	_cleanup_(buffer_free) struct buffer text = {};
	const json *document;
	if (json_read(arena, answer->body, (struct json_limits){}, &document) == OK &&
	    json_type_of(document) == JSON_OBJECT) {
		struct bytes type = member_of(document, "type"), detail = member_of(document, "detail");
		if (type.len > strlen(prefix) && memcmp(type.data, prefix, strlen(prefix)) == 0)
			output_foreign(&text, bytes_of(type.data + strlen(prefix), type.len - strlen(prefix)), false);
		buffer_append_text(&text, ": ");
		output_foreign(&text, detail.len > 0 ? detail : member_of(document, "title"), false);
		buffer_append_byte(&text, ' ');
	}
	buffer_append_format(&text, "(HTTP %u)", answer->status);
	if (buffer_status(&text) == OK)
		output_note("gatehouse: %.*s", BYTES_ARGS(text));
}
