#include "gateway/connection_state.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "gateway/exchange.h"
#include "gateway/http_response.h"
#include "gateway/telemetry.h"

constexpr int64_t HANDSHAKE_MS = 5'000;
constexpr int64_t HEAD_MS = 10'000;
constexpr int64_t BODY_MS = 10'000;      /* and what its size takes at the lowest rate */
constexpr int64_t BODY_BYTES_PER_MS = 4; /* the lowest rate: 4 kB/s */
constexpr int64_t LINGER_MS = 2'000;
constexpr int64_t HEARTBEAT_MS = 15'000;
constexpr size_t OUTPUT_PAUSE = 64 * 1024; /* unsent bytes at which no further request is read */
constexpr size_t OUTPUT_KEPT = 32 * 1024;

/* --- The table --- */

uint64_t
connection_token(const struct connection *connection) {
	return (uint64_t)connection->gateway->slots[connection->slot].generation << 32 | connection->slot;
}

void
connection_new_generation(const struct connection *connection) {
	connection->gateway->slots[connection->slot].generation++;
}

/* Who counts as one client: an IPv4 address, or the 64 bits of an IPv6 address that its site chooses freely below. */
static bool
same_client(const struct connection *a, const struct connection *b) {
	return a->address_len == b->address_len && memcmp(a->address, b->address, a->address_len == 4 ? 4 : 8) == 0;
}

static bool
over_address_limit(const struct gateway *gateway, const struct connection *candidate) {
	uint32_t same = 0;
	if (gateway->config.limits.connections_per_address >= gateway->config.limits.connections)
		return false;
	for (uint32_t slot = 0; slot < gateway->config.limits.connections; slot++)
		if (gateway->slots[slot].connection != nullptr &&
		    same_client(gateway->slots[slot].connection, candidate))
			same++;
	return same >= gateway->config.limits.connections_per_address;
}

static void
on_poll_closed(uv_handle_t *handle) {
	struct connection *connection = handle->data;
	struct gateway *gateway = connection->gateway;
	gateway->slots[connection->slot].connection = nullptr;
	gateway->free_slots[gateway->free_count++] = connection->slot;
	gateway->connection_count--;
	metric_set(&telemetry.connections, gateway->connection_count);
	close(connection->descriptor);
	SSL_free(connection->tls);
	http_reader_free(&connection->reader);
	buffer_free(&connection->early);
	buffer_free(&connection->output);
	free(connection);
	if (!gateway->draining)
		gateway_accept(gateway, true);
}

void
connection_set_state(struct connection *connection, enum connection_state state, int64_t deadline_after_ms) {
	struct gateway *gateway = connection->gateway;
	if ((connection->state == STREAMING) != (state == STREAMING)) {
		gateway->feed_clients += state == STREAMING ? 1 : UINT32_MAX; /* one more, or one less */
		metric_set(&telemetry.feed_clients, gateway->feed_clients);
	}
	connection->state = state;
	connection->deadline_ms = connection_now_ms(gateway) + deadline_after_ms;
}

static void
connection_close(struct connection *connection) {
	if (connection->state == CLOSED)
		return;
	connection_set_state(connection, CLOSED, 0);
	connection_new_generation(connection); /* an answer that is under way is for nobody */
	uv_poll_stop(&connection->poll);
	uv_close((uv_handle_t *)&connection->poll, on_poll_closed);
}

/* --- Output --- */

static void
clear_output(struct connection *connection) {
	connection->written = 0;
	if (connection->output.capacity > OUTPUT_KEPT) {
		buffer_free(&connection->output);
		return;
	}
	if (connection->output.len > 0)
		explicit_bzero(connection->output.data, connection->output.len);
	buffer_reset(&connection->output);
}

/* The answer has gone: close_notify, an end to our side, and patience with what the client still sends. */
static void
start_lingering(struct connection *connection) {
	ERR_clear_error();
	SSL_shutdown(connection->tls);
	ERR_clear_error();
	shutdown(connection->descriptor, SHUT_WR);
	connection_set_state(connection, LINGERING, LINGER_MS);
}

/* While our output was in the way, nothing could be expected of the client. */
static void
restart_reading_deadline(struct connection *connection) {
	int64_t deadline_ms = connection_now_ms(connection->gateway) + (connection->reader.started ? HEAD_MS : IDLE_MS);
	if (connection->deadline_ms < deadline_ms)
		connection->deadline_ms = deadline_ms;
}

