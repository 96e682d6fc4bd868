#include "supervisor/confine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BUILT_WITH_SANITIZERS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define BUILT_WITH_SANITIZERS 1
#endif
#endif
#ifdef BUILT_WITH_SANITIZERS
static const bool built_with_sanitizers = true;
#else
static const bool built_with_sanitizers = false;
#endif

/* --- What each role may ask the kernel for --- */

/* Everything but these is answered EPERM. A set ends in −1. */
static const int ANY_PROCESS[] = {
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(pread64),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(close),
	SCMP_SYS(lseek),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(fcntl),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(brk),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_getres),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(nanosleep),
	SCMP_SYS(getrandom),
	SCMP_SYS(futex),
	SCMP_SYS(sched_yield),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rseq),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(getppid),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getegid),
	SCMP_SYS(uname),
	SCMP_SYS(getrusage),
	SCMP_SYS(sysinfo),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(sendmsg),
	SCMP_SYS(shutdown),
	SCMP_SYS(getsockopt),
	-1,
};

/* Connections come to it through listeners that it was given; it makes some itself only where other keepers are configured
 * (CONNECTING), to their ports. */
static const int GATEWAY[] = {
	SCMP_SYS(accept4), SCMP_SYS(setsockopt), SCMP_SYS(getpeername), SCMP_SYS(getsockname), -1,
};

/* Files, which Landlock holds to its data directory, and threads. */
static const int KEEPER[] = {
	SCMP_SYS(openat),
	SCMP_SYS(open),
	SCMP_SYS(pwrite64),
	SCMP_SYS(preadv),
	SCMP_SYS(pwritev),
	SCMP_SYS(fsync),
	SCMP_SYS(fdatasync),
	SCMP_SYS(sync_file_range),
	SCMP_SYS(ftruncate),
	SCMP_SYS(fallocate),
	SCMP_SYS(fadvise64),
	SCMP_SYS(flock),
	SCMP_SYS(rename),
	SCMP_SYS(renameat),
	SCMP_SYS(renameat2),
	SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),
	SCMP_SYS(mkdir),
	SCMP_SYS(mkdirat),
	SCMP_SYS(rmdir),
	SCMP_SYS(getdents64),
	SCMP_SYS(stat),
	SCMP_SYS(lstat),
	SCMP_SYS(statx),
	SCMP_SYS(fstatfs),
	SCMP_SYS(access),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(getcwd),
	SCMP_SYS(fchmod),
	SCMP_SYS(umask),
	SCMP_SYS(utimensat),
	SCMP_SYS(link),
	SCMP_SYS(linkat),
	SCMP_SYS(epoll_create1),
	SCMP_SYS(eventfd2),
	SCMP_SYS(pipe2),
	SCMP_SYS(timerfd_create),
	SCMP_SYS(timerfd_settime),
	SCMP_SYS(memfd_secret),
	SCMP_SYS(mlock),
	SCMP_SYS(mlock2),
	SCMP_SYS(munlock),
	SCMP_SYS(adjtimex),
	SCMP_SYS(clock_adjtime),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(set_tid_address),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(membarrier),
	-1,
};

/* Connections that it makes itself: add_socket_rules() says which sockets, Landlock to which port. */
static const int FETCH[] = {
	SCMP_SYS(setsockopt),
	SCMP_SYS(getpeername),
	SCMP_SYS(getsockname),
	-1,
};
static const int CONNECTING[] = {SCMP_SYS(connect), -1};

/* Files, which Landlock holds to its own directory, and connections that come to the listener it has. */
static const int WITNESS[] = {
	SCMP_SYS(accept4),
	SCMP_SYS(setsockopt),
	SCMP_SYS(getpeername),
	SCMP_SYS(getsockname),
	SCMP_SYS(signalfd4),
	SCMP_SYS(openat),
	SCMP_SYS(open),
	SCMP_SYS(pwrite64),
	SCMP_SYS(fsync),
	SCMP_SYS(fdatasync),
	SCMP_SYS(ftruncate),
	SCMP_SYS(fallocate),
	SCMP_SYS(flock),
	SCMP_SYS(rename),
	SCMP_SYS(renameat),
	SCMP_SYS(renameat2),
	SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),
	SCMP_SYS(stat),
	SCMP_SYS(lstat),
	SCMP_SYS(statx),
	SCMP_SYS(fchmod),
	-1,
};

/* It computes: what it needs it has before, and memory. */
static const int WORKER[] = {-1};

struct role {
	enum ipc_role role;
	const int *allowed; /* beside ANY_PROCESS */
	bool has_threads;
	bool connects; /* by TCP, to the ports that are given, if any */
};

