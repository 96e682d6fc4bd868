#include "cli/demo/hostile.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/ipc_control.h"
#include "base/ipc_messages.h"
#include "keys/root_key.h"
#include "supervisor/handover.h"
#include "supervisor/process.h"

constexpr int ANSWER_MS = 15'000;

/* --- The hostile process: takes requests over its link, one datagram each, and gives the keeper's answers back. --- */

static enum status
wait_for_answer(struct ipc_channel *channel, struct ipc_frame *frame) {
	for (;;) {
		bool found = true;
		while (found) {
			TRY(ipc_next(channel, frame, &found));
			if (found && frame->type == IPC_RESPONSE)
				return OK;
		}
		if (channel->closed)
			return fail(STATUS_UNAVAILABLE, "hostile.closed: the keeper has hung up");
		struct pollfd polled = {.fd = channel->descriptor, .events = POLLIN};
		if (poll(&polled, 1, ANSWER_MS) != 1)
			return fail(STATUS_UNAVAILABLE, "hostile.answer: none came");
		TRY(ipc_receive(channel));
	}
}

static enum status
relay(int link, int keeper) {
	_cleanup_(ipc_stop) struct ipc_channel channel = {.descriptor = -1};
	_cleanup_(buffer_free) struct buffer request = {};
	TRY(ipc_start(&channel, keeper, IPC_ROLE_GATEWAY, IPC_ROLE_KEEPER));
	if (!buffer_reserve(&request, IPC_PAYLOAD_MAX))
		return buffer_status(&request);
	for (uint64_t number = 1;; number++) {
		struct ipc_frame frame;
		ssize_t got = recv(link, request.data, IPC_PAYLOAD_MAX, 0);
		if (got <= 0)
			return OK;
		TRY(ipc_send(&channel, IPC_REQUEST, number, false, bytes_of(request.data, (size_t)got)));
		while (ipc_wants_write(&channel))
			TRY(ipc_flush(&channel));
		TRY(wait_for_answer(&channel, &frame));
		if (send(link, frame.payload.data, frame.payload.len, MSG_NOSIGNAL) < 0)
			return OK;
	}
}

/* Under the gateway's user where that can be; what it inherits beyond its two channels is closed. */
[[noreturn]] static void
be_hostile(uint32_t user, int link, int keeper, pid_t parent) {
	if (geteuid() == 0 && (setresgid(user, user, user) != 0 || setresuid(user, user, user) != 0))
		_exit(1);
	setpgid(0, 0);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		_exit(1);
	_exit(relay(link, keeper) == OK ? 0 : 1);
}

/* --- Starting and stopping. --- */

/* The descriptor is closed. */
static enum status
send_one(int control, struct ipc_control_message message, int descriptor) {
	message.descriptors[0] = descriptor;
	message.descriptor_count = 1;
	enum status status = ipc_control_send(control, &message);
	close(descriptor);
	return status;
}

static enum status
hand_over(const struct house *house, int control, int channel) {
	_cleanup_(secret_free) struct secret passphrase = {};
	int descriptor;
	TRY(handover_memory("gatehouse-configuration", house->config.source, &descriptor));
	TRY(send_one(control, (struct ipc_control_message){.type = IPC_CONTROL_CONFIG}, descriptor));
	TRY(secret_read_file(&passphrase, house->config.root_key.source, ROOT_KEY_GIVEN_MAX));
	TRY(handover_passphrase(secret_bytes(&passphrase), &descriptor));
	TRY(send_one(control, (struct ipc_control_message){.type = IPC_CONTROL_PASSPHRASE}, descriptor));
	TRY(send_one(control, (struct ipc_control_message){.type = IPC_CONTROL_CHANNEL, .peer = IPC_ROLE_GATEWAY},
		     channel));
	return ipc_control_send(control, &(struct ipc_control_message){.type = IPC_CONTROL_START});
}

static enum status
wait_until_ready(int control) {
	struct pollfd polled = {.fd = control, .events = POLLIN};
	struct ipc_control_message message;
	if (poll(&polled, 1, ANSWER_MS) != 1)
		return fail(STATUS_UNAVAILABLE, "hostile.keeper: it is not ready");
	TRY(ipc_control_receive(control, &message));
	ipc_control_close_descriptors(&message);
	return message.type == IPC_CONTROL_READY ? OK : fail(STATUS_UNAVAILABLE, "hostile.keeper: %s", message.text);
}

