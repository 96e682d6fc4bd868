#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "supervisor/internal.h"
#include "supervisor/process.h"

constexpr int64_t BACK_OFF_FIRST_MS = 100;
constexpr int64_t BACK_OFF_MAX_MS = 30'000;
constexpr int64_t STEADY_MS = 60'000; /* a process that ran so long starts its back-off anew */
constexpr int64_t STOP_MS = 15'000;   /* for a process that was told to stop */

static bool
needs_fetch(const struct config *config) {
	return config->rollback_guard.kind == CONFIG_GUARD_WITNESS || config->notification_count > 0;
}

static const struct process_row rows[] = {
	/* In the order in which they are told to stop. */
	{IPC_ROLE_GATEWAY, HANDED_LISTENERS | HANDED_TLS, true, nullptr, false},
	{IPC_ROLE_KEEPER, HANDED_PASSPHRASE, false, nullptr, false},
	{IPC_ROLE_FETCH, 0, true, needs_fetch, false},
	{IPC_ROLE_WORKER, 0, false, nullptr, true},
};
static_assert(ARRAY_LENGTH(rows) <= SUPERVISED_MAX);

void
children_choose(struct supervisor *supervisor) {
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
		if (rows[i].is_needed == nullptr || rows[i].is_needed(supervisor->config))
			supervisor->processes[supervisor->process_count++] =
				(struct process){.row = &rows[i], .control = -1};
}

struct process *
child_of_role(struct supervisor *supervisor, enum ipc_role role) {
	for (size_t i = 0; i < supervisor->process_count; i++)
		if (supervisor->processes[i].row->role == role)
			return &supervisor->processes[i];
	return nullptr;
}

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
	process->started_ms = supervisor_now_ms();
	process->stop_by_ms = 0;
	process->last_words[0] = '\0';
	log_info("started the %s as process %d", process_name(process), (int)process->pid);
	return OK;
}

/* A failure to hand over is a process that ended at once: its end comes with SIGCHLD. */
static void
child_start(struct supervisor *supervisor, struct process *process) {
	enum status status = spawn(supervisor, process);
	if (status == OK)
		status = hand_over(supervisor, process);
	if (status == OK)
		status = hand_channels(supervisor, process);
	if (status == OK)
		status = hand_plain(process, IPC_CONTROL_START, 0);
	if (status == OK)
		return;
	log_error("the %s could not be started: %s", process_name(process), fail_message());
	if (process->state == STOPPED)
		process->start_at_ms = supervisor_now_ms() + BACK_OFF_MAX_MS;
	else
		kill(process->pid, SIGKILL);
}

enum status
children_start(struct supervisor *supervisor) {
	for (size_t i = 0; i < supervisor->process_count; i++) {
		TRY(spawn(supervisor, &supervisor->processes[i]));
		TRY(hand_over(supervisor, &supervisor->processes[i]));
	}
	TRY(hand_channels(supervisor, nullptr)); /* before the word to start */
	for (size_t i = 0; i < supervisor->process_count; i++)
		TRY(hand_plain(&supervisor->processes[i], IPC_CONTROL_START, 0));
	return OK;
}

void
child_stop(struct process *process) {
	if (process->state == STOPPED || process->stop_by_ms != 0)
		return;
	process->stop_by_ms = supervisor_now_ms() + STOP_MS;
	if (hand_plain(process, IPC_CONTROL_STOP, 0) != OK)
		kill(process->pid, SIGKILL);
}

void
children_stop_next(struct supervisor *supervisor) {
	for (size_t i = 0; i < supervisor->process_count; i++)
		if (supervisor->processes[i].state != STOPPED) {
			child_stop(&supervisor->processes[i]);
			return;
		}
}

bool
children_are_stopped(const struct supervisor *supervisor) {
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
		children_stop_next(supervisor);
		return;
	}
	bool is_renewed = process->is_renewed;
	process->is_renewed = false;
	if ((process->row->ends_when_done || is_renewed) && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		process->failures = 0;
		process->start_at_ms = supervisor_now_ms();
		return;
	}
	char how[64];
	if (WIFSIGNALED(status))
		snprintf(how, sizeof how, "signal %d", WTERMSIG(status));
	else
		snprintf(how, sizeof how, "exit status %d", WEXITSTATUS(status));
	if (supervisor_now_ms() - process->started_ms >= STEADY_MS)
		process->failures = 0;
	int64_t delay = back_off_ms(process);
	process->failures++;
	process->start_at_ms = supervisor_now_ms() + delay;
	log_error("the %s ended (%s)%s%s; it starts again in %lld ms", process_name(process), how,
		  process->last_words[0] == '\0' ? "" : ": ", process->last_words, (long long)delay);
}

void
children_reap(struct supervisor *supervisor) {
	int status;
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
		for (size_t i = 0; i < supervisor->process_count; i++)
			if (supervisor->processes[i].pid == pid && supervisor->processes[i].state != STOPPED)
				note_end(supervisor, &supervisor->processes[i], status);
}

void
children_kill(struct supervisor *supervisor) {
	for (size_t i = 0; i < supervisor->process_count; i++) {
		struct process *process = &supervisor->processes[i];
		if (process->state == STOPPED)
			continue;
		kill(process->pid, SIGKILL);
		waitpid(process->pid, nullptr, 0);
		close(process->control);
	}
}

void
children_do_what_is_due(struct supervisor *supervisor, int64_t now) {
	for (size_t i = 0; i < supervisor->process_count; i++) {
		struct process *process = &supervisor->processes[i];
		if (process->state == STOPPED && !supervisor->stopping && now >= process->start_at_ms)
			child_start(supervisor, process);
		else if (process->state != STOPPED && process->stop_by_ms != 0 && now >= process->stop_by_ms) {
			log_error("the %s did not stop in time", process_name(process));
			process->stop_by_ms = now + STOP_MS;
			kill(process->pid, SIGKILL);
		}
	}
}
