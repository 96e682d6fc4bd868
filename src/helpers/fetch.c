#include "helpers/fetch.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "base/ipc_messages.h"
#include "base/log.h"
#include "base/io.h"
#include "base/time.h"
#include "helpers/http_exchange.h"
#include "helpers/receiver.h"
#include "supervisor/child.h"
#include "supervisor/confine.h"

constexpr size_t SHA256_LENGTH = 32;
constexpr int64_t EXCHANGE_MS = 5'000;
constexpr size_t NOTICE_MAX = 4096;
/* The supervisor restarts a keeper within half of it, and hands on a new channel. */
constexpr int ORPHAN_MS = 60'000;
constexpr unsigned FAILURES_MAX = 5; /* in a row, after which a name is looked up anew */
static const char SYSTEM_CERTIFICATES[] = "/etc/ssl/certs/ca-certificates.crt";

struct fetch_process {
	struct child child;
	struct config config;
	struct confinement confinement;
	struct peer {
		struct http_target target;
		char unresolved[128]; /* why its name could not be looked up; "": it has an address */
		unsigned failures;
	} peers[CONFIG_WITNESSES_MAX];
	size_t peer_count;
	struct receiver receivers[CONFIG_NOTIFICATIONS_MAX];
	size_t receiver_count;
	SSL_CTX *tls;
	struct ipc_channel channel;
	bool has_channel;
};

/* --- What can be asked for --- */

static enum status ask_witness(struct fetch_process *process, const struct ipc_fetch *fetch, struct http_reply *reply);
static enum status notify(struct fetch_process *process, const struct ipc_fetch *fetch, struct http_reply *reply);

static const struct fetch_row {
	enum status (*perform)(struct fetch_process *process, const struct ipc_fetch *fetch, struct http_reply *reply);
	size_t body_min, body_max;
	bool is_post;
	const char *path; /* null: "/<the body in hexadecimal>/checkpoint" */
} rows[IPC_FETCH_ACTION_END] = {
	[IPC_FETCH_WITNESS_ADD] = {ask_witness, 1, IPC_FETCH_BODY_MAX, true, "/add-checkpoint"},
	[IPC_FETCH_WITNESS_NEWEST] = {ask_witness, SHA256_LENGTH, SHA256_LENGTH, false, nullptr},
	[IPC_FETCH_NOTIFY] = {notify, 1, NOTICE_MAX, true, nullptr},
};

static enum status
check_peer(struct fetch_process *process, const struct ipc_fetch *fetch) {
	if (fetch->witness >= process->peer_count)
		return fail(STATUS_INVALID, "fetch.witness: number %u of %zu", fetch->witness, process->peer_count);
	struct peer *peer = &process->peers[fetch->witness];
	if (peer->unresolved[0] == '\0')
		return OK;
	peer->failures++;
	return fail(STATUS_UNAVAILABLE, "%s", peer->unresolved);
}

static enum status
perform(struct fetch_process *process, const struct ipc_fetch *fetch, struct http_reply *reply) {
	const struct fetch_row *row = &rows[fetch->action];
	if (fetch->body.len < row->body_min || fetch->body.len > row->body_max)
		return fail(STATUS_INVALID, "fetch.body: %zu bytes for action %d, expected %zu to %zu", fetch->body.len,
			    (int)fetch->action, row->body_min, row->body_max);
	return row->perform(process, fetch, reply);
}

static enum status
notify(struct fetch_process *process, const struct ipc_fetch *fetch, struct http_reply *reply) {
	_cleanup_(arena_free) struct arena arena = {};
	struct notice notice;
	if (fetch->witness >= process->receiver_count)
		return fail(STATUS_INVALID, "fetch.notification: number %u of %zu", fetch->witness,
			    process->receiver_count);
	struct receiver *receiver = &process->receivers[fetch->witness];
	TRY(notice_read(&arena, fetch->body, &notice));
	enum status status = receiver_deliver(receiver, &notice, io_realtime_ns(io_system()) / 1'000'000 / SECOND_MS,
					      EXCHANGE_MS, &reply->status);
	receiver->failures = status == OK ? 0 : receiver->failures + 1;
	return status;
}

static enum status
ask_witness(struct fetch_process *process, const struct ipc_fetch *fetch, struct http_reply *reply) {
	const struct fetch_row *row = &rows[fetch->action];
	char path[128], hex[2 * SHA256_LENGTH + 1];
	TRY(check_peer(process, fetch));
	if (row->path == nullptr) {
		hex_encode(fetch->body, hex);
		snprintf(path, sizeof path, "/%s/checkpoint", hex);
	}
	struct http_call call = {.is_post = row->is_post,
				 .path = row->path == nullptr ? path : row->path,
				 .body = fetch->body,
				 .timeout_ms = EXCHANGE_MS,
				 .answer_max = IPC_FETCHED_BODY_MAX};
	struct peer *peer = &process->peers[fetch->witness];
	enum status status = http_exchange(&peer->target, peer->target.has_tls ? process->tls : nullptr, &call, reply);
	peer->failures = status == OK ? 0 : peer->failures + 1;
	return status;
}