static void
flush_output(struct connection *connection) {
	bool had_output = connection_unsent(connection) > 0;
	connection->output_blocked = false;
	if (connection->output.failed) {
		connection_close(connection);
		return;
	}
	while (connection_unsent(connection) > 0) {
		size_t sent;
		ERR_clear_error();
		if (SSL_write_ex(connection->tls, connection->output.data + connection->written,
				 connection_unsent(connection), &sent) == 1) {
			connection->written += sent;
			connection->output_deadline_ms = connection_now_ms(connection->gateway) + OUTPUT_MS;
			continue;
		}
		int error = SSL_get_error(connection->tls, 0);
		if (error != SSL_ERROR_WANT_WRITE && error != SSL_ERROR_WANT_READ) {
			connection_close(connection);
			return;
		}
		connection->output_blocked = true;
		return;
	}
	clear_output(connection);
	if (connection->state == FINISHING)
		start_lingering(connection);
	else if (connection->state == READING && had_output)
		restart_reading_deadline(connection);
}

/* --- Input --- */

/* The client waits for leave to send its body (RFC 9110 §10.1.1). */
static void
grant_continue(struct connection *connection) {
	struct http_reader *reader = &connection->reader;
	if (!reader->expects_continue || reader->complete || reader->body.len > 0)
		return;
	reader->expects_continue = false;
	buffer_append_text(&connection->output, "HTTP/1.1 100 Continue\r\n\r\n");
	connection->output_deadline_ms = connection_now_ms(connection->gateway) + OUTPUT_MS;
}

static void
set_reading_deadline(struct connection *connection, bool was_started, bool had_head) {
	const struct http_reader *reader = &connection->reader;
	int64_t now = connection_now_ms(connection->gateway);
	if (!was_started && reader->started)
		connection->deadline_ms = now + HEAD_MS;
	if (!reader->head_complete)
		return;
	if (!had_head)
		connection->head_complete_ms = now;
	connection->deadline_ms =
		connection->head_complete_ms + BODY_MS + (int64_t)reader->body.len / BODY_BYTES_PER_MS;
}

/* Gives the reader bytes up to the end of a request, and serves it; *used receives how many. */
static void
take_input(struct connection *connection, struct bytes input, size_t *used) {
	struct http_reader *reader = &connection->reader;
	bool was_started = reader->started, had_head = reader->head_complete;
	switch (http_reader_feed(reader, input, used)) {
	case HTTP_WANTS_MORE:
		set_reading_deadline(connection, was_started, had_head);
		if (!had_head && reader->head_complete)
			grant_continue(connection);
		break;
	case HTTP_COMPLETE:
		exchange_serve(connection);
		break;
	case HTTP_REFUSED:
		exchange_refuse(connection, true);
		break;
	}
}

static bool
can_take_input(const struct connection *connection) {
	return connection->state == READING && connection_unsent(connection) < OUTPUT_PAUSE &&
	       !connection->output.failed;
}

static void
take_early_input(struct connection *connection) {
	while (can_take_input(connection) && connection->early_used < connection->early.len) {
		size_t used;
		struct bytes rest = {connection->early.data + connection->early_used,
				     connection->early.len - connection->early_used};
		take_input(connection, rest, &used);
		connection->early_used += used;
	}
	if (connection->early_used == connection->early.len && connection->early.len > 0) {
		buffer_free(&connection->early);
		connection->early_used = 0;
	}
}

/* Reads once; false when there is nothing more for now, or nothing more at all. */
static bool
read_tls(struct connection *connection) {
	struct gateway *gateway = connection->gateway;
	size_t got, used = 0;
	ERR_clear_error();
	if (SSL_read_ex(connection->tls, gateway->scratch, sizeof gateway->scratch, &got) != 1) {
		int error = SSL_get_error(connection->tls, 0);
		connection->read_blocked = error == SSL_ERROR_WANT_WRITE;
		if (error == SSL_ERROR_ZERO_RETURN)
			connection->input_ended = true;
		else if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
			connection_close(connection);
		return false;
	}
	while (can_take_input(connection) && used < got) {
		size_t taken;
		take_input(connection, bytes_of(gateway->scratch + used, got - used), &taken);
		used += taken;
	}
	if (used < got && (connection->state == READING || connection->state == WAITING)) {
		buffer_append(&connection->early, gateway->scratch + used, got - used);
		if (connection->early.failed)
			connection_close(connection);
	}
	explicit_bzero(gateway->scratch, got);
	return connection->state != CLOSED;
}

