#include "gateway/keeper_link.h"

#include <stdlib.h>

#include "base/ipc_control.h"
#include "gateway/connection.h"
#include "gateway/internal.h"
#include "gateway/telemetry.h"

static void on_channel(uv_poll_t *poll, int status, int events);

static void
poll_for(struct gateway *gateway, int events) {
	struct keeper_link *link = &gateway->keeper;
	if (link->polled == events)
		return;
	link->polled = events;
	uv_poll_start(link->poll, events, on_channel);
}

/* --- Frames from the keeper --- */

static enum status
take_response(struct gateway *gateway, const struct ipc_frame *frame) {
	struct ipc_response response;
	TRY(ipc_read_response(frame->payload, &response));
	connection_take_answer(gateway, frame->request, &response);
	return OK;
}

static enum status
take_credit(struct gateway *gateway, const struct ipc_frame *frame) {
	struct ipc_credit credit;
	TRY(ipc_read_credit(frame->payload, &credit));
	gateway->keeper.credit += credit.ordinary;
	gateway->keeper.urgent_credit += credit.urgent;
	return OK;
}

static enum status
take_feed(struct gateway *gateway, const struct ipc_frame *frame) {
	struct ipc_feed feed;
	TRY(ipc_read_feed(frame->payload, &feed));
	TRY(sse_add(&gateway->ring, &feed));
	metric_add(&telemetry.feed_events, 1);
	connections_feed(gateway);
	return OK;
}

static enum status
take_stream_end(struct gateway *gateway, const struct ipc_frame *frame) {
	struct ipc_stream_end end;
	TRY(ipc_read_stream_end(frame->payload, &end));
	connections_end_stream(gateway, end.stream);
	return OK;
}

static enum status
keep(struct buffer *buffer, struct bytes bytes) {
	buffer_reset(buffer);
	buffer_append_bytes(buffer, bytes);
	return buffer_status(buffer);
}

static enum status
take_report(struct gateway *gateway, const struct ipc_frame *frame) {
	struct keeper_link *link = &gateway->keeper;
	struct ipc_report report;
	TRY(ipc_read_report(frame->payload, &report));
	TRY(keep(&link->health, report.health));
	TRY(keep(&link->metrics, report.metrics));
	TRY(keep(&link->instance, report.instance));
	link->ready = report.ready;
	return OK;
}

/* What the keeper may send; everything else is a fault. */
static enum status (*const handlers[IPC_TYPE_END])(struct gateway *, const struct ipc_frame *) = {
	[IPC_RESPONSE] = take_response,
	[IPC_CREDIT] = take_credit,
	[IPC_FEED] = take_feed,
	[IPC_STREAM_END] = take_stream_end,
	[IPC_REPORT] = take_report,
	[IPC_PEERS] = peer_relay_take_peers,
	[IPC_PEER_DATA] = peer_relay_take_data,
	[IPC_PEER_CREDIT] = peer_relay_take_credit,
	[IPC_PEER_CLOSED] = peer_relay_take_closed,
};

static enum status
take_frames(struct gateway *gateway) {
	struct ipc_channel *channel = &gateway->keeper.channel;
	struct ipc_frame frame;
	bool found;
	for (;;) {
		TRY(ipc_next(channel, &frame, &found));
		if (!found)
			return OK;
		if (handlers[frame.type] == nullptr)
			return fail(STATUS_INVALID, "link.direction: frame type %d from the keeper", (int)frame.type);
		TRY(handlers[frame.type](gateway, &frame));
	}
}

static void
tell_supervisor_of_loss(struct gateway *gateway) {
	struct ipc_control_message lost = {.type = IPC_CONTROL_CHANNEL_LOST, .peer = IPC_ROLE_KEEPER};
	if (ipc_control_send(gateway->control, &lost) != OK)
		log_warning("the supervisor was not told that the keeper is lost: %s", fail_message());
}

