/*
 * In the release build only: with sanitizers nothing is confined. Each test confines a child of its own, since there is
 * no way back, and the child's exit status says what came of it.
 */
#include "tests/test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "base/secret.h"
#include "supervisor/confine.h"

static char directory[] = "/tmp/gatehouse-confine.XXXXXX";
static char other_file[64];
static int listener;
static uint16_t witness_port;

#define CHECK(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			dprintf(STDERR_FILENO, "# line %d: %s: %s (errno %d)\n", __LINE__, #condition, fail_message(), \
				errno);                                                                                \
			_exit(1);                                                                                      \
		}                                                                                                      \
	} while (0)

static bool has_peers; /* a gateway of several keepers */

static struct confinement
confine(enum ipc_role role) {
	struct confinement result;
	struct confine_request request = {.role = role};
	if (role == IPC_ROLE_KEEPER) {
		request.read_write[0] = directory;
		request.read_only[0] = other_file;
	}
	if (role == IPC_ROLE_WITNESS || role == IPC_ROLE_SUPERVISOR)
		request.read_write[0] = directory;
	if (role == IPC_ROLE_FETCH || (role == IPC_ROLE_GATEWAY && has_peers))
		request.connect_ports[0] = witness_port;
	CHECK(confine_enter(&request, &result) == OK);
	CHECK(result.seccomp && !result.degraded && result.lacks[0] == '\0');
	return result;
}

static void
in_a_child(void (*work)(void)) {
	pid_t child = fork();
	int status;
	if (child == 0) {
		work();
		_exit(0);
	}
	assert_true(child > 0);
	assert_int_equal(child, waitpid(child, &status, 0));
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("the child ended with status 0x%x", (unsigned)status);
}

static void
try_everything(enum ipc_role role) {
	size_t count;
	const struct confine_attempt *attempts = confine_attempts(&count);
	bool connects = role == IPC_ROLE_FETCH || (role == IPC_ROLE_GATEWAY && has_peers);
	CHECK(confine(role).landlock);
	for (size_t i = 0; i < count; i++) {
		int error = attempts[i].try();
		if (attempts[i].is_connecting && connects) {
			CHECK(error == 0);
			continue;
		}
		if (error != EPERM && error != EACCES)
			dprintf(STDERR_FILENO, "# %s in the %s: errno %d\n", attempts[i].name, ipc_role_name(role),
				error);
		CHECK(error == EPERM || error == EACCES);
	}
}

static void
gateway_tries_everything(void) {
	try_everything(IPC_ROLE_GATEWAY);
}

static void
gateway_with_peers_tries_everything(void) {
	has_peers = true;
	try_everything(IPC_ROLE_GATEWAY);
}

static void
keeper_tries_everything(void) {
	try_everything(IPC_ROLE_KEEPER);
}

static void
fetch_tries_everything(void) {
	try_everything(IPC_ROLE_FETCH);
}

static void
witness_tries_everything(void) {
	try_everything(IPC_ROLE_WITNESS);
}

static void
worker_tries_everything(void) {
	try_everything(IPC_ROLE_WORKER);
}

static void
what_is_tried_is_refused_in_every_role(void **) {
	in_a_child(witness_tries_everything);
	in_a_child(fetch_tries_everything);
	in_a_child(gateway_tries_everything);
	in_a_child(gateway_with_peers_tries_everything);
	in_a_child(keeper_tries_everything);
	in_a_child(worker_tries_everything);
}

/* What starts the others: what nobody needs is refused to all of them by it. */
static void
supervisor_tries_everything(void) {
	size_t count, refused = 0;
	const struct confine_attempt *attempts = confine_attempts(&count);
	CHECK(confine(IPC_ROLE_SUPERVISOR).landlock);
	for (size_t i = 0; i < count; i++) {
		if (!attempts[i].is_of_supervisor)
			continue;
		int error = attempts[i].try();
		if (error != EPERM && error != EACCES)
			dprintf(STDERR_FILENO, "# %s in the supervisor: errno %d\n", attempts[i].name, error);
		CHECK(error == EPERM || error == EACCES);
		refused++;
	}
	CHECK(refused == 5);
}