/* A type that cannot be passed on as it stands is none: the reader would refuse the whole frame. */
static struct bytes
passable_type(struct bytes type) {
	if (type.len > 128)
		return (struct bytes){};
	for (size_t i = 0; i < type.len; i++)
		if (type.data[i] < 0x20 || type.data[i] >= 0x7f)
			return (struct bytes){};
	return type;
}

static enum status
send_failure(struct fetch_process *process, uint64_t request) {
	struct buffer *payload;
	char error[256];
	size_t len = strlen(fail_message());
	snprintf(error, sizeof error, "%s", len == 0 ? "fetch.unknown: no reason given" : fail_message());
	for (char *c = error; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f)
			*c = '?';
	log_info("what was asked for was not done: %s", error);
	TRY(ipc_begin(&process->channel, IPC_FETCHED, request, false, &payload));
	ipc_write_fetched(payload, &(struct ipc_fetched){.error = bytes_of_text(error)});
	return ipc_end(&process->channel);
}

static enum status
answer(struct fetch_process *process, const struct ipc_frame *frame) {
	_cleanup_(http_reply_free) struct http_reply reply = {};
	struct ipc_fetch fetch;
	struct buffer *payload;
	if (frame->type != IPC_FETCH)
		return fail(STATUS_INVALID, "fetch.direction: frame type %d from the keeper", (int)frame->type);
	TRY(ipc_read_fetch(frame->payload, &fetch));
	enum status status = perform(process, &fetch, &reply);
	if (status == OK && reply.status > 599)
		status = fail(STATUS_UNAVAILABLE, "fetch.status: %d", reply.status);
	if (status != OK)
		return send_failure(process, frame->request);
	TRY(ipc_begin(&process->channel, IPC_FETCHED, frame->request, false, &payload));
	ipc_write_fetched(payload,
			  &(struct ipc_fetched){.status = (uint16_t)reply.status,
						.content_type = passable_type(buffer_bytes(&reply.content_type)),
						.body = buffer_bytes(&reply.body)});
	return ipc_end(&process->channel);
}

/* --- Control --- */

static enum status
take_channel(struct fetch_process *process, struct ipc_control_message *message) {
	if (message->peer != IPC_ROLE_KEEPER)
		return fail(STATUS_INVALID, "fetch.channel: to the %s", ipc_role_name(message->peer));
	ipc_stop(&process->channel);
	process->has_channel = true;
	int descriptor = message->descriptors[0];
	message->descriptors[0] = -1;
	return ipc_start(&process->channel, descriptor, IPC_ROLE_FETCH, IPC_ROLE_KEEPER);
}

static enum status
take(void *context, struct ipc_control_message *message) {
	struct fetch_process *process = context;
	switch (message->type) {
	case IPC_CONTROL_CONFIG:
		return child_parse_config(message->descriptors[0], &process->config);
	case IPC_CONTROL_CHANNEL:
		return take_channel(process, message);
	default: /* what is not for this process */
		return OK;
	}
}

/* --- The process --- */

/* A name that nobody knows today keeps the other witnesses from nothing. */
static enum status
prepare_peer(struct fetch_process *process, const char *address) {
	struct peer *peer = &process->peers[process->peer_count++];
	TRY(http_target_parse(bytes_of_text(address), &peer->target));
	enum status status = http_target_resolve(&peer->target);
	if (status != STATUS_UNAVAILABLE)
		return status;
	snprintf(peer->unresolved, sizeof peer->unresolved, "%s", fail_message());
	log_warning("a witness has no address: %s", fail_message());
	return OK;
}

static enum status
prepare_witnesses(struct fetch_process *process) {
	const struct config *config = &process->config;
	const char *certificates = config->rollback_guard.witness_certificates;
	bool has_tls = false;
	for (size_t i = 0; i < config->rollback_guard.witness_count; i++) {
		TRY(prepare_peer(process, config->rollback_guard.witnesses[i]));
		has_tls |= process->peers[i].target.has_tls;
	}
	return !has_tls ? OK
			: http_tls_create(certificates != nullptr ? certificates : SYSTEM_CERTIFICATES, false,
					  &process->tls);
}

