#include "helpers/small_server.h"

#include <errno.h>
#include <llhttp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "helpers/endpoint.h"

constexpr int64_t REQUEST_NS = 10'000'000'000;
constexpr int64_t IDLE_NS = 30'000'000'000;
constexpr int64_t WRITE_NS = 5'000'000'000;
constexpr int PAUSE_MS = 100;

struct connection {
	int descriptor;
	llhttp_t parser;
	struct buffer target, body;
	size_t header_len; /* of the request line and header until now */
	int64_t deadline_ns;
	size_t body_max;
	int refusal;    /* status to refuse with, 0: none */
	bool has_begun; /* bytes of a request have come */
	bool is_complete;
};

/* --- Parsing --- */

static int
refuse(struct connection *connection, int status) {
	connection->refusal = status;
	return HPE_USER;
}

static int
count_header(llhttp_t *parser, const char *, size_t len) {
	struct connection *connection = parser->data;
	connection->header_len += len;
	return connection->header_len > SMALL_SERVER_HEADER_MAX ? refuse(connection, 431) : HPE_OK;
}

static int
on_target(llhttp_t *parser, const char *at, size_t len) {
	struct connection *connection = parser->data;
	buffer_append(&connection->target, at, len);
	return count_header(parser, at, len);
}

static int
on_body(llhttp_t *parser, const char *at, size_t len) {
	struct connection *connection = parser->data;
	if (len > connection->body_max - connection->body.len)
		return refuse(connection, 413);
	buffer_append(&connection->body, at, len);
	return HPE_OK;
}

static int
on_header_end(llhttp_t *parser) {
	struct connection *connection = parser->data;
	return parser->content_length > connection->body_max ? refuse(connection, 413) : HPE_OK;
}

static int
on_complete(llhttp_t *parser) {
	((struct connection *)parser->data)->is_complete = true;
	return HPE_PAUSED;
}

static const llhttp_settings_t *
settings(void) {
	static llhttp_settings_t made;
	llhttp_settings_init(&made);
	made.on_url = on_target;
	made.on_header_field = count_header;
	made.on_header_value = count_header;
	made.on_headers_complete = on_header_end;
	made.on_body = on_body;
	made.on_message_complete = on_complete;
	return &made;
}

static void
begin_request(struct connection *connection) {
	buffer_reset(&connection->target);
	buffer_reset(&connection->body);
	connection->header_len = 0;
	connection->has_begun = connection->is_complete = false;
}

/* --- Answering --- */

