#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "supervisor/confine.h"

static int
result_of(long result) {
	return result < 0 ? errno : 0;
}

/* Things that are on every system and that every user may do unless he is confined: nobody can prepare another
 * answer. */

static int
try_open(void) {
	return result_of(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static int
try_write(void) {
	return result_of(open("/dev/null", O_WRONLY | O_CLOEXEC));
}

static int
try_socket(void) {
	return result_of(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int
try_datagram(void) {
	return result_of(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

/* Without the right to, EPERM comes of that: who may not is not who is confined. */
static int
try_raw_socket(void) {
	return result_of(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP));
}

/* A port that no configuration names (tcpmux). */
static int
try_connect(void) {
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(1), .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (descriptor < 0)
		return errno;
	int error = result_of(connect(descriptor, (const struct sockaddr *)&address, sizeof address));
	close(descriptor);
	return error;
}

/* The same in one call, and in the other that can. */
static int
try_connect_by(bool by_message) {
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(1), .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct iovec data = {"x", 1};
	struct msghdr message = {
		.msg_name = &address, .msg_namelen = sizeof address, .msg_iov = &data, .msg_iovlen = 1};
	int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), flags = MSG_FASTOPEN | MSG_NOSIGNAL;
	if (descriptor < 0)
		return errno;
	int error = result_of(
		by_message ? sendmsg(descriptor, &message, flags)
			   : sendto(descriptor, "x", 1, flags, (const struct sockaddr *)&address, sizeof address));
	close(descriptor);
	return error;
}

static int
try_connect_as_it_sends(void) {
	return try_connect_by(false);
}

static int
try_connect_by_message(void) {
	return try_connect_by(true);
}

static int
try_ptrace(void) {
	/* Reads from a process that is not traced: ESRCH where nothing refuses it. */
	return result_of(ptrace(PTRACE_PEEKUSER, getppid(), nullptr, nullptr));
}

static int
try_read_memory(void) {
	char byte;
	struct iovec here = {&byte, 1};
	return result_of(process_vm_readv(getpid(), &here, 1, &here, 1, 0));
}

static int
try_exec(void) {
	char *const none[] = {nullptr};
	return result_of(execve("", none, none));
}

static int
try_fork(void) {
	pid_t child = fork();
	if (child == 0)
		_exit(0);
	return result_of(child);
}

static int
try_signal(void) {
	return result_of(kill(getppid(), 0));
}

static int
try_code(void) {
	void *memory = mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return errno;
	munmap(memory, 4096);
	return 0;
}

static const struct confine_attempt attempts[] = {
	{"open", try_open},
	{"write", try_write, .is_of_supervisor = true},
	{"socket", try_socket, .is_connecting = true},
	{"datagram socket", try_datagram},
	{"raw socket", try_raw_socket, .is_of_supervisor = true},
	{"connect", try_connect},
	{"connect as it sends", try_connect_as_it_sends},
	{"connect by a message", try_connect_by_message},
	{"ptrace", try_ptrace, .is_of_supervisor = true},
	{"exec", try_exec},
	{"read memory", try_read_memory, .is_of_supervisor = true},
	{"fork", try_fork},
	{"signal", try_signal},
	{"run code", try_code, .is_of_supervisor = true},
};

const struct confine_attempt *
confine_attempts(size_t *count) {
	*count = ARRAY_LENGTH(attempts);
	return attempts;
}

enum status
confine_verify(enum ipc_role role, bool connects) {
	for (size_t i = 0; i < ARRAY_LENGTH(attempts); i++) {
		if ((attempts[i].is_connecting && connects) ||
		    (role == IPC_ROLE_SUPERVISOR && !attempts[i].is_of_supervisor))
			continue;
		int error = attempts[i].try();
		if (error != EPERM && error != EACCES)
			return fail(STATUS_DENIED,
				    "confine.not_refused: %s in the %s: errno %d, expected EPERM or EACCES",
				    attempts[i].name, ipc_role_name(role), error);
	}
	return OK;
}
