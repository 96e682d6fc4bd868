#include "tests/echo_keeper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/ipc_control.h"
#include "base/ipc_messages.h"
#include "base/json.h"
#include "base/secret.h"
#include "supervisor/config.h"
#include "supervisor/confine.h"

constexpr size_t DELAYED_MAX = 256;

struct echo_keeper {
	int control;
	struct config config;
	struct ipc_channel channel;
	bool has_channel, stopping, granted, hangs_up;
	struct secret passphrase;
	struct confinement confinement;
	int64_t next_report_ms;
	struct delayed {
		uint64_t request;
		bool urgent;
		int64_t at_ms;
	} delayed[DELAYED_MAX];
	size_t delayed_count;
	struct buffer body;
};

static int64_t
now_ms(void) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

static enum status
send_response(struct echo_keeper *keeper, uint64_t request, bool urgent, const struct ipc_response *response) {
	struct buffer *payload;
	TRY(ipc_begin(&keeper->channel, IPC_RESPONSE, request, urgent, &payload));
	ipc_write_response(payload, response);
	TRY(ipc_end(&keeper->channel));
	TRY(ipc_begin(&keeper->channel, IPC_CREDIT, 0, urgent, &payload));
	ipc_write_credit(payload, &(struct ipc_credit){urgent ? 0 : 1, urgent ? 1 : 0});
	return ipc_end(&keeper->channel);
}

static enum status
send_json(struct echo_keeper *keeper, uint64_t request, bool urgent) {
	TRY(buffer_status(&keeper->body));
	return send_response(keeper, request, urgent,
			     &(struct ipc_response){.status = 200,
						    .content_type = BYTES_OF_LITERAL("application/json"),
						    .body = buffer_bytes(&keeper->body)});
}

static void
describe(struct buffer *to, const struct ipc_request *request, bool urgent) {
	struct json_writer writer;
	json_writer_start(&writer, to);
	json_write_object(&writer);
	json_write_key(&writer, "body");
	json_write_base64(&writer, request->body);
	json_write_member_hex(&writer, "client_certificate", request->reported.client_certificate);
	json_write_member_string(&writer, "content_digest", request->content_digest);
	json_write_member_string(&writer, "content_type", request->content_type);
	json_write_member_string(&writer, "host", request->host);
	json_write_member_string(&writer, "idempotency_key", request->idempotency_key);
	json_write_member_string(&writer, "method", request->method);
	json_write_member_hex(&writer, "peer_address", request->reported.peer_address);
	json_write_member_string(&writer, "signature", request->signature);
	json_write_member_string(&writer, "signature_input", request->signature_input);
	json_write_member_string(&writer, "target", request->target);
	json_write_member_string(&writer, "tls_group", request->reported.tls_group);
	json_write_member_boolean(&writer, "urgent", urgent);
	json_write_end(&writer);
	if (json_writer_finish(&writer) != OK)
		to->failed = true;
}

static void
describe_attempts(struct buffer *to, const struct confinement *confinement) {
	size_t count;
	const struct confine_attempt *attempts = confine_attempts(&count);
	buffer_append_text(to, "{");
	for (size_t i = 0; i < count; i++)
		buffer_append_format(to, "\"%s\":%d,", attempts[i].name, attempts[i].try());
	buffer_append_format(to, "\"network_namespace\":%s}", confinement->network_namespace ? "true" : "false");
}

static bool
asks_for(struct bytes key, const char *what, uint64_t *number) {
	size_t len = strlen(what);
	if (key.len < len || memcmp(key.data, what, len) != 0)
		return false;
	*number = 0;
	for (size_t i = len; i < key.len; i++) {
		if (key.data[i] < '0' || key.data[i] > '9')
			return false;
		*number = *number * 10 + (uint64_t)(key.data[i] - '0');
	}
	return true;
}

static enum status
publish(struct echo_keeper *keeper, uint64_t index) {
	struct buffer *payload;
	char data[48];
	snprintf(data, sizeof data, "{\"index\":%llu}", (unsigned long long)index);
	TRY(ipc_begin(&keeper->channel, IPC_FEED, 0, false, &payload));
	ipc_write_feed(payload, &(struct ipc_feed){index, BYTES_OF_LITERAL("entry"), bytes_of_text(data)});
	return ipc_end(&keeper->channel);
}

