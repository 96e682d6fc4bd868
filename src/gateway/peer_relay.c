#include "gateway/peer_relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/peer_frame.h"
#include "crypto/random.h"
#include "gateway/internal.h"
#include "gateway/telemetry.h"

constexpr uint64_t TICK_MS = 250;
constexpr int64_t CONNECT_MS = 5'000;
constexpr int64_t FIRST_FRAME_MS = 5'000; /* within which a connection that came in must say whom it is for */
constexpr int64_t SILENCE_MS = 20'000;    /* beats go every second */
constexpr int64_t PAUSE_FIRST_MS = 250;
constexpr int64_t PAUSE_MAX_MS = 8'000;
constexpr int64_t STEADY_MS = 10'000; /* a connection that lasted so long is dialled again at once */
constexpr int64_t WINDOW = IPC_PEER_WINDOW;
constexpr size_t READ_SIZE = GATEWAY_SCRATCH_SIZE;
constexpr int ACCEPTS_PER_TURN = 16;

enum relay_state { RELAY_CONNECTING, RELAY_UNROUTED, RELAY_ROUTED };

struct relay_connection {
	struct gateway *gateway;
	uv_poll_t poll;
	int polled;
	int descriptor;
	enum relay_state state;
	struct relay_dial *dial; /* null: it came in */
	bool is_stranger;        /* from an address that is not configured */
	uint8_t address[16];
	size_t address_len;
	uint8_t party;   /* at the other end, as it says */
	uint64_t stream; /* its number between the gateways */
	uint64_t number; /* its number between gateway and keeper */
	int64_t opened_ms, heard_ms;
	int64_t credit; /* bytes that the keeper takes */
	struct buffer in, out;
	size_t written; /* of out, at the front */
	size_t owed;    /* bytes of the keeper's in out: granted again when they are written */
};

static int64_t
now_ms(const struct gateway *gateway) {
	return (int64_t)uv_now(&gateway->loop);
}

/* --- The keeper's end. --- */

static bool
tell_keeper(struct gateway *gateway, enum ipc_type type, uint64_t number, const struct buffer *payload) {
	struct keeper_link *link = &gateway->keeper;
	if (link->poll == nullptr || !link->channel.greeted || buffer_status(payload) != OK)
		return false;
	return ipc_send(&link->channel, type, number, false, buffer_bytes(payload)) == OK;
}

static void
grant_keeper(struct relay_connection *connection, size_t bytes) {
	_cleanup_(buffer_free) struct buffer payload = {};
	ipc_write_peer_credit(&payload, &(struct ipc_peer_credit){(uint32_t)bytes});
	(void)tell_keeper(connection->gateway, IPC_PEER_CREDIT, connection->number,
			  &payload); /* else it ends, silent */
}

static bool
announce_to_keeper(struct relay_connection *connection) {
	_cleanup_(buffer_free) struct buffer payload = {};
	ipc_write_peer_opened(&payload, &(struct ipc_peer_opened){connection->party, connection->dial != nullptr});
	if (!tell_keeper(connection->gateway, IPC_PEER_OPENED, connection->number, &payload))
		return false;
	grant_keeper(connection, (size_t)WINDOW);
	return true;
}

/* --- Ends. --- */

static void
on_closed(uv_handle_t *handle) {
	struct relay_connection *connection = handle->data;
	close(connection->descriptor);
	buffer_free(&connection->in);
	buffer_free(&connection->out);
	free(connection);
}

static void
plan_dial(struct relay_dial *dial, const struct relay_connection *connection, int64_t now) {
	bool was_steady = connection->state == RELAY_ROUTED && now - connection->opened_ms >= STEADY_MS;
	int64_t doubled = dial->pause_ms * 2 < PAUSE_MAX_MS ? dial->pause_ms * 2 : PAUSE_MAX_MS;
	dial->pause_ms = was_steady || dial->pause_ms == 0 ? PAUSE_FIRST_MS : doubled;
	dial->next_ms = now + dial->pause_ms;
	dial->connection = nullptr;
}