/* Everything that needs a file or a name server. */
static enum status
prepare(struct fetch_process *process) {
	const struct config *config = &process->config;
	if (config->rollback_guard.kind != CONFIG_GUARD_WITNESS && config->notification_count == 0)
		return fail(STATUS_UNSUPPORTED, "fetch.configuration: there is nothing to fetch");
	TRY(prepare_witnesses(process));
	for (; process->receiver_count < config->notification_count; process->receiver_count++)
		receiver_prepare(&process->receivers[process->receiver_count],
				 &config->notifications[process->receiver_count], config->console);
	return OK;
}

/* Ends so that the one that is started in its place looks names up anew. */
static enum status
check_reachable(const struct fetch_process *process) {
	for (size_t i = 0; i < process->peer_count; i++)
		if (process->peers[i].failures >= FAILURES_MAX && process->peers[i].target.has_name)
			return fail(STATUS_UNAVAILABLE, "fetch.unreachable: %s is looked up anew",
				    process->peers[i].target.host);
	for (size_t i = 0; i < process->receiver_count; i++)
		if (process->receivers[i].failures >= FAILURES_MAX && process->receivers[i].target.has_name)
			return fail(STATUS_UNAVAILABLE, "fetch.unreachable: %s is looked up anew",
				    process->receivers[i].target.host);
	return OK;
}

static enum status
take_frames(struct fetch_process *process) {
	struct ipc_frame frame;
	for (bool found = true;;) {
		TRY(ipc_next(&process->channel, &frame, &found));
		if (!found)
			return OK;
		TRY(answer(process, &frame));
	}
}

/* What the keeper sent. A channel that closed is waited for: the keeper may be starting anew. */
static enum status
serve_channel(struct fetch_process *process) {
	TRY(ipc_receive(&process->channel));
	TRY(take_frames(process));
	enum status status = ipc_flush(&process->channel);
	if (!process->channel.closed && status != STATUS_UNAVAILABLE)
		return status;
	ipc_stop(&process->channel);
	process->has_channel = false;
	return OK;
}

static enum status
serve(struct fetch_process *process) {
	struct pollfd polled[2] = {{.fd = process->child.control, .events = POLLIN}, {.fd = -1}};
	if (process->has_channel)
		polled[1] =
			(struct pollfd){.fd = process->channel.descriptor,
					.events = (short)(POLLIN | (ipc_wants_write(&process->channel) ? POLLOUT : 0))};
	int ready = poll(polled, ARRAY_LENGTH(polled), process->has_channel ? -1 : ORPHAN_MS);
	if (ready < 0 && errno != EINTR)
		return fail_errno(STATUS_IO, "fetch.poll");
	if (ready == 0)
		return fail(STATUS_UNAVAILABLE, "fetch.orphan: there is no channel to a keeper");
	if (ready > 0 && polled[1].revents != 0)
		TRY(serve_channel(process));
	if (ready > 0 && polled[0].revents != 0)
		TRY(child_take_control(&process->child));
	return check_reachable(process);
}

static enum status
run(struct fetch_process *process) {
	while (!process->child.started)
		TRY(child_take_control(&process->child));
	log_start("fetch", process->config.log_level);
	TRY(prepare(process));
	struct confine_request confine = {.role = IPC_ROLE_FETCH,
					  .degraded_allowed = process->config.confinement_degraded};
	size_t ports = 0;
	for (size_t i = 0; i < process->peer_count; i++)
		confine.connect_ports[ports++] = process->peers[i].target.port;
	for (size_t i = 0; i < process->receiver_count; i++)
		if (process->receivers[i].target.port != 0)
			confine.connect_ports[ports++] = process->receivers[i].target.port;
	TRY(confine_enter(&confine, &process->confinement));
	TRY(child_ready(&process->child, &process->confinement));
	if (process->has_channel)
		TRY(ipc_flush(&process->channel)); /* the hello */
	while (!process->child.stopping)
		TRY(serve(process));
	return OK;
}

int
fetch_main(int control) {
	struct fetch_process process = {.channel = {.descriptor = -1}};
	process.child = (struct child){.name = "fetch", .control = control, .take = take, .context = &process};
	child_begin(&process.child);
	enum status status = run(&process);
	/* A configuration stays wrong; names and networks come back. */
	bool is_wrong = status == STATUS_INVALID || status == STATUS_UNSUPPORTED;
	int exit_status = child_end(&process.child, status, is_wrong ? IPC_FAILED_AT_START : IPC_FAILED_FOR_NOW);
	ipc_stop(&process.channel);
	http_tls_free(&process.tls);
	for (size_t i = 0; i < process.receiver_count; i++)
		receiver_free(&process.receivers[i]);
	config_free(&process.config);
	return exit_status;
}