static const struct role roles[] = {
	{IPC_ROLE_GATEWAY, GATEWAY, false, true}, {IPC_ROLE_KEEPER, KEEPER, true, false},
	{IPC_ROLE_FETCH, FETCH, false, true},     {IPC_ROLE_WITNESS, WITNESS, false, false},
	{IPC_ROLE_WORKER, WORKER, false, false},
};

/* What the supervisor and all that it starts go without; it must itself start processes, so its list says what is
 * refused. */
static const int REFUSED_TO_ALL[] = {
	SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(process_madvise),
	SCMP_SYS(kcmp),
	SCMP_SYS(pidfd_getfd),
	SCMP_SYS(bpf),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(userfaultfd),
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(init_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(delete_module),
	SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load),
	SCMP_SYS(mount),
	SCMP_SYS(umount2),
	SCMP_SYS(pivot_root),
	SCMP_SYS(chroot),
	SCMP_SYS(swapon),
	SCMP_SYS(swapoff),
	SCMP_SYS(reboot),
	SCMP_SYS(acct),
	SCMP_SYS(quotactl),
	SCMP_SYS(add_key),
	SCMP_SYS(keyctl),
	SCMP_SYS(request_key),
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(settimeofday),
	SCMP_SYS(clock_settime),
	SCMP_SYS(sethostname),
	SCMP_SYS(setdomainname),
	SCMP_SYS(iopl),
	SCMP_SYS(ioperm),
	SCMP_SYS(personality),
	-1,
};

static const struct role *
find_role(enum ipc_role role) {
	for (size_t i = 0; i < ARRAY_LENGTH(roles); i++)
		if (roles[i].role == role)
			return &roles[i];
	return nullptr;
}

/* --- seccomp --- */

static int
add_all(scmp_filter_ctx filter, uint32_t action, const int *calls) {
	int error = 0;
	for (; *calls != -1 && error == 0; calls++)
		error = seccomp_rule_add(filter, action, *calls, 0);
	return error;
}

/* Memory that is both written and run is what an exploit needs first. */
static int
add_memory_rules(scmp_filter_ctx filter) {
	int error =
		seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (error == 0)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
					 SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return error;
}

/* abort() and pthread_kill() in this process; no other. */
static int
add_signal_rules(scmp_filter_ctx filter) {
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_EQ, (uint64_t)getpid()));
}

/* libuv makes descriptors non-blocking with it. */
static int
add_ioctl_rules(scmp_filter_ctx filter) {
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, 0x5421 /* FIONBIO */));
}

/* clone3() hides its flags in memory; the C library falls back to clone(), whose flags can be seen. */
static int
add_thread_rules(scmp_filter_ctx filter, bool has_threads) {
	if (!has_threads)
		return 0;
	int error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (error == 0)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
					 SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
	if (error == 0)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME));
	return error;
}

/* Stream sockets of the internet, whatever flags the type carries: Landlock knows ports of TCP only. */
static int
add_socket_rules(scmp_filter_ctx filter, bool connects) {
	static const uint64_t families[] = {AF_INET, AF_INET6}, protocols[] = {0 /* of streams: TCP */, IPPROTO_TCP};
	int error = 0;
	for (size_t i = 0; connects && error == 0 && i < ARRAY_LENGTH(families) * ARRAY_LENGTH(protocols); i++)
		error = seccomp_rule_add(
			filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 3, SCMP_A0(SCMP_CMP_EQ, families[i % 2]),
			SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, SOCK_STREAM), SCMP_A2(SCMP_CMP_EQ, protocols[i / 2]));
	return error;
}

static int
add_role_rules(scmp_filter_ctx filter, const struct role *role, bool connects) {
	int error = add_all(filter, SCMP_ACT_ALLOW, ANY_PROCESS);
	if (error == 0)
		error = add_all(filter, SCMP_ACT_ALLOW, role->allowed);
	if (error == 0)
		error = add_memory_rules(filter);
	if (error == 0)
		error = add_signal_rules(filter);
	if (error == 0)
		error = add_ioctl_rules(filter);
	if (error == 0)
		error = add_thread_rules(filter, role->has_threads);
	if (error == 0)
		error = add_socket_rules(filter, connects);
	if (error == 0 && connects)
		error = add_all(filter, SCMP_ACT_ALLOW, CONNECTING);
	return error;
}

/* role null: the supervisor's list of what is refused. */
static int
load_filter(const struct role *role, bool connects) {
	scmp_filter_ctx filter = seccomp_init(role == nullptr ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPERM));
	if (filter == nullptr)
		return -ENOMEM;
	int error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (error == 0)
		error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a binary tree */
	if (error == 0)
		error = role == nullptr ? add_all(filter, SCMP_ACT_ERRNO(EPERM), REFUSED_TO_ALL)
					: add_role_rules(filter, role, connects);
	if (error == 0)
		error = seccomp_load(filter);
	seccomp_release(filter);
	return error;
}