static void
on_channel(uv_poll_t *poll, int status, int events) {
	struct gateway *gateway = poll->data;
	struct ipc_channel *channel = &gateway->keeper.channel;
	if (poll != gateway->keeper.poll)
		return;
	enum status result = OK;
	if (status < 0)
		channel->closed = true;
	else if (events & UV_READABLE)
		result = ipc_receive(channel);
	if (result == OK)
		result = take_frames(gateway);
	if (result != OK) {
		/* Both sides are one program: this is no loss but a fault, and starting anew is all that is left. */
		log_error("the channel to the keeper: %s", fail_message());
		keeper_link_stop(gateway); /* its requests are told that their outcome is unknown */
		gateway_fail(gateway);
	} else if (channel->closed) {
		log_error("the keeper is gone; requests in flight have an unknown outcome");
		keeper_link_stop(gateway);
		tell_supervisor_of_loss(gateway);
	} else
		keeper_link_flush(gateway);
}

/* --- Start and stop --- */

static void
free_poll(uv_handle_t *handle) {
	free(handle);
}

enum status
keeper_link_start(struct gateway *gateway, int descriptor) {
	struct keeper_link *link = &gateway->keeper;
	keeper_link_stop(gateway);
	enum status status = ipc_start(&link->channel, descriptor, IPC_ROLE_GATEWAY, IPC_ROLE_KEEPER);
	uv_poll_t *poll = calloc(1, sizeof *poll);
	int error = poll == nullptr ? UV_ENOMEM : uv_poll_init(&gateway->loop, poll, descriptor);
	if (status != OK || error != 0) {
		free(poll);
		ipc_stop(&link->channel);
		return status != OK ? status : fail(STATUS_IO, "link.poll: %s", uv_strerror(error));
	}
	poll->data = gateway;
	link->poll = poll;
	link->drain_sent = false;
	poll_for(gateway, UV_READABLE | UV_WRITABLE);
	return OK;
}

void
keeper_link_stop(struct gateway *gateway) {
	struct keeper_link *link = &gateway->keeper;
	if (link->poll == nullptr)
		return;
	uv_poll_stop(link->poll);
	uv_close((uv_handle_t *)TAKE(link->poll), free_poll);
	ipc_stop(&link->channel);
	link->polled = 0;
	link->credit = link->urgent_credit = 0;
	link->ready = false;
	buffer_free(&link->health);
	buffer_free(&link->metrics);
	metric_add(&telemetry.keeper_losses, 1);
	connections_lose_keeper(gateway);
	peer_relay_lose_keeper(gateway);
	buffer_free(&link->instance); /* which the operation ids were computed with */
}

/* --- Frames to the keeper --- */

enum link_result
keeper_link_request(struct gateway *gateway, uint64_t token, const struct ipc_request *request, bool urgent) {
	struct keeper_link *link = &gateway->keeper;
	uint64_t *credit = urgent ? &link->urgent_credit : &link->credit;
	struct buffer *payload;
	if (link->poll == nullptr || !link->channel.greeted || link->drain_sent)
		return LINK_NO_KEEPER;
	if (*credit == 0)
		return LINK_NO_CREDIT;
	if (ipc_begin(&link->channel, urgent ? IPC_URGENT_REQUEST : IPC_REQUEST, token, urgent, &payload) != OK)
		return LINK_BACKLOG;
	ipc_write_request(payload, request);
	if (ipc_end(&link->channel) != OK)
		return LINK_BACKLOG;
	--*credit;
	return LINK_SENT;
}

void
keeper_link_drain(struct gateway *gateway) {
	struct keeper_link *link = &gateway->keeper;
	if (link->poll == nullptr || link->drain_sent)
		return;
	link->drain_sent = true;
	if (ipc_send(&link->channel, IPC_DRAIN, 0, false, (struct bytes){}) != OK)
		log_warning("the keeper was not told to drain: %s", fail_message());
}

void
keeper_link_flush(struct gateway *gateway) {
	struct keeper_link *link = &gateway->keeper;
	if (link->poll == nullptr)
		return;
	/* A failed write is a keeper that is gone, which the next read reports after its last frames. */
	if (ipc_flush(&link->channel) != OK)
		poll_for(gateway, UV_READABLE);
	else
		poll_for(gateway, ipc_wants_write(&link->channel) ? UV_READABLE | UV_WRITABLE : UV_READABLE);
}
