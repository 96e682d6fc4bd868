#include "supervisor/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "supervisor/confine.h"

/* What reaches the processes of the environment: the options of sanitizers, and that libuv keeps away from io_uring,
 * which confinement refuses. */
static char *const *
environment(void) {
	static const char *const passed[] = {"ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS"};
	static char texts[ARRAY_LENGTH(passed)][512], io_uring[] = "UV_USE_IO_URING=0";
	static char *list[ARRAY_LENGTH(passed) + 2];
	size_t count = 0;
	list[count++] = io_uring;
	for (size_t i = 0; i < ARRAY_LENGTH(passed); i++) {
		const char *value = getenv(passed[i]);
		if (value == nullptr)
			continue;
		snprintf(texts[i], sizeof texts[i], "%s=%s", passed[i], value);
		list[count++] = texts[i];
	}
	list[count] = nullptr;
	return list;
}

[[noreturn]] static void
give_up(const char *what) {
	dprintf(STDERR_FILENO, "<3>gatehouse: a process could not be started: %s: %s\n", what, strerror(errno));
	_exit(127);
}

static void
become_user(uint32_t user) {
	if (user == 0)
		return;
	if (setgroups(0, nullptr) != 0 || setresgid(user, user, user) != 0 || setresuid(user, user, user) != 0)
		give_up("changing the user");
	if (setresuid(0, 0, 0) == 0) {
		errno = EPERM;
		give_up("the change of user could be undone");
	}
}

/* Leaves the child with the standard streams (no input), the control socket as descriptor 3, and the program. */
static void
arrange_descriptors(const struct process_start *start, int control, int *program) {
	int null = open("/dev/null", O_RDONLY);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0)
		give_up("the standard input");
	/* Out of the way first: either may be one of the numbers that are aimed at. */
	int high = fcntl(control, F_DUPFD, 10);
	*program = fcntl(start->program, F_DUPFD, 10);
	if (high < 0 || *program < 0 || dup2(high, IPC_CONTROL_DESCRIPTOR) < 0 ||
	    dup2(*program, IPC_CONTROL_DESCRIPTOR + 1) < 0)
		give_up("the descriptors");
	*program = IPC_CONTROL_DESCRIPTOR + 1;
	if (fcntl(*program, F_SETFD, FD_CLOEXEC) != 0 || syscall(SYS_close_range, *program + 1, ~0U, 0) != 0)
		give_up("closing descriptors");
}

[[noreturn]] static void
run_child(const struct process_start *start, int control, pid_t supervisor) {
	char name[] = "gatehouse", command[] = PROCESS_COMMAND, role[32];
	char *const arguments[] = {name, command, role, nullptr};
	char *const *variables = environment();
	int program;
	snprintf(role, sizeof role, "%s", ipc_role_name(start->role));
	arrange_descriptors(start, control, &program);
	/* Without the right to, the process still cannot make sockets; that is for confinement to report. */
	if (!start->needs_network)
		(void)confine_leave_network();
	umask(S_IRWXG | S_IRWXO);
	become_user(start->user);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != supervisor)
		give_up("tying it to the supervisor");
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, nullptr);
	syscall(SYS_execveat, program, "", arguments, variables, AT_EMPTY_PATH);
	give_up("exec");
}

enum status
process_spawn(const struct process_start *start, pid_t *process, int *control) {
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return fail_errno(STATUS_IO, "process.control: of the %s", ipc_role_name(start->role));
	pid_t supervisor = getpid(), child = fork();
	if (child == 0)
		run_child(start, pair[1], supervisor);
	close(pair[1]);
	/* Ours does not block: a process that hangs must not hang its supervisor. */
	if (child < 0 || fcntl(pair[0], F_SETFL, O_NONBLOCK) != 0) {
		close(pair[0]); /* which ends a child that waits for its first message */
		return fail_errno(STATUS_IO, "process.fork: of the %s", ipc_role_name(start->role));
	}
	*process = child;
	*control = pair[0];
	return OK;
}

enum ipc_role
process_role_of_name(const char *name) {
	for (enum ipc_role role = IPC_ROLE_SUPERVISOR; role < IPC_ROLE_END; role++)
		if (strcmp(name, ipc_role_name(role)) == 0)
			return role;
	return IPC_ROLE_NONE;
}