/* is_told: the keeper hears of it. */
static void
end(struct relay_connection *connection, bool is_told) {
	struct gateway *gateway = connection->gateway;
	struct peer_relay *relay = &gateway->relay;
	for (size_t i = 0; i < RELAY_CONNECTIONS_MAX; i++)
		if (relay->connections[i] == connection)
			relay->connections[i] = nullptr;
	metric_add(&telemetry.relay_connections, -1);
	if (connection->dial != nullptr)
		plan_dial(connection->dial, connection, now_ms(gateway));
	if (connection->state == RELAY_ROUTED && is_told) {
		struct buffer nothing = {};
		(void)tell_keeper(gateway, IPC_PEER_CLOSED, connection->number, &nothing);
	}
	uv_poll_stop(&connection->poll);
	uv_close((uv_handle_t *)&connection->poll, on_closed);
}

static struct relay_connection *
find(const struct gateway *gateway, uint64_t number) {
	for (size_t i = 0; i < RELAY_CONNECTIONS_MAX; i++) {
		struct relay_connection *connection = gateway->relay.connections[i];
		if (connection != nullptr && connection->state == RELAY_ROUTED && connection->number == number)
			return connection;
	}
	return nullptr;
}

/* --- Bytes. --- */

static void on_ready(uv_poll_t *poll, int status, int events);

static void
poll_for_what_is_due(struct relay_connection *connection) {
	int events = 0;
	if (connection->state != RELAY_CONNECTING && connection->credit > 0)
		events |= UV_READABLE;
	if (connection->state == RELAY_CONNECTING || connection->written < connection->out.len)
		events |= UV_WRITABLE;
	events |= UV_DISCONNECT;
	if (connection->polled == events)
		return;
	connection->polled = events;
	uv_poll_start(&connection->poll, events, on_ready);
}

