/*
 * What the supervisor's files share: its processes, and the one struct supervisor. Everything in it belongs to the one thread.
 *
 *     supervisor.c   the loop: signals, messages, reloads, what is due
 *     children.c     starting the processes, seeing them end, stopping them
 *     handing.c      what each of them is handed over its control socket
 */
#ifndef GATEHOUSE_SUPERVISOR_INTERNAL_H
#define GATEHOUSE_SUPERVISOR_INTERNAL_H

#include <sys/types.h>

#include "base/ipc_control.h"
#include "base/secret.h"
#include "supervisor/opened.h"

constexpr size_t SUPERVISED_MAX = 4;

/* What a process is handed beside configuration and channels. */
enum handed { HANDED_PASSPHRASE = 1 << 0, HANDED_LISTENERS = 1 << 1, HANDED_TLS = 1 << 2 };

struct process_row {
	enum ipc_role role;
	unsigned handed;
	bool needs_network;
	bool (*is_needed)(const struct config *config); /* null: always */
	bool ends_when_done;                            /* and is started anew at once, without being a failure */
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
	struct ipc_control_message confined;   /* for the gateway, of its last READY; type NONE before the first */
};

struct supervisor {
	struct config *config;
	const char *path;
	struct process processes[SUPERVISED_MAX]; /* those that the configuration needed at the start */
	size_t process_count;
	int program;
	int signals;
	int notify;
	int64_t watchdog_ms, next_watchdog_ms;
	struct ipc_control_message confined; /* for the gateway: of the supervisor itself */
	struct opened opened;                /* for config */
	int peer_listener;                   /* −1: none */
	struct secret_region *protected;
	struct bytes passphrase; /* in the region */
	int64_t check_loss_ms;   /* when to see whether the keeper has outlived its channel; 0: no loss is open */
	bool ready;              /* was told to the manager */
	bool stopping;
	bool failed;
};

/* CLOCK_BOOTTIME now. */
int64_t supervisor_now_ms(void);

static inline const char *
process_name(const struct process *process) {
	return ipc_role_name(process->row->role);
}

/* --- children.c --- */

/* Chooses those that the configuration needs. */
void children_choose(struct supervisor *supervisor);
struct process *child_of_role(struct supervisor *supervisor, enum ipc_role role); /* null: it is not needed */
/* All are there before any is started in earnest. */
enum status children_start(struct supervisor *supervisor);
void child_stop(struct process *process);
/* One after the other: the gateway has answered what it can before the keeper is told. */
void children_stop_next(struct supervisor *supervisor);
bool children_are_stopped(const struct supervisor *supervisor);
/* Sees who has ended, and plans when they start again. */
void children_reap(struct supervisor *supervisor);
/* Starts again what waited for it, and ends what did not stop in time. */
void children_do_what_is_due(struct supervisor *supervisor, int64_t now);
/* Ends those that are left, at once. */
void children_kill(struct supervisor *supervisor);

/* --- handing.c --- */

enum status hand_plain(const struct process *process, enum ipc_control_type type, uint32_t value);
/* Everything but channels, before the word to start. */
enum status hand_over(struct supervisor *supervisor, const struct process *process);
/* New channels to every process that this one works with and that is there; process null: to all. */
enum status hand_channels(struct supervisor *supervisor, const struct process *process);
/* Each process is told what it has to do with of a new configuration; the keeper records its hash. */
enum status hand_configuration(struct supervisor *supervisor);

/* Tells the gateway how this process is confined, if that is new; where it is the gateway: how all others are. */
enum status hand_confinement(struct supervisor *supervisor, struct process *process,
			     const struct ipc_control_message *ready);

#endif