/* Whom it did not start is out of reach of its signals, where the kernel's Landlock knows of them; whom it did start is not. */
static void
supervisor_signals(void) {
	struct confinement confinement = confine(IPC_ROLE_SUPERVISOR);
	pid_t child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	CHECK(kill(child, SIGKILL) == 0 && waitpid(child, nullptr, 0) == child);
	CHECK(confinement.landlock_abi < 6 || (kill(getppid(), 0) < 0 && errno == EPERM));
}

static void
supervisor_does_its_work(void) {
	char path[128];
	int pair[2];
	confine(IPC_ROLE_SUPERVISOR);
	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	int made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	CHECK(made >= 0 && bind(made, (const struct sockaddr *)&address, sizeof address) == 0 && listen(made, 1) == 0);
	CHECK(open(other_file, O_RDONLY | O_CLOEXEC) >= 0);
	CHECK(open(other_file, O_WRONLY | O_CLOEXEC) < 0 && errno == EACCES);
	CHECK(open("/tmp", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600) < 0 && errno == EACCES);
	CHECK(unlink(other_file) < 0 && errno == EACCES);
	snprintf(path, sizeof path, "%s/a", directory);
	CHECK(io_replace_file(io_system(), path, BYTES_OF_LITERAL("x")) == OK && unlink(path) == 0);
	pid_t child = fork();
	if (child == 0) {
		execl("/bin/true", "true", (char *)nullptr);
		_exit(1);
	}
	int status;
	CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void
the_supervisor_starts_programs_and_listens_and_writes_where_the_keeper_does(void **) {
	in_a_child(supervisor_tries_everything);
	in_a_child(supervisor_signals);
	in_a_child(supervisor_does_its_work);
}

/* Without it the attempts would prove nothing. */
static void
unconfined_tries_everything(void) {
	size_t count, done = 0;
	const struct confine_attempt *attempts = confine_attempts(&count);
	for (size_t i = 0; i < count; i++) {
		int error = attempts[i].try();
		done += error == 0 || error == ENOENT || error == ESRCH || error == ECONNREFUSED ||
			error == EOPNOTSUPP ||
			(error == EPERM && geteuid() != 0 && strcmp(attempts[i].name, "raw socket") == 0);
	}
	CHECK(done == count);
}

static void
what_is_tried_is_possible_without_confinement(void **) {
	in_a_child(unconfined_tries_everything);
}

static void
keeper_uses_its_directory(void) {
	char path[128], other[128];
	confine(IPC_ROLE_KEEPER);
	snprintf(path, sizeof path, "%s/a", directory);
	snprintf(other, sizeof other, "%s/b", directory);
	int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	CHECK(file >= 0);
	CHECK(pwrite(file, "x", 1, 0) == 1 && fdatasync(file) == 0 && ftruncate(file, 0) == 0);
	CHECK(posix_fallocate(file, 0, 4096) == 0 && close(file) == 0);
	CHECK(rename(path, other) == 0 && unlink(other) == 0 && mkdir(path, 0700) == 0 && rmdir(path) == 0);
	DIR *list = opendir(directory);
	CHECK(list != nullptr && readdir(list) != nullptr && closedir(list) == 0);
	file = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(file >= 0 && fsync(file) == 0 && close(file) == 0);
	CHECK(open(other_file, O_RDWR | O_CLOEXEC) < 0 && errno == EACCES);
	file = open(other_file, O_RDONLY | O_CLOEXEC);
	CHECK(file >= 0 && close(file) == 0);
}

static void
the_keeper_has_its_directory_and_what_it_may_read(void **) {
	in_a_child(keeper_uses_its_directory);
}

static void
witness_replaces_its_state(void) {
	char path[128], other[128];
	confine(IPC_ROLE_WITNESS);
	snprintf(path, sizeof path, "%s/a", directory);
	snprintf(other, sizeof other, "%s/b", directory);
	CHECK(io_replace_file(io_system(), path, BYTES_OF_LITERAL("x")) == OK);
	CHECK(rename(path, other) == 0 && unlink(other) == 0);
	CHECK(mkdir(path, 0700) < 0 && errno == EPERM);
	CHECK(open(other_file, O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES);
	CHECK(bind(listener, nullptr, 0) < 0 && errno == EPERM);
	CHECK(listen(listener, 1) < 0 && errno == EPERM);
	CHECK(connect(listener, nullptr, 0) < 0 && errno == EPERM);
	CHECK(fcntl(listener, F_SETFL, O_NONBLOCK) == 0);
	CHECK(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC) < 0 && errno == EAGAIN);
}

static void
the_witness_has_its_directory_and_its_listener(void **) {
	in_a_child(witness_replaces_its_state);
}

static void *
work_of_a_thread(void *result) {
	struct secret_region *region = nullptr;
	*(bool *)result = secret_region_create(&region, 32, 4) == OK && socket(AF_UNIX, SOCK_STREAM, 0) < 0 &&
			  open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0;
	secret_region_destroy(&region);
	return nullptr;
}

static void
keeper_starts_a_thread(void) {
	pthread_t thread;
	bool as_it_should = false;
	confine(IPC_ROLE_KEEPER);
	CHECK(pthread_create(&thread, nullptr, work_of_a_thread, &as_it_should) == 0);
	CHECK(pthread_join(thread, nullptr) == 0 && as_it_should);
}

static void
the_keepers_threads_are_confined_with_it_and_have_secret_memory(void **) {
	in_a_child(keeper_starts_a_thread);
}

static void
gateway_starts_a_thread(void) {
	pthread_t thread;
	bool unused;
	confine(IPC_ROLE_GATEWAY);
	CHECK(pthread_create(&thread, nullptr, work_of_a_thread, &unused) != 0);
}

static void
gateway_serves_a_listener_that_it_was_given(void) {
	int pair[2];
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	confine(IPC_ROLE_GATEWAY);
	CHECK(send(pair[0], "x", 1, 0) == 1 && recv(pair[1], (char[1]){}, 1, 0) == 1);
	CHECK(bind(pair[0], nullptr, 0) < 0 && errno == EPERM);
	CHECK(listen(pair[0], 1) < 0 && errno == EPERM);
	CHECK(connect(pair[0], nullptr, 0) < 0 && errno == EPERM);
}

static void
the_gateway_makes_neither_threads_nor_connections(void **) {
	in_a_child(gateway_starts_a_thread);
	in_a_child(gateway_serves_a_listener_that_it_was_given);
}

static int
connect_to(uint16_t port) {
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	CHECK(descriptor >= 0);
	int error = connect(descriptor, (const struct sockaddr *)&address, sizeof address) == 0 ? 0 : errno;
	close(descriptor);
	return error;
}

static void
connect_where_it_may(enum ipc_role role) {
	confine(role);
	CHECK(connect_to(witness_port) == EINPROGRESS);
	CHECK(connect_to((uint16_t)(witness_port ^ 1)) == EACCES);
	static const struct {
		int family, type, protocol;
	} refused[] = {
		{AF_UNIX, SOCK_STREAM, 0},
		{AF_INET, SOCK_DGRAM, 0},
		{AF_INET6, SOCK_DGRAM, 0},
		{AF_INET, SOCK_RAW, 1},
		{AF_INET, SOCK_STREAM, 262 /* MPTCP */},
		{AF_INET, SOCK_STREAM, 132 /* SCTP */},
		{AF_NETLINK, SOCK_RAW, 0},
		{AF_PACKET, SOCK_RAW, 0},
		{AF_VSOCK, SOCK_STREAM, 0},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(refused); i++)
		CHECK(socket(refused[i].family, refused[i].type | SOCK_CLOEXEC, refused[i].protocol) < 0 &&
		      errno == EPERM);
	int own = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(own >= 0);
	CHECK(bind(own, nullptr, 0) < 0 && errno == EPERM);
	CHECK(listen(own, 1) < 0 && errno == EPERM);
}

static void
fetch_connects(void) {
	connect_where_it_may(IPC_ROLE_FETCH);
}

static void
gateway_with_peers_connects(void) {
	has_peers = true;
	connect_where_it_may(IPC_ROLE_GATEWAY);
}

static void
fetch_starts_a_thread(void) {
	pthread_t thread;
	bool unused;
	confine(IPC_ROLE_FETCH);
	CHECK(pthread_create(&thread, nullptr, work_of_a_thread, &unused) != 0);
}

static void
fetch_and_a_gateway_with_peers_connect_by_tcp_to_one_port_and_nothing_else(void **) {
	in_a_child(fetch_connects);
	in_a_child(gateway_with_peers_connects);
	in_a_child(fetch_starts_a_thread);
}

static void *
wait_for_nothing(void *) {
	pause();
	return nullptr;
}

static void
a_thread_comes_first(void) {
	pthread_t thread;
	struct confinement result;
	struct confine_request request = {.role = IPC_ROLE_GATEWAY};
	CHECK(pthread_create(&thread, nullptr, wait_for_nothing, nullptr) == 0);
	CHECK(confine_enter(&request, &result) == STATUS_INTERNAL);
	CHECK(strncmp(fail_message(), "confine.threads:", 16) == 0);
}

static void
a_process_with_threads_is_refused(void **) {
	in_a_child(a_thread_comes_first);
}

static void
a_role_without_a_row_is_refused(void **) {
	struct confinement result;
	struct confine_request request = {.role = IPC_ROLE_WATCHER};
	assert_fails(STATUS_INTERNAL, "confine.role", confine_enter(&request, &result));
}

static void
a_path_is_missing(void) {
	struct confinement result;
	struct confine_request request = {.role = IPC_ROLE_KEEPER, .read_write = {"/nowhere"}};
	CHECK(confine_enter(&request, &result) == STATUS_UNAVAILABLE);
	CHECK(strncmp(fail_message(), "confine.path:", 13) == 0);
}

static void
a_directory_that_is_not_there_is_refused(void **) {
	in_a_child(a_path_is_missing);
}

/* A system without Landlock, played by a filter that makes its calls unknown. */
static void
hide_landlock(void) {
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	CHECK(filter != nullptr);
	CHECK(seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(landlock_create_ruleset), 0) == 0);
	CHECK(seccomp_load(filter) == 0);
	seccomp_release(filter);
}