/* False where the connection is gone. */
static bool
write_out(struct relay_connection *connection) {
	struct buffer *out = &connection->out;
	while (connection->written < out->len) {
		ssize_t sent = send(connection->descriptor, out->data + connection->written,
				    out->len - connection->written, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK;
		connection->written += (size_t)sent;
		metric_add(&telemetry.relay_bytes_out, sent);
	}
	connection->written = 0;
	buffer_reset(out);
	if (connection->owed > 0)
		grant_keeper(connection, connection->owed);
	connection->owed = 0;
	return true;
}

/* The first frame says whom the connection is for; all others must say the same. */
static enum status
check_route(struct relay_connection *connection, const struct peer_frame *frame) {
	struct gateway *gateway = connection->gateway;
	if (frame->to != gateway->relay.own)
		return fail(STATUS_INVALID, "relay.route: for party %u, this is the gateway of party %u", frame->to,
			    gateway->relay.own);
	if (connection->state == RELAY_ROUTED) {
		bool is_same = frame->from == connection->party && frame->stream == connection->stream;
		return is_same ? OK : fail(STATUS_INVALID, "relay.route: another peer or stream than before");
	}
	connection->party = frame->from;
	connection->stream = frame->stream;
	connection->number = ++gateway->relay.next_stream;
	connection->state = RELAY_ROUTED;
	return announce_to_keeper(connection) ? OK : fail(STATUS_UNAVAILABLE, "relay.keeper: it is not there");
}

static enum status
take_frame(struct relay_connection *connection, const struct peer_frame *frame) {
	_cleanup_(buffer_free) struct buffer payload = {};
	TRY(check_route(connection, frame));
	ipc_write_peer_data(&payload, &(struct ipc_peer_data){frame->bytes});
	connection->credit -= (int64_t)frame->bytes.len;
	return tell_keeper(connection->gateway, IPC_PEER_DATA, connection->number, &payload)
		       ? OK
		       : fail(STATUS_UNAVAILABLE, "relay.keeper: it takes nothing");
}

static enum status
take_frames(struct relay_connection *connection) {
	struct cursor cursor = cursor_of(buffer_bytes(&connection->in));
	enum status status = OK;
	for (bool found = true; status == OK && found && connection->credit > 0;) {
		struct peer_frame frame;
		status = peer_frame_read(&cursor, &frame, &found);
		if (status == OK && found)
			status = take_frame(connection, &frame);
	}
	if (status != OK)
		return status;
	memmove(connection->in.data, cursor.at, cursor.left);
	connection->in.len = cursor.left;
	return OK;
}

static enum status
read_in(struct relay_connection *connection) {
	uint8_t *scratch = connection->gateway->scratch;
	ssize_t got = recv(connection->descriptor, scratch, READ_SIZE, 0);
	if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return OK;
	if (got <= 0)
		return fail(STATUS_UNAVAILABLE, "relay.closed: by the other side");
	metric_add(&telemetry.relay_bytes_in, got);
	connection->heard_ms = now_ms(connection->gateway);
	buffer_append(&connection->in, scratch, (size_t)got);
	TRY(buffer_status(&connection->in));
	return take_frames(connection);
}

static enum status
finish_connecting(struct relay_connection *connection) {
	int error = 0;
	socklen_t len = sizeof error;
	if (getsockopt(connection->descriptor, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0) {
		metric_add(&telemetry.relay_dials_failed, 1);
		return fail(STATUS_UNAVAILABLE, "relay.connect: error %d", error);
	}
	connection->state = RELAY_ROUTED;
	connection->opened_ms = connection->heard_ms = now_ms(connection->gateway);
	connection->number = ++connection->gateway->relay.next_stream;
	return announce_to_keeper(connection) ? OK : fail(STATUS_UNAVAILABLE, "relay.keeper: it is not there");
}

static enum status
go_on(struct relay_connection *connection, int events) {
	if (connection->state == RELAY_CONNECTING)
		return finish_connecting(connection);
	if (events & UV_WRITABLE && !write_out(connection))
		return fail(STATUS_UNAVAILABLE, "relay.closed: by the other side");
	if (connection->credit > 0)
		return events & (UV_READABLE | UV_DISCONNECT) ? read_in(connection) : OK;
	/* What is left cannot be taken, and the event would come for ever. */
	return events & UV_DISCONNECT ? fail(STATUS_UNAVAILABLE, "relay.closed: by the other side") : OK;
}

static void
on_ready(uv_poll_t *poll, int status, int events) {
	struct relay_connection *connection = poll->data;
	enum status result = status < 0 ? STATUS_UNAVAILABLE : go_on(connection, events);
	if (result == OK) {
		poll_for_what_is_due(connection);
		return;
	}
	if (result != STATUS_UNAVAILABLE)
		metric_add(&telemetry.relay_frames_refused, 1);
	end(connection, true);
}

/* --- Connections. --- */

static size_t
free_slot(const struct peer_relay *relay) {
	size_t slot = 0;
	while (slot < RELAY_CONNECTIONS_MAX && relay->connections[slot] != nullptr)
		slot++;
	return slot;
}

/* Takes the descriptor over, also where it fails. */
static struct relay_connection *
make(struct gateway *gateway, int descriptor, enum relay_state state) {
	size_t slot = free_slot(&gateway->relay);
	struct relay_connection *made = slot == RELAY_CONNECTIONS_MAX ? nullptr : calloc(1, sizeof *made);
	if (made == nullptr || uv_poll_init(&gateway->loop, &made->poll, descriptor) != 0) {
		free(made);
		close(descriptor);
		return nullptr;
	}
	int on = 1;
	(void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* slower without, and as correct */
	made->gateway = gateway;
	made->descriptor = descriptor;
	made->state = state;
	made->poll.data = made;
	made->credit = WINDOW;
	made->opened_ms = made->heard_ms = now_ms(gateway);
	gateway->relay.connections[slot] = made;
	metric_add(&telemetry.relay_connections, 1);
	return made;
}

static size_t
write_address(const char *address, uint16_t port, struct sockaddr_storage *to) {
	struct sockaddr_in *four = (struct sockaddr_in *)to;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)to;
	*to = (struct sockaddr_storage){};
	if (inet_pton(AF_INET, address, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons(port);
		return sizeof *four;
	}
	if (inet_pton(AF_INET6, address, &six->sin6_addr) != 1)
		return 0;
	six->sin6_family = AF_INET6;
	six->sin6_port = htons(port);
	return sizeof *six;
}

static const struct config_peer *
configured(const struct gateway *gateway, const char *name) {
	for (size_t i = 0; i < gateway->config.peer_count; i++)
		if (strcmp(gateway->config.peers[i].name, name) == 0)
			return &gateway->config.peers[i];
	return nullptr;
}

static void
dial(struct gateway *gateway, struct relay_dial *dial) {
	const struct config_peer *peer = configured(gateway, dial->name);
	struct sockaddr_storage address;
	dial->next_ms = now_ms(gateway) + PAUSE_MAX_MS; /* where no connection comes of it, which would plan anew */
	socklen_t len = peer == nullptr ? 0 : (socklen_t)write_address(peer->address, peer->port, &address);
	if (len == 0)
		return;
	metric_add(&telemetry.relay_dials, 1);
	int descriptor = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (descriptor < 0)
		return;
	struct relay_connection *made = make(gateway, descriptor, RELAY_CONNECTING);
	if (made == nullptr)
		return;
	made->dial = dial;
	made->party = dial->party;
	random_bytes(&made->stream, sizeof made->stream);
	dial->connection = made;
	if (connect(descriptor, (const struct sockaddr *)&address, len) != 0 && errno != EINPROGRESS) {
		metric_add(&telemetry.relay_dials_failed, 1);
		end(made, false);
		return;
	}
	poll_for_what_is_due(made);
}

/* --- What comes in. --- */

static bool
is_configured_address(const struct gateway *gateway, const struct relay_connection *candidate) {
	for (size_t i = 0; i < gateway->config.peer_count; i++) {
		uint8_t address[16];
		const char *text = gateway->config.peers[i].address;
		size_t len = inet_pton(AF_INET, text, address) == 1    ? 4
			     : inet_pton(AF_INET6, text, address) == 1 ? 16
								       : 0;
		if (len == candidate->address_len && memcmp(address, candidate->address, len) == 0)
			return true;
	}
	return false;
}

static void
take_address(struct relay_connection *connection, const struct sockaddr_storage *peer) {
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	const struct sockaddr_in *four = (const struct sockaddr_in *)peer;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)peer;
	const uint8_t *address = peer->ss_family == AF_INET ? (const uint8_t *)&four->sin_addr : six->sin6_addr.s6_addr;
	connection->address_len = peer->ss_family == AF_INET ? 4 : 16;
	if (connection->address_len == 16 && memcmp(address, mapped, sizeof mapped) == 0) {
		address += sizeof mapped;
		connection->address_len = 4;
	}
	memcpy(connection->address, address, connection->address_len);
}

/* Whether there is room for one more like this one, itself not counted. */
static bool
has_room(const struct gateway *gateway, const struct relay_connection *candidate) {
	size_t strangers = 0, inbound = 0, same = 0;
	for (size_t i = 0; i < RELAY_CONNECTIONS_MAX; i++) {
		const struct relay_connection *other = gateway->relay.connections[i];
		if (other == nullptr || other == candidate || other->dial != nullptr)
			continue;
		inbound++;
		strangers += other->is_stranger;
		same += other->address_len == candidate->address_len &&
			memcmp(other->address, candidate->address, candidate->address_len == 4 ? 4 : 8) == 0;
	}
	if (candidate->is_stranger)
		return strangers < RELAY_STRANGERS_MAX && same < RELAY_PER_ADDRESS_MAX;
	return inbound < RELAY_INBOUND_MAX && same < RELAY_INBOUND_MAX / 2;
}

/* A second's worth may come at once. */
static bool
is_in_rate(struct peer_relay *relay, int64_t now) {
	if (relay->strangers_ms < now - 1000)
		relay->strangers_ms = now - 1000;
	if (relay->strangers_ms > now)
		return false;
	relay->strangers_ms += 1000 / RELAY_ACCEPTS_PER_S;
	return true;
}

static void
accept_one(struct gateway *gateway, int descriptor, const struct sockaddr_storage *peer) {
	struct relay_connection *made = make(gateway, descriptor, RELAY_UNROUTED);
	if (made == nullptr) {
		metric_add(&telemetry.relay_turned_away, 1);
		return;
	}
	take_address(made, peer);
	made->is_stranger = !is_configured_address(gateway, made);
	if (gateway->relay.own == 0 || !has_room(gateway, made) ||
	    (made->is_stranger && !is_in_rate(&gateway->relay, now_ms(gateway)))) {
		metric_add(&telemetry.relay_turned_away, 1);
		end(made, false);
		return;
	}
	metric_add(&telemetry.relay_accepted, 1);
	poll_for_what_is_due(made);
}

static void
on_listener(uv_poll_t *poll, int status, int) {
	struct gateway *gateway = poll->data;
	for (int i = 0; i < ACCEPTS_PER_TURN && status == 0; i++) {
		struct sockaddr_storage peer = {};
		socklen_t len = sizeof peer;
		int descriptor = accept4(gateway->relay.listener_descriptor, (struct sockaddr *)&peer, &len,
					 SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (descriptor < 0 && gateway_pauses(gateway, errno))
			uv_poll_stop(poll);
		if (descriptor < 0)
			return;
		accept_one(gateway, descriptor, &peer);
	}
}

void
peer_relay_accept(struct gateway *gateway) {
	if (gateway->relay.listener != nullptr)
		uv_poll_start(gateway->relay.listener, UV_READABLE, on_listener);
}

static void
free_listener(uv_handle_t *handle) {
	free(handle);
}

static void
close_listener(struct peer_relay *relay) {
	if (relay->listener == nullptr)
		return;
	uv_poll_stop(relay->listener);
	uv_close((uv_handle_t *)TAKE(relay->listener), free_listener);
	close(relay->listener_descriptor);
}

enum status
peer_relay_listen(struct gateway *gateway, int descriptor) {
	struct peer_relay *relay = &gateway->relay;
	close_listener(relay);
	uv_poll_t *poll = calloc(1, sizeof *poll);
	int error = poll == nullptr ? UV_ENOMEM : uv_poll_init(&gateway->loop, poll, descriptor);
	if (error == 0)
		error = uv_poll_start(poll, UV_READABLE, on_listener);
	if (error != 0) {
		free(poll);
		close(descriptor);
		return fail(STATUS_IO, "relay.listener: %s", uv_strerror(error));
	}
	poll->data = gateway;
	relay->listener = poll;
	relay->listener_descriptor = descriptor;
	return OK;
}

/* --- Time. --- */

static bool
is_late(const struct relay_connection *connection, int64_t now) {
	switch (connection->state) {
	case RELAY_CONNECTING:
		return now - connection->opened_ms > CONNECT_MS;
	case RELAY_UNROUTED:
		return now - connection->opened_ms > FIRST_FRAME_MS;
	default:
		return now - connection->heard_ms > SILENCE_MS;
	}
}

static void
on_tick(uv_timer_t *timer) {
	struct gateway *gateway = timer->data;
	struct peer_relay *relay = &gateway->relay;
	int64_t now = now_ms(gateway);
	for (size_t i = 0; i < RELAY_CONNECTIONS_MAX; i++)
		if (relay->connections[i] != nullptr && is_late(relay->connections[i], now))
			end(relay->connections[i], true);
	for (size_t i = 0; i < relay->dial_count; i++)
		if (relay->dials[i].connection == nullptr && relay->dials[i].next_ms <= now)
			dial(gateway, &relay->dials[i]);
}

/* An installation of one keeper has no timer that wakes it. */
static void
follow_need_of_time(struct gateway *gateway) {
	struct peer_relay *relay = &gateway->relay;
	bool is_needed = relay->own != 0, is_running = uv_is_active((uv_handle_t *)&relay->timer);
	if (is_needed && !is_running)
		uv_timer_start(&relay->timer, on_tick, 0, TICK_MS);
	else if (!is_needed && is_running)
		uv_timer_stop(&relay->timer);
}

enum status
peer_relay_start(struct gateway *gateway) {
	int error = uv_timer_init(&gateway->loop, &gateway->relay.timer);
	if (error != 0)
		return fail(STATUS_IO, "relay.timer: %s", uv_strerror(error));
	gateway->relay.timer.data = gateway;
	gateway->relay.is_started = true;
	return OK;
}

static void
end_all(struct gateway *gateway) {
	for (size_t i = 0; i < RELAY_CONNECTIONS_MAX; i++)
		if (gateway->relay.connections[i] != nullptr)
			end(gateway->relay.connections[i], false);
	gateway->relay.dial_count = 0;
	gateway->relay.own = 0;
}

void
peer_relay_lose_keeper(struct gateway *gateway) {
	if (!gateway->relay.is_started)
		return;
	end_all(gateway);
	follow_need_of_time(gateway);
}

void
peer_relay_stop(struct gateway *gateway) {
	peer_relay_lose_keeper(gateway);
	close_listener(&gateway->relay);
}

/* --- Frames of the keeper. --- */

/* Connections to those that stay, stay. */
static void
replace_dials(struct gateway *gateway, const struct ipc_peers *peers) {
	struct peer_relay *relay = &gateway->relay;
	struct relay_dial made[IPC_PEERS_MAX] = {};
	for (size_t i = 0; i < peers->count; i++) {
		made[i].party = peers->dialled[i].party;
		memcpy(made[i].name, peers->dialled[i].name.data, peers->dialled[i].name.len);
		for (size_t j = 0; j < relay->dial_count; j++)
			if (relay->dials[j].party == made[i].party && strcmp(relay->dials[j].name, made[i].name) == 0) {
				made[i] = relay->dials[j];
				relay->dials[j].connection = nullptr;
			}
		if (configured(gateway, made[i].name) == nullptr)
			log_warning("keeper %s is enrolled, and `peers` names no address for it", made[i].name);
	}
	for (size_t j = 0; j < relay->dial_count; j++)
		if (relay->dials[j].connection != nullptr)
			end(relay->dials[j].connection, true);
	memcpy(relay->dials, made, sizeof made);
	relay->dial_count = peers->count;
	for (size_t i = 0; i < relay->dial_count; i++)
		if (relay->dials[i].connection != nullptr)
			relay->dials[i].connection->dial = &relay->dials[i];
}

enum status
peer_relay_take_peers(struct gateway *gateway, const struct ipc_frame *frame) {
	struct peer_relay *relay = &gateway->relay;
	struct ipc_peers peers;
	TRY(ipc_read_peers(frame->payload, &peers));
	if (relay->own != peers.own)
		end_all(gateway);
	relay->own = peers.own;
	replace_dials(gateway, &peers);
	follow_need_of_time(gateway);
	return OK;
}

enum status
peer_relay_take_data(struct gateway *gateway, const struct ipc_frame *frame) {
	struct relay_connection *connection = find(gateway, frame->request);
	struct ipc_peer_data data;
	TRY(ipc_read_peer_data(frame->payload, &data));
	if (connection == nullptr)
		return OK; /* it has ended meanwhile */
	peer_frame_write(&(struct peer_frame){gateway->relay.own, connection->party, connection->stream, data.bytes},
			 &connection->out);
	connection->owed += data.bytes.len;
	if (buffer_status(&connection->out) != OK || !write_out(connection))
		end(connection, true);
	else
		poll_for_what_is_due(connection);
	return OK;
}

enum status
peer_relay_take_credit(struct gateway *gateway, const struct ipc_frame *frame) {
	struct relay_connection *connection = find(gateway, frame->request);
	struct ipc_peer_credit credit;
	TRY(ipc_read_peer_credit(frame->payload, &credit));
	if (connection == nullptr)
		return OK;
	connection->credit += credit.bytes;
	if (take_frames(connection) == OK) {
		poll_for_what_is_due(connection);
		return OK;
	}
	metric_add(&telemetry.relay_frames_refused, 1);
	end(connection, true);
	return OK;
}

enum status
peer_relay_take_closed(struct gateway *gateway, const struct ipc_frame *frame) {
	struct relay_connection *connection = find(gateway, frame->request);
	if (connection != nullptr)
		end(connection, false);
	return OK;
}
