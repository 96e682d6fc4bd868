#include "supervisor/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "supervisor/confine.h"
#include "supervisor/handover.h"
#include "supervisor/internal.h"
#include "supervisor/notify.h"

constexpr int EXIT_INTERNAL = 4;
constexpr int64_t LOSS_GRACE_MS = 2'000; /* within it the process behind a lost channel is seen to end, or has not */

int64_t
supervisor_now_ms(void) {
	struct timespec now;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

static void
begin_stop(struct supervisor *supervisor) {
	if (supervisor->stopping)
		return;
	supervisor->stopping = true;
	log_notice("stopping");
	notify_send(supervisor->notify, "STOPPING=1");
	children_stop_next(supervisor);
}

/* --- Messages of the processes --- */

static void
take_ready(struct supervisor *supervisor, struct process *process, const struct ipc_control_message *message) {
	process->state = RUNNING;
	if (hand_confinement(supervisor, process, message) != OK)
		log_error("the gateway cannot be told how the %s is confined: %s", process_name(process),
			  fail_message());
	log_info("the %s is ready", process_name(process));
	for (size_t i = 0; i < supervisor->process_count; i++)
		if (supervisor->processes[i].state != RUNNING)
			return;
	if (!supervisor->ready) {
		notify_send(supervisor->notify, "READY=1");
		log_notice("all processes are ready");
	}
	supervisor->ready = true;
}

static void
take_failure(struct supervisor *supervisor, struct process *process, const struct ipc_control_message *message) {
	memcpy(process->last_words, message->text, sizeof process->last_words);
	/* Whoever takes over a process that strangers speak to must not end the installation with a word. */
	bool is_final = message->value == IPC_FAILED_FOR_GOOD && process->row->role == IPC_ROLE_KEEPER;
	if (!is_final && (message->value != IPC_FAILED_AT_START || supervisor->ready))
		return;
	/* At the start there is someone who reads this; later the back-off gives the cause time to pass, unless nothing
	 * of this installation may go on. */
	log_error("the %s cannot %s: %s", process_name(process), is_final ? "go on" : "start", message->text);
	supervisor->failed = true;
	begin_stop(supervisor);
}

/* The keeper has waited long enough for its answer: what the worker is at ends here. */
static void
take_lost_worker(struct supervisor *supervisor, const struct process *sender) {
	struct process *worker = child_of_role(supervisor, IPC_ROLE_WORKER);
	if (sender->row->role != IPC_ROLE_KEEPER || worker->state == STOPPED)
		return;
	log_error("the worker has not answered in time; it starts anew");
	kill(worker->pid, SIGKILL);
}

static void
take_message(struct supervisor *supervisor, struct process *process) {
	struct ipc_control_message message;
	if (ipc_control_receive(process->control, &message) != OK) {
		if (strncmp(fail_message(), "control.empty:", 14) == 0)
			return;
		/* It has closed its end: it is ending, or no longer what it should be. */
		kill(process->pid, SIGKILL);
		return;
	}
	ipc_control_close_descriptors(&message);
	switch (message.type) {
	case IPC_CONTROL_READY:
		take_ready(supervisor, process, &message);
		break;
	case IPC_CONTROL_FAILED:
		take_failure(supervisor, process, &message);
		break;
	case IPC_CONTROL_CHANNEL_LOST:
		if (message.peer == IPC_ROLE_WORKER)
			take_lost_worker(supervisor, process);
		else if (supervisor->check_loss_ms == 0)
			supervisor->check_loss_ms = supervisor_now_ms() + LOSS_GRACE_MS;
		break;
	default:
		log_error("the %s sent control message type %d", process_name(process), (int)message.type);
		kill(process->pid, SIGKILL);
	}
}

/* A channel that closed while both its ends live on: the gateway starts anew, which gives both a new one. */
static void
check_loss(struct supervisor *supervisor) {
	struct process *gateway = child_of_role(supervisor, IPC_ROLE_GATEWAY),
		       *keeper = child_of_role(supervisor, IPC_ROLE_KEEPER);
	int64_t lost_ms = supervisor->check_loss_ms - LOSS_GRACE_MS;
	supervisor->check_loss_ms = 0;
	if (gateway->state == STOPPED || gateway->is_renewed || keeper->state == STOPPED ||
	    keeper->started_ms >= lost_ms || gateway->started_ms >= lost_ms)
		return; /* the new channel went with the new process */
	log_error("gateway and keeper have lost each other; the gateway starts anew");
	kill(gateway->pid, SIGKILL);
}

/* --- Reload --- */

/* What it has begun it ends; whoever connects meanwhile waits until it is there again. */
static void
renew_gateway(struct supervisor *supervisor) {
	struct process *gateway = child_of_role(supervisor, IPC_ROLE_GATEWAY);
	if (gateway->state == STOPPED)
		return;
	log_notice("the peers have changed; the gateway starts anew");
	gateway->is_renewed = true;
	child_stop(gateway);
}

/* On an error everything is as it was. */
static enum status
reload(struct supervisor *supervisor) {
	if (supervisor->path == nullptr)
		return fail(STATUS_UNSUPPORTED, "supervisor.reload: the configuration came from no file");
	_cleanup_(config_free) struct config config = {};
	struct opened opened;
	TRY(config_read_file(supervisor->path, &config));
	TRY(config_check_reload(supervisor->config, &config));
	enum status status = opened_make(&config, supervisor->config, &supervisor->opened, &opened);
	if (status != OK) {
		opened_close(&opened);
		return status;
	}
	opened_close(&supervisor->opened);
	supervisor->opened = opened;
	struct config previous = *supervisor->config;
	*supervisor->config = config;
	config = previous;
	log_set_level(supervisor->config->log_level);
	if (hand_configuration(supervisor) == OK)
		log_notice("the configuration is reloaded");
	else
		log_error(
			"the configuration is reloaded, and not every process could be told; it is in force there when "
			"that process starts again: %s",
			fail_message());
	if (!config_has_same_peers(&config, supervisor->config))
		renew_gateway(supervisor);
	return OK;
}

/* --- The loop --- */

static void
take_signal(struct supervisor *supervisor) {
	struct signalfd_siginfo signal;
	if (read(supervisor->signals, &signal, sizeof signal) != sizeof signal)
		return;
	switch (signal.ssi_signo) {
	case SIGCHLD:
		children_reap(supervisor);
		break;
	case SIGHUP:
		notify_send(supervisor->notify, "STATUS=reloading");
		if (reload(supervisor) != OK)
			log_error("the reload is refused, everything stays as it is: %s", fail_message());
		notify_send(supervisor->notify, "STATUS=");
		break;
	default:
		begin_stop(supervisor);
	}
}

static int64_t
earlier(int64_t a, int64_t b) {
	return b != 0 && b < a ? b : a;
}

static int
time_until_next(const struct supervisor *supervisor) {
	int64_t now = supervisor_now_ms(), next = INT64_MAX;
	for (size_t i = 0; i < supervisor->process_count; i++) {
		const struct process *process = &supervisor->processes[i];
		next = earlier(next, process->state == STOPPED && !supervisor->stopping ? process->start_at_ms : 0);
		next = earlier(next, process->state != STOPPED ? process->stop_by_ms : 0);
	}
	next = earlier(next, supervisor->check_loss_ms);
	next = earlier(next, supervisor->next_watchdog_ms);
	if (next == INT64_MAX)
		return -1;
	return next <= now ? 0 : next - now > 60'000 ? 60'000 : (int)(next - now);
}

static void
do_what_is_due(struct supervisor *supervisor) {
	int64_t now = supervisor_now_ms();
	children_do_what_is_due(supervisor, now);
	if (supervisor->check_loss_ms != 0 && now >= supervisor->check_loss_ms)
		check_loss(supervisor);
	if (supervisor->next_watchdog_ms != 0 && now >= supervisor->next_watchdog_ms) {
		notify_send(supervisor->notify, "WATCHDOG=1");
		supervisor->next_watchdog_ms = now + supervisor->watchdog_ms;
	}
}

static void
run(struct supervisor *supervisor) {
	while (!supervisor->stopping || !children_are_stopped(supervisor)) {
		struct pollfd polled[1 + SUPERVISED_MAX] = {{.fd = supervisor->signals, .events = POLLIN}};
		for (size_t i = 0; i < supervisor->process_count; i++)
			polled[1 + i] = (struct pollfd){.fd = supervisor->processes[i].control, .events = POLLIN};
		int count = poll(polled, 1 + supervisor->process_count, time_until_next(supervisor));
		if (count < 0 && errno != EINTR) {
			log_error("poll: %s", strerror(errno));
			supervisor->failed = true;
			return;
		}
		/* Messages before the end of who sent them. */
		for (size_t i = 0; count > 0 && i < supervisor->process_count; i++)
			if (polled[1 + i].revents & (POLLIN | POLLHUP) && supervisor->processes[i].state != STOPPED)
				take_message(supervisor, &supervisor->processes[i]);
		if (count > 0 && polled[0].revents & POLLIN)
			take_signal(supervisor);
		do_what_is_due(supervisor);
	}
}

static enum status
take_signals(struct supervisor *supervisor) {
	sigset_t taken;
	sigemptyset(&taken);
	sigaddset(&taken, SIGTERM);
	sigaddset(&taken, SIGINT);
	sigaddset(&taken, SIGHUP);
	sigaddset(&taken, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &taken, nullptr) != 0)
		return fail_errno(STATUS_IO, "supervisor.signals");
	supervisor->signals = signalfd(-1, &taken, SFD_CLOEXEC);
	return supervisor->signals >= 0 ? OK : fail_errno(STATUS_IO, "supervisor.signals");
}

