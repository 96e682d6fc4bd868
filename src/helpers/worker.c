#include "helpers/worker.h"

#include <errno.h>
#include <poll.h>
#include <sys/resource.h>

#include "base/ipc_messages.h"
#include "base/log.h"
#include "policy/prove/z3_library.h"
#include "policy/work.h"
#include "supervisor/child.h"
#include "supervisor/confine.h"

constexpr rlim_t CPU_SECONDS = 60;
constexpr rlim_t MEMORY_BYTES = UINT64_C(2) << 30;

struct worker_process {
	struct child child;
	bool degraded_allowed; /* without a configuration a person runs it, to whom the confinement's lack is said */
	struct config config;
	struct confinement confinement;
	struct ipc_channel channel;
	bool has_channel, is_done;
};

/* --- The work --- */

static enum status
answer(struct worker_process *process, const struct ipc_frame *frame) {
	_cleanup_(buffer_free) struct buffer document = {};
	struct ipc_work work;
	struct buffer *payload;
	if (frame->type != IPC_WORK)
		return fail(STATUS_INVALID, "worker.direction: frame type %d from the keeper", (int)frame->type);
	TRY(ipc_read_work(frame->payload, &work));
	TRY(work_perform(work.document, &document));
	TRY(ipc_begin(&process->channel, IPC_WORKED, frame->request, false, &payload));
	ipc_write_work(payload, &(struct ipc_work){buffer_bytes(&document)});
	process->is_done = true;
	return ipc_end(&process->channel);
}

/* --- Control --- */

static enum status
take_channel(struct worker_process *process, struct ipc_control_message *message) {
	if (message->peer != IPC_ROLE_KEEPER)
		return fail(STATUS_INVALID, "worker.channel: to the %s", ipc_role_name(message->peer));
	ipc_stop(&process->channel);
	process->has_channel = true;
	int descriptor = message->descriptors[0];
	message->descriptors[0] = -1;
	return ipc_start(&process->channel, descriptor, IPC_ROLE_WORKER, IPC_ROLE_KEEPER);
}

static enum status
take(void *context, struct ipc_control_message *message) {
	struct worker_process *process = context;
	switch (message->type) {
	case IPC_CONTROL_CONFIG:
		TRY(child_parse_config(message->descriptors[0], &process->config));
		process->degraded_allowed = process->config.confinement_degraded;
		return OK;
	case IPC_CONTROL_CHANNEL:
		return take_channel(process, message);
	default: /* what is not for this process */
		return OK;
	}
}

/* --- The process --- */

static enum status
limit(int resource, rlim_t most) {
	struct rlimit limits;
	if (getrlimit((__rlimit_resource_t)resource, &limits) != 0)
		return fail_errno(STATUS_IO, "worker.limit");
	if (limits.rlim_max != RLIM_INFINITY && limits.rlim_max < most)
		most = limits.rlim_max;
	limits = (struct rlimit){most, most};
	return setrlimit((__rlimit_resource_t)resource, &limits) == 0 ? OK : fail_errno(STATUS_IO, "worker.limit");
}

static enum status
limit_resources(void) {
	TRY(limit(RLIMIT_CPU, CPU_SECONDS));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
	return OK; /* their shadows are larger than any limit */
#endif
#endif
	TRY(limit(RLIMIT_AS, MEMORY_BYTES));
#endif
	return OK;
}

static enum status
take_frames(struct worker_process *process) {
	struct ipc_frame frame;
	bool found = true;
	while (!process->is_done) {
		TRY(ipc_next(&process->channel, &frame, &found));
		if (!found)
			return OK;
		TRY(answer(process, &frame));
	}
	return OK;
}

/* A channel that closed is waited for anew: the keeper may be starting. */
static enum status
serve_channel(struct worker_process *process) {
	enum status status = ipc_receive(&process->channel);
	if (status == OK)
		status = take_frames(process);
	if (status == OK)
		status = ipc_flush(&process->channel);
	if (!process->channel.closed && status != STATUS_UNAVAILABLE)
		return status;
	ipc_stop(&process->channel);
	process->has_channel = false;
	process->child.stopping |= process->is_done;
	return OK;
}

static enum status
serve(struct worker_process *process) {
	struct pollfd polled[2] = {{.fd = process->child.control, .events = POLLIN}, {.fd = -1}};
	if (process->has_channel)
		polled[1] =
			(struct pollfd){.fd = process->channel.descriptor,
					.events = (short)(POLLIN | (ipc_wants_write(&process->channel) ? POLLOUT : 0))};
	int ready = poll(polled, ARRAY_LENGTH(polled), -1);
	if (ready < 0 && errno != EINTR)
		return fail_errno(STATUS_IO, "worker.poll");
	if (ready > 0 && polled[1].revents != 0)
		TRY(serve_channel(process));
	if (ready > 0 && polled[0].revents != 0)
		TRY(child_take_control(&process->child));
	if (process->is_done && process->has_channel && !ipc_wants_write(&process->channel))
		process->child.stopping = true;
	return OK;
}

static enum status
run(struct worker_process *process) {
	const struct z3_library *library;
	while (!process->child.started)
		TRY(child_take_control(&process->child));
	log_start("worker", process->config.log_level);
	TRY(z3_library_load(&library)); /* the last file that is read */
	TRY(limit_resources());
	struct confine_request confine = {.role = IPC_ROLE_WORKER, .degraded_allowed = process->degraded_allowed};
	TRY(confine_enter(&confine, &process->confinement));
	TRY(child_ready(&process->child, &process->confinement));
	if (process->has_channel)
		TRY(serve_channel(process)); /* the hello */
	while (!process->child.stopping)
		TRY(serve(process));
	return OK;
}

int
worker_main(int control) {
	struct worker_process process = {.degraded_allowed = true, .channel = {.descriptor = -1}};
	process.config.log_level = LOG_LEVEL_WARNING;
	process.child = (struct child){.name = "worker", .control = control, .take = take, .context = &process};
	child_begin(&process.child);
	int exit_status = child_end(&process.child, run(&process), IPC_FAILED_FOR_NOW);
	ipc_stop(&process.channel);
	config_free(&process.config);
	return exit_status;
}
