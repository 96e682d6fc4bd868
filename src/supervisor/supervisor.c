#include "supervisor/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "supervisor/confine.h"
#include "supervisor/handover.h"
#include "supervisor/notify.h"
#include "supervisor/process.h"

constexpr int EXIT_INTERNAL = 4;
constexpr int64_t BACK_OFF_FIRST_MS = 100;
constexpr int64_t BACK_OFF_MAX_MS = 30'000;
constexpr int64_t STEADY_MS = 60'000;    /* a process that ran so long starts its back-off anew */
constexpr int64_t LOSS_GRACE_MS = 2'000; /* within it the process behind a lost channel is seen to end, or has not */
constexpr int64_t STOP_MS = 15'000;      /* for a process that was told to stop */

static bool
needs_fetch(const struct config *config) {
	return config->rollback_guard.kind == CONFIG_GUARD_WITNESS || config->notification_count > 0;
}

/* What a process is handed beside configuration and channels. */
enum handed { HANDED_PASSPHRASE = 1 << 0, HANDED_LISTENERS = 1 << 1, HANDED_TLS = 1 << 2 };

static const struct process_row {
	enum ipc_role role;
	unsigned handed;
	bool needs_network;
	bool (*is_needed)(const struct config *config); /* null: always */
	bool ends_when_done;                            /* and is started anew at once, without being a failure */
} rows[] = {
	/* In the order in which they are told to stop. */
	{IPC_ROLE_GATEWAY, HANDED_LISTENERS | HANDED_TLS, true, nullptr, false},
	{IPC_ROLE_KEEPER, HANDED_PASSPHRASE, false, nullptr, false},
	{IPC_ROLE_FETCH, 0, true, needs_fetch, false},
	{IPC_ROLE_WORKER, 0, false, nullptr, true},
};
constexpr size_t PROCESSES = ARRAY_LENGTH(rows);

/* Who talks to whom. */
static const struct {
	enum ipc_role one, other;
} channels[] = {
	{IPC_ROLE_GATEWAY, IPC_ROLE_KEEPER},
	{IPC_ROLE_KEEPER, IPC_ROLE_FETCH},
	{IPC_ROLE_KEEPER, IPC_ROLE_WORKER},
};

enum process_state { STOPPED, STARTING, RUNNING };

struct process {
	const struct process_row *row;
	enum process_state state;
	pid_t pid;
	int control;
	int64_t started_ms;
	int64_t start_at_ms;                   /* when stopped: when to start it again */
	int64_t stop_by_ms;                    /* told to stop: when to kill it; 0: not told */
	unsigned failures;                     /* in a row */
	bool is_renewed;                       /* told to stop, to start again with what has changed */
	char last_words[IPC_CONTROL_TEXT_MAX]; /* of FAILED */
};

struct supervisor {
	struct config *config;
	const char *path;
	struct process processes[PROCESSES]; /* those that the configuration needed at the start */
	size_t process_count;
	int program;
	int signals;
	int notify;
	int64_t watchdog_ms, next_watchdog_ms;
	int listeners[CONFIG_LISTENERS_MAX];
	size_t listener_count;
	int peer_listener;    /* −1: none */
	int certificate, key; /* PEM, as handed on */
	int configuration;    /* memory with config->source */
	int local_bundle;     /* memory with the keeper's local bundle; −1: none */
	struct secret_region *protected;
	struct bytes passphrase; /* in the region */
	int64_t check_loss_ms;   /* when to see whether the keeper has outlived its channel; 0: no loss is open */
	bool ready;              /* was told to the manager */
	bool stopping;
	bool failed;
};

static int64_t
now_ms(void) {
	struct timespec now;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

static struct process *
process_of(struct supervisor *supervisor, enum ipc_role role) {
	for (size_t i = 0; i < supervisor->process_count; i++)
		if (supervisor->processes[i].row->role == role)
			return &supervisor->processes[i];
	return nullptr;
}

static const char *
name_of(const struct process *process) {
	return ipc_role_name(process->row->role);
}

/* --- Handing over --- */

static enum status
send_descriptor(const struct process *process, enum ipc_control_type type, enum ipc_role peer, int descriptor) {
	struct ipc_control_message message = {
		.type = type, .peer = peer, .descriptors = {descriptor}, .descriptor_count = 1};
	return ipc_control_send(process->control, &message);
}

static enum status
send_plain(const struct process *process, enum ipc_control_type type, uint32_t value) {
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
					      .descriptor_count = supervisor->listener_count};
	static_assert(CONFIG_LISTENERS_MAX <= IPC_CONTROL_DESCRIPTORS);
	memcpy(message.descriptors, supervisor->listeners, supervisor->listener_count * sizeof(int));
	return ipc_control_send(process->control, &message);
}