/* Its messages go where those of the other processes go. */
static enum status
spawn_keeper(const struct house *house, struct hostile *hostile) {
	struct process_start start = {.role = IPC_ROLE_KEEPER,
				      .program = house->program,
				      .user = geteuid() == 0 ? house->config.users[IPC_ROLE_KEEPER] : 0};
	int log = open(house->log, O_WRONLY | O_APPEND | O_CLOEXEC), own = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	enum status status = log < 0 || own < 0 || dup2(log, STDERR_FILENO) < 0
				     ? fail_errno(STATUS_IO, "hostile.log: %s", house->log)
				     : process_spawn(&start, &hostile->keeper, &hostile->control);
	if (own >= 0) {
		dup2(own, STDERR_FILENO);
		close(own);
	}
	if (log >= 0)
		close(log);
	return status;
}

enum status
hostile_start(struct house *house, struct hostile *hostile) {
	int channel[2], link[2];
	*hostile = (struct hostile){.control = -1, .link = -1};
	TRY(spawn_keeper(house, hostile));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) != 0)
		return fail_errno(STATUS_IO, "hostile.channel");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, link) != 0) {
		close(channel[0]);
		close(channel[1]);
		return fail_errno(STATUS_IO, "hostile.link");
	}
	hostile->link = link[0];
	pid_t parent = getpid();
	hostile->process = fork();
	if (hostile->process == 0) {
		close(link[0]);
		close(channel[1]);
		close(hostile->control);
		be_hostile(house->config.users[IPC_ROLE_GATEWAY], link[1], channel[0], parent);
	}
	close(link[1]);
	close(channel[0]);
	if (hostile->process < 0) {
		hostile->process = 0;
		close(channel[1]);
		return fail_errno(STATUS_IO, "hostile.fork");
	}
	TRY(hand_over(house, hostile->control, channel[1]));
	return wait_until_ready(hostile->control);
}

static void
end(pid_t *process) {
	for (int waited = 0; *process > 0 && waited < ANSWER_MS; waited += 10) {
		if (waitpid(*process, nullptr, WNOHANG) != 0) {
			*process = 0;
			return;
		}
		poll(nullptr, 0, 10);
	}
	if (*process > 0) {
		kill(*process, SIGKILL);
		waitpid(*process, nullptr, 0);
		*process = 0;
	}
}

void
hostile_stop(struct hostile *hostile) {
	if (hostile->control >= 0) {
		/* Where it cannot be told any more it has ended. */
		IGNORE_STATUS(
			ipc_control_send(hostile->control, &(struct ipc_control_message){.type = IPC_CONTROL_STOP}));
		end(&hostile->keeper);
		close(hostile->control);
	}
	if (hostile->link >= 0)
		close(hostile->link); /* ends the hostile process */
	end(&hostile->process);
	*hostile = (struct hostile){.control = -1, .link = -1};
}

/* --- Sending. --- */

static struct bytes
field(const struct http_request *request, const char *name) {
	for (size_t i = 0; i < request->field_count; i++) {
		struct bytes found = request->fields[i].name;
		if (found.len == strlen(name) && strncasecmp((const char *)found.data, name, found.len) == 0)
			return request->fields[i].value;
	}
	return (struct bytes){};
}

enum status
hostile_send(const struct hostile *hostile, struct arena *arena, const struct http_request *request,
	     const uint8_t source[4], struct connection_answer *answer) {
	_cleanup_(buffer_free) struct buffer payload = {};
	struct ipc_request sent = {.method = request->method,
				   .target = request->target,
				   .host = field(request, "host"),
				   .content_type = field(request, "content-type"),
				   .content_digest = field(request, "content-digest"),
				   .idempotency_key = field(request, "idempotency-key"),
				   .signature_input = field(request, "signature-input"),
				   .signature = field(request, "signature"),
				   .body = request->body,
				   .reported = {.peer_address = bytes_of(source, 4),
						.peer_port = 40'000,
						.tls_group = BYTES_OF_LITERAL("X25519MLKEM768")}};
	struct ipc_response response;
	ipc_write_request(&payload, &sent);
	TRY(buffer_status(&payload));
	struct pollfd polled = {.fd = hostile->link, .events = POLLIN};
	if (send(hostile->link, payload.data, payload.len, MSG_NOSIGNAL) < 0 || poll(&polled, 1, 2 * ANSWER_MS) != 1)
		return fail_errno(STATUS_UNAVAILABLE, "hostile.link");
	buffer_reset(&payload);
	if (!buffer_reserve(&payload, IPC_PAYLOAD_MAX))
		return buffer_status(&payload);
	ssize_t got = recv(hostile->link, payload.data, IPC_PAYLOAD_MAX, 0);
	if (got <= 0)
		return fail(STATUS_UNAVAILABLE, "hostile.answer: the keeper gave none");
	TRY(ipc_read_response(bytes_of(payload.data, (size_t)got), &response));
	*answer = (struct connection_answer){.status = response.status,
					     .content_type = arena_copy(arena, response.content_type),
					     .body = arena_copy(arena, response.body)};
	TRY_ALLOC(answer->content_type.data);
	TRY_ALLOC(answer->body.data);
	return OK;
}
