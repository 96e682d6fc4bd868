#include <sys/socket.h>
#include <unistd.h>

#include "supervisor/handover.h"
#include "supervisor/internal.h"

/* Who talks to whom. */
static const struct {
	enum ipc_role one, other;
} channels[] = {
	{IPC_ROLE_GATEWAY, IPC_ROLE_KEEPER},
	{IPC_ROLE_KEEPER, IPC_ROLE_FETCH},
	{IPC_ROLE_KEEPER, IPC_ROLE_WORKER},
};

static enum status
send_descriptor(const struct process *process, enum ipc_control_type type, enum ipc_role peer, int descriptor) {
	struct ipc_control_message message = {
		.type = type, .peer = peer, .descriptors = {descriptor}, .descriptor_count = 1};
	return ipc_control_send(process->control, &message);
}

enum status
hand_plain(const struct process *process, enum ipc_control_type type, uint32_t value) {
	return ipc_control_send(process->control, &(struct ipc_control_message){.type = type, .value = value});
}

static enum status
send_passphrase(const struct supervisor *supervisor, const struct process *process) {
	int descriptor;
	TRY(handover_passphrase(supervisor->passphrase, &descriptor));
	enum status status = send_descriptor(process, IPC_CONTROL_PASSPHRASE, IPC_ROLE_NONE, descriptor);
	close(descriptor);
	return status;
}

static enum status
send_listeners(const struct supervisor *supervisor, const struct process *process) {
	struct ipc_control_message message = {.type = IPC_CONTROL_LISTENERS,
					      .descriptor_count = supervisor->opened.listener_count};
	static_assert(CONFIG_LISTENERS_MAX <= IPC_CONTROL_DESCRIPTORS);
	memcpy(message.descriptors, supervisor->opened.listeners, supervisor->opened.listener_count * sizeof(int));
	return ipc_control_send(process->control, &message);
}

static enum status
send_tls(const struct supervisor *supervisor, const struct process *process) {
	struct ipc_control_message message = {.type = IPC_CONTROL_TLS,
					      .descriptors = {supervisor->opened.certificate, supervisor->opened.key},
					      .descriptor_count = 2};
	return ipc_control_send(process->control, &message);
}

enum status
hand_confinement(struct supervisor *supervisor, struct process *process, const struct ipc_control_message *ready) {
	const struct process *gateway = child_of_role(supervisor, IPC_ROLE_GATEWAY);
	struct ipc_control_message confined = {
		.type = IPC_CONTROL_CONFINED, .peer = process->row->role, .value = ready->value};
	memcpy(confined.text, ready->text, sizeof confined.text);
	/* The worker is ready again after each piece of work, and the gateway may be one that takes nothing. */
	bool is_new = memcmp(&confined, &process->confined, sizeof confined) != 0;
	process->confined = confined;
	if (process != gateway)
		return is_new && gateway->state == RUNNING ? ipc_control_send(gateway->control, &confined) : OK;
	TRY(ipc_control_send(gateway->control, &supervisor->confined));
	for (size_t i = 0; i < supervisor->process_count; i++) {
		const struct process *other = &supervisor->processes[i];
		if (other != gateway && other->confined.type != IPC_CONTROL_NONE)
			TRY(ipc_control_send(gateway->control, &other->confined));
	}
	return OK;
}

static enum status
connect_pair(const struct process *one, const struct process *other) {
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return fail_errno(STATUS_IO, "supervisor.channel: %s to %s", process_name(one), process_name(other));
	enum status status = send_descriptor(one, IPC_CONTROL_CHANNEL, other->row->role, pair[0]);
	if (status == OK)
		status = send_descriptor(other, IPC_CONTROL_CHANNEL, one->row->role, pair[1]);
	close(pair[0]);
	close(pair[1]);
	return status;
}

enum status
hand_channels(struct supervisor *supervisor, const struct process *process) {
	for (size_t i = 0; i < ARRAY_LENGTH(channels); i++) {
		const struct process *one = child_of_role(supervisor, channels[i].one);
		const struct process *other = child_of_role(supervisor, channels[i].other);
		if (one != nullptr && other != nullptr && (process == nullptr || one == process || other == process) &&
		    one->state != STOPPED && other->state != STOPPED)
			TRY(connect_pair(one, other));
	}
	return OK;
}

/* Together: what comes without a local bundle says that there is none. */
static enum status
send_configuration(const struct supervisor *supervisor, const struct process *process) {
	if (process->row->role == IPC_ROLE_KEEPER && supervisor->opened.local_bundle >= 0)
		TRY(send_descriptor(process, IPC_CONTROL_LOCAL_BUNDLE, IPC_ROLE_NONE, supervisor->opened.local_bundle));
	return send_descriptor(process, IPC_CONTROL_CONFIG, IPC_ROLE_NONE, supervisor->opened.configuration);
}

enum status
hand_over(struct supervisor *supervisor, const struct process *process) {
	TRY(send_configuration(supervisor, process));
	if (process->row->handed & HANDED_PASSPHRASE)
		TRY(send_passphrase(supervisor, process));
	if (process->row->handed & HANDED_TLS)
		TRY(send_tls(supervisor, process));
	if (process->row->handed & HANDED_LISTENERS)
		TRY(send_listeners(supervisor, process));
	if (process->row->handed & HANDED_LISTENERS && supervisor->peer_listener >= 0)
		TRY(send_descriptor(process, IPC_CONTROL_PEER_LISTENER, IPC_ROLE_NONE, supervisor->peer_listener));
	return OK;
}

enum status
hand_configuration(struct supervisor *supervisor) {
	for (size_t i = 0; i < supervisor->process_count; i++) {
		const struct process *process = &supervisor->processes[i];
		if (process->state == STOPPED)
			continue;
		if (process->row->handed & HANDED_TLS)
			TRY(send_tls(supervisor, process));
		if (process->row->handed & HANDED_LISTENERS)
			TRY(send_listeners(supervisor, process));
		if (process->row->role == IPC_ROLE_KEEPER)
			TRY(send_configuration(supervisor, process));
		TRY(hand_plain(process, IPC_CONTROL_LOG_LEVEL, (uint32_t)supervisor->config->log_level));
	}
	return OK;
}