static enum status
send_tls(const struct supervisor *supervisor, const struct process *process) {
	struct ipc_control_message message = {.type = IPC_CONTROL_TLS,
					      .descriptors = {supervisor->certificate, supervisor->key},
					      .descriptor_count = 2};
	return ipc_control_send(process->control, &message);
}

static enum status
connect_pair(const struct process *one, const struct process *other) {
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return fail_errno(STATUS_IO, "supervisor.channel: %s to %s", name_of(one), name_of(other));
	enum status status = send_descriptor(one, IPC_CONTROL_CHANNEL, other->row->role, pair[0]);
	if (status == OK)
		status = send_descriptor(other, IPC_CONTROL_CHANNEL, one->row->role, pair[1]);
	close(pair[0]);
	close(pair[1]);
	return status;
}

/* New channels to every process that this one works with and that is there. */
static enum status
send_channels(struct supervisor *supervisor, const struct process *process) {
	for (size_t i = 0; i < ARRAY_LENGTH(channels); i++) {
		const struct process *one = process_of(supervisor, channels[i].one);
		const struct process *other = process_of(supervisor, channels[i].other);
		if (one != nullptr && other != nullptr && (one == process || other == process) &&
		    one->state != STOPPED && other->state != STOPPED)
			TRY(connect_pair(one, other));
	}
	return OK;
}

/* Together: what comes without a local bundle says that there is none. */
static enum status
send_configuration(const struct supervisor *supervisor, const struct process *process) {
	if (process->row->role == IPC_ROLE_KEEPER && supervisor->local_bundle >= 0)
		TRY(send_descriptor(process, IPC_CONTROL_LOCAL_BUNDLE, IPC_ROLE_NONE, supervisor->local_bundle));
	return send_descriptor(process, IPC_CONTROL_CONFIG, IPC_ROLE_NONE, supervisor->configuration);
}

static enum status
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

/* --- Starting and ending --- */

static enum status
spawn(struct supervisor *supervisor, struct process *process) {
	struct process_start start = {
		.role = process->row->role,
		.program = supervisor->program,
		.user = geteuid() == 0 ? supervisor->config->users[process->row->role] : 0,
		.needs_network = process->row->needs_network,
	};
	TRY(process_spawn(&start, &process->pid, &process->control));
	process->state = STARTING;
	process->started_ms = now_ms();
	process->stop_by_ms = 0;
	process->last_words[0] = '\0';
	log_info("started the %s as process %d", name_of(process), (int)process->pid);
	return OK;
}

/* A failure to hand over is a process that ended at once: its end comes with SIGCHLD. */
static void
start_process(struct supervisor *supervisor, struct process *process) {
	enum status status = spawn(supervisor, process);
	if (status == OK)
		status = hand_over(supervisor, process);
	if (status == OK)
		status = send_channels(supervisor, process);
	if (status == OK)
		status = send_plain(process, IPC_CONTROL_START, 0);
	if (status == OK)
		return;
	log_error("the %s could not be started: %s", name_of(process), fail_message());
	if (process->state == STOPPED)
		process->start_at_ms = now_ms() + BACK_OFF_MAX_MS;
	else
		kill(process->pid, SIGKILL);
}

/* All are there before any is started in earnest: each gets its channels before the word to start. */
static enum status
start_all(struct supervisor *supervisor) {
	for (size_t i = 0; i < supervisor->process_count; i++) {
		TRY(spawn(supervisor, &supervisor->processes[i]));
		TRY(hand_over(supervisor, &supervisor->processes[i]));
	}
	for (size_t i = 0; i < ARRAY_LENGTH(channels); i++) {
		const struct process *one = process_of(supervisor, channels[i].one);
		const struct process *other = process_of(supervisor, channels[i].other);
		if (one != nullptr && other != nullptr)
			TRY(connect_pair(one, other));
	}
	for (size_t i = 0; i < supervisor->process_count; i++)
		TRY(send_plain(&supervisor->processes[i], IPC_CONTROL_START, 0));
	return OK;
}

