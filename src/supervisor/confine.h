/*
 * What each process can no longer do once it has started: seccomp allow-lists (by role) over system calls, and Landlock
 * over files and TCP, under no_new_privs, without core dumps and without being traced. The table of roles: supervisor/call_filter.h.
 *
 * All processes inherit what the supervisor enters. It starts programs and listens, so that its filter lists what is refused, and its Landlock
 * leaves reading, running and ports alone: it writes to nothing but the directories that the keeper writes to.
 *
 * confine_enter() comes after start-up, before the first byte from outside is read, and before the process starts
 * threads: Landlock binds the calling thread and those that it starts later. It then tries what must be refused, and
 * fails if anything is not. Errors: STATUS_UNAVAILABLE "confine.*" where the system lacks something; with
 * `degraded_allowed` that is noted in the result and in the log instead. Builds with sanitizers confine nothing and say
 * so: their runtime needs what is forbidden. Sources: seccomp(2), landlock(7).
 */
#ifndef GATEHOUSE_SUPERVISOR_CONFINE_H
#define GATEHOUSE_SUPERVISOR_CONFINE_H

#include "base/ipc_control.h"

constexpr size_t CONFINE_PATHS_MAX = 8;
constexpr size_t CONFINE_PORTS_MAX =
	20; /* witnesses and receivers of notifications, or peers; and the 0 that ends them */

struct confine_request {
	enum ipc_role role;
	/* Directories and files that stay usable, all else being out of reach; each list ends in null. */
	const char *read_write[CONFINE_PATHS_MAX];
	const char *read_only[CONFINE_PATHS_MAX];
	uint16_t connect_ports
		[CONFINE_PORTS_MAX]; /* a role that may make TCP connections: to these ports alone; ends in 0 */
	bool degraded_allowed;       /* configured `confinement: degraded` */
};

struct confinement {
	bool seccomp;
	bool landlock;
	int landlock_abi;       /* of the kernel; 0: none */
	bool network_namespace; /* own and empty, made by the supervisor */
	bool degraded;          /* something of the above is missing that the role should have */
	char lacks[256];        /* what, in words; "" if nothing */
};

/* As an object of /healthz and /readyz. */
struct json_writer;
void confine_write(struct json_writer *writer, const struct confinement *confinement);
/* The same object as the text of a message, which is IPC_CONTROL_READY or _CONFINED; `value` is 1 if degraded. */
enum status confine_describe(const struct confinement *confinement, struct ipc_control_message *message);

enum status confine_enter(const struct confine_request *request, struct confinement *result);

/* Before exec of a role that needs no network: leaves the network behind where that is permitted. */
bool confine_leave_network(void);

/* Tries open, socket, connect, ptrace, exec and more, of the supervisor what it is refused; STATUS_DENIED "confine.not_refused" names the first that is not refused.
 * connects: the process may make connections, to some ports. */
enum status confine_verify(enum ipc_role role, bool connects);

/* One attempt of the kind that confine_verify() makes, for tests that show them one by one. */
struct confine_attempt {
	const char *name;
	/* 0: it was done; otherwise errno */
	int (*try)(void);
	bool is_connecting;    /* a process that may make connections may */
	bool is_of_supervisor; /* which may not, either */
};
const struct confine_attempt *confine_attempts(size_t *count);

#endif