static enum status
answer(struct echo_keeper *keeper, const struct ipc_frame *frame) {
	bool urgent = frame->type == IPC_URGENT_REQUEST;
	struct ipc_request request;
	uint64_t number;
	TRY(ipc_read_request(frame->payload, &request));
	struct bytes key = request.idempotency_key;
	buffer_reset(&keeper->body);
	if (bytes_equal_text(request.target, "/v1/events"))
		return send_response(keeper, frame->request, urgent,
				     &(struct ipc_response){.status = 200, .is_feed = true});
	if (asks_for(key, "hold", &number))
		return OK;
	if (asks_for(key, "die", &number))
		_exit(EXIT_FAILURE);
	if (asks_for(key, "garble", &number)) {
		TRY(ipc_flush(&keeper->channel));
		static const char garbage[IPC_HEADER_SIZE] = "this is no frame..";
		return write(keeper->channel.descriptor, garbage, sizeof garbage) > 0 ? OK : STATUS_IO;
	}
	if (asks_for(key, "hangup", &number)) {
		keeper->hangs_up = true;
		return OK;
	}
	if (asks_for(key, "wrong", &number))
		return ipc_send(&keeper->channel, IPC_REQUEST, 0, false, (struct bytes){});
	bool is_kept = asks_for(key, "keep", &number);
	if ((is_kept || asks_for(key, "wait:", &number)) && keeper->delayed_count < DELAYED_MAX) {
		keeper->delayed[keeper->delayed_count++] =
			(struct delayed){frame->request, urgent, is_kept ? INT64_MAX : now_ms() + (int64_t)number};
		return OK;
	}
	for (size_t i = 0; i < keeper->delayed_count && asks_for(key, "release", &number); i++)
		keeper->delayed[i].at_ms = 0;
	if (asks_for(key, "status:", &number))
		return send_response(keeper, frame->request, urgent,
				     &(struct ipc_response){.status = (uint16_t)number});
	if (asks_for(key, "feed:", &number))
		TRY(publish(keeper, number));
	if (asks_for(key, "big:", &number))
		for (uint64_t i = 0; i < number; i++)
			buffer_append_byte(&keeper->body, (uint8_t)('a' + i % 26));
	else if (asks_for(key, "attempts", &number))
		describe_attempts(&keeper->body, &keeper->confinement);
	else if (asks_for(key, "waiting", &number))
		buffer_append_decimal(&keeper->body, keeper->delayed_count);
	else if (asks_for(key, "passphrase", &number))
		buffer_append_decimal(&keeper->body, keeper->passphrase.len);
	else
		describe(&keeper->body, &request, urgent);
	return send_json(keeper, frame->request, urgent);
}

static enum status
take_frames(struct echo_keeper *keeper) {
	struct ipc_frame frame;
	bool found;
	TRY(ipc_receive(&keeper->channel));
	for (;;) {
		TRY(ipc_next(&keeper->channel, &frame, &found));
		if (!found)
			break;
		if (frame.type == IPC_REQUEST || frame.type == IPC_URGENT_REQUEST)
			TRY(answer(keeper, &frame));
	}
	if (!keeper->channel.closed && !keeper->hangs_up)
		return OK;
	keeper->has_channel = keeper->hangs_up = false;
	ipc_stop(&keeper->channel);
	return OK;
}

static enum status
answer_delayed(struct echo_keeper *keeper) {
	for (size_t i = 0; i < keeper->delayed_count;) {
		if (now_ms() < keeper->delayed[i].at_ms) {
			i++;
			continue;
		}
		struct delayed due = keeper->delayed[i];
		keeper->delayed[i] = keeper->delayed[--keeper->delayed_count];
		buffer_reset(&keeper->body);
		buffer_append_text(&keeper->body, "\"late\"");
		TRY(send_json(keeper, due.request, due.urgent));
	}
	return OK;
}

static enum status
send_report(struct echo_keeper *keeper) {
	struct buffer *payload;
	if (now_ms() < keeper->next_report_ms)
		return OK;
	keeper->next_report_ms = now_ms() + 1000;
	TRY(ipc_begin(&keeper->channel, IPC_REPORT, 0, false, &payload));
	ipc_write_report(payload, &(struct ipc_report){true, BYTES_OF_LITERAL("{\"echo\":true}"),
						       BYTES_OF_LITERAL("# TYPE echo gauge\necho 1\n"),
						       BYTES_OF_LITERAL("echo.example")});
	return ipc_end(&keeper->channel);
}