/* --- Landlock --- */

/* What each version of the kernel's interface can restrict; headers older than the kernel do not name it all. */
constexpr uint64_t FILE_RIGHTS =
	LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE;
constexpr uint64_t ALL_RIGHTS_1 = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
constexpr uint64_t RIGHT_REFER = UINT64_C(1) << 13;     /* from version 2 */
constexpr uint64_t RIGHT_TRUNCATE = UINT64_C(1) << 14;  /* 3 */
constexpr uint64_t RIGHT_IOCTL_DEV = UINT64_C(1) << 15; /* 5 */
constexpr uint64_t NET_BIND_AND_CONNECT = 3;            /* 4 */
constexpr uint64_t NET_CONNECT = 2;
constexpr int VERSION_OF_NET = 4;
constexpr int RULE_NET_PORT = 2;
constexpr uint64_t SCOPE_SOCKETS_AND_SIGNALS = 3; /* 6 */

struct landlock_rules {
	uint64_t files;
	uint64_t network;
	uint64_t scope;
};

static int
landlock_version(void) {
	long version = syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
	return version < 0 ? 0 : (int)version;
}

static struct landlock_rules
rules_of_version(int version) {
	return (struct landlock_rules){
		.files = ALL_RIGHTS_1 | (version >= 2 ? RIGHT_REFER : 0) | (version >= 3 ? RIGHT_TRUNCATE : 0) |
			 (version >= 5 ? RIGHT_IOCTL_DEV : 0),
		.network = version >= VERSION_OF_NET ? NET_BIND_AND_CONNECT : 0,
		.scope = version >= 6 ? SCOPE_SOCKETS_AND_SIGNALS : 0,
	};
}

static enum status
allow_path(int ruleset, const char *path, uint64_t rights) {
	int descriptor = open(path, O_PATH | O_CLOEXEC);
	struct stat stat;
	if (descriptor < 0)
		return fail_errno(STATUS_UNAVAILABLE, "confine.path: %s", path);
	if (fstat(descriptor, &stat) != 0) {
		close(descriptor);
		return fail_errno(STATUS_UNAVAILABLE, "confine.path: %s", path);
	}
	if (!S_ISDIR(stat.st_mode))
		rights &= FILE_RIGHTS | RIGHT_TRUNCATE;
	struct landlock_path_beneath_attr beneath = {.allowed_access = rights, .parent_fd = descriptor};
	long result = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
	close(descriptor);
	return result == 0 ? OK : fail_errno(STATUS_UNAVAILABLE, "confine.landlock: a rule for %s", path);
}

static enum status
add_paths(int ruleset, const struct confine_request *request, uint64_t rights) {
	for (size_t i = 0; i < CONFINE_PATHS_MAX && request->read_write[i] != nullptr; i++)
		TRY(allow_path(ruleset, request->read_write[i], rights & ~LANDLOCK_ACCESS_FS_EXECUTE));
	for (size_t i = 0; i < CONFINE_PATHS_MAX && request->read_only[i] != nullptr; i++)
		TRY(allow_path(ruleset, request->read_only[i],
			       LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR));
	return OK;
}

/* struct landlock_net_port_attr of newer headers */
struct port_rule {
	uint64_t allowed_access;
	uint64_t port;
};

static enum status
add_ports(int ruleset, const uint16_t ports[CONFINE_PORTS_MAX]) {
	for (size_t i = 0; i < CONFINE_PORTS_MAX && ports[i] != 0; i++) {
		struct port_rule rule = {NET_CONNECT, ports[i]};
		if (syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &rule, 0) != 0)
			return fail_errno(STATUS_UNAVAILABLE, "confine.landlock: a rule for port %u", ports[i]);
	}
	return OK;
}

static enum status
enter_landlock(const struct confine_request *request, int version) {
	struct landlock_rules rules = rules_of_version(version);
	int ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);
	if (ruleset < 0)
		return fail_errno(STATUS_UNAVAILABLE, "confine.landlock: version %d", version);
	enum status status = add_paths(ruleset, request, rules.files);
	if (status == OK && rules.network != 0)
		status = add_ports(ruleset, request->connect_ports);
	if (status == OK && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
		status = fail_errno(STATUS_UNAVAILABLE, "confine.landlock: entering it");
	close(ruleset);
	return status;
}

/* --- Attempts that must be refused --- */

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
	{"open", try_open, false},       {"write", try_write, false},
	{"socket", try_socket, true},    {"datagram socket", try_datagram, false},
	{"connect", try_connect, false}, {"ptrace", try_ptrace, false},
	{"exec", try_exec, false},       {"read memory", try_read_memory, false},
	{"fork", try_fork, false},       {"signal", try_signal, false},
	{"run code", try_code, false},
};