/* True if it stopped where there may be more. */
static bool
read_input(struct connection *connection) {
	/* A client that waits for its answer may send a record more, no further: its next request waits in the
	 * socket. */
	do {
		if (connection->early.len > 0)
			return true;
		if (!read_tls(connection))
			return false;
		if (connection->state == STREAMING) { /* nothing is expected of it */
			connection_close(connection);
			return false;
		}
	} while (SSL_has_pending(connection->tls) && can_take_input(connection));
	return SSL_has_pending(connection->tls);
}

static void
discard_input(struct connection *connection) {
	uint8_t *scratch = connection->gateway->scratch;
	ssize_t got = recv(connection->descriptor, scratch, GATEWAY_SCRATCH_SIZE, MSG_DONTWAIT);
	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
		connection_close(connection);
}

/* --- Events --- */

static void on_poll(uv_poll_t *poll, int status, int events);

static void
poll_for_what_is_wanted(struct connection *connection) {
	if (connection->state == CLOSED)
		return;
	int events = 0;
	if (connection->output_blocked || connection->read_blocked)
		events |= UV_WRITABLE;
	if (!connection->input_ended && connection->early.len == 0 && connection_unsent(connection) < OUTPUT_PAUSE)
		events |= UV_READABLE;
	if (connection->state == HANDSHAKE)
		events = SSL_want_write(connection->tls) ? UV_WRITABLE : UV_READABLE;
	else if (connection->state == FINISHING)
		events = UV_WRITABLE;
	else if (connection->state == LINGERING)
		events = UV_READABLE;
	if (events == connection->polled)
		return;
	connection->polled = events;
	if (events == 0)
		uv_poll_stop(&connection->poll); /* a reset is noticed when the answer is sent */
	else
		uv_poll_start(&connection->poll, events, on_poll);
}

/* Does everything that can be done without waiting. */
static void
connection_run(struct connection *connection, bool readable) {
	bool may_read = readable || connection->read_blocked, has_more;
	do {
		/* Early input first: it came first. What OpenSSL has read already will not be announced again. */
		take_early_input(connection);
		has_more = false;
		if ((may_read || SSL_has_pending(connection->tls)) && !connection->input_ended &&
		    connection->state >= READING && connection->state <= STREAMING)
			has_more = read_input(connection);
		may_read = false;
		if (connection->state != CLOSED && connection->state != LINGERING)
			flush_output(connection);
	} while ((connection->early.len > 0 || has_more) && can_take_input(connection));
	bool nothing_follows = connection->early.len == 0 && connection_unsent(connection) == 0;
	if (connection->input_ended &&
	    ((connection->state == READING && nothing_follows) || connection->state == STREAMING))
		start_lingering(connection);
	poll_for_what_is_wanted(connection);
}

static bool
finish_handshake(struct connection *connection) {
	connection->group = SSL_get0_group_name(connection->tls);
	if (connection->group == nullptr) /* no key agreement: a kind of resumption that is not offered */
		return false;
	bool hybrid = strstr(connection->group, "MLKEM") != nullptr;
	metric_add(hybrid ? &telemetry.handshakes_hybrid : &telemetry.handshakes_classical, 1);
	X509 *certificate = SSL_get0_peer_certificate(connection->tls);
	unsigned len = 0;
	connection->has_certificate = certificate != nullptr &&
				      X509_digest(certificate, EVP_sha256(), connection->certificate, &len) == 1 &&
				      len == sizeof connection->certificate;
	connection_set_state(connection, READING, IDLE_MS);
	return true;
}

static void
do_handshake(struct connection *connection) {
	ERR_clear_error();
	int result = SSL_accept(connection->tls);
	if (result == 1 && finish_handshake(connection)) {
		connection_run(connection, false);
		return;
	}
	int error = SSL_get_error(connection->tls, result);
	if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
		metric_add(&telemetry.handshakes_failed, 1);
		connection_close(connection);
		return;
	}
	poll_for_what_is_wanted(connection);
}

static void
on_poll(uv_poll_t *poll, int status, int events) {
	struct connection *connection = poll->data;
	if (connection->state == CLOSED)
		return;
	if (status < 0)
		connection_close(connection);
	else if (connection->state == HANDSHAKE)
		do_handshake(connection);
	else if (connection->state == LINGERING)
		discard_input(connection);
	else
		connection_run(connection, events & UV_READABLE);
}

/* --- Start --- */