static void
stop_process(struct process *process) {
	if (process->state == STOPPED || process->stop_by_ms != 0)
		return;
	process->stop_by_ms = now_ms() + STOP_MS;
	if (send_plain(process, IPC_CONTROL_STOP, 0) != OK)
		kill(process->pid, SIGKILL);
}

/* One after the other: the gateway has answered what it can before the keeper is told. */
static void
stop_next(struct supervisor *supervisor) {
	for (size_t i = 0; i < supervisor->process_count; i++)
		if (supervisor->processes[i].state != STOPPED) {
			stop_process(&supervisor->processes[i]);
			return;
		}
}

static void
begin_stop(struct supervisor *supervisor) {
	if (supervisor->stopping)
		return;
	supervisor->stopping = true;
	log_notice("stopping");
	notify_send(supervisor->notify, "STOPPING=1");
	stop_next(supervisor);
}

static bool
all_stopped(const struct supervisor *supervisor) {
	for (size_t i = 0; i < supervisor->process_count; i++)
		if (supervisor->processes[i].state != STOPPED)
			return false;
	return true;
}

static int64_t
back_off_ms(const struct process *process) {
	unsigned doublings = process->failures > 9 ? 9 : process->failures;
	int64_t delay = BACK_OFF_FIRST_MS << doublings;
	return delay > BACK_OFF_MAX_MS ? BACK_OFF_MAX_MS : delay;
}

static void
note_end(struct supervisor *supervisor, struct process *process, int status) {
	close(process->control);
	process->control = -1;
	process->state = STOPPED;
	if (supervisor->stopping) {
		stop_next(supervisor);
		return;
	}
	bool is_renewed = process->is_renewed;
	process->is_renewed = false;
	if ((process->row->ends_when_done || is_renewed) && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		process->failures = 0;
		process->start_at_ms = now_ms();
		return;
	}
	char how[64];
	if (WIFSIGNALED(status))
		snprintf(how, sizeof how, "signal %d", WTERMSIG(status));
	else
		snprintf(how, sizeof how, "exit status %d", WEXITSTATUS(status));
	if (now_ms() - process->started_ms >= STEADY_MS)
		process->failures = 0;
	int64_t delay = back_off_ms(process);
	process->failures++;
	process->start_at_ms = now_ms() + delay;
	log_error("the %s ended (%s)%s%s; it starts again in %lld ms", name_of(process), how,
		  process->last_words[0] == '\0' ? "" : ": ", process->last_words, (long long)delay);
}

static void
reap(struct supervisor *supervisor) {
	int status;
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
		for (size_t i = 0; i < supervisor->process_count; i++)
			if (supervisor->processes[i].pid == pid && supervisor->processes[i].state != STOPPED)
				note_end(supervisor, &supervisor->processes[i], status);
}

/* --- Messages of the processes --- */

static void
take_ready(struct supervisor *supervisor, struct process *process) {
	process->state = RUNNING;
	log_info("the %s is ready", name_of(process));
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
	log_error("the %s cannot %s: %s", name_of(process), is_final ? "go on" : "start", message->text);
	supervisor->failed = true;
	begin_stop(supervisor);
}

/* The keeper has waited long enough for its answer: what the worker is at ends here. */
static void
take_lost_worker(struct supervisor *supervisor, const struct process *sender) {
	struct process *worker = process_of(supervisor, IPC_ROLE_WORKER);
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
		take_ready(supervisor, process);
		break;
	case IPC_CONTROL_FAILED:
		take_failure(supervisor, process, &message);
		break;
	case IPC_CONTROL_CHANNEL_LOST:
		if (message.peer == IPC_ROLE_WORKER)
			take_lost_worker(supervisor, process);
		else if (supervisor->check_loss_ms == 0)
			supervisor->check_loss_ms = now_ms() + LOSS_GRACE_MS;
		break;
	default:
		log_error("the %s sent control message type %d", name_of(process), (int)message.type);
		kill(process->pid, SIGKILL);
	}
}

