#include "supervisor/call_filter.h"

#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

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
	SCMP_SYS(shutdown),
	SCMP_SYS(getsockopt),
	-1,
};

static const int ACCEPTING[] = {SCMP_SYS(accept4), -1};
static const int CONNECTED[] = {SCMP_SYS(setsockopt), SCMP_SYS(getpeername), SCMP_SYS(getsockname), -1};
/* add_socket_rules() says which sockets, Landlock to which ports. */
static const int CONNECTING[] = {SCMP_SYS(connect), -1};

/* Landlock holds them to the directory that is the process's own. */
static const int FILES[] = {
	SCMP_SYS(openat),    SCMP_SYS(open),      SCMP_SYS(pwrite64),
	SCMP_SYS(fsync),     SCMP_SYS(fdatasync), SCMP_SYS(ftruncate),
	SCMP_SYS(fallocate), SCMP_SYS(flock),     SCMP_SYS(rename),
	SCMP_SYS(renameat),  SCMP_SYS(renameat2), SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),  SCMP_SYS(stat),      SCMP_SYS(lstat),
	SCMP_SYS(statx),     SCMP_SYS(fchmod),    -1,
};

/* More that is done with files, and threads. */
static const int KEEPER[] = {
	SCMP_SYS(preadv),
	SCMP_SYS(pwritev),
	SCMP_SYS(sync_file_range),
	SCMP_SYS(fadvise64),
	SCMP_SYS(mkdir),
	SCMP_SYS(mkdirat),
	SCMP_SYS(rmdir),
	SCMP_SYS(getdents64),
	SCMP_SYS(fstatfs),
	SCMP_SYS(access),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(getcwd),
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

static const int WITNESS[] = {SCMP_SYS(signalfd4), -1};

constexpr size_t SETS_MAX = 4;

struct call_role {
	enum ipc_role role;
	const int *allowed[SETS_MAX]; /* beside ANY_PROCESS */
	bool has_threads;
	bool connects; /* by TCP, to the ports that are given, if any */
};

/* Connections come to the gateway through listeners that it was given; it makes some itself only where other keepers are
 * configured. The worker computes: what it needs it has before, and memory. */
static const struct call_role roles[] = {
	{IPC_ROLE_GATEWAY, {ACCEPTING, CONNECTED}, .connects = true},
	{IPC_ROLE_KEEPER, {FILES, KEEPER}, .has_threads = true},
	{IPC_ROLE_FETCH, {CONNECTED}, .connects = true},
	{IPC_ROLE_WITNESS, {ACCEPTING, CONNECTED, FILES, WITNESS}},
	{IPC_ROLE_WORKER},
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
	SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register),
	SCMP_SYS(mount),
	SCMP_SYS(umount2),
	SCMP_SYS(move_mount),
	SCMP_SYS(open_tree),
	SCMP_SYS(mount_setattr),
	SCMP_SYS(fsopen),
	SCMP_SYS(fsconfig),
	SCMP_SYS(fsmount),
	SCMP_SYS(fspick),
	SCMP_SYS(setns),
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
	SCMP_SYS(name_to_handle_at),
	SCMP_SYS(fanotify_init),
	SCMP_SYS(syslog),
	SCMP_SYS(vhangup),
	SCMP_SYS(move_pages),
	SCMP_SYS(migrate_pages),
	SCMP_SYS(modify_ldt),
	SCMP_SYS(settimeofday),
	SCMP_SYS(clock_settime),
	SCMP_SYS(sethostname),
	SCMP_SYS(setdomainname),
	SCMP_SYS(iopl),
	SCMP_SYS(ioperm),
	SCMP_SYS(personality),
	-1,
};

const struct call_role *
call_role_find(enum ipc_role role) {
	for (size_t i = 0; i < ARRAY_LENGTH(roles); i++)
		if (roles[i].role == role)
			return &roles[i];
	return nullptr;
}

bool
call_role_connects(const struct call_role *role) {
	return role->connects;
}

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

/* MSG_FASTOPEN connects as it sends, and Landlock, which holds connect() to its ports, does not look at it. */
static int
add_sending_rules(scmp_filter_ctx filter) {
	int error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(sendto), 1,
				     SCMP_A3(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0));
	if (error == 0)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(sendmsg), 1,
					 SCMP_A2(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0));
	return error;
}

static int
add_role_rules(scmp_filter_ctx filter, const struct call_role *role, bool connects) {
	int error = add_all(filter, SCMP_ACT_ALLOW, ANY_PROCESS);
	for (size_t i = 0; i < SETS_MAX && role->allowed[i] != nullptr && error == 0; i++)
		error = add_all(filter, SCMP_ACT_ALLOW, role->allowed[i]);
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
	if (error == 0)
		error = add_sending_rules(filter);
	if (error == 0 && connects)
		error = add_all(filter, SCMP_ACT_ALLOW, CONNECTING);
	return error;
}

/* Sockets under which there is no port, and memory that is both written and run: no process needs them, and none is started that does. */
static int
add_refusals_to_all(scmp_filter_ctx filter) {
	const uint64_t both = PROT_WRITE | PROT_EXEC;
	int error = add_all(filter, SCMP_ACT_ERRNO(EPERM), REFUSED_TO_ALL);
	if (error == 0)
		error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
					 SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, SOCK_RAW));
	if (error == 0)
		error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
					 SCMP_A0(SCMP_CMP_EQ, AF_PACKET));
	if (error == 0)
		error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(mmap), 1,
					 SCMP_A2(SCMP_CMP_MASKED_EQ, both, both));
	if (error == 0)
		error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(mprotect), 1,
					 SCMP_A2(SCMP_CMP_MASKED_EQ, both, both));
	return error;
}

int
call_filter_load(const struct call_role *role, bool connects) {
	scmp_filter_ctx filter = seccomp_init(role == nullptr ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPERM));
	if (filter == nullptr)
		return -ENOMEM;
	int error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (error == 0)
		error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a binary tree */
	if (error == 0)
		error = role == nullptr ? add_refusals_to_all(filter) : add_role_rules(filter, role, connects);
	if (error == 0)
		error = seccomp_load(filter);
	seccomp_release(filter);
	return error;
}
