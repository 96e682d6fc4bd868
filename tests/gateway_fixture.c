/*
 * The processes around a keeper that only echoes, in one program as the product has them:
 *
 *     gateway_fixture serve CONFIG      the supervisor, which starts
 *     gateway_fixture process ROLE      gateway, echo keeper and worker
 *
 * With HIDE_LANDLOCK in the environment all of them are on a system that has none.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/gateway.h"
#include "helpers/worker.h"
#include "supervisor/process.h"
#include "supervisor/supervisor.h"
#include "tests/echo_keeper.h"

/* A filter makes its first call unknown, here and in what is started from here. */
static bool
hide_landlock(void) {
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	bool hidden = filter != nullptr &&
		      seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(landlock_create_ruleset), 0) == 0 &&
		      seccomp_load(filter) == 0;
	seccomp_release(filter);
	return hidden;
}

int
main(int argc, char **argv) {
	if (argc == 3 && strcmp(argv[1], PROCESS_COMMAND) == 0) {
		switch (process_role_of_name(argv[2])) {
		case IPC_ROLE_GATEWAY:
			return gateway_main(IPC_CONTROL_DESCRIPTOR);
		case IPC_ROLE_KEEPER:
			return echo_keeper_main(IPC_CONTROL_DESCRIPTOR);
		case IPC_ROLE_WORKER:
			return worker_main(IPC_CONTROL_DESCRIPTOR);
		default:
			break;
		}
	} else if (argc == 3 && strcmp(argv[1], "serve") == 0) {
		struct config config = {};
		if (getenv("HIDE_LANDLOCK") != nullptr && !hide_landlock())
			return 1;
		if (config_read_file(argv[2], &config) == OK)
			return supervisor_main(&config, argv[2]);
		fprintf(stderr, "%s\n", fail_message());
		return 2;
	}
	fprintf(stderr, "usage: gateway_fixture serve CONFIG | process ROLE\n");
	return 2;
}