static enum status
serve_channel(struct echo_keeper *keeper) {
	if (keeper->channel.greeted && !keeper->granted) {
		struct buffer *payload;
		TRY(ipc_begin(&keeper->channel, IPC_CREDIT, 0, false, &payload));
		ipc_write_credit(payload, &(struct ipc_credit){keeper->config.limits.outstanding,
							       keeper->config.limits.outstanding_urgent});
		TRY(ipc_end(&keeper->channel));
		keeper->granted = true;
		keeper->next_report_ms = 0;
	}
	TRY(answer_delayed(keeper));
	if (keeper->granted)
		TRY(send_report(keeper));
	/* The gateway is gone: the next one comes by the supervisor. */
	if (ipc_flush(&keeper->channel) != OK) {
		keeper->has_channel = false;
		ipc_stop(&keeper->channel);
	}
	return OK;
}

static enum status
take_control(struct echo_keeper *keeper, bool *started) {
	struct ipc_control_message message;
	_cleanup_(buffer_free) struct buffer text = {};
	TRY(ipc_control_receive(keeper->control, &message));
	enum status status = OK;
	switch (message.type) {
	case IPC_CONTROL_CONFIG:
		if (!buffer_reserve(&text, CONFIG_SIZE_MAX))
			return STATUS_NO_MEMORY;
		text.len = (size_t)pread(message.descriptors[0], text.data, CONFIG_SIZE_MAX, 0);
		config_free(&keeper->config);
		status = config_parse(buffer_bytes(&text), &keeper->config);
		break;
	case IPC_CONTROL_PASSPHRASE:
		status = secret_read_descriptor(&keeper->passphrase, message.descriptors[0], 1024);
		break;
	case IPC_CONTROL_CHANNEL:
		if (message.peer != IPC_ROLE_GATEWAY)
			break; /* closed with the message */
		ipc_stop(&keeper->channel);
		status = ipc_start(&keeper->channel, message.descriptors[0], IPC_ROLE_KEEPER, IPC_ROLE_GATEWAY);
		message.descriptors[0] = -1;
		keeper->has_channel = true;
		keeper->granted = false;
		keeper->delayed_count = 0;
		break;
	case IPC_CONTROL_START:
		*started = true;
		break;
	case IPC_CONTROL_STOP:
		keeper->stopping = true;
		break;
	default:
		break;
	}
	ipc_control_close_descriptors(&message);
	return status;
}

static enum status
run(struct echo_keeper *keeper) {
	bool started = false;
	while (!started)
		TRY(take_control(keeper, &started));
	log_start("keeper", keeper->config.log_level);
	struct confine_request confine = {.role = IPC_ROLE_KEEPER,
					  .read_write = {keeper->config.data_directory},
					  .degraded_allowed = keeper->config.confinement_degraded};
	TRY(confine_enter(&confine, &keeper->confinement));
	struct ipc_control_message ready = {.type = IPC_CONTROL_READY};
	TRY(confine_describe(&keeper->confinement, &ready));
	TRY(ipc_control_send(keeper->control, &ready));
	while (!keeper->stopping) {
		struct pollfd polled[2] = {
			{.fd = keeper->control, .events = POLLIN},
			{.fd = keeper->has_channel ? keeper->channel.descriptor : -1,
			 .events = (short)(POLLIN |
					   (keeper->has_channel && ipc_wants_write(&keeper->channel) ? POLLOUT : 0))},
		};
		int timeout = keeper->delayed_count > 0 ? 5 : 200;
		if (poll(polled, ARRAY_LENGTH(polled), timeout) < 0 && errno != EINTR)
			return fail_errno(STATUS_IO, "echo.poll");
		if (polled[0].revents != 0)
			TRY(take_control(keeper, &started));
		if (keeper->has_channel && polled[1].revents != 0)
			TRY(take_frames(keeper));
		if (keeper->has_channel)
			TRY(serve_channel(keeper));
	}
	return OK;
}

int
echo_keeper_main(int control) {
	struct echo_keeper keeper = {.control = control};
	signal(SIGINT, SIG_IGN);
	log_start("keeper", LOG_LEVEL_INFO);
	enum status status = run(&keeper);
	if (status != OK)
		log_error("the echo keeper ends: %s", fail_message());
	ipc_stop(&keeper.channel);
	secret_free(&keeper.passphrase);
	config_free(&keeper.config);
	buffer_free(&keeper.body);
	return status == OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