/* A channel that closed while both its ends live on: the gateway starts anew, which gives both a new one. */
static void
check_loss(struct supervisor *supervisor) {
	struct process *gateway = process_of(supervisor, IPC_ROLE_GATEWAY),
		       *keeper = process_of(supervisor, IPC_ROLE_KEEPER);
	int64_t lost_ms = supervisor->check_loss_ms - LOSS_GRACE_MS;
	supervisor->check_loss_ms = 0;
	if (gateway->state == STOPPED || gateway->is_renewed || keeper->state == STOPPED ||
	    keeper->started_ms >= lost_ms || gateway->started_ms >= lost_ms)
		return; /* the new channel went with the new process */
	log_error("gateway and keeper have lost each other; the gateway starts anew");
	kill(gateway->pid, SIGKILL);
}

/* --- Reload --- */

static enum status
find_listener(const struct supervisor *supervisor, const struct config_listener *wanted, int *descriptor) {
	const struct config *config = supervisor->config;
	for (size_t i = 0; i < config->listener_count; i++)
		if (config->listeners[i].port == wanted->port &&
		    strcmp(config->listeners[i].address, wanted->address) == 0) {
			*descriptor = fcntl(supervisor->listeners[i], F_DUPFD_CLOEXEC, 0);
			return *descriptor >= 0 ? OK : fail_errno(STATUS_IO, "supervisor.listener");
		}
	return handover_listen(wanted, descriptor);
}

static void
close_all(int *descriptors, size_t count) {
	for (size_t i = 0; i < count; i++)
		if (descriptors[i] >= 0)
			close(descriptors[i]);
}

/* What a configuration needs open, made before anything is swapped. */
struct prepared {
	int listeners[CONFIG_LISTENERS_MAX];
	size_t listener_count;
	int certificate, key, configuration, local_bundle;
};

static void
prepared_close(struct prepared *prepared) {
	close_all(prepared->listeners, prepared->listener_count);
	close_all((int[]){prepared->certificate, prepared->key, prepared->configuration, prepared->local_bundle}, 4);
}

static enum status
prepare(const struct supervisor *supervisor, const struct config *config, struct prepared *prepared) {
	*prepared = (struct prepared){.certificate = -1, .key = -1, .configuration = -1, .local_bundle = -1};
	for (size_t i = 0; i < config->listener_count; i++) {
		TRY(supervisor->listener_count == 0
			    ? handover_listen(&config->listeners[i], &prepared->listeners[i])
			    : find_listener(supervisor, &config->listeners[i], &prepared->listeners[i]));
		prepared->listener_count++;
	}
	TRY(handover_tls(config, &prepared->certificate, &prepared->key));
	TRY(handover_local_bundle(config, &prepared->local_bundle));
	return handover_memory("gatehouse-configuration", config->source, &prepared->configuration);
}

static void
install(struct supervisor *supervisor, const struct prepared *prepared) {
	memcpy(supervisor->listeners, prepared->listeners, sizeof supervisor->listeners);
	supervisor->listener_count = prepared->listener_count;
	supervisor->certificate = prepared->certificate;
	supervisor->key = prepared->key;
	supervisor->configuration = prepared->configuration;
	supervisor->local_bundle = prepared->local_bundle;
}

static struct prepared
installed(const struct supervisor *supervisor) {
	struct prepared prepared = {.listener_count = supervisor->listener_count,
				    .certificate = supervisor->certificate,
				    .key = supervisor->key,
				    .configuration = supervisor->configuration,
				    .local_bundle = supervisor->local_bundle};
	memcpy(prepared.listeners, supervisor->listeners, sizeof prepared.listeners);
	return prepared;
}

/* Each process is told what it has to do with; the keeper records the new configuration's hash. */
static enum status
announce(struct supervisor *supervisor) {
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
		TRY(send_plain(process, IPC_CONTROL_LOG_LEVEL, (uint32_t)supervisor->config->log_level));
	}
	return OK;
}

/* What it has begun it ends; whoever connects meanwhile waits until it is there again. */
static void
renew_gateway(struct supervisor *supervisor) {
	struct process *gateway = process_of(supervisor, IPC_ROLE_GATEWAY);
	if (gateway->state == STOPPED)
		return;
	log_notice("the peers have changed; the gateway starts anew");
	gateway->is_renewed = true;
	stop_process(gateway);
}

