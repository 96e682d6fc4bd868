/*
 * One process of the installation as the supervisor starts it: this same program, exec'd with a role, under a user of
 * its own where that is possible, with a control socket and nothing else (base/ipc_control.h).
 */
#ifndef GATEHOUSE_SUPERVISOR_PROCESS_H
#define GATEHOUSE_SUPERVISOR_PROCESS_H

#include <sys/types.h>

#include "base/ipc_control.h"

/* The program is run as `gatehouse process ROLE`; its main() hands on to the role's. */
#define PROCESS_COMMAND "process"

struct process_start {
	enum ipc_role role;
	int program;        /* descriptor of the program's file */
	uint32_t user;      /* and group; 0: the caller's own */
	bool needs_network; /* others leave it behind where that is permitted */
};

/* *control receives our end of the control socket, which does not block: the caller's to close. */
enum status process_spawn(const struct process_start *start, pid_t *process, int *control);

/* The role of `gatehouse process ROLE`; IPC_ROLE_NONE if there is none of that name. */
enum ipc_role process_role_of_name(const char *name);

#endif