const struct confine_attempt *
confine_attempts(size_t *count) {
	*count = ARRAY_LENGTH(attempts);
	return attempts;
}

enum status
confine_verify(enum ipc_role role, bool connects) {
	for (size_t i = 0; i < ARRAY_LENGTH(attempts); i++) {
		if (attempts[i].is_connecting && connects)
			continue;
		int error = attempts[i].try();
		if (error != EPERM && error != EACCES)
			return fail(STATUS_DENIED,
				    "confine.not_refused: %s in the %s: errno %d, expected EPERM or EACCES",
				    attempts[i].name, ipc_role_name(role), error);
	}
	return OK;
}

/* --- Entering --- */

static void
note_lack(struct confinement *result, const char *what) {
	size_t used = strlen(result->lacks);
	snprintf(result->lacks + used, sizeof result->lacks - used, "%s%s", used == 0 ? "" : "; ", what);
	result->degraded = true;
}

/* An empty network namespace has the loopback interface and nothing else. */
static bool
has_network(void) {
	char line[512];
	int lines = 0;
	FILE *interfaces = fopen("/proc/self/net/dev", "re");
	if (interfaces == nullptr)
		return true;
	while (fgets(line, sizeof line, interfaces) != nullptr)
		lines++;
	fclose(interfaces);
	return lines > 3; /* two of headings */
}

static size_t
count_threads(void) {
	DIR *tasks = opendir("/proc/self/task");
	size_t count = 0;
	if (tasks == nullptr)
		return 0;
	for (const struct dirent *entry; (entry = readdir(tasks)) != nullptr;)
		count += entry->d_name[0] != '.';
	closedir(tasks);
	return count;
}

/* Shared by all roles: no new privileges, no core dump, not to be traced. */
static enum status
enter_process_limits(void) {
	struct rlimit none = {};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    setrlimit(RLIMIT_CORE, &none) != 0)
		return fail_errno(STATUS_UNAVAILABLE, "confine.process: no_new_privs, dumpable and core size");
	return OK;
}

static enum status
lack(const struct confine_request *request, struct confinement *result, const char *what) {
	if (!request->degraded_allowed)
		return fail(STATUS_UNAVAILABLE, "confine.%s", what);
	log_warning("the %s runs without full confinement: %s", ipc_role_name(request->role), what);
	note_lack(result, what);
	return OK;
}

enum status
confine_enter(const struct confine_request *request, struct confinement *result) {
	*result = (struct confinement){};
	if (built_with_sanitizers) {
		note_lack(result, "sanitizers: this build confines nothing");
		log_warning("the %s is not confined: this build has sanitizers", ipc_role_name(request->role));
		return OK;
	}
	bool is_supervisor = request->role == IPC_ROLE_SUPERVISOR;
	const struct role *role = find_role(request->role);
	if (role == nullptr && !is_supervisor)
		return fail(STATUS_INTERNAL, "confine.role: the table has no %s", ipc_role_name(request->role));
	if (count_threads() > 1)
		return fail(STATUS_INTERNAL, "confine.threads: the process has threads already, which would stay free");
	bool connects = role != nullptr && role->connects && request->connect_ports[0] != 0;
	TRY(enter_process_limits());
	result->network_namespace = !has_network();
	result->landlock_abi = landlock_version();
	/* Children inherit Landlock, and the keeper's files are more than the supervisor's: it goes without. */
	if (!is_supervisor && result->landlock_abi == 0)
		TRY(lack(request, result, "landlock: the kernel has none"));
	else if (!is_supervisor) {
		TRY(enter_landlock(request, result->landlock_abi));
		result->landlock = true;
	}
	if (connects && result->landlock && result->landlock_abi < VERSION_OF_NET)
		TRY(lack(request, result, "landlock: the kernel holds no process to a port"));
	int error = load_filter(role, connects);
	if (error != 0)
		TRY(lack(request, result, "seccomp: the filter could not be loaded"));
	result->seccomp = error == 0;
	return is_supervisor || result->degraded ? OK : confine_verify(request->role, connects);
}

void
confine_write(struct json_writer *writer, const struct confinement *confinement) {
	json_write_object(writer);
	json_write_member_boolean(writer, "degraded", confinement->degraded);
	json_write_member_text(writer, "lacks", confinement->lacks);
	json_write_member_integer(writer, "landlock_abi", confinement->landlock_abi);
	json_write_member_boolean(writer, "network_namespace", confinement->network_namespace);
	json_write_member_boolean(writer, "seccomp", confinement->seccomp);
	json_write_end(writer);
}

bool
confine_leave_network(void) {
	return unshare(CLONE_NEWNET) == 0;
}