static void
without_landlock(bool degraded_allowed) {
	struct confinement result;
	struct confine_request request = {.role = IPC_ROLE_GATEWAY, .degraded_allowed = degraded_allowed};
	hide_landlock();
	enum status status = confine_enter(&request, &result);
	if (!degraded_allowed) {
		CHECK(status == STATUS_UNAVAILABLE && strncmp(fail_message(), "confine.landlock:", 17) == 0);
		return;
	}
	CHECK(status == OK && result.degraded && result.seccomp && !result.landlock);
	CHECK(strncmp(result.lacks, "landlock:", 9) == 0);
}

static void
landlock_is_demanded(void) {
	without_landlock(false);
}

static void
landlock_is_done_without(void) {
	log_start("test", LOG_LEVEL_ERROR);
	without_landlock(true);
}

static void
a_system_without_landlock_is_refused_unless_degraded_is_configured(void **) {
	in_a_child(landlock_is_demanded);
	in_a_child(landlock_is_done_without);
}

static int
listen_somewhere(void) {
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof address;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (const struct sockaddr *)&address, sizeof address) != 0 ||
	    listen(listener, 8) != 0 || getsockname(listener, (struct sockaddr *)&address, &len) != 0)
		return -1;
	witness_port = ntohs(address.sin_port);
	return 0;
}

static int
make_files(void **) {
	if (mkdtemp(directory) == nullptr)
		return -1;
	snprintf(other_file, sizeof other_file, "%s.other", directory);
	int file = open(other_file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return file >= 0 && close(file) == 0 ? listen_somewhere() : -1;
}

static int
remove_files(void **) {
	return close(listener) | unlink(other_file) | rmdir(directory);
}

int
main(void) {
	const struct CMUnitTest tests[] = {
		T(what_is_tried_is_refused_in_every_role),
		T(the_supervisor_starts_programs_and_listens_and_writes_where_the_keeper_does),
		T(what_is_tried_is_possible_without_confinement),
		T(the_keeper_has_its_directory_and_what_it_may_read),
		T(the_witness_has_its_directory_and_its_listener),
		T(the_keepers_threads_are_confined_with_it_and_have_secret_memory),
		T(the_gateway_makes_neither_threads_nor_connections),
		T(fetch_and_a_gateway_with_peers_connect_by_tcp_to_one_port_and_nothing_else),
		T(a_process_with_threads_is_refused),
		T(a_role_without_a_row_is_refused),
		T(a_directory_that_is_not_there_is_refused),
		T(a_system_without_landlock_is_refused_unless_degraded_is_configured),
	};
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