/* On an error everything is as it was. */
static enum status
reload(struct supervisor *supervisor) {
	if (supervisor->path == nullptr)
		return fail(STATUS_UNSUPPORTED, "supervisor.reload: the configuration came from no file");
	_cleanup_(config_free) struct config config = {};
	struct prepared prepared;
	TRY(config_read_file(supervisor->path, &config));
	TRY(config_check_reload(supervisor->config, &config));
	enum status status = prepare(supervisor, &config, &prepared);
	if (status != OK) {
		prepared_close(&prepared);
		return status;
	}
	struct prepared old = installed(supervisor);
	prepared_close(&old);
	install(supervisor, &prepared);
	struct config previous = *supervisor->config;
	*supervisor->config = config;
	config = previous;
	log_set_level(supervisor->config->log_level);
	if (announce(supervisor) == OK)
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
		reap(supervisor);
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
	int64_t now = now_ms(), next = INT64_MAX;
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
	int64_t now = now_ms();
	for (size_t i = 0; i < supervisor->process_count; i++) {
		struct process *process = &supervisor->processes[i];
		if (process->state == STOPPED && !supervisor->stopping && now >= process->start_at_ms)
			start_process(supervisor, process);
		else if (process->state != STOPPED && process->stop_by_ms != 0 && now >= process->stop_by_ms) {
			log_error("the %s did not stop in time", name_of(process));
			process->stop_by_ms = now + STOP_MS;
			kill(process->pid, SIGKILL);
		}
	}
	if (supervisor->check_loss_ms != 0 && now >= supervisor->check_loss_ms)
		check_loss(supervisor);
	if (supervisor->next_watchdog_ms != 0 && now >= supervisor->next_watchdog_ms) {
		notify_send(supervisor->notify, "WATCHDOG=1");
		supervisor->next_watchdog_ms = now + supervisor->watchdog_ms;
	}
}

static void
run(struct supervisor *supervisor) {
	while (!supervisor->stopping || !all_stopped(supervisor)) {
		struct pollfd polled[1 + PROCESSES] = {{.fd = supervisor->signals, .events = POLLIN}};
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
	struct prepared prepared;
	struct confinement confinement;
	TRY(check_directory(supervisor, config->data_directory));
	if (config->rollback_guard.kind == CONFIG_GUARD_PATH)
		TRY(check_directory(supervisor, config->rollback_guard.path));
	TRY(keep_passphrase(supervisor));
	TRY(take_signals(supervisor));
	/* The file itself, so that a restart runs what was started, whatever lies at its path by then. */
	supervisor->program = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	if (supervisor->program < 0)
		return fail_errno(STATUS_IO, "supervisor.program: /proc/self/exe");
	enum status status = prepare(supervisor, config, &prepared);
	install(supervisor, &prepared); /* closed by stop() in any case */
	TRY(status);
	if (config->peer_listener.address != nullptr)
		TRY(handover_listen(&config->peer_listener, &supervisor->peer_listener));
	struct confine_request request = {.role = IPC_ROLE_SUPERVISOR,
					  .degraded_allowed = config->confinement_degraded};
	TRY(confine_enter(&request, &confinement));
	supervisor->watchdog_ms = notify_watchdog_interval_ms();
	if (supervisor->watchdog_ms > 0)
		supervisor->next_watchdog_ms = now_ms() + supervisor->watchdog_ms;
	return start_all(supervisor);
}

static void
stop(struct supervisor *supervisor) {
	for (size_t i = 0; i < supervisor->process_count; i++) {
		struct process *process = &supervisor->processes[i];
		if (process->state == STOPPED)
			continue;
		kill(process->pid, SIGKILL);
		waitpid(process->pid, nullptr, 0);
		close(process->control);
	}
	struct prepared open = installed(supervisor);
	prepared_close(&open);
	close_all((int[]){supervisor->program, supervisor->signals, supervisor->notify, supervisor->peer_listener}, 4);
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
					.certificate = -1,
					.key = -1,
					.configuration = -1,
					.local_bundle = -1};
	log_start("supervisor", config->log_level);
	for (size_t i = 0; i < PROCESSES; i++)
		if (rows[i].is_needed == nullptr || rows[i].is_needed(config))
			supervisor.processes[supervisor.process_count++] =
				(struct process){.row = &rows[i], .control = -1};
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
