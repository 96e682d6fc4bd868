#include "helpers/worker_client.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/ipc_control.h"
#include "base/ipc_messages.h"
#include "supervisor/process.h"

struct client {
	pid_t process;
	int control;
	struct ipc_channel channel;
	int64_t end_ms;
};

static int64_t
now_ms(void) {
	return io_boottime_ns(io_system()) / 1'000'000;
}

/* Whatever it is at: its answer is there, or is not wanted any more. */
static void
client_end(struct client *client) {
	ipc_stop(&client->channel);
	if (client->control >= 0)
		close(client->control);
	if (client->process > 0) {
		kill(client->process, SIGKILL);
		waitpid(client->process, nullptr, 0);
	}
}

static enum status
start(struct client *client, int program) {
	int pair[2];
	TRY(process_spawn(&(struct process_start){.role = IPC_ROLE_WORKER, .program = program}, &client->process,
			  &client->control));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return fail_errno(STATUS_IO, "worker.channel");
	struct ipc_control_message channel = {
		.type = IPC_CONTROL_CHANNEL, .peer = IPC_ROLE_KEEPER, .descriptors = {pair[1]}, .descriptor_count = 1};
	enum status status = ipc_control_send(client->control, &channel);
	close(pair[1]);
	if (status == OK)
		status = ipc_control_send(client->control, &(struct ipc_control_message){.type = IPC_CONTROL_START});
	if (status == OK)
		return ipc_start(&client->channel, pair[0], IPC_ROLE_KEEPER, IPC_ROLE_WORKER);
	close(pair[0]);
	return status;
}

static enum status
send_request(struct client *client, struct bytes request) {
	struct buffer *payload;
	TRY(ipc_begin(&client->channel, IPC_WORK, 1, false, &payload));
	ipc_write_work(payload, &(struct ipc_work){request});
	return ipc_end(&client->channel);
}

static enum status
take_answer(struct client *client, struct buffer *answer, bool *is_done) {
	struct ipc_frame frame;
	struct ipc_work work;
	TRY(ipc_receive(&client->channel));
	TRY(ipc_next(&client->channel, &frame, is_done));
	if (!*is_done)
		return client->channel.closed ? fail(STATUS_UNAVAILABLE, "worker.ended: it ended without an answer")
					      : OK;
	if (frame.type != IPC_WORKED || frame.request != 1)
		return fail(STATUS_INVALID, "worker.direction: frame type %d from the worker", (int)frame.type);
	TRY(ipc_read_work(frame.payload, &work));
	buffer_append_bytes(answer, work.document);
	return buffer_status(answer);
}

/* Why it ended, where it said so. */
static enum status
take_control(struct client *client) {
	struct ipc_control_message message;
	if (ipc_control_receive(client->control, &message) != OK)
		return strncmp(fail_message(), "control.empty:", 14) == 0
			       ? OK
			       : fail(STATUS_UNAVAILABLE, "worker.ended: it ended without an answer");
	ipc_control_close_descriptors(&message);
	return message.type == IPC_CONTROL_FAILED ? fail(STATUS_UNAVAILABLE, "worker.ended: %.300s", message.text) : OK;
}

static enum status
wait_for(struct client *client, struct buffer *answer, bool *is_done) {
	int64_t left = client->end_ms - now_ms();
	if (left <= 0)
		return fail(STATUS_UNAVAILABLE, "worker.timeout: no answer came in time");
	struct pollfd polled[] = {
		{.fd = client->channel.descriptor,
		 .events = (short)(POLLIN | (ipc_wants_write(&client->channel) ? POLLOUT : 0))},
		{.fd = client->control, .events = POLLIN},
	};
	int ready = poll(polled, ARRAY_LENGTH(polled), left > 1000 ? 1000 : (int)left);
	if (ready < 0 && errno != EINTR)
		return fail_errno(STATUS_IO, "worker.poll");
	if (ready > 0 && polled[0].revents != 0) {
		TRY(ipc_flush(&client->channel));
		TRY(take_answer(client, answer, is_done));
	}
	return ready > 0 && polled[1].revents != 0 && !*is_done ? take_control(client) : OK;
}

enum status
worker_client_run(int program, struct bytes request, int64_t timeout_ms, struct buffer *answer) {
	_cleanup_(client_end) struct client client = {
		.control = -1, .channel = {.descriptor = -1}, .end_ms = now_ms() + timeout_ms};
	TRY(start(&client, program));
	TRY(send_request(&client, request));
	enum status status = ipc_flush(&client.channel);
	for (bool is_done = false; status == OK && !is_done;)
		status = wait_for(&client, answer, &is_done);
	return status;
}