static void
read_peer(struct connection *connection, const struct sockaddr_storage *peer) {
	if (peer->ss_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)peer;
		memcpy(connection->address, &v4->sin_addr, 4);
		connection->address_len = 4;
		connection->port = ntohs(v4->sin_port);
		return;
	}
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)peer;
	bool mapped = IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr);
	memcpy(connection->address, v6->sin6_addr.s6_addr + (mapped ? 12 : 0), mapped ? 4 : 16);
	connection->address_len = mapped ? 4 : 16;
	connection->port = ntohs(v6->sin6_port);
}

static enum status
start(struct connection *connection) {
	struct gateway *gateway = connection->gateway;
	connection->tls = SSL_new(gateway->tls);
	TRY_ALLOC(connection->tls);
	if (SSL_set_fd(connection->tls, connection->descriptor) != 1)
		return fail(STATUS_NO_MEMORY, "connection.tls: no memory for a connection");
	/* One write is one answer; waiting to gather more would cost 40 ms. */
	setsockopt(connection->descriptor, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	int error = uv_poll_init(&gateway->loop, &connection->poll, connection->descriptor);
	if (error != 0)
		return fail(STATUS_IO, "connection.poll: %s", uv_strerror(error));
	connection->poll.data = connection;
	return OK;
}

void
connection_accept(struct gateway *gateway, int descriptor, const struct sockaddr_storage *peer) {
	struct connection *connection = gateway->free_count == 0 ? nullptr : calloc(1, sizeof *connection);
	if (connection == nullptr) {
		close(descriptor);
		return;
	}
	*connection = (struct connection){.gateway = gateway, .descriptor = descriptor, .state = HANDSHAKE};
	read_peer(connection, peer);
	bool over = over_address_limit(gateway, connection);
	if (over)
		metric_add(&telemetry.over_limit, 1);
	if (over || start(connection) != OK) {
		SSL_free(connection->tls);
		close(descriptor);
		free(connection);
		return;
	}
	connection->slot = gateway->free_slots[--gateway->free_count];
	gateway->slots[connection->slot].connection = connection;
	connection_new_generation(connection);
	metric_set(&telemetry.connections, ++gateway->connection_count);
	metric_add(&telemetry.accepted, 1);
	connection->deadline_ms = connection_now_ms(gateway) + HANDSHAKE_MS;
	http_reader_start(&connection->reader, &gateway->http);
	do_handshake(connection);
}

/* --- What others call for --- */

static void
feed(struct connection *connection) {
	if (connection_unsent(connection) == 0)
		connection->output_deadline_ms = connection_now_ms(connection->gateway) + OUTPUT_MS;
	if (sse_write(&connection->gateway->ring, &connection->place, &connection->output))
		connection->deadline_ms = connection_now_ms(connection->gateway) + HEARTBEAT_MS;
}

static void
start_stream(struct connection *connection, const struct http_reader *reader, uint64_t stream) {
	struct gateway *gateway = connection->gateway;
	if (gateway->feed_clients >= gateway->config.limits.feed_clients) {
		struct problem problem = {
			.status = 503, .name = "overloaded", .detail = "As many clients watch as may."};
		exchange_answer_problem(connection, &problem, true);
		return;
	}
	http_write_feed_head(&connection->output, time(nullptr));
	telemetry_count_answer(200);
	connection_set_state(connection, STREAMING, HEARTBEAT_MS);
	connection->stream = stream;
	connection->place = sse_resume(&gateway->ring, http_field(reader, HTTP_LAST_EVENT_ID));
	connection->output_deadline_ms = connection_now_ms(gateway) + OUTPUT_MS;
	connection_new_generation(connection);
	feed(connection);
}

static struct connection *
find_by_token(const struct gateway *gateway, uint64_t token) {
	uint32_t slot = (uint32_t)token;
	if (slot >= gateway->config.limits.connections || gateway->slots[slot].connection == nullptr ||
	    gateway->slots[slot].generation != token >> 32 || gateway->slots[slot].connection->state != WAITING)
		return nullptr;
	return gateway->slots[slot].connection;
}

void
connection_take_answer(struct gateway *gateway, uint64_t token, const struct ipc_response *response) {
	struct connection *connection = find_by_token(gateway, token);
	if (connection == nullptr) {
		metric_add(&telemetry.late_answers, 1);
		return;
	}
	metric_observe_ns(&telemetry.answer_time, uv_hrtime() - connection->asked_ns);
	if (response->is_feed && response->status == 200)
		start_stream(connection, &connection->reader, response->stream);
	else {
		exchange_append(connection, response, nullptr);
		exchange_finish(connection);
	}
	connection_run(connection, false);
}

/* Without an answer: there is no request, or nobody who reads. */
static void
end_quietly(struct connection *connection) {
	connection->close_when_sent = true;
	connection_set_state(connection, FINISHING, OUTPUT_MS);
}

void
connections_lose_keeper(struct gateway *gateway) {
	for (uint32_t slot = 0; slot < gateway->config.limits.connections; slot++) {
		struct connection *connection = gateway->slots[slot].connection;
		if (connection == nullptr)
			continue;
		if (connection->state == WAITING)
			exchange_answer_unknown(connection,
						"The keeper was lost while it had the request. "
						"Repeat it with the same idempotency key to learn its outcome.");
		else if (connection->state == STREAMING && connection->stream != 0)
			end_quietly(connection); /* in a session: they are gone with the keeper */
		else
			continue;
		connection_run(connection, false);
	}
}

void
connections_feed(struct gateway *gateway) {
	for (uint32_t slot = 0; slot < gateway->config.limits.connections && gateway->feed_clients > 0; slot++) {
		struct connection *connection = gateway->slots[slot].connection;
		if (connection == nullptr || connection->state != STREAMING)
			continue;
		feed(connection);
		connection_run(connection, false);
	}
}

void
connections_end_stream(struct gateway *gateway, uint64_t stream) {
	for (uint32_t slot = 0; slot < gateway->config.limits.connections && gateway->feed_clients > 0; slot++) {
		struct connection *connection = gateway->slots[slot].connection;
		if (connection == nullptr || connection->state != STREAMING || connection->stream != stream)
			continue;
		end_quietly(connection);
		connection_run(connection, false);
	}
}

static void
refuse_slow(struct connection *connection) {
	struct http_reader *reader = &connection->reader;
	char detail[HTTP_DETAIL_SIZE];
	if (reader->head_complete)
		snprintf(detail, sizeof detail,
			 "The body was not whole after %lld seconds and one more for each %lld bytes of it that had "
			 "come.",
			 (long long)(BODY_MS / 1000), (long long)(BODY_BYTES_PER_MS * 1000));
	else
		snprintf(detail, sizeof detail, "Request line and fields were not whole after %lld seconds.",
			 (long long)(HEAD_MS / 1000));
	http_reader_refuse(reader, REFUSED_TIMEOUT, detail);
	exchange_refuse(connection, true);
}

static void
pass_deadline(struct connection *connection) {
	switch (connection->state) {
	case READING:
		if (!connection->reader.started) {
			end_quietly(connection);
			break;
		}
		metric_add(&telemetry.timeouts, 1);
		refuse_slow(connection);
		break;
	case WAITING:
		exchange_answer_unknown(connection,
					"The keeper has not answered in time. "
					"Repeat the request with the same idempotency key to learn its outcome.");
		break;
	case STREAMING:
		buffer_append_text(&connection->output, ":\n\n");
		connection->deadline_ms = connection_now_ms(connection->gateway) + HEARTBEAT_MS;
		break;
	case HANDSHAKE:
	case FINISHING:
	case LINGERING:
	case CLOSED:
		connection_close(connection);
		return;
	}
	connection_run(connection, false);
}

/* Where unsent output is what a state waits for, it has a deadline of its own, which every byte that goes out
 * renews. */
static bool
deadline_applies(const struct connection *connection) {
	if (connection_unsent(connection) == 0 || connection->state == WAITING)
		return true;
	return connection->state == READING && connection->reader.started && can_take_input(connection);
}

void
connections_tick(struct gateway *gateway) {
	int64_t now = connection_now_ms(gateway);
	for (uint32_t slot = 0; slot < gateway->config.limits.connections; slot++) {
		struct connection *connection = gateway->slots[slot].connection;
		if (connection == nullptr || connection->state == CLOSED)
			continue;
		if (connection_unsent(connection) > 0 && now >= connection->output_deadline_ms)
			connection_close(connection);
		else if (now >= connection->deadline_ms && deadline_applies(connection))
			pass_deadline(connection);
	}
}

void
connections_drain(struct gateway *gateway, bool now) {
	for (uint32_t slot = 0; slot < gateway->config.limits.connections; slot++) {
		struct connection *connection = gateway->slots[slot].connection;
		if (connection == nullptr || connection->state == CLOSED)
			continue;
		bool is_idle = connection->state == READING && !connection->reader.started;
		if (now || connection->state == HANDSHAKE)
			connection_close(connection);
		else if (is_idle || connection->state == STREAMING) {
			end_quietly(connection);
			connection_run(connection, false);
		}
	}
}
