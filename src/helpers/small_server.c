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
constexpr int64_t ANSWER_NS = 30'000'000'000;
constexpr int64_t PAUSE_NS = 100'000'000; /* without descriptors or memory for one more connection */
constexpr int64_t TURN_NS = 1'000'000'000;

struct connection {
	int descriptor;
	llhttp_t parser;
	struct buffer target, body;
	struct buffer early;  /* what came behind a request whose answer has not gone */
	struct buffer output; /* answers; nothing is read while some of it is here */
	size_t sent;          /* of output */
	size_t header_len;    /* of the request line and header until now */
	int64_t deadline_ns;  /* of the request, or of the answer that is being sent */
	size_t body_max;
	int refusal;    /* status to refuse with, 0: none */
	bool has_begun; /* bytes of a request have come */
	bool is_complete;
	bool is_last; /* it is closed when its output has gone */
};

struct serving {
	const struct small_server *server;
	struct connection *connections[SMALL_SERVER_CONNECTIONS];
	int64_t accept_ns; /* no connection is taken before */
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

static bool
has_output(const struct connection *connection) {
	return connection->sent < connection->output.len;
}

/* What the client takes now; false if the connection is over. */
static bool
flush_output(struct connection *connection) {
	while (has_output(connection)) {
		ssize_t sent = send(connection->descriptor, connection->output.data + connection->sent,
				    connection->output.len - connection->sent, MSG_NOSIGNAL);
		if (sent >= 0)
			connection->sent += (size_t)sent;
		else if (errno == EAGAIN)
			return true;
		else if (errno != EINTR)
			return false;
	}
	buffer_reset(&connection->output);
	connection->sent = 0;
	connection->deadline_ns = endpoint_clock_ns() + IDLE_NS;
	return !connection->is_last;
}

static bool
send_answer(struct connection *connection, const struct small_answer *answer) {
	buffer_append_format(&connection->output,
			     "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: %s\r\n\r\n",
			     answer->status, reason_of(answer->status), answer->content_type, answer->body.len,
			     connection->is_last ? "close" : "keep-alive");
	buffer_append_bytes(&connection->output, buffer_bytes(&answer->body));
	connection->deadline_ns = endpoint_clock_ns() + ANSWER_NS;
	return buffer_status(&connection->output) == OK && flush_output(connection);
}

static bool
send_refusal(struct connection *connection, int status) {
	connection->is_last = true;
	return send_answer(connection, &(struct small_answer){.status = status, .content_type = "text/plain"});
}

static void
answer_free(struct small_answer *answer) {
	buffer_free(&answer->body);
}

/* *goes_on: whether the connection does. */
static enum status
answer_request(const struct small_server *server, struct connection *connection, bool *goes_on) {
	_cleanup_(answer_free) struct small_answer answer = {.status = 405, .content_type = "text/plain"};
	connection->is_last = llhttp_should_keep_alive(&connection->parser) == 0;
	uint8_t method = connection->parser.method;
	if (connection->target.failed || connection->body.failed)
		return fail(STATUS_NO_MEMORY, "memory: a request could not be kept");
	if (method == HTTP_GET || method == HTTP_POST) {
		struct small_request request = {method == HTTP_POST, buffer_bytes(&connection->target),
						buffer_bytes(&connection->body)};
		TRY(server->handle(server->context, &request, &answer));
	}
	*goes_on = send_answer(connection, &answer);
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
	buffer_free(&closed->early);
	buffer_free(&closed->output);
	free(closed);
}

static void
accept_connection(struct serving *serving, struct connection **slot) {
	int descriptor = accept4(serving->server->listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (descriptor < 0) {
		if (errno != EAGAIN && errno != EINTR)
			serving->accept_ns = endpoint_clock_ns() + PAUSE_NS; /* it would be ready again at once */
		return;
	}
	struct connection *connection = calloc(1, sizeof *connection);
	if (connection == nullptr) {
		close(descriptor);
		return;
	}
	connection->descriptor = descriptor;
	connection->body_max = serving->server->body_max;
	connection->deadline_ns = endpoint_clock_ns() + REQUEST_NS;
	llhttp_init(&connection->parser, HTTP_REQUEST, settings());
	connection->parser.data = connection;
	*slot = connection;
}

/* Up to the first answer that does not go out whole: what is behind it waits. *goes_on: whether the connection does. */
static enum status
take_bytes(const struct small_server *server, struct connection *connection, struct bytes bytes, bool *goes_on) {
	*goes_on = true;
	while (bytes.len > 0 && *goes_on && !has_output(connection)) {
		const char *text = (const char *)bytes.data;
		if (!connection->has_begun)
			connection->deadline_ns = endpoint_clock_ns() + REQUEST_NS;
		connection->has_begun = true;
		llhttp_errno_t parsed = llhttp_execute(&connection->parser, text, bytes.len);
		if (parsed == HPE_OK)
			return OK;
		if (parsed != HPE_PAUSED || !connection->is_complete) {
			*goes_on = send_refusal(connection, connection->refusal != 0 ? connection->refusal : 400);
			return OK;
		}
		size_t used = (size_t)(llhttp_get_error_pos(&connection->parser) - text);
		bytes = bytes_of(bytes.data + used, bytes.len - used);
		TRY(answer_request(server, connection, goes_on));
		begin_request(connection);
		llhttp_resume(&connection->parser);
	}
	if (*goes_on)
		buffer_append_bytes(&connection->early, bytes);
	*goes_on = *goes_on && !connection->early.failed;
	return OK;
}

static enum status
receive_bytes(const struct small_server *server, struct connection *connection, bool *goes_on) {
	uint8_t bytes[16 * 1024];
	ssize_t got = recv(connection->descriptor, bytes, sizeof bytes, 0);
	*goes_on = got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
	return got > 0 ? take_bytes(server, connection, bytes_of(bytes, (size_t)got), goes_on) : OK;
}

static enum status
send_rest(const struct small_server *server, struct connection *connection, bool *goes_on) {
	*goes_on = flush_output(connection);
	if (!*goes_on || has_output(connection))
		return OK;
	_cleanup_(buffer_free) struct buffer early = connection->early;
	connection->early = (struct buffer){};
	return take_bytes(server, connection, buffer_bytes(&early), goes_on);
}

static enum status
serve_connection(const struct small_server *server, struct connection **slot) {
	bool goes_on;
	enum status status =
		has_output(*slot) ? send_rest(server, *slot, &goes_on) : receive_bytes(server, *slot, &goes_on);
	if (status != OK || !goes_on)
		close_connection(slot);
	return status;
}

static void
close_late(struct connection **connections, int64_t now_ns) {
	for (size_t i = 0; i < SMALL_SERVER_CONNECTIONS; i++) {
		struct connection *connection = connections[i];
		if (connection == nullptr || connection->deadline_ns > now_ns)
			continue;
		if (has_output(connection) || !connection->has_begun || !send_refusal(connection, 408))
			close_connection(&connections[i]);
	}
}

static enum status
turn(struct serving *serving, int signals, bool *goes_on) {
	struct connection **connections = serving->connections;
	struct pollfd polled[2 + SMALL_SERVER_CONNECTIONS] = {{.fd = signals, .events = POLLIN}};
	size_t free_slot = SMALL_SERVER_CONNECTIONS;
	for (size_t i = 0; i < SMALL_SERVER_CONNECTIONS; i++) {
		struct connection *connection = connections[i];
		polled[2 + i] =
			(struct pollfd){.fd = connection == nullptr ? -1 : connection->descriptor,
					.events = connection != nullptr && has_output(connection) ? POLLOUT : POLLIN};
		if (connection == nullptr)
			free_slot = i;
	}
	bool pauses = endpoint_clock_ns() < serving->accept_ns;
	bool may_accept = free_slot < SMALL_SERVER_CONNECTIONS && !pauses;
	polled[1] = (struct pollfd){.fd = may_accept ? serving->server->listener : -1, .events = POLLIN};
	if (poll(polled, ARRAY_LENGTH(polled), (int)((pauses ? PAUSE_NS : TURN_NS) / 1'000'000)) < 0 && errno != EINTR)
		return fail_errno(STATUS_IO, "small_server.poll");
	*goes_on = polled[0].revents == 0;
	for (size_t i = 0; i < SMALL_SERVER_CONNECTIONS; i++)
		if (connections[i] != nullptr && polled[2 + i].revents != 0)
			TRY(serve_connection(serving->server, &connections[i]));
	if (polled[1].revents != 0)
		accept_connection(serving, &connections[free_slot]);
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
	struct serving serving = {.server = server};
	enum status status = OK;
	for (bool goes_on = true; goes_on && status == OK;)
		status = turn(&serving, signals, &goes_on);
	for (size_t i = 0; i < SMALL_SERVER_CONNECTIONS; i++)
		close_connection(&serving.connections[i]);
	close(signals);
	return status;
}