static const char *
reason_of(int status) {
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {
		{200, "OK"},
		{400, "Bad Request"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{408, "Request Timeout"},
		{409, "Conflict"},
		{413, "Content Too Large"},
		{422, "Unprocessable Content"},
		{431, "Request Header Fields Too Large"},
		{503, "Service Unavailable"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Status";
}

/* False if the client does not take it. */
static bool
send_all(int descriptor, struct bytes bytes) {
	int64_t deadline_ns = endpoint_clock_ns() + WRITE_NS;
	while (bytes.len > 0) {
		ssize_t sent = send(descriptor, bytes.data, bytes.len, MSG_NOSIGNAL);
		if (sent >= 0) {
			bytes = bytes_of(bytes.data + sent, bytes.len - (size_t)sent);
			continue;
		}
		if (errno != EINTR && (errno != EAGAIN || endpoint_wait(descriptor, POLLOUT, deadline_ns) != OK))
			return false;
	}
	return true;
}

static bool
send_answer(struct connection *connection, const struct small_answer *answer, bool keep) {
	_cleanup_(buffer_free) struct buffer text = {};
	buffer_append_format(&text,
			     "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: %s\r\n\r\n",
			     answer->status, reason_of(answer->status), answer->content_type, answer->body.len,
			     keep ? "keep-alive" : "close");
	buffer_append_bytes(&text, buffer_bytes(&answer->body));
	return buffer_status(&text) == OK && send_all(connection->descriptor, buffer_bytes(&text));
}

static void
send_refusal(struct connection *connection, int status) {
	struct small_answer answer = {.status = status, .content_type = "text/plain"};
	(void)send_answer(connection, &answer, false); /* it is closed in any case */
}

static void
answer_free(struct small_answer *answer) {
	buffer_free(&answer->body);
}

/* *keep: whether the connection goes on. */
static enum status
answer_request(const struct small_server *server, struct connection *connection, bool *keep) {
	_cleanup_(answer_free) struct small_answer answer = {.status = 405, .content_type = "text/plain"};
	*keep = llhttp_should_keep_alive(&connection->parser) != 0;
	uint8_t method = connection->parser.method;
	if (connection->target.failed || connection->body.failed)
		return fail(STATUS_NO_MEMORY, "memory: a request could not be kept");
	if (method == HTTP_GET || method == HTTP_POST) {
		struct small_request request = {method == HTTP_POST, buffer_bytes(&connection->target),
						buffer_bytes(&connection->body)};
		TRY(server->handle(server->context, &request, &answer));
	}
	*keep = send_answer(connection, &answer, *keep) && *keep;
	return OK;
}

/* --- Connections --- */

static void
close_connection(struct connection **slot) {
	struct connection *closed = *slot;
	*slot = nullptr;
	if (closed == nullptr)
		return;
	close(closed->descriptor);
	buffer_free(&closed->target);
	buffer_free(&closed->body);
	free(closed);
}

static void
accept_connection(const struct small_server *server, struct connection **slot) {
	int descriptor = accept4(server->listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (descriptor < 0) {
		if (errno != EAGAIN && errno != EINTR)
			poll(nullptr, 0, PAUSE_MS); /* no descriptors left: it would be ready again at once */
		return;
	}
	struct connection *connection = calloc(1, sizeof *connection);
	if (connection == nullptr) {
		close(descriptor);
		return;
	}
	connection->descriptor = descriptor;
	connection->body_max = server->body_max;
	connection->deadline_ns = endpoint_clock_ns() + REQUEST_NS;
	llhttp_init(&connection->parser, HTTP_REQUEST, settings());
	connection->parser.data = connection;
	*slot = connection;
}

/* *keep: whether the connection goes on. */
static enum status
take_bytes(const struct small_server *server, struct connection *connection, const char *bytes, size_t len,
	   bool *keep) {
	*keep = true;
	while (len > 0 && *keep) {
		llhttp_errno_t parsed = llhttp_execute(&connection->parser, bytes, len);
		if (parsed == HPE_OK)
			return OK;
		if (parsed != HPE_PAUSED || !connection->is_complete) {
			send_refusal(connection, connection->refusal != 0 ? connection->refusal : 400);
			*keep = false;
			return OK;
		}
		const char *rest = llhttp_get_error_pos(&connection->parser);
		len -= (size_t)(rest - bytes);
		bytes = rest;
		TRY(answer_request(server, connection, keep));
		begin_request(connection);
		llhttp_resume(&connection->parser);
		connection->has_begun = len > 0;
		connection->deadline_ns = endpoint_clock_ns() + (len > 0 ? REQUEST_NS : IDLE_NS);
	}
	return OK;
}

static enum status
serve_connection(const struct small_server *server, struct connection **slot) {
	char bytes[16 * 1024];
	struct connection *connection = *slot;
	ssize_t got = recv(connection->descriptor, bytes, sizeof bytes, 0);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return OK;
	bool keep = false;
	enum status status = OK;
	if (got > 0) {
		if (!connection->has_begun)
			connection->deadline_ns = endpoint_clock_ns() + REQUEST_NS;
		connection->has_begun = true;
		status = take_bytes(server, connection, bytes, (size_t)got, &keep);
	}
	if (!keep || status != OK)
		close_connection(slot);
	return status;
}

static void
close_late(struct connection **connections, int64_t now_ns) {
	for (size_t i = 0; i < SMALL_SERVER_CONNECTIONS; i++) {
		if (connections[i] == nullptr || connections[i]->deadline_ns > now_ns)
			continue;
		if (connections[i]->has_begun)
			send_refusal(connections[i], 408);
		close_connection(&connections[i]);
	}
}

static enum status
turn(const struct small_server *server, int signals, struct connection **connections, bool *goes_on) {
	struct pollfd polled[2 + SMALL_SERVER_CONNECTIONS] = {{.fd = signals, .events = POLLIN}};
	size_t free_slot = SMALL_SERVER_CONNECTIONS;
	for (size_t i = 0; i < SMALL_SERVER_CONNECTIONS; i++) {
		polled[2 + i] = (struct pollfd){.fd = connections[i] == nullptr ? -1 : connections[i]->descriptor,
						.events = POLLIN};
		if (connections[i] == nullptr)
			free_slot = i;
	}
	polled[1] =
		(struct pollfd){.fd = free_slot == SMALL_SERVER_CONNECTIONS ? -1 : server->listener, .events = POLLIN};
	if (poll(polled, ARRAY_LENGTH(polled), 1000) < 0 && errno != EINTR)
		return fail_errno(STATUS_IO, "small_server.poll");
	*goes_on = polled[0].revents == 0;
	for (size_t i = 0; i < SMALL_SERVER_CONNECTIONS; i++)
		if (connections[i] != nullptr && polled[2 + i].revents != 0)
			TRY(serve_connection(server, &connections[i]));
	if (polled[1].revents != 0)
		accept_connection(server, &connections[free_slot]);
	close_late(connections, endpoint_clock_ns());
	return OK;
}

enum status
small_server_run(const struct small_server *server) {
	sigset_t ending;
	sigemptyset(&ending);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGINT);
	int signals = signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0)
		return fail_errno(STATUS_IO, "small_server.signals");
	struct connection *connections[SMALL_SERVER_CONNECTIONS] = {};
	enum status status = OK;
	for (bool goes_on = true; goes_on && status == OK;)
		status = turn(server, signals, connections, &goes_on);
	for (size_t i = 0; i < SMALL_SERVER_CONNECTIONS; i++)
		close_connection(&connections[i]);
	close(signals);
	return status;
}
