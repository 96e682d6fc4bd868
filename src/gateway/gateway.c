#include "gateway/gateway.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/ipc_control.h"
#include "gateway/connection.h"
#include "gateway/internal.h"
#include "gateway/telemetry.h"

constexpr int ACCEPTS_PER_TURN = 32;

/* --- Listeners --- */

static void
on_listener(uv_poll_t *poll, int status, int) {
	struct listener *listener = poll->data;
	struct gateway *gateway = listener->gateway;
	for (int i = 0; i < ACCEPTS_PER_TURN && gateway->accepting && status == 0; i++) {
		struct sockaddr_storage peer = {};
		socklen_t len = sizeof peer;
		int descriptor =
			accept4(listener->descriptor, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (descriptor < 0 && gateway_pauses(gateway, errno))
			gateway_accept(gateway, false);
		if (descriptor < 0)
			return;
		connection_accept(gateway, descriptor, &peer);
		if (gateway->free_count == 0)
			gateway_accept(gateway, false);
	}
}

void
gateway_accept(struct gateway *gateway, bool accept) {
	if (gateway->accepting == accept)
		return;
	gateway->accepting = accept;
	for (size_t i = 0; i < gateway->listener_count; i++)
		if (accept)
			uv_poll_start(&gateway->listeners[i]->poll, UV_READABLE, on_listener);
		else
			uv_poll_stop(&gateway->listeners[i]->poll);
}

bool
gateway_pauses(struct gateway *gateway, int error) {
	if (error != EMFILE && error != ENFILE && error != ENOMEM && error != ENOBUFS)
		return false;
	metric_add(&telemetry.accept_pauses, 1);
	gateway->accept_pauses = true;
	return true;
}

static void
end_pause(struct gateway *gateway) {
	if (!gateway->accept_pauses)
		return;
	gateway->accept_pauses = false;
	gateway_accept(gateway, !gateway->draining && gateway->free_count > 0);
	peer_relay_accept(gateway);
}

static void
on_listener_closed(uv_handle_t *handle) {
	struct listener *listener = handle->data;
	close(listener->descriptor);
	free(listener);
}

static void
close_listeners(struct gateway *gateway) {
	gateway_accept(gateway, false);
	for (size_t i = 0; i < gateway->listener_count; i++)
		uv_close((uv_handle_t *)&gateway->listeners[i]->poll, on_listener_closed);
	gateway->listener_count = 0;
}

static enum status
add_listener(struct gateway *gateway, int *descriptor) {
	struct listener *listener = calloc(1, sizeof *listener);
	TRY_ALLOC(listener);
	*listener = (struct listener){.gateway = gateway, .descriptor = *descriptor};
	listener->poll.data = listener;
	int error = uv_poll_init(&gateway->loop, &listener->poll, *descriptor); /* also makes it non-blocking */
	if (error != 0) {
		free(listener);
		return fail(STATUS_IO, "gateway.listener: %s", uv_strerror(error));
	}
	*descriptor = -1;
	gateway->listeners[gateway->listener_count++] = listener;
	return OK;
}

/* --- Messages of the supervisor --- */

static enum status
take_config(struct gateway *gateway, struct ipc_control_message *message) {
	_cleanup_(buffer_free) struct buffer text = {};
	uint8_t part[4096];
	ssize_t got;
	off_t at = 0;
	while ((got = pread(message->descriptors[0], part, sizeof part, at)) > 0 && text.len <= CONFIG_SIZE_MAX) {
		buffer_append(&text, part, (size_t)got);
		at += got;
	}
	if (got < 0)
		return fail_errno(STATUS_IO, "gateway.config: reading it");
	TRY(buffer_status(&text));
	return config_parse(buffer_bytes(&text), &gateway->config);
}

static enum status
take_channel(struct gateway *gateway, struct ipc_control_message *message) {
	if (message->peer != IPC_ROLE_KEEPER)
		return fail(STATUS_INVALID, "gateway.channel: to the %s", ipc_role_name(message->peer));
	int descriptor = message->descriptors[0];
	message->descriptors[0] = -1;
	return keeper_link_start(gateway, descriptor);
}

static enum status
take_listeners(struct gateway *gateway, struct ipc_control_message *message) {
	bool accepting = gateway->accepting;
	close_listeners(gateway);
	for (size_t i = 0; i < message->descriptor_count; i++)
		TRY(add_listener(gateway, &message->descriptors[i]));
	gateway_accept(gateway, accepting);
	return OK;
}

static enum status
take_peer_listener(struct gateway *gateway, struct ipc_control_message *message) {
	int descriptor = message->descriptors[0];
	message->descriptors[0] = -1;
	return peer_relay_listen(gateway, descriptor);
}

/* For whoever has to trust it before an authority does: what a client's `pin` names. */
static void
tell_certificate(const SSL_CTX *context) {
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len;
	char text[2 * sizeof digest + 1];
	if (X509_digest(SSL_CTX_get0_certificate(context), EVP_sha256(), digest, &len) != 1)
		return;
	hex_encode(bytes_of(digest, len), text);
	log_notice("the certificate's SHA-256, for clients that pin it: %s", text);
}

/* Connections that exist keep the context that they have. */
static enum status
take_tls(struct gateway *gateway, struct ipc_control_message *message) {
	SSL_CTX *context;
	TRY(tls_context_read(&context, message->descriptors[0], message->descriptors[1], &gateway->config.tls));
	SSL_CTX_free(gateway->tls);
	gateway->tls = context;
	tell_certificate(context);
	return OK;
}

static enum status
take_log_level(struct gateway *, struct ipc_control_message *message) {
	if (message->value > LOG_LEVEL_DEBUG)
		return fail(STATUS_INVALID, "gateway.log_level: %u", message->value);
	log_set_level((enum log_level)message->value);
	return OK;
}

static enum status
take_stop(struct gateway *gateway, struct ipc_control_message *) {
	if (gateway->draining)
		return OK;
	log_notice("draining: %u connections", gateway->connection_count);
	gateway->draining = true;
	gateway->drain_until_ms = (int64_t)uv_now(&gateway->loop) + GATEWAY_DRAIN_MS;
	close_listeners(gateway);
	connections_drain(gateway, false);
	return OK;
}

static enum status
take_start(struct gateway *gateway, struct ipc_control_message *) {
	if (gateway->config.source.len == 0 || gateway->tls == nullptr || gateway->listener_count == 0)
		return fail(STATUS_INVALID, "gateway.start: without configuration, certificate or listeners");
	return OK;
}

/* What another process said of itself; it is read as JSON where it is shown. */
static enum status
take_confined(struct gateway *gateway, struct ipc_control_message *message) {
	static_assert(sizeof gateway->others[0].text == sizeof message->text);
	memcpy(gateway->others[message->peer].text, message->text, sizeof message->text);
	gateway->others[message->peer].degraded = message->value != 0;
	return OK;
}

static enum status (*const handlers[IPC_CONTROL_END])(struct gateway *, struct ipc_control_message *) = {
	[IPC_CONTROL_CONFIG] = take_config,
	[IPC_CONTROL_CHANNEL] = take_channel,
	[IPC_CONTROL_LISTENERS] = take_listeners,
	[IPC_CONTROL_PEER_LISTENER] = take_peer_listener,
	[IPC_CONTROL_TLS] = take_tls,
	[IPC_CONTROL_START] = take_start,
	[IPC_CONTROL_LOG_LEVEL] = take_log_level,
	[IPC_CONTROL_STOP] = take_stop,
	[IPC_CONTROL_CONFINED] = take_confined,
};

/* One message; *type receives which. */
static enum status
take_message(struct gateway *gateway, enum ipc_control_type *type) {
	struct ipc_control_message message;
	TRY(ipc_control_receive(gateway->control, &message));
	*type = message.type;
	enum status status = handlers[message.type] == nullptr
				     ? fail(STATUS_INVALID, "gateway.control: message type %d", (int)message.type)
				     : handlers[message.type](gateway, &message);
	ipc_control_close_descriptors(&message);
	return status;
}

static void
on_control(uv_poll_t *poll, int status, int) {
	struct gateway *gateway = poll->data;
	enum ipc_control_type type = IPC_CONTROL_NONE;
	if (status == 0 && take_message(gateway, &type) == OK)
		return;
	if (type == IPC_CONTROL_TLS || type == IPC_CONTROL_LISTENERS) {
		log_error("the reload is refused: %s", fail_message());
		return;
	}
	log_error("the supervisor: %s", status == 0 ? fail_message() : uv_strerror(status));
	gateway_fail(gateway);
}

/* --- The loop --- */

void
gateway_fail(struct gateway *gateway) {
	gateway->exit_status = EXIT_FAILURE;
	uv_stop(&gateway->loop);
}

static void
drain_further(struct gateway *gateway) {
	bool is_late = (int64_t)uv_now(&gateway->loop) >= gateway->drain_until_ms;
	if (is_late)
		log_warning("closing %u connections that did not end in time", gateway->connection_count);
	connections_drain(gateway, is_late);
	if (gateway->connection_count > 0)
		return;
	keeper_link_drain(gateway);
	keeper_link_flush(gateway);
	uv_stop(&gateway->loop);
}

static void
on_tick(uv_timer_t *timer) {
	struct gateway *gateway = timer->data;
	connections_tick(gateway);
	end_pause(gateway);
	if (gateway->draining)
		drain_further(gateway);
}

/* What every callback of this turn had for the keeper goes out in one write. The ticker runs only while there is
 * something to time: an idle gateway sleeps. */
static void
after_io(uv_check_t *check) {
	struct gateway *gateway = check->data;
	keeper_link_flush(gateway);
	bool is_needed = gateway->connection_count > 0 || gateway->draining || gateway->accept_pauses;
	bool is_running = uv_is_active((uv_handle_t *)&gateway->ticker);
	if (is_needed && !is_running)
		uv_timer_start(&gateway->ticker, on_tick, GATEWAY_TICK_MS, GATEWAY_TICK_MS);
	else if (!is_needed && is_running)
		uv_timer_stop(&gateway->ticker);
}

static enum status
make_loop(struct gateway *gateway) {
	int error = uv_loop_init(&gateway->loop);
	if (error == 0)
		error = uv_timer_init(&gateway->loop, &gateway->ticker);
	if (error == 0)
		error = uv_check_init(&gateway->loop, &gateway->after_io);
	if (error == 0)
		error = uv_check_start(&gateway->after_io, after_io);
	if (error != 0)
		return fail(STATUS_IO, "gateway.loop: %s", uv_strerror(error));
	TRY(peer_relay_start(gateway));
	gateway->ticker.data = gateway->after_io.data = gateway->control_poll.data = gateway;
	return OK;
}

static enum status
make_table(struct gateway *gateway) {
	uint32_t limit = gateway->config.limits.connections;
	gateway->slots = calloc(limit, sizeof *gateway->slots);
	gateway->free_slots = calloc(limit, sizeof *gateway->free_slots);
	TRY_ALLOC(gateway->slots);
	TRY_ALLOC(gateway->free_slots);
	for (uint32_t i = 0; i < limit; i++)
		gateway->free_slots[i] = limit - 1 - i;
	gateway->free_count = limit;
	for (size_t i = 0; i < gateway->config.authority_count; i++)
		gateway->authorities[i] = gateway->config.authorities[i];
	gateway->http = (struct http_common){gateway->authorities, HTTP_BODY_BYTES_IN_ALL};
	return OK;
}

static enum status
start(struct gateway *gateway) {
	enum ipc_control_type type;
	TRY(make_loop(gateway));
	do
		TRY(take_message(gateway, &type));
	while (type != IPC_CONTROL_START);
	log_set_level(gateway->config.log_level);
	TRY(make_table(gateway));
	struct confine_request request = {.role = IPC_ROLE_GATEWAY,
					  .degraded_allowed = gateway->config.confinement_degraded};
	for (size_t i = 0; i < gateway->config.peer_count; i++)
		request.connect_ports[i] = gateway->config.peers[i].port;
	TRY(confine_enter(&request, &gateway->confinement));
	/* From here on the control socket does not block. */
	int error = uv_poll_init(&gateway->loop, &gateway->control_poll, gateway->control);
	if (error == 0)
		error = uv_poll_start(&gateway->control_poll, UV_READABLE, on_control);
	if (error != 0)
		return fail(STATUS_IO, "gateway.control: %s", uv_strerror(error));
	gateway_accept(gateway, true);
	struct ipc_control_message ready = {.type = IPC_CONTROL_READY};
	TRY(confine_describe(&gateway->confinement, &ready));
	return ipc_control_send(gateway->control, &ready);
}

static void
close_handle(uv_handle_t *handle, void *) {
	if (!uv_is_closing(handle))
		uv_close(handle, nullptr);
}

static void
stop(struct gateway *gateway) {
	gateway->draining = true; /* nothing is accepted anew */
	if (gateway->slots != nullptr)
		connections_drain(gateway, true);
	close_listeners(gateway);
	peer_relay_stop(gateway);
	keeper_link_stop(gateway);
	uv_walk(&gateway->loop, close_handle, nullptr);
	uv_run(&gateway->loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&gateway->loop) != 0)
		log_warning("the loop still had handles");
	sse_free(&gateway->ring);
	SSL_CTX_free(gateway->tls);
	free(gateway->slots);
	free(gateway->free_slots);
	config_free(&gateway->config);
}

/* A restart would meet the same configuration and the same system. */
static void
report_failure(int control) {
	struct ipc_control_message failed = {.type = IPC_CONTROL_FAILED, .value = IPC_FAILED_AT_START};
	strncpy(failed.text, fail_message(), sizeof failed.text - 1);
	log_error("the gateway cannot start: %s", failed.text);
	IGNORE_STATUS(ipc_control_send(control, &failed)); /* the exit status says it as well */
}

int
gateway_main(int control) {
	log_start("gateway", LOG_LEVEL_INFO);
	signal(SIGPIPE, SIG_IGN); /* OpenSSL writes with write() */
	/* A terminal's interrupt goes to the whole group; when to stop is for the supervisor to say. */
	signal(SIGINT, SIG_IGN);
	struct gateway *gateway = calloc(1, sizeof *gateway);
	if (gateway == nullptr)
		return EXIT_FAILURE;
	gateway->control = control;
	if (start(gateway) == OK) {
		log_notice("serving");
		uv_run(&gateway->loop, UV_RUN_DEFAULT);
	} else {
		report_failure(control);
		gateway->exit_status = EXIT_FAILURE;
	}
	stop(gateway);
	int exit_status = gateway->exit_status;
	free(gateway);
	return exit_status;
}