static enum status
keep_passphrase(struct supervisor *supervisor) {
	_cleanup_(secret_free) struct secret read = {};
	TRY(handover_read_passphrase(supervisor->config, &read));
	TRY(secret_region_create(&supervisor->protected, 1024, 1));
	uint8_t *slot = secret_region_take(supervisor->protected);
	memcpy(slot, read.data, read.len);
	supervisor->passphrase = bytes_of(slot, read.len);
	return OK;
}

/* Root would make the keeper's files its own and the keeper could not write them. */
static enum status
check_directory(const struct supervisor *supervisor, const char *path) {
	struct stat found;
	uint32_t keeper = supervisor->config->users[IPC_ROLE_KEEPER];
	if (stat(path, &found) != 0)
		return fail_errno(STATUS_NOT_FOUND, "supervisor.directory: %s", path);
	if (!S_ISDIR(found.st_mode))
		return fail(STATUS_INVALID, "supervisor.directory: %s is no directory", path);
	if (geteuid() == 0 && found.st_uid != keeper)
		return fail(STATUS_INVALID, "supervisor.directory: %s belongs to user %u, expected the keeper's, %u",
			    path, (unsigned)found.st_uid, keeper);
	return OK;
}

static enum status
start(struct supervisor *supervisor) {
	const struct config *config = supervisor->config;
	struct confinement confinement = {};
	TRY(check_directory(supervisor, config->data_directory));
	if (config->rollback_guard.kind == CONFIG_GUARD_PATH)
		TRY(check_directory(supervisor, config->rollback_guard.path));
	TRY(keep_passphrase(supervisor));
	TRY(take_signals(supervisor));
	/* The file itself, so that a restart runs what was started, whatever lies at its path by then. */
	supervisor->program = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	if (supervisor->program < 0)
		return fail_errno(STATUS_IO, "supervisor.program: /proc/self/exe");
	TRY(opened_make(config, config, &OPENED_NOTHING, &supervisor->opened)); /* closed by stop() in any case */
	if (config->peer_listener.address != nullptr)
		TRY(handover_listen(&config->peer_listener, &supervisor->peer_listener));
	struct confine_request request = {.role = IPC_ROLE_SUPERVISOR,
					  .read_write = {config->data_directory, config->rollback_guard.path},
					  .degraded_allowed = config->confinement_degraded};
	TRY(confine_enter(&request, &confinement));
	supervisor->confined = (struct ipc_control_message){.type = IPC_CONTROL_CONFINED, .peer = IPC_ROLE_SUPERVISOR};
	TRY(confine_describe(&confinement, &supervisor->confined));
	supervisor->watchdog_ms = notify_watchdog_interval_ms();
	if (supervisor->watchdog_ms > 0)
		supervisor->next_watchdog_ms = supervisor_now_ms() + supervisor->watchdog_ms;
	return children_start(supervisor);
}

static void
stop(struct supervisor *supervisor) {
	children_kill(supervisor);
	opened_close(&supervisor->opened);
	const int own[] = {supervisor->program, supervisor->signals, supervisor->notify, supervisor->peer_listener};
	for (size_t i = 0; i < ARRAY_LENGTH(own); i++)
		if (own[i] >= 0)
			close(own[i]);
	secret_region_destroy(&supervisor->protected);
	config_free(supervisor->config);
}

int
supervisor_main(struct config *config, const char *path) {
	struct supervisor supervisor = {.config = config,
					.path = path,
					.program = -1,
					.signals = -1,
					.notify = -1,
					.peer_listener = -1,
					.opened = OPENED_NOTHING};
	log_start("supervisor", config->log_level);
	children_choose(&supervisor);
	enum status status = notify_open(&supervisor.notify);
	if (status == OK)
		status = start(&supervisor);
	if (status == OK)
		run(&supervisor);
	else
		log_error("cannot start: %s", fail_message());
	stop(&supervisor);
	return status == OK && !supervisor.failed ? EXIT_SUCCESS : EXIT_INTERNAL;
}
